/* graph.c: making graphs: values, nodes, constants, lookups, replacing uses. Called by the importer and by every rewrite;
 * order and dead code are relink.c's, invariants verify.c's. */
#include "model/graph/graph.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "model/graph/limits.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

fv_status fvi_graph_create(fvi_graph **out, fv_error *err)
{
    *out = NULL;
    fvi_graph *g = fvi_calloc(1, sizeof *g);
    if (g) g->arena = fvi_arena_create(0);
    if (!g || !g->arena) {
        fvi_free(g);
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for a graph");
    }
    *out = g;
    return FV_OK;
}

void fvi_graph_free(fvi_graph **g)
{
    if (!g || !*g) return;
    for (int i = 0; i < (*g)->n_maps; i++) fvi_map_close(&(*g)->maps[i]);
    fvi_free((*g)->values);
    fvi_free((*g)->nodes);
    fvi_arena_free(&(*g)->arena);
    FVI_FREE(*g);
}

fvi_value *fvi_graph_add_value(fvi_graph *g, const char *name)
{
    fvi_value *v = fvi_arena_alloc(g->arena, sizeof *v);
    if (!v || !fvi_grow((void **)&g->values, (size_t)g->n_values, &g->cap_values, sizeof *g->values)) return NULL;
    v->name = name ? fvi_arena_strdup(g->arena, name) : fvi_arena_printf(g->arena, "~%lld", (long long)g->counter++);
    if (!v->name) return NULL;
    v->rank = -1;
    v->id = g->n_values;
    g->values[g->n_values++] = v;
    return v;
}

fvi_value *fvi_graph_add_constant(fvi_graph *g, const char *name, fv_dtype dtype, int rank, const int64_t *dim,
                                  const void *data)
{
    if (rank < 0 || rank > FV_MAX_RANK || fv_dtype_size(dtype) == 0) return NULL;
    size_t bytes = fv_dtype_size(dtype);
    for (int i = 0; i < rank; i++)
        if (dim[i] < 0 || !fvi_mul_size(bytes, (size_t)dim[i], &bytes)) return NULL;
    void *copy = fvi_arena_alloc(g->arena, bytes ? bytes : 1);
    fvi_value *v = copy ? fvi_graph_add_value(g, name) : NULL;
    if (!v) return NULL;
    if (data && bytes) memcpy(copy, data, bytes);
    v->dtype = dtype;
    v->rank = rank;
    for (int i = 0; i < rank; i++) v->dim[i] = dim[i];
    v->constant = copy;
    return v;
}

fvi_node *fvi_graph_add_node(fvi_graph *g, fvi_op op, const char *name, int n_in, int n_out)
{
    fvi_node *n = fvi_arena_alloc(g->arena, sizeof *n);
    if (!n || !fvi_grow((void **)&g->nodes, (size_t)g->n_nodes, &g->cap_nodes, sizeof *g->nodes)) return NULL;
    n->op = op;
    n->name = name ? fvi_arena_strdup(g->arena, name) : fvi_arena_printf(g->arena, "~%lld", (long long)g->counter++);
    n->domain = fvi_arena_strdup(g->arena, "");
    n->in = fvi_arena_array(g->arena, n_in > 0 ? (size_t)n_in : 1, sizeof *n->in);
    n->out = fvi_arena_array(g->arena, n_out > 0 ? (size_t)n_out : 1, sizeof *n->out);
    if (!n->name || !n->domain || !n->in || !n->out) return NULL;
    n->opset = g->opset;
    n->n_in = n_in;
    n->n_out = n_out;
    n->id = g->n_nodes;
    g->nodes[g->n_nodes++] = n;
    return n;
}

fvi_value *fvi_graph_find(const fvi_graph *g, const char *name)
{
    for (int i = 0; i < g->n_values; i++)
        if (strcmp(g->values[i]->name, name) == 0) return g->values[i];
    return NULL;
}

const char *fvi_graph_meta(const fvi_graph *g, const char *key)
{
    for (int i = 0; i < g->n_meta; i++)
        if (strcmp(g->meta[i].key, key) == 0) return g->meta[i].value;
    return NULL;
}

int64_t fvi_value_count(const fvi_value *v)
{
    int64_t count = 1;
    if (v->rank < 0) return -1;
    for (int i = 0; i < v->rank; i++)
        if (v->dim[i] < 0 || !fvi_mul_i64(count, v->dim[i], &count)) return -1;
    return count;
}

int fvi_value_ints(const fvi_value *v, int64_t *out, int max)
{
    if (!v || !v->constant || (v->dtype != FV_I64 && v->dtype != FV_I32)) return -1;
    int64_t count = fvi_value_count(v);
    if (count < 0 || count > max) return -1;
    for (int64_t i = 0; i < count; i++) {
        if (v->dtype == FV_I64) {
            memcpy(&out[i], (const char *)v->constant + 8 * i, 8);
        } else {
            int32_t x;
            memcpy(&x, (const char *)v->constant + 4 * i, 4);
            out[i] = x;
        }
    }
    return (int)count;
}

bool fvi_value_scalar(const fvi_value *v, float *out)
{
    if (!v || !v->constant || v->dtype != FV_F32 || fvi_value_count(v) != 1) return false;
    memcpy(out, v->constant, sizeof *out);
    return true;
}

/* ---- replacing ---- */

/* Graph output k reads `to` from now on and keeps its public name, unless `to` has one itself. */
static void output_takes(fvi_graph *g, int k, fvi_value *to)
{
    fvi_value *from = g->outputs[k];
    if (to->is_input || to->is_output) return;
    char *name = to->name;
    to->name = from->name;
    from->name = name;
    to->is_output = true;
    from->is_output = false;
    g->outputs[k] = to;
}

static fvi_value *resolve(fvi_value *v)
{
    fvi_value *end = v;
    while (end && end->alias) end = end->alias;
    while (v && v->alias && v->alias != end) { /* shorten the path for the next one */
        fvi_value *next = v->alias;
        v->alias = end;
        v = next;
    }
    return end;
}

void fvi_graph_alias(fvi_value *from, fvi_value *to)
{
    to = resolve(to);
    if (from != to) from->alias = to;
}

void fvi_node_resolve(fvi_node *n)
{
    for (int k = 0; k < n->n_in; k++) n->in[k] = resolve(n->in[k]);
    n->residual = resolve(n->residual);
}

void fvi_graph_resolve_all(fvi_graph *g)
{
    for (int i = 0; i < g->n_nodes; i++) fvi_node_resolve(g->nodes[i]);
    for (int k = 0; k < g->n_outputs; k++)
        if (g->outputs[k]->alias) output_takes(g, k, resolve(g->outputs[k]));
    for (int i = 0; i < g->n_values; i++) g->values[i]->alias = NULL;
}

fv_status fvi_node_error(const fvi_node *n, fv_error *err, fv_status status, const char *fmt, ...)
{
    char text[320];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return fvi_error_set(err, status, "node \"%.120s\" (%s): %s", n->name, fvi_op_get(n->op)->name, text);
}
