/* test_rebatch.c: graphs of one image that can grow, and ones that cannot, with the node that forbids it. */
#include "unit/model_graph/build.h"
#include "model/rewrite/rewrite.h"

static void ok(fv_status st) { assert_int_equal(st, FV_OK); }

/* Grows a copy to 3 images; returns it, or null with the obstacle. The original must not change. */
static fvi_graph *grow(fvi_graph *g, char *obstacle, size_t n)
{
    fvi_graph *copy = NULL;
    fvi_str before = {0}, after = {0};
    fv_error err = {0};
    b_settle(g);
    fvi_graph_dump(g, &before);
    ok(fvi_graph_clone(&copy, g, &err));
    fv_status st = fvi_rewrite_rebatch(copy, 3, obstacle, n, &err);
    fvi_graph_dump(g, &after);
    assert_string_equal(before.s, after.s);
    fvi_str_free(&before);
    fvi_str_free(&after);
    if (st >= 0) return copy;
    assert_int_equal(st, FV_ERR_UNSUPPORTED);
    assert_true(obstacle[0] != 0);
    fvi_graph_free(&copy);
    return NULL;
}

static void expect_grows(fvi_graph *g, const char *want)
{
    char obstacle[256];
    fvi_graph *big = grow(g, obstacle, sizeof obstacle);
    if (!big) fail_msg("%s", obstacle);
    b_expect(big, want);
    fvi_graph_free(&big);
    fvi_graph_free(&g);
}

static void expect_forbidden(fvi_graph *g, const char *node)
{
    char obstacle[256];
    fvi_graph *big = grow(g, obstacle, sizeof obstacle);
    if (big) fail_msg("grew, %s should have forbidden it", node);
    if (!strstr(obstacle, node)) fail_msg("\"%s\" does not name \"%s\"", obstacle, node);
    fvi_graph_free(&g);
}

static fvi_graph *picture(void)
{
    fvi_graph *g = b_graph(13);
    b_input(g, "x", FV_F32, DIMS(1, 4, 8, 8));
    return g;
}

/* Convolution, baked reshapes, attention: what exported detectors are made of. */
static void test_detector_grows(void **state)
{
    (void)state;
    fvi_graph *g = picture();
    b_fill(g, "w", 1, DIMS(6, 4, 1, 1));
    b_node(g, FVI_OP_CONV, "x w", "c")->act = FVI_ACT_SILU;
    b_ints(g, "t", DIMS(1, 6, -1));
    b_node(g, FVI_OP_RESHAPE, "c t", "r");
    fvi_node_set_ints(g, b_node(g, FVI_OP_TRANSPOSE, "r", "s"), "perm", (int64_t[]){0, 2, 1}, 3);
    b_node(g, FVI_OP_MATMUL, "s r", "m");
    b_fill(g, "grid", 1, DIMS(1, 64, 1));
    b_node(g, FVI_OP_ADD, "m grid", "a");
    fvi_node_set_int(g, b_node(g, FVI_OP_SOFTMAX, "a", "y"), "axis", -1);
    b_output(g, "y");
    expect_grows(g, "graph  opset 13\n"
                    "input x: float32[3,4,8,8]\n"
                    "const w: float32[6,4,1,1]\n"
                    "const grid: float32[1,64,1]\n"
                    "const ~0: int64[3] = {3, 6, 64}\n"
                    "c: float32[3,6,8,8] = Conv(x, w) act silu\n"
                    "r: float32[3,6,64] = Reshape(c, ~0)\n"
                    "s: float32[3,64,6] = Transpose(r) {perm=[0,2,1]}\n"
                    "m: float32[3,64,64] = MatMul(s, r)\n"
                    "a: float32[3,64,64] = Add(m, grid)\n"
                    "y: float32[3,64,64] = Softmax(a) {axis=-1}\n"
                    "output y: float32[3,64,64]\n");
}

/* The tail of end-to-end detectors: only after the gather pass. */
static fvi_graph *tail(void)
{
    fvi_graph *g = b_graph(13);
    b_input(g, "boxes", FV_F32, DIMS(1, 20, 4));
    b_input(g, "scores", FV_F32, DIMS(1, 20));
    b_ints(g, "k", DIMS(5));
    b_ints(g, "last", DIMS(-1));
    b_ints(g, "four", DIMS(1, 1, 4));
    b_node(g, FVI_OP_TOPK, "scores k", "v i");
    b_node(g, FVI_OP_UNSQUEEZE, "i last", "u");
    fvi_node_set_int(g, b_node(g, FVI_OP_FLATTEN, "u", "flat"), "axis", 2);
    fvi_node_set_int(g, b_node(g, FVI_OP_GATHER, "flat i", "sel"), "axis", 0);
    b_node(g, FVI_OP_TILE, "sel four", "sel4");
    fvi_node_set_int(g, b_node(g, FVI_OP_GATHER_ELEMENTS, "boxes sel4", "y"), "axis", 1);
    b_output(g, "y");
    b_settle(g);
    return g;
}

