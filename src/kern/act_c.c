/* act_c.c: the activation functions in plain C: reference of the vector levels and their fallback.
 * Turns rows of floats into activated rows (+ residual). Called by conv epilogues and by backend/cpu element-wise ops. */
#include "kern/act.h"
#include <math.h>

static inline float none(float x, float a, float b) { return (void)a, (void)b, x; }
static inline float relu(float x, float a, float b) { return (void)a, (void)b, x < 0 ? 0 : x; }
static inline float leaky(float x, float a, float b) { return (void)b, x < 0 ? a * x : x; }
static inline float clip(float x, float a, float b) { return x < a ? a : x > b ? b : x; }
static inline float sigmoid(float x, float a, float b) { return (void)a, (void)b, 1 / (1 + expf(-x)); }
static inline float silu(float x, float a, float b) { return (void)a, (void)b, x / (1 + expf(-x)); }
static inline float hardsigmoid(float x, float a, float b) { return clip(a * x + b, 0, 1); }
static inline float hardswish(float x, float a, float b) { return (void)a, (void)b, x * clip(x / 6 + 0.5f, 0, 1); }
static inline float tanh_(float x, float a, float b) { return (void)a, (void)b, tanhf(x); }
static inline float gelu(float x, float a, float b) { return (void)a, (void)b, 0.5f * x * erfcf(-0.70710678f * x); }

#define ROWS(name)                                                                                                     \
    static void rows_##name(float *dst, ptrdiff_t ldd, const float *src, ptrdiff_t lds, const float *res,              \
                            ptrdiff_t ldr, ptrdiff_t rows, ptrdiff_t cols, float alpha, float beta)                    \
    {                                                                                                                  \
        for (ptrdiff_t r = 0; r < rows; r++, dst += ldd, src += lds) {                                                 \
            if (res) {                                                                                                 \
                for (ptrdiff_t i = 0; i < cols; i++) dst[i] = name(src[i], alpha, beta) + res[i];                      \
                res += ldr;                                                                                            \
            } else {                                                                                                   \
                for (ptrdiff_t i = 0; i < cols; i++) dst[i] = name(src[i], alpha, beta);                               \
            }                                                                                                          \
        }                                                                                                              \
    }
ROWS(none)
ROWS(relu)
ROWS(leaky)
ROWS(clip)
ROWS(sigmoid)
ROWS(silu)
ROWS(hardsigmoid)
ROWS(hardswish)
ROWS(tanh_)
ROWS(gelu)

const fvi_act_kern fvi_act_c = {{rows_none, rows_relu, rows_leaky, rows_clip, rows_sigmoid, rows_silu,
                                 rows_hardsigmoid, rows_hardswish, rows_tanh_, rows_gelu}};

const char *const fvi_kact_names[FVI_KACT_COUNT] = {"none", "relu",        "leaky",     "clip", "sigmoid",
                                                    "silu", "hardsigmoid", "hardswish", "tanh", "gelu"};

void fvi_act_kern_init(fvi_act_kern *k, fvi_cpu_flags flags)
{
    *k = fvi_act_c;
#ifdef FVI_X86
    if (flags & FVI_CPU_AVX2) *k = fvi_act_avx2;
    if (flags & FVI_CPU_AVX512) *k = fvi_act_avx512;
#else
    (void)flags;
#endif
}
