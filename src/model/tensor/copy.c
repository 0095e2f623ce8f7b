/* copy.c: copies elements between two tensors of one shape and any strides. Used by folding and by whoever has no
 * kernel table at hand; the CPU backend's threaded copy falls back on it. */
#include "model/tensor/tensor.h"
#include <string.h>

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
    int64_t mag_a = sa < 0 ? -sa : sa, mag_b = sb < 0 ? -sb : sb;
    if (mag_a >= mag_b) {
        fn(dst, src, na, nb, da, sa, db, sb);
        return;
    }
    for (int64_t a = 0; a < na; a += TILE)
        for (int64_t b = 0; b < nb; b += TILE)
            fn(dst + (a * da + b * db) * es, src + (a * sa + b * sb) * es, na - a < TILE ? na - a : TILE,
               nb - b < TILE ? nb - b : TILE, da, sa, db, sb);
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

/* Makes the dim along which src runs fastest the last but one, so that copy_2d sees a transpose as one. */
static void pair_fastest(fvi_tensor *t)
{
    int r = t[0].rank, best = r - 1;
    if (r < 3 || t[1].stride[r - 1] == 1) return;
    for (int i = 0; i < r - 1; i++)
        if (t[1].stride[i] == 1) best = i;
    if (best == r - 1) return;
    for (int k = 0; k < 2; k++) {
        int64_t d = t[k].dim[best], s = t[k].stride[best];
        for (int i = best; i < r - 2; i++) {
            t[k].dim[i] = t[k].dim[i + 1];
            t[k].stride[i] = t[k].stride[i + 1];
        }
        t[k].dim[r - 2] = d;
        t[k].stride[r - 2] = s;
    }
}

void fvi_tensor_copy(const fvi_tensor *dst, const fvi_tensor *src)
{
    fvi_tensor t[2] = {*dst, *src};
    fvi_tensor_coalesce(t, 2);
    if (t[0].dim[0] == 0) return;
    pair_fastest(t);
    copy_dims(t[0].data, t[1].data, fv_dtype_size(dst->dtype), t, 0);
}
