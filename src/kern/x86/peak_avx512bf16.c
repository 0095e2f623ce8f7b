/* peak_avx512bf16.c: pairs of BF16 into twelve sums, out of registers. Put into the table by ../peak.c. */
#include "kern/x86/vec_avx512.h"
#include "kern/peak.h"

enum { SUMS = 12 };

static void run(float *state, int64_t rounds)
{
    const __m512i one = _mm512_set1_epi32(0x3f803f80), half = _mm512_set1_epi32(0x3f003f00); /* pairs */
    const __m512bh a = (__m512bh)one, b = (__m512bh)half;
    vf s[SUMS];
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++) s[i] = vf_load(state + i * VF_W);
    for (int64_t r = 0; r < rounds; r++) {
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++) s[i] = _mm512_dpbf16_ps(s[i], a, b);
    }
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++) vf_store(state + i * VF_W, s[i]);
}

const fvi_peak fvi_peak_bf16_avx512bf16 = {"bf16", FVI_CPU_AVX512BF16, SUMS * VF_W, 2, run};
