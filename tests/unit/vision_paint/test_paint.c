/* test_paint.c: overlays stay inside the frame whatever they are asked to draw, look the same in every pixel format, and
 * show what they should show. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "vision/paint/labels.h"
#include <fovea/paint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- a frame with painted margins around every plane ---- */

typedef struct canvas {
    fv_frame f;
    uint8_t *mem[3];
    size_t bytes[3];
} canvas;
enum { MARGIN = 64, CANARY = 0xA5 };

static int row_bytes(const fv_frame *f, int i)
{
    int cw = (f->width + 1) / 2;
    if (i == 0) return f->format == FV_PIXEL_RGB || f->format == FV_PIXEL_BGR ? 3 * f->width : f->width;
    return f->format == FV_PIXEL_NV12 ? 2 * cw : cw;
}
static int row_count(const fv_frame *f, int i) { return i ? (f->height + 1) / 2 : f->height; }
static int plane_count(const fv_frame *f) { return f->format == FV_PIXEL_I420 ? 3 : f->format == FV_PIXEL_NV12 ? 2 : 1; }

static canvas canvas_make(fv_pixel_format format, int w, int h, uint8_t luma, uint8_t chroma)
{
    canvas c = {.f = {.format = format, .width = w, .height = h}};
    for (int i = 0; i < plane_count(&c.f); i++) {
        c.f.stride[i] = row_bytes(&c.f, i) + MARGIN;
        c.bytes[i] = (size_t)(c.f.stride[i] * (row_count(&c.f, i) + 2) + MARGIN);
        c.mem[i] = malloc(c.bytes[i]);
        assert_non_null(c.mem[i]);
        memset(c.mem[i], CANARY, c.bytes[i]);
        c.f.plane[i] = c.mem[i] + c.f.stride[i] + MARGIN / 2;
        for (int y = 0; y < row_count(&c.f, i); y++) memset(c.f.plane[i] + y * c.f.stride[i], i ? chroma : luma, (size_t)row_bytes(&c.f, i));
    }
    return c;
}

/* Pixels of the plane area that differ from `value`; fails when a margin was touched. */
static int canvas_changed(const canvas *c, int plane, uint8_t value)
{
    int changed = 0, w = row_bytes(&c->f, plane), h = row_count(&c->f, plane);
    for (size_t at = 0; at < c->bytes[plane]; at++) {
        ptrdiff_t rel = c->mem[plane] + at - c->f.plane[plane];
        ptrdiff_t y = rel < 0 ? -1 : rel / c->f.stride[plane], x = rel - y * c->f.stride[plane];
        if (y >= 0 && y < h && x < w) {
            changed += c->mem[plane][at] != value;
        } else if (c->mem[plane][at] != CANARY) {
            fail_msg("format %d %dx%d: plane %d was written at %td,%td", (int)c->f.format, c->f.width, c->f.height, plane, x, y);
        }
    }
    return changed;
}

static int canvas_total(const canvas *c, uint8_t luma, uint8_t chroma)
{
    int n = 0;
    for (int i = 0; i < plane_count(&c->f); i++) n += canvas_changed(c, i, i ? chroma : luma);
    return n;
}

static void canvas_free(canvas *c)
{
    for (int i = 0; i < 3; i++) free(c->mem[i]);
}

/* ---- a font of blocks: every letter is a full 6x10 box, 'h' a box of half coverage, the ellipsis 3 wide ---- */

static uint8_t full[60], half[60];
static fv_glyph glyphs[128];
static fv_font font;

static int setup(void **state)
{
    (void)state;
    memset(full, 255, sizeof full);
    memset(half, 128, sizeof half);
    int n = 0;
    glyphs[n++] = (fv_glyph){' ', 0, 0, 0, 0, 7, NULL};
    for (uint32_t c = 33; c < 127; c++) glyphs[n++] = (fv_glyph){c, 6, 10, 0, 10, 7, c == 'h' ? half : full};
    glyphs[n++] = (fv_glyph){0x2026, 3, 3, 0, 3, 4, full};
    glyphs[n++] = (fv_glyph){0xFFFD, 6, 10, 0, 10, 9, full};
    font = (fv_font){.ascent = 11, .descent = 3, .line_height = 15, .glyphs = glyphs, .n_glyphs = n};
    return 0;
}

