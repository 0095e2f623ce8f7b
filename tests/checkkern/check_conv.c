/* check_conv.c: every convolution tactic against the definition, summed in double.
 *
 * Tolerance: a sum of k products in any order is off by at most k eps/2 sum|a b| (plus the bias); we allow
 * (8 + sqrt k) eps/2 of it, the growth of random roundings, where a wrong tap or channel is off by far more. The
 * activation then scales it by its slope (<= 1.2 for all of them) and adds 1e-6 of the value (kern/act.h).
 * Winograd: y = A' [(G w G') . (B' d B)] A, so the magnitudes are |A'| [(|G||w||G'|) . (|B'||d||B|)] |A| (every matrix by its
 * absolute values) summed over channels, and about 20 operations more touch each of them: (20 + sqrt cin) eps/2 of that.
 * Stride 2 has the same form with 9x9 products.
 * BF16: pixels and weights are rounded here as the kernel must; the products of two BF16 are exact in FP32, so that the bound stays. A BF16
 * output is rounded once more, 2^-8 of it at most, and its activation may be 1.3e-4 off (kern/conv.h). */
#include "checkkern.h"
#include "kern/bf16.h"
#include "kern/conv.h"
#include "wino_bound.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int list(ck_kernel *out, int max)
{
    int n = 0;
    for (const fvi_conv_tactic *t = fvi_conv_tactics; t->name; t++) n = ck_add(out, max, n, t->level, t, 0, "%s", t->name);
    return n;
}

/* What a case is made of. */
typedef struct problem {
    fvi_conv_params p;
    fvi_conv_io io;
    float *w, *bias;
    float *in_base, *out_base;
    size_t in_count, out_count, res_count, pre_count;
} problem;

/* |A'|, |G|, |B'| at 0, +-sqrt 1/2, +-sqrt 2, infinity: written down here once more, not shared with the kernels. */
#define R 1.41421356237309505
typedef struct wino_matrices {
    int n, step; /* n x n products and window of a tile; input pixels from tile to tile */
    double a[4 * 9], g[9 * 3], b[9 * 9]; /* [4][n], [n][3], [n][n] */
} wino_matrices;
static const wino_matrices wino_stride1 = {
    .n = 6, .step = 4,
    .a = {1, 1, 1, 1, 1, 0, 0, R / 2, R / 2, R, R, 0, 0, .5, .5, 2, 2, 0, 0, R / 4, R / 4, 2 * R, 2 * R, 1},
    .g = {1, 0, 0, 2 / 3., R / 3, 1 / 3., 2 / 3., R / 3, 1 / 3., 1 / 6., R / 6, 1 / 3., 1 / 6., R / 6, 1 / 3., 0, 0, 1},
    .b = {1, 0, 2.5, 0, 1, 0, 0, R, 2, R / 2, 1, 0, 0, R, 2, R / 2, 1, 0,
          0, R / 2, .5, R, 1, 0, 0, R / 2, .5, R, 1, 0, 0, 1, 0, 2.5, 0, 1}};
/* Taps 0 and 2 and the even samples in the points without 0; tap 1 and the odd samples as they are. */
static const wino_matrices wino_stride2 = {
    .n = 9, .step = 8,
    .a = {1, 1, 1, 1, 0, 1, 0, 0, 0, R / 2, R / 2, R, R, 0, 0, 1, 0, 0, .5, .5, 2, 2, 0, 0, 0, 1, 0,
          R / 4, R / 4, 2 * R, 2 * R, 1, 0, 0, 0, 1},
    .g = {R / 3, 0, 1 / 3., R / 3, 0, 1 / 3., R / 6, 0, 1 / 3., R / 6, 0, 1 / 3., 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0},
    .b = {R, 0, 2, 0, R / 2, 0, 1, 0, 0, R, 0, 2, 0, R / 2, 0, 1, 0, 0, R / 2, 0, .5, 0, R, 0, 1, 0, 0,
          R / 2, 0, .5, 0, R, 0, 1, 0, 0, 1, 0, 0, 0, 2.5, 0, 0, 0, 1,
          0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}};

