/* shape_quant.c: shape rules of quantised operators: QuantizeLinear and its kin, integer products and convolutions. */
#include "base/error.h"
#include "model/graph/shape.h"

static bool is_byte(fv_dtype t) { return t == FV_I8 || t == FV_U8; }

/* ONNX TensorProto.DataType of a quantised element; FV_NONE = none that is supported. */
static fv_dtype quantised_type(int64_t onnx)
{
    static const fv_dtype types[] = {[2] = FV_U8, [3] = FV_I8, [4] = FV_U16, [5] = FV_I16};
    return onnx >= 2 && onnx <= 5 ? types[onnx] : FV_NONE;
}

/* Scales: one, or one an index of `axis`, or one a block of it (then of the input's rank). */
static fv_status check_scale(const fvi_node *n, const fvi_dims *x, fv_error *err)
{
    fvi_dims s;
    FVI_TRY(fvi_shape_in(n, 1, &s, err));
    if (n->in[1]->dtype != FV_F32) return fvi_node_error(n, err, FV_ERR_MODEL, "its scale is %s, not float32", fv_dtype_name(n->in[1]->dtype));
    if (s.rank == 0 || (s.rank == 1 && s.d[0] == 1)) return FV_OK;
    int axis;
    int64_t block = fvi_node_int(n, "block_size", 0);
    FVI_TRY(fvi_shape_axis(n, fvi_node_int(n, "axis", 1), x->rank, &axis, err));
    if (s.rank == 1 && block == 0) {
        if (s.d[0] >= 0 && x->d[axis] >= 0 && s.d[0] != x->d[axis])
            return fvi_node_error(n, err, FV_ERR_SHAPE, "it has %lld scales for %lld", (long long)s.d[0], (long long)x->d[axis]);
        return FV_OK;
    }
    bool fits = s.rank == x->rank && block > 0;
    for (int i = 0; fits && i < x->rank; i++) {
        int64_t want = i == axis && x->d[i] >= 0 ? (x->d[i] - 1) / block + 1 : x->d[i];
        fits = s.d[i] < 0 || want < 0 || s.d[i] == want;
    }
    return fits ? FV_OK : fvi_node_error(n, err, FV_ERR_SHAPE, "its scales do not fit its input, axis and block_size");
}

fv_status fvi_shape_quantize(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    int64_t given = fvi_node_int(n, "output_dtype", 0);
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(check_scale(n, &x, err));
    fv_dtype type = n->n_in > 2 && n->in[2] ? n->in[2]->dtype : given ? quantised_type(given) : FV_U8;
    if (type != FV_I8 && type != FV_U8 && type != FV_I16 && type != FV_U16)
        return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "only 8 and 16 bit integers are supported as its result");
    return fvi_shape_set(n, 0, type, &x, err);
}

/* What the table [256] holds is what comes out. */
fv_status fvi_shape_quant_table(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    if (n->in[3]->dtype != FV_F32 && n->in[3]->dtype != FV_U8) return fvi_node_error(n, err, FV_ERR_MODEL, "its table is neither float32 nor uint8");
    return fvi_shape_set(n, 0, n->in[3]->dtype, &x, err);
}

fv_status fvi_shape_dequantize(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(check_scale(n, &x, err));
    if (n->n_in > 2 && n->in[2] && n->in[2]->dtype != n->in[0]->dtype)
        return fvi_node_error(n, err, FV_ERR_MODEL, "its zero point has another type than its input");
    return fvi_shape_set(n, 0, FV_F32, &x, err);
}

fv_status fvi_shape_dynamic_quantize(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, one = {0};
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(fvi_shape_set(n, 0, FV_U8, &x, err));
    if (n->n_out > 1) FVI_TRY(fvi_shape_set(n, 1, FV_F32, &one, err));
    return n->n_out > 2 ? fvi_shape_set(n, 2, FV_U8, &one, err) : FV_OK;
}

static fv_status bytes(const fvi_node *n, int k, fv_error *err)
{
    return is_byte(n->in[k]->dtype) ? FV_OK : fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "its input %d is %s; only int8 and uint8 are supported", k, fv_dtype_name(n->in[k]->dtype));
}

/* ConvInteger [x, w, x_zero, w_zero] -> int32 (float32 in the form that the rewrites make);
 * QLinearConv [x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias] -> type of y_zero */
fv_status fvi_shape_conv_integer(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    bool scaled = n->op == FVI_OP_QLINEAR_CONV;
    int wk = scaled ? 3 : 1;
    fvi_dims x, w;
    fvi_window win;
    int64_t group = fvi_node_int(n, "group", 1);
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(fvi_shape_in(n, wk, &w, err));
    FVI_TRY(bytes(n, 0, err));
    FVI_TRY(bytes(n, wk, err));
    if (x.rank < 3 || w.rank != x.rank) return fvi_node_error(n, err, FV_ERR_SHAPE, "input and weights have %d and %d dimensions", x.rank, w.rank);
    if (w.d[0] < 1 || w.d[1] < 1 || group < 1 || w.d[0] % group) return fvi_node_error(n, err, FV_ERR_SHAPE, "its weights do not divide into %lld groups", (long long)group);
    if (x.d[1] >= 0 && (x.d[1] % group || x.d[1] / group != w.d[1]))
        return fvi_node_error(n, err, FV_ERR_SHAPE, "its input has %lld channels, its weights want %lld in each of %lld groups", (long long)x.d[1], (long long)w.d[1], (long long)group);
    FVI_TRY(fvi_node_window(n, &win, err));
    fvi_dims s = {.rank = x.rank, .d = {x.d[0], w.d[0]}};
    for (int i = 0; i < win.n; i++) s.d[i + 2] = win.out[i];
    if (scaled) FVI_TRY(bytes(n, 7, err));
    fv_dtype type = scaled ? n->in[7]->dtype : n->op == FVI_OP_CONV_INTEGER ? FV_I32 : FV_F32;
    return fvi_shape_set(n, 0, type, &s, err);
}

/* MatMulInteger [a, b, a_zero, b_zero] -> int32; QLinearMatMul [a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero] */
fv_status fvi_shape_matmul_integer(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    bool scaled = n->op == FVI_OP_QLINEAR_MATMUL;
    int bk = scaled ? 3 : 1;
    fvi_dims a, b;
    FVI_TRY(fvi_shape_in(n, 0, &a, err));
    FVI_TRY(fvi_shape_in(n, bk, &b, err));
    FVI_TRY(bytes(n, 0, err));
    FVI_TRY(bytes(n, bk, err));
    if (scaled) FVI_TRY(bytes(n, 7, err));
    if (a.rank < 2 || b.rank < 2) return fvi_node_error(n, err, FV_ERR_UNSUPPORTED, "only matrices are supported, its inputs have %d and %d dimensions", a.rank, b.rank);
    int64_t m = a.d[a.rank - 2], ka = a.d[a.rank - 1], kb = b.d[b.rank - 2], columns = b.d[b.rank - 1];
    if (ka >= 0 && kb >= 0 && ka != kb) return fvi_node_error(n, err, FV_ERR_SHAPE, "inner dimensions %lld and %lld differ", (long long)ka, (long long)kb);
    a.rank -= 2;
    b.rank -= 2;
    FVI_TRY(fvi_shape_broadcast_dims(n, &a, &b, err));
    a.d[a.rank++] = m;
    a.d[a.rank++] = columns;
    fv_dtype type = scaled ? n->in[7]->dtype : n->op == FVI_OP_MATMUL_INTEGER ? FV_I32 : FV_F32;
    return fvi_shape_set(n, 0, type, &a, err);
}
