/* test_ports.c: models whose inputs and outputs are float16, bfloat16 or float64: ports keep the file's type, values are computed
 * as float32, and float32 may be given for any of them. The models are written here, byte by byte. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <fovea/model.h>
#include <string.h>

typedef struct bytes {
    uint8_t b[1024];
    size_t n;
} bytes;

static void varint(bytes *t, uint64_t v)
{
    for (; v >= 128; v >>= 7) t->b[t->n++] = (uint8_t)(v | 128);
    t->b[t->n++] = (uint8_t)v;
}
static void number(bytes *t, int field, uint64_t v) { varint(t, (uint64_t)field << 3), varint(t, v); }
static void blob(bytes *t, int field, const void *p, size_t n)
{
    varint(t, (uint64_t)field << 3 | 2), varint(t, n);
    memcpy(t->b + t->n, p, n);
    t->n += n;
}
static void text(bytes *t, int field, const char *s) { blob(t, field, s, strlen(s)); }
static void put(bytes *t, int field, const bytes *inner) { blob(t, field, inner->b, inner->n); }

static bytes port(const char *name, int type)
{
    bytes dim = {0}, shape = {0}, tensor = {0}, kind = {0}, out = {0};
    number(&dim, 1, 4);
    put(&shape, 1, &dim);
    number(&tensor, 1, (uint64_t)type);
    put(&tensor, 2, &shape);
    put(&kind, 1, &tensor);
    text(&out, 1, name);
    put(&out, 2, &kind);
    return out;
}

/* y = x * 0.5, x and y of ONNX element type `type` */
static bytes half_of(int type, const void *half, size_t half_bytes)
{
    bytes node = {0}, constant = {0}, graph = {0}, opset = {0}, model = {0}, x = port("x", type), y = port("y", type);
    text(&node, 1, "x"), text(&node, 1, "c"), text(&node, 2, "y"), text(&node, 4, "Mul");
    number(&constant, 2, (uint64_t)type);
    text(&constant, 8, "c");
    blob(&constant, 9, half, half_bytes);
    put(&graph, 1, &node);
    text(&graph, 2, "half");
    put(&graph, 5, &constant);
    put(&graph, 11, &x);
    put(&graph, 12, &y);
    number(&opset, 2, 17);
    number(&model, 1, 8);
    put(&model, 7, &graph);
    put(&model, 8, &opset);
    return model;
}

typedef struct road {
    fv_context *ctx;
    fv_model *model;
    fv_session *session;
    bytes file;
} road;

static void open_road(road *r, int no_rewrite)
{
    fv_error err = {0};
    assert_int_equal(fv_context_create(&r->ctx, FV_CONTEXT_OPTIONS(.threads = 1), &err), FV_OK);
    if (fv_model_load_memory(&r->model, r->ctx, r->file.b, r->file.n, FV_MODEL_OPTIONS(.no_rewrite = no_rewrite), &err) < 0) fail_msg("%s", err.text);
    if (fv_session_create(&r->session, r->model, NULL, &err) < 0) fail_msg("%s", err.text);
}

static void close_road(road *r)
{
    fv_session_free(&r->session);
    fv_model_free(&r->model);
    fv_context_free(&r->ctx);
}

static fv_tensor four(fv_dtype t, const void *data) { return (fv_tensor){.dtype = t, .rank = 1, .dim = {4}, .data = (void *)(uintptr_t)data}; }

static void ports_say(road *r, fv_dtype type)
{
    const fv_port *p;
    fv_model_inputs(r->model, &p);
    assert_int_equal(p->dtype, type);
    fv_model_outputs(r->model, &p);
    assert_int_equal(p->dtype, type);
    fv_session_inputs(r->session, &p);
    assert_int_equal(p->dtype, type);
    fv_session_outputs(r->session, &p);
    assert_int_equal(p->dtype, type);
}

static void run(road *r, const fv_tensor *in, fv_tensor *out)
{
    fv_error err = {0};
    if (fv_session_set_input(r->session, 0, in, &err) < 0) fail_msg("%s", err.text);
    assert_int_equal(fv_session_run(r->session), FV_OK);
    if (fv_session_get_output(r->session, 0, out, &err) < 0) fail_msg("%s", err.text);
}

static void check(int onnx, fv_dtype type, const void *half, const void *in, const void *want, size_t size)
{
    static const float floats[4] = {1, -2, 3, 1024}, halved[4] = {0.5f, -1, 1.5f, 512};
    for (int no_rewrite = 0; no_rewrite < 2; no_rewrite++) {
        road r = {.file = half_of(onnx, half, size)};
        uint8_t got[4 * sizeof(double)] = {0};
        float wide[4] = {0};
        open_road(&r, no_rewrite);
        ports_say(&r, type);
        fv_tensor a = four(type, in), b = four(type, got), f = four(FV_F32, floats), w = four(FV_F32, wide), wrong = four(FV_I32, in);
        run(&r, &a, &b);
        assert_memory_equal(got, want, 4 * size);
        run(&r, &f, &w);
        assert_memory_equal(wide, halved, sizeof halved);
        assert_int_equal(fv_session_set_input(r.session, 0, &wrong, NULL), FV_ERR_SHAPE);
        close_road(&r);
    }
}

static void float16(void **state)
{
    (void)state;
    static const uint16_t half = 0x3800, in[4] = {0x3C00, 0xC000, 0x4200, 0x6400}, want[4] = {0x3800, 0xBC00, 0x3E00, 0x6000};
    check(10, FV_F16, &half, in, want, 2);
}

static void bfloat16(void **state)
{
    (void)state;
    static const uint16_t half = 0x3F00, in[4] = {0x3F80, 0xC000, 0x4040, 0x4480}, want[4] = {0x3F00, 0xBF80, 0x3FC0, 0x4400};
    check(16, FV_BF16, &half, in, want, 2);
}

static void float64(void **state)
{
    (void)state;
    static const double half = 0.5, in[4] = {1, -2, 3, 1024}, want[4] = {0.5, -1, 1.5, 512};
    check(11, FV_F64, &half, in, want, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(float16), cmocka_unit_test(bfloat16), cmocka_unit_test(float64)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
