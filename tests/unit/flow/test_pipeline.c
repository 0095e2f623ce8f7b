/* test_pipeline.c: order, accounting, stops, failures of every stage, policies; with fake source, detector and sink. */
#include "fakes.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* What the callback saw. */
typedef struct seen {
    int results, events, stop_after;
    int64_t last;
    bool disorder, wrong_box, painted_original;
    fv_pipeline *stop;
} seen;

static int on_result(void *user, const fv_result *r)
{
    seen *s = user;
    s->results++;
    s->events += r->n_events;
    if (r->frame->index <= s->last) s->disorder = true;
    s->last = r->frame->index;
    for (int i = 0; i < r->dets->count; i++)
        if (r->dets->items[i].track_id == 0 && (int)r->dets->items[i].box[0] != 1 + (int)(r->frame->index % 40)) s->wrong_box = true;
    if (r->original->plane[0][0] != (r->original->index & 255)) s->painted_original = true;
    if (s->stop && s->results == 5) fv_pipeline_stop(s->stop);
    return s->stop_after && s->results >= s->stop_after;
}

static void check_accounts(fv_pipeline *p, fake_source *src)
{
    fv_metrics m;
    fv_pipeline_metrics(p, &m);
    assert_int_equal(m.decoded, src->at);
    assert_int_equal(m.decoded, m.processed + m.dropped + m.skipped);
    assert_int_equal(atomic_load(&src->alive), 0);
}

static fv_pipeline *make(fake_source *src, fake_detector *det, fake_sink *sink, seen *s, fv_pipeline_options *o)
{
    fv_pipeline *p = NULL;
    fv_error err = {0};
    o->size = sizeof *o;
    o->source = &src->s;
    o->detector = det ? &det->d : NULL;
    o->sink = sink ? &sink->s : NULL;
    if (s) {
        s->last = -1;
        o->on_result = on_result;
        o->user = s;
    }
    assert_int_equal(fv_pipeline_create(&p, o, &err), FV_OK);
    return p;
}

static void order_and_accounts(void **state)
{
    (void)state;
    for (int batch = 1; batch <= 4; batch += 3) {
        fake_source src;
        fake_detector det;
        fake_sink sink;
        seen s = {0};
        fv_error err = {0};
        fake_source_init(&src, 103);
        fake_detector_init(&det, batch);
        fake_sink_init(&sink);
        fv_pipeline *p = make(&src, &det, &sink, &s, &(fv_pipeline_options){0});
        assert_int_equal(fv_pipeline_run(p, &err), FV_OK);
        assert_int_equal(s.results, 103);
        assert_int_equal(sink.written, 103);
        assert_false(s.disorder || s.wrong_box || sink.disorder);
        assert_int_equal(det.biggest, batch);
        fv_metrics m;
        fv_pipeline_metrics(p, &m);
        assert_int_equal(m.processed, 103);
        assert_int_equal(m.stage[FV_STAGE_INFER].count, 103); /* the three warm-up runs are not in it */
        assert_int_equal(det.d.runs, 3 + (103 + batch - 1) / batch);
        assert_int_equal(m.end_to_end.count, 103);
        uint64_t in_buckets = 0;
        for (int i = 0; i < FV_METRICS_BUCKETS; i++) in_buckets += m.stage_hist[FV_STAGE_INFER][i];
        assert_int_equal(in_buckets, 103);
        assert_true(m.stage_hist[FV_STAGE_INFER][53] == 103); /* 1 ms = 0.1 * 2^(53.15/16) */
        assert_non_null(m.bottleneck);
        check_accounts(p, &src);
        fv_pipeline_free(&p);
        assert_null(p);
    }
}

typedef struct fake_team {
    fv_detector d;
    fake_detector member[3];
    fv_detector *members[3];
} fake_team;

/* Quick, slow and slower, so that frames overtake each other. */
static void fake_team_init(fake_team *t, int batch)
{
    for (int i = 0; i < 3; i++) {
        fake_detector_init(&t->member[i], batch);
        t->member[i].us = i * i * 700;
        t->members[i] = &t->member[i].d;
    }
    t->d = t->member[0].d;
    t->d.members = t->members;
    t->d.n_members = 3;
}

