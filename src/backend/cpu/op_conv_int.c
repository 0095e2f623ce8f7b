/* op_conv_int.c: ConvInteger and QLinearConv on the float convolutions of kern/conv.h: bytes minus their zero point are
 * exact there (int_parts.h). Turns a byte map into floats with a border of zeros, runs one convolution a part, and adds,
 * stores or scales the whole numbers that come out. */
#include "backend/cpu/int_parts.h"
#include "backend/cpu/loop.h"
#include "backend/cpu/op_conv.h"
#include "base/checked.h"
#include <math.h>
#include <string.h>

typedef struct part {
    fvi_conv_job job;
    int64_t in_first, out_first; /* channels */
    int64_t w_first;             /* input channel within its group */
} part;

typedef struct int_state {
    fvi_tensor x, w, y; /* rank 4 */
    fvi_tensor wide, sum; /* floats: input with its border, output of one part; NHWC */
    float *wide_memory, *sum_memory, *weights, *part_weights;
    int32_t *total; /* like sum, when there are several parts */
    part *parts;
    int n_parts, halo;
    int w_index; /* of the weights among the inputs */
    bool repack, scaled, direct; /* direct: a part writes the output itself */
    int load_chunks, store_chunks;
    fvi_tensor x_zero, w_zero, x_scale, w_scale, y_scale, y_zero, bias;
    float low, high;
    float *factor; /* [cout] of QLinearConv */
} int_state;

/* ---- bytes to floats ---- */
static void load_rows(void *arg, int c, int thread)
{
    int_state *t = arg;
    const fvi_tensor *x = &t->x, *d = &t->wide;
    int64_t height = x->dim[2], rows = x->dim[0] * height, channels = x->dim[1], width = x->dim[3];
    float zero = fvi_int_at(&t->x_zero, 0);
    bool is_signed = x->dtype == FV_I8, flat = (channels == 1 || x->stride[1] == 1) && x->stride[3] == channels;
    (void)thread;
    for (int64_t r = rows * c / t->load_chunks; r < rows * (c + 1) / t->load_chunks; r++) {
        int64_t n = r / height, y = r % height;
        const char *from = x->data + n * x->stride[0] + y * x->stride[2];
        float *to = (float *)(void *)d->data + n * d->stride[0] + y * d->stride[2];
        if (flat) {
            fvi_int_load(to, from, is_signed, 1, zero, width * channels);
            continue;
        }
        for (int64_t i = 0; i < width; i++) fvi_int_load(to + i * channels, from + i * x->stride[3], is_signed, x->stride[1], zero, channels);
    }
}

static void load_weights(const int_state *t, float *w)
{
    int64_t each = t->w.dim[1] * t->w.dim[2] * t->w.dim[3];
    for (int64_t o = 0; o < t->w.dim[0]; o++) {
        bool many = t->w_zero.dtype != FV_NONE && fvi_tensor_count(&t->w_zero) > 1;
        fvi_int_load(w + o * each, t->w.data + o * each, t->w.dtype == FV_I8, 1, fvi_int_at(&t->w_zero, many ? o : 0), each);
    }
}

static void pack(int_state *t)
{
    int64_t area = t->w.dim[2] * t->w.dim[3], each = t->w.dim[1] * area;
    for (int i = 0; i < t->n_parts; i++) {
        part *p = &t->parts[i];
        const fvi_conv_params *q = &p->job.p;
        int64_t cin = q->cin / q->groups;
        for (int64_t o = 0; o < q->cout; o++)
            memcpy(t->part_weights + o * cin * area, t->weights + (p->out_first + o) * each + p->w_first * area, (size_t)(cin * area) * sizeof(float));
        p->job.tactic->algorithm->pack(p->job.tactic, q, t->part_weights, NULL, p->job.packed);
    }
}

/* ---- whole numbers to the output ---- */
static int32_t bias_of(const int_state *t, int64_t c)
{
    return t->bias.dtype == FV_I32 ? ((const int32_t *)(const void *)t->bias.data)[c * t->bias.stride[0]] : 0;
}

static void store_pixel(const int_state *t, char *y, const float *sum, const int32_t *total)
{
    int64_t channels = t->y.dim[1], stride = t->y.stride[1];
    for (int64_t c = 0; c < channels; c++) {
        int32_t v = (int32_t)((uint32_t)(total ? total[c] : (int32_t)sum[c]) + (uint32_t)bias_of(t, c));
        if (t->scaled) {
            float f = rintf((float)v * t->factor[c]) + fvi_int_at(&t->y_zero, 0);
            f = f > t->low ? f : t->low; /* NaN too */
            f = f < t->high ? f : t->high;
            y[c * stride] = (char)(int)f;
        } else if (t->y.dtype == FV_F32) {
            ((float *)(void *)y)[c * stride] = (float)v;
        } else {
            ((int32_t *)(void *)y)[c * stride] = v;
        }
    }
}

