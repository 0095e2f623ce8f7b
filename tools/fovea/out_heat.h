/* out_heat.h: where things were: seconds for each cell of a grid over the frame. */
#ifndef FOVEA_TOOL_OUT_HEAT_H
#define FOVEA_TOOL_OUT_HEAT_H
#include "cli.h"
#include "text.h"
#include <fovea/pipeline.h>

/* Zero-initialise. */
typedef struct heat_map {
    int columns, rows; /* 0 before the first frame */
    double *cell;      /* [rows][columns] seconds */
    double pts;        /* of the last frame */
    int source;
    bool started;
} heat_map;

void heat_add(heat_map *h, const fv_result *r);
/* {"columns":…,"rows":…,"seconds":[…]} */
void heat_json(const heat_map *h, text *t);
bool heat_is_name(const char *path); /* .png or .npy */
fv_status heat_write(const heat_map *h, const char *path, int overwrite, fv_error *err);
void heat_free(heat_map *h);
#endif
