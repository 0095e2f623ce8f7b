/* prep_avx512.c: the loops of prep, sixteen outputs at a time: the words of prep_vec.h. What gains nothing from wider
 * vectors (split, box_cols) stays with the AVX2 level. Called through fvi_prep_kern. */
#include "kern/x86/vec_avx512.h"
#include "kern/prep_kern.h"

static inline vi vi_load(const int32_t *p) { return _mm512_loadu_si512(p); }
static inline vi vi_set16(int x) { return _mm512_set1_epi16((short)x); }
static inline vi vi_madd16(vi a, vi b) { return _mm512_madd_epi16(a, b); }
static inline vi vi_mulhrs16(vi a, vi b) { return _mm512_mulhrs_epi16(a, b); }
static inline vi vi_mulhi16(vi a, vi b) { return _mm512_mulhi_epi16(a, b); }
static inline vi vi_srl(vi a, unsigned bits) { return _mm512_srli_epi32(a, bits); }
static inline vi vi_shl6(vi a) { return _mm512_slli_epi32(a, 6); }
static inline vi vi_from_u8(const uint8_t *p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)); }
static inline vi words_load(const uint8_t *p) { return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)p)); }
static inline vi words_add(vi a, vi b) { return _mm512_add_epi16(a, b); }
static inline vi words_half(vi a, int k)
{
    __m256i words = k ? _mm512_extracti64x4_epi64(a, 1) : _mm512_castsi512_si256(a);
    __m256i lo = _mm256_cvtepu16_epi32(_mm256_castsi256_si128(words)), hi = _mm256_cvtepu16_epi32(_mm256_extracti128_si256(words, 1));
    return _mm512_inserti64x4(_mm512_castsi256_si512(lo), hi, 1);
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
    if (group > 1) return vi_load(t->pick + x);
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

/* Three channels -> 48 floats in turn: where lane i of vector k comes from, in channels 0 | 1 and in channel 2. */
static const int32_t from01[3][16] = {{0, 16, 0, 1, 17, 1, 2, 18, 2, 3, 19, 3, 4, 20, 4, 5},
                                      {21, 5, 6, 22, 6, 7, 23, 7, 8, 24, 8, 9, 25, 9, 10, 26},
                                      {10, 11, 27, 11, 12, 28, 12, 13, 29, 13, 14, 30, 14, 15, 31, 15}};
static const int32_t from2[3][16] = {{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5},
                                     {5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10},
                                     {10, 11, 11, 11, 12, 12, 12, 13, 13, 13, 14, 14, 14, 15, 15, 15}};

static inline void store_rgb(float *o, vf c0, vf c1, vf c2)
{
    static const __mmask16 third[3] = {0x4924, 0x2492, 0x9249}; /* lanes of channel 2 */
    for (int k = 0; k < 3; k++) {
        __m512 v = _mm512_permutex2var_ps(c0, vi_load(from01[k]), c1);
        _mm512_storeu_ps(o + 16 * k, _mm512_mask_permutexvar_ps(v, third[k], vi_load(from2[k]), c2));
    }
}

#include "kern/x86/prep_vec.h"

typedef __m256i half;
static inline half half_bytes(const uint8_t *p) { return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)p)); }
static inline half half_add(half a, half b) { return _mm256_add_epi16(a, b); }
static inline half half_shl(half a, int n) { return _mm256_slli_epi16(a, n); }
static inline half half_low(const uint8_t *p) { return _mm256_and_si256(_mm256_loadu_si256((const __m256i *)p), _mm256_set1_epi16(255)); }
static inline half half_high(const uint8_t *p) { return _mm256_srli_epi16(_mm256_loadu_si256((const __m256i *)p), 8); }
static inline vf half_pair(half even, half odd, int k)
{
    __m256i lo = _mm256_unpacklo_epi16(even, odd), hi = _mm256_unpackhi_epi16(even, odd);
    return _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(k ? _mm256_permute2x128_si256(lo, hi, 0x31) : _mm256_permute2x128_si256(lo, hi, 0x20)));
}
static inline void words_narrow(uint8_t *d, const uint8_t *s, int shift)
{
    __m512i v = _mm512_adds_epu16(_mm512_loadu_si512(s), _mm512_set1_epi16((short)(1 << (shift - 1))));
    v = _mm512_min_epu16(_mm512_srl_epi16(v, _mm_cvtsi32_si128(shift)), _mm512_set1_epi16(255));
    _mm256_storeu_si256((__m256i *)d, _mm512_cvtepi16_epi8(v));
}
static inline void vf_stream(float *p, vf v) { _mm512_stream_ps(p, v); }
static inline void stream_end(void) { _mm_sfence(); }

#include "kern/x86/prep420_vec.h"

void fvi_prep_kern_init_avx512(fvi_prep_kern *k)
{
    k->plane = plane;
    k->pairs = pairs;
    k->gray = gray;
    k->rgb = rgb;
    k->box_rows = box_rows;
    k->mix_rows = mix_rows;
    k->put_yuv = put_yuv;
    k->put_rgb = put_rgb;
    k->row420 = row420;
    k->narrow = narrow;
    k->stream = stream;
}
