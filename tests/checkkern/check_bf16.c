/* check_bf16.c: rows between FP32 and BF16 (kern/bf16.h), bit for bit: rounding is to the nearest, halves to even, computed here in double. */
#include "checkkern.h"
#include "kern/bf16.h"
#include <math.h>
#include <string.h>

static const char *const names[] = {"widen", "narrow", "round", "max"};

static int list(ck_kernel *out, int max)
{
    int n = 0;
    for (int l = 0; l < CK_LEVELS; l++)
        for (int k = 0; k < 4; k++) n = ck_add(out, max, n, ck_level(l), NULL, k, "bf16 %s %s", names[k], fvi_cpu_level_name(ck_level(l)));
    return n;
}

static uint16_t nearest(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    if (f != f) return (uint16_t)(u >> 16 | 0x40);
    uint16_t down = (uint16_t)(u >> 16);
    const uint16_t up = (uint16_t)(down + 1);
    if (isinf(f)) return down;
    /* past the largest number the next one would be 2^128 */
    const double lo = fvi_bf16_widen1(down), hi = isinf(fvi_bf16_widen1(up)) ? copysign(0x1p128, f) : fvi_bf16_widen1(up);
    const double below = fabs(f - lo), above = fabs(hi - f);
    return below < above || (below == above && !(down & 1)) ? down : up;
}

static void check(ck *c, const ck_kernel *k)
{
    fvi_bf16_kern t;
    fvi_bf16_kern_init(&t, 2 * k->level - 1);
    for (int i = 0; i < ck_cases(c, 60); i++) {
        const size_t n = (size_t)ck_edge(c, 16, 200);
        const int rows = ck_range(c, 1, 9);
        ck_shape(c, "n=%zu rows=%d", n, rows);
        float *x = ck_in(c, n * sizeof *x), *f = ck_out(c, n * sizeof *f);
        uint16_t *h = ck_out(c, n * sizeof *h), *in[9];
        for (int r = 0; r < rows; r++) {
            in[r] = ck_in(c, n * sizeof *in[r]);
            ck_fill_bytes(c, in[r], n * sizeof *in[r]);
            for (size_t j = 0; j < n; j++)
                if (k->index == 3 && (in[r][j] & 0x7fff) > 0x7f80) in[r][j] = 0x3f80;
        }
        ck_fill_bytes(c, x, n * sizeof *x); /* every kind of number there is */
        if (i & 1)
            for (size_t j = 0; j < n; j++) x[j] = fvi_bf16_widen1(in[0][j]) + (ck_range(c, 0, 1) ? 0 : ldexpf(fvi_bf16_widen1(in[0][j]), -9)); /* halves */
        switch (k->index) {
        case 0: t.widen(f, in[0], n); break;
        case 1: t.narrow(h, x, n); break;
        case 2: t.round(f, x, n); break;
        default: t.max(h, (const uint16_t *const *)in, rows, n);
        }
        for (size_t j = 0; j < n; j++) {
            uint32_t got = 0, want = 0;
            float best = fvi_bf16_widen1(in[0][j]);
            for (int r = 1; r < rows; r++) best = fvi_bf16_widen1(in[r][j]) > best ? fvi_bf16_widen1(in[r][j]) : best;
            if (k->index == 0) want = (uint32_t)in[0][j] << 16;
            if (k->index == 1) want = nearest(x[j]);
            if (k->index == 2) want = (uint32_t)nearest(x[j]) << 16;
            if (k->index == 1 || k->index == 3) got = h[j];
            else memcpy(&got, &f[j], sizeof got);
            if (k->index == 3 && best == 0 && !(got & 0x7fff)) continue; /* either zero is the largest */
            if (k->index == 3) want = fvi_bf16_narrow1(best);
            if (!ck_true(c, got == want, "[%zu] = %x, should be %x", j, got, want)) break;
        }
        ck_done(c);
    }
}

const ck_family ck_bf16 = {"bf16", list, check, NULL};
