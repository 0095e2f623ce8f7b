/* video_open.c: path -> open demuxer and decoder with the first frame decoded, so that size, colour and faults are
 * known before anything else starts. Reading goes on in video_read.c. Called through the kinds of media.c. */
#include "media/video.h"
#include "base/alloc.h"
#include "base/error.h"
#include <libavutil/display.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#if LIBAVFORMAT_VERSION_MAJOR >= 59
#define FVI_CONST const
#else
#define FVI_CONST
#endif

static const int32_t *display_matrix(const AVStream *st)
{
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
    const AVPacketSideData *sd = av_packet_side_data_get(st->codecpar->coded_side_data,
                                                         st->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return sd && sd->size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)sd->data : NULL;
#else
    size_t size = 0;
    const uint8_t *p = av_stream_get_side_data(st, AV_PKT_DATA_DISPLAYMATRIX, &size);
    return p && size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)p : NULL;
#endif
}

void fvi_media_video_turn(fvi_media_video *v)
{
    const int32_t *m = display_matrix(v->st);
    if (m) v->orient = fvi_media_orient_matrix(m);
}

double fvi_media_video_fps(const fvi_media_video *v)
{
    AVFormatContext *ic = v->ic;
    AVStream *st = v->st;
    AVRational r[] = {st->avg_frame_rate, av_guess_frame_rate(ic, st, NULL), st->r_frame_rate};
    for (size_t i = 0; i < sizeof r / sizeof r[0]; i++)
        if (r[i].num > 0 && r[i].den > 0 && av_q2d(r[i]) <= 1000) return av_q2d(r[i]);
    return 0;
}

static void fill_info(fvi_media_video *v)
{
    fv_source_info *info = &v->base.info;
    info->kind = FV_SOURCE_VIDEO;
    info->fps = fvi_media_video_fps(v);
    if (v->st->duration > 0)
        info->duration_s = (double)v->st->duration * av_q2d(v->st->time_base);
    else if (v->ic->duration > 0)
        info->duration_s = (double)v->ic->duration / AV_TIME_BASE;
    if (!isfinite(info->duration_s) || info->duration_s > 1e9) info->duration_s = 0;
    info->frames = v->st->nb_frames > 0 ? v->st->nb_frames : (int64_t)(info->duration_s * info->fps + 0.5);
    fvi_media_video_name_decoder(v);
}

void fvi_media_video_name_decoder(fvi_media_video *v)
{
    fv_source_info *info = &v->base.info;
    const char *codec = avcodec_get_name(v->dec->codec_id), *by = v->dec->codec->name;
    if (strcmp(codec, by) == 0)
        snprintf(info->decoder, sizeof info->decoder, "%s", codec);
    else
        snprintf(info->decoder, sizeof info->decoder, "%s (%s)", codec, by);
}

