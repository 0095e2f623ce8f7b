/* test_prep_part.c: a part of a frame gives the tensor that a frame of its own with the same pixels gives, to the bit; parts that begin between chroma
 * samples give what a part beginning one pixel earlier gives behind its first row and column. Parts of 4:2:0 frames that keep their size give what the whole
 * frame gives there. Through the set, sizes in turn rebuild nothing; many parts in one pass give what they give one by one. */
#include "prep_util.h"
#include "image/pixel.h"

static const fv_pixel_format formats[] = {FV_PIXEL_I420, FV_PIXEL_NV12, FV_PIXEL_RGB, FV_PIXEL_GRAY, FV_PIXEL_I422, FV_PIXEL_I444, FV_PIXEL_YUYV,
                                          FV_PIXEL_UYVY, FV_PIXEL_P010, FV_PIXEL_I010, FV_PIXEL_RGBA, FV_PIXEL_GBRP, FV_PIXEL_GRAY16};

static fv_frame noise_frame(fv_pixel_format format, int w, int h)
{
    fv_frame f;
    assert_int_equal(fv_frame_alloc(&f, format, w, h), FV_OK);
    for (int i = 0; i < 3; i++) {
        size_t row, rows;
        fvi_pixel_plane(fvi_pixel_of(format), i, w, h, &row, &rows);
        for (size_t y = 0; y < rows; y++)
            for (size_t x = 0; x < row; x++) f.plane[i][(ptrdiff_t)y * f.stride[i] + (ptrdiff_t)x] = noise((int)x, (int)y, i);
    }
    return f;
}

static fvi_tensor over(float *data, int w, int h)
{
    return (fvi_tensor){.data = (char *)data, .dtype = FV_F32, .rank = 4, .dim = {1, 3, h, w}, .stride = {(int64_t)3 * h * w, (int64_t)h * w, w, 1}};
}

static float *run_part(const fv_frame *f, const fvi_prep_part *part, const fvi_prep_spec *spec, int w, int h)
{
    fvi_prep *p = NULL;
    fv_error err = {0};
    float *out = malloc((size_t)(3 * w * h) * sizeof *out);
    assert_non_null(out);
    fvi_tensor t = over(out, w, h);
    assert_int_equal(fvi_prep_create(&p, spec, fvi_cpu_detect(), &err), FV_OK);
    assert_int_equal(fvi_prep_run_part(p, f, part, &t, 0, NULL, NULL, &err), FV_OK);
    fvi_prep_free(&p);
    return out;
}

/* The part's pixels in memory of their own; x and y even. */
static fv_frame cut_out(const fv_frame *f, const fvi_prep_part *part)
{
    const fvi_pixel *px = fvi_pixel_of(f->format);
    fv_frame c;
    assert_int_equal(fv_frame_alloc(&c, f->format, part->width, part->height), FV_OK);
    for (int i = 0; i < 3; i++) {
        size_t row, rows;
        fvi_pixel_plane(px, i, part->width, part->height, &row, &rows);
        for (size_t y = 0; y < rows; y++)
            memcpy(c.plane[i] + (ptrdiff_t)y * c.stride[i],
                   f->plane[i] + ((part->y >> px->plane[i].sub_y) + (ptrdiff_t)y) * f->stride[i] + (part->x >> px->plane[i].sub_x) * px->plane[i].bytes, row);
    }
    return c;
}

static void same(const float *a, const float *b, int n, fv_pixel_format format, const fvi_prep_part *p)
{
    for (int i = 0; i < n; i++)
        if (a[i] != b[i]) fail_msg("%s part %dx%d at %d,%d: value %d is %g, not %g", fv_pixel_format_name(format), p->width, p->height, p->x, p->y, i, (double)a[i], (double)b[i]);
}

static bool whole_chroma(const fv_frame *f)
{
    return f->format == FV_PIXEL_I420 || f->format == FV_PIXEL_NV12 || f->format == FV_PIXEL_NV21 || f->format == FV_PIXEL_P010 || f->format == FV_PIXEL_I010;
}

/* The part's pixels out of a tensor of all the frame. */
static float *cut_after(const fv_frame *f, const fvi_prep_part *part, const fvi_prep_spec *spec)
{
    const fvi_prep_part all = {0, 0, f->width, f->height};
    float *whole = run_part(f, &all, spec, f->width, f->height), *out = malloc((size_t)(3 * part->width * part->height) * sizeof *out);
    assert_non_null(out);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < part->height; y++)
            memcpy(out + (c * part->height + y) * part->width, whole + (c * f->height + part->y + y) * f->width + part->x, (size_t)part->width * sizeof *out);
    free(whole);
    return out;
}

