/* buckets.h: boxes by place, so that a box is compared with its neighbours only: squares of 128 pixels and, for larger boxes, of 256, 512
 * and so on. A box is in the square of its middle, at the first size that is no smaller than its sides. Threads: one at a time. */
#ifndef FVI_VISION_TILES_BUCKETS_H
#define FVI_VISION_TILES_BUCKETS_H
#include "kern/overlap.h"
#include <fovea/status.h>
#include <stddef.h>
#include <stdint.h>

#define FVI_BUCKET_LEVELS 12

typedef struct fvi_buckets {
    float left, top; /* of the first square */
    int levels;
    int cols[FVI_BUCKET_LEVELS], rows[FVI_BUCKET_LEVELS];
    int first[FVI_BUCKET_LEVELS]; /* square that is the level's first */
    float widest[FVI_BUCKET_LEVELS], highest[FVI_BUCKET_LEVELS]; /* of the level's boxes; 0: it has none */
    int *start;                   /* [squares + 1] where a square's boxes begin; those of a row of squares follow each other */
    float *column[8];             /* [n] by square: x1, y1, x2, y2 of a box, and of what its tile sees */
    int *id;                      /* [n] by square */
    int *square;                  /* [n] of the boxes as they were given */
    size_t squares;
    size_t squares_capacity, capacity;
} fvi_buckets;

/* n finite boxes, `stride` bytes apart; what was in it is forgotten. columns 4 to 7 are the caller's to fill, by id. FV_ERR_MEMORY. */
fv_status fvi_buckets_fill(fvi_buckets *k, const float *boxes, size_t stride, int n);
/* Boxes i with gone[i] are not found any more; the squares close up. */
void fvi_buckets_compact(fvi_buckets *k, const uint8_t *gone);
/* Numbers of the boxes that overlap the query's enough, each once, into out [n]. */
int fvi_buckets_find(const fvi_buckets *k, const fvi_overlap *kern, const fvi_overlap_query *q, int *out);
void fvi_buckets_free(fvi_buckets *k);
#endif
