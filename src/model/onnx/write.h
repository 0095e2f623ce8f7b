/* write.h: a graph as the importer made it, or one made of it -> an ONNX file. Names, metadata, attributes and types stay; what
 * importing widened to float32 is written as float32. Rewritten graphs (activations in epilogues, fovea's own operators) cannot be
 * written. Threads: any. */
#ifndef FVI_MODEL_ONNX_WRITE_H
#define FVI_MODEL_ONNX_WRITE_H
#include "model/graph/graph.h"

typedef struct fvi_onnx_write_options {
    const char *producer; /* null = the graph's own */
    size_t external_over; /* bytes of weights over which they go into a file beside the model; 0 = 1.5 GB (protobuf ends at 2) */
} fvi_onnx_write_options;

/* Into memory; *bytes owned: fvi_free. FV_ERR_UNSUPPORTED: the graph holds what ONNX does not have; FV_ERR_LIMIT: over 2 GB. */
fv_status fvi_onnx_write_memory(uint8_t **bytes, size_t *size, const fvi_graph *g, const fvi_onnx_write_options *opt, fv_error *err);
/* Into `path`, beside it first and then renamed; weights over external_over into `path`.data, renamed before the model. */
fv_status fvi_onnx_write_file(const char *path, const fvi_graph *g, const fvi_onnx_write_options *opt, fv_error *err);

/* upgrade.c: opsets 11 and 12 -> 13, the first whose QuantizeLinear has an axis; then, where `opset` is larger, up to it, for operators
 * whose meaning has not changed in between. Later ones stay. FV_ERR_UNSUPPORTED names the node that cannot be said in it. */
fv_status fvi_onnx_upgrade(fvi_graph *g, int opset, fv_error *err);
#endif
