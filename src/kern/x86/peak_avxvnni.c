/* peak_avxvnni.c: VPDPBUSD on eight sums. Put into the table by ../peak.c. */
#include <immintrin.h>

#define PK_W 8
#define PK_ONES 0x01010101
typedef __m256i pk;
static inline pk pk_set(int v) { return _mm256_set1_epi32(v); }
static inline pk pk_from(const float *p) { return _mm256_cvtps_epi32(_mm256_loadu_ps(p)); }
static inline void pk_to(float *p, pk v) { _mm256_storeu_ps(p, _mm256_cvtepi32_ps(v)); }
static inline pk pk_dot(pk s, pk a, pk b) { return _mm256_dpbusd_avx_epi32(s, a, b); }
#include "kern/x86/peak_int8.h"
const fvi_peak fvi_peak_int8_avxvnni = {"int8", FVI_CPU_AVXVNNI, PK_SUMS * PK_W, 4, int8_run};
