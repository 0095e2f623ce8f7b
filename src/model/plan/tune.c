/* tune.c: decisions of a plan made by timing, step after step in the order of a run: each step finds the inputs it will find
 * later, in the same memory, with the same threads. Called by engine/tuning.c.
 *
 * Candidates take turns, one run each, so that a slow moment of the machine meets all of them and each finds the caches as
 * the others left them; the fastest run of each counts. Those that are clearly behind leave early, the best two run again. */
#include "base/clock.h"
#include "base/error.h"
#include "model/plan/plan.h"
#include <string.h>

/* What a level times: estimates up to `factor` times the best, at most `most` of them, in `rounds` turns that may take `ms` together. */
static const struct effort {
    double factor;
    int most, rounds;
    double ms;
} efforts[FVI_TUNE_LEVELS] = {{1, 1, 0, 0}, {1.25, 2, 4, 10}, {1.5, 3, 10, 30}, {2, 4, 20, 100}, {3, 6, 40, 250}, {8, FVI_TACTICS_MAX, 80, 800}};

enum { WARM_UP = 1 };
#define BEHIND 1.2   /* times the best after two turns: leaves */
#define CLEAR 1.04   /* by less, the best estimate stays: choices shall not follow noise */

typedef struct candidate {
    void *job;
    int64_t best; /* ns */
    int runs;
} candidate;

static void time_once(fvi_step *s, const fvi_family *f, candidate *c)
{
    int64_t t = fvi_now_ns();
    f->run(s, c->job);
    t = fvi_now_ns() - t;
    if (!c->runs++ || t < c->best) c->best = t;
}

static int fastest(const candidate *c, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (c[i].best < c[best].best) best = i;
    return best;
}

/* Takes out those that are `factor` behind the best; returns how many stay. */
static int leave(const fvi_family *f, candidate *c, int n, double factor)
{
    const double limit = (double)c[fastest(c, n)].best * factor;
    int kept = 0;
    for (int i = 0; i < n; i++)
        if ((double)c[i].best <= limit)
            c[kept++] = c[i];
        else
            f->drop(c[i].job);
    return kept;
}

/* Turns of all that are left, until one is. */
static int take_turns(fvi_step *s, const fvi_family *f, candidate *c, int n, const struct effort *e)
{
    const int64_t until = fvi_now_ns() + (int64_t)(e->ms * 1e6);
    for (int round = 0; round < e->rounds && n > 1; round++) {
        for (int i = 0; i < n; i++) time_once(s, f, &c[i]);
        if (round >= 1) n = leave(f, c, n, BEHIND);
        if (round >= 1 && fvi_now_ns() > until) break;
    }
    return n;
}

/* All but the best two leave. */
static int keep_two(const fvi_family *f, candidate *c, int n)
{
    while (n > 2) {
        int worst = 0;
        for (int i = 1; i < n; i++)
            if (c[i].best > c[worst].best) worst = i;
        f->drop(c[worst].job);
        memmove(c + worst, c + worst + 1, (size_t)(n - worst - 1) * sizeof *c);
        n--;
    }
    return n;
}

/* The same problem may have been timed a few steps ago: twins are to be computed alike, now and at the next start. */
static bool as_its_twin(fvi_step *s, fvi_decision *d)
{
    const fvi_timings *known = s->env->timings;
    char problem[FVI_PROBLEM_MAX];
    const char *name = known && d->family->describe(d->job, problem) ? known->find(known->user, problem) : NULL;
    void *made = name ? d->family->make(s, d->job, name) : NULL; /* null: no tactic for it, or no memory */
    if (!made) return false;
    d->tactic = d->family->adopt(d->job, made);
    return true;
}

