/* bytetrack.c: detections of one frame after the other -> tracks: ByteTrack (Zhang et al., ECCV 2022). Frame road, step
 * "track"; called through track.c.
 *
 * Time is what the stamps say, not a count of frames: noises, velocities and the buffer are in seconds, with 1/30 s as
 * the unit in which ByteTrack's constants hold. A frame that comes late or was dropped just is a longer step. */
#include "base/alloc.h"
#include "vision/track/kalman.h"
#include "vision/track/side.h"
#include <math.h>
#include <string.h>

#define SECOND_LIMIT 0.5 /* cost of the second association and of unconfirmed tracks, as published */
#define NEW_LIMIT 0.7
#define DUPLICATE_IOU 0.85f

typedef enum state { NEW, TRACKED, LOST, GONE } state;
typedef struct track {
    state state;
    int id; /* 0 until confirmed */
    int class_id;
    int extra; /* of its last detection */
    float confidence;
    double first_pts, last_pts; /* of its detections */
    double lost_pts;            /* of the first frame without it */
    int64_t seen;               /* frame of its last detection */
    fvi_kalman filter;
} track;

typedef struct bytetrack {
    fv_track_options o;
    track *tracks;
    size_t n_tracks, cap_tracks;
    fvi_side rows, high, low;
    fvi_associate pairs;
    fvi_track_clock clock;
    int total;
} bytetrack;

/* Room for every detection to become a track, so that nothing fails half-way through a frame. */
static fv_status reserve(bytetrack *t, size_t dets)
{
    size_t tracks = t->n_tracks + dets;
    if (tracks > t->cap_tracks) {
        size_t n = 2 * tracks;
        track *p = fvi_realloc_array(t->tracks, t->n_tracks, n, sizeof *p);
        if (!p) return FV_ERR_MEMORY;
        t->tracks = p;
        t->cap_tracks = n;
    }
    if (fvi_side_reserve(&t->rows, t->cap_tracks) < 0) return FV_ERR_MEMORY;
    if (fvi_side_reserve(&t->high, dets) < 0 || fvi_side_reserve(&t->low, dets) < 0) return FV_ERR_MEMORY;
    return FV_OK;
}

/* Lost tracks whose time is over go; the others move to where they should be now. */
static void predict(bytetrack *t, double dt)
{
    double units = (dt < t->o.buffer_s ? dt : t->o.buffer_s) / FVI_TRACK_UNIT_S;
    for (size_t i = 0; i < t->n_tracks; i++) {
        track *k = &t->tracks[i];
        if (k->state == LOST && t->clock.pts - k->lost_pts > t->o.buffer_s + 1e-9) k->state = GONE;
        if (k->state == GONE || k->state == NEW) continue; /* who was seen once has no velocity yet: it stays where it was */
        if (k->state == LOST) k->filter.v[3] = 0; /* an object out of sight keeps its size */
        fvi_kalman_predict(&k->filter, units);
    }
}

static void rows_in(bytetrack *t, state a, state b)
{
    t->rows.n = 0;
    for (size_t i = 0; i < t->n_tracks; i++) {
        const track *k = &t->tracks[i];
        float box[4];
        if (k->state != a && k->state != b) continue;
        fvi_kalman_box(&k->filter, box);
        fvi_side_add(&t->rows, (int)i, box, 1);
    }
}

/* Tracked until the last frame, without a detection in this one. */
static void rows_unseen(bytetrack *t)
{
    int n = 0;
    for (int r = 0; r < t->rows.n; r++) {
        const track *k = &t->tracks[t->rows.index[r]];
        if (k->state != TRACKED || k->seen == t->clock.frames) continue;
        t->rows.index[n] = t->rows.index[r];
        memmove(t->rows.box[n++], t->rows.box[r], sizeof *t->rows.box);
    }
    t->rows.n = n;
}

static void confirm(bytetrack *t, track *k)
{
    k->state = TRACKED;
    if (!k->id) k->id = ++t->total;
}

static void take(bytetrack *t, track *k, fv_detection *d)
{
    fvi_kalman_update(&k->filter, d->box);
    k->class_id = d->class_id;
    k->extra = d->extra;
    k->confidence = d->confidence;
    k->last_pts = t->clock.pts;
    k->seen = t->clock.frames;
    confirm(t, k);
}

/* Pairs t->rows with cols; detections that found a track leave cols. */
static fv_status associate(bytetrack *t, fvi_side *cols, fv_detections *dets, bool fused, double limit)
{
    fv_status st = fvi_associate_run(&t->pairs, fvi_side_boxes(&t->rows, false), fvi_side_boxes(cols, fused), &(fvi_pair_rule){.limit = limit});
    if (st < 0) return st;
    for (int r = 0; r < t->rows.n; r++) {
        int c = t->pairs.row_col[r];
        if (c < 0) continue;
        take(t, &t->tracks[t->rows.index[r]], &dets->items[cols->index[c]]);
        cols->index[c] = -1;
    }
    fvi_side_pack(cols);
    return FV_OK;
}

/* Tracks of this state that had no detection in this frame go over to another. */
static void unseen_become(bytetrack *t, state from, state to)
{
    for (size_t i = 0; i < t->n_tracks; i++) {
        track *k = &t->tracks[i];
        if (k->state != from || k->seen == t->clock.frames) continue;
        k->state = to;
        k->lost_pts = t->clock.pts;
    }
}

