/* op_reduce.c: ReduceSum, ReduceMean, ReduceMax, ReduceMin, ArgMax; Softmax and TopK have files of their own. Turns a
 * tensor into a smaller one by folding dims. Floats along contiguous memory use kern/reduce and kern/elementwise. */
#include "backend/cpu/fold_dims.h"
#include "backend/cpu/loop.h"
#include "kern/reduce.h"
#include <math.h>
#include <string.h>

typedef enum fold_kind { FOLD_SUM, FOLD_MEAN, FOLD_MAX, FOLD_MIN } fold_kind;
enum { COLUMNS = 256 };

typedef struct reduce_state {
    fvi_fold f;
    fold_kind kind;
    int chunks;
    float (*line)(const float *x, size_t n); /* along contiguous folded elements */
    fvi_binary_fn across;                    /* contiguous kept elements, one folded element at a time */
    void (*element)(const struct reduce_state *r, char *y, const char *x);
    bool last;  /* ArgMax: the last of equals */
    bool least; /* ArgMin */
} reduce_state;

/* ---- one kept element, any type ---- */
#define ELEMENT(T, S, name, lowest, highest)                                                                           \
    static void name(const reduce_state *r, char *yv, const char *xv)                                                  \
    {                                                                                                                  \
        const fvi_tensor *g = &r->f.gone[1];                                                                           \
        const T *x = (const T *)(const void *)xv;                                                                      \
        S sum = 0;                                                                                                     \
        T max = lowest, min = highest;                                                                                 \
        int64_t inner = g->dim[g->rank - 1], stride = g->stride[g->rank - 1];                                          \
        for (int64_t k = 0; k < r->f.size; k += inner) {                                                               \
            const T *p = x + fvi_flat_offset(g, k);                                                                    \
            for (int64_t i = 0; i < inner; i++, p += stride) {                                                         \
                sum += (S)*p;                                                                                          \
                max = *p > max ? *p : max;                                                                             \
                min = *p < min ? *p : min;                                                                             \
            }                                                                                                          \
        }                                                                                                              \
        T *y = (T *)(void *)yv;                                                                                        \
        *y = r->kind == FOLD_SUM ? (T)sum : r->kind == FOLD_MAX ? max : r->kind == FOLD_MIN ? min : r->f.size ? (T)(sum / (S)r->f.size) : (T)0; \
    }
ELEMENT(float, double, element_f32, -INFINITY, INFINITY)
ELEMENT(double, double, element_f64, -(double)INFINITY, (double)INFINITY)
ELEMENT(int8_t, int64_t, element_i8, INT8_MIN, INT8_MAX)
ELEMENT(uint8_t, int64_t, element_u8, 0, UINT8_MAX)
ELEMENT(int32_t, int64_t, element_i32, INT32_MIN, INT32_MAX)
ELEMENT(uint32_t, uint64_t, element_u32, 0, UINT32_MAX)
ELEMENT(uint64_t, uint64_t, element_u64, 0, UINT64_MAX)

/* 64-bit sums wrap: kept unsigned */
static void element_i64(const reduce_state *r, char *yv, const char *xv)
{
    const fvi_tensor *g = &r->f.gone[1];
    const int64_t *x = (const int64_t *)(const void *)xv;
    uint64_t sum = 0;
    int64_t max = INT64_MIN, min = INT64_MAX, y;
    for (int64_t k = 0; k < r->f.size; k++) {
        int64_t v = x[fvi_flat_offset(g, k)];
        sum += (uint64_t)v;
        max = v > max ? v : max;
        min = v < min ? v : min;
    }
    y = r->kind == FOLD_MAX ? max : r->kind == FOLD_MIN ? min : r->kind == FOLD_SUM ? (int64_t)sum : r->f.size ? (int64_t)sum / r->f.size : 0;
    memcpy(yv, &y, sizeof y);
}

