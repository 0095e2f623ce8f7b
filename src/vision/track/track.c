/* track.c: the public tracker: picks a kind by name, fills in defaults, forwards. Called by the pipeline and the tools. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "vision/track/tracker.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const fvi_tracker_kind *const kinds[] = {&fvi_tracker_bytetrack, &fvi_tracker_ocsort}; /* the first is the default */

struct fv_tracker {
    const fvi_tracker_kind *kind;
    void *self;
};

static const fvi_tracker_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!name || strcmp(kinds[i]->name, name) == 0) return kinds[i];
    return NULL;
}

static bool is_share(float v) { return v >= 0 && v <= 1; }

static fv_status no_such_tracker(const char *name, fv_error *err)
{
    char names[128] = "";
    for (size_t i = 0, at = 0; i < sizeof kinds / sizeof *kinds && at < sizeof names; i++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "", kinds[i]->name);
    return fvi_error_set(err, FV_ERR_ARGUMENT, "there is no tracker '%.40s'; this version has %s", name, names);
}

static fv_status fill_options(fv_track_options *o, const fvi_tracker_kind *kind, fv_error *err)
{
    if (!is_share(o->track_high) || !is_share(o->track_low) || !is_share(o->new_track) || !is_share(o->match))
        return fvi_error_set(err, FV_ERR_ARGUMENT, "confidences and match cost of a tracker lie between 0 and 1");
    if (!(o->buffer_s >= 0) || !isfinite(o->buffer_s))
        return fvi_error_set(err, FV_ERR_ARGUMENT, "a track buffer of %g seconds is not possible", o->buffer_s);
    if (o->track_high == 0) o->track_high = 0.25f;
    if (o->track_low == 0) o->track_low = kind->track_low;
    if (o->new_track == 0) o->new_track = 0.25f;
    if (o->match == 0) o->match = kind->match;
    if (o->buffer_s == 0) o->buffer_s = 1.0;
    return FV_OK;
}

fv_status fv_tracker_create(fv_tracker **out, const fv_track_options *opt, fv_error *err)
{
    if (!out) return FV_ERR_ARGUMENT;
    *out = NULL;
    fv_track_options o = {.size = sizeof o};
    FVI_TRY(fvi_options_read(&o, sizeof o, opt, "FV_TRACK_OPTIONS", err));
    const fvi_tracker_kind *kind = find_kind(o.tracker);
    if (!kind) return no_such_tracker(o.tracker, err);
    FVI_TRY(fill_options(&o, kind, err));
    fv_tracker *t = fvi_calloc(1, sizeof *t);
    if (!t) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    t->kind = kind;
    fv_status st = kind->create(&t->self, &o);
    if (st < 0) {
        fvi_free(t);
        return fvi_error_set(err, st, "the tracker could not be made: %s", fv_status_text(st));
    }
    *out = t;
    return FV_OK;
}

void fv_tracker_free(fv_tracker **t)
{
    if (!t || !*t) return;
    (*t)->kind->free((*t)->self);
    FVI_FREE(*t);
}

fv_status fv_tracker_update(fv_tracker *t, fv_detections *dets, double pts)
{
    if (!t || !dets || dets->count < 0 || (dets->count && !dets->items) || !isfinite(pts)) return FV_ERR_ARGUMENT;
    return t->kind->update(t->self, dets, pts);
}

void fv_tracker_reset(fv_tracker *t)
{
    if (t) t->kind->reset(t->self);
}

int fv_tracker_total(const fv_tracker *t) { return t ? t->kind->total(t->self) : 0; }
int fvi_tracker_lost(const fv_tracker *t, fvi_track_place *out, int most) { return t ? t->kind->lost(t->self, out, most) : 0; }
