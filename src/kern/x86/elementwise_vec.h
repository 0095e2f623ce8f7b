/* elementwise_vec.h: element by element float operations written on `vf`; compiled once a level by elementwise_avx2.c
 * and elementwise_avx512.c. The last partial vector goes through the same maths under a mask: a value never depends on
 * where a row was cut. */
#include "kern/elementwise.h"
#include "kern/x86/vmath.h"

#define UNARY(name, expr)                                                                                              \
    static void name(void *yv, const void *xv, size_t n)                                                               \
    {                                                                                                                  \
        float *y = yv;                                                                                                 \
        const float *xp = xv;                                                                                          \
        size_t i = 0;                                                                                                  \
        for (; i + VF_W <= n; i += VF_W) {                                                                             \
            vf x = vf_load(xp + i);                                                                                    \
            vf_store(y + i, expr);                                                                                     \
        }                                                                                                              \
        if (i < n) {                                                                                                   \
            vf x = vf_load_n(xp + i, n - i);                                                                           \
            vf_store_n(y + i, expr, n - i);                                                                            \
        }                                                                                                              \
    }
#define BINARY(name, expr)                                                                                             \
    static void name(void *yv, const void *av, const void *bv, size_t n)                                               \
    {                                                                                                                  \
        float *y = yv;                                                                                                 \
        const float *ap = av, *bp = bv;                                                                                \
        size_t i = 0;                                                                                                  \
        for (; i + VF_W <= n; i += VF_W) {                                                                             \
            vf a = vf_load(ap + i), b = vf_load(bp + i);                                                               \
            vf_store(y + i, expr);                                                                                     \
        }                                                                                                              \
        if (i < n) {                                                                                                   \
            vf a = vf_load_n(ap + i, n - i), b = vf_load_n(bp + i, n - i);                                             \
            vf_store_n(y + i, expr, n - i);                                                                            \
        }                                                                                                              \
    }

UNARY(abs_v, vf_abs(x))
UNARY(neg_v, vf_neg(x))
UNARY(sqrt_v, vf_sqrt(x))
UNARY(exp_v, vf_exp(x))
UNARY(log_v, vf_log(x))
UNARY(erf_v, vf_erf(x))
UNARY(ceil_v, vf_ceil(x))
UNARY(floor_v, vf_floor(x))
UNARY(reciprocal_v, vf_div(vf_set(1.0f), x))
UNARY(square_v, vf_mul(x, x))
BINARY(add_v, vf_add(a, b))
BINARY(sub_v, vf_sub(a, b))
BINARY(mul_v, vf_mul(a, b))
BINARY(div_v, vf_div(a, b))
BINARY(max_v, vf_select(vf_nan(a, a), a, vf_max(a, b)))
BINARY(min_v, vf_select(vf_nan(a, a), a, vf_min(a, b)))
BINARY(prelu_v, vf_select(vf_lt(a, vf_set(0.0f)), vf_mul(a, b), a))

static void muladd_v(float *y, const float *x, const float *scale, const float *shift, size_t n)
{
    size_t i = 0;
    for (; i + VF_W <= n; i += VF_W) vf_store(y + i, vf_fma(vf_load(x + i), vf_load(scale + i), vf_load(shift + i)));
    if (i < n)
        vf_store_n(y + i, vf_fma(vf_load_n(x + i, n - i), vf_load_n(scale + i, n - i), vf_load_n(shift + i, n - i)), n - i);
}

static inline vf quant_of(vf x, float scale, float lo, float hi, float scale_out)
{
    vf v = vf_min(vf_max(vf_div(x, vf_set(scale)), vf_set(lo)), vf_set(hi)), shift = vf_set(12582912.0f);
    return vf_mul(vf_sub(vf_add(v, shift), shift), vf_set(scale_out));
}

static void quant_v(float *y, const float *x, size_t n, float scale, float lo, float hi, float scale_out)
{
    size_t i = 0;
    for (; i + VF_W <= n; i += VF_W) vf_store(y + i, quant_of(vf_load(x + i), scale, lo, hi, scale_out));
    if (i < n) vf_store_n(y + i, quant_of(vf_load_n(x + i, n - i), scale, lo, hi, scale_out), n - i);
}

void VF_NAME(fvi_elementwise_init)(fvi_elementwise *k)
{
    k->quant = quant_v;
    k->unary[FVI_UNARY_ABS] = abs_v;
    k->unary[FVI_UNARY_NEG] = neg_v;
    k->unary[FVI_UNARY_SQRT] = sqrt_v;
    k->unary[FVI_UNARY_EXP] = exp_v;
    k->unary[FVI_UNARY_LOG] = log_v;
    k->unary[FVI_UNARY_ERF] = erf_v;
    k->unary[FVI_UNARY_CEIL] = ceil_v;
    k->unary[FVI_UNARY_FLOOR] = floor_v;
    k->unary[FVI_UNARY_RECIPROCAL] = reciprocal_v;
    k->unary[FVI_UNARY_SQUARE] = square_v;
    k->binary[FVI_BINARY_ADD] = add_v;
    k->binary[FVI_BINARY_SUB] = sub_v;
    k->binary[FVI_BINARY_MUL] = mul_v;
    k->binary[FVI_BINARY_DIV] = div_v;
    k->binary[FVI_BINARY_MAX] = max_v;
    k->binary[FVI_BINARY_MIN] = min_v;
    k->binary[FVI_BINARY_PRELU] = prelu_v;
    k->muladd = muladd_v;
}
