/* check_qconv.c: every byte convolution tactic against its definition (qconv.h), sums in whole numbers and the rest in double, and,
 * where no exp is involved, bit for bit against the reference.
 *
 * Tolerance: sums are exact. Four float roundings and an activation within 1e-6 (kern/act.h) follow: v is within
 * 3e-6 (|sum scale| + |bias| + |residual|); a byte is within half a step of v / scale, plus that. Tactics that sum in floats are off by
 * what float convolutions are off by (check_conv.c), besides. */
#include "checkkern.h"
#include "kern/qconv.h"
#include "wino_bound.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int list(ck_kernel *out, int max)
{
    int n = 0;
    for (const fvi_qconv_tactic *t = fvi_qconv_tactics; t->name; t++) n = ck_add(out, max, n, t->level, t, 0, "%s", t->name);
    return n;
}

typedef struct problem {
    fvi_qconv_params p;
    fvi_qconv_io io;
    int8_t *w;
    float *scale, *bias;
    double *wino; /* null, or magnitudes that Winograd's roundings are a share of [n][ho][wo][cout] */
    uint8_t table[256];
    size_t out_bytes;
} problem;

static double activate(fvi_kact act, double x, double a, double b)
{
    const double t = a * x + b, s = x / 6 + 0.5;
    switch (act) {
    case FVI_KACT_RELU: return x < 0 ? 0 : x;
    case FVI_KACT_LEAKY: return x < 0 ? a * x : x;
    case FVI_KACT_CLIP: return x < a ? a : x > b ? b : x;
    case FVI_KACT_SIGMOID: return 1 / (1 + exp(-x));
    case FVI_KACT_SILU: return x / (1 + exp(-x));
    case FVI_KACT_HARDSIGMOID: return t < 0 ? 0 : t > 1 ? 1 : t;
    case FVI_KACT_HARDSWISH: return x * (s < 0 ? 0 : s > 1 ? 1 : s);
    case FVI_KACT_TANH: return tanh(x);
    case FVI_KACT_GELU: return 0.5 * x * erfc(-x * 0.70710678118654752440);
    default: return x;
    }
}

static int32_t sum_at(const problem *q, int n, int y, int x, int o, double *magnitude)
{
    const fvi_qconv_params *p = &q->p;
    const int cin = p->cin / p->groups, group = o / (p->cout / p->groups);
    int32_t sum = 0;
    *magnitude = 0;
    for (int ky = 0; ky < p->kh; ky++)
        for (int kx = 0; kx < p->kw; kx++) {
            const int iy = y * p->sh - p->pt + ky * p->dh, ix = x * p->sw - p->pl + kx * p->dw;
            if (iy < 0 || iy >= p->h || ix < 0 || ix >= p->w) continue; /* the halo holds the zero point */
            const uint8_t *a = q->io.in + n * p->in_n + iy * p->in_h + ix * p->in_w + group * cin;
            for (int i = 0; i < cin; i++) {
                const int32_t v = (a[i] - p->zero) * q->w[((o * cin + i) * p->kh + ky) * p->kw + kx];
                sum += v;
                *magnitude += abs(v);
            }
        }
    return sum;
}

