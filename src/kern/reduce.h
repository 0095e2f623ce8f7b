/* reduce.h: sums and extremes of contiguous floats. Levels sum in different orders: they agree to rounding of the sum of
 * magnitudes, and a level always sums one length in one order. */
#ifndef FVI_KERN_REDUCE_H
#define FVI_KERN_REDUCE_H
#include "kern/cpu.h"

typedef struct fvi_reduce {
    float (*sum)(const float *x, size_t n);
    float (*max)(const float *x, size_t n); /* n >= 1; NaN is not looked for */
    float (*min)(const float *x, size_t n);
    float (*squares)(const float *x, size_t n, float mean); /* sum of (x - mean)^2 */
} fvi_reduce;

void fvi_reduce_init(fvi_reduce *k, fvi_cpu_flags flags);
void fvi_reduce_init_avx2(fvi_reduce *k);
void fvi_reduce_init_avx512(fvi_reduce *k);
#endif
