/* reduce_vec.h: sums and extremes written on `vf`; compiled once a level by reduce_avx2.c and reduce_avx512.c. */
#include "kern/reduce.h"

static float sum_v(const float *x, size_t n)
{
    vf a = vf_set(0.0f), b = a, c = a, d = a;
    size_t i = 0;
    for (; i + 4 * VF_W <= n; i += 4 * VF_W) {
        a = vf_add(a, vf_load(x + i));
        b = vf_add(b, vf_load(x + i + VF_W));
        c = vf_add(c, vf_load(x + i + 2 * VF_W));
        d = vf_add(d, vf_load(x + i + 3 * VF_W));
    }
    for (; i + VF_W <= n; i += VF_W) a = vf_add(a, vf_load(x + i));
    if (i < n) b = vf_add(b, vf_load_n(x + i, n - i));
    return vf_sum(vf_add(vf_add(a, b), vf_add(c, d)));
}

static float max_v(const float *x, size_t n)
{
    vf first = vf_set(x[0]), m = first;
    size_t i = 0;
    for (; i + VF_W <= n; i += VF_W) m = vf_max(vf_load(x + i), m);
    if (i < n) m = vf_max(vf_keep_n(vf_load_n(x + i, n - i), n - i, first), m);
    return vf_hmax(m);
}

static float min_v(const float *x, size_t n)
{
    vf first = vf_set(x[0]), m = first;
    size_t i = 0;
    for (; i + VF_W <= n; i += VF_W) m = vf_min(vf_load(x + i), m);
    if (i < n) m = vf_min(vf_keep_n(vf_load_n(x + i, n - i), n - i, first), m);
    return -vf_hmax(vf_neg(m));
}

static inline vf squared(vf x, vf mean, vf sum)
{
    vf d = vf_sub(x, mean);
    return vf_fma(d, d, sum);
}

static float squares_v(const float *x, size_t n, float mean)
{
    vf m = vf_set(mean), a = vf_set(0.0f), b = a, c = a, d = a;
    size_t i = 0;
    for (; i + 4 * VF_W <= n; i += 4 * VF_W) {
        a = squared(vf_load(x + i), m, a);
        b = squared(vf_load(x + i + VF_W), m, b);
        c = squared(vf_load(x + i + 2 * VF_W), m, c);
        d = squared(vf_load(x + i + 3 * VF_W), m, d);
    }
    for (; i + VF_W <= n; i += VF_W) a = squared(vf_load(x + i), m, a);
    if (i < n) b = squared(vf_keep_n(vf_load_n(x + i, n - i), n - i, m), m, b);
    return vf_sum(vf_add(vf_add(a, b), vf_add(c, d)));
}

void VF_NAME(fvi_reduce_init)(fvi_reduce *k) { *k = (fvi_reduce){sum_v, max_v, min_v, squares_v}; }
