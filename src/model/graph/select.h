/* select.h: operators that find a number of things which only their data tells: NonZero, Compress, Unique,
 * NonMaxSuppression. Their shape rules and their CPU operators call the same functions. Constants only: shapes are fixed
 * before the first frame. */
#ifndef FVI_MODEL_GRAPH_SELECT_H
#define FVI_MODEL_GRAPH_SELECT_H
#include "model/graph/graph.h"

/* Is element i different from 0? Any type. */
bool fvi_select_is_true(const void *data, fv_dtype t, int64_t i);

/* NonMaxSuppression over boxes [batches, n, 4] and scores [batches, classes, n]. */
typedef struct fvi_nms_task {
    const float *boxes, *scores;
    int64_t batches, classes, n, most; /* kept a class and batch at most */
    float iou, score;
    bool has_score, centered;
} fvi_nms_task;
/* Number of kept boxes; out (null = count only) gets [batch, class, box] of each, best first in each class. -1: no memory. */
int64_t fvi_select_nms(const fvi_nms_task *t, int64_t *out);

/* Unique over `rows` groups of elements: group r is `length` elements at data[r * row_stride + k * length_stride] in blocks
 * (see select.c). first[i]: index of the first group equal to unique group i; counts[i]; inverse[r]: its unique group. All
 * have room for `rows`. Returns how many; -1: no memory. */
typedef struct fvi_unique_task {
    const char *data;
    fv_dtype dtype;
    int64_t outer, rows, inner; /* groups are [*, r, *] */
    bool sorted;
} fvi_unique_task;
int64_t fvi_select_unique(const fvi_unique_task *t, int64_t *first, int64_t *counts, int64_t *inverse);
#endif
