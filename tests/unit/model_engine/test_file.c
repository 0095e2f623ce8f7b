/* test_file.c: engine files: every small model comes back from one with the same bits, also from memory and a pipe; damage anywhere,
 * other versions and levels, missing weights and wrong ones are refused with a sentence; weights are exchanged in files and while a session runs. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "model/engine/file.h"
#include <dirent.h>
#include <fovea/engine.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONV FV_TEST_DATA "/onnx-ok/conv_bn_silu_opset17.onnx"
#define DECONV FV_TEST_DATA "/onnx-ok/conv_transpose.onnx"

static fv_context *ctx;
enum { LIMIT = 64 << 20 }; /* bytes; whatever a file lies about */

static int setup(void **state)
{
    (void)state;
    return fv_context_create(&ctx, FV_CONTEXT_OPTIONS(.threads = 1, .memory_limit = LIMIT), NULL) < 0;
}

static int teardown(void **state)
{
    (void)state;
    fv_context_free(&ctx);
    return 0;
}

/* ---- an engine in memory ---- */

static fv_status append(void *user, const void *data, size_t size, fv_error *err)
{
    (void)err;
    fvi_str_addn(user, data, size);
    return FV_OK;
}

static fvi_str engine_of(fv_model *m, const fv_engine_options *o, fv_engine_report *r)
{
    fvi_str s = {0};
    fv_error err = {0};
    if (fv_engine_write(m, o, append, &s, r, &err) < 0) fail_msg("%s", err.text);
    assert_false(s.failed);
    return s;
}

static fv_model *onnx(const char *path)
{
    fv_model *m;
    fv_error err = {0};
    if (fv_model_load(&m, ctx, path, NULL, &err) < 0) fail_msg("%s", err.text);
    return m;
}

static fvi_str built(const char *path, const fv_engine_options *o)
{
    fv_model *m = onnx(path);
    fvi_str s = engine_of(m, o, NULL);
    fv_model_free(&m);
    return s;
}

static fv_model *loaded(const fvi_str *s)
{
    fv_model *m;
    fv_error err = {0};
    if (fv_model_load_memory(&m, ctx, s->s, s->len, NULL, &err) < 0) fail_msg("%s", err.text);
    return m;
}

/* All outputs of a run on inputs that depend on `seed`, hashed. */
static uint64_t run_session(fv_session *s, unsigned seed)
{
    const fv_port *ports;
    uint64_t h = 0;
    int n = fv_session_inputs(s, &ports);
    for (int i = 0; i < n; i++) {
        fv_tensor t = {.dtype = ports[i].dtype, .rank = ports[i].rank};
        memcpy(t.dim, ports[i].dim, sizeof t.dim);
        const size_t count = (size_t)fv_tensor_count(&t), size = fv_dtype_size(t.dtype);
        t.data = fvi_calloc(count + 1, size);
        for (size_t k = 0; k < count && t.dtype == FV_F32; k++) ((float *)t.data)[k] = (float)((k * 7 + seed * 13) % 31) / 31;
        assert_int_equal(fv_session_set_input(s, i, &t, NULL), FV_OK);
        fvi_free(t.data);
    }
    assert_int_equal(fv_session_run(s), FV_OK);
    n = fv_session_outputs(s, &ports);
    for (int i = 0; i < n; i++) {
        fv_tensor t = {.dtype = ports[i].dtype, .rank = ports[i].rank};
        memcpy(t.dim, ports[i].dim, sizeof t.dim);
        const size_t bytes = (size_t)fv_tensor_count(&t) * fv_dtype_size(t.dtype);
        t.data = fvi_calloc(bytes + 1, 1);
        assert_int_equal(fv_session_get_output(s, i, &t, NULL), FV_OK);
        h = fvi_hash(t.data, bytes, h);
        fvi_free(t.data);
    }
    return h;
}

static uint64_t run_model(fv_model *m, const fv_session_options *o)
{
    fv_session *s;
    fv_error err = {0};
    if (fv_session_create(&s, m, o, &err) < 0) fail_msg("%s", err.text);
    const uint64_t h = run_session(s, 1);
    fv_session_free(&s);
    return h;
}

