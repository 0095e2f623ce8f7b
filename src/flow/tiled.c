/* tiled.c: a detector that looks at a frame as a whole and in tiles, and makes one answer of what it finds. In: frames of any size. Each frame's
 * views are a row that one or several groups of networks work through (tiled_groups.c); boxes are merged (vision/tiles) and gathered
 * (tiled_gather.c). Called by the pipeline as any other detector. */
#include "flow/tiled_watch.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "model/engine/engine.h"
#include <stdio.h>
#include <string.h>

typedef struct tiled {
    fv_detector base; /* first */
    fv_context *ctx;
    fv_tile_options o;
    fvi_merge_params merge;
    int max_det;
    fvi_flow_groups *groups;
    int *class_of; /* [classes of the tile model] the class of that name; null = the same numbers */
    int n_class_of;
    bool silent;   /* no class of the tile model is wanted */
    fvi_tiles_grid grid;
    int frame_w, frame_h; /* what the grid is made for */
    int n_views;
    fvi_flow_view *views; /* [n_views], the rest too */
    uint8_t *which;
    fvi_tile *tiles;
    fv_detections *found;
    size_t views_capacity;
    fvi_tiles_box *boxes;
    int *item;
    size_t boxes_capacity; /* of both */
    fvi_merger *merger;
    fvi_flow_watch *watch; /* null: every view of every frame */
    fv_tile_figures figures;
    char rule[256];
} tiled;

static bool one_look(const tiled *t) { return t->grid.cols * t->grid.rows == 1; }

static void free_views(tiled *t)
{
    for (size_t i = 0; i < t->views_capacity; i++) fv_detections_clear(&t->found[i]);
    FVI_FREE(t->views);
    FVI_FREE(t->which);
    FVI_FREE(t->tiles);
    FVI_FREE(t->found);
    t->views_capacity = 0;
}

static fv_status reserve_views(tiled *t, size_t n, fv_error *err)
{
    if (n <= t->views_capacity) return FV_OK;
    free_views(t);
    t->views = fvi_calloc(n, sizeof *t->views);
    t->which = fvi_calloc(n, sizeof *t->which);
    t->tiles = fvi_calloc(n, sizeof *t->tiles);
    t->found = fvi_calloc(n, sizeof *t->found);
    if (!t->views || !t->which || !t->tiles || !t->found) {
        free_views(t);
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for %zu tiles", n);
    }
    t->views_capacity = n;
    return FV_OK;
}

/* Views of frames of another size: the whole, then the tiles row by row. */
static fv_status plan(tiled *t, const fv_frame *f, fv_error *err)
{
    const fv_detector *d = fvi_flow_groups_net(t->groups, 0, FVI_NET_TILES);
    if (f->width == t->frame_w && f->height == t->frame_h) return FV_OK;
    t->frame_w = t->frame_h = 0;
    FVI_TRY(fvi_tiles_grid_of(&t->grid, &t->o, d->input_w, d->input_h, f->width, f->height, err));
    int n_tiles = t->grid.cols * t->grid.rows, n = 0;
    FVI_TRY(reserve_views(t, (size_t)n_tiles + 1, err));
    if (one_look(t) || !t->o.no_global) {
        t->tiles[n] = (fvi_tile){0, 0, f->width, f->height, one_look(t) ? 0u : FVI_TILE_COARSE};
        t->which[n++] = one_look(t) && t->o.no_global ? FVI_NET_TILES : FVI_NET_WHOLE;
    }
    for (int i = 0; i < n_tiles && !one_look(t); i++) {
        t->tiles[n] = fvi_tiles_at(&t->grid, i, f->width, f->height);
        t->which[n++] = FVI_NET_TILES;
    }
    t->n_views = n;
    t->frame_w = f->width;
    t->frame_h = f->height;
    t->figures.cols = t->grid.cols;
    t->figures.rows = t->grid.rows;
    t->figures.width = t->grid.width;
    t->figures.height = t->grid.height;
    if (t->ctx)
        fvi_log_write(fvi_engine_log(t->ctx), FV_LOG_INFO, "frames of %dx%d: %dx%d tiles of %dx%d%s", f->width, f->height, t->grid.cols, t->grid.rows, t->grid.width,
                      t->grid.height, t->o.no_global ? "" : one_look(t) ? ", which is the whole" : " and the whole");
    return FV_OK;
}

