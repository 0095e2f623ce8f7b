/* op_pool.c: MaxPool, AveragePool, GlobalAveragePool. Turns a feature map into a smaller one; windows are cut at the
 * picture's edge, so that a halo of zeros is never read as data. Floats with contiguous channels run on kern/pool, all
 * else in a plain loop. */
#include "backend/cpu/loop.h"
#include "backend/cpu/op_nd.h"
#include "backend/cpu/step.h"
#include "kern/bf16.h"
#include "kern/bytes.h"
#include "kern/pool.h"
#include "model/graph/shape.h"
#include <math.h>
#include <string.h>

enum { MOST_TAPS = 64 }; /* window pixels that the vector path lists */

/* Output position o covers input positions o*stride - before + k*dilation for k < kernel. [0] is H, [1] is W; a 1-d pool
 * has H = 1. */
typedef struct pool_window {
    int64_t kernel[2], stride[2], dilation[2], before[2], after[2];
    int64_t in[2], out[2];
    fvi_tensor x, y; /* rank 4 */
} pool_window;

typedef struct pool_state {
    pool_window w;
    fvi_pool_kern kern;
    fvi_bf16_kern bf16;
    fvi_bytes_kern bytes;
    bool mean, count_pads, separable, fast;
    int chunks;
    size_t line; /* floats of a thread's intermediate line (separable) */
    float *scratch;
} pool_state;

/* One spatial dim as rank 3, two as rank 4: both become [N,C,H,W]. */
static bool as_map(fvi_tensor *out, const fvi_tensor *in)
{
    *out = *in;
    if (in->rank == 4) return true;
    if (in->rank != 3) return false;
    out->rank = 4;
    out->dim[3] = in->dim[2];
    out->stride[3] = in->stride[2];
    out->dim[2] = 1;
    out->stride[2] = 0;
    return true;
}

static fv_status read_window(const fvi_step *s, pool_window *w, fv_error *err)
{
    fvi_window g;
    if (!as_map(&w->x, &s->in[0]) || !as_map(&w->y, &s->out[0]) || s->in[0].rank != s->out[0].rank)
        return fvi_error_set(err, FV_ERR_UNSUPPORTED, "pooling over %d dimensions", s->in[0].rank - 2);
    FVI_TRY(fvi_node_window(s->node, &g, err));
    for (int d = 0; d < 2; d++) {
        int k = d - (2 - g.n);
        w->kernel[d] = k < 0 ? 1 : g.kernel[k];
        w->stride[d] = k < 0 ? 1 : g.stride[k];
        w->dilation[d] = k < 0 ? 1 : g.dilation[k];
        w->before[d] = k < 0 ? 0 : g.pad_begin[k];
        w->after[d] = k < 0 ? 0 : g.pad_end[k];
        w->in[d] = w->x.dim[2 + d];
        w->out[d] = w->y.dim[2 + d];
        if (k >= 0 && w->out[d] != g.out[k]) return fvi_error_set(err, FV_ERR_SHAPE, "output shape does not fit the window");
    }
    if (w->x.dim[0] != w->y.dim[0] || w->x.dim[1] != w->y.dim[1]) return fvi_error_set(err, FV_ERR_SHAPE, "pooling must keep batch and channels");
    return FV_OK;
}

/* Window taps [lo, hi) of output position o that lie inside the input. */
static inline void window_taps(const pool_window *w, int d, int64_t o, int64_t *lo, int64_t *hi)
{
    int64_t first = o * w->stride[d] - w->before[d], room = w->in[d] - first, dil = w->dilation[d];
    int64_t most = room <= 0 ? 0 : (room + dil - 1) / dil;
    *lo = first < 0 ? (-first + dil - 1) / dil : 0;
    *hi = w->kernel[d] < most ? w->kernel[d] : most;
    if (*hi < *lo) *hi = *lo;
}

static int64_t image_offset(const fvi_tensor *t, int64_t n, int64_t y) { return n * t->stride[0] + y * t->stride[2]; }

/* Elements that AveragePool divides by: taps inside the picture, or inside the picture with its padding. */
static int64_t divisor(const pool_state *p, int64_t oy, int64_t ox, int64_t inside)
{
    if (!p->count_pads) return inside;
    int64_t n = 1, o[2] = {oy, ox};
    const pool_window *w = &p->w;
    for (int d = 0; d < 2; d++) {
        int64_t first = o[d] * w->stride[d] - w->before[d], room = w->in[d] + w->after[d] - first;
        int64_t k = (room + w->dilation[d] - 1) / w->dilation[d];
        n *= k < w->kernel[d] ? k : w->kernel[d];
    }
    return n > 0 ? n : 1;
}

