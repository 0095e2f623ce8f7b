/* softmax_ref.c: softmax in plain C, the reference of the vector levels. Turns rows or columns of scores into
 * probabilities; called by backend/cpu/op_softmax.c. */
#include "kern/softmax.h"
#include <math.h>

static void one(float *y, ptrdiff_t sy, const float *x, ptrdiff_t sx, size_t n)
{
    float max = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) max = x[(ptrdiff_t)i * sx] > max ? x[(ptrdiff_t)i * sx] : max;
    for (size_t i = 0; i < n; i++) {
        float e = expf(x[(ptrdiff_t)i * sx] - max);
        y[(ptrdiff_t)i * sy] = e;
        sum += e;
    }
    for (size_t i = 0; i < n; i++) y[(ptrdiff_t)i * sy] /= sum;
}

static void rows(float *y, ptrdiff_t ldy, const float *x, ptrdiff_t ldx, size_t count, size_t n)
{
    for (size_t r = 0; r < count; r++) one(y + (ptrdiff_t)r * ldy, 1, x + (ptrdiff_t)r * ldx, 1, n);
}

static void columns(float *y, ptrdiff_t ldy, const float *x, ptrdiff_t ldx, size_t n, size_t m)
{
    for (size_t c = 0; c < m; c++) one(y + c, ldy, x + c, ldx, n);
}

static float mean(const float *x, ptrdiff_t sx, const float *w, size_t n)
{
    float max = -INFINITY, sum = 0, all = 0;
    for (size_t i = 0; i < n; i++) max = x[(ptrdiff_t)i * sx] > max ? x[(ptrdiff_t)i * sx] : max;
    for (size_t i = 0; i < n; i++) {
        float e = expf(x[(ptrdiff_t)i * sx] - max);
        sum += e;
        all += e * w[i];
    }
    return all / sum;
}

static void row_means(float *y, ptrdiff_t sy, const float *x, ptrdiff_t ldx, const float *w, size_t count, size_t n)
{
    for (size_t r = 0; r < count; r++) y[(ptrdiff_t)r * sy] = mean(x + (ptrdiff_t)r * ldx, 1, w, n);
}

static void column_means(float *y, const float *x, ptrdiff_t ldx, const float *w, size_t n, size_t m)
{
    for (size_t c = 0; c < m; c++) y[c] = mean(x + c, ldx, w, n);
}

void fvi_softmax_init(fvi_softmax *k, fvi_cpu_flags flags)
{
    k->rows = rows;
    k->columns = columns;
    k->row_means = row_means;
    k->column_means = column_means;
#ifdef FVI_X86
    if (flags & FVI_CPU_AVX2) fvi_softmax_init_avx2(k);
    if (flags & FVI_CPU_AVX512) fvi_softmax_init_avx512(k);
#else
    (void)flags;
#endif
}
