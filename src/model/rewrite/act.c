/* act.c: an activation whose input nobody else reads moves into the epilogue of the node that computes it; or of the nodes whose
 * results, reshaped and put side by side, are its input (the class scores of a detector's feature maps). */
#include "model/rewrite/internal.h"
#include <float.h>
#include <string.h>

enum { MOST_STEPS = 8, MOST_PARTS = 16 }; /* between an activation and those that take it */

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

static bool regroups(const fvi_node *p)
{
    switch (p->op) {
    case FVI_OP_RESHAPE: case FVI_OP_TRANSPOSE: case FVI_OP_SQUEEZE: case FVI_OP_UNSQUEEZE: case FVI_OP_FLATTEN: case FVI_OP_IDENTITY: return true;
    default: return false;
    }
}

/* Does v consist of results that may take an activation, all of them and nothing else? Every value on the way has no other
 * reader, so the walk is a tree and ends. */
static bool may_take(const fvi_value *v, int depth)
{
    const fvi_node *p = fvi_rewrite_sole_producer(v);
    if (!p || depth > MOST_STEPS) return false;
    if (has_epilogue(p)) return true;
    if (regroups(p)) return may_take(p->in[0], depth + 1);
    if (p->op != FVI_OP_CONCAT || p->n_in > MOST_PARTS) return false;
    for (int i = 0; i < p->n_in; i++)
        if (!may_take(p->in[i], depth + 1)) return false;
    return true;
}

static bool take(fvi_graph *g, fvi_value *v, const activation *a)
{
    fvi_node *p = v->producer;
    if (has_epilogue(p)) {
        p->act = a->act;
        p->act_alpha = a->alpha;
        p->act_beta = a->beta;
        return true;
    }
    for (int i = 0; i < (p->op == FVI_OP_CONCAT ? p->n_in : 1); i++)
        if (!fvi_rewrite_rename(g, p->in[i]) || !take(g, p->in[i], a)) return false;
    return true;
}

fv_status fvi_rewrite_act(fvi_graph *g, fv_error *err)
{
    for (int i = 0; i < g->n_nodes; i++) {
        fvi_node *n = g->nodes[i];
        activation a;
        fvi_node_resolve(n);
        if (!read_activation(n, &a) || n->act != FVI_ACT_NONE) continue;
        if (!may_take(n->in[0], 0)) continue;
        if (!take(g, n->in[0], &a)) return fvi_rewrite_memory(err);
        fvi_rewrite_fuse(n->out[0], n->in[0]);
    }
    return FV_OK;
}
