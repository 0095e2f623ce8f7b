/* bf16_ref.c: rows between FP32 and BF16, level c, and the table. */
#include "kern/bf16.h"

static void widen(float *y, const uint16_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] = fvi_bf16_widen1(x[i]);
}

static void narrow(uint16_t *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] = fvi_bf16_narrow1(x[i]);
}

static void round_to(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] = fvi_bf16_widen1(fvi_bf16_narrow1(x[i]));
}

static void max(uint16_t *y, const uint16_t *const *x, int rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t best = x[0][i];
        for (int r = 1; r < rows; r++)
            if (fvi_bf16_widen1(x[r][i]) > fvi_bf16_widen1(best)) best = x[r][i];
        y[i] = best;
    }
}

const fvi_bf16_kern fvi_bf16_c = {widen, narrow, round_to, max};

void fvi_bf16_kern_init(fvi_bf16_kern *k, fvi_cpu_flags flags)
{
    *k = fvi_bf16_c;
#ifdef FVI_X86
    if (flags & FVI_CPU_AVX2) *k = fvi_bf16_avx2;
    if (flags & FVI_CPU_AVX512) *k = fvi_bf16_avx512;
#else
    (void)flags;
#endif
}
