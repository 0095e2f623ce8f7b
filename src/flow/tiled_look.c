/* tiled_look.c: frames of one or several sources -> one row of looks. Each watch says what is worth one; small regions of all sources share canvases, and with them
 * runs of the network. Called by tiled.c. */
#include "flow/tiled_watch_inside.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "flow/tiled_canvas.h"
#include <string.h>

struct fvi_flow_row {
    fvi_flow_view *views; /* [capacity], and the next two */
    uint8_t *which;
    fv_detections *found;
    size_t capacity;
    int n;
    fv_frame canvas[FVI_CANVASES];
    int canvas_at[FVI_CANVASES]; /* its look in the row, -1 = it is not looked at */
    int n_canvases;
    int64_t rows; /* so far: who chooses first goes round */
};

fv_status fvi_flow_row_create(fvi_flow_row **out, fv_error *err)
{
    *out = fvi_calloc(1, sizeof **out);
    return *out ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
}

static void free_looks(fvi_flow_row *r)
{
    for (size_t i = 0; i < r->capacity; i++) fv_detections_clear(&r->found[i]);
    FVI_FREE(r->views);
    FVI_FREE(r->which);
    FVI_FREE(r->found);
    r->capacity = 0;
}

void fvi_flow_row_free(fvi_flow_row **pr)
{
    if (!pr || !*pr) return;
    free_looks(*pr);
    for (int i = 0; i < FVI_CANVASES; i++) fv_frame_release(&(*pr)->canvas[i]);
    FVI_FREE(*pr);
}

static fv_status reserve(fvi_flow_row *r, size_t n, fv_error *err)
{
    if (n <= r->capacity) return FV_OK;
    free_looks(r);
    r->views = fvi_calloc(n, sizeof *r->views);
    r->which = fvi_calloc(n, sizeof *r->which);
    r->found = fvi_calloc(n, sizeof *r->found);
    r->capacity = r->found ? n : 0;
    if (r->views && r->which && r->found) return FV_OK;
    free_looks(r);
    return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for %zu looks", n);
}

/* Regions of both fit into one picture as they are. */
static bool same_kind(const fvi_flow_watched *a, const fvi_flow_watched *b)
{
    const fv_frame *f = a->frame, *g = b->frame;
    return f->format == g->format && f->matrix == g->matrix && f->range == g->range && f->chroma == g->chroma && a->plan.tile_w == b->plan.tile_w && a->plan.tile_h == b->plan.tile_h;
}

/* Regions of w and of those after it that are of its kind, and wait, by urgency. Returns how many. */
static int waiting(fvi_flow_watched *w, int n, fvi_region **out)
{
    int count = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < w[i].watch->n_regions && same_kind(w, &w[i]); k++) {
            fvi_region *r = &w[i].watch->region[k];
            if (r->canvas != FVI_REGION_WAITS) continue;
            if (count == FVI_REGIONS_MAX) {
                r->canvas = FVI_REGION_NOWHERE;
                continue;
            }
            int at = count++;
            for (; at > 0 && out[at - 1]->urgency < r->urgency; at--) out[at] = out[at - 1];
            out[at] = r;
        }
    return count;
}

/* Waiting regions of one kind into canvases, as long as there is room; canvases of other kinds are there already. */
static void pack_kind(fvi_flow_row *row, fvi_flow_watched *w, int n, int room)
{
    fvi_region *from[FVI_REGIONS_MAX], copy[FVI_REGIONS_MAX];
    int count = waiting(w, n, from), most = FVI_CANVASES - row->n_canvases;
    for (int i = 0; i < count; i++) copy[i] = *from[i];
    int canvases = most > 0 && room > 0 ? fvi_regions_pack(copy, count, w->plan.tile_w & ~1, w->plan.tile_h & ~1, FVI_CANVAS_GAP, room < most ? room : most) : 0;
    for (int i = 0; i < count; i++) {
        from[i]->canvas = canvases && copy[i].canvas >= 0 ? row->n_canvases + copy[i].canvas : FVI_REGION_NOWHERE;
        from[i]->at_x = copy[i].at_x;
        from[i]->at_y = copy[i].at_y;
    }
    row->n_canvases += canvases;
}

/* Canvases of one region become that watch's own look; figures of all. */
static void settle_canvases(fvi_flow_row *row, fvi_flow_watched *w, int n, fv_tile_figures *figures)
{
    for (int c = 0; c < row->n_canvases; c++) {
        fvi_region *only = NULL;
        int count = 0, whose = 0;
        for (int i = 0; i < n; i++)
            for (int k = 0; k < w[i].watch->n_regions; k++) {
                if (w[i].watch->region[k].canvas != c) continue;
                only = &w[i].watch->region[k];
                if (!count++) whose = i;
            }
        figures->canvases += count > 1;
        figures->regions += count;
        row->canvas_at[c] = count > 1 ? whose : -1; /* the first of its films, until its look is in the row */
        if (count == 1) fvi_flow_watch_choose_alone(w[whose].watch, &w[whose].plan, only);
    }
}

