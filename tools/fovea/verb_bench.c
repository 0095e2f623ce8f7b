/* verb_bench.c: latency and throughput of a model, as trtexec and benchmark_app report them. Latency is what a caller
 * waits: inputs copied in, network run, outputs copied out; compute is the network alone. */
#include "ports.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct series {
    double *ms;
    size_t n, cap;
} series;
typedef struct stats {
    double min, max, mean, median;
} stats;
typedef struct bench {
    const cli_args *a;
    fv_context *ctx;
    fv_model *model;
    fv_session *session;
    fv_port *wanted;
    fv_tensor *in, *out;
    int n_in, n_out;
    series latency, compute, host;
    double wall_s, warm_up_ms;
    int warm_up_runs, batch;
    text shapes;
} bench;

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void add(series *s, double ms)
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

/* of a sorted series: the smallest value with at least p percent of the runs at or below it */
static double percentile(const series *s, double p)
{
    double rank = ceil(p / 100 * (double)s->n);
    return s->ms[rank < 1 ? 0 : rank >= (double)s->n ? s->n - 1 : (size_t)rank - 1];
}

static stats stats_of(series *s)
{
    stats r = {0};
    for (size_t i = 0; i < s->n; i++) r.mean += s->ms[i] / (double)s->n;
    qsort(s->ms, s->n, sizeof *s->ms, order);
    r.min = s->ms[0];
    r.max = s->ms[s->n - 1];
    r.median = s->n % 2 ? s->ms[s->n / 2] : (s->ms[s->n / 2 - 1] + s->ms[s->n / 2]) / 2;
    return r;
}

static void keep_results(void *unused) { (void)unused; } /* the first Ctrl-C ends the measurement, not the program */

static fv_status prepare(bench *b, int profile, fv_error *err)
{
    const fv_port *in, *out;
    fv_session_free(&b->session);
    fv_status s = ports_session(&b->session, b->model, b->wanted, (int)cli_int(b->a, "batch", 0), profile, err);
    if (s < 0) return s;
    b->n_in = fv_session_inputs(b->session, &in);
    b->n_out = fv_session_outputs(b->session, &out);
    b->batch = b->n_in && in[0].rank ? (int)in[0].dim[0] : 1;
    if (b->in) return FV_OK; /* the second session has the same shapes */
    b->in = tool_alloc(((size_t)b->n_in + 1) * sizeof *b->in);
    b->out = tool_alloc(((size_t)b->n_out + 1) * sizeof *b->out);
    for (int i = 0; i < b->n_in; i++) {
        ports_random(&in[i], (uint64_t)cli_int(b->a, "seed", 1), i, &b->in[i]);
        text_printf(&b->shapes, "%s%s:", i ? "," : "", in[i].name);
        port_shape(&b->shapes, &in[i], 'x');
    }
    for (int i = 0; i < b->n_out; i++) ports_empty(&out[i], &b->out[i]);
    return FV_OK;
}

static fv_status run_once(bench *b, bool keep, fv_error *err)
{
    double t0 = now_ms();
    for (int i = 0; i < b->n_in; i++) {
        fv_status s = fv_session_set_input(b->session, i, &b->in[i], err);
        if (s < 0) return s;
    }
    double t1 = now_ms();
    fv_status s = fv_session_run(b->session);
    if (s < 0) return s;
    double t2 = now_ms();
    for (int i = 0; i < b->n_out; i++) {
        s = fv_session_get_output(b->session, i, &b->out[i], err);
        if (s < 0) return s;
    }
    double t3 = now_ms();
    if (keep) {
        add(&b->latency, t3 - t0);
        add(&b->compute, t2 - t1);
        add(&b->host, (t1 - t0) + (t3 - t2));
    }
    return FV_OK;
}

static void print_average(bench *b, int window)
{
    double sum[3] = {0};
    for (size_t i = b->latency.n - (size_t)window; i < b->latency.n; i++) {
        sum[0] += b->latency.ms[i];
        sum[1] += b->compute.ms[i];
        sum[2] += b->host.ms[i];
    }
    printf("average of %d runs: latency %.3f ms, compute %.3f ms, host %.3f ms\n", window, sum[0] / window, sum[1] / window, sum[2] / window);
}

