/* picture.c: one still picture file -> one upright RGB frame. JPEG goes through libjpeg-turbo, the other formats
 * through FFmpeg's decoders directly, without a demuxer. A source like any other: read gives the frame, then FV_END. */
#include "media/media.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include <stdio.h>
#include <string.h>

#define MAX_FILE_BYTES ((size_t)1 << 30)

typedef struct picture {
    fv_source base; /* first, so that both pointers are one */
    char *path;
    enum AVCodecID id;
    bool turbo; /* a JPEG that libjpeg-turbo decodes */
    bool done;
} picture;

enum AVCodecID fvi_media_picture_sniff(const uint8_t *head, size_t n)
{
    static const struct {
        const char *bytes;
        unsigned char len, at;
        enum AVCodecID id;
    } magic[] = {{"\xFF\xD8\xFF", 3, 0, AV_CODEC_ID_MJPEG},
                 {"\x89PNG\r\n\x1A\n", 8, 0, AV_CODEC_ID_PNG},
                 {"WEBP", 4, 8, AV_CODEC_ID_WEBP},
                 {"II*\0", 4, 0, AV_CODEC_ID_TIFF},
                 {"MM\0*", 4, 0, AV_CODEC_ID_TIFF},
                 {"\0\0\0\x0CjP  \r\n", 10, 0, AV_CODEC_ID_JPEG2000},
                 {"\xFF\x4F\xFF\x51", 4, 0, AV_CODEC_ID_JPEG2000},
                 {"8BPS", 4, 0, AV_CODEC_ID_PSD},
                 {"DDS ", 4, 0, AV_CODEC_ID_DDS},
                 {"\x76\x2F\x31\x01", 4, 0, AV_CODEC_ID_EXR},
                 {"qoif", 4, 0, AV_CODEC_ID_QOI}};
    for (size_t i = 0; i < sizeof magic / sizeof magic[0]; i++)
        if ((size_t)magic[i].at + magic[i].len <= n && memcmp(head + magic[i].at, magic[i].bytes, magic[i].len) == 0)
            return magic[i].id;
    /* two letters are weak: the header size must be right too */
    if (n >= 18 && head[0] == 'B' && head[1] == 'M' && head[14] >= 12 && head[14] <= 124 && !head[15] && !head[16] &&
        !head[17])
        return AV_CODEC_ID_BMP;
    if (n >= 3 && head[0] == 'P' && head[1] >= '1' && head[1] <= '7' &&
        (head[2] == '\n' || head[2] == ' ' || head[2] == '\r')) {
        static const enum AVCodecID pnm[] = {AV_CODEC_ID_PBM, AV_CODEC_ID_PGM, AV_CODEC_ID_PPM};
        return head[1] == '7' ? AV_CODEC_ID_PAM : pnm[(head[1] - '1') % 3];
    }
    return AV_CODEC_ID_NONE;
}

/* The EXIF block of PNG (chunk eXIf) and WebP (chunk EXIF) files; chunks are [size][name] or [name][size]. */
static int chunk_orientation(const uint8_t *d, size_t n, enum AVCodecID id)
{
    bool png = id == AV_CODEC_ID_PNG;
    size_t at = png ? 8 : 12;
    if (!png && id != AV_CODEC_ID_WEBP) return 1;
    while (at + 8 <= n) {
        const uint8_t *h = d + at;
        size_t len = png ? (size_t)h[0] << 24 | (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3]
                         : (size_t)h[7] << 24 | (size_t)h[6] << 16 | (size_t)h[5] << 8 | h[4];
        if (len > n - at - 8) return 1;
        if (memcmp(png ? h + 4 : h, png ? "eXIf" : "EXIF", 4) == 0) {
            size_t skip = len > 6 && memcmp(h + 8, "Exif\0\0", 6) == 0 ? 6 : 0;
            return fvi_media_exif_orientation(h + 8 + skip, len - skip);
        }
        at += 8 + len + (png ? 4 : len & 1);
    }
    return 1;
}

