/* bench_stats.c: series of durations -> statistics, and what about them a reader should be warned of. */
#include "bench.h"
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define ENOUGH_RUNS 20   /* fewer say nothing about how steady a machine is */
#define UNSTEADY_CV 0.05
#define DRIFT 0.10
#define HOST_SHARE 0.2

void bench_add(bench_series *s, double ms)
{
    if (s->n == s->cap) {
        size_t cap = s->cap * 2 + 1024;
        double *bigger = tool_alloc(cap * sizeof *bigger);
        if (s->n) memcpy(bigger, s->ms, s->n * sizeof *bigger);
        free(s->ms);
        s->ms = bigger;
        s->cap = cap;
    }
    s->ms[s->n++] = ms;
}

static int order(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double *sorted(const double *ms, size_t n)
{
    double *v = tool_alloc((n + 1) * sizeof *v);
    memcpy(v, ms, n * sizeof *v);
    qsort(v, n, sizeof *v, order);
    return v;
}

static double median_of(const double *v, size_t n) { return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2; }

double bench_percentile(const bench_stats *r, double p)
{
    double rank = ceil(p / 100 * (double)r->n);
    return r->sorted[rank < 1 ? 0 : rank >= (double)r->n ? r->n - 1 : (size_t)rank - 1];
}

static double drift_of(const bench_series *s)
{
    size_t half = s->n / 2;
    if (!half) return 0;
    double *first = sorted(s->ms, half), *second = sorted(s->ms + (s->n - half), half);
    double was = median_of(first, half), is = median_of(second, half);
    free(first);
    free(second);
    return was > 0 ? is / was - 1 : 0;
}

void bench_stats_of(const bench_series *s, bench_stats *r)
{
    double squares = 0;
    *r = (bench_stats){.n = s->n, .sorted = sorted(s->ms, s->n)};
    for (size_t i = 0; i < s->n; i++) r->mean += s->ms[i] / (double)s->n;
    for (size_t i = 0; i < s->n; i++) squares += (s->ms[i] - r->mean) * (s->ms[i] - r->mean) / (double)s->n;
    r->min = r->sorted[0];
    r->max = r->sorted[s->n - 1];
    r->median = median_of(r->sorted, s->n);
    r->cv = r->mean > 0 ? sqrt(squares) / r->mean : 0;
    r->drift = drift_of(s);
    r->p90 = bench_percentile(r, 90);
    r->p95 = bench_percentile(r, 95);
    r->p99 = bench_percentile(r, 99);
}

static int cpus(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

void bench_judge(const bench *b, bench_result *r)
{
    const bool enough = r->compute.n >= ENOUGH_RUNS;
    const int threads = fv_context_threads(b->ctx), have = cpus();
    text *w = r->warnings;
    r->throughput = (double)r->latency.n * b->batch / b->wall_s;
    if (have && threads > have)
        text_printf(w++, "%d threads on %d CPUs: they wait for each other", threads, have);
    if (enough && r->compute.cv > UNSTEADY_CV)
        text_printf(w++, "the network's time is unstable (coefficient of variation %.1f %%): look at minimum and median, and measure longer or on a quieter machine",
                    100 * r->compute.cv);
    if (enough && fabs(r->compute.drift) > DRIFT)
        text_printf(w++, "the second half of the runs was %.0f %% %s than the first: a longer --warmUp, or a machine whose clock stands still",
                    100 * fabs(r->compute.drift), r->compute.drift > 0 ? "slower" : "faster");
    if (enough && r->host.mean > HOST_SHARE * r->latency.mean)
        text_printf(w++, "copying inputs and outputs takes %.0f %% of the latency", 100 * r->host.mean / r->latency.mean);
    r->n_warnings = (int)(w - r->warnings);
}

void bench_result_free(bench_result *r)
{
    free(r->latency.sorted);
    free(r->compute.sorted);
    free(r->host.sorted);
    for (int i = 0; i < r->n_warnings; i++) text_free(&r->warnings[i]);
}
