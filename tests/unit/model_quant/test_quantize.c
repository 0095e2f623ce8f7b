/* test_quantize.c: a small network with all that a detector has (split, residual, concat, pool, upsampling, head), calibrated, quantised,
 * read and run again; caches that are reused, refused, damaged; inputs that cannot be used. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "base/alloc.h"
#include "base/file.h"
#include "model/engine/engine.h"
#include "model/onnx/onnx.h"
#include "model/onnx/write.h"
#include <fovea/quantize.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 16 };
static uint32_t seed = 3;
static float uniform(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / (float)(1 << 23) - 1;
}

static fvi_value *node(fvi_graph *g, fvi_op op, const char *name, int n, ...)
{
    va_list ap;
    fvi_node *x = fvi_graph_add_node(g, op, name, n, 1);
    va_start(ap, n);
    for (int i = 0; i < n; i++) x->in[i] = va_arg(ap, fvi_value *);
    va_end(ap);
    x->out[0] = fvi_graph_add_value(g, NULL);
    x->out[0]->producer = x;
    return x->out[0];
}

static fvi_value *conv(fvi_graph *g, const char *name, fvi_value *x, int64_t cout, int64_t cin, int64_t k)
{
    static float w[8192];
    for (int i = 0; i < 8192; i++) w[i] = 1.5f * uniform() / sqrtf((float)(cin * k * k));
    fvi_value *v = fvi_graph_add_constant(g, NULL, FV_F32, 4, (int64_t[]){cout, cin, k, k}, w), *b = fvi_graph_add_constant(g, NULL, FV_F32, 1, &cout, w + 64);
    fvi_value *y = node(g, FVI_OP_CONV, name, 3, x, v, b);
    assert_true(fvi_node_set_ints(g, y->producer, "pads", (int64_t[]){k / 2, k / 2, k / 2, k / 2}, 4) >= 0);
    return y;
}

static fvi_value *silu(fvi_graph *g, fvi_value *x) { return node(g, FVI_OP_MUL, NULL, 2, x, node(g, FVI_OP_SIGMOID, NULL, 1, x)); }

/* The bytes are to be freed after the model. */
static uint8_t *make_network(size_t *size, bool broken)
{
    fvi_graph *g = NULL;
    fv_error err = {0};
    uint8_t *bytes;
    assert_true(fvi_graph_create(&g, &err) == FV_OK);
    g->opset = 17;
    g->ir_version = 8;
    fvi_value *x = fvi_graph_add_value(g, "images");
    x->is_input = true;
    x->dtype = FV_F32;
    x->rank = 4;
    memcpy(x->dim, (int64_t[]){1, 3, SIDE, SIDE}, sizeof(int64_t) * 4);
    g->inputs = fvi_arena_array(g->arena, 1, sizeof *g->inputs);
    g->outputs = fvi_arena_array(g->arena, 1, sizeof *g->outputs);
    g->inputs[g->n_inputs++] = x;
    fvi_value *a = silu(g, conv(g, "stem", x, 16, 3, 3));
    if (broken) a = node(g, FVI_OP_LOG, NULL, 1, a); /* of negative numbers */
    fvi_value *b = silu(g, conv(g, "mid", a, 16, 16, 3)), *c = node(g, FVI_OP_ADD, NULL, 2, a, b);
    fvi_value *p = node(g, FVI_OP_MAX_POOL, NULL, 1, c);
    assert_true(fvi_node_set_ints(g, p->producer, "kernel_shape", (int64_t[]){3, 3}, 2) >= 0 && fvi_node_set_ints(g, p->producer, "pads", (int64_t[]){1, 1, 1, 1}, 4) >= 0);
    fvi_value *j = node(g, FVI_OP_CONCAT, NULL, 2, c, p);
    assert_true(fvi_node_set_int(g, j->producer, "axis", 1) >= 0);
    fvi_value *h = silu(g, conv(g, "neck", j, 16, 32, 1)), *y = node(g, FVI_OP_SIGMOID, NULL, 1, conv(g, "head", h, 5, 16, 1));
    y->is_output = true;
    y->name = fvi_arena_strdup(g->arena, "scores");
    g->outputs[g->n_outputs++] = y;
    if (fvi_graph_relink(g, &err) < 0 || fvi_graph_infer(g, &err) < 0 || fvi_onnx_write_memory(&bytes, size, g, NULL, &err) < 0) fail_msg("%s", err.text);
    fvi_graph_free(&g);
    return bytes;
}

typedef struct setup {
    fv_context *ctx;
    fv_model *model;
    uint8_t *bytes;
    float input[3 * SIDE * SIDE];
} setup;

