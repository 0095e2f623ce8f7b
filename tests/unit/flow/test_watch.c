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

/* Everything changes all the time and there is time for next to nothing: a look in every fourth frame, each tile and the whole in turn, and it says so. */
static void budgets_are_kept(void **state)
{
    (void)state;
    fv_model *m = load("tiny_fixed");
    fv_detector *d = make(m, 0.0001f);
    fv_tile_figures f;
    uint32_t seed = 1;
    int looks = 0;
    for (int i = 0; i < 240; i++) {
        for (int y = 0; y < H; y += 16)
            for (int x = 0; x < W; x += 16) fill(x, y, 16, 16, (int)((seed = seed * 1664525u + 1013904223u) >> 24));
        int n = next(d, i);
        assert_true(n == 1 || (n == 0 && i % 4 != 3));
        looks += n;
    }
    assert_int_equal(fv_detector_tile_figures(d, &f), FV_OK);
    assert_true(looks <= 70 && looks >= 59 && f.late >= 59 * (VIEWS - 1) - VIEWS);
    assert_int_equal(f.over_budget, 240);
    assert_int_equal(f.skipped, f.tiles - f.looks);
    for (int y = 0; y < FV_TILE_MAP_H; y++)
        for (int x = 0; x < FV_TILE_MAP_W; x++) assert_true(f.visits[y][x] >= 1);
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
        assert_int_equal(fvi_canvas_begin(&c, &f, 80, 64), FV_OK);
        fvi_canvas_add(&c, &f, r, 3, 0);
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

/* ---- several films ---- */

#define FILM_W 480
#define FILM_H 320
#define FILM_VIEWS 7 /* 3 x 2 tiles of 160, and the whole */

static void spot(fv_frame *f, int x, int y, int level)
{
    for (int i = y; i < y + 8; i++) memset(f->plane[0] + i * f->stride[0] + x, level, 8);
}

static bool only_at(const fv_detections *d, float x, float y)
{
    return d->count == 1 && d->items[0].box[0] == x && d->items[0].box[1] == y && d->items[0].box[2] == x + 8 && d->items[0].box[3] == y + 8;
}

static fv_detector *make_films(fv_model *m, int sources, float budget)
{
    fv_detector *d = NULL;
    const fv_tile_options t = {.size = sizeof t, .tiling = FV_TILES_AUTO, .overlap_w = -1, .overlap_h = -1, .watch = 1, .sources = sources, .budget_ms = budget};
    if (fv_detector_create(&d, ctx, m, FV_DETECT_OPTIONS(.conf = 0.6f, .tiles = &t), &err) < 0) fail_msg("%s", err.text);
    return d;
}

/* Spots that appear in two films of one format are looked at in one picture, and each comes back to its film and place, to the pixel; the third film has another
 * format and its own picture; the fourth changes its size and is planned anew. */
static void films_share_pictures(void **state)
{
    (void)state;
    fv_model *m = load("tiny_spots");
    fv_detector *d = make_films(m, 4, 0);
    fv_frame f[4] = {0};
    fv_detections found[4] = {0};
    const fv_frame *frames[4];
    const int source[4] = {2, 0, 3, 1};
    fv_tile_figures before, after;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(fv_frame_alloc(&f[i], i == 2 ? FV_PIXEL_GRAY : FV_PIXEL_I420, FILM_W, FILM_H), FV_OK);
        for (int p = 0; p < 3 && f[i].plane[p]; p++) memset(f[i].plane[p], p ? 128 : 20, (size_t)f[i].stride[p] * (p ? FILM_H / 2 : FILM_H));
        frames[i] = &f[i];
    }
    assert_int_equal(d->sources, 4);
    assert_int_equal(d->run_of(d, frames, source, 4, found, &err), FV_OK);
    fv_detector_tile_figures(d, &before);
    assert_int_equal(before.looks, 4 * FILM_VIEWS);
    spot(&f[0], 200, 104, 250);
    spot(&f[1], 72, 216, 250);
    spot(&f[2], 400, 40, 250);
    for (int i = 0; i < 4; i++) f[i].index = 1, f[i].pts = 0.04;
    assert_int_equal(d->run_of(d, frames, source, 4, found, &err), FV_OK);
    fv_detector_tile_figures(d, &after);
    assert_int_equal(after.looks - before.looks, 2);
    assert_int_equal(after.canvases - before.canvases, 1);
    assert_int_equal(after.regions - before.regions, 3);
    assert_true(only_at(&found[0], 200, 104) && only_at(&found[1], 72, 216) && only_at(&found[2], 400, 40) && found[3].count == 0);
    fv_frame_release(&f[3]);
    assert_int_equal(fv_frame_alloc(&f[3], FV_PIXEL_I420, 200, 160), FV_OK);
    for (int p = 0; p < 3; p++) memset(f[3].plane[p], p ? 128 : 20, (size_t)f[3].stride[p] * (p ? 80 : 160));
    spot(&f[3], 16, 152, 250);
    spot(&f[0], 200, 104, 20); /* gone */
    for (int i = 0; i < 4; i++) f[i].index = 2, f[i].pts = 0.08;
    assert_int_equal(d->run_of(d, frames, source, 4, found, &err), FV_OK);
    assert_true(found[0].count == 0 && only_at(&found[1], 72, 216) && only_at(&found[2], 400, 40) && only_at(&found[3], 16, 152));
    uint64_t allocated = fvi_alloc_count();
    for (int n = 3; n < 12; n++) { /* from then on nothing is allocated */
        for (int x = 0; x < 64; x += 8) { /* near a corner: the picture around it begins there */
            spot(&f[0], x, 8, x == 8 * (n % 8) ? 250 : 20);
            spot(&f[2], x, 8, x == 8 * (n % 8) ? 250 : 20);
        }
        for (int i = 0; i < 4; i++) f[i].index = n, f[i].pts = 0.04 * n;
        if (n == 6) allocated = fvi_alloc_count();
        assert_int_equal(d->run_of(d, frames, source, 4, found, &err), FV_OK);
        assert_true(only_at(&found[0], (float)(8 * (n % 8)), 8) && found[2].count == 2);
    }
    assert_int_equal(fvi_alloc_count(), allocated);
    assert_int_equal(d->run_of(d, frames, (const int[]){0, 1, 4, 2}, 4, found, &err), FV_ERR_ARGUMENT);
    for (int i = 0; i < 4; i++) {
        fv_frame_release(&f[i]);
        fv_detections_clear(&found[i]);
    }
    fv_detector_free(&d);
    fv_model_free(&m);
}

