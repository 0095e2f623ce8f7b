/* Lazy detectors on a small network of two levels: what is left out, and that what passes is computed to the bit. */
#include "backend/backend.h"
#include "model/engine/lazy.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { CLASSES = 3, COLUMNS = 4 + CLASSES, CELLS0 = 64, ANCHORS = 80, IMAGES = 2 };
typedef enum tail { PLAIN, ACROSS_ANCHORS, SHARED_STEM, JOINED } tail;

static uint32_t seed;
static float uniform(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / (float)(1 << 23) - 1;
}

static fvi_value *weights(fvi_graph *g, int64_t cout, int64_t cin, int64_t k)
{
    static float w[4096];
    for (int i = 0; i < 4096; i++) w[i] = 1.5f * uniform() / sqrtf((float)(cin * k * k));
    return fvi_graph_add_constant(g, NULL, FV_F32, 4, (int64_t[]){cout, cin, k, k}, w);
}

static fvi_value *node(fvi_graph *g, fvi_op op, int n, ...)
{
    va_list ap;
    fvi_node *x = fvi_graph_add_node(g, op, NULL, n, 1);
    va_start(ap, n);
    for (int i = 0; i < n; i++) x->in[i] = va_arg(ap, fvi_value *);
    va_end(ap);
    x->opset = 17;
    x->out[0] = fvi_graph_add_value(g, NULL);
    x->out[0]->producer = x;
    return x->out[0];
}

static fvi_value *conv(fvi_graph *g, fvi_value *x, int64_t cout, int64_t cin, int64_t k, int64_t stride)
{
    fvi_value *y = node(g, FVI_OP_CONV, 2, x, weights(g, cout, cin, k));
    assert_true(fvi_node_set_ints(g, y->producer, "pads", (int64_t[]){k / 2, k / 2, k / 2, k / 2}, 4) >= 0);
    assert_true(fvi_node_set_ints(g, y->producer, "strides", (int64_t[]){stride, stride}, 2) >= 0);
    return y;
}

static fvi_value *flat(fvi_graph *g, fvi_value *x, int64_t channels)
{
    return node(g, FVI_OP_RESHAPE, 2, x, fvi_graph_add_constant(g, NULL, FV_I64, 1, (int64_t[]){3}, (int64_t[]){IMAGES, channels, -1}));
}

static fvi_value *join(fvi_graph *g, fvi_value *a, fvi_value *b, int64_t axis)
{
    fvi_value *y = node(g, FVI_OP_CONCAT, 2, a, b);
    assert_true(fvi_node_set_int(g, y->producer, "axis", axis) >= 0);
    return y;
}

/* Boxes before scores in the file, as exporters write them. */
static fvi_value *joined(fvi_graph *g, fvi_value *const *box, fvi_value *const *cls, fvi_value **scores)
{
    const int64_t size[2] = {4, CLASSES};
    fvi_value *level[2];
    for (int l = 0; l < 2; l++) level[l] = flat(g, join(g, box[l], cls[l], 1), 4 + CLASSES);
    fvi_node *split = fvi_graph_add_node(g, FVI_OP_SPLIT, NULL, 2, 2);
    split->opset = 17;
    split->in[0] = join(g, level[0], level[1], 2);
    split->in[1] = fvi_graph_add_constant(g, NULL, FV_I64, 1, (int64_t[]){2}, size);
    assert_true(fvi_node_set_int(g, split, "axis", 1) >= 0);
    for (int k = 0; k < 2; k++) split->out[k] = fvi_graph_add_value(g, NULL);
    *scores = split->out[1];
    return split->out[0];
}

static fvi_graph *network(tail kind)
{
    fvi_graph *g = NULL;
    fv_error err;
    seed = 7;
    assert_int_equal(fvi_graph_create(&g, &err), FV_OK);
    g->opset = 17;
    fvi_value *x = fvi_graph_add_value(g, "x"), *map[2], *box[2], *cls[2];
    x->dtype = FV_F32, x->rank = 4, x->is_input = true;
    memcpy(x->dim, (int64_t[]){IMAGES, 3, 8, 8}, 4 * sizeof(int64_t));
    map[0] = conv(g, x, 8, 3, 3, 1);
    map[1] = conv(g, map[0], 8, 8, 3, 2);
    for (int l = 0; l < 2; l++) {
        fvi_value *stem = conv(g, map[l], 8, 8, 3, 1);
        box[l] = conv(g, stem, 4, 8, 1, 1);
        cls[l] = conv(g, kind == SHARED_STEM ? stem : map[l], CLASSES, 8, 1, 1);
    }
    float stride[ANCHORS];
    for (int i = 0; i < ANCHORS; i++) stride[i] = i < CELLS0 ? 8.0f : 16.0f;
    fvi_value *boxes, *scores;
    if (kind == JOINED) {
        boxes = joined(g, box, cls, &scores);
    } else {
        boxes = join(g, flat(g, box[0], 4), flat(g, box[1], 4), 2);
        scores = join(g, flat(g, cls[0], CLASSES), flat(g, cls[1], CLASSES), 2);
    }
    if (kind == ACROSS_ANCHORS) {
        boxes = node(g, FVI_OP_SOFTMAX, 1, boxes);
        assert_true(fvi_node_set_int(g, boxes->producer, "axis", 2) >= 0);
    }
    boxes = node(g, FVI_OP_MUL, 2, boxes, fvi_graph_add_constant(g, NULL, FV_F32, 3, (int64_t[]){1, 1, ANCHORS}, stride));
    fvi_value *out = join(g, boxes, node(g, FVI_OP_SIGMOID, 1, scores), 1);
    out->is_output = true;
    g->inputs = fvi_arena_array(g->arena, 1, sizeof *g->inputs);
    g->outputs = fvi_arena_array(g->arena, 1, sizeof *g->outputs);
    g->inputs[0] = x, g->outputs[0] = out;
    g->n_inputs = g->n_outputs = 1;
    assert_int_equal(fvi_graph_relink(g, &err), FV_OK);
    assert_int_equal(fvi_graph_infer(g, &err), FV_OK);
    return g;
}

