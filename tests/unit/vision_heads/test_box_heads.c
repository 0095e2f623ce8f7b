/* Heads that read several outputs, or one that looks like another's: NanoDet, PicoDet, RT-DETR and its kin, boxes that the
 * network has suppressed itself. Goldens by scripts/make_head_goldens.py. */
#include "golden.h"
#include "base/alloc.h"

#define MAX_PARTS 8

/* A golden's table cut into a model's outputs: rows from..from+rows, columns at..at+columns. */
typedef struct part {
    int from, rows, at, columns;
} part;

typedef struct cut {
    int n;
    part part[MAX_PARTS];
    const char *name[MAX_PARTS];
} cut;

static cut cut_levels(const golden *g, int n_levels)
{
    cut c = {.n = 2 * n_levels};
    for (int l = 0, from = 0; l < n_levels; l++) {
        int stride = 8 << l, cells = ((g->input_h + stride - 1) / stride) * ((g->input_w + stride - 1) / stride);
        c.part[l] = (part){from, cells, 0, g->d2 - 32};
        c.part[n_levels + l] = (part){from, cells, g->d2 - 32, 32};
        c.name[l] = c.name[n_levels + l] = "x";
        from += cells;
    }
    return c;
}

static cut cut_pair(const golden *g, const char *boxes, const char *scores)
{
    return (cut){.n = 2, .part = {{0, g->d1, 0, 4}, {0, g->d1, 4, g->d2 - 4}}, .name = {boxes, scores}};
}

static void decode_in_layout(const golden *g, const cut *c, bool rows_last, bool multi, fvi_head_state *st)
{
    fvi_tensor t[MAX_PARTS];
    float *memory[MAX_PARTS];
    for (int i = 0; i < c->n; i++) {
        const part *p = &c->part[i];
        int64_t image = (int64_t)p->rows * p->columns + 5, sr = rows_last ? 1 : p->columns, sc = rows_last ? p->rows : 1;
        memory[i] = malloc(sizeof(float) * (size_t)image * 2);
        for (int64_t k = 0; k < 2 * image; k++) memory[i][k] = NAN;
        for (int r = 0; r < p->rows; r++)
            for (int k = 0; k < p->columns; k++) memory[i][image + r * sr + k * sc] = g->data[(p->from + r) * g->d2 + p->at + k];
        t[i] = SHAPE(2, p->rows, p->columns);
        t[i].stride[0] = image;
        t[i].stride[1] = sr;
        t[i].stride[2] = sc;
        t[i].data = (char *)memory[i];
    }
    uint8_t keep[128] = {0};
    for (int i = 0; i < g->n_keep; i++) keep[g->keep[i]] = 1;
    fvi_head_params p = {.conf = g->conf, .iou = g->iou, .max_det = g->max_det, .agnostic = g->agnostic, .keep = g->n_keep ? keep : NULL, .multi_label = multi};
    fvi_prep_map map;
    fvi_prep_geometry(&map, &st->prep, g->src_w, g->src_h, g->input_w, g->input_h);
    fv_detections d = {0};
    assert_int_equal(st->head->decode(st, t, 1, &map, g->src_w, g->src_h, &p, &d), FV_OK);
    check(g, &d);
    uint64_t before = fvi_alloc_count();
    assert_int_equal(st->head->decode(st, t, 1, &map, g->src_w, g->src_h, &p, &d), FV_OK);
    assert_int_equal(fvi_alloc_count(), before);
    assert_int_equal(st->head->decode(st, t, 0, &map, g->src_w, g->src_h, &p, &d), FV_OK);
    assert_int_equal(d.count, 0); /* NaN everywhere */
    assert_int_equal(st->head->decode(st, t, 2, &map, g->src_w, g->src_h, &p, &d), FV_ERR_SHAPE);
    t[c->n - 1].dim[1]--;
    assert_int_equal(st->head->decode(st, t, 1, &map, g->src_w, g->src_h, &p, &d), FV_ERR_SHAPE);
    fv_detections_clear(&d);
    for (int i = 0; i < c->n; i++) free(memory[i]);
}

