/* test_quant.c: quantised graphs become float ones: pairs, repeated pairs, functions of one value, sums as floats. The table
 * itself is checked by tests/model/compare_ort.py on whole models and by the goldens of QuantTable. */
#include "passes.h"

static void byte(fvi_graph *g, const char *name, uint8_t v)
{
    assert_non_null(fvi_graph_add_constant(g, name, FV_U8, 0, NULL, &v));
}

static void number(fvi_graph *g, const char *name, float v)
{
    assert_non_null(fvi_graph_add_constant(g, name, FV_F32, 0, NULL, &v));
}

static int count(const fvi_graph *g, fvi_op op)
{
    int n = 0;
    for (int i = 0; i < g->n_nodes; i++) n += g->nodes[i]->op == op;
    return n;
}

static void pair(fvi_graph *g, const char *in, const char *middle, const char *out, const char *levels)
{
    char names[64];
    snprintf(names, sizeof names, "%s %s", in, levels);
    b_node(g, FVI_OP_QUANTIZE_LINEAR, names, middle);
    snprintf(names, sizeof names, "%s %s", middle, levels);
    b_node(g, FVI_OP_DEQUANTIZE_LINEAR, names, out);
}

static void test_pairs(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    number(g, "s", 0.1f);
    byte(g, "z", 128);
    number(g, "t", 0.2f);
    pair(g, "x", "q", "a", "s z");
    b_node(g, FVI_OP_DEQUANTIZE_LINEAR, "q s z", "b"); /* a second reader of the same bytes */
    pair(g, "b", "q2", "c", "s z");                    /* changes nothing */
    pair(g, "c", "q3", "d", "t z");                    /* other levels: stays */
    b_node(g, FVI_OP_ADD, "a d", "y");
    b_output(g, "y");
    b_settle(g);
    ok(fvi_rewrite_quant(g, NULL, NULL, NULL));
    b_settle(g);
    assert_int_equal(count(g, FVI_OP_FAKE_QUANT), 2);
    assert_int_equal(count(g, FVI_OP_QUANTIZE_LINEAR), 0);
    assert_int_equal(count(g, FVI_OP_DEQUANTIZE_LINEAR), 0);
    fvi_graph_free(&g);
}

static void test_pairs_that_stay(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    number(g, "s", 0.1f);
    number(g, "t", 0.2f);
    byte(g, "z", 128);
    b_node(g, FVI_OP_QUANTIZE_LINEAR, "x s z", "q");
    b_node(g, FVI_OP_DEQUANTIZE_LINEAR, "q t z", "y"); /* read with another scale than written */
    b_output(g, "y");
    b_settle(g);
    ok(fvi_rewrite_quant(g, NULL, NULL, NULL));
    b_settle(g);
    assert_int_equal(count(g, FVI_OP_FAKE_QUANT), 0);
    assert_int_equal(g->n_nodes, 2);
    fvi_graph_free(&g);
}

static void test_sums(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    uint8_t w[16] = {1};
    assert_non_null(fvi_graph_add_constant(g, "w", FV_U8, DIMS(4, 4, 1, 1), w));
    fvi_node *q = fvi_graph_add_node(g, FVI_OP_DYNAMIC_QUANTIZE_LINEAR, "q", 1, 3);
    q->opset = 13;
    q->in[0] = fvi_graph_find(g, "x");
    q->out[0] = fvi_graph_add_value(g, "bytes");
    q->out[1] = fvi_graph_add_value(g, "scale");
    q->out[2] = fvi_graph_add_value(g, "zero");
    b_node(g, FVI_OP_CONV_INTEGER, "bytes w zero", "c");
    fvi_node_set_int(g, b_node(g, FVI_OP_CAST, "c", "f"), "to", 1);
    b_node(g, FVI_OP_MUL, "f scale", "y");
    b_output(g, "y");
    b_settle(g);
    ok(fvi_rewrite_quant(g, NULL, NULL, NULL));
    b_settle(g);
    assert_int_equal(count(g, FVI_OP_CONV_INTEGER_FLOAT), 1);
    assert_int_equal(count(g, FVI_OP_CAST), 0);
    fvi_graph_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pairs), cmocka_unit_test(test_pairs_that_stay), cmocka_unit_test(test_sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
