/* check_cells.c: cells.h against a plain sum. No tolerance: sums of bytes are exact. */
#include "checkkern.h"
#include "kern/cells.h"

static int list(ck_kernel *out, int max)
{
    int n = 0;
    for (int l = 0; l < CK_LEVELS; l++) n = ck_add(out, max, n, ck_level(l), NULL, 0, "cells %s", fvi_cpu_level_name(ck_level(l)));
    return n;
}

static void check(ck *c, const ck_kernel *k)
{
    fvi_cells t;
    fvi_cells_init(&t, 2 * k->level - 1);
    for (int i = 0; i < ck_cases(c, 60); i++) {
        const int n = ck_edge(c, 8, 60), rows = ck_range(c, 1, 16), stride = FVI_CELL * n + ck_range(c, 0, 40);
        const size_t bytes = (size_t)(rows - 1) * (size_t)stride + (size_t)(FVI_CELL * n);
        ck_shape(c, "n=%d rows=%d stride=%d", n, rows, stride);
        uint8_t *src = ck_in(c, bytes);
        uint16_t *d = ck_out(c, (size_t)n * sizeof *d);
        ck_fill_bytes(c, src, bytes);
        if (i == 0)
            for (size_t b = 0; b < bytes; b++) src[b] = 255;
        t.sums(d, src, stride, rows, n);
        for (int x = 0; x < n; x++) {
            unsigned want = 0;
            for (int y = 0; y < rows; y++)
                for (int b = 0; b < FVI_CELL; b++) want += src[y * stride + FVI_CELL * x + b];
            if (!ck_true(c, d[x] == want, "cell %d is %d, not %u", x, d[x], want)) break;
        }
        ck_done(c);
    }
}

typedef struct bench_arg {
    fvi_cells t;
    uint16_t *d;
    uint8_t *src;
} bench_arg;

static void call(void *arg)
{
    bench_arg *b = arg;
    b->t.sums(b->d, b->src, 3840, 4, 480);
}

static void bench(ck *c, const ck_kernel *k)
{
    bench_arg b = {.d = ck_out(c, 480 * sizeof *b.d), .src = ck_in(c, 4 * 3840)};
    fvi_cells_init(&b.t, 2 * k->level - 1);
    ck_fill_bytes(c, b.src, 4 * 3840);
    ck_time(c, "4 rows of 3840", 4 * 3840, "B", call, &b);
}

const ck_family ck_cells = {"cells", list, check, bench};
