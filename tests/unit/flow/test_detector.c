/* test_detector.c: frames through a tiny network whose answer is known (make_tiny.py): geometry, batches, names, classes. */
#include "base/alloc.h"
#include "flow/detector.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

typedef struct fixture {
    fv_context *ctx;
    fv_model *fixed, *batch, *null;
} fixture;

static fv_model *load(fv_context *ctx, const char *name, const char *device)
{
    fv_model *m = NULL;
    fv_error err = {0};
    char path[1024];
    snprintf(path, sizeof path, "%s/tests/unit/flow/%s.onnx", FV_SOURCE_DIR, name);
    if (fv_model_load(&m, ctx, path, FV_MODEL_OPTIONS(.device = device), &err) < 0) fail_msg("%s: %s", path, err.text);
    return m;
}

static int open_models(void **state)
{
    static fixture f;
    *state = &f;
    if (fv_context_create(&f.ctx, FV_CONTEXT_OPTIONS(.threads = 2), NULL) < 0) return -1;
    f.fixed = load(f.ctx, "tiny_fixed", "cpu");
    f.batch = load(f.ctx, "tiny_batch", "cpu");
    f.null = load(f.ctx, "tiny_batch", "null");
    return 0;
}

static int close_models(void **state)
{
    fixture *f = *state;
    fv_model_free(&f->fixed);
    fv_model_free(&f->batch);
    fv_model_free(&f->null);
    fv_context_free(&f->ctx);
    return 0;
}

static fv_frame gray(int w, int h, int level)
{
    fv_frame f = {0};
    assert_int_equal(fv_frame_alloc(&f, FV_PIXEL_RGB, w, h), FV_OK);
    for (int y = 0; y < h; y++) memset(f.plane[0] + y * f.stride[0], level, (size_t)w * 3);
    return f;
}

static fv_detector *make(fixture *f, fv_model *m, const fv_detect_options *o)
{
    fv_detector *d = NULL;
    fv_error err = {0};
    if (fv_detector_create(&d, f->ctx, m, o, &err) < 0) fail_msg("%s", err.text);
    return d;
}

/* Several with the weights of one: each answers as a single one does, and knows the classes asked for. */
static void streams_are_equal_detectors(void **state)
{
    fixture *f = *state;
    fv_error err = {0};
    fv_detector *one = make(f, f->batch, FV_DETECT_OPTIONS(.batch = 2)), *team = make(f, f->batch, FV_DETECT_OPTIONS(.batch = 2, .streams = 2));
    fv_frame a = gray(64, 32, 255), b = gray(40, 40, 200);
    const fv_frame *frames[] = {&a, &b};
    assert_int_equal(team->n_members, 2);
    assert_string_equal(fv_detector_rule(team), fv_detector_rule(one));
    for (int classes = 0; classes < 2; classes++) {
        if (classes) assert_int_equal(fv_detector_set_classes(team, (int[]){1}, 1, &err), FV_OK);
        if (classes) assert_int_equal(fv_detector_set_classes(one, (int[]){1}, 1, &err), FV_OK);
        for (int i = -1; i < 2; i++) {
            fv_detections want[2] = {0}, got[2] = {0};
            fv_detector *d = i < 0 ? team : team->members[i];
            assert_int_equal(fv_detector_run(one, frames, 2, want, &err), FV_OK);
            assert_int_equal(fv_detector_run(d, frames, 2, got, &err), FV_OK);
            for (int k = 0; k < 2; k++) {
                assert_int_equal(got[k].count, want[k].count);
                if (want[k].count) assert_memory_equal(got[k].items, want[k].items, sizeof *got[k].items * (size_t)got[k].count);
                fv_detections_clear(&want[k]);
                fv_detections_clear(&got[k]);
            }
        }
    }
    fv_detector *many = NULL;
    assert_int_equal(fv_detector_create(&many, f->ctx, f->batch, FV_DETECT_OPTIONS(.streams = 3), &err), FV_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "3 streams"));
    assert_null(many);
    assert_int_equal(fv_detector_create(&many, f->ctx, f->batch, FV_DETECT_OPTIONS(.streams = -1), &err), FV_ERR_ARGUMENT);
    fv_frame_release(&a);
    fv_frame_release(&b);
    fv_detector_free(&one);
    fv_detector_free(&team);
}

