/* verb_refit.c: `fovea refit`: an engine file, stripped or not, with the weights of a model of the same graph. Listed in main.c. */
#include "engines.h"
#include "ports.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run(const cli_args *a)
{
    fv_context *ctx = NULL;
    fv_model *engine = NULL, *weights = NULL;
    fv_error err = {0};
    fv_engine_report r = {.size = sizeof r};
    const char *path = cli_text(a, "output"), *from = cli_text(a, "weights");
    if (!from || !from[0]) return cli_usage(a, "which weights? give --weights MODEL.onnx");
    if (!path || !path[0]) return cli_usage(a, "where to? give -o FILE.fv, or -o - for a pipe");
    fv_status st = cli_check_output(a, path, &err);
    if (st < 0) return cli_fail(a, st, &err);
    int code = ports_load(a, &ctx, &engine);
    if (code) return code;
    double load = 0;
    const double start = tool_seconds();
    if (!fv_engine_info(engine, "version")) code = cli_error(a, EXIT_MODEL, "%s is not an engine file; fovea build makes one", cli_positional(a, 0));
    if (!code) code = engine_refitted(a, ctx, engine, from, &weights, &load);
    if (!code) {
        const fv_engine_options o = {.size = sizeof o, .strip = cli_on(a, "stripWeights"), .portable = cli_on(a, "portable")};
        st = engine_save(weights, path, &o, &r, &err);
        if (st < 0) code = cli_fail(a, st, &err);
    }
    if (!code && !cli_on(a, "quiet")) {
        text name = {0};
        text_terminal(&name, path);
        fprintf(strcmp(path, "-") ? stdout : stderr, "engine     %s, %.1f MB, %d plan%s, refitted in %.1f ms\n", name.s, (double)r.bytes / 1e6, r.plans, r.plans == 1 ? "" : "s",
                (tool_seconds() - start) * 1e3);
        text_free(&name);
    }
    fv_model_free(&weights);
    fv_model_free(&engine);
    fv_context_free(&ctx);
    return code;
}

static const cli_flag flags[] = {
    {"weights", "MODEL.onnx", "whose weights: an export of the model that the engine was built from"},
    {"output", "F.fv|-", "the engine file with them; - is standard output", .alias = "o"},
    {"portable", NULL, "the model is in it, too", CLI_SWITCH},
    {"stripWeights", NULL, "no weights after all: only look whether they would fit", CLI_SWITCH},
    {"overwrite", NULL, "replace a file that exists (it is refused)", CLI_SWITCH},
    {0}};

const cli_verb cli_verb_refit = {
    .name = "refit",
    .job = "put weights into an engine file: a stripped one, or others than it has",
    .usage = "F.fv --weights MODEL.onnx -o FULL.fv [flags]",
    .details = "The graph must be the one that the engine was built from; tactics stay, nothing is timed. Another graph is\n"
               "refused with the weights that are missing or have another shape.",
    .example = "fovea refit slim.fv --weights yolov8n.onnx -o full.fv",
    .groups = {{"engine", flags}, {"computing", cli_flags_compute}},
    .positional = "model",
    .words = "FILE",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
