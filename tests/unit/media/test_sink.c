/* Video files out: what is kept, and what fails before work starts. */
#include "media_test.h"
#include <math.h>

static void need_ffmpeg(void)
{
    if (!have_ffmpeg()) skip();
}

/* Source -> sink with everything copied; `frames` < 0: all. */
static void pass(const char *from, const char *to, int frames)
{
    fv_error err = {0};
    fv_source *s = NULL;
    fv_sink *k = NULL;
    if (media->source_open(&s, from, NULL, &err) != FV_OK) fail_msg("%s", err.text);
    if (media->sink_open(&k, to, s->info.width, s->info.height,
                         FV_SINK_OPTIONS(.fps = s->info.fps, .copy_from = s, .overwrite = 1), &err) != FV_OK)
        fail_msg("%s", err.text);
    fv_frame f;
    for (int i = 0; i != frames && s->read(s, &f, &err) == FV_OK; i++) {
        if (k->write(k, &f, &err) != FV_OK) fail_msg("%s", err.text);
        release(&f);
    }
    if (k->finish(k, &err) != FV_OK) fail_msg("%s", err.text);
    k->close(k);
    s->close(s);
}

static void refuse(const char *path, int w, int h, const fv_sink_options *opt, fv_status want, const char *word)
{
    fv_error err = {0};
    fv_sink *k = NULL;
    fv_status st = media->sink_open(&k, path, w, h, opt, &err);
    if (st != want || !strstr(err.text, word)) fail_msg("status %d '%s', not %d with '%s'", st, err.text, want, word);
    assert_null(k);
}

static int leftovers(void) { return atoi(ask("ls -A | grep -c part || true")); }

static void what_cannot_work_fails_at_once(void **state)
{
    (void)state;
    write_file(in_dir("there.mp4"), "mine", 4);
    refuse(in_dir("there.mp4"), 64, 64, NULL, FV_ERR_OUTPUT, "exists");
    refuse(in_dir("nofolder/a.mp4"), 64, 64, NULL, FV_ERR_OUTPUT, "folder does not exist");
    refuse(in_dir("a.xyz"), 64, 64, NULL, FV_ERR_OUTPUT, ".mp4");
    refuse(in_dir("noextension"), 64, 64, NULL, FV_ERR_OUTPUT, ".mp4");
    refuse(dir, 64, 64, NULL, FV_ERR_OUTPUT, "");
    mkdir(in_dir("d.mp4"), 0777);
    refuse(in_dir("d.mp4"), 64, 64, FV_SINK_OPTIONS(.overwrite = 1), FV_ERR_OUTPUT, "directory");
    refuse(in_dir("a.mp4"), 64, 64, FV_SINK_OPTIONS(.codec = "nonsense"), FV_ERR_CONFIG, "nonsense");
    refuse(in_dir("a.mp4"), 64, 64, FV_SINK_OPTIONS(.codec = "aac"), FV_ERR_CONFIG, "aac");
    refuse(in_dir("a.mp4"), 64, 64, FV_SINK_OPTIONS(.preset = "warp9"), FV_ERR_CONFIG, "warp9");
    refuse(in_dir("a.mp4"), 64, 64, FV_SINK_OPTIONS(.pix_fmt = "mud"), FV_ERR_CONFIG, "mud");
    refuse(in_dir("a.mp4"), 64, 64, FV_SINK_OPTIONS(.pix_fmt = "rgb565le"), FV_ERR_CONFIG, "rgb565le");
    refuse(in_dir("a.webm"), 64, 64, NULL, FV_ERR_CONFIG, "cannot hold");
    refuse(in_dir("a.mp4"), 0, 64, NULL, FV_ERR_ARGUMENT, "0x64");
    refuse(in_dir("a.mp4"), 40000, 64, NULL, FV_ERR_ARGUMENT, "40000");
    if (geteuid() != 0) {
        mkdir(in_dir("locked"), 0555);
        refuse(in_dir("locked/a.mp4"), 64, 64, NULL, FV_ERR_OUTPUT, "ermission");
    }
    assert_int_equal(leftovers(), 0);
    size_t n;
    free(read_file(in_dir("there.mp4"), &n));
    assert_int_equal(n, 4);
}

