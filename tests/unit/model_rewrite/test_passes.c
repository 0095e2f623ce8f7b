/* test_passes.c: each pass: the graph before, the pass, the graph after as text. */
#include "unit/model_graph/build.h"
#include "model/rewrite/rewrite.h"
#include <math.h>

static void ok(fv_status st) { assert_int_equal(st, FV_OK); }

static fvi_graph *picture(int opset)
{
    fvi_graph *g = b_graph(opset);
    b_input(g, "x", FV_F32, DIMS(1, 4, 8, 8));
    return g;
}

static fvi_node *conv(fvi_graph *g, const char *in, const char *out)
{
    char weights[32], inputs[64];
    snprintf(weights, sizeof weights, "w_%s", out);
    snprintf(inputs, sizeof inputs, "%s %s", in, weights);
    b_fill(g, weights, 0.5f, DIMS(4, 4, 1, 1));
    return b_node(g, FVI_OP_CONV, inputs, out);
}

/* ---- fold ---- */

static int evaluated;
/* Adds int64 lists; everything else is not supported. */
static fv_status eval_add(void *user, fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)user;
    (void)err;
    int64_t a[8], b[8];
    if (n->op != FVI_OP_ADD || n->out[0]->dtype != FV_I64) return FV_ERR_UNSUPPORTED;
    int count = fvi_value_ints(n->in[0], a, 8);
    assert_int_equal(fvi_value_ints(n->in[1], b, 8), count);
    int64_t *out = fvi_arena_array(g->arena, 8, sizeof *out);
    for (int i = 0; i < count; i++) out[i] = a[i] + b[i];
    n->out[0]->constant = out;
    evaluated++;
    return FV_OK;
}

static void test_fold(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    b_node(g, FVI_OP_SHAPE, "x", "s");
    b_ints(g, "d", DIMS(0, 0, 0, 0));
    b_node(g, FVI_OP_ADD, "s d", "t");
    b_ints(g, "flat", DIMS(4));
    b_node(g, FVI_OP_RESHAPE, "t flat", "u"); /* keeps the bytes */
    b_node(g, FVI_OP_RESHAPE, "x u", "y");
    b_output(g, "y");
    ok(fvi_graph_relink(g, NULL));
    evaluated = 0;
    ok(fvi_rewrite_fold(g, eval_add, NULL, NULL));
    assert_int_equal(evaluated, 1);
    b_settle(g);
    b_expect(g, "graph  opset 13\n"
                "input x: float32[1,4,8,8]\n"
                "const u: int64[4] = {1, 4, 8, 8}\n"
                "y: float32[1,4,8,8] = Reshape(x, u)\n"
                "output y: float32[1,4,8,8]\n");
    fvi_graph_free(&g);
}

/* Without arithmetic the Add stays, the shape behind it is unknown, and nothing breaks. */
static void test_fold_without_eval(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    b_node(g, FVI_OP_SHAPE, "x", "s");
    b_ints(g, "d", DIMS(0, 0, 0, 0));
    b_node(g, FVI_OP_ADD, "s d", "t");
    b_node(g, FVI_OP_RESHAPE, "x t", "y");
    b_output(g, "y");
    ok(fvi_rewrite_all(g, NULL, NULL, NULL));
    assert_int_equal(g->n_nodes, 2);
    assert_int_equal(fvi_graph_find(g, "s")->dim[0], 4);
    assert_non_null(fvi_graph_find(g, "s")->constant);
    assert_int_equal(fvi_graph_find(g, "y")->dim[0], FVI_DIM_UNKNOWN);
    fvi_graph_free(&g);
}

static void test_fold_limits_size(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    b_input(g, "x", FV_F32, DIMS(1));
    b_ints(g, "s", DIMS(1 << 26));
    b_node(g, FVI_OP_CONSTANT_OF_SHAPE, "s", "big");
    b_node(g, FVI_OP_ADD, "x big", "y");
    b_output(g, "y");
    ok(fvi_graph_relink(g, NULL));
    evaluated = 0;
    ok(fvi_rewrite_fold(g, eval_add, NULL, NULL));
    b_settle(g);
    assert_int_equal(g->n_nodes, 2);
    fvi_graph_free(&g);
}

static fv_status eval_fails(void *user, fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)user;
    (void)g;
    (void)n;
    (void)err;
    return FV_ERR_MEMORY;
}

