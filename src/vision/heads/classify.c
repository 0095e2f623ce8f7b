/* classify.c: [N,classes], probabilities or logits -> the likeliest five classes of the picture: YOLO classifiers (metadata), torchvision, timm
 * and transformers ones (ImageNet's preparation). Frame road, step "heads"; found by heads.c. */
#include "base/error.h"
#include "vision/heads/common.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOP 5
#define MAX_CLASSES 65536
#define USUAL_CROP 0.875 /* 224 of 256 */

typedef struct classify {
    int output, classes;
} classify;

/* The first output [1,C] or [1,C,1,1]; -1: none. */
static int find_output(const fvi_head_model *m)
{
    for (int i = 0; i < m->n_outputs; i++) {
        const fvi_tensor *t = &m->outputs[i];
        bool flat = t->rank == 2 || (t->rank == 4 && t->dim[2] == 1 && t->dim[3] == 1);
        if (flat && t->dim[0] == 1 && t->dim[1] >= 2 && t->dim[1] <= MAX_CLASSES) return i;
    }
    return -1;
}

static bool imagenet_count(int64_t n) { return n == 1000 || n == 1001 || n == 21841 || n == 21843; }

static fv_status match(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    int o = find_output(m);
    bool meta = fvi_head_meta(m, "task") != NULL, said = fvi_head_task_is(m, "classify"), yolo = said && (meta || (m->preset && !strcmp(m->preset, "classify")));
    if (o < 0) return FV_AGAIN;
    int64_t classes = m->outputs[o].dim[1];
    if (!said && classes != m->n_names && !imagenet_count(classes)) return FV_AGAIN;
    if (m->outputs[o].dtype != FV_F32)
        return fvi_error_set(err, FV_ERR_MODEL, "the scores are %s; float32 is read: export the model without half precision",
                             fv_dtype_name(m->outputs[o].dtype));
    classify *d = fvi_head_begin(st, &fvi_head_classify, sizeof *d, (int)classes, err);
    if (!d) return FV_ERR_MEMORY;
    *d = (classify){o, (int)classes};
    if (m->input_h == m->input_w) st->prep.fit = FVI_FIT_CROP; /* a YOLO classifier with another shape stretches */
    if (!yolo) {
        st->prep.fit = FVI_FIT_CROP;
        st->prep.crop_fraction = USUAL_CROP;
        fvi_head_imagenet(&st->prep);
    }
    snprintf(st->rule, sizeof st->rule, "classes [1,%lld], from %s: %s", (long long)classes,
             meta && said ? "metadata task=classify" : said ? "what was said" : classes == m->n_names ? "the number of names" : "ImageNet's number of classes",
             yolo ? "RGB 0..1" : "ImageNet mean, centre 7/8 of the picture");
    return FV_OK;
}

/* Are these probabilities already? Logits that lie within 0..1 and add up to 1 are not expected. */
static bool add_up(const float *p, int64_t step, int n)
{
    double sum = 0;
    for (int c = 0; c < n; c++) {
        float v = p[c * step];
        if (!(v >= 0 && v <= 1.001f)) return false;
        sum += (double)v;
    }
    return sum > 0.99 && sum < 1.01;
}

/* The softmax's largest exponent and its sum; 0 and 1 where nothing is to be done. */
static void normaliser(const float *p, int64_t step, int n, float *top, double *sum)
{
    *top = -INFINITY;
    *sum = 0;
    for (int c = 0; c < n; c++) *top = p[c * step] > *top ? p[c * step] : *top;
    for (int c = 0; c < n; c++) *sum += exp((double)(p[c * step] - *top));
}

static fv_status decode(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *params, fv_detections *out)
{
    const classify *d = st->scratch;
    const fvi_tensor *t = &outputs[d->output];
    int best[TOP], found = 0, most = params->max_det < TOP ? params->max_det : TOP;
    (void)map;
    fvi_detections_begin(out, FV_TASK_CLASSIFY);
    if (t->rank < 2 || t->dim[1] != d->classes || n < 0 || n >= t->dim[0] || t->dtype != FV_F32 || !t->data) return FV_ERR_SHAPE;
    const float *p = (const float *)(const void *)t->data + n * t->stride[0];
    int64_t step = t->stride[1];
    for (int c = 0; c < d->classes; c++) {
        float v = p[c * step];
        if (!isfinite(v) || !fvi_head_keeps(params, c)) continue;
        int at = found;
        while (at > 0 && v > p[best[at - 1] * step]) at--;
        if (at >= most) continue;
        if (found < most) found++;
        for (int k = found - 1; k > at; k--) best[k] = best[k - 1];
        best[at] = c;
    }
    float top = 0;
    double sum = 1;
    bool done = add_up(p, step, d->classes);
    if (!done) normaliser(p, step, d->classes, &top, &sum);
    FVI_TRY(fv_detections_reserve(out, found));
    for (int i = 0; i < found; i++) {
        float v = p[best[i] * step], confidence = done ? v : (float)(exp((double)(v - top)) / sum);
        if (!isfinite(confidence)) continue;
        out->items[out->count++] = (fv_detection){.box = {0, 0, (float)src_w, (float)src_h}, .confidence = confidence, .class_id = best[i]};
    }
    return FV_OK;
}

const fvi_head fvi_head_classify = {"classes", "[1,classes]", match, decode, fvi_head_free_scratch, FV_TASK_CLASSIFY};