static const char *name_of(void *user, int id)
{
    (void)user;
    return id == 1 ? "a very long class name that cannot fit in a small frame at all, whatever is done" : id == 2 ? "bad \xff\xc3 utf8\n" : "person";
}

static fv_painter *painter(int line_width, const fv_font *f)
{
    fv_painter *p;
    fv_error err = {0};
    assert_int_equal(fv_painter_create(&p, FV_PAINT_OPTIONS(.line_width = line_width, .font = f), &err), FV_OK);
    return p;
}

/* ---- tests ---- */

/* All formats and odd sizes; everything that can be asked for at once, most of it absurd. */
static void test_stays_inside(void **state)
{
    (void)state;
    static const int size[][2] = {{1, 1}, {2, 1}, {1, 7}, {33, 21}, {64, 48}, {321, 201}};
    static const float boxes[][4] = {{10, 5, 30, 20}, {-50, -60, 20, 10}, {-1e30f, -1e30f, 1e30f, 1e30f}, {NAN, 0, 5, 5}, {0, 0, INFINITY, 9},
                                     {-INFINITY, 2, 3, NAN}, {20, 20, 10, 10}, {1e9f, 1e9f, 2e9f, 2e9f}, {5, 5, 5, 5}, {0.4f, 0.4f, 1.6f, 1.6f}, {300, 190, 400, 300}};
    enum { N = sizeof boxes / sizeof *boxes };
    fv_detection items[N];
    for (int i = 0; i < N; i++) {
        items[i] = (fv_detection){.confidence = i == 3 ? NAN : 0.9f, .class_id = i % 4, .track_id = i % 3 ? i : 0};
        memcpy(items[i].box, boxes[i], sizeof items[i].box);
    }
    double spiky[] = {-500, -500, 900, 10, -30, 60, 400, 900, 7, -1000}, broken[] = {0.1, NAN, 0.5, 0.5, 0.9, INFINITY}, flat[] = {0.1, 0.2, 0.9, 0.2, 0.4, 0.2};
    fv_zone zones[] = {{.name = "zone with a name that is rather long for a frame", .xy = spiky, .n_points = 5}, {.name = NULL, .xy = broken, .n_points = 3}, {.xy = flat, .n_points = 3}};
    fv_line lines[] = {{.name = "l", .x1 = -1e5, .y1 = 3, .x2 = 1e5, .y2 = 9}, {.x1 = NAN, .y2 = 1}, {.x1 = 0.5, .y1 = 0.5, .x2 = 0.5, .y2 = 0.5}, {.x1 = 1e300, .y1 = 4, .x2 = 5, .y2 = 7}, {.name = "m", .x1 = 0.2, .y1 = 1, .x2 = 0.8, .y2 = 0}};
    const char *hud[] = {"12.3 fps", NULL, "", "a line that is longer than any of these frames could ever hold, really"};
    fv_detections dets = {items, N, N};
    fv_scene scene = {.dets = &dets, .class_name = name_of, .lines = lines, .n_lines = 5, .zones = zones, .n_zones = 3, .hud = hud, .n_hud = 4};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (int format = FV_PIXEL_I420; format <= FV_PIXEL_GRAY; format++)
            for (int width = 0; width <= 60; width += width < 3 ? 1 : 57) {
                canvas c = canvas_make((fv_pixel_format)format, size[i][0], size[i][1], 100, 128);
                fv_painter *p = painter(width, &font);
                for (int k = 0; k < 3; k++) {
                    c.f.pts = k * 0.1;
                    for (int b = 0; b < N; b++) items[b].box[0] += 1;
                    assert_int_equal(fv_painter_draw(p, &c.f, &scene), FV_OK);
                }
                assert_true(canvas_total(&c, 100, 128) > 0);
                fv_painter_free(&p);
                canvas_free(&c);
            }
}

static void test_far_boxes_leave_no_mark(void **state)
{
    (void)state;
    static const float boxes[][4] = {{-50, -60, -20, -10}, {200, 5, 300, 20}, {NAN, 0, 5, 5}, {20, 20, 10, 10}, {0, 500, 40, 600}};
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        fv_detection d = {.confidence = 0.5f};
        memcpy(d.box, boxes[i], sizeof d.box);
        fv_detections dets = {&d, 1, 1};
        fv_scene scene = {.dets = &dets};
        canvas c = canvas_make(FV_PIXEL_I420, 64, 48, 100, 128);
        fv_painter *p = painter(3, &font);
        assert_int_equal(fv_painter_draw(p, &c.f, &scene), FV_OK);
        assert_int_equal(canvas_total(&c, 100, 128), 0);
        fv_painter_free(&p);
        canvas_free(&c);
    }
}

