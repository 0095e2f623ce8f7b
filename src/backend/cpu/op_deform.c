/* op_deform.c: DeformConv: the pixels that every tap reads are gathered into columns (bilinear, shifted by the offsets, times
 * the mask), then one matrix product a group. */
#include "backend/cpu/dense.h"
#include "backend/cpu/gemm.h"
#include "backend/cpu/loop.h"
#include "model/graph/shape.h"
#include <math.h>
#include <string.h>

typedef struct deform_state {
    fvi_window w;
    int64_t groups, offset_groups, taps, places;
    float *columns; /* [channels * taps, places] of one picture */
    fvi_step *products; /* [batch * groups] */
    int n_products, chunks;
    int64_t picture; /* now */
} deform_state;

static float pixel(const float *map, int64_t h, int64_t w, int64_t y, int64_t x) { return y < 0 || x < 0 || y >= h || x >= w ? 0 : map[y * w + x]; }

static float bilinear(const float *map, int64_t h, int64_t w, float y, float x)
{
    if (!(y > -1 && x > -1 && y < (float)h && x < (float)w)) return 0;
    float fy = floorf(y), fx = floorf(x), dy = y - fy, dx = x - fx;
    int64_t y0 = (int64_t)fy, x0 = (int64_t)fx;
    return (pixel(map, h, w, y0, x0) * (1 - dx) + pixel(map, h, w, y0, x0 + 1) * dx) * (1 - dy) + (pixel(map, h, w, y0 + 1, x0) * (1 - dx) + pixel(map, h, w, y0 + 1, x0 + 1) * dx) * dy;
}

/* Row (channel, tap) of the columns. */
static void gather(const fvi_dense *d, const deform_state *t, int64_t row)
{
    const fvi_tensor *x = &d->in[0];
    int64_t c = row / t->taps, tap = row % t->taps, h = x->dim[2], w = x->dim[3], kx = tap % t->w.kernel[1], ky = tap / t->w.kernel[1], ow = t->w.out[1];
    int64_t og = c / (x->dim[1] / t->offset_groups), b = t->picture;
    const float *map = fvi_in_f32(d, 0) + (b * x->dim[1] + c) * h * w;
    const float *offset = fvi_in_f32(d, 2) + ((b * t->offset_groups + og) * t->taps + tap) * 2 * t->places;
    const float *mask = fvi_in_f32(d, 4);
    if (mask) mask += ((b * t->offset_groups + og) * t->taps + tap) * t->places;
    for (int64_t p = 0; p < t->places; p++) {
        float y = (float)(p / ow * t->w.stride[0] - t->w.pad_begin[0] + ky * t->w.dilation[0]) + offset[p];
        float xx = (float)(p % ow * t->w.stride[1] - t->w.pad_begin[1] + kx * t->w.dilation[1]) + offset[t->places + p];
        t->columns[row * t->places + p] = bilinear(map, h, w, y, xx) * (mask ? mask[p] : 1);
    }
}

static void chunk(void *arg, int c, int thread)
{
    const fvi_dense *d = arg;
    const deform_state *t = d->own;
    int64_t rows = d->in[0].dim[1] * t->taps;
    (void)thread;
    for (int64_t r = rows * c / t->chunks; r < rows * (c + 1) / t->chunks; r++) gather(d, t, r);
}

static void run(const fvi_dense *d)
{
    deform_state *t = d->own;
    for (t->picture = 0; t->picture < d->in[0].dim[0]; t->picture++) {
        fvi_pool_run(d->s->env->pool, chunk, (void *)(uintptr_t)d, t->chunks);
        for (int64_t g = 0; g < t->groups; g++) {
            fvi_step *p = &t->products[t->picture * t->groups + g];
            p->run(p);
        }
    }
}

static void free_own(void *own)
{
    deform_state *t = own;
    for (int i = 0; i < t->n_products; i++) fvi_step_release(&t->products[i]);
    fvi_free(t->products);
    fvi_free(t->columns);
}