/* ---- any strides and type ---- */
#define PLAIN(T, name, lowest)                                                                                         \
    static void name(const pool_state *p, int64_t n, int64_t oy)                                                       \
    {                                                                                                                  \
        const pool_window *w = &p->w;                                                                                   \
        const T *x = (const T *)(const void *)w->x.data + n * w->x.stride[0];                                          \
        T *y = (T *)(void *)w->y.data + image_offset(&w->y, n, oy);                                                    \
        int64_t ylo, yhi, xlo, xhi;                                                                                    \
        window_taps(w, 0, oy, &ylo, &yhi);                                                                         \
        for (int64_t ox = 0; ox < w->out[1]; ox++) {                                                                   \
            window_taps(w, 1, ox, &xlo, &xhi);                                                                     \
            for (int64_t c = 0; c < w->x.dim[1]; c++) {                                                                \
                T max = lowest;                                                                                        \
                double sum = 0;                                                                                        \
                for (int64_t ky = ylo; ky < yhi; ky++)                                                                 \
                    for (int64_t kx = xlo; kx < xhi; kx++) {                                                           \
                        int64_t iy = oy * w->stride[0] - w->before[0] + ky * w->dilation[0];                           \
                        int64_t ix = ox * w->stride[1] - w->before[1] + kx * w->dilation[1];                           \
                        T v = x[c * w->x.stride[1] + iy * w->x.stride[2] + ix * w->x.stride[3]];                       \
                        max = v > max ? v : max;                                                                       \
                        sum += (double)v;                                                                              \
                    }                                                                                                  \
                int64_t taps = (yhi - ylo) * (xhi - xlo);                                                              \
                y[c * w->y.stride[1] + ox * w->y.stride[3]] = !p->mean ? max : (T)(taps ? sum / (double)divisor(p, oy, ox, taps) : 0); \
            }                                                                                                          \
        }                                                                                                              \
    }
PLAIN(float, plain_f32, -INFINITY)
PLAIN(double, plain_f64, -(double)INFINITY)
PLAIN(int8_t, plain_i8, INT8_MIN)
PLAIN(uint8_t, plain_u8, 0)

/* ---- BF16, maximum: channels of a pixel together where they are contiguous ---- */
static void plain_bf16(const pool_state *p, int64_t n, int64_t oy)
{
    const pool_window *w = &p->w;
    const uint16_t lowest = 0xff80; /* -infinity */
    const uint16_t *x = (const uint16_t *)(const void *)w->x.data + n * w->x.stride[0], *taps[MOST_TAPS];
    uint16_t *y = (uint16_t *)(void *)w->y.data + image_offset(&w->y, n, oy);
    const int64_t step = p->fast ? w->x.dim[1] : 1;
    int64_t ylo, yhi, xlo, xhi;
    window_taps(w, 0, oy, &ylo, &yhi);
    for (int64_t ox = 0; ox < w->out[1]; ox++) {
        window_taps(w, 1, ox, &xlo, &xhi);
        for (int64_t c = 0; c < w->x.dim[1]; c += step) {
            uint16_t *to = y + c * w->y.stride[1] + ox * w->y.stride[3];
            int count = 0;
            bool first = true;
            for (int64_t i = 0; i < step; i++) to[i] = lowest;
            for (int64_t ky = ylo; ky < yhi; ky++)
                for (int64_t kx = xlo; kx < xhi; kx++) {
                    const int64_t iy = oy * w->stride[0] - w->before[0] + ky * w->dilation[0], ix = ox * w->stride[1] - w->before[1] + kx * w->dilation[1];
                    taps[count++] = x + c * w->x.stride[1] + iy * w->x.stride[2] + ix * w->x.stride[3];
                    if (count < MOST_TAPS) continue;
                    p->bf16.max(to, taps, count, (size_t)step);
                    taps[0] = to, count = 1, first = false;
                }
            if (count > !first) p->bf16.max(to, taps, count, (size_t)step);
        }
    }
}

