/* cells_avx2.c: cells.h at level avx2: two cells a load. Put into the table by ../cells_ref.c. */
#include "kern/cells.h"
#include <immintrin.h>

static void sums(uint16_t *d, const uint8_t *src, ptrdiff_t stride, int rows, int n)
{
    int i = 0;
    for (; i + 2 <= n; i += 2) {
        __m256i sum = _mm256_setzero_si256();
        for (int y = 0; y < rows; y++)
            sum = _mm256_add_epi64(sum, _mm256_sad_epu8(_mm256_loadu_si256((const __m256i *)(const void *)(src + y * stride + FVI_CELL * (ptrdiff_t)i)), _mm256_setzero_si256()));
        sum = _mm256_add_epi64(sum, _mm256_unpackhi_epi64(sum, sum)); /* halves of a cell */
        d[i] = (uint16_t)_mm_cvtsi128_si32(_mm256_castsi256_si128(sum));
        d[i + 1] = (uint16_t)_mm_cvtsi128_si32(_mm256_extracti128_si256(sum, 1));
    }
    if (i == n) return;
    __m128i sum = _mm_setzero_si128();
    for (int y = 0; y < rows; y++)
        sum = _mm_add_epi64(sum, _mm_sad_epu8(_mm_loadu_si128((const __m128i *)(const void *)(src + y * stride + FVI_CELL * (ptrdiff_t)i)), _mm_setzero_si128()));
    d[i] = (uint16_t)_mm_cvtsi128_si32(_mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum)));
}

void fvi_cells_init_avx2(fvi_cells *k) { k->sums = sums; }
