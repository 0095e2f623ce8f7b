/* mixed.c: fv_mixed: a float session in which every value can be looked at says how large values become; rules choose; the graph is
 * written and, with the same roundings, compared with the float one. */
#include "model/quant/mixed.h"
#include "base/alloc.h"
#include "base/options.h"
#include "model/engine/engine.h"
#include "model/quant/quant.h"
#include "model/onnx/write.h"
#include <fovea/mixed.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { KEPT = 4 }; /* sets of inputs that both models are compared on */

struct fv_mixed {
    fv_context *ctx;
    fv_model *model;
    fvi_arena *text; /* reasons, lists of the options */
    fvi_graph *shaped; /* the imported graph, with types and shapes as far as they can be known */
    fvi_mixed_rules rules;
    fv_session *session; /* null once finished */
    float *largest;      /* [n_values] */
    int *place;          /* [n_values] value of the session; -1 = not there; -2 - i = its input i */
    const char **why;    /* [n_nodes]; null = in 16 bits */
    fvi_graph *graph;    /* null until finished */
    uint8_t *bytes;
    size_t size;
    fv_tensor *kept[KEPT]; /* [inputs] each, data owned */
    int n_kept, n_in;
    int64_t inputs;
    fv_mixed_info info;
};

static fv_status no_memory(fv_error *err) { return fvi_error_set(err, FV_ERR_MEMORY, "out of memory"); }

/* ---- making one ---- */

static bool copy_list(fv_mixed *m, const char *const *list, int n, const char *const **out)
{
    const char **copy = fvi_arena_array(m->text, (size_t)n + 1, sizeof *copy);
    for (int i = 0; copy && i < n; i++)
        if (!(copy[i] = fvi_arena_strdup(m->text, list[i]))) return false;
    *out = copy;
    return copy != NULL;
}

static fv_status read_options(fv_mixed *m, const fv_mixed_options *o, fv_error *err)
{
    fvi_mixed_rules *r = &m->rules;
    const char *p = o->precision ? o->precision : "";
    r->to = !strcmp(p, "fp16") ? FV_F16 : !strcmp(p, "bf16") ? FV_BF16 : FV_NONE;
    if (r->to == FV_NONE) return fvi_error_set(err, FV_ERR_ARGUMENT, "precision '%.40s': mixed models are of fp16 or bf16", p);
    if (!(o->data_max >= 0) || !(o->weight_max >= 0) || o->depth_max < 0) return fvi_error_set(err, FV_ERR_ARGUMENT, "a limit of mixed precision is below 0 or no number");
    r->data_max = o->data_max > 0 ? o->data_max : 512;
    r->weight_max = o->weight_max > 0 ? o->weight_max : 65504;
    r->depth_max = o->depth_max > 0 ? o->depth_max : 65536;
    r->n_keep_types = o->n_keep_types;
    r->n_keep_names = o->n_keep_names;
    for (int i = 0; i < o->n_keep_types; i++)
        if (fvi_op_find("", o->keep_types[i]) == FVI_OP_NONE) return fvi_error_set(err, FV_ERR_ARGUMENT, "there is no operator '%.60s'", o->keep_types[i]);
    return copy_list(m, o->keep_types, o->n_keep_types, &r->keep_types) && copy_list(m, o->keep_names, o->n_keep_names, &r->keep_names) ? FV_OK : no_memory(err);
}

static fv_status find_places(fv_mixed *m, fv_error *err)
{
    const fvi_graph *g = m->shaped;
    fv_value_info info;
    m->place = fvi_calloc((size_t)g->n_values + 1, sizeof *m->place);
    m->largest = fvi_calloc((size_t)g->n_values + 1, sizeof *m->largest);
    if (!m->place || !m->largest) return no_memory(err);
    for (int i = 0; i < g->n_values; i++) m->place[i] = -1;
    for (int i = 0; i < g->n_inputs; i++) m->place[g->inputs[i]->id] = -2 - i;
    for (int i = 0; fv_session_value(m->session, i, &info) == FV_OK; i++) {
        const fvi_value *v = info.port.dtype == FV_F32 ? fvi_graph_find(g, info.port.name) : NULL;
        if (v) m->place[v->id] = i;
    }
    return FV_OK;
}

