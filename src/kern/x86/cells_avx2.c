/* cells_avx2.c: cells.h at level avx2: four cells a load. Put into the table by ../cells_ref.c. */
#include "kern/cells.h"
#include <immintrin.h>

static void sums(uint16_t *d, const uint8_t *src, ptrdiff_t stride, int rows, int n)
{
    int i = 0;
    for (; i + 4 <= n; i += 4) {
        __m256i sum = _mm256_setzero_si256();
        for (int y = 0; y < rows; y++)
            sum = _mm256_add_epi64(sum, _mm256_sad_epu8(_mm256_loadu_si256((const __m256i *)(const void *)(src + y * stride + FVI_CELL * (ptrdiff_t)i)), _mm256_setzero_si256()));
        __m256i words = _mm256_shufflelo_epi16(_mm256_shuffle_epi32(sum, _MM_SHUFFLE(3, 1, 2, 0)), _MM_SHUFFLE(3, 1, 2, 0)); /* the two sums of a half side by side */
        __m128i low = _mm256_castsi256_si128(words), high = _mm256_extracti128_si256(words, 1);
        _mm_storel_epi64((__m128i *)(void *)(d + i), _mm_unpacklo_epi32(low, high));
    }
    for (; i < n; i++) {
        __m128i sum = _mm_setzero_si128();
        for (int y = 0; y < rows; y++)
            sum = _mm_add_epi64(sum, _mm_sad_epu8(_mm_loadl_epi64((const __m128i *)(const void *)(src + y * stride + FVI_CELL * (ptrdiff_t)i)), _mm_setzero_si128()));
        d[i] = (uint16_t)_mm_cvtsi128_si32(sum);
    }
}

void fvi_cells_init_avx2(fvi_cells *k) { k->sums = sums; }
