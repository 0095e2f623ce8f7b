/* Figures against pycocotools (scripts/make_score_goldens.py), and what a score refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include <fovea/score.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE 65536
#define MAX_ITEMS 400
#define MAX_POINTS 17
#define EXACT 1e-6

/* Items of one picture with what they point to. */
typedef struct things {
    fv_score_item item[MAX_ITEMS];
    fv_rle mask[MAX_ITEMS];
    double points[MAX_ITEMS][MAX_POINTS][3];
    int n;
} things;

typedef struct reader {
    fv_score *score;
    fv_score_kind kind;
    int n_points, width, height;
    bool open; /* a picture's items are there */
    things truths, found;
} reader;

static void read_item(reader *r, things *t, bool truth, const char *p)
{
    char *end;
    fv_score_item *it = &t->item[t->n];
    double v[4];
    *it = (fv_score_item){.class_id = (int)strtol(p, &end, 10)};
    if (truth) {
        it->crowd = (int)strtol(end, &end, 10);
        it->area = strtod(end, &end);
    } else {
        it->confidence = strtod(end, &end);
    }
    for (int i = 0; i < 4; i++) v[i] = strtod(end, &end);
    it->box[0] = v[0], it->box[1] = v[1];
    it->box[2] = v[0] + v[2], it->box[3] = v[1] + v[3];
    if (r->kind == FV_SCORE_MASK) {
        end[strcspn(end, "\n")] = 0;
        assert_int_equal(fv_rle_from_text(&t->mask[t->n], r->width, r->height, end + 1), FV_OK);
        it->mask = &t->mask[t->n];
    }
    for (int i = 0; i < r->n_points; i++)
        for (int c = 0; c < 3; c++) t->points[t->n][i][c] = strtod(end, &end);
    if (r->n_points) it->keypoints = (const double (*)[3])t->points[t->n];
    t->n++;
    assert_in_range(t->n, 1, MAX_ITEMS - 1);
}

static void end_picture(reader *r)
{
    fv_error err = {0};
    if (r->open && fv_score_add(r->score, r->truths.item, r->truths.n, r->found.item, r->found.n, &err) < 0) fail_msg("%s", err.text);
    r->truths.n = r->found.n = 0;
    r->open = false;
}

/* 14 figures, x = not said. */
static void check_numbers(const fv_score_numbers *n, const char *p)
{
    const double *got = (const double *)n;
    char word[32];
    int used;
    for (int i = 0; i < 14; i++, p += used) {
        assert_int_equal(sscanf(p, "%31s%n", word, &used), 1);
        if (word[0] == 'x') continue;
        double want = strtod(word, NULL);
        if (!(got[i] > want - EXACT && got[i] < want + EXACT)) fail_msg("figure %d: %.9f, not %.9f", i, got[i], want);
    }
}

static void check_class(reader *r, const char *p)
{
    fv_score_class c;
    char *end;
    assert_int_equal(fv_score_of_class(r->score, (int)strtol(p, &end, 10), &c), FV_OK);
    check_numbers(&c.numbers, end);
    assert_true((c.truths > 0) == (c.numbers.map50 >= 0));
    assert_true(c.best_f1 <= 1 && c.precision <= 1 && c.recall <= 1);
}

