/* prep_avx2.c: the loops of prep, eight outputs at a time: the words of prep_vec.h, and the loops that only this level
 * has (split, box_cols). Called through fvi_prep_kern. */
#include "kern/x86/vec_avx2.h"
#include "kern/prep_kern.h"

static inline vi vi_load(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline vi vi_set16(int x) { return _mm256_set1_epi16((short)x); }
static inline vi vi_madd16(vi a, vi b) { return _mm256_madd_epi16(a, b); }
static inline vi vi_mulhrs16(vi a, vi b) { return _mm256_mulhrs_epi16(a, b); }
static inline vi vi_mulhi16(vi a, vi b) { return _mm256_mulhi_epi16(a, b); }
static inline vi vi_srl(vi a, int bits) { return _mm256_srli_epi32(a, bits); }
static inline vi vi_shl6(vi a) { return _mm256_slli_epi32(a, 6); }
static inline vi vi_from_u8(const uint8_t *p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)); }
static inline vi words_load(const uint8_t *p) { return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)p)); }
static inline vi words_add(vi a, vi b) { return _mm256_add_epi16(a, b); }
static inline vi words_half(vi a, int k)
{
    return _mm256_cvtepu16_epi32(k ? _mm256_extracti128_si256(a, 1) : _mm256_castsi256_si128(a));
}

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
        v.a = v.b = _mm256_i32gather_epi32((const int *)r, vi_load(t->off + x), 1);
    }
    return v;
}

/* The shuffle that brings both taps of sample 0 of each output into its dword. */
static inline __m256i shuffle_of(const fvi_prep_taps *t, int x, int group, int comps)
{
    if (group > 1) return vi_load(t->pick + x);
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

/* Lanes of three vectors in turn: 0,3,6 | 1,4,7 | 2,5. */
#define L036 0x49
#define L147 0x92
#define L25 0x24

static inline void store_rgb(float *o, vf c0, vf c1, vf c2)
{
    c0 = _mm256_permutevar8x32_ps(c0, _mm256_setr_epi32(0, 3, 6, 1, 4, 7, 2, 5));
    c1 = _mm256_permutevar8x32_ps(c1, _mm256_setr_epi32(5, 0, 3, 6, 1, 4, 7, 2));
    c2 = _mm256_permutevar8x32_ps(c2, _mm256_setr_epi32(2, 5, 0, 3, 6, 1, 4, 7));
    _mm256_storeu_ps(o, _mm256_blend_ps(_mm256_blend_ps(c0, c1, L147), c2, L25));
    _mm256_storeu_ps(o + 8, _mm256_blend_ps(_mm256_blend_ps(c0, c1, L25), c2, L036));
    _mm256_storeu_ps(o + 16, _mm256_blend_ps(_mm256_blend_ps(c0, c1, L036), c2, L147));
}

#include "kern/x86/prep_vec.h"

typedef __m128i half;
static inline half half_bytes(const uint8_t *p) { return _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)p)); }
static inline half half_add(half a, half b) { return _mm_add_epi16(a, b); }
static inline half half_shl(half a, int n) { return _mm_slli_epi16(a, n); }
static inline half half_low(const uint8_t *p) { return _mm_and_si128(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi16(255)); }
static inline half half_high(const uint8_t *p) { return _mm_srli_epi16(_mm_loadu_si128((const __m128i *)p), 8); }
static inline vf half_pair(half even, half odd, int k)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(k ? _mm_unpackhi_epi16(even, odd) : _mm_unpacklo_epi16(even, odd)));
}
static inline void words_narrow(uint8_t *d, const uint8_t *s, int shift)
{
    __m256i v = _mm256_adds_epu16(_mm256_loadu_si256((const __m256i *)s), _mm256_set1_epi16((short)(1 << (shift - 1))));
    v = _mm256_min_epu16(_mm256_srl_epi16(v, _mm_cvtsi32_si128(shift)), _mm256_set1_epi16(255));
    _mm_storeu_si128((__m128i *)d, _mm_packus_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)));
}
static inline void vf_stream(float *p, vf v) { _mm256_stream_ps(p, v); }
static inline void stream_end(void) { _mm_sfence(); }

#include "kern/x86/prep420_vec.h"

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

static inline __m256i eight_bytes(const float *s) /* as dwords */
{
    __m256 v = _mm256_min_ps(_mm256_max_ps(_mm256_loadu_ps(s), _mm256_setzero_ps()), _mm256_set1_ps(255.0f));
    return _mm256_cvttps_epi32(_mm256_add_ps(v, _mm256_set1_ps(0.5f)));
}

static void to_u8(uint8_t *d, const float *s, int n)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    int x = 0;
    for (; x + 32 <= n; x += 32) {
        __m256i a = _mm256_packus_epi32(eight_bytes(s + x), eight_bytes(s + x + 8));
        __m256i b = _mm256_packus_epi32(eight_bytes(s + x + 16), eight_bytes(s + x + 24));
        _mm256_storeu_si256((__m256i *)(d + x), _mm256_permutevar8x32_epi32(_mm256_packus_epi16(a, b), order));
    }
    fvi_prep_to_u8_c(d, s, x, n);
}

static void to_half(uint16_t *d, const float *s, int n)
{
    int x = 0;
    for (; x + 8 <= n; x += 8) _mm_storeu_si128((__m128i *)(d + x), _mm256_cvtps_ph(_mm256_loadu_ps(s + x), _MM_FROUND_TO_NEAREST_INT));
    for (; x < n; x++) d[x] = _cvtss_sh(s[x], _MM_FROUND_TO_NEAREST_INT);
}

void fvi_prep_kern_init_avx2(fvi_prep_kern *k)
{
    *k = (fvi_prep_kern){plane, pairs, gray, rgb, box_rows, mix_rows, split, box_cols, put_yuv, put_rgb, row420, narrow, stream, to_u8, to_half};
}
