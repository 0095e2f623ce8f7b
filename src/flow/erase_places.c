/* erase_places.c: where marks are: regions and masks become crops with holes; samples of them over the video become marks. Called by
 * erase.c. */
#include "flow/erase.h"
#include "base/alloc.h"
#include "base/error.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MARGIN 24        /* samples around a hole that are looked at */
#define NEAR 24          /* parts of a mask closer than this are one place */
#define LEAST_SLOPE 4.0f /* grey levels from pixel to pixel that a mark's edge has at least, on average over time */
#define EDGE_REACH 3     /* pixels around its edges that belong to a mark */
#define WEAK 0.3f        /* of the opacity of the strong parts */
#define MAX_CROP ((size_t)8 << 20)

static int min_int(int a, int b) { return a < b ? a : b; }
static int max_int(int a, int b) { return a > b ? a : b; }

static void free_place(fvi_erase_place *p)
{
    for (int i = 0; i < FVI_ERASE_SAMPLES; i++) fvi_free(p->sample[i]);
    for (int i = 0; i < 3; i++) fvi_clean_fill_free(&p->fill[i]);
    fvi_clean_mark_clear(&p->mark);
    fvi_free(p->hole);
    fvi_free(p->ground);
    *p = (fvi_erase_place){0};
}

void fvi_erase_free_places(fvi_erase *e)
{
    for (int i = 0; i < e->places; i++) free_place(&e->place[i]);
    FVI_FREE(e->place);
    e->places = 0;
}

/* A place for what of the mask is in the box. */
static fv_status add_place(fvi_erase *e, const uint8_t *mask, int x0, int y0, int x1, int y1, int64_t from, int64_t to, bool whole)
{
    const int W = e->info.width, H = e->info.height;
    if (e->places == FV_ERASE_MARKS) return fvi_error_set(e->err, FV_ERR_LIMIT, "more than %d marks", FV_ERASE_MARKS);
    if (!e->place && !(e->place = fvi_calloc(FV_ERASE_MARKS, sizeof *e->place))) return fvi_error_set(e->err, FV_ERR_MEMORY, "out of memory");
    fvi_erase_place *p = &e->place[e->places];
    p->x = max_int(0, x0 - MARGIN) & ~1;
    p->y = max_int(0, y0 - MARGIN) & ~1;
    p->w = min_int(W, (x1 + MARGIN + 1) & ~1) - p->x;
    p->h = min_int(H, (y1 + MARGIN + 1) & ~1) - p->y;
    p->from = from;
    p->to = to;
    p->whole = whole;
    p->step = 1;
    e->places++;
    FVI_TRY(fvi_clean_shape_set(&p->shape, e->info.planes, p->w, p->h, e->info.sx, e->info.sy, e->info.depth));
    if (p->shape.all > MAX_CROP) return fvi_error_set(e->err, FV_ERR_LIMIT, "a region of %dx%d is too large to be taken out", x1 - x0, y1 - y0);
    if (!(p->hole = fvi_calloc((size_t)p->w * (size_t)p->h, 1))) return fvi_error_set(e->err, FV_ERR_MEMORY, "out of memory");
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            if (mask[(size_t)y * (size_t)W + (size_t)x]) p->hole[(size_t)(y - p->y) * (size_t)p->w + (size_t)(x - p->x)] = 1;
    return FV_OK;
}

/* Boxes of the mask's parts, joined while they are near each other. boxes [FV_ERASE_MARKS][4]; -1: too many. */
static int find_boxes(const fvi_erase *e, const uint8_t *mask, int (*box)[4])
{
    int n = 0;
    for (int y = 0; y < e->info.height; y++) {
        for (int x = 0; x < e->info.width; x++) {
            const uint8_t *row = mask + (size_t)y * (size_t)e->info.width;
            if (!row[x]) continue;
            int end = x;
            while (end < e->info.width && row[end]) end++;
            int b[4] = {x, y, end, y + 1};
            for (int i = 0; i < n; i++) {
                if (b[0] > box[i][2] + NEAR || b[2] + NEAR < box[i][0] || b[1] > box[i][3] + NEAR || b[3] + NEAR < box[i][1]) continue;
                b[0] = min_int(b[0], box[i][0]);
                b[1] = min_int(b[1], box[i][1]);
                b[2] = max_int(b[2], box[i][2]);
                b[3] = max_int(b[3], box[i][3]);
                memcpy(box[i], box[--n], sizeof b);
                i = -1;
            }
            if (n == FV_ERASE_MARKS) return -1;
            memcpy(box[n++], b, sizeof b);
            x = end;
        }
    }
    return n;
}

