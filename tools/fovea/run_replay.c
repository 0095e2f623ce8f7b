/* run_replay.c: `track --replay`, `count --replay`: boxes from a file instead of a source and a model, through tracker, counter
 * and the same outputs. Called by run.c. */
#include "replay.h"
#include "run_stream.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct player {
    run_state *r;
    replay file;
    const int *classes; /* [n_classes] of --classes; null = all */
    int n_classes;
    bool tracked; /* the identities of the file are kept */
    fv_detections dets;
    fv_tracker *tracker;
    fv_counter *counter;
    bool begun; /* a source has begun */
    int source;
    double last_pts;
    int64_t last_frame;
    int *ids; /* seen in this source */
    size_t n_ids, cap_ids;
} player;

/* "30", "29.97", "30000/1001" */
static bool parse_fps(const char *s, double *fps)
{
    char *end;
    double a = strtod(s, &end), b = 1;
    if (end == s) return false;
    if (*end == '/') b = strtod(end + 1, &end);
    *fps = a / b;
    return !*end && isfinite(*fps) && *fps > 0 && *fps <= 10000;
}

static int parse_flags(player *p)
{
    const cli_args *a = p->r->a;
    const char *fps = cli_text(a, "fps"), *size = cli_text(a, "size");
    int w = 0, h = 0;
    char extra;
    static const char *const needs_pictures[] = {"output", "save-crop"};
    for (int i = 0; i < 2; i++)
        if (cli_given(a, needs_pictures[i])) return cli_usage(a, "--%s: a replay has no pictures", i ? "save-crop" : "output");
    if (cli_positionals(a)) return cli_usage(a, "a replay needs no source: %s", cli_positional(a, 0));
    if (fps && !parse_fps(fps, &p->file.fps)) return cli_usage(a, "--fps %s: frames a second are written 25, 29.97 or 30000/1001", fps);
    if (size && (sscanf(size, "%7dx%7d%c", &w, &h, &extra) != 2 || w < 1 || h < 1 || w > 1 << 20 || h > 1 << 20))
        return cli_usage(a, "--size %s: it is written WIDTHxHEIGHT", size);
    p->file.width = w;
    p->file.height = h;
    return 0;
}

/* What a MOT file leaves open has to come from somewhere. */
static int check_mot(const player *p)
{
    const cli_args *a = p->r->a;
    const replay *f = &p->file;
    const char *path = cli_text(a, "replay");
    if (!f->mot) return 0;
    if (!(f->fps > 0)) cli_note(a, "%s: no frame rate is known (seqinfo.ini, --fps); 30 a second are assumed", path);
    if (p->r->s.mode == RUN_COUNT && f->width < 1)
        return cli_usage(a, "%s: the size of its frames is not known; give --size WxH, or put seqinfo.ini beside it", path);
    return 0;
}

static int load(player *p)
{
    fv_error err = {0};
    run_state *r = p->r;
    int code = parse_flags(p);
    if (code) return code;
    fv_status st = replay_load(&p->file, cli_text(r->a, "replay"), &err);
    if (st < 0) return cli_fail(r->a, st, &err);
    run_sources *s = &r->sources;
    s->n_files = p->file.n_sources;
    s->files = tool_alloc((size_t)(s->n_files + 1) * sizeof *s->files);
    s->shown = tool_alloc((size_t)(s->n_files + 1) * sizeof *s->shown);
    for (int i = 0; i < s->n_files; i++) {
        s->files[i] = tool_strdup(p->file.sources[i]);
        s->shown[i] = tool_strdup(p->file.sources[i]);
    }
    p->tracked = p->file.ids && r->s.mode == RUN_COUNT;
    if (p->file.ids && !p->tracked) cli_note(r->a, "%s: its identities are given anew", cli_text(r->a, "replay"));
    return check_mot(p);
}

static int open_stages(player *p)
{
    fv_error err = {0};
    run_state *r = p->r;
    fv_status st = p->tracked ? FV_OK : run_tracker(r, &p->tracker, &err);
    if (st >= 0) st = run_counter(r, &p->counter, &err);
    return st < 0 ? cli_fail(r->a, st, &err) : 0;
}

static int by_number(const void *a, const void *b) { return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b); }

static int64_t count_ids(player *p)
{
    int64_t n = 0;
    if (p->n_ids) qsort(p->ids, p->n_ids, sizeof *p->ids, by_number);
    for (size_t i = 0; i < p->n_ids; i++) n += !i || p->ids[i] != p->ids[i - 1];
    p->n_ids = 0;
    return n;
}

/* Identities are kept sorted and single now and then, so that the list grows with them and not with the boxes. */
static void note_ids(player *p)
{
    for (int i = 0; i < p->dets.count; i++) {
        if (p->dets.items[i].track_id < 1) continue;
        if (p->n_ids == p->cap_ids) {
            size_t n = 0;
            if (p->n_ids) qsort(p->ids, p->n_ids, sizeof *p->ids, by_number);
            for (size_t k = 0; k < p->n_ids; k++)
                if (!k || p->ids[k] != p->ids[k - 1]) p->ids[n++] = p->ids[k];
            p->n_ids = n;
        }
        if (p->n_ids * 2 >= p->cap_ids) {
            int *grown = tool_alloc((p->cap_ids = p->cap_ids * 2 + 4096) * sizeof *grown);
            if (p->n_ids) memcpy(grown, p->ids, p->n_ids * sizeof *grown);
            free(p->ids);
            p->ids = grown;
        }
        p->ids[p->n_ids++] = p->dets.items[i].track_id;
    }
}

