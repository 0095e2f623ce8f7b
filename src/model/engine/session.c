/* session.c: a model planned for fixed shapes, with its memory; runs it. */
#include "base/alloc.h"
#include "base/budget.h"
#include "base/clock.h"
#include "base/options.h"
#include "kern/elementwise.h"
#include "model/engine/internal.h"
#include <stdio.h>
#include <string.h>

/* Room to convert the largest port whose declared type is not the one computed in, so that frames do not allocate. */
static fv_status make_room(fv_session *s, fv_error *err)
{
    size_t most = 0;
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < (side ? s->body->graph->n_outputs : s->body->graph->n_inputs); i++) {
            const fvi_value *v = (side ? s->body->graph->outputs : s->body->graph->inputs)[i];
            size_t count = (size_t)fvi_value_count(v);
            if ((side ? s->outputs : s->inputs)[i].dtype != v->dtype && count > most) most = count;
        }
    if (most) s->converted = fvi_calloc(most, sizeof *s->converted);
    return !most || s->converted ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
}

void fvi_engine_body_drop(fvi_body **bp)
{
    fvi_body *b = *bp;
    *bp = NULL;
    if (!b || atomic_fetch_sub(&b->refs, 1) > 1) return;
    fvi_lazy_free(&b->lazy);
    fvi_plan_free(&b->plan);
    fvi_graph_free(&b->graph);
    fvi_engine_body_drop(&b->like);
    fv_model_free(&b->model);
    fvi_free(b->values);
    fvi_free(b);
}

static fv_status fill_body(fvi_body *b, fv_session *s, fv_error *err)
{
    fv_model *m = b->model;
    b->env = m->env;
    if (s->made.ctx) b->env.pool = s->made.ctx->pool;
    b->env.like = b->like ? b->like->plan : NULL;
    FVI_TRY(fvi_engine_specialise(&b->graph, m, &s->made, s->made_plain, err));
    FVI_TRY(fvi_engine_remember(b, err));
    if (s->made_lazy) FVI_TRY(fvi_lazy_find(&b->lazy, b->graph, err));
    if (b->tactics) FVI_TRY(fvi_engine_same_form(b->tactics->graph, b->graph, err));
    FVI_TRY(fvi_plan_create_in(&b->plan, b->graph, m->backend, &b->env, s->made.observe != 0, b->tactics ? b->tactics->plan : NULL, err));
    if (b->lazy) FVI_TRY(fvi_lazy_bind(b->lazy, b->plan, err));
    return s->made.observe ? fvi_engine_list_values(b, err) : FV_OK;
}

fv_status fvi_engine_body(fvi_body **out, fv_session *s, fv_model *model, fvi_body *like, const fvi_body *replaces, fv_error *err)
{
    fvi_body *b = *out = fvi_calloc(1, sizeof *b);
    if (!b) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    atomic_store(&b->refs, 1);
    b->model = fvi_engine_keep(model);
    b->like = like;
    if (like) atomic_fetch_add(&like->refs, 1);
    b->tactics = replaces;
    fv_status st = fill_body(b, s, err);
    b->tactics = NULL;
    FVI_FREE(b->theirs);
    b->n_theirs = 0;
    if (st < 0) fvi_engine_body_drop(out);
    return st;
}

fv_status fvi_engine_build(fv_session *s, fv_model *m, fvi_body *like, fv_error *err)
{
    int64_t t0 = fvi_now_ns();
    FVI_TRY(fvi_engine_body(&s->body, s, m, like, NULL, err));
    const fvi_body *b = s->body;
    s->inputs = fvi_engine_ports(b->graph->inputs, m->imported->inputs, b->graph->n_inputs);
    s->outputs = fvi_engine_ports(b->graph->outputs, m->imported->outputs, b->graph->n_outputs);
    if (s->made.profile) s->step_ns = fvi_calloc((size_t)b->plan->n_steps + 1, sizeof *s->step_ns);
    if (!s->inputs || !s->outputs || (s->made.profile && !s->step_ns)) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    FVI_TRY(make_room(s, err));
    s->plan_ms = fvi_ms(fvi_now_ns() - t0);
    return fvi_engine_tune(s, err);
}

typedef enum session_kind { WHOLE, LAZY, PLAIN } session_kind;

/* What the session was asked for, for the day it gets other weights. */
fv_status fvi_engine_set_made(fv_session *s, const fv_session_options *opt, fv_error *err)
{
    s->made = *opt;
    s->made.share = NULL;
    s->made.shapes = s->made_shapes = NULL;
    if (opt->n_shapes <= 0) return FV_OK;
    s->made.shapes = s->made_shapes = fvi_calloc((size_t)opt->n_shapes, sizeof *s->made_shapes);
    if (!s->made_shapes) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    for (int i = 0; i < opt->n_shapes; i++) {
        s->made_shapes[i] = opt->shapes[i];
        s->made_shapes[i].name = fvi_strdup(opt->shapes[i].name ? opt->shapes[i].name : "");
        if (!s->made_shapes[i].name) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    }
    return FV_OK;
}