static void golden_case(const char *kind, const char *rule, int n_classes)
{
    static const char *const suffixes[] = {"", "_tight", "_agnostic_keep"};
    for (int s = 0; s < 3; s++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", kind, suffixes[s]);
        golden g = load(name);
        cut c = {.n = 1, .part = {{0, g.d1, 0, g.d2}}, .name = {"output0"}};
        if (!strcmp(kind, "nanodet")) c = cut_levels(&g, 3);
        if (!strcmp(kind, "picodet")) c = cut_levels(&g, 4);
        if (!strcmp(kind, "detr_pair")) c = cut_pair(&g, "pred_boxes", "logits");
        if (!strcmp(kind, "detr_coco")) c = cut_pair(&g, "dets", "labels");
        fvi_tensor shapes[MAX_PARTS];
        for (int i = 0; i < c.n; i++) shapes[i] = SHAPE(1, c.part[i].rows, c.part[i].columns);
        fvi_head_state st;
        fv_error err = {0};
        if (find_named(NULL, c.n, shapes, c.name, g.input_h, g.input_w, g.n_names, &st, &err) != FV_OK) fail_msg("%s: %s", kind, err.text);
        if (!strstr(st.rule, rule)) fail_msg("'%s' is not in '%s'", rule, st.rule);
        assert_int_equal(st.n_classes, n_classes);
        decode_in_layout(&g, &c, false, false, &st);
        decode_in_layout(&g, &c, true, false, &st);
        fvi_heads_release(&st);
        assert_null(st.scratch);
        unload(&g);
    }
}

static void goldens(void **state)
{
    (void)state;
    golden_case("nanodet", "NanoDet, 6 outputs [1,cells,6] and [1,cells,4*8]", 6);
    golden_case("picodet", "PicoDet, 8 outputs [1,cells,32] and [1,cells,4*8]", 32);
    golden_case("nanodet_plus", "NanoDet-Plus [1,128,6+32]", 6);
    golden_case("rtdetr", "RT-DETR [1,300,4+12], from its shape and the number of names", 12);
    golden_case("detr_pair", "RT-DETR/D-FINE [1,30,4] and [1,30,6]", 6);
    golden_case("detr_coco", "RF-DETR [1,30,4] and [1,30,91], from the outputs' names: stretched, ImageNet mean, COCO's category ids", 80);
}

/* Every class of an anchor. */
static void multi_label(void **state)
{
    static const char *const kinds[] = {"yolov8", "yolov5", "nanodet"};
    (void)state;
    for (int k = 0; k < 3; k++) {
        char name[64];
        snprintf(name, sizeof name, "%s_multi", kinds[k]);
        golden g = load(name);
        cut c = k == 2 ? cut_levels(&g, 3) : (cut){.n = 1, .part = {{0, g.d1, 0, g.d2}}, .name = {"output0"}};
        fvi_tensor shapes[MAX_PARTS];
        for (int i = 0; i < c.n; i++) shapes[i] = SHAPE(1, c.part[i].rows, c.part[i].columns);
        fvi_head_model m = {.n_outputs = c.n, .outputs = shapes, .output_names = c.name, .input_h = g.input_h, .input_w = g.input_w, .multi_label = true};
        fvi_head_state st;
        assert_int_equal(fvi_heads_find(&m, &st, NULL), FV_OK);
        decode_in_layout(&g, &c, false, true, &st);
        decode_in_layout(&g, &c, true, true, &st);
        fvi_heads_release(&st);
        unload(&g);
    }
}

