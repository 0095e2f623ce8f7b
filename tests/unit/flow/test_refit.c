/* test_refit.c: weights are exchanged while frames go on: each frame has the boxes of one of them, no frame has older ones than the frame before
 * it, none is lost; through one session, batches, streams, tiles, a hub. The weights say which they are: generation g puts its box at x = 6 + g. */
#include "fakes.h"
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { GENERATIONS = 8, FRAMES = 240 };

static fv_context *ctx;
static char *bytes[GENERATIONS];
static fv_model *model[GENERATIONS], *other;

static char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    char *b = malloc(*n);
    assert_non_null(b);
    assert_int_equal(fread(b, 1, *n, f), *n);
    fclose(f);
    return b;
}

static int open_models(void **state)
{
    (void)state;
    if (fv_context_create(&ctx, FV_CONTEXT_OPTIONS(.threads = 2), NULL) < 0) return -1;
    for (int g = 0; g < GENERATIONS; g++) {
        const float was = 16, is = (float)(6 + g);
        size_t n;
        bytes[g] = read_file(FV_SOURCE_DIR "/tests/unit/flow/tiny_batch.onnx", &n);
        char *cx = memmem(bytes[g], n, &was, sizeof was); /* the first of the box's numbers */
        assert_non_null(cx);
        memcpy(cx, &is, sizeof is);
        if (fv_model_load_memory(&model[g], ctx, bytes[g], n, NULL, NULL) < 0) return -1;
    }
    return fv_model_load(&other, ctx, FV_SOURCE_DIR "/tests/unit/flow/tiny_classify.onnx", NULL, NULL) < 0;
}

static int close_models(void **state)
{
    (void)state;
    for (int g = 0; g < GENERATIONS; g++) {
        fv_model_free(&model[g]);
        free(bytes[g]);
    }
    fv_model_free(&other);
    fv_context_free(&ctx);
    return 0;
}

/* Of a result in a frame of 64x48, whose network is 32x32; -1 = no box, or one that no weights give. */
static int generation(const fv_detections *d)
{
    if (d->count < 1) return -1;
    const float *b = d->items[0].box, cx = (b[0] + b[2]) / 4, is = roundf(cx);
    return fabsf(cx - is) < 1e-3f && is >= 6 && is < 6 + GENERATIONS ? (int)is - 6 : -1;
}

static fv_status read_bright(fv_source *s, fv_frame *f, fv_error *err)
{
    const fv_status st = fake_read(s, f, err);
    if (st == FV_OK) memset(f->plane[0], 210, (size_t)f->stride[0] * (size_t)f->height), memset(f->plane[1], 128, (size_t)f->stride[1] * 24), memset(f->plane[2], 128, (size_t)f->stride[2] * 24);
    return st;
}

/* ---- a film during which somebody gives one set of weights after the other ---- */

typedef struct film {
    fv_detector *d;
    fake_source src;
    atomic_int results;
    int seen[GENERATIONS], last;
    bool wrong, back;
    atomic_bool ended;
    atomic_int given; /* the highest generation that was given */
} film;

static int on_result(void *user, const fv_result *r)
{
    film *f = user;
    const int g = generation(r->dets);
    f->wrong = f->wrong || g < 0 || g > atomic_load(&f->given);
    f->back = f->back || g < f->last;
    f->last = g;
    if (g >= 0) f->seen[g]++;
    atomic_fetch_add(&f->results, 1);
    return 0;
}

static void *give_weights(void *arg)
{
    film *f = arg;
    for (int g = 1; g < GENERATIONS && !atomic_load(&f->ended);) {
        fv_error err = {0};
        nap_us(500);
        if (atomic_load(&f->results) < g * 20) continue;
        atomic_store(&f->given, g);
        const fv_status st = fv_detector_refit(f->d, model[g], &err);
        if (st == FV_OK)
            g++;
        else
            assert_int_equal(st, FV_ERR_STATE); /* the ones before wait for a frame */
    }
    return NULL;
}

