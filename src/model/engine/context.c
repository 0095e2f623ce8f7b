/* context.c: what objects share: log, thread pool, CPU levels, timing cache. */
#include "base/alloc.h"
#include "base/budget.h"
#include "base/checked.h"
#include "base/options.h"
#include "model/engine/internal.h"
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define MAX_THREADS 256

static int cpus_of_process(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    return fvi_clamp_int(CPU_COUNT(&set), 1, MAX_THREADS);
}

/* "c, avx2 and amx" */
static void name_levels(char *buf, size_t n)
{
    size_t at = 0;
    const char *name;
    for (int i = 0; at < n && (name = fvi_cpu_level_at(i, NULL)); i++) {
        const int len = snprintf(buf + at, n - at, "%s%s", i ? ", " : "", name);
        at += len > 0 ? (size_t)len : 0;
    }
}

static fv_status choose_levels(fv_context *c, const char *mask, fv_error *err)
{
    fvi_cpu_flags have = fvi_cpu_detect(), want, level;
    const char *bad = NULL, *name;
    size_t bad_len = 0;
    c->cpu = have;
    if (!mask) return FV_OK;
    if (!fvi_cpu_parse(mask, &want, &bad, &bad_len)) {
        char all[128];
        name_levels(all, sizeof all);
        return fvi_error_set(err, FV_ERR_ARGUMENT, "'%.*s' is no CPU level; the levels are %s", (int)bad_len, bad, all);
    }
    for (int i = 0; (name = fvi_cpu_level_at(i, &level)); i++)
        if (want & ~have & level)
            return fvi_error_set(err, FV_ERR_DEVICE, "CPU level %s was asked for, this machine has %s: %s", fvi_cpu_level_name(want),
                                 fvi_cpu_level_name(have), fvi_cpu_why_not(level));
    c->cpu = want;
    return FV_OK;
}

static fv_status choose_tuning(fv_context *c, const fv_context_options *opt, fv_error *err)
{
    if (opt->tune < 0 || opt->tune >= FVI_TUNE_LEVELS)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "tuning level %d was asked for; there are 0 to %d", opt->tune, FVI_TUNE_LEVELS - 1);
    c->tune = opt->tune;
    c->require_timings = opt->require_timings != 0;
    c->tune_progress = opt->tune_progress;
    c->tune_user = opt->tune_user;
    return fvi_timing_cache_create(&c->timings, opt->timing_cache, fvi_backend_cpu(), c->cpu, fvi_pool_threads(c->pool), &c->log, err);
}

fv_status fv_context_create(fv_context **out, const fv_context_options *opt, fv_error *err)
{
    fv_context_options o = {.size = sizeof o};
    if (!out) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_context_create: out is null");
    *out = NULL;
    FVI_TRY(fvi_options_read(&o, sizeof o, opt, "FV_CONTEXT_OPTIONS", err));
    opt = &o;
    if (opt->threads < 0 || opt->threads > MAX_THREADS)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "%d threads were asked for; 1 to %d can be had (0 = all)", opt->threads, MAX_THREADS);
    if (opt->memory_limit < 0) return fvi_error_set(err, FV_ERR_ARGUMENT, "a memory limit of %lld bytes was asked for", (long long)opt->memory_limit);
    fv_context *c = fvi_calloc(1, sizeof *c);
    if (!c) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    c->log = (fvi_log){opt->log, opt->log_user, opt->log_level ? opt->log_level : FV_LOG_WARNING};
    c->memory_limit = opt->memory_limit ? opt->memory_limit : fvi_budget_default();
    char brand[128];
    fvi_cpu_brand(brand, sizeof brand);
    fv_status st = choose_levels(c, opt->cpu_levels, err);
    if (st >= 0) st = fvi_pool_create(&c->pool, opt->threads ? opt->threads : cpus_of_process(), err);
    if (st >= 0) st = choose_tuning(c, opt, err);
    if (st < 0) {
        fv_context_free(&c);
        return st;
    }
    snprintf(c->cpu_name, sizeof c->cpu_name, "%s, %d CPUs, %s", brand, cpus_of_process(), fvi_cpu_level_name(c->cpu));
    *out = c;
    return FV_OK;
}

void fv_context_free(fv_context **ctx)
{
    if (!ctx || !*ctx) return;
    fvi_timing_cache_free(&(*ctx)->timings);
    fvi_pool_free(&(*ctx)->pool);
    FVI_FREE(*ctx);
}

int fv_context_threads(const fv_context *ctx) { return ctx ? fvi_pool_threads(ctx->pool) : 0; }
const char *fv_context_cpu_level(const fv_context *ctx) { return ctx ? fvi_cpu_level_name(ctx->cpu) : "c"; }
const char *fv_cpu_level(int i, const char **why_not)
{
    fvi_cpu_flags level;
    const char *name = fvi_cpu_level_at(i, &level);
    if (why_not) *why_not = name ? fvi_cpu_why_not(level) : NULL;
    return name;
}

const char *fv_context_cpu_name(const fv_context *ctx) { return ctx ? ctx->cpu_name : ""; }

fvi_pool *fvi_engine_pool(fv_context *ctx) { return ctx->pool; }
fvi_cpu_flags fvi_engine_cpu(const fv_context *ctx) { return ctx->cpu; }
const fvi_log *fvi_engine_log(const fv_context *ctx) { return &ctx->log; }
struct fvi_timing_cache *fvi_engine_timings(const fv_context *ctx) { return ctx->timings; }
int fvi_engine_tune_level(const fv_context *ctx) { return ctx->tune; }
