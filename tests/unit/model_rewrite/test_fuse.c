/* test_fuse.c: passes that join nodes: silu, gelu, hard swish, act, residual. The graph before, the pass, the graph after as
 * text. */
#include "passes.h"
#include <math.h>

/* ---- silu, act ---- */

static void test_silu_and_act(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    conv(g, "x", "c");
    b_node(g, FVI_OP_SIGMOID, "c", "s");
    b_node(g, FVI_OP_MUL, "s c", "d");
    conv(g, "d", "e");
    b_fill(g, "lo", 0, DIMS(1));
    b_fill(g, "hi", 6, DIMS(1));
    b_node(g, FVI_OP_CLIP, "e lo hi", "f");
    conv(g, "f", "h");
    b_float_attr(g, b_node(g, FVI_OP_LEAKY_RELU, "h", "y"), "alpha", 0.25f);
    b_output(g, "y");
    b_settle(g);
    ok(fvi_rewrite_silu(g, NULL));
    b_settle(g);
    b_expect(g, "graph  opset 13\n"
                "input x: float32[1,4,8,8]\n"
                "const w_c: float32[4,4,1,1]\n"
                "const w_e: float32[4,4,1,1]\n"
                "const lo: float32[1] = {0}\n"
                "const hi: float32[1] = {6}\n"
                "const w_h: float32[4,4,1,1]\n"
                "c: float32[1,4,8,8] = Conv(x, w_c)\n"
                "d: float32[1,4,8,8] = fovea.Silu(c)\n"
                "e: float32[1,4,8,8] = Conv(d, w_e)\n"
                "f: float32[1,4,8,8] = Clip(e, lo, hi)\n"
                "h: float32[1,4,8,8] = Conv(f, w_h)\n"
                "y: float32[1,4,8,8] = LeakyRelu(h) {alpha=0.25}\n"
                "output y: float32[1,4,8,8]\n");
    ok(fvi_rewrite_act(g, NULL));
    b_settle(g);
    b_expect(g, "graph  opset 13\n"
                "input x: float32[1,4,8,8]\n"
                "const w_c: float32[4,4,1,1]\n"
                "const w_e: float32[4,4,1,1]\n"
                "const w_h: float32[4,4,1,1]\n"
                "d: float32[1,4,8,8] = Conv(x, w_c) act silu\n"
                "f: float32[1,4,8,8] = Conv(d, w_e) act clip(0, 6)\n"
                "y: float32[1,4,8,8] = Conv(f, w_h) act leaky(0.25)\n"
                "output y: float32[1,4,8,8]\n");
    fvi_graph_free(&g);
}

/* The convolution's own result is read elsewhere, or is an output: the activation stays. */
static void test_act_stays(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    conv(g, "x", "a");
    b_node(g, FVI_OP_RELU, "a", "b");
    b_node(g, FVI_OP_ADD, "a b", "c");
    conv(g, "c", "d");
    b_node(g, FVI_OP_RELU, "d", "e");
    b_output(g, "d");
    b_output(g, "e");
    b_settle(g);
    ok(fvi_rewrite_act(g, NULL));
    b_settle(g);
    assert_int_equal(g->n_nodes, 5);
    for (int i = 0; i < g->n_nodes; i++) assert_int_equal(g->nodes[i]->act, FVI_ACT_NONE);
    fvi_graph_free(&g);
}

/* Scores of two feature maps, reshaped and joined: the activation goes into both convolutions, and no value keeps a name that
 * is no longer true. One part that cannot take it, and it stays. */
static void test_act_of_joined_parts(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        fvi_graph *g = picture(13);
        b_ints(g, "flat", DIMS(1, 4, -1));
        conv(g, "x", "a");
        b_node(g, FVI_OP_RESHAPE, "a flat", "ra");
        if (k == 1) b_node(g, FVI_OP_MAX, "x x", "b"); /* has no epilogue */
        else conv(g, "x", "b");
        b_node(g, FVI_OP_RESHAPE, "b flat", "rb");
        if (k == 2) b_output(g, "rb");
        fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "ra rb", "cat"), "axis", 2);
        b_node(g, FVI_OP_SIGMOID, "cat", "y");
        b_output(g, "y");
        b_settle(g);
        const int nodes = g->n_nodes;
        ok(fvi_rewrite_act(g, NULL));
        b_settle(g);
        if (k == 0)
            b_expect(g, "graph  opset 13\n"
                        "input x: float32[1,4,8,8]\n"
                        "const flat: int64[3] = {1, 4, -1}\n"
                        "const w_a: float32[4,4,1,1]\n"
                        "const w_b: float32[4,4,1,1]\n"
                        "~1: float32[1,4,8,8] = Conv(x, w_a) act sigmoid\n"
                        "~0: float32[1,4,64] = Reshape(~1, flat)\n"
                        "~3: float32[1,4,8,8] = Conv(x, w_b) act sigmoid\n"
                        "~2: float32[1,4,64] = Reshape(~3, flat)\n"
                        "y: float32[1,4,128] = Concat(~0, ~2) {axis=2}\n"
                        "output y: float32[1,4,128]\n");
        else
            assert_int_equal(g->n_nodes, nodes);
        fvi_graph_free(&g);
    }
}

static void test_two_activations(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    conv(g, "x", "a");
    b_node(g, FVI_OP_RELU, "a", "b");
    b_node(g, FVI_OP_SIGMOID, "b", "y"); /* only the first fits */
    b_output(g, "y");
    b_settle(g);
    ok(fvi_rewrite_act(g, NULL));
    b_settle(g);
    assert_int_equal(g->n_nodes, 2);
    assert_int_equal(g->nodes[0]->act, FVI_ACT_RELU);
    assert_int_equal(g->nodes[1]->op, FVI_OP_SIGMOID);
    fvi_graph_free(&g);
}