/* One decision; returns the time of the winner, 0 = there was nothing to compare. */
static int64_t decide(fvi_step *s, fvi_decision *d, const struct effort *e)
{
    const fvi_family *f = d->family;
    const char *names[FVI_TACTICS_MAX];
    candidate c[FVI_TACTICS_MAX];
    int ranked = f->rank(s, d->job, e->factor, names, e->most), n = 0;
    for (int i = 0; i < ranked && ranked > 1; i++) {
        c[n] = (candidate){.job = f->make(s, d->job, names[i])};
        if (c[n].job) n++; /* what does not fit into memory is no candidate */
    }
    for (int i = 0; i < n; i++)
        for (int k = 0; k < WARM_UP; k++) f->run(s, c[i].job);
    if (n > 1) n = take_turns(s, f, c, n, e);
    n = keep_two(f, c, n);
    if (n > 1) n = take_turns(s, f, c, n, e);
    if (!n) return 0;
    int best = fastest(c, n);
    if (best && (double)c[best].best * CLEAR > (double)c[0].best) best = 0; /* candidates stay in the order of their estimates */
    for (int i = 0; i < n; i++)
        if (i != best) f->drop(c[i].job);
    const int64_t ns = c[best].best;
    d->tactic = f->adopt(d->job, c[best].job);
    return ns > 0 ? ns : 1;
}

/* Noise between 0 and 1 into an input: zeros would be fast, denormals slow. */
static void fill(const fvi_tensor *t, uint32_t *state)
{
    if (t->dtype != FV_F32 || !fvi_tensor_count(t)) return;
    int64_t at[FV_MAX_RANK] = {0};
    for (;;) {
        ptrdiff_t offset = 0;
        for (int d = 0; d < t->rank; d++) offset += at[d] * t->stride[d];
        *state = *state * 1664525u + 1013904223u;
        ((float *)(void *)t->data)[offset] = (float)(*state >> 8) * 0x1p-24f;
        int d = t->rank - 1;
        while (d >= 0 && ++at[d] == t->dim[d]) at[d--] = 0;
        if (d < 0) break;
    }
}

int fvi_plan_decisions(const fvi_plan *p, int origin)
{
    int n = 0;
    for (int i = 0; i < p->n_steps; i++)
        for (int k = 0; k < p->steps[i].n_decisions; k++) n += origin < 0 || (int)p->steps[i].decisions[k].origin == origin;
    return n;
}

fv_status fvi_plan_tune(fvi_plan *p, const fvi_graph *g, int level, const fvi_tune_watch *w, fv_error *err)
{
    const struct effort *e = &efforts[level < 0 ? 0 : level >= FVI_TUNE_LEVELS ? FVI_TUNE_LEVELS - 1 : level];
    const int total = fvi_plan_decisions(p, FVI_ORIGIN_ESTIMATE);
    int done = 0, halo = 0;
    uint32_t noise = 1;
    fv_status st = FV_OK;
    for (int i = 0; i < g->n_inputs; i++) fill(&p->tensor[g->inputs[i]->id], &noise);
    for (int i = 0; i < p->n_steps && done < total && st >= 0; i++) {
        fvi_step *s = &p->steps[i];
        halo = fvi_plan_clear_halos(p, i, halo);
        for (int k = 0; k < s->n_decisions && st >= 0; k++) {
            fvi_decision *d = &s->decisions[k];
            if (d->origin != FVI_ORIGIN_ESTIMATE) continue;
            if (w->before && w->before(w->user, s, done, total)) {
                st = fvi_error_set(err, FV_ERR_CANCELLED, "timing of tactics was stopped after %d of %d", done, total);
                break;
            }
            const bool twin = as_its_twin(s, d);
            const int64_t ns = twin ? 0 : decide(s, d, e);
            d->origin = FVI_ORIGIN_TIMED;
            done++;
            s->tactic = d->tactic;
            if (w->decided && !twin) w->decided(w->user, d, ns);
        }
        if (st >= 0) s->run(s);
    }
    memset(p->memory, 0, p->memory_bytes); /* as it was: results never depend on what was here */
    return st;
}
