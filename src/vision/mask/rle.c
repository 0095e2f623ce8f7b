/* rle.c: run-length masks as COCO defines them: from pixels, text and counts; areas, overlaps, unions. Polygons are in
 * polygon.c. Called by heads' users (JSON lines), by score/ and by the program. */
#include "vision/mask/rle.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>

static int64_t pixels_of(const fv_rle *r) { return (int64_t)r->width * r->height; }

fv_status fvi_mask_start(fv_rle *r, int width, int height)
{
    r->n = 0;
    r->width = r->height = 0;
    if (width < 1 || height < 1 || width > FV_RLE_MAX_SIDE || height > FV_RLE_MAX_SIDE) return FV_ERR_ARGUMENT;
    r->width = width;
    r->height = height;
    return FV_OK;
}

fv_status fvi_mask_fail(fv_rle *r, fv_status st)
{
    r->n = 0;
    r->width = r->height = 0;
    return st;
}

bool fvi_mask_push(fv_rle *r, uint32_t count)
{
    if (!fvi_grow((void **)&r->counts, r->n, &r->capacity, sizeof *r->counts)) return false;
    r->counts[r->n++] = count;
    return true;
}

void fv_rle_clear(fv_rle *r)
{
    if (!r) return;
    fvi_free(r->counts);
    *r = (fv_rle){0};
}

/* Runs while pixels are looked at in order: only changes are told. */
typedef struct runs {
    fv_rle *r;
    int64_t start; /* where the run of `value` began */
    bool value, failed;
} runs;

static void change(runs *w, int64_t at, bool value)
{
    if (value == w->value || w->failed) return;
    w->failed = !fvi_mask_push(w->r, (uint32_t)(at - w->start));
    w->start = at;
    w->value = value;
}

fv_status fv_rle_from_mask(fv_rle *r, int width, int height, const fv_mask *m, const uint8_t *bits)
{
    if (!r || fvi_mask_start(r, width, height) < 0) return FV_ERR_ARGUMENT;
    if (!m || m->x < 0 || m->y < 0 || m->width < 0 || m->height < 0 || m->x > width - m->width || m->y > height - m->height)
        return fvi_mask_fail(r, FV_ERR_ARGUMENT);
    bool empty = !m->width || !m->height;
    if (!empty && !bits) return fvi_mask_fail(r, FV_ERR_ARGUMENT);
    runs w = {.r = r};
    for (int x = 0; !empty && x < m->width; x++) {
        int64_t column = (int64_t)(m->x + x) * height, top = column + m->y;
        const uint8_t *p = bits + m->at + x;
        if (m->y > 0) change(&w, column, false);
        for (int y = 0; y < m->height; y++) change(&w, top + y, p[(size_t)y * (size_t)m->width] != 0);
        if (m->y + m->height < height) change(&w, top + m->height, false);
    }
    if (!empty && m->x + m->width < width) change(&w, (int64_t)(m->x + m->width) * height, false);
    if (w.failed || !fvi_mask_push(r, (uint32_t)(pixels_of(r) - w.start))) return fvi_mask_fail(r, FV_ERR_MEMORY);
    return FV_OK;
}

fv_status fv_rle_from_counts(fv_rle *r, int width, int height, const uint32_t *counts, size_t n)
{
    if (!r || fvi_mask_start(r, width, height) < 0) return FV_ERR_ARGUMENT;
    int64_t left = pixels_of(r);
    for (size_t i = 0; i < n; i++) {
        if (counts[i] > left) return fvi_mask_fail(r, FV_ERR_INPUT);
        left -= counts[i];
        if (!fvi_mask_push(r, counts[i])) return fvi_mask_fail(r, FV_ERR_MEMORY);
    }
    return left ? fvi_mask_fail(r, FV_ERR_INPUT) : FV_OK;
}

/* One number: five bits a character from the lowest, bit 5 = more follows, bit 4 of the last = negative. */
static const char *read_number(const char *p, int64_t *out)
{
    int64_t v = 0;
    int shift = 0;
    for (;; shift += 5) {
        int c = (unsigned char)*p - 48;
        if (c < 0 || c > 63 || shift > 35) return NULL;
        p++;
        v |= (int64_t)(c & 31) << shift;
        if (c & 32) continue;
        if (c & 16) v -= (int64_t)32 << shift;
        *out = v;
        return p;
    }
}

fv_status fv_rle_from_text(fv_rle *r, int width, int height, const char *text)
{
    if (!r || fvi_mask_start(r, width, height) < 0) return FV_ERR_ARGUMENT;
    int64_t left = pixels_of(r), v;
    for (const char *p = text ? text : ""; *p;) {
        p = read_number(p, &v);
        if (!p) return fvi_mask_fail(r, FV_ERR_INPUT);
        if (r->n > 2) v += r->counts[r->n - 2]; /* from the third on: the difference to the run of the same kind before */
        if (v < 0 || v > left) return fvi_mask_fail(r, FV_ERR_INPUT);
        left -= v;
        if (!fvi_mask_push(r, (uint32_t)v)) return fvi_mask_fail(r, FV_ERR_MEMORY);
    }
    return left ? fvi_mask_fail(r, FV_ERR_INPUT) : FV_OK;
}

