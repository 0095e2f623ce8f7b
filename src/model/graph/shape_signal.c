/* shape_signal.c: shape rules of losses, of windows and of transforms of signals. */
#include "base/error.h"
#include "model/graph/shape.h"
#include <string.h>

enum { MOST_SAMPLES = 1 << 26 };

/* ONNX TensorProto.DataType -> ours, floats as FP32 */
static fv_dtype number_type(int64_t onnx)
{
    static const fv_dtype types[] = {FV_NONE, FV_F32, FV_U8, FV_I8, FV_U16, FV_I16, FV_I32, FV_I64, FV_NONE, FV_NONE, FV_F32, FV_F32, FV_U32, FV_U64, FV_NONE, FV_NONE, FV_F32};
    return onnx >= 0 && onnx < (int64_t)(sizeof types / sizeof *types) ? types[onnx] : FV_NONE;
}

fv_status fvi_shape_loss(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, y = {0};
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (x.rank < 2 || n->in[1]->rank != x.rank - 1) return fvi_node_error(n, err, FV_ERR_SHAPE, "its labels need one dimension less than its scores");
    if (strcmp(fvi_node_string(n, "reduction", "mean"), "none") == 0) {
        y.rank = x.rank - 1;
        y.d[0] = x.d[0];
        for (int i = 1; i < y.rank; i++) y.d[i] = x.d[i + 1];
    }
    FVI_TRY(fvi_shape_set(n, 0, n->in[0]->dtype, &y, err));
    return n->n_out > 1 ? fvi_shape_set(n, 1, n->in[0]->dtype, &x, err) : FV_OK;
}

/* A size that must be known to know the shape. */
static fv_status constant_size(const fvi_node *n, int k, int64_t *out, fv_error *err)
{
    if (fvi_value_ints(n->in[k], out, 1) != 1) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "its input %d must be a constant", k);
    return *out >= 1 && *out <= MOST_SAMPLES ? FV_OK : fvi_node_error(n, err, FV_ERR_LIMIT, "a length of %lld does not work", (long long)*out);
}

fv_status fvi_shape_window(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims y = {.rank = 1};
    fv_dtype t = number_type(fvi_node_int(n, "output_datatype", 1));
    FVI_TRY(constant_size(n, 0, &y.d[0], err));
    return fvi_shape_set(n, 0, t, &y, err);
}

fv_status fvi_shape_mel(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims y = {.rank = 2};
    int64_t length;
    FVI_TRY(constant_size(n, 0, &y.d[1], err));
    FVI_TRY(constant_size(n, 1, &length, err));
    y.d[0] = length / 2 + 1;
    return fvi_shape_set(n, 0, number_type(fvi_node_int(n, "output_datatype", 1)), &y, err);
}

fv_status fvi_shape_dft(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    int64_t at = n->opset >= 20 ? -2 : fvi_node_int(n, "axis", 1), length;
    int axis;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (n->opset >= 20 && n->n_in > 2 && n->in[2] && fvi_value_ints(n->in[2], &at, 1) != 1) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "its axis must be a constant");
    FVI_TRY(fvi_shape_axis(n, at, x.rank, &axis, err));
    if (x.rank < 2 || axis == x.rank - 1) return fvi_node_error(n, err, FV_ERR_SHAPE, "its last dimension holds real and imaginary parts");
    bool inverse = fvi_node_int(n, "inverse", 0) != 0, onesided = fvi_node_int(n, "onesided", 0) != 0;
    length = x.d[axis];
    if (inverse && onesided && length > 0) length = 2 * (length - 1);
    if (n->n_in > 1 && n->in[1]) FVI_TRY(constant_size(n, 1, &length, err));
    x.d[axis] = onesided && !inverse && length >= 0 ? length / 2 + 1 : length;
    x.d[x.rank - 1] = inverse && onesided ? 1 : 2;
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}

fv_status fvi_shape_stft(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, y = {.rank = 4};
    int64_t step, length = -1;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(constant_size(n, 1, &step, err));
    if (n->n_in > 2 && n->in[2] && n->in[2]->rank == 1) length = n->in[2]->dim[0];
    if (n->n_in > 3 && n->in[3]) FVI_TRY(constant_size(n, 3, &length, err));
    if (x.rank < 2 || x.rank > 3 || length < 1) return fvi_node_error(n, err, FV_ERR_SHAPE, "its signal or frames have no length");
    if (x.d[1] >= 0 && x.d[1] < length) return fvi_node_error(n, err, FV_ERR_SHAPE, "its frames are longer than its signal");
    y.d[0] = x.d[0];
    y.d[1] = x.d[1] < 0 ? FVI_DIM_UNKNOWN : (x.d[1] - length) / step + 1;
    y.d[2] = fvi_node_int(n, "onesided", 1) ? length / 2 + 1 : length;
    y.d[3] = 2;
    return fvi_shape_set(n, 0, n->in[0]->dtype, &y, err);
}
