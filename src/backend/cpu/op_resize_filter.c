/* op_resize_filter.c: Resize by weights of several neighbours an axis: cubic, antialiased, linear over more than two axes.
 * Axis after axis, in float, rows of whatever lies behind the axis at once. */
#include "backend/cpu/loop.h"
#include "backend/cpu/resize_map.h"
#include <string.h>

typedef struct axis_pass {
    int64_t outer, in, out, inner, taps;
    int64_t *index;
    float *weights;
    const float *from;
    float *to;
    int chunks;
    float extrapolation;
} axis_pass;

typedef struct filter_state {
    int n;
    fvi_tensor x, y; /* dense */
    float *memory[2], *copy;
    void *tables;
    axis_pass pass[FV_MAX_RANK];
} filter_state;

static void pass_chunk(void *arg, int c, int thread)
{
    const axis_pass *p = arg;
    int64_t rows = p->outer * p->out;
    (void)thread;
    for (int64_t r = rows * c / p->chunks; r < rows * (c + 1) / p->chunks; r++) {
        int64_t o = r % p->out;
        const int64_t *index = p->index + o * p->taps;
        const float *w = p->weights + o * p->taps, *from = p->from + r / p->out * p->in * p->inner;
        float *to = p->to + r * p->inner;
        for (int64_t i = 0; i < p->inner; i++) to[i] = index[0] < 0 ? p->extrapolation : 0;
        for (int64_t k = 0; k < p->taps && index[0] >= 0; k++) {
            const float *src = from + index[k] * p->inner;
            for (int64_t i = 0; i < p->inner; i++) to[i] += w[k] * src[i];
        }
    }
}

static void run(fvi_step *s)
{
    filter_state *t = s->state;
    if (t->copy) fvi_tensor_copy(&t->x, &s->in[0]);
    for (int i = 0; i < t->n; i++) fvi_pool_run(s->env->pool, pass_chunk, &t->pass[i], t->pass[i].chunks);
    if (t->y.data != s->out[0].data) fvi_tensor_copy(&s->out[0], &t->y);
}

static void release(fvi_step *s)
{
    filter_state *t = s->state;
    if (t) {
        fvi_free(t->memory[0]);
        fvi_free(t->memory[1]);
        fvi_free(t->copy);
        fvi_free(t->tables);
    }
    fvi_free(t);
}

static fv_status no_memory(fv_error *err) { return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for a resize"); }

/* Sizes of all passes; their tables in one block. */
static fv_status plan_passes(fvi_step *s, const fvi_resize_rule *rule, fv_error *err)
{
    filter_state *t = s->state;
    int64_t dim[FV_MAX_RANK], total = 0, most = 1;
    int axes[FV_MAX_RANK];
    memcpy(dim, s->in[0].dim, sizeof dim);
    for (int a = 0; a < s->in[0].rank; a++) {
        int64_t in = dim[a], out = s->out[0].dim[a], taps = fvi_resize_taps(rule, a);
        if (in == out && rule->scale[a] == 1.0f && !(rule->crops && (rule->roi_start[a] != 0 || rule->roi_end[a] != 1))) continue;
        if (taps < 0) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "a scale of %g", (double)rule->scale[a]);
        axis_pass *p = &t->pass[t->n];
        *p = (axis_pass){.outer = 1, .in = in, .out = out, .inner = 1, .taps = taps, .extrapolation = rule->extrapolation};
        for (int i = 0; i < a; i++) p->outer *= dim[i];
        for (int i = a + 1; i < s->in[0].rank; i++) p->inner *= dim[i];
        dim[a] = out;
        int64_t count = p->outer * out * p->inner;
        p->chunks = fvi_chunks_for(0.3 * (double)(count * taps), p->outer * out);
        most = count > most ? count : most;
        total += out * taps;
        axes[t->n++] = a;
    }
    t->tables = fvi_calloc((size_t)total + 1, sizeof(int64_t) + sizeof(float));
    t->memory[0] = fvi_calloc((size_t)most + 16, sizeof(float));
    t->memory[1] = fvi_calloc((size_t)most + 16, sizeof(float));
    if (!t->tables || !t->memory[0] || !t->memory[1]) return no_memory(err);
    int64_t *index = t->tables;
    float *weights = (float *)(void *)(index + total);
    for (int i = 0; i < t->n; i++) {
        axis_pass *p = &t->pass[i];
        p->index = index;
        p->weights = weights;
        fvi_resize_filter(rule, axes[i], p->in, p->out, p->taps, index, weights);
        index += p->out * p->taps;
        weights += p->out * p->taps;
    }
    return FV_OK;
}

fv_status fvi_cpu_prepare_resize_filter(fvi_step *s, const fvi_resize_rule *rule, fv_error *err)
{
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPE_BIT(FV_F32), err));
    FVI_TRY(fvi_cpu_new_state(s, sizeof(filter_state), err));
    filter_state *t = s->state;
    s->release = release;
    s->run = run;
    s->tactic = rule->mode == FVI_RESIZE_CUBIC ? "resize cubic" : "resize linear filtered";
    FVI_TRY(plan_passes(s, rule, err));
    if (t->n == 0) return fvi_error_set(err, FV_ERR_INTERNAL, "a resize that changes nothing");
    t->x = s->in[0];
    t->x.halo = 0;
    if (!fvi_tensor_is_dense(&s->in[0])) {
        t->copy = fvi_calloc((size_t)fvi_tensor_count(&s->in[0]) + 16, sizeof(float));
        if (!t->copy) return no_memory(err);
        t->x = fvi_tensor_over(t->copy, FV_F32, s->in[0].rank, s->in[0].dim);
    }
    bool direct = fvi_tensor_is_dense(&s->out[0]);
    for (int i = 0; i < t->n; i++) {
        t->pass[i].from = i ? t->memory[(i - 1) % 2] : (const float *)(const void *)t->x.data;
        t->pass[i].to = i == t->n - 1 && direct ? (float *)(void *)s->out[0].data : t->memory[i % 2];
    }
    t->y = direct ? s->out[0] : fvi_tensor_over(t->memory[(t->n - 1) % 2], FV_F32, s->out[0].rank, s->out[0].dim);
    return FV_OK;
}
