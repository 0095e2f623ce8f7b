/* The heat map and the lengths of stays of a report: drawn from what the run file says, and nothing from what it cannot mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "report/run.h"
#include <string.h>

static int count_of(const char *text, const char *word)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, word)); p += strlen(word)) n++;
    return n;
}

/* The section of this summary; owned. */
static fvi_str section(const char *json)
{
    fvi_str out = {0};
    fvi_arena *a = fvi_arena_create(0);
    const fvi_report_json *root = NULL;
    assert_int_equal(fvi_report_json_read(&root, a, json, strlen(json), NULL), FV_OK);
    fvi_report_counting_section(&out, root);
    assert_false(out.failed);
    fvi_arena_free(&a);
    return out;
}

static void cells(void **state)
{
    (void)state;
    fvi_str s = section("{\"heat\":{\"columns\":3,\"rows\":2,\"full\":2,\"seconds\":[0,1,2,0,8,0]}}");
    assert_int_equal(count_of(s.s, "class=\"h3\""), 3);
    assert_int_equal(count_of(s.s, "fill-opacity=\"1.00\""), 2); /* what exceeds `full` is not darker than it */
    assert_non_null(strstr(s.s, "<title>8.0 s</title>"));
    fvi_str_free(&s);
    static const char *const bad[] = {
        "{\"heat\":{\"columns\":3,\"rows\":2,\"seconds\":[0,1,2]}}", "{\"heat\":{\"columns\":1e9,\"rows\":1e9,\"seconds\":[1]}}", "{\"heat\":7}",
        "{\"heat\":{\"columns\":1,\"rows\":1,\"seconds\":[0]}}",     "{\"heat\":{\"columns\":-1,\"rows\":-1,\"seconds\":[1]}}", "{\"heat\":{\"columns\":1,\"rows\":1,\"seconds\":{\"a\":1}}}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        s = section(bad[i]);
        assert_int_equal(count_of(s.s, "<svg"), 0);
        fvi_str_free(&s);
    }
}

static void stays(void **state)
{
    (void)state;
    fvi_str s = section("{\"zones\":{\"<hall>\":{\"entered\":3,\"dwell_s\":{\"mean\":1,\"histogram\":[[0,4],[60,2],[7200,1],[5],[-1,3],[2,-1]]}},\"b\":{\"dwell_s\":{\"histogram\":[]}}}}");
    assert_int_equal(count_of(s.s, "<svg"), 1);
    assert_int_equal(count_of(s.s, "<rect class=\"h\""), 3);
    assert_non_null(strstr(s.s, ">1 min<"));
    assert_non_null(strstr(s.s, ">2 h<"));
    assert_non_null(strstr(s.s, "How long they stayed: &lt;hall&gt;"));
    fvi_str_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cells), cmocka_unit_test(stays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
