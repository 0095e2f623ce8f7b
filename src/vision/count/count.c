/* count.c: the public counter: tracked detections of a frame -> events and totals. Called by the pipeline and by replay. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "vision/count/counter.h"
#include <math.h>
#include <string.h>

#define MAX_SHAPES 256     /* lines, and zones */
#define MAX_REMEMBERED 16384 /* tracks; the ones not seen for longest are given up first */
#define REMEMBER_S 60.0    /* an id that comes back within this time is the same object to a line */
#define MAX_CLASS_ID 65535

fv_status fvi_count_event(fv_counter *c, const fv_event *e)
{
    if (!fvi_grow((void **)&c->events, c->n_events, &c->cap_events, sizeof *c->events)) return FV_ERR_MEMORY;
    fv_event *to = &c->events[c->n_events++];
    *to = *e;
    to->pts = c->pts;
    to->frame = c->frame;
    return FV_OK;
}

fv_status fvi_count_note(fv_counter *c, int line, const fvi_track_memory *t, const char *why, int other_id)
{
    if (!c->trace) return FV_OK;
    fvi_point p = fvi_anchor_point(t->last.box, line >= 0 ? c->lines[line].anchor : FV_ANCHOR_BOTTOM);
    return fvi_count_event(c, &(fv_event){.type = FV_EVENT_NOTE, .index = line, .track_id = t->id, .class_id = fvi_track_class(t),
                                          .point = {(float)p.x, (float)p.y}, .why = why, .other_id = other_id});
}

static fv_status build(fv_counter *c, const fv_count_options *o, fv_error *err)
{
    if (o->n_lines < 0 || o->n_zones < 0 || o->n_lines > MAX_SHAPES || o->n_zones > MAX_SHAPES)
        return fvi_error_set(err, FV_ERR_LIMIT, "%d lines and %d zones are over the limit of %d", o->n_lines, o->n_zones, MAX_SHAPES);
    if (isnan(o->stitch_s) || isnan(o->hysteresis) || !(o->forget_s >= 0) || o->confirm < 0)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "hysteresis, stitch_s, confirm and forget_s of a counter must be numbers, the last two not negative");
    c->hysteresis = o->hysteresis == 0 ? 0.05 : o->hysteresis < 0 ? 0 : o->hysteresis;
    c->confirm = o->confirm ? o->confirm : 2;
    c->forget_s = o->forget_s > 0 ? o->forget_s : 2.0;
    c->stitch_s = o->stitch_s == 0 ? 1.0 : o->stitch_s;
    c->trace = o->trace != 0;
    c->lines = fvi_calloc((size_t)o->n_lines + 1, sizeof *c->lines);
    c->zones = fvi_calloc((size_t)o->n_zones + 1, sizeof *c->zones);
    c->line_sums = fvi_calloc((size_t)o->n_lines + 1, sizeof *c->line_sums);
    c->zone_sums = fvi_calloc((size_t)o->n_zones + 1, sizeof *c->zone_sums);
    if (!c->lines || !c->zones || !c->line_sums || !c->zone_sums) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    for (; c->n_lines < o->n_lines; c->n_lines++) {
        const fv_line *l = &o->lines[c->n_lines];
        const double xy[4] = {l->x1, l->y1, l->x2, l->y2};
        FVI_TRY(fvi_shape_make(&c->lines[c->n_lines], "line", l->name, xy, 2, l->classes, l->n_classes, l->anchor, err));
    }
    for (; c->n_zones < o->n_zones; c->n_zones++) {
        const fv_zone *z = &o->zones[c->n_zones];
        if (z->n_points == 2) return fvi_error_set(err, FV_ERR_ARGUMENT, "zone '%s' has 2 points; it needs 3 or more", z->name ? z->name : "");
        FVI_TRY(fvi_shape_make(&c->zones[c->n_zones], "zone", z->name, z->xy, z->n_points, z->classes, z->n_classes, z->anchor, err));
        fvi_hist_clear(&c->zone_sums[c->n_zones].dwell);
    }
    return FV_OK;
}

