/* yolov8.c: [N,4+classes,anchors] (cx cy w h, class scores) -> detections: YOLOv8, 9, 11, 12 and v5u.
 * Frame road, step "heads"; found by heads.c. */
#include "base/error.h"
#include "vision/heads/common.h"
#include <math.h>
#include <stdio.h>

#define BLOCK 256 /* anchors whose best scores are found together: [BLOCK] floats stay in L1 */
#define LANES 16

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
    snprintf(st->rule, sizeof st->rule, "YOLOv8/9/11/12 [1,%lld,%lld], from %s", (long long)d1, (long long)d2,
             detect ? "metadata task=detect" : "its shape");
    return FV_OK;
}

/* Highest class score of `count` neighbouring anchors; p: their first class score. */
static void best_anchors_contiguous(const float *restrict p, int64_t sc, int n_classes, int count, float *restrict best)
{
    for (int k = 0; k < BLOCK; k++) best[k] = -INFINITY;
    if (count == BLOCK) {
        for (int c = 0; c < n_classes; c++, p += sc)
            for (int k = 0; k < BLOCK; k++) best[k] = p[k] > best[k] ? p[k] : best[k];
    } else {
        for (int c = 0; c < n_classes; c++, p += sc)
            for (int k = 0; k < count; k++) best[k] = p[k] > best[k] ? p[k] : best[k];
    }
}

static float best_of_contiguous(const float *restrict p, int n)
{
    float lane[LANES], best = -INFINITY;
    int c = 0;
    for (int k = 0; k < LANES; k++) lane[k] = -INFINITY;
    for (; c + LANES <= n; c += LANES)
        for (int k = 0; k < LANES; k++) lane[k] = p[c + k] > lane[k] ? p[c + k] : lane[k];
    for (; c < n; c++) best = p[c] > best ? p[c] : best;
    for (int k = 0; k < LANES; k++) best = lane[k] > best ? lane[k] : best;
    return best;
}

static void best_block(const fvi_head_view *v, int64_t a0, int count, int n_classes, float *best)
{
    const float *p = v->p + a0 * v->sa + 4 * v->sc;
    if (v->sa == 1) {
        best_anchors_contiguous(p, v->sc, n_classes, count, best);
    } else if (v->sc == 1) {
        for (int k = 0; k < count; k++) best[k] = best_of_contiguous(p + k * v->sa, n_classes);
    } else {
        for (int k = 0; k < count; k++) {
            best[k] = -INFINITY;
            for (int c = 0; c < n_classes; c++) {
                float s = p[k * v->sa + c * v->sc];
                best[k] = s > best[k] ? s : best[k];
            }
        }
    }
}

static int scan(const fvi_head_plan *plan, const fvi_head_view *v, int n_classes, const fvi_head_params *p)
{
    float best[BLOCK];
    fvi_head_pick pick = fvi_head_pick_start(plan, p->conf);
    for (int64_t a0 = 0; a0 < plan->anchors; a0 += BLOCK) {
        int count = plan->anchors - a0 < BLOCK ? (int)(plan->anchors - a0) : BLOCK;
        best_block(v, a0, count, n_classes, best);
        for (int k = 0; k < count; k++) {
            if (!(best[k] > p->conf) || isinf(best[k])) continue;
            const float *q = v->p + (a0 + k) * v->sa;
            fvi_candidate c = {.score = best[k], .index = (int)(a0 + k)};
            if (!fvi_head_box_from_centre(c.box, q[0], q[v->sc], q[2 * v->sc], q[3 * v->sc])) continue;
            if (p->multi_label) {
                fvi_head_pick_classes(&pick, c, q + 4 * v->sc, v->sc, 1, n_classes, p);
                continue;
            }
            int class_id = 0; /* the first class with the best score */
            while (q[(4 + class_id) * v->sc] != best[k]) class_id++;
            c.class_id = class_id;
            if (fvi_head_keeps(p, class_id)) fvi_head_pick_add(&pick, &c);
        }
    }
    return pick.n;
}

static fv_status decode(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *p, fv_detections *out)
{
    fvi_head_plan *plan = st->scratch;
    fvi_head_view v;
    FVI_TRY(fvi_head_plan_view(plan, outputs, n, &v));
    int found = scan(plan, &v, st->n_classes, p);
    int kept = fvi_nms(plan->cand, found, p->iou, p->agnostic, p->max_det);
    return fvi_head_emit(plan->cand, kept, map, src_w, src_h, out);
}

const fvi_head fvi_head_yolov8 = {"YOLOv8/9/11/12", "[1,4+classes,anchors]", match, decode, fvi_head_plan_free};
