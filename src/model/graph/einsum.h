/* einsum.h: the equation of Einsum, parsed: letters become labels, an ellipsis becomes one label a dimension. */
#ifndef FVI_MODEL_GRAPH_EINSUM_H
#define FVI_MODEL_GRAPH_EINSUM_H
#include "model/graph/graph.h"

enum { FVI_EINSUM_INPUTS = 8, FVI_EINSUM_LABELS = 64 };
typedef struct fvi_einsum {
    int n_in;
    int rank[FVI_EINSUM_INPUTS + 1];                /* [n_in] is the output's */
    int label[FVI_EINSUM_INPUTS + 1][FV_MAX_RANK];  /* of each dim; 0..51 letters, 52.. dims of the ellipsis, last one first */
} fvi_einsum;
/* Ranks of the inputs are known. An error is a sentence part, or null. */
const char *fvi_einsum_parse(const fvi_node *n, fvi_einsum *e);
#endif
