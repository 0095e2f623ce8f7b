/* test_names.c: where class names come from: the user, the file, COCO for 80 nameless classes, else numbers. */
#include "flow/names.h"
#include "vision/heads/heads.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void user_before_file(void **state)
{
    (void)state;
    fvi_flow_names t = {0};
    const char *user[] = {"cat"};
    assert_true(fvi_flow_names_load(&t, user, 1, "{0: 'dog', 1: 'cow'}"));
    assert_true(fvi_flow_names_fill(&t, 2));
    assert_string_equal(fvi_flow_names_get(&t, 0), "cat");
    assert_string_equal(fvi_flow_names_get(&t, 1), "class1");
    assert_string_equal(fvi_flow_names_get(&t, 2), "unknown");
    fvi_flow_names_free(&t);
}

static void coco_only_for_80_nameless(void **state)
{
    (void)state;
    fvi_flow_names t = {0};
    assert_true(fvi_flow_names_load(&t, NULL, 0, NULL) && fvi_flow_names_fill(&t, FVI_HEADS_COCO));
    assert_true(t.assumed);
    assert_string_equal(fvi_flow_names_get(&t, 0), "person");
    assert_string_equal(fvi_flow_names_get(&t, 79), "toothbrush");
    fvi_flow_names_free(&t);
    t = (fvi_flow_names){0};
    assert_true(fvi_flow_names_load(&t, NULL, 0, NULL) && fvi_flow_names_fill(&t, 3));
    assert_false(t.assumed);
    assert_string_equal(fvi_flow_names_get(&t, 2), "class2");
    fvi_flow_names_free(&t);
    t = (fvi_flow_names){0};
    assert_true(fvi_flow_names_load(&t, NULL, 0, "['face']") && fvi_flow_names_fill(&t, FVI_HEADS_COCO));
    assert_false(t.assumed);
    assert_string_equal(fvi_flow_names_get(&t, 0), "face");
    fvi_flow_names_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(user_before_file), cmocka_unit_test(coco_only_for_80_nameless)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
