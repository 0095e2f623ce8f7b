/* Stands in for the compiler's <immintrin.h> when the *_avx512.c files are compiled for emulation: all intrinsics come from
 * SIMDe's portable forms, so that the code can be checked on machines without AVX-512. What SIMDe lacks is added here. */
#ifndef CHECKKERN_SIMDE_IMMINTRIN_H
#define CHECKKERN_SIMDE_IMMINTRIN_H
#define SIMDE_NO_NATIVE
#define SIMDE_ENABLE_NATIVE_ALIASES
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include <simde/x86/avx512.h>
#include <simde/x86/fma.h>
#include <simde/x86/f16c.h>
#pragma GCC diagnostic pop
#include <string.h>
#include "tiles.h"

typedef simde__mmask8 __mmask8;
typedef simde__mmask16 __mmask16;
typedef simde__mmask32 __mmask32;
typedef simde__mmask64 __mmask64;
#ifndef _MM_FROUND_NO_EXC
#define _MM_FROUND_NO_EXC SIMDE_MM_FROUND_NO_EXC
#endif

/* memory forms under a mask: element by element, as the hardware does it (no fault on lanes that are off) */
#define CK_MASK_MEMORY(suffix, type, elem, mask, lanes)                                                                \
    static inline type ck_maskz_loadu_##suffix(mask k, const void *p)                                                  \
    {                                                                                                                  \
        elem e[lanes] = {0};                                                                                           \
        for (int i = 0; i < (lanes); i++)                                                                              \
            if (k >> i & 1) memcpy(&e[i], (const char *)p + sizeof(elem) * (size_t)i, sizeof(elem));                   \
        type v;                                                                                                        \
        memcpy(&v, e, sizeof v);                                                                                       \
        return v;                                                                                                      \
    }                                                                                                                  \
    static inline void ck_mask_storeu_##suffix(void *p, mask k, type v)                                                \
    {                                                                                                                  \
        elem e[lanes];                                                                                                 \
        memcpy(e, &v, sizeof v);                                                                                       \
        for (int i = 0; i < (lanes); i++)                                                                              \
            if (k >> i & 1) memcpy((char *)p + sizeof(elem) * (size_t)i, &e[i], sizeof(elem));                         \
    }
CK_MASK_MEMORY(ps, simde__m512, float, __mmask16, 16)
CK_MASK_MEMORY(epi32, simde__m512i, int32_t, __mmask16, 16)
CK_MASK_MEMORY(epi16, simde__m512i, int16_t, __mmask32, 32)
CK_MASK_MEMORY(epi8, simde__m512i, int8_t, __mmask64, 64)
CK_MASK_MEMORY(256_ps, simde__m256, float, __mmask8, 8)
CK_MASK_MEMORY(256_epi32, simde__m256i, int32_t, __mmask8, 8)
CK_MASK_MEMORY(256_epi16, simde__m256i, int16_t, __mmask16, 16)
CK_MASK_MEMORY(256_epi8, simde__m256i, int8_t, __mmask32, 32)
CK_MASK_MEMORY(128_epi8, simde__m128i, int8_t, __mmask16, 16)
CK_MASK_MEMORY(128_epi16, simde__m128i, int16_t, __mmask8, 8)
#undef _mm512_maskz_loadu_ps
#undef _mm512_mask_storeu_ps
#define _mm512_maskz_loadu_ps ck_maskz_loadu_ps
#define _mm512_mask_storeu_ps ck_mask_storeu_ps
#undef _mm512_maskz_loadu_epi32
#undef _mm512_mask_storeu_epi32
#define _mm512_maskz_loadu_epi32 ck_maskz_loadu_epi32
#define _mm512_mask_storeu_epi32 ck_mask_storeu_epi32
#undef _mm512_maskz_loadu_epi16
#undef _mm512_mask_storeu_epi16
#define _mm512_maskz_loadu_epi16 ck_maskz_loadu_epi16
#define _mm512_mask_storeu_epi16 ck_mask_storeu_epi16
#undef _mm512_maskz_loadu_epi8
#undef _mm512_mask_storeu_epi8
#define _mm512_maskz_loadu_epi8 ck_maskz_loadu_epi8
#define _mm512_mask_storeu_epi8 ck_mask_storeu_epi8
#undef _mm256_maskz_loadu_ps
#undef _mm256_mask_storeu_ps
#define _mm256_maskz_loadu_ps ck_maskz_loadu_256_ps
#define _mm256_mask_storeu_ps ck_mask_storeu_256_ps
#undef _mm256_maskz_loadu_epi32
#undef _mm256_mask_storeu_epi32
#define _mm256_maskz_loadu_epi32 ck_maskz_loadu_256_epi32
#define _mm256_mask_storeu_epi32 ck_mask_storeu_256_epi32
#undef _mm256_maskz_loadu_epi16
#undef _mm256_mask_storeu_epi16
#define _mm256_maskz_loadu_epi16 ck_maskz_loadu_256_epi16
#define _mm256_mask_storeu_epi16 ck_mask_storeu_256_epi16
#undef _mm256_maskz_loadu_epi8
#undef _mm256_mask_storeu_epi8
#define _mm256_maskz_loadu_epi8 ck_maskz_loadu_256_epi8
#define _mm256_mask_storeu_epi8 ck_mask_storeu_256_epi8
#undef _mm_maskz_loadu_epi8
#undef _mm_mask_storeu_epi8
#define _mm_maskz_loadu_epi8 ck_maskz_loadu_128_epi8
#define _mm_mask_storeu_epi8 ck_mask_storeu_128_epi8
#undef _mm_maskz_loadu_epi16
#undef _mm_mask_storeu_epi16
#define _mm_maskz_loadu_epi16 ck_maskz_loadu_128_epi16
#define _mm_mask_storeu_epi16 ck_mask_storeu_128_epi16

