/* file_write.c: a model -> engine file: plans for each shape and CPU level, and what they chose and packed, laid out in order so that it can
 * go down a pipe. Public: fv_engine_write, fv_engine_save. Its parts come from file_plans.c. */
#include "model/engine/file_write.h"
#include "base/budget.h"
#include "base/checked.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/options.h"
#include "model/graph/store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static fv_status no_memory(fv_error *err) { return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for the engine file"); }

/* ---- constants as they are ---- */

typedef struct placed {
    const void *constant;
    uint64_t offset;
} placed;

/* Where the bytes of constants lie in the data section. Those of the same place in memory are stored once. */
typedef struct places {
    fvi_str data;
    placed *seen;
    size_t n, cap;
    const fvi_graph *g; /* at hand */
    const bool *skip, *uncounted; /* [its values]: not stored; not what stripping saves, since they would not be stored anyway */
    int64_t skipped;
    bool failed;
} places;

static size_t probe(const places *p, const void *constant)
{
    size_t i = (size_t)(fvi_hash(&constant, sizeof constant, 0) & (p->cap - 1));
    while (p->seen[i].constant && p->seen[i].constant != constant) i = (i + 1) & (p->cap - 1);
    return i;
}

static bool grow_seen(places *p)
{
    places bigger = *p;
    bigger.cap = p->cap ? p->cap * 2 : 256;
    bigger.seen = fvi_calloc(bigger.cap, sizeof *bigger.seen);
    if (!bigger.seen) return false;
    for (size_t i = 0; i < p->cap; i++)
        if (p->seen[i].constant) bigger.seen[probe(&bigger, p->seen[i].constant)] = p->seen[i];
    fvi_free(p->seen);
    *p = bigger;
    return true;
}

static void pad(fvi_str *out, size_t to)
{
    static const char zeros[FVI_FILE_PAGE];
    fvi_str_addn(out, zeros, fvi_round_up(out->len, to) - out->len);
}

static uint64_t place(void *user, const fvi_value *v)
{
    places *p = user;
    const size_t bytes = (size_t)fvi_value_count(v) * fv_dtype_size(v->dtype);
    const bool listed = p->skip && v->id >= 0 && v->id < p->g->n_values && p->g->values[v->id] == v; /* tensors of attributes are not */
    if (v->absent || (listed && p->skip[v->id])) {
        if (listed && p->uncounted && !p->uncounted[v->id]) p->skipped += (int64_t)bytes;
        return FVI_STORE_ABSENT;
    }
    if (!bytes) return 0;
    if (p->n * 2 >= p->cap && !grow_seen(p)) {
        p->failed = true;
        return 0;
    }
    placed *at = &p->seen[probe(p, v->constant)];
    if (!at->constant) {
        pad(&p->data, FVI_ALIGN);
        *at = (placed){v->constant, p->data.len};
        fvi_str_addn(&p->data, v->constant, bytes);
        p->n++;
    }
    return at->offset;
}

/* ---- sections ---- */

typedef struct piece {
    uint32_t kind, index;
    const void *data;
    size_t bytes;
} piece;

/* Order: small ones first, pages last. */
typedef struct image {
    fvi_draft *d;
    fvi_str texts[2 + FVI_DRAFT_GRAPHS + 1 + FVI_DRAFT_LEVELS];
    int n_texts;
    piece pieces[2 + FVI_DRAFT_GRAPHS + 1 + 2 * FVI_DRAFT_LEVELS + 1];
    int n_pieces;
    places places;
    int64_t weights;
} image;

static fvi_str *new_text(image *m) { return &m->texts[m->n_texts++]; }

static void add_piece(image *m, uint32_t kind, uint32_t index, const void *data, size_t bytes) { m->pieces[m->n_pieces++] = (piece){kind, index, data, bytes}; }

static void put_pair(fvi_str *out, uint32_t *n, const char *key, const char *value)
{
    fvi_put_text(out, key);
    fvi_put_text(out, value ? value : "");
    ++*n;
}

static void put_number(fvi_str *out, uint32_t *n, const char *key, int64_t v)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)v);
    put_pair(out, n, key, text);
}

static void put_bounds(fvi_str *out, uint32_t *n, const char *end, const fv_port *ports, int count)
{
    for (int i = 0; i < count; i++) {
        char key[FVI_FILE_SHAPE_KEY], text[200];
        fvi_file_shape_key(key, end, ports[i].name);
        fvi_file_print_dims(text, sizeof text, ports[i].rank, ports[i].dim);
        put_pair(out, n, key, text);
    }
}

