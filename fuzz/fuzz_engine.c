/* fuzz_engine.c: any bytes as an engine file, as they are and with checksums that are right for them. What is taken is planned and run. */
#include "base/alloc.h"
#include "base/hash.h"
#include "model/engine/file.h"
#include <fovea/engine.h>
#include <stdlib.h>
#include <string.h>

static void must(int condition)
{
    if (!condition) abort();
}

static void check(fv_context *ctx, const char *bytes, size_t size)
{
    fv_error err = {0};
    fv_model *m = NULL;
    fv_session *s = NULL;
    const fv_status st = fv_model_load_memory(&m, ctx, bytes, size, NULL, &err);
    must(st < 0 ? !m && err.text[0] : m != NULL);
    fv_session_info info;
    if (st >= 0 && fv_session_create(&s, m, NULL, NULL) >= 0) {
        fv_session_get_info(s, &info);
        if (info.gflop < 0.01 && info.arena_bytes < 1 << 22) fv_session_run(s);
    }
    fv_session_free(&s);
    fv_model_free(&m);
}

/* The header's size and every checksum made right. */
static void sign(char *f, size_t size)
{
    uint64_t total = size, v[3];
    uint32_t n, zero = 0, version = FVI_FILE_VERSION;
    if (size < FVI_FILE_HEAD) return;
    memcpy(f, FVI_FILE_MAGIC, 8);
    memcpy(f + 8, &version, sizeof version);
    memcpy(&n, f + 12, sizeof n);
    n %= 16;
    if (FVI_FILE_HEAD + (size_t)n * FVI_FILE_ENTRY > size) return;
    memcpy(f + 12, &n, sizeof n);
    memcpy(f + 16, &total, sizeof total);
    memcpy(f + 28, &zero, sizeof zero);
    for (uint32_t i = 0; i < n; i++) {
        char *e = f + FVI_FILE_HEAD + i * FVI_FILE_ENTRY;
        memcpy(v, e + 8, sizeof v);
        if (v[0] > size || v[1] > size - v[0]) continue;
        must(fvi_file_sum(NULL, f + v[0], v[1], &v[2]));
        memcpy(e + 24, &v[2], sizeof v[2]);
    }
    const uint64_t sum = fvi_hash(f + FVI_FILE_HEAD, (size_t)n * FVI_FILE_ENTRY, fvi_hash(f, 32, 0));
    memcpy(f + 32, &sum, sizeof sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fv_context *ctx;
    if (!ctx) must(fv_context_create(&ctx, FV_CONTEXT_OPTIONS(.threads = 1, .memory_limit = 256 << 20), NULL) == FV_OK);
    char *copy = fvi_alloc(size + 1);
    must(copy != NULL);
    memcpy(copy, data, size);
    check(ctx, copy, size);
    sign(copy, size);
    check(ctx, copy, size);
    fvi_free(copy);
    return 0;
}
