/* test_frame.c: frame memory, and that prep reads not one byte past the planes it was given. */
#include "prep_util.h"
#include <sys/mman.h>
#include <unistd.h>

static void test_alloc(void **state)
{
    (void)state;
    static const int sides[][2] = {{1, 1}, {3, 5}, {640, 480}, {1, 32768}, {4097, 3}};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
        for (int format = FV_PIXEL_I420; format <= FV_PIXEL_GRAY; format++) {
            fv_frame f;
            assert_int_equal(fv_frame_alloc(&f, (fv_pixel_format)format, sides[i][0], sides[i][1]), FV_OK);
            for (int k = 0; k < planes(&f); k++) {
                assert_true(f.stride[k] >= plane_w(&f, k) && f.stride[k] % 64 == 0);
                assert_int_equal((uintptr_t)f.plane[k] % 64, 0);
                memset(f.plane[k], k + 1, (size_t)(f.stride[k] * plane_h(&f, k))); /* under a sanitizer this finds short planes */
                volatile uint8_t pad = f.plane[k][f.stride[k] * plane_h(&f, k) + FV_FRAME_PAD - 1];
                (void)pad;
            }
            for (int k = 0; k < planes(&f); k++) /* planes do not overlap */
                assert_int_equal(f.plane[k][f.stride[k] * plane_h(&f, k) - 1], k + 1);
            for (int k = planes(&f); k < 3; k++) assert_null(f.plane[k]);
            fv_frame_release(&f);
            assert_null(f.plane[0]);
            fv_frame_release(&f); /* twice is fine */
        }
}

static void test_limits(void **state)
{
    (void)state;
    fv_frame f;
    assert_true(fv_frame_alloc(&f, FV_PIXEL_RGB, 0, 5) < 0);
    assert_true(fv_frame_alloc(&f, FV_PIXEL_RGB, 5, -1) < 0);
    assert_int_equal(fv_frame_alloc(&f, FV_PIXEL_RGB, 32769, 1), FV_ERR_LIMIT);
    assert_true(fv_frame_alloc(&f, FV_PIXEL_NONE, 5, 5) < 0);
    assert_true(fv_frame_alloc(&f, (fv_pixel_format)17, 5, 5) < 0);
    assert_null(f.plane[0]);
    fvi_alloc_fail_after(1);
    assert_int_equal(fv_frame_alloc(&f, FV_PIXEL_RGB, 5, 5), FV_ERR_MEMORY);
    fvi_alloc_fail_after(0);
    fv_frame_release(NULL);
    assert_string_equal(fv_pixel_format_name(FV_PIXEL_NV12), "nv12");
    assert_non_null(fv_pixel_format_name((fv_pixel_format)99));
}

static int released;
static void count_release(fv_frame *f)
{
    released += *(int *)f->opaque;
}

static void test_foreign_release(void **state)
{
    (void)state;
    int step = 3;
    uint8_t pixel[3] = {0};
    fv_frame f = {.format = FV_PIXEL_RGB, .width = 1, .height = 1, .plane = {pixel}, .stride = {3}, .release = count_release, .opaque = &step};
    fv_frame_release(&f);
    fv_frame_release(&f);
    assert_int_equal(released, 3);
}

/* `bytes` that end where an unreadable page begins. */
static uint8_t *before_wall(size_t bytes, void **map, size_t *size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (bytes + page - 1) / page * page;
    *size = body + page;
    *map = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(*map != MAP_FAILED);
    assert_int_equal(mprotect((char *)*map + body, page, PROT_NONE), 0);
    return (uint8_t *)*map + body - bytes;
}

