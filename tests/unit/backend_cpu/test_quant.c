/* Quantised operators against goldens of ONNX Runtime: whole numbers, so without tolerance. */
#include "op_cases.h"

static void goldens(void **state)
{
    (void)state;
    check_family("quant", 45);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(goldens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