static void test_box_pixels(void **state)
{
    (void)state;
    fv_detection d = {.box = {10, 8, 40, 30}, .confidence = 0.5f};
    fv_detections dets = {&d, 1, 1};
    fv_scene scene = {.dets = &dets};
    canvas c = canvas_make(FV_PIXEL_GRAY, 64, 48, 0, 0);
    fv_painter *p = painter(2, NULL);
    assert_int_equal(fv_painter_draw(p, &c.f, &scene), FV_OK);
#define AT(x, y) c.f.plane[0][(y) * c.f.stride[0] + (x)]
    assert_true(AT(25, 8) > 50 && AT(25, 9) > 50 && AT(25, 29) > 50 && AT(25, 28) > 50); /* two pixels inwards, edges included */
    assert_true(AT(10, 20) > 50 && AT(11, 20) > 50 && AT(39, 20) > 50 && AT(38, 20) > 50);
    assert_int_equal(AT(25, 7), 0);
    assert_int_equal(AT(25, 10), 0);
    assert_int_equal(AT(25, 30), 0);
    assert_int_equal(AT(9, 20), 0);
    assert_int_equal(AT(12, 20), 0);
    assert_int_equal(AT(40, 20), 0);
    assert_true(AT(10, 8) < 50); /* round corner */
    fv_painter_free(&p);
    canvas_free(&c);
}

/* Everything at once on grey, four frames over each other; or one trail-less box alone. */
static void draw_all(fv_pixel_format format, int w, int h, bool one_shape, canvas *c)
{
    fv_detection items[] = {{{-4, 11, 29, 43}, 0.9f, 0, 1}, {{35, 20, 75, 60}, 0.8f, 3, 2}, {{50, 41, 58, 58}, 0.7f, 2, 0}};
    fv_detections dets = {items, 3, 3};
    double xy[] = {0.2, 0.3, 0.9, 0.25, 0.8, 0.95, 0.3, 0.7};
    fv_zone zone = {.name = "z", .xy = xy, .n_points = 4};
    fv_line line = {.name = "l", .x1 = 0.1, .y1 = 0.9, .x2 = 0.9, .y2 = 0.5};
    const char *hud[] = {"h1", "22"};
    fv_scene scene = {.dets = &dets, .class_name = name_of, .lines = &line, .n_lines = 1, .zones = &zone, .n_zones = 1, .hud = hud, .n_hud = 2};
    bool yuv = format == FV_PIXEL_I420 || format == FV_PIXEL_NV12;
    *c = canvas_make(format, w, h, yuv ? 126 : 128, 128); /* grey 128 in limited range is 125.9 */
    if (one_shape) scene = (fv_scene){.dets = &dets}, dets.count = 1;
    fv_painter *p = painter(0, one_shape ? NULL : &font);
    for (int k = 0; k < (one_shape ? 1 : 4); k++) {
        for (int i = 0; i < 3; i++) items[i].box[0] += 2, items[i].box[2] += 2;
        c->f.pts = k * 0.1;
        assert_int_equal(fv_painter_draw(p, &c->f, &scene), FV_OK);
    }
    fv_painter_free(&p);
}

