/* Class names out of metadata: what Python and JSON write, and what an enemy would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "vision/heads/heads.h"
#include <stdlib.h>
#include <string.h>

static void expect(const char *literal, int count, const char *const *names)
{
    char **got = NULL;
    int n = fvi_heads_parse_names(literal, &got);
    assert_int_equal(n, count);
    for (int i = 0; i < n; i++) assert_string_equal(got[i], names[i]);
    if (!n) assert_null(got);
    fvi_free(got);
}
#define EXPECT(literal, ...)                                                                                           \
    do {                                                                                                               \
        const char *const expected[] = {__VA_ARGS__};                                                                  \
        expect(literal, (int)(sizeof expected / sizeof *expected), expected);                                          \
    } while (0)

static void literals(void **state)
{
    (void)state;
    EXPECT("{0: 'person', 1: 'bicycle'}", "person", "bicycle");
    EXPECT("{0: \"it's\", 1: 'say \"hi\"'}", "it's", "say \"hi\"");
    EXPECT("{1: 'b', 0: 'a'}", "a", "b");
    EXPECT("['a', 'b', 'c',]", "a", "b", "c");
    EXPECT("('a', 'b')", "a", "b");
    EXPECT("{\"0\": \"a\", \"1\": \"b\"}", "a", "b");
    EXPECT("  { 0 :'a' , 1\n: u'b' }  ", "a", "b");
    EXPECT("{0: person, 1: traffic light}", "person", "traffic light");
    EXPECT("{0: 'a, b: {c}', 1: ''}", "a, b: {c}", "");
    EXPECT("{0: 'a', 0: 'z'}", "z");
}

static void escapes(void **state)
{
    (void)state;
    EXPECT("['it\\'s', 'a\\\\b', 'x\\ty', '\\x41\\u00e9\\U0001F600']", "it's", "a\\b", "x\ty", "A\xC3\xA9\xF0\x9F\x98\x80");
    EXPECT("['\\ud83d\\ude00', '\\ud83d', '\\q', '\\x00']", "\xF0\x9F\x98\x80", "\xEF\xBF\xBD", "\\q", "\xEF\xBF\xBD");
}

static void gaps(void **state)
{
    (void)state;
    EXPECT("{0: 'a', 3: 'd'}", "a", "class1", "class2", "d");
    EXPECT("{2: 'c'}", "class0", "class1", "c");
}

static void cut_and_foreign(void **state)
{
    (void)state;
    EXPECT("{0: 'a', 1: 'b", "a");
    EXPECT("{0: 'a', 1:", "a");
    EXPECT("{0: 'a', x: 'b'}", "a");
    expect("", 0, NULL);
    expect("person", 0, NULL);
    expect("{}", 0, NULL);
    expect("[", 0, NULL);
    expect("{-1: 'a'}", 0, NULL);
    expect("{99999999999999999999999: 'a'}", 0, NULL);
    char **none;
    assert_int_equal(fvi_heads_parse_names(NULL, &none), 0);
    EXPECT("{0: 'a', 65536: 'too far'}", "a");
}

static void bounded(void **state)
{
    (void)state;
    char **got = NULL;
    assert_int_equal(fvi_heads_parse_names("{65535: 'x'}", &got), 65536);
    assert_string_equal(got[65534], "class65534");
    fvi_free(got);

    char *longname = malloc(5000);
    memset(longname, 'n', 5000);
    memcpy(longname, "['", 2);
    memcpy(longname + 4997, "']", 3);
    assert_int_equal(fvi_heads_parse_names(longname, &got), 1);
    assert_int_equal(strlen(got[0]), 255);
    fvi_free(got);
    free(longname);

    size_t huge = 5u << 20;
    char *text = malloc(huge);
    memset(text, '[', huge - 1);
    text[huge - 1] = 0;
    assert_int_equal(fvi_heads_parse_names(text, &got), 0);
    free(text);
}

/* Any bytes: no crash, and every name that comes back is a string. */
static void noise(void **state)
{
    (void)state;
    static const char alphabet[] = "{}[]():,'\"\\ 0123456789abuxU\n\xC3\xFF";
    srand(7);
    for (int round = 0; round < 20000; round++) {
        char text[64], **got = NULL;
        int n = rand() % 63;
        for (int i = 0; i < n; i++) text[i] = alphabet[rand() % (int)(sizeof alphabet - 1)];
        text[n] = 0;
        if (round % 2) text[0] = "{["[rand() % 2];
        int count = fvi_heads_parse_names(text, &got);
        for (int i = 0; i < count; i++) assert_true(strlen(got[i]) <= 255);
        fvi_free(got);
    }
}

static void no_memory(void **state)
{
    (void)state;
    char **got = (char **)state;
    fvi_alloc_fail_after(1);
    int n = fvi_heads_parse_names("['a']", &got);
    fvi_alloc_fail_after(0);
    assert_int_equal(n, 0);
    assert_null(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(literals), cmocka_unit_test(escapes), cmocka_unit_test(gaps),
                                       cmocka_unit_test(cut_and_foreign), cmocka_unit_test(bounded), cmocka_unit_test(noise),
                                       cmocka_unit_test(no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
