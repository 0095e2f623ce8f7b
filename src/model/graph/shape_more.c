/* shape_more.c: shape rules of normalisations, of blocks of channels and pixels, and of operators that look at types and
 * sizes only. */
#include "base/checked.h"
#include "base/error.h"
#include "model/graph/shape.h"
#include <string.h>

/* Layer- and RMSNormalization; mean and 1/deviation keep the dims that are folded away, as 1. */
fv_status fvi_shape_layer_norm(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, both, p;
    int axis;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(fvi_shape_axis(n, fvi_node_int(n, "axis", -1), x.rank, &axis, err));
    for (int k = 1; k < n->n_in; k++) {
        if (!n->in[k]) continue;
        both = x;
        FVI_TRY(fvi_shape_in(n, k, &p, err));
        FVI_TRY(fvi_shape_broadcast_dims(n, &both, &p, err));
        if (both.rank != x.rank || memcmp(both.d, x.d, (size_t)x.rank * sizeof *x.d) != 0)
            return fvi_node_error(n, err, FV_ERR_SHAPE, "its input %d is larger than its input 0", k);
    }
    FVI_TRY(fvi_shape_same_dtype(n, 0, n->n_in, err));
    FVI_TRY(fvi_shape_set(n, 0, n->in[0]->dtype, &x, err));
    for (int i = axis; i < x.rank; i++) x.d[i] = 1;
    for (int k = 1; k < n->n_out; k++) FVI_TRY(fvi_shape_set(n, k, FV_F32, &x, err));
    return FV_OK;
}

/* Instance- and GroupNormalization: scale and bias have one value a channel (GroupNormalization before opset 21: a group). */
fv_status fvi_shape_group_norm(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (x.rank < 3) return fvi_node_error(n, err, FV_ERR_SHAPE, "its input needs 3 dimensions or more, it has %d", x.rank);
    int64_t channels = x.d[1], groups = fvi_node_int(n, "num_groups", 0), want = channels;
    if (n->op == FVI_OP_GROUP_NORM) {
        if (groups < 1 || (channels >= 0 && channels % groups))
            return fvi_node_error(n, err, FV_ERR_SHAPE, "%lld channels do not divide into %lld groups", (long long)channels, (long long)groups);
        if (n->opset < 21) want = groups;
    }
    for (int k = 1; k < 3; k++) {
        const fvi_value *p = n->in[k];
        if (p->rank != 1 || (want >= 0 && p->dim[0] >= 0 && p->dim[0] != want))
            return fvi_node_error(n, err, FV_ERR_SHAPE, "its input %d must have %lld values", k, (long long)want);
    }
    FVI_TRY(fvi_shape_same_dtype(n, 0, 3, err));
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}

fv_status fvi_shape_test(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    return fvi_shape_set(n, 0, FV_BOOL, &x, err);
}

fv_status fvi_shape_cast_like(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    return fvi_shape_set(n, 0, n->in[1]->dtype, &x, err);
}

fv_status fvi_shape_size(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims s = {0};
    return fvi_shape_set(n, 0, FV_I64, &s, err);
}

fv_status fvi_shape_cum_sum(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    int64_t axis;
    int a;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (fvi_value_ints(n->in[1], &axis, 1) == 1) FVI_TRY(fvi_shape_axis(n, axis, x.rank, &a, err));
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}

fv_status fvi_shape_trilu(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (x.rank < 2) return fvi_node_error(n, err, FV_ERR_SHAPE, "its input needs 2 dimensions or more, it has %d", x.rank);
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}

fv_status fvi_shape_eye_like(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    /* ONNX TensorProto.DataType -> ours, float types as FP32 */
    static const fv_dtype types[] = {FV_NONE, FV_F32, FV_U8, FV_I8, FV_U16, FV_I16, FV_I32, FV_I64, FV_NONE,
                                     FV_BOOL, FV_F32, FV_F32, FV_U32, FV_U64, FV_NONE, FV_NONE, FV_F32};
    fvi_dims x;
    int64_t type = fvi_node_int(n, "dtype", 0);
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (x.rank != 2) return fvi_node_error(n, err, FV_ERR_SHAPE, "its input must have 2 dimensions, it has %d", x.rank);
    if (type < 0 || type >= (int64_t)(sizeof types / sizeof *types) || (type > 0 && types[type] == FV_NONE))
        return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "ONNX type %lld is not supported", (long long)type);
    return fvi_shape_set(n, 0, type ? types[type] : n->in[0]->dtype, &x, err);
}

static fv_status blocks(const fvi_node *n, fvi_dims *x, int64_t *b, fv_error *err)
{
    *b = fvi_node_int(n, "blocksize", 0);
    FVI_TRY(fvi_shape_in(n, 0, x, err));
    if (x->rank != 4) return fvi_node_error(n, err, FV_ERR_SHAPE, "its input must have 4 dimensions, it has %d", x->rank);
    return *b >= 1 && *b <= 1 << 15 ? FV_OK : fvi_node_error(n, err, FV_ERR_MODEL, "a blocksize of %lld does not work", (long long)*b);
}

static fv_status divide(const fvi_node *n, int64_t *d, int64_t by, fv_error *err)
{
    if (*d >= 0 && *d % by) return fvi_node_error(n, err, FV_ERR_SHAPE, "%lld does not divide into blocks of %lld", (long long)*d, (long long)by);
    if (*d >= 0) *d /= by;
    return FV_OK;
}

static fv_status multiply(const fvi_node *n, int64_t *d, int64_t by, fv_error *err)
{
    if (*d >= 0 && !fvi_mul_i64(*d, by, d)) return fvi_node_error(n, err, FV_ERR_LIMIT, "its output would be too large");
    return FV_OK;
}

fv_status fvi_shape_depth_to_space(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    int64_t b;
    FVI_TRY(blocks(n, &x, &b, err));
    FVI_TRY(divide(n, &x.d[1], b * b, err));
    for (int i = 2; i < 4; i++) FVI_TRY(multiply(n, &x.d[i], b, err));
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}

fv_status fvi_shape_space_to_depth(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    int64_t b;
    FVI_TRY(blocks(n, &x, &b, err));
    for (int i = 2; i < 4; i++) FVI_TRY(divide(n, &x.d[i], b, err));
    FVI_TRY(multiply(n, &x.d[1], b * b, err));
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}