static void streams_overtake_and_come_in_order(void **state)
{
    (void)state;
    for (int batch = 1; batch <= 4; batch += 3) {
        fake_source src;
        fake_team team;
        fake_sink sink;
        seen s = {.last = -1};
        fv_error err = {0};
        fake_source_init(&src, 151);
        fake_team_init(&team, batch);
        fake_sink_init(&sink);
        fv_pipeline *p = NULL;
        fv_pipeline_options o = {.size = sizeof o, .source = &src.s, .detector = &team.d, .sink = &sink.s, .on_result = on_result, .user = &s};
        assert_int_equal(fv_pipeline_create(&p, &o, &err), FV_OK);
        for (int run = 1; run <= 2; run++) { /* queues and numbers begin anew */
            atomic_store(&src.at, 0);
            s.last = sink.last_index = -1;
            assert_int_equal(fv_pipeline_run(p, &err), FV_OK);
            assert_int_equal(s.results, 151 * run);
            assert_false(s.disorder || s.wrong_box || sink.disorder);
        }
        fv_metrics m;
        fv_pipeline_metrics(p, &m);
        assert_int_equal(m.processed, 302);
        assert_int_equal(m.stage[FV_STAGE_INFER].count, 302);
        assert_int_equal(atomic_load(&src.alive), 0);
        for (int i = 0; i < 3; i++) assert_true(team.member[i].d.runs > 3); /* more than warm-up: each had frames */
        fv_pipeline_free(&p);
    }
}

static void a_stream_that_fails_ends_all(void **state)
{
    (void)state;
    for (int member = 0; member < 3; member++) {
        fake_source src;
        fake_team team;
        seen s = {.last = -1};
        fv_error err = {0};
        fake_source_init(&src, 400);
        fake_team_init(&team, 2);
        team.member[member].fail_at = 6;
        fv_pipeline *p = NULL;
        fv_pipeline_options o = {.size = sizeof o, .source = &src.s, .detector = &team.d, .on_result = on_result, .user = &s};
        assert_int_equal(fv_pipeline_create(&p, &o, &err), FV_OK);
        assert_int_equal(fv_pipeline_run(p, &err), FV_ERR_INTERNAL);
        assert_string_equal(err.text, "the fake network has no idea");
        assert_false(s.disorder);
        check_accounts(p, &src);
        fv_pipeline_free(&p);
    }
}

static void nothing_but_a_source(void **state)
{
    (void)state;
    fake_source src;
    fake_source_init(&src, 20);
    fv_pipeline *p = make(&src, NULL, NULL, NULL, &(fv_pipeline_options){0});
    assert_int_equal(fv_pipeline_run(p, NULL), FV_OK);
    check_accounts(p, &src);
    fv_pipeline_free(&p);
}

/* Every subset of the optional stages. */
static void any_combination(void **state)
{
    (void)state;
    for (int mask = 0; mask < 64; mask++) {
        fake_source src;
        fake_detector det;
        fake_sink sink;
        seen s = {0};
        fv_pipeline_options o = {0};
        fv_line line = {.name = "mid", .x1 = 0.3, .y1 = 0, .x2 = 0.3, .y2 = 1};
        fake_source_init(&src, 30);
        fake_detector_init(&det, 1);
        fake_sink_init(&sink);
        if (mask & 1) assert_int_equal(fv_tracker_create(&o.tracker, NULL, NULL), FV_OK);
        if (mask & 2) assert_int_equal(fv_counter_create(&o.counter, FV_COUNT_OPTIONS(.lines = &line, .n_lines = 1), NULL), FV_OK);
        if (mask & 4) assert_int_equal(fv_painter_create(&o.painter, NULL, NULL), FV_OK);
        o.device_text = "fake";
        fv_tracker *t = o.tracker;
        fv_counter *c = o.counter;
        fv_painter *pt = o.painter;
        fv_pipeline *p = make(&src, mask & 8 ? &det : NULL, mask & 16 ? &sink : NULL, mask & 32 ? &s : NULL, &o);
        assert_int_equal(fv_pipeline_run(p, NULL), FV_OK);
        if (mask & 32) {
            assert_int_equal(s.results, 30);
            assert_false(s.painted_original); /* the decoder's own frame is never written to */
            if ((mask & 11) == 11) assert_true(s.events > 0);
        }
        check_accounts(p, &src);
        fv_pipeline_free(&p);
        fv_tracker_free(&t);
        fv_counter_free(&c);
        fv_painter_free(&pt);
    }
}

