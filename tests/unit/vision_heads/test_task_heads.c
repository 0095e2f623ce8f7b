/* Heads of other tasks than boxes: masks, keypoints and rotated boxes against goldens of scripts/make_task_goldens.py in several memory
 * layouts; classes, depth, semantic maps and embeddings against values written here; which of them is found, with and without a preset;
 * values that a broken network gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "golden.h"

#define POINTS 5
#define MOST 64

typedef struct task_golden {
    golden g;
    int32_t p, ph, pw;
    float *prototypes;
    float row[MOST][6], extra[MOST][POINTS * 3];
    fv_mask mask[MOST];
    uint8_t *bits[MOST];
} task_golden;

static void take_mask(FILE *f, task_golden *t, int i)
{
    int32_t b[4];
    take(f, b, sizeof b);
    t->mask[i] = (fv_mask){b[0], b[1], b[2], b[3], 0};
    int n = b[2] * b[3];
    uint8_t *packed = malloc((size_t)n / 8 + 1);
    t->bits[i] = malloc((size_t)n);
    take(f, packed, ((size_t)n + 7) / 8);
    for (int k = 0; k < n; k++) t->bits[i][k] = packed[k / 8] >> (7 - k % 8) & 1;
    free(packed);
}

static task_golden load_task(const char *name)
{
    char path[512];
    task_golden t = {0};
    snprintf(path, sizeof path, "%s/heads/task_%s.bin", FV_TEST_DATA, name);
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("%s is missing", path);
    take(f, &t.g, offsetof(golden, keep));
    take(f, &t.p, 3 * sizeof t.p);
    size_t n = (size_t)t.g.d1 * (size_t)t.g.d2, protos = (size_t)(t.p * t.ph * t.pw);
    t.g.data = malloc(n * sizeof(float));
    t.prototypes = malloc((protos + 1) * sizeof(float));
    take(f, t.g.data, n * sizeof(float));
    take(f, t.prototypes, protos * sizeof(float));
    take(f, &t.g.n, sizeof t.g.n);
    assert_in_range(t.g.n, 1, MOST);
    take(f, t.row, sizeof t.row[0] * (size_t)t.g.n);
    for (int i = 0; i < t.g.n; i++) {
        if (t.p) take_mask(f, &t, i);
        else take(f, t.extra[i], (strstr(name, "pose") ? 3 * POINTS : 5) * sizeof(float));
    }
    assert_int_equal(fgetc(f), EOF);
    fclose(f);
    return t;
}

static void unload_task(task_golden *t)
{
    for (int i = 0; i < t->g.n; i++) free(t->bits[i]);
    free(t->g.data);
    free(t->prototypes);
}

/* The memory of `from` [d1][d2][d3] as image 1 of 2, the last axis or the first innermost. */
static fvi_tensor laid_out(const float *from, int d1, int d2, int d3, int rank, bool first_inner)
{
    int64_t n = (int64_t)d1 * d2 * d3, s1 = first_inner ? 1 : (int64_t)d2 * d3, s2 = first_inner ? (int64_t)d1 * d3 : d3, s3 = first_inner ? d1 : 1;
    fvi_tensor t = rank == 3 ? SHAPE(2, d1, d2) : SHAPE(2, d1, d2, d3);
    float *memory = malloc(sizeof(float) * (size_t)n * 2);
    for (int64_t i = 0; i < 2 * n; i++) memory[i] = NAN;
    for (int64_t i = 0; i < n; i++) memory[n + i / (d2 * d3) * s1 + i / d3 % d2 * s2 + i % d3 * s3] = from[i];
    t.stride[0] = n;
    t.stride[1] = s1;
    t.stride[2] = s2;
    t.stride[3] = s3;
    t.data = (char *)memory;
    return t;
}

static void check_mask(const fv_detections *d, int i, const fv_mask *want, const uint8_t *bits)
{
    const fv_mask *m = &d->masks[d->items[i].extra - 1];
    int wrong = 0;
    assert_true(m->x == want->x && m->y == want->y && m->width == want->width && m->height == want->height);
    for (int k = 0; k < m->width * m->height; k++) wrong += d->mask_bits[m->at + (size_t)k] != bits[k];
    assert_in_range(wrong, 0, 1); /* a logit may be zero but for rounding */
}

