/* qconv_avx2.c: byte convolution of level avx2, which has no dot product of bytes that cannot overflow (VPMADDUBSW sums two products
 * in 16 bits and clips them). Inputs are widened to 16 bits once for all channels of a block of rows, with the zero point taken
 * off; VPMADDWD then adds pairs of exact products: twice the products a cycle of an FMA. Called by qconv_direct.c. */
#include "kern/x86/qconv_ymm.h"
static inline qv qv_dot(qv sum, qv a, qv b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
#include "kern/qconv_tile.h"

#define ONE(M) FVI_QCONV_TILE(M, 1)
#define TWO(M) FVI_QCONV_TILE(M, 2)
TWO(1) TWO(2) TWO(3) TWO(4) TWO(5) TWO(6)
ONE(1) ONE(2) ONE(3) ONE(4) ONE(5) ONE(6) ONE(7) ONE(8) ONE(9) ONE(10) ONE(11) ONE(12)

static void widen(int16_t *to, const uint8_t *from, ptrdiff_t step, int pixels, int cin, int room, int zero)
{
    const __m256i z = _mm256_set1_epi16((short)zero);
    if (step == cin && room == cin) cin = room = cin * pixels, pixels = 1;
    for (int i = 0; i < pixels; i++, from += step, to += room) {
        for (int c = 0; c < cin; c += 16) { /* whole vectors: what is too much is written over by the next pixel, or lies behind the last one */
            const __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(from + c));
            _mm256_storeu_si256((__m256i *)(void *)(to + c), _mm256_sub_epi16(_mm256_cvtepu8_epi16(b), z));
        }
        if (cin < room) to[cin] = 0;
    }
}

const fvi_qconv_isa fvi_qconv_isa_avx2 = {
    .name = "avx2",
    .vec = QV_W,
    .nv = 2,
    .wide = true,
    .macs_per_cycle = 24,
    .mr = {0, 12, 6},
    .tile = {{0},
             {NULL, tile_1_1, tile_1_2, tile_1_3, tile_1_4, tile_1_5, tile_1_6, tile_1_7, tile_1_8, tile_1_9, tile_1_10, tile_1_11, tile_1_12},
             {NULL, tile_2_1, tile_2_2, tile_2_3, tile_2_4, tile_2_5, tile_2_6}},
    .finish = FVI_QCONV_FINISHES,
    .widen = widen,
};
