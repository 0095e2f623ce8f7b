/* jpeg.c: JPEG bytes -> RGB, or Y, U and V as they are coded, through libjpeg-turbo (accurate IDCT, smooth upsampling, as OpenCV and Pillow
 * decode), at 1, 1/2, 1/4 or 1/8 of the size; and what the headers say. Called by reader.c.
 *
 * A file whose data ends early is an error, as in Pillow: a half-gray picture would give wrong results silently. Other
 * damage that libjpeg recovers from (stray bytes, bad codes) is accepted, as everybody does. */
#include "media/media.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>
#include <turbojpeg.h>

#define MAX_SEGMENTS 4096

/* What the marker segments up to the first scan say beyond what turbojpeg tells. */
typedef struct segments {
    int orientation;
    bool profile, progressive, huffman;
    int64_t blocks; /* of 8x8 samples, of all components */
} segments;

static void frame_header(segments *s, int marker, const uint8_t *p, size_t len)
{
    int h = 0, v = 0, n = len >= 6 ? p[5] : 0;
    s->progressive = marker == 0xC2 || marker == 0xCA;
    s->huffman = marker <= 0xC2;
    if (len < 6 + 3 * (size_t)n) return;
    for (int i = 0; i < n; i++) {
        if (p[7 + 3 * i] >> 4 > h) h = p[7 + 3 * i] >> 4;
        if ((p[7 + 3 * i] & 15) > v) v = p[7 + 3 * i] & 15;
    }
    int64_t height = p[1] << 8 | p[2], width = p[3] << 8 | p[4];
    for (int i = 0; i < n && h && v; i++) { /* a component of h_i by v_i samples a unit of h by v */
        int64_t w = (width * (p[7 + 3 * i] >> 4) + h - 1) / h, rows = (height * (p[7 + 3 * i] & 15) + v - 1) / v;
        s->blocks += ((w + 7) / 8) * ((rows + 7) / 8);
    }
}

static segments read_segments(const uint8_t *d, size_t n)
{
    segments s = {.orientation = 1};
    size_t at = 2;
    for (int i = 0; i < MAX_SEGMENTS && at + 4 <= n; i++) {
        if (d[at] != 0xFF) break;
        uint8_t m = d[at + 1];
        if (m == 0xFF) { /* fill byte */
            at++;
            continue;
        }
        if (m == 0xDA || m == 0xD9) break;
        if (m == 0x01 || (m >= 0xD0 && m <= 0xD8)) {
            at += 2;
            continue;
        }
        size_t len = (size_t)d[at + 2] << 8 | d[at + 3];
        const uint8_t *p = d + at + 4;
        if (len < 2 || len > n - at - 2) break;
        if (m >= 0xC0 && m <= 0xCF && m != 0xC4 && m != 0xC8 && m != 0xCC && !s.blocks) frame_header(&s, m, p, len - 2);
        if (m == 0xE2 && len >= 2 + 12 && memcmp(p, "ICC_PROFILE", 12) == 0) s.profile = true;
        if (m == 0xE1 && len >= 8 + 6 && memcmp(p, "Exif\0\0", 6) == 0 && s.orientation == 1)
            s.orientation = fvi_media_exif_orientation(p + 6, len - 8);
        at += 2 + len;
    }
    return s;
}

/* An end-of-image marker after the last start of scan. */
static bool has_end(const uint8_t *d, size_t n)
{
    for (size_t i = n; i >= 2; i--) {
        if (d[i - 2] != 0xFF) continue;
        if (d[i - 1] == 0xD9) return true;
        if (d[i - 1] == 0xDA) return false;
    }
    return false;
}

/* Kinds of JPEG that this libjpeg does not do and FFmpeg may: lossless, 4:1:0. */
static bool unusual(const char *why) { return strstr(why, "Unsupported JPEG process") || strstr(why, "subsampling type"); }

static fv_status cut_short(const char *name, fv_error *err) { return fvi_error_set(err, FV_ERR_INPUT, "%s: the JPEG data is cut short", name); }