fv_status fvi_erase_add_mask(fvi_erase *e, const uint8_t *mask, int64_t from, int64_t to, bool whole)
{
    int box[FV_ERASE_MARKS + 1][4];
    const int n = find_boxes(e, mask, box);
    if (n < 0) return fvi_error_set(e->err, FV_ERR_LIMIT, "the mask has more than %d parts", FV_ERASE_MARKS);
    for (int i = 0; i < n; i++) FVI_TRY(add_place(e, mask, box[i][0], box[i][1], box[i][2], box[i][3], from, to, whole));
    return FV_OK;
}

/* As shown -> as coded. */
static void to_coded(const fvi_erase *e, int x, int y, int *cx, int *cy)
{
    const int u = e->info.transpose ? y : x, v = e->info.transpose ? x : y;
    *cx = e->info.flip_x ? e->info.width - 1 - u : u;
    *cy = e->info.flip_y ? e->info.height - 1 - v : v;
}

/* Even-odd rule, at the middles of pixels. */
static bool inside(const fv_erase_region *r, double x, double y)
{
    bool in = false;
    for (int i = 0, j = r->n - 1; i < r->n; j = i++) {
        const double *a = r->points[i], *b = r->points[j];
        if ((a[1] > y) != (b[1] > y) && x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0]) in = !in;
    }
    return in;
}

static fv_status check_region(const fvi_erase *e, const fv_erase_region *r, int w, int h)
{
    if (r->mask && (r->mask_width != w || r->mask_height != h))
        return fvi_error_set(e->err, FV_ERR_CONFIG, "the mask is %dx%d, the video %dx%d", r->mask_width, r->mask_height, w, h);
    if (!r->mask && (!r->points || r->n < 3)) return fvi_error_set(e->err, FV_ERR_ARGUMENT, "a region needs three points or a mask");
    return FV_OK;
}

fv_status fvi_erase_add_regions(fvi_erase *e)
{
    const int W = e->info.transpose ? e->info.height : e->info.width, H = e->info.transpose ? e->info.width : e->info.height;
    fv_status st = FV_OK;
    uint8_t *mask = fvi_alloc((size_t)W * (size_t)H);
    if (!mask) return fvi_error_set(e->err, FV_ERR_MEMORY, "out of memory");
    for (int i = 0; st == FV_OK && i < e->opt->n_regions; i++) {
        const fv_erase_region *r = &e->opt->regions[i];
        if ((st = check_region(e, r, W, H)) < 0) break;
        size_t n = 0;
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                int cx, cy;
                const bool in = r->mask ? r->mask[(size_t)y * (size_t)W + (size_t)x] != 0 : inside(r, x + 0.5, y + 0.5);
                to_coded(e, x, y, &cx, &cy);
                mask[(size_t)cy * (size_t)e->info.width + (size_t)cx] = in;
                n += in;
            }
        if (!n) st = fvi_error_set(e->err, FV_ERR_CONFIG, "region %d has nothing of the picture (%dx%d) in it", i + 1, W, H);
        if (n == (size_t)W * (size_t)H) st = fvi_error_set(e->err, FV_ERR_CONFIG, "region %d is the whole picture", i + 1);
        if (st == FV_OK) st = fvi_erase_add_mask(e, mask, 0, INT64_MAX, r->whole);
    }
    fvi_free(mask);
    return st;
}

void fvi_erase_crop(const fvi_erase *e, const fvi_erase_place *p, const fv_clip_frame *f, uint16_t *to)
{
    for (int i = 0; i < p->shape.planes; i++) {
        const int x = i ? p->x >> e->info.sx : p->x, y = i ? p->y >> e->info.sy : p->y, w = p->shape.w[i];
        for (int v = 0; v < p->shape.h[i]; v++) {
            const uint8_t *row = f->plane[i] + (ptrdiff_t)(y + v) * f->stride[i];
            uint16_t *out = to + p->shape.at[i] + (size_t)v * (size_t)w;
            if (e->info.depth > 8)
                memcpy(out, row + 2 * (size_t)x, 2 * (size_t)w);
            else
                for (int u = 0; u < w; u++) out[u] = row[x + u];
        }
    }
}

