/* trails.h: where each track has been in the last seconds. */
#ifndef FVI_VISION_PAINT_TRAILS_H
#define FVI_VISION_PAINT_TRAILS_H
#include "vision/paint/surface.h"
#include <fovea/detect.h>

typedef struct fvi_trails fvi_trails;
fvi_trails *fvi_trails_create(double seconds); /* null = out of memory */
void fvi_trails_free(fvi_trails **t);
/* Adds the feet (bottom centre) of every tracked box; pts that go backwards start anew. */
void fvi_trails_update(fvi_trails *t, const fv_detections *dets, double pts);
/* Calls fn with the dots of each living trail, oldest and faintest first. */
typedef void (*fvi_trail_fn)(void *arg, int track_id, int class_id, const fvi_dot *dots, int n);
void fvi_trails_each(const fvi_trails *t, fvi_trail_fn fn, void *arg);
#endif
