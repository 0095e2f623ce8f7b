/* sink.c: frames -> a video file, with what the source had besides pictures. Everything that can fail early fails in
 * sink_open; the file is written beside its name and renamed when it is whole. Called through fv_media_api.sink_open.
 */
#include "media/sink.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *muxer_of(const char *path)
{
    static const char *const known[][2] = {{".mp4", "mp4"},   {".m4v", "mp4"}, {".mov", "mov"},  {".mkv", "matroska"},
                                           {".webm", "webm"}, {".avi", "avi"}, {".ts", "mpegts"}};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof known / sizeof known[0]; i++)
        if (strcasecmp(dot, known[i][0]) == 0) return known[i][1];
    return NULL;
}

/* dir/.name.part */
static char *part_name(const char *path)
{
    fvi_str b = {0};
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (slash) fvi_str_addn(&b, path, (size_t)(name - path));
    fvi_str_printf(&b, ".%s.part", name);
    if (b.failed) fvi_str_free(&b);
    return b.s;
}

/* Two runs must not write one file: whoever does holds a lock on the part. */
static bool is_being_written(const char *part)
{
    int fd = open(part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0) close(fd);
    return held;
}

static fv_status check_target(const fvi_media_sink *s, fv_error *err)
{
    struct stat st;
    if (lstat(s->path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return fvi_error_set(err, FV_ERR_OUTPUT, "%s: is a directory, a file name is needed", s->path);
        if (!s->overwrite)
            return fvi_error_set(err, FV_ERR_OUTPUT, "%s: the file exists; give --overwrite to replace it", s->path);
        if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
            return fvi_error_set(err, FV_ERR_OUTPUT, "%s: is not a regular file and cannot be replaced", s->path);
    } else if (errno != ENOENT) {
        return fvi_error_set(err, FV_ERR_OUTPUT, "%s: %s", s->path, strerror(errno));
    }
    if (is_being_written(s->part))
        return fvi_error_set(err, FV_ERR_OUTPUT, "%s: is being written by another run", s->path);
    if (lstat(s->part, &st) == 0 && (!S_ISREG(st.st_mode) || unlink(s->part) != 0)) /* left by a killed run */
        return fvi_error_set(err, FV_ERR_OUTPUT, "%s: is in the way and cannot be removed", s->part);
    return FV_OK;
}

fv_status fvi_media_sink_open_file(fvi_media_sink *s, fv_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    fvi_str url = {0};
    if (s->part)
        fvi_str_printf(&url, "file:%s", s->part);
    else
        fvi_str_add(&url, "pipe:1");
    s->oc->url = url.failed ? NULL : av_strdup(url.s);
    int code = s->oc->url ? avio_open2(&s->oc->pb, s->oc->url, AVIO_FLAG_WRITE, NULL, NULL) : AVERROR(ENOMEM);
    fvi_str_free(&url);
    if (code == AVERROR(ENOENT)) return fvi_error_set(err, FV_ERR_OUTPUT, "%s: the folder does not exist", s->path);
    if (code < 0) return fvi_error_set(err, FV_ERR_OUTPUT, "%s: %s", s->path, fvi_media_av_text(code, text));
    s->made_part = s->part != NULL;
    if (s->part) s->lock = open(s->part, O_RDONLY | O_CLOEXEC);
    if (s->lock >= 0) flock(s->lock, LOCK_EX | LOCK_NB); /* file systems without locks do without */
    return FV_OK;
}

fv_status fvi_media_sink_write_header(fvi_media_sink *s, fv_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    AVDictionary *opt = NULL;
    bool mov = strcmp(s->oc->oformat->name, "mp4") == 0 || strcmp(s->oc->oformat->name, "mov") == 0;
    if (mov) av_dict_set(&opt, "movflags", "+faststart", 0);
    fvi_media_log_reset();
    int code = avformat_write_header(s->oc, &opt);
    av_dict_free(&opt);
    if (code >= 0) {
        avio_flush(s->oc->pb);
        code = s->oc->pb->error;
    }
    if (code < 0)
        return fvi_error_set(err, FV_ERR_OUTPUT, "%s: the file cannot be begun: %s%s%s", s->path,
                             fvi_media_av_text(code, text), fvi_media_log_detail(),
                             s->copy.kept ? "; .mkv holds more kinds of audio and subtitles" : "");
    return FV_OK;
}

static void describe(fvi_media_sink *s)
{
    fvi_str b = {0};
    fvi_str_add(&b, s->enc->codec->name);
    if (s->enc->width != s->width || s->enc->height != s->height)
        fvi_str_printf(&b, ", padded to %dx%d", s->enc->width, s->enc->height);
    if (s->copy.kept) fvi_str_printf(&b, ", %d copied", s->copy.kept);
    if (s->copy.left_out[0]) fvi_str_printf(&b, ", without %s", s->copy.left_out);
    snprintf(s->base.encoder, sizeof s->base.encoder, "%.63s", b.failed ? s->enc->codec->name : b.s);
    fvi_str_free(&b);
}

fv_status fvi_media_sink_write_failed(const fvi_media_sink *s, int code, fv_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    if (s->oc->pb && s->oc->pb->error < 0) code = s->oc->pb->error;
    return fvi_error_set(err, FV_ERR_OUTPUT, "%s: writing failed: %s", s->path, fvi_media_av_text(code, text));
}

/* Finished packets into the file, each behind the copied packets that belong before it. */
static fv_status drain(fvi_media_sink *s, fv_error *err)
{
    for (;;) {
        int code = avcodec_receive_packet(s->enc, s->pkt);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return FV_OK;
        if (code < 0) return fvi_error_set(err, FV_ERR_OUTPUT, "%s: the encoder failed", s->path);
        AVRational base = s->enc->time_base;
        if (s->pkt->duration <= 0 && s->fps > 0) s->pkt->duration = llrint(1 / (s->fps * av_q2d(base)));
        double at = (double)s->pkt->dts * av_q2d(base);
        av_packet_rescale_ts(s->pkt, base, s->st->time_base);
        s->pkt->stream_index = s->st->index;
        code = fvi_media_copy_until(&s->copy, s->oc, at);
        if (code >= 0) code = av_interleaved_write_frame(s->oc, s->pkt);
        av_packet_unref(s->pkt);
        if (code < 0 || s->oc->pb->error < 0) return fvi_media_sink_write_failed(s, code, err);
    }
}

static fv_status send_picture(fvi_media_sink *s, AVFrame *av, fv_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    int code = avcodec_send_frame(s->enc, av);
    if (code == AVERROR(EAGAIN)) {
        FVI_TRY(drain(s, err));
        code = avcodec_send_frame(s->enc, av);
    }
    if (code < 0)
        return fvi_error_set(err, FV_ERR_OUTPUT, "%s: the encoder failed: %s", s->path, fvi_media_av_text(code, text));
    return drain(s, err);
}

static fv_status sink_write(fv_sink *base, const fv_frame *f, fv_error *err)
{
    fvi_media_sink *s = (fvi_media_sink *)base;
    if (s->finished) return fvi_error_set(err, FV_ERR_STATE, "%s: the file is finished", s->path);
    if (f->width != s->width || f->height != s->height)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "%s: a frame of %dx%d does not fit a video of %dx%d", s->path,
                             f->width, f->height, s->width, s->height);
    AVFrame *av = NULL;
    FVI_TRY(fvi_media_encoder_picture(s, f, &av, err));
    s->last_s = fmax(s->last_s, f->pts);
    return send_picture(s, av, err);
}

