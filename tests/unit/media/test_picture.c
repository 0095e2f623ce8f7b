/* Still pictures in and out. */
#include "media_test.h"
#include <dirent.h>

static void round_trip(fv_pixel_format format, const char *name, int w, int h, int tolerance)
{
    fv_error err = {0};
    fv_frame f = new_frame(format, w, h);
    paint_quarters(&f, 60, 90, 150, 210);
    f.range = FV_RANGE_FULL;
    if (media->picture_write(in_dir(name), &f, 1, &err) != FV_OK) fail_msg("%s", err.text);
    release(&f);
    clip_facts c = read_clip(in_dir(name));
    assert_int_equal(c.open, FV_OK);
    assert_int_equal(c.end, FV_END);
    assert_int_equal(c.frames, 1);
    assert_int_equal(c.info.kind, FV_SOURCE_PICTURE);
    assert_int_equal(c.format, FV_PIXEL_RGB);
    assert_int_equal(c.width, w);
    assert_int_equal(c.height, h);
    const int want[4] = {60, 90, 150, 210};
    for (int q = 0; q < 4; q++) assert_in_range(c.quarters[q], want[q] - tolerance, want[q] + tolerance);
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    static const fv_pixel_format formats[] = {FV_PIXEL_I420, FV_PIXEL_NV12, FV_PIXEL_RGB, FV_PIXEL_BGR, FV_PIXEL_GRAY};
    for (int i = 0; i < 5; i++) {
        round_trip(formats[i], "a.jpg", 97, 65, 2);
        round_trip(formats[i], "a.PNG", 97, 65, 1);
        round_trip(formats[i], "b.jpeg", 64, 32, 2);
    }
    round_trip(FV_PIXEL_RGB, "c.png", 97, 65, 0);
    round_trip(FV_PIXEL_GRAY, "c.png", 4, 4, 0);
}

/* A header that claims 2^31 - 1 a side: nothing overflows, and it is refused. */
static void absurd_sizes_are_no_sizes(void **state)
{
    (void)state;
    static const uint8_t png[] = "\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\x7F\xFF\xFF\xFF\x7F\xFF\xFF\xFF\x08\x02\0\0\0";
    fv_picture_info info = {.size = sizeof info};
    fv_picture_reader *r;
    fv_frame f;
    assert_int_equal(media->picture_probe(&info, png, sizeof png, "p", NULL), FV_OK);
    assert_true(info.bytes > (int64_t)1 << 50);
    assert_int_equal(media->picture_reader_open(&r, NULL), FV_OK);
    assert_int_equal(media->picture_reader_read(r, &f, png, sizeof png, NULL, "p", NULL), FV_ERR_LIMIT);
    media->picture_reader_close(&r);
    assert_null(r);
}

static void sixteen_bits_are_written_as_png(void **state)
{
    (void)state;
    uint16_t pixels[4 * 8];
    for (int i = 0; i < 32; i++) pixels[i] = (uint16_t)(i * 2000 + 7);
    fv_frame f = {.format = FV_PIXEL_GRAY16, .width = 8, .height = 4, .plane = {(uint8_t *)pixels}, .stride = {16}};
    assert_int_equal(media->picture_write(in_dir("deep.jpg"), &f, 1, NULL), FV_ERR_OUTPUT);
    assert_int_equal(media->picture_write(in_dir("deep.png"), &f, 1, NULL), FV_OK);
    size_t n;
    uint8_t *d = read_file(in_dir("deep.png"), &n);
    assert_true(n > 33);
    assert_int_equal(d[24], 16); /* bits a sample, gray */
    assert_int_equal(d[25], 0);
    free(d);
    clip_facts c = read_clip(in_dir("deep.png")); /* read back as 8 bits */
    assert_int_equal(c.width, 8);
    assert_int_equal(c.height, 4);
}

static void colours_keep_their_order(void **state)
{
    (void)state;
    for (int bgr = 0; bgr < 2; bgr++) {
        fv_frame f = new_frame(bgr ? FV_PIXEL_BGR : FV_PIXEL_RGB, 32, 32), g;
        for (int i = 0; i < 32 * 32; i++) memcpy(f.plane[0] + 3 * i, bgr ? "\x20\x60\xC0" : "\xC0\x60\x20", 3);
        assert_int_equal(media->picture_write(in_dir(bgr ? "o.png" : "o.jpg"), &f, 1, NULL), FV_OK);
        release(&f);
        fv_source *s;
        assert_int_equal(media->source_open(&s, in_dir(bgr ? "o.png" : "o.jpg"), NULL, NULL), FV_OK);
        assert_int_equal(s->read(s, &g, NULL), FV_OK);
        assert_in_range(g.plane[0][0], 0xC0 - 2, 0xC0 + 2);
        assert_in_range(g.plane[0][1], 0x60 - 2, 0x60 + 2);
        assert_in_range(g.plane[0][2], 0x20 - 2, 0x20 + 2);
        s->close(s);
        release(&g); /* may outlive its source */
    }
}

static void an_existing_picture_is_kept(void **state)
{
    (void)state;
    fv_error err = {0};
    fv_frame f = new_frame(FV_PIXEL_RGB, 8, 8);
    write_file(in_dir("keep.jpg"), "mine", 4);
    assert_int_equal(media->picture_write(in_dir("keep.jpg"), &f, 0, &err), FV_ERR_OUTPUT);
    assert_non_null(strstr(err.text, "exists"));
    size_t n;
    uint8_t *d = read_file(in_dir("keep.jpg"), &n);
    assert_int_equal(n, 4);
    free(d);
    assert_int_equal(media->picture_write(in_dir("keep.jpg"), &f, 1, &err), FV_OK);
    assert_int_equal(media->picture_write(in_dir("nofolder/a.jpg"), &f, 0, &err), FV_ERR_OUTPUT);
    assert_int_equal(media->picture_write(in_dir("a.tiff"), &f, 0, &err), FV_ERR_OUTPUT);
    assert_int_equal(media->picture_write(in_dir("a.jpg"), &(fv_frame){0}, 1, &err), FV_ERR_ARGUMENT);
    release(&f);
}

