/* regions.c: a map of probabilities [N,1,h,w] of one thing, task segment -> a box with a mask for every region of it: `mark`, and text
 * finders. Frame road, step "heads"; found by heads.c.
 *
 * A region is what hangs together (eight neighbours) above half of the least confidence. Its confidence is the mean of its four surest
 * cells, so that a lone cell does not count; its cells are those from half of that confidence up, so that a faint mark gets a mask as
 * wide as a strong one. The mask follows the bilinear map at that height, between the cells. */
#include "base/alloc.h"
#include "base/error.h"
#include "vision/heads/common.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CELLS ((int64_t)1 << 24)
#define SUREST 4 /* cells that make the confidence */
#define ROOM (2 * FVI_NMS_MAX)

typedef struct regions {
    int h, w, input_h, input_w;
    float *p;      /* [h,w] of one image */
    int32_t *of;   /* [h,w] number of a cell's region, from 1 */
    int32_t *todo; /* [h,w] cells whose neighbours were not looked at */
    fvi_candidate *cand; /* [ROOM]; box: first and last cell */
} regions;

static void release(fvi_head_state *st)
{
    regions *d = st->scratch;
    if (!d) return;
    fvi_free(d->p);
    fvi_free(d->of);
    fvi_free(d->todo);
    fvi_free(d->cand);
    FVI_FREE(st->scratch);
}

static fv_status match(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    const fvi_tensor *t = m->outputs;
    const char *stride = fvi_head_meta(m, "stride");
    bool asked = m->preset && !strcmp(m->preset, "regions");
    if (!fvi_head_task_is(m, "segment") || (m->preset && !asked) || m->n_outputs != 1 || t->rank != 4 || t->dim[0] != 1 || t->dim[1] != 1) return FV_AGAIN;
    if (t->dim[2] < 2 || t->dim[3] < 2 || t->dim[2] > MAX_CELLS || t->dim[3] > MAX_CELLS || t->dim[2] * t->dim[3] > MAX_CELLS) return FV_AGAIN;
    if (t->dtype != FV_F32) return fvi_error_set(err, FV_ERR_MODEL, "the map is %s; float32 is read", fv_dtype_name(t->dtype));
    regions *d = fvi_head_begin(st, &fvi_head_regions, sizeof *d, 1, err);
    if (!d) return FV_ERR_MEMORY;
    *d = (regions){.h = (int)t->dim[2], .w = (int)t->dim[3], .input_h = m->input_h, .input_w = m->input_w};
    size_t cells = (size_t)d->h * (size_t)d->w;
    d->p = fvi_calloc(cells, sizeof *d->p);
    d->of = fvi_calloc(cells, sizeof *d->of);
    d->todo = fvi_calloc(cells, sizeof *d->todo);
    d->cand = fvi_calloc(ROOM, sizeof *d->cand);
    if (!d->p || !d->of || !d->todo || !d->cand) {
        release(st);
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    }
    st->prep.fit = FVI_FIT_LETTERBOX;
    st->prep.filter = FVI_FILTER_BILINEAR;
    st->prep.pad_value = 114;
    long said = stride ? strtol(stride, NULL, 10) : 0;
    if (said > 1 && said <= 256) st->stride = (int)said;
    snprintf(st->rule, sizeof st->rule, "regions of a map %dx%d, from %s", d->w, d->h, fvi_head_meta(m, "task") ? "metadata task=segment" : "what was said");
    return FV_OK;
}

