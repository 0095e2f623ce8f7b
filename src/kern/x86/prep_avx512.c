/* prep_avx512.c: the loops of prep, sixteen outputs at a time, with the C level's exact results. What gains nothing from
 * wider vectors (split, box_cols) stays with the AVX2 level.
 * Called through fvi_prep_kern. */
#include "kern/prep_kern.h"
#include <immintrin.h>

typedef struct blend { __m512i b0, b1; } blend;

static inline blend blends(int b0, int b1) { return (blend){_mm512_set1_epi16((short)b0), _mm512_set1_epi16((short)b1)}; }
static inline __m512i load(const int32_t *p) { return _mm512_loadu_si512(p); }

static inline __m512 finish_fine(__m512i s0, __m512i s1, blend b)
{ /* blend_fine of prep_ref.c */
    s0 = _mm512_mulhrs_epi16(_mm512_srli_epi32(s0, 7), b.b0);
    s1 = _mm512_mulhrs_epi16(_mm512_srli_epi32(s1, 7), b.b1);
    return _mm512_cvtepi32_ps(_mm512_add_epi32(s0, s1));
}

static inline __m512 finish_fine1(__m512i s0, blend b)
{
    return _mm512_cvtepi32_ps(_mm512_mulhrs_epi16(_mm512_srli_epi32(s0, 7), b.b0));
}

static inline __m512 finish_cv(__m512i s0, __m512i s1, blend b)
{ /* blend_cv of prep_ref.c */
    s0 = _mm512_mulhi_epi16(_mm512_srli_epi32(s0, 4), b.b0);
    s1 = _mm512_mulhi_epi16(_mm512_srli_epi32(s1, 4), b.b1);
    return _mm512_cvtepi32_ps(_mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(s0, s1), _mm512_set1_epi32(2)), 2));
}

static inline __m128i at16(const uint8_t *p) { return _mm_loadu_si128((const __m128i *)p); }
static inline __m128i at8(const uint8_t *p) { return _mm_loadl_epi64((const __m128i *)p); }

static inline __m512i four(__m128i a, __m128i b, __m128i c, __m128i d)
{
    __m512i v = _mm512_inserti32x4(_mm512_castsi128_si512(a), b, 1);
    return _mm512_inserti32x4(_mm512_inserti32x4(v, c, 2), d, 3);
}

/* Bytes around the taps of sixteen outputs, four a quarter: group 4: `a` holds all; otherwise a has the first two of each
 * quarter and b the others. */
typedef struct bytes { __m512i a, b; } bytes;

static inline __m512i eight_pixels(const uint8_t *r, const int32_t *o)
{
    return four(_mm_unpacklo_epi64(at8(r + o[0]), at8(r + o[1])), _mm_unpacklo_epi64(at8(r + o[4]), at8(r + o[5])),
                _mm_unpacklo_epi64(at8(r + o[8]), at8(r + o[9])), _mm_unpacklo_epi64(at8(r + o[12]), at8(r + o[13])));
}

static inline bytes fetch(const uint8_t *r, const fvi_prep_taps *t, int x, int group, int comps)
{
    bytes v;
    if (group == 4) {
        const int32_t *o = t->base + x / 4;
        v.a = v.b = four(at16(r + o[0]), at16(r + o[1]), at16(r + o[2]), at16(r + o[3]));
    } else if (group == 2) {
        const int32_t *o = t->base + x / 2;
        v.a = four(at16(r + o[0]), at16(r + o[2]), at16(r + o[4]), at16(r + o[6]));
        v.b = four(at16(r + o[1]), at16(r + o[3]), at16(r + o[5]), at16(r + o[7]));
    } else if (comps == 3) {
        v.a = eight_pixels(r, t->off + x);
        v.b = eight_pixels(r, t->off + x + 2);
    } else {
        const __m256i *o = (const __m256i *)(t->off + x);
        __m256i lo = _mm256_i32gather_epi32((const int *)r, _mm256_loadu_si256(o), 1);
        __m256i hi = _mm256_i32gather_epi32((const int *)r, _mm256_loadu_si256(o + 1), 1);
        v.a = v.b = _mm512_inserti64x4(_mm512_castsi256_si512(lo), hi, 1);
    }
    return v;
}

