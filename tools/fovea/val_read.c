/* val_read.c: pictures decoded on a thread of their own, a few ahead of the network. Called by verb_val.c. */
#include "val.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define AHEAD 4

typedef struct slot {
    int at;
    fv_frame frame;
} slot;

struct val_reader {
    const fv_media_api *media;
    const val_data *d;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    slot ring[AHEAD];
    int first, count;
    bool done, stop;
    val_data problems; /* only its list of problems; read after the thread has ended */
    int failed;
};

static fv_status read_one(val_reader *r, const char *path, fv_frame *f, fv_error *err)
{
    fv_source *s = NULL;
    struct stat there; /* data names files: no address, device or pipe is opened for it */
    if (stat(path, &there)) return cli_set_error(err, FV_ERR_INPUT, "%s: %s", path, strerror(errno));
    if (!S_ISREG(there.st_mode)) return cli_set_error(err, FV_ERR_INPUT, "%s: is no file", path);
    fv_status st = r->media->source_open(&s, path, FV_SOURCE_OPTIONS(.threads = 1), err);
    if (st < 0) return st;
    if (s->info.kind != FV_SOURCE_PICTURE) {
        s->close(s);
        return cli_set_error(err, FV_ERR_INPUT, "%s: is no picture", path);
    }
    st = s->read(s, f, err);
    s->close(s);
    if (st == FV_OK) return FV_OK;
    if (st == FV_PARTIAL || st == FV_END) st = FV_ERR_INPUT;
    return st;
}

static void *run(void *arg)
{
    val_reader *r = arg;
    for (int i = 0; i < r->d->n; i++) {
        fv_error err = {0};
        fv_frame f = {0};
        const char *path = r->d->pictures[i].path;
        fv_status st = read_one(r, path, &f, &err);
        if (st < 0) {
            const char *why = err.text[0] ? err.text : fv_status_text(st);
            if (strstr(why, path))
                val_problem(&r->problems, "%s", why);
            else
                val_problem(&r->problems, "%s: %s", path, why);
            r->failed++;
            continue;
        }
        pthread_mutex_lock(&r->lock);
        while (r->count == AHEAD && !r->stop) pthread_cond_wait(&r->changed, &r->lock);
        bool stop = r->stop;
        if (stop)
            fv_frame_release(&f);
        else
            r->ring[(r->first + r->count++) % AHEAD] = (slot){i, f};
        pthread_cond_broadcast(&r->changed);
        pthread_mutex_unlock(&r->lock);
        if (stop) break;
    }
    pthread_mutex_lock(&r->lock);
    r->done = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

val_reader *val_reader_start(const fv_media_api *media, const val_data *d)
{
    val_reader *r = tool_alloc(sizeof *r);
    r->media = media;
    r->d = d;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    if (!pthread_create(&r->thread, NULL, run, r)) return r;
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return NULL;
}

bool val_reader_next(val_reader *r, int *at, fv_frame *f)
{
    pthread_mutex_lock(&r->lock);
    while (!r->count && !r->done) pthread_cond_wait(&r->changed, &r->lock);
    bool got = r->count > 0;
    if (got) {
        slot *s = &r->ring[r->first];
        *at = s->at;
        *f = s->frame;
        r->first = (r->first + 1) % AHEAD;
        r->count--;
        pthread_cond_broadcast(&r->changed);
    }
    pthread_mutex_unlock(&r->lock);
    return got;
}

void val_reader_stop(val_reader **rp, val_data *d)
{
    val_reader *r = *rp;
    if (!r) return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    for (; r->count; r->count--, r->first = (r->first + 1) % AHEAD) fv_frame_release(&r->ring[r->first].frame);
    for (int i = 0; i < r->problems.problems.n; i++) val_problem(d, "%s", r->problems.problems.lines[i]);
    d->n_failed += r->failed;
    val_data_free(&r->problems);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r);
    *rp = NULL;
}