/* What all views found, in pixels of the frame. */
static fv_status collect(tiled *t, int *count, fv_error *err)
{
    size_t n = 0;
    for (int v = 0; v < t->n_views; v++) n += (size_t)t->found[v].count;
    *count = 0;
    if (n > t->boxes_capacity) {
        size_t room = n + n / 2;
        fvi_free(t->boxes);
        fvi_free(t->item);
        t->boxes = fvi_calloc(room, sizeof *t->boxes);
        t->item = fvi_calloc(room, sizeof *t->item);
        t->boxes_capacity = t->boxes && t->item ? room : 0;
        if (!t->boxes_capacity) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for %zu boxes", n);
    }
    for (int v = 0; v < t->n_views; v++) {
        const fvi_tile *tile = &t->tiles[v];
        for (int i = 0; i < t->found[v].count; i++) {
            const fv_detection *d = &t->found[v].items[i];
            int c = t->class_of && t->which[v] == FVI_NET_TILES ? t->class_of[d->class_id] : d->class_id;
            if (c < 0 || (t->silent && t->which[v] == FVI_NET_TILES)) continue;
            t->item[*count] = i;
            t->boxes[(*count)++] = (fvi_tiles_box){{d->box[0] + (float)tile->x, d->box[1] + (float)tile->y, d->box[2] + (float)tile->x, d->box[3] + (float)tile->y},
                                                   d->confidence, c, v};
        }
    }
    return FV_OK;
}

/* Boxes that are known -> the frame's. */
static fv_status conclude(tiled *t, const fv_frame *f, const fvi_tiles_box *boxes, int n, const fvi_tile *tiles, int n_tiles, fv_detections *out, fv_error *err)
{
    const fvi_tiles_thing *things;
    const int *next;
    int n_things;
    fv_status st = fvi_tiles_merge(t->merger, &t->merge, boxes, n, tiles, n_tiles, &things, &n_things, &next);
    if (st < 0) return fvi_error_set(err, st, "the boxes of %d tiles could not be merged: %s", n_tiles, fv_status_text(st));
    fvi_flow_gather g = {t->base.task, t->found, tiles, boxes, t->item, next, f->width, f->height};
    st = fvi_flow_gather_things(&g, things, n_things < t->max_det ? n_things : t->max_det, out);
    return st < 0 ? fvi_error_set(err, st, "the boxes of %d tiles could not be gathered: %s", n_tiles, fv_status_text(st)) : FV_OK;
}

static void add_times(tiled *t, const fv_detect_times *times, int64_t since)
{
    t->base.times.prep_ns += times->prep_ns;
    t->base.times.infer_ns += times->infer_ns;
    t->base.times.heads_ns += times->heads_ns + fvi_now_ns() - since;
}

/* All views. */
static fv_status look_at(tiled *t, const fv_frame *f, fv_detections *out, fv_error *err)
{
    fv_detect_times times;
    for (int v = 0; v < t->n_views; v++)
        t->views[v] = (fvi_flow_view){f, {t->tiles[v].x, t->tiles[v].y, t->tiles[v].width, t->tiles[v].height}};
    FVI_TRY(fvi_flow_groups_look(t->groups, t->views, t->which, t->n_views, t->found, &times, err));
    int64_t t0 = fvi_now_ns();
    int n;
    FVI_TRY(collect(t, &n, err));
    FVI_TRY(conclude(t, f, t->boxes, n, t->tiles, t->n_views, out, err));
    add_times(t, &times, t0);
    t->figures.looks += t->n_views;
    t->figures.tiles += t->n_views;
    for (int v = 0; v < t->n_views; v++)
        if (t->which[v] == FVI_NET_TILES || v > 0) fvi_flow_watch_visit(&t->figures, &t->tiles[v], f->width, f->height);
    return FV_OK;
}

/* What has changed, and what is due. */
static fv_status watch(tiled *t, const fv_frame *f, fv_detections *out, fv_error *err)
{
    const fvi_flow_plan p = {t->tiles, t->which, t->n_views, !t->o.no_global, t->grid.width, t->grid.height, t->class_of, t->silent};
    const fvi_tiles_box *boxes;
    const fvi_tile *seen;
    int n, n_seen;
    fv_detect_times times;
    int64_t t0 = fvi_now_ns();
    FVI_TRY(fvi_flow_watch_look(t->watch, &p, t->groups, f, &boxes, &n, &seen, &n_seen, &times, &t->figures, err));
    int64_t t1 = fvi_now_ns(), looked = times.prep_ns + times.infer_ns + times.heads_ns;
    FVI_TRY(conclude(t, f, boxes, n, seen, n_seen, out, err));
    times.prep_ns += t1 - t0 > looked ? t1 - t0 - looked : 0; /* choosing what to look at */
    add_times(t, &times, t1);
    t->figures.over_budget += t->o.budget_ms > 0 && (double)(fvi_now_ns() - t0) * 1e-6 > (double)t->o.budget_ms;
    return FV_OK;
}

