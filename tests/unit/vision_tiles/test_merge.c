/* Merging: SAHI's three rules against golden cases (tests/data/tiles/make_merge.py), the rule for seams against scenes whose answer is known. */
#include "base/alloc.h"
#include "vision/tiles/merge.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 20000

static fvi_tiles_box box[MOST];
static fvi_merger *merger;
static const fvi_tiles_thing *things;
static const int *chain;
static int n_things;

static void run(const fvi_merge_params *p, int n, const fvi_tile *tiles, int n_tiles)
{
    if (!merger) assert_int_equal(fvi_merger_create(&merger, fvi_cpu_detect()), FV_OK);
    assert_int_equal(fvi_tiles_merge(merger, p, box, n, tiles, n_tiles, &things, &n_things, &chain), FV_OK);
}

static int compare(const void *a, const void *b)
{
    const fvi_tiles_box *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    for (int i = 0; i < 4; i++)
        if (x->box[i] != y->box[i]) return x->box[i] < y->box[i] ? -1 : 1;
    return x->class_id - y->class_id;
}

static void read_boxes(FILE *f, fvi_tiles_box *b, int n)
{
    memset(b, 0, (size_t)n * sizeof *b);
    for (int i = 0; i < n; i++)
        assert_int_equal(fscanf(f, "%f %f %f %f %f %d", &b[i].box[0], &b[i].box[1], &b[i].box[2], &b[i].box[3], &b[i].score, &b[i].class_id), 6);
}

static void test_sahi(void **state)
{
    (void)state;
    char kind[16], metric[8];
    float threshold;
    int agnostic, n, n_want, cases = 0;
    static fvi_tiles_box want[200], got[200];
    const fvi_tile all = {0, 0, 2000, 2000, 0};
    FILE *f = fopen(FV_TEST_DATA "/tiles/merge.txt", "r");
    assert_non_null(f);
    for (; fscanf(f, "%15s %7s %f %d %d %d", kind, metric, &threshold, &agnostic, &n, &n_want) == 6; cases++) {
        assert_true(n <= 200 && n_want <= n);
        read_boxes(f, box, n);
        read_boxes(f, want, n_want);
        fvi_merge_params p = {.merge = !strcmp(kind, "NMS") ? FV_MERGE_NMS : !strcmp(kind, "NMM") ? FV_MERGE_NMM : FV_MERGE_GREEDYNMM,
                              .metric = metric[2] == 'S' ? FV_METRIC_IOS : FV_METRIC_IOU, .threshold = threshold, .agnostic = agnostic != 0};
        run(&p, n, &all, 1);
        assert_int_equal(n_things, n_want);
        for (int i = 0; i < n_things; i++) {
            got[i] = (fvi_tiles_box){.score = things[i].score, .class_id = things[i].class_id};
            memcpy(got[i].box, things[i].box, sizeof got[i].box);
            if (i) assert_true(things[i].score <= things[i - 1].score);
        }
        qsort(got, (size_t)n_things, sizeof *got, compare);
        for (int i = 0; i < n_things; i++)
            if (compare(&got[i], &want[i])) fail_msg("case %d: thing %d differs", cases, i);
    }
    fclose(f);
    assert_int_equal(cases, 24);
}

/* ---- seams ---- */

#define COLS 4
#define SIDE 640
static fvi_tile tiles[2 * COLS + 1];

/* 8 tiles of 640 with 128 pixels in common, and the whole frame as the last. */
static void make_tiles(void)
{
    fvi_tiles_grid g = {COLS, 2, SIDE, SIDE};
    int w = SIDE + (COLS - 1) * 512, h = SIDE + 512;
    for (int i = 0; i < 2 * COLS; i++) tiles[i] = fvi_tiles_at(&g, i, w, h);
    tiles[2 * COLS] = (fvi_tile){0, 0, w, h, 0};
}

/* What a tile sees of a thing; nothing when it is a sliver. */
static int see(int n, const float thing[4], int tile, float score, float noise)
{
    const fvi_tile *t = &tiles[tile];
    float x1 = fmaxf(thing[0], (float)t->x), y1 = fmaxf(thing[1], (float)t->y), x2 = fminf(thing[2], (float)(t->x + t->width)),
          y2 = fminf(thing[3], (float)(t->y + t->height));
    if (x2 - x1 < 8 || y2 - y1 < 8) return n;
    box[n] = (fvi_tiles_box){{x1 + noise, y1 - noise, x2 - noise, y2 + noise}, score, 0, tile};
    return n + 1;
}

static uint32_t seed = 3;
static float unit(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / 16777216.0f;
}

static const fvi_merge_params seam = {.merge = FV_MERGE_SEAM};

