/* op_resize.c: Resize and Upsample. Turns a feature map into a larger or smaller one. NHWC maps go pixel by pixel (all
 * channels at once); other layouts and ranks take the general ways. */
#include "backend/cpu/loop.h"
#include "backend/cpu/resize_map.h"
#include "kern/resize.h"
#include <string.h>

typedef struct resize_state {
    int axis[2]; /* the axes that change: rows and columns; one changing axis is a column */
    int64_t *lo[2], *hi[2];
    float *weight[2];
    float extrapolation;
    bool pixels; /* rank 4 with contiguous channels */
    fvi_resize_kern kern;
    int chunks;
} resize_state;

/* ---- nearest, NHWC ---- */
static void nearest_line(const fvi_step *s, const resize_state *r, int64_t n, int64_t oy, const char *above)
{
    const fvi_tensor *x = &s->in[0], *y = &s->out[0];
    const int64_t es = (int64_t)fv_dtype_size(x->dtype), c = y->dim[1] * es, w = y->dim[3], pixel = y->stride[3] * es;
    char *d = y->data + (n * y->stride[0] + oy * y->stride[2]) * es;
    const char *src = x->data + (n * x->stride[0] + r->lo[0][oy] * x->stride[2]) * es;
    if (above && pixel == c) {
        memcpy(d, above, (size_t)(w * c));
        return;
    }
    for (int64_t ox = 0; ox < w; ox++, d += pixel) memcpy(d, src + r->lo[1][ox] * x->stride[3] * es, (size_t)c);
}

/* Each pixel becomes 2x2. */
static void double_line(const fvi_step *s, int64_t n, int64_t iy)
{
    const fvi_tensor *x = &s->in[0], *y = &s->out[0];
    const int64_t es = (int64_t)fv_dtype_size(x->dtype), row = y->stride[2] * es, pixel = y->stride[3] * es;
    const char *src = x->data + (n * x->stride[0] + iy * x->stride[2]) * es;
    char *d = y->data + (n * y->stride[0] + 2 * iy * y->stride[2]) * es;
    size_t bytes = (size_t)(y->dim[1] * es);
    for (int64_t ix = 0; ix < x->dim[3]; ix++, src += x->stride[3] * es, d += 2 * pixel) {
        memcpy(d, src, bytes);
        memcpy(d + pixel, src, bytes);
        memcpy(d + row, src, bytes);
        memcpy(d + row + pixel, src, bytes);
    }
}

static void nearest_chunk(void *arg, int c, int thread)
{
    fvi_step *s = arg;
    const resize_state *r = s->state;
    const fvi_tensor *y = &s->out[0];
    int64_t lines = y->dim[0] * y->dim[2], previous = -1;
    (void)thread;
    for (int64_t l = lines * c / r->chunks; l < lines * (c + 1) / r->chunks; l++) {
        int64_t n = l / y->dim[2], oy = l % y->dim[2];
        bool repeats = previous == l - 1 && oy > 0 && r->lo[0][oy] == r->lo[0][oy - 1];
        nearest_line(s, r, n, oy, repeats ? y->data + (n * y->stride[0] + (oy - 1) * y->stride[2]) * (int64_t)fv_dtype_size(y->dtype) : NULL);
        previous = l;
    }
}

static void double_chunk(void *arg, int c, int thread)
{
    fvi_step *s = arg;
    const resize_state *r = s->state;
    int64_t rows = s->in[0].dim[2], lines = s->in[0].dim[0] * rows;
    (void)thread;
    for (int64_t l = lines * c / r->chunks; l < lines * (c + 1) / r->chunks; l++) double_line(s, l / rows, l % rows);
}