/* d->p: the cells of `win`, 0 elsewhere. Values outside 0..1 are logits; what is no number is nothing. */
static void read_map(regions *d, const fvi_tensor *t, int n, fvi_head_window win)
{
    const float *image = (const float *)(const void *)t->data + n * t->stride[0];
    bool logits = false;
    memset(d->p, 0, (size_t)d->h * (size_t)d->w * sizeof *d->p);
    for (int y = win.y; y < win.y + win.h; y++)
        for (int x = win.x; x < win.x + win.w; x++) {
            float v = image[y * t->stride[2] + x * t->stride[3]];
            d->p[y * d->w + x] = v;
            logits |= v < 0 || v > 1;
        }
    for (int y = win.y; y < win.y + win.h; y++)
        for (int x = win.x; x < win.x + win.w; x++) {
            float *v = &d->p[y * d->w + x];
            if (isnan(*v)) *v = 0;
            else if (logits) *v = 1.0f / (1.0f + expf(-*v));
        }
}

static void keep_surest(float best[SUREST], float v)
{
    for (int i = 0; i < SUREST; i++)
        if (v > best[i]) {
            float swap = best[i];
            best[i] = v;
            v = swap;
        }
}

/* Marks the region that cell `first` belongs to with `number`. */
static fvi_candidate flood(regions *d, int first, int number, float floor)
{
    float best[SUREST] = {0}, sum = 0;
    int n = 1, x0 = first % d->w, x1 = x0, y0 = first / d->w, y1 = y0;
    d->todo[0] = first;
    d->of[first] = number;
    while (n > 0) {
        int at = d->todo[--n], cx = at % d->w, cy = at / d->w;
        keep_surest(best, d->p[at]);
        x0 = cx < x0 ? cx : x0;
        x1 = cx > x1 ? cx : x1;
        y0 = cy < y0 ? cy : y0;
        y1 = cy > y1 ? cy : y1;
        for (int y = cy > 0 ? cy - 1 : 0; y <= cy + 1 && y < d->h; y++)
            for (int x = cx > 0 ? cx - 1 : 0; x <= cx + 1 && x < d->w; x++) {
                int to = y * d->w + x;
                if (d->of[to] || !(d->p[to] > floor)) continue;
                d->of[to] = number;
                d->todo[n++] = to;
            }
    }
    for (int i = 0; i < SUREST; i++) sum += best[i];
    return (fvi_candidate){.box = {(float)x0, (float)y0, (float)x1, (float)y1}, .score = sum / SUREST, .index = number};
}

static int find_regions(regions *d, const fvi_head_params *p)
{
    fvi_head_pick pick = {d->cand, 0, ROOM, p->conf};
    float floor = p->conf * 0.5f;
    int cells = d->h * d->w, number = 0;
    if (!fvi_head_keeps(p, 0)) return 0;
    memset(d->of, 0, (size_t)cells * sizeof *d->of);
    for (int i = 0; i < cells; i++) {
        if (d->of[i] || !(d->p[i] > floor)) continue;
        fvi_candidate c = flood(d, i, ++number, floor);
        fvi_head_pick_add(&pick, &c);
    }
    return fvi_nms(d->cand, pick.n, 2.0f, true, p->max_det); /* only sorts */
}

/* Narrows the box to the cells that are at least half as sure as the region, and turns it into pixels of the network. */
static void tighten(const regions *d, fvi_candidate *c)
{
    int x0 = d->w, y0 = d->h, x1 = -1, y1 = -1;
    for (int y = (int)c->box[1]; y <= (int)c->box[3]; y++)
        for (int x = (int)c->box[0]; x <= (int)c->box[2]; x++) {
            int at = y * d->w + x;
            if (d->of[at] != c->index || d->p[at] < c->score * 0.5f) continue;
            x0 = x < x0 ? x : x0;
            x1 = x > x1 ? x : x1;
            y0 = y < y0 ? y : y0;
            y1 = y > y1 ? y : y1;
        }
    float ux = (float)d->input_w / (float)d->w, uy = (float)d->input_h / (float)d->h;
    c->box[0] = (float)x0 * ux;
    c->box[1] = (float)y0 * uy;
    c->box[2] = (float)(x1 + 1) * ux;
    c->box[3] = (float)(y1 + 1) * uy;
}