/* The first picture that the decoder makes of the whole file given as one packet. */
static fv_status decode_packet(AVCodecContext *dec, const uint8_t *data, size_t size, AVFrame *av, int *code)
{
    AVPacket *pkt = av_packet_alloc();
    if (!pkt || av_new_packet(pkt, (int)size) < 0) {
        av_packet_free(&pkt);
        return FV_ERR_MEMORY;
    }
    memcpy(pkt->data, data, size);
    *code = avcodec_send_packet(dec, pkt);
    if (*code >= 0) avcodec_send_packet(dec, NULL);
    if (*code >= 0) *code = avcodec_receive_frame(dec, av);
    av_packet_free(&pkt);
    return *code == AVERROR(ENOMEM) ? FV_ERR_MEMORY : *code < 0 ? FV_ERR_INPUT : FV_OK;
}

static fv_status to_rgb(const AVFrame *av, fvi_media_pool *pool, fv_frame *f)
{
    fvi_media_image in, out;
    fvi_media_scaler scaler = {0};
    FVI_TRY(fvi_media_pool_frame(pool, f, FV_PIXEL_RGB, av->width, av->height));
    fvi_media_image_of_av(av, &in);
    if (av->colorspace == AVCOL_SPC_UNSPECIFIED) in.matrix = FV_COLOR_BT601; /* stills, however large */
    if (av->chroma_location == AVCHROMA_LOC_UNSPECIFIED) in.left = false;    /* as WebP and JPEG have it */
    if (in.format == AV_PIX_FMT_GRAY8 || in.format == AV_PIX_FMT_GRAY16BE || in.format == AV_PIX_FMT_GRAY16LE)
        in.full = true;
    fvi_media_image_of_frame(f, &out);
    fv_status st = fvi_media_scale(&scaler, &in, &out);
    fvi_media_scaler_free(&scaler);
    if (st < 0) fvi_media_drop(f);
    return st;
}

static fv_status decode_ffmpeg(const picture *p, const fvi_map *map, fvi_media_pool *pool, fv_frame *f, fv_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    const char *name = p->base.info.name;
    const AVCodec *codec = avcodec_find_decoder(p->id);
    if (!codec)
        return fvi_error_set(err, FV_ERR_INPUT, "%s: this FFmpeg has no %s decoder", name, avcodec_get_name(p->id));
    if (p->id == AV_CODEC_ID_WEBP && map->size > 20 && memcmp(map->data + 12, "VP8X", 4) == 0 && (map->data[20] & 2))
        return fvi_error_set(err, FV_ERR_INPUT, "%s: animated WebP files cannot be read", name);
    AVCodecContext *dec = avcodec_alloc_context3(codec);
    AVFrame *av = av_frame_alloc();
    fv_status st = FV_ERR_MEMORY;
    int code = AVERROR(ENOMEM);
    fvi_media_log_reset();
    if (dec && av) {
        dec->thread_count = 1;
        dec->max_pixels = FVI_MEDIA_MAX_PIXELS;
        dec->err_recognition = AV_EF_CRCCHECK | AV_EF_EXPLODE; /* half a picture is an error, as for JPEG */
        code = avcodec_open2(dec, codec, NULL);
        st = code < 0 ? FV_ERR_INPUT : decode_packet(dec, map->data, map->size, av, &code);
    }
    if (st < 0)
        fvi_error_set(err, st, "%s: broken %s picture: %s%s", name, avcodec_get_name(p->id),
                      fvi_media_av_text(code, text), fvi_media_log_detail());
    else if ((st = to_rgb(av, pool, f)) < 0)
        fvi_error_set(err, st, "%s: a %s picture of %dx%d cannot be turned into RGB: %s", name, avcodec_get_name(p->id),
                      av->width, av->height, fv_status_text(st));
    av_frame_free(&av);
    avcodec_free_context(&dec);
    return st;
}

