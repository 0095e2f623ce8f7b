/* op_attention.c: Attention (opsets 23 on): Y = softmax(softcap(scale Q K^T) + bias) V, with grouped heads, masks, causal and
 * sliding windows and a cache of keys and values. Heads go through the blocked matrix product in groups whose scores fit a
 * bounded scratch. */
#include "backend/cpu/gemm.h"
#include "backend/cpu/loop.h"
#include "kern/softmax.h"
#include <math.h>
#include <string.h>

enum {
    SCORES = 2 << 20,      /* floats of scores at once, unless one head needs more */
    MOST_SCORES = 1 << 30, /* of one head */
};

typedef struct group {
    fvi_step scores, values; /* the two products */
    int64_t batch, head;     /* first query head */
} group;

typedef struct attention_state {
    fvi_tensor q, k, v, y; /* [B, heads, length, size]; k and v with what was cached */
    fvi_tensor mask, kept; /* mask [B, heads, Lq, mask keys] by broadcast; kept: valid keys of each of the batch */
    float *keys, *values;  /* cache and new ones joined */
    fvi_tensor past_k, new_k, past_v, new_v;
    float *score;
    group *groups;
    int n_groups, chunks;
    int64_t rep, heads_each; /* query heads a key head; key heads a group */
    const group *now;
    float softcap;
    bool causal;
    int64_t left, right, cached;
    int mode;
    fvi_tensor qk; /* dtype FV_NONE = not wanted */
    fvi_softmax kern;
} attention_state;

/* ---- one row of scores ---- */
static void cap(float *x, int64_t n, float softcap)
{
    for (int64_t j = 0; j < n; j++) x[j] = tanhf(x[j] / softcap) * softcap;
}

static float mask_at(const fvi_tensor *m, int64_t off)
{
    if (m->dtype == FV_BOOL) return m->data[off] ? 0 : -INFINITY;
    return ((const float *)(const void *)m->data)[off];
}

static void add_bias(const attention_state *t, int64_t b, int64_t h, int64_t i, float *x, int64_t n)
{
    int64_t kept = n, offset = t->cached;
    if (t->kept.dtype != FV_NONE) {
        kept = *(const int64_t *)(const void *)(t->kept.data + b * t->kept.stride[0] * (int64_t)sizeof(int64_t));
        offset = kept - t->q.dim[2];
    }
    if (t->mask.dtype != FV_NONE) {
        const fvi_tensor *m = &t->mask;
        int64_t base = b * m->stride[0] + h * m->stride[1] + i * m->stride[2];
        for (int64_t j = 0; j < n; j++) x[j] += j < m->dim[3] ? mask_at(m, base + j * m->stride[3]) : -INFINITY;
    }
    int64_t last = t->causal ? i + offset : n, first = 0;
    if (t->right >= 0 && i + offset + t->right < last) last = i + offset + t->right;
    if (t->left >= 0 && i + offset - t->left > 0) first = i + offset - t->left;
    for (int64_t j = 0; j < n; j++)
        if (j > last || j < first || j >= kept) x[j] = -INFINITY;
}

static void keep_scores(const attention_state *t, int64_t b, int64_t h, int64_t i, const float *x, int64_t n)
{
    const fvi_tensor *o = &t->qk;
    float *y = (float *)(void *)o->data + b * o->stride[0] + h * o->stride[1] + i * o->stride[2];
    for (int64_t j = 0; j < n; j++) y[j * o->stride[3]] = x[j];
}

static void soften(const attention_state *t, float *x, int64_t n)
{
    float most = -INFINITY;
    for (int64_t j = 0; j < n; j++) most = x[j] > most ? x[j] : most;
    if (most == -INFINITY) { /* nothing to look at */
        memset(x, 0, (size_t)n * sizeof *x);
        return;
    }
    t->kern.rows(x, n, x, n, 1, (size_t)n);
}

