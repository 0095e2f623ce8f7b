/* shapes.c: plates, rings, thick lines, polygons and glyphs -> coverage of row pairs, blended by surface.c.
 * Called by painter.c, labels.c and text.c. */
#include "base/checked.h"
#include "vision/paint/surface_rows.h"
#include <math.h>
#include <string.h>

/* Rows and columns of a shape inside the frame; columns start even and leave room for a whole chroma block. */
typedef struct area { int x0, y0, x1, y1; } area;

static bool clip(const fvi_surface *s, area *a, int x0, int y0, int x1, int y1)
{
    int w = s->frame.width, h = s->frame.height;
    *a = (area){fvi_clamp_int(x0, 0, w) & ~1, fvi_clamp_int(y0, 0, h), fvi_clamp_int(x1, 0, w), fvi_clamp_int(y1, 0, h)};
    return a->x0 < a->x1 && a->y0 < a->y1;
}

static void clear_rows(fvi_surface *s, const area *a)
{
    size_t n = (size_t)(a->x1 - a->x0) + 1; /* the right half of a chroma block too */
    memset(s->cov[0] + a->x0, 0, n);
    memset(s->cov[1] + a->x0, 0, n);
}

static inline uint8_t to_cov(float v) { return v <= 0.0f ? 0 : v >= 1.0f ? 255 : (uint8_t)(v * 255.0f + 0.5f); }

static void set_run(uint8_t *cov, const area *a, int x0, int x1, uint8_t v)
{
    x0 = x0 < a->x0 ? a->x0 : x0;
    x1 = x1 > a->x1 ? a->x1 : x1;
    if (x0 < x1) memset(cov + x0, v, (size_t)(x1 - x0));
}

/* Coverage of a quarter disc of radius r at pixel (dx, dy), counted from its centre outwards. */
static inline float corner(float dx, float dy, float r)
{
    dx = dx < 0.0f ? 0.0f : dx;
    dy = dy < 0.0f ? 0.0f : dy;
    return r + 0.5f - sqrtf(dx * dx + dy * dy);
}

/* A row of a rounded rectangle; `v` 255 paints, 0 cuts out. */
static void plate_row(uint8_t *cov, const area *a, int y, int x0, int y0, int x1, int y1, int r, uint8_t v)
{
    if (y < y0 || y >= y1) return;
    int into = y - y0 < y1 - 1 - y ? y - y0 : y1 - 1 - y; /* rows from the nearer edge */
    if (into >= r) {
        set_run(cov, a, x0, x1, v);
        return;
    }
    set_run(cov, a, x0 + r, x1 - r, v);
    float dy = (float)(r - into) - 0.5f;
    for (int i = 0; i < r; i++) {
        uint8_t c = to_cov(corner((float)(r - i) - 0.5f, dy, (float)r));
        int left = x0 + i, right = x1 - 1 - i;
        if (left >= a->x0 && left < a->x1) cov[left] = v ? c : (uint8_t)(cov[left] < 255 - c ? cov[left] : 255 - c);
        if (right >= a->x0 && right < a->x1) cov[right] = v ? c : (uint8_t)(cov[right] < 255 - c ? cov[right] : 255 - c);
    }
}

static int fit_radius(int r, int w, int h)
{
    int most = (w < h ? w : h) / 2;
    return r > most ? most : r < 0 ? 0 : r;
}

void fvi_surface_plate(fvi_surface *s, int x0, int y0, int x1, int y1, int radius, fvi_ink ink)
{
    area a;
    if (!clip(s, &a, x0, y0, x1, y1)) return;
    radius = fit_radius(radius, x1 - x0, y1 - y0);
    for (int y = a.y0 & ~1; y < a.y1; y += 2) {
        clear_rows(s, &a);
        for (int i = 0; i < 2; i++) plate_row(s->cov[i], &a, y + i, x0, y0, x1, y1, radius, 255);
        fvi_surface_blend_rows(s, y, a.x0, a.x1, ink);
    }
}

