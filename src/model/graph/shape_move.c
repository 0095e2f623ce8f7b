/* shape_move.c: shape rules of operators that give the same elements another shape or order, or repeat them. */
#include "base/checked.h"
#include "base/error.h"
#include "model/graph/shape.h"
#include <string.h>

/* The wanted shape with 0 (copy) and -1 (the rest) resolved. */
static fv_status resolve_target(const fvi_node *n, const fvi_dims *x, const int64_t *want, int count, fvi_dims *s, fv_error *err)
{
    bool zero_copies = fvi_node_int(n, "allowzero", 0) == 0;
    int rest = -1;
    s->rank = count;
    for (int i = 0; i < count; i++) {
        s->d[i] = want[i];
        if (want[i] == -1) {
            if (rest >= 0) return fvi_node_error(n, err, FV_ERR_MODEL, "its target shape has two -1");
            rest = i;
            s->d[i] = 1;
        } else if (want[i] == 0 && zero_copies) {
            if (i >= x->rank)
                return fvi_node_error(n, err, FV_ERR_SHAPE, "its target shape copies dimension %d, which is not there",
                                      i);
            s->d[i] = x->d[i];
        } else if (want[i] < 0 || want[i] > FVI_MAX_ELEMENTS) {
            return fvi_node_error(n, err, FV_ERR_MODEL, "its target shape holds %lld", (long long)want[i]);
        }
    }
    int64_t have = fvi_shape_product(x, 0, x->rank), other = fvi_shape_product(s, 0, s->rank);
    if (rest >= 0 && (have < 0 || other < 0)) {
        s->d[rest] = FVI_DIM_UNKNOWN;
    } else if (rest >= 0) {
        if (other == 0 || have % other)
            return fvi_node_error(n, err, FV_ERR_SHAPE, "%lld elements cannot be reshaped into multiples of %lld",
                                  (long long)have, (long long)other);
        s->d[rest] = have / other;
    } else if (have >= 0 && other >= 0 && have != other) {
        return fvi_node_error(n, err, FV_ERR_SHAPE,
                              "%lld elements cannot be reshaped into %lld; the target shape is fixed in the file",
                              (long long)have, (long long)other);
    }
    return FV_OK;
}

fv_status fvi_shape_reshape(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, s = {0};
    int64_t want[FV_MAX_RANK];
    const fvi_value *target = n->in[1];
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (target->rank != 1 || target->dim[0] > FV_MAX_RANK || (!target->constant && target->dim[0] < 0))
        return fvi_node_error(n, err, target->constant ? FV_ERR_LIMIT : FV_ERR_UNSUPPORTED,
                              "the number of dimensions of its target shape is not known or over %d", FV_MAX_RANK);
    if (target->constant) {
        int count = fvi_value_ints(target, want, FV_MAX_RANK);
        if (count < 0)
            return fvi_node_error(n, err, FV_ERR_MODEL, "its target shape is %s, not integers",
                                  fv_dtype_name(target->dtype));
        FVI_TRY(resolve_target(n, &x, want, count, &s, err));
    } else {
        s.rank = (int)target->dim[0];
        for (int i = 0; i < s.rank; i++) s.d[i] = FVI_DIM_UNKNOWN;
    }
    return fvi_shape_set(n, 0, n->in[0]->dtype, &s, err);
}

fv_status fvi_shape_flatten(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    int64_t axis = fvi_node_int(n, "axis", 1);
    if (axis < 0) axis += x.rank;
    if (axis < 0 || axis > x.rank)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "its axis is not there: the input has %d dimensions", x.rank);
    fvi_dims s = {.rank = 2, .d = {fvi_shape_product(&x, 0, (int)axis), fvi_shape_product(&x, (int)axis, x.rank)}};
    return fvi_shape_set(n, 0, n->in[0]->dtype, &s, err);
}

fv_status fvi_shape_squeeze(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, s = {0};
    int64_t axes[FV_MAX_RANK];
    bool drop[FV_MAX_RANK] = {false};
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    int count = fvi_node_axes(n, x.rank, axes);
    if (count < 0) return fvi_node_error(n, err, FV_ERR_MODEL, "its axes are not constant, or are not there");
    for (int i = 0; i < count; i++) drop[axes[i]] = true;
    for (int i = 0; i < x.rank; i++) {
        if (count == 0 && x.d[i] < 0) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "which dimensions are 1 is not known");
        if (count == 0) drop[i] = x.d[i] == 1;
        if (drop[i] && x.d[i] > 1) return fvi_node_error(n, err, FV_ERR_SHAPE, "dimension %d is %lld, not 1", i, (long long)x.d[i]);
        if (!drop[i]) s.d[s.rank++] = x.d[i];
    }
    return fvi_shape_set(n, 0, n->in[0]->dtype, &s, err);
}

