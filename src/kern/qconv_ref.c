/* qconv_ref.c: byte convolution by its definition, at level c: what the others are checked against, and the last resort. */
#include "base/checked.h"
#include "kern/qconv_isa.h"
#include <math.h>
#include <string.h>

bool fvi_qconv_terms_fit(const fvi_qconv_params *p) { return (double)(p->cin / p->groups) * p->kh * p->kw < FVI_QCONV_MOST_TERMS; }

static uint8_t to_byte(const fvi_qconv_place *o, float v)
{
    const float lo = (float)-o->p->y_zero, hi = (float)(255 - o->p->y_zero);
    v *= o->p->y_inv;
    v = v > lo ? v : lo; /* NaN too */
    v = v < hi ? v : hi;
    const uint8_t y = (uint8_t)((int)rintf(v) + o->p->y_zero);
    return o->table ? o->table[y] : y;
}

void fvi_qconv_finish_c(const int32_t *sums, const fvi_qconv_place *o)
{
    const fvi_qconv_params *p = o->p;
    for (int m = 0; m < o->pixels; m++)
        for (int c0 = 0; c0 < o->channels; c0 += 64) {
            float v[64];
            const int n = o->channels - c0 < 64 ? o->channels - c0 : 64;
            for (int i = 0; i < n; i++) v[i] = (float)sums[m * o->lds + c0 + i] * o->scale[c0 + i] + o->bias[c0 + i];
            fvi_act_c.fn[p->act](v, 0, v, 0, NULL, 0, 1, n, p->alpha, p->beta);
            const ptrdiff_t r = m * o->res_w + c0, y = m * o->out_w + c0;
            for (int i = 0; i < n; i++) {
                if (p->residual == FVI_QCONV_BYTES) v[i] += (float)(((const uint8_t *)o->res)[r + i] - p->res_zero) * p->res_scale;
                if (p->residual == FVI_QCONV_FLOATS) v[i] += ((const float *)o->res)[r + i];
                if (p->bytes)
                    ((uint8_t *)o->out)[y + i] = to_byte(o, v[i]);
                else
                    ((float *)o->out)[y + i] = v[i];
            }
        }
}

static bool supports(const fvi_qconv_tactic *t, const fvi_qconv_params *p) { return (void)t, fvi_qconv_terms_fit(p); }
static double cost(const fvi_qconv_tactic *t, const fvi_qconv_params *p)
{
    return (void)t, fvi_qconv_flops(p);
}

/* scale, bias, then weights as [group][tap][input channel][output channel] */
static size_t packed_bytes(const fvi_qconv_tactic *t, const fvi_qconv_params *p)
{
    size_t n;
    (void)t;
    if (!fvi_mul_size((size_t)p->cout, (size_t)(p->cin / p->groups) * (size_t)p->kh * (size_t)p->kw, &n) || n > SIZE_MAX / 2) return 0;
    return 2 * sizeof(float) * (size_t)p->cout + n;
}

static void pack(const fvi_qconv_tactic *t, const fvi_qconv_params *p, const int8_t *w, const float *scale, const float *bias, float *room, void *packed)
{
    (void)room;
    const size_t taps = (size_t)p->kh * (size_t)p->kw, cin = (size_t)(p->cin / p->groups), cout = (size_t)p->cout, outs = cout / (size_t)p->groups;
    float *f = packed;
    int8_t *to = (int8_t *)(f + 2 * cout);
    (void)t;
    for (size_t o = 0; o < cout; o++) {
        f[o] = scale[o];
        f[cout + o] = bias ? bias[o] : 0;
        int8_t *group = to + o / outs * outs * cin * taps + o % outs;
        for (size_t c = 0; c < cin; c++)
            for (size_t k = 0; k < taps; k++) group[(k * cin + c) * outs] = w[(o * cin + c) * taps + k];
    }
}

static size_t workspace_bytes(const fvi_qconv_tactic *t, const fvi_qconv_params *p) { return (void)t, sizeof(int32_t) * (size_t)p->cout; }
static int chunks(const fvi_qconv_tactic *t, const fvi_qconv_params *p, int threads)
{
    (void)t;
    return threads > 1 ? (int)fvi_min_i64((int64_t)p->n * p->ho, 6LL * threads) : 1;
}

static void do_pixel(const fvi_qconv_params *p, const uint8_t *window, const int8_t *w, int32_t *sums)
{
    const int cin = p->cin / p->groups, outs = p->cout / p->groups;
    memset(sums, 0, sizeof *sums * (size_t)p->cout);
    for (int g = 0; g < p->groups; g++, window += cin, sums += outs)
        for (int ky = 0; ky < p->kh; ky++)
            for (int kx = 0; kx < p->kw; kx++) {
                const uint8_t *x = window + ky * p->dh * p->in_h + kx * p->dw * p->in_w;
                for (int c = 0; c < cin; c++, w += outs) {
                    const int v = x[c] - p->zero;
                    for (int o = 0; o < outs; o++) sums[o] += v * w[o];
                }
            }
}

static void run(const fvi_qconv_tactic *t, const fvi_qconv_params *p, const fvi_qconv_io *io, const void *packed, void *workspace, int chunk, int n_chunks)
{
    const int64_t rows = (int64_t)p->n * p->ho;
    const float *f = packed;
    const size_t size = p->bytes ? 1 : sizeof(float), res_size = p->residual == FVI_QCONV_BYTES ? 1 : sizeof(float);
    (void)t;
    for (int64_t r = rows * chunk / n_chunks; r < rows * (chunk + 1) / n_chunks; r++)
        for (int x = 0; x < p->wo; x++) {
            const ptrdiff_t n = r / p->ho, y = r % p->ho;
            do_pixel(p, io->in + n * p->in_n + (y * p->sh - p->pt) * p->in_h + ((ptrdiff_t)x * p->sw - p->pl) * p->in_w, (const int8_t *)(f + 2 * p->cout), workspace);
            const fvi_qconv_place o = {.out = (char *)io->out + (n * p->out_n + y * p->out_h + x * p->out_w) * (ptrdiff_t)size,
                                       .res = io->res ? (const char *)io->res + (n * p->res_n + y * p->res_h + x * p->res_w) * (ptrdiff_t)res_size : NULL,
                                       .pixels = 1, .channels = p->cout, .scale = f, .bias = f + p->cout, .p = p, .table = io->table};
            fvi_qconv_finish_c(workspace, &o);
        }
}

const fvi_qconv_algorithm fvi_qconv_reference = {.supports = supports, .cost = cost, .packed_bytes = packed_bytes, .pack = pack, .workspace_bytes = workspace_bytes,
                                                 .chunks = chunks, .run = run, .by_definition = true};
