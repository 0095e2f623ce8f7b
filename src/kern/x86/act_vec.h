/* act_vec.h: activation rows for one x86 level; the body of act_avx2.c and act_avx512.c, which include their vec_*.h
 * first. Sigmoid and SiLU have an exp of their own: they only need it saturated, not exact at the ends of its range. */
#ifndef FVI_KERN_ACT_VEC_H
#define FVI_KERN_ACT_VEC_H
#include "kern/act.h"
#include "kern/x86/vmath.h"

/* 1 + e^-x. The magic number rounds to an integer in the low mantissa bits, which then become the exponent. */
static inline vf one_plus_exp_neg(vf x)
{
    const vf magic = vf_set(12582912.0f), log2e = vf_set(-1.44269504f), log2e_lo = vf_set(-1.92596303e-8f);
    vf c = vf_min(vf_set(87.0f), vf_max(vf_set(-87.0f), x));
    vf t = vf_fma(c, log2e, magic);
    vf f = vf_fma(c, log2e, vf_sub(magic, t));
    f = vf_fma(c, log2e_lo, f); /* |f| <= 1/2 */
    vf p = vf_set(0.0013264727f);
    p = vf_fma(p, f, vf_set(0.009671513f));
    p = vf_fma(p, f, vf_set(0.055507336f));
    p = vf_fma(p, f, vf_set(0.24022242f));
    p = vf_fma(p, f, vf_set(0.693147f));
    p = vf_fma(p, f, vf_set(1.0f));
    return vf_add(vf_from_bits(vi_add(vf_bits(p), vi_shl23(vf_bits(t)))), vf_set(1.0f));
}

typedef struct ab {
    vf a, b;
} ab;

static inline vf act_none(vf x, ab k) { return (void)k, x; }
static inline vf act_relu(vf x, ab k) { return (void)k, vf_max(vf_set(0.0f), x); }
static inline vf act_leaky(vf x, ab k) { return vf_select(vf_lt(x, vf_set(0.0f)), vf_mul(k.a, x), x); }
static inline vf act_clip(vf x, ab k) { return vf_min(k.b, vf_max(k.a, x)); }
static inline vf act_sigmoid(vf x, ab k)
{
    (void)k;
    return vf_select(vf_nan(x, x), x, vf_div(vf_set(1.0f), one_plus_exp_neg(x)));
}
static inline vf act_silu(vf x, ab k) { return (void)k, vf_div(x, one_plus_exp_neg(x)); }
static inline vf act_hardsigmoid(vf x, ab k)
{
    return vf_min(vf_set(1.0f), vf_max(vf_set(0.0f), vf_add(vf_mul(k.a, x), k.b)));
}
static inline vf act_hardswish(vf x, ab k)
{
    (void)k;
    vf t = vf_fma(x, vf_set(1.0f / 6), vf_set(0.5f));
    return vf_mul(x, vf_min(vf_set(1.0f), vf_max(vf_set(0.0f), t)));
}
static inline vf act_tanh(vf x, ab k) { return (void)k, vf_tanh(x); }
static inline vf act_gelu(vf x, ab k) { return (void)k, vf_gelu(x); }

#define FVI_ACT_ROWS(name)                                                                                             \
    static void rows_##name(float *dst, ptrdiff_t ldd, const float *src, ptrdiff_t lds, const float *res,              \
                            ptrdiff_t ldr, ptrdiff_t rows, ptrdiff_t cols, float alpha, float beta)                    \
    {                                                                                                                  \
        ab k = {vf_set(alpha), vf_set(beta)};                                                                          \
        for (ptrdiff_t r = 0; r < rows; r++, dst += ldd, src += lds) {                                                 \
            ptrdiff_t i = 0;                                                                                           \
            if (!res) {                                                                                                \
                for (; i + VF_W <= cols; i += VF_W) vf_store(dst + i, act_##name(vf_load(src + i), k));                \
                if (i < cols) vf_store_n(dst + i, act_##name(vf_load_n(src + i, cols - i), k), cols - i);              \
                continue;                                                                                              \
            }                                                                                                          \
            for (; i + VF_W <= cols; i += VF_W)                                                                        \
                vf_store(dst + i, vf_add(act_##name(vf_load(src + i), k), vf_load(res + i)));                          \
            if (i < cols) {                                                                                            \
                vf y = vf_add(act_##name(vf_load_n(src + i, cols - i), k), vf_load_n(res + i, cols - i));              \
                vf_store_n(dst + i, y, cols - i);                                                                      \
            }                                                                                                          \
            res += ldr;                                                                                                \
        }                                                                                                              \
    }
FVI_ACT_ROWS(none)
FVI_ACT_ROWS(relu)
FVI_ACT_ROWS(leaky)
FVI_ACT_ROWS(clip)
FVI_ACT_ROWS(sigmoid)
FVI_ACT_ROWS(silu)
FVI_ACT_ROWS(hardsigmoid)
FVI_ACT_ROWS(hardswish)
FVI_ACT_ROWS(tanh)
FVI_ACT_ROWS(gelu)

const fvi_act_kern VF_NAME(fvi_act) = {{rows_none, rows_relu, rows_leaky, rows_clip, rows_sigmoid, rows_silu,
                                        rows_hardsigmoid, rows_hardswish, rows_tanh, rows_gelu}};
#endif
