/* file_read.c: bytes -> open engine file: header, table, checksums, then each section. Called by model.c when a file begins with the magic;
 * fuzzed (fuzz/fuzz_engine.c). */
#include "model/engine/file.h"
#include "base/checked.h"
#include "base/hash.h"
#include "model/graph/store.h"
#include <stdio.h>
#include <string.h>

#define AGAIN "build it again from the model: fovea build MODEL.onnx -o FILE.fv"

bool fvi_file_is(const uint8_t *bytes, size_t size) { return size >= 8 && !memcmp(bytes, FVI_FILE_MAGIC, 8); }

static fv_status damaged(fv_error *err, const char *what)
{
    return fvi_error_set(err, FV_ERR_MODEL_FORMAT, "the engine file is damaged: %s; copy it again, or " AGAIN, what);
}

static fv_status no_memory(fv_error *err) { return fvi_error_set(err, FV_ERR_MEMORY, "out of memory while opening the engine file"); }

/* ---- header and table ---- */

static fv_status read_head(fvi_file *f, fv_error *err)
{
    fvi_bytes b = {f->data, f->size, false};
    char magic[8];
    fvi_take(&b, magic, sizeof magic);
    const uint32_t version = fvi_take_u32(&b), n = fvi_take_u32(&b);
    const uint64_t size = fvi_take_u64(&b);
    f->marks = fvi_take_u32(&b);
    const uint32_t zero = fvi_take_u32(&b);
    const uint64_t sum = fvi_take_u64(&b);
    if (b.bad || f->size < FVI_FILE_HEAD) return damaged(err, "it is cut short");
    if (version != FVI_FILE_VERSION)
        return fvi_error_set(err, FV_ERR_MODEL_FORMAT, "the engine file has format %u, this version reads format %d; " AGAIN, version, FVI_FILE_VERSION);
    if (size != f->size)
        return fvi_error_set(err, FV_ERR_MODEL_FORMAT, "the engine file is cut short or has more behind it: it should have %llu bytes and has %zu; copy it again, or " AGAIN,
                             (unsigned long long)size, f->size);
    if (zero || f->marks > 3 || n < 1 || n > FVI_FILE_MAX_SECTIONS || FVI_FILE_HEAD + (size_t)n * FVI_FILE_ENTRY > f->size) return damaged(err, "its header");
    const uint64_t head = fvi_hash(f->data, 32, 0);
    if (fvi_hash(f->data + FVI_FILE_HEAD, (size_t)n * FVI_FILE_ENTRY, head) != sum) return damaged(err, "its table of sections");
    f->n_sections = (int)n;
    return FV_OK;
}

/* In order, each on a page of its own or on a cache line, FVI_PAD bytes behind each. */
static fv_status read_table(fvi_file *f, fv_error *err)
{
    fvi_bytes b = {f->data + FVI_FILE_HEAD, (size_t)f->n_sections * FVI_FILE_ENTRY, false};
    uint64_t end = FVI_FILE_HEAD + (uint64_t)f->n_sections * FVI_FILE_ENTRY;
    for (int i = 0; i < f->n_sections; i++) {
        fvi_section *s = &f->sections[i];
        s->kind = fvi_take_u32(&b), s->index = fvi_take_u32(&b);
        s->offset = fvi_take_u64(&b), s->bytes = fvi_take_u64(&b), s->sum = fvi_take_u64(&b);
        const bool page = s->kind == FVI_SECTION_DATA || s->kind == FVI_SECTION_PACKED;
        if (fvi_take_u64(&b) || s->offset < end || s->offset % (page ? FVI_FILE_PAGE : 8) || s->offset > f->size || s->bytes > f->size - s->offset ||
            f->size - s->offset - s->bytes < FVI_PAD)
            return damaged(err, "a section lies outside the file");
        if (s->kind < FVI_SECTION_INFO || s->kind > FVI_SECTION_PACKED)
            return fvi_error_set(err, FV_ERR_MODEL_FORMAT, "the engine file has a section of kind %u, which this version does not know; " AGAIN, s->kind);
        end = s->offset + s->bytes;
    }
    return FV_OK;
}

