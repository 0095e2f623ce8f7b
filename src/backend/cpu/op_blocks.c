/* op_blocks.c: DepthToSpace and SpaceToDepth as plain copies between views, Trilu, EyeLike, CumSum, CumProd, Size. Turns tensors
 * into rearranged, masked or accumulated ones. */
#include "backend/cpu/fold_dims.h"
#include "backend/cpu/loop.h"
#include <string.h>

/* [N, C, H, W] of the wide side (small H and W, many channels) and of the fine side as six dims [N, C, bh, bw, H, W]. */
static void block_views(const fvi_tensor *wide, const fvi_tensor *fine, int64_t b, bool crd, fvi_tensor *w6, fvi_tensor *f6)
{
    int64_t n = wide->dim[0], c = fine->dim[1], h = wide->dim[2], w = wide->dim[3], dims[6] = {n, c, b, b, h, w};
    const int64_t *ws = wide->stride, *fs = fine->stride;
    /* channel of the wide side: DCR (bh, bw, c), CRD (c, bh, bw) */
    int64_t wc = crd ? b * b : 1, wh = crd ? b : b * c, ww = crd ? 1 : c;
    int64_t wide_stride[6] = {ws[0], wc * ws[1], wh * ws[1], ww * ws[1], ws[2], ws[3]};
    int64_t fine_stride[6] = {fs[0], fs[1], fs[2], fs[3], b * fs[2], b * fs[3]};
    *w6 = (fvi_tensor){.dtype = wide->dtype, .rank = 6, .data = wide->data};
    *f6 = (fvi_tensor){.dtype = fine->dtype, .rank = 6, .data = fine->data};
    memcpy(w6->dim, dims, sizeof dims);
    memcpy(f6->dim, dims, sizeof dims);
    memcpy(w6->stride, wide_stride, sizeof dims);
    memcpy(f6->stride, fine_stride, sizeof dims);
}

static fv_status prepare_blocks(fvi_step *s, fv_error *err)
{
    bool to_space = s->node->op == FVI_OP_DEPTH_TO_SPACE;
    int64_t b = fvi_node_int(s->node, "blocksize", 0);
    const fvi_tensor *wide = to_space ? &s->in[0] : &s->out[0], *fine = to_space ? &s->out[0] : &s->in[0];
    bool fits = b >= 1 && wide->rank == 4 && fine->rank == 4 && wide->dim[0] == fine->dim[0] && wide->dim[1] == fine->dim[1] * b * b &&
                wide->dim[2] * b == fine->dim[2] && wide->dim[3] * b == fine->dim[3];
    if (!fits) return fvi_error_set(err, FV_ERR_SHAPE, "input and output do not fit the blocksize");
    fvi_tensor w6, f6;
    block_views(wide, fine, b, strcmp(fvi_node_string(s->node, "mode", "DCR"), "CRD") == 0, &w6, &f6);
    return fvi_cpu_prepare_copies(s, 1, to_space ? &f6 : &w6, to_space ? &w6 : &f6, err);
}

/* ---- Trilu, EyeLike: rows of a matrix ---- */
typedef struct rows_state {
    int64_t k;
    bool upper;
} rows_state;

static void run_trilu(fvi_step *s)
{
    const rows_state *t = s->state;
    const fvi_tensor *x = &s->in[0], *y = &s->out[0];
    int last = y->rank - 1;
    int64_t columns = y->dim[last], height = y->dim[last - 1], count = fvi_tensor_count(y);
    size_t es = fv_dtype_size(y->dtype);
    int64_t k = t->k;
    if (fvi_cpu_has_input(s, 1)) memcpy(&k, s->in[1].data, sizeof k);
    for (int64_t f = 0; f < count; f++) {
        int64_t j = f % columns, i = f / columns % height;
        /* j - i cannot overflow, k may be anything */
        bool keep = t->upper ? j - i >= k : j - i <= k;
        char *to = y->data + fvi_flat_offset(y, f) * (int64_t)es;
        if (keep)
            memcpy(to, x->data + fvi_flat_offset(x, f) * (int64_t)es, es);
        else
            memset(to, 0, es);
    }
}

static fv_status prepare_trilu(fvi_step *s, fv_error *err)
{
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPES_ANY, err));
    if (fvi_cpu_has_input(s, 1) && (s->in[1].dtype != FV_I64 || fvi_tensor_count(&s->in[1]) != 1))
        return fvi_error_set(err, FV_ERR_MODEL, "k must be one int64");
    if (!fvi_tensor_same_shape(&s->in[0], &s->out[0]) || s->out[0].rank < 2) return fvi_error_set(err, FV_ERR_SHAPE, "output shape differs from input shape");
    FVI_TRY(fvi_cpu_new_state(s, sizeof(rows_state), err));
    ((rows_state *)s->state)->upper = fvi_node_int(s->node, "upper", 1) != 0;
    s->run = run_trilu;
    s->tactic = "triangle";
    return FV_OK;
}

static void run_eye(fvi_step *s)
{
    const rows_state *t = s->state;
    const fvi_tensor *y = &s->out[0];
    size_t es = fv_dtype_size(y->dtype);
    fvi_convert_fn to = fvi_convert(y->dtype, FV_F32);
    for (int64_t i = 0; i < y->dim[0]; i++)
        for (int64_t j = 0; j < y->dim[1]; j++) {
            float v = j - i == t->k;
            to(y->data + (i * y->stride[0] + j * y->stride[1]) * (int64_t)es, &v, 1);
        }
}

