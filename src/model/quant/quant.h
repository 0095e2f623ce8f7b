/* quant.h: what the files of quant/ share: which layers and values are quantised, what was seen of them, what to write.
 *
 * A layer is a node with constant weights (Conv, Gemm, MatMul). A site is a value that gets a QuantizeLinear/DequantizeLinear pair.
 * Sites that only hand values on (MaxPool, nearest Resize, Slice, Split, Reshape, Transpose; Concat where its operands have about the same
 * range) share scale and zero point with what they hand on: a group. All ids are those of the imported graph, which is never changed. */
#ifndef FVI_MODEL_QUANT_H
#define FVI_MODEL_QUANT_H
#include "base/error.h"
#include "base/pool.h"
#include "model/graph/graph.h"
#include "model/tensor/tensor.h"

#define FVI_QUANT_BINS 2048
#define FVI_QUANT_WHY 160

/* How the range of a value is chosen from what was seen of it. */
typedef enum fvi_observer { FVI_OBS_MINMAX, FVI_OBS_PERCENTILE, FVI_OBS_ENTROPY, FVI_OBS_MSE, FVI_OBS_COUNT } fvi_observer;
const char *fvi_observer_name(fvi_observer o);

typedef struct fvi_quant_layer {
    const fvi_node *node;
    int x;                  /* value that it reads */
    const fvi_value *w;
    const fvi_value *bias;  /* constant; null = none */
    int axis;               /* of the weights: output channels */
    int64_t channels, inner; /* output channels; weights of each */
    int levels;             /* weights are -levels..levels */
    bool off;               /* stays in float */
    char why[FVI_QUANT_WHY]; /* then: the reason */
} fvi_quant_layer;

typedef struct fvi_quant_select {
    const fvi_graph *g;
    fvi_quant_layer *layers;
    int n_layers;
    int *group; /* [n_values] a value of the group that stands for it; -1 = no site */
    const float *span; /* [n_values] widths of ranges, once they are known; null: operands of a Concat share nothing */
} fvi_quant_select;

/* select.c: finds the layers, marks head ends off. FV_ERR_STATE: the model is quantised already; FV_ERR_UNSUPPORTED: there is nothing to quantise. */
fv_status fvi_quant_refuse_quantised(const fvi_graph *g, fv_error *err);
fv_status fvi_quant_select_layers(fvi_quant_select *s, const fvi_graph *g, fv_error *err);
/* Sites and groups for the layers that are not off. */
fv_status fvi_quant_select_sites(fvi_quant_select *s, fv_error *err);
void fvi_quant_select_free(fvi_quant_select *s);
/* Is it handed on by its producer from a site of the same group? Then nothing has to be seen of it. */
bool fvi_quant_handed_on(const fvi_quant_select *s, const fvi_value *v);

/* ---- hist.c: what was seen of one value, in bounded memory ---- */
typedef struct fvi_quant_hist {
    double count, bad; /* finite and other elements */
    float min, max;
    double low, width; /* bin i holds [low + i width, low + (i+1) width) */
    uint64_t bin[FVI_QUANT_BINS];
} fvi_quant_hist;
void fvi_quant_hist_add(fvi_quant_hist *h, const fvi_tensor *t);

typedef struct fvi_quant_range {
    float min, max;
} fvi_quant_range;
/* ranges.c: one range an observer; levels: 255 or 254 steps, symmetric about 0 or not. */
void fvi_quant_ranges(const fvi_quant_hist *h, bool symmetric, fvi_quant_range out[FVI_OBS_COUNT]);
double fvi_quant_hist_noise(const fvi_quant_hist *h, fvi_quant_range r, bool symmetric); /* mean square error */

/* ---- scale.c ---- */
typedef struct fvi_quant_scale {
    float scale;
    int zero, low, high; /* in levels: 0..255, or -127..127 with zero 0 */
} fvi_quant_scale;
fvi_quant_scale fvi_quant_scale_of(fvi_quant_range r, bool symmetric);
float fvi_quant_fake(float x, const fvi_quant_scale *s);
/* Symmetric, one scale an output channel, the one with the least square error of a few; q and scale are of l->channels. */
void fvi_quant_weights(const fvi_quant_layer *l, int8_t *q, float *scale);

/* ---- sample.c: the error at a layer's output, from some places of some pictures ---- */
typedef struct fvi_quant_error {
    double signal;                     /* sum of squares without quantisation */
    double noise[FVI_OBS_COUNT];       /* sums of squared errors */
    double *bias[FVI_OBS_COUNT];       /* [channels] sums of errors */
    double places;
} fvi_quant_error;
/* scale: of the layer's input by each observer. w and wq: weights before and after, [channels][inner], as floats. */
fv_status fvi_quant_sample(fvi_quant_error *e, const fvi_quant_layer *l, const fvi_tensor *x, const fvi_quant_scale scale[FVI_OBS_COUNT], const float *w,
                           const float *wq, uint64_t seed, fv_error *err);
/* Weights as [channels][inner] floats, whatever axis they have. */
void fvi_quant_rows(const fvi_quant_layer *l, const float *from, float *to);
#endif
