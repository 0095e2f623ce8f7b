/* residual.c: Add of a Conv's result that nobody else reads, and another feature map of the same shape: the Conv adds it
 * in its epilogue, after the activation: out = act(conv(x)) + residual. */
#include "model/rewrite/internal.h"

/* Conv whose output `a` may take `b` as residual. */
static fvi_node *taker(const fvi_value *a, const fvi_value *b)
{
    fvi_node *p = fvi_rewrite_sole_producer(a);
    if (!p || (p->op != FVI_OP_CONV && p->op != FVI_OP_CONV_ADD) || p->out[0]->rank > 4 || p->residual || b->constant || a->dtype != FV_F32 || b->dtype != FV_F32) return NULL;
    return fvi_rewrite_same_shape(a, b) ? p : NULL;
}

fv_status fvi_rewrite_residual(fvi_graph *g, fv_error *err)
{
    (void)err;
    for (int i = 0; i < g->n_nodes; i++) {
        fvi_node *n = g->nodes[i];
        fvi_node_resolve(n);
        if (n->op != FVI_OP_ADD || n->act != FVI_ACT_NONE || n->residual) continue;
        fvi_node *p0 = taker(n->in[0], n->in[1]), *p1 = taker(n->in[1], n->in[0]);
        /* of two the later one, whose partner is there already */
        int side = !p0 || (p1 && p1->id > p0->id);
        fvi_node *p = side ? p1 : p0;
        if (!p) continue;
        p->residual = n->in[1 - side];
        fvi_rewrite_fuse(n->out[0], n->in[side]);
    }
    return FV_OK;
}
