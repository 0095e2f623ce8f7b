/* passes.h: what the tests of rewrites share: an input of one picture, and convolutions over it. */
#ifndef TEST_MODEL_REWRITE_PASSES_H
#define TEST_MODEL_REWRITE_PASSES_H
#include "model/rewrite/rewrite.h"
#include "unit/model_graph/build.h"

static inline void ok(fv_status st) { assert_int_equal(st, FV_OK); }

static inline fvi_graph *picture(int opset)
{
    fvi_graph *g = b_graph(opset);
    b_input(g, "x", FV_F32, DIMS(1, 4, 8, 8));
    return g;
}

static inline fvi_node *conv(fvi_graph *g, const char *in, const char *out)
{
    char weights[32], inputs[64];
    snprintf(weights, sizeof weights, "w_%s", out);
    snprintf(inputs, sizeof inputs, "%s %s", in, weights);
    b_fill(g, weights, 0.5f, DIMS(4, 4, 1, 1));
    return b_node(g, FVI_OP_CONV, inputs, out);
}
#endif
