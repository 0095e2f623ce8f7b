/* resize_ref.c: bilinear mixing in plain C, the reference of the vector levels. Called by backend/cpu/op_resize.c once
 * an output pixel. */
#include "kern/resize.h"

static void bilinear(float *y, const float *a, const float *b, const float *c, const float *d, const float w[4], size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] = a[i] * w[0] + b[i] * w[1] + c[i] * w[2] + d[i] * w[3];
}

void fvi_resize_kern_init(fvi_resize_kern *k, fvi_cpu_flags flags)
{
    k->bilinear = bilinear;
#ifdef FVI_X86
    if (flags & FVI_CPU_AVX2) fvi_resize_kern_init_avx2(k);
    if (flags & FVI_CPU_AVX512) fvi_resize_kern_init_avx512(k);
#else
    (void)flags;
#endif
}
