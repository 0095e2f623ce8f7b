/* prep_tables.h: where each output column and row of a resized plane comes from. Built once per size by prep.c. */
#ifndef FVI_IMAGE_PREP_TABLES_H
#define FVI_IMAGE_PREP_TABLES_H
#include "kern/prep_kern.h"
#include <fovea/status.h>

/* One axis of one plane. Output i of [0, n) is column (or row) first + i of the resized picture. Source positions are
 * those of the full-size picture times `sub` plus `shift`, in pixel-edge coordinates of the plane: sub 1/2 for chroma. */
typedef struct fvi_axis {
    int size;           /* samples of the plane along the axis */
    int first, n;       /* outputs wanted */
    double scale;       /* full-size source pixels an output pixel */
    double sub, shift;
} fvi_axis;

typedef struct fvi_row_blend { int r0, r1, b0, b1; } fvi_row_blend;
typedef struct fvi_row_box { int start, count; float wf, wm, wl; } fvi_row_box;
typedef struct fvi_row_taps { int start, count; } fvi_row_taps; /* weights beside it */

/* one: the weight of 1 (2048 or 16384); cv: positions and edge rules as OpenCV has them, to the bit. */
/* mem: FVI_AXIS_TABLES * n words. */
#define FVI_AXIS_TABLES 4
void fvi_axis_columns(const fvi_axis *a, int one, bool cv, int bytes, int32_t *mem, fvi_prep_taps *taps);
void fvi_axis_rows(const fvi_axis *a, int one, bool cv, fvi_row_blend *rows);
/* Box filter where the axis shrinks, linear where it grows. */
void fvi_axis_boxes(const fvi_axis *a, fvi_row_box *boxes);
/* Triangle or Pillow's bicubic, as wide as the axis shrinks; sharp: OpenCV's bicubic, never wider. fvi_axis_reach: weights an output needs at
 * most; then t[i] = samples of output i and w[i * stride ...] = their weights, the rest of the stride 0. */
typedef enum fvi_axis_kind { FVI_AXIS_TRIANGLE, FVI_AXIS_CUBIC, FVI_AXIS_SHARP } fvi_axis_kind;
int fvi_axis_reach(const fvi_axis *a, fvi_axis_kind kind);
void fvi_axis_filter(const fvi_axis *a, fvi_axis_kind kind, fvi_row_taps *t, float *w, size_t stride);
int fvi_box_blocks(const fvi_row_box *boxes, int n); /* of 8 taps, for the widest */
void fvi_box_expand(const fvi_row_box *boxes, int n, int blocks, int32_t *start, float *w);
#endif
