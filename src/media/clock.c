/* clock.c: time stamps as containers, networks and cameras give them (missing, repeated, backwards, wrapped, starting anew) ->
 * seconds from the first frame, strictly increasing. Called by video_read.c and live.c for every frame. */
#include "media/video.h"
#include <math.h>

#define JUMP_BACK 0.5   /* seconds; smaller steps backwards are jitter */
#define JUMP_AHEAD 10.0 /* only in formats whose stamps may start anew */

double fvi_media_clock_next(fvi_media_clock *c, int64_t stamp)
{
    double t = stamp == AV_NOPTS_VALUE ? NAN : (double)stamp * av_q2d(c->base);
    if (!c->started) {
        c->started = true;
        c->offset = isnan(t) ? 0 : -t;
        return c->last = 0;
    }
    double pts = t + c->offset;
    if (isnan(pts)) {
        pts = c->last + c->step;
    } else if (pts < c->last - JUMP_BACK || (c->jumps && pts > c->last + JUMP_AHEAD)) {
        c->offset += c->last + c->step - pts; /* the stamps start anew: go on from here */
        pts = c->last + c->step;
    } else if (pts <= c->last) {
        pts = c->last + c->step / 2; /* repeated stamp: half a frame leaves room for the next one */
    }
    return c->last = pts;
}

void fvi_media_live_clock_connect(fvi_media_live_clock *c, double step)
{
    c->anchored = false;
    c->step = step;
}

double fvi_media_live_clock_next(fvi_media_live_clock *c, double stamp, double arrival)
{
    if (!c->started) {
        c->started = c->anchored = true;
        c->first = arrival;
        c->stamp0 = stamp;
        return c->pts0 = c->last = 0;
    }
    double wall = arrival - c->first, pts = c->pts0 + (stamp - c->stamp0); /* NAN when either stamp is missing */
    bool usable = c->anchored && !isnan(pts) && fabs(pts - wall) <= c->burst && pts > c->last - JUMP_BACK;
    if (!usable) { /* from here on the stamps are counted from this frame, at the time it came */
        pts = wall;
        c->anchored = true;
    }
    if (pts <= c->last) pts = c->last + (usable ? c->step / 2 : c->step);
    if (!usable) {
        c->stamp0 = stamp;
        c->pts0 = pts;
    }
    return c->last = pts;
}
