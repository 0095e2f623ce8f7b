/* The functions, logic and sums without a fast kernel against goldens of ONNX Runtime. */
#include "op_cases.h"

static void goldens(void **state)
{
    (void)state;
    check_family("rare", 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(goldens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
