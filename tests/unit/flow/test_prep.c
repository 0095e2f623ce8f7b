/* test_prep.c: fv_prep on decoded frames and on pictures in memory: shapes, types, order, failures that stay alone, limits, strategies. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fovea/fovea.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static fv_context *context(int threads)
{
    fv_context *c = NULL;
    assert_int_equal(fv_context_create(&c, FV_CONTEXT_OPTIONS(.threads = threads), NULL), FV_OK);
    return c;
}

static fv_frame level_frame(int w, int h, int level)
{
    fv_frame f;
    assert_int_equal(fv_frame_alloc(&f, FV_PIXEL_RGB, w, h), FV_OK);
    for (int y = 0; y < h; y++) memset(f.plane[0] + y * f.stride[0], level, 3 * (size_t)w);
    return f;
}

/* A binary PPM in memory: a kind of picture that any FFmpeg reads. */
static size_t ppm(char *out, int w, int h, int level)
{
    size_t n = (size_t)sprintf(out, "P6 %d %d 255\n", w, h);
    memset(out + n, level, 3 * (size_t)(w * h));
    return n + 3 * (size_t)(w * h);
}

static void frames_keep_their_order(void **state)
{
    (void)state;
    fv_context *c = context(3);
    fv_prep *p = NULL;
    fv_frame f[9];
    fv_prep_input in[9] = {{0}};
    fv_prep_result r[9];
    static float out[9 * 3 * 6 * 8];
    for (int i = 0; i < 9; i++) {
        f[i] = level_frame(20 + i, 11, 10 * i);
        in[i].frame = &f[i];
    }
    const float mean[3] = {0}, std[3] = {1, 1, 1};
    assert_int_equal(fv_prep_create(&p, c, NULL, FV_PREP_OPTIONS(.width = 8, .height = 6, .mean = mean, .std = std), NULL), FV_OK);
    fv_tensor t = {.data = out};
    assert_int_equal(fv_prep_output(p, 9, &t), FV_OK);
    assert_int_equal(fv_prep_run(p, in, 9, &t, r, NULL), FV_OK);
    for (int i = 0; i < 9 * 144; i++) assert_true(fabsf(out[i] * 255 - 10.0f * (float)(i / 144)) < 1e-3f);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(r[i].width, 20 + i);
        assert_string_equal(r[i].strategy, "cpu");
        assert_true(fabs(r[i].sx - 8.0 / (20 + i)) < 1e-9);
        fv_frame_release(&f[i]);
    }
    fv_prep_free(&p);
    fv_context_free(&c);
}

static void imagenet_is_the_default(void **state)
{
    (void)state;
    fv_context *c = context(1);
    for (int bgr = 0; bgr < 2; bgr++) {
        fv_prep *p = NULL;
        fv_frame f = level_frame(5, 5, 200);
        float out[12];
        assert_int_equal(fv_prep_create(&p, c, NULL, FV_PREP_OPTIONS(.width = 2, .height = 2, .bgr = bgr, .nhwc = 1), NULL), FV_OK);
        fv_tensor t = {.data = out};
        assert_int_equal(fv_prep_output(p, 1, &t), FV_OK);
        assert_int_equal(t.dim[3], 3);
        assert_int_equal(fv_prep_run(p, &(fv_prep_input){.frame = &f}, 1, &t, NULL, NULL), FV_OK);
        static const float mean[] = {0.485f, 0.456f, 0.406f}, std[] = {0.229f, 0.224f, 0.225f};
        for (int i = 0; i < 12; i++) {
            int k = bgr ? 2 - i % 3 : i % 3;
            assert_true(fabsf(out[i] - (200.0f / 255 - mean[k]) / std[k]) < 1e-4f);
        }
        fv_frame_release(&f);
        fv_prep_free(&p);
    }
    fv_context_free(&c);
}

