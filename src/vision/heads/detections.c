/* detections.c: the growing array of detections that detectors fill and trackers rewrite, and the masks, keypoints, rotated boxes and
 * maps beside it. Called by heads, trackers and users of detect.h. */
#include "base/alloc.h"
#include "base/checked.h"
#include "vision/heads/heads.h"

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

static void free_rows(fv_detections *d)
{
    FVI_FREE(d->masks);
    FVI_FREE(d->keypoints);
    FVI_FREE(d->obb);
    d->extras_capacity = d->n_keypoints = 0;
}

void fvi_detections_begin(fv_detections *d, fv_task task)
{
    bool fits = !(d->masks && task != FV_TASK_SEGMENT) && !(d->keypoints && task != FV_TASK_POSE) && !(d->obb && task != FV_TASK_OBB);
    d->count = d->n_extras = 0;
    d->mask_bytes = 0;
    if (!fits) free_rows(d);
    if (task < FV_TASK_SEMANTIC) {
        fvi_free(d->map.data);
        d->map = (fv_map){0};
    }
}

/* They share one capacity: only one kind is there at a time (begin). What was in them is not kept. */
fv_status fvi_detections_rows(fv_detections *d, fv_task task, int rows, int n_keypoints)
{
    size_t n = (size_t)rows, points;
    if (rows < 0 || n_keypoints < 0 || !fvi_mul_size(n, (size_t)n_keypoints, &points)) return FV_ERR_ARGUMENT;
    bool there = task == FV_TASK_SEGMENT ? d->masks != NULL : task == FV_TASK_POSE ? d->keypoints && d->n_keypoints == n_keypoints : d->obb != NULL;
    if (there && rows <= d->extras_capacity) return FV_OK;
    free_rows(d);
    if (n == 0) n = points = 1; /* an array that the task has is never null */
    bool ok = false;
    if (task == FV_TASK_SEGMENT) ok = (d->masks = fvi_calloc(n, sizeof *d->masks)) != NULL;
    if (task == FV_TASK_POSE) ok = (d->keypoints = fvi_calloc(points ? points : 1, sizeof *d->keypoints)) != NULL;
    if (task == FV_TASK_OBB) ok = (d->obb = fvi_calloc(n, sizeof *d->obb)) != NULL;
    if (!ok) return FV_ERR_MEMORY;
    d->extras_capacity = rows;
    d->n_keypoints = task == FV_TASK_POSE ? n_keypoints : 0;
    return FV_OK;
}

fv_status fvi_detections_mask_bytes(fv_detections *d, size_t total)
{
    if (total <= d->mask_capacity) return FV_OK;
    size_t room = total + total / 2;
    uint8_t *grown = fvi_realloc_array(d->mask_bits, d->mask_capacity, room, 1);
    if (!grown) return FV_ERR_MEMORY;
    d->mask_bits = grown;
    d->mask_capacity = room;
    return FV_OK;
}

void fvi_detections_span(int from, int to, int limit, int *at, int *n)
{
    from = from < 0 ? 0 : from;
    to = to > limit ? limit : to;
    *at = from;
    *n = to > from ? to - from : 0;
}

int fvi_detections_keep_mask(fv_detections *d, const fv_mask *m)
{
    d->masks[d->n_extras++] = *m;
    d->mask_bytes += (size_t)m->width * (size_t)m->height;
    return d->n_extras;
}

fv_status fvi_detections_map(fv_detections *d, int channels, int height, int width)
{
    size_t n;
    if (channels < 1 || height < 1 || width < 1 || !fvi_mul_size((size_t)height, (size_t)width, &n) || !fvi_mul_size(n, (size_t)channels, &n))
        return FV_ERR_ARGUMENT;
    if (n > d->map.capacity) {
        fvi_free(d->map.data);
        d->map = (fv_map){.data = fvi_calloc(n, sizeof *d->map.data)};
        if (!d->map.data) return FV_ERR_MEMORY;
        d->map.capacity = n;
    }
    d->map.channels = channels;
    d->map.height = height;
    d->map.width = width;
    return FV_OK;
}

const char *fv_task_name(fv_task task)
{
    static const char *const names[] = {"detect", "segment", "pose", "obb", "classify", "semantic", "depth", "embed"};
    return task >= FV_TASK_DETECT && task <= FV_TASK_EMBED ? names[task] : "unknown";
}
