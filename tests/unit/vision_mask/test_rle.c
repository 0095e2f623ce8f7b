/* Masks against pycocotools (scripts/make_score_goldens.py): polygons, regions, text, areas, boxes, overlaps, unions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include <fovea/mask.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE 65536

static void read_polygon(fv_rle *r, int w, int h, const char *p)
{
    double xy[64][2];
    char *end;
    int n = (int)strtol(p, &end, 10);
    for (int i = 0; i < n; i++)
        for (int c = 0; c < 2; c++) xy[i][c] = strtod(end, &end);
    assert_int_equal(fv_rle_from_polygon(r, w, h, (const double (*)[2])xy, n), FV_OK);
}

static void read_region(fv_rle *r, int w, int h, const char *p)
{
    fv_mask m = {.at = 3};
    int used;
    static uint8_t bits[2048];
    assert_int_equal(sscanf(p, "%d %d %d %d %n", &m.x, &m.y, &m.width, &m.height, &used), 4);
    for (int i = 0; i < m.width * m.height; i++) bits[3 + i] = p[used + i] == '1' ? 255 : 0;
    assert_int_equal(fv_rle_from_mask(r, w, h, &m, bits), FV_OK);
}

static void check_text(const fv_rle *r, const char *text)
{
    char *buf = malloc(LINE);
    assert_int_equal(fv_rle_text(r, buf, LINE), strlen(text));
    assert_string_equal(buf, text);
    assert_int_equal(fv_rle_text(r, buf, 4), strlen(text)); /* cut */
    assert_memory_equal(buf, text, strlen(text) < 3 ? strlen(text) : 3);
    assert_int_equal(buf[strlen(text) < 3 ? strlen(text) : 3], 0);
    fv_rle again = {0};
    assert_int_equal(fv_rle_from_text(&again, r->width, r->height, text), FV_OK);
    assert_int_equal(again.n, r->n);
    assert_memory_equal(again.counts, r->counts, r->n * sizeof *r->counts);
    fv_rle_clear(&again);
    free(buf);
}

/* Pixels and back: the same runs. */
static void check_pixels(const fv_rle *r, int64_t area)
{
    uint8_t *pixels = malloc((size_t)r->width * (size_t)r->height);
    memset(pixels, 7, (size_t)r->width * (size_t)r->height);
    fv_rle_decode(r, pixels, r->width);
    int64_t sum = 0;
    for (int i = 0; i < r->width * r->height; i++) sum += pixels[i];
    assert_int_equal(sum, area);
    fv_rle again = {0};
    fv_mask all = {.width = r->width, .height = r->height};
    assert_int_equal(fv_rle_from_mask(&again, r->width, r->height, &all, pixels), FV_OK);
    assert_int_equal(again.n, r->n);
    assert_memory_equal(again.counts, r->counts, r->n * sizeof *r->counts);
    fv_rle_clear(&again);
    free(pixels);
}

static void test_golden(void **state)
{
    (void)state;
    char *line = malloc(LINE), *text = malloc(LINE), kind[16];
    static fv_rle rle[128];
    int n = 0, pairs = 0;
    FILE *f = fopen(FV_TEST_DATA "/score/masks.txt", "r");
    assert_non_null(f);
    while (fgets(line, LINE, f)) {
        int w, h, used, at[4], got[4], i, k;
        double iou, crowd;
        long long area;
        if (sscanf(line, "pair %d %d %lf %lf %65535s", &i, &k, &iou, &crowd, text) == 5) {
            assert_float_equal(fv_rle_iou(&rle[i], &rle[k], 0), iou, 1e-12);
            assert_float_equal(fv_rle_iou(&rle[i], &rle[k], 1), crowd, 1e-12);
            fv_rle both = {0};
            assert_int_equal(fv_rle_from_counts(&both, rle[i].width, rle[i].height, rle[i].counts, rle[i].n), FV_OK);
            assert_int_equal(fv_rle_join(&both, &rle[k]), FV_OK);
            check_text(&both, text);
            fv_rle_clear(&both);
            pairs++;
            continue;
        }
        assert_int_equal(sscanf(line, "%15s %d %d %n", kind, &w, &h, &used), 3);
        (kind[0] == 'p' ? read_polygon : read_region)(&rle[n], w, h, line + used);
        assert_non_null(fgets(line, LINE, f));
        assert_int_equal(sscanf(line, "= %65535s %lld %d %d %d %d", text, &area, &at[0], &at[1], &at[2], &at[3]), 6);
        check_text(&rle[n], text);
        assert_int_equal(fv_rle_area(&rle[n]), area);
        fv_rle_box(&rle[n], &got[0], &got[1], &got[2], &got[3]);
        assert_memory_equal(got, at, sizeof at);
        check_pixels(&rle[n], area);
        n++;
    }
    fclose(f);
    assert_int_equal(n, 100);
    assert_int_equal(pairs, 60);
    for (int i = 0; i < n; i++) fv_rle_clear(&rle[i]);
    free(line);
    free(text);
}

