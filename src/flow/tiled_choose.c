/* tiled_choose.c: which parts of a frame are worth a look: parts that changed (regions, several in one picture), tiles whose turn it is (every tile comes round),
 * and the whole frame once in a while. With a budget the most urgent come first, and what does not fit stays urgent. Called by tiled_look.c. */
#include "flow/tiled_watch_inside.h"
#include "flow/tiled_canvas.h"
#include <math.h>

#define WHOLE_PERIOD 0.5  /* of the refresh period: large things move, too */
#define BUSY_PERIOD 0.5   /* the same for tiles with something in them */
#define LOST_PERIOD_S 0.2 /* the same for tiles in which a tracker expects something that it lost */
#define OVERDUE 2         /* periods from which a turn comes before changes */
#define DOUBT_FRAMES 2    /* a part that is known with doubt 1 is as urgent as one that waited for so many frames more */
#define MOST_DOUBT 4.0

static bool overlaps(const fvi_region *r, const float b[4])
{
    return b[0] < (float)(r->x + r->width) && b[2] > (float)r->x && b[1] < (float)(r->y + r->height) && b[3] > (float)r->y;
}

static double cells_of(const float b[4]) { return fmax(1, (double)(b[2] - b[0]) * (double)(b[3] - b[1]) / (FVI_CELL * FVI_CELL)); }

/* A region is as urgent as its cells have waited, and more where something is known that nobody is sure of: found weakly or long ago, or lost by the tracker. */
static void add_doubt(const fvi_flow_watch *w, fvi_region *r, double now)
{
    for (int k = 0; k < w->n_known; k++) {
        const fvi_watch_known *n = &w->known[k];
        if (!overlaps(r, n->b.box)) continue;
        double old = fmin(fmax((now - n->pts) / FVI_STALE_S, 0), MOST_DOUBT), weak = 1 - (double)n->b.score;
        r->urgency += DOUBT_FRAMES * (old + weak) * cells_of(n->b.box);
    }
    for (int k = 0; k < w->n_lost; k++)
        if (overlaps(r, w->lost[k].box)) r->urgency += DOUBT_FRAMES * (1 + fmin((double)w->lost[k].doubt, MOST_DOUBT)) * cells_of(w->lost[k].box);
}

/* Unless that would make it larger than a tile: what is known there is seen better by the whole, or is nothing at all. */
static void hold(fvi_region *r, const float box[4], const fvi_flow_watch *w, const fvi_flow_plan *p)
{
    fvi_region larger = *r;
    fvi_region_hold(&larger, box, w->frame_w, w->frame_h);
    if (larger.width <= p->tile_w && larger.height <= p->tile_h) *r = larger;
}

