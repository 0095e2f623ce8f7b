/* model.c: file or bytes -> loaded, rewritten model. */
#include "base/alloc.h"
#include "base/budget.h"
#include "base/options.h"
#include "model/engine/file.h"
#include "model/engine/internal.h"
#include "model/onnx/onnx.h"
#include "model/rewrite/rewrite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MODEL_BYTES ((size_t)8 << 30)

static fv_status choose_backend(fv_model *m, const fv_model_options *opt, fv_error *err)
{
    const char *device = opt->device ? opt->device : "auto";
    if (!strcmp(device, "auto") || !strcmp(device, "cpu"))
        m->backend = fvi_backend_cpu();
    else if (!strcmp(device, "null"))
        m->backend = fvi_backend_null();
    else
        return fvi_error_set(err, FV_ERR_DEVICE, "device '%s' is not available: this build has cpu only", device);
    return FV_OK;
}

/* Models whose shapes are all given are rewritten now, so that errors show at load; others when a session gives shapes. */
fv_status fvi_engine_prepare(fv_model *m, fv_error *err)
{
    for (int i = 0; i < m->imported->n_inputs; i++)
        for (int d = 1; d < m->imported->inputs[i]->rank; d++)
            if (m->imported->inputs[i]->dim[d] == FVI_DIM_UNKNOWN) return FV_OK;
    FVI_TRY(fvi_engine_specialise(&m->final, m, NULL, false, err));
    for (int i = 0; i < m->final->n_nodes; i++) {
        const fvi_node *n = m->final->nodes[i];
        const char *why = n->op == FVI_OP_CONCAT ? NULL : m->backend->unsupported(n);
        if (why)
            return fvi_error_set(err, FV_ERR_UNSUPPORTED, "node '%s' (%s): the %s backend cannot run it: %s", n->name, fvi_op_get(n->op)->name, m->backend->name, why);
    }
    return FV_OK;
}

static fv_status find_batch_obstacle(fv_model *m, fv_error *err)
{
    fvi_graph *g = NULL;
    char obstacle[256] = "";
    if (!m->final) return FV_OK;
    FVI_TRY(fvi_graph_clone(&g, m->final, err));
    fv_error why = {0};
    fv_status st = fvi_rewrite_rebatch(g, 2, obstacle, sizeof obstacle, &why);
    fvi_graph_free(&g);
    if (st == FV_ERR_MEMORY) return fvi_error_set(err, st, "out of memory");
    if (st < 0) {
        m->batch_obstacle = fvi_strdup(obstacle[0] ? obstacle : why.text);
        if (!m->batch_obstacle) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    }
    return FV_OK;
}

static fv_status set_ports(fv_model *m, fv_error *err)
{
    const fvi_graph *g = m->imported, *o = m->final ? m->final : g;
    m->inputs = fvi_engine_ports(g->inputs, g->inputs, g->n_inputs);
    m->outputs = fvi_engine_ports(o->outputs, g->outputs, o->n_outputs);
    return m->inputs && m->outputs ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
}

/* Takes memory over, or m->file. */
static fv_status load_engine(fv_model *m, void *memory, size_t size, const fv_model_options *opt, fv_error *err)
{
    fvi_file *f;
    if (opt->no_rewrite) {
        fvi_free(memory);
        return fvi_error_set(err, FV_ERR_ARGUMENT, "an engine file is rewritten already; give the ONNX model to run it as it was written");
    }
    FVI_TRY(fvi_file_open(&f, memory ? NULL : &m->file, memory, size, m->backend, &m->env, err));
    const char *has = fvi_file_info(f, "precision");
    fv_status st = FV_OK;
    if (opt->precision && strcmp(opt->precision, "auto") && strcmp(opt->precision, has))
        st = fvi_error_set(err, FV_ERR_DEVICE, "precision '%s' was asked for, the engine file has %s: build it with --precision %s", opt->precision, has, opt->precision);
    if (st >= 0) st = fvi_file_model(m, f, err);
    if (st < 0) {
        if (m->engine != f) fvi_file_close(&f);
        return st;
    }
    m->bf16 = !strcmp(has, "bf16");
    m->int8 = !strcmp(has, "int8");
    m->precision_why = opt->precision && strcmp(opt->precision, "auto") ? "it was asked for" : "the engine file was built for it";
    if (m->imported->n_nodes && !m->final && !(f->marks & FVI_FILE_STRIPPED)) {
        m->owns_final = true;
        FVI_TRY(fvi_engine_prepare(m, err));
    }
    return set_ports(m, err);
}

