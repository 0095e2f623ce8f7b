/* hist.c: streaming histograms. The first values set the width of a bin; where later ones lie outside, bins are joined in pairs until
 * all fit, so that memory stays what it is and nothing has to be seen twice. Called for every picture and value. */
#include "model/quant/quant.h"
#include <math.h>
#include <string.h>

enum { HALF = FVI_QUANT_BINS / 2 };

/* Twice the width, about the same place. */
static void widen(fvi_quant_hist *h, bool down)
{
    uint64_t joined[HALF];
    for (int i = 0; i < HALF; i++) joined[i] = h->bin[2 * i] + h->bin[2 * i + 1];
    memset(h->bin, 0, sizeof h->bin);
    memcpy(h->bin + (down ? HALF : 0), joined, sizeof joined);
    if (down) h->low -= h->width * FVI_QUANT_BINS;
    h->width *= 2;
}

static void cover(fvi_quant_hist *h, float min, float max)
{
    if (h->width == 0) {
        double span = fmax((double)max - min, fmax(fabs((double)max), fabs((double)min)) * 1e-6);
        span = fmax(span, 1e-30) * 1.05;
        h->low = min - span * 0.01;
        h->width = span / FVI_QUANT_BINS;
    }
    while (min < h->low) widen(h, true);
    while (max >= h->low + h->width * FVI_QUANT_BINS) widen(h, false);
}

/* Extremes of a row, and how many of its elements are no numbers. */
static size_t extremes(const float *x, int64_t n, int64_t stride, float *min, float *max)
{
    size_t bad = 0;
    float lo = *min, hi = *max;
    for (int64_t i = 0; i < n; i++) {
        float v = x[i * stride];
        if (!isfinite(v)) {
            bad++;
            continue;
        }
        lo = v < lo ? v : lo;
        hi = v > hi ? v : hi;
    }
    *min = lo;
    *max = hi;
    return bad;
}

static void fill(fvi_quant_hist *h, const float *x, int64_t n, int64_t stride)
{
    float low = (float)h->low, scale = (float)(1 / h->width);
    for (int64_t i = 0; i < n; i++) {
        float v = x[i * stride];
        if (!isfinite(v)) continue;
        int at = (int)((v - low) * scale);
        h->bin[at < 0 ? 0 : at >= FVI_QUANT_BINS ? FVI_QUANT_BINS - 1 : at]++;
    }
}

typedef void (*row_fn)(fvi_quant_hist *h, const float *x, int64_t n, int64_t stride);

static void rows(fvi_quant_hist *h, const fvi_tensor *t, int d, const float *x, row_fn fn)
{
    if (d == t->rank - 1) {
        fn(h, x, t->dim[d], t->stride[d]);
        return;
    }
    for (int64_t i = 0; i < t->dim[d]; i++) rows(h, t, d + 1, x + i * t->stride[d], fn);
}

static void look(fvi_quant_hist *h, const float *x, int64_t n, int64_t stride) { h->bad += (double)extremes(x, n, stride, &h->min, &h->max); }

void fvi_quant_hist_add(fvi_quant_hist *h, const fvi_tensor *given)
{
    fvi_tensor t = *given;
    double bad = h->bad;
    int64_t count = fvi_tensor_count(&t);
    if (!count) return;
    fvi_tensor_coalesce(&t, 1);
    if (h->count == 0) {
        h->min = INFINITY;
        h->max = -INFINITY;
    }
    rows(h, &t, 0, (const float *)(const void *)t.data, look);
    double fine = (double)count - (h->bad - bad);
    if (fine <= 0) return;
    cover(h, h->min, h->max);
    rows(h, &t, 0, (const float *)(const void *)t.data, fill);
    h->count += fine;
}