/* Warm-up for --warmUp ms (at least one run), then at least --iterations runs and --duration seconds. */
static fv_status measure(bench *b, fv_error *err)
{
    const double warm = cli_real(b->a, "warmUp", 200), duration = cli_real(b->a, "duration", 3) * 1e3;
    const int64_t iterations = cli_int(b->a, "iterations", 10);
    const int window = (int)cli_int(b->a, "avgRuns", 0);
    double start = now_ms();
    do {
        fv_status s = run_once(b, false, err);
        if (s < 0) return s;
        b->warm_up_runs++;
    } while (now_ms() - start < warm && !cli_stopped());
    b->warm_up_ms = now_ms() - start;
    start = now_ms();
    do {
        fv_status s = run_once(b, true, err);
        if (s < 0) return s;
        if (window && b->latency.n % (size_t)window == 0 && !cli_on(b->a, "quiet")) print_average(b, window);
    } while (((int64_t)b->latency.n < iterations || now_ms() - start < duration) && !cli_stopped());
    b->wall_s = (now_ms() - start) / 1e3;
    return FV_OK;
}

/* The steps are timed in a session of their own, so that the figures above do not pay for the clocks. */
static fv_status profile(bench *b, fv_error *err)
{
    fv_status s = prepare(b, 1, err);
    for (int i = 0; i < 2 && s >= 0; i++) s = run_once(b, false, err);
    if (s < 0) return s;
    fv_session_reset_profile(b->session);
    double start = now_ms();
    for (int i = 0; (i < 10 || now_ms() - start < 1000) && s >= 0 && !cli_stopped(); i++) s = run_once(b, false, err);
    return s;
}

static double step_ms(const fv_step_info *i) { return i->runs ? i->total_ms / (double)i->runs : 0; }

static double total_step_ms(const bench *b)
{
    fv_step_info info;
    double total = 0;
    for (int i = 0; fv_session_step(b->session, i, &info) == FV_OK; i++) total += step_ms(&info);
    return total;
}

static void print_profile(const bench *b)
{
    fv_step_info info;
    double total = total_step_ms(b);
    printf("\n%4s %9s %6s %9s  %-22s %-18s %s\n", "step", "ms", "%", "GFLOP/s", "implementation", "output", "name");
    for (int i = 0; fv_session_step(b->session, i, &info) == FV_OK; i++) {
        double ms = step_ms(&info);
        text name = {0};
        text_terminal(&name, info.name ? info.name : "");
        printf("%4d %9.4f %6.2f %9.1f  %-22s %-18s %s\n", i, ms, total > 0 ? 100 * ms / total : 0, ms > 0 ? info.gflop / ms * 1e3 : 0,
               info.tactic ? info.tactic : info.op, info.shape, name.s ? name.s : "");
        text_free(&name);
    }
    printf("%4s %9.4f\n", "sum", total);
}

static void json_stats(text *t, const char *key, series *s, const stats *r)
{
    const double v[] = {r->min, r->max, r->mean, r->median, percentile(s, 90), percentile(s, 95), percentile(s, 99)};
    static const char *const names[] = {"min", "max", "mean", "median", "p90", "p95", "p99"};
    text_printf(t, ",\"%s\":{", key);
    for (int i = 0; i < 7; i++) {
        text_printf(t, "%s\"%s\":", i ? "," : "", names[i]);
        text_number(t, v[i], 5);
    }
    text_add(t, "}");
}

