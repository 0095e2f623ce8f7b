/* timing.h: what the benchmark programs share: a clock, and an order for quantiles. */
#ifndef FV_BENCH_TIMING_H
#define FV_BENCH_TIMING_H
#include <time.h>

static inline double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* of doubles, for qsort */
static inline int by_value(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;
    return d < 0 ? -1 : d > 0;
}
#endif
