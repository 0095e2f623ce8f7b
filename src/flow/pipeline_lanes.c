/* pipeline_lanes.c: the threads of a run, four or more. Each pulls items from the queue in front of it, works, and pushes them on;
 * the first takes them from the free pool, the last puts them back. Started by pipeline.c.
 *
 * End of stream: a lane that sees its input closed and empty closes its output, so the end walks down the road behind the
 * last frame. A failure closes everything at once and what is in flight is thrown away (and counted as dropped). */
#include "base/clock.h"
#include "base/error.h"
#include "flow/detector.h"
#include "flow/pipeline.h"
#include <math.h>

#define MOST_LOST 64 /* places that the detector is told of */

static bool aborted(fv_pipeline *p) { return atomic_load_explicit(&p->aborted, memory_order_acquire) != 0; }

static void discard(fv_pipeline *p, fvi_flow_item *item)
{
    fvi_flow_meter_count(&p->meter, 0, 1, 0);
    fvi_flow_item_recycle(p, item);
}

/* Lanes that several threads work on count as one. */
static void waited(fv_pipeline *p, fvi_flow_lane lane, int64_t since)
{
    fvi_flow_meter_wait(&p->meter, lane, (fvi_now_ns() - since) / (lane == FVI_LANE_INFER ? p->streams : 1));
}

static fvi_flow_item *pull(fv_pipeline *p, fvi_queue *q, fvi_flow_lane lane)
{
    void *item = NULL;
    int64_t t0 = fvi_now_ns();
    fv_status st = fvi_queue_pull(q, &item);
    waited(p, lane, t0);
    return st == FV_OK ? item : NULL;
}

/* Hands the item on; a closed queue means that the run was aborted. */
static void push(fv_pipeline *p, fvi_queue *q, fvi_flow_lane lane, fvi_flow_item *item)
{
    int64_t t0 = fvi_now_ns();
    fv_status st = aborted(p) ? FV_END : fvi_queue_push(q, item);
    waited(p, lane, t0);
    if (st != FV_OK) discard(p, item);
}

/* ---- decode ---- */

static void hand_over_decoded(fv_pipeline *p, fvi_flow_item *item)
{
    if (p->policy == FV_POLICY_EVERY) {
        push(p, p->decoded, FVI_LANE_DECODE, item);
        return;
    }
    void *displaced = NULL;
    fv_status st = aborted(p) ? FV_END : fvi_queue_push_newest(p->decoded, item, &displaced);
    if (st != FV_OK) discard(p, item);
    if (displaced) discard(p, displaced);
}

/* One frame into item->frame. False: the stream is over (or broken, which is noted). */
static bool read_frame(fv_pipeline *p, fvi_flow_item *item)
{
    fv_error err = {0};
    fv_source *src = p->o.source;
    int64_t t0 = fvi_now_ns();
    fv_status st = src->read(src, &item->frame, &err);
    int64_t took = fvi_now_ns() - t0;
    if (st == FV_OK) {
        int64_t work = item->frame.decode_ns > 0 ? item->frame.decode_ns : took;
        if (src->info.kind == FV_SOURCE_LIVE && took > work) fvi_flow_meter_wait(&p->meter, FVI_LANE_DECODE, took - work);
        item->born_ns = item->frame.born_ns > 0 ? item->frame.born_ns : fvi_now_ns();
        fvi_flow_meter_count(&p->meter, 1, 0, 0);
        fvi_flow_meter_add(&p->meter, FV_STAGE_DECODE, work, 1);
        return true;
    }
    if (st < 0 || st == FV_PARTIAL) {
        if (!err.text[0]) fvi_error_set(&err, st, "%s: %s", src->info.name, fv_status_text(st));
        fvi_flow_fail(p, st, &err, false); /* frames in flight are good: they are finished */
    }
    return false;
}

void *fvi_flow_decode_lane(void *arg)
{
    fv_pipeline *p = arg;
    int stride = p->o.vid_stride > 1 ? p->o.vid_stride : 1;
    fvi_flow_item *item = NULL;
    for (int64_t n = 0;; n++) {
        if (!item && !(item = pull(p, p->free_items, FVI_LANE_DECODE))) break;
        if (atomic_load_explicit(&p->stop, memory_order_relaxed) || aborted(p)) break;
        if (!read_frame(p, item)) break;
        if (n % stride) {
            fv_frame_release(&item->frame);
            fvi_flow_meter_count(&p->meter, 0, 0, 1);
            continue;
        }
        hand_over_decoded(p, item);
        item = NULL;
    }
    if (item) fvi_flow_item_recycle(p, item);
    fvi_flow_meter_lane_ends(&p->meter, FVI_LANE_DECODE);
    fvi_queue_close(p->decoded);
    return NULL;
}

/* ---- infer ---- */

