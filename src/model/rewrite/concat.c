/* concat.c: a Concat that puts all parts of a value side by side again reads that value itself; a Concat of a Concat
 * along the same axis becomes one. */
#include "model/rewrite/internal.h"

#define MAX_JOINED 1000000 /* inputs that one run may copy: nested Concats could square them */

/* v = src[start:end] along axis. */
typedef struct part {
    fvi_value *src;
    int axis;
    int64_t start, end;
} part;

/* Slices of one axis, step 1, both ends known. */
static bool slice_part(const fvi_node *p, const fvi_value *v, part *r)
{
    int64_t start, axis, step = 1;
    if (p->opset < 10 || p->n_in < 4 || !p->in[3]) return false;
    if (fvi_value_ints(p->in[1], &start, 1) != 1 || fvi_value_ints(p->in[3], &axis, 1) != 1) return false;
    if (p->n_in > 4 && p->in[4] && fvi_value_ints(p->in[4], &step, 1) != 1) return false;
    r->src = p->in[0];
    r->axis = (int)(axis < 0 ? axis + r->src->rank : axis);
    int64_t dim = r->src->dim[r->axis];
    if (step != 1 || dim < 0 || start < -dim || start > dim) return false;
    r->start = start < 0 ? start + dim : start;
    r->end = r->start + v->dim[r->axis];
    return true;
}

/* The outputs of one Split from input k on, all and in order. */
static int whole_split(const fvi_node *n, int k, int axis)
{
    const fvi_node *p = n->in[k]->producer;
    int64_t a = fvi_node_int(p, "axis", 0);
    if (n->in[k] != p->out[0] || p->n_out > n->n_in - k || (a < 0 ? a + n->out[0]->rank : a) != axis) return 0;
    for (int j = 1; j < p->n_out; j++)
        if (n->in[k + j] != p->out[j]) return 0;
    return p->n_out;
}

static bool slice_at(const fvi_node *n, int k, int axis, part *r)
{
    const fvi_node *p = k < n->n_in ? n->in[k]->producer : NULL;
    return p && p->op == FVI_OP_SLICE && slice_part(p, n->in[k], r) && r->axis == axis;
}

/* How many inputs from k on are, together and in order, one whole value; 0 = none. */
static int whole_run(const fvi_node *n, int k, int axis, fvi_value **src)
{
    const fvi_node *producer = n->in[k]->producer;
    part p, first;
    if (producer && producer->op == FVI_OP_SPLIT) {
        *src = producer->in[0];
        return whole_split(n, k, axis);
    }
    if (!slice_at(n, k, axis, &first) || first.start != 0) return 0;
    int count = 1;
    int64_t at = first.end;
    for (; at < first.src->dim[axis]; at = p.end, count++)
        if (!slice_at(n, k + count, axis, &p) || p.src != first.src || p.start != at || p.end <= at) return 0;
    *src = first.src;
    return at == first.src->dim[axis] ? count : 0;
}

static void join_parts(fvi_node *n, int axis, bool *changed)
{
    int out = 0;
    for (int k = 0; k < n->n_in;) {
        fvi_value *src;
        int run = whole_run(n, k, axis, &src);
        n->in[out++] = run ? src : n->in[k];
        *changed = *changed || run;
        k += run ? run : 1;
    }
    n->n_in = out;
}

static const fvi_node *inner_concat(const fvi_value *v, int axis)
{
    const fvi_node *p = fvi_rewrite_sole_producer(v);
    if (!p || p->op != FVI_OP_CONCAT) return NULL;
    int64_t a = fvi_node_int(p, "axis", 0);
    return (a < 0 ? a + v->rank : a) == axis ? p : NULL;
}

static fv_status flatten(fvi_graph *g, fvi_node *n, int axis, int64_t *budget, bool *changed, fv_error *err)
{
    int64_t total = 0;
    bool nested = false;
    for (int k = 0; k < n->n_in; k++) {
        const fvi_node *p = inner_concat(n->in[k], axis);
        total += p ? p->n_in : 1;
        nested = nested || p;
    }
    if (!nested || total > fvi_op_get(FVI_OP_CONCAT)->max_in || total > *budget) return FV_OK;
    *budget -= total;
    fvi_value **in = fvi_arena_array(g->arena, (size_t)total, sizeof *in);
    if (!in) return fvi_rewrite_memory(err);
    int count = 0;
    for (int k = 0; k < n->n_in; k++) {
        const fvi_node *p = inner_concat(n->in[k], axis);
        for (int j = 0; p && j < p->n_in; j++) in[count++] = p->in[j];
        if (!p) in[count++] = n->in[k];
    }
    n->in = in;
    n->n_in = count;
    *changed = true;
    return FV_OK;
}

fv_status fvi_rewrite_concat(fvi_graph *g, bool *changed, fv_error *err)
{
    int64_t budget = MAX_JOINED;
    for (int i = 0; i < g->n_nodes; i++) {
        fvi_node *n = g->nodes[i];
        fvi_node_resolve(n);
        if (n->op != FVI_OP_CONCAT || n->out[0]->rank < 1) continue;
        int64_t a = fvi_node_int(n, "axis", 0);
        int axis = (int)(a < 0 ? a + n->out[0]->rank : a);
        FVI_TRY(flatten(g, n, axis, &budget, changed, err));
        join_parts(n, axis, changed);
        if (n->n_in == 1) fvi_graph_alias(n->out[0], n->in[0]);
    }
    return FV_OK;
}
