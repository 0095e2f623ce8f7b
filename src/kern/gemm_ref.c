/* gemm_ref.c: packing, and the tile in plain C (reference of the vector levels). Called by backend/cpu/gemm.c. */
#include "kern/gemm.h"
#include <string.h>

enum { MR = 4, NR = 8 };

static void tile(float *c, ptrdiff_t ldc, const float *a, const float *b, size_t k, int rows, int cols, bool add)
{
    float acc[MR][NR] = {{0}};
    for (size_t p = 0; p < k; p++, a += MR, b += NR)
        for (int i = 0; i < MR; i++)
            for (int j = 0; j < NR; j++) acc[i][j] += a[i] * b[j];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) c[i * ldc + j] = acc[i][j] + (add ? c[i * ldc + j] : 0);
}

void fvi_gemm_kern_init(fvi_gemm_kern *k, fvi_cpu_flags flags)
{
    *k = (fvi_gemm_kern){MR, NR, "gemm c 4x8", tile, fvi_conv_isa_c.tile[2]};
#ifdef FVI_X86
    if (flags & FVI_CPU_AVX2) fvi_gemm_kern_init_avx2(k);
    if (flags & FVI_CPU_AVX512) fvi_gemm_kern_init_avx512(k);
#else
    (void)flags;
#endif
}

void fvi_gemm_pack(float *panel, const float *src, ptrdiff_t vector_stride, ptrdiff_t k_stride, size_t count, size_t k, size_t width)
{
    if (count < width) memset(panel, 0, k * width * sizeof *panel);
    if (vector_stride == 1) {
        for (size_t i = 0; i < k; i++, panel += width, src += k_stride) memcpy(panel, src, count * sizeof *panel);
        return;
    }
    /* eight steps at a time: each vector's cache line is used up while it is there */
    for (size_t i0 = 0; i0 < k; i0 += 8) {
        size_t i1 = i0 + 8 < k ? i0 + 8 : k;
        for (size_t v = 0; v < count; v++) {
            const float *s = src + (ptrdiff_t)v * vector_stride;
            for (size_t i = i0; i < i1; i++) panel[i * width + v] = s[(ptrdiff_t)i * k_stride];
        }
    }
}
