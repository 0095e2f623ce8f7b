/* peak.c: the table of peak loops, and level c's. Called by model/engine/peak.c; walked by checkkern. */
#include "kern/vec_c.h"
#include "kern/peak_vec.h"

const fvi_peak fvi_peak_c = {"fp32", FVI_CPU_C, 12 * VF_W, 1, peak_run};
const fvi_peak fvi_peak_bf16_c = {"bf16", FVI_CPU_C, 12 * VF_W, 1, peak_run};
const fvi_peak fvi_peak_int8_c = {"int8", FVI_CPU_C, 12 * VF_W, 1, peak_run};

const fvi_peak *const fvi_peaks[] = {
    &fvi_peak_c,
#ifdef FVI_X86
    &fvi_peak_avx2,
    &fvi_peak_avx512,
#endif
    &fvi_peak_bf16_c,
#ifdef FVI_X86
    &fvi_peak_bf16_avx2,
    &fvi_peak_bf16_avx512,
    &fvi_peak_bf16_avx512bf16,
    &fvi_peak_bf16_amx,
#endif
    &fvi_peak_int8_c,
#ifdef FVI_X86
    &fvi_peak_int8_avx2,
    &fvi_peak_int8_avxvnni,
    &fvi_peak_int8_avx512,
#endif
    NULL,
};

const fvi_peak *fvi_peak_choose(const char *precision, fvi_cpu_flags flags)
{
    const fvi_peak *best = NULL;
    for (int i = 0; fvi_peaks[i]; i++)
        if ((fvi_peaks[i]->level & (flags | FVI_CPU_C)) && strcmp(fvi_peaks[i]->precision, precision) == 0) best = fvi_peaks[i];
    return best;
}
