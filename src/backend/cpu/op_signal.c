/* op_signal.c: Hann, Hamming and Blackman windows, MelWeightMatrix, DFT and STFT, in plain C (sums in double, a transform is
 * one sum a frequency). */
#include "backend/cpu/dense.h"
#include "kern/elementwise.h"
#include <math.h>
#include <string.h>

enum { MOST_LENGTH = 1 << 15 }; /* of a transform: its time grows with the square */

static void store(const fvi_tensor *y, int64_t i, double v)
{
    fvi_convert(y->dtype, FV_F64)(y->data + i * (int64_t)fv_dtype_size(y->dtype), &v, 1);
}

/* ---- windows ---- */
static void run_window(const fvi_dense *d)
{
    int64_t n = d->out[0].dim[0];
    const fvi_node *node = d->s->node;
    double steps = (double)(fvi_node_int(node, "periodic", 1) ? n : n - 1);
    for (int64_t i = 0; i < n; i++) {
        double a = steps > 0 ? 2 * M_PI * (double)i / steps : 0, v;
        if (node->op == FVI_OP_HANN_WINDOW)
            v = 0.5 - 0.5 * cos(a);
        else if (node->op == FVI_OP_HAMMING_WINDOW)
            v = 25.0 / 46 - 21.0 / 46 * cos(a);
        else
            v = 0.42 - 0.5 * cos(a) + 0.08 * cos(2 * a);
        store(&d->out[0], i, v);
    }
}

static fv_status prepare_window(fvi_step *s, fv_error *err)
{
    if (s->out[0].rank != 1) return fvi_error_set(err, FV_ERR_SHAPE, "its output must have one dimension");
    return fvi_cpu_prepare_dense(s, run_window, "window", 0, NULL, err);
}

/* ---- MelWeightMatrix ---- */
static void run_mel(const fvi_dense *d)
{
    int64_t bins = d->out[0].dim[1], rows = d->out[0].dim[0], length = fvi_integer_at(&d->in[1], 0), rate = fvi_integer_at(&d->in[2], 0);
    double low = 2595 * log10(1 + fvi_number_at(&d->in[3], 0) / 700), high = 2595 * log10(1 + fvi_number_at(&d->in[4], 0) / 700), step = (high - low) / (double)(bins + 2);
    for (int64_t i = 0; i < rows * bins; i++) store(&d->out[0], i, 0);
    for (int64_t b = 0; b < bins; b++) {
        int64_t edge[3];
        for (int k = 0; k < 3; k++) {
            double hertz = 700 * (pow(10, ((double)(b + k) * step + low) / 2595) - 1), at = floor((double)(length + 1) * hertz / (double)(rate ? rate : 1));
            edge[k] = at < 0 ? 0 : at < (double)rows ? (int64_t)at : rows;
        }
        if (edge[0] == edge[1] && edge[1] < rows) store(&d->out[0], edge[1] * bins + b, 1);
        for (int64_t j = edge[0]; edge[0] < edge[1] && j <= edge[1] && j < rows; j++) store(&d->out[0], j * bins + b, (double)(j - edge[0]) / (double)(edge[1] - edge[0]));
        for (int64_t j = edge[1]; j < edge[2] && j < rows; j++) store(&d->out[0], j * bins + b, (double)(edge[2] - j) / (double)(edge[2] - edge[1]));
    }
}

static fv_status prepare_mel(fvi_step *s, fv_error *err)
{
    if (s->out[0].rank != 2) return fvi_error_set(err, FV_ERR_SHAPE, "its output must be a matrix");
    for (int i = 0; i < 5; i++)
        if (fvi_tensor_count(&s->in[i]) != 1) return fvi_error_set(err, FV_ERR_SHAPE, "its inputs must be single numbers");
    return fvi_cpu_prepare_dense(s, run_mel, "mel weights", 0, NULL, err);
}