static void sizes_of_multiples(void **state)
{
    (void)state;
    fv_context *c = context(1);
    /* what DPT's resize says: width, height, bound, picture, result */
    static const struct {
        int inside, w, h, ow, oh;
    } cases[] = {{0, 1280, 720, 924, 518}, {0, 720, 1280, 518, 924}, {0, 640, 480, 686, 518}, {0, 500, 500, 518, 518}, {1, 1280, 720, 518, 294}, {1, 640, 480, 518, 392},
                 {0, 333, 500, 518, 784}, {1, 333, 500, 350, 518}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_prep *p = NULL;
        int w, h;
        assert_int_equal(fv_prep_create(&p, c, NULL, FV_PREP_OPTIONS(.width = 518, .height = 518, .fit = FV_PREP_MULTIPLE, .inside = cases[i].inside), NULL), FV_OK);
        assert_int_equal(fv_prep_size(p, cases[i].w, cases[i].h, &w, &h, NULL), FV_OK);
        assert_int_equal(w, cases[i].ow);
        assert_int_equal(h, cases[i].oh);
        assert_int_equal(fv_prep_output(p, 1, &(fv_tensor){0}), FV_ERR_STATE);
        fv_prep_free(&p);
    }
    fv_context_free(&c);
}

static void what_cannot_be_is_said(void **state)
{
    (void)state;
    fv_context *c = context(1);
    fv_prep *p;
    fv_error err = {0};
    const float zero[3] = {0}, one[3] = {1, 1, 1};
#define REFUSED(status, word, ...) \
    (assert_int_equal(fv_prep_create(&p, c, NULL, FV_PREP_OPTIONS(__VA_ARGS__), &err), status), assert_null(p), assert_non_null(strstr(err.text, word)))
    REFUSED(FV_ERR_ARGUMENT, "size", .height = 5);
    REFUSED(FV_ERR_ARGUMENT, "size", .width = 5, .height = 20000);
    REFUSED(FV_ERR_ARGUMENT, "area", .width = 5, .height = 5, .filter = FV_PREP_AREA, .no_antialias = 1);
    REFUSED(FV_ERR_ARGUMENT, "int64", .width = 5, .height = 5, .dtype = FV_I64);
    REFUSED(FV_ERR_ARGUMENT, "together", .width = 5, .height = 5, .mean = zero);
    REFUSED(FV_ERR_ARGUMENT, "std", .width = 5, .height = 5, .mean = one, .std = zero);
    REFUSED(FV_ERR_ARGUMENT, "uint8", .width = 5, .height = 5, .mean = zero, .std = one, .dtype = FV_U8);
    REFUSED(FV_ERR_ARGUMENT, "no room", .width = 5, .height = 5, .fit = FV_PREP_MULTIPLE, .inside = 1);
    REFUSED(FV_ERR_ARGUMENT, "no strategy 'best'", .width = 5, .height = 5, .strategy = "best");
    const char *name, *about, *why;
    int usable = 0;
    for (int i = 0; (name = fv_prep_strategy(i, &about, &why)); i++) {
        assert_non_null(about);
        usable += !why;
        if (why) REFUSED(FV_ERR_DEVICE, why, .width = 5, .height = 5, .strategy = name);
    }
    assert_true(usable >= 3);
    fv_frame f = level_frame(4, 4, 1);
    static float out[2 * 75];
    assert_int_equal(fv_prep_create(&p, c, NULL, FV_PREP_OPTIONS(.width = 5, .height = 5), NULL), FV_OK);
    fv_tensor good = {.data = out}, t;
    assert_int_equal(fv_prep_output(p, 1, &good), FV_OK);
    const fv_prep_input in = {.frame = &f};
#define REFUSED_TENSOR(field, value) (t = good, t.field = (value), assert_int_equal(fv_prep_run(p, &in, 1, &t, NULL, &err), FV_ERR_SHAPE))
    REFUSED_TENSOR(dim[0], 2);
    REFUSED_TENSOR(dim[2], 4);
    REFUSED_TENSOR(dtype, FV_F16);
    REFUSED_TENSOR(rank, 3);
    REFUSED_TENSOR(data, NULL);
    assert_int_equal(fv_prep_run(p, &in, 0, &good, NULL, NULL), FV_ERR_ARGUMENT);
    fv_frame_release(&f);
    fv_prep_free(&p);
    fv_context_free(&c);
}

#define MEDIA() \
    const fv_media_api *media = NULL; \
    if (!FV_MEDIA_FILE[0] || fv_media_load(&media, FV_MEDIA_FILE, NULL) < 0) skip()

