/* contour.h: masks as polygons, for label files. */
#ifndef FOVEA_TOOL_CONTOUR_H
#define FOVEA_TOOL_CONTOUR_H
#include <stdint.h>

/* Outer border of the largest part of a mask [h, w], as a polygon through its border pixels, corners only, moved by (x, y).
 * Returns the number of corners; *xy [n][2] is owned: free(), also when 0 is returned. */
int contour_largest(const uint8_t *bits, int w, int h, int x, int y, float **xy);
#endif
