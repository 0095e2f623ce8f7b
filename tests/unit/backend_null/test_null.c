/* The null backend takes every node and touches nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "backend/backend.h"

static void runs_anything(void **state)
{
    (void)state;
    const fvi_backend *null = fvi_backend_null();
    fvi_node n = {.op = FVI_OP_CONV, .n_in = 1, .n_out = 1};
    float x[2] = {1, 2}, y[2] = {3, 4};
    fvi_tensor in = {.dtype = FV_F32, .rank = 1, .dim = {2}, .stride = {1}, .data = (char *)x}, out = in;
    out.data = (char *)y;
    fv_error err = {0};
    assert_null(null->unsupported(&n));
    assert_int_equal(null->input_halo(&n, 0), 0);
    assert_int_equal(null->output_layout(&n, 0), FVI_LAYOUT_ANY);
    assert_false(null->in_place(&n, 0));
    for (int copy = 0; copy < 2; copy++) {
        fvi_step s = {.backend = null, .node = copy ? NULL : &n, .name = "s", .n_in = 1, .n_out = 1, .in = &in, .out = &out};
        assert_int_equal((copy ? null->prepare_copy : null->prepare)(&s, &err), FV_OK);
        assert_non_null(s.tactic);
        s.run(&s);
        fvi_step_release(&s);
    }
    assert_true(y[0] == 3 && y[1] == 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(runs_anything)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