/* Up to a batch of items. With `every` a batch is filled (only the last may be short); with `newest` nothing waits for company. */
static int gather(fvi_flow_infer *f)
{
    fv_pipeline *p = f->pipeline;
    int n = 0;
    int64_t t0 = fvi_now_ns();
    pthread_mutex_lock(&p->gather_lock);
    waited(p, FVI_LANE_INFER, t0);
    while (n < p->batch) {
        void *item = NULL;
        if (n == 0 || p->policy == FV_POLICY_EVERY)
            item = pull(p, p->decoded, FVI_LANE_INFER);
        else if (fvi_queue_try_pull(p->decoded, &item) != FV_OK)
            item = NULL;
        if (!item) break;
        f->items[n] = item;
        f->items[n]->number = p->next_number++;
        f->items[n]->taken_ns = fvi_now_ns();
        f->items[n]->worked_ns = 0;
        n++;
    }
    if (p->o.detector) f->weights = atomic_load(&p->o.detector->offered); /* in the order of frames: none gets older ones than the frame before it */
    pthread_mutex_unlock(&p->gather_lock);
    return n;
}

static fv_status infer_batch(fvi_flow_infer *f, int n, fv_error *err)
{
    fv_pipeline *p = f->pipeline;
    fv_detect_times t;
    for (int i = 0; i < n; i++) {
        f->frames[i] = &f->items[i]->frame;
        f->dets[i] = f->items[i]->dets;
    }
    if (f->detector != p->o.detector) atomic_store(&f->detector->offered, f->weights);
    int64_t t0 = fvi_now_ns();
    fv_status st = fv_detector_run(f->detector, f->frames, n, f->dets, err);
    int64_t took = fvi_now_ns() - t0;
    for (int i = 0; i < n; i++) {
        f->items[i]->dets = f->dets[i]; /* may have grown, also on failure */
        f->items[i]->worked_ns = took;  /* all of the batch: it waits for all of it */
    }
    if (st < 0) return st;
    fv_detector_times(f->detector, &t);
    fvi_flow_meter_add(&p->meter, FV_STAGE_PREP, t.prep_ns, n);
    if (!t.tiled || t.infer_ns) fvi_flow_meter_add(&p->meter, FV_STAGE_INFER, t.infer_ns, n);
    if (t.tiled) {
        if (t.infer_tiles_ns) fvi_flow_meter_add(&p->meter, FV_STAGE_TILES, t.infer_tiles_ns, n);
        fvi_flow_meter_add(&p->meter, FV_STAGE_ENQUEUE, t.enqueue_ns, n);
        fvi_flow_meter_add(&p->meter, FV_STAGE_SYNC, t.sync_ns, n);
        fvi_flow_meter_add(&p->meter, FV_STAGE_MERGE, t.merge_ns, n);
    }
    fvi_flow_meter_add(&p->meter, FV_STAGE_HEADS, t.heads_ns, n);
    return FV_OK;
}

void *fvi_flow_infer_lane(void *arg)
{
    fvi_flow_infer *f = arg;
    fv_pipeline *p = f->pipeline;
    int n;
    while ((n = gather(f)) > 0) {
        fv_error err = {0};
        if (f->detector && !aborted(p)) {
            fv_status st = infer_batch(f, n, &err);
            if (st < 0) fvi_flow_fail(p, st, &err, true);
        }
        for (int i = 0; i < n; i++) push(p, p->detected, FVI_LANE_INFER, f->items[i]);
    }
    fvi_flow_meter_lane_ends(&p->meter, FVI_LANE_INFER);
    if (atomic_fetch_sub(&p->inferring, 1) == 1) fvi_queue_close(p->detected); /* the last one says that it is over */
    return NULL;
}

/* ---- track, count, paint ---- */

static fv_status track_and_count(fv_pipeline *p, fvi_flow_item *item)
{
    const fv_frame *f = &item->frame;
    int64_t t0 = fvi_now_ns();
    if (isfinite(f->pts) && f->pts > p->last_pts) p->last_pts = f->pts;
    if (p->o.tracker) {
        FVI_TRY(fv_tracker_update(p->o.tracker, &item->dets, p->last_pts));
        int64_t t1 = fvi_now_ns();
        fvi_flow_meter_add(&p->meter, FV_STAGE_TRACK, t1 - t0, 1);
        if (p->o.detector && p->o.detector->lost) {
            fvi_track_place places[MOST_LOST];
            p->o.detector->lost(p->o.detector, 0, places, fvi_tracker_lost(p->o.tracker, places, MOST_LOST));
        }
        t0 = t1;
    }
    if (p->o.counter) {
        const fv_event *events = NULL;
        int n = 0;
        FVI_TRY(fv_counter_update(p->o.counter, &item->dets, p->last_pts, f->index, f->width, f->height, &events, &n));
        FVI_TRY(fvi_flow_item_set_events(item, events, n));
        FVI_TRY(fvi_flow_item_set_totals(item, p->o.counter));
        fvi_flow_meter_add(&p->meter, FV_STAGE_COUNT, fvi_now_ns() - t0, 1);
    }
    return FV_OK;
}

