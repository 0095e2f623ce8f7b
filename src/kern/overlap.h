/* overlap.h: one box against many: which overlap it enough, after each was cut to what the other's tile sees. Every level gives the same
 * bytes as the C level: no fused multiply-add, real divisions. */
#ifndef FVI_KERN_OVERLAP_H
#define FVI_KERN_OVERLAP_H
#include "kern/cpu.h"

/* Many boxes in columns of the same length. Up to 64 bytes past the end of each may be read. */
typedef struct fvi_overlap_boxes {
    const float *x1, *y1, *x2, *y2; /* x1 <= x2, y1 <= y2 */
    const float *left, *top, *right, *bottom; /* what the box's tile sees; infinite: everything */
} fvi_overlap_boxes;

typedef struct fvi_overlap_query {
    float box[4], sees[4]; /* x1, y1, x2, y2 of the one and of its tile */
    float threshold;       /* above 0 */
    int iou;               /* intersection over union; else over the smaller box */
} fvi_overlap_query;

typedef struct fvi_overlap {
    /* Places in [ranges[r][0], ranges[r][1]) of boxes whose overlap with the query's is at least the threshold, in that order, into out [places]; returns
     * how many. */
    int (*find)(int *out, const fvi_overlap_boxes *b, const int (*ranges)[2], int n_ranges, const fvi_overlap_query *q);
} fvi_overlap;

/* The same of one box and what its tile sees. */
int fvi_overlap_pair(const fvi_overlap_query *q, const float box[4], const float sees[4]);
void fvi_overlap_init(fvi_overlap *k, fvi_cpu_flags flags);
void fvi_overlap_init_avx2(fvi_overlap *k);
void fvi_overlap_init_avx512(fvi_overlap *k);
#endif
