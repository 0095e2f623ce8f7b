/* fold_dims.c: see fold_dims.h. Used by reductions, ArgMax and softmax. */
#include "backend/cpu/fold_dims.h"

static void append(fvi_tensor *t, int64_t dim, int64_t stride)
{
    t->dim[t->rank] = dim;
    t->stride[t->rank++] = stride;
}

fv_status fvi_fold_dims(fvi_fold *f, const fvi_tensor *out, const fvi_tensor *in, uint32_t axes, bool reduces, fv_error *err)
{
    *f = (fvi_fold){.kept = {{.dtype = out->dtype, .data = out->data}, {.dtype = in->dtype, .data = in->data}},
                    .gone = {{.dtype = out->dtype, .data = out->data}, {.dtype = in->dtype, .data = in->data}},
                    .count = 1,
                    .size = 1};
    int o = 0; /* next dim of out */
    for (int i = 0; i < in->rank; i++) {
        bool folded = axes >> i & 1;
        bool in_out = !folded || !reduces || out->rank == in->rank;
        int64_t want = folded && reduces ? 1 : in->dim[i];
        if (in_out && (o >= out->rank || out->dim[o] != want)) return fvi_error_set(err, FV_ERR_SHAPE, "output shape does not fit the axes");
        int64_t stride = in_out ? out->stride[o] : 0;
        fvi_tensor *pair = folded ? f->gone : f->kept;
        append(&pair[0], in->dim[i], folded && reduces ? 0 : stride);
        append(&pair[1], in->dim[i], in->stride[i]);
        *(folded ? &f->size : &f->count) *= in->dim[i];
        o += in_out;
    }
    if (o != out->rank) return fvi_error_set(err, FV_ERR_SHAPE, "output shape does not fit the axes");
    fvi_tensor_coalesce(f->kept, 2);
    fvi_tensor_coalesce(f->gone, 2);
    return FV_OK;
}
