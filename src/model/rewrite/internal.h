/* internal.h: small questions that several passes ask. */
#ifndef FVI_MODEL_REWRITE_INTERNAL_H
#define FVI_MODEL_REWRITE_INTERNAL_H
#include "base/error.h"
#include "model/rewrite/rewrite.h"

/* The node that computes v when v has no other reader and no public name, else null. */
static inline fvi_node *fvi_rewrite_sole_producer(const fvi_value *v)
{
    return v && v->producer && v->uses == 1 && !v->is_output ? v->producer : NULL;
}

/* out's readers take `by` from now on; out itself is read no more by its last reader that was fused away. `by` holds what out
 * held, so it gets that name: a name means the same before and after. */
static inline void fvi_rewrite_fuse(fvi_value *out, fvi_value *by)
{
    if (!out->is_output) { /* a graph output hands its name on at the next relink */
        char *name = by->name;
        by->name = out->name;
        out->name = name;
    }
    by->uses += out->uses - 1;
    fvi_graph_alias(out, by);
}

/* Both shapes known in full and equal. */
bool fvi_rewrite_same_shape(const fvi_value *a, const fvi_value *b);
/* Conv that is a matrix for every pixel: 1x1, stride 1, one group, constant weights [M,C,1,1] and bias, shapes known. */
bool fvi_rewrite_is_pointwise(const fvi_node *n);
/* v holds something else than its name says from now on. False: out of memory. */
bool fvi_rewrite_rename(fvi_graph *g, fvi_value *v);
/* New constant int64 list. Null: out of memory. */
fvi_value *fvi_rewrite_ints(fvi_graph *g, const int64_t *v, int count);
/* Bytes of constants that one run of a pass may copy: what is there, a few times over, so that a file in which thousands of
 * nodes share one large constant cannot make us copy it thousands of times. Past it nodes stay as they are. */
int64_t fvi_rewrite_copy_budget(const fvi_graph *g);
fv_status fvi_rewrite_memory(fv_error *err);
#endif
