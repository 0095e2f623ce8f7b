/* resize_vec.h: bilinear mixing written on `vf`; compiled once a level by resize_avx2.c and resize_avx512.c. */
#include "kern/resize.h"

static void bilinear_v(float *y, const float *a, const float *b, const float *c, const float *d, const float w[4], size_t n)
{
    vf w0 = vf_set(w[0]), w1 = vf_set(w[1]), w2 = vf_set(w[2]), w3 = vf_set(w[3]);
    size_t i = 0;
    for (; i + VF_W <= n; i += VF_W) {
        vf s = vf_mul(vf_load(a + i), w0);
        s = vf_fma(vf_load(b + i), w1, s);
        s = vf_fma(vf_load(c + i), w2, s);
        vf_store(y + i, vf_fma(vf_load(d + i), w3, s));
    }
    if (i < n) { /* partial stores are slow on some machines: only here */
        vf s = vf_mul(vf_load_n(a + i, n - i), w0);
        s = vf_fma(vf_load_n(b + i, n - i), w1, s);
        s = vf_fma(vf_load_n(c + i, n - i), w2, s);
        vf_store_n(y + i, vf_fma(vf_load_n(d + i, n - i), w3, s), n - i);
    }
}

void VF_NAME(fvi_resize_kern_init)(fvi_resize_kern *k) { k->bilinear = bilinear_v; }