/* ---- the same results ---- */

static int check_one(const char *path)
{
    fv_model *m;
    fv_session *s;
    fvi_str file = {0};
    if (fv_model_load(&m, ctx, path, NULL, NULL) < 0) return 0;
    const bool runs = fv_session_create(&s, m, NULL, NULL) >= 0;
    fv_session_free(&s);
    if (!runs) {
        fv_model_free(&m);
        return 0;
    }
    const uint64_t want = run_model(m, NULL);
    for (int portable = 0; portable < 2; portable++) {
        file = engine_of(m, FV_ENGINE_OPTIONS(.portable = portable), NULL);
        fv_model *e = loaded(&file);
        if (run_model(e, NULL) != want) fail_msg("%s: other results from its engine", path);
        assert_string_equal(fv_engine_info(e, "device"), "cpu");
        fvi_str again = engine_of(e, FV_ENGINE_OPTIONS(.portable = portable), NULL); /* an engine of an engine is the same */
        fv_model *e2 = loaded(&again);
        if (run_model(e2, NULL) != want) fail_msg("%s: other results from its engine's engine", path);
        fv_model_free(&e2);
        fv_model_free(&e);
        fvi_str_free(&again);
        fvi_str_free(&file);
    }
    fv_model_free(&m);
    return 1;
}

static void all_small_models(void **state)
{
    (void)state;
    int n = 0;
    DIR *d = opendir(FV_TEST_DATA "/onnx-ok");
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        char path[512];
        snprintf(path, sizeof path, FV_TEST_DATA "/onnx-ok/%s", e->d_name);
        if (strstr(e->d_name, ".onnx")) n += check_one(path);
    }
    closedir(d);
    assert_true(n > 30);
}

static int64_t part_bytes(const fv_model *m, const char *what)
{
    const char *name;
    int64_t bytes, sum = 0;
    for (int i = 0; fv_engine_part_at(m, i, &name, NULL, &bytes) == FV_OK; i++) sum += strcmp(name, what) ? 0 : bytes;
    return sum;
}

/* Matrices lie in the file as kernels read them, and not a second time as they were. */
static void matrices_are_packed(void **state)
{
    (void)state;
    fv_model *m = onnx(FV_TEST_DATA "/onnx-ok/gemm.onnx");
    int64_t weights = 0;
    for (int i = 0; i < m->final->n_nodes; i++) {
        const fvi_node *n = m->final->nodes[i];
        const fvi_value *b = n->op == FVI_OP_GEMM || n->op == FVI_OP_MATMUL ? n->in[1] : NULL;
        if (b && b->constant) weights += fvi_value_count(b) * 4;
    }
    assert_true(weights > 0);
    fvi_str file = engine_of(m, NULL, NULL);
    fv_model *e = loaded(&file);
    assert_true(part_bytes(e, "packed weights") >= weights);
    assert_true(part_bytes(e, "constants") < weights);
    assert_true(run_model(e, NULL) == run_model(m, NULL));
    fv_model_free(&e);
    fv_model_free(&m);
    fvi_str_free(&file);
}

typedef struct pipe_end {
    const fvi_str *s;
    size_t at;
    int fail_at; /* bytes; 0 = never */
} pipe_end;

static int64_t little_by_little(void *user, void *to, size_t size)
{
    pipe_end *p = user;
    size_t n = p->s->len - p->at < 777 ? p->s->len - p->at : 777;
    if (p->fail_at && p->at > (size_t)p->fail_at) return -1;
    if (n > size) n = size;
    memcpy(to, p->s->s + p->at, n);
    p->at += n;
    return (int64_t)n;
}

static void from_a_pipe(void **state)
{
    (void)state;
    fvi_str file = built(CONV, NULL);
    fv_model *m = onnx(CONV), *e;
    const uint64_t want = run_model(m, NULL);
    fv_error err = {0};
    pipe_end p = {.s = &file};
    assert_int_equal(fv_model_load_stream(&e, ctx, little_by_little, &p, NULL, &err), FV_OK);
    assert_true(run_model(e, NULL) == want);
    fv_model_free(&e);
    p = (pipe_end){.s = &file, .fail_at = 2000};
    assert_int_equal(fv_model_load_stream(&e, ctx, little_by_little, &p, NULL, &err), FV_ERR_INPUT);
    assert_null(e);
    fv_model_free(&m);
    fvi_str_free(&file);
}

