/* Memory, checked maths, errors, log, clock and files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void memory(void **state)
{
    (void)state;
    for (size_t n = 0; n < 300; n += 37) {
        unsigned char *p = fvi_alloc(n);
        assert_int_equal((uintptr_t)p % FVI_ALIGN, 0);
        for (size_t i = 0; i < FVI_PAD; i++) assert_int_equal(p[n + i], 0);
        memset(p, 0xAA, n);
        p = fvi_realloc_array(p, n, n + 100, 1);
        for (size_t i = 0; i < n + 100 + FVI_PAD; i++) assert_int_equal(p[i], i < n ? 0xAA : 0);
        p = fvi_realloc_array(p, n + 100, n / 2, 1);
        for (size_t i = 0; i < n / 2; i++) assert_int_equal(p[i], 0xAA);
        fvi_free(p);
    }
    assert_null(fvi_calloc(SIZE_MAX / 4, 8));
    assert_null(fvi_alloc(SIZE_MAX));
    assert_null(fvi_alloc(SIZE_MAX - 64));
    assert_null(fvi_realloc_array(NULL, 0, SIZE_MAX / 2, 4));
    char *s = fvi_strndup("abcdef", 3);
    assert_string_equal(s, "abc");
    FVI_FREE(s);
    assert_null(s);
    s = fvi_strdup("whole");
    assert_string_equal(s, "whole");
    fvi_free(s);
}

static void pages(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 100000, (4 << 20) - 1, 4 << 20, (6 << 20) + 777, 9 << 20};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const size_t n = sizes[k];
        char *p = fvi_pages_alloc(n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % FVI_ALIGN, 0);
        for (size_t i = 0; i < n + FVI_PAD; i += i + 4096 < n ? 4093 : 1) assert_int_equal(p[i], 0);
        memset(p, 0x77, n);
        fvi_pages_free(p, n);
    }
    fvi_pages_free(NULL, 0);
    fvi_pages_free(NULL, 9 << 20);
    assert_null(fvi_pages_alloc(SIZE_MAX));
    assert_null(fvi_pages_alloc(SIZE_MAX - FVI_PAD));
    fvi_alloc_fail_after(1);
    assert_null(fvi_pages_alloc(8 << 20));
    fvi_alloc_fail_after(0);
}

static void failing_allocations(void **state)
{
    (void)state;
    uint64_t before = fvi_alloc_count();
    fvi_alloc_fail_after(2);
    void *a = fvi_alloc(8), *b = fvi_alloc(8), *c = fvi_alloc(8);
    assert_non_null(a);
    assert_null(b);
    assert_non_null(c);
    assert_int_equal(fvi_alloc_count(), before + 2);
    fvi_free(a), fvi_free(c);
    int *list = NULL;
    size_t cap = 0;
    for (size_t n = 0; n < 100; n++) {
        assert_true(fvi_grow((void **)&list, n, &cap, sizeof *list));
        list[n] = (int)n;
    }
    for (int n = 0; n < 100; n++) assert_int_equal(list[n], n);
    int *old = list;
    size_t old_cap = cap;
    fvi_alloc_fail_after(1);
    assert_false(fvi_grow((void **)&list, cap, &cap, sizeof *list));
    assert_ptr_equal(list, old);
    assert_int_equal(cap, old_cap);
    fvi_free(list);
}

static void arena(void **state)
{
    (void)state;
    fvi_arena *a = fvi_arena_create(1 << 20);
    char *kept[200];
    for (int i = 0; i < 200; i++) {
        kept[i] = fvi_arena_printf(a, "object %d", i);
        assert_int_equal((uintptr_t)kept[i] % 16, 0);
        int *zeros = fvi_arena_array(a, 257, sizeof *zeros);
        for (int k = 0; k < 257; k++) assert_int_equal(zeros[k], 0);
    }
    char *big = fvi_arena_alloc(a, 300000); /* a block of its own */
    memset(big, 1, 300000);
    char *after = fvi_arena_strdup(a, "after");
    for (int i = 0; i < 200; i++) {
        char text[20];
        snprintf(text, sizeof text, "object %d", i);
        assert_string_equal(kept[i], text);
    }
    assert_string_equal(after, "after");
    assert_string_equal(fvi_arena_strndup(a, "cut here", 3), "cut");
    assert_null(fvi_arena_alloc(a, 1 << 20)); /* over the limit */
    assert_null(fvi_arena_alloc(a, SIZE_MAX - 3));
    assert_null(fvi_arena_array(a, SIZE_MAX / 2, 4));
    assert_non_null(fvi_arena_alloc(a, 16)); /* and still usable */
    fvi_arena_free(&a);
    assert_null(a);
}

static void maths(void **state)
{
    (void)state;
    size_t n;
    int64_t v;
    assert_true(fvi_mul_size(SIZE_MAX / 2, 2, &n) && n == SIZE_MAX - 1);
    assert_false(fvi_mul_size(SIZE_MAX / 2 + 1, 2, &n));
    assert_false(fvi_add_size(SIZE_MAX, 1, &n));
    assert_false(fvi_mul_i64(INT64_MIN, -1, &v));
    assert_false(fvi_add_i64(INT64_MAX, 1, &v));
    assert_true(fvi_mul_i64(-3, 4, &v) && v == -12);
    assert_int_equal(fvi_round_up(65, 64), 128);
    assert_int_equal(fvi_round_up(64, 64), 64);
    assert_int_equal(fvi_clamp_int(9, 1, 5), 5);
}

