/* shape_slice.c: shape rules of operators that take parts of tensors or join them: Concat, Split, Slice, Gather, TopK. */
#include "base/checked.h"
#include "base/error.h"
#include "model/graph/shape.h"

fv_status fvi_shape_concat(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims s, x;
    int axis;
    FVI_TRY(fvi_shape_in(n, 0, &s, err));
    if (!fvi_node_attr(n, "axis")) return fvi_node_error(n, err, FV_ERR_MODEL, "attribute axis is missing");
    FVI_TRY(fvi_shape_axis(n, fvi_node_int(n, "axis", 0), s.rank, &axis, err));
    for (int k = 1; k < n->n_in; k++) {
        if (!n->in[k]) return fvi_node_error(n, err, FV_ERR_MODEL, "its input %d is missing", k);
        FVI_TRY(fvi_shape_in(n, k, &x, err));
        if (x.rank != s.rank) return fvi_node_error(n, err, FV_ERR_SHAPE, "its inputs have %d and %d dimensions", s.rank, x.rank);
        for (int i = 0; i < s.rank; i++) {
            if (i == axis) {
                if (s.d[i] < 0 || x.d[i] < 0)
                    s.d[i] = FVI_DIM_UNKNOWN;
                else if (!fvi_add_i64(s.d[i], x.d[i], &s.d[i]))
                    return fvi_node_error(n, err, FV_ERR_LIMIT, "its output would be too large");
            } else if (s.d[i] < 0) {
                s.d[i] = x.d[i];
            } else if (x.d[i] >= 0 && x.d[i] != s.d[i]) {
                return fvi_node_error(n, err, FV_ERR_SHAPE, "input %d has %lld in dimension %d, the others %lld", k,
                                      (long long)x.d[i], i, (long long)s.d[i]);
            }
        }
    }
    FVI_TRY(fvi_shape_same_dtype(n, 0, n->n_in, err));
    return fvi_shape_set(n, 0, n->in[0]->dtype, &s, err);
}

/* Sizes not given: equal parts, the last one smaller where num_outputs (opset 18) allows it. */
static fv_status equal_part(const fvi_node *n, int64_t total, int k, int64_t *part, fv_error *err)
{
    *part = FVI_DIM_UNKNOWN;
    if (total < 0) return FV_OK;
    int64_t count = n->n_out, chunk = (total + count - 1) / count;
    if (n->opset < 18 && total % count)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "%lld does not divide into %d equal parts", (long long)total, n->n_out);
    *part = fvi_min_i64(chunk, total - chunk * k);
    return *part >= 0 ? FV_OK : fvi_node_error(n, err, FV_ERR_SHAPE, "%lld does not divide into %d parts", (long long)total, n->n_out);
}

fv_status fvi_shape_split(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    int axis;
    int64_t sizes[FVI_MAX_INTS], sum = 0;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(fvi_shape_axis(n, fvi_node_int(n, "axis", 0), x.rank, &axis, err));
    int have = fvi_shape_ints(n, "split", 1, sizes, FVI_MAX_INTS);
    int64_t declared = fvi_node_int(n, "num_outputs", n->n_out);
    if ((have >= 0 && have != n->n_out) || declared != n->n_out)
        return fvi_node_error(n, err, FV_ERR_MODEL, "the number of parts is not the number of its outputs (%d)", n->n_out);
    int64_t total = x.d[axis];
    for (int k = 0; k < n->n_out; k++) {
        int64_t part = have == -1 ? FVI_DIM_UNKNOWN : have >= 0 ? sizes[k] : 0;
        if (have == -2) FVI_TRY(equal_part(n, total, k, &part, err));
        if (have >= 0 && (part < 0 || part > FVI_MAX_ELEMENTS))
            return fvi_node_error(n, err, FV_ERR_SHAPE, "a part of %lld does not work", (long long)part);
        sum += have >= 0 ? part : 0;
        x.d[axis] = part;
        FVI_TRY(fvi_shape_set(n, k, n->in[0]->dtype, &x, err));
    }
    if (have >= 0 && total >= 0 && sum != total)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "its parts add up to %lld, its input has %lld", (long long)sum, (long long)total);
    return FV_OK;
}

/* Elements that start:end:step takes of dim, numpy's rules. */
static int64_t slice_count(int64_t dim, int64_t start, int64_t end, int64_t step)
{
    bool up = step > 0;
    int64_t lo = up ? 0 : -1, hi = up ? dim : dim - 1;
    if (start < 0) start = start < -dim ? lo : start + dim;
    if (end < 0) end = end < -dim ? lo : end + dim;
    start = start < lo ? lo : start > hi ? hi : start;
    end = end < lo ? lo : end > hi ? hi : end;
    if (up) return end > start ? (end - start - 1) / step + 1 : 0;
    uint64_t back = (uint64_t)-(step + 1) + 1; /* -step, also for INT64_MIN */
    return start > end ? (int64_t)(((uint64_t)(start - end) - 1) / back) + 1 : 0;
}

