/* bytes_vec.h: rows of bytes and floats in the words of vec_*.h and of the level's file:
 *   by_load(p)            VF_W bytes as whole numbers of 32 bits
 *   by_store(p, v)        whole numbers 0..255 to VF_W bytes
 *   bv, BV_W, bv_load, bv_store, bv_max   vector of BV_W bytes */
#include "kern/bytes.h"

static void widen(float *y, const uint8_t *x, size_t n, int zero, float scale)
{
    const vi z = vi_set(zero);
    const vf s = vf_set(scale);
    size_t i = 0;
    for (; i + VF_W <= n; i += VF_W) vf_store(y + i, vf_mul(vi_to_float(vi_sub(by_load(x + i), z)), s));
    for (; i < n; i++) y[i] = (float)(x[i] - zero) * scale;
}

static void narrow(uint8_t *y, const float *x, size_t n, float inv, int zero)
{
    const vf k = vf_set(inv), lo = vf_set((float)-zero), hi = vf_set((float)(255 - zero));
    const vi z = vi_set(zero);
    size_t i = 0;
    for (; i + VF_W <= n; i += VF_W) by_store(y + i, vi_add(vf_to_int(vf_min(vf_max(vf_mul(vf_load(x + i), k), lo), hi)), z));
    for (; i < n; i++) y[i] = fvi_bytes_narrow1(x[i], inv, zero);
}

static void max_rows(uint8_t *y, const uint8_t *const *x, int rows, size_t n)
{
    size_t i = 0;
    for (; i + BV_W <= n; i += BV_W) {
        bv best = bv_load(x[0] + i);
        for (int r = 1; r < rows; r++) best = bv_max(best, bv_load(x[r] + i));
        bv_store(y + i, best);
    }
    for (; i < n; i++) {
        uint8_t best = x[0][i];
        for (int r = 1; r < rows; r++) best = x[r][i] > best ? x[r][i] : best;
        y[i] = best;
    }
}