static void test_no_overread(void **state)
{
    (void)state;
    static const int size[][4] = {{97, 31, 64, 64}, {16, 16, 16, 16}, {64, 48, 64, 64}, {7, 3, 40, 40}, {1, 1, 8, 8}, {640, 9, 32, 32}, {33, 20, 32, 19}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (int format = FV_PIXEL_I420; format <= FV_PIXEL_GRAY; format++)
            for (int k = 0; k < 6; k++) {
                fv_frame f = {.format = (fv_pixel_format)format, .width = size[i][0], .height = size[i][1]};
                void *map[3] = {0};
                size_t bytes[3] = {0};
                for (int p = 0; p < planes(&f); p++) {
                    f.stride[p] = plane_w(&f, p);
                    size_t n = (size_t)(plane_w(&f, p) * plane_h(&f, p));
                    f.plane[p] = before_wall(n, &map[p], &bytes[p]);
                    memset(f.plane[p], 50 + p, n);
                }
                fvi_prep_spec spec = plain_spec();
                spec.filter = (fvi_filter)(k % 2);
                spec.fit = (fvi_fit)(k / 2);
                free(prep_once(&spec, &f, size[i][2], size[i][3], k % 2, fvi_cpu_detect(), 1, NULL));
                for (int p = 0; p < planes(&f); p++) munmap(map[p], bytes[p]);
            }
}

/* A copy has its own memory, which the next copy of that shape uses again; everything said about the picture comes along. */
static void test_copy(void **state)
{
    (void)state;
    fv_frame a, b, copy = {0};
    for (int format = FV_PIXEL_I420; format <= FV_PIXEL_GRAY; format++) {
        assert_int_equal(fv_frame_alloc(&a, (fv_pixel_format)format, 7, 5), FV_OK);
        for (int i = 0; i < 3 && a.plane[i]; i++)
            for (int y = 0; y < (i ? 3 : 5); y++) memset(a.plane[i] + y * a.stride[i], 16 * i + y + 1, i ? (size_t)(format == FV_PIXEL_NV12 ? 8 : 4) : 7);
        a.index = 41;
        a.pts = 2.5;
        a.matrix = FV_COLOR_BT2020;
        a.range = FV_RANGE_FULL;
        assert_int_equal(fv_frame_copy(&copy, &a), FV_OK);
        assert_true(copy.format == a.format && copy.width == 7 && copy.height == 5 && copy.index == 41 && copy.pts == 2.5);
        assert_true(copy.matrix == FV_COLOR_BT2020 && copy.range == FV_RANGE_FULL);
        for (int i = 0; i < 3; i++) {
            assert_true((a.plane[i] == NULL) == (copy.plane[i] == NULL));
            if (!a.plane[i]) continue;
            assert_ptr_not_equal(copy.plane[i], a.plane[i]);
            for (int y = 0; y < (i ? 3 : 5); y++)
                assert_memory_equal(copy.plane[i] + y * copy.stride[i], a.plane[i] + y * a.stride[i], i ? (size_t)(format == FV_PIXEL_NV12 ? 8 : 4) : 7);
        }
        uint8_t *memory = copy.plane[0];
        assert_int_equal(fv_frame_copy(&copy, &a), FV_OK);
        assert_ptr_equal(copy.plane[0], memory);
        fv_frame_release(&a);
        assert_int_equal(copy.plane[0][0], 1); /* and it outlives the original */
    }
    assert_int_equal(fv_frame_alloc(&b, FV_PIXEL_GRAY, 3, 3), FV_OK);
    memset(b.plane[0], 9, 3 * (size_t)b.stride[0]);
    fv_frame upside = b; /* borrowed planes, rows from the bottom up */
    upside.release = NULL;
    upside.plane[0] += 2 * b.stride[0];
    upside.stride[0] = -b.stride[0];
    b.plane[0][2 * b.stride[0]] = 77;
    assert_int_equal(fv_frame_copy(&copy, &upside), FV_OK);
    assert_true(copy.plane[0][0] == 77 && copy.plane[0][1] == 9 && copy.width == 3);
    assert_int_equal(fv_frame_copy(&copy, &copy), FV_ERR_ARGUMENT);
    assert_int_equal(fv_frame_copy(&copy, &(fv_frame){0}), FV_ERR_ARGUMENT);
    assert_int_equal(fv_frame_copy(NULL, &b), FV_ERR_ARGUMENT);
    fv_frame_release(&b);
    fv_frame_release(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_foreign_release),
        cmocka_unit_test(test_no_overread),
        cmocka_unit_test(test_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
