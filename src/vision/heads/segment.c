/* segment.c: boxes with mask coefficients and prototypes [N,P,h,w] -> detections with masks in source pixels: YOLOv8/11/12-seg,
 * YOLOv5-seg and end-to-end exports. Frame road, step "heads"; found by heads.c.
 *
 * A mask is the sum of the prototypes weighted by its coefficients, brought to the frame by the bilinear steps that Ultralytics takes
 * for masks of full size (retina_masks): up to the first size at which the letterbox's padding ends on whole pixels, padding off, then
 * to the frame; what is above zero inside the box is the thing. Both steps are linear and act on each axis by itself, so that each
 * output row or column is a sum of three neighbours of the prototypes, with weights that depend on the frame's size only. */
#include "base/alloc.h"
#include "base/error.h"
#include "vision/heads/yolo.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_PROTOTYPES 1024
#define MAX_SIDE 4096 /* of a prototype */
#define TAPS 3

/* Three neighbouring prototype rows (or columns) of an output row: places at .. at + 2, the last of which may have no weight. */
typedef struct taps {
    int at;
    float w[TAPS];
} taps;

typedef struct axis {
    taps *t; /* [n] */
    int n, capacity;
} axis;

typedef struct segment {
    fvi_head_plan *plan;
    int output, prototypes, h, w; /* of the prototypes */
    int input_h, input_w;
    float *sum; /* [h][w + TAPS]: one mask before it is brought to the frame */
    float *line; /* [w + TAPS] */
    axis x, y;
    fvi_prep_map map; /* what the axes are made for */
} segment;

static int prototype_output(const fvi_head_model *m)
{
    int found = -1;
    for (int i = 0; i < m->n_outputs; i++) {
        const fvi_tensor *t = &m->outputs[i];
        if (t->rank != 4 || t->dim[0] != 1) continue;
        if (found >= 0) return -1;
        found = i;
    }
    return found;
}

static fv_status match(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    int boxes = fvi_head_only_rank3(m), o = prototype_output(m), n_classes = 0;
    bool said = fvi_head_task_is(m, "segment"), other = fvi_head_meta(m, "task") && !said;
    if (boxes < 0 || o < 0 || other) return FV_AGAIN;
    const fvi_tensor *p = &m->outputs[o];
    segment found = {.output = o, .prototypes = (int)p->dim[1], .h = (int)p->dim[2], .w = (int)p->dim[3], .input_h = m->input_h, .input_w = m->input_w};
    fvi_head_plan plan;
    for (int d = 1; d < 4; d++)
        if (p->dim[d] < 1 || p->dim[d] > (d == 1 ? MAX_PROTOTYPES : MAX_SIDE)) return FV_AGAIN;
    if (!fvi_yolo_fits(m, boxes, found.prototypes, &plan, &n_classes)) return FV_AGAIN;
    if (p->dtype != FV_F32)
        return fvi_error_set(err, FV_ERR_MODEL, "the prototypes are %s; float32 is read: export the model without half=True", fv_dtype_name(p->dtype));
    segment *own = fvi_calloc(1, sizeof *own);
    size_t row = (size_t)found.w + TAPS;
    if (own) found.sum = fvi_calloc((size_t)found.h * row, sizeof *found.sum);
    if (own) found.line = fvi_calloc(row, sizeof *found.line);
    fv_status s = own && found.sum && found.line ? fvi_head_plan_create(st, &fvi_head_segment, m, &plan, n_classes, err)
                                                 : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    if (s < 0) {
        fvi_free(found.sum);
        fvi_free(found.line);
        fvi_free(own);
        return s;
    }
    *own = found;
    own->plan = st->scratch;
    st->scratch = own;
    fvi_yolo_note_scores(st, &plan, n_classes);
    char rows[64];
    fvi_yolo_describe(&plan, rows, sizeof rows);
    snprintf(st->rule, sizeof st->rule, "%s with masks of [1,%d,%d,%d], from %s", rows, own->prototypes, own->h, own->w,
             fvi_head_meta(m, "task") ? "metadata task=segment" : "its shapes");
    return FV_OK;
}

static void release(fvi_head_state *st)
{
    segment *d = st->scratch;
    if (!d) return;
    st->scratch = d->plan;
    fvi_head_plan_free(st);
    fvi_free(d->sum);
    fvi_free(d->line);
    fvi_free(d->x.t);
    fvi_free(d->y.t);
    fvi_free(d);
}

/* Left neighbour and the right one's weight of position `at` (half-pixel centres) in n samples, edges repeated. */
static int neighbour(double at, int n, double *frac)
{
    if (at < 0) at = 0;
    int i = (int)at;
    if (i >= n - 1) {
        *frac = 0;
        return n - 1;
    }
    *frac = at - i;
    return i;
}

