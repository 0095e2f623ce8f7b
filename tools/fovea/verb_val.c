/* verb_val.c: `fovea val`: a model against data with truths: mAP as pycocotools computes it, masks, keypoints, top-1. The network runs on this
 * thread, pictures are decoded ahead on another. Listed in main.c. */
#include "models.h"
#include "progress.h"
#include "run.h"
#include "run_tiles.h"
#include "val.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOWN_PROBLEMS 20
#define MAX_BATCH 64

typedef struct val_job {
    const cli_args *a;
    run_state r; /* model and detector */
    fv_detector *detector;
    val_target target;
    val_data data;
    val_scores scores;
    val_save save;
    val_run run;
    int batch;
    bool main; /* not that of --against */
    fv_score_difference difference;
    progress_count count;
} val_job;

static int open_model(val_job *j, const char *model)
{
    const cli_args *a = j->a;
    run_state *r = &j->r;
    settings *s = &r->s;
    r->a = s->args = a;
    s->mode = RUN_PREDICT;
    s->model = model;
    s->names = cli_text(a, "names");
    s->conf = cli_real(a, "conf", 0.001);
    s->iou = cli_real(a, "iou", 0.7);
    s->max_det = (int)cli_int(a, "max-det", 300);
    s->batch = j->batch = (int)cli_int(a, "batch", 1);
    s->multi_label = true;
    int code = settings_rule(s);
    if (!code) code = settings_tiles(s);
    if (code) return code;
    r->model_path = models_find(s->model);
    code = run_model_open(r);
    if (code) return code;
    if (!r->detector) return cli_error(a, EXIT_MODEL, "there is no model to score");
    j->detector = r->detector;
    j->target = (val_target){.a = a, .detector = j->detector, .task = fv_detector_task(j->detector), .n_classes = fv_detector_class_count(j->detector),
                             .limit = cli_int(a, "limit", 0)};
    if (j->target.task > FV_TASK_CLASSIFY)
        return cli_error(a, EXIT_MODEL, "the model's task is %s; val scores detect, segment, pose, obb and classify", fv_task_name(j->target.task));
    return EXIT_OK;
}

/* "[17, 3]" of the model's metadata. */
static void keypoint_shape(val_job *j)
{
    const char *meta = fv_model_meta(j->r.model, "kpt_shape");
    int n = 0;
    if (j->target.task != FV_TASK_POSE) return;
    while (meta && *meta && !strchr("0123456789", *meta)) meta++;
    if (!meta || sscanf(meta, "%d", &n) < 1 || n < 1 || n > 1000) n = 17;
    j->data.n_keypoints = n;
}

static void show_progress(val_job *j, int64_t done, bool last)
{
    if (!progress_due(&j->count, last)) return;
    if (j->count.kind == PROGRESS_JSON)
        fprintf(stderr, "{\"frames\":%lld,\"total\":%lld}\n", (long long)done, (long long)j->data.n);
    else
        progress_show("", done, j->data.n, last);
}

/* One batch: network, then scores. A picture that cannot be scored is noted; a network that fails ends the run. */
static int run_batch(val_job *j, const int *at, fv_frame *frames, int n, fv_detections *found)
{
    fv_error err = {0};
    const fv_frame *list[MAX_BATCH];
    fv_detect_times times;
    for (int i = 0; i < n; i++) list[i] = &frames[i];
    fv_status st = fv_detector_run(j->detector, list, n, found, &err);
    if (st < 0) return cli_fail(j->a, st, &err);
    fv_detector_times(j->detector, &times);
    j->run.prep_ms += (double)times.prep_ns * 1e-6;
    j->run.infer_ms += (double)times.infer_ns * 1e-6;
    j->run.heads_ms += (double)times.heads_ns * 1e-6;
    for (int i = 0; i < n; i++) {
        const val_picture *p = &j->data.pictures[at[i]];
        err = (fv_error){0};
        st = val_scores_add(&j->scores, &j->data, &j->target, p, &frames[i], &found[i], &err);
        if (st == FV_ERR_MEMORY) return cli_fail(j->a, st, &err);
        if (st < 0) {
            val_problem(&j->data, "%s: %s", p->path, err.text[0] ? err.text : fv_status_text(st));
            j->data.n_failed++;
            continue;
        }
        if (j->save.path) val_save_add(&j->save, &j->data, p, &frames[i], &found[i], j->target.task);
        j->run.pictures++;
    }
    return EXIT_OK;
}

