/* pool.c: worker threads that help the caller with one job at a time. Every parallel step of the engine and of prep runs
 * here.
 *
 * `gate` is the whole protocol in one word: how many workers are inside the job, whether it is open, and its number. A
 * worker joins by raising the count while the gate is open, claims chunks, and lowers the count. The caller opens the
 * gate, works too, closes it and waits only for those who joined: a worker that is asleep or preempted costs nothing.
 * fn, arg and chunks are written only while the gate is closed and nobody is inside. */
#include "base/pool.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define INSIDE_MASK 0xFFFFu
#define OPEN_BIT 0x10000u
#define NUMBER(gate) ((uint32_t)((gate) >> 32))
#define MAX_THREADS 1024

typedef struct worker {
    fvi_pool *pool;
    pthread_t thread;
    int index;
} worker;

struct fvi_pool {
    _Alignas(FVI_ALIGN) atomic_uint_fast64_t gate;
    _Alignas(FVI_ALIGN) atomic_int next; /* next unclaimed chunk */
    _Alignas(FVI_ALIGN) fvi_chunk_fn fn;
    void *arg;
    int chunks;
    atomic_int spin_us, sleepers, caller_sleeps;
    atomic_bool stop;
    int threads, started;
    pthread_mutex_t turn;  /* held by the thread whose job it is */
    pthread_mutex_t sleep; /* protects going to sleep and waking, nothing else */
    pthread_cond_t wake, done;
    worker *workers; /* [threads - 1] */
};

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static bool may_join(uint64_t gate, uint32_t seen) { return (gate & OPEN_BIT) && NUMBER(gate) != seen; }
static bool something_to_do(fvi_pool *p, uint32_t seen) { return may_join(atomic_load(&p->gate), seen) || atomic_load(&p->stop); }

static void wait_for_job(fvi_pool *p, uint32_t seen)
{
    int64_t spin = (int64_t)atomic_load_explicit(&p->spin_us, memory_order_relaxed) * 1000;
    for (int64_t end = spin > 0 ? fvi_now_ns() + spin : 0; spin > 0 && fvi_now_ns() < end;)
        for (int i = 0; i < 16; i++) {
            if (something_to_do(p, seen)) return;
            relax();
        }
    pthread_mutex_lock(&p->sleep);
    atomic_fetch_add(&p->sleepers, 1); /* before the check: whoever opens the gate after it sees a sleeper */
    while (!something_to_do(p, seen)) pthread_cond_wait(&p->wake, &p->sleep);
    atomic_fetch_sub(&p->sleepers, 1);
    pthread_mutex_unlock(&p->sleep);
}

static void work(fvi_pool *p, int thread)
{
    for (int c; (c = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed)) < p->chunks;) p->fn(p->arg, c, thread);
}

static void leave(fvi_pool *p)
{
    uint64_t after = atomic_fetch_sub(&p->gate, 1) - 1;
    if ((after & (INSIDE_MASK | OPEN_BIT)) == 0 && atomic_load(&p->caller_sleeps)) {
        pthread_mutex_lock(&p->sleep);
        pthread_cond_signal(&p->done);
        pthread_mutex_unlock(&p->sleep);
    }
}

static void *worker_main(void *user)
{
    worker *w = user;
    fvi_pool *p = w->pool;
    uint32_t seen = 0;
    for (;;) {
        wait_for_job(p, seen);
        if (atomic_load(&p->stop)) return NULL;
        uint64_t gate = atomic_load(&p->gate);
        while (may_join(gate, seen))
            if (atomic_compare_exchange_weak(&p->gate, &gate, gate + 1)) {
                seen = NUMBER(gate);
                work(p, w->index);
                leave(p);
                break;
            }
    }
}

/* All signals stay with the program's own threads. */
static int start_worker(worker *w)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int e = pthread_create(&w->thread, NULL, worker_main, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (e == 0) {
        char name[16];
        snprintf(name, sizeof name, "fv-pool-%d", w->index);
        pthread_setname_np(w->thread, name);
    }
    return e;
}

