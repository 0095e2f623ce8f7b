/* fold_dims.h: splits the dims of a reduction into those that stay and those that are folded away. */
#ifndef FVI_BACKEND_CPU_FOLD_DIMS_H
#define FVI_BACKEND_CPU_FOLD_DIMS_H
#include "backend/cpu/step.h"

typedef struct fvi_fold {
    fvi_tensor kept[2]; /* out and in over the dims that stay, coalesced together */
    fvi_tensor gone[2]; /* out and in over the folded dims (reductions: use [1] only), coalesced together */
    int64_t count, size; /* elements that stay; elements folded into each */
} fvi_fold;

/* `axes` has a bit for each folded dim. reduces: out has 1 there (or lacks the dim); else out has the shape of in. */
fv_status fvi_fold_dims(fvi_fold *f, const fvi_tensor *out, const fvi_tensor *in, uint32_t axes, bool reduces, fv_error *err);

/* Offset of the flat-th element of t. */
static inline int64_t fvi_flat_offset(const fvi_tensor *t, int64_t flat)
{
    int64_t off = 0;
    for (int i = t->rank - 1; i > 0; i--) {
        off += flat % t->dim[i] * t->stride[i];
        flat /= t->dim[i];
    }
    return off + flat * t->stride[0];
}
#endif
