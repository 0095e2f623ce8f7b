/* buckets.h: boxes by place, so that a box is compared with its neighbours only: squares of 64 pixels and, for larger boxes, of 128, 256
 * and so on. A box is in the square of its middle, at the first size that is no smaller than its sides. Threads: one at a time. */
#ifndef FVI_VISION_TILES_BUCKETS_H
#define FVI_VISION_TILES_BUCKETS_H
#include <fovea/status.h>
#include <stddef.h>
#include <stdint.h>

#define FVI_BUCKET_LEVELS 12

/* x1, y1, -x2, -y2: a box touches another when all four are below the other's x2, y2, -x1, -y1, which is one comparison of a vector. */
typedef float fvi_bucket_box __attribute__((vector_size(16)));

typedef struct fvi_buckets {
    float left, top; /* of the first square */
    int levels;
    int cols[FVI_BUCKET_LEVELS], rows[FVI_BUCKET_LEVELS];
    int first[FVI_BUCKET_LEVELS]; /* square that is the level's first */
    int *start;                   /* [squares + 1] where a square's boxes begin; those of a row of squares follow each other */
    fvi_bucket_box *box;          /* [n] by square */
    int *id;
    int *square;                  /* [n] of the boxes as they were given */
    size_t squares_capacity, capacity;
} fvi_buckets;

/* n finite boxes, `stride` bytes apart; what was in it is forgotten. FV_ERR_MEMORY. */
fv_status fvi_buckets_fill(fvi_buckets *k, const float *boxes, size_t stride, int n);
/* Numbers of the boxes that share area with `box`, each once, into out [n]. */
int fvi_buckets_touching(const fvi_buckets *k, const float box[4], int *out);
void fvi_buckets_free(fvi_buckets *k);
#endif
