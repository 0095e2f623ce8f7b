/* pipeline.h: the inside of a pipeline. Four threads or more, each with a bounded queue in front:
 *
 *   free -> [decode] -> decoded -> [infer: prep, infer, heads] -> detected -> [track, count, paint] -> ready -> [sink] -> free
 *
 * A detector with streams has several infer threads; the scene thread puts their items back into order.
 * Items come from a fixed pool and go round; nothing is allocated per frame once sizes have settled. Tracking, counting and
 * painting share a thread: together they take less than a hand-over is worth splitting further. */
#ifndef FVI_FLOW_PIPELINE_H
#define FVI_FLOW_PIPELINE_H
#include "base/hist.h"
#include "base/queue.h"
#include "flow/detector.h"
#include <fovea/pipeline.h>
#include <pthread.h>
#include <stdatomic.h>

/* One frame on its way. Owned by the pool; belongs to the thread or queue that has it. */
typedef struct fvi_flow_item {
    fv_frame frame;   /* reference from the source; null planes = none */
    fv_frame painted; /* own memory, kept from frame to frame */
    bool use_painted;
    fv_detections dets;
    fv_event *events;
    int n_events;
    size_t cap_events;
    fv_line_totals *lines; /* of the counter after this frame */
    fv_zone_totals *zones;
    int n_lines, n_zones;
    size_t cap_lines, cap_zones;
    int64_t number;   /* place in the order of results */
    int64_t born_ns;  /* available for processing */
    int64_t taken_ns; /* left the first queue */
    int64_t worked_ns; /* in stages so far; the rest of its life it waited */
} fvi_flow_item;

typedef enum fvi_flow_lane { FVI_LANE_DECODE, FVI_LANE_INFER, FVI_LANE_SCENE, FVI_LANE_SINK, FVI_LANES } fvi_flow_lane;

/* Figures; all under the mutex. */
typedef struct fvi_flow_meter {
    pthread_mutex_t lock;
    fvi_hist stage[FV_STAGES], end_to_end; /* milliseconds */
    uint32_t end_to_end_hist[FV_METRICS_BUCKETS], stage_hist[FV_STAGES][FV_METRICS_BUCKETS];
    int64_t wait_ns[FVI_LANES];
    int64_t ended_ns[FVI_LANES]; /* of the run in progress; a lane that is done waits for the others */
    int64_t decoded, processed, dropped, skipped;
    int64_t wall_before_ns; /* of finished runs */
    int64_t started_ns;     /* 0 = not running */
} fvi_flow_meter;

fv_status fvi_flow_meter_init(fvi_flow_meter *m);
void fvi_flow_meter_destroy(fvi_flow_meter *m);
void fvi_flow_meter_start(fvi_flow_meter *m);
void fvi_flow_meter_stop(fvi_flow_meter *m);
void fvi_flow_meter_add(fvi_flow_meter *m, fv_stage stage, int64_t ns, int times); /* ns: of all `times` together */
void fvi_flow_meter_lane_ends(fvi_flow_meter *m, fvi_flow_lane lane);
void fvi_flow_meter_wait(fvi_flow_meter *m, fvi_flow_lane lane, int64_t ns);
void fvi_flow_meter_count(fvi_flow_meter *m, int64_t decoded, int64_t dropped, int64_t skipped);
void fvi_flow_meter_done(fvi_flow_meter *m, int64_t end_to_end_ns);
void fvi_flow_meter_snapshot(fvi_flow_meter *m, fv_metrics *out);

/* Averages for the overlay; the scene thread's own. */
#define FVI_HUD_FRAMES 10
typedef struct fvi_flow_hud {
    int64_t latency_ns[FVI_HUD_FRAMES], painted_ns[FVI_HUD_FRAMES];
    int64_t count;
    char fps[32], latency[32];
    const char *line[3];
} fvi_flow_hud;
/* Notes one frame and rewrites the lines; returns how many there are. */
int fvi_flow_hud_update(fvi_flow_hud *h, int64_t now_ns, int64_t latency_ns, const char *device_text);

/* One thread that detects; several when the detector has streams. */
typedef struct fvi_flow_infer {
    fv_pipeline *pipeline;
    fv_detector *detector; /* null = none */
    int weights;           /* which ones the batch at hand is for (detector.h: offered) */
    pthread_t thread;
    const fv_frame **frames; /* [batch] */
    fvi_flow_item **items;   /* [batch] */
    fv_detections *dets;     /* [batch] */
} fvi_flow_infer;

struct fv_pipeline {
    fv_pipeline_options o;
    fvi_flow_meter meter;
    fvi_queue *free_items, *decoded, *detected, *ready;
    fvi_queue *results; /* borrowed; null = none. Else finished items go there instead of to callback and sink, and who pulls
                           them recycles them (stream.c) */
    fvi_flow_item *items;
    int n_items;
    int batch;
    fv_policy policy; /* every or newest */
    fvi_flow_infer *infer; /* [streams] */
    int streams;
    atomic_int inferring;        /* lanes that are not done */
    pthread_mutex_t gather_lock; /* taking frames and numbering them */
    int64_t next_number;         /* under it */
    fvi_flow_item **early; /* [n_items] scene thread: items whose turn has not come */
    int n_early;
    fvi_flow_hud hud;
    double last_pts; /* scene thread: time never runs backwards */
    atomic_int stop;    /* asked for from outside */
    atomic_int aborted; /* a stage failed: what is in flight is thrown away */
    pthread_mutex_t lock; /* first_status, first_error, partial */
    fv_status first_status;
    fv_error first_error;
    bool running;
};

/* Threads of a run (pipeline_lanes.c). arg: fv_pipeline; of the infer lane fvi_flow_infer. */
void *fvi_flow_decode_lane(void *arg);
void *fvi_flow_infer_lane(void *arg);
void *fvi_flow_scene_lane(void *arg);
void *fvi_flow_sink_lane(void *arg);

/* Keeps the first failure. With `abort` all lanes throw away what they hold and end. */
void fvi_flow_fail(fv_pipeline *p, fv_status st, const fv_error *err, bool abort);
/* Item pool (pipeline_items.c). */
fv_status fvi_flow_items_create(fv_pipeline *p, int n, fv_error *err);
void fvi_flow_items_free(fv_pipeline *p);
/* Drops the frame reference and puts the item back. */
void fvi_flow_item_recycle(fv_pipeline *p, fvi_flow_item *item);
/* Copies the decoded frame into the item's own memory, where it may be painted. */
fv_status fvi_flow_item_unshare(fvi_flow_item *item);
fv_status fvi_flow_item_set_events(fvi_flow_item *item, const fv_event *events, int n);
fv_status fvi_flow_item_set_totals(fvi_flow_item *item, const fv_counter *c);
/* What the public sees of an item; borrowed until it is recycled. */
void fvi_flow_item_result(const fv_pipeline *p, const fvi_flow_item *item, fv_result *r);
#endif
