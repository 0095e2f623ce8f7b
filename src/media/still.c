/* still.c: the bytes of a still picture that is no JPEG for libjpeg-turbo -> an RGB frame, through FFmpeg's decoders without a demuxer; and what
 * kind of picture some bytes are. Called by reader.c. Hostile input: sizes are checked before anything of that size is allocated. */
#include "media/media.h"
#include "base/error.h"
#include <string.h>

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

static uint32_t big32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }
static uint32_t little(const uint8_t *p, int n)
{
    uint32_t v = 0;
    while (n--) v = v << 8 | p[n];
    return v;
}

/* The EXIF block and the colour profile of PNG (chunks eXIf, iCCP) and WebP (EXIF, ICCP) files; chunks are [size][name] or [name][size]. */
static void probe_chunks(fv_picture_info *info, const uint8_t *d, size_t n, bool png)
{
    for (size_t at = png ? 8 : 12; at + 8 <= n;) {
        const uint8_t *h = d + at, *name = png ? h + 4 : h;
        size_t len = png ? big32(h) : little(h + 4, 4);
        if (len > n - at - 8) return;
        if (memcmp(name, png ? "iCCP" : "ICCP", 4) == 0) info->profile = 1;
        if (memcmp(name, png ? "eXIf" : "EXIF", 4) == 0) {
            size_t skip = len > 6 && memcmp(h + 8, "Exif\0\0", 6) == 0 ? 6 : 0;
            info->orientation = fvi_media_exif_orientation(h + 8 + skip, len - skip);
            return;
        }
        at += 8 + len + (png ? 4 : len & 1);
    }
}

static void webp_size(fv_picture_info *info, const uint8_t *d)
{
    const uint8_t *b = d + 20;
    if (memcmp(d + 12, "VP8X", 4) == 0) {
        info->width = (int)little(b + 4, 3) + 1;
        info->height = (int)little(b + 7, 3) + 1;
    } else if (memcmp(d + 12, "VP8L", 4) == 0) {
        uint32_t bits = little(b + 1, 4);
        info->width = (int)(bits & 0x3FFF) + 1;
        info->height = (int)(bits >> 14 & 0x3FFF) + 1;
    } else if (memcmp(d + 12, "VP8 ", 4) == 0) {
        info->width = (int)(little(b + 6, 2) & 0x3FFF);
        info->height = (int)(little(b + 8, 2) & 0x3FFF);
    }
}

void fvi_media_still_probe(fv_picture_info *info, enum AVCodecID id, const uint8_t *d, size_t n)
{
    if (id == AV_CODEC_ID_PNG && n >= 24) {
        uint32_t w = big32(d + 16), h = big32(d + 20);
        if (w <= INT32_MAX && h <= INT32_MAX) info->width = (int)w, info->height = (int)h;
        probe_chunks(info, d, n, true);
    } else if (id == AV_CODEC_ID_WEBP && n >= 30) {
        webp_size(info, d);
        probe_chunks(info, d, n, false);
    } else if (id == AV_CODEC_ID_BMP && n >= 26 && d[14] >= 40) {
        int32_t w = (int32_t)little(d + 18, 4), h = (int32_t)little(d + 22, 4);
        if (w > 0 && h != 0 && h != INT32_MIN) info->width = w, info->height = h < 0 ? -h : h;
    } else if (id == AV_CODEC_ID_TIFF) {
        info->orientation = fvi_media_exif_orientation(d, n);
    }
    if (info->width < 1 || info->height < 1) info->width = info->height = 0;
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

fv_status fvi_media_still_read(enum AVCodecID id, const uint8_t *data, size_t size, int64_t max_pixels, fvi_media_pool *pool, fv_frame *f,
                               const char *name, fv_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    const AVCodec *codec = avcodec_find_decoder(id);
    if (!codec)
        return fvi_error_set(err, FV_ERR_INPUT, "%s: this FFmpeg has no %s decoder", name, avcodec_get_name(id));
    if (id == AV_CODEC_ID_WEBP && size > 20 && memcmp(data + 12, "VP8X", 4) == 0 && (data[20] & 2))
        return fvi_error_set(err, FV_ERR_INPUT, "%s: animated WebP files cannot be read", name);
    AVCodecContext *dec = avcodec_alloc_context3(codec);
    AVFrame *av = av_frame_alloc();
    fv_status st = FV_ERR_MEMORY;
    int code = AVERROR(ENOMEM);
    fvi_media_log_reset();
    if (dec && av) {
        dec->thread_count = 1;
        dec->max_pixels = max_pixels;
        dec->err_recognition = AV_EF_CRCCHECK | AV_EF_EXPLODE; /* half a picture is an error, as for JPEG */
        code = avcodec_open2(dec, codec, NULL);
        st = code < 0 ? FV_ERR_INPUT : decode_packet(dec, data, size, av, &code);
    }
    if (st == FV_ERR_INPUT && strstr(fvi_media_log_detail(), "max pixel count"))
        st = fvi_error_set(err, FV_ERR_LIMIT, "%s: has more pixels than are read (%.6g million)", name, (double)max_pixels * 1e-6);
    else if (st < 0)
        fvi_error_set(err, st, "%s: broken %s picture: %s%s", name, avcodec_get_name(id),
                      fvi_media_av_text(code, text), fvi_media_log_detail());
    else if ((st = to_rgb(av, pool, f)) < 0)
        fvi_error_set(err, st, "%s: a %s picture of %dx%d cannot be turned into RGB: %s", name, avcodec_get_name(id),
                      av->width, av->height, fv_status_text(st));
    av_frame_free(&av);
    avcodec_free_context(&dec);
    return st;
}