/* The rest of the source's audio when its video was read to the end, else as much as there is video. */
static fv_status copy_rest(fvi_media_sink *s, fv_error *err)
{
    fvi_media_origin from;
    bool all = fvi_media_video_origin(s->copy_from, &from) && from.ended;
    int code = fvi_media_copy_until(&s->copy, s->oc, all ? INFINITY : s->last_s + (s->fps > 0 ? 1 / s->fps : 0.04));
    return code < 0 ? fvi_media_sink_write_failed(s, code, err) : FV_OK;
}

static fv_status put_in_place(fvi_media_sink *s, fv_error *err)
{
    if (!s->part) return FV_OK;
    int r = s->overwrite ? rename(s->part, s->path) : renameat2(AT_FDCWD, s->part, AT_FDCWD, s->path, RENAME_NOREPLACE);
    if (r != 0 && !s->overwrite && errno != EEXIST) /* file systems without that flag */
        r = access(s->path, F_OK) == 0 ? (errno = EEXIST, -1) : rename(s->part, s->path);
    if (r != 0) return fvi_error_set(err, FV_ERR_OUTPUT, "%s: %s", s->path, strerror(errno));
    s->made_part = false;
    return FV_OK;
}

static fv_status sink_finish(fv_sink *base, fv_error *err)
{
    fvi_media_sink *s = (fvi_media_sink *)base;
    if (s->finished) return FV_OK;
    if (s->last_pts != INT64_MIN) FVI_TRY(send_picture(s, NULL, err));
    FVI_TRY(copy_rest(s, err));
    return fvi_media_sink_end(s, err);
}

