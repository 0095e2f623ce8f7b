/* gemm_vec.h: the tile written on `vf`: GEMM_MR rows of two vectors, held in registers over all of k; compiled once a
 * level by gemm_avx2.c (6x16) and gemm_avx512.c (14x32). */
#include "kern/gemm.h"

#define GEMM_NR (2 * VF_W)

/* `rows` is a constant at every call, so that the loops unroll and acc lives in registers. */
static inline __attribute__((always_inline)) void tile_rows(float *c, ptrdiff_t ldc, const float *a, const float *b, size_t k, const int rows, int cols, bool add)
{
    vf acc[GEMM_MR][2];
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) acc[i][0] = acc[i][1] = vf_set(0.0f);
    for (size_t p = 0; p < k; p++, a += GEMM_MR, b += GEMM_NR) {
        vf b0 = vf_load(b), b1 = vf_load(b + VF_W);
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            vf x = vf_set(a[i]);
            acc[i][0] = vf_fma(x, b0, acc[i][0]);
            acc[i][1] = vf_fma(x, b1, acc[i][1]);
        }
    }
    if (cols == GEMM_NR) {
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            float *d = c + i * ldc;
            vf_store(d, add ? vf_add(acc[i][0], vf_load(d)) : acc[i][0]);
            vf_store(d + VF_W, add ? vf_add(acc[i][1], vf_load(d + VF_W)) : acc[i][1]);
        }
        return;
    }
    size_t n0 = cols < VF_W ? (size_t)cols : VF_W, n1 = (size_t)cols - n0;
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        float *d = c + i * ldc;
        vf_store_n(d, add ? vf_add(acc[i][0], vf_load_n(d, n0)) : acc[i][0], n0);
        if (n1) vf_store_n(d + VF_W, add ? vf_add(acc[i][1], vf_load_n(d + VF_W, n1)) : acc[i][1], n1);
    }
}

static void tile_v(float *c, ptrdiff_t ldc, const float *a, const float *b, size_t k, int rows, int cols, bool add)
{
    switch (rows) {
    case 1: tile_rows(c, ldc, a, b, k, 1, cols, add); break;
    case 2: tile_rows(c, ldc, a, b, k, 2, cols, add); break;
    case 3: tile_rows(c, ldc, a, b, k, 3, cols, add); break;
    case 4: tile_rows(c, ldc, a, b, k, 4, cols, add); break;
    case 5: tile_rows(c, ldc, a, b, k, 5, cols, add); break;
    case 6: tile_rows(c, ldc, a, b, k, 6, cols, add); break;
#if GEMM_MR > 6
    case 7: tile_rows(c, ldc, a, b, k, 7, cols, add); break;
    case 8: tile_rows(c, ldc, a, b, k, 8, cols, add); break;
    case 9: tile_rows(c, ldc, a, b, k, 9, cols, add); break;
    case 10: tile_rows(c, ldc, a, b, k, 10, cols, add); break;
    case 11: tile_rows(c, ldc, a, b, k, 11, cols, add); break;
    case 12: tile_rows(c, ldc, a, b, k, 12, cols, add); break;
    case 13: tile_rows(c, ldc, a, b, k, 13, cols, add); break;
    case 14: tile_rows(c, ldc, a, b, k, 14, cols, add); break;
#endif
    default: break;
    }
}

void VF_NAME(fvi_gemm_kern_init)(fvi_gemm_kern *k)
{
    *k = (fvi_gemm_kern){GEMM_MR, GEMM_NR, GEMM_TITLE, tile_v, VF_NAME(fvi_conv_isa).tile[2]};
}
