/* insert.h: a graph with Q/DQ pairs at the sites and bytes for weights. */
#ifndef FVI_MODEL_QUANT_INSERT_H
#define FVI_MODEL_QUANT_INSERT_H
#include "model/quant/quant.h"

typedef struct fvi_quant_insert {
    const fvi_quant_select *sel;   /* of the graph that `g` is a clone of */
    const fvi_quant_scale *scale;  /* [n_values] at the value that stands for its group */
    const double *const *bias;     /* [n_layers] what to add to the bias, [channels]; null, or null entries = nothing */
    bool symmetric;
} fvi_quant_insert;
/* g: a clone of sel->g, changed in place. */
fv_status fvi_quant_insert_pairs(fvi_graph *g, const fvi_quant_insert *in, fv_error *err);
#endif
