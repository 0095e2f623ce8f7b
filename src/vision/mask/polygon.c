/* polygon.c: outline -> run-length mask, the pixels that COCO's own tools choose: the outline is drawn on a grid five times as
 * fine, and a column of pixels changes where the outline crosses its centre. Called for ground truth by the program. */
#include "base/alloc.h"
#include "base/error.h"
#include "vision/mask/rle.h"
#include <math.h>
#include <stdlib.h>

#define FINE 5                         /* steps a pixel */
#define MAX_STEPS ((int64_t)1 << 27)   /* length of all outlines' edges in steps */

typedef struct outline {
    int width, height;
    uint32_t *at; /* [n] column-major pixel numbers where inside and outside change */
    size_t n, capacity;
    bool started;
    int u, v; /* the step before, on the fine grid */
} outline;

static int compare(const void *pa, const void *pb)
{
    uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
    return (a > b) - (a < b);
}

/* A step to another fine column: is it the one in the middle of a pixel? Then the change is at the first pixel centre below. */
static bool step_to(outline *o, int u, int v)
{
    int before_u = o->u, before_v = o->v;
    bool first = !o->started;
    o->started = true;
    o->u = u;
    o->v = v;
    if (first || u == before_u) return true;
    double x = (double)(u < before_u ? u : u - 1);
    x = (x + 0.5) / FINE - 0.5;
    if (floor(x) != x || x < 0 || x > o->width - 1) return true;
    double y = (double)(v < before_v ? v : before_v);
    y = (y + 0.5) / FINE - 0.5;
    y = ceil(y < 0 ? 0 : y > o->height ? o->height : y);
    if (!fvi_grow((void **)&o->at, o->n, &o->capacity, sizeof *o->at)) return false;
    o->at[o->n++] = (uint32_t)((int)x * o->height + (int)y);
    return true;
}

/* All steps from corner to corner, both included. The long direction counts, the other one is rounded; always computed from the
 * lower end of the long direction, so that an edge is the same whichever way it is walked. */
static bool draw_edge(outline *o, int xs, int ys, int xe, int ye)
{
    int dx = abs(xe - xs), dy = abs(ys - ye);
    bool flat = dx >= dy, flip = flat ? xs > xe : ys > ye;
    if (flip) {
        int x = xs, y = ys;
        xs = xe, ys = ye;
        xe = x, ye = y;
    }
    int steps = flat ? dx : dy;
    double slope = steps == 0 ? 0 : flat ? (double)(ye - ys) / dx : (double)(xe - xs) / dy;
    for (int d = 0; d <= steps; d++) {
        int t = flip ? steps - d : d;
        int u = flat ? t + xs : (int)(xs + slope * t + 0.5), v = flat ? (int)(ys + slope * t + 0.5) : t + ys;
        if (!step_to(o, u, v)) return false;
    }
    return true;
}

/* Runs between the changes. Two changes at one place cancel: nothing lies between them, so what follows belongs to the run
 * before. */
static fv_status to_runs(outline *o, fv_rle *r)
{
    if (o->n) qsort(o->at, o->n, sizeof *o->at, compare);
    uint32_t last = 0, total = (uint32_t)o->width * (uint32_t)o->height;
    bool cancelled = false;
    for (size_t i = 0; i <= o->n; i++) {
        uint32_t at = i < o->n ? o->at[i] : total, run = at - last;
        last = at;
        if (cancelled) {
            r->counts[r->n - 1] += run;
            cancelled = false;
        } else if (run > 0 || i == 0) {
            if (!fvi_mask_push(r, run)) return FV_ERR_MEMORY;
        } else {
            cancelled = true;
        }
    }
    return FV_OK;
}

static bool to_fine(double v, int side, int *out)
{
    if (!(v >= -(double)side && v <= 2.0 * side)) return false;
    *out = (int)(FINE * v + 0.5);
    return true;
}

static fv_status draw(outline *o, const double (*xy)[2], int n)
{
    int x0, y0, x1, y1;
    int64_t steps = 0;
    for (int i = 0; i < n; i++) {
        const double *a = xy[i], *b = xy[i + 1 < n ? i + 1 : 0];
        if (!to_fine(a[0], o->width, &x0) || !to_fine(a[1], o->height, &y0) || !to_fine(b[0], o->width, &x1) || !to_fine(b[1], o->height, &y1))
            return FV_ERR_LIMIT;
        int dx = abs(x1 - x0), dy = abs(y1 - y0);
        steps += dx > dy ? dx : dy;
        if (steps > MAX_STEPS) return FV_ERR_LIMIT;
        if (!draw_edge(o, x0, y0, x1, y1)) return FV_ERR_MEMORY;
    }
    return FV_OK;
}

fv_status fv_rle_from_polygon(fv_rle *r, int width, int height, const double (*xy)[2], int n)
{
    if (!r || (n > 0 && !xy) || fvi_mask_start(r, width, height) < 0) return FV_ERR_ARGUMENT;
    outline o = {.width = width, .height = height};
    fv_status st = draw(&o, xy, n);
    if (st >= 0) st = to_runs(&o, r);
    fvi_free(o.at);
    return st < 0 ? fvi_mask_fail(r, st) : FV_OK;
}
