/* trails.c: tracked boxes over time -> polylines that fade with age, in memory of a fixed size.
 * Called by painter.c for each frame. */
#include "vision/paint/trails.h"
#include "base/alloc.h"
#include <math.h>
#include <string.h>

enum { SLOTS = 1024, WAYS = 4, DOTS = 64 };

typedef struct trail_dot { float x, y; double pts; } trail_dot;
typedef struct trail {
    int track_id, class_id; /* 0 = free */
    int first, count;       /* ring of dots; the newest moves with the track until it is old enough to stay */
    double last;
    trail_dot dot[DOTS];
} trail;

struct fvi_trails {
    double seconds, now;
    trail slot[SLOTS];
};

fvi_trails *fvi_trails_create(double seconds)
{
    fvi_trails *t = fvi_calloc(1, sizeof *t);
    if (t) t->seconds = seconds;
    return t;
}

void fvi_trails_free(fvi_trails **t)
{
    if (t) FVI_FREE(*t);
}

/* The track's own slot, or the one of its set that was seen longest ago. */
static trail *slot_of(fvi_trails *t, int id)
{
    trail *set = &t->slot[(unsigned)id % (SLOTS / WAYS) * WAYS], *oldest = set;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].track_id == id) return &set[i];
        if (!set[i].track_id || (oldest->track_id && set[i].last < oldest->last)) oldest = &set[i];
    }
    oldest->track_id = id;
    oldest->first = oldest->count = 0;
    return oldest;
}

static void add_dot(trail *r, float x, float y, double pts, double spacing)
{
    if (r->count >= 2) { /* the newest may still move: the one before it is too close in time to keep both */
        const trail_dot *before = &r->dot[(r->first + r->count - 2) % DOTS];
        if (pts - before->pts < spacing) r->count--;
    }
    if (r->count == DOTS) {
        r->first = (r->first + 1) % DOTS;
        r->count--;
    }
    r->dot[(r->first + r->count++) % DOTS] = (trail_dot){x, y, pts};
    r->last = pts;
}

void fvi_trails_update(fvi_trails *t, const fv_detections *dets, double pts)
{
    if (!isfinite(pts)) return;
    if (pts < t->now)
        for (int i = 0; i < SLOTS; i++) t->slot[i].track_id = 0;
    t->now = pts;
    for (int i = 0; dets && i < dets->count; i++) {
        const fv_detection *d = &dets->items[i];
        float x = 0.5f * (d->box[0] + d->box[2]), y = d->box[3];
        if (d->track_id < 1 || !(fabsf(x) < 1e6f) || !(fabsf(y) < 1e6f)) continue;
        trail *r = slot_of(t, d->track_id);
        r->class_id = d->class_id;
        add_dot(r, x, y, pts, t->seconds / (DOTS - 4));
    }
}

void fvi_trails_each(const fvi_trails *t, fvi_trail_fn fn, void *arg)
{
    fvi_dot dots[DOTS];
    for (int i = 0; i < SLOTS; i++) {
        const trail *r = &t->slot[i];
        if (!r->track_id || t->now - r->last > t->seconds) continue;
        int n = 0;
        for (int k = 0; k < r->count; k++) {
            const trail_dot *d = &r->dot[(r->first + k) % DOTS];
            double age = (t->now - d->pts) / t->seconds;
            if (age <= 1.0) dots[n++] = (fvi_dot){d->x, d->y, (float)(1.0 - age)};
        }
        if (n >= 2) fn(arg, r->track_id, r->class_id, dots, n);
    }
}