static fv_status create(fv_mixed *m, const fv_mixed_options *o, fv_error *err)
{
    m->text = fvi_arena_create(0);
    if (!m->text) return no_memory(err);
    FVI_TRY(read_options(m, o, err));
    FVI_TRY(fvi_quant_refuse_quantised(fvi_model_graph(m->model), err));
    FVI_TRY(fvi_session_create_plain(&m->session, m->model, FV_SESSION_OPTIONS(.shapes = o->shapes, .n_shapes = o->n_shapes, .observe = 1, .ctx = m->ctx), err));
    m->n_in = fv_session_inputs(m->session, NULL);
    FVI_TRY(fvi_graph_clone(&m->shaped, fvi_model_graph(m->model), err));
    (void)fvi_graph_infer(m->shaped, NULL); /* what stays open is no mistake */
    m->why = fvi_calloc((size_t)m->shaped->n_nodes + 1, sizeof *m->why);
    return m->why ? find_places(m, err) : no_memory(err);
}

fv_status fv_mixed_create(fv_mixed **out, fv_context *ctx, fv_model *model, const fv_mixed_options *opt, fv_error *err)
{
    fv_mixed_options o = {.size = sizeof o};
    if (!out) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_mixed_create: out is null");
    *out = NULL;
    if (!ctx || !model) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_mixed_create: a context and a model are needed");
    FVI_TRY(fvi_options_read(&o, sizeof o, opt, "FV_MIXED_OPTIONS", err));
    fv_mixed *m = fvi_calloc(1, sizeof *m);
    if (!m) return no_memory(err);
    m->ctx = ctx;
    m->model = model;
    fv_status st = create(m, &o, err);
    if (st < 0) {
        fv_mixed_free(&m);
        return st;
    }
    *out = m;
    return FV_OK;
}

void fv_mixed_free(fv_mixed **mp)
{
    if (!mp || !*mp) return;
    fv_mixed *m = *mp;
    fv_session_free(&m->session);
    for (int k = 0; k < m->n_kept; k++) {
        for (int i = 0; i < m->n_in; i++) fvi_free(m->kept[k][i].data);
        fvi_free(m->kept[k]);
    }
    fvi_graph_free(&m->graph);
    fvi_graph_free(&m->shaped);
    fvi_free(m->bytes);
    fvi_free(m->why);
    fvi_free(m->largest);
    fvi_free(m->place);
    fvi_arena_free(&m->text);
    FVI_FREE(*mp);
}

/* ---- what values become ---- */

static float row_largest(const float *x, int64_t n, int64_t stride)
{
    float most = 0;
    for (int64_t i = 0; i < n; i++) {
        const float v = fabsf(x[i * stride]);
        if (!(v <= most)) most = isfinite(v) ? v : INFINITY;
    }
    return most;
}

static float tensor_largest(const fvi_tensor *t, int d, const float *x)
{
    if (t->rank == 0) return row_largest(x, 1, 1);
    if (d == t->rank - 1) return row_largest(x, t->dim[d], t->stride[d]);
    float most = 0;
    for (int64_t i = 0; i < t->dim[d]; i++) most = fmaxf(most, tensor_largest(t, d + 1, x + i * t->stride[d]));
    return most;
}

static void look(void *arg, int value, int thread)
{
    fv_mixed *m = arg;
    const int at = m->place[value];
    (void)thread;
    if (at == -1) return;
    const fvi_tensor *t = at >= 0 ? fvi_session_value_tensor(m->session, at) : fvi_session_input_tensor(m->session, -2 - at);
    if (t->dtype == FV_F32) m->largest[value] = fmaxf(m->largest[value], tensor_largest(t, 0, (const float *)(const void *)t->data));
}

static fv_status keep(fv_mixed *m, const fv_tensor *in, fv_error *err)
{
    if (m->n_kept == KEPT) return FV_OK;
    fv_tensor *t = fvi_calloc((size_t)m->n_in + 1, sizeof *t);
    if (!t) return no_memory(err);
    m->kept[m->n_kept++] = t;
    for (int i = 0; i < m->n_in; i++) {
        const size_t bytes = (size_t)fv_tensor_count(&in[i]) * fv_dtype_size(in[i].dtype);
        void *data = fvi_alloc(bytes + 1);
        if (!data) return no_memory(err);
        memcpy(data, in[i].data, bytes);
        t[i] = in[i];
        t[i].data = data;
    }
    return FV_OK;
}

