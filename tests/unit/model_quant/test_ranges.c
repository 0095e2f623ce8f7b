/* test_ranges.c: streaming histograms, observers, scales. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "model/quant/quant.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint32_t seed = 1;
static float uniform(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / (float)(1 << 24);
}

static void add(fvi_quant_hist *h, const float *x, int64_t n)
{
    fvi_tensor t = fvi_tensor_over(x, FV_F32, 1, &n);
    fvi_quant_hist_add(h, &t);
}

static double in_bins(const fvi_quant_hist *h, double low, double high)
{
    double sum = 0;
    for (int i = 0; i < FVI_QUANT_BINS; i++) {
        double c = h->low + (i + 0.5) * h->width;
        if (c >= low && c < high) sum += (double)h->bin[i];
    }
    return sum;
}

/* However the ranges grow, nothing is lost, and it lies where it was, to a bin. */
static void test_widening(void **state)
{
    (void)state;
    static float x[1000];
    fvi_quant_hist h = {0};
    float scales[] = {0.001f, 1, 0.5f, 300, -70, 2};
    double below = 0;
    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
        for (int i = 0; i < 1000; i++) {
            x[i] = scales[s] * uniform();
            below += x[i] < 10;
        }
        add(&h, x, 1000);
    }
    assert_true(h.count == 6000 && h.bad == 0);
    assert_true(in_bins(&h, -1e9, 1e9) == 6000);
    assert_true(h.low <= (double)h.min && h.low + h.width * FVI_QUANT_BINS > (double)h.max);
    assert_true(fabs(in_bins(&h, -1e9, 10) - below) <= 30); /* a bin at 10 holds few */
    assert_true(h.width < 370 / 512.0);
}

static void test_no_numbers(void **state)
{
    (void)state;
    float x[] = {1, NAN, -2, INFINITY, 3, -INFINITY};
    fvi_quant_hist h = {0};
    add(&h, x, 6);
    assert_true(h.bad == 3 && h.count == 3 && h.min == -2 && h.max == 3);
    float y[] = {NAN};
    fvi_quant_hist none = {0};
    add(&none, y, 1);
    assert_true(none.count == 0 && none.bad == 1);
}

static void test_constant(void **state)
{
    (void)state;
    static const float values[] = {0, 5, -3, 1e30f, 1e-40f};
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        float x[4] = {values[v], values[v], values[v], values[v]};
        fvi_quant_hist h = {0};
        fvi_quant_range r[FVI_OBS_COUNT];
        add(&h, x, 4);
        fvi_quant_ranges(&h, false, r);
        for (int k = 0; k < FVI_OBS_COUNT; k++) {
            fvi_quant_scale s = fvi_quant_scale_of(r[FVI_OBS_MINMAX], false);
            assert_true(s.scale > 0 && isfinite(s.scale));
            assert_true(fabsf(fvi_quant_fake(values[v], &s) - values[v]) <= fabsf(values[v]) * 1e-5f + 1e-37f);
            assert_true(fvi_quant_fake(0, &s) == 0);
        }
    }
}

/* Outliers: observers other than minmax leave them out, and the mean square error says that they are right to. */
static void test_outliers(void **state)
{
    (void)state;
    static float x[400000];
    for (int i = 0; i < 400000; i++) x[i] = uniform() + uniform() + uniform() - 0.2f;
    x[7] = 60;
    for (int symmetric = 0; symmetric < 2; symmetric++) {
        fvi_quant_hist h = {0};
        fvi_quant_range r[FVI_OBS_COUNT];
        add(&h, x, 400000);
        fvi_quant_ranges(&h, symmetric, r);
        assert_true(r[FVI_OBS_MINMAX].max == 60);
        for (int k = 1; k < FVI_OBS_COUNT; k++) assert_true(r[k].max < (k == FVI_OBS_PERCENTILE ? 4 : 59));
        assert_true(fvi_quant_hist_noise(&h, r[FVI_OBS_MSE], symmetric) < fvi_quant_hist_noise(&h, r[FVI_OBS_MINMAX], symmetric));
        /* the estimate agrees with the error itself */
        fvi_quant_scale s = fvi_quant_scale_of(r[FVI_OBS_PERCENTILE], symmetric);
        double e = 0;
        for (int i = 0; i < 400000; i++) {
            double d = (double)fvi_quant_fake(x[i], &s) - (double)x[i];
            e += d * d / 400000;
        }
        double guess = fvi_quant_hist_noise(&h, r[FVI_OBS_PERCENTILE], symmetric);
        assert_true(e < guess * 1.3 && e > guess * 0.7);
    }
}

static void test_scales(void **state)
{
    (void)state;
    fvi_quant_scale s = fvi_quant_scale_of((fvi_quant_range){0, 1}, false);
    assert_true(s.zero == 0 && fabsf(s.scale * 255 - 1) < 1e-6f);
    for (int i = 0; i < 256; i++) assert_true(fabsf(fvi_quant_fake((float)i / 255, &s) - (float)i / 255) < 1e-6f); /* pictures are exact */
    s = fvi_quant_scale_of((fvi_quant_range){2, 5}, false); /* zero is always in */
    assert_true(fvi_quant_fake(0, &s) == 0 && fabsf(fvi_quant_fake(5, &s) - 5) < 0.02f);
    s = fvi_quant_scale_of((fvi_quant_range){-0.278f, 6}, false);
    assert_true(s.zero > 0 && s.zero < 16 && fvi_quant_fake(0, &s) == 0 && fvi_quant_fake(100, &s) < 6.1f);
    s = fvi_quant_scale_of((fvi_quant_range){-3, 1}, true);
    assert_true(s.zero == 0 && s.low == -127 && fabsf(fvi_quant_fake(-3, &s) + 3) < 1e-6f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_widening), cmocka_unit_test(test_no_numbers), cmocka_unit_test(test_constant), cmocka_unit_test(test_outliers),
                                       cmocka_unit_test(test_scales)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
