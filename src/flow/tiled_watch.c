/* tiled_watch.c: which parts of a frame are looked at, and what is known afterwards. Called by tiled.c once a frame.
 *
 * A box is remembered until its part of the frame is looked at again; a part whose pixels have not changed since it was looked at would give the same
 * boxes. So a frame costs: parts that changed (regions, several in one picture), tiles whose turn it is (every tile comes round), and the whole frame
 * once in a while. With a budget the most urgent come first, and what does not fit stays urgent. */
#include "flow/tiled_watch.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "flow/tiled_canvas.h"
#include <math.h>
#include <string.h>

#define MOST_BOXES 8192
#define MOST_EXTRA 64        /* looks of a frame beside the planned views */
#define GAP 16               /* pixels between regions of a canvas */
#define WHOLE_PERIOD 0.5     /* of the refresh period: large things move, too */
#define BUSY_PERIOD 0.5      /* the same for tiles with something in them */
#define OVERDUE 2            /* periods from which a turn comes before changes */
#define BUDGET_PART 0.85     /* of the budget is for looks; the rest for decoding and what follows */
#define SURPLUS 1.1          /* a look may take longer than the last ones did */
#define ASSUMED_MS 50        /* a look, before the first was timed */
#define STALE_S 0.5          /* a box whose place has changed and was not looked at */
#define INSIDE 4             /* pixels from a seam from which a box is inside a part */

typedef struct known {
    fvi_tiles_box b; /* tile is not used */
    fvi_tile from;
    int64_t look;    /* number of the look that found it */
    double pts;
    bool whole;
} known;

typedef struct look {
    fvi_tile part;
    int view;   /* of the plan, or -1 */
    int canvas; /* or -1 */
} look;

struct fvi_flow_watch {
    fvi_gate gate;
    int *labels;
    size_t labels_capacity;
    double budget_ms, refresh_s, look_ms; /* look_ms: of the last ones, 0 = none yet */
    double last_pts;
    int64_t last_index, looks_done;
    double *turn; /* [n_views] when a view was looked at last */
    int n_views, frame_w, frame_h;
    size_t views_capacity;
    look *looks; /* [views_capacity + MOST_EXTRA], and the next three */
    fvi_flow_view *views;
    uint8_t *which;
    fv_detections *found;
    int n_looks;
    fvi_region region[FVI_REGIONS_MAX];
    int n_regions;
    fv_frame canvas[FVI_CANVASES];
    known *known; /* [MOST_BOXES], and the next two */
    int n_known;
    fvi_tiles_box *boxes;
    fvi_tile *seen;
};

fv_status fvi_flow_watch_create(fvi_flow_watch **out, fvi_cpu_flags cpu, double budget_ms, double refresh_s, fv_error *err)
{
    fvi_flow_watch *w = *out = fvi_calloc(1, sizeof *w);
    if (w) {
        fvi_gate_init(&w->gate, cpu);
        w->budget_ms = budget_ms;
        w->refresh_s = refresh_s > 0 ? refresh_s : 2;
        w->last_index = -1;
        w->known = fvi_calloc(MOST_BOXES, sizeof *w->known);
        w->boxes = fvi_calloc(MOST_BOXES, sizeof *w->boxes);
        w->seen = fvi_calloc(MOST_BOXES, sizeof *w->seen);
    }
    if (w && w->known && w->boxes && w->seen) return FV_OK;
    fvi_flow_watch_free(out);
    return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
}

static void free_views(fvi_flow_watch *w)
{
    for (size_t i = 0; w->found && i < w->views_capacity + MOST_EXTRA; i++) fv_detections_clear(&w->found[i]);
    FVI_FREE(w->turn);
    FVI_FREE(w->looks);
    FVI_FREE(w->views);
    FVI_FREE(w->which);
    FVI_FREE(w->found);
    w->views_capacity = 0;
}

void fvi_flow_watch_forget(fvi_flow_watch *w) { w->last_index = INT64_MAX; }

