/* select.c: which layers are quantised and which values get Q/DQ pairs, from the graph alone. Heads end in float: of every output the
 * last layers before it, and all that follows, because their results are used as numbers (boxes, scores) and not averaged by
 * a next layer. First step of calibration. */
#include "base/alloc.h"
#include "model/quant/quant.h"
#include <stdio.h>
#include <string.h>

#define DECODER_WEIGHTS 32 /* a layer of so few weights before an output decodes (expectation over bins), the layers before it are the ends */
#define SHARED_SPAN 0.75f  /* of the range of a Concat: the narrowest range of an operand that shares its scale; 2.5 dB are lost */

static fv_status no_memory(fv_error *err) { return fvi_error_set(err, FV_ERR_MEMORY, "out of memory"); }

/* ---- layers ---- */

static bool read_layer(const fvi_node *n, fvi_quant_layer *l)
{
    if (n->op != FVI_OP_CONV && n->op != FVI_OP_GEMM && n->op != FVI_OP_MATMUL) return false;
    const fvi_value *w = n->in[1], *b = n->n_in > 2 ? n->in[2] : NULL;
    if (!w->constant || w->dtype != FV_F32 || n->in[0]->constant || fvi_value_count(w) < 1) return false;
    if (b && (!b->constant || b->dtype != FV_F32)) return false;
    *l = (fvi_quant_layer){.node = n, .x = n->in[0]->id, .w = w, .bias = b, .levels = 127};
    if (n->op == FVI_OP_CONV) {
        if (w->rank < 3 || w->rank > 5) return false;
    } else {
        if (w->rank != 2) return false;
        if (n->op == FVI_OP_GEMM && (fvi_node_int(n, "transA", 0) || fvi_node_float(n, "alpha", 1) != 1 || fvi_node_float(n, "beta", 1) != 1)) return false;
        l->axis = n->op == FVI_OP_GEMM && fvi_node_int(n, "transB", 0) ? 0 : 1;
    }
    l->channels = w->dim[l->axis];
    l->inner = fvi_value_count(w) / l->channels;
    return !b || fvi_value_count(b) == l->channels;
}

static bool is_quantised(const fvi_node *n)
{
    switch (n->op) {
    case FVI_OP_QUANTIZE_LINEAR: case FVI_OP_DEQUANTIZE_LINEAR: case FVI_OP_DYNAMIC_QUANTIZE_LINEAR: case FVI_OP_CONV_INTEGER: case FVI_OP_MATMUL_INTEGER:
    case FVI_OP_QLINEAR_CONV: case FVI_OP_QLINEAR_MATMUL: return true;
    default: return false;
    }
}

fv_status fvi_quant_refuse_quantised(const fvi_graph *g, fv_error *err)
{
    for (int i = 0; i < g->n_nodes; i++)
        if (is_quantised(g->nodes[i]))
            return fvi_error_set(err, FV_ERR_STATE, "the model is quantised already (node \"%.120s\" is a %s): give the float model that it was made from", g->nodes[i]->name,
                                 fvi_op_get(g->nodes[i]->op)->name);
    return FV_OK;
}

static fv_status find_layers(fvi_quant_select *s, fv_error *err)
{
    const fvi_graph *g = s->g;
    s->layers = fvi_calloc((size_t)g->n_nodes + 1, sizeof *s->layers);
    s->group = fvi_calloc((size_t)g->n_values + 1, sizeof *s->group);
    if (!s->layers || !s->group) return no_memory(err);
    FVI_TRY(fvi_quant_refuse_quantised(g, err));
    for (int i = 0; i < g->n_nodes; i++)
        if (read_layer(g->nodes[i], &s->layers[s->n_layers])) s->n_layers++;
    return s->n_layers ? FV_OK : fvi_error_set(err, FV_ERR_UNSUPPORTED, "the model has no convolution or matrix product with constant weights: there is nothing to quantise");
}

/* ---- head ends ---- */

static bool only_moves(const fvi_node *n)
{
    switch (n->op) {
    case FVI_OP_RESHAPE: case FVI_OP_TRANSPOSE: case FVI_OP_FLATTEN: case FVI_OP_SQUEEZE: case FVI_OP_UNSQUEEZE: case FVI_OP_IDENTITY: return true;
    default: return false;
    }
}

/* Weights over probabilities or over a handful of numbers: part of decoding. */
static bool decodes(const fvi_quant_layer *l)
{
    const fvi_value *x = l->node->in[0];
    for (int i = 0; x->producer && i < 8; i++) {
        if (x->producer->op == FVI_OP_SOFTMAX) return true;
        if (!only_moves(x->producer)) break;
        x = x->producer->in[0];
    }
    return l->channels * l->inner <= DECODER_WEIGHTS;
}

typedef struct walk {
    fvi_quant_select *s;
    int *layer_of; /* [n_nodes] -1 = none */
    bool *seen;
    const fvi_node **stack;
    int top;
} walk;

static void push(walk *w, const fvi_value *v)
{
    const fvi_node *p = v ? v->producer : NULL;
    if (!p || w->seen[p->id]) return;
    w->seen[p->id] = true;
    w->stack[w->top++] = p;
}

static void walk_back(walk *w, const fvi_value *output)
{
    push(w, output);
    while (w->top) {
        const fvi_node *n = w->stack[--w->top];
        fvi_quant_layer *l = w->layer_of[n->id] >= 0 ? &w->s->layers[w->layer_of[n->id]] : NULL;
        bool past = !l || decodes(l);
        if (l && !l->off) {
            l->off = true;
            snprintf(l->why, sizeof l->why, past ? "it decodes the output \"%.100s\"" : "the last layer before the output \"%.100s\"", output->name);
        }
        for (int k = 0; k < n->n_in && past; k++) push(w, n->in[k]);
    }
}