/* out[rows][rows] = m |in| m', in [cols][cols] */
static void sandwich(const double *m, int rows, int cols, const double *in, double *out)
{
    double t[81];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            t[i * cols + j] = 0;
            for (int k = 0; k < cols; k++) t[i * cols + j] += m[i * cols + k] * fabs(in[k * cols + j]);
        }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < rows; j++) {
            out[i * rows + j] = 0;
            for (int k = 0; k < cols; k++) out[i * rows + j] += t[i * cols + k] * m[j * cols + k];
        }
}

/* d[n][n] = window of a tile, channel c */
static void wino_window(const fvi_conv_params *p, const float *image, int size, int y0, int x0, int c, double *d)
{
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            int iy = y0 + y, ix = x0 + x;
            bool inside = iy >= 0 && iy < p->h && ix >= 0 && ix < p->w;
            d[size * y + x] = inside ? image[iy * p->in_h + ix * p->in_w + c] : 0;
        }
}

/* Magnitudes [n][ho][wo][cout] of the whole problem. */
double *ck_wino_magnitudes(const fvi_conv_params *p, const float *in, const float *w)
{
    const wino_matrices *s = p->sh == 2 ? &wino_stride2 : &wino_stride1;
    const int products = s->n * s->n;
    double *mag = calloc((size_t)p->n * (size_t)p->ho * (size_t)p->wo * (size_t)p->cout, sizeof *mag);
    double *u = malloc((size_t)(p->cout * p->cin * products) * sizeof *u), *v = malloc((size_t)(p->cin * products) * sizeof *v);
    for (int i = 0; i < p->cout * p->cin; i++) {
        double g[9];
        for (int k = 0; k < 9; k++) g[k] = w[i * 9 + k];
        sandwich(s->g, s->n, 3, g, u + i * products);
    }
    for (int n = 0; n < p->n; n++)
        for (int ty = 0; ty < p->ho; ty += 4)
            for (int tx = 0; tx < p->wo; tx += 4) {
                for (int c = 0; c < p->cin; c++) {
                    double d[81];
                    wino_window(p, in + n * p->in_n, s->n, ty / 4 * s->step - p->pt, tx / 4 * s->step - p->pl, c, d);
                    sandwich(s->b, s->n, s->n, d, v + c * products);
                }
                for (int o = 0; o < p->cout; o++) {
                    double m[81] = {0}, y[16];
                    for (int c = 0; c < p->cin; c++)
                        for (int k = 0; k < products; k++) m[k] += u[(o * p->cin + c) * products + k] * v[c * products + k];
                    sandwich(s->a, 4, s->n, m, y);
                    for (int i = 0; i < 4 && ty + i < p->ho; i++)
                        for (int j = 0; j < 4 && tx + j < p->wo; j++)
                            mag[((n * p->ho + ty + i) * p->wo + tx + j) * p->cout + o] = y[4 * i + j];
                }
            }
    free(u), free(v);
    return mag;
}

static double activate(fvi_kact act, double x, double a, double b)
{
    double t;
    switch (act) {
    case FVI_KACT_RELU: return x < 0 ? 0 : x;
    case FVI_KACT_LEAKY: return x < 0 ? a * x : x;
    case FVI_KACT_CLIP: return x < a ? a : x > b ? b : x;
    case FVI_KACT_SIGMOID: return 1 / (1 + exp(-x));
    case FVI_KACT_SILU: return x / (1 + exp(-x));
    case FVI_KACT_HARDSIGMOID: t = a * x + b; return t < 0 ? 0 : t > 1 ? 1 : t;
    case FVI_KACT_HARDSWISH: t = x / 6 + 0.5; return x * (t < 0 ? 0 : t > 1 ? 1 : t);
    case FVI_KACT_TANH: return tanh(x);
    case FVI_KACT_GELU: return 0.5 * x * erfc(-x * 0.70710678118654752440);
    default: return x;
    }
}

static const float *pixel(const problem *q, int n, int y, int x)
{
    return q->io.in + n * q->p.in_n + y * q->p.in_h + x * q->p.in_w;
}

