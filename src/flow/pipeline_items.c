/* pipeline_items.c: the fixed pool of items that go round in a pipeline, and the copy a painted frame needs.
 * In: decoded frames. Out: frames that may be written to. Called by the lanes. */
#include "base/alloc.h"
#include "base/error.h"
#include "flow/pipeline.h"
#include "vision/count/counter.h"
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
        fvi_free(item->lines);
        fvi_free(item->zones);
    }
    FVI_FREE(p->items);
    p->n_items = 0;
}

void fvi_flow_item_recycle(fv_pipeline *p, fvi_flow_item *item)
{
    fv_frame_release(&item->frame);
    memset(&item->frame, 0, sizeof item->frame);
    item->use_painted = false;
    item->n_events = item->n_lines = item->n_zones = 0;
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

/* Room for n totals; the counter of a run stays the same, so this happens once. */
static bool have_room(void **array, size_t *cap, int n, size_t size)
{
    if ((size_t)n <= *cap) return true;
    void *grown = fvi_realloc_array(*array, *cap, (size_t)n, size);
    if (!grown) return false;
    *array = grown;
    *cap = (size_t)n;
    return true;
}

fv_status fvi_flow_item_set_totals(fvi_flow_item *item, const fv_counter *c)
{
    item->n_lines = item->n_zones = 0;
    if (!have_room((void **)&item->lines, &item->cap_lines, c->n_lines, sizeof *item->lines)) return FV_ERR_MEMORY;
    if (!have_room((void **)&item->zones, &item->cap_zones, c->n_zones, sizeof *item->zones)) return FV_ERR_MEMORY;
    for (; item->n_lines < c->n_lines; item->n_lines++) fv_counter_line(c, item->n_lines, &item->lines[item->n_lines]);
    for (; item->n_zones < c->n_zones; item->n_zones++) fv_counter_zone(c, item->n_zones, &item->zones[item->n_zones]);
    return FV_OK;
}

void fvi_flow_item_result(const fv_pipeline *p, const fvi_flow_item *item, fv_result *r)
{
    *r = (fv_result){.frame = item->use_painted ? &item->painted : &item->frame,
                     .original = &item->frame,
                     .dets = &item->dets,
                     .events = item->events,
                     .n_events = item->n_events,
                     .lines = item->lines,
                     .zones = item->zones,
                     .n_lines = item->n_lines,
                     .n_zones = item->n_zones,
                     .source = p->o.source->info.name,
                     .source_index = p->o.source_index};
}
