/* op_quant_dynamic.c: DynamicQuantizeLinear: range of the whole tensor, then one scale for it. Two passes over the data,
 * each cut for the pool. */
#include "backend/cpu/loop.h"
#include "backend/cpu/quantise.h"
#include "backend/cpu/step.h"
#include <math.h>

enum { MOST_CHUNKS = 64 };

typedef struct dynamic_state {
    fvi_loop quantise;
    fvi_quant_fn quant;
    fvi_bytes_kern bytes;
    fvi_tensor x; /* coalesced, for the range */
    int chunks;
    float low[MOST_CHUNKS], high[MOST_CHUNKS];
    float scale, zero;
} dynamic_state;

static void block(const void *user, void *const *p, size_t n)
{
    const dynamic_state *d = user;
    fvi_cpu_quantise_bytes(d->quant, &d->bytes, p[0], p[1], n, d->scale, d->zero);
}

/* Sixteen running minima and maxima, which the compiler keeps in vectors. NaN is passed over. */
static void row_range(const float *x, int64_t stride, int64_t n, float *low, float *high)
{
    float lo[16], hi[16];
    int64_t i = 0;
    for (int k = 0; k < 16; k++) lo[k] = *low, hi[k] = *high;
    if (stride == 1)
        for (; i + 16 <= n; i += 16)
            for (int k = 0; k < 16; k++) {
                lo[k] = x[i + k] < lo[k] ? x[i + k] : lo[k];
                hi[k] = x[i + k] > hi[k] ? x[i + k] : hi[k];
            }
    for (; i < n; i++) {
        lo[0] = x[i * stride] < lo[0] ? x[i * stride] : lo[0];
        hi[0] = x[i * stride] > hi[0] ? x[i * stride] : hi[0];
    }
    for (int k = 0; k < 16; k++) {
        *low = lo[k] < *low ? lo[k] : *low;
        *high = hi[k] > *high ? hi[k] : *high;
    }
}

static void range_chunk(void *arg, int c, int thread)
{
    dynamic_state *d = arg;
    const fvi_tensor *x = &d->x;
    int last = x->rank - 1;
    int64_t inner = x->dim[last], units = (fvi_tensor_count(x) + 1023) / 1024, all = fvi_tensor_count(x);
    int64_t f = units * c / d->chunks * 1024, end = units * (c + 1) / d->chunks * 1024;
    float low = 0, high = 0; /* zero is always in the range */
    (void)thread;
    end = end < all ? end : all;
    while (f < end) {
        int64_t rest = f / inner, at = f % inner, n = inner - at < end - f ? inner - at : end - f, off = at * x->stride[last];
        for (int i = last - 1; i >= 0; i--) {
            off += rest % x->dim[i] * x->stride[i];
            rest /= x->dim[i];
        }
        row_range((const float *)(const void *)x->data + off, x->stride[last], n, &low, &high);
        f += n;
    }
    d->low[c] = low;
    d->high[c] = high;
}

static void run(fvi_step *s)
{
    dynamic_state *d = s->state;
    float low = 0, high = 0;
    if (d->chunks == 1)
        range_chunk(d, 0, 0);
    else
        fvi_pool_run(s->env->pool, range_chunk, d, d->chunks);
    for (int c = 0; c < d->chunks; c++) {
        low = d->low[c] < low ? d->low[c] : low;
        high = d->high[c] > high ? d->high[c] : high;
    }
    d->scale = high > low ? (high - low) / 255.0f : 1.0f;
    if (!(d->scale > 0 && d->scale <= 3.402823466e38f)) d->scale = 1; /* a range that underflows or overflows */
    float zero = -low / d->scale;
    d->zero = rintf(zero < 0 ? 0 : zero > 255 ? 255 : zero);
    fvi_loop_run(&d->quantise, s->env->pool);
    *(float *)(void *)s->out[1].data = d->scale;
    *(uint8_t *)s->out[2].data = (uint8_t)d->zero;
}

static fv_status prepare(fvi_step *s, fv_error *err)
{
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPE_BIT(FV_F32), err));
    if (s->n_out != 3 || s->out[0].dtype != FV_U8 || s->out[1].dtype != FV_F32 || s->out[2].dtype != FV_U8)
        return fvi_error_set(err, FV_ERR_SHAPE, "its outputs must be bytes, a scale and a zero point");
    FVI_TRY(fvi_cpu_new_state(s, sizeof(dynamic_state), err));
    dynamic_state *d = s->state;
    fvi_elementwise k;
    fvi_elementwise_init(&k, s->env->cpu);
    d->quant = k.quant;
    fvi_bytes_kern_init(&d->bytes, s->env->cpu);
    fv_dtype as[2] = {FV_U8, FV_F32};
    FVI_TRY(fvi_loop_init(&d->quantise, 2, (fvi_tensor[]){s->out[0], s->in[0]}, as, 0.5, err));
    d->quantise.block = block;
    d->quantise.user = d;
    d->x = s->in[0];
    fvi_tensor_coalesce(&d->x, 1);
    int64_t count = fvi_tensor_count(&s->in[0]);
    d->chunks = fvi_chunks_for(0.2 * (double)count, count / 4096);
    if (d->chunks > MOST_CHUNKS) d->chunks = MOST_CHUNKS;
    s->run = run;
    s->tactic = "quantise to range";
    return FV_OK;
}

static const char *refuse(const fvi_node *n) { return fvi_cpu_refuse_type(n->in[0]->dtype, FVI_TYPE_BIT(FV_F32)); }

const fvi_cpu_op fvi_cpu_quant_dynamic_ops[] = {
    {FVI_OP_DYNAMIC_QUANTIZE_LINEAR, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, refuse, NULL, prepare},
    {FVI_OP_NONE},
};