/* I420 against RGB: luma of every pixel, and chroma as the mean of each block. BGR and NV12: the same bytes, swapped. */
static void test_formats_agree(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        bool one_shape = k / 2;
        int odd = k % 2, w = 96 + odd, h = 80 - odd, cw = (w + 1) / 2, ch = (h + 1) / 2;
        canvas rgb, bgr, yuv, nv12;
        draw_all(FV_PIXEL_RGB, w, h, one_shape, &rgb);
        draw_all(FV_PIXEL_BGR, w, h, one_shape, &bgr);
        draw_all(FV_PIXEL_I420, w, h, one_shape, &yuv);
        draw_all(FV_PIXEL_NV12, w, h, one_shape, &nv12);
        double worst_y = 0, worst_c = 0;
        double *ys = calloc((size_t)(w * h), 3 * sizeof *ys);
        assert_non_null(ys);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                const uint8_t *p = rgb.f.plane[0] + y * rgb.f.stride[0] + 3 * x, *q = bgr.f.plane[0] + y * bgr.f.stride[0] + 3 * x;
                assert_true(p[0] == q[2] && p[1] == q[1] && p[2] == q[0]);
                double l = 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2], *o = ys + 3 * (y * w + x);
                o[0] = 16 + l * 219 / 255;
                o[1] = 128 + (p[2] - l) / 1.772 * 224 / 255;
                o[2] = 128 + (p[0] - l) / 1.402 * 224 / 255;
                worst_y = fmax(worst_y, fabs(o[0] - yuv.f.plane[0][y * yuv.f.stride[0] + x]));
                assert_int_equal(yuv.f.plane[0][y * yuv.f.stride[0] + x], nv12.f.plane[0][y * nv12.f.stride[0] + x]);
            }
        for (int y = 0; y < ch; y++)
            for (int x = 0; x < cw; x++)
                for (int ch_k = 1; ch_k < 3; ch_k++) {
                    int x1 = 2 * x + 1 < w ? 2 * x + 1 : 2 * x, y1 = 2 * y + 1 < h ? 2 * y + 1 : 2 * y;
                    double m = (ys[3 * (2 * y * w + 2 * x) + ch_k] + ys[3 * (2 * y * w + x1) + ch_k] + ys[3 * (y1 * w + 2 * x) + ch_k] + ys[3 * (y1 * w + x1) + ch_k]) / 4;
                    uint8_t v = yuv.f.plane[ch_k][y * yuv.f.stride[ch_k] + x];
                    assert_int_equal(v, nv12.f.plane[1][y * nv12.f.stride[1] + 2 * x + ch_k - 1]);
                    worst_c = fmax(worst_c, fabs(m - v));
                }
        assert_true(worst_y < 4); /* a few roundings a shape, four frames on top of each other */
        /* layers blend per block, not per pixel, so where edges cross they differ; one layer alone must not */
        if (one_shape) assert_true(worst_c < 3);
        double sum = 0;
        for (int y = 0; y < ch; y++)
            for (int x = 0; x < cw; x++) sum += fabs(ys[3 * (2 * y * w + 2 * x) + 1] - yuv.f.plane[1][y * yuv.f.stride[1] + x]);
        assert_true(sum / (cw * ch) < 6);
        free(ys);
        canvas_free(&rgb);
        canvas_free(&bgr);
        canvas_free(&yuv);
        canvas_free(&nv12);
    }
}

static void test_inks(void **state)
{
    (void)state;
    canvas c = canvas_make(FV_PIXEL_I420, 8, 8, 0, 0);
    static const struct { fv_color_matrix m; fv_color_range r; uint8_t y, u, v; } red[] = {
        {FV_COLOR_BT601, FV_RANGE_LIMITED, 81, 90, 240}, {FV_COLOR_BT601, FV_RANGE_FULL, 76, 85, 255}, {FV_COLOR_BT709, FV_RANGE_LIMITED, 63, 102, 240}};
    for (size_t i = 0; i < 3; i++) {
        fvi_surface s = {0};
        c.f.matrix = red[i].m;
        c.f.range = red[i].r;
        assert_int_equal(fvi_surface_begin(&s, &c.f), FV_OK);
        fvi_ink ink = fvi_surface_ink(&s, (fvi_rgb){255, 0, 0}, 255);
        assert_in_range(ink.c[0], red[i].y - 1, red[i].y + 1);
        assert_in_range(ink.c[1], red[i].u - 1, red[i].u + 1);
        assert_in_range(ink.c[2], red[i].v - 1, 255);
        fvi_surface_plate(&s, 0, 0, 8, 8, 0, ink);
        assert_int_equal(c.f.plane[0][0], ink.c[0]);
        assert_int_equal(c.f.plane[2][c.f.stride[2] * 3 + 3], ink.c[2]);
        fvi_surface_free(&s);
    }
    canvas_free(&c);
}

