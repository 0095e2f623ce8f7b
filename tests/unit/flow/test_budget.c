/* test_budget.c: the controller of looks: whatever else takes time, about 3 frames in 100 miss, and no more time is left unused than that takes; with a sudden load it
 * gives way at once. */
#include "flow/tiled_budget.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static uint32_t seed = 7;
static double unit(void) { return (double)((seed = seed * 1664525u + 1013904223u) >> 8) / 16777216.0; }

/* A film: looks of `look` ms with some luck, `other` ms of waiting and so on with a tail. Returns the share of frames after the first 200 that missed; *used: mean looks. */
static double play(fvi_flow_budget *b, double budget, double look, double other, int frames, double *used)
{
    int missed = 0, counted = 0;
    *used = 0;
    for (int i = 0; i < frames; i++) {
        int n = fvi_flow_budget_looks(b, 1000);
        double looks = n * look * (0.9 + 0.2 * unit()), beside = 1 + unit(), rest = other * (unit() < 0.02 ? 3 : 0.8 + 0.4 * unit());
        fvi_flow_budget_took(b, n, looks, beside);
        bool miss = fvi_flow_budget_tell(b, looks + beside + rest);
        assert_true(miss == (looks + beside + rest > budget));
        if (i < 200) continue;
        missed += miss;
        *used += n;
        counted++;
    }
    *used /= counted;
    return (double)missed / counted;
}

static void misses_are_few_and_time_is_used(void **state)
{
    (void)state;
    static const double cases[][3] = {{100, 5, 10}, {100, 5, 30}, {200, 40, 20}, {33, 2, 0}, {1000, 7, 300}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fvi_flow_budget b;
        double used;
        assert_int_equal(fvi_flow_budget_init(&b, cases[i][0]), FV_OK);
        double missed = play(&b, cases[i][0], cases[i][1], cases[i][2], 4000, &used), most = (cases[i][0] - 2 - cases[i][2]) / cases[i][1];
        if (missed > 0.05) fail_msg("case %zu: %.3f of the frames missed", i, missed);
        if (used < 0.6 * most - 1) fail_msg("case %zu: %.1f looks a frame of %.1f", i, used, most);
        fvi_flow_budget_destroy(&b);
    }
}

static void a_sudden_load_is_met(void **state)
{
    (void)state;
    fvi_flow_budget b;
    double used, before;
    assert_int_equal(fvi_flow_budget_init(&b, 100), FV_OK);
    play(&b, 100, 5, 10, 1000, &before);
    int misses = 0; /* everything else takes 60 ms from now on: how many frames until it fits again? */
    for (int i = 0; i < 50; i++) {
        int n = fvi_flow_budget_looks(&b, 1000);
        fvi_flow_budget_took(&b, n, 5.0 * n, 1);
        misses += fvi_flow_budget_tell(&b, 5.0 * n + 61);
    }
    assert_true(misses >= 1 && misses <= 9);
    assert_true(play(&b, 100, 5, 60, 2000, &used) <= 0.06 && used < before / 1.5 && used >= 1);
    fvi_flow_budget_destroy(&b);
}

/* One look takes longer than the budget: one in four frames, as many misses. A look of a third of what is there: every frame has some. No budget: all. */
static void the_ends(void **state)
{
    (void)state;
    fvi_flow_budget b;
    assert_int_equal(fvi_flow_budget_init(&b, 10), FV_OK);
    for (int i = 0; i < 40; i++) {
        int n = fvi_flow_budget_looks(&b, 33);
        assert_int_equal(n, i % 4 == 3);
        fvi_flow_budget_took(&b, n, 50.0 * n, 1);
        assert_true(fvi_flow_budget_tell(&b, 50.0 * n + 1) == (n > 0));
    }
    assert_true(b.missed == 10 && b.told == 40 && fvi_flow_budget_look_ms(&b) == 50);
    fvi_flow_budget_destroy(&b);
    assert_int_equal(fvi_flow_budget_init(&b, 0), FV_OK);
    assert_int_equal(fvi_flow_budget_looks(&b, 33), 33);
    assert_false(fvi_flow_budget_tell(&b, 1e6));
    assert_int_equal(fvi_flow_budget_looks(&b, 33), 33);
    fvi_flow_budget_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(misses_are_few_and_time_is_used), cmocka_unit_test(a_sudden_load_is_met), cmocka_unit_test(the_ends)};
    return cmocka_run_group_tests_name("flow/budget", tests, NULL, NULL);
}
