/* What must be true of every tracker's answers, and what ByteTrack promises: found again after low scores and gaps, in
 * seconds and not in frames. The tests run once for each tracker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "base/clock.h"
#include <fovea/track.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX 4096
static fv_detection items[MAX];
static fv_detections D = {items, 0, MAX};

static const char *kind = "bytetrack";

static void begin(void) { D.count = 0; }
static void add(float x, float y, float w, float h, float conf)
{
    assert_true(D.count < MAX);
    items[D.count++] = (fv_detection){.box = {x, y, x + w, y + h}, .confidence = conf, .class_id = D.count % 3};
}

static fv_tracker *make(double buffer)
{
    fv_tracker *t = NULL;
    assert_int_equal(fv_tracker_create(&t, FV_TRACK_OPTIONS(.tracker = kind, .buffer_s = buffer), NULL), FV_OK);
    return t;
}

static int step(fv_tracker *t, double pts)
{
    assert_int_equal(fv_tracker_update(t, &D, pts), FV_OK);
    for (int i = 0; i < D.count; i++) {
        assert_true(items[i].track_id >= 1 && items[i].track_id <= fv_tracker_total(t));
        if (i) assert_true(items[i].track_id > items[i - 1].track_id); /* sorted, and so unique */
        for (int k = 0; k < 4; k++) assert_true(isfinite(items[i].box[k]));
    }
    return D.count;
}

/* One person walking right at 60 pixels a second; `seen` says whether the detector finds it. */
static int walker(fv_tracker *t, double pts, bool seen, float conf)
{
    begin();
    if (seen) add((float)(100 + 60 * pts), 200, 40, 100, conf);
    step(t, pts);
    return D.count ? items[0].track_id : 0;
}

static void first_frame_and_later(void **state)
{
    (void)state;
    fv_tracker *t = make(0);
    begin();
    add(0, 0, 50, 100, 0.9f);
    assert_int_equal(step(t, 0), 1); /* at once on the first frame */
    assert_int_equal(items[0].track_id, 1);
    begin();
    add(0, 0, 50, 100, 0.9f);
    add(300, 0, 50, 100, 0.9f);
    assert_int_equal(step(t, 0.033), 1); /* the new one has to be seen twice */
    begin();
    add(0, 0, 50, 100, 0.9f);
    add(300, 0, 50, 100, 0.9f);
    assert_int_equal(step(t, 0.066), 2);
    assert_int_equal(items[1].track_id, 2);
    begin();
    add(600, 0, 50, 100, 0.9f); /* seen once: no identity is spent on it */
    step(t, 0.1);
    begin();
    step(t, 0.133);
    assert_int_equal(fv_tracker_total(t), 2);
    fv_tracker_reset(t);
    assert_int_equal(fv_tracker_total(t), 0);
    begin();
    add(0, 0, 50, 100, 0.9f);
    assert_int_equal(step(t, 0), 1); /* stamps may start over */
    assert_int_equal(items[0].track_id, 1);
    fv_tracker_free(&t);
    assert_null(t);
}

static void low_scores_continue_but_do_not_start(void **state)
{
    (void)state;
    fv_tracker *t = make(0);
    for (int f = 0; f < 30; f++) {
        float conf = f == 0 ? 0.8f : 0.15f;
        int id = walker(t, f / 30.0, true, conf);
        assert_int_equal(id, 1);
        assert_true(fabsf(items[0].confidence - conf) < 1e-6f);
    }
    fv_tracker_reset(t);
    for (int f = 0; f < 30; f++) assert_int_equal(walker(t, f / 30.0, true, 0.2f), 0);
    assert_int_equal(fv_tracker_total(t), 0);
    fv_tracker_free(&t);
}

