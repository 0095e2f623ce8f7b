/* topk_ref.c: the scan of top-k in plain C, the reference of the vector level. Called by backend/cpu/op_topk.c. */
#include "kern/topk.h"

static size_t next_above(const float *x, size_t from, size_t n, float threshold)
{
    while (from < n && x[from] <= threshold) from++;
    return from;
}

void fvi_topk_kern_init(fvi_topk_kern *k, fvi_cpu_flags flags)
{
    k->next_above = next_above;
#ifdef FVI_X86
    if (flags & FVI_CPU_AVX2) fvi_topk_kern_init_avx2(k); /* reading memory is all it does: wider vectors gain nothing */
#else
    (void)flags;
#endif
}
