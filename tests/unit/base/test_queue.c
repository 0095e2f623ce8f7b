/* Bounded queue: order, waiting, close, and the mailbox that keeps the newest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/queue.h"
#include <pthread.h>
#include <unistd.h>

#define ITEM(n) ((void *)(uintptr_t)(n))

static void keeps_order_and_closes(void **state)
{
    (void)state;
    fvi_queue *q;
    void *item;
    assert_int_equal(fvi_queue_create(&q, 3), FV_OK);
    assert_int_equal(fvi_queue_try_pull(q, &item), FV_AGAIN);
    for (int round = 0; round < 5; round++) { /* over the end of the ring */
        assert_int_equal(fvi_queue_push(q, ITEM(1)), FV_OK);
        assert_int_equal(fvi_queue_push(q, ITEM(2)), FV_OK);
        assert_int_equal(fvi_queue_pull(q, &item), FV_OK);
        assert_ptr_equal(item, ITEM(1));
        assert_int_equal(fvi_queue_try_pull(q, &item), FV_OK);
        assert_ptr_equal(item, ITEM(2));
    }
    assert_int_equal(fvi_queue_push(q, ITEM(7)), FV_OK);
    fvi_queue_close(q);
    assert_int_equal(fvi_queue_push(q, ITEM(8)), FV_END);
    assert_int_equal(fvi_queue_pull(q, &item), FV_OK); /* what is there is drained */
    assert_ptr_equal(item, ITEM(7));
    assert_int_equal(fvi_queue_pull(q, &item), FV_END);
    assert_int_equal(fvi_queue_try_pull(q, &item), FV_END);
    fvi_queue_free(&q);
    assert_null(q);
}

static void newest_displaces_oldest(void **state)
{
    (void)state;
    fvi_queue *q;
    void *item, *out;
    assert_int_equal(fvi_queue_create(&q, 2), FV_OK);
    assert_int_equal(fvi_queue_push_newest(q, ITEM(1), &out), FV_OK);
    assert_null(out);
    assert_int_equal(fvi_queue_push_newest(q, ITEM(2), &out), FV_OK);
    assert_null(out);
    assert_int_equal(fvi_queue_push_newest(q, ITEM(3), &out), FV_OK);
    assert_ptr_equal(out, ITEM(1));
    fvi_queue_pull(q, &item);
    assert_ptr_equal(item, ITEM(2));
    fvi_queue_pull(q, &item);
    assert_ptr_equal(item, ITEM(3));
    fvi_queue_close(q);
    assert_int_equal(fvi_queue_push_newest(q, ITEM(4), &out), FV_END);
    assert_null(out);
    fvi_queue_free(&q);
}

enum { ITEMS = 2000 };
static void *produce(void *q)
{
    for (int i = 1; i <= ITEMS; i++)
        if (fvi_queue_push(q, ITEM(i)) != FV_OK) return NULL;
    fvi_queue_close(q);
    return NULL;
}

static void two_threads(void **state)
{
    (void)state;
    fvi_queue *q;
    pthread_t t;
    void *item;
    assert_int_equal(fvi_queue_create(&q, 4), FV_OK);
    assert_int_equal(pthread_create(&t, NULL, produce, q), 0);
    uint64_t before = fvi_alloc_count();
    uintptr_t next = 1;
    for (; fvi_queue_pull(q, &item) == FV_OK; next++) assert_ptr_equal(item, ITEM(next));
    assert_int_equal(next, ITEMS + 1);
    assert_int_equal(fvi_alloc_count(), before);
    pthread_join(t, NULL);
    fvi_queue_free(&q);
}

static void *close_soon(void *q)
{
    usleep(20000);
    fvi_queue_close(q);
    return NULL;
}

static void close_wakes(void **state)
{
    (void)state;
    void *item;
    int64_t start;
    pthread_t t;
    fvi_queue *q;
    assert_int_equal(fvi_queue_create(&q, 1), FV_OK);
    start = fvi_now_ns();
    pthread_create(&t, NULL, close_soon, q);
    assert_int_equal(fvi_queue_pull(q, &item), FV_END);
    assert_true(fvi_now_ns() - start > 5000000);
    pthread_join(t, NULL);
    fvi_queue_free(&q);
    assert_int_equal(fvi_queue_create(&q, 1), FV_OK);
    assert_int_equal(fvi_queue_push(q, ITEM(1)), FV_OK);
    start = fvi_now_ns();
    pthread_create(&t, NULL, close_soon, q);
    assert_int_equal(fvi_queue_push(q, ITEM(2)), FV_END); /* full: waits */
    assert_true(fvi_now_ns() - start > 5000000);
    pthread_join(t, NULL);
    fvi_queue_free(&q);
}

static void *push_soon(void *arg)
{
    usleep(20000);
    fvi_queue_push(arg, ITEM(7));
    return NULL;
}

static void waits_only_so_long(void **state)
{
    (void)state;
    fvi_queue *q;
    void *item = ITEM(1);
    pthread_t t;
    assert_int_equal(fvi_queue_create(&q, 1), FV_OK);
    int64_t start = fvi_now_ns();
    assert_int_equal(fvi_queue_pull_for(q, 0, &item), FV_AGAIN);
    assert_int_equal(fvi_queue_pull_for(q, -1, &item), FV_AGAIN);
    assert_null(item);
    assert_int_equal(fvi_queue_pull_for(q, 0.02, &item), FV_AGAIN);
    assert_true(fvi_now_ns() - start > 19000000);
    pthread_create(&t, NULL, push_soon, q);
    assert_int_equal(fvi_queue_pull_for(q, 60, &item), FV_OK);
    assert_ptr_equal(item, ITEM(7));
    assert_true(fvi_now_ns() - start < (int64_t)50 * 1000000000);
    pthread_join(t, NULL);
    fvi_queue_push(q, ITEM(8));
    fvi_queue_close(q);
    assert_int_equal(fvi_queue_pull_for(q, 60, &item), FV_OK); /* what is there is drained */
    assert_int_equal(fvi_queue_pull_for(q, 60, &item), FV_END);
    fvi_queue_free(&q);
}

static void cannot_be_made(void **state)
{
    (void)state;
    fvi_queue *q;
    assert_int_equal(fvi_queue_create(&q, 0), FV_ERR_ARGUMENT);
    for (int i = 1; i <= 2; i++) {
        fvi_alloc_fail_after(i);
        assert_int_equal(fvi_queue_create(&q, 2), FV_ERR_MEMORY);
        assert_null(q);
    }
    fvi_alloc_fail_after(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keeps_order_and_closes), cmocka_unit_test(newest_displaces_oldest),
                                       cmocka_unit_test(two_threads), cmocka_unit_test(close_wakes), cmocka_unit_test(cannot_be_made),
                                       cmocka_unit_test(waits_only_so_long)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
