/* Operators of newer vision networks, and the n-d ones, against goldens of ONNX Runtime and numpy. */
#include "op_cases.h"

static void goldens(void **state)
{
    (void)state;
    check_family("vision", 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(goldens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
