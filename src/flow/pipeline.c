/* pipeline.c: fv_pipeline: builds the lanes and their queues, runs them to the end of a source, and says how it went.
 * In: stages made by the caller. Out: results through the callback and the sink, figures through fv_pipeline_metrics. */
#include "flow/pipeline.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "flow/detector.h"
#include "model/engine/engine.h"
#include <string.h>

#define DEFAULT_QUEUE 4
#define MAX_QUEUE 256

void fvi_flow_fail(fv_pipeline *p, fv_status st, const fv_error *err, bool abort)
{
    pthread_mutex_lock(&p->lock);
    /* a failure outranks "done in part"; else the first one stays */
    if (p->first_status == FV_OK || (p->first_status > 0 && st < 0)) {
        p->first_status = st;
        p->first_error = *err;
    }
    pthread_mutex_unlock(&p->lock);
    if (!abort) return;
    atomic_store_explicit(&p->aborted, 1, memory_order_release);
    fvi_queue_close(p->free_items);
    fvi_queue_close(p->decoded);
    fvi_queue_close(p->detected);
    fvi_queue_close(p->ready);
}

static fv_policy settle_policy(const fv_pipeline_options *o)
{
    if (o->policy != FV_POLICY_AUTO) return o->policy;
    return o->source && o->source->info.kind == FV_SOURCE_LIVE ? FV_POLICY_NEWEST : FV_POLICY_EVERY;
}

static void free_queues(fv_pipeline *p)
{
    fvi_queue_free(&p->free_items);
    fvi_queue_free(&p->decoded);
    fvi_queue_free(&p->detected);
    fvi_queue_free(&p->ready);
}

/* Queues do not reopen, so every run gets new ones. `newest` keeps them short: a frame that waits grows old. */
static fv_status open_queues(fv_pipeline *p, fv_error *err)
{
    size_t depth = (size_t)(p->o.queue_frames ? p->o.queue_frames : DEFAULT_QUEUE);
    bool newest = p->policy == FV_POLICY_NEWEST;
    size_t first = newest ? (size_t)p->batch : depth, rest = newest ? 1 : depth;
    /* full queues, what the infer lanes gather, and one item in each other lane's hands; results that wait and that are looked at */
    size_t items = first + 2 * rest + (size_t)p->batch * (size_t)p->streams + 3 + (p->results ? 2 : 0);
    free_queues(p);
    if (p->n_items != (int)items) {
        fvi_flow_items_free(p);
        FVI_TRY(fvi_flow_items_create(p, (int)items, err));
        fvi_free(p->early);
        p->early = fvi_calloc(items, sizeof *p->early);
        if (!p->early) return fvi_error_set(err, FV_ERR_MEMORY, "no memory for the queues");
    }
    p->n_early = 0;
    p->next_number = 0;
    fv_status st = fvi_queue_create(&p->free_items, items);
    if (st >= 0) st = fvi_queue_create(&p->decoded, first);
    if (st >= 0) st = fvi_queue_create(&p->detected, rest);
    if (st >= 0) st = fvi_queue_create(&p->ready, rest);
    if (st < 0) return fvi_error_set(err, st, "no memory for the queues");
    for (int i = 0; i < p->n_items; i++) fvi_queue_push(p->free_items, &p->items[i]);
    return FV_OK;
}

static fv_status read_options(fv_pipeline_options *o, const fv_pipeline_options *opt, fv_error *err)
{
    memset(o, 0, sizeof *o);
    if (!opt) return fvi_error_set(err, FV_ERR_ARGUMENT, "a pipeline needs options");
    FVI_TRY(fvi_options_read(o, sizeof *o, opt, "FV_PIPELINE_OPTIONS", err));
    if (o->vid_stride < 0 || o->queue_frames < 0 || o->queue_frames > MAX_QUEUE)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "vid_stride must not be negative, queue_frames must be in 0..%d", MAX_QUEUE);
    return FV_OK;
}

static bool make_infer(fv_pipeline *p)
{
    const size_t n = (size_t)p->batch;
    p->streams = fvi_flow_detector_streams(p->o.detector);
    p->infer = fvi_calloc((size_t)p->streams, sizeof *p->infer);
    for (int i = 0; p->infer && i < p->streams; i++) {
        fvi_flow_infer *f = &p->infer[i];
        f->pipeline = p;
        f->detector = fvi_flow_detector_stream(p->o.detector, i);
        f->frames = fvi_calloc(n, sizeof *f->frames);
        f->items = fvi_calloc(n, sizeof *f->items);
        f->dets = fvi_calloc(n, sizeof *f->dets);
        if (!f->frames || !f->items || !f->dets) return false;
    }
    return p->infer != NULL;
}

static void free_infer(fv_pipeline *p)
{
    for (int i = 0; p->infer && i < p->streams; i++) {
        fvi_free(p->infer[i].frames);
        fvi_free(p->infer[i].items);
        fvi_free(p->infer[i].dets);
    }
    fvi_free(p->infer);
}

fv_status fv_pipeline_create(fv_pipeline **out, const fv_pipeline_options *opt, fv_error *err)
{
    if (!out) return FV_ERR_ARGUMENT;
    *out = NULL;
    fv_pipeline_options o;
    FVI_TRY(read_options(&o, opt, err));
    fv_pipeline *p = fvi_calloc(1, sizeof *p);
    if (!p) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    p->o = o;
    p->batch = o.detector && o.detector->batch > 1 ? o.detector->batch : 1;
    if (!make_infer(p)) goto memory;
    if (pthread_mutex_init(&p->lock, NULL)) goto memory;
    if (pthread_mutex_init(&p->gather_lock, NULL)) goto gather;
    if (fvi_flow_meter_init(&p->meter) < 0) goto meter;
    *out = p;
    return FV_OK;
meter:
    pthread_mutex_destroy(&p->gather_lock);
gather:
    pthread_mutex_destroy(&p->lock);
memory:
    free_infer(p);
    fvi_free(p);
    return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
}

