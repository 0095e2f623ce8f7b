/* precision.c: FP32 -> mixed FP32 and BF16, by rules on the graph alone, in the manner of AutoCast.
 *
 * A convolution multiplies in BF16 (its sums stay FP32) unless it ends a head, its weights are computed or out of range, or its sums are too
 * deep. What only moves or compares elements takes BF16 where BF16 comes from and goes to; everything else stays FP32. A value is BF16 where a
 * convolution in BF16 reads it; a Cast stands where one type meets a node of the other, but not at convolutions, which read and write both. */
#include "model/rewrite/internal.h"
#include <math.h>

#define WEIGHT_MAX 65504.0f /* the range that FP16 has, too: past it a weight is no weight */
#define DEPTH_MAX (1 << 16) /* products of one sum */

typedef enum how { HIGH, LOW, MOVES } how;

typedef struct state {
    fvi_graph *g;
    how *of;       /* [n_nodes] */
    bool *last;    /* [n_nodes] no convolution between it and an output */
    fvi_value **cast[2]; /* [n_values] the value as FP32, as BF16; null = not yet */
    int n;         /* nodes at the start; those added are Casts */
    int n_values;
} state;

static bool is_conv(const fvi_node *n) { return n->op == FVI_OP_CONV || n->op == FVI_OP_CONV_ADD; }
static bool is_data(const fvi_value *v) { return v && !v->constant && (v->dtype == FV_F32 || v->dtype == FV_BF16); }

/* Can its kernels take BF16 maps at all? */
static bool takes_maps(const fvi_node *n)
{
    const fvi_value *x = n->in[0], *w = n->in[1];
    return is_conv(n) && x && w && x->rank == 4 && w->rank == 4 && x->dtype == FV_F32 && w->dtype == FV_F32;
}

static const char *weights_out_of_range(const fvi_value *w)
{
    const float *x = w->constant;
    const int64_t count = fvi_value_count(w);
    for (int64_t i = 0; i < count; i++)
        if (!(fabsf(x[i]) <= WEIGHT_MAX)) return "a weight is past 65504 or not a number";
    return NULL;
}

static const char *why_high(const state *s, const fvi_node *n)
{
    if (!is_conv(n)) return "its operator has no BF16 form";
    if (!takes_maps(n)) return "a convolution that is not over two dimensions";
    const fvi_value *w = n->in[1];
    if (!w->constant || (n->n_in > 2 && n->in[2] && !n->in[2]->constant)) return "its weights are computed by the model";
    if (s->last[n->id]) return "it ends a head";
    if (w->dim[1] * w->dim[2] * w->dim[3] > DEPTH_MAX) return "its sums are deeper than 65536";
    return weights_out_of_range(w);
}

static bool nearest(const fvi_node *n)
{
    const char *mode = fvi_node_string(n, "mode", "nearest");
    return mode[0] == 'n' && n->in[0]->rank == 4;
}

/* Elements go through unchanged, or one of two or more is taken; sums of two maps round once. */
static bool moves(const fvi_node *n)
{
    if (n->n_in < 1 || !is_data(n->in[0]) || n->act != FVI_ACT_NONE || n->residual) return false;
    for (int k = 0; k < n->n_out; k++)
        if (n->out[k]->is_output || n->out[k]->dtype != FV_F32) return false;
    switch (n->op) {
    case FVI_OP_CONCAT: case FVI_OP_SPLIT: case FVI_OP_SLICE: case FVI_OP_RESHAPE: case FVI_OP_TRANSPOSE: case FVI_OP_SQUEEZE: case FVI_OP_UNSQUEEZE:
    case FVI_OP_FLATTEN: return true;
    case FVI_OP_RESIZE: case FVI_OP_UPSAMPLE: return nearest(n);
    case FVI_OP_MAX_POOL: return n->in[0]->rank == 4 && n->n_out == 1;
    case FVI_OP_ADD: case FVI_OP_MUL: return is_data(n->in[1]) && fvi_rewrite_same_shape(n->in[0], n->in[1]) && n->out[0]->rank == 4;
    default: return false;
    }
}

/* Data inputs in order, the residual last; null past the end. */
static fvi_value **input_at(fvi_node *n, int k)
{
    return k < n->n_in ? &n->in[k] : k == n->n_in ? &n->residual : NULL;
}

static void find_last(state *s)
{
    for (int i = s->n - 1; i >= 0; i--) { /* readers come after, and have told */
        fvi_node *n = s->g->nodes[i];
        for (int k = 0; k < n->n_out; k++)
            if (n->out[k]->is_output) s->last[i] = true;
        if (!s->last[i] || is_conv(n)) continue;
        for (int k = 0; k <= n->n_in; k++) {
            const fvi_value *v = *input_at(n, k);
            if (v && v->producer) s->last[v->producer->id] = true;
        }
    }
}

static bool low(const state *s, const fvi_value *v) { return v && v->producer && v->producer->id < s->n && s->of[v->producer->id] != HIGH; }

/* Does a node in BF16 read v? For all values: reads[id]. */
static void find_reads(const state *s, bool *reads)
{
    for (int i = 0; i < s->n_values; i++) reads[i] = false;
    for (int i = 0; i < s->n; i++)
        for (int k = 0; s->of[i] != HIGH && k <= s->g->nodes[i]->n_in; k++) {
            const fvi_value *v = *input_at(s->g->nodes[i], k);
            if (v) reads[v->id] = true;
        }
}

