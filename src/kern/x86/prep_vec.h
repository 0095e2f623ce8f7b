/* prep_vec.h: the loops of prep, VF_W outputs at a time, with the C level's exact results; written once for all levels.
 * A level file includes its vec_*.h, defines the words below that stand under "needs", and includes this.
 *
 * needs: vi_load, vi_set16, vi_madd16, vi_mulhrs16, vi_mulhi16, vi_srl (words of 16 bits, dwords shifted), vi_shl6,
 *        vi_from_u8 (VF_W bytes), words_load (2 VF_W bytes as words), words_add, words_half (half k as dwords);
 *        bytes, fetch, shuffle_of, taps_of: what surrounds the taps of VF_W outputs, and the taps out of it;
 *        rgb_plain: VF_W pixels of three bytes -> three lines; store_rgb: three channels -> VF_W pixels of three floats. */
#ifndef FVI_KERN_PREP_VEC_H
#define FVI_KERN_PREP_VEC_H
#include "kern/prep_kern.h"

typedef struct blend { vi b0, b1; } blend;

static inline blend blends(int b0, int b1) { return (blend){vi_set16(b0), vi_set16(b1)}; }

static inline vf finish_fine(vi s0, vi s1, blend b)
{ /* blend_fine of prep_ref.c */
    return vi_to_float(vi_add(vi_mulhrs16(vi_srl(s0, 7), b.b0), vi_mulhrs16(vi_srl(s1, 7), b.b1)));
}

static inline vf finish_fine1(vi s0, blend b) { return vi_to_float(vi_mulhrs16(vi_srl(s0, 7), b.b0)); }

static inline vf finish_cv(vi s0, vi s1, blend b)
{ /* blend_cv of prep_ref.c */
    vi sum = vi_add(vi_mulhi16(vi_srl(s0, 4), b.b0), vi_mulhi16(vi_srl(s1, 4), b.b1));
    return vi_to_float(vi_srl(vi_add(sum, vi_set(2)), 2));
}

/* Blends `comps` samples of VF_W outputs a time; the last four arguments are constants where it is called. */
static inline __attribute__((always_inline)) int blend_row(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1,
                                                           const fvi_prep_taps *t, blend b, int n, bool two, bool fine,
                                                           int comps, int group)
{
    int x = 0;
    for (; x + VF_W <= n; x += VF_W) {
        const vi w = vi_load(t->w + x), shuffle = shuffle_of(t, x, group, comps);
        const bytes v0 = fetch(r0, t, x, group, comps), v1 = two ? fetch(r1, t, x, group, comps) : v0;
        for (int k = 0; k < comps; k++) {
            vi s0 = vi_madd16(taps_of(v0, shuffle, k, group, comps), w), s1 = vi_set(0);
            if (two) s1 = vi_madd16(taps_of(v1, shuffle, k, group, comps), w);
            vf_store(d + k * ds + x, fine ? two ? finish_fine(s0, s1, b) : finish_fine1(s0, b) : finish_cv(s0, s1, b));
        }
    }
    return x;
}

static inline __attribute__((always_inline)) int blend_any(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1,
                                                           const fvi_prep_taps *t, int b0, int b1, int n, bool fine,
                                                           int comps)
{
    const blend b = blends(b0, b1);
    const int end = t->group > 1 || t->safe > n ? n : t->safe;
    if (b1 == 0) {
        if (t->group == 4) return blend_row(d, ds, r0, r1, t, b, end, false, fine, comps, 4);
        if (t->group == 2) return blend_row(d, ds, r0, r1, t, b, end, false, fine, comps, 2);
        return blend_row(d, ds, r0, r1, t, b, end, false, fine, comps, 1);
    }
    if (t->group == 4) return blend_row(d, ds, r0, r1, t, b, end, true, fine, comps, 4);
    if (t->group == 2) return blend_row(d, ds, r0, r1, t, b, end, true, fine, comps, 2);
    return blend_row(d, ds, r0, r1, t, b, end, true, fine, comps, 1);
}

/* One row of single samples, nothing to blend: whole numbers, or FVI_PREP_FINE times as much. */
static inline int copy_plain(float *d, const uint8_t *r, int n, bool fine)
{
    int x = 0;
    for (; x + VF_W <= n; x += VF_W) {
        vi v = vi_from_u8(r + x);
        vf_store(d + x, vi_to_float(fine ? vi_shl6(v) : v));
    }
    return x;
}

static void plane(float *d, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    int x = t->plain && b0 == 16384 ? copy_plain(d, r0, n, true) : blend_any(d, 0, r0, r1, t, b0, b1, n, true, 1);
    fvi_prep_plane_c(d, r0, r1, t, b0, b1, x, n);
}

static void pairs(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    int x = blend_any(d, ds, r0, r1, t, b0, b1, n, true, 2);
    fvi_prep_pairs_c(d, ds, r0, r1, t, b0, b1, x, n);
}

static void gray(float *d, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    int x = t->plain && b0 == 2048 && b1 == 0 ? copy_plain(d, r0, n, false) : blend_any(d, 0, r0, r1, t, b0, b1, n, false, 1);
    fvi_prep_gray_c(d, r0, r1, t, b0, b1, x, n);
}

static void rgb(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    int x = t->plain && b0 == 2048 && b1 == 0 ? rgb_plain(d, ds, r0, n) : blend_any(d, ds, r0, r1, t, b0, b1, n, false, 3);
    fvi_prep_rgb_c(d, ds, r0, r1, t, b0, b1, x, n);
}