/* ---- transforms ---- */
typedef struct dft_state {
    int axis;
    bool inverse, from_real, to_real;
    int64_t length, bins;
    double *turn; /* cos and sin of 2 pi k / length */
} dft_state;

/* bins of x[0], x[step], … (`have` of them, zeros after), times a window; y in steps of y_step numbers */
static void transform(const dft_state *t, const float *x, int64_t step, int64_t have, const float *window, float *y, int64_t y_step)
{
    const double *c = t->turn, *s = t->turn + t->length;
    int64_t width = t->from_real ? 1 : 2;
    for (int64_t k = 0; k < t->bins; k++) {
        double re = 0, im = 0;
        for (int64_t i = 0, at = 0; i < t->length && i < have; i++, at = (at + k) % t->length) {
            double w = window ? window[i] : 1, xr = x[i * step * width] * w, xi = t->from_real ? 0 : x[i * step * width + 1] * w, sine = t->inverse ? s[at] : -s[at];
            re += xr * c[at] - xi * sine;
            im += xr * sine + xi * c[at];
        }
        double scale = t->inverse ? 1.0 / (double)t->length : 1;
        y[k * y_step] = (float)(re * scale);
        if (!t->to_real) y[k * y_step + 1] = (float)(im * scale);
    }
}

/* The other half of a onesided spectrum is its mirror, conjugated. */
static void mirror(const dft_state *t, const float *x, int64_t step, int64_t have, float *full)
{
    for (int64_t i = 0; i < t->length; i++) {
        int64_t from = i < have ? i : t->length - i;
        bool there = from < have;
        full[2 * i] = there ? x[from * step * 2] : 0;
        full[2 * i + 1] = !there ? 0 : i < have ? x[from * step * 2 + 1] : -x[from * step * 2 + 1];
    }
}

static void run_dft(const fvi_dense *d)
{
    dft_state *t = d->own;
    const fvi_tensor *x = &d->in[0], *y = &d->out[0];
    int64_t outer = fvi_dims_product(x, 0, t->axis), inner = fvi_dims_product(x, t->axis + 1, x->rank - 1), have = x->dim[t->axis];
    int64_t xw = x->dim[x->rank - 1], yw = y->dim[y->rank - 1];
    float *full = (float *)(void *)(t->turn + 2 * t->length);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            const float *from = fvi_in_f32(d, 0) + (o * have * inner + i) * xw;
            float *to = fvi_out_f32(d, 0) + (o * t->bins * inner + i) * yw;
            if (t->to_real) {
                mirror(t, from, inner, have, full);
                transform(t, full, 1, t->length, NULL, to, inner * yw);
            } else {
                transform(t, from, inner, have, NULL, to, inner * yw);
            }
        }
}

static fv_status new_transform(fvi_step *s, fvi_dense_fn fn, const char *tactic, int64_t length, dft_state **out, fv_error *err)
{
    if (length < 1 || length > MOST_LENGTH) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "a transform of %lld values", (long long)length);
    size_t table = (size_t)length * 2 * sizeof(double) + (size_t)length * 2 * sizeof(float);
    FVI_TRY(fvi_cpu_prepare_dense(s, fn, tactic, sizeof(dft_state) + table, out, err));
    dft_state *t = *out;
    t->length = length;
    t->turn = (double *)(void *)(t + 1);
    for (int64_t k = 0; k < length; k++) {
        t->turn[k] = cos(2 * M_PI * (double)k / (double)length);
        t->turn[length + k] = sin(2 * M_PI * (double)k / (double)length);
    }
    return FV_OK;
}

