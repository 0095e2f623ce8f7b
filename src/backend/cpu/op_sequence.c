/* op_sequence.c: operators of sequence models, in plain C: LinearAttention, CausalConvWithState, RotaryEmbedding,
 * TensorScatter, SwiGLU, ReverseSequence. */
#include "backend/cpu/dense.h"
#include <math.h>
#include <string.h>

enum { MOST_VALUES = 1024 }; /* of a head of LinearAttention */

static int64_t at_least_one(int64_t n) { return n < 1 ? 1 : n; }

/* ---- LinearAttention: a state [dk, dv] a key head, updated token by token ---- */
typedef struct linear_state {
    int64_t batch, tokens, q_heads, heads, dk, dv;
    bool gated, delta, decay_each, beta_each;
    float scale;
} linear_state;

static void update(const linear_state *t, float *state, const float *k, const float *v, const float *decay, float beta, float *row)
{
    for (int64_t i = 0; t->gated && i < t->dk; i++) {
        float g = expf(decay[t->decay_each ? i : 0]);
        for (int64_t j = 0; j < t->dv; j++) state[i * t->dv + j] *= g;
    }
    for (int64_t j = 0; j < t->dv; j++) {
        float seen = 0;
        for (int64_t i = 0; t->delta && i < t->dk; i++) seen += state[i * t->dv + j] * k[i];
        row[j] = t->delta ? beta * (v[j] - seen) : v[j];
    }
    for (int64_t i = 0; i < t->dk; i++)
        for (int64_t j = 0; j < t->dv; j++) state[i * t->dv + j] += k[i] * row[j];
}

static void linear_head(const fvi_dense *d, const linear_state *t, int64_t b, int64_t h)
{
    const float *q = fvi_in_f32(d, 0), *k = fvi_in_f32(d, 1), *v = fvi_in_f32(d, 2), *decay = fvi_in_f32(d, 4), *beta = fvi_in_f32(d, 5);
    float *y = fvi_out_f32(d, 0), *state = fvi_out_f32(d, 1) + (b * t->heads + h) * t->dk * t->dv, row[MOST_VALUES];
    int64_t rep = t->q_heads / t->heads;
    for (int64_t i = 0; i < t->tokens; i++) {
        int64_t at = b * t->tokens + i;
        const float *g = decay ? decay + (at * t->heads + h) * (t->decay_each ? t->dk : 1) : NULL;
        float rate = beta ? beta[t->beta_each ? at * t->heads + h : at] : 1;
        update(t, state, k + (at * t->heads + h) * t->dk, v + (at * t->heads + h) * t->dv, g, rate, row);
        for (int64_t r = 0; r < rep; r++) {
            const float *query = q + (at * t->q_heads + h * rep + r) * t->dk;
            float *to = y + (at * t->q_heads + h * rep + r) * t->dv;
            for (int64_t j = 0; j < t->dv; j++) {
                float sum = 0;
                for (int64_t n = 0; n < t->dk; n++) sum += query[n] * state[n * t->dv + j];
                to[j] = t->scale * sum;
            }
        }
    }
}

static void run_linear(const fvi_dense *d)
{
    const linear_state *t = d->own;
    size_t bytes = (size_t)fvi_tensor_count(&d->out[1]) * sizeof(float);
    if (fvi_in(d, 3))
        memcpy(d->out[1].data, fvi_in(d, 3), bytes);
    else
        memset(d->out[1].data, 0, bytes);
    for (int64_t b = 0; b < t->batch; b++)
        for (int64_t h = 0; h < t->heads; h++) linear_head(d, t, b, h);
}

static fv_status need_floats(const fvi_step *s, int from, int to, fv_error *err)
{
    for (int i = from; i < to && i < s->n_in; i++)
        if (fvi_cpu_has_input(s, i)) FVI_TRY(fvi_cpu_need_type(s->in[i].dtype, FVI_TYPE_BIT(FV_F32), err));
    return FV_OK;
}

static bool holds(const fvi_step *s, int i, int64_t count) { return !fvi_cpu_has_input(s, i) || fvi_tensor_count(&s->in[i]) == count; }