static void store_rows(void *arg, int c, int thread)
{
    const int_state *t = arg;
    const fvi_tensor *y = &t->y, *s = &t->sum;
    int64_t height = y->dim[2], rows = y->dim[0] * height, size = (int64_t)fv_dtype_size(y->dtype), width = y->dim[3];
    (void)thread;
    for (int64_t r = rows * c / t->store_chunks; r < rows * (c + 1) / t->store_chunks; r++) {
        int64_t n = r / height, line = r % height, at = n * s->stride[0] + line * s->stride[2];
        const float *from = (const float *)(const void *)s->data + at;
        for (int64_t i = 0; i < width; i++)
            store_pixel(t, y->data + (n * y->stride[0] + line * y->stride[2] + i * y->stride[3]) * size, from + i * s->stride[3], t->total ? t->total + at + i * s->stride[3] : NULL);
    }
}

static void add_rows(void *arg, int c, int thread)
{
    const int_state *t = arg;
    int64_t rows = t->y.dim[0] * t->y.dim[2], each = t->sum.stride[2];
    const float *s = (const float *)(const void *)t->sum.data;
    (void)thread;
    for (int64_t i = rows * c / t->store_chunks * each; i < rows * (c + 1) / t->store_chunks * each; i++) t->total[i] = (int32_t)((uint32_t)t->total[i] + (uint32_t)(int32_t)s[i]);
}

static void run(fvi_step *s)
{
    int_state *t = s->state;
    fvi_pool_run(s->env->pool, load_rows, t, t->load_chunks);
    if (t->repack) {
        load_weights(t, t->weights);
        pack(t);
    }
    for (int64_t c = 0; t->scaled && c < t->y.dim[1]; c++) {
        bool many = fvi_tensor_count(&t->w_scale) > 1;
        t->factor[c] = fvi_int_at(&t->x_scale, 0) * fvi_int_at(&t->w_scale, many ? c : 0) / fvi_int_at(&t->y_scale, 0);
    }
    if (t->total) memset(t->total, 0, (size_t)fvi_tensor_count(&t->y) * sizeof(int32_t));
    for (int i = 0; i < t->n_parts; i++) {
        part *p = &t->parts[i];
        float *to = t->direct ? (float *)(void *)s->out[0].data : (float *)(void *)t->sum.data;
        /* parts over input channels each write all of their group's output channels; the others' are zeros */
        if (t->total && p->job.p.cout < t->y.dim[1]) memset(t->sum_memory, 0, (size_t)fvi_tensor_count(&t->y) * sizeof(float));
        p->job.io = (fvi_conv_io){.in = (const float *)(const void *)t->wide.data + p->in_first, .out = to + p->out_first * p->job.p.out_c};
        fvi_cpu_conv_job_run(&p->job, s);
        if (t->total) fvi_pool_run(s->env->pool, add_rows, t, t->store_chunks);
    }
    if (!t->direct) fvi_pool_run(s->env->pool, store_rows, t, t->store_chunks);
}

static void release(fvi_step *s)
{
    int_state *t = s->state;
    if (t) {
        for (int i = 0; i < t->n_parts; i++) fvi_cpu_conv_job_free(&t->parts[i].job);
        void *all[] = {t->wide_memory, t->sum_memory, t->weights, t->part_weights, t->total, t->parts, t->factor};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) fvi_free(all[i]);
    }
    fvi_free(t);
}

/* ---- prepare ---- */
static fvi_tensor nhwc(const int64_t *dim, int halo)
{
    int64_t w = dim[3] + 2 * halo, h = dim[2] + 2 * halo;
    fvi_tensor t = {.dtype = FV_F32, .rank = 4, .dim = {dim[0], dim[1], dim[2], dim[3]}, .stride = {h * w * dim[1], 1, w * dim[1], dim[1]}, .halo = halo};
    return t;
}

static float *floats(int64_t count) { return count > 0 && count < INT64_C(1) << 40 ? fvi_calloc((size_t)count + 16, sizeof(float)) : NULL; }

