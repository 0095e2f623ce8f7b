/* resize_vec.h: bilinear mixing written on `vf`; compiled once a level by resize_avx2.c and resize_avx512.c. */
#include "kern/resize.h"

static void bilinear_v(float *y, const float *a, const float *b, const float *c, const float *d, const float w[4], size_t n)
{
    vf w0 = vf_set(w[0]), w1 = vf_set(w[1]), w2 = vf_set(w[2]), w3 = vf_set(w[3]);
    for (size_t i = 0; i < n; i += VF_W) {
        size_t m = n - i < VF_W ? n - i : VF_W;
        vf s = vf_mul(vf_load_n(a + i, m), w0);
        s = vf_fma(vf_load_n(b + i, m), w1, s);
        s = vf_fma(vf_load_n(c + i, m), w2, s);
        s = vf_fma(vf_load_n(d + i, m), w3, s);
        vf_store_n(y + i, s, m);
    }
}

void VF_NAME(fvi_resize_kern_init)(fvi_resize_kern *k) { k->bilinear = bilinear_v; }