static void errors(void **state)
{
    (void)state;
    fv_error e = {0};
    assert_int_equal(fvi_error_set(NULL, FV_ERR_MODEL, "x"), FV_ERR_MODEL);
    assert_int_equal(fvi_error_set(&e, FV_ERR_INPUT, "file %s", "a.png"), FV_ERR_INPUT);
    assert_int_equal(fvi_error_prefix(&e, FV_ERR_MODEL, "picture %d", 3), FV_ERR_INPUT);
    assert_string_equal(e.text, "picture 3: file a.png");
    fvi_error_set(&e, e.status, "again: %s", e.text); /* its own text as an argument */
    assert_string_equal(e.text, "again: picture 3: file a.png");
    char wide[1200];
    for (size_t i = 0; i + 2 < sizeof wide; i += 2) memcpy(wide + i, "\xC3\xBC", 3);
    for (int shift = 0; shift < 2; shift++) { /* a cut falls between characters, whatever the phase */
        fvi_error_set(&e, FV_ERR_INPUT, "%s%s", shift ? "x" : "", wide);
        size_t n = strlen(e.text);
        assert_true(n > FV_ERROR_TEXT_MAX - 8 && n < FV_ERROR_TEXT_MAX);
        assert_string_equal(e.text + n - 3, "\xE2\x80\xA6");
        assert_int_equal((unsigned char)e.text[n - 4], 0xBC);
    }
    fv_error empty = {0};
    assert_int_equal(fvi_error_prefix(&empty, FV_ERR_MODEL, "m.onnx"), FV_ERR_MODEL);
    assert_string_equal(empty.text, "m.onnx: model cannot be used");
    assert_string_equal(fv_status_text(FV_ERR_DEVICE), "device not available");
    assert_string_equal(fv_status_text((fv_status)-999), "unknown status");
}

static char last_line[1200];
static void keep_line(void *user, fv_log_level level, const char *text)
{
    (void)level;
    ++*(int *)user;
    snprintf(last_line, sizeof last_line, "%s", text);
}

static void log_levels(void **state)
{
    (void)state;
    int calls = 0;
    fvi_log log = {keep_line, &calls, FV_LOG_INFO};
    fvi_log_write(&log, FV_LOG_DEBUG, "not seen");
    assert_int_equal(calls, 0);
    fvi_log_write(&log, FV_LOG_INFO, "two\nlines %d", 5);
    assert_string_equal(last_line, "two lines 5");
    fvi_log_write(NULL, FV_LOG_ERROR, "nobody");
    log.fn = NULL;
    fvi_log_write(&log, FV_LOG_ERROR, "nobody");
    assert_int_equal(calls, 1);
}

static void clocks(void **state)
{
    (void)state;
    int64_t a = fvi_now_ns(), b = fvi_now_ns();
    assert_true(b >= a);
}

static void files(void **state)
{
    (void)state;
    char dir[] = "base-test-XXXXXX", path[64], missing[80];
    fv_error e = {0};
    fvi_map m;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/f.bin", dir);
    assert_int_equal(fvi_map_open(&m, path, 100, &e), FV_ERR_INPUT);
    assert_non_null(strstr(e.text, path));
    assert_int_equal(fvi_file_write(path, "hello", 5, &e), FV_OK);
    assert_int_equal(fvi_map_open(&m, path, 5, &e), FV_OK);
    assert_int_equal(m.size, 5);
    assert_memory_equal(m.data, "hello", 5);
    fvi_map_close(&m);
    fvi_map_close(&m); /* twice is harmless */
    assert_int_equal(fvi_map_open(&m, path, 4, &e), FV_ERR_LIMIT);
    assert_int_equal(fvi_file_write(path, "", 0, &e), FV_OK); /* replaces */
    assert_int_equal(fvi_map_open(&m, path, 5, &e), FV_OK);
    assert_int_equal(m.size, 0);
    assert_non_null(m.data);
    fvi_map_close(&m);
    assert_int_equal(fvi_map_open(&m, dir, 5, &e), FV_ERR_INPUT);
    assert_int_equal(fvi_map_open(&m, "/dev/null", 5, &e), FV_ERR_INPUT);
    snprintf(missing, sizeof missing, "%s/no/f", dir);
    assert_int_equal(fvi_file_write(missing, "x", 1, &e), FV_ERR_OUTPUT);
    assert_int_equal(fvi_file_write("/dev/null", "x", 1, &e), FV_OK); /* written to, not replaced */
    struct stat st;
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    assert_int_equal(fvi_file_write(dir, "x", 1, &e), FV_ERR_OUTPUT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0); /* nothing else was left in it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory), cmocka_unit_test(pages), cmocka_unit_test(failing_allocations), cmocka_unit_test(arena),
                                       cmocka_unit_test(maths), cmocka_unit_test(errors), cmocka_unit_test(log_levels),
                                       cmocka_unit_test(clocks), cmocka_unit_test(files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
