/* embed.c: [N,numbers], what the picture is like -> a map of one cell: re-identification networks (OSNet), other embeddings when it is said.
 * Frame road, step "heads"; found by heads.c. */
#include "base/error.h"
#include "vision/heads/common.h"
#include <math.h>
#include <stdio.h>

#define LEAST 32
#define MOST 16384

typedef struct embed {
    int output, numbers;
} embed;

static fv_status match(const fvi_head_model *m, fvi_head_state *st, fv_error *err)
{
    bool said = fvi_head_task_is(m, "embed"), person = m->input_h == 2 * m->input_w && m->n_names == 0;
    int o = -1;
    for (int i = m->n_outputs - 1; i >= 0; i--)
        if (m->outputs[i].rank == 2 && m->outputs[i].dim[0] == 1) o = i;
    if (o < 0 || (!said && !(person && m->n_outputs == 1))) return FV_AGAIN;
    int64_t n = m->outputs[o].dim[1];
    if (n < (said ? 1 : LEAST) || n > MOST || (!said && (n == 1000 || m->outputs[o].dtype != FV_F32))) return FV_AGAIN;
    if (m->outputs[o].dtype != FV_F32)
        return fvi_error_set(err, FV_ERR_MODEL, "the embedding is %s; float32 is read", fv_dtype_name(m->outputs[o].dtype));
    embed *d = fvi_head_begin(st, &fvi_head_embed, sizeof *d, 1, err);
    if (!d) return FV_ERR_MEMORY;
    *d = (embed){o, (int)n};
    fvi_head_imagenet(&st->prep);
    snprintf(st->rule, sizeof st->rule, "embedding [1,%lld], from %s: ImageNet mean, stretched", (long long)n,
             said ? "what was said" : "a picture twice as high as wide: re-identification of persons");
    return FV_OK;
}

static fv_status decode(fvi_head_state *st, const fvi_tensor *outputs, int n, const fvi_prep_map *map, int src_w, int src_h,
                        const fvi_head_params *p, fv_detections *out)
{
    const embed *d = st->scratch;
    const fvi_tensor *t = &outputs[d->output];
    (void)map, (void)src_w, (void)src_h, (void)p;
    fvi_detections_begin(out, FV_TASK_EMBED);
    if (t->rank != 2 || t->dim[1] != d->numbers || n < 0 || n >= t->dim[0] || t->dtype != FV_F32 || !t->data) return FV_ERR_SHAPE;
    FVI_TRY(fvi_detections_map(out, d->numbers, 1, 1));
    for (int c = 0; c < d->numbers; c++) {
        float v = fvi_head_number(t, n * t->stride[0] + c * t->stride[1]);
        out->map.data[c] = isfinite(v) ? v : 0;
    }
    return FV_OK;
}

const fvi_head fvi_head_embed = {"embedding", "[1,numbers]", match, decode, fvi_head_free_scratch, FV_TASK_EMBED};