static void test_glyph_blending(void **state)
{
    (void)state;
    canvas c = canvas_make(FV_PIXEL_RGB, 40, 20, 0, 0);
    fvi_surface s = {0};
    assert_int_equal(fvi_surface_begin(&s, &c.f), FV_OK);
    int pen = fvi_text_draw(&s, &font, 3, 15, "Ah", -1, fvi_surface_ink(&s, (fvi_rgb){200, 100, 50}, 255));
    assert_int_equal(pen, 3 + 14);
#define RGB_AT(x, y) (c.f.plane[0] + (y) * c.f.stride[0] + 3 * (x))
    assert_memory_equal(RGB_AT(3, 5), ((uint8_t[]){200, 100, 50}), 3); /* top = baseline - 10 */
    assert_memory_equal(RGB_AT(8, 14), ((uint8_t[]){200, 100, 50}), 3);
    assert_memory_equal(RGB_AT(9, 10), ((uint8_t[]){0, 0, 0}), 3);
    assert_memory_equal(RGB_AT(3, 15), ((uint8_t[]){0, 0, 0}), 3);
    assert_memory_equal(RGB_AT(10, 10), ((uint8_t[]){100, 50, 25}), 3); /* 128/255 of it */
    fvi_text_draw(&s, &font, -4, 4, "AAAAAAAAAA", -1, fvi_surface_ink(&s, (fvi_rgb){1, 2, 3}, 255)); /* cut at three sides */
    canvas_changed(&c, 0, 0);
    assert_memory_equal(RGB_AT(0, 0), ((uint8_t[]){1, 2, 3}), 3);
    fvi_surface_free(&s);
    canvas_free(&c);
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct { const char *text; uint32_t want[8]; } cases[] = {
        {"aé€😀", {'a', 0xE9, 0x20AC, 0x1F600}}, {"\xff" "b", {0xFFFD, 'b'}}, {"\xC3", {0xFFFD}}, {"\xC3" "a", {0xFFFD, 'a'}},
        {"\xE2\x82", {0xFFFD}}, {"\xC0\x80x", {0xFFFD, 'x'}}, {"\xED\xA0\x80", {0xFFFD}}, {"\xF4\x90\x80\x80", {0xFFFD}}, {"\x80z", {0xFFFD, 'z'}}, {"a\tb\x7f", {'a', ' ', 'b', ' '}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *p = cases[i].text;
        for (int k = 0; k < 8; k++) {
            uint32_t c = fvi_text_next(&p);
            assert_int_equal(c, cases[i].want[k]);
            if (!c) break;
        }
        assert_int_equal(*p, 0);
    }
    assert_int_equal(fvi_text_width(&font, "ab é"), 7 + 7 + 7 + 9); /* not in the font: the replacement sign */
    assert_int_equal(fvi_text_fit(&font, "aé€b", 16), 3);
    assert_int_equal(fvi_text_fit(&font, "ab", 6), 0);
    assert_int_equal(fvi_text_fit(&font, "ab", 14), 2);
}

/* Plates are moved, not cut: all of the plate is seen wherever it was asked for. */
static void test_labels_stay_whole(void **state)
{
    (void)state;
    static const int at[][2] = {{-500, -500}, {500, -9}, {20, 500}, {95, 75}, {0, 30}};
    fvi_run run = {"abc", {255, 255, 255}};
    int lw = fvi_label_width(&font, &run, 1), lh = fvi_label_height(&font);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        canvas c = canvas_make(FV_PIXEL_GRAY, 100, 80, 0, 0);
        fvi_surface s = {0};
        assert_int_equal(fvi_surface_begin(&s, &c.f), FV_OK);
        fvi_label_draw(&s, &font, at[i][0], at[i][1], &run, 1, (fvi_plate){{90, 90, 90}, 255, 0});
        assert_int_equal(canvas_changed(&c, 0, 0), lw * lh);
        fvi_surface_free(&s);
        canvas_free(&c);
    }
    canvas c = canvas_make(FV_PIXEL_GRAY, lw - 9, 80, 0, 0); /* too wide: shortened to the frame's width */
    fvi_surface s = {0};
    assert_int_equal(fvi_surface_begin(&s, &c.f), FV_OK);
    fvi_label_draw(&s, &font, 4, 4, &run, 1, (fvi_plate){{90, 90, 90}, 255, 0});
    assert_int_equal(canvas_changed(&c, 0, 0), (lw - 9) * lh);
    assert_int_equal(c.f.plane[0][(4 + lh / 2) * c.f.stride[0] + lw - 10], 90); /* no letter in the right margin */
    canvas_free(&c);
    c = canvas_make(FV_PIXEL_GRAY, 100, lh - 1, 0, 0); /* too low: nothing */
    assert_int_equal(fvi_surface_begin(&s, &c.f), FV_OK);
    fvi_label_draw(&s, &font, 4, 4, &run, 1, (fvi_plate){{90, 90, 90}, 255, 0});
    assert_int_equal(canvas_changed(&c, 0, 0), 0);
    fvi_surface_free(&s);
    canvas_free(&c);
    assert_int_equal(fvi_label_contrast((fvi_rgb){255, 230, 0}).r < 100, 1);
    assert_int_equal(fvi_label_contrast((fvi_rgb){20, 20, 90}).r, 255);
}

