/* docs/COUNTING.md, sentence by sentence, and its laws on random walks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include <fovea/count.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

static void keep_book(rig *r, const fv_event *e, int n)
{
    r->n_events += n;
    for (int i = 0; i < n; i++) {
        r->last = e[i];
        assert_in_range(e[i].index, 0, 7);
        switch (e[i].type) {
        case FV_EVENT_CROSS: (e[i].inward ? r->in : r->out)[e[i].index]++; break;
        case FV_EVENT_ENTER: r->entered[e[i].index]++; break;
        case FV_EVENT_LEAVE: r->left[e[i].index]++; break;
        case FV_EVENT_DWELL: r->dwelt[e[i].index]++; break;
        }
    }
}

static rig make(const fv_line *lines, int n_lines, const fv_zone *zones, int n_zones)
{
    rig r = {0};
    fv_error err = {0};
    if (fv_counter_create(&r.c, FV_COUNT_OPTIONS(.lines = lines, .n_lines = n_lines, .zones = zones, .n_zones = n_zones), &err) < 0)
        fail_msg("%s", err.text);
    return r;
}

static void frame(rig *r, fv_detection *d, int n)
{
    const fv_event *e = NULL;
    int count = 0;
    fv_detections dets = {d, n, n};
    assert_int_equal(fv_counter_update(r->c, &dets, r->frame / FPS, r->frame, W, H, &e, &count), FV_OK);
    for (int i = 0; i < count; i++) assert_true(e[i].frame == r->frame && e[i].pts == r->frame / FPS);
    r->frame++;
    keep_book(r, e, count);
}

static void finish(rig *r)
{
    const fv_event *e = NULL;
    int n = 0;
    assert_int_equal(fv_counter_finish(r->c, r->frame / FPS, r->frame, &e, &n), FV_OK);
    keep_book(r, e, n);
}

/* A person 100 pixels tall whose feet are at x, y. */
static fv_detection person(int id, double x, double y)
{
    return (fv_detection){.box = {(float)x - 20, (float)y - 100, (float)x + 20, (float)y}, .confidence = 0.9f, .class_id = 0, .track_id = id};
}

static void at(rig *r, double x, double y)
{
    fv_detection d = person(7, x, y);
    frame(r, &d, 1);
}
static void away(rig *r, int frames)
{
    for (int i = 0; i < frames; i++) frame(r, NULL, 0);
}

static void expect(rig *r, int line, int in, int out)
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

static void end(rig *r) { fv_counter_free(&r->c); }

static void walks_across(void **state)
{
    (void)state;
    rig r = make(&across, 1, NULL, 0);
    for (int y = 300; y <= 500; y += 20) at(&r, 500, y);
    expect(&r, 0, 1, 0);
    assert_int_equal(r.last.type, FV_EVENT_CROSS);
    assert_int_equal(r.last.track_id, 7);
    assert_true(fabs(r.last.point[0] - 500) < 1e-3 && fabs(r.last.point[1] - 400) < 1e-3);
    for (int y = 500; y >= 300; y -= 20) at(&r, 500, y);
    expect(&r, 0, 1, 1);
    end(&r);
}

static void jumps_and_hides(void **state)
{
    (void)state;
    rig r = make(&across, 1, NULL, 0);
    at(&r, 500, 300);
    at(&r, 520, 500); /* in one frame */
    expect(&r, 0, 1, 0);
    away(&r, 30); /* three seconds behind a pillar, back on the other side */
    at(&r, 500, 300);
    expect(&r, 0, 1, 1);
    end(&r);
}

static void beside_the_segment(void **state)
{
    (void)state;
    rig r = make(&across, 1, NULL, 0);
    for (int y = 300; y <= 500; y += 20) at(&r, 900, y); /* passes beyond its end */
    expect(&r, 0, 0, 0);
    for (int x = 900; x >= 500; x -= 50) at(&r, x, 500);
    for (int y = 500; y >= 300; y -= 20) at(&r, 500, y); /* comes back through it */
    expect(&r, 0, 0, 1);
    /* A long step that ends on the other side, but passes beyond the end */
    at(&r, 790, 300);
    at(&r, 900, 420);
    expect(&r, 0, 0, 1);
    end(&r);
}

