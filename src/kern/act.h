/* act.h: activation functions over rows of floats: what conv epilogues and element-wise operators share.
 * Accuracy of every level: relative error <= 1e-6 for sigmoid, silu, tanh; gelu 1e-6 of max(|x|, 1); the others are exact
 * to rounding (derived and enforced by checkkern's check_act.c). NaN stays NaN. */
#ifndef FVI_KERN_ACT_H
#define FVI_KERN_ACT_H
#include "kern/cpu.h"

/* Same order as fvi_act of model/graph (checked where they meet, backend/cpu/op_conv.c). */
typedef enum fvi_kact {
    FVI_KACT_NONE,
    FVI_KACT_RELU,
    FVI_KACT_LEAKY, /* alpha */
    FVI_KACT_CLIP,  /* alpha = min, beta = max */
    FVI_KACT_SIGMOID,
    FVI_KACT_SILU,
    FVI_KACT_HARDSIGMOID, /* alpha x + beta, clipped to 0..1 */
    FVI_KACT_HARDSWISH,   /* x * clip(x/6 + 1/2, 0, 1) */
    FVI_KACT_TANH,
    FVI_KACT_GELU, /* x/2 (1 + erf(x/sqrt 2)) */
    FVI_KACT_COUNT
} fvi_kact;

/* dst[r][i] = act(src[r][i]) + res[r][i], rows x cols, row distances in floats. dst may be src; res null = none.
 * Writes nothing but those columns; may read up to 64 bytes past the end of a row of src and res. */
typedef void (*fvi_act_fn)(float *dst, ptrdiff_t ldd, const float *src, ptrdiff_t lds, const float *res, ptrdiff_t ldr,
                           ptrdiff_t rows, ptrdiff_t cols, float alpha, float beta);

typedef struct fvi_act_kern {
    fvi_act_fn fn[FVI_KACT_COUNT];
} fvi_act_kern;

/* The functions of the highest level in flags; every slot is filled. */
void fvi_act_kern_init(fvi_act_kern *k, fvi_cpu_flags flags);
extern const fvi_act_kern fvi_act_c, fvi_act_avx2, fvi_act_avx512;
extern const char *const fvi_kact_names[FVI_KACT_COUNT]; /* "silu" */
#endif
