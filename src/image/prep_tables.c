/* prep_tables.c: axis description -> tap positions and weights of bilinear, box, triangle and bicubic filters.
 * Called by prep.c when a new source or tensor size arrives. */
#include "image/prep_tables.h"
#include "base/checked.h"
#include <math.h>

/* Left tap and the weight of the right one (0..1) at the centre of output i. */
static int linear_tap(const fvi_axis *a, int i, bool cv, double *frac)
{
    double centre = (a->first + i + 0.5) * a->scale;
    if (cv) {
        float f = (float)(centre - 0.5); /* OpenCV rounds the position to float here */
        int s = (int)floorf(f);
        *frac = (double)(f - (float)s);
        return s;
    }
    double pos = centre * a->sub + a->shift - 0.5;
    double s = floor(pos);
    *frac = pos - s;
    return (int)s;
}

static int weight(double v, int one, bool cv)
{
    return cv ? (int)rintf((float)v * (float)one) : (int)lrint(v * one);
}

/* Finds the largest group whose taps fit 16 bytes everywhere, and the shuffles within them. */
static void group_columns(fvi_prep_taps *t, int n, int row_bytes, int bytes, int32_t *base, int32_t *pick)
{
    const int need = 2 * bytes; /* bytes of one output's taps */
    t->base = base;
    t->pick = pick;
    for (t->group = 4; t->group > 1; t->group /= 2) {
        bool fits = row_bytes >= 16;
        for (int i = 0; i < n && fits; i += t->group) {
            int last = i + t->group < n ? i + t->group - 1 : n - 1;
            fits = t->off[last] + need - t->off[i] <= 16;
        }
        if (fits) break;
    }
    if (t->group == 1) return;
    for (int i = 0; i < n; i++) {
        int g = i / t->group;
        if (i % t->group == 0) base[g] = t->off[i] + 16 <= row_bytes ? t->off[i] : row_bytes - 16;
        uint32_t left = (uint32_t)(t->off[i] - base[g]), right = left + (uint32_t)t->step;
        pick[i] = (int32_t)(0x80008000u | left | right << 16);
    }
}

void fvi_axis_columns(const fvi_axis *a, int one, bool cv, int bytes, int32_t *mem, fvi_prep_taps *taps)
{
    int32_t *off = mem, *w = mem + a->n;
    int load = bytes == 3 ? 8 : 4;
    *taps = (fvi_prep_taps){.off = off, .w = w, .step = a->size > 1 ? bytes : 0, .plain = true};
    for (int i = 0; i < a->n; i++) {
        double frac;
        int s = linear_tap(a, i, cv, &frac);
        int w1 = weight(frac, one, cv), w0 = cv ? weight((double)(1.0f - (float)frac), one, cv) : one - w1;
        if (s < 0) s = 0, w0 = one, w1 = 0;
        if (s >= a->size - 1) { /* the last sample alone, written so that both taps exist */
            s = a->size > 1 ? a->size - 2 : 0;
            w0 = a->size > 1 ? 0 : one;
            w1 = one - w0;
        }
        off[i] = s * bytes;
        w[i] = (int32_t)((uint32_t)w0 | (uint32_t)w1 << 16);
        bool last_alone = s == i - 1 && w0 == 0;
        if (!(s == i && w1 == 0) && !last_alone) taps->plain = false;
        if (off[i] + load <= a->size * bytes && taps->safe == i) taps->safe = i + 1;
    }
    group_columns(taps, a->n, a->size * bytes, bytes, mem + 2 * (ptrdiff_t)a->n, mem + 3 * (ptrdiff_t)a->n);
}

void fvi_axis_rows(const fvi_axis *a, int one, bool cv, fvi_row_blend *rows)
{
    for (int i = 0; i < a->n; i++) {
        double frac;
        int s = linear_tap(a, i, cv, &frac);
        int b1 = weight(frac, one, cv), b0 = cv ? weight((double)(1.0f - (float)frac), one, cv) : one - b1;
        rows[i] = (fvi_row_blend){fvi_clamp_int(s, 0, a->size - 1), fvi_clamp_int(s + 1, 0, a->size - 1), b0, b1};
        if (cv) continue;
        if (b0 == 0) rows[i].r0 = rows[i].r1; /* one row is enough: the kernel then reads only r0 */
        if (rows[i].r0 == rows[i].r1) rows[i].b0 = one, rows[i].b1 = 0;
    }
}

static fvi_row_box linear_box(const fvi_axis *a, int i)
{
    double frac;
    int s = linear_tap(a, i, false, &frac);
    if (s < 0) return (fvi_row_box){0, 1, 1.0f, 0.0f, 0.0f};
    if (s >= a->size - 1) return (fvi_row_box){a->size - 1, 1, 1.0f, 0.0f, 0.0f};
    return (fvi_row_box){s, 2, (float)(1.0 - frac), 0.0f, (float)frac};
}

