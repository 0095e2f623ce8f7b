/* test_bytes.c: quantised graphs on floats and on bytes (rewrite/bytes.c), run by the CPU backend at every level: the results agree to rounding, which
 * now and then is one step of a byte; threads and batches change no bit; stored graphs run the same. */
#include "unit/model_graph/build.h"
#include "backend/cpu/eval.h"
#include "kern/qconv.h"
#include "model/graph/store.h"
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

static int count_op(const fvi_graph *g, fvi_op op)
{
    int n = 0;
    for (int i = 0; i < g->n_nodes; i++) n += g->nodes[i]->op == op;
    return n;
}

/* Scales and zero points: s_NAME, z_NAME. */
static void levels(fvi_graph *g, const char *name, fv_dtype type, float scale, int zero)
{
    char text[32];
    const uint8_t z = (uint8_t)zero;
    snprintf(text, sizeof text, "s_%s", name);
    assert_non_null(fvi_graph_add_constant(g, text, FV_F32, 0, NULL, &scale));
    snprintf(text, sizeof text, "z_%s", name);
    assert_non_null(fvi_graph_add_constant(g, text, type, 0, NULL, &z));
}

static void pair(fvi_graph *g, const char *in, const char *out, const char *name)
{
    char text[96], middle[48];
    snprintf(middle, sizeof middle, "q_%s", out);
    snprintf(text, sizeof text, "%s s_%s z_%s", in, name, name);
    b_node(g, FVI_OP_QUANTIZE_LINEAR, text, middle);
    snprintf(text, sizeof text, "%s s_%s z_%s", middle, name, name);
    b_node(g, FVI_OP_DEQUANTIZE_LINEAR, text, out);
}

/* Weights [m,c,k,k] of bytes with a scale a channel, bias of floats. */
static fvi_node *conv(fvi_graph *g, const char *in, const char *out, int64_t m, int64_t c, int64_t k, fv_dtype type)
{
    char w[48], s[48], z[48], f[48], b[48], text[256];
    snprintf(w, sizeof w, "w_%s", out), snprintf(s, sizeof s, "ws_%s", out), snprintf(z, sizeof z, "wz_%s", out), snprintf(f, sizeof f, "wf_%s", out), snprintf(b, sizeof b, "b_%s", out);
    uint8_t *bytes = malloc((size_t)(m * c * k * k)), zero[64];
    float scale[64], bias[64];
    for (int64_t i = 0; i < m * c * k * k; i++) bytes[i] = (uint8_t)((int)(rnd() * 127) + (type == FV_U8 ? 128 : 0));
    for (int i = 0; i < m; i++) scale[i] = 0.004f * (rnd() + 1.5f), bias[i] = rnd() * 0.3f, zero[i] = type == FV_U8 ? 128 : 0;
    assert_non_null(fvi_graph_add_constant(g, w, type, DIMS(m, c, k, k), bytes));
    assert_non_null(fvi_graph_add_constant(g, s, FV_F32, DIMS(m), scale));
    assert_non_null(fvi_graph_add_constant(g, z, type, DIMS(m), zero));
    assert_non_null(fvi_graph_add_constant(g, b, FV_F32, DIMS(m), bias));
    free(bytes);
    snprintf(text, sizeof text, "%s %s %s", w, s, z);
    fvi_node_set_int(g, b_node(g, FVI_OP_DEQUANTIZE_LINEAR, text, f), "axis", 0);
    snprintf(text, sizeof text, "%s %s %s", in, f, b);
    fvi_node *n = b_node(g, FVI_OP_CONV, text, out);
    assert_int_equal(fvi_node_set_ints(g, n, "pads", (int64_t[]){k / 2, k / 2, k / 2, k / 2}, 4), FV_OK);
    return n;
}

static void silu(fvi_graph *g, const char *in, const char *out)
{
    char text[96], gate[48];
    snprintf(gate, sizeof gate, "gate_%s", out);
    b_node(g, FVI_OP_SIGMOID, in, gate);
    snprintf(text, sizeof text, "%s %s", in, gate);
    b_node(g, FVI_OP_MUL, text, out);
}

