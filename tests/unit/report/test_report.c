/* test_report.c: run files written and read back, pages made of them, and text from outside that must stay text. */
#include "base/alloc.h"
#include "report/run.h"
#include <fovea/report.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define EVIL "<script>alert(1)</script>\"'&"

static void fill(fv_metrics *m, double scale)
{
#define NAME(id, name) name,
    static const char *const names[FV_STAGES] = {FV_STAGE_LIST(NAME)};
#undef NAME
    memset(m, 0, sizeof *m);
    for (int i = 0; i < FV_STAGES; i++) {
        double v = (i == FV_STAGE_INFER ? 40 : i + 1) * scale;
        m->stage[i] = (fv_stage_metrics){names[i], 100, v, v * 0.9, v * 1.5, v, v * 1.1, v * 1.2, v * 1.4, 12.5};
    }
    m->end_to_end = (fv_stage_metrics){"end_to_end", 100, 50, 40, 90, 48, 60, 70, 85, 0};
    m->stage_hist[FV_STAGE_INFER][140] = 60;
    m->stage_hist[FV_STAGE_INFER][141] = 40;
    m->end_to_end_hist[143] = 100;
    m->decoded = 110;
    m->processed = 100;
    m->dropped = 7;
    m->skipped = 3;
    m->wall_s = 4.5 * scale;
    m->fps = 22.2 / scale;
    m->bottleneck = "infer";
}

static const char summary[] = "{\"frames\":{\"decoded\":110,\"processed\":100,\"dropped\":7},\"lines\":{\"<b>door\":{\"in\":12,\"out\":5,\"by_class\":{\"person\":{\"in\":12,"
                              "\"out\":5}}}},\"zones\":{\"hall\":{\"entered\":9,\"left\":8,\"occupancy\":1,\"max\":4,\"dwell_s\":{\"mean\":3.5,\"p95\":9.25}}},\"intervals\":["
                              "{\"start\":0,\"end\":10,\"lines\":{\"<b>door\":{\"in\":7,\"out\":2}}},{\"start\":10,\"end\":20,\"lines\":{\"<b>door\":{\"in\":5,\"out\":3}}}]}";

static char *make_run(double scale, const char *model)
{
    char *json = NULL;
    fv_error err = {0};
    fv_metrics m;
    const char *sources[] = {"clips/" EVIL ".mp4", "second.mp4"};
    fv_run_info info = {.verb = "count", .model = model, .device = "cpu", .precision = "fp32", .level = "avx2", .machine = "Test CPU, 2 cores",
                        .command = "fovea count " EVIL, .started = "2026-11-21T09:00:00Z", .sources = sources, .n_sources = 2, .threads = 2,
                        .input_w = 640, .input_h = 384, .summary_json = summary};
    fill(&m, scale);
    if (fv_report_run_json(&json, &info, &m, &err) != FV_OK) fail_msg("%s", err.text);
    return json;
}

static void round_trip(void **state)
{
    (void)state;
    fvi_report_run r;
    fv_error err = {0};
    char *json = make_run(1, "models/yolo v8.n.onnx");
    fvi_arena *a = fvi_arena_create(0);
    if (fvi_report_run_read(&r, a, json, "x", &err) != FV_OK) fail_msg("%s", err.text);
    assert_string_equal(r.verb, "count");
    assert_int_equal(r.n_stages, FV_STAGES + 1);
    const fvi_report_stage *s = fvi_report_run_stage(&r, "infer");
    assert_string_equal(s->name, "infer_yolo_v8.n_ms");
    assert_string_equal(s->aliases, "inference_model_yolo_global_ms");
    assert_true(s->p50 == 40 && s->budget_ms == 15 && s->count == 100);
    assert_true(fvi_report_run_stage(&r, "decode")->budget_ms == 42);
    assert_string_equal(fvi_report_run_stage(&r, "prep")->aliases, "preprocess_nv12_bridge_ms, inference_prepare_batch_ms");
    assert_true(r.end_to_end && r.end_to_end->budget_ms == 33 && r.end_to_end->p99 == 85);
    assert_true(r.decoded == 110 && r.processed == 100 && r.dropped == 7 && r.skipped == 3);
    assert_int_equal(r.input_w, 640);
    assert_int_equal(r.sources->count, 2);
    assert_string_equal(r.sources->child->string, "clips/" EVIL ".mp4");
    assert_int_equal(r.infer->count, 2);
    assert_non_null(r.summary);
    fvi_arena_free(&a);
    fvi_free(json);
}

