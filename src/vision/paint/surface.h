/* surface.h: antialiased shapes blended straight into the planes of a frame, clipped at its borders.
 *
 * Every shape becomes 8-bit coverage for a pair of rows at a time; luma (or RGB) blends with it, subsampled chroma with
 * the mean of each 2x2 block. Coordinates are pixel edges: pixel (0,0) covers 0..1. */
#ifndef FVI_VISION_PAINT_SURFACE_H
#define FVI_VISION_PAINT_SURFACE_H
#include <fovea/frame.h>
#include <stdbool.h>

typedef struct fvi_surface {
    fv_frame frame;     /* copy of the caller's struct; planes are the caller's */
    uint8_t *cov[2];    /* [width + 2] coverage of rows y and y + 1 */
    float *acc;         /* [width + 4] area sums of a polygon row */
    float *cross;       /* [cross_cap] crossings of a polygon row */
    int cap_width, cross_cap;
} fvi_surface;

typedef struct fvi_rgb { uint8_t r, g, b; } fvi_rgb;
/* A colour in the frame's own planes, and how strongly it covers. */
typedef struct fvi_ink { uint8_t c[3], alpha; } fvi_ink;
typedef struct fvi_dot { float x, y, strength; } fvi_dot; /* strength 0..1 */

/* Checks the frame and makes row buffers for it; allocates only when it is wider than any before. */
fv_status fvi_surface_begin(fvi_surface *s, const fv_frame *f);
fv_status fvi_surface_reserve_points(fvi_surface *s, int n); /* polygons of up to n points */
void fvi_surface_free(fvi_surface *s);
fvi_ink fvi_surface_ink(const fvi_surface *s, fvi_rgb color, int alpha);

/* Filled rectangle [x0,x1) x [y0,y1) with round corners. */
void fvi_surface_plate(fvi_surface *s, int x0, int y0, int x1, int y1, int radius, fvi_ink ink);
/* Outline of it, `width` pixels inwards from the edge. */
void fvi_surface_ring(fvi_surface *s, int x0, int y0, int x1, int y1, int radius, int width, fvi_ink ink);
/* Round-ended thick polyline; one dot is a disc. Overlaps of its own parts are not blended twice. */
void fvi_surface_path(fvi_surface *s, const fvi_dot *dots, int n, float width, fvi_ink ink);
/* Even-odd filled polygon, [n][2]; n within the reserved number. */
void fvi_surface_polygon(fvi_surface *s, const float *xy, int n, fvi_ink ink);
/* Picture of zeros and ones, as of a mask. */
void fvi_surface_bits(fvi_surface *s, int x, int y, const uint8_t *bits, int w, int h, fvi_ink ink);
/* 8-bit coverage picture, as of a glyph. */
void fvi_surface_mask(fvi_surface *s, int x, int y, const uint8_t *coverage, int w, int h, fvi_ink ink);
#endif
