/* prep_avx2.c: the loops of prep, eight outputs at a time, with the C level's exact results.
 * Called through fvi_prep_kern. */
#include "kern/prep_kern.h"
#include <immintrin.h>

/* Bytes k and k + gap of each dword -> its two words. */
#define TAP_MASK(k, gap)                                                                                               \
    _mm256_setr_epi8(k, -1, k + gap, -1, 4 + k, -1, 4 + k + gap, -1, 8 + k, -1, 8 + k + gap, -1, 12 + k, -1,           \
                     12 + k + gap, -1, k, -1, k + gap, -1, 4 + k, -1, 4 + k + gap, -1, 8 + k, -1, 8 + k + gap, -1,     \
                     12 + k, -1, 12 + k + gap, -1)

typedef struct blend { __m256i b0, b1; } blend;

static inline __m256 finish_fine(__m256i s0, __m256i s1, blend b)
{
    s0 = _mm256_mulhrs_epi16(_mm256_srli_epi32(s0, 7), b.b0);
    s1 = _mm256_mulhrs_epi16(_mm256_srli_epi32(s1, 7), b.b1);
    return _mm256_cvtepi32_ps(_mm256_add_epi32(s0, s1));
}

static inline __m256 finish_fine1(__m256i s0, blend b)
{
    return _mm256_cvtepi32_ps(_mm256_mulhrs_epi16(_mm256_srli_epi32(s0, 7), b.b0));
}

static inline __m256 finish_cv(__m256i s0, __m256i s1, blend b)
{
    s0 = _mm256_mulhi_epi16(_mm256_srli_epi32(s0, 4), b.b0);
    s1 = _mm256_mulhi_epi16(_mm256_srli_epi32(s1, 4), b.b1);
    __m256i v = _mm256_add_epi32(_mm256_add_epi32(s0, s1), _mm256_set1_epi32(2));
    return _mm256_cvtepi32_ps(_mm256_srli_epi32(v, 2));
}

static inline blend blends(int b0, int b1) { return (blend){_mm256_set1_epi16((short)b0), _mm256_set1_epi16((short)b1)}; }
static inline __m256i load(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline __m256i pick(const uint8_t *r, __m256i off) { return _mm256_i32gather_epi32((const int *)r, off, 1); }
static inline __m256i widen8(const uint8_t *p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)); }
static inline int vector_end(const fvi_prep_taps *t, int n) { return (t->safe < n ? t->safe : n) & ~7; }

static void plane(float *d, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    const blend b = blends(b0, b1);
    const __m256i mask = TAP_MASK(0, 1);
    int x = 0, end = vector_end(t, n);
    if (t->plain) {
        for (; x + 8 <= n; x += 8) {
            __m256i s0 = _mm256_slli_epi32(widen8(r0 + x), 14);
            __m256i s1 = b1 ? _mm256_slli_epi32(widen8(r1 + x), 14) : _mm256_setzero_si256();
            _mm256_storeu_ps(d + x, finish_fine(s0, s1, b));
        }
    } else if (b1 == 0) {
        for (; x < end; x += 8) {
            __m256i s0 = _mm256_madd_epi16(_mm256_shuffle_epi8(pick(r0, load(t->off + x)), mask), load(t->w + x));
            _mm256_storeu_ps(d + x, finish_fine1(s0, b));
        }
    } else {
        for (; x < end; x += 8) {
            __m256i off = load(t->off + x), w = load(t->w + x);
            __m256i s0 = _mm256_madd_epi16(_mm256_shuffle_epi8(pick(r0, off), mask), w);
            __m256i s1 = _mm256_madd_epi16(_mm256_shuffle_epi8(pick(r1, off), mask), w);
            _mm256_storeu_ps(d + x, finish_fine(s0, s1, b));
        }
    }
    fvi_prep_plane_c(d, r0, r1, t, b0, b1, x, n);
}