static void stages_that_never_ran_are_left_out(void **state)
{
    (void)state;
    char *json = NULL;
    fv_metrics m;
    fill(&m, 1);
    m.stage[FV_STAGE_PAINT].count = 0;
    assert_int_equal(fv_report_run_json(&json, &(fv_run_info){.verb = "predict"}, &m, NULL), FV_OK);
    assert_null(strstr(json, "paint_ms"));
    assert_non_null(strstr(json, "sink_ms"));
    assert_null(strstr(json, "\"summary\""));
    fvi_free(json);
}

static void budgets_are_the_callers(void **state)
{
    (void)state;
    const fv_metric_budget budgets[] = {{"end_to_end_ms", 100}, {"nvdec_ms", 1}, {"infer_m_ms", 0}, {"inference_prepare_batch_ms", 2}, {"end_to_end_ms", 50}};
    char *json = NULL;
    fv_metrics m;
    fvi_report_run r;
    fv_error err = {0};
    fill(&m, 1);
    assert_int_equal(fv_report_run_json(&json, &(fv_run_info){.verb = "predict", .model = "m.onnx", .budgets = budgets, .n_budgets = 5}, &m, &err), FV_OK);
    fvi_arena *a = fvi_arena_create(0);
    assert_int_equal(fvi_report_run_read(&r, a, json, "x", &err), FV_OK);
    assert_true(r.end_to_end->budget_ms == 50 && fvi_report_run_stage(&r, "decode")->budget_ms == 1 && fvi_report_run_stage(&r, "prep")->budget_ms == 2);
    assert_true(!(fvi_report_run_stage(&r, "infer")->budget_ms > 0));
    assert_true(fv_report_has_metric("infer_yolov8n_ms") && fv_report_has_metric("nvdec_ms") && fv_report_has_metric("end_to_end_ms") && fv_report_has_metric("track_ms"));
    assert_false(fv_report_has_metric("infer_ms") || fv_report_has_metric("end_to_end") || fv_report_has_metric("") || fv_report_has_metric(NULL));
    fvi_arena_free(&a);
    fvi_free(json);
}

static void summary_must_be_json(void **state)
{
    (void)state;
    char *json = NULL;
    fv_metrics m;
    fv_error err = {0};
    fill(&m, 1);
    assert_int_equal(fv_report_run_json(&json, &(fv_run_info){.summary_json = "{\"a\":1}} extra"}, &m, &err), FV_ERR_INPUT);
    assert_null(json);
}

static int occurrences(const char *text, const char *word)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, word)); p++) n++;
    return n;
}

static char *page_with(const char *with)
{
    char *html = NULL, *json = NULL;
    fv_error err = {0};
    fv_metrics m;
    fill(&m, 1);
    assert_int_equal(fv_report_run_json(&json, &(fv_run_info){.verb = "count", .model = "a.onnx", .tile_model = "dir/b.onnx", .summary_json = with}, &m, &err), FV_OK);
    assert_non_null(strstr(json, "\"infer_b_tiles_ms\""));
    assert_int_equal(fv_report_html(&html, &(const char *){json}, &(const char *){"x"}, 1, &err), FV_OK);
    fvi_free(json);
    return html;
}