/* Writes `src` with an APP1 segment behind the start marker. */
static void add_exif(const char *src, const char *dst, int orientation, int little)
{
    size_t n;
    uint8_t *d = read_file(src, &n);
    uint8_t le[] = {0xFF,
                    0xE1,
                    0,
                    34,
                    'E',
                    'x',
                    'i',
                    'f',
                    0,
                    0,
                    'I',
                    'I',
                    42,
                    0,
                    8,
                    0,
                    0,
                    0,
                    1,
                    0,
                    0x12,
                    1,
                    3,
                    0,
                    1,
                    0,
                    0,
                    0,
                    (uint8_t)orientation,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0};
    uint8_t be[] = {0xFF, 0xE1, 0, 34, 'E', 'x', 'i',  'f', 0, 0, 'M', 'M', 0, 42, 0,
                    0,    0,    8, 0,  1,   1,   0x12, 0,   3, 0, 0,   0,   1, 0,  (uint8_t)orientation,
                    0,    0,    0, 0,  0,   0};
    FILE *f = fopen(dst, "wb");
    fwrite(d, 1, 2, f);
    fwrite(little ? le : be, 1, 36, f);
    fwrite(d + 2, 1, n - 2, f);
    fclose(f);
    free(d);
}

static void exif_turns_the_picture_upright(void **state)
{
    (void)state;
    /* what the quarters 60 90 / 150 210 of the stored picture become */
    static const int want[9][4] = {{60, 90, 150, 210}, {60, 90, 150, 210}, {90, 60, 210, 150},
                                   {210, 150, 90, 60}, {150, 210, 60, 90}, {60, 150, 90, 210},
                                   {150, 60, 210, 90}, {210, 90, 150, 60}, {90, 210, 60, 150}};
    round_trip(FV_PIXEL_RGB, "plain.jpg", 101, 67, 2);
    for (int o = 0; o <= 9; o++) {
        add_exif(in_dir("plain.jpg"), in_dir("turned.jpg"), o, o & 1);
        clip_facts c = read_clip(in_dir("turned.jpg"));
        assert_int_equal(c.frames, 1);
        int sideways = o >= 5 && o <= 8;
        assert_int_equal(c.width, sideways ? 67 : 101);
        assert_int_equal(c.height, sideways ? 101 : 67);
        assert_int_equal(c.info.width, c.width); /* known before the picture is decoded */
        for (int q = 0; q < 4; q++) assert_in_range(c.quarters[q], want[o % 9][q] - 2, want[o % 9][q] + 2);
    }
}

static void broken_pictures_are_errors_that_name_them(void **state)
{
    (void)state;
    size_t n;
    static const char *const names[] = {"whole.jpg", "whole.png"};
    for (int i = 0; i < 2; i++) {
        fv_frame f = new_frame(FV_PIXEL_RGB, 200, 150);
        for (int k = 0; k < 200 * 150 * 3; k++) f.plane[0][k] = (uint8_t)(k * 7 + (k >> 5) * 13);
        assert_int_equal(media->picture_write(in_dir(names[i]), &f, 1, NULL), FV_OK);
        release(&f);
        uint8_t *d = read_file(in_dir(names[i]), &n);
        static const int percent[] = {1, 10, 40, 60, 95};
        for (int k = 0; k < 5; k++) {
            write_file(in_dir("cut.jpg"), d, n * (size_t)percent[k] / 100);
            clip_facts c = read_clip(in_dir("cut.jpg"));
            assert_int_equal(c.frames, 0);
            assert_int_equal(c.open ? c.open : FV_ERR_INPUT, FV_ERR_INPUT);
            assert_non_null(strstr(c.err.text, "cut.jpg"));
        }
        free(d);
    }
    /* 60000 x 60000 pixels in a few bytes */
    static const uint8_t huge[] = {0xFF, 0xD8, 0xFF, 0xC0, 0, 17,   8,    0xEA, 0x60, 0xEA, 0x60, 3,  1,
                                   0x22, 0,    2,    0x11, 1, 3,    0x11, 1,    0xFF, 0xDA, 0,    12, 3,
                                   1,    0,    2,    0x11, 3, 0x11, 0,    63,   0,    0xFF, 0xD9};
    write_file(in_dir("huge.jpg"), huge, sizeof huge);
    clip_facts c = read_clip(in_dir("huge.jpg"));
    assert_int_equal(c.open, FV_ERR_LIMIT);
}

/* Broken and hostile pictures: anything but a crash or a hang. */
static void hostile_pictures_do_no_harm(void **state)
{
    (void)state;
    const char *odd = test_data("images/odd");
    if (!odd) skip();
    char path[2048];
    int good = 0, bad = 0;
    DIR *d = opendir(odd);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", odd, e->d_name);
        clip_facts c = read_clip(path);
        if (c.frames)
            good++;
        else
            bad++;
    }
    closedir(d);
    assert_true(good > 100 && bad > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_written_is_read_back),
                                       cmocka_unit_test(sixteen_bits_are_written_as_png), cmocka_unit_test(absurd_sizes_are_no_sizes), cmocka_unit_test(colours_keep_their_order),
                                       cmocka_unit_test(an_existing_picture_is_kept),
                                       cmocka_unit_test(exif_turns_the_picture_upright),
                                       cmocka_unit_test(broken_pictures_are_errors_that_name_them),
                                       cmocka_unit_test(hostile_pictures_do_no_harm)};
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
