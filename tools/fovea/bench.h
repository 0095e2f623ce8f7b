/* bench.h: what the files of the verb `bench` share: the measured series, their statistics, and the profile of steps. */
#ifndef FOVEA_TOOL_BENCH_H
#define FOVEA_TOOL_BENCH_H
#include "ports.h"
#include <pthread.h>

/* Durations in the order in which they were measured. */
typedef struct bench_series {
    double *ms;
    size_t n, cap;
} bench_series;
typedef struct bench_stats {
    double min, max, mean, median, p90, p95, p99;
    double cv;    /* coefficient of variation: standard deviation / mean */
    double drift; /* median of the second half / that of the first, minus 1 */
    double *sorted; /* owned: free() */
    size_t n;
} bench_stats;
typedef struct bench_result {
    bench_stats latency, compute, host;
    double throughput; /* images a second */
    text warnings[4];
    int n_warnings;
} bench_result;

/* One caller: a session with its inputs and outputs, and what it measured. Several run at the same time with --streams. */
struct bench;
typedef struct bench_lane {
    struct bench *b;
    fv_context *ctx; /* threads of its own; null = the model's */
    pthread_t thread;
    fv_status status;
    fv_error err;
    fv_session *session;
    fv_tensor *in, *out;
    int n_in, n_out;
    bench_series latency, compute, host;
} bench_lane;
typedef struct bench {
    const cli_args *a;
    fv_context *ctx;
    fv_model *model;
    fv_port *wanted;
    bench_lane *lanes; /* [streams] */
    int streams;
    double started; /* of the measurement, ms */
    double wall_s, warm_up_ms;
    int warm_up_runs, batch;
    double load_ms, refit_ms, session_ms; /* model opened; --refitFromOnnx up to the packing, which is the session's; sessions made */
    double peak; /* GFLOP/s of the threads in use; 0 = not measured */
    text shapes;
} bench;

const char *bench_model(const cli_args *a); /* MODEL or --loadEngine */

/* bench_stats.c. s: n >= 1. */
void bench_add(bench_series *s, double ms);
void bench_stats_of(const bench_series *s, bench_stats *r);
double bench_percentile(const bench_stats *r, double p); /* the smallest value with at least p percent of the runs at or below it */
void bench_judge(const bench *b, bench_result *r); /* the rest of r from its statistics; fills the warnings */
void bench_result_free(bench_result *r);

/* bench_report.c */
void bench_print(const bench *b, const bench_result *r);
void bench_print_profile(const bench *b);
void bench_json(text *t, const bench *b, const bench_result *r, bool layers);
#endif
