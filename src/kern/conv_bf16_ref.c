/* conv_bf16_ref.c: convolution with BF16 in it by definition: any strides, types and parameters; sums in double. The reference of
 * checkkern and the last resort of fvi_conv_choose. */
#include "kern/bf16.h"
#include "kern/conv_tactics.h"
#include <string.h>

static bool supports(const fvi_conv_params *p) { return (void)p, true; }
static double cost(const fvi_conv_tactic *t, const fvi_conv_params *p) { return (void)t, 8 * fvi_conv_flops(p); }

static size_t weight_count(const fvi_conv_params *p)
{
    return (size_t)p->cout * (size_t)(p->cin / p->groups) * (size_t)p->kh * (size_t)p->kw;
}

static size_t packed_bytes(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    return (void)t, sizeof(float) * (weight_count(p) + (size_t)p->cout);
}

static void pack(const fvi_conv_tactic *t, const fvi_conv_params *p, const float *w, const float *bias, void *packed)
{
    (void)t;
    float *d = packed;
    for (int o = 0; o < p->cout; o++) d[o] = bias ? bias[o] : 0;
    memcpy(d + p->cout, w, sizeof *d * weight_count(p));
}

static size_t workspace(const fvi_conv_tactic *t, const fvi_conv_params *p) { return (void)t, (void)p, 0; }

static int chunks(const fvi_conv_tactic *t, const fvi_conv_params *p, int threads)
{
    (void)t;
    const int64_t rows = (int64_t)p->n * p->ho;
    return rows < 8LL * threads ? (int)rows : 8 * threads;
}

static float at(const void *map, fv_dtype type, ptrdiff_t i)
{
    return type == FV_BF16 ? fvi_bf16_widen1(((const uint16_t *)map)[i]) : ((const float *)map)[i];
}

static double sum_at(const fvi_conv_params *p, const fvi_conv_io *io, ptrdiff_t from, const float *w, int y, int x)
{
    double sum = 0;
    const int cin = p->cin / p->groups;
    for (int ky = 0; ky < p->kh; ky++) {
        const int64_t iy = (int64_t)y * p->sh - p->pt + (int64_t)ky * p->dh;
        if (iy < 0 || iy >= p->h) continue;
        for (int kx = 0; kx < p->kw; kx++) {
            const int64_t ix = (int64_t)x * p->sw - p->pl + (int64_t)kx * p->dw;
            if (ix < 0 || ix >= p->w) continue;
            for (int c = 0; c < cin; c++) {
                float a = at(io->in, p->in_type, from + iy * p->in_h + ix * p->in_w + c * p->in_c);
                if (p->bf16) a = fvi_bf16_widen1(fvi_bf16_narrow1(a));
                sum += (double)a * (double)w[((ptrdiff_t)c * p->kh + ky) * p->kw + kx];
            }
        }
    }
    return sum;
}

static void run(const fvi_conv_tactic *t, const fvi_conv_params *p, const fvi_conv_io *io, const void *packed, void *work, int chunk, int n_chunks)
{
    (void)work;
    const float *bias = packed, *weights = bias + p->cout;
    const int cin = p->cin / p->groups, cout = p->cout / p->groups;
    const int64_t rows = (int64_t)p->n * p->ho;
    for (int64_t r = rows * chunk / n_chunks; r < rows * (chunk + 1) / n_chunks; r++) {
        const int64_t image = r / p->ho;
        const int y = (int)(r % p->ho);
        for (int x = 0; x < p->wo; x++)
            for (int o = 0; o < p->cout; o++) {
                const ptrdiff_t pre = image * p->pre_n + (y >> p->pre_shift) * p->pre_h + (x >> p->pre_shift) * p->pre_w + o;
                const ptrdiff_t res = image * p->res_n + y * p->res_h + x * p->res_w + o * p->res_c;
                const ptrdiff_t out = image * p->out_n + y * p->out_h + x * p->out_w + o * p->out_c;
                float v = (float)(bias[o] + (p->pre ? (double)at(io->pre, p->pre_type, pre) : 0) +
                                  sum_at(p, io, image * p->in_n + (ptrdiff_t)(o / cout) * cin * p->in_c, weights + (ptrdiff_t)o * cin * p->kh * p->kw, y, x));
                const float add = p->residual ? at(io->res, p->res_type, res) : 0;
                t->isa->act->fn[p->act](&v, 0, &v, 0, p->residual ? &add : NULL, 0, 1, 1, p->alpha, p->beta);
                if (p->out_type == FV_BF16)
                    ((uint16_t *)io->out)[out] = fvi_bf16_narrow1(v);
                else
                    io->out[out] = v;
            }
    }
}

const fvi_conv_algorithm fvi_conv_bf16_reference = {.by_definition = true, .low = true, .supports = supports, .cost = cost, .packed_bytes = packed_bytes, .pack = pack,
                                                    .workspace_bytes = workspace, .chunks = chunks, .run = run};
