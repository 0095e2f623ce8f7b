/* conv_wino2.c: Winograd for 3x3 convolutions of stride 2: 81 multiplications for 16 outputs instead of 144. A tactic: the
 * weights' transform; the rest is conv_wino_strip.c and the level's kernels. Run by op_conv.c.
 *
 * Along one dimension output i is w0 x[2i] + w1 x[2i+1] + w2 x[2i+2]. The samples of the outer taps are one convolution of
 * two taps and stride 1, F(4,2) with the points +-sqrt(1/2), +-sqrt 2, infinity: 5 products; the middle tap stays as it is: 4
 * products, all with the same weight. In two dimensions that is 5x5 products with a matrix each, 5 matrices with 4 rows a tile
 * for each mixed case, and one with 16: as many weights as F(4x4,3x3). */
#include "kern/conv_wino_strip.h"

static bool wino2_supports(const fvi_conv_params *p) { return p->sh == 2 && fvi_wino_supports(p); }

/* Positions are 9x9: 0..4 outer taps, 5..8 the middle one. */
static void where(int k, int *matrix, int *copy)
{
    const int y = k / 9, x = k % 9;
    if (y < 5 && x < 5)
        *matrix = 5 * y + x, *copy = 0;
    else if (y < 5)
        *matrix = 25 + y, *copy = x - 5;
    else if (x < 5)
        *matrix = 30 + x, *copy = y - 5;
    else
        *matrix = 35, *copy = 4 * (y - 5) + x - 5;
}

#define A 0.70710678118654752440
#define B 1.41421356237309504880
/* G of two taps, for the points +-sqrt(1/2), +-sqrt 2, infinity */
static const double g[5][2] = {
    {1 / (-3 * A), A / (-3 * A)}, {1 / (3 * A), -A / (3 * A)}, {1 / (3 * B), B / (3 * B)}, {1 / (-3 * B), -B / (-3 * B)}, {0, 1}};

static void weights(const float w[9], float u[FVI_WINO_MATRICES])
{
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 5; j++)
            u[5 * i + j] = (float)(g[i][0] * (g[j][0] * w[0] + g[j][1] * w[2]) + g[i][1] * (g[j][0] * w[6] + g[j][1] * w[8]));
        u[25 + i] = (float)(g[i][0] * w[1] + g[i][1] * w[7]);
        u[30 + i] = (float)(g[i][0] * w[3] + g[i][1] * w[5]);
    }
    u[35] = w[4];
}

const fvi_wino_scheme fvi_wino_scheme2 = {
    .stride = 2, .window = 9, .step = 8, .positions = 81, .where = where, .weights = weights,
};

const fvi_conv_algorithm fvi_conv_wino2 = {
    .supports = wino2_supports,
    .cost = fvi_wino_cost,
    .packed_bytes = fvi_wino_packed_bytes,
    .pack = fvi_wino_pack,
    .workspace_bytes = fvi_wino_workspace,
    .chunks = fvi_wino_chunks,
    .run = fvi_wino_run,
    .executed_flops = fvi_wino_executed,
};