static void row_chunk(void *arg, int c, int thread)
{
    const attention_state *t = arg;
    const group *g = t->now;
    int64_t n = t->k.dim[2], lq = t->q.dim[2], rows = t->heads_each * t->rep * lq;
    bool keep = t->qk.dtype != FV_NONE, biased = t->mask.dtype != FV_NONE || t->kept.dtype != FV_NONE || t->causal || t->left >= 0 || t->right >= 0;
    (void)thread;
    for (int64_t r = rows * c / t->chunks; r < rows * (c + 1) / t->chunks; r++) {
        float *x = t->score + r * n;
        int64_t h = g->head + r / lq, i = r % lq;
        if (keep && t->mode == 0) keep_scores(t, g->batch, h, i, x, n);
        if (t->softcap > 0) cap(x, n, t->softcap);
        if (keep && t->mode == 1) keep_scores(t, g->batch, h, i, x, n);
        if (biased) add_bias(t, g->batch, h, i, x, n);
        if (keep && t->mode == 2) keep_scores(t, g->batch, h, i, x, n);
        soften(t, x, n);
        if (keep && t->mode == 3) keep_scores(t, g->batch, h, i, x, n);
    }
}

static void join(const fvi_tensor *whole, const fvi_tensor *past, const fvi_tensor *fresh, const fvi_tensor *out)
{
    fvi_tensor part;
    fvi_tensor_slice(&part, whole, 2, 0, past->dim[2], 1);
    fvi_tensor_copy(&part, past);
    fvi_tensor_slice(&part, whole, 2, past->dim[2], fresh->dim[2], 1);
    fvi_tensor_copy(&part, fresh);
    if (out) fvi_tensor_copy(out, whole);
}

static void run(fvi_step *s)
{
    attention_state *t = s->state;
    if (t->keys) {
        join(&t->k, &t->past_k, &t->new_k, s->n_out > 1 ? &s->out[1] : NULL);
        join(&t->v, &t->past_v, &t->new_v, s->n_out > 2 ? &s->out[2] : NULL);
    } else {
        if (s->n_out > 1) fvi_tensor_copy(&s->out[1], &t->k);
        if (s->n_out > 2) fvi_tensor_copy(&s->out[2], &t->v);
    }
    for (int i = 0; i < t->n_groups; i++) {
        group *g = &t->groups[i];
        g->scores.run(&g->scores);
        t->now = g;
        fvi_pool_run(s->env->pool, row_chunk, t, t->chunks);
        g->values.run(&g->values);
    }
}

static void release(fvi_step *s)
{
    attention_state *t = s->state;
    if (t) {
        for (int i = 0; i < t->n_groups; i++) {
            fvi_step_release(&t->groups[i].scores);
            fvi_step_release(&t->groups[i].values);
        }
        fvi_free(t->groups);
        fvi_free(t->score);
        fvi_free(t->keys);
        fvi_free(t->values);
    }
    fvi_free(t);
}

/* ---- prepare ---- */
/* [B, length, heads * size] as [B, heads, length, size] */
static bool as_heads(fvi_tensor *out, const fvi_tensor *in, int64_t heads)
{
    *out = *in;
    out->halo = 0;
    if (in->rank == 4) return true;
    if (in->rank != 3 || heads < 1 || in->dim[2] % heads) return false;
    int64_t size = in->dim[2] / heads;
    *out = (fvi_tensor){.dtype = in->dtype, .rank = 4, .data = in->data, .dim = {in->dim[0], heads, in->dim[1], size}, .stride = {in->stride[0], size * in->stride[2], in->stride[1], in->stride[2]}};
    return true;
}

