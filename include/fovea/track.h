/* track.h: detections over time -> identities. ByteTrack (Zhang et al., ECCV 2022) with buffers in seconds. */
#ifndef FOVEA_TRACK_H
#define FOVEA_TRACK_H
#include <fovea/detect.h>
#ifdef __cplusplus
extern "C" {
#endif
typedef struct fv_track_options {
    uint32_t size;
    const char *tracker; /* null = "bytetrack" */
    float track_high;    /* 0 = 0.25: first association uses detections from here */
    float track_low;     /* 0 = 0.1: second association */
    float new_track;     /* 0 = 0.25: a new track needs this confidence */
    float match;         /* 0 = 0.8: largest cost of a match (1 - IoU fused with score) */
    double buffer_s;     /* 0 = 1.0: a lost track is kept this long */
} fv_track_options;
#define FV_TRACK_OPTIONS(...) (&(fv_track_options){.size = sizeof(fv_track_options), __VA_ARGS__})

/* Threads: one at a time. */
typedef struct fv_tracker fv_tracker;
/* FV_ERR_ARGUMENT: no such tracker, or a value out of range. */
FV_API fv_status fv_tracker_create(fv_tracker **out, const fv_track_options *opt, fv_error *err);
FV_API void fv_tracker_free(fv_tracker **t);
/* dets: in, all detections of the frame; out, those that belong to a confirmed track, track_id set, boxes smoothed by the
 * filter's update as ByteTrack reports them, order by track_id. pts in seconds; backwards is FV_ERR_ARGUMENT. Allocates only when
 * more objects than ever before are seen. */
FV_API fv_status fv_tracker_update(fv_tracker *t, fv_detections *dets, double pts);
/* Forget everything (new source); ids start at 1 again. */
FV_API void fv_tracker_reset(fv_tracker *t);
/* Identities given out since the reset. */
FV_API int fv_tracker_total(const fv_tracker *t);
#ifdef __cplusplus
}
#endif
#endif