static void test_fold_passes_errors_on(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    b_ints(g, "a", DIMS(1));
    b_node(g, FVI_OP_ADD, "a a", "y");
    b_output(g, "y");
    ok(fvi_graph_relink(g, NULL));
    assert_int_equal(fvi_rewrite_fold(g, eval_fails, NULL, NULL), FV_ERR_MEMORY);
    fvi_graph_free(&g);
}

/* ---- identity ---- */

static void clean(fvi_graph *g)
{
    bool changed = true;
    for (int i = 0; i < 4 && changed; i++) {
        changed = false;
        ok(fvi_rewrite_identity(g, &changed, NULL));
        b_settle(g);
    }
    assert_false(changed);
}

static void test_identity(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    b_node(g, FVI_OP_IDENTITY, "x", "a");
    fvi_node_set_int(g, b_node(g, FVI_OP_CAST, "a", "b"), "to", 1);
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "b", "c"), "axis", 1);
    b_ints(g, "zero", DIMS(0));
    b_ints(g, "end", DIMS(INT64_MAX));
    b_ints(g, "axis", DIMS(1));
    b_node(g, FVI_OP_SLICE, "c zero end axis", "d");
    b_ints(g, "same", DIMS(1, 4, 8, 8));
    b_node(g, FVI_OP_RESHAPE, "d same", "e");
    b_node(g, FVI_OP_RELU, "e", "f");
    b_node(g, FVI_OP_IDENTITY, "f", "y");
    b_output(g, "y");
    b_settle(g);
    assert_int_equal(g->n_nodes, 7);
    clean(g);
    b_expect(g, "graph  opset 13\n"
                "input x: float32[1,4,8,8]\n"
                "y: float32[1,4,8,8] = Relu(x)\n"
                "output y: float32[1,4,8,8]\n");
    fvi_graph_free(&g);
}

/* Things that look like identities and are not. */
static void test_not_identity(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    b_fill(g, "zero", 0, DIMS(1));
    b_fill(g, "one", 1, DIMS(1));
    b_node(g, FVI_OP_ADD, "x zero", "a"); /* weights decide nothing */
    b_node(g, FVI_OP_MUL, "a one", "b");
    b_ints(g, "last", DIMS(-1));
    b_ints(g, "first", DIMS(INT64_MIN));
    b_ints(g, "axis", DIMS(3));
    b_node(g, FVI_OP_SLICE, "b last first axis last", "c"); /* reverses */
    fvi_node_set_ints(g, b_node(g, FVI_OP_TRANSPOSE, "c", "d"), "perm", (int64_t[]){0, 1, 3, 2}, 4);
    b_output(g, "d");
    b_settle(g);
    clean(g);
    assert_int_equal(g->n_nodes, 4);
    fvi_graph_free(&g);
}

static void test_transposes_and_reshapes_merge(void **state)
{
    (void)state;
    fvi_graph *g = b_graph(13);
    b_input(g, "x", FV_F32, DIMS(2, 3, 4));
    fvi_node_set_ints(g, b_node(g, FVI_OP_TRANSPOSE, "x", "a"), "perm", (int64_t[]){1, 2, 0}, 3);
    fvi_node_set_ints(g, b_node(g, FVI_OP_TRANSPOSE, "a", "b"), "perm", (int64_t[]){2, 0, 1}, 3); /* back again */
    fvi_node_set_ints(g, b_node(g, FVI_OP_TRANSPOSE, "a", "c"), "perm", (int64_t[]){1, 0, 2}, 3);
    b_ints(g, "flat", DIMS(-1));
    b_ints(g, "rows", DIMS(6, 4));
    b_ints(g, "copy", DIMS(0, 2, 2));
    b_node(g, FVI_OP_RESHAPE, "b flat", "d");
    b_node(g, FVI_OP_RESHAPE, "d rows", "e");
    b_node(g, FVI_OP_RESHAPE, "e copy", "f"); /* the 0 needs e's shape */
    b_output(g, "c");
    b_output(g, "f");
    b_settle(g);
    clean(g);
    b_expect(g, "graph  opset 13\n"
                "input x: float32[2,3,4]\n"
                "const rows: int64[2] = {6, 4}\n"
                "const copy: int64[3] = {0, 2, 2}\n"
                "c: float32[4,3,2] = Transpose(x) {perm=[2,1,0]}\n"
                "e: float32[6,4] = Reshape(x, rows)\n"
                "f: float32[6,2,2] = Reshape(e, copy)\n"
                "output c: float32[4,3,2]\n"
                "output f: float32[6,2,2]\n");
    fvi_graph_free(&g);
}

