/* obb.c: rows of centre, width, height, scores and an angle -> rotated boxes in source pixels: YOLOv8/11/26-obb. Frame road, step "heads";
 * found by heads.c by metadata, since the angle looks like a class.
 *
 * Overlap is that of the Gaussians that the boxes stand for (probabilistic IoU, arXiv:2106.06072), and a box goes when any surer one of
 * its class overlaps it, whether that one stays or not, as Ultralytics suppresses rotated boxes. */
#include "base/alloc.h"
#include "base/error.h"
#include "vision/heads/yolo.h"
#include <math.h>
#include <stdio.h>

#define CLASS_OFFSET 7680.0f
#define EPS 1e-7f

/* Covariance of the Gaussian of a rotated box, and its centre moved apart by class. */
typedef struct gauss {
    float x, y, a, b, c;
} gauss;

typedef struct rotated {
    fvi_head_plan *plan;
    gauss *g; /* [candidates that suppression looks at] */
} rotated;

static fv_status match(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    int o = fvi_head_only_rank3(m), n_classes = 0;
    fvi_head_plan plan;
    if (!fvi_head_task_is(m, "obb") || o < 0 || !fvi_yolo_fits(m, o, 1, &plan, &n_classes)) return FV_AGAIN;
    FVI_TRY(fvi_head_plan_create(st, &fvi_head_obb, m, &plan, n_classes, err));
    rotated *own = fvi_calloc(1, sizeof *own);
    int room = ((fvi_head_plan *)st->scratch)->room;
    gauss *g = fvi_calloc(room < FVI_NMS_MAX ? (size_t)room : FVI_NMS_MAX, sizeof *g);
    if (!own || !g) {
        fvi_free(own);
        fvi_free(g);
        fvi_head_plan_free(st);
        st->head = NULL;
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    }
    own->plan = st->scratch;
    own->g = g;
    st->scratch = own;
    fvi_yolo_note_scores(st, &plan, n_classes);
    char rows[64];
    fvi_yolo_describe(&plan, rows, sizeof rows);
    snprintf(st->rule, sizeof st->rule, "%s with an angle, from %s", rows, fvi_head_meta(m, "task") ? "metadata task=obb" : "task=obb");
    return FV_OK;
}

static void release(fvi_head_state *st)
{
    rotated *d = st->scratch;
    if (!d) return;
    st->scratch = d->plan;
    fvi_head_plan_free(st);
    fvi_free(d->g);
    fvi_free(d);
}

static gauss gauss_of(const fvi_candidate *k, float angle, bool agnostic)
{
    float o = agnostic ? 0 : (float)k->class_id * CLASS_OFFSET, co = cosf(angle), si = sinf(angle);
    float a = k->box[2] * k->box[2] / 12, b = k->box[3] * k->box[3] / 12;
    return (gauss){k->box[0] + o, k->box[1] + o, a * co * co + b * si * si, a * si * si + b * co * co, (a - b) * co * si};
}

/* Is 1 - Hellinger distance above the threshold? `most`: the Bhattacharyya distance at the threshold; the logarithm, which is never
 * below zero, is only taken when the rest does not decide. */
static bool overlaps(const gauss *p, const gauss *q, float iou, float most)
{
    float a = p->a + q->a, b = p->b + q->b, c = p->c + q->c, dx = p->x - q->x, dy = p->y - q->y, det = a * b - c * c;
    float near = (a * dy * dy + b * dx * dx) / (det + EPS) * 0.25f + c * -dx * dy / (det + EPS) * 0.5f;
    if (near > most) return false;
    float dp = fmaxf(p->a * p->b - p->c * p->c, 0), dq = fmaxf(q->a * q->b - q->c * q->c, 0);
    float shape = logf(det / (4 * sqrtf(dp * dq) + EPS) + EPS) * 0.5f;
    float d = fminf(fmaxf(near + shape, EPS), 100.0f);
    return 1 - sqrtf(1 - expf(-d) + EPS) > iou;
}