void fvi_flow_watch_free(fvi_flow_watch **pw)
{
    if (!pw || !*pw) return;
    fvi_flow_watch *w = *pw;
    free_views(w);
    fvi_gate_free(&w->gate);
    for (int i = 0; i < FVI_CANVASES; i++) fv_frame_release(&w->canvas[i]);
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

/* ---- another size, another source ---- */

static fv_status settle(fvi_flow_watch *w, const fvi_flow_plan *p, const fv_frame *f, fv_error *err)
{
    size_t n = (size_t)p->n_views;
    bool other = p->n_views != w->n_views || f->width != w->frame_w || f->height != w->frame_h;
    if (n > w->views_capacity) {
        free_views(w);
        w->turn = fvi_calloc(n, sizeof *w->turn);
        w->looks = fvi_calloc(n + MOST_EXTRA, sizeof *w->looks);
        w->views = fvi_calloc(n + MOST_EXTRA, sizeof *w->views);
        w->which = fvi_calloc(n + MOST_EXTRA, sizeof *w->which);
        w->found = fvi_calloc(n + MOST_EXTRA, sizeof *w->found);
        w->views_capacity = w->found ? n : 0;
        if (!w->turn || !w->looks || !w->views || !w->which || !w->found) {
            free_views(w);
            w->n_views = 0;
            return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for %zu tiles", n);
        }
    }
    if (other || f->index <= w->last_index || f->pts < w->last_pts) {
        fvi_gate_forget(&w->gate);
        w->n_known = 0;
        for (int v = 0; v < p->n_views; v++) w->turn[v] = -INFINITY;
        for (int i = 0; i < FVI_CANVASES && other; i++) fv_frame_release(&w->canvas[i]);
    }
    w->n_views = p->n_views;
    w->frame_w = f->width;
    w->frame_h = f->height;
    w->last_index = f->index;
    w->last_pts = f->pts;
    if (fvi_gate_update(&w->gate, f->plane[0], f->stride[0], f->width, f->height) < 0) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for watching");
    size_t cells = 2 * (size_t)w->gate.cols * (size_t)w->gate.rows;
    if (cells > w->labels_capacity) {
        fvi_free(w->labels);
        w->labels = fvi_calloc(cells, sizeof *w->labels);
        w->labels_capacity = w->labels ? cells : 0;
        if (!w->labels) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for watching");
    }
    return FV_OK;
}

/* ---- what is worth a look ---- */

static bool overlaps(const fvi_region *r, const float b[4])
{
    return b[0] < (float)(r->x + r->width) && b[2] > (float)r->x && b[1] < (float)(r->y + r->height) && b[3] > (float)r->y;
}

/* Things whose place has changed are wholly inside a region, with some of what is around them. */
static void find_regions(fvi_flow_watch *w, const fvi_flow_plan *p)
{
    w->n_regions = w->gate.anew ? 0 : fvi_regions_find(&w->gate, w->labels, w->region);
    for (int round = 0; round < 2; round++) { /* joined regions may touch more */
        for (int i = 0; i < w->n_regions; i++) {
            fvi_region *r = &w->region[i], was = *r;
            for (int k = 0; k < w->n_known; k++)
                if (overlaps(&was, w->known[k].b.box)) fvi_region_hold(r, w->known[k].b.box, w->frame_w, w->frame_h);
            if (round == 0) fvi_region_widen(r, w->frame_w, w->frame_h);
        }
        w->n_regions = fvi_regions_join(w->region, w->n_regions, p->tile_w, p->tile_h);
    }
    for (int i = 1; i < w->n_regions; i++) { /* the most urgent first */
        fvi_region r = w->region[i];
        int k = i;
        for (; k > 0 && w->region[k - 1].urgency < r.urgency; k--) w->region[k] = w->region[k - 1];
        w->region[k] = r;
    }
}

static fvi_tile part_of(const fvi_flow_watch *w, int x, int y, int width, int height)
{
    return fvi_tiles_part(x, y, width, height, w->frame_w, w->frame_h);
}

static void add_look(fvi_flow_watch *w, fvi_tile part, int view, int canvas) { w->looks[w->n_looks++] = (look){part, view, canvas}; }

static bool is_whole(const fvi_flow_plan *p, int view) { return p->whole && view == 0; }

/* How many periods have passed since a view was looked at. */
static double overdue(const fvi_flow_watch *w, const fvi_flow_plan *p, int v, double now)
{
    double period = w->refresh_s * (is_whole(p, v) ? WHOLE_PERIOD : 1);
    for (int k = 0; k < w->n_known && !is_whole(p, v); k++) {
        const float *b = w->known[k].b.box;
        float x = 0.5f * (b[0] + b[2]) - (float)p->tiles[v].x, y = 0.5f * (b[1] + b[3]) - (float)p->tiles[v].y;
        if (x < 0 || y < 0 || x >= (float)p->tiles[v].width || y >= (float)p->tiles[v].height) continue;
        period *= BUSY_PERIOD;
        break;
    }
    return (now - w->turn[v]) / period;
}

/* Views whose turn it is, the longest waiting first, up to `most`, when they wait for at least `least` periods. */
static void take_turns(fvi_flow_watch *w, const fvi_flow_plan *p, double now, double least, int most)
{
    for (int taken = 0; taken < most; taken++) {
        int best = -1;
        double longest = least;
        for (int v = 0; v < p->n_views; v++) {
            double due = w->turn[v] == now ? -1 : w->turn[v] == -INFINITY ? 1e9 - v : overdue(w, p, v, now);
            if (due >= longest) best = v, longest = due + 1e-9;
        }
        if (best < 0) return;
        w->turn[best] = now;
        add_look(w, p->tiles[best], best, -1);
    }
}

/* Tiles that have changed. */
static int awake_tiles(const fvi_flow_watch *w, const fvi_flow_plan *p)
{
    int n = 0;
    for (int v = p->whole; v < p->n_views; v++) n += fvi_gate_awake(&w->gate, p->tiles[v].x, p->tiles[v].y, p->tiles[v].width, p->tiles[v].height) > 0;
    return n;
}

/* A region that is alone in its picture is looked at with all that is around it, as a tile would. */
static fvi_tile tile_around(const fvi_flow_watch *w, const fvi_flow_plan *p, const fvi_region *r)
{
    int x = r->x + r->width / 2 - p->tile_w / 2, y = r->y + r->height / 2 - p->tile_h / 2;
    x = x < 0 ? 0 : x > w->frame_w - p->tile_w ? w->frame_w - p->tile_w : x;
    y = y < 0 ? 0 : y > w->frame_h - p->tile_h ? w->frame_h - p->tile_h : y;
    return part_of(w, x & ~1, y & ~1, p->tile_w, p->tile_h);
}

/* Tiles that have changed within a part, up to *most; the rest is counted in *late. */
static void take_tiles(fvi_flow_watch *w, const fvi_flow_plan *p, const fvi_tile *part, double now, int *most, int *late)
{
    for (int v = p->whole; v < p->n_views; v++) {
        const fvi_tile *t = &p->tiles[v];
        int x1 = t->x > part->x ? t->x : part->x, y1 = t->y > part->y ? t->y : part->y;
        int x2 = t->x + t->width < part->x + part->width ? t->x + t->width : part->x + part->width;
        int y2 = t->y + t->height < part->y + part->height ? t->y + t->height : part->y + part->height;
        if (w->turn[v] == now || x2 <= x1 || y2 <= y1 || !fvi_gate_awake(&w->gate, x1, y1, x2 - x1, y2 - y1)) continue;
        if (*most <= 0) {
            ++*late;
            continue;
        }
        --*most;
        w->turn[v] = now;
        add_look(w, *t, v, -1);
    }
}

/* Regions of a canvas; *only: the last of them. */
static int in_canvas(fvi_flow_watch *w, int canvas, fvi_region **only)
{
    int n = 0;
    for (int i = 0; i < w->n_regions; i++) {
        if (w->region[i].canvas != canvas) continue;
        *only = &w->region[i];
        n++;
    }
    return n;
}

/* Changed parts: regions in pictures, or the tiles under them where these are fewer or the region is larger than a tile. `most` looks. Returns how many have to
 * wait. */
static int take_changes(fvi_flow_watch *w, const fvi_flow_plan *p, double now, int most, fv_tile_figures *figures)
{
    const fvi_tile all = part_of(w, 0, 0, w->frame_w, w->frame_h);
    int late = 0, width = p->tile_w & ~1, height = p->tile_h & ~1, canvases = fvi_regions_pack(w->region, w->n_regions, width, height, GAP, FVI_CANVASES);
    bool large = false;
    for (int i = 0; i < w->n_regions; i++) large = large || w->region[i].canvas < 0;
    if (canvases >= awake_tiles(w, p)) {
        take_tiles(w, p, &all, now, &most, &late);
        return late;
    }
    if (canvases > most) canvases = fvi_regions_pack(w->region, w->n_regions, width, height, GAP, most);
    for (int c = 0; c < canvases; c++) {
        fvi_region *only = NULL;
        int n = in_canvas(w, c, &only);
        figures->canvases += n > 1;
        figures->regions += n;
        most--;
        if (n == 1) {
            only->canvas = -2; /* it has a picture of its own */
            add_look(w, tile_around(w, p, only), -1, -1);
        } else {
            add_look(w, (fvi_tile){0, 0, width, height, 0}, -1, c);
        }
    }
    for (int i = 0; i < w->n_regions; i++) {
        const fvi_region *r = &w->region[i];
        const fvi_tile part = part_of(w, r->x, r->y, r->width, r->height);
        if (r->canvas == -1) take_tiles(w, p, &part, now, &most, &late);
    }
    if (large && p->whole && w->turn[0] != now && most > 0) { /* something large moves: the whole shows it best */
        w->turn[0] = now;
        add_look(w, p->tiles[0], 0, -1);
    }
    return late;
}

static int looks_within(const fvi_flow_watch *w, int all)
{
    if (!(w->budget_ms > 0)) return all;
    double n = floor(w->budget_ms * BUDGET_PART / ((w->look_ms > 0 ? w->look_ms : ASSUMED_MS) * SURPLUS));
    return n < 1 ? 1 : n < all ? (int)n : all;
}

static void choose(fvi_flow_watch *w, const fvi_flow_plan *p, double now, fv_tile_figures *figures)
{
    int all = p->n_views + MOST_EXTRA, most = looks_within(w, all);
    w->n_looks = 0;
    if (w->gate.anew) {
        take_turns(w, p, now, -1, most < p->n_views ? most : p->n_views);
        figures->late += p->n_views - w->n_looks;
        return;
    }
    int reserved = most < all ? (most + 3) / 4 : most;
    take_turns(w, p, now, OVERDUE, reserved < p->n_views ? reserved : p->n_views);
    int room = most < all ? most - w->n_looks : MOST_EXTRA;
    figures->late += take_changes(w, p, now, room, figures);
    room = most < all ? most - w->n_looks : p->n_views;
    if (room > 0) take_turns(w, p, now, 1, room < p->n_views ? room : p->n_views);
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
        const known *k = &w->known[i];
        bool again = whole ? k->whole : same_part(&k->from, part) || inside(part, k->b.box);
        if (!again) w->known[n++] = *k;
    }
    w->n_known = n;
}

