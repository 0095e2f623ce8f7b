/* test_json_read.c: what the reader takes, what it refuses and with which line. */
#include "report/json_read.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const fvi_report_json *read_ok(fvi_arena *a, const char *text)
{
    const fvi_report_json *v = NULL;
    fv_error err = {0};
    if (fvi_report_json_read(&v, a, text, strlen(text), &err) != FV_OK) fail_msg("%s: %s", text, err.text);
    return v;
}

static void values(void **state)
{
    (void)state;
    fvi_arena *a = fvi_arena_create(0);
    const fvi_report_json *v =
        read_ok(a, " {\"n\": -12.5e1, \"z\":0, \"t\":true, \"f\":false, \"o\":null, \"s\":\"a\\n\\\"\\u00e4\\ud83d\\ude00\", \"l\":[1,[2],{}], \"e\":[]} \n");
    assert_int_equal(v->type, FVI_REPORT_JSON_OBJECT);
    assert_int_equal(v->count, 8);
    assert_true(fvi_report_json_num(v, "n", 0) == -125);
    assert_true(fvi_report_json_num(v, "z", 7) == 0);
    assert_true(fvi_report_json_num(v, "missing", 7) == 7);
    assert_true(fvi_report_json_num(v, "s", 7) == 7); /* another type */
    assert_string_equal(fvi_report_json_str(v, "s", ""), "a\n\"\xc3\xa4\xf0\x9f\x98\x80");
    assert_int_equal(fvi_report_json_get(v, "o")->type, FVI_REPORT_JSON_NULL);
    assert_int_equal(fvi_report_json_get(v, "t")->type, FVI_REPORT_JSON_BOOL);
    assert_int_equal(fvi_report_json_get(v, "l")->count, 3);
    assert_int_equal(fvi_report_json_get(v, "e")->count, 0);
    assert_null(fvi_report_json_get(fvi_report_json_get(v, "n"), "x"));
    v = read_ok(a, "[0.1, 12345.678, 1E+2, 1e-3]");
    assert_true(v->child->number == 0.1);
    assert_true(v->child->next->number == 12345.678);
    assert_true(v->child->next->next->number == 100);
    v = read_ok(a, "\"\\ud800x\\u0000\""); /* lone surrogate and NUL */
    assert_string_equal(v->string, "\xef\xbf\xbdx\xef\xbf\xbd");
    fvi_arena_free(&a);
}

static void refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "  ", "{", "[", "[1", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "01", "1.", "1e", "-", "+1", ".5", "tru", "nul",
        "\"", "\"abc", "\"\\", "\"\\u12\"", "\"\\q\"", "\"a\nb\"", "1 2", "[1] x", "NaN", "1e999", "]", "}", ",", "{\"a\":1 \"b\":2}", "[1 2]",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const fvi_report_json *v = NULL;
        fv_error err = {0};
        fvi_arena *a = fvi_arena_create(0);
        /* a copy of the exact size, so that a sanitizer sees a read past the end */
        size_t n = strlen(bad[i]);
        char *copy = fvi_arena_alloc(a, n + 1);
        memcpy(copy, bad[i], n);
        if (fvi_report_json_read(&v, a, copy, n, &err) != FV_ERR_INPUT) fail_msg("taken: %s", bad[i]);
        assert_null(v);
        assert_non_null(strstr(err.text, "line 1: "));
        fvi_arena_free(&a);
    }
}

static void line_of_the_mistake(void **state)
{
    (void)state;
    const fvi_report_json *v;
    fv_error err = {0};
    fvi_arena *a = fvi_arena_create(0);
    const char *text = "{\n \"a\": 1,\n \"b\": oops\n}";
    assert_int_equal(fvi_report_json_read(&v, a, text, strlen(text), &err), FV_ERR_INPUT);
    assert_string_equal(err.text, "line 3: a value was expected");
    fvi_arena_free(&a);
}

static void depth_is_limited(void **state)
{
    (void)state;
    char deep[4096];
    const fvi_report_json *v;
    fvi_arena *a = fvi_arena_create(0);
    memset(deep, '[', sizeof deep);
    assert_int_equal(fvi_report_json_read(&v, a, deep, sizeof deep, NULL), FV_ERR_INPUT);
    memset(deep, '[', 60);
    memset(deep + 60, ']', 60);
    assert_int_equal(fvi_report_json_read(&v, a, deep, 120, NULL), FV_OK);
    fvi_arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(values), cmocka_unit_test(refused), cmocka_unit_test(line_of_the_mistake),
                                       cmocka_unit_test(depth_is_limited)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