static fv_status decode(const picture *p, const fvi_map *map, fvi_media_pool *pool, fv_frame *f, fv_error *err)
{
    int w, h, orientation = 1;
    fv_frame raw = {0};
    if (p->turbo) {
        FVI_TRY(fvi_media_jpeg_size(map->data, map->size, &w, &h, &orientation, p->base.info.name, err));
        FVI_TRY(fvi_media_jpeg_read(map->data, map->size, pool, &raw, p->base.info.name, err));
    } else {
        FVI_TRY(decode_ffmpeg(p, map, pool, &raw, err));
        orientation = chunk_orientation(map->data, map->size, p->id);
    }
    raw.range = FV_RANGE_FULL;
    raw.chroma = FV_CHROMA_CENTER;
    fvi_media_orient o = fvi_media_orient_exif(orientation);
    *f = raw;
    if (fvi_media_upright(o)) return FV_OK;
    fv_status st = fvi_media_orient_frame(pool, f, &raw, o);
    fvi_media_drop(&raw);
    if (st < 0) {
        *f = (fv_frame){0};
        return fvi_error_set(err, st, "%s: no memory to turn the picture", p->base.info.name);
    }
    return FV_OK;
}

static fv_status picture_read(fv_source *s, fv_frame *f, fv_error *err)
{
    picture *p = (picture *)s;
    *f = (fv_frame){0};
    if (p->done) return FV_END;
    p->done = true;
    int64_t start = fvi_now_ns();
    fvi_map map;
    FVI_TRY(fvi_map_open(&map, p->path, MAX_FILE_BYTES, err));
    fvi_media_pool *pool = fvi_media_pool_create();
    fv_status st =
        pool ? decode(p, &map, pool, f, err) : fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", s->info.name);
    fvi_media_pool_close(&pool);
    fvi_map_close(&map);
    f->born_ns = fvi_now_ns();
    f->decode_ns = f->born_ns - start;
    return st;
}

static void picture_close(fv_source *s)
{
    picture *p = (picture *)s;
    fvi_free(p->path);
    fvi_free(p);
}

/* JPEG headers are read at once: the size is shown and odd files are found early. The others tell it when decoded. */
static fv_status read_header(picture *p, fv_error *err)
{
    fvi_map map;
    fv_error e = {0};
    int orientation = 1;
    FVI_TRY(fvi_map_open(&map, p->path, MAX_FILE_BYTES, err));
    fv_source_info *info = &p->base.info;
    fv_status st = fvi_media_jpeg_size(map.data, map.size, &info->width, &info->height, &orientation, info->name, &e);
    fvi_map_close(&map);
    if (st == FV_ERR_UNSUPPORTED) {
        info->width = info->height = 0;
        return FV_OK;
    }
    if (st < 0) {
        if (err) *err = e;
        return st;
    }
    p->turbo = true;
    snprintf(info->decoder, sizeof info->decoder, "jpeg (libjpeg-turbo)");
    if (fvi_media_orient_exif(orientation).transpose) {
        int w = info->width;
        info->width = info->height;
        info->height = w;
    }
    return st;
}

fv_status fvi_media_picture_open(fv_source **out, const char *path, enum AVCodecID id, fv_error *err)
{
    picture *p = fvi_calloc(1, sizeof *p);
    if (!p || !(p->path = fvi_strdup(path))) {
        fvi_free(p);
        return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", path);
    }
    p->id = id;
    p->base = (fv_source){.read = picture_read, .close = picture_close, .priv = p};
    p->base.info = (fv_source_info){.kind = FV_SOURCE_PICTURE, .frames = 1};
    snprintf(p->base.info.name, sizeof p->base.info.name, "%s", path);
    snprintf(p->base.info.decoder, sizeof p->base.info.decoder, "%s", avcodec_get_name(id));
    fv_status st = id == AV_CODEC_ID_MJPEG ? read_header(p, err) : FV_OK;
    if (st < 0) {
        picture_close(&p->base);
        return st;
    }
    *out = &p->base;
    return FV_OK;
}