static void learn(fvi_flow_watch *w, const fv_detection *d, int class_id, float dx, float dy, const fvi_tile *part, bool whole, double pts)
{
    if (w->n_known == MOST_BOXES || class_id < 0) return;
    w->known[w->n_known++] = (known){{{d->box[0] + dx, d->box[1] + dy, d->box[2] + dx, d->box[3] + dy}, d->confidence, class_id, 0}, *part, w->looks_done, pts, whole};
}

/* Boxes of a canvas go to the region that holds their middle, cut to it. */
static void unpack(fvi_flow_watch *w, const fv_detections *found, int canvas, const fvi_flow_plan *p, const fv_frame *f)
{
    for (int i = 0; i < w->n_regions; i++) {
        const fvi_region *r = &w->region[i];
        if (r->canvas != canvas) continue;
        fvi_tile part = part_of(w, r->x, r->y, r->width, r->height);
        w->looks_done++;
        forget(w, &part, false);
        for (int k = 0; k < found->count; k++) {
            fv_detection d = found->items[k];
            if (!fvi_canvas_cut(d.box, r)) continue;
            learn(w, &d, p->class_of ? p->class_of[d.class_id] : d.class_id, (float)(r->x - r->at_x), (float)(r->y - r->at_y), &part, false, f->pts);
        }
        fvi_gate_looked(&w->gate, r->x, r->y, r->width, r->height);
    }
}