static void run_golden(const char *name, fv_score_kind kind)
{
    char path[512], *line = malloc(LINE);
    reader *r = calloc(1, sizeof *r);
    int n_classes = 0, classes = 0;
    fv_score_numbers total;
    snprintf(path, sizeof path, "%s/score/%s.txt", FV_TEST_DATA, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    r->kind = kind;
    while (fgets(line, LINE, f)) {
        if (sscanf(line, "score %d %d", &n_classes, &r->n_points) == 2) {
            assert_int_equal(fv_score_create(&r->score, FV_SCORE_OPTIONS(.kind = kind, .n_classes = n_classes, .n_keypoints = r->n_points), NULL), FV_OK);
        } else if (!strncmp(line, "picture ", 8)) {
            end_picture(r);
            sscanf(line, "picture %d %d", &r->width, &r->height);
            r->open = true;
        } else if (line[0] == 't' && line[1] == ' ') {
            read_item(r, &r->truths, true, line + 2);
        } else if (line[0] == 'f') {
            read_item(r, &r->found, false, line + 2);
        } else if (line[0] == 't') {
            end_picture(r);
            fv_score_class none;
            assert_int_equal(fv_score_of_class(r->score, 0, &none), FV_ERR_STATE);
            assert_int_equal(fv_score_total(r->score, &total, NULL), FV_OK);
            check_numbers(&total, line + 6);
        } else {
            check_class(r, line + 6);
            classes++;
        }
    }
    assert_int_equal(classes, n_classes);
    assert_true(classes > 0);
    fclose(f);
    fv_score_free(&r->score);
    for (int i = 0; i < MAX_ITEMS; i++) {
        fv_rle_clear(&r->truths.mask[i]);
        fv_rle_clear(&r->found.mask[i]);
    }
    free(r);
    free(line);
}

static void test_boxes(void **state) { (void)state, run_golden("boxes", FV_SCORE_BOX); }
static void test_masks(void **state) { (void)state, run_golden("segments", FV_SCORE_MASK); }
static void test_keypoints17(void **state) { (void)state, run_golden("points17", FV_SCORE_KEYPOINTS); }
static void test_keypoints5(void **state) { (void)state, run_golden("points5", FV_SCORE_KEYPOINTS); }

/* Two things, three answers: the figures can be said by hand. */
static void test_by_hand(void **state)
{
    (void)state;
    fv_score *s;
    fv_score_numbers n;
    fv_score_class c;
    assert_int_equal(fv_score_create(&s, FV_SCORE_OPTIONS(.n_classes = 2), NULL), FV_OK);
    assert_int_equal(fv_score_total(s, &n, NULL), FV_OK);
    assert_true(n.map50 == -1); /* nothing yet */
    fv_score_item truths[2] = {{.box = {0, 0, 10, 10}}, {.box = {20, 0, 30, 10}}};
    fv_score_item found[3] = {{.box = {0, 0, 10, 10}, .confidence = 0.9}, {.box = {50, 50, 60, 60}, .confidence = 0.8}, {.box = {20, 0, 30, 10}, .confidence = 0.7}};
    assert_int_equal(fv_score_add(s, truths, 2, found, 3, NULL), FV_OK);
    assert_int_equal(fv_score_total(s, &n, NULL), FV_OK);
    double want = (51 * 1.0 + 50 * 2.0 / 3) / 101; /* recalls 0 … 0.5 at precision 1, the others at 2/3 */
    assert_float_equal(n.map50, want, 1e-12);
    assert_float_equal(n.map50_95, want, 1e-12);
    assert_true(n.map_large == -1 && n.ar == 1 && n.ar1 == 0.5);
    assert_int_equal(fv_score_of_class(s, 0, &c), FV_OK);
    assert_int_equal(c.truths, 2);
    assert_int_equal(c.found, 3);
    assert_int_equal(c.pictures, 1);
    assert_float_equal(c.best_f1, 0.8, 1e-12); /* all three: precision 2/3, recall 1 */
    assert_float_equal(c.confidence, 0.7, 1e-12);
    assert_int_equal(fv_score_of_class(s, 1, &c), FV_OK);
    assert_true(c.numbers.map50 == -1 && c.best_f1 == -1);
    assert_int_equal(fv_score_pictures(s), 1);
    fv_score_free(&s);
}

static void test_refused(void **state)
{
    (void)state;
    fv_score *s;
    fv_error err;
    assert_int_equal(fv_score_create(&s, FV_SCORE_OPTIONS(.n_classes = 0), &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_score_create(&s, &(fv_score_options){.n_classes = 1}, &err), FV_ERR_ARGUMENT); /* size not set */
    assert_int_equal(fv_score_create(&s, FV_SCORE_OPTIONS(.kind = FV_SCORE_KEYPOINTS, .n_classes = 1), &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_score_create(&s, FV_SCORE_OPTIONS(.kind = FV_SCORE_KEYPOINTS, .n_classes = 1, .n_keypoints = 1, .sigmas = (const float[]){0}), &err), FV_ERR_ARGUMENT);
    assert_null(s);
    assert_int_equal(fv_score_create(&s, FV_SCORE_OPTIONS(.kind = FV_SCORE_MASK, .n_classes = 2), &err), FV_OK);
    fv_score_item it = {.class_id = 2};
    assert_int_equal(fv_score_add(s, &it, 1, NULL, 0, &err), FV_ERR_ARGUMENT);
    it = (fv_score_item){.class_id = 1};
    assert_int_equal(fv_score_add(s, NULL, 0, &it, 1, &err), FV_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "mask"));
    it.box[2] = 1.0 / 0.0;
    assert_int_equal(fv_score_add(s, NULL, 0, &it, 1, &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_score_add(s, &it, 30000, NULL, 0, &err), FV_ERR_LIMIT);
    assert_int_equal(fv_score_pictures(s), 0);
    fv_score_free(&s);
}

/* A failed picture leaves no trace. */
static void test_no_memory(void **state)
{
    (void)state;
    fv_score_item truths[2] = {{.box = {0, 0, 10, 10}}, {.box = {20, 0, 30, 10}}};
    fv_score_item found[2] = {{.box = {0, 0, 10, 10}, .confidence = 0.9}, {.box = {20, 0, 30, 10}, .confidence = 0.7}};
    int failed = 0;
    for (long n = 1; n < 40; n++) {
        fv_score *s = NULL;
        fv_score_numbers total;
        fvi_alloc_fail_after(n);
        fv_status st = fv_score_create(&s, FV_SCORE_OPTIONS(.n_classes = 1), NULL);
        if (st >= 0) st = fv_score_add(s, truths, 2, found, 2, NULL);
        if (st >= 0) st = fv_score_total(s, &total, NULL);
        fvi_alloc_fail_after(0);
        assert_true(st == FV_OK || st == FV_ERR_MEMORY);
        failed += st < 0;
        if (s) {
            fv_score_add(s, truths, 2, found, 2, NULL);
            assert_int_equal(fv_score_total(s, &total, NULL), FV_OK);
            assert_float_equal(total.map50_95, 1, 1e-12);
        }
        fv_score_free(&s);
    }
    assert_in_range(failed, 5, 30);
}

/* A score of `n` pictures with a thing of class p % 2 each, found where p % every != 0. */
static fv_score *some_found(int n, int every)
{
    fv_score *s;
    assert_int_equal(fv_score_create(&s, FV_SCORE_OPTIONS(.n_classes = 2), NULL), FV_OK);
    for (int p = 0; p < n; p++) {
        fv_score_item truth = {.class_id = p % 2, .box = {0, 0, 50, 50}}, found = truth;
        found.confidence = 0.9 - 0.001 * p;
        if (p % every == 0) found.box[2] = 10; /* another place */
        assert_int_equal(fv_score_add(s, &truth, 1, &found, 1, NULL), FV_OK);
    }
    return s;
}

static void test_compared(void **state)
{
    fv_score *a = some_found(40, 100), *b = some_found(40, 4), *few = some_found(7, 4), *c = some_found(40, 4);
    fv_score_numbers x, y;
    fv_score_difference d, again;
    fv_error err = {0};
    (void)state;
    assert_int_equal(fv_score_compare(a, b, 500, &d, &err), FV_OK);
    fv_score_total(a, &x, NULL);
    fv_score_total(b, &y, NULL);
    assert_true(fabs(d.mean - (y.map50_95 - x.map50_95)) < 1e-12); /* the figures that val prints */
    assert_true(d.low < d.mean && d.mean < d.high && d.low > -0.6 && d.high < 0 && d.below > 0.99);
    assert_int_equal(fv_score_compare(a, b, 500, &again, &err), FV_OK);
    assert_memory_equal(&d, &again, sizeof d);
    assert_int_equal(fv_score_compare(b, c, 50, &d, &err), FV_OK); /* the same in both: every draw is even */
    assert_true(d.mean == 0 && d.low == 0 && d.high == 0 && d.below == 0);
    assert_int_equal(fv_score_compare(a, few, 50, &d, &err), FV_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "40 and 7 pictures"));
    assert_int_equal(fv_score_compare(a, b, 0, &d, &err), FV_ERR_ARGUMENT);
    fv_score_free(&a);
    fv_score_free(&b);
    fv_score_free(&c);
    fv_score_free(&few);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_boxes),   cmocka_unit_test(test_masks),   cmocka_unit_test(test_keypoints17), cmocka_unit_test(test_keypoints5),
                                       cmocka_unit_test(test_by_hand), cmocka_unit_test(test_compared), cmocka_unit_test(test_refused), cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
