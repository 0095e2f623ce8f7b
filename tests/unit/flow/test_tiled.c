/* test_tiled.c: frames in tiles through tiny networks whose answer is known (make_tiny.py): a tile that is bright enough has one box at a fixed
 * place, so what comes back says which views were looked at, where they were, and how their boxes were put together. */
#include "base/alloc.h"
#include "flow/detector.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static fv_context *ctx;
static fv_error err;

static fv_model *load(const char *name)
{
    fv_model *m = NULL;
    char path[1024];
    snprintf(path, sizeof path, "%s/tests/unit/flow/%s.onnx", FV_SOURCE_DIR, name);
    if (fv_model_load(&m, ctx, path, FV_MODEL_OPTIONS(.device = "cpu"), &err) < 0) fail_msg("%s: %s", path, err.text);
    return m;
}

static fv_detector *make(fv_model *m, const fv_detect_options *o)
{
    fv_detector *d = NULL;
    if (fv_detector_create(&d, ctx, m, o, &err) < 0) fail_msg("%s", err.text);
    return d;
}

static fv_frame gray(int w, int h, int level)
{
    fv_frame f = {0};
    assert_int_equal(fv_frame_alloc(&f, FV_PIXEL_GRAY, w, h), FV_OK);
    for (int y = 0; y < h; y++) memset(f.plane[0] + y * f.stride[0], level, (size_t)w);
    return f;
}

static void fill(fv_frame *f, int x, int y, int w, int h, int level)
{
    for (int i = y; i < y + h; i++) memset(f->plane[0] + i * f->stride[0] + x, level, (size_t)w);
}

static void run(fv_detector *d, const fv_frame *f, fv_detections *out)
{
    if (fv_detector_run(d, &f, 1, out, &err) < 0) fail_msg("%s", err.text);
}

static void box_is(const fv_detection *d, float x1, float y1, float x2, float y2)
{
    const float want[4] = {x1, y1, x2, y2};
    for (int i = 0; i < 4; i++)
        if (d->box[i] < want[i] - 0.01f || d->box[i] > want[i] + 0.01f)
            fail_msg("%g,%g,%g,%g is not %g,%g,%g,%g", (double)d->box[0], (double)d->box[1], (double)d->box[2], (double)d->box[3], (double)x1, (double)y1, (double)x2, (double)y2);
}

static bool has(const fv_detections *d, float x, float y)
{
    for (int i = 0; i < d->count; i++)
        if (d->items[i].box[0] > x - 0.01f && d->items[i].box[0] < x + 0.01f && d->items[i].box[1] > y - 0.01f && d->items[i].box[1] < y + 0.01f) return true;
    return false;
}

/* 3 x 2 tiles of 32, of which two are bright; the network's box lies at 12,4 to 20,20 of a tile. */
static void tiles_are_where_they_are(void **state)
{
    (void)state;
    fv_model *m = load("tiny_fixed");
    fv_detections out = {0};
    fv_frame f = gray(96, 64, 20);
    fill(&f, 64, 0, 32, 32, 240);
    fill(&f, 0, 32, 32, 32, 200);
    for (int groups = 1; groups <= 2; groups++) {
        fv_detector *d = make(m, FV_DETECT_OPTIONS(.conf = 0.5f, .tiles = FV_TILE_OPTIONS(.tiling = FV_TILES_AUTO, .overlap_w = -1, .overlap_h = -1, .groups = groups)));
        run(d, &f, &out);
        assert_int_equal(out.count, 2);
        box_is(&out.items[0], 76, 4, 84, 20);
        box_is(&out.items[1], 12, 36, 20, 52);
        assert_true(out.items[0].confidence > 0.9f && out.items[1].confidence < 0.8f && out.items[0].class_id == 1);
        assert_non_null(strstr(fv_detector_rule(d), "in tiles and as a whole"));
        fv_detector_free(&d);
    }
    fv_detections_clear(&out);
    fv_frame_release(&f);
    fv_model_free(&m);
}

