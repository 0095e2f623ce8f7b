/* prep.h: what the files of `fovea prep` share: verb_prep.c (what is asked), prep_run.c (pictures to tensors), prep_report.c (JSON, summary). */
#ifndef FOVEA_TOOL_PREP_H
#define FOVEA_TOOL_PREP_H
#include "cli.h"
#include "progress.h"
#include "tensor_out.h"
#include <fovea/prep.h>

typedef enum prep_on_error { PREP_SKIP, PREP_ZERO, PREP_STOP } prep_on_error;

/* One picture that gave no tensor, or is none of them. */
typedef struct prep_failure {
    const char *name;
    char *why;
} prep_failure;

/* Milliseconds of each picture that was prepared. */
typedef struct prep_stage {
    float *ms;
    int n;
} prep_stage;
enum { PREP_READ, PREP_DECODE, PREP_RESIZE, PREP_STAGES };

typedef struct prep_job {
    const cli_args *a;
    const char *path; /* output */
    prep_on_error on_error;
    fv_prep_options o;
    float mean[3], std[3];
    fv_context *ctx;
    fv_prep *prep;
    const fv_media_api *media;
    char **files; /* [n] */
    int n;
    tensor_out *out;
    fv_tensor *entries; /* [n_entries] 1: a batch of all; n: one a picture, because their sizes differ */
    int n_entries;
    progress_count progress;
    prep_failure *failures;
    int n_failures;
    int done; /* pictures in the output */
    int by_strategy[8]; /* pictures, by place in the table of strategies */
    int profiles;       /* pictures with a colour profile */
    prep_stage stage[PREP_STAGES];
    double seconds;
} prep_job;

/* prep_run.c: plans and writes the output; an exit code, after saying why. */
int prep_run(prep_job *j);
void prep_fail(prep_job *j, const char *name, const char *why);
/* prep_report.c */
void prep_report(const prep_job *j);
fv_status prep_json(const prep_job *j, const char *path, fv_error *err);
#endif
