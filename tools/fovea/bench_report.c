/* bench_report.c: the figures of `bench` as text and as JSON (docs/FORMATS.md). */
#include "bench.h"
#include "tuning.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static double step_ms(const fv_step_info *i) { return i->runs ? i->total_ms / (double)i->runs : 0; }
static double step_rate(const fv_step_info *i) { return i->total_ms > 0 ? i->executed_gflop / step_ms(i) * 1e3 : 0; }

static void total_of(const bench *b, double *ms, double *executed)
{
    fv_step_info info;
    *ms = *executed = 0;
    for (int i = 0; fv_session_step(b->lanes[0].session, i, &info) == FV_OK; i++) {
        *ms += step_ms(&info);
        *executed += info.executed_gflop;
    }
}

static double share_of_peak(const bench *b, double rate) { return b->peak > 0 ? 100 * rate / b->peak : 0; }

void bench_print_profile(const bench *b)
{
    fv_step_info info;
    double total, executed;
    total_of(b, &total, &executed);
    printf("\npeak       %.1f GFLOP/s measured: %s, %s, %d threads; rates and shares count executed multiplies\n", b->peak, fv_model_precision(b->model),
           fv_context_cpu_level(b->ctx), fv_context_threads(b->ctx));
    printf("%4s %9s %6s %9s %6s  %-5s %-22s %-18s %s\n", "step", "ms", "%", "GFLOP/s", "peak %", "type", "implementation", "output", "name");
    for (int i = 0; fv_session_step(b->lanes[0].session, i, &info) == FV_OK; i++) {
        double ms = step_ms(&info), rate = step_rate(&info);
        text name = {0};
        text_terminal(&name, info.name ? info.name : "");
        printf("%4d %9.4f %6.2f %9.1f %6.1f  %-5s %-22s %-18s %s\n", i, ms, total > 0 ? 100 * ms / total : 0, rate, share_of_peak(b, rate), info.precision,
               info.tactic[0] ? info.tactic : info.op, info.shape, name.s ? name.s : "");
        text_free(&name);
    }
    double rate = total > 0 ? executed / total * 1e3 : 0;
    printf("%4s %9.4f %6s %9.1f %6.1f\n", "sum", total, "", rate, share_of_peak(b, rate));
}

static void json_stats(text *t, const char *key, const bench_stats *r)
{
    const double v[] = {r->min, r->max, r->mean, r->median, r->p90, r->p95, r->p99, r->cv};
    static const char *const names[] = {"min", "max", "mean", "median", "p90", "p95", "p99", "cv"};
    text_printf(t, ",\"%s\":{", key);
    for (int i = 0; i < 8; i++) {
        text_printf(t, "%s\"%s\":", i ? "," : "", names[i]);
        text_number(t, v[i], 5);
    }
    text_add(t, "}");
}

static void json_field(text *t, const char *key, double v, int decimals)
{
    text_printf(t, ",\"%s\":", key);
    text_number(t, v, decimals);
}

static void json_layers(text *t, const bench *b)
{
    fv_step_info info;
    text_add(t, ",\"layers\":[");
    for (int i = 0; fv_session_step(b->lanes[0].session, i, &info) == FV_OK; i++) {
        const char *const keys[] = {"name", "op", "tactic", "shape", "precision"};
        const char *const values[] = {info.name, info.op, info.tactic, info.shape, info.precision};
        text_add(t, i ? ",{" : "{");
        for (int k = 0; k < 5; k++) {
            text_printf(t, "%s\"%s\":", k ? "," : "", keys[k]);
            text_json(t, values[k]);
        }
        json_field(t, "ms", step_ms(&info), 6);
        json_field(t, "gflop", info.gflop, 6);
        json_field(t, "executed_gflop", info.executed_gflop, 6);
        json_field(t, "gflops", step_rate(&info), 3);
        json_field(t, "peak_share", share_of_peak(b, step_rate(&info)) / 100, 4);
        text_add(t, "}");
    }
    text_add(t, "]");
}

