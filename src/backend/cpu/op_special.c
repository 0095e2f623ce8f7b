/* op_special.c: single operators in plain C that share nothing: Det, BitCast, AffineGrid, CenterCropPad, Col2Im, MaxUnpool,
 * LRN, TfIdfVectorizer, BatchNormalization in training mode. */
#include "backend/cpu/dense.h"
#include "model/graph/shape.h"
#include <math.h>
#include <string.h>

/* ---- Det: by elimination with pivots ---- */
static double determinant(double *a, int64_t n)
{
    double det = 1;
    for (int64_t c = 0; c < n; c++) {
        int64_t best = c;
        for (int64_t r = c + 1; r < n; r++)
            if (fabs(a[r * n + c]) > fabs(a[best * n + c])) best = r;
        if (a[best * n + c] == 0) return 0;
        for (int64_t k = c; k < n && best != c; k++) {
            double v = a[c * n + k];
            a[c * n + k] = a[best * n + k];
            a[best * n + k] = v;
        }
        det *= best == c ? a[c * n + c] : -a[c * n + c];
        for (int64_t r = c + 1; r < n; r++)
            for (int64_t k = n - 1; k >= c; k--) a[r * n + k] -= a[r * n + c] / a[c * n + c] * a[c * n + k];
    }
    return det;
}

static void run_det(const fvi_dense *d)
{
    int64_t n = d->in[0].dim[d->in[0].rank - 1];
    for (int64_t i = 0, count = fvi_tensor_count(&d->out[0]); i < count; i++) {
        double *a = d->own;
        for (int64_t k = 0; k < n * n; k++) a[k] = fvi_in_f32(d, 0)[i * n * n + k];
        fvi_out_f32(d, 0)[i] = (float)determinant(a, n);
    }
}

static fv_status prepare_det(fvi_step *s, fv_error *err)
{
    const fvi_tensor *x = &s->in[0];
    FVI_TRY(fvi_cpu_need_type(x->dtype, FVI_TYPE_BIT(FV_F32), err));
    int64_t n = x->dim[x->rank - 1];
    if (n < 1 || n > 4096 || x->dim[x->rank - 2] != n) return fvi_error_set(err, FV_ERR_SHAPE, "its matrices must be square, of up to 4096 rows");
    return fvi_cpu_prepare_dense(s, run_det, "determinant", (size_t)(n * n) * sizeof(double), NULL, err);
}

/* ---- BitCast ---- */
static void run_bits(const fvi_dense *d) { memcpy(d->out[0].data, d->in[0].data, (size_t)fvi_tensor_count(&d->in[0]) * fv_dtype_size(d->in[0].dtype)); }
static fv_status prepare_bits(fvi_step *s, fv_error *err)
{
    if (fv_dtype_size(s->in[0].dtype) != fv_dtype_size(s->out[0].dtype)) return fvi_error_set(err, FV_ERR_MODEL, "types of different size");
    return fvi_cpu_prepare_dense(s, run_bits, "bits", 0, NULL, err);
}

/* ---- AffineGrid: places in -1..1 of every pixel, last dim x y (z) ---- */
static void run_affine(const fvi_dense *d)
{
    const fvi_tensor *y = &d->out[0];
    bool corners = fvi_node_int(d->s->node, "align_corners", 0) != 0;
    int n = y->rank - 2; /* spatial dims */
    int64_t places = fvi_dims_product(y, 1, y->rank - 1);
    for (int64_t f = 0; f < y->dim[0] * places; f++) {
        const float *theta = fvi_in_f32(d, 0) + f / places * n * (n + 1);
        float at[4] = {0};
        at[n] = 1;
        for (int64_t i = n - 1, rest = f % places; i >= 0; i--) {
            int64_t size = y->dim[1 + i], p = rest % size;
            rest /= size;
            at[n - 1 - i] = corners ? (size > 1 ? -1 + 2 * (float)p / (float)(size - 1) : 0) : (2 * (float)p + 1) / (float)size - 1;
        }
        for (int r = 0; r < n; r++) {
            float sum = 0;
            for (int k = 0; k <= n; k++) sum += theta[r * (n + 1) + k] * at[k];
            fvi_out_f32(d, 0)[f * n + r] = sum;
        }
    }
}
static fv_status prepare_affine(fvi_step *s, fv_error *err)
{
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPE_BIT(FV_F32), err));
    int n = s->out[0].rank - 2;
    if ((n != 2 && n != 3) || fvi_tensor_count(&s->in[0]) != s->out[0].dim[0] * n * (n + 1)) return fvi_error_set(err, FV_ERR_SHAPE, "its matrices do not fit its size");
    return fvi_cpu_prepare_dense(s, run_affine, "affine grid", 0, NULL, err);
}

