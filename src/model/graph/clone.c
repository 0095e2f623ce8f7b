/* clone.c: a copy of a graph to specialise (input shapes, batch) without touching the one it came from. Constant data is
 * borrowed. Called by the engine for every plan. */
#include "base/error.h"
#include "base/checked.h"
#include "model/graph/graph.h"
#include "model/graph/limits.h"
#include <string.h>

static char *copy_text(fvi_graph *g, const char *s) { return s ? fvi_arena_strdup(g->arena, s) : NULL; }
static bool lost(const char *copy, const char *s) { return s && !copy; }

static bool copy_value(fvi_graph *g, fvi_value *to, const fvi_value *from)
{
    char *name = to->name;
    *to = *from;
    to->name = name;
    to->producer = NULL;
    to->from = NULL;
    for (int d = 0; d < FV_MAX_RANK; d++) {
        to->symbol[d] = copy_text(g, from->symbol[d]);
        if (lost(to->symbol[d], from->symbol[d])) return false;
    }
    return true;
}

static void *copy_array(fvi_graph *g, const void *from, int count, size_t size)
{
    void *to = fvi_arena_array(g->arena, count > 0 ? (size_t)count : 1, size);
    if (to && count > 0) memcpy(to, from, (size_t)count * size);
    return to;
}

static bool copy_attr(fvi_graph *g, fvi_attr *to, const fvi_attr *from)
{
    *to = *from;
    to->name = copy_text(g, from->name);
    to->s = copy_text(g, from->s);
    if (lost(to->name, from->name) || lost(to->s, from->s)) return false;
    if (from->ints && !(to->ints = copy_array(g, from->ints, from->count, sizeof *from->ints))) return false;
    if (from->floats && !(to->floats = copy_array(g, from->floats, from->count, sizeof *from->floats))) return false;
    if (from->tensor) {
        to->tensor = copy_array(g, from->tensor, 1, sizeof *from->tensor);
        if (!to->tensor) return false;
        to->tensor->name = copy_text(g, from->tensor->name);
        if (lost(to->tensor->name, from->tensor->name)) return false;
    }
    return true;
}

static fvi_value *mapped(const fvi_graph *g, const fvi_value *v) { return v ? g->values[v->id] : NULL; }

static bool copy_node(fvi_graph *g, const fvi_node *from)
{
    fvi_node *n = fvi_graph_add_node(g, from->op, from->name, from->n_in, from->n_out);
    if (!n) return false;
    n->domain = copy_text(g, from->domain);
    n->opset = from->opset;
    for (int k = 0; k < n->n_in; k++) n->in[k] = mapped(g, from->in[k]);
    for (int k = 0; k < n->n_out; k++) {
        n->out[k] = mapped(g, from->out[k]);
        if (!n->out[k]->constant) n->out[k]->producer = n;
    }
    n->act = from->act;
    n->act_alpha = from->act_alpha;
    n->act_beta = from->act_beta;
    n->residual = mapped(g, from->residual);
    n->bf16 = from->bf16;
    n->makes = from->makes;
    n->n_attr = from->n_attr;
    n->attr = fvi_arena_array(g->arena, (size_t)from->n_attr + 1, sizeof *n->attr);
    if (!n->attr || lost(n->domain, from->domain)) return false;
    for (int i = 0; i < n->n_attr; i++)
        if (!copy_attr(g, &n->attr[i], &from->attr[i])) return false;
    return true;
}

static bool copy_ports(fvi_graph *g, const fvi_graph *from)
{
    g->inputs = fvi_arena_array(g->arena, (size_t)from->n_inputs + 1, sizeof *g->inputs);
    g->outputs = fvi_arena_array(g->arena, (size_t)from->n_outputs + 1, sizeof *g->outputs);
    g->meta = fvi_arena_array(g->arena, (size_t)from->n_meta + 1, sizeof *g->meta);
    if (!g->inputs || !g->outputs || !g->meta) return false;
    for (int i = 0; i < from->n_inputs; i++) g->inputs[i] = mapped(g, from->inputs[i]);
    for (int i = 0; i < from->n_outputs; i++) g->outputs[i] = mapped(g, from->outputs[i]);
    for (int i = 0; i < from->n_meta; i++) {
        g->meta[i] = (fvi_meta){copy_text(g, from->meta[i].key), copy_text(g, from->meta[i].value)};
        if (!g->meta[i].key || !g->meta[i].value) return false;
    }
    g->n_inputs = from->n_inputs;
    g->n_outputs = from->n_outputs;
    g->n_meta = from->n_meta;
    return true;
}

static bool copy_graph(fvi_graph *g, const fvi_graph *from)
{
    g->name = copy_text(g, from->name);
    g->producer = copy_text(g, from->producer);
    g->note = copy_text(g, from->note);
    g->ir_version = from->ir_version;
    g->opset = from->opset;
    g->counter = from->counter;
    if (lost(g->name, from->name) || lost(g->producer, from->producer) || lost(g->note, from->note)) return false;
    for (int i = 0; i < from->n_values; i++) {
        fvi_value *v = fvi_graph_add_value(g, from->values[i]->name);
        if (!v || !copy_value(g, v, from->values[i])) return false;
        v->id = i;
    }
    for (int i = 0; i < from->n_nodes; i++)
        if (!copy_node(g, from->nodes[i])) return false;
    return copy_ports(g, from);
}

fv_status fvi_graph_clone(fvi_graph **out, const fvi_graph *g, fv_error *err)
{
    fvi_graph *copy = NULL;
    *out = NULL;
    FVI_TRY(fvi_graph_create(&copy, err));
    if (!copy_graph(copy, g)) {
        fvi_graph_free(&copy);
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for a copy of the graph");
    }
    *out = copy;
    return FV_OK;
}

fv_status fvi_graph_set_input_shape(fvi_graph *g, int input, int rank, const int64_t *dim, fv_error *err)
{
    if (input < 0 || input >= g->n_inputs || rank < 0 || rank > FV_MAX_RANK)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "input %d with %d dimensions cannot be set", input, rank);
    fvi_value *v = g->inputs[input];
    int64_t count = 1;
    for (int i = 0; i < rank; i++)
        if (dim[i] != FVI_DIM_UNKNOWN && (dim[i] < 1 || !fvi_mul_i64(count, dim[i], &count) || count > FVI_MAX_ELEMENTS))
            return fvi_error_set(err, FV_ERR_SHAPE, "input \"%.120s\": dimension %d cannot be %lld", v->name, i, (long long)dim[i]);
    v->rank = rank;
    for (int i = 0; i < FV_MAX_RANK; i++) {
        v->dim[i] = i < rank ? dim[i] : 0;
        if (v->dim[i] != FVI_DIM_UNKNOWN) v->symbol[i] = NULL;
    }
    for (int i = 0; i < g->n_values; i++)
        if (g->values[i]->producer) g->values[i]->rank = -1;
    return FV_OK;
}
