/* scene.h: a small grey picture of the first frame of a run, for the map of where tiles were looked at. */
#ifndef FOVEA_TOOL_SCENE_H
#define FOVEA_TOOL_SCENE_H
#include "text.h"
#include <fovea/frame.h>

typedef struct scene {
    uint8_t *luma; /* [height, width], null = none yet */
    int width, height;
} scene;
/* Keeps the frame when it is the first; formats without a plane of 8-bit luma are left out. */
void scene_keep(scene *s, const fv_frame *f);
/* "data:image/png;base64,..."; nothing when there is none. */
void scene_png(const scene *s, text *t);
void scene_free(scene *s);
#endif
