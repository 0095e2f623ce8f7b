/* op_qconv.c: fovea.QuantConv: convolution of bytes with fused activation, table and residual on the tactics of kern/qconv.h. prepare turns a step's
 * tensors, and what their bytes mean (fvi_value.quant), into parameters, picks the tactic and packs the weights; run splits the work over the pool.
 * Called through the table in cpu.c. */
#include "backend/cpu/op_qconv.h"
#include "backend/cpu/op_conv.h"
#include "base/checked.h"
#include "kern/qconv.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A tactic with its packed weights and the memory of its threads. */
typedef struct job {
    fvi_qconv_params p;
    fvi_qconv_io io;
    const fvi_qconv_tactic *tactic;
    char *packed, *workspace; /* workspace null: the plan's */
    bool borrowed; /* `packed` is the twin's or the engine file's, and complete */
    bool lasting;  /* no candidate: its workspace may be the plan's */
    char *scratch; /* of this run: one of the two */
    size_t workspace_bytes;
    int chunks;
} job;

typedef struct qconv_state {
    job job;
    fvi_decision decision;
} qconv_state;

enum { X, W, SCALE, BIAS, TABLE, TABLE_SCALE, TABLE_ZERO };

static const fvi_family family;

static bool has(const fvi_step *s, int i) { return i < s->n_in && s->in[i].dtype != FV_NONE; }
static const void *data_of(const fvi_step *s, int i) { return has(s, i) ? s->in[i].data : NULL; }

/* ---- packed weights ---- */

static bool weights_absent(const fvi_step *s) { return !s->in[W].data || !s->in[SCALE].data || (has(s, BIAS) && !s->in[BIAS].data); }

/* All that the order of packed bytes depends on: no strides, no batch. */
static void form_of(const fvi_qconv_params *p, const fvi_qconv_tactic *t, char form[FVI_FORM_MAX])
{
    snprintf(form, FVI_FORM_MAX, "%s %d to %d groups %d kernel %dx%d stride %dx%d dilation %dx%d%s", t->name, p->cin, p->cout, p->groups, p->kh, p->kw, p->sh, p->sw, p->dh, p->dw,
             fvi_qconv_dense(p) ? " dense" : "");
}

static char *packed_already(const fvi_qconv_params *p, const fvi_step *s, const fvi_qconv_tactic *t)
{
    char form[FVI_FORM_MAX];
    const fvi_packed *from = s->env->packed;
    const size_t bytes = from ? t->algorithm->packed_bytes(t, p) : 0;
    if (!bytes) return NULL;
    form_of(p, t, form);
    const void *found = from->find(from->user, s, form, bytes);
    return found && t->algorithm->valid && !t->algorithm->valid(t, p, found) ? NULL : (char *)(uintptr_t)found;
}

/* Packed weights of the step's twin, or null: what packing depends on must agree. */
static char *weights_of_twin(const job *j, const fvi_step *s)
{
    char mine[FVI_PROBLEM_MAX], its[FVI_PROBLEM_MAX];
    const fvi_step *t = s->twin;
    if (!t || !t->n_decisions || t->decisions[0].family != &family || data_of(s, W) != data_of(t, W) || data_of(s, SCALE) != data_of(t, SCALE) || data_of(s, BIAS) != data_of(t, BIAS)) return NULL;
    const job *other = t->decisions[0].job;
    const bool same = other->tactic == j->tactic && other->p.zero == j->p.zero && fvi_qconv_describe(&j->p, mine, sizeof mine) && fvi_qconv_describe(&other->p, its, sizeof its);
    return same && !strcmp(mine, its) ? other->packed : NULL;
}

/* Without weights only tactics come into question whose packed bytes are there. */
static const fvi_qconv_tactic *choose(const job *j, const fvi_step *s, bool absent)
{
    const fvi_qconv_tactic *t[FVI_TACTICS_MAX];
    const int n = fvi_qconv_rank(&j->p, s->env->cpu, 1e30, t, FVI_TACTICS_MAX);
    for (int i = 0; i < n; i++)
        if (!absent || packed_already(&j->p, s, t[i])) return t[i];
    return NULL;
}

