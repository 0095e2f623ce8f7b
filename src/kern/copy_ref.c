/* copy_ref.c: transposition in plain C, the reference of the vector levels. Turns NCHW into NHWC and back; called by
 * backend/cpu/copy.c. */
#include "kern/copy.h"

enum { TILE = 16 };

static void transpose4(uint32_t *dst, ptrdiff_t ldd, const uint32_t *src, ptrdiff_t lds, size_t rows, size_t cols)
{
    for (size_t i0 = 0; i0 < rows; i0 += TILE)
        for (size_t j0 = 0; j0 < cols; j0 += TILE)
            for (size_t i = i0; i < i0 + TILE && i < rows; i++)
                for (size_t j = j0; j < j0 + TILE && j < cols; j++)
                    dst[(ptrdiff_t)i * ldd + (ptrdiff_t)j] = src[(ptrdiff_t)j * lds + (ptrdiff_t)i];
}

void fvi_copy_kern_init(fvi_copy_kern *k, fvi_cpu_flags flags)
{
    k->transpose4 = transpose4;
#ifdef FVI_X86
    if (flags & FVI_CPU_AVX2) fvi_copy_kern_init_avx2(k); /* moving memory: wider vectors gain nothing */
#else
    (void)flags;
#endif
}
