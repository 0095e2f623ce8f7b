/* op_norm.c: normalisations over some dims: Layer-, RMS-, Instance-, Group-, Lp- and MeanVarianceNormalization, LogSoftmax,
 * Hardmax. Turns groups of elements into the same elements with their mean, size or maximum taken out. */
#include "backend/cpu/fold_dims.h"
#include "backend/cpu/loop.h"
#include "kern/reduce.h"
#include <math.h>
#include <string.h>

typedef struct norm_state {
    fvi_tensor kept[4], gone[4]; /* y, x, scale, bias over the dims that stay, and over those of one group */
    fvi_tensor extra[2];         /* LayerNormalization: mean and 1/deviation, over the dims that stay; dtype FV_NONE = not wanted */
    bool scaled, biased, line;   /* line: a group is one contiguous row of y and x */
    int64_t count, size;
    int chunks, p;
    double epsilon;
    fvi_reduce reduce;
    void (*group)(const struct norm_state *m, int64_t i);
} norm_state;

static float *at(const fvi_tensor *t, int64_t i) { return (float *)(void *)t->data + fvi_flat_offset(t, i); }

/* Sum of x, or of (x - mean)^2: of rows in pieces whose sums are added in double. */
static double total(const norm_state *m, const float *x, float mean, bool squares)
{
    enum { PIECE = 4096 };
    double sum = 0;
    if (m->line) {
        for (int64_t k = 0; k < m->size; k += PIECE) {
            size_t n = (size_t)(m->size - k < PIECE ? m->size - k : PIECE);
            sum += (double)(squares ? m->reduce.squares(x + k, n, mean) : m->reduce.sum(x + k, n));
        }
        return sum;
    }
    for (int64_t k = 0; k < m->size; k++) {
        double v = (double)(x[fvi_flat_offset(&m->gone[1], k)] - mean);
        sum += squares ? v * v : v;
    }
    return sum;
}

static bool contiguous(const fvi_tensor *t) { return t->rank == 1 && t->stride[0] == 1; }

static void write_line(float *y, const float *x, int64_t n, float mean, float factor, const float *scale, const float *bias)
{
    if (scale && bias)
        for (int64_t k = 0; k < n; k++) y[k] = (x[k] - mean) * factor * scale[k] + bias[k];
    else if (scale)
        for (int64_t k = 0; k < n; k++) y[k] = (x[k] - mean) * factor * scale[k];
    else
        for (int64_t k = 0; k < n; k++) y[k] = (x[k] - mean) * factor;
}

static void write_group(const norm_state *m, int64_t i, const float *x, float mean, float factor)
{
    float *y = at(&m->kept[0], i);
    const float *scale = m->scaled ? at(&m->kept[2], i) : NULL, *bias = m->biased ? at(&m->kept[3], i) : NULL;
    bool line = m->line && (!scale || contiguous(&m->gone[2])) && (!bias || (scale && contiguous(&m->gone[3])));
    if (line) {
        write_line(y, x, m->size, mean, factor, scale, bias);
        return;
    }
    for (int64_t k = 0; k < m->size; k++) {
        float v = (x[m->line ? k : fvi_flat_offset(&m->gone[1], k)] - mean) * factor;
        if (scale) v *= scale[fvi_flat_offset(&m->gone[2], k)];
        if (bias) v += bias[fvi_flat_offset(&m->gone[3], k)];
        y[m->line ? k : fvi_flat_offset(&m->gone[0], k)] = v;
    }
}

static void centred(const norm_state *m, int64_t i)
{
    const float *x = at(&m->kept[1], i);
    float mean = (float)(total(m, x, 0, false) / (double)m->size);
    float factor = (float)(1 / sqrt(total(m, x, mean, true) / (double)m->size + m->epsilon));
    write_group(m, i, x, mean, factor);
    if (m->extra[0].dtype != FV_NONE) *at(&m->extra[0], i) = mean;
    if (m->extra[1].dtype != FV_NONE) *at(&m->extra[1], i) = factor;
}

/* MeanVarianceNormalization: the epsilon is added to the deviation, not to the variance. */
static void mean_variance(const norm_state *m, int64_t i)
{
    const float *x = at(&m->kept[1], i);
    float mean = (float)(total(m, x, 0, false) / (double)m->size);
    write_group(m, i, x, mean, (float)(1 / (sqrt(total(m, x, mean, true) / (double)m->size) + 1e-9)));
}

