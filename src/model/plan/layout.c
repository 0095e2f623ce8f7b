/* layout.c: for every value, the memory order it would have if it were alone, and how many zeros its readers want around
 * it. First step of planning; place.c then puts values into each other's buffers. */
#include "base/checked.h"
#include "model/plan/internal.h"
#include <string.h>

static const int nhwc_order[4] = {0, 2, 3, 1};

static void dense_order(int *order, int rank)
{
    for (int i = 0; i < rank; i++) order[i] = i;
}

/* Strides of a tensor of its own: dims in `order`, outermost first, `pitch` elements or more from one of the next-to-last to the
 * other. A halo widens H and W and needs NHWC order. What overflows is FVI_PLAN_TOO_LARGE bytes, so that placing memory fails. */
void fvi_plan_strides(fvi_tensor *t, const int *order, int halo, int pitch, size_t *bytes)
{
    const int64_t most = INT64_C(1) << 48; /* elements; far more than memory.c can have */
    int64_t step = 1, before = 0;
    bool fits = true;
    for (int i = t->rank - 1; i >= 0; i--) {
        int d = order[i];
        int64_t extent = t->dim[d];
        t->stride[d] = step;
        if (halo && (d == 2 || d == 3)) {
            before += halo * step;
            extent += 2 * halo;
        }
        if (!fvi_mul_i64(step, extent > 0 ? extent : 1, &step) || step > most) {
            fits = false;
            step = 1;
        }
        if (i == t->rank - 1 && step < pitch) step = pitch;
    }
    t->halo = halo;
    t->data = FVI_PLAN_BASE + before * (int64_t)fv_dtype_size(t->dtype);
    *bytes = fits ? (size_t)step * fv_dtype_size(t->dtype) : FVI_PLAN_TOO_LARGE;
}

/* Order of dims by descending stride; equal strides keep their logical order. */
static void order_of_strides(const fvi_tensor *t, int *order)
{
    dense_order(order, t->rank);
    for (int i = 1; i < t->rank; i++)
        for (int j = i; j > 0 && t->stride[order[j]] > t->stride[order[j - 1]]; j--) {
            int o = order[j];
            order[j] = order[j - 1];
            order[j - 1] = o;
        }
}

/* Does a reader of v, or of the channels that a Split or Slice takes from it, need NHWC? */
static bool wants_nhwc(const fvi_plan_builder *b, const fvi_value *v, bool through)
{
    if (v->rank != 4) return false;
    for (int i = 0; i < b->g->n_nodes; i++) {
        const fvi_node *n = b->g->nodes[i];
        for (int k = 0; k < n->n_in; k++) {
            if (n->in[k] != v) continue;
            if (b->backend->input_layout(n, k) == FVI_LAYOUT_NHWC) return true;
            bool part = through && k == 0 && (n->op == FVI_OP_SPLIT || n->op == FVI_OP_SLICE) && n->n_out <= 4 && fvi_plan_keeps_halo(n);
            for (int o = 0; part && o < n->n_out; o++)
                if (wants_nhwc(b, n->out[o], false)) return true;
        }
    }
    return false;
}

static const fvi_value *largest_input(const fvi_node *n)
{
    const fvi_value *best = NULL;
    for (int i = 0; i < n->n_in; i++) {
        const fvi_value *v = n->in[i];
        if (v && !v->constant && v->rank == n->out[0]->rank && (!best || fvi_value_count(v) > fvi_value_count(best))) best = v;
    }
    return best;
}

static void view_order(const fvi_plan_builder *b, const fvi_node *n, int output, int *order)
{
    const fvi_value *x = n->in[0], *y = n->out[output];
    fvi_tensor tx = fvi_tensor_over(NULL, x->dtype, x->rank, x->dim), ty;
    size_t bytes;
    if (!x->constant) fvi_plan_strides(&tx, b->value[x->id].order, 0, 0, &bytes);
    if (n->op == FVI_OP_SPLIT || n->op == FVI_OP_SLICE || n->op == FVI_OP_IDENTITY)
        memcpy(order, b->value[x->id].order, sizeof(int) * FV_MAX_RANK);
    else if (fvi_plan_view(n, output, &tx, &ty))
        order_of_strides(&ty, order);
    else if (wants_nhwc(b, y, true))
        memcpy(order, nhwc_order, sizeof nhwc_order);
}

