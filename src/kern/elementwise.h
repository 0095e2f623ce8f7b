/* elementwise.h: one operation on rows of contiguous elements. The float table is raised level by level; the other
 * element types are plain C. y may be any of the inputs. Whoever calls them sees to strides (backend/cpu/loop.c).
 * Floats: vector levels agree with C within 1e-6 relative (exact where the operation is one rounding). */
#ifndef FVI_KERN_ELEMENTWISE_H
#define FVI_KERN_ELEMENTWISE_H
#include "kern/cpu.h"
#include <fovea/tensor.h>

typedef enum fvi_unary {
    FVI_UNARY_ABS,
    FVI_UNARY_NEG,
    FVI_UNARY_SQRT,
    FVI_UNARY_EXP,
    FVI_UNARY_LOG,
    FVI_UNARY_ERF,
    FVI_UNARY_CEIL,
    FVI_UNARY_FLOOR,
    FVI_UNARY_RECIPROCAL,
    FVI_UNARY_SQUARE,
    FVI_UNARY_COUNT
} fvi_unary;

typedef enum fvi_binary {
    FVI_BINARY_ADD,
    FVI_BINARY_SUB,
    FVI_BINARY_MUL,
    FVI_BINARY_DIV, /* integers: towards zero; x/0 = 0 */
    FVI_BINARY_MAX, /* NaN wins */
    FVI_BINARY_MIN,
    FVI_BINARY_PRELU, /* a < 0 ? a b : a */
    FVI_BINARY_POW,
    FVI_BINARY_MOD,  /* sign of the divisor (integers); x mod 0 = 0 */
    FVI_BINARY_FMOD, /* sign of the dividend, as C */
    FVI_BINARY_COUNT
} fvi_binary;

typedef enum fvi_compare { FVI_COMPARE_EQUAL, FVI_COMPARE_GREATER, FVI_COMPARE_LESS, FVI_COMPARE_AND, FVI_COMPARE_COUNT } fvi_compare;

typedef void (*fvi_unary_fn)(void *y, const void *x, size_t n);
typedef void (*fvi_binary_fn)(void *y, const void *a, const void *b, size_t n); /* compare: y is bool */
typedef void (*fvi_muladd_fn)(float *y, const float *x, const float *scale, const float *shift, size_t n);

/* y = scale_out * clamp(round(x / scale), lo, hi), halves to the even neighbour; lo and hi are whole, within 2^17; NaN gives lo. */
typedef void (*fvi_quant_fn)(float *y, const float *x, size_t n, float scale, float lo, float hi, float scale_out);

typedef struct fvi_elementwise {
    fvi_unary_fn unary[FVI_UNARY_COUNT];
    fvi_binary_fn binary[FVI_BINARY_COUNT];
    fvi_muladd_fn muladd; /* x scale + shift */
    fvi_quant_fn quant;   /* exact: every level gives the same bits */
} fvi_elementwise; /* of floats */

void fvi_elementwise_init(fvi_elementwise *k, fvi_cpu_flags flags);
void fvi_elementwise_init_avx2(fvi_elementwise *k);
void fvi_elementwise_init_avx512(fvi_elementwise *k);

/* Every other type; null = the type has no such operation. */
fvi_unary_fn fvi_unary_of_type(fvi_unary op, fv_dtype t);
fvi_binary_fn fvi_binary_of_type(fvi_binary op, fv_dtype t);
fvi_binary_fn fvi_compare_of_type(fvi_compare op, fv_dtype t);

/* Conversion of contiguous elements; null for FV_NONE. Floats out of an integer's range saturate, NaN becomes 0. */
typedef void (*fvi_convert_fn)(void *y, const void *x, size_t n);
fvi_convert_fn fvi_convert(fv_dtype to, fv_dtype from);
/* One element; exact. */
float fvi_half_to_float(uint16_t h);   /* IEEE 754 binary16 */
float fvi_bfloat_to_float(uint16_t h); /* bfloat16 */
/* y[i] = cond[i] ? a[i] : b[i], elements of `size` bytes */
void fvi_where(void *y, const uint8_t *cond, const void *a, const void *b, size_t n, size_t size);
#endif
