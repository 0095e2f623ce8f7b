/* tensor.h: strided tensor: a logical ONNX shape over memory laid out in any order.
 *
 * One idea carries the whole engine: an NHWC feature map is a tensor of logical shape [N,C,H,W] whose channel stride is
 * 1. Reshape, Transpose, Slice and Split then are other (dim, stride) pairs over the same memory, and a Concat is a wide
 * tensor of which each input is a slice. Ops take any strides; the fast ones look for the layout they like and the plan
 * sees to it that they find it.
 *
 * Halo: a rank-4 feature map may have `halo` pixels of stored zeros around H and W (so that padded convolutions read
 * without branches). `data` points at pixel (0,0), the halo lies outside dim. Nobody but the plan writes the halo. */
#ifndef FVI_MODEL_TENSOR_H
#define FVI_MODEL_TENSOR_H
#include <fovea/tensor.h>
#include <stdbool.h>

typedef struct fvi_tensor {
    fv_dtype dtype;
    int rank;
    int64_t dim[FV_MAX_RANK];    /* logical ONNX shape */
    int64_t stride[FV_MAX_RANK]; /* in elements; 0 = broadcast (reading only) */
    int halo;                    /* zeros stored around dims 2 and 3, in pixels; 0 = none */
    char *data;                  /* element [0,…,0] */
} fvi_tensor;

int64_t fvi_tensor_count(const fvi_tensor *t); /* product of dim */
void fvi_tensor_dense(fvi_tensor *t);          /* sets row-major strides from dim */
/* A dense tensor over borrowed memory; rank <= FV_MAX_RANK. */
fvi_tensor fvi_tensor_over(const void *data, fv_dtype dtype, int rank, const int64_t *dim);
bool fvi_tensor_is_dense(const fvi_tensor *t); /* row-major, ignoring dims of 1 */
bool fvi_tensor_is_nhwc(const fvi_tensor *t);  /* rank 4, stride[1] == 1 (or C == 1), stride[3] >= C */
bool fvi_tensor_same_shape(const fvi_tensor *a, const fvi_tensor *b);

/* Views: each fills *out from *in over the same memory. False: not expressible without a copy (Reshape across strides,
 * or across a halo). */
bool fvi_tensor_reshape(fvi_tensor *out, const fvi_tensor *in, int rank, const int64_t *dim);
void fvi_tensor_transpose(fvi_tensor *out, const fvi_tensor *in, const int *perm);
void fvi_tensor_slice(fvi_tensor *out, const fvi_tensor *in, int axis, int64_t start, int64_t count, int64_t step);
/* Right-aligned broadcast of `in` to `dim` (numpy's rule), strides 0 where repeated. False: shapes do not fit. */
bool fvi_tensor_broadcast(fvi_tensor *out, const fvi_tensor *in, int rank, const int64_t *dim);

/* For loops over several tensors of one shape: drops dims of 1, orders dims by the first tensor's strides (largest
 * outermost) and merges neighbours that are contiguous in all of them. All `n` tensors must have the same dim; on return
 * they share rank >= 1. */
void fvi_tensor_coalesce(fvi_tensor *t, int n);

/* Copies src to dst (same shape and dtype, any strides), cache-blocked when one is a transpose of the other. */
void fvi_tensor_copy(const fvi_tensor *dst, const fvi_tensor *src);
#endif
