/* shape_reduce.c: shape rules of reductions and of Range. */
#include "base/error.h"
#include "model/graph/shape.h"
#include <math.h>
#include <string.h>

fv_status fvi_shape_reduce(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, s = {0};
    int64_t axes[FV_MAX_RANK];
    bool reduced[FV_MAX_RANK] = {false}, keep = fvi_node_int(n, "keepdims", 1) != 0;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    int count = fvi_node_axes(n, x.rank, axes);
    if (count < 0) return fvi_node_error(n, err, FV_ERR_MODEL, "its axes are not constant, or are not there");
    bool all = count == 0 && fvi_node_int(n, "noop_with_empty_axes", 0) == 0;
    for (int i = 0; i < count; i++) reduced[axes[i]] = true;
    for (int i = 0; i < x.rank; i++) {
        if (!all && !reduced[i])
            s.d[s.rank++] = x.d[i];
        else if (keep)
            s.d[s.rank++] = 1;
    }
    return fvi_shape_set(n, 0, n->in[0]->dtype, &s, err);
}

fv_status fvi_shape_argreduce(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, s = {0};
    int axis;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(fvi_shape_axis(n, fvi_node_int(n, "axis", 0), x.rank, &axis, err));
    for (int i = 0; i < x.rank; i++) {
        if (i != axis)
            s.d[s.rank++] = x.d[i];
        else if (fvi_node_int(n, "keepdims", 1))
            s.d[s.rank++] = 1;
    }
    return fvi_shape_set(n, 0, FV_I64, &s, err);
}

static bool read_number(const fvi_value *v, double *out)
{
    float f;
    int64_t i;
    if (fvi_value_scalar(v, &f)) {
        *out = (double)f;
        return true;
    }
    if (fvi_value_ints(v, &i, 1) == 1) {
        *out = (double)i;
        return true;
    }
    return false;
}

fv_status fvi_shape_range(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    double start, limit, delta;
    fvi_dims s = {.rank = 1, .d = {FVI_DIM_UNKNOWN}};
    FVI_TRY(fvi_shape_same_dtype(n, 0, 3, err));
    if (read_number(n->in[0], &start) && read_number(n->in[1], &limit) && read_number(n->in[2], &delta)) {
        double count = ceil((limit - start) / delta);
        if (delta == 0 || !(count < (double)FVI_MAX_ELEMENTS))
            return fvi_node_error(n, err, FV_ERR_LIMIT, "its range has no end or too many elements");
        s.d[0] = count > 0 ? (int64_t)count : 0;
    }
    return fvi_shape_set(n, 0, n->in[0]->dtype, &s, err);
}

/* Over dimension 1, with a weight for each of its elements. */
fv_status fvi_shape_softmax_mean(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, w;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(fvi_shape_in(n, 1, &w, err));
    FVI_TRY(fvi_shape_same_dtype(n, 0, 2, err));
    const int64_t weights = fvi_shape_product(&w, 0, w.rank);
    if (x.rank < 2 || (x.d[1] >= 0 && weights >= 0 && weights != x.d[1]))
        return fvi_node_error(n, err, FV_ERR_SHAPE, "its weights do not fit dimension 1 of its input");
    x.d[1] = 1;
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}
