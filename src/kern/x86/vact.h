/* vact.h: the activation functions on one vector `vf`: what act_vec.h makes rows of and what convolution epilogues apply in
 * registers. Include vec_avx2.h or vec_avx512.h first. Sigmoid and SiLU have an exp of their own: they only need it
 * saturated, not exact at the ends of its range. */
#ifndef FVI_KERN_VACT_H
#define FVI_KERN_VACT_H
#include "kern/x86/vmath.h"

/* 1 + e^-x */
static inline vf one_plus_exp_neg(vf x)
{
    vf scale, p = vf_exp_neg(vf_min(vf_set(87.0f), vf_max(vf_set(-87.0f), x)), &scale);
    return vf_fma(scale, p, vf_set(1.0f));
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
#endif
