/* prep420_ref.c: rows of 4:2:0 pictures at their own size in plain C, and rows of words: the definition that every vector level repeats bit for
 * bit. Sums of chroma are whole numbers of sixteenths: nothing is rounded before the colours. Called through fvi_prep_kern by src/image. */
#include "kern/prep_kern.h"
#include <string.h>

/* Quarters of a level. */
static inline int chroma_at(const fvi_prep_row420 *r, int i, int k)
{
    k = k < 0 ? 0 : k >= r->chroma_width ? r->chroma_width - 1 : k;
    return 3 * r->near[i][k * r->step] + r->far[i][k * r->step];
}

/* FVI_PREP_FINE times the chroma of column x. */
static inline float upsampled(const fvi_prep_row420 *r, int i, int x)
{
    int k = x >> 1, here = chroma_at(r, i, k);
    if (r->left) return (float)(x & 1 ? 8 * (here + chroma_at(r, i, k + 1)) : 16 * here);
    return (float)(12 * here + 4 * chroma_at(r, i, x & 1 ? k + 1 : k - 1));
}

void fvi_prep_row420_c(float *d, ptrdiff_t cs, ptrdiff_t xs, const fvi_prep_row420 *r, const fvi_prep_color *c, int x, int n)
{
    for (int i = 0; i < n; i++) {
        float y = (float)(FVI_PREP_FINE * r->y[x + i]), u = upsampled(r, 0, x + i), v = upsampled(r, 1, x + i);
        fvi_prep_put_yuv_c(d + i * xs, cs, xs, &y, &u, &v, c, 0, 1);
    }
}

void fvi_prep_narrow_c(uint8_t *d, const uint8_t *s, int shift, int x, int n)
{
    for (; x < n; x++) {
        unsigned v = ((unsigned)s[2 * x] | (unsigned)s[2 * x + 1] << 8) + (1u << (shift - 1));
        v >>= shift;
        d[x] = (uint8_t)(v < 255 ? v : 255);
    }
}

void fvi_prep_stream_c(float *d, const float *s, size_t n) { memcpy(d, s, n * sizeof *d); }
