/* lazy.c: finds the lazy form of a detector in its graph (lazy.h) and orders the nodes for it.
 *
 * Walking back from the outputs, each node learns what waits for it: the scores (it always runs), the boxes of certain levels, or
 * only what comes after (any level). A level's boxes are input i of a Concat along anchors that has the levels' sizes. */
#include "model/engine/lazy.h"
#include "base/error.h"
#include <string.h>

#define ALWAYS 0x80000000u /* while searching; 0 when done */

static int64_t axis_of(const fvi_node *n)
{
    int64_t a = fvi_node_int(n, "axis", 0);
    return a < 0 ? a + n->out[0]->rank : a;
}

static bool joins(const fvi_node *n, int axis) { return n && n->op == FVI_OP_CONCAT && n->out[0]->rank == 3 && axis_of(n) == axis; }

/* Does v hold probabilities straight from convolutions that end in a sigmoid? */
static bool sigmoid_inside(const fvi_value *v)
{
    if (!joins(v->producer, 2)) return false;
    for (int i = 0; i < v->producer->n_in; i++) {
        const fvi_node *p = v->producer->in[i]->producer;
        if (p && p->op == FVI_OP_RESHAPE) p = p->in[0]->producer;
        if (!p || p->op != FVI_OP_CONV || p->act != FVI_ACT_SIGMOID || p->residual) return false;
    }
    return true;
}

/* Output o = boxes (4), scores, and what a task puts behind them? */
static bool find_scores(fvi_lazy *l, const fvi_graph *g, int o)
{
    const fvi_node *n = g->outputs[o]->producer;
    int64_t at = 0;
    if (!joins(n, 1)) return false;
    for (int i = 0; i < n->n_in; at += n->in[i++]->dim[1]) {
        const fvi_value *v = n->in[i];
        if (at != 4) continue;
        if (v->producer && v->producer->op == FVI_OP_SIGMOID)
            l->scores = v->producer->in[0], l->logits = true;
        else if (sigmoid_inside(v))
            l->scores = v;
        if (!l->scores || l->scores->constant || l->scores->dtype != FV_F32 || v->uses != 1) return false;
        l->output = o, l->first = 4, l->classes = (int)v->dim[1], l->anchors = v->dim[2];
        return true;
    }
    return false;
}

static bool find_levels(fvi_lazy *l)
{
    const fvi_node *n = l->scores->producer;
    if (!joins(n, 2) || n->n_in < 2 || n->n_in > FVI_LAZY_LEVELS) return false;
    l->levels = n->n_in;
    int64_t at = 0;
    for (int i = 0; i < n->n_in; i++) l->end[i] = at += n->in[i]->dim[2];
    return at == l->anchors;
}

static bool joins_levels(const fvi_lazy *l, const fvi_node *n)
{
    if (!joins(n, 2) || n->n_in != l->levels || n->out[0] == l->scores) return false;
    for (int i = 0; i < l->levels; i++)
        if (n->in[i]->dim[2] != l->end[i] - (i ? l->end[i - 1] : 0)) return false;
    return true;
}

static uint32_t all_levels(const fvi_lazy *l) { return (1u << l->levels) - 1; }

static void waits(const fvi_lazy *l, const fvi_value *v, uint32_t who)
{
    if (v && v->producer) l->need[v->producer->id] |= who;
}

static void find_needs(const fvi_lazy *l, const fvi_graph *g)
{
    for (int i = 0; i < g->n_outputs; i++) waits(l, g->outputs[i], all_levels(l));
    waits(l, l->scores, ALWAYS);
    for (int i = g->n_nodes - 1; i >= 0; i--) {
        const fvi_node *n = g->nodes[i];
        uint32_t who = l->need[n->id];
        bool split = joins_levels(l, n) && !(who & ALWAYS);
        for (int k = 0; k < n->n_in; k++) waits(l, n->in[k], split ? 1u << k : who);
        waits(l, n->residual, who);
    }
}

