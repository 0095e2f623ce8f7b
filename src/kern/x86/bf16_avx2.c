/* bf16_avx2.c: bf16_vec.h in 8-float words. Put into the table by ../bf16_ref.c. */
#include "kern/x86/vec_avx2.h"

static inline vi vi_shr16(vi a) { return _mm256_srli_epi32(a, 16); }
static inline vi vi_or(vi a, vi b) { return _mm256_or_si256(a, b); }
static inline vf bf_load(const void *p)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16));
}
static inline void bf_store(void *p, vf x)
{
    const __m256i h = _mm256_srli_epi32(_mm256_castps_si256(x), 16);
    _mm_storeu_si128((__m128i *)p, _mm_packus_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1)));
}
#include "kern/x86/bf16_vec.h"

const fvi_bf16_kern fvi_bf16_avx2 = {widen, narrow, round_to, max_rows};
