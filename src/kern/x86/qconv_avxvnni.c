/* qconv_avxvnni.c: byte convolution of level avxvnni: VPDPBUSD adds four exact products of bytes a lane. The zero point of the
 * input is in the sums that tiles start from. Called by qconv_direct.c. */
#include "kern/x86/qconv_ymm.h"
static inline qv qv_dot(qv sum, qv a, qv b) { return _mm256_dpbusd_avx_epi32(sum, a, b); }
#include "kern/qconv_tile.h"

#define ONE(M) FVI_QCONV_TILE(M, 1)
#define TWO(M) FVI_QCONV_TILE(M, 2)
TWO(1) TWO(2) TWO(3) TWO(4) TWO(5) TWO(6)
ONE(1) ONE(2) ONE(3) ONE(4) ONE(5) ONE(6) ONE(7) ONE(8) ONE(9) ONE(10) ONE(11) ONE(12)

const fvi_qconv_isa fvi_qconv_isa_avxvnni = {
    .name = "avxvnni",
    .vec = QV_W,
    .nv = 2,
    .macs_per_cycle = 64,
    .mr = {0, 12, 6},
    .tile = {{0},
             {NULL, tile_1_1, tile_1_2, tile_1_3, tile_1_4, tile_1_5, tile_1_6, tile_1_7, tile_1_8, tile_1_9, tile_1_10, tile_1_11, tile_1_12},
             {NULL, tile_2_1, tile_2_2, tile_2_3, tile_2_4, tile_2_5, tile_2_6}},
    .finish = FVI_QCONV_FINISHES,
};
