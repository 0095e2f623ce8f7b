/* bytes_avx512.c: bytes_vec.h in 16-float and 64-byte words. Put into the table by ../bytes_ref.c. */
#include "kern/x86/vec_avx512.h"

static inline vi by_load(const uint8_t *p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)); }
static inline void by_store(uint8_t *p, vi v) { _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(v)); }
#define BV_W 64
typedef __m512i bv;
static inline bv bv_load(const uint8_t *p) { return _mm512_loadu_si512(p); }
static inline void bv_store(uint8_t *p, bv x) { _mm512_storeu_si512(p, x); }
static inline bv bv_max(bv a, bv b) { return _mm512_max_epu8(a, b); }
#include "kern/x86/bytes_vec.h"

const fvi_bytes_kern fvi_bytes_avx512 = {widen, narrow, max_rows};
