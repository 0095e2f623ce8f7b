/* Video files in: frames, time, orientation, pixel shapes, formats, and files that are broken. */
#include "media_test.h"
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

static void need_ffmpeg(void)
{
    if (!have_ffmpeg()) skip();
}

static void expect_quarters(const clip_facts *c, int tl, int tr, int bl, int br)
{
    int want[4] = {tl, tr, bl, br};
    for (int q = 0; q < 4; q++)
        if (abs(c->quarters[q] - want[q]) > 3) fail_msg("quarter %d is %d, not %d", q, c->quarters[q], want[q]);
}

static void frames_come_whole_and_in_order(void **state)
{
    (void)state;
    make_clip(in_dir("a.mp4"), 160, 120, 37, 25, NULL, NULL);
    clip_facts c = read_clip(in_dir("a.mp4"));
    assert_int_equal(c.open, FV_OK);
    assert_int_equal(c.end, FV_END);
    assert_int_equal(c.frames, 37);
    assert_int_equal(c.info.frames, 37);
    assert_int_equal(c.info.kind, FV_SOURCE_VIDEO);
    assert_string_equal(c.info.decoder, "h264");
    assert_int_equal(c.width, 160);
    assert_int_equal(c.info.width, 160);
    assert_int_equal(c.format, FV_PIXEL_I420);
    assert_int_equal(c.matrix, FV_COLOR_BT601);
    assert_int_equal(c.range, FV_RANGE_LIMITED);
    assert_true(fabs(c.info.fps - 25) < 1e-6 && fabs(c.info.duration_s - 37 / 25.0) < 0.05);
    for (int i = 0; i < 37; i++) assert_true(fabs(c.stamps[i] - i / 25.0) < 1e-6);
    expect_quarters(&c, 50, 100, 150, 200);
}

static void uneven_time_stamps_are_kept(void **state)
{
    (void)state;
    static const double stamps[] = {0, 0.04, 0.05, 0.5, 0.501, 2.25, 2.75, 9};
    static const char *const names[] = {"vfr.mp4", "vfr.mkv", "vfr.mov"};
    for (int k = 0; k < 3; k++) {
        make_clip(in_dir(names[k]), 64, 48, 8, 30, stamps, NULL);
        clip_facts c = read_clip(in_dir(names[k]));
        assert_int_equal(c.frames, 8);
        for (int i = 0; i < 8; i++)
            if (fabs(c.stamps[i] - stamps[i]) > 0.0006)
                fail_msg("%s: frame %d at %f, not %f", names[k], i, c.stamps[i], stamps[i]);
    }
}

/* Puts a display matrix into the track header of an MP4 file. */
static void set_matrix(const char *path, int a, int b, int c, int d)
{
    size_t n;
    uint8_t *p = read_file(path, &n);
    uint8_t *at = memmem(p, n, "tkhd", 4);
    assert_non_null(at);
    const int m[9] = {a * 65536, b * 65536, 0, c * 65536, d * 65536, 0, 0, 0, 1 << 30};
    for (int i = 0; i < 9; i++)
        for (int k = 0; k < 4; k++) at[44 + 4 * i + k] = (uint8_t)((uint32_t)m[i] >> (24 - 8 * k));
    write_file(path, p, n);
    free(p);
}

