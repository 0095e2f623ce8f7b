/* grid.h: a frame's size and what is wanted -> tiles. Pure arithmetic; any thread. */
#ifndef FVI_VISION_TILES_GRID_H
#define FVI_VISION_TILES_GRID_H
#include <fovea/tiles.h>

enum { FVI_SEAM_LEFT = 1, FVI_SEAM_TOP = 2, FVI_SEAM_RIGHT = 4, FVI_SEAM_BOTTOM = 8, FVI_TILE_COARSE = 16 /* it sees the frame smaller than the others do */ };

/* Part of a frame in pixels. */
typedef struct fvi_tile {
    int x, y, width, height;
    unsigned seams; /* its edges behind which the frame goes on; FVI_TILE_COARSE */
} fvi_tile;

typedef struct fvi_tiles_grid {
    int cols, rows, width, height; /* tiles, and the size of each */
} fvi_tiles_grid;

/* FV_ERR_ARGUMENT, and a sentence: a value that makes no sense for any frame. */
fv_status fvi_tiles_check(const fv_tile_options *o, fv_error *err);
/* Checked options and the network's input size -> the grid of a frame. FV_ERR_LIMIT: more than FV_TILES_MAX tiles. */
fv_status fvi_tiles_grid_of(fvi_tiles_grid *g, const fv_tile_options *o, int input_w, int input_h, int frame_w, int frame_h, fv_error *err);
fvi_tile fvi_tiles_part(int x, int y, int width, int height, int frame_w, int frame_h); /* with the seams that it has there */
/* Tile i of cols * rows, row by row. */
fvi_tile fvi_tiles_at(const fvi_tiles_grid *g, int i, int frame_w, int frame_h);
#endif
