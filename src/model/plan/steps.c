/* steps.c: values that have no place yet get one, in execution order, and every node that moves or computes something
 * becomes a step. Copies are added where a reader needs another layout or a halo, and where no view can express a node. */
#include "base/checked.h"
#include "model/plan/internal.h"
#include <string.h>

static const int nhwc_order[4] = {0, 2, 3, 1};
static const int dense_orders[FV_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};

static fv_status no_memory(fv_error *err) { return fvi_error_set(err, FV_ERR_MEMORY, "out of memory while planning"); }

static fvi_plan_draft *new_draft(fvi_plan_builder *b, const fvi_node *n, const char *name, int n_in, int n_out)
{
    if (!fvi_grow((void **)&b->drafts, b->n_drafts, &b->cap_drafts, sizeof *b->drafts)) return NULL;
    fvi_arena *a = b->plan->arena;
    fvi_plan_draft d = {.node = n, .name = name, .n_in = n_in, .n_out = n_out, .residual_buffer = -1};
    d.in = fvi_arena_array(a, (size_t)n_in + 1, sizeof *d.in);
    d.out = fvi_arena_array(a, (size_t)n_out + 1, sizeof *d.out);
    d.in_buffer = fvi_arena_array(a, (size_t)n_in + 1, sizeof(int));
    d.out_buffer = fvi_arena_array(a, (size_t)n_out + 1, sizeof(int));
    if (!d.in || !d.out || !d.in_buffer || !d.out_buffer || !name) return NULL;
    b->drafts[b->n_drafts] = d;
    return &b->drafts[b->n_drafts++];
}

static fv_status add_copy(fvi_plan_builder *b, const char *what, const fvi_tensor *from, int from_buffer, const fvi_tensor *to, int to_buffer)
{
    fvi_plan_draft *d = new_draft(b, NULL, fvi_arena_printf(b->plan->arena, "copy of %s", what), 1, 1);
    if (!d) return FV_ERR_MEMORY;
    d->in[0] = *from;
    d->out[0] = *to;
    d->in_buffer[0] = from_buffer;
    d->out_buffer[0] = to_buffer;
    b->plan->copies++;
    return FV_OK;
}

/* A view node whose view cannot be expressed over where its input lies: the output gets its own buffer, and the copy runs
 * over the common refinement of both shapes, or into the input's shape when there is none. */
static fv_status copy_reshaped(fvi_plan_builder *b, const fvi_node *n, int k, fv_error *err)
{
    const fvi_value *x = n->in[0], *y = n->out[k];
    const fvi_tensor *tx = &b->plan->tensor[x->id];
    fvi_plan_value *py = &b->value[y->id];
    fvi_tensor *ty = &b->plan->tensor[y->id], from, to;
    int64_t dim[FV_MAX_RANK];
    fv_status st = fvi_plan_own_buffer(b, y);
    if (st < 0) return no_memory(err);
    py->placed = true;
    int rank = fvi_plan_refine(tx, ty, dim);
    if (rank && fvi_tensor_reshape(&from, tx, rank, dim) && fvi_tensor_reshape(&to, ty, rank, dim))
        return add_copy(b, x->name, &from, b->value[x->id].buffer, &to, py->buffer) < 0 ? no_memory(err) : FV_OK;
    /* rows in logical order, then any shape is a view */
    fvi_tensor flat, as_x;
    int flat_buffer;
    if (fvi_plan_new_buffer(b, y, dense_orders, 0, &flat, &flat_buffer) < 0) return no_memory(err);
    if (!fvi_tensor_reshape(&as_x, &flat, x->rank, x->dim))
        return fvi_error_set(err, FV_ERR_INTERNAL, "node '%s': a dense tensor could not be reshaped", n->name);
    if (add_copy(b, x->name, tx, b->value[x->id].buffer, &as_x, flat_buffer) < 0 || add_copy(b, x->name, &flat, flat_buffer, ty, py->buffer) < 0)
        return no_memory(err);
    return FV_OK;
}