/* Output 0 of g, dense; owned. */
static float *run(const fvi_graph *g, fvi_cpu_flags cpu, int threads, int first, int64_t *count)
{
    fv_error err = {0};
    fvi_pool *pool = NULL;
    assert_int_equal(fvi_pool_create(&pool, threads, NULL), FV_OK);
    fvi_backend_env env = {.cpu = cpu, .pool = pool};
    fvi_plan *p = NULL;
    if (fvi_plan_create(&p, g, fvi_backend_cpu(), &env, false, &err) < 0) fail_msg("%s", err.text);
    const fvi_value *v = g->inputs[0], *y = g->outputs[0];
    const int64_t n = fvi_value_count(v), one = n / v->dim[0];
    float *data = malloc((size_t)n * sizeof *data);
    for (int64_t k = 0; k < n; k++) {
        if (k % one == 0) seed = (uint32_t)(first + k / one + 1);
        data[k] = rnd();
    }
    fvi_tensor dense = fvi_tensor_over(data, v->dtype, v->rank, v->dim);
    fvi_tensor_copy(&p->tensor[v->id], &dense);
    free(data);
    fvi_plan_run(p, NULL);
    fvi_plan_run(p, NULL); /* buffers hold what the first run left */
    *count = fvi_value_count(y);
    float *out = malloc((size_t)*count * sizeof *out);
    dense = fvi_tensor_over(out, y->dtype, y->rank, y->dim);
    fvi_tensor_copy(&dense, &p->tensor[y->id]);
    fvi_plan_free(&p);
    fvi_pool_free(&pool);
    return out;
}

static void same_bits(const fvi_graph *g, fvi_cpu_flags cpu, int threads, const float *want)
{
    int64_t count;
    float *got = run(g, cpu, threads, 0, &count);
    assert_memory_equal(got, want, (size_t)count * sizeof *got);
    free(got);
}

static void check_batch(const fvi_graph *g, fvi_cpu_flags cpu)
{
    char obstacle[256];
    fvi_graph *big = NULL;
    int64_t count, all;
    assert_int_equal(fvi_graph_clone(&big, g, NULL), FV_OK);
    if (fvi_rewrite_rebatch(big, 3, obstacle, sizeof obstacle, NULL) < 0) fail_msg("%s", obstacle);
    float *batch = run(big, cpu, 1, 0, &all);
    for (int i = 0; i < 3; i++) {
        float *one = run(g, cpu, 1, i, &count);
        assert_int_equal(all, 3 * count);
        assert_memory_equal(batch + i * count, one, (size_t)count * sizeof *one);
        free(one);
    }
    free(batch);
    fvi_graph_free(&big);
}

typedef struct blob {
    char *data;
    size_t size;
} blob;

static uint64_t place(void *user, const fvi_value *v)
{
    blob *b = user;
    const size_t bytes = (size_t)fvi_value_count(v) * fv_dtype_size(v->dtype), at = b->size;
    memcpy(b->data + at, v->constant, bytes);
    b->size = (at + bytes + FVI_ALIGN - 1) / FVI_ALIGN * FVI_ALIGN;
    return at;
}

static void check_stored(const fvi_graph *g, fvi_cpu_flags cpu, const float *want)
{
    fvi_str text = {0};
    fvi_graph *back = NULL;
    fv_error err = {0};
    blob b = {.data = fvi_alloc(1 << 20)};
    fvi_graph_store(g, &text, place, &b);
    fvi_bytes in = {(const uint8_t *)text.s, text.len, false};
    if (fvi_graph_restore(&back, &in, (const uint8_t *)b.data, b.size, false, NULL, &err) < 0) fail_msg("%s", err.text);
    same_bits(back, cpu, 1, want);
    fvi_graph_free(&back);
    fvi_str_free(&text);
    fvi_free(b.data);
}

