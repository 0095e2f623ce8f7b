/* video_deliver.c: a decoder's picture -> the frame that the pipeline sees: I420 or NV12, square pixels, upright, one
 * size for the whole stream. Called by video_read.c.
 *
 * What is so already is passed on by reference: the decoder may still predict from it, so nobody may write into it. */
#include "media/video.h"
#include "base/error.h"
#include <libavutil/pixdesc.h>
#include <math.h>
#include <string.h>

#define MAX_SAR 8.0 /* stranger pixel shapes than 8:1 are mistakes */

static double pixel_aspect(const fvi_media_video *v, const AVFrame *av)
{
    AVRational r = av_guess_sample_aspect_ratio(v->ic, v->st, (AVFrame *)(uintptr_t)av);
    double a = r.num > 0 && r.den > 0 ? av_q2d(r) : 1;
    return a > MAX_SAR || a < 1 / MAX_SAR || fabs(a - 1) <= 0.01 ? 1 : a;
}

/* Palettes hold RGB too. */
static bool is_rgb(enum AVPixelFormat format)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    return d && (d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL));
}

fv_status fvi_media_video_settle(fvi_media_video *v, const AVFrame *av, fv_error *err)
{
    fvi_media_image im;
    fvi_media_image_of_av(av, &im);
    double aspect = pixel_aspect(v, av);
    v->height = av->height;
    v->width = aspect == 1 ? av->width : 2 * (int)lrint(av->width * aspect / 2); /* the lines stay as they are */
    if (v->width < 1 || v->height < 1 || v->width > FVI_MEDIA_MAX_SIDE || v->height > FVI_MEDIA_MAX_SIDE)
        return fvi_error_set(err, FV_ERR_LIMIT, "%s: frames of %dx%d are more than fovea reads (%d a side)",
                             v->base.info.name, v->width, v->height, FVI_MEDIA_MAX_SIDE);
    v->format = im.format == AV_PIX_FMT_NV12 ? FV_PIXEL_NV12 : FV_PIXEL_I420;
    v->matrix = im.matrix;
    v->range = im.full && !is_rgb(im.format) ? FV_RANGE_FULL : FV_RANGE_LIMITED;
    v->primaries = av->color_primaries;
    v->trc = av->color_trc;
    const AVFrameSideData *sd = av_frame_get_side_data(av, AV_FRAME_DATA_DISPLAYMATRIX);
    if (sd && sd->size >= 9 * sizeof(int32_t) && fvi_media_upright(v->orient))
        v->orient =
            fvi_media_orient_matrix((const int32_t *)(const void *)sd->data); /* said inside the stream (H.264 SEI) */
    return FV_OK;
}

static void copy_planes(fv_frame *f, const AVFrame *av)
{
    for (int i = 0; i < 3; i++) {
        int rows, bytes;
        fvi_media_plane_size(f->format, f->width, f->height, i, &rows, &bytes);
        for (int y = 0; y < rows; y++)
            memcpy(f->plane[i] + y * f->stride[i], av->data[i] + (ptrdiff_t)y * av->linesize[i], (size_t)bytes);
    }
}

/* Another format, size or pixel shape than the stream's. */
static fv_status convert(fvi_media_video *v, fv_frame *f, const fvi_media_image *in)
{
    fvi_media_image out;
    FVI_TRY(fvi_media_pool_frame(v->pool, f, v->format, v->width, v->height));
    fvi_media_image_of_frame(f, &out);
    fv_status st = fvi_media_scale(&v->scaler, in, &out);
    if (st < 0) fvi_media_drop(f);
    return st;
}

/* The stream's format and size, not yet turned. */
static fv_status bring_in(fvi_media_video *v, fv_frame *f)
{
    fvi_media_image im;
    AVFrame *av = v->av;
    fvi_media_image_of_av(av, &im);
    bool rgb = is_rgb(im.format);
    f->matrix = rgb ? v->matrix : im.matrix;
    f->range = !rgb && im.full ? FV_RANGE_FULL : FV_RANGE_LIMITED;
    f->chroma = im.left ? FV_CHROMA_LEFT : FV_CHROMA_CENTER;
    enum AVPixelFormat same = v->format == FV_PIXEL_NV12 ? AV_PIX_FMT_NV12 : AV_PIX_FMT_YUV420P;
    if (im.format != same || im.width != v->width || im.height != v->height) return convert(v, f, &im);
    fv_status st = fvi_media_upright(v->orient) ? fvi_media_pool_wrap(v->pool, f, av, v->format) : FV_ERR_UNSUPPORTED;
    if (st != FV_ERR_UNSUPPORTED) return st;
    FVI_TRY(fvi_media_pool_frame(v->pool, f, v->format, v->width, v->height));
    copy_planes(f, av);
    return FV_OK;
}

fv_status fvi_media_video_deliver(fvi_media_video *v, fv_frame *f, fv_error *err)
{
    fv_frame raw = {0};
    fv_status st = bring_in(v, &raw);
    if (st == FV_OK && !fvi_media_upright(v->orient)) {
        st = fvi_media_orient_frame(v->pool, f, &raw, v->orient);
        fvi_media_drop(&raw);
    } else {
        *f = raw;
    }
    if (st < 0) {
        *f = (fv_frame){0};
        return fvi_error_set(err, st, "%s: a frame of %s cannot be turned into I420: %s", v->base.info.name,
                             av_get_pix_fmt_name(v->av->format) ? av_get_pix_fmt_name(v->av->format)
                                                                : "an unknown format",
                             fv_status_text(st));
    }
    return FV_OK;
}
