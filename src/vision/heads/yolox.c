/* yolox.c: [N,cells,5+classes], one anchor a cell, boxes not decoded (offset in the cell, log of the size in strides)
 * -> detections: YOLOX. Wants BGR 0..255 with the picture in the top-left corner. Frame road, step "heads"; found by
 * heads.c. */
#include "base/error.h"
#include "vision/heads/common.h"
#include <math.h>
#include <stdio.h>

static fv_status match(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    int o = fvi_head_only_rank3(m);
    if (o < 0) return FV_AGAIN;
    int64_t anchors = m->outputs[o].dim[1], channels = m->outputs[o].dim[2];
    fvi_head_plan plan = {.output = o, .anchors = anchors, .channels = (int)channels};
    if (channels < 6 || channels > 65536 || !fvi_head_levels_find(m, anchors, 1, &plan.levels)) return FV_AGAIN;
    FVI_TRY(fvi_head_plan_create(st, &fvi_head_yolox, m, &plan, (int)channels - 5, err));
    st->prep.bgr = true;
    st->prep.pad_topleft = true;
    for (int c = 0; c < 3; c++) st->prep.scale[c] = 1.0f;
    fvi_head_plan *own = st->scratch;
    own->grid_w = m->input_w;
    own->grid_h = m->input_h;
    snprintf(st->rule, sizeof st->rule, "YOLOX [1,%lld,%lld], from its shape: 1 anchor a cell, boxes decoded on the grid",
             (long long)anchors, (long long)channels);
    return FV_OK;
}

/* Anchors run over the levels, finest first, then rows, then columns. */
static bool decode_box(const fvi_head_plan *plan, const fvi_head_view *v, fvi_candidate *c)
{
    const float *q = v->p + c->index * v->sa;
    int at = c->index;
    for (int l = 0; l < plan->levels.n; l++) {
        int s = plan->levels.stride[l], w = plan->grid_w / s, cells = w * (plan->grid_h / s);
        if (at >= cells) {
            at -= cells;
            continue;
        }
        float stride = (float)s;
        float cx = (q[0] + (float)(at % w)) * stride, cy = (q[v->sc] + (float)(at / w)) * stride;
        return fvi_head_box_from_centre(c->box, cx, cy, expf(q[2 * v->sc]) * stride, expf(q[3 * v->sc]) * stride);
    }
    return false;
}

static fv_status decode(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *p, fv_detections *out)
{
    return fvi_head_decode_objectness(st, outputs, n, map, src_w, src_h, p, decode_box, out);
}

const fvi_head fvi_head_yolox = {"YOLOX", "[1,cells,5+classes]", match, decode, fvi_head_plan_free};
