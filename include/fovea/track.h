/* track.h: detections over time -> identities. ByteTrack (Zhang et al., ECCV 2022) and OC-SORT (Cao et al., CVPR 2023),
 * with buffers in seconds. */
#ifndef FOVEA_TRACK_H
#define FOVEA_TRACK_H
#include <fovea/detect.h>
#ifdef __cplusplus
extern "C" {
#endif
typedef struct fv_track_options {
    uint32_t size;
    const char *tracker; /* "bytetrack", "ocsort"; null = the first */
    float track_high;    /* 0 = 0.25: first association uses detections from here */
    float track_low;     /* second association, of weaker ones; 0 = 0.1 (bytetrack), none (ocsort) */
    float new_track;     /* 0 = 0.25: a new track needs this confidence */
    float match;         /* largest cost of a match; 0 = 0.8 (bytetrack: 1 - IoU * confidence), 0.7 (ocsort: 1 - IoU) */
    double buffer_s;     /* 0 = 1.0: a lost track is kept this long */
} fv_track_options;
#define FV_TRACK_OPTIONS(...) (&(fv_track_options){.size = sizeof(fv_track_options), __VA_ARGS__})

/* Threads: one at a time. */
typedef struct fv_tracker fv_tracker;
/* FV_ERR_ARGUMENT: no such tracker, or a value out of range. */
FV_API fv_status fv_tracker_create(fv_tracker **out, const fv_track_options *opt, fv_error *err);
FV_API void fv_tracker_free(fv_tracker **t);
/* dets: in, all detections of the frame; out, those that belong to a confirmed track, track_id set, boxes smoothed by the
 * filter's update (bytetrack) or as detected (ocsort), order by track_id. pts in seconds; backwards is FV_ERR_ARGUMENT. Allocates only when
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