static void pairs(float *du, float *dv, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    const blend b = blends(b0, b1);
    const __m256i mu = TAP_MASK(0, 2), mv = TAP_MASK(1, 2);
    int x = 0, end = vector_end(t, n);
    if (b1 == 0) {
        for (; x < end; x += 8) {
            __m256i w = load(t->w + x), g = pick(r0, load(t->off + x));
            _mm256_storeu_ps(du + x, finish_fine1(_mm256_madd_epi16(_mm256_shuffle_epi8(g, mu), w), b));
            _mm256_storeu_ps(dv + x, finish_fine1(_mm256_madd_epi16(_mm256_shuffle_epi8(g, mv), w), b));
        }
    } else {
        for (; x < end; x += 8) {
            __m256i off = load(t->off + x), w = load(t->w + x), g = pick(r0, off), h = pick(r1, off);
            __m256i u0 = _mm256_madd_epi16(_mm256_shuffle_epi8(g, mu), w), v0 = _mm256_madd_epi16(_mm256_shuffle_epi8(g, mv), w);
            __m256i u1 = _mm256_madd_epi16(_mm256_shuffle_epi8(h, mu), w), v1 = _mm256_madd_epi16(_mm256_shuffle_epi8(h, mv), w);
            _mm256_storeu_ps(du + x, finish_fine(u0, u1, b));
            _mm256_storeu_ps(dv + x, finish_fine(v0, v1, b));
        }
    }
    fvi_prep_pairs_c(du, dv, r0, r1, t, b0, b1, x, n);
}

static void gray(float *d, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    const blend b = blends(b0, b1);
    const __m256i mask = TAP_MASK(0, 1);
    int x = 0, end = vector_end(t, n);
    if (t->plain) {
        for (; x + 8 <= n; x += 8) {
            __m256i s0 = _mm256_slli_epi32(widen8(r0 + x), 11);
            __m256i s1 = b1 ? _mm256_slli_epi32(widen8(r1 + x), 11) : _mm256_setzero_si256();
            _mm256_storeu_ps(d + x, finish_cv(s0, s1, b));
        }
    } else {
        for (; x < end; x += 8) {
            __m256i off = load(t->off + x), w = load(t->w + x);
            __m256i s0 = _mm256_madd_epi16(_mm256_shuffle_epi8(pick(r0, off), mask), w);
            __m256i s1 = b1 ? _mm256_madd_epi16(_mm256_shuffle_epi8(pick(r1, off), mask), w) : _mm256_setzero_si256();
            _mm256_storeu_ps(d + x, finish_cv(s0, s1, b));
        }
    }
    fvi_prep_gray_c(d, r0, r1, t, b0, b1, x, n);
}

/* Six bytes (both taps) of pixels o[0], o[1] | o[4], o[5] in the four quarters. */
static inline __m256i four_pixels(const uint8_t *r, const int32_t *o)
{
    __m128i a = _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)(r + o[0])), _mm_loadl_epi64((const __m128i *)(r + o[1])));
    __m128i b = _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)(r + o[4])), _mm_loadl_epi64((const __m128i *)(r + o[5])));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1);
}

/* Tap pairs of channel c of eight pixels, in order. lo holds pixels 0,1|4,5 and hi 2,3|6,7. */
static inline __m256i channel_taps(__m256i lo, __m256i hi, int c)
{
    const __m128i first = _mm_setr_epi8((char)c, -1, (char)(c + 3), -1, (char)(c + 8), -1, (char)(c + 11), -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const __m128i second = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, (char)c, -1, (char)(c + 3), -1, (char)(c + 8), -1, (char)(c + 11), -1);
    return _mm256_or_si256(_mm256_shuffle_epi8(lo, _mm256_broadcastsi128_si256(first)),
                           _mm256_shuffle_epi8(hi, _mm256_broadcastsi128_si256(second)));
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
    const blend b = blends(b0, b1);
    int x = 0, end = vector_end(t, n);
    if (t->plain && b0 == 2048 && b1 == 0) {
        x = rgb_plain(d, ds, r0, n);
        end = 0;
    }
    for (; x < end; x += 8) {
        const int32_t *o = t->off + x;
        const __m256i w = load(t->w + x), lo = four_pixels(r0, o), hi = four_pixels(r0, o + 2);
        const __m256i lo1 = b1 ? four_pixels(r1, o) : lo, hi1 = b1 ? four_pixels(r1, o + 2) : hi;
        for (int c = 0; c < 3; c++) {
            __m256i s0 = _mm256_madd_epi16(channel_taps(lo, hi, c), w), s1 = _mm256_madd_epi16(channel_taps(lo1, hi1, c), w);
            _mm256_storeu_ps(d + c * ds + x, finish_cv(s0, s1, b)); /* b1 == 0 cancels s1 */
        }
    }
    fvi_prep_rgb_c(d, ds, r0, r1, t, b0, b1, x, n);
}

static inline __m256 to_float8(__m128i bytes) { return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)); }

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
