/* nmsed.c: a count, boxes [N,K,4] (x1 y1 x2 y2 in network pixels), scores [N,K] and classes [N,K], suppressed inside the
 * network -> detections: exports with EfficientNMS or BatchedNMS outputs. Frame road, step "heads"; found by heads.c. */
#include "base/error.h"
#include "vision/heads/common.h"
#include <math.h>
#include <stdio.h>

#define MAX_ROWS 10000
#define CLASSES_UNKNOWN 1000 /* no names: class ids up to here are believed */

/* Which output is which; kept in the plan: the boxes' in `output`, the others beside it. */
typedef struct roles {
    int count, boxes, scores, classes;
} roles;

static bool whole_numbers(fv_dtype t) { return t == FV_I32 || t == FV_I64; }

static bool find_roles(const fvi_head_model *m, roles *r)
{
    *r = (roles){-1, -1, -1, -1};
    if (m->n_outputs != 4) return false;
    for (int i = 0; i < 4; i++) {
        const fvi_tensor *t = &m->outputs[i];
        if (t->rank >= 1 && t->dim[0] != 1) return false;
        if (fvi_head_output_named(m, i, "num") && whole_numbers(t->dtype) && t->rank <= 2) r->count = i;
        else if (fvi_head_output_named(m, i, "box") && t->rank == 3 && t->dim[2] == 4) r->boxes = i;
        else if (fvi_head_output_named(m, i, "score") && t->rank == 2) r->scores = i;
        else if ((fvi_head_output_named(m, i, "class") || fvi_head_output_named(m, i, "label")) && t->rank == 2) r->classes = i;
    }
    if (r->count < 0 || r->boxes < 0 || r->scores < 0 || r->classes < 0) return false;
    const fvi_tensor *n = &m->outputs[r->count];
    int64_t rows = m->outputs[r->boxes].dim[1];
    return rows >= 1 && rows <= MAX_ROWS && m->outputs[r->scores].dim[1] == rows && m->outputs[r->classes].dim[1] == rows &&
           m->outputs[r->scores].dtype == FV_F32 && (n->rank < 2 || n->dim[1] == 1);
}

static fv_status match(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    roles r;
    if (!find_roles(m, &r)) return FV_AGAIN;
    fvi_head_plan plan = {.output = r.boxes, .anchors = m->outputs[r.boxes].dim[1], .channels = 4, .part = {r.count, r.scores, r.classes}};
    FVI_TRY(fvi_head_plan_create(st, &fvi_head_nmsed, m, &plan, m->n_names > 0 ? m->n_names : CLASSES_UNKNOWN, err));
    snprintf(st->rule, sizeof st->rule, "NMS in the network: count, boxes [1,%lld,4], scores, classes, from the outputs' names",
             (long long)plan.anchors);
    return FV_OK;
}

/* Element i of image n of a small output [N], [N,1] or [N,K]; NaN when it is not there. */
static double value(const fvi_tensor *t, int n, int i)
{
    bool there = t->data && t->rank >= 1 && t->rank <= 2 && n < t->dim[0] && i < (t->rank == 2 ? t->dim[1] : 1);
    if (!there) return NAN;
    int64_t at = n * t->stride[0] + (t->rank == 2 ? i * t->stride[1] : 0);
    const void *p = t->data;
    if (t->dtype == FV_I32) return ((const int32_t *)p)[at];
    if (t->dtype == FV_I64) return (double)((const int64_t *)p)[at];
    return t->dtype == FV_F32 ? ((const float *)p)[at] : NAN;
}

static fv_status decode(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *p, fv_detections *out)
{
    fvi_head_plan *plan = st->scratch;
    fvi_head_view v;
    FVI_TRY(fvi_head_plan_view(plan, outputs, n, &v));
    double count = value(&outputs[plan->part[0]], n, 0);
    int rows = count > 0 ? count < (double)plan->anchors ? (int)count : (int)plan->anchors : 0, found = 0;
    for (int a = 0; a < rows; a++) {
        double score = value(&outputs[plan->part[1]], n, a), class_id = value(&outputs[plan->part[2]], n, a);
        if (!(score > (double)p->conf) || isinf(score) || !(class_id >= 0) || class_id >= st->n_classes) continue;
        if (!fvi_head_keeps(p, (int)class_id)) continue;
        const float *q = v.p + a * v.sa;
        fvi_candidate c = {.box = {q[0], q[v.sc], q[2 * v.sc], q[3 * v.sc]}, .score = (float)score, .class_id = (int)class_id, .index = a};
        if (isfinite(c.box[0]) && isfinite(c.box[1]) && isfinite(c.box[2]) && isfinite(c.box[3])) plan->cand[found++] = c;
    }
    int kept = fvi_nms(plan->cand, found, 2.0f, true, p->max_det); /* sorts; an IoU above 1 suppresses nothing */
    return fvi_head_emit(plan->cand, kept, map, src_w, src_h, out);
}

const fvi_head fvi_head_nmsed = {"NMS in the network", "count, [1,K,4], [1,K], [1,K]", match, decode, fvi_head_plan_free};
