/* mixed_graph.c: the choice of nodes as a graph: once with 16 bit types, to be written, and once in FP32 with the same roundings, to be
 * run. A Cast stands where a value of one type is read as the other, one for all its readers. Called by mixed.c. */
#include "base/alloc.h"
#include "kern/elementwise.h"
#include "model/onnx/write.h"
#include "model/quant/mixed.h"
#include <string.h>

enum { OPSET_F16 = 13, OPSET_BF16 = 22 }; /* the first whose convolutions take the type */

typedef struct maker {
    fvi_graph *g;
    const char *const *why;
    fv_dtype to;
    fvi_value **low, **high; /* [n_values] the value in the one type and in the other, where it was asked for */
    int n_values, n_nodes, casts;
    bool round; /* FP32 in between */
} maker;

static fv_status no_memory(fv_error *err) { return fvi_error_set(err, FV_ERR_MEMORY, "out of memory"); }
static bool is_low(const maker *m, const fvi_node *n) { return n && n->id < m->n_nodes && !m->why[n->id]; }

/* NAME_float16, or a number behind it where the model has one of that name. Null: out of memory. */
static const char *name_for(const maker *m, const char *name, fv_dtype to)
{
    const char *made = fvi_arena_printf(m->g->arena, "%s_%s", name, fv_dtype_name(to));
    for (int i = 2; made && fvi_graph_find(m->g, made); i++) made = fvi_arena_printf(m->g->arena, "%s_%s_%d", name, fv_dtype_name(to), i);
    return made;
}

static fvi_value *cast(maker *m, fvi_value *v, fv_dtype to)
{
    const char *name = name_for(m, v->name, to);
    fvi_node *n = name ? fvi_graph_add_node(m->g, FVI_OP_CAST, name, 1, 1) : NULL;
    fvi_value *y = n ? fvi_graph_add_value(m->g, name) : NULL;
    if (!y || fvi_node_set_int(m->g, n, "to", to == FV_F16 ? 10 : to == FV_BF16 ? 16 : 1) < 0) return NULL;
    n->opset = m->g->opset;
    n->in[0] = v;
    n->out[0] = y;
    y->producer = n;
    n->makes = y->dtype = to;
    y->rank = v->rank;
    memcpy(y->dim, v->dim, sizeof y->dim);
    memcpy(y->symbol, v->symbol, sizeof y->symbol);
    m->casts++;
    return y;
}

/* Weights become words of 16 bits, or the floats that those stand for. */
static fvi_value *constant(maker *m, const fvi_value *v)
{
    const size_t n = (size_t)fvi_value_count(v);
    const char *name = name_for(m, v->name, m->to);
    fvi_value *c = name ? fvi_graph_add_constant(m->g, name, m->round ? FV_F32 : m->to, v->rank, v->dim, NULL) : NULL;
    uint16_t *half = m->round ? fvi_arena_array(m->g->arena, n + 1, sizeof *half) : c ? (uint16_t *)(uintptr_t)c->constant : NULL;
    if (!c || !half) return NULL;
    fvi_convert(m->to, FV_F32)(half, v->constant, n);
    if (m->round) fvi_convert(FV_F32, m->to)((void *)(uintptr_t)c->constant, half, n);
    return c;
}

static fvi_value *rounded(maker *m, fvi_value *v)
{
    fvi_value *half = cast(m, v, m->to);
    return half ? cast(m, half, FV_F32) : NULL;
}

/* What a node in 16 bits reads instead of v. */
static fvi_value *as_low(maker *m, fvi_value *v)
{
    fvi_value **there = &m->low[v->id];
    if (*there) return *there;
    if (v->constant)
        *there = constant(m, v);
    else if (!m->round && is_low(m, v->producer))
        *there = v;
    else
        *there = m->round ? rounded(m, v) : cast(m, v, m->to);
    return *there;
}

/* What any other node reads instead of v. */
static fvi_value *as_high(maker *m, fvi_value *v)
{
    if (v->constant || !is_low(m, v->producer)) return v;
    if (m->round) return as_low(m, v);
    fvi_value **there = &m->high[v->id];
    return *there ? *there : (*there = cast(m, v, FV_F32));
}

static fv_status connect(maker *m, fv_error *err)
{
    for (int i = 0; i < m->n_nodes; i++) {
        fvi_node *n = m->g->nodes[i];
        for (int k = 0; k < n->n_in; k++) {
            fvi_value *v = n->in[k];
            if (!v || v->id >= m->n_values || v->dtype != FV_F32) continue;
            n->in[k] = is_low(m, n) && fvi_mixed_takes(n, k) ? as_low(m, v) : as_high(m, v);
            if (!n->in[k]) return no_memory(err);
        }
    }
    return FV_OK;
}

static fv_status make(maker *m, fv_error *err)
{
    const size_t room = (size_t)m->g->n_values + 1;
    m->n_values = m->g->n_values;
    m->n_nodes = m->g->n_nodes;
    m->low = fvi_calloc(room, sizeof(void *));
    m->high = fvi_calloc(room, sizeof(void *));
    fv_status st = m->low && m->high ? connect(m, err) : no_memory(err);
    for (int i = 0; i < m->n_nodes && !m->round; i++) {
        fvi_node *n = m->g->nodes[i];
        for (int k = 0; k < n->n_out && is_low(m, n); k++) n->out[k]->dtype = n->makes = m->to;
    }
    fvi_free(m->low);
    fvi_free(m->high);
    if (st >= 0) st = fvi_graph_relink(m->g, err);
    return st < 0 ? st : fvi_graph_verify(m->g, err);
}

fv_status fvi_mixed_convert(fvi_graph *g, const char *const *why, fv_dtype to, int *casts, fv_error *err)
{
    maker m = {.g = g, .why = why, .to = to};
    FVI_TRY(fvi_onnx_upgrade(g, to == FV_BF16 ? OPSET_BF16 : OPSET_F16, err));
    FVI_TRY(make(&m, err));
    *casts = m.casts;
    return FV_OK;
}

fv_status fvi_mixed_round(fvi_graph *g, const char *const *why, fv_dtype to, fv_error *err)
{
    return make(&(maker){.g = g, .why = why, .to = to, .round = true}, err);
}
