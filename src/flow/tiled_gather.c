/* tiled_gather.c: things -> the frame's detections: boxes clipped to the frame, masks of pieces laid over each other, keypoints and rotated
 * boxes of the surest piece moved to the frame. Called by tiled.c. */
#include "flow/tiled.h"
#include "vision/heads/heads.h"
#include <string.h>

static const fv_detection *item_of(const fvi_flow_gather *g, int b) { return &g->found[g->boxes[b].tile].items[g->item[b]]; }

/* Mask of box b, moved to the frame. False: it has none. */
static bool mask_of(const fvi_flow_gather *g, int b, fv_mask *m, const uint8_t **bits)
{
    const fv_detections *d = &g->found[g->boxes[b].tile];
    const fv_detection *it = item_of(g, b);
    if (!it->extra || !d->masks) return false;
    *m = d->masks[it->extra - 1];
    *bits = d->mask_bits + m->at;
    m->x += g->tiles[g->boxes[b].tile].x;
    m->y += g->tiles[g->boxes[b].tile].y;
    return m->width > 0 && m->height > 0;
}

/* The next box of a thing: the first, then its chain. */
static int following(const fvi_flow_gather *g, const fvi_tiles_thing *t, int b) { return b == t->first ? t->more : g->next[b]; }

/* The smallest mask that holds those of all boxes of the thing; false: none has one. */
static bool mask_extent(const fvi_flow_gather *g, const fvi_tiles_thing *t, fv_mask *all)
{
    bool any = false;
    fv_mask m;
    const uint8_t *bits;
    for (int b = t->first; b >= 0; b = following(g, t, b)) {
        if (!mask_of(g, b, &m, &bits)) continue;
        if (!any) *all = m;
        any = true;
        int x2 = all->x + all->width > m.x + m.width ? all->x + all->width : m.x + m.width;
        int y2 = all->y + all->height > m.y + m.height ? all->y + all->height : m.y + m.height;
        all->x = all->x < m.x ? all->x : m.x;
        all->y = all->y < m.y ? all->y : m.y;
        all->width = x2 - all->x;
        all->height = y2 - all->y;
    }
    return any;
}

static fv_status put_mask(const fvi_flow_gather *g, const fvi_tiles_thing *t, fv_detections *out, int *extra)
{
    fv_mask all, m;
    const uint8_t *bits;
    *extra = 0;
    if (!mask_extent(g, t, &all)) return FV_OK;
    size_t bytes = (size_t)all.width * (size_t)all.height;
    if (bytes > FVI_DETECTIONS_MASK_BYTES - out->mask_bytes) return FV_OK; /* the weakest go without */
    if (fvi_detections_mask_bytes(out, out->mask_bytes + bytes) < 0) return FV_ERR_MEMORY;
    all.at = out->mask_bytes;
    uint8_t *to = out->mask_bits + all.at;
    memset(to, 0, bytes);
    for (int b = t->first; b >= 0; b = following(g, t, b)) {
        if (!mask_of(g, b, &m, &bits)) continue;
        for (int y = 0; y < m.height; y++) {
            uint8_t *row = to + (size_t)(m.y - all.y + y) * (size_t)all.width + (m.x - all.x);
            for (int x = 0; x < m.width; x++) row[x] |= bits[(size_t)y * (size_t)m.width + (size_t)x];
        }
    }
    *extra = fvi_detections_keep_mask(out, &all);
    return FV_OK;
}

/* A row of keypoints or a rotated box, moved. */
static int put_row(const fvi_flow_gather *g, const fvi_tiles_thing *t, fv_detections *out)
{
    const fvi_tile *tile = &g->tiles[g->boxes[t->first].tile];
    const fv_detections *d = &g->found[g->boxes[t->first].tile];
    const fv_detection *it = item_of(g, t->first);
    int to = out->n_extras, n = out->n_keypoints;
    if (!it->extra) return 0;
    if (g->task == FV_TASK_POSE) {
        for (int k = 0; k < n; k++) {
            const float *p = d->keypoints[(size_t)(it->extra - 1) * (size_t)n + (size_t)k];
            float *o = out->keypoints[(size_t)to * (size_t)n + (size_t)k];
            bool there = p[2] > 0 || p[0] != 0 || p[1] != 0; /* 0,0,0: a point that is no number */
            o[0] = p[0] + (there ? (float)tile->x : 0);
            o[1] = p[1] + (there ? (float)tile->y : 0);
            o[2] = p[2];
        }
    } else {
        memcpy(out->obb[to], d->obb[it->extra - 1], sizeof out->obb[to]);
        out->obb[to][0] += (float)tile->x;
        out->obb[to][1] += (float)tile->y;
    }
    return ++out->n_extras;
}

fv_status fvi_flow_gather_things(const fvi_flow_gather *g, const fvi_tiles_thing *things, int n, fv_detections *out)
{
    int points = 0;
    bool rows = g->task == FV_TASK_POSE || g->task == FV_TASK_OBB || g->task == FV_TASK_SEGMENT;
    for (int i = 0; i < n && !points && g->task == FV_TASK_POSE; i++) points = g->found[g->boxes[things[i].first].tile].n_keypoints;
    fvi_detections_begin(out, g->task);
    if (fv_detections_reserve(out, n) < 0) return FV_ERR_MEMORY;
    if (rows && (g->task != FV_TASK_POSE || points) && fvi_detections_rows(out, g->task, n > out->extras_capacity ? n : out->extras_capacity, points) < 0)
        return FV_ERR_MEMORY;
    for (int i = 0; i < n; i++) {
        const fvi_tiles_thing *t = &things[i];
        fv_detection *d = &out->items[out->count];
        *d = (fv_detection){.confidence = t->score, .class_id = t->class_id};
        for (int k = 0; k < 4; k++) {
            float most = (float)(k % 2 ? g->frame_h : g->frame_w);
            d->box[k] = t->box[k] > 0 ? t->box[k] < most ? t->box[k] : most : 0;
        }
        if (g->task == FV_TASK_SEGMENT && put_mask(g, t, out, &d->extra) < 0) return FV_ERR_MEMORY;
        if (g->task == FV_TASK_POSE || g->task == FV_TASK_OBB) d->extra = put_row(g, t, out);
        out->count++;
    }
    return FV_OK;
}
