/* quantize.h: what the files of `fovea quantize` share. */
#ifndef FOVEA_TOOL_QUANTIZE_H
#define FOVEA_TOOL_QUANTIZE_H
#include "run.h"
#include <fovea/quantize.h>

/* quantize_data.c: what to calibrate on, one after the other: pictures, frames of films, tensors (.npy). */
typedef struct quantize_data {
    const cli_args *a;
    const fv_media_api *media; /* null: tensors only */
    char **files;
    int n_files, at;
    bool tensors;
    int64_t limit, step; /* most inputs; of films every step-th frame */
    int64_t given, frames;
    fv_source *film;
    int n_failed;
    char first_failure[2048];
} quantize_data;
int quantize_data_open(quantize_data *d, const cli_args *a, const char *src, int64_t limit, int64_t step);
/* From the beginning again. */
void quantize_data_rewind(quantize_data *d);
/* The next picture, owned by the caller. FV_END: no more. What cannot be read is counted and left out. */
fv_status quantize_data_frame(quantize_data *d, fv_frame *f);
/* The next tensor, data owned by the caller: free(). */
fv_status quantize_data_tensor(quantize_data *d, fv_tensor *t);
/* Of the files' names and contents, for the cache. */
uint64_t quantize_data_hash(const quantize_data *d);
void quantize_data_close(quantize_data *d);

/* quantize_gate.c: how well a model's detections agree with the float model's. */
typedef struct quantize_gate {
    run_state *r; /* float model and detector */
    fv_frame *frames;
    fv_detections *truth; /* of the float model */
    int n;
    double float_ms; /* of one picture */
} quantize_gate;
typedef struct quantize_score {
    double agreement; /* 0..1 */
    double ms;        /* network, one picture */
} quantize_score;
/* Keeps a copy of the frame and what the float model finds on it. */
fv_status quantize_gate_add(quantize_gate *g, const fv_frame *f, fv_error *err);
/* How a model does on the first n pictures (0 = all). */
fv_status quantize_gate_model(quantize_gate *g, fv_model *m, int n, quantize_score *out, fv_error *err);
fv_status quantize_gate_score(quantize_gate *g, const fv_quantized *q, int n, quantize_score *out, fv_error *err);
void quantize_gate_free(quantize_gate *g);

/* quantize_report.c */
typedef struct quantize_result {
    const cli_args *a;
    const fv_quantized *q;
    const char *model, *output;
    double max_drop;
    int64_t inputs, float_bytes;
    bool cached, gated, passed;
    quantize_score score;
    double float_ms;
    int gate_pictures, fallen_back;
    double *drops; /* [layers] when only this one is quantised, in points; NaN = not measured; null = none was */
} quantize_result;
int quantize_report(const quantize_result *r); /* table on stdout, --json; exit code */

/* One quantisation, of the verb or for --calib. What is set before: a, from, limits, the options; the rest is zero. */
typedef struct quantize_job {
    const cli_args *a;
    const char *from;  /* folder, list, film: what to calibrate on */
    const char *cache; /* file of what was seen; null = none */
    const char *observer; /* null or "auto": by the error at each layer */
    bool symmetric, reduce_range, no_correction;
    int64_t compare;   /* pictures of the gate; 0 = none */
    run_state r;
    quantize_data data;
    quantize_gate gate;
    fv_calibration *c;
    fv_quantized *q;
    quantize_result result;
    const char **names; /* [n_layers] of layers that have to stay in float */
    int n_names, n_layers;
    progress_count count;
} quantize_job;

/* quantize_calibrate.c: 0, or the exit code after the error was printed. */
/* The shape of pictures for the model's input: how many inputs get another one than declared, 0 or 1. */
int quantize_shape(const quantize_job *j, fv_port *shape);
int quantize_calibration(quantize_job *j); /* makes c for the model that is open */
int quantize_calibrate(quantize_job *j);   /* from the cache, or of the data */
void quantize_progress(quantize_job *j, const char *what, int64_t done, int64_t total, bool last);
void quantize_job_close(quantize_job *j);  /* but for the model */

/* quantize_mixed.c: --precision fp16 and bf16, from the open model to the file; the exit code. */
int quantize_mixed(quantize_job *j, const char *precision);

/* quantize_choose.c: likewise. */
int quantize_fill_gate(quantize_job *j);
int quantize_first(quantize_job *j, const char *const *floats, int n); /* makes q; these layers stay in float */
bool quantize_good_enough(const quantize_job *j);
int quantize_refuse(const quantize_job *j); /* what is not; exit code */
int quantize_pass_gate(quantize_job *j, double max_drop);
int quantize_measure_layers(quantize_job *j); /* every quantised layer alone */
#endif
