/* out_tasks.c: what models give beside boxes, as text and files: masks, keypoints, rotated boxes, classes, maps (docs/FORMATS.md). Called by
 * out_text.c and out.c. */
#include "contour.h"
#include "out.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void numbers(text *t, const float *v, int n, int decimals)
{
    for (int i = 0; i < n; i++) {
        if (i) text_add(t, ",");
        text_number(t, (double)v[i], decimals);
    }
}

void out_mask(text *t, const char *key, const out_frame *f, const fv_mask *m)
{
    const fv_frame *p = f->r->frame;
    if (fv_rle_from_mask(f->rle, p->width, p->height, m, f->r->dets->mask_bits) < 0) return;
    size_t need = fv_rle_text(f->rle, NULL, 0) + 1;
    char *counts = tool_alloc(need);
    fv_rle_text(f->rle, counts, need);
    text_add(t, key);
    text_printf(t, "{\"size\":[%d,%d],\"counts\":", p->height, p->width);
    text_json(t, counts);
    text_add(t, "}");
    free(counts);
}

void out_json_extra(text *t, const out_frame *f, const fv_detection *d)
{
    const fv_detections *all = f->r->dets;
    int row = d->extra - 1;
    if (row < 0 || row >= all->n_extras) return;
    if (all->masks) out_mask(t, ",\"mask\":", f, &all->masks[row]);
    if (all->keypoints) {
        text_add(t, ",\"keypoints\":[");
        for (int k = 0; k < all->n_keypoints; k++) {
            const float *p = all->keypoints[(size_t)row * (size_t)all->n_keypoints + (size_t)k];
            text_add(t, k ? ",[" : "[");
            numbers(t, p, 2, 2);
            text_add(t, ",");
            numbers(t, p + 2, 1, 4);
            text_add(t, "]");
        }
        text_add(t, "]");
    }
    if (all->obb) {
        text_add(t, ",\"obb\":[");
        numbers(t, all->obb[row], 4, 2);
        text_add(t, ",");
        numbers(t, all->obb[row] + 4, 1, 6);
        text_add(t, "]");
    }
}

void out_json_classes(text *t, const out_frame *f)
{
    text_add(t, ",\"classes\":[");
    for (int i = 0; i < f->r->dets->count; i++) {
        const fv_detection *d = &f->r->dets->items[i];
        text_printf(t, "%s{\"class_id\":%d,\"label\":", i ? "," : "", d->class_id);
        text_json(t, fv_detector_class_name(f->names, d->class_id));
        text_add(t, ",\"confidence\":");
        text_number(t, (double)d->confidence, 4);
        text_add(t, "}");
    }
    text_add(t, "]");
}

/* ---- maps ---- */

typedef struct map_figures {
    double min, max, mean, norm;
} map_figures;

static map_figures figures_of(const fv_map *m)
{
    size_t n = (size_t)m->channels * (size_t)m->height * (size_t)m->width;
    map_figures g = {.min = INFINITY, .max = -INFINITY};
    for (size_t i = 0; i < n; i++) {
        double v = (double)m->data[i];
        g.min = v < g.min ? v : g.min;
        g.max = v > g.max ? v : g.max;
        g.mean += v / (double)n;
        g.norm += v * v;
    }
    g.norm = sqrt(g.norm);
    return g;
}

/* Cells of each class; a class that is no class of the model is not counted. Owned: free(). */
static int64_t *cells_of(const fv_map *m, int n_classes)
{
    int64_t *cells = tool_alloc((size_t)(n_classes + 1) * sizeof *cells);
    for (size_t i = 0; i < (size_t)m->height * (size_t)m->width; i++)
        if (m->data[i] >= 0 && m->data[i] < (float)n_classes) cells[(int)m->data[i]]++;
    return cells;
}

static bool is_class_map(const out_frame *f) { return fv_detector_task(f->names) == FV_TASK_SEMANTIC && fv_detector_class_count(f->names) > 1; }

static void shares_json(text *t, const out_frame *f)
{
    const fv_map *m = &f->r->dets->map;
    int n = fv_detector_class_count(f->names), first = 1;
    int64_t *cells = cells_of(m, n);
    text_add(t, ",\"share\":{");
    for (int c = 0; c < n; c++) {
        if (!cells[c]) continue;
        if (!first) text_add(t, ",");
        first = 0;
        text_json(t, fv_detector_class_name(f->names, c));
        text_add(t, ":");
        text_number(t, (double)cells[c] / ((double)m->height * m->width), 4);
    }
    text_add(t, "}");
    free(cells);
}

void out_json_map(text *t, const out_frame *f)
{
    const fv_map *m = &f->r->dets->map;
    if (!m->data || m->channels < 1) return;
    map_figures g = figures_of(m);
    text_printf(t, ",\"map\":{\"task\":\"%s\",\"channels\":%d,\"height\":%d,\"width\":%d", fv_task_name(fv_detector_task(f->names)), m->channels, m->height,
                m->width);
    const struct {
        const char *name;
        double v;
    } rows[] = {{"min", g.min}, {"max", g.max}, {"mean", g.mean}, {"norm", g.norm}};
    int to = fv_detector_task(f->names) == FV_TASK_EMBED ? 4 : is_class_map(f) ? 0 : 3;
    for (int i = 0; i < to; i++) {
        text_printf(t, ",\"%s\":", rows[i].name);
        text_number(t, rows[i].v, 6);
    }
    if (is_class_map(f)) shares_json(t, f);
    if (f->map_file) {
        text_add(t, ",\"file\":");
        text_json(t, f->map_file);
    }
    text_add(t, "}");
}

