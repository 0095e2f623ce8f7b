/* Heads against goldens made by scripts/make_head_goldens.py, in several memory layouts; which head is found, and what is
 * said when none is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "golden.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void nms_like_torchvision(void **state)
{
    (void)state;
    const char *names[] = {"nms", "nms_ties", "nms_agnostic", "nms_small"};
    for (int t = 0; t < 4; t++) {
        golden g = load(names[t]);
        fvi_candidate *c = calloc((size_t)g.d2, sizeof *c);
        for (int i = 0; i < g.d2; i++) {
            const float *row = g.data + 6 * i;
            c[i] = (fvi_candidate){.box = {row[0], row[1], row[2], row[3]}, .score = row[4], .class_id = (int)row[5], .index = i};
        }
        assert_int_equal(fvi_nms(c, g.d2, g.iou, g.agnostic, g.max_det), g.n);
        for (int i = 0; i < g.n; i++) assert_int_equal(c[i].index, ((const int32_t *)g.result)[i]);
        free(c);
        unload(&g);
    }
}

static void nms_edges(void **state)
{
    (void)state;
    fvi_candidate c[3] = {{.box = {0, 0, 10, 10}, .score = 0.5f, .index = 0}, {.box = {0, 0, 10, 10}, .score = 0.5f, .index = 1},
                          {.box = {0, 0, 10, 5}, .score = 0.9f, .class_id = 1, .index = 2}};
    assert_int_equal(fvi_nms(c, 0, 0.5f, false, 10), 0);
    assert_int_equal(fvi_nms(c, 3, 0.5f, false, 10), 2);
    assert_int_equal(c[0].index, 2);
    assert_int_equal(c[1].index, 0); /* the tie goes to the lower index */
    fvi_candidate half[2] = {{.box = {0, 0, 10, 10}, .score = 0.9f, .index = 0}, {.box = {0, 0, 10, 5}, .score = 0.8f, .index = 1}};
    assert_int_equal(fvi_nms(half, 2, 0.5f, false, 10), 2); /* IoU equal to the threshold stays */
    assert_int_equal(fvi_nms(half, 2, 0.49f, false, 10), 1);
    assert_int_equal(fvi_nms(half, 1, 0.49f, false, 0), 0);
}

/* The golden as image 1 of a batch of 2, with the memory of both axes in either order or widely spread. */
static void decode_in_layout(golden *g, int layout, fvi_head_state *st)
{
    int64_t s1 = layout == 0 ? g->d2 : layout == 1 ? 1 : 3 * g->d2, s2 = layout == 0 ? 1 : layout == 1 ? g->d1 : 3;
    int64_t image = (int64_t)g->d1 * g->d2 * 3 + 7;
    float *memory = malloc(sizeof(float) * (size_t)image * 2);
    for (int64_t i = 0; i < image * 2; i++) memory[i] = NAN;
    for (int64_t i = 0; i < g->d1; i++)
        for (int64_t j = 0; j < g->d2; j++) memory[image + i * s1 + j * s2] = g->data[i * g->d2 + j];
    fvi_tensor t = SHAPE(2, g->d1, g->d2);
    t.stride[0] = image;
    t.stride[1] = s1;
    t.stride[2] = s2;
    t.data = (char *)memory;
    uint8_t keep[16] = {0};
    for (int i = 0; i < g->n_keep; i++) keep[g->keep[i]] = 1;
    fvi_head_params p = {.conf = g->conf, .iou = g->iou, .max_det = g->max_det, .agnostic = g->agnostic, .keep = g->n_keep ? keep : NULL};
    fvi_prep_map map;
    fvi_prep_geometry(&map, &st->prep, g->src_w, g->src_h, g->input_w, g->input_h);
    fv_detections d = {0};
    assert_int_equal(st->head->decode(st, &t, 1, &map, g->src_w, g->src_h, &p, &d), FV_OK);
    check(g, &d);
    uint64_t before = fvi_alloc_count();
    assert_int_equal(st->head->decode(st, &t, 1, &map, g->src_w, g->src_h, &p, &d), FV_OK);
    assert_int_equal(fvi_alloc_count(), before);
    check(g, &d);
    assert_int_equal(st->head->decode(st, &t, 2, &map, g->src_w, g->src_h, &p, &d), FV_ERR_SHAPE);
    assert_int_equal(st->head->decode(st, &t, 0, &map, g->src_w, g->src_h, &p, &d), FV_OK);
    assert_int_equal(d.count, 0); /* NaN everywhere: nothing is reported */
    fv_detections_clear(&d);
    free(memory);
}

