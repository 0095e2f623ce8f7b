/* op_nd.c: see op_nd.h. A channel of the output at a time, one output element after the other. */
#include "backend/cpu/dense.h"
#include "backend/cpu/loop.h"
#include "backend/cpu/op_nd.h"
#include "base/checked.h"
#include "kern/act.h"
#include "model/graph/shape.h"
#include <math.h>
#include <string.h>

typedef struct nd_state {
    fvi_window w;
    int64_t in[FV_MAX_RANK], out[FV_MAX_RANK]; /* spatial */
    int64_t in_count, out_count, taps;
    int64_t groups;
    bool count_pads, column_major;
    int64_t p; /* LpPool */
    fvi_act_fn act;
    int chunks;
} nd_state;

static void split(int64_t flat, const int64_t *dim, int n, int64_t *pos)
{
    for (int i = n - 1; i >= 0; i--) {
        pos[i] = flat % dim[i];
        flat /= dim[i];
    }
}

/* Flat place in the input that tap `tap` of output position `o` reads; -1 = in the padding. */
static int64_t tap_place(const nd_state *t, const int64_t *o, int64_t tap)
{
    int64_t k[FV_MAX_RANK], at = 0;
    split(tap, t->w.kernel, t->w.n, k);
    for (int i = 0; i < t->w.n; i++) {
        int64_t p = o[i] * t->w.stride[i] - t->w.pad_begin[i] + k[i] * t->w.dilation[i];
        if (p < 0 || p >= t->in[i]) return -1;
        at = at * t->in[i] + p;
    }
    return at;
}

/* ---- pools ---- */
/* Taps that AveragePool counts: those inside the padded picture. */
static int64_t padded_taps(const nd_state *t, const int64_t *o)
{
    int64_t n = 1;
    for (int i = 0; i < t->w.n; i++) {
        int64_t first = o[i] * t->w.stride[i] - t->w.pad_begin[i], room = t->in[i] + t->w.pad_end[i] - first;
        int64_t k = (room + t->w.dilation[i] - 1) / t->w.dilation[i];
        n *= k < t->w.kernel[i] ? k : t->w.kernel[i];
    }
    return n > 0 ? n : 1;
}

/* Indices count elements of the whole input; column-major: within the channel, the first spatial dim runs fastest. */
static int64_t index_of(const nd_state *t, int64_t map, int64_t place)
{
    int64_t pos[FV_MAX_RANK], at = 0;
    if (!t->column_major) return map * t->in_count + place;
    split(place, t->in, t->w.n, pos);
    for (int i = t->w.n - 1; i >= 0; i--) at = at * t->in[i] + pos[i];
    return map * t->in_count + at;
}

static void pool_map(const fvi_dense *d, const nd_state *t, int64_t map)
{
    fvi_op op = d->s->node->op;
    const fvi_tensor *x = &d->in[0];
    bool bytes = x->dtype == FV_U8 || x->dtype == FV_I8;
    int64_t *places = fvi_cpu_wants_indices(d->s->node) ? (int64_t *)(void *)d->out[1].data : NULL;
    for (int64_t f = 0; f < t->out_count; f++) {
        int64_t o[FV_MAX_RANK], inside = 0, best = -1;
        double most = -INFINITY, sum = 0;
        split(f, t->out, t->w.n, o);
        for (int64_t tap = 0; tap < t->taps; tap++) {
            int64_t at = tap_place(t, o, tap);
            if (at < 0) continue;
            double v = bytes ? fvi_number_at(x, map * t->in_count + at) : (double)((const float *)(const void *)x->data)[map * t->in_count + at];
            inside++;
            if (best < 0 || v > most) most = v, best = at;
            sum += op == FVI_OP_LP_POOL ? (t->p == 2 ? v * v : pow(fabs(v), (double)t->p)) : v;
        }
        double value = op == FVI_OP_MAX_POOL ? most : op == FVI_OP_LP_POOL ? pow(sum, 1.0 / (double)t->p) : inside ? sum / (double)(t->count_pads ? padded_taps(t, o) : inside) : 0;
        int64_t to = map * t->out_count + f;
        if (bytes)
            d->out[0].data[to] = (char)(best < 0 ? (x->dtype == FV_I8 ? -128 : 0) : (int)value);
        else
            fvi_out_f32(d, 0)[to] = (float)value;
        if (places) places[to] = index_of(t, map, best < 0 ? 0 : best);
    }
}