static void show(fv_detector *d)
{
    film f = {.d = d, .last = -1};
    fv_error err = {0};
    fv_pipeline *p;
    pthread_t t;
    fake_source_init(&f.src, FRAMES);
    f.src.s.read = read_bright;
    f.src.us = 150;
    assert_int_equal(fv_pipeline_create(&p, FV_PIPELINE_OPTIONS(.source = &f.src.s, .detector = d, .on_result = on_result, .user = &f), &err), FV_OK);
    assert_int_equal(pthread_create(&t, NULL, give_weights, &f), 0);
    assert_int_equal(fv_pipeline_run(p, &err), FV_OK);
    atomic_store(&f.ended, true);
    pthread_join(t, NULL);
    fv_metrics m;
    fv_pipeline_metrics(p, &m);
    assert_int_equal(m.processed, FRAMES);
    assert_int_equal(m.dropped, 0);
    assert_int_equal(atomic_load(&f.results), FRAMES);
    assert_false(f.wrong);
    assert_false(f.back);
    assert_true(f.seen[0] >= 20 && f.last > 0);
    assert_true(fv_detector_refits(d) >= f.last - 1); /* one of two streams may have ended before it took the last */
    fv_pipeline_free(&p);
    fv_detector_free(&d);
}

static fv_detector *make(const fv_detect_options *o)
{
    fv_detector *d = NULL;
    fv_error err = {0};
    if (fv_detector_create(&d, ctx, model[0], o, &err) < 0) fail_msg("%s", err.text);
    return d;
}

static void one_session(void **state)
{
    (void)state;
    show(make(NULL));
}

static void batches(void **state)
{
    (void)state;
    show(make(FV_DETECT_OPTIONS(.batch = 3)));
}

static void streams(void **state)
{
    (void)state;
    show(make(FV_DETECT_OPTIONS(.streams = 2)));
    show(make(FV_DETECT_OPTIONS(.streams = 2, .batch = 2)));
}

static void tiles(void **state)
{
    (void)state;
    const fv_tile_options t = {.size = sizeof t, .tiling = FV_TILES_GRID, .cols = 1, .rows = 1, .groups = 2};
    show(make(FV_DETECT_OPTIONS(.tiles = &t)));
}

/* ---- one by one ---- */

static int look(fv_detector *d, fv_frame *f)
{
    fv_detections out = {0};
    const fv_frame *frames[] = {f};
    assert_int_equal(fv_detector_run(d, frames, 1, &out, NULL), FV_OK);
    const int g = generation(&out);
    fv_detections_clear(&out);
    return g;
}

static void taken_at_the_next_frame(void **state)
{
    (void)state;
    fv_frame f = {0};
    fv_error err = {0};
    assert_int_equal(fv_frame_alloc(&f, FV_PIXEL_GRAY, 64, 48), FV_OK);
    for (int y = 0; y < 48; y++) memset(f.plane[0] + y * f.stride[0], 210, 64);
    for (int streams_ = 1; streams_ <= 2; streams_++) {
        fv_detector *d = make(FV_DETECT_OPTIONS(.streams = streams_, .batch = 3));
        assert_int_equal(look(d, &f), 0);
        assert_int_equal(fv_detector_refits(d), 0);
        assert_int_equal(fv_detector_refit(d, model[3], &err), FV_OK);
        assert_int_equal(fv_detector_refits(d), 0);
        assert_int_equal(fv_detector_refit(d, model[4], &err), FV_ERR_STATE);
        assert_non_null(strstr(err.text, "next frame"));
        assert_int_equal(look(d, &f), 3);
        assert_int_equal(fv_detector_refits(d), 1);
        assert_int_equal(fv_detector_refit(d, other, &err), FV_ERR_MODEL);
        assert_int_equal(look(d, &f), 3);
        assert_int_equal(fv_detector_refit(d, model[1], &err), FV_OK); /* freed while it waits */
        fv_detector_free(&d);
    }
    fv_detector *names = NULL;
    assert_int_equal(fv_detector_create(&names, ctx, NULL, FV_DETECT_OPTIONS(.names = (const char *const[]){"a"}, .n_names = 1), NULL), FV_OK);
    assert_int_equal(fv_detector_refit(names, model[1], &err), FV_ERR_STATE);
    assert_int_equal(fv_detector_refit(names, NULL, &err), FV_ERR_ARGUMENT);
    fv_detector_free(&names);
    fv_frame_release(&f);
}

