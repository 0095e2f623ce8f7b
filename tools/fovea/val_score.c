/* val_score.c: one picture's truths and detections -> the scores of its task: boxes always, masks or keypoints with them, or the class
 * of the whole picture. Called by verb_val.c. */
#include "val.h"
#include <stdlib.h>
#include <string.h>

#define BOX_TO_AREA 0.53 /* of a thing with keypoints whose area is not said: the share of its box, as Ultralytics takes it */

static bool any_points(const val_data *d)
{
    for (int i = 0; i < d->n; i++)
        for (int k = 0; k < d->pictures[i].n; k++)
            if (d->pictures[i].truths[k].points) return true;
    return false;
}

/* Every thing that counts has a mask. */
static bool all_masks(const val_data *d)
{
    bool any = false;
    for (int i = 0; i < d->n; i++)
        for (int k = 0; k < d->pictures[i].n; k++) {
            const val_truth *t = &d->pictures[i].truths[k];
            bool mask = t->rle.n || t->corners;
            if (!mask && !t->crowd) return false;
            any |= mask;
        }
    return any;
}

int val_scores_open(val_scores *s, const val_data *d, const val_target *t)
{
    fv_error err = {0};
    fv_score_options o = {.size = sizeof o, .n_classes = t->n_classes};
    for (int i = 0; i < d->n; i++) s->truths += d->pictures[i].n;
    if (t->task == FV_TASK_CLASSIFY) return EXIT_OK;
    fv_status st = fv_score_create(&s->box, &o, &err);
    if (st >= 0 && t->task == FV_TASK_SEGMENT) {
        o.kind = FV_SCORE_MASK;
        if (all_masks(d))
            st = fv_score_create(&s->mask, &o, &err);
        else
            cli_note(t->a, "the data has boxes without outlines: boxes are scored, masks are not");
    }
    if (st >= 0 && t->task == FV_TASK_POSE) {
        o.kind = FV_SCORE_KEYPOINTS;
        o.n_keypoints = d->n_keypoints;
        if (any_points(d))
            st = fv_score_create(&s->keypoints, &o, &err);
        else
            cli_note(t->a, "the data has no keypoints: only boxes are scored");
    }
    return st < 0 ? cli_fail(t->a, st, &err) : EXIT_OK;
}

void val_scores_close(val_scores *s)
{
    fv_score_free(&s->box);
    fv_score_free(&s->mask);
    fv_score_free(&s->keypoints);
    for (int i = 0; i < s->cap_true; i++) fv_rle_clear(&s->true_masks[i]);
    for (int i = 0; i < s->cap_found; i++) fv_rle_clear(&s->found_masks[i]);
    free(s->true_items);
    free(s->found_items);
    free(s->true_masks);
    free(s->found_masks);
    free(s->true_points);
    free(s->found_points);
    *s = (val_scores){0};
}

/* Room for n items, their masks and k keypoints each. What masks hold is kept. */
static void room(int n, int k, int *cap, int *cap_points, fv_score_item **items, fv_rle **masks, double (**points)[3])
{
    if (n > *cap) {
        fv_rle *more = tool_alloc((size_t)n * sizeof *more);
        if (*cap) memcpy(more, *masks, (size_t)*cap * sizeof *more);
        free(*masks);
        free(*items);
        *masks = more;
        *items = tool_alloc((size_t)n * sizeof **items);
        *cap = n;
    }
    if (n * k > *cap_points) {
        free(*points);
        *points = tool_alloc((size_t)n * (size_t)k * sizeof **points);
        *cap_points = n * k;
    }
}

static fv_status outline_mask(fv_rle *to, const val_truth *t, double sx, double sy, int w, int h)
{
    fv_rle part = {0};
    fv_status st = FV_OK;
    for (int i = 0, at = 0; i < t->n_parts && st >= 0; at += t->parts[i++]) {
        double(*xy)[2] = tool_alloc((size_t)t->parts[i] * sizeof *xy);
        for (int k = 0; k < t->parts[i]; k++) xy[k][0] = t->corners[at + k][0] * sx, xy[k][1] = t->corners[at + k][1] * sy;
        st = fv_rle_from_polygon(i ? &part : to, w, h, (const double (*)[2])xy, t->parts[i]);
        if (st >= 0 && i) st = fv_rle_join(to, &part);
        free(xy);
    }
    fv_rle_clear(&part);
    return st;
}

static fv_status true_mask(fv_rle *to, const val_truth *t, const double box[4], double sx, double sy, int w, int h, fv_error *err)
{
    fv_status st;
    if (t->rle.n) {
        if (t->rle.width != w || t->rle.height != h)
            return cli_set_error(err, FV_ERR_INPUT, "a mask of the data is %dx%d, the picture %dx%d", t->rle.width, t->rle.height, w, h);
        st = fv_rle_from_counts(to, w, h, t->rle.counts, t->rle.n);
    } else if (t->corners) {
        st = outline_mask(to, t, sx, sy, w, h);
    } else { /* a crowd that is only a box */
        const double corners[4][2] = {{box[0], box[1]}, {box[2], box[1]}, {box[2], box[3]}, {box[0], box[3]}};
        st = fv_rle_from_polygon(to, w, h, corners, 4);
    }
    return st < 0 ? cli_set_error(err, st, "an outline of the data cannot be drawn: %s", fv_status_text(st)) : FV_OK;
}

