/* conv_avx512.c: convolution kernels of level avx512: conv_tile.h and conv_wino.h in 16-float words. 32 registers hold
 * tiles of 28x16, 14x32 or 9x48.
 * Turns input pixels and packed weights into register tiles. Called by the tactics. */
#include "kern/x86/vec_avx512.h"
#include "kern/x86/vact.h"
#include "kern/conv_tile.h"
#include "kern/conv_wino.h"

#define ONE(M) FVI_CONV_TILE(M, 1)
#define TWO(M) FVI_CONV_TILE(M, 2)
#define THREE(M) FVI_CONV_TILE(M, 3) FVI_CONV_DW(M, 1) FVI_CONV_DW(M, 2)
THREE(1) THREE(2) THREE(3) THREE(4) THREE(5) THREE(6) THREE(7) THREE(8) THREE(9)
TWO(1) TWO(2) TWO(3) TWO(4) TWO(5) TWO(6) TWO(7) TWO(8) TWO(9) TWO(10) TWO(11) TWO(12) TWO(13) TWO(14)
ONE(1) ONE(2) ONE(3) ONE(4) ONE(5) ONE(6) ONE(7) ONE(8) ONE(9) ONE(10) ONE(11) ONE(12) ONE(13) ONE(14)
ONE(15) ONE(16) ONE(17) ONE(18) ONE(19) ONE(20) ONE(21) ONE(22) ONE(23) ONE(24) ONE(25) ONE(26) ONE(27) ONE(28)

#define X(M) FVI_CONV_DWX(M, 3) FVI_CONV_DWX(M, 5) FVI_CONV_DWX(M, 7)
X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)

const fvi_conv_isa fvi_conv_isa_avx512 = {
    .name = "avx512",
    .vec = VF_W,
    .nv = 3,
    .flops_per_cycle = 64,
    .act = &fvi_act_avx512,
    .mr = {0, 28, 14, 9},
    .tile = {{0},
             {NULL, tile_1_1, tile_1_2, tile_1_3, tile_1_4, tile_1_5, tile_1_6, tile_1_7, tile_1_8, tile_1_9, tile_1_10,
              tile_1_11, tile_1_12, tile_1_13, tile_1_14, tile_1_15, tile_1_16, tile_1_17, tile_1_18, tile_1_19,
              tile_1_20, tile_1_21, tile_1_22, tile_1_23, tile_1_24, tile_1_25, tile_1_26, tile_1_27, tile_1_28},
             {NULL, tile_2_1, tile_2_2, tile_2_3, tile_2_4, tile_2_5, tile_2_6, tile_2_7, tile_2_8, tile_2_9, tile_2_10,
              tile_2_11, tile_2_12, tile_2_13, tile_2_14},
             {NULL, tile_3_1, tile_3_2, tile_3_3, tile_3_4, tile_3_5, tile_3_6, tile_3_7, tile_3_8, tile_3_9}},
    .dw_mr = 9,
    .dw = {{0},
           {NULL, dw_1_1, dw_1_2, dw_1_3, dw_1_4, dw_1_5, dw_1_6, dw_1_7, dw_1_8, dw_1_9},
           {NULL, dw_2_1, dw_2_2, dw_2_3, dw_2_4, dw_2_5, dw_2_6, dw_2_7, dw_2_8, dw_2_9}},
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
