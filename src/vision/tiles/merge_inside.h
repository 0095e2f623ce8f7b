/* merge_inside.h: what merge.c and merge_seam.c share. */
#ifndef FVI_VISION_TILES_MERGE_INSIDE_H
#define FVI_VISION_TILES_MERGE_INSIDE_H
#include "vision/tiles/buckets.h"
#include "vision/tiles/merge.h"

/* One call's view of the merger. Boxes are in the order in which they are looked at: `box` is sorted, from[i] its number in the input. */
typedef struct fvi_merge_job {
    fvi_merge_params p; /* defaults filled in */
    fvi_tiles_box *box; /* [n] */
    int *from;          /* [n] */
    int n;
    const fvi_tile *tiles;
    int n_tiles;
    fvi_buckets *buckets;
    const fvi_overlap *kern;
    int *hits;          /* [n] */
    int *owner;         /* [n] the box that box i went into; i itself = it is a thing; -1 = not looked at yet */
    int *next;          /* [n] of the input: chains of things */
    int *order;         /* [n] boxes that went into others, in the order in which they are joined */
    int n_order;
    int *thing_of, *tail; /* [n] thing that box i began; last box of a thing's chain */
    fvi_tiles_thing *things;
    int n_things;
    uint8_t *gone; /* [n] boxes that nothing can happen to any more: they are taken out of the squares when they are half of them */
    int n_gone, n_there;
} fvi_merge_job;

/* What box i overlaps enough, as the metric and the threshold say, into j->hits. */
int fvi_merge_find(fvi_merge_job *j, int i);
/* The question that it asks. */
fvi_overlap_query fvi_merge_query(const fvi_merge_job *j, int i);

/* Nobody has to find box i any more. */
static inline void fvi_merge_settled(fvi_merge_job *j, int i)
{
    if (j->gone[i]) return;
    j->gone[i] = 1;
    if (2 * ++j->n_gone < j->n_there || j->n_there < 64) return;
    fvi_buckets_compact(j->buckets, j->gone);
    j->n_there -= j->n_gone;
    j->n_gone = 0;
}

static inline void fvi_merge_grow(float a[4], const float b[4])
{
    a[0] = a[0] < b[0] ? a[0] : b[0];
    a[1] = a[1] < b[1] ? a[1] : b[1];
    a[2] = a[2] > b[2] ? a[2] : b[2];
    a[3] = a[3] > b[3] ? a[3] : b[3];
}

static inline bool fvi_merge_same_class(const fvi_merge_job *j, int a, int b) { return j->p.agnostic || j->box[a].class_id == j->box[b].class_id; }

/* Box i is the first of a new thing. */
static inline void fvi_merge_begin(fvi_merge_job *j, int i)
{
    const fvi_tiles_box *b = &j->box[i];
    j->things[j->n_things] =
        (fvi_tiles_thing){.box = {b->box[0], b->box[1], b->box[2], b->box[3]}, .score = b->score, .class_id = b->class_id, .first = j->from[i], .more = -1};
    j->tail[j->n_things] = -1;
    j->thing_of[i] = j->n_things++;
}

/* Thing t holds box i as well: its box grows, its chain is longer. */
static inline void fvi_merge_join(fvi_merge_job *j, int t, int i)
{
    const int from = j->from[i], tail = j->tail[t];
    fvi_merge_grow(j->things[t].box, j->box[i].box);
    *(tail < 0 ? &j->things[t].more : &j->next[tail]) = from;
    j->next[from] = -1;
    j->tail[t] = from;
}

/* Boxes into the squares; tiles: overlaps are those within what both tiles see. */
fv_status fvi_merge_place(fvi_merge_job *j, bool tiles);
/* merge_seam.c */
fv_status fvi_merge_seams(fvi_merge_job *j);
#endif
