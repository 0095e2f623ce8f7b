/* Tiles of any frame: inside it, all of one size, covering every pixel, overlapping by what was asked. */
#include "vision/tiles/grid.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

static uint32_t seed = 7;
static int below(int n)
{
    seed = seed * 1664525u + 1013904223u;
    return (int)((seed >> 8) % (uint32_t)n);
}

static int begin(const fvi_tiles_grid *g, int i, int w, int h, int axis)
{
    fvi_tile t = fvi_tiles_at(g, i, w, h);
    return axis ? t.y : t.x;
}

/* One axis: first at 0, last at the end, no gap, and at least `overlap` of the side shared. */
static void check_axis(const fvi_tiles_grid *g, int w, int h, int axis, double overlap)
{
    int n = axis ? g->rows : g->cols, side = axis ? g->height : g->width, length = axis ? h : w, step = axis ? g->cols : 1;
    assert_true(side >= 1 && side <= length);
    assert_int_equal(begin(g, 0, w, h, axis), 0);
    assert_int_equal(begin(g, (n - 1) * step, w, h, axis) + side, n == 1 ? side : length);
    if (n == 1) assert_int_equal(side, length);
    for (int i = 0; i + 1 < n; i++) {
        int a = begin(g, i * step, w, h, axis), b = begin(g, (i + 1) * step, w, h, axis);
        assert_true(b >= a);
        assert_true(a + side - b >= (int)floor(overlap * side + 1e-6));
    }
}

static void every_tile(const fvi_tiles_grid *g, int w, int h)
{
    for (int i = 0; i < g->cols * g->rows; i++) {
        fvi_tile t = fvi_tiles_at(g, i, w, h);
        assert_true(t.x >= 0 && t.y >= 0 && t.x + t.width <= w && t.y + t.height <= h);
        assert_true(t.width == g->width && t.height == g->height);
        assert_int_equal(!!(t.seams & FVI_SEAM_LEFT), t.x > 0);
        assert_int_equal(!!(t.seams & FVI_SEAM_TOP), t.y > 0);
        assert_int_equal(!!(t.seams & FVI_SEAM_RIGHT), t.x + t.width < w);
        assert_int_equal(!!(t.seams & FVI_SEAM_BOTTOM), t.y + t.height < h);
    }
}

static void test_any_frame(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        fv_tile_options o = {.size = sizeof o, .tiling = (fv_tiling)(1 + below(3))};
        int w = 1 + below(below(3) ? 4000 : 40), h = 1 + below(below(3) ? 3000 : 40), iw = 16 + below(900), ih = 16 + below(900);
        o.cols = 1 + below(20);
        o.rows = 1 + below(20);
        o.width = below(4) ? 16 + below(1200) : 0;
        o.height = below(4) ? 16 + below(1200) : 0;
        o.overlap_w = below(3) ? (float)below(94) / 100 : -1;
        o.overlap_h = below(3) ? (float)below(94) / 100 : 0;
        fvi_tiles_grid g;
        assert_int_equal(fvi_tiles_check(&o, NULL), FV_OK);
        fv_status st = fvi_tiles_grid_of(&g, &o, iw, ih, w, h, NULL);
        if (st == FV_ERR_LIMIT || (o.tiling == FV_TILES_GRID && (o.cols > w || o.rows > h))) continue;
        assert_int_equal(st, FV_OK);
        assert_true(g.cols * g.rows <= FV_TILES_MAX);
        if (o.tiling == FV_TILES_GRID) assert_true(g.cols == o.cols && g.rows == o.rows);
        check_axis(&g, w, h, 0, o.overlap_w == 0 ? 0.2 : o.overlap_w < 0 ? 0 : (double)o.overlap_w);
        check_axis(&g, w, h, 1, o.overlap_h == 0 ? 0.2 : o.overlap_h < 0 ? 0 : (double)o.overlap_h);
        every_tile(&g, w, h);
    }
}

static void test_4k(void **state)
{
    (void)state;
    fvi_tiles_grid g;
    fv_tile_options o = {.size = sizeof o, .tiling = FV_TILES_AUTO};
    assert_int_equal(fvi_tiles_grid_of(&g, &o, 640, 640, 3840, 2160, NULL), FV_OK);
    assert_true(g.cols == 8 && g.rows == 4 && g.width == 640 && g.height == 640);
    assert_int_equal(fvi_tiles_at(&g, 31, 3840, 2160).x, 3200);
    assert_int_equal(fvi_tiles_grid_of(&g, &o, 640, 640, 640, 360, NULL), FV_OK); /* no larger than a tile: one, of its own size */
    assert_true(g.cols == 1 && g.rows == 1 && g.width == 640 && g.height == 360);
    o = (fv_tile_options){.size = sizeof o, .tiling = FV_TILES_GRID, .cols = 4, .rows = 2};
    assert_int_equal(fvi_tiles_grid_of(&g, &o, 640, 640, 3840, 2160, NULL), FV_OK);
    assert_true(g.width == 1130 && g.height == 1200); /* 3840 / 3.4, 2160 / 1.8 */
    o = (fv_tile_options){.size = sizeof o, .tiling = FV_TILES_NONE};
    assert_int_equal(fvi_tiles_grid_of(&g, &o, 640, 640, 3840, 2160, NULL), FV_OK);
    assert_true(g.cols == 1 && g.rows == 1 && g.width == 3840);
}

/* Each is refused with a sentence that holds the word. */
static void test_nonsense(void **state)
{
    (void)state;
    const struct {
        fv_tile_options o;
        const char *word;
    } bad[] = {{{.tiling = FV_TILES_AUTO, .overlap_w = 1}, "overlap by 1 of their width"},
               {{.tiling = FV_TILES_AUTO, .overlap_h = NAN}, "height"},
               {{.tiling = FV_TILES_GRID, .cols = 0, .rows = 3}, "0x3 tiles"},
               {{.tiling = FV_TILES_GRID, .cols = 1024, .rows = 2}, "1024x2"},
               {{.tiling = FV_TILES_SIZE, .width = 8}, "8 pixels wide"},
               {{.tiling = FV_TILES_SIZE, .height = 1 << 20}, "high"},
               {{.tiling = FV_TILES_AUTO, .threshold = 1.5f}, "1.5"},
               {{.tiling = FV_TILES_AUTO, .threshold = NAN}, "overlap of 0 to 1"},
               {{.tiling = FV_TILES_AUTO, .groups = 65}, "65 groups"},
               {{.tiling = (fv_tiling)9}, "does not exist"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fv_error err = {0};
        assert_int_equal(fvi_tiles_check(&bad[i].o, &err), FV_ERR_ARGUMENT);
        if (!strstr(err.text, bad[i].word)) fail_msg("'%s' does not say '%s'", err.text, bad[i].word);
    }
    fvi_tiles_grid g;
    fv_error err = {0};
    fv_tile_options tiny = {.tiling = FV_TILES_SIZE, .width = 16, .height = 16}, many = {.tiling = FV_TILES_GRID, .cols = 64, .rows = 16};
    assert_int_equal(fvi_tiles_grid_of(&g, &tiny, 640, 640, 3840, 2160, &err), FV_ERR_LIMIT);
    assert_non_null(strstr(err.text, "there can be 1024"));
    assert_int_equal(fvi_tiles_grid_of(&g, &many, 640, 640, 40, 40, &err), FV_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "64x16 tiles do not fit into a frame of 40x40"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_frame), cmocka_unit_test(test_4k), cmocka_unit_test(test_nonsense)};
    return cmocka_run_group_tests_name("vision_tiles/grid", tests, NULL, NULL);
}