static void test_trails(void **state)
{
    (void)state;
    for (int off = 0; off < 2; off++) {
        fv_painter *p;
        assert_int_equal(fv_painter_create(&p, FV_PAINT_OPTIONS(.line_width = 3, .no_tracks = off, .trail_s = 1), NULL), FV_OK);
        fv_detection d = {.box = {0, 10, 10, 20}, .confidence = 1, .track_id = 7};
        fv_detections dets = {&d, 1, 1}, none = {0};
        fv_scene scene = {.dets = &dets};
        uint8_t old_spot[3], passed = 0, later = 0;
        for (int k = 0; k <= 30; k++) { /* to the right, 6 pixels a tenth of a second; then gone */
            canvas c = canvas_make(FV_PIXEL_GRAY, 200, 40, 0, 0);
            d.box[0] = 10 + (float)k * 6, d.box[2] = 20 + (float)k * 6;
            c.f.pts = k * 0.1;
            if (k > 12) scene.dets = &none;
            assert_int_equal(fv_painter_draw(p, &c.f, &scene), FV_OK);
            old_spot[0] = c.f.plane[0][20 * c.f.stride[0] + 45]; /* feet were here at k = 5 */
            if (k == 9) passed = old_spot[0];
            if (k == 25) later = old_spot[0];
            canvas_free(&c);
        }
        assert_true(off ? passed == 0 : passed > 30);
        assert_int_equal(later, 0);
        fv_painter_free(&p);
    }
}

static void test_colors_are_stable(void **state)
{
    (void)state;
    uint8_t seen[3][3];
    for (int k = 0; k < 3; k++) {
        fv_detection d = {.box = {4, 4, 40, 40}, .confidence = 0.5f, .track_id = k == 1 ? 6 : 5, .class_id = k};
        fv_detections dets = {&d, 1, 1};
        fv_scene scene = {.dets = &dets};
        canvas c = canvas_make(FV_PIXEL_RGB, 48, 48, 0, 0);
        fv_painter *p = painter(3, NULL);
        assert_int_equal(fv_painter_draw(p, &c.f, &scene), FV_OK);
        memcpy(seen[k], RGB_AT(20, 5), 3);
        fv_painter_free(&p);
        canvas_free(&c);
    }
    assert_memory_equal(seen[0], seen[2], 3); /* same track, other class */
    assert_true(memcmp(seen[0], seen[1], 3) != 0);
}

static void test_line_arrow_points_in(void **state)
{
    (void)state;
    /* in is from s < 0 to s > 0 with s = (x2-x1)(py-y1) - (y2-y1)(px-x1): for a line to the right, downwards */
    for (int k = 0; k < 2; k++) {
        canvas c = canvas_make(FV_PIXEL_GRAY, 100, 100, 0, 0);
        fv_line line = {.x1 = k ? 90 : 10, .y1 = 50, .x2 = k ? 10 : 90, .y2 = 50};
        fv_scene scene = {.lines = &line, .n_lines = 1};
        fv_painter *p = painter(2, NULL);
        assert_int_equal(fv_painter_draw(p, &c.f, &scene), FV_OK);
        assert_true(AT(30, 50) > 100);
        uint8_t below = AT(50, 62), above = AT(50, 38);
        assert_true(k ? above > 100 && below == 0 : below > 100 && above == 0);
        fv_painter_free(&p);
        canvas_free(&c);
    }
}

