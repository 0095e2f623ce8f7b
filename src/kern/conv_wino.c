/* conv_wino.c: Winograd F(4x4,3x3) for 3x3 convolutions of stride 1: 36 multiplications for 16 outputs instead of 144.
 * A tactic: the weights' transform; the rest is conv_wino_strip.c and the level's kernels. Run by op_conv.c. */
#include "kern/conv_wino_strip.h"

static bool wino_supports(const fvi_conv_params *p) { return p->sh == 1 && fvi_wino_supports(p); }

static void where(int k, int *matrix, int *copy) { *matrix = k, *copy = 0; }

#define A 0.70710678118654752440
#define B 1.41421356237309504880
/* of the points 0, +-sqrt(1/2), +-sqrt 2, infinity; a constant: this runs for every pair of channels of a model that is loaded */
static const double g[6][3] = {{1, 0, 0},
                               {1 / -1.5, A / -1.5, A * A / -1.5},
                               {1 / -1.5, -A / -1.5, A * A / -1.5},
                               {1 / 6.0, B / 6, B * B / 6},
                               {1 / 6.0, -B / 6, B * B / 6},
                               {0, 0, 1}};

/* u = G w G^T */
static void weights(const float w[9], float u[FVI_WINO_MATRICES])
{
    double t[6][3];
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 3; j++) t[i][j] = g[i][0] * w[j] + g[i][1] * w[3 + j] + g[i][2] * w[6 + j];
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
            u[6 * i + j] = (float)(t[i][0] * g[j][0] + t[i][1] * g[j][1] + t[i][2] * g[j][2]);
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