/* 64x32 in 32x32: scale 1/2, 8 rows of padding above and below. */
static void geometry(void **state)
{
    fixture *f = *state;
    fv_detector *d = make(f, f->fixed, NULL);
    fv_detections out = {0};
    fv_frame frame = gray(64, 32, 255);
    int w, h;
    fv_detector_input_size(d, &w, &h);
    assert_true(w == 32 && h == 32);
    assert_int_equal(fv_detector_class_count(d), 2);
    assert_string_equal(fv_detector_class_name(d, 1), "dog");
    assert_non_null(strstr(fv_detector_rule(d), "YOLOv8"));
    assert_int_equal(fv_detector_run(d, &(const fv_frame *){&frame}, 1, &out, NULL), FV_OK);
    assert_int_equal(out.count, 1);
    /* network box 12..20 x 4..20 -> source 24..40 x -8..24, clipped */
    const float want[4] = {24, 0, 40, 24};
    for (int i = 0; i < 4; i++) assert_float_equal(out.items[0].box[i], want[i], 1e-3);
    /* half of the input is white, half is padding of 114 */
    assert_float_equal(out.items[0].confidence, (1 + 114.0 / 255) / 2, 1e-3);
    assert_int_equal(out.items[0].class_id, 1);
    assert_int_equal(out.items[0].track_id, 0);
    fv_detect_times t;
    fv_detector_times(d, &t);
    assert_true(t.prep_ns > 0 && t.infer_ns > 0 && t.heads_ns > 0);
    fv_frame_release(&frame);
    fv_detections_clear(&out);
    fv_detector_free(&d);
    assert_null(d);
}

/* Batches, full and short, of a model that takes them and of one that does not: each frame gets its own answer. */
static void batches(void **state)
{
    fixture *f = *state;
    fv_model *models[] = {f->batch, f->fixed};
    for (int m = 0; m < 2; m++) {
        fv_detector *d = make(f, models[m], FV_DETECT_OPTIONS(.batch = 3));
        fv_frame frames[3];
        const fv_frame *p[3];
        fv_detections out[3] = {{0}};
        for (int i = 0; i < 3; i++) {
            frames[i] = gray(32, 32, 100 + 50 * i);
            p[i] = &frames[i];
        }
        for (int n = 3; n >= 1; n--) {
            assert_int_equal(fv_detector_run(d, p, n, out, NULL), FV_OK);
            for (int i = 0; i < n; i++) {
                assert_int_equal(out[i].count, 1);
                assert_float_equal(out[i].items[0].confidence, (100 + 50 * i) / 255.0, 1e-3);
            }
        }
        assert_int_equal(fv_detector_run(d, p, 4, out, NULL), FV_ERR_ARGUMENT);
        for (int i = 0; i < 3; i++) {
            fv_frame_release(&frames[i]);
            fv_detections_clear(&out[i]);
        }
        fv_detector_free(&d);
    }
}

static void threshold_and_classes(void **state)
{
    fixture *f = *state;
    fv_frame frame = gray(32, 32, 128); /* confidence 0.502 */
    const fv_frame *p = &frame;
    fv_detections out = {0};
    fv_detector *d = make(f, f->fixed, FV_DETECT_OPTIONS(.conf = 0.51f));
    assert_int_equal(fv_detector_run(d, &p, 1, &out, NULL), FV_OK);
    assert_int_equal(out.count, 0);
    fv_detector_free(&d);
    d = make(f, f->fixed, FV_DETECT_OPTIONS(.classes = (const int[]){0}, .n_classes = 1));
    assert_int_equal(fv_detector_run(d, &p, 1, &out, NULL), FV_OK);
    assert_int_equal(out.count, 0);
    assert_int_equal(fv_detector_set_classes(d, (const int[]){1}, 1, NULL), FV_OK);
    assert_int_equal(fv_detector_run(d, &p, 1, &out, NULL), FV_OK);
    assert_int_equal(out.count, 1);
    assert_int_equal(fv_detector_set_classes(d, (const int[]){0}, 1, NULL), FV_OK);
    assert_int_equal(fv_detector_set_classes(d, NULL, 0, NULL), FV_OK); /* all again */
    assert_int_equal(fv_detector_run(d, &p, 1, &out, NULL), FV_OK);
    assert_int_equal(out.count, 1);
    fv_error err = {0};
    assert_int_equal(fv_detector_set_classes(d, (const int[]){2}, 1, &err), FV_ERR_ARGUMENT);
    assert_string_equal(err.text, "class 2 does not exist; the model has classes 0 to 1");
    fv_detector_free(&d);
    fv_frame_release(&frame);
    fv_detections_clear(&out);
}

static void names_of_the_user(void **state)
{
    fixture *f = *state;
    const char *names[] = {"left", "right"};
    fv_detector *d = make(f, f->fixed, FV_DETECT_OPTIONS(.names = names, .n_names = 2));
    assert_string_equal(fv_detector_class_name(d, 0), "left");
    assert_string_equal(fv_detector_class_name(d, 1), "right");
    assert_string_equal(fv_detector_class_name(d, 99), "unknown");
    assert_string_equal(fv_detector_class_name(d, -1), "unknown");
    fv_detector_free(&d);
}