static void an_unfinished_file_leaves_nothing(void **state)
{
    (void)state;
    fv_sink *k;
    fv_frame f = new_frame(FV_PIXEL_I420, 64, 64);
    write_file(in_dir("old.mp4"), "mine", 4);
    assert_int_equal(media->sink_open(&k, in_dir("old.mp4"), 64, 64, FV_SINK_OPTIONS(.overwrite = 1), NULL), FV_OK);
    assert_int_equal(leftovers(), 1); /* beside its name, so that renaming is enough */
    assert_int_equal(k->write(k, &f, NULL), FV_OK);
    fv_frame small = new_frame(FV_PIXEL_I420, 32, 32);
    fv_error err = {0};
    assert_int_equal(k->write(k, &small, &err), FV_ERR_ARGUMENT);
    k->close(k);
    assert_int_equal(leftovers(), 0);
    size_t n;
    free(read_file(in_dir("old.mp4"), &n));
    assert_int_equal(n, 4);
    release(&f);
    release(&small);
}

static void a_file_that_appears_meanwhile_is_kept(void **state)
{
    (void)state;
    fv_sink *k;
    fv_error err = {0};
    assert_int_equal(media->sink_open(&k, in_dir("race.mp4"), 64, 64, NULL, &err), FV_OK);
    write_file(in_dir("race.mp4"), "mine", 4);
    fv_frame f = new_frame(FV_PIXEL_I420, 64, 64);
    assert_int_equal(k->write(k, &f, &err), FV_OK);
    release(&f);
    assert_int_equal(k->finish(k, &err), FV_ERR_OUTPUT);
    k->close(k);
    assert_int_equal(leftovers(), 0);
    size_t n;
    free(read_file(in_dir("race.mp4"), &n));
    assert_int_equal(n, 4);
}

static void a_full_disk_is_an_error_with_its_reason(void **state)
{
    (void)state;
    if (!exists("/dev/full")) skip();
    int old = dup(1);
    fflush(stdout);
    assert_non_null(freopen("/dev/full", "wb", stdout));
    fv_sink *k = NULL;
    fv_error err = {0};
    fv_status st = media->sink_open(&k, "-", 320, 240, FV_SINK_OPTIONS(.crf = 1), &err);
    fv_frame f = new_frame(FV_PIXEL_I420, 320, 240);
    for (int i = 0; st == FV_OK && i < 60; i++) {
        f.pts = i;
        for (int n = 0; n < 320 * 240; n++) f.plane[0][n] = (uint8_t)(n * 7919 * (i + 1) >> 5);
        st = k->write(k, &f, &err);
    }
    if (st == FV_OK) st = k->finish(k, &err);
    if (k) k->close(k);
    release(&f);
    dup2(old, 1);
    close(old);
    assert_int_equal(st, FV_ERR_OUTPUT);
    assert_non_null(strstr(err.text, "No space left"));
}

static void odd_sizes_and_all_formats(void **state)
{
    (void)state;
    static const fv_pixel_format formats[] = {FV_PIXEL_I420, FV_PIXEL_NV12, FV_PIXEL_RGB, FV_PIXEL_BGR, FV_PIXEL_GRAY};
    static const int sizes[][2] = {{64, 48}, {65, 47}, {1, 1}, {33, 64}, {64, 33}};
    for (int i = 0; i < 25; i++) {
        fv_pixel_format format = formats[i / 5];
        int w = sizes[i % 5][0], h = sizes[i % 5][1];
        fv_sink *k;
        fv_error err = {0};
        if (media->sink_open(&k, in_dir("odd.mp4"), w, h, FV_SINK_OPTIONS(.overwrite = 1, .crf = 2, .fps = 10), &err) !=
            FV_OK)
            fail_msg("%s", err.text);
        assert_true((strstr(k->encoder, "padded") != NULL) == (w % 2 || h % 2));
        fv_frame f = new_frame(format, w, h);
        f.range = format == FV_PIXEL_GRAY ? FV_RANGE_FULL : FV_RANGE_LIMITED;
        paint_quarters(&f, 50, 100, 150, 200);
        for (int n = 0; n < 3; n++) {
            f.pts = n * 0.1;
            if (k->write(k, &f, &err) != FV_OK) fail_msg("%s", err.text);
        }
        release(&f);
        if (k->finish(k, &err) != FV_OK) fail_msg("%s", err.text);
        k->close(k);
        clip_facts c = read_clip(in_dir("odd.mp4"));
        assert_int_equal(c.frames, 3);
        assert_int_equal(c.width, (w + 1) / 2 * 2);
        assert_int_equal(c.height, (h + 1) / 2 * 2);
        if (w < 30) continue;
        for (int q = 0; q < 4; q++) { /* full range comes out limited: 16 + v * 219/255 */
            int v = 50 * (q + 1),
                want = format == FV_PIXEL_I420 || format == FV_PIXEL_NV12 ? v : (int)lrint(16 + v * 219 / 255.0);
            if (abs(c.quarters[q] - want) > 4)
                fail_msg("format %d %dx%d quarter %d: %d, not %d", format, w, h, q, c.quarters[q], want);
        }
    }
}