static void other_batches(void **state)
{
    (void)state;
    fvi_str file = built(CONV, NULL);
    fv_model *m = onnx(CONV), *e = loaded(&file);
    for (int batch = 1; batch <= 3; batch++) assert_true(run_model(e, FV_SESSION_OPTIONS(.batch = batch)) == run_model(m, FV_SESSION_OPTIONS(.batch = batch)));
    fv_model_free(&e);
    fvi_str_free(&file);
    const fv_port *in;
    fv_model_inputs(m, &in);
    fv_port low = in[0], high = in[0];
    high.dim[0] = 2;
    file = engine_of(m, FV_ENGINE_OPTIONS(.min_shapes = &low, .n_min = 1, .max_shapes = &high, .n_max = 1), NULL);
    e = loaded(&file);
    assert_true(run_model(e, FV_SESSION_OPTIONS(.batch = 2)) == run_model(m, FV_SESSION_OPTIONS(.batch = 2)));
    fv_session *s;
    fv_error err = {0};
    assert_int_equal(fv_session_create(&s, e, FV_SESSION_OPTIONS(.batch = 3), &err), FV_ERR_SHAPE);
    assert_non_null(strstr(err.text, "the engine file is for"));
    fv_model_free(&e);
    fv_model_free(&m);
    fvi_str_free(&file);
}

/* ---- bad files ---- */

static fv_status try_load(const fvi_str *s, size_t n, fv_error *err)
{
    fv_model *m = NULL;
    char *copy = fvi_alloc(n); /* aligned: used in place */
    assert_non_null(copy);
    memcpy(copy, s->s, n);
    *err = (fv_error){0};
    const fv_status st = fv_model_load_memory(&m, ctx, copy, n, NULL, err);
    if (st >= 0) {
        fv_session *v = NULL;
        if (fv_session_create(&v, m, NULL, NULL) >= 0) run_session(v, 2);
        fv_session_free(&v);
    } else {
        assert_null(m);
        assert_true(strlen(err->text) > 10);
    }
    fv_model_free(&m);
    fvi_free(copy);
    return st;
}

static void every_bit_counts(void **state)
{
    (void)state;
    fvi_str file = built(CONV, NULL);
    fv_error err;
    assert_int_equal(try_load(&file, file.len, &err), FV_OK);
    for (size_t at = 0; at < file.len; at += at < 512 ? 1 : 29) {
        file.s[at] ^= 0x10;
        const fv_status st = try_load(&file, file.len, &err);
        file.s[at] ^= 0x10;
        if (st == FV_OK) { /* only what lies between the sections */
            fvi_bytes b = {(const uint8_t *)file.s + 12, 4, false};
            const uint32_t n = fvi_take_u32(&b);
            bool inside = at < FVI_FILE_HEAD - 24;
            for (uint32_t i = 0; i < n; i++) {
                fvi_bytes e = {(const uint8_t *)file.s + FVI_FILE_HEAD + i * FVI_FILE_ENTRY + 8, 16, false};
                const uint64_t offset = fvi_take_u64(&e), bytes = fvi_take_u64(&e);
                inside = inside || (at >= offset && at < offset + bytes);
            }
            if (inside) fail_msg("a flipped bit at %zu is not noticed", at);
        }
    }
    for (size_t n = 0; n < file.len; n += n < 512 ? 37 : 997) assert_true(try_load(&file, n, &err) < 0);
    fvi_str_free(&file);
}

