/* op_topk.c: TopK: the k largest or smallest along an axis, sorted, equals in order of index. Keeps a small pool of
 * candidates above a rising threshold, so that most elements are only compared. */
#include "backend/cpu/fold_dims.h"
#include "backend/cpu/loop.h"
#include "kern/topk.h"
#include <math.h>
#include <string.h>

/* Order: larger key first, then smaller index. */
typedef struct candidate {
    uint64_t key;
    int64_t index;
} candidate;

typedef struct topk_state {
    fvi_tensor kept[2], kept_index; /* values, input; indices */
    int64_t n, k, count, cap;
    int64_t in_stride, value_stride, index_stride;
    fv_dtype type;
    bool largest, contiguous;
    int chunks;
    fvi_topk_kern kern;
    candidate *scratch; /* cap a thread */
} topk_state;

static bool before(const candidate *a, const candidate *b) { return a->key != b->key ? a->key > b->key : a->index < b->index; }
static void swap(candidate *a, candidate *b)
{
    candidate t = *a;
    *a = *b;
    *b = t;
}

static uint64_t float_order(uint64_t bits, int width)
{
    uint64_t sign = UINT64_C(1) << (width - 1);
    return bits & sign ? ~bits & ((sign << 1) - 1) : bits | sign;
}

/* A key that sorts unsigned as the value does; NaN is largest; both zeros are one. */
static uint64_t key_of(fv_dtype t, const void *p)
{
    switch (t) {
    case FV_F32: {
        float f;
        uint32_t bits;
        memcpy(&f, p, sizeof f);
        f += 0.0f;
        if (f != f) return UINT32_MAX;
        memcpy(&bits, &f, sizeof f);
        return float_order(bits, 32);
    }
    case FV_F64: {
        double f;
        uint64_t bits;
        memcpy(&f, p, sizeof f);
        f += 0.0;
        if (f != f) return UINT64_MAX;
        memcpy(&bits, &f, sizeof f);
        return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
    }
    case FV_I8: return (uint64_t)(int64_t)*(const int8_t *)p ^ UINT64_C(1) << 63;
    case FV_U8: return *(const uint8_t *)p;
    case FV_I32: return (uint64_t)(int64_t)*(const int32_t *)p ^ UINT64_C(1) << 63;
    case FV_U32: return *(const uint32_t *)p;
    case FV_I64: return (uint64_t)*(const int64_t *)p ^ UINT64_C(1) << 63;
    default: return *(const uint64_t *)p;
    }
}

/* Afterwards the first k of n are the best k, in any order. */
static void select_best(candidate *c, int64_t n, int64_t k)
{
    int64_t lo = 0, hi = n <= k ? 0 : n - 1;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2; /* median of three as pivot, put at hi */
        if (before(&c[mid], &c[lo])) swap(&c[mid], &c[lo]);
        if (before(&c[hi], &c[lo])) swap(&c[hi], &c[lo]);
        if (before(&c[mid], &c[hi])) swap(&c[mid], &c[hi]);
        int64_t at = lo;
        for (int64_t i = lo; i < hi; i++)
            if (before(&c[i], &c[hi])) swap(&c[i], &c[at++]);
        swap(&c[at], &c[hi]);
        if (at == k || at == k - 1) return;
        if (at < k)
            lo = at + 1;
        else
            hi = at - 1;
    }
}

/* Heap sort: k log k whatever the data. The worst of the heap is on top. */
static void sift(candidate *c, int64_t root, int64_t n)
{
    for (int64_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && before(&c[child], &c[child + 1])) child++;
        if (!before(&c[root], &c[child])) return;
        swap(&c[root], &c[child]);
    }
}
static void sort_best(candidate *c, int64_t n)
{
    for (int64_t i = n / 2 - 1; i >= 0; i--) sift(c, i, n);
    for (int64_t i = n - 1; i > 0; i--) {
        swap(&c[0], &c[i]);
        sift(c, 0, i);
    }
}

/* Fills c with the best k of the axis at x, unsorted. */
static void collect(const topk_state *t, const char *x, candidate *c)
{
    int64_t es = (int64_t)fv_dtype_size(t->type), have = 0;
    bool scan = t->type == FV_F32 && t->contiguous && t->largest;
    uint64_t flip = t->largest ? 0 : UINT64_MAX, worst = 0;
    float threshold = 0;
    bool full = false;
    for (int64_t i = 0; i < t->n; i++) {
        if (scan && full) {
            i = (int64_t)t->kern.next_above((const float *)(const void *)x, (size_t)i, (size_t)t->n, threshold);
            if (i == t->n) break;
        }
        uint64_t key = key_of(t->type, x + i * t->in_stride * es) ^ flip;
        if (full && key <= worst) continue; /* an equal one has the larger index */
        c[have++] = (candidate){key, i};
        if (have < t->cap) continue;
        select_best(c, have, t->k);
        have = t->k;
        worst = c[0].key;
        int64_t at = c[0].index;
        for (int64_t j = 1; j < have; j++)
            if (c[j].key < worst) {
                worst = c[j].key;
                at = c[j].index;
            }
        if (scan) memcpy(&threshold, x + at * es, sizeof threshold);
        full = true;
    }
    select_best(c, have, t->k);
}