static void test_as_a_frame(void **state)
{
    (void)state;
    const fvi_prep_part parts[] = {{0, 0, 97, 61}, {2, 4, 64, 40}, {32, 20, 65, 41}, {96, 60, 1, 1}, {18, 0, 48, 48}};
    for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) {
        fv_frame f = noise_frame(formats[k], 97, 61);
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            for (int filter = FVI_FILTER_BILINEAR; filter <= FVI_FILTER_SHARP; filter++) {
                fvi_prep_spec spec = plain_spec();
                spec.filter = (fvi_filter)filter;
                fv_frame own = cut_out(&f, &parts[i]);
                bool kept = parts[i].width == 48 && filter == FVI_FILTER_BILINEAR && whole_chroma(&f);
                float *a = run_part(&f, &parts[i], &spec, 48, 48), *b = kept ? cut_after(&f, &parts[i], &spec) : prep_once(&spec, &own, 48, 48, 0, fvi_cpu_detect(), 1, NULL);
                same(a, b, 3 * 48 * 48, formats[k], &parts[i]);
                free(a);
                free(b);
                fv_frame_release(&own);
            }
        fv_frame_release(&f);
    }
}

static void test_odd_places(void **state)
{
    (void)state;
    const fvi_prep_part parts[] = {{1, 0, 40, 30}, {0, 1, 40, 30}, {33, 17, 64, 44}, {5, 3, 41, 31}};
    for (size_t k = 0; k < sizeof formats / sizeof *formats; k++)
        for (int site = FV_CHROMA_LEFT; site <= FV_CHROMA_CENTER; site++) {
            fv_frame f = noise_frame(formats[k], 97, 61);
            f.chroma = (fv_chroma_site)site;
            for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
                fvi_prep_spec spec = plain_spec();
                spec.fit = FVI_FIT_STRETCH; /* pixel for pixel */
                fvi_prep_part p = parts[i], from = {p.x & ~1, p.y & ~1, p.width + (p.x & 1), p.height + (p.y & 1)};
                float *a = run_part(&f, &p, &spec, p.width, p.height), *b = run_part(&f, &from, &spec, from.width, from.height);
                for (int c = 0; c < 3; c++)
                    for (int y = 0; y < p.height; y++)
                        same(a + (c * p.height + y) * p.width, b + (c * from.height + y + (p.y & 1)) * from.width + (p.x & 1), p.width, formats[k], &p);
                free(a);
                free(b);
            }
            fv_frame_release(&f);
        }
}

static void test_set(void **state)
{
    (void)state;
    const fvi_prep_part parts[] = {{0, 0, 97, 61}, {2, 4, 64, 40}, {3, 4, 64, 40}, {2, 5, 64, 40}, {3, 5, 64, 40}};
    fvi_prep_set *s = NULL;
    fv_error err = {0};
    fvi_prep_spec spec = plain_spec();
    fv_frame f = noise_frame(FV_PIXEL_NV12, 97, 61);
    static float out[3 * 32 * 32];
    fvi_tensor t = over(out, 32, 32);
    assert_int_equal(fvi_prep_set_create(&s, &spec, fvi_cpu_detect(), &err), FV_OK);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            fvi_prep_map map;
            assert_int_equal(fvi_prep_set_run(s, &f, i ? &parts[i] : NULL, &t, 0, NULL, &map, &err), FV_OK);
            float *want = run_part(&f, &parts[i], &spec, 32, 32);
            same(out, want, 3 * 32 * 32, f.format, &parts[i]);
            free(want);
        }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) { /* all five are there */
        uint64_t before = fvi_alloc_count();
        assert_int_equal(fvi_prep_set_run(s, &f, &parts[i], &t, 0, NULL, NULL, &err), FV_OK);
        assert_int_equal(fvi_alloc_count(), before);
    }
    const fvi_prep_part outside[] = {{-1, 0, 5, 5}, {0, 0, 98, 5}, {96, 0, 2, 1}, {0, 0, 0, 5}, {0, 60, 1, 2}, {2147483647, 0, 5, 5}};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) assert_int_equal(fvi_prep_set_run(s, &f, &outside[i], &t, 0, NULL, NULL, &err), FV_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "is not inside a frame of 97x61"));
    spec.scale[0] = NAN;
    fvi_prep_set *bad = NULL;
    assert_int_equal(fvi_prep_set_create(&bad, &spec, fvi_cpu_detect(), &err), FV_ERR_ARGUMENT);
    assert_null(bad);
    fvi_prep_set_free(&s);
    fv_frame_release(&f);
}

/* A picture that keeps its size goes without tables: the same bytes as through those of 4:2:2 with every chroma row there twice, which is what
 * rows next to each other in 4:2:0 are when they are equal. */
