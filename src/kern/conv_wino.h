/* conv_wino.h: Winograd transforms, written once for all levels in the words of vec_*.h: F(4x4,3x3) for stride 1, and for
 * stride 2 its polyphase form (conv_wino2.c). Points {0, +-1/sqrt 2, +-sqrt 2, infinity}: the error against direct
 * convolution grows 1.7 times, textbook points give 3.7. A level that includes x86/vact.h first gets activations. */
#ifndef FVI_KERN_CONV_WINO_H
#define FVI_KERN_CONV_WINO_H
#include "kern/conv_isa.h"
#include <string.h>

#define WINO_INLINE static inline __attribute__((always_inline))
#define WINO_R2 1.41421356237309505f
/* Two passes over the stack, each a rolled loop over short code: fewer accesses than keeping more in too few registers. */
#ifdef __clang__
#define WINO_ROLLED _Pragma("nounroll")
#else
#define WINO_ROLLED _Pragma("GCC unroll 1")
#endif

/* ---- into the transformed domain ---- */

/* t = B^T r along one dimension */
WINO_INLINE void wino_bt(const vf r[6], vf t[6])
{
    const vf m25 = vf_set(-2.5f), m2 = vf_set(-2.0f), mh = vf_set(-0.5f), h2 = vf_set(WINO_R2 / 2), r2 = vf_set(WINO_R2);
    t[0] = vf_fma(m25, r[2], vf_add(r[0], r[4]));
    vf a = vf_fma(m2, r[2], r[4]), b = vf_fma(m2, r[1], r[3]);
    t[1] = vf_fma(h2, b, a);
    t[2] = vf_fnma(h2, b, a);
    vf c = vf_fma(mh, r[2], r[4]), d = vf_fma(mh, r[1], r[3]);
    t[3] = vf_fma(r2, d, c);
    t[4] = vf_fnma(r2, d, c);
    t[5] = vf_fma(m25, r[3], vf_add(r[1], r[5]));
}

static void wino_in(const float *p, ptrdiff_t ld, ptrdiff_t row, int vecs, float *v, const ptrdiff_t *off)
{
    for (int c = 0; c < vecs; c++, p += VF_W, v += VF_W) {
        vf cols[6][6], r[6], t[6];
        const float *q = p;
        WINO_ROLLED for (int x = 0; x < 6; x++, q += ld)
        {
            FVI_UNROLL for (int i = 0; i < 6; i++) r[i] = vf_load(q + i * row);
            wino_bt(r, t);
            FVI_UNROLL for (int i = 0; i < 6; i++) cols[i][x] = t[i];
        }
        const ptrdiff_t *o = off;
        WINO_ROLLED for (int i = 0; i < 6; i++, o += 6)
        {
            wino_bt(cols[i], t);
            FVI_UNROLL for (int j = 0; j < 6; j++) vf_store(v + o[j], t[j]);
        }
    }
}

/* Without the point 0, of the five odd samples: t = B^T d */
WINO_INLINE void wino2_bt(const vf d[5], vf t[5])
{
    const vf m25 = vf_set(-2.5f), m2 = vf_set(-2.0f), mh = vf_set(-0.5f), h2 = vf_set(WINO_R2 / 2), r2 = vf_set(WINO_R2);
    vf p = vf_fma(m2, d[1], d[3]), q = vf_fma(m2, d[0], d[2]);
    t[0] = vf_fma(h2, q, p);
    t[1] = vf_fnma(h2, q, p);
    p = vf_fma(mh, d[1], d[3]), q = vf_fma(mh, d[0], d[2]);
    t[2] = vf_fma(r2, q, p);
    t[3] = vf_fnma(r2, q, p);
    t[4] = vf_fma(m25, d[2], vf_add(d[0], d[4]));
}

/* Rows and columns 0, 2, 4, 6, 8 of the window are transformed (results 0..4), 1, 3, 5, 7 stay as they are (5..8). */
static void wino2_in(const float *p, ptrdiff_t ld, ptrdiff_t row, int vecs, float *v, const ptrdiff_t *off)
{
    for (int c = 0; c < vecs; c++, p += VF_W, v += VF_W) {
        vf cols[9][9], r[5], t[5];
        const float *q = p;
        WINO_ROLLED for (int x = 0; x < 9; x++, q += ld)
        {
            FVI_UNROLL for (int i = 0; i < 5; i++) r[i] = vf_load(q + 2 * i * row);
            wino2_bt(r, t);
            FVI_UNROLL for (int i = 0; i < 5; i++) cols[i][x] = t[i];
            FVI_UNROLL for (int i = 0; i < 4; i++) cols[5 + i][x] = vf_load(q + (2 * i + 1) * row);
        }
        const ptrdiff_t *o = off;
        WINO_ROLLED for (int i = 0; i < 9; i++, o += 9)
        {
            FVI_UNROLL for (int j = 0; j < 5; j++) r[j] = cols[i][2 * j];
            wino2_bt(r, t);
            FVI_UNROLL for (int j = 0; j < 5; j++) vf_store(v + o[j], t[j]);
            FVI_UNROLL for (int j = 0; j < 4; j++) vf_store(v + o[5 + j], cols[i][2 * j + 1]);
        }
    }
}

/* ---- back, through bias, activation and residual ---- */

