/* op_matmul_int.c: MatMulInteger and QLinearMatMul on the float matrix product: bytes minus their zero points are exact
 * there, in parts of the inner dimension (int_parts.h). Turns byte matrices into floats, multiplies part by part, and
 * adds, stores or scales the whole numbers. */
#include "backend/cpu/gemm.h"
#include "backend/cpu/int_parts.h"
#include "backend/cpu/loop.h"
#include "base/checked.h"
#include <math.h>
#include <string.h>

typedef struct mm_state {
    fvi_tensor a, b, y;   /* as given; y over broadcast batches */
    float *fa, *fb, *sum; /* dense floats of a, b and one part of y */
    int32_t *total;
    fvi_step *parts; /* matrix products */
    int n_parts;
    bool scaled, b_once;
    fvi_tensor a_zero, b_zero, a_scale, b_scale, y_scale, y_zero;
    int load_chunks, store_chunks;
    bool load_b; /* which of the two load_chunk converts */
} mm_state;

/* Row (or column) parameters: one value, or one a row of the matrix (any leading dims of 1, or [.., rows, 1]). */
static float param(const fvi_tensor *t, int64_t matrix, int64_t i, int64_t size, int64_t matrices)
{
    int64_t n = t->dtype == FV_NONE ? 1 : fvi_tensor_count(t);
    if (n == 1) return t->dtype == FV_NONE ? 0 : fvi_int_at(t, 0);
    fvi_tensor flat = *t;
    flat.rank = 1;
    flat.stride[0] = 1;
    flat.dim[0] = n;
    return fvi_int_at(&flat, n == size * matrices && matrices > 1 ? matrix * size + i : i);
}

static bool param_fits(const fvi_tensor *t, int64_t size, int64_t matrices)
{
    if (t->dtype == FV_NONE) return true;
    int64_t n = fvi_tensor_count(t);
    return n == 1 || ((n == size || n == size * matrices) && fvi_tensor_is_dense(t));
}

static int64_t matrices_of(const fvi_tensor *t)
{
    int64_t n = 1;
    for (int i = 0; i < t->rank - 2; i++) n *= t->dim[i];
    return n;
}

static int64_t matrix_offset(const fvi_tensor *t, int64_t m)
{
    int64_t off = 0;
    for (int i = t->rank - 3; i >= 0; i--) {
        off += m % t->dim[i] * t->stride[i];
        m /= t->dim[i];
    }
    return off;
}

static void load_one(const fvi_tensor *t, const fvi_tensor *zero, bool by_row, float *to, int64_t row)
{
    int r = t->rank;
    int64_t rows = t->dim[r - 2], columns = t->dim[r - 1], m = row / rows, i = row % rows, matrices = matrices_of(t);
    const char *from = t->data + matrix_offset(t, m) + i * t->stride[r - 2];
    float *d = to + row * columns;
    bool one = zero->dtype == FV_NONE || fvi_tensor_count(zero) == 1;
    fvi_int_load(d, from, t->dtype == FV_I8, t->stride[r - 1], one || by_row ? param(zero, m, i, rows, matrices) : 0, columns);
    for (int64_t j = 0; !one && !by_row && j < columns; j++) d[j] -= param(zero, m, j, columns, matrices);
}

static void load_chunk(void *arg, int c, int thread)
{
    const mm_state *t = arg;
    const fvi_tensor *x = t->load_b ? &t->b : &t->a;
    int64_t rows = matrices_of(x) * x->dim[x->rank - 2];
    (void)thread;
    for (int64_t r = rows * c / t->load_chunks; r < rows * (c + 1) / t->load_chunks; r++) load_one(x, t->load_b ? &t->b_zero : &t->a_zero, !t->load_b, t->load_b ? t->fb : t->fa, r);
}

static void load(fvi_step *s, bool b)
{
    mm_state *t = s->state;
    const fvi_tensor *x = b ? &t->b : &t->a;
    t->load_b = b;
    t->load_chunks = fvi_chunks_for(0.3 * (double)fvi_tensor_count(x), matrices_of(x) * x->dim[x->rank - 2]);
    fvi_pool_run(s->env->pool, load_chunk, t, t->load_chunks);
}

