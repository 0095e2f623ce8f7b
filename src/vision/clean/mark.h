/* mark.h: what lies over the picture: for every sample its opacity and colour, estimated from many pictures of one place, and the way
 * back: picture = (seen - opacity * colour) / (1 - opacity). All planes of a crop; 8 to 16 bits a sample. Threads: one at a time. */
#ifndef FVI_VISION_CLEAN_MARK_H
#define FVI_VISION_CLEAN_MARK_H
#include <fovea/status.h>
#include <stddef.h>
#include <stdint.h>

/* A crop: its planes one after the other, rows without gaps. */
typedef struct fvi_clean_shape {
    int planes;           /* 1 or 3 */
    int w[3], h[3];
    int depth;            /* bits a sample */
    size_t at[3], all;    /* first sample of each plane; of the whole crop */
} fvi_clean_shape;
/* w, h: of the first plane; sx, sy: log2 of how much smaller the others are. FV_ERR_ARGUMENT: sides outside 1..32768, depth outside 8..16. */
fv_status fvi_clean_shape_set(fvi_clean_shape *s, int planes, int w, int h, int sx, int sy, int depth);

/* Zero-initialise; owned arrays, [shape.all] each. */
typedef struct fvi_clean_mark {
    fvi_clean_shape shape;
    uint8_t *hole;  /* 1 = the mark is here: nothing else is ever touched */
    float *alpha;   /* 0..1 */
    float *paint;   /* colour, in sample units */
    float *trust;   /* 0..1: how much the way back is worth against filling in; 0 = opaque */
} fvi_clean_mark;
/* hole [w*h] of the first plane; samples of the others belong to it when any of theirs does. Everything counts as opaque until it was
 * estimated. FV_ERR_MEMORY, FV_ERR_ARGUMENT: the hole leaves nothing of a plane. */
fv_status fvi_clean_mark_create(fvi_clean_mark *m, const fvi_clean_shape *s, const uint8_t *hole);
void fvi_clean_mark_clear(fvi_clean_mark *m);
/* From n >= 2 crops of the place where the mark was seen, the more differing the better; `alpha` is what fits best even where the pictures
 * hardly differ, `trust` says so. FV_ERR_MEMORY leaves everything opaque. */
fv_status fvi_clean_mark_estimate(fvi_clean_mark *m, const uint16_t *const *crops, int n);
/* The way back for one crop, in place, with `gain` times the opacity (fades). fill [shape.all]: the guess where it is not worth
 * much; null = the way back everywhere but where opaque. */
void fvi_clean_mark_undo(const fvi_clean_mark *m, uint16_t *crop, const float *fill, float gain);
/* How strongly the mark is in a crop: 0 = not at all, 1 = as estimated. NaN: this mark has no edge to tell it by. */
float fvi_clean_mark_gain(const fvi_clean_mark *m, const uint16_t *crop);
/* Share of the mark (first plane) that is opaque: nothing of the picture is left in it. */
float fvi_clean_mark_opaque(const fvi_clean_mark *m);
#endif
