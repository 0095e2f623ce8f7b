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

/* G of the two outer taps, for the points +-sqrt(1/2), +-sqrt 2, infinity: one kernel row or column, lane by lane */
#define OUTER(u0, u1, u2, u3, u4, first, second)                                                                       \
    for (int l = 0; l < FVI_WINO_LANES; l++) {                                                                         \
        const double x = (first)[l], y = (second)[l], a = x * (1 / (3 * A)), b = x * (1 / (3 * B)), c = y * (1 / 3.0); \
        (u0)[l] = (T)(-a - c), (u1)[l] = (T)(a - c), (u2)[l] = (T)(b + c), (u3)[l] = (T)(c - b), (u4)[l] = (T)y;       \
    }

static void weights(const double (*restrict w)[FVI_WINO_LANES], float (*restrict u)[FVI_WINO_LANES])
{
    double t[5][2][FVI_WINO_LANES]; /* columns 0 and 2, transformed downwards */
#define T double
    for (int j = 0; j < 2; j++) OUTER(t[0][j], t[1][j], t[2][j], t[3][j], t[4][j], w[2 * j], w[6 + 2 * j])
#undef T
#define T float
    for (int i = 0; i < 5; i++) OUTER(u[5 * i], u[5 * i + 1], u[5 * i + 2], u[5 * i + 3], u[5 * i + 4], t[i][0], t[i][1])
    OUTER(u[25], u[26], u[27], u[28], u[29], w[1], w[7])
    OUTER(u[30], u[31], u[32], u[33], u[34], w[3], w[5])
#undef T
    for (int l = 0; l < FVI_WINO_LANES; l++) u[35][l] = (float)w[4][l];
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
