/* softmax.h: e^(x - max) / sum over an axis, for rows (the axis is contiguous) and columns (its neighbours are), and its mean of
 * given weights. y may be x. Strides in floats. Levels agree within 2e-6 absolute, means within that times the largest weight. */
#ifndef FVI_KERN_SOFTMAX_H
#define FVI_KERN_SOFTMAX_H
#include "kern/cpu.h"

typedef struct fvi_softmax {
    /* `rows` times over n contiguous floats */
    void (*rows)(float *y, ptrdiff_t ldy, const float *x, ptrdiff_t ldx, size_t rows, size_t n);
    /* m contiguous columns, the axis of n steps of ldx */
    void (*columns)(float *y, ptrdiff_t ldy, const float *x, ptrdiff_t ldx, size_t n, size_t m);
    /* y[r * sy] = sum of softmax(row r)[i] * w[i]; y apart from x */
    void (*row_means)(float *y, ptrdiff_t sy, const float *x, ptrdiff_t ldx, const float *w, size_t rows, size_t n);
    /* the same of m columns: y[0..m) */
    void (*column_means)(float *y, const float *x, ptrdiff_t ldx, const float *w, size_t n, size_t m);
} fvi_softmax;

void fvi_softmax_init(fvi_softmax *k, fvi_cpu_flags flags);
void fvi_softmax_init_avx2(fvi_softmax *k);
void fvi_softmax_init_avx512(fvi_softmax *k);
#endif
