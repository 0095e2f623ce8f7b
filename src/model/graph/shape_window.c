/* shape_window.c: shape rules of operators on feature maps [N,C,...] and of matrix products. */
#include "base/checked.h"
#include "base/error.h"
#include "model/graph/shape.h"
#include <math.h>
#include <string.h>

static fv_status check_bias(const fvi_node *n, int64_t channels, fv_error *err)
{
    if (n->n_in < 3 || !n->in[2]) return FV_OK;
    const fvi_value *b = n->in[2];
    if (b->rank != 1 || (b->dim[0] >= 0 && b->dim[0] != channels))
        return fvi_node_error(n, err, FV_ERR_SHAPE, "its bias must have %lld values", (long long)channels);
    return FV_OK;
}

static fv_status window_output(fvi_node *n, int64_t channels, fv_error *err)
{
    fvi_window w;
    FVI_TRY(fvi_node_window(n, &w, err));
    fvi_dims s = {.rank = n->in[0]->rank, .d = {n->in[0]->dim[0], channels}};
    for (int i = 0; i < w.n; i++) s.d[i + 2] = w.out[i];
    return fvi_shape_set(n, 0, n->in[0]->dtype, &s, err);
}

/* Weights: Conv [M, C/group, k...], ConvTranspose [C, M/group, k...]. */
static fv_status conv(fvi_node *n, bool transposed, fv_error *err)
{
    fvi_dims x, w;
    int64_t group = fvi_node_int(n, "group", 1);
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(fvi_shape_in(n, 1, &w, err));
    FVI_TRY(fvi_shape_same_dtype(n, 0, n->n_in, err));
    if (x.rank < 3 || w.rank != x.rank)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "input and weights have %d and %d dimensions", x.rank, w.rank);
    if (w.d[0] < 0 || w.d[1] < 0) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "weights of unknown shape are not supported");
    if (group < 1 || w.d[0] < 1 || w.d[1] < 1 || w.d[0] % group)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "%lld channels do not divide into %lld groups", (long long)w.d[0],
                              (long long)group);
    int64_t in_channels = w.d[0], out_channels = w.d[0];
    if (!fvi_mul_i64(w.d[1], group, transposed ? &out_channels : &in_channels))
        return fvi_node_error(n, err, FV_ERR_LIMIT, "too many channels");
    if (x.d[1] >= 0 && x.d[1] != in_channels)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "its input has %lld channels, its weights want %lld",
                              (long long)x.d[1], (long long)in_channels);
    FVI_TRY(check_bias(n, out_channels, err));
    return window_output(n, out_channels, err);
}

fv_status fvi_shape_conv(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    return conv(n, false, err);
}

/* x of uint8, weights [M,C/group,k,k] of int8, scale [M] of float32; these may be left out: bias [M], table [256] of uint8 with scale and zero point
 * of what is looked up in it. */
fv_status fvi_shape_quant_conv(fvi_graph *g, fvi_node *n, fv_error *err)
{
    const fvi_value *x = n->in[0], *w = n->in[1], *scale = n->in[2], *bias = n->n_in > 3 ? n->in[3] : NULL, *table = n->n_in > 4 ? n->in[4] : NULL;
    (void)g;
    if (x->dtype != FV_U8 || w->dtype != FV_I8 || scale->dtype != FV_F32 || (bias && bias->dtype != FV_F32) || (table && table->dtype != FV_U8))
        return fvi_node_error(n, err, FV_ERR_MODEL, "its inputs are not bytes, or their scale or bias are not float32");
    if (n->makes != FV_U8 && n->makes != FV_F32) return fvi_node_error(n, err, FV_ERR_MODEL, "its results must be uint8 or float32");
    FVI_TRY(conv(n, false, err));
    const int64_t channels = w->dim[0];
    for (int k = 2; k < n->n_in && k < 4; k++)
        if (n->in[k] && (n->in[k]->rank != 1 || n->in[k]->dim[0] != channels)) return fvi_node_error(n, err, FV_ERR_SHAPE, "its scale and bias must have %lld values", (long long)channels);
    if (table && (n->n_in < 7 || !n->in[5] || !n->in[6] || table->rank != 1 || table->dim[0] != 256))
        return fvi_node_error(n, err, FV_ERR_SHAPE, "its table must have 256 values, a scale and a zero point");
    return FV_OK;
}