static fv_status add(fv_mixed *m, const fv_tensor *inputs, fv_error *err)
{
    for (int i = 0; i < m->n_in; i++) FVI_TRY(fv_session_set_input(m->session, i, &inputs[i], err));
    FVI_TRY(fv_session_run(m->session));
    fvi_pool_run(fvi_engine_pool(m->ctx), look, m, m->shaped->n_values);
    return keep(m, inputs, err);
}

fv_status fv_mixed_add(fv_mixed *m, const fv_tensor *inputs, int n, fv_error *err)
{
    if (!m || !inputs) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_mixed_add: an object and inputs are needed");
    if (m->graph) return fvi_error_set(err, FV_ERR_STATE, "the mixed model is finished: nothing can be added to it");
    if (n != m->n_in) return fvi_error_set(err, FV_ERR_ARGUMENT, "the model has %d inputs, %d were given", m->n_in, n);
    FVI_TRY(add(m, inputs, err));
    m->inputs++;
    return FV_OK;
}

/* Uniform in [0,1); integers 0. */
static fv_status add_uniform(fv_mixed *m, fv_error *err)
{
    const fv_port *port;
    uint64_t seed = 1;
    fv_session_inputs(m->session, &port);
    fv_tensor *t = fvi_calloc((size_t)m->n_in + 1, sizeof *t);
    fv_status st = t ? FV_OK : no_memory(err);
    for (int i = 0; i < m->n_in && st >= 0; i++) st = fvi_engine_uniform(&t[i], &port[i], &seed, err);
    if (st >= 0) st = add(m, t, err);
    for (int i = 0; i < m->n_in && t; i++) fvi_free(t[i].data);
    fvi_free(t);
    return st;
}

/* ---- checking ---- */

typedef struct distance {
    double signal, noise, most, apart; /* sums of squares, largest magnitude and difference */
    bool broken;                       /* no number where the float model has one */
} distance;

static fv_status compare_output(const fv_session *a, const fv_session *b, int output, distance *d, fv_error *err)
{
    const fv_port *port;
    fv_session_outputs(a, &port);
    fv_tensor t = {.dtype = port[output].dtype == FV_F16 || port[output].dtype == FV_BF16 ? FV_F32 : port[output].dtype, .rank = port[output].rank}, u;
    if (t.dtype != FV_F32) return FV_OK;
    memcpy(t.dim, port[output].dim, sizeof t.dim);
    const int64_t n = fv_tensor_count(&t);
    float *x = fvi_alloc((size_t)n * 2 * sizeof *x + 1), *y = x ? x + n : NULL;
    if (!x) return no_memory(err);
    u = t;
    t.data = x;
    u.data = y;
    fv_status st = fv_session_get_output(a, output, &t, err);
    if (st >= 0) st = fv_session_get_output(b, output, &u, err);
    for (int64_t i = 0; i < n && st >= 0; i++) {
        if (!isfinite(x[i])) continue;
        const double diff = (double)y[i] - (double)x[i];
        d->broken |= !isfinite(y[i]);
        d->signal += (double)x[i] * (double)x[i];
        d->noise += diff * diff;
        d->most = fmax(d->most, fabs((double)x[i]));
        d->apart = fmax(d->apart, fabs(diff));
    }
    fvi_free(x);
    return st;
}

