/* upsample.c: a 1x1 convolution and the doubling of a map by repeating pixels may change places, so that
 *   conv(Concat(up(A), B)) = up(W_A A) + W_B B: the product with A has a quarter of the pixels, nobody enlarges A, and its sum
 *   is an addend in the epilogue of the other convolution (fovea.ConvAdd);
 *   Add(conv(B), up(A)), with or without an activation, adds A itself there.
 * Exact to rounding. Runs behind the activations, before the residuals. */
#include "base/alloc.h"
#include "model/rewrite/internal.h"
#include <string.h>

enum {
    FEWEST = 8,    /* channels of an enlarged part that are worth a step of their own */
    MOST_PARTS = 64 /* of a Concat: each of its readers looks at them all */
};

/* Scales given as an operand or an attribute must be 1, 1, 2, 2; sizes say it by the shapes. */
static bool scales_double(const fvi_node *n)
{
    const fvi_attr *a = fvi_node_attr(n, "scales");
    const int k = n->op == FVI_OP_UPSAMPLE || n->opset < 11 ? 1 : 2;
    const fvi_value *v = k < n->n_in ? n->in[k] : NULL;
    float scale[4] = {1, 1, 2, 2};
    if (v && fvi_value_count(v) != 0) {
        if (!v->constant || v->dtype != FV_F32 || fvi_value_count(v) != 4) return false;
        memcpy(scale, v->constant, sizeof scale);
    } else if (a) {
        if (a->type != FVI_ATTR_FLOATS || a->count != 4) return false;
        memcpy(scale, a->floats, sizeof scale);
    }
    return scale[0] == 1 && scale[1] == 1 && scale[2] == 2 && scale[3] == 2;
}

static bool repeats_pixels(const fvi_node *n)
{
    const char *nearest = fvi_node_string(n, "nearest_mode", "round_prefer_floor");
    const char *where = fvi_node_string(n, "coordinate_transformation_mode", "half_pixel");
    if (strcmp(fvi_node_string(n, "mode", "nearest"), "nearest")) return false;
    if (n->op == FVI_OP_UPSAMPLE || n->opset < 11) return true;
    if (!strcmp(where, "half_pixel") || !strcmp(where, "pytorch_half_pixel")) return !strncmp(nearest, "round_prefer_", 13);
    return !strcmp(where, "asymmetric") && (!strcmp(nearest, "floor") || !strcmp(nearest, "round_prefer_floor"));
}

/* The value whose pixels v repeats in squares of four; null: v is something else. */
static fvi_value *doubled(const fvi_value *v)
{
    const fvi_node *p = v->producer;
    if (!p || (p->op != FVI_OP_RESIZE && p->op != FVI_OP_UPSAMPLE) || v->dtype != FV_F32 || v->rank != 4 || fvi_value_count(v) < 1) return NULL;
    fvi_value *x = p->in[0];
    if (x->rank != 4 || x->constant || !repeats_pixels(p) || !scales_double(p) || fvi_node_attr(p, "axes")) return NULL;
    if (strcmp(fvi_node_string(p, "keep_aspect_ratio_policy", "stretch"), "stretch")) return NULL;
    for (int i = 0; i < 4; i++)
        if (x->dim[i] * (i < 2 ? 1 : 2) != v->dim[i]) return NULL;
    return x;
}

/* The Concat of channels that n reads, and which of its parts is enlarged. */
static fvi_node *enlarged_concat(const fvi_node *n, int *part)
{
    fvi_node *c = fvi_rewrite_is_pointwise(n) ? n->in[0]->producer : NULL;
    if (!c || c->op != FVI_OP_CONCAT || c->n_in < 2 || c->n_in > MOST_PARTS || c->out[0]->is_output) return NULL;
    int64_t axis = fvi_node_int(c, "axis", 1);
    if (axis != 1 && axis != -3) return NULL;
    for (*part = 0; *part < c->n_in; ++*part) {
        const fvi_value *v = c->in[*part];
        if (doubled(v) && v->dim[1] >= FEWEST && v->dim[1] < c->out[0]->dim[1]) return c;
    }
    return NULL;
}

/* ---- the conv becomes a ConvAdd ---- */

static fv_status become_conv_add(fvi_graph *g, fvi_node *n, fvi_value *x, fvi_value *w, fvi_value *add, fv_error *err)
{
    fvi_value *b = n->n_in > 2 ? n->in[2] : NULL;
    if (!b) b = fvi_graph_add_constant(g, NULL, FV_F32, 1, &w->dim[0], NULL);
    fvi_value **in = fvi_arena_array(g->arena, 4, sizeof *in);
    n->domain = fvi_arena_strdup(g->arena, "fovea");
    if (!b || !in || !n->domain) return fvi_rewrite_memory(err);
    in[0] = x, in[1] = w, in[2] = b, in[3] = add;
    n->op = FVI_OP_CONV_ADD;
    n->opset = 1;
    n->in = in;
    n->n_in = 4;
    return FV_OK;
}

