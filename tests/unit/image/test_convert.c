/* fv_frame_convert against the formulas of the standards in double, every matrix, range, siting, odd sizes; and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fovea/frame.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static uint32_t seed = 1;
static uint8_t random_byte(void) { return (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24); }

static fv_frame picture(fv_pixel_format format, int w, int h)
{
    fv_frame f;
    assert_int_equal(fv_frame_alloc(&f, format, w, h), FV_OK);
    for (int i = 0; i < 3 && f.plane[i]; i++)
        for (int y = 0; y < (i ? (h + 1) / 2 : h); y++)
            for (int x = 0; x < f.stride[i]; x++) f.plane[i][y * f.stride[i] + x] = random_byte();
    return f;
}

/* Chroma at luma position (x, y), linear between samples, those at the border repeated. */
static double chroma(const fv_frame *f, int which, int x, int y)
{
    int cw = (f->width + 1) / 2, ch = (f->height + 1) / 2;
    double cx = f->chroma == FV_CHROMA_LEFT ? x / 2.0 : (x - 0.5) / 2, cy = (y - 0.5) / 2, sum = 0;
    for (int dy = 0; dy < 2; dy++)
        for (int dx = 0; dx < 2; dx++) {
            int ix = (int)floor(cx) + dx, iy = (int)floor(cy) + dy;
            double weight = (1 - fabs(cx - ix)) * (1 - fabs(cy - iy));
            ix = ix < 0 ? 0 : ix >= cw ? cw - 1 : ix;
            iy = iy < 0 ? 0 : iy >= ch ? ch - 1 : iy;
            sum += weight * (f->format == FV_PIXEL_NV12 ? f->plane[1][iy * f->stride[1] + 2 * ix + which] : f->plane[1 + which][iy * f->stride[1 + which] + ix]);
        }
    return sum - 128;
}

static int worst(const fv_frame *f, const fv_frame *got, bool bgr)
{
    static const double ks[][2] = {{0.299, 0.114}, {0.2126, 0.0722}, {0.2627, 0.0593}};
    double kr = ks[f->matrix][0], kb = ks[f->matrix][1], kg = 1 - kr - kb, error = 0;
    bool full = f->range == FV_RANGE_FULL;
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++) {
            double l = f->plane[0][y * f->stride[0] + x], u = chroma(f, 0, x, y), v = chroma(f, 1, x, y);
            if (!full) l = (l - 16) * 255 / 219, u *= 255.0 / 224, v *= 255.0 / 224;
            double r = l + 2 * (1 - kr) * v, b = l + 2 * (1 - kb) * u, g = (l - kr * r - kb * b) / kg, rgb[3] = {bgr ? b : r, g, bgr ? r : b};
            for (int c = 0; c < 3; c++) error = fmax(error, fabs(fmin(fmax(rgb[c], 0), 255) - got->plane[0][y * got->stride[0] + 3 * x + c]));
        }
    return (int)ceil(error - 0.6); /* half for rounding, a tenth for fractions of 14 bits */
}

static void yuv_to_rgb(void **state)
{
    static const int sizes[][2] = {{1, 1}, {2, 2}, {7, 5}, {64, 48}, {1031, 3}, {1024, 2}, {513, 4}};
    (void)state;
    fv_frame out = {0};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int kind = 0; kind < 2 * 3 * 2 * 2; kind++) {
            fv_frame f = picture(kind % 2 ? FV_PIXEL_NV12 : FV_PIXEL_I420, sizes[s][0], sizes[s][1]);
            f.matrix = (fv_color_matrix)(kind / 2 % 3);
            f.range = (fv_color_range)(kind / 6 % 2);
            f.chroma = (fv_chroma_site)(kind / 12);
            f.index = 5;
            f.pts = 0.25;
            assert_int_equal(fv_frame_convert(&out, FV_PIXEL_RGB, &f), FV_OK);
            assert_true(out.width == f.width && out.height == f.height && out.index == 5 && out.pts == 0.25 && out.range == FV_RANGE_FULL);
            assert_int_equal(worst(&f, &out, false), 0);
            assert_int_equal(fv_frame_convert(&out, FV_PIXEL_BGR, &f), FV_OK);
            assert_int_equal(worst(&f, &out, true), 0);
            fv_frame_release(&f);
        }
    fv_frame_release(&out);
}

static void others(void **state)
{
    (void)state;
    fv_frame f = picture(FV_PIXEL_RGB, 5, 3), out = {0}, gray = {0};
    assert_int_equal(fv_frame_convert(&out, FV_PIXEL_BGR, &f), FV_OK);
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 15; x++) assert_int_equal(out.plane[0][y * out.stride[0] + x], f.plane[0][y * f.stride[0] + x / 3 * 3 + 2 - x % 3]);
    uint8_t *memory = out.plane[0];
    assert_int_equal(fv_frame_convert(&out, FV_PIXEL_BGR, &f), FV_OK);
    assert_ptr_equal(out.plane[0], memory); /* used again */
    assert_int_equal(fv_frame_convert(&out, FV_PIXEL_RGB, &f), FV_OK);
    assert_memory_equal(out.plane[0], f.plane[0], 15);
    assert_int_equal(fv_frame_convert(&gray, FV_PIXEL_GRAY, &f), FV_OK);
    const uint8_t *p = f.plane[0];
    assert_true(fabs(gray.plane[0][0] - (0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2])) <= 0.51);
    assert_int_equal(fv_frame_convert(&out, FV_PIXEL_RGB, &gray), FV_OK);
    assert_true(out.plane[0][3] == gray.plane[0][1] && out.plane[0][5] == gray.plane[0][1]);
    fv_frame_release(&f);
    f = picture(FV_PIXEL_I420, 4, 4);
    f.plane[0][0] = 16;
    f.plane[0][1] = 235;
    f.plane[0][2] = 3;
    assert_int_equal(fv_frame_convert(&gray, FV_PIXEL_GRAY, &f), FV_OK);
    assert_true(gray.plane[0][0] == 0 && gray.plane[0][1] == 255 && gray.plane[0][2] == 0);
    assert_int_equal(fv_frame_convert(&out, FV_PIXEL_NV12, &f), FV_ERR_ARGUMENT);
    assert_int_equal(fv_frame_convert(&out, FV_PIXEL_NONE, &f), FV_ERR_ARGUMENT);
    assert_int_equal(fv_frame_convert(&f, FV_PIXEL_RGB, &f), FV_ERR_ARGUMENT);
    assert_int_equal(fv_frame_convert(&out, FV_PIXEL_RGB, &(fv_frame){0}), FV_ERR_ARGUMENT);
    assert_int_equal(fv_frame_convert(&out, FV_PIXEL_I420, &f), FV_OK); /* a copy */
    assert_memory_equal(out.plane[0], f.plane[0], 4);
    fv_frame_release(&f);
    fv_frame_release(&out);
    fv_frame_release(&gray);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(yuv_to_rgb), cmocka_unit_test(others)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