static void add_tap(taps *t, int place, double w, int n)
{
    int k = (place < n ? place : n - 1) - t->at;
    if (k >= 0 && k < TAPS) t->w[k] += (float)w;
}

/* The n outputs of an axis: `length` samples from `start` on in the prototype enlarged `up` times, stretched over n. */
static fv_status fill_axis(axis *a, int n, int side, int up, int start, int length)
{
    if (n > a->capacity) {
        taps *grown = fvi_calloc((size_t)n, sizeof *grown);
        if (!grown) return FV_ERR_MEMORY;
        fvi_free(a->t);
        a->t = grown;
        a->capacity = n;
    }
    a->n = n;
    for (int i = 0; i < n; i++) {
        double frac[3];
        int first = neighbour((i + 0.5) * length / n - 0.5, length, &frac[0]);
        taps *t = &a->t[i];
        *t = (taps){0};
        for (int k = 0; k < 2; k++) { /* a sample of the enlarged prototype is made of two of the prototype's */
            double w = k ? frac[0] : 1 - frac[0];
            int place = start + (first + k < length ? first + k : length - 1);
            int p = neighbour((place + 0.5) / up - 0.5, side, &frac[1]);
            if (k == 0) t->at = p;
            add_tap(t, p, w * (1 - frac[1]), side);
            add_tap(t, p + 1, w * frac[1], side);
        }
    }
    return FV_OK;
}

static int greatest_divisor(int a, int b) { return b ? greatest_divisor(b, a % b) : a; }

/* How much larger the prototypes must be for the letterbox's padding to end on whole pixels. */
static int enlargement(const segment *d, const fvi_prep_map *map)
{
    int up = d->input_h / d->h, pad = (d->input_h - map->new_h) | (d->input_w - map->new_w);
    if (up < 1 || up > 16 || d->h * up != d->input_h || d->w * up != d->input_w || pad < 0) return 1;
    return up / greatest_divisor(up, pad | pad / 2);
}

static fv_status fit_axes(segment *d, const fvi_prep_map *map, int src_w, int src_h)
{
    if (d->x.n == src_w && d->y.n == src_h && memcmp(&d->map, map, sizeof *map) == 0) return FV_OK;
    int up = enlargement(d, map);
    double ux = (double)up * d->w / d->input_w, uy = (double)up * d->h / d->input_h;
    int x0 = (int)lround(map->left * ux), y0 = (int)lround(map->top * uy), w = (int)lround(map->new_w * ux), h = (int)lround(map->new_h * uy);
    x0 = x0 < 0 ? 0 : x0 > d->w * up - 1 ? d->w * up - 1 : x0;
    y0 = y0 < 0 ? 0 : y0 > d->h * up - 1 ? d->h * up - 1 : y0;
    w = w < 1 ? 1 : w > d->w * up - x0 ? d->w * up - x0 : w;
    h = h < 1 ? 1 : h > d->h * up - y0 ? d->h * up - y0 : h;
    d->x.n = d->y.n = 0;
    FVI_TRY(fill_axis(&d->x, src_w, d->w, up, x0, w));
    FVI_TRY(fill_axis(&d->y, src_h, d->h, up, y0, h));
    d->map = *map;
    return FV_OK;
}

/* d->sum over columns [x0,x1) and rows [y0,y1) = prototypes weighted by the coefficients, `step` apart. */
static void weigh(segment *d, const fvi_tensor *t, int n, const float *coefficients, int64_t step, int x0, int x1, int y0, int y1)
{
    float c[MAX_PROTOTYPES];
    const float *image = (const float *)(const void *)t->data + n * t->stride[0];
    int64_t sc = t->stride[1], sx = t->stride[3];
    int count = x1 - x0;
    for (int p = 0; p < d->prototypes; p++) c[p] = coefficients[p * step];
    for (int y = y0; y < y1; y++) {
        const float *q = image + y * t->stride[2] + x0 * sx;
        float *o = d->sum + (size_t)y * ((size_t)d->w + TAPS) + x0;
        if (sc == 1) {
            for (int x = 0; x < count; x++, q += sx) {
                float lane[8] = {0}, sum = 0;
                int p = 0;
                for (; p + 8 <= d->prototypes; p += 8)
                    for (int k = 0; k < 8; k++) lane[k] += q[p + k] * c[p + k];
                for (; p < d->prototypes; p++) sum += q[p] * c[p];
                for (int k = 0; k < 8; k++) sum += lane[k];
                o[x] = sum;
            }
            continue;
        }
        for (int x = 0; x < count; x++) o[x] = 0;
        for (int p = 0; p < d->prototypes; p++, q += sc)
            for (int x = 0; x < count; x++) o[x] += q[x * sx] * c[p];
    }
}

