/* Choosing a convolution tactic: by layout and stored zeros, and never one whose counts would overflow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "kern/conv.h"

/* NHWC, one image of 8 x 8 pixels, stride 1, as many zeros around as the kernel wants where it is small. */
static fvi_conv_params params(int cin, int cout, int groups, int kh, int kw)
{
    const int halo = kh < 16 ? kh / 2 : 0;
    fvi_conv_params p = {.n = 1, .cin = cin, .h = 8, .w = 8, .cout = cout, .ho = 8, .wo = 8, .groups = groups, .kh = kh, .kw = kw,
                         .sh = 1, .sw = 1, .dh = 1, .dw = 1, .pt = halo, .pl = halo, .halo = halo, .l1 = 32 << 10, .l2 = 512 << 10};
    p.in_c = p.out_c = 1;
    p.in_w = cin, p.in_h = (ptrdiff_t)(8 + 2 * halo) * cin, p.in_n = (8 + 2 * halo) * p.in_h;
    p.out_w = cout, p.out_h = (ptrdiff_t)8 * cout, p.out_n = 8 * p.out_h;
    return p;
}

static const char *choice(fvi_conv_params p) { return fvi_conv_choose(&p, FVI_CPU_C)->name; }

static void each_has_its_tactic(void **state)
{
    (void)state;
    assert_string_equal(choice(params(3, 16, 1, 5, 5)), "conv direct c");
    assert_string_equal(choice(params(64, 64, 1, 3, 3)), "conv winograd c");
    assert_string_equal(choice(params(32, 32, 32, 3, 3)), "conv depthwise c");
}

static void the_reference_takes_the_rest(void **state)
{
    (void)state;
    fvi_conv_params p = params(64, 64, 1, 3, 3);
    p.halo = 0; /* fewer zeros than the kernel reaches for */
    assert_string_equal(choice(p), "conv reference c");
    p = params(64, 64, 1, 3, 3);
    p.in_c = 100; /* planes */
    assert_string_equal(choice(p), "conv reference c");
}

static void counts_that_overflow_an_int_are_left_to_the_reference(void **state)
{
    (void)state;
    static const struct {
        int cin, cout, groups, kh, kw;
    } big[] = {{1 << 16, 8, 1, 1, 1 << 16},           /* kernel row x channels */
               {64, 64, 64, 1 << 16, 1 << 16},        /* taps */
               {INT32_MAX, INT32_MAX, INT32_MAX, 1, 1}, /* rounding up to vectors */
               {8, INT32_MAX, 1, 1, 1}};
    for (size_t i = 0; i < sizeof big / sizeof *big; i++) {
        fvi_conv_params p = params(big[i].cin, big[i].cout, big[i].groups, big[i].kh, big[i].kw);
        p.h = p.w = INT32_MAX, p.ho = p.wo = 1; /* the window is inside */
        assert_true(fvi_conv_halo_suffices(&p));
        assert_string_equal(choice(p), "conv reference c");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_has_its_tactic), cmocka_unit_test(the_reference_takes_the_rest),
                                       cmocka_unit_test(counts_that_overflow_an_int_are_left_to_the_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
