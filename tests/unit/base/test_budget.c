/* Memory that a thread may take: counted from begin to end, given back when freed, other threads apart. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "base/alloc.h"
#include "base/budget.h"
#include "base/error.h"
#include <pthread.h>
#include <string.h>

static void *elsewhere(void *arg)
{
    *(void **)arg = fvi_alloc(1 << 20);
    return NULL;
}

static void counts(void **state)
{
    (void)state;
    fvi_budget b;
    fv_error err = {0};
    void *before = fvi_alloc(1 << 20);
    fvi_budget_begin(&b, 100000);
    void *p = fvi_alloc(60000);
    assert_non_null(p);
    assert_null(fvi_alloc(60000));
    assert_int_equal(b.refused, 60000);
    fvi_free(p);
    p = fvi_alloc(60000); /* there is room again */
    assert_non_null(p);
    assert_null(fvi_pages_alloc(8 << 20));
    void *other = NULL;
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, elsewhere, &other), 0);
    pthread_join(t, NULL);
    assert_non_null(other);
    fvi_error_set(&err, FV_ERR_LIMIT, "out of memory for things");
    assert_int_equal(fvi_budget_end(&b, FV_ERR_LIMIT, &err), FV_ERR_MEMORY);
    assert_int_equal(err.status, FV_ERR_MEMORY);
    assert_non_null(strstr(err.text, "which is the limit"));
    assert_non_null(strstr(err.text, "out of memory for things"));
    void *after = fvi_alloc(1 << 20);
    assert_non_null(after);
    fvi_free(p), fvi_free(other), fvi_free(before), fvi_free(after);
}

static void pages_count(void **state)
{
    (void)state;
    fvi_budget b;
    fvi_budget_begin(&b, 20 << 20);
    for (int i = 0; i < 4; i++) { /* each of 8 MB and a page, given back */
        void *p = fvi_pages_alloc(8 << 20), *q = fvi_pages_alloc(15 << 20);
        assert_non_null(p);
        assert_null(q);
        fvi_pages_free(p, 8 << 20);
    }
    assert_true(b.used == 0);
    assert_int_equal(fvi_budget_end(&b, FV_OK, NULL), FV_OK);
}

static void one_in_another(void **state)
{
    (void)state;
    fvi_budget a, b;
    fv_error err = {0};
    fvi_budget_begin(&a, 1000);
    fvi_budget_begin(&b, 100000);
    void *p = fvi_alloc(5000);
    assert_non_null(p);
    fvi_free(p);
    assert_int_equal(fvi_budget_end(&b, FV_ERR_MODEL, &err), FV_ERR_MODEL); /* not because of memory */
    assert_null(fvi_alloc(5000));
    assert_int_equal(fvi_budget_end(&a, FV_OK, &err), FV_OK); /* it did without */
    assert_true(fvi_budget_default() > 64 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts), cmocka_unit_test(pages_count), cmocka_unit_test(one_in_another)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