void fv_pipeline_free(fv_pipeline **pp)
{
    if (!pp || !*pp) return;
    fv_pipeline *p = *pp;
    free_queues(p);
    fvi_flow_items_free(p);
    fvi_flow_meter_destroy(&p->meter);
    pthread_mutex_destroy(&p->gather_lock);
    pthread_mutex_destroy(&p->lock);
    free_infer(p);
    fvi_free(p->early);
    fvi_free(p);
    *pp = NULL;
}

fv_status fv_pipeline_set(fv_pipeline *p, const fv_pipeline_options *opt, fv_error *err)
{
    fv_pipeline_options o;
    if (!p) return fvi_error_set(err, FV_ERR_ARGUMENT, "there is no pipeline");
    if (p->running) return fvi_error_set(err, FV_ERR_STATE, "this pipeline is running");
    FVI_TRY(read_options(&o, opt, err));
    if (o.detector != p->o.detector) return fvi_error_set(err, FV_ERR_ARGUMENT, "the detector of a pipeline cannot change");
    p->o = o;
    return FV_OK;
}

void fv_pipeline_stop(fv_pipeline *p)
{
    if (p) atomic_store_explicit(&p->stop, 1, memory_order_relaxed);
}

void fv_pipeline_metrics(fv_pipeline *p, fv_metrics *m) { fvi_flow_meter_snapshot(&p->meter, m); }

static int was_stopped(void *pipeline) { return atomic_load_explicit(&((fv_pipeline *)pipeline)->stop, memory_order_relaxed); }

static bool start_thread(fv_pipeline *p, pthread_t *thread, void *(*body)(void *), void *arg, const char *name)
{
    if (pthread_create(thread, NULL, body, arg)) {
        fv_error err = {0};
        fvi_error_set(&err, FV_ERR_MEMORY, "the system gives no more threads");
        fvi_flow_fail(p, FV_ERR_MEMORY, &err, true);
        return false;
    }
    pthread_setname_np(*thread, name);
    return true;
}

static void run_lanes(fv_pipeline *p)
{
    static void *(*const body[])(void *) = {fvi_flow_decode_lane, fvi_flow_scene_lane, fvi_flow_sink_lane};
    static const char *const name[] = {"fv-decode", "fv-scene", "fv-sink"};
    pthread_t thread[3];
    int started = 0, inferring = 0;
    atomic_store(&p->inferring, p->streams);
    fvi_flow_meter_start(&p->meter);
    while (inferring < p->streams && start_thread(p, &p->infer[inferring].thread, fvi_flow_infer_lane, &p->infer[inferring], "fv-infer")) inferring++;
    while (inferring == p->streams && started < 3 && start_thread(p, &thread[started], body[started], p, name[started])) started++;
    for (int i = 0; i < started; i++) pthread_join(thread[i], NULL);
    for (int i = 0; i < inferring; i++) pthread_join(p->infer[i].thread, NULL);
    fvi_flow_meter_stop(&p->meter);
}

/* Items that a failed start or an aborted run left in the queues and behind a gap. */
static void drain(fv_pipeline *p)
{
    while (p->n_early) {
        fvi_flow_meter_count(&p->meter, 0, 1, 0);
        fvi_flow_item_recycle(p, p->early[--p->n_early]);
    }
    fvi_queue *const queues[] = {p->decoded, p->detected, p->ready};
    void *item;
    for (int i = 0; i < 3; i++)
        while (fvi_queue_try_pull(queues[i], &item) == FV_OK) {
            fvi_flow_meter_count(&p->meter, 0, 1, 0);
            fvi_flow_item_recycle(p, item);
        }
}

fv_status fv_pipeline_run(fv_pipeline *p, fv_error *err)
{
    if (!p || !p->o.source) return fvi_error_set(err, FV_ERR_ARGUMENT, "a pipeline run needs a source");
    if (p->running) return fvi_error_set(err, FV_ERR_STATE, "this pipeline is running");
    p->running = true;
    p->first_status = FV_OK;
    atomic_store(&p->aborted, 0);
    p->last_pts = 0;
    memset(&p->hud, 0, sizeof p->hud);
    p->policy = settle_policy(&p->o);
    fvi_pool *pool = p->o.ctx ? fvi_engine_pool(p->o.ctx) : NULL;
    fv_status st = open_queues(p, err);
    if (st >= 0 && p->o.detector) st = fvi_flow_detector_warm(p->o.detector, err);
    if (st >= 0) {
        if (pool) fvi_pool_set_spin(pool, 0);
        p->o.source->stopped = was_stopped;
        p->o.source->stopped_user = p;
        if (p->o.detector) p->o.detector->listens = true;
        run_lanes(p);
        if (p->o.detector) p->o.detector->listens = false;
        p->o.source->stopped = NULL;
        if (pool) fvi_pool_set_spin(pool, FVI_POOL_SPIN_US);
        drain(p);
        st = p->first_status;
        if (st != FV_OK && err) *err = p->first_error;
        if (st == FV_OK && atomic_load_explicit(&p->stop, memory_order_relaxed))
            st = fvi_error_set(err, FV_ERR_CANCELLED, "stopped before the end of %s", p->o.source->info.name);
    }
    p->running = false;
    return st;
}