static fv_status no_memory(fv_error *err) { return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for attention"); }

/* A group's part of t: batch b, key heads from h on, as [heads_each, rep, rows, columns]; query-sided tensors have heads *
 * rep heads, key-sided ones repeat theirs. */
static fvi_tensor part_of(const attention_state *t, const fvi_tensor *x, int64_t b, int64_t h, bool of_keys, bool turned)
{
    fvi_tensor o = {.dtype = FV_F32, .rank = 4, .dim = {t->heads_each, t->rep, x->dim[2], x->dim[3]}};
    int64_t head = x->stride[1];
    o.stride[0] = of_keys ? head : head * t->rep;
    o.stride[1] = of_keys ? 0 : head;
    o.stride[2] = x->stride[2];
    o.stride[3] = x->stride[3];
    if (turned) {
        o.dim[2] = x->dim[3], o.dim[3] = x->dim[2];
        o.stride[2] = x->stride[3], o.stride[3] = x->stride[2];
    }
    o.data = x->data + (b * x->stride[0] + (of_keys ? h : h * t->rep) * head) * (int64_t)sizeof(float);
    return o;
}

static fv_status make_groups(fvi_step *s, float scale, fv_error *err)
{
    attention_state *t = s->state;
    int64_t heads = t->k.dim[1], batch = t->q.dim[0], lq = t->q.dim[2], lk = t->k.dim[2];
    if ((double)t->rep * (double)lq * (double)lk > MOST_SCORES) return fvi_error_set(err, FV_ERR_LIMIT, "%lld queries of %lld keys are too many", (long long)lq, (long long)lk);
    t->heads_each = 1;
    for (int64_t h = heads; h > 1; h--)
        if (heads % h == 0 && h * t->rep * lq * lk <= SCORES) {
            t->heads_each = h;
            break;
        }
    int64_t rows = t->heads_each * t->rep * lq, each = rows * lk;
    t->groups = fvi_calloc((size_t)(batch * heads / t->heads_each), sizeof *t->groups);
    t->score = fvi_calloc((size_t)each + 16, sizeof(float));
    if (!t->groups || !t->score) return no_memory(err);
    t->chunks = fvi_chunks_for((double)each * (t->softcap > 0 ? 10 : 2), rows);
    int64_t dim[4] = {t->heads_each, t->rep, lq, lk};
    for (int64_t b = 0; b < batch; b++)
        for (int64_t h = 0; h < heads; h += t->heads_each) {
            group *g = &t->groups[t->n_groups++];
            fvi_step start = {.backend = s->backend, .env = s->env, .node = s->node, .name = s->name};
            g->scores = g->values = start;
            g->batch = b;
            g->head = h * t->rep;
            fvi_gemm_task task = {.alpha = scale, .a = part_of(t, &t->q, b, h, false, false), .b = part_of(t, &t->k, b, h, true, true), .c = fvi_tensor_over(t->score, FV_F32, 4, dim)};
            FVI_TRY(fvi_gemm_prepare(&g->scores, &task, err));
            task = (fvi_gemm_task){.alpha = 1, .a = fvi_tensor_over(t->score, FV_F32, 4, dim), .b = part_of(t, &t->v, b, h, true, false), .c = part_of(t, &t->y, b, h, false, false)};
            FVI_TRY(fvi_gemm_prepare(&g->values, &task, err));
        }
    return FV_OK;
}

static fv_status join_cache(fvi_step *s, fv_error *err)
{
    attention_state *t = s->state;
    t->new_k = t->k, t->new_v = t->v;
    t->past_k = s->in[4], t->past_v = s->in[5];
    t->cached = t->past_k.dim[2];
    fvi_tensor *whole[2] = {&t->k, &t->v}, *past[2] = {&t->past_k, &t->past_v};
    float **memory[2] = {&t->keys, &t->values};
    for (int i = 0; i < 2; i++) {
        int64_t dim[4];
        memcpy(dim, whole[i]->dim, sizeof dim);
        if (past[i]->rank != 4 || past[i]->dtype != FV_F32 || past[i]->dim[0] != dim[0] || past[i]->dim[1] != dim[1] || past[i]->dim[3] != dim[3] || past[i]->dim[2] != t->cached)
            return fvi_error_set(err, FV_ERR_SHAPE, "its cache does not fit its keys and values");
        dim[2] += t->cached;
        *memory[i] = fvi_calloc((size_t)(dim[0] * dim[1] * dim[2] * dim[3]) + 16, sizeof(float));
        if (!*memory[i]) return no_memory(err);
        *whole[i] = fvi_tensor_over(*memory[i], FV_F32, 4, dim);
    }
    return FV_OK;
}

static fv_status read_mask(fvi_step *s, fv_error *err)
{
    attention_state *t = s->state;
    if (fvi_cpu_has_input(s, 6)) {
        t->kept = s->in[6];
        if (t->kept.dtype != FV_I64 || t->kept.rank != 1 || t->kept.dim[0] != t->q.dim[0]) return fvi_error_set(err, FV_ERR_SHAPE, "nonpad_kv_seqlen must have one int64 for each of the batch");
    }
    if (!fvi_cpu_has_input(s, 3)) return FV_OK;
    const fvi_tensor *m = &s->in[3];
    FVI_TRY(fvi_cpu_need_type(m->dtype, FVI_TYPE_BIT(FV_F32) | FVI_TYPE_BIT(FV_BOOL), err));
    int64_t dim[4] = {t->q.dim[0], t->q.dim[1], t->q.dim[2], m->rank ? m->dim[m->rank - 1] : 1};
    if (m->rank < 1 || m->rank > 4 || dim[3] > t->k.dim[2] || !fvi_tensor_broadcast(&t->mask, m, 4, dim)) return fvi_error_set(err, FV_ERR_SHAPE, "attn_mask does not broadcast to the scores");
    return FV_OK;
}

static fv_status check_shapes(const fvi_step *s, attention_state *t, fv_error *err)
{
    const fvi_tensor *q = &t->q, *k = &t->k, *v = &t->v, *y = &t->y;
    bool fits = k->dim[0] == q->dim[0] && v->dim[0] == q->dim[0] && k->dim[1] == v->dim[1] && k->dim[2] == v->dim[2] && k->dim[3] == q->dim[3] && k->dim[1] > 0 && q->dim[1] % k->dim[1] == 0 &&
                y->dim[0] == q->dim[0] && y->dim[1] == q->dim[1] && y->dim[2] == q->dim[2] && y->dim[3] == v->dim[3];
    if (!fits) return fvi_error_set(err, FV_ERR_SHAPE, "its queries, keys and values do not fit each other");
    if (fvi_tensor_count(q) == 0 || fvi_tensor_count(k) == 0 || fvi_tensor_count(v) == 0) return fvi_error_set(err, FV_ERR_SHAPE, "its queries, keys or values are empty");
    t->rep = q->dim[1] / k->dim[1];
    if (s->n_out > 3) {
        t->qk = s->out[3];
        if (t->qk.rank != 4 || t->qk.dtype != FV_F32 || t->qk.dim[3] != k->dim[2]) return fvi_error_set(err, FV_ERR_SHAPE, "its fourth output does not have the shape of the scores");
    }
    return FV_OK;
}

static fv_status prepare(fvi_step *s, fv_error *err)
{
    const fvi_node *n = s->node;
    FVI_TRY(fvi_cpu_new_state(s, sizeof(attention_state), err));
    attention_state *t = s->state;
    s->release = release;
    s->run = run;
    s->tactic = "attention";
    for (int i = 0; i < 3; i++) FVI_TRY(fvi_cpu_need_type(s->in[i].dtype, FVI_TYPE_BIT(FV_F32), err));
    int64_t qh = fvi_node_int(n, "q_num_heads", 0), kh = fvi_node_int(n, "kv_num_heads", 0);
    if (!as_heads(&t->q, &s->in[0], qh) || !as_heads(&t->k, &s->in[1], kh) || !as_heads(&t->v, &s->in[2], kh) || !as_heads(&t->y, &s->out[0], qh))
        return fvi_error_set(err, FV_ERR_SHAPE, "its inputs do not divide into q_num_heads and kv_num_heads");
    if (fvi_cpu_has_input(s, 4) != fvi_cpu_has_input(s, 5)) return fvi_error_set(err, FV_ERR_MODEL, "past_key and past_value come together");
    if (fvi_cpu_has_input(s, 4)) FVI_TRY(join_cache(s, err));
    FVI_TRY(check_shapes(s, t, err));
    FVI_TRY(read_mask(s, err));
    fvi_softmax_init(&t->kern, s->env->cpu);
    float scale = fvi_node_float(n, "scale", 0);
    if (!fvi_node_attr(n, "scale")) scale = 1 / sqrtf((float)t->q.dim[3]);
    t->softcap = fvi_node_float(n, "softcap", 0);
    t->causal = fvi_node_int(n, "is_causal", 0) != 0;
    t->left = fvi_node_int(n, "left_window_size", -1);
    t->right = fvi_node_int(n, "right_window_size", -1);
    t->mode = (int)fvi_node_int(n, "qk_matmul_output_mode", 0);
    s->flops = 2.0 * (double)fvi_tensor_count(&t->q) * (double)t->k.dim[2] * (1 + (double)t->v.dim[3] / (double)t->q.dim[3]);
    return make_groups(s, scale, err);
}

static const char *refuse(const fvi_node *n)
{
    int64_t mode = fvi_node_int(n, "qk_matmul_output_mode", 0);
    if (mode < 0 || mode > 3) return "an unknown qk_matmul_output_mode";
    return fvi_cpu_refuse_type(n->in[0]->dtype, FVI_TYPE_BIT(FV_F32));
}

const fvi_cpu_op fvi_cpu_attention_ops[] = {
    {FVI_OP_ATTENTION, FVI_LAYOUT_ANY, FVI_LAYOUT_DENSE, false, refuse, NULL, prepare},
    {FVI_OP_NONE},
};