static fv_status place_view(fvi_plan_builder *b, const fvi_node *n, int k, fv_error *err)
{
    const fvi_value *y = n->out[k];
    fvi_plan_value *py = &b->value[y->id];
    if (py->placed) return FV_OK;
    if (fvi_plan_view(n, k, &b->plan->tensor[n->in[0]->id], &b->plan->tensor[y->id])) {
        py->placed = true;
        py->buffer = b->value[n->in[0]->id].buffer;
        return FV_OK;
    }
    return copy_reshaped(b, n, k, err);
}

/* Views of the reader's wish: an NHWC layout, stored zeros. Falls back to a copy, made once for all readers of a kind. */
typedef struct fitted {
    int halo, buffer;
    bool valid, dense;
    fvi_tensor t;
} fitted;

static fv_status fit_input(fvi_plan_builder *b, fitted *cache, const fvi_value *v, fvi_layout want, int halo, fvi_tensor *t, int *buffer, fv_error *err)
{
    *t = b->plan->tensor[v->id];
    *buffer = b->value[v->id].buffer;
    bool dense = want == FVI_LAYOUT_DENSE;
    if ((!dense && (want != FVI_LAYOUT_NHWC || v->rank != 4 || (fvi_tensor_is_nhwc(t) && t->halo >= halo))) || (dense && fvi_tensor_is_dense(t))) return FV_OK;
    fitted *f = &cache[v->id];
    if (!f->valid || f->halo < halo || f->dense != dense) {
        if (fvi_plan_new_buffer(b, v, dense ? dense_orders : nhwc_order, halo, &f->t, &f->buffer) < 0) return no_memory(err);
        if (add_copy(b, v->name, t, *buffer, &f->t, f->buffer) < 0) return no_memory(err);
        f->valid = true;
        f->dense = dense;
        f->halo = halo;
    }
    *t = f->t;
    *buffer = f->buffer;
    return FV_OK;
}

/* An element-wise node may overwrite an input that nobody else reads. */
static bool overwrite_input(fvi_plan_builder *b, const fvi_node *n, int k)
{
    const fvi_value *v = n->out[k], *x = n->n_in ? n->in[0] : NULL;
    if (b->observe || k || !x || x->constant || x->is_output || x->uses != 1 || !b->value[x->id].own || !b->backend->in_place(n, 0)) return false;
    fvi_plan_value *pv = &b->value[v->id], *px = &b->value[x->id];
    const fvi_tensor *tx = &b->plan->tensor[x->id];
    if (x->dtype != v->dtype || x->rank != v->rank || memcmp(x->dim, v->dim, sizeof(int64_t) * (size_t)v->rank) || pv->halo > tx->halo || v->quant.zero != x->quant.zero) return false;
    b->plan->tensor[v->id] = *tx;
    pv->buffer = px->buffer;
    pv->placed = pv->own = true;
    return true;
}

static fv_status place_output(fvi_plan_builder *b, const fvi_node *n, int k, fv_error *err)
{
    const fvi_value *v = n->out[k];
    fvi_plan_value *pv = &b->value[v->id];
    if (pv->placed || overwrite_input(b, n, k)) return FV_OK;
    if (fvi_plan_own_buffer(b, v) < 0) return no_memory(err);
    pv->placed = pv->own = true;
    return FV_OK;
}