static void stride_skips(void **state)
{
    (void)state;
    fake_source src;
    seen s = {0};
    fake_source_init(&src, 10);
    fv_pipeline *p = make(&src, NULL, NULL, &s, &(fv_pipeline_options){.vid_stride = 3});
    assert_int_equal(fv_pipeline_run(p, NULL), FV_OK);
    assert_int_equal(s.results, 4); /* 0 3 6 9 */
    assert_int_equal(s.last, 9);
    fv_metrics m;
    fv_pipeline_metrics(p, &m);
    assert_int_equal(m.skipped, 6);
    check_accounts(p, &src);
    fv_pipeline_free(&p);
}

static void newest_drops_and_counts(void **state)
{
    (void)state;
    fake_source src;
    fake_detector det;
    seen s = {0};
    fake_source_init(&src, 200);
    src.us = 200;
    fake_detector_init(&det, 1);
    det.us = 3000;
    fv_pipeline *p = make(&src, &det, NULL, &s, &(fv_pipeline_options){.policy = FV_POLICY_NEWEST});
    assert_int_equal(fv_pipeline_run(p, NULL), FV_OK);
    fv_metrics m;
    fv_pipeline_metrics(p, &m);
    assert_true(m.dropped > 100);
    assert_false(s.disorder);
    assert_int_equal(s.last, 199); /* the newest frame is always delivered */
    check_accounts(p, &src);
    fv_pipeline_free(&p);
}

static void live_sources_default_to_newest(void **state)
{
    (void)state;
    fake_source src;
    fake_detector det;
    fake_source_init(&src, 60);
    src.s.info.kind = FV_SOURCE_LIVE;
    fake_detector_init(&det, 1);
    det.us = 2000;
    fv_pipeline *p = make(&src, &det, NULL, NULL, &(fv_pipeline_options){0});
    assert_int_equal(fv_pipeline_run(p, NULL), FV_OK);
    fv_metrics m;
    fv_pipeline_metrics(p, &m);
    assert_true(m.dropped > 0);
    check_accounts(p, &src);
    fv_pipeline_free(&p);
}

static void slow_sink_is_the_bottleneck(void **state)
{
    (void)state;
    fake_source src;
    fake_detector det;
    fake_sink sink;
    fake_source_init(&src, 40);
    fake_detector_init(&det, 2);
    fake_sink_init(&sink);
    sink.us = 3000;
    fv_pipeline *p = make(&src, &det, &sink, NULL, &(fv_pipeline_options){.queue_frames = 1});
    assert_int_equal(fv_pipeline_run(p, NULL), FV_OK);
    assert_int_equal(sink.written, 40);
    fv_metrics m;
    fv_pipeline_metrics(p, &m);
    assert_string_equal(m.bottleneck, "sink");
    assert_int_equal(m.dropped, 0);
    check_accounts(p, &src);
    fv_pipeline_free(&p);
}

/* A lane that is done early has not been busy ever since. */
static void one_frame_and_a_slow_sink(void **state)
{
    (void)state;
    fake_source src;
    fake_sink sink;
    fake_source_init(&src, 1);
    fake_sink_init(&sink);
    sink.us = 20000;
    fv_pipeline *p = make(&src, NULL, &sink, NULL, &(fv_pipeline_options){0});
    assert_int_equal(fv_pipeline_run(p, NULL), FV_OK);
    fv_metrics m;
    fv_pipeline_metrics(p, &m);
    assert_string_equal(m.bottleneck, "sink");
    assert_true(m.stage[FV_STAGE_DECODE].wait_ms > 15);
    fv_pipeline_free(&p);
}

static void stop_finishes_what_is_in_flight(void **state)
{
    (void)state;
    fake_source src;
    fake_sink sink;
    seen s = {0};
    fv_error err = {0};
    fake_source_init(&src, 100000);
    fake_sink_init(&sink);
    fv_pipeline *p = make(&src, NULL, &sink, &s, &(fv_pipeline_options){0});
    s.stop = p;
    assert_int_equal(fv_pipeline_run(p, &err), FV_ERR_CANCELLED);
    assert_true(src.at < 1000);
    assert_int_equal(sink.written, src.at); /* all that was read was written */
    check_accounts(p, &src);
    fv_pipeline_free(&p);
}

