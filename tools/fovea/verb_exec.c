/* verb_exec.c: tensors in, every output of the model out, as .npy files. The verb that tests and other programs compare
 * with, so it converts nothing silently and computes every output in full. */
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
    const fv_port *in, *out; /* of the model */
    int n_in, n_out;
    fv_tensor *given;        /* [n_in]; data null = not given */
    fv_port *wanted;         /* [n_in] */
    char **files;            /* [n_out] */
    fv_tensor result;
} job;

/* --input NAME=F.npy; both may contain '=': the longest name that is an input wins. */
static int read_input(job *j, const char *arg)
{
    int best = -1;
    size_t best_n = 0;
    for (int i = 0; i < j->n_in; i++) {
        size_t n = strlen(j->in[i].name);
        if (strncmp(arg, j->in[i].name, n) == 0 && arg[n] == '=' && (best < 0 || n > best_n)) best = i, best_n = n;
    }
    const char *file = best >= 0 ? arg + best_n + 1 : arg;
    if (best < 0 && !strchr(arg, '=') && j->n_in == 1) best = 0;
    if (best < 0) {
        text names = {0};
        port_names(&names, j->in, j->n_in);
        int code = cli_usage(j->a, "--input %s: must be NAME=F.npy, and the model's inputs are %s", arg, j->n_in ? names.s : "none");
        text_free(&names);
        return code;
    }
    fv_error err = {0};
    if (j->given[best].data) return cli_usage(j->a, "input '%s' is given twice", j->in[best].name);
    fv_status s = npy_read(file, &j->given[best], &err);
    return s < 0 ? cli_fail(j->a, s, &err) : EXIT_OK;
}

/* float32 for a bfloat16 input is rounded to nearest even: NumPy has no type of its own for it. */
static void to_bfloat16(fv_tensor *t)
{
    int64_t n = fv_tensor_count(t);
    uint16_t *to = tool_alloc((size_t)n * 2 + 2);
    for (int64_t i = 0; i < n; i++) {
        uint32_t u;
        memcpy(&u, (float *)t->data + i, 4);
        bool nan = (u & 0x7FFFFFFF) > 0x7F800000;
        to[i] = (uint16_t)(nan ? u >> 16 | 0x40 : (u + 0x7FFF + (u >> 16 & 1)) >> 16);
    }
    free(t->data);
    t->data = to;
    t->dtype = FV_BF16;
}

/* Type and shape against what the model declares; a symbolic dimension takes the file's. */
static int fit_input(job *j, int i)
{
    fv_tensor *t = &j->given[i];
    fv_port *w = &j->wanted[i];
    if (t->dtype == FV_F32 && w->dtype == FV_BF16) to_bfloat16(t);
    fv_port got = {.name = w->name, .rank = t->rank};
    memcpy(got.dim, t->dim, sizeof got.dim);
    if (t->dtype != w->dtype)
        return cli_error(j->a, EXIT_USAGE, "input '%s' needs %s, the file holds %s", w->name, fv_dtype_name(w->dtype), fv_dtype_name(t->dtype));
    bool fits = t->rank == w->rank;
    for (int d = 0; fits && d < w->rank; d++) {
        if (w->dim[d] < 0) w->dim[d] = t->dim[d];
        fits = w->dim[d] == t->dim[d];
    }
    if (fits) return EXIT_OK;
    text want = {0}, have = {0};
    port_shape(&want, w, 'x');
    port_shape(&have, &got, 'x');
    bool only_batch = t->rank == w->rank && t->rank > 0 && t->dim[0] != w->dim[0];
    for (int d = 1; only_batch && d < w->rank; d++) only_batch = w->dim[d] == t->dim[d];
    char hint[48] = "";
    if (only_batch && !cli_given(j->a, "batch")) snprintf(hint, sizeof hint, " (give --batch %lld to run it as a batch)", (long long)t->dim[0]);
    int code = cli_error(j->a, EXIT_USAGE, "input '%s' has shape %s, the file has %s%s", w->name, want.s, have.s, hint);
    text_free(&want);
    text_free(&have);
    return code;
}