/* Input channels [lo,hi) of w, or all others. */
static fvi_value *input_channels(fvi_graph *g, const fvi_value *w, int64_t lo, int64_t hi, bool inside)
{
    const int64_t rows = w->dim[0], all = w->dim[1], keep = inside ? hi - lo : all - (hi - lo);
    const int64_t dim[4] = {rows, keep, 1, 1};
    fvi_value *c = fvi_graph_add_constant(g, NULL, FV_F32, 4, dim, NULL);
    char *to = c ? (char *)(uintptr_t)c->constant : NULL; /* ours: just made */
    for (int64_t r = 0; c && r < rows; r++, to += 4 * keep) {
        const char *from = (const char *)w->constant + 4 * r * all;
        if (inside) {
            memcpy(to, from + 4 * lo, (size_t)(4 * keep));
        } else {
            memcpy(to, from, (size_t)(4 * lo));
            memcpy(to + 4 * lo, from + 4 * hi, (size_t)(4 * (all - hi)));
        }
    }
    return c;
}

/* All parts of c but one, side by side. */
static fvi_value *other_parts(fvi_graph *g, const fvi_node *c, int part)
{
    if (c->n_in == 2) return c->in[1 - part];
    fvi_node *rest = fvi_graph_add_node(g, FVI_OP_CONCAT, NULL, c->n_in - 1, 1);
    fvi_value *v = rest ? fvi_graph_add_value(g, NULL) : NULL;
    if (!v || fvi_node_set_int(g, rest, "axis", 1) < 0) return NULL;
    rest->opset = c->opset;
    rest->out[0] = v;
    for (int i = 0, k = 0; i < c->n_in; i++)
        if (i != part) rest->in[k++] = c->in[i];
    return v;
}

static fv_status split_conv(fvi_graph *g, fvi_node *n, const fvi_node *c, int part, fvi_value *rest, fv_error *err)
{
    int64_t lo = 0, hi;
    for (int i = 0; i < part; i++) lo += c->in[i]->dim[1];
    hi = lo + c->in[part]->dim[1];
    fvi_value *w_small = input_channels(g, n->in[1], lo, hi, true), *w_rest = input_channels(g, n->in[1], lo, hi, false);
    fvi_node *small = fvi_graph_add_node(g, FVI_OP_CONV, fvi_arena_printf(g->arena, "%s/small", n->name), 2, 1);
    fvi_value *product = fvi_graph_add_value(g, NULL);
    if (!w_small || !w_rest || !small || !product) return fvi_rewrite_memory(err);
    small->opset = n->opset;
    small->in[0] = doubled(c->in[part]);
    small->in[1] = w_small;
    small->out[0] = product;
    return become_conv_add(g, n, rest, w_rest, product, err);
}

/* Every reader of the Concat must be such a convolution, or it would be computed all the same. */
static fv_status split_all(fvi_graph *g, int *readers, fvi_value **rest, int n_values, int64_t budget, fv_error *err)
{
    const int n_nodes = g->n_nodes; /* nodes are added behind */
    int part;
    for (int i = 0; i < n_nodes; i++) {
        const fvi_node *c = enlarged_concat(g->nodes[i], &part);
        if (c && c->out[0]->id < n_values) readers[c->out[0]->id]++;
    }
    for (int i = 0; i < n_nodes; i++) {
        fvi_node *n = g->nodes[i];
        const fvi_node *c = enlarged_concat(n, &part);
        const int id = c ? c->out[0]->id : 0;
        if (!c || id >= n_values || readers[id] != c->out[0]->uses) continue;
        budget -= 4 * fvi_value_count(n->in[1]);
        if (budget < 0) break;
        if (!rest[id]) rest[id] = other_parts(g, c, part);
        if (!rest[id]) return fvi_rewrite_memory(err);
        FVI_TRY(split_conv(g, n, c, part, rest[id], err));
    }
    return FV_OK;
}

/* ---- Add behind the conv ---- */

static fv_status take_addend(fvi_graph *g, fvi_node *n, fv_error *err)
{
    for (int k = 0; k < 2; k++) {
        fvi_node *p = fvi_rewrite_sole_producer(n->in[k]);
        fvi_value *other = n->in[1 - k], *small = doubled(other);
        if (!p || !fvi_rewrite_is_pointwise(p) || p->act != FVI_ACT_NONE || p->residual || !fvi_rewrite_same_shape(n->in[k], n->out[0])) continue;
        if (!small || !fvi_rewrite_same_shape(other, n->out[0])) continue;
        FVI_TRY(become_conv_add(g, p, p->in[0], p->in[1], small, err));
        p->act = n->act;
        p->act_alpha = n->act_alpha;
        p->act_beta = n->act_beta;
        fvi_rewrite_fuse(n->out[0], n->in[k]);
        return FV_OK;
    }
    return FV_OK;
}

fv_status fvi_rewrite_upsample(fvi_graph *g, fv_error *err)
{
    const int n_nodes = g->n_nodes, n_values = g->n_values;
    for (int i = 0; i < n_nodes; i++) {
        fvi_node *n = g->nodes[i];
        fvi_node_resolve(n);
        if (n->op == FVI_OP_ADD && !n->residual && n->out[0]->dtype == FV_F32) FVI_TRY(take_addend(g, n, err));
    }
    FVI_TRY(fvi_graph_relink(g, err));
    int *readers = fvi_calloc((size_t)n_values + 1, sizeof *readers);
    fvi_value **rest = fvi_calloc((size_t)n_values + 1, sizeof *rest);
    fv_status st = readers && rest ? split_all(g, readers, rest, g->n_values < n_values ? g->n_values : n_values, fvi_rewrite_copy_budget(g), err) : fvi_rewrite_memory(err);
    fvi_free(readers);
    fvi_free(rest);
    return st;
}