static void root_mean_square(const norm_state *m, int64_t i)
{
    const float *x = at(&m->kept[1], i);
    write_group(m, i, x, 0, (float)(1 / sqrt(total(m, x, 0, true) / (double)m->size + m->epsilon)));
}

/* A group of zeros stays zeros. */
static void lp(const norm_state *m, int64_t i)
{
    const float *x = at(&m->kept[1], i);
    double sum = 0;
    for (int64_t k = 0; k < m->size && m->p == 1; k++) sum += fabs((double)x[fvi_flat_offset(&m->gone[1], k)]);
    if (m->p == 2) sum = sqrt(total(m, x, 0, true));
    write_group(m, i, x, 0, sum > 0 ? (float)(1 / sum) : 0);
}

static void log_softmax(const norm_state *m, int64_t i)
{
    const float *x = at(&m->kept[1], i);
    float max = -INFINITY;
    double sum = 0;
    for (int64_t k = 0; k < m->size; k++) max = fmaxf(max, x[fvi_flat_offset(&m->gone[1], k)]);
    for (int64_t k = 0; k < m->size; k++) sum += exp((double)(x[fvi_flat_offset(&m->gone[1], k)] - max));
    float less = (float)log(sum), *y = at(&m->kept[0], i);
    for (int64_t k = 0; k < m->size; k++) y[fvi_flat_offset(&m->gone[0], k)] = x[fvi_flat_offset(&m->gone[1], k)] - max - less;
}

/* 1 at the first maximum, 0 elsewhere */
static void hardmax(const norm_state *m, int64_t i)
{
    const float *x = at(&m->kept[1], i);
    float *y = at(&m->kept[0], i), max = x[0];
    int64_t best = 0;
    for (int64_t k = 1; k < m->size; k++) {
        float v = x[fvi_flat_offset(&m->gone[1], k)];
        if (v > max) {
            best = k;
            max = v;
        }
    }
    for (int64_t k = 0; k < m->size; k++) y[fvi_flat_offset(&m->gone[0], k)] = k == best;
}

static void chunk(void *arg, int c, int thread)
{
    const norm_state *m = arg;
    (void)thread;
    for (int64_t i = m->count * c / m->chunks; i < m->count * (c + 1) / m->chunks; i++) m->group(m, i);
}

static void run(fvi_step *s)
{
    norm_state *m = s->state;
    if (m->count == 0 || m->size == 0) return;
    if (m->chunks == 1)
        chunk(m, 0, 0);
    else
        fvi_pool_run(s->env->pool, chunk, m, m->chunks);
}

/* ---- prepare ---- */
static void append(fvi_tensor *t, int64_t dim, int64_t stride)
{
    t->dim[t->rank] = dim;
    t->stride[t->rank++] = stride;
}

/* t: y, x and (dtype FV_NONE = none) scale and bias, already of the shape of x. */
static fv_status split(fvi_step *s, const fvi_tensor *t, uint32_t axes, norm_state **out, fv_error *err)
{
    if (!fvi_tensor_same_shape(&t[0], &t[1])) return fvi_error_set(err, FV_ERR_SHAPE, "output shape differs from input shape");
    FVI_TRY(fvi_cpu_new_state(s, sizeof(norm_state), err));
    norm_state *m = s->state;
    fvi_reduce_init(&m->reduce, s->env->cpu);
    m->count = m->size = 1;
    m->scaled = t[2].dtype != FV_NONE;
    m->biased = t[3].dtype != FV_NONE;
    for (int k = 0; k < 4; k++) {
        const fvi_tensor *from = t[k].dtype == FV_NONE ? &t[1] : &t[k];
        m->kept[k] = m->gone[k] = (fvi_tensor){.dtype = from->dtype, .data = from->data};
        for (int i = 0; i < t[1].rank; i++) append(axes >> i & 1 ? &m->gone[k] : &m->kept[k], t[1].dim[i], from->stride[i]);
    }
    for (int i = 0; i < t[1].rank; i++) *(axes >> i & 1 ? &m->size : &m->count) *= t[1].dim[i];
    fvi_tensor_coalesce(m->gone, 4);
    m->line = m->gone[0].rank == 1 && m->gone[0].stride[0] == 1 && m->gone[1].stride[0] == 1;
    /* kept dims stay in their order: the extra outputs count in it */
    for (int k = 0; k < 4; k++)
        if (m->kept[k].rank == 0) append(&m->kept[k], 1, 0);
    m->chunks = fvi_chunks_for(4.0 * (double)m->count * (double)m->size, m->count);
    s->run = run;
    s->tactic = m->line ? "normalise rows" : "normalise plain";
    *out = m;
    return FV_OK;
}

