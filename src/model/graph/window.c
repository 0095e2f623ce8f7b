/* window.c: kernel, strides, dilations and padding of Conv, ConvTranspose and pools, auto_pad resolved. Called by shape
 * rules and by backends, so that both mean the same. */
#include "base/error.h"
#include "model/graph/shape.h"
#include <string.h>

static fv_status read_list(const fvi_node *n, const char *name, int want, int64_t lowest, int64_t def, int64_t *out, fv_error *err)
{
    int64_t v[2 * FV_MAX_RANK];
    int count = fvi_node_ints(n, name, v, 2 * FV_MAX_RANK);
    for (int i = 0; i < want; i++) out[i] = def;
    if (count == 0) return FV_OK;
    if (count != want) return fvi_node_error(n, err, FV_ERR_MODEL, "attribute %s has %d values instead of %d", name, count, want);
    for (int i = 0; i < want; i++) {
        if (v[i] < lowest || v[i] > FVI_MAX_WINDOW)
            return fvi_node_error(n, err, FV_ERR_LIMIT, "attribute %s holds %lld", name, (long long)v[i]);
        out[i] = v[i];
    }
    return FV_OK;
}

static int64_t extent(const fvi_window *w, int i) { return (w->kernel[i] - 1) * w->dilation[i] + 1; }

/* auto_pad SAME: the output has ceil(in / stride) elements; an odd total goes to the end (UPPER) or the beginning. */
static void pad_same(fvi_window *w, int i, int64_t in, bool upper)
{
    int64_t out = (in + w->stride[i] - 1) / w->stride[i];
    int64_t total = (out - 1) * w->stride[i] + extent(w, i) - in;
    if (total < 0) total = 0;
    w->pad_begin[i] = upper ? total / 2 : total - total / 2;
    w->pad_end[i] = total - w->pad_begin[i];
}

static fv_status forward_dim(const fvi_node *n, fvi_window *w, int i, int64_t in, bool ceil_mode, fv_error *err)
{
    int64_t span = in + w->pad_begin[i] + w->pad_end[i] - extent(w, i);
    if (span < 0)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "its window of %lld is larger than the padded input of %lld",
                              (long long)extent(w, i), (long long)(in + w->pad_begin[i] + w->pad_end[i]));
    w->out[i] = (ceil_mode ? span + w->stride[i] - 1 : span) / w->stride[i] + 1;
    /* a window that would start in the padding at the end does not count */
    if (ceil_mode && (w->out[i] - 1) * w->stride[i] >= in + w->pad_begin[i]) w->out[i]--;
    return FV_OK;
}

static fv_status transposed_dim(const fvi_node *n, fvi_window *w, int i, int64_t in, const char *auto_pad, const int64_t *extra,
                                const int64_t *wanted, fv_error *err)
{
    if (in > INT64_C(1) << 32) return fvi_node_error(n, err, FV_ERR_LIMIT, "its input is too large");
    int64_t full = (in - 1) * w->stride[i] + extent(w, i) + extra[i];
    bool same = strncmp(auto_pad, "SAME", 4) == 0;
    if (wanted[i] >= 0 || same) {
        int64_t total = full - (wanted[i] >= 0 ? wanted[i] : in * w->stride[i]);
        /* beyond the full size: what is more lies at the end */
        w->pad_begin[i] = total < 0 ? 0 : strcmp(auto_pad, "SAME_UPPER") == 0 ? total / 2 : total - total / 2;
        w->pad_end[i] = total - w->pad_begin[i];
    }
    w->out[i] = full - w->pad_begin[i] - w->pad_end[i];
    return w->out[i] >= 1 ? FV_OK : fvi_node_error(n, err, FV_ERR_SHAPE, "its padding leaves nothing of dimension %d", i);
}

static fv_status window_kernel(const fvi_node *n, fvi_window *w, fv_error *err)
{
    bool pool = n->op == FVI_OP_MAX_POOL || n->op == FVI_OP_AVERAGE_POOL || n->op == FVI_OP_LP_POOL;
    FVI_TRY(read_list(n, "kernel_shape", w->n, 1, -1, w->kernel, err));
    if (pool) return w->n && w->kernel[0] < 0 ? fvi_node_error(n, err, FV_ERR_MODEL, "attribute kernel_shape is missing") : FV_OK;
    const fvi_value *weight = n->in[n->op == FVI_OP_QLINEAR_CONV ? 3 : 1];
    if (weight->rank != n->in[0]->rank)
        return fvi_node_error(n, err, FV_ERR_SHAPE, "its weights have %d dimensions, its input %d", weight->rank, n->in[0]->rank);
    for (int i = 0; i < w->n; i++) {
        int64_t k = weight->dim[i + 2];
        if (k < 1 || k > FVI_MAX_WINDOW || (w->kernel[i] >= 0 && w->kernel[i] != k))
            return fvi_node_error(n, err, FV_ERR_SHAPE, "its kernel_shape is not that of its weights");
        w->kernel[i] = k;
    }
    return FV_OK;
}

fv_status fvi_node_window(const fvi_node *n, fvi_window *w, fv_error *err)
{
    const fvi_value *x = n->in[0];
    int64_t pads[2 * FV_MAX_RANK], extra[FV_MAX_RANK], wanted[FV_MAX_RANK];
    *w = (fvi_window){.n = x->rank - 2};
    if (x->rank < 3) return fvi_node_error(n, err, FV_ERR_SHAPE, "its input needs 3 dimensions or more, it has %d", x->rank);
    FVI_TRY(window_kernel(n, w, err));
    FVI_TRY(read_list(n, "strides", w->n, 1, 1, w->stride, err));
    FVI_TRY(read_list(n, "dilations", w->n, 1, 1, w->dilation, err));
    FVI_TRY(read_list(n, "pads", 2 * w->n, 0, 0, pads, err));
    FVI_TRY(read_list(n, "output_padding", w->n, 0, 0, extra, err));
    FVI_TRY(read_list(n, "output_shape", w->n, 1, -1, wanted, err));
    const char *auto_pad = fvi_node_string(n, "auto_pad", "NOTSET");
    bool same = strcmp(auto_pad, "SAME_UPPER") == 0 || strcmp(auto_pad, "SAME_LOWER") == 0;
    if (!same && strcmp(auto_pad, "NOTSET") && strcmp(auto_pad, "VALID") && auto_pad[0])
        return fvi_node_error(n, err, FV_ERR_MODEL, "auto_pad is \"%.40s\"", auto_pad);
    bool explicit_pads = strcmp(auto_pad, "NOTSET") == 0 || !auto_pad[0];
    for (int i = 0; i < w->n; i++) {
        int64_t in = x->dim[i + 2];
        w->pad_begin[i] = explicit_pads ? pads[i] : 0;
        w->pad_end[i] = explicit_pads ? pads[i + w->n] : 0;
        w->out[i] = FVI_DIM_UNKNOWN;
        if (in < 0) continue;
        if (n->op == FVI_OP_CONV_TRANSPOSE) {
            FVI_TRY(transposed_dim(n, w, i, in, auto_pad, extra, wanted, err));
            continue;
        }
        if (same) pad_same(w, i, in, auto_pad[5] == 'U');
        FVI_TRY(forward_dim(n, w, i, in, fvi_node_int(n, "ceil_mode", 0) != 0, err));
    }
    return FV_OK;
}