void bench_json(text *t, const bench *b, const bench_result *r, bool layers)
{
    text_add(t, "{\"model\":");
    text_json(t, bench_model(b->a));
    text_add(t, ",\"device\":");
    text_json(t, fv_model_device(b->model));
    text_add(t, ",\"precision\":");
    text_json(t, fv_model_precision(b->model));
    text_add(t, ",\"level\":");
    text_json(t, fv_context_cpu_level(b->ctx));
    text_printf(t, ",\"threads\":%d,\"streams\":%d,\"shapes\":", fv_context_threads(b->ctx), b->streams);
    text_json(t, b->shapes.s ? b->shapes.s : "");
    text_printf(t, ",\"batch\":%d,\"runs\":%zu,\"warm_up_runs\":%d", b->batch, r->latency.n, b->warm_up_runs);
    json_field(t, "warm_up_ms", b->warm_up_ms, 3);
    json_field(t, "wall_s", b->wall_s, 4);
    struct stat st;
    if (stat(bench_model(b->a), &st) == 0) text_printf(t, ",\"bytes\":%lld", (long long)st.st_size);
    json_field(t, "load_ms", b->load_ms, 3);
    json_field(t, "refit_ms", b->refit_ms, 3);
    json_field(t, "session_ms", b->session_ms, 3);
    json_stats(t, "latency_ms", &r->latency);
    json_stats(t, "compute_ms", &r->compute);
    json_stats(t, "host_ms", &r->host);
    json_field(t, "throughput_ips", r->throughput, 4);
    text_add(t, ",\"warnings\":[");
    for (int i = 0; i < r->n_warnings; i++) {
        if (i) text_add(t, ",");
        text_json(t, r->warnings[i].s);
    }
    text_add(t, "]");
    if (layers) {
        json_field(t, "peak_gflops", b->peak, 2);
        json_layers(t, b);
    } else {
        text_add(t, ",\"layers\":[]");
    }
    text_add(t, "}\n");
}

static void print_row(const bench *b, const char *name, const bench_stats *r)
{
    printf("%-10s min %.3f  max %.3f  mean %.3f  median %.3f", name, r->min, r->max, r->mean, r->median);
    if (cli_given(b->a, "percentile"))
        for (const char *p = cli_text(b->a, "percentile"); p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
            printf("  p%g %.3f", strtod(p, NULL), bench_percentile(r, strtod(p, NULL)));
    else
        printf("  p90 %.3f  p95 %.3f  p99 %.3f", r->p90, r->p95, r->p99);
    printf(" ms  cv %.1f %%\n", 100 * r->cv);
}

void bench_print(const bench *b, const bench_result *r)
{
    fv_session_info info;
    fv_session_get_info(b->lanes[0].session, &info);
    text name = {0};
    text_terminal(&name, bench_model(b->a));
    text_add(&name, "\nshapes     ");
    text_terminal(&name, b->shapes.s ? b->shapes.s : "");
    printf("model      %s\n", name.s);
    printf("precision  %s: %s\n", fv_model_precision(b->model), fv_model_precision_reason(b->model));
    printf("device     %s %s, %s, %d threads", fv_model_device(b->model), fv_context_cpu_level(b->ctx), fv_model_precision(b->model), fv_context_threads(b->ctx));
    printf(b->streams > 1 ? " in %d streams\n" : "\n", b->streams);
    printf("runs       %zu in %.2f s, after %d to warm up in %.2f s\n", r->latency.n, b->wall_s, b->warm_up_runs, b->warm_up_ms / 1e3);
    print_row(b, "latency", &r->latency);
    print_row(b, "compute", &r->compute);
    print_row(b, "host", &r->host);
    printf("throughput %.2f images/s at batch %d", r->throughput, b->batch);
    if (info.gflop > 0) printf(", %.1f GFLOP/s", info.gflop / b->batch * r->throughput);
    printf("\nmemory     %.1f MB activations, %.1f MB weights, planned in %.1f ms, %d steps\n", (double)info.arena_bytes / 1e6,
           (double)info.weight_bytes / 1e6, info.plan_ms, info.steps);
    const bool refitted = b->refit_ms > 0;
    if (cli_on(b->a, "timeDeserialize")) printf("load       %.2f ms: opened and checked %.2f, planned %.2f\n", b->load_ms + b->session_ms, b->load_ms, b->session_ms);
    if (cli_on(b->a, "timeRefit") && refitted)
        printf("refit      %.2f ms: model read and compared %.2f, planned and packed %.2f\n", b->refit_ms + b->session_ms, b->refit_ms, b->session_ms);
    text tactics = {0};
    tuning_text(&tactics, b->lanes[0].session);
    if (tactics.len) fputs(tactics.s, stdout);
    text_free(&tactics);
    text_free(&name);
}