void fvi_surface_ring(fvi_surface *s, int x0, int y0, int x1, int y1, int radius, int width, fvi_ink ink)
{
    area a;
    if (!clip(s, &a, x0, y0, x1, y1)) return;
    radius = fit_radius(radius, x1 - x0, y1 - y0);
    int ix0 = x0 + width, iy0 = y0 + width, ix1 = x1 - width, iy1 = y1 - width;
    bool hollow = ix0 < ix1 && iy0 < iy1;
    int inner = hollow ? fit_radius(radius - width, ix1 - ix0, iy1 - iy0) : 0;
    int round = radius > width ? radius : width; /* further in, only the two sides are there */
    for (int y = a.y0 & ~1; y < a.y1; y += 2) {
        if (hollow && y > y0 + round && y + 1 < y1 - round) {
            area side;
            for (int k = 0; k < 2; k++) {
                if (!clip(s, &side, k ? ix1 : x0, y, k ? x1 : ix0, y + 2)) continue;
                clear_rows(s, &side);
                for (int i = 0; i < 2; i++) set_run(s->cov[i], &side, k ? ix1 : x0, k ? x1 : ix0, 255);
                fvi_surface_blend_rows(s, y, side.x0, side.x1, ink);
            }
            continue;
        }
        clear_rows(s, &a);
        for (int i = 0; i < 2; i++) {
            plate_row(s->cov[i], &a, y + i, x0, y0, x1, y1, radius, 255);
            if (hollow) plate_row(s->cov[i], &a, y + i, ix0, iy0, ix1, iy1, inner, 0);
        }
        fvi_surface_blend_rows(s, y, a.x0, a.x1, ink);
    }
}

/* Coverage of one thick segment in the row with centre py: only between the two x where it can reach. */
static void segment_row(uint8_t *cov, const area *a, float py, const fvi_dot *p, const fvi_dot *q, float half)
{
    float dx = q->x - p->x, dy = q->y - p->y, len2 = dx * dx + dy * dy, reach = half + 1.0f;
    float t0 = 0.0f, t1 = 1.0f;
    if (fabsf(dy) > 1e-3f) { /* the part of the segment whose height is within reach */
        float ta = (py - reach - p->y) / dy, tb = (py + reach - p->y) / dy;
        t0 = fmaxf(0.0f, fminf(ta, tb));
        t1 = fminf(1.0f, fmaxf(ta, tb));
        if (t0 > t1) return;
    } else if (fabsf(py - p->y) > reach) {
        return;
    }
    float xa = p->x + t0 * dx, xb = p->x + t1 * dx;
    float lo = fmaxf(floorf(fminf(xa, xb) - reach), (float)a->x0), hi = fminf(ceilf(fmaxf(xa, xb) + reach), (float)a->x1);
    for (int x = (int)lo; x < (int)hi; x++) {
        float vx = (float)x + 0.5f - p->x, vy = py - p->y;
        float t = len2 > 0.0f ? (vx * dx + vy * dy) / len2 : 0.0f;
        t = t < 0.0f ? 0.0f : t > 1.0f ? 1.0f : t;
        float ex = vx - t * dx, ey = vy - t * dy;
        float c = half + 0.5f - sqrtf(ex * ex + ey * ey);
        if (c <= 0.0f) continue;
        uint8_t v = to_cov(fminf(c, 1.0f) * (p->strength + t * (q->strength - p->strength)));
        if (v > cov[x]) cov[x] = v;
    }
}

static bool sane(float v) { return v > -1e6f && v < 1e6f; } /* false for NaN too */

void fvi_surface_path(fvi_surface *s, const fvi_dot *dots, int n, float width, fvi_ink ink)
{
    float half = 0.5f * width, x0 = 1e7f, y0 = 1e7f, x1 = -1e7f, y1 = -1e7f;
    for (int i = 0; i < n; i++) {
        if (!sane(dots[i].x) || !sane(dots[i].y)) return;
        x0 = fminf(x0, dots[i].x);
        x1 = fmaxf(x1, dots[i].x);
        y0 = fminf(y0, dots[i].y);
        y1 = fmaxf(y1, dots[i].y);
    }
    area a;
    if (n < 1 || !clip(s, &a, (int)floorf(x0 - half - 1), (int)floorf(y0 - half - 1), (int)ceilf(x1 + half + 1), (int)ceilf(y1 + half + 1)))
        return;
    for (int y = a.y0 & ~1; y < a.y1; y += 2) {
        clear_rows(s, &a);
        for (int i = 0; i < 2; i++) {
            float py = (float)(y + i) + 0.5f;
            if (n == 1) segment_row(s->cov[i], &a, py, dots, dots, half);
            for (int k = 0; k + 1 < n; k++) {
                const fvi_dot *p = &dots[k], *q = &dots[k + 1];
                if (fminf(p->y, q->y) - half - 1 <= py && fmaxf(p->y, q->y) + half + 1 >= py)
                    segment_row(s->cov[i], &a, py, p, q, half);
            }
        }
        fvi_surface_blend_rows(s, y, a.x0, a.x1, ink);
    }
}

