/* 1x1 convolutions and doubled maps change places: the graph before, the pass, the graph after as text; and what must stay. */
#include "passes.h"

static void doubling(fvi_graph *g, const char *in, const char *out)
{
    char text[64];
    snprintf(text, sizeof text, "%s - twice", in);
    if (!fvi_graph_find(g, "twice")) {
        b_fill(g, "twice", 1, DIMS(4));
        ((float *)fvi_graph_find(g, "twice")->constant)[2] = 2;
        ((float *)fvi_graph_find(g, "twice")->constant)[3] = 2;
    }
    fvi_node *n = b_node(g, FVI_OP_RESIZE, text, out);
    b_string_attr(g, n, "mode", "nearest");
    b_string_attr(g, n, "coordinate_transformation_mode", "asymmetric");
    b_string_attr(g, n, "nearest_mode", "floor");
}

/* y = act(conv(Concat(up(a), b))): [1,8,4,4] and [1,4,8,8] -> [1,2,8,8] */
static fvi_graph *neck(void)
{
    fvi_graph *g = b_graph(13);
    b_input(g, "a", FV_F32, DIMS(1, 8, 4, 4));
    b_input(g, "b", FV_F32, DIMS(1, 4, 8, 8));
    doubling(g, "a", "up");
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "up b", "cat"), "axis", 1);
    fvi_value *w = b_fill(g, "w", 0, DIMS(2, 12, 1, 1));
    for (int i = 0; i < 24; i++) ((float *)w->constant)[i] = (float)i;
    b_node(g, FVI_OP_CONV, "cat w", "y")->act = FVI_ACT_SILU;
    b_output(g, "y");
    b_settle(g);
    return g;
}

static void rewrite(fvi_graph *g)
{
    ok(fvi_rewrite_upsample(g, NULL));
    b_settle(g);
}

static int count_op(const fvi_graph *g, fvi_op op)
{
    int n = 0;
    for (int i = 0; i < g->n_nodes; i++) n += g->nodes[i]->op == op;
    return n;
}

static void test_conv_of_concat(void **state)
{
    (void)state;
    fvi_graph *g = neck();
    rewrite(g);
    b_expect(g, "graph  opset 13\n"
                "input a: float32[1,8,4,4]\n"
                "input b: float32[1,4,8,8]\n"
                "const ~0: float32[2,8,1,1]\n"
                "const ~1: float32[2,4,1,1] = {8, 9, 10, 11, 20, 21, 22, 23}\n"
                "const ~3: float32[2] = {0, 0}\n"
                "~2: float32[1,2,4,4] = Conv(a, ~0)\n"
                "y: float32[1,2,8,8] = fovea.ConvAdd(b, ~1, ~3, ~2) act silu\n"
                "output y: float32[1,2,8,8]\n");
    const float *small = fvi_graph_find(g, "~0")->constant;
    for (int i = 0; i < 16; i++) assert_true(small[i] == (float)(i < 8 ? i : i + 4));
    fvi_graph_free(&g);
}

/* Two convolutions read the Concat, and what is not enlarged is still more than one part: one Concat of it for both. */
static void test_several_parts_and_readers(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    b_input(g, "a", FV_F32, DIMS(1, 8, 4, 4));
    b_input(g, "b", FV_F32, DIMS(1, 4, 8, 8));
    doubling(g, "a", "up");
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "b up b", "cat"), "axis", -3);
    b_fill(g, "w", 1, DIMS(2, 16, 1, 1));
    b_fill(g, "bias", 1, DIMS(2));
    b_node(g, FVI_OP_CONV, "cat w bias", "y");
    b_node(g, FVI_OP_CONV, "cat w", "z");
    b_output(g, "y");
    b_output(g, "z");
    b_settle(g);
    rewrite(g);
    assert_int_equal(g->n_nodes, 5);
    assert_int_equal(count_op(g, FVI_OP_CONCAT), 1);
    assert_int_equal(count_op(g, FVI_OP_CONV_ADD), 2);
    assert_int_equal(count_op(g, FVI_OP_RESIZE), 0);
    fvi_graph_free(&g);
}

/* Concat read by something else as well, other kernels, other enlargements: all stays. */
static void test_stays(void **state)
{
    (void)state;
    for (int k = 0; k < 9; k++) {
        fvi_graph *g = neck();
        fvi_node *up = g->nodes[0], *c = g->nodes[2];
        switch (k) {
        case 0: b_node(g, FVI_OP_RELU, "cat", "z"), b_output(g, "z"); break;
        case 1: b_output(g, "cat"); break;
        case 2: fvi_node_set_ints(g, c, "strides", (int64_t[]){2, 2}, 2); break;
        case 3: fvi_node_set_ints(g, c, "pads", (int64_t[]){1, 0, 0, 0}, 4); break;
        case 4: up->attr[0].s = (char *)"linear"; break;
        case 5: up->attr[2].s = (char *)"ceil"; break;
        case 6: b_fill(g, "w2", 1, DIMS(2, 6, 1, 1)), fvi_node_set_int(g, c, "group", 2), c->in[1] = fvi_graph_find(g, "w2"); break;
        case 7: ((float *)fvi_graph_find(g, "twice")->constant)[2] = 2.1f; break; /* 4 * 2.1 is 8 as well */
        case 8: c->in[1] = b_input(g, "weights", FV_F32, DIMS(2, 12, 1, 1)); break;
        default: break;
        }
        b_settle(g);
        const int nodes = g->n_nodes;
        rewrite(g);
        if (g->n_nodes != nodes || count_op(g, FVI_OP_CONV_ADD)) fail_msg("case %d was rewritten", k);
        fvi_graph_free(&g);
    }
}

