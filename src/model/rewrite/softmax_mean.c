/* softmax_mean.c: a Softmax over channels and a 1x1 convolution of all of them to one channel are a weighted mean (the decoding of
 * box sides from bins in YOLO's "DFL"): fovea.SoftmaxMean, in one pass, whatever the weights are. A Transpose between the two
 * moves in front. */
#include "model/rewrite/internal.h"

/* The Softmax over dimension `axis` of v alone. */
static fvi_node *softmax_over(const fvi_value *v, int64_t axis)
{
    fvi_node *p = fvi_rewrite_sole_producer(v);
    if (!p || p->op != FVI_OP_SOFTMAX || v->dtype != FV_F32 || v->rank != 4) return NULL;
    int64_t a = fvi_node_int(p, "axis", p->opset < 13 ? 1 : -1);
    if (a < 0) a += 4;
    if (p->opset < 13 && a != 3) return NULL; /* over all dimensions from there on */
    return a == axis ? p : NULL;
}

static fvi_node *transpose_of(const fvi_value *v, int64_t perm[4])
{
    fvi_node *p = fvi_rewrite_sole_producer(v);
    return p && p->op == FVI_OP_TRANSPOSE && fvi_node_ints(p, "perm", perm, 4) == 4 ? p : NULL;
}

static bool is_mean(const fvi_node *n)
{
    return fvi_rewrite_is_pointwise(n) && n->in[1]->dim[0] == 1 && (n->n_in < 3 || !n->in[2]) && n->act == FVI_ACT_NONE && !n->residual;
}

fv_status fvi_rewrite_softmax_mean(fvi_graph *g, fv_error *err)
{
    for (int i = 0; i < g->n_nodes; i++) {
        fvi_node *n = g->nodes[i];
        int64_t perm[4];
        if (!is_mean(n)) continue;
        fvi_node *t = transpose_of(n->in[0], perm), *s = softmax_over(t ? t->in[0] : n->in[0], t ? perm[1] : 1);
        if (!s) continue;
        if (t) {
            if (!fvi_rewrite_rename(g, t->out[0])) return fvi_rewrite_memory(err);
            t->in[0] = s->in[0];
        } else {
            n->in[0] = s->in[0];
        }
        n->op = FVI_OP_SOFTMAX_MEAN;
        n->domain = fvi_arena_strdup(g->arena, "fovea");
        if (!n->domain) return fvi_rewrite_memory(err);
        n->opset = 1;
        n->n_in = 2;
        n->n_attr = 0;
    }
    return FV_OK;
}
