/* compare.c: two models on the same pictures: how much of the difference of their mAP50-95 is chance? A paired bootstrap: pictures are drawn
 * anew with replacement, the same for both, and both are scored again. Called by the program's val. */
#include "base/alloc.h"
#include "base/error.h"
#include "vision/score/score.h"
#include <float.h>
#include <stdlib.h>

#define RECALLS 101
#define MAX_RESAMPLES 100000

typedef struct sorted {
    double confidence;
    uint32_t picture, at;
    uint16_t right, wrong;
} sorted;

static int surest_first(const void *pa, const void *pb)
{
    const sorted *a = pa, *b = pb;
    if (a->confidence != b->confidence) return a->confidence < b->confidence ? 1 : -1;
    return (a->at > b->at) - (a->at < b->at);
}

/* All classes of one score, records of each in order, once for all draws. */
typedef struct side {
    const fv_score *s;
    sorted **list;             /* [n_classes] */
    double *precision, *recall; /* [most records of a class] */
} side;

static bool open_side(side *o, const fv_score *s)
{
    size_t most = 0;
    *o = (side){.s = s, .list = fvi_calloc((size_t)s->n_classes + 1, sizeof *o->list)};
    for (int c = 0; o->list && c < s->n_classes; c++) {
        const fvi_score_class *k = &s->classes[c];
        sorted *l = o->list[c] = fvi_calloc(k->n_records + 1, sizeof *l);
        if (!l) return false;
        for (size_t i = 0; i < k->n_records; i++) {
            const fvi_score_record *r = &k->records[i];
            l[i] = (sorted){r->confidence, r->picture, (uint32_t)i, r->right[FVI_SCORE_ALL], r->wrong[FVI_SCORE_ALL]};
        }
        qsort(l, k->n_records, sizeof *l, surest_first);
        most = k->n_records > most ? k->n_records : most;
    }
    o->precision = fvi_calloc(most + 1, sizeof *o->precision);
    o->recall = fvi_calloc(most + 1, sizeof *o->recall);
    return o->list && o->precision && o->recall;
}

static void close_side(side *o)
{
    for (int c = 0; o->list && c < o->s->n_classes; c++) fvi_free(o->list[c]);
    fvi_free(o->list);
    fvi_free(o->precision);
    fvi_free(o->recall);
}

static double precision_at(const side *o, const sorted *l, size_t n_all, int t, const uint32_t *weight, double truths)
{
    double right = 0, wrong = 0, sum = 0;
    size_t n = 0, at = 0;
    for (size_t i = 0; i < n_all; i++) {
        const double w = weight[l[i].picture];
        if (w == 0) continue;
        right += w * (l[i].right >> t & 1);
        wrong += w * (l[i].wrong >> t & 1);
        o->recall[n] = right / truths;
        o->precision[n++] = right / (wrong + right + DBL_EPSILON);
    }
    for (size_t i = n; i-- > 1;)
        if (o->precision[i] > o->precision[i - 1]) o->precision[i - 1] = o->precision[i];
    for (int i = 0; i < RECALLS; i++) {
        const double wanted = i == RECALLS - 1 ? 1.0 : i * (1.0 / (RECALLS - 1));
        while (at < n && o->recall[at] < wanted) at++;
        if (at == n) break;
        sum += o->precision[at];
    }
    return sum / RECALLS;
}

/* mAP50-95 with each picture counted weight[picture] times; -1: nothing is true in these. */
static double mean_precision(const side *o, const uint32_t *weight)
{
    double sum = 0;
    int classes = 0;
    for (int c = 0; c < o->s->n_classes; c++) {
        const fvi_score_class *k = &o->s->classes[c];
        double truths = 0, area = 0;
        for (size_t i = 0; i < k->n_shown; i++) truths += (double)weight[k->shown[i].picture] * k->shown[i].truths;
        if (truths == 0) continue;
        for (int t = 0; t < FVI_SCORE_OVERLAPS; t++) area += precision_at(o, o->list[c], k->n_records, t, weight, truths);
        sum += area / FVI_SCORE_OVERLAPS;
        classes++;
    }
    return classes ? sum / classes : -1;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void draw(uint32_t *weight, int64_t pictures, uint64_t *seed)
{
    for (int64_t i = 0; i < pictures; i++) weight[i] = 0;
    for (int64_t i = 0; i < pictures; i++) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        weight[(*seed >> 33) % (uint64_t)pictures]++;
    }
}

static void interval(fv_score_difference *d, double *diff, int n)
{
    double below = 0;
    qsort(diff, (size_t)n, sizeof *diff, ascending);
    for (int i = 0; i < n; i++) below += diff[i] < 0;
    d->low = diff[(int)(0.025 * (n - 1) + 0.5)];
    d->high = diff[(int)(0.975 * (n - 1) + 0.5)];
    d->below = below / n;
}

fv_status fv_score_compare(const fv_score *a, const fv_score *b, int resamples, fv_score_difference *out, fv_error *err)
{
    if (!a || !b || !out) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_score_compare: two scores and room for the result are needed");
    if (a->pictures != b->pictures || a->n_classes != b->n_classes || a->kind != b->kind)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "the scores are not of the same pictures and classes (%lld and %lld pictures, %d and %d classes)", (long long)a->pictures,
                             (long long)b->pictures, a->n_classes, b->n_classes);
    if (resamples < 1 || resamples > MAX_RESAMPLES) return fvi_error_set(err, FV_ERR_ARGUMENT, "%d draws; 1 to %d can be made", resamples, MAX_RESAMPLES);
    if (a->pictures < 2) return fvi_error_set(err, FV_ERR_ARGUMENT, "%lld pictures are too few to draw from", (long long)a->pictures);
    side x = {.s = a}, y = {.s = b};
    uint32_t *weight = fvi_calloc((size_t)a->pictures, sizeof *weight);
    double *diff = fvi_calloc((size_t)resamples, sizeof *diff);
    fv_status st = weight && diff && open_side(&x, a) && open_side(&y, b) ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    if (st >= 0) {
        uint64_t seed = 1;
        for (int64_t i = 0; i < a->pictures; i++) weight[i] = 1;
        *out = (fv_score_difference){.mean = mean_precision(&y, weight) - mean_precision(&x, weight), .resamples = resamples};
        for (int i = 0; i < resamples; i++) {
            draw(weight, a->pictures, &seed);
            diff[i] = mean_precision(&y, weight) - mean_precision(&x, weight);
        }
        interval(out, diff, resamples);
    }
    close_side(&x);
    close_side(&y);
    fvi_free(weight);
    fvi_free(diff);
    return st;
}
