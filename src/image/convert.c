/* convert.c: a frame in another pixel format: YUV to RGB, BGR or gray for those who show or keep pictures. The network never comes
 * here: prep reads YUV itself. Chroma is interpolated where its samples lie (left or centre), colours by the frame's matrix and range. */
#include "base/checked.h"
#include "image/frame.h"
#include <stdbool.h>
#include <string.h>

#define BLOCK 256 /* chroma samples of a row at a time */
#define BITS 14   /* of the coefficients' fractions */

/* All times 2^BITS; chroma comes in 16ths of a sample. */
typedef struct yuv {
    int y_scale, y_offset, r_cr, g_cb, g_cr, b_cb;
} yuv;

static int fixed(double v) { return (int)(v * (1 << BITS) + (v < 0 ? -0.5 : 0.5)); }

static yuv coefficients(const fv_frame *f)
{
    static const double k[][2] = {[FV_COLOR_BT601] = {0.299, 0.114}, [FV_COLOR_BT709] = {0.2126, 0.0722}, [FV_COLOR_BT2020] = {0.2627, 0.0593}};
    bool full = f->range == FV_RANGE_FULL;
    const double *m = k[f->matrix <= FV_COLOR_BT2020 ? f->matrix : FV_COLOR_BT601];
    double kr = m[0], kb = m[1], kg = 1 - kr - kb, c = (full ? 1.0 : 255.0 / 224) / 16;
    return (yuv){.y_scale = fixed(full ? 1.0 : 255.0 / 219), .y_offset = full ? 0 : 16, .r_cr = fixed(2 * (1 - kr) * c), .g_cb = fixed(-2 * (1 - kb) * kb / kg * c),
                 .g_cr = fixed(-2 * (1 - kr) * kr / kg * c), .b_cb = fixed(2 * (1 - kb) * c)};
}

