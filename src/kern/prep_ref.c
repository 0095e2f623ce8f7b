/* prep_ref.c: the loops of prep in plain C: the definition that every vector level repeats bit for bit.
 * Called through fvi_prep_kern by src/image/prep.c, and by the vector levels for the ends of rows. */
#include "kern/prep_kern.h"
#include "kern/elementwise.h"

static inline int tap_sum(const uint8_t *r, int32_t off, int step, int32_t w)
{
    return r[off] * (w & 0xffff) + r[off + step] * (w >> 16);
}

/* 22-bit tap sums -> 15 bits, then a rounded product with a 14-bit weight: 64 a level. */
static inline float blend_fine(int s0, int s1, int b0, int b1)
{
    return (float)((((s0 >> 7) * b0 + 0x4000) >> 15) + (((s1 >> 7) * b1 + 0x4000) >> 15));
}

/* OpenCV's vertical step for 8-bit pictures (VResizeLinear): both products are cut to 10 bits before they meet. */
static inline float blend_cv(int s0, int s1, int b0, int b1)
{
    return (float)(((((s0 >> 4) * b0) >> 16) + (((s1 >> 4) * b1) >> 16) + 2) >> 2);
}

void fvi_prep_plane_c(float *d, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int x, int n)
{
    for (; x < n; x++) {
        int s0 = tap_sum(r0, t->off[x], t->step, t->w[x]);
        int s1 = b1 ? tap_sum(r1, t->off[x], t->step, t->w[x]) : 0;
        d[x] = blend_fine(s0, s1, b0, b1);
    }
}

void fvi_prep_pairs_c(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1,
                      int x, int n)
{
    fvi_prep_plane_c(d, r0, r1, t, b0, b1, x, n);
    fvi_prep_plane_c(d + ds, r0 + 1, r1 + 1, t, b0, b1, x, n);
}

void fvi_prep_gray_c(float *d, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int x, int n)
{
    for (; x < n; x++) {
        int s0 = tap_sum(r0, t->off[x], t->step, t->w[x]);
        int s1 = b1 ? tap_sum(r1, t->off[x], t->step, t->w[x]) : 0;
        d[x] = blend_cv(s0, s1, b0, b1);
    }
}

void fvi_prep_rgb_c(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1,
                    int x, int n)
{
    for (int c = 0; c < 3; c++) fvi_prep_gray_c(d + c * ds, r0 + c, r1 + c, t, b0, b1, x, n);
}

void fvi_prep_box_rows_c(float *d, const uint8_t *src, ptrdiff_t stride, int rows, float wf, float wm, float wl, int x,
                         int n)
{
    const uint8_t *last = src + (rows - 1) * stride;
    for (; x < n; x++) {
        float v = (float)src[x] * wf;
        if (rows > 1) {
            int sum = 0;
            for (const uint8_t *p = src + stride; p != last; p += stride) sum += p[x];
            v = v + (float)last[x] * wl;
            v = v + (float)sum * wm;
        }
        d[x] = v;
    }
}

void fvi_prep_mix_rows_c(float *d, const uint8_t *src, ptrdiff_t stride, const float *w, int rows, int x, int n)
{
    for (; x < n; x++) {
        float v = (float)src[x] * w[0];
        for (int r = 1; r < rows; r++) v = v + (float)src[r * stride + x] * w[r];
        d[x] = v;
    }
}

void fvi_prep_split_c(float *d, ptrdiff_t ds, const float *src, int comps, int x, int n)
{
    for (; x < n; x++)
        for (int c = 0; c < comps; c++) d[c * ds + x] = src[x * comps + c];
}

/* Eight partial sums, then a tree: the order a vector does it in. */
void fvi_prep_box_cols_c(float *d, const float *line, const fvi_prep_box *box, int x, int n)
{
    for (; x < n; x++) {
        const float *p = line + box->start[x], *w = box->w + (size_t)x * 8 * (size_t)box->blocks;
        float s[8];
        for (int i = 0; i < 8; i++) s[i] = p[i] * w[i];
        for (int b = 1; b < box->blocks; b++)
            for (int i = 0; i < 8; i++) s[i] = s[i] + p[8 * b + i] * w[8 * b + i];
        d[x] = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
    }
}

static inline float clamp255(float v)
{
    v = v > 0.0f ? v : 0.0f;
    return v < 255.0f ? v : 255.0f;
}

