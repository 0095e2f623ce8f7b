/* conv_table.c: the table of all convolution tactics, and the analytic choice between them.
 * Called by backend/cpu/op_conv.c at load; walked by checkkern. */
#include "kern/conv_tactics.h"

const fvi_conv_tactic fvi_conv_tactics[] = {
    {"conv reference c", FVI_CPU_C, &fvi_conv_isa_c, &fvi_conv_reference},
    {"conv direct c", FVI_CPU_C, &fvi_conv_isa_c, &fvi_conv_direct},
    {"conv depthwise c", FVI_CPU_C, &fvi_conv_isa_c, &fvi_conv_depthwise},
    {"conv winograd c", FVI_CPU_C, &fvi_conv_isa_c, &fvi_conv_wino},
#ifdef FVI_X86
    {"conv direct avx2", FVI_CPU_AVX2, &fvi_conv_isa_avx2, &fvi_conv_direct},
    {"conv depthwise avx2", FVI_CPU_AVX2, &fvi_conv_isa_avx2, &fvi_conv_depthwise},
    {"conv winograd avx2", FVI_CPU_AVX2, &fvi_conv_isa_avx2, &fvi_conv_wino},
    {"conv direct avx512", FVI_CPU_AVX512, &fvi_conv_isa_avx512, &fvi_conv_direct},
    {"conv depthwise avx512", FVI_CPU_AVX512, &fvi_conv_isa_avx512, &fvi_conv_depthwise},
    {"conv winograd avx512", FVI_CPU_AVX512, &fvi_conv_isa_avx512, &fvi_conv_wino},
#endif
    {0},
};

const fvi_conv_tactic *fvi_conv_choose(const fvi_conv_params *p, fvi_cpu_flags flags)
{
    const fvi_conv_tactic *best = NULL;
    double cost = 0;
    for (const fvi_conv_tactic *t = fvi_conv_tactics; t->name; t++) {
        if (!(t->level & (flags | FVI_CPU_C)) || !t->algorithm->supports(p)) continue;
        double c = t->algorithm->cost(t, p);
        if (!best || c < cost) best = t, cost = c;
    }
    return best;
}