void fvi_erase_paste(const fvi_erase *e, const fvi_erase_place *p, const fv_clip_frame *f, const uint16_t *from)
{
    for (int i = 0; i < p->shape.planes; i++) {
        const int x = i ? p->x >> e->info.sx : p->x, y = i ? p->y >> e->info.sy : p->y, w = p->shape.w[i];
        for (int v = 0; v < p->shape.h[i]; v++) {
            uint8_t *row = f->plane[i] + (ptrdiff_t)(y + v) * f->stride[i];
            const size_t at = p->shape.at[i] + (size_t)v * (size_t)w;
            for (int u = 0; u < w; u++) {
                if (!p->mark.hole[at + (size_t)u]) continue;
                if (e->info.depth > 8)
                    memcpy(row + 2 * (x + u), &from[at + (size_t)u], 2);
                else
                    row[x + u] = (uint8_t)from[at + (size_t)u];
            }
        }
    }
}

/* Every step-th frame is kept; when there is no more room every second of them goes. */
fv_status fvi_erase_sample(fvi_erase *e, fvi_erase_place *p, const fv_clip_frame *f)
{
    if (f->index < p->from || f->index > p->to || p->seen++ % p->step) return FV_OK;
    const int most = e->opt->quality == FV_ERASE_FAST ? FVI_ERASE_SAMPLES / 3 & ~1 : e->opt->quality == FV_ERASE_BEST ? FVI_ERASE_SAMPLES : FVI_ERASE_SAMPLES * 2 / 3;
    if (p->samples == most) {
        for (int i = 0; i < most / 2; i++) {
            uint16_t *drop = p->sample[i];
            p->sample[i] = p->sample[2 * i];
            p->sample[2 * i] = drop;
        }
        p->samples /= 2;
        p->step *= 2;
        if ((p->seen - 1) % p->step) return FV_OK;
    }
    uint16_t **to = &p->sample[p->samples];
    if (!*to && !(*to = fvi_alloc(p->shape.all * sizeof **to))) return fvi_error_set(e->err, FV_ERR_MEMORY, "out of memory");
    fvi_erase_crop(e, p, f, *to);
    p->samples++;
    return FV_OK;
}

/* One more pixel all around; within the region the caller gave, one less is never needed. */
static void grow(uint8_t *m, uint8_t *old, int w, int h, int by)
{
    for (int k = 0; k < by; k++) {
        memcpy(old, m, (size_t)w * (size_t)h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                for (int j = -1; j <= 1; j++)
                    for (int i = -1; i <= 1; i++)
                        if (x + i >= 0 && x + i < w && y + j >= 0 && y + j < h && old[(size_t)(y + j) * (size_t)w + (size_t)(x + i)]) m[(size_t)y * (size_t)w + (size_t)x] = 1;
    }
}

static float slope(const float *v, size_t i, int w, int x, int y, int h)
{
    const float dx = x + 1 < w ? fabsf(v[i + 1] - v[i]) : 0, dy = y + 1 < h ? fabsf(v[i + (size_t)w] - v[i]) : 0;
    return fmaxf(dx, dy);
}

int fvi_erase_by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Slopes that the surroundings hardly have, in the mean over time: the picture moves and blurs, the mark stays sharp. */
static bool find_edges(const fvi_erase_place *p, const float *mean, float *sorted, uint8_t *edge)
{
    const int w = p->w, h = p->h;
    size_t n = 0;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const size_t i = (size_t)y * (size_t)w + (size_t)x;
            if (!p->hole[i]) sorted[n++] = slope(mean, i, w, x, y, h);
        }
    if (!n) return false;
    qsort(sorted, n, sizeof *sorted, fvi_erase_by_value);
    const float least = fmaxf(LEAST_SLOPE * (float)(1 << (p->shape.depth - 8)), 1.3f * sorted[n - 1 - n / 33]);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const size_t i = (size_t)y * (size_t)w + (size_t)x;
            edge[i] = p->hole[i] && slope(mean, i, w, x, y, h) > least;
        }
    return true;
}

