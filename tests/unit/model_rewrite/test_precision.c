/* FP32 -> mixed with BF16: the graph before, the pass, the graph after as text, and what stays and why. */
#include "passes.h"
#include <math.h>

/* Two convolutions, an upsampled branch joined with them, a pool, a softmax aside, and an end. */
static fvi_graph *body(void)
{
    fvi_graph *g = picture(13);
    conv(g, "x", "a");
    conv(g, "a", "b");
    fvi_node_set_int(g, b_node(g, FVI_OP_CONCAT, "a b", "c"), "axis", 1);
    fvi_node_set_ints(g, b_node(g, FVI_OP_MAX_POOL, "c", "p"), "kernel_shape", (int64_t[]){1, 1}, 2);
    b_fill(g, "wd", 0.25f, DIMS(4, 8, 1, 1));
    b_node(g, FVI_OP_CONV, "p wd", "d");
    fvi_node_set_int(g, b_node(g, FVI_OP_SOFTMAX, "d", "s"), "axis", 1);
    conv(g, "s", "e");
    conv(g, "e", "y");
    b_output(g, "y");
    b_settle(g);
    return g;
}

static const char *why_of(const fvi_kept *kept, int n, const fvi_graph *g, const char *value)
{
    const fvi_value *v = fvi_graph_find(g, value);
    for (int i = 0; i < n; i++)
        if (v && v->producer && !strcmp(kept[i].node, v->producer->name)) return kept[i].why;
    return "";
}

static void test_types(void **state)
{
    (void)state;
    fvi_graph *g = body();
    fvi_kept *kept = NULL;
    int n = 0;
    ok(fvi_rewrite_precision(g, &kept, &n, NULL));
    const struct {
        const char *value;
        fv_dtype type;
        bool bf16;
    } want[] = {{"a", FV_BF16, true}, {"b", FV_BF16, true}, {"c", FV_BF16, false}, {"p", FV_BF16, false},
                {"d", FV_F32, true} /* its only reader stays FP32 */, {"s", FV_F32, false}, {"e", FV_F32, true}, {"y", FV_F32, false}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const fvi_value *v = fvi_graph_find(g, want[i].value);
        assert_int_equal(v->dtype, want[i].type);
        assert_int_equal(v->producer->bf16, want[i].bf16);
    }
    assert_int_equal(n, 2);
    assert_string_equal(why_of(kept, n, g, "y"), "it ends a head");
    assert_string_equal(why_of(kept, n, g, "s"), "its operator has no BF16 form");
    /* types hold when shapes are inferred anew, and in a copy */
    fvi_graph *copy = NULL;
    ok(fvi_graph_clone(&copy, g, NULL));
    ok(fvi_graph_infer(copy, NULL));
    assert_int_equal(fvi_graph_find(copy, "c")->dtype, FV_BF16);
    assert_true(fvi_graph_find(copy, "a")->producer->bf16);
    fvi_graph_free(&copy);
    fvi_graph_free(&g);
}

/* One value, read by a node of each kind: a Cast, and one only. */
static void test_casts(void **state)
{
    (void)state;
    fvi_graph *g = picture(13);
    conv(g, "x", "a");
    conv(g, "a", "b");
    b_node(g, FVI_OP_EXP, "a", "e");
    b_node(g, FVI_OP_NEG, "a", "f");
    b_node(g, FVI_OP_MUL, "e f", "m");
    b_node(g, FVI_OP_MUL, "b m", "t");
    conv(g, "t", "y");
    b_output(g, "y");
    b_settle(g);
    ok(fvi_rewrite_precision(g, NULL, NULL, NULL));
    int casts = 0;
    for (int i = 0; i < g->n_nodes; i++) casts += g->nodes[i]->op == FVI_OP_CAST;
    assert_int_equal(casts, 1);
    assert_int_equal(fvi_graph_find(g, "a")->dtype, FV_BF16);
    assert_int_equal(fvi_graph_find(g, "e")->producer->in[0]->dtype, FV_F32);
    assert_ptr_equal(fvi_graph_find(g, "e")->producer->in[0], fvi_graph_find(g, "f")->producer->in[0]);
    fvi_graph_free(&g);
}

static void test_weights_out_of_range(void **state)
{
    (void)state;
    const float wrong[] = {7e4f, INFINITY, NAN};
    for (int i = 0; i < 3; i++) {
        fvi_graph *g = picture(13);
        conv(g, "x", "a");
        conv(g, "a", "y");
        b_output(g, "y");
        b_settle(g);
        ((float *)fvi_graph_find(g, "w_a")->constant)[3] = wrong[i];
        fvi_kept *kept = NULL;
        int n = 0;
        ok(fvi_rewrite_precision(g, &kept, &n, NULL));
        assert_int_equal(n, 2);
        assert_false(fvi_graph_find(g, "a")->producer->bf16);
        assert_string_equal(why_of(kept, n, g, "a"), "a weight is past 65504 or not a number");
        fvi_graph_free(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_types), cmocka_unit_test(test_casts), cmocka_unit_test(test_weights_out_of_range)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
