/* op_select.c: NonZero, Compress, Unique, NonMaxSuppression over constants (model/graph/select.h); Compress over any data
 * with a constant condition. */
#include "backend/cpu/dense.h"
#include "model/graph/select.h"
#include <string.h>

static void run_nonzero(const fvi_dense *d)
{
    const fvi_tensor *x = &d->in[0], *y = &d->out[0];
    int64_t count = fvi_tensor_count(x), columns = y->dim[1], found = 0, *to = (int64_t *)(void *)y->data;
    for (int64_t i = 0; i < count && found < columns; i++) {
        if (!fvi_select_is_true(x->data, x->dtype, i)) continue;
        for (int64_t k = x->rank - 1, rest = i; k >= 0; k--) {
            to[k * columns + found] = rest % x->dim[k];
            rest /= x->dim[k];
        }
        found++;
    }
}

static fv_status prepare_nonzero(fvi_step *s, fv_error *err)
{
    if (!s->in_const[0]) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "data that is not constant");
    return fvi_cpu_prepare_dense(s, run_nonzero, "non zero", 0, NULL, err);
}

/* ---- Compress ---- */
typedef struct axis_state {
    int axis;
    bool by_axis;
} axis_state;

static void run_compress(const fvi_dense *d)
{
    const axis_state *t = d->own;
    const fvi_tensor *x = &d->in[0], *which = &d->in[1];
    int64_t outer = t->by_axis ? fvi_dims_product(x, 0, t->axis) : 1, length = t->by_axis ? x->dim[t->axis] : fvi_tensor_count(x);
    int64_t row = (t->by_axis ? fvi_dims_product(x, t->axis + 1, x->rank) : 1) * (int64_t)fv_dtype_size(x->dtype);
    char *to = d->out[0].data;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < length && i < which->dim[0]; i++)
            if (which->data[i]) {
                memcpy(to, x->data + (o * length + i) * row, (size_t)row);
                to += row;
            }
}

static fv_status read_axis(const fvi_step *s, axis_state *t, fv_error *err)
{
    int64_t axis = fvi_node_int(s->node, "axis", 0);
    t->by_axis = fvi_node_attr(s->node, "axis") != NULL;
    if (t->by_axis && !fvi_cpu_axis(&axis, s->in[0].rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis is out of range");
    t->axis = (int)axis;
    return FV_OK;
}

static fv_status prepare_compress(fvi_step *s, fv_error *err)
{
    axis_state *t;
    FVI_TRY(fvi_cpu_need_type(s->in[1].dtype, FVI_TYPE_BIT(FV_BOOL), err));
    if (!s->in_const[1]) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "a condition that is not constant");
    FVI_TRY(fvi_cpu_prepare_dense(s, run_compress, "compress", sizeof *t, &t, err));
    return read_axis(s, t, err);
}

/* ---- Unique ---- */
typedef struct unique_state {
    axis_state at;
    int64_t rows;
    int64_t *lists; /* first, counts, inverse */
} unique_state;

static void run_unique(const fvi_dense *d)
{
    const unique_state *t = d->own;
    const fvi_tensor *x = &d->in[0];
    int64_t n = t->rows, *first = t->lists, *counts = first + n, *inverse = counts + n;
    fvi_unique_task task = {.data = x->data, .dtype = x->dtype, .outer = t->at.by_axis ? fvi_dims_product(x, 0, t->at.axis) : 1, .rows = n, .inner = t->at.by_axis ? fvi_dims_product(x, t->at.axis + 1, x->rank) : 1,
                            .sorted = fvi_node_int(d->s->node, "sorted", 1) != 0};
    int64_t found = fvi_select_unique(&task, first, counts, inverse), row = task.inner * (int64_t)fv_dtype_size(x->dtype);
    if (found != (t->at.by_axis ? d->out[0].dim[t->at.axis] : d->out[0].dim[0])) return; /* no memory: outputs stay */
    for (int64_t o = 0; o < task.outer; o++)
        for (int64_t i = 0; i < found; i++) memcpy(d->out[0].data + (o * found + i) * row, x->data + (o * n + first[i]) * row, (size_t)row);
    const int64_t *lists[] = {NULL, first, inverse, counts};
    for (int k = 1; k < d->s->n_out; k++) memcpy(d->out[k].data, lists[k], (size_t)(k == 2 ? n : found) * sizeof(int64_t));
}

static fv_status prepare_unique(fvi_step *s, fv_error *err)
{
    unique_state *t;
    axis_state at;
    if (!s->in_const[0]) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "data that is not constant");
    FVI_TRY(read_axis(s, &at, err));
    int64_t rows = at.by_axis ? s->in[0].dim[at.axis] : fvi_tensor_count(&s->in[0]);
    FVI_TRY(fvi_cpu_prepare_dense(s, run_unique, "unique", sizeof *t + 3 * (size_t)rows * sizeof(int64_t), &t, err));
    t->at = at;
    t->rows = rows;
    t->lists = (int64_t *)(void *)(t + 1);
    return FV_OK;
}

/* ---- NonMaxSuppression ---- */
static void run_nms(const fvi_dense *d)
{
    const fvi_tensor *b = &d->in[0], *s = &d->in[1];
    fvi_nms_task t = {.boxes = fvi_in_f32(d, 0), .scores = fvi_in_f32(d, 1), .batches = b->dim[0], .classes = s->dim[1], .n = b->dim[1], .has_score = fvi_in(d, 4) != NULL,
                      .centered = fvi_node_int(d->s->node, "center_point_box", 0) != 0};
    t.most = fvi_in(d, 2) ? fvi_integer_at(&d->in[2], 0) : 0;
    t.iou = fvi_in(d, 3) ? *fvi_in_f32(d, 3) : 0;
    t.score = t.has_score ? *fvi_in_f32(d, 4) : 0;
    fvi_select_nms(&t, (int64_t *)(void *)d->out[0].data);
}

static fv_status prepare_nms(fvi_step *s, fv_error *err)
{
    for (int i = 0; i < s->n_in; i++)
        if (fvi_cpu_has_input(s, i) && !s->in_const[i]) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "boxes that are not constant");
    return fvi_cpu_prepare_dense(s, run_nms, "remove overlaps", 0, NULL, err);
}

#define OP(id, prepare) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_DENSE, false, NULL, NULL, prepare}
const fvi_cpu_op fvi_cpu_select_ops[] = {
    OP(NON_ZERO, prepare_nonzero),
    OP(COMPRESS, prepare_compress),
    OP(UNIQUE, prepare_unique),
    OP(NON_MAX_SUPPRESSION, prepare_nms),
    {FVI_OP_NONE},
};
