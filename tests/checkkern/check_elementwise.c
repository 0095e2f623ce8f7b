/* check_elementwise.c: unary and binary float rows (kern/elementwise.h) against double.
 *
 * Tolerance: one rounding (eps/2 |y|) where the operation is one; exp, log, erf: 1e-6 |y| as vmath.h promises; x scale +
 * shift: two roundings of what is added. Results below 2^-125 may be flushed. */
#include "checkkern.h"
#include "kern/elementwise.h"
#include <float.h>
#include <math.h>
#include <stdio.h>

static const char *const unary_names[FVI_UNARY_COUNT] = {"abs", "neg", "sqrt", "exp", "log", "erf", "ceil", "floor", "reciprocal", "square"};
static const char *const binary_names[FVI_BINARY_COUNT] = {"add", "sub", "mul", "div", "max", "min", "prelu", "pow", "mod", "fmod"};
enum { MULADD = FVI_UNARY_COUNT + FVI_BINARY_COUNT, QUANT, KERNELS };

static int list(ck_kernel *out, int max)
{
    int n = 0;
    for (int l = 0; l < CK_LEVELS; l++)
        for (int k = 0; k < KERNELS; k++) {
            fvi_cpu_flags level = ck_level(l);
            const char *what = k < FVI_UNARY_COUNT ? unary_names[k] : k < MULADD ? binary_names[k - FVI_UNARY_COUNT] : k == MULADD ? "muladd" : "quant";
            if (l > 0 && k >= FVI_UNARY_COUNT + FVI_BINARY_POW && k < MULADD) continue; /* C only */
            n = ck_add(out, max, n, level, NULL, k, "elementwise %s %s", what, fvi_cpu_level_name(level));
        }
    return n;
}

static double unary(int op, double x)
{
    switch (op) {
    case FVI_UNARY_ABS: return fabs(x);
    case FVI_UNARY_NEG: return -x;
    case FVI_UNARY_SQRT: return sqrt(x);
    case FVI_UNARY_EXP: return exp(x);
    case FVI_UNARY_LOG: return log(x);
    case FVI_UNARY_ERF: return erf(x);
    case FVI_UNARY_CEIL: return ceil(x);
    case FVI_UNARY_FLOOR: return floor(x);
    case FVI_UNARY_RECIPROCAL: return 1 / x;
    default: return x * x;
    }
}

static double binary(int op, double a, double b)
{
    switch (op) {
    case FVI_BINARY_ADD: return a + b;
    case FVI_BINARY_SUB: return a - b;
    case FVI_BINARY_MUL: return a * b;
    case FVI_BINARY_DIV: return a / b;
    case FVI_BINARY_MAX: return isnan(a) || isnan(b) ? NAN : fmax(a, b);
    case FVI_BINARY_MIN: return isnan(a) || isnan(b) ? NAN : fmin(a, b);
    case FVI_BINARY_PRELU: return a < 0 ? a * b : a;
    case FVI_BINARY_POW: return pow(a, b);
    case FVI_BINARY_MOD: return fmod(a, b) != 0 && (fmod(a, b) < 0) != (b < 0) ? fmod(a, b) + b : fmod(a, b);
    default: return fmod(a, b);
    }
}

static fvi_elementwise table(const ck_kernel *k)
{
    fvi_elementwise t;
    fvi_elementwise_init(&t, 2 * k->level - 1);
    return t;
}

static float any(ck *c, float range)
{
    int kind = ck_range(c, 0, 40);
    return kind == 0 ? 0 : kind == 1 ? NAN : kind == 2 ? ck_uniform(c, -1e30f, 1e30f) : kind == 3 ? (float)ck_range(c, -3, 3) : ck_uniform(c, -range, range);
}