size_t fv_rle_text(const fv_rle *r, char *buf, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i < r->n; i++) {
        int64_t v = r->counts[i];
        if (i > 2) v -= r->counts[i - 2];
        for (bool more = true; more;) {
            int c = (int)(v & 31);
            v >>= 5; /* arithmetic: the sign stays */
            more = c & 16 ? v != -1 : v != 0;
            if (at + 1 < size) buf[at] = (char)((more ? c | 32 : c) + 48);
            at++;
        }
    }
    if (size > 0) buf[at < size ? at : size - 1] = 0;
    return at;
}

void fv_rle_decode(const fv_rle *r, uint8_t *pixels, ptrdiff_t stride)
{
    int64_t at = 0;
    for (size_t i = 0; i < r->n; i++) {
        int64_t end = at + r->counts[i];
        uint8_t value = i & 1;
        while (at < end) { /* the part of the run in one column */
            int64_t x = at / r->height, y = at % r->height, stop = end - x * r->height;
            if (stop > r->height) stop = r->height;
            for (at += stop - y; y < stop; y++) pixels[y * stride + x] = value;
        }
    }
}

int64_t fv_rle_area(const fv_rle *r)
{
    int64_t sum = 0;
    for (size_t i = 1; i < r->n; i += 2) sum += r->counts[i];
    return sum;
}

void fv_rle_box(const fv_rle *r, int *px, int *py, int *pw, int *ph)
{
    int64_t at = 0, x1 = r->width, y1 = r->height, x2 = -1, y2 = -1;
    for (size_t i = 0; i < r->n; i++) {
        int64_t first = at, last = at + r->counts[i] - 1;
        at = last + 1;
        if (!(i & 1) || last < first) continue;
        int64_t c1 = first / r->height, c2 = last / r->height;
        int64_t top = c1 == c2 ? first % r->height : 0, bottom = c1 == c2 ? last % r->height : r->height - 1;
        if (c1 < x1) x1 = c1;
        if (c2 > x2) x2 = c2;
        if (top < y1) y1 = top;
        if (bottom > y2) y2 = bottom;
    }
    bool empty = x2 < 0;
    *px = empty ? 0 : (int)x1;
    *py = empty ? 0 : (int)y1;
    *pw = empty ? 0 : (int)(x2 - x1 + 1);
    *ph = empty ? 0 : (int)(y2 - y1 + 1);
}

/* Walks two masks together: calls of step give pieces in which neither changes. */
typedef struct walk {
    const fv_rle *a, *b;
    size_t i, k;
    int64_t left_a, left_b;
} walk;

static bool step(walk *w, int64_t *count, bool *in_a, bool *in_b)
{
    while (w->left_a == 0 && w->i < w->a->n) w->left_a = w->a->counts[w->i++];
    while (w->left_b == 0 && w->k < w->b->n) w->left_b = w->b->counts[w->k++];
    if (w->left_a == 0 || w->left_b == 0) return false;
    *count = w->left_a < w->left_b ? w->left_a : w->left_b;
    *in_a = !(w->i & 1); /* i is one past the run */
    *in_b = !(w->k & 1);
    w->left_a -= *count;
    w->left_b -= *count;
    return true;
}

double fv_rle_iou(const fv_rle *a, const fv_rle *b, int crowd)
{
    if (a->width != b->width || a->height != b->height) return 0;
    walk w = {.a = a, .b = b};
    int64_t count, both = 0, either = 0;
    bool in_a, in_b;
    while (step(&w, &count, &in_a, &in_b)) {
        if (in_a && in_b) both += count;
        if (in_a || in_b) either += count;
    }
    if (both == 0) return 0;
    return (double)both / (double)(crowd ? fv_rle_area(a) : either);
}

fv_status fv_rle_join(fv_rle *r, const fv_rle *other)
{
    if (!r || !other || r->width != other->width || r->height != other->height) return FV_ERR_ARGUMENT;
    fv_rle out = {0};
    FVI_TRY(fvi_mask_start(&out, r->width, r->height));
    walk w = {.a = r, .b = other};
    int64_t count, run = 0;
    bool in_a, in_b, value = false;
    while (step(&w, &count, &in_a, &in_b)) {
        if ((in_a || in_b) != value) {
            if (!fvi_mask_push(&out, (uint32_t)run)) goto no_memory;
            run = 0;
            value = !value;
        }
        run += count;
    }
    if (!fvi_mask_push(&out, (uint32_t)run)) goto no_memory;
    fv_rle_clear(r);
    *r = out;
    return FV_OK;
no_memory:
    fv_rle_clear(&out);
    return fvi_mask_fail(r, FV_ERR_MEMORY);
}
