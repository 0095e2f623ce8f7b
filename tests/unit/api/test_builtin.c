/* The built-in models do what their names say, at other sizes than their own and several pictures at once. Skips what the library was
 * built without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fovea/fovea.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static fv_context *ctx;

static fv_model *load(const char *name)
{
    const void *bytes;
    size_t size;
    fv_model *m = NULL;
    fv_error err = {0};
    if (fv_builtin_model(name, &bytes, &size, NULL) < 0) skip();
    if (fv_model_load_memory(&m, ctx, bytes, size, NULL, &err) < 0) fail_msg("%s: %s", name, err.text);
    return m;
}

static fv_frame noise(int w, int h)
{
    fv_frame f = {0};
    uint32_t seed = 1;
    assert_int_equal(fv_frame_alloc(&f, FV_PIXEL_RGB, w, h), FV_OK);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w * 3; x++) f.plane[0][y * f.stride[0] + x] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
    return f;
}

/* One detector of that input size; a frame alone and as the second of two gives the same. */
static void run_at(fv_model *m, int h, int w, fv_task task, const char *class_name)
{
    fv_detector *d;
    fv_error err = {0};
    fv_frame a = noise(200, 120), b = noise(97, 211);
    fv_detections alone = {0}, both[2] = {{0}};
    if (fv_detector_create(&d, ctx, m, FV_DETECT_OPTIONS(.imgsz_h = h, .imgsz_w = w, .conf = 0.0001f, .batch = 2, .max_det = 20), &err) < 0) fail_msg("%s", err.text);
    assert_int_equal(fv_detector_task(d), task);
    assert_int_equal(fv_detector_class_count(d), 1);
    assert_string_equal(fv_detector_class_name(d, 0), class_name);
    assert_int_equal(fv_detector_run(d, (const fv_frame *[]){&b}, 1, &alone, &err), FV_OK);
    assert_int_equal(fv_detector_run(d, (const fv_frame *[]){&a, &b}, 2, both, &err), FV_OK);
    assert_int_equal(alone.count, both[1].count);
    for (int i = 0; i < alone.count; i++) {
        assert_true(fabsf(alone.items[i].confidence - both[1].items[i].confidence) < 1e-4f);
        assert_true(alone.items[i].box[0] >= 0 && alone.items[i].box[2] <= 97 && alone.items[i].box[1] >= 0 && alone.items[i].box[3] <= 211);
    }
    fv_detections_clear(&alone);
    fv_detections_clear(&both[0]);
    fv_detections_clear(&both[1]);
    fv_frame_release(&a);
    fv_frame_release(&b);
    fv_detector_free(&d);
}

static void person_takes_whole_strides(void **state)
{
    fv_model *m = load("person");
    fv_detector *d;
    fv_error err = {0};
    (void)state;
    run_at(m, 0, 0, FV_TASK_DETECT, "person");
    run_at(m, 96, 160, FV_TASK_DETECT, "person");
    run_at(m, 320, 320, FV_TASK_DETECT, "person");
    assert_int_equal(fv_detector_create(&d, ctx, m, FV_DETECT_OPTIONS(.imgsz_h = 100, .imgsz_w = 100), &err), FV_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "stride 32"));
    fv_model_free(&m);
}

static void float_port(fv_tensor *t, const fv_port *p)
{
    *t = (fv_tensor){.dtype = FV_F32, .rank = p->rank};
    memcpy(t->dim, p->dim, sizeof t->dim);
    t->data = calloc((size_t)fv_tensor_count(t), sizeof(float));
    assert_non_null(t->data);
}

static void fill_leaves_the_rest_alone(void **state)
{
    enum { H = 48, W = 80, N = H * W };
    fv_model *m = load("fill");
    fv_session *s;
    fv_error err = {0};
    fv_tensor in[2], out;
    const fv_port *ports;
    (void)state;
    const fv_port shapes[] = {{.name = "image", .rank = 4, .dim = {1, 3, H, W}}, {.name = "mask", .rank = 4, .dim = {1, 1, H, W}}};
    if (fv_session_create(&s, m, FV_SESSION_OPTIONS(.shapes = shapes, .n_shapes = 2), &err) < 0) fail_msg("%s", err.text);
    assert_int_equal(fv_session_inputs(s, &ports), 2);
    for (int i = 0; i < 2; i++) float_port(&in[i], &ports[i]);
    float *image = in[0].data, *mask = in[1].data;
    for (int i = 0; i < 3 * N; i++) image[i] = 0.3f + 0.2f * sinf((float)i * 0.05f);
    for (int y = 20; y < 30; y++)
        for (int x = 30; x < 50; x++) mask[y * W + x] = 1;
    for (int i = 0; i < 2; i++) assert_int_equal(fv_session_set_input(s, i, &in[i], &err), FV_OK);
    assert_int_equal(fv_session_run(s), FV_OK);
    assert_int_equal(fv_session_outputs(s, &ports), 1);
    float_port(&out, &ports[0]);
    assert_int_equal(fv_session_get_output(s, 0, &out, &err), FV_OK);
    assert_int_equal(fv_tensor_count(&out), 3 * N);
    const float *filled = out.data;
    for (int i = 0; i < 3 * N; i++) {
        if (mask[i % N] == 0) assert_true(filled[i] == image[i]);
        assert_true(isfinite(filled[i]) && fabsf(filled[i]) < 4);
    }
    free(in[0].data);
    free(in[1].data);
    free(out.data);
    fv_session_free(&s);
    fv_model_free(&m);
}

static int open_context(void **state)
{
    (void)state;
    return fv_context_create(&ctx, FV_CONTEXT_OPTIONS(.threads = 2), NULL) < 0 ? -1 : 0;
}
static int close_context(void **state)
{
    (void)state;
    fv_context_free(&ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(person_takes_whole_strides), cmocka_unit_test(fill_leaves_the_rest_alone)};
    return cmocka_run_group_tests(tests, open_context, close_context);
}