static void test_zone_is_translucent(void **state)
{
    (void)state;
    canvas c = canvas_make(FV_PIXEL_RGB, 100, 100, 40, 0);
    double xy[] = {20, 20, 80, 20, 80, 80, 20, 80};
    fv_zone zone = {.xy = xy, .n_points = 4};
    fv_scene scene = {.zones = &zone, .n_zones = 1};
    fv_painter *p = painter(2, NULL);
    assert_int_equal(fv_painter_draw(p, &c.f, &scene), FV_OK);
    const uint8_t *in = RGB_AT(50, 50), *edge = RGB_AT(50, 20), *out = RGB_AT(50, 90);
    assert_int_equal(out[1], 40);
    assert_true(in[1] > 45 && in[1] < 120);
    assert_true(edge[1] > in[1] + 30);
    fv_painter_free(&p);
    canvas_free(&c);
}

static void test_polygon_area(void **state)
{
    (void)state;
    canvas c = canvas_make(FV_PIXEL_GRAY, 64, 64, 0, 0);
    fvi_surface s = {0};
    assert_int_equal(fvi_surface_begin(&s, &c.f), FV_OK);
    assert_int_equal(fvi_surface_reserve_points(&s, 8), FV_OK);
    float tri[] = {3.3f, 5.1f, 60.7f, 20.4f, 17.9f, 58.2f};
    fvi_surface_polygon(&s, tri, 3, fvi_surface_ink(&s, (fvi_rgb){255, 255, 255}, 255));
    double sum = 0, area = 0.5 * fabs((60.7 - 3.3) * (58.2 - 5.1) - (17.9 - 3.3) * (20.4 - 5.1));
    for (int y = 0; y < 64; y++)
        for (int x = 0; x < 64; x++) sum += AT(x, y) / 255.0;
    assert_float_equal(sum, area, area * 0.005);
    fvi_surface_free(&s);
    canvas_free(&c);
}

static void test_counts_are_shown(void **state)
{
    (void)state;
    double xy[] = {0.1, 0.5, 0.9, 0.5, 0.9, 0.9};
    fv_zone zone = {.name = "z", .xy = xy, .n_points = 3};
    fv_line line = {.name = "l", .x1 = 0.1, .y1 = 0.5, .x2 = 0.9, .y2 = 0.5};
    fv_counter *counter;
    assert_int_equal(fv_counter_create(&counter, FV_COUNT_OPTIONS(.lines = &line, .n_lines = 1, .zones = &zone, .n_zones = 1), NULL), FV_OK);
    int changed[2];
    for (int k = 0; k < 2; k++) {
        canvas c = canvas_make(FV_PIXEL_GRAY, 400, 200, 0, 0);
        fv_scene scene = {.lines = &line, .n_lines = 1, .zones = &zone, .n_zones = 1, .counter = k ? counter : NULL};
        fv_painter *p = painter(2, &font);
        assert_int_equal(fv_painter_draw(p, &c.f, &scene), FV_OK);
        changed[k] = canvas_changed(&c, 0, 0);
        fv_painter_free(&p);
        canvas_free(&c);
    }
    assert_true(changed[1] > changed[0] + 500); /* "  in 0  out 0" makes the plate wider */
    fv_counter_free(&counter);
}

/* What the options leave out: the plate, the confidence on it, the number of the track on it. */
static void test_labels_say_what_is_wanted(void **state)
{
    (void)state;
    fv_detection d = {.box = {50, 60, 70, 80}, .confidence = 0.5f, .track_id = 1};
    fv_detections dets = {&d, 1, 1};
    fv_scene scene = {.dets = &dets, .class_name = name_of};
    fv_paint_options opt[] = {{.no_labels = 1}, {.no_conf = 1, .no_tracks = 1}, {.no_conf = 1}, {0}};
    int changed[4];
    for (int k = 0; k < 4; k++) {
        fv_painter *p;
        canvas c = canvas_make(FV_PIXEL_GRAY, 300, 120, 0, 0);
        opt[k].size = sizeof opt[k];
        opt[k].line_width = 2;
        opt[k].font = &font;
        assert_int_equal(fv_painter_create(&p, &opt[k], NULL), FV_OK);
        assert_int_equal(fv_painter_draw(p, &c.f, &scene), FV_OK);
        changed[k] = canvas_changed(&c, 0, 0);
        fv_painter_free(&p);
        canvas_free(&c);
    }
    for (int k = 1; k < 4; k++) assert_true(changed[k] > changed[k - 1] + 200); /* each has a wider plate than the one before */
}

