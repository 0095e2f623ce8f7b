/* rebatch.c: a graph exported for one image becomes one for N, where that is provably N single runs side by side. Walks
 * the nodes with the question "does dimension 0 of this value number the images?", one rule per kind of operator; batch
 * sizes baked into constants are exchanged. Whatever no rule covers is an obstacle that names the node. At the end every
 * shape is inferred anew and must be the old one with N in front. Called by the engine on a copy of the graph. */
#include "base/checked.h"
#include "model/rewrite/internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_REPLICA ((int64_t)64 << 20) /* bytes of a constant repeated per image */

typedef struct shape {
    int rank;
    int64_t dim[FV_MAX_RANK];
    bool batched; /* dimension 0 numbers the images */
} shape;

typedef struct rebatch {
    fvi_graph *g;
    int64_t batch;
    shape *old; /* by value id */
    int n_old;
    char *obstacle;
    size_t size;
    fv_error *err;
} rebatch;

static fv_status forbid(rebatch *r, const fvi_node *n, const char *fmt, ...) FV_PRINTF(3, 4);
static fv_status forbid(rebatch *r, const fvi_node *n, const char *fmt, ...)
{
    char why[160];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    if (r->obstacle && r->size) {
        if (n)
            snprintf(r->obstacle, r->size, "node \"%.100s\" (%s) %s", n->name, fvi_op_get(n->op)->name, why);
        else
            snprintf(r->obstacle, r->size, "%s", why);
    }
    return n ? fvi_node_error(n, r->err, FV_ERR_UNSUPPORTED, "cannot run a batch: it %s", why)
             : fvi_error_set(r->err, FV_ERR_UNSUPPORTED, "cannot run a batch: %s", why);
}

static bool batched(const rebatch *r, const fvi_value *v) { return v && v->id < r->n_old && r->old[v->id].batched; }
static const shape *old_shape(const rebatch *r, const fvi_value *v) { return &r->old[v->id]; }

static fv_status no_memory(rebatch *r) { return fvi_rewrite_memory(r->err); }

/* All inputs but the first must be the same for every image. */
static fv_status only_first(rebatch *r, const fvi_node *n)
{
    if (!batched(r, n->in[0])) return forbid(r, n, "has parameters that differ per image");
    for (int k = 1; k < n->n_in; k++)
        if (batched(r, n->in[k])) return forbid(r, n, "has parameters that differ per image");
    return FV_OK;
}

/* A constant [1,...] becomes [N,...], image by image the same. */
static fv_status replicate(rebatch *r, fvi_node *n, int k)
{
    const fvi_value *c = n->in[k];
    int64_t dim[FV_MAX_RANK], count = fvi_value_count(c), bytes = 0;
    int64_t one = count * (int64_t)fv_dtype_size(c->dtype);
    if (!c->constant || c->absent || c->rank < 1 || c->dim[0] != 1 || !fvi_mul_i64(one, r->batch, &bytes) || bytes > MAX_REPLICA)
        return forbid(r, n, "joins values of each image with others that are not per image");
    memcpy(dim, c->dim, sizeof dim);
    dim[0] = r->batch;
    fvi_value *copy = fvi_graph_add_constant(r->g, NULL, c->dtype, c->rank, dim, NULL);
    if (!copy) return no_memory(r);
    for (int64_t i = 0; i < r->batch; i++) memcpy((char *)copy->constant + i * one, c->constant, (size_t)one);
    n->in[k] = copy;
    return FV_OK;
}

static fv_status all_inputs(rebatch *r, fvi_node *n)
{
    for (int k = 0; k < n->n_in; k++)
        if (n->in[k] && !batched(r, n->in[k])) FVI_TRY(replicate(r, n, k));
    return FV_OK;
}

static int64_t axis_of(const rebatch *r, const fvi_node *n, int64_t def)
{
    int64_t a = fvi_node_int(n, "axis", def);
    return a < 0 ? a + old_shape(r, n->in[0])->rank : a;
}

static fv_status axis_not_images(rebatch *r, const fvi_node *n, int64_t axis)
{
    return axis > 0 ? FV_OK : forbid(r, n, "works across the images of a batch (axis 0)");
}

/* ---- rules ---- */

/* Element by element with broadcasting: an operand of each image must reach to dimension 0 of the result, one that is
 * the same for all must not have more than 1 there. */
