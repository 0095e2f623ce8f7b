/* sample.c: how far a layer's sums are off when its input and weights are quantised, at some places of a picture: what observers are
 * compared by, what the sensitivity report says and what bias correction takes away. Called by calibrate.c for a few pictures. */
#include "base/alloc.h"
#include "model/quant/quant.h"
#include <string.h>

#define PLACES 32 /* of each picture */

typedef struct patch {
    int64_t n;                /* elements: of all groups */
    float *x, *q[FVI_OBS_COUNT];
} patch;

static uint64_t next(uint64_t *s)
{
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return *s >> 33;
}

static float dot(const float *a, const float *b, int64_t n)
{
    float s[8] = {0}, rest = 0;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) s[k] += a[i + k] * b[i + k];
    for (; i < n; i++) rest += a[i] * b[i];
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7])) + rest;
}

static float at(const fvi_tensor *x, int64_t offset) { return ((const float *)(const void *)x->data)[offset]; }

/* What output place `place` (spatial index) of image n reads, zeros where it is padding: [channels][taps]. */
static void gather_conv(const fvi_tensor *x, const fvi_window *w, int64_t n, int64_t place, float *out)
{
    int64_t origin[FV_MAX_RANK], taps = 1;
    for (int d = w->n - 1; d >= 0; d--) {
        origin[d] = place % w->out[d] * w->stride[d] - w->pad_begin[d];
        place /= w->out[d];
        taps *= w->kernel[d];
    }
    for (int64_t c = 0; c < x->dim[1]; c++)
        for (int64_t t = 0; t < taps; t++) {
            int64_t rest = t, offset = n * x->stride[0] + c * x->stride[1];
            bool inside = true;
            for (int d = w->n - 1; d >= 0; d--) {
                int64_t p = origin[d] + rest % w->kernel[d] * w->dilation[d];
                rest /= w->kernel[d];
                inside &= p >= 0 && p < x->dim[d + 2];
                offset += p * x->stride[d + 2];
            }
            *out++ = inside ? at(x, offset) : 0;
        }
}

static void gather_row(const fvi_tensor *x, int64_t row, float *out)
{
    int64_t offset = 0, last = x->rank - 1;
    for (int64_t d = last - 1; d >= 0; d--) {
        offset += row % x->dim[d] * x->stride[d];
        row /= x->dim[d];
    }
    for (int64_t k = 0; k < x->dim[last]; k++) *out++ = at(x, offset + k * x->stride[last]);
}

static void measure(fvi_quant_error *e, const fvi_quant_layer *l, const patch *p, int64_t groups, const float *w, const float *wq)
{
    int64_t each = l->channels / groups;
    for (int64_t c = 0; c < l->channels; c++) {
        int64_t from = c / each * l->inner;
        float y = dot(w + c * l->inner, p->x + from, l->inner);
        e->signal += (double)y * (double)y;
        for (int k = 0; k < FVI_OBS_COUNT; k++) {
            double d = (double)dot(wq + c * l->inner, p->q[k] + from, l->inner) - (double)y;
            e->noise[k] += d * d;
            e->bias[k][c] += d;
        }
    }
    e->places++;
}

static fv_status window_of(const fvi_quant_layer *l, const fvi_tensor *x, fvi_window *w, fv_error *err)
{
    fvi_value shape = {.name = l->node->in[0]->name, .rank = x->rank};
    fvi_value *in[2] = {&shape, l->node->in[1]};
    fvi_node n = *l->node;
    memcpy(shape.dim, x->dim, sizeof shape.dim);
    n.in = in;
    n.n_in = 2;
    return fvi_node_window(&n, w, err);
}

fv_status fvi_quant_sample(fvi_quant_error *e, const fvi_quant_layer *l, const fvi_tensor *x, const fvi_quant_scale scale[FVI_OBS_COUNT], const float *w,
                           const float *wq, uint64_t seed, fv_error *err)
{
    fvi_window win = {0};
    bool conv = l->node->op == FVI_OP_CONV;
    int64_t groups = conv ? fvi_node_int(l->node, "group", 1) : 1, places = 1;
    if (conv) FVI_TRY(window_of(l, x, &win, err));
    for (int d = 0; d < (conv ? win.n : x->rank - 1); d++) places *= conv ? win.out[d] : x->dim[d];
    patch p = {.n = l->inner * groups};
    p.x = fvi_calloc((size_t)p.n * (FVI_OBS_COUNT + 1) + 1, sizeof *p.x);
    if (!p.x) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    for (int k = 0; k < FVI_OBS_COUNT; k++) p.q[k] = p.x + p.n * (k + 1);
    for (int i = 0; i < PLACES && places > 0; i++) {
        int64_t place = (int64_t)(next(&seed) % (uint64_t)places);
        if (conv)
            gather_conv(x, &win, (int64_t)(next(&seed) % (uint64_t)x->dim[0]), place, p.x);
        else
            gather_row(x, place, p.x);
        for (int k = 0; k < FVI_OBS_COUNT; k++)
            for (int64_t j = 0; j < p.n; j++) p.q[k][j] = fvi_quant_fake(p.x[j], &scale[k]);
        measure(e, l, &p, groups, w, wq);
    }
    fvi_free(p.x);
    return FV_OK;
}