static void sideways_and_mirrored_videos_are_turned(void **state)
{
    (void)state;
    static const struct {
        int a, b, c, d, want[4];
    } cases[] = {{1, 0, 0, 1, {50, 100, 150, 200}},   {0, 1, -1, 0, {150, 50, 200, 100}} /* a quarter clockwise */,
                 {-1, 0, 0, -1, {200, 150, 100, 50}}, {0, -1, 1, 0, {100, 200, 50, 150}},
                 {-1, 0, 0, 1, {100, 50, 200, 150}},  {1, 0, 0, -1, {150, 200, 50, 100}},
                 {0, 1, 1, 0, {50, 150, 100, 200}},   {0, -1, -1, 0, {200, 100, 150, 50}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make_clip(in_dir("turn.mp4"), 96, 64, 3, 10, NULL, FV_SINK_OPTIONS(.overwrite = 1));
        set_matrix(in_dir("turn.mp4"), cases[i].a, cases[i].b, cases[i].c, cases[i].d);
        clip_facts c = read_clip(in_dir("turn.mp4"));
        assert_int_equal(c.frames, 3);
        assert_int_equal(c.width, cases[i].a ? 96 : 64);
        assert_int_equal(c.height, cases[i].a ? 64 : 96);
        assert_int_equal(c.info.width, c.width);
        expect_quarters(&c, cases[i].want[0], cases[i].want[1], cases[i].want[2], cases[i].want[3]);
    }
}

static void turning_agrees_with_ffmpeg(void **state)
{
    (void)state;
    need_ffmpeg();
    make_clip(in_dir("r.mp4"), 98, 64, 3, 10, NULL, FV_SINK_OPTIONS(.overwrite = 1));
    set_matrix(in_dir("r.mp4"), 0, 1, -1, 0);
    assert_int_equal(shell("ffmpeg -v error -y -i r.mp4 -vf setsar=1 -c:v ffv1 r.mkv"), 0);
    clip_facts ours = read_clip(in_dir("r.mp4")), theirs = read_clip(in_dir("r.mkv"));
    assert_int_equal(ours.width, theirs.width);
    expect_quarters(&ours, theirs.quarters[0], theirs.quarters[1], theirs.quarters[2], theirs.quarters[3]);
}

static void other_formats_become_i420(void **state)
{
    (void)state;
    need_ffmpeg();
    static const struct {
        const char *options;
        int w, h, matrix, range;
    } cases[] = {
        {"-pix_fmt yuv420p10le -c:v ffv1", 160, 120, FV_COLOR_BT601, FV_RANGE_LIMITED},
        {"-pix_fmt yuv444p -c:v ffv1", 160, 120, FV_COLOR_BT601, FV_RANGE_LIMITED},
        {"-pix_fmt yuv422p -c:v ffv1", 160, 120, FV_COLOR_BT601, FV_RANGE_LIMITED},
        {"-pix_fmt yuvj420p -c:v mjpeg -q:v 2", 160, 120, FV_COLOR_BT601, FV_RANGE_FULL},
        {"-pix_fmt gray -c:v ffv1", 160, 120, FV_COLOR_BT601, FV_RANGE_FULL},
        {"-pix_fmt bgr0 -c:v ffv1", 160, 120, FV_COLOR_BT601, FV_RANGE_LIMITED},
        {"-pix_fmt yuv420p -c:v rawvideo", 160, 120, FV_COLOR_BT601, FV_RANGE_LIMITED},
        {"-vf scale=1280:720,setsar=1 -pix_fmt yuv420p -c:v libx264", 1280, 720, FV_COLOR_BT709, FV_RANGE_LIMITED},
        {"-vf scale=1280:720,setsar=1 -pix_fmt yuv420p -colorspace smpte170m -c:v libx264", 1280, 720, FV_COLOR_BT601,
         FV_RANGE_LIMITED},
        {"-pix_fmt yuv420p -colorspace bt709 -color_range pc -c:v libx264", 160, 120, FV_COLOR_BT709, FV_RANGE_FULL},
        {"-vf crop=159:119:exact=1,setsar=1 -pix_fmt yuv420p -c:v rawvideo", 159, 119, FV_COLOR_BT601,
         FV_RANGE_LIMITED},
        {"-vf setsar=2 -pix_fmt yuv420p -c:v libx264", 320, 120, FV_COLOR_BT601, FV_RANGE_LIMITED},
        {"-vf setsar=201/200 -pix_fmt yuv420p -c:v libx264", 160, 120, FV_COLOR_BT601, FV_RANGE_LIMITED}};
    make_clip(in_dir("base.mp4"), 160, 120, 5, 10, NULL, NULL);
    assert_int_equal(shell("ffmpeg -v error -y -i base.mp4 base.y4m"), 0); /* says nothing of its colours */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(shell("ffmpeg -v error -y -i base.y4m %s f.mkv", cases[i].options), 0);
        clip_facts c = read_clip(in_dir("f.mkv"));
        if (c.frames != 5 || c.width != cases[i].w || c.height != cases[i].h || (int)c.matrix != cases[i].matrix ||
            (int)c.range != cases[i].range || c.format != FV_PIXEL_I420)
            fail_msg("%s: %d frames, %dx%d, matrix %d, range %d, format %d %s", cases[i].options, c.frames, c.width,
                     c.height, c.matrix, c.range, c.format, c.err.text);
        /* gray levels survive; full range: (v - 16) * 255 / 219 */
        if (cases[i].range == FV_RANGE_FULL && !strstr(cases[i].options, "libx264"))
            expect_quarters(&c, 40, 98, 156, 214);
        else if (!strstr(cases[i].options, "color_range"))
            expect_quarters(&c, 50, 100, 150, 200);
    }
}

