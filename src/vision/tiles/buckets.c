/* buckets.c: a pyramid of squares -> the boxes in each, in one row of memory: counted, then placed. Called by merge.c and merge_seam.c. */
#include "vision/tiles/buckets.h"
#include "base/alloc.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define SQUARE 128.0f
#define MOST_SQUARES 512 /* along an axis: what is beyond is in the last */
#define MOST_RANGES (2 * MOST_SQUARES + FVI_BUCKET_LEVELS) /* rows of all levels */

static const float *box_at(const float *boxes, size_t stride, int i) { return (const float *)(const void *)((const char *)boxes + (size_t)i * stride); }

static float side_of(int level) { return SQUARE * (float)(1 << level); }

static int square_at(float v, int level, int count)
{
    float s = v / side_of(level);
    return s > 0 ? s < (float)count ? (int)s : count - 1 : 0;
}

/* The pyramid over all boxes. Returns how many squares it has. */
static size_t shape(fvi_buckets *k, const float *boxes, size_t stride, int n)
{
    float low[2] = {0, 0}, high[2] = {0, 0};
    for (int i = 0; i < n; i++) {
        const float *b = box_at(boxes, stride, i);
        for (int a = 0; a < 2; a++) {
            low[a] = !i || b[a] < low[a] ? b[a] : low[a];
            high[a] = !i || b[2 + a] > high[a] ? b[2 + a] : high[a];
        }
    }
    k->left = low[0];
    k->top = low[1];
    int cols = square_at(high[0] - low[0], 0, MOST_SQUARES) + 1, rows = square_at(high[1] - low[1], 0, MOST_SQUARES) + 1, squares = 0;
    for (k->levels = 0; k->levels < FVI_BUCKET_LEVELS;) {
        int l = k->levels++;
        k->cols[l] = ((cols - 1) >> l) + 1;
        k->rows[l] = ((rows - 1) >> l) + 1;
        k->first[l] = squares;
        squares += k->cols[l] * k->rows[l];
        if (k->cols[l] == 1 && k->rows[l] == 1) break;
    }
    return (size_t)squares;
}

/* Boxes that are larger than the largest square are in the last level, whose one square everybody looks at. */
static int square_of(fvi_buckets *k, const float *b)
{
    float w = b[2] - b[0], h = b[3] - b[1], side = w > h ? w : h;
    int l = 0;
    while (l < k->levels - 1 && side > side_of(l)) l++;
    if (w > k->widest[l]) k->widest[l] = w;
    if (h > k->highest[l]) k->highest[l] = h;
    int x = square_at((b[0] + b[2]) * 0.5f - k->left, l, k->cols[l]), y = square_at((b[1] + b[3]) * 0.5f - k->top, l, k->rows[l]);
    return k->first[l] + y * k->cols[l] + x;
}

static bool reserve(fvi_buckets *k, size_t squares, size_t n)
{
    if (squares + 1 > k->squares_capacity) {
        fvi_free(k->start);
        k->start = fvi_calloc(squares + 1, sizeof *k->start);
        k->squares_capacity = k->start ? squares + 1 : 0;
    }
    if (n > k->capacity) {
        size_t room = n + n / 2;
        fvi_free(k->id);
        fvi_free(k->square);
        k->id = fvi_calloc(room, sizeof *k->id);
        k->square = fvi_calloc(room, sizeof *k->square);
        bool ok = k->id && k->square;
        for (int c = 0; c < 8; c++) {
            fvi_free(k->column[c]);
            k->column[c] = fvi_calloc(room, sizeof *k->column[c]);
            ok = ok && k->column[c];
        }
        k->capacity = ok ? room : 0;
    }
    return k->squares_capacity > squares && k->capacity >= n;
}

fv_status fvi_buckets_fill(fvi_buckets *k, const float *boxes, size_t stride, int n)
{
    size_t squares = k->squares = shape(k, boxes, stride, n);
    if (!reserve(k, squares, (size_t)n)) return FV_ERR_MEMORY;
    memset(k->start, 0, (squares + 1) * sizeof *k->start);
    memset(k->widest, 0, sizeof k->widest);
    memset(k->highest, 0, sizeof k->highest);
    for (int i = 0; i < n; i++) {
        k->square[i] = square_of(k, box_at(boxes, stride, i));
        k->start[k->square[i]]++;
    }
    int at = 0;
    for (size_t s = 0; s <= squares; s++) { /* ends of squares; placing moves them to their beginnings */
        at += k->start[s];
        k->start[s] = at;
    }
    for (int i = n - 1; i >= 0; i--) {
        const float *b = box_at(boxes, stride, i);
        int to = --k->start[k->square[i]];
        for (int c = 0; c < 4; c++) k->column[c][to] = b[c];
        k->id[to] = i;
    }
    return FV_OK;
}

void fvi_buckets_compact(fvi_buckets *k, const uint8_t *gone)
{
    int to = 0, from = 0;
    for (size_t s = 0; s < k->squares; s++) {
        const int end = k->start[s + 1];
        k->start[s] = to;
        for (; from < end; from++) {
            if (gone[k->id[from]]) continue;
            for (int c = 0; c < 8; c++) k->column[c][to] = k->column[c][from];
            k->id[to++] = k->id[from];
        }
    }
    k->start[k->squares] = to;
}

int fvi_buckets_find(const fvi_buckets *k, const fvi_overlap *kern, const fvi_overlap_query *q, int *out)
{
    const float *box = q->box;
    const fvi_overlap_boxes b = {k->column[0], k->column[1], k->column[2], k->column[3], k->column[4], k->column[5], k->column[6], k->column[7]};
    int ranges[MOST_RANGES][2], n_ranges = 0;
    for (int l = 0; l < k->levels; l++) {
        const float w = 0.5f * k->widest[l], h = 0.5f * k->highest[l]; /* a middle that is further away belongs to a box that does not reach here */
        if (w == 0 || h == 0) continue;
        int x0 = square_at(box[0] - k->left - w, l, k->cols[l]), x1 = square_at(box[2] - k->left + w, l, k->cols[l]);
        int y0 = square_at(box[1] - k->top - h, l, k->rows[l]), y1 = square_at(box[3] - k->top + h, l, k->rows[l]);
        for (int y = y0; y <= y1; y++) {
            const int *start = k->start + k->first[l] + y * k->cols[l];
            if (start[x0] == start[x1 + 1]) continue;
            ranges[n_ranges][0] = start[x0];
            ranges[n_ranges++][1] = start[x1 + 1];
        }
    }
    int n = kern->find(out, &b, (const int(*)[2])ranges, n_ranges, q);
    for (int i = 0; i < n; i++) out[i] = k->id[out[i]];
    return n;
}

void fvi_buckets_free(fvi_buckets *k)
{
    fvi_free(k->start);
    for (int c = 0; c < 8; c++) fvi_free(k->column[c]);
    fvi_free(k->id);
    fvi_free(k->square);
    *k = (fvi_buckets){0};
}
