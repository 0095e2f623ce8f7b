/* sink_encoder.c: which encoder, with which settings, and frames -> pictures it takes. Called by sink.c. */
#include "media/sink.h"
#include "base/error.h"
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_CODEC "libx264"
#define DEFAULT_PRESET "veryfast"
#define DEFAULT_CRF 23
#define FINE_TICKS 10000 /* a time base at least as fine as this leaves room between frames */
#define MAX_TICKS 1000000

/* The source's own ticks, made finer where they are coarse, so that its stamps are kept exactly. */
static AVRational pick_time_base(const fvi_media_origin *from, double fps)
{
    int den = 0;
    if (from) den = from->time_base.den;
    if (!from && fps > 0) den = av_d2q(fps, 1001000).num;
    if (den < 1 || den > MAX_TICKS) return (AVRational){1, 90000};
    return (AVRational){1, den * (den < FINE_TICKS ? (FINE_TICKS + den - 1) / den : 1)};
}

static const enum AVPixelFormat *supported_formats(const AVCodec *codec)
{
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 13, 100)
    const void *list = NULL;
    avcodec_get_supported_config(NULL, codec, AV_CODEC_CONFIG_PIX_FORMAT, 0, &list, NULL);
    return list;
#else
    return codec->pix_fmts;
#endif
}

static fv_status pick_format(const AVCodec *codec, const char *name, enum AVPixelFormat *out, fv_error *err)
{
    const enum AVPixelFormat *list = supported_formats(codec);
    const char *usual = codec->id == AV_CODEC_ID_MJPEG ? "yuvj420p" : "yuv420p"; /* JPEG is full range */
    enum AVPixelFormat want = av_get_pix_fmt(name ? name : usual);
    if (want == AV_PIX_FMT_NONE) return fvi_error_set(err, FV_ERR_CONFIG, "pixel format '%s' does not exist", name);
    *out = want;
    if (!list)
        return sws_isSupportedOutput(want)
                   ? FV_OK
                   : fvi_error_set(err, FV_ERR_CONFIG, "pixel format '%s' cannot be made", name);
    for (const enum AVPixelFormat *p = list; *p != AV_PIX_FMT_NONE; p++)
        if (*p == want && sws_isSupportedOutput(want)) return FV_OK;
    if (name) return fvi_error_set(err, FV_ERR_CONFIG, "encoder %s does not take pixel format '%s'", codec->name, name);
    *out = avcodec_find_best_pix_fmt_of_list(list, want, 0, NULL);
    if (*out == AV_PIX_FMT_NONE || !sws_isSupportedOutput(*out))
        return fvi_error_set(err, FV_ERR_CONFIG, "encoder %s takes no pixel format that fovea can make", codec->name);
    return FV_OK;
}

static void tag_colour(fvi_media_sink *s, const fvi_media_origin *from)
{
    AVCodecContext *e = s->enc;
    bool j =
        e->pix_fmt == AV_PIX_FMT_YUVJ420P || e->pix_fmt == AV_PIX_FMT_YUVJ422P || e->pix_fmt == AV_PIX_FMT_YUVJ444P;
    s->matrix = from ? from->matrix : s->height < 720 ? FV_COLOR_BT601 : FV_COLOR_BT709;
    s->range = j || (from && from->range == FV_RANGE_FULL) ? FV_RANGE_FULL : FV_RANGE_LIMITED;
    e->color_range = s->range == FV_RANGE_FULL ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    if (av_pix_fmt_desc_get(e->pix_fmt)->flags & AV_PIX_FMT_FLAG_RGB) {
        e->colorspace = AVCOL_SPC_RGB;
        e->color_range = AVCOL_RANGE_JPEG;
        return;
    }
    switch (s->matrix) {
    case FV_COLOR_BT709:
        e->colorspace = AVCOL_SPC_BT709;
        e->color_primaries = AVCOL_PRI_BT709;
        e->color_trc = AVCOL_TRC_BT709;
        break;
    case FV_COLOR_BT2020:
        e->colorspace = AVCOL_SPC_BT2020_NCL;
        e->color_primaries = AVCOL_PRI_BT2020;
        e->color_trc = AVCOL_TRC_BT2020_10;
        break;
    default:
        e->colorspace = AVCOL_SPC_SMPTE170M;
        e->color_primaries = s->height == 576 ? AVCOL_PRI_BT470BG : AVCOL_PRI_SMPTE170M;
        e->color_trc = AVCOL_TRC_SMPTE170M;
        break;
    }
    if (from && from->primaries != AVCOL_PRI_UNSPECIFIED && from->primaries != AVCOL_PRI_RESERVED0)
        e->color_primaries = from->primaries;
    if (from && from->trc != AVCOL_TRC_UNSPECIFIED && from->trc != AVCOL_TRC_RESERVED0) e->color_trc = from->trc;
}