static void check_task(const task_golden *t, const fv_detections *d)
{
    assert_int_equal(d->count, t->g.n);
    assert_int_equal(d->n_extras, t->g.n);
    for (int i = 0; i < t->g.n; i++) {
        const fv_detection *item = &d->items[i];
        for (int k = 0; k < 4; k++) assert_true(fabsf(item->box[k] - t->row[i][k]) < 5e-3f);
        assert_true(fabsf(item->confidence - t->row[i][4]) < 1e-6f);
        assert_int_equal(item->class_id, (int)t->row[i][5]);
        assert_in_range(item->extra, 1, d->n_extras);
        if (t->p) check_mask(d, i, &t->mask[i], t->bits[i]);
        const float *got = d->keypoints ? d->keypoints[(item->extra - 1) * POINTS] : d->obb ? d->obb[item->extra - 1] : NULL;
        for (int k = 0; got && k < (d->keypoints ? 3 * POINTS : 5); k++) assert_true(fabsf(got[k] - t->extra[i][k]) < 5e-3f);
    }
}

static void goldens(void **state)
{
    (void)state;
    const char *names[] = {"segment_v8", "segment_v5", "segment_e2e", "pose_v8", "pose_v5", "pose_e2e", "obb_v8", "obb_e2e"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        task_golden t = load_task(names[k]);
        char task[16] = "", names_of[] = "{0: 'a', 1: 'b', 2: 'c'}";
        sscanf(names[k], "%15[a-z]", task);
        const char *meta[] = {"task", task, "kpt_shape", "[5, 3]", "names", names_of, NULL};
        fvi_tensor shapes[2] = {SHAPE(1, t.g.d1, t.g.d2), SHAPE(1, t.p, t.ph, t.pw)};
        fvi_head_state st;
        fv_error err = {0};
        if (find(meta, t.p ? 2 : 1, shapes, t.g.input_h, t.g.input_w, 3, &st, &err) != FV_OK) fail_msg("%s: %s", names[k], err.text);
        assert_string_equal(fv_task_name(st.task), task);
        assert_non_null(strstr(st.rule, strstr(names[k], "v5") ? "YOLOv5" : strstr(names[k], "e2e") ? "end-to-end" : "YOLOv8"));
        fvi_prep_map map;
        fvi_prep_geometry(&map, &st.prep, t.g.src_w, t.g.src_h, t.g.input_w, t.g.input_h);
        fvi_head_params p = {.conf = t.g.conf, .iou = t.g.iou, .max_det = t.g.max_det};
        for (int layout = 0; layout < 4; layout++) {
            fvi_tensor out[2] = {laid_out(t.g.data, t.g.d1, t.g.d2, 1, 3, layout & 1), laid_out(t.prototypes, t.p, t.ph, t.pw, 4, layout & 2)};
            fv_detections d = {0};
            assert_int_equal(st.head->decode(&st, out, 1, &map, t.g.src_w, t.g.src_h, &p, &d), FV_OK);
            check_task(&t, &d);
            uint64_t before = fvi_alloc_count();
            assert_int_equal(st.head->decode(&st, out, 1, &map, t.g.src_w, t.g.src_h, &p, &d), FV_OK);
            assert_int_equal(fvi_alloc_count(), before);
            check_task(&t, &d);
            assert_int_equal(st.head->decode(&st, out, 0, &map, t.g.src_w, t.g.src_h, &p, &d), FV_OK);
            assert_int_equal(d.count + d.n_extras, 0); /* NaN everywhere */
            assert_int_equal(st.head->decode(&st, out, 2, &map, t.g.src_w, t.g.src_h, &p, &d), FV_ERR_SHAPE);
            fv_detections_clear(&d);
            for (int i = 0; i < 2; i++) free(out[i].data);
        }
        fvi_heads_release(&st);
        unload_task(&t);
    }
}

/* ---- heads without boxes ---- */

static fvi_tensor dense(fvi_tensor t, void *data)
{
    int64_t step = 1;
    for (int k = t.rank - 1; k >= 0; k--) t.stride[k] = step, step *= t.dim[k];
    t.data = data;
    return t;
}

