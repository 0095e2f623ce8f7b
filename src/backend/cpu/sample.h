/* sample.h: what the samplers of maps (op_sample.c) and of volumes (op_sample_3d.c) share. */
#ifndef FVI_BACKEND_CPU_SAMPLE_H
#define FVI_BACKEND_CPU_SAMPLE_H
#include "backend/cpu/step.h"
#include <math.h>

/* Mirrors v at lo and hi until it is between them. */
static inline float fvi_sample_reflect(float v, float lo, float hi)
{
    float range = hi - lo;
    if (!(range > 0)) return lo;
    v = fabsf(v - lo);
    float extra = fmodf(v, range);
    return fmodf(floorf(v / range), 2) == 0 ? lo + extra : hi - extra;
}

fv_status fvi_cpu_prepare_grid_3d(fvi_step *s, fv_error *err); /* GridSample of [N,C,D,H,W] */
#endif
