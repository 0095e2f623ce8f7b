/* place.c: which values live inside which buffers. A concat is a wide buffer whose slots its inputs are written into by
 * their producers; outer concats are placed first, so that nested ones become slots of slots. A value can live in one place
 * only: a second concat that wants it gets a copy (steps.c). */
#include "base/checked.h"
#include "model/plan/internal.h"
#include <string.h>

static fv_status new_buffer(fvi_plan_builder *b, const fvi_value *v, const fvi_plan_value *as, fvi_tensor *t, int *buffer)
{
    if (!fvi_grow((void **)&b->buffers, b->n_buffers, &b->cap_buffers, sizeof *b->buffers)) return FV_ERR_MEMORY;
    *t = fvi_tensor_over(NULL, v->dtype, v->rank, v->dim);
    fvi_plan_buffer *buf = &b->buffers[b->n_buffers];
    memset(buf, 0, sizeof *buf);
    fvi_plan_strides(t, as->order, as->halo, as->pitch, &buf->bytes);
    const size_t lead = (size_t)as->lead * fv_dtype_size(v->dtype);
    t->data += lead;
    if (buf->bytes < FVI_PLAN_TOO_LARGE) buf->bytes += lead;
    buf->first = INT32_MAX;
    buf->last = -1;
    buf->map = *t;
    buf->halo_value = (uint8_t)v->quant.zero;
    *buffer = (int)b->n_buffers++;
    return FV_OK;
}

fv_status fvi_plan_new_buffer(fvi_plan_builder *b, const fvi_value *v, const int *order, int halo, fvi_tensor *t, int *buffer)
{
    fvi_plan_value as = {.halo = halo};
    memcpy(as.order, order, sizeof *order * (size_t)v->rank);
    return new_buffer(b, v, &as, t, buffer);
}

fv_status fvi_plan_own_buffer(fvi_plan_builder *b, const fvi_value *v)
{
    fvi_plan_value *pv = &b->value[v->id];
    return new_buffer(b, v, pv, &b->plan->tensor[v->id], &pv->buffer);
}

/* Tries to make v live exactly at `t` in `buffer`: v itself, or, through views, the value it is a view of. */
static bool place_into(fvi_plan_builder *b, const fvi_value *v, const fvi_tensor *t, int buffer)
{
    fvi_plan_value *pv = &b->value[v->id];
    const fvi_node *n = v->producer;
    if (v->constant || v->is_input || !n || pv->placed || v->dtype != t->dtype) return false;
    if (fvi_plan_is_view_op(n)) {
        fvi_tensor tx;
        if (!fvi_plan_view_inverse(n, t, n->in[0], &tx)) return false;
        return place_into(b, n->in[0], &tx, buffer);
    }
    if (pv->halo > t->halo) return false;
    if (n->op != FVI_OP_CONCAT) {
        for (int i = 0; i < n->n_out; i++)
            if (n->out[i] == v && b->backend->output_layout(n, i) == FVI_LAYOUT_NHWC && !fvi_tensor_is_nhwc(t)) return false;
    }
    pv->placed = true;
    pv->buffer = buffer;
    b->plan->tensor[v->id] = *t;
    return true;
}

static fv_status place_concat(fvi_plan_builder *b, const fvi_node *n)
{
    const fvi_value *y = n->out[0];
    fvi_plan_value *py = &b->value[y->id];
    fvi_tensor *ty = &b->plan->tensor[y->id];
    if (!py->placed) {
        fv_status st = fvi_plan_own_buffer(b, y);
        if (st < 0) return st;
        py->placed = true;
    }
    const int axis = fvi_plan_axis(n, 1, y->rank);
    int64_t at = 0;
    for (int i = 0; i < n->n_in; i++) {
        fvi_tensor slot;
        fvi_tensor_slice(&slot, ty, axis, at, n->in[i]->dim[axis], 1);
        slot.halo = y->rank == 4 && axis == 1 ? ty->halo : 0;
        place_into(b, n->in[i], &slot, py->buffer);
        at += n->in[i]->dim[axis];
    }
    return FV_OK;
}

fv_status fvi_plan_place_concats(fvi_plan_builder *b, fv_error *err)
{
    for (int i = b->g->n_nodes - 1; i >= 0; i--)
        if (b->g->nodes[i]->op == FVI_OP_CONCAT && place_concat(b, b->g->nodes[i]) < 0)
            return fvi_error_set(err, FV_ERR_MEMORY, "out of memory while planning");
    return FV_OK;
}
