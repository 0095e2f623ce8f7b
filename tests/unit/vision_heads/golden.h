/* golden.h: what the tests of heads share: files of scripts/make_head_goldens.py, shapes, a model without a file. */
#ifndef TEST_VISION_HEADS_GOLDEN_H
#define TEST_VISION_HEADS_GOLDEN_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "vision/heads/heads.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct golden {
    int32_t d1, d2, input_h, input_w, src_w, src_h, n_names, max_det, agnostic, n_keep;
    float conf, iou;
    int32_t keep[16];
    float *data;
    int32_t n;
    void *result;
} golden;

static inline void take(FILE *f, void *to, size_t size) { assert_int_equal(fread(to, 1, size, f), size); }

static inline golden load(const char *name)
{
    char path[512];
    golden g = {0};
    snprintf(path, sizeof path, "%s/heads/%s.bin", FV_TEST_DATA, name);
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("%s is missing", path);
    take(f, &g, offsetof(golden, keep));
    assert_in_range(g.n_keep, 0, 16);
    take(f, g.keep, sizeof(int32_t) * (size_t)g.n_keep);
    size_t count = g.d1 ? (size_t)g.d1 * (size_t)g.d2 : (size_t)g.d2 * 6;
    g.data = malloc(count * sizeof(float));
    take(f, g.data, count * sizeof(float));
    take(f, &g.n, sizeof g.n);
    size_t item = g.d1 ? 6 * sizeof(float) : sizeof(int32_t);
    g.result = malloc((size_t)g.n * item + 1);
    take(f, g.result, (size_t)g.n * item);
    assert_int_equal(fgetc(f), EOF);
    fclose(f);
    return g;
}

static inline void unload(golden *g)
{
    free(g->data);
    free(g->result);
}

static const char *meta_of(void *user, const char *key)
{
    const char *const *pair = user;
    for (; pair && pair[0]; pair += 2)
        if (!strcmp(pair[0], key)) return pair[1];
    return NULL;
}

static fv_status find_named(const char *const *meta, int n_outputs, const fvi_tensor *outputs, const char *const *names, int h, int w,
                            int n_names, fvi_head_state *st, fv_error *err)
{
    fvi_head_model m = {.meta = meta_of, .user = (void *)(uintptr_t)meta, .n_outputs = n_outputs, .outputs = outputs, .output_names = names,
                        .input_h = h, .input_w = w, .n_names = n_names};
    return fvi_heads_find(&m, st, err);
}

static fv_status find(const char *const *meta, int n_outputs, const fvi_tensor *outputs, int h, int w, int n_names,
                      fvi_head_state *st, fv_error *err)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    return find_named(meta, n_outputs, outputs, names, h, w, n_names, st, err);
}

static fvi_tensor shape(int rank, const int64_t *dim)
{
    fvi_tensor t = {.dtype = FV_F32, .rank = rank};
    memcpy(t.dim, dim, sizeof *dim * (size_t)rank);
    return t;
}
#define SHAPE(...) shape((int)(sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})

static inline void check(const golden *g, const fv_detections *d)
{
    assert_int_equal(d->count, g->n);
    for (int i = 0; i < g->n; i++) {
        const float *want = (const float *)g->result + 6 * i;
        for (int k = 0; k < 4; k++) assert_true(fabsf(d->items[i].box[k] - want[k]) < 2e-3f);
        assert_true(fabsf(d->items[i].confidence - want[4]) < 1e-6f);
        assert_int_equal(d->items[i].class_id, (int)want[5]);
        assert_int_equal(d->items[i].track_id, 0);
    }
}
#endif
