/* scale.c: from ranges to scales and zero points, and weights to bytes. */
#include "model/quant/quant.h"
#include <math.h>
#include <float.h>

fvi_quant_scale fvi_quant_scale_of(fvi_quant_range r, bool symmetric)
{
    float min = fminf(r.min, 0), max = fmaxf(r.max, 0); /* zero is a level: padding is exact */
    fvi_quant_scale s = {.low = symmetric ? -127 : 0, .high = symmetric ? 127 : 255};
    s.scale = symmetric ? fmaxf(-min, max) / 127 : (max - min) / 255;
    if (!(s.scale > FLT_MIN)) s.scale = 1; /* nothing but zeros */
    s.zero = symmetric ? 0 : (int)lrintf(-min / s.scale);
    if (s.zero > s.high) s.zero = s.high;
    return s;
}

float fvi_quant_fake(float x, const fvi_quant_scale *s)
{
    float q = rintf(x / s->scale) + (float)s->zero;
    q = q < (float)s->low ? (float)s->low : q > (float)s->high ? (float)s->high : q;
    return (q - (float)s->zero) * s->scale;
}

static float level(float w, float scale, float most)
{
    float q = rintf(w / scale);
    return q < -most ? -most : q > most ? most : q;
}

static double row_error(const float *w, int64_t n, int64_t stride, float scale, float most)
{
    double e = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = (double)(level(w[i * stride], scale, most) * scale) - (double)w[i * stride];
        e += d * d;
    }
    return e;
}

void fvi_quant_weights(const fvi_quant_layer *l, int8_t *q, float *scale)
{
    static const float tries[] = {1, 0.95f, 0.9f, 0.85f, 0.8f};
    const float *w = l->w->constant, levels = (float)l->levels;
    int64_t stride = l->axis == 0 ? 1 : l->channels, from = l->axis == 0 ? l->inner : 1;
    for (int64_t c = 0; c < l->channels; c++) {
        const float *row = w + c * from;
        float most = 0;
        for (int64_t i = 0; i < l->inner; i++) most = fmaxf(most, fabsf(row[i * stride]));
        float best = most > FLT_MIN * 128 ? most / levels : 1;
        double least = row_error(row, l->inner, stride, best, levels);
        for (size_t k = 1; k < sizeof tries / sizeof *tries && most > FLT_MIN * 256; k++) {
            double e = row_error(row, l->inner, stride, most / levels * tries[k], levels);
            if (e < least) {
                least = e;
                best = most / levels * tries[k];
            }
        }
        scale[c] = best;
        for (int64_t i = 0; i < l->inner; i++) q[c * from + i * stride] = (int8_t)level(row[i * stride], best, levels);
    }
}

void fvi_quant_rows(const fvi_quant_layer *l, const float *from, float *to)
{
    for (int64_t c = 0; c < l->channels; c++)
        for (int64_t i = 0; i < l->inner; i++) to[c * l->inner + i] = from[l->axis == 0 ? c * l->inner + i : i * l->channels + c];
}
