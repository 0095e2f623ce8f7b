/* cells_ref.c: the C version of cells.h, and its table. Used by vision/tiles. */
#include "kern/cells.h"

static void sums(uint16_t *d, const uint8_t *src, ptrdiff_t stride, int rows, int n)
{
    for (int i = 0; i < n; i++) {
        unsigned sum = 0;
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < FVI_CELL; x++) sum += src[y * stride + FVI_CELL * (ptrdiff_t)i + x];
        d[i] = (uint16_t)sum;
    }
}

void fvi_cells_init(fvi_cells *k, fvi_cpu_flags flags)
{
    k->sums = sums;
#ifdef FVI_X86
    if (flags & FVI_CPU_AVX2) fvi_cells_init_avx2(k);
    if (flags & FVI_CPU_AVX512) fvi_cells_init_avx512(k);
#else
    (void)flags;
#endif
}
