/* tensor.h: element types, and dense tensors as a caller sees them (row-major, ONNX order, no padding): what goes into a session
 * and comes out of it. Threads: any. Nothing here allocates or owns memory. */
#ifndef FOVEA_TENSOR_H
#define FOVEA_TENSOR_H
#include <fovea/status.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#define FV_MAX_RANK 8 /* dimensions; a model with more is refused */

/* name, bytes, text. Elements lie in the machine's byte order; half-width floats as their bits in 16-bit words. */
#define FV_DTYPE_LIST(X)                                                                                               \
    X(FV_NONE, 0, "none")                                                                                              \
    X(FV_F32, 4, "float32")                                                                                            \
    X(FV_F64, 8, "float64")                                                                                            \
    X(FV_F16, 2, "float16")                                                                                            \
    X(FV_BF16, 2, "bfloat16")                                                                                          \
    X(FV_I8, 1, "int8")                                                                                                \
    X(FV_U8, 1, "uint8")                                                                                               \
    X(FV_I16, 2, "int16")                                                                                              \
    X(FV_U16, 2, "uint16")                                                                                             \
    X(FV_I32, 4, "int32")                                                                                              \
    X(FV_U32, 4, "uint32")                                                                                             \
    X(FV_I64, 8, "int64")                                                                                              \
    X(FV_U64, 8, "uint64")                                                                                             \
    X(FV_BOOL, 1, "bool")
typedef enum fv_dtype {
#define FV_DTYPE_ENUM(name, bytes, text) name,
    FV_DTYPE_LIST(FV_DTYPE_ENUM)
#undef FV_DTYPE_ENUM
        FV_DTYPE_COUNT
} fv_dtype;
FV_API size_t fv_dtype_size(fv_dtype t);      /* bytes an element; 0 for FV_NONE */
FV_API const char *fv_dtype_name(fv_dtype t); /* numpy's name; never null */

/* Dense row-major tensor: the last dimension is next to each other in memory. A scalar has rank 0 and one element. `data` is
 * borrowed: whoever fills in the struct keeps it alive for the call that gets it. */
typedef struct fv_tensor {
    fv_dtype dtype;
    int rank; /* 0..FV_MAX_RANK */
    int64_t dim[FV_MAX_RANK];
    void *data; /* [dim[0], …, dim[rank-1]] */
} fv_tensor;
/* Number of elements; -1 on overflow or a negative dimension. */
FV_API int64_t fv_tensor_count(const fv_tensor *t);
#ifdef __cplusplus
}
#endif
#endif
