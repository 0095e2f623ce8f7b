/* Choosing a convolution tactic: by layout and stored zeros, and never one whose counts would overflow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "kern/conv.h"
#include <string.h>

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
    fvi_conv_params half = params(64, 128, 1, 3, 3);
    half.sh = half.sw = 2, half.ho = half.wo = 4;
    assert_string_equal(choice(half), "conv winograd2 c");
    half.exact = true;
    assert_string_equal(choice(half), "conv direct c");
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

static void the_rank_begins_with_the_choice_and_ends_at_the_factor(void **state)
{
    (void)state;
    const fvi_conv_tactic *t[16];
    fvi_conv_params p = params(64, 64, 1, 3, 3);
    assert_int_equal(fvi_conv_rank(&p, FVI_CPU_C, 1, t, 16), 1);
    assert_ptr_equal(t[0], fvi_conv_choose(&p, FVI_CPU_C));
    int all = fvi_conv_rank(&p, FVI_CPU_C, 1e30, t, 16);
    assert_true(all >= 3); /* reference, direct, Winograd */
    for (int i = 1; i < all; i++) assert_true(t[i - 1]->algorithm->cost(t[i - 1], &p) <= t[i]->algorithm->cost(t[i], &p));
    assert_string_equal(t[all - 1]->name, "conv reference c");
    double ratio = t[1]->algorithm->cost(t[1], &p) / t[0]->algorithm->cost(t[0], &p);
    assert_int_equal(fvi_conv_rank(&p, FVI_CPU_C, ratio * 0.999, t, 16), 1);
    assert_true(fvi_conv_rank(&p, FVI_CPU_C, ratio * 1.001, t, 16) >= 2);
    assert_int_equal(fvi_conv_rank(&p, FVI_CPU_C, 1e30, t, 2), 2);
    assert_ptr_equal(t[0], fvi_conv_choose(&p, FVI_CPU_C));
}

static void a_name_is_believed_only_where_it_fits(void **state)
{
    (void)state;
    fvi_conv_params p = params(64, 64, 1, 3, 3);
    assert_string_equal(fvi_conv_named(&p, FVI_CPU_C, "conv winograd c")->name, "conv winograd c");
    assert_null(fvi_conv_named(&p, FVI_CPU_C, "conv depthwise c"));  /* does not support it */
    assert_null(fvi_conv_named(&p, FVI_CPU_C, "conv direct avx2"));  /* another level */
    assert_null(fvi_conv_named(&p, FVI_CPU_C, "conv direct"));
    assert_null(fvi_conv_named(&p, FVI_CPU_C, ""));
    p.exact = true;
    assert_null(fvi_conv_named(&p, FVI_CPU_C, "conv winograd c"));
}

/* A field that the words leave out would make two different problems share one timing. */
static void the_words_tell_every_field(void **state)
{
    (void)state;
    const fvi_conv_params p = {.n = 2, .residual = true, .pre = true, .alpha = 1, .beta = 1};
    char plain[512], other[512];
    const struct {
        size_t from, to;
    } skip[] = {{offsetof(fvi_conv_params, pre_shift) + sizeof p.pre_shift, offsetof(fvi_conv_params, in_n)}, /* padding */
                {offsetof(fvi_conv_params, exact) + 1, offsetof(fvi_conv_params, act)},
                {offsetof(fvi_conv_params, beta) + sizeof p.beta, offsetof(fvi_conv_params, l1)},
                {offsetof(fvi_conv_params, residual), offsetof(fvi_conv_params, residual) + 1}, /* takes its strides along: below */
                {offsetof(fvi_conv_params, pre), offsetof(fvi_conv_params, pre) + 1},
                {offsetof(fvi_conv_params, l1), offsetof(fvi_conv_params, l1) + sizeof p.l1},
                {offsetof(fvi_conv_params, l2), offsetof(fvi_conv_params, l2) + sizeof p.l2}};
    assert_true(fvi_conv_describe(&p, plain, sizeof plain));
    for (size_t at = 0; at < sizeof p; at++) {
        fvi_conv_params q = p;
        bool skipped = false;
        for (size_t i = 0; i < sizeof skip / sizeof *skip; i++) skipped |= at >= skip[i].from && at < skip[i].to;
        if (skipped) continue;
        ((unsigned char *)&q)[at] ^= 1;
        assert_true(fvi_conv_describe(&q, other, sizeof other));
        if (!strcmp(plain, other)) fail_msg("byte %zu of fvi_conv_params is not in the words of fvi_conv_describe", at);
    }
    fvi_conv_params q = p;
    q.residual = false;
    assert_true(fvi_conv_describe(&q, other, sizeof other) && strcmp(plain, other));
    q = p;
    q.pre = false;
    assert_true(fvi_conv_describe(&q, other, sizeof other) && strcmp(plain, other));
    assert_false(fvi_conv_describe(&p, other, 20));
}

/* Of 8 x 8 pixels: 2 x 2 tiles of 36 products instead of 144; of 9 x 8 a third row of tiles. */
static void winograd_executes_a_quarter(void **state)
{
    (void)state;
    fvi_conv_params p = params(64, 64, 1, 3, 3), odd = p, direct = params(3, 16, 1, 5, 5);
    const fvi_conv_tactic *t = fvi_conv_choose(&p, FVI_CPU_C);
    assert_string_equal(t->name, "conv winograd c");
    assert_true(fvi_conv_executed_flops(t, &p) == fvi_conv_flops(&p) / 4);
    odd.h = odd.ho = 9;
    assert_true(fvi_conv_executed_flops(t, &odd) == 2.0 * 36 * 6 * 64 * 64);
    t = fvi_conv_choose(&direct, FVI_CPU_C);
    assert_true(fvi_conv_executed_flops(t, &direct) == fvi_conv_flops(&direct));
}

/* Packed bytes of a file name an algorithm and a number of rows: neither is believed. */
static void packed_bytes_that_lie_are_not_run(void **state)
{
    (void)state;
    fvi_conv_params p = params(16, 16, 1, 3, 3);
    p.bf16 = true, p.in_type = p.out_type = FV_BF16;
    const fvi_conv_tactic *t = fvi_conv_choose(&p, FVI_CPU_C);
    assert_string_equal(t->name, "conv bf16 wide c");
    const size_t bytes = t->algorithm->packed_bytes(t, &p);
    float w[16 * 16 * 9] = {0};
    int *packed = fvi_calloc(1, bytes);
    assert_non_null(packed);
    t->algorithm->pack(t, &p, w, NULL, packed);
    assert_true(t->algorithm->valid(t, &p, packed));
    for (int field = 0; field < 2; field++)
        for (int lie = -1; lie < 99; lie += 50) {
            const int truth = packed[field];
            packed[field] = lie;
            assert_false(t->algorithm->valid(t, &p, packed));
            packed[field] = truth;
        }
    fvi_free(packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_has_its_tactic), cmocka_unit_test(the_reference_takes_the_rest),
                                       cmocka_unit_test(counts_that_overflow_an_int_are_left_to_the_reference),
                                       cmocka_unit_test(the_rank_begins_with_the_choice_and_ends_at_the_factor),
                                       cmocka_unit_test(a_name_is_believed_only_where_it_fits),
                                       cmocka_unit_test(packed_bytes_that_lie_are_not_run), cmocka_unit_test(the_words_tell_every_field), cmocka_unit_test(winograd_executes_a_quarter)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
