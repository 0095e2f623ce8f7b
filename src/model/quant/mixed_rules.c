/* mixed_rules.c: which nodes may be computed in 16 bits, in the manner of AutoCast: by kind, place, data range, weight range, depth of sums
 * and lists of the caller. Called by mixed.c. */
#include "model/quant/mixed.h"
#include <math.h>
#include <string.h>

#define LEAST_NORMAL 6.103515625e-05f /* of float16: weights that are all smaller lose bits */

static bool is_float(const fvi_value *v) { return v && v->dtype == FV_F32; }
static bool is_layer(const fvi_node *n) { return n->op == FVI_OP_CONV || n->op == FVI_OP_CONV_TRANSPOSE || n->op == FVI_OP_GEMM || n->op == FVI_OP_MATMUL; }

/* Operators whose every float operand and result may be of one 16 bit type, and that such a type does not harm: sums that grow with the
 * map (means, norms) and functions that magnify errors (exponentials, quotients, roots) are not among them. */
static bool is_safe(fvi_op op)
{
    switch (op) {
    case FVI_OP_CONV: case FVI_OP_CONV_TRANSPOSE: case FVI_OP_GEMM: case FVI_OP_MATMUL: case FVI_OP_ADD: case FVI_OP_SUB: case FVI_OP_MUL: case FVI_OP_RELU:
    case FVI_OP_LEAKY_RELU: case FVI_OP_PRELU: case FVI_OP_SIGMOID: case FVI_OP_TANH: case FVI_OP_HARD_SIGMOID: case FVI_OP_HARD_SWISH: case FVI_OP_CLIP:
    case FVI_OP_MAX: case FVI_OP_MIN: case FVI_OP_CONCAT: case FVI_OP_SPLIT: case FVI_OP_SLICE: case FVI_OP_RESHAPE: case FVI_OP_TRANSPOSE: case FVI_OP_FLATTEN:
    case FVI_OP_SQUEEZE: case FVI_OP_UNSQUEEZE: case FVI_OP_EXPAND: case FVI_OP_GATHER: case FVI_OP_TILE: case FVI_OP_PAD: case FVI_OP_MAX_POOL:
    case FVI_OP_RESIZE: case FVI_OP_DEPTH_TO_SPACE: case FVI_OP_SPACE_TO_DEPTH: case FVI_OP_IDENTITY: return true;
    default: return false;
    }
}

bool fvi_mixed_takes(const fvi_node *n, int k)
{
    const fvi_value *v = k < n->n_in ? n->in[k] : NULL;
    return is_float(v) && (n->op != FVI_OP_RESIZE || k == 0);
}

/* "*" of the pattern stands for any characters. */
static bool matches(const char *pattern, const char *name)
{
    const char *star = NULL, *from = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            from = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return !*pattern;
}

static const char *listed(const fvi_node *n, const fvi_mixed_rules *r)
{
    for (int i = 0; i < r->n_keep_types; i++)
        if (!strcmp(r->keep_types[i], fvi_op_get(n->op)->name)) return "its type was asked to stay";
    for (int i = 0; i < r->n_keep_names; i++)
        if (matches(r->keep_names[i], n->name)) return "it was asked to stay";
    return NULL;
}

static const char *weights_fail(const fvi_node *n, const fvi_mixed_rules *r, fvi_arena *text)
{
    for (int k = 0; k < n->n_in; k++) {
        const fvi_value *v = n->in[k];
        if (!fvi_mixed_takes(n, k) || !v->constant) continue;
        const float *x = v->constant;
        const int64_t count = fvi_value_count(v);
        float most = 0;
        bool finite = true;
        for (int64_t i = 0; i < count; i++) {
            most = fmaxf(most, fabsf(x[i]));
            finite &= (bool)isfinite(x[i]);
        }
        if (!finite || (double)most > r->weight_max) return fvi_arena_printf(text, "a weight reaches %g, at most %g may be", finite ? (double)most : INFINITY, r->weight_max);
        if (r->to == FV_F16 && most > 0 && most < LEAST_NORMAL) return fvi_arena_printf(text, "its weights are %g at most, too small for float16", (double)most);
    }
    return NULL;
}

