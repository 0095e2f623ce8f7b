/* topk.h: which of many floats may be among the largest. */
#ifndef FVI_KERN_TOPK_H
#define FVI_KERN_TOPK_H
#include "kern/cpu.h"

typedef struct fvi_topk_kern {
    /* First i in [from, n) with x[i] > threshold or x[i] not a number; n when there is none. */
    size_t (*next_above)(const float *x, size_t from, size_t n, float threshold);
} fvi_topk_kern;

void fvi_topk_kern_init(fvi_topk_kern *k, fvi_cpu_flags flags);
void fvi_topk_kern_init_avx2(fvi_topk_kern *k);
#endif
