/* op_reduce_sums.c: the reductions that no fast model has in its path: products, norms, logarithms of sums. Turns a tensor
 * into a smaller one, one output element at a time, floats in double, integers in 64 bits that wrap as the type does. */
#include "backend/cpu/fold_dims.h"
#include "backend/cpu/loop.h"
#include <math.h>
#include <string.h>

typedef struct sums_state {
    fvi_fold f;
    fvi_op op;
    int chunks;
    void (*element)(const struct sums_state *r, char *y, const char *x);
} sums_state;

static double finish(fvi_op op, double sum, double max)
{
    switch (op) {
    case FVI_OP_REDUCE_L2: return sqrt(sum);
    case FVI_OP_REDUCE_LOG_SUM: return log(sum);
    case FVI_OP_REDUCE_LOG_SUM_EXP: return isinf(max) ? max : max + log(sum);
    default: return sum;
    }
}

static double term(fvi_op op, double sum, double v, double max)
{
    switch (op) {
    case FVI_OP_REDUCE_PROD: return sum * v;
    case FVI_OP_REDUCE_L1: return sum + fabs(v);
    case FVI_OP_REDUCE_L2:
    case FVI_OP_REDUCE_SUM_SQUARE: return sum + v * v;
    case FVI_OP_REDUCE_LOG_SUM_EXP: return sum + exp(v - max);
    default: return sum + v;
    }
}

static void element_f32(const sums_state *r, char *yv, const char *xv)
{
    const fvi_tensor *g = &r->f.gone[1];
    const float *x = (const float *)(const void *)xv;
    double sum = r->op == FVI_OP_REDUCE_PROD ? 1 : 0, max = -(double)INFINITY;
    if (r->op == FVI_OP_REDUCE_LOG_SUM_EXP)
        for (int64_t k = 0; k < r->f.size; k++) max = fmax(max, (double)x[fvi_flat_offset(g, k)]);
    for (int64_t k = 0; k < r->f.size; k++) sum = term(r->op, sum, (double)x[fvi_flat_offset(g, k)], max);
    float y = (float)finish(r->op, sum, max);
    memcpy(yv, &y, sizeof y);
}

#define ELEMENT(T, name)                                                                                               \
    static void name(const sums_state *r, char *yv, const char *xv)                                                    \
    {                                                                                                                  \
        const fvi_tensor *g = &r->f.gone[1];                                                                           \
        const T *x = (const T *)(const void *)xv;                                                                      \
        uint64_t sum = r->op == FVI_OP_REDUCE_PROD ? 1 : 0;                                                            \
        for (int64_t k = 0; k < r->f.size; k++) {                                                                      \
            T s = x[fvi_flat_offset(g, k)];                                                                            \
            uint64_t v = (uint64_t)s;                                                                                  \
            switch (r->op) {                                                                                           \
            case FVI_OP_REDUCE_PROD: sum *= v; break;                                                                  \
            case FVI_OP_REDUCE_L1: sum += s < 0 ? 0 - v : v; break;                                                    \
            default: sum += v * v; break;                                                                              \
            }                                                                                                          \
        }                                                                                                              \
        T y = (T)sum;                                                                                                  \
        memcpy(yv, &y, sizeof y);                                                                                      \
    }
#pragma GCC diagnostic ignored "-Wtype-limits" /* one text for signed and unsigned */
ELEMENT(int32_t, element_i32)
ELEMENT(int64_t, element_i64)
ELEMENT(uint32_t, element_u32)
ELEMENT(uint64_t, element_u64)

static void chunk(void *arg, int c, int thread)
{
    const sums_state *r = arg;
    const fvi_tensor *y = &r->f.kept[0], *x = &r->f.kept[1];
    int64_t es = (int64_t)fv_dtype_size(x->dtype);
    (void)thread;
    for (int64_t i = r->f.count * c / r->chunks; i < r->f.count * (c + 1) / r->chunks; i++)
        r->element(r, y->data + fvi_flat_offset(y, i) * es, x->data + fvi_flat_offset(x, i) * es);
}

static void run(fvi_step *s)
{
    sums_state *r = s->state;
    if (r->chunks == 1)
        chunk(r, 0, 0);
    else
        fvi_pool_run(s->env->pool, chunk, r, r->chunks);
}

/* Roots and logarithms of integers are left to float. */
static unsigned types_of(fvi_op op)
{
    bool whole = op == FVI_OP_REDUCE_PROD || op == FVI_OP_REDUCE_L1 || op == FVI_OP_REDUCE_SUM_SQUARE;
    unsigned ints = FVI_TYPE_BIT(FV_I32) | FVI_TYPE_BIT(FV_U32) | FVI_TYPE_BIT(FV_I64) | FVI_TYPE_BIT(FV_U64);
    return FVI_TYPE_BIT(FV_F32) | (whole ? ints : 0);
}

static fv_status prepare(fvi_step *s, fv_error *err)
{
    int64_t axes[FV_MAX_RANK];
    int rank = s->in[0].rank, n = fvi_cpu_ints(s, 1, "axes", axes, FV_MAX_RANK);
    fv_dtype t = s->in[0].dtype;
    uint32_t mask = 0;
    FVI_TRY(fvi_cpu_need_type(t, types_of(s->node->op), err));
    if (n < 0) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "axes must be constant integers");
    for (int i = 0; i < n; i++) {
        if (!fvi_cpu_axis(&axes[i], rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis %lld is out of range", (long long)axes[i]);
        mask |= 1u << axes[i];
    }
    bool none = n == 0 && fvi_node_int(s->node, "noop_with_empty_axes", 0) != 0;
    /* a product of one element is the element; for the others versions of the standard differ */
    if (none && s->node->op != FVI_OP_REDUCE_PROD) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "noop_with_empty_axes without axes");
    if (n == 0 && !none) mask = (1u << rank) - 1;
    FVI_TRY(fvi_cpu_new_state(s, sizeof(sums_state), err));
    sums_state *r = s->state;
    FVI_TRY(fvi_fold_dims(&r->f, &s->out[0], &s->in[0], mask, true, err));
    r->op = s->node->op;
    r->element = t == FV_F32 ? element_f32 : t == FV_I32 ? element_i32 : t == FV_I64 ? element_i64 : t == FV_U32 ? element_u32 : element_u64;
    r->chunks = fvi_chunks_for((r->op == FVI_OP_REDUCE_LOG_SUM_EXP ? 15.0 : 3.0) * (double)r->f.count * (double)r->f.size, r->f.count);
    s->run = run;
    s->tactic = "reduce plain";
    return FV_OK;
}

static const char *refuse(const fvi_node *n) { return fvi_cpu_refuse_type(n->in[0]->dtype, types_of(n->op)); }

#define OP(id) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, refuse, NULL, prepare}
const fvi_cpu_op fvi_cpu_reduce_sums_ops[] = {
    OP(REDUCE_PROD), OP(REDUCE_L1), OP(REDUCE_L2), OP(REDUCE_SUM_SQUARE), OP(REDUCE_LOG_SUM), OP(REDUCE_LOG_SUM_EXP), {FVI_OP_NONE},
};
