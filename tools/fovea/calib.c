/* calib.c: --calib: pictures, a film, tensors or a calibration cache, and a float model -> the int8 model that `fovea quantize` would write,
 * loaded. It is kept in $XDG_CACHE_HOME/fovea/int8 under hashes of the model, the data and the way pictures are prepared. */
#include "calib.h"
#include "models.h"
#include "quantize.h"
#include <fovea/engine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MODEL ((size_t)8 << 30)
#define MAX_DROP 1.0 /* points of agreement: layers go back to float before it is given up */
#define VERSION 1    /* of what is kept: other rules, other files */

static const char head[] = "fovea-calibration ";

/* "data 0123…" of a cache's first lines; false: it is none. */
static bool cache_of(const char *path, uint64_t *data)
{
    FILE *f = fopen(path, "r");
    char line[128];
    bool is = f && fgets(line, sizeof line, f) && !strncmp(line, head, sizeof head - 1), found = false;
    for (int i = 0; is && !found && i < 4 && fgets(line, sizeof line, f); i++) found = !strncmp(line, "data ", 5);
    *data = found ? strtoull(line + 5, NULL, 16) : 0;
    if (f) fclose(f);
    return is;
}

/* Where the int8 model is kept; false: nowhere. */
static bool kept_at(text *t, uint64_t key)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && cache[0] == '/')
        text_printf(t, "%s/fovea/int8/", cache);
    else if (home && home[0] == '/')
        text_printf(t, "%s/.cache/fovea/int8/", home);
    else
        return false;
    text_printf(t, "%016llx.onnx", (unsigned long long)key);
    return true;
}

/* Of the file, or of the built-in model. */
static uint64_t model_hash(const char *place)
{
    fv_error err = {0};
    char *bytes = NULL;
    const void *built_in;
    size_t size = 0;
    if (models_builtin(place) && fv_builtin_model(place, &built_in, &size, &err) >= 0) return fv_calibration_hash(built_in, size, VERSION);
    if (cli_read_file(place, MAX_MODEL, &bytes, &size, &err) < 0) return 0;
    const uint64_t h = fv_calibration_hash(bytes, size, VERSION);
    free(bytes);
    return h;
}

typedef struct source {
    const char *at, *end;
} source;

static int64_t take(void *user, void *to, size_t size)
{
    source *s = user;
    const size_t n = (size_t)(s->end - s->at) < size ? (size_t)(s->end - s->at) : size;
    memcpy(to, s->at, n);
    s->at += n;
    return (int64_t)n;
}

static fv_status load_bytes(fv_model **out, fv_context *ctx, const fv_quantized *q, const fv_model_options *opt, fv_error *err)
{
    const void *bytes;
    size_t size;
    fv_quantized_bytes(q, &bytes, &size);
    return fv_model_load_stream(out, ctx, take, &(source){bytes, (const char *)bytes + size}, opt, err); /* it keeps a copy */
}

/* ---- quantising ---- */

static int prepare(quantize_job *j, const settings *given)
{
    settings *s = &j->r.s;
    fv_error err = {0};
    if (given) *s = *given;
    s->args = j->a;
    s->mode = RUN_PREDICT;
    int code = !given && cli_knows(j->a, "preset") ? settings_rule(s) : EXIT_OK;
    if (code || j->data.tensors) return code;
    s->iou = 0.7;
    s->max_det = 300;
    fv_status st = fv_detector_create(&j->r.detector, j->r.ctx, j->r.model,
                                      FV_DETECT_OPTIONS(.conf = 0.15f, .iou = 0.7f, .max_det = 300, .imgsz_h = s->imgsz_h, .imgsz_w = s->imgsz_w, .batch = 1, .task = s->task,
                                                        .preset = s->preset, .mean = s->mean, .std = s->std, .channels = s->channels, .pad = s->pad),
                                      &err);
    return st < 0 ? cli_fail(j->a, st, &err) : EXIT_OK;
}

/* From a cache file, whatever the pictures were; there is nothing to compare on. */
static int from_cache(quantize_job *j, uint64_t data)
{
    fv_error err = {0};
    const int code = quantize_calibration(j);
    if (code) return code;
    fv_status st = fv_calibration_load(j->c, j->from, data, &err);
    return st < 0 ? cli_error(j->a, st == FV_ERR_MEMORY ? EXIT_MEMORY : EXIT_INPUT, "--calib: %s", err.text) : quantize_first(j, NULL, 0);
}

static int from_data(quantize_job *j)
{
    int code = quantize_calibration(j);
    if (!code) code = quantize_calibrate(j);
    if (!code) code = quantize_fill_gate(j);
    if (!code) code = quantize_first(j, NULL, 0);
    return code ? code : quantize_pass_gate(j, MAX_DROP);
}