static fv_status rule_broadcast(rebatch *r, fvi_node *n)
{
    int rank = old_shape(r, n->out[0])->rank;
    for (int k = 0; k < n->n_in; k++) {
        if (!n->in[k]) continue;
        const shape *s = old_shape(r, n->in[k]);
        if (s->batched && s->rank != rank) return forbid(r, n, "broadcasts the batch to another dimension");
        if (!s->batched && s->rank == rank && s->dim[0] != 1)
            return forbid(r, n, "joins the batch with %lld rows", (long long)s->dim[0]);
    }
    return FV_OK;
}

/* Two feature maps of each image, weights and bias of all. */
static fv_status rule_conv_add(rebatch *r, const fvi_node *n)
{
    for (int k = 0; k < n->n_in; k++)
        if (n->in[k] && batched(r, n->in[k]) != (k == 0 || k == 3)) return forbid(r, n, "has parameters that differ per image");
    return FV_OK;
}

static fv_status rule_softmax(rebatch *r, fvi_node *n)
{
    FVI_TRY(only_first(r, n));
    return axis_not_images(r, n, axis_of(r, n, n->opset < 13 ? 1 : -1));
}

static fv_status rule_axis(rebatch *r, fvi_node *n, int64_t def)
{
    FVI_TRY(only_first(r, n));
    return axis_not_images(r, n, axis_of(r, n, def));
}

static fv_status rule_axes(rebatch *r, fvi_node *n)
{
    int64_t axes[FV_MAX_RANK];
    FVI_TRY(only_first(r, n));
    int rank = n->op == FVI_OP_UNSQUEEZE ? old_shape(r, n->out[0])->rank : old_shape(r, n->in[0])->rank;
    int count = fvi_node_axes(n, rank, axes);
    bool none = count == 0 && fvi_node_int(n, "noop_with_empty_axes", 0) == 0;
    if (count < 0 || none) return forbid(r, n, "works across the images of a batch (all axes)");
    for (int i = 0; i < count; i++) FVI_TRY(axis_not_images(r, n, axes[i]));
    return FV_OK;
}

static fv_status rule_join(rebatch *r, fvi_node *n, int64_t def)
{
    FVI_TRY(axis_not_images(r, n, axis_of(r, n, def)));
    return all_inputs(r, n);
}

static fv_status rule_slice(rebatch *r, fvi_node *n)
{
    int64_t axes[FV_MAX_RANK];
    FVI_TRY(only_first(r, n));
    int count = 0;
    if (n->opset < 10)
        count = fvi_node_ints(n, "axes", axes, FV_MAX_RANK);
    else if (n->n_in > 3 && n->in[3])
        count = fvi_value_ints(n->in[3], axes, FV_MAX_RANK);
    if (count < 1 || count > FV_MAX_RANK) return forbid(r, n, "slices the batch");
    for (int i = 0; i < count; i++)
        if (axes[i] == 0 || axes[i] == -old_shape(r, n->in[0])->rank) return forbid(r, n, "slices the batch");
    return FV_OK;
}

static fv_status rule_pad(rebatch *r, fvi_node *n)
{
    int64_t pads[2 * FV_MAX_RANK], axes[FV_MAX_RANK];
    FVI_TRY(only_first(r, n));
    int rank = old_shape(r, n->in[0])->rank, n_axes = 0;
    int count = n->n_in > 1 && n->in[1] ? fvi_value_ints(n->in[1], pads, 2 * FV_MAX_RANK)
                                        : fvi_node_ints(n, "pads", pads, 2 * FV_MAX_RANK);
    if (n->n_in > 3 && n->in[3]) n_axes = fvi_value_ints(n->in[3], axes, FV_MAX_RANK);
    if (count < 2 || count > 2 * FV_MAX_RANK || n_axes < 0) return forbid(r, n, "has a padding that is not constant");
    for (int i = 0; i < count / 2; i++) {
        bool images = n_axes ? axes[i] == 0 || axes[i] == -rank : i == 0;
        if (images && (pads[i] || pads[i + count / 2])) return forbid(r, n, "pads the batch");
    }
    return FV_OK;
}

