/* session.c: a model planned for fixed shapes, with its memory; runs it. */
#include "base/alloc.h"
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
        for (int i = 0; i < (side ? s->graph->n_outputs : s->graph->n_inputs); i++) {
            const fvi_value *v = (side ? s->graph->outputs : s->graph->inputs)[i];
            size_t count = (size_t)fvi_value_count(v);
            if ((side ? s->outputs : s->inputs)[i].dtype != v->dtype && count > most) most = count;
        }
    if (most) s->converted = fvi_calloc(most, sizeof *s->converted);
    return !most || s->converted ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
}

static fv_status build(fv_session *s, const fv_session_options *opt, bool lazy, fv_error *err)
{
    fv_model *m = s->model;
    int64_t t0 = fvi_now_ns();
    s->env = m->env;
    if (opt->ctx) s->env.pool = opt->ctx->pool;
    s->env.like = opt->share ? opt->share->plan : NULL;
    FVI_TRY(fvi_engine_specialise(&s->graph, m, opt, err));
    fvi_engine_remember(s);
    if (lazy) FVI_TRY(fvi_lazy_find(&s->lazy, s->graph, err));
    FVI_TRY(fvi_plan_create(&s->plan, s->graph, m->backend, &s->env, opt->observe != 0, err));
    if (s->lazy) FVI_TRY(fvi_lazy_bind(s->lazy, s->plan, err));
    s->inputs = fvi_engine_ports(s->graph->inputs, m->imported->inputs, s->graph->n_inputs);
    s->outputs = fvi_engine_ports(s->graph->outputs, m->imported->outputs, s->graph->n_outputs);
    if (opt->observe) FVI_TRY(fvi_engine_list_values(s, err));
    if (opt->profile) s->step_ns = fvi_calloc((size_t)s->plan->n_steps + 1, sizeof *s->step_ns);
    if (!s->inputs || !s->outputs || (opt->profile && !s->step_ns)) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    FVI_TRY(make_room(s, err));
    s->plan_ms = fvi_ms(fvi_now_ns() - t0);
    return fvi_engine_tune(s, err);
}

static fv_status create(fv_session **out, fv_model *m, const fv_session_options *opt, bool lazy, fv_error *err)
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
    s->model = m;
    fv_status st = build(s, opt, lazy, err);
    if (st < 0) {
        fv_session_free(&s);
        return st;
    }
    *out = s;
    return FV_OK;
}

fv_status fv_session_create(fv_session **out, fv_model *m, const fv_session_options *opt, fv_error *err) { return create(out, m, opt, false, err); }

fv_status fvi_session_create_lazy(fv_session **out, fv_model *m, const fv_session_options *opt, fv_error *err)
{
    return create(out, m, opt, true, err);
}

bool fvi_session_lazy_form(const fv_session *s, int *output, int *first, int *classes)
{
    if (!s->lazy) return false;
    *output = s->lazy->output;
    *first = s->lazy->first;
    *classes = s->lazy->classes;
    return true;
}

void fvi_session_want(fv_session *s, float conf, const uint8_t *keep)
{
    if (s->lazy) fvi_lazy_want(s->lazy, conf, keep);
}

bool fvi_session_found(const fv_session *s) { return !s->lazy || s->lazy->active; }

void fv_session_free(fv_session **sp)
{
    if (!sp || !*sp) return;
    fv_session *s = *sp;
    fvi_lazy_free(&s->lazy);
    fvi_plan_free(&s->plan);
    fvi_graph_free(&s->graph);
    fvi_free(s->inputs);
    fvi_free(s->outputs);
    fvi_free(s->step_ns);
    fvi_free(s->values);
    fvi_free(s->converted);
    FVI_FREE(*sp);
}

int fv_session_inputs(const fv_session *s, const fv_port **ports)
{
    if (ports) *ports = s->inputs;
    return s->graph->n_inputs;
}

int fv_session_outputs(const fv_session *s, const fv_port **ports)
{
    if (ports) *ports = s->outputs;
    return s->graph->n_outputs;
}

const fvi_tensor *fvi_session_input_tensor(const fv_session *s, int i) { return &s->plan->tensor[s->graph->inputs[i]->id]; }
const fvi_tensor *fvi_session_output_tensor(const fv_session *s, int i) { return &s->plan->tensor[s->graph->outputs[i]->id]; }

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
    if (!s || i < 0 || i >= s->graph->n_inputs) return fvi_error_set(err, FV_ERR_ARGUMENT, "there is no input %d", i);
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
    if (!s || i < 0 || i >= s->graph->n_outputs) return fvi_error_set(err, FV_ERR_ARGUMENT, "there is no output %d", i);
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
    if (s->lazy)
        fvi_lazy_run(s->lazy, s->plan, s->step_ns);
    else
        fvi_plan_run(s->plan, s->step_ns);
    s->runs++;
    return FV_OK;
}

void fv_session_get_info(const fv_session *s, fv_session_info *info)
{
    *info = (fv_session_info){.steps = s->plan->n_steps, .arena_bytes = (int64_t)s->plan->memory_bytes, .gflop = s->plan->gflop, .plan_ms = s->plan_ms};
    for (int i = 0; i < s->graph->n_values; i++)
        if (s->graph->values[i]->constant) info->weight_bytes += fvi_value_count(s->graph->values[i]) * (int64_t)fv_dtype_size(s->graph->values[i]->dtype);
}

fv_status fv_session_step(const fv_session *s, int i, fv_step_info *info)
{
    if (i < 0) return FV_ERR_ARGUMENT;
    if (i >= s->plan->n_steps) return FV_END;
    const fvi_step *step = &s->plan->steps[i];
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
    info->precision = (step->node && step->node->bf16) || step->out[0].dtype == FV_BF16 ? "bf16" : "fp32";
    info->total_ms = s->step_ns ? fvi_ms(s->step_ns[i]) : 0;
    info->runs = s->runs;
    return FV_OK;
}

void fv_session_reset_profile(fv_session *s)
{
    s->runs = 0;
    if (s->step_ns) memset(s->step_ns, 0, sizeof *s->step_ns * (size_t)s->plan->n_steps);
}
