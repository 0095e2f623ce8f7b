/* finish.c: what was seen -> ranges, one an observer and group; then the errors that each of them makes at the outputs of the layers
 * that read the group, measured on the inputs that were kept. */
#include "base/alloc.h"
#include "model/engine/engine.h"
#include "model/quant/calibration.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static fv_status no_memory(fv_error *err) { return fvi_error_set(err, FV_ERR_MEMORY, "out of memory"); }

fv_status fvi_calibration_room(fv_calibration *c, fv_error *err)
{
    const fvi_quant_select *s = &c->sel;
    c->range = fvi_calloc((size_t)s->g->n_values + 1, sizeof *c->range);
    c->spread = fvi_calloc((size_t)s->g->n_values + 1, sizeof *c->spread);
    c->error = fvi_calloc((size_t)s->n_layers + 1, sizeof *c->error);
    if (!c->range || !c->spread || !c->error) return no_memory(err);
    for (int i = 0; i < s->n_layers; i++) {
        double *bias = fvi_calloc((size_t)s->layers[i].channels * FVI_OBS_COUNT, sizeof *bias);
        if (!bias) return no_memory(err);
        for (int k = 0; k < FVI_OBS_COUNT; k++) c->error[i].bias[k] = bias + (size_t)s->layers[i].channels * (size_t)k;
    }
    return FV_OK;
}

/* Layers that read a group of which something was no number stay in float. */
static fv_status leave_out_broken(fv_calibration *c, fv_error *err)
{
    fvi_quant_select *s = &c->sel;
    int left = 0;
    for (int r = 0; r < c->n_roots; r++) {
        const fvi_quant_hist *h = &c->hist[r];
        if (h->bad == 0 && h->count > 0) continue;
        for (int i = 0; i < s->n_layers; i++) {
            fvi_quant_layer *l = &s->layers[i];
            if (l->off || s->group[l->x] != s->group[c->roots[r]]) continue;
            l->off = true;
            snprintf(l->why, sizeof l->why, "\"%.80s\" became infinite or no number (%.0f elements)", s->g->values[c->roots[r]]->name, h->bad);
        }
    }
    for (int i = 0; i < s->n_layers; i++) left += !s->layers[i].off;
    return left ? FV_OK : fvi_error_set(err, FV_ERR_INPUT, "no layer can be quantised: every one of them stays in float, the first because %.160s", s->layers[0].why);
}

/* Groups, now that the widths of the ranges are known, without their tails: what hands values on has the width of what it hands on.
 * r: [n_roots]. */
static fv_status regroup(fv_calibration *c, const fvi_quant_range (*r)[FVI_OBS_COUNT], fv_error *err)
{
    fvi_quant_select *s = &c->sel;
    float *span = fvi_calloc((size_t)s->g->n_values + 1, sizeof *span);
    if (!span) return no_memory(err);
    for (int i = 0; i < c->n_roots; i++) {
        float width = fmaxf(r[i][FVI_OBS_PERCENTILE].max, 0) - fminf(r[i][FVI_OBS_PERCENTILE].min, 0);
        int group = s->group[c->roots[i]];
        if (group >= 0) span[group] = fmaxf(span[group], width);
    }
    for (int v = 0; v < s->g->n_values; v++)
        if (s->group[v] >= 0) span[v] = span[s->group[v]];
    s->span = span;
    fv_status st = fvi_quant_select_sites(s, err);
    s->span = NULL;
    fvi_free(span);
    return st;
}