/* Sizes hold the batch and are exchanged; scales must leave it alone. */
static fv_status rule_resize(rebatch *r, fvi_node *n)
{
    int64_t size[FV_MAX_RANK];
    FVI_TRY(only_first(r, n));
    const shape *in = old_shape(r, n->in[0]), *out = old_shape(r, n->out[0]);
    if (in->dim[0] != 1 || out->dim[0] != 1) return forbid(r, n, "resizes the batch");
    if (fvi_node_attr(n, "axes")) {
        int64_t axes[FV_MAX_RANK];
        int count = fvi_node_ints(n, "axes", axes, FV_MAX_RANK);
        for (int i = 0; i < count && i < FV_MAX_RANK; i++)
            if (axes[i] == 0 || axes[i] == -in->rank) return forbid(r, n, "resizes the batch");
        return FV_OK;
    }
    if (n->op == FVI_OP_RESIZE && n->n_in > 3 && n->in[3] && fvi_value_count(n->in[3]) > 0) {
        if (fvi_value_ints(n->in[3], size, FV_MAX_RANK) != in->rank) return forbid(r, n, "has a size that is not constant");
        size[0] = r->batch;
        n->in[3] = fvi_rewrite_ints(r->g, size, in->rank);
        return n->in[3] ? FV_OK : no_memory(r);
    }
    /* scales, as an input (its place differs by opset) or an attribute: the batch's must be 1 */
    const fvi_attr *attr = fvi_node_attr(n, "scales");
    int k = n->op == FVI_OP_UPSAMPLE || n->opset < 11 ? 1 : 2;
    const fvi_value *v = k < n->n_in ? n->in[k] : NULL;
    float scale = attr && attr->type == FVI_ATTR_FLOATS && attr->count > 0 ? attr->floats[0] : 0;
    if (v && v->constant && v->dtype == FV_F32 && fvi_value_count(v) > 0) memcpy(&scale, v->constant, sizeof scale);
    return scale == 1.0f ? FV_OK : forbid(r, n, "resizes the batch");
}

/* Row-major: images stay side by side as long as dimension 0 numbers them before and after. */
static fv_status rule_reshape(rebatch *r, fvi_node *n)
{
    const shape *out = old_shape(r, n->out[0]);
    int64_t want[FV_MAX_RANK];
    FVI_TRY(only_first(r, n));
    if (!n->in[1]->constant) return forbid(r, n, "has a target shape that is not constant");
    if (out->rank < 1 || out->dim[0] != 1) return forbid(r, n, "has a target shape that mixes the batch with another dimension");
    for (int i = 0; i < out->rank; i++) want[i] = i ? out->dim[i] : r->batch;
    n->in[1] = fvi_rewrite_ints(r->g, want, out->rank);
    return n->in[1] ? FV_OK : no_memory(r);
}

static fv_status rule_flatten(rebatch *r, fvi_node *n)
{
    const shape *in = old_shape(r, n->in[0]);
    int64_t axis = axis_of(r, n, 1), rows = 1;
    for (int64_t i = 1; i < axis; i++) rows *= in->dim[i];
    return axis < 1 || rows != 1 ? forbid(r, n, "mixes the batch with another dimension") : FV_OK;
}

static fv_status rule_transpose(rebatch *r, fvi_node *n)
{
    int64_t perm[FV_MAX_RANK];
    int count = fvi_node_ints(n, "perm", perm, FV_MAX_RANK);
    bool fixed = count ? perm[0] == 0 : old_shape(r, n->in[0])->rank == 1;
    return fixed ? FV_OK : forbid(r, n, "moves the batch to another dimension");
}

static fv_status rule_matmul(rebatch *r, fvi_node *n)
{
    const shape *a = old_shape(r, n->in[0]), *b = old_shape(r, n->in[1]), *out = old_shape(r, n->out[0]);
    /* a row per image times one matrix */
    if (a->batched && a->rank == 2 && !b->batched && b->rank == 2) return FV_OK;
    const shape *both[2] = {a, b};
    for (int k = 0; k < 2; k++) {
        if (both[k]->batched && (both[k]->rank < 3 || both[k]->rank != out->rank)) return forbid(r, n, "multiplies across the batch");
        if (!both[k]->batched && both[k]->rank == out->rank && both[k]->dim[0] != 1)
            return forbid(r, n, "joins the batch with %lld matrices", (long long)both[k]->dim[0]);
    }
    return FV_OK;
}

static fv_status rule_gemm(rebatch *r, fvi_node *n)
{
    FVI_TRY(only_first(r, n));
    if (fvi_node_int(n, "transA", 0)) return forbid(r, n, "multiplies across the batch");
    if (n->n_in > 2 && n->in[2] && old_shape(r, n->in[2])->rank == 2 && old_shape(r, n->in[2])->dim[0] != 1)
        return forbid(r, n, "adds rows that are not per image");
    return FV_OK;
}

