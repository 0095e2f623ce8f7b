/* gather.c: the tail of end-to-end detectors picks rows with Gather(axis 0) on a [1,K,1] list flattened to [K,1]. For a
 * batch of one that is GatherElements along axis 1 of the list itself, which also holds image by image, so that a batch
 * can be grown (rebatch.c). */
#include "model/rewrite/internal.h"

/* The [1,K,1] value behind a [K,1] one. */
static fvi_value *list_behind(const fvi_value *v)
{
    const fvi_node *p = v->producer;
    if (!p || (p->op != FVI_OP_FLATTEN && p->op != FVI_OP_RESHAPE && p->op != FVI_OP_SQUEEZE)) return NULL;
    fvi_value *x = p->in[0];
    bool fits = v->rank == 2 && v->dim[1] == 1 && v->dim[0] > 0 && x->rank == 3 && x->dim[0] == 1 &&
                x->dim[1] == v->dim[0] && x->dim[2] == 1;
    return fits ? x : NULL;
}

static bool picks_rows(const fvi_node *n)
{
    const fvi_value *index = n->in[1];
    return n->op == FVI_OP_GATHER && fvi_node_int(n, "axis", 0) == 0 && index->rank == 2 && index->dim[0] == 1 && index->dim[1] > 0;
}

fv_status fvi_rewrite_gather(fvi_graph *g, fv_error *err)
{
    int n_nodes = g->n_nodes; /* nodes are added behind */
    for (int i = 0; i < n_nodes; i++) {
        fvi_node *n = g->nodes[i];
        fvi_value *list = picks_rows(n) ? list_behind(n->in[0]) : NULL;
        if (!list) continue;
        int64_t last = 2;
        fvi_node *u = fvi_graph_add_node(g, FVI_OP_UNSQUEEZE, NULL, 2, 1);
        if (!u) return fvi_rewrite_memory(err);
        u->opset = 13;
        u->in[0] = n->in[1];
        u->in[1] = fvi_rewrite_ints(g, &last, 1);
        u->out[0] = fvi_graph_add_value(g, NULL);
        if (!u->in[1] || !u->out[0] || fvi_node_set_int(g, n, "axis", 1) < 0) return fvi_rewrite_memory(err);
        n->op = FVI_OP_GATHER_ELEMENTS;
        n->opset = n->opset < 11 ? 11 : n->opset;
        n->in[0] = list;
        n->in[1] = u->out[0];
    }
    return FV_OK;
}