static void test_kept_size(void **state)
{
    (void)state;
    fv_frame f = noise_frame(FV_PIXEL_I420, 83, 40), g = noise_frame(FV_PIXEL_I422, 83, 40);
    for (int i = 1; i < 3; i++)
        for (int y = 0; y < 40; y++) {
            uint8_t *row = f.plane[i] + (y / 2) * f.stride[i];
            memcpy(row, f.plane[i], 42);
            memcpy(g.plane[i] + y * g.stride[i], row, 42);
        }
    for (int site = FV_CHROMA_LEFT; site <= FV_CHROMA_CENTER; site++) {
        fvi_prep_spec spec = plain_spec();
        f.chroma = g.chroma = (fv_chroma_site)site;
        float *a = prep_once(&spec, &f, 83, 40, 0, fvi_cpu_detect(), 1, NULL), *b = prep_once(&spec, &g, 83, 40, 0, fvi_cpu_detect(), 1, NULL);
        same(a, b, 3 * 83 * 40, f.format, &(fvi_prep_part){0, 0, 83, 40});
        free(a);
        free(b);
    }
    fv_frame_release(&f);
    fv_frame_release(&g);
}

enum { PARTS = 8, TILE_W = 40, TILE_H = 24 };

static void check_parts(const fv_frame *f, bool nhwc, int threads)
{
    /* overlapping tiles at odd places, alone ones, the whole, another size; the last is not the network's size either */
    const fvi_prep_part parts[PARTS] = {{30, 0, TILE_W, TILE_H}, {0, 0, TILE_W, TILE_H}, {0, 0, 97, 61}, {57, 37, TILE_W, TILE_H},
                                        {30, 15, TILE_W, TILE_H}, {1, 37, TILE_W, TILE_H}, {57, 0, TILE_W, TILE_H}, {3, 3, 50, 50}};
    static float one[3 * TILE_W * TILE_H], all[(PARTS + 1) * 3 * TILE_W * TILE_H];
    fvi_prep_spec spec = plain_spec();
    fvi_prep_map maps[PARTS];
    fvi_prep_set *s = NULL;
    fvi_pool *pool = NULL;
    fv_error err = {0};
    fvi_tensor t = {.data = (char *)all, .dtype = FV_F32, .rank = 4, .dim = {PARTS + 1, 3, TILE_H, TILE_W}, .stride = {3 * TILE_W * TILE_H, TILE_W * TILE_H, TILE_W, 1}}, u = t;
    if (nhwc) t.stride[1] = 1, t.stride[2] = 3 * TILE_W, t.stride[3] = 3;
    u = t;
    u.data = (char *)one;
    u.dim[0] = 1;
    assert_int_equal(fvi_pool_create(&pool, threads, &err), FV_OK);
    assert_int_equal(fvi_prep_set_create(&s, &spec, fvi_cpu_detect(), &err), FV_OK);
    for (int round = 0; round < 2; round++) {
        memset(all, 0, sizeof all);
        assert_int_equal(fvi_prep_set_run_parts(s, f, parts, PARTS, &t, 1, pool, maps, &err), FV_OK);
    }
    for (int i = 0; i < PARTS; i++) {
        fvi_prep_map map;
        assert_int_equal(fvi_prep_set_run(s, f, &parts[i], &u, 0, pool, &map, &err), FV_OK);
        same(all + (i + 1) * 3 * TILE_W * TILE_H, one, 3 * TILE_W * TILE_H, f->format, &parts[i]);
        assert_memory_equal(&map, &maps[i], sizeof map);
    }
    for (int i = 0; i < 3 * TILE_W * TILE_H; i++) assert_true(all[i] == 0); /* image 0 is nobody's */
    const fvi_prep_part outside[2] = {{0, 0, TILE_W, TILE_H}, {60, 0, TILE_W, TILE_H}};
    assert_int_equal(fvi_prep_set_run_parts(s, f, outside, 2, &t, 0, pool, maps, &err), FV_ERR_ARGUMENT);
    assert_int_equal(fvi_prep_set_run_parts(s, f, parts, 2, &t, PARTS, pool, maps, &err), FV_ERR_ARGUMENT); /* the batch ends */
    fvi_prep_set_free(&s);
    fvi_pool_free(&pool);
}

static void test_many_parts(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) {
        fv_frame f = noise_frame(formats[k], 97, 61);
        f.chroma = k % 2 ? FV_CHROMA_CENTER : FV_CHROMA_LEFT;
        check_parts(&f, k % 3 == 0, 1);
        check_parts(&f, k % 3 != 0, 3);
        fv_frame_release(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kept_size), cmocka_unit_test(test_many_parts), cmocka_unit_test(test_as_a_frame), cmocka_unit_test(test_odd_places), cmocka_unit_test(test_set)};
    return cmocka_run_group_tests_name("image/prep_part", tests, NULL, NULL);
}