typedef struct bed {
    fvi_graph *g;
    fvi_plan *plan;
    fvi_lazy *lazy;
    fvi_backend_env env;
    float full[IMAGES][COLUMNS][ANCHORS], got[IMAGES][COLUMNS][ANCHORS];
} bed;

static void fill_input(bed *b)
{
    float data[IMAGES * 3 * 64];
    seed = 99;
    for (size_t i = 0; i < sizeof data / sizeof *data; i++) data[i] = uniform();
    fvi_tensor from = fvi_tensor_over(data, FV_F32, 4, b->g->inputs[0]->dim);
    fvi_tensor_copy(&b->plan->tensor[b->g->inputs[0]->id], &from);
}

static void read_output(const bed *b, void *to)
{
    fvi_tensor t = fvi_tensor_over(to, FV_F32, 3, (int64_t[]){IMAGES, COLUMNS, ANCHORS});
    fvi_tensor_copy(&t, &b->plan->tensor[b->g->outputs[0]->id]);
}

static void open_bed_of(bed *b, tail kind)
{
    fv_error err;
    memset(b, 0, sizeof *b);
    b->env.cpu = fvi_cpu_detect();
    b->g = network(kind);
    assert_int_equal(fvi_lazy_find(&b->lazy, b->g, &err), FV_OK);
    assert_non_null(b->lazy);
    assert_int_equal(fvi_plan_create(&b->plan, b->g, fvi_backend_cpu(), &b->env, false, &err), FV_OK);
    assert_int_equal(fvi_lazy_bind(b->lazy, b->plan, &err), FV_OK);
    fill_input(b);
    fvi_lazy_run(b->lazy, b->plan, NULL); /* nothing wanted yet: everything */
    assert_int_equal(b->lazy->active, 3);
    read_output(b, b->full);
}

static void open_bed(bed *b) { open_bed_of(b, PLAIN); }

static void close_bed(bed *b)
{
    fvi_lazy_free(&b->lazy);
    fvi_plan_free(&b->plan);
    fvi_graph_free(&b->g);
}

static float best(const bed *b, int from, int to, int class_id)
{
    float most = 0;
    for (int n = 0; n < IMAGES; n++)
        for (int c = 0; c < CLASSES; c++)
            for (int a = from; a < to; a++)
                if (class_id < 0 || class_id == c) most = fmaxf(most, b->full[n][4 + c][a]);
    return most;
}

/* Every anchor with a score over conf has the columns of a full run; returns how many. */
static int compare(bed *b, float conf, int class_id)
{
    int passed = 0;
    read_output(b, b->got);
    for (int n = 0; n < IMAGES; n++)
        for (int a = 0; a < ANCHORS; a++) {
            bool any = false;
            for (int c = 0; c < CLASSES; c++) any = any || ((class_id < 0 || c == class_id) && b->full[n][4 + c][a] > conf);
            passed += any;
            for (int c = 0; c < COLUMNS; c++)
                if (any || c >= 4) assert_memory_equal(&b->got[n][c][a], &b->full[n][c][a], sizeof(float));
        }
    return passed;
}

static void wreck_boxes(bed *b)
{
    const fvi_tensor *t = &b->plan->tensor[b->g->outputs[0]->id];
    for (int n = 0; n < IMAGES; n++)
        for (int a = 0; a < ANCHORS; a++)
            for (int c = 0; c < 4; c++) ((float *)(void *)t->data)[n * t->stride[0] + c * t->stride[1] + a * t->stride[2]] = -1e30f;
}

static void run(bed *b, float conf, const uint8_t *keep)
{
    wreck_boxes(b);
    fill_input(b);
    fvi_lazy_want(b->lazy, conf, keep);
    fvi_lazy_run(b->lazy, b->plan, NULL);
}