static uint8_t clip(int v)
{
    v = (v + (1 << (BITS - 1))) >> BITS;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* Chroma rows around luma row y: near counts three times, far once. */
static void chroma_rows(int y, int rows, int *near, int *far)
{
    *near = y / 2;
    *far = fvi_clamp_int(y % 2 ? y / 2 + 1 : y / 2 - 1, 0, rows - 1);
}

/* Sample i of the block, blended of two rows, minus 128: in quarters. */
static int blend(const uint8_t *near, const uint8_t *far, int at) { return 3 * near[at] + far[at] - 512; }

/* One row of chroma, columns [first, first + n) and one more on each side, into out[1 …]; quarters of a sample. */
static void chroma_block(const fv_frame *f, int y, int plane, int step, int offset, int first, int n, int *out)
{
    int cw = (f->width + 1) / 2, ch = (f->height + 1) / 2, near, far;
    chroma_rows(y, ch, &near, &far);
    const uint8_t *a = f->plane[plane] + near * f->stride[plane] + offset, *b = f->plane[plane] + far * f->stride[plane] + offset;
    for (int i = -1; i <= n; i++) out[i + 1] = blend(a, b, fvi_clamp_int(first + i, 0, cw - 1) * step);
}

/* Between samples, in 16ths: at a left-sited even column lies a sample. */
static int between(const int *c, int i, bool odd, bool left)
{
    if (left) return odd ? 2 * (c[i] + c[i + 1]) : 4 * c[i];
    return 3 * c[i] + c[odd ? i + 1 : i - 1];
}

static void rgb_row(const fv_frame *f, const yuv *k, int y, uint8_t *to, bool bgr)
{
    bool left = f->chroma == FV_CHROMA_LEFT, nv12 = f->format == FV_PIXEL_NV12;
    const uint8_t *luma = f->plane[0] + y * f->stride[0];
    int cb[BLOCK + 2], cr[BLOCK + 2];
    for (int x0 = 0; x0 < f->width; x0 += 2 * BLOCK) {
        int x1 = f->width - x0 < 2 * BLOCK ? f->width : x0 + 2 * BLOCK, n = (x1 - x0 + 1) / 2;
        chroma_block(f, y, 1, nv12 ? 2 : 1, 0, x0 / 2, n, cb);
        chroma_block(f, y, nv12 ? 1 : 2, nv12 ? 2 : 1, nv12 ? 1 : 0, x0 / 2, n, cr);
        for (int x = x0; x < x1; x++) {
            int i = (x - x0) / 2 + 1, u = between(cb, i, x % 2, left), v = between(cr, i, x % 2, left);
            int l = (luma[x] - k->y_offset) * k->y_scale;
            uint8_t r = clip(l + k->r_cr * v), g = clip(l + k->g_cb * u + k->g_cr * v), b = clip(l + k->b_cb * u);
            to[3 * x] = bgr ? b : r;
            to[3 * x + 1] = g;
            to[3 * x + 2] = bgr ? r : b;
        }
    }
}

/* Gray pictures are as bright as they say; full range, as pictures are. */
static void gray_row(const fv_frame *f, const yuv *k, int y, uint8_t *to)
{
    const uint8_t *p = f->plane[0] + y * f->stride[0];
    int r = f->format == FV_PIXEL_RGB ? 0 : 2;
    if (f->format == FV_PIXEL_GRAY)
        memcpy(to, p, (size_t)f->width);
    else if (f->format == FV_PIXEL_RGB || f->format == FV_PIXEL_BGR)
        for (int x = 0; x < f->width; x++) to[x] = (uint8_t)((4899 * p[3 * x + r] + 9617 * p[3 * x + 1] + 1868 * p[3 * x + 2 - r] + 8192) >> BITS); /* BT.601 */
    else
        for (int x = 0; x < f->width; x++) to[x] = clip((p[x] - k->y_offset) * k->y_scale);
}

static void color_row(const fv_frame *f, const yuv *k, int y, uint8_t *to, bool bgr)
{
    const uint8_t *p = f->plane[0] + y * f->stride[0];
    bool swap = f->format != (bgr ? FV_PIXEL_BGR : FV_PIXEL_RGB);
    if (f->format == FV_PIXEL_GRAY)
        for (int x = 0; x < f->width; x++) to[3 * x] = to[3 * x + 1] = to[3 * x + 2] = p[x];
    else if (f->format == FV_PIXEL_RGB || f->format == FV_PIXEL_BGR)
        for (int x = 0; x < f->width; x++) {
            to[3 * x] = p[3 * x + (swap ? 2 : 0)];
            to[3 * x + 1] = p[3 * x + 1];
            to[3 * x + 2] = p[3 * x + (swap ? 0 : 2)];
        }
    else
        rgb_row(f, k, y, to, bgr);
}

fv_status fv_frame_convert(fv_frame *dst, fv_pixel_format to, const fv_frame *src)
{
    if (!dst || !src || dst == src || !src->plane[0]) return FV_ERR_ARGUMENT;
    if (to == src->format) return fv_frame_copy(dst, src);
    if (src->format <= FV_PIXEL_NONE || src->format > FV_PIXEL_GRAY) return FV_ERR_ARGUMENT;
    if (to != FV_PIXEL_RGB && to != FV_PIXEL_BGR && to != FV_PIXEL_GRAY) return FV_ERR_ARGUMENT;
    fv_status st = fvi_image_reuse(dst, to, src->width, src->height);
    if (st < 0) return st;
    yuv k = coefficients(src);
    for (int y = 0; y < src->height; y++) {
        uint8_t *row = dst->plane[0] + y * dst->stride[0];
        if (to == FV_PIXEL_GRAY)
            gray_row(src, &k, y, row);
        else
            color_row(src, &k, y, row, to == FV_PIXEL_BGR);
    }
    fvi_image_stamps(dst, src);
    dst->range = FV_RANGE_FULL;
    return FV_OK;
}
