/* test_shapes.c: a session goes from shape to shape: the results are those of a session made for the shape, the plans of the last ones are kept (going back
 * plans nothing), no more than five are, failures leave it as it was, and other weights make what is kept void. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "base/alloc.h"
#include "base/hash.h"
#include "model/engine/internal.h"
#include <fovea/engine.h>
#include <string.h>

#define CONV FV_TEST_DATA "/onnx-ok/conv_bn_silu_opset17.onnx"

static fv_context *ctx;
static fv_model *conv;

static int setup(void **state)
{
    (void)state;
    if (fv_context_create(&ctx, FV_CONTEXT_OPTIONS(.threads = 1), NULL) < 0) return -1;
    return fv_model_load(&conv, ctx, CONV, NULL, NULL) < 0;
}

static int teardown(void **state)
{
    (void)state;
    fv_model_free(&conv);
    fv_context_free(&ctx);
    return 0;
}

/* Its outputs on an input that depends on the shape only, hashed. */
static uint64_t run(fv_session *s)
{
    const fv_port *in, *out;
    uint64_t h = 0;
    fv_session_inputs(s, &in);
    fv_tensor t = {.dtype = in[0].dtype, .rank = in[0].rank};
    memcpy(t.dim, in[0].dim, sizeof t.dim);
    const size_t count = (size_t)fv_tensor_count(&t);
    float *x = t.data = fvi_calloc(count + 1, sizeof *x);
    for (size_t k = 0; k < count; k++) x[k] = (float)(k % 31) / 31;
    assert_int_equal(fv_session_set_input(s, 0, &t, NULL), FV_OK);
    fvi_free(t.data);
    assert_int_equal(fv_session_run(s), FV_OK);
    const int n = fv_session_outputs(s, &out);
    for (int i = 0; i < n; i++) {
        fv_tensor o = {.dtype = out[i].dtype, .rank = out[i].rank};
        memcpy(o.dim, out[i].dim, sizeof o.dim);
        const size_t bytes = (size_t)fv_tensor_count(&o) * fv_dtype_size(o.dtype);
        o.data = fvi_calloc(bytes + 1, 1);
        assert_int_equal(fv_session_get_output(s, i, &o, NULL), FV_OK);
        h = fvi_hash(o.data, bytes, h);
        fvi_free(o.data);
    }
    return h;
}

static fv_port picture(int64_t h, int64_t w) { return (fv_port){.name = "x", .rank = 4, .dim = {1, 4, h, w}}; }

static uint64_t fresh(fv_model *m, int64_t h, int64_t w, int batch)
{
    fv_session *s;
    fv_error err = {0};
    const fv_port p = picture(h, w);
    if (fv_session_create(&s, m, FV_SESSION_OPTIONS(.shapes = &p, .n_shapes = 1, .batch = batch), &err) < 0) fail_msg("%s", err.text);
    const uint64_t r = run(s);
    fv_session_free(&s);
    return r;
}

/* Planned now (1) or kept (0). */
static int go(fv_session *s, int64_t h, int64_t w, int batch)
{
    fv_error err = {0};
    const fv_port p = picture(h, w);
    fv_session_info info;
    if (fv_session_reshape(s, &p, 1, batch, &err) < 0) fail_msg("%s", err.text);
    fv_session_get_info(s, &info);
    assert_true(s->n_kept <= FVI_SHAPES_KEPT);
    return info.plan_ms > 0;
}

static fv_session *made(fv_model *m, int profile)
{
    fv_session *s;
    const fv_port p = picture(8, 8);
    assert_int_equal(fv_session_create(&s, m, FV_SESSION_OPTIONS(.shapes = &p, .n_shapes = 1, .profile = profile), NULL), FV_OK);
    return s;
}

static void there_and_back(void **state)
{
    (void)state;
    for (int profile = 0; profile < 2; profile++) {
        fv_session *s = made(conv, profile);
        const uint64_t first = run(s);
        assert_int_equal(go(s, 12, 20, 0), 1);
        assert_true(run(s) == fresh(conv, 12, 20, 0));
        assert_int_equal(go(s, 12, 20, 3), 1);
        assert_true(run(s) == fresh(conv, 12, 20, 3));
        assert_int_equal(go(s, 8, 8, 0), 0);
        assert_true(run(s) == first);
        assert_int_equal(go(s, 8, 8, 0), 0); /* where it is */
        const fv_port *in;
        fv_session_inputs(s, &in);
        assert_int_equal(in[0].dim[2], 8);
        const uint64_t before = fvi_alloc_count();
        assert_int_equal(go(s, 12, 20, 3), 0);
        assert_int_equal(fvi_alloc_count(), before);
        assert_true(run(s) == fresh(conv, 12, 20, 3));
        fv_session_free(&s);
    }
}