static void store_chunk(void *arg, int c, int thread)
{
    const mm_state *t = arg;
    const fvi_tensor *y = &t->y;
    int r = y->rank;
    int64_t rows = y->dim[r - 2], columns = y->dim[r - 1], matrices = matrices_of(y), all = rows * matrices, size = (int64_t)fv_dtype_size(y->dtype);
    float low = y->dtype == FV_I8 ? -128 : 0, high = y->dtype == FV_I8 ? 127 : 255;
    (void)thread;
    for (int64_t row = all * c / t->store_chunks; row < all * (c + 1) / t->store_chunks; row++) {
        int64_t m = row / rows, i = row % rows;
        char *to = y->data + (matrix_offset(y, m) + i * y->stride[r - 2]) * size;
        for (int64_t j = 0; j < columns; j++) {
            int32_t v = t->total ? t->total[row * columns + j] : (int32_t)t->sum[row * columns + j];
            char *p = to + j * y->stride[r - 1] * size;
            if (t->scaled) {
                float f = param(&t->a_scale, m, i, rows, matrices) * param(&t->b_scale, m, j, columns, matrices) / param(&t->y_scale, m, i, rows, matrices);
                f = rintf((float)v * f) + param(&t->y_zero, m, i, rows, matrices);
                f = f > low ? f : low;
                f = f < high ? f : high;
                *p = (char)(int)f;
            } else if (y->dtype == FV_F32) {
                *(float *)(void *)p = (float)v;
            } else {
                *(int32_t *)(void *)p = v;
            }
        }
    }
}

static void run(fvi_step *s)
{
    mm_state *t = s->state;
    int64_t count = fvi_tensor_count(&t->y);
    load(s, false);
    if (!t->b_once) load(s, true);
    if (t->total) memset(t->total, 0, (size_t)count * sizeof *t->total);
    for (int i = 0; i < t->n_parts; i++) {
        t->parts[i].run(&t->parts[i]);
        for (int64_t k = 0; t->total && k < count; k++) t->total[k] = (int32_t)((uint32_t)t->total[k] + (uint32_t)(int32_t)t->sum[k]);
    }
    fvi_pool_run(s->env->pool, store_chunk, t, t->store_chunks);
}

static void release(fvi_step *s)
{
    mm_state *t = s->state;
    if (t) {
        for (int i = 0; i < t->n_parts; i++) fvi_step_release(&t->parts[i]);
        void *all[] = {t->fa, t->fb, t->sum, t->total, t->parts};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) fvi_free(all[i]);
    }
    fvi_free(t);
}

static fv_status no_memory(fv_error *err) { return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for a product of integers"); }

/* Dense floats of t's shape, columns (or rows) [from, to) of the inner dimension, broadcast to y's batch. */
static bool inner_slice(fvi_tensor *out, const fvi_tensor *like, const float *data, int axis_from_end, int64_t from, int64_t to, const fvi_tensor *y)
{
    fvi_tensor t = fvi_tensor_over(data, FV_F32, like->rank, like->dim), part;
    fvi_tensor_slice(&part, &t, t.rank - axis_from_end, from, to - from, 1);
    int64_t dim[FV_MAX_RANK];
    memcpy(dim, y->dim, sizeof dim);
    dim[y->rank - 2] = part.dim[part.rank - 2];
    dim[y->rank - 1] = part.dim[part.rank - 1];
    return fvi_tensor_broadcast(out, &part, y->rank, dim);
}

static fv_status make_parts(fvi_step *s, double *sums, fv_error *err)
{
    mm_state *t = s->state;
    int64_t k = t->b.dim[t->b.rank - 2], columns = t->b.dim[t->b.rank - 1], matrices = matrices_of(&t->b);
    bool known = t->b_once && matrices == 1;
    fvi_int_weights w = {.w = known ? t->fb : NULL, .outputs = columns, .summed = k, .inner = 1, .output_stride = 1, .summed_stride = columns, .inner_stride = 1};
    for (int64_t from = 0, to; from < k; from = to) {
        to = fvi_int_part_end(&w, from, sums);
        fvi_gemm_task g = {.alpha = 1, .b_const = t->b_once};
        if (!to || !inner_slice(&g.a, &t->a, t->fa, 1, from, to, &t->y) || !inner_slice(&g.b, &t->b, t->fb, 2, from, to, &t->y))
            return fvi_error_set(err, FV_ERR_SHAPE, "batch dimensions do not broadcast");
        g.c = fvi_tensor_over(t->sum, FV_F32, t->y.rank, t->y.dim);
        fvi_step *p = &t->parts[t->n_parts++];
        *p = (fvi_step){.backend = s->backend, .env = s->env, .node = s->node, .name = s->name};
        FVI_TRY(fvi_gemm_prepare(p, &g, err));
    }
    return FV_OK;
}

static fv_status check(const mm_state *t, fv_error *err)
{
    enum { BYTES = FVI_TYPE_BIT(FV_I8) | FVI_TYPE_BIT(FV_U8) };
    FVI_TRY(fvi_cpu_need_type(t->a.dtype, BYTES, err));
    FVI_TRY(fvi_cpu_need_type(t->b.dtype, BYTES, err));
    int r = t->y.rank;
    if (t->a.rank < 2 || t->b.rank < 2 || r < 2) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "products with vectors");
    int64_t m = t->y.dim[r - 2], n = t->y.dim[r - 1], batch = matrices_of(&t->y);
    bool fits = param_fits(&t->a_zero, m, matrices_of(&t->a)) && param_fits(&t->b_zero, n, matrices_of(&t->b)) && param_fits(&t->a_scale, m, batch) && param_fits(&t->b_scale, n, batch) &&
                param_fits(&t->y_scale, m, batch) && param_fits(&t->y_zero, m, batch);
    if (!fits) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "scales or zero points that are neither one nor one a row (of the first) or column (of the second)");
    if (t->scaled && (t->a_scale.dtype != FV_F32 || t->b_scale.dtype != FV_F32 || t->y_scale.dtype != FV_F32)) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "scales that are not float32");
    return fvi_tensor_count(&t->a) > 0 && fvi_tensor_count(&t->b) > 0 ? FV_OK : fvi_error_set(err, FV_ERR_SHAPE, "its matrices are empty");
}