/* The checksum of section `s` and of the table made right again, as somebody would who means harm. */
static void sign(fvi_str *file)
{
    char *f = file->s;
    uint32_t n;
    memcpy(&n, f + 12, sizeof n);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t v[3];
        char *e = f + FVI_FILE_HEAD + i * FVI_FILE_ENTRY;
        memcpy(v, e + 8, sizeof v);
        if (v[0] > file->len || v[1] > file->len - v[0]) continue;
        assert_true(fvi_file_sum(NULL, f + v[0], v[1], &v[2]));
        memcpy(e + 24, &v[2], sizeof v[2]);
    }
    const uint64_t sum = fvi_hash(f + FVI_FILE_HEAD, (size_t)n * FVI_FILE_ENTRY, fvi_hash(f, 32, 0));
    memcpy(f + 32, &sum, sizeof sum);
}

/* Bytes of the description, graphs and plans changed one by one, signed: an error or a run, never a crash. */
static void signed_lies(void **state)
{
    (void)state;
    fv_error err;
    static const char *const paths[] = {CONV, DECONV, FV_TEST_DATA "/onnx-ok/gemm.onnx"};
    for (int k = 0; k < 3; k++) {
        fvi_str file = built(paths[k], FV_ENGINE_OPTIONS(.portable = k == 2));
        size_t end = file.len < 6000 ? file.len : 6000;
        for (size_t at = FVI_FILE_HEAD; at < end; at += 5) {
            const char was = file.s[at];
            file.s[at] = (char)(at % 2 ? 0xFF : was + 1);
            sign(&file);
            try_load(&file, file.len, &err);
            file.s[at] = was;
        }
        sign(&file);
        assert_int_equal(try_load(&file, file.len, &err), FV_OK);
        fvi_str_free(&file);
    }
#ifndef __SANITIZE_ADDRESS__
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    assert_true(used.ru_maxrss < 8 * (LIMIT >> 10));
#endif
}

/* Loading and each session have the limit for themselves; the text says what was asked for. */
static void memory_is_limited(void **state)
{
    (void)state;
    fv_error err = {0};
    fv_model *m = onnx(CONV);
    fv_session *s;
    assert_int_equal(fv_session_create(&s, m, FV_SESSION_OPTIONS(.batch = 2000), &err), FV_OK);
    fv_session_free(&s);
    fvi_str file = built(CONV, NULL);
    fv_context *low;
    assert_int_equal(fv_context_create(&low, FV_CONTEXT_OPTIONS(.threads = 1, .memory_limit = -1), &err), FV_ERR_ARGUMENT);
    assert_int_equal(fv_context_create(&low, FV_CONTEXT_OPTIONS(.threads = 1, .memory_limit = 1 << 20), &err), FV_OK);
    fv_model *e;
    assert_int_equal(fv_model_load_memory(&e, low, file.s, file.len, NULL, &err), FV_OK);
    assert_int_equal(fv_session_create(&s, e, FV_SESSION_OPTIONS(.batch = 2000), &err), FV_ERR_MEMORY);
    assert_non_null(strstr(err.text, "more than 1 MB of memory, which is the limit"));
    assert_null(s);
    assert_true(run_model(e, NULL) == run_model(m, NULL));
    fv_model_free(&e);
    fv_context_free(&low);
    assert_int_equal(fv_context_create(&low, FV_CONTEXT_OPTIONS(.threads = 1, .memory_limit = 1000), &err), FV_OK);
    assert_int_equal(fv_model_load_memory(&e, low, file.s, file.len, NULL, &err), FV_ERR_MEMORY);
    assert_int_equal(fv_model_load(&e, low, CONV, NULL, &err), FV_ERR_MEMORY);
    assert_non_null(strstr(err.text, "which is the limit"));
    fv_context_free(&low);
    fv_model_free(&m);
    fvi_str_free(&file);
}

static void replace(fvi_str *file, const char *was, const char *now)
{
    char *p = memmem(file->s, file->len, was, strlen(was));
    assert_non_null(p);
    assert_int_equal(strlen(was), strlen(now));
    memcpy(p, now, strlen(now));
    sign(file);
}

