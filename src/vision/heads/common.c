/* common.c: the parts every head is made of: shapes against strides, views of the output, candidates -> detections.
 * Called by the heads in this folder. */
#include "vision/heads/common.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_ANCHORS (1 << 22)
#define MAX_CLASSES 65536

int fvi_head_only_rank3(const fvi_head_model *m)
{
    int found = -1;
    for (int i = 0; i < m->n_outputs; i++) {
        const fvi_tensor *t = &m->outputs[i];
        if (t->rank != 3 || t->dim[0] != 1) continue;
        if (found >= 0) return -1;
        found = i;
    }
    return found;
}

bool fvi_head_levels_find(const fvi_head_model *m, int64_t count, int per_cell, fvi_head_levels *out)
{
    static const fvi_head_levels sets[] = {
        {3, {8, 16, 32}}, {4, {8, 16, 32, 64}}, {4, {4, 8, 16, 32}}, {2, {16, 32}}, {2, {8, 16}}, {1, {8}},
    };
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        int64_t cells = 0;
        for (int l = 0; l < sets[s].n; l++) {
            int stride = sets[s].stride[l];
            cells += (int64_t)(m->input_h / stride) * (m->input_w / stride);
        }
        if (cells > 0 && cells * per_cell == count) {
            *out = sets[s];
            return true;
        }
    }
    return false;
}

const char *fvi_head_meta(const fvi_head_model *m, const char *key) { return m->meta ? m->meta(m->user, key) : NULL; }

bool fvi_head_meta_is(const fvi_head_model *m, const char *key, const char *value)
{
    const char *v = fvi_head_meta(m, key);
    return v && strcasecmp(v, value) == 0;
}

bool fvi_head_task_is(const fvi_head_model *m, const char *task)
{
    const char *v = fvi_head_meta(m, "task");
    if (!v || !*v) v = m->task;
    return v && strcasecmp(v, task) == 0;
}

bool fvi_head_holds(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (; text && *text; text++)
        if (!strncasecmp(text, word, n)) return true;
    return false;
}

bool fvi_head_output_named(const fvi_head_model *m, int i, const char *word)
{
    return m->output_names && fvi_head_holds(m->output_names[i], word);
}

static int model_stride(const fvi_head_model *m, const fvi_head_levels *levels)
{
    const char *text = fvi_head_meta(m, "stride");
    long stride = text ? strtol(text, NULL, 10) : 0;
    if (stride >= 1 && stride <= 1024) return (int)stride;
    return levels->n ? levels->stride[levels->n - 1] : 32;
}

fv_status fvi_head_plan_create(fvi_head_state *st, const fvi_head *head, const fvi_head_model *m, const fvi_head_plan *plan,
                               int n_classes, fv_error *err)
{
    const fvi_tensor *t = &m->outputs[plan->output];
    if (t->dtype != FV_F32)
        return fvi_error_set(err, FV_ERR_MODEL, "output '%s' is %s; the %s head reads float32: export the model without half=True",
                             m->output_names ? m->output_names[plan->output] : "", fv_dtype_name(t->dtype), head->name);
    if (plan->anchors < 1 || plan->anchors > MAX_ANCHORS || n_classes < 1 || n_classes > MAX_CLASSES)
        return fvi_error_set(err, FV_ERR_LIMIT, "output of %lld boxes and %d classes is over the limit of %d and %d",
                             (long long)plan->anchors, n_classes, MAX_ANCHORS, MAX_CLASSES);
    fvi_head_plan *own = fvi_calloc(1, sizeof *own);
    /* all that may pass, or twice what NMS looks at, whichever is less: see fvi_head_pick_add */
    int64_t room = plan->anchors;
    if (m->multi_label && n_classes > 1) room = fvi_max_i64(room, fvi_min_i64(room * n_classes, 2 * FVI_NMS_MAX));
    fvi_candidate *cand = fvi_calloc((size_t)room, sizeof *cand);
    if (!own || !cand) {
        fvi_free(own);
        fvi_free(cand);
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    }
    *own = *plan;
    own->cand = cand;
    own->room = (int)room;
    st->head = head;
    st->task = head->task;
    st->scratch = own;
    st->n_classes = n_classes;
    st->stride = model_stride(m, &plan->levels);
    st->prep = (fvi_prep_spec){.fit = FVI_FIT_LETTERBOX, .filter = FVI_FILTER_BILINEAR, .pad_value = 114};
    for (int c = 0; c < 3; c++) st->prep.scale[c] = 1.0f / 255.0f;
    return FV_OK;
}

void fvi_head_plan_free(fvi_head_state *st)
{
    fvi_head_plan *plan = st->scratch;
    if (plan) fvi_free(plan->cand);
    FVI_FREE(st->scratch);
}