static const fvi_section *section(const fvi_file *f, uint32_t kind, uint32_t index)
{
    for (int i = 0; i < f->n_sections; i++)
        if (f->sections[i].kind == kind && f->sections[i].index == index) return &f->sections[i];
    return NULL;
}

typedef struct summing {
    const uint8_t *data;
    size_t bytes;
    uint64_t *sums; /* [chunks] */
} summing;

static void sum_chunk(void *arg, int chunk, int thread)
{
    const summing *s = arg;
    const size_t at = (size_t)chunk * FVI_FILE_CHUNK, left = s->bytes - at;
    (void)thread;
    s->sums[chunk] = fvi_hash(s->data + at, left < FVI_FILE_CHUNK ? left : FVI_FILE_CHUNK, 0);
}

bool fvi_file_sum(fvi_pool *pool, const void *data, size_t bytes, uint64_t *sum)
{
    const size_t n = bytes / FVI_FILE_CHUNK + (bytes % FVI_FILE_CHUNK != 0); /* a file is far smaller than 2^31 chunks */
    summing s = {data, bytes, fvi_alloc((n + 1) * sizeof *s.sums)};
    if (!s.sums) return false;
    fvi_pool_run(n > 1 ? pool : NULL, sum_chunk, &s, (int)n);
    *sum = fvi_hash(s.sums, n * sizeof *s.sums, 0); /* little-endian: so is every machine that this runs on */
    fvi_free(s.sums);
    return true;
}

static fv_status check_sum(const fvi_file *f, const fvi_section *s, fv_error *err)
{
    static const char *const names[] = {"", "its description", "its list of weights", "a graph", "a plan", "its constants", "its packed weights"};
    uint64_t sum;
    if (!fvi_file_sum(f->pool, f->data + s->offset, s->bytes, &sum)) return no_memory(err);
    return sum == s->sum ? FV_OK : damaged(err, names[s->kind]);
}

/* ---- sections ---- */

static const char *text(fvi_file *f, fvi_bytes *b)
{
    const uint32_t n = fvi_take_u32(b);
    if (b->bad || n > 1u << 24 || n > b->n || memchr(b->p, 0, n)) {
        b->bad = true;
        return "";
    }
    const char *s = fvi_arena_strndup(f->arena, (const char *)b->p, n);
    b->p += n;
    b->n -= n;
    b->bad = !s;
    return s ? s : "";
}

static fvi_bytes bytes_of(const fvi_file *f, const fvi_section *s) { return (fvi_bytes){f->data + s->offset, s->bytes, false}; }

static fv_status read_info(fvi_file *f, fv_error *err)
{
    const fvi_section *s = section(f, FVI_SECTION_INFO, 0);
    if (!s) return damaged(err, "it does not say what it is");
    FVI_TRY(check_sum(f, s, err));
    fvi_bytes b = bytes_of(f, s);
    const uint32_t n = fvi_take_count(&b, 8, 1024);
    f->info = fvi_arena_array(f->arena, (size_t)n + 1, sizeof *f->info);
    if (!f->info) return no_memory(err);
    for (; f->n_info < (int)n && !b.bad; f->n_info++) {
        f->info[f->n_info].key = (char *)(uintptr_t)text(f, &b);
        f->info[f->n_info].value = (char *)(uintptr_t)text(f, &b);
    }
    return b.bad || b.n ? damaged(err, "its description") : FV_OK;
}

const char *fvi_file_info(const fvi_file *f, const char *key)
{
    for (int i = 0; i < f->n_info; i++)
        if (!strcmp(f->info[i].key, key)) return f->info[i].value;
    return "";
}

static fv_status read_sources(fvi_file *f, fv_error *err)
{
    const fvi_section *s = section(f, FVI_SECTION_SOURCES, 0);
    if (!s) return FV_OK;
    FVI_TRY(check_sum(f, s, err));
    fvi_bytes b = bytes_of(f, s);
    const uint32_t n = fvi_take_count(&b, 6, 1u << 21);
    f->sources = fvi_arena_array(f->arena, (size_t)n + 1, sizeof *f->sources);
    if (!f->sources) return no_memory(err);
    for (; f->n_sources < (int)n && !b.bad; f->n_sources++) {
        fvi_source *p = &f->sources[f->n_sources];
        p->name = text(f, &b);
        const uint8_t dtype = fvi_take_u8(&b), rank = fvi_take_u8(&b);
        if (dtype >= FV_DTYPE_COUNT || rank > FV_MAX_RANK) return damaged(err, "its list of weights");
        p->dtype = (fv_dtype)dtype;
        p->rank = rank;
        for (int d = 0; d < rank; d++) p->dim[d] = (int64_t)fvi_take_u64(&b);
    }
    return b.bad || b.n ? damaged(err, "its list of weights") : FV_OK;
}

