/* tensor.c: questions about a strided tensor, and the views of it (reshape, transpose, slice, broadcast): shapes in,
 * shapes out, never touching an element. Used by the plan and by every backend. */
#include "model/tensor/tensor.h"

int64_t fvi_tensor_count(const fvi_tensor *t)
{
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++) n *= t->dim[i];
    return n;
}

void fvi_tensor_dense(fvi_tensor *t)
{
    uint64_t s = 1; /* of an empty tensor it may wrap: nobody walks that */
    for (int i = t->rank - 1; i >= 0; i--) {
        t->stride[i] = (int64_t)s;
        s *= t->dim[i] > 0 ? (uint64_t)t->dim[i] : 1;
    }
    t->halo = 0;
}

fvi_tensor fvi_tensor_over(const void *data, fv_dtype dtype, int rank, const int64_t *dim)
{
    fvi_tensor t = {.dtype = dtype, .rank = rank, .data = (char *)(uintptr_t)data};
    for (int i = 0; i < rank; i++) t.dim[i] = dim[i];
    fvi_tensor_dense(&t);
    return t;
}

bool fvi_tensor_is_dense(const fvi_tensor *t)
{
    if (fvi_tensor_count(t) == 0) return true;
    int64_t s = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        if (t->dim[i] == 1) continue;
        if (t->stride[i] != s) return false;
        s *= t->dim[i];
    }
    return true;
}

bool fvi_tensor_is_nhwc(const fvi_tensor *t)
{
    return t->rank == 4 && (t->stride[1] == 1 || t->dim[1] == 1) && t->stride[3] >= t->dim[1];
}

