/* select.c: see select.h. */
#include "model/graph/select.h"
#include "base/alloc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool fvi_select_is_true(const void *data, fv_dtype t, int64_t i)
{
    if (t == FV_F32) return ((const float *)data)[i] != 0;
    if (t == FV_F64) return ((const double *)data)[i] != 0;
    size_t size = fv_dtype_size(t);
    const char *p = (const char *)data + (size_t)i * size;
    for (size_t k = 0; k < size; k++)
        if (p[k]) return true;
    return false;
}

/* ---- NonMaxSuppression ---- */
typedef struct candidate {
    float score;
    int64_t box;
} candidate;

static int by_score(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return x->box > y->box ? 1 : -1;
}

static void edges(const fvi_nms_task *t, const float *b, float e[4])
{
    if (t->centered) {
        e[0] = b[0] - b[2] / 2, e[1] = b[1] - b[3] / 2, e[2] = b[0] + b[2] / 2, e[3] = b[1] + b[3] / 2;
        return;
    }
    e[0] = fminf(b[0], b[2]), e[1] = fminf(b[1], b[3]), e[2] = fmaxf(b[0], b[2]), e[3] = fmaxf(b[1], b[3]);
}

static bool overlap(const fvi_nms_task *t, const float *a, const float *b)
{
    float p[4], q[4];
    edges(t, a, p);
    edges(t, b, q);
    float w = fminf(p[2], q[2]) - fmaxf(p[0], q[0]), h = fminf(p[3], q[3]) - fmaxf(p[1], q[1]);
    float one = (p[2] - p[0]) * (p[3] - p[1]), two = (q[2] - q[0]) * (q[3] - q[1]);
    if (!(w > 0) || !(h > 0) || !(one > 0) || !(two > 0)) return false;
    float all = one + two - w * h;
    return all > 0 && w * h / all > t->iou;
}

static int64_t one_class(const fvi_nms_task *t, int64_t b, int64_t c, candidate *list, int64_t *kept, int64_t *out)
{
    const float *scores = t->scores + (b * t->classes + c) * t->n, *boxes = t->boxes + b * t->n * 4;
    int64_t n = 0, count = 0;
    for (int64_t i = 0; i < t->n; i++)
        if (!t->has_score || scores[i] > t->score) list[n++] = (candidate){scores[i], i};
    qsort(list, (size_t)n, sizeof *list, by_score);
    for (int64_t i = 0; i < n && count < t->most; i++) {
        bool keep = true;
        for (int64_t k = 0; k < count && keep; k++) keep = !overlap(t, boxes + list[i].box * 4, boxes + kept[k] * 4);
        if (!keep) continue;
        if (out) out[count * 3] = b, out[count * 3 + 1] = c, out[count * 3 + 2] = list[i].box;
        kept[count++] = list[i].box;
    }
    return count;
}

int64_t fvi_select_nms(const fvi_nms_task *t, int64_t *out)
{
    candidate *list = fvi_calloc((size_t)t->n + 1, sizeof *list);
    int64_t *kept = fvi_calloc((size_t)t->n + 1, sizeof *kept), all = list && kept ? 0 : -1;
    for (int64_t b = 0; b < t->batches && all >= 0; b++)
        for (int64_t c = 0; c < t->classes; c++) all += one_class(t, b, c, list, kept, out ? out + all * 3 : NULL);
    fvi_free(list);
    fvi_free(kept);
    return all;
}

/* ---- Unique ---- */
static int compare_one(fv_dtype type, const char *a, const char *b)
{
#define CASE(id, T)                                                                                                    \
    case id: {                                                                                                         \
        T x, y;                                                                                                        \
        memcpy(&x, a, sizeof x);                                                                                       \
        memcpy(&y, b, sizeof y);                                                                                       \
        return x < y ? -1 : x > y;                                                                                     \
    }
    switch (type) {
        CASE(FV_F32, float)
        CASE(FV_F64, double)
        CASE(FV_I8, int8_t)
        CASE(FV_I16, int16_t)
        CASE(FV_U16, uint16_t)
        CASE(FV_I32, int32_t)
        CASE(FV_U32, uint32_t)
        CASE(FV_I64, int64_t)
        CASE(FV_U64, uint64_t)
    default: return *(const uint8_t *)a < *(const uint8_t *)b ? -1 : *(const uint8_t *)a > *(const uint8_t *)b;
    }
#undef CASE
}

static int compare_rows(const fvi_unique_task *t, int64_t a, int64_t b)
{
    int64_t size = (int64_t)fv_dtype_size(t->dtype);
    for (int64_t o = 0; o < t->outer; o++)
        for (int64_t i = 0; i < t->inner; i++) {
            const char *base = t->data + (o * t->rows * t->inner + i) * size;
            int c = compare_one(t->dtype, base + a * t->inner * size, base + b * t->inner * size);
            if (c) return c;
        }
    return 0;
}

/* Merge sort: stable, so that equal groups stay in the order of the data. */
static void sort_rows(const fvi_unique_task *t, int64_t *order, int64_t *spare, int64_t n)
{
    if (n < 2) return;
    int64_t half = n / 2, i = 0, j = half, k = 0;
    sort_rows(t, order, spare, half);
    sort_rows(t, order + half, spare, n - half);
    while (i < half && j < n) spare[k++] = compare_rows(t, order[i], order[j]) <= 0 ? order[i++] : order[j++];
    while (i < half) spare[k++] = order[i++];
    while (j < n) spare[k++] = order[j++];
    memcpy(order, spare, (size_t)n * sizeof *order);
}

static int by_index(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

int64_t fvi_select_unique(const fvi_unique_task *t, int64_t *first, int64_t *counts, int64_t *inverse)
{
    int64_t *order = fvi_calloc((size_t)t->rows * 3 + 1, sizeof *order), *spare = order + t->rows, n = 0;
    if (!order) return -1;
    for (int64_t i = 0; i < t->rows; i++) order[i] = i;
    sort_rows(t, order, spare, t->rows);
    for (int64_t i = 0; i < t->rows; i++) {
        if (i == 0 || compare_rows(t, order[i - 1], order[i]) != 0) {
            first[n] = order[i];
            counts[n++] = 0;
        }
        counts[n - 1]++;
        inverse[order[i]] = n - 1;
    }
    if (!t->sorted) { /* in order of appearance: pairs of first place and sorted number */
        int64_t *pairs = spare, *old_counts = fvi_calloc((size_t)n + 1, 2 * sizeof *old_counts), *number = old_counts + n;
        if (!old_counts) n = -1;
        for (int64_t i = 0; i < n; i++) pairs[2 * i] = first[i], pairs[2 * i + 1] = i, old_counts[i] = counts[i];
        if (n > 0) qsort(pairs, (size_t)n, 2 * sizeof *pairs, by_index);
        for (int64_t i = 0; i < n; i++) {
            first[i] = pairs[2 * i];
            counts[i] = old_counts[pairs[2 * i + 1]];
            number[pairs[2 * i + 1]] = i;
        }
        for (int64_t r = 0; r < t->rows && n > 0; r++) inverse[r] = number[inverse[r]];
        fvi_free(old_counts);
    }
    fvi_free(order);
    return n;
}
