/* file_use.c: an open engine file as what a model is made of: tactics and packed weights by key, planned graphs by shape. Called by
 * model.c, graphs.c and tuning.c. */
#include "base/alloc.h"
#include "base/hash.h"
#include "model/engine/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t fvi_file_first(const void *records, size_t n, size_t size, uint64_t key)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        const size_t mid = (lo + hi) / 2;
        uint64_t k;
        memcpy(&k, (const char *)records + mid * size, sizeof k);
        if (k < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const char *fvi_file_tactic(const fvi_file *f, const char *problem)
{
    if (!f->plan) return NULL;
    const uint64_t key = fvi_hash_text(problem, 0);
    const size_t n = (size_t)f->plan->n_choices, at = fvi_file_first(f->plan->choices, n, sizeof *f->plan->choices, key);
    return at < n && f->plan->choices[at].problem == key ? f->plan->choices[at].tactic : NULL;
}

const void *fvi_file_packed(const fvi_file *f, const char *step, const char *form, size_t bytes)
{
    if (!f->plan || !f->plan->packed.bytes) return NULL;
    const uint64_t key = fvi_file_key(step, form);
    const size_t n = (size_t)f->plan->n_blobs, at = fvi_file_first(f->plan->blobs, n, sizeof *f->plan->blobs, key);
    if (at == n || f->plan->blobs[at].key != key || f->plan->blobs[at].bytes != bytes) return NULL;
    return f->data + f->plan->packed.offset + f->plan->blobs[at].offset;
}

/* ---- shapes ---- */

void fvi_file_shape_key(char out[FVI_FILE_SHAPE_KEY], const char *end, const char *input) { snprintf(out, FVI_FILE_SHAPE_KEY, "%s shape %.200s", end, input); }

static void wanted(const fvi_graph *ports, const fv_session_options *opt, int i, int *rank, int64_t dim[FV_MAX_RANK])
{
    const fvi_value *v = ports->inputs[i];
    *rank = v->rank;
    memcpy(dim, v->dim, sizeof v->dim);
    for (int k = 0; opt && k < opt->n_shapes; k++)
        if (!strcmp(opt->shapes[k].name, v->name)) {
            *rank = opt->shapes[k].rank;
            memcpy(dim, opt->shapes[k].dim, sizeof v->dim);
        }
    if (*rank > 0 && opt && opt->batch > 0) dim[0] = opt->batch;
    if (*rank > 0 && dim[0] < 0) dim[0] = 1;
}

static bool fits(const fvi_graph *g, const fvi_graph *ports, const fv_session_options *opt, bool any_batch)
{
    for (int i = 0; i < ports->n_inputs; i++) {
        int64_t dim[FV_MAX_RANK];
        int rank;
        if (i >= g->n_inputs || strcmp(g->inputs[i]->name, ports->inputs[i]->name)) return false;
        wanted(ports, opt, i, &rank, dim);
        if (rank != g->inputs[i]->rank) return false;
        for (int d = 0; d < rank; d++)
            if (dim[d] != g->inputs[i]->dim[d] && !(any_batch && d == 0 && g->inputs[i]->dim[0] == 1)) return false;
    }
    return g->n_inputs == ports->n_inputs;
}

const fvi_graph *fvi_file_graph(const fvi_file *f, const fvi_graph *ports, const fv_session_options *opt)
{
    for (int any = 0; any < 2; any++)
        for (int i = 1; i < f->n_graphs; i++)
            if (fits(f->graphs[i], ports, opt, any)) return f->graphs[i];
    return NULL;
}

int fvi_file_batch(const fvi_graph *ports, const fv_session_options *opt)
{
    int64_t dim[FV_MAX_RANK];
    int rank = 0;
    if (ports->n_inputs) wanted(ports, opt, 0, &rank, dim);
    return rank > 0 && dim[0] <= 4096 ? (int)dim[0] : 0;
}

/* "1x3x640x640" against the bound of that key. */
static bool beyond(const fvi_file *f, const char *end, const char *name, int rank, const int64_t *dim, int sign)
{
    char key[FVI_FILE_SHAPE_KEY];
    fvi_file_shape_key(key, end, name);
    const char *p = fvi_file_info(f, key);
    for (int d = 0; d < rank && *p; d++) {
        char *rest;
        const long long bound = strtoll(p, &rest, 10);
        if (rest == p) return false;
        if (sign < 0 ? dim[d] < bound : dim[d] > bound) return true;
        p = *rest == 'x' ? rest + 1 : rest;
    }
    return false;
}

void fvi_file_print_dims(char *out, size_t n, int rank, const int64_t *dim)
{
    size_t at = 0;
    out[0] = 0;
    for (int d = 0; d < rank && at < n; d++) at += (size_t)snprintf(out + at, n - at, "%s%lld", d ? "x" : "", (long long)dim[d]);
}

fv_status fvi_file_allows(const fvi_file *f, const fvi_graph *ports, const fv_session_options *opt, fv_error *err)
{
    if (f->marks & FVI_FILE_STRIPPED)
        return fvi_error_set(err, FV_ERR_MODEL, "the engine file carries no weights (it was built with --stripWeights): put them in with "
                                                "`fovea refit FILE.fv --weights MODEL.onnx -o FULL.fv`, or give --refitFromOnnx MODEL.onnx");
    for (int i = 0; i < ports->n_inputs; i++) {
        int64_t dim[FV_MAX_RANK];
        int rank;
        char shape[128], key[FVI_FILE_SHAPE_KEY], low[200];
        const char *name = ports->inputs[i]->name;
        wanted(ports, opt, i, &rank, dim);
        if (!beyond(f, "min", name, rank, dim, -1) && !beyond(f, "max", name, rank, dim, 1)) continue;
        fvi_file_print_dims(shape, sizeof shape, rank, dim);
        fvi_file_shape_key(key, "min", name);
        snprintf(low, sizeof low, "%s", fvi_file_info(f, key));
        fvi_file_shape_key(key, "max", name);
        return fvi_error_set(err, FV_ERR_SHAPE, "input '%.100s' is %s, the engine file is for %.100s to %.100s", name, shape, low, fvi_file_info(f, key));
    }
    return FV_OK;
}

fv_status fvi_file_no_graph(const fvi_file *f, const fvi_graph *ports, const fv_session_options *opt, fv_error *err)
{
    int64_t dim[FV_MAX_RANK];
    int rank = 0;
    char shape[128] = "", have[128] = "";
    if (ports->n_inputs) wanted(ports, opt, 0, &rank, dim);
    fvi_file_print_dims(shape, sizeof shape, rank, dim);
    if (f->n_graphs > 1 && f->graphs[1]->n_inputs) fvi_file_print_dims(have, sizeof have, f->graphs[1]->inputs[0]->rank, f->graphs[1]->inputs[0]->dim);
    return fvi_error_set(err, FV_ERR_SHAPE, "the engine file has no plan for input '%.100s' of %s (it has %s): build it with --minShapes and --maxShapes, or with --portable",
                         ports->n_inputs ? ports->inputs[0]->name : "", shape, have);
}

/* ---- the model ---- */

static bool declared_shapes(const fvi_graph *g, const fvi_graph *ports)
{
    for (int i = 0; i < ports->n_inputs; i++)
        for (int d = 1; d < ports->inputs[i]->rank; d++)
            if (ports->inputs[i]->dim[d] < 0) return false;
    return fits(g, ports, NULL, false);
}

fv_status fvi_file_model(fv_model *m, fvi_file *f, fv_error *err)
{
    const char *device = fvi_file_info(f, "device"), *obstacle = fvi_file_info(f, "batch obstacle");
    if (strcmp(device, m->backend->name)) return fvi_error_set(err, FV_ERR_DEVICE, "the engine file is for device %.40s, not %s", device, m->backend->name);
    m->engine = f;
    m->imported = f->graphs[0];
    if (f->plan && f->n_graphs > 1 && declared_shapes(f->graphs[1], m->imported)) m->final = f->graphs[1];
    if (!f->plan && !(f->marks & FVI_FILE_STRIPPED))
        fvi_log_write(&m->ctx->log, FV_LOG_INFO, "the engine file has nothing packed for this %s: it is rewritten and packed now, as an ONNX model is",
                      f->same_version ? "machine" : "version of fovea");
    if (!obstacle[0]) return FV_OK;
    m->batch_obstacle = fvi_strdup(obstacle);
    return m->batch_obstacle ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
}

/* ---- what it says of itself ---- */

const char *fv_engine_info(const fv_model *m, const char *key)
{
    for (int i = 0; m && m->engine && key && i < m->engine->n_info; i++)
        if (!strcmp(m->engine->info[i].key, key)) return m->engine->info[i].value;
    return NULL;
}

const char *fv_engine_info_at(const fv_model *m, int i, const char **key)
{
    if (!m || !m->engine || i < 0 || i >= m->engine->n_info) return NULL;
    if (key) *key = m->engine->info[i].key;
    return m->engine->info[i].value;
}

const char *fv_engine_weight_at(const fv_model *m, int i, fv_port *port)
{
    if (!m || !m->engine || i < 0 || i >= m->engine->n_sources) return NULL;
    const fvi_source *s = &m->engine->sources[i];
    if (port) {
        *port = (fv_port){.name = s->name, .dtype = s->dtype, .rank = s->rank};
        memcpy(port->dim, s->dim, sizeof port->dim);
    }
    return s->name;
}

fv_status fv_engine_part_at(const fv_model *m, int i, const char **what, const char **level, int64_t *bytes)
{
    static const char *const names[] = {"", "description", "list of weights", "graph", "plan", "constants", "packed weights"};
    if (!m || !m->engine || i < 0) return FV_ERR_ARGUMENT;
    if (i >= m->engine->n_sections) return FV_END;
    const fvi_section *s = &m->engine->sections[i];
    const bool of_level = s->kind == FVI_SECTION_PLAN || s->kind == FVI_SECTION_PACKED;
    if (what) *what = s->kind == FVI_SECTION_GRAPH && !s->index ? m->imported->n_nodes ? "model" : "ports" : names[s->kind];
    if (level) *level = of_level && s->index < (uint32_t)m->engine->n_plans ? m->engine->plans[s->index].level : NULL;
    if (bytes) *bytes = (int64_t)s->bytes;
    return FV_OK;
}
