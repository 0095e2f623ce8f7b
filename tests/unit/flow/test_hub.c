/* test_hub.c: several pipelines, one detector: every frame gets its own boxes, batches are made of several sources, and neither a
 * dead nor a slow source costs the others anything. */
#include "fakes.h"
#include "base/clock.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define CAMERAS 4

typedef struct camera {
    fake_source src;
    fv_detector *port;
    fv_pipeline *pipeline;
    pthread_t thread;
    fv_status status;
    fv_error err;
    int results;
    bool wrong;
    int64_t ended_ns;
} camera;

static int on_result(void *user, const fv_result *r)
{
    camera *c = user;
    c->results++;
    if (r->dets->count != 1 || (int)r->dets->items[0].box[0] != 1 + (int)(r->frame->index % 40)) c->wrong = true;
    return 0;
}

static void *run(void *arg)
{
    camera *c = arg;
    c->status = fv_pipeline_run(c->pipeline, &c->err);
    c->ended_ns = fvi_now_ns();
    return NULL;
}

static void start(camera *c, fv_hub *hub, int frames, fv_policy policy)
{
    fv_error err = {0};
    fake_source_init(&c->src, frames);
    assert_int_equal(fv_hub_port(hub, &c->port, &err), FV_OK);
    assert_int_equal(fv_pipeline_create(&c->pipeline,
                                        FV_PIPELINE_OPTIONS(.source = &c->src.s, .detector = c->port, .on_result = on_result, .user = c, .policy = policy), &err),
                     FV_OK);
}

static void finish(camera *c)
{
    fv_metrics m;
    fv_pipeline_metrics(c->pipeline, &m);
    assert_int_equal(m.decoded, m.processed + m.dropped + m.skipped);
    assert_int_equal(m.processed, c->results);
    fv_pipeline_free(&c->pipeline);
    fv_detector_free(&c->port);
    assert_int_equal(atomic_load(&c->src.alive), 0);
}

static void batches_are_made_of_several_sources(void **state)
{
    (void)state;
    fake_detector det;
    fake_detector_init(&det, CAMERAS);
    det.us = 2000;
    fv_hub *hub = NULL;
    assert_int_equal(fv_hub_create(&hub, &det.d, NULL), FV_OK);
    camera c[CAMERAS] = {0};
    for (int i = 0; i < CAMERAS; i++) start(&c[i], hub, 50, FV_POLICY_EVERY);
    for (int i = 0; i < CAMERAS; i++) pthread_create(&c[i].thread, NULL, run, &c[i]);
    for (int i = 0; i < CAMERAS; i++) pthread_join(c[i].thread, NULL);
    for (int i = 0; i < CAMERAS; i++) {
        assert_int_equal(c[i].status, FV_OK);
        assert_int_equal(c[i].results, 50);
        assert_false(c[i].wrong);
        finish(&c[i]);
    }
    assert_true(det.biggest >= 2 && det.biggest <= CAMERAS);
    assert_true(det.d.runs < CAMERAS * 50); /* fewer runs than frames */
    fv_hub_free(&hub);
}

/* Like a camera that is connected and says nothing; ends when the pipeline is stopped. */
static fv_status silent_read(fv_source *s, fv_frame *f, fv_error *err)
{
    (void)f, (void)err;
    while (!s->stopped || !s->stopped(s->stopped_user)) nap_us(2000);
    return FV_END;
}

static void a_dead_source_costs_the_others_nothing(void **state)
{
    (void)state;
    int64_t took[2];
    for (int dead = 0; dead < 2; dead++) { /* the same three cameras, without and with a dead and a slow one beside them */
        fake_detector det;
        fake_detector_init(&det, CAMERAS + 1);
        det.us = 1000;
        fv_hub *hub = NULL;
        assert_int_equal(fv_hub_create(&hub, &det.d, NULL), FV_OK);
        camera c[5] = {0};
        int n = dead ? 5 : 3;
        for (int i = 0; i < n; i++) start(&c[i], hub, 100, FV_POLICY_EVERY);
        for (int i = 0; i < 3; i++) c[i].src.us = 2000;
        if (dead) {
            c[3].src.s.read = silent_read;
            c[4].src.us = 40000;
        }
        int64_t t0 = fvi_now_ns();
        for (int i = 0; i < n; i++) pthread_create(&c[i].thread, NULL, run, &c[i]);
        int64_t last = 0;
        for (int i = 0; i < 3; i++) {
            pthread_join(c[i].thread, NULL);
            assert_int_equal(c[i].results, 100);
            assert_false(c[i].wrong);
            if (c[i].ended_ns > last) last = c[i].ended_ns;
        }
        took[dead] = last - t0;
        for (int i = 3; i < n; i++) {
            fv_pipeline_stop(c[i].pipeline);
            pthread_join(c[i].thread, NULL);
            assert_int_equal(c[i].status, FV_ERR_CANCELLED);
        }
        for (int i = 0; i < n; i++) finish(&c[i]);
        fv_hub_free(&hub);
    }
    assert_true(took[1] < took[0] * 3 / 2 + 200000000); /* a loaded machine is forgiven 0.2 s, a waiting hub would take 4 s */
}