static void one(ck *c, const ck_kernel *k)
{
    const fvi_elementwise t = table(k);
    const int n = ck_edge(c, 16, 200), op = k->index;
    const bool in_place = ck_range(c, 0, 3) == 0, curve = op == FVI_UNARY_EXP || op == FVI_UNARY_LOG || op == FVI_UNARY_ERF || op == FVI_UNARY_COUNT + FVI_BINARY_POW;
    const float range = ck_range(c, 0, 1) ? 3 : 120;
    ck_shape(c, "n=%d in_place=%d range=%g", n, in_place, (double)range);
    size_t bytes = (size_t)n * sizeof(float);
    float *y = ck_out(c, bytes), *a = in_place ? y : ck_in(c, bytes), *b = ck_in(c, bytes), *d = ck_in(c, bytes), *keep = ck_in(c, bytes);
    for (int i = 0; i < n; i++) {
        keep[i] = any(c, range);
        if (op == FVI_UNARY_SQRT || op == FVI_UNARY_COUNT + FVI_BINARY_POW) keep[i] = fabsf(keep[i]);
        a[i] = keep[i];
        b[i] = any(c, 3);
        d[i] = ck_uniform(c, -3, 3);
    }
    if (op < FVI_UNARY_COUNT)
        t.unary[op](y, a, (size_t)n);
    else if (op < MULADD)
        t.binary[op - FVI_UNARY_COUNT](y, a, b, (size_t)n);
    else
        t.muladd(y, a, b, d, (size_t)n);
    for (int i = 0; i < n; i++) {
        double x = keep[i], want = op < FVI_UNARY_COUNT ? unary(op, x) : op < MULADD ? binary(op - FVI_UNARY_COUNT, x, b[i]) : x * b[i] + d[i];
        double scale = op == MULADD ? fabs(x * b[i]) + fabs((double)d[i]) : fabs(want);
        if (fabs(want) > FLT_MAX) continue; /* overflow is checked by the operator's goldens */
        if (!ck_near(c, y[i], want, (curve ? 1e-6 : (op == MULADD ? 2 : 1) * (FLT_EPSILON / 2)) * scale + 3e-38, "(%.9g, %.9g) at [%d]", x, (double)b[i], i)) break;
    }
    ck_done(c);
}

/* Every level gives what the book says, to the last bit; halves come from whole numbers of a scale of a power of two. */
static void quant(ck *c, const ck_kernel *k)
{
    const fvi_elementwise t = table(k);
    const int n = ck_edge(c, 16, 200), zero = ck_range(c, 0, 255);
    const bool in_place = ck_range(c, 0, 3) == 0;
    const float scale = ck_range(c, 0, 1) ? 0.25f : ck_uniform(c, 0.001f, 0.1f), lo = (float)-zero, hi = (float)(255 - zero), out = ck_range(c, 0, 1) ? 1 : scale;
    ck_shape(c, "n=%d in_place=%d scale=%g zero=%d", n, in_place, (double)scale, zero);
    size_t bytes = (size_t)n * sizeof(float);
    float *y = ck_out(c, bytes), *x = in_place ? y : ck_in(c, bytes), *keep = ck_in(c, bytes);
    for (int i = 0; i < n; i++) x[i] = keep[i] = ck_range(c, 0, 3) ? any(c, 20) : (float)ck_range(c, -300, 300) * 0.125f;
    t.quant(y, x, (size_t)n, scale, lo, hi, out);
    for (int i = 0; i < n; i++) {
        float v = keep[i] / scale, r = rintf(v > lo ? v < hi ? v : hi : lo) * out;
        if (!ck_near(c, y[i], r, 0, "(%.9g) at [%d]", (double)keep[i], i)) break;
    }
    ck_done(c);
}

static void check(ck *c, const ck_kernel *k)
{
    for (int i = 0; i < ck_cases(c, 40); i++) (k->index == QUANT ? quant : one)(c, k);
}

typedef struct bench_arg {
    fvi_elementwise t;
    int op;
    float *y, *a, *b;
} bench_arg;

static void call(void *arg)
{
    bench_arg *b = arg;
    if (b->op < FVI_UNARY_COUNT)
        b->t.unary[b->op](b->y, b->a, 4096);
    else if (b->op < MULADD)
        b->t.binary[b->op - FVI_UNARY_COUNT](b->y, b->a, b->b, 4096);
    else if (b->op == MULADD)
        b->t.muladd(b->y, b->a, b->b, b->b, 4096);
    else
        b->t.quant(b->y, b->a, 4096, 0.05f, -128, 127, 0.05f);
}

static void bench(ck *c, const ck_kernel *k)
{
    bench_arg b = {.t = table(k), .op = k->index, .y = ck_out(c, 4096 * sizeof(float)), .a = ck_in(c, 4096 * sizeof(float)), .b = ck_in(c, 4096 * sizeof(float))};
    for (int i = 0; i < 4096; i++) b.a[i] = ck_uniform(c, 0.1f, 8), b.b[i] = ck_uniform(c, 0.1f, 8);
    char shape[64];
    snprintf(shape, sizeof shape, "%s 4096", b.op < FVI_UNARY_COUNT ? unary_names[b.op] : b.op < MULADD ? binary_names[b.op - FVI_UNARY_COUNT] : b.op == MULADD ? "muladd" : "quant");
    ck_time(c, shape, 4096, "elements", call, &b);
}

const ck_family ck_elementwise = {"elementwise", list, check, bench};