/* More candidates than are ever kept: the answer is that of a list of all of them. */
static void multi_label_is_bounded(void **state)
{
    enum { A = 8400, C = 20 };
    (void)state;
    fvi_tensor t = SHAPE(1, 4 + C, A);
    fvi_head_model m = {.n_outputs = 1, .outputs = &t, .output_names = (const char *const[]){"o"}, .input_h = 640, .input_w = 640, .multi_label = true};
    fvi_head_state st;
    assert_int_equal(fvi_heads_find(&m, &st, NULL), FV_OK);
    float *data = malloc(sizeof(float) * (4 + C) * A);
    fvi_candidate *all = malloc(sizeof *all * A * C);
    uint32_t seed = 5;
    for (int i = 0; i < (4 + C) * A; i++) {
        seed = seed * 1664525u + 1013904223u;
        float u = (float)(seed >> 8) * 0x1p-24f;
        data[i] = i < 2 * A ? u * 640 : i < 4 * A ? 20 + u * 60 : 0.01f + 0.9f * u * u;
    }
    int n = 0;
    for (int a = 0; a < A; a++)
        for (int k = 0; k < C; k++) {
            float cx = data[a], cy = data[A + a], w = data[2 * A + a] / 2, h = data[3 * A + a] / 2;
            all[n++] = (fvi_candidate){.box = {cx - w, cy - h, cx + w, cy + h}, .score = data[(4 + k) * A + a], .class_id = k, .index = a};
        }
    int kept = fvi_nms(all, n, 0.3f, false, 300);
    fvi_tensor_dense(&t);
    t.data = (char *)data;
    fvi_head_params p = {.conf = 0.001f, .iou = 0.3f, .max_det = 300, .multi_label = true};
    fvi_prep_map map;
    fvi_prep_geometry(&map, &st.prep, 640, 640, 640, 640);
    fv_detections d = {0};
    assert_int_equal(st.head->decode(&st, &t, 0, &map, 640, 640, &p, &d), FV_OK);
    assert_int_equal(d.count, kept);
    for (int i = 0; i < kept; i++) assert_true(d.items[i].confidence == all[i].score && d.items[i].class_id == all[i].class_id);
    fv_detections_clear(&d);
    fvi_heads_release(&st);
    free(data);
    free(all);
}

static void expect_rule(const char *const *meta, fvi_tensor t, int side, int n_names, const char *rule)
{
    fvi_head_state st;
    fv_error err = {0};
    if (find(meta, 1, &t, side, side, n_names, &st, &err) != FV_OK) fail_msg("%s: %s", rule, err.text);
    if (strncmp(st.rule, rule, strlen(rule))) fail_msg("'%s' does not begin with '%s'", st.rule, rule);
    fvi_heads_release(&st);
}

/* Shapes that two heads could claim. */
static void neighbours(void **state)
{
    (void)state;
    const char *rtdetr[] = {"task", "detect", "description", "Ultralytics rtdetr-l model", "end2end", "False", NULL};
    const char *head[] = {"task", "detect", "head", "RTDETRDecoder", "description", "Ultralytics best model", "end2end", "False", NULL};
    const char *yolov10[] = {"task", "detect", "description", "Ultralytics YOLOv10n model", NULL};
    expect_rule(rtdetr, SHAPE(1, 300, 84), 640, 80, "RT-DETR");
    expect_rule(rtdetr, SHAPE(1, 300, 6), 640, 2, "RT-DETR [1,300,4+2]");
    expect_rule(head, SHAPE(1, 300, 6), 640, 2, "RT-DETR [1,300,6], from metadata");
    expect_rule(head, SHAPE(1, 300, 6), 640, 80, "RT-DETR [1,300,6], from metadata");
    expect_rule(rtdetr, SHAPE(1, 300, 6), 640, 80, "RT-DETR [1,300,6], from metadata");
    expect_rule(yolov10, SHAPE(1, 300, 6), 640, 2, "end-to-end (YOLOv10/26) [1,300,6], from its shape");
    expect_rule(yolov10, SHAPE(1, 300, 6), 640, 80, "end-to-end");
    expect_rule(NULL, SHAPE(1, 300, 84), 640, 0, "RT-DETR [1,300,4+80], from its shape");
    expect_rule(NULL, SHAPE(1, 8400, 85), 640, 80, "YOLOX");
    expect_rule(NULL, SHAPE(1, 25200, 85), 640, 80, "YOLOv5");
    expect_rule(NULL, SHAPE(1, 8400, 84), 640, 80, "YOLOv8");
    expect_rule(NULL, SHAPE(1, 84, 8400), 640, 80, "YOLOv8");
    expect_rule(NULL, SHAPE(1, 2125, 112), 320, 0, "NanoDet-Plus [1,2125,80+32]");
    expect_rule(NULL, SHAPE(1, 3598, 112), 416, 80, "NanoDet-Plus"); /* 416/64 is not whole: a part of a cell counts */
    expect_rule(NULL, SHAPE(1, 3549, 112), 416, 80, "NanoDet [1,3549,80+32]");
    expect_rule(NULL, SHAPE(1, 2125, 112), 320, 107, "YOLOX");
}