static fv_status need_floats(const fvi_step *s, fv_error *err)
{
    for (int i = 0; i < s->n_in; i++)
        if (fvi_cpu_has_input(s, i)) FVI_TRY(fvi_cpu_need_type(s->in[i].dtype, FVI_TYPE_BIT(FV_F32), err));
    return FV_OK;
}

/* Layer- and RMSNormalization: over all dims from `axis` on; scale and bias broadcast to the input. */
static fv_status prepare_layer(fvi_step *s, fv_error *err)
{
    const fvi_tensor *x = &s->in[0];
    int64_t axis = fvi_node_int(s->node, "axis", -1);
    bool rms = s->node->op == FVI_OP_RMS_NORM;
    FVI_TRY(need_floats(s, err));
    if (!fvi_cpu_axis(&axis, x->rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis is out of range");
    fvi_tensor t[4] = {s->out[0], *x};
    for (int k = 1; k < 3; k++)
        if (fvi_cpu_has_input(s, k) && !fvi_tensor_broadcast(&t[k + 1], &s->in[k], x->rank, x->dim))
            return fvi_error_set(err, FV_ERR_SHAPE, "its input %d does not broadcast to its input 0", k);
    norm_state *m;
    FVI_TRY(split(s, t, ((1u << x->rank) - 1) & ~((1u << axis) - 1), &m, err));
    m->epsilon = (double)fvi_node_float(s->node, "epsilon", 1e-5f);
    m->group = rms ? root_mean_square : centred;
    for (int k = 1; k < s->n_out && k < 3; k++) {
        fvi_tensor *e = &m->extra[k - 1];
        if (s->out[k].dtype == FV_NONE) continue;
        *e = s->out[k];
        if (e->dtype != FV_F32 || fvi_tensor_count(e) != m->count || e->rank < 1) return fvi_error_set(err, FV_ERR_SHAPE, "output %d has another shape", k);
    }
    return FV_OK;
}

/* A vector along dim 1 of x, which has `dim` values there. */
static fv_status per_channel(fvi_tensor *out, const fvi_tensor *v, const fvi_tensor *x, int dim, fv_error *err)
{
    if (v->rank != 1 || v->dim[0] != x->dim[dim]) return fvi_error_set(err, FV_ERR_SHAPE, "scale and bias do not fit the channels");
    *out = *x;
    out->data = v->data;
    for (int i = 0; i < x->rank; i++) out->stride[i] = i == dim ? v->stride[0] : 0;
    return FV_OK;
}

static fv_status prepare_instance(fvi_step *s, fv_error *err)
{
    fvi_tensor t[4] = {s->out[0], s->in[0]};
    norm_state *m;
    FVI_TRY(need_floats(s, err));
    for (int k = 1; k < 3; k++) FVI_TRY(per_channel(&t[k + 1], &s->in[k], &s->in[0], 1, err));
    FVI_TRY(split(s, t, ((1u << s->in[0].rank) - 1) & ~3u, &m, err));
    m->epsilon = (double)fvi_node_float(s->node, "epsilon", 1e-5f);
    m->group = centred;
    return FV_OK;
}

/* [N, C, ...] as [N, G, C/G, ...] */
static void cut_channels(fvi_tensor *t, int64_t groups)
{
    for (int i = t->rank; i > 2; i--) {
        t->dim[i] = t->dim[i - 1];
        t->stride[i] = t->stride[i - 1];
    }
    t->rank++;
    t->dim[2] = t->dim[1] / groups;
    t->stride[2] = t->stride[1];
    t->dim[1] = groups;
    t->stride[1] *= t->dim[2];
}

/* Scale and bias: one a group up to opset 20, one a channel from 21. */
static fv_status prepare_group(fvi_step *s, fv_error *err)
{
    fvi_tensor t[4] = {s->out[0], s->in[0]};
    int64_t groups = fvi_node_int(s->node, "num_groups", 0);
    norm_state *m;
    FVI_TRY(need_floats(s, err));
    if (t[1].rank == FV_MAX_RANK) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "so many dimensions");
    if (groups < 1 || t[1].dim[1] % groups) return fvi_error_set(err, FV_ERR_MODEL, "its channels do not divide into num_groups");
    bool channels = s->node->opset >= 21;
    for (int k = 1; k < 3 && channels; k++) FVI_TRY(per_channel(&t[k + 1], &s->in[k], &s->in[0], 1, err));
    for (int k = 0; k < (channels ? 4 : 2); k++) cut_channels(&t[k], groups);
    for (int k = 1; k < 3 && !channels; k++) FVI_TRY(per_channel(&t[k + 1], &s->in[k], &t[1], 1, err));
    FVI_TRY(split(s, t, ((1u << t[1].rank) - 1) & ~3u, &m, err));
    m->epsilon = (double)fvi_node_float(s->node, "epsilon", 1e-5f);
    m->group = centred;
    return FV_OK;
}

static fv_status prepare_mean_variance(fvi_step *s, fv_error *err)
{
    int64_t axes[FV_MAX_RANK] = {0, 2, 3};
    int n = fvi_node_attr(s->node, "axes") ? fvi_node_ints(s->node, "axes", axes, FV_MAX_RANK) : 3;
    uint32_t mask = 0;
    norm_state *m;
    FVI_TRY(need_floats(s, err));
    for (int i = 0; i < n && i < FV_MAX_RANK; i++) {
        if (!fvi_cpu_axis(&axes[i], s->in[0].rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis is out of range");
        mask |= 1u << axes[i];
    }
    FVI_TRY(split(s, (fvi_tensor[4]){s->out[0], s->in[0]}, mask, &m, err));
    m->group = mean_variance;
    return FV_OK;
}

/* Over one axis; LogSoftmax and Hardmax up to opset 12 over all dims from it on. */
static fv_status prepare_axis(fvi_step *s, fv_error *err)
{
    bool is_lp = s->node->op == FVI_OP_LP_NORM, flat = !is_lp && s->node->opset < 13;
    int rank = s->in[0].rank;
    int64_t axis = fvi_node_int(s->node, "axis", flat ? 1 : -1);
    norm_state *m;
    FVI_TRY(need_floats(s, err));
    if (!(flat && axis == rank) && !fvi_cpu_axis(&axis, rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis is out of range");
    FVI_TRY(split(s, (fvi_tensor[4]){s->out[0], s->in[0]}, flat ? ((1u << rank) - 1) & ~((1u << axis) - 1) : 1u << axis, &m, err));
    m->p = (int)fvi_node_int(s->node, "p", 2);
    m->group = is_lp ? lp : s->node->op == FVI_OP_HARDMAX ? hardmax : log_softmax;
    return FV_OK;
}

static const char *refuse(const fvi_node *n)
{
    int64_t p = fvi_node_int(n, "p", 2);
    if (n->op == FVI_OP_LP_NORM && p != 1 && p != 2) return "a norm other than 1 and 2";
    if (fvi_node_int(n, "stash_type", 1) != 1) return "a stash_type other than float";
    return fvi_cpu_refuse_type(n->in[0]->dtype, FVI_TYPE_BIT(FV_F32));
}

#define OP(id, prepare) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, refuse, NULL, prepare}
const fvi_cpu_op fvi_cpu_norm_ops[] = {
    OP(LAYER_NORM, prepare_layer),
    OP(RMS_NORM, prepare_layer),
    OP(INSTANCE_NORM, prepare_instance),
    OP(GROUP_NORM, prepare_group),
    OP(MEAN_VARIANCE_NORM, prepare_mean_variance),
    OP(LP_NORM, prepare_axis),
    OP(LOG_SOFTMAX, prepare_axis),
    OP(HARDMAX, prepare_axis),
    {FVI_OP_NONE},
};