/* The first (or last) largest, or smallest; NaN counts as either. */
#define ARGMAX(T, name)                                                                                                \
    static void name(const reduce_state *r, char *yv, const char *xv)                                                  \
    {                                                                                                                  \
        const fvi_tensor *g = &r->f.gone[1];                                                                           \
        const T *x = (const T *)(const void *)xv;                                                                      \
        int64_t best = 0;                                                                                              \
        T top = x[0];                                                                                                  \
        for (int64_t k = 1; k < r->f.size; k++) {                                                                      \
            T v = x[k * g->stride[0]];                                                                                 \
            if ((r->least ? v < top : v > top) || (r->last && v == top) || (v != v && top == top)) {                   \
                best = k;                                                                                              \
                top = v;                                                                                               \
            }                                                                                                          \
        }                                                                                                              \
        memcpy(yv, &best, sizeof best);                                                                                \
    }
ARGMAX(float, argmax_f32)
ARGMAX(double, argmax_f64)
ARGMAX(int8_t, argmax_i8)
ARGMAX(uint8_t, argmax_u8)
ARGMAX(int32_t, argmax_i32)
ARGMAX(int64_t, argmax_i64)

/* ---- floats ---- */
static float finish(const reduce_state *r, float v) { return r->kind == FOLD_MEAN ? v / (float)r->f.size : v; }

static void line_element(const reduce_state *r, char *y, const char *xv)
{
    const fvi_tensor *g = &r->f.gone[1];
    const float *x = (const float *)(const void *)xv;
    int64_t inner = g->dim[g->rank - 1];
    float v = r->line(x, (size_t)inner);
    for (int64_t k = inner; k < r->f.size; k += inner) {
        float w = r->line(x + fvi_flat_offset(g, k), (size_t)inner);
        v = r->kind == FOLD_MAX ? (w > v ? w : v) : r->kind == FOLD_MIN ? (w < v ? w : v) : v + w;
    }
    v = finish(r, v);
    memcpy(y, &v, sizeof v);
}

/* Kept elements [lo, hi) that are contiguous in the input. */
static void columns(const reduce_state *r, int64_t lo, int64_t hi)
{
    const fvi_tensor *y = &r->f.kept[0], *x = &r->f.kept[1], *g = &r->f.gone[1];
    float acc[COLUMNS];
    int64_t inner = y->dim[y->rank - 1], step = y->stride[y->rank - 1], folded = g->dim[g->rank - 1];
    while (lo < hi) {
        int64_t room = inner - lo % inner, n = hi - lo;
        n = n < room ? n : room;
        n = n < COLUMNS ? n : COLUMNS;
        const float *src = (const float *)(const void *)x->data + fvi_flat_offset(x, lo);
        float *d = (float *)(void *)y->data + fvi_flat_offset(y, lo);
        memcpy(acc, src, (size_t)n * sizeof *acc);
        for (int64_t k = 0; k < r->f.size; k += folded) {
            const float *p = src + fvi_flat_offset(g, k);
            for (int64_t i = 0; i < folded; i++, p += g->stride[g->rank - 1])
                if (k + i > 0) r->across(acc, acc, p, (size_t)n);
        }
        for (int64_t i = 0; i < n; i++) d[i * step] = finish(r, acc[i]);
        lo += n;
    }
}

static void chunk(void *arg, int c, int thread)
{
    const reduce_state *r = arg;
    int64_t lo = r->f.count * c / r->chunks, hi = r->f.count * (c + 1) / r->chunks;
    const fvi_tensor *y = &r->f.kept[0], *x = &r->f.kept[1];
    int64_t ys = (int64_t)fv_dtype_size(y->dtype), xs = (int64_t)fv_dtype_size(x->dtype);
    (void)thread;
    if (r->across)
        columns(r, lo, hi);
    else
        for (int64_t i = lo; i < hi; i++) r->element(r, y->data + fvi_flat_offset(y, i) * ys, x->data + fvi_flat_offset(x, i) * xs);
}

static void run(fvi_step *s)
{
    reduce_state *r = s->state;
    if (r->chunks == 1)
        chunk(r, 0, 0);
    else
        fvi_pool_run(s->env->pool, chunk, r, r->chunks);
}