static fvi_head_state found(const char *const *meta, const char *preset, const char *task, fvi_tensor t, const char *output, int h, int w, int n_names)
{
    const char *names[] = {output};
    fvi_head_model m = {.meta = meta_of, .user = (void *)(uintptr_t)meta, .n_outputs = 1, .outputs = &t, .output_names = names, .input_h = h,
                        .input_w = w, .n_names = n_names, .task = task, .preset = preset};
    fvi_head_state st;
    fv_error err = {0};
    if (fvi_heads_find(&m, &st, &err) != FV_OK) fail_msg("%s", err.text);
    return st;
}

static void decode_one(fvi_head_state *st, fvi_tensor t, int src_w, int src_h, int in_w, int in_h, const uint8_t *keep, fv_detections *d)
{
    fvi_prep_map map;
    fvi_prep_geometry(&map, &st->prep, src_w, src_h, in_w, in_h);
    fvi_head_params p = {.conf = 0.25f, .iou = 0.7f, .max_det = 300, .keep = keep};
    assert_int_equal(st->head->decode(st, &t, 0, &map, src_w, src_h, &p, d), FV_OK);
}

static void classes(void **state)
{
    (void)state;
    const char *meta[] = {"task", "classify", NULL};
    float logits[7] = {1, 3, 2, NAN, -1, 3, 0.5f}, shares[7] = {0.1f, 0.2f, 0.05f, 0.3f, 0.05f, 0.25f, 0.05f};
    fv_detections d = {0};
    fvi_head_state st = found(meta, NULL, NULL, SHAPE(1, 7), "y", 224, 224, 7);
    assert_true(st.prep.fit == FVI_FIT_CROP && st.prep.crop_fraction == 0 && st.prep.filter == FVI_FILTER_SMOOTH && st.prep.mean[0] == 0);
    decode_one(&st, dense(SHAPE(1, 7), shares), 90, 61, 224, 224, NULL, &d);
    const int order[5] = {3, 5, 1, 0, 2};
    assert_int_equal(d.count, 5); /* whatever the threshold */
    for (int i = 0; i < 5; i++) {
        assert_int_equal(d.items[i].class_id, order[i]);
        assert_true(d.items[i].confidence == shares[order[i]]); /* they add up to one: no softmax */
        assert_true(d.items[i].box[2] == 90 && d.items[i].box[3] == 61);
    }
    uint8_t keep[7] = {1, 0, 1};
    decode_one(&st, dense(SHAPE(1, 7), shares), 90, 61, 224, 224, keep, &d);
    assert_int_equal(d.count, 2);
    decode_one(&st, dense(SHAPE(1, 7), logits), 90, 61, 224, 224, NULL, &d);
    assert_int_equal(d.count, 0); /* one NaN spoils the sum: nothing is said */
    logits[3] = 0;
    decode_one(&st, dense(SHAPE(1, 7), logits), 90, 61, 224, 224, NULL, &d);
    double sum = 0;
    for (int i = 0; i < 7; i++) sum += exp((double)logits[i]);
    assert_int_equal(d.items[0].class_id, 1); /* of equal ones the first */
    assert_float_equal(d.items[0].confidence, exp(3) / sum, 1e-6);
    fvi_heads_release(&st);
    st = found(NULL, NULL, NULL, SHAPE(1, 1000), "logits", 224, 224, 0);
    assert_true(st.prep.crop_fraction == 0.875 && st.prep.mean[0] == 123.675f);
    fvi_heads_release(&st);
    st = found(NULL, "imagenet", NULL, SHAPE(1, 37), "logits", 224, 224, 0);
    assert_non_null(strstr(st.rule, "preset imagenet"));
    fvi_heads_release(&st);
    fv_detections_clear(&d);
}

