/* tuning.c: between a session's plan and the timing cache of its context: what is remembered goes into the plan, what the plan
 * times is remembered. Called by session.c. */
#include "base/clock.h"
#include "base/hash.h"
#include "model/engine/file.h"
#include "model/engine/internal.h"
#include <stdlib.h>
#include <string.h>

static int by_problem(const void *a, const void *b)
{
    const uint64_t x = ((const fvi_choice *)a)->problem, y = ((const fvi_choice *)b)->problem;
    return x < y ? -1 : x > y;
}

/* The tactics of the body whose weights these replace, by the work that they are for. */
static fv_status list_theirs(fvi_body *b, fv_error *err)
{
    const fvi_plan *p = b->tactics->plan;
    char text[FVI_PROBLEM_MAX];
    b->theirs = fvi_calloc((size_t)fvi_plan_decisions(p, -1) + 1, sizeof *b->theirs);
    if (!b->theirs) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    for (int i = 0; i < p->n_steps; i++)
        for (int k = 0; k < p->steps[i].n_decisions; k++) {
            const fvi_decision *d = &p->steps[i].decisions[k];
            if (d->family->describe(d->job, text)) b->theirs[b->n_theirs++] = (fvi_choice){fvi_hash_text(text, 0), d->tactic};
        }
    if (b->n_theirs) qsort(b->theirs, b->n_theirs, sizeof *b->theirs, by_problem);
    return FV_OK;
}

static const char *find_theirs(const fvi_body *b, const char *problem)
{
    const uint64_t key = fvi_hash_text(problem, 0);
    const size_t at = fvi_file_first(b->theirs, b->n_theirs, sizeof *b->theirs, key);
    return at < b->n_theirs && b->theirs[at].problem == key ? b->theirs[at].tactic : NULL;
}

/* First whose weights these replace, then the engine file, then the timing cache. */
static const char *find(void *user, const char *problem)
{
    fvi_body *b = user;
    const char *name = b->n_theirs ? find_theirs(b, problem) : NULL;
    if (!name && b->model->engine) name = fvi_file_tactic(b->model->engine, problem);
    if (name) return name;
    return fvi_timing_cache_find(b->model->ctx->timings, problem, b->stored) ? b->stored : NULL;
}

static const void *find_packed(void *user, const fvi_step *s, const char *form, size_t bytes)
{
    const fvi_body *b = user;
    return fvi_file_packed(b->model->engine, s->name, form, bytes);
}

fv_status fvi_engine_remember(fvi_body *b, fv_error *err)
{
    if (b->tactics) FVI_TRY(list_theirs(b, err));
    b->timings = (fvi_timings){.find = find, .user = b, .will_time = b->model->ctx->tune > 0 && !b->model->engine && !b->tactics};
    b->env.timings = &b->timings;
    b->packed = (fvi_packed){.find = find_packed, .user = b};
    b->env.packed = b->model->engine && !b->model->refitted ? &b->packed : NULL;
    return FV_OK;
}

static bool before(void *user, const fvi_step *step, int done, int total)
{
    const fv_context *c = ((const fv_session *)user)->model->ctx;
    const fv_tune_progress p = {.size = sizeof p, .done = done, .total = total, .step = step->name};
    return c->tune_progress && c->tune_progress(c->tune_user, &p);
}

static void decided(void *user, const fvi_decision *d, int64_t ns)
{
    const fv_session *s = user;
    char problem[FVI_PROBLEM_MAX];
    if (d->family->describe(d->job, problem)) fvi_timing_cache_add(s->model->ctx->timings, problem, d->tactic, ns, d->refused);
}

/* What was not remembered: the first step, for an error. */
static const fvi_step *first_missed(const fvi_plan *p)
{
    for (int i = 0; i < p->n_steps; i++)
        for (int k = 0; k < p->steps[i].n_decisions; k++)
            if (p->steps[i].decisions[k].origin == FVI_ORIGIN_ESTIMATE) return &p->steps[i];
    return NULL;
}

static void count(fv_session *s)
{
    fv_tuning_info *t = &s->tuning;
    t->choices = fvi_plan_decisions(s->body->plan, -1);
    t->remembered = fvi_plan_decisions(s->body->plan, FVI_ORIGIN_STORED);
    t->timed = fvi_plan_decisions(s->body->plan, FVI_ORIGIN_TIMED);
    t->estimated = fvi_plan_decisions(s->body->plan, FVI_ORIGIN_ESTIMATE);
    t->refused = 0;
    for (int i = 0; i < s->body->plan->n_steps; i++)
        for (int k = 0; k < s->body->plan->steps[i].n_decisions; k++) t->refused += s->body->plan->steps[i].decisions[k].refused;
}

static fv_status time_all(fv_session *s, fv_error *err)
{
    const fv_context *c = s->model->ctx;
    const int64_t t0 = fvi_now_ns();
    const int total = s->tuning.estimated;
    fv_status st = fvi_plan_tune(s->body->plan, s->body->graph, c->tune, &(fvi_tune_watch){before, decided, s}, err);
    s->tuning.ms = fvi_ms(fvi_now_ns() - t0);
    count(s);
    if (s->tuning.timed) fvi_timing_cache_save(c->timings);
    if (st < 0) return st;
    const fv_tune_progress p = {.size = sizeof p, .done = total, .total = total, .step = ""};
    if (c->tune_progress) c->tune_progress(c->tune_user, &p);
    fvi_log_write(&c->log, FV_LOG_INFO, "timed %d of %d choices between tactics in %.0f ms", total, s->tuning.choices, s->tuning.ms);
    return FV_OK;
}

fv_status fvi_engine_tune(fv_session *s, fv_error *err)
{
    const fv_context *c = s->model->ctx;
    count(s);
    if (!s->tuning.estimated) return FV_OK;
    fvi_timing_cache_explain(c->timings, s->tuning.missed);
    if (c->require_timings) {
        const fvi_step *step = first_missed(s->body->plan);
        return fvi_error_set(err, FV_ERR_STATE, "the timing cache has no choice for step '%s'%s%s, nor for %d others of %d: %s", step->name,
                             step->node ? " " : "", step->node ? fvi_op_get(step->node->op)->name : "", s->tuning.estimated - 1,
                             s->tuning.choices, s->tuning.missed);
    }
    /* Sessions of one model choose alike, also those with threads of their own: only timings with the model's are remembered. */
    return c->tune && !s->model->engine && s->body->env.pool == c->pool ? time_all(s, err) : FV_OK;
}

fv_status fv_session_tuning(const fv_session *s, fv_tuning_info *info)
{
    const uint32_t n = info ? info->size : 0;
    if (!s || n < sizeof n) return FV_ERR_ARGUMENT;
    if (n > sizeof *info) memset((char *)info + sizeof *info, 0, n - sizeof *info);
    memcpy(info, &s->tuning, n < sizeof *info ? n : sizeof *info);
    info->size = n;
    return FV_OK;
}