/* The buffer is in seconds at every frame rate. */
static void buffer_in_seconds(void **state)
{
    (void)state;
    const double rates[] = {5, 10, 15, 30, 60};
    for (int r = 0; r < 5; r++) {
        for (int longer = 0; longer < 2; longer++) {
            fv_tracker *t = make(1.0);
            double gap = longer ? 1.5 : 0.8;
            int before = 0, after = 0;
            for (int f = 0; f < (int)(6 * rates[r]); f++) {
                double pts = f / rates[r];
                bool seen = pts < 2 || pts >= 2 + gap;
                int id = walker(t, pts, seen, 0.9f);
                if (pts < 2) before = id;
                if (id && !seen) fail();
                if (pts > 4) after = id;
            }
            assert_int_equal(before, 1);
            assert_int_equal(after, longer ? 2 : 1);
            fv_tracker_free(&t);
        }
    }
}

/* Dropped frames: the same walk with two thirds of the frames missing at random keeps its identity, and the prediction
 * carries it over the holes. */
static void dropped_frames(void **state)
{
    (void)state;
    fv_tracker *t = make(0);
    srand(1);
    for (int f = 0; f < 300; f++) {
        if (f > 30 && rand() % 3) continue;
        begin();
        add(100 + 9.0f * (float)f, 200, 40, 100, 0.9f); /* 270 px/s: 36 px in 4 frames without overlap to speak of */
        step(t, f / 30.0);
        if (f > 0) assert_int_equal(D.count, 1);
        assert_int_equal(items[0].track_id, 1);
    }
    fv_tracker_free(&t);
}

/* A stream slower than the buffer, and one whose stamps do not move. */
static void odd_clocks(void **state)
{
    (void)state;
    fv_tracker *t = make(1.0);
    for (int f = 0; f < 10; f++) {
        begin();
        add(100 + (float)f, 200, 40, 100, 0.9f);
        assert_int_equal(step(t, 5.0 * f), 1);
        assert_int_equal(items[0].track_id, 1);
    }
    fv_tracker_reset(t);
    for (int f = 0; f < 100; f++) {
        begin();
        add(100 + 2.0f * (float)f, 200, 40, 100, 0.9f);
        assert_int_equal(step(t, 0), 1);
        assert_int_equal(items[0].track_id, 1);
    }
    begin();
    assert_int_equal(fv_tracker_update(t, &D, -1), FV_ERR_ARGUMENT);
    assert_int_equal(fv_tracker_update(t, &D, NAN), FV_ERR_ARGUMENT);
    assert_int_equal(fv_tracker_update(t, &D, 1e18), FV_OK);
    fv_tracker_free(&t);
}

static void crossing(void **state)
{
    (void)state;
    fv_tracker *t = make(0);
    int left = 0, right = 0;
    for (int f = 0; f < 120; f++) { /* two people walk through each other at different depths */
        begin();
        float xa = 100 + 4.0f * (float)f, xb = 580 - 4.0f * (float)f;
        add(xa, 200, 40, 100, 0.9f);
        if (fabsf(xa - xb) > 14) add(xb, 200, 32, 80, 0.8f); /* hidden behind the first for a moment */
        step(t, f / 30.0);
        if (f == 0) left = 1, right = 2;
    }
    assert_int_equal(D.count, 2);
    for (int i = 0; i < 2; i++) assert_int_equal(items[i].track_id, items[i].box[0] > 400 ? left : right);
    fv_tracker_free(&t);
}

static void refused_boxes(void **state)
{
    (void)state;
    fv_tracker *t = make(0);
    const float bad[] = {NAN, INFINITY, -INFINITY, 1e30f, 1e8f};
    for (int f = 0; f < 20; f++) {
        begin();
        add(100, 100, 40, 90, 0.9f);
        for (int i = 0; i < 20; i++) {
            add(200, 100, 40, 90, 0.9f);
            items[D.count - 1].box[i % 4] = bad[i / 4];
        }
        add(300, 100, 0, 50, 0.9f);
        add(300, 100, 50, -5, 0.9f);
        add(500, 100, 50, 50, NAN);
        add(700, 100, 50, 50, 2.0f);
        assert_int_equal(step(t, f / 30.0), 1);
    }
    assert_int_equal(fv_tracker_total(t), 1);
    fv_tracker_free(&t);
}

