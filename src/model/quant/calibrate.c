/* calibrate.c: fv_calibration: a session in which every value can be looked at, and what was seen in it, input by input. What follows
 * when no more comes is finish.c. */
#include "base/alloc.h"
#include "base/hash.h"
#include "base/options.h"
#include "model/engine/engine.h"
#include "model/quant/calibration.h"
#include <stdio.h>
#include <string.h>

#define KEPT_BYTES ((size_t)256 << 20)

static fv_status no_memory(fv_error *err) { return fvi_error_set(err, FV_ERR_MEMORY, "out of memory"); }

uint64_t fvi_quant_graph_hash(const fvi_graph *g)
{
    fvi_str text = {0};
    fvi_graph_dump(g, &text);
    uint64_t h = fvi_hash(text.s ? text.s : "", text.len, 1);
    fvi_str_free(&text);
    for (int i = 0; i < g->n_values; i++)
        if (g->values[i]->constant) h = fvi_hash(g->values[i]->constant, (size_t)fvi_value_count(g->values[i]) * fv_dtype_size(g->values[i]->dtype), h);
    return h;
}

/* ---- where values of the graph are found ---- */

bool fvi_calibration_here(const fv_calibration *c, int value) { return c->place[value] != -1; }

const fvi_tensor *fvi_calibration_tensor(const fv_calibration *c, int value)
{
    int at = c->place[value];
    return at >= 0 ? fvi_session_value_tensor(c->session, at) : fvi_session_input_tensor(c->session, -2 - at);
}

static void find_places(fv_calibration *c)
{
    const fvi_graph *g = c->sel.g;
    fv_value_info info;
    for (int i = 0; i < g->n_values; i++) c->place[i] = -1;
    for (int i = 0; i < g->n_inputs; i++) c->place[g->inputs[i]->id] = -2 - i;
    for (int i = 0; fv_session_value(c->session, i, &info) == FV_OK; i++) {
        const fvi_value *v = info.in_file && info.port.dtype == FV_F32 ? fvi_graph_find(g, info.port.name) : NULL;
        if (v) c->place[v->id] = i;
    }
}

static bool all_here(const fv_calibration *c)
{
    const fvi_quant_select *s = &c->sel;
    for (int i = 0; i < s->n_layers; i++)
        if (!s->layers[i].off && c->place[s->layers[i].x] == -1) return false;
    for (int i = 0; i < s->g->n_values; i++)
        if (s->group[i] >= 0 && !fvi_quant_handed_on(s, s->g->values[i]) && c->place[i] == -1) return false;
    return true;
}

static fv_status open_session(fv_calibration *c, const fv_calibration_options *o, fv_error *err)
{
    fv_session_options so = {.size = sizeof so, .shapes = o->shapes, .n_shapes = o->n_shapes, .observe = 1, .ctx = c->ctx};
    FVI_TRY(fv_session_create(&c->session, c->model, &so, err));
    find_places(c);
    if (all_here(c)) return FV_OK;
    /* rewrites took away a value that is needed: the graph as it was written has all of them */
    fv_session *plain = NULL;
    if (fvi_session_create_plain(&plain, c->model, &so, NULL) < 0) return FV_OK;
    fv_session_free(&c->session);
    c->session = plain;
    find_places(c);
    return FV_OK;
}

static fv_status make_room(fv_calibration *c, fv_error *err)
{
    const fvi_graph *g = c->sel.g;
    c->roots = fvi_calloc((size_t)g->n_values + 1, sizeof *c->roots);
    if (!c->roots) return no_memory(err);
    for (int i = 0; i < g->n_values; i++) {
        if (c->sel.group[i] < 0 || !fvi_calibration_here(c, i)) continue;
        if (!fvi_quant_handed_on(&c->sel, g->values[i])) c->roots[c->n_roots++] = i;
    }
    c->hist = fvi_calloc((size_t)c->n_roots + 1, sizeof *c->hist);
    const fv_port *in;
    int n = fv_session_inputs(c->session, &in);
    for (int i = 0; i < n; i++) {
        size_t bytes = fv_dtype_size(in[i].dtype);
        for (int d = 0; d < in[i].rank; d++) bytes *= (size_t)in[i].dim[d];
        c->kept_bytes += (bytes + 63) / 64 * 64;
    }
    size_t most = c->kept_bytes ? KEPT_BYTES / c->kept_bytes : 1;
    c->max_kept = most < 1 ? 1 : most > FVI_QUANT_KEPT ? FVI_QUANT_KEPT : (int)most;
    return c->hist ? fvi_calibration_room(c, err) : no_memory(err);
}

