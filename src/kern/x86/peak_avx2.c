/* peak_avx2.c: the peak loop (peak_vec.h) at level avx2. Put into the table by ../peak.c. */
#include "kern/x86/vec_avx2.h"
#include "kern/peak_vec.h"

const fvi_peak fvi_peak_avx2 = {"fp32", FVI_CPU_AVX2, 12 * VF_W, 1, peak_run};
const fvi_peak fvi_peak_bf16_avx2 = {"bf16", FVI_CPU_AVX2, 12 * VF_W, 1, peak_run};
