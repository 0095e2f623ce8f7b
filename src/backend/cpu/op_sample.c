/* op_sample.c: GridSample and RoiAlign: feature maps read at places between pixels, which come from the data; OneHot. */
#include "backend/cpu/fold_dims.h"
#include "backend/cpu/loop.h"
#include "backend/cpu/sample.h"
#include "kern/elementwise.h"
#include <math.h>
#include <string.h>

typedef struct sample_state {
    enum { NEAREST, LINEAR, CUBIC } mode;
    enum { ZEROS, BORDER, REFLECTION } padding;
    bool corners, half_pixel, max;
    float scale;
    int64_t ratio;
    int chunks;
} sample_state;

/* ---- GridSample ---- */

static float place(const sample_state *m, float v, int64_t size)
{
    float n = (float)size;
    v = m->corners ? (v + 1) / 2 * (n - 1) : ((v + 1) * n - 1) / 2;
    if (m->padding == REFLECTION && m->mode != CUBIC) v = m->corners ? fvi_sample_reflect(v, 0, n - 1) : fvi_sample_reflect(v, -0.5f, n - 0.5f);
    if (m->padding != ZEROS && m->mode != CUBIC) v = fminf(fmaxf(v, 0), n - 1); /* also makes NaN a place */
    return v;
}

static float pixel(const sample_state *m, const fvi_tensor *x, const float *map, float fy, float fx)
{
    float h = (float)x->dim[2], w = (float)x->dim[3];
    if (m->padding == BORDER) {
        fy = fminf(fmaxf(fy, 0), h - 1);
        fx = fminf(fmaxf(fx, 0), w - 1);
    } else if (m->padding == REFLECTION) {
        float less = m->corners ? 0 : 0.5f;
        fy = fvi_sample_reflect(fy, -less, h - 1 + less);
        fx = fvi_sample_reflect(fx, -less, w - 1 + less);
    }
    if (!(fy >= 0 && fy <= h - 1 && fx >= 0 && fx <= w - 1)) return 0;
    return map[(int64_t)fy * x->stride[2] + (int64_t)fx * x->stride[3]];
}

