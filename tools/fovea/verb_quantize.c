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

#define ENOUGH 500      /* pictures; fewer is warned of */
#define SENSITIVITY 16  /* pictures on which layers are tried one by one */

typedef struct quantize_job {
    const cli_args *a;
    run_state r;
    quantize_data data;
    quantize_gate gate;
    fv_calibration *c;
    fv_quantized *q;
    quantize_result result;
    const char **names; /* [n_layers] of layers that have to stay in float */
    int n_names, n_layers;
    bool gate_off;
    progress_count count;
} quantize_job;

static void only_stop(void *unused) { (void)unused; } /* asked with cli_stopped */

static void progress_line(quantize_job *j, const char *what, int64_t done, int64_t total, bool last)
{
    if (!progress_due(&j->count, last)) return;
    if (j->count.kind == PROGRESS_JSON)
        fprintf(stderr, "{\"stage\":\"%s\",\"done\":%lld,\"total\":%lld}\n", what, (long long)done, (long long)total);
    else
        progress_show(what, done, total, last);
}

/* ---- opening ---- */

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
    if (!j->data.tensors) {
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

static int open_calibration(quantize_job *j)
{
    fv_error err = {0};
    fv_port shape, *shapes = NULL;
    const fv_port *in;
    int n = 0;
    if (j->r.detector && fv_model_inputs(j->r.model, &in) == 1 && in[0].rank == 4) {
        shape = in[0];
        shape.dim[0] = 1;
        for (int d = 1; d < 4; d++)
            if (shape.dim[d] < 0 || d > 1) n = 1;
        int w, h;
        fv_detector_input_size(j->r.detector, &w, &h);
        if (shape.dim[1] == 3 || shape.dim[1] < 0) {
            shape.dim[1] = 3;
            shape.dim[2] = h;
            shape.dim[3] = w;
        } else {
            n = 0; /* channels come last: as the file says */
        }
        shapes = &shape;
    }
    fv_status st = fv_calibration_create(&j->c, j->r.ctx, j->r.model, FV_CALIBRATION_OPTIONS(.shapes = shapes, .n_shapes = n, .symmetric = cli_on(j->a, "symmetric"),
                                                                                                .reduce_range = cli_on(j->a, "reduce-range")), &err);
    if (st == FV_ERR_STATE || st == FV_ERR_UNSUPPORTED) return cli_error(j->a, EXIT_MODEL, "%s: %s", j->r.model_path, err.text);
    return st < 0 ? cli_fail(j->a, st, &err) : EXIT_OK;
}

/* ---- calibration ---- */

static fv_status add_frame(quantize_job *j, const fv_frame *f, fv_tensor *t, fv_error *err)
{
    fv_status st = fv_detector_prepare(j->r.detector, f, t, err);
    return st < 0 ? st : fv_calibration_add(j->c, t, 1, err);
}

static int64_t expected(const quantize_job *j) { return j->data.n_files > 1 && j->data.n_files < j->data.limit ? j->data.n_files : j->data.limit; }

static int calibrate_pictures(quantize_job *j)
{
    fv_error err = {0};
    fv_frame f;
    int w, h;
    fv_detector_input_size(j->r.detector, &w, &h);
    fv_tensor t = {.dtype = FV_F32, .rank = 4, .dim = {1, 3, h, w}, .data = tool_alloc((size_t)w * (size_t)h * 12)};
    fv_status st = FV_OK;
    while (st >= 0 && !cli_stopped() && quantize_data_frame(&j->data, &f) == FV_OK) {
        st = add_frame(j, &f, &t, &err);
        fv_frame_release(&f);
        progress_line(j, "calibrating", j->data.given, expected(j), false);
    }
    progress_line(j, "calibrating", j->data.given, expected(j), true);
    free(t.data);
    return st < 0 ? cli_fail(j->a, st, &err) : EXIT_OK;
}

static int calibrate_tensors(quantize_job *j)
{
    fv_error err = {0};
    fv_tensor t;
    fv_status st = FV_OK;
    while (st >= 0 && !cli_stopped() && quantize_data_tensor(&j->data, &t) == FV_OK) {
        st = fv_calibration_add(j->c, &t, 1, &err);
        free(t.data);
        progress_line(j, "calibrating", j->data.given, expected(j), false);
    }
    progress_line(j, "calibrating", j->data.given, expected(j), true);
    return st < 0 ? cli_error(j->a, EXIT_INPUT, "%s: %s", j->data.files[j->data.at - 1], err.text) : EXIT_OK;
}

static int calibrate(quantize_job *j)
{
    fv_error err = {0};
    const char *cache = cli_text(j->a, "cache");
    uint64_t key = 0;
    if (cache) {
        text rule = {0};
        int w = 0, h = 0;
        if (j->r.detector) fv_detector_input_size(j->r.detector, &w, &h);
        text_printf(&rule, "%dx%d %s %s", w, h, j->r.detector ? fv_detector_rule(j->r.detector) : "tensors", cli_text_or(j->a, "preset", ""));
        key = fv_calibration_hash(rule.s, rule.len, quantize_data_hash(&j->data));
        text_free(&rule);
        fv_status st = fv_calibration_load(j->c, cache, key, &err);
        j->result.cached = st >= 0;
        if (st >= 0) cli_note(j->a, "%s: %lld inputs, not run again", cache, (long long)fv_calibration_inputs(j->c));
        if (st >= 0) return EXIT_OK;
        if (st == FV_ERR_MEMORY) return cli_fail(j->a, st, &err);
        if (access(cache, F_OK) == 0) cli_note(j->a, "%s: it is made anew", err.text);
    }
    int code = j->data.tensors ? calibrate_tensors(j) : calibrate_pictures(j);
    if (code) return code;
    if (cli_stopped()) return cli_stop_code();
    int64_t n = fv_calibration_inputs(j->c);
    if (!n) return cli_error(j->a, EXIT_INPUT, "%s: none of its files can be calibrated on%s%s", cli_text(j->a, "data"), j->data.n_failed ? "; the first: " : "", j->data.first_failure);
    if (j->data.n_failed) cli_warn(j->a, "%d file%s could not be read; the first: %s", j->data.n_failed, j->data.n_failed == 1 ? "" : "s", j->data.first_failure);
    if (n < ENOUGH) cli_warn(j->a, "calibrated on %lld pictures only; ranges are surer with %d and more", (long long)n, ENOUGH);
    fv_status st = fv_calibration_finish(j->c, &err);
    if (st >= 0 && cache) st = fv_calibration_save(j->c, cache, key, &err);
    return st < 0 ? cli_fail(j->a, st, &err) : EXIT_OK;
}

/* ---- the gate ---- */

static int fill_gate(quantize_job *j)
{
    fv_error err = {0};
    fv_frame f;
    int64_t want = cli_int(j->a, "compare", 64), n = fv_calibration_inputs(j->c), i = 0;
    if (!j->r.detector || j->gate_off) return EXIT_OK;
    j->gate.r = &j->r;
    j->gate.frames = tool_alloc((size_t)want * sizeof *j->gate.frames);
    j->gate.truth = tool_alloc((size_t)want * sizeof *j->gate.truth);
    quantize_data_rewind(&j->data);
    fv_status st = FV_OK;
    for (; st >= 0 && j->gate.n < want && !cli_stopped() && quantize_data_frame(&j->data, &f) == FV_OK; i++) {
        if (n <= want || i * want / n != (i - 1) * want / n || i == 0) st = quantize_gate_add(&j->gate, &f, &err); /* spread over all */
        fv_frame_release(&f);
        progress_line(j, "float results", j->gate.n, want < n ? want : n, false);
    }
    progress_line(j, "float results", j->gate.n, want, true);
    if (cli_stopped()) return cli_stop_code();
    return st < 0 ? cli_fail(j->a, st, &err) : EXIT_OK;
}

static fv_status make(quantize_job *j, const char *const *names, int n, fv_quantized **out, fv_error *err)
{
    return fv_quantized_create(out, j->c, FV_QUANTIZE_OPTIONS(.observer = cli_text(j->a, "observer"), .float_layers = names, .n_float_layers = n, .no_bias_correction = cli_on(j->a, "no-bias-correction")), err);
}

static bool stays_float(const quantize_job *j, const char *layer)
{
    for (int i = 0; i < j->n_names; i++)
        if (!strcmp(j->names[i], layer)) return true;
    return false;
}

/* The quantised layer with the least signal to noise that is to stay so; null: none is left. */
static const char *worst_layer(const quantize_job *j)
{
    fv_quantized_layer_info l;
    const char *name = NULL;
    double least = INFINITY;
    for (int i = 0; fv_quantized_layer(j->q, i, &l) == FV_OK; i++) {
        if (!l.quantised || stays_float(j, l.name) || (name && !(l.sqnr_db < least))) continue;
        name = l.name;
        least = isnan(l.sqnr_db) ? INFINITY : l.sqnr_db;
    }
    return name;
}

static bool good_enough(const quantize_job *j) { return 100 * (1 - j->result.score.agreement) <= j->result.max_drop; }

/* Takes the worst `n` layers back to float; how noisy the others are does not depend on them. */
static fv_status take_back(quantize_job *j, int n, fv_error *err)
{
    const char *name;
    for (int i = 0; i < n && (name = worst_layer(j)); i++) j->names[j->n_names++] = name; /* of the model: outlives q */
    fv_quantized_free(&j->q);
    return make(j, j->names, j->n_names, &j->q, err);
}

/* With what --float asks for; then there is room for the names of all layers. */
static int make_first(quantize_job *j)
{
    const cli_args *a = j->a;
    fv_error err = {0};
    fv_quantized_layer_info l;
    const int asked = cli_count(a, "float");
    const char **floats = tool_alloc((size_t)(asked + 1) * sizeof *floats);
    for (int i = 0; i < asked; i++) floats[i] = cli_nth(a, "float", i);
    fv_status st = make(j, floats, asked, &j->q, &err);
    while (st >= 0 && fv_quantized_layer(j->q, j->n_layers, &l) == FV_OK) j->n_layers++;
    j->names = tool_alloc((size_t)(j->n_layers + asked + 1) * sizeof *j->names);
    memcpy(j->names, floats, (size_t)asked * sizeof *floats);
    j->n_names = asked;
    free(floats);
    if (st == FV_ERR_UNSUPPORTED) return cli_error(a, EXIT_MODEL, "%s: %s", j->r.model_path, err.text);
    if (st == FV_ERR_ARGUMENT) return cli_usage(a, "%s", err.text);
    return st < 0 ? cli_fail(a, st, &err) : EXIT_OK;
}

static int pass_gate(quantize_job *j)
{
    fv_error err = {0};
    quantize_result *r = &j->result;
    const int asked = j->n_names;
    fv_status st = FV_OK;
    r->passed = true;
    r->gated = j->gate.n > 0;
    r->gate_pictures = j->gate.n;
    r->float_ms = j->gate.n ? j->gate.float_ms / j->gate.n : 0;
    for (int step = 1; st >= 0 && j->gate.n; step *= 2) {
        st = quantize_gate_score(&j->gate, j->q, 0, &r->score, &err);
        r->passed = good_enough(j);
        if (st < 0 || r->passed || cli_stopped() || !worst_layer(j)) break;
        cli_note(j->a, "%.2f points are lost, at most %.2f may be: back to float with the worst %d layer%s", 100 * (1 - r->score.agreement), r->max_drop, step, step == 1 ? "" : "s");
        st = take_back(j, step, &err);
        if (st >= 0 && !worst_layer(j)) break; /* all of it is float again: no quantised model */
    }
    r->fallen_back = j->n_names - asked;
    if (st < 0) return cli_fail(j->a, st, &err);
    if (!worst_layer(j)) r->passed = false;
    return cli_stopped() ? cli_stop_code() : EXIT_OK;
}

/* --sensitivity: every quantised layer alone. */
static int measure_layers(quantize_job *j)
{
    fv_error err = {0};
    fv_quantized_layer_info l;
    if (!cli_on(j->a, "sensitivity") || !j->gate.n) return EXIT_OK;
    const char **others = tool_alloc((size_t)(j->n_layers + 1) * sizeof *others);
    j->result.drops = tool_alloc((size_t)(j->n_layers + 1) * sizeof *j->result.drops);
    fv_status st = FV_OK;
    for (int i = 0; i < j->n_layers && st >= 0 && !cli_stopped(); i++) {
        fv_quantized *alone = NULL;
        quantize_score score;
        int n = 0;
        for (int k = 0; fv_quantized_layer(j->q, k, &l) == FV_OK; k++)
            if (k != i) others[n++] = l.name;
        fv_quantized_layer(j->q, i, &l);
        j->result.drops[i] = NAN;
        progress_line(j, "layer by layer", i, j->n_layers, i == j->n_layers - 1);
        if (!l.quantised) continue;
        st = make(j, others, n, &alone, &err);
        if (st >= 0) st = quantize_gate_score(&j->gate, alone, SENSITIVITY, &score, &err);
        if (st >= 0) j->result.drops[i] = 100 * (1 - score.agreement);
        fv_quantized_free(&alone);
    }
    free(others);
    if (cli_stopped()) return cli_stop_code();
    return st < 0 ? cli_fail(j->a, st, &err) : EXIT_OK;
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
    if (!r->passed)
        return cli_error(j->a, EXIT_GATE, "%.2f points are lost, at most %.2f may be (--max-drop); nothing was written", 100 * (1 - r->score.agreement), r->max_drop);
    fv_status st = fv_quantized_save(j->q, r->output, &err);
    if (st < 0) return cli_fail(j->a, st, &err);
    cli_note(j->a, "%s", r->output);
    return EXIT_OK;
}

static int check_arguments(quantize_job *j)
{
    const cli_args *a = j->a;
    fv_error err = {0};
    static const char *const files[] = {"output", "json"};
    if (!cli_given(a, "data")) return cli_usage(a, "--data is missing: a folder of pictures, a film, a list, or a folder of .npy tensors");
    if (!cli_given(a, "output")) return cli_usage(a, "where to? give -o Q.onnx");
    for (int i = 0; i < 2; i++) {
        const char *path = cli_text(a, files[i]);
        fv_status st = path ? cli_check_output(a, path, &err) : FV_OK;
        if (st < 0) return cli_fail(a, st, &err);
    }
    if (cli_given(a, "json") && !strcmp(cli_text(a, "json"), cli_text(a, "output"))) return cli_usage(a, "--json and -o name the same file");
    return EXIT_OK;
}

static int run_job(quantize_job *j)
{
    const cli_args *a = j->a;
    struct stat st;
    int code = check_arguments(j);
    if (!code) code = quantize_data_open(&j->data, a, cli_text(a, "data"));
    if (!code) code = open_model(j);
    if (!code) code = open_calibration(j);
    if (!code) code = calibrate(j);
    if (!code) code = fill_gate(j);
    if (code) return code;
    j->result.a = a;
    j->result.model = j->r.model_path;
    j->result.output = cli_text(a, "output");
    j->result.max_drop = cli_real(a, "max-drop", 0.5);
    j->result.float_bytes = stat(j->r.model_path, &st) == 0 ? (int64_t)st.st_size : 0;
    code = make_first(j);
    if (!code) code = pass_gate(j);
    if (!code) code = measure_layers(j);
    return code ? code : finish(j);
}

static int run(const cli_args *a)
{
    quantize_job j = {.a = a};
    j.count.kind = progress_asked(a);
    j.gate_off = cli_on(a, "no-gate");
    cli_on_stop(only_stop, NULL);
    int code = run_job(&j);
    cli_on_stop(NULL, NULL);
    fv_quantized_free(&j.q);
    fv_calibration_free(&j.c);
    quantize_gate_free(&j.gate);
    quantize_data_close(&j.data);
    free(j.names);
    free(j.result.drops);
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
    {"symmetric", NULL, "activations as int8 around zero, for engines that want it", CLI_SWITCH},
    {"reduce-range", NULL, "weights in 7 bits, for engines whose sums clip on CPUs without VNNI (OpenVINO, ONNX Runtime)", CLI_SWITCH},
    {"float", "LAYER", "a layer that stays in float; again for each"},
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
    .job = "make an int8 model with Q/DQ pairs (standard ONNX) from a float one and pictures",
    .usage = "MODEL --data DIR -o Q.onnx [flags]",
    .details = "Weights become int8 with a scale for each output channel, activations uint8 with one scale and zero\n"
               "point; the last layers before outputs stay in float. The result is compared with the float model:\n"
               "agreement is the share of boxes (confidence 0.25 and more) that the other finds as well, of the same\n"
               "class and with an overlap of 0.5. While more than --max-drop points are missing, the layers with the\n"
               "least signal to noise go back to float; when that is not enough the exit code is 8.",
    .example = "fovea quantize yolov8n.onnx --data photos -o yolov8n_int8.onnx\n"
               "fovea quantize yolov8n.onnx --data photos --cache yolov8n.calib --max-drop 1 -o yolov8n_int8.onnx",
    .groups = {{"data", flags_data}, {"quantising", flags_how}, {"reading the model", flags_rule}, {"outputs", flags_out}, {"computing", cli_flags_compute}},
    .positional = "model",
    .words = "FILE|person|mark",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
