/* reader.c: the bytes of one still picture -> an upright frame. JPEG goes through libjpeg-turbo (jpeg.c), other kinds through FFmpeg's decoders
 * (still.c). Called through the table of media.c, and by picture.c for files. */
#include "media/media.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/options.h"
#include <turbojpeg.h>

#define MAX_BYTES ((size_t)1 << 30)
#define FFMPEG_BYTES 11 /* a pixel: at most eight as decoded, three as RGB */

struct fv_picture_reader {
    fvi_media_pool *pool;
};

/* JPEG that libjpeg-turbo decodes: *turbo is filled. */
static fv_status probe(fv_picture_info *info, enum AVCodecID *id, fvi_media_jpeg_info *turbo, const uint8_t *data, size_t size, const char *name, fv_error *err)
{
    *info = (fv_picture_info){.size = info->size, .orientation = 1};
    *id = size <= MAX_BYTES ? fvi_media_picture_sniff(data, size) : AV_CODEC_ID_NONE;
    if (size > MAX_BYTES) return fvi_error_set(err, FV_ERR_LIMIT, "%s: pictures of more than %d MiB are not read", name, (int)(MAX_BYTES >> 20));
    if (*id == AV_CODEC_ID_NONE) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "%s: this is no picture of a known kind", name);
    snprintf(info->format, sizeof info->format, "%s", *id == AV_CODEC_ID_MJPEG ? "jpeg" : avcodec_get_name(*id));
    fv_error e = {0};
    fv_status st = *id == AV_CODEC_ID_MJPEG ? fvi_media_jpeg_probe(turbo, data, size, name, &e) : FV_ERR_UNSUPPORTED;
    if (st < 0 && st != FV_ERR_UNSUPPORTED) {
        if (err) *err = e;
        return st;
    }
    if (st == FV_OK) {
        *info = (fv_picture_info){.size = info->size, .format = "jpeg", .width = turbo->width, .height = turbo->height, .orientation = turbo->orientation,
                                  .eighths = 1, .profile = turbo->profile};
    } else {
        fvi_media_still_probe(info, *id, data, size);
    }
    const fvi_media_orient o = fvi_media_orient_exif(info->orientation);
    const int64_t absurd = (int64_t)1 << 50; /* a header may claim 2^62 */
    int64_t pixels = fvi_min_i64((int64_t)info->width * info->height, absurd), each = info->eighths ? turbo->progressive ? 9 : 3 : FFMPEG_BYTES;
    if (info->eighths && (turbo->space == TJCS_CMYK || turbo->space == TJCS_YCCK)) each += turbo->progressive ? 6 : 4;
    info->bytes = pixels * (each + (fvi_media_upright(o) ? 0 : 3));
    if (o.transpose) {
        int w = info->width;
        info->width = info->height;
        info->height = w;
    }
    return FV_OK;
}

fv_status fvi_media_picture_probe(fv_picture_info *info, const void *data, size_t size, const char *name, fv_error *err)
{
    enum AVCodecID id;
    fvi_media_jpeg_info turbo;
    fv_picture_info mine = {.size = sizeof mine};
    if (!info || info->size < sizeof mine) return fvi_error_set(err, FV_ERR_ARGUMENT, "the size of fv_picture_info is not set");
    if (!data || !name) return fvi_error_set(err, FV_ERR_ARGUMENT, "no picture given");
    fv_status st = probe(&mine, &id, &turbo, data, size, name, err);
    mine.size = info->size;
    *info = mine;
    return st;
}

fv_status fvi_media_reader_open(fv_picture_reader **out, fv_error *err)
{
    *out = NULL;
    fv_picture_reader *r = fvi_calloc(1, sizeof *r);
    if (r) r->pool = fvi_media_pool_create();
    if (!r || !r->pool) {
        fvi_free(r);
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    }
    *out = r;
    return FV_OK;
}

void fvi_media_reader_close(fv_picture_reader **r)
{
    if (!r || !*r) return;
    fvi_media_pool_close(&(*r)->pool);
    FVI_FREE(*r);
}

fv_status fvi_media_reader_read(fv_picture_reader *r, fv_frame *f, const void *data, size_t size, const fv_picture_options *opt,
                                const char *name, fv_error *err)
{
    fv_picture_options o = {.size = sizeof o};
    fv_picture_info mine = {.size = sizeof mine};
    fvi_media_jpeg_info turbo;
    enum AVCodecID id;
    *f = (fv_frame){0};
    FVI_TRY(fvi_options_read(&o, sizeof o, opt, "FV_PICTURE_OPTIONS", err));
    FVI_TRY(probe(&mine, &id, &turbo, data, size, name, err)); /* bytes are believed, not what somebody says of them */
    int64_t most = o.max_pixels > 0 && o.max_pixels < FVI_MEDIA_MAX_PIXELS ? o.max_pixels : FVI_MEDIA_MAX_PIXELS;
    if (mine.width > FVI_MEDIA_MAX_SIDE || mine.height > FVI_MEDIA_MAX_SIDE || (int64_t)mine.width * mine.height > most)
        return fvi_error_set(err, FV_ERR_LIMIT, "%s: %dx%d pixels are more than is read (%d a side, %.6g million in all)", name, mine.width, mine.height,
                             FVI_MEDIA_MAX_SIDE, (double)most * 1e-6);
    if (o.eighths && o.eighths != 8 && (!mine.eighths || (o.eighths != 1 && o.eighths != 2 && o.eighths != 4)))
        return fvi_error_set(err, FV_ERR_ARGUMENT, "%s: cannot be decoded at %d/8 of its size", name, o.eighths);
    fv_frame raw = {0};
    const fvi_media_orient orient = fvi_media_orient_exif(mine.orientation);
    /* turning halved chroma of odd sides would move it, and no frame has chroma halved in height alone */
    const bool whole = mine.eighths && (turbo.subsampling == TJSAMP_444 || turbo.subsampling == TJSAMP_GRAY);
    if (mine.eighths)
        FVI_TRY(fvi_media_jpeg_read(data, size, &turbo, o.eighths ? o.eighths : 8, o.planes && (fvi_media_upright(orient) || whole), r->pool, &raw, name, err));
    else
        FVI_TRY(fvi_media_still_read(id, data, size, most, r->pool, &raw, name, err));
    raw.range = FV_RANGE_FULL;
    raw.chroma = FV_CHROMA_CENTER;
    *f = raw;
    if (fvi_media_upright(orient)) return FV_OK;
    fv_status st = fvi_media_orient_frame(r->pool, f, &raw, orient);
    fvi_media_drop(&raw);
    if (st < 0) {
        *f = (fv_frame){0};
        return fvi_error_set(err, st, "%s: no memory to turn the picture", name);
    }
    return FV_OK;
}
