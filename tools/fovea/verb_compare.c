/* verb_compare.c: `fovea compare`: the same input through two ways of running a model, value by value: which step is the first that differs
 * too much, which is the worst. Listed in main.c. */
#include "compare.h"
#include "ports.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOX_CONF 0.25f
#define BOX_IOU 0.5

typedef struct job {
    const cli_args *a;
    side side[2];
    feeds feeds;
    fv_frame frame; /* of --image */
    comparison c;
} job;

static side *runner(job *j) { return &j->side[j->side[0].stored != NULL]; } /* a side that is run; parse saw to it that there is one */

static int read_picture(job *j, const char *path)
{
    fv_error err = {0};
    fv_source *s = NULL;
    const fv_media_api *media = cli_media(&err);
    if (!media) return cli_fail(j->a, FV_ERR_MEDIA, &err);
    fv_status st = media->source_open(&s, path, NULL, &err);
    if (st >= 0) {
        st = s->read(s, &j->frame, &err);
        s->close(s);
        if (st == FV_END || st == FV_PARTIAL) st = FV_ERR_INPUT;
    }
    return st < 0 ? cli_fail(j->a, st, &err) : EXIT_OK;
}

static fv_status open_detector(const side *s, fv_detector **out, fv_error *err)
{
    return fv_detector_create(out, s->ctx, s->model, FV_DETECT_OPTIONS(.conf = BOX_CONF), err);
}

/* --image: the picture as the model's own head wants it. */
static int feed_picture(job *j)
{
    fv_error err = {0};
    fv_detector *d = NULL;
    fv_tensor t = {0};
    int w, h;
    const side *s = runner(j);
    if (cli_count(j->a, "input")) return cli_usage(j->a, "--image and --input say the same thing; give one of them");
    int code = read_picture(j, cli_text(j->a, "image"));
    if (code) return code;
    fv_status st = open_detector(s, &d, &err);
    if (st >= 0) {
        fv_detector_input_size(d, &w, &h);
        ports_empty(&(fv_port){.dtype = FV_F32, .rank = 4, .dim = {1, 3, h, w}}, &t);
        st = fv_detector_prepare(d, &j->frame, &t, &err);
    }
    fv_detector_free(&d);
    if (st >= 0) return feeds_take(&j->feeds, 0, &t);
    free(t.data);
    return cli_fail(j->a, st, &err);
}

static int run_sides(job *j)
{
    for (int i = 0; i < 2; i++) {
        fv_error err = {0};
        side *s = &j->side[i];
        if (s->stored) continue;
        int code = side_session(s, j->a, &j->feeds);
        if (code) return code;
        fv_status st = feeds_set(&j->feeds, s->session, (uint64_t)cli_int(j->a, "seed", 1), &err);
        if (st >= 0) st = fv_session_run(s->session);
        if (st < 0) return cli_fail(j->a, st, &err);
    }
    return EXIT_OK;
}

/* Both sides have it: compare; the row is added. FV_END: B has it not. */
static fv_status compare_value(job *j, const fv_value_info *v, fv_error *err)
{
    comparison *c = &j->c;
    fv_tensor t[2] = {{0}, {0}};
    fv_status st = side_value(&j->side[0], &v->port, &t[0], err);
    if (st == FV_OK) st = side_value(&j->side[1], &v->port, &t[1], err);
    if (st == FV_OK) {
        compare_row *r = &c->rows[c->n_rows];
        *r = (compare_row){.name = v->port.name, .node = v->node, .op = v->op, .tactic = v->tactic, .port = v->port};
        difference_of(&r->d, &t[0], &t[1]);
        if (c->first < 0 && difference_exceeds(&r->d, c->tolerance)) c->first = c->n_rows;
        if (c->worst < 0 || difference_worse(&r->d, &c->rows[c->worst].d)) c->worst = c->n_rows;
        c->n_rows++;
    }
    free(t[0].data);
    free(t[1].data);
    return st;
}

static int count_values(const side *s)
{
    fv_value_info v;
    int n = 0;
    while (s->session && fv_session_value(s->session, n, &v) == FV_OK) n++;
    return n;
}

static int compare_all(job *j)
{
    comparison *c = &j->c;
    const side *s = runner(j), *other = &j->side[s == &j->side[0]];
    int n = count_values(s), missing = 0;
    fv_value_info v;
    *c = (comparison){.a = j->a, .side = {&j->side[0], &j->side[1]}, .first = -1, .worst = -1, .tolerance = cli_real(j->a, "tolerance", 1e-3)};
    c->rows = tool_alloc((size_t)(n + 1) * sizeof *c->rows);
    for (int i = 0; i < n; i++) {
        fv_error err = {0};
        fv_session_value(s->session, i, &v);
        fv_status st = compare_value(j, &v, &err);
        if (st < 0) return cli_fail(j->a, st, &err);
        missing += st == FV_END;
    }
    int theirs = other->stored ? 0 : count_values(other) - c->n_rows;
    c->only_a = s == &j->side[0] ? missing : theirs;
    c->only_b = s == &j->side[0] ? theirs : missing;
    if (c->n_rows) return EXIT_OK;
    return cli_error(j->a, EXIT_INPUT, "%s and %s have no value in common%s", j->side[0].spec, j->side[1].spec,
                     other->stored ? " (files are called NAME.npy, unusual characters as _)" : "");
}

static double overlap(const float *a, const float *b)
{
    double w = fmin((double)a[2], (double)b[2]) - fmax((double)a[0], (double)b[0]), h = fmin((double)a[3], (double)b[3]) - fmax((double)a[1], (double)b[1]);
    if (w <= 0 || h <= 0) return 0;
    double both = w * h, all = (double)(a[2] - a[0]) * (double)(a[3] - a[1]) + (double)(b[2] - b[0]) * (double)(b[3] - b[1]) - both;
    return all > 0 ? both / all : 0;
}

