/* The pool runs every chunk exactly once, on any number of threads, for any number of callers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "base/pool.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { MOST = 5000 };
typedef struct job {
    atomic_int done[MOST];
    atomic_int bad_thread, inside_thread[16], overlap;
    int threads;
} job;

static void chunk(void *arg, int c, int thread)
{
    job *j = arg;
    if (thread < 0 || thread >= j->threads)
        atomic_fetch_add(&j->bad_thread, 1);
    else {
        if (atomic_fetch_add(&j->inside_thread[thread], 1) != 0) atomic_fetch_add(&j->overlap, 1);
        atomic_fetch_add(&j->done[c], 1);
        atomic_fetch_sub(&j->inside_thread[thread], 1);
    }
}

static void check(job *j, int chunks)
{
    for (int i = 0; i < MOST; i++) assert_int_equal(j->done[i], i < chunks ? 1 : 0);
    assert_int_equal(j->bad_thread, 0);
    assert_int_equal(j->overlap, 0);
}

static void all_chunks_once(void **state)
{
    (void)state;
    static const int counts[] = {0, 1, 2, 3, 7, 64, MOST};
    job *j = fvi_alloc(sizeof *j);
    for (int threads = 1; threads <= 9; threads += 2) {
        fvi_pool *p;
        assert_int_equal(fvi_pool_create(&p, threads, NULL), FV_OK);
        assert_int_equal(fvi_pool_threads(p), threads);
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            memset(j, 0, sizeof *j);
            j->threads = threads;
            fvi_pool_run(p, chunk, j, counts[i]);
            check(j, counts[i]);
        }
        fvi_pool_free(&p);
        assert_null(p);
    }
    fvi_free(j);
}

/* Many small jobs one after the other: a worker that comes late must never touch the next job with the last one's data. */
static void count_into(void *arg, int c, int thread)
{
    (void)c, (void)thread;
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void late_workers(void **state)
{
    (void)state;
    static atomic_int slots[3000];
    for (int spin = 0; spin <= 20; spin += 20) {
        fvi_pool *p;
        assert_int_equal(fvi_pool_create(&p, 4, NULL), FV_OK);
        fvi_pool_set_spin(p, spin);
        memset(slots, 0, sizeof slots);
        for (int i = 0; i < 3000; i++) fvi_pool_run(p, count_into, &slots[i], 1 + i % 5);
        for (int i = 0; i < 3000; i++) assert_int_equal(slots[i], 1 + i % 5);
        fvi_pool_free(&p);
    }
}

typedef struct caller {
    fvi_pool *p;
    int64_t plain; /* written by chunks of one caller, read by it after the run: the pool must order it */
    int64_t part[8];
} caller;
static void add_part(void *arg, int c, int thread)
{
    (void)thread;
    ((caller *)arg)->part[c] += c + 1;
}
static void *call_often(void *arg)
{
    caller *c = arg;
    for (int i = 0; i < 300; i++) {
        fvi_pool_run(c->p, add_part, c, 8);
        c->plain = 0;
        for (int k = 0; k < 8; k++) c->plain += c->part[k];
    }
    return NULL;
}

static void callers_take_turns(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        fvi_pool *p;
        assert_int_equal(fvi_pool_create(&p, threads, NULL), FV_OK);
        caller c[4] = {{0}};
        pthread_t t[4];
        for (int i = 0; i < 4; i++) {
            c[i].p = p;
            assert_int_equal(pthread_create(&t[i], NULL, call_often, &c[i]), 0);
        }
        for (int i = 0; i < 4; i++) {
            pthread_join(t[i], NULL);
            assert_int_equal(c[i].plain, 300 * 36);
        }
        fvi_pool_free(&p);
    }
}

static void run_does_not_allocate(void **state)
{
    (void)state;
    fvi_pool *p;
    atomic_int n = 0;
    assert_int_equal(fvi_pool_create(&p, 3, NULL), FV_OK);
    uint64_t before = fvi_alloc_count();
    for (int i = 0; i < 100; i++) fvi_pool_run(p, count_into, &n, 10);
    assert_int_equal(fvi_alloc_count(), before);
    assert_int_equal(n, 1000);
    fvi_pool_free(&p);
}

static void null_and_wrong(void **state)
{
    (void)state;
    fvi_pool *p = (fvi_pool *)1;
    fv_error err = {0};
    atomic_int n = 0;
    assert_int_equal(fvi_pool_create(&p, 0, &err), FV_ERR_ARGUMENT);
    assert_null(p);
    assert_true(err.text[0]);
    fvi_pool_run(NULL, count_into, &n, 5);
    assert_int_equal(n, 5);
    assert_int_equal(fvi_pool_threads(NULL), 1);
    fvi_pool_free(&p);
    for (int i = 1; i <= 2; i++) {
        fvi_alloc_fail_after(i);
        assert_int_equal(fvi_pool_create(&p, 3, &err), FV_ERR_MEMORY);
        assert_null(p);
    }
    fvi_alloc_fail_after(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_chunks_once), cmocka_unit_test(late_workers), cmocka_unit_test(callers_take_turns),
                                       cmocka_unit_test(run_does_not_allocate), cmocka_unit_test(null_and_wrong)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
