/* topk_avx2.c: the scan of top-k, 32 floats a step. Put into the table by ../topk_ref.c. */
#include <immintrin.h>
#include "kern/topk.h"

static size_t next_above(const float *x, size_t from, size_t n, float threshold)
{
    const __m256 t = _mm256_set1_ps(threshold);
    for (; from + 32 <= n; from += 32) {
        /* not <=: above, or NaN */
        __m256 a = _mm256_cmp_ps(_mm256_loadu_ps(x + from), t, _CMP_NLE_UQ), b = _mm256_cmp_ps(_mm256_loadu_ps(x + from + 8), t, _CMP_NLE_UQ);
        __m256 c = _mm256_cmp_ps(_mm256_loadu_ps(x + from + 16), t, _CMP_NLE_UQ), d = _mm256_cmp_ps(_mm256_loadu_ps(x + from + 24), t, _CMP_NLE_UQ);
        if (_mm256_testz_ps(_mm256_or_ps(_mm256_or_ps(a, b), _mm256_or_ps(c, d)), _mm256_or_ps(_mm256_or_ps(a, b), _mm256_or_ps(c, d)))) continue;
        uint32_t bits = (uint32_t)_mm256_movemask_ps(a) | (uint32_t)_mm256_movemask_ps(b) << 8 | (uint32_t)_mm256_movemask_ps(c) << 16 |
                        (uint32_t)_mm256_movemask_ps(d) << 24;
        return from + (size_t)__builtin_ctz(bits);
    }
    while (from < n && x[from] <= threshold) from++;
    return from;
}

void fvi_topk_kern_init_avx2(fvi_topk_kern *k) { k->next_above = next_above; }
