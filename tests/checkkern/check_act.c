/* check_act.c: activation rows (kern/act.h) against libm in double.
 *
 * Tolerance: relu, leaky, clip, hard-sigmoid and hard-swish are at most four roundings: 4 eps |y| (hard-swish and
 * hard-sigmoid: of the magnitudes added). Sigmoid, SiLU, tanh: 1e-6 |y|, as act.h promises. GELU cancels where erf is near
 * -1: 1e-6 max(|x|, tiny). A residual adds one rounding of the sum. */
#include "checkkern.h"
#include "kern/act.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const fvi_act_kern *const levels[] = {
    &fvi_act_c,
#ifdef FVI_X86
    &fvi_act_avx2, &fvi_act_avx512,
#endif
};

static int list(ck_kernel *out, int max)
{
    int n = 0;
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++)
        for (int a = 0; a < FVI_KACT_COUNT; a++) {
            fvi_cpu_flags level = ck_level(l);
            n = ck_add(out, max, n, level, (const void *)levels[l], a, "act %s %s", fvi_kact_names[a], fvi_cpu_level_name(level));
        }
    return n;
}

static double clip(double x, double a, double b) { return x < a ? a : x > b ? b : x; }

/* y, and what rounding errors are relative to */
static double reference(fvi_kact act, double x, double a, double b, double *scale)
{
    double y = x;
    switch (act) {
    case FVI_KACT_RELU: y = x < 0 ? 0 : x; break;
    case FVI_KACT_LEAKY: y = x < 0 ? a * x : x; break;
    case FVI_KACT_CLIP: y = clip(x, a, b); break;
    case FVI_KACT_SIGMOID: y = 1 / (1 + exp(-x)); break;
    case FVI_KACT_SILU: y = x / (1 + exp(-x)); break;
    case FVI_KACT_HARDSIGMOID: *scale = fabs(a * x) + fabs(b); return clip(a * x + b, 0, 1);
    case FVI_KACT_HARDSWISH: *scale = fabs(x) * (fabs(x) / 6 + 0.5); return x * clip(x / 6 + 0.5, 0, 1);
    case FVI_KACT_TANH: y = tanh(x); break;
    case FVI_KACT_GELU: *scale = fabs(x); return 0.5 * x * erfc(-x * 0.70710678118654752440);
    default: break;
    }
    *scale = fabs(y);
    return y;
}

static double tolerance(fvi_kact act, double scale)
{
    bool curve = act == FVI_KACT_SIGMOID || act == FVI_KACT_SILU || act == FVI_KACT_TANH || act == FVI_KACT_GELU;
    return (curve ? 1e-6 : 4 * (FLT_EPSILON / 2)) * scale + 2e-36; /* results below that may be flushed */
}

static void one(ck *c, fvi_act_fn fn, fvi_kact act)
{
    const int rows = ck_edge(c, 4, 9), cols = ck_edge(c, 16, 70), ldd = cols + ck_range(c, 0, 5), lds = cols + ck_range(c, 0, 20);
    const int ldr = cols + ck_range(c, 0, 3);
    const bool has_res = ck_range(c, 0, 1), in_place = ck_range(c, 0, 3) == 0;
    const float alpha = act == FVI_KACT_CLIP ? -0.5f : ck_uniform(c, 0, 0.3f), beta = act == FVI_KACT_CLIP ? 6 : 0.5f;
    ck_shape(c, "rows=%d cols=%d ldd=%d lds=%d res=%d in_place=%d", rows, cols, ldd, lds, has_res, in_place);
    size_t ns = (size_t)(rows - 1) * (size_t)lds + (size_t)cols, nd = (size_t)(rows - 1) * (size_t)ldd + (size_t)cols;
    float *dst = ck_out(c, nd * sizeof *dst), *src = in_place ? dst : ck_in(c, ns * sizeof *src);
    float *keep = ck_in(c, (size_t)(rows * cols) * sizeof *keep), *res = NULL;
    const ptrdiff_t step = in_place ? ldd : lds;
    const float range = ck_range(c, 0, 2) ? 10 : 120;
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < cols; i++) {
            float x = ck_uniform(c, -range, range);
            if (ck_range(c, 0, 60) == 0) x = 0;
            if (ck_range(c, 0, 200) == 0) x = NAN;
            keep[r * cols + i] = src[r * step + i] = x;
        }
    if (has_res) {
        res = ck_in(c, ((size_t)(rows - 1) * (size_t)ldr + (size_t)cols) * sizeof *res);
        for (int r = 0; r < rows; r++)
            for (int i = 0; i < cols; i++) res[r * ldr + i] = ck_uniform(c, -2, 2);
    }
    fn(dst, ldd, src, step, res, ldr, rows, cols, alpha, beta);
    for (int r = 0; r < rows; r++) {
        for (int i = 0; i < cols; i++) {
            double x = keep[r * cols + i], scale, y = reference(act, x, alpha, beta, &scale), tol = tolerance(act, scale);
            if (isnan(x)) y = NAN;
            if (res) {
                y += res[r * ldr + i];
                tol += FLT_EPSILON / 2 * fabs(y);
            }
            if (!ck_near(c, dst[r * ldd + i], y, tol, "act(%.9g) at [%d][%d]", x, r, i)) break;
        }
        if (r + 1 < rows && !in_place)
            ck_true(c, ck_is_painted(dst + r * ldd + cols, (size_t)(ldd - cols) * sizeof *dst), "wrote past column %d", cols);
    }
    ck_done(c);
}

static void check(ck *c, const ck_kernel *k)
{
    for (int i = 0; i < ck_cases(c, 60); i++) one(c, ((const fvi_act_kern *)k->impl)->fn[k->index], (fvi_kact)k->index);
}

typedef struct bench_arg {
    fvi_act_fn fn;
    float *dst, *src;
    int rows, cols;
} bench_arg;

static void bench_call(void *arg)
{
    bench_arg *b = arg;
    b->fn(b->dst, b->cols, b->src, b->cols, NULL, 0, b->rows, b->cols, 0.1f, 0.5f);
}

static void bench(ck *c, const ck_kernel *k)
{
    bench_arg b = {.fn = ((const fvi_act_kern *)k->impl)->fn[k->index], .rows = 64, .cols = 64};
    b.dst = ck_out(c, 4096 * sizeof(float)), b.src = ck_in(c, 4096 * sizeof(float));
    for (int i = 0; i < 4096; i++) b.src[i] = ck_uniform(c, -8, 8);
    char shape[64];
    snprintf(shape, sizeof shape, "%s 64x64", fvi_kact_names[k->index]);
    ck_time(c, shape, 4096, "elements", bench_call, &b);
}

const ck_family ck_act = {"act", list, check, bench};