static void write_info(image *m)
{
    const fvi_draft *d = m->d;
    char text[FVI_TIMING_TEXT];
    fvi_str body = {0}, levels = {0}, *out = new_text(m);
    uint32_t n = 0;
    fv_model_info info;
    fv_model_get_info(d->model, &info);
    fvi_timing_version(text, d->model->backend);
    put_pair(&body, &n, "version", text);
    put_pair(&body, &n, "device", d->model->backend->name);
    put_pair(&body, &n, "precision", fv_model_precision(d->model));
    for (int i = 0; i < d->n_levels; i++) fvi_str_printf(&levels, "%s%s", i ? "," : "", d->levels[i].name);
    put_pair(&body, &n, "levels", levels.s);
    fvi_timing_device_text(text, d->model->ctx->cpu, fv_context_threads(d->model->ctx));
    put_pair(&body, &n, "built on", text);
    snprintf(text, sizeof text, "%016llx", (unsigned long long)d->form);
    put_pair(&body, &n, "graph", text);
    put_number(&body, &n, "nodes", info.nodes_imported);
    put_number(&body, &n, "parameters", info.parameters);
    put_number(&body, &n, "weight bytes", info.weight_bytes);
    put_pair(&body, &n, "batch obstacle", d->model->batch_obstacle);
    put_bounds(&body, &n, "min", d->bounds[0], d->n_inputs * d->profile);
    put_bounds(&body, &n, "opt", d->bounds[1], d->n_inputs * d->profile);
    put_bounds(&body, &n, "max", d->bounds[2], d->n_inputs * d->profile);
    fvi_put_u32(out, n);
    fvi_str_addn(out, body.s, body.len);
    out->failed = out->failed || body.failed || levels.failed;
    fvi_str_free(&body);
    fvi_str_free(&levels);
    add_piece(m, FVI_SECTION_INFO, 0, out->s, out->len);
}

static void put_source(fvi_str *out, const char *name, fv_dtype dtype, int rank, const int64_t *dim)
{
    fvi_put_text(out, name);
    fvi_put_u8(out, (uint8_t)dtype);
    fvi_put_u8(out, (uint8_t)rank);
    for (int k = 0; k < rank; k++) fvi_put_u64(out, (uint64_t)dim[k]);
}

static fv_status write_sources(image *m, fv_error *err)
{
    fvi_str *out = new_text(m);
    const fvi_graph *g = m->d->model->imported;
    const fvi_file *f = m->d->model->engine;
    if (!g->n_nodes && f) { /* from an engine that has no model in it */
        fvi_put_u32(out, (uint32_t)f->n_sources);
        for (int i = 0; i < f->n_sources; i++) put_source(out, f->sources[i].name, f->sources[i].dtype, f->sources[i].rank, f->sources[i].dim);
    } else {
        bool *weight = fvi_calloc((size_t)g->n_values + 1, sizeof *weight);
        uint32_t n = 0;
        if (!weight) return no_memory(err);
        fvi_graph_weights(g, weight);
        for (int i = 0; i < g->n_values; i++) n += weight[i];
        fvi_put_u32(out, n);
        for (int i = 0; i < g->n_values; i++)
            if (weight[i]) put_source(out, g->values[i]->name, g->values[i]->dtype, g->values[i]->rank, g->values[i]->dim);
        fvi_free(weight);
    }
    add_piece(m, FVI_SECTION_SOURCES, 0, out->s, out->len);
    return FV_OK;
}

/* The model's ports without its nodes. */
static fvi_graph ports_of(const fvi_graph *g, fvi_value **values, fvi_value *copies)
{
    fvi_graph bare = *g;
    bare.values = values;
    bare.n_values = bare.n_nodes = 0;
    for (int k = 0; k < g->n_inputs + g->n_outputs; k++) {
        fvi_value *v = k < g->n_inputs ? g->inputs[k] : g->outputs[k - g->n_inputs];
        bool seen = false;
        for (int i = 0; i < bare.n_values; i++) seen = seen || values[i]->name == v->name;
        if (seen) continue;
        copies[bare.n_values] = *v;
        copies[bare.n_values].id = bare.n_values;
        copies[bare.n_values].constant = NULL;
        values[bare.n_values] = &copies[bare.n_values];
        bare.n_values++;
    }
    return bare;
}

static fvi_value *by_name(const fvi_graph *bare, const fvi_value *v)
{
    for (int i = 0; i < bare->n_values; i++)
        if (bare->values[i]->name == v->name) return bare->values[i];
    return NULL;
}

static fv_status write_ports(image *m, fvi_str *out, fv_error *err)
{
    const fvi_graph *g = m->d->model->imported;
    const size_t n = (size_t)(g->n_inputs + g->n_outputs) + 1;
    fvi_value **values = fvi_calloc(3 * n, sizeof *values), *copies = fvi_calloc(n, sizeof *copies);
    if (values && copies) {
        fvi_graph bare = ports_of(g, values, copies);
        bare.inputs = values + n, bare.outputs = values + 2 * n;
        for (int i = 0; i < g->n_inputs; i++) bare.inputs[i] = by_name(&bare, g->inputs[i]);
        for (int i = 0; i < g->n_outputs; i++) bare.outputs[i] = by_name(&bare, g->outputs[i]);
        fvi_graph_store(&bare, out, place, &m->places);
    }
    const bool ok = values && copies;
    fvi_free(values);
    fvi_free(copies);
    return ok ? FV_OK : no_memory(err);
}

