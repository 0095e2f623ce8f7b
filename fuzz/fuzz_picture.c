/* fuzz_picture.c: any bytes as a still picture, on the whole way to a tensor: probed, decoded by each strategy, resized. The number of bytes
 * chooses fit, filter, type and layout. What is accepted fills its place with numbers; both strategies accept the same. */
#include <fovea/prep.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIDE 20

static void must(int condition)
{
    if (!condition) abort();
}

static fv_status run(fv_context *ctx, const uint8_t *data, size_t size, const char *strategy)
{
    static const fv_dtype types[] = {FV_F32, FV_F16, FV_BF16, FV_U8};
    float out[3 * SIDE * SIDE];
    fv_prep *p = NULL;
    fv_prep_result r;
    const fv_dtype type = types[size & 3];
    must(fv_prep_create(&p, ctx, fv_media_get(),
                        FV_PREP_OPTIONS(.width = SIDE, .height = SIDE, .fit = (fv_prep_fit)(size / 4 % 3), .filter = (fv_prep_filter)(size / 12 % 3),
                                        .no_antialias = size / 12 % 3 != FV_PREP_AREA && size / 36 % 2, .nhwc = size / 72 % 2, .dtype = type, .strategy = strategy,
                                        .max_pixels = 1 << 22, .max_memory = (int64_t)64 << 20),
                        NULL) == FV_OK);
    fv_tensor t = {.data = out};
    memset(out, 0xFF, sizeof out); /* NaN */
    must(fv_prep_output(p, 1, &t) == FV_OK);
    fv_status st = fv_prep_run(p, &(fv_prep_input){.data = data, .size = size}, 1, &t, &r, NULL);
    must(st == (r.status < 0 ? FV_PARTIAL : FV_OK));
    must(r.status == FV_OK || r.error.text[0]);
    for (int i = 0; type == FV_F32 && i < 3 * SIDE * SIDE; i++) must(isfinite(out[i]));
    fv_prep_free(&p);
    return r.status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fv_context *ctx;
    if (!ctx) must(fv_context_create(&ctx, FV_CONTEXT_OPTIONS(.threads = 1), NULL) == FV_OK);
    if (!size) return 0;
    must((run(ctx, data, size, "cpu") == FV_OK) == (run(ctx, data, size, "scaled") == FV_OK));
    return 0;
}
