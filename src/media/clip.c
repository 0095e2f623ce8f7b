/* clip.c: the pictures of a file as they are coded, in memory of our own, with the stamps they have. Called through fv_media_api.clip. */
#include "media/clip.h"
#include "base/alloc.h"
#include "base/error.h"
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <stdio.h>
#include <string.h>

static bool planar_yuv(enum AVPixelFormat format)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    if (!d || (d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BITSTREAM)))
        return false;
    const int depth = d->comp[0].depth;
    if (depth < 8 || depth > 16 || d->comp[0].shift || (d->nb_components != 1 && d->nb_components != 3)) return false;
    for (int i = 0; i < d->nb_components; i++)
        if (d->comp[i].plane != i || d->comp[i].depth != depth || d->comp[i].step != (depth > 8 ? 2 : 1)) return false;
    return d->log2_chroma_w <= 1 && d->log2_chroma_h <= 1;
}

static fv_status settle(fv_clip *c, fv_error *err)
{
    const AVFrame *av = c->first;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(av->format);
    if (!planar_yuv(av->format))
        return fvi_error_set(err, FV_ERR_INPUT, "%s: its pixels (%s) are not planar YUV; convert it first, for instance with ffmpeg -pix_fmt yuv444p", c->v.label,
                             d ? d->name : "unknown");
    if (av->width < 16 || av->height < 16) return fvi_error_set(err, FV_ERR_LIMIT, "%s: %dx%d is too small", c->v.label, av->width, av->height);
    fv_clip_info *i = &c->info;
    *i = (fv_clip_info){.width = av->width, .height = av->height, .planes = d->nb_components, .sx = d->log2_chroma_w, .sy = d->log2_chroma_h,
                        .depth = d->comp[0].depth, .fps = c->v.base.info.fps, .duration_s = c->v.base.info.duration_s, .frames = c->v.base.info.frames};
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
    i->interlaced = (av->flags & AV_FRAME_FLAG_INTERLACED) != 0;
#else
    i->interlaced = av->interlaced_frame;
#endif
    i->flip_x = c->v.orient.flip_x;
    i->flip_y = c->v.orient.flip_y;
    i->transpose = c->v.orient.transpose;
    snprintf(i->codec, sizeof i->codec, "%s", avcodec_get_name(c->v.dec->codec_id));
    c->even_w = i->planes == 3 ? (i->width + i->sx) & ~i->sx : i->width;
    c->even_h = i->planes == 3 ? (i->height + i->sy) & ~i->sy : i->height;
    c->start = av->best_effort_timestamp == AV_NOPTS_VALUE ? 0 : av->best_effort_timestamp;
    c->last = -1;
    return FV_OK;
}

static void clip_close(fv_clip **clip)
{
    fv_clip *c = *clip;
    if (!c) return;
    for (int i = 0; i < FVI_MEDIA_CLIP_FRAMES; i++) av_frame_free(&c->frames[i]);
    av_frame_free(&c->first);
    fvi_media_video_clear(&c->v);
    FVI_FREE(*clip);
}

static fv_status open_file(fv_clip *c, const char *path, int threads, fv_error *err)
{
    fvi_media_video *v = &c->v;
    c->first = av_frame_alloc();
    if (!fvi_media_video_init(v, path) || !(v->path = fvi_strdup(path)) || !c->first) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", path);
    FVI_TRY(fvi_media_demux_file(&v->ic, path, NULL, err));
    FVI_TRY(fvi_media_video_start(v, threads, err));
    const fv_status st = fvi_media_video_decode(v);
    if (st == FV_ERR_MEMORY) return fvi_error_set(err, st, "%s: out of memory", path);
    if (st != FV_OK) return fvi_error_set(err, FV_ERR_INPUT, "%s: its video has no frame that can be decoded", path);
    av_frame_move_ref(c->first, v->av);
    c->pending = true;
    return settle(c, err);
}

static fv_status clip_open(fv_clip **out, const char *path, int threads, fv_error *err)
{
    int64_t size;
    *out = NULL;
    if (!path || strcmp(path, "-") == 0) return fvi_error_set(err, FV_ERR_INPUT, "the video is read twice: a pipe cannot be");
    FVI_TRY(fvi_media_check_file(path, &size, err));
    if (size < 0) return fvi_error_set(err, FV_ERR_INPUT, "%s: the video is read twice: a pipe cannot be", path);
    fv_clip *c = fvi_calloc(1, sizeof *c);
    if (!c) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", path);
    fv_status st = open_file(c, path, threads, err);
    if (st < 0)
        clip_close(&c);
    else
        *out = c;
    return st;
}

