/* jpeg.c: JPEG bytes -> RGB frame through libjpeg-turbo (accurate IDCT, smooth upsampling, as OpenCV and Pillow
 * decode), and its EXIF orientation. Called by picture.c.
 *
 * A file whose data ends early is an error, as in Pillow: a half-gray picture would give wrong results silently. Other
 * damage that libjpeg recovers from (stray bytes, bad codes) is accepted, as everybody does. */
#include "media/media.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>
#include <turbojpeg.h>

#define MAX_SEGMENTS 4096

/* Marker segments up to the first scan: EXIF, and whether all is where it should be. */
static int exif_of(const uint8_t *d, size_t n)
{
    size_t at = 2;
    for (int i = 0; i < MAX_SEGMENTS && at + 4 <= n; i++) {
        if (d[at] != 0xFF) return 1;
        uint8_t m = d[at + 1];
        if (m == 0xFF) { /* fill byte */
            at++;
            continue;
        }
        if (m == 0xDA || m == 0xD9) return 1;
        if (m == 0x01 || (m >= 0xD0 && m <= 0xD8)) {
            at += 2;
            continue;
        }
        size_t len = (size_t)d[at + 2] << 8 | d[at + 3];
        if (len < 2 || len > n - at - 2) return 1;
        if (m == 0xE1 && len >= 8 + 6 && memcmp(d + at + 4, "Exif\0\0", 6) == 0)
            return fvi_media_exif_orientation(d + at + 10, len - 8);
        at += 2 + len;
    }
    return 1;
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

/* Kinds of JPEG that this libjpeg does not do: lossless, 12 bit, 4:1:0. */
static bool unusual(const char *why)
{
    return strstr(why, "Unsupported JPEG process") || strstr(why, "data precision") || strstr(why, "subsampling type");
}

fv_status fvi_media_jpeg_size(const uint8_t *data, size_t size, int *width, int *height, int *orientation,
                              const char *name, fv_error *err)
{
    tjhandle tj = tjInitDecompress();
    if (!tj) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", name);
    int subsampling = 0, space = 0;
    fv_status st = FV_OK;
    *orientation = 1;
    if (tjDecompressHeader3(tj, data, (unsigned long)size, width, height, &subsampling, &space) != 0 &&
        tjGetErrorCode(tj) != TJERR_WARNING)
        st = fvi_error_set(err, unusual(tjGetErrorStr2(tj)) ? FV_ERR_UNSUPPORTED : FV_ERR_INPUT, "%s: broken JPEG: %s",
                           name, tjGetErrorStr2(tj));
    else if (*width < 1 || *height < 1)
        st = fvi_error_set(err, FV_ERR_INPUT, "%s: broken JPEG: there is no picture in it", name);
    else if (*width > FVI_MEDIA_MAX_SIDE || *height > FVI_MEDIA_MAX_SIDE ||
             (int64_t)*width * *height > FVI_MEDIA_MAX_PIXELS)
        st = fvi_error_set(err, FV_ERR_LIMIT,
                           "%s: %dx%d pixels are more than fovea reads (%d a side, %d million in all)", name, *width,
                           *height, FVI_MEDIA_MAX_SIDE, (int)(FVI_MEDIA_MAX_PIXELS >> 20));
    else
        *orientation = exif_of(data, size);
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

static int decode(tjhandle tj, const uint8_t *data, size_t size, fv_frame *f, int space, fv_status *st)
{
    int flags = TJFLAG_LIMITSCANS; /* thousands of scans in a small file are an attack */
    if (space != TJCS_CMYK && space != TJCS_YCCK)
        return tjDecompress2(tj, data, (unsigned long)size, f->plane[0], f->width, (int)f->stride[0], f->height,
                             TJPF_RGB, flags);
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

fv_status fvi_media_jpeg_read(const uint8_t *data, size_t size, fvi_media_pool *pool, fv_frame *f, const char *name,
                              fv_error *err)
{
    tjhandle tj = tjInitDecompress();
    if (!tj) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", name);
    int w = 0, h = 0, subsampling = 0, space = 0;
    fv_status st = FV_OK;
    if (tjDecompressHeader3(tj, data, (unsigned long)size, &w, &h, &subsampling, &space) != 0 &&
        tjGetErrorCode(tj) != TJERR_WARNING) {
        st = fvi_error_set(err, FV_ERR_INPUT, "%s: broken JPEG: %s", name, tjGetErrorStr2(tj));
    } else if ((st = fvi_media_pool_frame(pool, f, FV_PIXEL_RGB, w, h)) < 0) {
        fvi_error_set(err, st, "%s: no memory for %dx%d pixels", name, w, h);
    } else if (decode(tj, data, size, f, space, &st) != 0) {
        const char *why = tjGetErrorStr2(tj);
        if (st < 0)
            fvi_error_set(err, st, "%s: no memory for %dx%d CMYK pixels", name, w, h);
        else if (strstr(why, "Premature end") || !has_end(data, size))
            st = fvi_error_set(err, FV_ERR_INPUT, "%s: the JPEG data is cut short", name);
        else if (tjGetErrorCode(tj) != TJERR_WARNING)
            st = fvi_error_set(err, FV_ERR_INPUT, "%s: broken JPEG: %s", name, why);
        if (st < 0) fvi_media_drop(f);
    }
    tjDestroy(tj);
    return st;
}
