/* report.h: a run's metrics as JSON (what --run writes), and the HTML page made from one or more of them. */
#ifndef FOVEA_REPORT_H
#define FOVEA_REPORT_H
#include <fovea/pipeline.h>
#ifdef __cplusplus
extern "C" {
#endif
/* What is said about a run besides its metrics; null fields are left out. Borrowed for the call. */
typedef struct fv_run_info {
    const char *verb, *model, *device, *precision, *machine, *level, *command, *started; /* started: ISO time */
    const char *const *sources;
    int n_sources;
    int threads;
    int input_w, input_h;
    const char *summary_json; /* the --summary object, embedded as it is; may be null */
} fv_run_info;
/* owned: fv_string_free. Includes budgets and the alias names of docs/FORMATS.md. */
FV_API fv_status fv_report_run_json(char **json, const fv_run_info *info, const fv_metrics *m, fv_error *err);
/* runs [n]: texts of run files; names [n]: how to call them. One page that needs nothing else (inline style, SVG charts, light and dark).
 * FV_ERR_INPUT names the run that is no run file. owned: fv_string_free. */
FV_API fv_status fv_report_html(char **html, const char *const *runs, const char *const *names, int n, fv_error *err);
#ifdef __cplusplus
}
#endif
#endif
