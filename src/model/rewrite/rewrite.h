/* rewrite.h: graph -> smaller graph with the same results. One pass per file; every pass leaves a graph that relink,
 * infer and verify accept. No pass's structure depends on the values of weights (integer constants that carry shapes may
 * decide; float weights may not), so that weights can be exchanged later. */
#ifndef FVI_MODEL_REWRITE_H
#define FVI_MODEL_REWRITE_H
#include "model/graph/graph.h"

/* Computes n's outputs (their dtype and shape are inferred, all inputs are constants) into constants: sets
 * out[i]->constant to memory that lives as long as g. FV_ERR_UNSUPPORTED = cannot, leave the node as it is. */
typedef fv_status (*fvi_eval_fn)(void *user, fvi_graph *g, fvi_node *n, fv_error *err);

/* A node that keeps its precision, and the reason (static). */
typedef struct fvi_kept {
    const char *node, *why;
} fvi_kept;

/* Infers, then runs all passes in order. eval null: only what needs no arithmetic is folded. */
fv_status fvi_rewrite_all(fvi_graph *g, fvi_eval_fn eval, void *user, fv_error *err);
/* The same, but what is quantised to 8 bits computes with bytes (fvi_rewrite_bytes). */
fv_status fvi_rewrite_all_bytes(fvi_graph *g, fvi_eval_fn eval, void *user, fvi_kept **kept, int *n_kept, fv_error *err);

/* Makes an inferred batch-1 graph run `batch` images at once where that is provably the same as single runs. Otherwise
 * FV_ERR_UNSUPPORTED, `obstacle` (n bytes) holds a sentence that names the node that forbids it, and g must be thrown
 * away. g is inferred anew. */
fv_status fvi_rewrite_rebatch(fvi_graph *g, int64_t batch, char *obstacle, size_t n, fv_error *err);

/* Lets convolutions multiply in BF16 and values between them be BF16, by rules that need no pictures (precision.c has them); the last pass, on a
 * graph that fvi_rewrite_all made. *kept (null: not wanted): what stays FP32 and why, [*n_kept] in the graph's arena. */
fv_status fvi_rewrite_precision(fvi_graph *g, fvi_kept **kept, int *n_kept, fv_error *err);

/* ---- the passes, for tests; each expects an inferred graph and does not relink unless it says so ---- */
fv_status fvi_rewrite_fold(fvi_graph *g, fvi_eval_fn eval, void *user, fv_error *err); /* infers as it goes */
fv_status fvi_rewrite_identity(fvi_graph *g, bool *changed, fv_error *err); /* nodes that change nothing */
fv_status fvi_rewrite_bn(fvi_graph *g, fv_error *err);       /* BatchNormalization and per-channel Mul/Add into Conv */
fv_status fvi_rewrite_silu(fvi_graph *g, fv_error *err);     /* x*Sigmoid(x), x*HardSigmoid(x), GELU by Erf */
fv_status fvi_rewrite_act(fvi_graph *g, fv_error *err);      /* activation into its producer */
fv_status fvi_rewrite_softmax_mean(fvi_graph *g, fv_error *err); /* Softmax, then a 1x1 Conv to one channel */
fv_status fvi_rewrite_upsample(fvi_graph *g, fv_error *err); /* 1x1 Conv before doubling, not behind it; relinks */
fv_status fvi_rewrite_residual(fvi_graph *g, fv_error *err); /* Add into the Conv before it */
fv_status fvi_rewrite_concat(fvi_graph *g, bool *changed, fv_error *err); /* Concat of a whole Split, of a Concat */
fv_status fvi_rewrite_quant(fvi_graph *g, fvi_eval_fn eval, void *user, fv_error *err); /* Q/DQ pairs, tables; relinks */
/* FakeQuant and Conv -> convolutions of bytes; behind activations and residuals; *kept (null: not wanted) are convolutions of floats; relinks */
fv_status fvi_rewrite_bytes(fvi_graph *g, fvi_kept **kept, int *n_kept, fv_error *err);
fv_status fvi_rewrite_gather(fvi_graph *g, fv_error *err);   /* Gather on flattened [1,K,1] -> GatherElements per image */
#endif