static void prep_of_each(void **state)
{
    (void)state;
    fvi_head_state st;
    fvi_tensor m[6] = {SHAPE(1, 2704, 80), SHAPE(1, 676, 80), SHAPE(1, 169, 80), SHAPE(1, 2704, 32), SHAPE(1, 676, 32), SHAPE(1, 169, 32)};
    assert_int_equal(find(NULL, 6, m, 416, 416, 0, &st, NULL), FV_OK);
    assert_true(st.prep.bgr && st.prep.fit == FVI_FIT_LETTERBOX && st.prep.pad_value == 0 && !st.prep.pad_topleft);
    assert_true(st.prep.mean[0] == 103.53f && st.prep.scale[2] == 1.0f / 58.395f);
    fvi_heads_release(&st);
    fvi_tensor plus = SHAPE(1, 2125, 112);
    assert_int_equal(find(NULL, 1, &plus, 320, 320, 0, &st, NULL), FV_OK);
    assert_true(st.prep.bgr && st.prep.fit == FVI_FIT_STRETCH && st.prep.mean[0] == 103.53f);
    fvi_heads_release(&st);
    fvi_tensor pico[8];
    for (int l = 0; l < 4; l++) {
        int64_t cells = (320 / (8 << l)) * (320 / (8 << l));
        pico[2 * l] = SHAPE(1, cells, 80); /* level by level instead of all scores first */
        pico[2 * l + 1] = SHAPE(1, cells, 32);
    }
    assert_int_equal(find(NULL, 8, pico, 320, 320, 0, &st, NULL), FV_OK);
    assert_true(!st.prep.bgr && st.prep.fit == FVI_FIT_STRETCH && st.prep.mean[0] == 123.675f && st.prep.scale[0] == 1.0f / 58.395f);
    fvi_heads_release(&st);
    fvi_tensor rf[2] = {SHAPE(1, 300, 4), SHAPE(1, 300, 91)};
    const char *rf_names[] = {"dets", "labels"}, *rt_names[] = {"pred_boxes", "logits"};
    assert_int_equal(find_named(NULL, 2, rf, rf_names, 560, 560, 0, &st, NULL), FV_OK);
    assert_true(!st.prep.bgr && st.prep.fit == FVI_FIT_STRETCH && st.prep.mean[2] == 103.53f && st.stride == 1);
    fvi_heads_release(&st);
    assert_int_equal(find_named(NULL, 2, rf, rt_names, 640, 640, 0, &st, NULL), FV_OK);
    assert_true(st.prep.fit == FVI_FIT_STRETCH && st.prep.mean[2] == 0 && st.prep.scale[1] == 1.0f / 255.0f);
    fvi_heads_release(&st);
}

static void expect_error(int n, const fvi_tensor *outputs, const char *const *names, fv_status status, const char *word)
{
    fvi_head_state st;
    fv_error err = {0};
    assert_int_equal(find_named(NULL, n, outputs, names, 640, 640, 0, &st, &err), status);
    if (!strstr(err.text, word)) fail_msg("'%s' is not in '%s'", word, err.text);
    assert_null(st.head);
    fvi_heads_release(&st);
}

static void what_is_said(void **state)
{
    (void)state;
    const char *deploy[] = {"labels", "boxes", "scores"}, *pair[] = {"logits", "pred_boxes"};
    fvi_tensor scaled[3] = {SHAPE(1, 300), SHAPE(1, 300, 4), SHAPE(1, 300)};
    expect_error(3, scaled, deploy, FV_ERR_MODEL, "orig_target_sizes");
    fvi_tensor first[2] = {SHAPE(1, 100, 92), SHAPE(1, 100, 4)};
    expect_error(2, first, pair, FV_ERR_MODEL, "softmax");
    fvi_tensor half[2] = {SHAPE(1, 300, 80), SHAPE(1, 300, 4)};
    half[1].dtype = FV_F16;
    expect_error(2, half, pair, FV_ERR_MODEL, "float32");
    fvi_tensor odd = SHAPE(1, 999);
    expect_error(1, &odd, pair, FV_ERR_MODEL, "NanoDet/PicoDet");
    expect_error(1, &odd, pair, FV_ERR_MODEL, "[1,Q,4+classes] or [1,Q,4], [1,Q,classes]");
    expect_error(1, &odd, pair, FV_ERR_MODEL, "[1,cells,5+classes]");
    fvi_tensor uneven[6] = {SHAPE(1, 6400, 80), SHAPE(1, 1600, 80), SHAPE(1, 400, 79), SHAPE(1, 6400, 32), SHAPE(1, 1600, 32), SHAPE(1, 400, 32)};
    const char *six[] = {"a", "b", "c", "d", "e", "f"};
    expect_error(6, uneven, six, FV_ERR_MODEL, "no head for task detect");
}