/* A second, doubtful box on the same object is not a second chance for a track that has been found. */
static void one_detection_a_track(void **state)
{
    (void)state;
    fv_tracker *t = make(0);
    for (int f = 0; f < 20; f++) {
        begin();
        add(100, 100, 40, 90, 0.9f);
        add(106, 104, 40, 90, 0.2f);
        assert_int_equal(step(t, f / 30.0), 1);
        assert_true(items[0].confidence > 0.8f);
        assert_true(fabsf(items[0].box[0] - 100) < 0.01f);
    }
    fv_tracker_free(&t);
}

/* A track that ends up exactly where a lost one waits is the same object: the longer history keeps its identity. */
static void duplicates(void **state)
{
    (void)state;
    fv_tracker *t = make(0);
    for (int f = 0; f < 59; f++) {
        begin();
        if (f < 30) add(100, 100, 60, 120, 0.9f);
        if (f >= 31) add(104 + 90 * powf(0.85f, (float)(f - 31)), 100, 60, 120, 0.9f); /* another one comes to rest there */
        step(t, f / 30.0);
    }
    assert_int_equal(D.count, 1);
    assert_int_equal(items[0].track_id, 1);
    assert_int_equal(fv_tracker_total(t), 2);
    fv_tracker_free(&t);
}

/* Random scenes: answers are subsets of what was detected, ids are never used again once given up, equal input gives equal
 * output, and nothing is allocated once the scene has been seen at its fullest. */
typedef struct scene {
    float x[60], y[60], vx[60], vy[60];
    unsigned seed;
} scene;
static float uniform(unsigned *s)
{
    *s = *s * 1664525u + 1013904223u;
    return (float)(*s >> 8) / 16777216.0f;
}
static void draw(scene *s)
{
    begin();
    for (int i = 0; i < 60; i++) {
        s->x[i] += s->vx[i];
        s->y[i] += s->vy[i];
        if (s->x[i] < 0 || s->x[i] > 1900) s->vx[i] = -s->vx[i];
        if (s->y[i] < 0 || s->y[i] > 1000) s->vy[i] = -s->vy[i];
        if (uniform(&s->seed) < 0.15f) continue;
        add(s->x[i] + uniform(&s->seed) * 3, s->y[i] + uniform(&s->seed) * 3, 40, 90, 0.05f + 0.9f * uniform(&s->seed));
    }
}
static void random_scenes(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 5; seed++) {
        fv_tracker *a = make(0), *b = make(0);
        scene s = {.seed = seed};
        static fv_detection copy[MAX];
        static int last_seen[100000];
        memset(last_seen, 0, sizeof last_seen);
        for (int i = 0; i < 60; i++) {
            s.x[i] = 1900 * uniform(&s.seed), s.y[i] = 1000 * uniform(&s.seed);
            s.vx[i] = 8 * uniform(&s.seed) - 4, s.vy[i] = 8 * uniform(&s.seed) - 4;
        }
        for (int f = 0; f < 600; f++) {
            draw(&s);
            if (f % 97 == 5) begin(); /* an empty frame now and then */
            memcpy(copy, items, sizeof items);
            int given = D.count;
            step(a, f / 25.0);
            assert_true(D.count <= given);
            for (int i = 0; i < D.count; i++) {
                int id = items[i].track_id;
                if (*kind == 'b') assert_true(!last_seen[id] || f - last_seen[id] <= 27); /* 1 s and the frame it was lost in */
                last_seen[id] = f;
            }
            static fv_detection first[MAX];
            int n = D.count;
            memcpy(first, items, sizeof items);
            memcpy(items, copy, sizeof items);
            D.count = given;
            step(b, f / 25.0);
            assert_int_equal(D.count, n);
            assert_memory_equal(items, first, sizeof *items * (size_t)n);
        }
        fv_tracker_free(&a);
        fv_tracker_free(&b);
    }
}

static void settles(void **state)
{
    (void)state;
    fv_tracker *t = make(0);
    uint64_t before = 0;
    for (int f = 0; f < 200; f++) {
        begin();
        for (int i = 0; i < 30; i++) add((float)(i * 60 + f % 7), 100, 40, 90, 0.9f);
        step(t, f / 30.0);
        if (f == 100) before = fvi_alloc_count();
    }
    assert_int_equal(fvi_alloc_count(), before);
    fv_tracker_free(&t);
}