/* Checks output pixel (n,y,x), all channels; wino = magnitudes of the whole problem, or null. */
static bool check_pixel(ck *c, const problem *q, int n, int y, int x, const double *wino)
{
    const fvi_conv_params *p = &q->p;
    const int cin = p->cin / p->groups, cout = p->cout / p->groups;
    for (int o = 0; o < p->cout; o++) {
        double sum = q->bias ? q->bias[o] : 0, mag = fabs(sum);
        for (int ky = 0; ky < p->kh; ky++)
            for (int kx = 0; kx < p->kw; kx++) {
                int iy = y * p->sh - p->pt + ky * p->dh, ix = x * p->sw - p->pl + kx * p->dw;
                if (iy < 0 || iy >= p->h || ix < 0 || ix >= p->w) continue;
                const float *a = pixel(q, n, iy, ix) + (o / cout) * cin * p->in_c;
                for (int i = 0; i < cin; i++) {
                    const float x1 = a[i * p->in_c];
                    double v = (double)(p->bf16 ? fvi_bf16_widen1(fvi_bf16_narrow1(x1)) : x1) * q->w[((o * cin + i) * p->kh + ky) * p->kw + kx];
                    sum += v, mag += fabs(v);
                }
            }
        if (p->pre) {
            const double v = q->io.pre[n * p->pre_n + (y >> p->pre_shift) * p->pre_h + (x >> p->pre_shift) * p->pre_w + o];
            sum += v, mag += fabs(v);
        }
        const double k = (double)cin * p->kh * p->kw, eps = FLT_EPSILON / 2;
        double want = activate(p->act, sum, p->alpha, p->beta);
        double terms = 8 + sqrt(k);
        if (wino) {
            terms = 20 + sqrt(cin);
            mag += wino[((n * p->ho + y) * p->wo + x) * p->cout + o];
        }
        double tol = 1.2 * terms * eps * mag + 1e-6 * fabs(want) + 1e-36;
        if (p->act == FVI_KACT_GELU || p->act == FVI_KACT_HARDSWISH) tol += 1e-6 * fabs(sum);
        if (p->residual) {
            want += q->io.res[n * p->res_n + y * p->res_h + x * p->res_w + o * p->res_c];
            tol += eps * fabs(want);
        }
        if (p->out_type == FV_BF16) tol += fabs(want) / 256 * 1.001 + 1.3e-4 * (fabs(want) + fabs(sum)) * (p->act != FVI_KACT_NONE);
        float got = q->io.out[n * p->out_n + y * p->out_h + x * p->out_w + o * p->out_c];
        if (!ck_near(c, got, want, tol, "out[%d][%d][%d][%d]", n, o, y, x)) return false;
    }
    return true;
}

/* All that is not an output value must still be painted. */
static void check_gaps(ck *c, const problem *q, const char *owned)
{
    for (size_t i = 0; i < q->out_count; i++)
        if (!owned[i] && !ck_is_painted(q->out_base + i, sizeof(float))) {
            ck_fail(c, "wrote outside its channels or pixels, at element %zu of the output buffer", i);
            return;
        }
}

/* NHWC input with stored zeros; everything between the channels of two pixels is NaN. */
static void make_input(ck *c, problem *q, int gap_w, int gap_h)
{
    fvi_conv_params *p = &q->p;
    p->in_c = 1;
    p->in_w = p->cin + gap_w;
    p->in_h = (p->w + 2 * p->halo) * p->in_w + gap_h;
    p->in_n = (p->h + 2 * p->halo) * p->in_h;
    const ptrdiff_t first = p->halo * (p->in_h + p->in_w);
    q->in_count = (size_t)(p->n * p->in_n - gap_h - gap_w);
    q->in_base = ck_in(c, q->in_count * sizeof(float));
    for (size_t i = 0; i < q->in_count; i++) q->in_base[i] = NAN;
    q->io.in = q->in_base + first;
    float *row = malloc((size_t)p->cin * sizeof *row);
    for (int n = 0; n < p->n; n++)
        for (int y = -p->halo; y < p->h + p->halo; y++)
            for (int x = -p->halo; x < p->w + p->halo; x++) {
                bool inside = y >= 0 && y < p->h && x >= 0 && x < p->w;
                for (int i = 0; i < p->cin; i++) row[i] = inside ? ck_uniform(c, -1, 1) : 0;
                memcpy(q->in_base + first + n * p->in_n + y * p->in_h + x * p->in_w, row, (size_t)p->cin * sizeof *row);
            }
    free(row);
}

