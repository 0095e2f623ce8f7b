/* curve.c: all records of a class -> average precision (the mean of the best precision at 101 recalls) and recall, for every overlap, range of
 * areas and number of found things a picture. Called by score.c. */
#include "base/alloc.h"
#include "base/error.h"
#include "vision/score/score.h"
#include <float.h>
#include <stdlib.h>

#define RECALLS 101

typedef struct sorted {
    const fvi_score_record *r;
    size_t at; /* place among all: equal confidences stay in the order of their pictures */
} sorted;

static int surest_first(const void *pa, const void *pb)
{
    const sorted *a = pa, *b = pb;
    if (a->r->confidence != b->r->confidence) return a->r->confidence < b->r->confidence ? 1 : -1;
    return (a->at > b->at) - (a->at < b->at);
}

typedef struct curve {
    const sorted *list;
    size_t n;
    double *precision, *recall; /* [n] after each record */
} curve;

/* Precision and recall after each record that is among the surest `ranks` of its picture; the last recall. */
static double draw(curve *c, int range, int t, double truths)
{
    double right = 0, wrong = 0;
    for (size_t i = 0; i < c->n; i++) {
        right += c->list[i].r->right[range] >> t & 1;
        wrong += c->list[i].r->wrong[range] >> t & 1;
        c->recall[i] = right / truths;
        c->precision[i] = right / (wrong + right + DBL_EPSILON);
    }
    return c->n ? c->recall[c->n - 1] : 0;
}

static double average_precision(curve *c)
{
    for (size_t i = c->n; i-- > 1;)
        if (c->precision[i] > c->precision[i - 1]) c->precision[i - 1] = c->precision[i];
    double sum = 0;
    size_t at = 0;
    for (int i = 0; i < RECALLS; i++) {
        double wanted = i == RECALLS - 1 ? 1.0 : i * (1.0 / (RECALLS - 1));
        while (at < c->n && c->recall[at] < wanted) at++;
        if (at == c->n) break;
        sum += c->precision[at];
    }
    return sum / RECALLS;
}

static double recall_of(const curve *c, int ranks, int t, double truths)
{
    double right = 0;
    for (size_t i = 0; i < c->n; i++)
        if (c->list[i].r->rank < ranks) right += c->list[i].r->right[FVI_SCORE_ALL] >> t & 1;
    return right / truths;
}

/* The confidence to cut at when nothing else is known. Equal confidences are cut together. */
static void find_best_f1(const curve *c, fv_score_class *out)
{
    out->best_f1 = out->precision = out->recall = out->confidence = 0;
    for (size_t i = 0; i < c->n; i++) {
        double p = c->precision[i], r = c->recall[i], f1 = p + r > 0 ? 2 * p * r / (p + r) : 0;
        if (i + 1 < c->n && c->list[i + 1].r->confidence == c->list[i].r->confidence) continue;
        if (f1 <= out->best_f1) continue;
        out->best_f1 = f1;
        out->precision = p;
        out->recall = r;
        out->confidence = c->list[i].r->confidence;
    }
}

static void all_ranges(const fv_score *s, const fvi_score_class *of, curve *c, fv_score_class *out)
{
    fv_score_numbers *n = &out->numbers;
    double *ap[FVI_SCORE_AREAS] = {&n->map50_95, &n->map_small, &n->map_medium, &n->map_large};
    double *ar[FVI_SCORE_AREAS] = {&n->ar, &n->ar_small, &n->ar_medium, &n->ar_large};
    for (int range = 0; range < FVI_SCORE_AREAS; range++) {
        double truths = (double)of->truths[range], precision = 0, recall = 0;
        bool none = truths == 0 || (s->kind == FV_SCORE_KEYPOINTS && range == FVI_SCORE_SMALL);
        for (int t = 0; t < FVI_SCORE_OVERLAPS && !none; t++) {
            double last = draw(c, range, t, truths);
            if (range == FVI_SCORE_ALL && t == 0) find_best_f1(c, out);
            double area = average_precision(c);
            precision += area;
            recall += last;
            if (range != FVI_SCORE_ALL) continue;
            if (t == 0) n->map50 = area, n->ar50 = last;
            if (t == 5) n->map75 = area, n->ar75 = last;
            n->ar1 += recall_of(c, 1, t, truths);
            n->ar10 += recall_of(c, 10, t, truths);
        }
        *ap[range] = none ? -1 : precision / FVI_SCORE_OVERLAPS;
        *ar[range] = none ? -1 : recall / FVI_SCORE_OVERLAPS;
    }
    n->ar1 /= FVI_SCORE_OVERLAPS;
    n->ar10 /= FVI_SCORE_OVERLAPS;
}

fv_status fvi_score_curve(const fv_score *s, int class_id, fv_score_class *out)
{
    const fvi_score_class *of = &s->classes[class_id];
    *out = (fv_score_class){.truths = of->truths[FVI_SCORE_ALL], .crowds = of->crowds, .found = (int64_t)of->n_records, .pictures = of->pictures};
    if (of->truths[FVI_SCORE_ALL] == 0) {
        double *n = (double *)&out->numbers;
        for (size_t i = 0; i < sizeof out->numbers / sizeof *n; i++) n[i] = -1;
        out->best_f1 = out->precision = out->recall = out->confidence = -1;
        return FV_OK;
    }
    size_t n = of->n_records;
    sorted *list = fvi_calloc(n + 1, sizeof *list);
    double *precision = fvi_calloc(n + 1, sizeof *precision), *recall = fvi_calloc(n + 1, sizeof *recall);
    fv_status st = list && precision && recall ? FV_OK : FV_ERR_MEMORY;
    if (st >= 0) {
        for (size_t i = 0; i < n; i++) list[i] = (sorted){&of->records[i], i};
        qsort(list, n, sizeof *list, surest_first);
        curve c = {list, n, precision, recall};
        all_ranges(s, of, &c, out);
    }
    fvi_free(list);
    fvi_free(precision);
    fvi_free(recall);
    return st;
}
