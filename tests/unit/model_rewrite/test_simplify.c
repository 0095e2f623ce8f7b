/* test_simplify.c: passes that leave nodes out: fold, identity, concat. The graph before, the pass, the graph after as text. */
#include "passes.h"

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
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_fold_without_eval),
        cmocka_unit_test(test_fold_limits_size),
        cmocka_unit_test(test_fold_passes_errors_on),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_not_identity),
        cmocka_unit_test(test_transposes_and_reshapes_merge),
        cmocka_unit_test(test_concat),
        cmocka_unit_test(test_concat_of_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
