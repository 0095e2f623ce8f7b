/* surface.c: coverage rows -> planes: the blending under all shapes, and the colours of each pixel format.
 * Called by the shape functions of shapes.c and by painter.c. */
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

/* d and c in proportion 255 - a : a, rounded to nearest. */
static inline uint8_t mix(unsigned d, unsigned c, unsigned a)
{
    unsigned x = d * (255 - a) + c * a + 128;
    return (uint8_t)((x + (x >> 8)) >> 8);
}

/* Eight samples at a time in the compiler's own vectors, so that wide translucent zones stay cheap on every machine. */
typedef uint8_t u8x8 __attribute__((vector_size(8)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));

static inline u16x8 widen(const uint8_t *p)
{
    u8x8 v;
    memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, u16x8);
}

static inline void narrow(uint8_t *p, u16x8 v)
{
    u8x8 o = __builtin_convertvector(v, u8x8);
    memcpy(p, &o, sizeof o);
}

/* mix() eight times; no step passes 65407, so 16 bits are enough */
static inline u16x8 mix8(u16x8 d, u16x8 c, u16x8 a)
{
    u16x8 x = d * (255 - a) + c * a + 128;
    return (x + (x >> 8)) >> 8;
}

static inline bool none(const uint8_t *a) /* no coverage in eight pixels */
{
    uint64_t v;
    memcpy(&v, a, sizeof v);
    return v == 0;
}

static void mix_row(uint8_t *d, const uint8_t *a, int n, uint8_t c)
{
    const u16x8 cc = (u16x8){0} + c;
    int i = 0;
    for (; i + 8 <= n; i += 8)
        if (!none(a + i)) narrow(d + i, mix8(widen(d + i), cc, widen(a + i)));
    for (; i < n; i++) d[i] = mix(d[i], c, a[i]);
}

static void mix_rgb_row(uint8_t *d, const uint8_t *a, int n, const uint8_t *c)
{
    uint8_t color[24], cover[24];
    for (int k = 0; k < 24; k++) color[k] = c[k % 3];
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        if (none(a + i)) continue;
        for (int k = 0; k < 8; k++) cover[3 * k] = cover[3 * k + 1] = cover[3 * k + 2] = a[i + k];
        for (int k = 0; k < 24; k += 8) {
            uint8_t *o = d + 3 * (ptrdiff_t)i + k;
            narrow(o, mix8(widen(o), widen(color + k), widen(cover + k)));
        }
    }
    for (; i < n; i++)
        for (int k = 0; k < 3; k++) d[3 * i + k] = mix(d[3 * i + k], c[k], a[i]);
}

static void scale_row(uint8_t *a, int n, uint8_t alpha)
{
    const u16x8 zero = {0}, al = zero + alpha;
    int i = 0;
    for (; i + 8 <= n; i += 8)
        if (!none(a + i)) narrow(a + i, mix8(zero, widen(a + i), al));
    for (; i < n; i++) a[i] = mix(0, a[i], alpha);
}

/* Mean coverage of the 2x2 blocks at x, x + 2, … x + 14: sums of byte pairs, whichever byte order. */
static inline u16x8 block_means(const uint8_t *a, const uint8_t *b)
{
    u16x8 p, q;
    memcpy(&p, a, sizeof p);
    memcpy(&q, b, sizeof q);
    return ((p & 255) + (p >> 8) + (q & 255) + (q >> 8) + 2) >> 2;
}

/* Eight u,v pairs as eight 16-bit words. */
static inline void mix_pairs(uint8_t *uv, u16x8 cu, u16x8 cv, u16x8 m)
{
    const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    u16x8 v;
    memcpy(&v, uv, sizeof v);
    v = mix8(v & 255, little ? cu : cv, m) | mix8(v >> 8, little ? cv : cu, m) << 8;
    memcpy(uv, &v, sizeof v);
}

/* Mean of those pixels of each 2x2 block that lie inside the frame. */
static void mix_chroma(fvi_surface *s, int y, int x0, int x1, const fvi_ink *ink)
{
    const fv_frame *f = &s->frame;
    bool nv12 = f->format == FV_PIXEL_NV12;
    const uint8_t *a = s->cov[0], *b = y + 1 < f->height ? s->cov[1] : a;
    uint8_t *u = f->plane[1] + (y / 2) * f->stride[1], *v = nv12 ? u + 1 : f->plane[2] + (y / 2) * f->stride[2];
    const u16x8 cu = (u16x8){0} + ink->c[1], cv = (u16x8){0} + ink->c[2];
    int x = x0;
    for (; x + 16 <= x1; x += 16) {
        if (none(a + x) && none(a + x + 8) && none(b + x) && none(b + x + 8)) continue;
        u16x8 m = block_means(a + x, b + x);
        if (nv12) {
            mix_pairs(u + x, cu, cv, m);
            continue;
        }
        narrow(u + x / 2, mix8(widen(u + x / 2), cu, m));
        narrow(v + x / 2, mix8(widen(v + x / 2), cv, m));
    }
    for (; x < x1; x += 2) {
        int r = x + 1 < f->width ? x + 1 : x, at = x / 2 * (nv12 ? 2 : 1);
        unsigned m = (unsigned)(a[x] + a[r] + b[x] + b[r] + 2) / 4;
        if (!m) continue;
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
        if (ink.alpha != 255) scale_row(a + x0, x1 - x0, ink.alpha);
        uint8_t *row = f->plane[0] + (y + i) * f->stride[0];
        if (f->format == FV_PIXEL_RGB || f->format == FV_PIXEL_BGR)
            mix_rgb_row(row + 3 * (ptrdiff_t)x0, a + x0, x1 - x0, ink.c);
        else
            mix_row(row + x0, a + x0, x1 - x0, ink.c[0]);
    }
    if (f->format == FV_PIXEL_I420 || f->format == FV_PIXEL_NV12) mix_chroma(s, y, x0, x1, &ink);
}