static void match_boxes(compare_boxes *m, const fv_detections *a, const fv_detections *b)
{
    bool *taken = tool_alloc((size_t)b->count + 1);
    *m = (compare_boxes){.there = true, .a = a->count, .b = b->count, .min_iou = 1};
    for (int i = 0; i < a->count; i++) {
        int best = -1;
        double best_iou = BOX_IOU;
        for (int k = 0; k < b->count; k++) {
            double iou = taken[k] || b->items[k].class_id != a->items[i].class_id ? 0 : overlap(a->items[i].box, b->items[k].box);
            if (iou > best_iou) best = k, best_iou = iou;
        }
        if (best < 0) continue;
        taken[best] = true;
        m->matched++;
        m->min_iou = fmin(m->min_iou, best_iou);
        m->max_conf = fmax(m->max_conf, fabs((double)a->items[i].confidence - (double)b->items[best].confidence));
    }
    free(taken);
}

/* What the difference means in the end, where there is a picture and both sides are run. */
static int compare_detections(job *j)
{
    fv_detections found[2] = {{0}, {0}};
    fv_error err = {0};
    fv_status st = FV_OK;
    if (!j->frame.plane[0] || j->side[0].stored || j->side[1].stored) return EXIT_OK;
    for (int i = 0; i < 2 && st >= 0; i++) {
        fv_detector *d = NULL;
        const fv_frame *frames[1] = {&j->frame};
        st = open_detector(&j->side[i], &d, &err);
        if (st >= 0) st = fv_detector_run(d, frames, 1, &found[i], &err);
        fv_detector_free(&d);
    }
    if (st >= 0) match_boxes(&j->c.boxes, &found[0], &found[1]);
    fv_detections_clear(&found[0]);
    fv_detections_clear(&found[1]);
    return st < 0 ? cli_fail(j->a, st, &err) : EXIT_OK;
}

static int compare(job *j)
{
    const cli_args *a = j->a;
    fv_error err = {0};
    int code = EXIT_OK;
    const char *json = cli_text(a, "json"), *model = cli_positional(a, 0);
    if (json) {
        fv_status st = cli_check_output(a, json, &err);
        if (st < 0) return cli_fail(a, st, &err);
    }
    for (int i = 0; i < 2 && !code; i++) code = side_parse(&j->side[i], a, cli_positional(a, 1 + i));
    if (!code && j->side[0].stored && j->side[1].stored) code = cli_usage(a, "both sides are folders; one of them has to be run: cpu, no-rewrite, …");
    for (int i = 0; i < 2 && !code; i++) code = side_load(&j->side[i], a, model);
    if (!code) code = feeds_read(&j->feeds, a, runner(j)->model, true);
    if (!code && cli_given(a, "image")) code = feed_picture(j);
    if (!code) code = ports_complete(a, runner(j)->model, j->feeds.wanted);
    if (!code) code = run_sides(j);
    if (!code) code = compare_all(j);
    if (!code) code = compare_detections(j);
    if (!code) code = compare_report(&j->c);
    return code ? code : j->c.first >= 0 ? EXIT_GATE : EXIT_OK;
}

static int run(const cli_args *a)
{
    job j = {.a = a};
    int code = compare(&j);
    free(j.c.rows);
    feeds_free(&j.feeds);
    fv_frame_release(&j.frame);
    side_free(&j.side[0]);
    side_free(&j.side[1]);
    return code;
}

static const cli_flag flags[] = {
    {"image", "F", "a picture as input, prepared as the model's head wants it"},
    {"input", "NAME=F.npy", "value of an input; again for each (NAME= may be left out when there is one)"},
    {"seed", "S", "inputs that are not given are uniform [0,1) from this seed (1)", CLI_INT, 0, 1e15},
    {"batch", "N", "first dimension of every input (as declared)", CLI_INT, 1, 4096},
    {"shapes", "NAME:1x3x640x640", "shape of an input; again for each (as declared, or as the file)"},
    {0}};
static const cli_flag outputs[] = {
    {"tolerance", "X", "largest difference that is allowed, in parts of A's largest value (0.001)", CLI_REAL, 0, 1e9},
    {"json", "F", "all differences as one JSON object; - = stdout"},
    {"overwrite", NULL, "replace an output that exists (it is refused)", CLI_SWITCH},
    {"threads", "N", "threads that compute where a side does not say (all CPUs)", CLI_INT, 1, 256},
    {"memory-limit", "MB", "most memory that a model, and each of its sessions, may take (half of the machine's)", CLI_INT, 1, 1e9},
    {0}};

const cli_verb cli_verb_compare = {
    .name = "compare",
    .job = "run a model in two ways and compare every value: the first step that differs, and the worst",
    .usage = "MODEL A B [flags]",
    .details = "A and B are words joined by colons: device (cpu), precision (fp32), CPU level (c, avx2, amx, ...), tN (N threads),\n"
               "no-rewrite (the graph as it was written), last F.onnx (another file); or a folder of NAME.npy files, as exec\n"
               "and NumPy write them, with whatever values another program computed. Values are matched by their names.\n"
               "Exit 8 when a difference is over --tolerance, or where one side has NaN and the other has not.",
    .example = "fovea compare yolov8n.onnx no-rewrite cpu --image bus.jpg\n"
               "fovea compare yolov8n.onnx cpu:t1 cpu:t2 --tolerance 0 --json diff.json",
    .groups = {{"input", flags}, {"result", outputs}},
    .positional = "model",
    .words = "FILE|person|mark|fill",
    .min_args = 3,
    .max_args = 3,
    .run = run,
};