/* Weights that every reader takes packed need not be there as they are; stripped files have none at all. */
static fv_status write_graphs(image *m, fv_error *err)
{
    fvi_draft *d = m->d;
    for (int i = -1; i < d->n_graphs; i++) {
        fvi_str *out = new_text(m);
        const fvi_graph *g = i < 0 ? d->model->imported : d->graphs[i];
        if (i < 0 && !d->portable) {
            FVI_TRY(write_ports(m, out, err));
        } else {
            const size_t n = (size_t)g->n_values + 1;
            bool *skip = fvi_calloc(2 * n, sizeof *skip), *only = skip ? skip + n : NULL;
            if (!skip) return no_memory(err);
            if (i >= 0) fvi_draft_packed_only(d, i, only);
            if (d->strip)
                fvi_graph_weights(g, skip);
            else
                memcpy(skip, only, n * sizeof *skip);
            m->places.g = g;
            m->places.skip = skip;
            m->places.uncounted = i == 0 && d->strip ? only : NULL;
            fvi_graph_store(g, out, place, &m->places);
            m->places.skip = m->places.uncounted = NULL;
            fvi_free(skip);
        }
        add_piece(m, FVI_SECTION_GRAPH, (uint32_t)(i + 1), out->s, out->len);
    }
    return FV_OK;
}

static void write_plans(image *m)
{
    const fvi_draft *d = m->d;
    for (int l = 0; l < d->n_levels; l++) {
        const fvi_draft_level *v = &d->levels[l];
        fvi_str *out = new_text(m);
        fvi_put_text(out, v->name);
        fvi_put_u32(out, (uint32_t)v->n_choices);
        for (size_t i = 0; i < v->n_choices; i++) fvi_put_u64(out, v->choices[i].problem), fvi_put_text(out, v->choices[i].tactic);
        fvi_put_u32(out, d->strip ? 0 : (uint32_t)v->n_blobs);
        for (size_t i = 0; i < v->n_blobs && !d->strip; i++)
            fvi_put_u64(out, v->blobs[i].key), fvi_put_u64(out, v->blobs[i].offset), fvi_put_u64(out, v->blobs[i].bytes);
        add_piece(m, FVI_SECTION_PLAN, (uint32_t)l, out->s, out->len);
    }
}

/* ---- the file ---- */

static size_t aligned(const piece *p, size_t at)
{
    const bool page = p->kind == FVI_SECTION_DATA || p->kind == FVI_SECTION_PACKED;
    return fvi_round_up(at, page ? FVI_FILE_PAGE : 8);
}

static void put_head(char *file, const fvi_section *s, int n, uint64_t size, uint32_t marks)
{
    fvi_str head = {0}, table = {0};
    fvi_put(&head, FVI_FILE_MAGIC, 8);
    fvi_put_u32(&head, FVI_FILE_VERSION);
    fvi_put_u32(&head, (uint32_t)n);
    fvi_put_u64(&head, size);
    fvi_put_u32(&head, marks);
    fvi_put_u32(&head, 0);
    for (int i = 0; i < n; i++) {
        fvi_put_u32(&table, s[i].kind), fvi_put_u32(&table, s[i].index);
        fvi_put_u64(&table, s[i].offset), fvi_put_u64(&table, s[i].bytes), fvi_put_u64(&table, s[i].sum), fvi_put_u64(&table, 0);
    }
    if (!head.failed && !table.failed) {
        fvi_put_u64(&head, fvi_hash(table.s, table.len, fvi_hash(head.s, 32, 0)));
        memcpy(file, head.s, head.len);
        memcpy(file + FVI_FILE_HEAD, table.s, table.len);
    }
    fvi_str_free(&head);
    fvi_str_free(&table);
}

static void put_packed(char *to, const fvi_draft_level *v)
{
    for (size_t i = 0; i < v->n_blobs; i++)
        memcpy(to + v->blobs[i].offset, v->blobs[i].data, v->blobs[i].bytes);
}