static fv_status no_memory(fv_error *err) { return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for a convolution of integers"); }

static fv_status add_part(fvi_step *s, const fvi_conv_geometry *g, int64_t group, int64_t groups, int64_t from, int64_t to, fv_error *err)
{
    int_state *t = s->state;
    int64_t per = t->w.dim[1], outs = t->w.dim[0] / groups;
    bool whole = from == 0 && to == per && group < 0;
    part *p = &t->parts[t->n_parts];
    *p = (part){.in_first = whole ? 0 : group * per + from, .out_first = whole ? 0 : group * outs, .w_first = from};
    fvi_tensor x = t->wide, w = t->w, y = t->direct ? t->y : t->sum, none = {0};
    x.dim[1] = whole ? x.dim[1] : (to - from);
    y.dim[1] = whole ? y.dim[1] : outs;
    FVI_TRY(fvi_cpu_conv_params(s, &x, &w, &y, &none, g, &p->job.p, err));
    p->job.p.groups = whole ? (int)groups : 1;
    p->job.p.exact = true;
    t->n_parts++; /* from here on release() frees it */
    return fvi_cpu_conv_job_init(&p->job, s, err);
}

/* One convolution where all its sums stay exact, else parts group by group. */
static fv_status make_parts(fvi_step *s, const fvi_conv_geometry *g, int64_t groups, fv_error *err)
{
    int_state *t = s->state;
    int64_t per = t->w.dim[1], outs = t->w.dim[0] / groups, area = t->w.dim[2] * t->w.dim[3];
    double *sums = fvi_calloc((size_t)t->w.dim[0], sizeof *sums);
    if (!sums) return no_memory(err);
    fv_status st = FV_OK;
    fvi_int_weights all = {.w = t->repack ? NULL : t->weights, .outputs = t->w.dim[0], .summed = per, .inner = area, .output_stride = per * area, .summed_stride = area, .inner_stride = 1};
    bool one = fvi_int_part_end(&all, 0, sums) == per;
    t->parts = fvi_calloc(one ? 1 : (size_t)(groups * per), sizeof *t->parts);
    if (!t->parts) st = no_memory(err);
    t->direct = one && t->y.dtype == FV_F32 && !t->scaled;
    if (one && st == FV_OK) st = add_part(s, g, -1, groups, 0, per, err);
    for (int64_t k = 0; !one && k < groups && st == FV_OK; k++)
        for (int64_t from = 0, to; from < per && st == FV_OK; from = to) {
            fvi_int_weights w = all;
            w.outputs = outs;
            w.w = all.w ? all.w + k * outs * per * area : NULL;
            to = fvi_int_part_end(&w, from, sums);
            st = to ? add_part(s, g, k, groups, from, to, err) : fvi_error_set(err, FV_ERR_UNSUPPORTED, "a window of %lld weights", (long long)area);
        }
    fvi_free(sums);
    return st;
}

static fv_status allocate(fvi_step *s, fv_error *err)
{
    int_state *t = s->state;
    int64_t count = fvi_tensor_count(&t->y), weights = fvi_tensor_count(&t->w);
    t->wide = nhwc(t->x.dim, t->halo);
    t->sum = nhwc(t->y.dim, 0);
    t->wide_memory = floats(t->wide.stride[0] * t->wide.dim[0]);
    t->sum_memory = floats(count);
    t->weights = floats(weights);
    t->part_weights = floats(weights);
    t->factor = floats(t->y.dim[1]);
    if (!t->wide_memory || !t->sum_memory || !t->weights || !t->part_weights || !t->factor) return no_memory(err);
    t->wide.data = (char *)(t->wide_memory + t->halo * (t->wide.stride[2] + t->wide.stride[3]));
    t->sum.data = (char *)t->sum_memory;
    return FV_OK;
}

static void operands(const fvi_step *s, int_state *t)
{
    fvi_tensor none = {0};
#define IN(i) (fvi_cpu_has_input(s, i) ? s->in[i] : none)
    t->w_index = t->scaled ? 3 : 1;
    t->x_zero = IN(2);
    t->w_zero = t->scaled ? IN(5) : IN(3);
    if (t->scaled) {
        t->x_scale = IN(1), t->w_scale = IN(4), t->y_scale = IN(6), t->y_zero = IN(7), t->bias = IN(8);
        t->low = s->out[0].dtype == FV_I8 ? -128 : 0;
        t->high = s->out[0].dtype == FV_I8 ? 127 : 255;
    }
#undef IN
    fvi_cpu_conv_as_map(&t->x, &s->in[0]);
    fvi_cpu_conv_as_map(&t->w, &s->in[t->w_index]);
    fvi_cpu_conv_as_map(&t->y, &s->out[0]);
}

static bool counts(const fvi_tensor *t, int64_t n) { return t->dtype == FV_NONE || fvi_tensor_count(t) == 1 || (t->rank == 1 && t->dim[0] == n); }

static fv_status check(const fvi_step *s, const int_state *t, fv_error *err)
{
    int64_t outs = t->w.dim[0];
    enum { BYTES = FVI_TYPE_BIT(FV_I8) | FVI_TYPE_BIT(FV_U8) };
    FVI_TRY(fvi_cpu_need_type(t->x.dtype, BYTES, err));
    FVI_TRY(fvi_cpu_need_type(t->w.dtype, BYTES, err));
    if (t->x.rank != 4 || t->w.rank != 4 || t->y.rank != 4) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "a convolution that is neither 1-d nor 2-d");
    if (!fvi_tensor_is_dense(&t->w)) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "weights that are a strided view");
    if ((t->x_zero.dtype != FV_NONE && (fvi_tensor_count(&t->x_zero) != 1 || t->x_zero.dtype != t->x.dtype)) || (t->w_zero.dtype != FV_NONE && t->w_zero.dtype != t->w.dtype))
        return fvi_error_set(err, FV_ERR_SHAPE, "zero points do not fit their tensors");
    bool fits = counts(&t->w_zero, outs);
    if (t->scaled)
        fits = fits && counts(&t->w_scale, outs) && fvi_tensor_count(&t->x_scale) == 1 && fvi_tensor_count(&t->y_scale) == 1 && fvi_tensor_count(&t->y_zero) == 1 && t->x_scale.dtype == FV_F32 &&
               t->w_scale.dtype == FV_F32 && t->y_scale.dtype == FV_F32 && (t->bias.dtype == FV_NONE || (t->bias.dtype == FV_I32 && t->bias.rank == 1 && t->bias.dim[0] == outs));
    (void)s;
    return fits ? FV_OK : fvi_error_set(err, FV_ERR_SHAPE, "scales, zero points or bias do not fit %lld channels", (long long)outs);
}

