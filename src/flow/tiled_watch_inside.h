/* tiled_watch_inside.h: what tiled_watch.c (memory), tiled_choose.c (what is worth a look) and tiled_look.c (looking, for several watches at once) share. */
#ifndef FVI_FLOW_TILED_WATCH_INSIDE_H
#define FVI_FLOW_TILED_WATCH_INSIDE_H
#include "flow/tiled_watch.h"
#include <pthread.h>

#define FVI_WATCH_EXTRA 64 /* looks of a watch beside its planned views */
#define FVI_WATCH_LOST 64  /* places that a tracker has lost */
#define FVI_STALE_S 0.5    /* a box whose place has changed and was not looked at is nobody's; */
#define FVI_STALE_ALL_S 0.1 /* when everything has changed */

enum { FVI_REGION_NOWHERE = -1, FVI_REGION_ALONE = -2 /* it has a picture of its own */, FVI_REGION_WAITS = -3 /* for a place in a canvas */ };

typedef struct fvi_watch_known {
    fvi_tiles_box b; /* tile is not used */
    fvi_tile from;
    int64_t look;    /* number of the look that found it */
    double pts;
    bool whole;
} fvi_watch_known;

typedef struct fvi_watch_look {
    fvi_tile part;
    int view; /* of the plan, or -1 */
    int at;   /* in the row of all watches' looks */
} fvi_watch_look;

struct fvi_flow_watch {
    fvi_gate gate;
    int *labels;
    size_t labels_capacity;
    double refresh_s, last_pts;
    int64_t last_index, looks_done;
    double *turn, *rank; /* [n_views] when a view was looked at last; scratch */
    int n_views, frame_w, frame_h;
    size_t views_capacity;
    fvi_watch_look *looks; /* [views_capacity + FVI_WATCH_EXTRA] */
    int n_looks;
    bool whole_last;       /* of two that take turns it was the whole's */
    bool everywhere;       /* this frame has changed in most places: the camera turns, or everybody moves */
    fvi_region region[FVI_REGIONS_MAX];
    int n_regions;
    fvi_watch_known *known; /* [MOST_BOXES], and the next two */
    int n_known;
    fvi_tiles_box *boxes;
    fvi_tile *seen;
    pthread_mutex_t lock; /* told and n_told: the tracker's thread */
    bool locks;
    fvi_track_place told[FVI_WATCH_LOST], lost[FVI_WATCH_LOST]; /* lost: this frame's copy */
    int n_told, n_lost;
};

/* tiled_watch.c */
fv_status fvi_flow_watch_settle(fvi_flow_watch *w, const fvi_flow_plan *p, const fv_frame *f, fv_error *err);
/* found [all looks of the row]; canvas_at [canvases]: which of them is which canvas. */
void fvi_flow_watch_take_in(fvi_flow_watch *w, const fvi_flow_plan *p, const fv_frame *f, const fv_detections *found, const uint8_t *which, const int *canvas_at, int n_canvases,
                            fv_tile_figures *figures);
int fvi_flow_watch_conclude(fvi_flow_watch *w, double now); /* boxes, seen; returns how many seen there are */

/* tiled_choose.c; *room: looks that the frame may still take. In this order: */
void fvi_flow_watch_find(fvi_flow_watch *w, const fvi_flow_plan *p, double now);
void fvi_flow_watch_choose_due(fvi_flow_watch *w, const fvi_flow_plan *p, double now, int most, int *room, fv_tile_figures *figures);
/* Regions that canvases are for get FVI_REGION_WAITS, unless the tiles under them are as few (not alone: fewer): these are taken. */
void fvi_flow_watch_choose_regions(fvi_flow_watch *w, const fvi_flow_plan *p, double now, bool alone, int *room, fv_tile_figures *figures);
/* A region that is alone in its canvas. */
void fvi_flow_watch_choose_alone(fvi_flow_watch *w, const fvi_flow_plan *p, fvi_region *r);
/* What found no place, and tiles whose turn it is. */
void fvi_flow_watch_choose_rest(fvi_flow_watch *w, const fvi_flow_plan *p, double now, int *room, fv_tile_figures *figures);
#endif
