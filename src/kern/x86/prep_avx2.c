/* prep_avx2.c: the loops of prep, eight outputs at a time, with the C level's exact results.
 * Called through fvi_prep_kern. */
#include "kern/prep_kern.h"
#include <immintrin.h>

typedef struct blend { __m256i b0, b1; } blend;

static inline __m256 finish_fine(__m256i s0, __m256i s1, blend b)
{ /* blend_fine of prep_ref.c */
    s0 = _mm256_mulhrs_epi16(_mm256_srli_epi32(s0, 7), b.b0);
    s1 = _mm256_mulhrs_epi16(_mm256_srli_epi32(s1, 7), b.b1);
    return _mm256_cvtepi32_ps(_mm256_add_epi32(s0, s1));
}

static inline __m256 finish_fine1(__m256i s0, blend b)
{
    return _mm256_cvtepi32_ps(_mm256_mulhrs_epi16(_mm256_srli_epi32(s0, 7), b.b0));
}

static inline __m256 finish_cv(__m256i s0, __m256i s1, blend b)
{ /* blend_cv of prep_ref.c */
    s0 = _mm256_mulhi_epi16(_mm256_srli_epi32(s0, 4), b.b0);
    s1 = _mm256_mulhi_epi16(_mm256_srli_epi32(s1, 4), b.b1);
    __m256i v = _mm256_add_epi32(_mm256_add_epi32(s0, s1), _mm256_set1_epi32(2));
    return _mm256_cvtepi32_ps(_mm256_srli_epi32(v, 2));
}

static inline blend blends(int b0, int b1) { return (blend){_mm256_set1_epi16((short)b0), _mm256_set1_epi16((short)b1)}; }
static inline __m256i load(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline __m256i widen8(const uint8_t *p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)); }
static inline int vector_end(const fvi_prep_taps *t, int n) { return (t->group > 1 || t->safe > n ? n : t->safe) & ~7; }

/* Bytes around the taps of eight outputs: group 4: `a` holds all; otherwise a has outputs 0,1|4,5 and b 2,3|6,7. */
typedef struct bytes { __m256i a, b; } bytes;

static inline __m256i two_loads(const uint8_t *p, const uint8_t *q)
{
    __m128i lo = _mm_loadu_si128((const __m128i *)p), hi = _mm_loadu_si128((const __m128i *)q);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(lo), hi, 1);
}

/* Outputs whose taps lie apart: 4 bytes each (comps 1, 2) or 8 (comps 3). */
static inline __m256i four_pixels(const uint8_t *r, const int32_t *o)
{
    __m128i a = _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)(r + o[0])), _mm_loadl_epi64((const __m128i *)(r + o[1])));
    __m128i b = _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)(r + o[4])), _mm_loadl_epi64((const __m128i *)(r + o[5])));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1);
}

static inline bytes fetch(const uint8_t *r, const fvi_prep_taps *t, int x, int group, int comps)
{
    bytes v;
    if (group == 4) {
        v.a = v.b = two_loads(r + t->base[x / 4], r + t->base[x / 4 + 1]);
    } else if (group == 2) {
        const int32_t *base = t->base + x / 2;
        v.a = two_loads(r + base[0], r + base[2]);
        v.b = two_loads(r + base[1], r + base[3]);
    } else if (comps == 3) {
        v.a = four_pixels(r, t->off + x);
        v.b = four_pixels(r, t->off + x + 2);
    } else {
        v.a = v.b = _mm256_i32gather_epi32((const int *)r, load(t->off + x), 1);
    }
    return v;
}

/* The shuffle that brings both taps of sample 0 of each output into its dword. */
static inline __m256i shuffle_of(const fvi_prep_taps *t, int x, int group, int comps)
{
    if (group > 1) return load(t->pick + x);
    const int r = (int)(0x80008000u | (unsigned)comps << 16);
    if (comps < 3) return _mm256_setr_epi32(r, r + 0x40004, r + 0x80008, r + 0xC000C, r, r + 0x40004, r + 0x80008, r + 0xC000C);
    return _mm256_setr_epi32(r, r + 0x80008, r, r + 0x80008, r, r + 0x80008, r, r + 0x80008);
}

