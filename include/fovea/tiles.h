/* tiles.h: a large frame looked at in pieces: how it is cut, and how what was found in the pieces is put together. */
#ifndef FOVEA_TILES_H
#define FOVEA_TILES_H
#include <fovea/status.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef enum fv_tiling {
    FV_TILES_NONE, /* the frame as a whole, once */
    FV_TILES_AUTO, /* tiles of the size of the network's input */
    FV_TILES_GRID, /* cols x rows tiles */
    FV_TILES_SIZE  /* tiles of width x height pixels; 0: the network's */
} fv_tiling;

/* How boxes of different tiles become one. The last three are those of SAHI, with its results. */
typedef enum fv_tile_merge {
    FV_MERGE_SEAM, /* boxes that two tiles see whole: the surer one stays; pieces at a seam are joined when the two tiles agree in what both see */
    FV_MERGE_NMS,
    FV_MERGE_NMM,
    FV_MERGE_GREEDYNMM
} fv_tile_merge;
typedef enum fv_tile_metric {
    FV_METRIC_AUTO, /* FV_MERGE_SEAM: IoU, else IoS */
    FV_METRIC_IOS,  /* intersection over the smaller box */
    FV_METRIC_IOU
} fv_tile_metric;

#define FV_TILES_MAX 1024 /* of a frame */
#define FV_TILE_SOURCES_MAX 64

struct fv_model;
/* Zero is the default for every field. Tiles are all of one size, evenly spread, inside the frame, and cover all of it; a frame that is smaller than a
 * tile has one tile of its own size, and no second look at the same. */
typedef struct fv_tile_options {
    uint32_t size;
    fv_tiling tiling;
    int cols, rows;               /* FV_TILES_GRID */
    int width, height;            /* FV_TILES_SIZE */
    float overlap_w, overlap_h;   /* least part of a tile that its neighbour sees as well, below 0.95; 0 = 0.2, below 0 = none */
    int no_global;                /* non-zero: the frame as a whole is not looked at */
    fv_tile_merge merge;
    fv_tile_metric metric;
    float threshold;              /* overlap from which two boxes are one thing, up to 1; 0 = 0.5 */
    int agnostic;                 /* non-zero: whatever their classes */
    struct fv_model *model;       /* for the tiles; null = that of the whole frame. Borrowed, outlives the detector. Its classes are found by name */
    int groups;                   /* tiles computed at the same time, each by its share of the threads; 0 = 1, FV_TILE_GROUPS_AUTO: the fastest, measured at the start */
    /* Films (frames in order, from one source; other formats than I420, NV12 and GRAY, and tasks with more than boxes, are looked at in full): */
    int watch;        /* non-zero: only what has changed is looked at, and every tile from time to time */
    int sources;      /* films at the same time (ports of a hub), up to FV_TILE_SOURCES_MAX: each is watched for itself, and small changed parts of all share pictures; 0 = 1 */
    float refresh_s;  /* seconds of the film in which every tile comes round; 0 = 2 */
    float budget_ms;  /* time a frame may take, from decoding to result in a pipeline, in 95 of 100: as far as choosing what to look at can keep it; implies watch; 0 = none */
} fv_tile_options;
#define FV_TILE_OPTIONS(...) (&(fv_tile_options){.size = sizeof(fv_tile_options), __VA_ARGS__})
#define FV_TILE_GROUPS_AUTO (-1)

/* What was looked at, over all frames so far. */
#define FV_TILE_MAP_W 64
#define FV_TILE_MAP_H 36
#define FV_TILE_SERIES 256
typedef struct fv_tile_figures {
    int cols, rows, width, height; /* tiles of the last frame, and their size */
    int64_t frames;
    int64_t tiles;    /* views that looking at everything would have taken: tiles, and the whole */
    int64_t looks;    /* pictures that networks saw */
    int64_t skipped;  /* the difference */
    int64_t regions, canvases; /* changed parts, and the pictures that several of them shared */
    int64_t late;     /* changed parts and tiles that had to wait for a later frame because of the budget */
    int64_t over_budget; /* frames that took longer than the budget, in a pipeline from decoding to result */
    double look_ms;   /* of the last frame's looks, each */
    double budget_ms; /* 0 = none */
    int frame_w, frame_h; /* of the last frame */
    /* Over time: bins of series_frames frames each, so many that there is always room. */
    int series_frames, n_series;
    uint32_t series_looks[FV_TILE_SERIES], series_over[FV_TILE_SERIES]; /* looks, and frames over the budget, of each bin */
    uint32_t visits[FV_TILE_MAP_H][FV_TILE_MAP_W]; /* looks at each part of the frame; the whole is not counted */
} fv_tile_figures;

#ifdef __cplusplus
}
#endif
#endif
