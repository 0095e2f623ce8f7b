/* frame.c: memory for frames. One block holds all planes; `opaque` keeps it, `release` gives it back.
 * Called by everything that makes pictures: media copies, tests, the public API. */
#include "base/alloc.h"
#include "base/checked.h"
#include "image/frame.h"
#include "image/pixel.h"
#include <string.h>

#define FRAME_SIDE_MAX 32768

static void frame_free(fv_frame *f) { fvi_free(f->opaque); }

fv_status fv_frame_alloc(fv_frame *f, fv_pixel_format format, int width, int height)
{
    if (!f) return FV_ERR_ARGUMENT;
    memset(f, 0, sizeof *f);
    const fvi_pixel *p = fvi_pixel_of(format);
    if (!p) return FV_ERR_ARGUMENT;
    if (width < 1 || height < 1) return FV_ERR_ARGUMENT;
    if (width > FRAME_SIDE_MAX || height > FRAME_SIDE_MAX) return FV_ERR_LIMIT;
    size_t stride[3], at[3], total = 0;
    for (int i = 0; i < 3; i++) {
        size_t row_bytes, rows;
        fvi_pixel_plane(p, i, width, height, &row_bytes, &rows);
        stride[i] = fvi_round_up(row_bytes, FVI_ALIGN);
        at[i] = total;
        if (rows) total += stride[i] * rows + FV_FRAME_PAD; /* the pad keeps the next plane aligned */
    }
    uint8_t *block = fvi_alloc(total);
    if (!block) return FV_ERR_MEMORY;
    for (int i = 0; i < 3; i++) {
        if (!stride[i]) continue;
        f->plane[i] = block + at[i];
        f->stride[i] = (ptrdiff_t)stride[i];
    }
    f->format = format;
    f->width = width;
    f->height = height;
    f->release = frame_free;
    f->opaque = block;
    return FV_OK;
}

void fv_frame_release(fv_frame *f)
{
    if (!f) return;
    if (f->release) f->release(f);
    memset(f->plane, 0, sizeof f->plane);
    memset(f->stride, 0, sizeof f->stride);
    f->release = NULL;
    f->opaque = NULL;
}

fv_status fvi_image_reuse(fv_frame *dst, fv_pixel_format format, int width, int height)
{
    if (dst->plane[0] && dst->release == frame_free && dst->format == format && dst->width == width && dst->height == height) return FV_OK;
    fv_frame_release(dst);
    return fv_frame_alloc(dst, format, width, height);
}

void fvi_image_stamps(fv_frame *dst, const fv_frame *src)
{
    dst->matrix = src->matrix;
    dst->range = src->range;
    dst->chroma = src->chroma;
    dst->index = src->index;
    dst->pts = src->pts;
    dst->wall = src->wall;
    dst->decode_ns = src->decode_ns;
    dst->born_ns = src->born_ns;
}

fv_status fv_frame_copy(fv_frame *dst, const fv_frame *src)
{
    if (!dst || !src || dst == src || !src->plane[0]) return FV_ERR_ARGUMENT;
    const fvi_pixel *p = fvi_pixel_of(src->format);
    fv_status st = fvi_image_reuse(dst, src->format, src->width, src->height);
    if (st < 0) return st;
    for (int i = 0; i < 3; i++) {
        size_t row, rows;
        fvi_pixel_plane(p, i, src->width, src->height, &row, &rows);
        for (size_t y = 0; y < rows; y++) memcpy(dst->plane[i] + (ptrdiff_t)y * dst->stride[i], src->plane[i] + (ptrdiff_t)y * src->stride[i], row);
    }
    fvi_image_stamps(dst, src);
    return FV_OK;
}

const char *fv_pixel_format_name(fv_pixel_format format)
{
    const fvi_pixel *p = fvi_pixel_of(format);
    return p ? p->name : "none";
}