static void separable_bf16(const pool_state *p, int64_t n, int64_t oy, uint16_t *line)
{
    const pool_window *w = &p->w;
    const uint16_t *x = (const uint16_t *)(const void *)w->x.data + n * w->x.stride[0], *taps[MOST_TAPS];
    uint16_t *y = (uint16_t *)(void *)w->y.data + image_offset(&w->y, n, oy);
    int64_t c = w->x.dim[1], lo, hi;
    window_taps(w, 0, oy, &lo, &hi);
    const int rows = (int)(hi - lo);
    for (int64_t ix = 0; ix < w->in[1]; ix++) {
        for (int k = 0; k < rows; k++) taps[k] = x + (oy * w->stride[0] - w->before[0] + (lo + k) * w->dilation[0]) * w->x.stride[2] + ix * w->x.stride[3];
        p->bf16.max(line + ix * c, taps, rows, (size_t)c);
    }
    for (int64_t ox = 0; ox < w->out[1]; ox++) {
        window_taps(w, 1, ox, &lo, &hi);
        for (int64_t k = lo; k < hi; k++) taps[k - lo] = line + (ox * w->stride[1] - w->before[1] + k * w->dilation[1]) * c;
        p->bf16.max(y + ox * w->y.stride[3], taps, (int)(hi - lo), (size_t)c);
    }
}

/* ---- bytes, maximum, channels contiguous ---- */
static void window_bytes(const pool_state *p, int64_t n, int64_t oy)
{
    const pool_window *w = &p->w;
    const uint8_t *x = (const uint8_t *)w->x.data + n * w->x.stride[0], *taps[MOST_TAPS];
    uint8_t *y = (uint8_t *)w->y.data + image_offset(&w->y, n, oy);
    const size_t c = (size_t)w->x.dim[1];
    int64_t ylo, yhi, xlo, xhi;
    window_taps(w, 0, oy, &ylo, &yhi);
    for (int64_t ox = 0; ox < w->out[1]; ox++, y += w->y.stride[3]) {
        window_taps(w, 1, ox, &xlo, &xhi);
        int count = 0;
        for (int64_t ky = ylo; ky < yhi; ky++)
            for (int64_t kx = xlo; kx < xhi; kx++)
                taps[count++] = x + (oy * w->stride[0] - w->before[0] + ky * w->dilation[0]) * w->x.stride[2] + (ox * w->stride[1] - w->before[1] + kx * w->dilation[1]) * w->x.stride[3];
        if (count)
            p->bytes.max(y, taps, count, c);
        else
            memset(y, 0, c);
    }
}

static void separable_bytes(const pool_state *p, int64_t n, int64_t oy, uint8_t *line)
{
    const pool_window *w = &p->w;
    const uint8_t *x = (const uint8_t *)w->x.data + n * w->x.stride[0], *taps[MOST_TAPS];
    uint8_t *y = (uint8_t *)w->y.data + image_offset(&w->y, n, oy);
    int64_t c = w->x.dim[1], lo, hi;
    window_taps(w, 0, oy, &lo, &hi);
    const int rows = (int)(hi - lo);
    const bool joined = w->x.stride[3] == c; /* the whole line at once */
    for (int64_t ix = 0; ix < (joined ? 1 : w->in[1]); ix++) {
        for (int k = 0; k < rows; k++) taps[k] = x + (oy * w->stride[0] - w->before[0] + (lo + k) * w->dilation[0]) * w->x.stride[2] + ix * w->x.stride[3];
        p->bytes.max(line + ix * c, taps, rows, (size_t)(joined ? w->in[1] * c : c));
    }
    for (int64_t ox = 0; ox < w->out[1]; ox++) {
        window_taps(w, 1, ox, &lo, &hi);
        for (int64_t k = lo; k < hi; k++) taps[k - lo] = line + (ox * w->stride[1] - w->before[1] + k * w->dilation[1]) * c;
        p->bytes.max(y + ox * w->y.stride[3], taps, (int)(hi - lo), (size_t)c);
    }
}

/* ---- floats, channels contiguous ---- */
static void window_line(const pool_state *p, int64_t n, int64_t oy)
{
    const pool_window *w = &p->w;
    const float *x = (const float *)(const void *)w->x.data + n * w->x.stride[0];
    float *y = (float *)(void *)w->y.data + image_offset(&w->y, n, oy);
    const float *taps[MOST_TAPS];
    size_t c = (size_t)w->x.dim[1];
    int64_t ylo, yhi, xlo, xhi;
    window_taps(w, 0, oy, &ylo, &yhi);
    for (int64_t ox = 0; ox < w->out[1]; ox++, y += w->y.stride[3]) {
        window_taps(w, 1, ox, &xlo, &xhi);
        int count = 0;
        for (int64_t ky = ylo; ky < yhi; ky++)
            for (int64_t kx = xlo; kx < xhi; kx++)
                taps[count++] = x + (oy * w->stride[0] - w->before[0] + ky * w->dilation[0]) * w->x.stride[2] +
                                (ox * w->stride[1] - w->before[1] + kx * w->dilation[1]) * w->x.stride[3];
        if (count == 0)
            for (size_t i = 0; i < c; i++) y[i] = p->mean ? 0 : -INFINITY;
        else if (p->mean)
            p->kern.mean(y, taps, count, c, 1.0f / (float)divisor(p, oy, ox, count));
        else
            p->kern.max(y, taps, count, c);
    }
}

