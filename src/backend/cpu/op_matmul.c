/* op_matmul.c: MatMul and Gemm. Floats go to the blocked product of gemm.c; the other types that ONNX allows take a plain
 * loop (shape arithmetic, constant folding). */
#include "backend/cpu/gemm.h"
#include "backend/cpu/loop.h"
#include <string.h>

/* A vector becomes a matrix: of one row on the left, of one column on the right. */
static void as_matrix(fvi_tensor *t, bool left)
{
    if (t->rank != 1) return;
    t->rank = 2;
    if (left) {
        t->dim[1] = t->dim[0];
        t->stride[1] = t->stride[0];
        t->dim[0] = 1;
        t->stride[0] = 0;
    } else {
        t->dim[1] = 1;
        t->stride[1] = 0;
    }
}

/* Gives back the dims of 1 that the output of a product with vectors lacks. */
static bool restore_dims(fvi_tensor *c, bool row, bool column)
{
    if (c->rank + row + column > FV_MAX_RANK) return false;
    fvi_tensor o = *c;
    int n = c->rank;
    if (row) { /* before the last one, if that is a column index */
        int at = column ? n : n - 1;
        for (int i = n; i > at; i--) {
            o.dim[i] = o.dim[i - 1];
            o.stride[i] = o.stride[i - 1];
        }
        o.dim[at] = 1;
        o.stride[at] = 0;
        n++;
    }
    if (column) {
        o.dim[n] = 1;
        o.stride[n++] = 0;
    }
    o.rank = n;
    *c = o;
    return n >= 2;
}

static fv_status matmul_task(const fvi_step *s, fvi_gemm_task *t, fv_error *err)
{
    memset(t, 0, sizeof *t);
    t->a = s->in[0];
    t->b = s->in[1];
    t->c = s->out[0];
    t->residual = s->residual;
    bool row = t->a.rank == 1, column = t->b.rank == 1;
    as_matrix(&t->a, true);
    as_matrix(&t->b, false);
    if (t->a.rank < 2 || t->b.rank < 2) return fvi_error_set(err, FV_ERR_SHAPE, "a scalar has no matrix product");
    if (!restore_dims(&t->c, row, column) || (t->residual.dtype != FV_NONE && !restore_dims(&t->residual, row, column)))
        return fvi_error_set(err, FV_ERR_SHAPE, "output rank does not fit the inputs");
    int r = t->c.rank;
    int64_t m = t->a.dim[t->a.rank - 2], k = t->a.dim[t->a.rank - 1], n = t->b.dim[t->b.rank - 1];
    if (t->b.dim[t->b.rank - 2] != k || t->c.dim[r - 2] != m || t->c.dim[r - 1] != n)
        return fvi_error_set(err, FV_ERR_SHAPE, "[%lld,%lld] by [%lld,%lld] does not give the output shape", (long long)m, (long long)k, (long long)t->b.dim[t->b.rank - 2], (long long)n);
    int64_t da[FV_MAX_RANK], db[FV_MAX_RANK];
    memcpy(da, t->c.dim, sizeof da);
    memcpy(db, t->c.dim, sizeof db);
    da[r - 1] = db[r - 2] = k;
    fvi_tensor a, b;
    if (!fvi_tensor_broadcast(&a, &t->a, r, da) || !fvi_tensor_broadcast(&b, &t->b, r, db)) return fvi_error_set(err, FV_ERR_SHAPE, "batch dimensions do not broadcast");
    t->a = a;
    t->b = b;
    t->alpha = 1;
    return FV_OK;
}

static fv_status gemm_task(const fvi_step *s, fvi_gemm_task *t, fv_error *err)
{
    memset(t, 0, sizeof *t);
    t->a = s->in[0];
    t->b = s->in[1];
    t->c = s->out[0];
    t->residual = s->residual;
    if (t->a.rank != 2 || t->b.rank != 2 || t->c.rank != 2) return fvi_error_set(err, FV_ERR_SHAPE, "Gemm takes matrices");
    if (fvi_node_int(s->node, "transA", 0)) fvi_tensor_transpose(&t->a, &s->in[0], (int[]){1, 0});
    if (fvi_node_int(s->node, "transB", 0)) fvi_tensor_transpose(&t->b, &s->in[1], (int[]){1, 0});
    t->alpha = fvi_node_float(s->node, "alpha", 1);
    t->beta = fvi_node_float(s->node, "beta", 1);
    if (t->a.dim[1] != t->b.dim[0] || t->c.dim[0] != t->a.dim[0] || t->c.dim[1] != t->b.dim[1]) return fvi_error_set(err, FV_ERR_SHAPE, "matrix shapes do not fit");
    if (fvi_cpu_has_input(s, 2) && t->beta != 0 && !fvi_tensor_broadcast(&t->bias, &s->in[2], 2, t->c.dim))
        return fvi_error_set(err, FV_ERR_SHAPE, "input C does not broadcast to the output shape");
    return FV_OK;
}

/* ---- other types ---- */
typedef struct plain_state {
    fvi_gemm_task t;
    int64_t rows; /* batch * M */
    int chunks;
    void (*row)(const fvi_gemm_task *t, int64_t row);
} plain_state;

static int64_t offset_of_row(const fvi_tensor *t, int64_t row, bool b)
{
    int64_t off = 0, m = row;
    for (int i = t->rank - 2; i >= 0; i--) {
        int64_t dim = t->dim[i];
        off += b && i == t->rank - 2 ? 0 : m % dim * t->stride[i];
        m /= dim;
    }
    return off;
}

/* S: the type sums are kept in; integers wrap, so they are summed unsigned. F: how a factor gets there: a negative float has
 * no unsigned value, so integers go through int64_t. */