static fv_status prepare(fvi_step *s, fv_error *err)
{
    fvi_conv_geometry g;
    FVI_TRY(fvi_cpu_new_state(s, sizeof(int_state), err));
    int_state *t = s->state;
    s->release = release;
    s->run = run;
    t->scaled = s->node->op == FVI_OP_QLINEAR_CONV;
    operands(s, t);
    FVI_TRY(check(s, t, err));
    if (!fvi_cpu_conv_geometry(s->node, t->x.dim + 2, t->w.dim + 2, s->in[0].rank - 2, &g)) return fvi_error_set(err, FV_ERR_SHAPE, "stride, dilation, kernel or padding out of range");
    for (int i = 0; i < 2; i++) {
        int64_t most = fvi_max_i64(g.before[i], g.after[i]);
        if (g.before[i] < 0 || g.after[i] < 0 || most > FVI_CONV_MAX_HALO) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "a padding of %lld", (long long)most);
        if (most > t->halo) t->halo = (int)most;
    }
    FVI_TRY(allocate(s, err));
    t->repack = !s->in_const[t->w_index] || (t->w_zero.dtype != FV_NONE && !s->in_const[t->scaled ? 5 : 3]);
    if (!t->repack) load_weights(t, t->weights);
    int64_t groups = fvi_node_int(s->node, "group", 1), rows = t->y.dim[0] * t->y.dim[2];
    FVI_TRY(make_parts(s, &g, groups, err));
    if (t->n_parts > 1 && !(t->total = fvi_calloc((size_t)fvi_tensor_count(&t->y), sizeof *t->total))) return no_memory(err);
    if (!t->repack) pack(t);
    t->load_chunks = fvi_chunks_for(0.2 * (double)fvi_tensor_count(&t->x), t->x.dim[0] * t->x.dim[2]);
    t->store_chunks = fvi_chunks_for(0.5 * (double)fvi_tensor_count(&t->y), rows);
    s->tactic = t->n_parts > 1 ? "integers by float, in parts" : "integers by float";
    s->flops = 2.0 * (double)fvi_tensor_count(&t->y) * (double)(t->w.dim[1] * t->w.dim[2] * t->w.dim[3]);
    return FV_OK;
}

static const char *refuse(const fvi_node *n)
{
    const fvi_value *x = n->in[0];
    if (x->rank != -1 && x->rank != 3 && x->rank != 4) return "a convolution that is neither 1-d nor 2-d";
    return fvi_cpu_refuse_type(x->dtype, FVI_TYPE_BIT(FV_I8) | FVI_TYPE_BIT(FV_U8));
}

#define OP(id) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_NHWC, false, refuse, NULL, prepare}
const fvi_cpu_op fvi_cpu_conv_int_ops[] = {
    OP(CONV_INTEGER),
    OP(CONV_INTEGER_FLOAT),
    OP(QLINEAR_CONV),
    {FVI_OP_NONE},
};