/* What moves is worth BF16 only between nodes that have it; until nothing changes. */
static void settle_moves(state *s, bool *reads)
{
    for (bool changed = true; changed;) {
        changed = false;
        find_reads(s, reads);
        for (int i = 0; i < s->n; i++) {
            fvi_node *n = s->g->nodes[i];
            if (s->of[i] != MOVES) continue;
            bool from = false, to = false;
            for (int k = 0; k < n->n_in; k++) from |= is_data(n->in[k]) && low(s, n->in[k]);
            for (int k = 0; k < n->n_out; k++) to |= reads[n->out[k]->id];
            if (from && to) continue;
            s->of[i] = HIGH;
            changed = true;
        }
    }
}

static void set_types(state *s, const bool *reads)
{
    for (int i = 0; i < s->n; i++) {
        fvi_node *n = s->g->nodes[i];
        if (s->of[i] == HIGH) continue;
        n->bf16 = s->of[i] == LOW;
        const bool narrow = s->of[i] == MOVES || (reads[n->out[0]->id] && !n->out[0]->is_output);
        n->makes = narrow ? FV_BF16 : FV_F32;
        for (int k = 0; k < n->n_out; k++) n->out[k]->dtype = n->makes;
    }
}

/* v in the other type. Null: out of memory. */
static fvi_value *cast(state *s, fvi_value *v, fv_dtype to)
{
    fvi_value **there = &s->cast[to == FV_BF16][v->id];
    if (*there) return *there;
    fvi_node *n = fvi_graph_add_node(s->g, FVI_OP_CAST, NULL, 1, 1);
    fvi_value *y = n ? fvi_graph_add_value(s->g, NULL) : NULL;
    if (!y || fvi_node_set_int(s->g, n, "to", 1) < 0) return NULL;
    n->opset = 13;
    n->in[0] = v, n->out[0] = y;
    n->makes = y->dtype = to;
    y->rank = v->rank;
    for (int d = 0; d < v->rank; d++) y->dim[d] = v->dim[d];
    return *there = y;
}

static fv_status cast_inputs(state *s, fv_error *err)
{
    for (int i = 0; i < s->n; i++) {
        fvi_node *n = s->g->nodes[i];
        if (takes_maps(n) || (is_conv(n) && n->in[0]->dtype == FV_BF16)) { /* reads both */
            n->makes = n->out[0]->dtype;
            continue;
        }
        const fv_dtype want = s->of[i] == MOVES ? FV_BF16 : FV_F32;
        for (int k = 0; k <= n->n_in; k++) {
            fvi_value **v = input_at(n, k);
            if (!is_data(*v) || (*v)->dtype == want) continue;
            if (want == FV_BF16 && k > 0 && n->op != FVI_OP_CONCAT && n->op != FVI_OP_ADD && n->op != FVI_OP_MUL) continue; /* sizes, not elements */
            if (!(*v = cast(s, *v, want))) return fvi_rewrite_memory(err);
        }
    }
    return FV_OK;
}

static bool list_kept(state *s, fvi_kept **kept, int *n_kept)
{
    int n = 0;
    fvi_kept *list = fvi_arena_array(s->g->arena, (size_t)s->n + 1, sizeof *list);
    if (!list) return false;
    for (int i = 0; i < s->n; i++) {
        const fvi_node *node = s->g->nodes[i];
        if (s->of[i] != HIGH || node->n_in < 1 || !is_data(node->in[0])) continue;
        const char *why = moves(node) ? "BF16 does not come from or go to it" : why_high(s, node);
        list[n++] = (fvi_kept){node->name, why};
    }
    *kept = list;
    *n_kept = n;
    return true;
}

fv_status fvi_rewrite_precision(fvi_graph *g, fvi_kept **kept, int *n_kept, fv_error *err)
{
    state s = {.g = g, .n = g->n_nodes, .n_values = g->n_values};
    const size_t nodes = (size_t)g->n_nodes + 1, values = (size_t)g->n_values + 1;
    s.of = fvi_arena_array(g->arena, nodes, sizeof *s.of);
    s.last = fvi_arena_array(g->arena, nodes, sizeof *s.last);
    for (int t = 0; t < 2; t++) s.cast[t] = fvi_arena_array(g->arena, values, sizeof *s.cast[t]);
    bool *reads = fvi_arena_array(g->arena, values, sizeof *reads);
    if (!s.of || !s.last || !s.cast[0] || !s.cast[1] || !reads) return fvi_rewrite_memory(err);
    find_last(&s);
    for (int i = 0; i < s.n; i++) s.of[i] = moves(g->nodes[i]) ? MOVES : why_high(&s, g->nodes[i]) ? HIGH : LOW;
    settle_moves(&s, reads);
    if (kept && !list_kept(&s, kept, n_kept)) return fvi_rewrite_memory(err);
    set_types(&s, reads);
    FVI_TRY(cast_inputs(&s, err));
    FVI_TRY(fvi_graph_relink(g, err));
    FVI_TRY(fvi_graph_infer(g, err));
    return fvi_graph_verify(g, err);
}