static void output_order(const fvi_plan_builder *b, const fvi_node *n, int output, int *order)
{
    const fvi_value *y = n->out[output];
    dense_order(order, y->rank);
    if (fvi_plan_is_view_op(n)) {
        view_order(b, n, output, order);
        return;
    }
    fvi_layout want = n->op == FVI_OP_CONCAT ? FVI_LAYOUT_ANY : b->backend->output_layout(n, output);
    if (want == FVI_LAYOUT_NHWC && y->rank == 4) {
        memcpy(order, nhwc_order, sizeof nhwc_order);
    } else if (want == FVI_LAYOUT_ANY) {
        const fvi_value *x = largest_input(n);
        if (x) memcpy(order, b->value[x->id].order, sizeof(int) * FV_MAX_RANK);
    }
}

static bool raise(int *v, int to)
{
    if (*v >= to) return false;
    *v = to;
    return true;
}

/* Convolutions ask for zeros around what they read; a channel slice passes the wish on to the whole, and values that will
 * share a concat's buffer pass it on to the concat. */
static void choose_halos(fvi_plan_builder *b)
{
    const fvi_graph *g = b->g;
    for (int i = 0; i < g->n_nodes; i++) {
        const fvi_node *n = g->nodes[i];
        for (int k = 0; k < n->n_in; k++)
            if (n->in[k] && n->in[k]->rank == 4) raise(&b->value[n->in[k]->id].halo, b->backend->input_halo(n, k));
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (int i = g->n_nodes - 1; i >= 0; i--) {
            const fvi_node *n = g->nodes[i];
            if (fvi_plan_is_view_op(n) && fvi_plan_keeps_halo(n))
                for (int k = 0; k < n->n_out; k++) changed |= raise(&b->value[n->in[0]->id].halo, b->value[n->out[k]->id].halo);
            if (n->op == FVI_OP_CONCAT && n->out[0]->rank == 4 && fvi_plan_axis(n, 1, 4) == 1)
                for (int k = 0; k < n->n_in; k++) changed |= raise(&b->value[n->out[0]->id].halo, b->value[n->in[k]->id].halo);
        }
    }
}

/* Dimension `channel` of the input in the output of a Transpose; -1 = unknown. */
static int moved_to(const fvi_node *n, int channel)
{
    int64_t perm[FV_MAX_RANK];
    const int rank = n->out[0]->rank, count = fvi_node_ints(n, "perm", perm, FV_MAX_RANK);
    if (count == 0) return rank - 1 - channel;
    for (int i = 0; i < rank && count == rank; i++)
        if (perm[i] == channel) return i;
    return -1;
}

static bool cuts_only(const fvi_node *n, int dim)
{
    const fvi_value *x = n->in[0], *y = n->out[0];
    for (int i = 0; i < x->rank; i++)
        if ((x->dim[i] != y->dim[i]) != (i == dim)) return false;
    return true;
}

/* Do all readers of v walk it by strides as well as if it were dense? Convolutions of one pixel do, views that cut channels (whose
 * parts are not dense anyway) or split them and leave pixels alone; a graph output is copied out by strides. */
static bool takes_pitch(const fvi_plan_builder *b, const fvi_value *v, int channel, int depth)
{
    for (int i = 0; i < b->g->n_nodes; i++) {
        const fvi_node *n = b->g->nodes[i];
        for (int k = 0; k < n->n_in; k++) {
            if (n->in[k] != v) continue;
            const fvi_value *y = n->out[0];
            const bool first = k == 0 && v->rank == 4 && channel == 1;
            if (n->op == FVI_OP_CONV && first && n->n_in > 1 && n->in[1] && n->in[1]->rank == 4 && n->in[1]->dim[2] * n->in[1]->dim[3] == 1) continue;
            if (n->op == FVI_OP_RESHAPE && first && y->rank == 5 && y->dim[3] == v->dim[2] && y->dim[4] == v->dim[3]) continue;
            if ((n->op == FVI_OP_SPLIT || n->op == FVI_OP_SLICE) && k == 0 && cuts_only(n, channel)) continue;
            if (n->op == FVI_OP_TRANSPOSE && depth < 2 && takes_pitch(b, y, moved_to(n, channel), depth + 1)) continue;
            return false;
        }
    }
    return true;
}

