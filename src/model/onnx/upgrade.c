/* upgrade.c: a graph said in a later opset, without changing what it computes. Called where something is to be written that the
 * graph's own opset does not have. */
#include "base/error.h"
#include "model/onnx/onnx.h"
#include "model/onnx/write.h"
#include <string.h>

#define FROM 11 /* before it Clip, Pad, Resize and others take their parameters elsewhere */

static fv_status no_memory(fv_error *err) { return fvi_error_set(err, FV_ERR_MEMORY, "out of memory"); }

/* Attribute `name` becomes input `at`. */
static fv_status into_input(fvi_graph *g, fvi_node *n, const char *name, int at, fv_error *err)
{
    int64_t list[FV_MAX_RANK * 8];
    int count = fvi_node_ints(n, name, list, (int)(sizeof list / sizeof *list));
    if (!fvi_node_attr(n, name) || n->n_in > at) return FV_OK;
    if (count > (int)(sizeof list / sizeof *list)) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "its list %s is too long", name);
    char *label = fvi_arena_printf(g->arena, "%s/%s", n->name, name);
    fvi_value **in = fvi_arena_array(g->arena, (size_t)at + 1, sizeof *in);
    fvi_value *c = label && in ? fvi_graph_add_constant(g, fvi_graph_find(g, label) ? NULL : label, FV_I64, 1, (int64_t[]){count}, list) : NULL;
    if (!c) return no_memory(err);
    for (int k = 0; k < n->n_in; k++) in[k] = n->in[k];
    in[at] = c;
    n->in = in;
    n->n_in = at + 1;
    int kept = 0;
    for (int i = 0; i < n->n_attr; i++)
        if (strcmp(n->attr[i].name, name)) n->attr[kept++] = n->attr[i];
    n->n_attr = kept;
    return FV_OK;
}

/* Up to opset 12 everything from the axis on is one row. */
static fv_status softmax(fvi_graph *g, fvi_node *n, fv_error *err)
{
    int64_t axis = fvi_node_int(n, "axis", 1);
    int rank = n->in[0]->rank;
    if (axis == -1 || (rank >= 0 && axis == rank - 1)) return fvi_node_set_int(g, n, "axis", -1);
    return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "opset 13 cannot say this softmax over several dimensions: export the model with opset 13 or later");
}

static fv_status upgrade(fvi_graph *g, fvi_node *n, fv_error *err)
{
    switch (n->op) {
    case FVI_OP_SQUEEZE: case FVI_OP_UNSQUEEZE: case FVI_OP_REDUCE_SUM: return into_input(g, n, "axes", 1, err);
    case FVI_OP_SPLIT: return into_input(g, n, "split", 1, err);
    case FVI_OP_SOFTMAX: case FVI_OP_LOG_SOFTMAX: case FVI_OP_HARDMAX: return softmax(g, n, err);
    default: return FV_OK;
    }
}

/* Operators that changed between 13 and 24 in ways that a larger number alone does not say. */
static bool changed_after(const fvi_node *n, int from, int to)
{
    static const struct {
        fvi_op op;
        int at;
    } changes[] = {{FVI_OP_REDUCE_MAX, 18}, {FVI_OP_REDUCE_MIN, 18}, {FVI_OP_REDUCE_MEAN, 18}, {FVI_OP_REDUCE_PROD, 18}, {FVI_OP_REDUCE_L1, 18}, {FVI_OP_REDUCE_L2, 18},
                   {FVI_OP_REDUCE_LOG_SUM, 18}, {FVI_OP_REDUCE_LOG_SUM_EXP, 18}, {FVI_OP_REDUCE_SUM_SQUARE, 18}, {FVI_OP_GROUP_NORM, 21},
                   {FVI_OP_DFT, 20}, {FVI_OP_GRID_SAMPLE, 20}};
    if (n->op == FVI_OP_SPLIT) return from < 18 && to >= 18 && n->n_in < 2; /* then num_outputs has to be there */
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        if (changes[i].op == n->op && from < changes[i].at && to >= changes[i].at) return true;
    return false;
}

static fv_status later(fvi_graph *g, fvi_node *n, int to, fv_error *err)
{
    if (n->op == FVI_OP_SPLIT && changed_after(n, n->opset, to)) {
        FVI_TRY(fvi_node_set_int(g, n, "num_outputs", n->n_out));
        return FV_OK;
    }
    if (!changed_after(n, n->opset, to)) return FV_OK;
    if (n->op != FVI_OP_GROUP_NORM && n->op != FVI_OP_DFT && n->op != FVI_OP_GRID_SAMPLE) return into_input(g, n, "axes", 1, err);
    return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "it means something else in opset %d: export the model with that opset", to);
}

fv_status fvi_onnx_upgrade(fvi_graph *g, int opset, fv_error *err)
{
    if (g->opset >= opset) return FV_OK;
    if (g->opset < FROM)
        return fvi_error_set(err, FV_ERR_UNSUPPORTED, "the model is of ONNX opset %d; to be quantised it has to be of %d at least: export it again with a later one", g->opset, FROM);
    for (int i = 0; i < g->n_nodes; i++) {
        fvi_node *n = g->nodes[i];
        if (n->domain[0] && strcmp(n->domain, "ai.onnx")) continue;
        if (n->opset < 13 && opset >= 13) FVI_TRY(upgrade(g, n, err));
        if (opset > 13) FVI_TRY(later(g, n, opset, err));
        n->opset = opset;
    }
    g->opset = opset;
    const int ir = opset >= 23 ? 11 : opset >= 21 ? 10 : opset >= 19 ? 9 : opset >= 15 ? 8 : 7;
    if (g->ir_version < ir) g->ir_version = ir;
    return FV_OK;
}
