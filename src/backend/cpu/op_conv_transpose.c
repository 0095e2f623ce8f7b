/* op_conv_transpose.c: ConvTranspose as ordinary convolutions: output pixels with the same (y mod stride, x mod stride)
 * use the same taps, so each such phase is a stride-1 convolution with a part of the kernel, turned round, that writes
 * every stride-th output pixel. prepare makes the phases; run does one after the other. Called through cpu.c. */
#include "backend/cpu/op_conv.h"
#include "backend/cpu/op_nd.h"
#include "base/checked.h"
#include <limits.h>
#include <string.h>

enum { MAX_PHASES = 256 };

/* One phase along one axis. */
typedef struct axis_phase {
    int64_t first_tap, taps, tap_step; /* kernel indices first, first + step, … */
    int64_t dilation, before;          /* of the phase's convolution */
    int64_t count;                     /* output pixels */
    int64_t reach;                     /* highest input index used, may be >= the input's size */
} axis_phase;

static int64_t gcd(int64_t a, int64_t b) { return b ? gcd(b, a % b) : a; }

/* Output index r + stride * i takes input (r + pad - k * dilation) / stride + i for every k that divides. */
static axis_phase find_phase(int64_t r, int64_t out, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad)
{
    const int64_t g = gcd(dilation, stride);
    axis_phase p = {.first_tap = -1, .tap_step = stride / g, .dilation = dilation / g};
    p.count = out > r ? (out - r + stride - 1) / stride : 0;
    for (int64_t k = 0; k < kernel && k < p.tap_step; k++)
        if ((r + pad - k * dilation) % stride == 0) {
            p.first_tap = k;
            break;
        }
    if (p.first_tap < 0) return p; /* no tap: bias only */
    const int64_t shift = (r + pad - p.first_tap * dilation) / stride;
    p.taps = (kernel - p.first_tap + p.tap_step - 1) / p.tap_step;
    p.before = (p.taps - 1) * p.dilation - shift;
    p.reach = p.count - 1 + shift;
    return p;
}

/* Padding in front, from pads, or from the output's size where the node says auto_pad or output_shape. */
static bool transpose_geometry(const fvi_node *n, const int64_t in[2], const int64_t kernel[2], const int64_t out[2],
                               int spatial, fvi_conv_geometry *g)
{
    if (!fvi_cpu_conv_geometry(n, in, kernel, spatial, g)) return false;
    const char *mode = fvi_node_string(n, "auto_pad", "NOTSET");
    const bool same = !strncmp(mode, "SAME_", 5);
    int64_t unused[2], extra[2] = {0};
    if (!same && !fvi_node_ints(n, "output_shape", unused, 2)) return true;
    fvi_node_ints(n, "output_padding", extra, 2);
    if (spatial == 1) extra[1] = extra[0], extra[0] = 0;
    for (int i = 0; i < 2; i++) {
        int64_t total = g->stride[i] * (in[i] - 1) + extra[i] + (kernel[i] - 1) * g->dilation[i] + 1 - out[i];
        total = fvi_max_i64(total, 0);
        g->before[i] = !strcmp(mode, "SAME_UPPER") ? total / 2 : total - total / 2;
    }
    return true;
}

int fvi_cpu_conv_transpose_halo(const fvi_node *n)
{
    const fvi_value *x = n->in[0], *w = n->in[1], *y = n->out[0];
    fvi_conv_geometry g;
    if (x->rank != 4 || w->rank != 4 || y->rank != 4) return 0;
    if (!transpose_geometry(n, x->dim + 2, w->dim + 2, y->dim + 2, 2, &g)) return 0;
    int64_t most = 0;
    for (int i = 0; i < 2; i++)
        for (int64_t r = 0; r < g.stride[i] && r < MAX_PHASES; r++) {
            axis_phase p = find_phase(r, y->dim[2 + i], w->dim[2 + i], g.stride[i], g.dilation[i], g.before[i]);
            if (p.taps && p.count) most = fvi_max_i64(most, fvi_max_i64(p.before, p.reach - (x->dim[2 + i] - 1)));
        }
    return most > FVI_CONV_MAX_HALO ? 0 : (int)most;
}