static fv_status look(tiled *t, const fv_frame *f, fv_detections *out, fv_error *err)
{
    FVI_TRY(plan(t, f, err));
    t->figures.frames++;
    bool can = t->watch && t->base.task == FV_TASK_DETECT && !one_look(t) && fvi_flow_watch_can(f);
    return can ? watch(t, f, out, err) : look_at(t, f, out, err);
}

static fv_status tiled_run(fv_detector *d, const fv_frame *const *frames, int n, fv_detections *out, fv_error *err)
{
    d->times = (fv_detect_times){0};
    for (int i = 0; i < n; i++) FVI_TRY(look((tiled *)d, frames[i], &out[i], err));
    return FV_OK;
}

static fv_detector *front(const tiled *t) { return fvi_flow_groups_net(t->groups, 0, t->o.no_global ? FVI_NET_TILES : FVI_NET_WHOLE); }

static fv_status tiled_prepare(fv_detector *d, const fv_frame *frame, fv_tensor *out, fv_error *err)
{
    return fv_detector_prepare(front((tiled *)d), frame, out, err);
}

static const char *tiled_class_name(const fv_detector *d, int class_id) { return fv_detector_class_name(front((const tiled *)d), class_id); }

/* Classes of the tile model that have the names of these. */
static fv_status set_by_name(tiled *t, fv_detector *net, const int *classes, int n, fv_error *err)
{
    int *same = fvi_calloc((size_t)t->n_class_of + 1, sizeof *same), count = 0;
    if (!same) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    for (int c = 0; c < t->n_class_of; c++) {
        bool wanted = n == 0 && t->class_of[c] >= 0;
        for (int i = 0; i < n; i++) wanted = wanted || t->class_of[c] == classes[i];
        if (wanted) same[count++] = c;
    }
    t->silent = count == 0; /* no classes would mean all */
    fv_status st = fv_detector_set_classes(net, same, count, err);
    fvi_free(same);
    return st;
}

static fv_status tiled_set_classes(fv_detector *d, const int *classes, int n, fv_error *err)
{
    tiled *t = (tiled *)d;
    for (int i = 0; i < fvi_flow_groups_count(t->groups); i++) {
        fv_detector *whole = fvi_flow_groups_net(t->groups, i, FVI_NET_WHOLE), *tiles = fvi_flow_groups_net(t->groups, i, FVI_NET_TILES);
        FVI_TRY(fv_detector_set_classes(whole, classes, n, err));
        if (tiles != whole && !t->class_of) FVI_TRY(fv_detector_set_classes(tiles, classes, n, err));
        if (t->class_of) FVI_TRY(set_by_name(t, tiles, classes, n, err));
    }
    return FV_OK;
}

/* ---- other weights: for all networks of the model that looks at the whole; a model of its own for tiles keeps its ---- */

/* Networks that take part, one after the other; null past the last. */
static fv_detector *refitted(const tiled *t, int i) { return fvi_flow_groups_net(t->groups, i, FVI_NET_WHOLE); }

static void tiled_drop(fv_detector *d)
{
    fv_detector *net;
    for (int i = 0; (net = refitted((tiled *)d, i)); i++) net->drop(net);
}

static fv_status tiled_hold(fv_detector *d, fv_model *m, const fv_detector *like, fv_error *err)
{
    fv_detector *net, *first = refitted((tiled *)d, 0);
    fv_status st = FV_OK;
    (void)like;
    for (int i = 0; st >= 0 && (net = refitted((tiled *)d, i)); i++) st = net->hold(net, m, i ? first : NULL, err);
    if (st < 0) tiled_drop(d);
    return st;
}

static bool tiled_holds(const fv_detector *d)
{
    fv_detector *net;
    bool holds = false;
    for (int i = 0; (net = refitted((const tiled *)d, i)); i++) holds = holds || net->holds(net);
    return holds;
}

/* Between two frames no group is at work. */
static void tiled_take(fv_detector *d)
{
    tiled *t = (tiled *)d;
    fv_detector *net;
    for (int i = 0; (net = refitted(t, i)); i++) net->take(net);
    if (t->watch) fvi_flow_watch_forget(t->watch);
}

static void tiled_free(fv_detector *d)
{
    tiled *t = (tiled *)d;
    free_views(t);
    fvi_merger_free(&t->merger);
    fvi_flow_watch_free(&t->watch);
    fvi_flow_groups_free(&t->groups);
    fvi_free(t->class_of);
    fvi_free(t->boxes);
    fvi_free(t->item);
    fvi_free(t);
}