static void other_versions(void **state)
{
    (void)state;
    fv_error err;
    char version[FVI_TIMING_TEXT], other[FVI_TIMING_TEXT];
    fvi_timing_version(version, fvi_backend_cpu());
    snprintf(other, sizeof other, "%s", version);
    other[strlen(other) - 1] ^= 1;
    for (int portable = 0; portable < 2; portable++) {
        fvi_str file = built(CONV, FV_ENGINE_OPTIONS(.portable = portable));
        replace(&file, version, other);
        assert_int_equal(try_load(&file, file.len, &err), portable ? FV_OK : FV_ERR_MODEL_FORMAT);
        if (!portable) assert_non_null(strstr(err.text, "build it again from the model"));
        fvi_str_free(&file);
    }
    fvi_str file = built(CONV, NULL);
    file.s[8] = 1; /* the format */
    sign(&file);
    assert_int_equal(try_load(&file, file.len, &err), FV_ERR_MODEL_FORMAT);
    assert_non_null(strstr(err.text, "format 1"));
    fvi_str_free(&file);
}

static void other_levels(void **state)
{
    (void)state;
    fv_error err;
    fv_context *low;
    fv_model *m = onnx(CONV), *e;
    const uint64_t want = run_model(m, NULL);
    assert_int_equal(fv_context_create(&low, FV_CONTEXT_OPTIONS(.threads = 1, .cpu_levels = "c"), NULL), FV_OK);
    fvi_str both = engine_of(m, FV_ENGINE_OPTIONS(.target = "native,c"), NULL), high = engine_of(m, FV_ENGINE_OPTIONS(.target = "avx512"), NULL);
    fv_model *cm;
    assert_int_equal(fv_model_load(&cm, low, CONV, NULL, NULL), FV_OK);
    const uint64_t want_c = run_model(cm, NULL);
    fv_model_free(&cm);
    e = loaded(&both);
    assert_true(run_model(e, NULL) == want);
    fv_model_free(&e);
    assert_int_equal(fv_model_load_memory(&e, low, both.s, both.len, NULL, &err), FV_OK);
    assert_true(run_model(e, NULL) == want_c);
    fv_model_free(&e);
    assert_int_equal(fv_model_load_memory(&e, low, high.s, high.len, NULL, &err), FV_ERR_MODEL);
    assert_non_null(strstr(err.text, "avx512"));
    assert_non_null(strstr(err.text, "has c"));
    fv_engine_options bad = {.size = sizeof bad, .target = "sse9"};
    fvi_str none = {0};
    assert_int_equal(fv_engine_write(m, &bad, append, &none, NULL, &err), FV_ERR_ARGUMENT);
    assert_int_equal(none.len, 0);
    fv_model_free(&m);
    fvi_str_free(&both);
    fvi_str_free(&high);
    fv_context_free(&low);
}

/* ---- weights ---- */

