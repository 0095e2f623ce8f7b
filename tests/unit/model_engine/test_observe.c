/* Values between steps: with `observe` all are there and mean what the file's names say, rewritten or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fovea/model.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct run {
    fv_context *ctx;
    fv_model *model;
    fv_session *session;
} run;

static run start(const char *name, int no_rewrite, int observe)
{
    run r = {0};
    fv_error err = {0};
    char path[512];
    const fv_port *in;
    snprintf(path, sizeof path, "%s/onnx-ok/%s", FV_TEST_DATA, name);
    if (fv_context_create(&r.ctx, FV_CONTEXT_OPTIONS(.threads = 1), &err) < 0 || fv_model_load(&r.model, r.ctx, path, FV_MODEL_OPTIONS(.no_rewrite = no_rewrite), &err) < 0 ||
        fv_session_create(&r.session, r.model, FV_SESSION_OPTIONS(.observe = observe), &err) < 0)
        fail_msg("%s: %s", name, err.text);
    int n = fv_session_inputs(r.session, &in);
    for (int i = 0; i < n; i++) {
        fv_tensor t = {.dtype = in[i].dtype, .rank = in[i].rank};
        memcpy(t.dim, in[i].dim, sizeof t.dim);
        int64_t count = fv_tensor_count(&t);
        void *data = calloc((size_t)count, fv_dtype_size(t.dtype));
        assert_true(t.dtype == FV_F32 || t.dtype == FV_I64);
        for (int64_t k = 0; k < count; k++) {
            if (t.dtype == FV_F32)
                ((float *)data)[k] = (float)(k * 37 % 101) * 0.02f - 1;
            else
                ((int64_t *)data)[k] = k * 37 % 101 + 1;
        }
        t.data = data;
        assert_int_equal(fv_session_set_input(r.session, i, &t, NULL), FV_OK);
        free(data);
    }
    assert_int_equal(fv_session_run(r.session), FV_OK);
    assert_int_equal(fv_session_run(r.session), FV_OK); /* the second run finds the first one's values */
    return r;
}

static void end(run *r)
{
    fv_session_free(&r->session);
    fv_model_free(&r->model);
    fv_context_free(&r->ctx);
}

/* owned; null = no such value */
static float *value_of(const run *r, const char *name, int64_t *count)
{
    fv_value_info v;
    for (int i = 0; fv_session_value(r->session, i, &v) == FV_OK; i++) {
        if (strcmp(v.port.name, name)) continue;
        fv_tensor t = {.dtype = v.port.dtype, .rank = v.port.rank};
        memcpy(t.dim, v.port.dim, sizeof t.dim);
        *count = fv_tensor_count(&t);
        t.data = calloc((size_t)*count + 1, 8);
        assert_int_equal(fv_session_get_value(r->session, i, &t, NULL), FV_OK);
        return t.data;
    }
    return NULL;
}

/* Rewritten and as written: every value that both name is the same. */
static void names_keep_their_meaning(void **state)
{
    static const char *const models[] = {"conv_bn_silu_opset17.onnx", "conv_bn_silu_opset7.onnx", "attention.onnx", "concat_transpose.onnx", "conv_groups.onnx", "mod_gelu.onnx"};
    (void)state;
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        run plain = start(models[m], 1, 1), fused = start(models[m], 0, 1);
        fv_value_info v;
        int both = 0;
        for (int i = 0; fv_session_value(fused.session, i, &v) == FV_OK; i++) {
            int64_t n, other;
            float *a = value_of(&plain, v.port.name, &n), *b = value_of(&fused, v.port.name, &other);
            assert_non_null(b);
            if (a && v.port.dtype == FV_F32) {
                assert_true(v.in_file);
                assert_int_equal(n, other);
                for (int64_t k = 0; k < n; k++)
                    if (!(fabsf(a[k] - b[k]) <= 1e-4f * (1 + fabsf(a[k])))) fail_msg("%s: %s[%lld] is %g and %g", models[m], v.port.name, (long long)k, (double)a[k], (double)b[k]);
                both++;
            }
            free(a);
            free(b);
        }
        assert_true(both >= 1);
        end(&plain);
        end(&fused);
    }
}

/* Outputs keep their public names and are values, too. */
static void outputs_are_values(void **state)
{
    (void)state;
    run r = start("conv_bn_silu_opset17.onnx", 0, 1);
    const fv_port *out;
    int64_t n;
    assert_int_equal(fv_session_outputs(r.session, &out), 1);
    assert_string_equal(out[0].name, "y");
    float *y = value_of(&r, "y", &n), *again = calloc((size_t)n, sizeof *again);
    assert_non_null(y);
    fv_tensor t = {.dtype = FV_F32, .rank = out[0].rank, .data = again};
    memcpy(t.dim, out[0].dim, sizeof t.dim);
    assert_int_equal(fv_session_get_output(r.session, 0, &t, NULL), FV_OK);
    assert_memory_equal(y, again, (size_t)n * sizeof *y);
    free(y);
    free(again);
    end(&r);
}

static void not_without_observe(void **state)
{
    (void)state;
    run r = start("conv_bn_silu_opset17.onnx", 0, 0);
    fv_value_info v;
    fv_tensor t = {0};
    fv_error err = {0};
    assert_int_equal(fv_session_value(r.session, 0, &v), FV_ERR_STATE);
    assert_int_equal(fv_session_get_value(r.session, 0, &t, &err), FV_ERR_STATE);
    end(&r);
    r = start("conv_bn_silu_opset17.onnx", 0, 1);
    assert_int_equal(fv_session_value(r.session, 1000, &v), FV_END);
    assert_int_equal(fv_session_value(r.session, -1, &v), FV_ERR_ARGUMENT);
    assert_int_equal(fv_session_get_value(r.session, 1000, &t, &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_session_get_value(r.session, 0, &t, &err), FV_ERR_SHAPE);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_keep_their_meaning), cmocka_unit_test(outputs_are_values), cmocka_unit_test(not_without_observe)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