static fv_status prepare(fvi_step *s, fv_error *err)
{
    FVI_TRY(fvi_cpu_new_state(s, sizeof(mm_state), err));
    mm_state *t = s->state;
    fvi_tensor none = {0};
    s->release = release;
    s->run = run;
    t->scaled = s->node->op == FVI_OP_QLINEAR_MATMUL;
    int bk = t->scaled ? 3 : 1, bz = t->scaled ? 5 : 3;
#define IN(i) (fvi_cpu_has_input(s, i) ? s->in[i] : none)
    t->a = s->in[0], t->b = s->in[bk], t->y = s->out[0];
    t->a_zero = IN(2), t->b_zero = IN(bz);
    if (t->scaled) t->a_scale = IN(1), t->b_scale = IN(4), t->y_scale = IN(6), t->y_zero = IN(7);
#undef IN
    FVI_TRY(check(t, err));
    t->b_once = s->in_const[bk] && (t->b_zero.dtype == FV_NONE || s->in_const[bz]);
    size_t count = (size_t)fvi_tensor_count(&t->y), inner = (size_t)t->b.dim[t->b.rank - 2];
    t->fa = fvi_calloc((size_t)fvi_tensor_count(&t->a) + 16, sizeof(float));
    t->fb = fvi_calloc((size_t)fvi_tensor_count(&t->b) + 16, sizeof(float));
    t->sum = fvi_calloc(count + 16, sizeof(float));
    t->parts = fvi_calloc(inner, sizeof *t->parts);
    double *sums = fvi_calloc((size_t)t->b.dim[t->b.rank - 1], sizeof *sums);
    bool have = t->fa && t->fb && t->sum && t->parts && sums;
    if (have && t->b_once) load(s, true);
    fv_status st = have ? make_parts(s, sums, err) : no_memory(err);
    fvi_free(sums);
    if (st < 0) return st;
    if (t->n_parts > 1 && !(t->total = fvi_calloc(count, sizeof *t->total))) return no_memory(err);
    t->store_chunks = fvi_chunks_for((t->scaled ? 5.0 : 0.5) * (double)count, matrices_of(&t->y) * t->y.dim[t->y.rank - 2]);
    s->tactic = t->n_parts > 1 ? "integer matrices by float, in parts" : "integer matrices by float";
    s->flops = 2.0 * (double)count * (double)inner;
    return FV_OK;
}

static const char *refuse(const fvi_node *n) { return fvi_cpu_refuse_type(n->in[0]->dtype, FVI_TYPE_BIT(FV_I8) | FVI_TYPE_BIT(FV_U8)); }

#define OP(id) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, refuse, NULL, prepare}
const fvi_cpu_op fvi_cpu_matmul_int_ops[] = {
    OP(MATMUL_INTEGER),
    OP(MATMUL_INTEGER_FLOAT),
    OP(QLINEAR_MATMUL),
    {FVI_OP_NONE},
};