/* ---- prepare ---- */
enum {
    TYPES = FVI_TYPES_FLOAT | FVI_TYPE_BIT(FV_I8) | FVI_TYPE_BIT(FV_U8) | FVI_TYPE_BIT(FV_I32) | FVI_TYPE_BIT(FV_U32) | FVI_TYPE_BIT(FV_I64) | FVI_TYPE_BIT(FV_U64),
    ARG_TYPES = FVI_TYPES_FLOAT | FVI_TYPE_BIT(FV_I8) | FVI_TYPE_BIT(FV_U8) | FVI_TYPE_BIT(FV_I32) | FVI_TYPE_BIT(FV_I64)
};

/* The largest of bools is any of them, the smallest all of them. */
static unsigned fold_types(const fvi_node *n)
{
    return n->op == FVI_OP_REDUCE_MAX || n->op == FVI_OP_REDUCE_MIN ? TYPES | FVI_TYPE_BIT(FV_BOOL) : (unsigned)TYPES;
}

static void choose_floats(const fvi_step *s, reduce_state *r)
{
    const fvi_tensor *g = &r->f.gone[1], *x = &r->f.kept[1];
    fvi_reduce k;
    fvi_elementwise e;
    fvi_reduce_init(&k, s->env->cpu);
    fvi_elementwise_init(&e, s->env->cpu);
    if (r->f.size == 0 || r->f.count == 0) return;
    if (x->stride[x->rank - 1] == 1 && x->dim[x->rank - 1] >= 8) {
        r->across = e.binary[r->kind == FOLD_MAX ? FVI_BINARY_MAX : r->kind == FOLD_MIN ? FVI_BINARY_MIN : FVI_BINARY_ADD];
    } else if (g->stride[g->rank - 1] == 1) {
        r->line = r->kind == FOLD_MAX ? k.max : r->kind == FOLD_MIN ? k.min : k.sum;
        r->element = line_element;
    }
}

static fv_status prepare_fold(fvi_step *s, uint32_t axes, fold_kind kind, fv_error *err)
{
    fv_dtype t = s->in[0].dtype;
    FVI_TRY(fvi_cpu_need_type(t, fold_types(s->node), err));
    FVI_TRY(fvi_cpu_new_state(s, sizeof(reduce_state), err));
    reduce_state *r = s->state;
    FVI_TRY(fvi_fold_dims(&r->f, &s->out[0], &s->in[0], axes, true, err));
    if (t == FV_BOOL && r->f.size == 0) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "bools of which there are none");
    r->kind = kind;
    switch (t) {
    case FV_F32: r->element = element_f32; break;
    case FV_F64: r->element = element_f64; break;
    case FV_I8: r->element = element_i8; break;
    case FV_U8:
    case FV_BOOL: r->element = element_u8; break;
    case FV_I32: r->element = element_i32; break;
    case FV_U32: r->element = element_u32; break;
    case FV_I64: r->element = element_i64; break;
    default: r->element = element_u64; break;
    }
    if (t == FV_F32) choose_floats(s, r);
    bool fast = r->across || r->line;
    double per = fast ? 0.15 : 1.5;
    r->chunks = fvi_chunks_for(per * (double)r->f.count * (double)r->f.size, r->across ? (r->f.count + 63) / 64 : r->f.count);
    s->run = run;
    s->tactic = r->across ? "reduce across" : r->line ? "reduce along" : "reduce plain";
    s->flops = kind == FOLD_SUM || kind == FOLD_MEAN ? (double)r->f.count * (double)r->f.size : 0;
    return FV_OK;
}

fv_status fvi_cpu_prepare_mean(fvi_step *s, uint32_t axes, fv_error *err) { return prepare_fold(s, axes, FOLD_MEAN, err); }

/* Axes are an attribute in older opsets, an input in newer ones; none means all, or nothing at all when the node says so. */
static fv_status prepare_reduce(fvi_step *s, fv_error *err)
{
    int64_t axes[FV_MAX_RANK];
    int rank = s->in[0].rank, n = fvi_cpu_ints(s, 1, "axes", axes, FV_MAX_RANK);
    uint32_t mask = 0;
    if (n < 0) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "axes must be constant integers");
    for (int i = 0; i < n; i++) {
        if (!fvi_cpu_axis(&axes[i], rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis %lld is out of range", (long long)axes[i]);
        mask |= 1u << axes[i];
    }
    if (n == 0 && fvi_node_int(s->node, "noop_with_empty_axes", 0)) return fvi_cpu_prepare_copy(s, err);
    if (n == 0) mask = (1u << rank) - 1;
    fvi_op op = s->node->op;
    return prepare_fold(s, mask, op == FVI_OP_REDUCE_SUM ? FOLD_SUM : op == FVI_OP_REDUCE_MEAN ? FOLD_MEAN : op == FVI_OP_REDUCE_MAX ? FOLD_MAX : FOLD_MIN, err);
}

/* GlobalMaxPool: over all dims but the first two. */
static fv_status prepare_global_max(fvi_step *s, fv_error *err)
{
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPE_BIT(FV_F32), err));
    return prepare_fold(s, ((1u << s->in[0].rank) - 1) & ~3u, FOLD_MAX, err);
}

