/* e2e.c: [N,K,6] (x1 y1 x2 y2 score class), already suppressed by the network -> detections: YOLOv10, YOLO26 and exports
 * with nms=True. Frame road, step "heads"; found by heads.c. */
#include "base/error.h"
#include "vision/heads/common.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_ROWS 10000
#define CLASSES_UNKNOWN 1000 /* no names: class ids up to here are believed */

static fv_status match(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    int o = fvi_head_only_rank3(m);
    if (o < 0) return FV_AGAIN;
    int64_t rows = m->outputs[o].dim[1];
    if (m->outputs[o].dim[2] != 6 || rows < 1 || rows > MAX_ROWS) return FV_AGAIN;
    const char *args = fvi_head_meta(m, "args");
    bool end2end = fvi_head_meta_is(m, "end2end", "true"), nms = args && strstr(args, "'nms': True");
    fvi_head_levels levels;
    if (!end2end && !nms && (fvi_head_levels_find(m, rows, 1, &levels) || fvi_head_levels_find(m, rows, 3, &levels)))
        return FV_AGAIN; /* one box a cell: YOLOX or YOLOv5 with one class */
    fvi_head_plan plan = {.output = o, .anchors = rows, .channels = 6};
    FVI_TRY(fvi_head_plan_create(st, &fvi_head_e2e, m, &plan, m->n_names > 0 ? m->n_names : CLASSES_UNKNOWN, err));
    snprintf(st->rule, sizeof st->rule, "end-to-end (YOLOv10/26) [1,%lld,6], from %s", (long long)rows,
             end2end ? "metadata end2end=True" : nms ? "metadata nms=True" : "its shape");
    return FV_OK;
}

static bool finite_row(const float *q, int64_t sc)
{
    for (int c = 0; c < 6; c++)
        if (!isfinite(q[c * sc])) return false;
    return true;
}

static fv_status decode(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *p, fv_detections *out)
{
    fvi_head_plan *plan = st->scratch;
    fvi_head_view v;
    FVI_TRY(fvi_head_plan_view(plan, outputs, n, &v));
    int found = 0;
    for (int a = 0; a < (int)plan->anchors; a++) {
        const float *q = v.p + a * v.sa;
        float score = q[4 * v.sc], class_id = q[5 * v.sc];
        if (!(score > p->conf) || !finite_row(q, v.sc)) continue;
        if (!(class_id >= 0) || class_id >= (float)st->n_classes || !fvi_head_keeps(p, (int)class_id)) continue;
        plan->cand[found++] = (fvi_candidate){
            .box = {q[0], q[v.sc], q[2 * v.sc], q[3 * v.sc]}, .score = score, .class_id = (int)class_id, .index = a};
    }
    /* Rows come sorted from the network; an IoU above 1 only restores that order should they not be. */
    int kept = fvi_nms(plan->cand, found, 2.0f, true, p->max_det);
    return fvi_head_emit(plan->cand, kept, map, src_w, src_h, out);
}

const fvi_head fvi_head_e2e = {"end-to-end (YOLOv10/26)", "[1,K,6]", match, decode, fvi_head_plan_free};
