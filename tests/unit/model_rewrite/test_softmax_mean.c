/* Softmax and a 1x1 convolution of all its channels become a weighted mean: the graph before, the pass, the graph after as text. */
#include "passes.h"

enum { PLAIN, TRANSPOSED };

/* [1,4,6,5] or [1,5,6,4] -> softmax over four bins -> [1,1,6,5] */
static fvi_graph *bins(int form, int opset)
{
    fvi_graph *g = b_graph(opset);
    if (form == PLAIN) {
        b_input(g, "x", FV_F32, DIMS(1, 4, 6, 5));
        fvi_node_set_int(g, b_node(g, FVI_OP_SOFTMAX, "x", "s"), "axis", 1);
    } else {
        b_input(g, "x", FV_F32, DIMS(1, 5, 6, 4));
        fvi_node_set_int(g, b_node(g, FVI_OP_SOFTMAX, "x", "p"), "axis", -1);
        fvi_node_set_ints(g, b_node(g, FVI_OP_TRANSPOSE, "p", "s"), "perm", (int64_t[]){0, 3, 2, 1}, 4);
    }
    fvi_value *w = b_fill(g, "w", 0, DIMS(1, 4, 1, 1));
    for (int i = 0; i < 4; i++) ((float *)w->constant)[i] = (float)(i * i); /* any weights */
    b_node(g, FVI_OP_CONV, "s w", "y");
    b_output(g, "y");
    b_settle(g);
    return g;
}

static void test_plain(void **state)
{
    (void)state;
    fvi_graph *g = bins(PLAIN, 13);
    ok(fvi_rewrite_softmax_mean(g, NULL));
    b_settle(g);
    b_expect(g, "graph  opset 13\n"
                "input x: float32[1,4,6,5]\n"
                "const w: float32[1,4,1,1] = {0, 1, 4, 9}\n"
                "y: float32[1,1,6,5] = fovea.SoftmaxMean(x, w)\n"
                "output y: float32[1,1,6,5]\n");
    fvi_graph_free(&g);
}

static void test_transposed(void **state)
{
    (void)state;
    for (int opset = 11; opset <= 13; opset += 2) {
        fvi_graph *g = bins(TRANSPOSED, opset); /* the last axis means the same in both */
        ok(fvi_rewrite_softmax_mean(g, NULL));
        b_settle(g);
        b_expect(g, opset == 11 ? "graph  opset 11\n"
                                  "input x: float32[1,5,6,4]\n"
                                  "const w: float32[1,4,1,1] = {0, 1, 4, 9}\n"
                                  "~0: float32[1,4,6,5] = Transpose(x) {perm=[0,3,2,1]}\n"
                                  "y: float32[1,1,6,5] = fovea.SoftmaxMean(~0, w)\n"
                                  "output y: float32[1,1,6,5]\n"
                                : "graph  opset 13\n"
                                  "input x: float32[1,5,6,4]\n"
                                  "const w: float32[1,4,1,1] = {0, 1, 4, 9}\n"
                                  "~0: float32[1,4,6,5] = Transpose(x) {perm=[0,3,2,1]}\n"
                                  "y: float32[1,1,6,5] = fovea.SoftmaxMean(~0, w)\n"
                                  "output y: float32[1,1,6,5]\n");
        fvi_graph_free(&g);
    }
}

/* Read elsewhere, another axis, a bias, two channels, an old Softmax over all dimensions from 1 on. */
static void test_stays(void **state)
{
    (void)state;
    for (int k = 0; k < 6; k++) {
        fvi_graph *g = bins(k == 5 ? TRANSPOSED : PLAIN, k == 4 ? 11 : 13);
        fvi_node *s = g->nodes[0], *c = g->nodes[g->n_nodes - 1];
        if (k == 0) b_node(g, FVI_OP_RELU, "s", "z"), b_output(g, "z");
        if (k == 1) s->attr[0].i = 2;
        fvi_value *three[3] = {c->in[0], c->in[1], k == 2 ? b_fill(g, "bias", 1, DIMS(1)) : NULL};
        if (k == 2) c->in = three, c->n_in = 3;
        if (k == 3) c->in[1] = b_fill(g, "w2", 1, DIMS(2, 4, 1, 1));
        if (k == 5) s->attr[0].i = 2;
        b_settle(g);
        ok(fvi_rewrite_softmax_mean(g, NULL));
        if (c->op != FVI_OP_CONV) fail_msg("case %d was rewritten", k);
        fvi_graph_free(&g);
    }
}

static void test_grows(void **state)
{
    (void)state;
    char obstacle[128];
    fvi_graph *g = bins(TRANSPOSED, 13);
    ok(fvi_rewrite_softmax_mean(g, NULL));
    b_settle(g);
    ok(fvi_rewrite_rebatch(g, 2, obstacle, sizeof obstacle, NULL));
    assert_int_equal(g->outputs[0]->dim[0], 2);
    fvi_graph_free(&g);
}

/* A file may hold the operator. */
static void test_shapes_are_checked(void **state)
{
    (void)state;
    fv_error err = {0};
    fvi_graph *g = picture(13);
    b_fill(g, "w", 1, DIMS(5));
    b_node(g, FVI_OP_SOFTMAX_MEAN, "x w", "y");
    b_output(g, "y");
    ok(fvi_graph_relink(g, NULL));
    assert_int_equal(fvi_graph_infer(g, &err), FV_ERR_SHAPE);
    fvi_graph_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain), cmocka_unit_test(test_transposed),         cmocka_unit_test(test_stays),
        cmocka_unit_test(test_grows), cmocka_unit_test(test_shapes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