static void test_gather_tail(void **state)
{
    (void)state;
    expect_forbidden(tail(), "Flatten_flat");
    fvi_graph *g = tail();
    ok(fvi_rewrite_gather(g, NULL));
    b_settle(g);
    expect_grows(g, "graph  opset 13\n"
                    "input boxes: float32[3,20,4]\n"
                    "input scores: float32[3,20]\n"
                    "const k: int64[1] = {5}\n"
                    "const last: int64[1] = {-1}\n"
                    "const four: int64[3] = {1, 1, 4}\n"
                    "const ~1: int64[1] = {2}\n"
                    "v: float32[3,5], i: int64[3,5] = TopK(scores, k)\n"
                    "u: int64[3,5,1] = Unsqueeze(i, last)\n"
                    "~2: int64[3,5,1] = Unsqueeze(i, ~1)\n"
                    "sel: int64[3,5,1] = GatherElements(u, ~2) {axis=1}\n"
                    "sel4: int64[3,5,4] = Tile(sel, four)\n"
                    "y: float32[3,5,4] = GatherElements(boxes, sel4) {axis=1}\n"
                    "output y: float32[3,5,4]\n");
}

/* A Gather on [K,2] rows is not the pattern. */
static void test_gather_needs_single_column(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    b_input(g, "rows", FV_F32, DIMS(1, 6, 2));
    b_input(g, "i", FV_I64, DIMS(1, 3));
    fvi_node_set_int(g, b_node(g, FVI_OP_FLATTEN, "rows", "flat"), "axis", 2);
    b_node(g, FVI_OP_GATHER, "flat i", "y");
    b_output(g, "y");
    b_settle(g);
    ok(fvi_rewrite_gather(g, NULL));
    b_settle(g);
    assert_int_equal(g->nodes[1]->op, FVI_OP_GATHER);
    fvi_graph_free(&g);
}

static void test_constants_are_repeated(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    b_input(g, "x", FV_F32, DIMS(1, 2, 3));
    b_fill(g, "token", 7, DIMS(1, 1, 3));
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "token x", "y"), "axis", 1);
    b_output(g, "y");
    char obstacle[256];
    fvi_graph *big = grow(g, obstacle, sizeof obstacle);
    assert_non_null(big);
    const fvi_value *c = big->nodes[0]->in[0];
    assert_int_equal(c->dim[0], 3);
    for (int i = 0; i < 9; i++) assert_true(((const float *)c->constant)[i] == 7.0f);
    assert_int_equal(big->outputs[0]->dim[1], 3);
    fvi_graph_free(&big);
    fvi_graph_free(&g);
}

static void test_resize_sizes(void **state)
{
    (void)state;
    fvi_graph *g = picture();
    b_ints(g, "size", DIMS(1, 4, 16, 4));
    b_node(g, FVI_OP_RESIZE, "x - - size", "y");
    b_output(g, "y");
    expect_grows(g, "graph  opset 13\n"
                    "input x: float32[3,4,8,8]\n"
                    "const ~0: int64[4] = {3, 4, 16, 4}\n"
                    "y: float32[3,4,16,4] = Resize(x, -, -, ~0)\n"
                    "output y: float32[3,4,16,4]\n");
}

/* Everything that is not N single runs. Each case: one node, its input "x" [1,4,8,8]. */
static void test_forbidden(void **state)
{
    (void)state;
    fvi_graph *g = picture();
    fvi_node_set_int(g, b_node(g, FVI_OP_SOFTMAX, "x", "y"), "axis", 0);
    b_output(g, "y");
    expect_forbidden(g, "Softmax_y");

    g = picture();
    b_node(g, FVI_OP_REDUCE_MEAN, "x", "y"); /* all axes */
    b_output(g, "y");
    expect_forbidden(g, "ReduceMean_y");

    g = picture();
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "x x", "y"), "axis", 0);
    b_output(g, "y");
    expect_forbidden(g, "Concat_y");

    g = picture();
    fvi_node_set_ints(g, b_node(g, FVI_OP_TRANSPOSE, "x", "y"), "perm", (int64_t[]){1, 0, 2, 3}, 4);
    b_output(g, "y");
    expect_forbidden(g, "Transpose_y");

    g = picture();
    b_ints(g, "t", DIMS(4, 64));
    b_node(g, FVI_OP_RESHAPE, "x t", "y");
    b_output(g, "y");
    expect_forbidden(g, "Reshape_y");

    g = picture();
    b_ints(g, "zero", DIMS(0));
    b_ints(g, "one", DIMS(1));
    b_node(g, FVI_OP_SLICE, "x zero one zero", "y");
    b_output(g, "y");
    expect_forbidden(g, "Slice_y");

    g = picture();
    b_ints(g, "axes", DIMS(0));
    b_node(g, FVI_OP_SQUEEZE, "x axes", "y");
    b_output(g, "y");
    expect_forbidden(g, "Squeeze_y");

    g = picture();
    b_node(g, FVI_OP_SHAPE, "x", "y");
    b_output(g, "y");
    expect_forbidden(g, "Shape_y");

    g = picture();
    b_fill(g, "rows", 1, DIMS(2, 4, 8, 8));
    b_node(g, FVI_OP_ADD, "x rows", "y");
    b_output(g, "y");
    expect_forbidden(g, "Add_y");

    g = picture();
    b_fill(g, "scale", 1.2f, DIMS(4)); /* floor(1 * 1.2) = 1, but 3 images would be mixed */
    b_node(g, FVI_OP_RESIZE, "x - scale", "y");
    b_output(g, "y");
    expect_forbidden(g, "Resize_y");

    g = picture();
    b_ints(g, "twice", DIMS(2, 1, 1, 1));
    b_node(g, FVI_OP_TILE, "x twice", "y");
    b_output(g, "y");
    expect_forbidden(g, "Tile_y");
}

