/* How the media library is found, and what is said when it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fovea/media.h>
#include <string.h>

static void not_there(void **state)
{
    (void)state;
    const fv_media_api *api = (const fv_media_api *)state;
    fv_error err = {0};
    assert_int_equal(fv_media_load(&api, "/nowhere/libfovea-media.so.0", &err), FV_ERR_MEDIA);
    assert_null(api);
    assert_non_null(strstr(err.text, "/nowhere/libfovea-media.so.0"));
    assert_int_equal(fv_media_load(&api, FV_SOURCE_DIR "/README.md", &err), FV_ERR_MEDIA); /* there, but no library: the loader's words */
    assert_non_null(strstr(err.text, "README.md"));
    assert_int_equal(fv_media_load(NULL, NULL, NULL), FV_ERR_ARGUMENT);
}

/* A library, but another one. */
static void not_ours(void **state)
{
    (void)state;
    const fv_media_api *api;
    fv_error err = {0};
    assert_int_equal(fv_media_load(&api, "libm.so.6", &err), FV_ERR_MEDIA);
    assert_null(api);
    assert_non_null(strstr(err.text, "another version"));
}

static void by_path(void **state)
{
    (void)state;
    const fv_media_api *api, *again;
    fv_error err = {0};
    if (!FV_MEDIA_FILE[0]) skip();
    assert_int_equal(fv_media_load(&api, FV_MEDIA_FILE, &err), FV_OK);
    assert_true(api->size >= sizeof *api && strstr(api->version, "FFmpeg"));
    assert_int_equal(fv_media_load(&again, FV_MEDIA_FILE, NULL), FV_OK);
    assert_ptr_equal(api, again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(not_there), cmocka_unit_test(not_ours), cmocka_unit_test(by_path)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
