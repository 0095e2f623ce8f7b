/* media_test.h: what the tests of libfovea-media share: a folder that goes away, frames with a known picture, clips
 * made with the library itself, and the ffmpeg programs where they are installed. */
#ifndef MEDIA_TEST_H
#define MEDIA_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fovea/media.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const fv_media_api *media;
static char dir[128]; /* of this test program */

static inline int make_dir(void **state)
{
    (void)state;
    media = fv_media_get();
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/fovea-media-XXXXXX", tmp ? tmp : P_tmpdir);
    return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_dir(void **state)
{
    (void)state;
    char cmd[192];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    return system(cmd);
}

/* Path inside the folder; the last eight stay valid. */
static inline const char *in_dir(const char *name)
{
    static char buf[8][256];
    static int next;
    char *p = buf[next++ % 8];
    snprintf(p, sizeof buf[0], "%s/%s", dir, name);
    return p;
}

static inline int have_ffmpeg(void)
{
    return system("command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null") == 0;
}

/* Runs a shell command in the folder; %-arguments as printf. */
static inline int __attribute__((format(printf, 1, 2))) shell(const char *fmt, ...)
{
    char cmd[2048];
    int n = snprintf(cmd, sizeof cmd, "cd '%s' && ", dir);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(cmd + n, sizeof cmd - (size_t)n, fmt, ap);
    va_end(ap);
    return system(cmd);
}

/* First line that a command prints. */
static inline const char *__attribute__((format(printf, 1, 2))) ask(const char *fmt, ...)
{
    static char line[512];
    char cmd[2048];
    int n = snprintf(cmd, sizeof cmd, "cd '%s' && ", dir);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(cmd + n, sizeof cmd - (size_t)n, fmt, ap);
    va_end(ap);
    FILE *f = popen(cmd, "r");
    line[0] = 0;
    if (f && fgets(line, sizeof line, f)) line[strcspn(line, "\n")] = 0;
    if (f) pclose(f);
    return line;
}

static inline void write_file(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}

static inline uint8_t *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    uint8_t *p = malloc(*size + 1);
    assert_int_equal(fread(p, 1, *size, f), *size);
    fclose(f);
    return p;
}

static inline int exists(const char *path) { return access(path, F_OK) == 0; }

/* ---- frames ---- */
static inline void free_frame(fv_frame *f)
{
    free(f->opaque);
    *f = (fv_frame){0};
}

static inline fv_frame new_frame(fv_pixel_format format, int w, int h)
{
    int cw = (w + 1) / 2, ch = (h + 1) / 2;
    int bytes[3] = {format == FV_PIXEL_RGB || format == FV_PIXEL_BGR ? 3 * w : w, format == FV_PIXEL_I420 ? cw : 2 * cw,
                    cw};
    int rows[3] = {h, format == FV_PIXEL_I420 || format == FV_PIXEL_NV12 ? ch : 0, format == FV_PIXEL_I420 ? ch : 0};
    size_t size = FV_FRAME_PAD;
    for (int i = 0; i < 3; i++) size += (size_t)bytes[i] * (size_t)rows[i];
    fv_frame f = {.format = format,
                  .width = w,
                  .height = h,
                  .matrix = FV_COLOR_BT601,
                  .opaque = calloc(1, size),
                  .release = free_frame};
    uint8_t *p = f.opaque;
    for (int i = 0; i < 3; i++) {
        f.plane[i] = rows[i] ? p : NULL;
        f.stride[i] = rows[i] ? bytes[i] : 0;
        p += (size_t)bytes[i] * (size_t)rows[i];
    }
    return f;
}

static inline void release(fv_frame *f)
{
    if (f->release) f->release(f);
}

/* Gray quarters: top left, top right, bottom left, bottom right. Planes other than the first: neutral. */
static inline void paint_quarters(fv_frame *f, int tl, int tr, int bl, int br)
{
    int step = f->format == FV_PIXEL_RGB || f->format == FV_PIXEL_BGR ? 3 : 1;
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width * step; x++) {
            int right = x / step >= f->width / 2, low = y >= f->height / 2;
            f->plane[0][y * f->stride[0] + x] = (uint8_t)(low ? right ? br : bl : right ? tr : tl);
        }
    if (f->plane[1]) memset(f->plane[1], 128, (size_t)f->stride[1] * (size_t)((f->height + 1) / 2));
    if (f->plane[2]) memset(f->plane[2], 128, (size_t)f->stride[2] * (size_t)((f->height + 1) / 2));
}

/* First sample of the pixel in the middle of quarter q (0..3, as above). */
static inline int quarter(const fv_frame *f, int q)
{
    int step = f->format == FV_PIXEL_RGB || f->format == FV_PIXEL_BGR ? 3 : 1;
    int x = f->width / 4 + (q & 1) * (f->width / 2), y = f->height / 4 + (q >> 1) * (f->height / 2);
    return f->plane[0][y * f->stride[0] + x * step];
}