/* x264 prints to stderr about a preset that it does not know, before anybody can stop it: it must not see one. */
static bool x264_knows(const char *preset)
{
    static const char *const names[] = {"ultrafast", "superfast", "veryfast", "faster",   "fast",
                                        "medium",    "slow",      "slower",   "veryslow", "placebo"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(preset, names[i]) == 0) return true;
    return preset[0] >= '0' && preset[0] <= '9' && !preset[1];
}

fv_status fvi_media_set_preset(AVCodecContext *e, const char *asked, fv_error *err)
{
    const char *name = e->codec->name;
    const bool x26 = strcmp(name, "libx264") == 0 || strcmp(name, "libx265") == 0;
    const char *preset = asked ? asked : x26 ? DEFAULT_PRESET : NULL;
    const bool known = strncmp(name, "libx264", 7) != 0 || !preset || x264_knows(preset);
    if (preset && (!known || !e->priv_data || av_opt_set(e->priv_data, "preset", preset, 0) < 0))
        return fvi_error_set(err, FV_ERR_CONFIG, "encoder %s has no preset '%s'", name, preset);
    return FV_OK;
}

/* Quality and speed. A setting that was asked for and does not exist is an error; our own defaults are not forced on.
 */
static fv_status set_quality(fvi_media_sink *s, const fv_sink_options *opt, fv_error *err)
{
    AVCodecContext *e = s->enc;
    const char *name = e->codec->name;
    bool nvenc = strstr(name, "nvenc") != NULL;
    const char *key = nvenc ? "cq" : "crf";
    int crf = opt->crf > 0 ? opt->crf : DEFAULT_CRF;
    if (e->priv_data && av_opt_set_int(e->priv_data, key, crf, 0) >= 0) {
        if (strncmp(name, "libvpx", 6) == 0 || nvenc) e->bit_rate = 0; /* constant quality, not bounded */
    } else if (opt->crf > 0) {
        return fvi_error_set(err, FV_ERR_CONFIG, "encoder %s has no crf %d", name, opt->crf);
    } else {
        e->bit_rate = (int64_t)(0.12 * s->width * s->height * (s->fps > 0 ? s->fps : 25)) + 200000;
    }
    return fvi_media_set_preset(e, opt->preset, err);
}

static fv_status find_codec(const fvi_media_sink *s, const char *name, const AVCodec **out, fv_error *err)
{
    const AVCodec *c = avcodec_find_encoder_by_name(name ? name : DEFAULT_CODEC);
    if (!c && !name)
        return fvi_error_set(err, FV_ERR_CONFIG,
                             "this FFmpeg has no " DEFAULT_CODEC " encoder; name another one with --c:v");
    if (!c || c->type != AVMEDIA_TYPE_VIDEO)
        return fvi_error_set(err, FV_ERR_CONFIG,
                             "'%s' is not a video encoder of this FFmpeg ('ffmpeg -encoders' lists them)", name);
    if (avformat_query_codec(s->oc->oformat, c->id, FF_COMPLIANCE_NORMAL) == 0)
        return fvi_error_set(err, FV_ERR_CONFIG, "a %s file cannot hold %s video", s->oc->oformat->name,
                             avcodec_get_name(c->id));
    *out = c;
    return FV_OK;
}

static fv_status start(fvi_media_sink *s, const AVCodec *codec, fv_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    fvi_media_log_reset();
    int code = avcodec_open2(s->enc, codec, NULL);
    if (code < 0)
        return fvi_error_set(err, FV_ERR_CONFIG, "encoder %s does not start at %dx%d: %s%s", codec->name, s->enc->width,
                             s->enc->height, fvi_media_av_text(code, text), fvi_media_log_detail());
    if (avcodec_parameters_from_context(s->st->codecpar, s->enc) < 0)
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    s->st->time_base = s->enc->time_base;
    s->st->avg_frame_rate = s->enc->framerate;
    s->st->sample_aspect_ratio = s->enc->sample_aspect_ratio;
    bool mov = strcmp(s->oc->oformat->name, "mp4") == 0 || strcmp(s->oc->oformat->name, "mov") == 0;
    if (codec->id == AV_CODEC_ID_HEVC && mov)
        s->st->codecpar->codec_tag = MKTAG('h', 'v', 'c', '1'); /* what other players ask for */
    return FV_OK;
}

