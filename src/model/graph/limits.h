/* limits.h: what a graph may hold at most, so that a hostile file cannot make us allocate without bound; and helpers that
 * only this folder shares. */
#ifndef FVI_MODEL_GRAPH_LIMITS_H
#define FVI_MODEL_GRAPH_LIMITS_H
#include "model/graph/graph.h"

#define FVI_MAX_ELEMENTS (INT64_C(1) << 40) /* of one value */
#define FVI_MAX_WINDOW (INT64_C(1) << 24)   /* kernel, stride, dilation, padding */
#define FVI_MAX_INTS 4096                   /* constant integers that a shape rule reads */

/* Carries out all aliases (first step of relink). */
void fvi_graph_resolve_all(fvi_graph *g);
#endif