static char *make_output(ck *c, problem *q, int gap_w, int gap_h)
{
    fvi_conv_params *p = &q->p;
    p->out_c = 1;
    p->out_w = p->cout + gap_w;
    p->out_h = p->wo * p->out_w + gap_h;
    p->out_n = p->ho * p->out_h;
    q->out_count = (size_t)(p->n * p->out_n);
    q->io.out = q->out_base = ck_out(c, q->out_count * sizeof(float));
    if (p->residual) {
        p->res_c = 1, p->res_w = p->cout + gap_h, p->res_h = p->wo * p->res_w, p->res_n = p->ho * p->res_h;
        size_t count = (size_t)(p->n * p->res_n - gap_h);
        float *r = ck_in(c, count * sizeof *r);
        for (size_t i = 0; i < count; i++) r[i] = ck_uniform(c, -2, 2);
        q->io.res = r, q->res_count = count;
    }
    if (p->pre) {
        p->pre_w = p->cout + gap_h;
        p->pre_h = ((p->wo >> p->pre_shift) + (p->wo & p->pre_shift)) * p->pre_w + gap_w;
        p->pre_n = ((p->ho >> p->pre_shift) + (p->ho & p->pre_shift)) * p->pre_h;
        size_t count = (size_t)(p->n * p->pre_n - gap_w - gap_h);
        float *r = ck_in(c, count * sizeof *r);
        for (size_t i = 0; i < count; i++) r[i] = ck_uniform(c, -2, 2);
        q->io.pre = r, q->pre_count = count;
    }
    char *owned = calloc(q->out_count, 1);
    for (int n = 0; n < p->n; n++)
        for (int y = 0; y < p->ho; y++)
            for (int x = 0; x < p->wo; x++) memset(owned + n * p->out_n + y * p->out_h + x * p->out_w, 1, (size_t)p->cout);
    return owned;
}

static void run_tactic(ck *c, const fvi_conv_tactic *t, const problem *q)
{
    const fvi_conv_algorithm *a = t->algorithm;
    size_t bytes = a->packed_bytes(t, &q->p), ws = a->workspace_bytes(t, &q->p);
    /* both may be written in full; guarding them finds packs that are too small */
    void *packed = aligned_alloc(64, (bytes + 127) / 64 * 64), *work = ws ? aligned_alloc(64, (ws + 127) / 64 * 64) : NULL;
    char *end = (char *)packed + bytes, *work_end = (char *)work + ws;
    memset(packed, 0xff, bytes + 16), memset(end, 0x5a, 16);
    if (work) memset(work, 0xff, ws), memset(work_end, 0x5a, 16);
    a->pack(t, &q->p, q->w, q->bias, packed);
    const int threads = ck_range(c, 1, 4), chunks = a->chunks(t, &q->p, threads);
    ck_true(c, chunks >= 1, "%d chunks", chunks);
    for (int i = chunks - 1; i >= 0; i--) a->run(t, &q->p, &q->io, packed, work, i, chunks);
    for (int i = 0; i < 16; i++) {
        if (!ck_true(c, end[i] == 0x5a, "wrote behind the packed weights")) break;
        if (work && !ck_true(c, work_end[i] == 0x5a, "wrote behind the workspace")) break;
    }
    free(packed), free(work);
}

/* The maps of q in the types of its parameters; their values are rounded in q, too, where they are. */
static uint16_t *narrow_map(ck *c, float *x, size_t count)
{
    uint16_t *y = ck_in(c, count * sizeof *y);
    for (size_t i = 0; i < count; i++) y[i] = fvi_bf16_narrow1(x[i]), x[i] = fvi_bf16_widen1(y[i]);
    return y;
}

