/* grid.c: where tiles lie. All have one size, so that the network sees pictures of one kind and no tables are made anew; the
 * first begins at the frame's edge, the last ends at the other, and the rest are spread evenly between. Called by flow's tiled detector. */
#include "vision/tiles/grid.h"
#include "base/checked.h"
#include "base/error.h"
#include <math.h>

#define OVERLAP 0.2
#define MOST_OVERLAP 0.95
#define LEAST_SIDE 16
#define MOST_SIDE 32768

static double overlap_of(float asked) { return asked == 0 ? OVERLAP : asked < 0 ? 0 : (double)asked; }

fv_status fvi_tiles_check(const fv_tile_options *o, fv_error *err)
{
    if ((unsigned)o->tiling > FV_TILES_SIZE || (unsigned)o->merge > FV_MERGE_GREEDYNMM || (unsigned)o->metric > FV_METRIC_IOU)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "tiling, merge or metric has a value that does not exist");
    for (int i = 0; i < 2; i++) {
        float v = i ? o->overlap_h : o->overlap_w;
        if (!(overlap_of(v) < MOST_OVERLAP))
            return fvi_error_set(err, FV_ERR_ARGUMENT, "tiles cannot overlap by %g of their %s: it is less than %g", (double)v, i ? "height" : "width", MOST_OVERLAP);
    }
    if (!(o->threshold >= 0 && o->threshold <= 1)) return fvi_error_set(err, FV_ERR_ARGUMENT, "boxes of tiles match from an overlap of 0 to 1, not %g", (double)o->threshold);
    if (o->tiling == FV_TILES_GRID && (o->cols < 1 || o->rows < 1 || o->cols > FV_TILES_MAX || o->rows > FV_TILES_MAX / o->cols))
        return fvi_error_set(err, FV_ERR_ARGUMENT, "%dx%d tiles: there can be 1 to %d", o->cols, o->rows, FV_TILES_MAX);
    for (int i = 0; i < 2 && o->tiling == FV_TILES_SIZE; i++) {
        int v = i ? o->height : o->width;
        if (v && (v < LEAST_SIDE || v > MOST_SIDE))
            return fvi_error_set(err, FV_ERR_ARGUMENT, "a tile %d pixels %s: it is %d to %d", v, i ? "high" : "wide", LEAST_SIDE, MOST_SIDE);
    }
    if (!(o->refresh_s >= 0 && o->refresh_s <= 3600) || !(o->budget_ms >= 0 && o->budget_ms <= 3.6e6f))
        return fvi_error_set(err, FV_ERR_ARGUMENT, "every tile in %g s and %g ms a frame: both are 0 (the default) up to an hour", (double)o->refresh_s, (double)o->budget_ms);
    if (o->sources < 0 || o->sources > FV_TILE_SOURCES_MAX)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "%d sources watched at the same time: there can be 1 to %d", o->sources, FV_TILE_SOURCES_MAX);
    if (o->groups < FV_TILE_GROUPS_AUTO || o->groups > 64) return fvi_error_set(err, FV_ERR_ARGUMENT, "%d groups of tiles: there can be 1 to 64", o->groups);
    return FV_OK;
}

/* Tiles of `side` that cover `length`, each sharing `overlap` of itself with the next. */
static int count_of(int length, int side, double overlap)
{
    if (side >= length) return 1;
    int shared = (int)ceil(overlap * side - 1e-6), step = side - shared;
    if (step < 1) step = 1;
    return 1 + (length - side + step - 1) / step;
}

/* The least side with which n tiles cover `length`. */
static int side_of(int length, int n, double overlap)
{
    int side = (int)ceil(length / (1 + (n - 1) * (1 - overlap)) - 1e-6);
    while (side < length && count_of(length, side, overlap) > n) side++;
    return side;
}

fv_status fvi_tiles_grid_of(fvi_tiles_grid *g, const fv_tile_options *o, int input_w, int input_h, int frame_w, int frame_h, fv_error *err)
{
    double ow = overlap_of(o->overlap_w), oh = overlap_of(o->overlap_h);
    *g = (fvi_tiles_grid){1, 1, frame_w, frame_h};
    if (o->tiling == FV_TILES_NONE) return FV_OK;
    if (o->tiling == FV_TILES_GRID) {
        if (frame_w / o->cols < 1 || frame_h / o->rows < 1)
            return fvi_error_set(err, FV_ERR_ARGUMENT, "%dx%d tiles do not fit into a frame of %dx%d pixels", o->cols, o->rows, frame_w, frame_h);
        *g = (fvi_tiles_grid){o->cols, o->rows, side_of(frame_w, o->cols, ow), side_of(frame_h, o->rows, oh)};
        return FV_OK;
    }
    int w = o->tiling == FV_TILES_SIZE && o->width ? o->width : input_w, h = o->tiling == FV_TILES_SIZE && o->height ? o->height : input_h;
    g->width = w < frame_w ? w : frame_w;
    g->height = h < frame_h ? h : frame_h;
    g->cols = count_of(frame_w, g->width, ow);
    g->rows = count_of(frame_h, g->height, oh);
    if (g->cols > FV_TILES_MAX || g->rows > FV_TILES_MAX / g->cols)
        return fvi_error_set(err, FV_ERR_LIMIT, "a frame of %dx%d would have %dx%d tiles of %dx%d; there can be %d", frame_w, frame_h, g->cols, g->rows, g->width,
                             g->height, FV_TILES_MAX);
    return FV_OK;
}

fvi_tile fvi_tiles_part(int x, int y, int width, int height, int frame_w, int frame_h)
{
    fvi_tile t = {x, y, width, height, 0};
    t.seams = (x > 0 ? FVI_SEAM_LEFT : 0u) | (y > 0 ? FVI_SEAM_TOP : 0u) | (x + width < frame_w ? FVI_SEAM_RIGHT : 0u) |
              (y + height < frame_h ? FVI_SEAM_BOTTOM : 0u);
    return t;
}

fvi_tile fvi_tiles_at(const fvi_tiles_grid *g, int i, int frame_w, int frame_h)
{
    const int c = i % g->cols, r = i / g->cols;
    const int x = g->cols > 1 ? (int)((int64_t)c * (frame_w - g->width) / (g->cols - 1)) : 0;
    const int y = g->rows > 1 ? (int)((int64_t)r * (frame_h - g->height) / (g->rows - 1)) : 0;
    return fvi_tiles_part(x, y, g->width, g->height, frame_w, frame_h);
}
