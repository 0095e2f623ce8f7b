/* tasks.h: what detections have beside upright boxes, drawn: masks, keypoints, rotated boxes, likeliest classes, maps. */
#ifndef FVI_VISION_PAINT_TASKS_H
#define FVI_VISION_PAINT_TASKS_H
#include "vision/paint/labels.h"

/* Colour of a track, or of a class where things are not tracked. */
fvi_rgb fvi_paint_color(int track_id, int class_id);

/* Depth over the whole frame as colours from dark (least) to bright (most); classes of a semantic map, and what is text or the like where its
 * probability is high, as tints. Nothing for other tasks. */
void fvi_paint_map(fvi_surface *s, const fv_map *m, fv_task task, int n_classes);
/* The mask of an item as a tint. Nothing when it has none, or when it reaches out of the frame. */
void fvi_paint_mask(fvi_surface *s, const fv_detections *all, const fv_detection *d);
/* Rotated box; false: it has none. */
bool fvi_paint_rotated(fvi_surface *s, const fv_detections *all, const fv_detection *d, float width);
/* Points of some confidence, joined as COCO's person when there are 17. */
void fvi_paint_keypoints(fvi_surface *s, const fv_detections *all, const fv_detection *d, float width);
/* The likeliest classes of the picture, one a line, in the lower left corner. */
void fvi_paint_classes(fvi_surface *s, const fv_font *font, const fv_scene *sc);
#endif
