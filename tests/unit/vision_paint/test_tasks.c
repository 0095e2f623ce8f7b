/* Masks, keypoints, rotated boxes and maps in every pixel format: where paint goes, where it does not, and rows that are not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fovea/paint.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { W = 61, H = 43 }; /* odd: the last chroma block is cut */

static fv_frame gray_frame(fv_pixel_format format)
{
    bool yuv = format == FV_PIXEL_I420 || format == FV_PIXEL_NV12, rgb = format == FV_PIXEL_RGB || format == FV_PIXEL_BGR;
    fv_frame f = {.format = format, .width = W, .height = H};
    for (int i = 0; i < (format == FV_PIXEL_I420 ? 3 : yuv ? 2 : 1); i++) {
        int row = i ? (W + 1) / 2 * (format == FV_PIXEL_NV12 ? 2 : 1) : rgb ? 3 * W : W, rows = i ? (H + 1) / 2 : H;
        f.stride[i] = row + 3;
        f.plane[i] = malloc((size_t)((row + 3) * rows));
        memset(f.plane[i], i ? 128 : 100, (size_t)((row + 3) * rows));
    }
    return f;
}

static void drop(fv_frame *f)
{
    for (int i = 0; i < 3; i++) free(f->plane[i]);
}

static int luma(const fv_frame *f, int x, int y)
{
    bool rgb = f->format == FV_PIXEL_RGB || f->format == FV_PIXEL_BGR;
    const uint8_t *p = f->plane[0] + y * f->stride[0] + (rgb ? 3 * x : x);
    return rgb ? (p[0] + p[1] + p[2]) / 3 : p[0];
}

static void draw(fv_frame *f, const fv_detections *d, fv_task task, int n_classes)
{
    fv_painter *p;
    fv_scene scene = {.dets = d, .task = task, .n_classes = n_classes};
    assert_int_equal(fv_painter_create(&p, FV_PAINT_OPTIONS(.line_width = 1, .no_tracks = 1), NULL), FV_OK);
    assert_int_equal(fv_painter_draw(p, f, &scene), FV_OK);
    fv_painter_free(&p);
}

static const fv_pixel_format formats[] = {FV_PIXEL_I420, FV_PIXEL_NV12, FV_PIXEL_RGB, FV_PIXEL_BGR, FV_PIXEL_GRAY};

static void masks(void **state)
{
    (void)state;
    uint8_t bits[20 * 10];
    for (int i = 0; i < 200; i++) bits[i] = i % 20 < 10; /* the left half */
    fv_mask mask = {30, 20, 20, 10, 0};
    fv_detection items[3] = {{.box = {30, 20, 50, 30}, .extra = 1}, {.box = {0, 0, 4, 4}, .extra = 7}, {.box = {0, 0, 4, 4}, .extra = -2}};
    fv_detections d = {.items = items, .count = 3, .n_extras = 1, .masks = &mask, .mask_bits = bits, .mask_bytes = sizeof bits};
    for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) {
        fv_frame f = gray_frame(formats[k]);
        draw(&f, &d, FV_TASK_SEGMENT, 1);
        assert_true(luma(&f, 35, 25) > 110 && luma(&f, 33, 27) == luma(&f, 35, 25));
        assert_int_equal(luma(&f, 45, 25), 100); /* inside the box, outside the mask */
        assert_int_equal(luma(&f, 20, 25), 100);
        drop(&f);
        mask = (fv_mask){W - 5, H - 5, 20, 10, 0}; /* reaches out of the frame */
        f = gray_frame(formats[k]);
        draw(&f, &d, FV_TASK_SEGMENT, 1);
        assert_true(luma(&f, W - 3, H - 3) > 110);
        drop(&f);
        mask = (fv_mask){30, 20, 2000, 10, 0}; /* more bits than there are */
        f = gray_frame(formats[k]);
        draw(&f, &d, FV_TASK_SEGMENT, 1);
        assert_int_equal(luma(&f, 35, 25), 100);
        drop(&f);
        mask = (fv_mask){30, 20, 20, 10, 0};
    }
}

static void points_and_rotated_boxes(void **state)
{
    (void)state;
    float points[17][3] = {{0}}, rotated[1][5] = {{30, 20, 20, 10, 0.78539816f}};
    points[5][0] = points[6][0] = 30, points[5][1] = 5, points[6][1] = 35; /* shoulders: joined */
    points[5][2] = points[6][2] = 1;
    points[9][0] = 50, points[9][1] = 20, points[9][2] = 0.1f; /* too weak */
    fv_detection item = {.box = {0, 0, W, H}, .extra = 1};
    fv_detections pose = {.items = &item, .count = 1, .n_extras = 1, .keypoints = points, .n_keypoints = 17};
    fv_detections obb = {.items = &item, .count = 1, .n_extras = 1, .obb = rotated};
    for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) {
        fv_frame f = gray_frame(formats[k]), g = gray_frame(formats[k]);
        draw(&f, &pose, FV_TASK_POSE, 1);
        assert_int_not_equal(luma(&f, 30, 20), 100);
        assert_int_equal(luma(&f, 50, 20), 100);
        draw(&g, &obb, FV_TASK_OBB, 1);
        assert_int_not_equal(luma(&g, 30 - 3, 20 - 10), 100); /* the upper corner: left of the middle by (20-10)/2 * cos 45 */
        assert_int_equal(luma(&g, 30, 20), 100);
        assert_int_equal(luma(&g, 1, 20), 100); /* the upright box is not drawn */
        drop(&f);
        drop(&g);
    }
}

static void maps(void **state)
{
    (void)state;
    float depth[4] = {1, 9, 1, 9}, classes[4] = {0, 1, 0, 70000}, text[4] = {0, 0.9f, 0, 0.1f};
    fv_detections d = {.map = {1, 2, 2, depth, 4}};
    for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) {
        fv_frame f = gray_frame(formats[k]);
        draw(&f, &d, FV_TASK_DEPTH, 1);
        assert_true(luma(&f, 2, 20) < 60 && luma(&f, W - 2, 20) > 150 && luma(&f, W - 1, H - 1) > 150);
        drop(&f);
        d.map.data = classes;
        f = gray_frame(formats[k]);
        draw(&f, &d, FV_TASK_SEMANTIC, 3);
        assert_int_not_equal(luma(&f, 2, 2), luma(&f, W - 2, 2));
        drop(&f);
        d.map.data = text;
        f = gray_frame(formats[k]);
        draw(&f, &d, FV_TASK_SEMANTIC, 1);
        assert_int_not_equal(luma(&f, W - 2, 2), 100);
        assert_int_equal(luma(&f, 2, 2), 100);
        assert_int_equal(luma(&f, W - 2, H - 2), 100);
        drop(&f);
        d.map.data = depth;
        f = gray_frame(formats[k]);
        draw(&f, &d, FV_TASK_EMBED, 1); /* not a picture */
        assert_int_equal(luma(&f, 2, 20), 100);
        drop(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(masks), cmocka_unit_test(points_and_rotated_boxes), cmocka_unit_test(maps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
