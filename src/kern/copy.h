/* copy.h: the copies that memcpy cannot do. */
#ifndef FVI_KERN_COPY_H
#define FVI_KERN_COPY_H
#include "kern/cpu.h"

typedef struct fvi_copy_kern {
    /* dst[i * ldd + j] = src[j * lds + i] for 32-bit elements, i < rows, j < cols */
    void (*transpose4)(uint32_t *dst, ptrdiff_t ldd, const uint32_t *src, ptrdiff_t lds, size_t rows, size_t cols);
} fvi_copy_kern;

void fvi_copy_kern_init(fvi_copy_kern *k, fvi_cpu_flags flags);
void fvi_copy_kern_init_avx2(fvi_copy_kern *k);
#endif
