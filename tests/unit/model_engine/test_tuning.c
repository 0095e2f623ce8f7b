/* Choices of a session: estimated, timed, remembered; the same bytes from the same cache; stopping, and asking for what is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/file.h"
#include "model/engine/timing.h"
#include <fovea/model.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL FV_TEST_DATA "/onnx-ok/conv_transpose.onnx"

static char path[64];

typedef struct run {
    fv_context *ctx;
    fv_model *model;
    fv_session *session;
    fv_tuning_info info;
    fv_error err;
    char tactics[2000], warnings[600];
} run;

static void keep_warning(void *user, fv_log_level level, const char *text)
{
    run *r = user;
    (void)level;
    snprintf(r->warnings + strlen(r->warnings), sizeof r->warnings - strlen(r->warnings), "%s\n", text);
}

static fv_status open_run(run *r, fv_context_options o)
{
    fv_step_info step;
    o.size = sizeof o;
    o.threads = 1;
    o.log = keep_warning;
    o.log_user = r;
    *r = (run){.info.size = sizeof r->info};
    fv_status st = fv_context_create(&r->ctx, &o, &r->err);
    if (st >= 0) st = fv_model_load(&r->model, r->ctx, MODEL, NULL, &r->err);
    if (st >= 0) st = fv_session_create(&r->session, r->model, NULL, &r->err);
    if (st < 0) return st;
    for (int i = 0; fv_session_step(r->session, i, &step) == FV_OK; i++)
        snprintf(r->tactics + strlen(r->tactics), sizeof r->tactics - strlen(r->tactics), "%s\n", step.tactic);
    return fv_session_tuning(r->session, &r->info);
}

static void close_run(run *r)
{
    fv_session_free(&r->session);
    fv_model_free(&r->model);
    fv_context_free(&r->ctx);
}

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "tuning-%ld.cache", (long)getpid());
    return 0;
}

static int teardown(void **state)
{
    char lock[80];
    (void)state;
    snprintf(lock, sizeof lock, "%s.lock", path);
    remove(lock);
    remove(path);
    return 0;
}

static int count_calls(void *user, const fv_tune_progress *p)
{
    int *calls = user;
    assert_int_equal(p->done, *calls);
    assert_true(p->done == p->total ? !p->step[0] : p->step[0] != 0);
    (*calls)++;
    return 0;
}

static void nothing_is_timed_unless_asked(void **state)
{
    (void)state;
    run r;
    assert_int_equal(open_run(&r, (fv_context_options){.timing_cache = path}), FV_OK);
    assert_true(r.info.choices > 0);
    assert_int_equal(r.info.estimated, r.info.choices);
    assert_int_equal(r.info.timed + r.info.remembered + r.info.refused, 0);
    assert_non_null(strstr(r.info.missed, "holds nothing yet"));
    assert_int_equal(access(path, F_OK), -1); /* nor written */
    close_run(&r);
}

static void the_second_start_times_nothing_and_chooses_the_same(void **state)
{
    (void)state;
    run a, b;
    int calls = 0;
    assert_int_equal(open_run(&a, (fv_context_options){.timing_cache = path, .tune = 5, .tune_progress = count_calls, .tune_user = &calls}), FV_OK);
    assert_int_equal(a.info.timed, a.info.choices);
    assert_int_equal(calls, a.info.choices + 1);
    calls = 0;
    assert_int_equal(open_run(&b, (fv_context_options){.timing_cache = path, .tune = 5, .tune_progress = count_calls, .tune_user = &calls}), FV_OK);
    assert_int_equal(b.info.remembered, b.info.choices);
    assert_int_equal(b.info.timed + b.info.estimated, 0);
    assert_string_equal(b.info.missed, "");
    assert_int_equal(calls, 0);
    assert_string_equal(a.tactics, b.tactics);
    close_run(&b);
    /* also where nothing may be timed, and where everything must be remembered */
    assert_int_equal(open_run(&b, (fv_context_options){.timing_cache = path, .require_timings = 1}), FV_OK);
    assert_string_equal(a.tactics, b.tactics);
    close_run(&b);
    /* a second session of a context without a file remembers too */
    fv_session *again;
    assert_int_equal(fv_session_create(&again, a.model, NULL, NULL), FV_OK);
    assert_int_equal(fv_session_tuning(again, &a.info), FV_OK);
    assert_int_equal(a.info.timed, 0);
    fv_session_free(&again);
    close_run(&a);
}