/* The addend has the result's shape, or half its height and width: one of its pixels for four. */
fv_status fvi_shape_conv_add(fvi_graph *g, fvi_node *n, fv_error *err)
{
    fvi_dims add;
    FVI_TRY(fvi_shape_conv(g, n, err));
    FVI_TRY(fvi_shape_in(n, 3, &add, err));
    const fvi_value *y = n->out[0];
    bool same = add.rank == 4 && y->rank == 4, half = same;
    for (int i = 0; i < 4 && (same || half); i++) {
        if (add.d[i] < 0 || y->dim[i] < 0) continue;
        same = same && add.d[i] == y->dim[i];
        half = half && (i < 2 ? add.d[i] : 2 * add.d[i]) == y->dim[i];
    }
    return same || half ? FV_OK : fvi_node_error(n, err, FV_ERR_SHAPE, "its addend does not fit its result");
}

fv_status fvi_shape_conv_transpose(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    return conv(n, true, err);
}

fv_status fvi_shape_pool(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (x.rank < 3) return fvi_node_error(n, err, FV_ERR_SHAPE, "its input needs 3 dimensions or more, it has %d", x.rank);
    FVI_TRY(window_output(n, x.d[1], err));
    if (n->n_out < 2) return FV_OK;
    fvi_dims y = {.rank = n->out[0]->rank};
    memcpy(y.d, n->out[0]->dim, sizeof y.d);
    return fvi_shape_set(n, 1, FV_I64, &y, err);
}

fv_status fvi_shape_deform_conv(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, w;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(fvi_shape_in(n, 1, &w, err));
    if (x.rank != w.rank || x.rank < 3 || w.d[0] < 1) return fvi_node_error(n, err, FV_ERR_SHAPE, "input and weights have %d and %d dimensions", x.rank, w.rank);
    return window_output(n, w.d[0], err);
}

fv_status fvi_shape_global_pool(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (x.rank < 3) return fvi_node_error(n, err, FV_ERR_SHAPE, "its input needs 3 dimensions or more, it has %d", x.rank);
    for (int i = 2; i < x.rank; i++) x.d[i] = 1;
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}

fv_status fvi_shape_gemm(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims a, b;
    FVI_TRY(fvi_shape_in(n, 0, &a, err));
    FVI_TRY(fvi_shape_in(n, 1, &b, err));
    FVI_TRY(fvi_shape_same_dtype(n, 0, n->n_in, err));
    if (a.rank != 2 || b.rank != 2)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "its matrices have %d and %d dimensions", a.rank, b.rank);
    bool ta = fvi_node_int(n, "transA", 0) != 0, tb = fvi_node_int(n, "transB", 0) != 0;
    int64_t ka = a.d[!ta], kb = b.d[tb];
    if (ka >= 0 && kb >= 0 && ka != kb)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "inner dimensions %lld and %lld differ", (long long)ka, (long long)kb);
    fvi_dims s = {.rank = 2, .d = {a.d[ta], b.d[!tb]}}, c, both = s;
    if (n->n_in > 2 && n->in[2]) {
        FVI_TRY(fvi_shape_in(n, 2, &c, err));
        FVI_TRY(fvi_shape_broadcast_dims(n, &both, &c, err));
        if (both.rank != 2 || both.d[0] != s.d[0] || both.d[1] != s.d[1])
            return fvi_node_error(n, err, FV_ERR_SHAPE, "its third input is larger than its output");
    }
    return fvi_shape_set(n, 0, n->in[0]->dtype, &s, err);
}

