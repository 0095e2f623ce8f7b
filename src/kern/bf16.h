/* bf16.h: rows between FP32 and BF16 (the upper half of an FP32, rounded to even), at the level's width. NaN stays NaN. */
#ifndef FVI_KERN_BF16_H
#define FVI_KERN_BF16_H
#include "kern/cpu.h"

typedef struct fvi_bf16_kern {
    void (*widen)(float *y, const uint16_t *x, size_t n);  /* exact */
    void (*narrow)(uint16_t *y, const float *x, size_t n); /* every level gives the same bits */
    void (*round)(float *y, const float *x, size_t n);     /* widen(narrow(x)); y may be x */
    void (*max)(uint16_t *y, const uint16_t *const *x, int rows, size_t n); /* y[i] = the largest of x[r][i], NaN may get lost; rows >= 1 */
} fvi_bf16_kern;

/* The functions of the highest level in flags; every slot is filled. */
void fvi_bf16_kern_init(fvi_bf16_kern *k, fvi_cpu_flags flags);
extern const fvi_bf16_kern fvi_bf16_c, fvi_bf16_avx2, fvi_bf16_avx512;

static inline float fvi_bf16_widen1(uint16_t h)
{
    union {
        uint32_t u;
        float f;
    } x = {(uint32_t)h << 16};
    return x.f;
}
static inline uint16_t fvi_bf16_narrow1(float f)
{
    union {
        float f;
        uint32_t u;
    } x = {f};
    if ((x.u & 0x7fffffff) > 0x7f800000) return (uint16_t)(x.u >> 16 | 0x40);
    return (uint16_t)((x.u + 0x7fff + (x.u >> 16 & 1)) >> 16);
}
#endif
