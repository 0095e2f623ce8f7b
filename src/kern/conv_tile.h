/* conv_tile.h: register tiles of direct and depthwise convolution, written once for all levels in the words of vec_*.h.
 * A level file includes its words, this file, and lists the tile sizes it wants. One tile is MR output pixels by NV
 * vectors of channels, all of it in registers while the taps go by. */
#ifndef FVI_KERN_CONV_TILE_H
#define FVI_KERN_CONV_TILE_H
#include "kern/conv_isa.h"

/* Rows are addressed as q[m / 3] + (m % 3) * lda: base + index * {0,1,2} needs no address arithmetic on x86, so that a
 * tile of 14 rows gets by with five pointers. The empty asm keeps the compiler from merging them again, and the one
 * after each step from mixing the loads of two steps, which spills a sum (87 % of the peak instead of 97 %). */
#define FVI_CONV_STEP(MR, NV, U)                                                                                       \
    do {                                                                                                               \
        FVI_UNROLL for (int u = 0; u < (U); u++)                                                                       \
        {                                                                                                              \
            vf bv[NV];                                                                                                 \
            FVI_UNROLL for (int n = 0; n < (NV); n++) bv[n] = vf_load(b + (u * (NV) + n) * VF_W);                      \
            FVI_UNROLL for (int m = 0; m < (MR); m++)                                                                  \
            {                                                                                                          \
                vf av = vf_set(q[m / 3][(m % 3) * lda + u]);                                                           \
                FVI_UNROLL for (int n = 0; n < (NV); n++) acc[m][n] = vf_fma(av, bv[n], acc[m][n]);                    \
            }                                                                                                          \
            __asm__ volatile("" ::: "memory");                                                                         \
        }                                                                                                              \
        b += (U) * (NV) * VF_W;                                                                                        \
        FVI_UNROLL for (int i = 0; i < ((MR) + 2) / 3; i++) q[i] += (U);                                               \
    } while (0)

#define FVI_CONV_KEEP(MR)                                                                                              \
    do {                                                                                                               \
        FVI_UNROLL for (int i = 0; i < ((MR) + 2) / 3; i++) __asm__("" : "+r"(q[i]));                                  \
    } while (0)

#define FVI_CONV_TILE(MR, NV)                                                                                          \
    static inline __attribute__((always_inline)) void tile_##NV##_##MR##_body(const fvi_conv_walk *w, const float *a,  \
                                                                              const float *b, const float *bias,       \
                                                                              float *c, const char *h)                 \
    {                                                                                                                  \
        vf acc[MR][NV];                                                                                                \
        const ptrdiff_t lda = w->lda, ldc = w->ldc, hs = w->ahead_step;                                                \
        FVI_UNROLL for (int m = 0; m < (MR); m++) FVI_UNROLL for (int n = 0; n < (NV); n++) acc[m][n] =                \
            vf_load(bias + n * VF_W);                                                                                  \
        for (int y = 0; y < w->ny; y++)                                                                                \
            for (int x = 0; x < w->nx; x++) {                                                                          \
                const float *q[((MR) + 2) / 3];                                                                        \
                FVI_UNROLL for (int i = 0; i < ((MR) + 2) / 3; i++) q[i] = a + y * w->dy + x * w->dx + 3 * i * lda;    \
                int k = w->k;                                                                                          \
                for (; k >= 2; k -= 2) {                                                                               \
                    if (h) __builtin_prefetch(h, 0, 2), h += hs;                                                       \
                    FVI_CONV_KEEP(MR);                                                                                 \
                    FVI_CONV_STEP(MR, NV, 2);                                                                          \
                }                                                                                                      \
                for (; k > 0; k--) {                                                                                   \
                    FVI_CONV_KEEP(MR);                                                                                 \
                    FVI_CONV_STEP(MR, NV, 1);                                                                          \
                }                                                                                                      \
            }                                                                                                          \
        FVI_UNROLL for (int m = 0; m < (MR); m++) FVI_UNROLL for (int n = 0; n < (NV); n++)                            \
            vf_store(c + m * ldc + n * VF_W, acc[m][n]);                                                               \
    }                                                                                                                  \
    static void tile_##NV##_##MR(const fvi_conv_walk *w, const float *a, const float *b, const float *bias, float *c)  \
    {                                                                                                                  \
        if (VF_W > 8) /* many sums a step: what fetching costs when nothing is asked for is not worth another copy */  \
            tile_##NV##_##MR##_body(w, a, b, bias, c, w->ahead ? w->ahead : (const char *)b);                          \
        else if (w->ahead)                                                                                             \
            tile_##NV##_##MR##_body(w, a, b, bias, c, w->ahead);                                                       \
        else                                                                                                           \
            tile_##NV##_##MR##_body(w, a, b, bias, c, NULL);                                                           \
    }

