/* fv_stream: results in order and complete, the newest for who is slow with a camera, how it ends, what it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "fakes.h"
#include <fovea/stream.h>
#include <pthread.h>

#define TINY FV_SOURCE_DIR "/tests/unit/flow/tiny_fixed.onnx"

static void everything_in_order(void **state)
{
    (void)state;
    fake_source src;
    fake_detector det;
    fv_stream *s;
    fv_result r;
    fv_metrics m;
    fv_error err = {0};
    fake_source_init(&src, 50);
    fake_detector_init(&det, 4);
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .detector = &det.d), &err), FV_OK);
    assert_string_equal(fv_stream_info(s)->name, "fake");
    assert_ptr_equal(fv_stream_detector(s), &det.d);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(fv_stream_next(s, &r, &err), FV_OK);
        assert_int_equal(r.frame->index, i);
        assert_ptr_equal(r.frame, r.original);
        assert_int_equal(r.frame->plane[0][5], i); /* the pixels are there for as long as the result is */
        assert_true(r.dets->count == 1 && r.dets->items[0].box[0] == (float)(1 + i % 40));
        assert_true(!r.n_events && !r.n_lines && !r.n_zones);
        assert_string_equal(r.source, "fake");
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fv_stream_next(s, &r, &err), FV_END);
        assert_null(r.frame);
    }
    fv_stream_metrics(s, &m);
    assert_true(m.decoded == 50 && m.processed == 50 && m.dropped == 0);
    fv_stream_close(&s);
    assert_null(s);
    assert_int_equal(atomic_load(&src.alive), 0);
}

/* Boxes walk 40 pixels to the right, over a line and into a zone, and are still in it at the end. */
static void counts(void **state)
{
    (void)state;
    fake_source src;
    fake_detector det;
    fv_stream *s;
    fv_result r;
    fv_error err = {0};
    int64_t crossed_at = -1;
    int crossings = 0, entered = 0, left = 0;
    fake_source_init(&src, 39);
    fake_detector_init(&det, 1);
    {
        char name[8] = "line";
        double xy[8] = {30, 0, 64, 0, 64, 48, 30, 48}; /* gone before the first result is pulled */
        fv_line line = {.name = name, .x1 = 20, .y1 = 48, .x2 = 20, .y2 = 0};
        fv_zone zone = {.name = "zone", .xy = xy, .n_points = 4, .anchor = FV_ANCHOR_CENTER};
        assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .detector = &det.d, .paint = FV_PAINT_OPTIONS(.line_width = 1),
                                                              .count = FV_COUNT_OPTIONS(.lines = &line, .n_lines = 1, .zones = &zone, .n_zones = 1)), &err), FV_OK);
        memset(name, 'x', sizeof name);
        memset(xy, 255, sizeof xy);
    }
    while (fv_stream_next(s, &r, &err) == FV_OK) {
        assert_true(r.n_lines == 1 && r.n_zones == 1);
        assert_ptr_not_equal(r.frame, r.original); /* painted */
        for (int i = 0; i < r.n_events; i++) {
            crossings += r.events[i].type == FV_EVENT_CROSS;
            entered += r.events[i].type == FV_EVENT_ENTER;
            if (r.events[i].type == FV_EVENT_CROSS) crossed_at = r.events[i].frame;
        }
        assert_int_equal(r.lines[0].in + r.lines[0].out, crossings); /* the totals are those of this frame, not of a later one */
        assert_int_equal(r.zones[0].entered, entered);
    }
    assert_true(crossings == 1 && crossed_at > 10 && entered == 1);
    for (int i = 0; i < r.n_events; i++) left += r.events[i].type == FV_EVENT_LEAVE;
    assert_true(left == 1 && r.n_zones == 1 && r.zones[0].left == 1 && r.zones[0].occupancy == 0 && r.lines[0].in == 1);
    assert_int_equal(fv_stream_next(s, &r, &err), FV_END);
    assert_true(!r.n_events && r.lines[0].in == 1);
    fv_stream_close(&s);
    assert_int_equal(atomic_load(&src.alive), 0);
}