/* Through the segment inside the dead zone, then along it and out beyond its end: it did go through. The other way round
 * it did not. */
static void along_the_line(void **state)
{
    (void)state;
    rig r = make(&across, 1, NULL, 0);
    at(&r, 700, 380);
    at(&r, 750, 398);
    at(&r, 780, 402); /* through */
    at(&r, 850, 403);
    at(&r, 850, 450);
    expect(&r, 0, 1, 0);
    at(&r, 900, 402);
    at(&r, 900, 398); /* round the end */
    at(&r, 700, 397);
    at(&r, 700, 350);
    expect(&r, 0, 1, 0);
    end(&r);
}

static void trembles(void **state)
{
    (void)state;
    rig r = make(&across, 1, NULL, 0);
    at(&r, 500, 380);
    for (int i = 0; i < 400; i++) at(&r, 500 + i % 7, 400 + (i % 2 ? 4.9 : -4.9)); /* the dead zone is 5 pixels */
    expect(&r, 0, 0, 0);
    at(&r, 500, 380); /* turns back */
    expect(&r, 0, 0, 0);
    for (int i = 0; i < 50; i++) at(&r, 500, 400); /* stops on it */
    at(&r, 500, 420);                              /* walks on */
    expect(&r, 0, 1, 0);
    for (int i = 0; i < 400; i++) at(&r, 500, i % 2 ? 404 : 397);
    expect(&r, 0, 1, 0);
    end(&r);
}

static void appears_on_it(void **state)
{
    (void)state;
    rig r = make(&across, 1, NULL, 0);
    at(&r, 500, 398);
    at(&r, 500, 403);
    at(&r, 500, 450);
    expect(&r, 0, 0, 0);
    at(&r, 500, 350);
    expect(&r, 0, 0, 1);
    end(&r);
}

static void without_hysteresis(void **state)
{
    (void)state;
    rig r = {0};
    assert_int_equal(fv_counter_create(&r.c, FV_COUNT_OPTIONS(.lines = &across, .n_lines = 1, .hysteresis = -1), NULL), FV_OK);
    at(&r, 500, 399.5);
    at(&r, 500, 400); /* on the line: no side yet */
    expect(&r, 0, 0, 0);
    at(&r, 500, 400.5);
    expect(&r, 0, 1, 0);
    at(&r, 500, 400);
    at(&r, 500, 400.5);
    expect(&r, 0, 1, 0);
    end(&r);
}

static void confirmation(void **state)
{
    (void)state;
    rig r = {0};
    assert_int_equal(fv_counter_create(&r.c, FV_COUNT_OPTIONS(.lines = &across, .n_lines = 1, .confirm = 5), NULL), FV_OK);
    at(&r, 500, 300);
    at(&r, 500, 450);
    at(&r, 500, 460);
    at(&r, 500, 470);
    expect(&r, 0, 0, 0);
    at(&r, 500, 480); /* the fifth frame: what it did is counted now */
    expect(&r, 0, 1, 0);
    fv_detection d = person(8, 500, 300);
    frame(&r, &d, 1);
    d = person(8, 500, 450);
    frame(&r, &d, 1);
    d = person(8, 500, 300); /* went back before it was confirmed */
    for (int i = 0; i < 6; i++) frame(&r, &d, 1);
    expect(&r, 0, 1, 0);
    end(&r);
}

static void untracked_and_broken(void **state)
{
    (void)state;
    rig r = make(&across, 1, NULL, 0);
    for (int i = 0; i < 10; i++) {
        fv_detection d[4] = {person(0, 500, i % 2 ? 300 : 500), person(-3, 500, i % 2 ? 300 : 500), person(4, 500, 300), person(4, 500, i % 2 ? 300 : 500)};
        frame(&r, d, 4);
    }
    expect(&r, 0, 0, 0);
    for (int i = 0; i < 10; i++) {
        fv_detection d = person(9, 500, i % 2 ? 300 : 500);
        d.box[i % 4] = i % 3 ? NAN : INFINITY;
        frame(&r, &d, 1);
    }
    expect(&r, 0, 0, 0);
    fv_detections none = {0};
    assert_int_equal(fv_counter_update(r.c, &none, 0.1, 1, W, H, NULL, NULL), FV_ERR_ARGUMENT); /* backwards */
    assert_int_equal(fv_counter_update(r.c, &none, NAN, 1, W, H, NULL, NULL), FV_ERR_ARGUMENT);
    assert_int_equal(fv_counter_update(r.c, &none, 99, 1, 0, H, NULL, NULL), FV_ERR_ARGUMENT);
    assert_int_equal(fv_counter_update(r.c, NULL, 99, 1, W, H, NULL, NULL), FV_ERR_ARGUMENT);
    end(&r);
}

