/* run_weights.c: a thread that looks at a file ten times a second. One that has changed and then stayed as it was for one look is read into memory
 * (whoever writes it may go on doing so: nothing is mapped), made ready and given to the detector. Called by run.c. */
#include "run_weights.h"
#include <errno.h>
#include <fovea/engine.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define LOOK_MS 100

/* Which contents a file has, as far as can be told without reading it. */
typedef struct version {
    bool there;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
} version;

struct run_weights {
    run_state *r;
    const char *path;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool over;           /* under the lock */
    version used, seen;  /* what was tried last, what the last look found */
    fv_model *model;     /* of `used`, until the detector has taken it; null = none waits */
    double read_ms;
};

static version look(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) return (version){0};
    return (version){true, st.st_dev, st.st_ino, st.st_size, st.st_mtim};
}

static bool same(const version *a, const version *b)
{
    return a->there == b->there && a->device == b->device && a->inode == b->inode && a->size == b->size && a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static int64_t read_some(void *user, void *to, size_t size)
{
    FILE *f = user;
    const size_t n = fread(to, 1, size, f);
    return ferror(f) ? -1 : (int64_t)n;
}

static fv_status load(run_weights *w, fv_error *err)
{
    FILE *f = fopen(w->path, "rbe");
    if (!f) return cli_set_error(err, FV_ERR_INPUT, "%s", strerror(errno));
    const double start = tool_seconds();
    const fv_status st = fv_model_load_stream(&w->model, w->r->ctx, read_some, f, FV_MODEL_OPTIONS(.device = fv_model_device(w->r->model), .precision = fv_model_precision(w->r->model)), err);
    w->read_ms = (tool_seconds() - start) * 1e3;
    fclose(f);
    return st;
}

static void complain(const run_weights *w, const fv_error *err) { cli_warn(w->r->a, "%s: %s; the weights stay as they are", w->path, err->text); }

/* The model goes to the detector, or waits while the one before it does. */
static void give(run_weights *w)
{
    fv_error err = {0};
    const double start = tool_seconds();
    const fv_status st = fv_detector_refit(w->r->detector, w->model, &err);
    if (st == FV_ERR_STATE) return;
    if (st < 0)
        complain(w, &err);
    else
        cli_note(w->r->a, "%s: its weights are used from the next frame on (read in %.0f ms, packed in %.0f ms)", w->path, w->read_ms, (tool_seconds() - start) * 1e3);
    fv_model_free(&w->model); /* the detector keeps what it needs */
}

static void look_again(run_weights *w)
{
    const version now = look(w->path);
    const bool quiet = same(&now, &w->seen);
    w->seen = now;
    if (now.there && quiet && !same(&now, &w->used)) {
        fv_error err = {0};
        fv_model_free(&w->model);
        const fv_status st = load(w, &err);
        const version after = look(w->path);
        if (!same(&after, &now)) { /* it was written meanwhile */
            fv_model_free(&w->model);
            return;
        }
        w->used = now;
        if (st < 0) complain(w, &err);
    }
    if (w->model) give(w);
}

static void *watch(void *arg)
{
    run_weights *w = arg;
    pthread_mutex_lock(&w->lock);
    while (!w->over) {
        pthread_mutex_unlock(&w->lock);
        look_again(w);
        pthread_mutex_lock(&w->lock);
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_nsec += LOOK_MS * 1000000L;
        t.tv_sec += t.tv_nsec / 1000000000L;
        t.tv_nsec %= 1000000000L;
        for (int e = 0; !w->over && !e;) e = pthread_cond_timedwait(&w->wake, &w->lock, &t);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int run_weights_start(run_weights **out, run_state *r)
{
    const char *path = cli_text(r->a, "watch-weights");
    *out = NULL;
    if (!path) return EXIT_OK;
    if (!path[0]) return cli_usage(r->a, "--watch-weights needs a file");
    if (!r->model) return cli_usage(r->a, "--watch-weights: there is no model whose weights could change");
    run_weights *w = tool_alloc(sizeof *w);
    w->r = r;
    w->path = path;
    w->used = w->seen = look(path);
    if (!w->used.there) cli_note(r->a, "%s is not there yet; its weights are used when it comes", path);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    if (pthread_create(&w->thread, NULL, watch, w)) {
        pthread_cond_destroy(&w->wake);
        pthread_mutex_destroy(&w->lock);
        free(w);
        return cli_error(r->a, EXIT_MEMORY, "the system gives no more threads");
    }
    *out = w;
    return EXIT_OK;
}

void run_weights_stop(run_weights **pw)
{
    run_weights *w = *pw;
    *pw = NULL;
    if (!w) return;
    pthread_mutex_lock(&w->lock);
    w->over = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    if (w->model) cli_warn(w->r->a, "%s: no frame came that could use its weights", w->path);
    fv_model_free(&w->model);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