static void tiles_are_shown(void **state)
{
    (void)state;
    static const char good[] = "{\"scene\":\"data:image/png;base64,iVBORw0KGgo=\",\"tiles\":{\"frames\":20,\"views\":660,\"looks\":100,\"skipped\":560,\"late\":7,\"over_budget\":2,\"budget_ms\":50,"
                               "\"frame_size\":[3840,2160],\"visits\":{\"columns\":2,\"rows\":2,\"looks\":[1,0,3,4]},\"series\":{\"frames\":10,\"looks\":[60,40],\"over_budget\":[0,2]}}}";
    char *html = page_with(good);
    assert_non_null(strstr(html, "Where it looked"));
    assert_int_equal(occurrences(html, " looks</title>"), 3);
    assert_non_null(strstr(html, "<image"));
    assert_non_null(strstr(html, "2 frames over the budget"));
    assert_non_null(strstr(html, "missed their budget"));
    assert_non_null(strstr(html, "inference_model_yolo_tiles_ms"));
    assert_non_null(strstr(html, "fusion_wait_ms"));
    assert_int_equal(occurrences(html, "<div"), occurrences(html, "</div>"));
    fvi_free(html);
    /* a scene that is no picture, cells that do not add up, no frames: nothing of it reaches the page */
    static const char *const bad[] = {"{\"scene\":\"data:image/png;base64,x\\\"/><script>\",\"tiles\":{\"frames\":1,\"views\":1,\"looks\":1,\"visits\":{\"columns\":1,\"rows\":1,\"looks\":[1]}}}",
                                      "{\"scene\":\"javascript:alert(1)\",\"tiles\":{\"frames\":1,\"visits\":{\"columns\":1,\"rows\":1,\"looks\":[1]},\"series\":{\"frames\":0,\"looks\":[1,2]}}}",
                                      "{\"tiles\":{\"frames\":2,\"visits\":{\"columns\":1e9,\"rows\":1e9,\"looks\":[1]},\"series\":{\"frames\":1,\"looks\":[\"a\",-1e99],\"over_budget\":7}}}",
                                      "{\"tiles\":{\"frames\":0}}", "{\"tiles\":[1]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        html = page_with(bad[i]);
        assert_null(strstr(html, "<script"));
        assert_null(strstr(html, "javascript"));
        assert_null(strstr(html, "<image"));
        assert_null(strstr(html, "nan"));
        fvi_free(html);
    }
}

static void page_of_one_run(void **state)
{
    (void)state;
    char *html = NULL, *json = make_run(1, "m.onnx");
    fv_error err = {0};
    if (fv_report_html(&html, &(const char *){json}, &(const char *){EVIL}, 1, &err) != FV_OK) fail_msg("%s", err.text);
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "<b>door"));
    assert_non_null(strstr(html, "&lt;b&gt;door"));
    assert_null(strstr(html, "src="));
    assert_null(strstr(html, "http")); /* needs nothing else */
    assert_non_null(strstr(html, "prefers-color-scheme:dark"));
    assert_non_null(strstr(html, "viewport"));
    assert_non_null(strstr(html, "Crossings over time"));
    assert_non_null(strstr(html, "<b>infer</b> sets the pace"));
    assert_int_equal(occurrences(html, "<svg"), 5); /* three charts, and the distributions of two stages */
    assert_int_equal(occurrences(html, "✓ within"), 3); /* decode, prep, tiles */
    assert_int_equal(occurrences(html, "✗ over"), 3); /* infer, merging, latency */
    assert_int_equal(occurrences(html, "<div"), occurrences(html, "</div>"));
    assert_int_equal(occurrences(html, "<table"), occurrences(html, "</table>"));
    assert_int_equal(occurrences(html, "<tr"), occurrences(html, "</tr>"));
    assert_int_equal(occurrences(html, "<span"), occurrences(html, "</span>"));
    fvi_free(html);
    fvi_free(json);
}