/* What lies behind the levels must treat each anchor by itself: those of levels left out hold anything. */
static bool keeps_anchors_apart(const fvi_lazy *l, const fvi_node *n)
{
    switch (n->op) {
    case FVI_OP_RESHAPE: case FVI_OP_TRANSPOSE: case FVI_OP_SLICE: case FVI_OP_SPLIT: case FVI_OP_CONCAT: case FVI_OP_UNSQUEEZE: case FVI_OP_SQUEEZE:
    case FVI_OP_SIGMOID: case FVI_OP_EXP: case FVI_OP_SIN: case FVI_OP_COS: case FVI_OP_POW:
    case FVI_OP_ADD: case FVI_OP_SUB: case FVI_OP_MUL: case FVI_OP_DIV: return true;
    case FVI_OP_SOFTMAX: {
        const fvi_value *x = n->in[0];
        int64_t a = fvi_node_int(n, "axis", n->opset < 13 ? 1 : -1);
        if (a < 0) a += x->rank;
        return (n->opset >= 13 || a == x->rank - 1) && x->dim[a] != l->anchors; /* older ones take all dimensions from axis on */
    }
    case FVI_OP_SOFTMAX_MEAN: return n->in[0]->dim[1] != l->anchors;
    case FVI_OP_CONV: { /* the mean of DFL's softmax */
        const fvi_value *w = n->in[1];
        return w->rank == 4 && w->dim[2] == 1 && w->dim[3] == 1;
    }
    default: return false;
    }
}

static bool tail_is_safe(const fvi_lazy *l, const fvi_graph *g, bool *behind)
{
    for (int i = 0; i < g->n_nodes; i++) {
        const fvi_node *n = g->nodes[i];
        bool joined = joins_levels(l, n) && !(l->need[n->id] & ALWAYS);
        for (int k = 0; k < n->n_in && !joined; k++) {
            const fvi_value *v = n->in[k];
            if (v && v->producer && behind[v->producer->id]) behind[n->id] = true;
        }
        if (behind[n->id] && ((l->need[n->id] & ALWAYS) || !keeps_anchors_apart(l, n))) return false;
        if (joined) behind[n->id] = true;
    }
    return true;
}

/* Stable: always first. Whoever always runs waits for nobody who may not. */
static void reorder(const fvi_lazy *l, fvi_graph *g, fvi_node **order, uint32_t *need)
{
    int n = 0;
    for (int late = 0; late < 2; late++)
        for (int i = 0; i < g->n_nodes; i++)
            if ((l->need[g->nodes[i]->id] & ALWAYS ? 0 : 1) == late) order[n++] = g->nodes[i];
    for (int i = 0; i < n; i++) {
        uint32_t who = l->need[order[i]->id];
        need[i] = who & ALWAYS ? 0 : who;
    }
    for (int i = 0; i < n; i++) {
        g->nodes[i] = order[i];
        order[i]->id = i;
    }
}

static bool anything_waits(const fvi_lazy *l, const fvi_graph *g)
{
    uint32_t single = 0;
    for (int i = 0; i < g->n_nodes; i++) {
        uint32_t who = l->need[g->nodes[i]->id];
        if (who && !(who & (who - 1)) && !(who & ALWAYS)) single |= who;
    }
    return single == all_levels(l);
}

fv_status fvi_lazy_find(fvi_lazy **out, fvi_graph *g, fv_error *err)
{
    *out = NULL;
    FVI_TRY(fvi_lazy_split(g, err));
    size_t n = (size_t)g->n_nodes + 1;
    fvi_lazy *l = fvi_calloc(1, sizeof *l);
    fvi_node **order = fvi_calloc(n, sizeof *order);
    uint32_t *need = fvi_calloc(n, sizeof *need);
    bool *behind = fvi_calloc(n, sizeof *behind), found = false;
    if (l) l->need = fvi_calloc(n, sizeof *l->need);
    bool memory = l && l->need && order && need && behind;
    for (int o = 0; memory && !found && o < g->n_outputs; o++) {
        *l = (fvi_lazy){.need = l->need};
        found = find_scores(l, g, o) && find_levels(l);
    }
    if (found) {
        find_needs(l, g);
        found = anything_waits(l, g) && tail_is_safe(l, g, behind);
    }
    if (found) {
        reorder(l, g, order, need);
        memcpy(l->need, need, n * sizeof *need);
        l->full = true;
        memory = fvi_lazy_regions_find(l, g, err) >= 0;
    }
    if (found && memory) {
        *out = l;
    } else {
        fvi_lazy_free(&l);
    }
    fvi_free(order);
    fvi_free(need);
    fvi_free(behind);
    return memory ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
}

void fvi_lazy_free(fvi_lazy **lp)
{
    if (!lp || !*lp) return;
    fvi_free((*lp)->need);
    fvi_free((*lp)->steps);
    fvi_free((*lp)->keep);
    fvi_free((*lp)->hit);
    fvi_free((*lp)->rings);
    fvi_free((*lp)->bands);
    fvi_free((*lp)->regions);
    FVI_FREE(*lp);
}