static setup open_network(bool broken)
{
    setup s = {0};
    fv_error err = {0};
    size_t size;
    s.bytes = make_network(&size, broken);
    if (fv_context_create(&s.ctx, FV_CONTEXT_OPTIONS(.threads = 2), &err) < 0) fail_msg("%s", err.text);
    if (fv_model_load_memory(&s.model, s.ctx, s.bytes, size, NULL, &err) < 0) fail_msg("%s", err.text);
    return s;
}

static void close_network(setup *s)
{
    fv_model_free(&s->model);
    fv_context_free(&s->ctx);
    fvi_free(s->bytes);
}

static fv_tensor picture(setup *s)
{
    for (int i = 0; i < 3 * SIDE * SIDE; i++) s->input[i] = (uniform() + 1) / 2;
    return (fv_tensor){.dtype = FV_F32, .rank = 4, .dim = {1, 3, SIDE, SIDE}, .data = s->input};
}

static fv_calibration *calibrate(setup *s, int pictures, int symmetric)
{
    fv_calibration *c;
    fv_error err = {0};
    seed = 77;
    if (fv_calibration_create(&c, s->ctx, s->model, FV_CALIBRATION_OPTIONS(.symmetric = symmetric), &err) < 0) fail_msg("%s", err.text);
    for (int i = 0; i < pictures; i++) {
        fv_tensor t = picture(s);
        if (fv_calibration_add(c, &t, 1, &err) < 0) fail_msg("%s", err.text);
    }
    assert_int_equal(fv_calibration_inputs(c), pictures);
    return c;
}

static void run_model(fv_model *m, const float *in, float *out)
{
    fv_session *s;
    fv_error err = {0};
    fv_tensor t = {.dtype = FV_F32, .rank = 4, .dim = {1, 3, SIDE, SIDE}, .data = (void *)(uintptr_t)in}, y = {.dtype = FV_F32, .rank = 4, .dim = {1, 5, SIDE, SIDE}, .data = out};
    if (fv_session_create(&s, m, NULL, &err) < 0 || fv_session_set_input(s, 0, &t, &err) < 0 || fv_session_run(s) < 0 || fv_session_get_output(s, 0, &y, &err) < 0) fail_msg("%s", err.text);
    fv_session_free(&s);
}

static double difference(setup *s, const fv_quantized *q)
{
    static float want[5 * SIDE * SIDE], got[5 * SIDE * SIDE];
    const void *bytes;
    size_t size;
    fv_model *m;
    fv_error err = {0};
    fv_quantized_bytes(q, &bytes, &size);
    if (fv_model_load_memory(&m, s->ctx, bytes, size, NULL, &err) < 0) fail_msg("%s", err.text);
    picture(s);
    run_model(s->model, s->input, want);
    run_model(m, s->input, got);
    fv_model_free(&m);
    double worst = 0;
    for (int i = 0; i < 5 * SIDE * SIDE; i++) worst = fmax(worst, fabs((double)want[i] - (double)got[i]));
    return worst;
}

static void test_whole(void **state)
{
    (void)state;
    setup s = open_network(false);
    for (int symmetric = 0; symmetric < 2; symmetric++) {
        static const char *const observers[] = {"auto", "minmax", "percentile", "entropy", "mse"};
        fv_calibration *c = calibrate(&s, 20, symmetric);
        for (size_t o = 0; o < 5; o++) {
            fv_quantized *q;
            fv_error err = {0};
            if (fv_quantized_create(&q, c, FV_QUANTIZE_OPTIONS(.observer = observers[o]), &err) < 0) fail_msg("%s", err.text);
            double d = difference(&s, q);
            if (!(d > 1e-6 && d < 0.05)) fail_msg("%s: scores differ by %g", observers[o], d);
            fv_quantized_layer_info l;
            for (int i = 0; i < 4; i++) {
                assert_int_equal(fv_quantized_layer(q, i, &l), FV_OK);
                assert_int_equal(l.quantised, i < 3); /* the head's end is float */
                assert_true(l.quantised ? l.sqnr_db > 20 && !l.why[0] : l.why[0]);
                if (o && l.quantised) assert_string_equal(l.observer, observers[o]);
            }
            assert_string_equal(l.name, "head");
            assert_int_equal(fv_quantized_layer(q, 4, &l), FV_END);
            fv_quantized_free(&q);
        }
        fv_calibration_free(&c);
    }
    close_network(&s);
}

static int count_op(const void *bytes, size_t size, fvi_op op)
{
    fvi_graph *g;
    fv_error err = {0};
    int n = 0;
    if (fvi_onnx_import(&g, bytes, size, NULL, &err) < 0) fail_msg("%s", err.text);
    for (int i = 0; i < g->n_nodes; i++) n += g->nodes[i]->op == op;
    fvi_graph_free(&g);
    return n;
}

