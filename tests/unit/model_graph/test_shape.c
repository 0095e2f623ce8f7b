/* test_shape.c: shape rules where a formula can be wrong: windows, broadcasting, slices, unknown dimensions. Whole
 * operators are checked against ONNX's own inference in model_onnx/test_import.c. */
#include "unit/model_graph/build.h"

static void expect_dims(const fvi_value *v, int rank, const int64_t *dim)
{
    assert_int_equal(v->rank, rank);
    for (int i = 0; i < rank; i++)
        if (v->dim[i] != dim[i]) fail_msg("%s: dimension %d is %lld, not %lld", v->name, i, (long long)v->dim[i], (long long)dim[i]);
}

typedef struct window_case {
    const char *auto_pad;
    int64_t in, kernel, stride, dilation, begin, end;
    int ceil_mode;
    int64_t out, want_begin, want_end; /* out -1: an error */
} window_case;

static void test_windows(void **state)
{
    (void)state;
    static const window_case cases[] = {
        {"NOTSET", 640, 3, 2, 1, 1, 1, 0, 320, 1, 1}, {"NOTSET", 7, 3, 2, 1, 0, 0, 0, 3, 0, 0},
        {"NOTSET", 8, 3, 2, 1, 0, 0, 0, 3, 0, 0},     {"NOTSET", 8, 3, 2, 1, 0, 0, 1, 4, 0, 0},
        {"NOTSET", 4, 1, 2, 1, 0, 0, 1, 2, 0, 0}, /* the third window would start past the input */
        {"NOTSET", 4, 2, 2, 1, 1, 1, 1, 3, 1, 1},     {"NOTSET", 3, 2, 3, 1, 0, 0, 1, 1, 0, 0},
        {"NOTSET", 9, 3, 1, 3, 0, 0, 0, 3, 0, 0},     {"NOTSET", 6, 3, 1, 3, 0, 0, 0, -1, 0, 0},
        {"SAME_UPPER", 8, 3, 2, 1, 9, 9, 0, 4, 0, 1}, {"SAME_LOWER", 8, 3, 2, 1, 9, 9, 0, 4, 1, 0},
        {"SAME_UPPER", 7, 3, 2, 1, 0, 0, 0, 4, 1, 1}, {"SAME_UPPER", 5, 1, 3, 1, 0, 0, 0, 2, 0, 0},
        {"VALID", 8, 3, 1, 1, 9, 9, 0, 6, 0, 0},      {"SAME", 8, 3, 1, 1, 0, 0, 0, -1, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const window_case *c = &cases[i];
        fvi_graph *g = b_graph(17);
        b_input(g, "x", FV_F32, DIMS(1, 2, c->in));
        fvi_node *n = b_node(g, FVI_OP_MAX_POOL, "x", "y");
        fvi_node_set_ints(g, n, "kernel_shape", &c->kernel, 1);
        fvi_node_set_ints(g, n, "strides", &c->stride, 1);
        fvi_node_set_ints(g, n, "dilations", &c->dilation, 1);
        fvi_node_set_ints(g, n, "pads", (int64_t[]){c->begin, c->end}, 2);
        fvi_node_set_int(g, n, "ceil_mode", c->ceil_mode);
        b_string_attr(g, n, "auto_pad", c->auto_pad);
        fvi_window w;
        fv_error err = {0};
        fv_status st = fvi_node_window(n, &w, &err);
        if (c->out < 0) {
            assert_true(st < 0);
        } else {
            assert_int_equal(st, FV_OK);
            if (w.out[0] != c->out || w.pad_begin[0] != c->want_begin || w.pad_end[0] != c->want_end)
                fail_msg("case %zu: out %lld, pads %lld and %lld", i, (long long)w.out[0], (long long)w.pad_begin[0], (long long)w.pad_end[0]);
        }
        fvi_graph_free(&g);
    }
}

/* Two starts on one axis would add up to a place outside the input. */
static void test_slice_axis_twice(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(17);
    fv_error err = {0};
    b_input(g, "x", FV_F32, DIMS(10, 3));
    b_ints(g, "s", DIMS(6, -1));
    b_ints(g, "e", DIMS(10, INT64_MAX));
    b_ints(g, "a", DIMS(0, -2));
    b_node(g, FVI_OP_SLICE, "x s e a", "y");
    b_output(g, "y");
    assert_int_equal(fvi_graph_relink(g, &err), FV_OK);
    assert_int_equal(fvi_graph_infer(g, &err), FV_ERR_MODEL);
    assert_non_null(strstr(err.text, "twice"));
    fvi_graph_free(&g);
}

static void test_slices(void **state)
{
    (void)state;
    static const struct {
        int64_t dim, start, end, step, count;
    } cases[] = {
        {10, 0, 10, 1, 10}, {10, 2, INT64_MAX, 3, 3}, {10, -3, INT64_MAX, 1, 3}, {10, -100, 4, 1, 4},    {10, 4, 4, 1, 0},           {10, 8, 2, 1, 0},
        {10, 9, 0, -1, 9},  {10, -1, INT64_MIN, -1, 10}, {10, 100, 3, -2, 3},    {10, 0, -1, -1, 0},     {10, 7, INT64_MIN, INT64_MIN, 1}, {10, 0, 10, INT64_MAX, 1},
        {1, 0, -1, 1, 0},   {10, INT64_MIN, INT64_MAX, 1, 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fvi_graph *g = b_graph(17);
        b_input(g, "x", FV_I64, DIMS(2, cases[i].dim));
        b_ints(g, "s", DIMS(cases[i].start));
        b_ints(g, "e", DIMS(cases[i].end));
        b_ints(g, "a", DIMS(-1));
        b_ints(g, "t", DIMS(cases[i].step));
        b_node(g, FVI_OP_SLICE, "x s e a t", "y");
        b_output(g, "y");
        b_settle(g);
        if (fvi_graph_find(g, "y")->dim[1] != cases[i].count) fail_msg("case %zu: %lld", i, (long long)fvi_graph_find(g, "y")->dim[1]);
        fvi_graph_free(&g);
    }
}

static void test_broadcast_unknown(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(17);
    b_input(g, "a", FV_F32, DIMS(-1, 1, -1, 5));
    b_input(g, "b", FV_F32, DIMS(3, -1, 1));
    b_node(g, FVI_OP_ADD, "a b", "y");
    b_output(g, "y");
    b_settle(g);
    expect_dims(fvi_graph_find(g, "y"), DIMS(-1, 3, -1, 5));
    fvi_graph_free(&g);
}

static void test_unknown_dims_pass_through(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(17);
    b_input(g, "x", FV_F32, DIMS(-1, 4, -1, -1));
    b_fill(g, "w", 1, DIMS(6, 4, 3, 3));
    b_node(g, FVI_OP_CONV, "x w", "c");
    b_node(g, FVI_OP_CONCAT, "c c", "d");
    fvi_node_set_int(g, g->nodes[1], "axis", 2);
    b_ints(g, "t", DIMS(0, 6, -1));
    b_node(g, FVI_OP_RESHAPE, "d t", "r");
    b_input(g, "shape", FV_I64, DIMS(3));
    b_node(g, FVI_OP_RESHAPE, "d shape", "s");
    b_output(g, "r");
    b_output(g, "s");
    b_settle(g);
    expect_dims(fvi_graph_find(g, "c"), DIMS(-1, 6, -1, -1));
    expect_dims(fvi_graph_find(g, "d"), DIMS(-1, 6, -1, -1));
    expect_dims(fvi_graph_find(g, "r"), DIMS(-1, 6, -1));
    expect_dims(fvi_graph_find(g, "s"), DIMS(-1, -1, -1));
    fvi_graph_free(&g);
}

static void expect_error(fvi_graph *g, const char *text)
{
    fv_error err = {0};
    assert_int_equal(fvi_graph_relink(g, &err), FV_OK);
    assert_true(fvi_graph_infer(g, &err) < 0);
    if (!strstr(err.text, text)) fail_msg("\"%s\" does not say \"%s\"", err.text, text);
    fvi_graph_free(&g);
}

static void test_limits(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(17);
    b_input(g, "x", FV_F32, DIMS(1, 1, INT64_C(1) << 36));
    b_fill(g, "w", 1, DIMS(1, 1, 2));
    fvi_node *n = b_node(g, FVI_OP_CONV_TRANSPOSE, "x w", "y");
    fvi_node_set_ints(g, n, "strides", (int64_t[]){INT64_C(1) << 24}, 1);
    b_output(g, "y");
    expect_error(g, "too large");

    g = b_graph(17);
    b_input(g, "x", FV_F32, DIMS(1, 1, 4));
    b_ints(g, "p", DIMS(0, 0, INT64_MIN, 0, 0, 0));
    b_node(g, FVI_OP_PAD, "x p", "y");
    b_output(g, "y");
    expect_error(g, "too large");

    g = b_graph(17);
    b_input(g, "x", FV_F32, DIMS(4));
    b_ints(g, "a", DIMS(0, 1, 2, 3, 4, 5, 6, 7));
    b_node(g, FVI_OP_UNSQUEEZE, "x a", "y");
    b_output(g, "y");
    expect_error(g, "axes");

    g = b_graph(17);
    b_input(g, "x", FV_F32, DIMS(2, 3));
    b_node(g, FVI_OP_SQUEEZE, "x a", "y");
    b_ints(g, "a", DIMS(0));
    g->nodes[0]->in[1] = b_ints(g, NULL, DIMS(0));
    b_output(g, "y");
    expect_error(g, "dimension 0 is 2, not 1");
}

static void test_residual_must_fit(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(17);
    b_input(g, "x", FV_F32, DIMS(2, 3));
    b_input(g, "r", FV_F32, DIMS(2, 1));
    b_node(g, FVI_OP_MATMUL, "x w", "y")->residual = g->inputs[1];
    b_set(b_find(g, "w"), FV_F32, DIMS(3, 4));
    b_find(g, "w")->is_input = true;
    b_output(g, "y");
    expect_error(g, "residual");
}

static void test_axes(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    int64_t axes[FV_MAX_RANK];
    b_input(g, "x", FV_F32, DIMS(2, 3, 4));
    b_ints(g, "good", DIMS(-1, 0));
    b_ints(g, "twice", DIMS(2, -1));
    b_ints(g, "out", DIMS(3));
    assert_int_equal(fvi_node_axes(b_node(g, FVI_OP_REDUCE_SUM, "x good", "a"), 3, axes), 2);
    assert_int_equal(axes[0], 2);
    assert_int_equal(fvi_node_axes(b_node(g, FVI_OP_REDUCE_SUM, "x twice", "b"), 3, axes), -1);
    assert_int_equal(fvi_node_axes(b_node(g, FVI_OP_REDUCE_SUM, "x out", "c"), 3, axes), -1);
    assert_int_equal(fvi_node_axes(b_node(g, FVI_OP_REDUCE_SUM, "x x", "d"), 3, axes), -1);
    assert_int_equal(fvi_node_axes(b_node(g, FVI_OP_REDUCE_SUM, "x", "e"), 3, axes), 0);
    fvi_graph_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows), cmocka_unit_test(test_slice_axis_twice), cmocka_unit_test(test_slices), cmocka_unit_test(test_broadcast_unknown), cmocka_unit_test(test_unknown_dims_pass_through),
        cmocka_unit_test(test_limits),  cmocka_unit_test(test_residual_must_fit), cmocka_unit_test(test_axes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