static fv_status create(fv_session **out, fv_model *m, const fv_session_options *opt, session_kind kind, fv_error *err)
{
    fv_session_options o = {.size = sizeof o};
    if (!out) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_session_create: out is null");
    *out = NULL;
    if (!m) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_session_create: model is null");
    FVI_TRY(fvi_options_read(&o, sizeof o, opt, "FV_SESSION_OPTIONS", err));
    opt = &o;
    if (opt->batch < 0 || opt->batch > 4096) return fvi_error_set(err, FV_ERR_ARGUMENT, "a batch of %d was asked for; 1 to 4096 can be had", opt->batch);
    if (opt->share && opt->share->model != m) return fvi_error_set(err, FV_ERR_ARGUMENT, "only sessions of one model can share weights");
    fv_session *s = fvi_calloc(1, sizeof *s);
    if (!s) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    pthread_mutex_init(&s->refit, NULL);
    s->model = fvi_engine_keep(m);
    s->made_lazy = kind == LAZY;
    s->made_plain = kind == PLAIN;
    fvi_budget budget;
    fvi_budget_begin(&budget, m->ctx->memory_limit);
    fv_status st = fvi_engine_set_made(s, opt, err);
    if (st >= 0) st = fvi_engine_build(s, m, opt->share ? opt->share->body : NULL, err);
    st = fvi_budget_end(&budget, st, err);
    if (st < 0) {
        fv_session_free(&s);
        return st;
    }
    *out = s;
    return FV_OK;
}

fv_status fv_session_create(fv_session **out, fv_model *m, const fv_session_options *opt, fv_error *err) { return create(out, m, opt, WHOLE, err); }

fv_status fvi_session_create_lazy(fv_session **out, fv_model *m, const fv_session_options *opt, fv_error *err)
{
    return create(out, m, opt, LAZY, err);
}

fv_status fvi_session_create_plain(fv_session **out, fv_model *m, const fv_session_options *opt, fv_error *err)
{
    return create(out, m, opt, PLAIN, err);
}

bool fvi_session_lazy_form(const fv_session *s, int *output, int *first, int *classes)
{
    if (!s->body->lazy) return false;
    *output = s->body->lazy->output;
    *first = s->body->lazy->first;
    *classes = s->body->lazy->classes;
    return true;
}

void fvi_session_want(fv_session *s, float conf, const uint8_t *keep)
{
    if (s->body->lazy) fvi_lazy_want(s->body->lazy, conf, keep);
}

bool fvi_session_found(const fv_session *s) { return !s->body->lazy || s->body->lazy->active; }

void fv_session_free(fv_session **sp)
{
    if (!sp || !*sp) return;
    fv_session *s = *sp;
    fvi_body *offered = atomic_load(&s->offered);
    fvi_engine_body_drop(&offered);
    fvi_session_drop(s);
    fvi_engine_body_drop(&s->spent);
    while (s->n_kept > 0) fvi_engine_drop_shape(&s->kept[--s->n_kept]);
    fvi_shape last;
    fvi_engine_put_aside(s, &last);
    fvi_engine_drop_shape(&last);
    fv_model_free(&s->model);
    pthread_mutex_destroy(&s->refit);
    FVI_FREE(*sp);
}

int fv_session_inputs(const fv_session *s, const fv_port **ports)
{
    if (ports) *ports = s->inputs;
    return s->body->graph->n_inputs;
}

int fv_session_outputs(const fv_session *s, const fv_port **ports)
{
    if (ports) *ports = s->outputs;
    return s->body->graph->n_outputs;
}

const fvi_tensor *fvi_session_input_tensor(const fv_session *s, int i) { return &s->body->plan->tensor[s->body->graph->inputs[i]->id]; }
const fvi_tensor *fvi_session_output_tensor(const fv_session *s, int i) { return &s->body->plan->tensor[s->body->graph->outputs[i]->id]; }

fv_status fvi_engine_dense_like(const fv_port *p, fv_dtype computed, const fv_tensor *t, fvi_tensor *out, fv_error *err)
{
    char want[96], got[96];
    size_t w = 0, g = 0;
    bool same = t && t->rank == p->rank && (t->dtype == p->dtype || t->dtype == computed) && (t->data || fv_tensor_count(t) == 0);
    for (int d = 0; same && d < p->rank; d++) same = t->dim[d] == p->dim[d];
    if (!same) {
        for (int d = 0; d < p->rank && w < sizeof want; d++) w += (size_t)snprintf(want + w, sizeof want - w, "%s%lld", d ? "," : "", (long long)p->dim[d]);
        for (int d = 0; t && d < t->rank && d < FV_MAX_RANK && g < sizeof got; d++) g += (size_t)snprintf(got + g, sizeof got - g, "%s%lld", d ? "," : "", (long long)t->dim[d]);
        return fvi_error_set(err, FV_ERR_SHAPE, "'%s' is %s [%s], but %s [%s] was given", p->name, fv_dtype_name(p->dtype), p->rank ? want : "", t ? fv_dtype_name(t->dtype) : "nothing", t && t->rank > 0 ? got : "");
    }
    *out = fvi_tensor_over(t->data, t->dtype, t->rank, t->dim);
    return FV_OK;
}