/* ---- CenterCropPad: the common middle part ---- */
static void run_center(const fvi_dense *d)
{
    fvi_tensor from = d->in[0], to = d->out[0];
    memset(to.data, 0, (size_t)fvi_tensor_count(&to) * fv_dtype_size(to.dtype));
    for (int i = 0; i < from.rank; i++) {
        int64_t a = from.dim[i], b = to.dim[i], n = a < b ? a : b;
        fvi_tensor t = from;
        fvi_tensor_slice(&from, &t, i, (a - n) / 2, n, 1);
        t = to;
        fvi_tensor_slice(&to, &t, i, (b - n) / 2, n, 1);
    }
    if (fvi_tensor_count(&to) > 0) fvi_tensor_copy(&to, &from);
}
static fv_status prepare_center(fvi_step *s, fv_error *err)
{
    if (s->in[0].rank != s->out[0].rank) return fvi_error_set(err, FV_ERR_SHAPE, "input and output differ in rank");
    return fvi_cpu_prepare_dense(s, run_center, "middle part", 0, NULL, err);
}

/* ---- Col2Im: columns added up where they came from ---- */
typedef struct col_state {
    int n;
    int64_t image[FV_MAX_RANK], block[FV_MAX_RANK], stride[FV_MAX_RANK], dilation[FV_MAX_RANK], begin[FV_MAX_RANK], steps[FV_MAX_RANK];
    int64_t places, taps;
} col_state;

static void run_columns(const fvi_dense *d)
{
    const col_state *t = d->own;
    const fvi_tensor *y = &d->out[0];
    int64_t maps = y->dim[0] * y->dim[1], pixels = fvi_dims_product(y, 2, y->rank);
    memset(y->data, 0, (size_t)(maps * pixels) * sizeof(float));
    for (int64_t m = 0; m < maps; m++)
        for (int64_t k = 0; k < t->taps; k++)
            for (int64_t p = 0; p < t->places; p++) {
                int64_t to = 0, kr = k, pr = p, at[FV_MAX_RANK];
                for (int i = t->n - 1; i >= 0; i--) {
                    at[i] = pr % t->steps[i] * t->stride[i] - t->begin[i] + kr % t->block[i] * t->dilation[i];
                    pr /= t->steps[i];
                    kr /= t->block[i];
                }
                for (int i = 0; i < t->n && to >= 0; i++) to = at[i] < 0 || at[i] >= t->image[i] ? -1 : to * t->image[i] + at[i];
                if (to >= 0) fvi_out_f32(d, 0)[m * pixels + to] += fvi_in_f32(d, 0)[(m * t->taps + k) * t->places + p];
            }
}

static bool ints_or(const fvi_node *n, const char *name, int want, int64_t def, int64_t *out)
{
    for (int i = 0; i < want; i++) out[i] = def;
    int c = fvi_node_ints(n, name, out, want);
    return c == 0 || c == want;
}

