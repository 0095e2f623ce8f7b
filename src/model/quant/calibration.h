/* calibration.h: the struct behind fv_calibration. */
#ifndef FVI_MODEL_QUANT_CALIBRATION_H
#define FVI_MODEL_QUANT_CALIBRATION_H
#include "model/quant/quant.h"
#include <fovea/quantize.h>

enum { FVI_QUANT_KEPT = 16 }; /* most inputs that are kept to measure errors on */

struct fv_calibration {
    fv_context *ctx;
    fv_model *model;
    bool symmetric, reduced;
    fv_session *session; /* null once finished */
    fvi_quant_select sel;
    int *place;           /* [n_values] of the graph -> value of the session; -1 = not there; -2 - i = its input i */
    int *roots, n_roots;  /* sites that have to be looked at */
    fvi_quant_hist *hist; /* [n_roots] */
    fvi_quant_range (*range)[FVI_OBS_COUNT]; /* [n_values] of groups, at the value that stands for one */
    double (*spread)[FVI_OBS_COUNT];         /* [n_values] likewise: mean square error of the values themselves, the largest of the members */
    fvi_quant_error *error;                  /* [n_layers] */
    int64_t inputs;
    uint64_t data; /* of the pictures; 0 = not said */
    char *kept[FVI_QUANT_KEPT];
    int n_kept, max_kept;
    size_t kept_bytes; /* of one set */
    bool finished;
};
/* The imported graph's structure, names and weights. */
uint64_t fvi_quant_graph_hash(const fvi_graph *g);
/* Room for the results; finish.c. */
fv_status fvi_calibration_room(fv_calibration *c, fv_error *err);
bool fvi_calibration_here(const fv_calibration *c, int value);
const fvi_tensor *fvi_calibration_tensor(const fv_calibration *c, int value);
/* Puts kept set i into the session's inputs and runs it. */
fv_status fvi_calibration_rerun(fv_calibration *c, int i, fv_error *err);
#endif
