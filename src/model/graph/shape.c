/* shape.c: shape and type inference over a graph: walks the nodes, calls each operator's rule; and the tools that rules use. */
#include "model/graph/shape.h"
#include "base/checked.h"
#include "base/error.h"
#include <string.h>

fv_status fvi_shape_in(const fvi_node *n, int k, fvi_dims *s, fv_error *err)
{
    const fvi_value *v = n->in[k];
    if (v->rank < 0)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "the number of dimensions of its input \"%.100s\" is not known",
                              v->name);
    s->rank = v->rank;
    memcpy(s->d, v->dim, sizeof s->d);
    return FV_OK;
}

fv_status fvi_shape_set(fvi_node *n, int k, fv_dtype dtype, const fvi_dims *s, fv_error *err)
{
    fvi_value *v = n->out[k];
    int64_t count = 1;
    if (s->rank < 0 || s->rank > FV_MAX_RANK)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "its output would have %d dimensions, the limit is %d", s->rank, FV_MAX_RANK);
    if (dtype == FV_NONE) return fvi_node_error(n, err, FV_ERR_MODEL, "the type of its output cannot be told");
    for (int i = 0; i < s->rank; i++) {
        if (s->d[i] == FVI_DIM_UNKNOWN) continue;
        if (s->d[i] < 0)
            return fvi_node_error(n, err, FV_ERR_SHAPE, "dimension %d of its output would be %lld", i,
                                  (long long)s->d[i]);
        if (s->d[i] > 0 && (!fvi_mul_i64(count, s->d[i], &count) || count > FVI_MAX_ELEMENTS))
            return fvi_node_error(n, err, FV_ERR_LIMIT, "its output would have more than 2^40 elements");
    }
    if (v->constant) return FV_OK;
    v->dtype = dtype;
    v->rank = s->rank;
    for (int i = 0; i < FV_MAX_RANK; i++) {
        v->dim[i] = i < s->rank ? s->d[i] : 0;
        if (v->dim[i] != FVI_DIM_UNKNOWN) v->symbol[i] = NULL;
    }
    return FV_OK;
}

fv_status fvi_shape_axis(const fvi_node *n, int64_t axis, int rank, int *out, fv_error *err)
{
    int64_t a = axis < 0 ? axis + rank : axis;
    if (a < 0 || a >= rank)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "axis %lld is not there: the input has %d dimensions", (long long)axis, rank);
    *out = (int)a;
    return FV_OK;
}

fv_status fvi_shape_broadcast_dims(const fvi_node *n, fvi_dims *a, const fvi_dims *b, fv_error *err)
{
    fvi_dims r = {.rank = a->rank > b->rank ? a->rank : b->rank};
    for (int i = 1; i <= r.rank; i++) {
        int64_t x = i <= a->rank ? a->d[a->rank - i] : 1, y = i <= b->rank ? b->d[b->rank - i] : 1;
        int64_t *d = &r.d[r.rank - i];
        if (x == y || y == 1)
            *d = x;
        else if (x == 1)
            *d = y;
        else if (x == FVI_DIM_UNKNOWN)
            *d = y;
        else if (y == FVI_DIM_UNKNOWN)
            *d = x;
        else
            return fvi_node_error(n, err, FV_ERR_SHAPE, "its inputs do not fit: %lld against %lld in dimension %d",
                                  (long long)x, (long long)y, r.rank - i);
    }
    *a = r;
    return FV_OK;
}

fv_status fvi_shape_same_dtype(const fvi_node *n, int from, int to, fv_error *err)
{
    int first = -1;
    for (int k = from; k < to && k < n->n_in && n->makes == FV_NONE; k++) { /* else types were mixed on purpose */
        if (!n->in[k]) continue;
        if (first < 0) first = k;
        if (n->in[k]->dtype != n->in[first]->dtype)
            return fvi_node_error(n, err, FV_ERR_MODEL, "its inputs %d and %d have different types: %s and %s", first, k,
                                  fv_dtype_name(n->in[first]->dtype), fv_dtype_name(n->in[k]->dtype));
    }
    return FV_OK;
}

int fvi_shape_ints(const fvi_node *n, const char *attr, int k, int64_t *out, int max)
{
    if (k >= 0 && k < n->n_in && n->in[k]) return fvi_value_ints(n->in[k], out, max);
    if (!attr || !fvi_node_attr(n, attr)) return -2;
    int count = fvi_node_ints(n, attr, out, max);
    return count > max ? -1 : count;
}

int64_t fvi_shape_product(const fvi_dims *s, int from, int to)
{
    int64_t p = 1;
    for (int i = from; i < to; i++)
        if (s->d[i] < 0 || !fvi_mul_i64(p, s->d[i], &p)) return FVI_DIM_UNKNOWN;
    return p;
}

/* ---- the walk ---- */

static fv_status check_ports(const fvi_node *n, const fvi_op_info *op, fv_error *err)
{
    if (!op->shape) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "no such operator");
    if (n->n_in < op->min_in || n->n_in > op->max_in)
        return fvi_node_error(n, err, FV_ERR_MODEL, "has %d inputs, %d to %d are allowed", n->n_in, op->min_in, op->max_in);
    if (n->n_out < op->min_out || n->n_out > op->max_out)
        return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "has %d outputs, %d to %d are supported", n->n_out,
                              op->min_out, op->max_out);
    for (int k = 0; k < op->min_in; k++)
        if (!n->in[k]) return fvi_node_error(n, err, FV_ERR_MODEL, "its input %d is missing", k);
    for (int k = 0; k < n->n_out; k++)
        if (!n->out[k]) return fvi_node_error(n, err, FV_ERR_MODEL, "its output %d is missing", k);
    return FV_OK;
}

/* Feature maps without elements reach no kernel; empty integer lists (shape arithmetic, folded later) may exist. */
static fv_status check_empty(const fvi_node *n, fv_error *err)
{
    for (int k = 0; k < n->n_out; k++) {
        const fvi_value *v = n->out[k];
        if (v->constant || v->dtype != FV_F32 || fvi_value_count(v) != 0) continue;
        for (int i = 0; i < n->n_in; i++)
            if (n->in[i] && !n->in[i]->constant)
                return fvi_node_error(n, err, FV_ERR_SHAPE, "its output \"%.100s\" would be empty", v->name);
    }
    return FV_OK;
}

static fv_status check_fused(const fvi_node *n, fv_error *err)
{
    const fvi_value *r = n->residual, *o = n->out[0];
    if (!r) return FV_OK;
    bool same = (r->dtype == o->dtype || n->makes != FV_NONE) && r->rank == o->rank;
    for (int i = 0; same && i < o->rank; i++) same = r->dim[i] == o->dim[i];
    return same ? FV_OK
                : fvi_node_error(n, err, FV_ERR_SHAPE, "the shape of its residual \"%.100s\" is not that of its output",
                                 r->name);
}

fv_status fvi_graph_infer_node(fvi_graph *g, fvi_node *n, fv_error *err)
{
    const fvi_op_info *op = fvi_op_get(n->op);
    FVI_TRY(check_ports(n, op, err));
    FVI_TRY(op->shape(g, n, err));
    for (int k = 0; n->makes != FV_NONE && k < n->n_out; k++) n->out[k]->dtype = n->makes;
    FVI_TRY(check_empty(n, err));
    return check_fused(n, err);
}

fv_status fvi_graph_infer(fvi_graph *g, fv_error *err)
{
    for (int i = 0; i < g->n_nodes; i++) FVI_TRY(fvi_graph_infer_node(g, g->nodes[i], err));
    return FV_OK;
}
