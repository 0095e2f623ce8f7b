/* tiled.c: a detector that looks at a frame as a whole and in tiles, and makes one answer of what it finds. In: frames of any size. Each frame's
 * views are a row that one or several groups of networks work through (tiled_groups.c); boxes are merged (vision/tiles) and gathered
 * (tiled_gather.c). Called by the pipeline as any other detector. */
#include "flow/tiled_watch.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "model/engine/engine.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* What is known of one film. */
typedef struct film {
    fvi_tiles_grid grid;
    int frame_w, frame_h; /* what the grid is made for */
    int n_views;
    fvi_tile *tiles; /* [capacity], and the next */
    uint8_t *which;
    size_t capacity;
    fvi_flow_watch *watch; /* null: every view of every frame */
} film;

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
    film *films;   /* [base.sources] */
    fvi_flow_row *row;
    fvi_flow_view *views; /* [views_capacity], found too: looks at everything */
    fv_detections *found;
    size_t views_capacity;
    fvi_tiles_box *boxes;
    int *item;
    size_t boxes_capacity; /* of both */
    fvi_merger *merger;
    fvi_flow_budget budget;
    pthread_mutex_t lock; /* figures, which told changes from another thread */
    bool locks;
    fv_tile_figures figures;
    char rule[256];
} tiled;

static bool one_look(const film *f) { return f->grid.cols * f->grid.rows == 1; }

static void free_views(tiled *t)
{
    for (size_t i = 0; i < t->views_capacity; i++) fv_detections_clear(&t->found[i]);
    FVI_FREE(t->views);
    FVI_FREE(t->found);
    t->views_capacity = 0;
}

static fv_status reserve_views(tiled *t, size_t n, fv_error *err)
{
    if (n <= t->views_capacity) return FV_OK;
    free_views(t);
    t->views = fvi_calloc(n, sizeof *t->views);
    t->found = fvi_calloc(n, sizeof *t->found);
    t->views_capacity = t->views && t->found ? n : 0;
    if (t->views_capacity) return FV_OK;
    FVI_FREE(t->views);
    FVI_FREE(t->found);
    return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for %zu tiles", n);
}

static fv_status reserve_film(film *f, size_t n, fv_error *err)
{
    if (n <= f->capacity) return FV_OK;
    fvi_free(f->tiles);
    fvi_free(f->which);
    f->tiles = fvi_calloc(n, sizeof *f->tiles);
    f->which = fvi_calloc(n, sizeof *f->which);
    f->capacity = f->tiles && f->which ? n : 0;
    return f->capacity ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory for %zu tiles", n);
}

/* Views of frames of another size: the whole, then the tiles row by row. */
static fv_status plan(tiled *t, film *m, const fv_frame *f, fv_error *err)
{
    const fv_detector *d = fvi_flow_groups_net(t->groups, 0, FVI_NET_TILES);
    if (f->width == m->frame_w && f->height == m->frame_h) return FV_OK;
    m->frame_w = m->frame_h = 0;
    FVI_TRY(fvi_tiles_grid_of(&m->grid, &t->o, d->input_w, d->input_h, f->width, f->height, err));
    int n_tiles = m->grid.cols * m->grid.rows, n = 0;
    FVI_TRY(reserve_film(m, (size_t)n_tiles + 1, err));
    if (one_look(m) || !t->o.no_global) {
        m->tiles[n] = (fvi_tile){0, 0, f->width, f->height, one_look(m) ? 0u : FVI_TILE_COARSE};
        m->which[n++] = one_look(m) && t->o.no_global ? FVI_NET_TILES : FVI_NET_WHOLE;
    }
    for (int i = 0; i < n_tiles && !one_look(m); i++) {
        m->tiles[n] = fvi_tiles_at(&m->grid, i, f->width, f->height);
        m->which[n++] = FVI_NET_TILES;
    }
    m->n_views = n;
    m->frame_w = f->width;
    m->frame_h = f->height;
    if (t->ctx)
        fvi_log_write(fvi_engine_log(t->ctx), FV_LOG_INFO, "frames of %dx%d: %dx%d tiles of %dx%d%s", f->width, f->height, m->grid.cols, m->grid.rows, m->grid.width,
                      m->grid.height, t->o.no_global ? "" : one_look(m) ? ", which is the whole" : " and the whole");
    return FV_OK;
}