static void goldens(void **state)
{
    (void)state;
    const char *kinds[] = {"yolov8", "yolov5", "yolox", "e2e"}, *suffixes[] = {"", "_tight", "_agnostic_keep"};
    const char *rules[] = {"YOLOv8", "YOLOv5", "YOLOX", "end-to-end"};
    for (int k = 0; k < 4; k++) {
        for (int s = 0; s < 3; s++) {
            char name[64];
            snprintf(name, sizeof name, "%s%s", kinds[k], suffixes[s]);
            golden g = load(name);
            fvi_tensor t = SHAPE(1, g.d1, g.d2);
            fvi_head_state st;
            fv_error err = {0};
            assert_int_equal(find(NULL, 1, &t, g.input_h, g.input_w, g.n_names, &st, &err), FV_OK);
            assert_non_null(strstr(st.rule, rules[k]));
            assert_non_null(strstr(st.rule, "from its shape"));
            for (int layout = 0; layout < 3; layout++) decode_in_layout(&g, layout, &st);
            fvi_heads_release(&st);
            assert_null(st.scratch);
            unload(&g);
        }
    }
}

static void expect_rule(const char *const *meta, fvi_tensor t, int h, int w, int n_names, const char *rule, int n_classes)
{
    fvi_head_state st;
    fv_error err = {0};
    fv_status s = find(meta, 1, &t, h, w, n_names, &st, &err);
    if (s != FV_OK) fail_msg("%s: %s", rule, err.text);
    if (!strstr(st.rule, rule)) fail_msg("'%s' is not in '%s'", rule, st.rule);
    assert_int_equal(st.n_classes, n_classes);
    fvi_heads_release(&st);
}

static void rules(void **state)
{
    (void)state;
    const char *detect[] = {"task", "detect", "end2end", "False", "stride", "32", NULL};
    const char *end2end[] = {"task", "detect", "end2end", "True", NULL};
    const char *with_nms[] = {"task", "detect", "args", "{'batch': 1, 'nms': True}", NULL};
    expect_rule(detect, SHAPE(1, 84, 8400), 640, 640, 80, "metadata task=detect", 80);
    expect_rule(NULL, SHAPE(1, 84, 8400), 640, 640, 0, "YOLOv8/9/11/12 [1,84,8400], from its shape", 80);
    expect_rule(NULL, SHAPE(1, 5, 8400), 640, 640, 0, "YOLOv8", 1);
    expect_rule(NULL, SHAPE(1, 84, 6300), 480, 640, 0, "YOLOv8", 80);
    expect_rule(NULL, SHAPE(1, 84, 34000), 1280, 1280, 0, "YOLOv8", 80); /* P6 */
    expect_rule(detect, SHAPE(1, 84, 1234), 640, 640, 80, "YOLOv8", 80); /* unusual strides: the names prove it */
    expect_rule(detect, SHAPE(1, 8400, 84), 640, 640, 80, "YOLOv8", 80); /* transposed */
    expect_rule(NULL, SHAPE(1, 25200, 85), 640, 640, 0, "YOLOv5/7 [1,25200,85]", 80);
    expect_rule(NULL, SHAPE(1, 25200, 6), 640, 640, 0, "YOLOv5", 1);
    expect_rule(NULL, SHAPE(1, 3549, 85), 416, 416, 0, "YOLOX [1,3549,85]", 80);
    expect_rule(NULL, SHAPE(1, 8400, 6), 640, 640, 0, "YOLOX", 1);
    expect_rule(end2end, SHAPE(1, 300, 6), 640, 640, 80, "metadata end2end=True", 80);
    expect_rule(with_nms, SHAPE(1, 300, 6), 640, 640, 80, "metadata nms=True", 80);
    expect_rule(NULL, SHAPE(1, 300, 6), 640, 640, 0, "end-to-end (YOLOv10/26) [1,300,6], from its shape", 1000);
    expect_rule(end2end, SHAPE(1, 84, 8400), 640, 640, 80, "YOLOv8", 80); /* exported with the one-to-many head */
}

