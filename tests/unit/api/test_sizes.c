/* One rule for the options of everything: of older headers, of newer ones, without a size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fovea/fovea.h>
#include <stdio.h>
#include <string.h>

#define TINY FV_TEST_DATA "/onnx-ok/conv_groups.onnx"

static fv_context *ctx;
static fv_model *model;

static fv_status context(const void *o, fv_error *err)
{
    fv_context *c;
    fv_status st = fv_context_create(&c, o, err);
    fv_context_free(&c);
    return st;
}
static fv_status load(const void *o, fv_error *err)
{
    fv_model *m;
    fv_status st = fv_model_load(&m, ctx, TINY, o, err);
    fv_model_free(&m);
    return st;
}
static fv_status session(const void *o, fv_error *err)
{
    fv_session *s;
    fv_status st = fv_session_create(&s, model, o, err);
    fv_session_free(&s);
    return st;
}
static fv_status detector(const void *o, fv_error *err)
{
    fv_detector *d;
    fv_status st = fv_detector_create(&d, ctx, model, o, err);
    fv_detector_free(&d);
    return st == FV_ERR_MODEL ? FV_OK : st; /* no head fits this model; the options were read */
}
static fv_status tracker(const void *o, fv_error *err)
{
    fv_tracker *t;
    fv_status st = fv_tracker_create(&t, o, err);
    fv_tracker_free(&t);
    return st;
}
static fv_status counter(const void *o, fv_error *err)
{
    fv_counter *c;
    fv_status st = fv_counter_create(&c, o, err);
    fv_counter_free(&c);
    return st;
}
static fv_status painter(const void *o, fv_error *err)
{
    fv_painter *p;
    fv_status st = fv_painter_create(&p, o, err);
    fv_painter_free(&p);
    return st;
}
static fv_status pipeline(const void *o, fv_error *err)
{
    fv_pipeline *p;
    fv_status st = fv_pipeline_create(&p, o, err);
    fv_pipeline_free(&p);
    return st;
}

static fv_status stream(const void *o, fv_error *err)
{
    fv_stream *s;
    fv_status st = fv_stream_open(&s, o, err);
    fv_stream_close(&s);
    return st == FV_ERR_ARGUMENT && strstr(err->text, "needs a source") ? FV_OK : st; /* the options were read: nothing is in them */
}

static fv_status score(const void *o, fv_error *err)
{
    fv_score *s;
    fv_status st = fv_score_create(&s, o, err);
    fv_score_free(&s);
    return st == FV_ERR_ARGUMENT && !strstr(err->text, "FV_SCORE_OPTIONS") ? FV_OK : st; /* no classes: the options were read */
}

/* Of the media library, where there is one; neither path exists. */
static const fv_media_api *media(void)
{
    const fv_media_api *api = NULL;
    if (FV_MEDIA_FILE[0]) assert_int_equal(fv_media_load(&api, FV_MEDIA_FILE, NULL), FV_OK);
    return api;
}
static fv_status source(const void *o, fv_error *err)
{
    fv_source *s;
    fv_status st = media()->source_open(&s, "/nowhere/x.mp4", o, err);
    return st == FV_ERR_INPUT ? FV_OK : st;
}
static fv_status sink(const void *o, fv_error *err)
{
    fv_sink *s;
    fv_status st = media()->sink_open(&s, "/nowhere/x.mp4", 64, 48, o, err);
    return st == FV_ERR_OUTPUT ? FV_OK : st;
}

static const struct {
    const char *macro;
    size_t size;
    fv_status (*make)(const void *options, fv_error *err);
} kinds[] = {
    {"FV_CONTEXT_OPTIONS", sizeof(fv_context_options), context}, {"FV_MODEL_OPTIONS", sizeof(fv_model_options), load},
    {"FV_SESSION_OPTIONS", sizeof(fv_session_options), session}, {"FV_DETECT_OPTIONS", sizeof(fv_detect_options), detector},
    {"FV_TRACK_OPTIONS", sizeof(fv_track_options), tracker},     {"FV_COUNT_OPTIONS", sizeof(fv_count_options), counter},
    {"FV_PAINT_OPTIONS", sizeof(fv_paint_options), painter},     {"FV_PIPELINE_OPTIONS", sizeof(fv_pipeline_options), pipeline},
    {"FV_STREAM_OPTIONS", sizeof(fv_stream_options), stream},
    {"FV_SCORE_OPTIONS", sizeof(fv_score_options), score},       {"FV_SOURCE_OPTIONS", sizeof(fv_source_options), source},
    {"FV_SINK_OPTIONS", sizeof(fv_sink_options), sink},
};

static void every_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        union {
            uint32_t size;
            max_align_t align;
            unsigned char bytes[4096];
        } o;
        fv_error err = {0};
        if ((kinds[i].make == source || kinds[i].make == sink) && !media()) continue;
        memset(&o, 0, sizeof o);
        assert_int_equal(kinds[i].make(&o, &err), FV_ERR_ARGUMENT); /* not made with the macro */
        assert_non_null(strstr(err.text, kinds[i].macro));
        o.size = (uint32_t)kinds[i].size;
        if (kinds[i].make(&o, &err) != FV_OK) fail_msg("%s: %s", kinds[i].macro, err.text);
        o.size = 8; /* headers of the first day: `size` and one field */
        if (kinds[i].make(&o, &err) != FV_OK) fail_msg("%s: %s", kinds[i].macro, err.text);
        o.size = (uint32_t)kinds[i].size + 16; /* newer headers, nothing new asked for */
        if (kinds[i].make(&o, &err) != FV_OK) fail_msg("%s: %s", kinds[i].macro, err.text);
        o.bytes[kinds[i].size + 15] = 1;
        assert_int_equal(kinds[i].make(&o, &err), FV_ERR_ARGUMENT);
        assert_non_null(strstr(err.text, kinds[i].macro));
    }
}

static void version(void **state)
{
    char text[32];
    (void)state;
    assert_string_equal(fv_version(), FV_VERSION);
    snprintf(text, sizeof text, "%d.%d.%d", FV_VERSION_MAJOR, FV_VERSION_MINOR, FV_VERSION_PATCH);
    assert_string_equal(text, FV_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_kind), cmocka_unit_test(version)};
    if (fv_context_create(&ctx, FV_CONTEXT_OPTIONS(.threads = 1), NULL) < 0 || fv_model_load(&model, ctx, TINY, NULL, NULL) < 0) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fv_model_free(&model);
    fv_context_free(&ctx);
    return failed;
}
