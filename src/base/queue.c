/* queue.c: bounded ring of pointers between two stages, under one mutex. The frame road is built from these; a frame
 * passes at most a few hundred times a second, so a lock-free ring would buy nothing. */
#include "base/queue.h"
#include "base/alloc.h"
#include <math.h>
#include <pthread.h>
#include <time.h>

struct fvi_queue {
    pthread_mutex_t lock;
    pthread_cond_t not_full, not_empty;
    size_t capacity, head, count;
    bool closed;
    void **ring;
};

fv_status fvi_queue_create(fvi_queue **out, size_t capacity)
{
    *out = NULL;
    if (capacity == 0) return FV_ERR_ARGUMENT;
    fvi_queue *q = fvi_calloc(1, sizeof *q);
    if (!q) return FV_ERR_MEMORY;
    q->ring = fvi_calloc(capacity, sizeof *q->ring);
    if (!q->ring) {
        fvi_free(q);
        return FV_ERR_MEMORY;
    }
    q->capacity = capacity;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->not_full, NULL);
    pthread_condattr_t attr; /* waits with an end go by a clock that nobody sets */
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->not_empty, &attr);
    pthread_condattr_destroy(&attr);
    *out = q;
    return FV_OK;
}

void fvi_queue_free(fvi_queue **q)
{
    if (!q || !*q) return;
    pthread_cond_destroy(&(*q)->not_empty);
    pthread_cond_destroy(&(*q)->not_full);
    pthread_mutex_destroy(&(*q)->lock);
    fvi_free((*q)->ring);
    FVI_FREE(*q);
}

static void put(fvi_queue *q, void *item)
{
    q->ring[(q->head + q->count++) % q->capacity] = item;
    pthread_cond_signal(&q->not_empty);
}

static void *take(fvi_queue *q)
{
    void *item = q->ring[q->head];
    q->head = (q->head + 1) % q->capacity;
    q->count--;
    pthread_cond_signal(&q->not_full);
    return item;
}

fv_status fvi_queue_push(fvi_queue *q, void *item)
{
    pthread_mutex_lock(&q->lock);
    while (q->count == q->capacity && !q->closed) pthread_cond_wait(&q->not_full, &q->lock);
    bool closed = q->closed;
    if (!closed) put(q, item);
    pthread_mutex_unlock(&q->lock);
    return closed ? FV_END : FV_OK;
}

fv_status fvi_queue_pull_for(fvi_queue *q, double seconds, void **item)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    bool forever = !(seconds < 1e8);
    if (!forever) {
        int64_t ns = until.tv_nsec + (int64_t)((seconds > 0 ? seconds : 0) * 1e9);
        until.tv_sec += (time_t)(ns / 1000000000);
        until.tv_nsec = (long)(ns % 1000000000);
    }
    int late = 0;
    *item = NULL;
    pthread_mutex_lock(&q->lock);
    while (q->count == 0 && !q->closed && !late)
        late = forever ? pthread_cond_wait(&q->not_empty, &q->lock) : pthread_cond_timedwait(&q->not_empty, &q->lock, &until);
    bool any = q->count > 0, closed = q->closed;
    if (any) *item = take(q);
    pthread_mutex_unlock(&q->lock);
    return any ? FV_OK : closed ? FV_END : FV_AGAIN;
}

fv_status fvi_queue_pull(fvi_queue *q, void **item) { return fvi_queue_pull_for(q, INFINITY, item); }

fv_status fvi_queue_try_pull(fvi_queue *q, void **item)
{
    pthread_mutex_lock(&q->lock);
    bool have = q->count > 0, closed = q->closed;
    *item = have ? take(q) : NULL;
    pthread_mutex_unlock(&q->lock);
    return have ? FV_OK : closed ? FV_END : FV_AGAIN;
}

fv_status fvi_queue_push_newest(fvi_queue *q, void *item, void **displaced)
{
    *displaced = NULL;
    pthread_mutex_lock(&q->lock);
    bool closed = q->closed;
    if (!closed) {
        if (q->count == q->capacity) *displaced = take(q);
        put(q, item);
    }
    pthread_mutex_unlock(&q->lock);
    return closed ? FV_END : FV_OK;
}

void fvi_queue_close(fvi_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->not_full);
    pthread_cond_broadcast(&q->not_empty);
    pthread_mutex_unlock(&q->lock);
}