static void prep_of_each(void **state)
{
    (void)state;
    fvi_tensor v8 = SHAPE(1, 84, 8400), x = SHAPE(1, 3549, 85);
    fvi_head_state st;
    const char *meta[] = {"stride", "16", NULL};
    assert_int_equal(find(meta, 1, &v8, 640, 640, 0, &st, NULL), FV_OK);
    assert_false(st.prep.bgr);
    assert_false(st.prep.pad_topleft);
    assert_true(st.prep.pad_value == 114 && st.prep.scale[1] == 1.0f / 255.0f && st.prep.mean[2] == 0);
    assert_int_equal(st.stride, 16);
    fvi_heads_release(&st);
    assert_int_equal(find(NULL, 1, &x, 416, 416, 0, &st, NULL), FV_OK);
    assert_true(st.prep.bgr && st.prep.pad_topleft && st.prep.scale[0] == 1.0f && st.prep.pad_value == 114);
    assert_int_equal(st.stride, 32);
    fvi_heads_release(&st);
}

static void expect_error(const char *const *meta, int n, const fvi_tensor *outputs, fv_status status, const char *word)
{
    fvi_head_state st;
    fv_error err = {0};
    assert_int_equal(find(meta, n, outputs, 640, 640, 0, &st, &err), status);
    if (!strstr(err.text, word)) fail_msg("'%s' is not in '%s'", word, err.text);
    assert_null(st.head);
    fvi_heads_release(&st);
}

static void what_is_said(void **state)
{
    (void)state;
    fvi_tensor raw[3] = {SHAPE(1, 3, 80, 80, 85), SHAPE(1, 3, 40, 40, 85), SHAPE(1, 3, 20, 20, 85)};
    expect_error(NULL, 3, raw, FV_ERR_MODEL, "export the model with its Detect layer");
    fvi_tensor both[2] = {SHAPE(1, 25200, 85), raw[0]}; /* training export: the decoded output is used */
    fvi_head_state st;
    assert_int_equal(find(NULL, 2, both, 640, 640, 0, &st, NULL), FV_OK);
    fvi_heads_release(&st);
    const char *segment[] = {"task", "segment", NULL};
    fvi_tensor seg[2] = {SHAPE(1, 116, 8400), SHAPE(1, 32, 160, 160)};
    for (int i = 0; i < 2; i++) { /* the prototypes prove it without metadata */
        assert_int_equal(find(i ? segment : NULL, 2, seg, 640, 640, 0, &st, NULL), FV_OK);
        assert_int_equal(st.task, FV_TASK_SEGMENT);
        assert_int_equal(st.n_classes, 80);
        fvi_heads_release(&st);
    }
    expect_error(segment, 1, seg, FV_ERR_MODEL, "no head for task segment fits the model's 1 output [1,116,8400]");
    const char *unknown[] = {"task", "telepathy", NULL};
    expect_error(unknown, 1, seg, FV_ERR_MODEL, "'telepathy'");
    fvi_tensor odd = SHAPE(1, 999);
    const char *wanted[] = {"[1,999]", "640x640", "end-to-end", "[1,K,6]", "YOLOv8/9/11/12", "[1,4+classes,anchors]", "YOLOv5/7",
                            "[1,3*cells,5+classes]", "YOLOX", "[1,cells,5+classes]"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) expect_error(NULL, 1, &odd, FV_ERR_MODEL, wanted[i]);
    fvi_tensor half = SHAPE(1, 84, 8400);
    half.dtype = FV_F16;
    expect_error(NULL, 1, &half, FV_ERR_MODEL, "float32");
    expect_error(NULL, 0, NULL, FV_ERR_MODEL, "no head for task detect");
    fvi_tensor wide = SHAPE(1, INT64_MAX, 8400);
    expect_error(NULL, 1, &wide, FV_ERR_MODEL, "no head for task detect");
}

