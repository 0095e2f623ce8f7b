/* surface_rows.h: what shapes.c and surface.c share. */
#ifndef FVI_VISION_PAINT_SURFACE_ROWS_H
#define FVI_VISION_PAINT_SURFACE_ROWS_H
#include "vision/paint/surface.h"

/* Blends s->cov of rows y (even) and y + 1 over [x0 rounded down to even, x1); the coverage there is used up. */
void fvi_surface_blend_rows(fvi_surface *s, int y, int x0, int x1, fvi_ink ink);
#endif
