/* orient.c: pictures stored sideways or mirrored -> upright ones. The eight orientations of EXIF and of video display
 * matrices are two mirrors and a transpose. Called by the sources. */
#include "media/media.h"
#include <stdlib.h>
#include <string.h>

#define BLOCK 32 /* side of the tiles that a transpose walks, so that both pictures stay in the first cache */

fvi_media_orient fvi_media_orient_exif(int orientation)
{
    switch (orientation) {
    case 2: return (fvi_media_orient){.flip_x = true};
    case 3: return (fvi_media_orient){.flip_x = true, .flip_y = true};
    case 4: return (fvi_media_orient){.flip_y = true};
    case 5: return (fvi_media_orient){.transpose = true};
    case 6: return (fvi_media_orient){.flip_y = true, .transpose = true}; /* a quarter turn clockwise */
    case 7: return (fvi_media_orient){.flip_x = true, .flip_y = true, .transpose = true};
    case 8: return (fvi_media_orient){.flip_x = true, .transpose = true};
    default: return (fvi_media_orient){0};
    }
}

/* Matrix [a b u][c d v][x y w], 16.16: a stored pixel (x,y) is shown at (a x + c y, b x + d y). */
fvi_media_orient fvi_media_orient_matrix(const int32_t m[9])
{
    int64_t a = m[0], b = m[1], c = m[3], d = m[4];
    if (llabs(a) + llabs(d) >= llabs(b) + llabs(c)) return (fvi_media_orient){.flip_x = a < 0, .flip_y = d < 0};
    return (fvi_media_orient){.flip_x = b < 0, .flip_y = c < 0, .transpose = true};
}

static void flip_row(uint8_t *dst, const uint8_t *src, int width, int elem)
{
    for (int x = 0; x < width; x++)
        for (int k = 0; k < elem; k++) dst[(ptrdiff_t)x * elem + k] = src[(ptrdiff_t)(width - 1 - x) * elem + k];
}

/* elem is a constant in each caller, so that the copy becomes one move */
static inline void transpose_tile(uint8_t *dst, ptrdiff_t ds, const uint8_t *src, ptrdiff_t row, ptrdiff_t col, int nx, int ny, int elem)
{
    for (int x = 0; x < nx; x++)
        for (int y = 0; y < ny; y++) memcpy(dst + x * ds + (ptrdiff_t)y * elem, src + y * row + x * col, (size_t)elem);
}

/* `row`/`col`: steps through src after the mirrors, so they may be negative */
static void transpose_plane(uint8_t *dst, ptrdiff_t ds, const uint8_t *src, ptrdiff_t row, ptrdiff_t col, int width, int height, int elem)
{
    for (int y0 = 0; y0 < height; y0 += BLOCK)
        for (int x0 = 0; x0 < width; x0 += BLOCK) {
            int nx = width - x0 < BLOCK ? width - x0 : BLOCK, ny = height - y0 < BLOCK ? height - y0 : BLOCK;
            uint8_t *d = dst + x0 * ds + (ptrdiff_t)y0 * elem;
            const uint8_t *s = src + y0 * row + x0 * col;
            if (elem == 1)
                transpose_tile(d, ds, s, row, col, nx, ny, 1);
            else if (elem == 2)
                transpose_tile(d, ds, s, row, col, nx, ny, 2);
            else
                transpose_tile(d, ds, s, row, col, nx, ny, 3);
        }
}

void fvi_media_orient_plane(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, int width, int height, int elem,
                            fvi_media_orient o)
{
    const uint8_t *first = o.flip_y ? src + (ptrdiff_t)(height - 1) * src_stride : src;
    ptrdiff_t row = o.flip_y ? -src_stride : src_stride;
    if (o.transpose) {
        if (o.flip_x) first += (ptrdiff_t)(width - 1) * elem;
        transpose_plane(dst, dst_stride, first, row, o.flip_x ? -elem : elem, width, height, elem);
        return;
    }
    for (int y = 0; y < height; y++, first += row, dst += dst_stride) {
        if (o.flip_x)
            flip_row(dst, first, width, elem);
        else
            memcpy(dst, first, (size_t)width * (size_t)elem);
    }
}

fv_status fvi_media_orient_frame(fvi_media_pool *pool, fv_frame *dst, const fv_frame *src, fvi_media_orient o)
{
    *dst = *src;
    dst->release = NULL;
    int w = o.transpose ? src->height : src->width, h = o.transpose ? src->width : src->height;
    fv_status st = fvi_media_pool_frame(pool, dst, src->format, w, h);
    if (st < 0) return st;
    for (int i = 0; i < 3; i++) {
        int rows, bytes;
        fvi_media_plane_size(src->format, src->width, src->height, i, &rows, &bytes);
        int elem = src->format == FV_PIXEL_RGB || src->format == FV_PIXEL_BGR ? 3 : src->format == FV_PIXEL_NV12 && i == 1 ? 2 : 1;
        if (rows) fvi_media_orient_plane(dst->plane[i], dst->stride[i], src->plane[i], src->stride[i], bytes / elem, rows, elem, o);
    }
    /* chroma that sat left sits right, above or below now; centred is half a sample off at most */
    if (o.transpose || o.flip_x) dst->chroma = FV_CHROMA_CENTER;
    return FV_OK;
}