enum { PITCH = 16 }; /* floats: a cache line */

/* Elements to leave free so that the widest part of v along its channels is aligned. */
static int lead_of(const fvi_value *v, int depth)
{
    const fvi_node *n = v->producer;
    if (!n || depth > 2 || !n->n_in || n->in[0]->constant) return 0;
    if (n->op == FVI_OP_RESHAPE) return n->in[0]->rank > 1 && n->in[0]->dim[1] == v->dim[1] ? lead_of(n->in[0], depth + 1) : 0;
    if (n->op != FVI_OP_CONCAT) return 0;
    if (fvi_plan_axis(n, 1, n->out[0]->rank) != 1) return lead_of(n->in[0], depth + 1);
    int64_t at = 0, widest = 0, best = 0;
    for (int i = 0; i < n->n_in; at += n->in[i++]->dim[1])
        if (n->in[i]->dim[1] > widest) widest = n->in[i]->dim[1], best = at;
    return (int)((PITCH - best % PITCH) % PITCH);
}

/* Pixels of 84 or 255 channels would begin anywhere in a cache line, and every second vector would be stored into two: a
 * third of the time of a small convolution. */
static void choose_pitch(fvi_plan_builder *b, const fvi_value *v)
{
    enum { LEAST = 32 };
    fvi_plan_value *pv = &b->value[v->id];
    const fvi_node *n = v->producer;
    if (v->dtype != FV_F32 || v->rank < 3 || v->rank > 4 || pv->order[v->rank - 1] != 1 || v->constant || !n) return;
    if (n->op != FVI_OP_CONCAT && n->op != FVI_OP_CONV && n->op != FVI_OP_CONV_ADD) return;
    if (v->dim[1] < LEAST || v->dim[1] > INT32_MAX - PITCH || v->dim[1] % PITCH == 0 || !takes_pitch(b, v, 1, 0)) return;
    pv->pitch = (int)(v->dim[1] + PITCH - 1) / PITCH * PITCH;
    pv->lead = lead_of(v, 0);
}

fv_status fvi_plan_choose_layouts(fvi_plan_builder *b, fv_error *err)
{
    const fvi_graph *g = b->g;
    for (int i = 0; i < g->n_values; i++) {
        const fvi_value *v = g->values[i];
        if (v->rank < 0 || v->rank > FV_MAX_RANK || fvi_value_count(v) < 0)
            return fvi_error_set(err, FV_ERR_SHAPE, "the shape of '%s' is not known; give the input shapes", v->name);
        b->value[i].buffer = -1;
        dense_order(b->value[i].order, v->rank);
        if (v->is_input && !v->constant && (wants_nhwc(b, v, false) || (v->rank == 4 && v->dim[1] <= 4 && v->dtype == FV_F32)))
            memcpy(b->value[i].order, nhwc_order, sizeof nhwc_order);
    }
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i]->n_out; k++)
            if (g->nodes[i]->out[k]) output_order(b, g->nodes[i], k, b->value[g->nodes[i]->out[k]->id].order);
    choose_halos(b);
    /* a halo lives in NHWC maps only; elsewhere the reader gets a copy that has one */
    for (int i = 0; i < g->n_values; i++)
        if (b->value[i].halo && memcmp(b->value[i].order, nhwc_order, sizeof nhwc_order)) b->value[i].halo = 0;
    for (int i = 0; i < g->n_values; i++) choose_pitch(b, g->values[i]);
    return FV_OK;
}