static const char *data_fails(const fvi_node *n, const fvi_mixed_rules *r, fvi_arena *text)
{
    for (int k = 0; k < n->n_in + n->n_out; k++) {
        const fvi_value *v = k < n->n_in ? n->in[k] : n->out[k - n->n_in];
        if (!is_float(v) || v->constant || (k < n->n_in && !fvi_mixed_takes(n, k)) || !((double)r->largest[v->id] > r->data_max)) continue;
        return fvi_arena_printf(text, "\"%.80s\" reaches %g, at most %g may be", v->name, (double)r->largest[v->id], r->data_max);
    }
    return NULL;
}

static int64_t depth(const fvi_node *n)
{
    const fvi_value *w = n->in[1];
    int64_t d = 1;
    if (n->op == FVI_OP_CONV)
        for (int i = 1; i < w->rank; i++) d *= w->dim[i] > 0 ? w->dim[i] : 1;
    else if (n->op == FVI_OP_CONV_TRANSPOSE)
        for (int i = 0; i < w->rank; i++) d *= i == 1 ? 1 : w->dim[i] > 0 ? w->dim[i] : 1;
    else if (w->rank >= 2)
        d = n->op == FVI_OP_GEMM && fvi_node_int(n, "transB", 0) ? w->dim[1] : w->dim[w->rank - 2];
    return d;
}

static const char *fails(const fvi_node *n, const fvi_mixed_rules *r, bool last, fvi_arena *text)
{
    bool any = n->n_out > 0;
    for (int k = 0; k < n->n_out; k++) any &= is_float(n->out[k]);
    if (!any || n->n_in < 1) return "it computes no float";
    for (int k = 0; k < n->n_out; k++)
        if (n->out[k]->is_output) return "it makes an output";
    if (last) return is_layer(n) ? "the last layer before an output" : "it follows the last layer";
    if (!is_safe(n->op)) return "its type is not safe in 16 bits";
    const char *why = listed(n, r);
    if (!why && is_layer(n) && depth(n) > r->depth_max) why = fvi_arena_printf(text, "its sums have %lld terms, at most %lld may be", (long long)depth(n), (long long)r->depth_max);
    if (!why) why = weights_fail(n, r, text);
    return why ? why : data_fails(n, r, text);
}

/* last[n]: no layer between node n and an output. */
static void find_last(const fvi_graph *g, bool *last)
{
    for (int i = g->n_nodes - 1; i >= 0; i--) { /* readers come after, and have told */
        const fvi_node *n = g->nodes[i];
        for (int k = 0; k < n->n_out; k++) last[i] |= n->out[k]->is_output;
        if (!last[i] || is_layer(n)) continue;
        for (int k = 0; k < n->n_in; k++)
            if (n->in[k] && n->in[k]->producer) last[n->in[k]->producer->id] = true;
    }
}

/* What is no layer is worth 16 bits only where they come to it; until nothing changes (nodes are in order: once). */
static void drop_lonely(const fvi_graph *g, const char **why)
{
    for (int i = 0; i < g->n_nodes; i++) {
        const fvi_node *n = g->nodes[i];
        bool from = is_layer(n);
        for (int k = 0; k < n->n_in; k++) from |= fvi_mixed_takes(n, k) && n->in[k]->producer && !why[n->in[k]->producer->id];
        if (!why[i] && !from) why[i] = "nothing of 16 bits comes to it";
    }
}

fv_status fvi_mixed_choose(const fvi_graph *g, const fvi_mixed_rules *r, const char **why, fvi_arena *text, fv_error *err)
{
    bool *last = fvi_calloc((size_t)g->n_nodes + 1, sizeof *last);
    int low = 0;
    if (!last) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    find_last(g, last);
    for (int i = 0; i < g->n_nodes; i++) why[i] = fails(g->nodes[i], r, last[i], text);
    drop_lonely(g, why);
    for (int i = 0; i < g->n_nodes; i++) low += !why[i];
    fvi_free(last);
    return low ? FV_OK : fvi_error_set(err, FV_ERR_UNSUPPORTED, "nothing in the model can be computed in 16 bits by these rules");
}
