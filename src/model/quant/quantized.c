/* quantized.c: fv_quantized: from what calibration found to a model: the observer of each group, layers that stay in float, biases; then
 * the graph and its bytes. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/options.h"
#include "model/onnx/write.h"
#include "model/quant/calibration.h"
#include "model/quant/insert.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

struct fv_quantized {
    const fv_calibration *c;
    fvi_quant_select sel; /* as in the calibration, with more layers off; groups that are left keep their ranges */
    int *observer;        /* [n_values] of groups, at the value that stands for one in the calibration */
    fvi_graph *graph;
    uint8_t *bytes;
    size_t size;
};

static fv_status no_memory(fv_error *err) { return fvi_error_set(err, FV_ERR_MEMORY, "out of memory"); }

/* ---- choices ---- */

/* Of each group: the observer with the least noise at the outputs of the layers that read it, relative to their signals; where none was
 * measured, in the values themselves. */
static fv_status choose_observers(fv_quantized *q, const char *asked, fv_error *err)
{
    const fv_calibration *c = q->c;
    const fvi_quant_select *s = &c->sel;
    double(*cost)[FVI_OBS_COUNT] = fvi_calloc((size_t)s->g->n_values + 1, sizeof *cost);
    if (!cost) return no_memory(err);
    for (int i = 0; i < s->n_layers; i++)
        for (int k = 0; k < FVI_OBS_COUNT && !s->layers[i].off; k++)
            if (c->error[i].signal > 0) cost[s->group[s->layers[i].x]][k] += c->error[i].noise[k] / c->error[i].signal;
    for (int v = 0; v < s->g->n_values; v++) {
        double sum = 0;
        for (int k = 0; k < FVI_OBS_COUNT; k++) sum += cost[v][k];
        const double *by = sum > 0 ? cost[v] : c->spread[v];
        for (int k = 1; k < FVI_OBS_COUNT; k++)
            if (by[k] < by[q->observer[v]]) q->observer[v] = k;
        for (int k = 0; asked && k < FVI_OBS_COUNT; k++)
            if (!strcmp(asked, fvi_observer_name((fvi_observer)k))) q->observer[v] = k;
    }
    fvi_free(cost);
    return FV_OK;
}

static fv_status copy_selection(fv_quantized *q, fv_error *err)
{
    const fvi_quant_select *s = &q->c->sel;
    q->sel = *s;
    q->sel.layers = fvi_calloc((size_t)s->n_layers + 1, sizeof *s->layers);
    q->sel.group = fvi_calloc((size_t)s->g->n_values + 1, sizeof *s->group);
    q->observer = fvi_calloc((size_t)s->g->n_values + 1, sizeof *q->observer);
    if (!q->sel.layers || !q->sel.group || !q->observer) return no_memory(err);
    memcpy(q->sel.layers, s->layers, sizeof *s->layers * (size_t)s->n_layers);
    return FV_OK;
}

static fv_status leave_in_float(fv_quantized *q, const fv_quantize_options *o, fv_error *err)
{
    for (int k = 0; k < o->n_float_layers; k++) {
        bool found = false;
        for (int i = 0; i < q->sel.n_layers; i++) {
            fvi_quant_layer *l = &q->sel.layers[i];
            if (strcmp(l->node->name, o->float_layers[k])) continue;
            found = true;
            if (!l->off) snprintf(l->why, sizeof l->why, "%s", "asked for, or taken back so that the model agrees with the float one");
            l->off = true;
        }
        if (!found) return fvi_error_set(err, FV_ERR_ARGUMENT, "the model has no layer \"%.120s\"", o->float_layers[k]);
    }
    FVI_TRY(fvi_quant_select_sites(&q->sel, err));
    for (int v = 0; v < q->sel.g->n_values; v++) /* a subset of the sites, with the groups that ranges are known of */
        if (q->sel.group[v] >= 0) q->sel.group[v] = q->c->sel.group[v];
    return FV_OK;
}

static fvi_quant_range range_of(const fv_quantized *q, int group) { return q->c->range[group][q->observer[group]]; }

/* ---- the graph ---- */

static bool bias_of(const fv_quantized *q, int layer, double *out)
{
    const fvi_quant_layer *l = &q->sel.layers[layer];
    const fvi_quant_error *e = &q->c->error[layer];
    if (l->off || !(e->places > 0)) return false;
    const double *sum = e->bias[q->observer[q->c->sel.group[l->x]]];
    for (int64_t i = 0; i < l->channels; i++) out[i] = -sum[i] / e->places;
    return true;
}

static void note_origin(const fv_quantized *q)
{
    fvi_graph *g = q->graph; /* a clone has room for one more */
    char *key = fvi_arena_strdup(g->arena, "fovea_calibration");
    char *value = fvi_arena_printf(g->arena, "%lld inputs, data %016llx", (long long)q->c->inputs, (unsigned long long)q->c->data);
    if (key && value && !fvi_graph_meta(g, key)) g->meta[g->n_meta++] = (fvi_meta){key, value};
}