fv_status fvi_shape_matmul(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims a, b;
    FVI_TRY(fvi_shape_in(n, 0, &a, err));
    FVI_TRY(fvi_shape_in(n, 1, &b, err));
    FVI_TRY(fvi_shape_same_dtype(n, 0, 2, err));
    if (a.rank < 1 || b.rank < 1) return fvi_node_error(n, err, FV_ERR_SHAPE, "it cannot multiply scalars");
    bool row = a.rank == 1, column = b.rank == 1; /* numpy: a vector gets a dimension of 1, which the result drops */
    if (row) a = (fvi_dims){.rank = 2, .d = {1, a.d[0]}};
    if (column) b = (fvi_dims){.rank = 2, .d = {b.d[0], 1}};
    int64_t ka = a.d[a.rank - 1], kb = b.d[b.rank - 2];
    if (ka >= 0 && kb >= 0 && ka != kb)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "inner dimensions %lld and %lld differ", (long long)ka, (long long)kb);
    int64_t m = a.d[a.rank - 2], k = b.d[b.rank - 1];
    a.rank -= 2;
    b.rank -= 2;
    FVI_TRY(fvi_shape_broadcast_dims(n, &a, &b, err));
    if (!row) a.d[a.rank++] = m;
    if (!column) a.d[a.rank++] = k;
    return fvi_shape_set(n, 0, n->in[0]->dtype, &a, err);
}

/* ---- Resize, Upsample ---- */

/* Which input holds what differs by opset; -1 = not there. */
static void resize_inputs(const fvi_node *n, int *scales, int *sizes)
{
    bool old = n->op == FVI_OP_UPSAMPLE || n->opset < 11;
    *scales = old ? 1 : 2;
    *sizes = old ? -1 : 3;
    if (*scales >= n->n_in || !n->in[*scales] || fvi_value_count(n->in[*scales]) == 0) *scales = -1;
    if (*sizes >= n->n_in || (*sizes >= 0 && (!n->in[*sizes] || fvi_value_count(n->in[*sizes]) == 0))) *sizes = -1;
}

static fv_status resize_axes(const fvi_node *n, int rank, int *axes, int *count, fv_error *err)
{
    int64_t given[FV_MAX_RANK];
    int c = n->op == FVI_OP_RESIZE ? fvi_node_ints(n, "axes", given, FV_MAX_RANK) : 0;
    if (c > rank) return fvi_node_error(n, err, FV_ERR_MODEL, "attribute axes has %d values", c);
    *count = c ? c : rank;
    for (int i = 0; i < *count; i++) FVI_TRY(fvi_shape_axis(n, c ? given[i] : i, rank, &axes[i], err));
    return FV_OK;
}

static fv_status read_scales(const fvi_node *n, int k, int count, float *out, bool *known, fv_error *err)
{
    const fvi_attr *a = fvi_node_attr(n, "scales");
    *known = true;
    if (k < 0 && a && a->type == FVI_ATTR_FLOATS && a->count == count) {
        memcpy(out, a->floats, (size_t)count * sizeof *out);
        return FV_OK;
    }
    if (k < 0) return fvi_node_error(n, err, FV_ERR_MODEL, "has neither scales nor sizes");
    const fvi_value *v = n->in[k];
    *known = v->constant != NULL;
    if (!*known) return FV_OK;
    if (v->dtype != FV_F32 || fvi_value_count(v) != count)
        return fvi_node_error(n, err, FV_ERR_MODEL, "its scales must be %d floats", count);
    memcpy(out, v->constant, (size_t)count * sizeof *out);
    return FV_OK;
}

static fv_status scaled_dims(const fvi_node *n, int k, const int *axes, int count, fvi_dims *x, fv_error *err)
{
    float scale[FV_MAX_RANK];
    bool known;
    FVI_TRY(read_scales(n, k, count, scale, &known, err));
    for (int i = 0; i < count; i++) {
        int64_t *d = &x->d[axes[i]];
        if (!known || *d < 0) {
            *d = FVI_DIM_UNKNOWN;
            continue;
        }
        float size = floorf((float)*d * scale[i]);
        if (!(scale[i] > 0) || !(size >= 1 && size < 1e9f))
            return fvi_node_error(n, err, FV_ERR_SHAPE, "a scale of %g on %lld does not work", (double)scale[i], (long long)*d);
        *d = (int64_t)size;
    }
    return FV_OK;
}

