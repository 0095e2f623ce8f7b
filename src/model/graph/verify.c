/* verify.c: the invariants that passes rely on, checked after each pass in tests and at the end of import and rewriting. */
#include "base/error.h"
#include "model/graph/graph.h"
#include "model/graph/limits.h"

static bool listed(const fvi_graph *g, const fvi_value *v) { return v->id >= 0 && v->id < g->n_values && g->values[v->id] == v; }

static fv_status check_value(const fvi_value *v, fv_error *err)
{
    if (v->alias) return fvi_error_set(err, FV_ERR_INTERNAL, "value \"%.120s\" was replaced but the graph not relinked", v->name);
    if (v->rank < -1 || v->rank > FV_MAX_RANK)
        return fvi_error_set(err, FV_ERR_INTERNAL, "value \"%.120s\" has rank %d", v->name, v->rank);
    for (int i = 0; i < v->rank; i++)
        if (v->dim[i] < FVI_DIM_UNKNOWN || v->dim[i] > FVI_MAX_ELEMENTS || (v->constant && v->dim[i] < 0))
            return fvi_error_set(err, FV_ERR_INTERNAL, "value \"%.120s\" has a dimension of %lld", v->name, (long long)v->dim[i]);
    if (v->constant && (v->producer || v->is_input || v->rank < 0 || v->dtype == FV_NONE))
        return fvi_error_set(err, FV_ERR_INTERNAL, "constant \"%.120s\" is also computed or has no shape", v->name);
    if (v->is_input && v->producer)
        return fvi_error_set(err, FV_ERR_INTERNAL, "input \"%.120s\" is also computed", v->name);
    return FV_OK;
}

static fv_status check_edge(const fvi_graph *g, const fvi_node *n, const fvi_value *v, fv_error *err)
{
    if (!v) return FV_OK;
    if (!listed(g, v)) return fvi_node_error(n, err, FV_ERR_INTERNAL, "reads \"%.100s\", which is not in the graph", v->name);
    if (v->constant || v->is_input) return FV_OK;
    if (!v->producer) return fvi_node_error(n, err, FV_ERR_INTERNAL, "reads \"%.100s\", which nothing computes", v->name);
    if (v->producer->id >= n->id) return fvi_node_error(n, err, FV_ERR_INTERNAL, "runs before its input \"%.100s\"", v->name);
    return FV_OK;
}

static fv_status check_node(const fvi_graph *g, const fvi_node *n, int index, fv_error *err)
{
    const fvi_op_info *op = fvi_op_get(n->op);
    if (n->id != index || n->n_in < op->min_in || n->n_in > op->max_in || n->n_out < op->min_out || n->n_out > op->max_out)
        return fvi_node_error(n, err, FV_ERR_INTERNAL, "wrong id or number of inputs (%d) or outputs (%d)", n->n_in, n->n_out);
    for (int k = 0; k < n->n_in; k++) {
        if (k < op->min_in && !n->in[k]) return fvi_node_error(n, err, FV_ERR_INTERNAL, "input %d is missing", k);
        FVI_TRY(check_edge(g, n, n->in[k], err));
    }
    FVI_TRY(check_edge(g, n, n->residual, err));
    for (int k = 0; k < n->n_out; k++) {
        if (!n->out[k] || !listed(g, n->out[k])) return fvi_node_error(n, err, FV_ERR_INTERNAL, "output %d is not in the graph", k);
        if (n->out[k]->producer != n) return fvi_node_error(n, err, FV_ERR_INTERNAL, "output %d has another producer", k);
    }
    return FV_OK;
}

static fv_status check_uses(const fvi_graph *g, fv_error *err)
{
    int64_t have = 0, want = g->n_outputs;
    for (int i = 0; i < g->n_values; i++) have += g->values[i]->uses;
    for (int i = 0; i < g->n_nodes; i++) {
        for (int k = 0; k < g->nodes[i]->n_in; k++) want += g->nodes[i]->in[k] != NULL;
        want += g->nodes[i]->residual != NULL;
    }
    if (have != want)
        return fvi_error_set(err, FV_ERR_INTERNAL, "uses do not add up: %lld counted, %lld there", (long long)have,
                             (long long)want);
    return FV_OK;
}

fv_status fvi_graph_verify(const fvi_graph *g, fv_error *err)
{
    for (int i = 0; i < g->n_values; i++) {
        if (g->values[i]->id != i) return fvi_error_set(err, FV_ERR_INTERNAL, "value \"%.120s\" has a wrong id", g->values[i]->name);
        FVI_TRY(check_value(g->values[i], err));
    }
    for (int i = 0; i < g->n_nodes; i++) FVI_TRY(check_node(g, g->nodes[i], i, err));
    for (int i = 0; i < g->n_inputs; i++)
        if (!listed(g, g->inputs[i]) || !g->inputs[i]->is_input)
            return fvi_error_set(err, FV_ERR_INTERNAL, "input %d is not in the graph", i);
    for (int i = 0; i < g->n_outputs; i++) {
        const fvi_value *v = g->outputs[i];
        if (!listed(g, v) || !v->is_output) return fvi_error_set(err, FV_ERR_INTERNAL, "output %d is not in the graph", i);
        if (!v->producer && !v->constant && !v->is_input)
            return fvi_error_set(err, FV_ERR_MODEL, "nothing computes the output \"%.120s\"", v->name);
    }
    return check_uses(g, err);
}
