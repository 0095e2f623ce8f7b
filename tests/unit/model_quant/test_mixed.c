/* test_mixed.c: mixed precision: what goes to 16 bits, what stays and why, the file that is written, the rounding of the model that
 * stands for it; and what `auto` makes of models. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "kern/elementwise.h"
#include "model/engine/internal.h"
#include "model/onnx/onnx.h"
#include "small_net.h"
#include <fovea/mixed.h>
#include <fovea/quantize.h>

enum { OUT = 5 * SIDE * SIDE };

typedef struct setup {
    fv_context *ctx;
    fv_model *model;
    uint8_t *bytes;
} setup;

static setup open_net(float gain)
{
    setup s = {0};
    fv_error err = {0};
    size_t size;
    net_seed = 3;
    s.bytes = net_make(&size, gain);
    if (fv_context_create(&s.ctx, FV_CONTEXT_OPTIONS(.threads = 2, .cpu_levels = "c"), &err) < 0) fail_msg("%s", err.text);
    if (fv_model_load_memory(&s.model, s.ctx, s.bytes, size, NULL, &err) < 0) fail_msg("%s", err.text);
    return s;
}

static void close_net(setup *s)
{
    fv_model_free(&s->model);
    fv_context_free(&s->ctx);
    fvi_free(s->bytes);
}

static fv_mixed *finished(setup *s, const fv_mixed_options *o)
{
    fv_mixed *m;
    fv_error err = {0};
    if (fv_mixed_create(&m, s->ctx, s->model, o, &err) < 0 || fv_mixed_finish(m, &err) < 0) fail_msg("%s", err.text);
    return m;
}

/* Why the node stays; "" when it does not. */
static const char *why(const fv_mixed *m, const char *node)
{
    const char *name, *reason;
    for (int i = 0; fv_mixed_node(m, i, &name, NULL, NULL, &reason) == FV_OK; i++)
        if (!strcmp(name, node)) return reason;
    fail_msg("no node %s", node);
    return NULL;
}

static double apart_db(const float *a, const float *b)
{
    double signal = 0, noise = 1e-30;
    for (int i = 0; i < OUT; i++) {
        signal += (double)a[i] * (double)a[i];
        noise += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    }
    return 10 * log10(signal / noise);
}

/* The written file has the types, and the model that rounds is as far from FP32 as such types are. */
static void writes(const char *precision, fv_dtype to, int opset, double least, double most)
{
    setup s = open_net(1.5f);
    static float want[OUT], got[OUT];
    fv_mixed *m = finished(&s, FV_MIXED_OPTIONS(.precision = precision));
    fv_mixed_info info = {.size = sizeof info};
    fv_error err = {0};
    const void *bytes;
    size_t size;
    fvi_graph *g;
    fv_model *rounding, *again;
    assert_int_equal(fv_mixed_get_info(m, &info), FV_OK);
    assert_int_equal(info.low, 12); /* three layers with their activations, the sum, the pool and what joins them */
    assert_int_equal(info.casts, 2); /* the picture down, the last map up */
    assert_string_equal(why(m, "head"), "the last layer before an output");
    fv_mixed_bytes(m, &bytes, &size);
    if (fvi_onnx_import(&g, bytes, size, NULL, &err) < 0) fail_msg("%s", err.text);
    if (g->opset != opset || g->inputs[0]->declared != FV_NONE || g->outputs[0]->declared != FV_NONE) fail_msg("opset %d, input %d, output %d", g->opset, g->inputs[0]->declared, g->outputs[0]->declared);
    int casts = 0;
    for (int i = 0; i < g->n_nodes; i++) casts += g->nodes[i]->op == FVI_OP_CAST;
    assert_int_equal(casts, 2);
    fvi_graph_free(&g);
    if (fv_model_load_memory(&again, s.ctx, bytes, size, NULL, &err) < 0 || fv_mixed_model(m, &rounding, &err) < 0) fail_msg("%s", err.text);
    net_run(s.model, 9, want);
    net_run(rounding, 9, got);
    const double db = apart_db(want, got);
    if (!(db > least && db < most && info.sqnr_db > least && info.sqnr_db < most)) fail_msg("%s is %g and %g dB from FP32", precision, db, info.sqnr_db);
    net_run(again, 9, got); /* weights alone are rounded here */
    assert_true(apart_db(want, got) > db);
    (void)to;
    fv_model_free(&again);
    fv_model_free(&rounding);
    fv_mixed_free(&m);
    close_net(&s);
}

