/* Graphs as they are and rewritten, run by the CPU backend at every level, alone and in a batch: the results agree to
 * rounding, and a batch equals its single runs to the bit. */
#include "unit/model_graph/build.h"
#include "backend/cpu/eval.h"
#include "model/plan/plan.h"
#include "model/rewrite/rewrite.h"
#include <math.h>
#include <stdlib.h>

static uint32_t seed = 5;
static float rnd(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / 8388608.0f - 1;
}

static fvi_value *weights(fvi_graph *g, const char *name, int rank, const int64_t *dim)
{
    fvi_value *v = b_fill(g, name, 0, rank, dim);
    for (int64_t i = 0; i < fvi_value_count(v); i++) ((float *)v->constant)[i] = rnd() * 0.3f;
    return v;
}

/* y = conv(x), weights [m,c,k,k] and a bias of their own */
static fvi_node *conv(fvi_graph *g, const char *in, const char *out, int64_t m, int64_t c, int64_t k)
{
    char w[48], b[48], all[160];
    snprintf(w, sizeof w, "w_%s", out), snprintf(b, sizeof b, "b_%s", out);
    snprintf(all, sizeof all, "%s %s %s", in, w, b);
    weights(g, w, DIMS(m, c, k, k));
    weights(g, b, DIMS(m));
    fvi_node *n = b_node(g, FVI_OP_CONV, all, out);
    assert_int_equal(fvi_node_set_ints(g, n, "pads", (int64_t[]){k / 2, k / 2, k / 2, k / 2}, 4), FV_OK);
    return n;
}

/* Output 0 of g, dense; owned. Each input is a picture of its own seed, image i of a batch that of seed + i. */
static float *run(const fvi_graph *g, fvi_cpu_flags cpu, int first, int64_t *count)
{
    fv_error err = {0};
    fvi_backend_env env = {.cpu = cpu};
    fvi_plan *p = NULL;
    if (fvi_plan_create(&p, g, fvi_backend_cpu(), &env, false, &err) < 0) fail_msg("%s", err.text);
    for (int i = 0; i < g->n_inputs; i++) {
        const fvi_value *v = g->inputs[i];
        const int64_t n = fvi_value_count(v), one = n / v->dim[0];
        float *data = malloc((size_t)n * sizeof *data);
        for (int64_t k = 0; k < n; k++) {
            if (k % one == 0) seed = (uint32_t)(100 * i + first + k / one);
            data[k] = rnd();
        }
        fvi_tensor dense = fvi_tensor_over(data, v->dtype, v->rank, v->dim);
        fvi_tensor_copy(&p->tensor[v->id], &dense);
        free(data);
    }
    fvi_plan_run(p, NULL);
    fvi_plan_run(p, NULL); /* buffers hold what the first run left */
    const fvi_value *y = g->outputs[0];
    *count = fvi_value_count(y);
    float *out = malloc((size_t)*count * sizeof *out);
    fvi_tensor dense = fvi_tensor_over(out, y->dtype, y->rank, y->dim);
    fvi_tensor_copy(&dense, &p->tensor[y->id]);
    fvi_plan_free(&p);
    return out;
}

static void check_batch(const fvi_graph *g, fvi_cpu_flags cpu)
{
    char obstacle[256];
    fvi_graph *big = NULL;
    int64_t count, all;
    assert_int_equal(fvi_graph_clone(&big, g, NULL), FV_OK);
    if (fvi_rewrite_rebatch(big, 3, obstacle, sizeof obstacle, NULL) < 0) fail_msg("%s", obstacle);
    float *batch = run(big, cpu, 0, &all);
    for (int i = 0; i < 3; i++) {
        float *one = run(g, cpu, i, &count);
        assert_int_equal(all, 3 * count);
        assert_memory_equal(batch + i * count, one, (size_t)count * sizeof *one);
        free(one);
    }
    free(batch);
    fvi_graph_free(&big);
}

/* Frees g. The rewritten graph must hold `op` so many times. */
static void same_results(fvi_graph *g, fvi_op op, int times)
{
    fv_error err = {0};
    fvi_graph *r = NULL;
    fvi_backend_env env = {.cpu = FVI_CPU_C};
    int64_t count, n;
    b_settle(g);
    assert_int_equal(fvi_graph_clone(&r, g, &err), FV_OK);
    if (fvi_rewrite_all(r, fvi_cpu_eval, &env, &err) < 0) fail_msg("%s", err.text);
    int found = 0;
    for (int i = 0; i < r->n_nodes; i++) found += r->nodes[i]->op == op;
    assert_int_equal(found, times);
    float *want = run(g, FVI_CPU_C, 0, &n), largest = 0;
    for (int64_t i = 0; i < n; i++) largest = fmaxf(largest, fabsf(want[i]));
    const fvi_cpu_flags levels[] = {FVI_CPU_C, fvi_cpu_detect()};
    for (int k = 0; k < 2; k++) {
        float *got = run(r, levels[k], 0, &count);
        assert_int_equal(count, n);
        for (int64_t i = 0; i < n; i++)
            if (!(fabsf(got[i] - want[i]) <= 1e-5f * largest)) fail_msg("element %d is %g, not %g", (int)i, (double)got[i], (double)want[i]);
        free(got);
        check_batch(r, levels[k]);
    }
    free(want);
    fvi_graph_free(&r);
    fvi_graph_free(&g);
}