static fv_status pack(job *j, const fvi_step *s, fv_error *err)
{
    float *room = fvi_alloc(fvi_qconv_weights(&j->p) * sizeof *room + FVI_PAD);
    if (!room) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory for packed weights", s->name);
    j->tactic->algorithm->pack(j->tactic, &j->p, data_of(s, W), data_of(s, SCALE), data_of(s, BIAS), room, j->packed);
    fvi_free(room);
    return FV_OK;
}

static void job_free(job *j)
{
    if (!j->borrowed) fvi_free(j->packed);
    j->packed = NULL;
    FVI_FREE(j->workspace);
}

/* j->p is set, and the tactic if it is known. On failure free what there is with job_free. */
static fv_status job_init(job *j, const fvi_step *s, fv_error *err)
{
    const bool absent = weights_absent(s);
    if (!j->tactic || (absent && !packed_already(&j->p, s, j->tactic))) j->tactic = choose(j, s, absent);
    if (!j->tactic) return fvi_error_set(err, FV_ERR_MODEL, "%s: its weights are not in the engine file in any form that this machine can use", s->name);
    const fvi_qconv_algorithm *a = j->tactic->algorithm;
    char *have = packed_already(&j->p, s, j->tactic);
    if (!have && !absent) have = weights_of_twin(j, s);
    const size_t packed = have ? 0 : a->packed_bytes(j->tactic, &j->p);
    j->borrowed = have;
    j->packed = have ? have : packed ? fvi_alloc(packed + FVI_PAD) : NULL;
    const int threads = fvi_pool_threads(s->env->pool);
    j->workspace_bytes = fvi_round_up(a->workspace_bytes(j->tactic, &j->p), FVI_ALIGN);
    size_t all;
    const bool fits = fvi_mul_size(j->workspace_bytes, (size_t)threads, &all);
    const bool shared = s->room && j->lasting;
    j->workspace = fits && all && !shared ? fvi_alloc(all) : NULL;
    if (!j->packed || !fits || (all && !shared && !j->workspace)) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory for packed weights", s->name);
    j->chunks = a->chunks(j->tactic, &j->p, threads);
    return j->borrowed ? FV_OK : pack(j, s, err);
}

/* ---- running ---- */

static void run_chunk(void *arg, int chunk, int thread)
{
    job *j = arg;
    j->tactic->algorithm->run(j->tactic, &j->p, &j->io, j->packed, j->scratch + (size_t)thread * j->workspace_bytes, chunk, j->chunks);
}

static void set_io(job *j, const fvi_step *s)
{
    j->scratch = j->workspace ? j->workspace : s->scratch;
    j->io = (fvi_qconv_io){.in = (const uint8_t *)s->in[X].data, .res = j->p.residual ? s->residual.data : NULL, .table = data_of(s, TABLE), .out = s->out[0].data};
}

static void job_run(fvi_step *s, void *job_)
{
    job *j = job_;
    set_io(j, s);
    fvi_pool_run(s->env->pool, run_chunk, j, j->chunks);
}

static void run(fvi_step *s) { job_run(s, &((qconv_state *)s->state)->job); }

typedef struct region_run {
    const job *job;
    const fvi_region *regions;
} region_run;

