/* The table of built-in models: whatever the build put in can be had by name, and nothing else. */
#include <fovea/model.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define MOST_BYTES 3000000

static void each_is_an_onnx_file(void **state)
{
    const char *name, *about;
    (void)state;
    for (int i = 0; (name = fv_builtin_model_name(i, &about)); i++) {
        const void *bytes;
        size_t size;
        assert_int_equal(fv_builtin_model(name, &bytes, &size, NULL), FV_OK);
        assert_in_range(size, 1000, MOST_BYTES);
        assert_int_equal((uintptr_t)bytes % 64, 0);
        assert_int_equal(*(const uint8_t *)bytes, 0x08); /* field 1, a number: ir_version */
        assert_true(about && about[0]);
        assert_string_equal(fv_builtin_model_name(i, NULL), name);
    }
    assert_null(fv_builtin_model_name(-1, &about));
    assert_null(fv_builtin_model_name(1000, &about));
}

static void others_are_refused(void **state)
{
    static const char *const strangers[] = {"", "Person", "person.onnx", "./person", "nobody"};
    const void *bytes = strangers;
    size_t size = 1;
    fv_error err;
    (void)state;
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        err = (fv_error){0};
        assert_int_equal(fv_builtin_model(strangers[i], &bytes, &size, &err), FV_ERR_MODEL);
        assert_true(!bytes && !size);
        for (int k = 0; fv_builtin_model_name(k, NULL); k++) assert_non_null(strstr(err.text, fv_builtin_model_name(k, NULL)));
        if (!fv_builtin_model_name(0, NULL)) assert_non_null(strstr(err.text, "without any"));
    }
    assert_int_equal(fv_builtin_model(NULL, &bytes, &size, &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_builtin_model("person", NULL, &size, &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_builtin_model("person", &bytes, NULL, &err), FV_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_is_an_onnx_file), cmocka_unit_test(others_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
