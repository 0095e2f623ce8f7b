/* quant.c: quantised graphs on float kernels. DequantizeLinear(QuantizeLinear(x)) -> fovea.FakeQuant (no bytes in between);
 * one that changes nothing is dropped; what is computed element by element from one value of 8 bits -> a table of 256
 * results, fovea.QuantTable; Cast(ConvInteger) -> fovea.ConvIntegerFloat. Every result keeps its bits. */
#include "model/rewrite/internal.h"
#include <string.h>

/* ---- pairs ---- */

static bool one_constant(const fvi_value *v) { return v && v->constant && fvi_value_count(v) == 1; }

static bool same_constant(const fvi_value *a, const fvi_value *b)
{
    if (a == b) return true;
    return one_constant(a) && one_constant(b) && a->dtype == b->dtype && memcmp(a->constant, b->constant, fv_dtype_size(a->dtype)) == 0;
}

static fv_status become_float(fvi_graph *g, fvi_node *n, fvi_op op, fv_error *err)
{
    n->op = op;
    n->domain = fvi_arena_strdup(g->arena, "fovea");
    n->opset = 1;
    return n->domain ? FV_OK : fvi_rewrite_memory(err);
}

/* Scale and zero point are one constant each, the same for both. */
static bool is_pair(const fvi_node *d, const fvi_node *q)
{
    return q && q->op == FVI_OP_QUANTIZE_LINEAR && d->n_in == 3 && q->n_in == 3 && d->in[2] && q->in[2] && d->in[1]->dtype == FV_F32 && q->in[0]->dtype == FV_F32 &&
           one_constant(d->in[1]) && one_constant(d->in[2]) && same_constant(d->in[1], q->in[1]) && same_constant(d->in[2], q->in[2]);
}

static fv_status join_pairs(fvi_graph *g, fv_error *err)
{
    fvi_value **made = fvi_calloc((size_t)g->n_values + 1, sizeof *made); /* by the quantised value */
    if (!made) return fvi_rewrite_memory(err);
    fv_status st = FV_OK;
    for (int i = 0; i < g->n_nodes && st == FV_OK; i++) {
        fvi_node *n = g->nodes[i];
        if (n->op != FVI_OP_DEQUANTIZE_LINEAR || !is_pair(n, n->in[0]->producer)) continue;
        fvi_value *byte = n->in[0], *x = byte->producer->in[0];
        if (made[byte->id] && !n->out[0]->is_output) {
            fvi_graph_alias(n->out[0], made[byte->id]);
            continue;
        }
        n->in[0] = x;
        n->n_attr = 0;
        st = become_float(g, n, FVI_OP_FAKE_QUANT, err);
        if (!made[byte->id]) made[byte->id] = n->out[0];
    }
    fvi_free(made);
    return st;
}

/* ---- pairs that change nothing ---- */

static bool same_levels(const fvi_node *a, const fvi_node *b) { return same_constant(a->in[1], b->in[1]) && same_constant(a->in[2], b->in[2]); }

/* Are all elements of v among the levels of `want`? Moves elements back to where they were quantised. */
static bool on_levels(const fvi_value *v, const fvi_node *want, int depth)
{
    const fvi_node *p = v->producer;
    if (!p || depth > 8 || p->act != FVI_ACT_NONE || p->residual) return false;
    switch (p->op) {
    case FVI_OP_FAKE_QUANT: return same_levels(p, want);
    case FVI_OP_RESHAPE: case FVI_OP_FLATTEN: case FVI_OP_SQUEEZE: case FVI_OP_UNSQUEEZE: case FVI_OP_TRANSPOSE: case FVI_OP_SLICE: case FVI_OP_SPLIT:
    case FVI_OP_IDENTITY: case FVI_OP_DEPTH_TO_SPACE: case FVI_OP_SPACE_TO_DEPTH: return on_levels(p->in[0], want, depth + 1);
    case FVI_OP_RESIZE: case FVI_OP_UPSAMPLE: return strcmp(fvi_node_string(p, "mode", "nearest"), "nearest") == 0 && on_levels(p->in[0], want, depth + 1);
    case FVI_OP_MAX_POOL: return !fvi_node_int(p, "ceil_mode", 0) && on_levels(p->in[0], want, depth + 1); /* no window of padding only */
    case FVI_OP_CONCAT:
        for (int k = 0; k < p->n_in; k++)
            if (!on_levels(p->in[k], want, depth + 1)) return false;
        return true;
    default: return false;
    }
}

