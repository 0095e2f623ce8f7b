/* yolov8.c: [N,4+classes,anchors] (cx cy w h, class scores) -> detections: YOLOv8, 9, 11, 12 and v5u.
 * Frame road, step "heads"; found by heads.c. */
#include "base/error.h"
#include "vision/heads/yolo.h"
#include <stdio.h>

static fv_status match(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    int o = fvi_head_only_rank3(m);
    if (o < 0) return FV_AGAIN;
    int64_t d1 = m->outputs[o].dim[1], d2 = m->outputs[o].dim[2];
    bool detect = fvi_head_meta_is(m, "task", "detect");
    fvi_head_plan plan = {.output = o};
    if (d1 >= 5 && d1 <= 65536 && (fvi_head_levels_find(m, d2, 1, &plan.levels) ? d1 - 4 <= d2 : detect && d1 - 4 == m->n_names)) {
        plan.anchors_last = true;
        plan.channels = (int)d1;
        plan.anchors = d2;
    } else if (m->n_names > 0 && d2 - 4 == m->n_names && fvi_head_levels_find(m, d1, 1, &plan.levels)) {
        plan.channels = (int)d2; /* exported transposed; only the names tell it from YOLOX */
        plan.anchors = d1;
    } else {
        return FV_AGAIN;
    }
    for (int i = 0; i < m->n_outputs; i++)
        if (m->outputs[i].rank == 4 && !detect)
            return fvi_error_set(err, FV_ERR_MODEL,
                                 "output '%s' of rank 4 beside the boxes looks like a segmentation model; detection models can be used",
                                 m->output_names ? m->output_names[i] : "");
    FVI_TRY(fvi_head_plan_create(st, &fvi_head_yolov8, m, &plan, plan.channels - 4, err));
    fvi_yolo_note_scores(st, &plan, plan.channels - 4);
    snprintf(st->rule, sizeof st->rule, "YOLOv8/9/11/12 [1,%lld,%lld], from %s", (long long)d1, (long long)d2,
             detect ? "metadata task=detect" : "its shape");
    return FV_OK;
}

static fv_status decode(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *p, fv_detections *out)
{
    fvi_head_plan *plan = st->scratch;
    fvi_head_view v;
    FVI_TRY(fvi_head_plan_view(plan, outputs, n, &v));
    int kept = fvi_yolo_boxes(plan, &v, st->n_classes, p);
    return fvi_head_emit(plan->cand, kept, map, src_w, src_h, out);
}

const fvi_head fvi_head_yolov8 = {"YOLOv8/9/11/12", "[1,4+classes,anchors]", match, decode, fvi_head_plan_free};