static void classes(void **state)
{
    (void)state;
    const int cars[] = {2, 7};
    fv_line lines[2] = {across, across};
    lines[1].classes = cars;
    lines[1].n_classes = 2;
    rig r = make(lines, 2, NULL, 0);
    for (int i = 0; i < 12; i++) {
        fv_detection d[2] = {person(1, 400, 300 + 20 * i), person(2, 600, 500 - 20 * i)};
        d[0].class_id = i == 0 || i == 6 ? 0 : 2; /* mostly a car; at first and in the deciding frame it looks like a person */
        d[1].class_id = 0;
        frame(&r, d, 2);
    }
    expect(&r, 0, 1, 1);
    expect(&r, 1, 1, 0);
    fv_line_totals t;
    fv_counter_line_class(r.c, 0, 2, &t);
    assert_true(t.in == 1 && t.out == 0);
    fv_counter_line_class(r.c, 0, 0, &t);
    assert_true(t.in == 0 && t.out == 1);
    fv_counter_line_class(r.c, 1, 0, &t);
    assert_true(t.in == 0 && t.out == 0);
    end(&r);
}

static void anchors(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        fv_anchor anchor;
    } all[] = {{"bottom", FV_ANCHOR_BOTTOM}, {"center", FV_ANCHOR_CENTER}, {"top", FV_ANCHOR_TOP}, {"left", FV_ANCHOR_LEFT},
               {"right", FV_ANCHOR_RIGHT}, {"top-left", FV_ANCHOR_TOP_LEFT}, {"top-right", FV_ANCHOR_TOP_RIGHT},
               {"bottom-left", FV_ANCHOR_BOTTOM_LEFT}, {"bottom-right", FV_ANCHOR_BOTTOM_RIGHT}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        fv_anchor a;
        assert_int_equal(fv_anchor_parse(all[i].name, &a), FV_OK);
        assert_int_equal(a, all[i].anchor);
    }
    fv_anchor a = FV_ANCHOR_TOP;
    assert_int_equal(fv_anchor_parse("feet", &a), FV_ERR_ARGUMENT);
    assert_int_equal(fv_anchor_parse(NULL, &a), FV_ERR_ARGUMENT);
    fv_line lines[3] = {across, across, across};
    lines[1].anchor = FV_ANCHOR_CENTER;
    lines[2].anchor = FV_ANCHOR_TOP;
    rig r = make(lines, 3, NULL, 0);
    for (int y = 350; y <= 470; y += 10) at(&r, 500, y); /* feet and middle cross, the head does not */
    expect(&r, 0, 1, 0);
    expect(&r, 1, 1, 0);
    expect(&r, 2, 0, 0);
    end(&r);
}

/* ---- laws ---- */

static unsigned seed;
static double uniform(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) / 16777216.0;
}

