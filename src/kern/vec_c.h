/* vec_c.h: four floats as one value `vf`, in the compiler's own vector type: the words that conv_tile.h and conv_wino.h
 * are written in, for machines with no better level. Included by conv_c.c only; x86/vec_*.h have the same words. */
#ifndef FVI_KERN_VEC_H
#define FVI_KERN_VEC_H
#include <stddef.h>
#include <string.h>

#define VF_W 4
#define VF_NAME(base) base##_c
typedef float vf __attribute__((vector_size(16)));

static inline vf vf_set(float x) { return (vf){x, x, x, x}; }
static inline vf vf_load(const float *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void vf_store(float *p, vf x) { memcpy(p, &x, sizeof x); }
static inline vf vf_add(vf a, vf b) { return a + b; }
static inline vf vf_sub(vf a, vf b) { return a - b; }
static inline vf vf_mul(vf a, vf b) { return a * b; }
static inline vf vf_fma(vf a, vf b, vf c) { return a * b + c; }
static inline vf vf_fnma(vf a, vf b, vf c) { return c - a * b; }
#endif