/* All bright: every tile and the whole, whose box is twice or more as large; without the whole, only the tiles. */
static void the_whole_is_looked_at(void **state)
{
    (void)state;
    fv_model *m = load("tiny_batch");
    fv_frame f = gray(64, 64, 255), small = gray(32, 24, 255), other = gray(128, 32, 255);
    fv_detections out = {0};
    fv_tile_options t = {.size = sizeof t, .tiling = FV_TILES_AUTO, .overlap_w = -1, .overlap_h = -1};
    for (int batch = 1; batch <= 3; batch += 2)
        for (t.no_global = 0; t.no_global < 2; t.no_global++) {
            fv_detector *d = make(m, FV_DETECT_OPTIONS(.tiles = &t, .batch = batch));
            assert_int_equal(d->batch, 1);
            run(d, &f, &out);
            assert_int_equal(out.count, t.no_global ? 4 : 5);
            assert_true(has(&out, 12, 4) && has(&out, 44, 4) && has(&out, 12, 36) && has(&out, 44, 36) && has(&out, 24, 8) == !t.no_global);
            run(d, &small, &out); /* no larger than a tile: one look */
            assert_int_equal(out.count, 1);
            run(d, &other, &out); /* another size in between: planned anew */
            assert_int_equal(out.count, 4 + !t.no_global); /* the whole's box, 48,16 to 80,80 of the letterbox, is cut to 48,0 to 80,32 */
            run(d, &f, &out);
            assert_int_equal(out.count, t.no_global ? 4 : 5);
            fv_detector_free(&d);
        }
    fv_detections_clear(&out);
    fv_frame_release(&f);
    fv_frame_release(&small);
    fv_frame_release(&other);
    fv_model_free(&m);
}

/* A mask is moved with its box. */
static void masks_move(void **state)
{
    (void)state;
    fv_model *m = load("tiny_segment");
    fv_detector *one = make(m, FV_DETECT_OPTIONS(.conf = 0.5f)),
                *d = make(m, FV_DETECT_OPTIONS(.conf = 0.5f, .tiles = FV_TILE_OPTIONS(.tiling = FV_TILES_GRID, .cols = 2, .rows = 1, .overlap_w = -1, .no_global = 1)));
    fv_frame f = gray(64, 32, 10), tile = gray(32, 32, 255);
    fv_detections out = {0}, want = {0};
    fill(&f, 32, 0, 32, 32, 255);
    run(d, &f, &out);
    run(one, &tile, &want);
    assert_true(out.count == 1 && want.count == 1 && out.items[0].extra == 1 && out.n_extras == 1);
    box_is(&out.items[0], want.items[0].box[0] + 32, want.items[0].box[1], want.items[0].box[2] + 32, want.items[0].box[3]);
    assert_true(out.masks->x == want.masks->x + 32 && out.masks->y == want.masks->y && out.masks->width == want.masks->width && out.masks->height == want.masks->height);
    assert_memory_equal(out.mask_bits + out.masks->at, want.mask_bits + want.masks->at, (size_t)out.masks->width * (size_t)out.masks->height);
    assert_true(out.mask_bytes == (size_t)out.masks->width * (size_t)out.masks->height && out.mask_bytes > 0);
    fv_detections_clear(&out);
    fv_detections_clear(&want);
    fv_frame_release(&f);
    fv_frame_release(&tile);
    fv_detector_free(&d);
    fv_detector_free(&one);
    fv_model_free(&m);
}

