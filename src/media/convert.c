/* convert.c: pixel formats that fovea does not carry (10 bit, 4:2:2, 4:4:4, palettes, ...) -> those it does, and frames
 * -> what an encoder wants, through swscale with the colour tags given to it. Called by sources, sink and picture
 * writer. */
#include "media/media.h"
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

fv_color_matrix fvi_media_matrix(enum AVColorSpace space, int height)
{
    switch (space) {
    case AVCOL_SPC_BT709:
    case AVCOL_SPC_SMPTE240M:
        return FV_COLOR_BT709;
    case AVCOL_SPC_FCC:
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
        return FV_COLOR_BT601;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return FV_COLOR_BT2020;
    default:
        return height < 720 ? FV_COLOR_BT601 : FV_COLOR_BT709;
    }
}

/* The "J" formats of old: the same planes, full range. */
static enum AVPixelFormat without_j(enum AVPixelFormat f, bool *full)
{
    static const enum AVPixelFormat pair[][2] = {{AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P},
                                                 {AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUV422P},
                                                 {AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUV444P},
                                                 {AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUV440P},
                                                 {AV_PIX_FMT_YUVJ411P, AV_PIX_FMT_YUV411P}};
    for (size_t i = 0; i < sizeof pair / sizeof pair[0]; i++)
        if (f == pair[i][0]) {
            *full = true;
            return pair[i][1];
        }
    return f;
}

void fvi_media_image_of_av(const AVFrame *av, fvi_media_image *im)
{
    *im = (fvi_media_image){.width = av->width, .height = av->height};
    im->full = av->color_range == AVCOL_RANGE_JPEG;
    im->format = without_j(av->format, &im->full);
    im->matrix = fvi_media_matrix(av->colorspace, av->height);
    enum AVChromaLocation at = av->chroma_location;
    im->left = at == AVCHROMA_LOC_LEFT || at == AVCHROMA_LOC_TOPLEFT || at == AVCHROMA_LOC_BOTTOMLEFT ||
               (at == AVCHROMA_LOC_UNSPECIFIED && im->format == av->format); /* "J" formats come from JPEG */
    for (int i = 0; i < 4; i++) {
        im->data[i] = av->data[i];
        im->linesize[i] = av->linesize[i];
    }
}

void fvi_media_image_of_frame(const fv_frame *f, fvi_media_image *im)
{
    static const enum AVPixelFormat format[] = {[FV_PIXEL_I420] = AV_PIX_FMT_YUV420P,
                                                [FV_PIXEL_NV12] = AV_PIX_FMT_NV12,
                                                [FV_PIXEL_RGB] = AV_PIX_FMT_RGB24,
                                                [FV_PIXEL_BGR] = AV_PIX_FMT_BGR24,
                                                [FV_PIXEL_GRAY] = AV_PIX_FMT_GRAY8,
                                                [FV_PIXEL_NV21] = AV_PIX_FMT_NV21,
                                                [FV_PIXEL_I422] = AV_PIX_FMT_YUV422P,
                                                [FV_PIXEL_I444] = AV_PIX_FMT_YUV444P,
                                                [FV_PIXEL_YUYV] = AV_PIX_FMT_YUYV422,
                                                [FV_PIXEL_UYVY] = AV_PIX_FMT_UYVY422,
                                                [FV_PIXEL_P010] = AV_PIX_FMT_P010LE,
                                                [FV_PIXEL_I010] = AV_PIX_FMT_YUV420P10LE,
                                                [FV_PIXEL_RGBA] = AV_PIX_FMT_RGBA,
                                                [FV_PIXEL_BGRA] = AV_PIX_FMT_BGRA,
                                                [FV_PIXEL_GBRP] = AV_PIX_FMT_GBRP,
                                                [FV_PIXEL_GRAY16] = AV_PIX_FMT_GRAY16LE};
    bool known = f->format > FV_PIXEL_NONE && (size_t)f->format < sizeof format / sizeof format[0];
    *im = (fvi_media_image){.format = known ? format[f->format] : AV_PIX_FMT_NONE,
                            .width = f->width,
                            .height = f->height,
                            .matrix = f->matrix,
                            .full = f->range == FV_RANGE_FULL,
                            .left = f->chroma == FV_CHROMA_LEFT};
    for (int i = 0; i < 3; i++) {
        im->data[i] = f->plane[i];
        im->linesize[i] = (int)f->stride[i];
    }
}

