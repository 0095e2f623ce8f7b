/* refit.c: other weights for the same graph: an ONNX model takes the tactics of an engine, a session exchanges what it computes with
 * between two runs. Rewrites do not depend on what weights say (rewrite.h), so running them again on the new model is the recipe of every
 * constant, batch normalisation and merged layers included; that the result has the same form is checked, not assumed. */
#include "base/alloc.h"
#include "base/budget.h"
#include "model/engine/file.h"
#include "model/engine/internal.h"
#include "model/graph/store.h"
#include <stdlib.h>
#include <string.h>

static fv_status form_of(const fvi_graph *g, uint64_t *form, fv_error *err)
{
    return fvi_graph_form(g, form) ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
}

/* ---- which weights are not as the model knows them ---- */

/* Initialisers of m's graph, [n], owned when *made; names borrowed. Null: out of memory. */
static const fvi_source *sources_of(const fv_model *m, int *n, fvi_source **made)
{
    const fvi_graph *g = m->imported;
    *made = NULL;
    *n = 0;
    if (m->engine && !m->refitted) {
        *n = m->engine->n_sources;
        return m->engine->sources;
    }
    bool *weight = fvi_calloc((size_t)g->n_values + 1, sizeof *weight);
    *made = weight ? fvi_calloc((size_t)g->n_values + 1, sizeof **made) : NULL;
    if (*made) fvi_graph_weights(g, weight);
    for (int i = 0; *made && i < g->n_values; i++) {
        const fvi_value *v = g->values[i];
        if (!weight[i]) continue;
        fvi_source *s = &(*made)[(*n)++];
        *s = (fvi_source){.name = v->name, .dtype = v->dtype, .rank = v->rank};
        memcpy(s->dim, v->dim, sizeof s->dim);
    }
    fvi_free(weight);
    return *made;
}

static bool same_shape(const fvi_source *s, const fvi_value *v)
{
    bool same = s->dtype == v->dtype && s->rank == v->rank;
    for (int d = 0; same && d < s->rank; d++) same = s->dim[d] == v->dim[d];
    return same;
}

static int compare_sources(const fvi_source *source, int n_sources, const fvi_graph *g, fvi_str *lacking, fvi_str *other)
{
    int n = 0, shown = 0;
    for (int i = 0; i < n_sources; i++) {
        const fvi_source *s = &source[i];
        const fvi_value *v = fvi_graph_find(g, s->name);
        if (v && v->constant && same_shape(s, v)) continue;
        n++;
        if (shown++ < 8) fvi_str_printf(v && v->constant ? other : lacking, " '%.60s'", s->name);
    }
    return n;
}

/* An error: g is not of the graph that m is of. */
static fv_status differs(const fv_model *m, const fvi_graph *g, fv_error *err)
{
    fvi_str lacking = {0}, other = {0};
    fvi_source *made;
    int n_sources;
    const fvi_source *source = sources_of(m, &n_sources, &made);
    const char *what = m->engine ? "that the engine was built from" : "of the model that runs", *again = m->engine ? ", or build a new engine" : "";
    if (!source) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    const int n = compare_sources(source, n_sources, g, &lacking, &other);
    fv_status st;
    if (n)
        st = fvi_error_set(err, FV_ERR_MODEL, "it is not a model of the graph %s: %d of its %d weights differ;%s%.400s%s%s%.400s; give an export of the same model%s", what, n, n_sources,
                           lacking.len ? " missing:" : "", lacking.s ? lacking.s : "", lacking.len && other.len ? ";" : "", other.len ? " of another shape or type:" : "",
                           other.s ? other.s : "", again);
    else
        st = fvi_error_set(err, FV_ERR_MODEL, "it is not a model of the graph %s: its weights have the same names and shapes, but operators, attributes or shapes differ; "
                                              "give an export of the same model%s", what, again);
    fvi_str_free(&lacking);
    fvi_str_free(&other);
    fvi_free(made);
    return st;
}

/* Of the graph as it was imported; an engine file says it. */
static fv_status model_form(const fv_model *m, uint64_t *form, fv_error *err)
{
    if (!m->engine || m->refitted) return form_of(m->imported, form, err);
    *form = strtoull(fvi_file_info(m->engine, "graph"), NULL, 16);
    return FV_OK;
}

static fv_status same_model(const fv_model *m, const fv_model *w, fv_error *err)
{
    uint64_t a, b;
    FVI_TRY(model_form(m, &a, err));
    FVI_TRY(model_form(w, &b, err));
    return a == b ? FV_OK : differs(m, w->imported, err);
}

fv_status fv_engine_refit(fv_model *w, const fv_model *engine, fv_error *err)
{
    if (!w || !engine || !engine->engine || w->engine) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_engine_refit: wants an ONNX model that is not an engine, and an engine");
    fvi_file *f = engine->engine;
    FVI_TRY(same_model(engine, w, err));
    if (w->final && f->n_graphs > 1 && engine->final) {
        uint64_t mine, its;
        FVI_TRY(form_of(w->final, &mine, err));
        FVI_TRY(form_of(engine->final, &its, err));
        if (mine != its)
            return fvi_error_set(err, FV_ERR_MODEL, "the weights lead to another rewritten graph than the engine's (scales of quantised layers decide, or another precision): build a new engine");
    }
    atomic_fetch_add(&f->refs, 1);
    w->engine = f;
    w->refitted = true;
    return FV_OK;
}

