/* tracker.h: what a tracker is made of. A new one is one file and one line in track.c. */
#ifndef FVI_VISION_TRACK_TRACKER_H
#define FVI_VISION_TRACK_TRACKER_H
#include "vision/track/lap.h"
#include <fovea/track.h>
#include <stdbool.h>

/* Where a thing is expected that was not found in the last frame. */
typedef struct fvi_track_place {
    float box[4];
    float doubt; /* standard deviation of its place, in parts of its height */
} fvi_track_place;

typedef struct fvi_tracker_kind {
    const char *name;
    float track_low, match; /* what 0 means in the options */
    fv_status (*create)(void **self, const fv_track_options *opt); /* defaults filled in */
    void (*free)(void *self);
    fv_status (*update)(void *self, fv_detections *dets, double pts);
    void (*reset)(void *self);
    int (*total)(const void *self);
    int (*lost)(const void *self, fvi_track_place *out, int most); /* how many */
} fvi_tracker_kind;
extern const fvi_tracker_kind fvi_tracker_bytetrack, fvi_tracker_ocsort;

float fvi_track_iou(const float a[4], const float b[4]);

/* Pairs by overlap. Rows and columns are boxes; zero-initialise. */
typedef struct fvi_associate {
    fvi_lap lap;
    int *start, *row_col, *by_x; /* by_x: columns from left to right */
    fvi_lap_edge *edges;
    size_t n_rows, n_cols, n_edges; /* allocated */
} fvi_associate;
typedef struct fvi_boxes {
    const float (*box)[4]; /* [n], finite */
    const float *score;    /* [n] multiplies the overlap; null = 1 */
    int n;
} fvi_boxes;
/* What a pair costs: 1 - IoU * score of the column, and what `more` adds to it; below 0 counts as 0. */
typedef struct fvi_pair_rule {
    double limit;    /* price of a row without a column: no pair above it is made */
    float least_iou; /* nor one that does not overlap more than this */
    float (*more)(const void *user, int row, int col); /* may be null */
    const void *user;
} fvi_pair_rule;
/* a->row_col[row] = column or -1: the cheapest assignment. Time grows with the overlapping pairs, not with rows * columns. */
fv_status fvi_associate_run(fvi_associate *a, fvi_boxes rows, fvi_boxes cols, const fvi_pair_rule *rule);
void fvi_associate_clear(fvi_associate *a);
/* Of a public tracker. */
int fvi_tracker_lost(const fv_tracker *t, fvi_track_place *out, int most);
#endif