/* ---- linear ---- */
static void mix(const resize_state *r, float *d, const float *src, int64_t oy, int64_t ox, int64_t sy, int64_t sx, size_t n)
{
    int64_t y0 = r->lo[0][oy], x0 = r->lo[1][ox], y1 = r->hi[0][oy], x1 = r->hi[1][ox];
    if (y0 < 0 || x0 < 0) {
        for (size_t i = 0; i < n; i++) d[i] = r->extrapolation;
        return;
    }
    float fy = r->weight[0][oy], fx = r->weight[1][ox];
    float w[4] = {(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx};
    r->kern.bilinear(d, src + y0 * sy + x0 * sx, src + y0 * sy + x1 * sx, src + y1 * sy + x0 * sx, src + y1 * sy + x1 * sx, w, n);
}

static void linear_line(const fvi_step *s, const resize_state *r, int64_t n, int64_t oy)
{
    const fvi_tensor *x = &s->in[0], *y = &s->out[0];
    float *d = (float *)(void *)y->data + n * y->stride[0] + oy * y->stride[2];
    const float *src = (const float *)(const void *)x->data + n * x->stride[0];
    for (int64_t ox = 0; ox < y->dim[3]; ox++, d += y->stride[3]) mix(r, d, src, oy, ox, x->stride[2], x->stride[3], (size_t)y->dim[1]);
}

/* Any rank: the axes that stay are walked around the two that change. */
static void linear_general(const fvi_step *s, const resize_state *r, int64_t f)
{
    const fvi_tensor *x = &s->in[0], *y = &s->out[0];
    int a = r->axis[0], b = r->axis[1];
    float *d = (float *)(void *)y->data;
    const float *src = (const float *)(const void *)x->data;
    for (int i = y->rank - 1; i >= 0; i--) {
        if (i == a || i == b) continue;
        d += f % y->dim[i] * y->stride[i];
        src += f % y->dim[i] * x->stride[i];
        f /= y->dim[i];
    }
    int64_t rows = a < 0 ? 1 : y->dim[a], ys = a < 0 ? 0 : y->stride[a], xs = a < 0 ? 0 : x->stride[a];
    for (int64_t oy = 0; oy < rows; oy++)
        for (int64_t ox = 0; ox < y->dim[b]; ox++) mix(r, d + oy * ys + ox * y->stride[b], src, oy, ox, xs, x->stride[b], 1);
}

static int64_t outer_count(const fvi_step *s, const resize_state *r)
{
    int64_t n = 1;
    for (int i = 0; i < s->out[0].rank; i++)
        if (i != r->axis[0] && i != r->axis[1]) n *= s->out[0].dim[i];
    return n;
}

static void linear_chunk(void *arg, int c, int thread)
{
    fvi_step *s = arg;
    const resize_state *r = s->state;
    const fvi_tensor *y = &s->out[0];
    int64_t work = r->pixels ? y->dim[0] * y->dim[2] : outer_count(s, r);
    (void)thread;
    for (int64_t l = work * c / r->chunks; l < work * (c + 1) / r->chunks; l++) {
        if (r->pixels)
            linear_line(s, r, l / y->dim[2], l % y->dim[2]);
        else
            linear_general(s, r, l);
    }
}

static void run_chunks(fvi_step *s, fvi_chunk_fn fn)
{
    int chunks = ((resize_state *)s->state)->chunks;
    if (chunks == 1)
        fn(s, 0, 0);
    else
        fvi_pool_run(s->env->pool, fn, s, chunks);
}
static void run_nearest(fvi_step *s) { run_chunks(s, nearest_chunk); }
static void run_double(fvi_step *s) { run_chunks(s, double_chunk); }
static void run_linear(fvi_step *s) { run_chunks(s, linear_chunk); }

/* ---- prepare ---- */
static bool channels_contiguous(const fvi_tensor *t) { return t->dim[1] == 1 || t->stride[1] == 1; }

static fv_status prepare_general_nearest(fvi_step *s, const fvi_resize_rule *rule, fv_error *err)
{
    fvi_lookup *l;
    FVI_TRY(fvi_cpu_new_lookup(s, &l, err));
    for (int i = 0; i < s->out[0].rank; i++) fvi_resize_nearest(rule, i, s->in[0].dim[i], s->out[0].dim[i], l->index[i]);
    if (rule->crops) {
        FVI_TRY(fvi_cpu_need_type(s->out[0].dtype, FVI_TYPE_BIT(FV_F32), err));
        memcpy(&l->outside, &rule->extrapolation, sizeof rule->extrapolation);
    }
    s->tactic = "resize nearest by lookup";
    return FV_OK;
}

/* Tables of the two axes; an axis of -1 is a single row. */
static fv_status new_maps(fvi_step *s, const fvi_resize_rule *rule, const int axis[2], bool linear, fv_error *err)
{
    int64_t out[2], total;
    for (int k = 0; k < 2; k++) out[k] = axis[k] < 0 ? 1 : s->out[0].dim[axis[k]];
    total = out[0] + out[1];
    FVI_TRY(fvi_cpu_new_state(s, sizeof(resize_state) + (size_t)total * (2 * sizeof(int64_t) + sizeof(float)), err));
    resize_state *r = s->state;
    int64_t *next = (int64_t *)(void *)(r + 1);
    float *weights = (float *)(void *)(next + 2 * total);
    for (int k = 0; k < 2; k++) {
        r->axis[k] = axis[k];
        r->lo[k] = next;
        r->hi[k] = next + out[k];
        r->weight[k] = weights;
        next += 2 * out[k];
        weights += out[k];
        if (axis[k] < 0) continue; /* tables are zero */
        int64_t in = s->in[0].dim[axis[k]];
        if (linear)
            fvi_resize_linear(rule, axis[k], in, out[k], r->lo[k], r->hi[k], r->weight[k]);
        else
            fvi_resize_nearest(rule, axis[k], in, out[k], r->lo[k]);
    }
    r->extrapolation = rule->extrapolation;
    fvi_resize_kern_init(&r->kern, s->env->cpu);
    return FV_OK;
}

static bool doubles(const fvi_step *s, const resize_state *r)
{
    for (int k = 0; k < 2; k++) {
        if (s->out[0].dim[2 + k] != 2 * s->in[0].dim[2 + k]) return false;
        for (int64_t o = 0; o < s->out[0].dim[2 + k]; o++)
            if (r->lo[k][o] != o / 2) return false;
    }
    return true;
}

static fv_status prepare(fvi_step *s, fv_error *err)
{
    const fvi_tensor *x = &s->in[0], *y = &s->out[0];
    fvi_resize_rule rule = {0};
    FVI_TRY(fvi_resize_read(s, &rule, err));
    int changed[FV_MAX_RANK], n = 0;
    bool linear = rule.mode != FVI_RESIZE_NEAREST;
    for (int i = 0; i < x->rank; i++) {
        if (x->dim[i] == 0 && y->dim[i] > 0) return fvi_error_set(err, FV_ERR_SHAPE, "an empty input cannot be resized");
        if (x->dim[i] != y->dim[i] || rule.scale[i] != 1.0f || rule.crops) changed[n++] = i;
    }
    bool map = x->rank == 4 && (x->dtype == FV_F32 || !linear) && channels_contiguous(x) && channels_contiguous(y) && !rule.crops;
    for (int i = 0; i < n; i++) map = map && changed[i] >= 2;
    if (n == 0) return fvi_cpu_prepare_copy(s, err);
    if (!linear && !map) return prepare_general_nearest(s, &rule, err);
    if (rule.crops) { /* whole axes may still be meant to stay */
        n = 0;
        for (int i = 0; i < x->rank; i++)
            if (x->dim[i] != y->dim[i] || rule.roi_start[i] != 0 || rule.roi_end[i] != 1) changed[n++] = i;
    }
    if (n > 2 || rule.antialias || rule.mode == FVI_RESIZE_CUBIC) return fvi_cpu_prepare_resize_filter(s, &rule, err);
    int pixels[2] = {2, 3}, axes[2] = {n == 2 ? changed[0] : -1, n ? changed[n - 1] : x->rank - 1};
    FVI_TRY(new_maps(s, &rule, map ? pixels : axes, linear, err));
    resize_state *r = s->state;
    r->pixels = map;
    double cost = linear ? (map ? 0.5 : 5) : 0.15;
    bool twice = map && !linear && doubles(s, r);
    int64_t lines = !map ? outer_count(s, r) : twice ? x->dim[0] * x->dim[2] : y->dim[0] * y->dim[2];
    r->chunks = fvi_chunks_for(cost * (double)fvi_tensor_count(y), lines);
    s->run = linear ? run_linear : twice ? run_double : run_nearest;
    s->tactic = linear ? (map ? "resize linear pixels" : "resize linear general") : twice ? "resize x2" : "resize nearest pixels";
    return FV_OK;
}

const fvi_cpu_op fvi_cpu_resize_ops[] = {
    {FVI_OP_RESIZE, FVI_LAYOUT_NHWC, FVI_LAYOUT_NHWC, false, fvi_resize_refuse, NULL, prepare},
    {FVI_OP_UPSAMPLE, FVI_LAYOUT_NHWC, FVI_LAYOUT_NHWC, false, fvi_resize_refuse, NULL, prepare},
    {FVI_OP_NONE},
};