fv_status fvi_quant_select_layers(fvi_quant_select *s, const fvi_graph *g, fv_error *err)
{
    *s = (fvi_quant_select){.g = g};
    fv_status st = find_layers(s, err);
    size_t n = (size_t)g->n_nodes + 1;
    walk w = {.s = s, .layer_of = fvi_calloc(n, sizeof(int)), .seen = fvi_calloc(n, sizeof(bool)), .stack = fvi_calloc(n, sizeof *w.stack)};
    if (st >= 0 && (!w.layer_of || !w.seen || !w.stack)) st = no_memory(err);
    if (st >= 0) {
        for (int i = 0; i < g->n_nodes; i++) w.layer_of[i] = -1;
        for (int i = 0; i < s->n_layers; i++) w.layer_of[s->layers[i].node->id] = i;
        for (int i = 0; i < g->n_outputs; i++) walk_back(&w, g->outputs[i]);
    }
    fvi_free(w.layer_of);
    fvi_free(w.seen);
    fvi_free(w.stack);
    return st;
}

/* ---- sites and groups ---- */

static int find(fvi_quant_select *s, int v)
{
    while (s->group[v] != v) v = s->group[v] = s->group[s->group[v]];
    return v;
}

static void join(fvi_quant_select *s, int a, int b)
{
    a = find(s, a);
    b = find(s, b);
    s->group[a > b ? a : b] = a > b ? b : a;
}

/* How many leading inputs a node hands on unchanged; 0 = it computes. */
static int hands_on(const fvi_node *n)
{
    switch (n->op) {
    case FVI_OP_MAX_POOL: return n->n_out == 1 ? 1 : 0;
    case FVI_OP_RESIZE: case FVI_OP_UPSAMPLE: return strcmp(fvi_node_string(n, "mode", "nearest"), "nearest") ? 0 : 1;
    case FVI_OP_SLICE: case FVI_OP_SPLIT: case FVI_OP_DEPTH_TO_SPACE: case FVI_OP_SPACE_TO_DEPTH: return 1;
    case FVI_OP_CONCAT:
        for (int k = 0; k < n->n_in; k++)
            if (n->in[k]->constant) return 0;
        return n->n_in;
    default: return only_moves(n) ? 1 : 0;
    }
}

static bool may_be_site(const fvi_value *v) { return v && !v->constant && (v->dtype == FV_F32 || v->dtype == FV_NONE); }

static bool add_site(fvi_quant_select *s, const fvi_value *v, int *stack, int *top)
{
    if (!may_be_site(v)) return false;
    if (s->group[v->id] < 0) {
        s->group[v->id] = v->id;
        stack[(*top)++] = v->id;
    }
    return true;
}

/* Of an addition that is read as bytes one operand may come from a layer's sums as they are; the other is a site as well. */
static const fvi_value *other_operand(const fvi_value *v)
{
    const fvi_node *n = v->producer;
    if (n->op != FVI_OP_ADD || n->in[0]->constant || n->in[1]->constant) return NULL;
    for (int k = 0; k < 2; k++)
        if (n->in[k]->uses > 1 && n->in[1 - k]->uses == 1) return n->in[k];
    return NULL;
}

/* One scale for all operands of a Concat costs those of narrow ranges precision. */
static bool shares_scale(const fvi_quant_select *s, const fvi_node *n)
{
    if (n->op != FVI_OP_CONCAT) return true;
    for (int k = 0; k < n->n_in; k++)
        if (!s->span || s->span[n->in[k]->id] < SHARED_SPAN * s->span[n->out[0]->id]) return false;
    return true;
}

fv_status fvi_quant_select_sites(fvi_quant_select *s, fv_error *err)
{
    const fvi_graph *g = s->g;
    int *stack = fvi_calloc((size_t)g->n_values + 1, sizeof *stack), top = 0;
    if (!stack) return no_memory(err);
    for (int i = 0; i < g->n_values; i++) s->group[i] = -1;
    for (int i = 0; i < s->n_layers; i++)
        if (!s->layers[i].off) add_site(s, g->values[s->layers[i].x], stack, &top);
    while (top) {
        const fvi_value *v = g->values[stack[--top]];
        if (!v->producer) continue;
        int from = hands_on(v->producer);
        const fvi_value *other = from ? NULL : other_operand(v);
        if (other) add_site(s, other, stack, &top);
        for (int k = 0; k < from; k++)
            if (add_site(s, v->producer->in[k], stack, &top) && shares_scale(s, v->producer)) join(s, v->id, v->producer->in[k]->id);
    }
    for (int i = 0; i < g->n_values; i++)
        if (s->group[i] >= 0) s->group[i] = find(s, i);
    fvi_free(stack);
    return FV_OK;
}

bool fvi_quant_handed_on(const fvi_quant_select *s, const fvi_value *v)
{
    int n = v->producer ? hands_on(v->producer) : 0;
    for (int k = 0; k < n; k++)
        if (s->group[v->producer->in[k]->id] != s->group[v->id]) return false;
    return n > 0;
}

void fvi_quant_select_free(fvi_quant_select *s)
{
    fvi_free(s->layers);
    fvi_free(s->group);
    *s = (fvi_quant_select){0};
}
