/* line.c: one track, one line, one frame -> crossings. The state machine of docs/COUNTING.md, "Lines".
 *
 * Two things are kept apart: on which side the object clearly is (outside the dead zone), and how often its path went
 * through the segment since it clearly was on a side. Only both together make a count. */
#include "base/alloc.h"
#include "vision/count/counter.h"
#include <math.h>
#include <string.h>

/* Does the way p -> q pass the line's carrier, and inside the segment? +1 towards s > 0, -1 towards s < 0, 0 = no.
 * A point on the line belongs to s > 0, so that a path through it passes once and not twice or never. */
static int passes(fvi_point a, fvi_point b, fvi_point p, fvi_point q, fvi_point *at)
{
    double sp = fvi_side(a, b, p), sq = fvi_side(a, b, q);
    if ((sp < 0) == (sq < 0)) return 0;
    double k = sp / (sp - sq);
    *at = (fvi_point){p.x + k * (q.x - p.x), p.y + k * (q.y - p.y)};
    double dx = b.x - a.x, dy = b.y - a.y, u = (at->x - a.x) * dx + (at->y - a.y) * dy;
    if (u < 0 || u > dx * dx + dy * dy) return 0;
    return sp < 0 ? 1 : -1;
}

static fvi_class_sums *class_sums(fv_counter *c, int line, int class_id)
{
    size_t at = 0;
    while (at < c->n_by_class && (c->by_class[at].line < line || (c->by_class[at].line == line && c->by_class[at].class_id < class_id))) at++;
    if (at < c->n_by_class && c->by_class[at].line == line && c->by_class[at].class_id == class_id) return &c->by_class[at];
    if (!fvi_grow((void **)&c->by_class, c->n_by_class, &c->cap_by_class, sizeof *c->by_class)) return NULL;
    memmove(c->by_class + at + 1, c->by_class + at, sizeof *c->by_class * (c->n_by_class - at));
    c->n_by_class++;
    c->by_class[at] = (fvi_class_sums){line, class_id, {0, 0}};
    return &c->by_class[at];
}

static fv_status count(fv_counter *c, int line, const fvi_track_memory *t, const fvi_line_state *s)
{
    int class_id = fvi_track_class(t), inward = s->side > 0;
    if (!fvi_shape_wants(&c->lines[line], class_id)) return fvi_count_note(c, line, t, "crossed, but things of its class are not counted here", 0);
    fvi_class_sums *sums = class_sums(c, line, class_id);
    if (!sums) return FV_ERR_MEMORY;
    fv_status st = fvi_count_event(c, &(fv_event){.type = FV_EVENT_CROSS, .index = line, .inward = inward, .track_id = t->id,
                                                  .class_id = class_id, .point = {s->cross[0], s->cross[1]}});
    if (st < 0) return st;
    *(inward ? &c->line_sums[line].in : &c->line_sums[line].out) += 1;
    *(inward ? &sums->totals.in : &sums->totals.out) += 1;
    return FV_OK;
}

/* Not counted although it was at the line: why. */
static fv_status explain(fv_counter *c, int line, const fvi_track_memory *t, const fvi_line_state *s, bool changed)
{
    if (!s->side) return s->near || s->net ? fvi_count_note(c, line, t, "was first seen on the line: nobody knows where it came from", 0) : FV_OK;
    if (changed) return fvi_count_note(c, line, t, "passed beyond the end of the line", 0);
    return s->near || s->net ? fvi_count_note(c, line, t, "came back to the side it was on", 0) : FV_OK;
}

fv_status fvi_line_step(fv_counter *c, int line, fvi_track_memory *t, const fv_detection *before, const fv_detection *now)
{
    const fvi_shape *l = &c->lines[line];
    fvi_line_state *s = &t->lines[line];
    fvi_point a = l->at[0], b = l->at[1], p = fvi_anchor_point(now->box, l->anchor), at;
    if (before) {
        int pass = passes(a, b, fvi_anchor_point(before->box, l->anchor), p, &at);
        if (pass) {
            s->cross[0] = (float)at.x;
            s->cross[1] = (float)at.y;
            if (s->net + pass <= 100 && s->net + pass >= -100) s->net = (signed char)(s->net + pass);
        }
    }
    double distance = fvi_side(a, b, p) / fvi_length(a, b), dead_zone = t->dead_zone;
    /* an anchor that the border of the frame holds does not tremble, and goes no further */
    if (fvi_on_border(p, c->width, c->height)) dead_zone = fmin(dead_zone, 1);
    if (!(fabs(distance) > dead_zone)) {
        s->near |= fvi_distance_to_segment(a, b, p) <= dead_zone;
        return FV_OK;
    }
    signed char side = distance > 0 ? 1 : -1;
    bool changed = s->side && side != s->side;
    if (changed && t->seen < c->confirm) return FV_OK; /* decided when it is confirmed, if it still holds then */
    bool through = side > 0 ? s->net > 0 : s->net < 0, counts = changed && through;
    fv_status st = counts ? FV_OK : explain(c, line, t, s, changed);
    s->side = side;
    s->net = 0;
    s->near = false;
    return st < 0 || !counts ? st : count(c, line, t, s);
}
