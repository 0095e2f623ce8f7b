/* qconv_ymm.h: the words of qconv_tile.h for eight sums, all but qv_dot. Included by qconv_avx2.c and qconv_avxvnni.c. */
#ifndef FVI_KERN_QCONV_YMM_H
#define FVI_KERN_QCONV_YMM_H
#include "kern/x86/vec_avx2.h"
#include <string.h>

#define QV_W 8
typedef __m256i qv;
static inline qv qv_load(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
static inline void qv_store(int32_t *p, qv x) { _mm256_storeu_si256((__m256i *)(void *)p, x); }
static inline qv qv_spread(const char *p)
{
    int32_t u;
    memcpy(&u, p, sizeof u);
    return _mm256_set1_epi32(u);
}
static inline void qv_bytes(uint8_t *p, int n, qv y)
{
    const __m128i w = _mm_packus_epi32(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1)), b = _mm_packus_epi16(w, w);
    if (n == 8) {
        _mm_storel_epi64((__m128i *)(void *)p, b);
    } else {
        uint8_t part[16];
        _mm_storeu_si128((__m128i *)(void *)part, b);
        memcpy(p, part, (size_t)n);
    }
}
static inline qv qv_from_bytes(const uint8_t *p, int n)
{
    uint8_t part[8] = {0};
    if (n < 8) p = memcpy(part, p, (size_t)n);
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}
#endif