/* One range a group and observer that holds those of its members. r: [n_roots]. */
static void join_ranges(fv_calibration *c, const fvi_quant_range (*r)[FVI_OBS_COUNT])
{
    for (int i = 0; i < c->n_roots; i++) {
        int group = c->sel.group[c->roots[i]];
        if (group < 0) continue;
        for (int k = 0; k < FVI_OBS_COUNT; k++) {
            fvi_quant_range *to = &c->range[group][k];
            to->min = fminf(to->min, r[i][k].min); /* both begin at 0, which is always in */
            to->max = fmaxf(to->max, r[i][k].max);
        }
    }
    for (int i = 0; i < c->n_roots; i++) {
        int group = c->sel.group[c->roots[i]];
        for (int k = 0; k < FVI_OBS_COUNT && group >= 0; k++)
            c->spread[group][k] = fmax(c->spread[group][k], fvi_quant_hist_noise(&c->hist[i], c->range[group][k], c->symmetric));
    }
}

static fv_status find_ranges(fv_calibration *c, fv_error *err)
{
    fvi_quant_range(*r)[FVI_OBS_COUNT] = fvi_calloc((size_t)c->n_roots + 1, sizeof *r);
    if (!r) return no_memory(err);
    for (int i = 0; i < c->n_roots; i++) fvi_quant_ranges(&c->hist[i], c->symmetric, r[i]);
    fv_status st = regroup(c, r, err);
    if (st >= 0) join_ranges(c, r);
    fvi_free(r);
    return st;
}

/* ---- errors at outputs ---- */

typedef struct measuring {
    fv_calibration *c;
    int picture;
    bool failed; /* any of them: out of memory */
} measuring;

static void measure_layer(void *arg, int chunk, int thread)
{
    measuring *m = arg;
    fv_calibration *c = m->c;
    const fvi_quant_layer *l = &c->sel.layers[chunk];
    (void)thread;
    if (l->off || !fvi_calibration_here(c, l->x)) return;
    size_t n = (size_t)(l->channels * l->inner);
    int8_t *q = fvi_calloc(n, 1);
    float *scale = fvi_calloc((size_t)l->channels, sizeof *scale), *w = fvi_calloc(2 * n, sizeof *w), *wq = fvi_calloc(n, sizeof *wq);
    fvi_quant_scale s[FVI_OBS_COUNT];
    bool fine = q && scale && w && wq;
    if (fine) {
        for (int k = 0; k < FVI_OBS_COUNT; k++) s[k] = fvi_quant_scale_of(c->range[c->sel.group[l->x]][k], c->symmetric);
        fvi_quant_weights(l, q, scale);
        for (size_t i = 0; i < n; i++) w[n + i] = (float)q[i] * scale[l->axis == 0 ? (int64_t)i / l->inner : (int64_t)i % l->channels];
        fvi_quant_rows(l, w + n, wq);
        fvi_quant_rows(l, l->w->constant, w);
        uint64_t seed = (uint64_t)m->picture * 1000003 + (uint64_t)chunk;
        fine = fvi_quant_sample(&c->error[chunk], l, fvi_calibration_tensor(c, l->x), s, w, wq, seed, NULL) >= 0;
    }
    if (!fine) __atomic_store_n(&m->failed, true, __ATOMIC_RELAXED);
    fvi_free(q);
    fvi_free(scale);
    fvi_free(w);
    fvi_free(wq);
}

fv_status fv_calibration_finish(fv_calibration *c, fv_error *err)
{
    if (!c) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_calibration_finish: no calibration");
    if (c->finished) return FV_OK;
    if (!c->inputs) return fvi_error_set(err, FV_ERR_STATE, "nothing was calibrated on: at least one picture is needed");
    FVI_TRY(leave_out_broken(c, err));
    FVI_TRY(fvi_quant_select_sites(&c->sel, err));
    FVI_TRY(find_ranges(c, err));
    for (int i = 0; i < c->n_kept; i++) {
        measuring m = {.c = c, .picture = i};
        FVI_TRY(fvi_calibration_rerun(c, i, err));
        fvi_pool_run(fvi_engine_pool(c->ctx), measure_layer, &m, c->sel.n_layers);
        if (m.failed) return no_memory(err);
    }
    fv_session_free(&c->session);
    for (int i = 0; i < c->n_kept; i++) FVI_FREE(c->kept[i]);
    c->n_kept = 0;
    c->finished = true;
    return FV_OK;
}
