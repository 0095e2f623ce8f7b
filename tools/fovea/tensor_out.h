/* tensor_out.h: tensors written to a file piece by piece, in any order: room is reserved at the start, headers are written at the end. .npy (one
 * tensor), .npz and .safetensors (one or more, by name), anything else is raw: one tensor, bytes only. Threads: tensor_out_write may be called from
 * several at once; the rest one at a time. */
#ifndef FOVEA_TOOL_TENSOR_OUT_H
#define FOVEA_TOOL_TENSOR_OUT_H
#include <fovea/tensor.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum tensor_format { TENSOR_NPY, TENSOR_NPZ, TENSOR_SAFETENSORS, TENSOR_RAW } tensor_format;
tensor_format tensor_format_of(const char *path);
/* Null, or why tensors of this type cannot be in such a file. */
const char *tensor_format_refuses(tensor_format f, fv_dtype dtype);

typedef struct tensor_out tensor_out;
/* `t`: types and shapes [n], data is left alone; names [n] may be null for one ("images"). All room is reserved at once: FV_ERR_OUTPUT when the disk
 * has not so much. A file of that name is replaced at the end only. */
fv_status tensor_out_open(tensor_out **out, const char *path, const fv_tensor *t, const char *const *names, int n, fv_error *err);
/* Row `row` of tensor i (of its first dimension), `bytes` long. FV_ERR_OUTPUT. */
fv_status tensor_out_write(const tensor_out *o, int i, int64_t row, const void *data, size_t bytes, fv_error *err);
/* Row `row` of tensor i is left out: those behind it move up. A tensor without rows is left out. */
void tensor_out_drop(tensor_out *o, int i, int64_t row);
/* Closes gaps, puts headers in place and gives the file its name. On failure nothing is left. Frees o either way. */
fv_status tensor_out_finish(tensor_out **o, fv_error *err);
/* Removes what was begun. */
void tensor_out_cancel(tensor_out **o);
#endif