/* The shuffle that brings both taps of sample 0 of each output into its dword. */
static inline __m512i shuffle_of(const fvi_prep_taps *t, int x, int group, int comps)
{
    if (group > 1) return load(t->pick + x);
    const int r = (int)(0x80008000u | (unsigned)comps << 16), wide = r + 0x80008;
    if (comps == 3) return _mm512_setr_epi32(r, wide, r, wide, r, wide, r, wide, r, wide, r, wide, r, wide, r, wide);
    const int q = r + 0x40004, s = r + 0xC000C;
    return _mm512_setr_epi32(r, q, wide, s, r, q, wide, s, r, q, wide, s, r, q, wide, s);
}

/* Tap pairs of sample k (0: Y, U or first colour) as dwords of two words. */
static inline __m512i taps_of(bytes v, __m512i shuffle, int k, int group, int comps)
{
    shuffle = _mm512_add_epi32(shuffle, _mm512_set1_epi32(k * 0x10001));
    __m512i a = _mm512_shuffle_epi8(v.a, shuffle);
    if (group == 4 || (group == 1 && comps < 3)) return a;
    return _mm512_mask_mov_epi32(a, 0xCCCC, _mm512_shuffle_epi8(v.b, shuffle));
}

/* Blends `comps` samples of sixteen outputs a time; the last four arguments are constants where it is called. */
static inline __attribute__((always_inline)) int blend_row(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1,
                                                           const fvi_prep_taps *t, blend b, int n, bool two, bool fine, int comps,
                                                           int group)
{
    int x = 0;
    for (; x + 16 <= n; x += 16) {
        const __m512i w = load(t->w + x), shuffle = shuffle_of(t, x, group, comps);
        const bytes v0 = fetch(r0, t, x, group, comps), v1 = two ? fetch(r1, t, x, group, comps) : v0;
        for (int k = 0; k < comps; k++) {
            __m512i s0 = _mm512_madd_epi16(taps_of(v0, shuffle, k, group, comps), w), s1 = _mm512_setzero_si512();
            if (two) s1 = _mm512_madd_epi16(taps_of(v1, shuffle, k, group, comps), w);
            _mm512_storeu_ps(d + k * ds + x, fine ? two ? finish_fine(s0, s1, b) : finish_fine1(s0, b) : finish_cv(s0, s1, b));
        }
    }
    return x;
}

static inline __attribute__((always_inline)) int blend_any(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1,
                                                           const fvi_prep_taps *t, int b0, int b1, int n, bool fine, int comps)
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

/* One row of single samples, nothing to blend: floats times 1 << shift. */
static inline int copy_plain(float *d, const uint8_t *r, int n, unsigned shift)
{
    int x = 0;
    for (; x + 16 <= n; x += 16) {
        __m512i v = _mm512_cvtepu8_epi32(at16(r + x));
        _mm512_storeu_ps(d + x, _mm512_cvtepi32_ps(shift ? _mm512_slli_epi32(v, 6) : v));
    }
    return x;
}

static void plane(float *d, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    int x = t->plain && b0 == 16384 ? copy_plain(d, r0, n, 6) : blend_any(d, 0, r0, r1, t, b0, b1, n, true, 1);
    fvi_prep_plane_c(d, r0, r1, t, b0, b1, x, n);
}

static void pairs(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    int x = blend_any(d, ds, r0, r1, t, b0, b1, n, true, 2);
    fvi_prep_pairs_c(d, ds, r0, r1, t, b0, b1, x, n);
}

static void gray(float *d, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    int x = t->plain && b0 == 2048 && b1 == 0 ? copy_plain(d, r0, n, 0) : blend_any(d, 0, r0, r1, t, b0, b1, n, false, 1);
    fvi_prep_gray_c(d, r0, r1, t, b0, b1, x, n);
}