static fv_status prepare_columns(fvi_step *s, fv_error *err)
{
    col_state *t, v = {.n = s->out[0].rank - 2, .places = 1, .taps = 1};
    int64_t pads[2 * FV_MAX_RANK];
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPE_BIT(FV_F32), err));
    bool known = v.n >= 1 && v.n <= 6 && fvi_cpu_input_ints(s, 1, v.image, FV_MAX_RANK) == v.n && fvi_cpu_input_ints(s, 2, v.block, FV_MAX_RANK) == v.n && ints_or(s->node, "strides", v.n, 1, v.stride) &&
                 ints_or(s->node, "dilations", v.n, 1, v.dilation) && ints_or(s->node, "pads", 2 * v.n, 0, pads);
    if (!known) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "image_shape or block_shape that is not constant");
    for (int i = 0; i < v.n; i++) {
        v.begin[i] = pads[i];
        int64_t span = v.image[i] + pads[i] + pads[v.n + i] - v.dilation[i] * (v.block[i] - 1) - 1;
        if (v.stride[i] < 1 || v.block[i] < 1 || v.dilation[i] < 1 || span < 0) return fvi_error_set(err, FV_ERR_SHAPE, "its blocks do not fit its image");
        v.steps[i] = span / v.stride[i] + 1;
        v.places *= v.steps[i];
        v.taps *= v.block[i];
    }
    if (s->in[0].rank != 3 || s->in[0].dim[1] != s->out[0].dim[1] * v.taps || s->in[0].dim[2] != v.places) return fvi_error_set(err, FV_ERR_SHAPE, "its columns do not fit its image");
    FVI_TRY(fvi_cpu_prepare_dense(s, run_columns, "columns to image", sizeof v, &t, err));
    *t = v;
    return FV_OK;
}

/* ---- MaxUnpool: indices count in the size that the window gives; a wanted output_shape holds that in its corner ---- */
static void run_unpool(const fvi_dense *d)
{
    const int64_t *inner = d->own; /* spatial dims of the window's output */
    const fvi_tensor *y = &d->out[0], *x = &d->in[0];
    int n = y->rank - 2;
    int64_t pixels = fvi_dims_product(y, 2, y->rank), each = 1, count = fvi_tensor_count(x), maps = y->dim[0] * y->dim[1];
    for (int i = 0; i < n; i++) each *= inner[i];
    memset(y->data, 0, (size_t)(maps * pixels) * sizeof(float));
    for (int64_t i = 0; i < count; i++) {
        int64_t at = ((const int64_t *)(const void *)d->in[1].data)[i], rest = at % (each > 0 ? each : 1), to = 0, pos[FV_MAX_RANK];
        if (at < 0 || at >= maps * each) continue; /* from data */
        for (int k = n - 1; k >= 0; k--) {
            pos[k] = rest % inner[k];
            rest /= inner[k];
        }
        for (int k = 0; k < n && to >= 0; k++) to = pos[k] >= y->dim[2 + k] ? -1 : to * y->dim[2 + k] + pos[k];
        if (to >= 0) fvi_out_f32(d, 0)[at / each * pixels + to] = fvi_in_f32(d, 0)[i];
    }
}

static fv_status prepare_unpool(fvi_step *s, fv_error *err)
{
    int64_t *inner, k[FV_MAX_RANK], st[FV_MAX_RANK], pads[2 * FV_MAX_RANK];
    int n = s->in[0].rank - 2;
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPE_BIT(FV_F32), err));
    FVI_TRY(fvi_cpu_need_type(s->in[1].dtype, FVI_TYPE_BIT(FV_I64), err));
    if (n < 1 || n > 6 || fvi_node_ints(s->node, "kernel_shape", k, n) != n || !ints_or(s->node, "strides", n, 1, st) || !ints_or(s->node, "pads", 2 * n, 0, pads) || !fvi_tensor_same_shape(&s->in[0], &s->in[1]) ||
        s->out[0].dim[0] != s->in[0].dim[0] || s->out[0].dim[1] != s->in[0].dim[1])
        return fvi_error_set(err, FV_ERR_SHAPE, "its indices or window do not fit its input");
    FVI_TRY(fvi_cpu_prepare_dense(s, run_unpool, "unpool", (size_t)n * sizeof *inner, &inner, err));
    for (int i = 0; i < n; i++) {
        inner[i] = (s->in[0].dim[2 + i] - 1) * st[i] + k[i] - pads[i] - pads[n + i];
        if (inner[i] < 1) return fvi_error_set(err, FV_ERR_SHAPE, "its window leaves nothing");
    }
    return FV_OK;
}

