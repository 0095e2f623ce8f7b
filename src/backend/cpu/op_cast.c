/* op_cast.c: Cast and BatchNormalization: element by element, with something of their own to prepare. */
#include "backend/cpu/loop.h"
#include "backend/cpu/step.h"
#include <math.h>

typedef struct cast_state {
    fvi_loop loop;
    fvi_convert_fn fn;
} cast_state;

static void cast_block(const void *user, void *const *p, size_t n) { ((const cast_state *)user)->fn(p[0], p[1], n); }
static void cast_run(fvi_step *s) { fvi_loop_run(&((cast_state *)s->state)->loop, s->env->pool); }

fv_status fvi_cpu_prepare_cast(fvi_step *s, fv_error *err)
{
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPES_ANY, err));
    FVI_TRY(fvi_cpu_need_type(s->out[0].dtype, FVI_TYPES_ANY, err));
    if (s->in[0].dtype == s->out[0].dtype) return fvi_cpu_prepare_copy(s, err);
    FVI_TRY(fvi_cpu_new_state(s, sizeof(cast_state), err));
    cast_state *c = s->state;
    c->fn = fvi_convert(s->out[0].dtype, s->in[0].dtype);
    fv_dtype as[2] = {s->out[0].dtype, s->in[0].dtype};
    FVI_TRY(fvi_loop_init(&c->loop, 2, (fvi_tensor[]){s->out[0], s->in[0]}, as, 0.5, err));
    c->loop.block = cast_block;
    c->loop.user = c;
    s->run = cast_run;
    s->tactic = "cast";
    return FV_OK;
}

/* y = x scale' + shift' a channel, with scale' = scale / sqrt(var + eps) */
typedef struct norm_state {
    fvi_loop loop;
    fvi_muladd_fn muladd;
    int64_t channels;
    float epsilon;
    bool fixed; /* factors known at prepare */
    float factors[]; /* scale'[channels], shift'[channels] */
} norm_state;

static void norm_block(const void *user, void *const *p, size_t n) { ((const norm_state *)user)->muladd(p[0], p[1], p[2], p[3], n); }

static float value_at(const fvi_tensor *t, int64_t i)
{
    float f;
    fvi_convert(FV_F32, t->dtype)(&f, t->data + i * t->stride[0] * (int64_t)fv_dtype_size(t->dtype), 1);
    return f;
}

static void fold_factors(fvi_step *s)
{
    norm_state *b = s->state;
    for (int64_t c = 0; c < b->channels; c++) {
        double scale = value_at(&s->in[1], c) / sqrt((double)value_at(&s->in[4], c) + b->epsilon);
        b->factors[c] = (float)scale;
        b->factors[b->channels + c] = (float)(value_at(&s->in[2], c) - value_at(&s->in[3], c) * scale);
    }
}

static void norm_run(fvi_step *s)
{
    norm_state *b = s->state;
    if (!b->fixed) fold_factors(s);
    fvi_loop_run(&b->loop, s->env->pool);
}

const char *fvi_cpu_refuse_batch_norm(const fvi_node *n)
{
    if (!fvi_node_int(n, "spatial", 1)) return "statistics of each activation (spatial=0)";
    return fvi_cpu_refuse_type(n->in[0]->dtype, FVI_TYPES_HALF | FVI_TYPE_BIT(FV_F32));
}

fv_status fvi_cpu_prepare_batch_norm(fvi_step *s, fv_error *err)
{
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPES_HALF | FVI_TYPE_BIT(FV_F32), err));
    if (fvi_node_int(s->node, "training_mode", 0)) return fvi_cpu_prepare_batch_training(s, err);
    const fvi_tensor *x = &s->in[0];
    int64_t channels = x->rank > 1 ? x->dim[1] : 1;
    for (int i = 1; i < 5; i++) {
        FVI_TRY(fvi_cpu_need_type(s->in[i].dtype, FVI_TYPES_HALF | FVI_TYPE_BIT(FV_F32), err));
        if (s->in[i].rank != 1 || s->in[i].dim[0] != channels)
            return fvi_error_set(err, FV_ERR_SHAPE, "input %d must have one value for each of %lld channels", i, (long long)channels);
    }
    FVI_TRY(fvi_cpu_new_state(s, sizeof(norm_state) + 2 * (size_t)channels * sizeof(float), err));
    norm_state *b = s->state;
    fvi_elementwise k;
    fvi_elementwise_init(&k, s->env->cpu);
    b->muladd = k.muladd;
    b->channels = channels;
    b->epsilon = fvi_node_float(s->node, "epsilon", 1e-5f);
    b->fixed = s->in_const[1] && s->in_const[2] && s->in_const[3] && s->in_const[4];
    if (b->fixed) fold_factors(s);
    fvi_tensor scale = {.dtype = FV_F32, .rank = x->rank, .data = (char *)b->factors};
    for (int i = 0; i < x->rank; i++) {
        scale.dim[i] = i == 1 ? channels : 1;
        scale.stride[i] = i == 1;
    }
    fvi_tensor shift = scale;
    shift.data = (char *)(b->factors + channels);
    FVI_TRY(fvi_loop_init(&b->loop, 4, (fvi_tensor[]){s->out[0], *x, scale, shift}, NULL, 0.3, err));
    b->loop.block = norm_block;
    b->loop.user = b;
    s->run = norm_run;
    s->tactic = "batch norm";
    s->flops = 2.0 * (double)fvi_tensor_count(x);
    return FV_OK;
}
