/* Time stamps of live sources: regular, jittered, missing, repeated, wrapped, of the next connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "../../../src/media/clock.c"

static fvi_media_live_clock fresh(void)
{
    fvi_media_live_clock c = {.burst = 5};
    fvi_media_live_clock_connect(&c, 0.04);
    return c;
}

static void stamps_win_over_arrival(void **state)
{
    (void)state;
    fvi_media_live_clock c = fresh();
    for (int i = 0; i < 100; i++) { /* packets arrive in bursts, the stamps are even */
        double pts = fvi_media_live_clock_next(&c, 1000 + i * 0.04, 50 + (i / 10) * 0.4);
        assert_float_equal(pts, i * 0.04, 1e-9);
    }
}

static void without_stamps_arrival_counts(void **state)
{
    (void)state;
    fvi_media_live_clock c = fresh();
    for (int i = 0; i < 50; i++) assert_float_equal(fvi_media_live_clock_next(&c, NAN, 7 + i * 0.1), i * 0.1, 1e-9);
}

static void a_new_connection_goes_on_at_the_wall_clock(void **state)
{
    (void)state;
    fvi_media_live_clock c = fresh();
    fvi_media_live_clock_next(&c, 90000, 10);
    assert_float_equal(fvi_media_live_clock_next(&c, 90000.04, 10.05), 0.04, 1e-9);
    fvi_media_live_clock_connect(&c, 0.04);
    assert_float_equal(fvi_media_live_clock_next(&c, 3, 25), 15, 1e-9); /* away for 15 s */
    assert_float_equal(fvi_media_live_clock_next(&c, 3.04, 25.1), 15.04, 1e-9);
}

static void jumps_wraps_and_repeats_never_run_backwards(void **state)
{
    (void)state;
    static const double odd[] = {0, 0.04, 0.04, 0.04, 0.02, 95443, 95443.04, -95443, 0.1, NAN, 0.2, 1e300, 0.3, -1e300, INFINITY, 0.5};
    fvi_media_live_clock c = fresh();
    double last = -1, arrival = 0;
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
            double pts = fvi_media_live_clock_next(&c, odd[i], arrival += 0.04);
            if (!(pts > last)) fail_msg("stamp %zu: %g after %g", i, pts, last);
            assert_true(fabs(pts - arrival) < 6); /* never far from the truth */
            last = pts;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stamps_win_over_arrival), cmocka_unit_test(without_stamps_arrival_counts),
                                       cmocka_unit_test(a_new_connection_goes_on_at_the_wall_clock),
                                       cmocka_unit_test(jumps_wraps_and_repeats_never_run_backwards)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