static fv_status rule_expand(rebatch *r, fvi_node *n)
{
    int64_t want[FV_MAX_RANK];
    const shape *in = old_shape(r, n->in[0]), *out = old_shape(r, n->out[0]);
    FVI_TRY(only_first(r, n));
    int count = fvi_value_ints(n->in[1], want, FV_MAX_RANK);
    if (count < 0 || in->rank != out->rank || out->dim[0] != 1) return forbid(r, n, "repeats the batch");
    if (count < out->rank) return FV_OK;
    want[0] = r->batch;
    n->in[1] = fvi_rewrite_ints(r->g, want, count);
    return n->in[1] ? FV_OK : no_memory(r);
}

static fv_status rule_tile(rebatch *r, fvi_node *n)
{
    int64_t want[FV_MAX_RANK];
    FVI_TRY(only_first(r, n));
    int count = fvi_value_ints(n->in[1], want, FV_MAX_RANK);
    return count < 1 || want[0] != 1 ? forbid(r, n, "repeats the batch") : FV_OK;
}

/* From each image the same places along another axis; or places of each image from one table. */
static fv_status rule_gather(rebatch *r, fvi_node *n)
{
    int64_t axis = axis_of(r, n, 0);
    bool table = !batched(r, n->in[0]) && axis == 0;
    bool places = !batched(r, n->in[1]) && axis > 0;
    return table || places ? FV_OK : forbid(r, n, "picks by an index across the batch");
}

static fv_status apply_rule(rebatch *r, fvi_node *n)
{
    switch (n->op) {
    case FVI_OP_ABS: case FVI_OP_CAST: case FVI_OP_CEIL: case FVI_OP_CLIP: case FVI_OP_ERF: case FVI_OP_EXP: case FVI_OP_FLOOR: case FVI_OP_GELU:
    case FVI_OP_HARD_SIGMOID: case FVI_OP_HARD_SWISH: case FVI_OP_IDENTITY: case FVI_OP_LEAKY_RELU: case FVI_OP_LOG: case FVI_OP_NEG: case FVI_OP_NOT:
    case FVI_OP_RECIPROCAL: case FVI_OP_RELU: case FVI_OP_SIGMOID: case FVI_OP_SILU: case FVI_OP_SQRT: case FVI_OP_TANH: case FVI_OP_BATCH_NORM:
    case FVI_OP_CONV: case FVI_OP_CONV_TRANSPOSE: case FVI_OP_AVERAGE_POOL: case FVI_OP_MAX_POOL: case FVI_OP_GLOBAL_AVERAGE_POOL:
    case FVI_OP_QUANTIZE_LINEAR: case FVI_OP_DEQUANTIZE_LINEAR: case FVI_OP_FAKE_QUANT: case FVI_OP_QUANT_TABLE: case FVI_OP_QUANT_CONV: case FVI_OP_QLINEAR_CONV: case FVI_OP_SOFTMAX_MEAN: return only_first(r, n);
    case FVI_OP_DYNAMIC_QUANTIZE_LINEAR: return forbid(r, n, "takes its scale from the range of all images together");
    case FVI_OP_ADD: case FVI_OP_AND: case FVI_OP_DIV: case FVI_OP_EQUAL: case FVI_OP_GREATER: case FVI_OP_LESS: case FVI_OP_MAX: case FVI_OP_MIN:
    case FVI_OP_MOD: case FVI_OP_MUL: case FVI_OP_POW: case FVI_OP_PRELU: case FVI_OP_SUB: case FVI_OP_WHERE: return rule_broadcast(r, n);
    case FVI_OP_CONV_ADD: return rule_conv_add(r, n);
    case FVI_OP_SOFTMAX: return rule_softmax(r, n);
    case FVI_OP_ARGMAX: case FVI_OP_SPLIT: return rule_axis(r, n, 0);
    case FVI_OP_TOPK: return rule_axis(r, n, -1);
    case FVI_OP_REDUCE_MAX: case FVI_OP_REDUCE_MEAN: case FVI_OP_REDUCE_MIN: case FVI_OP_REDUCE_SUM: case FVI_OP_SQUEEZE: case FVI_OP_UNSQUEEZE: return rule_axes(r, n);
    case FVI_OP_CONCAT: case FVI_OP_GATHER_ELEMENTS: return rule_join(r, n, 0);
    case FVI_OP_SLICE: return rule_slice(r, n);
    case FVI_OP_PAD: return rule_pad(r, n);
    case FVI_OP_RESIZE: case FVI_OP_UPSAMPLE: return rule_resize(r, n);
    case FVI_OP_RESHAPE: return rule_reshape(r, n);
    case FVI_OP_FLATTEN: return rule_flatten(r, n);
    case FVI_OP_TRANSPOSE: return rule_transpose(r, n);
    case FVI_OP_MATMUL: return rule_matmul(r, n);
    case FVI_OP_GEMM: return rule_gemm(r, n);
    case FVI_OP_EXPAND: return rule_expand(r, n);
    case FVI_OP_TILE: return rule_tile(r, n);
    case FVI_OP_GATHER: return rule_gather(r, n);
    default: return forbid(r, n, "depends on the batch in a way that no rule covers");
    }
}

