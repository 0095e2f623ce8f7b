/* quantize_gate.c: does a quantised model still find what the float model finds? Agreement is the share of boxes of either that the
 * other has as well: the same class, an overlap of 0.5 and more, and a confidence over the limit less a margin, so that what
 * lies on the limit does not count as lost. Models without boxes agree as far as their outputs do not differ. */
#include "quantize.h"
#include <math.h>
#include <stdlib.h>

#define CONF 0.25f
#define MARGIN 0.1f
#define OVERLAP 0.5

static double overlap(const float *a, const float *b)
{
    double w = fmin((double)a[2], (double)b[2]) - fmax((double)a[0], (double)b[0]), h = fmin((double)a[3], (double)b[3]) - fmax((double)a[1], (double)b[1]);
    if (w <= 0 || h <= 0) return 0;
    double areas = ((double)a[2] - (double)a[0]) * ((double)a[3] - (double)a[1]) + ((double)b[2] - (double)b[0]) * ((double)b[3] - (double)b[1]);
    return w * h / (areas - w * h);
}

typedef struct counts {
    double all, found;
} counts;

/* How many boxes of `a` over the limit there are, and how many of them `b` has as well. */
static void count_found(const fv_detections *a, const fv_detections *b, counts *t)
{
    char *taken = tool_alloc((size_t)b->count + 1);
    for (int i = 0; i < a->count && a->items[i].confidence >= CONF; i++) {
        int best = -1;
        double most = OVERLAP;
        for (int k = 0; k < b->count; k++) {
            if (taken[k] || b->items[k].class_id != a->items[i].class_id || b->items[k].confidence < CONF - MARGIN) continue;
            double o = overlap(a->items[i].box, b->items[k].box);
            if (o < most) continue;
            most = o;
            best = k;
        }
        t->all += 1;
        if (best >= 0) {
            taken[best] = 1;
            t->found += 1;
        }
    }
    free(taken);
}

/* A map agrees as far as its differences are small against its own variation (1 - normalised error). */
static void compare_maps(const fv_map *a, const fv_map *b, counts *t)
{
    size_t n = (size_t)a->channels * (size_t)a->height * (size_t)a->width;
    double mean = 0, spread = 0, error = 0;
    for (size_t i = 0; i < n; i++) mean += (double)a->data[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        double v = (double)a->data[i] - mean, d = (double)a->data[i] - (double)b->data[i];
        spread += v * v;
        error += d * d;
    }
    t->all += 1;
    t->found += spread > 0 ? fmax(0, 1 - sqrt(error / spread)) : error == 0;
}

static fv_status detect(run_state *r, fv_model *m, fv_detector **out, fv_error *err)
{
    const settings *s = &r->s;
    return fv_detector_create(out, r->ctx, m,
                              FV_DETECT_OPTIONS(.conf = CONF - MARGIN, .iou = (float)s->iou, .max_det = s->max_det, .imgsz_h = s->imgsz_h, .imgsz_w = s->imgsz_w,
                                                .batch = 1, .task = s->task, .preset = s->preset, .mean = s->mean, .std = s->std, .channels = s->channels, .pad = s->pad),
                              err);
}

fv_status quantize_gate_add(quantize_gate *g, const fv_frame *f, fv_error *err)
{
    fv_detections found = {0};
    fv_detect_times t;
    const fv_frame *list[1] = {f};
    fv_status st = fv_detector_run(g->r->detector, list, 1, &found, err);
    if (st >= 0) st = fv_frame_copy(&g->frames[g->n], f);
    if (st < 0) {
        fv_detections_clear(&found);
        return st;
    }
    fv_detector_times(g->r->detector, &t);
    g->float_ms += (double)t.infer_ns * 1e-6;
    g->truth[g->n++] = found; /* the arrays are g's now */
    return FV_OK;
}

static fv_status score_all(quantize_gate *g, fv_detector *d, int n, quantize_score *out, fv_error *err)
{
    fv_detections found = {0};
    counts t = {0};
    double ms = 0;
    fv_status st = FV_OK;
    for (int i = 0; i < n && st >= 0; i++) {
        const fv_frame *list[1] = {&g->frames[i]};
        fv_detect_times times;
        st = fv_detector_run(d, list, 1, &found, err);
        if (st < 0) break;
        fv_detector_times(d, &times);
        ms += (double)times.infer_ns * 1e-6;
        if (g->truth[i].map.data && found.map.data) {
            compare_maps(&g->truth[i].map, &found.map, &t);
        } else {
            count_found(&g->truth[i], &found, &t);
            count_found(&found, &g->truth[i], &t);
        }
    }
    fv_detections_clear(&found);
    out->agreement = t.all > 0 ? t.found / t.all : 1;
    out->ms = n ? ms / n : 0;
    return st;
}

fv_status quantize_gate_model(quantize_gate *g, fv_model *m, int n, quantize_score *out, fv_error *err)
{
    fv_detector *d = NULL;
    fv_status st = detect(g->r, m, &d, err);
    if (st >= 0) st = score_all(g, d, n && n < g->n ? n : g->n, out, err);
    fv_detector_free(&d);
    return st;
}

fv_status quantize_gate_score(quantize_gate *g, const fv_quantized *q, int n, quantize_score *out, fv_error *err)
{
    const void *bytes;
    size_t size;
    fv_model *m = NULL;
    fv_quantized_bytes(q, &bytes, &size);
    fv_status st = fv_model_load_memory(&m, g->r->ctx, bytes, size, NULL, err);
    if (st >= 0) st = quantize_gate_model(g, m, n, out, err);
    fv_model_free(&m);
    return st;
}

void quantize_gate_free(quantize_gate *g)
{
    for (int i = 0; i < g->n; i++) {
        fv_frame_release(&g->frames[i]);
        fv_detections_clear(&g->truth[i]);
    }
    free(g->frames);
    free(g->truth);
    *g = (quantize_gate){0};
}
