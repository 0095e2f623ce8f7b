/* onnx.h: bytes of an ONNX file -> graph. */
#ifndef FVI_MODEL_ONNX_H
#define FVI_MODEL_ONNX_H
#include "model/graph/graph.h"

#define FVI_ONNX_OPSET_MIN 7
#define FVI_ONNX_OPSET_MAX 28

/* Shapes are not inferred yet. `bytes` must stay where they are while the graph lives: constants borrow from them.
 * dir: folder of the model, for external data; null = a model with external data is refused. FP16, BF16 and FP64 become
 * FP32 and graph->note says so. Never trusts the file: every size is checked before it is used. */
fv_status fvi_onnx_import(fvi_graph **out, const uint8_t *bytes, size_t size, const char *dir, fv_error *err);
#endif