static int quantise(quantize_job *j, bool is_cache, uint64_t data, text *kept, bool asked, fv_model **out, const fv_model_options *opt)
{
    fv_error err = {0};
    const quantize_result *r = &j->result;
    int code = is_cache ? from_cache(j, data) : from_data(j);
    if (code) return code;
    if (!is_cache && !r->passed) {
        if (asked) return cli_error(j->a, EXIT_GATE, "%.2f points of agreement are lost in int8, at most %.2f may be", 100 * (1 - r->score.agreement), MAX_DROP);
        cli_note(j->a, "fp32: %.2f points of agreement would be lost in int8, at most %.2f may be", 100 * (1 - r->score.agreement), MAX_DROP);
        *out = j->r.model;
        j->r.model = NULL;
        return EXIT_OK;
    }
    fv_status st = load_bytes(out, j->r.ctx, j->q, opt, &err);
    if (st < 0) return cli_fail(j->a, st, &err);
    if (r->gated)
        cli_note(j->a, "int8: calibrated on %s (%lld inputs), %.2f %% of detections agree with fp32", j->from, (long long)fv_calibration_inputs(j->c), 100 * r->score.agreement);
    else
        cli_note(j->a, "int8: calibrated on %s (%lld inputs)", j->from, (long long)fv_calibration_inputs(j->c));
    if (is_cache || !kept->len) return EXIT_OK;
    tool_make_folders(kept->s);
    if (fv_quantized_save(j->q, kept->s, &err) < 0) cli_warn(j->a, "it is not kept for the next time: %s", err.text);
    return EXIT_OK;
}

/* The float model is open. */
static int from_float(quantize_job *j, const settings *s, bool asked, fv_model **out, const fv_model_options *opt)
{
    uint64_t data = 0;
    fv_error err = {0};
    text kept = {0};
    const bool is_cache = cache_of(j->from, &data);
    int code = is_cache ? EXIT_OK : quantize_data_open(&j->data, j->a, j->from, 1000, 10);
    if (!code) code = prepare(j, s);
    if (!code && !is_cache && strcmp(j->r.model_path, "-")) {
        text rule = {0};
        text_printf(&rule, "%s %s", j->r.detector ? fv_detector_rule(j->r.detector) : "tensors", j->r.s.preset ? j->r.s.preset : "");
        const uint64_t key = fv_calibration_hash(rule.s, rule.len, quantize_data_hash(&j->data) ^ model_hash(j->r.model_path));
        text_free(&rule);
        if (kept_at(&kept, key) && models_load(out, j->r.ctx, kept.s, opt, &err) >= 0) {
            cli_note(j->a, "int8: calibrated on %s before", j->from);
            text_free(&kept);
            return EXIT_OK;
        }
    }
    if (!code) code = quantise(j, is_cache, data, &kept, asked, out, opt);
    text_free(&kept);
    return code;
}

/* Bytes win where there are instructions for their products. */
static bool bytes_are_fast(const fv_context *ctx)
{
    const char *level = fv_context_cpu_level(ctx);
    return strcmp(level, "c") != 0 && strcmp(level, "avx2") != 0;
}

int calib_load(const cli_args *a, fv_model **out, fv_context *ctx, const char *place, const fv_model_options *opt, const settings *s)
{
    const char *precision = opt->precision ? opt->precision : "auto";
    const bool asked = !strcmp(precision, "int8");
    fv_error err = {0};
    *out = NULL;
    if (!cli_given(a, "calib")) {
        fv_status st = models_load(out, ctx, place, opt, &err);
        if (st >= 0) return EXIT_OK;
        const int code = cli_fail(a, st, &err);
        return st == FV_ERR_INPUT || st == FV_ERR_LIMIT ? EXIT_MODEL : code; /* whatever is wrong with its file, there is no usable model */
    }
    if (!asked && strcmp(precision, "auto")) return cli_usage(a, "--calib is for --precision int8 or auto, not %s", precision);
    quantize_job j = {.a = a, .from = cli_text(a, "calib"), .compare = 64};
    j.count.kind = progress_asked(a);
    j.r.a = a;
    j.r.ctx = ctx;
    j.r.model_path = (char *)(uintptr_t)place;
    fv_model_options plain = *opt;
    plain.precision = "auto";
    fv_status st = models_load(&j.r.model, ctx, place, &plain, &err);
    if (st < 0) return cli_fail(a, st, &err);
    const bool ready = fv_engine_info(j.r.model, "version") || !strcmp(fv_model_precision(j.r.model), "int8");
    int code = EXIT_OK;
    if (ready || (!asked && !bytes_are_fast(ctx))) {
        if (ready)
            cli_note(a, "--calib is not needed: %s", fv_model_precision_reason(j.r.model));
        else
            cli_note(a, "%s: int8 is not faster at level %s, which has no byte products; --precision int8 takes it anyway", fv_model_precision(j.r.model), fv_context_cpu_level(ctx));
        *out = j.r.model;
        j.r.model = NULL;
    } else {
        code = from_float(&j, s, asked, out, opt);
    }
    fv_detector_free(&j.r.detector);
    quantize_job_close(&j);
    fv_model_free(&j.r.model);
    return code;
}