fv_status fvi_media_sink_end(fvi_media_sink *s, fv_error *err)
{
    int code = av_write_trailer(s->oc);
    int closed = 0;
    if (code >= 0 && s->oc->pb->error < 0) code = s->oc->pb->error;
    closed = avio_closep(&s->oc->pb);
    if (code >= 0) code = closed;
    if (code < 0) return fvi_media_sink_write_failed(s, code, err);
    FVI_TRY(put_in_place(s, err));
    s->finished = true;
    return FV_OK;
}

static void sink_close(fv_sink *base)
{
    fvi_media_sink *s = (fvi_media_sink *)base;
    fvi_media_copy_close(&s->copy);
    for (int i = 0; i < FVI_MEDIA_SINK_FRAMES; i++) av_frame_free(&s->frames[i]);
    av_packet_free(&s->pkt);
    avcodec_free_context(&s->enc);
    if (s->oc) avio_closep(&s->oc->pb);
    avformat_free_context(s->oc);
    if (s->made_part) unlink(s->part);
    if (s->lock >= 0) close(s->lock);
    fvi_media_scaler_free(&s->scaler);
    fvi_free(s->part);
    fvi_free(s->path);
    fvi_free(s);
}

fv_status fvi_media_sink_begin(fvi_media_sink *s, fv_error *err)
{
    bool to_stdout = strcmp(s->path, "-") == 0;
    const char *muxer = to_stdout ? "matroska" : muxer_of(s->path);
    if (!muxer) return fvi_error_set(err, FV_ERR_OUTPUT, "%s: the name must end in .mp4, .mkv or .mov", s->path);
    if (to_stdout && isatty(STDOUT_FILENO))
        return fvi_error_set(err, FV_ERR_OUTPUT, "video is not written to a terminal; give a file name");
    if (!to_stdout && !(s->part = part_name(s->path))) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    if (!to_stdout) FVI_TRY(check_target(s, err));
    s->pkt = av_packet_alloc();
    if (!s->pkt || avformat_alloc_output_context2(&s->oc, NULL, muxer, NULL) < 0)
        return fvi_error_set(err, FV_ERR_OUTPUT, "%s: this FFmpeg cannot write %s files", s->path, muxer);
    return FV_OK;
}

static fv_status open_all(fvi_media_sink *s, const fv_sink_options *opt, fv_error *err)
{
    FVI_TRY(fvi_media_sink_begin(s, err));
    fvi_media_origin from;
    bool have = fvi_media_video_origin(s->copy_from, &from);
    FVI_TRY(fvi_media_encoder_open(s, opt, have ? &from : NULL, err));
    if (have) FVI_TRY(fvi_media_copy_open(&s->copy, s->oc, &from, err));
    FVI_TRY(fvi_media_sink_open_file(s, err));
    FVI_TRY(fvi_media_sink_write_header(s, err));
    describe(s);
    return FV_OK;
}

fv_status fvi_media_sink_create(fvi_media_sink **out, const char *path, bool overwrite, fv_error *err)
{
    fvi_media_sink *s = *out = fvi_calloc(1, sizeof *s);
    if (!s || !(s->path = fvi_strdup(path))) {
        fvi_free(s);
        *out = NULL;
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    }
    s->base = (fv_sink){.write = sink_write, .finish = sink_finish, .close = sink_close, .priv = s};
    s->lock = -1;
    s->overwrite = overwrite;
    s->last_pts = INT64_MIN;
    return FV_OK;
}

fv_status fvi_media_sink_open(fv_sink **out, const char *path, int width, int height, const fv_sink_options *opt,
                              fv_error *err)
{
    if (!out || !path || !path[0]) return fvi_error_set(err, FV_ERR_ARGUMENT, "no output given");
    *out = NULL;
    if (width < 1 || height < 1 || width > FVI_MEDIA_MAX_SIDE || height > FVI_MEDIA_MAX_SIDE)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "%s: a video of %dx%d cannot be written", path, width, height);
    fv_sink_options o = {0};
    FVI_TRY(fvi_options_read(&o, sizeof o, opt, "FV_SINK_OPTIONS", err));
    fvi_media_sink *s;
    FVI_TRY(fvi_media_sink_create(&s, path, o.overwrite, err));
    s->width = width;
    s->height = height;
    s->fps = isfinite(o.fps) && o.fps > 0 ? o.fps : 0;
    s->copy_from = o.copy_from;
    fv_status st = open_all(s, &o, err);
    if (st < 0) {
        sink_close(&s->base);
        return st;
    }
    *out = &s->base;
    return FV_OK;
}
