/* tiled_watch.c: what is known about a source: boxes until their part of the frame is looked at again; a part whose pixels have not changed since it was looked
 * at would give the same boxes. Called by tiled.c and tiled_look.c. */
#include "flow/tiled_watch_inside.h"
#include "base/alloc.h"
#include "base/error.h"
#include "flow/tiled_canvas.h"
#include <math.h>
#include <string.h>

#define MOST_BOXES 8192
#define INSIDE 4 /* pixels from a seam from which a box is inside a part */

fv_status fvi_flow_watch_create(fvi_flow_watch **out, fvi_cpu_flags cpu, double refresh_s, fv_error *err)
{
    fvi_flow_watch *w = *out = fvi_calloc(1, sizeof *w);
    if (w) {
        fvi_gate_init(&w->gate, cpu);
        w->refresh_s = refresh_s > 0 ? refresh_s : 2;
        w->last_index = -1;
        w->known = fvi_calloc(MOST_BOXES, sizeof *w->known);
        w->boxes = fvi_calloc(MOST_BOXES, sizeof *w->boxes);
        w->seen = fvi_calloc(MOST_BOXES, sizeof *w->seen);
        w->locks = pthread_mutex_init(&w->lock, NULL) == 0;
    }
    if (w && w->known && w->boxes && w->seen && w->locks) return FV_OK;
    fvi_flow_watch_free(out);
    return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
}

static void free_views(fvi_flow_watch *w)
{
    FVI_FREE(w->turn);
    FVI_FREE(w->rank);
    FVI_FREE(w->looks);
    w->views_capacity = 0;
}

void fvi_flow_watch_forget(fvi_flow_watch *w) { w->last_index = INT64_MAX; }

void fvi_flow_watch_free(fvi_flow_watch **pw)
{
    if (!pw || !*pw) return;
    fvi_flow_watch *w = *pw;
    free_views(w);
    fvi_gate_free(&w->gate);
    if (w->locks) pthread_mutex_destroy(&w->lock);
    fvi_free(w->labels);
    fvi_free(w->known);
    fvi_free(w->boxes);
    fvi_free(w->seen);
    FVI_FREE(*pw);
}

bool fvi_flow_watch_can(const fv_frame *f)
{
    return f->format == FV_PIXEL_I420 || f->format == FV_PIXEL_NV12 || f->format == FV_PIXEL_GRAY;
}

void fvi_flow_watch_lost(fvi_flow_watch *w, const fvi_track_place *places, int n)
{
    pthread_mutex_lock(&w->lock);
    w->n_told = n < FVI_WATCH_LOST ? n : FVI_WATCH_LOST;
    if (w->n_told > 0) memcpy(w->told, places, (size_t)w->n_told * sizeof *places);
    pthread_mutex_unlock(&w->lock);
}

/* ---- another size, another source ---- */

fv_status fvi_flow_watch_settle(fvi_flow_watch *w, const fvi_flow_plan *p, const fv_frame *f, fv_error *err)
{
    size_t n = (size_t)p->n_views;
    bool other = p->n_views != w->n_views || f->width != w->frame_w || f->height != w->frame_h;
    if (n > w->views_capacity) {
        free_views(w);
        w->turn = fvi_calloc(n, sizeof *w->turn);
        w->rank = fvi_calloc(n, sizeof *w->rank);
        w->looks = fvi_calloc(n + FVI_WATCH_EXTRA, sizeof *w->looks);
        w->views_capacity = w->looks ? n : 0;
        if (!w->turn || !w->rank || !w->looks) {
            free_views(w);
            w->n_views = 0;
            return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for %zu tiles", n);
        }
    }
    if (other || f->index <= w->last_index || f->pts < w->last_pts) {
        fvi_gate_forget(&w->gate);
        w->n_known = 0;
        fvi_flow_watch_lost(w, NULL, 0);
        for (int v = 0; v < p->n_views; v++) w->turn[v] = -INFINITY;
    }
    pthread_mutex_lock(&w->lock);
    w->n_lost = w->n_told;
    memcpy(w->lost, w->told, sizeof w->lost);
    pthread_mutex_unlock(&w->lock);
    w->n_views = p->n_views;
    w->frame_w = f->width;
    w->frame_h = f->height;
    w->last_index = f->index;
    w->last_pts = f->pts;
    if (fvi_gate_update(&w->gate, f->plane[0], f->stride[0], f->width, f->height) < 0) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for watching");
    w->everywhere = 10 * w->gate.n_awake > 3 * w->gate.cols * w->gate.rows;
    size_t cells = 2 * (size_t)w->gate.cols * (size_t)w->gate.rows;
    if (cells > w->labels_capacity) {
        fvi_free(w->labels);
        w->labels = fvi_calloc(cells, sizeof *w->labels);
        w->labels_capacity = w->labels ? cells : 0;
        if (!w->labels) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for watching");
    }
    return FV_OK;
}

/* ---- what is known afterwards ---- */

/* Does all of the box lie in the part, away from where the frame goes on behind it? */
static bool inside(const fvi_tile *t, const float b[4])
{
    return b[0] >= (float)(t->x + (t->seams & FVI_SEAM_LEFT ? INSIDE : -INSIDE)) && b[1] >= (float)(t->y + (t->seams & FVI_SEAM_TOP ? INSIDE : -INSIDE)) &&
           b[2] <= (float)(t->x + t->width - (t->seams & FVI_SEAM_RIGHT ? INSIDE : -INSIDE)) &&
           b[3] <= (float)(t->y + t->height - (t->seams & FVI_SEAM_BOTTOM ? INSIDE : -INSIDE));
}