static fv_status assemble(image *m, char **file, size_t *size, fv_error *err)
{
    fvi_section s[FVI_FILE_MAX_SECTIONS];
    size_t at = FVI_FILE_HEAD + (size_t)m->n_pieces * FVI_FILE_ENTRY;
    for (int i = 0; i < m->n_pieces; i++) {
        const piece *p = &m->pieces[i];
        at = aligned(p, at);
        s[i] = (fvi_section){p->kind, p->index, at, p->bytes, 0};
        at += p->bytes + FVI_PAD;
    }
    *size = at;
    *file = at <= FVI_FILE_MAX_BYTES ? fvi_calloc(1, at) : NULL;
    if (!*file) return no_memory(err);
    for (int i = 0; i < m->n_pieces; i++) {
        const piece *p = &m->pieces[i];
        if (p->kind == FVI_SECTION_PACKED)
            put_packed(*file + s[i].offset, p->data);
        else if (p->bytes)
            memcpy(*file + s[i].offset, p->data, p->bytes);
        if (!fvi_file_sum(m->d->model->ctx->pool, *file + s[i].offset, s[i].bytes, &s[i].sum)) return no_memory(err);
    }
    const uint32_t marks = (m->d->strip ? FVI_FILE_STRIPPED : 0u) | (m->d->portable ? FVI_FILE_PORTABLE : 0u);
    put_head(*file, s, m->n_pieces, *size, marks);
    return FV_OK;
}

static fv_status draw(image *m, char **file, size_t *size, fv_error *err)
{
    write_info(m);
    FVI_TRY(write_sources(m, err));
    FVI_TRY(write_graphs(m, err));
    write_plans(m);
    bool failed = m->places.failed || m->places.data.failed;
    for (int i = 0; i < m->n_texts; i++) failed = failed || m->texts[i].failed;
    if (failed) return no_memory(err);
    add_piece(m, FVI_SECTION_DATA, 0, m->places.data.s, m->places.data.len);
    m->weights = (int64_t)m->places.data.len;
    for (int l = 0; l < m->d->n_levels && !m->d->strip; l++) {
        add_piece(m, FVI_SECTION_PACKED, (uint32_t)l, &m->d->levels[l], (size_t)m->d->levels[l].packed);
        m->weights += (int64_t)m->d->levels[l].packed;
    }
    return assemble(m, file, size, err);
}

static fv_status image_of(fvi_draft *d, char **file, size_t *size, fv_engine_report *r, fv_error *err)
{
    image *m = fvi_calloc(1, sizeof *m);
    *file = NULL;
    if (!m) return no_memory(err);
    m->d = d;
    const fv_status st = draw(m, file, size, err);
    r->bytes = (int64_t)*size;
    r->weight_bytes = m->weights;
    r->saved_bytes = d->strip ? m->places.skipped : 0;
    for (int l = 0; l < d->n_levels && d->strip; l++) r->saved_bytes += (int64_t)d->levels[l].packed;
    for (int i = 0; i < m->n_texts; i++) fvi_str_free(&m->texts[i]);
    fvi_str_free(&m->places.data);
    fvi_free(m->places.seen);
    fvi_free(m);
    return st;
}

static fv_status make(fv_model *m, const fv_engine_options *given, char **file, size_t *size, fv_engine_report *report, fv_error *err)
{
    fv_engine_options o = {.size = sizeof o};
    fv_engine_report r = {.size = sizeof r};
    *file = NULL;
    if (!m) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_engine_write: model is null");
    FVI_TRY(fvi_options_read(&o, sizeof o, given, "FV_ENGINE_OPTIONS", err));
    fvi_draft *d;
    fvi_budget budget;
    fvi_budget_begin(&budget, m->ctx->memory_limit);
    fv_status st = fvi_draft_make(&d, m, &o, &r, err);
    if (st >= 0) st = image_of(d, file, size, &r, err);
    fvi_draft_free(&d);
    st = fvi_budget_end(&budget, st, err);
    if (st < 0) FVI_FREE(*file);
    if (st >= 0 && report && report->size >= sizeof report->size) {
        const uint32_t n = report->size < sizeof r ? report->size : (uint32_t)sizeof r;
        r.size = report->size;
        memcpy(report, &r, n);
    }
    return st;
}

fv_status fv_engine_write(fv_model *m, const fv_engine_options *opt, fv_write_fn write, void *user, fv_engine_report *report, fv_error *err)
{
    char *file;
    size_t size;
    if (!write) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_engine_write: write is null");
    FVI_TRY(make(m, opt, &file, &size, report, err));
    fv_status st = FV_OK;
    for (size_t at = 0, n; at < size && st >= 0; at += n) {
        n = size - at < (1 << 20) ? size - at : (1 << 20);
        st = write(user, file + at, n, err);
    }
    fvi_free(file);
    return st;
}

fv_status fv_engine_save(fv_model *m, const char *path, const fv_engine_options *opt, fv_engine_report *report, fv_error *err)
{
    char *file;
    size_t size;
    if (!path) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_engine_save: path is null");
    FVI_TRY(make(m, opt, &file, &size, report, err));
    const fv_status st = fvi_file_write(path, file, size, err);
    fvi_free(file);
    return st;
}
