/* score.c: pictures in, figures out: checks what comes, sorts it by class, keeps what matching says (match.c), asks for the curves
 * (curve.c). Called by the program's val and by users of score.h. */
#include "vision/score/score.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include <math.h>
#include <stdlib.h>

#define MAX_CLASSES 65536
#define MAX_KEYPOINTS 1000
#define MAX_FOUND_KEYPOINTS 20

/* COCO's 17: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles. */
static const double coco_sigmas[17] = {.026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107, .107, .087, .087, .089, .089};

static fv_status set_sigmas(fv_score *s, const float *sigmas, fv_error *err)
{
    s->variance = fvi_calloc((size_t)s->n_keypoints, sizeof *s->variance);
    if (!s->variance) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    for (int i = 0; i < s->n_keypoints; i++) {
        double sigma = sigmas ? (double)sigmas[i] : s->n_keypoints == 17 ? coco_sigmas[i] : 1.0 / s->n_keypoints;
        if (!(sigma > 0) || !isfinite(sigma)) return fvi_error_set(err, FV_ERR_ARGUMENT, "sigma %g of keypoint %d is not above 0", sigma, i);
        s->variance[i] = 4 * sigma * sigma;
    }
    return FV_OK;
}

static fv_status build(fv_score *s, const fv_score_options *o, fv_error *err)
{
    if (o->kind < FV_SCORE_BOX || o->kind > FV_SCORE_KEYPOINTS) return fvi_error_set(err, FV_ERR_ARGUMENT, "kind %d of score is none", (int)o->kind);
    if (o->n_classes < 1 || o->n_classes > MAX_CLASSES)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "%d classes: a score has 1 to %d", o->n_classes, MAX_CLASSES);
    s->kind = o->kind;
    s->n_classes = o->n_classes;
    s->max_found = FVI_SCORE_MAX_FOUND;
    s->classes = fvi_calloc((size_t)s->n_classes, sizeof *s->classes);
    s->numbers = fvi_calloc((size_t)s->n_classes, sizeof *s->numbers);
    if (!s->classes || !s->numbers) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    if (s->kind != FV_SCORE_KEYPOINTS) return FV_OK;
    if (o->n_keypoints < 1 || o->n_keypoints > MAX_KEYPOINTS)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "%d keypoints: a score has 1 to %d", o->n_keypoints, MAX_KEYPOINTS);
    s->n_keypoints = o->n_keypoints;
    s->max_found = MAX_FOUND_KEYPOINTS;
    return set_sigmas(s, o->sigmas, err);
}

fv_status fv_score_create(fv_score **out, const fv_score_options *opt, fv_error *err)
{
    if (!out) return FV_ERR_ARGUMENT;
    *out = NULL;
    fv_score_options o = {.size = sizeof o};
    FVI_TRY(fvi_options_read(&o, sizeof o, opt, "FV_SCORE_OPTIONS", err));
    fv_score *s = fvi_calloc(1, sizeof *s);
    if (!s) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    fv_status st = build(s, &o, err);
    if (st < 0) {
        fv_score_free(&s);
        return st;
    }
    *out = s;
    return FV_OK;
}

void fv_score_free(fv_score **sp)
{
    if (!sp || !*sp) return;
    fv_score *s = *sp;
    for (int c = 0; s->classes && c < s->n_classes; c++) {
        fvi_free(s->classes[c].records);
        fvi_free(s->classes[c].shown);
    }
    fvi_free(s->classes);
    fvi_free(s->numbers);
    fvi_free(s->variance);
    fvi_free(s->scratch.overlap);
    fvi_free(s->scratch.ignored);
    fvi_free(s->scratch.order);
    fvi_free(s->scratch.taken);
    fvi_free(s->scratch.truths);
    fvi_free(s->scratch.found);
    FVI_FREE(*sp);
}

