/* verb_bench.c: latency and throughput of a model, as trtexec and benchmark_app report them. Latency is what a caller
 * waits: inputs copied in, network run, outputs copied out; compute is the network alone. */
#include "bench.h"
#include "engines.h"
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double now_ms(void) { return tool_seconds() * 1e3; }

/* Streams divide the threads; all but the first read the first one's weights. */
static fv_status open_lane(bench *b, bench_lane *l, int profile, fv_error *err)
{
    const fv_port *in, *out;
    const int i = (int)(l - b->lanes), threads = fv_context_threads(b->ctx);
    fv_status s = FV_OK;
    l->b = b;
    fv_session_free(&l->session);
    const double start = now_ms();
    if (b->streams > 1 && !l->ctx)
        s = fv_context_create(&l->ctx, FV_CONTEXT_OPTIONS(.threads = threads / b->streams + (i < threads % b->streams)), err);
    if (s >= 0)
        s = ports_session_with(&l->session, b->model, b->wanted,
                               FV_SESSION_OPTIONS(.batch = (int)cli_int(b->a, "batch", 0), .profile = profile, .ctx = profile ? NULL : l->ctx,
                                                  .share = i ? b->lanes[0].session : NULL),
                               err);
    if (s < 0) return s;
    if (!profile) b->session_ms += now_ms() - start;
    l->n_in = fv_session_inputs(l->session, &in);
    l->n_out = fv_session_outputs(l->session, &out);
    b->batch = l->n_in && in[0].rank ? (int)in[0].dim[0] : 1;
    if (l->in) return FV_OK; /* the second session has the same shapes */
    l->in = tool_alloc(((size_t)l->n_in + 1) * sizeof *l->in);
    l->out = tool_alloc(((size_t)l->n_out + 1) * sizeof *l->out);
    for (int k = 0; k < l->n_in; k++) {
        ports_random(&in[k], (uint64_t)cli_int(b->a, "seed", 1), k, &l->in[k]);
        if (i) continue;
        text_printf(&b->shapes, "%s%s:", k ? "," : "", in[k].name);
        port_shape(&b->shapes, &in[k], 'x');
    }
    for (int k = 0; k < l->n_out; k++) ports_empty(&out[k], &l->out[k]);
    return FV_OK;
}

