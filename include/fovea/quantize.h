/* quantize.h: float model + pictures -> the same model with QuantizeLinear/DequantizeLinear pairs, as standard ONNX.
 *
 *     fv_calibration *c;                                  // what the model's values look like on real inputs
 *     fv_calibration_create(&c, ctx, model, NULL, &err);
 *     for (…) fv_calibration_add(c, inputs, n, &err);     // some hundred pictures, as fv_detector_prepare makes them
 *     fv_quantized *q;
 *     fv_quantized_create(&q, c, NULL, &err);
 *     fv_quantized_save(q, "model_int8.onnx", &err);
 *
 * Weights become int8, one scale an output channel; activations uint8, one scale and zero point a tensor. The last layers before
 * outputs stay in float. Threads: one at a time an object. */
#ifndef FOVEA_QUANTIZE_H
#define FOVEA_QUANTIZE_H
#include <fovea/model.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Zero is the default for every field. */
typedef struct fv_calibration_options {
    uint32_t size;
    const fv_port *shapes; /* [n_shapes] as fv_session_options.shapes */
    int n_shapes;
    int symmetric;         /* non-zero: activations as int8 around 0, for engines that want it */
    int reduce_range;      /* non-zero: weights in 7 bits, for engines that add two products of bytes in 16 bits, which clip (x86 without VNNI) */
} fv_calibration_options;
#define FV_CALIBRATION_OPTIONS(...) (&(fv_calibration_options){.size = sizeof(fv_calibration_options), __VA_ARGS__})

typedef struct fv_calibration fv_calibration;
/* model: borrowed, must outlive it. FV_ERR_STATE: the model is quantised already; FV_ERR_UNSUPPORTED: nothing in it can be quantised; and
 * what fv_session_create fails with. */
FV_API fv_status fv_calibration_create(fv_calibration **out, fv_context *ctx, fv_model *model, const fv_calibration_options *opt, fv_error *err);
/* Runs the model on one set of inputs [n], all of them, in its order, and remembers what its values looked like, in memory that does not
 * grow. FV_ERR_STATE: it was finished or loaded. */
FV_API fv_status fv_calibration_add(fv_calibration *c, const fv_tensor *inputs, int n, fv_error *err);
/* No more comes: ranges are chosen, the errors of layers measured on some of the inputs. Called by itself where it is needed.
 * FV_ERR_STATE: nothing was added; FV_ERR_INPUT: every layer saw values that are no numbers. */
FV_API fv_status fv_calibration_finish(fv_calibration *c, fv_error *err);
FV_API void fv_calibration_free(fv_calibration **c);
FV_API int64_t fv_calibration_inputs(const fv_calibration *c); /* sets that were added */

/* What was found, as a file that is good for this model and this data (docs/FORMATS.md). data: any number that says what the inputs were
 * made of, such as fv_calibration_hash of the pictures. */
FV_API fv_status fv_calibration_save(fv_calibration *c, const char *path, uint64_t data, fv_error *err);
/* Instead of add and finish, into one that was just created. FV_ERR_INPUT: no such file; FV_ERR_STATE: it is of another model, other data or other
 * options (the text says which); FV_ERR_CONFIG: damaged, or of another version. */
FV_API fv_status fv_calibration_load(fv_calibration *c, const char *path, uint64_t data, fv_error *err);
FV_API uint64_t fv_calibration_hash(const void *bytes, size_t size, uint64_t seed);

typedef struct fv_quantize_options {
    uint32_t size;
    const char *observer;            /* null or "auto": by the error at layers' outputs; else "minmax", "percentile", "entropy", "mse" */
    const char *const *float_layers; /* [n_float_layers] names of nodes that stay in float; copied */
    int n_float_layers;
    int no_bias_correction;
} fv_quantize_options;
#define FV_QUANTIZE_OPTIONS(...) (&(fv_quantize_options){.size = sizeof(fv_quantize_options), __VA_ARGS__})

typedef struct fv_quantized fv_quantized;
/* Finishes the calibration if need be. c: borrowed, must outlive it. FV_ERR_UNSUPPORTED: the model cannot be said in the opset that has
 * these pairs (the text names the node). */
FV_API fv_status fv_quantized_create(fv_quantized **out, fv_calibration *c, const fv_quantize_options *opt, fv_error *err);
/* The ONNX file; borrowed until free. */
FV_API void fv_quantized_bytes(const fv_quantized *q, const void **bytes, size_t *size);
/* Writes beside the final name and renames; over 1.5 GB the weights go into `path`.data. */
FV_API fv_status fv_quantized_save(const fv_quantized *q, const char *path, fv_error *err);
FV_API void fv_quantized_free(fv_quantized **q);

/* A layer with weights. */
typedef struct fv_quantized_layer_info {
    const char *name, *op;  /* of the node; borrowed until free, as the others */
    int quantised;
    const char *why;        /* it is not; "" when it is */
    const char *observer;   /* that chose the range of its input */
    float min, max;         /* that range */
    double sqnr_db;         /* at its output, from quantising its input and weights alone; NaN: not measured */
    int64_t weights;
} fv_quantized_layer_info;
/* In the model's order; FV_END past the last. */
FV_API fv_status fv_quantized_layer(const fv_quantized *q, int i, fv_quantized_layer_info *info);

#ifdef __cplusplus
}
#endif
#endif