static void test_pairs_and_float_layers(void **state)
{
    (void)state;
    setup s = open_network(false);
    fv_calibration *c = calibrate(&s, 3, 0);
    fv_quantized *q, *less, *none;
    fv_error err = {0};
    const void *bytes;
    size_t size;
    if (fv_quantized_create(&q, c, NULL, &err) < 0) fail_msg("%s", err.text);
    fv_quantized_bytes(q, &bytes, &size);
    /* images, a (read by mid), a + mid, its pool, their join */
    assert_int_equal(count_op(bytes, size, FVI_OP_QUANTIZE_LINEAR), 5);
    assert_int_equal(count_op(bytes, size, FVI_OP_DEQUANTIZE_LINEAR), 5 + 3);
    const char *off[] = {"neck"};
    if (fv_quantized_create(&less, c, FV_QUANTIZE_OPTIONS(.float_layers = off, .n_float_layers = 1), &err) < 0) fail_msg("%s", err.text);
    fv_quantized_bytes(less, &bytes, &size);
    assert_int_equal(count_op(bytes, size, FVI_OP_QUANTIZE_LINEAR), 2);
    const char *unknown[] = {"nobody"};
    assert_int_equal(fv_quantized_create(&none, c, FV_QUANTIZE_OPTIONS(.float_layers = unknown, .n_float_layers = 1), &err), FV_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "nobody"));
    assert_int_equal(fv_quantized_create(&none, c, FV_QUANTIZE_OPTIONS(.observer = "best"), &err), FV_ERR_ARGUMENT);
    /* what is quantised is not quantised again */
    fv_model *m;
    fv_calibration *again;
    fv_quantized_bytes(q, &bytes, &size);
    if (fv_model_load_memory(&m, s.ctx, bytes, size, NULL, &err) < 0) fail_msg("%s", err.text);
    assert_int_equal(fv_calibration_create(&again, s.ctx, m, NULL, &err), FV_ERR_STATE);
    assert_non_null(strstr(err.text, "already"));
    fv_model_free(&m);
    fv_quantized_free(&less);
    fv_quantized_free(&q);
    fv_calibration_free(&c);
    close_network(&s);
}

static void test_bad_inputs(void **state)
{
    (void)state;
    setup s = open_network(true);
    fv_calibration *c = calibrate(&s, 4, 0);
    fv_quantized *q;
    fv_error err = {0};
    fv_quantized_layer_info l;
    if (fv_quantized_create(&q, c, NULL, &err) < 0) fail_msg("%s", err.text); /* the stem is left: what it reads is fine */
    assert_int_equal(fv_quantized_layer(q, 0, &l), FV_OK);
    assert_true(l.quantised);
    assert_int_equal(fv_quantized_layer(q, 1, &l), FV_OK);
    assert_true(!l.quantised && strstr(l.why, "no number"));
    fv_quantized_free(&q);
    fv_calibration_free(&c);
    c = calibrate(&s, 0, 0);
    assert_int_equal(fv_quantized_create(&q, c, NULL, &err), FV_ERR_STATE); /* nothing was seen */
    for (int i = 0; i < 3 * SIDE * SIDE; i++) s.input[i] = NAN;
    fv_tensor t = {.dtype = FV_F32, .rank = 4, .dim = {1, 3, SIDE, SIDE}, .data = s.input};
    assert_int_equal(fv_calibration_add(c, &t, 1, &err), FV_OK);
    assert_int_equal(fv_quantized_create(&q, c, NULL, &err), FV_ERR_INPUT);
    fv_calibration_free(&c);
    close_network(&s);
}

/* ---- caches ---- */

static void same_bytes(fv_calibration *a, fv_calibration *b)
{
    fv_quantized *p, *q;
    const void *x, *y;
    size_t m, n;
    fv_error err = {0};
    if (fv_quantized_create(&p, a, NULL, &err) < 0 || fv_quantized_create(&q, b, NULL, &err) < 0) fail_msg("%s", err.text);
    fv_quantized_bytes(p, &x, &m);
    fv_quantized_bytes(q, &y, &n);
    assert_int_equal(m, n);
    assert_memory_equal(x, y, n);
    fv_quantized_free(&p);
    fv_quantized_free(&q);
}

static void refuse(setup *s, const char *path, uint64_t data, int symmetric, fv_status want, const char *word)
{
    fv_error err = {0};
    fv_calibration *c = calibrate(s, 0, symmetric);
    fv_status st = fv_calibration_load(c, path, data, &err);
    if (st != want || !strstr(err.text, word)) fail_msg("%d, %s instead of %s", st, err.text, word);
    fv_calibration_free(&c);
}

