/* pool_vec.h: maximum and mean of rows written on `vf`; compiled once a level by pool_avx2.c and pool_avx512.c. */
#include "kern/pool.h"

static void max_v(float *y, const float *const *x, int rows, size_t n)
{
    size_t i = 0;
    for (; i + 2 * VF_W <= n; i += 2 * VF_W) {
        vf a = vf_load(x[0] + i), b = vf_load(x[0] + i + VF_W);
        for (int r = 1; r < rows; r++) {
            a = vf_max(vf_load(x[r] + i), a);
            b = vf_max(vf_load(x[r] + i + VF_W), b);
        }
        vf_store(y + i, a);
        vf_store(y + i + VF_W, b);
    }
    for (; i + VF_W <= n; i += VF_W) {
        vf a = vf_load(x[0] + i);
        for (int r = 1; r < rows; r++) a = vf_max(vf_load(x[r] + i), a);
        vf_store(y + i, a);
    }
    if (i < n) { /* partial stores are slow on some machines: only here */
        vf a = vf_load_n(x[0] + i, n - i);
        for (int r = 1; r < rows; r++) a = vf_max(vf_load_n(x[r] + i, n - i), a);
        vf_store_n(y + i, a, n - i);
    }
}

static void mean_v(float *y, const float *const *x, int rows, size_t n, float scale)
{
    size_t i = 0;
    for (; i + VF_W <= n; i += VF_W) {
        vf a = vf_load(x[0] + i);
        for (int r = 1; r < rows; r++) a = vf_add(a, vf_load(x[r] + i));
        vf_store(y + i, vf_mul(a, vf_set(scale)));
    }
    if (i < n) {
        vf a = vf_load_n(x[0] + i, n - i);
        for (int r = 1; r < rows; r++) a = vf_add(a, vf_load_n(x[r] + i, n - i));
        vf_store_n(y + i, vf_mul(a, vf_set(scale)), n - i);
    }
}

void VF_NAME(fvi_pool_kern_init)(fvi_pool_kern *k) { *k = (fvi_pool_kern){max_v, mean_v}; }