/* People far enough apart, some as large as several tiles: each is one thing afterwards, with its own box within the noise. */
static void test_every_thing_once(void **state)
{
    (void)state;
    make_tiles();
    for (int round = 0; round < 400; round++) {
        float thing[12][4];
        int n_real = 0, n = 0, with_global = round % 2;
        for (int tries = 0; tries < 60 && n_real < 12; tries++) {
            float w = 20 + 900 * unit() * unit(), h = w * (1 + unit()), x = unit() * (2176 - w), y = unit() * (1152 - h);
            bool apart = h < 1150;
            for (int k = 0; k < n_real; k++) apart = apart && (x > thing[k][2] + 20 || x + w < thing[k][0] - 20 || y > thing[k][3] + 20 || y + h < thing[k][1] - 20);
            if (!apart) continue;
            float made[4] = {x, y, x + w, y + h};
            memcpy(thing[n_real++], made, sizeof made);
        }
        for (int k = 0; k < n_real; k++)
            for (int t = 0; t < 2 * COLS + with_global; t++) n = see(n, thing[k], t, 0.3f + 0.6f * unit(), 2 * unit() - 1);
        run(&seam, n, tiles, 2 * COLS + 1);
        assert_int_equal(n_things, n_real);
        for (int k = 0; k < n_real; k++) {
            int found = 0;
            for (int i = 0; i < n_things; i++) {
                bool same = true;
                for (int c = 0; c < 4; c++) same = same && fabsf(things[i].box[c] - thing[k][c]) <= 1.01f;
                found += same;
            }
            assert_int_equal(found, 1);
        }
    }
}

static void put(int i, float x1, float y1, float x2, float y2, float score, int tile) { box[i] = (fvi_tiles_box){{x1, y1, x2, y2}, score, 0, tile}; }

/* Two people of one tile that overlap much stay two, and the pair that the neighbour sees as well too. */
static void test_crowd_stays(void **state)
{
    (void)state;
    make_tiles();
    put(0, 530, 100, 590, 250, 0.9f, 0);
    put(1, 545, 100, 605, 250, 0.8f, 0); /* IoU 0.6 */
    run(&seam, 2, tiles, 9);
    assert_int_equal(n_things, 2);
    put(2, 530, 101, 590, 250, 0.7f, 1);
    put(3, 545, 101, 605, 250, 0.6f, 1);
    run(&seam, 4, tiles, 9);
    assert_int_equal(n_things, 2);
    assert_true(things[0].score == 0.9f && things[1].score == 0.8f);
}

/* A small thing in front of a large one is not eaten, as IoS would; neighbours at a seam are not joined when they do not agree. */
static void test_not_eaten(void **state)
{
    (void)state;
    make_tiles();
    put(0, 100, 100, 400, 600, 0.9f, 8);
    put(1, 200, 300, 240, 400, 0.8f, 0);
    run(&seam, 2, tiles, 9);
    assert_int_equal(n_things, 2);
    run(&(fvi_merge_params){.merge = FV_MERGE_GREEDYNMM}, 2, tiles, 9);
    assert_int_equal(n_things, 1);
    put(0, 560, 100, 640, 300, 0.9f, 0); /* ends at the right seam of tile 0 */
    put(1, 512, 250, 560, 420, 0.8f, 1); /* another one at the left seam of tile 1 */
    run(&seam, 2, tiles, 9);
    assert_int_equal(n_things, 2);
}

/* A small box of the whole frame, which sees six times less, gives way to what a tile sees; a large one does not. */
static void test_guesses_give_way(void **state)
{
    (void)state;
    make_tiles();
    tiles[8].seams = FVI_TILE_COARSE;
    put(0, 90, 90, 140, 190, 0.9f, 8); /* IoU 0.35 */
    put(1, 100, 105, 130, 165, 0.6f, 0);
    run(&seam, 2, tiles, 9);
    assert_int_equal(n_things, 1);
    assert_true(things->box[0] == 100 && things->box[3] == 165 && things->score == 0.6f);
    put(1, 110, 110, 120, 120, 0.6f, 0); /* something much smaller is something else */
    run(&seam, 2, tiles, 9);
    assert_int_equal(n_things, 2);
    put(0, 90, 90, 340, 490, 0.5f, 8);
    put(1, 100, 105, 300, 400, 0.6f, 0);
    run(&seam, 2, tiles, 9);
    assert_true(n_things == 1 && things->box[0] == 100); /* IoU 0.59: the surer one */
    put(2, 200, 200, 222, 250, 0.3f, 8); /* nobody else saw it */
    run(&seam, 3, tiles, 9);
    assert_int_equal(n_things, 2);
    tiles[8].seams = 0;
}