static void wrong_sizes(void **state)
{
    fixture *f = *state;
    fv_detector *d = NULL;
    fv_error err = {0};
    assert_int_equal(fv_detector_create(&d, f->ctx, f->fixed, FV_DETECT_OPTIONS(.imgsz_h = 8, .imgsz_w = 8), &err), FV_ERR_ARGUMENT);
    assert_null(d);
    assert_int_equal(fv_detector_create(&d, f->ctx, f->fixed, FV_DETECT_OPTIONS(.batch = 65), &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_detector_create(&d, f->ctx, NULL, NULL, &err), FV_ERR_ARGUMENT);
    memset(&err, 0, sizeof err);
    assert_int_equal(fv_detector_create(&d, f->ctx, f->fixed, FV_DETECT_OPTIONS(.imgsz_h = 32, .imgsz_w = 48), &err), FV_ERR_ARGUMENT);
    assert_null(d);
    assert_string_equal(err.text, "input size 48x32 is not a multiple of the model's stride 32");
}

/* Nothing in this network depends on the size, so another one can be asked for. */
static void another_size(void **state)
{
    fixture *f = *state;
    fv_detector *d = make(f, f->fixed, FV_DETECT_OPTIONS(.imgsz_h = 32, .imgsz_w = 64));
    fv_detections out = {0};
    fv_frame frame = gray(128, 64, 255);
    int w, h;
    fv_detector_input_size(d, &w, &h);
    assert_true(w == 64 && h == 32);
    assert_int_equal(fv_detector_run(d, &(const fv_frame *){&frame}, 1, &out, NULL), FV_OK);
    assert_int_equal(out.count, 1);
    assert_float_equal(out.items[0].confidence, 1, 1e-3); /* no padding */
    const float want[4] = {24, 8, 40, 40};
    for (int i = 0; i < 4; i++) assert_float_equal(out.items[0].box[i], want[i], 1e-3);
    fv_frame_release(&frame);
    fv_detections_clear(&out);
    fv_detector_free(&d);
}

/* The null backend: the whole road, no work. */
static void null_backend(void **state)
{
    fixture *f = *state;
    fv_detector *d = make(f, f->null, FV_DETECT_OPTIONS(.batch = 2));
    fv_frame frame = gray(40, 30, 255);
    const fv_frame *p[2] = {&frame, &frame};
    fv_detections out[2] = {{0}};
    assert_int_equal(fv_detector_run(d, p, 2, out, NULL), FV_OK);
    assert_int_equal(out[0].count + out[1].count, 0);
    fv_detections_clear(&out[0]);
    fv_detections_clear(&out[1]);
    fv_frame_release(&frame);
    fv_detector_free(&d);
}

static void runs_do_not_allocate(void **state)
{
    fixture *f = *state;
    fv_detector *d = make(f, f->fixed, NULL);
    fv_frame frame = gray(48, 32, 200);
    const fv_frame *p = &frame;
    fv_detections out = {0};
    assert_int_equal(fv_detector_run(d, &p, 1, &out, NULL), FV_OK);
    uint64_t before = fvi_alloc_count();
    for (int i = 0; i < 10; i++) assert_int_equal(fv_detector_run(d, &p, 1, &out, NULL), FV_OK);
    assert_int_equal(fvi_alloc_count(), before);
    fv_frame_release(&frame);
    fv_detections_clear(&out);
    fv_detector_free(&d);
}

static void out_of_memory(void **state)
{
    fixture *f = *state;
    for (long n = 1; n < 200; n++) {
        fv_detector *d = NULL;
        fvi_alloc_fail_after(n);
        fv_status st = fv_detector_create(&d, f->ctx, f->batch, FV_DETECT_OPTIONS(.batch = 2), NULL);
        fvi_alloc_fail_after(0);
        assert_int_equal(d != NULL, st == FV_OK);
        fv_detector_free(&d);
        if (st == FV_OK) return;
        assert_int_equal(st, FV_ERR_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_equal_detectors), cmocka_unit_test(geometry),      cmocka_unit_test(batches),      cmocka_unit_test(threshold_and_classes), cmocka_unit_test(names_of_the_user),
        cmocka_unit_test(wrong_sizes),   cmocka_unit_test(another_size), cmocka_unit_test(null_backend), cmocka_unit_test(runs_do_not_allocate),  cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, open_models, close_models);
}
