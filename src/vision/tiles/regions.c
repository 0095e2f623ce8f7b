/* regions.c: the geometry of looking only at parts: flood fill over cells, rectangles that hold what they touch, shelves in a picture.
 * Called by flow's watching detector. */
#include "vision/tiles/regions.h"
#include "base/checked.h"
#include <string.h>

#define LEAST_MARGIN 32
#define MOST_SHELVES 64 /* of a picture */

static void take_cell(const fvi_gate *g, fvi_region *r, int c, int row)
{
    int x = c * FVI_CELL, y = row * FVI_CELL;
    if (!r->awake) *r = (fvi_region){.x = x, .y = y, .canvas = -1};
    int x2 = r->x + r->width > x + FVI_CELL ? r->x + r->width : x + FVI_CELL, y2 = r->y + r->height > y + FVI_CELL ? r->y + r->height : y + FVI_CELL;
    r->x = r->x < x ? r->x : x;
    r->y = r->y < y ? r->y : y;
    r->width = (x2 < g->width ? x2 : g->width) - r->x;
    r->height = (y2 < g->height ? y2 : g->height) - r->y;
    r->awake++;
    r->urgency += g->waiting[row * g->cols + c];
}

/* All awake cells that are reached from i in steps of at most three cells. */
static void flood(const fvi_gate *g, int *labels, int *stack, int i, int label, fvi_region *r)
{
    int n = 0;
    labels[i] = label;
    stack[n++] = i;
    while (n > 0) {
        int at = stack[--n], c = at % g->cols, row = at / g->cols;
        take_cell(g, r, c, row);
        for (int dy = -3; dy <= 3; dy++)
            for (int dx = -3; dx <= 3; dx++) {
                int nc = c + dx, nr = row + dy, k = nr * g->cols + nc;
                if (nc < 0 || nr < 0 || nc >= g->cols || nr >= g->rows || !g->awake[k] || labels[k]) continue;
                labels[k] = label;
                stack[n++] = k;
            }
    }
}

int fvi_regions_find(const fvi_gate *g, int *labels, fvi_region *out)
{
    int cells = g->cols * g->rows, n = 0;
    memset(labels, 0, (size_t)cells * sizeof *labels);
    for (int i = 0; i < cells && g->n_awake > 0; i++) {
        if (!g->awake[i] || labels[i]) continue;
        bool full = n == FVI_REGIONS_MAX; /* the last one takes the rest */
        if (!full) out[n++] = (fvi_region){0};
        flood(g, labels, labels + cells, i, n, &out[n - 1]);
    }
    return n;
}

static void even(fvi_region *r, int frame_w, int frame_h)
{
    int x2 = r->x + r->width, y2 = r->y + r->height;
    r->x &= ~1;
    r->y &= ~1;
    x2 = x2 + (x2 & 1) <= frame_w ? x2 + (x2 & 1) : frame_w;
    y2 = y2 + (y2 & 1) <= frame_h ? y2 + (y2 & 1) : frame_h;
    r->width = x2 - r->x;
    r->height = y2 - r->y;
}

static void hold(fvi_region *r, int x1, int y1, int x2, int y2, int frame_w, int frame_h)
{
    int rx2 = r->x + r->width, ry2 = r->y + r->height;
    r->x = fvi_clamp_int(x1 < r->x ? x1 : r->x, 0, frame_w - 1);
    r->y = fvi_clamp_int(y1 < r->y ? y1 : r->y, 0, frame_h - 1);
    r->width = fvi_clamp_int(x2 > rx2 ? x2 : rx2, r->x + 1, frame_w) - r->x;
    r->height = fvi_clamp_int(y2 > ry2 ? y2 : ry2, r->y + 1, frame_h) - r->y;
}

void fvi_region_hold(fvi_region *r, const float box[4], int frame_w, int frame_h)
{
    int e[4];
    for (int k = 0; k < 4; k++) {
        float most = (float)(k % 2 ? frame_h : frame_w), v = box[k] > 0 ? box[k] < most ? box[k] : most : 0;
        e[k] = (int)v + (k > 1 && v > (float)(int)v);
    }
    hold(r, e[0], e[1], e[2], e[3], frame_w, frame_h);
    even(r, frame_w, frame_h);
}