/* Sorted crossings of the polygon's edges with the horizontal line at y. */
static int crossings(const float *xy, int n, float y, float *out)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        const float *p = xy + 2 * (ptrdiff_t)i, *q = xy + 2 * (ptrdiff_t)((i + 1) % n);
        if ((p[1] <= y) == (q[1] <= y)) continue;
        float x = p[0] + (y - p[1]) / (q[1] - p[1]) * (q[0] - p[0]);
        int k = count++;
        for (; k > 0 && out[k - 1] > x; k--) out[k] = out[k - 1];
        out[k] = x;
    }
    return count;
}

/* Adds `w` times the coverage of [x0,x1) as differences: a running sum over acc gives the coverage of each pixel. */
static void add_run(float *acc, const area *a, float x0, float x1, float w)
{
    x0 = fminf(fmaxf(x0, (float)a->x0), (float)a->x1);
    x1 = fminf(fmaxf(x1, (float)a->x0), (float)a->x1);
    int i = (int)x0, j = (int)x1;
    float fx = x0 - (float)i, fy = x1 - (float)j;
    acc[i] += w * (1.0f - fx);
    acc[i + 1] += w * fx;
    acc[j] -= w * (1.0f - fy);
    acc[j + 1] -= w * fy;
}

static void polygon_row(fvi_surface *s, const area *a, int y, const float *xy, int n, uint8_t *cov)
{
    enum { SUB = 4 };
    memset(s->acc + a->x0, 0, (size_t)(a->x1 - a->x0 + 2) * sizeof *s->acc);
    for (int k = 0; k < SUB; k++) {
        int m = crossings(xy, n, (float)y + ((float)k + 0.5f) / SUB, s->cross);
        for (int i = 0; i + 1 < m; i += 2) add_run(s->acc, a, s->cross[i], s->cross[i + 1], 1.0f / SUB);
    }
    float sum = 0.0f;
    uint8_t v = 0;
    for (int x = a->x0; x < a->x1; x++) {
        if (s->acc[x] != 0.0f) v = to_cov(sum += s->acc[x]); /* inside a run nothing changes */
        cov[x] = v;
    }
}

void fvi_surface_polygon(fvi_surface *s, const float *xy, int n, fvi_ink ink)
{
    if (n < 3 || n > s->cross_cap) return;
    float x0 = 1e7f, y0 = 1e7f, x1 = -1e7f, y1 = -1e7f;
    for (int i = 0; i < n; i++) {
        if (!sane(xy[2 * i]) || !sane(xy[2 * i + 1])) return;
        x0 = fminf(x0, xy[2 * i]);
        x1 = fmaxf(x1, xy[2 * i]);
        y0 = fminf(y0, xy[2 * i + 1]);
        y1 = fmaxf(y1, xy[2 * i + 1]);
    }
    area a;
    if (!clip(s, &a, (int)floorf(x0), (int)floorf(y0), (int)ceilf(x1), (int)ceilf(y1))) return;
    for (int y = a.y0 & ~1; y < a.y1; y += 2) {
        clear_rows(s, &a);
        for (int i = 0; i < 2; i++)
            if (y + i >= a.y0 && y + i < a.y1) polygon_row(s, &a, y + i, xy, n, s->cov[i]);
        fvi_surface_blend_rows(s, y, a.x0, a.x1, ink);
    }
}

/* scale: what a value of 1 covers, 255 for bits. */
static void stamp(fvi_surface *s, int x, int y, const uint8_t *values, int w, int h, int scale, fvi_ink ink)
{
    area a;
    if (w < 1 || h < 1 || !clip(s, &a, x, y, x + w, y + h)) return;
    int from = x > 0 ? x : 0;
    for (int row = a.y0 & ~1; row < a.y1; row += 2) {
        clear_rows(s, &a);
        for (int i = 0; i < 2; i++) {
            int r = row + i;
            if (r < a.y0 || r >= a.y1) continue;
            const uint8_t *v = values + (ptrdiff_t)(r - y) * w + (from - x);
            uint8_t *cov = s->cov[i] + from;
            for (int k = 0; k < a.x1 - from; k++) cov[k] = (uint8_t)(v[k] * scale);
        }
        fvi_surface_blend_rows(s, row, a.x0, a.x1, ink);
    }
}

void fvi_surface_bits(fvi_surface *s, int x, int y, const uint8_t *bits, int w, int h, fvi_ink ink) { stamp(s, x, y, bits, w, h, 255, ink); }

void fvi_surface_mask(fvi_surface *s, int x, int y, const uint8_t *coverage, int w, int h, fvi_ink ink)
{
    stamp(s, x, y, coverage, w, h, 1, ink);
}
