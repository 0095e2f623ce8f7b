/* test_redact.c: no password gets through, and what is no address stays as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/redact.h"
#include <string.h>

static void expect(const char *in, const char *want)
{
    char out[256];
    size_t n = fvi_redact(out, sizeof out, in);
    assert_string_equal(out, want);
    assert_int_equal(n, strlen(want));
}

static void secrets_go(void **state)
{
    (void)state;
    expect("rtsp://admin:geheim@cam.local:554/live", "rtsp://***@cam.local:554/live");
    expect("rtsp://admin@cam/live", "rtsp://***@cam/live");
    expect("rtsp://admin:p@ss@cam/live", "rtsp://***@cam/live");
    expect("rtsp://admin:pa/ss@cam/live", "rtsp://***@cam/live");
    expect("rtsp://admin:pa ss@cam/live", "rtsp://***@cam/live");
    expect("rtsp://admin:12/34@cam/live", "rtsp://***@cam/live");
    expect("http://cam/v?user=a&pwd=geheim&x=1", "http://cam/v?user=a&pwd=***&x=1");
    expect("http://u:p@cam/v?Access_Token=abc", "http://***@cam/v?Access_Token=***");
    expect("Opening 'http://u:p@h/a.ts' for reading; then https://v:q@h/b", "Opening 'http://***@h/a.ts' for reading; then https://***@h/b");
    expect("method DESCRIBE failed: rtsp://u:p@h", "method DESCRIBE failed: rtsp://***@h");
}

static void the_rest_stays(void **state)
{
    (void)state;
    static const char *const same[] = {"", "film.mp4", "a@b", "http://h:80/x.jpg?size=3", "http://h/x@2x.jpg", "rtsp://[fe80::1]:554/live", "x?password=1", "udp://@239.0.0.1:1234"};
    for (size_t i = 0; i + 1 < sizeof same / sizeof *same; i++) expect(same[i], same[i]);
    expect(same[7], "udp://***@239.0.0.1:1234"); /* nothing to hide, but nothing lost */
}

static void what_does_not_fit_is_cut(void **state)
{
    (void)state;
    char out[8];
    assert_int_equal(fvi_redact(out, sizeof out, "rtsp://u:p@h"), strlen("rtsp://***@h"));
    assert_string_equal(out, "rtsp://");
    fvi_redact(out, 1, "abc");
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(secrets_go), cmocka_unit_test(the_rest_stays), cmocka_unit_test(what_does_not_fit_is_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