static void box_rows(float *d, const uint8_t *src, ptrdiff_t stride, int rows, float wf, float wm, float wl, int n)
{
    const uint8_t *last = src + (rows - 1) * stride;
    const vf f = vf_set(wf), m = vf_set(wm), l = vf_set(wl);
    int x = 0;
    for (; rows <= 258 && x + 2 * VF_W <= n; x += 2 * VF_W) { /* sums between fit 16 bits: 256 * 255 */
        vi sum = vi_set(0);
        for (int r = 1; r < rows - 1; r++) sum = words_add(sum, words_load(src + r * stride + x));
        for (int k = 0; k < 2; k++) {
            vf v = vf_mul(vi_to_float(vi_from_u8(src + x + VF_W * k)), f);
            if (rows > 1) {
                v = vf_add(v, vf_mul(vi_to_float(vi_from_u8(last + x + VF_W * k)), l));
                v = vf_add(v, vf_mul(vi_to_float(words_half(sum, k)), m));
            }
            vf_store(d + x + VF_W * k, v);
        }
    }
    fvi_prep_box_rows_c(d, src, stride, rows, wf, wm, wl, x, n);
}

static void mix_rows(float *d, const uint8_t *src, ptrdiff_t stride, const float *w, int rows, int n)
{
    int x = 0;
    for (; x + 2 * VF_W <= n; x += 2 * VF_W) {
        const uint8_t *p = src + x;
        vf v0 = vf_mul(vi_to_float(vi_from_u8(p)), vf_set(w[0])), v1 = vf_mul(vi_to_float(vi_from_u8(p + VF_W)), vf_set(w[0]));
        for (int r = 1; r < rows; r++) {
            p += stride;
            const vf k = vf_set(w[r]);
            v0 = vf_add(v0, vf_mul(vi_to_float(vi_from_u8(p)), k));
            v1 = vf_add(v1, vf_mul(vi_to_float(vi_from_u8(p + VF_W)), k));
        }
        vf_store(d + x, v0);
        vf_store(d + x + VF_W, v1);
    }
    fvi_prep_mix_rows_c(d, src, stride, w, rows, x, n);
}

typedef struct affine { vf s[3], b[3]; } affine;

static inline affine affine_of(const fvi_prep_color *c)
{
    affine a;
    for (int k = 0; k < 3; k++) {
        a.s[k] = vf_set(c->scale[k]);
        a.b[k] = vf_set(c->bias[k]);
    }
    return a;
}

/* Normalises and stores channels 0, 1, 2 of VF_W pixels at o. */
static inline void store3(float *o, ptrdiff_t cs, ptrdiff_t xs, vf c0, vf c1, vf c2, const affine *a)
{
    c0 = vf_add(vf_mul(c0, a->s[0]), a->b[0]);
    c1 = vf_add(vf_mul(c1, a->s[1]), a->b[1]);
    c2 = vf_add(vf_mul(c2, a->s[2]), a->b[2]);
    if (xs != 1) {
        store_rgb(o, c0, c1, c2);
        return;
    }
    vf_store(o, c0);
    vf_store(o + cs, c1);
    vf_store(o + 2 * cs, c2);
}

/* How many of n pixels lie so that store3 can store them. */
static inline int store_end(ptrdiff_t cs, ptrdiff_t xs, int n)
{
    return xs == 1 || (xs == 3 && cs == 1) ? n & ~(VF_W - 1) : 0;
}

static inline vf clamp255(vf v) { return vf_min(vf_max(v, vf_set(0.0f)), vf_set(255.0f)); }

/* fvi_prep_color with luma times `unit`, a power of two. */
typedef struct matrix {
    vf yy, rv, gu, gv, bu, kr, kg, kb;
    affine a;
    int bgr;
} matrix;

static inline matrix matrix_of(const fvi_prep_color *c, float unit)
{
    return (matrix){vf_set(c->yy * unit), vf_set(c->rv), vf_set(c->gu), vf_set(c->gv), vf_set(c->bu), vf_set(c->kr), vf_set(c->kg), vf_set(c->kb), affine_of(c), c->bgr};
}

static inline void store_yuv(float *d, ptrdiff_t cs, ptrdiff_t xs, vf y, vf cu, vf cv, const matrix *m)
{
    vf l = vf_mul(y, m->yy);
    vf r = clamp255(vf_add(vf_add(l, m->kr), vf_mul(cv, m->rv)));
    vf g = clamp255(vf_add(vf_add(vf_add(l, m->kg), vf_mul(cu, m->gu)), vf_mul(cv, m->gv)));
    vf b = clamp255(vf_add(vf_add(l, m->kb), vf_mul(cu, m->bu)));
    store3(d, cs, xs, m->bgr ? b : r, g, m->bgr ? r : b, &m->a);
}

static void put_yuv(float *d, ptrdiff_t cs, ptrdiff_t xs, const float *y, const float *u, const float *v,
                    const fvi_prep_color *c, int n)
{
    const matrix m = matrix_of(c, 1);
    int x = 0, end = store_end(cs, xs, n);
    for (; x < end; x += VF_W) {
        store_yuv(d + x * xs, cs, xs, vf_load(y + x), vf_load(u + x), vf_load(v + x), &m);
    }
    fvi_prep_put_yuv_c(d, cs, xs, y, u, v, c, x, n);
}

static void put_rgb(float *d, ptrdiff_t cs, ptrdiff_t xs, const float *c0, const float *c1, const float *c2,
                    const fvi_prep_color *c, int n)
{
    const affine a = affine_of(c);
    int x = 0, end = store_end(cs, xs, n);
    for (; x < end; x += VF_W) store3(d + x * xs, cs, xs, clamp255(vf_load(c0 + x)), clamp255(vf_load(c1 + x)), clamp255(vf_load(c2 + x)), &a);
    fvi_prep_put_rgb_c(d, cs, xs, c0, c1, c2, c, x, n);
}
#endif