/* The model with every byte of its float initialisers' upper halves changed a little: same graph, other weights. */
static fv_model *other_weights(char **bytes)
{
    FILE *f = fopen(CONV, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    const size_t n = (size_t)ftell(f);
    rewind(f);
    *bytes = fvi_alloc(n);
    assert_int_equal(fread(*bytes, 1, n, f), n);
    fclose(f);
    fv_model *m = onnx(CONV), *w;
    for (int i = 0; i < m->imported->n_values; i++) {
        const fvi_value *v = m->imported->values[i];
        if (!v->constant || v->dtype != FV_F32 || fvi_value_count(v) < 8) continue;
        const size_t size = (size_t)fvi_value_count(v) * 4;
        char *p = memmem(*bytes, n, v->constant, size);
        assert_non_null(p);
        for (size_t k = 0; k < size; k += 4) {
            float x;
            memcpy(&x, p + k, 4);
            x = x * 0.75f + 0.01f;
            memcpy(p + k, &x, 4);
        }
    }
    fv_model_free(&m);
    assert_int_equal(fv_model_load_memory(&w, ctx, *bytes, n, NULL, NULL), FV_OK);
    return w;
}

static void stripped_and_refitted(void **state)
{
    (void)state;
    fv_error err = {0};
    fv_engine_report r = {.size = sizeof r};
    fv_model *m = onnx(CONV);
    char *bytes;
    fv_model *w = other_weights(&bytes);
    const uint64_t want = run_model(m, NULL), want_other = run_model(w, NULL);
    assert_true(want != want_other);
    fvi_str slim = engine_of(m, FV_ENGINE_OPTIONS(.strip = 1), &r);
    assert_true(r.saved_bytes > 0);
    fv_model *e = loaded(&slim);
    fv_session *s;
    assert_int_equal(fv_session_create(&s, e, NULL, &err), FV_ERR_MODEL);
    assert_non_null(strstr(err.text, "fovea refit"));
    fv_port p;
    assert_non_null(fv_engine_weight_at(e, 0, &p));
    assert_int_equal(fv_engine_refit(m, e, &err), FV_OK);
    assert_true(run_model(m, NULL) == want);
    fvi_str full = engine_of(m, NULL, NULL);
    fv_model *f = loaded(&full);
    assert_true(run_model(f, NULL) == want);
    /* others into the full one */
    assert_int_equal(fv_engine_refit(w, f, &err), FV_OK);
    assert_true(run_model(w, NULL) == want_other);
    fvi_str other = engine_of(w, NULL, NULL);
    fv_model *o = loaded(&other);
    assert_true(run_model(o, NULL) == want_other);
    /* a model of another graph */
    fv_model *wrong = onnx(DECONV);
    assert_int_equal(fv_engine_refit(wrong, e, &err), FV_ERR_MODEL);
    assert_non_null(strstr(err.text, "missing:"));
    fv_model_free(&wrong);
    fv_model_free(&o);
    fv_model_free(&f);
    fv_model_free(&e);
    fv_model_free(&w);
    fv_model_free(&m);
    fvi_free(bytes);
    fvi_str_free(&slim);
    fvi_str_free(&full);
    fvi_str_free(&other);
}

typedef struct swapper {
    fv_session *s;
    fv_model *a, *b;
    atomic_bool stop;
    int offers;
} swapper;

static void *swap_weights(void *arg)
{
    swapper *w = arg;
    while (!atomic_load(&w->stop)) {
        assert_int_equal(fv_session_refit(w->s, w->offers++ % 2 ? w->a : w->b, NULL), FV_OK);
        usleep(300);
    }
    return NULL;
}

/* Every run has the bits of the one or the other weights, never of a mixture. */
static void swapped_while_running(void **state)
{
    (void)state;
    char *bytes;
    fv_model *a = onnx(CONV), *b = other_weights(&bytes), *wrong = onnx(DECONV);
    fv_error err = {0};
    swapper w = {.a = a, .b = b};
    assert_int_equal(fv_session_create(&w.s, a, NULL, &err), FV_OK);
    const uint64_t before = run_session(w.s, 1);
    assert_int_equal(fv_session_refit(w.s, wrong, &err), FV_ERR_MODEL);
    assert_true(run_session(w.s, 1) == before);
    fv_session *t;
    assert_int_equal(fv_session_create(&t, b, NULL, &err), FV_OK);
    const uint64_t after = run_session(t, 1);
    fv_session_free(&t);
    assert_int_equal(fv_session_refit(w.s, b, &err), FV_OK);
    assert_true(run_session(w.s, 1) == after);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, swap_weights, &w), 0);
    int seen[2] = {0};
    for (int i = 0; i < 400000 && (i < 2000 || seen[0] < 20 || seen[1] < 20); i++) {
        const uint64_t h = run_session(w.s, 1);
        assert_true(h == before || h == after);
        seen[h == after]++;
    }
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
    assert_true(seen[0] && seen[1]);
    const fv_port *ports;
    assert_true(fv_session_inputs(w.s, &ports) == 1 && strlen(ports[0].name) > 0); /* names outlive the first graph */
    fv_model_free(&a); /* the session keeps what it needs */
    fv_model_free(&b);
    run_session(w.s, 1);
    fv_session_free(&w.s);
    fv_model_free(&wrong);
    fvi_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_small_models), cmocka_unit_test(matrices_are_packed), cmocka_unit_test(from_a_pipe), cmocka_unit_test(other_batches), cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(signed_lies), cmocka_unit_test(memory_is_limited), cmocka_unit_test(other_versions), cmocka_unit_test(other_levels), cmocka_unit_test(stripped_and_refitted),
        cmocka_unit_test(swapped_while_running),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
