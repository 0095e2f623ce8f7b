/* shape_special.c: shape rules of operators of which each has a rule of its own. */
#include "base/checked.h"
#include "base/error.h"
#include "model/graph/shape.h"
#include <string.h>

fv_status fvi_shape_det(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (x.rank < 2) return fvi_node_error(n, err, FV_ERR_SHAPE, "its input needs 2 dimensions or more, it has %d", x.rank);
    x.rank -= 2;
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}

fv_status fvi_shape_bit_cast(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    /* ONNX TensorProto.DataType -> ours; half and double precision have become FP32 on their way in and have no bits left */
    static const fv_dtype types[] = {FV_NONE, FV_F32, FV_U8, FV_I8, FV_U16, FV_I16, FV_I32, FV_I64, FV_NONE, FV_BOOL, FV_NONE, FV_NONE, FV_U32, FV_U64};
    fvi_dims x;
    int64_t to = fvi_node_int(n, "to", 0);
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    fv_dtype t = to >= 0 && to < (int64_t)(sizeof types / sizeof *types) ? types[to] : FV_NONE;
    if (t == FV_NONE || fv_dtype_size(t) != fv_dtype_size(n->in[0]->dtype)) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "the bits of %s as ONNX type %lld are not supported", fv_dtype_name(n->in[0]->dtype), (long long)to);
    return fvi_shape_set(n, 0, t, &x, err);
}

fv_status fvi_shape_affine_grid(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    int64_t size[FV_MAX_RANK];
    int count = fvi_value_ints(n->in[1], size, FV_MAX_RANK);
    if (count < 0) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "a size that is not constant is not supported");
    if (count != 4 && count != 5) return fvi_node_error(n, err, FV_ERR_SHAPE, "its size must have 4 or 5 values, not %d", count);
    fvi_dims y = {.rank = count, .d = {size[0]}};
    for (int i = 2; i < count; i++) y.d[i - 1] = size[i];
    y.d[count - 1] = count - 2;
    return fvi_shape_set(n, 0, n->in[0]->dtype, &y, err);
}

fv_status fvi_shape_center_crop_pad(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    int64_t size[FV_MAX_RANK], axes[FV_MAX_RANK];
    int axis, count = fvi_value_ints(n->in[1], size, FV_MAX_RANK), given = fvi_node_ints(n, "axes", axes, FV_MAX_RANK);
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (count < 0) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "a shape that is not constant is not supported");
    if (count != (given ? given : x.rank)) return fvi_node_error(n, err, FV_ERR_SHAPE, "its shape has %d values for %d axes", count, given ? given : x.rank);
    for (int i = 0; i < count; i++) {
        FVI_TRY(fvi_shape_axis(n, given ? axes[i] : i, x.rank, &axis, err));
        x.d[axis] = size[i];
    }
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}

fv_status fvi_shape_col2im(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, y;
    int64_t image[FV_MAX_RANK], block[FV_MAX_RANK], taps = 1;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    int count = fvi_value_ints(n->in[1], image, FV_MAX_RANK - 2);
    if (count < 1 || fvi_value_ints(n->in[2], block, FV_MAX_RANK - 2) != count) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "image_shape and block_shape must be constants of one length");
    for (int i = 0; i < count; i++)
        if (block[i] < 1 || !fvi_mul_i64(taps, block[i], &taps)) return fvi_node_error(n, err, FV_ERR_SHAPE, "its blocks have no size");
    if (x.rank != 3 || (x.d[1] >= 0 && x.d[1] % taps)) return fvi_node_error(n, err, FV_ERR_SHAPE, "its columns do not divide into blocks of %lld", (long long)taps);
    y = (fvi_dims){.rank = count + 2, .d = {x.d[0], x.d[1] < 0 ? FVI_DIM_UNKNOWN : x.d[1] / taps}};
    memcpy(y.d + 2, image, (size_t)count * sizeof *image);
    return fvi_shape_set(n, 0, n->in[0]->dtype, &y, err);
}

