/* test_bn.c: scale and shift per channel go into the weights before them. The graph before, the pass, the graph after as text. */
#include "passes.h"

static fvi_value *list(fvi_graph *g, const char *name, float a, float b)
{
    int64_t two = 2;
    return fvi_graph_add_constant(g, name, FV_F32, 1, &two, (const float[]){a, b});
}

static void bn_constants(fvi_graph *g)
{
    list(g, "scale", 2, 3);
    list(g, "shift", 10, 20);
    list(g, "mean", 1, -1);
    list(g, "var", 4, 9);
}

static void test_bn_into_conv(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    int64_t wdim[4] = {2, 1, 1, 1};
    b_input(g, "x", FV_F32, DIMS(1, 1, 2, 2));
    fvi_graph_add_constant(g, "w", FV_F32, 4, wdim, (const float[]){5, 7});
    list(g, "b", 100, 200);
    bn_constants(g);
    b_node(g, FVI_OP_CONV, "x w b", "c");
    b_float_attr(g, b_node(g, FVI_OP_BATCH_NORM, "c scale shift mean var", "n"), "epsilon", 0);
    b_output(g, "n");
    b_settle(g);
    ok(fvi_rewrite_bn(g, NULL));
    b_settle(g);
    /* scale/sqrt(var) = 1, 1; shift - mean * that = 9, 21 */
    b_expect(g, "graph  opset 13\n"
                "input x: float32[1,1,2,2]\n"
                "const ~0: float32[2,1,1,1] = {5, 7}\n"
                "const ~1: float32[2] = {109, 221}\n"
                "n: float32[1,2,2,2] = Conv(x, ~0, ~1)\n"
                "output n: float32[1,2,2,2]\n");
    fvi_graph_free(&g);
}

/* Groups 2, [C=2, M/g=1]: channel 0 is scaled by its own factor, channel 1 by its own. */
static void test_mul_add_into_conv_transpose(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    int64_t wdim[4] = {2, 1, 1, 2}, cdim[3] = {2, 1, 1};
    b_input(g, "x", FV_F32, DIMS(1, 2, 2, 2));
    fvi_graph_add_constant(g, "w", FV_F32, 4, wdim, (const float[]){1, 2, 3, 4});
    fvi_graph_add_constant(g, "m", FV_F32, 3, cdim, (const float[]){10, 100});
    fvi_graph_add_constant(g, "a", FV_F32, 3, cdim, (const float[]){1, 2});
    b_fill(g, "s", 0.5f, DIMS(1));
    fvi_node_set_int(g, b_node(g, FVI_OP_CONV_TRANSPOSE, "x w", "c"), "group", 2);
    b_node(g, FVI_OP_MUL, "m c", "d");
    b_node(g, FVI_OP_ADD, "d a", "e");
    b_node(g, FVI_OP_SUB, "e s", "y");
    b_output(g, "y");
    b_settle(g);
    ok(fvi_rewrite_bn(g, NULL));
    b_settle(g);
    b_expect(g, "graph  opset 13\n"
                "input x: float32[1,2,2,2]\n"
                "const ~0: float32[2,1,1,2] = {10, 20, 300, 400}\n"
                "const ~3: float32[2] = {0.5, 1.5}\n"
                "y: float32[1,2,2,3] = ConvTranspose(x, ~0, ~3) {group=2}\n"
                "output y: float32[1,2,2,3]\n");
    fvi_graph_free(&g);
}

/* Per pixel, another reader, c - conv: none of these can move. */
static void test_not_per_channel(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    conv(g, "x", "a");
    b_fill(g, "plane", 2, DIMS(8, 8));
    b_fill(g, "one", 1, DIMS(1));
    b_node(g, FVI_OP_MUL, "a plane", "b");
    conv(g, "x", "c");
    b_node(g, FVI_OP_SUB, "one c", "d");
    conv(g, "x", "e");
    b_node(g, FVI_OP_MUL, "e one", "f");
    b_node(g, FVI_OP_ADD, "f e", "h");
    b_output(g, "b");
    b_output(g, "d");
    b_output(g, "h");
    b_settle(g);
    int before = g->n_nodes;
    ok(fvi_rewrite_bn(g, NULL));
    b_settle(g);
    assert_int_equal(g->n_nodes, before);
    fvi_graph_free(&g);
}

static void test_bn_alone(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    b_input(g, "x", FV_F32, DIMS(1, 2, 3, 3));
    bn_constants(g);
    b_float_attr(g, b_node(g, FVI_OP_BATCH_NORM, "x scale shift mean var", "y"), "epsilon", 0);
    b_output(g, "y");
    b_settle(g);
    ok(fvi_rewrite_bn(g, NULL));
    b_settle(g);
    b_expect(g, "graph  opset 13\n"
                "input x: float32[1,2,3,3]\n"
                "const ~0: float32[2,1,1] = {1, 1}\n"
                "const ~1: float32[2,1,1] = {9, 21}\n"
                "~3: float32[1,2,3,3] = Mul(x, ~0)\n"
                "y: float32[1,2,3,3] = Add(~3, ~1)\n"
                "output y: float32[1,2,3,3]\n");
    fvi_graph_free(&g);
}

/* One large weight shared by many nodes is not copied for each of them. */
static void test_bn_copies_are_bounded(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    b_input(g, "x", FV_F32, DIMS(1, 256, 1, 1));
    b_fill(g, "w", 1, DIMS(256, 256, 3, 3));
    b_fill(g, "s", 2, DIMS(1));
    for (int i = 0; i < 40; i++) {
        char a[16], b[16], in[32];
        snprintf(a, sizeof a, "a%d", i);
        snprintf(b, sizeof b, "b%d", i);
        fvi_node_set_ints(g, b_node(g, FVI_OP_CONV, "x w", a), "pads", (int64_t[]){1, 1, 1, 1}, 4);
        snprintf(in, sizeof in, "%s s", a);
        b_node(g, FVI_OP_MUL, in, b);
        snprintf(in, sizeof in, i ? "b%d t%d" : "b%d b%d", i, i ? i - 1 : 0);
        snprintf(a, sizeof a, "t%d", i);
        b_node(g, FVI_OP_ADD, in, a);
    }
    b_output(g, "t39");
    b_settle(g);
    ok(fvi_rewrite_bn(g, NULL));
    b_settle(g);
    int muls = 0;
    for (int i = 0; i < g->n_nodes; i++) muls += g->nodes[i]->op == FVI_OP_MUL;
    assert_in_range(muls, 30, 39);
    fvi_graph_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bn_into_conv),
        cmocka_unit_test(test_mul_add_into_conv_transpose),
        cmocka_unit_test(test_not_per_channel),
        cmocka_unit_test(test_bn_alone),
        cmocka_unit_test(test_bn_copies_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