/* ---- LRN ---- */
static void run_lrn(const fvi_dense *d)
{
    const fvi_tensor *x = &d->in[0];
    const fvi_node *n = d->s->node;
    int64_t size = fvi_node_int(n, "size", 1), channels = x->dim[1], inner = fvi_dims_product(x, 2, x->rank), before = (size - 1) / 2, after = size - 1 - before;
    float alpha = fvi_node_float(n, "alpha", 1e-4f), beta = fvi_node_float(n, "beta", 0.75f), bias = fvi_node_float(n, "bias", 1);
    const float *from = fvi_in_f32(d, 0);
    for (int64_t i = 0, count = fvi_tensor_count(x); i < count; i++) {
        int64_t c = i / inner % channels, lo = c - before < 0 ? -c : -before, hi = c + after >= channels ? channels - 1 - c : after;
        double sum = 0;
        for (int64_t k = lo; k <= hi; k++) sum += (double)from[i + k * inner] * from[i + k * inner];
        fvi_out_f32(d, 0)[i] = (float)(from[i] / pow(bias + alpha / (double)size * sum, beta));
    }
}
static fv_status prepare_lrn(fvi_step *s, fv_error *err)
{
    int64_t size = fvi_node_int(s->node, "size", 0);
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPE_BIT(FV_F32), err));
    if (s->in[0].rank < 2 || size < 1 || size > 1 << 20) return fvi_error_set(err, FV_ERR_MODEL, "a size of %lld", (long long)size);
    return fvi_cpu_prepare_dense(s, run_lrn, "local response", 0, NULL, err);
}

/* ---- TfIdfVectorizer of integers: how often each n-gram of a pool occurs, with gaps of up to max_skip_count ---- */
static void count_grams(const fvi_dense *d, int64_t row, int64_t length)
{
    const fvi_node *n = d->s->node;
    const fvi_attr *starts = fvi_node_attr(n, "ngram_counts"), *columns = fvi_node_attr(n, "ngram_indexes"), *pool = fvi_node_attr(n, "pool_int64s");
    int64_t lo = fvi_node_int(n, "min_gram_length", 1), hi = fvi_node_int(n, "max_gram_length", 1), skips = fvi_node_int(n, "max_skip_count", 0), gram = 0;
    int64_t width = d->out[0].dim[d->out[0].rank - 1];
    for (int64_t size = 1; size <= starts->count; size++) {
        int64_t from = starts->ints[size - 1], end = size < starts->count ? starts->ints[size] : pool->count;
        for (int64_t g = from; g >= 0 && g + size <= end && end <= pool->count; g += size, gram++) {
            if (size < lo || size > hi || gram >= columns->count || columns->ints[gram] < 0 || columns->ints[gram] >= width) continue;
            for (int64_t step = 1; step <= (size == 1 ? 1 : skips + 1); step++)
                for (int64_t at = 0; at + (size - 1) * step < length; at++) {
                    bool same = true;
                    for (int64_t k = 0; k < size && same; k++) same = fvi_integer_at(&d->in[0], row * length + at + k * step) == pool->ints[g + k];
                    if (same) fvi_out_f32(d, 0)[row * width + columns->ints[gram]] += 1;
                }
        }
    }
}

static void run_tfidf(const fvi_dense *d)
{
    const fvi_node *n = d->s->node;
    const fvi_tensor *x = &d->in[0], *y = &d->out[0];
    const fvi_attr *weights = fvi_node_attr(n, "weights"), *columns = fvi_node_attr(n, "ngram_indexes");
    const char *mode = fvi_node_string(n, "mode", "TF");
    int64_t length = x->rank ? x->dim[x->rank - 1] : 1, rows = x->rank == 2 ? x->dim[0] : 1, width = y->dim[y->rank - 1];
    memset(y->data, 0, (size_t)fvi_tensor_count(y) * sizeof(float));
    for (int64_t r = 0; r < rows; r++) {
        count_grams(d, r, length);
        for (int64_t g = 0; strcmp(mode, "TF") != 0 && g < columns->count; g++) {
            float *v = fvi_out_f32(d, 0) + r * width + columns->ints[g], w = weights && g < weights->count ? weights->floats[g] : 1;
            if (columns->ints[g] < 0 || columns->ints[g] >= width) continue;
            *v = strcmp(mode, "IDF") == 0 ? (*v > 0 ? w : 0) : *v * w;
        }
    }
}
static fv_status prepare_tfidf(fvi_step *s, fv_error *err)
{
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPE_BIT(FV_I64) | FVI_TYPE_BIT(FV_I32), err));
    if (s->out[0].dtype != FV_F32 || s->in[0].rank > 2) return fvi_error_set(err, FV_ERR_SHAPE, "its input must have at most 2 dimensions");
    return fvi_cpu_prepare_dense(s, run_tfidf, "n-grams", 0, NULL, err);
}