/* A maximum over a rectangle is a maximum over columns of maxima over rows: kh + kw rows read instead of kh * kw. */
static void separable_line(const pool_state *p, int64_t n, int64_t oy, float *line)
{
    const pool_window *w = &p->w;
    const float *x = (const float *)(const void *)w->x.data + n * w->x.stride[0];
    float *y = (float *)(void *)w->y.data + image_offset(&w->y, n, oy);
    const float *taps[MOST_TAPS];
    int64_t c = w->x.dim[1], lo, hi;
    window_taps(w, 0, oy, &lo, &hi);
    int rows = (int)(hi - lo);
    bool joined = w->x.stride[3] == c; /* the whole line at once */
    for (int64_t ix = 0; ix < (joined ? 1 : w->in[1]); ix++) {
        for (int k = 0; k < rows; k++)
            taps[k] = x + (oy * w->stride[0] - w->before[0] + (lo + k) * w->dilation[0]) * w->x.stride[2] + ix * w->x.stride[3];
        p->kern.max(line + ix * c, taps, rows, (size_t)(joined ? w->in[1] * c : c));
    }
    for (int64_t ox = 0; ox < w->out[1]; ox++) {
        window_taps(w, 1, ox, &lo, &hi);
        for (int64_t k = lo; k < hi; k++) taps[k - lo] = line + (ox * w->stride[1] - w->before[1] + k * w->dilation[1]) * c;
        p->kern.max(y + ox * w->y.stride[3], taps, (int)(hi - lo), (size_t)c);
    }
}

typedef void (*plain_fn)(const pool_state *p, int64_t n, int64_t oy);
static plain_fn plain_of(fv_dtype t)
{
    return t == FV_F32 ? plain_f32 : t == FV_F64 ? plain_f64 : t == FV_I8 ? plain_i8 : t == FV_U8 ? plain_u8 : t == FV_BF16 ? plain_bf16 : NULL;
}

static bool channels_contiguous(const fvi_tensor *t) { return t->dim[1] == 1 || t->stride[1] == 1; }

static void chunk(void *arg, int i, int thread)
{
    fvi_step *s = arg;
    const pool_state *p = s->state;
    const pool_window *w = &p->w;
    int64_t lines = w->y.dim[0] * w->out[0];
    for (int64_t l = lines * i / p->chunks; l < lines * (i + 1) / p->chunks; l++) {
        int64_t n = l / w->out[0], oy = l % w->out[0];
        if (w->x.dtype == FV_BF16) {
            if (p->separable)
                separable_bf16(p, n, oy, (uint16_t *)(void *)(p->scratch + (size_t)thread * p->line));
            else
                plain_bf16(p, n, oy);
        } else if (w->x.dtype == FV_U8 && p->fast) {
            if (p->separable)
                separable_bytes(p, n, oy, (uint8_t *)(p->scratch + (size_t)thread * p->line));
            else
                window_bytes(p, n, oy);
        } else if (p->separable)
            separable_line(p, n, oy, p->scratch + (size_t)thread * p->line);
        else if (p->fast)
            window_line(p, n, oy);
        else
            plain_of(w->x.dtype)(p, n, oy);
    }
}

static void run(fvi_step *s)
{
    pool_state *p = s->state;
    if (p->chunks == 1)
        chunk(s, 0, 0);
    else
        fvi_pool_run(s->env->pool, chunk, s, p->chunks);
}

static void release(fvi_step *s)
{
    pool_state *p = s->state;
    if (p) fvi_free(p->scratch);
    fvi_free(p);
}

/* Is every window at least partly inside the picture? With odd pads or ceil_mode one may not be. */
static bool no_empty_window(const pool_window *w)
{
    for (int d = 0; d < 2; d++)
        for (int64_t o = 0; o < w->out[d]; o++) {
            int64_t lo, hi;
            window_taps(w, d, o, &lo, &hi);
            if (lo == hi) return false;
        }
    return true;
}

