/* cells_avx512.c: cells.h at level avx512: eight cells a load. Put into the table by ../cells_ref.c. */
#include "kern/cells.h"
#include <immintrin.h>

static void sums(uint16_t *d, const uint8_t *src, ptrdiff_t stride, int rows, int n)
{
    for (int i = 0; i < n; i += 8) {
        const int left = n - i < 8 ? n - i : 8;
        const __mmask64 there = left == 8 ? ~(__mmask64)0 : ((__mmask64)1 << (FVI_CELL * left)) - 1;
        __m512i sum = _mm512_setzero_si512();
        for (int y = 0; y < rows; y++)
            sum = _mm512_add_epi64(sum, _mm512_sad_epu8(_mm512_maskz_loadu_epi8(there, src + y * stride + FVI_CELL * (ptrdiff_t)i), _mm512_setzero_si512()));
        uint64_t part[8];
        _mm512_storeu_si512(part, sum);
        for (int c = 0; c < left; c++) d[i + c] = (uint16_t)part[c];
    }
}

void fvi_cells_init_avx512(fvi_cells *k) { k->sums = sums; }