/* Frees g. So many convolutions must be of bytes, and so many conversions left (QuantizeLinear, DequantizeLinear, tables, FakeQuant). */
static void same_results(fvi_graph *g, int convs, int conversions)
{
    fv_error err = {0};
    fvi_graph *floats = NULL, *bytes = NULL;
    fvi_backend_env env = {.cpu = FVI_CPU_C};
    int64_t n, count;
    b_settle(g);
    assert_int_equal(fvi_graph_clone(&floats, g, &err), FV_OK);
    assert_int_equal(fvi_graph_clone(&bytes, g, &err), FV_OK);
    if (fvi_rewrite_all(floats, fvi_cpu_eval, &env, &err) < 0) fail_msg("%s", err.text);
    if (fvi_rewrite_all_bytes(bytes, fvi_cpu_eval, &env, NULL, NULL, &err) < 0) fail_msg("%s", err.text);
    const int left = count_op(bytes, FVI_OP_QUANTIZE_LINEAR) + count_op(bytes, FVI_OP_DEQUANTIZE_LINEAR) + count_op(bytes, FVI_OP_QUANT_TABLE) + count_op(bytes, FVI_OP_FAKE_QUANT);
    if (count_op(bytes, FVI_OP_QUANT_CONV) != convs || left != conversions) {
        fvi_str s = {0};
        fvi_graph_dump(bytes, &s);
        fail_msg("%d convolutions and %d conversions wanted:\n%s", convs, conversions, s.s);
    }
    float *want = run(floats, FVI_CPU_C, 1, 0, &n), largest = 0;
    for (int64_t i = 0; i < n; i++) largest = fmaxf(largest, fabsf(want[i]));
    assert_true(largest > 0.1f);
    const fvi_cpu_flags level[] = {FVI_CPU_C, FVI_CPU_C | (fvi_cpu_detect() & FVI_CPU_AVX2), fvi_cpu_detect()};
    for (int k = 0; k < 3; k++) {
        float *got = run(bytes, level[k], 1, 0, &count);
        int far = 0;
        assert_int_equal(count, n);
        for (int64_t i = 0; i < n; i++) {
            const float d = fabsf(got[i] - want[i]);
            far += d > 1e-5f * largest;
            if (!(d <= 0.05f * largest)) fail_msg("element %d is %g, not %g", (int)i, (double)got[i], (double)want[i]);
        }
        if (far > (int)(n / 50)) fail_msg("%d of %d elements differ by more than rounding", far, (int)n);
        same_bits(bytes, level[k], 3, got);
        check_batch(bytes, level[k]);
        check_stored(bytes, level[k], got);
        free(got);
    }
    free(want);
    fvi_graph_free(&floats);
    fvi_graph_free(&bytes);
    fvi_graph_free(&g);
}

static fvi_graph *picture(void)
{
    fvi_graph *g = b_graph(13);
    b_input(g, "image", FV_F32, DIMS(1, 3, 22, 18));
    levels(g, "x", FV_U8, 1 / 128.0f, 131);
    levels(g, "a", FV_U8, 0.011f, 24);
    levels(g, "b", FV_I8, 0.017f, 3);
    levels(g, "c", FV_U8, 0.013f, 90);
    pair(g, "image", "x", "x");
    return g;
}