static void other_encoders_and_containers(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"e.avi", "mpeg4"}, {"e.mkv", "ffv1"}, {"e.mov", "mjpeg"}, {"e.mkv", "libx264rgb"}};
    for (int i = 0; i < 4; i++) {
        make_clip(in_dir(cases[i][0]), 96, 64, 12, 25, NULL,
                  FV_SINK_OPTIONS(.codec = cases[i][1], .overwrite = 1, .crf = i == 3 ? 4 : 0));
        clip_facts c = read_clip(in_dir(cases[i][0]));
        if (c.frames != 12) fail_msg("%s: %d frames %s", cases[i][1], c.frames, c.err.text);
    }
}

static void sound_subtitles_and_names_pass_through(void **state)
{
    (void)state;
    need_ffmpeg();
    write_file(in_dir("s.srt"), "1\n00:00:00,500 --> 00:00:01,500\nhello\n", 39);
    assert_int_equal(
        shell("ffmpeg -v error -y -f lavfi -i testsrc2=s=160x120:r=25:d=3 -f lavfi -i sine=d=3 -f lavfi -i "
              "sine=f=880:d=3 -i s.srt "
              "-map 0 -map 1 -map 2 -map 3 -c:v libx264 -c:a:0 aac -c:a:1 ac3 -c:s mov_text -metadata title=Square "
              "-metadata:s:a:0 language=deu av.mp4"),
        0);
    pass(in_dir("av.mp4"), in_dir("out.mp4"), -1);
    pass(in_dir("av.mp4"), in_dir("out.mov"), -1);
    static const char *const outs[] = {"out.mp4", "out.mov"};
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 4; k++) {
            const char *select = k == 0 ? "v:0" : k == 1 ? "a:0" : k == 2 ? "a:1" : "s:0";
            char want[64];
            snprintf(want, sizeof want, "%s",
                     ask("ffprobe -v error -select_streams %s -count_packets -show_entries stream=nb_read_packets -of "
                         "csv=p=0 av.mp4",
                         select));
            const char *got = ask("ffprobe -v error -select_streams %s -count_packets -show_entries "
                                  "stream=nb_read_packets -of csv=p=0 %s",
                                  select, outs[i]);
            if (strcmp(got, want) != 0) fail_msg("%s %s: %s packets, not %s", outs[i], select, got, want);
        }
        /* the sound itself is the same, and at the same time */
        char sum[512];
        snprintf(sum, sizeof sum, "%s",
                 ask("ffmpeg -v error -i av.mp4 -map 0:a -c copy -f streamhash - | tr '\\n' ' '"));
        assert_string_equal(ask("ffmpeg -v error -i %s -map 0:a -c copy -f streamhash - | tr '\\n' ' '", outs[i]), sum);
        assert_true(
            fabs(atof(ask("ffprobe -v error -select_streams a:0 -show_entries packet=pts_time -of csv=p=0 %s",
                          outs[i])) -
                 atof(ask("ffprobe -v error -select_streams a:0 -show_entries packet=pts_time -of csv=p=0 av.mp4"))) <
            0.002);
    }
    assert_string_equal(ask("ffprobe -v error -show_entries format_tags=title -of csv=p=0 out.mp4"), "Square");
    assert_string_equal(
        ask("ffprobe -v error -select_streams a:0 -show_entries stream_tags=language -of csv=p=0 out.mp4"), "deu");
    /* index in front */
    size_t n;
    uint8_t *d = read_file(in_dir("out.mp4"), &n);
    assert_true((uint8_t *)memmem(d, n, "moov", 4) < (uint8_t *)memmem(d, n, "mdat", 4));
    free(d);
}

static void sound_ends_with_a_video_that_was_stopped(void **state)
{
    (void)state;
    need_ffmpeg();
    assert_int_equal(shell("ffmpeg -v error -y -f lavfi -i testsrc2=s=160x120:r=25:d=4 -f lavfi -i sine=d=4 -c:v "
                           "libx264 -c:a aac stop.mp4"),
                     0);
    pass(in_dir("stop.mp4"), in_dir("stopped.mp4"), 25);
    double s = atof(ask("ffprobe -v error -select_streams a:0 -show_entries stream=duration -of csv=p=0 stopped.mp4"));
    assert_true(s > 0.9 && s < 1.15);
}

