/* op_einsum.c: Einsum: two float inputs go to the blocked matrix product where labels allow it; everything else is a plain
 * sum over the labels that the result lacks. */
#include "backend/cpu/gemm.h"
#include "backend/cpu/loop.h"
#include "base/checked.h"
#include "model/graph/einsum.h"
#include <string.h>

typedef struct sum_state {
    int n_in, n_out, n_sum;
    int64_t out_dim[FV_MAX_RANK], sum_dim[FVI_EINSUM_LABELS], count, terms;
    int64_t out_stride[FVI_EINSUM_INPUTS][FV_MAX_RANK], sum_stride[FVI_EINSUM_INPUTS][FVI_EINSUM_LABELS];
    int chunks;
} sum_state;

#define SUMS(T, S, name)                                                                                               \
    static void name(const fvi_step *s, const sum_state *t, int64_t f)                                                 \
    {                                                                                                                  \
        int64_t base[FVI_EINSUM_INPUTS] = {0}, to = 0, rest = f;                                                       \
        S sum = 0;                                                                                                     \
        for (int k = t->n_out - 1; k >= 0; k--) {                                                                      \
            int64_t p = rest % t->out_dim[k];                                                                          \
            rest /= t->out_dim[k];                                                                                     \
            to += p * s->out[0].stride[k];                                                                             \
            for (int i = 0; i < t->n_in; i++) base[i] += p * t->out_stride[i][k];                                      \
        }                                                                                                              \
        for (int64_t m = 0; m < t->terms; m++) {                                                                       \
            int64_t off[FVI_EINSUM_INPUTS];                                                                            \
            memcpy(off, base, sizeof off);                                                                             \
            rest = m;                                                                                                  \
            for (int k = t->n_sum - 1; k >= 0; k--) {                                                                  \
                int64_t p = rest % t->sum_dim[k];                                                                      \
                rest /= t->sum_dim[k];                                                                                 \
                for (int i = 0; i < t->n_in; i++) off[i] += p * t->sum_stride[i][k];                                   \
            }                                                                                                          \
            S term = 1;                                                                                                \
            for (int i = 0; i < t->n_in; i++) term *= (S)((const T *)(const void *)s->in[i].data)[off[i]];             \
            sum += term;                                                                                               \
        }                                                                                                              \
        ((T *)(void *)s->out[0].data)[to] = (T)sum;                                                                    \
    }
SUMS(float, double, sums_f32)
SUMS(int32_t, uint64_t, sums_i32)
SUMS(int64_t, uint64_t, sums_i64)

static void chunk(void *arg, int c, int thread)
{
    const fvi_step *s = arg;
    const sum_state *t = s->state;
    fv_dtype type = s->out[0].dtype;
    (void)thread;
    for (int64_t f = t->count * c / t->chunks; f < t->count * (c + 1) / t->chunks; f++) (type == FV_F32 ? sums_f32 : type == FV_I32 ? sums_i32 : sums_i64)(s, t, f);
}
static void run(fvi_step *s) { fvi_pool_run(s->env->pool, chunk, s, ((sum_state *)s->state)->chunks); }

/* Stride of a label in an input: repeated ones (a diagonal) add up; a dim of 1 is repeated. */
static int64_t stride_of(const fvi_tensor *x, const fvi_einsum *e, int input, int label)
{
    int64_t s = 0;
    for (int k = 0; k < e->rank[input]; k++)
        if (e->label[input][k] == label && x->dim[k] > 1) s += x->stride[k];
    return s;
}

static bool has(const fvi_einsum *e, int input, int label)
{
    for (int k = 0; k < e->rank[input]; k++)
        if (e->label[input][k] == label) return true;
    return false;
}

static void label_sizes(const fvi_step *s, const fvi_einsum *e, int64_t *size)
{
    for (int l = 0; l < FVI_EINSUM_LABELS; l++) size[l] = 0;
    for (int i = 0; i < e->n_in; i++)
        for (int k = 0; k < e->rank[i]; k++)
            if (size[e->label[i][k]] <= 1) size[e->label[i][k]] = s->in[i].dim[k];
}