/* ---- BatchNormalization, training_mode 1: the batch's own mean and variance, and the running ones moved towards them ---- */
static void run_batch(const fvi_dense *d)
{
    const fvi_tensor *x = &d->in[0];
    int64_t channels = x->dim[1], inner = fvi_dims_product(x, 2, x->rank), batch = x->dim[0];
    float epsilon = fvi_node_float(d->s->node, "epsilon", 1e-5f), momentum = fvi_node_float(d->s->node, "momentum", 0.9f);
    for (int64_t c = 0; c < channels; c++) {
        double sum = 0, squares = 0, n = (double)(batch * inner);
#define EACH(body)                                                                                                     \
    for (int64_t b = 0; b < batch; b++)                                                                                \
        for (int64_t i = 0; i < inner; i++) {                                                                          \
            int64_t at = (b * channels + c) * inner + i;                                                               \
            double v = fvi_in_f32(d, 0)[at];                                                                           \
            body;                                                                                                      \
        }
        EACH(sum += v)
        double mean = sum / n;
        EACH(squares += (v - mean) * (v - mean))
        double variance = squares / n, scale = fvi_in_f32(d, 1)[c] / sqrt(variance + epsilon);
        EACH(fvi_out_f32(d, 0)[at] = (float)((v - mean) * scale + fvi_in_f32(d, 2)[c]))
#undef EACH
        if (d->s->n_out > 1) fvi_out_f32(d, 1)[c] = (float)(fvi_in_f32(d, 3)[c] * momentum + mean * (1 - momentum));
        if (d->s->n_out > 2) fvi_out_f32(d, 2)[c] = (float)(fvi_in_f32(d, 4)[c] * momentum + variance * (1 - momentum));
    }
}

fv_status fvi_cpu_prepare_batch_training(fvi_step *s, fv_error *err)
{
    if (s->in[0].rank < 2) return fvi_error_set(err, FV_ERR_SHAPE, "its input needs 2 dimensions or more");
    for (int i = 0; i < 5; i++) {
        FVI_TRY(fvi_cpu_need_type(s->in[i].dtype, FVI_TYPE_BIT(FV_F32), err));
        if (i && fvi_tensor_count(&s->in[i]) != s->in[0].dim[1]) return fvi_error_set(err, FV_ERR_SHAPE, "input %d must have one value a channel", i);
    }
    return fvi_cpu_prepare_dense(s, run_batch, "batch norm, training", 0, NULL, err);
}

static const char *refuse_tfidf(const fvi_node *n)
{
    static const char *const lists[] = {"ngram_counts", "ngram_indexes", "pool_int64s"};
    const char *mode = fvi_node_string(n, "mode", "");
    for (int i = 0; i < 3; i++) {
        const fvi_attr *a = fvi_node_attr(n, lists[i]);
        if (!a || a->type != FVI_ATTR_INTS) return "a pool that is not of integers";
    }
    return strcmp(mode, "TF") && strcmp(mode, "IDF") && strcmp(mode, "TFIDF") ? "an unknown mode" : NULL;
}

static const char *refuse(const fvi_node *n)
{
    if (n->op == FVI_OP_TFIDF) return refuse_tfidf(n);
    bool any = n->op == FVI_OP_BIT_CAST || n->op == FVI_OP_CENTER_CROP_PAD;
    return fvi_cpu_refuse_type(n->in[0]->dtype, any ? (unsigned)FVI_TYPES_ANY : FVI_TYPE_BIT(FV_F32));
}

#define OP(id, prepare) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_DENSE, false, refuse, NULL, prepare}
const fvi_cpu_op fvi_cpu_special_ops[] = {
    OP(DET, prepare_det),
    OP(BIT_CAST, prepare_bits),
    OP(AFFINE_GRID, prepare_affine),
    OP(CENTER_CROP_PAD, prepare_center),
    OP(COL2IM, prepare_columns),
    OP(MAX_UNPOOL, prepare_unpool),
    OP(LRN, prepare_lrn),
    OP(TFIDF, prepare_tfidf),
    {FVI_OP_NONE},
};
