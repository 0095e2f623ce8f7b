/* qconv_table.c: the table of all byte convolution tactics, and the choice between them by estimate. */
#include "kern/qconv_isa.h"

const fvi_qconv_tactic fvi_qconv_tactics[] = {
    {"qconv reference c", FVI_CPU_C, NULL, &fvi_qconv_reference},
#ifdef FVI_X86
    {"qconv direct avx2", FVI_CPU_AVX2, &fvi_qconv_isa_avx2, &fvi_qconv_direct},
    {"qconv direct avxvnni", FVI_CPU_AVXVNNI, &fvi_qconv_isa_avxvnni, &fvi_qconv_direct},
    {"qconv direct avx512", FVI_CPU_AVX512, &fvi_qconv_isa_avx512, &fvi_qconv_direct},
#endif
    {0},
};

const fvi_qconv_tactic *fvi_qconv_choose(const fvi_qconv_params *p, fvi_cpu_flags flags)
{
    const fvi_qconv_tactic *best = fvi_qconv_tactics;
    double least = 0;
    for (const fvi_qconv_tactic *t = fvi_qconv_tactics; t->name; t++) {
        if (!(t->level & (flags | FVI_CPU_C)) || !t->algorithm->supports(t, p)) continue;
        const double c = t->algorithm->cost(t, p);
        if (t == fvi_qconv_tactics || c < least) best = t, least = c;
    }
    return best;
}