static void random_walks(void **state)
{
    (void)state;
    for (seed = 1; seed < 300; seed += 3) {
        unsigned begun = seed;
        double angle = uniform() * 6.2831853, cx = 500, cy = 400, far = 5000;
        double dx = cos(angle), dy = sin(angle);
        fv_line whole = {.x1 = cx - far * dx, .y1 = cy - far * dy, .x2 = cx + far * dx, .y2 = cy + far * dy};
        fv_line turned = {.x1 = whole.x2, .y1 = whole.y2, .x2 = whole.x1, .y2 = whole.y1};
        fv_line lines[5] = {whole, turned, across, {.x1 = 800, .y1 = 400, .x2 = 200, .y2 = 400}, {.x1 = 0.2, .y1 = 0.5, .x2 = 0.8, .y2 = 0.5}};
        rig r = make(lines, 5, NULL, 0);
        enum { N = 20 };
        double x[N], y[N];
        int first[N] = {0}, last[N] = {0};
        for (int i = 0; i < N; i++) x[i] = uniform() * W, y[i] = uniform() * H;
        for (int f = 0; f < 150; f++) {
            fv_detection d[N];
            int n = 0;
            for (int i = 0; i < N; i++) {
                double step = i % 4 == 0 ? 300 : 40;
                x[i] += (uniform() - 0.5) * step, y[i] += (uniform() - 0.5) * step;
                if (uniform() < 0.1) continue; /* not detected */
                fv_detection p = person(i + 1, x[i], y[i]);
                double s = (dx * ((double)p.box[3] - cy) - dy * (((double)p.box[0] + p.box[2]) / 2 - cx)); /* unit direction: a distance */
                int side = fabs(s) > 5.001 ? (s > 0 ? 1 : -1) : 0;
                if (side && !first[i]) first[i] = side;
                last[i] = side;
                d[n++] = p;
            }
            frame(&r, d, n);
        }
        for (int i = 0; i < N; i++) { /* end clearly on the side they were on last */
            fv_detection p = person(i + 1, x[i], y[i]);
            double s = dx * ((double)p.box[3] - cy) - dy * (((double)p.box[0] + p.box[2]) / 2 - cx);
            double push = s > 0 ? 20 : -20;
            p = person(i + 1, x[i] - dy * push, y[i] + dx * push);
            frame(&r, &p, 1);
            last[i] = s > 0 ? 1 : -1;
        }
        int64_t change = 0;
        for (int i = 0; i < N; i++) change += first[i] ? (last[i] - first[i]) / 2 : 0;
        fv_line_totals t[5];
        for (int l = 0; l < 5; l++) {
            fv_counter_line(r.c, l, &t[l]);
            assert_true(t[l].in == r.in[l] && t[l].out == r.out[l]);
        }
        if (t[0].in - t[0].out != change) fail_msg("seed %u: %d - %d != %d", begun, (int)t[0].in, (int)t[0].out, (int)change);
        assert_true(t[0].in + t[0].out > 0);
        assert_true(t[1].in == t[0].out && t[1].out == t[0].in); /* the line turned round */
        assert_true(t[3].in == t[2].out && t[3].out == t[2].in);
        assert_true(t[4].in == t[2].in && t[4].out == t[2].out); /* fractions are the same line */
        end(&r);
    }
}

/* Random trembling about standing points on and near the line, smaller than the dead zone: nothing, for ever. */
static void jitter(void **state)
{
    (void)state;
    rig r = make(&across, 1, NULL, 0);
    seed = 11;
    for (int f = 0; f < 3000; f++) {
        fv_detection d[30];
        for (int i = 0; i < 30; i++) {
            double stand = 395 + 10 * i / 29.0; /* from the upper to the lower edge of the dead zone */
            double room = i < 15 ? 404.9 - stand : stand - 395.1;
            d[i] = person(i + 1, 300 + 10 * i + uniform(), stand + (i < 15 ? 1 : -1) * uniform() * room);
        }
        frame(&r, d, 30);
    }
    expect(&r, 0, 0, 0);
    end(&r);
}

/* ---- zones ---- */

static const double square[] = {300, 300, 700, 300, 700, 600, 300, 600};
static const fv_zone hall = {.name = "hall", .xy = square, .n_points = 4};

static fv_zone_totals zone(const rig *r, int z)
{
    fv_zone_totals t;
    fv_counter_zone(r->c, z, &t);
    assert_int_equal(t.entered, r->entered[z]);
    assert_int_equal(t.left, r->left[z]);
    assert_int_equal(t.left, r->dwelt[z]);
    assert_int_equal(t.entered - t.left, t.occupancy);
    assert_true(t.max >= t.occupancy && t.occupancy >= 0);
    return t;
}