static fv_status prepare_eye(fvi_step *s, fv_error *err)
{
    FVI_TRY(fvi_cpu_need_type(s->out[0].dtype, FVI_TYPES_ANY, err));
    if (s->out[0].rank != 2) return fvi_error_set(err, FV_ERR_SHAPE, "the output must have 2 dimensions");
    FVI_TRY(fvi_cpu_new_state(s, sizeof(rows_state), err));
    ((rows_state *)s->state)->k = fvi_node_int(s->node, "k", 0);
    s->run = run_eye;
    s->tactic = "diagonal";
    return FV_OK;
}

/* ---- CumSum, CumProd ---- */
typedef struct sum_state {
    fvi_fold f;
    bool exclusive, reverse, product;
} sum_state;

#define SUMS(T, S, name)                                                                                               \
    static void name(const sum_state *c, char *yv, const char *xv)                                                     \
    {                                                                                                                  \
        T *y = (T *)(void *)yv;                                                                                        \
        const T *x = (const T *)(const void *)xv;                                                                      \
        S sum = c->product ? 1 : 0;                                                                                    \
        for (int64_t k = 0; k < c->f.size; k++) {                                                                      \
            int64_t i = c->reverse ? c->f.size - 1 - k : k;                                                            \
            S before = sum;                                                                                            \
            S v = (S)x[i * c->f.gone[1].stride[0]];                                                                    \
            sum = c->product ? sum * v : sum + v;                                                                      \
            y[i * c->f.gone[0].stride[0]] = (T)(c->exclusive ? before : sum);                                          \
        }                                                                                                              \
    }
SUMS(float, double, sums_f32)
SUMS(int32_t, uint64_t, sums_i32)
SUMS(int64_t, uint64_t, sums_i64)

static void run_sums(fvi_step *s)
{
    const sum_state *c = s->state;
    const fvi_tensor *y = &c->f.kept[0], *x = &c->f.kept[1];
    fv_dtype t = y->dtype;
    int64_t es = (int64_t)fv_dtype_size(t);
    for (int64_t i = 0; i < c->f.count; i++) {
        char *to = y->data + fvi_flat_offset(y, i) * es;
        const char *from = x->data + fvi_flat_offset(x, i) * es;
        (t == FV_F32 ? sums_f32 : t == FV_I32 || t == FV_U32 ? sums_i32 : sums_i64)(c, to, from);
    }
}

enum { SUM_TYPES = FVI_TYPE_BIT(FV_F32) | FVI_TYPE_BIT(FV_I32) | FVI_TYPE_BIT(FV_U32) | FVI_TYPE_BIT(FV_I64) | FVI_TYPE_BIT(FV_U64) };

static fv_status prepare_sums(fvi_step *s, fv_error *err)
{
    double axis_value;
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, SUM_TYPES, err));
    if (!fvi_cpu_input_scalar(s, 1, &axis_value)) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "its axis must be constant");
    int64_t axis = axis_value >= -8 && axis_value <= 8 ? (int64_t)axis_value : 99;
    if (!fvi_cpu_axis(&axis, s->in[0].rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis is out of range");
    FVI_TRY(fvi_cpu_new_state(s, sizeof(sum_state), err));
    sum_state *c = s->state;
    FVI_TRY(fvi_fold_dims(&c->f, &s->out[0], &s->in[0], 1u << axis, false, err));
    c->exclusive = fvi_node_int(s->node, "exclusive", 0) != 0;
    c->reverse = fvi_node_int(s->node, "reverse", 0) != 0;
    c->product = s->node->op == FVI_OP_CUM_PROD;
    s->run = run_sums;
    s->tactic = "running sum";
    return FV_OK;
}

static void run_size(fvi_step *s)
{
    int64_t n = fvi_tensor_count(&s->in[0]);
    memcpy(s->out[0].data, &n, sizeof n);
}
static fv_status prepare_size(fvi_step *s, fv_error *err)
{
    if (s->out[0].rank != 0 || s->out[0].dtype != FV_I64) return fvi_error_set(err, FV_ERR_SHAPE, "the output must be one int64");
    s->run = run_size;
    s->tactic = "size";
    return FV_OK;
}

static const char *refuse(const fvi_node *n)
{
    const char *mode = fvi_node_string(n, "mode", "DCR");
    if ((n->op == FVI_OP_DEPTH_TO_SPACE || n->op == FVI_OP_SPACE_TO_DEPTH) && strcmp(mode, "DCR") && strcmp(mode, "CRD")) return "an unknown mode";
    return fvi_cpu_refuse_type(n->in[0]->dtype, n->op == FVI_OP_CUM_SUM || n->op == FVI_OP_CUM_PROD ? SUM_TYPES : FVI_TYPES_ANY);
}

#define OP(id, prepare) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, refuse, NULL, prepare}
const fvi_cpu_op fvi_cpu_blocks_ops[] = {
    OP(DEPTH_TO_SPACE, prepare_blocks),
    OP(SPACE_TO_DEPTH, prepare_blocks),
    OP(TRILU, prepare_trilu),
    OP(EYE_LIKE, prepare_eye),
    OP(CUM_SUM, prepare_sums),
    OP(CUM_PROD, prepare_sums),
    OP(SIZE, prepare_size),
    {FVI_OP_NONE},
};