static bool check_value(ck *c, const problem *q, bool rounds, int n, int y, int x, int o)
{
    const fvi_qconv_params *p = &q->p;
    double magnitude;
    const double s = (double)sum_at(q, n, y, x, o, &magnitude) * q->scale[o], b = q->bias ? q->bias[o] : 0;
    const ptrdiff_t r = n * p->res_n + y * p->res_h + x * p->res_w + o, at = n * p->out_n + y * p->out_h + x * p->out_w + o;
    const double res = p->residual == FVI_QCONV_BYTES    ? (((const uint8_t *)q->io.res)[r] - p->res_zero) * (double)p->res_scale
                       : p->residual == FVI_QCONV_FLOATS ? ((const float *)q->io.res)[r]
                                                         : 0;
    const double want = activate(p->act, s + b, p->alpha, p->beta) + res, terms = q->wino ? 20 + sqrt(p->cin) : 8 + sqrt((double)p->cin / p->groups * p->kh * p->kw);
    double tolerance = 3e-6 * (fabs(s) + fabs(b) + fabs(res) + 1);
    magnitude = magnitude * q->scale[o] + fabs(b) + (q->wino ? q->wino[((n * p->ho + y) * p->wo + x) * p->cout + o] : 0);
    if (rounds) tolerance += 1.2 * terms * FLT_EPSILON / 2 * magnitude;
    if (!p->bytes) return ck_near(c, ((const float *)q->io.out)[at], want, tolerance, "out[%d][%d][%d][%d]", n, o, y, x);
    const uint8_t got = ((const uint8_t *)q->io.out)[at];
    const double exact = fmin(fmax(want * p->y_inv + p->y_zero, 0), 255), off = 0.5 + tolerance * p->y_inv;
    const int low = (int)fmax(ceil(exact - off), 0), high = (int)fmin(floor(exact + off), 255);
    bool fits = false;
    for (int v = low; v <= high; v++) fits |= got == (q->io.table ? q->table[v] : v);
    return ck_true(c, fits, "out[%d][%d][%d][%d] = %d, want %.3f%s", n, o, y, x, got, exact, q->io.table ? " through the table" : "");
}

static void run_tactic(ck *c, const fvi_qconv_tactic *t, const problem *q, void *out, int threads)
{
    const fvi_qconv_algorithm *a = t->algorithm;
    fvi_qconv_io io = q->io;
    io.out = out;
    const size_t bytes = a->packed_bytes(t, &q->p), ws = a->workspace_bytes(t, &q->p);
    char *packed = aligned_alloc(64, (bytes + 127) / 64 * 64), *work = aligned_alloc(64, (ws + 127) / 64 * 64);
    memset(packed + bytes, 0x5a, 16), memset(work + ws, 0x5a, 16);
    float *room = malloc(fvi_qconv_weights(&q->p) * sizeof *room);
    a->pack(t, &q->p, q->w, q->scale, q->bias, room, packed);
    free(room);
    const int chunks = a->chunks(t, &q->p, threads);
    ck_true(c, chunks >= 1, "%d chunks", chunks);
    for (int i = chunks - 1; i >= 0; i--) a->run(t, &q->p, &io, packed, work, i, chunks);
    for (int i = 0; i < 16; i++)
        if (!ck_true(c, packed[bytes + (size_t)i] == 0x5a && work[ws + (size_t)i] == 0x5a, "wrote behind the packed weights or the workspace")) break;
    free(packed), free(work);
}

static void make_input(ck *c, problem *q)
{
    fvi_qconv_params *p = &q->p;
    const int gap = ck_range(c, 0, 1) ? ck_range(c, 1, 40) : 0;
    p->in_w = p->cin + gap, p->in_h = (p->w + 2 * p->halo) * p->in_w + (ck_range(c, 0, 1) ? 0 : 5), p->in_n = (p->h + 2 * p->halo) * p->in_h;
    uint8_t *base = ck_in(c, (size_t)(p->n * p->in_n));
    ck_fill_bytes(c, base, (size_t)(p->n * p->in_n));
    q->io.in = base + p->halo * (p->in_h + p->in_w);
    for (int n = 0; n < p->n; n++)
        for (int y = -p->halo; y < p->h + p->halo; y++)
            for (int x = -p->halo; x < p->w + p->halo; x++)
                if (y < 0 || y >= p->h || x < 0 || x >= p->w) memset(base + p->halo * (p->in_h + p->in_w) + n * p->in_n + y * p->in_h + x * p->in_w, p->zero, (size_t)p->cin);
}