/* A cell as the mask of region `number` sees it: other regions are not there. */
static float cell(const regions *d, int number, int x, int y)
{
    x = x < 0 ? 0 : x >= d->w ? d->w - 1 : x;
    y = y < 0 ? 0 : y >= d->h ? d->h - 1 : y;
    int32_t of = d->of[y * d->w + x];
    return of == 0 || of == number ? d->p[y * d->w + x] : 0;
}

/* Pixel -> place among the cells' centres. */
static double place(int pixel, double scale, double shift, int cells, int input) { return ((pixel + 0.5) * scale + shift) * cells / input - 0.5; }

static bool draw(const regions *d, const fvi_candidate *c, const fvi_prep_map *map, const fv_mask *m, uint8_t *bits)
{
    bool any = false;
    float least = c->score * 0.5f;
    for (int y = 0; y < m->height; y++) {
        double py = place(m->y + y, map->sy, map->dy, d->h, d->input_h);
        int y0 = (int)floor(py);
        float fy = (float)(py - y0);
        for (int x = 0; x < m->width; x++) {
            double px = place(m->x + x, map->sx, map->dx, d->w, d->input_w);
            int x0 = (int)floor(px);
            float fx = (float)(px - x0);
            float top = cell(d, c->index, x0, y0) * (1 - fx) + cell(d, c->index, x0 + 1, y0) * fx;
            float low = cell(d, c->index, x0, y0 + 1) * (1 - fx) + cell(d, c->index, x0 + 1, y0 + 1) * fx;
            bool in = top * (1 - fy) + low * fy >= least;
            bits[(size_t)y * (size_t)m->width + (size_t)x] = in;
            any |= in;
        }
    }
    return any;
}

static fv_status add_masks(regions *d, const fvi_prep_map *map, int src_w, int src_h, fv_detections *out)
{
    int n = out->count, kept = 0;
    for (int i = 0; i < n; i++) {
        fv_detection item = out->items[i];
        fv_mask m = {.at = out->mask_bytes};
        /* pixels that the box touches */
        fvi_detections_span((int)floorf(item.box[0]), (int)ceilf(item.box[2]), src_w, &m.x, &m.width);
        fvi_detections_span((int)floorf(item.box[1]), (int)ceilf(item.box[3]), src_h, &m.y, &m.height);
        size_t bytes = (size_t)m.width * (size_t)m.height;
        if (bytes == 0) continue;
        if (bytes <= FVI_DETECTIONS_MASK_BYTES - out->mask_bytes) {
            FVI_TRY(fvi_detections_mask_bytes(out, m.at + bytes));
            if (draw(d, &d->cand[i], map, &m, out->mask_bits + m.at)) { /* else it falls between the pixels of a small frame: a box only */
                item.extra = fvi_detections_keep_mask(out, &m);
            }
        }
        out->items[kept++] = item;
    }
    out->count = kept;
    return FV_OK;
}

static fv_status decode(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *p, fv_detections *out)
{
    regions *d = st->scratch;
    const fvi_tensor *t = &outputs[0];
    fvi_detections_begin(out, FV_TASK_SEGMENT);
    if (t->rank != 4 || t->dtype != FV_F32 || !t->data || n < 0 || n >= t->dim[0] || t->dim[2] != d->h || t->dim[3] != d->w) return FV_ERR_SHAPE;
    read_map(d, t, n, fvi_head_window_of(map, d->input_h, d->input_w, d->h, d->w));
    int kept = find_regions(d, p);
    for (int i = 0; i < kept; i++) tighten(d, &d->cand[i]);
    FVI_TRY(fvi_head_emit(d->cand, kept, map, src_w, src_h, out));
    FVI_TRY(fvi_detections_rows(out, FV_TASK_SEGMENT, kept, 0));
    return add_masks(d, map, src_w, src_h, out);
}

const fvi_head fvi_head_regions = {"regions", "one map [1,1,h,w]", match, decode, release, FV_TASK_SEGMENT};