void fvi_axis_boxes(const fvi_axis *a, fvi_row_box *boxes)
{
    const double eps = 1e-6;
    bool shrinks = a->scale * a->sub >= 1.0;
    for (int i = 0; i < a->n; i++) {
        if (!shrinks) {
            boxes[i] = linear_box(a, i);
            continue;
        }
        double e0 = (a->first + i) * a->scale * a->sub + a->shift, e1 = e0 + a->scale * a->sub;
        e0 = fmin(fmax(e0, 0.0), a->size - 1.0); /* siting may push the last box past the edge */
        e1 = fmin(fmax(e1, e0 + eps), (double)a->size);
        int start = (int)floor(e0 + eps), end = (int)ceil(e1 - eps); /* [start, end) */
        if (end <= start) end = start + 1;
        double first = fmin(start + 1.0, e1) - e0, last = e1 - (end - 1.0);
        double all = end - start == 1 ? 1.0 : first + last + (end - start - 2.0);
        if (end - start == 1) first = 1.0, last = 0.0;
        boxes[i] = (fvi_row_box){start, end - start, (float)(first / all), (float)(1.0 / all), (float)(last / all)};
    }
}

int fvi_box_blocks(const fvi_row_box *boxes, int n)
{
    int most = 1;
    for (int i = 0; i < n; i++)
        if (boxes[i].count > most) most = boxes[i].count;
    return (most + 7) / 8;
}

void fvi_box_expand(const fvi_row_box *boxes, int n, int blocks, int32_t *start, float *w)
{
    for (int i = 0; i < n; i++) {
        const fvi_row_box *b = &boxes[i];
        float *o = w + (size_t)i * 8 * (size_t)blocks;
        start[i] = b->start;
        for (int k = 0; k < 8 * blocks; k++)
            o[k] = k >= b->count ? 0.0f : k == 0 ? b->wf : k == b->count - 1 ? b->wl : b->wm;
    }
}

static double cubic_at(double x, double a)
{
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

static double weight_at(fvi_axis_kind kind, double x)
{
    if (kind == FVI_AXIS_TRIANGLE) return fmax(1 - fabs(x), 0);
    return cubic_at(x, kind == FVI_AXIS_SHARP ? -0.75 : -0.5);
}

static double widening(const fvi_axis *a, fvi_axis_kind kind) { return kind == FVI_AXIS_SHARP ? 1.0 : fmax(a->scale * a->sub, 1.0); }

int fvi_axis_reach(const fvi_axis *a, fvi_axis_kind kind)
{
    double support = (kind == FVI_AXIS_TRIANGLE ? 1 : 2) * widening(a, kind);
    return (int)fmin(ceil(support) * 2 + 1, a->size);
}

/* Four samples around the centre; those past an edge are the edge's, as in OpenCV. */
static fvi_row_taps sharp_taps(const fvi_axis *a, double centre, float *w)
{
    int left = (int)floor(centre - 0.5) - 1, from = fvi_clamp_int(left, 0, a->size - 1), to = fvi_clamp_int(left + 3, 0, a->size - 1);
    for (int k = 0; k < 4; k++) w[fvi_clamp_int(left + k, from, to) - from] += (float)weight_at(FVI_AXIS_SHARP, left + k + 0.5 - centre);
    return (fvi_row_taps){from, to - from + 1};
}

void fvi_axis_filter(const fvi_axis *a, fvi_axis_kind kind, fvi_row_taps *t, float *w, size_t stride)
{
    double wide = widening(a, kind), support = (kind == FVI_AXIS_TRIANGLE ? 1 : 2) * wide;
    int reach = fvi_axis_reach(a, kind);
    for (int i = 0; i < a->n; i++, w += stride) {
        double centre = (a->first + i + 0.5) * a->scale * a->sub + a->shift, sum = 0;
        for (size_t k = 0; k < stride; k++) w[k] = 0;
        if (kind == FVI_AXIS_SHARP) {
            t[i] = sharp_taps(a, centre, w);
            continue;
        }
        int from = fvi_clamp_int((int)floor(centre - support + 0.5), 0, a->size - 1), to = fvi_clamp_int((int)floor(centre + support + 0.5), from + 1, a->size);
        int count = to - from < reach ? to - from : reach;
        for (int k = 0; k < count; k++) sum += weight_at(kind, (from + k + 0.5 - centre) / wide);
        for (int k = 0; k < count && sum != 0; k++) w[k] = (float)(weight_at(kind, (from + k + 0.5 - centre) / wide) / sum);
        if (sum == 0) w[0] = 1; /* siting may push a chroma sample past the edge */
        t[i] = (fvi_row_taps){from, count};
    }
}