/* Tap pairs of sample k (0: Y, U or first colour) as dwords of two words. */
static inline __m256i taps_of(bytes v, __m256i shuffle, int k, int group, int comps)
{
    shuffle = _mm256_add_epi32(shuffle, _mm256_set1_epi32(k * 0x10001));
    if (group == 4 || (group == 1 && comps < 3)) return _mm256_shuffle_epi8(v.a, shuffle);
    const __m256i not_a = _mm256_setr_epi32(0, 0, -1, -1, 0, 0, -1, -1), not_b = _mm256_setr_epi32(-1, -1, 0, 0, -1, -1, 0, 0);
    return _mm256_or_si256(_mm256_shuffle_epi8(v.a, _mm256_or_si256(shuffle, not_a)),
                           _mm256_shuffle_epi8(v.b, _mm256_or_si256(shuffle, not_b)));
}

/* Blends `comps` samples of eight outputs a time; the last three arguments are constants where it is called. */
static inline __attribute__((always_inline)) int blend_row(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1,
                                                           const fvi_prep_taps *t, blend b, int n, bool two, bool fine, int comps,
                                                           int group)
{
    int x = 0;
    for (; x + 8 <= n; x += 8) {
        const __m256i w = load(t->w + x), shuffle = shuffle_of(t, x, group, comps);
        const bytes v0 = fetch(r0, t, x, group, comps), v1 = two ? fetch(r1, t, x, group, comps) : v0;
        for (int k = 0; k < comps; k++) {
            __m256i s0 = _mm256_madd_epi16(taps_of(v0, shuffle, k, group, comps), w), s1 = _mm256_setzero_si256();
            if (two) s1 = _mm256_madd_epi16(taps_of(v1, shuffle, k, group, comps), w);
            _mm256_storeu_ps(d + k * ds + x, fine ? two ? finish_fine(s0, s1, b) : finish_fine1(s0, b) : finish_cv(s0, s1, b));
        }
    }
    return x;
}

static inline __attribute__((always_inline)) int blend_any(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1,
                                                           const fvi_prep_taps *t, int b0, int b1, int n, bool fine, int comps)
{
    const blend b = blends(b0, b1);
    const int end = vector_end(t, n);
    if (b1 == 0) {
        if (t->group == 4) return blend_row(d, ds, r0, r1, t, b, end, false, fine, comps, 4);
        if (t->group == 2) return blend_row(d, ds, r0, r1, t, b, end, false, fine, comps, 2);
        return blend_row(d, ds, r0, r1, t, b, end, false, fine, comps, 1);
    }
    if (t->group == 4) return blend_row(d, ds, r0, r1, t, b, end, true, fine, comps, 4);
    if (t->group == 2) return blend_row(d, ds, r0, r1, t, b, end, true, fine, comps, 2);
    return blend_row(d, ds, r0, r1, t, b, end, true, fine, comps, 1);
}

/* One row, nothing to blend along it. */
static int plane_plain(float *d, const uint8_t *r, int n)
{
    int x = 0;
    for (; x + 8 <= n; x += 8) _mm256_storeu_ps(d + x, _mm256_cvtepi32_ps(_mm256_slli_epi32(widen8(r + x), 6)));
    return x;
}

static int gray_plain(float *d, const uint8_t *r, int n)
{
    int x = 0;
    for (; x + 8 <= n; x += 8) _mm256_storeu_ps(d + x, _mm256_cvtepi32_ps(widen8(r + x)));
    return x;
}

static void plane(float *d, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    int x = t->plain && b0 == 16384 ? plane_plain(d, r0, n) : blend_any(d, 0, r0, r1, t, b0, b1, n, true, 1);
    fvi_prep_plane_c(d, r0, r1, t, b0, b1, x, n);
}

