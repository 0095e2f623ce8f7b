/* elementwise_ref.c: element by element operations in plain C for every type: the reference of the vector levels.
 * Turns rows of elements into rows of elements; called through backend/cpu/loop.c. */
#include "kern/elementwise.h"
#include <math.h>
#include <string.h>

/* ---- floating point: F(name) is the libm name of the type ---- */
#define FLOAT_OPS(T, F, tag)                                                                                           \
    UNARY(tag, T, abs, F(fabs)(x))                                                                                     \
    UNARY(tag, T, neg, -x)                                                                                             \
    UNARY(tag, T, sqrt, F(sqrt)(x))                                                                                    \
    UNARY(tag, T, exp, F(exp)(x))                                                                                      \
    UNARY(tag, T, log, F(log)(x))                                                                                      \
    UNARY(tag, T, erf, F(erf)(x))                                                                                      \
    UNARY(tag, T, ceil, F(ceil)(x))                                                                                    \
    UNARY(tag, T, floor, F(floor)(x))                                                                                  \
    UNARY(tag, T, reciprocal, 1 / x)                                                                                   \
    UNARY(tag, T, square, x *x)                                                                                        \
    BINARY(tag, T, add, a + b)                                                                                         \
    BINARY(tag, T, sub, a - b)                                                                                         \
    BINARY(tag, T, mul, a *b)                                                                                          \
    BINARY(tag, T, div, a / b)                                                                                         \
    BINARY(tag, T, max, a > b || a != a ? a : b)                                                                       \
    BINARY(tag, T, min, a < b || a != a ? a : b)                                                                       \
    BINARY(tag, T, prelu, a < 0 ? a * b : a)                                                                           \
    BINARY(tag, T, pow, F(pow)(a, b))                                                                                  \
    BINARY(tag, T, mod, F(fmod)(a, b) != 0 && (F(fmod)(a, b) < 0) != (b < 0) ? F(fmod)(a, b) + b : F(fmod)(a, b))      \
    BINARY(tag, T, fmod, F(fmod)(a, b))                                                                                \
    COMPARES(tag, T)

