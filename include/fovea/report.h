/* report.h: a run's metrics as JSON (what --run writes), and the HTML page made from one or more of them. */
#ifndef FOVEA_REPORT_H
#define FOVEA_REPORT_H
#include <fovea/pipeline.h>
#ifdef __cplusplus
extern "C" {
#endif
/* A metric's budget: what the page calls within and over (its p95). */
typedef struct fv_metric_budget {
    const char *name; /* end_to_end_ms, infer_yolov8n_ms, nvdec_ms, ...: as docs/FORMATS.md has them, aliases too */
    double ms;        /* 0 = none */
} fv_metric_budget;

/* What is said about a run besides its metrics; null fields are left out. Borrowed for the call. */
typedef struct fv_run_info {
    const char *verb, *model, *device, *precision, *machine, *level, *command, *started; /* started: ISO time */
    const char *tile_model; /* null: that of the whole frame */
    const char *const *sources;
    int n_sources;
    int threads;
    int input_w, input_h;
    const fv_metric_budget *budgets; /* [n_budgets] instead of those of 4K video at 30 frames a second; later ones win */
    int n_budgets;
    const char *summary_json; /* the --summary object, embedded as it is; may be null */
} fv_run_info;
/* owned: fv_string_free. Includes budgets and the alias names of docs/FORMATS.md. */
FV_API fv_status fv_report_run_json(char **json, const fv_run_info *info, const fv_metrics *m, fv_error *err);
/* 1: there is a metric of this name or alias (of whatever model). */
FV_API int fv_report_has_metric(const char *name);
/* runs [n]: texts of run files; names [n]: how to call them. One page that needs nothing else (inline style, SVG charts, light and dark).
 * FV_ERR_INPUT names the run that is no run file. owned: fv_string_free. */
FV_API fv_status fv_report_html(char **html, const char *const *runs, const char *const *names, int n, fv_error *err);
/* files [n]: texts that bench, build, val and quantize wrote with --json, of one model in several precisions, told apart by `precision`; names
 * as above. Size, build and load times, latency, accuracy side by side. FV_ERR_INPUT names the file that is none of these, or tells something
 * again. owned: fv_string_free. */
FV_API fv_status fv_report_builds_html(char **html, const char *const *files, const char *const *names, int n, fv_error *err);
#ifdef __cplusplus
}
#endif
#endif
