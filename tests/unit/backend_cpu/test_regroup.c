/* The normalisations, blocks, scatter and sampling against goldens of ONNX Runtime. */
#include "op_cases.h"

static void goldens(void **state)
{
    (void)state;
    check_family("regroup", 45);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(goldens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
