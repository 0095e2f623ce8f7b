/* test_graph.c: order, dead code, replacing, copies, invariants. */
#include "unit/model_graph/build.h"

static fvi_graph *chain(void)
{
    fvi_graph *g = b_graph(13);
    b_input(g, "x", FV_F32, DIMS(1, 4));
    b_node(g, FVI_OP_EXP, "a", "b"); /* out of order */
    b_node(g, FVI_OP_RELU, "x", "a");
    b_node(g, FVI_OP_TANH, "a", "dead");
    b_node(g, FVI_OP_ADD, "b a", "y");
    b_output(g, "y");
    return g;
}

static void test_relink_sorts_and_drops(void **state)
{
    (void)state;
    fvi_graph *g = chain();
    b_settle(g);
    b_expect(g, "graph  opset 13\n"
                "input x: float32[1,4]\n"
                "a: float32[1,4] = Relu(x)\n"
                "b: float32[1,4] = Exp(a)\n"
                "y: float32[1,4] = Add(b, a)\n"
                "output y: float32[1,4]\n");
    assert_int_equal(fvi_graph_find(g, "a")->uses, 2);
    assert_int_equal(fvi_graph_find(g, "y")->uses, 1);
    assert_null(fvi_graph_find(g, "dead"));
    fvi_graph_free(&g);
    assert_null(g);
}

static void test_relink_is_stable(void **state)
{
    (void)state;
    fvi_graph *g = chain();
    b_settle(g);
    fvi_node *first[3] = {g->nodes[0], g->nodes[1], g->nodes[2]};
    b_settle(g);
    assert_memory_equal(first, g->nodes, sizeof first);
    fvi_graph_free(&g);
}

static void test_residual_is_an_input(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    b_input(g, "x", FV_F32, DIMS(1, 4));
    fvi_node *early = b_node(g, FVI_OP_RELU, "x", "a");
    b_node(g, FVI_OP_EXP, "x", "r");
    early->residual = fvi_graph_find(g, "r");
    b_output(g, "a");
    b_settle(g);
    assert_int_equal(g->nodes[1]->op, FVI_OP_RELU);
    early->residual = fvi_graph_find(g, "a"); /* of itself: a cycle */
    fv_error err = {0};
    assert_int_equal(fvi_graph_relink(g, &err), FV_ERR_MODEL);
    assert_non_null(strstr(err.text, "cycle"));
    fvi_graph_free(&g);
}

static void test_two_producers(void **state)
{
    (void)state;
    fvi_graph *g = chain();
    b_node(g, FVI_OP_NEG, "x", "a");
    fv_error err = {0};
    assert_int_equal(fvi_graph_relink(g, &err), FV_ERR_MODEL);
    assert_non_null(strstr(err.text, "\"a\""));
    fvi_graph_free(&g);
}

static void test_alias_keeps_public_names(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    b_input(g, "x", FV_F32, DIMS(1, 4));
    b_node(g, FVI_OP_RELU, "x", "a");
    b_node(g, FVI_OP_IDENTITY, "a", "y");
    b_node(g, FVI_OP_IDENTITY, "x", "z"); /* an input cannot take the output's name */
    b_output(g, "y");
    b_output(g, "z");
    b_settle(g);
    fvi_graph_alias(fvi_graph_find(g, "y"), fvi_graph_find(g, "a"));
    fvi_graph_alias(fvi_graph_find(g, "z"), fvi_graph_find(g, "x"));
    b_settle(g);
    b_expect(g, "graph  opset 13\n"
                "input x: float32[1,4]\n"
                "y: float32[1,4] = Relu(x)\n"
                "z: float32[1,4] = Identity(x)\n"
                "output y: float32[1,4]\n"
                "output z: float32[1,4]\n");
    fvi_graph_free(&g);
}