/* A camera that is faster than who pulls: never old results, and every frame is accounted for. */
static void newest_for_slow_ones(void **state)
{
    (void)state;
    fake_source src;
    fake_detector det;
    fv_stream *s;
    fv_result r;
    fv_metrics m;
    fv_error err = {0};
    int pulled = 0, old = 0;
    int64_t last = -1;
    fake_source_init(&src, 300);
    src.s.info.kind = FV_SOURCE_LIVE;
    src.us = 1000;
    fake_detector_init(&det, 1);
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .detector = &det.d), &err), FV_OK);
    for (int64_t at = 0; fv_stream_next(s, &r, &err) == FV_OK; at = atomic_load(&src.at)) {
        assert_true(r.frame->index > last);
        last = r.frame->index;
        old += at - last > 15; /* what was there when it was asked for; a queue that fills up would make it 60 and more */
        pulled++;
        nap_us(20000);
    }
    fv_stream_metrics(s, &m);
    assert_int_equal(m.decoded, 300);
    assert_int_equal(m.processed, pulled);
    assert_int_equal(m.decoded, m.processed + m.dropped);
    assert_true(m.dropped > 100);
    assert_int_equal(last, 299); /* the last frame is the newest there is */
    fv_stream_close(&s);
    assert_int_equal(atomic_load(&src.alive), 0);
    if (old > pulled / 2) fail_msg("%d of %d results were old", old, pulled);
}

static void nothing_yet(void **state)
{
    (void)state;
    fake_source src;
    fake_detector det;
    fv_stream *s;
    fv_result r;
    fv_error err = {0};
    int again = 0, got = 0;
    fv_status st;
    fake_source_init(&src, 3);
    src.us = 60000;
    fake_detector_init(&det, 1);
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .detector = &det.d, .wait_s = 0.01), &err), FV_OK);
    while ((st = fv_stream_next(s, &r, &err)) != FV_END) {
        assert_true(st == FV_OK || st == FV_AGAIN);
        assert_true((st == FV_OK) == (r.frame != NULL));
        *(st == FV_OK ? &got : &again) += 1;
    }
    assert_true(got == 3 && again >= 3);
    fv_stream_close(&s);
}

static int run_to_end(fv_stream *s, fv_status *end, fv_error *err)
{
    fv_result r;
    int n = 0;
    while ((*end = fv_stream_next(s, &r, err)) == FV_OK) n++;
    assert_null(r.frame);
    assert_int_equal(fv_stream_next(s, &r, err), *end); /* and it stays that way */
    return n;
}

static void bad_ends(void **state)
{
    (void)state;
    fake_source src;
    fake_detector det;
    fv_stream *s;
    fv_status end;
    fv_error err = {0};
    fake_detector_init(&det, 1);
    fake_source_init(&src, 20);
    src.partial_at = 12;
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .detector = &det.d), &err), FV_OK);
    assert_int_equal(run_to_end(s, &end, &err), 12);
    assert_int_equal(end, FV_PARTIAL);
    assert_string_equal(err.text, "the fake file is cut");
    fv_stream_close(&s);

    fake_source_init(&src, 20);
    src.fail_at = 7;
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .detector = &det.d), &err), FV_OK);
    assert_int_equal(run_to_end(s, &end, &err), 7);
    assert_int_equal(end, FV_ERR_INPUT);
    fv_stream_close(&s);

    fake_source_init(&src, 20);
    fake_detector_init(&det, 1);
    det.fail_at = 8; /* the first three runs are to get warm */
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .detector = &det.d), &err), FV_OK);
    assert_true(run_to_end(s, &end, &err) <= 5);
    assert_int_equal(end, FV_ERR_INTERNAL);
    assert_string_equal(err.text, "the fake network has no idea");
    fv_stream_close(&s);
    assert_int_equal(atomic_load(&src.alive), 0);
}

static void *stop_soon(void *stream)
{
    nap_us(20000);
    fv_stream_stop(stream);
    return NULL;
}

static void stopped_and_left(void **state)
{
    (void)state;
    fake_source src;
    fake_detector det;
    fv_stream *s;
    fv_result r;
    fv_status end;
    fv_error err = {0};
    pthread_t other;
    fake_detector_init(&det, 1);
    fake_source_init(&src, 1000000);
    src.us = 500;
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .detector = &det.d), &err), FV_OK);
    assert_int_equal(pthread_create(&other, NULL, stop_soon, s), 0);
    assert_true(run_to_end(s, &end, &err) < 1000000);
    assert_int_equal(end, FV_ERR_CANCELLED);
    pthread_join(other, NULL);
    fv_stream_close(&s);
    /* left alone in the middle, with results waiting and one being looked at; or at once */
    for (int pulls = 0; pulls < 4; pulls++) {
        fake_source_init(&src, 1000000);
        assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .detector = &det.d), &err), FV_OK);
        for (int i = 0; i < pulls; i++) assert_int_equal(fv_stream_next(s, &r, &err), FV_OK);
        if (pulls) nap_us(5000);
        fv_stream_close(&s);
        assert_int_equal(atomic_load(&src.alive), 0);
    }
    fv_stream_close(&s);
    fv_stream_close(NULL);
    fv_stream_stop(NULL);
}