static void depths(void **state)
{
    (void)state;
    float map[16] = {0, 1, 2, 3, 4, 5, NAN, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    fv_detections d = {0};
    fvi_head_state st = found(NULL, NULL, NULL, SHAPE(1, 1, 4, 4), "my_depth_out", 64, 64, 0);
    assert_true(st.task == FV_TASK_DEPTH && st.prep.fit == FVI_FIT_STRETCH && st.prep.mean[0] == 0);
    decode_one(&st, dense(SHAPE(1, 1, 4, 4), map), 90, 61, 64, 64, NULL, &d);
    assert_true(d.map.channels == 1 && d.map.height == 4 && d.map.width == 4 && d.count == 0);
    for (int i = 0; i < 16; i++) assert_true(d.map.data[i] == (i == 6 ? 0 : (float)i));
    float big[64];
    assert_int_equal(fv_map_scale(&d.map, 8, 8, 0, big), FV_OK);
    assert_true(big[0] == 0 && big[1] == 0 && big[2] == 1 && big[63] == 15);
    assert_int_equal(fv_map_scale(&d.map, 8, 8, 1, big), FV_OK);
    assert_float_equal(big[1], 0.25, 1e-6);
    assert_int_equal(fv_map_scale(&d.map, 0, 8, 1, big), FV_ERR_ARGUMENT);
    fvi_heads_release(&st);
    st = found(NULL, NULL, NULL, SHAPE(1, 4, 4), "predicted_depth", 56, 56, 0);
    assert_true(st.prep.filter == FVI_FILTER_CUBIC && st.prep.mean[0] == 123.675f);
    fvi_heads_release(&st);
    fv_detections_clear(&d);
}

static void semantic_maps(void **state)
{
    (void)state;
    const char *meta[] = {"task", "semantic", NULL};
    fv_detections d = {0};
    float scores[2 * 16], text[16];
    for (int i = 0; i < 16; i++) {
        scores[i] = 1;
        scores[16 + i] = i % 3 ? 0 : 2;
        text[i] = (float)i - 8; /* logits */
    }
    fvi_head_state st = found(NULL, NULL, NULL, SHAPE(1, 2, 4, 4), "logits", 64, 64, 0);
    assert_true(st.task == FV_TASK_SEMANTIC && st.n_classes == 2);
    decode_one(&st, dense(SHAPE(1, 2, 4, 4), scores), 90, 61, 64, 64, NULL, &d);
    for (int i = 0; i < 16; i++) assert_true(d.map.data[i] == (i % 3 ? 0 : 1));
    fvi_heads_release(&st);
    uint8_t ids[16] = {0, 1, 2, 3, 4, 200};
    fvi_tensor u8 = SHAPE(1, 4, 4);
    u8.dtype = FV_U8;
    st = found(meta, NULL, NULL, u8, "y", 64, 64, 5);
    assert_true(st.prep.fit == FVI_FIT_LETTERBOX && st.n_classes == 5);
    decode_one(&st, dense(u8, ids), 64, 32, 64, 64, NULL, &d); /* a picture twice as wide as high: the middle rows */
    assert_true(d.map.height == 2 && d.map.width == 4 && d.map.data[0] == 4 && d.map.data[1] == 0); /* 200 is no class of it */
    fvi_heads_release(&st);
    st = found(NULL, NULL, NULL, SHAPE(1, 1, 4, 4), "sigmoid_0.tmp_0", 64, 64, 0);
    assert_true(st.prep.bgr && st.prep.pad_topleft && st.n_classes == 1);
    decode_one(&st, dense(SHAPE(1, 1, 4, 4), text), 64, 64, 64, 64, NULL, &d);
    assert_float_equal(d.map.data[8], 0.5, 1e-6);
    fvi_heads_release(&st);
    fv_detections_clear(&d);
}

/* Two regions and a lone cell on a map of 8x8 over 64x64; the frame is as large, or half. */
static void regions_of_a_map(void **state)
{
    (void)state;
    const char *meta[] = {"task", "segment", "stride", "32", NULL};
    fv_detections d = {0};
    float p[64] = {0};
    for (int y = 1; y < 3; y++)
        for (int x = 1; x < 5; x++) p[y * 8 + x] = 0.9f;
    p[3 * 8 + 5] = 0.2f; /* hangs together with it by a corner, but is not half as sure */
    for (int x = 2; x < 7; x++) p[6 * 8 + x] = 0.4f;
    p[7 * 8 + 0] = 0.9f; /* a quarter of 0.9 is under 0.25 */
    fvi_head_state st = found(meta, NULL, NULL, SHAPE(1, 1, 8, 8), "mask", 64, 64, 1);
    assert_true(!strcmp(st.head->name, "regions") && st.task == FV_TASK_SEGMENT && st.n_classes == 1 && st.stride == 32);
    assert_true(st.prep.fit == FVI_FIT_LETTERBOX && st.prep.pad_value == 114 && !st.prep.bgr);
    decode_one(&st, dense(SHAPE(1, 1, 8, 8), p), 64, 64, 64, 64, NULL, &d);
    assert_int_equal(d.count, 2);
    assert_int_equal(d.n_extras, 2);
    const float first[] = {8, 8, 40, 24}, second[] = {16, 48, 56, 56};
    for (int k = 0; k < 4; k++) assert_true(d.items[0].box[k] == first[k] && d.items[1].box[k] == second[k]);
    assert_float_equal(d.items[0].confidence, 0.9, 1e-6);
    assert_float_equal(d.items[1].confidence, 0.4, 1e-6);
    const fv_mask *m = &d.masks[d.items[0].extra - 1];
    const uint8_t *bits = d.mask_bits + m->at;
    assert_true(m->x == 8 && m->y == 8 && m->width == 32 && m->height == 16);
    /* half of 0.9 against zero next to it: the edge of the cell; at a corner less is left */
    for (int x = 4; x < 28; x++) assert_int_equal(bits[x], 1);
    assert_int_equal(bits[0], 0);
    assert_int_equal(bits[8 * 32 + 16], 1);
    decode_one(&st, dense(SHAPE(1, 1, 8, 8), p), 64, 32, 64, 64, NULL, &d); /* twice as wide as high: rows 2 to 5 show it */
    assert_int_equal(d.count, 1);
    assert_true(d.items[0].box[1] == 0 && d.items[0].box[3] == 8);
    decode_one(&st, dense(SHAPE(1, 1, 8, 8), p), 64, 64, 64, 64, (const uint8_t[]){0}, &d);
    assert_int_equal(d.count, 0);
    for (int i = 0; i < 64; i++) p[i] = p[i] > 0.5f ? 3 : -3; /* logits */
    decode_one(&st, dense(SHAPE(1, 1, 8, 8), p), 64, 64, 64, 64, NULL, &d);
    assert_int_equal(d.count, 1);
    assert_float_equal(d.items[0].confidence, 1 / (1 + exp(-3)), 1e-6);
    fvi_tensor two = laid_out(p, 1, 8, 8, 4, true);
    decode_one(&st, two, 1, 1, 64, 64, NULL, &d); /* image 0 is not numbers; a frame of one pixel */
    free(two.data);
    assert_int_equal(d.count, 0);
    fvi_heads_release(&st);
    st = found(NULL, NULL, "segment", SHAPE(1, 1, 8, 8), "y", 64, 64, 0);
    fvi_heads_release(&st);
    st = found(NULL, "regions", NULL, SHAPE(1, 1, 8, 8), "y", 64, 64, 0);
    fvi_heads_release(&st);
    fv_detections_clear(&d);
}

/* Every cell belongs to one region; masks stay inside their boxes and the frame, whatever the numbers are. */
static void regions_of_anything(void **state)
{
    (void)state;
    const char *meta[] = {"task", "segment", NULL};
    static float p[48 * 32];
    const float bad[] = {NAN, INFINITY, -INFINITY, 1e30f, -1e30f, 0, 1, -1};
    fvi_tensor t = SHAPE(1, 1, 48, 32);
    fvi_head_state st = found(meta, NULL, NULL, t, "y", 192, 128, 0);
    fv_detections d = {0};
    for (int round = 0; round < 200; round++) {
        int w = 1 + rand() % 300, h = 1 + rand() % 300;
        fvi_prep_map map;
        for (int i = 0; i < 48 * 32; i++) p[i] = rand() % 3 ? (float)rand() / (float)RAND_MAX : round % 2 ? bad[rand() % 8] : 0;
        fvi_prep_geometry(&map, &st.prep, w, h, 128, 192);
        fvi_head_params q = {.conf = 0.05f + 0.9f * (float)(round % 10) / 10, .iou = 0.5f, .max_det = 1 + round};
        fvi_tensor at = dense(t, p);
        assert_int_equal(st.head->decode(&st, &at, 0, &map, w, h, &q, &d), FV_OK);
        assert_in_range(d.count, 0, q.max_det);
        size_t bytes = 0;
        for (int i = 0; i < d.count; i++) {
            const float *b = d.items[i].box;
            assert_true(b[0] >= 0 && b[2] <= (float)w && b[1] >= 0 && b[3] <= (float)h && d.items[i].confidence > q.conf && d.items[i].confidence <= 1);
            assert_true(!i || d.items[i].confidence <= d.items[i - 1].confidence);
            if (!d.items[i].extra) continue;
            const fv_mask *m = &d.masks[d.items[i].extra - 1];
            assert_true(m->x >= 0 && m->y >= 0 && m->x + m->width <= w && m->y + m->height <= h && m->at == bytes);
            bytes += (size_t)m->width * (size_t)m->height;
        }
        assert_int_equal(bytes, d.mask_bytes);
    }
    fv_detections_clear(&d);
    fvi_heads_release(&st);
}

static void embeddings(void **state)
{
    (void)state;
    float v[64];
    fv_detections d = {0};
    for (int i = 0; i < 64; i++) v[i] = (float)i;
    v[5] = INFINITY;
    fvi_head_state st = found(NULL, NULL, NULL, SHAPE(1, 64), "y", 256, 128, 0);
    assert_int_equal(st.task, FV_TASK_EMBED);
    decode_one(&st, dense(SHAPE(1, 64), v), 30, 60, 128, 256, NULL, &d);
    assert_true(d.map.channels == 64 && d.map.width == 1 && d.map.data[63] == 63 && d.map.data[5] == 0);
    fvi_heads_release(&st);
    st = found(NULL, NULL, "embed", SHAPE(1, 7), "y", 224, 224, 0);
    fvi_heads_release(&st);
    fv_detections_clear(&d);
}

/* ---- what is found and said ---- */

static void refused(const char *const *meta, const char *preset, const char *task, fvi_tensor t, fv_status status, const char *word)
{
    const char *names[] = {"y"};
    fvi_head_model m = {.meta = meta_of, .user = (void *)(uintptr_t)meta, .n_outputs = 1, .outputs = &t, .output_names = names, .input_h = 640,
                        .input_w = 640, .task = task, .preset = preset};
    fvi_head_state st;
    fv_error err = {0};
    assert_int_equal(fvi_heads_find(&m, &st, &err), status);
    if (!strstr(err.text, word)) fail_msg("'%s' is not in '%s'", word, err.text);
    assert_null(st.head);
}

static void presets(void **state)
{
    (void)state;
    const char *pose[] = {"task", "pose", "kpt_shape", "[17, 3]", NULL}, *odd[] = {"task", "pose", "kpt_shape", "[17, 9]", NULL};
    fvi_head_state st = found(NULL, "pose", NULL, SHAPE(1, 56, 8400), "y", 640, 640, 0);
    assert_int_equal(st.n_classes, 1);
    fvi_heads_release(&st);
    st = found(NULL, NULL, "obb", SHAPE(1, 20, 8400), "y", 640, 640, 0); /* a task alone is enough where it decides */
    assert_int_equal(st.n_classes, 15);
    fvi_heads_release(&st);
    st = found(pose, NULL, NULL, SHAPE(1, 300, 57), "y", 640, 640, 1);
    assert_non_null(strstr(st.rule, "end-to-end YOLO [1,300,57] with 17 keypoints of 3 numbers, from metadata"));
    fvi_heads_release(&st);
    refused(NULL, "yolov99", NULL, SHAPE(1, 84, 8400), FV_ERR_ARGUMENT, "known are yolov8, yolov5");
    refused(NULL, "obb", "pose", SHAPE(1, 84, 8400), FV_ERR_ARGUMENT, "task says pose");
    refused(pose, "yolov8", NULL, SHAPE(1, 56, 8400), FV_ERR_ARGUMENT, "metadata says pose");
    refused(NULL, "depth", NULL, SHAPE(1, 84), FV_ERR_MODEL, "preset 'depth' is for outputs [1,1,h,w] or [1,h,w]; the model has [1,84]");
    refused(NULL, NULL, "dream", SHAPE(1, 84, 8400), FV_ERR_ARGUMENT, "there is no task 'dream'");
    refused(pose, NULL, "segment", SHAPE(1, 56, 8400), FV_ERR_ARGUMENT, "task segment was asked for, but the model is for task pose");
    refused(odd, NULL, NULL, SHAPE(1, 56, 8400), FV_ERR_MODEL, "kpt_shape '[17, 9]'");
    refused(NULL, NULL, NULL, SHAPE(1, 12), FV_ERR_MODEL, "for another task, give a task or preset");
    const char *about = NULL;
    int n = 0;
    while (fv_detector_preset(n, &about)) n++;
    assert_true(n >= 16 && fv_detector_preset(-1, NULL) == NULL && about[0]);
}

/* Values a broken network may give: no crash, nothing outside the picture, nothing that is not finite. */
static void hostile_values(void **state)
{
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY, 1e38f, -1e38f, 0, 0.9f, 3e9f};
    const char *tasks[] = {"segment", "pose", "obb"};
    srand(4);
    for (int k = 0; k < 3; k++) {
        const char *meta[] = {"task", tasks[k], "kpt_shape", "[2, 2]", NULL};
        float rows[11 * 126], protos[4 * 24 * 16];
        fvi_tensor out[2] = {dense(SHAPE(1, 11, 126), rows), dense(SHAPE(1, 4, 24, 16), protos)};
        fvi_head_state st;
        assert_int_equal(find(meta, k ? 1 : 2, out, 96, 64, 0, &st, NULL), FV_OK);
        fv_detections d = {0};
        fvi_prep_map map;
        for (int round = 0; round < 60; round++) {
            int w = 1 + rand() % 200, h = 1 + rand() % 200;
            for (int i = 0; i < 11 * 126; i++) rows[i] = rand() % 4 ? 60 * (float)rand() / (float)RAND_MAX : bad[rand() % 8];
            for (int i = 0; i < 4 * 24 * 16; i++) protos[i] = rand() % 4 ? (float)rand() / (float)RAND_MAX - 0.5f : bad[rand() % 8];
            fvi_prep_geometry(&map, &st.prep, w, h, 64, 96);
            fvi_head_params p = {.conf = 0.1f, .iou = 0.5f, .max_det = 1 + round, .multi_label = round % 2};
            assert_int_equal(st.head->decode(&st, out, 0, &map, w, h, &p, &d), FV_OK);
            assert_in_range(d.count, 0, p.max_det);
            for (int i = 0; i < d.count; i++) {
                const float *b = d.items[i].box;
                assert_true(b[0] >= 0 && b[2] <= (float)w && b[1] >= 0 && b[3] <= (float)h && isfinite(d.items[i].confidence));
                assert_in_range(d.items[i].extra, 0, d.n_extras);
                for (int q = 0; d.masks && d.items[i].extra && q < 1; q++) {
                    const fv_mask *m = &d.masks[d.items[i].extra - 1];
                    assert_true(m->x >= 0 && m->y >= 0 && m->x + m->width <= w && m->y + m->height <= h && m->at < d.mask_bytes);
                }
                for (int q = 0; d.keypoints && q < 6; q++) assert_true(isfinite(d.keypoints[(d.items[i].extra - 1) * 2 + q / 3][q % 3]));
            }
        }
        fv_detections_clear(&d);
        fvi_heads_release(&st);
    }
}

