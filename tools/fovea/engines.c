/* engines.c: see engines.h. */
#include "engines.h"
#include "models.h"
#include "ports.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- shapes ---- */

static int read_one(const cli_args *a, const fv_model *m, const char *flag, fv_port **ports, int *n)
{
    const fv_port *in;
    const int inputs = fv_model_inputs(m, &in), given = cli_count(a, flag);
    if (!given) return EXIT_OK;
    *ports = tool_alloc(((size_t)inputs + 1) * sizeof **ports);
    for (int k = 0; k < given; k++) {
        fv_port p;
        int i;
        const int code = ports_shape(a, m, flag, cli_nth(a, flag, k), &p, &i);
        if (code) return code;
        int at = 0;
        while (at < *n && strcmp((*ports)[at].name, p.name)) at++;
        (*ports)[at] = p;
        if (at == *n) ++*n;
    }
    return EXIT_OK;
}

int engine_shapes_read(const cli_args *a, const fv_model *m, engine_shapes *s)
{
    static const char *const flags[] = {"minShapes", "optShapes", "maxShapes"};
    int code = EXIT_OK, profiles = 0;
    *s = (engine_shapes){0};
    for (int i = 0; i < 3 && !code; i++) {
        profiles += cli_count(a, flags[i]);
        code = read_one(a, m, flags[i], &s->ports[i], &s->n[i]);
    }
    if (!code && cli_count(a, "shapes") && profiles) code = cli_usage(a, "--shapes says one shape; with --minShapes, --optShapes and --maxShapes leave it out");
    if (!code && cli_count(a, "shapes")) code = read_one(a, m, "shapes", &s->ports[1], &s->n[1]);
    if (code) engine_shapes_free(s);
    return code;
}

void engine_shapes_free(engine_shapes *s)
{
    for (int i = 0; i < 3; i++) free(s->ports[i]);
    *s = (engine_shapes){0};
}

/* ---- files ---- */

static fv_status to_stdout(void *user, const void *data, size_t size, fv_error *err)
{
    const char *p = data;
    (void)user;
    while (size > 0) {
        const ssize_t n = write(STDOUT_FILENO, p, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return cli_set_error(err, FV_ERR_OUTPUT, "standard output: %s", strerror(errno));
        p += n;
        size -= (size_t)n;
    }
    return FV_OK;
}

fv_status engine_save(fv_model *m, const char *path, const fv_engine_options *o, fv_engine_report *r, fv_error *err)
{
    if (strcmp(path, "-")) return fv_engine_save(m, path, o, r, err);
    if (isatty(STDOUT_FILENO)) return cli_set_error(err, FV_ERR_OUTPUT, "an engine file is not written to a terminal; give -o FILE.fv, or a pipe");
    return fv_engine_write(m, o, to_stdout, NULL, r, err);
}

int engine_refitted(const cli_args *a, fv_context *ctx, const fv_model *engine, const char *from, fv_model **out, double *ms)
{
    fv_error err = {0};
    char *place = models_find(from);
    if (!place) return models_missing(a, from);
    const double start = tool_seconds();
    fv_status st = models_load(out, ctx, place, FV_MODEL_OPTIONS(.precision = fv_model_precision(engine)), &err);
    if (st >= 0 && fv_engine_info(*out, "version")) st = cli_set_error(&err, FV_ERR_MODEL, "%s is an engine file; weights come from an ONNX model", place);
    if (st >= 0) {
        st = fv_engine_refit(*out, engine, &err);
        if (st < 0) {
            fv_error plain = err;
            st = cli_set_error(&err, st, "%s: %.400s", place, plain.text);
        }
    }
    *ms = (tool_seconds() - start) * 1e3;
    free(place);
    if (st >= 0) return EXIT_OK;
    fv_model_free(out);
    const int code = cli_fail(a, st, &err);
    return st == FV_ERR_INPUT || st == FV_ERR_LIMIT ? EXIT_MODEL : code;
}
