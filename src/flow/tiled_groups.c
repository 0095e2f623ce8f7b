/* tiled_groups.c: several sets of networks, each with threads of its own, that take views from one row until it is empty. Which group looks at
 * which view changes nothing in the results. Called by tiled.c. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "flow/tiled.h"
#include "model/engine/engine.h"
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define MOST_GROUPS 64
#define TRIAL_VIEWS 8 /* of a measurement: a multiple of the usual numbers of groups */

typedef struct group {
    fvi_flow_groups *all;
    fv_context *ctx; /* only its threads are used; null = those of the detector's context */
    fv_detector *net[FVI_NETS];
    pthread_t thread;
    bool started;
    fv_detect_times times; /* of the row in progress */
} group;

struct fvi_flow_groups {
    group g[MOST_GROUPS];
    int n;
    bool one_model;
    bool locks;
    pthread_mutex_t lock; /* all below */
    pthread_cond_t work, done;
    bool over;
    int64_t row;  /* number of the row in progress */
    int busy;     /* groups that have not finished it */
    const fvi_flow_view *views;
    const uint8_t *which;
    fv_detections *out;
    int count, taken;
    fv_status status; /* first failure */
    fv_error error;
};

/* Up to a batch of views for one network. */
static int take(fvi_flow_groups *g, int *first)
{
    *first = g->taken;
    int n = 0, most = 1;
    while (g->taken < g->count && n < most && g->which[g->taken] == g->which[*first]) {
        most = g->g[0].net[g->which[*first]]->batch;
        g->taken++;
        n++;
    }
    return n;
}

/* Under the lock on entry and exit. */
static void work_through(group *me)
{
    fvi_flow_groups *g = me->all;
    int first, n;
    while (g->status >= 0 && (n = take(g, &first)) > 0) {
        fv_detector *d = me->net[g->which[first]];
        fv_error err = {0};
        pthread_mutex_unlock(&g->lock);
        fv_status st = d->look(d, g->views + first, n, g->out + first, &err);
        pthread_mutex_lock(&g->lock);
        me->times.prep_ns += d->times.prep_ns;
        *(g->which[first] == FVI_NET_TILES ? &me->times.infer_tiles_ns : &me->times.infer_ns) += d->times.infer_ns;
        me->times.heads_ns += d->times.heads_ns;
        if (st < 0 && g->status >= 0) {
            g->status = st;
            g->error = err;
        }
    }
}