static fv_status make_graph(fv_quantized *q, bool correct, fv_error *err)
{
    const fvi_quant_select *s = &q->sel;
    fvi_quant_insert in = {.sel = s, .symmetric = q->c->symmetric};
    size_t most = 0;
    for (int i = 0; i < s->n_layers; i++) most += (size_t)s->layers[i].channels;
    double *sums = fvi_calloc(most + 1, sizeof *sums), *at = sums;
    const double **bias = fvi_calloc((size_t)s->n_layers + 1, sizeof *bias);
    fvi_quant_scale *scale = fvi_calloc((size_t)s->g->n_values + 1, sizeof *scale);
    fv_status st = sums && bias && scale ? fvi_graph_clone(&q->graph, s->g, err) : no_memory(err);
    for (int i = 0; i < s->n_layers && st >= 0 && correct; i++, at += s->layers[i - 1].channels)
        if (bias_of(q, i, at)) bias[i] = at;
    for (int v = 0; v < s->g->n_values && st >= 0; v++)
        if (s->group[v] >= 0) scale[s->group[v]] = fvi_quant_scale_of(range_of(q, s->group[v]), q->c->symmetric);
    in.scale = scale;
    in.bias = bias;
    if (st >= 0) note_origin(q);
    if (st >= 0) (void)fvi_graph_infer(q->graph, NULL); /* upgrading asks for ranks; what stays open is no mistake */
    if (st >= 0) st = fvi_quant_insert_pairs(q->graph, &in, err);
    fvi_free(sums);
    fvi_free(bias);
    fvi_free(scale);
    return st;
}

static const fvi_onnx_write_options written = {.producer = "fovea"};

static fv_status create(fv_quantized *q, const fv_quantize_options *o, fv_error *err)
{
    const char *observer = o->observer && strcmp(o->observer, "auto") ? o->observer : NULL;
    bool known = !observer;
    for (int k = 0; k < FVI_OBS_COUNT; k++) known |= observer && !strcmp(observer, fvi_observer_name((fvi_observer)k));
    if (!known) return fvi_error_set(err, FV_ERR_ARGUMENT, "there is no observer '%.60s'; there are auto, minmax, percentile, entropy and mse", observer);
    FVI_TRY(copy_selection(q, err));
    FVI_TRY(choose_observers(q, observer, err));
    FVI_TRY(leave_in_float(q, o, err));
    FVI_TRY(make_graph(q, !o->no_bias_correction, err));
    return fvi_onnx_write_memory(&q->bytes, &q->size, q->graph, &written, err);
}

fv_status fv_quantized_create(fv_quantized **out, fv_calibration *c, const fv_quantize_options *opt, fv_error *err)
{
    fv_quantize_options o = {.size = sizeof o};
    if (!out) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_quantized_create: out is null");
    *out = NULL;
    FVI_TRY(fvi_options_read(&o, sizeof o, opt, "FV_QUANTIZE_OPTIONS", err));
    FVI_TRY(fv_calibration_finish(c, err));
    fv_quantized *q = fvi_calloc(1, sizeof *q);
    if (!q) return no_memory(err);
    q->c = c;
    fv_status st = create(q, &o, err);
    if (st < 0) {
        fv_quantized_free(&q);
        return st;
    }
    *out = q;
    return FV_OK;
}

void fv_quantized_bytes(const fv_quantized *q, const void **bytes, size_t *size)
{
    *bytes = q->bytes;
    *size = q->size;
}

fv_status fv_quantized_save(const fv_quantized *q, const char *path, fv_error *err)
{
    if (!q || !path) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_quantized_save: a model and a path are needed");
    return fvi_onnx_write_file(path, q->graph, &written, err);
}

void fv_quantized_free(fv_quantized **qp)
{
    if (!qp || !*qp) return;
    fv_quantized *q = *qp;
    fvi_graph_free(&q->graph);
    fvi_free(q->bytes);
    fvi_free(q->observer);
    fvi_quant_select_free(&q->sel);
    FVI_FREE(*qp);
}

fv_status fv_quantized_layer(const fv_quantized *q, int i, fv_quantized_layer_info *info)
{
    if (!q || !info || i < 0) return FV_ERR_ARGUMENT;
    if (i >= q->sel.n_layers) return FV_END;
    const fvi_quant_layer *l = &q->sel.layers[i];
    const fvi_quant_error *e = &q->c->error[i];
    int group = q->c->sel.group[l->x];
    *info = (fv_quantized_layer_info){.name = l->node->name, .op = fvi_op_get(l->node->op)->name, .quantised = !l->off, .why = l->off ? l->why : "",
                                      .observer = "", .sqnr_db = NAN, .weights = l->channels * l->inner};
    if (group < 0 || q->c->sel.layers[i].off) return FV_OK;
    info->observer = fvi_observer_name((fvi_observer)q->observer[group]);
    info->min = range_of(q, group).min;
    info->max = range_of(q, group).max;
    double noise = e->noise[q->observer[group]];
    if (e->signal > 0) info->sqnr_db = noise > 0 ? 10 * log10(e->signal / noise) : 200;
    return FV_OK;
}