static int read_inputs(job *j)
{
    int code = ports_wanted(j->a, j->model, &j->wanted);
    for (int i = 0; i < cli_count(j->a, "input") && !code; i++) code = read_input(j, cli_nth(j->a, "input", i));
    for (int i = 0; i < j->n_in && !code; i++) {
        if (j->given[i].data)
            code = fit_input(j, i);
        else if (!cli_given(j->a, "seed"))
            code = cli_usage(j->a, "input '%s' is missing: give --input %s=F.npy, or --seed to fill it", j->in[i].name, j->in[i].name);
    }
    return code ? code : ports_complete(j->a, j->wanted, j->n_in);
}

/* DIR/NAME.npy with every unusual character replaced; two outputs with one file name would overwrite each other. */
static int name_outputs(job *j)
{
    static const char usual[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    const char *dir = cli_text(j->a, "o");
    struct stat st;
    if (stat(dir, &st) == 0 && !S_ISDIR(st.st_mode)) return cli_error(j->a, EXIT_OUTPUT, "%s: is no folder", dir);
    bool exists = stat(dir, &st) == 0;
    for (int i = 0; i < j->n_out; i++) {
        text f = {0};
        text_folder(&f, dir);
        for (const char *c = j->out[i].name; *c; c++) text_addn(&f, strchr(usual, *c) ? c : "_", 1);
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

static fv_status set_inputs(job *j, fv_error *err)
{
    const fv_port *in;
    int n = fv_session_inputs(j->session, &in);
    for (int i = 0; i < n; i++) {
        if (!j->given[i].data) ports_random(&in[i], (uint64_t)cli_int(j->a, "seed", 0), i, &j->given[i]);
        fv_status s = fv_session_set_input(j->session, i, &j->given[i], err);
        if (s < 0) return s;
    }
    return FV_OK;
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

static int compute(job *j)
{
    fv_error err = {0};
    fv_status s = ports_session(&j->session, j->model, j->wanted, (int)cli_int(j->a, "batch", 0), 0, &err);
    if (s == FV_ERR_SHAPE) return cli_error(j->a, EXIT_USAGE, "%s", err.text);
    if (s >= 0) s = set_inputs(j, &err);
    if (s >= 0) s = fv_session_run(j->session);
    if (s >= 0) s = write_outputs(j, &err);
    return s < 0 ? cli_fail(j->a, s, &err) : EXIT_OK;
}

static int run(const cli_args *a)
{
    if (!cli_given(a, "o")) return cli_usage(a, "-o DIR is missing: where the outputs go");
    job j = {.a = a};
    int code = ports_load(a, &j.ctx, &j.model);
    if (code) return code;
    j.n_in = fv_model_inputs(j.model, &j.in);
    j.n_out = fv_model_outputs(j.model, &j.out);
    j.given = tool_alloc(((size_t)j.n_in + 1) * sizeof *j.given);
    j.files = tool_alloc(((size_t)j.n_out + 1) * sizeof *j.files);
    code = read_inputs(&j);
    if (!code) code = name_outputs(&j);
    if (!code) code = compute(&j);
    fv_session_free(&j.session);
    for (int i = 0; i < j.n_in; i++) free(j.given[i].data);
    for (int i = 0; i < j.n_out; i++) free(j.files[i]);
    free(j.given);
    free(j.files);
    free(j.wanted);
    fv_model_free(&j.model);
    fv_context_free(&j.ctx);
    return code;
}

static const cli_flag flags[] = {
    {"input", "NAME=F.npy", "value of an input; again for each (NAME= may be left out when there is one)"},
    {"o", "DIR", "folder for the outputs; made when it does not exist"},
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
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
