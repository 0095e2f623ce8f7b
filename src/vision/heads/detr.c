/* detr.c: transformer detectors, a fixed number of queries and no suppression -> detections. RT-DETR as Ultralytics exports
 * it: [N,queries,4+classes], probabilities, or newer [N,queries,6], score and class. RT-DETR, D-FINE, RF-DETR as their own
 * repositories and transformers do: boxes [N,queries,4] and logits [N,queries,classes]. Frame road, step "heads"; found by heads.c. */
#include "base/alloc.h"
#include "base/error.h"
#include "vision/heads/common.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_QUERIES 10000
#define COCO_IDS 91 /* classes of models that count by COCO's category ids, 0..90, eleven of them unused */
#define CLASSES_UNKNOWN 1000 /* no names: class ids up to here are believed */

typedef struct detr {
    fvi_head_plan *plan; /* candidates: a query each, or a class of a query each */
    int boxes, scores;   /* outputs; the same one when joined */
    int queries, columns; /* columns: classes that the network gives */
    bool joined, coco_ids;
    bool chosen; /* joined, and the network gives the best class itself: score and class behind the box */
    float w, h; /* network input; boxes are relative to it */
} detr;

static bool joined_fits(const fvi_head_model *m, detr *d)
{
    int o = fvi_head_only_rank3(m), classes = m->n_names > 0 ? m->n_names : FVI_HEADS_COCO;
    if (o < 0) return false;
    int64_t rows = m->outputs[o].dim[1], columns = m->outputs[o].dim[2];
    const char *head = fvi_head_meta(m, "head");
    bool said = fvi_head_holds(head, "rtdetr") || fvi_head_holds(fvi_head_meta(m, "description"), "rtdetr");
    fvi_head_levels levels;
    if (rows < 1 || rows > MAX_QUERIES) return false;
    /* Two classes look like score and class; the version that began to write `head` gives the latter. */
    d->chosen = said && columns == 6 && (head || m->n_names != 2);
    if (!d->chosen && columns != classes + 4) return false;
    if (!said && (fvi_head_levels_find(m, rows, 1, &levels) || fvi_head_levels_find(m, rows, 3, &levels) ||
                  fvi_head_levels_find(m, columns, 1, &levels)))
        return false; /* YOLO grids, as they come or transposed */
    /* [1,K,6] is an end-to-end YOLO unless said; without names only the usual 300 queries are believed */
    if (!said && (columns == 6 || (m->n_names == 0 && rows != 300))) return false;
    d->joined = true;
    d->boxes = d->scores = o;
    d->queries = (int)rows;
    d->columns = d->chosen ? 2 : classes;
    return true;
}

static bool named(const fvi_head_model *m, int i, const char *a, const char *b)
{
    return fvi_head_output_named(m, i, a) || fvi_head_output_named(m, i, b);
}

static bool pair_fits(const fvi_head_model *m, detr *d)
{
    d->boxes = d->scores = -1;
    for (int i = 0; i < m->n_outputs; i++) {
        const fvi_tensor *t = &m->outputs[i];
        if (t->rank != 3 || t->dim[0] != 1) continue;
        if (t->dim[2] == 4 && d->boxes < 0 && named(m, i, "box", "dets")) d->boxes = i;
        else if (d->scores < 0 && named(m, i, "logits", "labels")) d->scores = i;
    }
    if (d->boxes < 0 || d->scores < 0) return false;
    const fvi_tensor *b = &m->outputs[d->boxes], *s = &m->outputs[d->scores];
    if (b->dim[1] != s->dim[1] || b->dim[1] < 1 || b->dim[1] > MAX_QUERIES || s->dim[2] < 1 || s->dim[2] > 65536) return false;
    d->queries = (int)b->dim[1];
    d->columns = (int)s->dim[2];
    return true;
}

/* labels, boxes, scores: the repositories' deploy export, already scaled to a picture size that is a second input. */
static bool is_deploy_export(const fvi_head_model *m)
{
    int seen = 0;
    for (int i = 0; m->output_names && i < m->n_outputs; i++) {
        const char *name = m->output_names[i];
        int rank = m->outputs[i].rank;
        if (rank == 2) seen |= !strcmp(name, "labels") ? 1 : !strcmp(name, "scores") ? 4 : 0;
        if (rank == 3) seen |= !strcmp(name, "boxes") ? 2 : 0;
    }
    return seen == 7;
}

