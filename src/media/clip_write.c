/* clip_write.c: frames of a clip -> segments, each from an encoder of its own, so that a segment depends on its frames and the settings
 * alone: after a kill the same packets come again. Called through fv_media_api.clip. */
#include "media/clip.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <stdio.h>
#include <string.h>

#define MAX_TICKS 1000000
#define THREADS 2

/* Encoders to try, best first, for a source's codec. */
static const char *const *encoders_for(enum AVCodecID id, bool automatic)
{
    static const char *const h264[] = {"libx264", NULL}, *const h264_any[] = {"h264_nvenc", "libx264", NULL};
    static const char *const hevc[] = {"libx265", "libx264", NULL}, *const hevc_any[] = {"hevc_nvenc", "libx265", "libx264", NULL};
    static const char *const vp9[] = {"libvpx-vp9", "libx264", NULL}, *const av1[] = {"libsvtav1", "libx264", NULL};
    switch (id) {
    case AV_CODEC_ID_HEVC: return automatic ? hevc_any : hevc;
    case AV_CODEC_ID_VP8:
    case AV_CODEC_ID_VP9: return automatic ? h264_any : vp9;
    case AV_CODEC_ID_AV1: return automatic ? h264_any : av1;
    default: return automatic ? h264_any : h264;
    }
}

static int default_crf(const char *name)
{
    if (strstr(name, "nvenc")) return 19;
    if (strcmp(name, "libx265") == 0) return 20;
    return strncmp(name, "libvpx", 6) == 0 || strcmp(name, "libsvtav1") == 0 ? 28 : 18;
}

static fv_status set_quality(const fv_clip_writer *w, AVCodecContext *e, fv_error *err)
{
    const char *name = e->codec->name;
    const bool nvenc = strstr(name, "nvenc") != NULL;
    const int crf = w->opt.crf > 0 ? w->opt.crf : default_crf(name);
    if (!e->priv_data || av_opt_set_int(e->priv_data, nvenc ? "cq" : "crf", crf, 0) < 0) {
        if (w->opt.crf > 0) return fvi_error_set(err, FV_ERR_CONFIG, "encoder %s has no crf %d", name, crf);
        e->bit_rate = (int64_t)(0.2 * e->width * e->height * (w->rate.den ? av_q2d(w->rate) : 25)) + 200000;
    }
    if (nvenc) {
        av_opt_set(e->priv_data, "tune", "hq", 0);
        av_opt_set(e->priv_data, "rc", "vbr", 0);
    }
    if (strcmp(name, "libx265") == 0) av_opt_set(e->priv_data, "x265-params", "log-level=error:open-gop=0:frame-threads=1", 0);
    if (strcmp(name, "libvpx-vp9") == 0) av_opt_set_int(e->priv_data, "row-mt", 1, 0);
    return fvi_media_set_preset(e, w->preset, err);
}

static void keep_tags(const fv_clip *c, AVCodecContext *e)
{
    const AVFrame *av = c->first;
    e->color_range = av->color_range;
    e->color_primaries = av->color_primaries;
    e->color_trc = av->color_trc;
    e->colorspace = av->colorspace;
    e->chroma_sample_location = av->chroma_location;
    const AVRational sar = av_guess_sample_aspect_ratio(c->v.ic, c->v.st, (AVFrame *)(uintptr_t)av);
    e->sample_aspect_ratio = sar.num > 0 && sar.den > 0 ? sar : (AVRational){0, 1};
    if (c->info.interlaced) e->flags |= AV_CODEC_FLAG_INTERLACED_DCT;
}

static fv_status start_encoder(fv_clip_writer *w, const AVCodec *codec, AVCodecContext **out, fv_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    fv_clip *c = w->clip;
    AVCodecContext *e = *out = avcodec_alloc_context3(codec);
    if (!e) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    e->width = c->even_w;
    e->height = c->even_h;
    e->pix_fmt = c->first->format;
    e->time_base = w->base;
    e->framerate = w->rate;
    e->thread_count = w->opt.threads > 0 ? w->opt.threads : THREADS;
    e->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_CLOSED_GOP;
    e->profile = FF_PROFILE_UNKNOWN;
    keep_tags(c, e);
    fv_status st = set_quality(w, e, err);
    fvi_media_log_reset();
    const int code = st < 0 ? 0 : avcodec_open2(e, codec, NULL);
    if (code < 0) {
        const char *format = av_get_pix_fmt_name(e->pix_fmt);
        st = fvi_error_set(err, FV_ERR_CONFIG, "encoder %s does not start with %dx%d %s: %s%s", codec->name, e->width, e->height, format ? format : "", fvi_media_av_text(code, text),
                           fvi_media_log_detail());
    }
    if (st < 0) avcodec_free_context(out);
    return st;
}

/* The encoder once, for its name and what the container has to know. */
static fv_status try_encoder(fv_clip_writer *w, const char *name, fv_error *err)
{
    AVCodecContext *e = NULL;
    const AVCodec *codec = avcodec_find_encoder_by_name(name);
    if (!codec || codec->type != AVMEDIA_TYPE_VIDEO)
        return fvi_error_set(err, FV_ERR_CONFIG, "'%s' is not a video encoder of this FFmpeg ('ffmpeg -encoders' lists them)", name);
    FVI_TRY(start_encoder(w, codec, &e, err));
    w->par = avcodec_parameters_alloc();
    const fv_status st = w->par && avcodec_parameters_from_context(w->par, e) >= 0 ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    w->enc = codec;
    w->delay = e->has_b_frames;
    avcodec_free_context(&e);
    return st;
}

