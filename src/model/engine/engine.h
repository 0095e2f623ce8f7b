/* engine.h: what the folders above need of models and sessions beyond the public API. */
#ifndef FVI_MODEL_ENGINE_H
#define FVI_MODEL_ENGINE_H
#include "base/log.h"
#include "base/pool.h"
#include "kern/cpu.h"
#include "model/tensor/tensor.h"
#include <fovea/model.h>

/* Members of fv_context (engine/context.c). */
fvi_pool *fvi_engine_pool(fv_context *ctx);
fvi_cpu_flags fvi_engine_cpu(const fv_context *ctx);
const fvi_log *fvi_engine_log(const fv_context *ctx);
/* Strided tensors of a session, addresses fixed for its life: prep writes inputs in place, heads read outputs in place.
 * i is not checked: 0 <= i < fv_session_inputs or fv_session_outputs. */
const fvi_tensor *fvi_session_input_tensor(const fv_session *s, int i);
const fvi_tensor *fvi_session_output_tensor(const fv_session *s, int i);
#endif