static void make_rest(ck *c, problem *q)
{
    fvi_qconv_params *p = &q->p;
    const size_t count = fvi_qconv_weights(p);
    q->w = ck_in(c, count);
    ck_fill_bytes(c, q->w, count);
    q->scale = ck_in(c, (size_t)p->cout * sizeof(float));
    for (int o = 0; o < p->cout; o++) q->scale[o] = ck_uniform(c, 1e-5f, 4e-4f);
    q->bias = ck_range(c, 0, 3) ? ck_in(c, (size_t)p->cout * sizeof(float)) : NULL;
    for (int o = 0; q->bias && o < p->cout; o++) q->bias[o] = ck_uniform(c, -2, 2);
    if (p->residual != FVI_QCONV_NONE) {
        const size_t size = p->residual == FVI_QCONV_BYTES ? 1 : sizeof(float);
        p->res_w = p->cout + ck_range(c, 0, 3), p->res_h = p->wo * p->res_w, p->res_n = p->ho * p->res_h;
        void *r = ck_in(c, (size_t)(p->n * p->res_n) * size);
        if (size == 1) ck_fill_bytes(c, r, (size_t)(p->n * p->res_n));
        for (ptrdiff_t i = 0; size > 1 && i < p->n * p->res_n; i++) ((float *)r)[i] = ck_uniform(c, -3, 3);
        q->io.res = r;
    }
    ck_fill_bytes(c, q->table, sizeof q->table);
    if (p->bytes && ck_range(c, 0, 2) == 0) q->io.table = q->table;
    p->out_w = p->cout + (ck_range(c, 0, 1) ? 0 : ck_range(c, 1, 40)), p->out_h = p->wo * p->out_w + (ck_range(c, 0, 1) ? 0 : 7), p->out_n = p->ho * p->out_h;
    q->out_bytes = (size_t)(p->n * p->out_n) * (p->bytes ? 1 : sizeof(float));
}

static int out_size(int in, int k, int s, int d, int before, int after) { return (in + before + after - (k - 1) * d - 1) / s + 1; }

static bool random_params(ck *c, fvi_qconv_params *p)
{
    static const int kernels[] = {1, 1, 1, 3, 3, 3, 5, 2};
    *p = (fvi_qconv_params){.n = ck_range(c, 0, 3) ? 1 : 2, .l2 = (size_t)1 << ck_range(c, 12, 19)};
    p->kh = kernels[ck_range(c, 0, 7)], p->kw = ck_range(c, 0, 5) ? p->kh : kernels[ck_range(c, 0, 7)];
    p->sh = ck_range(c, 0, 2) ? 1 : ck_range(c, 1, 3), p->sw = ck_range(c, 0, 5) ? p->sh : ck_range(c, 1, 3);
    p->dh = p->dw = ck_range(c, 0, 5) ? 1 : 2;
    p->h = ck_edge(c, 4, 17), p->w = ck_edge(c, 6, 33);
    p->cin = ck_edge(c, 16, 70), p->cout = ck_edge(c, 16, 70);
    p->groups = ck_range(c, 0, 5) ? 1 : ck_range(c, 0, 1) ? p->cin : 2;
    if (p->groups > 1) p->cin = (p->cin + p->groups - 1) / p->groups * p->groups, p->cout = p->groups == p->cin ? p->cin : (p->cout + 1) / 2 * 2;
    const int after[2] = {ck_range(c, 0, p->kh / 2), ck_range(c, 0, p->kw / 2)};
    p->pt = ck_range(c, 0, p->kh / 2), p->pl = ck_range(c, 0, p->kw / 2);
    if (p->h + p->pt + after[0] - (p->kh - 1) * p->dh < 1 || p->w + p->pl + after[1] - (p->kw - 1) * p->dw < 1) return false;
    p->ho = out_size(p->h, p->kh, p->sh, p->dh, p->pt, after[0]), p->wo = out_size(p->w, p->kw, p->sw, p->dw, p->pl, after[1]);
    const int wide[4] = {p->pt, p->pl, after[0], after[1]};
    for (int i = 0; i < 4; i++)
        if (wide[i] > p->halo) p->halo = wide[i];
    p->zero = ck_range(c, 0, 255);
    p->act = (fvi_kact)ck_range(c, 0, FVI_KACT_COUNT - 1);
    p->alpha = p->act == FVI_KACT_CLIP ? -0.5f : 0.1f, p->beta = p->act == FVI_KACT_CLIP ? 6 : 0.5f;
    p->bytes = ck_range(c, 0, 3);
    p->residual = (fvi_qconv_residual)ck_range(c, 0, 2);
    p->res_scale = 0.02f, p->res_zero = ck_range(c, 0, 255);
    p->y_inv = ck_uniform(c, 5, 60), p->y_zero = ck_range(c, 0, 255);
    return true;
}

