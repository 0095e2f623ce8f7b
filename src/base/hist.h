/* hist.h: latency histogram: fixed memory, logarithmic buckets (relative error of a quantile <= 1 %), exact min, max,
 * sum. Threads: one writer at a time. */
#ifndef FVI_BASE_HIST_H
#define FVI_BASE_HIST_H
#include <stdint.h>
#define FVI_HIST_BUCKETS 1400
typedef struct fvi_hist {
    uint64_t count;
    double sum, min, max;
    uint32_t bucket[FVI_HIST_BUCKETS];
} fvi_hist;
void fvi_hist_clear(fvi_hist *h);
void fvi_hist_add(fvi_hist *h, double value); /* value >= 0, in any unit; the range 1e-4 .. 1e8 is resolved */
double fvi_hist_quantile(const fvi_hist *h, double q); /* q in [0,1]; 0 when empty */
double fvi_hist_mean(const fvi_hist *h);
#endif
