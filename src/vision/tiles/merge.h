/* merge.h: boxes of all tiles of a frame -> things. */
#ifndef FVI_VISION_TILES_MERGE_H
#define FVI_VISION_TILES_MERGE_H
#include "kern/cpu.h"
#include "vision/tiles/grid.h"
#include <stdbool.h>

/* One box that a tile (or the look at the whole frame) found, in pixels of the frame. */
typedef struct fvi_tiles_box {
    float box[4]; /* x1, y1, x2, y2 */
    float score;
    int class_id;
    int tile; /* index of its tile */
} fvi_tiles_box;

/* A thing: one box, or several in one. */
typedef struct fvi_tiles_thing {
    float box[4];
    float score;
    int class_id;
    int first; /* index of the box that it began with, the surest, whose keypoints stand for it */
    int more;  /* index of the next box whose extent is in it, -1 = none: then next[more], and so on */
} fvi_tiles_thing;

typedef struct fvi_merge_params {
    fv_tile_merge merge;
    fv_tile_metric metric;
    float threshold; /* 0 = 0.5 */
    bool agnostic;
} fvi_merge_params;

/* Scratch that grows and is kept. Threads: one at a time. */
typedef struct fvi_merger fvi_merger;
fv_status fvi_merger_create(fvi_merger **out, fvi_cpu_flags cpu);
void fvi_merger_free(fvi_merger **m);
/* b [n], tiles [n_tiles]; boxes that are no numbers are left out. *things [*n_things] by score,
 * highest first, and *next are the merger's, until the next call. n up to 1 << 24. */
fv_status fvi_tiles_merge(fvi_merger *m, const fvi_merge_params *p, const fvi_tiles_box *b, int n, const fvi_tile *tiles, int n_tiles,
                          const fvi_tiles_thing **things, int *n_things, const int **next);
#endif
