/* test_hud.c: the figures in the corner of painted frames: what they say, and that they can be left out. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "fakes.h"
#include "flow/pipeline.h"

#define MS INT64_C(1000000)

static void figures(void **state)
{
    (void)state;
    fvi_flow_hud h = {0};
    assert_int_equal(fvi_flow_hud_update(&h, 0, 20 * MS, "cpu"), 2); /* one frame has no rate yet */
    assert_string_equal(h.line[0], "20.0 ms");
    assert_string_equal(h.line[1], "cpu");
    for (int k = 1; k <= 25; k++) {
        assert_int_equal(fvi_flow_hud_update(&h, k * 100 * MS, 20 * MS, "cpu"), 3);
        assert_string_equal(h.line[0], "10.0 fps");
        assert_string_equal(h.line[1], "20.0 ms");
    }
    for (int k = 1; k <= 10; k++) assert_int_equal(fvi_flow_hud_update(&h, (2500 + k * 50) * MS, 40 * MS, NULL), 2);
    assert_string_equal(h.line[0], "20.0 fps"); /* the last ten frames only */
    assert_string_equal(h.line[1], "40.0 ms");
    assert_int_equal(fvi_flow_hud_update(&h, 3050 * MS, 40 * MS, ""), 2);
}

typedef struct looked {
    int frames, painted, source_index;
} looked;

static int look(void *user, const fv_result *r)
{
    looked *l = user;
    bool differs = false;
    for (int y = 0; y < r->frame->height && !differs; y++)
        differs = memcmp(r->frame->plane[0] + y * r->frame->stride[0], r->original->plane[0] + y * r->original->stride[0], (size_t)r->frame->width) != 0;
    l->frames++;
    l->painted += differs;
    l->source_index = r->source_index;
    return 0;
}

static void can_be_left_out(void **state)
{
    (void)state;
    static const uint8_t full[9] = {255, 255, 255, 255, 255, 255, 255, 255, 255};
    const fv_glyph any = {'?', 3, 3, 0, 3, 4, full};
    const fv_font font = {.ascent = 4, .descent = 1, .line_height = 6, .glyphs = &any, .n_glyphs = 1};
    for (int off = 0; off < 2; off++) {
        fake_source src;
        looked l = {0};
        fv_painter *painter;
        fv_pipeline *p;
        fake_source_init(&src, 8);
        src.width = src.s.info.width = 320;
        src.height = src.s.info.height = 120;
        assert_int_equal(fv_painter_create(&painter, FV_PAINT_OPTIONS(.font = &font), NULL), FV_OK);
        assert_int_equal(fv_pipeline_create(&p, FV_PIPELINE_OPTIONS(.source = &src.s, .painter = painter, .on_result = look, .user = &l, .source_index = 3,
                                                                    .device_text = "cpu", .no_hud = off), NULL), FV_OK);
        assert_int_equal(fv_pipeline_run(p, NULL), FV_OK);
        assert_int_equal(l.frames, 8);
        assert_int_equal(l.painted, off ? 0 : 8);
        assert_int_equal(l.source_index, 3);
        fv_pipeline_free(&p);
        fv_painter_free(&painter);
        assert_int_equal(atomic_load(&src.alive), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(figures), cmocka_unit_test(can_be_left_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