/* Weights of four neighbours at distance t from the second (a = -0.75). */
static void cubic_weights(float t, float w[4])
{
    const float a = -0.75f;
    w[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
    w[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
    w[2] = ((a + 2) * (1 - t) - (a + 3)) * (1 - t) * (1 - t) + 1;
    w[3] = ((a * (2 - t) - 5 * a) * (2 - t) + 8 * a) * (2 - t) - 4 * a;
}

static float sample(const sample_state *m, const fvi_tensor *x, const float *map, float fy, float fx)
{
    if (m->mode == NEAREST) return pixel(m, x, map, rintf(fy), rintf(fx));
    float y0 = floorf(fy), x0 = floorf(fx), dy = fy - y0, dx = fx - x0;
    if (m->mode == LINEAR) {
        float top = pixel(m, x, map, y0, x0) * (1 - dx) + pixel(m, x, map, y0, x0 + 1) * dx;
        float bottom = pixel(m, x, map, y0 + 1, x0) * (1 - dx) + pixel(m, x, map, y0 + 1, x0 + 1) * dx;
        return top * (1 - dy) + bottom * dy;
    }
    float wy[4], wx[4], sum = 0;
    cubic_weights(dy, wy);
    cubic_weights(dx, wx);
    for (int i = 0; i < 4; i++) {
        float row = 0;
        for (int j = 0; j < 4; j++) row += wx[j] * pixel(m, x, map, y0 + (float)(i - 1), x0 + (float)(j - 1));
        sum += wy[i] * row;
    }
    return sum;
}

static void grid_row(const fvi_step *s, int64_t r)
{
    const sample_state *m = s->state;
    const fvi_tensor *x = &s->in[0], *g = &s->in[1], *y = &s->out[0];
    int64_t n = r / y->dim[2], i = r % y->dim[2];
    const float *grid = (const float *)(const void *)g->data + n * g->stride[0] + i * g->stride[1];
    for (int64_t j = 0; j < y->dim[3]; j++) {
        const float *p = grid + j * g->stride[2];
        float fx = place(m, p[0], x->dim[3]), fy = place(m, p[g->stride[3]], x->dim[2]);
        bool sane = isfinite(fx) && isfinite(fy);
        for (int64_t c = 0; c < y->dim[1]; c++) {
            const float *map = (const float *)(const void *)x->data + n * x->stride[0] + c * x->stride[1];
            float *to = (float *)(void *)y->data + n * y->stride[0] + c * y->stride[1] + i * y->stride[2] + j * y->stride[3];
            *to = sane ? sample(m, x, map, fy, fx) : 0;
        }
    }
}

/* ---- RoiAlign ---- */

/* Four pixels around a place, or nothing when it lies a pixel or more outside. */
typedef struct quad {
    int64_t at[4];
    float w[4];
} quad;
static bool quad_at(const fvi_tensor *x, float fy, float fx, quad *q)
{
    float h = (float)x->dim[2], w = (float)x->dim[3];
    if (!(fy >= -1 && fy <= h && fx >= -1 && fx <= w)) return false;
    fy = fminf(fmaxf(fy, 0), h - 1);
    fx = fminf(fmaxf(fx, 0), w - 1);
    int64_t y0 = (int64_t)fy, x0 = (int64_t)fx, y1 = y0 + 1 < x->dim[2] ? y0 + 1 : y0, x1 = x0 + 1 < x->dim[3] ? x0 + 1 : x0;
    float dy = fy - (float)y0, dx = fx - (float)x0;
    int64_t sy = x->stride[2], sx = x->stride[3];
    *q = (quad){{y0 * sy + x0 * sx, y0 * sy + x1 * sx, y1 * sy + x0 * sx, y1 * sy + x1 * sx},
                {(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx}};
    return true;
}

static int64_t samples(const sample_state *m, float bin)
{
    float n = m->ratio > 0 ? (float)m->ratio : ceilf(bin);
    return n >= 1 ? (n < 256 ? (int64_t)n : 256) : 1;
}

/* One output pixel of one channel. */
static float bin_value(const sample_state *m, const fvi_tensor *x, const float *map, float top, float left, float bh, float bw)
{
    int64_t ny = samples(m, bh), nx = samples(m, bw);
    float sum = 0, max = -INFINITY;
    for (int64_t i = 0; i < ny; i++)
        for (int64_t j = 0; j < nx; j++) {
            quad q;
            float part[4] = {0};
            if (quad_at(x, top + ((float)i + 0.5f) * bh / (float)ny, left + ((float)j + 0.5f) * bw / (float)nx, &q))
                for (int k = 0; k < 4; k++) part[k] = map[q.at[k]] * q.w[k];
            sum += part[0] + part[1] + part[2] + part[3];
            max = fmaxf(max, fmaxf(fmaxf(part[0], part[1]), fmaxf(part[2], part[3])));
        }
    return m->max ? max : sum / (float)(ny * nx);
}

static void roi_row(const fvi_step *s, int64_t r)
{
    const sample_state *m = s->state;
    const fvi_tensor *x = &s->in[0], *b = &s->in[1], *ix = &s->in[2], *y = &s->out[0];
    int64_t roi = r / y->dim[2], i = r % y->dim[2];
    const float *box = (const float *)(const void *)b->data + roi * b->stride[0];
    int64_t n = ix->dtype == FV_I64 ? ((const int64_t *)(const void *)ix->data)[roi * ix->stride[0]]
                                    : ((const int32_t *)(const void *)ix->data)[roi * ix->stride[0]];
    n = n < 0 ? 0 : n >= x->dim[0] ? x->dim[0] - 1 : n;
    float less = m->half_pixel ? 0.5f : 0, c[4];
    for (int k = 0; k < 4; k++) c[k] = box[k * b->stride[1]] * m->scale - less;
    float w = c[2] - c[0], h = c[3] - c[1];
    if (!m->half_pixel) {
        w = fmaxf(w, 1);
        h = fmaxf(h, 1);
    }
    float bh = h / (float)y->dim[2], bw = w / (float)y->dim[3];
    for (int64_t k = 0; k < y->dim[1]; k++) {
        const float *map = (const float *)(const void *)x->data + n * x->stride[0] + k * x->stride[1];
        float *to = (float *)(void *)y->data + roi * y->stride[0] + k * y->stride[1] + i * y->stride[2];
        for (int64_t j = 0; j < y->dim[3]; j++) to[j * y->stride[3]] = bin_value(m, x, map, c[1] + (float)i * bh, c[0] + (float)j * bw, bh, bw);
    }
}

/* ---- both: rows of output pixels ---- */
static void chunk(void *arg, int c, int thread)
{
    const fvi_step *s = arg;
    const sample_state *m = s->state;
    int64_t rows = s->out[0].dim[0] * s->out[0].dim[2];
    (void)thread;
    for (int64_t r = rows * c / m->chunks; r < rows * (c + 1) / m->chunks; r++) (s->node->op == FVI_OP_GRID_SAMPLE ? grid_row : roi_row)(s, r);
}
static void run(fvi_step *s)
{
    const sample_state *m = s->state;
    if (fvi_tensor_count(&s->out[0]) == 0) return;
    fvi_pool_run(s->env->pool, chunk, s, m->chunks);
}

static fv_status start(fvi_step *s, sample_state **m, fv_error *err)
{
    for (int i = 0; i < 2; i++) FVI_TRY(fvi_cpu_need_type(s->in[i].dtype, FVI_TYPE_BIT(FV_F32), err));
    if (s->in[0].rank != 4 || s->out[0].rank != 4 || fvi_tensor_count(&s->in[0]) == 0) return fvi_error_set(err, FV_ERR_SHAPE, "its input has no pixels");
    FVI_TRY(fvi_cpu_new_state(s, sizeof(sample_state), err));
    *m = s->state;
    (*m)->chunks = fvi_chunks_for(20.0 * (double)fvi_tensor_count(&s->out[0]), s->out[0].dim[0] * s->out[0].dim[2]);
    s->run = run;
    return FV_OK;
}

static bool is(const fvi_node *n, const char *attr, const char *def, const char *value) { return strcmp(fvi_node_string(n, attr, def), value) == 0; }

static fv_status prepare_grid(fvi_step *s, fv_error *err)
{
    if (s->in[0].rank == 5) return fvi_cpu_prepare_grid_3d(s, err);
    sample_state *m;
    FVI_TRY(start(s, &m, err));
    m->mode = is(s->node, "mode", "linear", "nearest") ? NEAREST : is(s->node, "mode", "linear", "cubic") || is(s->node, "mode", "linear", "bicubic") ? CUBIC : LINEAR;
    m->padding = is(s->node, "padding_mode", "zeros", "border") ? BORDER : is(s->node, "padding_mode", "zeros", "reflection") ? REFLECTION : ZEROS;
    m->corners = fvi_node_int(s->node, "align_corners", 0) != 0;
    s->tactic = "grid sample";
    return FV_OK;
}

static fv_status prepare_roi(fvi_step *s, fv_error *err)
{
    sample_state *m;
    FVI_TRY(start(s, &m, err));
    FVI_TRY(fvi_cpu_need_type(s->in[2].dtype, FVI_TYPE_BIT(FV_I64) | FVI_TYPE_BIT(FV_I32), err));
    if (s->in[2].dim[0] != s->in[1].dim[0]) return fvi_error_set(err, FV_ERR_SHAPE, "%lld boxes have %lld batch numbers", (long long)s->in[1].dim[0], (long long)s->in[2].dim[0]);
    m->half_pixel = s->node->opset >= 16 && is(s->node, "coordinate_transformation_mode", "half_pixel", "half_pixel");
    m->max = is(s->node, "mode", "avg", "max");
    m->scale = fvi_node_float(s->node, "spatial_scale", 1);
    m->ratio = fvi_node_int(s->node, "sampling_ratio", 0);
    s->tactic = "roi align";
    return FV_OK;
}

/* ---- OneHot ---- */
static void run_one_hot(fvi_step *s)
{
    const fvi_tensor *x = &s->in[0], *v = &s->in[2], *y = &s->out[0];
    int64_t axis = *(const int64_t *)s->state, depth = y->dim[axis], es = (int64_t)fv_dtype_size(y->dtype), count = fvi_tensor_count(y);
    fvi_convert_fn to_int = fvi_convert(FV_I64, x->dtype);
    for (int64_t f = 0; f < count; f++) {
        int64_t rest = f, from = 0, at = 0, want;
        for (int i = y->rank - 1; i >= 0; i--) {
            int64_t p = rest % y->dim[i];
            rest /= y->dim[i];
            if (i == axis)
                at = p;
            else
                from += p * x->stride[i - (i > axis)];
        }
        to_int(&want, x->data + from * (int64_t)fv_dtype_size(x->dtype), 1);
        if (want < 0) want += depth;
        memcpy(y->data + fvi_flat_offset(y, f) * es, v->data + (want == at ? v->stride[0] : 0) * es, (size_t)es);
    }
}

static fv_status prepare_one_hot(fvi_step *s, fv_error *err)
{
    int64_t axis = fvi_node_int(s->node, "axis", -1);
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPES_NUMBER, err));
    FVI_TRY(fvi_cpu_need_type(s->in[2].dtype, FVI_TYPES_ANY, err));
    bool fits = fvi_cpu_axis(&axis, s->out[0].rank) && s->out[0].rank == s->in[0].rank + 1 && s->in[2].rank == 1 && s->in[2].dim[0] == 2 && s->in[2].dtype == s->out[0].dtype;
    if (!fits) return fvi_error_set(err, FV_ERR_SHAPE, "its values must be two numbers, and its axis one of the output's");
    FVI_TRY(fvi_cpu_new_state(s, sizeof axis, err));
    memcpy(s->state, &axis, sizeof axis);
    s->run = run_one_hot;
    s->tactic = "one hot";
    return FV_OK;
}

static const char *refuse(const fvi_node *n)
{
    static const char *const modes[] = {"linear", "bilinear", "nearest", "cubic", "bicubic", "avg", "max"};
    const char *mode = fvi_node_string(n, "mode", n->op == FVI_OP_ROI_ALIGN ? "avg" : "linear");
    bool known = false;
    for (int i = n->op == FVI_OP_ROI_ALIGN ? 5 : 0; i < (n->op == FVI_OP_ROI_ALIGN ? 7 : 5); i++) known = known || strcmp(mode, modes[i]) == 0;
    if (!known) return "an unknown mode";
    if (!is(n, "padding_mode", "zeros", "zeros") && !is(n, "padding_mode", "zeros", "border") && !is(n, "padding_mode", "zeros", "reflection")) return "an unknown padding_mode";
    return fvi_cpu_refuse_type(n->in[0]->dtype, FVI_TYPE_BIT(FV_F32));
}

const fvi_cpu_op fvi_cpu_sample_ops[] = {
    {FVI_OP_GRID_SAMPLE, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, refuse, NULL, prepare_grid},
    {FVI_OP_ROI_ALIGN, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, refuse, NULL, prepare_roi},
    {FVI_OP_ONE_HOT, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, NULL, NULL, prepare_one_hot},
    {FVI_OP_NONE},
};
