/* map.c: what heads without boxes share: preparation, numbers of any type, the part of a map that shows the picture; and maps brought to the
 * size of a frame. Called by classify.c, embed.c, depth.c and semantic.c. */
#include "base/alloc.h"
#include "base/error.h"
#include "vision/heads/common.h"
#include <math.h>

void fvi_head_imagenet(fvi_prep_spec *spec)
{
    static const float mean[3] = {123.675f, 116.28f, 103.53f}, deviation[3] = {58.395f, 57.12f, 57.375f};
    for (int c = 0; c < 3; c++) {
        spec->mean[c] = mean[c];
        spec->scale[c] = 1.0f / deviation[c];
    }
}

void *fvi_head_begin(fvi_head_state *st, const fvi_head *head, size_t size, int n_classes, fv_error *err)
{
    st->scratch = fvi_calloc(1, size);
    if (!st->scratch) {
        fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
        return NULL;
    }
    st->head = head;
    st->task = head->task;
    st->n_classes = n_classes;
    st->stride = 1;
    st->prep = (fvi_prep_spec){.fit = FVI_FIT_STRETCH, .filter = FVI_FILTER_SMOOTH};
    for (int c = 0; c < 3; c++) st->prep.scale[c] = 1.0f / 255.0f;
    return st->scratch;
}

void fvi_head_free_scratch(fvi_head_state *st) { FVI_FREE(st->scratch); }

float fvi_head_number(const fvi_tensor *t, int64_t at)
{
    const void *p = t->data;
    switch (t->dtype) {
    case FV_F32: return ((const float *)p)[at];
    case FV_U8: return ((const uint8_t *)p)[at];
    case FV_I8: return ((const int8_t *)p)[at];
    case FV_I32: return (float)((const int32_t *)p)[at];
    case FV_I64: return (float)((const int64_t *)p)[at];
    default: return NAN;
    }
}

static void window_axis(int left, int length, int input, int cells, int *at, int *n)
{
    long a = lround((double)left * cells / input), b = lround(((double)left + length) * cells / input);
    a = a < 0 ? 0 : a > cells - 1 ? cells - 1 : a;
    b = b > cells ? cells : b;
    *at = (int)a;
    *n = b > a ? (int)(b - a) : 1;
}

fvi_head_window fvi_head_window_of(const fvi_prep_map *map, int input_h, int input_w, int height, int width)
{
    fvi_head_window w;
    window_axis(map->left, map->new_w, input_w, width, &w.x, &w.w);
    window_axis(map->top, map->new_h, input_h, height, &w.y, &w.h);
    return w;
}

static int clamp(int v, int most) { return v < 0 ? 0 : v > most ? most : v; }

fv_status fv_map_scale(const fv_map *m, int width, int height, int smooth, float *out)
{
    if (!m || !m->data || !out || width < 1 || height < 1 || m->channels < 1) return FV_ERR_ARGUMENT;
    for (int c = 0; c < m->channels; c++) {
        const float *from = m->data + (size_t)c * (size_t)m->height * (size_t)m->width;
        for (int y = 0; y < height; y++) {
            double py = (y + 0.5) * m->height / height - (smooth ? 0.5 : 0);
            int y0 = (int)floor(py), r0 = clamp(y0, m->height - 1), r1 = smooth ? clamp(y0 + 1, m->height - 1) : r0;
            float fy = (float)(py - y0);
            const float *p = from + (size_t)r0 * (size_t)m->width, *q = from + (size_t)r1 * (size_t)m->width;
            for (int x = 0; x < width; x++, out++) {
                double px = (x + 0.5) * m->width / width - (smooth ? 0.5 : 0);
                int x0 = (int)floor(px), c0 = clamp(x0, m->width - 1), c1 = clamp(x0 + 1, m->width - 1);
                float fx = (float)(px - x0);
                *out = smooth ? (p[c0] * (1 - fx) + p[c1] * fx) * (1 - fy) + (q[c0] * (1 - fx) + q[c1] * fx) * fy : p[c0];
            }
        }
    }
    return FV_OK;
}