static void test_steady_state_does_not_allocate(void **state)
{
    (void)state;
    canvas c;
    draw_all(FV_PIXEL_I420, 96, 80, false, &c);
    fv_detection d = {.box = {4, 4, 40, 40}, .confidence = 0.5f, .track_id = 1};
    fv_detections dets = {&d, 1, 1};
    double xy[] = {20, 20, 80, 20, 80, 80, 20, 80};
    fv_zone zone = {.xy = xy, .n_points = 4, .name = "z"};
    const char *hud[] = {"x"};
    fv_scene scene = {.dets = &dets, .zones = &zone, .n_zones = 1, .hud = hud, .n_hud = 1};
    fv_painter *p = painter(0, &font);
    assert_int_equal(fv_painter_draw(p, &c.f, &scene), FV_OK);
    uint64_t before = fvi_alloc_count();
    for (int k = 1; k < 50; k++) {
        c.f.pts = k / 25.0;
        d.track_id = 1 + k / 3;
        assert_int_equal(fv_painter_draw(p, &c.f, &scene), FV_OK);
    }
    assert_true(fvi_alloc_count() == before);
    fv_painter_free(&p);
    canvas_free(&c);
}

static void test_refusals_and_memory(void **state)
{
    (void)state;
    fv_error err = {0};
    fv_painter *p;
    assert_true(fv_painter_create(&p, FV_PAINT_OPTIONS(.line_width = -1), &err) < 0 && !p && err.text[0]);
    assert_true(fv_painter_create(&p, FV_PAINT_OPTIONS(.line_width = 100000), &err) < 0);
    assert_true(fv_painter_create(&p, FV_PAINT_OPTIONS(.trail_s = NAN), &err) < 0);
    assert_int_equal(fv_painter_create(&p, NULL, &err), FV_OK);
    canvas c = canvas_make(FV_PIXEL_I420, 9, 9, 0, 0);
    fv_scene scene = {0};
    assert_int_equal(fv_painter_draw(p, &c.f, &scene), FV_OK); /* nothing to draw is fine */
    assert_int_equal(canvas_total(&c, 0, 0), 0);
    fv_frame bad = c.f;
    bad.stride[1] = 4;
    assert_true(fv_painter_draw(p, &bad, &scene) < 0);
    bad = c.f;
    bad.plane[2] = NULL;
    assert_true(fv_painter_draw(p, &bad, &scene) < 0);
    bad = c.f;
    bad.stride[0] = -32;
    assert_true(fv_painter_draw(p, &bad, &scene) < 0);
    assert_true(fv_painter_draw(p, &c.f, NULL) < 0);
    scene.n_lines = 1;
    assert_true(fv_painter_draw(p, &c.f, &scene) < 0);
    fv_painter_free(&p);
    double xy[] = {1, 1, 5, 1, 5, 5, 1, 5};
    fv_zone zone = {.xy = xy, .n_points = 4};
    scene = (fv_scene){.zones = &zone, .n_zones = 1};
    int failures = 0;
    for (long n = 1; n < 20; n++) {
        fvi_alloc_fail_after(n);
        fv_status st = fv_painter_create(&p, NULL, &err);
        if (st == FV_OK) st = fv_painter_draw(p, &c.f, &scene);
        fvi_alloc_fail_after(0);
        if (p) assert_int_equal(fv_painter_draw(p, &c.f, &scene), FV_OK);
        fv_painter_free(&p);
        if (st == FV_OK) break;
        assert_int_equal(st, FV_ERR_MEMORY);
        failures++;
    }
    assert_true(failures >= 4 && failures < 19);
    fv_painter_free(NULL);
    canvas_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stays_inside),
        cmocka_unit_test(test_far_boxes_leave_no_mark),
        cmocka_unit_test(test_box_pixels),
        cmocka_unit_test(test_formats_agree),
        cmocka_unit_test(test_inks),
        cmocka_unit_test(test_glyph_blending),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_labels_stay_whole),
        cmocka_unit_test(test_trails),
        cmocka_unit_test(test_colors_are_stable),
        cmocka_unit_test(test_line_arrow_points_in),
        cmocka_unit_test(test_zone_is_translucent),
        cmocka_unit_test(test_polygon_area),
        cmocka_unit_test(test_counts_are_shown), cmocka_unit_test(test_labels_say_what_is_wanted),
        cmocka_unit_test(test_steady_state_does_not_allocate),
        cmocka_unit_test(test_refusals_and_memory),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
