/* verb_quantize.c: `fovea quantize`: pictures through the float model, ranges, a model with Q/DQ pairs, and whether it still finds the same;
 * the worst layers go back to float until it does. Listed in main.c. */
#include "models.h"
#include "progress.h"
#include "quantize.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_model(quantize_job *j)
{
    const cli_args *a = j->a;
    settings *s = &j->r.s;
    j->r.a = s->args = a;
    j->r.precision = "fp32";
    s->mode = RUN_PREDICT;
    s->model = cli_positional(a, 0);
    s->conf = 0.15;
    s->iou = 0.7;
    s->max_det = 300;
    s->batch = 1;
    s->tiles = *FV_TILE_OPTIONS(.tiling = FV_TILES_NONE);
    int code = settings_rule(s);
    if (code) return code;
    j->r.model_path = models_find(s->model);
    if (!j->data.tensors && j->from) {
        code = run_model_open(&j->r);
        if (!code && !j->r.detector) code = cli_error(a, EXIT_MODEL, "there is no model to quantise");
        return code;
    }
    fv_error err = {0};
    if (!j->r.model_path) return models_missing(a, s->model);
    fv_status st = cli_context(a, &j->r.ctx, &err);
    if (st >= 0) st = models_load(&j->r.model, j->r.ctx, j->r.model_path, FV_MODEL_OPTIONS(.precision = "fp32"), &err);
    return st < 0 ? cli_fail(a, st, &err) : EXIT_OK;
}

static int finish(quantize_job *j)
{
    fv_error err = {0};
    quantize_result *r = &j->result;
    r->q = j->q;
    r->inputs = fv_calibration_inputs(j->c);
    int code = quantize_report(r);
    if (code) return code;
    fflush(stdout);
    if (!r->passed) return quantize_refuse(j);
    fv_status st = fv_quantized_save(j->q, r->output, &err);
    if (st < 0) return cli_fail(j->a, st, &err);
    cli_note(j->a, "%s", r->output);
    return EXIT_OK;
}

/* --precision: what is made. */
static const char *wanted(const cli_args *a)
{
    const char *p = cli_on(a, "half") ? "fp16" : cli_text_or(a, "precision", "auto");
    return strcmp(p, "auto") ? p : "int8";
}
static bool mixed(const cli_args *a) { return !strcmp(wanted(a), "fp16") || !strcmp(wanted(a), "bf16"); }

static int check_arguments(quantize_job *j)
{
    const cli_args *a = j->a;
    fv_error err = {0};
    static const char *const files[] = {"output", "json"};
    if (!strcmp(wanted(a), "fp32")) return cli_usage(a, "--precision fp32 is what the model has; there are int8, fp16 and bf16");
    if (!strcmp(wanted(a), "fp8")) return cli_usage(a, "--precision fp8 cannot be written; there are int8, fp16 and bf16");
    if (!j->from && !mixed(a)) return cli_usage(a, "--data is missing: a folder of pictures, a film, a list, or a folder of .npy tensors");
    if (!cli_given(a, "output")) return cli_usage(a, "where to? give -o Q.onnx");
    for (int i = 0; i < 2; i++) {
        const char *path = cli_text(a, files[i]);
        fv_status st = path ? cli_check_output(a, path, &err) : FV_OK;
        if (st < 0) return cli_fail(a, st, &err);
    }
    if (cli_given(a, "json") && !strcmp(cli_text(a, "json"), cli_text(a, "output"))) return cli_usage(a, "--json and -o name the same file");
    return EXIT_OK;
}

/* With what --float asks for. */
static int make_first(quantize_job *j)
{
    const int n = cli_count(j->a, "float");
    const char **floats = tool_alloc((size_t)(n + 1) * sizeof *floats);
    for (int i = 0; i < n; i++) floats[i] = cli_nth(j->a, "float", i);
    const int code = quantize_first(j, floats, n);
    free(floats);
    return code;
}

static int run_job(quantize_job *j)
{
    const cli_args *a = j->a;
    struct stat st;
    int code = check_arguments(j);
    if (!code && j->from) code = quantize_data_open(&j->data, a, j->from, cli_int(a, "limit", 1000), cli_int(a, "vid-stride", 10));
    if (!code) code = open_model(j);
    if (code) return code;
    j->result.a = a;
    j->result.model = j->r.model_path;
    j->result.output = cli_text(a, "output");
    j->result.float_bytes = stat(j->r.model_path, &st) == 0 ? (int64_t)st.st_size : 0;
    j->result.max_drop = cli_real(a, "max-drop", 0.5);
    if (mixed(a)) return quantize_mixed(j, wanted(a));
    code = quantize_calibration(j);
    if (!code) code = quantize_calibrate(j);
    if (!code) code = quantize_fill_gate(j);
    if (!code) code = make_first(j);
    if (!code) code = quantize_pass_gate(j, j->result.max_drop);
    if (!code && cli_on(a, "sensitivity")) code = quantize_measure_layers(j);
    return code ? code : finish(j);
}

