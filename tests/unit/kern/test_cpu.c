/* Level names, masks, brand and caches: what --cpu and doctor stand on. */
#include "kern/cpu.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static void a_level_contains_the_ones_below(void **state)
{
    (void)state;
    fvi_cpu_flags f = 0;
    assert_true(fvi_cpu_parse("avx2", &f, NULL, NULL));
    assert_int_equal(f, FVI_CPU_C | FVI_CPU_AVX2);
    assert_true(fvi_cpu_parse("c", &f, NULL, NULL));
    assert_int_equal(f, FVI_CPU_C);
    assert_true(fvi_cpu_parse("c, avx512", &f, NULL, NULL));
    assert_int_equal(f, FVI_CPU_C | FVI_CPU_AVX2 | FVI_CPU_AVX512);
    assert_true(fvi_cpu_parse("avxvnni", &f, NULL, NULL));
    assert_int_equal(f, FVI_CPU_C | FVI_CPU_AVX2 | FVI_CPU_AVXVNNI);
    assert_true(fvi_cpu_parse("amx", &f, NULL, NULL));
    assert_int_equal(f, FVI_CPU_C | FVI_CPU_AVX2 | FVI_CPU_AVX512 | FVI_CPU_AVX512BF16 | FVI_CPU_AVX512FP16 | FVI_CPU_AMX);
}

static void unknown_names_are_pointed_at(void **state)
{
    (void)state;
    fvi_cpu_flags f = 77;
    const char *bad = NULL, *list = "c,sse9,avx2";
    size_t len = 0;
    assert_false(fvi_cpu_parse(list, &f, &bad, &len));
    assert_ptr_equal(bad, list + 2);
    assert_int_equal(len, 4);
    assert_int_equal(f, 77);
    assert_false(fvi_cpu_parse("", &f, &bad, &len));
    assert_int_equal(len, 0);
    assert_false(fvi_cpu_parse("c,", &f, NULL, NULL));
    assert_false(fvi_cpu_parse("avx", &f, NULL, NULL)); /* a prefix is not a name */
}

static void names_are_of_the_highest_level(void **state)
{
    (void)state;
    assert_string_equal(fvi_cpu_level_name(FVI_CPU_C), "c");
    assert_string_equal(fvi_cpu_level_name(FVI_CPU_C | FVI_CPU_AVX2), "avx2");
    assert_string_equal(fvi_cpu_level_name(FVI_CPU_C | FVI_CPU_AVX2 | FVI_CPU_AVX512), "avx512");
}

static void detection_is_constant_and_nested(void **state)
{
    (void)state;
    fvi_cpu_flags f = fvi_cpu_detect();
    assert_int_equal(f, fvi_cpu_detect());
    assert_true(f & FVI_CPU_C);
    fvi_cpu_flags level, set;
    const char *name;
    for (int i = 0; (name = fvi_cpu_level_at(i, &level)); i++) {
        assert_true(fvi_cpu_parse(name, &set, NULL, NULL));
        assert_true(set & level);
        assert_string_equal(fvi_cpu_level_name(set), name);
        if (f & level) assert_int_equal(f & set, set);
        /* what is missing has its reason, what is there has none */
        if (f & level) assert_null(fvi_cpu_why_not(level));
        else assert_true(strlen(fvi_cpu_why_not(level)) > 10);
    }
    assert_null(fvi_cpu_level_at(-1, NULL));
#if defined(FVI_X86) && defined(__GNUC__)
    if (!__builtin_cpu_supports("avx2")) assert_false(f & FVI_CPU_AVX2);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
        assert_true(f & FVI_CPU_AVX2);
    if (!__builtin_cpu_supports("avx512vbmi2")) assert_false(f & FVI_CPU_AVX512);
#endif
}

static void levels_are_listed(void **state)
{
    (void)state;
    char all[80], cut[6];
    fvi_cpu_list(FVI_CPU_C | FVI_CPU_AVX2, all, sizeof all);
    assert_string_equal(all, "c,avx2");
    fvi_cpu_list(2 * FVI_CPU_TOP - 1, all, sizeof all);
    assert_string_equal(all, "c,avx2,avxvnni,avx512,avx512bf16,avx512fp16,amx");
    fvi_cpu_list(2 * FVI_CPU_TOP - 1, cut, sizeof cut);
    assert_string_equal(cut, "c,avx");
}

static void brand_fits_any_buffer(void **state)
{
    (void)state;
    char big[64], small[4] = "xyz";
    fvi_cpu_brand(big, sizeof big);
    assert_true(strlen(big) > 0);
    fvi_cpu_brand(small, sizeof small);
    assert_true(strlen(small) <= 3);
    assert_int_equal(strncmp(big, small, strlen(small)), 0);
}

static void caches_are_plausible(void **state)
{
    (void)state;
    fvi_cpu_cache c;
    fvi_cpu_caches(&c);
    if (c.l1d) assert_in_range(c.l1d, 4 << 10, 1 << 20);
    if (c.l1d && c.l2) assert_true(c.l2 >= c.l1d);
    if (c.l2 && c.l3) assert_true(c.l3 >= c.l2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_level_contains_the_ones_below), cmocka_unit_test(unknown_names_are_pointed_at),
        cmocka_unit_test(names_are_of_the_highest_level),  cmocka_unit_test(detection_is_constant_and_nested),
        cmocka_unit_test(brand_fits_any_buffer), cmocka_unit_test(levels_are_listed),
                cmocka_unit_test(caches_are_plausible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
