/* elementwise_convert.c: from any element type to any other: what Cast does, and how half precision data meets
 * operators that compute in float. Called by backend/cpu/loop.c and op_cast.c. */
#include "kern/elementwise.h"
#include <string.h>

float fvi_half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = h >> 10 & 31, m = h & 0x3ff, bits;
    if (e == 31) {
        bits = sign | 0x7f800000 | m << 13;
    } else if (e) {
        bits = sign | (e + 112) << 23 | m << 13;
    } else {
        float f = (float)m * 0x1p-24f; /* zero and subnormals */
        return sign ? -f : f;
    }
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

/* to nearest, ties to even */
static uint16_t float_to_half(float f)
{
    uint32_t x;
    memcpy(&x, &f, 4);
    uint16_t sign = (uint16_t)(x >> 16 & 0x8000);
    x &= 0x7fffffff;
    if (x > 0x7f800000) return (uint16_t)(sign | 0x7e00);
    if (x >= 0x477ff000) return (uint16_t)(sign | 0x7c00); /* 65520 and more */
    if (x < 0x38800000) { /* below the smallest normal: the addition rounds at 2^-24 */
        float a;
        memcpy(&a, &x, 4);
        a += 0.5f;
        memcpy(&x, &a, 4);
        return (uint16_t)(sign | (x - 0x3f000000));
    }
    x += 0xc8000fff + (x >> 13 & 1);
    return (uint16_t)(sign | x >> 13);
}