static void enters_and_leaves(void **state)
{
    (void)state;
    rig r = make(NULL, 0, &hall, 1);
    for (int x = 200; x <= 500; x += 20) at(&r, x, 450); /* inside from x = 300: frame 5, accepted beyond 305 */
    assert_int_equal(zone(&r, 0).occupancy, 1);
    assert_true(fv_counter_inside(r.c, 0, 7) && !fv_counter_inside(r.c, 0, 8) && !fv_counter_inside(r.c, 1, 7));
    for (int x = 520; x <= 800; x += 20) at(&r, x, 450); /* outside from x = 700 */
    fv_zone_totals t = zone(&r, 0);
    assert_true(t.entered == 1 && t.left == 1 && t.max == 1 && t.occupancy == 0);
    assert_int_equal(r.last.type, FV_EVENT_DWELL);
    assert_true(fabs(r.last.seconds - 2.0) < 0.11); /* 400 pixels at 200 a second */
    assert_true(fabs(t.dwell_mean_s - r.last.seconds) < 1e-9 && fabs(t.dwell_p95_s - r.last.seconds) < 0.05);
    end(&r);
}

static void zone_edges(void **state)
{
    (void)state;
    rig r = make(NULL, 0, &hall, 1);
    at(&r, 250, 450);
    for (int i = 0; i < 300; i++) at(&r, i % 2 ? 303 : 297, 450); /* trembles on the edge */
    assert_int_equal(zone(&r, 0).entered, 0);
    for (int i = 0; i < 10; i++) at(&r, 303, 450); /* stands just inside: after half a second it is in */
    assert_int_equal(zone(&r, 0).occupancy, 1);
    for (int i = 0; i < 300; i++) at(&r, i % 2 ? 303 : 297, 450);
    assert_int_equal(zone(&r, 0).occupancy, 1);
    for (int i = 0; i < 10; i++) at(&r, 297, 450);
    assert_int_equal(zone(&r, 0).occupancy, 0);
    assert_int_equal(r.n_events, 3);
    end(&r);
}

static void appears_inside_and_vanishes(void **state)
{
    (void)state;
    rig r = make(NULL, 0, &hall, 1);
    at(&r, 500, 450);
    assert_int_equal(zone(&r, 0).occupancy, 0); /* not confirmed */
    for (int i = 0; i < 9; i++) at(&r, 500, 450);
    assert_int_equal(zone(&r, 0).occupancy, 1);
    away(&r, 15); /* hidden for less than forget_s */
    assert_int_equal(zone(&r, 0).occupancy, 1);
    at(&r, 500, 450); /* frame 25 */
    away(&r, 21);
    assert_int_equal(zone(&r, 0).occupancy, 0);
    assert_true(fabs(r.last.seconds - 2.5) < 1e-9); /* frame 0 to frame 25, when it was last seen */
    for (int i = 0; i < 5; i++) at(&r, 500, 450); /* the same id again: a new stay */
    finish(&r);
    fv_zone_totals t = zone(&r, 0);
    assert_true(t.entered == 2 && t.left == 2 && t.occupancy == 0 && t.max == 1);
    r.frame = 0; /* another source: stamps and ids begin again */
    at(&r, 500, 450);
    at(&r, 500, 450);
    assert_int_equal(zone(&r, 0).entered, 3);
    end(&r);
}

/* Zones drawn up to the border of the frame, in fractions or to the last pixel: people cut off by it are inside. */
static void border_of_the_frame(void **state)
{
    (void)state;
    fv_zone zones[3] = {{.xy = (const double[]){0, 0, 1, 0, 1, 1, 0, 1}, .n_points = 4},
                        {.xy = (const double[]){500, 0, 999, 0, 999, 799, 500, 799}, .n_points = 4},
                        {.xy = (const double[]){100, 100, 900, 100, 900, 700, 100, 700}, .n_points = 4}};
    rig r = make(NULL, 0, zones, 3);
    for (int i = 0; i < 2; i++) {
        fv_detection d[3] = {person(1, 250, H), person(2, 700, H), person(3, W, H)};
        frame(&r, d, 3);
    }
    assert_int_equal(zone(&r, 0).occupancy, 3);
    assert_int_equal(zone(&r, 1).occupancy, 2);
    assert_int_equal(zone(&r, 2).occupancy, 0);
    for (int i = 0; i < 50; i++) at(&r, 250, i % 2 ? H : H - 3); /* trembling at the border is no leaving */
    assert_int_equal(zone(&r, 0).left, 3); /* only those that are not seen any more */
    assert_int_equal(zone(&r, 0).entered, 4);
    end(&r);
}