/* A smaller convolution within the same memory: its neighbours are there instead of stored zero points. */
static void run_region(void *arg, int chunk, int thread)
{
    const region_run *a = arg;
    const job *j = a->job;
    const fvi_region *r = &a->regions[chunk];
    fvi_qconv_params p = j->p;
    fvi_qconv_io io = j->io;
    const ptrdiff_t size = p.bytes ? 1 : sizeof(float), res_size = p.residual == FVI_QCONV_BYTES ? 1 : sizeof(float);
    p.n = 1, p.ho = r->y1 - r->y0, p.wo = r->x1 - r->x0;
    p.h -= r->y0, p.w -= r->x0;
    io.in += r->image * p.in_n + r->y0 * p.in_h + r->x0 * p.in_w;
    io.out = (char *)io.out + (r->image * p.out_n + r->y0 * p.out_h + r->x0 * p.out_w) * size;
    if (io.res) io.res = (const char *)io.res + (r->image * p.res_n + r->y0 * p.res_h + r->x0 * p.res_w) * res_size;
    j->tactic->algorithm->run(j->tactic, &p, &io, j->packed, j->scratch + (size_t)thread * j->workspace_bytes, 0, 1);
}

static bool run_regions(fvi_step *s, const fvi_region *r, int n)
{
    job *j = &((qconv_state *)s->state)->job;
    if (j->p.sh != 1 || j->p.sw != 1) return false;
    set_io(j, s);
    region_run a = {j, r};
    fvi_pool_run(s->env->pool, run_region, &a, n);
    return true;
}

/* ---- the decision between tactics ---- */

static bool job_describe(const void *j, char text[FVI_PROBLEM_MAX]) { return fvi_qconv_describe(&((const job *)j)->p, text, FVI_PROBLEM_MAX); }

static int job_rank(const fvi_step *s, const void *j, double factor, const char **names, int max)
{
    const fvi_qconv_tactic *t[FVI_TACTICS_MAX];
    const int n = fvi_qconv_rank(&((const job *)j)->p, s->env->cpu, factor, t, max < FVI_TACTICS_MAX ? max : FVI_TACTICS_MAX);
    for (int i = 0; i < n; i++) names[i] = t[i]->name;
    return n;
}

static void job_drop(void *made)
{
    job_free(made);
    fvi_free(made);
}

static void *job_make(fvi_step *s, const void *like, const char *tactic)
{
    job *j = fvi_calloc(1, sizeof *j);
    if (!j) return NULL;
    j->p = ((const job *)like)->p;
    j->tactic = fvi_qconv_named(&j->p, s->env->cpu, tactic);
    if (j->tactic && job_init(j, s, NULL) >= 0) return j;
    job_drop(j);
    return NULL;
}

static const char *job_adopt(void *old, void *made)
{
    job_free(old);
    *(job *)old = *(job *)made;
    fvi_free(made);
    return ((const job *)old)->tactic->name;
}

static double job_executed(const void *job_)
{
    const job *j = job_;
    return j->tactic->algorithm->executed_flops ? j->tactic->algorithm->executed_flops(j->tactic, &j->p) : fvi_qconv_flops(&j->p);
}

static const fvi_family family = {.describe = job_describe, .rank = job_rank, .make = job_make, .run = job_run, .adopt = job_adopt, .drop = job_drop, .executed_flops = job_executed};

const char *fvi_cpu_qconv_tactic_at(int i) { return fvi_qconv_tactics[i].name; }

/* ---- prepare ---- */

static int halo(const fvi_node *n)
{
    fvi_window w;
    int64_t most = 0;
    if (n->in[X]->rank != 4 || fvi_node_window(n, &w, NULL) < 0 || w.n != 2) return 0;
    for (int i = 0; i < 2; i++) most = fvi_max_i64(most, fvi_max_i64(w.pad_begin[i], w.pad_end[i]));
    return most > FVI_CONV_MAX_HALO ? 0 : (int)most;
}

