/* check_softmax.c: softmax of rows and columns, and means under it (kern/softmax.h), against double. Tolerance: 2e-6 of 1, of the
 * largest weight for means (its header). */
#include "checkkern.h"
#include "kern/softmax.h"
#include <math.h>
#include <stdio.h>

enum { ROWS, COLUMNS, ROW_MEANS, COLUMN_MEANS, KINDS };
static const char *const names[KINDS] = {"rows", "columns", "row means", "column means"};

static int list(ck_kernel *out, int max)
{
    int n = 0;
    for (int l = 0; l < CK_LEVELS; l++)
        for (int k = 0; k < KINDS; k++) n = ck_add(out, max, n, ck_level(l), NULL, k, "softmax %s %s", names[k], fvi_cpu_level_name(ck_level(l)));
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

static void one_mean(ck *c, const ck_kernel *k)
{
    const fvi_softmax t = table(k);
    const bool rows = k->index == ROW_MEANS;
    const int n = ck_range(c, 0, 2) ? ck_edge(c, 16, 60) : 16, lines = ck_edge(c, 16, 60), ld = (rows ? n : lines) + ck_range(c, 0, 5), sy = rows ? ck_range(c, 1, 3) : 1;
    const float range = ck_range(c, 0, 1) ? 5 : 200, heaviest = 16;
    ck_shape(c, "n=%d lines=%d ld=%d sy=%d", n, lines, ld, sy);
    float *x = ck_in(c, ((size_t)((rows ? lines : n) - 1) * (size_t)ld + (size_t)(rows ? n : lines)) * sizeof *x), *w = ck_in(c, (size_t)n * sizeof *w);
    float *y = ck_out(c, ((size_t)(lines - 1) * (size_t)sy + 1) * sizeof *y);
    for (int i = 0; i < n; i++) w[i] = ck_uniform(c, -heaviest, heaviest);
    for (int l = 0; l < lines; l++)
        for (int i = 0; i < n; i++) x[rows ? l * ld + i : i * ld + l] = i && ck_range(c, 0, 30) == 0 ? -INFINITY : ck_uniform(c, -range, range);
    if (rows)
        t.row_means(y, sy, x, ld, w, (size_t)lines, (size_t)n);
    else
        t.column_means(y, x, ld, w, (size_t)n, (size_t)lines);
    for (int l = 0; l < lines; l++) {
        double max = -INFINITY, sum = 0, all = 0;
        for (int i = 0; i < n; i++) max = fmax(max, x[rows ? l * ld + i : i * ld + l]);
        for (int i = 0; i < n; i++) {
            const double e = exp(x[rows ? l * ld + i : i * ld + l] - max);
            sum += e, all += e * w[i];
        }
        if (!ck_near(c, y[l * sy], all / sum, 2e-6 * heaviest, "line %d", l)) break;
        if (l + 1 < lines) ck_true(c, ck_is_painted(y + l * sy + 1, (size_t)(sy - 1) * sizeof *y), "wrote between results");
    }
    ck_done(c);
}

static void check(ck *c, const ck_kernel *k)
{
    for (int i = 0; i < ck_cases(c, 60); i++) k->index >= ROW_MEANS ? one_mean(c, k) : one(c, k);
}

typedef struct bench_arg {
    fvi_softmax t;
    int kind, n, lines;
    float *y, *x;
} bench_arg;

static void call(void *arg)
{
    bench_arg *b = arg;
    if (b->kind == ROW_MEANS)
        b->t.row_means(b->y, 1, b->x, b->n, b->x, (size_t)b->lines, (size_t)b->n);
    else if (b->kind == COLUMN_MEANS)
        b->t.column_means(b->y, b->x, b->lines, b->x, (size_t)b->n, (size_t)b->lines);
    else if (b->kind == ROWS)
        b->t.rows(b->y, b->n, b->x, b->n, (size_t)b->lines, (size_t)b->n);
    else
        b->t.columns(b->y, b->lines, b->x, b->lines, (size_t)b->n, (size_t)b->lines);
}

static void bench(ck *c, const ck_kernel *k)
{
    static const int shapes[][2] = {{16, 400}, {400, 16}};
    for (int s = 0; s < 2; s++) {
        bench_arg b = {.t = table(k), .kind = k->index, .n = shapes[s][0], .lines = shapes[s][1], .y = ck_out(c, 6400 * sizeof(float)), .x = ck_in(c, 6400 * sizeof(float))};
        for (int i = 0; i < 6400; i++) b.x[i] = ck_uniform(c, -5, 5);
        char shape[64];
        snprintf(shape, sizeof shape, "%d %s of %d", b.lines, names[b.kind], b.n);
        ck_time(c, shape, 6400, "elements", call, &b);
    }
}

const ck_family ck_softmax = {"softmax", list, check, bench};