static fv_status prepare_linear(fvi_step *s, fv_error *err)
{
    linear_state *t;
    const char *rule = fvi_node_string(s->node, "update_rule", "gated_delta");
    FVI_TRY(need_floats(s, 0, 6, err));
    FVI_TRY(fvi_cpu_prepare_dense(s, run_linear, "linear attention", sizeof *t, &t, err));
    t->gated = strncmp(rule, "gated", 5) == 0;
    t->delta = strstr(rule, "delta") != NULL;
    t->batch = s->in[0].dim[0];
    t->tokens = s->in[0].dim[1];
    t->q_heads = at_least_one(fvi_node_int(s->node, "q_num_heads", 1));
    t->heads = at_least_one(fvi_node_int(s->node, "kv_num_heads", 1));
    t->dk = s->in[0].dim[2] / t->q_heads;
    t->dv = s->in[2].dim[2] / t->heads;
    int64_t all = t->batch * t->tokens;
    if ((t->gated && !fvi_cpu_has_input(s, 4)) || (t->delta && !fvi_cpu_has_input(s, 5))) return fvi_error_set(err, FV_ERR_MODEL, "its update rule needs decay or beta");
    t->decay_each = fvi_cpu_has_input(s, 4) && s->in[4].dim[2] == t->heads * t->dk && t->dk > 1;
    t->beta_each = fvi_cpu_has_input(s, 5) && s->in[5].dim[2] == t->heads;
    bool fits = holds(s, 1, all * t->heads * t->dk) && holds(s, 2, all * t->heads * t->dv) && holds(s, 3, t->batch * t->heads * t->dk * t->dv) && holds(s, 4, all * t->heads * (t->decay_each ? t->dk : 1)) &&
                holds(s, 5, all * (t->beta_each ? t->heads : 1)) && t->q_heads % t->heads == 0 && s->n_out == 2;
    if (!fits) return fvi_error_set(err, FV_ERR_SHAPE, "its inputs do not fit each other");
    if (t->dv > MOST_VALUES) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "heads of %lld values (at most %d)", (long long)t->dv, MOST_VALUES);
    t->scale = fvi_node_float(s->node, "scale", 0);
    if (t->scale == 0) t->scale = 1 / sqrtf((float)t->dk);
    return FV_OK;
}

/* ---- CausalConvWithState: each channel by its own kernel over what was and is ---- */
static void run_causal(const fvi_dense *d)
{
    const fvi_tensor *x = &d->in[0];
    int64_t channels = x->dim[1], length = x->dim[2], k = d->in[1].dim[2], keep = k - 1;
    const float *xs = fvi_in_f32(d, 0), *w = fvi_in_f32(d, 1), *bias = fvi_in_f32(d, 2), *past = fvi_in_f32(d, 3);
    const char *act = fvi_node_string(d->s->node, "activation", "none");
    for (int64_t r = 0; r < x->dim[0] * channels; r++) {
        const float *row = xs + r * length, *kernel = w + r % channels * k;
#define AT(i) ((i) >= keep ? row[(i) - keep] : past ? past[r * keep + (i)] : 0)
        for (int64_t i = 0; i < length; i++) {
            float sum = bias ? bias[r % channels] : 0;
            for (int64_t j = 0; j < k; j++) sum += kernel[j] * AT(i + j);
            fvi_out_f32(d, 0)[r * length + i] = strcmp(act, "none") == 0 ? sum : sum / (1 + expf(-sum));
        }
        for (int64_t i = 0; i < keep && d->s->n_out > 1; i++) fvi_out_f32(d, 1)[r * keep + i] = AT(length + i);
#undef AT
    }
}

static fv_status prepare_causal(fvi_step *s, fv_error *err)
{
    FVI_TRY(need_floats(s, 0, 4, err));
    int64_t b = s->in[0].dim[0], c = s->in[0].dim[1], k = s->in[1].dim[2];
    if (!holds(s, 1, c * k) || !holds(s, 2, c) || !holds(s, 3, b * c * (k - 1))) return fvi_error_set(err, FV_ERR_SHAPE, "its inputs do not fit each other");
    return fvi_cpu_prepare_dense(s, run_causal, "causal convolution", 0, NULL, err);
}

/* ---- RotaryEmbedding ---- */
typedef struct rotary_state {
    int64_t batch, heads, tokens, size, half;
    int64_t head_stride, token_stride;
    bool interleaved;
} rotary_state;

static void run_rotary(const fvi_dense *d)
{
    const rotary_state *t = d->own;
    const float *x = fvi_in_f32(d, 0), *cosines = fvi_in_f32(d, 1), *sines = fvi_in_f32(d, 2);
    float *y = fvi_out_f32(d, 0);
    int64_t rows = fvi_tensor_count(&d->in[1]) / t->half;
    memcpy(y, x, (size_t)fvi_tensor_count(&d->in[0]) * sizeof *y);
    for (int64_t b = 0; b < t->batch; b++)
        for (int64_t i = 0; i < t->tokens; i++) {
            int64_t at = b * t->tokens + i, row = fvi_in(d, 3) ? fvi_integer_at(&d->in[3], fvi_tensor_count(&d->in[3]) == t->tokens ? i : at) : at;
            row = row < 0 ? 0 : row < rows ? row : rows - 1; /* from data: clamped */
            for (int64_t h = 0; h < t->heads; h++) {
                int64_t base = b * t->heads * t->tokens * t->size + h * t->head_stride + i * t->token_stride;
                for (int64_t k = 0; k < t->half; k++) {
                    int64_t first = base + (t->interleaved ? 2 * k : k), second = first + (t->interleaved ? 1 : t->half);
                    float c = cosines[row * t->half + k], s = sines[row * t->half + k];
                    y[first] = c * x[first] - s * x[second];
                    y[second] = s * x[first] + c * x[second];
                }
            }
        }
}

