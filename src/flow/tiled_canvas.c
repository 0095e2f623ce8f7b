/* tiled_canvas.c: regions -> a picture at the same scale, sample by sample: places are even, so chroma goes with its luma. Called by
 * tiled_look.c. */
#include "flow/tiled_canvas.h"
#include "image/frame.h"
#include "image/pixel.h"
#include <string.h>

#define GREY 114 /* what letterboxing pads with */

static void paint_grey(fv_frame *c, const fvi_pixel *px)
{
    for (int i = 0; i < px->planes; i++) {
        size_t row, rows;
        fvi_pixel_plane(px, i, c->width, c->height, &row, &rows);
        for (size_t y = 0; y < rows; y++) memset(c->plane[i] + (ptrdiff_t)y * c->stride[i], i && px->yuv ? 128 : GREY, row);
    }
}

static void copy_region(fv_frame *c, const fv_frame *f, const fvi_pixel *px, const fvi_region *r)
{
    for (int i = 0; i < px->planes; i++) {
        int sx = px->plane[i].sub_x, sy = px->plane[i].sub_y, bytes = px->plane[i].bytes;
        size_t row = (size_t)((r->width + (1 << sx) - 1) >> sx) * (size_t)bytes;
        int rows = (r->height + (1 << sy) - 1) >> sy;
        for (int y = 0; y < rows; y++)
            memcpy(c->plane[i] + ((r->at_y >> sy) + y) * c->stride[i] + (ptrdiff_t)(r->at_x >> sx) * bytes,
                   f->plane[i] + ((r->y >> sy) + y) * f->stride[i] + (ptrdiff_t)(r->x >> sx) * bytes, row);
    }
}

fv_status fvi_canvas_begin(fv_frame *c, const fv_frame *f, int width, int height)
{
    fv_status st = fvi_image_reuse(c, f->format, width, height);
    if (st < 0) return st;
    fvi_image_stamps(c, f);
    paint_grey(c, fvi_pixel_of(f->format));
    return FV_OK;
}

void fvi_canvas_add(fv_frame *c, const fv_frame *f, const fvi_region *r, int n, int canvas)
{
    for (int i = 0; i < n; i++)
        if (r[i].canvas == canvas) copy_region(c, f, fvi_pixel_of(f->format), &r[i]);
}

bool fvi_canvas_cut(float box[4], const fvi_region *r)
{
    float x1 = (float)r->at_x, y1 = (float)r->at_y, x2 = (float)(r->at_x + r->width), y2 = (float)(r->at_y + r->height);
    float mx = 0.5f * (box[0] + box[2]), my = 0.5f * (box[1] + box[3]);
    if (!(mx >= x1 && mx < x2 && my >= y1 && my < y2)) return false;
    box[0] = box[0] > x1 ? box[0] : x1;
    box[1] = box[1] > y1 ? box[1] : y1;
    box[2] = box[2] < x2 ? box[2] : x2;
    box[3] = box[3] < y2 ? box[3] : y2;
    return true;
}
