/* stream.c: fv_stream: a pipeline that runs on a thread of its own and leaves its results in a short queue, from which the
 * caller pulls them. The items themselves go through the queue, so nothing is copied. Its parts are made by stream_parts.c. */
#include "flow/stream.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/options.h"
#include <math.h>
#include <string.h>

static void *run(void *arg)
{
    fv_stream *s = arg;
    s->status = fv_pipeline_run(s->pipeline, &s->error);
    fvi_queue_close(s->results); /* the puller takes what is there, then hears how it went */
    return NULL;
}

static fv_status start(fv_stream *s, const fv_stream_options *o, fv_error *err)
{
    FVI_TRY(fvi_flow_stream_parts(s, o, err));
    fv_status st = fvi_queue_create(&s->results, 1);
    if (st < 0) return fvi_error_set(err, st, "out of memory");
    FVI_TRY(fv_pipeline_create(&s->pipeline,
                               FV_PIPELINE_OPTIONS(.source = s->source, .detector = s->detector, .tracker = s->tracker, .counter = s->counter,
                                                   .painter = s->painter, .scene = s->scene, .policy = o->policy, .vid_stride = o->vid_stride,
                                                   .ctx = s->ctx, .queue_frames = 2, .no_hud = 1),
                               err));
    s->pipeline->results = s->results;
    if (pthread_create(&s->thread, NULL, run, s)) return fvi_error_set(err, FV_ERR_MEMORY, "the system gives no more threads");
    s->started = true;
    pthread_setname_np(s->thread, "fv-stream");
    return FV_OK;
}

fv_status fv_stream_open(fv_stream **out, const fv_stream_options *opt, fv_error *err)
{
    if (!out) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_stream_open: out is null");
    *out = NULL;
    if (!opt) return fvi_error_set(err, FV_ERR_ARGUMENT, "a stream needs options: a source and a model");
    fv_stream_options o = {.size = sizeof o};
    FVI_TRY(fvi_options_read(&o, sizeof o, opt, "FV_STREAM_OPTIONS", err));
    if (!o.source == !o.input) return fvi_error_set(err, FV_ERR_ARGUMENT, "a stream needs a source: either its name or one of your own");
    if (!o.model == !o.detector) return fvi_error_set(err, FV_ERR_ARGUMENT, "a stream needs a model: either its file or a detector");
    if (o.vid_stride < 0 || !(o.wait_s >= 0)) return fvi_error_set(err, FV_ERR_ARGUMENT, "vid_stride and wait_s must not be negative");
    fv_stream *s = fvi_calloc(1, sizeof *s);
    if (!s) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    s->wait_s = o.wait_s;
    fv_status st = start(s, &o, err);
    if (st < 0) {
        fv_stream_close(&s);
        return st;
    }
    *out = s;
    return FV_OK;
}

static void give_back(fv_stream *s)
{
    if (s->item) fvi_flow_item_recycle(s->pipeline, s->item);
    s->item = NULL;
}

static void join(fv_stream *s)
{
    if (s->started && !s->joined) pthread_join(s->thread, NULL);
    s->joined = true;
}

/* Everything is over: how it went, and once, who was still in a zone. */
static fv_status at_end(fv_stream *s, fv_result *r, fv_error *err)
{
    bool first = !s->joined;
    join(s);
    if (first && s->counter) {
        fv_status st = fv_counter_finish(s->counter, s->last_pts, s->last_frame, &r->events, &r->n_events);
        if (st < 0 && s->status >= 0) s->status = fvi_error_set(&s->error, st, "counting: %s", fv_status_text(st));
        for (int i = 0; i < s->n_lines; i++) fv_counter_line(s->counter, i, &s->lines[i]);
        for (int i = 0; i < s->n_zones; i++) fv_counter_zone(s->counter, i, &s->zones[i]);
    }
    r->lines = s->lines;
    r->zones = s->zones;
    r->n_lines = s->n_lines;
    r->n_zones = s->n_zones;
    if (s->status == FV_OK) return FV_END;
    if (err) *err = s->error;
    return s->status;
}

fv_status fv_stream_next(fv_stream *s, fv_result *r, fv_error *err)
{
    if (!s || !r) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_stream_next: the stream or the result is null");
    *r = (fv_result){.source = s->info.name};
    give_back(s);
    void *pulled = NULL;
    fv_status st = s->joined ? FV_END : fvi_queue_pull_for(s->results, s->wait_s > 0 ? s->wait_s : INFINITY, &pulled);
    if (st == FV_AGAIN) return st;
    if (st != FV_OK) return at_end(s, r, err);
    fvi_flow_item *item = s->item = pulled;
    int64_t took = fvi_now_ns() - item->born_ns;
    fvi_flow_detector_tell(s->pipeline->o.detector, fvi_ms(took));
    fvi_flow_meter_done(&s->pipeline->meter, took);
    fvi_flow_item_result(s->pipeline, item, r);
    if (isfinite(item->frame.pts) && item->frame.pts > s->last_pts) s->last_pts = item->frame.pts;
    s->last_frame = item->frame.index;
    return FV_OK;
}

void fv_stream_stop(fv_stream *s)
{
    if (s) fv_pipeline_stop(s->pipeline);
}

void fv_stream_close(fv_stream **sp)
{
    if (!sp || !*sp) return;
    fv_stream *s = *sp;
    if (s->started) {
        void *item;
        fv_pipeline_stop(s->pipeline);
        fvi_queue_close(s->results); /* who waits to put one in gives up */
        join(s);
        give_back(s);
        while (fvi_queue_try_pull(s->results, &item) == FV_OK) fvi_flow_item_recycle(s->pipeline, item);
    }
    fv_pipeline_free(&s->pipeline);
    fvi_queue_free(&s->results);
    fvi_flow_stream_parts_free(s);
    fvi_free(s);
    *sp = NULL;
}

void fv_stream_metrics(fv_stream *s, fv_metrics *m)
{
    if (!m) return;
    memset(m, 0, sizeof *m);
    if (s) fv_pipeline_metrics(s->pipeline, m);
}

const fv_detector *fv_stream_detector(const fv_stream *s) { return s ? s->detector : NULL; }
const fv_source_info *fv_stream_info(const fv_stream *s) { return s ? &s->info : NULL; }
