/* shape_elementwise.c: shape rules of operators that work element by element, with numpy broadcasting where ONNX has it. */
#include "base/error.h"
#include "model/graph/shape.h"

static fv_status check_per_channel(const fvi_node *n, const fvi_dims *x, fv_error *err)
{
    for (int k = 1; k < 5; k++) {
        const fvi_value *p = n->in[k];
        if (p->rank != 1 || (x->rank > 1 && x->d[1] >= 0 && p->dim[0] >= 0 && p->dim[0] != x->d[1]))
            return fvi_node_error(n, err, FV_ERR_SHAPE, "its input %d must have one value per channel", k);
    }
    return fvi_shape_same_dtype(n, 0, 5, err);
}

/* Clip's bounds: scalars of the input's type. */
static fv_status check_bounds(const fvi_node *n, fv_error *err)
{
    for (int k = 1; k < n->n_in; k++)
        if (n->in[k] && fvi_value_count(n->in[k]) > 1) return fvi_node_error(n, err, FV_ERR_SHAPE, "its bounds must be scalars");
    return fvi_shape_same_dtype(n, 0, n->n_in, err);
}

static fv_status check_slope(const fvi_node *n, const fvi_dims *x, fv_error *err)
{
    fvi_dims both = *x, slope;
    FVI_TRY(fvi_shape_in(n, 1, &slope, err));
    FVI_TRY(fvi_shape_broadcast_dims(n, &both, &slope, err));
    for (int i = 0; i < both.rank; i++)
        if (both.rank != x->rank || both.d[i] != x->d[i])
            return fvi_node_error(n, err, FV_ERR_SHAPE, "its slope is larger than its input");
    return fvi_shape_same_dtype(n, 0, 2, err);
}

fv_status fvi_shape_same(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (n->op == FVI_OP_BATCH_NORM) FVI_TRY(check_per_channel(n, &x, err));
    if (n->op == FVI_OP_CLIP) FVI_TRY(check_bounds(n, err));
    if (n->op == FVI_OP_PRELU) FVI_TRY(check_slope(n, &x, err));
    if (n->op == FVI_OP_SOFTMAX || n->op == FVI_OP_LOG_SOFTMAX || n->op == FVI_OP_HARDMAX) {
        int64_t axis = fvi_node_int(n, "axis", n->opset < 13 ? 1 : -1);
        int a;
        /* before opset 13 the axis only says where the 2-D view is cut, so rank itself is allowed */
        if (!(n->opset < 13 && axis == x.rank)) FVI_TRY(fvi_shape_axis(n, axis, x.rank, &a, err));
    }
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}

static fv_status broadcast_inputs(const fvi_node *n, int from, fvi_dims *out, fv_error *err)
{
    FVI_TRY(fvi_shape_in(n, from, out, err));
    for (int k = from + 1; k < n->n_in; k++) {
        fvi_dims b;
        if (!n->in[k]) return fvi_node_error(n, err, FV_ERR_MODEL, "its input %d is missing", k);
        FVI_TRY(fvi_shape_in(n, k, &b, err));
        FVI_TRY(fvi_shape_broadcast_dims(n, out, &b, err));
    }
    return FV_OK;
}

fv_status fvi_shape_broadcast(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims s;
    FVI_TRY(broadcast_inputs(n, 0, &s, err));
    if (n->op != FVI_OP_POW) FVI_TRY(fvi_shape_same_dtype(n, 0, n->n_in, err)); /* Pow: exponent may be of another type */
    return fvi_shape_set(n, 0, n->in[0]->dtype, &s, err);
}

fv_status fvi_shape_compare(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims s;
    FVI_TRY(broadcast_inputs(n, 0, &s, err));
    FVI_TRY(fvi_shape_same_dtype(n, 0, n->n_in, err));
    return fvi_shape_set(n, 0, FV_BOOL, &s, err);
}

fv_status fvi_shape_where(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims s;
    FVI_TRY(broadcast_inputs(n, 0, &s, err));
    if (n->in[0]->dtype != FV_BOOL) return fvi_node_error(n, err, FV_ERR_MODEL, "its condition is not boolean");
    FVI_TRY(fvi_shape_same_dtype(n, 1, 3, err));
    return fvi_shape_set(n, 0, n->in[1]->dtype, &s, err);
}

fv_status fvi_shape_cast(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    /* ONNX TensorProto.DataType -> ours; FP16, BF16 and FP64 are computed as FP32 for now (the importer says so) */
    static const fv_dtype types[] = {FV_NONE, FV_F32, FV_U8, FV_I8, FV_U16, FV_I16, FV_I32, FV_I64, FV_NONE,
                                     FV_BOOL, FV_F32, FV_F32, FV_U32, FV_U64, FV_NONE, FV_NONE, FV_F32};
    int64_t to = fvi_node_int(n, "to", 0);
    fvi_dims s;
    if (to < 0 || to >= (int64_t)(sizeof types / sizeof *types) || types[to] == FV_NONE)
        return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "casting to ONNX type %lld is not supported", (long long)to);
    FVI_TRY(fvi_shape_in(n, 0, &s, err));
    return fvi_shape_set(n, 0, types[to], &s, err);
}

fv_status fvi_shape_constant(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    const fvi_attr *a = fvi_node_attr(n, "value");
    if (!a || a->type != FVI_ATTR_TENSOR) return fvi_node_error(n, err, FV_ERR_MODEL, "has no tensor value");
    fvi_dims s = {.rank = a->tensor->rank};
    for (int i = 0; i < s.rank; i++) s.d[i] = a->tensor->dim[i];
    return fvi_shape_set(n, 0, a->tensor->dtype, &s, err);
}