static void choose(fvi_flow_row *row, fvi_flow_watched *w, int n, int all, int most, fv_tile_figures *figures)
{
    int room = most, first = (int)(row->rows++ % n), reserved = most < all ? (most + 4 * n - 1) / (4 * n) : most;
    for (int k = 0; k < n; k++) {
        fvi_flow_watched *v = &w[(first + k) % n];
        fvi_flow_watch_find(v->watch, &v->plan, v->frame->pts);
        fvi_flow_watch_choose_due(v->watch, &v->plan, v->frame->pts, reserved, &room, figures);
    }
    for (int k = 0; k < n; k++) {
        fvi_flow_watched *v = &w[(first + k) % n];
        fvi_flow_watch_choose_regions(v->watch, &v->plan, v->frame->pts, n == 1, &room, figures);
    }
    row->n_canvases = 0;
    for (int i = 0; i < n; i++) {
        int before = row->n_canvases;
        pack_kind(row, w + i, n - i, room);
        room -= row->n_canvases - before;
    }
    settle_canvases(row, w, n, figures);
    for (int k = 0; k < n; k++) {
        fvi_flow_watched *v = &w[(first + k) % n];
        fvi_flow_watch_choose_rest(v->watch, &v->plan, v->frame->pts, &room, figures);
    }
}

/* All looks into the row. */
static fv_status line_up(fvi_flow_row *row, fvi_flow_watched *w, int n, fv_error *err)
{
    size_t count = (size_t)row->n_canvases;
    for (int i = 0; i < n; i++) count += (size_t)w[i].watch->n_looks;
    FVI_TRY(reserve(row, count, err));
    row->n = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < w[i].watch->n_looks; k++) {
            fvi_watch_look *l = &w[i].watch->looks[k];
            l->at = row->n++;
            row->which[l->at] = l->view >= 0 ? w[i].plan.which[l->view] : FVI_NET_TILES;
            row->views[l->at] = (fvi_flow_view){w[i].frame, {l->part.x, l->part.y, l->part.width, l->part.height}};
        }
    for (int c = 0; c < row->n_canvases; c++) {
        fv_frame *canvas = &row->canvas[c];
        if (row->canvas_at[c] < 0) continue;
        const fvi_flow_watched *o = &w[row->canvas_at[c]];
        if (fvi_canvas_begin(canvas, o->frame, o->plan.tile_w & ~1, o->plan.tile_h & ~1) < 0) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for a picture of regions");
        for (int i = 0; i < n; i++) fvi_canvas_add(canvas, w[i].frame, w[i].watch->region, w[i].watch->n_regions, c);
        row->canvas_at[c] = row->n;
        row->which[row->n] = FVI_NET_TILES;
        row->views[row->n++] = (fvi_flow_view){canvas, {0, 0, canvas->width, canvas->height}};
    }
    return FV_OK;
}

fv_status fvi_flow_row_look(fvi_flow_row *row, fvi_flow_watched *w, int n, fvi_flow_groups *groups, fvi_flow_budget *budget, fv_detect_times *times, fv_tile_figures *figures, fv_error *err)
{
    int all = 0, views = 0;
    *times = (fv_detect_times){0};
    if (n < 1 || n > FVI_ROW_MOST) return fvi_error_set(err, FV_ERR_ARGUMENT, "%d frames in a row of looks: 1 to %d", n, FVI_ROW_MOST);
    for (int i = 0; i < n; i++) {
        FVI_TRY(fvi_flow_watch_settle(w[i].watch, &w[i].plan, w[i].frame, err));
        views += w[i].plan.n_views;
        all += w[i].plan.n_views + FVI_WATCH_EXTRA;
    }
    choose(row, w, n, all, fvi_flow_budget_looks(budget, all), figures);
    FVI_TRY(line_up(row, w, n, err));
    if (row->n) FVI_TRY(fvi_flow_groups_look(groups, row->views, row->which, row->n, row->found, times, err));
    for (int i = 0; i < n; i++) {
        fvi_flow_watched *v = &w[i];
        fvi_flow_watch_take_in(v->watch, &v->plan, v->frame, row->found, row->which, row->canvas_at, row->n_canvases, figures);
        v->n_seen = fvi_flow_watch_conclude(v->watch, v->frame->pts);
        v->boxes = v->watch->boxes;
        v->n = v->watch->n_known;
        v->seen = v->watch->seen;
    }
    figures->looks += row->n;
    figures->tiles += views;
    figures->skipped += views > row->n ? views - row->n : 0;
    return FV_OK;
}
