/* peak_avx512.c: the peak loop (peak_vec.h) at level avx512. Put into the table by ../peak.c. */
#include "kern/x86/vec_avx512.h"
#include "kern/peak_vec.h"

const fvi_peak fvi_peak_avx512 = {"fp32", FVI_CPU_AVX512, 12 * VF_W, 1, peak_run};
const fvi_peak fvi_peak_bf16_avx512 = {"bf16", FVI_CPU_AVX512, 12 * VF_W, 1, peak_run};

#define PK_W 16
#define PK_ONES 0x01010101
typedef __m512i pk;
static inline pk pk_set(int v) { return _mm512_set1_epi32(v); }
static inline pk pk_from(const float *p) { return _mm512_cvtps_epi32(_mm512_loadu_ps(p)); }
static inline void pk_to(float *p, pk v) { _mm512_storeu_ps(p, _mm512_cvtepi32_ps(v)); }
static inline pk pk_dot(pk s, pk a, pk b) { return _mm512_dpbusd_epi32(s, a, b); }
#include "kern/x86/peak_int8.h"
const fvi_peak fvi_peak_int8_avx512 = {"int8", FVI_CPU_AVX512, PK_SUMS * PK_W, 4, int8_run};