static void run_low(ck *c, const fvi_conv_tactic *t, problem *q, const char *owned)
{
    const fvi_conv_params *p = &q->p;
    problem low = *q;
    uint16_t *out = NULL;
    if (p->in_type == FV_BF16) low.io.in = (const float *)(narrow_map(c, q->in_base, q->in_count) + (q->io.in - q->in_base));
    if (p->residual && p->res_type == FV_BF16) low.io.res = (const float *)narrow_map(c, (float *)q->io.res, q->res_count);
    if (p->pre && p->pre_type == FV_BF16) low.io.pre = (const float *)narrow_map(c, (float *)q->io.pre, q->pre_count);
    if (p->out_type == FV_BF16) low.io.out = (float *)(out = ck_out(c, q->out_count * sizeof *out));
    run_tactic(c, t, &low);
    for (size_t i = 0; out && i < q->out_count; i++) {
        if (owned[i])
            q->out_base[i] = fvi_bf16_widen1(out[i]);
        else if (!ck_true(c, ck_is_painted(out + i, sizeof *out), "wrote outside its channels or pixels, at element %zu of the output buffer", i))
            break;
    }
}

static void random_types(ck *c, fvi_conv_params *p)
{
    fv_dtype *const types[] = {&p->in_type, &p->out_type, &p->res_type, &p->pre_type};
    p->bf16 = ck_range(c, 0, 3) > 0;
    for (int i = 0; i < 4; i++) *types[i] = ck_range(c, 0, 2) ? FV_BF16 : FV_F32;
    if (!fvi_conv_is_low(p)) p->bf16 = true;
}

static void fill_weights(ck *c, problem *q)
{
    const fvi_conv_params *p = &q->p;
    size_t count = (size_t)p->cout * (size_t)(p->cin / p->groups) * (size_t)(p->kh * p->kw);
    q->w = ck_in(c, count * sizeof(float));
    ck_fill(c, q->w, count);
    for (size_t i = 0; p->bf16 && i < count; i++) q->w[i] = fvi_bf16_widen1(fvi_bf16_narrow1(q->w[i]));
    q->bias = ck_range(c, 0, 4) ? ck_in(c, (size_t)p->cout * sizeof(float)) : NULL;
    if (q->bias) ck_fill(c, q->bias, (size_t)p->cout);
}

static int out_size(int in, int k, int s, int d, int before, int after) { return (in + before + after - (k - 1) * d - 1) / s + 1; }

/* Sizes and attributes; false when they leave no output. */
static bool random_params(ck *c, fvi_conv_params *p, bool depthwise)
{
    static const int kernels[] = {1, 1, 3, 3, 3, 3, 5, 2, 7};
    *p = (fvi_conv_params){.n = ck_range(c, 0, 3) ? 1 : 2, .l1 = 32 << 10, .l2 = 1u << ck_range(c, 12, 19)};
    p->kh = kernels[ck_range(c, 0, 8)];
    p->kw = ck_range(c, 0, 5) ? p->kh : kernels[ck_range(c, 0, 8)];
    p->sh = ck_range(c, 0, 2) ? 1 : ck_range(c, 1, 3);
    p->sw = ck_range(c, 0, 5) ? p->sh : ck_range(c, 1, 3);
    p->dh = p->dw = ck_range(c, 0, 5) ? 1 : 2;
    p->h = ck_edge(c, 4, 21), p->w = ck_edge(c, 6, 45);
    p->groups = 1;
    if (depthwise) {
        p->cin = p->cout = p->groups = 1 + ck_edge(c, 16, 70);
    } else if (ck_range(c, 0, 6) == 0) {
        p->groups = ck_range(c, 2, 4);
        p->cin = p->groups * ck_range(c, 1, 9), p->cout = p->groups * ck_edge(c, 16, 20);
    } else {
        p->cin = ck_edge(c, 16, 70), p->cout = ck_edge(c, 16, 100);
    }
    int after[2] = {ck_range(c, 0, p->kh / 2), ck_range(c, 0, p->kw / 2)};
    p->pt = ck_range(c, 0, p->kh / 2), p->pl = ck_range(c, 0, p->kw / 2);
    int span_h = p->h + p->pt + after[0] - (p->kh - 1) * p->dh, span_w = p->w + p->pl + after[1] - (p->kw - 1) * p->dw;
    if (span_h < 1 || span_w < 1) return false;
    p->ho = out_size(p->h, p->kh, p->sh, p->dh, p->pt, after[0]);
    p->wo = out_size(p->w, p->kw, p->sw, p->dw, p->pl, after[1]);
    const int wide[4] = {p->pt, p->pl, after[0], after[1]};
    for (int i = 0; i < 4; i++)
        if (wide[i] > p->halo) p->halo = wide[i];
    p->halo += ck_range(c, 0, 4) == 0;
    p->act = (fvi_kact)ck_range(c, 0, FVI_KACT_COUNT - 1);
    p->alpha = p->act == FVI_KACT_CLIP ? -0.5f : 0.1f, p->beta = p->act == FVI_KACT_CLIP ? 6 : 0.5f;
    p->residual = ck_range(c, 0, 2) == 0;
    p->pre = !depthwise && ck_range(c, 0, 2) == 0;
    p->pre_shift = ck_range(c, 0, 1);
    return true;
}

