/* orient.c: pictures stored sideways or mirrored -> upright ones. The eight orientations of EXIF and of video display
 * matrices are two mirrors and a transpose. Called by the sources. */
#include "media/media.h"
#include <stdlib.h>
#include <string.h>

#define BLOCK 64 /* side of the tiles that a transpose walks, so that both pictures stay in the first cache */

fvi_media_orient fvi_media_orient_exif(int orientation)
{
    switch (orientation) {
    case 2:
        return (fvi_media_orient){.flip_x = true};
    case 3:
        return (fvi_media_orient){.flip_x = true, .flip_y = true};
    case 4:
        return (fvi_media_orient){.flip_y = true};
    case 5:
        return (fvi_media_orient){.transpose = true};
    case 6:
        return (fvi_media_orient){.flip_y = true, .transpose = true}; /* a quarter turn clockwise */
    case 7:
        return (fvi_media_orient){.flip_x = true, .flip_y = true, .transpose = true};
    case 8:
        return (fvi_media_orient){.flip_x = true, .transpose = true};
    default:
        return (fvi_media_orient){0};
    }
}

/* Matrix [a b u][c d v][x y w], 16.16: a stored pixel (x,y) is shown at (a x + c y, b x + d y). */
fvi_media_orient fvi_media_orient_matrix(const int32_t m[9])
{
    int64_t a = m[0], b = m[1], c = m[3], d = m[4];
    if (llabs(a) + llabs(d) >= llabs(b) + llabs(c)) return (fvi_media_orient){.flip_x = a < 0, .flip_y = d < 0};
    return (fvi_media_orient){.flip_x = b < 0, .flip_y = c < 0, .transpose = true};
}

/* elem is a constant in each caller below, so that a copy becomes one move */
static inline void flip_row_of(uint8_t *dst, const uint8_t *src, int width, int elem)
{
    const uint8_t *s = src + (ptrdiff_t)(width - 1) * elem;
    for (int x = 0; x < width; x++, dst += elem, s -= elem) memcpy(dst, s, (size_t)elem);
}

static void flip_row(uint8_t *dst, const uint8_t *src, int width, int elem)
{
    int x = 0;
    if (elem == 1)
        for (uint64_t v; x + 8 <= width; x += 8) {
            memcpy(&v, src + width - 8 - x, 8);
            v = __builtin_bswap64(v);
            memcpy(dst + x, &v, 8);
        }
    if (elem == 1)
        flip_row_of(dst + x, src, width - x, 1);
    else if (elem == 2)
        flip_row_of(dst, src, width, 2);
    else
        flip_row_of(dst, src, width, 3);
}

/* dst[x][y] = src[y][x] */
static inline void transpose_any(uint8_t *dst, ptrdiff_t ds, const uint8_t *src, ptrdiff_t ss, int nx, int ny, int elem)
{
    for (int x = 0; x < nx; x++)
        for (int y = 0; y < ny; y++)
            memcpy(dst + x * ds + (ptrdiff_t)y * elem, src + y * ss + (ptrdiff_t)x * elem, (size_t)elem);
}

/* Swaps the off-diagonal blocks of `bits` bits between two rows. */
static inline void swap_blocks(uint64_t *a, uint64_t *b, int bits, uint64_t mask)
{
    uint64_t t = (*a >> bits ^ *b) & mask;
    *b ^= t;
    *a ^= t << bits;
}

/* 8x8 bytes in eight registers: blocks of 4, of 2, of 1 */
static void transpose_8x8(uint8_t *dst, ptrdiff_t ds, const uint8_t *src, ptrdiff_t ss)
{
    uint64_t r[8];
    for (int i = 0; i < 8; i++) memcpy(&r[i], src + i * ss, 8);
    for (int i = 0; i < 4; i++) swap_blocks(&r[i], &r[i + 4], 32, 0x00000000FFFFFFFF);
    for (int i = 0; i < 8; i += 4)
        for (int k = 0; k < 2; k++) swap_blocks(&r[i + k], &r[i + k + 2], 16, 0x0000FFFF0000FFFF);
    for (int i = 0; i < 8; i += 2) swap_blocks(&r[i], &r[i + 1], 8, 0x00FF00FF00FF00FF);
    for (int i = 0; i < 8; i++) memcpy(dst + i * ds, &r[i], 8);
}

static void transpose_block(uint8_t *dst, ptrdiff_t ds, const uint8_t *src, ptrdiff_t ss, int nx, int ny, int elem)
{
    bool fast = elem == 1 && nx % 8 == 0 && ny % 8 == 0 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    if (fast) {
        for (int y = 0; y < ny; y += 8)
            for (int x = 0; x < nx; x += 8) transpose_8x8(dst + x * ds + y, ds, src + y * ss + x, ss);
    } else if (elem == 1) {
        transpose_any(dst, ds, src, ss, nx, ny, 1);
    } else if (elem == 2) {
        transpose_any(dst, ds, src, ss, nx, ny, 2);
    } else {
        transpose_any(dst, ds, src, ss, nx, ny, 3);
    }
}

void fvi_media_orient_plane(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, int width,
                            int height, int elem, fvi_media_orient o)
{
    if (o.flip_y) {
        src += (ptrdiff_t)(height - 1) * src_stride;
        src_stride = -src_stride;
    }
    if (!o.transpose) {
        for (int y = 0; y < height; y++, src += src_stride, dst += dst_stride) {
            if (o.flip_x)
                flip_row(dst, src, width, elem);
            else
                memcpy(dst, src, (size_t)width * (size_t)elem);
        }
        return;
    }
    if (o.flip_x) { /* columns of src from the right are rows of dst from below */
        dst += (ptrdiff_t)(width - 1) * dst_stride;
        dst_stride = -dst_stride;
    }
    for (int y = 0; y < height; y += BLOCK)
        for (int x = 0; x < width; x += BLOCK) {
            int nx = width - x < BLOCK ? width - x : BLOCK, ny = height - y < BLOCK ? height - y : BLOCK;
            transpose_block(dst + x * dst_stride + (ptrdiff_t)y * elem, dst_stride,
                            src + y * src_stride + (ptrdiff_t)x * elem, src_stride, nx, ny, elem);
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
        int elem = src->format == FV_PIXEL_RGB || src->format == FV_PIXEL_BGR ? 3
                   : src->format == FV_PIXEL_NV12 && i == 1                   ? 2
                                                                              : 1;
        if (rows)
            fvi_media_orient_plane(dst->plane[i], dst->stride[i], src->plane[i], src->stride[i], bytes / elem, rows,
                                   elem, o);
    }
    /* chroma that sat left sits right, above or below now; centred is half a sample off at most */
    if (o.transpose || o.flip_x) dst->chroma = FV_CHROMA_CENTER;
    return FV_OK;
}
