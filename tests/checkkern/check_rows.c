/* check_rows.c: the small row kernels: reduce (sum, max, min, squares), pool (max and mean of rows), resize (bilinear mix), copy
 * (transposition), topk (scan), against plain loops in double.
 * Tolerance: sums (n + 2) eps/2 of the magnitudes, of squares (n + 4): the difference rounds, and counts twice; maxima, copies and scans exact; bilinear 4 eps of the magnitudes. */
#include "checkkern.h"
#include "kern/copy.h"
#include "kern/pool.h"
#include "kern/reduce.h"
#include "kern/resize.h"
#include "kern/topk.h"
#include <float.h>
#include <math.h>
#include <stdio.h>

enum { SUM, MAX, MIN, SQUARES, POOL_MAX, POOL_MEAN, BILINEAR, TRANSPOSE, SCAN, KERNELS };
static const char *const titles[KERNELS] = {"reduce sum", "reduce max", "reduce min", "reduce squares", "pool max", "pool mean", "resize bilinear", "copy transpose", "topk scan"};

typedef struct tables {
    fvi_reduce reduce;
    fvi_pool_kern pool;
    fvi_resize_kern resize;
    fvi_copy_kern copy;
    fvi_topk_kern topk;
} tables;

static int list(ck_kernel *out, int max)
{
    int n = 0;
    for (int l = 0; l < CK_LEVELS; l++)
        for (int k = 0; k < KERNELS; k++) {
            if (l > 1 && k >= TRANSPOSE) continue; /* the highest of these is avx2 */
            n = ck_add(out, max, n, ck_level(l), NULL, k, "%s %s", titles[k], fvi_cpu_level_name(ck_level(l)));
        }
    return n;
}

static tables tables_of(const ck_kernel *k)
{
    tables t;
    fvi_cpu_flags flags = 2 * k->level - 1;
    fvi_reduce_init(&t.reduce, flags);
    fvi_pool_kern_init(&t.pool, flags);
    fvi_resize_kern_init(&t.resize, flags);
    fvi_copy_kern_init(&t.copy, flags);
    fvi_topk_kern_init(&t.topk, flags);
    return t;
}

static void reduce(ck *c, const tables *t, int op)
{
    const int n = ck_edge(c, 32, 300);
    ck_shape(c, "n=%d", n);
    float *x = ck_in(c, (size_t)n * sizeof *x);
    ck_fill(c, x, (size_t)n);
    const float mean = ck_uniform(c, -1, 1);
    double sum = 0, size = 0, max = x[0], min = x[0], squares = 0;
    for (int i = 0; i < n; i++) {
        sum += x[i];
        size += fabs((double)x[i]);
        squares += ((double)x[i] - (double)mean) * ((double)x[i] - (double)mean);
        max = x[i] > max ? x[i] : max;
        min = x[i] < min ? x[i] : min;
    }
    if (op == SQUARES) {
        ck_near(c, t->reduce.squares(x, (size_t)n, mean), squares, (n + 4) * (FLT_EPSILON / 2) * squares, "%s", titles[op]);
        ck_done(c);
        return;
    }
    double got = op == SUM ? t->reduce.sum(x, (size_t)n) : op == MAX ? t->reduce.max(x, (size_t)n) : t->reduce.min(x, (size_t)n);
    ck_near(c, got, op == SUM ? sum : op == MAX ? max : min, op == SUM ? (n + 2) * (FLT_EPSILON / 2) * size : 0, "%s", titles[op]);
    ck_done(c);
}

static void pool(ck *c, const tables *t, int op)
{
    const int n = ck_edge(c, 16, 90), rows = ck_range(c, 1, 9);
    const float scale = 1.0f / (float)rows;
    ck_shape(c, "n=%d rows=%d", n, rows);
    const float *x[9];
    float *y = ck_out(c, (size_t)n * sizeof *y);
    for (int r = 0; r < rows; r++) {
        float *p = ck_in(c, (size_t)n * sizeof *p);
        for (int i = 0; i < n; i++) p[i] = ck_uniform(c, -9, 9);
        x[r] = p;
    }
    if (op == POOL_MAX)
        t->pool.max(y, x, rows, (size_t)n);
    else
        t->pool.mean(y, x, rows, (size_t)n, scale);
    for (int i = 0; i < n; i++) {
        double max = x[0][i], sum = 0, size = 0;
        for (int r = 0; r < rows; r++) {
            max = fmax(max, x[r][i]);
            sum += x[r][i];
            size += fabs((double)x[r][i]);
        }
        if (!ck_near(c, y[i], op == POOL_MAX ? max : sum * scale, op == POOL_MAX ? 0 : (rows + 2) * (FLT_EPSILON / 2) * size, "[%d]", i)) break;
    }
    ck_done(c);
}