/* ---- bn ---- */

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
                "c: float32[1,4,8,8] = Conv(x, w_c) act silu\n"
                "e: float32[1,4,8,8] = Conv(c, w_e) act clip(0, 6)\n"
                "y: float32[1,4,8,8] = Conv(e, w_h) act leaky(0.25)\n"
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
                "a: float32[1,4,8,8] = Conv(x, w_a) act silu residual x\n"
                "c: float32[1,4,8,8] = Conv(a, w_c)\n"
                "y: float32[1,4,8,8] = Conv(a, w_d) residual c\n"
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

/* ---- concat ---- */

static void test_concat(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    fvi_node_set_int(g, b_node(g, FVI_OP_SPLIT, "x", "p q"), "axis", 1);
    b_node(g, FVI_OP_RELU, "q", "r");
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "p q r", "c"), "axis", -3); /* p, q = all of x */
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "q p", "d"), "axis", 1);    /* other order */
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "c d", "e"), "axis", 1);
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "p q", "f"), "axis", 2); /* other axis */
    b_output(g, "e");
    b_output(g, "f");
    b_settle(g);
    bool changed = false;
    ok(fvi_rewrite_concat(g, &changed, NULL));
    assert_true(changed);
    b_settle(g);
    b_expect(g, "graph  opset 13\n"
                "input x: float32[1,4,8,8]\n"
                "p: float32[1,2,8,8], q: float32[1,2,8,8] = Split(x) {axis=1}\n"
                "r: float32[1,2,8,8] = Relu(q)\n"
                "e: float32[1,10,8,8] = Concat(x, r, q, p) {axis=1}\n"
                "f: float32[1,2,16,8] = Concat(p, q) {axis=2}\n"
                "output e: float32[1,10,8,8]\n"
                "output f: float32[1,2,16,8]\n");
    fvi_graph_free(&g);
}

static void test_concat_of_slices(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    b_ints(g, "i0", DIMS(0));
    b_ints(g, "i1", DIMS(1));
    b_ints(g, "i3", DIMS(3));
    b_ints(g, "end", DIMS(INT64_MAX));
    b_node(g, FVI_OP_SLICE, "x i0 i1 i1", "a");
    b_node(g, FVI_OP_SLICE, "x i1 i3 i1", "b");
    b_node(g, FVI_OP_SLICE, "x i3 end i1", "c");
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "a b c", "d"), "axis", 1);
    b_node(g, FVI_OP_RELU, "d", "y");
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "a c b", "z"), "axis", 1);
    b_output(g, "y");
    b_output(g, "z");
    b_settle(g);
    bool changed = false;
    ok(fvi_rewrite_concat(g, &changed, NULL));
    b_settle(g);
    assert_ptr_equal(fvi_graph_find(g, "y")->producer->in[0], g->inputs[0]);
    assert_int_equal(fvi_graph_find(g, "z")->producer->n_in, 3);
    fvi_graph_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold), cmocka_unit_test(test_fold_without_eval), cmocka_unit_test(test_fold_limits_size), cmocka_unit_test(test_fold_passes_errors_on),
        cmocka_unit_test(test_identity), cmocka_unit_test(test_not_identity), cmocka_unit_test(test_transposes_and_reshapes_merge),
        cmocka_unit_test(test_bn_into_conv), cmocka_unit_test(test_mul_add_into_conv_transpose), cmocka_unit_test(test_not_per_channel), cmocka_unit_test(test_bn_alone),
        cmocka_unit_test(test_bn_copies_are_bounded), cmocka_unit_test(test_silu_and_act), cmocka_unit_test(test_act_stays), cmocka_unit_test(test_two_activations),
        cmocka_unit_test(test_gelu), cmocka_unit_test(test_hard_swish), cmocka_unit_test(test_residual), cmocka_unit_test(test_residual_moves_conv),
        cmocka_unit_test(test_residual_refused), cmocka_unit_test(test_concat), cmocka_unit_test(test_concat_of_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