static void *group_thread(void *arg)
{
    group *me = arg;
    fvi_flow_groups *g = me->all;
    int64_t seen = 0;
    pthread_mutex_lock(&g->lock);
    for (;;) {
        while (!g->over && g->row == seen) pthread_cond_wait(&g->work, &g->lock);
        if (g->over) break;
        seen = g->row;
        work_through(me);
        if (--g->busy == 0) pthread_cond_signal(&g->done);
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

fv_status fvi_flow_groups_look(fvi_flow_groups *g, const fvi_flow_view *views, const uint8_t *which, int n, fv_detections *out, fv_detect_times *times, fv_error *err)
{
    int64_t t0 = fvi_now_ns();
    pthread_mutex_lock(&g->lock);
    for (int i = 0; i < g->n; i++) g->g[i].times = (fv_detect_times){0};
    g->views = views;
    g->which = which;
    g->out = out;
    g->count = n;
    g->taken = 0;
    g->status = FV_OK;
    g->busy = g->n - 1;
    g->row++;
    if (g->n > 1) pthread_cond_broadcast(&g->work);
    const int64_t handed = fvi_now_ns();
    work_through(&g->g[0]);
    const int64_t worked = fvi_now_ns();
    while (g->busy > 0) pthread_cond_wait(&g->done, &g->lock);
    fv_status st = g->status;
    if (st < 0 && err) *err = g->error;
    pthread_mutex_unlock(&g->lock);
    *times = (fv_detect_times){.tiled = 1, .enqueue_ns = handed - t0, .sync_ns = fvi_now_ns() - worked};
    int64_t *parts[] = {&times->prep_ns, &times->infer_ns, &times->infer_tiles_ns, &times->heads_ns}, sum = 0;
    for (int i = 0; i < g->n; i++) {
        times->prep_ns += g->g[i].times.prep_ns;
        times->infer_ns += g->g[i].times.infer_ns;
        times->infer_tiles_ns += g->g[i].times.infer_tiles_ns;
        times->heads_ns += g->g[i].times.heads_ns;
    }
    for (int k = 0; k < 4; k++) sum += *parts[k];
    if (g->n > 1 && sum > 0) /* they ran at the same time: parts of what passed while the caller worked */
        for (int k = 0; k < 4; k++) *parts[k] = (int64_t)((double)*parts[k] * (double)(worked - handed) / (double)sum);
    return st;
}

/* ---- making them ---- */

void fvi_flow_groups_free(fvi_flow_groups **pg)
{
    if (!pg || !*pg) return;
    fvi_flow_groups *g = *pg;
    if (g->locks) {
        pthread_mutex_lock(&g->lock);
        g->over = true;
        pthread_cond_broadcast(&g->work);
        pthread_mutex_unlock(&g->lock);
        for (int i = 0; i < MOST_GROUPS; i++)
            if (g->g[i].started) pthread_join(g->g[i].thread, NULL);
        pthread_cond_destroy(&g->done);
        pthread_cond_destroy(&g->work);
        pthread_mutex_destroy(&g->lock);
    }
    for (int i = MOST_GROUPS - 1; i >= 0; i--) { /* the first last: the others read its weights */
        if (!g->one_model) fv_detector_free(&g->g[i].net[FVI_NET_TILES]);
        fv_detector_free(&g->g[i].net[FVI_NET_WHOLE]);
        fv_context_free(&g->g[i].ctx);
    }
    FVI_FREE(*pg);
}

static fv_status open_nets(fvi_flow_groups *g, int i, fv_context *ctx, fv_model *const models[FVI_NETS], const fv_detect_options *o, fv_error *err)
{
    group *me = &g->g[i];
    for (int k = 0; k < FVI_NETS; k++) {
        if (k && g->one_model) {
            me->net[k] = me->net[0];
            break;
        }
        FVI_TRY(fvi_flow_detector_net(&me->net[k], ctx, me->ctx, models[k], o, i ? g->g[0].net[k] : NULL, err));
        FVI_TRY(fvi_flow_detector_warm(me->net[k], err));
    }
    return FV_OK;
}

static fv_status open_group(fvi_flow_groups *g, int i, int n, fv_context *ctx, fv_model *const models[FVI_NETS], const fv_detect_options *o, fv_error *err)
{
    int threads = fv_context_threads(ctx);
    group *me = &g->g[i];
    me->all = g;
    if (n > 1) {
        FVI_TRY(fv_context_create(&me->ctx, FV_CONTEXT_OPTIONS(.threads = threads / n + (i < threads % n)), err));
        fvi_pool_set_spin(fvi_engine_pool(me->ctx), 0); /* the other groups have work for the CPUs */
    }
    FVI_TRY(open_nets(g, i, ctx, models, o, err));
    if (i > 0 && pthread_create(&me->thread, NULL, group_thread, me) != 0) return fvi_error_set(err, FV_ERR_MEMORY, "no thread for a group of tiles");
    me->started = i > 0;
    return FV_OK;
}

fv_status fvi_flow_groups_create(fvi_flow_groups **out, int n, fv_context *ctx, fv_model *const models[FVI_NETS], const fv_detect_options *o, fv_error *err)
{
    *out = NULL;
    int threads = ctx ? fv_context_threads(ctx) : 1;
    if (n < 1 || n > MOST_GROUPS || n > threads)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "%d groups of tiles need at least as many threads; there are %d (and at most %d groups)", n, threads, MOST_GROUPS);
    fvi_flow_groups *g = fvi_calloc(1, sizeof *g);
    if (!g) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    g->one_model = models[0] == models[1];
    bool mutex = pthread_mutex_init(&g->lock, NULL) == 0, work = mutex && pthread_cond_init(&g->work, NULL) == 0;
    g->locks = work && pthread_cond_init(&g->done, NULL) == 0;
    if (!g->locks) {
        if (work) pthread_cond_destroy(&g->work);
        if (mutex) pthread_mutex_destroy(&g->lock);
    }
    fv_status st = g->locks ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    for (int i = 0; i < n && st >= 0; i++) st = open_group(g, i, n, ctx, models, o, err);
    if (st < 0) {
        fvi_flow_groups_free(&g);
        return st;
    }
    g->n = n; /* group threads wait for a row and do not read it */
    *out = g;
    return FV_OK;
}

int fvi_flow_groups_count(const fvi_flow_groups *g) { return g->n; }
fv_detector *fvi_flow_groups_net(const fvi_flow_groups *g, int i, int which) { return i < g->n ? g->g[i].net[which] : NULL; }

/* ---- the fastest number of them ---- */

/* Time of a row of views of a picture of the network's size that is all noise, the best of two. */
static fv_status trial(fvi_flow_groups *g, int64_t *ns, fv_error *err)
{
    fv_detections found[TRIAL_VIEWS] = {0};
    fvi_flow_view views[TRIAL_VIEWS];
    uint8_t which[TRIAL_VIEWS];
    fv_detect_times times;
    fv_frame noise = {0};
    const fv_detector *d = g->g[0].net[FVI_NET_TILES];
    fv_status st = fv_frame_alloc(&noise, FV_PIXEL_GRAY, d->input_w, d->input_h);
    if (st < 0) return fvi_error_set(err, st, "no memory for a %dx%d frame", d->input_w, d->input_h);
    uint32_t seed = 1;
    for (int y = 0; y < noise.height; y++)
        for (int x = 0; x < noise.width; x++) noise.plane[0][y * noise.stride[0] + x] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
    for (int i = 0; i < TRIAL_VIEWS; i++) {
        views[i] = (fvi_flow_view){&noise, {0, 0, noise.width, noise.height}};
        which[i] = FVI_NET_TILES;
    }
    for (int k = 0; k < 2 && st >= 0; k++) {
        int64_t t0 = fvi_now_ns();
        st = fvi_flow_groups_look(g, views, which, TRIAL_VIEWS, found, &times, err);
        int64_t took = fvi_now_ns() - t0;
        if (k == 0 || took < *ns) *ns = took;
    }
    for (int i = 0; i < TRIAL_VIEWS; i++) fv_detections_clear(&found[i]);
    fv_frame_release(&noise);
    return st;
}

fv_status fvi_flow_groups_measured(fvi_flow_groups **out, fv_context *ctx, fv_model *const models[FVI_NETS], const fv_detect_options *o, fv_error *err)
{
    int threads = ctx ? fv_context_threads(ctx) : 1;
    int64_t best = 0;
    *out = NULL;
    for (int n = 1; n <= threads && n <= MOST_GROUPS; n *= 2) {
        fvi_flow_groups *g = NULL;
        int64_t ns = 0;
        fv_status st = fvi_flow_groups_create(&g, n, ctx, models, o, err);
        if (st >= 0 && threads > 1) st = trial(g, &ns, err);
        if (st < 0) {
            fvi_flow_groups_free(&g);
            fvi_flow_groups_free(out);
            return st;
        }
        if (ctx && threads > 1) fvi_log_write(fvi_engine_log(ctx), FV_LOG_INFO, "tiles in %d group%s: %.1f ms each", n, n == 1 ? "" : "s", (double)ns * 1e-6 / TRIAL_VIEWS);
        if (!*out || ns < best) {
            best = ns;
            fvi_flow_groups *worse = *out;
            *out = g;
            g = worse;
        }
        fvi_flow_groups_free(&g);
    }
    return FV_OK;
}