static void clip_info(const fv_clip *c, fv_clip_info *info) { *info = c->info; }

/* One that nobody holds any more; new ones are made in the first moments only. */
static AVFrame *free_frame(fv_clip *c, int format)
{
    for (int i = 0; i < FVI_MEDIA_CLIP_FRAMES; i++) {
        AVFrame *av = c->frames[i];
        if (av && (av->opaque || !av_frame_is_writable(av))) continue;
        if (av) return av;
        if (!(av = c->frames[i] = av_frame_alloc())) return NULL;
        av->width = c->even_w;
        av->height = c->even_h;
        av->format = format;
        if (av_frame_get_buffer(av, 0) >= 0) return av;
        av_frame_free(&c->frames[i]);
        return NULL;
    }
    return NULL;
}

/* The column and row that even sizes need repeat their neighbours. */
static void pad_even(const fv_clip *c, AVFrame *av)
{
    const int bytes = c->info.depth > 8 ? 2 : 1, w = c->info.width, h = c->info.height;
    uint8_t *p = av->data[0];
    for (int y = 0; y < h && c->even_w > w; y++) memcpy(p + y * av->linesize[0] + w * bytes, p + y * av->linesize[0] + (w - 1) * bytes, (size_t)bytes);
    if (c->even_h > h) memcpy(p + h * av->linesize[0], p + (h - 1) * av->linesize[0], (size_t)(c->even_w * bytes));
}

static fv_status deliver(fv_clip *c, fv_clip_frame *f, const AVFrame *in, fv_error *err)
{
    if (in->width != c->info.width || in->height != c->info.height || in->format != c->first->format)
        return fvi_error_set(err, FV_ERR_INPUT, "%s: its pictures change to %dx%d in frame %lld; cut it there", c->v.label, in->width, in->height, (long long)c->v.index);
    AVFrame *av = free_frame(c, in->format);
    if (!av) return fvi_error_set(err, FV_ERR_MEMORY, "%s: no memory for a picture", c->v.label);
    av_frame_remove_side_data(av, AV_FRAME_DATA_A53_CC);
    if (av_frame_copy_props(av, in) < 0) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", c->v.label);
    av_image_copy(av->data, av->linesize, (const uint8_t **)(uintptr_t)in->data, in->linesize, in->format, in->width, in->height);
    pad_even(c, av);
    const double pts = fvi_media_clock_next(&c->v.clock, in->best_effort_timestamp);
    int64_t stamp = in->best_effort_timestamp == AV_NOPTS_VALUE || c->v.clock.jumps ? (int64_t)(pts / av_q2d(c->v.st->time_base) + 0.5) : in->best_effort_timestamp - c->start;
    if (stamp <= c->last) stamp = c->last + 1; /* encoders want rising stamps */
    c->last = av->pts = stamp;
    av->pict_type = AV_PICTURE_TYPE_NONE;
    av->opaque = av; /* held */
    *f = (fv_clip_frame){.index = c->v.index++, .pts = pts, .held = av};
    for (int i = 0; i < c->info.planes; i++) {
        f->plane[i] = av->data[i];
        f->stride[i] = av->linesize[i];
    }
    return FV_OK;
}

static fv_status clip_read(fv_clip *c, fv_clip_frame *f, fv_error *err)
{
    fvi_media_video *v = &c->v;
    *f = (fv_clip_frame){0};
    if (c->pending) {
        c->pending = false;
        return deliver(c, f, c->first, err);
    }
    fv_status st = fvi_media_video_picture(v, v->label, err);
    if (st != FV_OK) return st;
    st = deliver(c, f, v->av, err);
    av_frame_unref(v->av);
    return st;
}

static void clip_drop(fv_clip_frame *f)
{
    if (f->held) ((AVFrame *)f->held)->opaque = NULL;
    *f = (fv_clip_frame){0};
}

const fv_clip_api fvi_media_clip_table = {
    .size = sizeof(fv_clip_api),
    .open = clip_open,
    .close = clip_close,
    .info = clip_info,
    .read = clip_read,
    .drop = clip_drop,
    .writer_open = fvi_media_clip_writer_open,
    .writer_close = fvi_media_clip_writer_close,
    .writer_text = fvi_media_clip_writer_text,
    .begin = fvi_media_clip_begin,
    .write = fvi_media_clip_write,
    .end = fvi_media_clip_end,
    .check = fvi_media_segment_check,
    .join = fvi_media_clip_join,
};
