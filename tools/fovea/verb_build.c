/* verb_build.c: `fovea build`: ONNX -> engine file: rewritten, tactics timed, weights packed. The work is fv_engine_write. Listed in main.c. */
#include "engines.h"
#include "ports.h"
#include "tuning.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was written, on stderr when the file itself goes to stdout. */
static void print_report(const cli_args *a, const char *path, const fv_model *m, const fv_engine_report *r, double ms)
{
    if (cli_on(a, "quiet")) return;
    FILE *to = strcmp(path, "-") ? stdout : stderr;
    text name = {0};
    text_terminal(&name, path);
    fprintf(to, "engine     %s, %.1f MB, %d plan%s, in %.2f s\n", name.s, (double)r->bytes / 1e6, r->plans, r->plans == 1 ? "" : "s", ms / 1e3);
    if (cli_on(a, "stripWeights"))
        fprintf(to, "stripped   %.1f MB of weights are not in it: %.1f %% less\n", (double)r->saved_bytes / 1e6,
                100.0 * (double)r->saved_bytes / (double)(r->saved_bytes + r->bytes));
    else
        fprintf(to, "weights    %.1f MB, packed\n", (double)r->weight_bytes / 1e6);
    fprintf(to, "precision  %s\n", fv_model_precision(m));
    text t = {0};
    tuning_print(&t, &r->tuning);
    if (t.len) fputs(t.s, to);
    text_free(&t);
    text_free(&name);
}

static fv_status write_json(const cli_args *a, const char *path, const fv_model *m, const fv_engine_report *r, double ms, fv_error *err)
{
    text t = {0};
    if (!cli_given(a, "json")) return FV_OK;
    text_add(&t, "{\"model\":");
    text_json(&t, cli_positional(a, 0));
    text_add(&t, ",\"output\":");
    text_json(&t, path);
    text_printf(&t, ",\"precision\":\"%s\",\"bytes\":%lld,\"plans\":%d,\"choices\":%d,\"timed\":%d,\"remembered\":%d,\"build_ms\":", fv_model_precision(m), (long long)r->bytes, r->plans,
                r->tuning.choices, r->tuning.timed, r->tuning.remembered);
    text_number(&t, ms, 3);
    text_add(&t, "}\n");
    fv_status st = cli_write_file(cli_text(a, "json"), t.s, t.len, err);
    text_free(&t);
    return st;
}

static int build(const cli_args *a, fv_model *m, const char *path)
{
    fv_error err = {0};
    engine_shapes s;
    fv_engine_report r = {.size = sizeof r};
    int code = engine_shapes_read(a, m, &s);
    if (code) return code;
    const double start = tool_seconds();
    const fv_engine_options o = {.size = sizeof o, .target = cli_text(a, "target"), .portable = cli_on(a, "portable"), .strip = cli_on(a, "stripWeights"),
                                 .batch = (int)cli_int(a, "batch", 0), .min_shapes = s.ports[0], .opt_shapes = s.ports[1], .max_shapes = s.ports[2],
                                 .n_min = s.n[0], .n_opt = s.n[1], .n_max = s.n[2]};
    const fv_status st = engine_save(m, path, &o, &r, &err);
    engine_shapes_free(&s);
    if (st < 0) return st == FV_ERR_SHAPE || st == FV_ERR_ARGUMENT ? cli_error(a, EXIT_USAGE, "%s", err.text) : cli_fail(a, st, &err);
    const double ms = (tool_seconds() - start) * 1e3;
    print_report(a, path, m, &r, ms);
    const fv_status written = write_json(a, path, m, &r, ms, &err);
    return written < 0 ? cli_fail(a, written, &err) : EXIT_OK;
}

static int run(const cli_args *a)
{
    fv_context *ctx;
    fv_model *m;
    fv_error err = {0};
    const char *path = cli_text(a, "output");
    if (!path || !path[0]) return cli_usage(a, "where to? give -o FILE.fv, or -o - for a pipe");
    fv_status st = cli_check_output(a, path, &err);
    if (st >= 0 && cli_given(a, "json")) st = cli_check_output(a, cli_text(a, "json"), &err);
    if (st < 0) return cli_fail(a, st, &err);
    int code = ports_load(a, &ctx, &m);
    if (code) return code;
    code = build(a, m, path);
    fv_model_free(&m);
    fv_context_free(&ctx);
    return code;
}

static const cli_flag flags[] = {
    {"output", "F.fv|-", "the engine file; - is standard output", .alias = "o"},
    {"target", "LEVEL,...", "CPU levels that it is for: native (this machine's), c, avx2, avx512 (native)"},
    {"portable", NULL, "the model is in it, too: it runs on other machines, shapes and versions, packed when it is loaded", CLI_SWITCH},
    {"stripWeights", NULL, "no weights: `fovea refit` or --refitFromOnnx put them in", CLI_SWITCH},
    {"shapes", "NAME:1x3x640x640", "shape of an input; again for each (as declared)"},
    {"minShapes", "NAME:1x3x640x640", "smallest shape; again for each input"},
    {"optShapes", "NAME:4x3x640x640", "shape that is used most"},
    {"maxShapes", "NAME:8x3x640x640", "largest shape"},
    {"batch", "N", "first dimension of every input (as declared)", CLI_INT, 1, 4096},
    {"json", "F|-", "size, build time and how tactics were chosen as JSON"},
    {"overwrite", NULL, "replace a file that exists (it is refused)", CLI_SWITCH},
    {0}};

const cli_verb cli_verb_build = {
    .name = "build",
    .job = "ONNX model -> engine file, which starts in milliseconds",
    .usage = "MODEL -o F.fv [flags]",
    .details = "The graph is rewritten, implementations (tactics) are timed or remembered from the timing cache, weights are\n"
               "packed. Every verb takes the file as MODEL: it is mapped, checked and run; processes share its pages.",
    .example = "fovea build yolov8n.onnx -o yolov8n.fv\nfovea build yolov8n.onnx -o - | fovea bench -\n"
               "fovea build yolov8n_dyn.onnx --minShapes images:1x3x640x640 --maxShapes images:8x3x640x640 -o yolov8n.fv",
    .groups = {{"engine", flags}, {"computing", cli_flags_compute}},
    .positional = "model",
    .words = "FILE|person|mark|fill",
    .min_args = 1,
    .max_args = 1,
    .tune = 3,
    .run = run,
};
