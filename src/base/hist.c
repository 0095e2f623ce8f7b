/* hist.c: latency histogram with logarithmic buckets: 12 decades over 1398 buckets, each 2 % wide, answered by its
 * geometric middle. Bucket 0 is below the range, the last one above it. Filled by every stage of the frame road. */
#include "base/hist.h"
#include <math.h>
#include <string.h>

#define LOWEST 1e-4
#define INNER (FVI_HIST_BUCKETS - 2)
#define PER_DECADE (INNER / 12.0)

void fvi_hist_clear(fvi_hist *h) { memset(h, 0, sizeof *h); }

static int bucket_of(double v)
{
    if (v < LOWEST) return 0;
    double i = floor(log10(v / LOWEST) * PER_DECADE);
    return i >= INNER ? FVI_HIST_BUCKETS - 1 : 1 + (int)i;
}

void fvi_hist_add(fvi_hist *h, double value)
{
    if (isnan(value)) return;
    if (value < 0) value = 0;
    if (h->count == 0 || value < h->min) h->min = value;
    if (h->count == 0 || value > h->max) h->max = value;
    h->count++;
    h->sum += value;
    uint32_t *b = &h->bucket[bucket_of(value)];
    if (*b < UINT32_MAX) ++*b;
}

double fvi_hist_quantile(const fvi_hist *h, double q)
{
    if (h->count == 0) return 0;
    if (!(q > 0)) return h->min;
    if (q >= 1) return h->max;
    uint64_t rank = (uint64_t)ceil(q * (double)h->count), seen = 0;
    for (int i = 0; i < FVI_HIST_BUCKETS; i++) {
        seen += h->bucket[i];
        if (seen < rank || h->bucket[i] == 0) continue;
        double v = i == 0 ? h->min : LOWEST * pow(10, (i - 0.5) / PER_DECADE);
        if (i == FVI_HIST_BUCKETS - 1) v = h->max;
        return v < h->min ? h->min : v > h->max ? h->max : v;
    }
    return h->max;
}

double fvi_hist_mean(const fvi_hist *h) { return h->count ? h->sum / (double)h->count : 0; }
