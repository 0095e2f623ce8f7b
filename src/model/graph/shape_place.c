/* shape_place.c: shape rules of operators whose places come from data: scatter, GatherND, OneHot, GridSample, RoiAlign. */
#include "base/error.h"
#include "model/graph/shape.h"

static fv_status integers(const fvi_node *n, int k, fv_error *err)
{
    fv_dtype t = n->in[k]->dtype;
    return t == FV_I64 || t == FV_I32 ? FV_OK : fvi_node_error(n, err, FV_ERR_MODEL, "its indices are %s, not integers", fv_dtype_name(t));
}

fv_status fvi_shape_scatter(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(integers(n, 1, err));
    if (n->in[2]->dtype != n->in[0]->dtype) return fvi_node_error(n, err, FV_ERR_MODEL, "its updates have another type than its data");
    if (x.rank < 1) return fvi_node_error(n, err, FV_ERR_SHAPE, "its data must have a dimension");
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}

fv_status fvi_shape_gather_nd(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, i;
    int64_t batch = fvi_node_int(n, "batch_dims", 0);
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(fvi_shape_in(n, 1, &i, err));
    FVI_TRY(integers(n, 1, err));
    if (x.rank < 1 || i.rank < 1 || batch < 0 || batch >= i.rank || batch >= x.rank)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "%d and %d dimensions do not fit its batch_dims", x.rank, i.rank);
    int64_t depth = i.d[i.rank - 1];
    if (depth < 0) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "indices of unknown length are not supported");
    if (depth < 1 || depth > x.rank - batch) return fvi_node_error(n, err, FV_ERR_SHAPE, "indices of length %lld do not fit its data", (long long)depth);
    fvi_dims s = {.rank = i.rank - 1};
    if (s.rank + x.rank - batch - depth > FV_MAX_RANK) return fvi_node_error(n, err, FV_ERR_LIMIT, "its output would have too many dimensions");
    for (int k = 0; k < s.rank; k++) s.d[k] = i.d[k];
    for (int k = (int)(batch + depth); k < x.rank; k++) s.d[s.rank++] = x.d[k];
    return fvi_shape_set(n, 0, n->in[0]->dtype, &s, err);
}

fv_status fvi_shape_one_hot(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, s = {0};
    int axis;
    int64_t depth = FVI_DIM_UNKNOWN;
    float f;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (x.rank == FV_MAX_RANK) return fvi_node_error(n, err, FV_ERR_LIMIT, "its output would have too many dimensions");
    FVI_TRY(fvi_shape_axis(n, fvi_node_int(n, "axis", -1), x.rank + 1, &axis, err));
    if (fvi_value_ints(n->in[1], &depth, 1) != 1) depth = fvi_value_scalar(n->in[1], &f) && f >= 0 && f < 1e9f ? (int64_t)f : FVI_DIM_UNKNOWN;
    if (n->in[1]->constant && depth < 0) return fvi_node_error(n, err, FV_ERR_MODEL, "its depth is not one whole number");
    for (int k = 0; k <= x.rank; k++) s.d[s.rank++] = k == axis ? depth : x.d[k - (k > axis)];
    return fvi_shape_set(n, 0, n->in[2]->dtype, &s, err);
}

fv_status fvi_shape_grid_sample(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, p;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(fvi_shape_in(n, 1, &p, err));
    if (x.rank != 4 && x.rank != 5) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "inputs of %d dimensions are not supported, only 4 and 5", x.rank);
    if (p.rank != x.rank || (p.d[x.rank - 1] >= 0 && p.d[x.rank - 1] != x.rank - 2) || (p.d[0] >= 0 && x.d[0] >= 0 && p.d[0] != x.d[0]))
        return fvi_node_error(n, err, FV_ERR_SHAPE, "its grid does not fit its input");
    for (int i = 2; i < x.rank; i++) x.d[i] = p.d[i - 1];
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}

fv_status fvi_shape_roi_align(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, r;
    int64_t h = fvi_node_int(n, "output_height", 1), w = fvi_node_int(n, "output_width", 1);
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(fvi_shape_in(n, 1, &r, err));
    FVI_TRY(integers(n, 2, err));
    FVI_TRY(fvi_shape_same_dtype(n, 0, 2, err));
    if (x.rank != 4 || r.rank != 2 || (r.d[1] >= 0 && r.d[1] != 4) || n->in[2]->rank != 1)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "its input, boxes and batch numbers do not fit");
    if (h < 1 || w < 1 || h > 1 << 16 || w > 1 << 16) return fvi_node_error(n, err, FV_ERR_MODEL, "an output of %lld x %lld does not work", (long long)w, (long long)h);
    fvi_dims s = {.rank = 4, .d = {r.d[0], x.d[1], h, w}};
    return fvi_shape_set(n, 0, n->in[0]->dtype, &s, err);
}