static void a_bad_one_fails_alone(void **state)
{
    (void)state;
    MEDIA();
    fv_context *c = context(2);
    fv_prep *p = NULL;
    static char good[4096], bad[] = "no picture at all", jpeg[] = "\xFF\xD8\xFF\xE0 cut";
    size_t n = ppm(good, 30, 20, 128);
    const fv_prep_input in[4] = {{.data = good, .size = n, .path = "a"}, {.data = bad, .size = sizeof bad, .path = "b"}, {.data = jpeg, .size = sizeof jpeg, .path = "c"},
                                 {.data = good, .size = n, .path = "d"}};
    fv_prep_result r[4];
    static uint8_t out[4 * 3 * 8 * 8];
    memset(out, 7, sizeof out);
    assert_int_equal(fv_prep_create(&p, c, media, FV_PREP_OPTIONS(.width = 8, .height = 8, .dtype = FV_U8), NULL), FV_OK);
    fv_tensor t = {.data = out};
    fv_error err = {0};
    assert_int_equal(fv_prep_output(p, 4, &t), FV_OK);
    assert_int_equal(fv_prep_run(p, in, 4, &t, r, &err), FV_PARTIAL);
    assert_non_null(strstr(err.text, "b: "));
    for (int i = 0; i < 4 * 192; i++) assert_int_equal(out[i], i / 192 % 3 == 0 ? 128 : 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(r[i].status < 0, i % 3 != 0);
        if (i % 3) assert_non_null(strstr(r[i].error.text, in[i].path));
    }
    assert_string_equal(r[0].strategy, "cpu");
    assert_non_null(strstr(fv_prep_reason(p), "cpu"));
    fv_prep_free(&p);
    assert_int_equal(fv_prep_create(&p, c, media, FV_PREP_OPTIONS(.width = 8, .height = 8, .dtype = FV_U8, .max_pixels = 599, .stop_at_error = 1), NULL), FV_OK);
    assert_int_equal(fv_prep_run(p, in, 1, &(fv_tensor){FV_U8, 4, {1, 3, 8, 8}, out}, r, NULL), FV_PARTIAL);
    assert_int_equal(r[0].status, FV_ERR_LIMIT);
    fv_prep_free(&p);
    fv_context_free(&c);
}

typedef struct got {
    pthread_mutex_t lock;
    int calls, good;
    double sum[3];
} got;

static int take(void *user, int i, const fv_tensor *t, const fv_prep_result *r)
{
    got *g = user;
    pthread_mutex_lock(&g->lock);
    g->calls++;
    if (t && r->status == FV_OK) {
        g->good++;
        g->sum[i] = ((const uint8_t *)t->data)[0] + 1000.0 * (double)t->dim[3] + 1e6 * (double)t->dim[2];
    }
    pthread_mutex_unlock(&g->lock);
    return 0;
}

static void given_away_each_in_its_size(void **state)
{
    (void)state;
    MEDIA();
    fv_context *c = context(2);
    fv_prep *p = NULL;
    static char one[8192], two[8192];
    const fv_prep_input in[3] = {{.data = one, .size = ppm(one, 40, 20, 11)}, {.data = two, .size = ppm(two, 20, 40, 22)}, {.data = "x", .size = 1}};
    got g = {.lock = PTHREAD_MUTEX_INITIALIZER};
    assert_int_equal(fv_prep_create(&p, c, media, FV_PREP_OPTIONS(.width = 28, .height = 28, .dtype = FV_U8, .fit = FV_PREP_MULTIPLE, .max_memory = 1 << 20), NULL), FV_OK);
    assert_int_equal(fv_prep_each(p, in, 3, take, &g, NULL), FV_PARTIAL);
    assert_int_equal(g.calls, 3);
    assert_int_equal(g.good, 2);
    assert_true(fabs(g.sum[0] - (11 + 56e3 + 28e6)) < 1e-6);
    assert_true(fabs(g.sum[1] - (22 + 28e3 + 56e6)) < 1e-6);
    int w, h;
    assert_int_equal(fv_prep_size_of(p, &in[1], &w, &h, NULL), FV_OK);
    assert_int_equal(w, 28);
    assert_int_equal(h, 56);
    assert_true(fv_prep_size_of(p, &in[2], &w, &h, NULL) < 0);
    fv_prep_free(&p);
    fv_context_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(frames_keep_their_order),    cmocka_unit_test(imagenet_is_the_default), cmocka_unit_test(sizes_of_multiples),
                                       cmocka_unit_test(what_cannot_be_is_said),     cmocka_unit_test(a_bad_one_fails_alone),   cmocka_unit_test(given_away_each_in_its_size)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
