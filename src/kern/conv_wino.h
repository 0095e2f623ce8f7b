/* conv_wino.h: Winograd F(4x4,3x3) transforms, written once for all levels in the words of vec_*.h. Points
 * {0, +-1/sqrt 2, +-sqrt 2, infinity}: the error against direct convolution grows 1.7 times, textbook points give 3.7. */
#ifndef FVI_KERN_CONV_WINO_H
#define FVI_KERN_CONV_WINO_H
#include "kern/conv_isa.h"

#define WINO_R2 1.41421356237309505f

/* t = B^T r along one dimension */
static inline void wino_bt(const vf r[6], vf t[6])
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

/* o = A^T m along one dimension */
static inline void wino_at(const vf m[6], vf o[4])
{
    vf s = vf_add(m[1], m[2]), d = vf_sub(m[1], m[2]), s2 = vf_add(m[3], m[4]), d2 = vf_sub(m[3], m[4]);
    o[0] = vf_add(vf_add(m[0], s), s2);
    o[1] = vf_fma(vf_set(WINO_R2 / 2), d, vf_mul(vf_set(WINO_R2), d2));
    o[2] = vf_fma(vf_set(0.5f), s, vf_mul(vf_set(2.0f), s2));
    o[3] = vf_fma(vf_set(WINO_R2 / 4), d, vf_fma(vf_set(2 * WINO_R2), d2, m[5]));
}

/* Columns first, in the four groups of rows that share sums, so that six to twelve values are alive at a time. */
static void wino_in(const float *p, ptrdiff_t ld, ptrdiff_t row, int vecs, float *v, ptrdiff_t vs)
{
    const vf m25 = vf_set(-2.5f), m2 = vf_set(-2.0f), mh = vf_set(-0.5f), h2 = vf_set(WINO_R2 / 2), r2 = vf_set(WINO_R2);
    for (int c = 0; c < vecs; c++, p += VF_W, v += VF_W) {
        vf a[6], b[6], t[6];
#define WINO_L(i, j) vf_load(p + (i) * row + (j) * ld)
#define WINO_PUT(i, from)                                                                                              \
    wino_bt(from, t);                                                                                                  \
    for (int j = 0; j < 6; j++) vf_store(v + (6 * (i) + j) * vs, t[j]);
        for (int j = 0; j < 6; j++) a[j] = vf_fma(m25, WINO_L(2, j), vf_add(WINO_L(0, j), WINO_L(4, j)));
        WINO_PUT(0, a)
        for (int j = 0; j < 6; j++) {
            vf e = vf_fma(m2, WINO_L(2, j), WINO_L(4, j)), f = vf_fma(m2, WINO_L(1, j), WINO_L(3, j));
            a[j] = vf_fma(h2, f, e);
            b[j] = vf_fnma(h2, f, e);
        }
        WINO_PUT(1, a)
        WINO_PUT(2, b)
        for (int j = 0; j < 6; j++) {
            vf e = vf_fma(mh, WINO_L(2, j), WINO_L(4, j)), f = vf_fma(mh, WINO_L(1, j), WINO_L(3, j));
            a[j] = vf_fma(r2, f, e);
            b[j] = vf_fnma(r2, f, e);
        }
        WINO_PUT(3, a)
        WINO_PUT(4, b)
        for (int j = 0; j < 6; j++) a[j] = vf_fma(m25, WINO_L(3, j), vf_add(WINO_L(1, j), WINO_L(5, j)));
        WINO_PUT(5, a)
#undef WINO_L
#undef WINO_PUT
    }
}

static void wino_out(const float *m, ptrdiff_t ms, const float *bias, int vecs, float *y, ptrdiff_t ys)
{
    for (int c = 0; c < vecs; c++, m += VF_W, y += VF_W) {
        vf t[4][6], bv = vf_load(bias + c * VF_W);
        for (int j = 0; j < 6; j++) {
            vf col[6], q[4];
            for (int i = 0; i < 6; i++) col[i] = vf_load(m + (6 * i + j) * ms);
            wino_at(col, q);
            for (int i = 0; i < 4; i++) t[i][j] = q[i];
        }
        for (int i = 0; i < 4; i++) {
            vf q[4];
            wino_at(t[i], q);
            for (int j = 0; j < 4; j++) vf_store(y + (4 * i + j) * ys, vf_add(q[j], bv));
        }
    }
}
#endif
