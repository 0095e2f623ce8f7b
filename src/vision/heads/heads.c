/* heads.c: which head reads a model's outputs: metadata first, then shapes. Called once when a detector is made. */
#include "base/error.h"
#include "vision/heads/common.h"
#include <stdio.h>
#include <string.h>

/* The first that matches is used: those that metadata or an exact count of boxes can prove come first. */
static const fvi_head *const heads[] = {&fvi_head_segment, &fvi_head_pose,   &fvi_head_obb,  &fvi_head_nanodet,  &fvi_head_detr,
                                       &fvi_head_nmsed,   &fvi_head_e2e,    &fvi_head_yolov8, &fvi_head_yolov5, &fvi_head_yolox,
                                       &fvi_head_embed,   &fvi_head_classify, &fvi_head_depth, &fvi_head_semantic,
                                       &fvi_head_regions};

static void append(char *text, size_t size, size_t *at, const char *fmt, const char *a, const char *b)
{
    if (*at >= size) return;
    int n = snprintf(text + *at, size - *at, fmt, a, b);
    if (n > 0) *at += (size_t)n;
}

static void describe_shape(const fvi_tensor *t, char *buf, size_t size)
{
    size_t at = 0;
    char number[32];
    for (int i = 0; i < t->rank && i < FV_MAX_RANK; i++) {
        snprintf(number, sizeof number, "%lld", (long long)t->dim[i]);
        append(buf, size, &at, "%s%s", i ? "," : "[", number);
    }
    append(buf, size, &at, "%s%s", t->rank ? "]" : "[]", "");
}

/* The undecoded outputs of a YOLOv5/v7 export: [1,3,h,w,5+classes] for every stride. */
static bool is_raw_anchor_grid(const fvi_head_model *m)
{
    int grids = 0;
    for (int i = 0; i < m->n_outputs; i++) {
        const fvi_tensor *t = &m->outputs[i];
        if (t->rank == 5 && t->dim[1] == 3 && t->dim[4] >= 6) grids++;
    }
    return grids >= 2;
}

static void describe_outputs(const fvi_head_model *m, char *seen, size_t size)
{
    char shape[96];
    size_t at = 0;
    for (int i = 0; i < m->n_outputs && i < 4; i++) {
        describe_shape(&m->outputs[i], shape, sizeof shape);
        append(seen, size, &at, "%s%s", i ? ", " : "", shape);
    }
    if (m->n_outputs > 4) append(seen, size, &at, "%s%s", ", …", "");
}

static fv_status nothing_fits(const fvi_head_model *m, fv_error *err)
{
    char seen[192] = "", wanted[320] = "";
    size_t w = 0;
    const char *meta = fvi_head_meta(m, "task"), *said = meta && *meta ? meta : m->task;
    describe_outputs(m, seen, sizeof seen);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        if (strcmp(said ? said : "detect", fv_task_name(heads[i]->task)) != 0) continue;
        append(wanted, sizeof wanted, &w, "%s%s ", w ? ", " : "", heads[i]->name);
        append(wanted, sizeof wanted, &w, "%s%s", heads[i]->wants, "");
    }
    return fvi_error_set(err, FV_ERR_MODEL, "no head for task %s fits the model's %d output%s %s at input %dx%d; looked for: %s%s", said ? said : "detect",
                         m->n_outputs, m->n_outputs == 1 ? "" : "s", seen, m->input_w, m->input_h, wanted,
                         said ? "" : "; for another task, give a task or preset");
}

/* Only the head of the preset, which believes what the preset says. */
static fv_status find_preset(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    const fvi_head_preset *p = fvi_head_preset_named(m->preset, err);
    if (!p) return FV_ERR_ARGUMENT;
    const char *task = fv_task_name(p->task), *meta = fvi_head_meta(m, "task"), *said = meta && *meta ? meta : m->task;
    if (said && *said && strcmp(said, task) != 0)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "preset '%s' is for task %s; %s says %.40s", p->name, task,
                             said == meta ? "the model's metadata" : "task", said);
    fvi_head_model told = *m;
    told.task = task;
    fv_status s = p->head->match(&told, st, err);
    if (s == FV_AGAIN) {
        char seen[192] = "";
        describe_outputs(m, seen, sizeof seen);
        return fvi_error_set(err, FV_ERR_MODEL, "preset '%s' is for outputs %s; the model has %s at input %dx%d", p->name, p->head->wants, seen,
                             m->input_w, m->input_h);
    }
    size_t used = strlen(st->rule);
    if (s == FV_OK) snprintf(st->rule + used, sizeof st->rule - used, "; preset %s", p->name);
    return s;
}

static fv_status find_any(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    const char *meta = fvi_head_meta(m, "task"), *said = meta && *meta ? meta : m->task;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        if (said && strcmp(said, fv_task_name(heads[i]->task)) != 0) continue;
        fv_status s = heads[i]->match(m, st, err);
        if (s != FV_AGAIN) return s;
    }
    if (is_raw_anchor_grid(m))
        return fvi_error_set(err, FV_ERR_MODEL,
                             "the outputs are undecoded YOLOv5/v7 grids ([1,3,h,w,5+classes]); export the model with its Detect "
                             "layer (YOLOv5: export.py --include onnx, YOLOv7: export.py --grid) so that it has one output [1,boxes,5+classes]");
    return nothing_fits(m, err);
}

static bool task_known(const char *task)
{
    for (int t = FV_TASK_DETECT; t <= FV_TASK_EMBED; t++)
        if (strcmp(task, fv_task_name((fv_task)t)) == 0) return true;
    return false;
}

fv_status fvi_heads_find(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    *st = (fvi_head_state){0};
    const char *meta = fvi_head_meta(m, "task");
    if (m->task && !task_known(m->task))
        return fvi_error_set(err, FV_ERR_ARGUMENT, "there is no task '%.40s'; there are detect, segment, pose, obb, classify, semantic, depth and embed",
                             m->task);
    if (meta && *meta && !task_known(meta))
        return fvi_error_set(err, FV_ERR_MODEL, "the model's task is '%.40s', which is not known here", meta);
    if (m->task && meta && *meta && strcmp(m->task, meta) != 0)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "task %s was asked for, but the model is for task %s", m->task, meta);
    fv_status s = m->preset ? find_preset(m, st, err) : find_any(m, st, err);
    if (s < 0 || !m->task || strcmp(m->task, fv_task_name(st->task)) == 0) return s;
    fv_task task = st->task;
    fvi_heads_release(st);
    return fvi_error_set(err, FV_ERR_ARGUMENT, "task %s was asked for, but the model is for task %s", m->task, fv_task_name(task));
}

void fvi_heads_release(fvi_head_state *st)
{
    if (st->head && st->head->release) st->head->release(st);
    *st = (fvi_head_state){0};
}
