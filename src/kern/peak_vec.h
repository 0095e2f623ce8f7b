/* peak_vec.h: the loop of peak.h in the words of vec_*.h; included by one file a level. Twelve sums: latency (4 or 5 cycles)
 * times two units, and as many as fit beside the two factors into the 16 registers of AVX2. */
#include "kern/peak.h"

static void peak_run(float *state, int64_t rounds)
{
    const vf half = vf_set(0.5f), quarter = vf_set(0.25f);
    vf a = vf_load(state), b = vf_load(state + VF_W), c = vf_load(state + 2 * VF_W), d = vf_load(state + 3 * VF_W);
    vf e = vf_load(state + 4 * VF_W), f = vf_load(state + 5 * VF_W), g = vf_load(state + 6 * VF_W), h = vf_load(state + 7 * VF_W);
    vf i = vf_load(state + 8 * VF_W), j = vf_load(state + 9 * VF_W), k = vf_load(state + 10 * VF_W), l = vf_load(state + 11 * VF_W);
#define STEP(x) x = vf_fma(x, half, quarter)
    for (int64_t r = 0; r < rounds; r++) {
        STEP(a), STEP(b), STEP(c), STEP(d), STEP(e), STEP(f);
        STEP(g), STEP(h), STEP(i), STEP(j), STEP(k), STEP(l);
    }
#undef STEP
    vf_store(state, a), vf_store(state + VF_W, b), vf_store(state + 2 * VF_W, c), vf_store(state + 3 * VF_W, d);
    vf_store(state + 4 * VF_W, e), vf_store(state + 5 * VF_W, f), vf_store(state + 6 * VF_W, g), vf_store(state + 7 * VF_W, h);
    vf_store(state + 8 * VF_W, i), vf_store(state + 9 * VF_W, j), vf_store(state + 10 * VF_W, k), vf_store(state + 11 * VF_W, l);
}
