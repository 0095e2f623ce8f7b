/* depth.c: [N,1,h,w] or [N,h,w], a distance for each cell, in metres or as the network means it -> a map: YOLO depth (metadata), MiDaS,
 * Depth-Anything and DPT (by the name of the output), others when it is said. Frame road, step "heads"; found by heads.c. */
#include "base/error.h"
#include "vision/heads/common.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_SIDE 8192

typedef struct depth {
    int output, h, w, input_h, input_w;
} depth;

static bool is_map(const fvi_tensor *t)
{
    int r = t->rank;
    return ((r == 4 && t->dim[1] == 1) || r == 3) && t->dim[0] == 1 && t->dim[r - 1] >= 2 && t->dim[r - 2] >= 2 && t->dim[r - 1] <= MAX_SIDE &&
           t->dim[r - 2] <= MAX_SIDE;
}

static fv_status match(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    bool said = fvi_head_task_is(m, "depth"), meta = said && fvi_head_meta(m, "task"), named = false, anything = m->preset && !strcmp(m->preset, "depth-anything");
    int o = -1;
    for (int i = 0; i < m->n_outputs && o < 0; i++) {
        named = fvi_head_output_named(m, i, "depth") || fvi_head_output_named(m, i, "disparity");
        if (is_map(&m->outputs[i]) && (said || named)) o = i;
    }
    if (o < 0) return FV_AGAIN;
    const fvi_tensor *t = &m->outputs[o];
    if (t->dtype != FV_F32) return fvi_error_set(err, FV_ERR_MODEL, "the depth map is %s; float32 is read", fv_dtype_name(t->dtype));
    depth *d = fvi_head_begin(st, &fvi_head_depth, sizeof *d, 1, err);
    if (!d) return FV_ERR_MEMORY;
    *d = (depth){o, (int)t->dim[t->rank - 2], (int)t->dim[t->rank - 1], m->input_h, m->input_w};
    if (fvi_head_output_named(m, o, "predicted_depth") && !m->preset) anything = true; /* as transformers calls it */
    if (anything) {
        fvi_head_imagenet(&st->prep);
        st->prep.filter = FVI_FILTER_CUBIC;
    }
    if (meta) st->prep.filter = FVI_FILTER_BILINEAR; /* as its reference resizes */
    snprintf(st->rule, sizeof st->rule, "depth map %dx%d, from %s: %s, stretched", d->w, d->h,
             meta ? "metadata task=depth" : said ? "what was said" : "the output's name", anything ? "ImageNet mean" : "RGB 0..1");
    return FV_OK;
}

static fv_status decode(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *p, fv_detections *out)
{
    const depth *d = st->scratch;
    const fvi_tensor *t = &outputs[d->output];
    int r = t->rank;
    (void)src_w, (void)src_h, (void)p;
    fvi_detections_begin(out, FV_TASK_DEPTH);
    if ((r != 3 && r != 4) || t->dim[r - 1] != d->w || t->dim[r - 2] != d->h || n < 0 || n >= t->dim[0] || t->dtype != FV_F32 || !t->data)
        return FV_ERR_SHAPE;
    fvi_head_window win = fvi_head_window_of(map, d->input_h, d->input_w, d->h, d->w);
    FVI_TRY(fvi_detections_map(out, 1, win.h, win.w));
    float *o = out->map.data;
    for (int y = 0; y < win.h; y++) {
        const float *q = (const float *)(const void *)t->data + n * t->stride[0] + (win.y + y) * t->stride[r - 2] + win.x * t->stride[r - 1];
        for (int x = 0; x < win.w; x++, q += t->stride[r - 1]) *o++ = isfinite(*q) ? *q : 0;
    }
    return FV_OK;
}

const fvi_head fvi_head_depth = {"depth", "[1,1,h,w] or [1,h,w]", match, decode, fvi_head_free_scratch, FV_TASK_DEPTH};