static void what_a_container_cannot_hold_is_named(void **state)
{
    (void)state;
    need_ffmpeg();
    write_file(in_dir("t.srt"), "1\n00:00:00,100 --> 00:00:00,500\nhello\n", 39);
    assert_int_equal(shell("ffmpeg -v error -y -f lavfi -i testsrc2=s=160x120:r=25:d=1 -f lavfi -i sine=d=1 -i t.srt "
                           "-map 0 -map 1 -map 2 "
                           "-c:v libx264 -c:a aac -c:s srt t.mkv"),
                     0);
    fv_source *s;
    fv_sink *k;
    assert_int_equal(media->source_open(&s, in_dir("t.mkv"), NULL, NULL), FV_OK);
    assert_int_equal(media->sink_open(&k, in_dir("t.mp4"), 160, 120, FV_SINK_OPTIONS(.fps = 25, .copy_from = s), NULL),
                     FV_OK);
    assert_non_null(strstr(k->encoder, "without subrip"));
    assert_non_null(strstr(k->encoder, "1 copied"));
    k->close(k);
    assert_int_equal(media->sink_open(&k, in_dir("t2.mkv"), 160, 120, FV_SINK_OPTIONS(.fps = 25, .copy_from = s), NULL),
                     FV_OK);
    assert_non_null(strstr(k->encoder, "2 copied"));
    k->close(k);
    s->close(s);
}

static void colour_tags_are_written(void **state)
{
    (void)state;
    need_ffmpeg();
    assert_int_equal(shell("ffmpeg -v error -y -f lavfi -i testsrc2=s=160x120:r=25:d=0.4 -pix_fmt yuv420p -color_range "
                           "pc -colorspace bt709 "
                           "-color_primaries bt709 -color_trc iec61966-2-1 -c:v libx264 full.mp4"),
                     0);
    pass(in_dir("full.mp4"), in_dir("full2.mp4"), -1);
    assert_string_equal(ask("ffprobe -v error -select_streams v -show_entries "
                            "stream=color_range,color_space,color_transfer,color_primaries "
                            "-of csv=p=0 full2.mp4"),
                        "pc,bt709,iec61966-2-1,bt709");
}

static void a_source_may_be_its_own_target(void **state)
{
    (void)state;
    make_clip(in_dir("self.mp4"), 64, 64, 9, 10, NULL, NULL);
    pass(in_dir("self.mp4"), in_dir("self.mp4"), -1);
    assert_int_equal(read_clip(in_dir("self.mp4")).frames, 9);
}

static void without_frames_the_file_is_still_closed(void **state)
{
    (void)state;
    fv_sink *k;
    fv_error err = {0};
    assert_int_equal(media->sink_open(&k, in_dir("none.mkv"), 64, 64, NULL, NULL), FV_OK);
    if (k->finish(k, &err) != FV_OK) fail_msg("%s", err.text);
    k->close(k);
    assert_int_equal(leftovers(), 0);
}

/* A second run would otherwise take away the part of the first, and the first put the second's half file in place. */
static void two_runs_do_not_share_a_file(void **state)
{
    (void)state;
    fv_error err = {0};
    fv_sink *first, *second;
    fv_sink_options opt = {.size = sizeof opt, .fps = 25, .overwrite = 1};
    assert_int_equal(media->sink_open(&first, in_dir("shared.mkv"), 64, 48, &opt, NULL), FV_OK);
    assert_int_equal(media->sink_open(&second, in_dir("shared.mkv"), 64, 48, &opt, &err), FV_ERR_OUTPUT);
    assert_non_null(strstr(err.text, "another run"));
    fv_frame f = new_frame(FV_PIXEL_I420, 64, 48);
    paint_quarters(&f, 50, 100, 150, 200);
    assert_int_equal(first->write(first, &f, NULL), FV_OK);
    release(&f);
    assert_int_equal(first->finish(first, NULL), FV_OK);
    first->close(first);
    assert_int_equal(read_clip(in_dir("shared.mkv")).frames, 1);
    write_file(in_dir(".shared.mkv.part"), "left by a killed run", 20);
    assert_int_equal(media->sink_open(&second, in_dir("shared.mkv"), 64, 48, &opt, &err), FV_OK);
    second->close(second);
    assert_false(exists(in_dir(".shared.mkv.part")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_runs_do_not_share_a_file),
        cmocka_unit_test(what_cannot_work_fails_at_once),
        cmocka_unit_test(an_unfinished_file_leaves_nothing),
        cmocka_unit_test(a_file_that_appears_meanwhile_is_kept),
        cmocka_unit_test(a_full_disk_is_an_error_with_its_reason),
        cmocka_unit_test(odd_sizes_and_all_formats),
        cmocka_unit_test(other_encoders_and_containers),
        cmocka_unit_test(sound_subtitles_and_names_pass_through),
        cmocka_unit_test(sound_ends_with_a_video_that_was_stopped),
        cmocka_unit_test(what_a_container_cannot_hold_is_named),
        cmocka_unit_test(colour_tags_are_written),
        cmocka_unit_test(a_source_may_be_its_own_target),
        cmocka_unit_test(without_frames_the_file_is_still_closed),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
