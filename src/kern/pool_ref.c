/* pool_ref.c: maximum and mean of rows in plain C, the reference of the vector levels. Called by
 * backend/cpu/op_pool.c with one row a window pixel. */
#include "kern/pool.h"

static void max(float *y, const float *const *x, int rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float m = x[0][i];
        for (int r = 1; r < rows; r++) m = x[r][i] > m ? x[r][i] : m;
        y[i] = m;
    }
}

static void mean(float *y, const float *const *x, int rows, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++) {
        float s = x[0][i];
        for (int r = 1; r < rows; r++) s += x[r][i];
        y[i] = s * scale;
    }
}

void fvi_pool_kern_init(fvi_pool_kern *k, fvi_cpu_flags flags)
{
    *k = (fvi_pool_kern){max, mean};
#ifdef FVI_X86
    if (flags & FVI_CPU_AVX2) fvi_pool_kern_init_avx2(k);
    if (flags & FVI_CPU_AVX512) fvi_pool_kern_init_avx512(k);
#else
    (void)flags;
#endif
}
