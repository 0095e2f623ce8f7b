/* act_vec.h: activation rows for one x86 level; the body of act_avx2.c and act_avx512.c, which include their vec_*.h
 * first. The functions themselves are in vact.h. */
#ifndef FVI_KERN_ACT_VEC_H
#define FVI_KERN_ACT_VEC_H
#include "kern/act.h"
#include "kern/x86/vact.h"

/* Rows of n vectors, n constant: the function's constants are loaded once, not once a row; for the tiles of a convolution that is
 * a third of its time. */
#define FVI_ACT_NARROW(name, n)                                                                                        \
    for (ptrdiff_t r = 0; r < rows; r++, dst += ldd, src += lds) {                                                     \
        vf x[n];                                                                                                       \
        for (int i = 0; i < (n); i++) x[i] = act_##name(vf_load(src + i * VF_W), k);                                   \
        for (int i = 0; i < (n); i++) vf_store(dst + i * VF_W, x[i]);                                                  \
    }
#define FVI_ACT_NARROW_ROWS(name)                                                                                      \
    static void narrow_##name(float *dst, ptrdiff_t ldd, const float *src, ptrdiff_t lds, const float *res,            \
                              ptrdiff_t ldr, ptrdiff_t rows, ptrdiff_t cols, float alpha, float beta)                  \
    {                                                                                                                  \
        const ab k = {vf_set(alpha), vf_set(beta)};                                                                    \
        if (!res && cols == 2 * VF_W)                                                                                  \
            FVI_ACT_NARROW(name, 2)                                                                                    \
        else if (!res && cols == VF_W)                                                                                 \
            FVI_ACT_NARROW(name, 1)                                                                                    \
        else                                                                                                           \
            rows_##name(dst, ldd, src, lds, res, ldr, rows, cols, alpha, beta);                                        \
    }

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
FVI_ACT_NARROW_ROWS(sigmoid)
FVI_ACT_NARROW_ROWS(silu)

const fvi_act_kern VF_NAME(fvi_act) = {{rows_none, rows_relu, rows_leaky, rows_clip, narrow_sigmoid, narrow_silu,
                                        rows_hardsigmoid, rows_hardswish, rows_tanh, rows_gelu}};
#endif