fv_status fvi_media_encoder_open(fvi_media_sink *s, const fv_sink_options *opt, const fvi_media_origin *from,
                                 fv_error *err)
{
    const AVCodec *codec = NULL;
    enum AVPixelFormat format = AV_PIX_FMT_NONE;
    FVI_TRY(find_codec(s, opt->codec, &codec, err));
    FVI_TRY(pick_format(codec, opt->pix_fmt, &format, err));
    s->enc = avcodec_alloc_context3(codec);
    s->st = avformat_new_stream(s->oc, NULL);
    if (!s->enc || !s->st) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    AVCodecContext *e = s->enc;
    e->width = d->log2_chroma_w ? (s->width + 1) & ~1 : s->width;
    e->height = d->log2_chroma_h ? (s->height + 1) & ~1 : s->height;
    e->pix_fmt = format;
    e->sample_aspect_ratio = (AVRational){1, 1};
    e->time_base = pick_time_base(from, s->fps);
    if (codec->id == AV_CODEC_ID_MPEG4 && e->time_base.den > 65535)
        e->time_base.den = 60000; /* 16 bits in its header */
    e->framerate = av_d2q(s->fps > 0 ? s->fps : 25, 1001000);
    if (strcmp(s->oc->oformat->name, "avi") == 0)
        e->time_base = av_inv_q(e->framerate); /* frames are numbered there, not timed */
    e->thread_count = opt->threads > 0 ? opt->threads : 0;
    if (s->oc->oformat->flags & AVFMT_GLOBALHEADER) e->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    e->chroma_sample_location = AVCHROMA_LOC_LEFT;
    tag_colour(s, from);
    FVI_TRY(set_quality(s, opt, err));
    return start(s, codec, err);
}

/* A picture that no encoder thread holds any more; new ones are made in the first moments only. */
static AVFrame *free_picture(fvi_media_sink *s)
{
    for (int i = 0; i < FVI_MEDIA_SINK_FRAMES; i++) {
        AVFrame *av = s->frames[i];
        if (av && av_frame_is_writable(av)) return av;
        if (av) continue;
        if (!(av = s->frames[i] = av_frame_alloc())) return NULL;
        av->width = s->enc->width;
        av->height = s->enc->height;
        av->format = s->enc->pix_fmt;
        if (av_frame_get_buffer(av, 0) < 0) {
            av_frame_free(&s->frames[i]);
            return NULL;
        }
        return av;
    }
    /* an encoder that keeps more than we have: give it a picture of its own */
    return av_frame_make_writable(s->frames[0]) < 0 ? NULL : s->frames[0];
}

/* Edge pixels fill the column and row that even sizes need. Chroma of odd sizes is rounded up already. */
static void pad_even(const fvi_media_sink *s, AVFrame *av)
{
    if (av->width == s->width && av->height == s->height) return;
    uint8_t *p = av->data[0];
    ptrdiff_t stride = av->linesize[0];
    int bytes = av_pix_fmt_desc_get(av->format)->comp[0].step;
    if (av->width > s->width)
        for (int y = 0; y < s->height; y++)
            memcpy(p + y * stride + s->width * bytes, p + y * stride + (s->width - 1) * bytes, (size_t)bytes);
    if (av->height > s->height)
        memcpy(p + s->height * stride, p + (s->height - 1) * stride, (size_t)av->width * (size_t)bytes);
}

static void copy_planes(AVFrame *av, const fv_frame *f)
{
    for (int i = 0; i < 3; i++) {
        int rows, bytes;
        fvi_media_plane_size(f->format, f->width, f->height, i, &rows, &bytes);
        for (int y = 0; y < rows; y++)
            memcpy(av->data[i] + (ptrdiff_t)y * av->linesize[i], f->plane[i] + y * f->stride[i], (size_t)bytes);
    }
}

fv_status fvi_media_encoder_picture(fvi_media_sink *s, const fv_frame *f, AVFrame **out, fv_error *err)
{
    AVFrame *av = free_picture(s);
    if (!av) return fvi_error_set(err, FV_ERR_MEMORY, "%s: no memory for a picture", s->path);
    fvi_media_image from, to;
    fvi_media_image_of_frame(f, &from);
    fvi_media_image_of_av(av, &to);
    to.width = s->width;
    to.height = s->height;
    to.matrix = s->matrix;
    to.full = s->range == FV_RANGE_FULL;
    to.left = true;
    if (f->format == FV_PIXEL_GRAY) from.matrix = to.matrix;
    if (from.format == to.format && from.matrix == to.matrix && from.full == to.full) {
        copy_planes(av, f);
    } else {
        fv_status st = fvi_media_scale(&s->scaler, &from, &to);
        if (st < 0)
            return fvi_error_set(err, st, "%s: a %dx%d frame cannot be converted for the encoder", s->path, f->width,
                                 f->height);
    }
    pad_even(s, av);
    int64_t pts = llrint(f->pts / av_q2d(s->enc->time_base));
    if (pts <= s->last_pts) pts = s->last_pts + 1;
    s->last_pts = av->pts = pts;
    av->pict_type = AV_PICTURE_TYPE_NONE;
    *out = av;
    return FV_OK;
}