static void pairs(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    int x = blend_any(d, ds, r0, r1, t, b0, b1, n, true, 2);
    fvi_prep_pairs_c(d, ds, r0, r1, t, b0, b1, x, n);
}

static void gray(float *d, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    int x = t->plain && b0 == 2048 && b1 == 0 ? gray_plain(d, r0, n) : blend_any(d, 0, r0, r1, t, b0, b1, n, false, 1);
    fvi_prep_gray_c(d, r0, r1, t, b0, b1, x, n);
}

/* No blend at all: 24 bytes are eight pixels. */
static int rgb_plain(float *d, ptrdiff_t ds, const uint8_t *r, int n)
{
    int x = 0;
    for (; x + 8 <= n; x += 8) {
        const uint8_t *p = r + 3 * (ptrdiff_t)x;
        __m256i v = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)p)), _mm_loadu_si128((const __m128i *)(p + 8)), 1);
        for (int c = 0; c < 3; c++) {
            char k = (char)c;
            const __m256i m = _mm256_setr_epi8(k, -1, -1, -1, k + 3, -1, -1, -1, k + 6, -1, -1, -1, k + 9, -1, -1, -1, k + 4, -1, -1, -1,
                                               k + 7, -1, -1, -1, k + 10, -1, -1, -1, k + 13, -1, -1, -1);
            _mm256_storeu_ps(d + c * ds + x, _mm256_cvtepi32_ps(_mm256_shuffle_epi8(v, m)));
        }
    }
    return x;
}

static void rgb(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    int x = t->plain && b0 == 2048 && b1 == 0 ? rgb_plain(d, ds, r0, n) : blend_any(d, ds, r0, r1, t, b0, b1, n, false, 3);
    fvi_prep_rgb_c(d, ds, r0, r1, t, b0, b1, x, n);
}

static inline __m256 to_float8(__m128i v) { return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(v)); }

static void box_rows(float *d, const uint8_t *src, ptrdiff_t stride, int rows, float wf, float wm, float wl, int n)
{
    const uint8_t *last = src + (rows - 1) * stride;
    const __m256 f = _mm256_set1_ps(wf), m = _mm256_set1_ps(wm), l = _mm256_set1_ps(wl);
    int x = 0;
    for (; rows <= 258 && x + 16 <= n; x += 16) { /* sums between fit 16 bits: 256 * 255 */
        __m256i sum = _mm256_setzero_si256();
        for (int r = 1; r < rows - 1; r++)
            sum = _mm256_add_epi16(sum, _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(src + r * stride + x))));
        __m128i a = _mm_loadu_si128((const __m128i *)(src + x)), z = _mm_loadu_si128((const __m128i *)(last + x));
        for (int k = 0; k < 2; k++) {
            __m128i half = k ? _mm256_extracti128_si256(sum, 1) : _mm256_castsi256_si128(sum);
            __m256 v = _mm256_mul_ps(to_float8(k ? _mm_srli_si128(a, 8) : a), f);
            if (rows > 1) {
                v = _mm256_add_ps(v, _mm256_mul_ps(to_float8(k ? _mm_srli_si128(z, 8) : z), l));
                v = _mm256_add_ps(v, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(half)), m));
            }
            _mm256_storeu_ps(d + x + 8 * k, v);
        }
    }
    fvi_prep_box_rows_c(d, src, stride, rows, wf, wm, wl, x, n);
}

/* Lanes of three vectors in turn: 0,3,6 | 1,4,7 | 2,5. */
#define L036 0x49
#define L147 0x92
#define L25 0x24

