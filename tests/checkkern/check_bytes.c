/* check_bytes.c: rows between float32 and bytes (kern/bytes.h), bit for bit: products are rounded to float once, then to the nearest whole number,
 * halves to even, as the C library's rintf does. */
#include "checkkern.h"
#include "kern/bytes.h"
#include <math.h>
#include <string.h>

static const char *const names[] = {"widen", "narrow", "max"};
enum { KERNELS = 3, ROWS = 9 };

static int list(ck_kernel *out, int max)
{
    int n = 0;
    for (int l = 0; l < CK_LEVELS; l++)
        for (int k = 0; k < KERNELS; k++) n = ck_add(out, max, n, ck_level(l), NULL, k, "bytes %s %s", names[k], fvi_cpu_level_name(ck_level(l)));
    return n;
}

static uint8_t nearest(float x, float inv, int zero)
{
    const float v = rintf(x * inv) + (float)zero;
    return v >= 255 ? 255 : v > 0 ? (uint8_t)v : 0;
}

static void check(ck *c, const ck_kernel *k)
{
    fvi_bytes_kern t;
    fvi_bytes_kern_init(&t, 2 * k->level - 1);
    for (int i = 0; i < ck_cases(c, 60); i++) {
        const size_t n = (size_t)ck_edge(c, 16, 200);
        const int rows = ck_range(c, 1, ROWS), zero = ck_range(c, 0, 255);
        const float scale = i & 1 ? 0.5f : ck_uniform(c, 0.001f, 2);
        ck_shape(c, "n=%zu rows=%d zero=%d scale=%g", n, rows, zero, (double)scale);
        float *x = ck_in(c, n * sizeof *x), *f = ck_out(c, n * sizeof *f);
        uint8_t *b = ck_out(c, n), *in[ROWS];
        for (int r = 0; r < rows; r++) {
            in[r] = ck_in(c, n);
            ck_fill_bytes(c, in[r], n);
        }
        ck_fill_bytes(c, x, n * sizeof *x); /* every kind of number there is */
        if (i & 1)
            for (size_t j = 0; j < n; j++) x[j] = (float)ck_range(c, -300, 300); /* halves */
        if (k->index == 0) t.widen(f, in[0], n, zero, scale);
        if (k->index == 1) t.narrow(b, x, n, scale, zero);
        if (k->index == 2) t.max(b, (const uint8_t *const *)in, rows, n);
        for (size_t j = 0; j < n; j++) {
            uint8_t best = in[0][j];
            for (int r = 1; r < rows; r++) best = in[r][j] > best ? in[r][j] : best;
            const float wide = (float)(in[0][j] - zero) * scale;
            const uint8_t want = k->index == 1 ? nearest(x[j], scale, zero) : best;
            if (k->index == 0 ? !ck_true(c, memcmp(&f[j], &wide, sizeof wide) == 0, "[%zu] = %g, should be %g", j, (double)f[j], (double)wide)
                              : !ck_true(c, b[j] == want, "[%zu] = %d, should be %d", j, b[j], want))
                break;
        }
        ck_done(c);
    }
}

const ck_family ck_bytes = {"bytes", list, check, NULL};
