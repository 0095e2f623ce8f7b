/* ocsort.c: detections of one frame after the other -> tracks: OC-SORT (Cao et al., CVPR 2023). Frame road, step "track";
 * called through track.c.
 *
 * What a track goes by is what was seen, not what the filter made of it: pairs are also judged by whether they keep the
 * direction between earlier observations (OCM); who is found again gets the filter that it would have had on a straight
 * way between the two sightings (ORU); and who was not where it was expected is looked for where it was seen last (OCR).
 * Time is what the stamps say, in units of 1/30 s, as in bytetrack.c; only evidence is counted in frames. */
#include "base/alloc.h"
#include "vision/track/kalman.h"
#include "vision/track/side.h"
#include <math.h>
#include <string.h>

#define PAST 3          /* frames between the two observations that give a direction */
#define INERTIA 0.2f    /* weight of the direction */
#define MAX_ANGLE (0.5f * INERTIA) /* most that a direction adds or takes */
#define CONFIRM 2       /* frames in a row after the first, before a track is reported */
#define BEGINNING 3     /* frames of a film in which everything is reported */
#define MAX_STEPS 128   /* of the way between two sightings */

typedef struct sighting {
    int64_t frame; /* 0: none */
    float box[4];
} sighting;

typedef struct track {
    int id; /* 0 until reported */
    int class_id, extra;
    float confidence;
    int streak;      /* frames in a row since it was found (again) */
    int64_t seen;    /* frame of its last detection */
    double last_pts; /* of that frame */
    double lost_pts; /* of the first frame without it */
    bool moves;
    float direction[2]; /* of unit length, when it moves */
    sighting past[PAST + 1]; /* by frame modulo its size */
    float last[4];
    fvi_kalman filter, at_last; /* now; after its last detection */
} track;

typedef struct ocsort {
    fv_track_options o;
    track *tracks;
    size_t n_tracks, cap_tracks;
    fvi_side rows, high, low;
    float (*heading)[4]; /* [cap_tracks] of rows: direction, and the centre that a new direction is taken from */
    fvi_associate pairs;
    fvi_track_clock clock;
    int total;
} ocsort;

/* Room for every detection to become a track, so that nothing fails half-way through a frame. */
static fv_status reserve(ocsort *t, size_t dets)
{
    size_t tracks = t->n_tracks + dets;
    if (tracks > t->cap_tracks) {
        size_t n = 2 * tracks;
        track *p = fvi_realloc_array(t->tracks, t->n_tracks, n, sizeof *p);
        if (!p) return FV_ERR_MEMORY;
        t->tracks = p;
        fvi_free(t->heading);
        t->heading = fvi_calloc(n, sizeof *t->heading);
        t->cap_tracks = t->heading ? n : 0;
        if (!t->heading) return FV_ERR_MEMORY;
    }
    if (fvi_side_reserve(&t->rows, t->cap_tracks) < 0) return FV_ERR_MEMORY;
    if (fvi_side_reserve(&t->high, dets) < 0 || fvi_side_reserve(&t->low, dets) < 0) return FV_ERR_MEMORY;
    return FV_OK;
}

static void centre(const float box[4], float at[2])
{
    at[0] = (box[0] + box[2]) / 2;
    at[1] = (box[1] + box[3]) / 2;
}

/* Unit vector a -> b; nothing to go by when they are on one spot. */
static bool way(const float a[2], const float b[2], float out[2])
{
    float dx = b[0] - a[0], dy = b[1] - a[1], len = hypotf(dx, dy);
    if (!(len > 1e-6f)) return false;
    out[0] = dx / len;
    out[1] = dy / len;
    return true;
}

/* The sighting that is PAST frames old, else the oldest younger one, else the last. */
static const float *earlier(const ocsort *t, const track *k)
{
    for (int back = PAST; back > 0; back--) {
        int64_t frame = t->clock.frames - back;
        const sighting *s = &k->past[(uint64_t)frame % (PAST + 1)];
        if (frame > 0 && s->frame == frame) return s->box;
    }
    return k->last;
}