static fv_status load(fv_model *m, const uint8_t *bytes, size_t size, const char *dir, const fv_model_options *opt, fv_error *err)
{
    FVI_TRY(fvi_onnx_import(&m->imported, bytes, size, dir, err));
    if (m->imported->note) fvi_log_write(&m->ctx->log, FV_LOG_INFO, "%s", m->imported->note);
    FVI_TRY(fvi_engine_precision(m, opt->precision, err));
    FVI_TRY(fvi_engine_prepare(m, err));
    FVI_TRY(find_batch_obstacle(m, err));
    FVI_TRY(set_ports(m, err));
    return m->try_bf16 ? fvi_engine_validate_bf16(m, err) : FV_OK;
}

/* *opt becomes what this version makes of it. */
static fv_status create(fv_model **out, fv_context *ctx, const fv_model_options **given, fv_model_options *read, fv_error *err)
{
    if (!out) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_model_load: out is null");
    *out = NULL;
    if (!ctx) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_model_load: ctx is null");
    *read = (fv_model_options){.size = sizeof *read};
    FVI_TRY(fvi_options_read(read, sizeof *read, *given, "FV_MODEL_OPTIONS", err));
    const fv_model_options *opt = *given = read;
    fv_model *m = fvi_calloc(1, sizeof *m);
    if (!m) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    atomic_store(&m->refs, 1);
    m->ctx = ctx;
    m->env = (fvi_backend_env){.pool = ctx->pool, .cpu = ctx->cpu, .log = &ctx->log};
    m->no_rewrite = opt->no_rewrite != 0;
    fv_status st = choose_backend(m, opt, err);
    if (st < 0) {
        fv_model_free(&m);
        return st;
    }
    *out = m;
    return FV_OK;
}

fv_status fv_model_load(fv_model **out, fv_context *ctx, const char *path, const fv_model_options *opt, fv_error *err)
{
    fv_model_options o;
    FVI_TRY(create(out, ctx, &opt, &o, err));
    if (!path) {
        fv_model_free(out);
        return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_model_load: path is null");
    }
    fv_model *m = *out;
    const char *slash = strrchr(path, '/');
    char *dir = slash ? fvi_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : fvi_strdup(".");
    fv_status st = dir ? fvi_map_open(&m->file, path, MAX_MODEL_BYTES, err) : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    if (st == FV_ERR_INPUT || st == FV_ERR_LIMIT) st = FV_ERR_MODEL; /* the text stays: a model that cannot be read */
    if (st >= 0) {
        fvi_budget budget;
        fvi_budget_begin(&budget, ctx->memory_limit);
        st = fvi_file_is(m->file.data, m->file.size) ? load_engine(m, NULL, 0, opt, err) : load(m, m->file.data, m->file.size, dir, opt, err);
        st = fvi_budget_end(&budget, st, err);
        if (st < 0 && err && !strstr(err->text, path)) st = fvi_error_prefix(err, st, "%s", path);
    }
    if (st < 0 && err) err->status = st;
    fvi_free(dir);
    if (st < 0) fv_model_free(out);
    return st;
}