/* ---- integers: maths in 64 unsigned bits, so that it wraps as the type does ---- */
#define INT_OPS(T, tag)                                                                                                \
    UNARY(tag, T, abs, x < 0 ? (T)(0 - (uint64_t)x) : x)                                                               \
    UNARY(tag, T, neg, (T)(0 - (uint64_t)x))                                                                           \
    UNARY(tag, T, same, x)                                                                                             \
    UNARY(tag, T, square, (T)((uint64_t)x * (uint64_t)x))                                                              \
    BINARY(tag, T, add, (T)((uint64_t)a + (uint64_t)b))                                                                \
    BINARY(tag, T, sub, (T)((uint64_t)a - (uint64_t)b))                                                                \
    BINARY(tag, T, mul, (T)((uint64_t)a * (uint64_t)b))                                                                \
    BINARY(tag, T, div, div1_##tag(a, b))                                                                               \
    BINARY(tag, T, max, a > b ? a : b)                                                                                 \
    BINARY(tag, T, min, a < b ? a : b)                                                                                 \
    BINARY(tag, T, prelu, a < 0 ? (T)((uint64_t)a * (uint64_t)b) : a)                                                  \
    BINARY(tag, T, pow, pow1_##tag(a, b))                                                                               \
    BINARY(tag, T, mod, mod1_##tag(a, b))                                                                               \
    BINARY(tag, T, fmod, rem1_##tag(a, b))                                                                              \
    COMPARES(tag, T)

#define INT_HELPERS(T, tag)                                                                                            \
    static T div1_##tag(T a, T b) { return b == 0 ? 0 : b == (T)-1 && (T)-1 < 0 ? (T)(0 - (uint64_t)a) : (T)(a / b); }  \
    static T rem1_##tag(T a, T b) { return b == 0 || (b == (T)-1 && (T)-1 < 0) ? 0 : (T)(a % b); }                      \
    static T mod1_##tag(T a, T b)                                                                                       \
    {                                                                                                                  \
        T r = rem1_##tag(a, b);                                                                                         \
        return r != 0 && (r < 0) != (b < 0) ? (T)(r + b) : r;                                                          \
    }                                                                                                                  \
    static T pow1_##tag(T a, T b)                                                                                       \
    {                                                                                                                  \
        if (b < 0) return a == 1 ? 1 : a == (T)-1 ? (b & 1 ? a : 1) : 0;                                               \
        uint64_t r = 1, f = (uint64_t)a;                                                                               \
        for (uint64_t e = (uint64_t)b; e; e >>= 1, f *= f)                                                             \
            if (e & 1) r *= f;                                                                                         \
        return (T)r;                                                                                                   \
    }

#define UNARY(tag, T, name, expr)                                                                                      \
    static void name##_##tag(void *yv, const void *xv, size_t n)                                                       \
    {                                                                                                                  \
        T *yp = yv;                                                                                                    \
        const T *xp = xv;                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                                               \
            T x = xp[i];                                                                                               \
            yp[i] = expr;                                                                                              \
        }                                                                                                              \
    }
#define BINARY(tag, T, name, expr) BINARY_TO(tag, T, T, name, expr)
#define BINARY_TO(tag, T, R, name, expr)                                                                               \
    static void name##_##tag(void *yv, const void *av, const void *bv, size_t n)                                       \
    {                                                                                                                  \
        R *yp = yv;                                                                                                    \
        const T *ap = av, *bp = bv;                                                                                    \
        for (size_t i = 0; i < n; i++) {                                                                               \
            T a = ap[i], b = bp[i];                                                                                    \
            yp[i] = expr;                                                                                              \
        }                                                                                                              \
    }
#define COMPARES(tag, T)                                                                                               \
    BINARY_TO(tag, T, uint8_t, equal, a == b)                                                                          \
    BINARY_TO(tag, T, uint8_t, greater, a > b)                                                                         \
    BINARY_TO(tag, T, uint8_t, less, a < b)

#define INT_TYPES(X)                                                                                                   \
    X(int8_t, i8, FV_I8)                                                                                               \
    X(uint8_t, u8, FV_U8)                                                                                              \
    X(int16_t, i16, FV_I16)                                                                                            \
    X(uint16_t, u16, FV_U16)                                                                                           \
    X(int32_t, i32, FV_I32)                                                                                            \
    X(uint32_t, u32, FV_U32)                                                                                           \
    X(int64_t, i64, FV_I64)                                                                                            \
    X(uint64_t, u64, FV_U64)

#define F32(name) name##f
#define F64(name) name
FLOAT_OPS(float, F32, f32)
FLOAT_OPS(double, F64, f64)
#pragma GCC diagnostic ignored "-Wtype-limits" /* one text for signed and unsigned */
#define DEFINE_INT(T, tag, id) INT_HELPERS(T, tag) INT_OPS(T, tag)
INT_TYPES(DEFINE_INT)
BINARY_TO(b8, uint8_t, uint8_t, and, a && b)
BINARY_TO(b8, uint8_t, uint8_t, equal, !a == !b)

#define FLOAT_UNARY(tag)                                                                                               \
    {                                                                                                                  \
        abs_##tag, neg_##tag, sqrt_##tag, exp_##tag, log_##tag, erf_##tag, ceil_##tag, floor_##tag, reciprocal_##tag,  \
            square_##tag                                                                                               \
    }
#define BINARY_ROW(tag)                                                                                                \
    {                                                                                                                  \
        add_##tag, sub_##tag, mul_##tag, div_##tag, max_##tag, min_##tag, prelu_##tag, pow_##tag,          \
            mod_##tag, fmod_##tag                                                                                \
    }

static const fvi_unary_fn unary_f32[FVI_UNARY_COUNT] = FLOAT_UNARY(f32), unary_f64[FVI_UNARY_COUNT] = FLOAT_UNARY(f64);
#define INT_UNARY_ROW(T, tag, id) [id] = {abs_##tag, neg_##tag, 0, 0, 0, 0, same_##tag, same_##tag, 0, square_##tag},
static const fvi_unary_fn unary_int[FV_DTYPE_COUNT][FVI_UNARY_COUNT] = {INT_TYPES(INT_UNARY_ROW)};
#define INT_BINARY_ROW(T, tag, id) [id] = BINARY_ROW(tag),
static const fvi_binary_fn binary[FV_DTYPE_COUNT][FVI_BINARY_COUNT] = {
    [FV_F32] = BINARY_ROW(f32), [FV_F64] = BINARY_ROW(f64), INT_TYPES(INT_BINARY_ROW)};
#define COMPARE_ROW(T, tag, id) [id] = {equal_##tag, greater_##tag, less_##tag},
static const fvi_binary_fn compare[FV_DTYPE_COUNT][FVI_COMPARE_COUNT] = {
    COMPARE_ROW(float, f32, FV_F32) COMPARE_ROW(double, f64, FV_F64) INT_TYPES(COMPARE_ROW)[FV_BOOL] = {equal_b8, 0, 0, and_b8}};

fvi_unary_fn fvi_unary_of_type(fvi_unary op, fv_dtype t)
{
    return t == FV_F32 ? unary_f32[op] : t == FV_F64 ? unary_f64[op] : unary_int[t][op];
}
fvi_binary_fn fvi_binary_of_type(fvi_binary op, fv_dtype t) { return binary[t][op]; }
fvi_binary_fn fvi_compare_of_type(fvi_compare op, fv_dtype t) { return compare[t][op]; }

/* Cut before it is rounded, which is the same since the bounds are whole; adding 1.5 * 2^23 rounds what is below 2^22. */
static void quant(float *y, const float *x, size_t n, float scale, float lo, float hi, float scale_out)
{
    const float shift = 12582912.0f;
    for (size_t i = 0; i < n; i++) {
        float v = x[i] / scale;
        v = v > lo ? v : lo;
        v = v < hi ? v : hi;
        y[i] = ((v + shift) - shift) * scale_out;
    }
}

static void muladd(float *y, const float *x, const float *scale, const float *shift, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] = x[i] * scale[i] + shift[i];
}

void fvi_elementwise_init(fvi_elementwise *k, fvi_cpu_flags flags)
{
    memcpy(k->unary, unary_f32, sizeof unary_f32);
    memcpy(k->binary, binary[FV_F32], sizeof binary[FV_F32]);
    k->muladd = muladd;
    k->quant = quant;
#ifdef FVI_X86
    if (flags & FVI_CPU_AVX2) fvi_elementwise_init_avx2(k);
    if (flags & FVI_CPU_AVX512) fvi_elementwise_init_avx512(k);
#else
    (void)flags;
#endif
}

#define WHERE(T)                                                                                                       \
    {                                                                                                                  \
        T *yp = y;                                                                                                     \
        const T *ap = a, *bp = b;                                                                                      \
        for (size_t i = 0; i < n; i++) yp[i] = cond[i] ? ap[i] : bp[i];                                                \
        return;                                                                                                        \
    }
void fvi_where(void *y, const uint8_t *cond, const void *a, const void *b, size_t n, size_t size)
{
    switch (size) {
    case 1: WHERE(uint8_t)
    case 2: WHERE(uint16_t)
    case 4: WHERE(uint32_t)
    default: WHERE(uint64_t)
    }
}