static void split(float *d, ptrdiff_t ds, const float *src, int comps, int n)
{
    int x = 0;
    if (comps == 2) {
        for (; x + 8 <= n; x += 8) {
            __m256 a = _mm256_loadu_ps(src + 2 * (ptrdiff_t)x), b = _mm256_loadu_ps(src + 2 * (ptrdiff_t)x + 8);
            __m256d u = _mm256_castps_pd(_mm256_shuffle_ps(a, b, 0x88)), v = _mm256_castps_pd(_mm256_shuffle_ps(a, b, 0xDD));
            _mm256_storeu_ps(d + x, _mm256_castpd_ps(_mm256_permute4x64_pd(u, 0xD8)));
            _mm256_storeu_ps(d + ds + x, _mm256_castpd_ps(_mm256_permute4x64_pd(v, 0xD8)));
        }
    } else if (comps == 3) {
        const __m256i p0 = _mm256_setr_epi32(0, 3, 6, 1, 4, 7, 2, 5), p1 = _mm256_setr_epi32(1, 4, 7, 2, 5, 0, 3, 6);
        const __m256i p2 = _mm256_setr_epi32(2, 5, 0, 3, 6, 1, 4, 7);
        for (; x + 8 <= n; x += 8) {
            const float *s = src + 3 * (ptrdiff_t)x;
            __m256 a = _mm256_loadu_ps(s), b = _mm256_loadu_ps(s + 8), c = _mm256_loadu_ps(s + 16);
            __m256 v0 = _mm256_blend_ps(_mm256_blend_ps(a, b, L147), c, L25);
            __m256 v1 = _mm256_blend_ps(_mm256_blend_ps(a, b, L25), c, L036);
            __m256 v2 = _mm256_blend_ps(_mm256_blend_ps(a, b, L036), c, L147);
            _mm256_storeu_ps(d + x, _mm256_permutevar8x32_ps(v0, p0));
            _mm256_storeu_ps(d + ds + x, _mm256_permutevar8x32_ps(v1, p1));
            _mm256_storeu_ps(d + 2 * ds + x, _mm256_permutevar8x32_ps(v2, p2));
        }
    }
    fvi_prep_split_c(d, ds, src, comps, x, n);
}

static inline __m256 box_sum(const float *p, const float *w, int blocks)
{
    __m256 s = _mm256_mul_ps(_mm256_loadu_ps(p), _mm256_loadu_ps(w));
    for (int b = 1; b < blocks; b++)
        s = _mm256_add_ps(s, _mm256_mul_ps(_mm256_loadu_ps(p + 8 * b), _mm256_loadu_ps(w + 8 * b)));
    return s;
}

static void box_cols(float *d, const float *line, const fvi_prep_box *box, int n)
{
    const ptrdiff_t step = 8 * (ptrdiff_t)box->blocks;
    int x = 0;
    for (; x + 8 <= n; x += 8) {
        const float *w = box->w + x * step;
        const int32_t *o = box->start + x;
        __m256 h[4];
        for (int k = 0; k < 4; k++)
            h[k] = _mm256_hadd_ps(box_sum(line + o[2 * k], w + 2 * k * step, box->blocks),
                                  box_sum(line + o[2 * k + 1], w + (2 * k + 1) * step, box->blocks));
        __m256 a = _mm256_hadd_ps(h[0], h[1]), b = _mm256_hadd_ps(h[2], h[3]);
        _mm256_storeu_ps(d + x, _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31)));
    }
    fvi_prep_box_cols_c(d, line, box, x, n);
}

typedef struct affine { __m256 s[3], b[3]; } affine;

static inline affine affine_of(const fvi_prep_color *c)
{
    affine a;
    for (int k = 0; k < 3; k++) {
        a.s[k] = _mm256_set1_ps(c->scale[k]);
        a.b[k] = _mm256_set1_ps(c->bias[k]);
    }
    return a;
}