static inline void check_quarters(const fv_frame *f, int tl, int tr, int bl, int br, int tolerance)
{
    int want[4] = {tl, tr, bl, br};
    for (int q = 0; q < 4; q++)
        if (abs(quarter(f, q) - want[q]) > tolerance) fail_msg("quarter %d is %d, not %d", q, quarter(f, q), want[q]);
}

/* ---- clips ---- */
/* Quarters 50 100 150 200, and four rows of noise on top so that every frame has some weight. pts = i/fps unless stamps
 * are given. */
static inline void make_clip(const char *path, int w, int h, int frames, double fps, const double *stamps,
                             const fv_sink_options *more)
{
    fv_error err = {0};
    fv_sink *sink = NULL;
    fv_sink_options opt = more ? *more : (fv_sink_options){0};
    opt.size = sizeof opt;
    opt.fps = fps;
    if (!opt.crf && !opt.codec) opt.crf = 4;
    if (media->sink_open(&sink, path, w, h, &opt, &err) != FV_OK) fail_msg("%s", err.text);
    fv_frame f = new_frame(FV_PIXEL_I420, w, h);
    uint32_t noise = 1;
    for (int i = 0; i < frames; i++) {
        paint_quarters(&f, 50, 100, 150, 200);
        for (int k = 0; k < 4 * w; k++)
            f.plane[0][k / w * f.stride[0] + k % w] = (uint8_t)(noise = noise * 1664525u + 1013904223u, noise >> 24);
        f.index = i;
        f.pts = stamps ? stamps[i] : i / fps;
        if (sink->write(sink, &f, &err) != FV_OK) fail_msg("%s", err.text);
    }
    release(&f);
    if (sink->finish(sink, &err) != FV_OK) fail_msg("%s", err.text);
    sink->close(sink);
}

typedef struct clip_facts {
    fv_status open, end;
    fv_error err;
    fv_source_info info;
    int frames;
    double last, stamps[512];
    fv_pixel_format format;
    fv_color_matrix matrix;
    fv_color_range range;
    int width, height;
    int quarters[4]; /* of the first frame */
} clip_facts;

/* Reads a source to its end; checks what holds for every source. */
static inline clip_facts read_clip(const char *path)
{
    clip_facts c = {0};
    fv_source *s = NULL;
    c.open = media->source_open(&s, path, NULL, &c.err);
    if (c.open != FV_OK) {
        assert_null(s);
        assert_true(c.err.text[0] != 0);
        return c;
    }
    c.info = s->info;
    fv_frame f;
    while ((c.end = s->read(s, &f, &c.err)) == FV_OK) {
        assert_int_equal(f.index, c.frames);
        if (c.frames == 0) {
            assert_true(f.pts == 0);
            for (int q = 0; q < 4; q++) c.quarters[q] = quarter(&f, q);
        } else {
            assert_true(f.pts > c.last);
            assert_int_equal(f.width, c.width);
            assert_int_equal(f.height, c.height);
        }
        assert_true(f.born_ns > 0 && f.decode_ns >= 0);
        c.last = f.pts;
        if (c.frames < 512) c.stamps[c.frames] = f.pts;
        c.format = f.format;
        c.matrix = f.matrix;
        c.range = f.range;
        c.width = f.width;
        c.height = f.height;
        /* the pad is readable: a sanitizer build says so if not */
        volatile uint8_t sum = 0;
        int rows = f.format == FV_PIXEL_RGB ? f.height : (f.height + 1) / 2, p = f.format == FV_PIXEL_RGB ? 0 : 1;
        int bytes = f.format == FV_PIXEL_RGB    ? 3 * f.width
                    : f.format == FV_PIXEL_NV12 ? (f.width + 1) / 2 * 2
                                                : (f.width + 1) / 2;
        for (int i = 0; i < FV_FRAME_PAD; i++) sum = (uint8_t)(sum + f.plane[p][(rows - 1) * f.stride[p] + bytes + i]);
        c.frames++;
        release(&f);
    }
    assert_int_equal(s->read(s, &f, NULL), c.end < 0 ? FV_END : c.end); /* asked again, it says the same */
    s->close(s);
    return c;
}

/* ../shared/data or FOVEA_TEST_DATA; null = not on this machine */
static inline const char *test_data(const char *sub)
{
    static char path[1024];
    const char *env = getenv("FOVEA_TEST_DATA");
    if (env)
        snprintf(path, sizeof path, "%s/%s", env, sub);
    else
        snprintf(path, sizeof path, FV_SOURCE_DIR "/../shared/data/%s", sub);
    return exists(path) ? path : NULL;
}
#endif