/* [1,8] + [1,4,8,8]: the batch of the first would land on the rows of the second. */
static void test_batch_on_another_dimension(void **state)
{
    (void)state;
    fvi_graph *g = picture();
    b_input(g, "v", FV_F32, DIMS(1, 8));
    b_node(g, FVI_OP_ADD, "x v", "y");
    b_output(g, "y");
    expect_forbidden(g, "Add_y");
    g = b_graph(13);
    b_input(g, "a", FV_F32, DIMS(1, 8));
    b_input(g, "b", FV_F32, DIMS(8, 2));
    g->inputs[1]->is_input = false;
    g->n_inputs = 1;
    g->inputs[1]->constant = b_fill(g, "c", 1, DIMS(8, 2))->constant;
    b_node(g, FVI_OP_MATMUL, "a b", "y"); /* a row an image */
    b_output(g, "y");
    char obstacle[256];
    fvi_graph *big = grow(g, obstacle, sizeof obstacle);
    assert_non_null(big);
    assert_int_equal(big->outputs[0]->dim[0], 3);
    fvi_graph_free(&big);
    fvi_graph_free(&g);
}

static void test_inputs_and_outputs(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    b_input(g, "x", FV_F32, DIMS(2, 4));
    b_node(g, FVI_OP_RELU, "x", "y");
    b_output(g, "y");
    expect_forbidden(g, "input \"x\"");

    g = picture();
    b_fill(g, "c", 1, DIMS(1, 2));
    b_node(g, FVI_OP_RELU, "c", "z");
    b_node(g, FVI_OP_RELU, "x", "y");
    b_output(g, "y");
    b_output(g, "z"); /* the same for every image: not N rows */
    expect_forbidden(g, "Relu_z");

    fv_error err = {0};
    g = picture();
    b_node(g, FVI_OP_RELU, "x", "y");
    b_output(g, "y");
    b_settle(g);
    assert_int_equal(fvi_rewrite_rebatch(g, 0, NULL, 0, &err), FV_ERR_ARGUMENT);
    assert_int_equal(fvi_rewrite_rebatch(g, 1, NULL, 0, &err), FV_OK);
    fvi_graph_free(&g);
}

static void test_residual_follows(void **state)
{
    (void)state;
    fvi_graph *g = picture();
    b_fill(g, "w", 1, DIMS(4, 4, 1, 1));
    b_node(g, FVI_OP_CONV, "x w", "y")->residual = g->inputs[0];
    b_output(g, "y");
    char obstacle[256];
    fvi_graph *big = grow(g, obstacle, sizeof obstacle);
    assert_non_null(big);
    assert_ptr_equal(big->nodes[0]->residual, big->inputs[0]);
    fvi_graph_free(&big);
    fvi_graph_free(&g);
}

/* Every allocation of all passes and of the growth may fail. */
static void test_out_of_memory(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        fvi_graph *g = tail();
        b_fill(g, "scale", 2, DIMS(1, 5, 4));
        fvi_node_set_ints(g, b_node(g, FVI_OP_TRANSPOSE, "y", "t1"), "perm", (int64_t[]){0, 2, 1}, 3);
        b_node(g, FVI_OP_TRANSPOSE, "t1", "t2");
        fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "y scale", "z"), "axis", 1);
        fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "z y", "out"), "axis", 1);
        b_output(g, "out");
        b_settle(g);
        fv_error err = {0};
        char obstacle[128];
        fvi_graph *copy = NULL;
        fvi_alloc_fail_after(n);
        fv_status st = fvi_graph_clone(&copy, g, &err);
        if (st >= 0) st = fvi_rewrite_all(copy, NULL, NULL, &err);
        if (st >= 0) st = fvi_rewrite_rebatch(copy, 2, obstacle, sizeof obstacle, &err);
        fvi_alloc_fail_after(0);
        fvi_graph_free(&copy);
        fvi_graph_free(&g);
        if (st == FV_OK) {
            assert_true(n > 10);
            return;
        }
        if (st != FV_ERR_MEMORY) fail_msg("allocation %ld failed: %s", n, err.text);
        assert_true(n < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_detector_grows), cmocka_unit_test(test_gather_tail), cmocka_unit_test(test_gather_needs_single_column),
        cmocka_unit_test(test_constants_are_repeated), cmocka_unit_test(test_resize_sizes), cmocka_unit_test(test_forbidden),
        cmocka_unit_test(test_batch_on_another_dimension), cmocka_unit_test(test_inputs_and_outputs), cmocka_unit_test(test_residual_follows), cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
