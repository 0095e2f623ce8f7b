/* gemm.h: the inside of a float matrix product: packing, and one tile of C from packed panels of A and B.
 * A panel: mr rows as [k][mr]; B panel: nr columns as [k][nr]; missing rows and columns are zeros. */
#ifndef FVI_KERN_GEMM_H
#define FVI_KERN_GEMM_H
#include "kern/conv_isa.h"

typedef struct fvi_gemm_kern {
    int mr, nr;
    const char *name;
    /* c[i * ldc + j] = (add ? c : 0) + sum over k, for i < rows <= mr, j < cols <= nr */
    void (*tile)(float *c, ptrdiff_t ldc, const float *a, const float *b, size_t k, int rows, int cols, bool add);
    /* [rows, 1..mr]: the tiles of convolutions, which read rows of A where they lie: c[i][0..nr) = bias[0..nr) + sum over k */
    const fvi_conv_tile_fn *direct;
} fvi_gemm_kern;

void fvi_gemm_kern_init(fvi_gemm_kern *k, fvi_cpu_flags flags);
void fvi_gemm_kern_init_avx2(fvi_gemm_kern *k);
void fvi_gemm_kern_init_avx512(fvi_gemm_kern *k);

/* `count` <= width vectors (rows of A, columns of B) of length k, `width` floats apart in the panel:
 * panel[i * width + v] = src[v * vector_stride + i * k_stride] */
void fvi_gemm_pack(float *panel, const float *src, ptrdiff_t vector_stride, ptrdiff_t k_stride, size_t count, size_t k, size_t width);
#endif