static bool may_miss(const fvi_node *n, int input) { return fvi_backend_cpu()->packs(n, input); }

static fv_status read_graphs(fvi_file *f, fv_error *err)
{
    const fvi_section *data = section(f, FVI_SECTION_DATA, 0);
    if (data) FVI_TRY(check_sum(f, data, err));
    int n = 0;
    while (section(f, FVI_SECTION_GRAPH, (uint32_t)n)) n++;
    if (n < 1) return damaged(err, "it holds no graph");
    f->graphs = fvi_arena_array(f->arena, (size_t)n, sizeof *f->graphs);
    if (!f->graphs) return no_memory(err);
    for (; f->n_graphs < n; f->n_graphs++) {
        const fvi_section *s = section(f, FVI_SECTION_GRAPH, (uint32_t)f->n_graphs);
        FVI_TRY(check_sum(f, s, err));
        fvi_bytes b = bytes_of(f, s);
        const bool first = f->n_graphs == 0, stripped = f->marks & FVI_FILE_STRIPPED;
        fvi_graph *g;
        FVI_TRY(fvi_graph_restore(&g, &b, data ? f->data + data->offset : NULL, data ? data->bytes : 0, first, stripped ? NULL : may_miss, err));
        f->graphs[f->n_graphs] = g;
        fv_status st = b.n ? damaged(err, "a graph") : FV_OK;
        if (st >= 0 && g->n_nodes && !first && !stripped) st = fvi_graph_infer(g, err);
        if (st < 0) {
            fvi_graph_free(&f->graphs[f->n_graphs]);
            return st;
        }
    }
    return FV_OK;
}

static fv_status read_plan(fvi_file *f, const fvi_section *s, fvi_file_plan *p, fv_error *err)
{
    FVI_TRY(check_sum(f, s, err));
    fvi_bytes b = bytes_of(f, s);
    const fvi_section *packed = section(f, FVI_SECTION_PACKED, s->index);
    if (packed) p->packed = *packed;
    p->level = text(f, &b);
    const uint32_t choices = fvi_take_count(&b, 12, 1u << 20);
    p->choices = fvi_arena_array(f->arena, (size_t)choices + 1, sizeof *p->choices);
    if (!p->choices) return no_memory(err);
    uint64_t last = 0;
    for (; p->n_choices < (int)choices && !b.bad; p->n_choices++) {
        fvi_choice *c = &p->choices[p->n_choices];
        c->problem = fvi_take_u64(&b);
        c->tactic = text(f, &b);
        if (p->n_choices && c->problem <= last) return damaged(err, "a plan");
        last = c->problem;
    }
    const uint32_t blobs = fvi_take_count(&b, 24, 1u << 20);
    p->blobs = fvi_arena_array(f->arena, (size_t)blobs + 1, sizeof *p->blobs);
    if (!p->blobs) return no_memory(err);
    for (; p->n_blobs < (int)blobs && !b.bad; p->n_blobs++) {
        fvi_blob *k = &p->blobs[p->n_blobs];
        k->key = fvi_take_u64(&b), k->offset = fvi_take_u64(&b), k->bytes = fvi_take_u64(&b);
        if (k->offset % FVI_ALIGN || k->offset > p->packed.bytes || k->bytes > p->packed.bytes - k->offset || (p->n_blobs && k->key <= last))
            return damaged(err, "packed weights lie outside their section");
        last = k->key;
    }
    return b.bad || b.n ? damaged(err, "a plan") : FV_OK;
}

