/* test_watch.c: films in tiles, looked at only where they change: what is looked at, what is remembered, budgets, and regions in one picture. */
#include "base/alloc.h"
#include "flow/detector.h"
#include "flow/tiled_canvas.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define W 128
#define H 96
#define VIEWS 13 /* 4 x 3 tiles of 32, and the whole */

static fv_context *ctx;
static fv_error err;
static fv_frame frame;
static fv_detections out;

static fv_model *load(const char *name)
{
    fv_model *m = NULL;
    char path[1024];
    snprintf(path, sizeof path, "%s/tests/unit/flow/%s.onnx", FV_SOURCE_DIR, name);
    if (fv_model_load(&m, ctx, path, FV_MODEL_OPTIONS(.device = "cpu"), &err) < 0) fail_msg("%s: %s", path, err.text);
    return m;
}

static fv_detector *make(fv_model *m, float budget)
{
    fv_detector *d = NULL;
    const fv_tile_options t = {.size = sizeof t, .tiling = FV_TILES_AUTO, .overlap_w = -1, .overlap_h = -1, .watch = 1, .budget_ms = budget};
    if (fv_detector_create(&d, ctx, m, FV_DETECT_OPTIONS(.conf = 0.6f, .tiles = &t), &err) < 0) fail_msg("%s", err.text);
    return d;
}

static void fill(int x, int y, int w, int h, int level)
{
    for (int i = y; i < y + h; i++) memset(frame.plane[0] + i * frame.stride[0] + x, level, (size_t)w);
}

/* Looks at the next frame; returns how many looks it took. */
static int next(fv_detector *d, int64_t index)
{
    fv_tile_figures before, after;
    const fv_frame *frames[] = {&frame};
    assert_int_equal(fv_detector_tile_figures(d, &before), FV_OK);
    frame.index = index;
    frame.pts = (double)index / 25;
    if (fv_detector_run(d, frames, 1, &out, &err) < 0) fail_msg("%s", err.text);
    fv_detector_tile_figures(d, &after);
    assert_int_equal(after.frames, before.frames + 1);
    assert_int_equal(after.tiles, before.tiles + VIEWS);
    return (int)(after.looks - before.looks);
}

static bool found_at(float x1, float y1, float x2, float y2)
{
    for (int i = 0; i < out.count; i++) {
        const float *b = out.items[i].box;
        if (b[0] >= x1 && b[1] >= y1 && b[2] <= x2 && b[3] <= y2) return true;
    }
    return false;
}

/* One bright tile: its box stays known while nothing changes, and nothing is looked at. Each view has its turn within the period. */
static void still_scenes_cost_nothing(void **state)
{
    (void)state;
    fv_model *m = load("tiny_fixed");
    fv_detector *d = make(m, 0);
    fill(0, 0, W, H, 10);
    fill(32, 32, 32, 32, 250);
    assert_int_equal(next(d, 0), VIEWS);
    assert_true(out.count == 1 && found_at(44, 36, 52, 52));
    int looks = 0;
    for (int i = 1; i < 12; i++) {
        looks += next(d, i);
        assert_true(out.count == 1 && found_at(44, 36, 52, 52));
    }
    assert_int_equal(looks, 0);
    for (int i = 12; i <= 55; i++) looks += next(d, i); /* two seconds: all once, the whole and the bright tile more often */
    assert_true(looks >= VIEWS && looks <= VIEWS + 4);
    assert_true(out.count == 1);
    uint64_t before = fvi_alloc_count();
    next(d, 56);
    assert_int_equal(fvi_alloc_count(), before);
    assert_int_equal(next(d, 3), VIEWS); /* back in time: another film */
    fv_detector_free(&d);
    fv_model_free(&m);
}

static void changes_are_looked_at(void **state)
{
    (void)state;
    fv_model *m = load("tiny_fixed");
    fv_detector *d = make(m, 0);
    fill(0, 0, W, H, 10);
    next(d, 0);
    for (int i = 1; i < 4; i++) assert_int_equal(next(d, i), 0);
    fill(64, 32, 32, 32, 250);
    assert_true(next(d, 4) >= 1);
    assert_true(out.count >= 1 && found_at(48, 16, 112, 80));
    assert_int_equal(next(d, 5), 0);
    fill(64, 32, 32, 32, 10); /* it is gone */
    assert_true(next(d, 6) >= 1);
    assert_int_equal(out.count, 0);
    fv_detector_free(&d);
    fv_model_free(&m);
}

/* Everything changes all the time and there is time for next to nothing: a look or so a frame, each tile in turn, and it says so. */
static void budgets_are_kept(void **state)
{
    (void)state;
    fv_model *m = load("tiny_fixed");
    fv_detector *d = make(m, 0.0001f);
    fv_tile_figures f;
    uint32_t seed = 1;
    int looks = 0;
    for (int i = 0; i < 60; i++) {
        for (int y = 0; y < H; y += 16)
            for (int x = 0; x < W; x += 16) fill(x, y, 16, 16, (int)((seed = seed * 1664525u + 1013904223u) >> 24));
        int n = next(d, i);
        if (i) assert_int_equal(n, 1);
        looks += n;
    }
    assert_int_equal(fv_detector_tile_figures(d, &f), FV_OK);
    assert_true(looks < 70 && f.late >= 59 * (VIEWS - 1) - VIEWS);
    assert_int_equal(f.over_budget, 60);
    assert_int_equal(f.skipped, f.tiles - f.looks);
    for (int y = 0; y < FV_TILE_MAP_H; y++)
        for (int x = 0; x < FV_TILE_MAP_W; x++) assert_true(f.visits[y][x] >= 2);
    fv_detector_free(&d);
    fv_model_free(&m);
}

