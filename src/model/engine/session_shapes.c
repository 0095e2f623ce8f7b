/* session_shapes.c: a session that goes from one shape to another and back: the plans of the last shapes are kept. Public: fv_session_reshape. */
#include "base/alloc.h"
#include "base/budget.h"
#include "base/options.h"
#include "model/engine/internal.h"
#include <string.h>

void fvi_engine_put_aside(fv_session *s, fvi_shape *to)
{
    *to = (fvi_shape){s->body, s->port_graph, s->made, s->made_shapes, s->tuning, s->inputs, s->outputs, s->converted, s->step_ns, s->runs};
    s->body = NULL;
    s->port_graph = NULL;
    s->made_shapes = s->inputs = s->outputs = NULL;
    s->converted = NULL;
    s->step_ns = NULL;
    s->tuning = (fv_tuning_info){0};
    s->runs = 0;
}

static void take_back(fv_session *s, const fvi_shape *x)
{
    s->body = x->body;
    s->port_graph = x->port_graph;
    s->made = x->made;
    s->made_shapes = x->made_shapes;
    s->tuning = x->tuning;
    s->inputs = x->inputs;
    s->outputs = x->outputs;
    s->converted = x->converted;
    s->step_ns = x->step_ns;
    s->runs = x->runs;
}

void fvi_engine_drop_shape(fvi_shape *x)
{
    fvi_engine_body_drop(&x->body);
    fvi_graph_free(&x->port_graph);
    for (int i = 0; i < x->made.n_shapes && x->made_shapes; i++) fvi_free((void *)(uintptr_t)x->made_shapes[i].name);
    fvi_free(x->made_shapes);
    fvi_free(x->inputs);
    fvi_free(x->outputs);
    fvi_free(x->converted);
    fvi_free(x->step_ns);
}

/* ---- which shape is which ---- */

static const fv_port *shape_of(const fv_session_options *o, const char *name)
{
    for (int i = o->n_shapes - 1; i >= 0; i--) /* of two with one name the last counts */
        if (!strcmp(o->shapes[i].name, name)) return &o->shapes[i];
    return NULL;
}

static bool all_in(const fv_session_options *a, const fv_session_options *b)
{
    for (int i = 0; i < a->n_shapes; i++) {
        const fv_port *x = shape_of(a, a->shapes[i].name), *y = shape_of(b, a->shapes[i].name);
        if (!y || x->rank != y->rank) return false;
        for (int d = 0; d < x->rank; d++)
            if (x->dim[d] != y->dim[d]) return false;
    }
    return true;
}

static bool same_shapes(const fv_session_options *a, const fv_session_options *b) { return a->batch == b->batch && all_in(a, b) && all_in(b, a); }

/* ---- from one to another ---- */

/* What is kept of other weights is worth nothing. */
static void drop_stale(fv_session *s)
{
    int n = 0;
    for (int i = 0; i < s->n_kept; i++) {
        if (s->kept[i].body->model == s->body->model)
            s->kept[n++] = s->kept[i];
        else
            fvi_engine_drop_shape(&s->kept[i]);
    }
    s->n_kept = n;
}

/* At the front; the one that was not used for the longest time goes. */
static void keep(fv_session *s, const fvi_shape *x)
{
    if (s->n_kept == FVI_SHAPES_KEPT) fvi_engine_drop_shape(&s->kept[--s->n_kept]);
    memmove(s->kept + 1, s->kept, (size_t)s->n_kept * sizeof *s->kept);
    s->kept[0] = *x;
    s->n_kept++;
}

static bool go_back(fv_session *s, const fv_session_options *wanted)
{
    fvi_shape now;
    for (int i = 0; i < s->n_kept; i++) {
        if (!same_shapes(&s->kept[i].made, wanted)) continue;
        const fvi_shape found = s->kept[i];
        memmove(s->kept + i, s->kept + i + 1, (size_t)(--s->n_kept - i) * sizeof *s->kept);
        fvi_engine_put_aside(s, &now);
        take_back(s, &found);
        keep(s, &now);
        s->plan_ms = 0;
        return true;
    }
    return false;
}

static fv_status plan_anew(fv_session *s, const fv_session_options *wanted, fv_error *err)
{
    fvi_shape before, failed;
    fvi_budget budget;
    fv_model *m = s->body->model;
    fvi_engine_put_aside(s, &before);
    fvi_budget_begin(&budget, m->ctx->memory_limit);
    fv_status st = fvi_engine_set_made(s, wanted, err);
    if (st >= 0) st = fvi_engine_build(s, m, before.body->like ? before.body->like : before.body, err);
    st = fvi_budget_end(&budget, st, err);
    if (st < 0) {
        fvi_engine_put_aside(s, &failed);
        fvi_engine_drop_shape(&failed);
        take_back(s, &before);
        return st;
    }
    keep(s, &before);
    return FV_OK;
}

/* Under the lock. */
static fv_status reshape(fv_session *s, const fv_session_options *wanted, fv_error *err)
{
    fvi_body *offered = atomic_exchange(&s->offered, NULL), *before = s->body;
    if (offered) fvi_engine_use(s, offered), before = s->body;
    if (same_shapes(&s->made, wanted)) return FV_OK;
    drop_stale(s);
    if (!go_back(s, wanted)) FVI_TRY(plan_anew(s, wanted, err));
    if (s->body->lazy && before->lazy) fvi_lazy_follow(s->body->lazy, before->lazy);
    return FV_OK;
}

fv_status fv_session_reshape(fv_session *s, const fv_port *shapes, int n_shapes, int batch, fv_error *err)
{
    if (!s || n_shapes < 0 || (n_shapes && !shapes) || batch < 0 || batch > 4096) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_session_reshape: no session, no shapes, or a batch beyond 4096");
    for (int i = 0; i < n_shapes; i++)
        if (!shapes[i].name) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_session_reshape: shape %d has no name", i);
    if (fvi_session_holds(s)) return fvi_error_set(err, FV_ERR_STATE, "other weights wait for the next run of this session");
    fv_session_options wanted = s->made;
    wanted.shapes = shapes;
    wanted.n_shapes = n_shapes;
    wanted.batch = batch;
    pthread_mutex_lock(&s->refit);
    const fv_status st = reshape(s, &wanted, err);
    pthread_mutex_unlock(&s->refit);
    return st;
}