static fv_status prepare_rotary(fvi_step *s, fv_error *err)
{
    rotary_state *t;
    const fvi_tensor *x = &s->in[0];
    FVI_TRY(need_floats(s, 0, 3, err));
    FVI_TRY(fvi_cpu_prepare_dense(s, run_rotary, "rotary embedding", sizeof *t, &t, err));
    bool flat = x->rank == 3;
    int64_t heads = fvi_node_int(s->node, "num_heads", 0), part = fvi_node_int(s->node, "rotary_embedding_dim", 0);
    if ((!flat && x->rank != 4) || (flat && (heads < 1 || x->dim[2] % heads))) return fvi_error_set(err, FV_ERR_SHAPE, "its input does not divide into num_heads");
    t->batch = x->dim[0];
    t->heads = flat ? heads : x->dim[1];
    t->tokens = flat ? x->dim[1] : x->dim[2];
    t->size = flat ? x->dim[2] / heads : x->dim[3];
    t->head_stride = flat ? t->size : t->tokens * t->size;
    t->token_stride = flat ? t->heads * t->size : t->size;
    t->interleaved = fvi_node_int(s->node, "interleaved", 0) != 0;
    t->half = (part > 0 ? part : t->size) / 2;
    bool ids = fvi_cpu_has_input(s, 3);
    if (ids) FVI_TRY(fvi_cpu_need_type(s->in[3].dtype, FVI_TYPE_BIT(FV_I64) | FVI_TYPE_BIT(FV_I32), err));
    int64_t table = fvi_tensor_count(&s->in[1]), n = ids ? fvi_tensor_count(&s->in[3]) : 0, all = t->batch * t->tokens;
    bool fits = t->half > 0 && 2 * t->half <= t->size && table > 0 && s->in[1].dim[s->in[1].rank - 1] == t->half && fvi_tensor_count(&s->in[2]) == table && (ids ? n == all || n == t->tokens : table == all * t->half);
    return fits ? FV_OK : fvi_error_set(err, FV_ERR_SHAPE, "its caches and positions do not fit its input");
}

/* ---- TensorScatter: an update written into a cache ---- */
typedef struct scatter_state {
    int axis;
    bool circular;
} scatter_state;

static void run_scatter(const fvi_dense *d)
{
    const scatter_state *t = d->own;
    const fvi_tensor *cache = &d->in[0], *fresh = &d->in[1];
    int64_t length = cache->dim[t->axis], count = fresh->dim[t->axis], outer = fvi_dims_product(cache, 1, t->axis), row = fvi_dims_product(cache, t->axis + 1, cache->rank) * (int64_t)fv_dtype_size(cache->dtype);
    memcpy(d->out[0].data, cache->data, (size_t)(fvi_tensor_count(cache) * (int64_t)fv_dtype_size(cache->dtype)));
    for (int64_t b = 0; b < cache->dim[0]; b++) {
        int64_t first = fvi_in(d, 2) ? fvi_integer_at(&d->in[2], b) : 0;
        first = first < 0 ? 0 : first; /* from data: clamped */
        for (int64_t o = 0; o < outer; o++)
            for (int64_t i = 0; i < count; i++) {
                int64_t at = t->circular ? (first % length + i) % length : first + i;
                if (first > length || at >= length) break;
                memcpy(d->out[0].data + ((b * outer + o) * length + at) * row, fresh->data + ((b * outer + o) * count + i) * row, (size_t)row);
            }
    }
}

static fv_status prepare_scatter(fvi_step *s, fv_error *err)
{
    scatter_state *t;
    int64_t axis = fvi_node_int(s->node, "axis", -2);
    const fvi_tensor *c = &s->in[0], *u = &s->in[1];
    if (!fvi_cpu_axis(&axis, c->rank) || axis == 0) return fvi_error_set(err, FV_ERR_MODEL, "axis is out of range");
    bool fits = c->rank == u->rank && c->dtype == u->dtype && u->dim[axis] <= c->dim[axis] && holds(s, 2, c->dim[0]);
    for (int i = 0; fits && i < c->rank; i++) fits = i == axis || c->dim[i] == u->dim[i];
    if (!fits) return fvi_error_set(err, FV_ERR_SHAPE, "its update does not fit its cache");
    FVI_TRY(fvi_cpu_prepare_dense(s, run_scatter, "scatter into a cache", sizeof *t, &t, err));
    t->axis = (int)axis;
    t->circular = strcmp(fvi_node_string(s->node, "mode", "linear"), "circular") == 0;
    return FV_OK;
}

