/* semantic.c: a class for each cell: scores [N,classes,h,w], of which the best is taken, class maps [N,h,w], and probabilities or logits
 * [N,1,h,w] of one class -> a map: YOLO semantic (metadata), SegFormer and DeepLab, PP-OCR's text finder. Frame road, step "heads"; found by
 * heads.c. */
#include "base/error.h"
#include "vision/heads/common.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_SIDE 8192
#define MAX_CLASSES 1024

typedef struct semantic {
    int output, classes, h, w, input_h, input_w; /* classes 0: a class map */
} semantic;

/* [1,C,h,w] or [1,h,w], a map if it is one. */
static bool is_map(const fvi_tensor *t)
{
    int r = t->rank;
    return (r == 4 || r == 3) && t->dim[0] == 1 && t->dim[r - 1] >= 2 && t->dim[r - 2] >= 2 && t->dim[r - 1] <= MAX_SIDE && t->dim[r - 2] <= MAX_SIDE &&
           (r == 3 || (t->dim[1] >= 1 && t->dim[1] <= MAX_CLASSES));
}

/* The first map; other outputs of the same form (auxiliary ones) may be there. -1: there is none, or maps of several sizes. */
static int find_output(const fvi_head_model *m)
{
    int o = -1;
    for (int i = 0; i < m->n_outputs; i++) {
        const fvi_tensor *t = &m->outputs[i];
        if (!is_map(t)) continue;
        if (o < 0) o = i;
        else if (t->rank != m->outputs[o].rank || memcmp(t->dim, m->outputs[o].dim, sizeof *t->dim * (size_t)t->rank) != 0) return -1;
    }
    return o;
}

static bool whole_numbers(fv_dtype t) { return t == FV_U8 || t == FV_I8 || t == FV_I32 || t == FV_I64; }

/* PaddleOCR's names for the probability of text. */
static bool is_text(const fvi_head_model *m, int o)
{
    if (m->preset) return !strcmp(m->preset, "text");
    return m->outputs[o].rank == 4 && m->outputs[o].dim[1] == 1 && (fvi_head_output_named(m, o, "sigmoid") || fvi_head_output_named(m, o, "fetch_name"));
}

static void set_prep(fvi_head_state *st, bool meta, bool text)
{
    if (meta || text) {
        st->prep.fit = FVI_FIT_LETTERBOX;
        st->prep.filter = FVI_FILTER_BILINEAR;
        st->prep.pad_value = text ? 0 : 114;
    }
    if (!meta) fvi_head_imagenet(&st->prep);
    if (text) { /* its numbers are ImageNet's in the order red, green, blue, put before blue, green, red */
        st->prep.bgr = true;
        st->prep.pad_topleft = true;
        st->stride = 32;
    }
}

static fv_status match(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    bool said = fvi_head_task_is(m, "semantic"), meta = said && fvi_head_meta(m, "task");
    int o = find_output(m);
    if (o < 0) return FV_AGAIN;
    const fvi_tensor *t = &m->outputs[o];
    bool text = is_text(m, o), scores = t->rank == 4, one = scores && t->dim[1] == 1;
    if (!said && (one ? !text : !scores && !whole_numbers(t->dtype))) return FV_AGAIN;
    if (t->dtype != FV_F32 && !(whole_numbers(t->dtype) && (!scores || one)))
        return fvi_error_set(err, FV_ERR_MODEL, "the map is %s; float32 scores or whole numbers are read", fv_dtype_name(t->dtype));
    int classes = scores && !whole_numbers(t->dtype) ? (int)t->dim[1] : 0;
    int known = classes > 0 ? classes : m->n_names > 0 && m->n_names < MAX_CLASSES ? m->n_names : 256;
    semantic *d = fvi_head_begin(st, &fvi_head_semantic, sizeof *d, known, err);
    if (!d) return FV_ERR_MEMORY;
    *d = (semantic){o, classes, (int)t->dim[t->rank - 2], (int)t->dim[t->rank - 1], m->input_h, m->input_w};
    set_prep(st, meta, text);
    snprintf(st->rule, sizeof st->rule, "%s %dx%d of %d class%s, from %s: %s", classes ? "map of scores" : "map of classes", d->w, d->h, known,
             known == 1 ? "" : "es", meta ? "metadata task=semantic" : said ? "what was said" : text ? "the output's name" : "its shape",
             meta ? "letterboxed" : text ? "PP-OCR, BGR, top-left" : "ImageNet mean, stretched");
    return FV_OK;
}

/* Best class of each cell of a row; scores of one cell are sc apart. */
static void best_of_row(const float *q, int64_t sx, int64_t sc, int classes, int n, float *out)
{
    for (int x = 0; x < n; x++, q += sx) {
        float best = -INFINITY;
        int at = 0;
        for (int c = 0; c < classes; c++)
            if (q[c * sc] > best) best = q[c * sc], at = c;
        out[x] = (float)at;
    }
}

/* Values outside 0..1 are logits. */
static void to_probabilities(float *p, size_t n)
{
    bool logits = false;
    for (size_t i = 0; i < n; i++) logits |= !(p[i] >= 0 && p[i] <= 1);
    for (size_t i = 0; i < n && logits; i++) p[i] = isnan(p[i]) ? 0 : 1.0f / (1.0f + expf(-p[i]));
}

static fv_status decode(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *p, fv_detections *out)
{
    const semantic *d = st->scratch;
    const fvi_tensor *t = &outputs[d->output];
    int r = t->rank;
    (void)src_w, (void)src_h, (void)p;
    fvi_detections_begin(out, FV_TASK_SEMANTIC);
    if ((r != 3 && r != 4) || t->dim[r - 1] != d->w || t->dim[r - 2] != d->h || n < 0 || n >= t->dim[0] || !t->data ||
        (r == 4 && d->classes && t->dim[1] != d->classes) || (d->classes && t->dtype != FV_F32))
        return FV_ERR_SHAPE;
    fvi_head_window win = fvi_head_window_of(map, d->input_h, d->input_w, d->h, d->w);
    FVI_TRY(fvi_detections_map(out, 1, win.h, win.w));
    for (int y = 0; y < win.h; y++) {
        int64_t at = n * t->stride[0] + (win.y + y) * t->stride[r - 2] + win.x * t->stride[r - 1];
        float *o = out->map.data + (size_t)y * (size_t)win.w;
        if (d->classes > 1) {
            best_of_row((const float *)(const void *)t->data + at, t->stride[3], t->stride[1], d->classes, win.w, o);
            continue;
        }
        for (int x = 0; x < win.w; x++) {
            float v = fvi_head_number(t, at + x * t->stride[r - 1]);
            o[x] = d->classes == 0 && !(v >= 0 && v < (float)st->n_classes) ? 0 : v;
        }
    }
    if (d->classes == 1) to_probabilities(out->map.data, (size_t)win.h * (size_t)win.w);
    return FV_OK;
}

const fvi_head fvi_head_semantic = {"semantic map", "[1,classes,h,w] or [1,h,w]", match, decode, fvi_head_free_scratch, FV_TASK_SEMANTIC};
