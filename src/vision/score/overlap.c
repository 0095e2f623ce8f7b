/* overlap.c: how much a found thing is a true one: boxes, masks, keypoints. Called by match.c for one class of one picture. */
#include "vision/score/score.h"
#include <float.h>
#include <math.h>

static double box_area(const double b[4]) { return (b[2] - b[0]) * (b[3] - b[1]); }

static double box_overlap(const fv_score_item *found, const fv_score_item *truth)
{
    const double *a = found->box, *b = truth->box;
    double w = fmin(a[2], b[2]) - fmax(a[0], b[0]), h = fmin(a[3], b[3]) - fmax(a[1], b[1]);
    if (w <= 0 || h <= 0) return 0;
    double both = w * h;
    return both / (truth->crowd ? box_area(a) : box_area(a) + box_area(b) - both);
}

static int marked(const fv_score *s, const fv_score_item *truth)
{
    int n = 0;
    for (int i = 0; i < s->n_keypoints; i++) n += truth->keypoints[i][2] > 0;
    return n;
}

/* How far x lies outside of a..b. */
static double outside(double x, double a, double b) { return fmax(0, a - x) + fmax(0, x - b); }

/* Each marked point counts by its distance in units of what people differ by, for a thing of this area. A truth without marks is an area in
 * which anything may be: its box, doubled. */
static double keypoint_similarity(const fv_score *s, const fv_score_item *found, const fv_score_item *truth)
{
    int n = marked(s, truth);
    double area = fvi_score_truth_area(s, truth) + DBL_EPSILON, sum = 0;
    double w = truth->box[2] - truth->box[0], h = truth->box[3] - truth->box[1];
    for (int i = 0; i < s->n_keypoints; i++) {
        const double *p = found->keypoints[i], *q = truth->keypoints[i];
        if (n > 0 && !(q[2] > 0)) continue;
        double dx = n > 0 ? p[0] - q[0] : outside(p[0], truth->box[0] - w, truth->box[0] + 2 * w);
        double dy = n > 0 ? p[1] - q[1] : outside(p[1], truth->box[1] - h, truth->box[1] + 2 * h);
        sum += exp(-(dx * dx + dy * dy) / s->variance[i] / area / 2);
    }
    return sum / (n > 0 ? n : s->n_keypoints);
}

double fvi_score_truth_area(const fv_score *s, const fv_score_item *truth)
{
    if (truth->area > 0) return truth->area;
    return s->kind == FV_SCORE_MASK ? (double)fv_rle_area(truth->mask) : box_area(truth->box);
}

double fvi_score_found_area(const fv_score *s, const fv_score_item *found)
{
    if (s->kind == FV_SCORE_MASK) return (double)fv_rle_area(found->mask);
    if (s->kind == FV_SCORE_BOX) return box_area(found->box);
    double b[4] = {INFINITY, INFINITY, -INFINITY, -INFINITY};
    for (int i = 0; i < s->n_keypoints; i++) {
        const double *p = found->keypoints[i];
        b[0] = fmin(b[0], p[0]), b[1] = fmin(b[1], p[1]);
        b[2] = fmax(b[2], p[0]), b[3] = fmax(b[3], p[1]);
    }
    return box_area(b);
}

/* Do the boxes of two masks touch? Most pairs do not, and walking masks is slow. */
static bool boxes_meet(const int a[4], const int b[4])
{
    return a[0] < b[0] + b[2] && b[0] < a[0] + a[2] && a[1] < b[1] + b[3] && b[1] < a[1] + a[3];
}

void fvi_score_overlaps(const fv_score *s, const fv_score_item *truths, const int *t, int n_truths, const fv_score_item *found, const int *f, int n_found,
                        double *overlap)
{
    for (int k = 0; k < n_truths; k++) {
        const fv_score_item *truth = &truths[t[k]];
        int tb[4], fb[4];
        if (s->kind == FV_SCORE_MASK) fv_rle_box(truth->mask, &tb[0], &tb[1], &tb[2], &tb[3]);
        for (int i = 0; i < n_found; i++) {
            const fv_score_item *one = &found[f[i]];
            double *to = &overlap[(size_t)i * (size_t)n_truths + (size_t)k];
            if (s->kind == FV_SCORE_BOX) {
                *to = box_overlap(one, truth);
            } else if (s->kind == FV_SCORE_KEYPOINTS) {
                *to = keypoint_similarity(s, one, truth);
            } else {
                fv_rle_box(one->mask, &fb[0], &fb[1], &fb[2], &fb[3]);
                *to = boxes_meet(tb, fb) ? fv_rle_iou(one->mask, truth->mask, truth->crowd) : 0;
            }
        }
    }
}
