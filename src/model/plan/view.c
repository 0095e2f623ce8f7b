/* view.c: nodes that only look at memory differently (Reshape, Transpose, Slice, Split, …) as views: forward (where does the
 * output lie, given the input) and backward (where must the input lie, given the output). Used by layout.c, place.c, steps.c. */
#include "base/checked.h"
#include "model/plan/internal.h"
#include <string.h>

bool fvi_plan_is_view_op(const fvi_node *n)
{
    switch (n->op) {
    case FVI_OP_RESHAPE:
    case FVI_OP_SQUEEZE:
    case FVI_OP_UNSQUEEZE:
    case FVI_OP_FLATTEN:
    case FVI_OP_IDENTITY:
    case FVI_OP_TRANSPOSE:
    case FVI_OP_SPLIT:
    case FVI_OP_SLICE: return true;
    default: return false;
    }
}

int fvi_plan_axis(const fvi_node *n, int64_t def, int rank)
{
    int64_t a = fvi_node_int(n, "axis", def);
    return (int)(a < 0 ? a + rank : a);
}

static bool transpose_perm(const fvi_node *n, int rank, int *perm)
{
    int64_t p[FV_MAX_RANK];
    int count = fvi_node_ints(n, "perm", p, FV_MAX_RANK);
    if (count != 0 && count != rank) return false;
    for (int i = 0; i < rank; i++) perm[i] = count ? (int)p[i] : rank - 1 - i;
    return true;
}

/* Where the inputs of Slice come from changed at opset 10; both give starts, ends, axes, steps. */
static bool slice_params(const fvi_node *n, int64_t *start, int64_t *axes, int64_t *steps, int *count)
{
    const fvi_value *const *in = (const fvi_value *const *)n->in;
    if (n->n_in >= 3) {
        int c = fvi_value_ints(in[1], start, FV_MAX_RANK);
        if (c < 0) return false;
        *count = c;
        for (int i = 0; i < c; i++) axes[i] = i, steps[i] = 1;
        if (n->n_in > 3 && in[3] && fvi_value_ints(in[3], axes, FV_MAX_RANK) != c) return false;
        if (n->n_in > 4 && in[4] && fvi_value_ints(in[4], steps, FV_MAX_RANK) != c) return false;
        return true;
    }
    int c = fvi_node_ints(n, "starts", start, FV_MAX_RANK);
    if (c <= 0 || c > FV_MAX_RANK) return false;
    *count = c;
    for (int i = 0; i < c; i++) axes[i] = i, steps[i] = 1;
    int given = fvi_node_ints(n, "axes", axes, FV_MAX_RANK);
    return given == 0 || given == c;
}

static bool slice_view(const fvi_node *n, const fvi_tensor *x, fvi_tensor *y)
{
    int64_t start[FV_MAX_RANK], axes[FV_MAX_RANK], steps[FV_MAX_RANK];
    int count;
    if (!slice_params(n, start, axes, steps, &count)) return false;
    *y = *x;
    for (int i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + x->rank : axes[i];
        if (axis < 0 || axis >= x->rank || steps[i] <= 0) return false; /* backwards: a copy */
        int64_t d = x->dim[axis];
        int64_t s = start[i] < 0 ? start[i] + d : start[i];
        s = s < 0 ? 0 : s > d ? d : s;
        fvi_tensor t = *y;
        fvi_tensor_slice(y, &t, (int)axis, s, n->out[0]->dim[axis], steps[i]);
    }
    return true;
}

/* Only channels were cut: the zeros around the picture are still there. */
bool fvi_plan_keeps_halo(const fvi_node *n)
{
    if (n->op == FVI_OP_IDENTITY) return true;
    if (n->in[0]->rank != 4) return false;
    if (n->op == FVI_OP_SPLIT) return fvi_plan_axis(n, 0, 4) == 1;
    if (n->op == FVI_OP_SLICE) return n->in[0]->dim[2] == n->out[0]->dim[2] && n->in[0]->dim[3] == n->out[0]->dim[3];
    return false;
}

bool fvi_plan_view(const fvi_node *n, int output, const fvi_tensor *x, fvi_tensor *y)
{
    const fvi_value *v = n->out[output];
    int perm[FV_MAX_RANK];
    bool ok = false;
    switch (n->op) {
    case FVI_OP_IDENTITY: *y = *x; return true;
    case FVI_OP_RESHAPE:
    case FVI_OP_SQUEEZE:
    case FVI_OP_UNSQUEEZE:
    case FVI_OP_FLATTEN: ok = fvi_tensor_reshape(y, x, v->rank, v->dim); break;
    case FVI_OP_TRANSPOSE:
        ok = transpose_perm(n, x->rank, perm);
        if (ok) fvi_tensor_transpose(y, x, perm);
        break;
    case FVI_OP_SPLIT: {
        int axis = fvi_plan_axis(n, 0, x->rank);
        int64_t at = 0;
        for (int i = 0; i < output; i++) at += n->out[i]->dim[axis];
        fvi_tensor_slice(y, x, axis, at, v->dim[axis], 1);
        ok = true;
        break;
    }
    case FVI_OP_SLICE: ok = slice_view(n, x, y); break;
    default: return false;
    }
    if (ok) y->halo = fvi_plan_keeps_halo(n) ? x->halo : 0;
    return ok;
}

bool fvi_plan_view_inverse(const fvi_node *n, const fvi_tensor *y, const fvi_value *x, fvi_tensor *tx)
{
    int perm[FV_MAX_RANK], back[FV_MAX_RANK];
    switch (n->op) {
    case FVI_OP_IDENTITY: *tx = *y; return true;
    case FVI_OP_RESHAPE:
    case FVI_OP_SQUEEZE:
    case FVI_OP_UNSQUEEZE:
    case FVI_OP_FLATTEN:
        if (!fvi_tensor_reshape(tx, y, x->rank, x->dim)) return false;
        break;
    case FVI_OP_TRANSPOSE:
        if (!transpose_perm(n, y->rank, perm)) return false;
        for (int i = 0; i < y->rank; i++) back[perm[i]] = i;
        fvi_tensor_transpose(tx, y, back);
        break;
    default: return false; /* a part cannot say where the whole lies */
    }
    tx->halo = 0;
    return true;
}

/* The coarsest shape of which both shapes are merges ([2,64,400] and [128,20,20] -> [2,64,20,20]): a copy between two
 * layouts that no Reshape view can connect runs over it, since splitting a dimension is always a view. Returns its rank,
 * 0 when there is none ([2,3] and [3,2]) or it exceeds FV_MAX_RANK. */
int fvi_plan_refine(const fvi_tensor *a, const fvi_tensor *b, int64_t *dim)
{
    int rank = 0, i = 0, j = 0;
    int64_t ra = 1, rb = 1; /* what is left of the current dimension of a and b */
    for (;;) {
        while (ra == 1 && i < a->rank) ra = a->dim[i++];
        while (rb == 1 && j < b->rank) rb = b->dim[j++];
        if (ra == 1 && rb == 1) break;
        /* outermost first: the larger remainder must be divisible by the smaller one */
        int64_t d = ra < rb ? ra : rb;
        if (d <= 0 || ra % d || rb % d || d == 1 || rank == FV_MAX_RANK) return 0;
        dim[rank++] = d;
        ra /= d;
        rb /= d;
    }
    if (rank == 0) dim[rank++] = 1;
    return rank;
}