fv_status fv_counter_create(fv_counter **out, const fv_count_options *opt, fv_error *err)
{
    if (!out) return FV_ERR_ARGUMENT;
    *out = NULL;
    fv_count_options o = {.size = sizeof o};
    FVI_TRY(fvi_options_read(&o, sizeof o, opt, "FV_COUNT_OPTIONS", err));
    if ((o.n_lines > 0 && !o.lines) || (o.n_zones > 0 && !o.zones)) return fvi_error_set(err, FV_ERR_ARGUMENT, "lines or zones are missing");
    fv_counter *c = fvi_calloc(1, sizeof *c);
    if (!c) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    fv_status st = build(c, &o, err);
    if (st < 0) {
        fv_counter_free(&c);
        return st;
    }
    *out = c;
    return FV_OK;
}

void fv_counter_free(fv_counter **counter)
{
    if (!counter || !*counter) return;
    fv_counter *c = *counter;
    /* the shape a failed build stopped at is not counted yet, but empty or half made */
    for (int i = 0; c->lines && i <= c->n_lines; i++) fvi_shape_free(&c->lines[i]);
    for (int i = 0; c->zones && i <= c->n_zones; i++) fvi_shape_free(&c->zones[i]);
    fvi_tracks_free(c);
    fvi_free(c->lines);
    fvi_free(c->zones);
    fvi_free(c->line_sums);
    fvi_free(c->zone_sums);
    fvi_free(c->by_class);
    fvi_free(c->events);
    fvi_free(c);
    *counter = NULL;
}

/* Another frame size: the shapes are laid out anew, and where the tracks were is scaled, so that nothing jumps. */
static void layout(fv_counter *c, int width, int height)
{
    if (c->width == width && c->height == height) return;
    for (size_t i = 0; i < c->n_order; i++)
        for (int k = 0; k < 4; k++)
            c->slots[c->order[i]]->last.box[k] *= k % 2 ? (float)height / (float)c->height : (float)width / (float)c->width;
    c->width = width;
    c->height = height;
    for (int i = 0; i < c->n_lines; i++) fvi_shape_layout(&c->lines[i], width, height);
    for (int i = 0; i < c->n_zones; i++) fvi_shape_layout(&c->zones[i], width, height);
}

static bool usable(const fv_detection *d)
{
    for (int i = 0; i < 4; i++)
        if (!(fabsf(d->box[i]) < 1e7f)) return false;
    return d->track_id > 0 && d->class_id >= 0 && d->class_id <= MAX_CLASS_ID;
}

/* Positions and times are taken as the files hold them (two and six digits), so that a replay decides as the live run did. */
static double rounded(double v, double parts) { return rint(v * parts) / parts; }

static fv_detection as_written(const fv_detection *d)
{
    fv_detection w = *d;
    for (int i = 0; i < 4; i++) w.box[i] = (float)rounded(d->box[i], 100);
    return w;
}

static fv_status see(fv_counter *c, const fv_detection *given)
{
    const fv_detection now = as_written(given), *d = &now;
    fvi_track_memory *t = fvi_track_get(c, d->track_id);
    if (!t) return FV_ERR_MEMORY;
    if (t->last_frame == c->serial) return FV_OK; /* an id is one object; the first of a frame counts */
    bool known = t->seen > 0;
    if (t->gone_on_as) {
        fvi_stitch_return(c, t);
        known = t->seen > 0;
    } else if (!known && fvi_stitch(c, t, d)) {
        known = true;
        fv_status noted = fvi_count_note(c, -1, t, "goes on as this track", t->was);
        if (noted < 0) return noted;
    }
    fv_detection before = t->last;
    if (known) fvi_track_speed(t, &before, d, c->pts - t->last_pts);
    t->seen++;
    t->last_pts = c->pts;
    t->last_frame = c->serial;
    t->last = *d;
    t->dead_zone = c->hysteresis * fabs((double)d->box[3] - d->box[1]);
    fvi_track_vote(t, d->class_id);
    fv_status st = FV_OK;
    for (int i = 0; i < c->n_lines && st >= 0; i++) st = fvi_line_step(c, i, t, known ? &before : NULL, d);
    for (int i = 0; i < c->n_zones && st >= 0; i++) st = fvi_zone_step(c, i, t, d);
    return st;
}

static bool over_age(const fv_counter *c, const fvi_track_memory *t)
{
    double keep = c->forget_s > REMEMBER_S ? c->forget_s : REMEMBER_S;
    return c->pts - t->last_pts > keep;
}
static bool unseen_now(const fv_counter *c, const fvi_track_memory *t) { return t->last_frame != c->serial; }
static bool everything(const fv_counter *c, const fvi_track_memory *t) { return c && t; }

