/* peak_avx2.c: the peak loop (peak_vec.h) at level avx2. Put into the table by ../peak.c. */
#include "kern/x86/vec_avx2.h"
#include "kern/peak_vec.h"

const fvi_peak fvi_peak_avx2 = {"fp32", FVI_CPU_AVX2, 12 * VF_W, 1, peak_run};
const fvi_peak fvi_peak_bf16_avx2 = {"bf16", FVI_CPU_AVX2, 12 * VF_W, 1, peak_run};

#define PK_W 8
#define PK_ONES 0x00010001 /* two numbers of 16 bits */
typedef __m256i pk;
static inline pk pk_set(int v) { return _mm256_set1_epi32(v); }
static inline pk pk_from(const float *p) { return _mm256_cvtps_epi32(_mm256_loadu_ps(p)); }
static inline void pk_to(float *p, pk v) { _mm256_storeu_ps(p, _mm256_cvtepi32_ps(v)); }
/* in words that the compiler does not move, for the product is the same every time; both in one, or it would keep twelve products beside the sums */
static inline pk pk_dot(pk s, pk a, pk b)
{
    pk m;
    __asm__ volatile("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(s), "=&x"(m) : "x"(a), "x"(b));
    return s;
}
#include "kern/x86/peak_int8.h"
const fvi_peak fvi_peak_int8_avx2 = {"int8", FVI_CPU_AVX2, PK_SUMS * PK_W, 2, int8_run};