/* ---- YOLO label lines ---- */

static void points(text *t, const float *xy, int n, double w, double h)
{
    for (int i = 0; i < n; i++) text_printf(t, " %.6f %.6f", (double)xy[2 * i] / w, (double)xy[2 * i + 1] / h);
}

static void corners(const float o[5], float xy[8])
{
    float c = cosf(o[4]), s = sinf(o[4]), ax = o[2] / 2 * c, ay = o[2] / 2 * s, bx = -o[3] / 2 * s, by = o[3] / 2 * c;
    const float signs[4][2] = {{1, 1}, {1, -1}, {-1, -1}, {-1, 1}};
    for (int i = 0; i < 4; i++) {
        xy[2 * i] = o[0] + signs[i][0] * ax + signs[i][1] * bx;
        xy[2 * i + 1] = o[1] + signs[i][0] * ay + signs[i][1] * by;
    }
}

/* Confidence and identity at the end of a line, as asked for. */
void out_yolo_end(text *t, const out_frame *f, const fv_detection *d)
{
    if (f->with_conf) text_printf(t, " %.6g", (double)d->confidence);
    if (f->with_conf && d->track_id > 0) text_printf(t, " %d", d->track_id);
    text_add(t, "\n");
}

static void yolo_mask(text *t, const out_frame *f, const fv_detection *d, int row, double w, double h)
{
    const fv_detections *all = f->r->dets;
    const fv_mask *m = &all->masks[row];
    float *xy;
    int n = contour_largest(all->mask_bits + m->at, m->width, m->height, m->x, m->y, &xy);
    if (n >= 3) { /* fewer are no polygon */
        text_printf(t, "%d", d->class_id);
        points(t, xy, n, w, h);
        out_yolo_end(t, f, d);
    }
    free(xy);
}

bool out_yolo_extra(text *t, const out_frame *f, const fv_detection *d)
{
    const fv_detections *all = f->r->dets;
    double w = f->r->frame->width, h = f->r->frame->height;
    int row = d->extra - 1;
    if (fv_detector_task(f->names) == FV_TASK_CLASSIFY) {
        text_printf(t, "%.2f ", (double)d->confidence);
        text_terminal(t, fv_detector_class_name(f->names, d->class_id));
        text_add(t, "\n");
        return true;
    }
    if (row < 0 || row >= all->n_extras) return false;
    if (all->masks) {
        yolo_mask(t, f, d, row, w, h);
    } else if (all->obb) {
        float xy[8];
        corners(all->obb[row], xy);
        text_printf(t, "%d", d->class_id);
        points(t, xy, 4, w, h);
        out_yolo_end(t, f, d);
    } else if (all->keypoints) {
        text_printf(t, "%d %.6f %.6f %.6f %.6f", d->class_id, (double)(d->box[0] + d->box[2]) / 2 / w, (double)(d->box[1] + d->box[3]) / 2 / h,
                    (double)(d->box[2] - d->box[0]) / w, (double)(d->box[3] - d->box[1]) / h);
        for (int k = 0; k < all->n_keypoints; k++) {
            const float *p = all->keypoints[(size_t)row * (size_t)all->n_keypoints + (size_t)k];
            text_printf(t, " %.6f %.6f %.6f", (double)p[0] / w, (double)p[1] / h, (double)p[2]);
        }
        out_yolo_end(t, f, d);
    }
    return true;
}

/* ---- for people ---- */

static void classes_line(text *t, const out_frame *f)
{
    for (int i = 0; i < f->r->dets->count; i++) {
        text_add(t, i ? ", " : "");
        text_terminal(t, fv_detector_class_name(f->names, f->r->dets->items[i].class_id));
        text_printf(t, " %.2f", (double)f->r->dets->items[i].confidence);
    }
    text_add(t, "\n");
}

static void shares_line(text *t, const out_frame *f)
{
    const fv_map *m = &f->r->dets->map;
    int n = fv_detector_class_count(f->names);
    int64_t *cells = cells_of(m, n);
    for (int k = 0; k < 5; k++) { /* the five that cover most */
        int best = 0;
        for (int c = 1; c < n; c++)
            if (cells[c] > cells[best]) best = c;
        if (!cells[best]) break;
        text_add(t, k ? ", " : "");
        text_terminal(t, fv_detector_class_name(f->names, best));
        text_printf(t, " %.0f %%", 100.0 * (double)cells[best] / ((double)m->height * m->width));
        cells[best] = 0;
    }
    text_add(t, "\n");
    free(cells);
}

bool out_task_line(text *t, const out_frame *f)
{
    const fv_map *m = &f->r->dets->map;
    fv_task task = fv_detector_task(f->names);
    if (task == FV_TASK_CLASSIFY && f->r->dets->count) {
        classes_line(t, f);
        return true;
    }
    if (task < FV_TASK_SEMANTIC || !m->data) return false;
    map_figures g = figures_of(m);
    if (is_class_map(f)) shares_line(t, f);
    else if (task == FV_TASK_EMBED) text_printf(t, "%d numbers, norm %.4g\n", m->channels, g.norm);
    else text_printf(t, "%s %dx%d, %.3g to %.3g, mean %.3g\n", task == FV_TASK_DEPTH ? "depth" : "probability", m->width, m->height, g.min, g.max, g.mean);
    return true;
}