/* Normalises and stores channels 0, 1, 2 of eight pixels at o. */
static inline void store3(float *o, ptrdiff_t cs, ptrdiff_t xs, __m256 c0, __m256 c1, __m256 c2, const affine *a)
{
    c0 = _mm256_add_ps(_mm256_mul_ps(c0, a->s[0]), a->b[0]);
    c1 = _mm256_add_ps(_mm256_mul_ps(c1, a->s[1]), a->b[1]);
    c2 = _mm256_add_ps(_mm256_mul_ps(c2, a->s[2]), a->b[2]);
    if (xs == 1) {
        _mm256_storeu_ps(o, c0);
        _mm256_storeu_ps(o + cs, c1);
        _mm256_storeu_ps(o + 2 * cs, c2);
        return;
    }
    c0 = _mm256_permutevar8x32_ps(c0, _mm256_setr_epi32(0, 3, 6, 1, 4, 7, 2, 5));
    c1 = _mm256_permutevar8x32_ps(c1, _mm256_setr_epi32(5, 0, 3, 6, 1, 4, 7, 2));
    c2 = _mm256_permutevar8x32_ps(c2, _mm256_setr_epi32(2, 5, 0, 3, 6, 1, 4, 7));
    _mm256_storeu_ps(o, _mm256_blend_ps(_mm256_blend_ps(c0, c1, L147), c2, L25));
    _mm256_storeu_ps(o + 8, _mm256_blend_ps(_mm256_blend_ps(c0, c1, L25), c2, L036));
    _mm256_storeu_ps(o + 16, _mm256_blend_ps(_mm256_blend_ps(c0, c1, L036), c2, L147));
}

/* Where rows of whole pixels can be stored as vectors; blend masks above: lane 0 of the second vector is channel 2. */
static inline int store_end(ptrdiff_t cs, ptrdiff_t xs, int n) { return xs == 1 || (xs == 3 && cs == 1) ? n & ~7 : 0; }

static inline __m256 clamp255(__m256 v)
{
    return _mm256_min_ps(_mm256_max_ps(v, _mm256_setzero_ps()), _mm256_set1_ps(255.0f));
}

static void put_yuv(float *d, ptrdiff_t cs, ptrdiff_t xs, const float *y, const float *u, const float *v,
                    const fvi_prep_color *c, int n)
{
    const affine a = affine_of(c);
    const __m256 yy = _mm256_set1_ps(c->yy), rv = _mm256_set1_ps(c->rv), gu = _mm256_set1_ps(c->gu), gv = _mm256_set1_ps(c->gv);
    const __m256 bu = _mm256_set1_ps(c->bu), kr = _mm256_set1_ps(c->kr), kg = _mm256_set1_ps(c->kg), kb = _mm256_set1_ps(c->kb);
    int x = 0, end = store_end(cs, xs, n);
    for (; x < end; x += 8) {
        __m256 l = _mm256_mul_ps(_mm256_loadu_ps(y + x), yy), cu = _mm256_loadu_ps(u + x), cv = _mm256_loadu_ps(v + x);
        __m256 r = clamp255(_mm256_add_ps(_mm256_add_ps(l, kr), _mm256_mul_ps(cv, rv)));
        __m256 g = clamp255(_mm256_add_ps(_mm256_add_ps(_mm256_add_ps(l, kg), _mm256_mul_ps(cu, gu)), _mm256_mul_ps(cv, gv)));
        __m256 b = clamp255(_mm256_add_ps(_mm256_add_ps(l, kb), _mm256_mul_ps(cu, bu)));
        store3(d + x * xs, cs, xs, c->bgr ? b : r, g, c->bgr ? r : b, &a);
    }
    fvi_prep_put_yuv_c(d, cs, xs, y, u, v, c, x, n);
}

static void put_rgb(float *d, ptrdiff_t cs, ptrdiff_t xs, const float *c0, const float *c1, const float *c2,
                    const fvi_prep_color *c, int n)
{
    const affine a = affine_of(c);
    int x = 0, end = store_end(cs, xs, n);
    for (; x < end; x += 8) store3(d + x * xs, cs, xs, _mm256_loadu_ps(c0 + x), _mm256_loadu_ps(c1 + x), _mm256_loadu_ps(c2 + x), &a);
    fvi_prep_put_rgb_c(d, cs, xs, c0, c1, c2, c, x, n);
}

void fvi_prep_kern_init_avx2(fvi_prep_kern *k)
{
    *k = (fvi_prep_kern){plane, pairs, gray, rgb, box_rows, split, box_cols, put_yuv, put_rgb};
}