static void test_alias_chains(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    b_input(g, "x", FV_F32, DIMS(2));
    b_node(g, FVI_OP_IDENTITY, "x", "a");
    b_node(g, FVI_OP_IDENTITY, "a", "b");
    b_node(g, FVI_OP_IDENTITY, "b", "c");
    fvi_node *last = b_node(g, FVI_OP_ADD, "c b", "y");
    b_output(g, "y");
    b_settle(g);
    fvi_graph_alias(fvi_graph_find(g, "c"), fvi_graph_find(g, "b"));
    fvi_graph_alias(fvi_graph_find(g, "b"), fvi_graph_find(g, "a"));
    fvi_graph_alias(fvi_graph_find(g, "a"), fvi_graph_find(g, "x"));
    fvi_graph_alias(fvi_graph_find(g, "x"), fvi_graph_find(g, "c")); /* in a circle: no effect */
    b_settle(g);
    assert_int_equal(g->n_nodes, 1);
    assert_ptr_equal(last->in[0], g->inputs[0]);
    assert_ptr_equal(last->in[1], g->inputs[0]);
    fvi_graph_free(&g);
}

static void test_clone_is_independent(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13), *copy = NULL;
    fv_error err = {0};
    fvi_value *x = b_input(g, "x", FV_F32, DIMS(1, 4, 8, 8));
    x->dim[2] = FVI_DIM_UNKNOWN;
    x->symbol[2] = fvi_arena_strdup(g->arena, "height");
    b_fill(g, "w", 0.5f, DIMS(4, 4, 3, 3));
    fvi_node *n = b_node(g, FVI_OP_CONV, "x w", "y");
    assert_int_equal(fvi_node_set_ints(g, n, "pads", (int64_t[]){1, 1, 1, 1}, 4), FV_OK);
    n->act = FVI_ACT_LEAKY;
    n->act_alpha = 0.1f;
    b_output(g, "y");
    b_settle(g);
    const char *before = "graph  opset 13\n"
                         "input x: float32[1,4,height,8]\n"
                         "const w: float32[4,4,3,3]\n"
                         "y: float32[1,4,?,8] = Conv(x, w) {pads=[1,1,1,1]} act leaky(0.100000001)\n"
                         "output y: float32[1,4,?,8]\n";
    assert_int_equal(fvi_graph_clone(&copy, g, &err), FV_OK);
    b_expect(copy, before);
    assert_ptr_equal(fvi_graph_find(copy, "w")->constant, fvi_graph_find(g, "w")->constant);
    assert_int_equal(fvi_graph_set_input_shape(copy, 0, DIMS(2, 4, 6, 10), &err), FV_OK);
    assert_int_equal(fvi_graph_find(copy, "y")->rank, -1);
    b_settle(copy);
    b_expect(copy, "graph  opset 13\n"
                   "input x: float32[2,4,6,10]\n"
                   "const w: float32[4,4,3,3]\n"
                   "y: float32[2,4,6,10] = Conv(x, w) {pads=[1,1,1,1]} act leaky(0.100000001)\n"
                   "output y: float32[2,4,6,10]\n");
    b_expect(g, before);
    fvi_graph_free(&copy);
    fvi_graph_free(&g);
}

static void test_set_input_shape_refuses(void **state)
{
    (void)state;
    fvi_graph *g = chain();
    fv_error err = {0};
    assert_int_equal(fvi_graph_set_input_shape(g, 1, DIMS(1), &err), FV_ERR_ARGUMENT);
    assert_int_equal(fvi_graph_set_input_shape(g, 0, DIMS(0, 4), &err), FV_ERR_SHAPE);
    assert_int_equal(fvi_graph_set_input_shape(g, 0, DIMS(INT64_C(1) << 30, INT64_C(1) << 30), &err), FV_ERR_SHAPE);
    fvi_graph_free(&g);
}