/* Masks are not remembered: such a model looks at everything. So do frames whose luma is not a plane. */
static void what_cannot_be_watched(void **state)
{
    (void)state;
    fv_model *m = load("tiny_segment"), *boxes = load("tiny_fixed");
    fv_detector *d = make(m, 0);
    fill(0, 0, W, H, 250);
    for (int i = 0; i < 3; i++) assert_int_equal(next(d, i), VIEWS);
    fv_detector_free(&d);
    fv_frame gray = frame;
    memset(&frame, 0, sizeof frame);
    assert_int_equal(fv_frame_alloc(&frame, FV_PIXEL_RGB, W, H), FV_OK);
    for (int y = 0; y < H; y++) memset(frame.plane[0] + y * frame.stride[0], 9, 3 * W);
    d = make(boxes, 0);
    for (int i = 0; i < 3; i++) assert_int_equal(next(d, i), VIEWS);
    fv_detector_free(&d);
    fv_frame_release(&frame);
    frame = gray;
    assert_int_equal(fv_detector_create(&d, ctx, boxes, NULL, &err), FV_OK);
    fv_tile_figures f;
    assert_int_equal(fv_detector_tile_figures(d, &f), FV_ERR_STATE);
    fv_detector_free(&d);
    fv_model_free(&m);
    fv_model_free(&boxes);
}

/* Samples of every plane are where they belong, and boxes come back to the pixel. */
static void canvases_are_exact(void **state)
{
    (void)state;
    static const fv_pixel_format formats[] = {FV_PIXEL_I420, FV_PIXEL_NV12, FV_PIXEL_GRAY};
    fvi_region r[] = {{.x = 10, .y = 6, .width = 41, .height = 30, .canvas = 0, .at_x = 0, .at_y = 0},
                      {.x = 60, .y = 20, .width = 20, .height = 33, .canvas = 0, .at_x = 58, .at_y = 2},
                      {.x = 0, .y = 0, .width = 8, .height = 8, .canvas = 1, .at_x = 0, .at_y = 0}};
    for (int k = 0; k < 3; k++) {
        fv_frame f = {0}, c = {0};
        assert_int_equal(fv_frame_alloc(&f, formats[k], 101, 71), FV_OK);
        for (int i = 0; i < 3 && f.plane[i]; i++)
            for (int y = 0; y < (i ? 36 : 71); y++)
                for (ptrdiff_t x = 0; x < f.stride[i]; x++) f.plane[i][y * f.stride[i] + x] = (uint8_t)(x * 7 + y * 13 + i * 50);
        assert_int_equal(fvi_canvas_fill(&c, &f, r, 3, 0, 80, 64), FV_OK);
        for (int i = 0; i < 2; i++)
            for (int y = 0; y < r[i].height; y++)
                for (int x = 0; x < r[i].width; x++) {
                    assert_int_equal(c.plane[0][(r[i].at_y + y) * c.stride[0] + r[i].at_x + x], f.plane[0][(r[i].y + y) * f.stride[0] + r[i].x + x]);
                    if (formats[k] == FV_PIXEL_I420)
                        assert_int_equal(c.plane[2][(r[i].at_y + y) / 2 * c.stride[2] + (r[i].at_x + x) / 2], f.plane[2][(r[i].y + y) / 2 * f.stride[2] + (r[i].x + x) / 2]);
                    if (formats[k] == FV_PIXEL_NV12)
                        assert_int_equal(c.plane[1][(r[i].at_y + y) / 2 * c.stride[1] + (r[i].at_x + x) / 2 * 2 + 1],
                                         f.plane[1][(r[i].y + y) / 2 * f.stride[1] + (r[i].x + x) / 2 * 2 + 1]);
                }
        assert_int_equal(c.plane[0][63 * c.stride[0] + 79], 114);
        fv_frame_release(&f);
        fv_frame_release(&c);
    }
    float in[4] = {50, 0, 70, 20}, between[4] = {40, 0, 60, 20};
    assert_true(fvi_canvas_cut(in, &r[1]) && in[0] == 58 && in[1] == 2 && in[2] == 70 && in[3] == 20);
    assert_false(fvi_canvas_cut(between, &r[0]) || fvi_canvas_cut(between, &r[1]));
}

static int begin(void **state)
{
    (void)state;
    if (fv_context_create(&ctx, FV_CONTEXT_OPTIONS(.threads = 2), NULL) < 0) return -1;
    return fv_frame_alloc(&frame, FV_PIXEL_GRAY, W, H) < 0 ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    fv_frame_release(&frame);
    fv_detections_clear(&out);
    fv_context_free(&ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(still_scenes_cost_nothing), cmocka_unit_test(changes_are_looked_at), cmocka_unit_test(budgets_are_kept),
                                       cmocka_unit_test(what_cannot_be_watched), cmocka_unit_test(canvases_are_exact)};
    return cmocka_run_group_tests_name("flow/watch", tests, begin, end);
}
