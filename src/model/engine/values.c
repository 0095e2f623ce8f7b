/* values.c: looking at what lies between the steps of a session that was made with `observe`. Called by compare, and by whoever measures
 * ranges. */
#include "base/alloc.h"
#include "model/engine/internal.h"
#include <string.h>

fv_status fvi_engine_list_values(fvi_body *b, fv_error *err)
{
    const fvi_graph *g = b->graph;
    b->values = fvi_calloc((size_t)g->n_values + 1, sizeof *b->values);
    if (!b->values) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i]->n_out; k++) {
            const fvi_value *v = g->nodes[i]->out[k];
            if (v && !v->constant && b->plan->tensor[v->id].dtype != FV_NONE) b->values[b->n_values++] = v;
        }
    return FV_OK;
}

static void set_port(fv_port *p, const fvi_value *v)
{
    *p = (fv_port){.name = v->name, .dtype = v->dtype, .rank = v->rank};
    memcpy(p->dim, v->dim, sizeof *p->dim * (size_t)v->rank);
}

/* The step of a node; null: it is a view. */
static const fvi_step *step_of(const fv_session *s, const fvi_node *n)
{
    for (int i = 0; i < s->body->plan->n_steps; i++)
        if (s->body->plan->steps[i].node == n) return &s->body->plan->steps[i];
    return NULL;
}

fv_status fv_session_value(const fv_session *s, int i, fv_value_info *info)
{
    if (!s || !info || i < 0) return FV_ERR_ARGUMENT;
    if (!s->body->values) return FV_ERR_STATE;
    if (i >= s->body->n_values) return FV_END;
    const fvi_value *v = s->body->values[i];
    const fvi_step *step = step_of(s, v->producer);
    *info = (fv_value_info){.node = v->producer->name ? v->producer->name : "", .op = fvi_op_get(v->producer->op)->name,
                            .tactic = step && step->tactic ? step->tactic : ""};
    set_port(&info->port, v);
    info->in_file = s->model->imported->n_nodes ? fvi_graph_find(s->model->imported, v->name) != NULL : v->name[0] != '~';
    return FV_OK;
}

const fvi_tensor *fvi_session_value_tensor(const fv_session *s, int i) { return &s->body->plan->tensor[s->body->values[i]->id]; }

fv_status fv_session_get_value(const fv_session *s, int i, fv_tensor *t, fv_error *err)
{
    fvi_tensor to;
    fv_port port;
    if (!s || !s->body->values) return fvi_error_set(err, FV_ERR_STATE, "the session was made without observe: values between steps are gone");
    if (i < 0 || i >= s->body->n_values) return fvi_error_set(err, FV_ERR_ARGUMENT, "there is no value %d", i);
    set_port(&port, s->body->values[i]);
    FVI_TRY(fvi_engine_dense_like(&port, port.dtype, t, &to, err));
    fvi_tensor_copy(&to, &s->body->plan->tensor[s->body->values[i]->id]);
    return FV_OK;
}