static fv_status check_types(const fvi_step *s, fv_error *err)
{
    const fvi_tensor *x = &s->in[X], *w = &s->in[W], *y = &s->out[0], *r = &s->residual;
    const bool good = x->dtype == FV_U8 && w->dtype == FV_I8 && (y->dtype == FV_U8 || y->dtype == FV_F32) && (r->dtype == FV_NONE || r->dtype == FV_U8 || r->dtype == FV_F32);
    if (!good || x->rank != 4 || w->rank != 4 || y->rank != 4) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "%s: a convolution of bytes wants 4-d maps of uint8 and weights of int8", s->name);
    for (int i = W; i < s->n_in; i++)
        if (has(s, i) && (!s->in_const[i] || !fvi_tensor_is_dense(&s->in[i]))) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "%s: weights that are not dense constants", s->name);
    if (!has(s, SCALE) || fvi_tensor_count(&s->in[SCALE]) != y->dim[1] || (has(s, BIAS) && fvi_tensor_count(&s->in[BIAS]) != y->dim[1]) ||
        (has(s, TABLE) && (fvi_tensor_count(&s->in[TABLE]) != 256 || s->in[TABLE].dtype != FV_U8 || y->dtype != FV_U8)))
        return fvi_error_set(err, FV_ERR_SHAPE, "%s: scales, bias or table do not fit", s->name);
    return FV_OK;
}

/* What the bytes of the output mean before the table, if there is one. */
static bool output_quant(const fvi_step *s, fvi_quant *q)
{
    *q = s->node->out[0]->quant;
    if (has(s, TABLE)) {
        const fvi_tensor *scale = &s->in[TABLE_SCALE], *zero = &s->in[TABLE_ZERO];
        if (!has(s, TABLE_ZERO) || scale->dtype != FV_F32 || (zero->dtype != FV_U8 && zero->dtype != FV_I8) || !scale->data || !zero->data) return false;
        memcpy(&q->scale, scale->data, sizeof q->scale);
        q->zero = zero->dtype == FV_U8 ? *(const uint8_t *)zero->data : *(const int8_t *)zero->data + 128;
    }
    return q->scale > 0 && isfinite(1 / q->scale) && q->zero >= 0 && q->zero <= 255;
}

static fv_status set_quants(const fvi_step *s, fvi_qconv_params *p, fv_error *err)
{
    const fvi_quant x = s->node->in[X]->quant, r = s->node->residual ? s->node->residual->quant : (fvi_quant){0};
    fvi_quant y = {.scale = 1};
    const bool bad = !(x.scale > 0) || (p->bytes && !output_quant(s, &y)) || (p->residual == FVI_QCONV_BYTES && !(r.scale > 0));
    if (bad) return fvi_error_set(err, FV_ERR_MODEL, "%s: bytes without a scale and zero point", s->name);
    p->zero = x.zero;
    p->y_inv = 1 / y.scale, p->y_zero = y.zero;
    p->res_scale = r.scale, p->res_zero = r.zero;
    return FV_OK;
}

static fv_status set_params(fvi_step *s, fvi_qconv_params *p, fv_error *err)
{
    const fvi_tensor *x = &s->in[X], *w = &s->in[W], *y = &s->out[0], *r = &s->residual;
    fvi_conv_geometry g;
    fvi_conv_params f;
    if (!fvi_cpu_conv_geometry(s->node, x->dim + 2, w->dim + 2, 2, &g)) return fvi_error_set(err, FV_ERR_SHAPE, "%s: stride, dilation, kernel or padding out of range", s->name);
    FVI_TRY(fvi_cpu_conv_params(s, x, w, y, r, &g, &f, err));
    FVI_TRY(fvi_cpu_conv_fits(s, x, w, y, f.groups, &g, err));
    for (int i = 0; i < 2; i++)
        if (g.before[i] < 0 || g.after[i] < 0 || g.before[i] > x->halo || g.after[i] > x->halo)
            return fvi_error_set(err, FV_ERR_UNSUPPORTED, "%s: a padding of %lld, %lld with %d stored", s->name, (long long)g.before[i], (long long)g.after[i], x->halo);
    const bool apart = (f.in_c != 1 && f.cin > 1) || (f.out_c != 1 && f.cout > 1) || (r->dtype != FV_NONE && f.res_c != 1 && f.cout > 1);
    if (apart) return fvi_error_set(err, FV_ERR_INTERNAL, "%s: channels lie apart", s->name);
    *p = (fvi_qconv_params){.n = f.n, .cin = f.cin, .h = f.h, .w = f.w, .cout = f.cout, .ho = f.ho, .wo = f.wo, .groups = f.groups, .kh = f.kh, .kw = f.kw, .sh = f.sh, .sw = f.sw,
                            .dh = f.dh, .dw = f.dw, .pt = f.pt, .pl = f.pl, .halo = f.halo, .in_n = f.in_n, .in_h = f.in_h, .in_w = f.in_w, .out_n = f.out_n, .out_h = f.out_h,
                            .out_w = f.out_w, .res_n = f.res_n, .res_h = f.res_h, .res_w = f.res_w, .bytes = y->dtype == FV_U8,
                            .residual = r->dtype == FV_U8 ? FVI_QCONV_BYTES : r->dtype == FV_F32 ? FVI_QCONV_FLOATS : FVI_QCONV_NONE, .act = f.act, .alpha = f.alpha, .beta = f.beta,
                            .l2 = f.l2};
    if (fvi_qconv_weights(p) / (size_t)p->cout >= FVI_QCONV_MOST_TERMS) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "%s: sums of more than %d products", s->name, FVI_QCONV_MOST_TERMS);
    return set_quants(s, p, err);
}

