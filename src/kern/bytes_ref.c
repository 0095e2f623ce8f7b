/* bytes_ref.c: rows of bytes and floats, level c, and the table. */
#include "kern/bytes.h"

static void widen(float *y, const uint8_t *x, size_t n, int zero, float scale)
{
    for (size_t i = 0; i < n; i++) y[i] = (float)(x[i] - zero) * scale;
}

static void narrow(uint8_t *y, const float *x, size_t n, float inv, int zero)
{
    for (size_t i = 0; i < n; i++) y[i] = fvi_bytes_narrow1(x[i], inv, zero);
}

static void max(uint8_t *y, const uint8_t *const *x, int rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t best = x[0][i];
        for (int r = 1; r < rows; r++) best = x[r][i] > best ? x[r][i] : best;
        y[i] = best;
    }
}

const fvi_bytes_kern fvi_bytes_c = {widen, narrow, max};

void fvi_bytes_kern_init(fvi_bytes_kern *k, fvi_cpu_flags flags)
{
    *k = fvi_bytes_c;
#ifdef FVI_X86
    if (flags & FVI_CPU_AVX2) *k = fvi_bytes_avx2;
    if (flags & FVI_CPU_AVX512) *k = fvi_bytes_avx512;
#else
    (void)flags;
#endif
}
