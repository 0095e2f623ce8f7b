/* op_math.c: functions of one element that are rare in fast models: the newer activations, trigonometry, rounding, tests for
 * NaN and infinity. Turns a node into one loop over plain C, in float; half precision passes through float. */
#include "backend/cpu/loop.h"
#include "backend/cpu/step.h"
#include <math.h>
#include <string.h>

typedef struct math_state {
    fvi_loop loop;
    float alpha, beta;
    bool negative, positive; /* IsInf: which ones count */
} math_state;

static void run(fvi_step *s) { fvi_loop_run(&((math_state *)s->state)->loop, s->env->pool); }

#define FUNCTION(name, expr)                                                                                           \
    static void name##_block(const void *user, void *const *p, size_t n)                                               \
    {                                                                                                                  \
        const math_state *m = user;                                                                                    \
        const float *xp = p[1], a = m->alpha, b = m->beta;                                                             \
        float *y = p[0];                                                                                               \
        (void)a;                                                                                                       \
        (void)b;                                                                                                       \
        for (size_t i = 0; i < n; i++) {                                                                               \
            float x = xp[i];                                                                                           \
            y[i] = expr;                                                                                               \
        }                                                                                                              \
    }
/* log(1 + e^x) without overflow */
static float soft_plus(float x) { return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x)); }

FUNCTION(elu, x < 0 ? a * expm1f(x) : x)
FUNCTION(selu, b * (x > 0 ? x : a * expm1f(x)))
FUNCTION(celu, x < 0 ? a * expm1f(x / a) : x)
FUNCTION(softplus, soft_plus(x))
FUNCTION(softsign, x / (1 + fabsf(x)))
FUNCTION(mish, x *tanhf(soft_plus(x)))
FUNCTION(thresholded_relu, x > a ? x : 0)
FUNCTION(swish, x / (1 + expf(-a * x)))
FUNCTION(shrink, x < -a ? x + b : x > a ? x - b : 0)
FUNCTION(sin, sinf(x))
FUNCTION(cos, cosf(x))
FUNCTION(tan, tanf(x))
FUNCTION(asin, asinf(x))
FUNCTION(acos, acosf(x))
FUNCTION(atan, atanf(x))
FUNCTION(sinh, sinhf(x))
FUNCTION(cosh, coshf(x))
FUNCTION(asinh, asinhf(x))
FUNCTION(acosh, acoshf(x))
FUNCTION(atanh, atanhf(x))
FUNCTION(round, rintf(x)) /* halves to even, the default rounding of C */

typedef struct math_row {
    fvi_op op;
    fvi_block_fn block;
    float alpha, beta; /* of the attributes when they are not there */
    const char *alpha_name, *beta_name;
} math_row;
static const math_row rows[] = {
    {FVI_OP_ELU, elu_block, 1, 0, "alpha", ""},
    {FVI_OP_SELU, selu_block, 1.67326319217681884765625f, 1.05070102214813232421875f, "alpha", "gamma"},
    {FVI_OP_CELU, celu_block, 1, 0, "alpha", ""},
    {FVI_OP_SOFTPLUS, softplus_block, 0, 0, "", ""},
    {FVI_OP_SOFTSIGN, softsign_block, 0, 0, "", ""},
    {FVI_OP_MISH, mish_block, 0, 0, "", ""},
    {FVI_OP_THRESHOLDED_RELU, thresholded_relu_block, 1, 0, "alpha", ""},
    {FVI_OP_SWISH, swish_block, 1, 0, "alpha", ""},
    {FVI_OP_SHRINK, shrink_block, 0.5f, 0, "lambd", "bias"},
    {FVI_OP_SIN, sin_block, 0, 0, "", ""},
    {FVI_OP_COS, cos_block, 0, 0, "", ""},
    {FVI_OP_TAN, tan_block, 0, 0, "", ""},
    {FVI_OP_ASIN, asin_block, 0, 0, "", ""},
    {FVI_OP_ACOS, acos_block, 0, 0, "", ""},
    {FVI_OP_ATAN, atan_block, 0, 0, "", ""},
    {FVI_OP_SINH, sinh_block, 0, 0, "", ""},
    {FVI_OP_COSH, cosh_block, 0, 0, "", ""},
    {FVI_OP_ASINH, asinh_block, 0, 0, "", ""},
    {FVI_OP_ACOSH, acosh_block, 0, 0, "", ""},
    {FVI_OP_ATANH, atanh_block, 0, 0, "", ""},
    {FVI_OP_ROUND, round_block, 0, 0, "", ""},
};

static fv_status start(fvi_step *s, fvi_block_fn block, double cost, math_state **out, fv_error *err)
{
    FVI_TRY(fvi_cpu_new_state(s, sizeof(math_state), err));
    math_state *m = s->state;
    FVI_TRY(fvi_loop_init(&m->loop, 2, (fvi_tensor[]){s->out[0], s->in[0]}, NULL, cost, err));
    m->loop.block = block;
    m->loop.user = m;
    s->run = run;
    s->tactic = "element-wise plain";
    *out = m;
    return FV_OK;
}

