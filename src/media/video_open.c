/* video_open.c: path -> open demuxer and decoder with the first frame decoded, so that size, colour and faults are
 * known before anything else starts. Reading goes on in video_read.c. Called by media.c and (demuxer only) by the sink.
 */
#include "media/video.h"
#include "base/alloc.h"
#include "base/error.h"
#include <libavutil/avstring.h>
#include <libavutil/display.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Demuxers that may run. Not in it on purpose: playlists and anything that opens other files (hls, dash, concat), and
 * those that take any text for a picture (tty, ansi). */
#define FORMATS                                                                                                        \
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ivf,h264,hevc,obu,av1,m4v,mjpeg,gif,"     \
    "apng,ogg,"                                                                                                        \
    "yuv4mpegpipe,nut,mxf,pmp,dv,rm,wtv,h261,h263,vc1,nsv,nuv,swf,bink,smk,avif,ico,mp3,wav,flac,aac,ac3,eac3,caf"
/* Pictures in files are read by picture.c; from a pipe they come through here. */
#define PIPE_FORMATS FORMATS ",jpeg_pipe,png_pipe,bmp_pipe,tiff_pipe,webp_pipe,ppm_pipe,pgm_pipe"

#if LIBAVFORMAT_VERSION_MAJOR >= 59
#define FVI_CONST const
#else
#define FVI_CONST
#endif

/* FFmpeg opens files through this: the one that was asked for and nothing it refers to. */
static int open_only_this(AVFormatContext *s, AVIOContext **pb, const char *url, int flags, AVDictionary **options)
{
    if (s->opaque == NULL || strcmp(url, s->opaque) != 0 || (flags & AVIO_FLAG_WRITE)) return AVERROR(EPERM);
    return avio_open2(pb, url, flags, &s->interrupt_callback, options);
}

static char *media_url(const char *path)
{
    if (strcmp(path, "-") == 0) return av_strdup("pipe:0");
    return av_asprintf("file:%s", path); /* the prefix keeps names like "concat:x" from meaning anything */
}

fv_status fvi_media_demux_open(AVFormatContext **out, const char *path, AVIOContext *pipe, fv_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    *out = NULL;
    char *url = media_url(path);
    AVFormatContext *ic = avformat_alloc_context();
    AVDictionary *opt = NULL;
    av_dict_set(&opt, "protocol_whitelist", FVI_MEDIA_PROTOCOLS, 0);
    av_dict_set(&opt, "format_whitelist", pipe ? PIPE_FORMATS : FORMATS, 0);
    int code = AVERROR(ENOMEM);
    fvi_media_log_reset();
    if (url && ic) {
        ic->opaque = url;
        ic->io_open = open_only_this;
        ic->pb = pipe;
        code = avformat_open_input(&ic, url, NULL, &opt); /* frees ic when it fails */
        if (code >= 0) code = avformat_find_stream_info(ic, NULL);
    }
    av_dict_free(&opt);
    if (code < 0) {
        int64_t missing = pipe ? 0 : fvi_media_missing_bytes(path);
        if (missing > 0)
            fvi_error_set(err, FV_ERR_INPUT, "%s: the file is cut short and cannot be read: %lld bytes are missing%s",
                          path, (long long)missing, fvi_media_log_detail());
        else if (code == AVERROR_INVALIDDATA || code == AVERROR(EINVAL) || code == AVERROR_EOF)
            fvi_error_set(err, FV_ERR_INPUT,
                          "%s: not a video or picture that can be read, or its beginning is damaged%s", path,
                          fvi_media_log_detail());
        else
            fvi_error_set(err, FV_ERR_INPUT, "%s: %s%s", path, fvi_media_av_text(code, text), fvi_media_log_detail());
        if (ic) avformat_close_input(&ic);
        av_free(url);
        return FV_ERR_INPUT;
    }
    ic->opaque = NULL; /* nothing is opened from here on */
    av_free(url);
    *out = ic;
    return FV_OK;
}

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

static double nominal_fps(AVFormatContext *ic, AVStream *st)
{
    AVRational r[] = {st->avg_frame_rate, av_guess_frame_rate(ic, st, NULL), st->r_frame_rate};
    for (size_t i = 0; i < sizeof r / sizeof r[0]; i++)
        if (r[i].num > 0 && r[i].den > 0 && av_q2d(r[i]) <= 1000) return av_q2d(r[i]);
    return 0;
}