/* The fake source makes one allocation a frame; the road from it to the puller makes none. */
static void does_not_allocate(void **state)
{
    (void)state;
    fake_source src;
    fake_detector det;
    fv_stream *s;
    fv_result r;
    fv_error err = {0};
    fv_line line = {.name = "l", .x1 = 20, .x2 = 20, .y2 = 48};
    fake_source_init(&src, 400);
    fake_detector_init(&det, 1);
    det.empty = true;
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .detector = &det.d, .count = FV_COUNT_OPTIONS(.lines = &line, .n_lines = 1)), &err), FV_OK);
    for (int i = 0; i < 200; i++) assert_int_equal(fv_stream_next(s, &r, &err), FV_OK);
    uint64_t before = fvi_alloc_count();
    int from = atomic_load(&src.at);
    for (int i = 0; i < 150; i++) assert_int_equal(fv_stream_next(s, &r, &err), FV_OK);
    int to = atomic_load(&src.at);
    uint64_t more = fvi_alloc_count() - before;
    assert_true(more <= (uint64_t)(to - from) + 2 && more > 100);
    fv_stream_close(&s);
}

static void by_model(void **state)
{
    (void)state;
    fake_source src;
    fv_stream *s;
    fv_result r;
    fv_error err = {0};
    fake_source_init(&src, 200);
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .model = TINY, .classes = " dog,0 ", .detect = FV_DETECT_OPTIONS(.conf = 0.3f)), &err), FV_OK);
    assert_string_equal(fv_detector_class_name(fv_stream_detector(s), 1), "dog");
    assert_int_equal(fv_detector_class_id(fv_stream_detector(s), "dog"), 1);
    assert_int_equal(fv_detector_class_id(fv_stream_detector(s), "cow"), -1);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(fv_stream_next(s, &r, &err), FV_OK);
        if (i == 0 || i == 199) assert_int_equal(r.dets->count, i == 199); /* its confidence is the brightness */
    }
    fv_stream_close(&s);
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .model = TINY, .classes = "horse"), &err), FV_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "'horse'"));
    assert_null(s);
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .model = TINY, .classes = "2"), &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .model = TINY, .classes = ","), &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .model = "no.onnx"), &err), FV_ERR_MODEL);
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .model = TINY, .track = FV_TRACK_OPTIONS(.tracker = "none")), &err), FV_ERR_ARGUMENT);
}

static void senseless(void **state)
{
    (void)state;
    fake_source src;
    fake_detector det;
    fv_stream *s = (fv_stream *)state;
    fv_error err = {0};
    fake_source_init(&src, 1);
    fake_detector_init(&det, 1);
    assert_int_equal(fv_stream_open(&s, NULL, &err), FV_ERR_ARGUMENT);
    assert_null(s);
    assert_int_equal(fv_stream_open(NULL, FV_STREAM_OPTIONS(.vid_stride = 1), &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.detector = &det.d), &err), FV_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "source"));
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s), &err), FV_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "model"));
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .source = "x", .detector = &det.d), &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .model = "x", .detector = &det.d), &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_stream_open(&s, FV_STREAM_OPTIONS(.input = &src.s, .detector = &det.d, .wait_s = -1), &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_stream_open(&s, &(fv_stream_options){.input = &src.s, .detector = &det.d}, &err), FV_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "FV_STREAM_OPTIONS"));
    assert_int_equal(fv_stream_next(NULL, &(fv_result){0}, &err), FV_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_in_order), cmocka_unit_test(counts),           cmocka_unit_test(newest_for_slow_ones), cmocka_unit_test(nothing_yet),
        cmocka_unit_test(bad_ends),            cmocka_unit_test(stopped_and_left), cmocka_unit_test(does_not_allocate),    cmocka_unit_test(by_model),
        cmocka_unit_test(senseless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