fv_status fv_model_load_memory(fv_model **out, fv_context *ctx, const void *bytes, size_t size, const fv_model_options *opt, fv_error *err)
{
    fv_model_options o;
    FVI_TRY(create(out, ctx, &opt, &o, err));
    fv_status st;
    fvi_budget budget;
    fvi_budget_begin(&budget, ctx->memory_limit);
    if (!bytes && size)
        st = fvi_error_set(err, FV_ERR_ARGUMENT, "fv_model_load_memory: bytes is null");
    else if (!fvi_file_is(bytes, size))
        st = load(*out, bytes, size, NULL, opt, err);
    else if ((uintptr_t)bytes % FVI_ALIGN == 0) {
        (*out)->file = (fvi_map){.data = bytes, .size = size};
        st = load_engine(*out, NULL, 0, opt, err);
    } else { /* kernels want their weights on cache lines */
        void *copy = fvi_alloc(size);
        if (copy) memcpy(copy, bytes, size);
        st = copy ? load_engine(*out, copy, size, opt, err) : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    }
    st = fvi_budget_end(&budget, st, err);
    if (st < 0) fv_model_free(out);
    return st;
}

/* All of it, in memory of one piece that grows by halves. */
static fv_status read_all(fv_read_fn read, void *user, char **bytes, size_t *size, fv_error *err)
{
    size_t cap = 0;
    *bytes = NULL;
    *size = 0;
    for (;;) {
        if (*size == cap) {
            const size_t more = cap ? cap + cap / 2 : (size_t)1 << 20;
            char *p = more <= MAX_MODEL_BYTES ? fvi_alloc(more) : NULL;
            if (!p) return more <= MAX_MODEL_BYTES ? fvi_error_set(err, FV_ERR_MEMORY, "out of memory") : fvi_error_set(err, FV_ERR_LIMIT, "the model is too large");
            if (*size) memcpy(p, *bytes, *size);
            fvi_free(*bytes);
            *bytes = p;
            cap = more;
        }
        const int64_t n = read(user, *bytes + *size, cap - *size);
        if (n < 0 || (uint64_t)n > cap - *size) return fvi_error_set(err, FV_ERR_INPUT, "the model could not be read to its end");
        if (!n) return FV_OK;
        *size += (size_t)n;
    }
}

fv_status fv_model_load_stream(fv_model **out, fv_context *ctx, fv_read_fn read, void *user, const fv_model_options *opt, fv_error *err)
{
    fv_model_options o;
    char *bytes = NULL;
    size_t size = 0;
    FVI_TRY(create(out, ctx, &opt, &o, err));
    fvi_budget budget;
    fvi_budget_begin(&budget, ctx->memory_limit);
    fv_status st = read ? read_all(read, user, &bytes, &size, err) : fvi_error_set(err, FV_ERR_ARGUMENT, "fv_model_load_stream: read is null");
    if (st < 0) {
        fvi_free(bytes);
    } else if (fvi_file_is((const uint8_t *)bytes, size)) {
        st = load_engine(*out, bytes, size, opt, err);
    } else {
        (*out)->bytes = bytes;
        st = load(*out, (const uint8_t *)bytes, size, NULL, opt, err);
    }
    st = fvi_budget_end(&budget, st, err);
    if (st < 0) fv_model_free(out);
    return st;
}

fv_status fvi_model_of_graph(fv_model **out, fv_context *ctx, fvi_graph **g, fv_error *err)
{
    const fv_model_options *opt = FV_MODEL_OPTIONS(.no_rewrite = 1);
    fv_model_options o;
    FVI_TRY(create(out, ctx, &opt, &o, err));
    (*out)->imported = *g;
    *g = NULL;
    (*out)->precision_why = "the graph runs as it was made";
    fv_status st = fvi_engine_prepare(*out, err);
    if (st >= 0) st = set_ports(*out, err);
    if (st < 0) fv_model_free(out);
    return st;
}

fv_model *fvi_engine_keep(fv_model *m)
{
    atomic_fetch_add(&m->refs, 1);
    return m;
}

