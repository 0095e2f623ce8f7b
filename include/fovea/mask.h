/* mask.h: masks as COCO writes them: run lengths (RLE), their text form, polygons, areas and overlaps. The results are those
 * of pycocotools, bit for bit. */
#ifndef FOVEA_MASK_H
#define FOVEA_MASK_H
#include <fovea/detect.h>
#ifdef __cplusplus
extern "C" {
#endif

#define FV_RLE_MAX_SIDE 32768

/* A mask over a whole picture, column by column from the left, each from top to bottom: counts[0] pixels that are not the
 * thing, counts[1] that are, and so on; they add up to width * height. Zero-initialise; memory is kept between uses.
 * Threads: one at a time. */
typedef struct fv_rle {
    int width, height;
    uint32_t *counts; /* [n] owned */
    size_t n, capacity;
} fv_rle;
FV_API void fv_rle_clear(fv_rle *r); /* frees */

/* All of these overwrite *r. FV_ERR_ARGUMENT: a side is outside 1..FV_RLE_MAX_SIDE, or the mask reaches out of the picture;
 * FV_ERR_MEMORY. After a failure *r is empty. */
/* A mask of fv_detections: bits is its mask_bits. */
FV_API fv_status fv_rle_from_mask(fv_rle *r, int width, int height, const fv_mask *m, const uint8_t *bits);
/* xy [n][2] in pixels, closed by itself, any direction; crossings are inside as often as the even-odd rule says. FV_ERR_LIMIT: a corner is
 * further outside than the picture is large, or the outline is absurdly long. */
FV_API fv_status fv_rle_from_polygon(fv_rle *r, int width, int height, const double (*xy)[2], int n);
/* COCO's compressed text ("counts" of a segmentation). FV_ERR_INPUT: it is none, or does not fill the picture. */
FV_API fv_status fv_rle_from_text(fv_rle *r, int width, int height, const char *text);
/* COCO's list of counts. FV_ERR_INPUT: they do not fill the picture. */
FV_API fv_status fv_rle_from_counts(fv_rle *r, int width, int height, const uint32_t *counts, size_t n);
/* *r = what is in *r or in `other`. Sizes must be equal. */
FV_API fv_status fv_rle_join(fv_rle *r, const fv_rle *other);

/* Compressed text into buf, always terminated when size > 0; returns the length that it needs, as snprintf does. */
FV_API size_t fv_rle_text(const fv_rle *r, char *buf, size_t size);
/* Pixels 0 or 1 into [height] rows of `stride` bytes. */
FV_API void fv_rle_decode(const fv_rle *r, uint8_t *pixels, ptrdiff_t stride);
FV_API int64_t fv_rle_area(const fv_rle *r);
FV_API void fv_rle_box(const fv_rle *r, int *x, int *y, int *width, int *height); /* all 0 when it is empty */
/* Intersection over union; over the area of `a` alone when `crowd` says that `b` is a crowd. Sizes must be equal, else 0. */
FV_API double fv_rle_iou(const fv_rle *a, const fv_rle *b, int crowd);
#ifdef __cplusplus
}
#endif
#endif