/* The highest level that may be used here. */
static void choose_plan(fvi_file *f, fvi_cpu_flags levels)
{
    fvi_cpu_flags best = 0;
    for (int i = 0; i < f->n_plans; i++) {
        fvi_cpu_flags its;
        const char *bad;
        size_t bad_len;
        if (!fvi_cpu_parse(f->plans[i].level, &its, &bad, &bad_len) || (its & ~levels) || its <= best) continue;
        best = its;
        f->plan = &f->plans[i];
    }
}

static fv_status read_plans(fvi_file *f, fvi_cpu_flags levels, fv_error *err)
{
    int n = 0;
    while (section(f, FVI_SECTION_PLAN, (uint32_t)n)) n++;
    f->plans = fvi_arena_array(f->arena, (size_t)n + 1, sizeof *f->plans);
    if (!f->plans) return no_memory(err);
    for (; f->n_plans < n; f->n_plans++) FVI_TRY(read_plan(f, section(f, FVI_SECTION_PLAN, (uint32_t)f->n_plans), &f->plans[f->n_plans], err));
    const bool portable = f->marks & FVI_FILE_PORTABLE;
    if (!f->same_version) return FV_OK;
    choose_plan(f, levels);
    if (!f->plan && !portable)
        return fvi_error_set(err, FV_ERR_MODEL, "the engine file is for CPU level %s, this machine (or --cpu) has %s; build it here, with --target %s, or with --portable", fvi_file_info(f, "levels"),
                             fvi_cpu_level_name(levels), fvi_cpu_level_name(levels));
    return f->plan && f->plan->packed.bytes ? check_sum(f, &f->plan->packed, err) : FV_OK;
}

static fv_status check_version(fvi_file *f, const fvi_backend *backend, fv_error *err)
{
    char mine[FVI_TIMING_TEXT];
    fvi_timing_version(mine, backend);
    f->same_version = !strcmp(mine, fvi_file_info(f, "version"));
    if (f->same_version || (f->marks & FVI_FILE_PORTABLE)) return FV_OK;
    return fvi_error_set(err, FV_ERR_MODEL_FORMAT, "the engine file is of fovea %s, this is %s, whose kernels read other packed weights; " AGAIN " (with --portable it would run on both)",
                         fvi_file_info(f, "version"), mine);
}

static fv_status read_file(fvi_file *f, const fvi_backend *backend, fvi_cpu_flags levels, fv_error *err)
{
    FVI_TRY(read_head(f, err));
    FVI_TRY(read_table(f, err));
    FVI_TRY(read_info(f, err));
    FVI_TRY(check_version(f, backend, err));
    FVI_TRY(read_sources(f, err));
    FVI_TRY(read_plans(f, levels, err));
    return read_graphs(f, err);
}

fv_status fvi_file_open(fvi_file **out, fvi_map *map, void *memory, size_t size, const fvi_backend *backend, const fvi_backend_env *env, fv_error *err)
{
    fvi_file *f = *out = fvi_calloc(1, sizeof *f);
    if (!f) {
        if (map) fvi_map_close(map);
        fvi_free(memory);
        return no_memory(err);
    }
    atomic_store(&f->refs, 1);
    if (map) f->map = *map, *map = (fvi_map){0};
    f->memory = memory;
    f->data = memory ? memory : f->map.data;
    f->size = memory ? size : f->map.size;
    f->arena = fvi_arena_create(f->size * 4 + (1 << 20)); /* texts and tables grow by their pointers only */
    f->pool = env->pool;
    fv_status st = f->arena ? read_file(f, backend, env->cpu, err) : no_memory(err);
    f->pool = NULL;
    if (st < 0) fvi_file_close(out);
    return st;
}

void fvi_file_close(fvi_file **fp)
{
    fvi_file *f = *fp;
    *fp = NULL;
    if (!f || atomic_fetch_sub(&f->refs, 1) > 1) return;
    for (int i = 0; i < f->n_graphs; i++) fvi_graph_free(&f->graphs[i]);
    fvi_arena_free(&f->arena);
    fvi_map_close(&f->map);
    fvi_free(f->memory);
    fvi_free(f);
}

uint64_t fvi_file_key(const char *step, const char *form) { return fvi_hash_text(form, fvi_hash_text(step, 0)); }