/* The map as floats, and the weights: what the tactics that sum in floats see. */
static double *wino_of(const problem *q)
{
    const fvi_qconv_params *p = &q->p;
    if (p->groups > 1 || p->kh != 3 || p->kw != 3 || p->dh != 1 || p->sh != p->sw || p->sh > 2) return NULL;
    fvi_conv_params f = {.n = p->n, .cin = p->cin, .h = p->h, .w = p->w, .cout = p->cout, .ho = p->ho, .wo = p->wo, .groups = 1, .kh = 3, .kw = 3, .sh = p->sh, .sw = p->sw,
                         .dh = 1, .dw = 1, .pt = p->pt, .pl = p->pl, .halo = p->halo, .in_c = 1, .in_w = p->cin, .in_h = (p->w + 2 * p->halo) * p->cin};
    f.in_n = (p->h + 2 * p->halo) * f.in_h;
    const size_t weights = fvi_qconv_weights(p), each = weights / (size_t)p->cout;
    float *x = calloc((size_t)(p->n * f.in_n), sizeof *x), *w = malloc(weights * sizeof *w), *origin = x + p->halo * (f.in_h + f.in_w);
    for (int n = 0; n < p->n; n++)
        for (int y = 0; y < p->h; y++)
            for (int i = 0; i < p->w; i++)
                for (int k = 0; k < p->cin; k++) origin[n * f.in_n + y * f.in_h + i * f.in_w + k] = (float)(q->io.in[n * p->in_n + y * p->in_h + i * p->in_w + k] - p->zero);
    for (size_t i = 0; i < weights; i++) w[i] = (float)q->w[i] * q->scale[i / each];
    double *m = ck_wino_magnitudes(&f, origin, w);
    free(x), free(w);
    return m;
}

static void compare_with_reference(ck *c, const problem *q)
{
    const fvi_qconv_params *p = &q->p;
    const size_t size = p->bytes ? 1 : sizeof(float);
    char *other = malloc(q->out_bytes);
    run_tactic(c, fvi_qconv_tactics, q, other, 1);
    bool ok = true;
    for (int n = 0; ok && n < p->n; n++)
        for (int y = 0; ok && y < p->ho; y++)
            for (int x = 0; ok && x < p->wo; x++) {
                const size_t at = (size_t)(n * p->out_n + y * p->out_h + x * p->out_w) * size;
                ok = ck_same(c, (const char *)q->io.out + at, other + at, (size_t)p->cout * size, "bits of the reference");
            }
    free(other);
}

