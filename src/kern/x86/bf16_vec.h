/* bf16_vec.h: rows between FP32 and BF16 in the words of vec_*.h and of the level's file: bf_load, bf_store (VF_W elements). */
#include "kern/bf16.h"

/* The bits of the rounded value in place; NaN becomes quiet. */
static inline vf bf_round(vf x)
{
    const vi u = vf_bits(x);
    const vi up = vi_add(vi_set(0x7fff), vi_and(vi_shr16(u), vi_set(1)));
    const vf r = vf_from_bits(vi_and(vi_add(u, up), vi_set((int)0xffff0000)));
    return vf_select(vf_nan(x, x), vf_from_bits(vi_and(vi_or(u, vi_set(0x00400000)), vi_set((int)0xffff0000))), r);
}

static void widen(float *y, const uint16_t *x, size_t n)
{
    size_t i = 0;
    for (; i + VF_W <= n; i += VF_W) vf_store(y + i, bf_load(x + i));
    for (; i < n; i++) y[i] = fvi_bf16_widen1(x[i]);
}

static void narrow(uint16_t *y, const float *x, size_t n)
{
    size_t i = 0;
    for (; i + VF_W <= n; i += VF_W) bf_store(y + i, bf_round(vf_load(x + i)));
    for (; i < n; i++) y[i] = fvi_bf16_narrow1(x[i]);
}

static void round_to(float *y, const float *x, size_t n)
{
    size_t i = 0;
    for (; i + VF_W <= n; i += VF_W) vf_store(y + i, bf_round(vf_load(x + i)));
    for (; i < n; i++) y[i] = fvi_bf16_widen1(fvi_bf16_narrow1(x[i]));
}

static void max_rows(uint16_t *y, const uint16_t *const *x, int rows, size_t n)
{
    size_t i = 0;
    for (; i + VF_W <= n; i += VF_W) {
        vf best = bf_load(x[0] + i);
        for (int r = 1; r < rows; r++) best = vf_max(bf_load(x[r] + i), best);
        bf_store(y + i, best);
    }
    for (; i < n; i++) {
        uint16_t best = x[0][i];
        for (int r = 1; r < rows; r++)
            if (fvi_bf16_widen1(x[r][i]) > fvi_bf16_widen1(best)) best = x[r][i];
        y[i] = best;
    }
}