fv_status fvi_shape_unsqueeze(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, s = {0};
    int64_t axes[FV_MAX_RANK];
    bool add[FV_MAX_RANK] = {false};
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    /* axes count in the output, whose rank depends on how many there are */
    int given = n->n_in > 1 && n->in[1] ? fvi_value_ints(n->in[1], axes, FV_MAX_RANK) : fvi_node_ints(n, "axes", axes, FV_MAX_RANK);
    int rank = x.rank + given;
    if (given < 0 || rank > FV_MAX_RANK || fvi_node_axes(n, rank, axes) != given || given == 0)
        return fvi_node_error(n, err, FV_ERR_MODEL, "its axes are not constant, or do not fit");
    for (int i = 0; i < given; i++) add[axes[i]] = true;
    s.rank = rank;
    for (int i = 0, k = 0; i < rank; i++) s.d[i] = add[i] ? 1 : x.d[k++];
    return fvi_shape_set(n, 0, n->in[0]->dtype, &s, err);
}

fv_status fvi_shape_transpose(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, s;
    int64_t perm[FV_MAX_RANK];
    bool seen[FV_MAX_RANK] = {false};
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    int count = fvi_node_ints(n, "perm", perm, FV_MAX_RANK);
    s.rank = x.rank;
    if (count != 0 && count != x.rank)
        return fvi_node_error(n, err, FV_ERR_MODEL, "perm has %d values, its input %d dimensions", count, x.rank);
    for (int i = 0; i < x.rank; i++) {
        int64_t p = count ? perm[i] : x.rank - 1 - i;
        if (p < 0 || p >= x.rank || seen[p]) return fvi_node_error(n, err, FV_ERR_MODEL, "perm is not a permutation");
        seen[p] = true;
        s.d[i] = x.d[p];
    }
    return fvi_shape_set(n, 0, n->in[0]->dtype, &s, err);
}

/* Input 1 as a list of sizes: its length must be known; its values may not be (then they are FVI_DIM_UNKNOWN). */
static fv_status size_list(const fvi_node *n, int k, fvi_dims *s, fv_error *err)
{
    const fvi_value *v = n->in[k];
    if (v->rank != 1 || v->dim[0] < 0 || v->dim[0] > FV_MAX_RANK)
        return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "the length of its list of sizes is not known or over %d", FV_MAX_RANK);
    s->rank = (int)v->dim[0];
    for (int i = 0; i < s->rank; i++) s->d[i] = FVI_DIM_UNKNOWN;
    if (!v->constant) return FV_OK;
    if (fvi_value_ints(v, s->d, FV_MAX_RANK) != s->rank) return fvi_node_error(n, err, FV_ERR_MODEL, "its sizes are not integers");
    for (int i = 0; i < s->rank; i++)
        if (s->d[i] < 0 || s->d[i] > FVI_MAX_ELEMENTS)
            return fvi_node_error(n, err, FV_ERR_SHAPE, "a size of %lld does not work", (long long)s->d[i]);
    return FV_OK;
}

fv_status fvi_shape_expand(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, s;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(size_list(n, 1, &s, err));
    FVI_TRY(fvi_shape_broadcast_dims(n, &x, &s, err));
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}

fv_status fvi_shape_tile(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, r;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(size_list(n, 1, &r, err));
    if (r.rank != x.rank) return fvi_node_error(n, err, FV_ERR_SHAPE, "it has %d repeats for %d dimensions", r.rank, x.rank);
    for (int i = 0; i < x.rank; i++) {
        if (x.d[i] < 0 || r.d[i] < 0)
            x.d[i] = FVI_DIM_UNKNOWN;
        else if (!fvi_mul_i64(x.d[i], r.d[i], &x.d[i]))
            return fvi_node_error(n, err, FV_ERR_LIMIT, "its output would be too large");
    }
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}

fv_status fvi_shape_shape(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    int64_t start = fvi_node_int(n, "start", 0), end = fvi_node_int(n, "end", x.rank);
    start = start < 0 ? start + x.rank : start;
    end = end < 0 ? end + x.rank : end;
    start = start < 0 ? 0 : fvi_min_i64(start, x.rank);
    end = end < 0 ? 0 : fvi_min_i64(end, x.rank);
    fvi_dims s = {.rank = 1, .d = {end > start ? end - start : 0}};
    return fvi_shape_set(n, 0, FV_I64, &s, err);
}

fv_status fvi_shape_constant_of_shape(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims s;
    const fvi_attr *a = fvi_node_attr(n, "value");
    if (a && (a->type != FVI_ATTR_TENSOR || fvi_value_count(a->tensor) != 1))
        return fvi_node_error(n, err, FV_ERR_MODEL, "its value is not one element");
    FVI_TRY(size_list(n, 0, &s, err));
    return fvi_shape_set(n, 0, a ? a->tensor->dtype : FV_F32, &s, err);
}
