/* wino_bound.h: what Winograd's roundings are a share of; check_conv.c says how it is derived. */
#ifndef CK_WINO_BOUND_H
#define CK_WINO_BOUND_H
#include "kern/conv.h"

/* For each output element [n][ho][wo][cout] of a 3x3 convolution (one group, no dilation, stride 1 or 2; input channels contiguous, `in` its pixel
 * (0,0) of image 0), weights [cout][cin][3][3]. Owned: free. */
double *ck_wino_magnitudes(const fvi_conv_params *p, const float *in, const float *w);
#endif
