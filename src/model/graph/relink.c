/* relink.c: after a rewrite: producers, uses, ids and topological order anew; dead nodes and values dropped. Stable: what
 * was in order stays in order. Called between passes and after import. */
#include "base/error.h"
#include "model/graph/graph.h"
#include "model/graph/limits.h"

enum { DEAD = -1, LIVE = -2, OPEN = -3, DONE = -4 };

typedef struct frame {
    fvi_node *n;
    int edge; /* next input to look at; n_in = residual */
} frame;

static fv_status set_producers(fvi_graph *g, fv_error *err)
{
    for (int i = 0; i < g->n_values; i++) {
        g->values[i]->producer = NULL;
        g->values[i]->uses = 0;
        g->values[i]->id = DEAD;
    }
    for (int i = 0; i < g->n_nodes; i++) {
        fvi_node *n = g->nodes[i];
        n->id = DEAD;
        for (int k = 0; k < n->n_out; k++) {
            fvi_value *v = n->out[k];
            if (v->constant) continue; /* folded: the node is only live for its other outputs */
            if (v->is_input) return fvi_node_error(n, err, FV_ERR_MODEL, "writes the graph input \"%.100s\"", v->name);
            if (v->producer) return fvi_node_error(n, err, FV_ERR_MODEL, "writes \"%.100s\", which another node writes", v->name);
            v->producer = n;
        }
    }
    return FV_OK;
}

static fvi_node *edge_producer(const fvi_node *n, int edge)
{
    const fvi_value *v = edge < n->n_in ? n->in[edge] : n->residual;
    return v ? v->producer : NULL;
}

static void mark_live(fvi_graph *g, fvi_node **stack)
{
    int top = 0;
    for (int i = 0; i < g->n_outputs; i++) {
        fvi_node *p = g->outputs[i]->producer;
        if (p && p->id == DEAD) {
            p->id = LIVE;
            stack[top++] = p;
        }
    }
    while (top > 0) {
        const fvi_node *n = stack[--top];
        for (int e = 0; e <= n->n_in; e++) {
            fvi_node *p = edge_producer(n, e);
            if (p && p->id == DEAD) {
                p->id = LIVE;
                stack[top++] = p;
            }
        }
    }
}

/* Depth-first from each live node in the old order: emits producers first. */
static fv_status sort_nodes(fvi_graph *g, frame *stack, fvi_node **order, int *count, fv_error *err)
{
    int n_order = 0;
    for (int i = 0; i < g->n_nodes; i++) {
        if (g->nodes[i]->id != LIVE) continue;
        int top = 0;
        g->nodes[i]->id = OPEN;
        stack[top++] = (frame){g->nodes[i], 0};
        while (top > 0) {
            frame *f = &stack[top - 1];
            if (f->edge > f->n->n_in) {
                f->n->id = DONE;
                order[n_order++] = f->n;
                top--;
                continue;
            }
            fvi_node *p = edge_producer(f->n, f->edge++);
            if (!p || p->id == DONE) continue;
            if (p->id == OPEN) return fvi_node_error(p, err, FV_ERR_MODEL, "the graph has a cycle through this node");
            p->id = OPEN;
            stack[top++] = (frame){p, 0};
        }
    }
    *count = n_order;
    return FV_OK;
}

static void keep(fvi_value *v, int uses)
{
    if (!v) return;
    v->uses += uses;
    v->id = LIVE;
}

static void sweep_values(fvi_graph *g)
{
    for (int i = 0; i < g->n_inputs; i++) keep(g->inputs[i], 0);
    for (int i = 0; i < g->n_outputs; i++) keep(g->outputs[i], 1);
    for (int i = 0; i < g->n_nodes; i++) {
        fvi_node *n = g->nodes[i];
        n->id = i;
        for (int k = 0; k < n->n_in; k++) keep(n->in[k], 1);
        for (int k = 0; k < n->n_out; k++) keep(n->out[k], 0);
        keep(n->residual, 1);
    }
    int kept = 0;
    for (int i = 0; i < g->n_values; i++) {
        fvi_value *v = g->values[i];
        if (v->id == DEAD) continue;
        v->id = kept;
        g->values[kept++] = v;
    }
    g->n_values = kept;
}

fv_status fvi_graph_relink(fvi_graph *g, fv_error *err)
{
    fvi_graph_resolve_all(g);
    FVI_TRY(set_producers(g, err));
    fv_status st = FV_OK;
    size_t n = (size_t)g->n_nodes + 1;
    fvi_node **order = fvi_calloc(n, sizeof *order);
    frame *stack = fvi_calloc(n, sizeof *stack);
    if (!order || !stack) {
        st = fvi_error_set(err, FV_ERR_MEMORY, "out of memory for sorting %d nodes", g->n_nodes);
        goto out;
    }
    mark_live(g, order);
    int count = 0;
    FVI_TRY_GOTO(sort_nodes(g, stack, order, &count, err), out);
    for (int i = 0; i < count; i++) g->nodes[i] = order[i];
    g->n_nodes = count;
    sweep_values(g);
out:
    fvi_free(order);
    fvi_free(stack);
    return st;
}