void fv_model_free(fv_model **mp)
{
    if (!mp || !*mp) return;
    fv_model *m = *mp;
    *mp = NULL;
    if (atomic_fetch_sub(&m->refs, 1) > 1) return;
    if (!m->engine || m->refitted || m->owns_final) fvi_graph_free(&m->final);
    if (!m->engine || m->refitted) fvi_graph_free(&m->imported);
    fvi_file_close(&m->engine);
    fvi_map_close(&m->file);
    fvi_free(m->bytes);
    fvi_free(m->inputs);
    fvi_free(m->outputs);
    fvi_free(m->batch_obstacle);
    fvi_free(m);
}

int fv_model_inputs(const fv_model *m, const fv_port **ports)
{
    if (ports) *ports = m->inputs;
    return m->imported->n_inputs;
}

int fv_model_outputs(const fv_model *m, const fv_port **ports)
{
    if (ports) *ports = m->outputs;
    return m->imported->n_outputs;
}

const char *fv_model_meta(const fv_model *m, const char *key) { return fvi_graph_meta(m->imported, key); }

const char *fv_model_meta_at(const fv_model *m, int i, const char **key)
{
    if (i < 0 || i >= m->imported->n_meta) return NULL;
    if (key) *key = m->imported->meta[i].key;
    return m->imported->meta[i].value;
}

const fvi_graph *fvi_model_graph(const fv_model *m) { return m->imported; }

const char *fv_model_device(const fv_model *m) { return m->backend->name; }
const char *fv_model_precision(const fv_model *m) { return m->int8 ? "int8" : m->bf16 ? "bf16" : "fp32"; }
const char *fv_model_precision_reason(const fv_model *m) { return m->precision_why; }

const char *fv_model_kept(const fv_model *m, int i, const char **why)
{
    if (i < 0 || i >= m->n_kept) return NULL;
    if (why) *why = m->kept[i].why;
    return m->kept[i].node;
}

const char *fv_model_batch_obstacle(const fv_model *m) { return m->batch_obstacle; }

fv_status fv_model_dump(const fv_model *m, int rewritten, char **text, fv_error *err)
{
    *text = NULL;
    if (rewritten && !m->final)
        return fvi_error_set(err, FV_ERR_STATE, "the model has symbolic dimensions: it is rewritten only when a session gives shapes");
    fvi_str s = {0};
    fvi_graph_dump(rewritten ? m->final : m->imported, &s);
    fvi_str_add(&s, "");
    if (s.failed || !s.s) {
        fvi_str_free(&s);
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    }
    *text = s.s;
    return FV_OK;
}

void fv_string_free(char **text)
{
    if (text) FVI_FREE(*text);
}

void fv_model_get_info(const fv_model *m, fv_model_info *info)
{
    const fvi_graph *g = m->imported;
    *info = (fv_model_info){.producer = g->producer ? g->producer : "", .graph_name = g->name ? g->name : "", .ir_version = g->ir_version, .opset = g->opset,
                            .nodes_imported = g->n_nodes, .nodes_final = m->final ? m->final->n_nodes : g->n_nodes};
    if (m->engine && !m->refitted) {
        info->nodes_imported = atoi(fvi_file_info(m->engine, "nodes"));
        info->nodes_final = m->engine->n_graphs > 1 ? m->engine->graphs[1]->n_nodes : info->nodes_imported;
        info->parameters = atoll(fvi_file_info(m->engine, "parameters"));
        info->weight_bytes = atoll(fvi_file_info(m->engine, "weight bytes"));
        return;
    }
    for (int i = 0; i < g->n_values; i++) {
        const fvi_value *v = g->values[i];
        if (!v->constant || v->dtype != FV_F32) continue;
        info->parameters += fvi_value_count(v);
        info->weight_bytes += fvi_value_count(v) * (int64_t)fv_dtype_size(v->dtype);
    }
}
