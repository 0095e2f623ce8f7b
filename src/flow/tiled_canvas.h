/* tiled_canvas.h: several regions of a frame, or of several, copied into one picture, and boxes found there taken back. */
#ifndef FVI_FLOW_TILED_CANVAS_H
#define FVI_FLOW_TILED_CANVAS_H
#include "vision/tiles/regions.h"
#include <fovea/frame.h>

#define FVI_CANVASES 16
#define FVI_CANVAS_GAP 16 /* pixels between regions */

/* c: width x height in f's format (all zero at first; its memory is kept), grey. FV_ERR_MEMORY. */
fv_status fvi_canvas_begin(fv_frame *c, const fv_frame *f, int width, int height);
/* The regions of that canvas, of a frame of the same format. */
void fvi_canvas_add(fv_frame *c, const fv_frame *f, const fvi_region *r, int n, int canvas);
/* Cuts the box, in pixels of the canvas, to the region's place there. False: its middle is not in it. */
bool fvi_canvas_cut(float box[4], const fvi_region *r);
#endif