/* What YOLO's blocks are made of: a split, a residual, a Concat with one scale, a pool, doubling; the last layer in float. */
static void test_block(void **state)
{
    (void)state;
    fvi_graph *g = picture();
    fvi_node_set_ints(g, conv(g, "x", "stem", 16, 3, 3, FV_I8), "strides", (int64_t[]){2, 2}, 2);
    silu(g, "stem", "t");
    pair(g, "t", "a", "a");
    fvi_node *split = fvi_graph_add_node(g, FVI_OP_SPLIT, "split", 1, 2);
    split->opset = 13;
    split->in[0] = fvi_graph_find(g, "a");
    split->out[0] = fvi_graph_add_value(g, "left"), split->out[1] = fvi_graph_add_value(g, "right");
    fvi_node_set_int(g, split, "axis", 1);
    conv(g, "right", "inner", 12, 8, 3, FV_U8);
    silu(g, "inner", "inner_t");
    pair(g, "inner_t", "inner_q", "b");
    conv(g, "inner_q", "outer", 8, 12, 3, FV_I8);
    silu(g, "outer", "outer_t");
    b_node(g, FVI_OP_ADD, "right outer_t", "sum");
    pair(g, "sum", "sum_q", "a");
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "left right sum_q", "all"), "axis", 1);
    fvi_node *pool = b_node(g, FVI_OP_MAX_POOL, "all", "pooled");
    fvi_node_set_ints(g, pool, "kernel_shape", (int64_t[]){5, 5}, 2);
    fvi_node_set_ints(g, pool, "pads", (int64_t[]){2, 2, 2, 2}, 4);
    conv(g, "pooled", "wide", 24, 24, 1, FV_I8);
    b_node(g, FVI_OP_RELU, "wide", "wide_r");
    pair(g, "wide_r", "wide_q", "c");
    float *s = (float *)b_fill(g, "twice", 1, DIMS(4))->constant;
    s[2] = s[3] = 2;
    fvi_node *up = b_node(g, FVI_OP_RESIZE, "wide_q - twice", "up");
    b_string_attr(g, up, "coordinate_transformation_mode", "asymmetric");
    b_string_attr(g, up, "nearest_mode", "floor");
    conv(g, "up", "y", 5, 24, 3, FV_I8);
    b_output(g, "y");
    same_results(g, 5, 1);
}

/* A pair right behind a convolution: the activation is a table of bytes; operands of a Concat with other levels go from bytes to bytes; a map that
 * floats read too. */
static void test_tables(void **state)
{
    (void)state;
    fvi_graph *g = picture();
    conv(g, "x", "one", 20, 3, 3, FV_I8);
    pair(g, "one", "one_q", "c");
    silu(g, "one_q", "one_t");
    pair(g, "one_t", "a", "a");
    conv(g, "a", "two", 20, 20, 1, FV_I8);
    silu(g, "two", "two_t");
    pair(g, "two_t", "two_q", "b");
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "a two_q", "both"), "axis", 1);
    pair(g, "both", "both_q", "c");
    fvi_node_set_int(g, conv(g, "both_q", "three", 40, 1, 3, FV_I8), "group", 40);
    silu(g, "three", "three_t");
    pair(g, "three_t", "three_q", "b");
    conv(g, "three_q", "four", 40, 40, 1, FV_I8);
    b_node(g, FVI_OP_MUL, "four both_q", "y");
    b_output(g, "y");
    same_results(g, 4, 4);
}

/* Weights that are not quantised, a zero point of weights, an input without a pair: floats, as before. */
static void test_floats_stay(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        fvi_graph *g = picture(), *r = NULL;
        fvi_backend_env env = {.cpu = FVI_CPU_C};
        fvi_kept *kept = NULL;
        int n_kept = 0;
        conv(g, k == 2 ? "image" : "x", "y", 8, 3, 3, FV_I8);
        if (k == 0) ((int8_t *)(uintptr_t)fvi_graph_find(g, "wz_y")->constant)[3] = 1;
        if (k == 1) {
            b_fill(g, "plain", 0.1f, DIMS(8, 3, 3, 3));
            g->nodes[g->n_nodes - 1]->in[1] = fvi_graph_find(g, "plain");
        }
        b_output(g, "y");
        b_settle(g);
        assert_int_equal(fvi_graph_clone(&r, g, NULL), FV_OK);
        assert_int_equal(fvi_rewrite_all_bytes(r, fvi_cpu_eval, &env, &kept, &n_kept, NULL), FV_OK);
        assert_int_equal(count_op(r, FVI_OP_QUANT_CONV), 0);
        assert_int_equal(n_kept, 1);
        static const char *const why[] = {"the scales or zero points of its weights are not one for each output channel and symmetric", "its weights are not quantised",
                                          "its input is not quantised to 8 bits"};
        assert_string_equal(kept[0].why, why[k]);
        fvi_graph_free(&r);
        fvi_graph_free(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_block), cmocka_unit_test(test_tables), cmocka_unit_test(test_floats_stay)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