static void odd_outlines(void **state)
{
    (void)state;
    static const double bow[] = {0.2, 0.2, 0.8, 0.8, 0.8, 0.2, 0.2, 0.8}; /* crosses itself */
    static const double notch[] = {100, 100, 900, 100, 900, 700, 500, 200, 100, 700};
    const int dogs[] = {16};
    fv_zone zones[3] = {{.xy = bow, .n_points = 4}, {.xy = notch, .n_points = 5}, {.xy = square, .n_points = 4, .classes = dogs, .n_classes = 1}};
    rig r = make(NULL, 0, zones, 3);
    for (int i = 0; i < 3; i++) {
        fv_detection d[2] = {person(1, 250, 400), person(2, 500, 500)};
        frame(&r, d, 2);
    }
    assert_true(fv_counter_inside(r.c, 0, 1) && !fv_counter_inside(r.c, 0, 2));
    assert_true(fv_counter_inside(r.c, 1, 1) && !fv_counter_inside(r.c, 1, 2)); /* in the notch is outside */
    assert_int_equal(zone(&r, 2).entered, 0);
    finish(&r);
    for (int z = 0; z < 3; z++) assert_int_equal(zone(&r, z).occupancy, 0);
    end(&r);
}

static void random_crowd(void **state)
{
    (void)state;
    fv_zone zones[2] = {hall, {.xy = (const double[]){0, 0, 1, 0, 1, 1, 0, 1}, .n_points = 4}};
    rig r = make(&across, 1, zones, 2);
    seed = 99;
    for (int f = 0; f < 2000; f++) {
        fv_detection d[40];
        int n = 0;
        for (int i = 0; i < 40; i++)
            if (uniform() < 0.7) d[n++] = person(1 + i + 40 * (f / 100), uniform() * W, uniform() * H);
        frame(&r, d, n);
        zone(&r, 0);
        zone(&r, 1);
    }
    finish(&r);
    assert_int_equal(zone(&r, 0).occupancy + zone(&r, 1).occupancy, 0);
    assert_true(zone(&r, 1).entered > 700);
    expect(&r, 0, (int)r.in[0], (int)r.out[0]);
    end(&r);
}

/* 10 000 at once and many more over time: every one counted, memory bounded. */
static void ten_thousand(void **state)
{
    (void)state;
    enum { N = 10000 };
    rig r = make(&across, 1, &hall, 1);
    fv_detection *d = calloc(N, sizeof *d);
    for (int f = 0; f < 4; f++) {
        for (int i = 0; i < N; i++) d[i] = person(N - i, 210 + 580.0 * i / N, f < 2 ? 350 : 450); /* ids from high to low */
        frame(&r, d, N);
    }
    expect(&r, 0, N, 0);
    uint64_t before = fvi_alloc_count();
    for (int f = 0; f < 200; f++) {
        for (int i = 0; i < 500; i++) d[i] = person(N + 1 + f * 500 + i, 500, 350);
        frame(&r, d, 500);
    }
    uint64_t used = fvi_alloc_count() - before;
    assert_in_range(used, 0, 20000); /* 100 000 tracks passed; slots are used again */
    free(d);
    end(&r);
}

static void frame_size_changes(void **state)
{
    (void)state;
    fv_line half = {.x1 = 0.2, .y1 = 0.5, .x2 = 0.8, .y2 = 0.5};
    rig r = make(&half, 1, NULL, 0);
    at(&r, 500, 300);
    at(&r, 500, 300);
    fv_detection d = person(7, 1000, 600); /* the same place in frames of twice the size */
    fv_detections dets = {&d, 1, 1};
    const fv_event *e;
    int n;
    assert_int_equal(fv_counter_update(r.c, &dets, 1, 2, 2 * W, 2 * H, &e, &n), FV_OK);
    assert_int_equal(n, 0);
    d = person(7, 1000, 900);
    assert_int_equal(fv_counter_update(r.c, &dets, 2, 3, 2 * W, 2 * H, &e, &n), FV_OK);
    assert_int_equal(n, 1);
    assert_int_equal(e[0].inward, 1);
    end(&r);
}