static void start_tracks(bytetrack *t, const fv_detections *dets)
{
    for (int c = 0; c < t->high.n; c++) {
        const fv_detection *d = &dets->items[t->high.index[c]];
        if (d->confidence < t->o.new_track) continue;
        track *k = &t->tracks[t->n_tracks++];
        *k = (track){.state = NEW, .class_id = d->class_id, .extra = d->extra, .confidence = d->confidence, .first_pts = t->clock.pts, .last_pts = t->clock.pts, .seen = t->clock.frames};
        fvi_kalman_start(&k->filter, d->box);
        if (t->clock.frames == 1) confirm(t, k); /* what is there at the beginning needs no proof */
    }
}

/* A lost and a present track on the same spot are one object: the one with the longer history stays. */
static void drop_duplicates(bytetrack *t)
{
    for (size_t i = 0; i < t->n_tracks; i++) {
        track *lost = &t->tracks[i];
        float a[4], b[4];
        if (lost->state != LOST) continue;
        fvi_kalman_box(&lost->filter, a);
        for (int r = 0; r < t->rows.n && lost->state == LOST; r++) {
            track *here = &t->tracks[t->rows.index[r]];
            if (here->state == GONE || t->rows.box[r][0] >= a[2] || t->rows.box[r][2] <= a[0]) continue;
            memcpy(b, t->rows.box[r], sizeof b);
            if (fvi_track_iou(a, b) <= DUPLICATE_IOU) continue;
            bool here_is_older = here->last_pts - here->first_pts > lost->last_pts - lost->first_pts;
            *(here_is_older ? &lost->state : &here->state) = GONE;
        }
    }
}

static void forget_gone(bytetrack *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_tracks; i++)
        if (t->tracks[i].state != GONE) t->tracks[n++] = t->tracks[i];
    t->n_tracks = n;
}

static void report(const bytetrack *t, fv_detections *dets)
{
    int n = 0;
    for (size_t i = 0; i < t->n_tracks; i++) {
        const track *k = &t->tracks[i];
        if (k->state != TRACKED || k->seen != t->clock.frames) continue;
        fv_detection d = {.confidence = k->confidence, .class_id = k->class_id, .track_id = k->id, .extra = k->extra};
        fvi_kalman_box(&k->filter, d.box);
        fvi_track_report(dets, &n, &d);
    }
    dets->count = n;
}

static fv_status update(void *self, fv_detections *dets, double pts)
{
    bytetrack *t = self;
    if (t->clock.frames && pts < t->clock.pts) return FV_ERR_ARGUMENT;
    fv_status st = reserve(t, (size_t)dets->count);
    if (st < 0) return st;
    fvi_side_split(&t->high, &t->low, dets, &t->o);
    predict(t, fvi_track_clock_advance(&t->clock, pts));
    rows_in(t, TRACKED, LOST);
    st = associate(t, &t->high, dets, true, t->o.match);
    if (st < 0) return st;
    rows_unseen(t);
    st = associate(t, &t->low, dets, false, SECOND_LIMIT);
    if (st < 0) return st;
    unseen_become(t, TRACKED, LOST);
    rows_in(t, NEW, NEW);
    st = associate(t, &t->high, dets, true, NEW_LIMIT);
    if (st < 0) return st;
    unseen_become(t, NEW, GONE);
    start_tracks(t, dets);
    rows_in(t, TRACKED, NEW);
    drop_duplicates(t);
    forget_gone(t);
    report(t, dets);
    return FV_OK;
}

static fv_status create(void **self, const fv_track_options *opt)
{
    bytetrack *t = fvi_calloc(1, sizeof *t);
    if (!t) return FV_ERR_MEMORY;
    t->o = *opt;
    t->o.tracker = NULL; /* the caller's string ends with create */
    fvi_track_clock_reset(&t->clock);
    *self = t;
    return FV_OK;
}

static void destroy(void *self)
{
    bytetrack *t = self;
    fvi_free(t->tracks);
    fvi_side_free(&t->rows);
    fvi_side_free(&t->high);
    fvi_side_free(&t->low);
    fvi_associate_clear(&t->pairs);
    fvi_free(t);
}

static void reset(void *self)
{
    bytetrack *t = self;
    t->n_tracks = 0;
    t->total = 0;
    fvi_track_clock_reset(&t->clock);
}

static int total(const void *self) { return ((const bytetrack *)self)->total; }

static int lost(const void *self, fvi_track_place *out, int most)
{
    const bytetrack *t = self;
    int n = 0;
    for (size_t i = 0; i < t->n_tracks && n < most; i++) {
        const track *k = &t->tracks[i];
        if (k->state != LOST || !(k->filter.x[3] > 0)) continue;
        fvi_kalman_box(&k->filter, out[n].box);
        out[n++].doubt = (float)(sqrt(fmax(0, fmax(k->filter.pp[0], k->filter.pp[1]))) / k->filter.x[3]);
    }
    return n;
}

const fvi_tracker_kind fvi_tracker_bytetrack = {"bytetrack", 0.1f, 0.8f, create, destroy, update, reset, total, lost};