static fv_status prepare_dft(fvi_step *s, fv_error *err)
{
    const fvi_tensor *x = &s->in[0], *y = &s->out[0];
    dft_state *t;
    int64_t axis = fvi_node_int(s->node, "axis", 1), given = 0;
    FVI_TRY(fvi_cpu_need_type(x->dtype, FVI_TYPE_BIT(FV_F32), err));
    if (s->node->opset >= 20) axis = -2;
    if (s->node->opset >= 20 && fvi_cpu_has_input(s, 2) && fvi_cpu_input_ints(s, 2, &axis, 1) != 1) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "its axis must be constant");
    if (!fvi_cpu_axis(&axis, x->rank) || axis == x->rank - 1) return fvi_error_set(err, FV_ERR_MODEL, "axis is out of range");
    bool inverse = fvi_node_int(s->node, "inverse", 0) != 0, onesided = fvi_node_int(s->node, "onesided", 0) != 0, to_real = inverse && onesided;
    int64_t length = to_real ? y->dim[axis] : x->dim[axis];
    if (fvi_cpu_has_input(s, 1)) {
        if (fvi_cpu_input_ints(s, 1, &given, 1) != 1) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "its length must be constant");
        length = given;
    }
    FVI_TRY(new_transform(s, run_dft, "fourier transform", length, &t, err));
    t->axis = (int)axis;
    t->inverse = inverse;
    t->to_real = to_real;
    t->from_real = x->dim[x->rank - 1] == 1;
    t->bins = y->dim[axis];
    if (y->dim[y->rank - 1] != (to_real ? 1 : 2) || (to_real && t->from_real)) return fvi_error_set(err, FV_ERR_SHAPE, "its last dimension must be 1 (real) or 2 (complex)");
    return FV_OK;
}

static void run_stft(const fvi_dense *d)
{
    const dft_state *t = d->own;
    const fvi_tensor *x = &d->in[0], *y = &d->out[0];
    int64_t step = fvi_integer_at(&d->in[1], 0), width = t->from_real ? 1 : 2;
    for (int64_t b = 0; b < y->dim[0]; b++)
        for (int64_t f = 0; f < y->dim[1]; f++)
            transform(t, fvi_in_f32(d, 0) + (b * x->dim[1] + f * step) * width, 1, t->length, fvi_in_f32(d, 2), fvi_out_f32(d, 0) + (b * y->dim[1] + f) * t->bins * 2, 2);
}

static fv_status prepare_stft(fvi_step *s, fv_error *err)
{
    const fvi_tensor *x = &s->in[0], *y = &s->out[0];
    dft_state *t;
    int64_t step = 0, length = fvi_cpu_has_input(s, 2) ? s->in[2].dim[0] : 0;
    FVI_TRY(fvi_cpu_need_type(x->dtype, FVI_TYPE_BIT(FV_F32), err));
    if (fvi_cpu_input_ints(s, 1, &step, 1) != 1 || (fvi_cpu_has_input(s, 3) && fvi_cpu_input_ints(s, 3, &length, 1) != 1)) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "its steps and lengths must be constant");
    if (fvi_cpu_has_input(s, 2) && (s->in[2].dtype != FV_F32 || s->in[2].dim[0] != length)) return fvi_error_set(err, FV_ERR_SHAPE, "its window does not fit its frames");
    FVI_TRY(new_transform(s, run_stft, "short fourier transform", length, &t, err));
    t->from_real = x->rank == 2 || x->dim[2] == 1;
    t->bins = y->dim[2];
    return step < 1 || (y->dim[1] - 1) * step + length > x->dim[1] ? fvi_error_set(err, FV_ERR_SHAPE, "its frames do not fit its signal") : FV_OK;
}

#define OP(id, prepare) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_DENSE, false, NULL, NULL, prepare}
const fvi_cpu_op fvi_cpu_signal_ops[] = {
    OP(HANN_WINDOW, prepare_window),
    OP(HAMMING_WINDOW, prepare_window),
    OP(BLACKMAN_WINDOW, prepare_window),
    OP(MEL_WEIGHT_MATRIX, prepare_mel),
    OP(DFT, prepare_dft),
    OP(STFT, prepare_stft),
    {FVI_OP_NONE},
};