/* No blend at all: 48 bytes are sixteen pixels, four from each quarter of 12. */
static int rgb_plain(float *d, ptrdiff_t ds, const uint8_t *r, int n)
{
    const int k = (int)0x80808000u;
    const __m128i every3 = _mm_setr_epi32(k, k + 3, k + 6, k + 9), last = _mm_setr_epi32(k + 4, k + 7, k + 10, k + 13);
    const __m512i from = four(every3, every3, every3, last); /* the last 16 bytes start 4 early, so that nothing is read past 48 */
    int x = 0;
    for (; x + 16 <= n; x += 16) {
        const uint8_t *p = r + 3 * (ptrdiff_t)x;
        const __m512i v = four(at16(p), at16(p + 12), at16(p + 24), at16(p + 32));
        for (int c = 0; c < 3; c++) {
            __m512i s = _mm512_shuffle_epi8(v, _mm512_add_epi32(from, _mm512_set1_epi32(c)));
            _mm512_storeu_ps(d + c * ds + x, _mm512_cvtepi32_ps(s));
        }
    }
    return x;
}

static void rgb(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n)
{
    int x = t->plain && b0 == 2048 && b1 == 0 ? rgb_plain(d, ds, r0, n) : blend_any(d, ds, r0, r1, t, b0, b1, n, false, 3);
    fvi_prep_rgb_c(d, ds, r0, r1, t, b0, b1, x, n);
}

static inline __m512 to_float(__m128i v) { return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(v)); }

static inline __m512 words_to_float(__m256i words)
{
    __m256i lo = _mm256_cvtepu16_epi32(_mm256_castsi256_si128(words)), hi = _mm256_cvtepu16_epi32(_mm256_extracti128_si256(words, 1));
    return _mm512_cvtepi32_ps(_mm512_inserti64x4(_mm512_castsi256_si512(lo), hi, 1));
}

static void box_rows(float *d, const uint8_t *src, ptrdiff_t stride, int rows, float wf, float wm, float wl, int n)
{
    const uint8_t *last = src + (rows - 1) * stride;
    const __m512 f = _mm512_set1_ps(wf), m = _mm512_set1_ps(wm), l = _mm512_set1_ps(wl);
    int x = 0;
    for (; rows <= 258 && x + 32 <= n; x += 32) { /* sums between fit 16 bits: 256 * 255 */
        __m512i sum = _mm512_setzero_si512();
        for (int r = 1; r < rows - 1; r++)
            sum = _mm512_add_epi16(sum, _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(src + r * stride + x))));
        for (int k = 0; k < 2; k++) {
            __m512 v = _mm512_mul_ps(to_float(at16(src + x + 16 * k)), f);
            if (rows > 1) {
                v = _mm512_add_ps(v, _mm512_mul_ps(to_float(at16(last + x + 16 * k)), l));
                __m256i half = k ? _mm512_extracti64x4_epi64(sum, 1) : _mm512_castsi512_si256(sum);
                v = _mm512_add_ps(v, _mm512_mul_ps(words_to_float(half), m));
            }
            _mm512_storeu_ps(d + x + 16 * k, v);
        }
    }
    fvi_prep_box_rows_c(d, src, stride, rows, wf, wm, wl, x, n);
}

/* Three channels -> 48 floats in turn: where lane i of vector k comes from, in channels 0 | 1 and in channel 2. */
static const int32_t from01[3][16] = {{0, 16, 0, 1, 17, 1, 2, 18, 2, 3, 19, 3, 4, 20, 4, 5},
                                      {21, 5, 6, 22, 6, 7, 23, 7, 8, 24, 8, 9, 25, 9, 10, 26},
                                      {10, 11, 27, 11, 12, 28, 12, 13, 29, 13, 14, 30, 14, 15, 31, 15}};
static const int32_t from2[3][16] = {{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5},
                                     {5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10},
                                     {10, 11, 11, 11, 12, 12, 12, 13, 13, 13, 14, 14, 14, 15, 15, 15}};

typedef struct affine { __m512 s[3], b[3]; } affine;

static inline affine affine_of(const fvi_prep_color *c)
{
    affine a;
    for (int k = 0; k < 3; k++) {
        a.s[k] = _mm512_set1_ps(c->scale[k]);
        a.b[k] = _mm512_set1_ps(c->bias[k]);
    }
    return a;
}

