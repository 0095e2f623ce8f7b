/* run.h: a run file in memory, as the HTML page needs it. Strings live in the arena given to fvi_report_run_read. */
#ifndef FVI_REPORT_RUN_H
#define FVI_REPORT_RUN_H
#include "base/str.h"
#include "report/json_read.h"
#include <math.h>

#define FVI_REPORT_SCHEMA 1
#define FVI_REPORT_BUCKET_MS(i) (0.1 * pow(2.0, (i) / 16.0)) /* lower bound of a bucket of fv_metrics */
#define FVI_REPORT_MAX_STAGES 64
#define FVI_REPORT_MAX_RUNS 16

typedef struct fvi_report_stage {
    const char *name, *stage; /* "prep_ms", "prep" */
    const char *aliases;      /* comma-separated, or "" */
    double budget_ms;         /* 0 = none */
    double count, mean, min, max, p50, p95, p99, wait_ms;
} fvi_report_stage;

typedef struct fvi_report_run {
    const char *label; /* how the page calls it */
    const char *verb, *command, *started, *model, *device, *precision, *level, *machine, *bottleneck;
    int threads, input_w, input_h;
    const fvi_report_json *sources;
    double decoded, processed, dropped, skipped, wall_s, fps;
    int n_stages;
    fvi_report_stage stage[FVI_REPORT_MAX_STAGES];
    const fvi_report_stage *end_to_end; /* one of stage[], or null */
    const fvi_report_json *latency, *infer; /* [[ms, count], …] or null */
    const fvi_report_json *distribution;    /* the same of each metric, by name; or null */
    const fvi_report_json *summary;         /* or null */
} fvi_report_run;

/* FV_ERR_INPUT: no run file, err says why. */
fv_status fvi_report_run_read(fvi_report_run *r, fvi_arena *a, const char *text, const char *label, fv_error *err);
const fvi_report_stage *fvi_report_run_stage(const fvi_report_run *r, const char *stage); /* null = not in this run */

/* Parts of the page; each appends HTML to `out`. */
void fvi_report_page_head(fvi_str *out, const char *title);
void fvi_report_page_foot(fvi_str *out, const char *version);
void fvi_report_run_section(fvi_str *out, const fvi_report_run *r);
void fvi_report_compare_section(fvi_str *out, const fvi_report_run *runs, int n);
/* The distribution of one metric, small, on a logarithmic axis; nothing when there is none. */
void fvi_report_spark(fvi_str *out, const fvi_report_run *r, const fvi_report_stage *s);
/* html_tiles.c: `tiles` of a summary: what was looked at, when and where; scene: a PNG as data URI to draw on, or null. Nothing when it is none. */
void fvi_report_tiles_section(fvi_str *out, const fvi_report_json *tiles, const char *scene);
void fvi_report_latency_chart(fvi_str *out, const fvi_report_run *r);
void fvi_report_counting_section(fvi_str *out, const fvi_report_json *summary);
void fvi_report_heat_section(fvi_str *out, const fvi_report_json *heat); /* nothing when it is none */
void fvi_report_dwell_chart(fvi_str *out, const fvi_report_json *zone);
/* "12.3", "0.42", "1,234": as many digits as a reader needs. */
void fvi_report_ms(fvi_str *out, double ms);
void fvi_report_whole(fvi_str *out, double n);
#endif