fv_status fv_calibration_create(fv_calibration **out, fv_context *ctx, fv_model *model, const fv_calibration_options *opt, fv_error *err)
{
    fv_calibration_options o = {.size = sizeof o};
    if (!out) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_calibration_create: out is null");
    *out = NULL;
    if (!ctx || !model) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_calibration_create: a context and a model are needed");
    FVI_TRY(fvi_options_read(&o, sizeof o, opt, "FV_CALIBRATION_OPTIONS", err));
    fv_calibration *c = fvi_calloc(1, sizeof *c);
    if (!c) return no_memory(err);
    c->ctx = ctx;
    c->model = model;
    c->symmetric = o.symmetric != 0;
    fv_status st;
    FVI_TRY_GOTO(fvi_quant_select_layers(&c->sel, fvi_model_graph(model), err), fail);
    c->reduced = o.reduce_range != 0;
    for (int i = 0; i < c->sel.n_layers && c->reduced; i++) c->sel.layers[i].levels = 63;
    FVI_TRY_GOTO(fvi_quant_select_sites(&c->sel, err), fail);
    c->place = fvi_calloc((size_t)c->sel.g->n_values + 1, sizeof *c->place);
    if (!c->place) {
        st = no_memory(err);
        goto fail;
    }
    FVI_TRY_GOTO(open_session(c, &o, err), fail);
    FVI_TRY_GOTO(make_room(c, err), fail);
    *out = c;
    return FV_OK;
fail:
    fv_calibration_free(&c);
    return st;
}

void fv_calibration_free(fv_calibration **cp)
{
    if (!cp || !*cp) return;
    fv_calibration *c = *cp;
    fv_session_free(&c->session);
    for (int i = 0; c->error && i < c->sel.n_layers; i++) fvi_free(c->error[i].bias[0]);
    for (int i = 0; i < c->n_kept; i++) fvi_free(c->kept[i]);
    fvi_free(c->error);
    fvi_free(c->range);
    fvi_free(c->spread);
    fvi_free(c->place);
    fvi_free(c->roots);
    fvi_free(c->hist);
    fvi_quant_select_free(&c->sel);
    FVI_FREE(*cp);
}

int64_t fv_calibration_inputs(const fv_calibration *c) { return c ? c->inputs : 0; }
uint64_t fv_calibration_hash(const void *bytes, size_t size, uint64_t seed) { return fvi_hash(bytes, size, seed); }

/* ---- one set of inputs ---- */

static void look(void *arg, int chunk, int thread)
{
    fv_calibration *c = arg;
    (void)thread;
    fvi_quant_hist_add(&c->hist[chunk], fvi_calibration_tensor(c, c->roots[chunk]));
}

static fv_status keep(fv_calibration *c, const fv_tensor *in, int n, fv_error *err)
{
    int at = c->n_kept;
    if (at == c->max_kept) { /* every set seen so far is kept with the same chance */
        uint64_t chance = fvi_hash(&c->inputs, sizeof c->inputs, 7) % (uint64_t)(c->inputs + 1);
        if (chance >= (uint64_t)c->max_kept) return FV_OK;
        at = (int)chance;
    } else {
        c->kept[at] = fvi_alloc(c->kept_bytes + 1);
        if (!c->kept[at]) return no_memory(err);
        c->n_kept++;
    }
    char *to = c->kept[at];
    for (int i = 0; i < n; i++) {
        size_t bytes = (size_t)fv_tensor_count(&in[i]) * fv_dtype_size(in[i].dtype);
        memcpy(to, in[i].data, bytes);
        to += (bytes + 63) / 64 * 64;
    }
    return FV_OK;
}

fv_status fvi_calibration_rerun(fv_calibration *c, int at, fv_error *err)
{
    const fv_port *ports;
    int n = fv_session_inputs(c->session, &ports);
    char *from = c->kept[at];
    for (int i = 0; i < n; i++) {
        fv_tensor t = {.dtype = ports[i].dtype, .rank = ports[i].rank, .data = from};
        memcpy(t.dim, ports[i].dim, sizeof t.dim);
        from += ((size_t)fv_tensor_count(&t) * fv_dtype_size(t.dtype) + 63) / 64 * 64;
        FVI_TRY(fv_session_set_input(c->session, i, &t, err));
    }
    return fv_session_run(c->session);
}

fv_status fv_calibration_add(fv_calibration *c, const fv_tensor *inputs, int n, fv_error *err)
{
    if (!c || !inputs) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_calibration_add: a calibration and inputs are needed");
    if (c->finished) return fvi_error_set(err, FV_ERR_STATE, "the calibration is finished: nothing can be added to it");
    const fv_port *ports;
    int want = fv_session_inputs(c->session, &ports);
    if (n != want) return fvi_error_set(err, FV_ERR_ARGUMENT, "the model has %d inputs, %d were given", want, n);
    for (int i = 0; i < n; i++) {
        if (inputs[i].dtype != ports[i].dtype)
            return fvi_error_set(err, FV_ERR_SHAPE, "'%s' is %s, but %s was given", ports[i].name, fv_dtype_name(ports[i].dtype), fv_dtype_name(inputs[i].dtype));
        FVI_TRY(fv_session_set_input(c->session, i, &inputs[i], err));
    }
    FVI_TRY(fv_session_run(c->session));
    FVI_TRY(keep(c, inputs, n, err));
    fvi_pool_run(fvi_engine_pool(c->ctx), look, c, c->n_roots);
    c->inputs++;
    return FV_OK;
}
