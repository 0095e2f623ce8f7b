/* Filling holes and taking see-through marks out, against pictures whose truth is known. */
#include "base/alloc.h"
#include "vision/clean/fill.h"
#include "vision/clean/mark.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { W = 96, H = 64, N = 40 };
static fvi_clean_shape shape;

/* A slanted ramp is a membrane: it has to come back, at the picture's edge as well. */
static void test_fill_plane(void **state)
{
    (void)state;
    static float img[H * W], truth[H * W];
    static uint8_t hole[H * W];
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            truth[y * W + x] = 50 + 1.5f * (float)x - 0.5f * (float)y;
            hole[y * W + x] = x > 20 && x < 70 && y > 15 && y < 40;
            img[y * W + x] = hole[y * W + x] ? 0 : truth[y * W + x];
        }
    fvi_clean_fill *f;
    assert_int_equal(fvi_clean_fill_create(&f, W, H, hole), FV_OK);
    fvi_clean_fill_run(f, img);
    float worst = 0;
    for (int i = 0; i < H * W; i++) worst = fmaxf(worst, fabsf(img[i] - truth[i]));
    assert_true(worst < 2.5f);
    const uint64_t before = fvi_alloc_count();
    fvi_clean_fill_run(f, img);
    assert_true(fvi_alloc_count() == before);
    fvi_clean_fill_free(&f);
    assert_null(f);
}

static void test_fill_edges(void **state)
{
    (void)state;
    uint8_t hole[5] = {1, 1, 0, 1, 1}, all[4] = {1, 1, 1, 1};
    float img[5] = {0, 0, 7, 0, 0};
    fvi_clean_fill *f;
    assert_int_equal(fvi_clean_fill_create(&f, 5, 1, hole), FV_OK);
    fvi_clean_fill_run(f, img);
    for (int i = 0; i < 5; i++) assert_true(fabsf(img[i] - 7) < 1e-3f);
    fvi_clean_fill_free(&f);
    assert_int_equal(fvi_clean_fill_create(&f, 2, 2, all), FV_ERR_ARGUMENT);
    assert_int_equal(fvi_clean_fill_create(&f, 0, 2, all), FV_ERR_ARGUMENT);
    for (int n = 1; n < 40; n++) {
        fvi_alloc_fail_after(n);
        const fv_status st = fvi_clean_fill_create(&f, 5, 1, hole);
        fvi_alloc_fail_after(0);
        if (st == FV_OK) break;
        assert_int_equal(st, FV_ERR_MEMORY);
        assert_null(f);
    }
    fvi_clean_fill_free(&f);
}

static uint32_t seed = 3;
static double noise(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (double)(seed >> 8) / (1 << 24) - 0.5;
}

/* Waves of many lengths that drift: a ground that moves, from smooth to fine. */
static double ground(double x, double y)
{
    return 110 + 40 * sin(x / 19 + y / 31) + 25 * sin(x / 7.3 - y / 9.1) + 14 * sin(x / 3.1 + 1) * cos(y / 2.7);
}

static double opacity_at(int x, int y, double strength)
{
    const double bar = fabs((double)((x + 3 * (y / 16)) % 14) - 6) - 2.2; /* slanted strokes, soft edges */
    if (y < 14 || y > 50 || x < 14 || x > 82) return 0;
    return strength * (bar < -0.5 ? 1 : bar > 0.5 ? 0 : 0.5 - bar);
}

/* seen and true crops [N][shape.all]; owned by the caller. */
static void make(uint16_t **seen, uint16_t **truth, uint8_t *hole, double strength, const double colour[3])
{
    const double unit = 1 << (shape.depth - 8), top = (1 << shape.depth) - 1;
    for (int k = 0; k < N; k++) {
        seen[k] = calloc(shape.all, sizeof **seen);
        truth[k] = calloc(shape.all, sizeof **truth);
        for (int p = 0; p < 3; p++) {
            for (int y = 0; y < shape.h[p]; y++)
                for (int x = 0; x < shape.w[p]; x++) {
                    const int s = p ? 2 : 1;
                    double b = ground(x * s + 7.7 * k, y * s + 2.9 * k), a = 0;
                    if (p) b = 128 + (b - 110) * 0.2;
                    for (int v = 0; v < s; v++)
                        for (int u = 0; u < s; u++) a += opacity_at(x * s + u, y * s + v, strength) / (s * s);
                    if (!p) hole[y * W + x] = hole[y * W + x] || a > 0;
                    const size_t i = shape.at[p] + (size_t)(y * shape.w[p] + x);
                    truth[k][i] = (uint16_t)(b * unit + 0.5);
                    const double v = ((1 - a) * b + a * colour[p] + 2 * noise()) * unit + 0.5;
                    seen[k][i] = (uint16_t)(v < 0 ? 0 : v > top ? top : v);
                }
        }
    }
}