static void set_prep(fvi_head_state *st, const fvi_head_model *m, const detr *d)
{
    static const float mean[3] = {123.675f, 116.28f, 103.53f}, deviation[3] = {58.395f, 57.12f, 57.375f};
    bool rf = !d->joined && fvi_head_output_named(m, d->boxes, "dets");
    st->prep.fit = FVI_FIT_STRETCH;
    for (int c = 0; rf && c < 3; c++) {
        st->prep.mean[c] = mean[c];
        st->prep.scale[c] = 1.0f / deviation[c];
    }
    if (d->chosen)
        snprintf(st->rule, sizeof st->rule, "RT-DETR [1,%d,6], from metadata: score and class of each query, stretched", d->queries);
    else if (d->joined)
        snprintf(st->rule, sizeof st->rule, "RT-DETR [1,%d,4+%d], from %s: stretched", d->queries, d->columns,
                 m->n_names > 0 ? "its shape and the number of names" : "its shape");
    else
        snprintf(st->rule, sizeof st->rule, "%s [1,%d,4] and [1,%d,%d], from the outputs' names: stretched%s%s",
                 rf ? "RF-DETR" : "RT-DETR/D-FINE", d->queries, d->queries, d->columns, rf ? ", ImageNet mean" : "",
                 d->coco_ids ? ", COCO's category ids" : "");
}

static fv_status match(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    detr found = {.w = (float)m->input_w, .h = (float)m->input_h};
    if (is_deploy_export(m))
        return fvi_error_set(err, FV_ERR_MODEL,
                             "outputs labels, boxes, scores are scaled to orig_target_sizes inside the network; export the model without "
                             "its postprocessor, with outputs logits and pred_boxes");
    if (!joined_fits(m, &found) && !pair_fits(m, &found)) return FV_AGAIN;
    if (!found.joined && found.queries == 100 && !fvi_head_output_named(m, found.boxes, "dets"))
        return fvi_error_set(err, FV_ERR_MODEL,
                             "100 queries of logits and boxes are the first DETR or YOLOS, with a softmax over a 'no object' class; "
                             "RT-DETR, D-FINE and RF-DETR can be used");
    if (m->outputs[found.boxes].dtype != FV_F32)
        return fvi_error_set(err, FV_ERR_MODEL, "output '%s' is %s; float32 is read: export the model without half precision",
                             m->output_names ? m->output_names[found.boxes] : "", fv_dtype_name(m->outputs[found.boxes].dtype));
    found.coco_ids = !found.joined && found.columns == COCO_IDS && (m->n_names == 0 || m->n_names == FVI_HEADS_COCO);
    fvi_head_plan plan = {.output = found.scores, .anchors = (int64_t)found.queries * (found.joined ? 1 : found.columns)};
    detr *own = fvi_calloc(1, sizeof *own);
    if (!own) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    int n_classes = found.coco_ids ? FVI_HEADS_COCO : !found.chosen ? found.columns : m->n_names > 0 ? m->n_names : CLASSES_UNKNOWN;
    fv_status s = fvi_head_plan_create(st, &fvi_head_detr, m, &plan, n_classes, err);
    if (s < 0) {
        fvi_free(own);
        return s;
    }
    *own = found;
    own->plan = st->scratch;
    st->scratch = own;
    st->stride = 1; /* the input's size is fixed by the export; 560 is as good as 640 */
    set_prep(st, m, own);
    return FV_OK;
}

static void release(fvi_head_state *st)
{
    detr *d = st->scratch;
    if (!d) return;
    st->scratch = d->plan;
    fvi_head_plan_free(st);
    fvi_free(d);
}

/* COCO's category id -> the usual 0..79, -1 for the unused ones. */
static int coco_class(int id)
{
    static const int unused[] = {0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83};
    int below = 0;
    for (size_t i = 0; i < sizeof unused / sizeof *unused; i++) {
        if (id == unused[i]) return -1;
        below += unused[i] < id;
    }
    return id - below;
}