static int run_all(val_job *j)
{
    fv_error err = {0};
    const fv_media_api *media = cli_media(&err);
    if (!media) return cli_fail(j->a, FV_ERR_MEDIA, &err);
    val_reader *reader = val_reader_start(media, &j->data);
    if (!reader) return cli_error(j->a, EXIT_RUNTIME, "no thread could be started");
    fv_detections found[MAX_BATCH] = {0};
    fv_frame frames[MAX_BATCH];
    int at[MAX_BATCH], code = EXIT_OK;
    int64_t done = 0;
    double start = tool_seconds();
    for (int n = 1; n > 0 && !code && !cli_stopped();) {
        for (n = 0; n < j->batch && val_reader_next(reader, &at[n], &frames[n]); n++) {}
        if (n) code = run_batch(j, at, frames, n, found);
        for (int i = 0; i < n; i++) fv_frame_release(&frames[i]);
        done += n;
        show_progress(j, done, n == 0);
    }
    j->run.wall_s = tool_seconds() - start;
    val_reader_stop(&reader, &j->data);
    for (int i = 0; i < j->batch; i++) fv_detections_clear(&found[i]);
    return code;
}

static void list_problems(const val_job *j)
{
    const val_problems *p = &j->data.problems;
    for (int i = 0; i < p->n && i < SHOWN_PROBLEMS; i++) cli_warn(j->a, "%s", p->lines[i]);
    if (p->n > SHOWN_PROBLEMS) cli_warn(j->a, "… and %d more like these%s", p->n - SHOWN_PROBLEMS, cli_given(j->a, "json") ? "; --json has all" : "");
}

static void say_what_is_scored(const val_job *j)
{
    const val_data *d = &j->data;
    if (d->n_unknown) cli_note(j->a, "%d of the data's classes %s not the model's and left out", d->n_unknown, d->n_unknown == 1 ? "is" : "are");
    if (d->n_without_labels) cli_note(j->a, "%d of %d pictures without a label file: nothing is on them", d->n_without_labels, d->n);
    if (j->target.task == FV_TASK_OBB) cli_note(j->a, "rotated boxes are scored by the upright box around each");
}

static int check_outputs(const cli_args *a)
{
    static const char *const names[] = {"json", "save-json"};
    const char *json = cli_text(a, "json"), *save = cli_text(a, "save-json");
    fv_error err = {0};
    if (json && save && !strcmp(json, save)) return cli_usage(a, "--json and --save-json name the same file");
    for (int i = 0; i < 2; i++) {
        const char *path = cli_text(a, names[i]);
        fv_status st = path ? cli_check_output(a, path, &err) : FV_OK;
        if (st < 0) return cli_fail(a, st, &err);
    }
    return EXIT_OK;
}

static int finish(val_job *j)
{
    fv_error err = {0};
    list_problems(j);
    if (!j->run.pictures) return cli_error(j->a, EXIT_INPUT, "no picture could be scored");
    int code = val_report(&j->run);
    if (!code && j->save.path) {
        fv_status st = val_save_finish(&j->save, &err);
        if (st < 0) code = cli_fail(j->a, st, &err);
    }
    if (code) return code;
    fflush(stdout);
    if (cli_stopped()) return cli_stop_code();
    if (!j->data.n_failed) return EXIT_OK;
    return cli_error(j->a, EXIT_PARTIAL, "%d picture%s could not be scored; the figures are of the other %lld", j->data.n_failed, j->data.n_failed == 1 ? "" : "s",
                     (long long)j->run.pictures);
}

/* A model over all pictures. */
static int score_model(val_job *j, const char *model)
{
    const cli_args *a = j->a;
    j->count.kind = progress_asked(a);
    int code = open_model(j, model);
    if (!code) keypoint_shape(j);
    if (!code) code = val_data_load(&j->data, &j->target);
    if (!code && j->data.n && j->data.n_without_labels == j->data.n)
        code = cli_error(a, EXIT_INPUT, "%s: none of its %d pictures has a label file (images/NAME.jpg has labels/NAME.txt)", cli_text(a, "data"), j->data.n);
    if (!code) say_what_is_scored(j);
    if (!code) code = val_scores_open(&j->scores, &j->data, &j->target);
    if (code) return code;
    j->run = (val_run){.a = a, .target = &j->target, .data = &j->data, .scores = &j->scores, .model = j->r.model_path, .device = j->r.device_text,
                           .precision = j->r.model ? fv_model_precision(j->r.model) : j->r.device_text};
    if (j->main && cli_given(a, "save-json")) val_save_open(&j->save, cli_text(a, "save-json"));
    cli_on_stop(cli_only_stop, NULL); /* the first Ctrl-C ends the measurement: what is there is reported */
    code = run_all(j);
    cli_on_stop(NULL, NULL);
    return code;
}