/* Thousands of boxes, and as many that all lie on each other: bounded time (milliseconds, with a wide margin). */
static void crowds(void **state)
{
    (void)state;
    fv_tracker *t = make(0);
    int64_t start = fvi_now_ns();
    for (int f = 0; f < 5; f++) {
        begin();
        for (int i = 0; i < 3000; i++) add((float)(i % 60) * 30 + (float)f, (float)(i / 60) * 20, 36, 70, 0.3f + (float)(i % 7) / 10);
        step(t, f / 30.0);
    }
    assert_in_range(D.count, 2900, 3000);
    for (int f = 5; f < 7; f++) {
        begin();
        for (int i = 0; i < 1000; i++) add(100 + (float)i / 1000, 100, 500, 500, 0.9f);
        step(t, f / 30.0);
    }
    assert_true(fvi_ms(fvi_now_ns() - start) < 20000);
    fv_tracker_free(&t);
}

static void refused_options(void **state)
{
    (void)state;
    fv_tracker *t = (fv_tracker *)state;
    fv_error err = {0};
    assert_int_equal(fv_tracker_create(&t, FV_TRACK_OPTIONS(.tracker = "sort"), &err), FV_ERR_ARGUMENT);
    assert_null(t);
    assert_non_null(strstr(err.text, "bytetrack, ocsort"));
    assert_int_equal(fv_tracker_create(&t, FV_TRACK_OPTIONS(.tracker = kind, .match = 1.5f), &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_tracker_create(&t, FV_TRACK_OPTIONS(.buffer_s = -1), &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_tracker_create(&t, FV_TRACK_OPTIONS(.track_low = NAN), &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_tracker_create(&t, NULL, &err), FV_OK);
    assert_int_equal(fv_tracker_update(t, NULL, 0), FV_ERR_ARGUMENT);
    fv_tracker_free(&t);
    fv_tracker_free(&t);
    for (int n = 1; n < 30; n++) { /* every allocation may fail */
        fv_detections own = {0};
        fvi_alloc_fail_after(n);
        fv_status st = fv_tracker_create(&t, FV_TRACK_OPTIONS(.tracker = kind), NULL);
        for (int f = 0; f < 3 && st >= 0; f++) {
            begin();
            for (int i = 0; i < 20 << f; i++) add((float)i * 30, 100, 40, 90, 0.9f);
            own = D;
            st = fv_tracker_update(t, &own, f);
        }
        fvi_alloc_fail_after(0);
        assert_true(st == FV_OK || st == FV_ERR_MEMORY);
        if (t && st == FV_ERR_MEMORY) { /* and it goes on afterwards */
            begin();
            add(0, 0, 10, 10, 0.9f);
            assert_int_equal(fv_tracker_update(t, &D, 10), FV_OK);
        }
        fv_tracker_free(&t);
    }
}

int main(void)
{
    const struct CMUnitTest bytetrack[] = {
        cmocka_unit_test(first_frame_and_later), cmocka_unit_test(low_scores_continue_but_do_not_start), cmocka_unit_test(buffer_in_seconds),
        cmocka_unit_test(dropped_frames), cmocka_unit_test(odd_clocks), cmocka_unit_test(crossing), cmocka_unit_test(refused_boxes),
        cmocka_unit_test(one_detection_a_track), cmocka_unit_test(duplicates), cmocka_unit_test(random_scenes), cmocka_unit_test(settles), cmocka_unit_test(crowds), cmocka_unit_test(refused_options)};
    const struct CMUnitTest ocsort[] = {
        cmocka_unit_test(buffer_in_seconds), cmocka_unit_test(crossing), cmocka_unit_test(refused_boxes), cmocka_unit_test(odd_clocks),
        cmocka_unit_test(one_detection_a_track), cmocka_unit_test(random_scenes), cmocka_unit_test(settles), cmocka_unit_test(crowds),
        cmocka_unit_test(refused_options)};
    int bad = cmocka_run_group_tests(bytetrack, NULL, NULL);
    kind = "ocsort";
    return bad + cmocka_run_group_tests(ocsort, NULL, NULL);
}