static float angle_of(const fvi_head_plan *plan, const fvi_head_view *v, const fvi_candidate *c) { return *fvi_yolo_extra(plan, v, c); }

/* cand [n], sorted -> those that stay, in front. The ones gone are still compared with. */
static int suppress(const rotated *d, const fvi_head_view *v, fvi_candidate *cand, int n, const fvi_head_params *p)
{
    float inside = 1 - (1 - p->iou) * (1 - p->iou), most = inside > 0 ? 0.01f - logf(inside) : INFINITY;
    int kept = 0, looked = 0;
    for (; looked < n && kept < p->max_det; looked++) {
        fvi_candidate *c = &cand[looked];
        d->g[looked] = gauss_of(c, angle_of(d->plan, v, c), p->agnostic);
        bool gone = false;
        for (int k = 0; k < looked && !gone; k++)
            gone = (p->agnostic || cand[k].class_id == c->class_id) && overlaps(&d->g[k], &d->g[looked], p->iou, most);
        if (gone) c->score = -c->score; /* scores are above zero: they passed the threshold */
        kept += !gone;
    }
    int good = 0;
    for (int i = 0; i < looked; i++)
        if (cand[i].score > 0) cand[good++] = cand[i];
    return good;
}

static float limited(double v, int limit) { return (float)(v < 0 ? 0 : v > limit ? limit : v); }

static void put(const fvi_candidate *c, float angle, const fvi_prep_map *map, int src_w, int src_h, fv_detection *item, float obb[5])
{
    double cx = (c->box[0] - map->dx) / map->sx, cy = (c->box[1] - map->dy) / map->sy, w = c->box[2] / map->sx, h = c->box[3] / map->sy;
    double co = fabs(cos((double)angle)), si = fabs(sin((double)angle)), rx = (w * co + h * si) / 2, ry = (w * si + h * co) / 2;
    const double out[5] = {cx, cy, w, h, (double)angle};
    for (int i = 0; i < 5; i++) obb[i] = (float)out[i];
    *item = (fv_detection){.box = {limited(cx - rx, src_w), limited(cy - ry, src_h), limited(cx + rx, src_w), limited(cy + ry, src_h)},
                           .confidence = c->score,
                           .class_id = c->class_id};
}

static fv_status decode(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *p, fv_detections *out)
{
    const rotated *d = st->scratch;
    fvi_head_plan *plan = d->plan;
    fvi_head_view v;
    fvi_detections_begin(out, FV_TASK_OBB);
    FVI_TRY(fvi_head_plan_view(plan, outputs, n, &v));
    if (!(map->sx > 0) || !(map->sy > 0)) return FV_ERR_ARGUMENT;
    int found = fvi_yolo_scan(plan, &v, st->n_classes, p), good = 0;
    for (int i = 0; i < found; i++) {
        const fvi_candidate *c = &plan->cand[i];
        if (isfinite(angle_of(plan, &v, c)) && c->box[2] >= 0 && c->box[3] >= 0) plan->cand[good++] = *c;
    }
    bool done = plan->form == FVI_YOLO_E2E;
    int kept = fvi_nms(plan->cand, good, 2.0f, true, done ? p->max_det : FVI_NMS_MAX); /* sorts; an IoU above 1 suppresses nothing */
    if (!done) kept = suppress(d, &v, plan->cand, kept, p);
    FVI_TRY(fv_detections_reserve(out, kept));
    FVI_TRY(fvi_detections_rows(out, FV_TASK_OBB, kept, 0));
    for (int i = 0; i < kept; i++) {
        put(&plan->cand[i], angle_of(plan, &v, &plan->cand[i]), map, src_w, src_h, &out->items[i], out->obb[i]);
        out->items[i].extra = i + 1;
    }
    out->count = out->n_extras = kept;
    return FV_OK;
}

const fvi_head fvi_head_obb = {"rotated boxes", "rows with an angle", match, decode, release, FV_TASK_OBB};