static inline void ck_stream_ps(float *p, simde__m512 v) { memcpy(p, &v, sizeof v); }
#undef _mm512_stream_ps
#define _mm512_stream_ps ck_stream_ps

/* the low byte of each of 16 numbers */
static inline simde__m128i ck_low_bytes(simde__m512i a)
{
    int32_t v[16];
    uint8_t b[16];
    simde__m128i y;
    memcpy(v, &a, sizeof v);
    for (int i = 0; i < 16; i++) b[i] = (uint8_t)v[i];
    memcpy(&y, b, sizeof y);
    return y;
}
#undef _mm512_cvtepi32_epi8
#define _mm512_cvtepi32_epi8 ck_low_bytes

/* halves of 512-bit values */
static inline simde__m256 ck_half_ps(simde__m512 a, int i)
{
    simde__m256 h[2];
    memcpy(h, &a, sizeof a);
    return h[i & 1];
}
static inline simde__m256i ck_half_si(simde__m512i a, int i)
{
    simde__m256i h[2];
    memcpy(h, &a, sizeof a);
    return h[i & 1];
}
static inline simde__m512 ck_join_ps(simde__m256 lo, simde__m256 hi)
{
    simde__m256 h[2] = {lo, hi};
    simde__m512 a;
    memcpy(&a, h, sizeof a);
    return a;
}
static inline simde__m512i ck_join_si(simde__m256i lo, simde__m256i hi)
{
    simde__m256i h[2] = {lo, hi};
    simde__m512i a;
    memcpy(&a, h, sizeof a);
    return a;
}
#undef _mm512_extractf32x8_ps
#define _mm512_extractf32x8_ps ck_half_ps
#undef _mm512_cvtps_epi32
#define _mm512_cvtps_epi32(a) \
    ck_join_si(simde_mm256_cvtps_epi32(ck_half_ps(a, 0)), simde_mm256_cvtps_epi32(ck_half_ps(a, 1)))
#undef _mm512_cvtepi32_ps
#define _mm512_cvtepi32_ps(a) \
    ck_join_ps(simde_mm256_cvtepi32_ps(ck_half_si(a, 0)), simde_mm256_cvtepi32_ps(ck_half_si(a, 1)))
#undef _mm512_srai_epi32
#define _mm512_srai_epi32(a, n) \
    ck_join_si(simde_mm256_srai_epi32(ck_half_si(a, 0), n), simde_mm256_srai_epi32(ck_half_si(a, 1), n))

/* fused for real: SIMDe rounds twice, and argument reductions rely on one rounding */
#define CK_FMA(name, type, lanes, sign_a, sign_c)                                                                      \
    static inline type name(type a, type b, type c)                                                                    \
    {                                                                                                                  \
        float x[lanes], y[lanes], z[lanes];                                                                            \
        memcpy(x, &a, sizeof x), memcpy(y, &b, sizeof y), memcpy(z, &c, sizeof z);                                     \
        for (int i = 0; i < (lanes); i++) z[i] = __builtin_fmaf(sign_a x[i], y[i], sign_c z[i]);                       \
        memcpy(&c, z, sizeof z);                                                                                       \
        return c;                                                                                                      \
    }
