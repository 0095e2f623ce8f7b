/* op_gather.c: Gather and GatherElements. Indices that are constant are checked when the step is prepared; those that come
 * from the data cannot stop a running frame and are clamped to the axis. */
#include "backend/cpu/fold_dims.h"
#include "backend/cpu/loop.h"
#include <string.h>

typedef struct gather_state {
    fvi_tensor index;         /* the indices, any strides */
    fvi_tensor out, data;     /* Gather: one slice, coalesced together; data pointers move */
    fvi_tensor out_index;     /* Gather: out over the index dims */
    int64_t axis_dim, axis_stride, count;
    int axis, chunks;
} gather_state;

static int64_t index_at(const gather_state *g, int64_t offset)
{
    int64_t i = g->index.dtype == FV_I64 ? ((const int64_t *)(const void *)g->index.data)[offset] : ((const int32_t *)(const void *)g->index.data)[offset];
    if (i < 0) i += g->axis_dim;
    return i < 0 ? 0 : i >= g->axis_dim ? g->axis_dim - 1 : i;
}

/* Checks all indices of a tensor that never changes. */
static fv_status check_indices(const fvi_step *s, int64_t dim, fv_error *err)
{
    const fvi_tensor *t = &s->in[1];
    FVI_TRY(fvi_cpu_need_type(t->dtype, FVI_TYPE_BIT(FV_I64) | FVI_TYPE_BIT(FV_I32), err));
    int64_t n = fvi_tensor_count(t);
    if (n > 0 && dim == 0) return fvi_error_set(err, FV_ERR_SHAPE, "nothing to gather from along an empty axis");
    if (!s->in_const[1] || n == 0) return FV_OK;
    fvi_tensor flat = *t;
    fvi_tensor_coalesce(&flat, 1);
    for (int64_t k = 0; k < n; k++) {
        int64_t off = fvi_flat_offset(&flat, k);
        int64_t i = t->dtype == FV_I64 ? ((const int64_t *)(const void *)t->data)[off] : ((const int32_t *)(const void *)t->data)[off];
        if (i < -dim || i >= dim) return fvi_error_set(err, FV_ERR_MODEL, "index %lld is out of range for an axis of %lld", (long long)i, (long long)dim);
    }
    return FV_OK;
}

static void copy_slice(const fvi_tensor *out, const fvi_tensor *data, char *to, const char *from)
{
    size_t es = fv_dtype_size(out->dtype);
    if (out->rank > 1) {
        fvi_tensor d = *out, x = *data;
        d.data = to;
        x.data = (char *)(uintptr_t)from;
        fvi_tensor_copy(&d, &x);
        return;
    }
    int64_t n = out->dim[0], ds = out->stride[0] * (int64_t)es, xs = data->stride[0] * (int64_t)es;
    if (out->stride[0] == 1 && data->stride[0] == 1)
        memcpy(to, from, (size_t)n * es);
    else
        for (int64_t i = 0; i < n; i++) memcpy(to + i * ds, from + i * xs, es);
}

static void gather_chunk(void *arg, int c, int thread)
{
    const gather_state *g = arg;
    int64_t es = (int64_t)fv_dtype_size(g->out.dtype);
    (void)thread;
    for (int64_t k = g->count * c / g->chunks; k < g->count * (c + 1) / g->chunks; k++) {
        int64_t i = index_at(g, fvi_flat_offset(&g->index, k));
        copy_slice(&g->out, &g->data, g->out.data + fvi_flat_offset(&g->out_index, k) * es, g->data.data + i * g->axis_stride * es);
    }
}

static void gather_run(fvi_step *s)
{
    gather_state *g = s->state;
    if (g->count == 0 || fvi_tensor_count(&g->out) == 0) return;
    if (g->chunks == 1)
        gather_chunk(g, 0, 0);
    else
        fvi_pool_run(s->env->pool, gather_chunk, g, g->chunks);
}

static void append(fvi_tensor *t, int64_t dim, int64_t stride)
{
    t->dim[t->rank] = dim;
    t->stride[t->rank++] = stride;
}