static fv_status add_products(fvi_step *s, deform_state *t, fv_error *err)
{
    const fvi_dense *d = fvi_dense_of(s);
    int64_t outs = d->out[0].dim[1] / t->groups, rows = d->in[1].dim[1] * t->taps;
    for (int64_t i = 0; i < d->in[0].dim[0] * t->groups; i++) {
        int64_t g = i % t->groups, weights[2] = {outs, rows}, columns[2] = {rows, t->places}, result[2] = {outs, t->places};
        fvi_gemm_task task = {.alpha = 1, .beta = 1, .a = fvi_tensor_over(fvi_in_f32(d, 1) + g * outs * rows, FV_F32, 2, weights), .b = fvi_tensor_over(t->columns + g * rows * t->places, FV_F32, 2, columns),
                              .c = fvi_tensor_over(fvi_out_f32(d, 0) + i * outs * t->places, FV_F32, 2, result)};
        if (fvi_cpu_has_input(s, 3)) {
            task.bias = task.c;
            task.bias.data = (char *)(uintptr_t)(fvi_in_f32(d, 3) + g * outs);
            task.bias.stride[0] = 1, task.bias.stride[1] = 0;
        }
        fvi_step *p = &t->products[t->n_products++];
        *p = (fvi_step){.backend = s->backend, .env = s->env, .node = s->node, .name = s->name};
        FVI_TRY(fvi_gemm_prepare(p, &task, err));
    }
    return FV_OK;
}

static fv_status prepare(fvi_step *s, fv_error *err)
{
    deform_state *t;
    const fvi_tensor *x = &s->in[0], *w = &s->in[1], *y = &s->out[0];
    for (int i = 0; i < s->n_in; i++)
        if (fvi_cpu_has_input(s, i)) FVI_TRY(fvi_cpu_need_type(s->in[i].dtype, FVI_TYPE_BIT(FV_F32), err));
    if (x->rank != 4 || w->rank != 4 || y->rank != 4) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "a deformable convolution that is not 2-d");
    FVI_TRY(fvi_cpu_prepare_dense(s, run, "deformable convolution", sizeof *t, &t, err));
    fvi_dense_of(s)->free_own = free_own;
    FVI_TRY(fvi_node_window(s->node, &t->w, err));
    t->groups = fvi_node_int(s->node, "group", 1);
    t->offset_groups = fvi_node_int(s->node, "offset_group", 1);
    t->taps = t->w.kernel[0] * t->w.kernel[1];
    t->places = y->dim[2] * y->dim[3];
    int64_t c = x->dim[1], m = w->dim[0], og = t->offset_groups, shifts = x->dim[0] * og * t->taps * t->places;
    bool fits = t->groups >= 1 && og >= 1 && c % t->groups == 0 && m % t->groups == 0 && c % og == 0 && w->dim[1] == c / t->groups && y->dim[1] == m && fvi_tensor_count(&s->in[2]) == 2 * shifts &&
                (!fvi_cpu_has_input(s, 3) || fvi_tensor_count(&s->in[3]) == m) && (!fvi_cpu_has_input(s, 4) || fvi_tensor_count(&s->in[4]) == shifts);
    if (!fits) return fvi_error_set(err, FV_ERR_SHAPE, "its weights, offsets or mask do not fit its input");
    if ((double)c * (double)t->taps * (double)t->places > 1e10) return fvi_error_set(err, FV_ERR_LIMIT, "it is too large");
    t->columns = fvi_calloc((size_t)(c * t->taps * t->places) + 16, sizeof(float));
    t->products = fvi_calloc((size_t)(x->dim[0] * t->groups), sizeof *t->products);
    if (!t->columns || !t->products) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for a deformable convolution");
    t->chunks = fvi_chunks_for(5.0 * (double)(c * t->taps * t->places), c * t->taps);
    s->flops = 2.0 * (double)fvi_tensor_count(y) * (double)(w->dim[1] * t->taps);
    return add_products(s, t, err);
}

static const char *refuse(const fvi_node *n)
{
    if (n->in[0]->rank >= 0 && n->in[0]->rank != 4) return "a deformable convolution that is not 2-d";
    return fvi_cpu_refuse_type(n->in[0]->dtype, FVI_TYPE_BIT(FV_F32));
}

const fvi_cpu_op fvi_cpu_deform_ops[] = {
    {FVI_OP_DEFORM_CONV, FVI_LAYOUT_ANY, FVI_LAYOUT_DENSE, false, refuse, NULL, prepare},
    {FVI_OP_NONE},
};