static void test_bad(void **state)
{
    (void)state;
    fv_rle r = {0};
    static const char *const bad[] = {"", "0", "=", "PPPP", "ooooooooooooo", "\x7f", "40000000000", "a", "0OO"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(fv_rle_from_text(&r, 4, 4, bad[i]), FV_ERR_INPUT);
        assert_int_equal(r.n, 0);
    }
    assert_int_equal(fv_rle_from_text(&r, 4, 4, "`0"), FV_OK); /* 16 */
    assert_int_equal(fv_rle_area(&r), 0);
    assert_int_equal(fv_rle_from_text(&r, 0, 4, "`0"), FV_ERR_ARGUMENT);
    assert_int_equal(fv_rle_from_text(&r, 40000, 4, "`0"), FV_ERR_ARGUMENT);
    assert_int_equal(fv_rle_from_counts(&r, 4, 4, (const uint32_t[]){4, 4}, 2), FV_ERR_INPUT);
    assert_int_equal(fv_rle_from_counts(&r, 4, 4, (const uint32_t[]){4, 14}, 2), FV_ERR_INPUT);
    fv_mask m = {.x = 2, .y = 0, .width = 3, .height = 1};
    assert_int_equal(fv_rle_from_mask(&r, 4, 4, &m, (const uint8_t *)"abc"), FV_ERR_ARGUMENT);
    double far[3][2] = {{0, 0}, {1e9, 0}, {0, 3}}, nan[3][2] = {{0, 0}, {0.0 / 0.0 * 1, 0}, {0, 3}};
    assert_int_equal(fv_rle_from_polygon(&r, 4, 4, (const double (*)[2])far, 3), FV_ERR_LIMIT);
    assert_int_equal(fv_rle_from_polygon(&r, 4, 4, (const double (*)[2])nan, 3), FV_ERR_LIMIT);
    fv_rle other = {0};
    assert_int_equal(fv_rle_from_text(&r, 4, 4, "`0"), FV_OK);
    assert_int_equal(fv_rle_join(&r, &other), FV_ERR_ARGUMENT);
    assert_true(fv_rle_iou(&r, &other, 0) == 0);
    fv_rle_clear(&r);
}

/* Every allocation that can fail gives FV_ERR_MEMORY and an empty mask. */
static void test_no_memory(void **state)
{
    (void)state;
    double xy[4][2] = {{1, 1}, {9, 2}, {8, 9}, {2, 7}};
    fv_rle whole = {0};
    assert_int_equal(fv_rle_from_polygon(&whole, 10, 10, (const double (*)[2])xy, 4), FV_OK);
    int failed = 0;
    for (long n = 1; n < 50; n++) {
        fv_rle r = {0};
        fvi_alloc_fail_after(n);
        fv_status st = fv_rle_from_polygon(&r, 10, 10, (const double (*)[2])xy, 4);
        if (st >= 0) st = fv_rle_join(&r, &whole);
        fvi_alloc_fail_after(0);
        assert_true(st == FV_OK || st == FV_ERR_MEMORY);
        if (st < 0) {
            assert_int_equal(r.n, 0);
            failed++;
        }
        fv_rle_clear(&r);
    }
    assert_in_range(failed, 2, 20);
    fv_rle_clear(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden), cmocka_unit_test(test_bad), cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