static fv_status paint(fv_pipeline *p, fvi_flow_item *item)
{
    int64_t t0 = fvi_now_ns();
    FVI_TRY(fvi_flow_item_unshare(item));
    fv_scene scene = p->o.scene;
    scene.dets = &item->dets;
    scene.counter = p->o.counter;
    scene.n_hud = p->o.no_hud ? 0 : fvi_flow_hud_update(&p->hud, t0, t0 - item->taken_ns, p->o.device_text);
    scene.hud = p->hud.line;
    FVI_TRY(fv_painter_draw(p->o.painter, &item->painted, &scene));
    fvi_flow_meter_add(&p->meter, FV_STAGE_PAINT, fvi_now_ns() - t0, 1);
    return FV_OK;
}

/* The item whose turn it is, however many infer lanes there are. Null: the end, or a gap that an aborted run left. */
static fvi_flow_item *pull_in_order(fv_pipeline *p, int64_t number)
{
    for (;;) {
        for (int i = 0; i < p->n_early; i++)
            if (p->early[i]->number == number) {
                fvi_flow_item *item = p->early[i];
                p->early[i] = p->early[--p->n_early];
                return item;
            }
        fvi_flow_item *item = pull(p, p->detected, FVI_LANE_SCENE);
        if (!item || item->number == number) return item;
        p->early[p->n_early++] = item;
    }
}

void *fvi_flow_scene_lane(void *arg)
{
    fv_pipeline *p = arg;
    fvi_flow_item *item;
    for (int64_t number = 0; (item = pull_in_order(p, number)); number++) {
        if (!aborted(p)) {
            int64_t t0 = fvi_now_ns();
            fv_error err = {0};
            const char *what = "tracking and counting";
            fv_status st = track_and_count(p, item);
            if (st >= 0 && p->o.painter) {
                what = "painting";
                st = paint(p, item);
            }
            item->worked_ns += fvi_now_ns() - t0;
            if (st < 0) {
                fvi_error_set(&err, st, "%s failed at frame %lld: %s", what, (long long)item->frame.index, fv_status_text(st));
                fvi_flow_fail(p, st, &err, true);
            }
        }
        push(p, p->ready, FVI_LANE_SCENE, item);
    }
    fvi_flow_meter_lane_ends(&p->meter, FVI_LANE_SCENE);
    fvi_queue_close(p->ready);
    return NULL;
}

/* ---- sink ---- */

static fv_status deliver(fv_pipeline *p, fvi_flow_item *item, fv_error *err)
{
    const fv_frame *shown = item->use_painted ? &item->painted : &item->frame;
    int64_t t0 = fvi_now_ns();
    if (p->o.on_result) {
        fv_result r;
        fvi_flow_item_result(p, item, &r);
        if (p->o.on_result(p->o.user, &r))
            return fvi_error_set(err, FV_ERR_OUTPUT, "the receiver of results gave up at frame %lld", (long long)item->frame.index);
    }
    if (p->o.sink) {
        fv_status st = p->o.sink->write(p->o.sink, shown, err);
        if (st < 0 && err && !err->text[0]) fvi_error_set(err, st, "the output could not be written: %s", fv_status_text(st));
        FVI_TRY(st);
    }
    int64_t now = fvi_now_ns();
    if (p->o.on_result || p->o.sink) fvi_flow_meter_add(&p->meter, FV_STAGE_SINK, now - t0, 1);
    const int64_t waited = now - item->born_ns - (item->worked_ns + now - t0);
    fvi_flow_meter_add(&p->meter, FV_STAGE_WAIT, waited > 0 ? waited : 0, 1);
    fvi_flow_detector_tell(p->o.detector, fvi_ms(now - item->born_ns));
    fvi_flow_meter_done(&p->meter, now - item->born_ns);
    return FV_OK;
}

/* The item leaves the pipeline: who pulls it counts it as processed and recycles it. `newest`: one that nobody pulled in time
 * makes way. */
static void offer(fv_pipeline *p, fvi_flow_item *item)
{
    void *displaced = NULL;
    if (p->policy == FV_POLICY_EVERY) {
        push(p, p->results, FVI_LANE_SINK, item);
        return;
    }
    if (fvi_queue_push_newest(p->results, item, &displaced) != FV_OK) discard(p, item);
    if (displaced) discard(p, displaced);
}

void *fvi_flow_sink_lane(void *arg)
{
    fv_pipeline *p = arg;
    fvi_flow_item *item;
    while ((item = pull(p, p->ready, FVI_LANE_SINK))) {
        fv_error err = {0};
        if (aborted(p)) {
            discard(p, item);
            continue;
        }
        if (p->results) {
            offer(p, item);
            continue;
        }
        fv_status st = deliver(p, item, &err);
        if (st < 0) {
            fvi_flow_fail(p, st, &err, true);
            discard(p, item);
        } else {
            fvi_flow_item_recycle(p, item);
        }
    }
    return NULL;
}
