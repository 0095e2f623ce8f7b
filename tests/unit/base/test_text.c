/* Growing strings, the escapers on hostile text, and the JSON writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "base/json.h"
#include <locale.h>
#include <math.h>
#include <string.h>

#define BAD "\xEF\xBF\xBD"
typedef void (*escaper)(fvi_str *, const char *);

static void expect(escaper f, const char *in, const char *out)
{
    fvi_str b = {0};
    f(&b, in);
    assert_false(b.failed);
    assert_string_equal(b.s, out);
    assert_int_equal(b.len, strlen(out));
    fvi_str_free(&b);
}

static void escapers(void **state)
{
    (void)state;
    expect(fvi_str_add_json, "", "\"\"");
    expect(fvi_str_add_json, "a\"b\\c\n\t\r\x01\x7f", "\"a\\\"b\\\\c\\n\\t\\r\\u0001\\u007f\"");
    expect(fvi_str_add_json, "</script>", "\"\\u003c/script>\"");
    expect(fvi_str_add_json, "gr\xC3\xBC\xC3\x9F \xF0\x9F\x90\x95", "\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x90\x95\"");
    expect(fvi_str_add_json, "x\xE2\x80\xA8y", "\"x\\u2028y\"");
    expect(fvi_str_add_html, "<b a='1' c=\"2\">&\x02\n", "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;" BAD "\n");
    expect(fvi_str_add_terminal, "a\x1b[31mred\a\n\xC2\x9B", "a\\x1b[31mred\\x07\\x0a\\x9b");
    expect(fvi_str_add_terminal, "ok \xE2\x80\xAE gnp.exe", "ok \\u202e gnp.exe");
}

static void broken_utf8(void **state)
{
    (void)state;
    static const escaper all[] = {fvi_str_add_html, fvi_str_add_terminal};
    for (int i = 0; i < 2; i++) {
        expect(all[i], "\xFF", BAD);
        expect(all[i], "a\x80z", "a" BAD "z");
        expect(all[i], "\xC3", BAD);                         /* cut */
        expect(all[i], "\xE2\x82", BAD BAD);                 /* cut */
        expect(all[i], "\xF0\x9F\x90", BAD BAD BAD);         /* cut */
        expect(all[i], "\xC0\xAF", BAD BAD);                 /* overlong '/' */
        expect(all[i], "\xE0\x80\xAF", BAD BAD BAD);         /* overlong */
        expect(all[i], "\xED\xA0\x80", BAD BAD BAD);         /* surrogate */
        expect(all[i], "\xF4\x90\x80\x80", BAD BAD BAD BAD); /* over U+10FFFF */
        expect(all[i], "\xF5z", BAD "z");
    }
    expect(fvi_str_add_json, "\xC3(", "\"" BAD "(\"");
}

static void grows(void **state)
{
    (void)state;
    fvi_str b = {0};
    for (int i = 0; i < 1000; i++) fvi_str_printf(&b, "%d,", i % 10);
    assert_int_equal(b.len, 2000);
    assert_int_equal(strlen(b.s), 2000);
    fvi_str_free(&b);
    fvi_str_add(&b, "");
    assert_string_equal(b.s, "");
    fvi_str_add(&b, "kept");
    fvi_alloc_fail_after(1);
    for (int i = 0; i < 1000; i++) fvi_str_add(&b, "0123456789");
    assert_true(b.failed);
    assert_int_equal(strlen(b.s), b.len); /* what is there stays a string */
    fvi_alloc_fail_after(0);
    fvi_str_free(&b);
    assert_null(b.s);
}

static void json_document(void **state)
{
    (void)state;
    fvi_str b = {0};
    fvi_json j;
    for (int pretty = 0; pretty < 2; pretty++) {
        fvi_str_free(&b);
        fvi_json_begin(&j, &b, pretty);
        fvi_json_object(&j);
        fvi_json_key(&j, "a"), fvi_json_int(&j, INT64_MIN);
        fvi_json_key(&j, "b"), fvi_json_array(&j);
        fvi_json_bool(&j, true), fvi_json_null(&j), fvi_json_string(&j, NULL);
        fvi_json_object(&j), fvi_json_end_object(&j);
        fvi_json_end_array(&j);
        fvi_json_key(&j, "c"), fvi_json_string(&j, "x\"");
        fvi_json_end_object(&j);
        assert_string_equal(b.s, pretty ? "{\n  \"a\": -9223372036854775808,\n  \"b\": [\n    true,\n    null,\n    null,\n    {}\n  ],\n  \"c\": \"x\\\"\"\n}"
                                        : "{\"a\":-9223372036854775808,\"b\":[true,null,null,{}],\"c\":\"x\\\"\"}");
        assert_int_equal(j.depth, 0);
    }
    fvi_str_free(&b);
    fvi_json_begin(&j, &b, false);
    for (int i = 0; i < 100; i++) fvi_json_array(&j); /* too deep is said, not written past the end */
    assert_true(b.failed);
    fvi_str_free(&b);
}

static void json_numbers(void **state)
{
    (void)state;
    static const struct {
        double v;
        int decimals;
        const char *text;
    } cases[] = {{0.5, 3, "0.5"}, {2, 3, "2"}, {100, 0, "100"}, {-0.0001, 2, "0"}, {1.0 / 3, 4, "0.3333"}, {0.91, 2, "0.91"}, {-1.25, 3, "-1.25"},
                 {NAN, 3, "null"}, {INFINITY, 3, "null"}, {-INFINITY, 1, "null"}, {1e15, 3, "1000000000000000"}, {0.9996, 3, "1"}};
    fvi_str b = {0};
    for (int locale = 0; locale < 2; locale++) {
        if (locale && !setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8")) break;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            fvi_json j;
            fvi_str_free(&b);
            fvi_json_begin(&j, &b, false);
            fvi_json_number(&j, cases[i].v, cases[i].decimals);
            assert_string_equal(b.s, cases[i].text);
        }
    }
    fvi_json j;
    fvi_str_free(&b);
    fvi_json_begin(&j, &b, false);
    fvi_json_number(&j, -1.7976931348623157e308, 17);
    assert_int_equal(b.len, 310);
    fvi_str_free(&b);
    setlocale(LC_NUMERIC, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(escapers), cmocka_unit_test(broken_utf8), cmocka_unit_test(grows),
                                       cmocka_unit_test(json_document), cmocka_unit_test(json_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
