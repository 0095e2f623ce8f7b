/* mark.c: a mark's place and planes, undoing it in a picture, and how strongly it is there. Estimating is estimate.c. Called by
 * flow/erase. */
#include "vision/clean/mark.h"
#include "base/alloc.h"
#include <math.h>
#include <string.h>

#define MIN_TRUST 0.02f /* less is none */

fv_status fvi_clean_shape_set(fvi_clean_shape *s, int planes, int w, int h, int sx, int sy, int depth)
{
    *s = (fvi_clean_shape){0};
    if (w < 1 || h < 1 || w > 32768 || h > 32768 || depth < 8 || depth > 16 || (planes != 1 && planes != 3)) return FV_ERR_ARGUMENT;
    s->planes = planes;
    s->depth = depth;
    for (int p = 0; p < planes; p++) {
        s->w[p] = p ? (w + (1 << sx) - 1) >> sx : w;
        s->h[p] = p ? (h + (1 << sy) - 1) >> sy : h;
        s->at[p] = s->all;
        s->all += (size_t)s->w[p] * (size_t)s->h[p];
    }
    return FV_OK;
}

void fvi_clean_mark_clear(fvi_clean_mark *m)
{
    fvi_free(m->hole);
    fvi_free(m->alpha);
    fvi_free(m->paint);
    fvi_free(m->trust);
    *m = (fvi_clean_mark){0};
}

/* Samples of the other planes that lie over any of the hole. */
static void spread_hole(fvi_clean_mark *m)
{
    const fvi_clean_shape *s = &m->shape;
    for (int p = 1; p < s->planes; p++) {
        const int sx = s->w[p] < s->w[0], sy = s->h[p] < s->h[0];
        uint8_t *to = m->hole + s->at[p];
        for (int y = 0; y < s->h[0]; y++)
            for (int x = 0; x < s->w[0]; x++)
                if (m->hole[(size_t)y * (size_t)s->w[0] + (size_t)x]) to[(size_t)(y >> sy) * (size_t)s->w[p] + (size_t)(x >> sx)] = 1;
    }
}

fv_status fvi_clean_mark_create(fvi_clean_mark *m, const fvi_clean_shape *s, const uint8_t *hole)
{
    *m = (fvi_clean_mark){.shape = *s};
    m->hole = fvi_calloc(s->all, 1);
    m->alpha = fvi_calloc(s->all, sizeof *m->alpha);
    m->paint = fvi_calloc(s->all, sizeof *m->paint);
    m->trust = fvi_calloc(s->all, sizeof *m->trust);
    if (!m->hole || !m->alpha || !m->paint || !m->trust) {
        fvi_clean_mark_clear(m);
        return FV_ERR_MEMORY;
    }
    for (size_t i = 0; i < s->at[0] + (size_t)s->w[0] * (size_t)s->h[0]; i++) m->hole[i] = hole[i] != 0;
    spread_hole(m);
    for (int p = 0; p < s->planes; p++) {
        size_t n = (size_t)s->w[p] * (size_t)s->h[p], in = 0;
        for (size_t i = 0; i < n; i++) in += m->hole[s->at[p] + i];
        if (in == n) {
            fvi_clean_mark_clear(m);
            return FV_ERR_ARGUMENT;
        }
    }
    for (size_t i = 0; i < s->all; i++) m->alpha[i] = m->hole[i];
    return FV_OK;
}

static uint16_t round_sample(float v, float top) { return (uint16_t)(v <= 0 ? 0 : v >= top ? top : v + 0.5f); }

void fvi_clean_mark_undo(const fvi_clean_mark *m, uint16_t *crop, const float *fill, float gain)
{
    const float top = (float)((1 << m->shape.depth) - 1);
    if (gain <= 0) return;
    for (size_t i = 0; i < m->shape.all; i++) {
        if (!m->hole[i] || m->alpha[i] <= 0) continue;
        const float a = gain * m->alpha[i], t = m->trust[i], left = 1 - a;
        if (fill && (t < MIN_TRUST || left < 0.03f)) {
            crop[i] = round_sample(fill[i], top);
            continue;
        }
        if (left < 0.03f) continue;
        float v = ((float)crop[i] - a * m->paint[i]) / left;
        if (fill) {
            v = v < 0 ? 0 : v > top ? top : v;
            v = t * v + (1 - t) * fill[i];
        }
        crop[i] = round_sample(v, top);
    }
}

/* Slopes of what is seen against slopes of the mark alone: pictures have slopes as well, but not the mark's. */
float fvi_clean_mark_gain(const fvi_clean_mark *m, const uint16_t *crop)
{
    const int w = m->shape.w[0], h = m->shape.h[0];
    double both = 0, own = 0, ground = 0;
    size_t known = 0;
    for (size_t i = 0; i < (size_t)w * (size_t)h; i++) {
        if (m->hole[i]) continue;
        ground += crop[i];
        known++;
    }
    const float mean = (float)(ground / (double)(known ? known : 1));
    for (int y = 0; y + 1 < h; y++) {
        for (int x = 0; x + 1 < w; x++) {
            const size_t i = (size_t)y * (size_t)w + (size_t)x, next[2] = {i + 1, i + (size_t)w};
            for (int d = 0; d < 2; d++) {
                const size_t j = next[d];
                if (!m->hole[i] && !m->hole[j]) continue;
                const float mark = m->alpha[j] * (m->paint[j] - mean) - m->alpha[i] * (m->paint[i] - mean);
                both += (double)mark * ((double)crop[j] - crop[i]);
                own += (double)mark * (double)mark;
            }
        }
    }
    const double unit = (double)(1 << (m->shape.depth - 8));
    return own > 400 * unit * unit ? (float)(both / own) : NAN;
}

float fvi_clean_mark_opaque(const fvi_clean_mark *m)
{
    size_t all = 0, opaque = 0;
    for (size_t i = 0; i < (size_t)m->shape.w[0] * (size_t)m->shape.h[0]; i++) {
        all += m->hole[i] && m->alpha[i] > 0;
        opaque += m->hole[i] && m->alpha[i] > 0.9f;
    }
    return all ? (float)opaque / (float)all : 0;
}
