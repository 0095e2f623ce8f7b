/* Large things that live together: aligned, apart, padded with zeros; out of memory is null and leaves what there is. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "base/alloc.h"
#include "base/room.h"
#include <string.h>

static void things_lie_apart(void **state)
{
    (void)state;
    enum { N = 40 };
    static const size_t sizes[] = {0, 1, 63, 64, 65, 5000, 70000, 300000};
    unsigned char *p[N];
    fvi_room *r = fvi_room_create();
    assert_non_null(r);
    for (int i = 0; i < N; i++) {
        const size_t n = sizes[i % 8];
        p[i] = fvi_room_take(r, n);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % FVI_ALIGN, 0);
        for (size_t k = 0; k < FVI_PAD; k++) assert_int_equal(p[i][n + k], 0);
        memset(p[i], i + 1, n);
    }
    for (int i = 0; i < N; i++)
        for (size_t k = 0; k < sizes[i % 8] + FVI_PAD; k++)
            if (p[i][k] != (k < sizes[i % 8] ? i + 1 : 0)) fail_msg("thing %d: byte %zu was written by another one", i, k);
    fvi_room_free(&r);
    assert_null(r);
    fvi_room_free(&r);
}

static void few_blocks(void **state)
{
    (void)state;
    fvi_room *r = fvi_room_create();
    const uint64_t before = fvi_alloc_count();
    for (int i = 0; i < 2000; i++) assert_non_null(fvi_room_take(r, 10000));
    assert_true(fvi_alloc_count() - before <= 12); /* two a block */
    fvi_room_free(&r);
}

static void out_of_memory(void **state)
{
    (void)state;
    fvi_room *r = fvi_room_create();
    char *p = fvi_room_take(r, 100);
    assert_non_null(p);
    p[99] = 'x';
    assert_null(fvi_room_take(r, SIZE_MAX));
    assert_null(fvi_room_take(r, SIZE_MAX - FVI_PAD));
    assert_null(fvi_room_take(r, SIZE_MAX / 4));
    for (int n = 1; n <= 2; n++) {
        fvi_alloc_fail_after(n);
        assert_null(fvi_room_take(r, 1 << 20));
        fvi_alloc_fail_after(0);
    }
    assert_int_equal(p[99], 'x');
    assert_non_null(fvi_room_take(r, 1 << 20));
    fvi_room_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(things_lie_apart), cmocka_unit_test(few_blocks), cmocka_unit_test(out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
