/* The gate: what sleeps, what wakes, and what is forgotten; regions: what holds what, and how they are packed. */
#include "base/alloc.h"
#include "vision/tiles/regions.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define W 640
#define H 368
static uint8_t scene[H][W], frame[H][W];
static fvi_gate g;

static uint32_t seed = 5;
static int below(int n)
{
    seed = seed * 1664525u + 1013904223u;
    return (int)((seed >> 8) % (uint32_t)n);
}

static uint8_t clamp(double v) { return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v); }

/* A picture with edges and slopes, moved by (dx, dy). */
static void draw(double dx, double dy)
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            scene[y][x] = clamp(110 + 60 * sin((x + dx) / 37) * cos((y + dy) / 23) + 30 * ((int)((x + dx) / 90) & 1) + 20 * sin((y + dy) / 90));
}

static void show(double gain, double offset, int noise)
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) frame[y][x] = clamp(scene[y][x] * gain + offset + (noise ? below(2 * noise + 1) - noise : 0));
    assert_int_equal(fvi_gate_update(&g, frame[0], W, W, H), FV_OK);
}

/* A known scene, looked at. */
static void known(int noise)
{
    fvi_gate_free(&g);
    fvi_gate_init(&g, fvi_cpu_detect());
    draw(0, 0);
    show(1, 0, noise);
    assert_true(g.anew && g.n_awake == g.cols * g.rows);
    fvi_gate_looked(&g, 0, 0, W, H);
    assert_int_equal(g.n_awake, 0);
}

static void test_noise_sleeps(void **state)
{
    (void)state;
    for (int noise = 0; noise <= 12; noise += 6) {
        known(noise);
        int woken = 0;
        for (int i = 0; i < 60; i++) {
            show(1, 0, noise);
            woken += g.n_awake;
        }
        assert_true(woken <= 6); /* of 220000 */
    }
}

static void block(int x, int y, int w, int h, int level)
{
    for (int i = y; i < y + h; i++) memset(&scene[i][x], level, (size_t)w);
}

/* A person of 7 x 15 pixels appears: its cells wake, stay awake until looked at, and wake again when it leaves. */
static void test_small_things_wake(void **state)
{
    (void)state;
    known(4);
    for (int i = 0; i < 10; i++) show(1, 0, 4);
    block(200, 100, 7, 15, 250);
    for (int i = 0; i < 3; i++) {
        show(1, 0, 4);
        assert_true(g.n_awake >= 1 && g.n_awake <= 9);
        assert_true(fvi_gate_awake(&g, 196, 96, 16, 24) == g.n_awake);
    }
    int longest = 0;
    for (int k = 0; k < g.cols * g.rows; k++) longest = g.waiting[k] > longest ? g.waiting[k] : longest;
    assert_int_equal(longest, 3);
    fvi_gate_looked(&g, 190, 90, 40, 40);
    assert_int_equal(g.n_awake, 0);
    show(1, 0, 4);
    assert_int_equal(g.n_awake, 0); /* it stands still */
    draw(0, 0);
    show(1, 0, 4);
    assert_true(fvi_gate_awake(&g, 196, 96, 16, 24) >= 1);
}

/* Gain and offset of the whole picture, at once and slowly. */
static void test_light_sleeps(void **state)
{
    (void)state;
    known(3);
    for (int i = 0; i < 5; i++) show(1, 0, 3);
    show(1.12, 0, 3);
    assert_true(g.light > 5);
    assert_true(g.n_awake <= g.cols * g.rows / 100);
    fvi_gate_looked(&g, 0, 0, W, H);
    for (int i = 0; i < 50; i++) {
        show(1.12, -0.5 * i, 3);
        assert_true(g.n_awake <= g.cols * g.rows / 100);
    }
    known(3);
    show(1, 0, 3);
    block(300, 200, 30, 60, 20); /* a person and a change of light at the same time */
    show(0.9, 5, 3);
    assert_true(fvi_gate_awake(&g, 300, 200, 30, 60) >= 4);
    assert_true(g.n_awake <= fvi_gate_awake(&g, 284, 184, 62, 92) + g.cols * g.rows / 100);
}

static void test_shake_sleeps(void **state)
{
    (void)state;
    known(2);
    for (int i = 0; i < 20; i++) {
        draw(2 * sin(i * 1.7), 1.5 * sin(i * 2.3));
        show(1, 0, 2);
        assert_true(g.n_awake <= g.cols * g.rows / 40);
        if (i == 1) assert_true(fabsf(g.shift_x) > 0.5f || fabsf(g.shift_y) > 0.5f);
    }
    block(400, 100, 30, 60, 230);
    show(1, 0, 2);
    assert_true(fvi_gate_awake(&g, 400, 100, 30, 60) >= 4);
}

static void test_cuts_and_sizes(void **state)
{
    (void)state;
    known(2);
    show(1, 0, 2);
    assert_false(g.anew);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) scene[y][x] = (uint8_t)((x / 20 + y / 20) % 2 ? 220 : 30);
    show(1, 0, 2);
    assert_true(g.anew && g.n_awake == g.cols * g.rows);
    assert_int_equal(fvi_gate_update(&g, frame[0], W, 101, 37), FV_OK); /* another size, not of whole cells */
    assert_true(g.anew && g.cols == 13 && g.rows == 5);
    fvi_gate_looked(&g, 0, 0, 101, 37);
    uint64_t before = fvi_alloc_count();
    for (int i = 0; i < 3; i++) assert_int_equal(fvi_gate_update(&g, frame[0], W, 101, 37), FV_OK);
    assert_true(!g.anew && g.n_awake == 0);
    assert_int_equal(fvi_alloc_count(), before);
    fvi_gate_forget(&g);
    assert_int_equal(fvi_gate_update(&g, frame[0], W, 101, 37), FV_OK);
    assert_true(g.anew);
    fvi_gate_free(&g);
    fvi_gate_init(&g, FVI_CPU_C);
    for (int n = 1; n <= 7; n++) {
        fvi_alloc_fail_after(n);
        assert_int_equal(fvi_gate_update(&g, frame[0], W, 101, 37), FV_ERR_MEMORY);
    }
    fvi_alloc_fail_after(0);
    assert_int_equal(fvi_gate_update(&g, frame[0], W, 101, 37), FV_OK);
}