/* Which classes of the tile model are those of the other. */
static fv_status match_classes(tiled *t, fv_error *err)
{
    const fv_detector *whole = fvi_flow_groups_net(t->groups, 0, FVI_NET_WHOLE), *tiles = fvi_flow_groups_net(t->groups, 0, FVI_NET_TILES);
    int n = fv_detector_class_count(tiles), found = 0;
    if (tiles->task != whole->task)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "the model for tiles is for task %s, the other for %s", fv_task_name(tiles->task), fv_task_name(whole->task));
    t->class_of = fvi_calloc((size_t)n + 1, sizeof *t->class_of);
    if (!t->class_of) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    t->n_class_of = n;
    for (int c = 0; c < n; c++) {
        t->class_of[c] = fv_detector_class_id(whole, fv_detector_class_name(tiles, c));
        found += t->class_of[c] >= 0;
    }
    if (!found) return fvi_error_set(err, FV_ERR_ARGUMENT, "the model for tiles has no class of the other ('%s' and so on)", fv_detector_class_name(whole, 0));
    return FV_OK;
}

static fv_status build(tiled *t, fv_model *model, const fv_detect_options *o, fv_error *err)
{
    fv_model *tile_model = t->o.model ? t->o.model : model, *models[FVI_NETS] = {t->o.no_global ? tile_model : model, tile_model};
    fv_detect_options each = *o;
    each.tiles = NULL;
    if (models[0] != models[1]) each.classes = NULL; /* set by name, once both are known */
    if (o->streams > 1) return fvi_error_set(err, FV_ERR_ARGUMENT, "streams compute whole frames at the same time, groups compute tiles: only one of them");
    if (t->o.groups == FV_TILE_GROUPS_AUTO)
        FVI_TRY(fvi_flow_groups_measured(&t->groups, t->ctx, models, &each, err));
    else
        FVI_TRY(fvi_flow_groups_create(&t->groups, t->o.groups > 0 ? t->o.groups : 1, t->ctx, models, &each, err));
    const fv_detector *d = front(t);
    if (d->task > FV_TASK_OBB)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "tiles are for models that find boxes; this one is for task %s", fv_task_name(d->task));
    if (models[0] != models[1]) FVI_TRY(match_classes(t, err));
    t->base.task = d->task;
    t->base.n_classes = d->n_classes;
    t->base.input_w = d->input_w;
    t->base.input_h = d->input_h;
    if (models[0] != models[1]) FVI_TRY(tiled_set_classes(&t->base, o->classes, o->classes ? o->n_classes : 0, err));
    snprintf(t->rule, sizeof t->rule, "%s; in tiles%s", d->rule, t->o.no_global ? "" : " and as a whole");
    t->base.rule = t->rule;
    fvi_cpu_flags cpu = t->ctx ? fvi_engine_cpu(t->ctx) : fvi_cpu_detect();
    if (t->o.watch || t->o.budget_ms > 0) FVI_TRY(fvi_flow_watch_create(&t->watch, cpu, (double)t->o.budget_ms, (double)t->o.refresh_s, err));
    t->base.tiles = &t->figures;
    return fvi_merger_create(&t->merger, cpu) < 0 ? fvi_error_set(err, FV_ERR_MEMORY, "out of memory") : FV_OK;
}

fv_status fvi_flow_detector_tiled(fv_detector **out, fv_context *ctx, fv_model *model, const fv_detect_options *o, fv_error *err)
{
    FVI_TRY(fvi_tiles_check(o->tiles, err));
    tiled *t = fvi_calloc(1, sizeof *t);
    if (!t) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    t->ctx = ctx;
    t->o = *o->tiles;
    t->merge = (fvi_merge_params){t->o.merge, t->o.metric, t->o.threshold, t->o.agnostic || o->agnostic_nms};
    t->max_det = o->max_det > 0 ? o->max_det : 300;
    t->base.run = tiled_run;
    t->base.free = tiled_free;
    t->base.prepare = tiled_prepare;
    t->base.set_classes = tiled_set_classes;
    t->base.class_name = tiled_class_name;
    t->base.hold = tiled_hold;
    t->base.holds = tiled_holds;
    t->base.take = tiled_take;
    t->base.drop = tiled_drop;
    t->base.batch = 1;
    t->base.runs = 1; /* its networks are warm */
    fv_status st = build(t, model, o, err);
    if (st < 0) {
        tiled_free(&t->base);
        return st;
    }
    *out = &t->base;
    return FV_OK;
}
