/* copy.c: copies elements between two tensors of one shape and any strides. Used by folding and by whoever has no
 * kernel table at hand; the CPU backend's threaded copy falls back on it. */
#include "model/tensor/tensor.h"
#include <string.h>

#define BLOCK 64 /* elements of dst's lines that are written before the next ones of src are fetched */
#define TILE 16 /* elements; a tile of both sides stays in the first cache */

#define STRIDED(type, name)                                                                                            \
    static void name(char *dst, const char *src, int64_t ra, int64_t rb, int64_t da, int64_t sa, int64_t db,           \
                     int64_t sb)                                                                                       \
    {                                                                                                                  \
        type *d = (type *)(void *)dst;                                                                                 \
        const type *s = (const type *)(const void *)src;                                                               \
        for (int64_t a = 0; a < ra; a++)                                                                               \
            for (int64_t b = 0; b < rb; b++) d[a * da + b * db] = s[a * sa + b * sb];                                  \
    }
STRIDED(uint8_t, strided1)
STRIDED(uint16_t, strided2)
STRIDED(uint32_t, strided4)
STRIDED(uint64_t, strided8)

typedef void (*strided_fn)(char *, const char *, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t);

/* Up to four planes become pixels (NCHW pictures on their way into NHWC) in one pass over both sides. */
static void interleave4(uint32_t *d, const uint32_t *s, int64_t na, int64_t nb, int64_t da, int64_t sb)
{
    const uint32_t *s1 = s + sb, *s2 = s + 2 * sb;
    if (nb == 3) {
        for (int64_t a = 0; a < na; a++, d += da) d[0] = s[a], d[1] = s1[a], d[2] = s2[a];
        return;
    }
    for (int64_t a = 0; a < na; a++, d += da)
        for (int64_t b = 0; b < nb; b++) d[b] = s[a + b * sb];
}

/* Two dims (a outer, b inner); in tiles when dst runs along b but src along a. */
static void copy_2d(char *dst, const char *src, size_t size, int64_t na, int64_t nb, int64_t da, int64_t sa, int64_t db,
                    int64_t sb)
{
    strided_fn fn = size == 1 ? strided1 : size == 2 ? strided2 : size == 4 ? strided4 : strided8;
    int64_t es = (int64_t)size;
    if (db == 1 && sb == 1) {
        for (int64_t a = 0; a < na; a++) memcpy(dst + a * da * es, src + a * sa * es, (size_t)nb * size);
        return;
    }
    if (size == 4 && db == 1 && sa == 1 && nb <= 4) {
        interleave4((uint32_t *)(void *)dst, (const uint32_t *)(const void *)src, na, nb, da, sb);
        return;
    }
    int64_t mag_a = sa < 0 ? -sa : sa, mag_b = sb < 0 ? -sb : sb;
    if (mag_a >= mag_b) {
        fn(dst, src, na, nb, da, sa, db, sb);
        return;
    }
    for (int64_t b0 = 0; b0 < nb; b0 += BLOCK) {
        for (int64_t b = b0 + BLOCK; b < nb && b < b0 + 2 * BLOCK; b++)
            for (int64_t a = 0; sa == 1 && a < na; a += 64 / es) __builtin_prefetch(src + (a * sa + b * sb) * es);
        for (int64_t a = 0; a < na; a += TILE)
            for (int64_t b = b0; b < nb && b < b0 + BLOCK; b += TILE)
                fn(dst + (a * da + b * db) * es, src + (a * sa + b * sb) * es, na - a < TILE ? na - a : TILE,
                   nb - b < TILE ? nb - b : TILE, da, sa, db, sb);
    }
}

static void copy_dims(char *dst, const char *src, size_t size, const fvi_tensor *t, int axis)
{
    const fvi_tensor *d = &t[0], *s = &t[1];
    int left = d->rank - axis;
    if (left == 1) {
        copy_2d(dst, src, size, 1, d->dim[axis], 0, 0, d->stride[axis], s->stride[axis]);
    } else if (left == 2) {
        copy_2d(dst, src, size, d->dim[axis], d->dim[axis + 1], d->stride[axis], s->stride[axis], d->stride[axis + 1],
                s->stride[axis + 1]);
    } else {
        for (int64_t i = 0; i < d->dim[axis]; i++)
            copy_dims(dst + i * d->stride[axis] * (int64_t)size, src + i * s->stride[axis] * (int64_t)size, size, t,
                      axis + 1);
    }
}

/* Moves dim `from` of both tensors to place `to` > from. */
static void move_dim(fvi_tensor *t, int from, int to)
{
    for (int k = 0; k < 2; k++) {
        const int64_t d = t[k].dim[from], s = t[k].stride[from];
        for (int i = from; i < to; i++) {
            t[k].dim[i] = t[k].dim[i + 1];
            t[k].stride[i] = t[k].stride[i + 1];
        }
        t[k].dim[to] = d;
        t[k].stride[to] = s;
    }
}

static int contiguous_dim(const fvi_tensor *t)
{
    for (int i = t->rank - 1; i >= 0; i--)
        if (t->stride[i] == 1) return i;
    return -1;
}

/* Makes the dim along which dst runs fastest the last one, and that of src the last but one: copy_2d sees a transpose as one,
 * and no line of dst is visited once a plane. */
static void pair_fastest(fvi_tensor *t)
{
    const int r = t[0].rank, d = contiguous_dim(&t[0]);
    if (d >= 0 && d < r - 1) move_dim(t, d, r - 1);
    const int s = contiguous_dim(&t[1]);
    if (s >= 0 && s < r - 2) move_dim(t, s, r - 2);
}

void fvi_tensor_copy(const fvi_tensor *dst, const fvi_tensor *src)
{
    fvi_tensor t[2] = {*dst, *src};
    fvi_tensor_coalesce(t, 2);
    if (t[0].dim[0] == 0) return;
    pair_fastest(t);
    copy_dims(t[0].data, t[1].data, fv_dtype_size(dst->dtype), t, 0);
}
