/* pose.c: boxes with keypoints behind the scores (x y, or x y confidence, in network pixels) -> detections with keypoints in source
 * pixels: YOLOv8/11/26-pose. Frame road, step "heads"; found by heads.c by metadata, since a row of keypoints looks like classes. */
#include "base/alloc.h"
#include "base/error.h"
#include "vision/heads/yolo.h"
#include <math.h>
#include <stdio.h>

#define MAX_POINTS 1000

typedef struct pose {
    fvi_head_plan *plan;
    int points, values; /* keypoints of a thing; numbers of one: 2 or 3 */
} pose;

/* "[17, 3]" */
static bool parse_shape(const char *text, pose *d)
{
    return text && sscanf(text, " %*1[[(] %d , %d", &d->points, &d->values) == 2 && d->points >= 1 && d->points <= MAX_POINTS && d->values >= 2 &&
           d->values <= 3;
}

static fv_status match(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    int o = fvi_head_only_rank3(m), n_classes = 0;
    pose found = {.points = 17, .values = 3}; /* COCO's person when the file does not say */
    fvi_head_plan plan;
    const char *shape = fvi_head_meta(m, "kpt_shape");
    if (!fvi_head_task_is(m, "pose")) return FV_AGAIN;
    if (shape && !parse_shape(shape, &found))
        return fvi_error_set(err, FV_ERR_MODEL, "metadata kpt_shape '%.40s' is not [points, 2 or 3]", shape);
    if (o < 0 || !fvi_yolo_fits(m, o, found.points * found.values, &plan, &n_classes)) return FV_AGAIN;
    pose *own = fvi_calloc(1, sizeof *own);
    if (!own) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    fv_status s = fvi_head_plan_create(st, &fvi_head_pose, m, &plan, n_classes, err);
    if (s < 0) {
        fvi_free(own);
        return s;
    }
    *own = found;
    own->plan = st->scratch;
    st->scratch = own;
    fvi_yolo_note_scores(st, &plan, n_classes);
    char rows[64];
    fvi_yolo_describe(&plan, rows, sizeof rows);
    snprintf(st->rule, sizeof st->rule, "%s with %d keypoints of %d numbers, from %s", rows, own->points, own->values,
             shape ? "metadata task=pose and kpt_shape" : "task=pose: COCO's person");
    return FV_OK;
}

static void release(fvi_head_state *st)
{
    pose *d = st->scratch;
    if (!d) return;
    st->scratch = d->plan;
    fvi_head_plan_free(st);
    fvi_free(d);
}

static float place(double v, double offset, double gain, int limit)
{
    double s = (v - offset) / gain;
    return (float)(s < 0 ? 0 : s > limit ? limit : s);
}

static void read_points(const pose *d, const fvi_head_view *v, const fvi_candidate *c, const fvi_prep_map *map, int src_w, int src_h,
                        float (*out)[3])
{
    const float *q = fvi_yolo_extra(d->plan, v, c);
    for (int k = 0; k < d->points; k++, q += d->values * v->sc) {
        float x = q[0], y = q[v->sc], confidence = d->values == 3 ? q[2 * v->sc] : 1.0f;
        bool finite = isfinite(x) && isfinite(y) && isfinite(confidence);
        out[k][0] = finite ? place(x, map->dx, map->sx, src_w) : 0;
        out[k][1] = finite ? place(y, map->dy, map->sy, src_h) : 0;
        out[k][2] = finite ? confidence : 0;
    }
}

static fv_status decode(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *p, fv_detections *out)
{
    pose *d = st->scratch;
    fvi_head_view v;
    fvi_detections_begin(out, FV_TASK_POSE);
    FVI_TRY(fvi_head_plan_view(d->plan, outputs, n, &v));
    int kept = fvi_yolo_boxes(d->plan, &v, st->n_classes, p);
    FVI_TRY(fvi_head_emit(d->plan->cand, kept, map, src_w, src_h, out));
    FVI_TRY(fvi_detections_rows(out, FV_TASK_POSE, kept, d->points));
    for (int i = 0; i < kept; i++) {
        read_points(d, &v, &d->plan->cand[i], map, src_w, src_h, out->keypoints + (size_t)i * (size_t)d->points);
        out->items[i].extra = i + 1;
    }
    out->n_extras = kept;
    return FV_OK;
}

const fvi_head fvi_head_pose = {"keypoints", "rows with keypoints", match, decode, release, FV_TASK_POSE};