/* Who was not seen for long has left; who was not seen for very long is forgotten. */
static fv_status forget(fv_counter *c)
{
    bool full = c->n_order > MAX_REMEMBERED;
    bool any_old = false;
    for (size_t i = 0; i < c->n_order; i++) {
        fvi_track_memory *t = c->slots[c->order[i]];
        bool give_up = c->pts - t->last_pts > c->forget_s || (full && unseen_now(c, t));
        if (give_up) {
            fv_status st = fvi_zone_leave_all(c, t);
            if (st < 0) return st;
        }
        any_old |= over_age(c, t);
    }
    if (full)
        fvi_tracks_drop(c, unseen_now);
    else if (any_old)
        fvi_tracks_drop(c, over_age);
    return FV_OK;
}

fv_status fv_counter_update(fv_counter *c, const fv_detections *dets, double pts, int64_t frame, int width, int height,
                            const fv_event **events, int *n_events)
{
    if (events) *events = NULL;
    if (n_events) *n_events = 0;
    if (!c || !dets || dets->count < 0 || (dets->count && !dets->items) || width < 1 || height < 1) return FV_ERR_ARGUMENT;
    pts = rounded(pts, 1e6);
    if (!isfinite(pts) || (c->started && pts < c->pts)) return FV_ERR_ARGUMENT;
    layout(c, width, height);
    c->started = true;
    c->pts = pts;
    c->frame = frame;
    c->serial++;
    c->n_events = 0;
    fv_status st = FV_OK;
    for (int i = 0; i < dets->count; i++) {
        fvi_track_memory *t = usable(&dets->items[i]) ? fvi_track_find(c, dets->items[i].track_id) : NULL;
        if (t) t->here = c->serial;
    }
    for (int i = 0; i < dets->count && st >= 0; i++)
        if (usable(&dets->items[i])) st = see(c, &dets->items[i]);
    if (st >= 0) st = forget(c);
    if (st < 0) return st;
    if (events) *events = c->events;
    if (n_events) *n_events = (int)c->n_events;
    return FV_OK;
}

fv_status fv_counter_finish(fv_counter *c, double pts, int64_t frame, const fv_event **events, int *n_events)
{
    if (events) *events = NULL;
    if (n_events) *n_events = 0;
    if (!c) return FV_ERR_ARGUMENT;
    pts = rounded(pts, 1e6);
    if (isfinite(pts) && (!c->started || pts > c->pts)) c->pts = pts;
    c->frame = frame;
    c->n_events = 0;
    for (size_t i = 0; i < c->n_order; i++) {
        fv_status st = fvi_zone_leave_all(c, c->slots[c->order[i]]);
        if (st < 0) return st;
    }
    fvi_tracks_drop(c, everything);
    c->started = false; /* another source may begin, with stamps and ids of its own */
    if (events) *events = c->events;
    if (n_events) *n_events = (int)c->n_events;
    return FV_OK;
}

void fv_counter_line(const fv_counter *c, int line, fv_line_totals *out)
{
    if (!out) return;
    *out = c && line >= 0 && line < c->n_lines ? c->line_sums[line] : (fv_line_totals){0};
}

void fv_counter_line_class(const fv_counter *c, int line, int class_id, fv_line_totals *out)
{
    if (!out) return;
    *out = (fv_line_totals){0};
    for (size_t i = 0; c && i < c->n_by_class; i++)
        if (c->by_class[i].line == line && c->by_class[i].class_id == class_id) *out = c->by_class[i].totals;
}

void fv_counter_zone(const fv_counter *c, int zone, fv_zone_totals *out)
{
    if (!out) return;
    *out = (fv_zone_totals){0};
    if (!c || zone < 0 || zone >= c->n_zones) return;
    const fvi_zone_sums *s = &c->zone_sums[zone];
    *out = (fv_zone_totals){s->entered, s->left, s->occupancy, s->max, fvi_hist_mean(&s->dwell), fvi_hist_quantile(&s->dwell, 0.95)};
}

int fv_counter_inside(const fv_counter *c, int zone, int track_id)
{
    if (!c || zone < 0 || zone >= c->n_zones) return 0;
    const fvi_track_memory *t = fvi_track_find(c, track_id);
    return t && !t->gone_on_as && t->zones[zone].inside && t->zones[zone].counted;
}
