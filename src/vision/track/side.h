/* side.h: what trackers share: their clock, which detections can be tracked, and sets of boxes that take part in an association. */
#ifndef FVI_VISION_TRACK_SIDE_H
#define FVI_VISION_TRACK_SIDE_H
#include "vision/track/tracker.h"
#include <stdint.h>

#define FVI_TRACK_UNIT_S (1.0 / 30) /* the frame of 30 a second in which the published constants of trackers hold */

/* Frames and their stamps since the reset. */
typedef struct fvi_track_clock {
    double pts, step; /* of the last frame; seconds between the last two that differ */
    int64_t frames;
} fvi_track_clock;
void fvi_track_clock_reset(fvi_track_clock *c);
/* Seconds since the last frame; stamps that stand still count as one more step of the usual length. */
double fvi_track_clock_advance(fvi_track_clock *c, double pts);

/* A set of boxes: what they are, and where. Zero-initialise. */
typedef struct fvi_side {
    int *index; /* [n] into tracks or detections */
    float (*box)[4];
    float *score;
    int n;
    size_t cap;
} fvi_side;
/* Room for n boxes; what was in it is lost when it has to grow. */
fv_status fvi_side_reserve(fvi_side *s, size_t n);
void fvi_side_add(fvi_side *s, int index, const float box[4], float score);
/* Detections that can be tracked -> those from track_high on, and the weaker ones above track_low (0: none). Both have room for all. */
void fvi_side_split(fvi_side *high, fvi_side *low, const fv_detections *dets, const fv_track_options *o);
/* Takes out those whose index is below 0. */
void fvi_side_pack(fvi_side *s);
void fvi_side_free(fvi_side *s);
/* score null: all count the same. */
fvi_boxes fvi_side_boxes(const fvi_side *s, bool scored);
/* Adds d to the [n] detections that leave the tracker, which are in order of track_id. */
void fvi_track_report(fv_detections *dets, int *n, const fv_detection *d);
#endif