static void release(fvi_step *s)
{
    qconv_state *c = s->state;
    if (c) job_free(&c->job);
    fvi_free(c);
}

static const void *packed(const fvi_step *s, int i, char form[FVI_FORM_MAX], size_t *bytes)
{
    const job *j = &((const qconv_state *)s->state)->job;
    if (i > 0) return NULL;
    form_of(&j->p, j->tactic, form);
    *bytes = j->tactic->algorithm->packed_bytes(j->tactic, &j->p);
    return j->packed;
}

static fv_status prepare(fvi_step *s, fv_error *err)
{
    FVI_TRY(check_types(s, err));
    qconv_state *c = fvi_calloc(1, sizeof *c);
    if (!c) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", s->name);
    s->state = c;
    s->release = release;
    job *j = &c->job;
    FVI_TRY(set_params(s, &j->p, err));
    char problem[FVI_PROBLEM_MAX];
    const fvi_timings *known = s->env->timings;
    const char *stored = known && job_describe(j, problem) ? known->find(known->user, problem) : NULL;
    if (stored) j->tactic = fvi_qconv_named(&j->p, s->env->cpu, stored);
    c->decision = (fvi_decision){.family = &family, .job = j, .refused = stored && !j->tactic, .origin = j->tactic ? FVI_ORIGIN_STORED : FVI_ORIGIN_ESTIMATE};
    j->lasting = true;
    FVI_TRY(job_init(j, s, err));
    if (s->room) s->scratch_bytes = j->workspace_bytes * (size_t)fvi_pool_threads(s->env->pool);
    s->tactic = c->decision.tactic = j->tactic->name;
    s->run = run;
    s->run_regions = run_regions;
    s->packed = packed;
    s->decisions = &c->decision;
    s->n_decisions = 1;
    s->flops = fvi_qconv_flops(&j->p);
    return FV_OK;
}

static const char *unsupported(const fvi_node *n)
{
    if (n->in[X]->dtype != FV_U8 || n->in[X]->rank != 4) return "a convolution of bytes over other than two dimensions";
    return n->residual && n->residual->dtype != FV_U8 && n->residual->dtype != FV_F32 ? "a residual that is neither bytes nor float32" : NULL;
}

const fvi_cpu_op fvi_cpu_qconv_ops[] = {
    {.op = FVI_OP_QUANT_CONV, .in_layout = FVI_LAYOUT_NHWC, .out_layout = FVI_LAYOUT_NHWC, .unsupported = unsupported, .halo = halo, .prepare = prepare,
     .packs = 1u << W | 1u << SCALE | 1u << BIAS},
    {.op = FVI_OP_NONE},
};