static void pool_chunk(void *arg, int c, int thread)
{
    const fvi_dense *d = arg;
    const nd_state *t = d->own;
    int64_t maps = d->in[0].dim[0] * d->in[0].dim[1];
    (void)thread;
    for (int64_t m = maps * c / t->chunks; m < maps * (c + 1) / t->chunks; m++) pool_map(d, t, m);
}
static void run_pool(const fvi_dense *d) { fvi_pool_run(d->s->env->pool, pool_chunk, (void *)(uintptr_t)d, ((const nd_state *)d->own)->chunks); }

static fv_status start(fvi_step *s, fvi_dense_fn fn, const char *tactic, nd_state **out, fv_error *err)
{
    nd_state *t;
    if (s->in[0].rank != s->out[0].rank || s->in[0].rank < 3) return fvi_error_set(err, FV_ERR_SHAPE, "input and output differ in rank");
    FVI_TRY(fvi_cpu_prepare_dense(s, fn, tactic, sizeof *t, out, err));
    t = *out;
    FVI_TRY(fvi_node_window(s->node, &t->w, err));
    t->in_count = t->out_count = t->taps = 1;
    for (int i = 0; i < t->w.n; i++) {
        t->in[i] = s->in[0].dim[2 + i];
        t->out[i] = s->out[0].dim[2 + i];
        t->in_count *= t->in[i];
        t->out_count *= t->out[i];
        if (!fvi_mul_i64(t->taps, t->w.kernel[i], &t->taps) || t->taps > INT64_C(1) << 32) return fvi_error_set(err, FV_ERR_LIMIT, "its window is too large");
        if (t->out[i] != t->w.out[i]) return fvi_error_set(err, FV_ERR_SHAPE, "output shape does not fit the window");
    }
    return FV_OK;
}

bool fvi_cpu_wants_indices(const fvi_node *n) { return n->op == FVI_OP_MAX_POOL && n->n_out > 1 && n->out[1] && n->out[1]->uses > 0; }

fv_status fvi_cpu_prepare_pool_nd(fvi_step *s, fv_error *err)
{
    nd_state *t;
    bool max = s->node->op == FVI_OP_MAX_POOL;
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPE_BIT(FV_F32) | (max ? FVI_TYPE_BIT(FV_I8) | FVI_TYPE_BIT(FV_U8) : 0), err));
    if (s->in[0].dim[0] != s->out[0].dim[0] || s->in[0].dim[1] != s->out[0].dim[1]) return fvi_error_set(err, FV_ERR_SHAPE, "pooling must keep batch and channels");
    FVI_TRY(start(s, run_pool, "pool n-d plain", &t, err));
    t->count_pads = fvi_node_int(s->node, "count_include_pad", 0) != 0;
    t->column_major = fvi_node_int(s->node, "storage_order", 0) != 0;
    t->p = fvi_node_int(s->node, "p", 2);
    if (t->p < 1) return fvi_error_set(err, FV_ERR_MODEL, "p must be above 0");
    t->chunks = fvi_chunks_for(5.0 * (double)(fvi_tensor_count(&s->out[0]) * t->taps), s->in[0].dim[0] * s->in[0].dim[1]);
    return FV_OK;
}

/* ---- convolutions ---- */
static void finish(const fvi_dense *d, const nd_state *t, float *y)
{
    if (d->s->node->act != FVI_ACT_NONE) t->act(y, 0, y, 0, NULL, 0, 1, (ptrdiff_t)t->out_count, d->s->node->act_alpha, d->s->node->act_beta);
}

static void conv_map(const fvi_dense *d, const nd_state *t, int64_t n, int64_t m)
{
    const float *x = fvi_in_f32(d, 0), *w = fvi_in_f32(d, 1), *bias = fvi_in_f32(d, 2);
    int64_t outs = d->out[0].dim[1], each = d->in[1].dim[1], group = m / (outs / t->groups);
    float *y = fvi_out_f32(d, 0) + (n * outs + m) * t->out_count;
    for (int64_t f = 0; f < t->out_count; f++) {
        int64_t o[FV_MAX_RANK];
        float sum = bias ? bias[m] : 0;
        split(f, t->out, t->w.n, o);
        for (int64_t tap = 0; tap < t->taps; tap++) {
            int64_t at = tap_place(t, o, tap);
            const float *from = x + (n * d->in[0].dim[1] + group * each) * t->in_count + at, *weight = w + m * each * t->taps + tap;
            for (int64_t c = 0; at >= 0 && c < each; c++) sum += weight[c * t->taps] * from[c * t->in_count];
        }
        y[f] = sum;
    }
    finish(d, t, y);
}