static const int *coefficients(fv_color_matrix m)
{
    return sws_getCoefficients(m == FV_COLOR_BT709    ? SWS_CS_ITU709
                               : m == FV_COLOR_BT2020 ? SWS_CS_BT2020
                                                      : SWS_CS_ITU601);
}

static bool same_kind(const fvi_media_image *a, const fvi_media_image *b)
{
    return a->format == b->format && a->width == b->width && a->height == b->height && a->matrix == b->matrix &&
           a->full == b->full && a->left == b->left;
}

#define UNSAID (-1)
/* Horizontal place of the chroma samples in 1/256 of a luma sample; UNSAID where there is nothing to choose. */
static int site(const fvi_media_image *im)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(im->format);
    return !d || d->log2_chroma_w != 1 || (d->flags & AV_PIX_FMT_FLAG_RGB) ? UNSAID : im->left ? 0 : 128;
}

static fv_status set_up(fvi_media_scaler *s, const fvi_media_image *in, const fvi_media_image *out)
{
    fvi_media_scaler_free(s);
    const AVPixFmtDescriptor *di = av_pix_fmt_desc_get(in->format), *d_o = av_pix_fmt_desc_get(out->format);
    if (!di || !d_o || !sws_isSupportedInput(in->format) || !sws_isSupportedOutput(out->format))
        return FV_ERR_UNSUPPORTED;
    bool resize = in->width != out->width || in->height != out->height;
    int flags = (resize ? SWS_BICUBIC : SWS_BILINEAR) | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP;
    s->sws = sws_alloc_context();
    if (!s->sws) return FV_ERR_MEMORY;
    const struct {
        const char *key;
        int value;
    } set[] = {{"srcw", in->width},         {"srch", in->height},        {"dstw", out->width},
               {"dsth", out->height},       {"src_format", in->format},  {"dst_format", out->format},
               {"sws_flags", flags},        {"src_range", in->full},     {"dst_range", out->full},
               {"src_h_chr_pos", site(in)}, {"dst_h_chr_pos", site(out)}};
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
        if (set[i].value != UNSAID) av_opt_set_int(s->sws, set[i].key, set[i].value, 0);
    if (sws_init_context(s->sws, NULL, NULL) < 0) {
        fvi_media_scaler_free(s);
        return FV_ERR_UNSUPPORTED;
    }
    /* returns < 0 for conversions without colour (gray to gray): nothing to set then */
    sws_setColorspaceDetails(s->sws, coefficients(in->matrix), in->full, coefficients(out->matrix), out->full, 0,
                             1 << 16, 1 << 16);
    s->in = *in;
    s->out = *out;
    return FV_OK;
}

fv_status fvi_media_scale(fvi_media_scaler *s, const fvi_media_image *in, const fvi_media_image *out)
{
    if (!s->sws || !same_kind(in, &s->in) || !same_kind(out, &s->out)) {
        fv_status st = set_up(s, in, out);
        if (st < 0) return st;
    }
    int rows =
        sws_scale(s->sws, (const uint8_t *const *)in->data, in->linesize, 0, in->height, out->data, out->linesize);
    return rows == out->height ? FV_OK : FV_ERR_INTERNAL;
}

void fvi_media_scaler_free(fvi_media_scaler *s)
{
    sws_freeContext(s->sws);
    *s = (fvi_media_scaler){0};
}