static fv_status prepare(fvi_step *s, fv_error *err)
{
    bool mean = s->node->op == FVI_OP_AVERAGE_POOL;
    unsigned types = FVI_TYPES_FLOAT | (mean ? 0 : FVI_TYPE_BIT(FV_BF16) | FVI_TYPE_BIT(FV_I8) | FVI_TYPE_BIT(FV_U8));
    if (s->in[0].rank > 4 || fvi_cpu_wants_indices(s->node)) return fvi_cpu_prepare_pool_nd(s, err);
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, types, err));
    FVI_TRY(fvi_cpu_new_state(s, sizeof(pool_state), err));
    pool_state *p = s->state;
    pool_window *w = &p->w;
    s->release = release;
    FVI_TRY(read_window(s, w, err));
    fvi_pool_kern_init(&p->kern, s->env->cpu);
    p->mean = mean;
    p->count_pads = mean && fvi_node_int(s->node, "count_include_pad", 0);
    int64_t area = w->kernel[0] * w->kernel[1], out = fvi_tensor_count(&w->y);
    fvi_bf16_kern_init(&p->bf16, s->env->cpu);
    fvi_bytes_kern_init(&p->bytes, s->env->cpu);
    bool fast = (w->x.dtype == FV_F32 || w->x.dtype == FV_BF16 || w->x.dtype == FV_U8) && channels_contiguous(&w->x) && channels_contiguous(&w->y);
    p->separable = fast && !mean && w->kernel[0] <= MOST_TAPS && w->kernel[1] <= MOST_TAPS && w->kernel[0] > 1 && w->kernel[1] > 1 &&
                   w->kernel[0] * w->stride[1] + w->kernel[1] < area && no_empty_window(w);
    fast = p->separable || (fast && area <= MOST_TAPS);
    p->fast = fast;
    double cost = fast ? 0.1 * (double)(p->separable ? w->kernel[0] + w->kernel[1] : area) : 1.0 * (double)area;
    p->chunks = fvi_chunks_for(cost * (double)out, w->y.dim[0] * w->out[0]);
    if (p->separable) {
        p->line = (size_t)(w->in[1] * w->x.dim[1] + 15) & ~(size_t)15;
        p->scratch = fvi_calloc((size_t)fvi_pool_threads(s->env->pool) * p->line, sizeof(float));
        if (!p->scratch) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    }
    s->run = run;
    s->tactic = p->separable ? "pool separable" : fast ? "pool channels" : "pool plain";
    return FV_OK;
}

static fv_status prepare_global(fvi_step *s, fv_error *err)
{
    if (s->in[0].rank < 3) return fvi_error_set(err, FV_ERR_SHAPE, "the input needs at least 3 dimensions");
    return fvi_cpu_prepare_mean(s, (1u << s->in[0].rank) - 4u, err);
}

static const char *refuse(const fvi_node *n)
{
    if (n->op == FVI_OP_GLOBAL_AVERAGE_POOL) return fvi_cpu_refuse_type(n->in[0]->dtype, FVI_TYPES_FLOAT);
    if (n->op == FVI_OP_LP_POOL) return fvi_cpu_refuse_type(n->in[0]->dtype, FVI_TYPE_BIT(FV_F32));
    return fvi_cpu_refuse_type(n->in[0]->dtype, n->op == FVI_OP_MAX_POOL ? FVI_TYPES_FLOAT | FVI_TYPE_BIT(FV_BF16) | FVI_TYPE_BIT(FV_I8) | FVI_TYPE_BIT(FV_U8) : (unsigned)FVI_TYPES_FLOAT);
}

const fvi_cpu_op fvi_cpu_pool_ops[] = {
    {FVI_OP_MAX_POOL, FVI_LAYOUT_NHWC, FVI_LAYOUT_NHWC, false, refuse, NULL, prepare},
    {FVI_OP_AVERAGE_POOL, FVI_LAYOUT_NHWC, FVI_LAYOUT_NHWC, false, refuse, NULL, prepare},
    {FVI_OP_LP_POOL, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, refuse, NULL, fvi_cpu_prepare_pool_nd},
    {FVI_OP_GLOBAL_AVERAGE_POOL, FVI_LAYOUT_NHWC, FVI_LAYOUT_ANY, false, refuse, NULL, prepare_global},
    {FVI_OP_NONE},
};