static void fill_info(fvi_media_video *v)
{
    fv_source_info *info = &v->base.info;
    info->kind = FV_SOURCE_VIDEO;
    info->fps = nominal_fps(v->ic, v->st);
    if (v->st->duration > 0)
        info->duration_s = (double)v->st->duration * av_q2d(v->st->time_base);
    else if (v->ic->duration > 0)
        info->duration_s = (double)v->ic->duration / AV_TIME_BASE;
    if (!isfinite(info->duration_s) || info->duration_s > 1e9) info->duration_s = 0;
    info->frames = v->st->nb_frames > 0 ? v->st->nb_frames : (int64_t)(info->duration_s * info->fps + 0.5);
    snprintf(info->name, sizeof info->name, "%s", strcmp(v->path, "-") == 0 ? "stdin" : v->path);
    const char *codec = avcodec_get_name(v->dec->codec_id), *by = v->dec->codec->name;
    if (strcmp(codec, by) == 0)
        snprintf(info->decoder, sizeof info->decoder, "%s", codec);
    else
        snprintf(info->decoder, sizeof info->decoder, "%s (%s)", codec, by);
}

static fv_status open_decoder(fvi_media_video *v, int threads, fv_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    FVI_CONST AVCodec *codec = NULL;
    int i = av_find_best_stream(v->ic, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
    if (i == AVERROR_DECODER_NOT_FOUND) {
        i = av_find_best_stream(v->ic, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
        return fvi_error_set(err, FV_ERR_INPUT, "%s: this FFmpeg has no decoder for its video (%s)", v->path,
                             i >= 0 ? avcodec_get_name(v->ic->streams[i]->codecpar->codec_id) : "unknown codec");
    }
    if (i < 0 || (v->ic->streams[i]->disposition & AV_DISPOSITION_ATTACHED_PIC))
        return fvi_error_set(err, FV_ERR_INPUT, "%s: the file has no video in it", v->path);
    v->st = v->ic->streams[i];
    for (unsigned k = 0; k < v->ic->nb_streams; k++)
        if ((int)k != i) v->ic->streams[k]->discard = AVDISCARD_ALL;
    v->dec = avcodec_alloc_context3(codec);
    if (!v->dec || avcodec_parameters_to_context(v->dec, v->st->codecpar) < 0)
        return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", v->path);
    v->dec->pkt_timebase = v->st->time_base;
    v->dec->thread_count = threads > 0 ? threads : 0;
    v->dec->max_pixels = FVI_MEDIA_MAX_PIXELS;
    fvi_media_log_reset();
    int code = avcodec_open2(v->dec, codec, NULL);
    if (code < 0)
        return fvi_error_set(err, FV_ERR_INPUT, "%s: the %s decoder does not start: %s%s", v->path, codec->name,
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
    return fvi_error_set(err, FV_ERR_INPUT, "%s: its video has no frame that can be decoded", v->path);
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

static void video_close(fv_source *s)
{
    fvi_media_video *v = (fvi_media_video *)s;
    if (v->pending) fvi_media_drop(&v->first);
    av_frame_free(&v->av);
    av_packet_free(&v->pkt);
    avcodec_free_context(&v->dec);
    avformat_close_input(&v->ic);
    fvi_media_pipe_close(&v->pipe);
    fvi_media_scaler_free(&v->scaler);
    fvi_media_pool_close(&v->pool);
    fvi_free(v->path);
    fvi_free(v);
}

static fv_status open_video(fvi_media_video *v, int threads, fv_error *err)
{
    if (fvi_media_is_pipe(v->path)) FVI_TRY(fvi_media_pipe_open(&v->pipe, v->path, &v->base, err));
    FVI_TRY(fvi_media_demux_open(&v->ic, v->path, v->pipe ? fvi_media_pipe_io(v->pipe) : NULL, err));
    FVI_TRY(open_decoder(v, threads, err));
    fill_info(v);
    v->clock = (fvi_media_clock){.base = v->st->time_base,
                                 .step = v->base.info.fps > 0 ? 1 / v->base.info.fps : 0.04,
                                 .jumps = v->ic->iformat->flags & AVFMT_TS_DISCONT};
    const int32_t *m = display_matrix(v->st);
    if (m) v->orient = fvi_media_orient_matrix(m);
    return first_frame(v, err);
}

fv_status fvi_media_video_open(fv_source **out, const char *path, int threads, fv_error *err)
{
    fvi_media_video *v = fvi_calloc(1, sizeof *v);
    if (!v) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", path);
    v->base = (fv_source){.read = video_read, .close = video_close, .priv = v};
    v->path = fvi_strdup(path);
    v->pool = fvi_media_pool_create();
    v->pkt = av_packet_alloc();
    v->av = av_frame_alloc();
    fv_status st = FV_ERR_MEMORY;
    if (v->path && v->pool && v->pkt && v->av)
        st = open_video(v, threads, err);
    else
        fvi_error_set(err, st, "%s: out of memory", path);
    if (st < 0) {
        video_close(&v->base);
        return st;
    }
    *out = &v->base;
    return FV_OK;
}

bool fvi_media_video_origin(const fv_source *s, fvi_media_origin *o)
{
    if (!s || s->close != video_close) return false;
    const fvi_media_video *v = (const fvi_media_video *)s;
    if (v->pipe) return false;
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
