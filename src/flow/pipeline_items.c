/* pipeline_items.c: the fixed pool of items that go round in a pipeline, and the copy a painted frame needs.
 * In: decoded frames. Out: frames that may be written to. Called by the lanes. */
#include "base/alloc.h"
#include "base/error.h"
#include "flow/pipeline.h"
#include <string.h>

fv_status fvi_flow_items_create(fv_pipeline *p, int n, fv_error *err)
{
    p->items = fvi_calloc((size_t)n, sizeof *p->items);
    if (!p->items) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    p->n_items = n;
    return FV_OK;
}

void fvi_flow_items_free(fv_pipeline *p)
{
    for (int i = 0; i < p->n_items; i++) {
        fvi_flow_item *item = &p->items[i];
        fv_frame_release(&item->frame);
        fv_frame_release(&item->painted);
        fv_detections_clear(&item->dets);
        fvi_free(item->events);
    }
    FVI_FREE(p->items);
    p->n_items = 0;
}

void fvi_flow_item_recycle(fv_pipeline *p, fvi_flow_item *item)
{
    fv_frame_release(&item->frame);
    memset(&item->frame, 0, sizeof item->frame);
    item->use_painted = false;
    item->n_events = 0;
    item->dets.count = 0;
    fvi_queue_push(p->free_items, item); /* after close the item simply stays in the pool's array */
}

fv_status fvi_flow_item_unshare(fvi_flow_item *item)
{
    FVI_TRY(fv_frame_copy(&item->painted, &item->frame));
    item->use_painted = true;
    return FV_OK;
}

fv_status fvi_flow_item_set_events(fvi_flow_item *item, const fv_event *events, int n)
{
    item->n_events = 0;
    if ((size_t)n > item->cap_events) {
        fv_event *grown = fvi_realloc_array(item->events, item->cap_events, (size_t)n * 2, sizeof *grown);
        if (!grown) return FV_ERR_MEMORY;
        item->events = grown;
        item->cap_events = (size_t)n * 2;
    }
    if (n) memcpy(item->events, events, (size_t)n * sizeof *events);
    item->n_events = n;
    return FV_OK;
}
