/* check_softmax.c: softmax of rows and columns (kern/softmax.h) against double. Tolerance: 2e-6 of 1 (its header). */
#include "checkkern.h"
#include "kern/softmax.h"
#include <math.h>
#include <stdio.h>

enum { ROWS, COLUMNS };

static int list(ck_kernel *out, int max)
{
    int n = 0;
    for (int l = 0; l < CK_LEVELS; l++)
        for (int k = 0; k < 2; k++)
            n = ck_add(out, max, n, 1u << l, NULL, k, "softmax %s %s", k == ROWS ? "rows" : "columns", fvi_cpu_level_name(1u << l));
    return n;
}

static fvi_softmax table(const ck_kernel *k)
{
    fvi_softmax t;
    fvi_softmax_init(&t, 2 * k->level - 1);
    return t;
}

/* `lines` softmaxes over n elements; in memory [lines][n] for rows, [n][lines] for columns */
static void one(ck *c, const ck_kernel *k)
{
    const fvi_softmax t = table(k);
    const bool rows = k->index == ROWS, in_place = ck_range(c, 0, 3) == 0;
    const int n = ck_edge(c, 16, rows ? 100 : 20), lines = ck_edge(c, rows ? 4 : 16, rows ? 6 : 100);
    const int width = rows ? n : lines, height = rows ? lines : n, ldy = width + ck_range(c, 0, 5), ldx = in_place ? ldy : width + ck_range(c, 0, 5);
    ck_shape(c, "n=%d lines=%d ldy=%d ldx=%d in_place=%d", n, lines, ldy, ldx, in_place);
    size_t by = ((size_t)(height - 1) * (size_t)ldy + (size_t)width) * sizeof(float), bx = ((size_t)(height - 1) * (size_t)ldx + (size_t)width) * sizeof(float);
    float *y = ck_out(c, by), *x = in_place ? y : ck_in(c, bx), *keep = ck_in(c, (size_t)(width * height) * sizeof(float));
    const float range = ck_range(c, 0, 1) ? 5 : 200;
    for (int i = 0; i < height; i++)
        for (int j = 0; j < width; j++) {
            float v = ck_uniform(c, -range, range);
            if (ck_range(c, 0, 30) == 0 && n > 1 && (rows ? j : i) != 0) v = -INFINITY; /* masked out */
            x[i * ldx + j] = keep[i * width + j] = v;
        }
    (rows ? t.rows : t.columns)(y, ldy, x, ldx, rows ? (size_t)lines : (size_t)n, rows ? (size_t)n : (size_t)lines);
    for (int l = 0; l < lines; l++) {
        double max = -INFINITY, sum = 0;
        for (int i = 0; i < n; i++) max = fmax(max, keep[rows ? l * width + i : i * width + l]);
        for (int i = 0; i < n; i++) sum += exp(keep[rows ? l * width + i : i * width + l] - max);
        for (int i = 0; i < n; i++) {
            double want = exp(keep[rows ? l * width + i : i * width + l] - max) / sum;
            if (!ck_near(c, y[rows ? l * ldy + i : i * ldy + l], want, 2e-6, "line %d element %d", l, i)) break;
        }
    }
    for (int i = 0; i + 1 < height && !in_place; i++) ck_true(c, ck_is_painted(y + i * ldy + width, (size_t)(ldy - width) * sizeof *y), "wrote past column %d", width);
    ck_done(c);
}

static void check(ck *c, const ck_kernel *k)
{
    for (int i = 0; i < ck_cases(c, 60); i++) one(c, k);
}

typedef struct bench_arg {
    fvi_softmax t;
    bool rows;
    int n, lines;
    float *y, *x;
} bench_arg;

static void call(void *arg)
{
    bench_arg *b = arg;
    if (b->rows)
        b->t.rows(b->y, b->n, b->x, b->n, (size_t)b->lines, (size_t)b->n);
    else
        b->t.columns(b->y, b->lines, b->x, b->lines, (size_t)b->n, (size_t)b->lines);
}

static void bench(ck *c, const ck_kernel *k)
{
    static const int shapes[][2] = {{16, 400}, {400, 16}};
    for (int s = 0; s < 2; s++) {
        bench_arg b = {.t = table(k), .rows = k->index == ROWS, .n = shapes[s][0], .lines = shapes[s][1], .y = ck_out(c, 6400 * sizeof(float)), .x = ck_in(c, 6400 * sizeof(float))};
        for (int i = 0; i < 6400; i++) b.x[i] = ck_uniform(c, -5, 5);
        char shape[64];
        snprintf(shape, sizeof shape, "%d %s of %d", b.lines, b.rows ? "rows" : "columns", b.n);
        ck_time(c, shape, 6400, "elements", call, &b);
    }
}

const ck_family ck_softmax = {"softmax", list, check, bench};
