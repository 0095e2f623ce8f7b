/* detections.c: the growing array of detections that detectors fill and trackers rewrite.
 * Called by heads, trackers and users of detect.h. */
#include "base/alloc.h"
#include <fovea/detect.h>

fv_status fv_detections_reserve(fv_detections *d, int n)
{
    if (!d || n < 0) return FV_ERR_ARGUMENT;
    if (n <= d->capacity) return FV_OK;
    fv_detection *items = fvi_realloc_array(d->items, (size_t)d->capacity, (size_t)n, sizeof *items);
    if (!items) return FV_ERR_MEMORY;
    d->items = items;
    d->capacity = n;
    return FV_OK;
}

void fv_detections_clear(fv_detections *d)
{
    if (!d) return;
    fvi_free(d->items);
    fvi_free(d->masks);
    fvi_free(d->keypoints);
    fvi_free(d->obb);
    fvi_free(d->mask_bits);
    fvi_free(d->map.data);
    *d = (fv_detections){0};
}

const char *fv_task_name(fv_task task)
{
    static const char *const names[] = {"detect", "segment", "pose", "obb", "classify", "semantic", "depth", "embed"};
    return task >= FV_TASK_DETECT && task <= FV_TASK_EMBED ? names[task] : "unknown";
}
