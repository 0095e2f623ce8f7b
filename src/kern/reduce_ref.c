/* reduce_ref.c: sums and extremes in plain C, the reference of the vector levels. Called by backend/cpu/op_reduce.c and op_norm.c. */
#include "kern/reduce.h"

static float sum(const float *x, size_t n)
{
    double s = 0;
    for (size_t i = 0; i < n; i++) s += x[i];
    return (float)s;
}

static float max(const float *x, size_t n)
{
    float m = x[0];
    for (size_t i = 1; i < n; i++) m = x[i] > m ? x[i] : m;
    return m;
}

static float min(const float *x, size_t n)
{
    float m = x[0];
    for (size_t i = 1; i < n; i++) m = x[i] < m ? x[i] : m;
    return m;
}

static float squares(const float *x, size_t n, float mean)
{
    double s = 0;
    for (size_t i = 0; i < n; i++) s += (double)(x[i] - mean) * (double)(x[i] - mean);
    return (float)s;
}

void fvi_reduce_init(fvi_reduce *k, fvi_cpu_flags flags)
{
    *k = (fvi_reduce){sum, max, min, squares};
#ifdef FVI_X86
    if (flags & FVI_CPU_AVX2) fvi_reduce_init_avx2(k);
    if (flags & FVI_CPU_AVX512) fvi_reduce_init_avx512(k);
#else
    (void)flags;
#endif
}
