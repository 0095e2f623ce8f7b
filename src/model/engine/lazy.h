/* lazy.h: detectors of one stage whose boxes are computed only where a class passes. The scores of all cells come first; of
 * each feature map, the branch that makes boxes (masks' coefficients, keypoints) runs only when a cell of it passes, its convolutions only around such cells, and what turns all that
 * into the output only when any does. Same steps, same memory layout, same tactics: what is computed is what would have been. */
#ifndef FVI_MODEL_LAZY_H
#define FVI_MODEL_LAZY_H
#include "model/plan/plan.h"

#define FVI_LAZY_LEVELS 8
#define FVI_LAZY_BAND 4 /* rows */

typedef struct fvi_lazy_map {
    int h, w;       /* cells of a level; 0 = not known to be a map */
    int first_band; /* of the level's [images][bands] */
} fvi_lazy_map;
typedef struct fvi_lazy_band {
    int from, to; /* columns of passing cells; none when to <= from */
} fvi_lazy_band;

typedef struct fvi_lazy {
    int output, first, classes; /* columns [first, first + classes) of graph output `output` [N,columns,anchors] are scores */
    int64_t anchors;
    int levels;
    int64_t end[FVI_LAZY_LEVELS]; /* one past the last anchor of each level */
    const fvi_value *scores;      /* [N,classes,anchors], before the sigmoid when `logits` */
    bool logits;
    uint32_t *need;  /* [n_nodes by id] levels of which one must have passed; 0 = always runs */
    uint32_t *steps; /* [plan steps] the same */
    int first_late;  /* first step that may be left out; all scores are there */
    bool full;       /* leave nothing out */
    float floor;     /* scores above it pass */
    int *keep;       /* [n_keep] classes that count; null = all */
    int n_keep;
    uint8_t *hit;    /* [N * anchors] 1 = passed in the last run */
    uint32_t active; /* levels that had one */
    fvi_lazy_map map[FVI_LAZY_LEVELS];
    int images;
    int *rings;           /* [n_nodes by id] tiles around passing cells that a convolution computes; -1 = the whole map */
    fvi_lazy_band *bands; /* of all levels */
    fvi_region *regions;  /* of the step at hand */
} fvi_lazy;

/* Looks for that form in g (rewritten, shapes known) and puts the nodes that can wait behind the others. *out null: it is not there. */
fv_status fvi_lazy_find(fvi_lazy **out, fvi_graph *g, fv_error *err);
fv_status fvi_lazy_bind(fvi_lazy *l, const fvi_plan *p, fv_error *err); /* after planning g */
/* Cells whose score of a class of keep [classes] (null = any) is over conf; superset by rounding errors of the sigmoid. */
void fvi_lazy_want(fvi_lazy *l, float conf, const uint8_t *keep);
void fvi_lazy_follow(fvi_lazy *l, const fvi_lazy *from); /* wants what `from`, of the same graph, wants */
void fvi_lazy_run(fvi_lazy *l, fvi_plan *p, int64_t *step_ns);
void fvi_lazy_free(fvi_lazy **l);

/* lazy_split.c: brings an older form into the one that is looked for; g computes the same. */
fv_status fvi_lazy_split(fvi_graph *g, fv_error *err);
/* lazy_regions.c: once, with needs known; once, with the batch known; every run, for each active level; for each step: how many regions are in
 * l->regions, -1 = all of it. */
fv_status fvi_lazy_regions_find(fvi_lazy *l, const fvi_graph *g, fv_error *err);
fv_status fvi_lazy_regions_room(fvi_lazy *l, int64_t images, fv_error *err);
void fvi_lazy_regions_mark(fvi_lazy *l, int level);
int fvi_lazy_regions_of(fvi_lazy *l, const fvi_node *node);

/* lazy_regions.c: once, with needs known; once, with the batch known; every run, for each active level; for each step: how many regions are in
 * l->regions, -1 = all of it. */
fv_status fvi_lazy_regions_find(fvi_lazy *l, const fvi_graph *g, fv_error *err);
fv_status fvi_lazy_regions_room(fvi_lazy *l, int64_t images, fv_error *err);
void fvi_lazy_regions_mark(fvi_lazy *l, int level);
int fvi_lazy_regions_of(fvi_lazy *l, const fvi_node *node);
#endif
