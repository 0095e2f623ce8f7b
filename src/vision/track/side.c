/* side.c: the clock of a tracker, sets of boxes for an association, and the reported detections in order. Called by bytetrack.c and ocsort.c. */
#include "vision/track/side.h"
#include "base/alloc.h"
#include <math.h>
#include <string.h>

#define FARTHEST 1e7f /* pixels: beyond it single precision says nothing about overlap */
#define MAX_BOXES 8192 /* a frame; detectors give the most confident first */

/* Finite, with an area, and confident enough to be compared. */
static bool usable(const fv_detection *d)
{
    for (int i = 0; i < 4; i++)
        if (!(fabsf(d->box[i]) < FARTHEST)) return false; /* also NaN */
    return d->box[2] > d->box[0] && d->box[3] > d->box[1] && d->confidence <= 1;
}

void fvi_track_clock_reset(fvi_track_clock *c) { *c = (fvi_track_clock){.step = FVI_TRACK_UNIT_S}; }

double fvi_track_clock_advance(fvi_track_clock *c, double pts)
{
    double dt = c->frames ? pts - c->pts : 0;
    if (dt > 0)
        c->step = dt;
    else
        dt = c->step;
    c->pts = pts;
    c->frames++;
    return dt;
}

void fvi_side_free(fvi_side *s)
{
    fvi_free(s->index);
    fvi_free(s->box);
    fvi_free(s->score);
    *s = (fvi_side){0};
}

fv_status fvi_side_reserve(fvi_side *s, size_t n)
{
    if (n <= s->cap && s->cap) return FV_OK;
    size_t cap = 2 * n + 16;
    fvi_side_free(s);
    s->index = fvi_calloc(cap, sizeof *s->index);
    s->box = fvi_calloc(cap, sizeof *s->box);
    s->score = fvi_calloc(cap, sizeof *s->score);
    if (!s->index || !s->box || !s->score) return FV_ERR_MEMORY;
    s->cap = cap;
    return FV_OK;
}

void fvi_side_add(fvi_side *s, int index, const float box[4], float score)
{
    s->index[s->n] = index;
    memcpy(s->box[s->n], box, sizeof *s->box);
    s->score[s->n++] = score;
}

void fvi_side_split(fvi_side *high, fvi_side *low, const fv_detections *dets, const fv_track_options *o)
{
    high->n = low->n = 0;
    int n = dets->count < MAX_BOXES ? dets->count : MAX_BOXES;
    for (int i = 0; i < n; i++) {
        const fv_detection *d = &dets->items[i];
        if (!usable(d)) continue;
        if (d->confidence >= o->track_high)
            fvi_side_add(high, i, d->box, d->confidence);
        else if (o->track_low > 0 && d->confidence > o->track_low)
            fvi_side_add(low, i, d->box, d->confidence);
    }
}

void fvi_side_pack(fvi_side *s)
{
    int left = 0;
    for (int i = 0; i < s->n; i++) {
        if (s->index[i] < 0) continue;
        s->index[left] = s->index[i];
        memmove(s->box[left], s->box[i], sizeof *s->box);
        s->score[left++] = s->score[i];
    }
    s->n = left;
}

fvi_boxes fvi_side_boxes(const fvi_side *s, bool scored) { return (fvi_boxes){(const float(*)[4])s->box, scored ? s->score : NULL, s->n}; }

void fvi_track_report(fv_detections *dets, int *n, const fv_detection *d)
{
    int at = (*n)++;
    for (; at > 0 && dets->items[at - 1].track_id > d->track_id; at--) dets->items[at] = dets->items[at - 1];
    dets->items[at] = *d;
}