typedef struct transpose_state {
    int count;
    fvi_conv_job *phases;
    fvi_decision *decisions;
    axis_phase (*axes)[2];
    float *weights; /* [cout][cin/groups][taps] of one phase, while packing */
} transpose_state;

/* ONNX [cin][cout/groups][kh][kw] -> [cout][cin/groups][taps y][taps x], taps turned round. */
static void pick_taps(float *d, const float *w, const fvi_conv_params *p, const axis_phase a[2], int64_t kh, int64_t kw)
{
    const int64_t cin = p->cin / p->groups, cout = p->cout / p->groups;
    for (int64_t o = 0; o < p->cout; o++)
        for (int64_t c = 0; c < cin; c++) {
            const float *src = w + (((o / cout) * cin + c) * cout + o % cout) * kh * kw;
            for (int64_t y = a[0].taps - 1; y >= 0; y--)
                for (int64_t x = a[1].taps - 1; x >= 0; x--)
                    *d++ = src[(a[0].first_tap + y * a[0].tap_step) * kw + a[1].first_tap + x * a[1].tap_step];
        }
}

static const float *phase_weights(const fvi_step *s, const fvi_conv_job *j)
{
    transpose_state *t = s->state;
    const int r = s->in[1].rank;
    const int64_t kw = s->in[1].dim[r - 1], kh = r == 4 ? s->in[1].dim[2] : 1;
    pick_taps(t->weights, (const float *)s->in[1].data, &j->p, t->axes[j->phase], kh, kw);
    return t->weights;
}

static void transpose_run(fvi_step *s)
{
    transpose_state *t = s->state;
    for (int i = 0; i < t->count; i++) fvi_cpu_conv_job_step(&t->phases[i], s);
}

static void transpose_release(fvi_step *s)
{
    transpose_state *t = s->state;
    if (!t) return;
    for (int i = 0; i < t->count; i++) fvi_cpu_conv_job_free(&t->phases[i]);
    fvi_free(t->phases);
    fvi_free(t->decisions);
    fvi_free(t->axes);
    fvi_free(t->weights);
    fvi_free(t);
}

/* The phase (ry, rx) of the whole convolution p. */
static void phase_params(fvi_conv_params *q, const fvi_conv_params *p, const axis_phase a[2])
{
    *q = *p;
    q->kh = (int)a[0].taps, q->kw = (int)a[1].taps;
    if (!q->kh || !q->kw) q->kh = q->kw = 0;
    q->sh = q->sw = 1;
    q->dh = (int)a[0].dilation, q->dw = (int)a[1].dilation;
    q->pt = q->kh ? (int)a[0].before : 0, q->pl = q->kh ? (int)a[1].before : 0;
    q->ho = (int)a[0].count, q->wo = (int)a[1].count;
    q->out_h *= p->sh, q->out_w *= p->sw;
    q->res_h *= p->sh, q->res_w *= p->sw;
}

/* Which phases there are; *most grows to the taps of the largest. */
static fv_status find_phases(fvi_step *s, const fvi_conv_params *p, const fvi_conv_geometry *g, bool repack, size_t *most, fv_error *err)
{
    transpose_state *t = s->state;
    const int64_t n = g->stride[0] * g->stride[1];
    if (n > MAX_PHASES)
        return fvi_error_set(err, FV_ERR_UNSUPPORTED, "%s: ConvTranspose strides %lldx%lld (at most %d together)", s->name,
                             (long long)g->stride[0], (long long)g->stride[1], MAX_PHASES);
    t->phases = fvi_calloc((size_t)n, sizeof *t->phases);
    t->axes = fvi_calloc((size_t)n, sizeof *t->axes);
    t->decisions = fvi_calloc((size_t)n, sizeof *t->decisions);
    if (!t->phases || !t->axes || !t->decisions) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", s->name);
    for (int64_t i = 0; i < n; i++) {
        const int64_t ry = i / g->stride[1], rx = i % g->stride[1];
        fvi_conv_job *f = &t->phases[t->count];
        axis_phase *a = t->axes[t->count];
        a[0] = find_phase(ry, p->ho, p->kh, g->stride[0], g->dilation[0], g->before[0]);
        a[1] = find_phase(rx, p->wo, p->kw, g->stride[1], g->dilation[1], g->before[1]);
        if (!a[0].count || !a[1].count) continue;
        phase_params(&f->p, p, a);
        f->weights = phase_weights;
        f->phase = t->count++;
        f->repack = repack;
        f->out_offset = ry * p->out_h + rx * p->out_w;
        f->res_offset = ry * p->res_h + rx * p->res_w;
        size_t taps = (size_t)f->p.kh * (size_t)f->p.kw;
        if (taps > *most) *most = taps;
    }
    return FV_OK;
}