static void json_layers(text *t, const bench *b)
{
    fv_step_info info;
    text_add(t, ",\"layers\":[");
    for (int i = 0; fv_session_step(b->session, i, &info) == FV_OK; i++) {
        const char *const keys[] = {"name", "op", "tactic", "shape"}, *const values[] = {info.name, info.op, info.tactic, info.shape};
        text_add(t, i ? ",{" : "{");
        for (int k = 0; k < 4; k++) {
            text_printf(t, "%s\"%s\":", k ? "," : "", keys[k]);
            text_json(t, values[k]);
        }
        text_add(t, ",\"ms\":");
        text_number(t, step_ms(&info), 6);
        text_add(t, ",\"gflop\":");
        text_number(t, info.gflop, 6);
        text_add(t, "}");
    }
    text_add(t, "]");
}

static void json_text(text *t, bench *b, const stats *latency, const stats *compute, const stats *host, bool layers)
{
    text_add(t, "{\"model\":");
    text_json(t, cli_positional(b->a, 0));
    text_add(t, ",\"device\":");
    text_json(t, fv_model_device(b->model));
    text_add(t, ",\"precision\":");
    text_json(t, fv_model_precision(b->model));
    text_add(t, ",\"level\":");
    text_json(t, fv_context_cpu_level(b->ctx));
    text_printf(t, ",\"threads\":%d,\"shapes\":", fv_context_threads(b->ctx));
    text_json(t, b->shapes.s ? b->shapes.s : "");
    text_printf(t, ",\"batch\":%d,\"runs\":%zu", b->batch, b->latency.n);
    json_stats(t, "latency_ms", &b->latency, latency);
    json_stats(t, "compute_ms", &b->compute, compute);
    json_stats(t, "host_ms", &b->host, host);
    text_add(t, ",\"throughput_ips\":");
    text_number(t, (double)b->latency.n * b->batch / b->wall_s, 4);
    if (layers)
        json_layers(t, b);
    else
        text_add(t, ",\"layers\":[]");
    text_add(t, "}\n");
}

