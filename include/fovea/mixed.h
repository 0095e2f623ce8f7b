/* mixed.h: float model -> the same model with 16 bit floats where that is safe, as standard ONNX: weights and maps of float16 or bfloat16,
 * Cast nodes where the types meet. By rules, no calibration needed:
 *
 *     fv_mixed *m;
 *     fv_mixed_create(&m, ctx, model, FV_MIXED_OPTIONS(.precision = "fp16"), &err);
 *     fv_mixed_add(m, inputs, n, &err);                 // some real inputs if there are any; else uniform numbers are taken
 *     fv_mixed_finish(m, &err);
 *     fv_mixed_save(m, "model_fp16.onnx", &err);
 *
 * A node stays in FP32 when its kind is not safe (Softmax, Exp, …), it is or follows the last layer before an output, a value that it reads or
 * makes is larger than `data_max`, a weight cannot be said, or its sums are too deep. Inputs and outputs of the model stay float32.
 * Threads: one at a time an object. */
#ifndef FOVEA_MIXED_H
#define FOVEA_MIXED_H
#include <fovea/model.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Zero is the default for every field but precision. */
typedef struct fv_mixed_options {
    uint32_t size;
    const char *precision; /* "fp16" or "bf16" */
    double data_max;       /* a node stays FP32 when a value of it is larger (512) */
    double weight_max;     /* likewise for its weights (65504, the largest of float16) */
    int64_t depth_max;     /* products of one sum (65536) */
    const char *const *keep_types; /* [n_keep_types] operators that stay FP32, besides those that are not safe */
    int n_keep_types;
    const char *const *keep_names; /* [n_keep_names] names of nodes that stay FP32; * stands for anything */
    int n_keep_names;
    const fv_port *shapes; /* [n_shapes] as fv_session_options.shapes */
    int n_shapes;
} fv_mixed_options;
#define FV_MIXED_OPTIONS(...) (&(fv_mixed_options){.size = sizeof(fv_mixed_options), __VA_ARGS__})

typedef struct fv_mixed fv_mixed;
/* model: borrowed, must outlive it. FV_ERR_ARGUMENT: no such precision; FV_ERR_STATE: the model is quantised; and what fv_session_create
 * fails with. */
FV_API fv_status fv_mixed_create(fv_mixed **out, fv_context *ctx, fv_model *model, const fv_mixed_options *opt, fv_error *err);
/* Runs the float model on one set of inputs and remembers the largest magnitude of every value; the first few are kept for checking. */
FV_API fv_status fv_mixed_add(fv_mixed *m, const fv_tensor *inputs, int n, fv_error *err);
/* Chooses, writes, and compares with the float model on the inputs kept. FV_ERR_STATE: an output is no number any more;
 * FV_ERR_UNSUPPORTED: nothing can be of 16 bits, or the model cannot be said in the opset that it takes. */
FV_API fv_status fv_mixed_finish(fv_mixed *m, fv_error *err);
/* The ONNX file, of a finished one; borrowed until free. */
FV_API void fv_mixed_bytes(const fv_mixed *m, const void **bytes, size_t *size);
FV_API fv_status fv_mixed_save(const fv_mixed *m, const char *path, fv_error *err);
/* A model that rounds as the file says, whatever it is computed in: what an engine with such arithmetic would give, up to the order of
 * sums. Slow. Freed before m. */
FV_API fv_status fv_mixed_model(const fv_mixed *m, fv_model **out, fv_error *err);
FV_API void fv_mixed_free(fv_mixed **m);

typedef struct fv_mixed_info {
    uint32_t size;          /* sizeof(fv_mixed_info), set by the caller */
    int nodes, low, casts;  /* of the model; of them in 16 bits; Cast nodes that were added */
    int64_t inputs;         /* sets that were run; 0: uniform numbers stood for them */
    double sqnr_db;         /* of the worst output on the inputs kept, against FP32; 200: no difference */
    double max_relative;    /* largest difference over the output's largest magnitude */
} fv_mixed_info;
FV_API fv_status fv_mixed_get_info(const fv_mixed *m, fv_mixed_info *info);
/* Node i of the model, in its order: *low says whether it is in 16 bits, *why (static or borrowed; "" when it is) why not. FV_END past the last. */
FV_API fv_status fv_mixed_node(const fv_mixed *m, int i, const char **name, const char **op, int *low, const char **why);
#ifdef __cplusplus
}
#endif
#endif
