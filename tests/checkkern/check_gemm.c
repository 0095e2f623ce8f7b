/* check_gemm.c: the matrix product tile and its packing (kern/gemm.h) against double.
 * Tolerance: k roundings of the sum of magnitudes, (k + 2) eps/2. */
#include "checkkern.h"
#include "kern/gemm.h"
#include <float.h>
#include <math.h>
#include <stdio.h>

static int list(ck_kernel *out, int max)
{
    int n = 0;
    for (int l = 0; l < CK_LEVELS; l++) n = ck_add(out, max, n, ck_level(l), NULL, 0, "gemm tile %s", fvi_cpu_level_name(ck_level(l)));
    return n;
}

static fvi_gemm_kern table(const ck_kernel *k)
{
    fvi_gemm_kern t;
    fvi_gemm_kern_init(&t, 2 * k->level - 1);
    return t;
}

static void one(ck *c, const ck_kernel *kern)
{
    const fvi_gemm_kern t = table(kern);
    const int rows = ck_range(c, 1, t.mr), cols = ck_range(c, 0, 2) ? ck_range(c, 1, t.nr) : t.nr, k = ck_range(c, 0, 9) ? ck_edge(c, 8, 90) : 0;
    const int ldc = cols + ck_range(c, 0, 9);
    const bool add = ck_range(c, 0, 1), a_along = ck_range(c, 0, 1), b_along = ck_range(c, 0, 1);
    ck_shape(c, "rows=%d cols=%d k=%d ldc=%d add=%d a_along=%d b_along=%d", rows, cols, k, ldc, add, a_along, b_along);
    /* A as [rows][k] or [k][rows], B as [k][cols] or [cols][k] */
    float *a = ck_in(c, (size_t)(rows * k + 1) * sizeof *a), *b = ck_in(c, (size_t)(k * cols + 1) * sizeof *b);
    float *pa = ck_out(c, (size_t)(k * t.mr) * sizeof *pa), *pb = ck_out(c, (size_t)(k * t.nr) * sizeof *pb);
    float *y = ck_out(c, ((size_t)(rows - 1) * (size_t)ldc + (size_t)cols) * sizeof *y), *old = ck_in(c, (size_t)(rows * cols) * sizeof *old);
    ck_fill(c, a, (size_t)(rows * k));
    ck_fill(c, b, (size_t)(k * cols));
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) old[i * cols + j] = add ? (y[i * ldc + j] = ck_uniform(c, -2, 2)) : 0;
    const int ai = a_along ? 1 : k, ak = a_along ? rows : 1, bj = b_along ? k : 1, bk = b_along ? 1 : cols;
    fvi_gemm_pack(pa, a, ai, ak, (size_t)rows, (size_t)k, (size_t)t.mr);
    fvi_gemm_pack(pb, b, bj, bk, (size_t)cols, (size_t)k, (size_t)t.nr);
    t.tile(y, ldc, pa, pb, (size_t)k, rows, cols, add);
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < cols; j++) {
            double sum = old[i * cols + j], size = fabs(sum);
            for (int p = 0; p < k; p++) {
                double v = (double)a[i * ai + p * ak] * (double)b[p * bk + j * bj];
                sum += v;
                size += fabs(v);
            }
            if (!ck_near(c, y[i * ldc + j], sum, (k + 2) * (FLT_EPSILON / 2) * size + 1e-37, "[%d][%d]", i, j)) break;
        }
        if (i + 1 < rows && !add) ck_true(c, ck_is_painted(y + i * ldc + cols, (size_t)(ldc - cols) * sizeof *y), "wrote past column %d", cols);
    }
    ck_done(c);
}

static void check(ck *c, const ck_kernel *k)
{
    for (int i = 0; i < ck_cases(c, 150); i++) one(c, k);
}

typedef struct bench_arg {
    fvi_gemm_kern t;
    int k;
    float *y, *a, *b;
} bench_arg;

static void call(void *arg)
{
    bench_arg *b = arg;
    b->t.tile(b->y, b->t.nr, b->a, b->b, (size_t)b->k, b->t.mr, b->t.nr, false);
}

static void bench(ck *c, const ck_kernel *k)
{
    static const int ks[] = {32, 384};
    for (int s = 0; s < 2; s++) {
        bench_arg b = {.t = table(k), .k = ks[s]};
        b.y = ck_out(c, (size_t)(b.t.mr * b.t.nr) * sizeof(float));
        b.a = ck_in(c, (size_t)(b.t.mr * b.k) * sizeof(float));
        b.b = ck_in(c, (size_t)(b.t.nr * b.k) * sizeof(float));
        for (int i = 0; i < b.t.mr * b.k; i++) b.a[i] = ck_uniform(c, -1, 1);
        for (int i = 0; i < b.t.nr * b.k; i++) b.b[i] = ck_uniform(c, -1, 1);
        char shape[64];
        snprintf(shape, sizeof shape, "tile k=%d", b.k);
        ck_time(c, shape, 2.0 * b.t.mr * b.t.nr * b.k, "FLOP", call, &b);
    }
}

const ck_family ck_gemm = {"gemm", list, check, bench};