static void a_change_of_size_is_brought_back(void **state)
{
    (void)state;
    make_clip(in_dir("s1.ts"), 160, 120, 6, 10, NULL, NULL);
    make_clip(in_dir("s2.ts"), 96, 64, 6, 10, NULL, NULL);
    assert_int_equal(shell("cat s1.ts s2.ts > s.ts"), 0);
    clip_facts c = read_clip(in_dir("s.ts")); /* checks that the size stays and time goes on */
    assert_in_range(c.frames, 11, 12);
    assert_int_equal(c.width, 160);
    assert_true(c.last < 3); /* stamps that start anew are joined */
}

static void cut_files_give_what_they_have(void **state)
{
    (void)state;
    static const char *const names[] = {"c.mp4", "c.mkv", "c.avi"};
    for (int k = 0; k < 3; k++) {
        make_clip(in_dir(names[k]), 160, 120, 100, 10, NULL, NULL);
        size_t n;
        uint8_t *d = read_file(in_dir(names[k]), &n);
        write_file(in_dir("cut"), d, n * 6 / 10);
        clip_facts c = read_clip(in_dir("cut"));
        if (c.open != FV_OK || c.end != FV_PARTIAL)
            fail_msg("%s: open %d, end %d %s", names[k], c.open, c.end, c.err.text);
        if (c.frames < 30 || c.frames > 80) fail_msg("%s cut at 60 %% of %zu bytes: %d frames", names[k], n, c.frames);
        assert_non_null(strstr(c.err.text, "cut short"));
        write_file(in_dir("cut"), d, 100);
        c = read_clip(in_dir("cut"));
        assert_int_equal(c.open, FV_ERR_INPUT);
        /* damage in the middle: all frames or a verdict, never silence */
        memset(d + n / 2, 0xA5, n / 20);
        write_file(in_dir("cut"), d, n);
        c = read_clip(in_dir("cut"));
        if (c.open != FV_OK || (c.end != FV_PARTIAL && c.frames != 100))
            fail_msg("%s: %d frames, end %d", names[k], c.frames, c.end);
        free(d);
    }
}

static void an_index_at_the_end_that_is_missing_is_said(void **state)
{
    (void)state;
    need_ffmpeg();
    make_clip(in_dir("m.mp4"), 160, 120, 50, 10, NULL, NULL);
    assert_int_equal(shell("ffmpeg -v error -y -i m.mp4 -c copy -movflags 0 m2.mp4 && head -c $(( $(stat -c %%s "
                           "m2.mp4) * 6 / 10 )) m2.mp4 > m3.mp4"),
                     0);
    clip_facts c = read_clip(in_dir("m3.mp4"));
    assert_int_equal(c.open, FV_ERR_INPUT);
    assert_non_null(strstr(c.err.text, "cut short"));
}

static void refuse(const char *path, const char *word)
{
    clip_facts c = read_clip(path);
    assert_int_equal(c.open, FV_ERR_INPUT);
    if (!strstr(c.err.text, word)) fail_msg("'%s' does not say '%s'", c.err.text, word);
}

static void what_is_no_video_is_refused(void **state)
{
    (void)state;
    refuse(in_dir("none.mp4"), "No such file");
    refuse(dir, "directory");
    write_file(in_dir("empty.mp4"), "", 0);
    refuse(in_dir("empty.mp4"), "empty");
    write_file(in_dir("text.txt"), "just some words\nand more\n", 25);
    refuse(in_dir("text.txt"), "not a video");
    refuse("", "empty");
    refuse("/dev/zero", "neither a file nor a pipe");
    refuse("gopher://user:secret@camera/1", "not spoken");
    clip_facts c = read_clip("gopher://user:secret@camera/1");
    assert_null(strstr(c.err.text, "secret"));
    if (geteuid() != 0) { /* root reads everything */
        make_clip(in_dir("locked.mp4"), 64, 64, 2, 10, NULL, NULL);
        chmod(in_dir("locked.mp4"), 0);
        refuse(in_dir("locked.mp4"), "ermission");
    }
    uint8_t noise[20000];
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
    write_file(in_dir("noise.mp4"), noise, sizeof noise);
    assert_int_equal(read_clip(in_dir("noise.mp4")).open, FV_ERR_INPUT);
}

