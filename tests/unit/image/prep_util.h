/* prep_util.h: pictures by formula, frames in any format, and running prep into a dense buffer. Shared by the image tests. */
#ifndef TEST_PREP_UTIL_H
#define TEST_PREP_UTIL_H
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "image/prep.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The pictures of scripts/make_prep_goldens.py. */
static inline uint8_t noise(int x, int y, int c)
{
    uint32_t v = (uint32_t)x * 374761393u + (uint32_t)y * 668265263u + (uint32_t)c * 2246822519u;
    v = (v ^ (v >> 13)) * 1274126177u;
    return (uint8_t)(v ^ (v >> 16));
}
static inline uint8_t gradient(int x, int y, int c) { return (uint8_t)(x * 3 + y * 5 + c * 40); }

static inline int plane_w(const fv_frame *f, int i) /* bytes a row */
{
    int w = f->width, cw = (w + 1) / 2;
    if (i == 0) return f->format == FV_PIXEL_RGB || f->format == FV_PIXEL_BGR ? 3 * w : w;
    return f->format == FV_PIXEL_NV12 ? 2 * cw : cw;
}
static inline int plane_h(const fv_frame *f, int i) { return i ? (f->height + 1) / 2 : f->height; }
static inline int planes(const fv_frame *f) { return f->format == FV_PIXEL_I420 ? 3 : f->format == FV_PIXEL_NV12 ? 2 : 1; }

static inline fv_frame make_frame(fv_pixel_format format, int w, int h, uint8_t (*pixel)(int, int, int))
{
    fv_frame f;
    assert_int_equal(fv_frame_alloc(&f, format, w, h), FV_OK);
    for (int i = 0; i < planes(&f); i++)
        for (int y = 0; y < plane_h(&f, i); y++)
            for (int x = 0; x < plane_w(&f, i); x++) {
                int n = i == 0 && plane_w(&f, 0) == 3 * w ? 3 : i == 1 && format == FV_PIXEL_NV12 ? 2 : 1;
                int c = x % n + i; /* NV12's v is component 2, as in I420 */
                f.plane[i][y * f.stride[i] + x] = pixel(x / n, y, c);
            }
    return f;
}

static inline fvi_prep_spec plain_spec(void)
{
    return (fvi_prep_spec){.pad_value = 114, .scale = {1, 1, 1}};
}

/* [3][h][w] of one picture, through the given tensor layout (0 NCHW, 1 NHWC, 2 odd strides). */
static inline float *prep_once(const fvi_prep_spec *spec, const fv_frame *f, int w, int h, int layout, fvi_cpu_flags cpu, int threads,
                               fvi_prep_map *map)
{
    fv_error err = {0};
    fvi_prep *p = NULL;
    fvi_pool *pool = NULL;
    assert_int_equal(fvi_prep_create(&p, spec, cpu, &err), FV_OK);
    if (threads > 1) assert_int_equal(fvi_pool_create(&pool, threads, &err), FV_OK);
    fvi_tensor t = {.dtype = FV_F32, .rank = 4, .dim = {2, 3, h, w}};
    int64_t xs = layout == 0 ? 1 : layout == 1 ? 3 : 5, cs = layout == 0 ? (int64_t)w * h : 1, ys = w * xs + (layout == 2 ? 7 : 0);
    int64_t image = layout == 0 ? 3 * cs : ys * h + 8;
    t.stride[0] = image, t.stride[1] = cs, t.stride[2] = ys, t.stride[3] = xs;
    size_t count = (size_t)(2 * image);
    float *buf = malloc(count * sizeof *buf), *out = malloc((size_t)(3 * w * h) * sizeof *out);
    assert_non_null(buf);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++) buf[i] = NAN;
    t.data = (char *)buf;
    fv_status st = fvi_prep_run(p, f, &t, 1, pool, map, &err);
    if (st < 0) print_error("%s\n", err.text);
    assert_int_equal(st, FV_OK);
    for (int64_t i = 0; i < image; i++) assert_true(isnan(buf[i])); /* the other picture was not touched */
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) out[(c * h + y) * w + x] = buf[image + c * cs + y * ys + x * xs];
    free(buf);
    fvi_prep_free(&p);
    fvi_pool_free(&pool);
    return out;
}
#endif