static void newest_drops_and_accounts(void **state)
{
    (void)state;
    fake_detector det;
    fake_detector_init(&det, 2);
    det.us = 5000;
    fv_hub *hub = NULL;
    assert_int_equal(fv_hub_create(&hub, &det.d, NULL), FV_OK);
    camera c[3] = {0};
    for (int i = 0; i < 3; i++) {
        start(&c[i], hub, 200, FV_POLICY_NEWEST);
        c[i].src.us = 500;
    }
    for (int i = 0; i < 3; i++) pthread_create(&c[i].thread, NULL, run, &c[i]);
    for (int i = 0; i < 3; i++) pthread_join(c[i].thread, NULL);
    int least = 200, most = 0;
    for (int i = 0; i < 3; i++) {
        assert_false(c[i].wrong);
        least = c[i].results < least ? c[i].results : least;
        most = c[i].results > most ? c[i].results : most;
        finish(&c[i]);
    }
    assert_true(least >= 3 && most < 200);
    assert_true(least * 3 >= most); /* nobody starves */
    fv_hub_free(&hub);
}

static void a_failure_reaches_who_was_in_the_batch(void **state)
{
    (void)state;
    fake_detector det;
    fake_detector_init(&det, 1);
    fv_hub *hub = NULL;
    assert_int_equal(fv_hub_create(&hub, &det.d, NULL), FV_OK);
    det.fail_at = (int)det.d.runs + 5;
    camera c = {0};
    start(&c, hub, 50, FV_POLICY_EVERY);
    run(&c);
    assert_int_equal(c.status, FV_ERR_INTERNAL);
    assert_non_null(strstr(c.err.text, "no idea"));
    fv_error err = {0};
    assert_int_equal(fv_detector_set_classes(c.port, NULL, 0, &err), FV_ERR_STATE);
    assert_string_equal(fv_detector_class_name(c.port, 0), "person");
    finish(&c);
    fv_hub_free(&hub);
    assert_null(hub);
    assert_int_equal(fv_hub_create(&hub, NULL, &err), FV_ERR_ARGUMENT);
}

static void figures_add_up(void **state)
{
    (void)state;
    fv_metrics sum = {0}, a = {0}, b = {0};
    a.decoded = 10, a.processed = 8, a.dropped = 2, a.wall_s = 2;
    a.end_to_end = (fv_stage_metrics){"end_to_end", 8, 10, 5, 20, 10, 18, 19, 20, 0};
    a.end_to_end_hist[106] = 8; /* about 10 ms */
    b = a;
    b.decoded = 5, b.processed = 4, b.dropped = 1, b.wall_s = 4;
    b.end_to_end = (fv_stage_metrics){"end_to_end", 4, 40, 30, 50, 40, 45, 48, 50, 0};
    b.end_to_end_hist[106] = 0, b.end_to_end_hist[138] = 4; /* about 40 ms */
    fv_metrics_add(&sum, &a);
    assert_float_equal(sum.end_to_end.p50_ms, 10, 1e-9); /* alone it stays what it was */
    fv_metrics_add(&sum, &b);
    assert_int_equal(sum.decoded, 15);
    assert_int_equal(sum.processed, 12);
    assert_float_equal(sum.fps, 3, 1e-9);
    assert_float_equal(sum.end_to_end.mean_ms, 20, 1e-9);
    assert_true(sum.end_to_end.min_ms == 5 && sum.end_to_end.max_ms == 50);
    assert_float_equal(sum.end_to_end.p50_ms, 10, 0.5);
    assert_float_equal(sum.end_to_end.p99_ms, 40, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(batches_are_made_of_several_sources), cmocka_unit_test(a_dead_source_costs_the_others_nothing),
                                       cmocka_unit_test(newest_drops_and_accounts), cmocka_unit_test(a_failure_reaches_who_was_in_the_batch),
                                       cmocka_unit_test(figures_add_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