static float *outputs_of(run *r, size_t *count)
{
    const fv_port *in, *out;
    fv_session_inputs(r->session, &in);
    fv_session_outputs(r->session, &out);
    fv_tensor x = {.dtype = in->dtype, .rank = in->rank}, y = {.dtype = out->dtype, .rank = out->rank};
    memcpy(x.dim, in->dim, sizeof x.dim);
    memcpy(y.dim, out->dim, sizeof y.dim);
    float *data = malloc(sizeof *data * (size_t)fv_tensor_count(&x)), *result = calloc((size_t)fv_tensor_count(&y), sizeof *result);
    for (int64_t i = 0; i < fv_tensor_count(&x); i++) data[i] = (float)(i * 37 % 101) / 101;
    x.data = data, y.data = result;
    assert_int_equal(fv_session_set_input(r->session, 0, &x, NULL), FV_OK);
    assert_int_equal(fv_session_run(r->session), FV_OK);
    assert_int_equal(fv_session_get_output(r->session, 0, &y, NULL), FV_OK);
    free(data);
    *count = (size_t)fv_tensor_count(&y);
    return result;
}

/* What was timed computes what a session computes that found the same choices in the cache: nothing is left over in its memory. */
static void timing_leaves_no_trace_in_results(void **state)
{
    (void)state;
    run timed, found;
    size_t n, m;
    assert_int_equal(open_run(&timed, (fv_context_options){.timing_cache = path, .tune = 3}), FV_OK);
    assert_int_equal(open_run(&found, (fv_context_options){.timing_cache = path}), FV_OK);
    assert_true(timed.info.timed && found.info.remembered == found.info.choices);
    float *a = outputs_of(&timed, &n), *b = outputs_of(&found, &m);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n * sizeof *a);
    free(a);
    free(b);
    close_run(&timed);
    close_run(&found);
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    run r;
    assert_int_equal(open_run(&r, (fv_context_options){.timing_cache = path, .tune = 3, .require_timings = 1}), FV_ERR_STATE);
    assert_non_null(strstr(r.err.text, "the timing cache has no choice for step '"));
    assert_non_null(strstr(r.err.text, "holds nothing yet"));
    assert_int_equal(access(path, F_OK), -1);
    close_run(&r);
}

static int stop_at_second(void *user, const fv_tune_progress *p)
{
    (void)user;
    return p->done == 1;
}

static void a_stop_keeps_what_was_timed(void **state)
{
    (void)state;
    run r;
    assert_int_equal(open_run(&r, (fv_context_options){.timing_cache = path, .tune = 1, .tune_progress = stop_at_second}), FV_ERR_CANCELLED);
    assert_non_null(strstr(r.err.text, "stopped after 1 of"));
    close_run(&r);
    assert_int_equal(open_run(&r, (fv_context_options){.timing_cache = path}), FV_OK);
    assert_true(r.info.remembered >= 1 && r.info.estimated >= 1); /* twins of the first are remembered with it */
    close_run(&r);
}

