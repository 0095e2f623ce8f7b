/* qconv_tile.h: register tiles and epilogues of byte convolution, written once for all x86 levels. A level file includes its
 * vec_*.h, defines the words below and lists its tiles. One tile is MR output pixels by NV vectors of channels.
 *   qv, QV_W              vector of QV_W sums of 32 bits
 *   qv_load, qv_store, qv_spread(p)   aligned to nothing; the last: the unit at p in every lane
 *   qv_dot(sum, a, b)     sum + a . b, lane by lane
 *   qv_bytes(p, n, y)     whole numbers 0..255 to n bytes at p; qv_from_bytes(p, n) the other way */
#ifndef FVI_KERN_QCONV_TILE_H
#define FVI_KERN_QCONV_TILE_H
#include "kern/qconv_isa.h"
#include "kern/x86/vact.h"
#include <string.h>

/* Rows are addressed as in conv_tile.h: q[m / 3] + (m % 3) * lda. */
#define FVI_QCONV_TILE(MR, NV)                                                                                         \
    static void tile_##NV##_##MR(const fvi_qconv_walk *w, const char *a, const int32_t *b, const int32_t *start, int32_t *c) \
    {                                                                                                                  \
        qv acc[MR][NV];                                                                                                \
        const ptrdiff_t lda = w->lda;                                                                                  \
        FVI_UNROLL for (int m = 0; m < (MR); m++) FVI_UNROLL for (int n = 0; n < (NV); n++) acc[m][n] = qv_load(start + n * QV_W); \
        for (int y = 0; y < w->ny; y++)                                                                                \
            for (int x = 0; x < w->nx; x++) {                                                                          \
                const char *q[((MR) + 2) / 3];                                                                         \
                FVI_UNROLL for (int i = 0; i < ((MR) + 2) / 3; i++) q[i] = a + y * w->dy + x * w->dx + 3 * i * lda;    \
                for (int k = 0; k < w->k; k++) {                                                                       \
                    qv bv[NV];                                                                                         \
                    FVI_UNROLL for (int i = 0; i < ((MR) + 2) / 3; i++) __asm__("" : "+r"(q[i]));                      \
                    FVI_UNROLL for (int n = 0; n < (NV); n++) bv[n] = qv_load(b + n * QV_W);                           \
                    FVI_UNROLL for (int m = 0; m < (MR); m++)                                                          \
                    {                                                                                                  \
                        const qv av = qv_spread(q[m / 3] + (m % 3) * lda);                                             \
                        FVI_UNROLL for (int n = 0; n < (NV); n++) acc[m][n] = qv_dot(acc[m][n], av, bv[n]);            \
                    }                                                                                                  \
                    __asm__ volatile("" ::: "memory");                                                                 \
                    b += (NV) * QV_W;                                                                                  \
                    FVI_UNROLL for (int i = 0; i < ((MR) + 2) / 3; i++) q[i] += 4;                                     \
                }                                                                                                      \
            }                                                                                                          \
        FVI_UNROLL for (int m = 0; m < (MR); m++) FVI_UNROLL for (int n = 0; n < (NV); n++) qv_store(c + (m * (NV) + n) * QV_W, acc[m][n]); \
    }

/* Activations that are a table of the byte. */
static inline void through_table(uint8_t *y, int n, const uint8_t *table)
{
    for (int i = 0; i < n; i++) y[i] = table[y[i]];
}

#define FVI_QCONV_FINISH(name)                                                                                         \
    static void finish_##name(const int32_t *sums, const fvi_qconv_place *o)                                           \
    {                                                                                                                  \
        const fvi_qconv_params *p = o->p;                                                                              \
        const ab k = {vf_set(p->alpha), vf_set(p->beta)};                                                              \
        const vf inv = vf_set(p->y_inv), lo = vf_set((float)-p->y_zero), hi = vf_set((float)(255 - p->y_zero));        \
        const qv y_zero = vi_set(p->y_zero), r_zero = vi_set(p->res_zero);                                             \
        for (int m = 0; m < o->pixels; m++)                                                                            \
            for (int c = 0; c < o->channels; c += QV_W) {                                                              \
                const int n = o->channels - c < QV_W ? o->channels - c : QV_W;                                         \
                vf v = vf_add(vf_mul(vi_to_float(qv_load(sums + m * o->lds + c)), vf_load(o->scale + c)), vf_load(o->bias + c)); \
                v = act_##name(v, k);                                                                                  \
                if (p->residual == FVI_QCONV_BYTES)                                                                    \
                    v = vf_add(v, vf_mul(vi_to_float(vi_sub(qv_from_bytes((const uint8_t *)o->res + m * o->res_w + c, n), r_zero)), vf_set(p->res_scale))); \
                else if (p->residual == FVI_QCONV_FLOATS)                                                              \
                    v = vf_add(v, vf_load_n((const float *)o->res + m * o->res_w + c, (size_t)n));                     \
                if (!p->bytes) {                                                                                       \
                    vf_store_n((float *)o->out + m * o->out_w + c, v, (size_t)n);                                      \
                    continue;                                                                                          \
                }                                                                                                      \
                uint8_t *y = (uint8_t *)o->out + m * o->out_w + c;                                                     \
                qv_bytes(y, n, vi_add(vf_to_int(vf_min(vf_max(vf_mul(v, inv), lo), hi)), y_zero));                     \
                if (o->table) through_table(y, n, o->table);                                                           \
            }                                                                                                          \
    }
FVI_QCONV_FINISH(none)
FVI_QCONV_FINISH(relu)
FVI_QCONV_FINISH(leaky)
FVI_QCONV_FINISH(clip)
FVI_QCONV_FINISH(sigmoid)
FVI_QCONV_FINISH(silu)
FVI_QCONV_FINISH(hardsigmoid)
FVI_QCONV_FINISH(hardswish)
FVI_QCONV_FINISH(tanh)
FVI_QCONV_FINISH(gelu)
#define FVI_QCONV_FINISHES                                                                                             \
    {finish_none, finish_relu, finish_leaky, finish_clip, finish_sigmoid, finish_silu, finish_hardsigmoid, finish_hardswish, finish_tanh, finish_gelu}
#endif