/* Batch labels, then one of rows, one of columns; one summed. More rows or columns count as batch. */
static bool as_product(const fvi_step *s, const fvi_einsum *e, const int64_t *size, fvi_gemm_task *t)
{
    int sum = -1, row = -1, column = -1, out = e->n_in;
    if (e->n_in != 2 || s->out[0].dtype != FV_F32 || e->rank[out] < 1) return false;
    for (int l = 0; l < FVI_EINSUM_LABELS; l++) {
        bool a = has(e, 0, l), b = has(e, 1, l), o = has(e, out, l);
        if (!a && !b) continue;
        if (!o && (!a || !b || sum >= 0)) return false;
        if (!o) sum = l;
        if (o && a && !b && (row < 0 || size[l] > size[row])) row = l;
        if (o && b && !a && (column < 0 || size[l] > size[column])) column = l;
    }
    if (sum < 0 || (row < 0 && column < 0) || e->rank[out] + (row < 0) + (column < 0) > FV_MAX_RANK) return false;
    *t = (fvi_gemm_task){.alpha = 1, .a = {.dtype = FV_F32, .data = s->in[0].data}, .b = {.dtype = FV_F32, .data = s->in[1].data}, .c = {.dtype = FV_F32, .data = s->out[0].data}};
    int n = 0;
    for (int k = 0; k < e->rank[out]; k++) {
        int l = e->label[out][k];
        if (l == row || l == column) continue;
        t->a.dim[n] = t->b.dim[n] = t->c.dim[n] = size[l];
        t->a.stride[n] = stride_of(&s->in[0], e, 0, l);
        t->b.stride[n] = stride_of(&s->in[1], e, 1, l);
        t->c.stride[n++] = s->out[0].stride[k];
    }
    int64_t rs = 0, cs = 0;
    for (int k = 0; k < e->rank[out]; k++) {
        if (e->label[out][k] == row) rs = s->out[0].stride[k];
        if (e->label[out][k] == column) cs = s->out[0].stride[k];
    }
    int64_t rows = row < 0 ? 1 : size[row], columns = column < 0 ? 1 : size[column];
    fvi_tensor *x[3] = {&t->a, &t->b, &t->c};
    int64_t dims[3][2] = {{rows, size[sum]}, {size[sum], columns}, {rows, columns}};
    int64_t strides[3][2] = {{row < 0 ? 0 : stride_of(&s->in[0], e, 0, row), stride_of(&s->in[0], e, 0, sum)}, {stride_of(&s->in[1], e, 1, sum), column < 0 ? 0 : stride_of(&s->in[1], e, 1, column)}, {rs, cs}};
    for (int i = 0; i < 3; i++) {
        x[i]->rank = n + 2;
        for (int k = 0; k < 2; k++) x[i]->dim[n + k] = dims[i][k], x[i]->stride[n + k] = strides[i][k];
    }
    t->b_const = s->in_const[1];
    t->a_const = s->in_const[0];
    return true;
}

enum { TYPES = FVI_TYPE_BIT(FV_F32) | FVI_TYPE_BIT(FV_I32) | FVI_TYPE_BIT(FV_I64) };

static fv_status prepare(fvi_step *s, fv_error *err)
{
    fvi_einsum e;
    fvi_gemm_task task;
    int64_t size[FVI_EINSUM_LABELS];
    FVI_TRY(fvi_cpu_need_type(s->out[0].dtype, TYPES, err));
    const char *why = fvi_einsum_parse(s->node, &e);
    if (why) return fvi_error_set(err, FV_ERR_MODEL, "its equation has %s", why);
    for (int i = 0; i < s->n_in; i++)
        if (s->in[i].dtype != s->out[0].dtype || s->in[i].rank != e.rank[i]) return fvi_error_set(err, FV_ERR_MODEL, "its inputs do not fit its equation");
    if (s->out[0].rank != e.rank[e.n_in]) return fvi_error_set(err, FV_ERR_SHAPE, "its output does not fit its equation");
    label_sizes(s, &e, size);
    if (as_product(s, &e, size, &task)) return fvi_gemm_prepare(s, &task, err);
    FVI_TRY(fvi_cpu_new_state(s, sizeof(sum_state), err));
    sum_state *t = s->state;
    t->n_in = e.n_in;
    t->n_out = e.rank[e.n_in];
    t->count = t->terms = 1;
    for (int k = 0; k < t->n_out; k++) {
        t->out_dim[k] = size[e.label[e.n_in][k]];
        t->count *= t->out_dim[k];
        for (int i = 0; i < t->n_in; i++) t->out_stride[i][k] = stride_of(&s->in[i], &e, i, e.label[e.n_in][k]);
    }
    for (int l = 0; l < FVI_EINSUM_LABELS; l++) {
        bool used = false;
        for (int i = 0; i < t->n_in; i++) used = used || has(&e, i, l);
        if (!used || has(&e, e.n_in, l)) continue;
        t->sum_dim[t->n_sum] = size[l];
        if (!fvi_mul_i64(t->terms, size[l], &t->terms) || t->terms > INT64_C(1) << 40) return fvi_error_set(err, FV_ERR_LIMIT, "its sums are too long");
        for (int i = 0; i < t->n_in; i++) t->sum_stride[i][t->n_sum] = stride_of(&s->in[i], &e, i, l);
        t->n_sum++;
    }
    t->chunks = fvi_chunks_for(3.0 * (double)t->count * (double)t->terms, t->count);
    s->run = run;
    s->tactic = "einsum plain";
    s->flops = 2.0 * (double)t->count * (double)t->terms;
    return FV_OK;
}

static const char *refuse(const fvi_node *n) { return fvi_cpu_refuse_type(n->in[0]->dtype, TYPES); }

const fvi_cpu_op fvi_cpu_einsum_ops[] = {
    {FVI_OP_EINSUM, FVI_LAYOUT_ANY, FVI_LAYOUT_DENSE, false, refuse, NULL, prepare},
    {FVI_OP_NONE},
};