/* Names that do not exist or do not fit the step are timed again and replaced, however right the checksum. */
static void names_that_do_not_fit_are_refused_and_replaced(void **state)
{
    (void)state;
    run r;
    char why[200], version[FVI_TIMING_TEXT], device[FVI_TIMING_TEXT];
    assert_int_equal(open_run(&r, (fv_context_options){.timing_cache = path, .tune = 1}), FV_OK);
    close_run(&r);
    fvi_map m;
    assert_int_equal(fvi_map_open(&m, path, 1 << 20, NULL), FV_OK);
    assert_int_equal(sscanf((const char *)m.data, "fovea timing cache 1\nversion %255[^\n]\ndevice %255[^\n]", version, device), 2);
    fvi_map_close(&m);
    fvi_timing_store s = {0}, forged = {0};
    assert_true(fvi_timing_read(&s, path, version, why));
    for (size_t i = 0; i < s.n; i++)
        assert_true(fvi_timing_add(&forged, device, s.items[i].problem, i % 2 ? "conv depthwise c" : "no such thing", 1, false));
    remove(path);
    assert_int_equal(fvi_timing_merge(&forged, path, version, NULL), FV_OK);
    assert_int_equal(open_run(&r, (fv_context_options){.timing_cache = path}), FV_OK); /* not believed, not repaired */
    assert_int_equal(r.info.refused, r.info.choices);
    assert_int_equal(r.info.estimated, r.info.choices);
    close_run(&r);
    assert_int_equal(open_run(&r, (fv_context_options){.timing_cache = path, .tune = 1}), FV_OK);
    assert_int_equal(r.info.timed, r.info.choices);
    close_run(&r);
    assert_int_equal(open_run(&r, (fv_context_options){.timing_cache = path}), FV_OK);
    assert_int_equal(r.info.remembered, r.info.choices);
    assert_int_equal(r.info.refused, 0);
    close_run(&r);
    fvi_timing_clear(&s);
    fvi_timing_clear(&forged);
}

static void a_damaged_file_is_a_warning_and_made_anew(void **state)
{
    (void)state;
    run r;
    assert_int_equal(fvi_file_write(path, "fovea timing cache 1\nversion", 27, NULL), FV_OK);
    assert_int_equal(open_run(&r, (fv_context_options){.timing_cache = path}), FV_OK);
    assert_non_null(strstr(r.warnings, "is not used: it is damaged or cut"));
    assert_non_null(strstr(r.info.missed, "damaged or cut"));
    close_run(&r);
    assert_int_equal(open_run(&r, (fv_context_options){.timing_cache = path, .tune = 1}), FV_OK);
    assert_int_equal(r.info.timed, r.info.choices);
    close_run(&r);
    assert_int_equal(open_run(&r, (fv_context_options){.timing_cache = path}), FV_OK);
    assert_string_equal(r.warnings, "");
    assert_int_equal(r.info.remembered, r.info.choices);
    close_run(&r);
}

static void wrong_options_are_errors(void **state)
{
    (void)state;
    run r;
    assert_int_equal(open_run(&r, (fv_context_options){.tune = 6}), FV_ERR_ARGUMENT);
    assert_int_equal(open_run(&r, (fv_context_options){.tune = -1}), FV_ERR_ARGUMENT);
    assert_int_equal(open_run(&r, (fv_context_options){.tune = 0}), FV_OK);
    fv_tuning_info none = {0};
    assert_int_equal(fv_session_tuning(r.session, &none), FV_ERR_ARGUMENT);
    assert_int_equal(fv_session_tuning(r.session, NULL), FV_ERR_ARGUMENT);
    close_run(&r);
    assert_int_equal(open_run(&r, (fv_context_options){.tune = 1, .timing_cache = "no/such/folder/file"}), FV_OK);
    assert_non_null(strstr(r.warnings, "what was timed is lost when the program ends: no/such/folder/file.lock:"));
    close_run(&r);
}

int main(void)
{
#define IN_FILE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_FILE(nothing_is_timed_unless_asked),
        IN_FILE(the_second_start_times_nothing_and_chooses_the_same),
        IN_FILE(timing_leaves_no_trace_in_results),
        IN_FILE(what_is_missing_is_named),
        IN_FILE(a_stop_keeps_what_was_timed),
        IN_FILE(names_that_do_not_fit_are_refused_and_replaced),
        IN_FILE(a_damaged_file_is_a_warning_and_made_anew),
        IN_FILE(wrong_options_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
