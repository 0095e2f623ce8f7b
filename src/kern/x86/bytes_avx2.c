/* bytes_avx2.c: bytes_vec.h in 8-float and 32-byte words. Put into the table by ../bytes_ref.c. */
#include "kern/x86/vec_avx2.h"

static inline vi by_load(const uint8_t *p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)); }
static inline void by_store(uint8_t *p, vi v)
{
    const __m128i w = _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    _mm_storel_epi64((__m128i *)(void *)p, _mm_packus_epi16(w, w));
}
#define BV_W 32
typedef __m256i bv;
static inline bv bv_load(const uint8_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
static inline void bv_store(uint8_t *p, bv x) { _mm256_storeu_si256((__m256i *)(void *)p, x); }
static inline bv bv_max(bv a, bv b) { return _mm256_max_epu8(a, b); }
#include "kern/x86/bytes_vec.h"

const fvi_bytes_kern fvi_bytes_avx2 = {widen, narrow, max_rows};
