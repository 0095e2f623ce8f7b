/* op_shape.c: operators that only move elements, and those that make tensors from shapes. The plan expresses most of
 * them as views; what is left (and constant folding) comes here. */
#include "backend/cpu/loop.h"
#include "backend/cpu/step.h"
#include <string.h>

static fv_status not_constant(fv_error *err, const char *what)
{
    return fvi_error_set(err, FV_ERR_UNSUPPORTED, "%s must be constant integers", what);
}

static fv_status prepare_transpose(fvi_step *s, fv_error *err)
{
    int64_t perm[FV_MAX_RANK];
    int p[FV_MAX_RANK], rank = s->in[0].rank, n = fvi_node_ints(s->node, "perm", perm, FV_MAX_RANK);
    unsigned seen = 0;
    if (n != 0 && n != rank) return fvi_error_set(err, FV_ERR_MODEL, "perm has %d entries for %d dimensions", n, rank);
    for (int i = 0; i < rank; i++) {
        int64_t v = n ? perm[i] : rank - 1 - i;
        if (v < 0 || v >= rank || (seen >> v & 1)) return fvi_error_set(err, FV_ERR_MODEL, "perm is not a permutation");
        seen |= 1u << v;
        p[i] = (int)v;
    }
    fvi_tensor view;
    fvi_tensor_transpose(&view, &s->in[0], p);
    if (!fvi_tensor_same_shape(&view, &s->out[0])) return fvi_error_set(err, FV_ERR_SHAPE, "output shape does not fit perm");
    return fvi_cpu_prepare_copies(s, 1, &s->out[0], &view, err);
}