static void drop_repeated(fvi_graph *g)
{
    for (int i = 0; i < g->n_nodes; i++) {
        const fvi_node *n = g->nodes[i];
        if (n->op == FVI_OP_FAKE_QUANT && on_levels(n->in[0], n, 0)) fvi_graph_alias(n->out[0], n->in[0]);
    }
}

/* ---- functions of one quantised value ---- */

typedef struct entry {
    const fvi_node *quant; /* the FakeQuant whose level number decides; null = not such a value */
    fvi_value *table;      /* [256], by level from the lowest */
} entry;

typedef struct tables {
    fvi_graph *g;
    fvi_eval_fn eval;
    void *user;
    entry *of; /* by value id */
    fv_error *err;
} tables;

static bool is_element_wise(fvi_op op)
{
    switch (op) {
    case FVI_OP_FAKE_QUANT: case FVI_OP_SIGMOID: case FVI_OP_MUL: case FVI_OP_ADD: case FVI_OP_SUB: case FVI_OP_DIV: case FVI_OP_RELU: case FVI_OP_LEAKY_RELU:
    case FVI_OP_CLIP: case FVI_OP_HARD_SIGMOID: case FVI_OP_HARD_SWISH: case FVI_OP_TANH: case FVI_OP_ERF: case FVI_OP_GELU: case FVI_OP_EXP: case FVI_OP_SOFTPLUS:
    case FVI_OP_ELU: case FVI_OP_MISH: case FVI_OP_SQRT: case FVI_OP_MAX: case FVI_OP_MIN: case FVI_OP_POW: return true;
    default: return false;
    }
}

static bool is_byte(fv_dtype t) { return t == FV_I8 || t == FV_U8; }

static fv_status base_table(tables *t, const fvi_node *n)
{
    const fvi_value *z = n->in[2];
    float scale, values[256];
    int zero = z->dtype == FV_I8 ? *(const int8_t *)z->constant : *(const uint8_t *)z->constant, low = z->dtype == FV_I8 ? -128 : 0;
    memcpy(&scale, n->in[1]->constant, sizeof scale);
    for (int i = 0; i < 256; i++) values[i] = (float)(low + i - zero) * scale;
    int64_t dim = 256;
    entry *e = &t->of[n->out[0]->id];
    e->quant = n;
    e->table = fvi_graph_add_constant(t->g, NULL, FV_F32, 1, &dim, values);
    return e->table ? FV_OK : fvi_rewrite_memory(t->err);
}

/* The FakeQuant that all inputs of n come from, beside constants of one element; null = there is none. */
static const fvi_node *common_source(const tables *t, const fvi_node *n)
{
    const fvi_node *q = NULL;
    if (!is_element_wise(n->op) || n->act != FVI_ACT_NONE || n->residual || n->n_out != 1 || n->out[0]->dtype != FV_F32) return NULL;
    for (int k = 0; k < n->n_in; k++) {
        const fvi_value *v = n->in[k];
        if (!v || one_constant(v)) continue;
        const fvi_node *from = t->of[v->id].quant;
        if (!from || (q && q != from)) return NULL;
        q = from;
    }
    return q && fvi_rewrite_same_shape(q->out[0], n->out[0]) ? q : NULL;
}

/* Runs a copy of n on the tables of its inputs. */
static fv_status table_of(tables *t, const fvi_node *n, const fvi_node *source)
{
    fvi_node copy = *n;
    fvi_value *result = fvi_arena_alloc(t->g->arena, sizeof *result);
    copy.in = fvi_arena_array(t->g->arena, (size_t)n->n_in + 1, sizeof *copy.in);
    copy.out = fvi_arena_array(t->g->arena, 1, sizeof *copy.out);
    if (!result || !copy.in || !copy.out) return fvi_rewrite_memory(t->err);
    memset(result, 0, sizeof *result);
    result->name = n->out[0]->name;
    copy.out[0] = result;
    for (int k = 0; k < n->n_in; k++) {
        fvi_value *v = n->in[k];
        copy.in[k] = v && t->of[v->id].quant ? t->of[v->id].table : v;
    }
    fv_error why = {0};
    if (fvi_graph_infer_node(t->g, &copy, &why) < 0 || fvi_value_count(result) != 256 || result->dtype != FV_F32 || result->rank != 1) return FV_OK;
    if (t->eval(t->user, t->g, &copy, &why) < 0 || !result->constant) return FV_OK;
    int64_t dim = 256;
    fvi_value *table = fvi_graph_add_constant(t->g, NULL, FV_F32, 1, &dim, result->constant);
    if (!table) return fvi_rewrite_memory(t->err);
    t->of[n->out[0]->id] = (entry){source, table};
    return FV_OK;
}

