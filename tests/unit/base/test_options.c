/* Options of a caller with older, newer or no headers: read as far as both know; what is not known here must not be asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/options.h"

typedef struct options {
    uint32_t size;
    int a, b;
} options;

static fv_status read(options *o, const void *given, fv_error *err)
{
    *o = (options){.size = sizeof *o, .a = 1, .b = 2};
    return fvi_options_read(o, sizeof *o, given, "MACRO", err);
}

static void other_versions(void **state)
{
    (void)state;
    options o;
    fv_error err = {0};
    assert_int_equal(read(&o, NULL, &err), FV_OK);
    assert_true(o.a == 1 && o.b == 2);
    assert_int_equal(read(&o, &(options){sizeof o, 7, 8}, &err), FV_OK);
    assert_true(o.a == 7 && o.b == 8);
    assert_int_equal(read(&o, &(struct { uint32_t size; int a; }){8, 7}, &err), FV_OK); /* older: no b */
    assert_true(o.a == 7 && o.b == 2);
    assert_int_equal(read(&o, &(struct { uint32_t size; int a, b, c; }){16, 7, 8, 0}, &err), FV_OK); /* newer, but asks for nothing new */
    assert_true(o.a == 7 && o.b == 8);
    assert_int_equal(read(&o, &(struct { uint32_t size; int a, b, c; }){16, 7, 8, 9}, &err), FV_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "does not have"));
    assert_int_equal(o.a, 1);
}

static void without_a_size(void **state)
{
    (void)state;
    options o;
    fv_error err = {0};
    assert_int_equal(read(&o, &(options){.a = 7}, &err), FV_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "MACRO"));
    assert_int_equal(o.a, 1);
    assert_int_equal(read(&o, &(options){.size = 3}, NULL), FV_ERR_ARGUMENT);
    assert_int_equal(read(&o, &(options){.size = UINT32_MAX}, NULL), FV_ERR_ARGUMENT); /* never read that far */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(other_versions), cmocka_unit_test(without_a_size)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
