/* contour.c: the border of a mask, followed pixel by pixel with the hand on the wall. Called by out_tasks.c. */
#include "contour.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

/* Eight neighbours, clockwise from the right (y downwards). */
static const int step_x[8] = {1, 1, 0, -1, -1, -1, 0, 1}, step_y[8] = {0, 1, 1, 1, 0, -1, -1, -1};

typedef struct tracer {
    const uint8_t *bits;
    uint8_t *seen; /* pixels with nothing to their left that a border went through */
    int w, h;
    int *path; /* [n][2] */
    size_t n, cap;
} tracer;

static int at(const tracer *t, int x, int y) { return x >= 0 && y >= 0 && x < t->w && y < t->h && t->bits[(size_t)y * (size_t)t->w + (size_t)x]; }

static void visit(tracer *t, int x, int y)
{
    if (!at(t, x - 1, y)) t->seen[(size_t)y * (size_t)t->w + (size_t)x] = 1;
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 1024;
        int *bigger = tool_alloc(cap * 2 * sizeof *bigger);
        if (t->n) memcpy(bigger, t->path, t->n * 2 * sizeof *bigger);
        free(t->path);
        t->path = bigger;
        t->cap = cap;
    }
    t->path[2 * t->n] = x;
    t->path[2 * t->n + 1] = y;
    t->n++;
}

/* The border through (x, y), whose left neighbour is empty, once around. */
static void follow(tracer *t, int x, int y)
{
    int sx = x, sy = y, from = 4, first = -1; /* from: the empty neighbour that the last step came along */
    t->n = 0;
    visit(t, x, y);
    for (;;) {
        int k = 1;
        while (k <= 8 && !at(t, x + step_x[(from + k) & 7], y + step_y[(from + k) & 7])) k++;
        if (k > 8) return; /* a pixel alone */
        int d = (from + k) & 7;
        if (x == sx && y == sy) {
            if (d == first) break; /* the first step again */
            if (first < 0) first = d;
        }
        x += step_x[d];
        y += step_y[d];
        from = (d & 1 ? d + 5 : d + 6) & 7; /* the empty one beside the way here, seen from the new pixel */
        visit(t, x, y);
    }
    while (t->n > 1 && t->path[2 * t->n - 2] == sx && t->path[2 * t->n - 1] == sy) t->n--; /* the start is there once */
}

/* Twice the area: above zero when the border runs clockwise (y downwards), as those around something do. */
static double area(const tracer *t)
{
    double sum = 0;
    for (size_t i = 0; i < t->n; i++) {
        const int *p = t->path + 2 * i, *q = t->path + 2 * (i + 1 < t->n ? i + 1 : 0);
        sum += (double)p[0] * q[1] - (double)q[0] * p[1];
    }
    return sum;
}

/* Only where the direction changes. */
static int corners(const tracer *t, int x, int y, float *xy)
{
    int n = 0;
    for (size_t i = 0; i < t->n; i++) {
        const int *b = t->path + 2 * (i ? i - 1 : t->n - 1), *p = t->path + 2 * i, *a = t->path + 2 * (i + 1 < t->n ? i + 1 : 0);
        if (a[0] - p[0] == p[0] - b[0] && a[1] - p[1] == p[1] - b[1]) continue;
        xy[2 * n] = (float)(p[0] + x);
        xy[2 * n + 1] = (float)(p[1] + y);
        n++;
    }
    return n;
}

int contour_largest(const uint8_t *bits, int w, int h, int x, int y, float **xy)
{
    tracer t = {.bits = bits, .w = w, .h = h, .seen = tool_alloc((size_t)w * (size_t)h + 1)};
    double best = 0;
    int n = 0;
    *xy = NULL;
    for (int r = 0; r < h; r++) {
        for (int c = 0; c < w; c++) {
            if (!at(&t, c, r) || at(&t, c - 1, r) || t.seen[(size_t)r * (size_t)w + (size_t)c]) continue;
            follow(&t, c, r);
            double a = area(&t);
            if (!(a > best)) continue;
            best = a;
            free(*xy);
            *xy = tool_alloc(t.n * 2 * sizeof **xy);
            n = corners(&t, x, y, *xy);
        }
    }
    free(t.seen);
    free(t.path);
    return n;
}
