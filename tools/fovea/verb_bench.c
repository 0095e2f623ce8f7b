/* verb_bench.c: latency and throughput of a model, as trtexec and benchmark_app report them. Latency is what a caller
 * waits: inputs copied in, network run, outputs copied out; compute is the network alone. */
#include "bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void keep_results(void *unused) { (void)unused; } /* the first Ctrl-C ends the measurement, not the program */

static fv_status prepare(bench *b, int profile, fv_error *err)
{
    const fv_port *in, *out;
    bench_lane *l = &b->lane;
    fv_session_free(&l->session);
    fv_status s = ports_session(&l->session, b->model, b->wanted, (int)cli_int(b->a, "batch", 0), profile, err);
    if (s < 0) return s;
    l->n_in = fv_session_inputs(l->session, &in);
    l->n_out = fv_session_outputs(l->session, &out);
    b->batch = l->n_in && in[0].rank ? (int)in[0].dim[0] : 1;
    if (l->in) return FV_OK; /* the second session has the same shapes */
    l->in = tool_alloc(((size_t)l->n_in + 1) * sizeof *l->in);
    l->out = tool_alloc(((size_t)l->n_out + 1) * sizeof *l->out);
    for (int i = 0; i < l->n_in; i++) {
        ports_random(&in[i], (uint64_t)cli_int(b->a, "seed", 1), i, &l->in[i]);
        text_printf(&b->shapes, "%s%s:", i ? "," : "", in[i].name);
        port_shape(&b->shapes, &in[i], 'x');
    }
    for (int i = 0; i < l->n_out; i++) ports_empty(&out[i], &l->out[i]);
    return FV_OK;
}

static fv_status run_once(bench_lane *l, bool keep, fv_error *err)
{
    double t0 = now_ms();
    for (int i = 0; i < l->n_in; i++) {
        fv_status s = fv_session_set_input(l->session, i, &l->in[i], err);
        if (s < 0) return s;
    }
    double t1 = now_ms();
    fv_status s = fv_session_run(l->session);
    if (s < 0) return s;
    double t2 = now_ms();
    for (int i = 0; i < l->n_out; i++) {
        s = fv_session_get_output(l->session, i, &l->out[i], err);
        if (s < 0) return s;
    }
    double t3 = now_ms();
    if (keep) {
        bench_add(&l->latency, t3 - t0);
        bench_add(&l->compute, t2 - t1);
        bench_add(&l->host, (t1 - t0) + (t3 - t2));
    }
    return FV_OK;
}

static void print_average(const bench_lane *l, int window)
{
    double sum[3] = {0};
    for (size_t i = l->latency.n - (size_t)window; i < l->latency.n; i++) {
        sum[0] += l->latency.ms[i];
        sum[1] += l->compute.ms[i];
        sum[2] += l->host.ms[i];
    }
    printf("average of %d runs: latency %.3f ms, compute %.3f ms, host %.3f ms\n", window, sum[0] / window, sum[1] / window, sum[2] / window);
}

/* Warm-up for --warmUp ms (at least one run), then at least --iterations runs and --duration seconds. */
static fv_status measure(bench *b, fv_error *err)
{
    const double warm = cli_real(b->a, "warmUp", 200), duration = cli_real(b->a, "duration", 3) * 1e3;
    const int64_t iterations = cli_int(b->a, "iterations", 10);
    const int window = (int)cli_int(b->a, "avgRuns", 0);
    bench_lane *l = &b->lane;
    double start = now_ms();
    do {
        fv_status s = run_once(l, false, err);
        if (s < 0) return s;
        b->warm_up_runs++;
    } while (now_ms() - start < warm && !cli_stopped());
    b->warm_up_ms = now_ms() - start;
    start = now_ms();
    do {
        fv_status s = run_once(l, true, err);
        if (s < 0) return s;
        if (window && l->latency.n % (size_t)window == 0 && !cli_on(b->a, "quiet")) print_average(l, window);
    } while (((int64_t)l->latency.n < iterations || now_ms() - start < duration) && !cli_stopped());
    b->wall_s = (now_ms() - start) / 1e3;
    return FV_OK;
}

/* The steps are timed in a session of their own, so that the figures above do not pay for the clocks. */
static fv_status profile(bench *b, fv_error *err)
{
    fv_status s = fv_context_measure_peak(b->ctx, fv_model_precision(b->model), &b->peak, err);
    if (s >= 0) s = prepare(b, 1, err);
    for (int i = 0; i < 2 && s >= 0; i++) s = run_once(&b->lane, false, err);
    if (s < 0) return s;
    fv_session_reset_profile(b->lane.session);
    double start = now_ms();
    for (int i = 0; (i < 10 || now_ms() - start < 1000) && s >= 0 && !cli_stopped(); i++) s = run_once(&b->lane, false, err);
    return s;
}

static int report(bench *b)
{
    fv_error err = {0};
    fv_status s = FV_OK;
    bench_result r = {0};
    const char *json = cli_text(b->a, "json");
    bool steps = cli_on(b->a, "dump-profile"), talk = !cli_on(b->a, "quiet") && !(json && strcmp(json, "-") == 0);
    bench_stats_of(&b->lane.latency, &r.latency);
    bench_stats_of(&b->lane.compute, &r.compute);
    bench_stats_of(&b->lane.host, &r.host);
    bench_judge(b, &r);
    if (talk) bench_print(b, &r);
    fflush(stdout);
    for (int i = 0; i < r.n_warnings; i++) cli_warn(b->a, "%s", r.warnings[i].s);
    if (steps) s = profile(b, &err);
    if (s >= 0 && steps && talk) bench_print_profile(b);
    if (s >= 0 && json) {
        text t = {0};
        bench_json(&t, b, &r, steps);
        s = cli_write_file(json, t.s, t.len, &err);
        text_free(&t);
    }
    bench_result_free(&r);
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

static void free_lane(bench_lane *l)
{
    fv_session_free(&l->session);
    for (int i = 0; i < l->n_in && l->in; i++) free(l->in[i].data);
    for (int i = 0; i < l->n_out && l->out; i++) free(l->out[i].data);
    free(l->in);
    free(l->out);
    free(l->latency.ms);
    free(l->compute.ms);
    free(l->host.ms);
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
    free_lane(&b.lane);
    free(b.wanted);
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
    {"dump-profile", NULL, "time every step, in runs of their own: rates, shares of the measured peak", CLI_SWITCH, .alias = "dumpProfile"},
    {"json", "F|-", "write the figures as JSON"},
    {"overwrite", NULL, "replace outputs that exist (they are refused)", CLI_SWITCH},
    {0}};

const cli_verb cli_verb_bench = {
    .name = "bench",
    .job = "latency and throughput of a model, per step if wanted",
    .usage = "MODEL [flags]",
    .details = "Latency is what a caller waits: inputs copied in, network, outputs copied out. Compute is the network\n"
               "alone, host is the copying; cv is the coefficient of variation. Every output is computed in full.\n"
               "A profile counts the multiplies that are executed (Winograd: a quarter) and measures what the threads\n"
               "could do at most.",
    .example = "fovea bench yolov8n.onnx --threads 2 --duration 5\nfovea bench yolov8n.onnx --dump-profile --json bench.json",
    .groups = {{"measuring", flags}, {"computing", cli_flags_compute}},
    .positional = "model",
    .words = "FILE|person|mark|fill",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