static fv_status choose_encoder(fv_clip_writer *w, fv_error *err)
{
    fv_error why = {0};
    fv_status st = FV_ERR_CONFIG;
    char failed[100] = "";
    const bool automatic = w->codec && strcmp(w->codec, "auto") == 0;
    if (w->codec && !automatic) {
        st = try_encoder(w, w->codec, &why);
        if (st < 0 && strstr(w->codec, "nvenc")) { /* asked for, but not here */
            snprintf(failed, sizeof failed, " (%.40s does not work here)", w->codec);
            st = try_encoder(w, "libx264", &why);
        }
    } else {
        const char *const *names = encoders_for(w->clip->v.dec->codec_id, automatic);
        for (; *names && st < 0; names++) {
            st = try_encoder(w, *names, &why);
            if (st < 0 && !failed[0]) snprintf(failed, sizeof failed, " (%.40s does not work here)", *names);
        }
    }
    if (st < 0) {
        if (err) *err = why;
        return st;
    }
    snprintf(w->text, sizeof w->text, "%s, crf %d%s%s", w->enc->name, w->opt.crf > 0 ? w->opt.crf : default_crf(w->enc->name),
             w->clip->even_w != w->clip->info.width || w->clip->even_h != w->clip->info.height ? ", padded to even sides" : "", failed);
    return FV_OK;
}

void fvi_media_clip_writer_close(fv_clip_writer **out)
{
    fv_clip_writer *w = *out;
    if (!w) return;
    fvi_media_segment_close(&w->seg);
    avcodec_free_context(&w->ctx);
    avcodec_parameters_free(&w->par);
    av_packet_free(&w->pkt);
    fvi_free(w->path);
    fvi_free(w->codec);
    fvi_free(w->preset);
    FVI_FREE(*out);
}

fv_status fvi_media_clip_writer_open(fv_clip_writer **out, fv_clip *c, const char *path, const fv_clip_options *opt, fv_error *err)
{
    *out = NULL;
    if (!path || !path[0]) return fvi_error_set(err, FV_ERR_ARGUMENT, "no output given");
    fv_clip_options o = {.size = sizeof o};
    FVI_TRY(fvi_options_read(&o, sizeof o, opt, "fv_clip_options", err));
    fv_clip_writer *w = fvi_calloc(1, sizeof *w);
    if (!w) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    w->clip = c;
    w->opt = o;
    w->base = c->v.st->time_base;
    if (w->base.num != 1 || w->base.den < 1 || w->base.den > MAX_TICKS) w->base = (AVRational){1, 90000};
    w->rate = av_d2q(c->info.fps > 0 ? c->info.fps : 25, 1001000);
    bool ok = (w->path = fvi_strdup(path)) && (w->pkt = av_packet_alloc());
    if (o.codec) ok = ok && (w->codec = fvi_strdup(o.codec));
    if (o.preset) ok = ok && (w->preset = fvi_strdup(o.preset));
    fv_status st = ok ? fvi_media_clip_check_output(w, err) : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    if (st == FV_OK) st = choose_encoder(w, err);
    if (st < 0)
        fvi_media_clip_writer_close(&w);
    else
        *out = w;
    return st;
}

const char *fvi_media_clip_writer_text(const fv_clip_writer *w) { return w->text; }

fv_status fvi_media_clip_begin(fv_clip_writer *w, const char *path, fv_error *err)
{
    FVI_TRY(start_encoder(w, w->enc, &w->ctx, err));
    return fvi_media_segment_create(&w->seg, path, err);
}

static fv_status send(fv_clip_writer *w, AVFrame *av, fv_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    int code = avcodec_send_frame(w->ctx, av);
    while (code >= 0) {
        code = avcodec_receive_packet(w->ctx, w->pkt);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return FV_OK;
        if (code < 0) break;
        if (w->pkt->duration <= 0) w->pkt->duration = av_rescale_q(1, av_inv_q(w->rate), w->base);
        const fv_status st = fvi_media_segment_put(w->seg, w->pkt, err);
        av_packet_unref(w->pkt);
        if (st < 0) return st;
    }
    return fvi_error_set(err, FV_ERR_OUTPUT, "%s: the encoder failed: %s", w->path, fvi_media_av_text(code, text));
}

fv_status fvi_media_clip_write(fv_clip_writer *w, const fv_clip_frame *f, fv_error *err)
{
    AVFrame *av = f->held;
    if (!w->ctx || !av) return fvi_error_set(err, FV_ERR_STATE, "no segment was begun");
    const int64_t stamp = av->pts;
    void *held = av->opaque;
    av->pts = av_rescale_q(stamp, w->clip->v.st->time_base, w->base);
    const fv_status st = send(w, av, err);
    av->pts = stamp;
    av->opaque = held;
    return st;
}

fv_status fvi_media_clip_end(fv_clip_writer *w, fv_error *err)
{
    if (!w->ctx) return fvi_error_set(err, FV_ERR_STATE, "no segment was begun");
    fv_status st = send(w, NULL, err);
    if (st == FV_OK) st = fvi_media_segment_finish(w->seg, err);
    avcodec_free_context(&w->ctx);
    fvi_media_segment_close(&w->seg);
    return st;
}