static fv_status prepare(bench *b, fv_error *err)
{
    fv_status s = FV_OK;
    b->streams = (int)cli_int(b->a, "streams", 1);
    b->lanes = tool_alloc(((size_t)b->streams + 1) * sizeof *b->lanes);
    for (int i = 0; i < b->streams && s >= 0; i++) s = open_lane(b, &b->lanes[i], 0, err);
    return s;
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

/* A lane's part of the measurement: at least --iterations runs over all lanes and --duration seconds. */
static void *measure_lane(void *arg)
{
    bench_lane *l = arg;
    const bench *b = l->b;
    const double duration = cli_real(b->a, "duration", 3) * 1e3;
    const int64_t iterations = (cli_int(b->a, "iterations", 10) + b->streams - 1) / b->streams;
    const int window = b->streams == 1 && !cli_on(b->a, "quiet") ? (int)cli_int(b->a, "avgRuns", 0) : 0;
    do {
        l->status = run_once(l, true, &l->err);
        if (l->status < 0) break;
        if (window && l->latency.n % (size_t)window == 0) print_average(l, window);
    } while (((int64_t)l->latency.n < iterations || now_ms() - b->started < duration) && !cli_stopped());
    return NULL;
}

/* Every lane but the first has a thread of its own. */
static fv_status measure_lanes(bench *b, fv_error *err)
{
    int n = 1;
    b->started = now_ms();
    while (n < b->streams && pthread_create(&b->lanes[n].thread, NULL, measure_lane, &b->lanes[n]) == 0) n++;
    const bool all = n == b->streams;
    if (all) measure_lane(&b->lanes[0]);
    for (int i = 1; i < n; i++) pthread_join(b->lanes[i].thread, NULL);
    b->wall_s = (now_ms() - b->started) / 1e3;
    for (int i = 0; i < n && all; i++)
        if (b->lanes[i].status < 0) {
            *err = b->lanes[i].err;
            return b->lanes[i].status;
        }
    if (!all) snprintf(err->text, sizeof err->text, "the system gives no more threads");
    return all ? FV_OK : FV_ERR_MEMORY;
}

/* Warm-up for --warmUp ms (at least one run of each lane), then all lanes together. */
static fv_status measure(bench *b, fv_error *err)
{
    const double warm = cli_real(b->a, "warmUp", 200);
    double start = now_ms();
    do {
        for (int i = 0; i < b->streams; i++) {
            fv_status s = run_once(&b->lanes[i], false, err);
            if (s < 0) return s;
            b->warm_up_runs++;
        }
    } while (now_ms() - start < warm && !cli_stopped());
    b->warm_up_ms = now_ms() - start;
    return measure_lanes(b, err);
}

/* All lanes' series in one, the first runs of all first. */
static void merge(const bench *b, size_t offset, bench_series *all)
{
    bool more = true;
    for (size_t k = 0; more; k++) {
        more = false;
        for (int i = 0; i < b->streams; i++) {
            const bench_series *s = (const bench_series *)(const void *)((const char *)&b->lanes[i] + offset);
            if (k < s->n) bench_add(all, s->ms[k]);
            more = more || k + 1 < s->n;
        }
    }
}

static void stats_of_all(const bench *b, size_t offset, bench_stats *r)
{
    bench_series all = {0};
    merge(b, offset, &all);
    bench_stats_of(&all, r);
    free(all.ms);
}

/* The steps are timed in a session of their own, so that the figures above do not pay for the clocks. */
static fv_status profile(bench *b, fv_error *err)
{
    const char *precision = fv_model_precision(b->model); /* bytes are compared with what floats could do */
    fv_status s = fv_context_measure_peak(b->ctx, strcmp(precision, "int8") ? precision : "fp32", &b->peak, err);
    if (s >= 0) s = open_lane(b, &b->lanes[0], 1, err);
    for (int i = 0; i < 2 && s >= 0; i++) s = run_once(&b->lanes[0], false, err);
    if (s < 0) return s;
    fv_session_reset_profile(b->lanes[0].session);
    double start = now_ms();
    for (int i = 0; (i < 10 || now_ms() - start < 1000) && s >= 0 && !cli_stopped(); i++) s = run_once(&b->lanes[0], false, err);
    return s;
}

static int report(bench *b)
{
    fv_error err = {0};
    fv_status s = FV_OK;
    bench_result r = {0};
    const char *json = cli_text(b->a, "json");
    bool steps = cli_on(b->a, "dump-profile"), talk = !cli_on(b->a, "quiet") && !(json && strcmp(json, "-") == 0);
    stats_of_all(b, offsetof(bench_lane, latency), &r.latency);
    stats_of_all(b, offsetof(bench_lane, compute), &r.compute);
    stats_of_all(b, offsetof(bench_lane, host), &r.host);
    bench_judge(b, &r);
    if (talk) bench_print(b, &r);
    fflush(stdout);
    for (int i = 0; i < r.n_warnings; i++) cli_warn(b->a, "%s", r.warnings[i].s);
    /* the session to be replaced is the one whose weights the others read */
    for (int i = b->streams - 1; i > 0 && steps; i--) fv_session_free(&b->lanes[i].session);
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
    fv_context_free(&l->ctx);
}

const char *bench_model(const cli_args *a) { return cli_given(a, "loadEngine") ? cli_text(a, "loadEngine") : cli_positional(a, 0); }

/* The model becomes the engine with the weights of --refitFromOnnx. */
static int refit(bench *b)
{
    fv_model *with = NULL;
    if (!fv_engine_info(b->model, "version")) return cli_usage(b->a, "--refitFromOnnx: %s is no engine file, it has its weights", bench_model(b->a));
    int code = engine_refitted(b->a, b->ctx, b->model, cli_text(b->a, "refitFromOnnx"), &with, &b->refit_ms);
    if (code) return code;
    fv_model_free(&b->model);
    b->model = with;
    return EXIT_OK;
}

static int run(const cli_args *a)
{
    bench b = {.a = a};
    fv_error err = {0};
    int code = check_flags(a);
    const double start = now_ms();
    if (!code) code = cli_given(a, "loadEngine") && cli_positionals(a) ? cli_usage(a, "MODEL and --loadEngine say the same thing; give one of them") : EXIT_OK;
    if (!code && !cli_given(a, "loadEngine") && !cli_positionals(a)) code = cli_usage(a, "which model? give MODEL or --loadEngine F.fv");
    if (!code) code = ports_load_from(a, bench_model(a), &b.ctx, &b.model);
    if (code) return code;
    b.load_ms = now_ms() - start;
    if (cli_given(a, "refitFromOnnx")) code = refit(&b);
    if (cli_int(a, "streams", 1) > fv_context_threads(b.ctx))
        code = cli_usage(a, "--streams %d need at least as many threads; there are %d", (int)cli_int(a, "streams", 1), fv_context_threads(b.ctx));
    if (!code) code = ports_wanted(a, b.model, &b.wanted);
    if (!code) code = ports_complete(a, b.model, b.wanted);
    if (!code) {
        fv_status s = prepare(&b, &err);
        cli_on_stop(cli_only_stop, NULL); /* the first Ctrl-C ends the measurement, not the program */
        if (s >= 0) s = measure(&b, &err);
        code = s < 0 ? cli_fail(a, s, &err) : report(&b);
    }
    for (int i = b.streams - 1; i >= 0; i--) free_lane(&b.lanes[i]);
    free(b.lanes);
    free(b.wanted);
    text_free(&b.shapes);
    fv_model_free(&b.model);
    fv_context_free(&b.ctx);
    return code;
}

static const cli_flag flags[] = {
    {"loadEngine", "F.fv", "an engine file instead of MODEL, as trtexec says it"},
    {"refitFromOnnx", "MODEL.onnx", "put the weights of a model into the engine first (a stripped one needs it)"},
    {"timeDeserialize", NULL, "print how long loading took: file opened, checked, planned, ready to run", CLI_SWITCH},
    {"timeRefit", NULL, "print how long --refitFromOnnx took: model read, compared, weights packed", CLI_SWITCH},
    {"warmUp", "MS", "run this long before measuring (200)", CLI_REAL, 0, 1e7},
    {"duration", "S", "measure at least this long (3)", CLI_REAL, 0, 1e6},
    {"iterations", "N", "measure at least so many runs (10)", CLI_INT, 1, 1e9},
    {"avgRuns", "N", "print the average of every N runs", CLI_INT, 1, 1e6},
    {"percentile", "P,...", "percentiles to print (90,95,99)"},
    {"streams", "N", "callers at the same time, each with its share of the threads (1): throughput instead of latency", CLI_INT, 1, 64},
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
    .usage = "MODEL|- [flags]",
    .details = "Latency is what a caller waits: inputs copied in, network, outputs copied out. Compute is the network\n"
               "alone, host is the copying; cv is the coefficient of variation. Every output is computed in full.\n"
               "A profile counts the multiplies that are executed (Winograd: a quarter) and measures what the threads\n"
               "could do at most (all threads on one run). Implementations that are not remembered are timed first.",
    .example = "fovea bench yolov8n.onnx --threads 2 --duration 5\nfovea bench --loadEngine yolov8n.fv --batch 8 --timeDeserialize\nfovea bench yolov8n.onnx --dump-profile --json bench.json",
    .groups = {{"measuring", flags}, {"computing", cli_flags_compute}},
    .positional = "model",
    .words = "FILE|person|mark|fill",
    .min_args = 0,
    .max_args = 1,
    .tune = 3,
    .run = run,
};