static fv_status check_item(const fv_score *s, const fv_score_item *it, const char *what, int i, fv_error *err)
{
    const double *numbers[] = {&it->box[0], &it->box[1], &it->box[2], &it->box[3], &it->confidence, &it->area};
    if (it->class_id < 0 || it->class_id >= s->n_classes)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "%s thing %d is of class %d; the classes are 0 to %d", what, i, it->class_id, s->n_classes - 1);
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        if (!isfinite(*numbers[k])) return fvi_error_set(err, FV_ERR_ARGUMENT, "%s thing %d has a number that is not finite", what, i);
    if (s->kind == FV_SCORE_MASK && (!it->mask || it->mask->n == 0)) return fvi_error_set(err, FV_ERR_ARGUMENT, "%s thing %d has no mask", what, i);
    if (s->kind != FV_SCORE_KEYPOINTS) return FV_OK;
    if (!it->keypoints) return fvi_error_set(err, FV_ERR_ARGUMENT, "%s thing %d has no keypoints", what, i);
    for (int k = 0; k < s->n_keypoints; k++)
        if (!isfinite(it->keypoints[k][0]) || !isfinite(it->keypoints[k][1]) || isnan(it->keypoints[k][2]))
            return fvi_error_set(err, FV_ERR_ARGUMENT, "%s thing %d has a keypoint that is not finite", what, i);
    return FV_OK;
}

static bool room(void **p, size_t *cap, size_t n, size_t size)
{
    if (n <= *cap) return true;
    void *bigger = fvi_realloc_array(*p, *cap, n, size);
    if (!bigger) return false;
    *p = bigger;
    *cap = n;
    return true;
}

typedef struct index_order {
    const fv_score_item *items;
    int *index;
    int n;
    bool by_confidence;
} index_order;

/* By class, then (found things) the surest first, then as they came. */
static bool goes_before(const index_order *o, int a, int b)
{
    const fv_score_item *x = &o->items[a], *y = &o->items[b];
    if (x->class_id != y->class_id) return x->class_id < y->class_id;
    if (o->by_confidence && x->confidence != y->confidence) return x->confidence > y->confidence;
    return a < b;
}

static void sift(const index_order *o, int n, int at)
{
    for (int child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && goes_before(o, o->index[child], o->index[child + 1])) child++;
        if (!goes_before(o, o->index[at], o->index[child])) return;
        int swap = o->index[at];
        o->index[at] = o->index[child];
        o->index[child] = swap;
    }
}

static void sort_index(const index_order *o)
{
    for (int i = 0; i < o->n; i++) o->index[i] = i;
    for (int i = o->n / 2 - 1; i >= 0; i--) sift(o, o->n, i);
    for (int n = o->n - 1; n > 0; n--) {
        int swap = o->index[0];
        o->index[0] = o->index[n];
        o->index[n] = swap;
        sift(o, n, 0);
    }
}

/* How many from `at` on are of class `id`. */
static int run_of(const fv_score_item *items, const int *index, int at, int n, int id)
{
    int count = 0;
    while (at + count < n && items[index[at + count]].class_id == id) count++;
    return count;
}