static void describe(ck *c, const fvi_conv_params *p)
{
    char types[32] = "";
    if (fvi_conv_is_low(p)) snprintf(types, sizeof types, " types %d%d%d%d%s", p->in_type, p->out_type, p->res_type, p->pre_type, p->bf16 ? " bf16" : "");
    ck_shape(c, "n=%d %dx%d c=%d->%d g=%d k=%dx%d s=%d,%d d=%d,%d pad=%d,%d halo=%d out=%dx%d ld=%td,%td->%td,%td %s%s%s%s", p->n,
             p->h, p->w, p->cin, p->cout, p->groups, p->kh, p->kw, p->sh, p->sw, p->dh, p->dw, p->pt, p->pl, p->halo, p->ho,
             p->wo, p->in_w, p->in_h, p->out_w, p->out_h, fvi_kact_names[p->act], p->residual ? " + residual" : "",
             !p->pre ? "" : p->pre_shift ? " pre of half size" : " pre", types);
}

static void one(ck *c, const fvi_conv_tactic *t, problem *q)
{
    const bool dense = ck_range(c, 0, 1);
    make_input(c, q, dense ? 0 : ck_range(c, 1, 40), ck_range(c, 0, 1) ? 0 : 5);
    char *owned = make_output(c, q, ck_range(c, 0, 1) ? 0 : ck_range(c, 1, 40), ck_range(c, 0, 1) ? 0 : 7);
    fill_weights(c, q);
    describe(c, &q->p);
    if (fvi_conv_takes(t, &q->p)) {
        if (t->algorithm->low)
            run_low(c, t, q, owned);
        else
            run_tactic(c, t, q);
        const fvi_conv_params *p = &q->p;
        const bool inside = strstr(t->name, "wide") && p->kh == 3 && p->kw == 3 && p->sh == p->sw && p->sh < 3 && p->dh == 1 && p->dw == 1 && p->groups == 1;
        double *wino = inside || strstr(t->name, "winograd") ? ck_wino_magnitudes(&q->p, q->io.in, q->w) : NULL;
        bool ok = true;
        for (int n = 0; ok && n < q->p.n; n++)
            for (int y = 0; ok && y < q->p.ho; y++)
                for (int x = 0; ok && x < q->p.wo; x++) ok = check_pixel(c, q, n, y, x, wino);
        if (ok) check_gaps(c, q, owned);
        free(wino);
    }
    free(owned);
    ck_done(c);
}

static void check(ck *c, const ck_kernel *k)
{
    const fvi_conv_tactic *t = k->impl;
    const bool depthwise = strstr(t->name, "depthwise"), wino = strstr(t->name, "winograd");
    const int cases = ck_cases(c, 60);
    for (int i = 0; i < cases;) {
        problem q = {0};
        if (!random_params(c, &q.p, depthwise)) continue;
        if (wino) {
            const int stride = strstr(t->name, "winograd2") ? 2 : 1;
            q.p.kh = q.p.kw = 3, q.p.sh = q.p.sw = stride, q.p.dh = q.p.dw = 1;
            if (q.p.h + 2 * q.p.halo < 3 || q.p.w + 2 * q.p.halo < 3) continue;
            q.p.groups = 1;
            q.p.pre = false;
            if (q.p.halo > 1) q.p.halo = 1;
            q.p.pt = q.p.pl = q.p.halo;
            q.p.ho = out_size(q.p.h, 3, stride, 1, q.p.pt, q.p.pt), q.p.wo = out_size(q.p.w, 3, stride, 1, q.p.pl, q.p.pl);
        }
        if (t->algorithm->low) random_types(c, &q.p);
        i++;
        one(c, t, &q);
    }
}

