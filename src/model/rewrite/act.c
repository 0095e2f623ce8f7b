/* act.c: an activation whose input nobody else reads moves into the epilogue of the node that computes it. */
#include "model/rewrite/internal.h"
#include <float.h>
#include <string.h>

typedef struct activation {
    fvi_act act;
    float alpha, beta;
} activation;

/* Bounds of Clip: attributes before opset 11, then constant inputs; either may be missing. */
static bool clip_bounds(const fvi_node *n, activation *a)
{
    *a = (activation){FVI_ACT_CLIP, -FLT_MAX, FLT_MAX};
    if (n->opset < 11) {
        a->alpha = fvi_node_float(n, "min", a->alpha);
        a->beta = fvi_node_float(n, "max", a->beta);
        return true;
    }
    if (n->n_in > 1 && n->in[1] && !fvi_value_scalar(n->in[1], &a->alpha)) return false;
    return n->n_in < 3 || !n->in[2] || fvi_value_scalar(n->in[2], &a->beta);
}

static bool read_activation(const fvi_node *n, activation *a)
{
    *a = (activation){FVI_ACT_NONE, 0, 0};
    switch (n->op) {
    case FVI_OP_RELU: a->act = FVI_ACT_RELU; return true;
    case FVI_OP_SIGMOID: a->act = FVI_ACT_SIGMOID; return true;
    case FVI_OP_SILU: a->act = FVI_ACT_SILU; return true;
    case FVI_OP_TANH: a->act = FVI_ACT_TANH; return true;
    case FVI_OP_HARD_SWISH: a->act = FVI_ACT_HARDSWISH; return true;
    case FVI_OP_GELU: a->act = FVI_ACT_GELU; return strcmp(fvi_node_string(n, "approximate", "none"), "none") == 0;
    case FVI_OP_LEAKY_RELU: *a = (activation){FVI_ACT_LEAKY, fvi_node_float(n, "alpha", 0.01f), 0}; return true;
    case FVI_OP_HARD_SIGMOID: *a = (activation){FVI_ACT_HARDSIGMOID, fvi_node_float(n, "alpha", 0.2f), fvi_node_float(n, "beta", 0.5f)}; return true;
    case FVI_OP_CLIP: return clip_bounds(n, a);
    default: return false;
    }
}

static bool has_epilogue(const fvi_node *p)
{
    return (p->op == FVI_OP_CONV || p->op == FVI_OP_CONV_TRANSPOSE || p->op == FVI_OP_GEMM || p->op == FVI_OP_MATMUL ||
            p->op == FVI_OP_ADD) &&
           p->act == FVI_ACT_NONE && !p->residual && p->out[0]->dtype == FV_F32;
}

fv_status fvi_rewrite_act(fvi_graph *g, fv_error *err)
{
    (void)err;
    for (int i = 0; i < g->n_nodes; i++) {
        fvi_node *n = g->nodes[i];
        activation a;
        fvi_node_resolve(n);
        if (!read_activation(n, &a) || n->act != FVI_ACT_NONE) continue;
        fvi_node *p = fvi_rewrite_sole_producer(n->in[0]);
        if (!p || !has_epilogue(p)) continue;
        p->act = a.act;
        p->act_alpha = a.alpha;
        p->act_beta = a.beta;
        fvi_rewrite_fuse(n->out[0], n->in[0]);
    }
    return FV_OK;
}