/* A playlist must not make us open other files; a name must not be taken for a protocol. */
static void names_and_playlists_have_no_power(void **state)
{
    (void)state;
    char text[512];
    make_clip(in_dir("v.ts"), 64, 64, 4, 10, NULL, NULL);
    snprintf(text, sizeof text, "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:2,\n%s\n#EXT-X-ENDLIST\n", in_dir("v.ts"));
    write_file(in_dir("list.m3u8"), text, strlen(text));
    assert_int_equal(read_clip(in_dir("list.m3u8")).open, FV_ERR_INPUT);
    snprintf(text, sizeof text, "ffconcat version 1.0\nfile v.ts\n");
    write_file(in_dir("list.ffconcat"), text, strlen(text));
    assert_int_equal(read_clip(in_dir("list.ffconcat")).open, FV_ERR_INPUT);
    char old[512];
    assert_non_null(getcwd(old, sizeof old));
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(shell("cp v.ts 'concat:a|%%03d.ts'"), 0);
    clip_facts c = read_clip("concat:a|%03d.ts");
    assert_int_equal(read_clip("subfile,,start,0,end,9,,:v.ts").open, FV_ERR_INPUT);
    assert_int_equal(chdir(old), 0);
    assert_int_equal(c.frames, 4);
}

static void frames_outlive_their_source(void **state)
{
    (void)state;
    make_clip(in_dir("o.mp4"), 64, 64, 8, 10, NULL, NULL);
    fv_source *s;
    fv_frame f[4];
    assert_int_equal(media->source_open(&s, in_dir("o.mp4"), NULL, NULL), FV_OK);
    for (int i = 0; i < 4; i++) assert_int_equal(s->read(s, &f[i], NULL), FV_OK);
    s->close(s);
    for (int i = 3; i >= 0; i--) {
        check_quarters(&f[i], 50, 100, 150, 200, 4);
        release(&f[i]);
    }
    /* closed before anything was read */
    assert_int_equal(media->source_open(&s, in_dir("o.mp4"), NULL, NULL), FV_OK);
    s->close(s);
}

static void stdin_is_read(void **state)
{
    (void)state;
    make_clip(in_dir("p.mkv"), 64, 64, 8, 10, NULL, NULL);
    int old = dup(0);
    assert_non_null(freopen(in_dir("p.mkv"), "rb", stdin));
    clip_facts c = read_clip("-");
    dup2(old, 0);
    close(old);
    assert_int_equal(c.frames, 8);
    assert_string_equal(c.info.name, "stdin");
    fv_frame f = new_frame(FV_PIXEL_I420, 64, 48);
    paint_quarters(&f, 50, 100, 150, 200);
    f.range = FV_RANGE_FULL;
    assert_int_equal(media->picture_write(in_dir("p.jpg"), &f, 1, NULL), FV_OK);
    release(&f);
    old = dup(0);
    assert_non_null(freopen(in_dir("p.jpg"), "rb", stdin));
    c = read_clip("-");
    dup2(old, 0);
    close(old);
    assert_int_equal(c.frames, 1);
    expect_quarters(&c, 50, 100, 150, 200);
}

/* FIFO with the bytes of a film in it and a writer that says nothing more (its end is returned) or ends. */
static int open_pipe(const char *film, bool silent)
{
    size_t n;
    uint8_t *bytes = read_file(film, &n);
    unlink(in_dir("fifo"));
    assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
    int fd = open(in_dir("fifo"), O_RDWR); /* both ends: opening does not wait */
    assert_true(fd >= 0 && fcntl(fd, F_SETPIPE_SZ, 1 << 20) >= (int)n);
    assert_int_equal(write(fd, bytes, n), n);
    free(bytes);
    if (silent) return fd;
    pid_t later = fork();
    if (later == 0) {
        usleep(200000);
        _exit(0); /* the writing end closes with it */
    }
    close(fd);
    return 0;
}

static int stopped_when_asked(void *user) { return ++*(int *)user > 2; }

static void a_silent_pipe_can_be_left(void **state)
{
    (void)state;
    make_clip(in_dir("s.mkv"), 64, 64, 8, 10, NULL, &(fv_sink_options){.codec = "mjpeg"});
    int fd = open_pipe(in_dir("s.mkv"), true), frames = 0, asked = 0;
    fv_source *s;
    fv_frame f;
    assert_int_equal(media->source_open(&s, in_dir("fifo"), NULL, NULL), FV_OK);
    s->stopped = stopped_when_asked;
    s->stopped_user = &asked;
    while (s->read(s, &f, NULL) == FV_OK) frames++, release(&f);
    assert_true(asked > 2 && frames > 0 && frames <= 8);
    assert_int_equal(s->read(s, &f, NULL), FV_END); /* not broken: left */
    s->close(s);
    close(fd);
}