static void test_cache(void **state)
{
    (void)state;
    setup s = open_network(false), other = open_network(true);
    char path[] = "test_quantize_XXXXXX";
    fv_error err = {0};
    fvi_map map;
    close(mkstemp(path));
    fv_calibration *c = calibrate(&s, 6, 0), *read = calibrate(&s, 0, 0);
    if (fv_calibration_save(c, path, 42, &err) < 0 || fv_calibration_load(read, path, 42, &err) < 0) fail_msg("%s", err.text);
    assert_int_equal(fv_calibration_inputs(read), 6);
    same_bytes(c, read);
    refuse(&s, path, 43, 0, FV_ERR_STATE, "other pictures");
    refuse(&s, path, 42, 1, FV_ERR_STATE, "symmetric");
    refuse(&other, path, 42, 0, FV_ERR_STATE, "another model");
    refuse(&s, "no such file", 42, 0, FV_ERR_INPUT, "no such file");
    /* a flipped bit, a missing end: refused, and the calibration can still be used */
    if (fvi_map_open(&map, path, 1 << 24, &err) < 0) fail_msg("%s", err.text);
    size_t n = map.size;
    char *copy = malloc(n);
    memcpy(copy, map.data, n);
    fvi_map_close(&map);
    fv_calibration *fresh = calibrate(&s, 0, 0);
    for (size_t i = 0; i < n; i += 1 + n / 300) {
        copy[i] ^= (char)(1 << i % 7);
        if (fvi_file_write(path, copy, n, &err) < 0) fail_msg("%s", err.text);
        assert_int_equal(fv_calibration_load(fresh, path, 42, &err), FV_ERR_CONFIG);
        copy[i] ^= (char)(1 << i % 7);
        if (fvi_file_write(path, copy, i, &err) < 0) fail_msg("%s", err.text);
        assert_int_equal(fv_calibration_load(fresh, path, 42, &err), FV_ERR_CONFIG);
    }
    if (fvi_file_write(path, copy, n, &err) < 0 || fv_calibration_load(fresh, path, 42, &err) < 0) fail_msg("%s", err.text);
    same_bytes(c, fresh);
    free(copy);
    fv_calibration_free(&fresh);
    fv_calibration_free(&read);
    fv_calibration_free(&c);
    unlink(path);
    close_network(&other);
    close_network(&s);
}

/* --reduce-range: no weight over 63; such a cache is of no use without it. */
static void test_reduced(void **state)
{
    (void)state;
    setup s = open_network(false);
    char path[] = "test_quantize_XXXXXX";
    fv_calibration *c;
    fv_quantized *q;
    fv_error err = {0};
    const void *bytes;
    size_t size;
    fvi_graph *g;
    int layers = 0;
    close(mkstemp(path));
    if (fv_calibration_create(&c, s.ctx, s.model, FV_CALIBRATION_OPTIONS(.reduce_range = 1), &err) < 0) fail_msg("%s", err.text);
    fv_tensor t = picture(&s);
    if (fv_calibration_add(c, &t, 1, &err) < 0 || fv_quantized_create(&q, c, NULL, &err) < 0 || fv_calibration_save(c, path, 1, &err) < 0) fail_msg("%s", err.text);
    assert_true(difference(&s, q) < 0.1);
    fv_quantized_bytes(q, &bytes, &size);
    if (fvi_onnx_import(&g, bytes, size, NULL, &err) < 0) fail_msg("%s", err.text);
    for (int i = 0; i < g->n_values; i++) {
        const fvi_value *v = g->values[i];
        if (!v->constant || v->dtype != FV_I8 || v->rank != 4) continue;
        int most = 0;
        for (int64_t k = 0; k < fvi_value_count(v); k++) most = abs(((const int8_t *)v->constant)[k]) > most ? abs(((const int8_t *)v->constant)[k]) : most;
        assert_int_equal(most, 63);
        layers++;
    }
    assert_int_equal(layers, 3);
    refuse(&s, path, 1, 0, FV_ERR_STATE, "reduced range");
    fvi_graph_free(&g);
    fv_quantized_free(&q);
    fv_calibration_free(&c);
    unlink(path);
    close_network(&s);
}

/* The same for any number of threads. */
static void test_threads(void **state)
{
    (void)state;
    setup s = open_network(false), one = s;
    fv_error err = {0};
    if (fv_context_create(&one.ctx, FV_CONTEXT_OPTIONS(.threads = 1), &err) < 0) fail_msg("%s", err.text);
    fv_calibration *a = calibrate(&s, 20, 0), *b = calibrate(&one, 20, 0);
    same_bytes(a, b);
    fv_calibration_free(&a);
    fv_calibration_free(&b);
    fv_context_free(&one.ctx);
    close_network(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_pairs_and_float_layers), cmocka_unit_test(test_bad_inputs), cmocka_unit_test(test_cache),
                                       cmocka_unit_test(test_threads), cmocka_unit_test(test_reduced)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
