/* conv_avx2.c: convolution kernels of level avx2: conv_tile.h and conv_wino.h in 8-float words. 16 registers hold 12 sums
 * (6 pixels x 16 channels), two weight vectors and one broadcast input.
 * Turns input pixels and packed weights into register tiles. Called by the tactics. */
#include "kern/x86/vec_avx2.h"
#include "kern/x86/vact.h"
#include "kern/conv_tile.h"
#include "kern/conv_wino.h"

#define ONE(M) FVI_CONV_TILE(M, 1)
#define TWO(M) FVI_CONV_TILE(M, 2) FVI_CONV_DW(M, 1) FVI_CONV_DW(M, 2)
TWO(1) TWO(2) TWO(3) TWO(4) TWO(5) TWO(6)
ONE(1) ONE(2) ONE(3) ONE(4) ONE(5) ONE(6) ONE(7) ONE(8) ONE(9) ONE(10) ONE(11) ONE(12)

#define X(M) FVI_CONV_DWX(M, 3) FVI_CONV_DWX(M, 5) FVI_CONV_DWX(M, 7)
X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)

const fvi_conv_isa fvi_conv_isa_avx2 = {
    .name = "avx2",
    .vec = VF_W,
    .nv = 2,
    .flops_per_cycle = 32,
    .act = &fvi_act_avx2,
    .mr = {0, 12, 6},
    .tile = {{0},
             {NULL, tile_1_1, tile_1_2, tile_1_3, tile_1_4, tile_1_5, tile_1_6, tile_1_7, tile_1_8, tile_1_9, tile_1_10,
              tile_1_11, tile_1_12},
             {NULL, tile_2_1, tile_2_2, tile_2_3, tile_2_4, tile_2_5, tile_2_6}},
    .dw_mr = 6,
    .dw = {{0},
           {NULL, dw_1_1, dw_1_2, dw_1_3, dw_1_4, dw_1_5, dw_1_6},
           {NULL, dw_2_1, dw_2_2, dw_2_3, dw_2_4, dw_2_5, dw_2_6}},
    .dwx_mr = 8,
    .dwx = {{0},
            {NULL, dwx_3_1, dwx_3_2, dwx_3_3, dwx_3_4, dwx_3_5, dwx_3_6, dwx_3_7, dwx_3_8},
            {NULL, dwx_5_1, dwx_5_2, dwx_5_3, dwx_5_4, dwx_5_5, dwx_5_6, dwx_5_7, dwx_5_8},
            {NULL, dwx_7_1, dwx_7_2, dwx_7_3, dwx_7_4, dwx_7_5, dwx_7_6, dwx_7_7, dwx_7_8}},
    .wino_acts = WINO_ACTS,
    .wino_in = wino_in,
    .wino_out = wino_out,
    .wino2_in = wino2_in,
    .wino2_out = wino2_out,
};