static void a_pipe_is_read_to_its_end_and_only_once(void **state)
{
    (void)state;
    make_clip(in_dir("t.mkv"), 64, 64, 8, 10, NULL, NULL);
    open_pipe(in_dir("t.mkv"), false);
    fv_error err = {0};
    fv_source *s;
    fv_sink *sink;
    fv_frame f;
    int frames = 0;
    if (media->source_open(&s, in_dir("fifo"), NULL, &err) < 0) fail_msg("%s", err.text);
    /* nothing can be copied from it: a second reader would steal its bytes */
    assert_int_equal(media->sink_open(&sink, in_dir("once.mkv"), 64, 64, FV_SINK_OPTIONS(.fps = 10, .copy_from = s, .overwrite = 1), &err), FV_OK);
    while (s->read(s, &f, NULL) == FV_OK) {
        assert_int_equal(sink->write(sink, &f, NULL), FV_OK);
        frames++, release(&f);
    }
    assert_int_equal(frames, 8);
    assert_int_equal(sink->finish(sink, NULL), FV_OK);
    sink->close(sink);
    s->close(s);
}

/* `< film.mp4`: the index at its end can be reached; in a pipe it cannot, and the sentence says so. */
static void mp4_from_stdin(void **state)
{
    (void)state;
    need_ffmpeg();
    assert_int_equal(shell("ffmpeg -v quiet -y -f lavfi -i testsrc2=s=320x240:r=20:d=3,noise=alls=40 -c:v libx264 '%s'", in_dir("q.mp4")), 0);
    struct stat st;
    assert_true(stat(in_dir("q.mp4"), &st) == 0 && st.st_size > 200000 && st.st_size < 1 << 20); /* more than is read ahead */
    int old = dup(0);
    assert_non_null(freopen(in_dir("q.mp4"), "rb", stdin));
    clip_facts c = read_clip("-");
    dup2(old, 0);
    close(old);
    assert_int_equal(c.frames, 60);
    open_pipe(in_dir("q.mp4"), false);
    c = read_clip(in_dir("fifo"));
    assert_int_equal(c.open, FV_ERR_INPUT);
    assert_non_null(strstr(c.err.text, "pipe"));
}

/* Every clip of the test data opens and gives as many frames as ffprobe counts. */
static void real_clips_agree_with_ffprobe(void **state)
{
    (void)state;
    const char *data = test_data("video");
    if (!data) skip();
    need_ffmpeg();
    char list[4096], line[1024];
    snprintf(list, sizeof list, "find '%s/people' '%s/codecs' -type f -size -4M | sort", data, data);
    FILE *f = popen(list, "r");
    int files = 0;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        clip_facts c = read_clip(line);
        if (c.open != FV_OK) fail_msg("%s", c.err.text);
        int stream = strstr(line, "nasa_13013") ? 3 : -1; /* two videos: the better one */
        const char *n = stream < 0 ? ask("ffprobe -v quiet -select_streams v:0 -count_frames -show_entries "
                                         "stream=nb_read_frames -of csv=p=0 '%s'",
                                         line)
                                   : ask("ffprobe -v quiet -select_streams %d -count_frames -show_entries "
                                         "stream=nb_read_frames -of csv=p=0 '%s'",
                                         stream, line);
        if (atoi(n) != c.frames) fail_msg("%s: %d frames, ffprobe says %s", line, c.frames, n);
        files++;
    }
    pclose(f);
    assert_true(files > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_whole_and_in_order),
        cmocka_unit_test(uneven_time_stamps_are_kept),
        cmocka_unit_test(sideways_and_mirrored_videos_are_turned),
        cmocka_unit_test(turning_agrees_with_ffmpeg),
        cmocka_unit_test(other_formats_become_i420),
        cmocka_unit_test(a_change_of_size_is_brought_back),
        cmocka_unit_test(cut_files_give_what_they_have),
        cmocka_unit_test(an_index_at_the_end_that_is_missing_is_said),
        cmocka_unit_test(what_is_no_video_is_refused),
        cmocka_unit_test(names_and_playlists_have_no_power),
        cmocka_unit_test(frames_outlive_their_source),
        cmocka_unit_test(stdin_is_read),
        cmocka_unit_test(a_silent_pipe_can_be_left),
        cmocka_unit_test(a_pipe_is_read_to_its_end_and_only_once),
        cmocka_unit_test(mp4_from_stdin),
        cmocka_unit_test(real_clips_agree_with_ffprobe),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