static void fp16_is_written(void **state)
{
    (void)state;
    writes("fp16", FV_F16, 17, 60, 90);
}

static void bf16_is_written(void **state)
{
    (void)state;
    writes("bf16", FV_BF16, 22, 40, 70);
}

/* A Cast down and up rounds, whatever a rewrite would think of it. */
static void casts_round(void **state)
{
    (void)state;
    setup s = open_net(1.5f);
    fv_mixed *m = finished(&s, FV_MIXED_OPTIONS(.precision = "bf16", .keep_names = (const char *[]){"stem", "mid"}, .n_keep_names = 2));
    fv_error err = {0};
    fv_model *rounding;
    static float want[OUT], got[OUT];
    if (fv_mixed_model(m, &rounding, &err) < 0) fail_msg("%s", err.text);
    net_run(s.model, 9, want);
    net_run(rounding, 9, got);
    assert_memory_not_equal(want, got, sizeof want);
    fv_model_free(&rounding);
    fv_mixed_free(&m);
    close_net(&s);
}

static void rules_keep_nodes(void **state)
{
    (void)state;
    setup s = open_net(4000);
    fv_mixed *m = finished(&s, FV_MIXED_OPTIONS(.precision = "fp16"));
    assert_non_null(strstr(why(m, "mid"), "at most 512 may be")); /* what it makes is large */
    assert_string_equal(why(m, "stem"), "");
    fv_mixed_free(&m);
    m = finished(&s, FV_MIXED_OPTIONS(.precision = "fp16", .weight_max = 100, .data_max = 1e30));
    assert_non_null(strstr(why(m, "mid"), "a weight reaches"));
    fv_mixed_free(&m);
    m = finished(&s, FV_MIXED_OPTIONS(.precision = "fp16", .depth_max = 40, .data_max = 1e30));
    assert_string_equal(why(m, "mid"), "its sums have 144 terms, at most 40 may be");
    assert_string_equal(why(m, "stem"), "");
    fv_mixed_free(&m);
    m = finished(&s, FV_MIXED_OPTIONS(.precision = "fp16", .keep_types = (const char *[]){"MaxPool"}, .n_keep_types = 1, .keep_names = (const char *[]){"n*k"}, .n_keep_names = 1));
    assert_string_equal(why(m, "pool"), "its type was asked to stay");
    assert_string_equal(why(m, "neck"), "it was asked to stay");
    fv_mixed_free(&m);
    close_net(&s);
}

static void wrong_ones_are_refused(void **state)
{
    (void)state;
    setup s = open_net(1.5f);
    fv_error err = {0};
    fv_mixed *m;
    assert_int_equal(fv_mixed_create(&m, s.ctx, s.model, FV_MIXED_OPTIONS(.precision = "fp99"), &err), FV_ERR_ARGUMENT);
    assert_null(m);
    assert_int_equal(fv_mixed_create(&m, s.ctx, s.model, FV_MIXED_OPTIONS(.precision = "fp16", .keep_types = (const char *[]){"Nothing"}, .n_keep_types = 1), &err), FV_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "no operator 'Nothing'"));
    assert_int_equal(fv_mixed_create(&m, s.ctx, s.model, FV_MIXED_OPTIONS(.precision = "fp16", .data_max = -1), &err), FV_ERR_ARGUMENT);
    m = NULL;
    assert_int_equal(fv_mixed_create(&m, s.ctx, s.model, FV_MIXED_OPTIONS(.precision = "fp16", .data_max = 1e-9), &err), FV_OK);
    assert_int_equal(fv_mixed_finish(m, &err), FV_ERR_UNSUPPORTED); /* nothing is left */
    assert_int_equal(fv_mixed_save(m, "nowhere.onnx", &err), FV_ERR_ARGUMENT);
    fv_mixed_free(&m);
    close_net(&s);
}

/* ---- auto ---- */