/* What edges enclose is in as well: everything that cannot be reached from the rim of the crop. reached [h*w] and queue [h*w]: scratch. */
static void fill_enclosed(uint8_t *m, uint8_t *reached, int *queue, int w, int h)
{
    int head = 0, tail = 0;
    memset(reached, 0, (size_t)w * (size_t)h);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x += y == 0 || y == h - 1 || w == 1 ? 1 : w - 1)
            if (!m[y * w + x]) {
                reached[y * w + x] = 1;
                queue[tail++] = y * w + x;
            }
    while (head < tail) {
        const int i = queue[head++], x = i % w;
        const int next[4] = {x > 0 ? i - 1 : i, x + 1 < w ? i + 1 : i, i >= w ? i - w : i, i + w < w * h ? i + w : i};
        for (int k = 0; k < 4; k++) {
            if (reached[next[k]] || m[next[k]]) continue;
            reached[next[k]] = 1;
            queue[tail++] = next[k];
        }
    }
    for (int i = 0; i < w * h; i++) m[i] = !reached[i];
}

/* The region's pixels at and between lasting edges. The region stays as it is where that is nearly all of it or nearly nothing. */
static fv_status narrow(fvi_erase_place *p)
{
    const int w = p->w, h = p->h;
    const size_t all = (size_t)w * (size_t)h;
    float *mean = fvi_calloc(2 * all, sizeof *mean);
    uint8_t *m = fvi_calloc(2 * all, 1);
    int *queue = fvi_alloc(all * sizeof *queue);
    const bool ok = mean && m && queue;
    for (int k = 0; ok && k < p->samples; k++)
        for (size_t i = 0; i < all; i++) mean[i] += (float)p->sample[k][i] / (float)p->samples;
    if (ok && find_edges(p, mean, mean + all, m)) {
        size_t in = 0, kept = 0;
        grow(m, m + all, w, h, EDGE_REACH);
        fill_enclosed(m, m + all, queue, w, h);
        for (size_t i = 0; i < all; i++) {
            in += p->hole[i];
            kept += p->hole[i] && m[i];
        }
        if (kept * 200 > in && kept * 20 < in * 17)
            for (size_t i = 0; i < all; i++) p->hole[i] = p->hole[i] && m[i];
    }
    fvi_free(mean);
    fvi_free(m);
    fvi_free(queue);
    return ok ? FV_OK : FV_ERR_MEMORY;
}

static fv_status estimate(fvi_erase_place *p)
{
    fvi_clean_mark_clear(&p->mark);
    FVI_TRY(fvi_clean_mark_create(&p->mark, &p->shape, p->hole));
    return p->samples < 2 ? FV_OK : fvi_clean_mark_estimate(&p->mark, (const uint16_t *const *)p->sample, p->samples);
}

/* What is far less opaque than the mark's strong parts is what the ground was guessed wrong by: it is no mark. *less: the hole is smaller. */
static fv_status drop_weak(fvi_erase_place *p, bool *less)
{
    const size_t all = (size_t)p->w * (size_t)p->h;
    size_t n = 0, kept = 0;
    float *v = fvi_alloc(all * sizeof *v);
    uint8_t *m = fvi_calloc(2 * all, 1);
    *less = false;
    for (size_t i = 0; v && m && i < all; i++)
        if (p->hole[i]) v[n++] = p->mark.alpha[i];
    if (v && m && n) {
        qsort(v, n, sizeof *v, fvi_erase_by_value);
        const float least = fmaxf(0.04f, WEAK * v[n - 1 - n / 10]);
        for (size_t i = 0; i < all; i++) m[i] = p->hole[i] && p->mark.alpha[i] > least;
        grow(m, m + all, p->w, p->h, 2);
        for (size_t i = 0; i < all; i++) kept += p->hole[i] && m[i];
        *less = kept && kept * 20 < n * 19;
        for (size_t i = 0; *less && i < all; i++) p->hole[i] = p->hole[i] && m[i];
    }
    fvi_free(v);
    fvi_free(m);
    return v && m ? FV_OK : FV_ERR_MEMORY;
}

