/* int_parts.h: integer sums on float kernels. Whole numbers are exact in float32 while every sum of |a b| stays below 2^24,
 * so the summed dimension is cut into parts that keep to that, and the parts are added as int32. */
#ifndef FVI_BACKEND_CPU_INT_PARTS_H
#define FVI_BACKEND_CPU_INT_PARTS_H
#include "backend/cpu/step.h"

enum { FVI_INT_MOST = 1 << 24, FVI_INT_BYTE = 255 /* most that |q - zero point| of a byte can be */ };

/* Weights minus zero point as floats, [outputs][summed][inner] in any strides: |w[o, k, *]| summed over inner. */
typedef struct fvi_int_weights {
    const float *w;
    int64_t outputs, summed, inner;
    int64_t output_stride, summed_stride, inner_stride;
} fvi_int_weights;

/* First index past the part that begins at `from`; `sums` has room for `outputs` doubles. w->w null: any bytes. 0 = even
 * one index is too much. */
int64_t fvi_int_part_end(const fvi_int_weights *w, int64_t from, double *sums);

/* y = (float)x - zero, n bytes that are `stride` apart. */
void fvi_int_load(float *y, const char *x, bool is_signed, int64_t stride, float zero, int64_t n);
/* Value of element i of a zero point (null tensor: 0) or scale. */
float fvi_int_at(const fvi_tensor *t, int64_t i);
#endif
