/* tiled_watch.h: looking at films only where it must: one watch a source, which remembers what was found and where the frame has changed since; a row of looks for
 * frames of one or several sources, which share pictures. */
#ifndef FVI_FLOW_TILED_WATCH_H
#define FVI_FLOW_TILED_WATCH_H
#include "flow/tiled.h"
#include "flow/tiled_budget.h"
#include "vision/tiles/regions.h"

typedef struct fvi_flow_watch fvi_flow_watch;
/* A frame's views, the whole first when whole is true; tile_w x tile_h: size of canvases. */
typedef struct fvi_flow_plan {
    const fvi_tile *tiles;
    const uint8_t *which;
    int n_views;
    bool whole;
    int tile_w, tile_h;
    const int *class_of; /* [classes of FVI_NET_TILES] or null */
    bool silent;         /* the tiles' net is not to be heard */
} fvi_flow_plan;

fv_status fvi_flow_watch_create(fvi_flow_watch **out, fvi_cpu_flags cpu, double refresh_s, fv_error *err);
void fvi_flow_watch_free(fvi_flow_watch **w);
/* Can it watch frames of this format? Luma in bytes, in a plane of its own. */
bool fvi_flow_watch_can(const fv_frame *f);
/* Where a tracker expects things that it lost; any thread. */
void fvi_flow_watch_lost(fvi_flow_watch *w, const fvi_track_place *places, int n);
/* What is known is of other weights: the next frame begins anew. */
void fvi_flow_watch_forget(fvi_flow_watch *w);
/* A visit of a part of the frame, for the map of visits. */
void fvi_flow_watch_visit(fv_tile_figures *f, const fvi_tile *part, int frame_w, int frame_h);

/* A frame of a source, and what is known of it afterwards. */
typedef struct fvi_flow_watched {
    fvi_flow_watch *watch;
    fvi_flow_plan plan;
    const fv_frame *frame;
    const fvi_tiles_box *boxes; /* [n] the watch's, until the next call */
    int n;
    const fvi_tile *seen;       /* [n_seen] the tiles that boxes index */
    int n_seen;
} fvi_flow_watched;

#define FVI_ROW_MOST 64 /* frames in a row */
/* tiled_look.c: the pictures of a row of looks. Threads: one at a time. */
typedef struct fvi_flow_row fvi_flow_row;
fv_status fvi_flow_row_create(fvi_flow_row **out, fv_error *err);
void fvi_flow_row_free(fvi_flow_row **r);
/* Looks where it must in n frames of different sources, together as long as the budget says. Frames of a source come in order; one that goes back in time begins
 * anew. */
fv_status fvi_flow_row_look(fvi_flow_row *r, fvi_flow_watched *w, int n, fvi_flow_groups *groups, fvi_flow_budget *budget, fv_detect_times *times, fv_tile_figures *figures, fv_error *err);
#endif