/* Suppressed by the network: the count bounds the rows, nothing else is dropped, bad rows go. */
static void suppressed_inside(void **state)
{
    (void)state;
    const char *names[] = {"num_dets", "det_boxes", "det_scores", "det_classes"};
    int32_t count[2] = {4, -3};
    int64_t classes[2][6] = {{3, 3, 90, 1, 0, 0}, {0}};
    float scores[2][6] = {{0.9f, 0.95f, 0.8f, 0.1f, 0.9f, 0.9f}, {0.9f}}, boxes[2][6][4] = {{{0, 0, 32, 48}, {0, 0, 32, 48}, {0, 0, 9, 9}}};
    fvi_tensor t[4] = {SHAPE(1, 1), SHAPE(1, 6, 4), SHAPE(1, 6), SHAPE(1, 6)};
    t[0].dtype = FV_I32;
    t[3].dtype = FV_I64;
    fvi_head_state st;
    assert_int_equal(find_named(NULL, 4, t, names, 96, 64, 80, &st, NULL), FV_OK);
    assert_non_null(strstr(st.rule, "NMS in the network"));
    void *data[] = {count, boxes, scores, classes};
    for (int i = 0; i < 4; i++) {
        t[i].dim[0] = 2;
        t[i].data = data[i];
        int64_t step = 1;
        for (int k = t[i].rank - 1; k >= 0; k--) t[i].stride[k] = step, step *= t[i].dim[k];
    }
    fvi_prep_map map;
    fvi_prep_geometry(&map, &st.prep, 128, 192, 64, 96);
    fvi_head_params p = {.conf = 0.25f, .iou = 0.5f, .max_det = 300};
    fv_detections d = {0};
    assert_int_equal(st.head->decode(&st, t, 0, &map, 128, 192, &p, &d), FV_OK);
    assert_int_equal(d.count, 2); /* equal boxes both stay; class 90 does not exist */
    assert_true(d.items[0].confidence == 0.95f && d.items[0].class_id == 3 && d.items[0].box[2] == 64 && d.items[0].box[3] == 96);
    boxes[0][0][1] = NAN;
    scores[0][1] = INFINITY;
    count[0] = INT32_MAX;
    assert_int_equal(st.head->decode(&st, t, 0, &map, 128, 192, &p, &d), FV_OK);
    assert_int_equal(d.count, 2); /* the two last rows, which the count did not reach before */
    assert_int_equal(st.head->decode(&st, t, 1, &map, 128, 192, &p, &d), FV_OK);
    assert_int_equal(d.count, 0);
    fv_detections_clear(&d);
    fvi_heads_release(&st);
}

static void score_and_class(void **state)
{
    (void)state;
    const char *meta[] = {"head", "RTDETRDecoder", NULL};
    float rows[5][6] = {{0.5f, 0.5f, 0.5f, 0.25f, 0.9f, 7}, {0.5f, 0.5f, 0.5f, 0.25f, 0.95f, 2}, {0.5f, 0.5f, 0.1f, 0.1f, 0.8f, 80},
                        {NAN, 0.5f, 0.1f, 0.1f, 0.8f, 1}, {0.5f, 0.5f, 0.1f, 0.1f, 0.8f, NAN}};
    fvi_tensor t = SHAPE(1, 5, 6);
    fvi_head_state st;
    assert_int_equal(find(meta, 1, &t, 96, 64, 80, &st, NULL), FV_OK);
    t.stride[0] = 30;
    t.stride[1] = 6;
    t.stride[2] = 1;
    t.data = (char *)rows;
    fvi_prep_map map;
    fvi_prep_geometry(&map, &st.prep, 200, 400, 64, 96);
    fvi_head_params p = {.conf = 0.25f, .iou = 0.5f, .max_det = 300};
    fv_detections d = {0};
    assert_int_equal(st.head->decode(&st, &t, 0, &map, 200, 400, &p, &d), FV_OK);
    assert_int_equal(d.count, 2);
    assert_int_equal(d.items[0].class_id, 2);
    const float want[4] = {50, 150, 150, 250};
    for (int k = 0; k < 4; k++) assert_true(fabsf(d.items[1].box[k] - want[k]) < 1e-3f);
    fv_detections_clear(&d);
    fvi_heads_release(&st);
}