static fv_status draft_node(fvi_plan_builder *b, fitted *cache, const fvi_node *n, fv_error *err)
{
    const char *why = b->backend->unsupported(n);
    if (why)
        return fvi_error_set(err, FV_ERR_UNSUPPORTED, "node '%s' (%s): the %s backend cannot run it: %s", n->name, fvi_op_get(n->op)->name, b->backend->name, why);
    fvi_tensor in[16], residual = {0};
    int in_buffer[16], residual_buffer = -1;
    fvi_tensor *tin = in;
    int *bin = in_buffer;
    if (n->n_in > 16) {
        tin = fvi_arena_array(b->plan->arena, (size_t)n->n_in, sizeof *tin);
        bin = fvi_arena_array(b->plan->arena, (size_t)n->n_in, sizeof *bin);
        if (!tin || !bin) return no_memory(err);
    }
    for (int i = 0; i < n->n_in; i++) {
        memset(&tin[i], 0, sizeof tin[i]);
        bin[i] = -1;
        if (n->in[i]) FVI_TRY(fit_input(b, cache, n->in[i], n->in[i]->constant ? FVI_LAYOUT_ANY : b->backend->input_layout(n, i), b->backend->input_halo(n, i), &tin[i], &bin[i], err));
    }
    if (n->residual) FVI_TRY(fit_input(b, cache, n->residual, b->backend->output_layout(n, 0), 0, &residual, &residual_buffer, err));
    for (int k = 0; k < n->n_out; k++)
        if (n->out[k]) FVI_TRY(place_output(b, n, k, err));
    fvi_plan_draft *d = new_draft(b, n, n->name ? n->name : "", n->n_in, n->n_out);
    if (!d) return no_memory(err);
    memcpy(d->in, tin, sizeof *tin * (size_t)n->n_in);
    memcpy(d->in_buffer, bin, sizeof *bin * (size_t)n->n_in);
    d->residual = residual;
    d->residual_buffer = residual_buffer;
    for (int k = 0; k < n->n_out; k++) {
        d->out_buffer[k] = -1;
        if (!n->out[k]) continue;
        d->out[k] = b->plan->tensor[n->out[k]->id];
        d->out_buffer[k] = b->value[n->out[k]->id].buffer;
    }
    return FV_OK;
}

static bool same_place(const fvi_tensor *a, int a_buffer, const fvi_tensor *b, int b_buffer)
{
    if (a_buffer != b_buffer || a->data != b->data) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] > 1 && a->stride[i] != b->stride[i]) return false;
    return true;
}

/* Inputs that were not written into their slot by their producer are copied there. */
static fv_status draft_concat(fvi_plan_builder *b, const fvi_node *n, fv_error *err)
{
    const fvi_value *y = n->out[0];
    const fvi_tensor *ty = &b->plan->tensor[y->id];
    const int axis = fvi_plan_axis(n, 1, y->rank);
    int64_t at = 0;
    for (int i = 0; i < n->n_in; i++) {
        const fvi_value *x = n->in[i];
        fvi_tensor slot;
        fvi_tensor_slice(&slot, ty, axis, at, x->dim[axis], 1);
        slot.halo = 0;
        at += x->dim[axis];
        if (same_place(&b->plan->tensor[x->id], b->value[x->id].buffer, &slot, b->value[y->id].buffer) || fvi_tensor_count(&slot) == 0) continue;
        if (add_copy(b, x->name, &b->plan->tensor[x->id], b->value[x->id].buffer, &slot, b->value[y->id].buffer) < 0) return no_memory(err);
    }
    return FV_OK;
}

static bool is_backwards_slice(const fvi_plan_builder *b, const fvi_node *n)
{
    fvi_tensor t;
    return n->op == FVI_OP_SLICE && !fvi_plan_view(n, 0, &b->plan->tensor[n->in[0]->id], &t);
}

fv_status fvi_plan_draft_steps(fvi_plan_builder *b, fv_error *err)
{
    const fvi_graph *g = b->g;
    fitted *cache = fvi_calloc((size_t)g->n_values + 1, sizeof *cache);
    if (!cache) return no_memory(err);
    fv_status st = FV_OK;
    for (int i = 0; i < g->n_values; i++) {
        const fvi_value *v = g->values[i];
        fvi_plan_value *pv = &b->value[i];
        if (v->constant) {
            b->plan->tensor[i] = fvi_tensor_over(v->absent ? NULL : v->constant, v->dtype, v->rank, v->dim); /* read only; in_const says so */
            pv->placed = true;
        } else if (v->is_input) {
            if (fvi_plan_own_buffer(b, v) < 0) st = no_memory(err);
            else b->buffers[pv->buffer].always = true;
            pv->placed = true;
        }
    }
    for (int i = 0; i < g->n_nodes && st >= 0; i++) {
        const fvi_node *n = g->nodes[i];
        if (n->op == FVI_OP_CONCAT)
            st = draft_concat(b, n, err);
        else if (fvi_plan_is_view_op(n) && !is_backwards_slice(b, n))
            for (int k = 0; k < n->n_out && st >= 0; k++) st = n->out[k] ? place_view(b, n, k, err) : FV_OK;
        else
            st = draft_node(b, cache, n, err);
    }
    fvi_free(cache);
    return st;
}