fv_status fvi_pool_create(fvi_pool **out, int threads, fv_error *err)
{
    *out = NULL;
    if (threads < 1 || threads > MAX_THREADS)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "%d threads: must be from 1 to %d", threads, MAX_THREADS);
    fvi_pool *p = fvi_calloc(1, sizeof *p);
    if (!p) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for the thread pool");
    p->threads = threads;
    atomic_init(&p->spin_us, FVI_POOL_SPIN_US);
    pthread_mutex_init(&p->turn, NULL);
    pthread_mutex_init(&p->sleep, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->done, NULL);
    p->workers = fvi_calloc((size_t)threads, sizeof *p->workers);
    if (!p->workers) {
        fvi_pool_free(&p);
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for the thread pool");
    }
    for (; p->started < threads - 1; p->started++) {
        worker *w = &p->workers[p->started];
        *w = (worker){.pool = p, .index = p->started + 1};
        int e = start_worker(w);
        if (e) {
            fvi_pool_free(&p);
            return fvi_error_set(err, FV_ERR_MEMORY, "thread %d of %d could not be started: %s", w->index + 1, threads, strerror(e));
        }
    }
    *out = p;
    return FV_OK;
}

void fvi_pool_free(fvi_pool **pool)
{
    if (!pool || !*pool) return;
    fvi_pool *p = *pool;
    atomic_store(&p->stop, true);
    pthread_mutex_lock(&p->sleep);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->sleep);
    for (int i = 0; i < p->started; i++) pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->sleep);
    pthread_mutex_destroy(&p->turn);
    fvi_free(p->workers);
    FVI_FREE(*pool);
}

int fvi_pool_threads(const fvi_pool *p) { return p ? p->threads : 1; }

void fvi_pool_set_spin(fvi_pool *p, int microseconds)
{
    if (p) atomic_store_explicit(&p->spin_us, microseconds > 0 ? microseconds : 0, memory_order_relaxed);
}

static bool nobody_inside(fvi_pool *p) { return (atomic_load(&p->gate) & INSIDE_MASK) == 0; }

static void wait_until_left(fvi_pool *p)
{
    if (nobody_inside(p)) return;
    int64_t spin = (int64_t)atomic_load_explicit(&p->spin_us, memory_order_relaxed) * 1000;
    for (int64_t end = spin > 0 ? fvi_now_ns() + spin : 0; spin > 0 && fvi_now_ns() < end;)
        for (int i = 0; i < 16; i++) {
            if (nobody_inside(p)) return;
            relax();
        }
    pthread_mutex_lock(&p->sleep);
    atomic_store(&p->caller_sleeps, 1);
    while (!nobody_inside(p)) pthread_cond_wait(&p->done, &p->sleep);
    atomic_store(&p->caller_sleeps, 0);
    pthread_mutex_unlock(&p->sleep);
}

static void run_shared(fvi_pool *p, fvi_chunk_fn fn, void *arg, int chunks)
{
    p->fn = fn;
    p->arg = arg;
    p->chunks = chunks;
    atomic_store_explicit(&p->next, 0, memory_order_relaxed);
    uint64_t number = NUMBER(atomic_load(&p->gate)) + 1u;
    atomic_store(&p->gate, (number & UINT32_MAX) << 32 | OPEN_BIT);
    if (atomic_load(&p->sleepers) > 0) {
        pthread_mutex_lock(&p->sleep);
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->sleep);
    }
    work(p, 0);
    atomic_fetch_and(&p->gate, ~(uint64_t)OPEN_BIT);
    wait_until_left(p);
}

void fvi_pool_run(fvi_pool *p, fvi_chunk_fn fn, void *arg, int chunks)
{
    if (chunks <= 0) return;
    if (p) pthread_mutex_lock(&p->turn);
    if (p && p->started > 0 && chunks > 1)
        run_shared(p, fn, arg, chunks);
    else
        for (int c = 0; c < chunks; c++) fn(arg, c, 0);
    if (p) pthread_mutex_unlock(&p->turn);
}