/* Values a broken network may give: nothing that is not finite comes out. */
static void hostile_values(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY, 1e38f, -1e38f, 0, 0.9f, 3e9f};
    const fvi_tensor nano[6] = {SHAPE(1, 96, 5), SHAPE(1, 24, 5), SHAPE(1, 6, 5), SHAPE(1, 96, 32), SHAPE(1, 24, 32), SHAPE(1, 6, 32)};
    const fvi_tensor joined[1] = {SHAPE(1, 300, 84)}, pair[2] = {SHAPE(1, 30, 4), SHAPE(1, 30, 91)};
    const char *six[] = {"a", "b", "c", "d", "e", "f"}, *two[] = {"dets", "labels"};
    const struct {
        const fvi_tensor *t;
        int n;
        const char *const *names;
    } models[] = {{nano, 6, six}, {joined, 1, six}, {pair, 2, two}};
    srand(5);
    for (int k = 0; k < 3; k++) {
        fvi_head_state st;
        assert_int_equal(find_named(NULL, models[k].n, models[k].t, models[k].names, 96, 64, 0, &st, NULL), FV_OK);
        fvi_tensor t[6];
        for (int i = 0; i < models[k].n; i++) {
            t[i] = models[k].t[i];
            t[i].stride[0] = t[i].dim[1] * t[i].dim[2];
            t[i].stride[1] = t[i].dim[2];
            t[i].stride[2] = 1;
            t[i].data = malloc(sizeof(float) * (size_t)t[i].stride[0]);
        }
        fv_detections d = {0};
        fvi_prep_map map;
        fvi_prep_geometry(&map, &st.prep, 333, 517, 64, 96);
        for (int round = 0; round < 100; round++) {
            for (int i = 0; i < models[k].n; i++)
                for (int64_t j = 0; j < t[i].stride[0]; j++)
                    ((float *)(void *)t[i].data)[j] = rand() % 16 ? (float)rand() / (float)RAND_MAX : bad[rand() % 8];
            fvi_head_params p = {.conf = round % 9 ? 0.1f : 0, .iou = 0.5f, .max_det = 1 + round};
            assert_int_equal(st.head->decode(&st, t, 0, &map, 333, 517, &p, &d), FV_OK);
            assert_in_range(d.count, 1, p.max_det);
            for (int i = 0; i < d.count; i++) {
                const float *b = d.items[i].box;
                assert_true(b[0] >= 0 && b[2] <= 333 && b[1] >= 0 && b[3] <= 517 && b[2] >= 0 && b[3] >= 0);
                assert_true(isfinite(d.items[i].confidence));
                assert_in_range(d.items[i].class_id, 0, st.n_classes - 1);
            }
        }
        for (int i = 0; i < models[k].n; i++) free(t[i].data);
        fv_detections_clear(&d);
        fvi_heads_release(&st);
    }
}

static void no_memory(void **state)
{
    (void)state;
    const fvi_tensor plus = SHAPE(1, 8500, 112), detr = SHAPE(1, 300, 84);
    for (int n = 1; n <= 3; n++) {
        for (int k = 0; k < 2; k++) {
            fvi_head_state st;
            fv_error err = {0};
            fvi_alloc_fail_after(n);
            fv_status s = find(NULL, 1, k ? &plus : &detr, 640, 640, 0, &st, &err);
            fvi_alloc_fail_after(0);
            assert_int_equal(s, FV_ERR_MEMORY);
            fvi_heads_release(&st);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(goldens),      cmocka_unit_test(neighbours),     cmocka_unit_test(prep_of_each),
                                       cmocka_unit_test(what_is_said), cmocka_unit_test(hostile_values), cmocka_unit_test(no_memory),
                                       cmocka_unit_test(suppressed_inside), cmocka_unit_test(score_and_class),
                                       cmocka_unit_test(multi_label),  cmocka_unit_test(multi_label_is_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
