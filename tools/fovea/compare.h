/* compare.h: what the files of `fovea compare` share: the two sides, and how two tensors differ. */
#ifndef FOVEA_TOOL_COMPARE_H
#define FOVEA_TOOL_COMPARE_H
#include "cli.h"
#include "feeds.h"
#include "text.h"
#include <fovea/detect.h>

/* One side: a way to run the model, or a folder of .npy files. */
typedef struct side {
    const char *spec;
    char *stored; /* folder; null = it is run */
    /* what the words of the spec said; owned */
    char *device, *precision, *level, *model_path;
    int threads;
    bool no_rewrite;
    fv_context *ctx;
    fv_model *model;
    fv_session *session;
} side;

/* compare_side.c. All return 0 or the exit code after the error was printed. */
int side_parse(side *s, const cli_args *a, const char *spec);
int side_load(side *s, const cli_args *a, const char *model); /* context and model; nothing for a folder */
int side_session(side *s, const cli_args *a, const feeds *f);
void side_free(side *s);
/* Value `name` (shape and type of `port`) of this side into *t, whose data is owned: free(). FV_END: it has no such value. */
fv_status side_value(const side *s, const fv_port *port, fv_tensor *t, fv_error *err);

typedef struct difference {
    int64_t count;
    double max_abs, max_rel; /* max_rel: max_abs over the largest value of A */
    double cosine, sqnr_db;  /* sqnr: infinite when nothing differs */
    int64_t odd;             /* elements that are NaN or infinite on one side only */
    int64_t nan_a, nan_b, inf_a, inf_b;
    bool shapes_differ;
} difference;
/* compare_maths.c */
void difference_of(difference *d, const fv_tensor *a, const fv_tensor *b);
bool difference_exceeds(const difference *d, double tolerance);
/* Is x the larger difference? */
bool difference_worse(const difference *x, const difference *y);

typedef struct compare_row {
    const char *name, *node, *op, *tactic;
    fv_port port;
    difference d;
} compare_row;

typedef struct compare_boxes { /* what heads made of both sides */
    bool there;
    int a, b, matched;
    double min_iou, max_conf;
} compare_boxes;

typedef struct comparison {
    const cli_args *a;
    const side *side[2];
    compare_row *rows;
    int n_rows, only_a, only_b;
    int first, worst; /* rows; -1 = none */
    double tolerance;
    compare_boxes boxes;
} comparison;
/* compare_report.c: the table on stdout, --json. */
int compare_report(const comparison *c);
#endif