/* A source that waits for input as a pipe does. */
static fv_status silent_read(fv_source *s, fv_frame *f, fv_error *err)
{
    fake_source *src = s->priv;
    if (src->at < 5) return fake_read(s, f, err);
    while (!s->stopped || !s->stopped(s->stopped_user)) nap_us(500);
    return FV_END;
}

static void stop_reaches_a_source_that_waits(void **state)
{
    (void)state;
    fake_source src;
    fake_sink sink;
    seen s = {0};
    fv_error err = {0};
    fake_source_init(&src, 100);
    src.s.read = silent_read;
    fake_sink_init(&sink);
    fv_pipeline *p = make(&src, NULL, &sink, &s, &(fv_pipeline_options){0});
    s.stop = p; /* stops at the fifth result */
    assert_int_equal(fv_pipeline_run(p, &err), FV_ERR_CANCELLED);
    assert_int_equal(sink.written, 5);
    assert_null(src.s.stopped); /* the pipeline may be freed before the source */
    check_accounts(p, &src);
    fv_pipeline_free(&p);
}

static void *stop_later(void *arg)
{
    nap_us(rand() % 8000);
    fv_pipeline_stop(arg);
    return NULL;
}

static void stop_at_any_time(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 40; round++) {
        fake_source src;
        fake_detector det;
        fake_sink sink;
        pthread_t t;
        fake_source_init(&src, 1000000);
        fake_detector_init(&det, 1 + round % 3);
        fake_sink_init(&sink);
        src.us = rand() % 300;
        det.us = rand() % 300;
        sink.us = rand() % 300;
        fv_pipeline *p =
            make(&src, &det, &sink, NULL, &(fv_pipeline_options){.policy = round % 2 ? FV_POLICY_EVERY : FV_POLICY_NEWEST});
        pthread_create(&t, NULL, stop_later, p);
        assert_int_equal(fv_pipeline_run(p, NULL), FV_ERR_CANCELLED);
        pthread_join(t, NULL);
        check_accounts(p, &src);
        fv_pipeline_free(&p);
    }
}

static void broken_source_keeps_what_was_read(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        fake_source src;
        fake_detector det;
        fake_sink sink;
        fv_error err = {0};
        fake_source_init(&src, 100);
        if (kind)
            src.partial_at = 37;
        else
            src.fail_at = 37;
        fake_detector_init(&det, 4);
        fake_sink_init(&sink);
        fv_pipeline *p = make(&src, &det, &sink, NULL, &(fv_pipeline_options){0});
        assert_int_equal(fv_pipeline_run(p, &err), kind ? FV_PARTIAL : FV_ERR_INPUT);
        assert_string_equal(err.text, kind ? "the fake file is cut" : "the fake disk is on fire");
        assert_int_equal(sink.written, 37);
        check_accounts(p, &src);
        fv_pipeline_free(&p);
    }
}

static void failing_detector(void **state)
{
    (void)state;
    for (int at = 0; at < 30; at += 3) { /* runs 0..2 are the warm-up */
        fake_source src;
        fake_detector det;
        fake_sink sink;
        fv_error err = {0};
        fake_source_init(&src, 200);
        fake_detector_init(&det, 1);
        fake_sink_init(&sink);
        det.fail_at = at;
        fv_pipeline *p = make(&src, &det, &sink, NULL, &(fv_pipeline_options){0});
        assert_int_equal(fv_pipeline_run(p, &err), FV_ERR_INTERNAL);
        assert_string_equal(err.text, "the fake network has no idea");
        assert_true(sink.written <= at);
        check_accounts(p, &src);
        fv_pipeline_free(&p);
    }
}