static void print_row(const bench *b, const char *name, const series *s, const stats *r)
{
    printf("%-10s min %.3f  max %.3f  mean %.3f  median %.3f", name, r->min, r->max, r->mean, r->median);
    if (cli_given(b->a, "percentile"))
        for (const char *p = cli_text(b->a, "percentile"); p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
            printf("  p%g %.3f", strtod(p, NULL), percentile(s, strtod(p, NULL)));
    else
        printf("  p90 %.3f  p95 %.3f  p99 %.3f", percentile(s, 90), percentile(s, 95), percentile(s, 99));
    puts(" ms");
}

static void print_results(bench *b, const stats *latency, const stats *compute, const stats *host)
{
    fv_session_info info;
    fv_session_get_info(b->session, &info);
    text name = {0};
    text_terminal(&name, cli_positional(b->a, 0));
    text_add(&name, "\nshapes     ");
    text_terminal(&name, b->shapes.s ? b->shapes.s : "");
    printf("model      %s\n", name.s);
    printf("device     %s %s, %s, %d threads\n", fv_model_device(b->model), fv_context_cpu_level(b->ctx), fv_model_precision(b->model), fv_context_threads(b->ctx));
    printf("runs       %zu in %.2f s, after %d to warm up in %.2f s\n", b->latency.n, b->wall_s, b->warm_up_runs, b->warm_up_ms / 1e3);
    print_row(b, "latency", &b->latency, latency);
    print_row(b, "compute", &b->compute, compute);
    print_row(b, "host", &b->host, host);
    printf("throughput %.2f images/s at batch %d", (double)b->latency.n * b->batch / b->wall_s, b->batch);
    if (info.gflop > 0) printf(", %.1f GFLOP/s", info.gflop / compute->median * 1e3);
    printf("\nmemory     %.1f MB activations, %.1f MB weights, planned in %.1f ms, %d steps\n", (double)info.arena_bytes / 1e6,
           (double)info.weight_bytes / 1e6, info.plan_ms, info.steps);
    text_free(&name);
}

static int report(bench *b)
{
    fv_error err = {0};
    fv_status s = FV_OK;
    stats latency = stats_of(&b->latency), compute = stats_of(&b->compute), host = stats_of(&b->host);
    const char *json = cli_text(b->a, "json");
    bool steps = cli_on(b->a, "dump-profile"), talk = !cli_on(b->a, "quiet") && !(json && strcmp(json, "-") == 0);
    if (talk) print_results(b, &latency, &compute, &host);
    if (steps) s = profile(b, &err);
    if (s >= 0 && steps && talk) print_profile(b);
    if (s >= 0 && json) {
        text t = {0};
        json_text(&t, b, &latency, &compute, &host, steps);
        s = cli_write_file(json, t.s, t.len, &err);
        text_free(&t);
    }
    if (s < 0) return cli_fail(b->a, s, &err);
    return cli_stop_code();
}

static int check_flags(const cli_args *a)
{
    fv_error err = {0};
    for (const char *p = cli_text(a, "percentile"); p;) {
        char *end;
        double v = strtod(p, &end);
        if (end == p || (*end && *end != ',') || !(v > 0 && v <= 100)) return cli_usage(a, "--percentile %s: numbers above 0 up to 100, with commas", cli_text(a, "percentile"));
        p = *end ? end + 1 : NULL;
    }
    fv_status s = cli_given(a, "json") ? cli_check_output(a, cli_text(a, "json"), &err) : FV_OK;
    return s < 0 ? cli_fail(a, s, &err) : EXIT_OK;
}

static int run(const cli_args *a)
{
    bench b = {.a = a};
    fv_error err = {0};
    int code = check_flags(a);
    if (!code) code = ports_load(a, &b.ctx, &b.model);
    if (code) return code;
    code = ports_wanted(a, b.model, &b.wanted);
    if (!code) code = ports_complete(a, b.model, b.wanted);
    if (!code) {
        fv_status s = prepare(&b, 0, &err);
        cli_on_stop(keep_results, NULL);
        if (s >= 0) s = measure(&b, &err);
        code = s < 0 ? cli_fail(a, s, &err) : report(&b);
    }
    fv_session_free(&b.session);
    for (int i = 0; i < b.n_in && b.in; i++) free(b.in[i].data);
    for (int i = 0; i < b.n_out && b.out; i++) free(b.out[i].data);
    free(b.in);
    free(b.out);
    free(b.wanted);
    free(b.latency.ms);
    free(b.compute.ms);
    free(b.host.ms);
    text_free(&b.shapes);
    fv_model_free(&b.model);
    fv_context_free(&b.ctx);
    return code;
}

static const cli_flag flags[] = {
    {"warmUp", "MS", "run this long before measuring (200)", CLI_REAL, 0, 1e7},
    {"duration", "S", "measure at least this long (3)", CLI_REAL, 0, 1e6},
    {"iterations", "N", "measure at least so many runs (10)", CLI_INT, 1, 1e9},
    {"avgRuns", "N", "print the average of every N runs", CLI_INT, 1, 1e6},
    {"percentile", "P,...", "percentiles to print (90,95,99)"},
    {"batch", "N", "first dimension of every input (as declared)", CLI_INT, 1, 4096},
    {"shapes", "NAME:1x3x640x640", "shape of an input; again for each (as declared)"},
    {"seed", "S", "of the random inputs (1)", CLI_INT, 0, 1e15},
    {"dump-profile", NULL, "time every step, in runs of their own", CLI_SWITCH, .alias = "dumpProfile"},
    {"json", "F|-", "write the figures as JSON"},
    {"overwrite", NULL, "replace outputs that exist (they are refused)", CLI_SWITCH},
    {0}};

const cli_verb cli_verb_bench = {
    .name = "bench",
    .job = "latency and throughput of a model, per step if wanted",
    .usage = "MODEL [flags]",
    .details = "Latency is what a caller waits: inputs copied in, network, outputs copied out. Compute is the network\n"
               "alone, host is the copying. Every output is computed in full.",
    .example = "fovea bench yolov8n.onnx --threads 2 --duration 5\nfovea bench yolov8n.onnx --dump-profile --json bench.json",
    .groups = {{"measuring", flags}, {"computing", cli_flags_compute}},
    .positional = "model",
    .words = "FILE|person|mark|fill",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