void fvi_region_widen(fvi_region *r, int frame_w, int frame_h)
{
    int mx = r->width / 4 > LEAST_MARGIN ? r->width / 4 : LEAST_MARGIN, my = r->height / 4 > LEAST_MARGIN ? r->height / 4 : LEAST_MARGIN;
    hold(r, r->x - mx, r->y - my, r->x + r->width + mx, r->y + r->height + my, frame_w, frame_h);
    even(r, frame_w, frame_h);
}

static int most_of(int a, int b) { return a > b ? a : b; }
static int least_of(int a, int b) { return a < b ? a : b; }

static bool belong_together(const fvi_region *a, const fvi_region *b, int width, int height)
{
    int x2 = a->x + a->width, y2 = a->y + a->height, bx2 = b->x + b->width, by2 = b->y + b->height;
    int w = least_of(x2, bx2) - most_of(a->x, b->x), h = least_of(y2, by2) - most_of(a->y, b->y);
    if (w <= 0 || h <= 0) return false;
    if (most_of(x2, bx2) - least_of(a->x, b->x) <= width && most_of(y2, by2) - least_of(a->y, b->y) <= height) return true;
    int64_t small = least_of(a->width, b->width) * (int64_t)least_of(a->height, b->height);
    return 2 * (int64_t)w * h > small;
}

int fvi_regions_join(fvi_region *r, int n, int width, int height)
{
    for (int i = 0; i < n; i++)
        for (int k = i + 1; k < n; k++) {
            if (!belong_together(&r[i], &r[k], width, height)) continue;
            int x2 = most_of(r[i].x + r[i].width, r[k].x + r[k].width), y2 = most_of(r[i].y + r[i].height, r[k].y + r[k].height);
            hold(&r[i], r[k].x, r[k].y, r[k].x + r[k].width, r[k].y + r[k].height, x2, y2);
            r[i].awake += r[k].awake;
            r[i].urgency += r[k].urgency;
            r[k] = r[--n];
            i = -1; /* it is larger now: from the start */
            break;
        }
    return n;
}

typedef struct shelf {
    int canvas, y, height, x;
} shelf;

/* Room on a shelf that wastes least of its height, else a new shelf, else nothing. */
static shelf *room_for(shelf *s, int *n, int w, int h, int width, int height, int gap, int *canvases, int most)
{
    shelf *best = NULL;
    for (int i = 0; i < *n; i++)
        if (s[i].x + w <= width && h <= s[i].height && (!best || s[i].height < best->height)) best = &s[i];
    if (best && best->height <= 2 * h) return best;
    for (int c = 0; c < *canvases && *n < MOST_SHELVES; c++) {
        int top = 0;
        for (int i = 0; i < *n; i++)
            if (s[i].canvas == c && s[i].y + s[i].height + gap > top) top = s[i].y + s[i].height + gap;
        if (top + h > height) continue;
        s[*n] = (shelf){c, top, h, 0};
        return &s[(*n)++];
    }
    if (best) return best;
    if (*canvases >= most || *n >= MOST_SHELVES) return NULL;
    s[*n] = (shelf){(*canvases)++, 0, h, 0};
    return &s[(*n)++];
}

int fvi_regions_pack(fvi_region *r, int n, int width, int height, int gap, int most)
{
    shelf shelves[MOST_SHELVES];
    int n_shelves = 0, canvases = 0;
    gap += gap & 1;
    for (int i = 0; i < n; i++) {
        int w = r[i].width + (r[i].width & 1), h = r[i].height + (r[i].height & 1);
        r[i].canvas = -1;
        if (w > width || h > height) continue;
        shelf *s = room_for(shelves, &n_shelves, w, h, width, height, gap, &canvases, most);
        if (!s) continue;
        r[i].canvas = s->canvas;
        r[i].at_x = s->x;
        r[i].at_y = s->y;
        s->x += w + gap;
    }
    return canvases;
}
