/* compare_side.c: "cpu:fp32:avx2:t1" or a folder of .npy files -> one side of a comparison. Called by verb_compare.c. */
#include "compare.h"
#include "models.h"
#include "npy.h"
#include "ports.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICES "auto|cpu|null|cuda"
#define PRECISIONS "fp32|fp16|bf16|int8|fp8"
#define LEVELS "c|avx2|avxvnni|avx512|avx512bf16|avx512fp16|amx"

static int twice(const cli_args *a, const char *spec, const char *what) { return cli_usage(a, "'%s' says the %s twice", spec, what); }

static int keep(const cli_args *a, const char *spec, const char *what, char **to, const char *word)
{
    if (*to) return twice(a, spec, what);
    *to = tool_strdup(word);
    return EXIT_OK;
}

/* One word; words may come in any order, since none is of two kinds. */
static int parse_word(side *s, const cli_args *a, const char *word)
{
    if (!strcmp(word, "no-rewrite")) {
        s->no_rewrite = true;
        return EXIT_OK;
    }
    if (word[0] == 't' && word[1] && strspn(word + 1, "0123456789") == strlen(word + 1)) {
        long n = strtol(word + 1, NULL, 10);
        if (n < 1 || n > 256) return cli_usage(a, "'%s': tN is a number of threads, N from 1 to 256", s->spec);
        s->threads = (int)n;
        return EXIT_OK;
    }
    if (cli_is_choice(DEVICES, word)) return keep(a, s->spec, "device", &s->device, word);
    if (cli_is_choice(PRECISIONS, word)) return keep(a, s->spec, "precision", &s->precision, word);
    if (cli_is_choice(LEVELS, word)) return keep(a, s->spec, "CPU level", &s->level, word);
    static const char *const all[] = {"auto", "cpu", "null", "cuda", "fp32", "fp16", "bf16", "int8", "fp8", "c", "avx2", "avxvnni", "avx512", "avx512bf16",
                                      "avx512fp16", "amx", "no-rewrite", "t1"};
    const char *close = cli_closest(word, all, sizeof all / sizeof *all);
    return cli_usage(a,
                     "'%s': '%s' is no device (" DEVICES "), precision (" PRECISIONS "), CPU level (" LEVELS "), no-rewrite, tN (threads) or F.onnx, and no folder%s%s%s",
                     s->spec, word, close ? "; did you mean " : "", close ? close : "", close ? "?" : "");
}

/* "F.onnx", a path to whatever file, or a built-in model. */
static bool is_model(const char *word)
{
    size_t n = strcspn(word, ":");
    return memchr(word, '/', n) || (!word[n] && n > 5 && !strcmp(word + n - 5, ".onnx")) || (!word[n] && n > 3 && !strcmp(word + n - 3, ".fv")) || models_builtin(word);
}

int side_parse(side *s, const cli_args *a, const char *spec)
{
    struct stat st;
    *s = (side){.spec = spec};
    if (!stat(spec, &st) && S_ISDIR(st.st_mode)) {
        s->stored = tool_strdup(spec);
        return EXIT_OK;
    }
    int code = EXIT_OK;
    char *copy = tool_strdup(spec);
    for (char *word = copy, *next; word && !code; word = next) {
        if (is_model(word)) { /* the rest is a path, which may hold colons */
            code = keep(a, spec, "model", &s->model_path, word);
            break;
        }
        next = strchr(word, ':');
        if (next) *next++ = 0;
        code = parse_word(s, a, word);
    }
    free(copy);
    return code;
}

int side_load(side *s, const cli_args *a, const char *model)
{
    fv_error err = {0};
    if (s->stored) return EXIT_OK;
    int threads = s->threads ? s->threads : (int)cli_int(a, "threads", 0);
    const char *name = s->model_path ? s->model_path : model;
    char *place = models_find(name);
    if (!place) return models_missing(a, name);
    fv_status st = fv_context_create(&s->ctx, FV_CONTEXT_OPTIONS(.threads = threads, .cpu_levels = s->level, .memory_limit = cli_int(a, "memory-limit", 0) << 20), &err);
    if (st >= 0)
        st = models_load(&s->model, s->ctx, place, FV_MODEL_OPTIONS(.device = s->device, .precision = s->precision, .no_rewrite = s->no_rewrite), &err);
    free(place);
    if (st >= 0) return EXIT_OK;
    bool file = st == FV_ERR_INPUT || st == FV_ERR_LIMIT;
    int code = cli_fail(a, st, &err);
    return file ? EXIT_MODEL : code;
}

int side_session(side *s, const cli_args *a, const feeds *f)
{
    fv_error err = {0};
    if (s->stored) return EXIT_OK;
    fv_session_options o = {.size = sizeof o, .batch = (int)cli_int(a, "batch", 0), .observe = 1};
    fv_status st = ports_session_with(&s->session, s->model, f->wanted, &o, &err);
    if (st == FV_ERR_SHAPE) return cli_error(a, EXIT_USAGE, "%s", err.text);
    return st < 0 ? cli_fail(a, st, &err) : EXIT_OK;
}

void side_free(side *s)
{
    fv_session_free(&s->session);
    fv_model_free(&s->model);
    fv_context_free(&s->ctx);
    free(s->stored);
    free(s->device);
    free(s->precision);
    free(s->level);
    free(s->model_path);
    *s = (side){0};
}

static fv_status stored_value(const side *s, const char *name, fv_tensor *t, fv_error *err)
{
    text path = {0};
    text_folder(&path, s->stored);
    port_file_name(&path, name);
    text_add(&path, ".npy");
    fv_status st = access(path.s, F_OK) ? FV_END : npy_read(path.s, t, err);
    text_free(&path);
    return st;
}

fv_status side_value(const side *s, const fv_port *port, fv_tensor *t, fv_error *err)
{
    fv_value_info v;
    *t = (fv_tensor){0};
    if (s->stored) return stored_value(s, port->name, t, err);
    for (int i = 0; fv_session_value(s->session, i, &v) == FV_OK; i++) {
        if (strcmp(v.port.name, port->name)) continue;
        ports_empty(&v.port, t);
        return fv_session_get_value(s->session, i, t, err);
    }
    return FV_END;
}