static void no_memory(void **state)
{
    (void)state;
    fvi_tensor t = SHAPE(1, 84, 8400);
    for (int n = 1; n <= 2; n++) {
        fvi_head_state st;
        fv_error err = {0};
        fvi_alloc_fail_after(n);
        fv_status s = find(NULL, 1, &t, 640, 640, 0, &st, &err);
        fvi_alloc_fail_after(0);
        assert_int_equal(s, FV_ERR_MEMORY);
        fvi_heads_release(&st);
    }
    fv_detections d = {0};
    assert_int_equal(fv_detections_reserve(&d, 3), FV_OK);
    fvi_alloc_fail_after(1);
    assert_int_equal(fv_detections_reserve(&d, 4), FV_ERR_MEMORY);
    fvi_alloc_fail_after(0);
    assert_int_equal(d.capacity, 3);
    assert_int_equal(fv_detections_reserve(&d, -1), FV_ERR_ARGUMENT);
    fv_detections_clear(&d);
    assert_null(d.items);
}

/* Values a broken network may give: no crash, nothing that is not finite comes out. */
static void hostile_values(void **state)
{
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY, 1e38f, -1e38f, 0, 0.9f, 3e9f};
    const fvi_tensor shapes[] = {SHAPE(1, 9, 126), SHAPE(1, 378, 8), SHAPE(1, 126, 8), SHAPE(1, 40, 6)};
    srand(3);
    for (int k = 0; k < 4; k++) {
        fvi_tensor t = shapes[k];
        fvi_head_state st;
        assert_int_equal(find(NULL, 1, &t, 96, 64, 0, &st, NULL), FV_OK);
        int64_t count = t.dim[1] * t.dim[2];
        float *data = malloc(sizeof(float) * (size_t)count);
        t.stride[0] = count;
        t.stride[1] = t.dim[2];
        t.stride[2] = 1;
        t.data = (char *)data;
        fv_detections d = {0};
        fvi_prep_map map;
        fvi_prep_geometry(&map, &st.prep, 333, 517, 64, 96);
        for (int round = 0; round < 200; round++) {
            for (int64_t i = 0; i < count; i++) data[i] = rand() % 4 ? (float)rand() / (float)RAND_MAX : bad[rand() % 8];
            fvi_head_params p = {.conf = 0.1f, .iou = 0.5f, .max_det = 1 + round};
            assert_int_equal(st.head->decode(&st, &t, 0, &map, 333, 517, &p, &d), FV_OK);
            assert_in_range(d.count, 0, p.max_det);
            for (int i = 0; i < d.count; i++) {
                const float *b = d.items[i].box;
                assert_true(b[0] >= 0 && b[2] <= 333 && b[1] >= 0 && b[3] <= 517 && b[2] >= 0 && b[3] >= 0);
                assert_true(isfinite(d.items[i].confidence));
                assert_in_range(d.items[i].class_id, 0, st.n_classes - 1);
            }
        }
        fv_detections_clear(&d);
        fvi_heads_release(&st);
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nms_like_torchvision), cmocka_unit_test(nms_edges), cmocka_unit_test(goldens),
                                       cmocka_unit_test(rules), cmocka_unit_test(prep_of_each), cmocka_unit_test(what_is_said),
                                       cmocka_unit_test(no_memory), cmocka_unit_test(hostile_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