static double psnr(const uint16_t *a, const uint16_t *b, const uint8_t *hole, size_t at, size_t n)
{
    double sum = 0, count = 0, top = (1 << shape.depth) - 1;
    for (size_t i = at; i < at + n; i++) {
        if (!hole[i]) continue;
        sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        count++;
    }
    return 10 * log10(top * top * count / fmax(sum, 1e-9));
}

/* Estimated and undone: far better than the best filling, whatever the depth, colour and strength. */
static void undo_case(int depth, double strength, const double colour[3], double least_y, double least_c)
{
    uint16_t *seen[N], *truth[N];
    static uint8_t hole[W * H];
    memset(hole, 0, sizeof hole);
    assert_int_equal(fvi_clean_shape_set(&shape, 3, W, H, 1, 1, depth), FV_OK);
    make(seen, truth, hole, strength, colour);
    fvi_clean_mark m;
    assert_int_equal(fvi_clean_mark_create(&m, &shape, hole), FV_OK);
    assert_true(fvi_clean_mark_opaque(&m) == 1);
    assert_int_equal(fvi_clean_mark_estimate(&m, (const uint16_t *const *)seen, N), FV_OK);
    double y = 0, c = 0;
    for (int k = 0; k < N; k++) {
        if (k % 8 == 0) {
            assert_true(fabs((double)fvi_clean_mark_gain(&m, seen[k]) - 1) < 0.25);
            assert_true(fabs((double)fvi_clean_mark_gain(&m, truth[k])) < 0.25);
        }
        uint16_t before = seen[k][5];
        fvi_clean_mark_undo(&m, seen[k], NULL, 1);
        assert_int_equal(seen[k][5], before); /* beside the mark nothing is touched */
        y += psnr(seen[k], truth[k], m.hole, 0, (size_t)W * H) / N;
        c += psnr(seen[k], truth[k], m.hole, shape.at[1], shape.all - shape.at[1]) / N;
        free(seen[k]);
        free(truth[k]);
    }
    if (y < least_y || c < least_c) fail_msg("depth %d, opacity %.2f: %.1f dB, colour %.1f dB", depth, strength, y, c);
    fvi_clean_mark_clear(&m);
}

static void test_undo(void **state)
{
    (void)state;
    const double white[3] = {235, 128, 128}, red[3] = {40, 110, 200};
    undo_case(8, 0.3, white, 34, 38);
    undo_case(8, 0.5, white, 32, 36);
    undo_case(10, 0.4, white, 33, 37);
    undo_case(8, 0.4, red, 30, 33);
}

/* Neither white nor black, and nothing comes through: it is told by standing still, and filled in every plane. */
static void test_opaque(void **state)
{
    (void)state;
    const double yellow[3] = {190, 40, 140};
    uint16_t *seen[N], *truth[N];
    static uint8_t hole[W * H];
    memset(hole, 0, sizeof hole);
    assert_int_equal(fvi_clean_shape_set(&shape, 3, W, H, 1, 1, 8), FV_OK);
    make(seen, truth, hole, 1, yellow);
    fvi_clean_mark m;
    assert_int_equal(fvi_clean_mark_create(&m, &shape, hole), FV_OK);
    assert_int_equal(fvi_clean_mark_estimate(&m, (const uint16_t *const *)seen, N), FV_OK);
    int wrong = 0, checked = 0;
    for (int y = 1; y + 1 < H; y++)
        for (int x = 1; x + 1 < W; x++) {
            double least = 1;
            for (int v = -1; v <= 1; v++)
                for (int u = -1; u <= 1; u++) least = fmin(least, opacity_at(x + u, y + v, 1));
            if (least < 1) continue;
            const size_t c = shape.at[1] + (size_t)(y / 2 * shape.w[1] + x / 2);
            checked++;
            wrong += m.trust[y * W + x] > 0 || m.alpha[y * W + x] < 1 || m.trust[c] > 0 || m.alpha[c] < 1;
        }
    assert_true(checked > 100);
    assert_int_equal(wrong, 0);
    for (int k = 0; k < N; k++) {
        free(seen[k]);
        free(truth[k]);
    }
    fvi_clean_mark_clear(&m);
}

static void test_bad(void **state)
{
    (void)state;
    fvi_clean_mark m;
    uint8_t all[16];
    memset(all, 1, sizeof all);
    assert_int_equal(fvi_clean_shape_set(&shape, 3, 0, 4, 1, 1, 8), FV_ERR_ARGUMENT);
    assert_int_equal(fvi_clean_shape_set(&shape, 3, 4, 4, 1, 1, 20), FV_ERR_ARGUMENT);
    assert_int_equal(fvi_clean_shape_set(&shape, 3, 4, 4, 1, 1, 8), FV_OK);
    assert_int_equal(fvi_clean_mark_create(&m, &shape, all), FV_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fill_plane), cmocka_unit_test(test_fill_edges), cmocka_unit_test(test_undo), cmocka_unit_test(test_opaque),
                                       cmocka_unit_test(test_bad)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