fv_status fvi_shape_slice(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    int64_t start[FV_MAX_RANK], end[FV_MAX_RANK], axes[FV_MAX_RANK], step[FV_MAX_RANK];
    bool old = n->opset < 10;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    int n_start = fvi_shape_ints(n, "starts", old ? -1 : 1, start, FV_MAX_RANK);
    int n_end = fvi_shape_ints(n, "ends", old ? -1 : 2, end, FV_MAX_RANK);
    int n_axes = fvi_shape_ints(n, old ? "axes" : NULL, old ? -1 : 3, axes, FV_MAX_RANK);
    int n_step = fvi_shape_ints(n, NULL, old ? -1 : 4, step, FV_MAX_RANK);
    if (n_start == -2 || n_end == -2) return fvi_node_error(n, err, FV_ERR_MODEL, "has no starts or ends");
    int count = n_axes >= 0 ? n_axes : n_start >= 0 ? n_start : n_end;
    if (n_axes == -1 || count < 0) { /* which dimensions change is not known */
        for (int i = 0; i < x.rank; i++) x.d[i] = FVI_DIM_UNKNOWN;
        return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
    }
    if (count > x.rank || (n_start >= 0 && n_start != count) || (n_end >= 0 && n_end != count) || (n_step >= 0 && n_step != count))
        return fvi_node_error(n, err, FV_ERR_MODEL, "starts, ends, axes and steps differ in length");
    bool seen[FV_MAX_RANK] = {false};
    for (int i = 0; i < count; i++) {
        int axis;
        FVI_TRY(fvi_shape_axis(n, n_axes >= 0 ? axes[i] : i, x.rank, &axis, err));
        if (seen[axis]) return fvi_node_error(n, err, FV_ERR_MODEL, "axis %d is there twice", axis);
        seen[axis] = true;
        int64_t s = n_step >= 0 ? step[i] : 1;
        if (s == 0) return fvi_node_error(n, err, FV_ERR_MODEL, "a step of 0 does not work");
        bool known = n_start >= 0 && n_end >= 0 && n_step != -1 && x.d[axis] >= 0;
        x.d[axis] = known ? slice_count(x.d[axis], start[i], end[i], s) : FVI_DIM_UNKNOWN;
    }
    return fvi_shape_set(n, 0, n->in[0]->dtype, &x, err);
}

static fv_status check_index_type(const fvi_node *n, fv_error *err)
{
    fv_dtype t = n->in[1]->dtype;
    return t == FV_I64 || t == FV_I32
               ? FV_OK
               : fvi_node_error(n, err, FV_ERR_MODEL, "its indices are %s, not integers", fv_dtype_name(t));
}

fv_status fvi_shape_gather(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, i, s = {0};
    int axis;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(fvi_shape_in(n, 1, &i, err));
    FVI_TRY(check_index_type(n, err));
    FVI_TRY(fvi_shape_axis(n, fvi_node_int(n, "axis", 0), x.rank, &axis, err));
    if (x.rank + i.rank - 1 > FV_MAX_RANK) return fvi_node_error(n, err, FV_ERR_LIMIT, "its output would have too many dimensions");
    for (int k = 0; k < axis; k++) s.d[s.rank++] = x.d[k];
    for (int k = 0; k < i.rank; k++) s.d[s.rank++] = i.d[k];
    for (int k = axis + 1; k < x.rank; k++) s.d[s.rank++] = x.d[k];
    return fvi_shape_set(n, 0, n->in[0]->dtype, &s, err);
}

fv_status fvi_shape_gather_elements(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, i;
    int axis;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(fvi_shape_in(n, 1, &i, err));
    FVI_TRY(check_index_type(n, err));
    FVI_TRY(fvi_shape_axis(n, fvi_node_int(n, "axis", 0), x.rank, &axis, err));
    if (i.rank != x.rank) return fvi_node_error(n, err, FV_ERR_SHAPE, "data and indices have %d and %d dimensions", x.rank, i.rank);
    for (int k = 0; k < x.rank; k++)
        if (k != axis && x.d[k] >= 0 && i.d[k] > x.d[k])
            return fvi_node_error(n, err, FV_ERR_SHAPE, "its indices have %lld in dimension %d, its data %lld",
                                  (long long)i.d[k], k, (long long)x.d[k]);
    return fvi_shape_set(n, 0, n->in[0]->dtype, &i, err);
}

fv_status fvi_shape_topk(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    int axis;
    int64_t k = fvi_node_int(n, "k", -1);
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(fvi_shape_axis(n, fvi_node_int(n, "axis", -1), x.rank, &axis, err));
    if (n->opset >= 10) {
        if (n->n_in < 2 || !n->in[1]) return fvi_node_error(n, err, FV_ERR_MODEL, "has no k");
        int have = fvi_value_ints(n->in[1], &k, 1);
        if (n->in[1]->constant && have != 1) return fvi_node_error(n, err, FV_ERR_MODEL, "its k is not one integer");
        if (have != 1) k = FVI_DIM_UNKNOWN;
    } else if (k < 0) {
        return fvi_node_error(n, err, FV_ERR_MODEL, "attribute k is missing");
    }
    if (k < FVI_DIM_UNKNOWN || (k == FVI_DIM_UNKNOWN && n->in[1]->constant) || (x.d[axis] >= 0 && k > x.d[axis]))
        return fvi_node_error(n, err, FV_ERR_SHAPE, "k is %lld, the dimension has %lld", (long long)k, (long long)x.d[axis]);
    x.d[axis] = k;
    FVI_TRY(fvi_shape_set(n, 0, n->in[0]->dtype, &x, err));
    return fvi_shape_set(n, 1, FV_I64, &x, err);
}
