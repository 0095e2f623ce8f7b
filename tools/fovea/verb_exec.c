/* verb_exec.c: tensors in, every output of the model out, as .npy files. The verb that tests and other programs compare
 * with, so it converts nothing silently and computes every output in full. */
#include "feeds.h"
#include "npy.h"
#include "ports.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct job {
    const cli_args *a;
    fv_context *ctx;
    fv_model *model;
    fv_session *session;
    feeds feeds;
    const fv_port *out; /* of the model */
    int n_out;
    char **files; /* [n_out] */
    fv_tensor result;
} job;

/* DIR/NAME.npy with every unusual character replaced; two outputs with one file name would overwrite each other. */
static int name_outputs(job *j)
{
    const char *dir = cli_text(j->a, "o");
    struct stat st;
    if (stat(dir, &st) == 0 && !S_ISDIR(st.st_mode)) return cli_error(j->a, EXIT_OUTPUT, "%s: is no folder", dir);
    bool exists = stat(dir, &st) == 0;
    for (int i = 0; i < j->n_out; i++) {
        text f = {0};
        text_folder(&f, dir);
        port_file_name(&f, j->out[i].name);
        text_add(&f, ".npy");
        j->files[i] = f.s;
        for (int k = 0; k < i; k++)
            if (strcmp(f.s, j->files[k]) == 0)
                return cli_error(j->a, EXIT_USAGE, "outputs '%s' and '%s' would both be written to %s", j->out[k].name, j->out[i].name, f.s);
        fv_error err = {0};
        fv_status s = exists ? cli_check_output(j->a, f.s, &err) : FV_OK;
        if (s < 0) return cli_fail(j->a, s, &err);
    }
    if (!exists && mkdir(dir, 0777) != 0) return cli_error(j->a, EXIT_OUTPUT, "%s: %s", dir, strerror(errno));
    return EXIT_OK;
}

static fv_status write_outputs(job *j, fv_error *err)
{
    const fv_port *out;
    int n = fv_session_outputs(j->session, &out);
    for (int i = 0; i < n; i++) {
        ports_empty(&out[i], &j->result);
        fv_status s = fv_session_get_output(j->session, i, &j->result, err);
        if (s >= 0) s = npy_write(j->files[i], &j->result, err);
        free(j->result.data);
        j->result.data = NULL;
        if (s < 0) return s;
        if (cli_on(j->a, "quiet")) continue;
        text line = {0}, shape = {0};
        port_shape(&shape, &out[i], 'x');
        text_terminal(&line, out[i].name);
        text_printf(&line, " %s %s -> ", fv_dtype_name(out[i].dtype), shape.s);
        text_terminal(&line, j->files[i]);
        puts(line.s);
        text_free(&line);
        text_free(&shape);
    }
    return FV_OK;
}

/* --all-values: what lies between the steps as well. Outputs are among the values; they have been written. */
static fv_status write_values(job *j, fv_error *err)
{
    fv_value_info v;
    const char *dir = cli_text(j->a, "o");
    int written = 0;
    for (int i = 0; fv_session_value(j->session, i, &v) == FV_OK; i++) {
        text path = {0};
        text_folder(&path, dir);
        port_file_name(&path, v.port.name);
        text_add(&path, ".npy");
        bool output = false;
        for (int k = 0; k < j->n_out; k++) output |= !strcmp(path.s, j->files[k]);
        fv_status s = output ? FV_OK : cli_check_output(j->a, path.s, err);
        if (s >= 0 && !output) {
            ports_empty(&v.port, &j->result);
            s = fv_session_get_value(j->session, i, &j->result, err);
            if (s >= 0) s = npy_write(path.s, &j->result, err);
            free(j->result.data);
            j->result.data = NULL;
            written++;
        }
        text_free(&path);
        if (s < 0) return s;
    }
    cli_note(j->a, "%d values between steps -> %s", written, dir);
    return FV_OK;
}

static int compute(job *j)
{
    fv_error err = {0};
    bool all = cli_on(j->a, "all-values");
    fv_session_options o = {.size = sizeof o, .batch = (int)cli_int(j->a, "batch", 0), .observe = all};
    fv_status s = ports_session_with(&j->session, j->model, j->feeds.wanted, &o, &err);
    if (s == FV_ERR_SHAPE) return cli_error(j->a, EXIT_USAGE, "%s", err.text);
    if (s >= 0) s = feeds_set(&j->feeds, j->session, (uint64_t)cli_int(j->a, "seed", 0), &err);
    if (s >= 0) s = fv_session_run(j->session);
    if (s >= 0) s = write_outputs(j, &err);
    if (s >= 0 && all) s = write_values(j, &err);
    return s < 0 ? cli_fail(j->a, s, &err) : EXIT_OK;
}

static int run(const cli_args *a)
{
    if (!cli_given(a, "o")) return cli_usage(a, "-o DIR is missing: where the outputs go");
    job j = {.a = a};
    int code = ports_load(a, &j.ctx, &j.model);
    if (code) return code;
    j.n_out = fv_model_outputs(j.model, &j.out);
    j.files = tool_alloc(((size_t)j.n_out + 1) * sizeof *j.files);
    code = feeds_read(&j.feeds, a, j.model, false);
    if (!code) code = ports_complete(a, j.model, j.feeds.wanted);
    if (!code) code = name_outputs(&j);
    if (!code) code = compute(&j);
    fv_session_free(&j.session);
    feeds_free(&j.feeds);
    for (int i = 0; i < j.n_out; i++) free(j.files[i]);
    free(j.files);
    fv_model_free(&j.model);
    fv_context_free(&j.ctx);
    return code;
}

static const cli_flag flags[] = {
    {"input", "NAME=F.npy", "value of an input; again for each (NAME= may be left out when there is one)"},
    {"o", "DIR", "folder for the outputs; made when it does not exist"},
    {"all-values", NULL, "also write every value between steps, for `fovea compare`", CLI_SWITCH},
    {"seed", "S", "fill inputs that are not given with uniform [0,1)", CLI_INT, 0, 1e15},
    {"batch", "N", "first dimension of every input (as declared)", CLI_INT, 1, 4096},
    {"shapes", "NAME:1x3x640x640", "shape of an input; again for each (as declared, or as the file)"},
    {"overwrite", NULL, "replace outputs that exist (they are refused)", CLI_SWITCH},
    {0}};

const cli_verb cli_verb_exec = {
    .name = "exec",
    .job = "run a model on given tensors, write every output as DIR/NAME.npy",
    .usage = "MODEL --input NAME=F.npy ... -o DIR [flags]",
    .details = "Outputs keep their type (bfloat16 is written as float32). Characters of a name other than\n"
               "A-Z a-z 0-9 . _ - become _ in its file name.",
    .example = "fovea exec yolov8n.onnx --input images=picture.npy -o out\nfovea exec model.onnx --seed 1 --batch 4 -o out --overwrite",
    .groups = {{"tensors", flags}, {"computing", cli_flags_compute}},
    .positional = "model",
    .words = "FILE|person|mark|fill",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
