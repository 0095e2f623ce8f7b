/* surface.c: coverage rows -> planes: the blending under all shapes, and the colours of each pixel format.
 * Called by the shape functions of shapes.c and by paint.c. */
#include "vision/paint/surface_rows.h"
#include "base/alloc.h"
#include <math.h>
#include <string.h>

#define SIDE_MAX 32768

static bool has_planes(const fv_frame *f)
{
    if (f->format <= FV_PIXEL_NONE || f->format > FV_PIXEL_GRAY || (unsigned)f->matrix > FV_COLOR_BT2020) return false;
    if (f->width < 1 || f->height < 1 || f->width > SIDE_MAX || f->height > SIDE_MAX) return false;
    int planes = f->format == FV_PIXEL_I420 ? 3 : f->format == FV_PIXEL_NV12 ? 2 : 1;
    for (int i = 0; i < planes; i++) {
        ptrdiff_t row = f->format == FV_PIXEL_RGB || f->format == FV_PIXEL_BGR ? 3 * (ptrdiff_t)f->width : f->width;
        if (i) row = (row + 1) / 2 * (f->format == FV_PIXEL_NV12 ? 2 : 1);
        if (!f->plane[i] || f->stride[i] < row) return false;
    }
    return true;
}

fv_status fvi_surface_begin(fvi_surface *s, const fv_frame *f)
{
    if (!has_planes(f)) return FV_ERR_ARGUMENT;
    if (f->width > s->cap_width) {
        size_t n = (size_t)f->width + 4;
        uint8_t *rows = fvi_calloc(2, n);
        float *acc = fvi_calloc(n, sizeof *acc);
        if (!rows || !acc) {
            fvi_free(rows);
            fvi_free(acc);
            return FV_ERR_MEMORY;
        }
        fvi_free(s->cov[0]);
        fvi_free(s->acc);
        s->cov[0] = rows;
        s->cov[1] = rows + n;
        s->acc = acc;
        s->cap_width = f->width;
    }
    s->frame = *f;
    return FV_OK;
}

fv_status fvi_surface_reserve_points(fvi_surface *s, int n)
{
    if (n <= s->cross_cap) return FV_OK;
    float *cross = fvi_calloc((size_t)n, sizeof *cross);
    if (!cross) return FV_ERR_MEMORY;
    fvi_free(s->cross);
    s->cross = cross;
    s->cross_cap = n;
    return FV_OK;
}

void fvi_surface_free(fvi_surface *s)
{
    FVI_FREE(s->cov[0]);
    FVI_FREE(s->acc);
    FVI_FREE(s->cross);
    *s = (fvi_surface){0};
}

static uint8_t to_byte(double v) { return (uint8_t)(v < 0.0 ? 0.0 : v > 255.0 ? 255.0 : v + 0.5); }

fvi_ink fvi_surface_ink(const fvi_surface *s, fvi_rgb color, int alpha)
{
    static const double kr_kb[][2] = {{0.299, 0.114}, {0.2126, 0.0722}, {0.2627, 0.0593}};
    const fv_frame *f = &s->frame;
    fvi_ink ink = {.alpha = (uint8_t)alpha};
    if (f->format == FV_PIXEL_RGB || f->format == FV_PIXEL_BGR) {
        bool rgb = f->format == FV_PIXEL_RGB;
        ink.c[0] = rgb ? color.r : color.b;
        ink.c[1] = color.g;
        ink.c[2] = rgb ? color.b : color.r;
        return ink;
    }
    bool gray = f->format == FV_PIXEL_GRAY, limited = !gray && f->range == FV_RANGE_LIMITED;
    double kr = kr_kb[gray ? 0 : f->matrix][0], kb = kr_kb[gray ? 0 : f->matrix][1];
    double y = kr * color.r + (1.0 - kr - kb) * color.g + kb * color.b;
    double u = (color.b - y) / (2.0 * (1.0 - kb)), v = (color.r - y) / (2.0 * (1.0 - kr));
    ink.c[0] = to_byte(limited ? 16.0 + y * 219.0 / 255.0 : y);
    ink.c[1] = to_byte(128.0 + (limited ? u * 224.0 / 255.0 : u));
    ink.c[2] = to_byte(128.0 + (limited ? v * 224.0 / 255.0 : v));
    return ink;
}

/* x / 255 rounded, for x of up to 255 * 255 */
static inline unsigned div255(unsigned x) { return (x + 128 + ((x + 128) >> 8)) >> 8; }
static inline uint8_t mix(unsigned d, unsigned c, unsigned a) { return (uint8_t)div255(d * (255 - a) + c * a); }

static void mix_row(uint8_t *restrict d, const uint8_t *restrict a, int n, unsigned c)
{
    for (int i = 0; i < n; i++) d[i] = mix(d[i], c, a[i]);
}

static void mix_rgb_row(uint8_t *restrict d, const uint8_t *restrict a, int n, const uint8_t *c)
{
    for (int i = 0; i < n; i++) {
        if (!a[i]) continue;
        for (int k = 0; k < 3; k++) d[3 * i + k] = mix(d[3 * i + k], c[k], a[i]);
    }
}

/* Mean of the 2x2 blocks that lie inside the frame. */
static void mix_chroma(fvi_surface *s, int y, int x0, int x1, const fvi_ink *ink)
{
    const fv_frame *f = &s->frame;
    bool nv12 = f->format == FV_PIXEL_NV12;
    const uint8_t *a = s->cov[0], *b = y + 1 < f->height ? s->cov[1] : a;
    uint8_t *u = f->plane[1] + (y / 2) * f->stride[1], *v = nv12 ? u + 1 : f->plane[2] + (y / 2) * f->stride[2];
    int step = nv12 ? 2 : 1;
    for (int x = x0; x < x1; x += 2) {
        int r = x + 1 < f->width ? x + 1 : x;
        unsigned m = (unsigned)(a[x] + a[r] + b[x] + b[r] + 2) / 4;
        if (!m) continue;
        ptrdiff_t at = x / 2 * step;
        u[at] = mix(u[at], ink->c[1], m);
        v[at] = mix(v[at], ink->c[2], m);
    }
}

void fvi_surface_blend_rows(fvi_surface *s, int y, int x0, int x1, fvi_ink ink)
{
    const fv_frame *f = &s->frame;
    x0 &= ~1;
    if (x1 > f->width) x1 = f->width;
    if (x1 <= x0) return;
    int rows = y + 1 < f->height ? 2 : 1;
    for (int i = 0; i < rows; i++) {
        uint8_t *a = s->cov[i];
        if (ink.alpha != 255)
            for (int x = x0; x < x1; x++) a[x] = (uint8_t)div255((unsigned)a[x] * ink.alpha);
        uint8_t *row = f->plane[0] + (y + i) * f->stride[0];
        if (f->format == FV_PIXEL_RGB || f->format == FV_PIXEL_BGR)
            mix_rgb_row(row + 3 * (ptrdiff_t)x0, a + x0, x1 - x0, ink.c);
        else
            mix_row(row + x0, a + x0, x1 - x0, ink.c[0]);
    }
    if (f->format == FV_PIXEL_I420 || f->format == FV_PIXEL_NV12) mix_chroma(s, y, x0, x1, &ink);
}
