/* tiled_watch.h: looking at a film only where it must: one watch a source, which remembers what was found and where the frame has changed since. */
#ifndef FVI_FLOW_TILED_WATCH_H
#define FVI_FLOW_TILED_WATCH_H
#include "flow/tiled.h"
#include "vision/tiles/regions.h"

typedef struct fvi_flow_watch fvi_flow_watch;
/* The frames' views, the whole first when whole is true; tile_w x tile_h: size of canvases. Borrowed until the next plan. */
typedef struct fvi_flow_plan {
    const fvi_tile *tiles;
    const uint8_t *which;
    int n_views;
    bool whole;
    int tile_w, tile_h;
    const int *class_of; /* [classes of FVI_NET_TILES] or null */
    bool silent;         /* the tiles' net is not to be heard */
} fvi_flow_plan;

fv_status fvi_flow_watch_create(fvi_flow_watch **out, fvi_cpu_flags cpu, double budget_ms, double refresh_s, fv_error *err);
void fvi_flow_watch_free(fvi_flow_watch **w);
/* Can it watch frames of this format? Luma in bytes, in a plane of its own. */
bool fvi_flow_watch_can(const fv_frame *f);
/* Looks where it must. *boxes [*n] and *seen [*n_seen], the tiles that they index, are what is known now; the watch's, until the next call. Frames come in
 * order; one that goes back in time begins anew. */
fv_status fvi_flow_watch_look(fvi_flow_watch *w, const fvi_flow_plan *plan, fvi_flow_groups *groups, const fv_frame *f, const fvi_tiles_box **boxes, int *n,
                              const fvi_tile **seen, int *n_seen, fv_detect_times *times, fv_tile_figures *figures, fv_error *err);
/* What is known is of other weights: the next frame begins anew. */
void fvi_flow_watch_forget(fvi_flow_watch *w);
/* A visit of a part of the frame, for the map of visits. */
void fvi_flow_watch_visit(fv_tile_figures *f, const fvi_tile *part, int frame_w, int frame_h);
#endif
