/* Label font: embedded and from a file. */
#include "media_test.h"

static void embedded_font_has_latin(void **state)
{
    (void)state;
    fv_font f;
    fv_error err = {0};
    assert_int_equal(media->font_open(&f, NULL, 20, NULL, &err), FV_OK);
    assert_true(f.n_glyphs >= 95 + 96);
    assert_in_range(f.ascent, 15, 25);
    assert_true(f.line_height >= f.ascent + f.descent - 2);
    int ink = 0;
    for (int i = 0; i < f.n_glyphs; i++) {
        if (i) assert_true(f.glyphs[i].codepoint > f.glyphs[i - 1].codepoint);
        assert_true(f.glyphs[i].width >= 0 && f.glyphs[i].width < 60 && f.glyphs[i].height < 60);
        if (f.glyphs[i].codepoint != 'I') continue;
        assert_in_range(f.glyphs[i].height, 13, 17);
        assert_int_equal(f.glyphs[i].top, f.glyphs[i].height); /* stands on the baseline */
        for (int k = 0; k < f.glyphs[i].width * f.glyphs[i].height; k++) ink += f.glyphs[i].coverage[k] > 128;
    }
    assert_in_range(ink, 10, 100);
    f.release(&f);
    assert_int_equal(f.n_glyphs, 0);
}

static int has(const fv_font *f, uint32_t c)
{
    for (int i = 0; i < f->n_glyphs; i++)
        if (f->glyphs[i].codepoint == c) return 1;
    return 0;
}

static void more_characters_on_request(void **state)
{
    (void)state;
    fv_font f;
    assert_int_equal(media->font_open(&f, NULL, 16, NULL, NULL), FV_OK);
    assert_false(has(&f, 0x416));
    f.release(&f);
    /* Zhe, omega, s with caron, euro; then broken UTF-8, and a character that the font lacks */
    assert_int_equal(
        media->font_open(&f, NULL, 16, "\xD0\x96\xCF\x89\xC5\xA1\xE2\x82\xAC\xFF\xC3(\xE6\xBC\xA2\xF0\x9F", NULL),
        FV_OK);
    assert_true(has(&f, 0x416) && has(&f, 0x3C9) && has(&f, 0x161) && has(&f, 0x20AC) && has(&f, 0xFFFD));
    assert_false(has(&f, 0x6F22));
    f.release(&f);
}

static void bad_fonts_are_refused(void **state)
{
    (void)state;
    fv_font f;
    fv_error err = {0};
    assert_int_equal(media->font_open(&f, in_dir("none.ttf"), 16, NULL, &err), FV_ERR_INPUT);
    assert_non_null(strstr(err.text, "none.ttf"));
    write_file(in_dir("text.ttf"), "not a font", 10);
    assert_int_equal(media->font_open(&f, in_dir("text.ttf"), 16, NULL, &err), FV_ERR_INPUT);
    assert_null(f.release);
    assert_int_equal(media->font_open(&f, NULL, 0, NULL, &err), FV_ERR_ARGUMENT);
    assert_int_equal(media->font_open(&f, NULL, 100000, NULL, &err), FV_ERR_ARGUMENT);
    assert_int_equal(media->font_open(&f, FV_SOURCE_DIR "/src/media/font/DejaVuSans-subset.ttf", 30, NULL, &err),
                     FV_OK);
    f.release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(embedded_font_has_latin),
                                       cmocka_unit_test(more_characters_on_request),
                                       cmocka_unit_test(bad_fonts_are_refused)};
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