static void take_in(fvi_flow_watch *w, const fvi_flow_plan *p, const fv_frame *f, fv_tile_figures *figures)
{
    for (int i = 0; i < w->n_looks; i++) {
        const look *l = &w->looks[i];
        bool whole = l->view >= 0 && is_whole(p, l->view), tiles_net = w->which[i] == FVI_NET_TILES;
        const int *class_of = tiles_net ? p->class_of : NULL;
        if (p->silent && tiles_net) w->found[i].count = 0;
        if (l->canvas >= 0) {
            unpack(w, &w->found[i], l->canvas, p, f);
            for (int r = 0; r < w->n_regions; r++)
                if (w->region[r].canvas == l->canvas)
                    fvi_flow_watch_visit(figures, &(fvi_tile){w->region[r].x, w->region[r].y, w->region[r].width, w->region[r].height, 0}, f->width, f->height);
            continue;
        }
        w->looks_done++;
        forget(w, &l->part, whole);
        for (int k = 0; k < w->found[i].count; k++) {
            const fv_detection *d = &w->found[i].items[k];
            learn(w, d, class_of ? class_of[d->class_id] : d->class_id, (float)l->part.x, (float)l->part.y, &l->part, whole, f->pts);
        }
        if (whole) continue;
        fvi_gate_looked(&w->gate, l->part.x, l->part.y, l->part.width, l->part.height);
        fvi_flow_watch_visit(figures, &l->part, f->width, f->height);
    }
}