static void chunk(void *arg, int ch, int thread)
{
    const topk_state *t = arg;
    candidate *c = t->scratch + (size_t)thread * (size_t)t->cap;
    int64_t es = (int64_t)fv_dtype_size(t->type);
    for (int64_t f = t->count * ch / t->chunks; f < t->count * (ch + 1) / t->chunks; f++) {
        const char *x = t->kept[1].data + fvi_flat_offset(&t->kept[1], f) * es;
        char *values = t->kept[0].data + fvi_flat_offset(&t->kept[0], f) * es;
        int64_t *indices = (int64_t *)(void *)t->kept_index.data + fvi_flat_offset(&t->kept_index, f);
        collect(t, x, c);
        sort_best(c, t->k);
        for (int64_t i = 0; i < t->k; i++) {
            memcpy(values + i * t->value_stride * es, x + c[i].index * t->in_stride * es, (size_t)es);
            indices[i * t->index_stride] = c[i].index;
        }
    }
}

static void run(fvi_step *s)
{
    topk_state *t = s->state;
    if (t->k == 0 || t->count == 0) return;
    if (t->chunks == 1)
        chunk(t, 0, 0);
    else
        fvi_pool_run(s->env->pool, chunk, t, t->chunks);
}

static void release(fvi_step *s)
{
    topk_state *t = s->state;
    if (t) fvi_free(t->scratch);
    fvi_free(t);
}

enum { TYPES = FVI_TYPES_FLOAT | FVI_TYPE_BIT(FV_I8) | FVI_TYPE_BIT(FV_U8) | FVI_TYPE_BIT(FV_I32) | FVI_TYPE_BIT(FV_U32) | FVI_TYPE_BIT(FV_I64) | FVI_TYPE_BIT(FV_U64) };

/* The tensor without its axis. */
static fvi_tensor without(const fvi_tensor *x, int64_t axis)
{
    fvi_tensor t = {.dtype = x->dtype, .data = x->data};
    for (int i = 0; i < x->rank; i++) {
        if (i == axis) continue;
        t.dim[t.rank] = x->dim[i];
        t.stride[t.rank++] = x->stride[i];
    }
    return t;
}

fv_status fvi_cpu_prepare_topk(fvi_step *s, fv_error *err)
{
    const fvi_tensor *x = &s->in[0], *v = &s->out[0], *ix = &s->out[1];
    int64_t axis = fvi_node_int(s->node, "axis", -1);
    FVI_TRY(fvi_cpu_need_type(x->dtype, TYPES, err));
    if (!fvi_cpu_axis(&axis, x->rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis is out of range");
    if (v->rank != x->rank || !fvi_tensor_same_shape(v, ix) || v->dim[axis] > x->dim[axis] || ix->dtype != FV_I64)
        return fvi_error_set(err, FV_ERR_SHAPE, "K is larger than the axis, or output shapes do not fit");
    FVI_TRY(fvi_cpu_new_state(s, sizeof(topk_state), err));
    topk_state *t = s->state;
    s->release = release;
    fvi_tensor kept[3] = {without(v, axis), without(x, axis), without(ix, axis)};
    if (!fvi_tensor_same_shape(&kept[0], &kept[1])) return fvi_error_set(err, FV_ERR_SHAPE, "output shape does not fit the input");
    fvi_tensor_coalesce(kept, 3);
    t->kept[0] = kept[0];
    t->kept[1] = kept[1];
    t->kept_index = kept[2];
    t->count = fvi_tensor_count(&kept[0]);
    t->n = x->dim[axis];
    t->k = v->dim[axis];
    t->cap = 2 * t->k + 64;
    if (t->cap > t->n) t->cap = t->n + 1; /* never full: one selection at the end */
    t->in_stride = x->stride[axis];
    t->value_stride = v->stride[axis];
    t->index_stride = ix->stride[axis];
    t->type = x->dtype;
    t->contiguous = t->in_stride == 1;
    t->largest = fvi_node_int(s->node, "largest", 1) != 0;
    fvi_topk_kern_init(&t->kern, s->env->cpu);
    t->scratch = fvi_calloc((size_t)fvi_pool_threads(s->env->pool), (size_t)t->cap * sizeof(candidate));
    if (!t->scratch) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    t->chunks = fvi_chunks_for(2.0 * (double)t->count * (double)t->n, t->count);
    s->run = run;
    s->tactic = "topk";
    return FV_OK;
}