/* What all views found, in pixels of the frame. */
static fv_status collect(tiled *t, const film *m, int *count, fv_error *err)
{
    size_t n = 0;
    for (int v = 0; v < m->n_views; v++) n += (size_t)t->found[v].count;
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
    for (int v = 0; v < m->n_views; v++) {
        const fvi_tile *tile = &m->tiles[v];
        for (int i = 0; i < t->found[v].count; i++) {
            const fv_detection *d = &t->found[v].items[i];
            int c = t->class_of && m->which[v] == FVI_NET_TILES ? t->class_of[d->class_id] : d->class_id;
            if (c < 0 || (t->silent && m->which[v] == FVI_NET_TILES)) continue;
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
    t->base.times.infer_tiles_ns += times->infer_tiles_ns;
    t->base.times.enqueue_ns += times->enqueue_ns;
    t->base.times.sync_ns += times->sync_ns;
    t->base.times.heads_ns += times->heads_ns;
    t->base.times.merge_ns += fvi_now_ns() - since;
}

/* Bins of series_frames frames; twice as many in each when there is no room. */
static int series_bin(fv_tile_figures *f)
{
    if (f->series_frames == 0) f->series_frames = 1;
    int64_t bin = f->frames > 0 ? (f->frames - 1) / f->series_frames : 0;
    if (bin >= FV_TILE_SERIES) {
        for (int i = 0; i < FV_TILE_SERIES; i++) {
            uint32_t looks = i < FV_TILE_SERIES / 2 ? f->series_looks[2 * i] + f->series_looks[2 * i + 1] : 0;
            uint32_t over = i < FV_TILE_SERIES / 2 ? f->series_over[2 * i] + f->series_over[2 * i + 1] : 0;
            f->series_looks[i] = looks;
            f->series_over[i] = over;
        }
        f->series_frames *= 2;
        bin = (f->frames - 1) / f->series_frames;
    }
    if (bin >= f->n_series) f->n_series = (int)bin + 1;
    return (int)bin;
}

/* A frame was looked at so often. */
static void note_frame(tiled *t, const film *m, int64_t looks)
{
    fv_tile_figures *f = &t->figures;
    f->frames++;
    f->cols = m->grid.cols;
    f->rows = m->grid.rows;
    f->width = m->grid.width;
    f->height = m->grid.height;
    f->frame_w = m->frame_w;
    f->frame_h = m->frame_h;
    f->look_ms = fvi_flow_budget_look_ms(&t->budget);
    f->series_looks[series_bin(f)] += (uint32_t)looks;
}

static void tiled_told(fv_detector *d, double end_to_end_ms)
{
    tiled *t = (tiled *)d;
    if (!fvi_flow_budget_tell(&t->budget, end_to_end_ms)) return;
    pthread_mutex_lock(&t->lock);
    t->figures.over_budget++;
    t->figures.series_over[series_bin(&t->figures)]++;
    pthread_mutex_unlock(&t->lock);
}

static void tiled_figures(const fv_detector *d, fv_tile_figures *f)
{
    tiled *t = (tiled *)(uintptr_t)d; /* the lock is no part of what it says */
    pthread_mutex_lock(&t->lock);
    *f = t->figures;
    pthread_mutex_unlock(&t->lock);
}

static void tiled_lost(fv_detector *d, int source, const fvi_track_place *places, int n)
{
    const tiled *t = (const tiled *)d;
    if (source >= 0 && source < d->sources && t->films[source].watch) fvi_flow_watch_lost(t->films[source].watch, places, n);
}

/* All views. */
static fv_status look_at(tiled *t, film *m, const fv_frame *f, fv_detections *out, fv_error *err)
{
    fv_detect_times times;
    FVI_TRY(reserve_views(t, (size_t)m->n_views, err));
    for (int v = 0; v < m->n_views; v++)
        t->views[v] = (fvi_flow_view){f, {m->tiles[v].x, m->tiles[v].y, m->tiles[v].width, m->tiles[v].height}};
    FVI_TRY(fvi_flow_groups_look(t->groups, t->views, m->which, m->n_views, t->found, &times, err));
    int64_t t0 = fvi_now_ns();
    int n;
    FVI_TRY(collect(t, m, &n, err));
    FVI_TRY(conclude(t, f, t->boxes, n, m->tiles, m->n_views, out, err));
    add_times(t, &times, t0);
    pthread_mutex_lock(&t->lock);
    t->figures.looks += m->n_views;
    t->figures.tiles += m->n_views;
    for (int v = 0; v < m->n_views; v++)
        if (m->which[v] == FVI_NET_TILES || v > 0) fvi_flow_watch_visit(&t->figures, &m->tiles[v], f->width, f->height);
    note_frame(t, m, m->n_views);
    pthread_mutex_unlock(&t->lock);
    return FV_OK;
}

/* What has changed, and what is due, in frames of different films. */
static fv_status watch(tiled *t, film *const *films, const fv_frame *const *frames, int n, fv_detections *const *out, fv_error *err)
{
    fvi_flow_watched w[FVI_ROW_MOST];
    fv_detect_times times;
    int64_t t0 = fvi_now_ns();
    for (int i = 0; i < n; i++) {
        const film *m = films[i];
        w[i] = (fvi_flow_watched){.watch = m->watch, .frame = frames[i],
                                  .plan = {m->tiles, m->which, m->n_views, !t->o.no_global, m->grid.width, m->grid.height, t->class_of, t->silent}};
    }
    const int64_t before = t->figures.looks;
    FVI_TRY(fvi_flow_row_look(t->row, w, n, t->groups, &t->budget, &times, &t->figures, err));
    int64_t t1 = fvi_now_ns(), looked = times.prep_ns + times.infer_ns + times.infer_tiles_ns + times.heads_ns + times.enqueue_ns + times.sync_ns, looks = t->figures.looks - before;
    for (int i = 0; i < n; i++) FVI_TRY(conclude(t, frames[i], w[i].boxes, w[i].n, w[i].seen, w[i].n_seen, out[i], err));
    times.prep_ns += t1 - t0 > looked ? t1 - t0 - looked : 0; /* choosing what to look at */
    add_times(t, &times, t1);
    fvi_flow_budget_took(&t->budget, (int)looks, fvi_ms(looked), fvi_ms(fvi_now_ns() - t0 - looked));
    pthread_mutex_lock(&t->lock);
    for (int i = 0; i < n; i++) note_frame(t, films[i], looks / n + (i < looks % n));
    pthread_mutex_unlock(&t->lock);
    return FV_OK;
}

static bool can_watch(const tiled *t, const film *m, const fv_frame *f) { return m->watch && t->base.task == FV_TASK_DETECT && !one_look(m) && fvi_flow_watch_can(f); }

/* Their times are added to d's. */
static fv_status run_frames(fv_detector *d, const fv_frame *const *frames, const int *source, int n, fv_detections *out, fv_error *err)
{
    tiled *t = (tiled *)d;
    film *films[FVI_ROW_MOST];
    const fv_frame *watched[FVI_ROW_MOST];
    fv_detections *into[FVI_ROW_MOST];
    int n_watched = 0;
    int64_t t0 = fvi_now_ns();
    if (n < 1 || n > FVI_ROW_MOST) return fvi_error_set(err, FV_ERR_ARGUMENT, "%d frames at once: 1 to %d", n, FVI_ROW_MOST);
    for (int i = 0; i < n; i++) {
        if (source[i] < 0 || source[i] >= d->sources) return fvi_error_set(err, FV_ERR_ARGUMENT, "source %d: this detector tells %d apart", source[i], d->sources);
        film *m = &t->films[source[i]];
        FVI_TRY(plan(t, m, frames[i], err));
        if (!can_watch(t, m, frames[i])) {
            FVI_TRY(look_at(t, m, frames[i], &out[i], err));
            continue;
        }
        films[n_watched] = m;
        watched[n_watched] = frames[i];
        into[n_watched++] = &out[i];
    }
    if (n_watched) FVI_TRY(watch(t, films, watched, n_watched, into, err));
    for (int i = 0; i < n && !d->listens; i++) tiled_told(d, fvi_ms(fvi_now_ns() - t0)); /* nobody knows more */
    return FV_OK;
}

static fv_status tiled_run_of(fv_detector *d, const fv_frame *const *frames, const int *source, int n, fv_detections *out, fv_error *err)
{
    d->times = (fv_detect_times){.tiled = 1};
    return run_frames(d, frames, source, n, out, err);
}

/* Frames of one film, one after the other. */
static fv_status tiled_run(fv_detector *d, const fv_frame *const *frames, int n, fv_detections *out, fv_error *err)
{
    d->times = (fv_detect_times){.tiled = 1};
    for (int i = 0; i < n; i++) FVI_TRY(run_frames(d, frames + i, &(int){0}, 1, out + i, err));
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
    for (int i = 0; i < d->sources; i++)
        if (t->films[i].watch) fvi_flow_watch_forget(t->films[i].watch);
}

static void tiled_free(fv_detector *d)
{
    tiled *t = (tiled *)d;
    free_views(t);
    fvi_merger_free(&t->merger);
    for (int i = 0; t->films && i < d->sources; i++) {
        fvi_flow_watch_free(&t->films[i].watch);
        fvi_free(t->films[i].tiles);
        fvi_free(t->films[i].which);
    }
    fvi_free(t->films);
    fvi_flow_row_free(&t->row);
    fvi_flow_groups_free(&t->groups);
    fvi_flow_budget_destroy(&t->budget);
    if (t->locks) pthread_mutex_destroy(&t->lock);
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
    t->locks = pthread_mutex_init(&t->lock, NULL) == 0;
    t->figures.budget_ms = (double)t->o.budget_ms;
    t->films = fvi_calloc((size_t)t->base.sources, sizeof *t->films);
    if (!t->locks || !t->films || fvi_flow_budget_init(&t->budget, (double)t->o.budget_ms) < 0) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    FVI_TRY(fvi_flow_row_create(&t->row, err));
    for (int i = 0; i < t->base.sources && (t->o.watch || t->o.budget_ms > 0); i++) FVI_TRY(fvi_flow_watch_create(&t->films[i].watch, cpu, (double)t->o.refresh_s, err));
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
    t->base.run_of = tiled_run_of;
    t->base.sources = t->o.sources > 0 ? t->o.sources : 1;
    t->base.tile_figures = tiled_figures;
    t->base.told = tiled_told;
    t->base.lost = tiled_lost;
    t->base.free = tiled_free;
    t->base.prepare = tiled_prepare;
    t->base.set_classes = tiled_set_classes;
    t->base.class_name = tiled_class_name;
    t->base.hold = tiled_hold;
    t->base.holds = tiled_holds;
    t->base.take = tiled_take;
    t->base.drop = tiled_drop;
    t->base.batch = t->base.sources;
    t->base.runs = 1; /* its networks are warm */
    fv_status st = build(t, model, o, err);
    if (st < 0) {
        tiled_free(&t->base);
        return st;
    }
    *out = &t->base;
    return FV_OK;
}