/* ---- timing: the shapes of YOLOv8n at 640 that differ most, and a few depthwise ones ---- */

typedef struct bench_arg {
    const fvi_conv_tactic *t;
    problem q;
    void *packed, *work;
} bench_arg;

static void bench_call(void *arg)
{
    bench_arg *b = arg;
    b->t->algorithm->run(b->t, &b->q.p, &b->q.io, b->packed, b->work, 0, 1);
}

static void bench(ck *c, const ck_kernel *k)
{
    static const struct {
        int kernel, stride, cin, cout, size, groups;
    } shapes[] = {{3, 2, 3, 16, 320, 1},  {3, 2, 16, 32, 160, 1},   {3, 2, 64, 128, 40, 1}, {3, 2, 128, 256, 20, 1},
                  {3, 1, 16, 16, 160, 1}, {3, 1, 32, 32, 80, 1},    {3, 1, 64, 64, 80, 1},  {3, 1, 64, 64, 40, 1},
                  {3, 1, 80, 80, 80, 1},  {3, 1, 128, 128, 20, 1},  {3, 1, 256, 80, 20, 1}, {1, 1, 32, 32, 160, 1},
                  {1, 1, 48, 32, 160, 1}, {1, 1, 128, 64, 80, 1},   {1, 1, 192, 128, 40, 1}, {1, 1, 512, 256, 20, 1},
                  {3, 1, 64, 64, 80, 64}, {3, 2, 96, 96, 40, 96},   {5, 1, 128, 128, 20, 128}};
    const fvi_conv_tactic *t = k->impl;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        bench_arg b = {.t = t};
        fvi_conv_params *p = &b.q.p;
        const int s = shapes[i].stride, size = shapes[i].size;
        *p = (fvi_conv_params){.n = 1, .cin = shapes[i].cin, .cout = shapes[i].cout, .groups = shapes[i].groups,
                               .h = size * s, .w = size * s, .ho = size, .wo = size, .kh = shapes[i].kernel,
                               .kw = shapes[i].kernel, .sh = s, .sw = s, .dh = 1, .dw = 1, .pt = shapes[i].kernel / 2,
                               .pl = shapes[i].kernel / 2, .halo = shapes[i].kernel / 2, .act = FVI_KACT_SILU};
        fvi_cpu_cache cache;
        fvi_cpu_caches(&cache);
        p->l1 = cache.l1d ? cache.l1d : 32 << 10, p->l2 = cache.l2 ? cache.l2 : 512 << 10;
        if (t->algorithm->low) p->bf16 = true, p->in_type = p->out_type = FV_BF16;
        if (strstr(t->name, "reference") && fvi_conv_flops(p) > 1e8) continue;
        make_input(c, &b.q, 0, 0);
        free(make_output(c, &b.q, 0, 0));
        fill_weights(c, &b.q);
        if (t->algorithm->low) b.q.io.in = (const float *)(narrow_map(c, b.q.in_base, b.q.in_count) + (b.q.io.in - b.q.in_base));
        if (fvi_conv_takes(t, p) && (p->groups == 1 || !strstr(t->name, "direct"))) {
            b.packed = aligned_alloc(64, (t->algorithm->packed_bytes(t, p) + 63) / 64 * 64);
            b.work = aligned_alloc(64, (t->algorithm->workspace_bytes(t, p) + 127) / 64 * 64);
            t->algorithm->pack(t, p, b.q.w, b.q.bias, b.packed);
            char shape[64];
            snprintf(shape, sizeof shape, "%dx%d s%d %d->%d @%d%s", p->kh, p->kw, s, p->cin, p->cout, size,
                     p->groups > 1 ? " dw" : "");
            ck_time(c, shape, fvi_conv_flops(p), "FLOP", bench_call, &b);
            free(b.packed), free(b.work);
        }
        ck_done(c);
    }
}

const ck_family ck_conv = {"conv", list, check, bench};
