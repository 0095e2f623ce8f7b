/* docs/COUNTING.md, "Zones", sentence by sentence, and its laws in a random crowd. */
#include "rig.h"
#include <math.h>

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
    assert_true(zone(&r, 1).entered > 400);
    expect(&r, 0, (int)r.in[0], (int)r.out[0]);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enters_and_leaves), cmocka_unit_test(zone_edges),
        cmocka_unit_test(appears_inside_and_vanishes), cmocka_unit_test(border_of_the_frame),
        cmocka_unit_test(odd_outlines), cmocka_unit_test(random_crowd)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