static bool blend_row(const float *line, const taps *t, int n, uint8_t *bits)
{
    unsigned any = 0;
    for (int x = 0; x < n; x++) {
        const float *l = line + t[x].at;
        bits[x] = l[0] * t[x].w[0] + l[1] * t[x].w[1] + l[2] * t[x].w[2] > 0;
        any |= bits[x];
    }
    return any != 0;
}

/* The mask of one box into bits [height, width] of mask; false: there is nothing in it. */
static bool draw(segment *d, const fv_mask *m, uint8_t *bits)
{
    int x0 = d->x.t[m->x].at, x1 = d->x.t[m->x + m->width - 1].at + TAPS, count = x1 - x0;
    bool any = false;
    size_t row = (size_t)d->w + TAPS;
    for (int y = 0; y < m->height; y++) {
        const taps *t = &d->y.t[m->y + y];
        const float *r0 = d->sum + (size_t)t->at * row + x0, *r1 = t->at + 1 < d->h ? r0 + row : r0, *r2 = t->at + 2 < d->h ? r1 + row : r1;
        for (int x = 0; x < count; x++) d->line[x0 + x] = r0[x] * t->w[0] + r1[x] * t->w[1] + r2[x] * t->w[2];
        any |= blend_row(d->line, d->x.t + m->x, m->width, bits + (size_t)y * (size_t)m->width);
    }
    return any;
}

/* Masks for out->items [n], made of plan->cand [n] in the same order; those whose mask is empty go, as in the reference. */
static fv_status add_masks(segment *d, const fvi_tensor *t, int image, const fvi_head_view *v, int src_w, int src_h, fv_detections *out)
{
    int n = out->count, kept = 0;
    for (int i = 0; i < n; i++) {
        fv_detection item = out->items[i];
        fv_mask m = {.at = out->mask_bytes};
        /* pixels whose index is not below the left edge and is below the right one */
        fvi_detections_span((int)ceilf(item.box[0]), (int)ceilf(item.box[2]), src_w, &m.x, &m.width);
        fvi_detections_span((int)ceilf(item.box[1]), (int)ceilf(item.box[3]), src_h, &m.y, &m.height);
        size_t bytes = (size_t)m.width * (size_t)m.height;
        if (bytes == 0) continue;
        item.extra = 0;
        if (bytes <= FVI_DETECTIONS_MASK_BYTES - out->mask_bytes) {
            int last = d->y.t[m.y + m.height - 1].at + TAPS, right = d->x.t[m.x + m.width - 1].at + TAPS;
            FVI_TRY(fvi_detections_mask_bytes(out, m.at + bytes));
            weigh(d, t, image, fvi_yolo_extra(d->plan, v, &d->plan->cand[i]), v->sc, d->x.t[m.x].at, right < d->w ? right : d->w, d->y.t[m.y].at,
                  last < d->h ? last : d->h);
            if (!draw(d, &m, out->mask_bits + m.at)) continue;
            item.extra = fvi_detections_keep_mask(out, &m);
        }
        out->items[kept++] = item;
    }
    out->count = kept;
    return FV_OK;
}

static bool prototypes_fit(const segment *d, const fvi_tensor *t, int n)
{
    return t->rank == 4 && t->dtype == FV_F32 && t->data && n < t->dim[0] && t->dim[1] == d->prototypes && t->dim[2] == d->h && t->dim[3] == d->w;
}

static fv_status decode(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *p, fv_detections *out)
{
    segment *d = st->scratch;
    fvi_head_view v;
    fvi_detections_begin(out, FV_TASK_SEGMENT);
    FVI_TRY(fvi_head_plan_view(d->plan, outputs, n, &v));
    if (!prototypes_fit(d, &outputs[d->output], n)) return FV_ERR_SHAPE;
    int kept = fvi_yolo_boxes(d->plan, &v, st->n_classes, p);
    FVI_TRY(fvi_head_emit(d->plan->cand, kept, map, src_w, src_h, out));
    FVI_TRY(fvi_detections_rows(out, FV_TASK_SEGMENT, kept, 0));
    FVI_TRY(fit_axes(d, map, src_w, src_h));
    return add_masks(d, &outputs[d->output], n, &v, src_w, src_h, out);
}

const fvi_head fvi_head_segment = {"masks", "boxes with P coefficients and [1,P,h,w]", match, decode, release, FV_TASK_SEGMENT};
