/* rig.h: a counter with a clock and a book of its own, and the people, lines and zones that the tests of counting share. */
#ifndef FOVEA_TESTS_COUNT_RIG_H
#define FOVEA_TESTS_COUNT_RIG_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fovea/count.h>

#define W 1000
#define H 800
#define FPS 10.0

/* A counter with its own clock and a book kept from its events alone. */
typedef struct rig {
    fv_counter *c;
    int frame;
    int64_t in[8], out[8], entered[8], left[8], dwelt[8];
    fv_event last;
    int n_events;
} rig;

static inline void keep_book(rig *r, const fv_event *e, int n)
{
    r->n_events += n;
    for (int i = 0; i < n; i++) {
        r->last = e[i];
        if (e[i].type != FV_EVENT_NOTE) assert_in_range(e[i].index, 0, 7);
        switch (e[i].type) {
        case FV_EVENT_CROSS: (e[i].inward ? r->in : r->out)[e[i].index]++; break;
        case FV_EVENT_ENTER: r->entered[e[i].index]++; break;
        case FV_EVENT_LEAVE: r->left[e[i].index]++; break;
        case FV_EVENT_DWELL: r->dwelt[e[i].index]++; break;
        case FV_EVENT_NOTE: break;
        }
    }
}

static inline rig make(const fv_line *lines, int n_lines, const fv_zone *zones, int n_zones)
{
    rig r = {0};
    fv_error err = {0};
    if (fv_counter_create(&r.c, FV_COUNT_OPTIONS(.lines = lines, .n_lines = n_lines, .zones = zones, .n_zones = n_zones), &err) < 0)
        fail_msg("%s", err.text);
    return r;
}

static inline void frame(rig *r, fv_detection *d, int n)
{
    const fv_event *e = NULL;
    int count = 0;
    fv_detections dets = {d, n, n};
    assert_int_equal(fv_counter_update(r->c, &dets, r->frame / FPS, r->frame, W, H, &e, &count), FV_OK);
    for (int i = 0; i < count; i++) assert_true(e[i].frame == r->frame && e[i].pts == r->frame / FPS);
    r->frame++;
    keep_book(r, e, count);
}

static inline void finish(rig *r)
{
    const fv_event *e = NULL;
    int n = 0;
    assert_int_equal(fv_counter_finish(r->c, r->frame / FPS, r->frame, &e, &n), FV_OK);
    keep_book(r, e, n);
}

/* A person 100 pixels tall whose feet are at x, y. */
static inline fv_detection person(int id, double x, double y)
{
    return (fv_detection){.box = {(float)x - 20, (float)y - 100, (float)x + 20, (float)y}, .confidence = 0.9f, .class_id = 0, .track_id = id};
}

static inline void at(rig *r, double x, double y)
{
    fv_detection d = person(7, x, y);
    frame(r, &d, 1);
}
static inline void away(rig *r, int frames)
{
    for (int i = 0; i < frames; i++) frame(r, NULL, 0);
}

static inline void expect(rig *r, int line, int in, int out)
{
    fv_line_totals t;
    fv_counter_line(r->c, line, &t);
    assert_int_equal(t.in, in);
    assert_int_equal(t.out, out);
    assert_int_equal(r->in[line], in); /* the events say the same */
    assert_int_equal(r->out[line], out);
}

/* From (200,400) to (800,400): s > 0 is below. */
static const fv_line across = {.name = "door", .x1 = 200, .y1 = 400, .x2 = 800, .y2 = 400};

static inline void end(rig *r) { fv_counter_free(&r->c); }

static unsigned seed;
static inline double uniform(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) / 16777216.0;
}

static const double square[] = {300, 300, 700, 300, 700, 600, 300, 600};
static const fv_zone hall = {.name = "hall", .xy = square, .n_points = 4};
#endif
