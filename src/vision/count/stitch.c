/* stitch.c: an identity that breaks: a track that begins where another one was lost a moment ago is the same object, and goes
 * on with its sides and stays. docs/COUNTING.md, "Identities that break". Called by count.c for tracks seen for the first time. */
#include "vision/count/counter.h"
#include <math.h>
#include <string.h>

#define REACH 0.5  /* heights between where it was lost, or would be by now, and where the other one begins */
#define ALIKE 1.5  /* times as tall at most */
#define BORDER 2.0 /* pixels: who is cut off by the border of the frame may have left, or come */
#define SMOOTH 0.4

static double height(const fv_detection *d) { return (double)d->box[3] - d->box[1]; }

static bool at_border(const fv_counter *c, const fv_detection *d)
{
    return d->box[0] <= BORDER || d->box[1] <= BORDER || d->box[2] >= c->width - BORDER || d->box[3] >= c->height - BORDER;
}

void fvi_track_speed(fvi_track_memory *t, const fv_detection *before, const fv_detection *now, double seconds)
{
    fvi_point a = fvi_anchor_point(before->box, FV_ANCHOR_BOTTOM), b = fvi_anchor_point(now->box, FV_ANCHOR_BOTTOM);
    if (!(seconds > 1e-4)) return;
    double part = t->seen > 1 ? SMOOTH : 1;
    t->vx += part * ((b.x - a.x) / seconds - t->vx);
    t->vy += part * ((b.y - a.y) / seconds - t->vy);
}

/* Tracks that may go on: seen often enough, lost for less than stitch_s, not in this frame. Once a frame, when one begins. */
static void find_lost(fv_counter *c)
{
    if (c->lost_at == c->serial) return;
    c->lost_at = c->serial;
    c->n_lost = 0;
    for (size_t i = 0; i < c->n_order && c->n_lost < FVI_MAX_LOST; i++) {
        fvi_track_memory *t = c->slots[c->order[i]];
        if (t->here == c->serial || t->last_frame == c->serial || t->gone_on_as || t->seen < c->confirm || c->pts - t->last_pts > c->stitch_s) continue;
        if (!at_border(c, &t->last)) c->lost[c->n_lost++] = t;
    }
}

/* Heights between the detection and the way from where `t` was lost to where it would be now; INFINITY: cannot be it. */
static double apart(const fv_counter *c, const fvi_track_memory *t, const fv_detection *now)
{
    double h = fmax(height(now), height(&t->last)), gap = c->pts - t->last_pts;
    if (!(height(now) > 0) || h > ALIKE * fmin(height(now), height(&t->last)) || fvi_track_class(t) != now->class_id) return INFINITY;
    fvi_point a = fvi_anchor_point(t->last.box, FV_ANCHOR_BOTTOM), b = {a.x + t->vx * gap, a.y + t->vy * gap};
    return fvi_distance_to_segment(a, b, fvi_anchor_point(now->box, FV_ANCHOR_BOTTOM)) / h;
}

static void copy_states(const fv_counter *c, fvi_track_memory *to, const fvi_track_memory *from)
{
    memcpy(to->lines, from->lines, sizeof *to->lines * (size_t)c->n_lines);
    memcpy(to->zones, from->zones, sizeof *to->zones * (size_t)c->n_zones);
}

static void clear_states(const fv_counter *c, fvi_track_memory *t)
{
    memset(t->lines, 0, sizeof *t->lines * (size_t)c->n_lines);
    memset(t->zones, 0, sizeof *t->zones * (size_t)c->n_zones);
}

bool fvi_stitch(fv_counter *c, fvi_track_memory *t, const fv_detection *now)
{
    if (!(c->stitch_s > 0) || at_border(c, now)) return false;
    find_lost(c);
    fvi_track_memory *best = NULL;
    double least = REACH;
    for (int i = 0; i < c->n_lost; i++) {
        if (c->lost[i]->gone_on_as) continue; /* meanwhile */
        double d = apart(c, c->lost[i], now);
        if (d > least) continue;
        least = d;
        best = c->lost[i];
    }
    if (!best) return false;
    copy_states(c, t, best); /* which keeps its own until the new one has proved itself */
    memcpy(t->vote, best->vote, sizeof t->vote);
    t->last = best->last;
    t->last_pts = best->last_pts;
    t->vx = best->vx;
    t->vy = best->vy;
    t->was = best->id;
    best->gone_on_as = t->id;
    return true;
}

void fvi_stitch_return(fv_counter *c, fvi_track_memory *t)
{
    fvi_track_memory *other = fvi_track_find(c, t->gone_on_as);
    t->gone_on_as = 0;
    if (other && other->was == t->id && other->seen < c->confirm) { /* it was somebody else, seen by chance: what it did stays here */
        clear_states(c, other);
        other->was = 0;
        other->seen = 0;
        return;
    }
    clear_states(c, t);
    t->seen = 0;
    t->vx = t->vy = 0;
    memset(t->vote, 0, sizeof t->vote);
}