/* sizes, with keep_aspect_ratio_policy (opset 18): one scale for all axes, rounded half up */
static fv_status sized_dims(const fvi_node *n, int k, const int *axes, int count, fvi_dims *x, fv_error *err)
{
    int64_t size[FV_MAX_RANK];
    const char *policy = fvi_node_string(n, "keep_aspect_ratio_policy", "stretch");
    int have = fvi_value_ints(n->in[k], size, FV_MAX_RANK);
    if (n->in[k]->constant && have != count) return fvi_node_error(n, err, FV_ERR_MODEL, "its sizes must be %d integers", count);
    double scale = 0;
    for (int i = 0; i < count && have == count; i++) {
        if (size[i] < 1 || size[i] > FVI_MAX_ELEMENTS)
            return fvi_node_error(n, err, FV_ERR_SHAPE, "a size of %lld does not work", (long long)size[i]);
        if (x->d[axes[i]] < 1 && strcmp(policy, "stretch")) have = -1;
        double s = (double)size[i] / (double)x->d[axes[i]];
        if (i == 0 || (strcmp(policy, "not_larger") == 0 ? s < scale : s > scale)) scale = s;
    }
    for (int i = 0; i < count; i++) {
        int64_t *d = &x->d[axes[i]];
        if (have != count)
            *d = FVI_DIM_UNKNOWN;
        else
            *d = strcmp(policy, "stretch") == 0 ? size[i] : fvi_max_i64(1, (int64_t)floor((double)*d * scale + 0.5));
    }
    return FV_OK;
}

fv_status fvi_shape_resize(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    int axes[FV_MAX_RANK], count, scales, sizes;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(resize_axes(n, x.rank, axes, &count, err));
    resize_inputs(n, &scales, &sizes);
    if (sizes >= 0)
        FVI_TRY(sized_dims(n, sizes, axes, count, &x, err));
    else
        FVI_TRY(scaled_dims(n, scales, axes, count, &x, err));
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}

static bool out_of_range(int64_t pad) { return pad > FVI_MAX_ELEMENTS || pad < -FVI_MAX_ELEMENTS; }

fv_status fvi_shape_pad(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    int64_t pads[2 * FV_MAX_RANK], given[FV_MAX_RANK];
    int axes[FV_MAX_RANK];
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    int n_axes = fvi_shape_ints(n, NULL, 3, given, FV_MAX_RANK);
    if (n_axes == -1) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "axes that are not constant are not supported");
    int count = n_axes == -2 ? x.rank : n_axes;
    for (int i = 0; i < count; i++) FVI_TRY(fvi_shape_axis(n, n_axes == -2 ? i : given[i], x.rank, &axes[i], err));
    int have = fvi_shape_ints(n, "pads", n->opset < 11 ? -1 : 1, pads, 2 * FV_MAX_RANK);
    if (have == -2) return fvi_node_error(n, err, FV_ERR_MODEL, "has no pads");
    if (have >= 0 && have != 2 * count) return fvi_node_error(n, err, FV_ERR_MODEL, "has %d pads instead of %d", have, 2 * count);
    for (int i = 0; i < count; i++) {
        int64_t *d = &x.d[axes[i]];
        if (have < 0 || *d < 0) {
            *d = FVI_DIM_UNKNOWN;
            continue;
        }
        if (out_of_range(pads[i]) || out_of_range(pads[i + count]))
            return fvi_node_error(n, err, FV_ERR_LIMIT, "pads are too large");
        *d += pads[i] + pads[i + count];
        if (*d < 0) return fvi_node_error(n, err, FV_ERR_SHAPE, "its pads take more than there is");
    }
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}
