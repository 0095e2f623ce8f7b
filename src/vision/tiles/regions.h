/* regions.h: awake cells -> parts of the frame that are looked at, and several of them packed into one picture. */
#ifndef FVI_VISION_TILES_REGIONS_H
#define FVI_VISION_TILES_REGIONS_H
#include "vision/tiles/gate.h"

#define FVI_REGIONS_MAX 256 /* of a frame; what is beyond goes into its neighbours */

typedef struct fvi_region {
    int x, y, width, height; /* pixels of the frame, even where the frame allows it */
    int awake;               /* cells */
    double urgency;          /* sum of the frames that its cells have waited */
    int canvas, at_x, at_y;  /* where it was packed; canvas -1 = nowhere */
} fvi_region;

/* Groups of awake cells, at most two others between them, into out [FVI_REGIONS_MAX]; labels: scratch [2 * cols * rows]. Returns how many. */
int fvi_regions_find(const fvi_gate *g, int *labels, fvi_region *out);
/* Grows r so that it holds the box and stays in the frame. */
void fvi_region_hold(fvi_region *r, const float box[4], int frame_w, int frame_h);
/* A frame around what happens: a quarter of the size more on each side, 32 pixels at least; even numbers. */
void fvi_region_widen(fvi_region *r, int frame_w, int frame_h);
/* Regions that share a part with each other become one, unless it would be larger than width x height and neither lies mostly in the other. Returns how many
 * are left. */
int fvi_regions_join(fvi_region *r, int n, int width, int height);
/* Regions into as few pictures of width x height as it finds, in their order as long as `most` pictures take them: canvas, at_x, at_y are set; those that are too
 * large or find no room get canvas -1. Returns the number of pictures. Places are even, `gap` pixels apart. */
int fvi_regions_pack(fvi_region *r, int n, int width, int height, int gap, int most);
#endif