static bool same_part(const fvi_tile *a, const fvi_tile *b) { return a->x == b->x && a->y == b->y && a->width == b->width && a->height == b->height; }

/* A part is looked at: what was known in it is known anew. A look at the whole sees large things only and replaces what such a look found. */
static void forget(fvi_flow_watch *w, const fvi_tile *part, bool whole)
{
    int n = 0;
    for (int i = 0; i < w->n_known; i++) {
        const fvi_watch_known *k = &w->known[i];
        bool again = whole ? k->whole : same_part(&k->from, part) || inside(part, k->b.box);
        if (!again) w->known[n++] = *k;
    }
    w->n_known = n;
}

static void learn(fvi_flow_watch *w, const fv_detection *d, int class_id, float dx, float dy, const fvi_tile *part, bool whole, double pts)
{
    if (w->n_known == MOST_BOXES || class_id < 0) return;
    w->known[w->n_known++] = (fvi_watch_known){{{d->box[0] + dx, d->box[1] + dy, d->box[2] + dx, d->box[3] + dy}, d->confidence, class_id, 0}, *part, w->looks_done, pts, whole};
}

/* Boxes of a canvas go to the region that holds their middle, cut to it. */
static void unpack(fvi_flow_watch *w, const fv_detections *found, int canvas, const fvi_flow_plan *p, const fv_frame *f, fv_tile_figures *figures)
{
    for (int i = 0; i < w->n_regions; i++) {
        const fvi_region *r = &w->region[i];
        if (r->canvas != canvas) continue;
        const fvi_tile part = fvi_tiles_part(r->x, r->y, r->width, r->height, w->frame_w, w->frame_h);
        w->looks_done++;
        forget(w, &part, false);
        for (int k = 0; k < found->count && !p->silent; k++) {
            fv_detection d = found->items[k];
            if (!fvi_canvas_cut(d.box, r)) continue;
            learn(w, &d, p->class_of ? p->class_of[d.class_id] : d.class_id, (float)(r->x - r->at_x), (float)(r->y - r->at_y), &part, false, f->pts);
        }
        fvi_gate_looked(&w->gate, r->x, r->y, r->width, r->height);
        fvi_flow_watch_visit(figures, &part, f->width, f->height);
    }
}

void fvi_flow_watch_visit(fv_tile_figures *f, const fvi_tile *part, int frame_w, int frame_h)
{
    int x0 = (int)((int64_t)part->x * FV_TILE_MAP_W / frame_w), x1 = (int)(((int64_t)(part->x + part->width) * FV_TILE_MAP_W - 1) / frame_w);
    int y0 = (int)((int64_t)part->y * FV_TILE_MAP_H / frame_h), y1 = (int)(((int64_t)(part->y + part->height) * FV_TILE_MAP_H - 1) / frame_h);
    for (int y = y0; y <= y1 && y < FV_TILE_MAP_H; y++)
        for (int x = x0; x <= x1 && x < FV_TILE_MAP_W; x++) f->visits[y][x]++;
}

void fvi_flow_watch_take_in(fvi_flow_watch *w, const fvi_flow_plan *p, const fv_frame *f, const fv_detections *found, const uint8_t *which, const int *canvas_at, int n_canvases,
                            fv_tile_figures *figures)
{
    for (int i = 0; i < w->n_looks; i++) {
        const fvi_watch_look *l = &w->looks[i];
        const bool whole = p->whole && l->view == 0, tiles_net = which[l->at] == FVI_NET_TILES;
        const int *class_of = tiles_net ? p->class_of : NULL;
        const fv_detections *of = &found[l->at];
        w->looks_done++;
        forget(w, &l->part, whole);
        for (int k = 0; k < of->count && !(p->silent && tiles_net); k++) {
            const fv_detection *d = &of->items[k];
            learn(w, d, class_of ? class_of[d->class_id] : d->class_id, (float)l->part.x, (float)l->part.y, &l->part, whole, f->pts);
        }
        if (whole) continue;
        fvi_gate_looked(&w->gate, l->part.x, l->part.y, l->part.width, l->part.height);
        fvi_flow_watch_visit(figures, &l->part, f->width, f->height);
    }
    for (int c = 0; c < n_canvases; c++)
        if (canvas_at[c] >= 0) unpack(w, &found[canvas_at[c]], c, p, f, figures);
}

/* There was no time to look, and something has changed there for a while: nobody knows whether it is still there. */
static void drop_stale(fvi_flow_watch *w, double now)
{
    int n = 0;
    for (int i = 0; i < w->n_known; i++) {
        const float *b = w->known[i].b.box;
        int x = (int)b[0], y = (int)b[1], width = (int)(b[2] - b[0]) + 1, height = (int)(b[3] - b[1]) + 1;
        int cells = ((width + FVI_CELL - 1) / FVI_CELL) * ((height + FVI_CELL - 1) / FVI_CELL);
        bool stale = now - w->known[i].pts > (w->everywhere ? FVI_STALE_ALL_S : FVI_STALE_S) && (w->gate.anew || 3 * fvi_gate_awake(&w->gate, x, y, width, height) > cells);
        if (!stale) w->known[n++] = w->known[i];
    }
    w->n_known = n;
}

/* What is known as the merge wants it: boxes of one look have one tile. */
int fvi_flow_watch_conclude(fvi_flow_watch *w, double now)
{
    drop_stale(w, now);
    int n = 0;
    for (int i = 0; i < w->n_known; i++) {
        if (i == 0 || w->known[i].look != w->known[i - 1].look) w->seen[n++] = w->known[i].from;
        w->boxes[i] = w->known[i].b;
        w->boxes[i].tile = n - 1;
    }
    return n;
}
