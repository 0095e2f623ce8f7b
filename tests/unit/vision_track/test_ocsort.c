/* What OC-SORT promises beside what every tracker does (test_trackers.c): boxes as detected, evidence before an identity,
 * the direction of observations, and a filter that is set right when a track is found again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "vision/track/kalman.h"
#include <fovea/track.h>
#include <math.h>
#include <stdbool.h>

static fv_detection items[64];
static fv_detections D = {items, 0, 64};

static void add(double cx, double cy, double w, double h, float conf)
{
    items[D.count++] = (fv_detection){.box = {(float)(cx - w / 2), (float)(cy - h / 2), (float)(cx + w / 2), (float)(cy + h / 2)}, .confidence = conf};
}

static fv_tracker *make(float low)
{
    fv_tracker *t = NULL;
    assert_int_equal(fv_tracker_create(&t, FV_TRACK_OPTIONS(.tracker = "ocsort", .track_low = low), NULL), FV_OK);
    return t;
}

static void step(fv_tracker *t, double pts) { assert_int_equal(fv_tracker_update(t, &D, pts), FV_OK); }

static int id_near(double cx, double cy)
{
    for (int i = 0; i < D.count; i++)
        if (hypot((items[i].box[0] + items[i].box[2]) / 2 - cx, (items[i].box[1] + items[i].box[3]) / 2 - cy) < 12) return items[i].track_id;
    return 0;
}

/* In the first three frames everything is reported; later a track has to be found three frames in a row first (and then
 * is reported whenever it is found), and boxes are those of the detector, to the last digit. */
static void evidence(void **state)
{
    (void)state;
    fv_tracker *t = make(0);
    for (int f = 0; f < 12; f++) {
        D.count = 0;
        add(100.25 + f * 1.5, 200, 40, 90, 0.9f);
        if (f >= 5 && f != 9) add(400.125, 200 + f, 40, 90, 0.8f);
        step(t, f / 30.0);
        assert_int_equal(D.count, 1 + (f >= 7 && f != 9));
        assert_true(items[0].track_id == 1 && items[0].box[0] == (float)(100.25 + f * 1.5 - 20));
        if (f >= 7 && f != 9) assert_true(items[1].track_id == 2 && items[1].box[3] == (float)(200 + f + 45));
    }
    fv_tracker_free(&t);
}

/* Weak boxes are not looked at unless track_low says so. */
static void second_association(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        fv_tracker *t = make(with ? 0.1f : 0);
        for (int f = 0; f < 20; f++) {
            D.count = 0;
            add(100 + 2 * f, 200, 40, 90, f < 10 ? 0.9f : 0.15f);
            step(t, f / 30.0);
            assert_int_equal(D.count, f < 10 || with);
        }
        fv_tracker_free(&t);
    }
}

/* OCM: a box on either side overlaps equally; the one that keeps the direction belongs to the track. */
static void direction(void **state)
{
    (void)state;
    for (int side = -1; side <= 1; side += 2) {
        fv_tracker *t = make(0);
        for (int f = 0; f < 10; f++) {
            D.count = 0;
            add(300 + 4.0 * side * f, 200, 60, 120, 0.9f);
            step(t, f / 30.0);
        }
        double expected = 300 + 4.0 * side * 10;
        D.count = 0;
        add(expected - 14 * side, 200, 60, 120, 0.9f); /* the first in the list turns back */
        add(expected + 14 * side, 200, 60, 120, 0.9f);
        step(t, 10 / 30.0);
        assert_int_equal(id_near(expected + 14 * side, 200), 1);
        fv_tracker_free(&t);
    }
}

/* OCR and ORU: who turned a corner while hidden is not where it was expected, but near where it was seen last. After that
 * it is expected on the new way, so that it is found once more when it was hidden for so long that nothing overlaps the last
 * sighting. */
static void found_again(void **state)
{
    (void)state;
    fv_tracker *t = make(0);
    double x = 300, y = 200;
    const int seen_until = 20, back = 30, hidden = 36, again = 56, n = 66;
    for (int f = 0; f < n; f++) {
        D.count = 0;
        if (f < seen_until)
            x += 1.5;
        else
            y += 1.6;
        bool there = f < seen_until || (f >= back && f < hidden) || f >= again;
        if (there) add(x, y, 40, 40, 0.9f);
        step(t, f / 30.0);
        if (!there) assert_int_equal(D.count, 0);
        if (there) assert_int_equal(id_near(x, y), 1);
    }
    assert_int_equal(fv_tracker_total(t), 1);
    fv_tracker_free(&t);
}

/* The filter by itself: a straight walk is followed, the prediction between measurements lies on it, and an object that
 * shrinks does not turn inside out. */
static void filter(void **state)
{
    (void)state;
    fvi_kalman k;
    float box[4], out[4];
    for (int f = 0; f < 60; f++) {
        for (int i = 0; i < 4; i++) box[i] = (float)(i % 2 ? (i == 1 ? 100 : 180) + f : (i == 0 ? 50 : 90) + 3 * f);
        if (f == 0)
            fvi_kalman_area_start(&k, box);
        else
            fvi_kalman_area_predict(&k, 1);
        fvi_kalman_area_box(&k, out);
        for (int i = 0; i < 4 && f > 20; i++) assert_true(fabsf(out[i] - box[i]) < 0.2f);
        fvi_kalman_area_update(&k, box);
    }
    fvi_kalman_area_predict(&k, 10);
    fvi_kalman_area_box(&k, out);
    assert_true(fabsf(out[0] - (50 + 3 * 69)) < 0.5f && fabsf(out[3] - (180 + 69)) < 0.5f);
    for (int f = 0; f < 100; f++) {
        float s = 60 * powf(0.9f, (float)f) + 0.01f;
        const float small[4] = {100, 100, 100 + s, 100 + 2 * s};
        fvi_kalman_area_update(&k, small);
        fvi_kalman_area_predict(&k, 30);
        fvi_kalman_area_box(&k, out);
        for (int i = 0; i < 4; i++) assert_true(isfinite(out[i]));
        assert_true(out[2] > out[0] && out[3] > out[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(evidence), cmocka_unit_test(second_association), cmocka_unit_test(direction),
                                       cmocka_unit_test(found_again), cmocka_unit_test(filter)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
