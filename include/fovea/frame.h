/* frame.h: one decoded picture: planes, strides, colour. */
#ifndef FOVEA_FRAME_H
#define FOVEA_FRAME_H
#include <fovea/status.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#define FV_FRAME_PAD 64 /* bytes readable past the last row of every plane of frames that fovea makes */

/* Plane layout in brackets; half sizes of odd ones round up. 8 bits a sample up to BGRA and GBRP; 16 bits little endian in the others. What
 * sources hand out is one of the first five, and those are what painter, sink and picture writer take; a detector takes them all. */
typedef enum fv_pixel_format {
    FV_PIXEL_NONE,
    FV_PIXEL_I420, /* [Y h,w][U h/2,w/2][V h/2,w/2] */
    FV_PIXEL_NV12, /* [Y h,w][UV h/2,w/2,2] */
    FV_PIXEL_RGB,  /* [h,w,3] */
    FV_PIXEL_BGR,  /* [h,w,3] */
    FV_PIXEL_GRAY, /* [h,w] */
    FV_PIXEL_NV21, /* [Y h,w][VU h/2,w/2,2] */
    FV_PIXEL_I422, /* [Y h,w][U h,w/2][V h,w/2] */
    FV_PIXEL_I444, /* [Y h,w][U h,w][V h,w] */
    FV_PIXEL_YUYV, /* [h,w/2,4]: Y U Y V */
    FV_PIXEL_UYVY, /* [h,w/2,4]: U Y V Y */
    FV_PIXEL_P010, /* NV12 with 10 (or more) bits at the top of 16 */
    FV_PIXEL_I010, /* I420 with 10 bits at the bottom of 16 */
    FV_PIXEL_RGBA, /* [h,w,4]; the fourth is not looked at */
    FV_PIXEL_BGRA, /* [h,w,4] */
    FV_PIXEL_GBRP, /* [G h,w][B h,w][R h,w] */
    FV_PIXEL_GRAY16 /* [h,w], 0..65535 */
} fv_pixel_format;
typedef enum fv_color_matrix { FV_COLOR_BT601, FV_COLOR_BT709, FV_COLOR_BT2020 } fv_color_matrix;
typedef enum fv_color_range { FV_RANGE_LIMITED, FV_RANGE_FULL } fv_color_range; /* full: also "J" formats such as J420 */
typedef enum fv_chroma_site { FV_CHROMA_LEFT, FV_CHROMA_CENTER } fv_chroma_site; /* MPEG-2/H.264: left; JPEG: centre */

/* Shared: reference counted when release is set; copies of the struct share one reference.
 * Planes that a source hands out are read-only: the decoder may still predict from them. Copy a frame
 * (fv_frame_copy) before painting it; planes from fv_frame_alloc are yours to write. */
typedef struct fv_frame {
    fv_pixel_format format;
    int width, height;
    uint8_t *plane[3];
    ptrdiff_t stride[3]; /* bytes a row, may be larger than the row */
    fv_color_matrix matrix;
    fv_color_range range;
    fv_chroma_site chroma;
    int64_t index; /* 0-based frame number in its source, counting every decoded frame */
    double pts;    /* seconds from the first frame */
    double wall;   /* UTC seconds for live sources, 0 otherwise */
    int64_t decode_ns; /* time decoding it took */
    int64_t born_ns;   /* monotonic clock when it became available, for end-to-end latency */
    void (*release)(struct fv_frame *f); /* null = planes are borrowed */
    void *opaque;
} fv_frame;

/* Allocates planes (64-byte aligned rows, FV_FRAME_PAD readable past the end). owned: fv_frame_release. Limits: 1..32768 a side. */
FV_API fv_status fv_frame_alloc(fv_frame *f, fv_pixel_format format, int width, int height);
/* Calls f->release if set and clears the planes. */
FV_API void fv_frame_release(fv_frame *f);
/* Picture and stamps of src into dst's own memory, which is kept from call to call while format and size stay the same. dst:
 * all zero at first; owned: fv_frame_release. Does not allocate once sizes have settled. FV_ERR_MEMORY leaves dst empty. */
FV_API fv_status fv_frame_copy(fv_frame *dst, const fv_frame *src);
/* The same in another format: RGB, BGR or GRAY, full range, to show or keep it; from one of the first five, by its matrix, range and chroma
 * siting. dst as in fv_frame_copy. FV_ERR_ARGUMENT: other formats. Plain C, some ms for a 1080p frame: not for the way to a network. */
FV_API fv_status fv_frame_convert(fv_frame *dst, fv_pixel_format to, const fv_frame *src);
FV_API const char *fv_pixel_format_name(fv_pixel_format format);
#ifdef __cplusplus
}
#endif
#endif