/* Nothing changes in the film, so nothing is looked at, until there are other weights: what is remembered is not theirs. */
static void remembered_boxes_go(void **state)
{
    (void)state;
    const fv_tile_options t = {.size = sizeof t, .tiling = FV_TILES_GRID, .cols = 2, .rows = 1, .watch = 1};
    fv_detector *d = make(FV_DETECT_OPTIONS(.tiles = &t));
    fv_frame f = {0};
    int64_t looks[4];
    fv_tile_figures figures;
    assert_int_equal(fv_frame_alloc(&f, FV_PIXEL_GRAY, 64, 48), FV_OK);
    for (int y = 0; y < 48; y++) memset(f.plane[0] + y * f.stride[0], 210, 64);
    for (int i = 0; i < 4; i++) {
        f.index = i, f.pts = i * 0.04;
        if (i == 2) assert_int_equal(fv_detector_refit(d, model[5], NULL), FV_OK);
        look(d, &f);
        assert_int_equal(fv_detector_tile_figures(d, &figures), FV_OK);
        looks[i] = figures.looks;
    }
    assert_int_equal(looks[0], 3);
    assert_int_equal(looks[2] - looks[1], 3);
    assert_true(looks[1] - looks[0] < 3 && looks[3] - looks[2] < 3);
    fv_detector_free(&d);
    fv_frame_release(&f);
}

/* Memory runs out anywhere on the way: an error, and the old weights stay for all sessions. */
static void out_of_memory(void **state)
{
    (void)state;
    fv_frame f = {0};
    assert_int_equal(fv_frame_alloc(&f, FV_PIXEL_GRAY, 64, 48), FV_OK);
    for (int y = 0; y < 48; y++) memset(f.plane[0] + y * f.stride[0], 210, 64);
    fv_detector *d = make(FV_DETECT_OPTIONS(.streams = 2, .batch = 2));
    fv_status st = FV_ERR_MEMORY;
    for (long n = 1; st != FV_OK; n += 5) {
        fv_error err = {0};
        fvi_alloc_fail_after(n);
        st = fv_detector_refit(d, model[2], &err);
        fvi_alloc_fail_after(0);
        if (st != FV_OK) assert_int_equal(st, FV_ERR_MEMORY);
        assert_int_equal(look(d, &f), st == FV_OK ? 2 : 0);
    }
    fv_detector_free(&d);
    fv_frame_release(&f);
}

/* ---- cameras that share a detector ---- */

static void *run_pipeline(void *p) { return (void *)(intptr_t)fv_pipeline_run(p, NULL); }

static void a_hub(void **state)
{
    (void)state;
    fv_detector *d = make(FV_DETECT_OPTIONS(.batch = 2)), *port[2];
    fv_hub *hub = NULL;
    film f[2] = {{.d = d, .last = -1}, {.d = d, .last = -1}};
    fv_pipeline *p[2];
    pthread_t t[2], giver;
    assert_int_equal(fv_hub_create(&hub, d, NULL), FV_OK);
    for (int i = 0; i < 2; i++) {
        fake_source_init(&f[i].src, FRAMES / 2);
        f[i].src.s.read = read_bright;
        f[i].src.us = 150;
        atomic_store(&f[i].given, i ? GENERATIONS : 0);
        assert_int_equal(fv_hub_port(hub, &port[i], NULL), FV_OK);
        assert_int_equal(fv_pipeline_create(&p[i], FV_PIPELINE_OPTIONS(.source = &f[i].src.s, .detector = port[i], .on_result = on_result, .user = &f[i]), NULL), FV_OK);
        assert_int_equal(pthread_create(&t[i], NULL, run_pipeline, p[i]), 0);
    }
    assert_int_equal(pthread_create(&giver, NULL, give_weights, &f[0]), 0);
    for (int i = 0; i < 2; i++) {
        void *st;
        pthread_join(t[i], &st);
        assert_int_equal((int)(intptr_t)st, FV_OK);
        assert_int_equal(atomic_load(&f[i].results), FRAMES / 2);
        assert_false(f[i].wrong || f[i].back);
        assert_true(f[i].last > 0);
    }
    atomic_store(&f[0].ended, true);
    pthread_join(giver, NULL);
    for (int i = 0; i < 2; i++) fv_pipeline_free(&p[i]), fv_detector_free(&port[i]);
    fv_hub_free(&hub);
    fv_detector_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_session), cmocka_unit_test(batches), cmocka_unit_test(streams), cmocka_unit_test(tiles),
                                       cmocka_unit_test(taken_at_the_next_frame), cmocka_unit_test(remembered_boxes_go), cmocka_unit_test(out_of_memory), cmocka_unit_test(a_hub)};
    return cmocka_run_group_tests(tests, open_models, close_models);
}
