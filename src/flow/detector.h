/* detector.h: the inside of an fv_detector as the pipeline sees it: one function that runs a batch, and what came of it.
 * The network detector (detector.c) is the only one so far; tests put their own in its place. */
#ifndef FVI_FLOW_DETECTOR_H
#define FVI_FLOW_DETECTOR_H
#include "image/prep.h"
#include "vision/track/tracker.h"
#include <fovea/detect.h>
#include <stdatomic.h>
#include <stdbool.h>

/* What is looked at in one go: a frame, or a part of one. Detections are in pixels of the part. */
typedef struct fvi_flow_view {
    const fv_frame *frame;
    fvi_prep_part part;
} fvi_flow_view;

struct fv_detector {
    fv_status (*run)(fv_detector *d, const fv_frame *const *frames, int n, fv_detections *out, fv_error *err);
    fv_status (*look)(fv_detector *d, const fvi_flow_view *views, int n, fv_detections *out, fv_error *err); /* any n; null: it looks at frames only */
    /* run, for frames of several films: source of each frame [n], below `sources`, none twice. Null: run will do. */
    fv_status (*run_of)(fv_detector *d, const fv_frame *const *frames, const int *source, int n, fv_detections *out, fv_error *err);
    int sources; /* films that it tells apart; 0: each frame stands for itself */
    void (*free)(fv_detector *d);
    fv_status (*prepare)(fv_detector *d, const fv_frame *frame, fv_tensor *out, fv_error *err); /* null: it has no network */
    fv_status (*set_classes)(fv_detector *d, const int *classes, int n, fv_error *err);
    /* Other weights (fv_detector_refit): hold prepares them in any thread, with those that `like` holds if it is not null; on failure nothing is held. take
     * uses them, in the thread that runs the detector, between two runs. hold null: it has no network. */
    fv_status (*hold)(fv_detector *d, fv_model *m, const fv_detector *like, fv_error *err);
    bool (*holds)(const fv_detector *d); /* and has not taken */
    void (*take)(fv_detector *d);
    void (*drop)(fv_detector *d); /* what it holds, before `offered` said so */
    atomic_int offered; /* weights held so far, all of them ready to be taken */
    int taken;          /* of them */
    atomic_flag refitting;
    const char *(*class_name)(const fv_detector *d, int class_id);
    fv_task task;
    int n_classes;
    int batch; /* most frames a run */
    int input_w, input_h;
    const char *rule;
    int64_t runs; /* finished ones, warm-up included */
    fv_detect_times times;
    fv_detector *const *members; /* [n_members] detectors with the same results that may run at the same time; 0 = only itself */
    int n_members;
    void (*tile_figures)(const fv_detector *d, fv_tile_figures *f); /* null: it has none */
    /* What became of its frames, from any thread; null: it does not want to know. told: milliseconds from decoding to result. lost: where things are expected that were
     * not found lately. source: of a hub's port, 0 for the first. */
    void (*told)(fv_detector *d, double end_to_end_ms);
    void (*lost)(fv_detector *d, int source, const fvi_track_place *places, int n);
    bool listens; /* somebody calls told */
};

static inline void fvi_flow_detector_tell(fv_detector *d, double end_to_end_ms)
{
    if (d && d->told) d->told(d, end_to_end_ms);
}

static inline int fvi_flow_detector_streams(const fv_detector *d) { return d && d->n_members > 1 ? d->n_members : 1; }
static inline fv_detector *fvi_flow_detector_stream(fv_detector *d, int i) { return d && d->n_members ? d->members[i] : d; }

/* Before each run, in its thread: weights number n are in use from now on. */
static inline void fvi_flow_detector_follow(fv_detector *d, int n)
{
    if (d->taken == n || !d->take) return;
    d->take(d);
    d->taken = n;
}

/* Runs a blank frame three times when the detector has never run, so that first touches of memory, page faults and
 * table building stay out of the figures. */
fv_status fvi_flow_detector_warm(fv_detector *d, fv_error *err);
/* detector.c: one network. threads: whose threads compute, null = the model's context's; like: a detector of the same kind that outlives this
 * one and gives it its weights, or null. */
fv_status fvi_flow_detector_net(fv_detector **out, fv_context *ctx, fv_context *threads, fv_model *model, const fv_detect_options *o, const fv_detector *like,
                                fv_error *err);
/* detector_team.c: o->streams > 1 of them. */
fv_status fvi_flow_detector_team(fv_detector **out, fv_context *ctx, fv_model *model, const fv_detect_options *o, fv_error *err);
/* tiled.c: o->tiles is something. */
fv_status fvi_flow_detector_tiled(fv_detector **out, fv_context *ctx, fv_model *model, const fv_detect_options *o, fv_error *err);
/* detector_names.c: n > 0 names, copied; finds nothing. */
fv_status fvi_flow_detector_names(fv_detector **out, const char *const *names, int n, fv_error *err);
#endif
