/* lazy_split.c: the older form of the same detectors: a level's boxes and scores are joined along channels, then the levels along anchors, then
 * all is split again. Splitting is moved in front, so that boxes and scores go ways of their own, as lazy.c wants them. */
#include "base/error.h"
#include "model/engine/lazy.h"

static fvi_node *sole(const fvi_value *v, fvi_op op)
{
    return v && v->producer && v->producer->op == op && v->uses == 1 && !v->is_output ? v->producer : NULL;
}

static bool axis_is(const fvi_node *n, const fvi_value *v, int axis)
{
    int64_t a = fvi_node_int(n, "axis", 0);
    return (a < 0 ? a + v->rank : a) == axis;
}

/* What level `in` of the long Concat joins along channels, cut as the split cuts; or null. */
static fvi_node *parts_of(const fvi_value *in, const fvi_node *split)
{
    const fvi_node *flat = sole(in, FVI_OP_RESHAPE);
    fvi_node *join = flat ? sole(flat->in[0], FVI_OP_CONCAT) : NULL;
    if (!join || join->out[0]->rank != 4 || !axis_is(join, join->out[0], 1) || join->n_in != split->n_out) return NULL;
    if (join->out[0]->dim[1] != in->dim[1] || join->out[0]->dim[2] * join->out[0]->dim[3] != in->dim[2]) return NULL;
    for (int k = 0; k < split->n_out; k++)
        if (!split->out[k] || join->in[k]->dim[1] != split->out[k]->dim[1]) return NULL;
    return join;
}

static fvi_value *flattened(fvi_graph *g, fvi_value *x, int opset)
{
    const int64_t dim[3] = {x->dim[0], x->dim[1], x->dim[2] * x->dim[3]}, three = 3;
    fvi_node *n = fvi_graph_add_node(g, FVI_OP_RESHAPE, NULL, 2, 1);
    fvi_value *shape = fvi_graph_add_constant(g, NULL, FV_I64, 1, &three, dim), *y = fvi_graph_add_value(g, NULL);
    if (!n || !shape || !y) return NULL;
    n->opset = opset;
    n->in[0] = x, n->in[1] = shape, n->out[0] = y;
    return y;
}

static bool move_split(fvi_graph *g, fvi_node *split, const fvi_node *levels)
{
    for (int k = 0; k < split->n_out; k++) {
        fvi_node *n = fvi_graph_add_node(g, FVI_OP_CONCAT, NULL, levels->n_in, 1);
        fvi_value *y = fvi_graph_add_value(g, NULL);
        if (!n || !y || fvi_node_set_int(g, n, "axis", 2) < 0) return false;
        n->opset = split->opset;
        n->out[0] = y;
        y->dtype = split->out[k]->dtype;
        for (int i = 0; i < levels->n_in; i++) {
            const fvi_node *join = levels->in[i]->producer->in[0]->producer;
            n->in[i] = flattened(g, join->in[k], split->opset);
            if (!n->in[i]) return false;
        }
        fvi_graph_alias(split->out[k], y);
    }
    return true;
}

fv_status fvi_lazy_split(fvi_graph *g, fv_error *err)
{
    const int n = g->n_nodes;
    bool changed = false;
    for (int i = 0; i < n; i++) {
        fvi_node *split = g->nodes[i];
        const fvi_node *levels = split->op == FVI_OP_SPLIT ? sole(split->in[0], FVI_OP_CONCAT) : NULL;
        if (!levels || levels->out[0]->rank != 3 || !axis_is(levels, levels->out[0], 2) || !axis_is(split, split->in[0], 1)) continue;
        bool fits = levels->n_in > 1;
        for (int k = 0; k < levels->n_in && fits; k++) fits = parts_of(levels->in[k], split) != NULL;
        for (int k = 0; k < split->n_out && fits; k++) fits = !split->out[k]->is_output;
        if (!fits) continue;
        if (!move_split(g, split, levels)) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
        changed = true;
    }
    if (!changed) return FV_OK;
    FVI_TRY(fvi_graph_relink(g, err));
    return fvi_graph_infer(g, err);
}