CK_FMA(ck_fmadd_ps, simde__m512, 16, +, +)
CK_FMA(ck_fmsub_ps, simde__m512, 16, +, -)
CK_FMA(ck_fnmadd_ps, simde__m512, 16, -, +)
CK_FMA(ck_fmadd256_ps, simde__m256, 8, +, +)
CK_FMA(ck_fnmadd256_ps, simde__m256, 8, -, +)
#undef _mm512_fmadd_ps
#define _mm512_fmadd_ps ck_fmadd_ps
#undef _mm512_fmsub_ps
#define _mm512_fmsub_ps ck_fmsub_ps
#undef _mm512_fnmadd_ps
#define _mm512_fnmadd_ps ck_fnmadd_ps
#undef _mm256_fmadd_ps
#define _mm256_fmadd_ps ck_fmadd256_ps
#undef _mm256_fnmadd_ps
#define _mm256_fnmadd_ps ck_fnmadd256_ps

/* the alias of this one wants four arguments */
#undef _mm512_madd_epi16
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)
static inline simde__m512i ck_cvtepu8_epi32(simde__m128i a)
{
    return ck_join_si(simde_mm256_cvtepu8_epi32(a), simde_mm256_cvtepu8_epi32(simde_mm_srli_si128(a, 8)));
}
#undef _mm512_cvtepu8_epi32
#define _mm512_cvtepu8_epi32 ck_cvtepu8_epi32
static inline simde__m512i ck_cvtepu8_epi16(simde__m256i a)
{
    return ck_join_si(simde_mm256_cvtepu8_epi16(simde_mm256_castsi256_si128(a)), simde_mm256_cvtepu8_epi16(simde_mm256_extracti128_si256(a, 1)));
}
#undef _mm512_cvtepu8_epi16
#define _mm512_cvtepu8_epi16 ck_cvtepu8_epi16

/* AVX512-BF16: pairs are multiplied and added odd element first, fused, subnormals as zero (Intel's description); conversion rounds to even */
typedef simde__m512i ck_m512bh;
typedef simde__m256i ck_m256bh;
#undef __m512bh
#undef __m256bh
#define __m512bh ck_m512bh
#define __m256bh ck_m256bh
static inline simde__m512 ck_dpbf16(simde__m512 c, simde__m512i a, simde__m512i b)
{
    float sum[16];
    unsigned char x[64], y[64];
    memcpy(sum, &c, sizeof sum), memcpy(x, &a, sizeof x), memcpy(y, &b, sizeof y);
    for (int i = 0; i < 16; i++)
        for (int p = 1; p >= 0; p--) sum[i] = ck_flush(__builtin_fmaf(ck_bfloat(x + 4 * i + 2 * p), ck_bfloat(y + 4 * i + 2 * p), sum[i]));
    memcpy(&c, sum, sizeof c);
    return c;
}
static inline uint16_t ck_round_bf16(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    if (f != f) return (uint16_t)(u >> 16 | 0x40);
    if ((u & 0x7f800000) == 0) return (uint16_t)(u >> 16 & 0x8000);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
static inline simde__m256i ck_cvtneps_pbh(simde__m512 a)
{
    float f[16];
    uint16_t h[16];
    simde__m256i r;
    memcpy(f, &a, sizeof f);
    for (int i = 0; i < 16; i++) h[i] = ck_round_bf16(f[i]);
    memcpy(&r, h, sizeof r);
    return r;
}
#undef _mm512_dpbf16_ps
#define _mm512_dpbf16_ps ck_dpbf16
#undef _mm512_cvtneps_pbh
#define _mm512_cvtneps_pbh ck_cvtneps_pbh

/* 14 bits of the reciprocal, no more */
static inline simde__m512 ck_rcp14(simde__m512 a)
{
    float f[16];
    uint32_t u;
    memcpy(f, &a, sizeof f);
    for (int i = 0; i < 16; i++) {
        f[i] = 1 / f[i];
        memcpy(&u, &f[i], sizeof u);
        if (f[i] == f[i]) u &= 0xfffffe00u;
        memcpy(&f[i], &u, sizeof u);
    }
    memcpy(&a, f, sizeof a);
    return a;
}
#undef _mm512_rcp14_ps
#define _mm512_rcp14_ps ck_rcp14
static inline simde__m512i ck_cvtepu16_epi32(simde__m256i a)
{
    return ck_join_si(simde_mm256_cvtepu16_epi32(simde_mm256_castsi256_si128(a)), simde_mm256_cvtepu16_epi32(simde_mm256_extracti128_si256(a, 1)));
}
#undef _mm512_cvtepu16_epi32
#define _mm512_cvtepu16_epi32 ck_cvtepu16_epi32
static inline simde__m256i ck_cvtepi32_epi16(simde__m512i a)
{
    uint32_t x[16];
    uint16_t y[16];
    simde__m256i r;
    memcpy(x, &a, sizeof x);
    for (int i = 0; i < 16; i++) y[i] = (uint16_t)x[i];
    memcpy(&r, y, sizeof r);
    return r;
}
#undef _mm512_cvtepi32_epi16
#define _mm512_cvtepi32_epi16 ck_cvtepi32_epi16
#endif