/* ---- regions ---- */

static void test_find(void **state)
{
    (void)state;
    static fvi_region r[FVI_REGIONS_MAX];
    known(0);
    int *labels = calloc((size_t)(2 * g.cols * g.rows), sizeof *labels);
    assert_non_null(labels);
    memset(g.awake, 0, (size_t)(g.cols * g.rows));
    const int cells[][2] = {{3, 3}, {4, 3}, {6, 4}, {20, 10}, {79, 45}};
    for (int i = 0; i < 5; i++) g.awake[cells[i][1] * g.cols + cells[i][0]] = 1, g.waiting[cells[i][1] * g.cols + cells[i][0]] = 2, g.n_awake++;
    assert_int_equal(fvi_regions_find(&g, labels, r), 3);
    assert_true(r[0].x == 24 && r[0].y == 24 && r[0].width == 32 && r[0].height == 16 && r[0].awake == 3 && r[0].urgency == 6);
    assert_true(r[2].x == 632 && r[2].width == 8 && r[2].y == 360 && r[2].height == 8);
    fvi_region_widen(&r[2], W, H);
    assert_true(r[2].x == 600 && r[2].width == 40 && r[2].y == 328 && r[2].height == 40);
    fvi_region_hold(&r[1], (const float[4]){300.5f, 100, 333.2f, 500}, W, H);
    assert_true(r[1].x == 160 && r[1].width == 174 && r[1].y == 80 && r[1].height == 288);
    memset(g.awake, 0, (size_t)(g.cols * g.rows)); /* more than there can be */
    for (int y = 0; y < g.rows; y += 4)
        for (int x = 0; x < g.cols; x += 4) g.awake[y * g.cols + x] = 1;
    g.n_awake = 1;
    assert_true(fvi_regions_find(&g, labels, r) <= FVI_REGIONS_MAX);
    for (int y = 0; y < g.rows; y++)
        for (int x = 0; x < g.cols; x++) g.awake[y * g.cols + x] = 1;
    assert_int_equal(fvi_regions_find(&g, labels, r), 1);
    assert_true(r[0].width == W && r[0].height == H && r[0].awake == g.cols * g.rows);
    free(labels);
}

static bool share(const fvi_region *a, const fvi_region *b, int gap, bool packed)
{
    int ax = packed ? a->at_x : a->x, ay = packed ? a->at_y : a->y, bx = packed ? b->at_x : b->x, by = packed ? b->at_y : b->y;
    return ax < bx + b->width + gap && bx < ax + a->width + gap && ay < by + b->height + gap && by < ay + a->height + gap;
}

static void test_join_and_pack(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        fvi_region r[60], was[60];
        int n = 1 + below(60), most = 1 + below(8);
        for (int i = 0; i < n; i++) r[i] = (fvi_region){.x = 2 * below(1800), .y = 2 * below(1000), .width = 2 + 2 * below(below(5) ? 60 : 400), .height = 2 + 2 * below(100), .awake = 1};
        memcpy(was, r, sizeof r);
        int left = fvi_regions_join(r, n, 1 << 20, 1 << 20), awake = 0;
        for (int i = 0; i < left; i++) {
            awake += r[i].awake;
            for (int k = 0; k < i; k++) assert_false(share(&r[i], &r[k], 0, false));
        }
        assert_int_equal(awake, n);
        for (int k = 0; k < n; k++) { /* each is in one of them */
            int in = 0;
            for (int i = 0; i < left; i++)
                in += was[k].x >= r[i].x && was[k].y >= r[i].y && was[k].x + was[k].width <= r[i].x + r[i].width && was[k].y + was[k].height <= r[i].y + r[i].height;
            assert_int_equal(in, 1);
        }
        int canvases = fvi_regions_pack(r, left, 640, 640, 16, most);
        assert_true(canvases <= most);
        for (int i = 0; i < left; i++) {
            if (r[i].canvas < 0) continue;
            assert_true(r[i].canvas < canvases && r[i].at_x % 2 == 0 && r[i].at_y % 2 == 0);
            assert_true(r[i].at_x >= 0 && r[i].at_y >= 0 && r[i].at_x + r[i].width <= 640 && r[i].at_y + r[i].height <= 640);
            for (int k = 0; k < i; k++) assert_true(r[k].canvas != r[i].canvas || !share(&r[i], &r[k], 15, true));
        }
        if (left > 0 && r[0].width <= 640 && r[0].height <= 640) assert_int_equal(r[0].canvas, 0); /* the first has a place */
    }
}

static int done(void **state)
{
    (void)state;
    fvi_gate_free(&g);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_noise_sleeps), cmocka_unit_test(test_small_things_wake), cmocka_unit_test(test_light_sleeps),
                                       cmocka_unit_test(test_shake_sleeps), cmocka_unit_test(test_cuts_and_sizes), cmocka_unit_test(test_find),
                                       cmocka_unit_test(test_join_and_pack)};
    return cmocka_run_group_tests_name("vision_tiles/gate", tests, NULL, done);
}
