/* graphs.c: from the imported graph to one that a plan can be made of: shapes given, rewritten, batch grown. The imported
 * graph is never changed. */
#include "backend/cpu/eval.h"
#include "base/alloc.h"
#include "model/engine/file.h"
#include "model/engine/internal.h"
#include "model/rewrite/rewrite.h"
#include <string.h>

fv_port *fvi_engine_ports(fvi_value *const *values, fvi_value *const *file, int n)
{
    fv_port *p = fvi_calloc((size_t)n + 1, sizeof *p);
    for (int i = 0; p && i < n; i++) {
        p[i].name = values[i]->name;
        p[i].dtype = file[i]->declared != FV_NONE ? file[i]->declared : values[i]->dtype;
        p[i].rank = values[i]->rank < 0 ? 0 : values[i]->rank;
        for (int d = 0; d < p[i].rank; d++) p[i].dim[d] = values[i]->dim[d] < 0 ? -1 : values[i]->dim[d];
    }
    return p;
}

static fv_status apply_shape(fvi_graph *g, const fv_port *want, fv_error *err)
{
    for (int i = 0; i < g->n_inputs; i++) {
        fvi_value *v = g->inputs[i];
        if (strcmp(v->name, want->name)) continue;
        if (v->rank >= 0 && v->rank != want->rank)
            return fvi_error_set(err, FV_ERR_SHAPE, "input '%s' has %d dimensions, %d were given", v->name, v->rank, want->rank);
        if (v->rank == want->rank && !memcmp(v->dim, want->dim, sizeof(int64_t) * (size_t)want->rank)) return FV_OK;
        return fvi_graph_set_input_shape(g, i, want->rank, want->dim, err);
    }
    fvi_str names = {0};
    for (int i = 0; i < g->n_inputs; i++) fvi_str_printf(&names, "%s'%s'", i ? ", " : "", g->inputs[i]->name);
    fv_status st = fvi_error_set(err, FV_ERR_ARGUMENT, "the model has no input '%s'; it has %.300s", want->name, names.s ? names.s : "none");
    fvi_str_free(&names);
    return st;
}

/* A symbolic first dimension is the batch: 1 unless told otherwise. */
static fv_status settle_batch(fvi_graph *g, fv_error *err)
{
    for (int i = 0; i < g->n_inputs; i++) {
        fvi_value *v = g->inputs[i];
        if (v->rank < 1 || v->dim[0] != FVI_DIM_UNKNOWN) continue;
        int64_t dim[FV_MAX_RANK];
        memcpy(dim, v->dim, sizeof dim);
        dim[0] = 1;
        FVI_TRY(fvi_graph_set_input_shape(g, i, v->rank, dim, err));
    }
    return FV_OK;
}

static const fvi_value *symbolic_input(const fvi_graph *g)
{
    for (int i = 0; i < g->n_inputs; i++)
        if (fvi_value_count(g->inputs[i]) < 0) return g->inputs[i];
    return NULL;
}

static fv_status rewrite(fvi_graph *g, fv_model *m, bool final, bool plain, fv_error *err)
{
    /* the rewrites infer as they fold: shapes may depend on values that only folding knows */
    if (m->no_rewrite || plain) return fvi_graph_infer(g, err);
    if (m->int8) return fvi_rewrite_all_bytes(g, fvi_cpu_eval, &m->env, final ? &m->kept : NULL, final ? &m->n_kept : NULL, err);
    FVI_TRY(fvi_rewrite_all(g, fvi_cpu_eval, &m->env, err));
    return m->bf16 ? fvi_rewrite_precision(g, final ? &m->kept : NULL, final ? &m->n_kept : NULL, err) : FV_OK;
}

static fv_status grow_batch(fvi_graph *g, fv_model *m, int batch, fv_error *err)
{
    char obstacle[256] = "";
    if (g->n_inputs && g->inputs[0]->rank > 0 && g->inputs[0]->dim[0] == batch) return FV_OK;
    for (int i = 0; i < m->imported->n_inputs; i++) {
        const fvi_value *v = m->imported->inputs[i];
        if (v->rank > 0 && v->dim[0] != 1 && v->dim[0] != FVI_DIM_UNKNOWN)
            return fvi_error_set(err, FV_ERR_SHAPE, "input '%s' was exported with a fixed batch of %lld; export it with batch 1 or a dynamic batch", v->name, (long long)v->dim[0]);
    }
    fv_status st = fvi_rewrite_rebatch(g, batch, obstacle, sizeof obstacle, err);
    if (st < 0 && obstacle[0]) return fvi_error_set(err, st, "a batch of %d cannot be run at once: %s", batch, obstacle);
    return st;
}

/* What an engine file has planned for this. *from null: it is made from the imported graph, as for any model. */
static fv_status from_file(const fvi_graph **from, const fv_model *m, const fv_session_options *opt, fv_error *err)
{
    *from = NULL;
    if (!m->engine || m->refitted) return FV_OK;
    FVI_TRY(fvi_file_allows(m->engine, m->imported, opt, err));
    if (m->engine->plan) *from = fvi_file_graph(m->engine, m->imported, opt);
    return *from || m->imported->n_nodes ? FV_OK : fvi_file_no_graph(m->engine, m->imported, opt, err);
}

fv_status fvi_engine_specialise(fvi_graph **out, fv_model *m, const fv_session_options *opt, bool plain, fv_error *err)
{
    *out = NULL;
    bool reshaped = plain || (opt && opt->n_shapes > 0);
    fvi_graph *g = NULL;
    const fvi_graph *planned;
    FVI_TRY(from_file(&planned, m, opt, err));
    fv_status st = fvi_graph_clone(&g, planned ? planned : m->final && !reshaped ? m->final : m->imported, err);
    if (st < 0) return st;
    if (!planned && (!m->final || reshaped)) {
        for (int i = 0; st >= 0 && opt && i < opt->n_shapes; i++) st = apply_shape(g, &opt->shapes[i], err);
        if (st >= 0) st = settle_batch(g, err);
        const fvi_value *open = st >= 0 ? symbolic_input(g) : NULL;
        if (open) st = fvi_error_set(err, FV_ERR_SHAPE, "input '%s' has dimensions that the file leaves open; give its shape", open->name);
        if (st >= 0) st = rewrite(g, m, !opt, plain, err);
    }
    const int batch = planned ? fvi_file_batch(m->imported, opt) : opt ? opt->batch : 0;
    if (st >= 0 && batch > 0) st = grow_batch(g, m, batch, err);
    if (st < 0) {
        fvi_graph_free(&g);
        return st;
    }
    *out = g;
    return FV_OK;
}
