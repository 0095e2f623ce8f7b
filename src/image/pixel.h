/* pixel.h: how the samples of every fv_pixel_format lie in memory: one table for allocating, copying, checking and preparing. */
#ifndef FVI_IMAGE_PIXEL_H
#define FVI_IMAGE_PIXEL_H
#include <fovea/frame.h>
#include <stdbool.h>

/* What prep's loops get to see, straight from memory or after unpacking a row. */
typedef enum fvi_pixel_kind {
    FVI_PIXELS_GRAY,   /* one line */
    FVI_PIXELS_RGB,    /* one row of three samples a pixel, red or blue first */
    FVI_PIXELS_PLANES, /* three rows of their own: Y, U, V, or G, B, R */
    FVI_PIXELS_PAIRS   /* a row of Y, and one of U and V in turn */
} fvi_pixel_kind;

/* Unpacks n samples (pixels, or pairs) of a row into bytes. */
typedef void (*fvi_pixel_unpack)(uint8_t *dst, const uint8_t *src, int n);

typedef struct fvi_pixel {
    const char *name;
    fvi_pixel_kind kind;
    bool yuv, swap;       /* swap: blue before red, or V before U */
    int planes;
    struct {
        int bytes, sub_x; /* a group of 1 << sub_x pixels of a row takes so many bytes */
        int sub_y;
    } plane[3];
    int chroma_x, chroma_y; /* log2: luma samples to a chroma sample */
    fvi_pixel_unpack luma, chroma; /* null: bytes as they are. Packed formats: both read plane 0 */
    bool packed;
    int narrow;               /* bits by which words become bytes, rounded; what luma and chroma do. 0 = no words */
} fvi_pixel;

/* Null: no such format. */
const fvi_pixel *fvi_pixel_of(fv_pixel_format format);
/* Rows of a plane and bytes of each; 0 when the format has no such plane. */
void fvi_pixel_plane(const fvi_pixel *p, int plane, int width, int height, size_t *row_bytes, size_t *rows);
#endif
