/* picture_write.c: one frame -> one .jpg (quality 95, 4:2:0, as OpenCV writes) or .png file. Written beside and
 * renamed. Called through fv_media_api.picture_write. */
#include "media/media.h"
#include "base/error.h"
#include "base/file.h"
#include <string.h>
#include <strings.h>
#include <turbojpeg.h>
#include <unistd.h>

#define QUALITY 95

static fv_status encode_jpeg(const fv_frame *f, const char *path, fv_error *err)
{
    tjhandle tj = tjInitCompress();
    unsigned char *data = NULL;
    unsigned long size = 0;
    if (!tj) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", path);
    bool gray = f->format == FV_PIXEL_GRAY;
    int order = gray ? TJPF_GRAY : f->format == FV_PIXEL_BGR ? TJPF_BGR : TJPF_RGB;
    fv_status st;
    if (tjCompress2(tj, f->plane[0], f->width, (int)f->stride[0], f->height, order, &data, &size,
                    gray ? TJSAMP_GRAY : TJSAMP_420, QUALITY, 0) != 0)
        st = fvi_error_set(err, FV_ERR_OUTPUT, "%s: %s", path, tjGetErrorStr2(tj));
    else
        st = fvi_file_write(path, data, size, err);
    tjFree(data);
    tjDestroy(tj);
    return st;
}

static enum AVPixelFormat png_format(const fv_frame *f)
{
    return f->format == FV_PIXEL_GRAY16 ? AV_PIX_FMT_GRAY16BE : f->format == FV_PIXEL_GRAY ? AV_PIX_FMT_GRAY8 : AV_PIX_FMT_RGB24;
}

/* The bytes of a row as PNG has them: 16 bits, high byte first. */
static void png_row(uint8_t *d, const uint8_t *s, const fv_frame *f)
{
    if (f->format != FV_PIXEL_GRAY16) {
        memcpy(d, s, (size_t)f->width * (f->format == FV_PIXEL_GRAY ? 1 : 3));
        return;
    }
    for (int x = 0; x < f->width; x++) {
        d[2 * x] = s[2 * x + 1];
        d[2 * x + 1] = s[2 * x];
    }
}

/* `f` is RGB, GRAY or GRAY16 */
static int png_packet(const fv_frame *f, AVPacket *pkt)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
    AVCodecContext *enc = codec ? avcodec_alloc_context3(codec) : NULL;
    AVFrame *av = av_frame_alloc();
    int code = codec ? AVERROR(ENOMEM) : AVERROR_ENCODER_NOT_FOUND;
    if (enc && av) {
        enc->width = av->width = f->width;
        enc->height = av->height = f->height;
        enc->pix_fmt = av->format = png_format(f);
        enc->time_base = (AVRational){1, 1};
        enc->thread_count = 1;
        code = avcodec_open2(enc, codec, NULL);
        if (code >= 0) code = av_frame_get_buffer(av, 0);
        for (int y = 0; code >= 0 && y < f->height; y++)
            png_row(av->data[0] + (ptrdiff_t)y * av->linesize[0], f->plane[0] + (ptrdiff_t)y * f->stride[0], f);
        if (code >= 0) code = avcodec_send_frame(enc, av);
        if (code >= 0) code = avcodec_send_frame(enc, NULL);
        if (code >= 0) code = avcodec_receive_packet(enc, pkt);
    }
    av_frame_free(&av);
    avcodec_free_context(&enc);
    return code;
}

static fv_status encode_png(const fv_frame *f, const char *path, fv_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    AVPacket *pkt = av_packet_alloc();
    int code = pkt ? png_packet(f, pkt) : AVERROR(ENOMEM);
    fv_status st = code < 0
                       ? fvi_error_set(err, FV_ERR_OUTPUT, "%s: PNG encoder: %s", path, fvi_media_av_text(code, text))
                       : fvi_file_write(path, pkt->data, (size_t)pkt->size, err);
    av_packet_free(&pkt);
    return st;
}

/* libjpeg takes RGB and BGR; PNG wants RGB, and has 16 bits. */
static bool fits(const fv_frame *f, bool png)
{
    return (f->format == FV_PIXEL_GRAY16 && png) || f->format == FV_PIXEL_RGB || f->format == FV_PIXEL_GRAY || (f->format == FV_PIXEL_BGR && !png);
}

static fv_status write_frame(const char *path, const fv_frame *f, bool png, fv_error *err)
{
    if (fits(f, png)) return png ? encode_png(f, path, err) : encode_jpeg(f, path, err);
    fvi_media_pool *pool = fvi_media_pool_create();
    fvi_media_scaler scaler = {0};
    fvi_media_image in, out;
    fv_frame rgb = {0};
    fv_status st = pool ? fvi_media_pool_frame(pool, &rgb, FV_PIXEL_RGB, f->width, f->height) : FV_ERR_MEMORY;
    if (st == FV_OK) {
        fvi_media_image_of_frame(f, &in);
        fvi_media_image_of_frame(&rgb, &out);
        st = fvi_media_scale(&scaler, &in, &out);
    }
    if (st < 0)
        fvi_error_set(err, st, "%s: the picture cannot be turned into RGB: %s", path, fv_status_text(st));
    else
        st = png ? encode_png(&rgb, path, err) : encode_jpeg(&rgb, path, err);
    fvi_media_drop(&rgb);
    fvi_media_scaler_free(&scaler);
    fvi_media_pool_close(&pool);
    return st;
}

fv_status fvi_media_picture_write(const char *path, const fv_frame *f, int overwrite, fv_error *err)
{
    if (!path || !f || f->format <= FV_PIXEL_NONE || (f->format > FV_PIXEL_GRAY && f->format != FV_PIXEL_GRAY16) || f->width < 1 || f->height < 1 ||
        !f->plane[0])
        return fvi_error_set(err, FV_ERR_ARGUMENT, "no picture to write");
    const char *dot = strrchr(path, '.');
    bool png = dot && strcasecmp(dot, ".png") == 0;
    bool jpg = dot && (strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0);
    if (!png && !jpg) return fvi_error_set(err, FV_ERR_OUTPUT, "%s: pictures are written as .jpg or .png", path);
    if (f->format == FV_PIXEL_GRAY16 && !png) return fvi_error_set(err, FV_ERR_OUTPUT, "%s: 16 bits a sample are written as .png", path);
    if (!overwrite && access(path, F_OK) == 0)
        return fvi_error_set(err, FV_ERR_OUTPUT, "%s: the file exists; give --overwrite to replace it", path);
    return write_frame(path, f, png, err);
}