bool fvi_tensor_same_shape(const fvi_tensor *a, const fvi_tensor *b)
{
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

/* A halo survives a view only while dims 2 and 3 are still the whole picture. */
static int halo_after(const fvi_tensor *out, const fvi_tensor *in)
{
    bool same = out->rank == 4 && in->rank == 4 && out->dim[2] == in->dim[2] && out->dim[3] == in->dim[3] &&
                out->stride[2] == in->stride[2] && out->stride[3] == in->stride[3] && out->data == in->data;
    return same ? in->halo : 0;
}

/* Strides of new dims [lo,hi) that together walk `dim` elements of stride `stride`, row-major. */
static void split_strides(fvi_tensor *out, int lo, int hi, int64_t stride)
{
    for (int i = hi - 1; i >= lo; i--) {
        out->stride[i] = stride;
        stride *= out->dim[i];
    }
}

bool fvi_tensor_reshape(fvi_tensor *out, const fvi_tensor *in, int rank, const int64_t *dim)
{
    if (rank < 0 || rank > FV_MAX_RANK) return false;
    fvi_tensor o = {.dtype = in->dtype, .rank = rank, .data = in->data};
    int64_t total = 1, old_dim[FV_MAX_RANK], old_stride[FV_MAX_RANK];
    int n_old = 0;
    for (int i = 0; i < rank; i++) {
        if (dim[i] < 0) return false;
        o.dim[i] = dim[i];
        if (__builtin_mul_overflow(total, dim[i], &total)) return false;
    }
    if (total != fvi_tensor_count(in)) return false;
    if (total == 0) {
        fvi_tensor_dense(&o);
        *out = o;
        return true;
    }
    for (int i = 0; i < in->rank; i++)
        if (in->dim[i] != 1) {
            old_dim[n_old] = in->dim[i];
            old_stride[n_old++] = in->stride[i];
        }
    /* Walk both shapes from the left, pairing the shortest runs of dims with equal products. Within a run the old dims
     * have to be contiguous with each other; the new ones then are a split of that one merged dim. */
    int i = 0, j = 0;
    while (i < n_old) {
        int64_t po = old_dim[i], pn = o.dim[j];
        int i1 = i + 1, j1 = j + 1;
        while (po != pn) {
            if (po < pn)
                po *= old_dim[i1++];
            else
                pn *= o.dim[j1++];
        }
        for (int k = i; k + 1 < i1; k++)
            if (old_stride[k] != old_stride[k + 1] * old_dim[k + 1]) return false;
        split_strides(&o, j, j1, old_stride[i1 - 1]);
        i = i1;
        j = j1;
    }
    int64_t last = j > 0 ? o.stride[j - 1] : 1;
    for (; j < rank; j++) o.stride[j] = last; /* only ones are left */
    o.halo = halo_after(&o, in);
    *out = o;
    return true;
}

void fvi_tensor_transpose(fvi_tensor *out, const fvi_tensor *in, const int *perm)
{
    fvi_tensor o = {.dtype = in->dtype, .rank = in->rank, .data = in->data};
    for (int i = 0; i < in->rank; i++) {
        o.dim[i] = in->dim[perm[i]];
        o.stride[i] = in->stride[perm[i]];
    }
    o.halo = in->rank == 4 && perm[2] == 2 && perm[3] == 3 ? in->halo : 0;
    *out = o;
}

void fvi_tensor_slice(fvi_tensor *out, const fvi_tensor *in, int axis, int64_t start, int64_t count, int64_t step)
{
    fvi_tensor o = *in;
    o.dim[axis] = count;
    if (count > 0) o.data = in->data + start * in->stride[axis] * (int64_t)fv_dtype_size(in->dtype);
    if (count > 1) o.stride[axis] = in->stride[axis] * step;
    bool whole = start == 0 && count == in->dim[axis] && step == 1;
    if (axis >= 2 && !whole) o.halo = 0;
    *out = o;
}

bool fvi_tensor_broadcast(fvi_tensor *out, const fvi_tensor *in, int rank, const int64_t *dim)
{
    if (rank < in->rank || rank > FV_MAX_RANK) return false;
    fvi_tensor o = {.dtype = in->dtype, .rank = rank, .data = in->data};
    for (int i = 0; i < rank; i++) {
        int k = i - (rank - in->rank);
        o.dim[i] = dim[i];
        if (k < 0 || (in->dim[k] == 1 && dim[i] != 1))
            o.stride[i] = 0;
        else if (in->dim[k] == dim[i])
            o.stride[i] = in->stride[k];
        else
            return false;
    }
    o.halo = halo_after(&o, in);
    *out = o;
    return true;
}

static int64_t magnitude(int64_t s) { return s < 0 ? -s : s; }

/* Is dim a outside dim b? By the first tensor that tells them apart. */
static bool outside(const fvi_tensor *t, int n, int a, int b)
{
    for (int k = 0; k < n; k++) {
        int64_t sa = magnitude(t[k].stride[a]), sb = magnitude(t[k].stride[b]);
        if (sa != sb) return sa > sb;
    }
    return false;
}

static void swap_dims(fvi_tensor *t, int n, int a, int b)
{
    for (int k = 0; k < n; k++) {
        int64_t d = t[k].dim[a], s = t[k].stride[a];
        t[k].dim[a] = t[k].dim[b];
        t[k].stride[a] = t[k].stride[b];
        t[k].dim[b] = d;
        t[k].stride[b] = s;
    }
}

void fvi_tensor_coalesce(fvi_tensor *t, int n)
{
    int rank = 0;
    bool empty = false;
    for (int i = 0; i < t[0].rank; i++) {
        if (t[0].dim[i] == 0) empty = true;
        if (t[0].dim[i] == 1) continue;
        for (int k = 0; k < n; k++) {
            t[k].dim[rank] = t[k].dim[i];
            t[k].stride[rank] = t[k].stride[i];
        }
        rank++;
    }
    if (rank == 0 || empty) {
        for (int k = 0; k < n; k++) {
            t[k].dim[0] = empty ? 0 : 1;
            t[k].stride[0] = 1;
            t[k].rank = 1;
            t[k].halo = 0;
        }
        return;
    }
    for (int i = 1; i < rank; i++)
        for (int j = i; j > 0 && outside(t, n, j, j - 1); j--) swap_dims(t, n, j, j - 1);
    int last = 0; /* merged so far: dims 0..last */
    for (int i = 1; i < rank; i++) {
        bool merge = true;
        for (int k = 0; k < n; k++) merge = merge && t[k].stride[last] == t[k].stride[i] * t[k].dim[i];
        if (!merge) last++;
        for (int k = 0; k < n; k++) {
            t[k].dim[last] = merge ? t[k].dim[last] * t[k].dim[i] : t[k].dim[i];
            t[k].stride[last] = t[k].stride[i];
        }
    }
    for (int k = 0; k < n; k++) {
        t[k].rank = last + 1;
        t[k].halo = 0;
    }
}