fv_status fvi_head_plan_view(const fvi_head_plan *plan, const fvi_tensor *outputs, int n, fvi_head_view *v)
{
    const fvi_tensor *t = &outputs[plan->output];
    int a = plan->anchors_last ? 2 : 1, c = 3 - a;
    if (t->rank != 3 || t->dtype != FV_F32 || t->dim[a] != plan->anchors || t->dim[c] != plan->channels || n < 0 ||
        n >= t->dim[0] || !t->data)
        return FV_ERR_SHAPE;
    v->p = (const float *)(const void *)t->data + n * t->stride[0];
    v->sa = t->stride[a];
    v->sc = t->stride[c];
    return FV_OK;
}

bool fvi_head_view_of(const fvi_tensor *t, int64_t rows, int columns, int n, fvi_head_view *v)
{
    if (t->rank != 3 || t->dtype != FV_F32 || t->dim[1] != rows || t->dim[2] != columns || n < 0 || n >= t->dim[0] || !t->data)
        return false;
    *v = (fvi_head_view){(const float *)(const void *)t->data + n * t->stride[0], t->stride[1], t->stride[2]};
    return true;
}

bool fvi_head_box_from_centre(float box[4], float cx, float cy, float w, float h)
{
    float dw = w / 2, dh = h / 2;
    box[0] = cx - dw;
    box[1] = cy - dh;
    box[2] = cx + dw;
    box[3] = cy + dh;
    return isfinite(box[0]) && isfinite(box[1]) && isfinite(box[2]) && isfinite(box[3]);
}

void fvi_head_pick_classes(fvi_head_pick *k, fvi_candidate c, const float *score, int64_t step, float factor, int n_classes, const fvi_head_params *p)
{
    for (c.class_id = 0; c.class_id < n_classes; c.class_id++) {
        c.score = factor * score[c.class_id * step];
        if (c.score > p->conf && isfinite(c.score) && fvi_head_keeps(p, c.class_id)) fvi_head_pick_add(k, &c);
    }
}

int fvi_head_scan_objectness(const fvi_head_plan *plan, const fvi_head_view *v, int n_classes, const fvi_head_params *p)
{
    fvi_head_pick pick = fvi_head_pick_start(plan, p->conf);
    for (int64_t a = 0; a < plan->anchors; a++) {
        const float *q = v->p + a * v->sa;
        float obj = q[4 * v->sc];
        if (!(obj > p->conf)) continue; /* class scores are at most 1 */
        if (p->multi_label) {
            fvi_head_pick_classes(&pick, (fvi_candidate){.index = (int)a}, q + 5 * v->sc, v->sc, obj, n_classes, p);
            continue;
        }
        float best = -INFINITY;
        int class_id = 0;
        for (int c = 0; c < n_classes; c++) {
            float s = obj * q[(5 + c) * v->sc];
            if (s > best) best = s, class_id = c;
        }
        if (best > p->conf && isfinite(best) && fvi_head_keeps(p, class_id))
            fvi_head_pick_add(&pick, &(fvi_candidate){.score = best, .class_id = class_id, .index = (int)a});
    }
    return pick.n;
}

static float unmap(float v, double offset, double gain, int limit)
{
    double s = (v - offset) / gain;
    return (float)(s < 0 ? 0 : s > limit ? limit : s);
}

fv_status fvi_head_emit(const fvi_candidate *cand, int n, const fvi_prep_map *map, int src_w,
                        int src_h, fv_detections *out)
{
    double gx = map->sx, gy = map->sy;
    if (!(gx > 0) || !(gy > 0)) return FV_ERR_ARGUMENT;
    FVI_TRY(fv_detections_reserve(out, n));
    for (int i = 0; i < n; i++) {
        const float *b = cand[i].box;
        out->items[i] = (fv_detection){
            .box = {unmap(b[0], map->dx, gx, src_w), unmap(b[1], map->dy, gy, src_h), unmap(b[2], map->dx, gx, src_w),
                    unmap(b[3], map->dy, gy, src_h)},
            .confidence = cand[i].score,
            .class_id = cand[i].class_id,
        };
    }
    out->count = n;
    return FV_OK;
}

fv_status fvi_head_decode_objectness(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                                     const fvi_head_params *p, fvi_head_box_fn box, fv_detections *out)
{
    fvi_head_plan *plan = st->scratch;
    fvi_head_view v;
    FVI_TRY(fvi_head_plan_view(plan, outputs, n, &v));
    int found = fvi_head_scan_objectness(plan, &v, st->n_classes, p), good = 0;
    for (int i = 0; i < found; i++) {
        fvi_candidate c = plan->cand[i];
        if (box(plan, &v, &c)) plan->cand[good++] = c;
    }
    int kept = fvi_nms(plan->cand, good, p->iou, p->agnostic, p->max_det);
    return fvi_head_emit(plan->cand, kept, map, src_w, src_h, out);
}