static fv_status use_table(tables *t, fvi_node *n)
{
    const entry *e = &t->of[n->out[0]->id];
    fvi_value **in = fvi_arena_array(t->g->arena, 6, sizeof *in);
    if (!in) return fvi_rewrite_memory(t->err);
    in[0] = e->quant->in[0], in[1] = e->quant->in[1], in[2] = e->quant->in[2], in[3] = e->table;
    const bool levels = n->op == FVI_OP_FAKE_QUANT && is_byte(n->in[2]->dtype); /* of its results */
    if (levels) in[4] = n->in[1], in[5] = n->in[2];
    n->in = in;
    n->n_in = levels ? 6 : 4;
    n->n_attr = 0;
    return become_float(t->g, n, FVI_OP_QUANT_TABLE, t->err);
}

static fv_status make_tables(fvi_graph *g, fvi_eval_fn eval, void *user, fv_error *err)
{
    int n_values = g->n_values, n_nodes = g->n_nodes;
    tables t = {.g = g, .eval = eval, .user = user, .err = err, .of = fvi_calloc((size_t)n_values + 1, sizeof(entry))};
    bool *wanted = fvi_calloc((size_t)n_values + 1, sizeof *wanted); /* read by something that is not itself such a function */
    fv_status st = t.of && wanted ? FV_OK : fvi_rewrite_memory(err);
    for (int i = 0; i < n_nodes && st == FV_OK; i++) {
        const fvi_node *n = g->nodes[i], *source = common_source(&t, n);
        if (source) st = table_of(&t, n, source);
        if (st == FV_OK && n->op == FVI_OP_FAKE_QUANT && is_byte(n->in[2]->dtype) && !t.of[n->out[0]->id].quant) st = base_table(&t, n);
        if (st == FV_OK && t.of[n->out[0]->id].quant) wanted[n->out[0]->id] = n->out[0]->is_output;
        bool member = source && t.of[n->out[0]->id].quant;
        for (int k = 0; k < n->n_in && st == FV_OK; k++)
            if (n->in[k] && n->in[k]->id < n_values && !member) wanted[n->in[k]->id] = true;
        if (n->residual) wanted[n->residual->id] = true;
    }
    for (int i = 0; i < n_nodes && st == FV_OK; i++) {
        fvi_node *n = g->nodes[i];
        const entry *e = &t.of[n->out[0]->id];
        if (e->quant && e->quant != n && wanted[n->out[0]->id]) st = use_table(&t, n);
    }
    fvi_free(wanted);
    fvi_free(t.of);
    return st;
}

/* ---- whole numbers as floats ---- */

static fv_status float_sums(fvi_graph *g, fv_error *err)
{
    for (int i = 0; i < g->n_nodes; i++) {
        fvi_node *n = g->nodes[i];
        if (n->op != FVI_OP_CAST || n->out[0]->dtype != FV_F32 || n->out[0]->is_output) continue;
        fvi_node *p = fvi_rewrite_sole_producer(n->in[0]);
        if (!p || (p->op != FVI_OP_CONV_INTEGER && p->op != FVI_OP_MATMUL_INTEGER)) continue;
        FVI_TRY(become_float(g, p, p->op == FVI_OP_CONV_INTEGER ? FVI_OP_CONV_INTEGER_FLOAT : FVI_OP_MATMUL_INTEGER_FLOAT, err));
        fvi_rewrite_fuse(n->out[0], n->in[0]);
    }
    return FV_OK;
}

static fv_status settle(fvi_graph *g, fv_error *err)
{
    FVI_TRY(fvi_graph_relink(g, err));
    return fvi_graph_infer(g, err);
}

fv_status fvi_rewrite_quant(fvi_graph *g, fvi_eval_fn eval, void *user, fv_error *err)
{
    bool any = false;
    for (int i = 0; i < g->n_nodes && !any; i++)
        any = g->nodes[i]->op == FVI_OP_DEQUANTIZE_LINEAR || g->nodes[i]->op == FVI_OP_CONV_INTEGER || g->nodes[i]->op == FVI_OP_MATMUL_INTEGER;
    if (!any) return FV_OK;
    FVI_TRY(join_pairs(g, err));
    FVI_TRY(settle(g, err));
    drop_repeated(g);
    FVI_TRY(settle(g, err));
    if (eval) FVI_TRY(make_tables(g, eval, user, err));
    FVI_TRY(settle(g, err));
    return float_sums(g, err);
}