/* starts, ends, axes, steps were attributes up to opset 9, are inputs from 10. Ends are in the output shape already. */
static fv_status prepare_slice(fvi_step *s, fv_error *err)
{
    int64_t starts[FV_MAX_RANK], axes[FV_MAX_RANK], steps[FV_MAX_RANK];
    int n = fvi_cpu_ints(s, 1, "starts", starts, FV_MAX_RANK);
    int n_axes = fvi_cpu_ints(s, 3, "axes", axes, FV_MAX_RANK), n_steps = fvi_cpu_ints(s, 4, "", steps, FV_MAX_RANK);
    if (n < 0 || n_axes < 0 || n_steps < 0) return not_constant(err, "starts, axes and steps");
    if ((n_axes && n_axes != n) || (n_steps && n_steps != n)) return fvi_error_set(err, FV_ERR_MODEL, "starts, axes and steps differ in length");
    fvi_tensor view = s->in[0];
    for (int i = 0; i < n; i++) {
        int64_t axis = n_axes ? axes[i] : i, step = n_steps ? steps[i] : 1, start = starts[i];
        if (!fvi_cpu_axis(&axis, view.rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis %lld is out of range", (long long)axis);
        int64_t dim = s->in[0].dim[axis], count = s->out[0].dim[axis];
        if (start < 0) start = start < -dim ? (step > 0 ? 0 : -1) : start + dim;
        if (start > dim - (step < 0)) start = dim - (step < 0);
        int64_t last = 0;
        bool fits = count == 0 || (start >= 0 && start < dim && !__builtin_mul_overflow(count - 1, step, &last) &&
                                   !__builtin_add_overflow(last, start, &last) && last >= 0 && last < dim);
        if (!fits) return fvi_error_set(err, FV_ERR_SHAPE, "slice of axis %lld leaves the input", (long long)axis);
        fvi_tensor t = view;
        fvi_tensor_slice(&view, &t, (int)axis, start, count, count > 1 ? step : 1);
    }
    if (!fvi_tensor_same_shape(&view, &s->out[0])) return fvi_error_set(err, FV_ERR_SHAPE, "output shape does not fit the slice");
    return fvi_cpu_prepare_copies(s, 1, &s->out[0], &view, err);
}

/* Parts of `whole` along the axis, one for each of n tensors, paired up for copying. */
static fv_status cut(fvi_tensor *parts, const fvi_tensor *whole, const fvi_tensor *t, int n, int64_t axis, fv_error *err)
{
    int64_t at = 0;
    for (int i = 0; i < n; i++) {
        if (t[i].rank != whole->rank || at + t[i].dim[axis] > whole->dim[axis]) return fvi_error_set(err, FV_ERR_SHAPE, "part %d does not fit along the axis", i);
        fvi_tensor_slice(&parts[i], whole, (int)axis, at, t[i].dim[axis], 1);
        if (!fvi_tensor_same_shape(&parts[i], &t[i])) return fvi_error_set(err, FV_ERR_SHAPE, "part %d has another shape", i);
        at += t[i].dim[axis];
    }
    return FV_OK;
}

static fv_status prepare_parts(fvi_step *s, int64_t def, bool concat, fv_error *err)
{
    const fvi_tensor *whole = concat ? &s->out[0] : &s->in[0], *t = concat ? s->in : s->out;
    int n = concat ? s->n_in : s->n_out;
    int64_t axis = fvi_node_int(s->node, "axis", def);
    if (!fvi_cpu_axis(&axis, whole->rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis is out of range");
    fvi_tensor *parts = fvi_calloc((size_t)n, sizeof *parts);
    if (!parts) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    fv_status st = cut(parts, whole, t, n, axis, err);
    if (st == FV_OK) st = concat ? fvi_cpu_prepare_copies(s, n, parts, t, err) : fvi_cpu_prepare_copies(s, n, t, parts, err);
    fvi_free(parts);
    return st;
}
static fv_status prepare_concat(fvi_step *s, fv_error *err)
{
    if (!fvi_node_attr(s->node, "axis")) return fvi_error_set(err, FV_ERR_MODEL, "Concat without axis");
    return prepare_parts(s, 0, true, err);
}
static fv_status prepare_split(fvi_step *s, fv_error *err) { return prepare_parts(s, 0, false, err); }

static fv_status prepare_expand(fvi_step *s, fv_error *err)
{
    fvi_tensor view;
    if (!fvi_tensor_broadcast(&view, &s->in[0], s->out[0].rank, s->out[0].dim))
        return fvi_error_set(err, FV_ERR_SHAPE, "the input does not broadcast to the output shape");
    return fvi_cpu_prepare_copies(s, 1, &s->out[0], &view, err);
}

/* Each dim of the output is [repeat, dim] of the input, the repeat with stride 0. */
static fv_status prepare_tile(fvi_step *s, fv_error *err)
{
    const fvi_tensor *x = &s->in[0], *y = &s->out[0];
    fvi_tensor from = {.dtype = x->dtype, .data = x->data}, to = {.dtype = y->dtype, .data = y->data};
    if (x->rank != y->rank) return fvi_error_set(err, FV_ERR_SHAPE, "output rank differs from input rank");
    if (fvi_tensor_count(y) == 0) return fvi_cpu_prepare_copies(s, 0, NULL, NULL, err);
    for (int i = 0; i < x->rank; i++) {
        if (x->dim[i] < 1 || y->dim[i] % x->dim[i]) return fvi_error_set(err, FV_ERR_SHAPE, "output shape is no multiple of the input shape");
        int64_t part[2] = {y->dim[i] / x->dim[i], x->dim[i]};
        for (int k = 0; k < 2; k++) {
            if (part[k] == 1) continue;
            if (to.rank == FV_MAX_RANK) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "repeats of so many dimensions");
            to.dim[to.rank] = from.dim[from.rank] = part[k];
            to.stride[to.rank++] = k ? y->stride[i] : y->stride[i] * x->dim[i];
            from.stride[from.rank++] = k ? x->stride[i] : 0;
        }
    }
    return fvi_cpu_prepare_copies(s, 1, &to, &from, err);
}

/* ---- tensors from shapes ---- */
static void run_shape(fvi_step *s)
{
    const int64_t *dims = s->state;
    int64_t *y = (int64_t *)(void *)s->out[0].data;
    for (int64_t i = 0; i < s->out[0].dim[0]; i++) y[i * s->out[0].stride[0]] = dims[i];
}

static fv_status prepare_shape(fvi_step *s, fv_error *err)
{
    int rank = s->in[0].rank;
    int64_t start = fvi_node_int(s->node, "start", 0), end = fvi_node_int(s->node, "end", rank);
    start = start < 0 ? start + rank : start;
    end = end < 0 ? end + rank : end;
    start = start < 0 ? 0 : start > rank ? rank : start;
    end = end < start ? start : end > rank ? rank : end;
    if (s->out[0].rank != 1 || s->out[0].dim[0] != end - start) return fvi_error_set(err, FV_ERR_SHAPE, "output must have one value a dimension");
    FVI_TRY(fvi_cpu_new_state(s, FV_MAX_RANK * sizeof(int64_t), err));
    memcpy(s->state, s->in[0].dim + start, (size_t)(end - start) * sizeof(int64_t));
    s->run = run_shape;
    s->tactic = "shape";
    return FV_OK;
}

static fv_status prepare_constant_of_shape(fvi_step *s, fv_error *err)
{
    static const int64_t zero = 0;
    const fvi_attr *a = fvi_node_attr(s->node, "value");
    fvi_tensor one = {.dtype = s->out[0].dtype, .data = (char *)(uintptr_t)&zero}, view;
    if (a && a->tensor) {
        if (a->tensor->dtype != s->out[0].dtype || !a->tensor->constant || fvi_value_count(a->tensor) != 1)
            return fvi_error_set(err, FV_ERR_MODEL, "value must be one element of the output's type");
        one.data = (char *)(uintptr_t)a->tensor->constant;
    }
    fvi_tensor_broadcast(&view, &one, s->out[0].rank, s->out[0].dim);
    return fvi_cpu_prepare_copies(s, 1, &s->out[0], &view, err);
}

static void run_range(fvi_step *s)
{
    const fvi_tensor *y = &s->out[0];
    double df[2];
    int64_t di[2];
    bool real = y->dtype == FV_F32 || y->dtype == FV_F64;
    for (int k = 0; k < 2; k++) { /* start, delta */
        fvi_convert(FV_F64, y->dtype)(&df[k], s->in[2 * k].data, 1);
        fvi_convert(FV_I64, y->dtype)(&di[k], s->in[2 * k].data, 1);
    }
    fvi_convert_fn to = fvi_convert(y->dtype, real ? FV_F64 : FV_I64);
    size_t es = fv_dtype_size(y->dtype);
    for (int64_t i = 0; i < y->dim[0]; i++) {
        double f = df[0] + (double)i * df[1];
        int64_t n = (int64_t)((uint64_t)di[0] + (uint64_t)i * (uint64_t)di[1]);
        to(y->data + i * y->stride[0] * (int64_t)es, real ? (const void *)&f : (const void *)&n, 1);
    }
}

static fv_status prepare_range(fvi_step *s, fv_error *err)
{
    fv_dtype t = s->out[0].dtype;
    FVI_TRY(fvi_cpu_need_type(t, FVI_TYPES_FLOAT | FVI_TYPE_BIT(FV_I16) | FVI_TYPE_BIT(FV_I32) | FVI_TYPE_BIT(FV_I64), err));
    for (int i = 0; i < 3; i++)
        if (s->in[i].dtype != t || fvi_tensor_count(&s->in[i]) != 1) return fvi_error_set(err, FV_ERR_MODEL, "start, limit and delta must be single values of one type");
    if (s->out[0].rank != 1) return fvi_error_set(err, FV_ERR_SHAPE, "the output must have one dimension");
    s->run = run_range;
    s->tactic = "range";
    return FV_OK;
}

#define OP(id, prepare) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, NULL, NULL, prepare}
const fvi_cpu_op fvi_cpu_shape_ops[] = {
    OP(IDENTITY, fvi_cpu_prepare_copy),
    OP(RESHAPE, fvi_cpu_prepare_copy),
    OP(FLATTEN, fvi_cpu_prepare_copy),
    OP(SQUEEZE, fvi_cpu_prepare_copy),
    OP(UNSQUEEZE, fvi_cpu_prepare_copy),
    OP(TRANSPOSE, prepare_transpose),
    OP(SLICE, prepare_slice),
    OP(SPLIT, prepare_split),
    OP(CONCAT, prepare_concat),
    OP(EXPAND, prepare_expand),
    OP(TILE, prepare_tile),
    OP(PAD, fvi_cpu_prepare_pad),
    OP(SHAPE, prepare_shape),
    OP(CONSTANT_OF_SHAPE, prepare_constant_of_shape),
    OP(RANGE, prepare_range),
    {FVI_OP_NONE},
};
