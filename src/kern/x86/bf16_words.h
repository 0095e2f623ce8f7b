/* bf16_words.h: loads and stores of 16 BF16 as FP32, beside vec_avx512.h. */
static inline vi vi_shr16(vi a) { return _mm512_srli_epi32(a, 16); }
static inline vi vi_or(vi a, vi b) { return _mm512_or_si512(a, b); }
static inline vf bf_load(const void *p)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16));
}
static inline void bf_store(void *p, vf x)
{
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_castps_si512(x), 16)));
}