static void failing_sink_and_callback(void **state)
{
    (void)state;
    for (int at = 0; at < 20; at++) {
        fake_source src;
        fake_detector det;
        fake_sink sink;
        seen s = {0};
        fv_error err = {0};
        fake_source_init(&src, 200);
        fake_detector_init(&det, 2);
        fake_sink_init(&sink);
        if (at % 2)
            sink.fail_at = at;
        else
            s.stop_after = at + 1;
        fv_pipeline *p = make(&src, &det, &sink, &s, &(fv_pipeline_options){0});
        assert_int_equal(fv_pipeline_run(p, &err), FV_ERR_OUTPUT);
        if (at % 2) assert_string_equal(err.text, "the fake disk is full");
        assert_int_equal(sink.written, at);
        check_accounts(p, &src);
        fv_pipeline_free(&p);
    }
}

/* A frame that cannot be copied for painting: its format says nothing. */
static void failing_paint(void **state)
{
    (void)state;
    fake_source src;
    fake_sink sink;
    fv_painter *painter = NULL;
    fv_error err = {0};
    fake_source_init(&src, 50);
    src.format = FV_PIXEL_NONE;
    fake_sink_init(&sink);
    assert_int_equal(fv_painter_create(&painter, NULL, NULL), FV_OK);
    fv_pipeline *p = make(&src, NULL, &sink, NULL, &(fv_pipeline_options){.painter = painter});
    assert_true(fv_pipeline_run(p, &err) < 0);
    assert_non_null(strstr(err.text, "painting failed at frame 0"));
    assert_int_equal(sink.written, 0);
    check_accounts(p, &src);
    fv_pipeline_free(&p);
    fv_painter_free(&painter);
}

/* The n-th allocation fails, anywhere: an error or a finished run, never a hang, a leak or wrong accounts. */
static void out_of_memory_anywhere(void **state)
{
    (void)state;
    for (long n = 1; n < 60; n++) {
        fake_source src;
        fake_detector det;
        fake_sink sink;
        fv_tracker *tracker = NULL;
        fv_painter *painter = NULL;
        fv_pipeline *p = NULL;
        fake_source_init(&src, 12);
        fake_detector_init(&det, 2);
        fake_sink_init(&sink);
        assert_int_equal(fv_tracker_create(&tracker, NULL, NULL), FV_OK);
        assert_int_equal(fv_painter_create(&painter, NULL, NULL), FV_OK);
        fv_pipeline_options o = {.size = sizeof o, .source = &src.s, .detector = &det.d, .sink = &sink.s, .tracker = tracker, .painter = painter};
        fvi_alloc_fail_after(n);
        fv_status st = fv_pipeline_create(&p, &o, NULL);
        if (st == FV_OK) st = fv_pipeline_run(p, NULL);
        fvi_alloc_fail_after(0);
        assert_true(st == FV_OK || st == FV_ERR_MEMORY);
        if (st == FV_OK) assert_int_equal(sink.written, 12);
        if (p) check_accounts(p, &src);
        fv_pipeline_free(&p);
        fv_tracker_free(&tracker);
        fv_painter_free(&painter);
    }
}

static void several_sources_add_up(void **state)
{
    (void)state;
    fake_source a, b, c;
    fake_detector det;
    fake_sink sink;
    fv_error err = {0};
    fake_source_init(&a, 11);
    fake_source_init(&b, 50);
    fake_source_init(&c, 7);
    b.fail_at = 5;
    fake_detector_init(&det, 1);
    fake_sink_init(&sink);
    fv_pipeline *p = make(&a, &det, &sink, NULL, &(fv_pipeline_options){0});
    assert_int_equal(fv_pipeline_run(p, &err), FV_OK);
    sink.last_index = -1;
    assert_int_equal(fv_pipeline_set(p, FV_PIPELINE_OPTIONS(.source = &b.s, .detector = &det.d, .sink = &sink.s), NULL), FV_OK);
    assert_int_equal(fv_pipeline_run(p, &err), FV_ERR_INPUT);
    sink.last_index = -1;
    assert_int_equal(fv_pipeline_set(p, FV_PIPELINE_OPTIONS(.source = &c.s, .detector = &det.d, .sink = &sink.s), NULL), FV_OK);
    assert_int_equal(fv_pipeline_run(p, &err), FV_OK);
    fv_metrics m;
    fv_pipeline_metrics(p, &m);
    assert_int_equal(m.processed, 11 + 5 + 7);
    assert_int_equal(det.d.runs, 3 + 23); /* warm once */
    assert_int_equal(fv_pipeline_set(p, FV_PIPELINE_OPTIONS(.source = &c.s), &err), FV_ERR_ARGUMENT); /* another detector */
    assert_false(sink.disorder);
    fv_pipeline_free(&p);
}

