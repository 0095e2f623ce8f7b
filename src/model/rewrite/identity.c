/* identity.c: nodes that change nothing go; Transpose after Transpose and Reshape after Reshape become one. Add of 0 and
 * Mul by 1 stay: whether they are identities depends on weights. */
#include "base/checked.h"
#include "model/rewrite/internal.h"

static bool perm_of(const fvi_node *n, int64_t perm[FV_MAX_RANK])
{
    int rank = n->in[0]->rank;
    if (rank < 0) return false;
    int count = fvi_node_ints(n, "perm", perm, FV_MAX_RANK);
    for (int i = 0; count == 0 && i < rank; i++) perm[i] = rank - 1 - i;
    return count == 0 || count == rank;
}

static fv_status merge_transposes(fvi_graph *g, fvi_node *n, bool *changed, fv_error *err)
{
    int64_t outer[FV_MAX_RANK], inner[FV_MAX_RANK], both[FV_MAX_RANK];
    fvi_node *p = n->in[0]->producer;
    if (!p || p->op != FVI_OP_TRANSPOSE || !perm_of(n, outer) || !perm_of(p, inner)) return FV_OK;
    for (int i = 0; i < n->in[0]->rank; i++) both[i] = inner[outer[i]];
    if (fvi_node_set_ints(g, n, "perm", both, n->in[0]->rank) < 0) return fvi_rewrite_memory(err);
    n->in[0] = p->in[0];
    *changed = true;
    return FV_OK;
}

/* Reshape of anything that only regroups. A 0 in the target copies from the inner shape, so it must not be there. */
static void merge_reshapes(fvi_node *n, bool *changed)
{
    int64_t want[FV_MAX_RANK];
    const fvi_node *p = n->in[0]->producer;
    if (!p || (p->op != FVI_OP_RESHAPE && p->op != FVI_OP_FLATTEN && p->op != FVI_OP_SQUEEZE && p->op != FVI_OP_UNSQUEEZE)) return;
    int count = fvi_value_ints(n->in[1], want, FV_MAX_RANK);
    if (count < 0) return;
    for (int i = 0; i < count; i++)
        if (want[i] == 0) return;
    n->in[0] = p->in[0];
    *changed = true;
}

static bool perm_is_identity(const fvi_node *n)
{
    int64_t perm[FV_MAX_RANK];
    if (!perm_of(n, perm)) return false;
    for (int i = 0; i < n->in[0]->rank; i++)
        if (perm[i] != i) return false;
    return true;
}

/* Same shape out as in, and every step 1 (or nothing to step over). */
static bool slice_takes_all(const fvi_node *n)
{
    int64_t step[FV_MAX_RANK];
    if (!fvi_rewrite_same_shape(n->in[0], n->out[0])) return false;
    if (n->opset < 10 || n->n_in < 5 || !n->in[4]) return true;
    int count = fvi_value_ints(n->in[4], step, FV_MAX_RANK);
    for (int i = 0; i < count; i++)
        if (step[i] != 1) return false;
    return count >= 0;
}

static bool changes_nothing(const fvi_node *n)
{
    switch (n->op) {
    case FVI_OP_IDENTITY: return true;
    case FVI_OP_CAST: return n->in[0]->dtype == n->out[0]->dtype && n->out[0]->dtype != FV_NONE;
    case FVI_OP_CONCAT: return n->n_in == 1;
    case FVI_OP_TRANSPOSE: return perm_is_identity(n);
    case FVI_OP_SLICE: return slice_takes_all(n);
    case FVI_OP_SPLIT: return n->n_out == 1;
    case FVI_OP_RESHAPE: case FVI_OP_FLATTEN: case FVI_OP_EXPAND: case FVI_OP_TILE: return fvi_rewrite_same_shape(n->in[0], n->out[0]);
    default: return false;
    }
}

fv_status fvi_rewrite_identity(fvi_graph *g, bool *changed, fv_error *err)
{
    for (int i = 0; i < g->n_nodes; i++) {
        fvi_node *n = g->nodes[i];
        fvi_node_resolve(n);
        if (n->op == FVI_OP_TRANSPOSE) FVI_TRY(merge_transposes(g, n, changed, err));
        if (n->op == FVI_OP_RESHAPE) merge_reshapes(n, changed);
        if (n->act != FVI_ACT_NONE || n->residual || !changes_nothing(n)) continue;
        *changed = *changed || n->out[0]->uses > (n->out[0]->is_output ? 1 : 0);
        fvi_graph_alias(n->out[0], n->in[0]);
    }
    return FV_OK;
}