static void the_oldest_goes(void **state)
{
    (void)state;
    fv_session *s = made(conv, 0);
    for (int i = 0; i < 4; i++) assert_int_equal(go(s, 9 + i, 8, 0), 1); /* 8 9 10 11 12: all of them */
    for (int i = 0; i < 5; i++) assert_int_equal(go(s, 8 + i, 8, 0), 0);
    assert_int_equal(go(s, 13, 8, 0), 1); /* 8 was not used for the longest time */
    assert_int_equal(go(s, 9, 8, 0), 0);
    assert_int_equal(go(s, 8, 8, 0), 1); /* and takes the place of 10 */
    assert_int_equal(go(s, 9, 8, 0), 0);
    assert_int_equal(go(s, 10, 8, 0), 1);
    assert_true(run(s) == fresh(conv, 10, 8, 0));
    fv_session_free(&s);
}

static void failures_change_nothing(void **state)
{
    (void)state;
    fv_error err = {0};
    fv_session *s = made(conv, 0);
    const uint64_t first = run(s);
    fv_port p = picture(8, 8);
    p.dim[1] = 5;
    assert_int_equal(fv_session_reshape(s, &p, 1, 0, &err), FV_ERR_SHAPE);
    assert_true(run(s) == first);
    p = picture(8, 8);
    p.name = "nobody";
    assert_int_equal(fv_session_reshape(s, &p, 1, 0, &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_session_reshape(s, &p, 1, 5000, &err), FV_ERR_ARGUMENT);
    p.name = NULL;
    assert_int_equal(fv_session_reshape(s, &p, 1, 0, &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_session_reshape(NULL, NULL, 0, 0, &err), FV_ERR_ARGUMENT);
    p = picture(16, 16);
    fv_status st = FV_ERR_MEMORY;
    for (long n = 1; st != FV_OK; n++) {
        fvi_alloc_fail_after(n);
        st = fv_session_reshape(s, &p, 1, 0, &err);
        fvi_alloc_fail_after(0);
        if (st != FV_OK) assert_int_equal(st, FV_ERR_MEMORY);
        if (st != FV_OK) assert_true(run(s) == first);
    }
    assert_true(run(s) == fresh(conv, 16, 16, 0));
    assert_int_equal(go(s, 8, 8, 0), 0);
    assert_true(run(s) == first);
    fv_session_free(&s);
}

/* An engine for shapes between two: what is planned in it, what is planned when it comes, what is refused. */
static fv_status append(void *user, const void *data, size_t size, fv_error *err)
{
    (void)err;
    fvi_str_addn(user, data, size);
    return FV_OK;
}

static void within_a_profile(void **state)
{
    (void)state;
    fvi_str file = {0};
    fv_error err = {0};
    fv_model *e;
    const fv_port *in;
    fv_model_inputs(conv, &in);
    fv_port low = in[0], high = in[0];
    high.dim[0] = 4;
    assert_int_equal(fv_engine_write(conv, FV_ENGINE_OPTIONS(.min_shapes = &low, .n_min = 1, .max_shapes = &high, .n_max = 1), append, &file, NULL, &err), FV_OK);
    assert_int_equal(fv_model_load_memory(&e, ctx, file.s, file.len, NULL, &err), FV_OK);
    fv_session *s;
    assert_int_equal(fv_session_create(&s, e, NULL, &err), FV_OK);
    uint64_t of[6];
    for (int batch = 1; batch <= 4; batch++) {
        assert_int_equal(fv_session_reshape(s, NULL, 0, batch, &err), FV_OK);
        of[batch] = run(s);
        assert_true(of[batch] == fresh(conv, in[0].dim[2], in[0].dim[3], batch));
    }
    assert_int_equal(fv_session_reshape(s, NULL, 0, 5, &err), FV_ERR_SHAPE);
    assert_non_null(strstr(err.text, "the engine file is for"));
    assert_true(run(s) == of[4]);
    assert_int_equal(fv_session_reshape(s, NULL, 0, 2, &err), FV_OK);
    assert_true(run(s) == of[2]);
    fv_session_free(&s);
    fv_model_free(&e);
    fvi_str_free(&file);
}

/* The file loaded a second time is a model of its own. */
static void other_weights(void **state)
{
    (void)state;
    fv_model *w;
    fv_error err = {0};
    assert_int_equal(fv_model_load(&w, ctx, CONV, NULL, &err), FV_OK);
    fv_session *s = made(conv, 0);
    const uint64_t first = run(s);
    go(s, 12, 12, 0);
    run(s);
    assert_int_equal(fv_session_refit(s, w, &err), FV_OK); /* for 12x12; goes along */
    assert_int_equal(go(s, 8, 8, 0), 1);                   /* what was kept is of the old weights */
    assert_true(s->body->model == w);
    assert_true(run(s) == first);
    assert_int_equal(go(s, 12, 12, 0), 0);
    assert_true(s->body->model == w);
    assert_int_equal(fv_session_refit(s, conv, &err), FV_OK);
    assert_true(run(s) == fresh(conv, 12, 12, 0));
    assert_true(s->body->model == conv);
    assert_int_equal(go(s, 8, 8, 0), 1);
    assert_true(run(s) == first);
    fv_session_free(&s);
    fv_model_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back), cmocka_unit_test(the_oldest_goes), cmocka_unit_test(failures_change_nothing), cmocka_unit_test(within_a_profile),
                                       cmocka_unit_test(other_weights)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
