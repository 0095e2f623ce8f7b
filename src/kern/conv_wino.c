/* conv_wino.c: Winograd F(4x4,3x3) for 3x3 convolutions of stride 1: 36 multiplications for 16 outputs instead of 144.
 * A tactic: the weights' transform; the rest is conv_wino_strip.c and the level's kernels. Run by op_conv.c. */
#include "kern/conv_wino_strip.h"

static bool wino_supports(const fvi_conv_params *p) { return p->sh == 1 && fvi_wino_supports(p); }

static void where(int k, int *matrix, int *copy) { *matrix = k, *copy = 0; }

#define A 0.70710678118654752440
#define B 1.41421356237309504880

/* u = G w G^T, for the points 0, +-sqrt(1/2), +-sqrt 2, infinity. Rows of G for +-x are the same but for the sign of the odd tap: even and odd
 * parts are computed once. */
static void weights(const double (*restrict w)[FVI_WINO_LANES], float (*restrict u)[FVI_WINO_LANES])
{
    double t[6][3][FVI_WINO_LANES];
    for (int j = 0; j < 3; j++)
        for (int l = 0; l < FVI_WINO_LANES; l++) {
            const double w0 = w[j][l], w1 = w[3 + j][l], w2 = w[6 + j][l];
            const double e = (w0 + w2 * 0.5) * (-1 / 1.5), o = w1 * (-A / 1.5), f = (w0 + w2 * 2) * (1 / 6.0), p = w1 * (B / 6);
            t[0][j][l] = w0, t[1][j][l] = e + o, t[2][j][l] = e - o, t[3][j][l] = f + p, t[4][j][l] = f - p, t[5][j][l] = w2;
        }
    for (int i = 0; i < 6; i++, u += 6)
        for (int l = 0; l < FVI_WINO_LANES; l++) {
            const double w0 = t[i][0][l], w1 = t[i][1][l], w2 = t[i][2][l];
            const double e = (w0 + w2 * 0.5) * (-1 / 1.5), o = w1 * (-A / 1.5), f = (w0 + w2 * 2) * (1 / 6.0), p = w1 * (B / 6);
            u[0][l] = (float)w0, u[1][l] = (float)(e + o), u[2][l] = (float)(e - o);
            u[3][l] = (float)(f + p), u[4][l] = (float)(f - p), u[5][l] = (float)w2;
        }
}

const fvi_wino_scheme fvi_wino_scheme1 = {
    .stride = 1, .window = 6, .step = 4, .positions = 36, .where = where, .weights = weights,
};

const fvi_conv_algorithm fvi_conv_wino = {
    .supports = wino_supports,
    .cost = fvi_wino_cost,
    .packed_bytes = fvi_wino_packed_bytes,
    .pack = fvi_wino_pack,
    .workspace_bytes = fvi_wino_workspace,
    .chunks = fvi_wino_chunks,
    .run = fvi_wino_run,
    .executed_flops = fvi_wino_executed,
};