static int run(const cli_args *a)
{
    quantize_job j = {.a = a, .from = cli_text(a, cli_given(a, "data") ? "data" : "calib"), .cache = cli_text(a, "cache"), .observer = cli_text(a, "observer"), .symmetric = cli_on(a, "symmetric"),
                      .reduce_range = cli_on(a, "reduce-range"), .no_correction = cli_on(a, "no-bias-correction"), .compare = cli_on(a, "no-gate") ? 0 : cli_int(a, "compare", 64)};
    j.count.kind = progress_asked(a);
    cli_on_stop(cli_only_stop, NULL);
    int code = run_job(&j);
    cli_on_stop(NULL, NULL);
    quantize_job_close(&j);
    run_model_close(&j.r);
    return code;
}

static const cli_flag flags_data[] = {
    {"data", "DIR", "pictures (folder, glob, list), a film, or a folder of .npy tensors; 500 to 1000 are enough"},
    {"limit", "N", "at most so many (1000)", CLI_INT, 1, 1000000},
    {"vid-stride", "N", "every Nth frame of a film (10)", CLI_INT, 1, 100000},
    {"cache", "F", "what was seen, for the same model and data: read when it fits, else written"},
    {0}};
static const cli_flag flags_how[] = {
    {"observer", "auto|minmax|percentile|entropy|mse", "how ranges are chosen (auto: by the error at each layer's output)", CLI_CHOICE},
    {"data-max", "X", "fp16, bf16: a node whose values are larger stays FP32 (512)", CLI_REAL, 0, 1e38},
    {"weight-max", "X", "fp16, bf16: likewise for its weights (65504)", CLI_REAL, 0, 1e38},
    {"depth-max", "N", "fp16, bf16: likewise for the terms of its sums (65536)", CLI_INT, 1, 1e15},
    {"keep-type", "OP", "fp16, bf16: an operator that stays FP32; again for each"},
    {"symmetric", NULL, "activations as int8 around zero, for engines that want it", CLI_SWITCH},
    {"reduce-range", NULL, "weights in 7 bits, for engines whose sums clip on CPUs without VNNI (OpenVINO, ONNX Runtime)", CLI_SWITCH},
    {"float", "LAYER", "a layer that stays in float (fp16, bf16: * stands for anything); again for each"},
    {"no-bias-correction", NULL, "leave biases as they are", CLI_SWITCH},
    {"max-drop", "X", "points of agreement with the float model that may be lost (0.5)", CLI_REAL, 0, 100},
    {"compare", "N", "pictures on which both are compared (64)", CLI_INT, 1, 10000},
    {"no-gate", NULL, "do not compare", CLI_SWITCH},
    {"sensitivity", NULL, "try every layer alone as well (slow)", CLI_SWITCH},
    {0}};
static const cli_flag flags_rule[] = {RUN_RULE_FLAGS, {0}};
static const cli_flag flags_out[] = {
    {"output", "Q.onnx", "the quantised model", .alias = "o"},
    {"json", "F", "all figures and layers as one JSON object; - = stdout"},
    {"overwrite", NULL, "replace outputs that exist (they are refused)", CLI_SWITCH},
    {0}};

const cli_verb cli_verb_quantize = {
    .name = "quantize",
    .job = "make an int8 model with Q/DQ pairs from a float one and pictures, or one of 16 bit floats",
    .usage = "MODEL --data DIR -o Q.onnx [flags]",
    .details = "Weights become int8 with a scale for each output channel, activations uint8 with one scale and zero\n"
               "point; the last layers before outputs stay in float. The result is compared with the float model:\n"
               "agreement is the share of boxes (confidence 0.25 and more) that the other finds as well, of the same\n"
               "class and with an overlap of 0.5. While more than --max-drop points are missing, the layers with the\n"
               "least signal to noise go back to float; when that is not enough the exit code is 8.\n"
               "--precision fp16 or bf16 needs no pictures: nodes go to 16 bits by rules (kind, place, range of values and weights,\n"
               "depth of sums), and those that stay are listed with the reason.",
    .example = "fovea quantize yolov8n.onnx --data photos -o yolov8n_int8.onnx\n"
               "fovea quantize yolov8n.onnx --data photos --cache yolov8n.calib --max-drop 1 -o yolov8n_int8.onnx\n"
               "fovea quantize yolov8n.onnx --precision fp16 -o yolov8n_fp16.onnx",
    .groups = {{"data", flags_data}, {"quantising", flags_how}, {"reading the model", flags_rule}, {"outputs", flags_out}, {"computing", cli_flags_compute}},
    .positional = "model",
    .words = "FILE|person|mark",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