static fv_status prepare_argmax(fvi_step *s, fv_error *err)
{
    fv_dtype t = s->in[0].dtype;
    int64_t axis = fvi_node_int(s->node, "axis", 0);
    FVI_TRY(fvi_cpu_need_type(t, ARG_TYPES, err));
    if (!fvi_cpu_axis(&axis, s->in[0].rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis is out of range");
    if (s->in[0].dim[axis] < 1) return fvi_error_set(err, FV_ERR_SHAPE, "an empty axis has no largest or smallest element");
    if (s->out[0].dtype != FV_I64) return fvi_error_set(err, FV_ERR_MODEL, "the output must be int64");
    FVI_TRY(fvi_cpu_new_state(s, sizeof(reduce_state), err));
    reduce_state *r = s->state;
    FVI_TRY(fvi_fold_dims(&r->f, &s->out[0], &s->in[0], 1u << axis, true, err));
    r->least = s->node->op == FVI_OP_ARGMIN;
    r->last = fvi_node_int(s->node, "select_last_index", 0) != 0;
    r->element = t == FV_F32 ? argmax_f32 : t == FV_F64 ? argmax_f64 : t == FV_I8 ? argmax_i8 : t == FV_U8 ? argmax_u8 : t == FV_I32 ? argmax_i32 : argmax_i64;
    r->chunks = fvi_chunks_for(1.0 * (double)r->f.count * (double)r->f.size, r->f.count);
    s->run = run;
    s->tactic = r->least ? "argmin" : "argmax";
    return FV_OK;
}

static const char *refuse_fold(const fvi_node *n) { return fvi_cpu_refuse_type(n->in[0]->dtype, fold_types(n)); }
static const char *refuse_arg(const fvi_node *n) { return fvi_cpu_refuse_type(n->in[0]->dtype, ARG_TYPES); }
static const char *refuse_softmax(const fvi_node *n) { return fvi_cpu_refuse_type(n->in[0]->dtype, FVI_TYPES_FLOAT); }
static const char *refuse_softmax_mean(const fvi_node *n) { return fvi_cpu_refuse_type(n->in[0]->dtype, FVI_TYPE_BIT(FV_F32)); }

const fvi_cpu_op fvi_cpu_reduce_ops[] = {
    {FVI_OP_REDUCE_SUM, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, refuse_fold, NULL, prepare_reduce},
    {FVI_OP_REDUCE_MEAN, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, refuse_fold, NULL, prepare_reduce},
    {FVI_OP_REDUCE_MAX, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, refuse_fold, NULL, prepare_reduce},
    {FVI_OP_REDUCE_MIN, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, refuse_fold, NULL, prepare_reduce},
    {FVI_OP_ARGMAX, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, refuse_arg, NULL, prepare_argmax},
    {FVI_OP_ARGMIN, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, refuse_arg, NULL, prepare_argmax},
    {FVI_OP_GLOBAL_MAX_POOL, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, refuse_fold, NULL, prepare_global_max},
    {FVI_OP_SOFTMAX_MEAN, FVI_LAYOUT_ANY, FVI_LAYOUT_DENSE, false, refuse_softmax_mean, NULL, fvi_cpu_prepare_softmax_mean},
    {FVI_OP_SOFTMAX, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, true, refuse_softmax, NULL, fvi_cpu_prepare_softmax},
    {FVI_OP_TOPK, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, NULL, NULL, fvi_cpu_prepare_topk},
    {FVI_OP_NONE},
};
