/* yolo.h: rows of YOLO outputs: box, scores of classes, and what a task puts behind them (mask coefficients, keypoints, an
 * angle), in the three forms that exports have. Used by yolov8.c and by the heads of the other tasks. */
#ifndef FVI_VISION_HEADS_YOLO_H
#define FVI_VISION_HEADS_YOLO_H
#include "vision/heads/common.h"

/* Is output `o`, of rank 3, such rows with `extras` numbers at the end? Fills output, form, anchors, channels, extras and levels. Shapes
 * decide, helped by metadata (end2end, nms=True) and the number of names. */
bool fvi_yolo_fits(const fvi_head_model *m, int o, int extras, fvi_head_plan *plan, int *n_classes);
/* "[1,116,8400]" and how it is read, for rules. */
void fvi_yolo_describe(const fvi_head_plan *plan, char *text, size_t size);

/* Fills st->scores where the form has them in front of everything that is made from boxes. */
void fvi_yolo_note_scores(fvi_head_state *st, const fvi_head_plan *plan, int n_classes);

/* Rows over the threshold -> plan->cand: score, class and index; boxes as the network has them (centre form unless end to end), finite.
 * Returns how many. */
int fvi_yolo_scan(fvi_head_plan *plan, const fvi_head_view *v, int n_classes, const fvi_head_params *p);
/* The same, upright boxes in corner form, NMS done where the network has not done it. */
int fvi_yolo_boxes(fvi_head_plan *plan, const fvi_head_view *v, int n_classes, const fvi_head_params *p);
/* First of the numbers behind the scores of a candidate; the next are v->sc apart. */
static inline const float *fvi_yolo_extra(const fvi_head_plan *plan, const fvi_head_view *v, const fvi_candidate *c)
{
    return v->p + c->index * v->sa + (plan->channels - plan->extras) * v->sc;
}
#endif
