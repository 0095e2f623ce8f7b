/* conv_ref.c: convolution by definition, any strides and parameters, no stored halo needed; sums in double.
 * The reference of checkkern and the last resort of fvi_conv_choose for layouts no other tactic takes. */
#include "kern/conv_tactics.h"
#include <string.h>

static bool ref_supports(const fvi_conv_params *p) { return (void)p, true; }

static double ref_cost(const fvi_conv_tactic *t, const fvi_conv_params *p) { return (void)t, 4 * fvi_conv_flops(p); }

static size_t weight_count(const fvi_conv_params *p)
{
    return (size_t)p->cout * (size_t)(p->cin / p->groups) * (size_t)p->kh * (size_t)p->kw;
}

static size_t ref_packed_bytes(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    return (void)t, sizeof(float) * (weight_count(p) + (size_t)p->cout);
}

static void ref_pack(const fvi_conv_tactic *t, const fvi_conv_params *p, const float *w, const float *bias, void *packed)
{
    (void)t;
    float *d = packed;
    if (bias)
        memcpy(d, bias, sizeof *d * (size_t)p->cout);
    else
        memset(d, 0, sizeof *d * (size_t)p->cout);
    memcpy(d + p->cout, w, sizeof *d * weight_count(p));
}

static size_t ref_workspace(const fvi_conv_tactic *t, const fvi_conv_params *p) { return (void)t, (void)p, 0; }

static int ref_chunks(const fvi_conv_tactic *t, const fvi_conv_params *p, int threads)
{
    (void)t;
    int64_t rows = (int64_t)p->n * p->ho;
    return rows < 8LL * threads ? (int)rows : 8 * threads;
}

static float ref_at(const fvi_conv_params *p, const float *in, const float *w, int y, int x)
{
    double sum = 0;
    int cin = p->cin / p->groups;
    for (int ky = 0; ky < p->kh; ky++) {
        int64_t iy = (int64_t)y * p->sh - p->pt + (int64_t)ky * p->dh;
        if (iy < 0 || iy >= p->h) continue;
        for (int kx = 0; kx < p->kw; kx++) {
            int64_t ix = (int64_t)x * p->sw - p->pl + (int64_t)kx * p->dw;
            if (ix < 0 || ix >= p->w) continue;
            const float *a = in + iy * p->in_h + ix * p->in_w;
            const float *b = w + (ptrdiff_t)ky * p->kw + kx;
            for (int c = 0; c < cin; c++) sum += (double)a[c * p->in_c] * (double)b[(ptrdiff_t)c * p->kh * p->kw];
        }
    }
    return (float)sum;
}

static void ref_run(const fvi_conv_tactic *t, const fvi_conv_params *p, const fvi_conv_io *io, const void *packed,
                    void *workspace, int chunk, int chunks)
{
    (void)workspace;
    const float *bias = packed, *weights = bias + p->cout;
    int cin = p->cin / p->groups, cout = p->cout / p->groups;
    fvi_act_fn act = t->isa->act->fn[p->act];
    int64_t rows = (int64_t)p->n * p->ho;
    for (int64_t r = rows * chunk / chunks; r < rows * (chunk + 1) / chunks; r++) {
        int64_t image = r / p->ho;
        int y = (int)(r % p->ho);
        for (int x = 0; x < p->wo; x++)
            for (int o = 0; o < p->cout; o++) {
                int g = o / cout;
                float before = p->pre ? io->pre[image * p->pre_n + (y >> p->pre_shift) * p->pre_h + (x >> p->pre_shift) * p->pre_w + o] : 0;
                float v = bias[o] + before + ref_at(p, io->in + image * p->in_n + (ptrdiff_t)g * cin * p->in_c,
                                           weights + (ptrdiff_t)o * cin * p->kh * p->kw, y, x);
                const float *res = p->residual ? io->res + image * p->res_n + y * p->res_h + x * p->res_w + o * p->res_c
                                               : NULL;
                act(io->out + image * p->out_n + y * p->out_h + x * p->out_w + o * p->out_c, 0, &v, 0, res, 0, 1, 1,
                    p->alpha, p->beta);
            }
    }
}

const fvi_conv_algorithm fvi_conv_reference = {
    .by_definition = true,
    .supports = ref_supports,
    .cost = ref_cost,
    .packed_bytes = ref_packed_bytes,
    .pack = ref_pack,
    .workspace_bytes = ref_workspace,
    .chunks = ref_chunks,
    .run = ref_run,
};
