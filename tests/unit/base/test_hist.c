/* Histogram: every quantile within 1 % of the exact one; exact min, max and mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/hist.h"
#include <math.h>
#include <stdlib.h>

enum { N = 5000 };
static uint64_t seed = 88172645463325252u;
static double uniform(void)
{
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return (double)(seed >> 11) / 9007199254740992.0;
}
static int order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void quantiles(void **state)
{
    (void)state;
    static const double q[] = {0.001, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999};
    static double v[N];
    static fvi_hist h;
    for (int kind = 0; kind < 3; kind++) {
        double sum = 0;
        fvi_hist_clear(&h);
        for (int i = 0; i < N; i++) {
            v[i] = kind == 0 ? 1 + 99 * uniform() : kind == 1 ? pow(10, -4 + 12 * uniform()) : 16.667 + 0.001 * uniform();
            sum += v[i];
            fvi_hist_add(&h, v[i]);
        }
        qsort(v, N, sizeof *v, order);
        for (size_t i = 0; i < sizeof q / sizeof *q; i++) {
            double exact = v[(int)ceil(q[i] * N) - 1];
            assert_true(fabs(fvi_hist_quantile(&h, q[i]) / exact - 1) <= 0.01);
        }
        assert_true(fvi_hist_quantile(&h, 0) == v[0] && fvi_hist_quantile(&h, 1) == v[N - 1]);
        assert_true(h.min == v[0] && h.max == v[N - 1] && h.count == N);
        assert_true(fabs(fvi_hist_mean(&h) / (sum / N) - 1) < 1e-12);
    }
}

static void edges(void **state)
{
    (void)state;
    static fvi_hist h;
    fvi_hist_clear(&h);
    assert_true(fvi_hist_quantile(&h, 0.5) == 0 && fvi_hist_mean(&h) == 0);
    fvi_hist_add(&h, NAN);
    assert_int_equal(h.count, 0);
    fvi_hist_add(&h, -5);
    fvi_hist_add(&h, 0);
    fvi_hist_add(&h, 1e30);
    fvi_hist_add(&h, INFINITY);
    assert_int_equal(h.count, 4);
    assert_true(h.min == 0 && fvi_hist_quantile(&h, 0.25) == 0 && isinf(h.max));
    fvi_hist_clear(&h);
    fvi_hist_add(&h, 42);
    assert_true(fvi_hist_quantile(&h, 0.5) == 42); /* one value is exact */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(quantiles), cmocka_unit_test(edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