/* Lost tracks whose time is over go; the others move to where they should be now. */
static void predict(ocsort *t, double dt)
{
    double units = (dt < t->o.buffer_s ? dt : t->o.buffer_s) / FVI_TRACK_UNIT_S;
    size_t n = 0;
    for (size_t i = 0; i < t->n_tracks; i++) {
        track *k = &t->tracks[i];
        bool lost = k->seen < t->clock.frames - 1;
        if (lost && t->clock.pts - k->lost_pts > t->o.buffer_s + 1e-9) continue;
        if (lost) k->streak = 0;
        fvi_kalman_area_predict(&k->filter, units);
        if (n != i) t->tracks[n] = *k;
        n++;
    }
    t->n_tracks = n;
}

static void rows_all(ocsort *t)
{
    t->rows.n = 0;
    for (size_t i = 0; i < t->n_tracks; i++) {
        const track *k = &t->tracks[i];
        float box[4], *h = t->heading[t->rows.n];
        fvi_kalman_area_box(&k->filter, box);
        h[0] = k->moves ? k->direction[0] : 0;
        h[1] = k->moves ? k->direction[1] : 0;
        centre(earlier(t, k), h + 2);
        fvi_side_add(&t->rows, (int)i, box, 1);
    }
}

/* Without a detection in this frame; `last`: where they were seen, not where they should be. */
static void rows_unseen(ocsort *t, bool last)
{
    t->rows.n = 0;
    for (size_t i = 0; i < t->n_tracks; i++) {
        const track *k = &t->tracks[i];
        float box[4];
        if (k->seen == t->clock.frames) continue;
        fvi_kalman_area_box(&k->filter, box);
        fvi_side_add(&t->rows, (int)i, last ? k->last : box, 1);
    }
}

/* OCM: a pair that keeps its direction costs less, by up to MAX_ANGLE; one that turns back costs more. */
static float turning(const void *user, int row, int col)
{
    const ocsort *t = user;
    const float *h = t->heading[row];
    float at[2], to[2];
    centre(t->high.box[col], at);
    if ((h[0] == 0 && h[1] == 0) || !way(h + 2, at, to)) return MAX_ANGLE;
    float same = h[0] * to[0] + h[1] * to[1];
    float angle = acosf(same > 1 ? 1 : same < -1 ? -1 : same);
    return MAX_ANGLE - (0.5f - angle / 3.14159265f) * INERTIA * t->high.score[col];
}

/* ORU: found again after frames without it. The filter goes back to the last sighting and sees a straight way to this one. */
static void straighten(const ocsort *t, track *k, const float box[4])
{
    int64_t gap = t->clock.frames - k->seen;
    int steps = gap < MAX_STEPS ? (int)gap : MAX_STEPS;
    double units = (t->clock.pts - k->last_pts) / FVI_TRACK_UNIT_S / steps;
    if (!(units > 0)) return; /* stamps that stand still */
    k->filter = k->at_last;
    for (int i = 1; i <= steps; i++) {
        float at[4], part = (float)i / (float)steps;
        for (int c = 0; c < 4; c++) at[c] = k->last[c] + (box[c] - k->last[c]) * part;
        fvi_kalman_area_predict(&k->filter, units);
        if (i < steps) fvi_kalman_area_update(&k->filter, at);
    }
}

static void remember(ocsort *t, track *k, const fv_detection *d)
{
    sighting *s = &k->past[(uint64_t)t->clock.frames % (PAST + 1)];
    s->frame = t->clock.frames;
    memcpy(s->box, d->box, sizeof s->box);
    memcpy(k->last, d->box, sizeof k->last);
    k->class_id = d->class_id;
    k->extra = d->extra;
    k->confidence = d->confidence;
    k->last_pts = t->clock.pts;
    k->seen = t->clock.frames;
    k->at_last = k->filter;
}

static void take(ocsort *t, track *k, const fv_detection *d)
{
    float from[2], to[2];
    centre(earlier(t, k), from);
    centre(d->box, to);
    k->moves = way(from, to, k->direction);
    if (k->seen < t->clock.frames - 1) straighten(t, k, d->box);
    fvi_kalman_area_update(&k->filter, d->box);
    k->streak++;
    remember(t, k, d);
}