/* ---- the walk ---- */

static fv_status remember(rebatch *r)
{
    for (int i = 0; i < r->n_old; i++) {
        const fvi_value *v = r->g->values[i];
        if (fvi_value_count(v) < 0) return forbid(r, v->producer, "has a value of unknown shape, \"%.80s\"", v->name);
        r->old[i].rank = v->rank;
        memcpy(r->old[i].dim, v->dim, sizeof v->dim);
    }
    return FV_OK;
}

static fv_status start_inputs(rebatch *r)
{
    for (int i = 0; i < r->g->n_inputs; i++) {
        fvi_value *v = r->g->inputs[i];
        if (v->rank < 1 || v->dim[0] != 1)
            return forbid(r, NULL, "input \"%.80s\" has no batch of 1 in front", v->name);
        v->dim[0] = r->batch;
        r->old[v->id].batched = true;
    }
    return FV_OK;
}

static fv_status visit(rebatch *r, fvi_node *n)
{
    bool any = batched(r, n->residual);
    for (int k = 0; k < n->n_in; k++) any = any || batched(r, n->in[k]);
    if (!any) return FV_OK;
    FVI_TRY(apply_rule(r, n));
    if (n->residual && !batched(r, n->residual)) return forbid(r, n, "adds a residual that is not per image");
    for (int k = 0; k < n->n_out; k++) {
        shape *s = &r->old[n->out[k]->id];
        if (s->rank < 1 || s->dim[0] != 1) return forbid(r, n, "has a result without the batch in front");
        s->batched = true;
    }
    return FV_OK;
}

/* The proof by shapes: nothing but the batch has changed. */
static fv_status compare(rebatch *r)
{
    for (int i = 0; i < r->n_old; i++) {
        const fvi_value *v = r->g->values[i];
        const shape *s = &r->old[i];
        bool same = v->rank == s->rank;
        for (int d = 0; same && d < s->rank; d++) same = v->dim[d] == (d == 0 && s->batched ? r->batch : s->dim[d]);
        if (!same) return forbid(r, v->producer, "gives another shape than for one image");
    }
    for (int i = 0; i < r->g->n_outputs; i++)
        if (!batched(r, r->g->outputs[i])) return forbid(r, r->g->outputs[i]->producer, "gives an output that is not per image");
    return FV_OK;
}

static fv_status run(rebatch *r)
{
    FVI_TRY(remember(r));
    FVI_TRY(start_inputs(r));
    for (int i = 0; i < r->g->n_nodes; i++) FVI_TRY(visit(r, r->g->nodes[i]));
    for (int i = 0; i < r->g->n_nodes; i++) {
        fv_status st = fvi_graph_infer_node(r->g, r->g->nodes[i], r->err);
        if (st < 0) return forbid(r, r->g->nodes[i], "does not fit a batch of %lld", (long long)r->batch);
    }
    FVI_TRY(compare(r));
    FVI_TRY(fvi_graph_relink(r->g, r->err));
    return fvi_graph_verify(r->g, r->err);
}

fv_status fvi_rewrite_rebatch(fvi_graph *g, int64_t batch, char *obstacle, size_t n, fv_error *err)
{
    if (obstacle && n) obstacle[0] = 0;
    if (batch < 1 || batch > 65536) return fvi_error_set(err, FV_ERR_ARGUMENT, "a batch of %lld is not possible", (long long)batch);
    if (batch == 1) return FV_OK;
    FVI_TRY(fvi_graph_relink(g, err));
    rebatch r = {.g = g, .batch = batch, .n_old = g->n_values, .obstacle = obstacle, .size = n, .err = err};
    r.old = fvi_calloc((size_t)g->n_values + 1, sizeof *r.old);
    if (!r.old) return fvi_rewrite_memory(err);
    fv_status st = run(&r);
    fvi_free(r.old);
    return st;
}
