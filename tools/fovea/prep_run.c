/* prep_run.c: the pictures of `fovea prep` to a file: as one batch, or as a tensor a picture where their sizes differ. Threads write their pictures
 * where they belong as soon as they are there. */
#include "prep.h"
#include "text.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void prep_fail(prep_job *j, const char *name, const char *why)
{
    if ((j->n_failures & (j->n_failures + 1)) == 0) { /* 0, 1, 3, 7, …: full */
        prep_failure *more = tool_alloc((size_t)(2 * j->n_failures + 2) * sizeof *more);
        if (j->n_failures) memcpy(more, j->failures, (size_t)j->n_failures * sizeof *more);
        free(j->failures);
        j->failures = more;
    }
    j->failures[j->n_failures++] = (prep_failure){name, tool_strdup(why)};
}

static void show_progress(prep_job *j, int done)
{
    const bool last = done == j->n;
    if (!progress_due(&j->progress, last)) return;
    if (j->progress.kind == PROGRESS_JSON)
        fprintf(stderr, "{\"stage\":\"prep\",\"done\":%d,\"total\":%d}\n", done, j->n);
    else
        progress_show("", done, j->n, last);
}

/* Figures of one picture. */
static void note(prep_job *j, const fv_prep_result *r)
{
    const int64_t ns[PREP_STAGES] = {r->read_ns, r->decode_ns, r->resize_ns};
    for (int s = 0; s < PREP_STAGES; s++) j->stage[s].ms[j->stage[s].n++] = (float)((double)ns[s] * 1e-6);
    const char *name;
    for (int i = 0; i < 8 && (name = fv_prep_strategy(i, NULL, NULL)); i++) j->by_strategy[i] += strcmp(name, r->strategy) == 0;
    j->profiles += r->profile != 0;
    j->done++;
}

typedef struct running {
    prep_job *j;
    pthread_mutex_t lock;
    char **why; /* [n] of those that failed */
    int begun, code;
    fv_error output; /* of the first write that failed */
} running;

/* A picture is there, or failed: on any thread. */
static int done(void *user, int i, const fv_tensor *t, const fv_prep_result *r)
{
    running *g = user;
    prep_job *j = g->j;
    fv_error err = {0};
    const bool single = j->n_entries > 1;
    fv_status s = FV_OK;
    if (t) s = tensor_out_write(j->out, single ? i : 0, single ? 0 : i, t->data, (size_t)fv_tensor_count(t) * fv_dtype_size(t->dtype), &err);
    pthread_mutex_lock(&g->lock);
    if (s < 0 && g->output.status == FV_OK) g->output = err;
    if (t)
        note(j, r);
    else if (r->status != FV_ERR_CANCELLED)
        g->why[i] = tool_strdup(r->error.text);
    if (!t && j->on_error == PREP_SKIP) tensor_out_drop(j->out, single ? i : 0, single ? 0 : i);
    if (r->status != FV_ERR_CANCELLED) show_progress(j, ++g->begun);
    pthread_mutex_unlock(&g->lock);
    return s < 0 || cli_stopped();
}

static int run_all(prep_job *j)
{
    running g = {.j = j, .why = tool_alloc((size_t)j->n * sizeof *g.why)};
    fv_prep_input *in = tool_alloc((size_t)j->n * sizeof *in);
    fv_error err = {0};
    for (int i = 0; i < j->n; i++) in[i].path = j->files[i];
    pthread_mutex_init(&g.lock, NULL);
    double t0 = tool_seconds();
    fv_status s = fv_prep_each(j->prep, in, j->n, done, &g, &err);
    j->seconds = tool_seconds() - t0;
    pthread_mutex_destroy(&g.lock);
    for (int i = 0; i < j->n; i++) {
        if (g.why[i]) prep_fail(j, j->files[i], g.why[i]);
        free(g.why[i]);
    }
    free(g.why);
    free(in);
    if (cli_stopped()) return cli_stop_code();
    if (g.output.status < 0) return cli_fail(j->a, g.output.status, &g.output);
    if (s < 0) return cli_fail(j->a, s, &err);
    return s == FV_PARTIAL && j->on_error == PREP_STOP ? cli_fail(j->a, err.status, &err) : 0;
}

