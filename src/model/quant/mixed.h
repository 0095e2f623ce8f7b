/* mixed.h: what the files of mixed precision share: which nodes go to 16 bits, the graph that says so, the graph that rounds likewise. */
#ifndef FVI_MODEL_QUANT_MIXED_H
#define FVI_MODEL_QUANT_MIXED_H
#include "base/error.h"
#include "model/graph/graph.h"
#include <fovea/mixed.h>

typedef struct fvi_mixed_rules {
    fv_dtype to; /* FV_F16 or FV_BF16 */
    double data_max, weight_max;
    int64_t depth_max;
    const char *const *keep_types, *const *keep_names;
    int n_keep_types, n_keep_names;
    const float *largest; /* [n_values] magnitude of each value, 0 where it is not known; infinite: it was no number */
} fvi_mixed_rules;

/* mixed_rules.c: why[n_nodes] of an inferred graph: null = in 16 bits, else the reason, static or in the arena of `text`. */
fv_status fvi_mixed_choose(const fvi_graph *g, const fvi_mixed_rules *r, const char **why, fvi_arena *text, fv_error *err);
/* Does input k of a node in 16 bits take their type? Sizes, indices and scales of Resize do not. */
bool fvi_mixed_takes(const fvi_node *n, int k);

/* mixed_graph.c, both on a clone of the graph that was chosen on, changed in place. The first with types and Cast nodes, in an opset that has
 * them, to be written; *casts: how many. The second computes in FP32 and rounds wherever the first has 16 bits. */
fv_status fvi_mixed_convert(fvi_graph *g, const char *const *why, fv_dtype to, int *casts, fv_error *err);
fv_status fvi_mixed_round(fvi_graph *g, const char *const *why, fv_dtype to, fv_error *err);
#endif