static void bilinear(ck *c, const tables *t)
{
    const int n = ck_edge(c, 16, 90);
    float w[4], *x[4], *y = ck_out(c, (size_t)n * sizeof *y);
    ck_shape(c, "n=%d", n);
    for (int k = 0; k < 4; k++) {
        w[k] = ck_uniform(c, 0, 1);
        x[k] = ck_in(c, (size_t)n * sizeof(float));
        ck_fill(c, x[k], (size_t)n);
    }
    t->resize.bilinear(y, x[0], x[1], x[2], x[3], w, (size_t)n);
    for (int i = 0; i < n; i++) {
        double want = 0, size = 0;
        for (int k = 0; k < 4; k++) {
            want += (double)x[k][i] * (double)w[k];
            size += fabs((double)x[k][i] * (double)w[k]);
        }
        if (!ck_near(c, y[i], want, 4 * FLT_EPSILON * size + 1e-37, "[%d]", i)) break;
    }
    ck_done(c);
}

static void transpose(ck *c, const tables *t)
{
    const int rows = ck_edge(c, 8, 40), cols = ck_edge(c, 8, 40), ldd = cols + ck_range(c, 0, 3), lds = rows + ck_range(c, 0, 3);
    ck_shape(c, "rows=%d cols=%d ldd=%d lds=%d", rows, cols, ldd, lds);
    uint32_t *d = ck_out(c, ((size_t)(rows - 1) * (size_t)ldd + (size_t)cols) * sizeof *d), *s = ck_in(c, ((size_t)(cols - 1) * (size_t)lds + (size_t)rows) * sizeof *s);
    ck_fill_bytes(c, s, ((size_t)(cols - 1) * (size_t)lds + (size_t)rows) * sizeof *s);
    t->copy.transpose4(d, ldd, s, lds, (size_t)rows, (size_t)cols);
    bool same = true;
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < cols; j++) same = same && d[i * ldd + j] == s[j * lds + i];
        if (i + 1 < rows) ck_true(c, ck_is_painted(d + i * ldd + cols, (size_t)(ldd - cols) * sizeof *d), "wrote past column %d", cols);
    }
    ck_true(c, same, "elements differ");
    ck_done(c);
}

static void scan(ck *c, const tables *t)
{
    const int n = ck_edge(c, 32, 200), from = ck_range(c, 0, n);
    const float threshold = ck_uniform(c, 0, 2);
    ck_shape(c, "n=%d from=%d threshold=%g", n, from, (double)threshold);
    float *x = ck_in(c, (size_t)n * sizeof *x);
    for (int i = 0; i < n; i++) x[i] = ck_range(c, 0, 20) == 0 ? threshold : ck_range(c, 0, 90) == 0 ? NAN : ck_range(c, 0, 60) == 0 ? 3 : ck_uniform(c, -2, threshold);
    size_t want = (size_t)from;
    while (want < (size_t)n && !(x[want] > threshold) && x[want] == x[want]) want++;
    ck_near(c, (double)t->topk.next_above(x, (size_t)from, (size_t)n, threshold), (double)want, 0, "position");
    ck_done(c);
}

static void check(ck *c, const ck_kernel *k)
{
    const tables t = tables_of(k);
    for (int i = 0; i < ck_cases(c, 60); i++) {
        switch (k->index) {
        case SUM:
        case MAX:
        case MIN:
        case SQUARES: reduce(c, &t, k->index); break;
        case POOL_MAX:
        case POOL_MEAN: pool(c, &t, k->index); break;
        case BILINEAR: bilinear(c, &t); break;
        case TRANSPOSE: transpose(c, &t); break;
        default: scan(c, &t); break;
        }
    }
}

typedef struct bench_arg {
    tables t;
    int op;
    float *y, *x;
} bench_arg;

static void call(void *arg)
{
    static const float w[4] = {0.1f, 0.2f, 0.3f, 0.4f};
    bench_arg *b = arg;
    const float *rows[5] = {b->x, b->x + 512, b->x + 1024, b->x + 1536, b->x + 2048};
    switch (b->op) {
    case SUM: b->y[0] = b->t.reduce.sum(b->x, 4096); break;
    case MAX: b->y[0] = b->t.reduce.max(b->x, 4096); break;
    case MIN: b->y[0] = b->t.reduce.min(b->x, 4096); break;
    case SQUARES: b->y[0] = b->t.reduce.squares(b->x, 4096, 0.5f); break;
    case POOL_MAX: b->t.pool.max(b->y, rows, 5, 512); break;
    case POOL_MEAN: b->t.pool.mean(b->y, rows, 5, 512, 0.2f); break;
    case BILINEAR: b->t.resize.bilinear(b->y, rows[0], rows[1], rows[2], rows[3], w, 512); break;
    case TRANSPOSE: b->t.copy.transpose4((uint32_t *)(void *)b->y, 64, (const uint32_t *)(const void *)b->x, 64, 64, 64); break;
    default: b->y[0] = (float)b->t.topk.next_above(b->x, 0, 4096, 10); break;
    }
}

static void bench(ck *c, const ck_kernel *k)
{
    bench_arg b = {.t = tables_of(k), .op = k->index, .y = ck_out(c, 4096 * sizeof(float)), .x = ck_in(c, 4096 * sizeof(float))};
    for (int i = 0; i < 4096; i++) b.x[i] = ck_uniform(c, -5, 5);
    char shape[64];
    snprintf(shape, sizeof shape, "%s", titles[k->index]);
    ck_time(c, shape, k->index >= POOL_MAX && k->index <= BILINEAR ? 512 : 4096, "elements", call, &b);
}

const ck_family ck_rows = {"rows", list, check, bench};