static void keypoints_move(void **state)
{
    (void)state;
    fv_model *m = load("tiny_pose");
    fv_detector *d = make(m, FV_DETECT_OPTIONS(.conf = 0.5f, .tiles = FV_TILE_OPTIONS(.tiling = FV_TILES_AUTO, .overlap_w = -1, .overlap_h = -1, .no_global = 1)));
    fv_frame f = gray(64, 64, 10);
    fv_detections out = {0};
    fill(&f, 32, 32, 32, 32, 255);
    run(d, &f, &out);
    assert_true(out.count == 1 && out.items[0].extra == 1 && out.n_keypoints == 2);
    assert_true(out.keypoints[0][0] == 46 && out.keypoints[0][1] == 40 && out.keypoints[1][0] == 50 && out.keypoints[1][1] == 48);
    fv_detections_clear(&out);
    fv_frame_release(&f);
    fv_detector_free(&d);
    fv_model_free(&m);
}

/* tiny_moving knows person and dog and always sees a dog, tiny_fixed cat and dog: the dogs of both are one class, 1 in both here. */
static void two_models(void **state)
{
    (void)state;
    fv_model *whole = load("tiny_fixed"), *tiles = load("tiny_moving");
    fv_tile_options t = {.size = sizeof t, .tiling = FV_TILES_GRID, .cols = 2, .rows = 1, .overlap_w = -1, .model = tiles};
    fv_detector *d = make(whole, FV_DETECT_OPTIONS(.tiles = &t));
    fv_frame f = gray(64, 32, 128);
    fv_detections out = {0};
    run(d, &f, &out);
    assert_int_equal(out.count, 3);
    assert_true(out.items[0].confidence > 0.89f && out.items[2].confidence < 0.6f); /* two of the tiles' model, one of the whole's */
    assert_string_equal(fv_detector_class_name(d, 0), "cat");
    assert_string_equal(fv_detector_class_name(d, out.items[0].class_id), "dog");
    assert_int_equal(fv_detector_set_classes(d, (int[]){0}, 1, &err), FV_OK); /* cats: the tiles' model has none */
    run(d, &f, &out);
    assert_int_equal(out.count, 0);
    assert_int_equal(fv_detector_set_classes(d, NULL, 0, &err), FV_OK);
    run(d, &f, &out);
    assert_int_equal(out.count, 3);
    fv_detector_free(&d);
    fv_model *pose = load("tiny_pose");
    t.model = pose;
    assert_int_equal(fv_detector_create(&d, ctx, whole, FV_DETECT_OPTIONS(.tiles = &t), &err), FV_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "the model for tiles is for task pose, the other for detect"));
    fv_model_free(&pose);
    fv_detections_clear(&out);
    fv_frame_release(&f);
    fv_model_free(&tiles);
    fv_model_free(&whole);
}

static void refused(void **state)
{
    (void)state;
    fv_model *m = load("tiny_fixed"), *classify = load("tiny_classify");
    const fv_tile_options fine = {.size = sizeof fine, .tiling = FV_TILES_AUTO};
    const struct {
        fv_model *model;
        fv_tile_options t;
        int streams;
        const char *word;
    } cases[] = {{m, {.size = sizeof fine, .tiling = FV_TILES_AUTO, .overlap_w = 1}, 0, "cannot overlap by 1"},
                 {m, {.size = sizeof fine, .tiling = FV_TILES_AUTO, .groups = 3}, 0, "3 groups of tiles need at least as many threads; there are 2"},
                 {m, fine, 2, "only one of them"},
                 {m, {.tiling = FV_TILES_AUTO}, 0, "FV_TILE_OPTIONS"},
                 {classify, fine, 0, "this one is for task classify"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_detector *d = NULL;
        assert_int_equal(fv_detector_create(&d, ctx, cases[i].model, FV_DETECT_OPTIONS(.tiles = &cases[i].t, .streams = cases[i].streams), &err), FV_ERR_ARGUMENT);
        assert_null(d);
        if (!strstr(err.text, cases[i].word)) fail_msg("'%s' does not say '%s'", err.text, cases[i].word);
    }
    fv_detector *d = make(m, FV_DETECT_OPTIONS(.tiles = FV_TILE_OPTIONS(.tiling = FV_TILES_GRID, .cols = 64, .rows = 1)));
    fv_frame narrow = gray(40, 40, 255);
    const fv_frame *frames[] = {&narrow};
    fv_detections out = {0};
    assert_int_equal(fv_detector_run(d, frames, 1, &out, &err), FV_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "do not fit into a frame of 40x40"));
    fv_detections_clear(&out);
    fv_frame_release(&narrow);
    fv_detector_free(&d);
    fv_model_free(&m);
    fv_model_free(&classify);
}

