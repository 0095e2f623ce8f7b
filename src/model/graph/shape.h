/* shape.h: what the shape rules (shape_*.c) share. A rule sees a node whose required inputs are there, and sets dtype and
 * shape of each output. Dimensions that depend on something not known are FVI_DIM_UNKNOWN. */
#ifndef FVI_MODEL_GRAPH_SHAPE_H
#define FVI_MODEL_GRAPH_SHAPE_H
#include "model/graph/limits.h"

typedef struct fvi_dims {
    int rank;
    int64_t d[FV_MAX_RANK];
} fvi_dims;

/* Sets output k; checks the limits. */
fv_status fvi_shape_set(fvi_node *n, int k, fv_dtype dtype, const fvi_dims *s, fv_error *err);
/* Shape of input k; an error when its rank is not known. */
fv_status fvi_shape_in(const fvi_node *n, int k, fvi_dims *s, fv_error *err);
/* Negative axes count from the end; allowed: 0 <= axis < rank. */
fv_status fvi_shape_axis(const fvi_node *n, int64_t axis, int rank, int *out, fv_error *err);
/* numpy broadcasting of b into a. */
fv_status fvi_shape_broadcast_dims(const fvi_node *n, fvi_dims *a, const fvi_dims *b, fv_error *err);
/* Inputs from..to-1 (those given) have one dtype. */
fv_status fvi_shape_same_dtype(const fvi_node *n, int from, int to, fv_error *err);
/* Integers from attribute `attr` or, when the node has it, from input k. Returns how many; -1 = not constant (yet), -2 = neither is there. */
int fvi_shape_ints(const fvi_node *n, const char *attr, int k, int64_t *out, int max);
/* Product of d[from..to-1]; FVI_DIM_UNKNOWN when one is unknown or it overflows. */
int64_t fvi_shape_product(const fvi_dims *s, int from, int to);

/* one rule per distinct last column of ops.h */
#define FVI_SHAPE_RULES(X)                                                                                             \
    X(same) X(broadcast) X(compare) X(where) X(cast) X(constant)                                                       \
    X(softmax_mean) X(conv) X(conv_add) X(quant_conv) X(quant_table) X(conv_transpose) X(pool) X(global_pool) X(gemm) X(matmul) X(resize) X(pad)                                \
    X(concat) X(split) X(slice) X(gather) X(gather_elements) X(topk)                                                   \
    X(reshape) X(flatten) X(squeeze) X(unsqueeze) X(transpose) X(expand) X(tile) X(shape)                              \
    X(argreduce) X(reduce) X(range) X(constant_of_shape)                                                               \
    X(layer_norm) X(group_norm) X(test) X(cast_like) X(size) X(cum_sum) X(trilu) X(eye_like) X(depth_to_space) X(space_to_depth) \
    X(scatter) X(gather_nd) X(one_hot) X(grid_sample) X(roi_align)                                                     \
    X(quantize) X(dequantize) X(dynamic_quantize) X(conv_integer) X(matmul_integer)                                    \
    X(attention) X(linear_attention) X(causal_conv) X(loss) X(window) X(mel) X(dft) X(stft)                            \
    X(nonzero) X(compress) X(unique) X(nms) X(recurrent) X(det) X(bit_cast) X(affine_grid) X(center_crop_pad)          \
    X(col2im) X(max_unpool) X(tfidf) X(deform_conv) X(einsum) X(batch_norm)
#define FVI_SHAPE_DECLARE(rule) fv_status fvi_shape_##rule(fvi_graph *g, fvi_node *n, fv_error *err);
FVI_SHAPE_RULES(FVI_SHAPE_DECLARE)
#undef FVI_SHAPE_DECLARE
#endif