static bool relative_box(const detr *d, const fvi_head_view *v, int query, float box[4])
{
    const float *q = v->p + query * v->sa;
    return fvi_head_box_from_centre(box, q[0] * d->w, q[v->sc] * d->h, q[2 * v->sc] * d->w, q[3 * v->sc] * d->h);
}

/* Score and class of each query, as the network chose them. */
static int scan_chosen(const detr *d, const fvi_head_view *v, int n_classes, const fvi_head_params *p, fvi_candidate *cand)
{
    int n = 0;
    for (int a = 0; a < d->queries; a++) {
        const float *q = v->p + a * v->sa;
        float score = q[4 * v->sc], class_id = q[5 * v->sc];
        if (!(score > p->conf) || isinf(score) || !(class_id >= 0) || class_id >= (float)n_classes) continue;
        if (!fvi_head_keeps(p, (int)class_id)) continue;
        cand[n] = (fvi_candidate){.score = score, .class_id = (int)class_id, .index = a};
        if (relative_box(d, v, a, cand[n].box)) n++;
    }
    return n;
}

/* Probabilities: the best class of each query. */
static int scan_joined(const detr *d, const fvi_head_view *v, const fvi_head_params *p, fvi_candidate *cand)
{
    int n = 0;
    for (int a = 0; a < d->queries; a++) {
        const float *q = v->p + a * v->sa + 4 * v->sc;
        float best = -INFINITY;
        int class_id = 0;
        for (int c = 0; c < d->columns; c++)
            if (q[c * v->sc] > best) best = q[c * v->sc], class_id = c;
        if (!(best > p->conf) || isinf(best) || !fvi_head_keeps(p, class_id)) continue;
        cand[n] = (fvi_candidate){.score = best, .class_id = class_id, .index = a};
        if (relative_box(d, v, a, cand[n].box)) n++;
    }
    return n;
}

/* Logits: every class of every query is a candidate of its own, as in the repositories' top-k over both. */
static int scan_pair(const detr *d, const fvi_head_view *boxes, const fvi_head_view *logits, const fvi_head_params *p,
                     fvi_candidate *cand)
{
    /* just below the logit of the threshold: spares the exponential of nearly all */
    float least = p->conf > 0 && p->conf < 1 ? logf(p->conf / (1.0f - p->conf)) - 0.001f : -INFINITY;
    int n = 0;
    for (int a = 0; a < d->queries; a++) {
        const float *q = logits->p + a * logits->sa;
        for (int c = 0; c < d->columns; c++) {
            float x = q[c * logits->sc];
            if (!(x > least) || isinf(x)) continue;
            float score = 1.0f / (1.0f + expf(-x));
            int class_id = d->coco_ids ? coco_class(c) : c;
            if (!(score > p->conf) || class_id < 0 || !fvi_head_keeps(p, class_id)) continue;
            cand[n] = (fvi_candidate){.score = score, .class_id = class_id, .index = a * d->columns + c};
            if (relative_box(d, boxes, a, cand[n].box)) n++;
        }
    }
    return n;
}

static fv_status decode(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *p, fv_detections *out)
{
    const detr *d = st->scratch;
    fvi_candidate *cand = d->plan->cand;
    fvi_head_view boxes, scores;
    int found;
    if (d->joined) {
        if (!fvi_head_view_of(&outputs[d->boxes], d->queries, 4 + d->columns, n, &boxes)) return FV_ERR_SHAPE;
        found = d->chosen ? scan_chosen(d, &boxes, st->n_classes, p, cand) : scan_joined(d, &boxes, p, cand);
    } else {
        if (!fvi_head_view_of(&outputs[d->boxes], d->queries, 4, n, &boxes) ||
            !fvi_head_view_of(&outputs[d->scores], d->queries, d->columns, n, &scores))
            return FV_ERR_SHAPE;
        found = scan_pair(d, &boxes, &scores, p, cand);
    }
    int kept = fvi_nms(cand, found, 2.0f, true, p->max_det); /* sorts; an IoU above 1 suppresses nothing */
    return fvi_head_emit(cand, kept, map, src_w, src_h, out);
}

const fvi_head fvi_head_detr = {"RT-DETR/D-FINE/RF-DETR", "[1,Q,4+classes] or [1,Q,4], [1,Q,classes]", match, decode, release};