/* o = A^T m along one dimension; for stride 2 the point 0 has a value for each output */
WINO_INLINE void wino_at(const vf m[6], vf o[4])
{
    vf s = vf_add(m[1], m[2]), d = vf_sub(m[1], m[2]), s2 = vf_add(m[3], m[4]), d2 = vf_sub(m[3], m[4]);
    o[0] = vf_add(vf_add(m[0], s), s2);
    o[1] = vf_fma(vf_set(WINO_R2 / 2), d, vf_mul(vf_set(WINO_R2), d2));
    o[2] = vf_fma(vf_set(0.5f), s, vf_mul(vf_set(2.0f), s2));
    o[3] = vf_fma(vf_set(WINO_R2 / 4), d, vf_fma(vf_set(2 * WINO_R2), d2, m[5]));
}

WINO_INLINE void wino2_at(const vf m[5], const vf e[4], vf o[4])
{
    vf s = vf_add(m[0], m[1]), d = vf_sub(m[0], m[1]), s2 = vf_add(m[2], m[3]), d2 = vf_sub(m[2], m[3]);
    o[0] = vf_add(vf_add(e[0], s), s2);
    o[1] = vf_fma(vf_set(WINO_R2 / 2), d, vf_fma(vf_set(WINO_R2), d2, e[1]));
    o[2] = vf_fma(vf_set(0.5f), s, vf_fma(vf_set(2.0f), s2, e[2]));
    o[3] = vf_fma(vf_set(WINO_R2 / 4), d, vf_fma(vf_set(2 * WINO_R2), d2, vf_add(m[4], e[3])));
}

WINO_INLINE vf wino_act(vf x, fvi_kact act)
{
#ifdef FVI_KERN_VACT_H
    const ab none = {x, x};
    if (act == FVI_KACT_SILU) return act_silu(x, none);
    if (act == FVI_KACT_RELU) return act_relu(x, none);
#endif
    return (void)act, x;
}
#ifdef FVI_KERN_VACT_H
#define WINO_ACTS (1u << FVI_KACT_NONE | 1u << FVI_KACT_RELU | 1u << FVI_KACT_SILU)
#else
#define WINO_ACTS (1u << FVI_KACT_NONE)
#endif

/* Row i of a tile: as many pixels and lanes as the output has. */
WINO_INLINE void wino_put(const fvi_wino_place *o, int i, ptrdiff_t c, int lanes, vf bias, const vf q[4], fvi_kact act)
{
    float *out = o->out + i * o->out_h + c;
    const float *res = o->res ? o->res + i * o->res_h + c : NULL;
    vf x[4];
    FVI_UNROLL for (int j = 0; j < 4; j++) x[j] = wino_act(vf_add(q[j], bias), act);
    FVI_UNROLL for (int j = 0; j < 4; j++, out += o->out_w, res = res ? res + o->res_w : NULL)
    {
        if (j >= o->nx) return;
        if (lanes == VF_W) {
            vf_store(out, res ? vf_add(x[j], vf_load(res)) : x[j]);
        } else {
            float part[VF_W] = {0};
            if (res) memcpy(part, res, sizeof *part * (size_t)lanes);
            vf_store(part, vf_add(x[j], vf_load(part)));
            memcpy(out, part, sizeof *part * (size_t)lanes);
        }
    }
}

WINO_INLINE void wino_tile(const float *m, const ptrdiff_t *off, int c, int lanes, vf bias, const fvi_wino_place *o, fvi_kact act)
{
    vf t[4][6], col[6], q[4];
    m += c;
    WINO_ROLLED for (int j = 0; j < 6; j++, off++)
    {
        FVI_UNROLL for (int i = 0; i < 6; i++) col[i] = vf_load(m + off[6 * i]);
        wino_at(col, q);
        FVI_UNROLL for (int i = 0; i < 4; i++) t[i][j] = q[i];
    }
    WINO_ROLLED for (int i = 0; i < o->ny; i++)
    {
        wino_at(t[i], q);
        wino_put(o, i, c, lanes, bias, q, act);
    }
}

WINO_INLINE void wino2_tile(const float *m, const ptrdiff_t *off, int c, int lanes, vf bias, const fvi_wino_place *o, fvi_kact act)
{
    vf t[4][9], col[9], q[4];
    m += c;
    WINO_ROLLED for (int j = 0; j < 9; j++, off++)
    {
        FVI_UNROLL for (int i = 0; i < 9; i++) col[i] = vf_load(m + off[9 * i]);
        wino2_at(col, col + 5, q);
        FVI_UNROLL for (int i = 0; i < 4; i++) t[i][j] = q[i];
    }
    WINO_ROLLED for (int i = 0; i < o->ny; i++)
    {
        wino2_at(t[i], t[i] + 5, q);
        wino_put(o, i, c, lanes, bias, q, act);
    }
}

#define WINO_ROUND(tile, act)                                                                                          \
    do {                                                                                                               \
        int c = 0;                                                                                                     \
        for (; c + VF_W <= channels; c += VF_W) tile(m, off, c, VF_W, vf_load(bias + c), o, act);                      \
        if (c < channels) tile(m, off, c, channels - c, vf_load(bias + c), o, act);                                    \
    } while (0)
#define WINO_OUT(name, tile)                                                                                           \
    static void name(const float *m, const ptrdiff_t *off, const float *bias, int channels, const fvi_wino_place *o)   \
    {                                                                                                                  \
        if (o->act == FVI_KACT_SILU)                                                                                   \
            WINO_ROUND(tile, FVI_KACT_SILU);                                                                           \
        else if (o->act == FVI_KACT_RELU)                                                                              \
            WINO_ROUND(tile, FVI_KACT_RELU);                                                                           \
        else                                                                                                           \
            WINO_ROUND(tile, FVI_KACT_NONE);                                                                           \
    }
WINO_OUT(wino_out, wino_tile)
WINO_OUT(wino2_out, wino2_tile)
#endif
