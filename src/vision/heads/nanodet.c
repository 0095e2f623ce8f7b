/* nanodet.c: class scores [N,cells,classes] and box sides as distributions [N,cells,4*bins], one pair a stride or joined
 * into one output -> detections: NanoDet, NanoDet-Plus, PicoDet. Frame road, step "heads"; found by heads.c. */
#include "base/alloc.h"
#include "base/error.h"
#include "vision/heads/common.h"
#include <math.h>
#include <stdio.h>

#define MAX_BINS 64
#define USUAL_BINS 8

/* One stride: which outputs, where its numbers start in them, its grid. */
typedef struct level {
    int scores, sides; /* outputs; the same one when joined */
    int stride, w, cells;
    int first; /* cell 0 in the output (joined) and in the candidates' index */
} level;

typedef struct nanodet {
    fvi_head_plan *plan; /* candidates */
    level level[FVI_HEAD_MAX_LEVELS];
    int n_levels, bins;
    bool joined, plus, pico;
    float centre; /* of a cell, in cells from its left edge */
} nanodet;

static void grid(level *l, const fvi_head_model *m, int stride, int first)
{
    l->stride = stride;
    l->w = (m->input_w + stride - 1) / stride;
    l->cells = l->w * ((m->input_h + stride - 1) / stride);
    l->first = first;
}

static bool sides_fit(int64_t channels) { return channels >= 8 && channels % 4 == 0 && channels <= 4 * MAX_BINS; }

/* a, b: the two outputs of a level, in the model's order. True: a holds the scores. */
static bool scores_come_first(const fvi_head_model *m, int64_t a, int64_t b)
{
    if (!sides_fit(a) || !sides_fit(b)) return sides_fit(b);
    if (m->n_names > 0 && (a == m->n_names) != (b == m->n_names)) return a == m->n_names;
    return a != 4 * USUAL_BINS || b == 4 * USUAL_BINS;
}

/* Every level is a pair of outputs with exactly its number of cells, and all pairs are alike. */
static bool pairs_fit(const fvi_head_model *m, nanodet *d, int *n_classes)
{
    d->n_levels = m->n_outputs / 2;
    if (m->n_outputs % 2 || d->n_levels < 2 || d->n_levels > FVI_HEAD_MAX_LEVELS) return false;
    int first = 0;
    for (int l = 0; l < d->n_levels; l++) {
        level *at = &d->level[l];
        grid(at, m, 8 << l, first);
        first += at->cells;
        int pair[2], found = 0;
        for (int i = 0; i < m->n_outputs; i++) {
            const fvi_tensor *t = &m->outputs[i];
            if (t->rank != 3 || t->dim[0] != 1 || t->dtype != FV_F32) return false;
            if (t->dim[1] != at->cells) continue;
            if (found == 2) return false;
            pair[found++] = i;
        }
        if (found != 2) return false;
        int64_t a = m->outputs[pair[0]].dim[2], b = m->outputs[pair[1]].dim[2];
        bool in_order = scores_come_first(m, a, b);
        at->scores = pair[!in_order];
        at->sides = pair[in_order];
        int64_t classes = in_order ? a : b, sides = in_order ? b : a;
        if (!sides_fit(sides) || classes < 1 || classes > 65536) return false;
        if (l && (classes != *n_classes || sides != 4 * d->bins)) return false;
        *n_classes = (int)classes;
        d->bins = (int)sides / 4;
    }
    d->centre = 0.5f;
    d->pico = d->n_levels == 4;
    return true;
}

/* One output of classes + 32 columns. YOLOX has the same shape with 5 + classes: the number of names tells, or COCO's 80. */
static bool joined_fits(const fvi_head_model *m, nanodet *d, int *n_classes)
{
    int o = fvi_head_only_rank3(m), wanted = m->n_names > 0 ? m->n_names : FVI_HEADS_COCO;
    if (o < 0 || m->outputs[o].dim[2] != wanted + 4 * USUAL_BINS) return false;
    for (d->n_levels = 4; d->n_levels >= 3; d->n_levels--) {
        int cells = 0;
        for (int l = 0; l < d->n_levels; l++) {
            grid(&d->level[l], m, 8 << l, cells);
            d->level[l].scores = d->level[l].sides = o;
            cells += d->level[l].cells;
        }
        if (cells != m->outputs[o].dim[1]) continue;
        d->joined = true;
        d->plus = d->n_levels == 4; /* with three strides it is NanoDet, exported by a newer version */
        d->centre = d->plus ? 0.0f : 0.5f;
        d->bins = USUAL_BINS;
        *n_classes = wanted;
        return true;
    }
    return false;
}

/* As their repositories run them: NanoDet keeps the ratio on black, NanoDet-Plus and PicoDet stretch; PicoDet takes RGB. */
static void set_prep(fvi_head_state *st, const nanodet *d)
{
    static const float mean[3] = {103.53f, 116.28f, 123.675f}, deviation[3] = {57.375f, 57.12f, 58.395f}; /* B G R */
    bool pico = d->pico;
    st->prep.bgr = !pico;
    st->prep.fit = d->plus || pico ? FVI_FIT_STRETCH : FVI_FIT_LETTERBOX;
    st->prep.pad_value = 0;
    for (int c = 0; c < 3; c++) {
        int from = pico ? 2 - c : c;
        st->prep.mean[c] = mean[from];
        st->prep.scale[c] = 1.0f / deviation[from];
    }
    if (d->joined)
        snprintf(st->rule, sizeof st->rule, "%s [1,%lld,%d+%d], from its shape: %s", d->plus ? "NanoDet-Plus" : "NanoDet",
                 (long long)d->plan->anchors, st->n_classes, 4 * d->bins, d->plus ? "BGR, stretched" : "BGR, ratio kept on black");
    else
        snprintf(st->rule, sizeof st->rule, "%s, %d outputs [1,cells,%d] and [1,cells,4*%d], from their shapes: %s",
                 pico ? "PicoDet" : "NanoDet", 2 * d->n_levels, st->n_classes, d->bins,
                 pico ? "RGB, stretched" : "BGR, ratio kept on black");
}