/* Pairs t->rows with cols; detections that found a track leave cols. */
static fv_status associate(ocsort *t, fvi_side *cols, const fv_detections *dets, bool directed)
{
    float least = 1 - t->o.match;
    fvi_pair_rule rule = {.limit = directed ? 1 + MAX_ANGLE : 1, .least_iou = least, .more = directed ? turning : NULL, .user = t};
    if (!t->rows.n || !cols->n) return FV_OK;
    fv_status st = fvi_associate_run(&t->pairs, fvi_side_boxes(&t->rows, false), fvi_side_boxes(cols, false), &rule);
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

static void note_lost(ocsort *t)
{
    for (size_t i = 0; i < t->n_tracks; i++)
        if (t->tracks[i].seen == t->clock.frames - 1) t->tracks[i].lost_pts = t->clock.pts;
}

static void start_tracks(ocsort *t, const fv_detections *dets)
{
    for (int c = 0; c < t->high.n; c++) {
        const fv_detection *d = &dets->items[t->high.index[c]];
        if (d->confidence < t->o.new_track) continue;
        track *k = &t->tracks[t->n_tracks++];
        memset(k, 0, sizeof *k);
        fvi_kalman_area_start(&k->filter, d->box);
        remember(t, k, d);
    }
}

static void report(ocsort *t, fv_detections *dets)
{
    int n = 0;
    for (size_t i = 0; i < t->n_tracks; i++) {
        track *k = &t->tracks[i];
        if (k->seen != t->clock.frames) continue;
        if (!k->id && k->streak < CONFIRM && t->clock.frames > BEGINNING) continue;
        if (!k->id) k->id = ++t->total;
        fv_detection d = {.confidence = k->confidence, .class_id = k->class_id, .track_id = k->id, .extra = k->extra};
        memcpy(d.box, k->last, sizeof d.box);
        fvi_track_report(dets, &n, &d);
    }
    dets->count = n;
}

static fv_status update(void *self, fv_detections *dets, double pts)
{
    ocsort *t = self;
    if (t->clock.frames && pts < t->clock.pts) return FV_ERR_ARGUMENT;
    fv_status st = reserve(t, (size_t)dets->count);
    if (st < 0) return st;
    fvi_side_split(&t->high, &t->low, dets, &t->o);
    predict(t, fvi_track_clock_advance(&t->clock, pts));
    rows_all(t);
    st = associate(t, &t->high, dets, true);
    if (st >= 0 && t->low.n) {
        rows_unseen(t, false);
        st = associate(t, &t->low, dets, false);
    }
    if (st >= 0 && t->high.n) {
        rows_unseen(t, true); /* OCR */
        st = associate(t, &t->high, dets, false);
    }
    if (st < 0) return st;
    note_lost(t);
    start_tracks(t, dets);
    report(t, dets);
    return FV_OK;
}

static fv_status create(void **self, const fv_track_options *opt)
{
    ocsort *t = fvi_calloc(1, sizeof *t);
    if (!t) return FV_ERR_MEMORY;
    t->o = *opt;
    t->o.tracker = NULL; /* the caller's string ends with create */
    fvi_track_clock_reset(&t->clock);
    *self = t;
    return FV_OK;
}

static void destroy(void *self)
{
    ocsort *t = self;
    fvi_free(t->tracks);
    fvi_free(t->heading);
    fvi_side_free(&t->rows);
    fvi_side_free(&t->high);
    fvi_side_free(&t->low);
    fvi_associate_clear(&t->pairs);
    fvi_free(t);
}

static void reset(void *self)
{
    ocsort *t = self;
    t->n_tracks = 0;
    t->total = 0;
    fvi_track_clock_reset(&t->clock);
}

static int total(const void *self) { return ((const ocsort *)self)->total; }

static int lost(const void *self, fvi_track_place *out, int most)
{
    const ocsort *t = self;
    int n = 0;
    for (size_t i = 0; i < t->n_tracks && n < most; i++) {
        const track *k = &t->tracks[i];
        if (k->seen == t->clock.frames || !k->id) continue;
        fvi_kalman_area_box(&k->filter, out[n].box);
        double height = (double)out[n].box[3] - (double)out[n].box[1];
        if (!(height > 0)) continue;
        out[n++].doubt = (float)(sqrt(fmax(0, fmax(k->filter.pp[0], k->filter.pp[1]))) / height);
    }
    return n;
}

const fvi_tracker_kind fvi_tracker_ocsort = {"ocsort", 0, 0.7f, create, destroy, update, reset, total, lost};
