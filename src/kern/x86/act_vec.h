/* act_vec.h: activation rows for one x86 level; the body of act_avx2.c and act_avx512.c, which include their vec_*.h
 * first. The functions themselves are in vact.h. */
#ifndef FVI_KERN_ACT_VEC_H
#define FVI_KERN_ACT_VEC_H
#include "kern/act.h"
#include "kern/x86/vact.h"

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