static void no_memory(void **state)
{
    (void)state;
    const char *tasks[] = {"segment", "pose", "obb", "depth", "semantic"};
    fvi_tensor rows[2] = {SHAPE(1, 59, 126), SHAPE(1, 51, 24, 16)}, map = SHAPE(1, 4, 4), one = SHAPE(1, 1, 4, 4);
    for (int k = 0; k < 6; k++) {
        const char *meta[] = {"task", tasks[k % 5], NULL};
        bool made = false;
        for (int n = 1; n < 9 && !made; n++) {
            fvi_head_state st;
            fv_error err = {0};
            fvi_alloc_fail_after(n);
            fv_status s = k < 3 ? find(meta, k ? 1 : 2, rows, 96, 64, 0, &st, &err) : find(meta, 1, k == 5 ? &one : &map, 96, 64, 0, &st, &err);
            fvi_alloc_fail_after(0);
            made = s == FV_OK;
            assert_true(made || s == FV_ERR_MEMORY);
            fvi_heads_release(&st);
        }
        assert_true(made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(goldens),  cmocka_unit_test(classes),        cmocka_unit_test(depths),
                                       cmocka_unit_test(semantic_maps), cmocka_unit_test(regions_of_a_map), cmocka_unit_test(regions_of_anything), cmocka_unit_test(embeddings), cmocka_unit_test(presets),
                                       cmocka_unit_test(hostile_values), cmocka_unit_test(no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