fv_status fv_session_set_input(fv_session *s, int i, const fv_tensor *t, fv_error *err)
{
    fvi_tensor from;
    if (!s || i < 0 || i >= s->body->graph->n_inputs) return fvi_error_set(err, FV_ERR_ARGUMENT, "there is no input %d", i);
    const fvi_tensor *to = fvi_session_input_tensor(s, i);
    FVI_TRY(fvi_engine_dense_like(&s->inputs[i], to->dtype, t, &from, err));
    if (from.dtype != to->dtype) {
        fvi_convert(to->dtype, from.dtype)(s->converted, from.data, (size_t)fvi_tensor_count(&from));
        from = fvi_tensor_over(s->converted, to->dtype, from.rank, from.dim);
    }
    fvi_tensor_copy(to, &from);
    return FV_OK;
}

fv_status fv_session_get_output(const fv_session *s, int i, fv_tensor *t, fv_error *err)
{
    fvi_tensor to;
    if (!s || i < 0 || i >= s->body->graph->n_outputs) return fvi_error_set(err, FV_ERR_ARGUMENT, "there is no output %d", i);
    const fvi_tensor *from = fvi_session_output_tensor(s, i);
    FVI_TRY(fvi_engine_dense_like(&s->outputs[i], from->dtype, t, &to, err));
    if (from->dtype == to.dtype) {
        fvi_tensor_copy(&to, from);
        return FV_OK;
    }
    fvi_tensor dense = fvi_tensor_over(s->converted, from->dtype, to.rank, to.dim);
    fvi_tensor_copy(&dense, from);
    fvi_convert(to.dtype, from->dtype)(to.data, s->converted, (size_t)fvi_tensor_count(&to));
    return FV_OK;
}

fv_status fv_session_run(fv_session *s)
{
    if (!s) return FV_ERR_ARGUMENT;
    if (atomic_load_explicit(&s->offered, memory_order_relaxed)) fvi_engine_take_over(s);
    if (s->body->lazy)
        fvi_lazy_run(s->body->lazy, s->body->plan, s->step_ns);
    else
        fvi_plan_run(s->body->plan, s->step_ns);
    s->runs++;
    return FV_OK;
}

void fv_session_get_info(const fv_session *s, fv_session_info *info)
{
    *info = (fv_session_info){.steps = s->body->plan->n_steps, .arena_bytes = (int64_t)s->body->plan->memory_bytes, .gflop = s->body->plan->gflop, .plan_ms = s->plan_ms};
    for (int i = 0; i < s->body->graph->n_values; i++)
        if (s->body->graph->values[i]->constant) info->weight_bytes += fvi_value_count(s->body->graph->values[i]) * (int64_t)fv_dtype_size(s->body->graph->values[i]->dtype);
}

fv_status fv_session_step(const fv_session *s, int i, fv_step_info *info)
{
    if (i < 0) return FV_ERR_ARGUMENT;
    if (i >= s->body->plan->n_steps) return FV_END;
    const fvi_step *step = &s->body->plan->steps[i];
    memset(info, 0, sizeof *info);
    info->name = step->name;
    info->op = step->node ? fvi_op_get(step->node->op)->name : "copy";
    info->tactic = step->tactic ? step->tactic : "";
    size_t w = (size_t)snprintf(info->shape, sizeof info->shape, "[");
    for (int d = 0; d < step->out[0].rank && w < sizeof info->shape; d++)
        w += (size_t)snprintf(info->shape + w, sizeof info->shape - w, "%s%lld", d ? "," : "", (long long)step->out[0].dim[d]);
    if (w < sizeof info->shape) snprintf(info->shape + w, sizeof info->shape - w, "]");
    info->gflop = step->flops * 1e-9;
    info->executed_gflop = fvi_step_executed_flops(step) * 1e-9;
    const bool bytes = step->node && (step->node->op == FVI_OP_QUANT_CONV || (step->out[0].dtype == FV_U8 && step->node->out[0]->quant.scale > 0));
    info->precision = bytes ? "int8" : (step->node && step->node->bf16) || step->out[0].dtype == FV_BF16 ? "bf16" : "fp32";
    info->total_ms = s->step_ns ? fvi_ms(s->step_ns[i]) : 0;
    info->runs = s->runs;
    return FV_OK;
}

void fv_session_reset_profile(fv_session *s)
{
    s->runs = 0;
    if (s->step_ns) memset(s->step_ns, 0, sizeof *s->step_ns * (size_t)s->body->plan->n_steps);
}