static fv_status make_phases(fvi_step *s, const fvi_conv_params *p, const fvi_conv_geometry *g, bool repack, fv_error *err)
{
    transpose_state *t = s->state;
    size_t count, most = 1;
    FVI_TRY(find_phases(s, p, g, repack, &most, err));
    if (!fvi_mul_size((size_t)p->cout * (size_t)(p->cin / p->groups), most * sizeof(float), &count))
        return fvi_error_set(err, FV_ERR_MEMORY, "%s: weights do not fit into memory", s->name);
    t->weights = fvi_alloc(count);
    if (!t->weights) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", s->name);
    for (int i = 0; i < t->count; i++) {
        FVI_TRY(fvi_cpu_conv_job_decide(&t->phases[i], s, &t->decisions[i], err));
        s->flops += fvi_conv_flops(&t->phases[i].p);
    }
    s->decisions = t->decisions;
    s->n_decisions = t->count;
    if (!t->count || !fvi_cpu_conv_keeps_weights(s, &t->phases[0])) FVI_FREE(t->weights);
    return FV_OK;
}

/* An output_shape beyond what the kernel reaches: only the bias is there. */
static bool grows_past_full(const fvi_node *n)
{
    fvi_window w;
    if (fvi_node_window(n, &w, NULL) < 0) return false;
    for (int i = 0; i < w.n; i++)
        if (w.pad_begin[i] < 0 || w.pad_end[i] < 0) return true;
    return false;
}

fv_status fvi_cpu_conv_transpose_prepare(fvi_step *s, fv_error *err)
{
    if (s->in[0].rank > 4 || grows_past_full(s->node)) return fvi_cpu_prepare_conv_nd(s, err);
    if (s->in[0].dtype != FV_F32 || s->in[1].dtype != FV_F32 || s->out[0].dtype != FV_F32)
        return fvi_error_set(err, FV_ERR_UNSUPPORTED, "%s: ConvTranspose runs in float32 only", s->name);
    const int spatial = s->in[0].rank - 2;
    if (spatial < 1 || spatial > 2 || s->in[1].rank != s->in[0].rank || s->out[0].rank != s->in[0].rank)
        return fvi_error_set(err, FV_ERR_SHAPE, "%s: ConvTranspose wants 3-d or 4-d input and weights of the same rank", s->name);
    fvi_tensor x, w, y, res;
    fvi_cpu_conv_as_map(&x, &s->in[0]), fvi_cpu_conv_as_map(&w, &s->in[1]);
    fvi_cpu_conv_as_map(&y, &s->out[0]), fvi_cpu_conv_as_map(&res, &s->residual);
    fvi_conv_geometry g;
    if (!transpose_geometry(s->node, x.dim + 2, w.dim + 2, y.dim + 2, spatial, &g))
        return fvi_error_set(err, FV_ERR_SHAPE, "%s: stride, dilation, kernel or padding out of range", s->name);
    FVI_TRY(fvi_cpu_conv_check_weights(s, y.dim[1], err));
    fvi_conv_params p;
    FVI_TRY(fvi_cpu_conv_params(s, &x, &w, &y, &res, &g, &p, err));
    if (w.dim[0] != x.dim[1] || w.dim[1] != y.dim[1] / p.groups || x.dim[0] != y.dim[0])
        return fvi_error_set(err, FV_ERR_SHAPE, "%s: weights do not fit the channels", s->name);
    transpose_state *t = fvi_calloc(1, sizeof *t);
    if (!t) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", s->name);
    s->state = t;
    s->release = transpose_release;
    s->run = transpose_run;
    s->packed = fvi_cpu_conv_packed;
    const bool bias = s->n_in > 2 && s->in[2].dtype != FV_NONE;
    return make_phases(s, &p, &g, !s->in_const[1] || (bias && !s->in_const[2]), err);
}
