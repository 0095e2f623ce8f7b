/* The measured peak: there for fp32 and bf16 on every machine, more with more of the machine, an error for what has no loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fovea/context.h>
#include <string.h>

static void fp32_and_bf16_have_a_peak_and_others_have_an_error(void **state)
{
    (void)state;
    fv_context *ctx = NULL;
    fv_error err = {0};
    double rate = -1;
    assert_int_equal(fv_context_create(&ctx, FV_CONTEXT_OPTIONS(.threads = 2), &err), FV_OK);
    assert_int_equal(fv_context_measure_peak(ctx, NULL, &rate, &err), FV_OK);
    assert_true(rate > 0.01 && rate < 1e5); /* GFLOP/s of two threads, of anything from an emulator on */
    assert_int_equal(fv_context_measure_peak(ctx, "bf16", &rate, &err), FV_OK);
    assert_true(rate > 0.01 && rate < 1e6);
    assert_int_equal(fv_context_measure_peak(ctx, "fp12", &rate, &err), FV_ERR_DEVICE);
    assert_non_null(strstr(err.text, "'fp12'"));
    assert_true(rate == 0);
    assert_int_equal(fv_context_measure_peak(NULL, "fp32", &rate, &err), FV_ERR_ARGUMENT);
    fv_context_free(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fp32_and_bf16_have_a_peak_and_others_have_an_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