/* Time for one look a frame: a region in which the tracker lost somebody comes before one that has waited as long, and before the tiles' turns. */
static void doubt_comes_first(void **state)
{
    (void)state;
    fv_model *m = load("tiny_spots");
    for (int lost = 0; lost < 2; lost++) {
        fv_detector *d = make_films(m, 1, 0.0001f);
        fv_frame f = {0};
        fv_detections found = {0};
        const fv_frame *frames[] = {&f};
        const fvi_track_place place = {.box = {392, 32, 416, 56}, .doubt = 0.5f};
        assert_int_equal(fv_frame_alloc(&f, FV_PIXEL_GRAY, FILM_W, FILM_H), FV_OK);
        memset(f.plane[0], 20, (size_t)f.stride[0] * FILM_H);
        for (int i = 0; i < 4 * FILM_VIEWS; i++) { /* all is known */
            f.index = i;
            f.pts = i * 0.001;
            assert_int_equal(fv_detector_run(d, frames, 1, &found, &err), FV_OK);
        }
        spot(&f, 400, 40, 250);
        for (int i = 0; i < 4; i++) spot(&f, 40 + 24 * i, 200 + 24 * i, 250); /* more of it, and with it too large for one picture with the other */
        if (lost) d->lost(d, 0, &place, 1);
        for (int i = 4 * FILM_VIEWS; i < 4 * FILM_VIEWS + 4 && !found.count; i++) { /* until there is time for a look */
            f.index = i;
            f.pts = i * 0.001;
            assert_int_equal(fv_detector_run(d, frames, 1, &found, &err), FV_OK);
        }
        assert_true(found.count > 0 && (found.items[0].box[0] > 300) == (lost == 1));
        fv_frame_release(&f);
        fv_detections_clear(&found);
        fv_detector_free(&d);
    }
    fv_model_free(&m);
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
                                       cmocka_unit_test(what_cannot_be_watched), cmocka_unit_test(canvases_are_exact),
                                       cmocka_unit_test(films_share_pictures), cmocka_unit_test(doubt_comes_first)};
    return cmocka_run_group_tests_name("flow/watch", tests, begin, end);
}
