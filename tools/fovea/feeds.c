/* feeds.c: flags and .npy files -> the inputs of a model, nothing converted silently. Called by exec and compare. */
#include "feeds.h"
#include "npy.h"
#include "ports.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --input NAME=F.npy; both may contain '=': the longest name that is an input wins. */
static int read_input(feeds *f, const char *arg)
{
    int best = -1;
    size_t best_n = 0;
    for (int i = 0; i < f->n; i++) {
        size_t n = strlen(f->in[i].name);
        if (strncmp(arg, f->in[i].name, n) == 0 && arg[n] == '=' && (best < 0 || n > best_n)) best = i, best_n = n;
    }
    const char *file = best >= 0 ? arg + best_n + 1 : arg;
    if (best < 0 && !strchr(arg, '=') && f->n == 1) best = 0;
    if (best < 0) {
        text names = {0};
        port_names(&names, f->in, f->n);
        int code = cli_usage(f->a, "--input %s: must be NAME=F.npy, and the model's inputs are %s", arg, f->n ? names.s : "none");
        text_free(&names);
        return code;
    }
    fv_error err = {0};
    if (f->given[best].data) return cli_usage(f->a, "input '%s' is given twice", f->in[best].name);
    fv_status s = npy_read(file, &f->given[best], &err);
    return s < 0 ? cli_fail(f->a, s, &err) : EXIT_OK;
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
static int fit_input(feeds *f, int i)
{
    fv_tensor *t = &f->given[i];
    fv_port *w = &f->wanted[i];
    if (t->dtype == FV_F32 && w->dtype == FV_BF16) to_bfloat16(t);
    fv_port got = {.name = w->name, .rank = t->rank};
    memcpy(got.dim, t->dim, sizeof got.dim);
    if (t->dtype != w->dtype)
        return cli_error(f->a, EXIT_USAGE, "input '%s' needs %s, the file holds %s", w->name, fv_dtype_name(w->dtype), fv_dtype_name(t->dtype));
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
    if (only_batch && !cli_given(f->a, "batch")) snprintf(hint, sizeof hint, " (give --batch %lld to run it as a batch)", (long long)t->dim[0]);
    int code = cli_error(f->a, EXIT_USAGE, "input '%s' has shape %s, the file has %s%s", w->name, want.s, have.s, hint);
    text_free(&want);
    text_free(&have);
    return code;
}

int feeds_read(feeds *f, const cli_args *a, const fv_model *m, bool seeded)
{
    *f = (feeds){.a = a};
    f->n = fv_model_inputs(m, &f->in);
    f->given = tool_alloc(((size_t)f->n + 1) * sizeof *f->given);
    int code = ports_wanted(a, m, &f->wanted);
    for (int i = 0; i < cli_count(a, "input") && !code; i++) code = read_input(f, cli_nth(a, "input", i));
    for (int i = 0; i < f->n && !code; i++) {
        if (f->given[i].data)
            code = fit_input(f, i);
        else if (!seeded && !cli_given(a, "seed"))
            code = cli_usage(a, "input '%s' is missing: give --input %s=F.npy, or --seed to fill it", f->in[i].name, f->in[i].name);
    }
    return code;
}

int feeds_take(feeds *f, int i, fv_tensor *t)
{
    free(f->given[i].data);
    f->given[i] = *t;
    *t = (fv_tensor){0};
    return fit_input(f, i);
}

fv_status feeds_set(feeds *f, fv_session *s, uint64_t seed, fv_error *err)
{
    const fv_port *in;
    int n = fv_session_inputs(s, &in);
    if (n != f->n) return cli_set_error(err, FV_ERR_ARGUMENT, "the models have %d and %d inputs", f->n, n);
    for (int i = 0; i < n; i++) {
        if (!f->given[i].data) ports_random(&in[i], seed, i, &f->given[i]);
        fv_status st = fv_session_set_input(s, i, &f->given[i], err);
        if (st < 0) return st;
    }
    return FV_OK;
}

void feeds_free(feeds *f)
{
    for (int i = 0; i < f->n && f->given; i++) free(f->given[i].data);
    free(f->given);
    free(f->wanted);
    *f = (feeds){0};
}