fv_status fvi_shape_max_unpool(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    int64_t k[FV_MAX_RANK], s[FV_MAX_RANK], pads[2 * FV_MAX_RANK] = {0}, size[FV_MAX_RANK];
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    int spatial = x.rank - 2;
    if (spatial < 1 || fvi_node_ints(n, "kernel_shape", k, FV_MAX_RANK) != spatial) return fvi_node_error(n, err, FV_ERR_MODEL, "its kernel_shape does not fit its input");
    int strides = fvi_node_ints(n, "strides", s, FV_MAX_RANK), have = fvi_node_ints(n, "pads", pads, 2 * FV_MAX_RANK);
    if ((strides && strides != spatial) || (have && have != 2 * spatial)) return fvi_node_error(n, err, FV_ERR_MODEL, "its strides or pads do not fit its input");
    for (int i = 0; i < spatial; i++) {
        int64_t step = strides ? s[i] : 1;
        if (step < 1 || step > FVI_MAX_WINDOW || k[i] < 1 || k[i] > FVI_MAX_WINDOW || x.d[2 + i] > INT64_C(1) << 32) return fvi_node_error(n, err, FV_ERR_LIMIT, "its window is out of range");
        if (x.d[2 + i] >= 0) x.d[2 + i] = (x.d[2 + i] - 1) * step + k[i] - pads[i] - pads[spatial + i];
    }
    if (n->n_in > 2 && n->in[2]) {
        if (fvi_value_ints(n->in[2], size, FV_MAX_RANK) != x.rank) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "an output_shape that is not constant is not supported");
        memcpy(x.d + 2, size + 2, (size_t)spatial * sizeof *size);
    }
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}

/* X [steps, batch, input] (layout 1: [batch, steps, input]), W [directions, gates * hidden, input] */
fv_status fvi_shape_recurrent(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, w, r;
    bool batch_first = fvi_node_int(n, "layout", 0) != 0;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(fvi_shape_in(n, 1, &w, err));
    FVI_TRY(fvi_shape_in(n, 2, &r, err));
    if (x.rank != 3 || w.rank != 3 || r.rank != 3) return fvi_node_error(n, err, FV_ERR_SHAPE, "its input and weights must have 3 dimensions");
    int64_t want = strcmp(fvi_node_string(n, "direction", "forward"), "bidirectional") == 0 ? 2 : 1, hidden = fvi_node_int(n, "hidden_size", r.d[2]);
    if (w.d[0] != want || r.d[0] != want || (r.d[2] >= 0 && r.d[2] != hidden)) return fvi_node_error(n, err, FV_ERR_SHAPE, "its weights do not fit its direction and hidden_size");
    int64_t steps = x.d[batch_first], batch = x.d[!batch_first];
    fvi_dims all = {.rank = 4, .d = {steps, want, batch, hidden}}, last = {.rank = 3, .d = {want, batch, hidden}};
    if (batch_first) {
        all = (fvi_dims){.rank = 4, .d = {batch, steps, want, hidden}};
        last = (fvi_dims){.rank = 3, .d = {batch, want, hidden}};
    }
    FVI_TRY(fvi_shape_set(n, 0, n->in[0]->dtype, &all, err));
    for (int k = 1; k < n->n_out; k++) FVI_TRY(fvi_shape_set(n, k, n->in[0]->dtype, &last, err));
    return FV_OK;
}

fv_status fvi_shape_tfidf(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    const fvi_attr *a = fvi_node_attr(n, "ngram_indexes");
    int64_t width = 0;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (!a || a->type != FVI_ATTR_INTS || x.rank < 1 || x.rank > 2) return fvi_node_error(n, err, FV_ERR_MODEL, "its input or ngram_indexes do not work");
    for (int i = 0; i < a->count; i++)
        if (a->ints[i] >= width && a->ints[i] < 1 << 28) width = a->ints[i] + 1;
    x.d[x.rank - 1] = width;
    return fvi_shape_set(n, 0, FV_F32, &x, err);
}

/* Training mode has running mean and variance as outputs; inference has one output, whatever the file lists. */
fv_status fvi_shape_batch_norm(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, c = {.rank = 1};
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    bool training = fvi_node_int(n, "training_mode", 0) != 0;
    for (int k = 1; k < n->n_out && !training; k++)
        if (n->out[k]->uses > 0) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "its output %d is there in training mode only", k);
    if (!training) n->n_out = 1;
    FVI_TRY(fvi_shape_set(n, 0, n->in[0]->dtype, &x, err));
    c.d[0] = x.rank > 1 ? x.d[1] : 1;
    for (int k = 1; k < n->n_out; k++) FVI_TRY(fvi_shape_set(n, k, n->in[3]->dtype, &c, err));
    return FV_OK;
}