/* All memory that the picture needs, so that matching cannot fail half-way. */
static fv_status make_room(fv_score *s, const fv_score_item *truths, int n_truths, const fv_score_item *found, int n_found, fv_error *err)
{
    fvi_score_scratch *w = &s->scratch;
    size_t overlaps = 1;
    bool ok = room((void **)&w->truths, &w->cap_truth_index, (size_t)n_truths + 1, sizeof *w->truths) &&
              room((void **)&w->found, &w->cap_found_index, (size_t)n_found + 1, sizeof *w->found);
    if (!ok) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    sort_index(&(index_order){truths, w->truths, n_truths, false});
    sort_index(&(index_order){found, w->found, n_found, true});
    for (int t = 0, f = 0, nt, nf; f < n_found; f += nf) {
        int id = found[w->found[f]].class_id;
        while (t < n_truths && truths[w->truths[t]].class_id < id) t++;
        nt = run_of(truths, w->truths, t, n_truths, id);
        nf = run_of(found, w->found, f, n_found, id);
        int used = nf < s->max_found ? nf : s->max_found;
        fvi_score_class *c = &s->classes[id];
        size_t wanted = c->n_records + (size_t)used;
        if (wanted > c->cap_records) ok = ok && room((void **)&c->records, &c->cap_records, wanted + wanted / 2 + 16, sizeof *c->records);
        if ((size_t)nt * (size_t)used > overlaps) overlaps = (size_t)nt * (size_t)used;
    }
    for (int t = 0; t < n_truths; t++) {
        fvi_score_class *c = &s->classes[truths[t].class_id];
        if (c->n_shown + 1 > c->cap_shown) ok = ok && room((void **)&c->shown, &c->cap_shown, 2 * c->n_shown + 8, sizeof *c->shown);
    }
    size_t cap = w->cap_truths, cap1 = cap, cap2 = cap;
    ok = ok && room((void **)&w->overlap, &w->cap_overlap, overlaps, sizeof *w->overlap) &&
         room((void **)&w->ignored, &cap, (size_t)n_truths + 1, sizeof *w->ignored) &&
         room((void **)&w->order, &cap1, (size_t)n_truths + 1, sizeof *w->order) &&
         room((void **)&w->taken, &cap2, (size_t)n_truths + 1, sizeof *w->taken);
    if (!ok) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    w->cap_truths = cap;
    return FV_OK;
}

fv_status fv_score_add(fv_score *s, const fv_score_item *truths, int n_truths, const fv_score_item *found, int n_found, fv_error *err)
{
    if (!s || n_truths < 0 || n_found < 0 || (n_truths && !truths) || (n_found && !found))
        return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_score_add: a list is missing");
    if (n_truths > FVI_SCORE_MAX_TRUTHS)
        return fvi_error_set(err, FV_ERR_LIMIT, "%d true things in one picture; %d can be scored", n_truths, FVI_SCORE_MAX_TRUTHS);
    for (int i = 0; i < n_truths; i++) FVI_TRY(check_item(s, &truths[i], "true", i, err));
    for (int i = 0; i < n_found; i++) FVI_TRY(check_item(s, &found[i], "found", i, err));
    FVI_TRY(make_room(s, truths, n_truths, found, n_found, err));
    const fvi_score_scratch *w = &s->scratch;
    s->totalled = false;
    s->pictures++;
    for (int t = 0, f = 0; t < n_truths || f < n_found;) {
        int id = t < n_truths ? truths[w->truths[t]].class_id : s->n_classes;
        if (f < n_found && found[w->found[f]].class_id < id) id = found[w->found[f]].class_id;
        int nt = run_of(truths, w->truths, t, n_truths, id), nf = run_of(found, w->found, f, n_found, id);
        fvi_score_match(s, &s->classes[id], truths, w->truths + t, nt, found, w->found + f, nf < s->max_found ? nf : s->max_found);
        t += nt;
        f += nf;
    }
    return FV_OK;
}

fv_status fv_score_total(fv_score *s, fv_score_numbers *out, fv_error *err)
{
    enum { N = sizeof *out / sizeof(double) };
    double sum[N] = {0}, count[N] = {0}, *to = (double *)out;
    if (!s || !out) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_score_total: nothing to fill");
    for (int c = 0; c < s->n_classes; c++) {
        if (fvi_score_curve(s, c, &s->numbers[c]) < 0) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
        const double *n = (const double *)&s->numbers[c].numbers;
        for (int i = 0; i < N; i++)
            if (n[i] >= 0) sum[i] += n[i], count[i]++;
    }
    for (int i = 0; i < N; i++) to[i] = count[i] > 0 ? sum[i] / count[i] : -1;
    s->totalled = true;
    return FV_OK;
}

fv_status fv_score_of_class(const fv_score *s, int class_id, fv_score_class *out)
{
    if (!s || !out || class_id < 0 || class_id >= s->n_classes) return FV_ERR_ARGUMENT;
    if (!s->totalled) return FV_ERR_STATE;
    *out = s->numbers[class_id];
    return FV_OK;
}

int64_t fv_score_pictures(const fv_score *s) { return s ? s->pictures : 0; }