/* There was no time to look, and something has changed there for a while: nobody knows whether it is still there. */
static void drop_stale(fvi_flow_watch *w, double now)
{
    int n = 0;
    for (int i = 0; i < w->n_known; i++) {
        const float *b = w->known[i].b.box;
        int x = (int)b[0], y = (int)b[1], width = (int)(b[2] - b[0]) + 1, height = (int)(b[3] - b[1]) + 1;
        int cells = ((width + FVI_CELL - 1) / FVI_CELL) * ((height + FVI_CELL - 1) / FVI_CELL);
        bool stale = now - w->known[i].pts > STALE_S && (w->gate.anew || 3 * fvi_gate_awake(&w->gate, x, y, width, height) > cells);
        if (!stale) w->known[n++] = w->known[i];
    }
    w->n_known = n;
}

/* What is known as the merge wants it: boxes of one look have one tile. */
static int hand_over(fvi_flow_watch *w)
{
    int n = 0;
    for (int i = 0; i < w->n_known; i++) {
        if (i == 0 || w->known[i].look != w->known[i - 1].look) w->seen[n++] = w->known[i].from;
        w->boxes[i] = w->known[i].b;
        w->boxes[i].tile = n - 1;
    }
    return n;
}

void fvi_flow_watch_visit(fv_tile_figures *f, const fvi_tile *part, int frame_w, int frame_h)
{
    int x0 = (int)((int64_t)part->x * FV_TILE_MAP_W / frame_w), x1 = (int)(((int64_t)(part->x + part->width) * FV_TILE_MAP_W - 1) / frame_w);
    int y0 = (int)((int64_t)part->y * FV_TILE_MAP_H / frame_h), y1 = (int)(((int64_t)(part->y + part->height) * FV_TILE_MAP_H - 1) / frame_h);
    for (int y = y0; y <= y1 && y < FV_TILE_MAP_H; y++)
        for (int x = x0; x <= x1 && x < FV_TILE_MAP_W; x++) f->visits[y][x]++;
}

static fv_status look_at_all(fvi_flow_watch *w, const fvi_flow_plan *p, fvi_flow_groups *groups, const fv_frame *f, fv_detect_times *times, fv_error *err)
{
    int64_t t0 = fvi_now_ns();
    for (int i = 0; i < w->n_looks; i++) {
        const look *l = &w->looks[i];
        w->which[i] = l->view >= 0 ? p->which[l->view] : FVI_NET_TILES;
        w->views[i] = (fvi_flow_view){f, {l->part.x, l->part.y, l->part.width, l->part.height}};
        if (l->canvas < 0) continue;
        if (fvi_canvas_fill(&w->canvas[l->canvas], f, w->region, w->n_regions, l->canvas, l->part.width, l->part.height) < 0)
            return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for a picture of regions");
        w->views[i].frame = &w->canvas[l->canvas];
    }
    if (w->n_looks) FVI_TRY(fvi_flow_groups_look(groups, w->views, w->which, w->n_looks, w->found, times, err));
    double each = w->n_looks ? (double)(fvi_now_ns() - t0) * 1e-6 / w->n_looks : 0;
    if (each > 0) w->look_ms = w->look_ms == 0 ? each : w->look_ms + 0.1 * (each - w->look_ms);
    return FV_OK;
}

fv_status fvi_flow_watch_look(fvi_flow_watch *w, const fvi_flow_plan *p, fvi_flow_groups *groups, const fv_frame *f, const fvi_tiles_box **boxes, int *n,
                              const fvi_tile **seen, int *n_seen, fv_detect_times *times, fv_tile_figures *figures, fv_error *err)
{
    double now = f->pts;
    *times = (fv_detect_times){0};
    FVI_TRY(settle(w, p, f, err));
    find_regions(w, p);
    choose(w, p, now, figures);
    FVI_TRY(look_at_all(w, p, groups, f, times, err));
    take_in(w, p, f, figures);
    drop_stale(w, now);
    *n_seen = hand_over(w);
    *boxes = w->boxes;
    *n = w->n_known;
    *seen = w->seen;
    figures->look_ms = w->look_ms;
    figures->looks += w->n_looks;
    figures->tiles += p->n_views;
    figures->skipped += p->n_views > w->n_looks ? p->n_views - w->n_looks : 0;
    return FV_OK;
}
