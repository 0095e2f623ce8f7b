/* yolov5.c: [N,anchors,5+classes] (cx cy w h, objectness, class scores), decoded, three anchors a cell -> detections:
 * YOLOv5, v7 and v3 exports. Frame road, step "heads"; found by heads.c. */
#include "base/error.h"
#include "vision/heads/common.h"
#include <stdio.h>

static fv_status match(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    int o = fvi_head_only_rank3(m);
    if (o < 0) return FV_AGAIN;
    int64_t anchors = m->outputs[o].dim[1], channels = m->outputs[o].dim[2];
    fvi_head_plan plan = {.output = o, .anchors = anchors, .channels = (int)channels};
    if (channels < 6 || channels > 65536 || !fvi_head_levels_find(m, anchors, 3, &plan.levels)) return FV_AGAIN;
    FVI_TRY(fvi_head_plan_create(st, &fvi_head_yolov5, m, &plan, (int)channels - 5, err));
    snprintf(st->rule, sizeof st->rule, "YOLOv5/7 [1,%lld,%lld], from its shape: 3 anchors a cell", (long long)anchors,
             (long long)channels);
    return FV_OK;
}

static bool box_of(const fvi_head_plan *plan, const fvi_head_view *v, fvi_candidate *c)
{
    (void)plan;
    const float *q = v->p + c->index * v->sa;
    return fvi_head_box_from_centre(c->box, q[0], q[v->sc], q[2 * v->sc], q[3 * v->sc]);
}

static fv_status decode(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *p, fv_detections *out)
{
    return fvi_head_decode_objectness(st, outputs, n, map, src_w, src_h, p, box_of, out);
}

const fvi_head fvi_head_yolov5 = {"YOLOv5/7", "[1,3*cells,5+classes]", match, decode, fvi_head_plan_free};
