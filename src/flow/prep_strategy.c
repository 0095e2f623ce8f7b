/* prep_strategy.c: the table of strategies, and which one "auto" takes for a picture: what was remembered for pictures like it, else, where the
 * context times tactics, the faster of two runs on the picture itself, else the estimate. Called by prep_batch.c. */
#include "base/clock.h"
#include "base/log.h"
#include "flow/prep.h"
#include "model/engine/timing.h"
#include <stdio.h>
#include <string.h>

#define NO_GPU "this build has no GPU backend"

const fvi_flow_strategy fvi_flow_strategies[] = {
    {"auto", "the faster of those that this machine can, by the kind and size of picture", NULL, false, false},
    {"cpu", "decode in full to RGB, resize and normalise in one pass", NULL, false, false},
    {"scaled", "JPEG: decode no larger than needed, resize the planes as they are coded; no RGB picture is made", NULL, true, true},
    {"hybrid", "decode and resize here, normalise on the GPU; for pictures that are decoded already", NO_GPU, false, false},
    {"upload", "decode here, resize and normalise on the GPU", NO_GPU, false, false},
    {"gpu", "decode, resize and normalise on the GPU", NO_GPU, false, false},
    {0},
};

const char *fv_prep_strategy(int i, const char **about, const char **why_not)
{
    const int n = (int)(sizeof fvi_flow_strategies / sizeof *fvi_flow_strategies) - 1;
    if (i < 0 || i >= n) return NULL;
    if (about) *about = fvi_flow_strategies[i].about;
    if (why_not) *why_not = fvi_flow_strategies[i].why_not;
    return fvi_flow_strategies[i].name;
}

const fvi_flow_strategy *fvi_flow_strategy_named(const char *name)
{
    for (const fvi_flow_strategy *s = fvi_flow_strategies; s->name; s++)
        if (strcmp(s->name, name) == 0) return s;
    return NULL;
}

void fvi_flow_prep_reason(fv_prep *p, const char *text)
{
    pthread_mutex_lock(&p->lock);
    snprintf(p->reason, sizeof p->reason, "%s", text);
    pthread_mutex_unlock(&p->lock);
}

/* Pictures alike: as much smaller than needed, as many pixels (in powers of two), for the same tensor. */
static void describe(const fv_prep *p, const fvi_flow_picture *pic, const fvi_tensor *out, char text[160])
{
    int64_t pixels = (int64_t)pic->info.width * pic->info.height;
    int size = 0;
    while (pixels >> (size + 1)) size++;
    int e = fvi_flow_prep_eighths(p, pic->info.width, pic->info.height, (int)out->dim[3], (int)out->dim[2]);
    snprintf(text, 160, "prep jpeg 2^%d pixels %d/8 -> %dx%d %s %s filter %d fit %d", size, e, (int)out->dim[3], (int)out->dim[2], fv_dtype_name(p->o.dtype),
             p->o.nhwc ? "nhwc" : "nchw", (int)p->spec.filter, (int)p->o.fit);
}

/* 0: this picture cannot tell. */
static int64_t time_one(const fv_prep *p, fvi_flow_prep_worker *w, const fvi_flow_picture *pic, const fvi_flow_strategy *s, const fvi_tensor *out, int i)
{
    fv_prep_result r = {0};
    int64_t t0 = fvi_now_ns();
    return fvi_flow_picture_run(p, w, pic, s, out, i, NULL, &r, NULL) < 0 ? 0 : fvi_now_ns() - t0;
}

/* Least of two runs each, in turn. */
static void measure(const fv_prep *p, fvi_flow_prep_worker *w, const fvi_flow_picture *pic, const fvi_tensor *out, int i, fvi_flow_decision *d)
{
    const fvi_flow_strategy *const all[2] = {&fvi_flow_strategies[FVI_FLOW_SCALED], &fvi_flow_strategies[FVI_FLOW_CPU]};
    int64_t ns[2] = {0};
    for (int k = 0; k < 4; k++) {
        int64_t t = time_one(p, w, pic, all[k & 1], out, i);
        if (t && (!ns[k & 1] || t < ns[k & 1])) ns[k & 1] = t;
    }
    if (!ns[0] || !ns[1]) return;
    d->strategy = all[ns[1] < ns[0]];
    snprintf(d->reason, sizeof d->reason, "%s: measured on a %dx%d JPEG, %s %.1f ms, %s %.1f ms", d->strategy->name, pic->info.width, pic->info.height,
             all[0]->name, fvi_ms(ns[0]), all[1]->name, fvi_ms(ns[1]));
    struct fvi_timing_cache *cache = fvi_engine_timings(p->ctx);
    if (fvi_timing_cache_add(cache, d->problem, d->strategy->name, ns[ns[1] < ns[0]], false)) fvi_timing_cache_save(cache);
}

static void decide(const fv_prep *p, fvi_flow_prep_worker *w, const fvi_flow_picture *pic, const fvi_tensor *out, int i, fvi_flow_decision *d)
{
    char tactic[FVI_TIMING_TEXT];
    d->strategy = NULL;
    if (fvi_timing_cache_find(fvi_engine_timings(p->ctx), d->problem, tactic)) {
        const fvi_flow_strategy *s = fvi_flow_strategy_named(tactic);
        if (s && !s->why_not && s != fvi_flow_strategies) d->strategy = s;
        if (d->strategy) snprintf(d->reason, sizeof d->reason, "%s: remembered for JPEGs of this size", s->name);
    }
    if (!d->strategy && fvi_engine_tune_level(p->ctx) > 0) measure(p, w, pic, out, i, d);
    if (d->strategy) return;
    d->strategy = &fvi_flow_strategies[FVI_FLOW_SCALED];
    snprintf(d->reason, sizeof d->reason, "scaled: a JPEG needs decoding only at the size that is wanted, and no colours of pixels that are not");
}

const fvi_flow_strategy *fvi_flow_prep_choose(fv_prep *p, fvi_flow_prep_worker *w, const fvi_flow_picture *pic, const fvi_tensor *out, int i)
{
    if (p->strategy != fvi_flow_strategies) return p->strategy;
    if (!pic->info.eighths) {
        char text[160];
        snprintf(text, sizeof text, "cpu: %s has to be decoded in full", pic->info.format);
        fvi_flow_prep_reason(p, text);
        return &fvi_flow_strategies[FVI_FLOW_CPU];
    }
    char problem[160];
    describe(p, pic, out, problem);
    pthread_mutex_lock(&p->lock); /* others wait: what is timed must not be disturbed, and is timed once */
    fvi_flow_decision *d = NULL, full;
    for (int k = 0; k < p->n_decisions && !d; k++)
        if (strcmp(p->decisions[k].problem, problem) == 0) d = &p->decisions[k];
    if (!d) {
        d = p->n_decisions < FVI_FLOW_DECISIONS ? &p->decisions[p->n_decisions++] : &full;
        memcpy(d->problem, problem, sizeof problem);
        decide(p, w, pic, out, i, d);
        fvi_log_write(fvi_engine_log(p->ctx), FV_LOG_INFO, "%s: %s", problem, d->reason);
    }
    const fvi_flow_strategy *s = d->strategy;
    memcpy(p->reason, d->reason, sizeof p->reason);
    pthread_mutex_unlock(&p->lock);
    return s;
}