static fv_status check(fv_mixed *m, fv_error *err)
{
    fv_model *model = NULL;
    fv_session *s = NULL;
    const fv_port *in, *out;
    const int n_out = fv_session_outputs(m->session, &out);
    distance *d = fvi_calloc((size_t)n_out + 1, sizeof *d);
    fv_status st = d ? fv_mixed_model(m, &model, err) : no_memory(err);
    fv_port *shapes = NULL;
    fv_session_inputs(m->session, &in);
    shapes = (fv_port *)(uintptr_t)in; /* those of the float session */
    if (st >= 0) st = fv_session_create(&s, model, FV_SESSION_OPTIONS(.shapes = shapes, .n_shapes = m->n_in, .ctx = m->ctx), err);
    for (int k = 0; k < m->n_kept && st >= 0; k++) {
        for (int i = 0; i < m->n_in && st >= 0; i++) {
            st = fv_session_set_input(m->session, i, &m->kept[k][i], err);
            if (st >= 0) st = fv_session_set_input(s, i, &m->kept[k][i], err);
        }
        if (st >= 0) st = fv_session_run(m->session);
        if (st >= 0) st = fv_session_run(s);
        for (int i = 0; i < n_out && st >= 0; i++) st = compare_output(m->session, s, i, &d[i], err);
    }
    m->info.sqnr_db = 200;
    for (int i = 0; i < n_out && st >= 0; i++) {
        if (d[i].broken) st = fvi_error_set(err, FV_ERR_STATE, "output \"%.100s\" becomes infinite or no number in 16 bits", out[i].name);
        if (d[i].noise > 0) m->info.sqnr_db = fmin(m->info.sqnr_db, 10 * log10(d[i].signal / d[i].noise));
        if (d[i].most > 0) m->info.max_relative = fmax(m->info.max_relative, d[i].apart / d[i].most);
    }
    fv_session_free(&s);
    fv_model_free(&model);
    fvi_free(d);
    return st;
}

/* ---- the result ---- */

static const fvi_onnx_write_options written = {.producer = "fovea"};

static fv_status finish(fv_mixed *m, fv_error *err)
{
    m->rules.largest = m->largest;
    FVI_TRY(fvi_mixed_choose(m->shaped, &m->rules, m->why, m->text, err));
    FVI_TRY(fvi_graph_clone(&m->graph, m->shaped, err));
    FVI_TRY(fvi_mixed_convert(m->graph, m->why, m->rules.to, &m->info.casts, err));
    FVI_TRY(fvi_onnx_write_memory(&m->bytes, &m->size, m->graph, &written, err));
    m->info.nodes = m->shaped->n_nodes;
    for (int i = 0; i < m->shaped->n_nodes; i++) m->info.low += !m->why[i];
    m->info.inputs = m->inputs;
    return check(m, err);
}

fv_status fv_mixed_finish(fv_mixed *m, fv_error *err)
{
    if (!m) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_mixed_finish: there is nothing to finish");
    if (m->graph) return FV_OK;
    if (!m->inputs) FVI_TRY(add_uniform(m, err));
    fv_status st = finish(m, err);
    if (st < 0) {
        fvi_graph_free(&m->graph);
        fvi_free(m->bytes);
        m->bytes = NULL;
        m->size = 0;
        m->info = (fv_mixed_info){0};
        return st;
    }
    fv_session_free(&m->session);
    return FV_OK;
}

fv_status fv_mixed_model(const fv_mixed *m, fv_model **out, fv_error *err)
{
    fvi_graph *g = NULL;
    if (!out) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_mixed_model: out is null");
    *out = NULL;
    if (!m || !m->graph) return fvi_error_set(err, FV_ERR_STATE, "the mixed model is not finished");
    FVI_TRY(fvi_graph_clone(&g, m->shaped, err));
    fv_status st = fvi_mixed_round(g, m->why, m->rules.to, err);
    if (st >= 0) st = fvi_model_of_graph(out, m->ctx, &g, err);
    fvi_graph_free(&g);
    return st;
}

void fv_mixed_bytes(const fv_mixed *m, const void **bytes, size_t *size)
{
    *bytes = m->bytes;
    *size = m->size;
}

fv_status fv_mixed_save(const fv_mixed *m, const char *path, fv_error *err)
{
    if (!m || !path || !m->graph) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_mixed_save: a finished model and a path are needed");
    return fvi_onnx_write_file(path, m->graph, &written, err);
}

fv_status fv_mixed_get_info(const fv_mixed *m, fv_mixed_info *info)
{
    if (!m || !info || info->size < sizeof *info) return FV_ERR_ARGUMENT;
    const uint32_t size = info->size;
    *info = m->info;
    info->size = size;
    return FV_OK;
}

fv_status fv_mixed_node(const fv_mixed *m, int i, const char **name, const char **op, int *low, const char **why)
{
    if (!m || !m->graph || i < 0) return FV_ERR_ARGUMENT;
    if (i >= m->shaped->n_nodes) return FV_END;
    const fvi_node *n = m->shaped->nodes[i];
    if (name) *name = n->name;
    if (op) *op = fvi_op_get(n->op)->name;
    if (low) *low = !m->why[i];
    if (why) *why = m->why[i] ? m->why[i] : "";
    return FV_OK;
}
