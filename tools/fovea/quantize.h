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
int quantize_data_open(quantize_data *d, const cli_args *a, const char *src);
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
/* Of the first n pictures (0 = all). */
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
#endif