static void refused(fv_status want, const char *word, const fv_count_options *o)
{
    fv_counter *c = (fv_counter *)(uintptr_t)1;
    fv_error err = {0};
    assert_int_equal(fv_counter_create(&c, o, &err), want);
    assert_null(c);
    if (!strstr(err.text, word)) fail_msg("'%s' is not in '%s'", word, err.text);
}

static void refused_shapes(void **state)
{
    (void)state;
    fv_line point = {.name = "dot", .x1 = 5, .y1 = 5, .x2 = 5, .y2 = 5}, nan_line = {.name = "nan", .x1 = NAN, .x2 = 1}, anchor = across;
    anchor.anchor = (fv_anchor)77;
    static const double flat[] = {10, 10, 50, 10, 90, 10};
    fv_zone two = {.name = "two", .xy = flat, .n_points = 2}, thin = {.name = "thin", .xy = flat, .n_points = 3}, none = {.name = "none", .n_points = 3},
            huge = {.name = "huge", .xy = flat, .n_points = 100000};
    refused(FV_ERR_ARGUMENT, "'dot' has no length", FV_COUNT_OPTIONS(.lines = &point, .n_lines = 1));
    refused(FV_ERR_ARGUMENT, "'nan'", FV_COUNT_OPTIONS(.lines = &nan_line, .n_lines = 1));
    refused(FV_ERR_ARGUMENT, "anchor", FV_COUNT_OPTIONS(.lines = &anchor, .n_lines = 1));
    refused(FV_ERR_ARGUMENT, "'two'", FV_COUNT_OPTIONS(.zones = &two, .n_zones = 1));
    refused(FV_ERR_ARGUMENT, "'thin' has no area", FV_COUNT_OPTIONS(.zones = &thin, .n_zones = 1));
    refused(FV_ERR_ARGUMENT, "'none'", FV_COUNT_OPTIONS(.zones = &none, .n_zones = 1));
    refused(FV_ERR_ARGUMENT, "'huge'", FV_COUNT_OPTIONS(.zones = &huge, .n_zones = 1));
    refused(FV_ERR_ARGUMENT, "missing", FV_COUNT_OPTIONS(.n_lines = 1));
    refused(FV_ERR_LIMIT, "limit", FV_COUNT_OPTIONS(.lines = &across, .n_lines = 100000));
    refused(FV_ERR_ARGUMENT, "hysteresis", FV_COUNT_OPTIONS(.hysteresis = NAN));
    for (int n = 1; n < 12; n++) {
        fv_counter *c = NULL;
        fvi_alloc_fail_after(n);
        fv_status st = fv_counter_create(&c, FV_COUNT_OPTIONS(.lines = &across, .n_lines = 1, .zones = &hall, .n_zones = 1), NULL);
        fvi_alloc_fail_after(0);
        assert_true(st == FV_ERR_MEMORY ? !c : st == FV_OK && c);
        fv_counter_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_across), cmocka_unit_test(jumps_and_hides), cmocka_unit_test(beside_the_segment), cmocka_unit_test(along_the_line),
        cmocka_unit_test(trembles), cmocka_unit_test(appears_on_it), cmocka_unit_test(without_hysteresis), cmocka_unit_test(confirmation),
        cmocka_unit_test(untracked_and_broken), cmocka_unit_test(classes), cmocka_unit_test(anchors), cmocka_unit_test(random_walks),
        cmocka_unit_test(jitter), cmocka_unit_test(enters_and_leaves), cmocka_unit_test(zone_edges), cmocka_unit_test(appears_inside_and_vanishes),
        cmocka_unit_test(border_of_the_frame), cmocka_unit_test(odd_outlines), cmocka_unit_test(random_crowd), cmocka_unit_test(ten_thousand), cmocka_unit_test(frame_size_changes),
        cmocka_unit_test(refused_shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