static void doubling(fvi_graph *g, const char *in, const char *out)
{
    char text[64];
    snprintf(text, sizeof text, "%s - twice", in);
    if (!fvi_graph_find(g, "twice")) {
        float *s = (float *)b_fill(g, "twice", 1, DIMS(4))->constant;
        s[2] = s[3] = 2;
    }
    fvi_node *n = b_node(g, FVI_OP_RESIZE, text, out);
    b_string_attr(g, n, "coordinate_transformation_mode", "asymmetric");
    b_string_attr(g, n, "nearest_mode", "floor");
}

/* A pyramid's neck: odd numbers of channels, both maps read elsewhere too. */
static void test_neck(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    b_input(g, "x", FV_F32, DIMS(1, 5, 14, 22));
    fvi_node_set_ints(g, conv(g, "x", "a", 19, 5, 3), "strides", (int64_t[]){2, 2}, 2);
    conv(g, "x", "b", 13, 5, 3);
    doubling(g, "a", "up");
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "b up", "cat"), "axis", 1);
    conv(g, "cat", "c", 21, 32, 1);
    b_node(g, FVI_OP_SIGMOID, "c", "s");
    b_node(g, FVI_OP_MUL, "s c", "d");
    b_node(g, FVI_OP_ADD, "d d2", "e"); /* taken as a residual */
    conv(g, "b", "d2", 21, 13, 3);
    conv(g, "e", "y", 3, 21, 3);
    b_output(g, "y");
    same_results(g, FVI_OP_CONV_ADD, 1);
}

static void test_pyramid_of_sums(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    b_input(g, "x", FV_F32, DIMS(1, 6, 8, 12));
    fvi_node_set_ints(g, conv(g, "x", "a", 17, 6, 3), "strides", (int64_t[]){2, 2}, 2);
    doubling(g, "a", "up");
    conv(g, "x", "b", 17, 6, 1);
    b_node(g, FVI_OP_ADD, "up b", "c");
    conv(g, "c", "d", 17, 17, 1);
    b_node(g, FVI_OP_ADD, "d c", "e");
    b_node(g, FVI_OP_RELU, "e", "y");
    b_output(g, "y");
    same_results(g, FVI_OP_CONV_ADD, 1);
}

/* Boxes from bins, both ways they are exported, beside joined class scores. */
static void head(int transposed)
{
    fvi_graph *g = b_graph(13);
    b_input(g, "x", FV_F32, DIMS(1, 5, 6, 8));
    b_ints(g, "box flat", DIMS(1, 4, 16, 48));
    b_ints(g, "box", DIMS(1, 4, 48));
    b_ints(g, "cls", DIMS(1, 3, 48));
    conv(g, "x", "a", 64, 5, 1);
    fvi_node *r = b_node(g, FVI_OP_RESHAPE, "a a", "bins");
    r->in[1] = fvi_graph_find(g, "box flat");
    if (transposed) {
        fvi_node_set_ints(g, b_node(g, FVI_OP_TRANSPOSE, "bins", "t"), "perm", (int64_t[]){0, 3, 1, 2}, 4);
        fvi_node_set_int(g, b_node(g, FVI_OP_SOFTMAX, "t", "p"), "axis", 3);
        fvi_node_set_ints(g, b_node(g, FVI_OP_TRANSPOSE, "p", "s"), "perm", (int64_t[]){0, 3, 2, 1}, 4);
    } else {
        fvi_node_set_ints(g, b_node(g, FVI_OP_TRANSPOSE, "bins", "t"), "perm", (int64_t[]){0, 2, 1, 3}, 4);
        fvi_node_set_int(g, b_node(g, FVI_OP_SOFTMAX, "t", "s"), "axis", 1);
    }
    weights(g, "w", DIMS(1, 16, 1, 1));
    b_node(g, FVI_OP_CONV, "s w", "mean");
    b_node(g, FVI_OP_RESHAPE, "mean box", "sides");
    conv(g, "x", "c", 3, 5, 3);
    conv(g, "x", "d", 3, 5, 1);
    b_node(g, FVI_OP_RESHAPE, "c cls", "rc");
    b_node(g, FVI_OP_RESHAPE, "d cls", "rd");
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "rc rd", "both"), "axis", 1);
    b_node(g, FVI_OP_SIGMOID, "both", "scores");
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "sides scores", "y"), "axis", 1);
    b_output(g, "y");
    same_results(g, FVI_OP_SIGMOID, 0);
}

static void test_head(void **state)
{
    (void)state;
    head(0);
    head(1);
}

/* Bins that lie neither beside each other nor beside their neighbours, and those of planes. */
static void test_means_of_any_layout(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        fvi_graph *g = b_graph(13);
        b_input(g, "x", FV_F32, DIMS(1, 20, 17, 5));
        fvi_node_set_ints(g, b_node(g, FVI_OP_TRANSPOSE, "x", "t"), "perm", k == 0 ? (int64_t[]){0, 2, 3, 1} : k == 1 ? (int64_t[]){0, 2, 1, 3} : (int64_t[]){0, 1, 2, 3}, 4);
        fvi_node_set_int(g, b_node(g, FVI_OP_SOFTMAX, "t", "s"), "axis", 1);
        weights(g, "w", DIMS(1, k == 2 ? 20 : 17, 1, 1));
        b_node(g, FVI_OP_CONV, "s w", "y");
        b_output(g, "y");
        same_results(g, FVI_OP_SOFTMAX_MEAN, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_neck),
        cmocka_unit_test(test_pyramid_of_sums),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_means_of_any_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