float fvi_bfloat_to_float(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static uint16_t float_to_bfloat(float f)
{
    uint32_t x;
    memcpy(&x, &f, 4);
    if ((x & 0x7fffffff) > 0x7f800000) return (uint16_t)(x >> 16 | 0x40);
    return (uint16_t)((x + 0x7fff + (x >> 16 & 1)) >> 16);
}

/* Float to integer without undefined behaviour: saturates, NaN -> 0. `below` and `above` are the first doubles out of
 * range on either side once truncated. */
#define SATURATE(x, T, low, high) ((x) != (x) ? (T)0 : (x) <= (low) ? (T)(low) : (x) >= (high) ? (T) ~(T)(low) : (T)(x))

#define FROM(X, to, R)                                                                                                 \
    X(to, R, f32, float)                                                                                               \
    X(to, R, f64, double)                                                                                              \
    X(to, R, i8, int8_t)                                                                                               \
    X(to, R, u8, uint8_t)                                                                                              \
    X(to, R, i16, int16_t)                                                                                             \
    X(to, R, u16, uint16_t)                                                                                            \
    X(to, R, i32, int32_t)                                                                                             \
    X(to, R, u32, uint32_t)                                                                                            \
    X(to, R, i64, int64_t)                                                                                             \
    X(to, R, u64, uint64_t)

#define CONVERT(to, R, from, T)                                                                                        \
    static void to##_of_##from(void *yv, const void *xv, size_t n)                                                     \
    {                                                                                                                  \
        R *y = yv;                                                                                                     \
        const T *x = xv;                                                                                               \
        for (size_t i = 0; i < n; i++) y[i] = TO_##to(x[i]);                                                           \
    }
#define IS_FLOAT(x) (_Generic((x), float: 1, double: 1, default: 0))
#define TO_f32(x) ((float)(x))
#define TO_f64(x) ((double)(x))
#define TO_i8(x) (IS_FLOAT(x) ? SATURATE(x, int8_t, -0x1p7, 0x1p7) : (int8_t)(x))
#define TO_u8(x) (IS_FLOAT(x) ? SATURATE(x, uint8_t, 0.0, 0x1p8) : (uint8_t)(x))
#define TO_i16(x) (IS_FLOAT(x) ? SATURATE(x, int16_t, -0x1p15, 0x1p15) : (int16_t)(x))
#define TO_u16(x) (IS_FLOAT(x) ? SATURATE(x, uint16_t, 0.0, 0x1p16) : (uint16_t)(x))
#define TO_i32(x) (IS_FLOAT(x) ? SATURATE(x, int32_t, -0x1p31, 0x1p31) : (int32_t)(x))
#define TO_u32(x) (IS_FLOAT(x) ? SATURATE(x, uint32_t, 0.0, 0x1p32) : (uint32_t)(x))
#define TO_i64(x) (IS_FLOAT(x) ? SATURATE(x, int64_t, -0x1p63, 0x1p63) : (int64_t)(x))
#define TO_u64(x) (IS_FLOAT(x) ? SATURATE(x, uint64_t, 0.0, 0x1p64) : (uint64_t)(x))
#define TO_b8(x) ((x) != 0)
FROM(CONVERT, f32, float)
FROM(CONVERT, f64, double)
FROM(CONVERT, i8, int8_t)
FROM(CONVERT, u8, uint8_t)
FROM(CONVERT, i16, int16_t)
FROM(CONVERT, u16, uint16_t)
FROM(CONVERT, i32, int32_t)
FROM(CONVERT, u32, uint32_t)
FROM(CONVERT, i64, int64_t)
FROM(CONVERT, u64, uint64_t)
FROM(CONVERT, b8, uint8_t)

#define HALF(name, R, T, fn)                                                                                           \
    static void name(void *yv, const void *xv, size_t n)                                                               \
    {                                                                                                                  \
        R *y = yv;                                                                                                     \
        const T *x = xv;                                                                                               \
        for (size_t i = 0; i < n; i++) y[i] = fn(x[i]);                                                                \
    }
HALF(f32_of_f16, float, uint16_t, fvi_half_to_float)
HALF(f16_of_f32, uint16_t, float, float_to_half)
HALF(f32_of_bf16, float, uint16_t, fvi_bfloat_to_float)
HALF(bf16_of_f32, uint16_t, float, float_to_bfloat)

static void copy1(void *y, const void *x, size_t n) { memmove(y, x, n); }
static void copy2(void *y, const void *x, size_t n) { memmove(y, x, n * 2); }

#define ROW(to)                                                                                                        \
    {                                                                                                                  \
        [FV_F32] = to##_of_f32, [FV_F64] = to##_of_f64, [FV_I8] = to##_of_i8, [FV_U8] = to##_of_u8,                    \
        [FV_I16] = to##_of_i16, [FV_U16] = to##_of_u16, [FV_I32] = to##_of_i32, [FV_U32] = to##_of_u32,                \
        [FV_I64] = to##_of_i64, [FV_U64] = to##_of_u64, [FV_BOOL] = to##_of_u8                                         \
    }
static const fvi_convert_fn table[FV_DTYPE_COUNT][FV_DTYPE_COUNT] = {
    [FV_F32] = ROW(f32), [FV_F64] = ROW(f64), [FV_I8] = ROW(i8),   [FV_U8] = ROW(u8),   [FV_I16] = ROW(i16), [FV_U16] = ROW(u16),
    [FV_I32] = ROW(i32), [FV_U32] = ROW(u32), [FV_I64] = ROW(i64), [FV_U64] = ROW(u64), [FV_BOOL] = ROW(b8)};

/* The half types go through float; in blocks, so that any size needs no memory. */
enum { BLOCK = 256 };
#define HALF_PAIR(id, h)                                                                                               \
    static void h##_to_any(void *y, const void *x, size_t n, fvi_convert_fn second, size_t size)                       \
    {                                                                                                                  \
        float f[BLOCK];                                                                                                \
        for (size_t i = 0; i < n; i += BLOCK) {                                                                        \
            size_t m = n - i < BLOCK ? n - i : BLOCK;                                                                  \
            f32_of_##h(f, (const uint16_t *)x + i, m);                                                                 \
            second((char *)y + i * size, f, m);                                                                        \
        }                                                                                                              \
    }                                                                                                                  \
    static void any_to_##h(void *y, const void *x, size_t n, fvi_convert_fn first, size_t size)                        \
    {                                                                                                                  \
        float f[BLOCK];                                                                                                \
        for (size_t i = 0; i < n; i += BLOCK) {                                                                        \
            size_t m = n - i < BLOCK ? n - i : BLOCK;                                                                  \
            first(f, (const char *)x + i * size, m);                                                                   \
            h##_of_f32((uint16_t *)y + i, f, m);                                                                       \
        }                                                                                                              \
    }                                                                                                                  \
    FROM_HALF(h, f64, 8) FROM_HALF(h, i8, 1) FROM_HALF(h, u8, 1) FROM_HALF(h, i16, 2) FROM_HALF(h, u16, 2)             \
    FROM_HALF(h, i32, 4) FROM_HALF(h, u32, 4) FROM_HALF(h, i64, 8) FROM_HALF(h, u64, 8) TO_BOOL(h)
#define FROM_HALF(h, t, size)                                                                                          \
    static void t##_of_##h(void *y, const void *x, size_t n) { h##_to_any(y, x, n, t##_of_f32, size); }                \
    static void h##_of_##t(void *y, const void *x, size_t n) { any_to_##h(y, x, n, f32_of_##t, size); }
#define TO_BOOL(h)                                                                                                     \
    static void b8_of_##h(void *y, const void *x, size_t n) { h##_to_any(y, x, n, b8_of_f32, 1); }
HALF_PAIR(FV_F16, f16)
HALF_PAIR(FV_BF16, bf16)
static void bf16_of_f16(void *y, const void *x, size_t n) { f16_to_any(y, x, n, bf16_of_f32, 2); }
static void f16_of_bf16(void *y, const void *x, size_t n) { bf16_to_any(y, x, n, f16_of_f32, 2); }

#define TO_HALF_ROW(h)                                                                                                 \
    {                                                                                                                  \
        [FV_F32] = h##_of_f32, [FV_F64] = h##_of_f64, [FV_I8] = h##_of_i8, [FV_U8] = h##_of_u8, [FV_I16] = h##_of_i16, \
        [FV_U16] = h##_of_u16, [FV_I32] = h##_of_i32, [FV_U32] = h##_of_u32, [FV_I64] = h##_of_i64,                    \
        [FV_U64] = h##_of_u64, [FV_BOOL] = h##_of_u8                                                                   \
    }
static const fvi_convert_fn to_f16[FV_DTYPE_COUNT] = TO_HALF_ROW(f16), to_bf16[FV_DTYPE_COUNT] = TO_HALF_ROW(bf16);
#define FROM_HALF_COLUMN(h)                                                                                            \
    {                                                                                                                  \
        [FV_F32] = f32_of_##h, [FV_F64] = f64_of_##h, [FV_I8] = i8_of_##h, [FV_U8] = u8_of_##h, [FV_I16] = i16_of_##h, \
        [FV_U16] = u16_of_##h, [FV_I32] = i32_of_##h, [FV_U32] = u32_of_##h, [FV_I64] = i64_of_##h,                    \
        [FV_U64] = u64_of_##h, [FV_BOOL] = b8_of_##h                                                                   \
    }
static const fvi_convert_fn from_f16[FV_DTYPE_COUNT] = FROM_HALF_COLUMN(f16), from_bf16[FV_DTYPE_COUNT] = FROM_HALF_COLUMN(bf16);

fvi_convert_fn fvi_convert(fv_dtype to, fv_dtype from)
{
    if (to == from && (to == FV_F16 || to == FV_BF16)) return copy2;
    if (to == FV_BOOL && from == FV_BOOL) return copy1;
    if (to == FV_F16) return from == FV_BF16 ? f16_of_bf16 : to_f16[from];
    if (to == FV_BF16) return from == FV_F16 ? bf16_of_f16 : to_bf16[from];
    return from == FV_F16 ? from_f16[to] : from == FV_BF16 ? from_bf16[to] : table[to][from];
}
