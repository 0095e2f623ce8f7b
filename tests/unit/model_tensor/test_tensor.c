/* Views, coalescing and copies against element-by-element arithmetic on random shapes and strides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "model/tensor/tensor.h"

static uint64_t rng_state = 12345;
static uint32_t rnd(uint32_t n)
{
    rng_state = rng_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(rng_state >> 33) % n;
}

/* address (in elements from data) of the flat-th element, row-major */
static int64_t address(const fvi_tensor *t, int64_t flat)
{
    int64_t a = 0;
    for (int i = t->rank - 1; i >= 0; i--) {
        a += flat % t->dim[i] * t->stride[i];
        flat /= t->dim[i];
    }
    return a;
}

/* A random tensor: dims in random memory order, random gaps, sometimes a reversed or repeated dim. */
static fvi_tensor random_tensor(int max_rank, int max_dim, bool plain)
{
    fvi_tensor t = {.dtype = FV_F32, .rank = (int)rnd((uint32_t)max_rank + 1)};
    int order[FV_MAX_RANK];
    for (int i = 0; i < t.rank; i++) {
        t.dim[i] = 1 + rnd((uint32_t)max_dim);
        int j = (int)rnd((uint32_t)i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    if (rnd(3) == 0)
        for (int i = 0; i < t.rank; i++) order[i] = i;
    int64_t s = 1;
    for (int k = t.rank - 1; k >= 0; k--) {
        int i = order[k];
        if (!plain && rnd(4) == 0) s += rnd(3);
        t.stride[i] = s;
        s *= t.dim[i];
        if (!plain && rnd(8) == 0) t.stride[i] = 0;
        if (!plain && rnd(8) == 0) t.stride[i] = -t.stride[i];
    }
    return t;
}

/* A random factorisation of n into rank dims. */
static int random_shape(int64_t n, int64_t *dim)
{
    int rank = 0;
    while (n > 1 && rank < 6) {
        int64_t f = 2 + rnd(11);
        if (n % f) f = rank == 5 ? n : n % 2 == 0 ? 2 : n % 3 == 0 ? 3 : n;
        if (rank == 5) f = n;
        dim[rank++] = f;
        n /= f;
    }
    for (int ones = (int)rnd(3); ones > 0 && rank < FV_MAX_RANK; ones--) {
        int at = (int)rnd((uint32_t)rank + 1);
        memmove(dim + at + 1, dim + at, sizeof *dim * (size_t)(rank - at));
        dim[at] = 1;
        rank++;
    }
    return rank;
}

/* Strides that a view would have to have, solved from the addresses of its unit vectors, and checked on every element. */
static bool view_exists(const fvi_tensor *in, int rank, const int64_t *dim)
{
    fvi_tensor v = {.rank = rank};
    int64_t n = 1;
    for (int i = rank - 1; i >= 0; i--) {
        v.dim[i] = dim[i];
        v.stride[i] = dim[i] > 1 ? address(in, n) : 0;
        n *= dim[i];
    }
    for (int64_t f = 0; f < n; f++)
        if (address(&v, f) != address(in, f)) return false;
    return true;
}

static void reshape_finds_every_view(void **state)
{
    (void)state;
    int found = 0, refused = 0;
    for (int round = 0; round < 40000; round++) {
        fvi_tensor in = random_tensor(5, 4, rnd(2)), out;
        int64_t n = fvi_tensor_count(&in), dim[FV_MAX_RANK + 1];
        int rank = random_shape(n, dim);
        bool want = view_exists(&in, rank, dim);
        bool got = fvi_tensor_reshape(&out, &in, rank, dim);
        assert_int_equal(got, want);
        if (!got) {
            refused++;
            continue;
        }
        found++;
        assert_int_equal(out.rank, rank);
        for (int64_t f = 0; f < n; f++) assert_int_equal(address(&out, f), address(&in, f));
    }
    assert_true(found > 1000 && refused > 1000);
}

static void reshape_bad_counts(void **state)
{
    (void)state;
    fvi_tensor in = {.dtype = FV_F32, .rank = 2, .dim = {2, 3}}, out;
    fvi_tensor_dense(&in);
    assert_false(fvi_tensor_reshape(&out, &in, 1, (int64_t[]){5}));
    assert_false(fvi_tensor_reshape(&out, &in, 2, (int64_t[]){-2, -3}));
    assert_false(fvi_tensor_reshape(&out, &in, 2, (int64_t[]){INT64_MAX, 4}));
    in.dim[0] = 0;
    assert_true(fvi_tensor_reshape(&out, &in, 3, (int64_t[]){4, 0, 7}));
    assert_int_equal(fvi_tensor_count(&out), 0);
}

/* [1,64,20,20] in NHWC: heads and split of channels are views, merging the picture with a halo is not. */
static void reshape_nhwc(void **state)
{
    (void)state;
    fvi_tensor in = {.dtype = FV_F32, .rank = 4, .dim = {1, 64, 20, 20}, .stride = {25600, 1, 1280, 64}}, out;
    assert_true(fvi_tensor_is_nhwc(&in));
    assert_true(fvi_tensor_reshape(&out, &in, 4, (int64_t[]){1, 2, 32, 400}));
    assert_int_equal(out.stride[1], 32);
    assert_int_equal(out.stride[2], 1);
    assert_int_equal(out.stride[3], 64);
    fvi_tensor halo = {.dtype = FV_F32, .rank = 4, .dim = {1, 64, 20, 20}, .stride = {22 * 22 * 64, 1, 22 * 64, 64}, .halo = 1};
    assert_false(fvi_tensor_reshape(&out, &halo, 3, (int64_t[]){1, 64, 400}));
    assert_true(fvi_tensor_reshape(&out, &halo, 5, (int64_t[]){1, 8, 8, 20, 20}));
    assert_int_equal(out.halo, 0);
    fvi_tensor_slice(&out, &halo, 1, 16, 32, 1);
    assert_int_equal(out.halo, 1);
    fvi_tensor_slice(&out, &halo, 2, 1, 3, 1);
    assert_int_equal(out.halo, 0);
}

static void views_address_the_right_elements(void **state)
{
    (void)state;
    for (int round = 0; round < 3000; round++) {
        fvi_tensor in = random_tensor(5, 5, false), out;
        float base;
        in.data = (char *)&base; /* never dereferenced */
        int perm[FV_MAX_RANK];
        for (int i = 0; i < in.rank; i++) {
            int j = (int)rnd((uint32_t)i + 1);
            perm[i] = perm[j];
            perm[j] = i;
        }
        fvi_tensor_transpose(&out, &in, perm);
        for (int i = 0; i < in.rank; i++) assert_int_equal(out.dim[i], in.dim[perm[i]]);
        for (int i = 0; i < in.rank; i++) assert_int_equal(out.stride[i], in.stride[perm[i]]);
        if (in.rank == 0) continue;
        int axis = (int)rnd((uint32_t)in.rank);
        int64_t start = rnd((uint32_t)in.dim[axis]), step = rnd(2) ? 1 + rnd(2) : -1 - (int64_t)rnd(2);
        int64_t count = step > 0 ? (in.dim[axis] - start + step - 1) / step : start / -step + 1;
        fvi_tensor_slice(&out, &in, axis, start, count, step);
        assert_int_equal(out.dim[axis], count);
        for (int64_t k = 0; k < count; k++) {
            int64_t got = (out.data - in.data) / 4 + k * out.stride[axis];
            assert_int_equal(got, (start + k * step) * in.stride[axis]);
        }
    }
}

static void broadcast_follows_numpy(void **state)
{
    (void)state;
    fvi_tensor in = {.dtype = FV_F32, .rank = 2, .dim = {3, 1}, .stride = {1, 1}}, out;
    assert_true(fvi_tensor_broadcast(&out, &in, 3, (int64_t[]){2, 3, 5}));
    assert_int_equal(out.stride[0], 0);
    assert_int_equal(out.stride[1], 1);
    assert_int_equal(out.stride[2], 0);
    assert_false(fvi_tensor_broadcast(&out, &in, 2, (int64_t[]){2, 5}));
    assert_false(fvi_tensor_broadcast(&out, &in, 1, (int64_t[]){3}));
    in.rank = 0;
    assert_true(fvi_tensor_broadcast(&out, &in, 2, (int64_t[]){4, 0}));
}

static void coalesce_keeps_pairs(void **state)
{
    (void)state;
    for (int round = 0; round < 5000; round++) {
        fvi_tensor a = random_tensor(5, 4, false), b = random_tensor(5, 4, false);
        b.rank = a.rank;
        for (int i = 0; i < a.rank; i++) {
            b.dim[i] = a.dim[i];
            if (rnd(2)) b.stride[i] = a.stride[i];
            else if (b.stride[i] == 0 && rnd(2)) b.stride[i] = 7 + i;
        }
        fvi_tensor t[2] = {a, b};
        fvi_tensor_coalesce(t, 2);
        int64_t n = fvi_tensor_count(&a);
        assert_int_equal(fvi_tensor_count(&t[0]), n);
        assert_int_equal(fvi_tensor_count(&t[1]), n);
        assert_true(t[0].rank >= 1);
        /* the multiset of address pairs is unchanged: compare sums that tell pairs apart */
        uint64_t sum0 = 0, sum1 = 0;
        for (int64_t f = 0; f < n; f++) {
            uint64_t p0 = (uint64_t)address(&a, f) * 1000003u + (uint64_t)address(&b, f);
            uint64_t p1 = (uint64_t)address(&t[0], f) * 1000003u + (uint64_t)address(&t[1], f);
            sum0 += p0 * p0 + p0 * 31;
            sum1 += p1 * p1 + p1 * 31;
        }
        assert_true(sum0 == sum1);
    }
    fvi_tensor d[1] = {{.dtype = FV_F32, .rank = 4, .dim = {2, 3, 4, 5}}};
    fvi_tensor_dense(d);
    fvi_tensor_coalesce(d, 1);
    assert_int_equal(d->rank, 1);
    assert_int_equal(d->dim[0], 120);
}

static void copy_all_sizes(void **state)
{
    (void)state;
    static const fv_dtype types[] = {FV_U8, FV_F16, FV_F32, FV_I64};
    enum { CELLS = 1 << 17 };
    char *src = malloc(CELLS * 8), *dst = malloc(CELLS * 8), *want = malloc(CELLS * 8);
    for (size_t i = 0; i < CELLS * 8; i++) src[i] = (char)rnd(256);
    for (int round = 0; round < 400; round++) {
        fv_dtype type = types[rnd(4)];
        size_t es = fv_dtype_size(type);
        fvi_tensor s = random_tensor(4, 18, false), d = s;
        int64_t n = fvi_tensor_count(&s);
        s.dtype = d.dtype = type;
        /* destination: dense in a random memory order */
        int64_t stride = 1 + rnd(2);
        uint32_t used = 0;
        for (int k = 0; k < d.rank; k++) {
            int i;
            do i = (int)rnd((uint32_t)d.rank);
            while (used >> i & 1);
            used |= 1u << i;
            d.stride[i] = stride;
            stride *= d.dim[i];
        }
        if (stride > CELLS) continue;
        int64_t low = 0;
        for (int i = 0; i < s.rank; i++)
            if (s.stride[i] < 0) low += s.stride[i] * (s.dim[i] - 1);
        int64_t high = 0;
        for (int i = 0; i < s.rank; i++)
            if (s.stride[i] > 0) high += s.stride[i] * (s.dim[i] - 1);
        if (high - low >= CELLS) continue;
        s.data = src - low * (int64_t)es;
        d.data = dst;
        memset(dst, 7, CELLS * 8);
        memset(want, 7, CELLS * 8);
        for (int64_t f = 0; f < n; f++)
            memcpy(want + address(&d, f) * (int64_t)es, s.data + address(&s, f) * (int64_t)es, es);
        fvi_tensor_copy(&d, &s);
        assert_memory_equal(dst, want, CELLS * 8);
    }
    free(src);
    free(dst);
    free(want);
}

static void dtypes_and_counts(void **state)
{
    (void)state;
    assert_int_equal(fv_dtype_size(FV_BF16), 2);
    assert_int_equal(fv_dtype_size((fv_dtype)99), 0);
    assert_string_equal(fv_dtype_name(FV_I64), "int64");
    assert_string_equal(fv_dtype_name((fv_dtype)-1), "unknown");
    fv_tensor t = {.dtype = FV_F32, .rank = 2, .dim = {INT64_MAX, 2}};
    assert_int_equal(fv_tensor_count(&t), -1);
    t.dim[1] = 0;
    assert_int_equal(fv_tensor_count(&t), 0);
    t.dim[0] = -1;
    assert_int_equal(fv_tensor_count(&t), -1);
    t.rank = 0;
    assert_int_equal(fv_tensor_count(&t), 1);
    fvi_tensor v = {.dtype = FV_F32, .rank = 3, .dim = {2, 1, 3}};
    fvi_tensor_dense(&v);
    assert_true(fvi_tensor_is_dense(&v));
    v.stride[1] = 77; /* a dim of 1 does not count */
    assert_true(fvi_tensor_is_dense(&v));
    v.stride[0] = 4;
    assert_false(fvi_tensor_is_dense(&v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reshape_finds_every_view), cmocka_unit_test(reshape_bad_counts),
        cmocka_unit_test(reshape_nhwc),             cmocka_unit_test(views_address_the_right_elements),
        cmocka_unit_test(broadcast_follows_numpy),  cmocka_unit_test(coalesce_keeps_pairs),
        cmocka_unit_test(copy_all_sizes),           cmocka_unit_test(dtypes_and_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
