/* fold.c: nodes whose inputs are all constants become constants; Shape and Size of a known shape too. Shapes are inferred on the
 * way, because a folded value may be what the next node's shape depends on. Run first, on the imported graph. */
#include "base/checked.h"
#include "model/rewrite/internal.h"
#include <string.h>

#define MAX_RESULT ((int64_t)64 << 20) /* bytes of one node's results */
#define MAX_TOTAL ((int64_t)512 << 20) /* bytes of all results of one run */

/* Nodes that only rename or regroup the elements: the constant's bytes stay. */
static bool keeps_bytes(const fvi_node *n)
{
    switch (n->op) {
    case FVI_OP_IDENTITY: case FVI_OP_RESHAPE: case FVI_OP_FLATTEN: case FVI_OP_SQUEEZE: case FVI_OP_UNSQUEEZE: return true;
    case FVI_OP_CAST: return n->in[0]->dtype == n->out[0]->dtype;
    default: return false;
    }
}

static bool all_constant(const fvi_node *n)
{
    for (int k = 0; k < n->n_in; k++)
        if (n->in[k] && !n->in[k]->constant) return false;
    return n->act == FVI_ACT_NONE && !n->residual;
}

/* Bytes of the results; -1 = unknown or too many. */
static int64_t result_bytes(const fvi_node *n)
{
    int64_t total = 0;
    for (int k = 0; k < n->n_out; k++) {
        int64_t count = fvi_value_count(n->out[k]), size = (int64_t)fv_dtype_size(n->out[k]->dtype);
        if (count < 0 || size == 0 || count > MAX_RESULT / size) return -1;
        total += count * size;
    }
    return total <= MAX_RESULT ? total : -1;
}

/* Shape (with start and end, opset 15) when the part asked for is known. */
static fv_status fold_shape(fvi_graph *g, fvi_node *n, fv_error *err)
{
    const fvi_value *x = n->in[0];
    int64_t start = fvi_node_int(n, "start", 0), count = n->out[0]->dim[0];
    start = start < 0 ? start + x->rank : start;
    start = start < 0 ? 0 : fvi_min_i64(start, x->rank);
    for (int64_t i = start; i < start + count; i++)
        if (x->dim[i] < 0) return FV_OK;
    int64_t *data = fvi_arena_array(g->arena, FV_MAX_RANK, sizeof *data);
    if (!data) return fvi_rewrite_memory(err);
    memcpy(data, x->dim + start, (size_t)count * sizeof *data);
    n->out[0]->constant = data;
    return FV_OK;
}

static fv_status fold_size(fvi_graph *g, fvi_node *n, fv_error *err)
{
    int64_t count = fvi_value_count(n->in[0]), *data;
    if (count < 0) return FV_OK;
    data = fvi_arena_array(g->arena, 1, sizeof *data);
    if (!data) return fvi_rewrite_memory(err);
    *data = count;
    n->out[0]->constant = data;
    return FV_OK;
}

/* Where floats come from bytes, whoever computes with bytes (bytes.c) wants those. */
static bool remember_bytes(fvi_graph *g, const fvi_node *n)
{
    const fvi_value *x = n->in[0];
    if (n->op != FVI_OP_DEQUANTIZE_LINEAR || (x->dtype != FV_I8 && x->dtype != FV_U8) || fvi_node_int(n, "block_size", 0)) return true;
    fvi_dequant *from = fvi_arena_array(g->arena, 1, sizeof *from);
    const int64_t axis = fvi_node_int(n, "axis", 1);
    if (!from) return false;
    *from = (fvi_dequant){x, n->in[1], n->n_in > 2 ? n->in[2] : NULL, (int)(axis < 0 ? axis + x->rank : axis)};
    n->out[0]->from = from;
    return true;
}

static fv_status fold_node(fvi_graph *g, fvi_node *n, fvi_eval_fn eval, void *user, int64_t *budget, fv_error *err)
{
    if (n->op == FVI_OP_SHAPE) return fold_shape(g, n, err);
    if (n->op == FVI_OP_SIZE) return fold_size(g, n, err);
    if (!all_constant(n)) return FV_OK;
    int64_t bytes = result_bytes(n);
    if (bytes < 0) return FV_OK;
    if (n->op == FVI_OP_CONSTANT) {
        n->out[0]->constant = fvi_node_attr(n, "value")->tensor->constant;
        return FV_OK;
    }
    if (keeps_bytes(n)) {
        n->out[0]->constant = n->in[0]->constant;
        return FV_OK;
    }
    if (!eval || bytes > *budget) return FV_OK;
    if (!remember_bytes(g, n)) return fvi_rewrite_memory(err);
    fv_error why = {0};
    fv_status st = eval(user, g, n, &why);
    if (st == FV_ERR_UNSUPPORTED) return FV_OK;
    if (st < 0) {
        if (err) *err = why;
        return st;
    }
    *budget -= bytes;
    for (int k = 0; k < n->n_out; k++)
        if (!n->out[k]->constant) return fvi_node_error(n, err, FV_ERR_INTERNAL, "was evaluated without a result");
    return FV_OK;
}

fv_status fvi_rewrite_fold(fvi_graph *g, fvi_eval_fn eval, void *user, fv_error *err)
{
    int64_t budget = MAX_TOTAL;
    for (int i = 0; i < g->n_nodes; i++) {
        FVI_TRY(fvi_graph_infer_node(g, g->nodes[i], err));
        FVI_TRY(fold_node(g, g->nodes[i], eval, user, &budget, err));
    }
    return FV_OK;
}
