/* copy_avx2.c: transposition of 32-bit elements, 8x8 in registers. Put into the table by ../copy_ref.c. */
#include <immintrin.h>
#include "kern/copy.h"

static inline void tile8(uint32_t *dst, ptrdiff_t ldd, const uint32_t *src, ptrdiff_t lds)
{
    __m256 r[8], t[8];
    for (int j = 0; j < 8; j++) r[j] = _mm256_loadu_ps((const float *)(const void *)(src + j * lds));
    for (int j = 0; j < 8; j += 2) {
        t[j] = _mm256_unpacklo_ps(r[j], r[j + 1]);
        t[j + 1] = _mm256_unpackhi_ps(r[j], r[j + 1]);
    }
    for (int j = 0; j < 8; j += 4) {
        r[j] = _mm256_shuffle_ps(t[j], t[j + 2], 0x44);
        r[j + 1] = _mm256_shuffle_ps(t[j], t[j + 2], 0xEE);
        r[j + 2] = _mm256_shuffle_ps(t[j + 1], t[j + 3], 0x44);
        r[j + 3] = _mm256_shuffle_ps(t[j + 1], t[j + 3], 0xEE);
    }
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_ps((float *)(void *)(dst + i * ldd), _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_storeu_ps((float *)(void *)(dst + (i + 4) * ldd), _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
}

static void transpose4(uint32_t *dst, ptrdiff_t ldd, const uint32_t *src, ptrdiff_t lds, size_t rows, size_t cols)
{
    size_t r8 = rows / 8 * 8, c8 = cols / 8 * 8;
    for (size_t i = 0; i < r8; i += 8)
        for (size_t j = 0; j < c8; j += 8) tile8(dst + (ptrdiff_t)i * ldd + (ptrdiff_t)j, ldd, src + (ptrdiff_t)j * lds + (ptrdiff_t)i, lds);
    for (size_t j = 0; j < cols; j++) /* rows past the last eight */
        for (size_t i = r8; i < rows; i++) dst[(ptrdiff_t)i * ldd + (ptrdiff_t)j] = src[(ptrdiff_t)j * lds + (ptrdiff_t)i];
    for (size_t i = 0; i < r8; i++)
        for (size_t j = c8; j < cols; j++) dst[(ptrdiff_t)i * ldd + (ptrdiff_t)j] = src[(ptrdiff_t)j * lds + (ptrdiff_t)i];
}

void fvi_copy_kern_init_avx2(fvi_copy_kern *k) { k->transpose4 = transpose4; }