static fv_status prepare_gather(fvi_step *s, fv_error *err)
{
    const fvi_tensor *x = &s->in[0], *ix = &s->in[1], *y = &s->out[0];
    int64_t axis = fvi_node_int(s->node, "axis", 0);
    FVI_TRY(fvi_cpu_need_type(x->dtype, FVI_TYPES_ANY, err));
    if (!fvi_cpu_axis(&axis, x->rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis is out of range");
    FVI_TRY(check_indices(s, x->dim[axis], err));
    if (y->rank != x->rank - 1 + ix->rank) return fvi_error_set(err, FV_ERR_SHAPE, "output rank does not fit");
    FVI_TRY(fvi_cpu_new_state(s, sizeof(gather_state), err));
    gather_state *g = s->state;
    fvi_tensor slice[2] = {{.dtype = y->dtype, .data = y->data}, {.dtype = x->dtype, .data = x->data}};
    fvi_tensor over[2] = {{.dtype = y->dtype, .data = y->data}, {.dtype = ix->dtype, .data = ix->data}};
    int o = 0;
    bool fits = true;
    for (int i = 0; i < x->rank; i++) {
        for (int k = 0; i == axis && k < ix->rank; k++, o++) {
            fits = fits && y->dim[o] == ix->dim[k];
            append(&over[0], ix->dim[k], y->stride[o]);
            append(&over[1], ix->dim[k], ix->stride[k]);
        }
        if (i == axis) continue;
        fits = fits && y->dim[o] == x->dim[i];
        append(&slice[0], x->dim[i], y->stride[o++]);
        append(&slice[1], x->dim[i], x->stride[i]);
    }
    if (!fits) return fvi_error_set(err, FV_ERR_SHAPE, "output shape does not fit");
    fvi_tensor_coalesce(slice, 2);
    fvi_tensor_coalesce(over, 2);
    g->out = slice[0];
    g->data = slice[1];
    g->out_index = over[0];
    g->index = over[1];
    g->axis_dim = x->dim[axis];
    g->axis_stride = x->stride[axis];
    g->count = fvi_tensor_count(&over[0]);
    double bytes = (double)g->count * (double)fvi_tensor_count(&slice[0]) * (double)fv_dtype_size(y->dtype);
    g->chunks = fvi_chunks_for(bytes * 0.2 + (double)g->count * 10, g->count);
    s->run = gather_run;
    s->tactic = "gather";
    return FV_OK;
}

#define PICK(T)                                                                                                        \
    {                                                                                                                  \
        for (int64_t k = 0; k < n; k++) ((T *)(void *)to)[k * ys] = ((const T *)(const void *)from)[(along ? index_at(g, at + k * is) * xs : index_at(g, at + k * is) * g->axis_stride + k * xs)]; \
        break;                                                                                                         \
    }
/* out[i,…] = data[i,…] with the coordinate on the axis replaced by the index there */
static void elements_chunk(void *arg, int c, int thread)
{
    fvi_step *s = arg;
    const gather_state *g = s->state;
    const fvi_tensor *y = &s->out[0], *x = &s->in[0], *ix = &g->index;
    int last = y->rank - 1;
    int64_t es = (int64_t)fv_dtype_size(y->dtype), n = y->dim[last], ys = y->stride[last], xs = x->stride[last], is = ix->stride[last];
    bool along = g->axis == last;
    (void)thread;
    for (int64_t r = g->count * c / g->chunks; r < g->count * (c + 1) / g->chunks; r++) {
        int64_t rest = r, to_off = 0, from_off = 0, at = 0;
        for (int i = last - 1; i >= 0; i--) {
            int64_t p = rest % y->dim[i];
            rest /= y->dim[i];
            to_off += p * y->stride[i];
            at += p * ix->stride[i];
            if (i != g->axis) from_off += p * x->stride[i];
        }
        char *to = y->data + to_off * es;
        const char *from = x->data + from_off * es;
        switch (es) {
        case 1: PICK(uint8_t)
        case 2: PICK(uint16_t)
        case 4: PICK(uint32_t)
        default: PICK(uint64_t)
        }
    }
}

static void elements_run(fvi_step *s)
{
    gather_state *g = s->state;
    if (g->chunks == 1)
        elements_chunk(s, 0, 0);
    else
        fvi_pool_run(s->env->pool, elements_chunk, s, g->chunks);
}

static fv_status prepare_elements(fvi_step *s, fv_error *err)
{
    const fvi_tensor *x = &s->in[0], *ix = &s->in[1], *y = &s->out[0];
    int64_t axis = fvi_node_int(s->node, "axis", 0);
    FVI_TRY(fvi_cpu_need_type(x->dtype, FVI_TYPES_ANY, err));
    if (!fvi_cpu_axis(&axis, x->rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis is out of range");
    FVI_TRY(check_indices(s, x->dim[axis], err));
    if (ix->rank != x->rank || !fvi_tensor_same_shape(ix, y)) return fvi_error_set(err, FV_ERR_SHAPE, "output and indices differ in shape");
    for (int i = 0; i < x->rank; i++)
        if (i != axis && ix->dim[i] > x->dim[i]) return fvi_error_set(err, FV_ERR_SHAPE, "indices reach past dimension %d", i);
    FVI_TRY(fvi_cpu_new_state(s, sizeof(gather_state), err));
    gather_state *g = s->state;
    g->index = *ix;
    g->axis = (int)axis;
    g->axis_dim = x->dim[axis];
    g->axis_stride = x->stride[axis];
    g->count = 1;
    for (int i = 0; i < y->rank - 1; i++) g->count *= y->dim[i];
    g->chunks = fvi_chunks_for(2.0 * (double)fvi_tensor_count(y), g->count);
    s->run = elements_run;
    s->tactic = "gather elements";
    return FV_OK;
}

const fvi_cpu_op fvi_cpu_gather_ops[] = {
    {FVI_OP_GATHER, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, NULL, NULL, prepare_gather},
    {FVI_OP_GATHER_ELEMENTS, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, NULL, NULL, prepare_elements},
    {FVI_OP_NONE},
};