#define ROW(T, S, F, name)                                                                                             \
    static void name(const fvi_gemm_task *t, int64_t row)                                                              \
    {                                                                                                                  \
        int r = t->c.rank;                                                                                             \
        int64_t rows_of_b = row / t->c.dim[r - 2] * t->b.dim[r - 2];                                                   \
        const T *a = (const T *)(const void *)t->a.data + offset_of_row(&t->a, row, false);                            \
        const T *b = (const T *)(const void *)t->b.data + offset_of_row(&t->b, rows_of_b, true);                       \
        T *c = (T *)(void *)t->c.data + offset_of_row(&t->c, row, false);                                              \
        for (int64_t j = 0; j < t->c.dim[r - 1]; j++) {                                                                \
            S sum = 0;                                                                                                 \
            for (int64_t k = 0; k < t->a.dim[r - 1]; k++)                                                              \
                sum += (S)a[k * t->a.stride[r - 1]] * (S)b[k * t->b.stride[r - 2] + j * t->b.stride[r - 1]];           \
            sum *= (S)(F)t->alpha;                                                                                     \
            if (t->bias.dtype != FV_NONE)                                                                              \
                sum += (S)(F)t->beta * (S)((const T *)(const void *)t->bias.data)[offset_of_row(&t->bias, row, false) + j * t->bias.stride[r - 1]]; \
            c[j * t->c.stride[r - 1]] = (T)sum;                                                                        \
        }                                                                                                              \
    }
ROW(double, double, double, row_f64)
ROW(int32_t, uint64_t, int64_t, row_i32)
ROW(uint32_t, uint64_t, int64_t, row_u32)
ROW(int64_t, uint64_t, int64_t, row_i64)
ROW(uint64_t, uint64_t, int64_t, row_u64)

static void plain_chunk(void *arg, int c, int thread)
{
    const plain_state *p = arg;
    (void)thread;
    for (int64_t i = p->rows * c / p->chunks; i < p->rows * (c + 1) / p->chunks; i++) p->row(&p->t, i);
}

static void plain_run(fvi_step *s)
{
    plain_state *p = s->state;
    if (p->chunks == 1)
        plain_chunk(p, 0, 0);
    else
        fvi_pool_run(s->env->pool, plain_chunk, p, p->chunks);
}

static bool whole(float f) { return f > -1e6f && f < 1e6f && f == (float)(int32_t)f; }

static fv_status prepare_plain(fvi_step *s, const fvi_gemm_task *t, fv_error *err)
{
    FVI_TRY(fvi_cpu_new_state(s, sizeof(plain_state), err));
    plain_state *p = s->state;
    p->t = *t;
    fv_dtype type = t->c.dtype;
    p->row = type == FV_F64 ? row_f64 : type == FV_I32 ? row_i32 : type == FV_U32 ? row_u32 : type == FV_I64 ? row_i64 : row_u64;
    if (type != FV_F64 && !(whole(t->alpha) && whole(t->beta))) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "fractions as alpha or beta of integers");
    if (t->act != FVI_ACT_NONE || t->residual.dtype != FV_NONE) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "a fused activation or residual of type %s", fv_dtype_name(type));
    int r = t->c.rank;
    p->rows = 1;
    for (int i = 0; i < r - 1; i++) p->rows *= t->c.dim[i];
    p->chunks = fvi_chunks_for((double)p->rows * (double)t->c.dim[r - 1] * (double)t->a.dim[r - 1], p->rows);
    s->run = plain_run;
    s->tactic = "matrix product plain";
    s->flops = 2.0 * (double)p->rows * (double)t->c.dim[r - 1] * (double)t->a.dim[r - 1];
    return FV_OK;
}

enum { TYPES = FVI_TYPES_FLOAT | FVI_TYPE_BIT(FV_I32) | FVI_TYPE_BIT(FV_U32) | FVI_TYPE_BIT(FV_I64) | FVI_TYPE_BIT(FV_U64) };

static fv_status prepare(fvi_step *s, fv_error *err)
{
    fvi_gemm_task t;
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, TYPES, err));
    for (int i = 1; i < s->n_in; i++)
        if (fvi_cpu_has_input(s, i) && s->in[i].dtype != s->in[0].dtype) return fvi_error_set(err, FV_ERR_MODEL, "inputs of different types: %s and %s", fv_dtype_name(s->in[i].dtype), fv_dtype_name(s->in[0].dtype));
    FVI_TRY(s->node->op == FVI_OP_GEMM ? gemm_task(s, &t, err) : matmul_task(s, &t, err));
    t.a_const = s->in_const[0];
    t.b_const = s->in_const[1];
    t.keeps = true;
    t.act = s->node->act;
    t.act_alpha = s->node->act_alpha;
    t.act_beta = s->node->act_beta;
    if (s->in[0].dtype == FV_F32) return fvi_gemm_prepare(s, &t, err);
    for (int i = 0; i < 2; i++)
        if (!s->in[i].data && fvi_tensor_count(&s->in[i])) return fvi_error_set(err, FV_ERR_MODEL, "a matrix whose bytes are not there");
    return prepare_plain(s, &t, err);
}

static const char *refuse(const fvi_node *n) { return fvi_cpu_refuse_type(n->in[0]->dtype, TYPES); }

const fvi_cpu_op fvi_cpu_matmul_ops[] = {
    {.op = FVI_OP_MATMUL, .unsupported = refuse, .prepare = prepare, .packs = 3},
    {.op = FVI_OP_GEMM, .unsupported = refuse, .prepare = prepare, .packs = 3},
    {FVI_OP_NONE},
};