/* ---- the plan ---- */

/* Sizes by headers; a picture whose size cannot be told has none to be zeros of, and is left out. 0, or an exit code. */
static int plan_multiple(prep_job *j)
{
    int n = 0;
    bool same = true;
    j->entries = tool_alloc(((size_t)j->n + 1) * sizeof *j->entries);
    for (int i = 0; i < j->n; i++) {
        fv_error err = {0};
        int w, h;
        fv_status s = fv_prep_size_of(j->prep, &(fv_prep_input){.path = j->files[i]}, &w, &h, &err);
        if (s < 0) {
            prep_fail(j, j->files[i], err.text);
            if (j->on_error == PREP_STOP) return cli_fail(j->a, s, &err);
            continue;
        }
        j->entries[n] = (fv_tensor){.dtype = j->o.dtype, .rank = 4, .dim = {1, 3, h, w}};
        if (j->o.nhwc) j->entries[n] = (fv_tensor){.dtype = j->o.dtype, .rank = 4, .dim = {1, h, w, 3}};
        same = same && memcmp(j->entries[n].dim, j->entries[0].dim, sizeof j->entries[0].dim) == 0;
        j->files[n++] = j->files[i];
    }
    j->n = j->n_entries = n;
    if (n && same) {
        j->entries[0].dim[0] = n;
        j->n_entries = 1;
    }
    return 0;
}

static int plan(prep_job *j)
{
    if (j->o.fit == FV_PREP_MULTIPLE) {
        int code = plan_multiple(j);
        if (code) return code;
    } else {
        j->entries = tool_alloc(sizeof *j->entries);
        j->n_entries = 1;
        fv_prep_output(j->prep, j->n, j->entries);
    }
    tensor_format f = tensor_format_of(j->path);
    if (j->n_entries > 1 && f != TENSOR_NPZ && f != TENSOR_SAFETENSORS)
        return cli_error(j->a, EXIT_USAGE, "the pictures come out in different sizes, which one tensor cannot hold: write .npz or .safetensors");
    return 0;
}

/* Names of tensors of their own: those of the files, told apart where they are the same. */
static char **entry_names(const prep_job *j)
{
    char **names = tool_alloc((size_t)j->n_entries * sizeof *names);
    for (int i = 0; i < j->n_entries; i++) {
        const char *slash = strrchr(j->files[i], '/'), *base = slash ? slash + 1 : j->files[i];
        text t = {0};
        text_utf8(&t, base);
        for (int k = 0, again = 1; k < i; k++) {
            if (strcmp(names[k], t.s) != 0) continue;
            text_clear(&t);
            text_utf8(&t, base);
            text_printf(&t, "-%d", ++again);
            k = -1;
        }
        names[i] = t.s;
    }
    return names;
}

static int write_all(prep_job *j)
{
    fv_error err = {0};
    char **names = j->n_entries > 1 ? entry_names(j) : NULL;
    fv_status s = tensor_out_open(&j->out, j->path, j->entries, (const char *const *)names, j->n_entries, &err);
    for (int i = 0; names && i < j->n_entries; i++) free(names[i]);
    free(names);
    if (s < 0) return cli_fail(j->a, s, &err);
    int code = run_all(j);
    if (code || !j->done) {
        tensor_out_cancel(&j->out);
        return code;
    }
    s = tensor_out_finish(&j->out, &err);
    return s < 0 ? cli_fail(j->a, s, &err) : 0;
}

int prep_run(prep_job *j)
{
    j->progress.kind = progress_asked(j->a);
    for (int s = 0; s < PREP_STAGES; s++) j->stage[s].ms = tool_alloc(((size_t)j->n + 1) * sizeof(float));
    if (!j->n) return 0;
    int code = plan(j);
    if (!code && j->n) code = write_all(j);
    return code;
}