/* Each input element is spread over the output by the kernel. */
static void transposed_map(const fvi_dense *d, const nd_state *t, int64_t n, int64_t m)
{
    const float *x = fvi_in_f32(d, 0), *w = fvi_in_f32(d, 1), *bias = fvi_in_f32(d, 2);
    int64_t outs = d->out[0].dim[1], each = outs / t->groups, group = m / each, ins = d->in[0].dim[1] / t->groups;
    float *y = fvi_out_f32(d, 0) + (n * outs + m) * t->out_count;
    for (int64_t f = 0; f < t->out_count; f++) y[f] = bias ? bias[m] : 0;
    for (int64_t f = 0; f < t->in_count; f++) {
        int64_t pos[FV_MAX_RANK], k[FV_MAX_RANK];
        split(f, t->in, t->w.n, pos);
        for (int64_t tap = 0; tap < t->taps; tap++) {
            int64_t to = 0;
            split(tap, t->w.kernel, t->w.n, k);
            for (int i = 0; i < t->w.n && to >= 0; i++) {
                int64_t p = pos[i] * t->w.stride[i] - t->w.pad_begin[i] + k[i] * t->w.dilation[i];
                to = p < 0 || p >= t->out[i] ? -1 : to * t->out[i] + p;
            }
            for (int64_t c = 0; to >= 0 && c < ins; c++)
                y[to] += x[(n * d->in[0].dim[1] + group * ins + c) * t->in_count + f] * w[((group * ins + c) * each + m % each) * t->taps + tap];
        }
    }
    finish(d, t, y);
}

static void conv_chunk(void *arg, int c, int thread)
{
    const fvi_dense *d = arg;
    const nd_state *t = d->own;
    int64_t outs = d->out[0].dim[1], maps = d->out[0].dim[0] * outs;
    (void)thread;
    for (int64_t i = maps * c / t->chunks; i < maps * (c + 1) / t->chunks; i++) (d->s->node->op == FVI_OP_CONV ? conv_map : transposed_map)(d, t, i / outs, i % outs);
}
static void run_conv(const fvi_dense *d) { fvi_pool_run(d->s->env->pool, conv_chunk, (void *)(uintptr_t)d, ((const nd_state *)d->own)->chunks); }

fv_status fvi_cpu_prepare_conv_nd(fvi_step *s, fv_error *err)
{
    nd_state *t;
    for (int i = 0; i < s->n_in; i++)
        if (fvi_cpu_has_input(s, i)) FVI_TRY(fvi_cpu_need_type(s->in[i].dtype, FVI_TYPE_BIT(FV_F32), err));
    for (int i = 1; i < s->n_in; i++)
        if (fvi_cpu_has_input(s, i) && !s->in[i].data) return fvi_error_set(err, FV_ERR_MODEL, "its weights are not in the engine file");
    if (s->residual.dtype != FV_NONE) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "a fused residual over %d dimensions", s->in[0].rank);
    FVI_TRY(start(s, run_conv, "conv n-d plain", &t, err));
    t->groups = fvi_node_int(s->node, "group", 1);
    bool plain = s->node->op == FVI_OP_CONV;
    int64_t ins = s->in[0].dim[1], outs = s->out[0].dim[1], g = t->groups;
    const fvi_tensor *w = &s->in[1];
    bool fits = g >= 1 && ins % g == 0 && outs % g == 0 && s->in[0].dim[0] == s->out[0].dim[0] && w->dim[0] == (plain ? outs : ins) && w->dim[1] == (plain ? ins : outs) / g &&
                (!fvi_cpu_has_input(s, 2) || fvi_tensor_count(&s->in[2]) == outs);
    if (!fits) return fvi_error_set(err, FV_ERR_SHAPE, "weights or bias do not fit the channels");
    fvi_act_kern act;
    fvi_act_kern_init(&act, s->env->cpu);
    t->act = act.fn[s->node->act];
    double work = plain ? (double)fvi_tensor_count(&s->out[0]) * (double)w->dim[1] * (double)t->taps : (double)fvi_tensor_count(&s->in[0]) * (double)w->dim[1] * (double)t->taps;
    t->chunks = fvi_chunks_for(work, s->out[0].dim[0] * outs);
    s->flops = 2 * work;
    return FV_OK;
}