/* Three pieces of a bus, the middle one last: the two ends meet only through it. */
static void test_bridge(void **state)
{
    (void)state;
    make_tiles();
    put(0, 300, 100, 640, 300, 0.9f, 0);
    put(1, 1024, 100, 1500, 300, 0.8f, 2);
    put(2, 512, 100, 1152, 300, 0.3f, 1);
    run(&seam, 3, tiles, 9);
    assert_int_equal(n_things, 1);
    assert_true(things->box[0] == 300 && things->box[2] == 1500 && things->score == 0.9f && things->first == 0);
    int members = 1;
    for (int i = things->more; i >= 0; i = chain[i]) members++;
    assert_int_equal(members, 3);
    box[1].class_id = 1; /* of another class: it stays alone */
    run(&seam, 3, tiles, 9);
    assert_int_equal(n_things, 2);
    run(&(fvi_merge_params){.merge = FV_MERGE_SEAM, .agnostic = true}, 3, tiles, 9);
    assert_int_equal(n_things, 1);
}

static void test_odd_boxes(void **state)
{
    (void)state;
    make_tiles();
    put(0, NAN, 0, 5, 5, 0.9f, 0);
    put(1, 0, 0, INFINITY, 5, 0.9f, 0);
    put(2, 0, 0, 5, 5, NAN, 0);
    put(3, 9, 9, 5, 5, 0.9f, 0);
    put(4, -1e30f, -1e30f, 1e30f, 1e30f, 0.5f, 0);
    put(5, 3, 3, 3, 3, 0.5f, 0);
    const fv_tile_merge kinds[] = {FV_MERGE_SEAM, FV_MERGE_NMS, FV_MERGE_NMM, FV_MERGE_GREEDYNMM};
    for (int k = 0; k < 4; k++) {
        run(&(fvi_merge_params){.merge = kinds[k]}, 6, tiles, 9);
        assert_int_equal(n_things, 2);
        run(&(fvi_merge_params){.merge = kinds[k]}, 0, tiles, 9);
        assert_int_equal(n_things, 0);
    }
    const fvi_tiles_thing *t;
    const int *next;
    int n;
    for (int k = 0; k < 4; k++) { /* nothing at all, before there is memory for anything */
        fvi_merger *fresh = NULL;
        assert_int_equal(fvi_merger_create(&fresh, fvi_cpu_detect()), FV_OK);
        assert_int_equal(fvi_tiles_merge(fresh, &(fvi_merge_params){.merge = kinds[k]}, box, 0, tiles, 9, &t, &n, &next), FV_OK);
        assert_int_equal(n, 0);
        fvi_merger_free(&fresh);
    }
    box[0].tile = 9;
    assert_int_equal(fvi_tiles_merge(merger, &seam, box, 1, tiles, 9, &t, &n, &next), FV_ERR_ARGUMENT);
}

/* All boxes against all, as the rule says it: the buckets leave no neighbour out. Nothing is allocated once sizes have settled. */
static void test_buckets_miss_nothing(void **state)
{
    (void)state;
    const fvi_tile all = {0, 0, 4000, 4000, 0};
    for (int round = 0; round < 30; round++) {
        int n = round == 29 ? 3000 : 600, kept[3000], n_kept = 0;
        for (int i = 0; i < n; i++) {
            float w = 4 * powf(500, unit()), h = 4 * powf(500, unit()), x = unit() * 3000 - 100, y = unit() * 2000;
            box[i] = (fvi_tiles_box){{x, y, x + w, y + h}, (float)(n - i) / 4096, (int)(3 * unit()), 0};
        }
        for (int i = 0; i < n; i++) {
            bool out = false;
            for (int k = 0; k < n_kept && !out; k++) {
                const float *a = box[i].box, *b = box[kept[k]].box;
                float w = fminf(a[2], b[2]) - fmaxf(a[0], b[0]), h = fminf(a[3], b[3]) - fmaxf(a[1], b[1]);
                float small = fminf((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]));
                out = box[i].class_id == box[kept[k]].class_id && w > 0 && h > 0 && w * h / small >= 0.5f;
            }
            if (!out) kept[n_kept++] = i;
        }
        run(&(fvi_merge_params){.merge = FV_MERGE_NMS}, n, &all, 1);
        assert_int_equal(n_things, n_kept);
        for (int i = 0; i < n_kept; i++) assert_int_equal(things[i].first, kept[i]);
    }
    uint64_t before = fvi_alloc_count();
    for (int k = 0; k < 4; k++) run(&(fvi_merge_params){.merge = (fv_tile_merge)k}, 3000, &all, 1);
    for (int k = 0; k < 4; k++) run(&(fvi_merge_params){.merge = (fv_tile_merge)k}, 3000, &all, 1);
    assert_true(fvi_alloc_count() - before <= 1);
}

static int done(void **state)
{
    (void)state;
    fvi_merger_free(&merger);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sahi), cmocka_unit_test(test_every_thing_once), cmocka_unit_test(test_crowd_stays),
                                       cmocka_unit_test(test_not_eaten), cmocka_unit_test(test_guesses_give_way), cmocka_unit_test(test_bridge), cmocka_unit_test(test_odd_boxes),
                                       cmocka_unit_test(test_buckets_miss_nothing)};
    return cmocka_run_group_tests_name("vision_tiles/merge", tests, NULL, done);
}