/* Normalises and stores channels 0, 1, 2 of sixteen pixels at o. */
static inline void store3(float *o, ptrdiff_t cs, ptrdiff_t xs, __m512 c0, __m512 c1, __m512 c2, const affine *a)
{
    c0 = _mm512_add_ps(_mm512_mul_ps(c0, a->s[0]), a->b[0]);
    c1 = _mm512_add_ps(_mm512_mul_ps(c1, a->s[1]), a->b[1]);
    c2 = _mm512_add_ps(_mm512_mul_ps(c2, a->s[2]), a->b[2]);
    if (xs == 1) {
        _mm512_storeu_ps(o, c0);
        _mm512_storeu_ps(o + cs, c1);
        _mm512_storeu_ps(o + 2 * cs, c2);
        return;
    }
    static const __mmask16 third[3] = {0x4924, 0x2492, 0x9249}; /* lanes of channel 2 */
    for (int k = 0; k < 3; k++) {
        __m512 v = _mm512_permutex2var_ps(c0, load(from01[k]), c1);
        _mm512_storeu_ps(o + 16 * k, _mm512_mask_permutexvar_ps(v, third[k], load(from2[k]), c2));
    }
}

static inline int store_end(ptrdiff_t cs, ptrdiff_t xs, int n) { return xs == 1 || (xs == 3 && cs == 1) ? n & ~15 : 0; }

static inline __m512 clamp255(__m512 v)
{
    return _mm512_min_ps(_mm512_max_ps(v, _mm512_setzero_ps()), _mm512_set1_ps(255.0f));
}

static void put_yuv(float *d, ptrdiff_t cs, ptrdiff_t xs, const float *y, const float *u, const float *v,
                    const fvi_prep_color *c, int n)
{
    const affine a = affine_of(c);
    const __m512 yy = _mm512_set1_ps(c->yy), rv = _mm512_set1_ps(c->rv), gu = _mm512_set1_ps(c->gu), gv = _mm512_set1_ps(c->gv);
    const __m512 bu = _mm512_set1_ps(c->bu), kr = _mm512_set1_ps(c->kr), kg = _mm512_set1_ps(c->kg), kb = _mm512_set1_ps(c->kb);
    int x = 0, end = store_end(cs, xs, n);
    for (; x < end; x += 16) {
        __m512 l = _mm512_mul_ps(_mm512_loadu_ps(y + x), yy), cu = _mm512_loadu_ps(u + x), cv = _mm512_loadu_ps(v + x);
        __m512 r = clamp255(_mm512_add_ps(_mm512_add_ps(l, kr), _mm512_mul_ps(cv, rv)));
        __m512 g = clamp255(_mm512_add_ps(_mm512_add_ps(_mm512_add_ps(l, kg), _mm512_mul_ps(cu, gu)), _mm512_mul_ps(cv, gv)));
        __m512 b = clamp255(_mm512_add_ps(_mm512_add_ps(l, kb), _mm512_mul_ps(cu, bu)));
        store3(d + x * xs, cs, xs, c->bgr ? b : r, g, c->bgr ? r : b, &a);
    }
    fvi_prep_put_yuv_c(d, cs, xs, y, u, v, c, x, n);
}

static void put_rgb(float *d, ptrdiff_t cs, ptrdiff_t xs, const float *c0, const float *c1, const float *c2,
                    const fvi_prep_color *c, int n)
{
    const affine a = affine_of(c);
    int x = 0, end = store_end(cs, xs, n);
    for (; x < end; x += 16) store3(d + x * xs, cs, xs, _mm512_loadu_ps(c0 + x), _mm512_loadu_ps(c1 + x), _mm512_loadu_ps(c2 + x), &a);
    fvi_prep_put_rgb_c(d, cs, xs, c0, c1, c2, c, x, n);
}

void fvi_prep_kern_init_avx512(fvi_prep_kern *k)
{
    k->plane = plane;
    k->pairs = pairs;
    k->gray = gray;
    k->rgb = rgb;
    k->box_rows = box_rows;
    k->put_yuv = put_yuv;
    k->put_rgb = put_rgb;
}
