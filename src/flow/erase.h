/* erase.h: what the files of the erasing road share: erase.c (the passes), erase_places.c (where marks are and what they are),
 * erase_search.c (finding them with a detector), erase_window.c (undoing them frame by frame), erase_journal.c (going on after a kill). */
#ifndef FVI_FLOW_ERASE_H
#define FVI_FLOW_ERASE_H
#include "base/str.h"
#include "vision/clean/fill.h"
#include "vision/clean/mark.h"
#include <fovea/clip.h>
#include <fovea/erase.h>
#include <fovea/media.h>
#include <stdbool.h>

#define FVI_ERASE_SAMPLES 96
#define FVI_ERASE_LOOK 12 /* frames before and after that decide about one */

/* One mark: a crop around it, what it is, and when. */
typedef struct fvi_erase_place {
    int x, y, w, h;            /* the crop, as coded; even where chroma is smaller */
    fvi_clean_shape shape;
    uint8_t *hole;             /* [h*w] */
    bool whole;                /* hole is not to be narrowed */
    int64_t from, to;          /* frames it may be in */
    uint16_t *sample[FVI_ERASE_SAMPLES]; /* [shape.all] */
    int samples;
    int64_t step, seen;        /* every how many frames one is kept; frames that came */
    fvi_clean_mark mark;
    bool found;
    bool always;               /* too short to be learnt: filled in wherever it may be */
    bool filled;               /* some of it has to be filled in */
    fvi_clean_fill *fill[3];
    float *ground;             /* [shape.all] the filled picture, where it is needed */
    /* of the frames around the one that is decided */
    float gain[2 * FVI_ERASE_LOOK + 1];
    fv_erase_mark report;
} fvi_erase_place;

typedef struct fvi_erase {
    const fv_clip_api *media;
    const fv_erase_options *opt;
    const char *in, *out;
    fv_clip_info info;
    fvi_erase_place *place; /* [places] */
    int places;
    char *folder;           /* of segments */
    uint64_t key;           /* of everything that the segments depend on */
    fv_erase_report *report;
    fv_error *err;
    bool partial;
} fvi_erase;

fv_status fvi_erase_progress(fvi_erase *e, fv_erase_stage stage, int64_t done);
/* ---- erase_places.c ---- */
fv_status fvi_erase_add_mask(fvi_erase *e, const uint8_t *mask, int64_t from, int64_t to, bool whole); /* [h*w] of the picture as coded; its parts that are far apart become places */
fv_status fvi_erase_add_regions(fvi_erase *e);
void fvi_erase_crop(const fvi_erase *e, const fvi_erase_place *p, const fv_clip_frame *f, uint16_t *to);
void fvi_erase_paste(const fvi_erase *e, const fvi_erase_place *p, const fv_clip_frame *f, const uint16_t *from);
fv_status fvi_erase_sample(fvi_erase *e, fvi_erase_place *p, const fv_clip_frame *f);
/* All samples are there: what the mark is. The samples are freed. */
fv_status fvi_erase_learn(fvi_erase_place *p);
/* What undoing needs, from hole and mark. */
fv_status fvi_erase_prepare(fvi_erase_place *p);
void fvi_erase_free_places(fvi_erase *e);
int fvi_erase_by_value(const void *a, const void *b); /* of floats, for qsort */
/* ---- erase_search.c ---- */
fv_status fvi_erase_search(fvi_erase *e, fv_clip *c);
/* ---- erase_window.c ---- */
/* Frames `from`.. of the clip, undone, into segments of the writer. */
fv_status fvi_erase_write(fvi_erase *e, fv_clip *c, fv_clip_writer *w, int64_t from);
/* ---- erase_journal.c ---- */
fv_status fvi_erase_folder(fvi_erase *e);                       /* its name, and the key */
fv_status fvi_erase_start(fvi_erase *e);                        /* made, emptied */
fv_status fvi_erase_save(const fvi_erase *e);                   /* places and marks */
bool fvi_erase_load(fvi_erase *e);                              /* false: nothing to go on from */
bool fvi_erase_segment_name(const fvi_erase *e, int64_t i, fvi_str *name);
void fvi_erase_remove(const fvi_erase *e);
#endif
