/* resize_map.h: where the elements of a resized axis come from: the coordinate rules of Resize 10..19 and Upsample. */
#ifndef FVI_BACKEND_CPU_RESIZE_MAP_H
#define FVI_BACKEND_CPU_RESIZE_MAP_H
#include "backend/cpu/step.h"

typedef enum fvi_resize_mode { FVI_RESIZE_NEAREST, FVI_RESIZE_LINEAR, FVI_RESIZE_CUBIC } fvi_resize_mode;
typedef struct fvi_resize_rule {
    fvi_resize_mode mode;
    int coordinates, rounding; /* private to resize_map.c */
    float scale[FV_MAX_RANK], roi_start[FV_MAX_RANK], roi_end[FV_MAX_RANK];
    float extrapolation;
    bool crops; /* coordinates may lie outside on purpose: index -1 */
    bool antialias, exclude_outside;
    float cubic; /* coefficient a */
} fvi_resize_rule;

const char *fvi_resize_refuse(const fvi_node *n);
fv_status fvi_resize_read(const fvi_step *s, fvi_resize_rule *r, fv_error *err);
/* Nearest: index[o] for o < out. -1 = outside. */
void fvi_resize_nearest(const fvi_resize_rule *r, int axis, int64_t in, int64_t out, int64_t *index);
/* Linear: between lo[o] and hi[o], `weight` of the second. */
void fvi_resize_linear(const fvi_resize_rule *r, int axis, int64_t in, int64_t out, int64_t *lo, int64_t *hi, float *weight);
/* Linear or cubic, stretched when antialias shrinks: output o takes `taps` elements with weights[o * taps + k] from index[o *
 * taps + k]; index -1 at k = 0: outside. */
int64_t fvi_resize_taps(const fvi_resize_rule *r, int axis);
void fvi_resize_filter(const fvi_resize_rule *r, int axis, int64_t in, int64_t out, int64_t taps, int64_t *index, float *weights);

/* The same for a whole step, axis after axis (op_resize_filter.c). */
fv_status fvi_cpu_prepare_resize_filter(fvi_step *s, const fvi_resize_rule *rule, fv_error *err);
#endif