static void measured_groups(void **state)
{
    (void)state;
    fv_model *m = load("tiny_fixed");
    fv_detector *d = make(m, FV_DETECT_OPTIONS(.tiles = FV_TILE_OPTIONS(.tiling = FV_TILES_AUTO, .groups = FV_TILE_GROUPS_AUTO)));
    fv_frame f = gray(100, 70, 255);
    fv_detections out = {0};
    run(d, &f, &out);
    assert_true(out.count > 4);
    fv_detections_clear(&out);
    fv_frame_release(&f);
    fv_detector_free(&d);
    fv_model_free(&m);
}

/* Sizes have settled after the first frame. */
static void runs_do_not_allocate(void **state)
{
    (void)state;
    fv_model *m = load("tiny_segment");
    fv_detector *d = make(m, FV_DETECT_OPTIONS(.tiles = FV_TILE_OPTIONS(.tiling = FV_TILES_AUTO, .groups = 2)));
    fv_frame f = gray(100, 70, 255), other = gray(80, 90, 255);
    fv_detections out = {0};
    /* which group takes which tiles is decided anew each time: buffers settle once all have seen what is most for them */
    int quiet = 0;
    for (int i = 0; i < 400 && quiet < 20; i++) {
        const uint64_t before = fvi_alloc_count();
        run(d, &f, &out);
        quiet = fvi_alloc_count() == before ? quiet + 1 : 0;
    }
    assert_int_equal(quiet, 20);
    run(d, &other, &out);
    fv_detections_clear(&out);
    fv_frame_release(&f);
    fv_frame_release(&other);
    fv_detector_free(&d);
    fv_model_free(&m);
}

static void out_of_memory(void **state)
{
    (void)state;
    fv_model *m = load("tiny_segment");
    fv_frame f = gray(70, 40, 255);
    const fv_frame *frames[] = {&f};
    fv_detections out = {0};
    bool done = false;
    for (long n = 1; n < 4000 && !done; n += n < 400 ? 1 : 7) {
        fv_detector *d = NULL;
        fvi_alloc_fail_after(n);
        fv_status st = fv_detector_create(&d, ctx, m, FV_DETECT_OPTIONS(.tiles = FV_TILE_OPTIONS(.tiling = FV_TILES_AUTO, .groups = 2)), &err);
        if (st >= 0) st = fv_detector_run(d, frames, 1, &out, &err);
        fvi_alloc_fail_after(0);
        done = st >= 0;
        if (d && !done) run(d, &f, &out); /* it is whole again */
        fv_detector_free(&d);
        fv_detections_clear(&out);
    }
    assert_true(done);
    fv_frame_release(&f);
    fv_model_free(&m);
}

static int begin(void **state)
{
    (void)state;
    return fv_context_create(&ctx, FV_CONTEXT_OPTIONS(.threads = 2), NULL) < 0 ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    fv_context_free(&ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tiles_are_where_they_are), cmocka_unit_test(the_whole_is_looked_at), cmocka_unit_test(masks_move),
                                       cmocka_unit_test(keypoints_move), cmocka_unit_test(two_models), cmocka_unit_test(refused), cmocka_unit_test(measured_groups),
                                       cmocka_unit_test(runs_do_not_allocate), cmocka_unit_test(out_of_memory)};
    return cmocka_run_group_tests_name("flow/tiled", tests, begin, end);
}
