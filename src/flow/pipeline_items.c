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

static void copy_plane(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, size_t row, int rows)
{
    if (dst_stride == src_stride && src_stride >= (ptrdiff_t)row) {
        memcpy(dst, src, (size_t)src_stride * (size_t)(rows - 1) + row);
        return;
    }
    for (int y = 0; y < rows; y++) memcpy(dst + y * dst_stride, src + y * src_stride, row);
}

static void copy_pixels(fv_frame *dst, const fv_frame *src)
{
    size_t w = (size_t)src->width, cw = (w + 1) / 2;
    int h = src->height, ch = (h + 1) / 2;
    bool packed = src->format == FV_PIXEL_RGB || src->format == FV_PIXEL_BGR;
    copy_plane(dst->plane[0], dst->stride[0], src->plane[0], src->stride[0], packed ? 3 * w : w, h);
    if (src->format == FV_PIXEL_NV12) copy_plane(dst->plane[1], dst->stride[1], src->plane[1], src->stride[1], 2 * cw, ch);
    if (src->format == FV_PIXEL_I420)
        for (int i = 1; i < 3; i++) copy_plane(dst->plane[i], dst->stride[i], src->plane[i], src->stride[i], cw, ch);
}

fv_status fvi_flow_item_unshare(fvi_flow_item *item)
{
    const fv_frame *src = &item->frame;
    fv_frame *dst = &item->painted;
    if (dst->format != src->format || dst->width != src->width || dst->height != src->height || !dst->plane[0]) {
        fv_frame_release(dst);
        memset(dst, 0, sizeof *dst);
        FVI_TRY(fv_frame_alloc(dst, src->format, src->width, src->height));
    }
    copy_pixels(dst, src);
    dst->matrix = src->matrix;
    dst->range = src->range;
    dst->chroma = src->chroma;
    dst->index = src->index;
    dst->pts = src->pts;
    dst->wall = src->wall;
    dst->decode_ns = src->decode_ns;
    dst->born_ns = src->born_ns;
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