static void two_runs_with_ratios(void **state)
{
    (void)state;
    char *html = NULL, *a = make_run(1, "a.onnx"), *b = make_run(0.5, "b.onnx");
    fv_error err = {0};
    if (fv_report_html(&html, (const char *const[]){a, b}, (const char *const[]){"before", "after"}, 2, &err) != FV_OK) fail_msg("%s", err.text);
    assert_non_null(strstr(html, "2 runs side by side"));
    assert_non_null(strstr(html, "<span class=\"good\">2.00×</span>")); /* fps */
    assert_non_null(strstr(html, "<span class=\"good\">0.50×</span>")); /* infer */
    assert_int_equal(occurrences(html, "<section"), 2);
    fvi_free(html);
    fvi_free(a);
    fvi_free(b);
}

static void no_run_file(void **state)
{
    (void)state;
    static const char *const bad[] = {"{}", "[1]", "not json", "{\"type\":\"run\"}", "{\"type\":\"run\",\"schema\":99,\"frames\":{},\"stages\":[]}",
                                      "{\"type\":\"run\",\"schema\":1,\"frames\":[],\"stages\":[]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *html = NULL;
        fv_error err = {0};
        assert_int_equal(fv_report_html(&html, &bad[i], &(const char *){"x.json"}, 1, &err), FV_ERR_INPUT);
        assert_null(html);
        assert_non_null(strstr(err.text, "x.json: "));
    }
}

/* Numbers and lists of the wrong kind in an otherwise good file. */
static void strange_run_files_give_a_page(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "{\"type\":\"run\",\"schema\":1,\"frames\":{},\"stages\":[]}",
        "{\"type\":\"run\",\"schema\":1,\"frames\":{\"decoded\":-5,\"processed\":1e300},\"fps\":1e300,\"wall_s\":1e-300,\"stages\":[1,null,{},{\"name\":\"infer_ms\",\"stage\":"
        "\"infer\",\"min\":5,\"max\":1e200,\"p50\":5,\"p95\":1e200,\"p99\":1e200,\"count\":3}],\"bottleneck\":\"infer\",\"distribution\":{\"infer_ms\":[[1,2,3],4,[5,6],[-1,2],[1e300,"
        "1e300]]},\"input\":[\"a\",1],\"sources\":[1,{}],\"summary\":{\"lines\":{\"a\":3},\"zones\":{\"b\":[]},\"intervals\":[1,{\"lines\":{\"a\":{\"in\":1e300}}},{}]}}",
        "{\"type\":\"run\",\"schema\":1,\"frames\":{},\"stages\":[{\"name\":\"end_to_end_ms\",\"min\":3,\"max\":3,\"p50\":3,\"p95\":3,\"p99\":3,\"count\":1}],"
        "\"distribution\":{\"end_to_end_ms\":[[3,1]]},\"summary\":7,\"sources\":{}}",
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        char *html = NULL;
        fv_error err = {0};
        if (fv_report_html(&html, &odd[i], &(const char *){"x"}, 1, &err) != FV_OK) fail_msg("%s", err.text);
        assert_null(strstr(html, "nan"));
        assert_null(strstr(html, "inf%"));
        fvi_free(html);
    }
}

static void out_of_memory(void **state)
{
    (void)state;
    char *json = make_run(1, "m.onnx");
    for (long n = 1; n < 400; n++) {
        char *html = NULL;
        fvi_alloc_fail_after(n);
        fv_status st = fv_report_html(&html, &(const char *){json}, &(const char *){"x"}, 1, NULL);
        fvi_alloc_fail_after(0);
        assert_true(st == FV_OK || st == FV_ERR_MEMORY);
        assert_int_equal(html != NULL, st == FV_OK);
        fvi_free(html);
    }
    fvi_free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip), cmocka_unit_test(stages_that_never_ran_are_left_out), cmocka_unit_test(budgets_are_the_callers), cmocka_unit_test(summary_must_be_json),
        cmocka_unit_test(tiles_are_shown), cmocka_unit_test(page_of_one_run), cmocka_unit_test(two_runs_with_ratios), cmocka_unit_test(no_run_file),
        cmocka_unit_test(strange_run_files_give_a_page), cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