static fvi_graph *gelu(float root, float one, float half, int form)
{
    fvi_graph *g = picture(13);
    b_fill(g, "root", root, DIMS(1));
    b_fill(g, "one", one, DIMS(1));
    b_fill(g, "half", half, DIMS(1));
    b_node(g, FVI_OP_DIV, "x root", "a");
    b_node(g, FVI_OP_ERF, "a", "b");
    b_node(g, FVI_OP_ADD, "b one", "c");
    if (form == 0) {
        b_node(g, FVI_OP_MUL, "x c", "d");
        b_node(g, FVI_OP_MUL, "half d", "y");
    } else {
        b_node(g, FVI_OP_MUL, "x half", "d");
        b_node(g, FVI_OP_MUL, "c d", "y");
    }
    b_output(g, "y");
    b_settle(g);
    ok(fvi_rewrite_silu(g, NULL));
    b_settle(g);
    return g;
}

static void test_gelu(void **state)
{
    (void)state;
    for (int form = 0; form < 2; form++) {
        fvi_graph *g = gelu((float)M_SQRT2, 1, 0.5f, form);
        b_expect(g, "graph  opset 13\n"
                    "input x: float32[1,4,8,8]\n"
                    "y: float32[1,4,8,8] = Gelu(x)\n"
                    "output y: float32[1,4,8,8]\n");
        fvi_graph_free(&g);
        g = gelu((float)M_SQRT2, 1, 0.4f, form); /* something else */
        assert_int_equal(g->n_nodes, 5);
        fvi_graph_free(&g);
        g = gelu(1.5f, 1, 0.5f, form);
        assert_int_equal(g->n_nodes, 5);
        fvi_graph_free(&g);
    }
}

static void test_hard_swish(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        fvi_graph *g = picture(13);
        b_float_attr(g, b_node(g, FVI_OP_HARD_SIGMOID, "x", "a"), "alpha", k ? 0.2f : 1.0f / 6);
        b_node(g, FVI_OP_MUL, "x a", "y");
        b_output(g, "y");
        b_settle(g);
        ok(fvi_rewrite_silu(g, NULL));
        b_settle(g);
        assert_int_equal(g->n_nodes, k ? 2 : 1);
        assert_int_equal(g->nodes[g->n_nodes - 1]->op, k ? FVI_OP_MUL : FVI_OP_HARD_SWISH);
        fvi_graph_free(&g);
    }
}

/* ---- residual ---- */

static void test_residual(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    conv(g, "x", "a")->act = FVI_ACT_SILU;
    b_node(g, FVI_OP_ADD, "x a", "b");
    conv(g, "b", "c");
    conv(g, "b", "d");
    b_node(g, FVI_OP_ADD, "c d", "y"); /* the later of two takes the earlier */
    b_output(g, "y");
    b_settle(g);
    ok(fvi_rewrite_residual(g, NULL));
    b_settle(g);
    b_expect(g, "graph  opset 13\n"
                "input x: float32[1,4,8,8]\n"
                "const w_a: float32[4,4,1,1]\n"
                "const w_c: float32[4,4,1,1]\n"
                "const w_d: float32[4,4,1,1]\n"
                "b: float32[1,4,8,8] = Conv(x, w_a) act silu residual x\n"
                "c: float32[1,4,8,8] = Conv(b, w_c)\n"
                "y: float32[1,4,8,8] = Conv(b, w_d) residual c\n"
                "output y: float32[1,4,8,8]\n");
    fvi_graph_free(&g);
}

/* The partner is computed later than the Conv: relink moves the Conv behind it. */
static void test_residual_moves_conv(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    conv(g, "x", "a");
    b_node(g, FVI_OP_EXP, "x", "b");
    b_node(g, FVI_OP_ADD, "a b", "y");
    b_output(g, "y");
    b_settle(g);
    ok(fvi_rewrite_residual(g, NULL));
    b_settle(g);
    assert_int_equal(g->nodes[0]->op, FVI_OP_EXP);
    assert_ptr_equal(g->nodes[1]->residual, g->nodes[0]->out[0]);
    fvi_graph_free(&g);
}

static void test_residual_refused(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    b_fill(g, "bias", 1, DIMS(4, 1, 1));
    conv(g, "x", "a");
    b_node(g, FVI_OP_ADD, "a bias", "b"); /* broadcast */
    conv(g, "b", "c");
    b_node(g, FVI_OP_ADD, "c c", "d"); /* with itself */
    conv(g, "d", "e");
    b_node(g, FVI_OP_ADD, "e x", "f")->act = FVI_ACT_RELU; /* relu(conv + x) is not act(conv) + x */
    b_output(g, "f");
    b_settle(g);
    ok(fvi_rewrite_residual(g, NULL));
    b_settle(g);
    assert_int_equal(g->n_nodes, 6);
    fvi_graph_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silu_and_act),
        cmocka_unit_test(test_act_stays),
        cmocka_unit_test(test_act_of_joined_parts),
        cmocka_unit_test(test_two_activations),
        cmocka_unit_test(test_gelu),
        cmocka_unit_test(test_hard_swish),
        cmocka_unit_test(test_residual),
        cmocka_unit_test(test_residual_moves_conv),
        cmocka_unit_test(test_residual_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