static fv_status true_items(val_scores *s, const val_data *d, const val_picture *p, const fv_frame *f, fv_error *err)
{
    double sx = p->pixels ? 1 : f->width, sy = p->pixels ? 1 : f->height;
    int k = s->keypoints ? d->n_keypoints : 0;
    room(p->n, k, &s->cap_true, &s->cap_true_points, &s->true_items, &s->true_masks, &s->true_points);
    for (int i = 0; i < p->n; i++) {
        const val_truth *t = &p->truths[i];
        fv_score_item *it = &s->true_items[i];
        *it = (fv_score_item){.class_id = t->class_id, .crowd = t->crowd, .area = t->area};
        for (int c = 0; c < 4; c++) it->box[c] = t->box[c] * (c % 2 ? sy : sx);
        if (s->mask) {
            fv_status st = true_mask(&s->true_masks[i], t, it->box, sx, sy, f->width, f->height, err);
            if (st < 0) return st;
            it->mask = &s->true_masks[i];
            if (!(it->area > 0)) it->area = (double)fv_rle_area(it->mask);
        }
        if (!k) continue;
        double(*to)[3] = s->true_points + (size_t)i * (size_t)k;
        memset(to, 0, (size_t)k * sizeof *to);
        for (int j = 0; t->points && j < k; j++) to[j][0] = t->points[j][0] * sx, to[j][1] = t->points[j][1] * sy, to[j][2] = t->points[j][2];
        it->keypoints = (const double (*)[3])to;
        if (!(it->area > 0)) it->area = (it->box[2] - it->box[0]) * (it->box[3] - it->box[1]) * BOX_TO_AREA;
    }
    return FV_OK;
}

/* Detections of classes that the data does not know are left out; returns how many stay. */
static fv_status found_items(val_scores *s, const val_data *d, const fv_frame *f, const fv_detections *found, int *count, fv_error *err)
{
    int k = s->keypoints ? d->n_keypoints : 0, n = 0;
    if (k && found->n_keypoints != k)
        return cli_set_error(err, FV_ERR_INPUT, "the model gives %d keypoints, the data has %d", found->n_keypoints, k);
    room(found->count, k, &s->cap_found, &s->cap_found_points, &s->found_items, &s->found_masks, &s->found_points);
    for (int i = 0; i < found->count; i++) {
        const fv_detection *from = &found->items[i];
        fv_score_item *it = &s->found_items[n];
        size_t row = from->extra > 0 ? (size_t)from->extra - 1 : 0;
        if (d->scored && !d->scored[from->class_id]) continue;
        *it = (fv_score_item){.class_id = from->class_id, .confidence = (double)from->confidence};
        for (int c = 0; c < 4; c++) it->box[c] = (double)from->box[c];
        if (k && from->extra <= 0) return cli_set_error(err, FV_ERR_INTERNAL, "a detection has no keypoints");
        if (s->mask) { /* the weakest of a large picture come without a mask: as if it were empty */
            const fv_mask none = {0}, *mask = from->extra > 0 ? &found->masks[row] : &none;
            fv_status st = fv_rle_from_mask(&s->found_masks[n], f->width, f->height, mask, found->mask_bits);
            if (st < 0) return cli_set_error(err, st, "a mask cannot be encoded: %s", fv_status_text(st));
            it->mask = &s->found_masks[n];
        }
        for (int j = 0; j < k; j++)
            for (int c = 0; c < 3; c++) s->found_points[(size_t)n * (size_t)k + (size_t)j][c] = (double)found->keypoints[row * (size_t)k + (size_t)j][c];
        if (k) it->keypoints = (const double (*)[3])(s->found_points + (size_t)n * (size_t)k);
        n++;
    }
    *count = n;
    return FV_OK;
}

fv_status val_scores_add(val_scores *s, const val_data *d, const val_target *t, const val_picture *p, const fv_frame *f, const fv_detections *found, fv_error *err)
{
    if (t->task == FV_TASK_CLASSIFY) {
        s->classified++;
        for (int i = 0; i < found->count && i < 5; i++) {
            if (found->items[i].class_id != p->class_id) continue;
            s->right5++;
            s->right1 += i == 0;
        }
        return FV_OK;
    }
    if (p->width && (p->width != f->width || p->height != f->height))
        return cli_set_error(err, FV_ERR_INPUT, "the picture is %dx%d, the data says %dx%d", f->width, f->height, p->width, p->height);
    int n = 0;
    fv_status st = true_items(s, d, p, f, err);
    if (st >= 0) st = found_items(s, d, f, found, &n, err);
    if (st >= 0) st = fv_score_add(s->box, s->true_items, p->n, s->found_items, n, err);
    if (st >= 0 && s->mask) st = fv_score_add(s->mask, s->true_items, p->n, s->found_items, n, err);
    if (st >= 0 && s->keypoints) st = fv_score_add(s->keypoints, s->true_items, p->n, s->found_items, n, err);
    return st;
}
