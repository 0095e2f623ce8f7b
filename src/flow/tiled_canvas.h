/* tiled_canvas.h: several regions of a frame copied into one picture, and boxes found there taken back. */
#ifndef FVI_FLOW_TILED_CANVAS_H
#define FVI_FLOW_TILED_CANVAS_H
#include "vision/tiles/regions.h"
#include <fovea/frame.h>

#define FVI_CANVASES 8

/* c: width x height in f's format (all zero at first; its memory is kept), grey but for the regions of that canvas. FV_ERR_MEMORY. */
fv_status fvi_canvas_fill(fv_frame *c, const fv_frame *f, const fvi_region *r, int n, int canvas, int width, int height);
/* Cuts the box, in pixels of the canvas, to the region's place there. False: its middle is not in it. */
bool fvi_canvas_cut(float box[4], const fvi_region *r);
#endif
