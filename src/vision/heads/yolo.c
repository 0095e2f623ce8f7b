/* yolo.c: the best class of every row of a YOLO output, and the rows that are kept. The innermost loop runs over the axis that is
 * dense in memory. Called by the heads of detection, masks, keypoints and rotated boxes. */
#include "vision/heads/yolo.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define BLOCK 256 /* anchors whose best scores are found together: [BLOCK] floats stay in L1 */
#define LANES 16
#define MAX_ROWS 10000 /* of an end-to-end output */
#define MAX_CHANNELS 65536
#define CLASSES_UNKNOWN 1000 /* end to end without names: class ids up to here are believed */

static bool suppressed_inside(const fvi_head_model *m)
{
    const char *args = fvi_head_meta(m, "args");
    return fvi_head_meta_is(m, "end2end", "true") || (args && strstr(args, "'nms': True"));
}

bool fvi_yolo_fits(const fvi_head_model *m, int o, int extras, fvi_head_plan *plan, int *n_classes)
{
    int64_t d1 = m->outputs[o].dim[1], d2 = m->outputs[o].dim[2];
    *plan = (fvi_head_plan){.output = o, .extras = extras};
    if (d1 < 1 || d2 < 1) return false;
    bool rows = d2 == 6 + extras && d1 <= MAX_ROWS, named = m->n_names > 0 && m->n_names < MAX_CHANNELS;
    if (rows && suppressed_inside(m)) {
        plan->form = FVI_YOLO_E2E;
    } else if (d1 >= 5 + extras && d1 <= MAX_CHANNELS && (fvi_head_levels_find(m, d2, 1, &plan->levels) || (named && d1 - 4 - extras == m->n_names))) {
        plan->anchors_last = true;
        plan->channels = (int)d1;
        plan->anchors = d2;
        *n_classes = (int)d1 - 4 - extras;
        return true;
    } else if (named && d2 == 4 + m->n_names + extras && fvi_head_levels_find(m, d1, 1, &plan->levels)) {
        *n_classes = m->n_names; /* exported transposed */
    } else if (d2 >= 6 + extras && d2 <= MAX_CHANNELS && fvi_head_levels_find(m, d1, 3, &plan->levels)) {
        plan->form = FVI_YOLO_V5;
        *n_classes = (int)d2 - 5 - extras;
    } else if (rows) {
        plan->form = FVI_YOLO_E2E;
    } else {
        return false;
    }
    if (plan->form == FVI_YOLO_E2E) *n_classes = named ? m->n_names : CLASSES_UNKNOWN;
    plan->channels = (int)d2;
    plan->anchors = d1;
    return true;
}

void fvi_yolo_describe(const fvi_head_plan *plan, char *text, size_t size)
{
    static const char *const forms[] = {"YOLOv8/11/12", "YOLOv5/7", "end-to-end YOLO"};
    long long rows = (long long)plan->anchors;
    int columns = plan->channels;
    snprintf(text, size, "%s [1,%lld,%lld]", forms[plan->form], plan->anchors_last ? columns : rows, plan->anchors_last ? rows : columns);
}

void fvi_yolo_note_scores(fvi_head_state *st, const fvi_head_plan *plan, int n_classes)
{
    if (plan->form != FVI_YOLO_V8 || !plan->anchors_last) return;
    st->scores.output = plan->output;
    st->scores.first = 4;
    st->scores.classes = n_classes;
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

/* YOLOv8: the best class of every anchor, a block at a time. */
static int scan_blocks(const fvi_head_plan *plan, const fvi_head_view *v, int n_classes, const fvi_head_params *p)
{
    fvi_head_pick pick = fvi_head_pick_start(plan, p->conf);
    float best[BLOCK];
    for (int64_t a0 = 0; a0 < plan->anchors; a0 += BLOCK) {
        int count = plan->anchors - a0 < BLOCK ? (int)(plan->anchors - a0) : BLOCK;
        best_block(v, a0, count, n_classes, best);
        for (int k = 0; k < count; k++) {
            if (!(best[k] > p->conf) || isinf(best[k])) continue;
            const float *q = v->p + (a0 + k) * v->sa + 4 * v->sc;
            fvi_candidate c = {.score = best[k], .index = (int)(a0 + k)};
            if (p->multi_label) {
                fvi_head_pick_classes(&pick, c, q, v->sc, 1, n_classes, p);
                continue;
            }
            while (c.class_id < n_classes - 1 && q[c.class_id * v->sc] != best[k]) c.class_id++; /* the first class with the best score */
            if (fvi_head_keeps(p, c.class_id)) fvi_head_pick_add(&pick, &c);
        }
    }
    return pick.n;
}

static int scan_rows(const fvi_head_view *v, int64_t rows, int n_classes, const fvi_head_params *p, fvi_candidate *cand)
{
    int n = 0;
    for (int a = 0; a < (int)rows; a++) {
        const float *q = v->p + a * v->sa;
        float score = q[4 * v->sc], class_id = q[5 * v->sc];
        if (!(score > p->conf) || isinf(score) || !(class_id >= 0) || class_id >= (float)n_classes) continue;
        if (fvi_head_keeps(p, (int)class_id)) cand[n++] = (fvi_candidate){.score = score, .class_id = (int)class_id, .index = a};
    }
    return n;
}

int fvi_yolo_scan(fvi_head_plan *plan, const fvi_head_view *v, int n_classes, const fvi_head_params *p)
{
    int found = 0, good = 0;
    if (plan->form == FVI_YOLO_V8) found = scan_blocks(plan, v, n_classes, p);
    if (plan->form == FVI_YOLO_V5) found = fvi_head_scan_objectness(plan, v, n_classes, p);
    if (plan->form == FVI_YOLO_E2E) found = scan_rows(v, plan->anchors, n_classes, p, plan->cand);
    for (int i = 0; i < found; i++) {
        fvi_candidate c = plan->cand[i];
        const float *q = v->p + c.index * v->sa;
        bool finite = true;
        for (int k = 0; k < 4; k++) {
            c.box[k] = q[k * v->sc];
            finite = finite && isfinite(c.box[k]);
        }
        if (finite) plan->cand[good++] = c;
    }
    return good;
}

int fvi_yolo_boxes(fvi_head_plan *plan, const fvi_head_view *v, int n_classes, const fvi_head_params *p)
{
    int found = fvi_yolo_scan(plan, v, n_classes, p), good = 0;
    bool done = plan->form == FVI_YOLO_E2E;
    for (int i = 0; i < found && !done; i++) {
        fvi_candidate c = plan->cand[i];
        const float *b = c.box;
        if (fvi_head_box_from_centre(c.box, b[0], b[1], b[2], b[3])) plan->cand[good++] = c;
    }
    /* the network's own rows come sorted; an IoU above 1 only restores that order should they not be */
    return fvi_nms(plan->cand, done ? found : good, done ? 2.0f : p->iou, done || p->agnostic, p->max_det);
}