/* Samples in which the mark is not as strong as it gets go to the end. Returns how many have all of it; all where it does not come or go. Opacity learnt from
 * fading samples is too low, so that "strong" is meant against the strongest tenth. */
static int sort_samples(fvi_erase_place *p)
{
    float gain[FVI_ERASE_SAMPLES], sorted[FVI_ERASE_SAMPLES];
    int told = 0, n = 0;
    for (int i = 0; i < p->samples; i++) {
        gain[i] = fvi_clean_mark_gain(&p->mark, p->sample[i]);
        if (!isnan(gain[i])) sorted[told++] = gain[i];
    }
    if (!told) return p->samples;
    qsort(sorted, (size_t)told, sizeof *sorted, fvi_erase_by_value);
    const float strong = sorted[told - 1 - told / 10];
    if (sorted[told / 10] > 0.6f * strong) return p->samples;
    for (int i = 0; i < p->samples; i++) {
        if (gain[i] < 0.85f * strong) continue;
        uint16_t *s = p->sample[i];
        const float g = gain[i];
        p->sample[i] = p->sample[n], gain[i] = gain[n];
        p->sample[n] = s, gain[n++] = g;
    }
    return n;
}

static void describe(fvi_erase_place *p)
{
    int x0 = p->w, y0 = p->h, x1 = 0, y1 = 0;
    double opacity = 0, seen = 0;
    for (int y = 0; y < p->h; y++)
        for (int x = 0; x < p->w; x++) {
            const size_t i = (size_t)y * (size_t)p->w + (size_t)x;
            if (!p->mark.hole[i]) continue;
            p->report.pixels++;
            x0 = min_int(x0, x);
            y0 = min_int(y0, y);
            x1 = max_int(x1, x + 1);
            y1 = max_int(y1, y + 1);
            if (p->mark.alpha[i] <= 0.05f || p->mark.alpha[i] > 0.9f) continue;
            opacity += (double)p->mark.alpha[i];
            seen++;
        }
    p->report.x = p->x + x0;
    p->report.y = p->y + y0;
    p->report.width = x1 > x0 ? x1 - x0 : 0;
    p->report.height = y1 > y0 ? y1 - y0 : 0;
    p->report.opacity = seen > 0 ? (float)(opacity / seen) : 0;
    p->report.opaque = fvi_clean_mark_opaque(&p->mark);
    p->report.first = p->report.last = -1;
    double sum = 0;
    for (size_t i = 0; i < (size_t)p->w * (size_t)p->h; i++) sum += (double)(p->mark.hole[i] ? p->mark.alpha[i] : 0);
    p->always = p->samples < 2;
    p->found = p->whole || sum > 0.04 * (double)p->report.pixels;
}

fv_status fvi_erase_learn(fvi_erase_place *p)
{
    if (p->samples >= 2 && !p->whole) FVI_TRY(narrow(p));
    FVI_TRY(estimate(p));
    bool less = p->samples >= 2 && !p->whole;
    for (int i = 0; i < 2 && less; i++) {
        FVI_TRY(drop_weak(p, &less));
        if (less) FVI_TRY(estimate(p));
    }
    for (int i = 0; i < 2 && p->samples >= 2; i++) { /* is it there all the time? */
        const int n = sort_samples(p);
        if (n < 8 || n == p->samples) break;
        p->samples = n;
        FVI_TRY(estimate(p));
    }
    describe(p);
    for (int i = 0; i < FVI_ERASE_SAMPLES; i++) FVI_FREE(p->sample[i]);
    p->samples = 0;
    return FV_OK;
}

fv_status fvi_erase_prepare(fvi_erase_place *p)
{
    for (size_t i = 0; i < p->shape.all; i++) p->filled = p->filled || (p->mark.hole[i] && p->mark.trust[i] < 0.97f);
    if (!p->filled) return FV_OK;
    p->ground = fvi_alloc(p->shape.all * sizeof *p->ground);
    if (!p->ground) return FV_ERR_MEMORY;
    for (int i = 0; i < p->shape.planes; i++) FVI_TRY(fvi_clean_fill_create(&p->fill[i], p->shape.w[i], p->shape.h[i], p->mark.hole + p->shape.at[i]));
    return FV_OK;
}
