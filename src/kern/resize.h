/* resize.h: linear resizing of rows of contiguous floats (channels of a pixel, or a whole line). */
#ifndef FVI_KERN_RESIZE_H
#define FVI_KERN_RESIZE_H
#include "kern/cpu.h"

typedef struct fvi_resize_kern {
    /* a w00 + b w01 + c w10 + d w11, a and b from the upper line */
    void (*bilinear)(float *y, const float *a, const float *b, const float *c, const float *d, const float w[4], size_t n);
} fvi_resize_kern;

void fvi_resize_kern_init(fvi_resize_kern *k, fvi_cpu_flags flags);
void fvi_resize_kern_init_avx2(fvi_resize_kern *k);
void fvi_resize_kern_init_avx512(fvi_resize_kern *k);
#endif
