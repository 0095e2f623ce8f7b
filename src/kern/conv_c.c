/* conv_c.c: convolution kernels of level c: conv_tile.h and conv_wino.h in the compiler's own vectors.
 * Turns input pixels and packed weights into register tiles. Called by the tactics. */
#include "kern/vec_c.h"
#include "kern/conv_tile.h"
#include "kern/conv_wino.h"

#define ONE(M) FVI_CONV_TILE(M, 1)
#define TWO(M) FVI_CONV_TILE(M, 2) FVI_CONV_DW(M, 1) FVI_CONV_DW(M, 2)
TWO(1) TWO(2) TWO(3) TWO(4) TWO(5) TWO(6)
ONE(1) ONE(2) ONE(3) ONE(4) ONE(5) ONE(6) ONE(7) ONE(8)

const fvi_conv_isa fvi_conv_isa_c = {
    .name = "c",
    .vec = VF_W,
    .nv = 2,
    .flops_per_cycle = 8,
    .act = &fvi_act_c,
    .mr = {0, 8, 6},
    .tile = {{0},
             {NULL, tile_1_1, tile_1_2, tile_1_3, tile_1_4, tile_1_5, tile_1_6, tile_1_7, tile_1_8},
             {NULL, tile_2_1, tile_2_2, tile_2_3, tile_2_4, tile_2_5, tile_2_6}},
    .dw_mr = 6,
    .dw = {{0},
           {NULL, dw_1_1, dw_1_2, dw_1_3, dw_1_4, dw_1_5, dw_1_6},
           {NULL, dw_2_1, dw_2_2, dw_2_3, dw_2_4, dw_2_5, dw_2_6}},
    .wino_acts = WINO_ACTS,
    .wino_in = wino_in,
    .wino_out = wino_out,
    .wino2_in = wino2_in,
    .wino2_out = wino2_out,
};
