/* map.c: a map over the whole frame -> colours in the frame's own planes: every pixel gets an index into at most 256 inks, two rows at a time
 * so that subsampled chroma gets the mean of its block. Called by painter.c. */
#include "vision/paint/tasks.h"
#include <math.h>

#define INKS 256
#define TINT 140
#define LEAST_PROBABILITY 0.3f /* as PP-OCR cuts its map */

typedef struct map_paint {
    fvi_surface *s;
    const fv_map *m;
    fvi_ink ink[INKS];
    float least, scale; /* of a smooth map: index = (v - least) * scale */
    fv_task task;
    bool classes;
} map_paint;

/* Dark blue over violet and orange to light yellow: brightness rises all the way. */
static fvi_rgb ramp(double t)
{
    static const double stop[6][3] = {{8, 8, 40}, {60, 20, 120}, {150, 40, 130}, {225, 85, 80}, {250, 160, 50}, {252, 250, 170}};
    double at = t * 5;
    int i = at >= 5 ? 4 : (int)at;
    double f = at - i, c[3];
    for (int k = 0; k < 3; k++) c[k] = stop[i][k] * (1 - f) + stop[i + 1][k] * f;
    return (fvi_rgb){(uint8_t)c[0], (uint8_t)c[1], (uint8_t)c[2]};
}

static inline uint8_t mix(unsigned d, unsigned c, unsigned a)
{
    unsigned x = d * (255 - a) + c * a + 128;
    return (uint8_t)((x + (x >> 8)) >> 8);
}

static float cell(const fv_map *m, int x, int y)
{
    x = x < 0 ? 0 : x >= m->width ? m->width - 1 : x;
    y = y < 0 ? 0 : y >= m->height ? m->height - 1 : y;
    return m->data[(size_t)y * (size_t)m->width + (size_t)x];
}

/* Indices of a row of the frame: the nearest cell for classes, else between four cells. */
static void index_row(const map_paint *p, int y, uint8_t *out)
{
    const fv_map *m = p->m;
    int w = p->s->frame.width, h = p->s->frame.height;
    double sx = (double)m->width / w, py = (y + 0.5) * m->height / h;
    for (int x = 0; x < w; x++) {
        double px = (x + 0.5) * sx;
        if (p->classes) {
            float v = cell(m, (int)px, (int)py);
            out[x] = v >= 0 && v < 65536 ? (uint8_t)((int)v % INKS) : 0;
            continue;
        }
        int x0 = (int)floor(px - 0.5), y0 = (int)floor(py - 0.5);
        float fx = (float)(px - 0.5 - x0), fy = (float)(py - 0.5 - y0);
        float v = (cell(m, x0, y0) * (1 - fx) + cell(m, x0 + 1, y0) * fx) * (1 - fy) + (cell(m, x0, y0 + 1) * (1 - fx) + cell(m, x0 + 1, y0 + 1) * fx) * fy;
        float i = (v - p->least) * p->scale;
        out[x] = !(i > 0) ? 0 : i > INKS - 1 ? INKS - 1 : (uint8_t)i;
    }
}

static void put_row(const map_paint *p, int y, const uint8_t *index)
{
    const fv_frame *f = &p->s->frame;
    bool rgb = f->format == FV_PIXEL_RGB || f->format == FV_PIXEL_BGR;
    uint8_t *d = f->plane[0] + y * f->stride[0];
    for (int x = 0; x < f->width; x++) {
        const fvi_ink *k = &p->ink[index[x]];
        if (!rgb) {
            d[x] = mix(d[x], k->c[0], k->alpha);
            continue;
        }
        for (int c = 0; c < 3; c++) d[3 * x + c] = mix(d[3 * x + c], k->c[c], k->alpha);
    }
}

static void put_chroma(const map_paint *p, int y, const uint8_t *a, const uint8_t *b)
{
    const fv_frame *f = &p->s->frame;
    bool nv12 = f->format == FV_PIXEL_NV12;
    uint8_t *u = f->plane[1] + (y / 2) * f->stride[1], *v = nv12 ? u + 1 : f->plane[2] + (y / 2) * f->stride[2];
    for (int x = 0; x < f->width; x += 2) {
        int r = x + 1 < f->width ? x + 1 : x, at = x / 2 * (nv12 ? 2 : 1);
        const fvi_ink *k[4] = {&p->ink[a[x]], &p->ink[a[r]], &p->ink[b[x]], &p->ink[b[r]]};
        unsigned du = 0, dv = 0;
        for (int i = 0; i < 4; i++) {
            du += mix(u[at], k[i]->c[1], k[i]->alpha);
            dv += mix(v[at], k[i]->c[2], k[i]->alpha);
        }
        u[at] = (uint8_t)((du + 2) / 4);
        v[at] = (uint8_t)((dv + 2) / 4);
    }
}

static void fill_inks(map_paint *p)
{
    for (int i = 0; i < INKS; i++) {
        if (p->task == FV_TASK_DEPTH) p->ink[i] = fvi_surface_ink(p->s, ramp(i / 255.0), 255);
        else if (p->classes) p->ink[i] = fvi_surface_ink(p->s, fvi_paint_color(0, i), TINT);
        else p->ink[i] = fvi_surface_ink(p->s, fvi_paint_color(0, 1), i < LEAST_PROBABILITY * 255 ? 0 : TINT);
    }
}

void fvi_paint_map(fvi_surface *s, const fv_map *m, fv_task task, int n_classes)
{
    if ((task != FV_TASK_DEPTH && task != FV_TASK_SEMANTIC) || !m->data || m->channels != 1 || m->width < 1 || m->height < 1) return;
    map_paint p = {.s = s, .m = m, .task = task, .classes = task == FV_TASK_SEMANTIC && n_classes > 1, .scale = INKS - 1};
    if (task == FV_TASK_DEPTH) {
        float least = INFINITY, most = -INFINITY;
        for (size_t i = 0; i < (size_t)m->width * (size_t)m->height; i++) {
            least = m->data[i] < least ? m->data[i] : least;
            most = m->data[i] > most ? m->data[i] : most;
        }
        p.least = least;
        p.scale = most > least ? (INKS - 1) / (most - least) : 0;
    }
    fill_inks(&p);
    for (int y = 0; y < s->frame.height; y += 2) {
        bool two = y + 1 < s->frame.height;
        index_row(&p, y, s->cov[0]);
        if (two) index_row(&p, y + 1, s->cov[1]);
        put_row(&p, y, s->cov[0]);
        if (two) put_row(&p, y + 1, s->cov[1]);
        if (s->frame.format == FV_PIXEL_I420 || s->frame.format == FV_PIXEL_NV12) put_chroma(&p, y, s->cov[0], two ? s->cov[1] : s->cov[0]);
    }
}
