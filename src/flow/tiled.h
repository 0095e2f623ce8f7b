/* tiled.h: what the files of the tiled detector share: groups of networks that look at views together (tiled_groups.c), and what came of
 * the views put into one (tiled_gather.c). */
#ifndef FVI_FLOW_TILED_H
#define FVI_FLOW_TILED_H
#include "flow/detector.h"
#include "vision/tiles/merge.h"

enum { FVI_NET_WHOLE, FVI_NET_TILES, FVI_NETS }; /* of a group; the same detector twice when one model does both */

/* Groups that compute views at the same time, each with its share of the threads. */
typedef struct fvi_flow_groups fvi_flow_groups;
/* models [FVI_NETS]: the second may be the first; o: of each network. One group computes on ctx's own threads. */
fv_status fvi_flow_groups_create(fvi_flow_groups **out, int n, fv_context *ctx, fv_model *const models[FVI_NETS], const fv_detect_options *o, fv_error *err);
/* As many as are fastest for many views on this machine, found by trying 1, 2, 4 and so on. */
fv_status fvi_flow_groups_measured(fvi_flow_groups **out, fv_context *ctx, fv_model *const models[FVI_NETS], const fv_detect_options *o, fv_error *err);
void fvi_flow_groups_free(fvi_flow_groups **g);
int fvi_flow_groups_count(const fvi_flow_groups *g);
fv_detector *fvi_flow_groups_net(const fvi_flow_groups *g, int i, int which); /* group 0 is always there */
/* Views [n], which network for each [n] -> out [n]. times: of all groups together, as parts of the time that passed. */
fv_status fvi_flow_groups_look(fvi_flow_groups *g, const fvi_flow_view *views, const uint8_t *which, int n, fv_detections *out, fv_detect_times *times, fv_error *err);

/* tiled_gather.c: detections of views (each in pixels of its tile) and the things made of them -> one, in pixels of the frame. */
typedef struct fvi_flow_gather {
    fv_task task;
    const fv_detections *found; /* [views] */
    const fvi_tile *tiles;      /* [views] */
    const fvi_tiles_box *boxes; /* [n] as they were merged */
    const int *item;            /* [n] which of its view's detections a box is */
    const int *next;
    int frame_w, frame_h;
} fvi_flow_gather;
fv_status fvi_flow_gather_things(const fvi_flow_gather *g, const fvi_tiles_thing *things, int n, fv_detections *out);
#endif
