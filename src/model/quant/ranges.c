/* ranges.c: the observers: from a histogram to a range. minmax keeps all; percentile leaves out the last values of both tails; entropy
 * takes the range whose levels tell most about the distribution (least Kullback-Leibler divergence); mse the one with the least
 * square error. Which of them serves the network best is sample.c's to find out. */
#include "model/quant/quant.h"
#include <math.h>
#include <string.h>

#define TAIL 1e-5     /* of the values, each end */
#define STEPS 48      /* ranges that entropy and mse try */
#define NARROWEST 0.2 /* of the whole range */

static const char *const names[FVI_OBS_COUNT] = {"minmax", "percentile", "entropy", "mse"};
const char *fvi_observer_name(fvi_observer o) { return (unsigned)o < FVI_OBS_COUNT ? names[o] : "none"; }

static double centre(const fvi_quant_hist *h, int i) { return h->low + (i + 0.5) * h->width; }

static fvi_quant_range percentile(const fvi_quant_hist *h)
{
    double left = h->count * TAIL, sum = 0;
    int lo = 0, hi = FVI_QUANT_BINS - 1;
    for (; lo < hi && sum + (double)h->bin[lo] <= left; lo++) sum += (double)h->bin[lo];
    for (sum = 0; hi > lo && sum + (double)h->bin[hi] <= left; hi--) sum += (double)h->bin[hi];
    return (fvi_quant_range){fmaxf(h->min, (float)(h->low + lo * h->width)), fminf(h->max, (float)(h->low + (hi + 1) * h->width))};
}

double fvi_quant_hist_noise(const fvi_quant_hist *h, fvi_quant_range r, bool symmetric)
{
    fvi_quant_scale s = fvi_quant_scale_of(r, symmetric);
    double sum = 0, low = (double)(s.low - s.zero) * (double)s.scale, high = (double)(s.high - s.zero) * (double)s.scale, inside = (double)s.scale * (double)s.scale / 12;
    for (int i = 0; i < FVI_QUANT_BINS; i++) {
        if (!h->bin[i]) continue;
        double x = centre(h, i), over = x < low ? low - x : x > high ? x - high : 0;
        sum += (double)h->bin[i] * (over > 0 ? over * over : inside);
    }
    return h->count ? sum / h->count : 0;
}

/* Divergence of what the levels of r tell from the distribution: bins of one level are told apart no more. */
static double divergence(const fvi_quant_hist *h, fvi_quant_range r, bool symmetric)
{
    fvi_quant_scale s = fvi_quant_scale_of(r, symmetric);
    static const double tiny = 1e-12;
    double mass[256] = {0}, sum = 0;
    int used[256] = {0}, level[FVI_QUANT_BINS];
    double clipped = 0;
    for (int i = 0; i < FVI_QUANT_BINS; i++) {
        double q = rint(centre(h, i) / (double)s.scale) + s.zero;
        bool out = q < s.low || q > s.high;
        level[i] = out ? -1 : (int)q - s.low;
        if (!h->bin[i]) continue;
        if (out) {
            clipped += (double)h->bin[i];
            continue;
        }
        mass[level[i]] += (double)h->bin[i];
        used[level[i]]++;
    }
    for (int i = 0; i < FVI_QUANT_BINS; i++) {
        if (!h->bin[i]) continue;
        double p = (double)h->bin[i] / h->count, q = level[i] < 0 ? tiny : mass[level[i]] / used[level[i]] / (h->count - clipped + tiny);
        sum += p * log(p / fmax(q, tiny));
    }
    return sum;
}

typedef double (*cost_fn)(const fvi_quant_hist *h, fvi_quant_range r, bool symmetric);

/* Both ends drawn in, alone and together. */
static fvi_quant_range search(const fvi_quant_hist *h, bool symmetric, cost_fn cost)
{
    fvi_quant_range best = {h->min, h->max};
    double least = cost(h, best, symmetric);
    for (int both = 0; both < 3; both++) {
        fvi_quant_range start = best;
        for (int i = 1; i < STEPS; i++) {
            float f = (float)(1 - (1 - NARROWEST) * i / STEPS);
            fvi_quant_range r = {both == 1 ? start.min : start.min * f, both == 2 ? start.max : start.max * f};
            double c = cost(h, r, symmetric);
            if (c < least) {
                least = c;
                best = r;
            }
        }
    }
    return best;
}

void fvi_quant_ranges(const fvi_quant_hist *h, bool symmetric, fvi_quant_range out[FVI_OBS_COUNT])
{
    if (h->count == 0) {
        memset(out, 0, sizeof *out * FVI_OBS_COUNT);
        return;
    }
    out[FVI_OBS_MINMAX] = (fvi_quant_range){h->min, h->max};
    out[FVI_OBS_PERCENTILE] = percentile(h);
    out[FVI_OBS_ENTROPY] = search(h, symmetric, divergence);
    out[FVI_OBS_MSE] = search(h, symmetric, fvi_quant_hist_noise);
}