static int end_source(player *p)
{
    run_state *r = p->r;
    const fv_event *events = NULL;
    int n = 0;
    if (!p->begun) return 0;
    r->tally.tracks += p->tracked ? count_ids(p) : fv_tracker_total(p->tracker);
    if (p->tracker) fv_tracker_reset(p->tracker);
    if (!p->counter) return 0;
    fv_status st = fv_counter_finish(p->counter, p->last_pts, p->last_frame, &events, &n);
    return st < 0 ? cli_fail(r->a, st, NULL) : outputs_last_events(&r->out, p->source, events, n);
}

static bool wanted(const player *p, int class_id)
{
    for (int i = 0; i < p->n_classes; i++)
        if (p->classes[i] == class_id) return true;
    return !p->classes;
}

static int fill(player *p, const replay_frame *f)
{
    if (fv_detections_reserve(&p->dets, f->count) < 0) return cli_error(p->r->a, EXIT_MEMORY, "out of memory");
    p->dets.count = 0;
    for (int i = 0; i < f->count; i++) {
        const fv_detection *d = &p->file.boxes[f->first + (size_t)i];
        if (wanted(p, d->class_id)) p->dets.items[p->dets.count++] = *d;
    }
    return 0;
}

static int one_frame(player *p, const replay_frame *f)
{
    run_state *r = p->r;
    const char *path = cli_text(r->a, "replay");
    fv_frame frame = {.width = f->width, .height = f->height, .index = f->frame, .pts = f->pts, .wall = f->wall};
    fv_result res = {.frame = &frame, .original = &frame, .dets = &p->dets, .source = r->sources.files[f->source], .source_index = f->source};
    int code = fill(p, f);
    if (code) return code;
    fv_status st = p->tracker ? fv_tracker_update(p->tracker, &p->dets, f->pts) : FV_OK;
    if (p->tracked) note_ids(p);
    if (st >= 0 && p->counter)
        st = fv_counter_update(p->counter, &p->dets, f->pts, f->frame, f->width, f->height, &res.events, &res.n_events);
    if (st < 0) return cli_error(r->a, cli_exit_code(st), "%s: frame %lld cannot be followed: %s", path, (long long)f->frame, fv_status_text(st));
    if (outputs_result(&r->out, &res)) return cli_fail(r->a, r->out.error.status, &r->out.error);
    p->last_pts = f->pts;
    p->last_frame = f->frame;
    return 0;
}

static int play(player *p)
{
    int code = 0;
    for (size_t i = 0; i < p->file.n_frames && !code && !atomic_load(&p->r->stopping); i++) {
        const replay_frame *f = &p->file.frames[i];
        bool next = p->begun && (f->source != p->source || f->pts < p->last_pts); /* another source, or the same once more */
        if (next) {
            code = end_source(p);
            tally_end_source(&p->r->tally);
        }
        p->begun = true;
        p->source = f->source;
        if (!code) code = one_frame(p, f);
        p->r->replayed.processed++;
    }
    int ended = end_source(p);
    return code ? code : ended;
}

/* For a new --mot: what the frames themselves say of their rate. */
static void note_sequence(player *p)
{
    const replay *f = &p->file;
    out_sequence *q = &p->r->out.sequence;
    int64_t least = 0;
    size_t n = 0;
    while (n < f->n_frames && f->frames[n].source == f->frames[0].source) n++;
    for (size_t i = 1; i < n; i++) {
        int64_t d = f->frames[i].frame - f->frames[i - 1].frame;
        if (d > 0 && (!least || d < least)) least = d;
    }
    double frames = n > 1 ? (double)(f->frames[n - 1].frame - f->frames[0].frame) : 0, time = n > 1 ? f->frames[n - 1].pts - f->frames[0].pts : 0;
    q->stride = f->mot ? f->stride : (int)least;
    q->fps = f->fps > 0 ? f->fps : frames > 0 && time > 0 ? rint(frames / time * 1e4) / 1e4 : 0;
}

static int prepare(player *p)
{
    run_state *r = p->r;
    int code = settings_load(&r->s, r->a, r->s.mode);
    if (!code) code = load(p);
    if (!code) code = outputs_plan(&r->out, r->a, &r->s, &r->sources, NULL);
    if (!code) code = run_model_names(r, p->file.names, p->file.n_names, &p->classes, &p->n_classes);
    if (code) return code;
    note_sequence(p);
    tally_init(&r->tally, &r->s, fv_detector_class_count(r->detector));
    r->out.tally = &r->tally;
    r->out.detector = r->detector;
    code = outputs_open(&r->out);
    return code ? code : open_stages(p);
}

int run_replay(run_state *r)
{
    player p = {.r = r};
    double t0 = tool_seconds();
    int code = prepare(&p);
    if (!code) {
        cli_on_stop(run_stop, r);
        code = play(&p);
        cli_on_stop(NULL, NULL);
        r->n_done = r->replayed.processed > 0;
        r->replayed.decoded = r->replayed.processed;
        r->replayed.wall_s = tool_seconds() - t0;
        if (r->replayed.wall_s > 0) r->replayed.fps = (double)r->replayed.processed / r->replayed.wall_s;
        int closed = outputs_close(&r->out), told = run_report(r);
        if (!code) code = closed ? closed : told;
        if (!code && cli_stopped()) code = cli_stop_code();
    }
    fv_tracker_free(&p.tracker);
    fv_counter_free(&p.counter);
    fv_detections_clear(&p.dets);
    replay_free(&p.file);
    free(p.ids);
    return code;
}
