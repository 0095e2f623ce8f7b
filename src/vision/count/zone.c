/* zone.c: one track, one zone, one frame -> entering, leaving, dwelling. The state machine of docs/COUNTING.md, "Zones". */
#include "vision/count/counter.h"
#include <math.h>

#define SETTLE_S 0.5 /* a point that stays this long on the other side has changed sides, however near the edge it is */

static fv_status event(fv_counter *c, fv_event_type type, int zone, const fvi_track_memory *t, double seconds)
{
    fvi_point p = fvi_anchor_point(t->last.box, c->zones[zone].anchor);
    return fvi_count_event(c, &(fv_event){.type = type, .index = zone, .track_id = t->id, .class_id = t->zones[zone].class_id,
                                          .point = {(float)p.x, (float)p.y}, .seconds = seconds});
}

static fv_status enter(fv_counter *c, int zone, fvi_track_memory *t, double since)
{
    fvi_zone_state *s = &t->zones[zone];
    fvi_zone_sums *sums = &c->zone_sums[zone];
    int class_id = fvi_track_class(t);
    s->inside = true;
    s->turned = false;
    s->entered = since;
    s->class_id = class_id;
    s->counted = fvi_shape_wants(&c->zones[zone], class_id);
    if (!s->counted) return FV_OK;
    sums->entered++;
    if (++sums->occupancy > sums->max) sums->max = sums->occupancy;
    return event(c, FV_EVENT_ENTER, zone, t, 0);
}

static fv_status leave(fv_counter *c, int zone, fvi_track_memory *t, double since)
{
    fvi_zone_state *s = &t->zones[zone];
    fvi_zone_sums *sums = &c->zone_sums[zone];
    double seconds = since - s->entered;
    if (!(seconds > 0)) seconds = 0;
    s->inside = false;
    s->turned = false;
    if (!s->counted) return FV_OK;
    s->counted = false;
    sums->left++;
    sums->occupancy--;
    fvi_hist_add(&sums->dwell, seconds);
    fv_status st = event(c, FV_EVENT_LEAVE, zone, t, seconds);
    return st < 0 ? st : event(c, FV_EVENT_DWELL, zone, t, seconds);
}

fv_status fvi_zone_step(fv_counter *c, int zone, fvi_track_memory *t, const fv_detection *now)
{
    const fvi_shape *z = &c->zones[zone];
    fvi_zone_state *s = &t->zones[zone];
    fvi_point p = fvi_pull_inside(fvi_anchor_point(now->box, z->anchor), c->width, c->height);
    if (fvi_inside_polygon(z->at, z->n, p) == s->inside) {
        s->turned = false;
        return FV_OK;
    }
    if (!s->turned) {
        s->turned = true;
        s->since = c->pts;
    }
    if (t->seen < c->confirm) return FV_OK;
    bool settled = c->pts - s->since >= SETTLE_S;
    if (!settled && !(fvi_distance_to_outline(z->at, z->n, p, c->width, c->height) > t->dead_zone)) return FV_OK;
    return s->inside ? leave(c, zone, t, s->since) : enter(c, zone, t, s->since);
}

fv_status fvi_zone_leave_all(fv_counter *c, fvi_track_memory *t)
{
    if (t->gone_on_as) return FV_OK; /* another track stays for it */
    for (int z = 0; z < c->n_zones; z++) {
        const fvi_zone_state *s = &t->zones[z];
        if (!s->inside) continue;
        fv_status st = leave(c, z, t, s->turned ? s->since : t->last_pts);
        if (st < 0) return st;
    }
    return FV_OK;
}