/* ---- a session that runs ---- */

fv_status fvi_engine_same_form(const fvi_graph *a, const fvi_graph *b, fv_error *err)
{
    uint64_t x, y;
    FVI_TRY(form_of(a, &x, err));
    FVI_TRY(form_of(b, &y, err));
    return x == y ? FV_OK : fvi_error_set(err, FV_ERR_MODEL, "the session cannot take these weights over: they are of another graph, precision or shape");
}

static bool same_place(const fvi_plan *a, const fvi_plan *b, fvi_value *const *va, fvi_value *const *vb, int n)
{
    for (int i = 0; i < n; i++) {
        const fvi_tensor *x = &a->tensor[va[i]->id], *y = &b->tensor[vb[i]->id];
        bool same = x->data == y->data && x->rank == y->rank && x->dtype == y->dtype;
        for (int d = 0; same && d < x->rank; d++) same = x->dim[d] == y->dim[d] && x->stride[d] == y->stride[d];
        if (!same) return false;
    }
    return true;
}

/* Both lie in the same memory, and are read and written at the same places. */
static bool interchangeable(const fvi_body *a, const fvi_body *b)
{
    return a->plan->n_steps == b->plan->n_steps && a->graph->n_inputs == b->graph->n_inputs && a->graph->n_outputs == b->graph->n_outputs && !a->lazy == !b->lazy &&
           same_place(a->plan, b->plan, a->graph->inputs, b->graph->inputs, a->graph->n_inputs) &&
           same_place(a->plan, b->plan, a->graph->outputs, b->graph->outputs, a->graph->n_outputs);
}

/* A body of m that can take over, under the lock. like: another session's, whose packed weights it reads. */
static fv_status prepare(fvi_body **now, fv_session *s, fv_model *m, fvi_body *like, fv_error *err)
{
    fvi_budget budget;
    FVI_TRY(same_model(s->model, m, err));
    fvi_engine_body_drop(&s->spent);
    fvi_budget_begin(&budget, m->ctx->memory_limit);
    FVI_TRY(fvi_budget_end(&budget, fvi_engine_body(now, s, m, like, s->body, err), err));
    if (interchangeable(s->body, *now)) return FV_OK;
    fvi_engine_body_drop(now);
    return fvi_error_set(err, FV_ERR_MODEL, "the session cannot take these weights over: their plan is another one");
}

static fv_status offer(fv_session *s, fv_model *m, fv_error *err)
{
    fvi_body *now = NULL, *old = atomic_exchange(&s->offered, NULL); /* one that no run took over */
    fvi_engine_body_drop(&old);
    FVI_TRY(prepare(&now, s, m, NULL, err));
    atomic_store(&s->offered, now);
    return FV_OK;
}

fv_status fv_session_refit(fv_session *s, fv_model *m, fv_error *err)
{
    if (!s || !m) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_session_refit: no session, or no model");
    if (s->made.observe) return fvi_error_set(err, FV_ERR_STATE, "a session made with observe keeps its weights");
    pthread_mutex_lock(&s->refit);
    const fv_status st = offer(s, m, err);
    pthread_mutex_unlock(&s->refit);
    return st;
}

void fvi_engine_use(fv_session *s, fvi_body *now)
{
    fvi_body *old = s->body;
    if (now->lazy) fvi_lazy_follow(now->lazy, old->lazy);
    now->plan->memory_lent = false;
    old->plan->memory_lent = true;
    if (!s->port_graph) s->port_graph = old->graph, old->graph = NULL; /* has the names of the ports */
    s->body = now;
    s->spent = old;
}

/* In the thread that runs the session, which does not wait: while the next weights are being prepared there is nothing to take. Nothing is
 * freed or allocated here. */
void fvi_engine_take_over(fv_session *s)
{
    if (pthread_mutex_trylock(&s->refit)) return;
    fvi_body *now = atomic_exchange(&s->offered, NULL);
    if (now) fvi_engine_use(s, now);
    pthread_mutex_unlock(&s->refit);
}

/* ---- several sessions at the same frame ---- */

fv_status fvi_session_hold(fv_session *s, fv_model *m, const fv_session *like, fv_error *err)
{
    fvi_body *now = NULL;
    pthread_mutex_lock(&s->refit);
    const fv_status st = prepare(&now, s, m, like ? atomic_load(&like->held) : NULL, err);
    if (st >= 0) atomic_store(&s->held, now);
    pthread_mutex_unlock(&s->refit);
    return st;
}

bool fvi_session_holds(const fv_session *s) { return atomic_load(&s->held) != NULL; }

/* Who holds waits until this is done: nobody else looks at the body meanwhile. */
void fvi_session_take(fv_session *s)
{
    fvi_body *now = atomic_load(&s->held);
    if (!now) return;
    fvi_engine_use(s, now);
    atomic_store(&s->held, NULL);
}

void fvi_session_drop(fv_session *s)
{
    fvi_body *old = atomic_exchange(&s->held, NULL);
    fvi_engine_body_drop(&old);
}
