/* op_nd.h: convolutions and pools over any number of spatial dims, in plain C: what the fast ones of op_conv.c and op_pool.c
 * do not take. */
#ifndef FVI_BACKEND_CPU_OP_ND_H
#define FVI_BACKEND_CPU_OP_ND_H
#include "backend/cpu/step.h"
fv_status fvi_cpu_prepare_conv_nd(fvi_step *s, fv_error *err); /* Conv, ConvTranspose */
fv_status fvi_cpu_prepare_pool_nd(fvi_step *s, fv_error *err); /* MaxPool (with Indices), AveragePool, LpPool */
bool fvi_cpu_wants_indices(const fvi_node *n);                 /* does anybody read MaxPool's second output? */
#endif