void fvi_prep_put_yuv_c(float *d, ptrdiff_t cs, ptrdiff_t xs, const float *y, const float *u, const float *v,
                        const fvi_prep_color *c, int x, int n)
{
    int red = c->bgr ? 2 : 0, blue = 2 - red;
    for (; x < n; x++) {
        float *o = d + x * xs, l = y[x] * c->yy;
        float r = clamp255((l + c->kr) + v[x] * c->rv);
        float g = clamp255(((l + c->kg) + u[x] * c->gu) + v[x] * c->gv);
        float b = clamp255((l + c->kb) + u[x] * c->bu);
        o[red * cs] = r * c->scale[red] + c->bias[red];
        o[cs] = g * c->scale[1] + c->bias[1];
        o[blue * cs] = b * c->scale[blue] + c->bias[blue];
    }
}

void fvi_prep_put_rgb_c(float *d, ptrdiff_t cs, ptrdiff_t xs, const float *c0, const float *c1, const float *c2,
                        const fvi_prep_color *c, int x, int n)
{
    for (; x < n; x++) {
        float *o = d + x * xs;
        o[0] = clamp255(c0[x]) * c->scale[0] + c->bias[0];
        o[cs] = clamp255(c1[x]) * c->scale[1] + c->bias[1];
        o[2 * cs] = clamp255(c2[x]) * c->scale[2] + c->bias[2];
    }
}

void fvi_prep_to_u8_c(uint8_t *d, const float *s, int x, int n)
{
    for (; x < n; x++) d[x] = (uint8_t)(clamp255(s[x]) + 0.5f);
}

static void plane(float *d, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    fvi_prep_plane_c(d, r0, r1, t, b0, b1, 0, n);
}

static void pairs(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    fvi_prep_pairs_c(d, ds, r0, r1, t, b0, b1, 0, n);
}

static void gray(float *d, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    fvi_prep_gray_c(d, r0, r1, t, b0, b1, 0, n);
}

static void rgb(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    fvi_prep_rgb_c(d, ds, r0, r1, t, b0, b1, 0, n);
}

static void box_rows(float *d, const uint8_t *src, ptrdiff_t stride, int rows, float wf, float wm, float wl, int n)
{
    fvi_prep_box_rows_c(d, src, stride, rows, wf, wm, wl, 0, n);
}

static void mix_rows(float *d, const uint8_t *src, ptrdiff_t stride, const float *w, int rows, int n)
{
    fvi_prep_mix_rows_c(d, src, stride, w, rows, 0, n);
}

static void split(float *d, ptrdiff_t ds, const float *src, int comps, int n)
{
    fvi_prep_split_c(d, ds, src, comps, 0, n);
}

static void box_cols(float *d, const float *line, const fvi_prep_box *box, int n)
{
    fvi_prep_box_cols_c(d, line, box, 0, n);
}

static void put_yuv(float *d, ptrdiff_t cs, ptrdiff_t xs, const float *y, const float *u, const float *v,
                    const fvi_prep_color *c, int n)
{
    fvi_prep_put_yuv_c(d, cs, xs, y, u, v, c, 0, n);
}

static void put_rgb(float *d, ptrdiff_t cs, ptrdiff_t xs, const float *c0, const float *c1, const float *c2,
                    const fvi_prep_color *c, int n)
{
    fvi_prep_put_rgb_c(d, cs, xs, c0, c1, c2, c, 0, n);
}

static void narrow(uint8_t *d, const uint8_t *s, int shift, int n)
{
    fvi_prep_narrow_c(d, s, shift, 0, n);
}

static void to_u8(uint8_t *d, const float *s, int n) { fvi_prep_to_u8_c(d, s, 0, n); }

static void to_half(uint16_t *d, const float *s, int n) { fvi_convert(FV_F16, FV_F32)(d, s, (size_t)n); }

void fvi_prep_kern_init(fvi_prep_kern *k, fvi_cpu_flags flags)
{
    *k = (fvi_prep_kern){plane, pairs, gray, rgb, box_rows, mix_rows, split, box_cols, put_yuv, put_rgb, fvi_prep_row420_c, narrow, fvi_prep_stream_c, to_u8, to_half};
#ifdef FVI_X86
    if (flags & FVI_CPU_AVX2) fvi_prep_kern_init_avx2(k);
    if (flags & FVI_CPU_AVX512) fvi_prep_kern_init_avx512(k);
#else
    (void)flags;
#endif
}