static fv_status prepare_function(fvi_step *s, fv_error *err)
{
    math_state *m;
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPES_HALF | FVI_TYPE_BIT(FV_F32), err));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const math_row *r = &rows[i];
        if (r->op != s->node->op) continue;
        FVI_TRY(start(s, r->block, 8, &m, err));
        m->alpha = fvi_node_float(s->node, r->alpha_name, r->alpha);
        m->beta = fvi_node_float(s->node, r->beta_name, r->beta);
        return FV_OK;
    }
    return fvi_error_set(err, FV_ERR_UNSUPPORTED, "no such function");
}

/* ---- tests ---- */
static void is_nan_block(const void *user, void *const *p, size_t n)
{
    const float *x = p[1];
    uint8_t *y = p[0];
    (void)user;
    for (size_t i = 0; i < n; i++) y[i] = x[i] != x[i];
}
static void is_inf_block(const void *user, void *const *p, size_t n)
{
    const math_state *m = user;
    const float *x = p[1];
    uint8_t *y = p[0];
    for (size_t i = 0; i < n; i++) y[i] = (m->positive && x[i] == INFINITY) || (m->negative && x[i] == -INFINITY);
}

static fv_status prepare_test(fvi_step *s, fv_error *err)
{
    math_state *m;
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPES_HALF | FVI_TYPE_BIT(FV_F32), err));
    FVI_TRY(start(s, s->node->op == FVI_OP_IS_NAN ? is_nan_block : is_inf_block, 0.5, &m, err));
    m->negative = fvi_node_int(s->node, "detect_negative", 1) != 0;
    m->positive = fvi_node_int(s->node, "detect_positive", 1) != 0;
    return FV_OK;
}

/* ---- Sign ---- */
#define SIGN(T, name)                                                                                                  \
    static void name(const void *user, void *const *p, size_t n)                                                       \
    {                                                                                                                  \
        const T *x = p[1];                                                                                             \
        T *y = p[0];                                                                                                   \
        (void)user;                                                                                                    \
        for (size_t i = 0; i < n; i++) y[i] = x[i] > 0 ? (T)1 : x[i] == 0 ? (T)0 : x[i] != x[i] ? x[i] : (T)-1;        \
    }
#pragma GCC diagnostic ignored "-Wtype-limits" /* one text for signed and unsigned */
SIGN(float, sign_f32)
SIGN(int8_t, sign_i8)
SIGN(uint8_t, sign_u8)
SIGN(int16_t, sign_i16)
SIGN(uint16_t, sign_u16)
SIGN(int32_t, sign_i32)
SIGN(uint32_t, sign_u32)
SIGN(int64_t, sign_i64)
SIGN(uint64_t, sign_u64)

static fv_status prepare_sign(fvi_step *s, fv_error *err)
{
    static const fvi_block_fn of_type[FV_DTYPE_COUNT] = {
        [FV_F32] = sign_f32, [FV_I8] = sign_i8,   [FV_U8] = sign_u8,   [FV_I16] = sign_i16, [FV_U16] = sign_u16,
        [FV_I32] = sign_i32, [FV_U32] = sign_u32, [FV_I64] = sign_i64, [FV_U64] = sign_u64};
    math_state *m;
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPES_HALF | FVI_TYPE_BIT(FV_F32) | FVI_TYPES_INT, err));
    return start(s, of_type[fvi_loop_type(s->in[0].dtype)], 0.5, &m, err);
}

static const char *refuse(const fvi_node *n)
{
    bool ints = n->op == FVI_OP_SIGN;
    return fvi_cpu_refuse_type(n->in[0]->dtype, FVI_TYPES_HALF | FVI_TYPE_BIT(FV_F32) | (ints ? FVI_TYPES_INT : 0));
}

#define OP(id, in_place, prepare) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, in_place, refuse, NULL, prepare}
const fvi_cpu_op fvi_cpu_math_ops[] = {
    OP(ELU, true, prepare_function),
    OP(SELU, true, prepare_function),
    OP(CELU, true, prepare_function),
    OP(SOFTPLUS, true, prepare_function),
    OP(SOFTSIGN, true, prepare_function),
    OP(MISH, true, prepare_function),
    OP(THRESHOLDED_RELU, true, prepare_function),
    OP(SWISH, true, prepare_function),
    OP(SHRINK, true, prepare_function),
    OP(SIN, true, prepare_function),
    OP(COS, true, prepare_function),
    OP(TAN, true, prepare_function),
    OP(ASIN, true, prepare_function),
    OP(ACOS, true, prepare_function),
    OP(ATAN, true, prepare_function),
    OP(SINH, true, prepare_function),
    OP(COSH, true, prepare_function),
    OP(ASINH, true, prepare_function),
    OP(ACOSH, true, prepare_function),
    OP(ATANH, true, prepare_function),
    OP(ROUND, true, prepare_function),
    OP(SIGN, true, prepare_sign),
    OP(IS_NAN, false, prepare_test),
    OP(IS_INF, false, prepare_test),
    {FVI_OP_NONE},
};