static void test_attributes(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    fvi_node *n = b_node(g, FVI_OP_RELU, "x", "y");
    int64_t v[2] = {0, 0};
    assert_int_equal(fvi_node_int(n, "axis", 7), 7);
    assert_int_equal(fvi_node_ints(n, "pads", v, 2), 0);
    assert_int_equal(fvi_node_set_int(g, n, "axis", 3), FV_OK);
    assert_int_equal(fvi_node_set_ints(g, n, "pads", (int64_t[]){5, 6, 7}, 3), FV_OK);
    assert_int_equal(fvi_node_set_int(g, n, "axis", 4), FV_OK);
    b_float_attr(g, n, "alpha", 0.5f);
    b_string_attr(g, n, "mode", "linear");
    assert_int_equal(n->n_attr, 4);
    assert_int_equal(fvi_node_int(n, "axis", 7), 4);
    assert_int_equal(fvi_node_ints(n, "pads", v, 2), 3); /* how many there are, not how many fit */
    assert_int_equal(v[1], 6);
    assert_true(fvi_node_float(n, "alpha", 0) == 0.5f);
    assert_string_equal(fvi_node_string(n, "mode", ""), "linear");
    assert_int_equal(fvi_node_int(n, "mode", 9), 9); /* of another type: as if absent */
    fvi_graph_free(&g);
}

static void test_constants(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    int64_t v[4];
    float f;
    int32_t small[3] = {1, -2, 3};
    fvi_value *c = fvi_graph_add_constant(g, NULL, FV_I32, DIMS(3), small);
    assert_int_equal(fvi_value_ints(c, v, 4), 3);
    assert_int_equal(v[1], -2);
    assert_int_equal(fvi_value_ints(c, v, 2), -1);
    assert_false(fvi_value_scalar(c, &f));
    assert_true(fvi_value_scalar(b_fill(g, "s", 2.5f, DIMS(1, 1)), &f));
    assert_true(f == 2.5f);
    assert_null(fvi_graph_add_constant(g, NULL, FV_F32, DIMS(INT64_MAX, 4), NULL));
    assert_null(fvi_graph_add_constant(g, NULL, FV_F32, DIMS(-1), NULL));
    assert_null(fvi_graph_add_constant(g, NULL, FV_NONE, DIMS(1), NULL));
    fvi_graph_free(&g);
}

static void test_verify_finds(void **state)
{
    (void)state;
    fv_error err = {0};
    fvi_graph *g = chain();
    b_settle(g);
    fvi_node *relu = g->nodes[0];
    relu->in[0] = fvi_graph_find(g, "y"); /* reads what is computed later */
    assert_int_equal(fvi_graph_verify(g, &err), FV_ERR_INTERNAL);
    relu->in[0] = NULL;
    assert_int_equal(fvi_graph_verify(g, &err), FV_ERR_INTERNAL);
    relu->in[0] = g->inputs[0];
    assert_int_equal(fvi_graph_verify(g, &err), FV_OK);
    g->inputs[0]->uses++;
    assert_int_equal(fvi_graph_verify(g, &err), FV_ERR_INTERNAL);
    fvi_graph_free(&g);
}

static void test_operator_table(void **state)
{
    (void)state;
    assert_int_equal(fvi_op_find("", "Conv"), FVI_OP_CONV);
    assert_int_equal(fvi_op_find("ai.onnx", "Conv"), FVI_OP_CONV);
    assert_int_equal(fvi_op_find("fovea", "Silu"), FVI_OP_SILU);
    assert_int_equal(fvi_op_find("", "fovea.Silu"), FVI_OP_NONE);
    assert_int_equal(fvi_op_find("com.microsoft", "Conv"), FVI_OP_NONE);
    assert_int_equal(fvi_op_find("", "Con"), FVI_OP_NONE);
    for (int op = 1; op < FVI_OP_COUNT; op++) assert_non_null(fvi_op_get((fvi_op)op)->shape);
    assert_non_null(fvi_op_get((fvi_op)9999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relink_sorts_and_drops), cmocka_unit_test(test_relink_is_stable), cmocka_unit_test(test_residual_is_an_input),
        cmocka_unit_test(test_two_producers), cmocka_unit_test(test_alias_keeps_public_names), cmocka_unit_test(test_alias_chains),
        cmocka_unit_test(test_clone_is_independent), cmocka_unit_test(test_set_input_shape_refuses), cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_constants), cmocka_unit_test(test_verify_finds), cmocka_unit_test(test_operator_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