static fv_status match(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    nanodet found = {0};
    int n_classes = 0;
    if (m->input_w < 32 || m->input_h < 32) return FV_AGAIN;
    if (!joined_fits(m, &found, &n_classes)) {
        found = (nanodet){0};
        if (!pairs_fit(m, &found, &n_classes)) return FV_AGAIN;
    }
    const level *last = &found.level[found.n_levels - 1];
    fvi_head_plan plan = {.output = last->scores, .anchors = last->first + last->cells};
    nanodet *own = fvi_calloc(1, sizeof *own);
    if (!own) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    fv_status s = fvi_head_plan_create(st, &fvi_head_nanodet, m, &plan, n_classes, err);
    if (s < 0) {
        fvi_free(own);
        return s;
    }
    *own = found;
    own->plan = st->scratch;
    st->scratch = own;
    set_prep(st, own);
    return FV_OK;
}

static void release(fvi_head_state *st)
{
    nanodet *d = st->scratch;
    if (!d) return;
    st->scratch = d->plan;
    fvi_head_plan_free(st);
    fvi_free(d);
}

/* Mean of the bins' indices under the softmax of their values. Not finite when they are not. */
static float mean_of(const float *p, int64_t step, int bins)
{
    float top = -INFINITY, sum = 0, weighted = 0;
    for (int j = 0; j < bins; j++) top = p[j * step] > top ? p[j * step] : top;
    for (int j = 0; j < bins; j++) {
        float e = expf(p[j * step] - top);
        sum += e;
        weighted += e * (float)j;
    }
    return weighted / sum;
}

static bool decode_box(const nanodet *d, const level *l, const float *sides, int64_t step, int cell, float box[4])
{
    float stride = (float)l->stride, reach[4];
    for (int s = 0; s < 4; s++) reach[s] = mean_of(sides + s * d->bins * step, step, d->bins) * stride;
    float x = ((float)(cell % l->w) + d->centre) * stride, y = ((float)(cell / l->w) + d->centre) * stride;
    box[0] = x - reach[0];
    box[1] = y - reach[1];
    box[2] = x + reach[2];
    box[3] = y + reach[3];
    return isfinite(box[0]) && isfinite(box[1]) && isfinite(box[2]) && isfinite(box[3]);
}

static void scan_level(const nanodet *d, const level *l, const fvi_head_view *scores, const fvi_head_view *sides, int n_classes,
                       const fvi_head_params *p, fvi_head_pick *pick)
{
    for (int cell = 0; cell < l->cells; cell++) {
        const float *q = scores->p + cell * scores->sa;
        float best = -INFINITY;
        int class_id = 0;
        for (int c = 0; c < n_classes; c++)
            if (q[c * scores->sc] > best) best = q[c * scores->sc], class_id = c;
        if (!(best > p->conf) || isinf(best) || !(p->multi_label || fvi_head_keeps(p, class_id))) continue;
        fvi_candidate c = {.score = best, .class_id = class_id, .index = l->first + cell};
        if (!decode_box(d, l, sides->p + cell * sides->sa, sides->sc, cell, c.box)) continue;
        if (p->multi_label)
            fvi_head_pick_classes(pick, c, q, scores->sc, 1, n_classes, p);
        else
            fvi_head_pick_add(pick, &c);
    }
}

static fv_status decode(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *p, fv_detections *out)
{
    const nanodet *d = st->scratch;
    fvi_candidate *cand = d->plan->cand;
    fvi_head_pick pick = fvi_head_pick_start(d->plan, p->conf);
    for (int i = 0; i < d->n_levels; i++) {
        const level *l = &d->level[i];
        fvi_head_view scores, sides;
        int width = 4 * d->bins;
        if (d->joined) {
            if (!fvi_head_view_of(&outputs[l->scores], d->plan->anchors, st->n_classes + width, n, &scores)) return FV_ERR_SHAPE;
            scores.p += l->first * scores.sa;
            sides = scores;
            sides.p += st->n_classes * scores.sc;
        } else if (!fvi_head_view_of(&outputs[l->scores], l->cells, st->n_classes, n, &scores) ||
                   !fvi_head_view_of(&outputs[l->sides], l->cells, width, n, &sides)) {
            return FV_ERR_SHAPE;
        }
        scan_level(d, l, &scores, &sides, st->n_classes, p, &pick);
    }
    int kept = fvi_nms(cand, pick.n, p->iou, p->agnostic, p->max_det);
    return fvi_head_emit(cand, kept, map, src_w, src_h, out);
}

const fvi_head fvi_head_nanodet = {"NanoDet/PicoDet", "pairs [1,cells,classes], [1,cells,32]", match, decode, release};