/* ---- SwiGLU ---- */
static void run_swiglu(const fvi_dense *d)
{
    const float *a = fvi_in_f32(d, 0), *b = fvi_in_f32(d, 1);
    float alpha = fvi_node_float(d->s->node, "alpha", 1), *y = fvi_out_f32(d, 0);
    for (int64_t i = 0, n = fvi_tensor_count(&d->out[0]); i < n; i++) y[i] = a[i] / (1 + expf(-alpha * a[i])) * b[i];
}

static fv_status prepare_swiglu(fvi_step *s, fv_error *err)
{
    FVI_TRY(need_floats(s, 0, 2, err));
    if (!fvi_tensor_same_shape(&s->in[0], &s->in[1])) return fvi_error_set(err, FV_ERR_SHAPE, "its inputs differ in shape");
    return fvi_cpu_prepare_dense(s, run_swiglu, "swiglu", 0, NULL, err);
}

/* ---- ReverseSequence ---- */
static void run_reverse(const fvi_dense *d)
{
    const int64_t *axes = d->own; /* batch, time */
    const fvi_tensor *x = &d->in[0];
    int64_t row = fvi_dims_product(x, 2, x->rank) * (int64_t)fv_dtype_size(x->dtype);
    for (int64_t i = 0; i < x->dim[0]; i++)
        for (int64_t j = 0; j < x->dim[1]; j++) {
            int64_t b = axes[0] == 0 ? i : j, at = axes[0] == 0 ? j : i, n = fvi_integer_at(&d->in[1], b);
            int64_t from = at < n && n <= x->dim[axes[1]] ? n - 1 - at : at;
            int64_t source = axes[0] == 0 ? i * x->dim[1] + from : from * x->dim[1] + j;
            memcpy(d->out[0].data + (i * x->dim[1] + j) * row, x->data + source * row, (size_t)row);
        }
}

static fv_status prepare_reverse(fvi_step *s, fv_error *err)
{
    int64_t *axes, batch = fvi_node_int(s->node, "batch_axis", 1), time = fvi_node_int(s->node, "time_axis", 0);
    FVI_TRY(fvi_cpu_need_type(s->in[1].dtype, FVI_TYPE_BIT(FV_I64), err));
    if (s->in[0].rank < 2 || batch + time != 1 || batch < 0 || batch > 1 || fvi_tensor_count(&s->in[1]) != s->in[0].dim[batch])
        return fvi_error_set(err, FV_ERR_SHAPE, "its axes must be 0 and 1, with one length for each sequence");
    FVI_TRY(fvi_cpu_prepare_dense(s, run_reverse, "reverse", 2 * sizeof *axes, &axes, err));
    axes[0] = batch, axes[1] = time;
    return FV_OK;
}

static bool one_of(const char *v, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(v, *list) == 0) return true;
    return false;
}

static const char *refuse(const fvi_node *n)
{
    static const char *const rules[] = {"linear", "gated", "delta", "gated_delta", NULL}, *const acts[] = {"none", "silu", "swish", NULL}, *const modes[] = {"linear", "circular", NULL};
    if (n->op == FVI_OP_LINEAR_ATTENTION && !one_of(fvi_node_string(n, "update_rule", "gated_delta"), rules)) return "an unknown update_rule";
    if (n->op == FVI_OP_CAUSAL_CONV && !one_of(fvi_node_string(n, "activation", "none"), acts)) return "an unknown activation";
    if (n->op == FVI_OP_TENSOR_SCATTER && !one_of(fvi_node_string(n, "mode", "linear"), modes)) return "an unknown mode";
    bool any = n->op == FVI_OP_TENSOR_SCATTER || n->op == FVI_OP_REVERSE_SEQUENCE;
    return fvi_cpu_refuse_type(n->in[0]->dtype, any ? (unsigned)FVI_TYPES_ANY : FVI_TYPE_BIT(FV_F32));
}

#define OP(id, prepare) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_DENSE, false, refuse, NULL, prepare}
const fvi_cpu_op fvi_cpu_sequence_ops[] = {
    OP(LINEAR_ATTENTION, prepare_linear),
    OP(CAUSAL_CONV, prepare_causal),
    OP(ROTARY_EMBEDDING, prepare_rotary),
    OP(TENSOR_SCATTER, prepare_scatter),
    OP(SWIGLU, prepare_swiglu),
    OP(REVERSE_SEQUENCE, prepare_reverse),
    {FVI_OP_NONE},
};
