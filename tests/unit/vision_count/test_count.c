/* The counter as a whole: very many tracks, frames that change size, what is refused, memory that runs out. */
#include "rig.h"
#include "base/alloc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
        cmocka_unit_test(ten_thousand), cmocka_unit_test(frame_size_changes), cmocka_unit_test(refused_shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