#define FVI_CONV_DW(MR, NV)                                                                                            \
    static void dw_##NV##_##MR(const fvi_conv_walk *w, const float *a, const float *b, const float *bias, float *c)    \
    {                                                                                                                  \
        vf acc[MR][NV];                                                                                                \
        const ptrdiff_t lda = w->lda, ldc = w->ldc;                                                                    \
        FVI_UNROLL for (int m = 0; m < (MR); m++) FVI_UNROLL for (int n = 0; n < (NV); n++) acc[m][n] =                \
            vf_load(bias + n * VF_W);                                                                                  \
        for (int y = 0; y < w->ny; y++)                                                                                \
            for (int x = 0; x < w->nx; x++) {                                                                          \
                const float *p = a + y * w->dy + x * w->dx;                                                            \
                vf bv[NV];                                                                                             \
                FVI_UNROLL for (int n = 0; n < (NV); n++) bv[n] = vf_load(b + n * VF_W);                               \
                FVI_UNROLL for (int m = 0; m < (MR); m++) FVI_UNROLL for (int n = 0; n < (NV); n++) acc[m][n] =        \
                    vf_fma(vf_load(p + m * lda + n * VF_W), bv[n], acc[m][n]);                                         \
                b += (NV) * VF_W;                                                                                      \
            }                                                                                                          \
        FVI_UNROLL for (int m = 0; m < (MR); m++) FVI_UNROLL for (int n = 0; n < (NV); n++)                            \
            vf_store(c + m * ldc + n * VF_W, acc[m][n]);                                                               \
    }

/* Depthwise at stride 1 without dilation, one vector of channels: a pixel is loaded once a row of the kernel, not once a tap. Taps
 * lie w->k floats apart in b. */
#define FVI_CONV_DWX(MR, KW)                                                                                           \
    static void dwx_##KW##_##MR(const fvi_conv_walk *w, const float *a, const float *b, const float *bias, float *c)   \
    {                                                                                                                  \
        vf acc[MR], bv[KW];                                                                                            \
        const ptrdiff_t lda = w->lda, ldc = w->ldc, ldb = w->k;                                                        \
        FVI_UNROLL for (int m = 0; m < (MR); m++) acc[m] = vf_load(bias);                                              \
        for (int y = 0; y < w->ny; y++, a += w->dy, b += (KW) * ldb) {                                                 \
            const float *p = a;                                                                                        \
            FVI_UNROLL for (int x = 0; x < (KW); x++) bv[x] = vf_load(b + x * ldb);                                    \
            FVI_UNROLL for (int i = 0; i < (MR) + (KW) - 1; i++)                                                       \
            {                                                                                                          \
                const vf v = vf_load(p);                                                                               \
                p += lda;                                                                                              \
                FVI_UNROLL for (int x = 0; x < (KW); x++)                                                              \
                {                                                                                                      \
                    if (i >= x && i - x < (MR)) acc[i - x] = vf_fma(v, bv[x], acc[i - x]);                             \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        FVI_UNROLL for (int m = 0; m < (MR); m++) vf_store(c + m * ldc, acc[m]);                                       \
    }
#endif