fv_status fvi_media_video_decoder(fvi_media_video *v, int threads, bool live, fv_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    FVI_CONST AVCodec *codec = NULL;
    int i = av_find_best_stream(v->ic, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
    if (i == AVERROR_DECODER_NOT_FOUND) {
        i = av_find_best_stream(v->ic, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
        return fvi_error_set(err, FV_ERR_INPUT, "%s: this FFmpeg has no decoder for its video (%s)", v->label,
                             i >= 0 ? avcodec_get_name(v->ic->streams[i]->codecpar->codec_id) : "unknown codec");
    }
    if (i < 0 || (v->ic->streams[i]->disposition & AV_DISPOSITION_ATTACHED_PIC))
        return fvi_error_set(err, FV_ERR_INPUT, "%s: there is no video in it", v->label);
    v->st = v->ic->streams[i];
    for (unsigned k = 0; k < v->ic->nb_streams; k++)
        if ((int)k != i) v->ic->streams[k]->discard = AVDISCARD_ALL;
    v->dec = avcodec_alloc_context3(codec);
    if (!v->dec || avcodec_parameters_to_context(v->dec, v->st->codecpar) < 0)
        return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", v->label);
    v->dec->pkt_timebase = v->st->time_base;
    v->dec->thread_count = threads > 0 ? threads : 0;
    if (live) { /* threads by frames would each keep one back */
        v->dec->thread_type = FF_THREAD_SLICE;
        v->dec->flags |= AV_CODEC_FLAG_LOW_DELAY;
    }
    v->dec->max_pixels = FVI_MEDIA_MAX_PIXELS;
    fvi_media_log_reset();
    int code = avcodec_open2(v->dec, codec, NULL);
    if (code < 0)
        return fvi_error_set(err, FV_ERR_INPUT, "%s: the %s decoder does not start: %s%s", v->label, codec->name,
                             fvi_media_av_text(code, text), fvi_media_log_detail());
    return FV_OK;
}

static fv_status first_frame(fvi_media_video *v, fv_error *err)
{
    fv_error e = {0};
    fv_status st = fvi_media_video_next(v, &v->first, &e);
    if (st == FV_OK) {
        v->pending = true;
        v->base.info.width = v->first.width;
        v->base.info.height = v->first.height;
        return FV_OK;
    }
    if (st < 0) {
        if (err) *err = e;
        return st;
    }
    bool index_last = v->pipe && strncmp(v->ic->iformat->name, "mov", 3) == 0;
    if (st == FV_PARTIAL && index_last)
        return fvi_error_set(err, FV_ERR_INPUT, "%s: an MP4 with its index at the end cannot be read from a pipe; give the file itself",
                             v->base.info.name);
    if (st == FV_PARTIAL) return fvi_error_set(err, FV_ERR_INPUT, "%s", e.text);
    return fvi_error_set(err, FV_ERR_INPUT, "%s: its video has no frame that can be decoded", v->label);
}

static fv_status video_read(fv_source *s, fv_frame *f, fv_error *err)
{
    fvi_media_video *v = (fvi_media_video *)s;
    if (v->pending) {
        v->pending = false;
        *f = v->first;
        v->first = (fv_frame){0};
        return FV_OK;
    }
    return fvi_media_video_next(v, f, err);
}

void fvi_media_video_hang_up(fvi_media_video *v)
{
    avcodec_free_context(&v->dec);
    avformat_close_input(&v->ic);
    v->st = NULL;
    v->sent_all = v->cut = false;
}

void fvi_media_video_clear(fvi_media_video *v)
{
    if (v->pending) fvi_media_drop(&v->first);
    av_frame_free(&v->av);
    av_packet_free(&v->pkt);
    fvi_media_video_hang_up(v);
    fvi_media_pipe_close(&v->pipe);
    fvi_media_scaler_free(&v->scaler);
    fvi_media_pool_close(&v->pool);
    fvi_free(v->path);
    fvi_free(v->url);
    fvi_free(v->label);
}

bool fvi_media_video_init(fvi_media_video *v, const char *label)
{
    v->label = fvi_strdup(label);
    v->pool = fvi_media_pool_create();
    v->pkt = av_packet_alloc();
    v->av = av_frame_alloc();
    snprintf(v->base.info.name, sizeof v->base.info.name, "%s", label);
    return v->label && v->pool && v->pkt && v->av;
}

static void video_close(fv_source *s)
{
    fvi_media_video_clear((fvi_media_video *)s);
    fvi_free(s);
}

fv_status fvi_media_video_start(fvi_media_video *v, int threads, fv_error *err)
{
    FVI_TRY(fvi_media_video_decoder(v, threads, false, err));
    fill_info(v);
    v->clock = (fvi_media_clock){.base = v->st->time_base,
                                 .step = v->base.info.fps > 0 ? 1 / v->base.info.fps : 0.04,
                                 .jumps = v->ic->iformat->flags & AVFMT_TS_DISCONT};
    fvi_media_video_turn(v);
    return FV_OK;
}

static fv_status open_video(fvi_media_video *v, int threads, fv_error *err)
{
    FVI_TRY(fvi_media_video_start(v, threads, err));
    return first_frame(v, err);
}

static fvi_media_video *create(const char *label, const fv_source_options *opt, fv_error *err)
{
    fvi_media_video *v = fvi_calloc(1, sizeof *v);
    if (v) v->base = (fv_source){.read = video_read, .close = video_close, .priv = v};
    if (!v || !fvi_media_video_init(v, label)) {
        if (v) video_close(&v->base);
        fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", label);
        return NULL;
    }
    v->base.stopped = opt->stopped;
    v->base.stopped_user = opt->stopped_user;
    return v;
}

static fv_status finish(fv_source **out, fvi_media_video *v, fv_status st)
{
    if (st < 0)
        video_close(&v->base);
    else
        *out = &v->base;
    return st;
}

fv_status fvi_media_video_open(fv_source **out, const char *path, const fv_source_options *opt, fv_error *err)
{
    int64_t size;
    FVI_TRY(fvi_media_check_file(path, &size, err));
    fvi_media_video *v = create(strcmp(path, "-") == 0 ? "stdin" : path, opt, err);
    if (!v) return FV_ERR_MEMORY;
    fv_status st = (v->path = fvi_strdup(path)) ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", path);
    if (st == FV_OK && fvi_media_is_pipe(path)) st = fvi_media_pipe_open(&v->pipe, path, &v->base, err);
    if (st == FV_OK) st = fvi_media_demux_file(&v->ic, path, v->pipe ? fvi_media_pipe_io(v->pipe) : NULL, err);
    if (st == FV_OK) st = open_video(v, opt->threads, err);
    return finish(out, v, st);
}

const fvi_media_kind fvi_media_kind_pipe = {"pipe", false, fvi_media_is_pipe, fvi_media_video_open};

static int was_stopped(void *video) { return fvi_media_stopped(video); }

fv_status fvi_media_video_open_at(fv_source **out, const fvi_media_demux *d, const fv_source_options *opt, fv_error *err)
{
    fvi_media_video *v = create(d->label, opt, err);
    if (!v) return FV_ERR_MEMORY;
    v->guard = *d;
    v->guard.url = v->url = fvi_strdup(d->url);
    v->guard.label = v->label;
    v->guard.interrupt = (AVIOInterruptCB){was_stopped, v};
    fv_status st = v->url ? fvi_media_demux_open(&v->ic, &v->guard, NULL, err) : FV_ERR_MEMORY;
    v->guard.options = NULL; /* the caller's */
    if (st == FV_OK) st = open_video(v, opt->threads, err);
    return finish(out, v, st);
}

bool fvi_media_video_origin(const fv_source *s, fvi_media_origin *o)
{
    if (!s || s->close != video_close) return false;
    const fvi_media_video *v = (const fvi_media_video *)s;
    if (v->pipe || !v->path) return false;
    *o = (fvi_media_origin){.path = v->path,
                            .stream = v->st->index,
                            .time_base = v->st->time_base,
                            .start_s = v->start_s,
                            .ended = atomic_load(&v->ended),
                            .matrix = v->matrix,
                            .range = v->range,
                            .primaries = v->primaries,
                            .trc = v->trc};
    return true;
}