/* Steady state: as many allocations for 400 frames as for 100, the fake source's own apart. */
static void frames_cost_no_allocation(void **state)
{
    (void)state;
    uint64_t made[2];
    for (int i = 0; i < 2; i++) {
        fake_source src;
        fake_detector det;
        fake_sink sink;
        fv_painter *painter = NULL;
        fake_source_init(&src, i ? 400 : 100);
        fake_detector_init(&det, 1);
        fake_sink_init(&sink);
        sink.us = 50; /* so that every item of the pool has been round in both runs */
        assert_int_equal(fv_painter_create(&painter, NULL, NULL), FV_OK);
        uint64_t before = fvi_alloc_count();
        fv_pipeline *p = make(&src, &det, &sink, NULL, &(fv_pipeline_options){.painter = painter, .queue_frames = 2});
        assert_int_equal(fv_pipeline_run(p, NULL), FV_OK);
        made[i] = fvi_alloc_count() - before - (uint64_t)src.at;
        fv_pipeline_free(&p);
        fv_painter_free(&painter);
    }
    assert_int_equal(made[0], made[1]);
}

static void *poll_metrics(void *arg)
{
    for (int i = 0; i < 200; i++) {
        fv_metrics m;
        fv_pipeline_metrics(arg, &m);
        if (m.processed > m.decoded) return arg;
        nap_us(100);
    }
    return NULL;
}

static void metrics_while_running(void **state)
{
    (void)state;
    fake_source src;
    fake_detector det;
    pthread_t t;
    void *bad;
    fake_source_init(&src, 300);
    fake_detector_init(&det, 1);
    det.us = 50;
    fv_pipeline *p = make(&src, &det, NULL, NULL, &(fv_pipeline_options){0});
    pthread_create(&t, NULL, poll_metrics, p);
    assert_int_equal(fv_pipeline_run(p, NULL), FV_OK);
    pthread_join(t, &bad);
    assert_null(bad);
    fv_pipeline_free(&p);
}

static void bad_options(void **state)
{
    (void)state;
    fv_pipeline *p = NULL;
    fv_error err = {0};
    assert_int_equal(fv_pipeline_create(&p, NULL, &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_pipeline_create(&p, FV_PIPELINE_OPTIONS(.queue_frames = -1), &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_pipeline_create(&p, FV_PIPELINE_OPTIONS(.vid_stride = -1), &err), FV_ERR_ARGUMENT);
    assert_null(p);
    assert_int_equal(fv_pipeline_create(&p, FV_PIPELINE_OPTIONS(), &err), FV_OK);
    assert_int_equal(fv_pipeline_run(p, &err), FV_ERR_ARGUMENT); /* no source */
    fv_pipeline_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_and_accounts),
        cmocka_unit_test(streams_overtake_and_come_in_order),
        cmocka_unit_test(a_stream_that_fails_ends_all),
        cmocka_unit_test(nothing_but_a_source),
        cmocka_unit_test(any_combination),
        cmocka_unit_test(stride_skips),
        cmocka_unit_test(newest_drops_and_counts),
        cmocka_unit_test(live_sources_default_to_newest),
        cmocka_unit_test(slow_sink_is_the_bottleneck),
        cmocka_unit_test(one_frame_and_a_slow_sink),
        cmocka_unit_test(stop_finishes_what_is_in_flight),
        cmocka_unit_test(stop_reaches_a_source_that_waits),
        cmocka_unit_test(stop_at_any_time),
        cmocka_unit_test(broken_source_keeps_what_was_read),
        cmocka_unit_test(failing_detector),
        cmocka_unit_test(failing_sink_and_callback),
        cmocka_unit_test(failing_paint),
        cmocka_unit_test(out_of_memory_anywhere),
        cmocka_unit_test(several_sources_add_up),
        cmocka_unit_test(frames_cost_no_allocation),
        cmocka_unit_test(metrics_while_running),
        cmocka_unit_test(bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
