/* eval.h: computes nodes whose inputs are all constant; what constant folding (model/rewrite) is given as a callback. */
#ifndef FVI_BACKEND_CPU_EVAL_H
#define FVI_BACKEND_CPU_EVAL_H
#include "backend/backend.h"

/* Computes n's outputs into constants: memory in g->arena, out[i]->constant set. `user` is a const fvi_backend_env.
 * FV_ERR_UNSUPPORTED: cannot, or would take more than FVI_EVAL_MAX_BYTES; leave the node as it is. */
#define FVI_EVAL_MAX_BYTES (64u << 20)
fv_status fvi_cpu_eval(void *user, fvi_graph *g, fvi_node *n, fv_error *err);
#endif
