/* media.c: the table that libfovea-media offers, and the table of kinds of sources. fv_media_get is the only
 * symbol the library exports. */
#include "media/clip.h"
#include "base/error.h"
#include "base/options.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The first that claims a name has it. */
static const fvi_media_kind *const kinds[] = {&fvi_media_kind_pipe, &fvi_media_kind_camera, &fvi_media_kind_network_file,
                                              &fvi_media_kind_network, &fvi_media_kind_file};

static bool anything(const char *path) { return path != NULL; }

static fv_status file_open(fv_source **out, const char *path, const fv_source_options *opt, fv_error *err)
{
    int64_t size;
    FVI_TRY(fvi_media_check_file(path, &size, err));
    uint8_t head[32];
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, head, sizeof head);
        close(fd);
    }
    const char *dot = strrchr(path, '.');
    bool stream = dot && (strcmp(dot, ".mjpeg") == 0 || strcmp(dot, ".mjpg") == 0); /* many JPEGs in a row */
    enum AVCodecID id = n > 0 && !stream ? fvi_media_picture_sniff(head, (size_t)n) : AV_CODEC_ID_NONE;
    if (id != AV_CODEC_ID_NONE) return fvi_media_picture_open(out, path, id, err);
    return fvi_media_video_open(out, path, opt, err);
}

const fvi_media_kind fvi_media_kind_file = {"file", false, anything, file_open};

static const fvi_media_kind *kind_of(const char *path)
{
    size_t i = 0;
    while (!kinds[i]->claims(path)) i++;
    return kinds[i];
}

static int source_is_live(const char *path) { return path && kind_of(path)->live; }

static fv_status source_open(fv_source **out, const char *path, const fv_source_options *opt, fv_error *err)
{
    if (!out || !path) return fvi_error_set(err, FV_ERR_ARGUMENT, "no source given");
    *out = NULL;
    fv_source_options o = {.size = sizeof o};
    FVI_TRY(fvi_options_read(&o, sizeof o, opt, "FV_SOURCE_OPTIONS", err));
    return kind_of(path)->open(out, path, &o, err);
}

static char version[96];
static const fv_media_api table = {
    .size = sizeof(fv_media_api),
    .version = version,
    .source_open = source_open,
    .source_is_live = source_is_live,
    .expand = fvi_media_expand,
    .names_free = fvi_media_names_free,
    .sink_open = fvi_media_sink_open,
    .picture_write = fvi_media_picture_write,
    .font_open = fvi_media_font_open,
    .picture_probe = fvi_media_picture_probe,
    .picture_reader_open = fvi_media_reader_open,
    .picture_reader_read = fvi_media_reader_read,
    .picture_reader_close = fvi_media_reader_close,
    .clip = &fvi_media_clip_table,
};

static void start(void)
{
    fvi_media_log_capture();
    snprintf(version, sizeof version, "FFmpeg %s, libjpeg-turbo %s", av_version_info(), FV_TURBOJPEG_VERSION);
}

const fv_media_api *fv_media_get(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
    return &table;
}