static void a_level_where_nothing_passes_is_left_out(void **state)
{
    (void)state;
    bed b;
    open_bed(&b);
    float top[2] = {best(&b, 0, CELLS0, -1), best(&b, CELLS0, ANCHORS, -1)};
    int better = top[1] > top[0];
    float between = (top[0] + top[1]) / 2;
    assert_true(fabsf(top[0] - top[1]) > 1e-3f * between);
    run(&b, between, NULL);
    assert_int_equal(b.lazy->active, 1u << better);
    assert_true(compare(&b, between, -1) > 0);
    /* one cell: the convolutions run on a part of its map */
    run(&b, top[better] - 1e-4f, NULL);
    assert_true(compare(&b, top[better] - 1e-4f, -1) >= 1);
    int partial = 0;
    for (int i = 0; i < b.g->n_nodes; i++) partial += b.lazy->rings[i] >= 0;
    assert_int_equal(partial, 4); /* two convolutions a level */
    run(&b, 0.3f, NULL);
    assert_int_equal(b.lazy->active, 3);
    assert_true(compare(&b, 0.3f, -1) > 20);
    close_bed(&b);
}

static void nothing_over_the_threshold_is_said(void **state)
{
    (void)state;
    bed b;
    open_bed(&b);
    float most = best(&b, 0, ANCHORS, -1);
    run(&b, most + (1 - most) / 2, NULL);
    assert_int_equal(b.lazy->active, 0);
    run(&b, most, NULL); /* not over it, but within the slack: looked at */
    assert_true(b.lazy->active != 0);
    close_bed(&b);
}

static void only_wanted_classes_count(void **state)
{
    (void)state;
    bed b;
    open_bed(&b);
    for (int c = 0; c < CLASSES; c++) {
        uint8_t keep[CLASSES] = {0};
        float most = best(&b, 0, ANCHORS, c);
        keep[c] = 1;
        run(&b, most + 0.01f, keep);
        assert_int_equal(b.lazy->active, 0);
        run(&b, most - 0.01f, keep);
        assert_true(b.lazy->active != 0);
        assert_true(compare(&b, most - 0.01f, c) > 0);
    }
    run(&b, 0.01f, (const uint8_t[CLASSES]){0});
    assert_int_equal(b.lazy->active, 0);
    close_bed(&b);
}

static void broken_numbers_are_looked_at(void **state)
{
    (void)state;
    bed b;
    open_bed(&b);
    fvi_lazy_want(b.lazy, 0.999f, NULL);
    const fvi_tensor *x = &b.plan->tensor[b.g->inputs[0]->id];
    ((float *)(void *)x->data)[0] = NAN;
    fvi_lazy_run(b.lazy, b.plan, NULL);
    assert_true(b.lazy->active & 1);
    close_bed(&b);
}

/* Boxes and scores of a level in one Concat, as older exporters join them. */
static void the_older_form_is_the_same_network(void **state)
{
    (void)state;
    bed b, older;
    open_bed(&b);
    open_bed_of(&older, JOINED);
    assert_memory_equal(older.full, b.full, sizeof b.full);
    float most = best(&b, 0, ANCHORS, -1);
    run(&older, most - 1e-4f, NULL);
    assert_true(older.lazy->active != 0 && older.lazy->active != 3);
    assert_true(compare(&older, most - 1e-4f, -1) >= 1);
    close_bed(&b);
    close_bed(&older);
}

static void a_tail_that_mixes_anchors_is_not_lazy(void **state)
{
    (void)state;
    fv_error err;
    fvi_graph *g = network(ACROSS_ANCHORS);
    fvi_lazy *l = NULL;
    assert_int_equal(fvi_lazy_find(&l, g, &err), FV_OK);
    assert_null(l);
    fvi_graph_free(&g);
}

/* What scores need as well always runs; the order stays one that verify accepts. */
static void only_what_boxes_alone_need_waits(void **state)
{
    (void)state;
    fv_error err;
    for (int shared = 0; shared < 2; shared++) {
        fvi_graph *g = network(shared ? SHARED_STEM : PLAIN);
        fvi_lazy *l = NULL;
        int of_level[2] = {0};
        assert_int_equal(fvi_lazy_find(&l, g, &err), FV_OK);
        assert_non_null(l);
        assert_int_equal(fvi_graph_verify(g, &err), FV_OK);
        for (int i = 0; i < g->n_nodes; i++)
            for (int k = 0; k < 2; k++) of_level[k] += l->need[i] == 1u << k;
        assert_int_equal(of_level[0], shared ? 2 : 3); /* convolutions and a Reshape */
        assert_int_equal(of_level[1], of_level[0]);
        fvi_lazy_free(&l);
        fvi_graph_free(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_level_where_nothing_passes_is_left_out), cmocka_unit_test(nothing_over_the_threshold_is_said),
        cmocka_unit_test(only_wanted_classes_count),                cmocka_unit_test(broken_numbers_are_looked_at),
        cmocka_unit_test(a_tail_that_mixes_anchors_is_not_lazy),       cmocka_unit_test(only_what_boxes_alone_need_waits),
        cmocka_unit_test(the_older_form_is_the_same_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