static void check(ck *c, const ck_kernel *k)
{
    const fvi_qconv_tactic *t = k->impl;
    for (int i = 0, cases = ck_cases(c, 60); i < cases;) {
        problem q = {0};
        if (!random_params(c, &q.p)) continue;
        i++;
        const fvi_qconv_params *p = &q.p;
        make_input(c, &q);
        make_rest(c, &q);
        q.io.out = ck_out(c, q.out_bytes);
        ck_shape(c, "n=%d %dx%d c=%d->%d groups=%d k=%dx%d s=%d,%d d=%d pad=%d,%d halo=%d out=%dx%d ld=%td,%td->%td,%td zero=%d %s%s%s%s", p->n, p->h, p->w, p->cin, p->cout, p->groups, p->kh,
                 p->kw, p->sh, p->sw, p->dh, p->pt, p->pl, p->halo, p->ho, p->wo, p->in_w, p->in_h, p->out_w, p->out_h, p->zero, fvi_kact_names[p->act],
                 p->residual == FVI_QCONV_NONE ? "" : p->residual == FVI_QCONV_BYTES ? " + bytes" : " + floats", p->bytes ? " to bytes" : "", q.io.table ? ", table" : "");
        if (t->algorithm->supports(t, p)) {
            run_tactic(c, t, &q, q.io.out, ck_range(c, 1, 4));
            const bool rounds = t->algorithm->rounds;
            q.wino = rounds ? wino_of(&q) : NULL;
            bool ok = true;
            for (int n = 0; ok && n < p->n; n++)
                for (int y = 0; ok && y < p->ho; y++)
                    for (int x = 0; ok && x < p->wo; x++)
                        for (int o = 0; ok && o < p->cout; o++) ok = check_value(c, &q, rounds, n, y, x, o);
            const bool plain = p->act == FVI_KACT_NONE || p->act == FVI_KACT_RELU || p->act == FVI_KACT_LEAKY || p->act == FVI_KACT_CLIP;
            free(q.wino);
            if (ok && plain && !rounds && t != fvi_qconv_tactics) compare_with_reference(c, &q);
            for (ptrdiff_t g = p->cout; ok && g < p->out_w && p->out_w > p->cout; g++) /* between the channels of two pixels */
                ok = ck_true(c, ck_is_painted((char *)q.io.out + (size_t)g * (p->bytes ? 1 : 4), p->bytes ? 1 : 4), "wrote past its channels");
        }
        ck_done(c);
    }
}

/* ---- timing: shapes of YOLOv8n at 640 ---- */

typedef struct bench_arg {
    const fvi_qconv_tactic *t;
    problem q;
    void *packed, *work;
} bench_arg;

static void bench_run(void *arg)
{
    bench_arg *b = arg;
    b->t->algorithm->run(b->t, &b->q.p, &b->q.io, b->packed, b->work, 0, 1);
}

static void bench(ck *c, const ck_kernel *k)
{
    static const struct {
        int cin, cout, size, k, s;
    } shapes[] = {{3, 16, 640, 3, 2}, {16, 32, 320, 3, 2}, {16, 16, 160, 3, 1}, {32, 32, 80, 3, 1}, {64, 64, 40, 3, 1}, {128, 128, 20, 3, 1}, {48, 32, 160, 1, 1}, {192, 128, 40, 1, 1}, {384, 256, 20, 1, 1}};
    const fvi_qconv_tactic *t = k->impl;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        bench_arg b = {.t = t};
        fvi_qconv_params *p = &b.q.p;
        const int out = shapes[i].size / shapes[i].s;
        *p = (fvi_qconv_params){.n = 1, .cin = shapes[i].cin, .h = shapes[i].size, .w = shapes[i].size, .cout = shapes[i].cout, .ho = out, .wo = out, .kh = shapes[i].k,
                                .kw = shapes[i].k, .groups = 1, .sh = shapes[i].s, .sw = shapes[i].s, .dh = 1, .dw = 1, .pt = shapes[i].k / 2, .pl = shapes[i].k / 2, .halo = shapes[i].k / 2,
                                .zero = 17, .bytes = true, .y_inv = 30, .y_zero = 9, .act = FVI_KACT_SILU, .l2 = 512 << 10};
        make_input(c, &b.q);
        make_rest(c, &b.q);
        b.q.io.table = NULL;
        b.q.io.out = ck_out(c, b.q.out_bytes);
        b.packed = aligned_alloc(64, (t->algorithm->packed_bytes(t, p) + 63) / 64 * 64);
        b.work = aligned_alloc(64, (t->algorithm->workspace_bytes(t, p) + 64) / 64 * 64);
        float *room = malloc(fvi_qconv_weights(p) * sizeof *room);
        t->algorithm->pack(t, p, b.q.w, b.q.scale, b.q.bias, room, b.packed);
        free(room);
        char name[64];
        snprintf(name, sizeof name, "%d->%d %dx%d k%d s%d", p->cin, p->cout, p->h, p->w, p->kh, p->sh);
        ck_time(c, name, 2.0 * p->ho * p->wo * p->cout * p->cin * p->kh * p->kw, "OP", bench_run, &b);
        free(b.packed), free(b.work);
        ck_done(c);
    }
}

const ck_family ck_qconv = {"qconv", list, check, bench};
