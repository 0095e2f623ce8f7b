/* shape_select.c: shape rules of operators whose data tells how much comes out (select.h). Where the data is a constant the
 * count is known; otherwise they are refused: shapes are fixed before the first frame. */
#include "base/alloc.h"
#include "base/error.h"
#include "model/graph/select.h"
#include "model/graph/shape.h"

enum { MOST_BOXES = 1 << 15, MOST_SCORES = 1 << 22 }; /* of NonMaxSuppression while loading: its time grows with their square */

static fv_status from_data(const fvi_node *n, fv_error *err)
{
    return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "how much it finds depends on the data of each run, and shapes are fixed before; its inputs must be constants");
}

fv_status fvi_shape_nonzero(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    const fvi_value *x = n->in[0];
    int64_t count = fvi_value_count(x), found = 0;
    if (!x->constant || count < 0) return from_data(n, err);
    for (int64_t i = 0; i < count; i++) found += fvi_select_is_true(x->constant, x->dtype, i);
    fvi_dims y = {.rank = 2, .d = {x->rank, found}};
    return fvi_shape_set(n, 0, FV_I64, &y, err);
}

fv_status fvi_shape_compress(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    const fvi_value *which = n->in[1];
    fvi_dims x, y = {.rank = 1};
    int axis;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (!which->constant || which->rank != 1) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "a condition that is not constant is not supported: shapes are fixed before the first frame");
    int64_t found = 0, length = fvi_shape_product(&x, 0, x.rank);
    if (fvi_node_attr(n, "axis")) {
        FVI_TRY(fvi_shape_axis(n, fvi_node_int(n, "axis", 0), x.rank, &axis, err));
        length = x.d[axis];
    }
    for (int64_t i = 0; i < which->dim[0]; i++) found += fvi_select_is_true(which->constant, which->dtype, i);
    if (length >= 0 && which->dim[0] > length) return fvi_node_error(n, err, FV_ERR_SHAPE, "its condition is longer than its axis");
    if (fvi_node_attr(n, "axis")) {
        x.d[axis] = found;
        y = x;
    } else {
        y.d[0] = found;
    }
    return fvi_shape_set(n, 0, n->in[0]->dtype, &y, err);
}

fv_status fvi_shape_unique(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    const fvi_value *v = n->in[0];
    fvi_dims x, y = {.rank = 1}, list = {.rank = 1};
    int axis = 0;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (!v->constant || fvi_value_count(v) < 1) return from_data(n, err);
    bool by_axis = fvi_node_attr(n, "axis") != NULL;
    if (by_axis) FVI_TRY(fvi_shape_axis(n, fvi_node_int(n, "axis", 0), x.rank, &axis, err));
    int64_t rows = by_axis ? x.d[axis] : fvi_value_count(v);
    fvi_unique_task t = {.data = v->constant, .dtype = v->dtype, .outer = by_axis ? fvi_shape_product(&x, 0, axis) : 1, .rows = rows, .inner = by_axis ? fvi_shape_product(&x, axis + 1, x.rank) : 1, .sorted = true};
    int64_t *memory = fvi_calloc((size_t)rows * 3 + 1, sizeof *memory);
    int64_t found = memory ? fvi_select_unique(&t, memory, memory + rows, memory + 2 * rows) : -1;
    fvi_free(memory);
    if (found < 0) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    if (by_axis) {
        y = x;
        y.d[axis] = found;
    } else {
        y.d[0] = found;
    }
    FVI_TRY(fvi_shape_set(n, 0, v->dtype, &y, err));
    for (int k = 1; k < n->n_out; k++) {
        list.d[0] = k == 2 ? rows : found;
        FVI_TRY(fvi_shape_set(n, k, FV_I64, &list, err));
    }
    return FV_OK;
}

static bool read_float(const fvi_node *n, int k, float *out)
{
    return n->n_in <= k || !n->in[k] || fvi_value_scalar(n->in[k], out);
}

fv_status fvi_shape_nms(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims b, s;
    fvi_nms_task t = {0};
    FVI_TRY(fvi_shape_in(n, 0, &b, err));
    FVI_TRY(fvi_shape_in(n, 1, &s, err));
    if (b.rank != 3 || s.rank != 3 || (b.d[2] >= 0 && b.d[2] != 4) || n->in[0]->dtype != FV_F32 || n->in[1]->dtype != FV_F32)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "its boxes must be [batch, n, 4] and its scores [batch, classes, n], in float32");
    t.has_score = n->n_in > 4 && n->in[4];
    bool known = read_float(n, 3, &t.iou) && read_float(n, 4, &t.score) && (n->n_in < 3 || !n->in[2] || fvi_value_ints(n->in[2], &t.most, 1) == 1);
    if (!known || !n->in[0]->constant || !n->in[1]->constant)
        return fvi_node_error(n, err, FV_ERR_UNSUPPORTED,
                              "how many boxes it keeps depends on each picture, and shapes are fixed before the first frame. Export the model without it (Ultralytics: nms=False): fovea removes overlapping boxes itself");
    if (b.d[0] != s.d[0] || b.d[1] != s.d[2]) return fvi_node_error(n, err, FV_ERR_SHAPE, "its boxes and scores do not fit");
    if (b.d[1] > MOST_BOXES || (double)b.d[0] * (double)s.d[1] * (double)b.d[1] > MOST_SCORES) return fvi_node_error(n, err, FV_ERR_LIMIT, "its %lld boxes of %lld classes are too many", (long long)b.d[1], (long long)s.d[1]);
    t.boxes = n->in[0]->constant, t.scores = n->in[1]->constant;
    t.batches = b.d[0], t.classes = s.d[1], t.n = b.d[1];
    t.centered = fvi_node_int(n, "center_point_box", 0) != 0;
    fvi_dims y = {.rank = 2, .d = {fvi_select_nms(&t, NULL), 3}};
    return y.d[0] < 0 ? fvi_error_set(err, FV_ERR_MEMORY, "out of memory") : fvi_shape_set(n, 0, FV_I64, &y, err);
}