static fv_model *quantised(setup *s)
{
    fv_calibration *c;
    fv_quantized *q;
    fv_model *m;
    fv_error err = {0};
    const void *bytes;
    size_t size;
    static float in[3 * SIDE * SIDE];
    for (int i = 0; i < 3 * SIDE * SIDE; i++) in[i] = (net_uniform() + 1) / 2;
    fv_tensor t = {.dtype = FV_F32, .rank = 4, .dim = {1, 3, SIDE, SIDE}, .data = in};
    if (fv_calibration_create(&c, s->ctx, s->model, NULL, &err) < 0 || fv_calibration_add(c, &t, 1, &err) < 0 || fv_quantized_create(&q, c, NULL, &err) < 0) fail_msg("%s", err.text);
    fv_quantized_bytes(q, &bytes, &size);
    uint8_t *copy = fvi_alloc(size);
    memcpy(copy, bytes, size);
    fv_quantized_free(&q);
    fv_calibration_free(&c);
    fv_model_free(&s->model);
    fvi_free(s->bytes);
    s->bytes = copy;
    if (fv_model_load_memory(&m, s->ctx, copy, size, NULL, &err) < 0) fail_msg("%s", err.text);
    return m;
}

static void auto_takes_what_may_be_used(void **state)
{
    (void)state;
    setup s = open_net(1.5f);
    fv_error err = {0};
    fv_model *m;
    size_t size;
    assert_string_equal(fv_model_precision(s.model), "fp32");
    assert_string_equal(fv_model_precision_reason(s.model), "the model is not quantised");
    uint8_t *bytes = net_make(&size, 1.5f);
    if (fv_model_load_memory(&m, s.ctx, bytes, size, FV_MODEL_OPTIONS(.precision = "auto"), &err) < 0) fail_msg("%s", err.text);
    assert_string_equal(fv_model_precision_reason(m), "the model is not quantised, and bf16 is not faster at this CPU level");
    fv_model_free(&m);
    assert_int_equal(fv_model_load_memory(&m, s.ctx, bytes, size, FV_MODEL_OPTIONS(.precision = "int8"), &err), FV_ERR_DEVICE);
    assert_non_null(strstr(err.text, "needs a quantised model"));
    assert_int_equal(fv_model_load_memory(&m, s.ctx, bytes, size, FV_MODEL_OPTIONS(.precision = "fp8"), &err), FV_ERR_DEVICE);
    fvi_free(bytes);
    s.model = quantised(&s);
    assert_string_equal(fv_model_precision(s.model), "int8");
    assert_string_equal(fv_model_precision_reason(s.model), "the model is quantised");
    close_net(&s);
}

/* Any machine can do what auto does on one with tiles. */
static void bf16_is_validated(void **state)
{
    (void)state;
    setup s = open_net(1.5f);
    fv_error err = {0};
    fv_model *m;
    size_t size;
    s.model->try_bf16 = true;
    if (fvi_engine_validate_bf16(s.model, &err) < 0) fail_msg("%s", err.text);
    assert_string_equal(fv_model_precision(s.model), "bf16");
    assert_string_equal(fv_model_precision_reason(s.model), "bf16 runs on AMX tiles and was seen to give what fp32 gives");
    uint8_t *bytes = net_make(&size, 3e6f); /* sums of 1e6 and more, rounded to 8 bits */
    if (fv_model_load_memory(&m, s.ctx, bytes, size, NULL, &err) < 0 || fvi_engine_validate_bf16(m, &err) < 0) fail_msg("%s", err.text);
    assert_string_equal(fv_model_precision(m), "fp32");
    assert_string_equal(fv_model_precision_reason(m), "bf16 would be faster, but gives other results than fp32 on this model");
    static float out[OUT];
    net_run(m, 9, out);
    fv_model_free(&m);
    fvi_free(bytes);
    close_net(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fp16_is_written), cmocka_unit_test(bf16_is_written), cmocka_unit_test(casts_round), cmocka_unit_test(rules_keep_nodes),
        cmocka_unit_test(wrong_ones_are_refused), cmocka_unit_test(auto_takes_what_may_be_used), cmocka_unit_test(bf16_is_validated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