fv_status fvi_media_jpeg_probe(fvi_media_jpeg_info *info, const uint8_t *data, size_t size, const char *name, fv_error *err)
{
    *info = (fvi_media_jpeg_info){.orientation = 1};
    tjhandle tj = tjInitDecompress();
    if (!tj) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", name);
    const segments s = read_segments(data, size);
    fv_status st = FV_OK;
    int bad = tjDecompressHeader3(tj, data, (unsigned long)size, &info->width, &info->height, &info->subsampling, &info->space);
    const char *why = tjGetErrorStr2(tj);
    if (bad && tjGetErrorCode(tj) != TJERR_WARNING && strstr(why, "data precision"))
        st = fvi_error_set(err, FV_ERR_INPUT, "%s: JPEG files with more than 8 bits a sample are not read", name);
    else if (bad && tjGetErrorCode(tj) != TJERR_WARNING)
        st = fvi_error_set(err, unusual(why) ? FV_ERR_UNSUPPORTED : FV_ERR_INPUT, "%s: broken JPEG: %s", name, why);
    else if (info->width < 1 || info->height < 1)
        st = fvi_error_set(err, FV_ERR_INPUT, "%s: broken JPEG: there is no picture in it", name);
    else if (info->width > FVI_MEDIA_MAX_SIDE || info->height > FVI_MEDIA_MAX_SIDE || (int64_t)info->width * info->height > FVI_MEDIA_MAX_PIXELS)
        st = fvi_error_set(err, FV_ERR_LIMIT, "%s: %dx%d pixels are more than fovea reads (%d a side, %d million in all)", name, info->width, info->height,
                           FVI_MEDIA_MAX_SIDE, (int)(FVI_MEDIA_MAX_PIXELS >> 20));
    else if (s.huffman && s.blocks / 8 > (int64_t)size) /* a block takes one bit at the least: nothing is allocated for what cannot be there */
        st = cut_short(name, err);
    info->orientation = s.orientation;
    info->progressive = s.progressive;
    info->profile = s.profile;
    tjDestroy(tj);
    return st;
}

/* Adobe's CMYK is stored inverted (0 = full ink): R = C K / 255, in place of 4 bytes 3. */
static void cmyk_rows(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride, int width, int height)
{
    for (int y = 0; y < height; y++, dst += stride, src += src_stride)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) dst[3 * x + c] = (uint8_t)((src[4 * x + c] * src[4 * x + 3] + 127) / 255);
}

/* Which frames have the planes of this JPEG; FV_PIXEL_RGB: none. */
static fv_pixel_format planes_of(const fvi_media_jpeg_info *info)
{
    if (info->space != TJCS_YCbCr && info->space != TJCS_GRAY) return FV_PIXEL_RGB;
    switch (info->subsampling) {
    case TJSAMP_420: return FV_PIXEL_I420;
    case TJSAMP_422: return FV_PIXEL_I422;
    case TJSAMP_444: return FV_PIXEL_I444;
    case TJSAMP_GRAY: return FV_PIXEL_GRAY;
    default: return FV_PIXEL_RGB;
    }
}

static int decode(tjhandle tj, const uint8_t *data, size_t size, const fvi_media_jpeg_info *info, fv_frame *f, fv_status *st)
{
    int flags = TJFLAG_LIMITSCANS; /* thousands of scans in a small file are an attack */
    if (f->format != FV_PIXEL_RGB) {
        int strides[3] = {(int)f->stride[0], (int)f->stride[1], (int)f->stride[2]};
        return tjDecompressToYUVPlanes(tj, data, (unsigned long)size, f->plane, f->width, strides, f->height, flags);
    }
    if (info->space != TJCS_CMYK && info->space != TJCS_YCCK)
        return tjDecompress2(tj, data, (unsigned long)size, f->plane[0], f->width, (int)f->stride[0], f->height, TJPF_RGB, flags);
    uint8_t *ink = fvi_alloc((size_t)f->width * 4 * (size_t)f->height);
    if (!ink) {
        *st = FV_ERR_MEMORY;
        return -1;
    }
    int pitch = f->width * 4;
    int r = tjDecompress2(tj, data, (unsigned long)size, ink, f->width, pitch, f->height, TJPF_CMYK, flags);
    cmyk_rows(f->plane[0], f->stride[0], ink, pitch, f->width, f->height);
    fvi_free(ink);
    return r;
}

fv_status fvi_media_jpeg_read(const uint8_t *data, size_t size, const fvi_media_jpeg_info *info, int eighths, bool planes, fvi_media_pool *pool, fv_frame *f,
                              const char *name, fv_error *err)
{
    tjhandle tj = tjInitDecompress();
    if (!tj) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", name);
    const int w = (info->width * eighths + 7) / 8, h = (info->height * eighths + 7) / 8;
    fv_status st = fvi_media_pool_frame(pool, f, planes ? planes_of(info) : FV_PIXEL_RGB, w, h);
    if (st < 0) {
        fvi_error_set(err, st, "%s: no memory for %dx%d pixels", name, w, h);
    } else if (decode(tj, data, size, info, f, &st) != 0) {
        const char *why = tjGetErrorStr2(tj);
        if (st < 0)
            fvi_error_set(err, st, "%s: no memory for %dx%d CMYK pixels", name, w, h);
        else if (strstr(why, "Premature end") || !has_end(data, size))
            st = cut_short(name, err);
        else if (tjGetErrorCode(tj) != TJERR_WARNING)
            st = fvi_error_set(err, FV_ERR_INPUT, "%s: broken JPEG: %s", name, why);
        if (st < 0) fvi_media_drop(f);
    }
    tjDestroy(tj);
    return st;
}