/* Things whose place has changed are wholly inside a region, with some of what is around them. */
void fvi_flow_watch_find(fvi_flow_watch *w, const fvi_flow_plan *p, double now)
{
    w->n_regions = w->gate.anew ? 0 : fvi_regions_find(&w->gate, w->labels, w->region);
    for (int round = 0; round < 2; round++) { /* joined regions may touch more */
        for (int i = 0; i < w->n_regions; i++) {
            fvi_region *r = &w->region[i], was = *r;
            for (int k = 0; k < w->n_known; k++)
                if (overlaps(&was, w->known[k].b.box)) hold(r, w->known[k].b.box, w, p);
            if (round == 0) fvi_region_widen(r, w->frame_w, w->frame_h);
        }
        w->n_regions = fvi_regions_join(w->region, w->n_regions, p->tile_w, p->tile_h);
    }
    for (int i = 0; i < w->n_regions; i++) add_doubt(w, &w->region[i], now);
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

static void add_look(fvi_flow_watch *w, fvi_tile part, int view) { w->looks[w->n_looks++] = (fvi_watch_look){part, view, 0}; }

static bool is_whole(const fvi_flow_plan *p, int view) { return p->whole && view == 0; }

static bool has_middle(const fvi_tile *t, const float b[4])
{
    float x = 0.5f * (b[0] + b[2]) - (float)t->x, y = 0.5f * (b[1] + b[3]) - (float)t->y;
    return x >= 0 && y >= 0 && x < (float)t->width && y < (float)t->height;
}

/* How many periods have passed since a view was looked at. */
static double overdue(const fvi_flow_watch *w, const fvi_flow_plan *p, int v, double now)
{
    double period = w->refresh_s * (is_whole(p, v) ? WHOLE_PERIOD : 1);
    bool busy = false;
    for (int k = 0; k < w->n_known && !is_whole(p, v) && !busy; k++) busy = has_middle(&p->tiles[v], w->known[k].b.box);
    if (busy) period *= BUSY_PERIOD;
    for (int k = 0; k < w->n_lost && !is_whole(p, v); k++)
        if (has_middle(&p->tiles[v], w->lost[k].box)) return (now - w->turn[v]) / fmin(period, LOST_PERIOD_S);
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
        add_look(w, p->tiles[best], best);
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

/* Is there something awake in what the tile sees of the part? */
static bool changed_in(const fvi_flow_watch *w, const fvi_tile *t, const fvi_tile *part)
{
    int x1 = t->x > part->x ? t->x : part->x, y1 = t->y > part->y ? t->y : part->y;
    int x2 = t->x + t->width < part->x + part->width ? t->x + t->width : part->x + part->width;
    int y2 = t->y + t->height < part->y + part->height ? t->y + t->height : part->y + part->height;
    return x2 > x1 && y2 > y1 && fvi_gate_awake(&w->gate, x1, y1, x2 - x1, y2 - y1) > 0;
}

/* Of all regions, as much as the tile sees of each. */
static double urgency_of(const fvi_flow_watch *w, const fvi_tile *t)
{
    double sum = 0;
    for (int i = 0; i < w->n_regions; i++) {
        const fvi_region *r = &w->region[i];
        double width = fmin(t->x + t->width, r->x + r->width) - fmax(t->x, r->x), height = fmin(t->y + t->height, r->y + r->height) - fmax(t->y, r->y);
        if (width > 0 && height > 0) sum += r->urgency * width * height / ((double)r->width * r->height);
    }
    return sum;
}

/* Tiles that have changed within a part, the most urgent first, up to *most; the rest is counted in *late. */
static void take_tiles(fvi_flow_watch *w, const fvi_flow_plan *p, const fvi_tile *part, double now, int *most, int *late)
{
    int n = 0;
    for (int v = p->whole; v < p->n_views; v++) {
        bool wanted = w->turn[v] != now && changed_in(w, &p->tiles[v], part);
        w->rank[v] = wanted ? urgency_of(w, &p->tiles[v]) : -1;
        n += wanted;
    }
    for (; n > 0 && *most > 0; n--) {
        int best = -1;
        for (int v = p->whole; v < p->n_views; v++)
            if (w->rank[v] >= 0 && (best < 0 || w->rank[v] > w->rank[best])) best = v;
        w->rank[best] = -1;
        w->turn[best] = now;
        --*most;
        add_look(w, p->tiles[best], best);
    }
    *late += n;
}

void fvi_flow_watch_choose_due(fvi_flow_watch *w, const fvi_flow_plan *p, double now, int most, int *room, fv_tile_figures *figures)
{
    w->n_looks = 0;
    /* Tiles would come round too late for what moves: the whole as well, in turn with a tile where there is time for one look only. */
    if (p->whole && w->everywhere && 2 * *room < p->n_views && *room > 0) {
        w->whole_last = *room > 1 || !w->whole_last;
        if (w->whole_last) {
            w->turn[0] = now;
            add_look(w, p->tiles[0], 0);
        }
    }
    *room -= w->n_looks;
    const int before = w->n_looks;
    most = w->gate.anew ? *room : most < *room ? most : *room;
    if (most > 0) take_turns(w, p, now, w->gate.anew ? -1 : OVERDUE, most < p->n_views ? most : p->n_views);
    if (w->gate.anew) figures->late += p->n_views - w->n_looks;
    *room -= w->n_looks - before;
}

void fvi_flow_watch_choose_regions(fvi_flow_watch *w, const fvi_flow_plan *p, double now, bool alone, int *room, fv_tile_figures *figures)
{
    const fvi_tile all = part_of(w, 0, 0, w->frame_w, w->frame_h);
    int late = 0, canvases = fvi_regions_pack(w->region, w->n_regions, p->tile_w & ~1, p->tile_h & ~1, FVI_CANVAS_GAP, FVI_CANVASES);
    if (w->gate.anew || w->n_regions == 0) return;
    if (canvases >= awake_tiles(w, p) + !alone) { /* a canvas may be shared with other films */
        take_tiles(w, p, &all, now, room, &late);
        figures->late += late;
        w->n_regions = 0;
        return;
    }
    for (int i = 0; i < w->n_regions; i++)
        if (w->region[i].canvas >= 0) w->region[i].canvas = FVI_REGION_WAITS;
}

void fvi_flow_watch_choose_alone(fvi_flow_watch *w, const fvi_flow_plan *p, fvi_region *r)
{
    r->canvas = FVI_REGION_ALONE;
    add_look(w, tile_around(w, p, r), -1);
}

void fvi_flow_watch_choose_rest(fvi_flow_watch *w, const fvi_flow_plan *p, double now, int *room, fv_tile_figures *figures)
{
    int late = 0;
    bool large = false;
    if (w->gate.anew) return;
    for (int i = 0; i < w->n_regions; i++) {
        const fvi_region *r = &w->region[i];
        const fvi_tile part = part_of(w, r->x, r->y, r->width, r->height);
        if (r->canvas != FVI_REGION_NOWHERE) continue;
        large = large || r->width > p->tile_w || r->height > p->tile_h;
        take_tiles(w, p, &part, now, room, &late);
    }
    figures->late += late;
    if (large && p->whole && w->turn[0] != now && *room > 0) { /* something large moves: the whole shows it best */
        w->turn[0] = now;
        --*room;
        add_look(w, p->tiles[0], 0);
    }
    const int most = *room < p->n_views ? *room : p->n_views, before = w->n_looks;
    if (most > 0) take_turns(w, p, now, 1, most);
    *room -= w->n_looks - before;
}
