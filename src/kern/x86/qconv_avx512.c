/* qconv_avx512.c: byte convolution of level avx512: VPDPBUSD on sixteen sums, 14 pixels x 32 channels in registers. Called by
 * qconv_direct.c. */
#include "kern/x86/vec_avx512.h"
#include <string.h>

#define QV_W 16
typedef __m512i qv;
static inline qv qv_load(const int32_t *p) { return _mm512_loadu_si512(p); }
static inline void qv_store(int32_t *p, qv x) { _mm512_storeu_si512(p, x); }
static inline qv qv_spread(const char *p)
{
    int32_t u;
    memcpy(&u, p, sizeof u);
    return _mm512_set1_epi32(u);
}
static inline qv qv_dot(qv sum, qv a, qv b) { return _mm512_dpbusd_epi32(sum, a, b); }
static inline void qv_bytes(uint8_t *p, int n, qv y) { _mm_mask_storeu_epi8(p, (__mmask16)((1u << n) - 1), _mm512_cvtepi32_epi8(y)); }
static inline qv qv_from_bytes(const uint8_t *p, int n)
{
    return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8((__mmask16)((1u << n) - 1), p));
}
#include "kern/qconv_tile.h"

#define BOTH(M) FVI_QCONV_TILE(M, 1) FVI_QCONV_TILE(M, 2)
BOTH(1) BOTH(2) BOTH(3) BOTH(4) BOTH(5) BOTH(6) BOTH(7) BOTH(8) BOTH(9) BOTH(10) BOTH(11) BOTH(12) BOTH(13) BOTH(14)

#define ROW(V) {NULL, tile_##V##_1, tile_##V##_2, tile_##V##_3, tile_##V##_4, tile_##V##_5, tile_##V##_6, tile_##V##_7, tile_##V##_8, tile_##V##_9, \
                tile_##V##_10, tile_##V##_11, tile_##V##_12, tile_##V##_13, tile_##V##_14}
const fvi_qconv_isa fvi_qconv_isa_avx512 = {
    .name = "avx512",
    .vec = QV_W,
    .nv = 2,
    .macs_per_cycle = 128,
    .mr = {0, 14, 14},
    .tile = {{0}, ROW(1), ROW(2)},
    .finish = FVI_QCONV_FINISHES,
};