static void close_job(val_job *j)
{
    val_scores_close(&j->scores);
    val_data_free(&j->data);
    val_save_free(&j->save);
    run_model_close(&j->r);
}

/* --against: the other model over the same pictures, and how sure the difference is. */
static int compare(val_job *j, val_job *other)
{
    fv_error err = {0};
    const fv_score *x = other->scores.box, *y = j->scores.box;
    if (!x || !y) return cli_usage(j->a, "--against compares models whose boxes are scored");
    if (other->scores.mask && j->scores.mask) x = other->scores.mask, y = j->scores.mask;
    if (other->scores.keypoints && j->scores.keypoints) x = other->scores.keypoints, y = j->scores.keypoints;
    fv_status st = fv_score_compare(x, y, (int)cli_int(j->a, "resamples", 1000), &j->difference, &err);
    if (st < 0) return cli_fail(j->a, st, &err);
    j->run.difference = &j->difference;
    j->run.against = other->r.model_path;
    return EXIT_OK;
}

static int run(const cli_args *a)
{
    val_job j = {.a = a, .main = true}, other = {.a = a};
    if (!cli_given(a, "data")) return cli_usage(a, "--data is missing: a list of pictures, a folder, a data.yaml or a COCO .json");
    int code = check_outputs(a);
    if (!code && cli_given(a, "against")) code = score_model(&other, cli_text(a, "against"));
    if (!code && !cli_stopped()) code = score_model(&j, cli_positional(a, 0));
    if (!code && cli_given(a, "against") && !cli_stopped()) code = compare(&j, &other);
    if (!code) code = j.run.scores ? finish(&j) : cli_stop_code();
    close_job(&j);
    close_job(&other);
    return code;
}

static const cli_flag flags_data[] = {
    {"data", "D", "list of pictures (.txt), folder with images/ and labels/, data.yaml, COCO .json, or a folder of class folders"},
    {"images", "DIR", "folder of the pictures of a COCO .json (images/ beside it)"},
    {"split", "val|train|test", "which part of a data.yaml or of class folders (val)", CLI_CHOICE},
    {"against", "MODEL", "score this one on the same pictures first, and say how sure the difference is (paired bootstrap)"},
    {"resamples", "N", "draws of --against (1000)", CLI_INT, 10, 100000},
    {"limit", "N", "only the first N pictures", CLI_INT, 1, 1e9},
    {"conf", "X", "least confidence (0.001)", CLI_REAL, 0.00001, 1},
    {"iou", "X", "boxes of one class that overlap more are one thing (0.7)", CLI_REAL, 0.01, 1},
    {"max-det", "N", "most boxes a picture (300)", CLI_INT, 1, 10000},
    {"batch", "N", "pictures that are computed at once (1)", CLI_INT, 1, MAX_BATCH},
    {0}};
static const cli_flag flags_rule[] = {RUN_RULE_FLAGS, {0}};
static const cli_flag flags_out[] = {
    {"json", "F", "all figures as one JSON object; - = stdout"},
    {"save-json", "F", "every detection, as COCO's results file"},
    {"overwrite", NULL, "replace outputs that exist (they are refused)", CLI_SWITCH},
    {0}};

const cli_verb cli_verb_val = {
    .name = "val",
    .job = "score a model on labelled data: mAP as pycocotools, masks, keypoints, top-1",
    .usage = "MODEL --data D [flags]",
    .details = "Precision is measured as pycocotools does: every class of a place over the confidence counts, at most\n"
               "300 boxes a picture are kept, of which the 100 surest of a class are scored, at overlaps from 0.5 to 0.95.\n"
               "YOLO labels lie in labels/ beside images/; what lies in ignore/ is a crowd: found or not, it does not\n"
               "count. Classes of a COCO file or of a data.yaml are found by their names.\n"
               "P and R are precision and recall where their mean (F1) at an overlap of 0.5 is best.",
    .example = "fovea val yolov8n.onnx --data instances_val2017.json --images photos\n"
               "fovea val yolov8n.onnx --data data.yaml --limit 100 --json figures.json\n"
               "fovea val yolov8n_int8.onnx --against yolov8n.onnx --data data.yaml",
    .groups = {{"data", flags_data}, {"reading the model", flags_rule}, {"tiles", run_flags_tiles}, {"outputs", flags_out}, {"computing", cli_flags_compute}},
    .positional = "model",
    .words = "FILE|person|mark",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