/* Half pixels with ties to either side pick the same pixels as floor does without. */
static void test_ways_to_double(void **state)
{
    (void)state;
    static const char *const where[] = {"half_pixel", "half_pixel", "pytorch_half_pixel", "asymmetric", "half_pixel", "asymmetric", "align_corners"};
    static const char *const nearest[] = {"round_prefer_floor", "round_prefer_ceil", "round_prefer_floor", "round_prefer_floor", "floor", "round_prefer_ceil", "floor"};
    for (int k = 0; k < 7; k++) {
        fvi_graph *g = neck();
        g->nodes[0]->attr[1].s = (char *)where[k];
        g->nodes[0]->attr[2].s = (char *)nearest[k];
        rewrite(g);
        assert_int_equal(count_op(g, FVI_OP_CONV_ADD), k < 4);
        fvi_graph_free(&g);
    }
}

/* Top-down addition of a pyramid; one of the same size is left to residual.c, or stays. */
static void test_addend(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    b_input(g, "a", FV_F32, DIMS(1, 4, 4, 4));
    b_input(g, "x", FV_F32, DIMS(1, 4, 8, 8));
    doubling(g, "a", "up");
    conv(g, "x", "c");
    b_node(g, FVI_OP_ADD, "c up", "d");
    conv(g, "d", "e");
    b_node(g, FVI_OP_ADD, "d e", "y")->act = FVI_ACT_RELU;
    conv(g, "y", "f");
    b_node(g, FVI_OP_ADD, "f y", "z"); /* an ordinary residual */
    b_output(g, "z");
    b_settle(g);
    rewrite(g);
    b_expect(g, "graph  opset 13\n"
                "input a: float32[1,4,4,4]\n"
                "input x: float32[1,4,8,8]\n"
                "const w_c: float32[4,4,1,1]\n"
                "const w_e: float32[4,4,1,1]\n"
                "const w_f: float32[4,4,1,1]\n"
                "const ~0: float32[4] = {0, 0, 0, 0}\n"
                "d: float32[1,4,8,8] = fovea.ConvAdd(x, w_c, ~0, a)\n"
                "e: float32[1,4,8,8] = Conv(d, w_e)\n"
                "y: float32[1,4,8,8] = Add(d, e) act relu\n"
                "f: float32[1,4,8,8] = Conv(y, w_f)\n"
                "z: float32[1,4,8,8] = Add(f, y)\n"
                "output z: float32[1,4,8,8]\n");
    ok(fvi_rewrite_residual(g, NULL));
    b_settle(g);
    assert_int_equal(g->n_nodes, 4);
    fvi_graph_free(&g);
}

/* A map that grows by a batch: both feature maps are per image. */
static void test_grows(void **state)
{
    (void)state;
    char obstacle[128];
    fvi_graph *g = neck();
    rewrite(g);
    ok(fvi_rewrite_rebatch(g, 3, obstacle, sizeof obstacle, NULL));
    assert_int_equal(g->outputs[0]->dim[0], 3);
    fvi_graph_free(&g);
    g = neck();
    rewrite(g);
    g->nodes[1]->in[3] = b_fill(g, "same for all", 1, DIMS(1, 2, 8, 8));
    b_settle(g);
    assert_int_equal(fvi_rewrite_rebatch(g, 3, obstacle, sizeof obstacle, NULL), FV_ERR_UNSUPPORTED);
    fvi_graph_free(&g);
}

/* A file may hold the operator: an addend of another shape is refused. */
static void test_shapes_are_checked(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        fv_error err = {0};
        fvi_graph *g = picture(13);
        fvi_value *add = k == 0   ? b_input(g, "add", FV_F32, DIMS(1, 4, 4, 4))
                         : k == 1 ? b_input(g, "add", FV_F32, DIMS(1, 4, 8, 4))
                         : k == 2 ? b_input(g, "add", FV_F32, DIMS(1, 3, 8, 8))
                                  : b_input(g, "add", FV_F32, DIMS(4, 8, 8));
        b_fill(g, "w", 1, DIMS(4, 4, 1, 1));
        b_fill(g, "bias", 1, DIMS(4));
        b_node(g, FVI_OP_CONV_ADD, "x w bias add", "y");
        b_output(g, "y");
        (void)add;
        ok(fvi_graph_relink(g, NULL));
        assert_int_equal(fvi_graph_infer(g, &err), k ? FV_ERR_SHAPE : FV_OK);
        fvi_graph_free(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv_of_concat), cmocka_unit_test(test_several_parts_and_readers), cmocka_unit_test(test_stays),
        cmocka_unit_test(test_ways_to_double), cmocka_unit_test(test_addend),                    cmocka_unit_test(test_grows),
        cmocka_unit_test(test_shapes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
