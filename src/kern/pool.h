/* pool.h: what pooling needs: the maximum or the sum of several rows of contiguous floats. */
#ifndef FVI_KERN_POOL_H
#define FVI_KERN_POOL_H
#include "kern/cpu.h"

typedef struct fvi_pool_kern {
    void (*max)(float *y, const float *const *x, int rows, size_t n);               /* rows >= 1; y apart from x */
    void (*mean)(float *y, const float *const *x, int rows, size_t n, float scale); /* sum * scale */
} fvi_pool_kern;

void fvi_pool_kern_init(fvi_pool_kern *k, fvi_cpu_flags flags);
void fvi_pool_kern_init_avx2(fvi_pool_kern *k);
void fvi_pool_kern_init_avx512(fvi_pool_kern *k);
#endif
