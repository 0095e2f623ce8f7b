/* conv_depthwise.c: one filter a channel (groups = cin = cout), vectorised over channels of the NHWC input; any kernel
 * size, stride and dilation. A tactic; run by op_conv.c.
 *
 * Packed: bias, then per block of one or two vectors of channels the weights [kh][kw][vectors * vec]. */
#include "base/checked.h"
#include "kern/conv_tactics.h"
#include <string.h>

enum { BLOCK = 2 }; /* vectors */

static bool dw_supports(const fvi_conv_params *p)
{
    return p->groups == p->cin && p->cout == p->cin && p->groups > 1 && !p->pre && fvi_conv_is_nhwc(p);
}

static int vectors(const fvi_conv_tactic *t, const fvi_conv_params *p) { return (p->cin + t->isa->vec - 1) / t->isa->vec; }

static size_t dw_packed_bytes(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    size_t channels = (size_t)vectors(t, p) * (size_t)t->isa->vec, weights;
    if (!fvi_mul_size(channels, (size_t)p->kh * (size_t)p->kw, &weights)) return 0;
    if (!fvi_mul_size(weights, 2 * sizeof(float), &(size_t){0})) return 0;
    return (fvi_conv_bias_floats(channels) + weights) * sizeof(float);
}

static void dw_pack(const fvi_conv_tactic *t, const fvi_conv_params *p, const float *w, const float *bias, void *packed)
{
    const int vec = t->isa->vec, nv = vectors(t, p), taps = p->kh * p->kw;
    float *b = packed, *d = b + fvi_conv_bias_floats((size_t)nv * (size_t)vec);
    memset(b, 0, dw_packed_bytes(t, p));
    if (bias) memcpy(b, bias, sizeof *b * (size_t)p->cout);
    for (int v = 0; v < nv; v += BLOCK) {
        int width = (nv - v < BLOCK ? nv - v : BLOCK) * vec;
        for (int c = 0; c < width && v * vec + c < p->cin; c++)
            for (int tap = 0; tap < taps; tap++)
                d[(size_t)v * (size_t)vec * (size_t)taps + (size_t)tap * (size_t)width + (size_t)c] =
                    w[(size_t)(v * vec + c) * (size_t)taps + (size_t)tap];
    }
}

static size_t dw_workspace(const fvi_conv_tactic *t, const fvi_conv_params *p) { return (void)t, (void)p, 0; }

static int dw_chunks(const fvi_conv_tactic *t, const fvi_conv_params *p, int threads)
{
    if (threads <= 1) return 1;
    int64_t rows = (int64_t)p->n * p->ho, n = 6LL * threads;
    int64_t by_work = (int64_t)(t->algorithm->cost(t, p) / 10000);
    if (n > by_work) n = by_work;
    if (n > rows) n = rows;
    return n < 1 ? 1 : (int)n;
}

static void dw_run(const fvi_conv_tactic *t, const fvi_conv_params *p, const fvi_conv_io *io, const void *packed,
                   void *workspace, int chunk, int chunks)
{
    (void)workspace;
    const fvi_conv_isa *isa = t->isa;
    const int vec = isa->vec, nvs = vectors(t, p), taps = p->kh * p->kw;
    const float *bias = packed, *weights = bias + fvi_conv_bias_floats((size_t)nvs * (size_t)vec);
    const int64_t rows = (int64_t)p->n * p->ho;
    const int tiles = (p->wo + isa->dw_mr - 1) / isa->dw_mr;
    float scratch[FVI_CONV_TILE] __attribute__((aligned(64)));
    for (int64_t r = rows * chunk / chunks; r < rows * (chunk + 1) / chunks; r++) {
        const int image = (int)(r / p->ho), y = (int)(r % p->ho);
        const float *a = io->in + image * p->in_n + ((ptrdiff_t)y * p->sh - p->pt) * p->in_h - (ptrdiff_t)p->pl * p->in_w;
        float *out = io->out + image * p->out_n + y * p->out_h;
        for (int v = 0; v < nvs; v += BLOCK) {
            const int nv = nvs - v < BLOCK ? nvs - v : BLOCK, o = v * vec;
            const int channels = p->cout - o < nv * vec ? p->cout - o : nv * vec;
            const bool straight = p->act == FVI_KACT_NONE && !p->residual && channels == nv * vec;
            const fvi_conv_walk walk = {.ny = p->kh, .nx = p->kw, .dy = p->dh * p->in_h, .dx = p->dw * p->in_w,
                                        .lda = p->sw * p->in_w, .ldc = straight ? p->out_w : nv * vec};
            const float *b = weights + (size_t)o * (size_t)taps;
            for (int i = 0, x = 0; i < tiles; i++) {
                const int next = (int)((int64_t)p->wo * (i + 1) / tiles), mr = next - x;
                const float *at = a + x * walk.lda + o;
                if (straight) {
                    isa->dw[nv][mr](&walk, at, b, bias + o, out + x * p->out_w + o);
                } else {
                    isa->dw[nv][mr](&walk, at, b, bias + o, scratch);
                    fvi_conv_finish(isa, p, io, scratch, nv * vec, image, y, x, mr, o, channels);
                }
                x = next;
            }
        }
    }
}

/* Two loads a multiply-add, and the padding of the last vector. */
static double dw_cost(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    double waste = (double)vectors(t, p) * t->isa->vec / p->cin;
    return fvi_conv_flops(p) / t->isa->flops_per_cycle * 2 * waste;
}

const fvi_conv_algorithm fvi_conv_depthwise = {
    .supports = dw_supports,
    .cost = dw_cost,
    .packed_bytes = dw_packed_bytes,
    .pack = dw_pack,
    .workspace_bytes = dw_workspace,
    .chunks = dw_chunks,
    .run = dw_run,
};
