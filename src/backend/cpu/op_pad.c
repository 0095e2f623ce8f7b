/* op_pad.c: Pad in all its modes, also with negative pads. Constant mode is a fill and a copy; the others look every
 * index up in a table a dimension (lookup.c). */
#include "backend/cpu/step.h"
#include <string.h>

static int64_t reflect(int64_t i, int64_t n)
{
    if (n == 1) return 0;
    int64_t period = 2 * (n - 1);
    i = (i % period + period) % period;
    return i < n ? i : period - i;
}

static fv_status prepare_by_index(fvi_step *s, const int64_t *before, const char *mode, fv_error *err)
{
    const fvi_tensor *y = &s->out[0], *x = &s->in[0];
    fvi_lookup *l;
    if (fvi_tensor_count(y) > 0 && fvi_tensor_count(x) == 0) return fvi_error_set(err, FV_ERR_SHAPE, "mode %s cannot pad an empty input", mode);
    FVI_TRY(fvi_cpu_new_lookup(s, &l, err));
    for (int i = 0; i < y->rank; i++)
        for (int64_t k = 0, n = x->dim[i]; k < y->dim[i] && n > 0; k++) {
            int64_t j = k - before[i];
            l->index[i][k] = mode[0] == 'r' ? reflect(j, n) : mode[0] == 'e' ? (j < 0 ? 0 : j >= n ? n - 1 : j) : (j % n + n) % n;
        }
    return FV_OK;
}

/* The frame around the copied box: for each dim one slab before and one after it, so that no element is written twice. */
static fv_status prepare_constant(fvi_step *s, const int64_t *before, const fvi_tensor *value, fv_error *err)
{
    fvi_tensor dst[2 * FV_MAX_RANK + 1], src[2 * FV_MAX_RANK + 1], to = s->out[0], from = s->in[0];
    int n = 0;
    for (int i = 0; i < to.rank; i++) {
        int64_t lo = before[i] > 0 ? before[i] : 0, skip = before[i] < 0 ? -before[i] : 0;
        int64_t y = to.dim[i], x = from.dim[i];
        lo = lo > y ? y : lo;
        int64_t count = x - skip < y - lo ? x - skip : y - lo;
        count = count < 0 ? 0 : count;
        fvi_tensor_slice(&dst[n++], &to, i, 0, lo, 1);
        fvi_tensor_slice(&dst[n++], &to, i, lo + count, y - lo - count, 1);
        fvi_tensor t = to;
        fvi_tensor_slice(&to, &t, i, lo, count, 1);
        t = from;
        fvi_tensor_slice(&from, &t, i, skip < x ? skip : 0, count, 1);
    }
    for (int i = 0; i < n; i++) fvi_tensor_broadcast(&src[i], value, dst[i].rank, dst[i].dim);
    dst[n] = to;
    src[n++] = from;
    return fvi_cpu_prepare_copies(s, n, dst, src, err);
}

fv_status fvi_cpu_prepare_pad(fvi_step *s, fv_error *err)
{
    static const int64_t zero = 0;
    const fvi_tensor *x = &s->in[0], *y = &s->out[0];
    const char *mode = fvi_node_string(s->node, "mode", "constant");
    int64_t pads[2 * FV_MAX_RANK], axes[FV_MAX_RANK], before[FV_MAX_RANK] = {0}, after[FV_MAX_RANK] = {0};
    if (strcmp(mode, "constant") && strcmp(mode, "reflect") && strcmp(mode, "edge") && strcmp(mode, "wrap"))
        return fvi_error_set(err, FV_ERR_UNSUPPORTED, "mode '%s'", mode);
    int n = fvi_cpu_ints(s, 1, "pads", pads, 2 * FV_MAX_RANK), n_axes = fvi_cpu_ints(s, 3, "", axes, FV_MAX_RANK);
    if (n < 0 || n_axes < 0) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "pads and axes must be constant integers");
    int count = n_axes ? n_axes : x->rank;
    if (n != 2 * count) return fvi_error_set(err, FV_ERR_MODEL, "pads has %d values for %d dimensions", n, count);
    for (int i = 0; i < count; i++) {
        int64_t axis = n_axes ? axes[i] : i;
        if (!fvi_cpu_axis(&axis, x->rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis is out of range");
        before[axis] = pads[i];
        after[axis] = pads[count + i];
    }
    for (int i = 0; i < x->rank; i++) {
        int64_t want;
        if (y->rank != x->rank || __builtin_add_overflow(x->dim[i], before[i], &want) || __builtin_add_overflow(want, after[i], &want) || want != y->dim[i])
            return fvi_error_set(err, FV_ERR_SHAPE, "output shape does not fit pads");
    }
    if (mode[0] != 'c' && x->rank > 0) return prepare_by_index(s, before, mode, err);
    fvi_tensor value = {.dtype = x->dtype, .data = (char *)(uintptr_t)&zero};
    const fvi_attr *a = fvi_node_attr(s->node, "value"); /* up to opset 10 */
    if (a && a->type == FVI_ATTR_FLOAT && a->f != 0) {
        FVI_TRY(fvi_cpu_need_type(x->dtype, FVI_TYPE_BIT(FV_F32), err));
        value.data = (char *)(uintptr_t)&a->f;
    }
    if (fvi_cpu_has_input(s, 2)) {
        if (s->in[2].dtype != x->dtype || fvi_tensor_count(&s->in[2]) != 1) return fvi_error_set(err, FV_ERR_MODEL, "the padding value must be one element of the input's type");
        value.data = s->in[2].data;
    }
    return prepare_constant(s, before, &value, err);
}
