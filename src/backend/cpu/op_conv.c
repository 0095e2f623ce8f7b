/* op_conv.c: Conv (plain, grouped, depthwise; 1-d and 2-d) with fused activation and residual on the tactics of kern/conv.h.
 * prepare turns a step's tensors into parameters, picks the tactic and packs constant weights; run splits the work over
 * the pool. Called through the table in cpu.c; ConvTranspose is in op_conv_transpose.c. */
#include "backend/cpu/op_conv.h"
#include "backend/cpu/op_nd.h"
#include "base/checked.h"
#include "kern/bf16.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

_Static_assert((int)FVI_ACT_COUNT == (int)FVI_KACT_COUNT && (int)FVI_ACT_SILU == (int)FVI_KACT_SILU &&
                   (int)FVI_ACT_CLIP == (int)FVI_KACT_CLIP && (int)FVI_ACT_GELU == (int)FVI_KACT_GELU,
               "kern/act.h and model/graph/graph.h number activations alike");

/* ---- attributes ---- */

/* One spatial attribute pair, with the 1-d form widened to height 1. */
static void read_pair(const fvi_node *n, const char *name, int spatial, int64_t out[2], int64_t def)
{
    int64_t v[2] = {def, def};
    fvi_node_ints(n, name, v, 2);
    out[0] = spatial == 1 ? 1 : v[0];
    out[1] = spatial == 1 ? v[0] : v[1];
}

bool fvi_cpu_conv_geometry(const fvi_node *n, const int64_t in[2], const int64_t kernel[2], int spatial,
                           fvi_conv_geometry *g)
{
    read_pair(n, "strides", spatial, g->stride, 1);
    read_pair(n, "dilations", spatial, g->dilation, 1);
    if (spatial == 1) g->dilation[0] = 1;
    int64_t pads[4] = {0};
    fvi_node_ints(n, "pads", pads, 4);
    for (int i = 0; i < 2; i++) {
        g->before[i] = spatial == 1 ? (i ? pads[0] : 0) : pads[i];
        g->after[i] = spatial == 1 ? (i ? pads[1] : 0) : pads[2 + i];
    }
    const char *mode = fvi_node_string(n, "auto_pad", "NOTSET");
    bool same = !strncmp(mode, "SAME_", 5), lower = !strcmp(mode, "SAME_LOWER"), valid = !strcmp(mode, "VALID");
    for (int i = 0; i < 2; i++) {
        const int64_t big = 1 << 24;
        if (g->stride[i] < 1 || g->dilation[i] < 1 || kernel[i] < 1) return false;
        if (g->stride[i] > big || g->dilation[i] > big || kernel[i] > big || in[i] > INT_MAX || in[i] < 0) return false;
        if (g->before[i] < -big || g->before[i] > big || g->after[i] < -big || g->after[i] > big) return false;
        if (valid) g->before[i] = g->after[i] = 0;
        if (same) {
            int64_t out = (in[i] + g->stride[i] - 1) / g->stride[i];
            int64_t total = fvi_max_i64(0, (out - 1) * g->stride[i] + (kernel[i] - 1) * g->dilation[i] + 1 - in[i]);
            g->before[i] = lower ? total - total / 2 : total / 2;
            g->after[i] = total - g->before[i];
        }
    }
    return true;
}

/* Rows and columns of a kernel that meet nothing but padding (wide dilations on small maps) are left out, and with them the wide
 * halo that they would need: `first` and `count` of those that stay; g's padding follows. */
void fvi_cpu_conv_crop(const int64_t in[2], const int64_t kernel[2], fvi_conv_geometry *g, int64_t first[2], int64_t count[2])
{
    for (int i = 0; i < 2; i++) {
        const int64_t s = g->stride[i], d = g->dilation[i], spare = in[i] + g->before[i] + g->after[i] - ((kernel[i] - 1) * d + 1);
        int64_t lo = 0, hi = kernel[i] - 1;
        first[i] = 0, count[i] = kernel[i];
        if (spare < 0) continue;
        while (lo < hi && spare / s * s - g->before[i] + lo * d < 0) lo++;
        while (hi > lo && hi * d - g->before[i] >= in[i]) hi--;
        if (spare / s * s - g->before[i] + lo * d < 0 || lo * d - g->before[i] >= in[i]) continue; /* nothing but padding */
        g->before[i] -= lo * d;
        g->after[i] -= (kernel[i] - 1 - hi) * d;
        first[i] = lo, count[i] = hi - lo + 1;
    }
}

/* ---- what the plan asks ---- */

const char *fvi_cpu_conv_unsupported(const fvi_node *n)
{
    const fvi_value *x = n->in[0], *w = n->in[1];
    if (!x || !w) return "a convolution without input or weights";
    if (x->dtype != FV_NONE && x->dtype != FV_F32 && (x->dtype != FV_BF16 || x->rank != 4)) return "a convolution that is not float32 or bfloat16";
    if (w->dtype != FV_NONE && w->dtype != FV_F32) return "convolution weights that are not float32";
    if (x->rank > 4 && n->residual) return "a fused residual over three or more dimensions";
    return NULL;
}

/* Widest padding on any side; the plan stores that much on all four. */
static int conv_halo(const fvi_node *n)
{
    const fvi_value *x = n->in[0], *w = n->in[1];
    if (x->rank != 4 || w->rank != 4) return 0;
    fvi_conv_geometry g;
    if (!fvi_cpu_conv_geometry(n, x->dim + 2, w->dim + 2, 2, &g)) return 0;
    int64_t most = 0, first[2], count[2];
    if (w->constant) fvi_cpu_conv_crop(x->dim + 2, w->dim + 2, &g, first, count);
    for (int i = 0; i < 2; i++) most = fvi_max_i64(most, fvi_max_i64(g.before[i], g.after[i]));
    return most > FVI_CONV_MAX_HALO ? 0 : (int)most;
}

/* ---- prepare ---- */

void fvi_cpu_conv_as_map(fvi_tensor *out, const fvi_tensor *in)
{
    *out = *in;
    if (in->rank != 3) return;
    out->rank = 4;
    out->dim[3] = in->dim[2], out->stride[3] = in->stride[2];
    out->dim[2] = 1, out->stride[2] = in->stride[2] * in->dim[2];
    out->halo = 0;
}

fv_status fvi_cpu_conv_params(fvi_step *s, const fvi_tensor *x, const fvi_tensor *w, const fvi_tensor *y,
                              const fvi_tensor *res, const fvi_conv_geometry *g, fvi_conv_params *p, fv_error *err)
{
    const int64_t groups = fvi_node_int(s->node, "group", 1);
    for (int i = 0; i < 4; i++)
        if (x->dim[i] > INT_MAX || y->dim[i] > INT_MAX || w->dim[i] > INT_MAX || x->dim[i] < 1 || y->dim[i] < 0 || w->dim[i] < 1)
            return fvi_error_set(err, FV_ERR_SHAPE, "%s: dimension %d is outside 1..2^31-1", s->name, i);
    if (groups < 1 || groups > x->dim[1] || x->dim[1] % groups || y->dim[1] % groups)
        return fvi_error_set(err, FV_ERR_SHAPE, "%s: %lld groups do not divide %lld input and %lld output channels",
                             s->name, (long long)groups, (long long)x->dim[1], (long long)y->dim[1]);
    if (res->dtype != FV_NONE && !fvi_tensor_same_shape(res, y))
        return fvi_error_set(err, FV_ERR_INTERNAL, "%s: residual and output differ in shape", s->name);
    fvi_cpu_cache cache;
    fvi_cpu_caches(&cache);
    *p = (fvi_conv_params){
        .n = (int)x->dim[0], .cin = (int)x->dim[1], .h = (int)x->dim[2], .w = (int)x->dim[3],
        .cout = (int)y->dim[1], .ho = (int)y->dim[2], .wo = (int)y->dim[3],
        .groups = (int)groups, .kh = (int)w->dim[2], .kw = (int)w->dim[3],
        .sh = (int)g->stride[0], .sw = (int)g->stride[1], .dh = (int)g->dilation[0], .dw = (int)g->dilation[1],
        .pt = (int)g->before[0], .pl = (int)g->before[1], .halo = x->halo,
        .in_n = x->stride[0], .in_c = x->stride[1], .in_h = x->stride[2], .in_w = x->stride[3],
        .out_n = y->stride[0], .out_c = y->stride[1], .out_h = y->stride[2], .out_w = y->stride[3],
        .residual = res->dtype != FV_NONE,
        .res_n = res->stride[0], .res_c = res->stride[1], .res_h = res->stride[2], .res_w = res->stride[3],
        .bf16 = s->node->bf16, .in_type = x->dtype, .out_type = y->dtype, .res_type = res->dtype,
        .act = (fvi_kact)s->node->act, .alpha = s->node->act_alpha, .beta = s->node->act_beta,
        .l1 = cache.l1d ? cache.l1d : 32 << 10, .l2 = cache.l2 ? cache.l2 : 512 << 10,
    };
    return FV_OK;
}

/* The reference is many times slower than any other tactic: nobody should wonder why. Once a step (the phases of a
 * ConvTranspose say it once), and not for constants computed while loading. */
static void warn_of_reference(const fvi_conv_job *j, const fvi_step *s)
{
    if (!j->tactic->algorithm->by_definition || !(s->env->cpu & ~(fvi_cpu_flags)FVI_CPU_C)) return;
    if (s->tactic == j->tactic->name || s->in_const[0]) return;
    fvi_log_write(s->env->log, FV_LOG_WARNING,
                  "node '%s': no fast convolution takes its layout or padding; it runs as '%s', which is slow", s->name,
                  j->tactic->name);
}

static const fvi_family conv_family;

/* All that packed bytes depend on besides the weights: no strides, no batch, no cache sizes. The padding says which part of a cropped kernel it is. */
static void form_of(const fvi_conv_job *j, const fvi_conv_tactic *t, char form[FVI_FORM_MAX])
{
    const fvi_conv_params *p = &j->p;
    snprintf(form, FVI_FORM_MAX, "%s %d to %d groups %d kernel %dx%d pad %d,%d stride %dx%d phase %d%s", t->name, p->cin, p->cout, p->groups, p->kh, p->kw, p->pt, p->pl, p->sh, p->sw,
             j->phase, p->bf16 ? " bf16" : "");
}

/* Packed weights of the same job of the step's twin, or null: what packing depends on must agree. */
static char *weights_of_twin(const fvi_conv_job *j, const fvi_step *s)
{
    char mine[FVI_FORM_MAX], its[FVI_FORM_MAX];
    const fvi_step *t = s->twin;
    if (!t || j->repack || !s->in_const[1] || s->in[1].data != t->in[1].data) return NULL;
    if (s->n_in > 2 && s->in[2].data != t->in[2].data) return NULL;
    for (int i = 0; i < t->n_decisions; i++) {
        const fvi_conv_job *other = t->decisions[i].job;
        if (t->decisions[i].family != &conv_family || other->phase != j->phase || other->tactic != j->tactic || other->repack) continue;
        form_of(j, j->tactic, mine);
        form_of(other, other->tactic, its);
        if (!strcmp(mine, its)) return other->packed;
    }
    return NULL;
}

/* Weights or bias of which there are only packed bytes. */
static bool weights_absent(const fvi_step *s)
{
    return !s->in[1].data || (s->n_in > 2 && s->in[2].dtype != FV_NONE && !s->in[2].data);
}

static char *packed_already(const fvi_conv_job *j, const fvi_step *s, const fvi_conv_tactic *t)
{
    char form[FVI_FORM_MAX];
    const fvi_packed *from = s->env->packed;
    if (!from || !j->keeps || j->repack) return NULL;
    form_of(j, t, form);
    const void *found = from->find(from->user, s, form, t->algorithm->packed_bytes(t, &j->p));
    return found && t->algorithm->valid && !t->algorithm->valid(t, &j->p, found) ? NULL : (char *)(uintptr_t)found;
}

/* Without weights only tactics come into question whose packed bytes are there. */
static const fvi_conv_tactic *choose_packed(const fvi_conv_job *j, const fvi_step *s)
{
    const fvi_conv_tactic *t[FVI_TACTICS_MAX];
    const int n = fvi_conv_rank(&j->p, s->env->cpu, 1e30, t, FVI_TACTICS_MAX);
    for (int i = 0; i < n; i++)
        if (packed_already(j, s, t[i])) return t[i];
    return NULL;
}

/* What may give way to another tactic is freed then; the room does not take things back. */
static char *memory_for(fvi_conv_job *j, const fvi_step *s, size_t bytes)
{
    j->in_room = s->room && j->lasting && !(s->env->timings && s->env->timings->will_time);
    return j->in_room ? fvi_room_take(s->room, bytes) : fvi_alloc(bytes);
}

fv_status fvi_cpu_conv_job_init(fvi_conv_job *j, const fvi_step *s, fv_error *err)
{
    const bool absent = j->keeps && weights_absent(s);
    if (absent && (!j->tactic || !packed_already(j, s, j->tactic))) j->tactic = choose_packed(j, s);
    if (absent && (!j->tactic || j->repack)) return fvi_error_set(err, FV_ERR_MODEL, "%s: its weights are not in the engine file in any form that this machine can use", s->name);
    if (!j->tactic) {
        j->tactic = fvi_conv_choose(&j->p, s->env->cpu);
        warn_of_reference(j, s);
    }
    const fvi_conv_algorithm *a = j->tactic->algorithm;
    char *have = packed_already(j, s, j->tactic);
    if (!have && !absent) have = weights_of_twin(j, s);
    size_t packed = have ? 0 : a->packed_bytes(j->tactic, &j->p);
    j->borrowed = have;
    j->packed = have ? have : packed ? memory_for(j, s, packed) : NULL;
    const int threads = fvi_pool_threads(s->env->pool);
    j->workspace_bytes = fvi_round_up(a->workspace_bytes(j->tactic, &j->p), FVI_ALIGN);
    size_t all;
    bool fits = fvi_mul_size(j->workspace_bytes, (size_t)threads, &all);
    const bool shared = s->room && j->lasting;
    j->workspace = fits && all && !shared ? fvi_alloc(all) : NULL;
    if (!j->packed || !fits || (all && !shared && !j->workspace))
        return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory for packed weights", s->name);
    j->chunks = a->chunks(j->tactic, &j->p, threads);
    return FV_OK;
}

void fvi_cpu_conv_job_free(fvi_conv_job *j)
{
    if (!j->borrowed && !j->in_room) fvi_free(j->packed);
    j->packed = NULL;
    FVI_FREE(j->workspace);
}

static void run_chunk(void *arg, int chunk, int thread)
{
    fvi_conv_job *j = arg;
    j->tactic->algorithm->run(j->tactic, &j->p, &j->io, j->packed, j->scratch + (size_t)thread * j->workspace_bytes,
                              chunk, j->chunks);
}

static char *scratch_of(const fvi_conv_job *j, const fvi_step *s) { return j->workspace ? j->workspace : s->scratch; }

void fvi_cpu_conv_job_run(fvi_conv_job *j, const fvi_step *s)
{
    j->scratch = scratch_of(j, s);
    fvi_pool_run(s->env->pool, run_chunk, j, j->chunks);
}

static const float *bias_of(const fvi_step *s)
{
    return s->n_in > 2 && s->in[2].dtype != FV_NONE ? (const float *)s->in[2].data : NULL;
}

static void pack(fvi_conv_job *j, const fvi_step *s)
{
    j->tactic->algorithm->pack(j->tactic, &j->p, j->weights(s, j), bias_of(s), j->packed);
}

void fvi_cpu_conv_job_step(fvi_conv_job *j, const fvi_step *s)
{
    const float *res = (const float *)s->residual.data;
    if (j->repack) pack(j, s);
    /* offsets are those of a ConvTranspose, which is all floats */
    j->io = (fvi_conv_io){.in = (const float *)s->in[0].data, .res = res ? res + j->res_offset : NULL,
                          .pre = j->p.pre ? (const float *)s->in[3].data : NULL, .out = (float *)s->out[0].data + j->out_offset};
    fvi_cpu_conv_job_run(j, s);
}

/* ---- the decision between tactics ---- */

static bool job_describe(const void *job, char text[FVI_PROBLEM_MAX])
{
    return fvi_conv_describe(&((const fvi_conv_job *)job)->p, text, FVI_PROBLEM_MAX);
}

static int job_rank(const fvi_step *s, const void *job, double factor, const char **names, int max)
{
    const fvi_conv_tactic *t[FVI_TACTICS_MAX];
    const int n = fvi_conv_rank(&((const fvi_conv_job *)job)->p, s->env->cpu, factor, t, max < FVI_TACTICS_MAX ? max : FVI_TACTICS_MAX);
    for (int i = 0; i < n; i++) names[i] = t[i]->name;
    return n;
}

static void job_drop(void *made)
{
    fvi_cpu_conv_job_free(made);
    fvi_free(made);
}

static void *job_make(fvi_step *s, const void *job, const char *tactic)
{
    fvi_conv_job *j = fvi_calloc(1, sizeof *j);
    if (!j) return NULL;
    *j = *(const fvi_conv_job *)job;
    j->packed = j->workspace = NULL;
    j->borrowed = j->lasting = j->in_room = false;
    j->tactic = fvi_conv_named(&j->p, s->env->cpu, tactic);
    if (!j->tactic || fvi_cpu_conv_job_init(j, s, NULL) < 0) {
        job_drop(j);
        return NULL;
    }
    if (!j->repack && !j->borrowed) pack(j, s);
    return j;
}

static void job_run(fvi_step *s, void *job) { fvi_cpu_conv_job_step(job, s); }

static const char *job_adopt(void *job, void *made)
{
    fvi_cpu_conv_job_free(job);
    *(fvi_conv_job *)job = *(fvi_conv_job *)made;
    fvi_free(made);
    return ((const fvi_conv_job *)job)->tactic->name;
}

static double job_executed(const void *job)
{
    const fvi_conv_job *j = job;
    return fvi_conv_executed_flops(j->tactic, &j->p);
}

static const fvi_family conv_family = {.describe = job_describe, .rank = job_rank, .make = job_make, .run = job_run,
                                       .adopt = job_adopt, .drop = job_drop, .executed_flops = job_executed};

fv_status fvi_cpu_conv_job_decide(fvi_conv_job *j, fvi_step *s, fvi_decision *d, fv_error *err)
{
    const fvi_timings *known = s->env->timings;
    char problem[FVI_PROBLEM_MAX];
    const char *stored = known && job_describe(j, problem) ? known->find(known->user, problem) : NULL;
    if (stored) j->tactic = fvi_conv_named(&j->p, s->env->cpu, stored);
    j->keeps = j->lasting = true;
    *d = (fvi_decision){.family = &conv_family, .job = j, .refused = stored && !j->tactic};
    if (j->tactic) d->origin = FVI_ORIGIN_STORED;
    FVI_TRY(fvi_cpu_conv_job_init(j, s, err));
    const size_t scratch = j->workspace ? 0 : j->workspace_bytes * (size_t)fvi_pool_threads(s->env->pool);
    if (scratch > s->scratch_bytes) s->scratch_bytes = scratch;
    if (!j->repack && !j->borrowed) pack(j, s);
    s->tactic = d->tactic = j->tactic->name;
    return FV_OK;
}

bool fvi_cpu_conv_keeps_weights(const fvi_step *s, const fvi_conv_job *j)
{
    return j->repack || (s->env->timings && s->env->timings->will_time);
}

const void *fvi_cpu_conv_packed(const fvi_step *s, int i, char form[FVI_FORM_MAX], size_t *bytes)
{
    const fvi_conv_job *j = i < s->n_decisions ? s->decisions[i].job : NULL;
    if (!j || j->repack) return NULL;
    form_of(j, j->tactic, form);
    *bytes = j->tactic->algorithm->packed_bytes(j->tactic, &j->p);
    return j->packed;
}

const char *fvi_cpu_conv_tactic_at(int i)
{
    for (int k = 0; k < i; k++)
        if (!fvi_conv_tactics[k].name) return NULL;
    return fvi_conv_tactics[i].name;
}

/* ---- Conv ---- */

typedef struct conv_state {
    fvi_conv_job job;
    fvi_decision decision;
    float *cropped; /* weights without what meets only padding, rounded where they multiply in BF16; null = those of the model */
} conv_state;

static const float *conv_weights(const fvi_step *s, const fvi_conv_job *j)
{
    const conv_state *c = s->state;
    (void)j;
    return c->cropped ? c->cropped : (const float *)s->in[1].data;
}

static void conv_run(fvi_step *s) { fvi_cpu_conv_job_step(&((conv_state *)s->state)->job, s); }

typedef struct region_run {
    const fvi_conv_job *job;
    const fvi_region *regions;
} region_run;

static float *element(const float *map, fv_dtype type, ptrdiff_t i)
{
    return (float *)((uintptr_t)map + (uintptr_t)(i * (ptrdiff_t)fv_dtype_size(type)));
}

/* A smaller convolution within the same memory: its neighbours are there instead of stored zeros. */
static void run_region(void *arg, int chunk, int thread)
{
    const region_run *a = arg;
    const fvi_conv_job *j = a->job;
    const fvi_region *r = &a->regions[chunk];
    fvi_conv_params p = j->p;
    fvi_conv_io io = j->io;
    p.n = 1, p.ho = r->y1 - r->y0, p.wo = r->x1 - r->x0;
    p.h -= r->y0, p.w -= r->x0;
    io.in = element(io.in, p.in_type, r->image * p.in_n + r->y0 * p.in_h + r->x0 * p.in_w);
    io.out = element(io.out, p.out_type, r->image * p.out_n + r->y0 * p.out_h + r->x0 * p.out_w);
    if (io.res) io.res = element(io.res, p.res_type, r->image * p.res_n + r->y0 * p.res_h + r->x0 * p.res_w);
    j->tactic->algorithm->run(j->tactic, &p, &io, j->packed, j->scratch + (size_t)thread * j->workspace_bytes, 0, 1);
}

static bool conv_run_regions(fvi_step *s, const fvi_region *r, int n)
{
    fvi_conv_job *j = &((conv_state *)s->state)->job;
    /* the reference asks where the map ends */
    if (j->tactic->algorithm->by_definition || j->repack || j->p.pre || j->p.sh != 1 || j->p.sw != 1) return false;
    j->io = (fvi_conv_io){.in = (const float *)s->in[0].data, .res = (const float *)s->residual.data, .out = (float *)s->out[0].data};
    j->scratch = scratch_of(j, s);
    region_run a = {j, r};
    fvi_pool_run(s->env->pool, run_region, &a, n);
    return true;
}

static void conv_release(fvi_step *s)
{
    conv_state *c = s->state;
    if (c) {
        fvi_cpu_conv_job_free(&c->job);
        fvi_free(c->cropped);
    }
    fvi_free(c);
}

fv_status fvi_cpu_conv_check_weights(const fvi_step *s, int64_t bias_count, fv_error *err)
{
    const fvi_tensor *w = &s->in[1];
    if (!fvi_tensor_is_dense(w))
        return fvi_error_set(err, FV_ERR_UNSUPPORTED, "%s: convolution weights that are a strided view", s->name);
    if (!bias_of(s)) return FV_OK;
    const fvi_tensor *b = &s->in[2];
    if (b->dtype != FV_F32 || fvi_tensor_count(b) != bias_count || !fvi_tensor_is_dense(b))
        return fvi_error_set(err, FV_ERR_SHAPE, "%s: the bias must be %lld dense float32 values", s->name, (long long)bias_count);
    return FV_OK;
}

/* ConvAdd's input 3: as large as the output, or half as high and wide. */
static fv_status set_addend(const fvi_step *s, fvi_conv_params *p, fv_error *err)
{
    const fvi_tensor *a = &s->in[3];
    const int shift = a->rank == 4 && a->dim[2] == p->ho && a->dim[3] == p->wo ? 0 : 1;
    if (a->rank != 4 || (a->dtype != FV_F32 && a->dtype != FV_BF16) || a->dim[0] != p->n || a->dim[1] != p->cout || a->dim[2] << shift != p->ho || a->dim[3] << shift != p->wo)
        return fvi_error_set(err, FV_ERR_SHAPE, "%s: the addend does not fit the output", s->name);
    if (a->stride[1] != 1 && a->dim[1] != 1) return fvi_error_set(err, FV_ERR_INTERNAL, "%s: the addend's channels lie apart", s->name);
    p->pre = true;
    p->pre_type = a->dtype;
    p->pre_shift = shift;
    p->pre_n = a->stride[0], p->pre_h = a->stride[2], p->pre_w = a->stride[3];
    return FV_OK;
}

/* The weights of the rows and columns that stay. w: rank 4, dense; its dims become those of the copy. */
static fv_status copy_cropped(conv_state *c, const fvi_step *s, fvi_tensor *w, const int64_t first[2], const int64_t count[2], fv_error *err)
{
    fvi_tensor part = *w, rows;
    if (count[0] == w->dim[2] && count[1] == w->dim[3]) return FV_OK;
    fvi_tensor_slice(&rows, w, 2, first[0], count[0], 1);
    fvi_tensor_slice(&part, &rows, 3, first[1], count[1], 1);
    if (!s->in[1].data) { /* packed already */
        memcpy(w->dim, part.dim, sizeof part.dim);
        return FV_OK;
    }
    c->cropped = fvi_alloc((size_t)fvi_tensor_count(&part) * sizeof(float));
    if (!c->cropped) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for packed weights");
    *w = fvi_tensor_over(c->cropped, FV_F32, 4, part.dim);
    fvi_tensor_copy(w, &part);
    return FV_OK;
}

/* Rounded to BF16, in memory of their own. */
static fv_status round_weights(conv_state *c, const fvi_tensor *w, fv_error *err)
{
    const size_t count = (size_t)fvi_tensor_count(w);
    const float *from = (const float *)w->data;
    if (!c->cropped) c->cropped = fvi_alloc(count * sizeof(float));
    if (!c->cropped) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for packed weights");
    fvi_bf16_c.round(c->cropped, from, count);
    return FV_OK;
}

fv_status fvi_cpu_conv_fits(const fvi_step *s, const fvi_tensor *x, const fvi_tensor *w, const fvi_tensor *y, int groups, const fvi_conv_geometry *g, fv_error *err)
{
    if (w->dim[0] != y->dim[1] || w->dim[1] != x->dim[1] / groups || x->dim[0] != y->dim[0])
        return fvi_error_set(err, FV_ERR_SHAPE, "%s: weights do not fit the channels", s->name);
    for (int i = 0; i < 2; i++) {
        const int64_t reach = x->dim[2 + i] + g->before[i] + g->after[i] - ((w->dim[2 + i] - 1) * g->dilation[i] + 1);
        if (reach < 0 || reach / g->stride[i] + 1 != y->dim[2 + i])
            return fvi_error_set(err, FV_ERR_SHAPE, "%s: output size does not follow from input, kernel and padding", s->name);
    }
    return FV_OK;
}

static fv_status conv_prepare(fvi_step *s, fv_error *err)
{
    const bool low = s->node->bf16 || s->in[0].dtype == FV_BF16 || s->out[0].dtype == FV_BF16;
    if ((s->in[0].dtype != FV_F32 && s->in[0].dtype != FV_BF16) || s->in[1].dtype != FV_F32 || (s->out[0].dtype != FV_F32 && s->out[0].dtype != FV_BF16))
        return fvi_error_set(err, FV_ERR_UNSUPPORTED, "%s: Conv runs in float32 and bfloat16 only", s->name);
    if (low && (s->in[0].rank != 4 || !s->in_const[1]))
        return fvi_error_set(err, FV_ERR_UNSUPPORTED, "%s: Conv in bfloat16 wants 4-d maps and constant weights", s->name);
    if (s->in[0].rank > 4) return fvi_cpu_prepare_conv_nd(s, err);
    const int spatial = s->in[0].rank - 2;
    if (spatial < 1 || spatial > 2 || s->in[1].rank != s->in[0].rank || s->out[0].rank != s->in[0].rank)
        return fvi_error_set(err, FV_ERR_SHAPE, "%s: Conv wants 3-d or 4-d input and weights of the same rank", s->name);
    fvi_tensor x, w, y, res;
    fvi_cpu_conv_as_map(&x, &s->in[0]), fvi_cpu_conv_as_map(&w, &s->in[1]);
    fvi_cpu_conv_as_map(&y, &s->out[0]), fvi_cpu_conv_as_map(&res, &s->residual);
    fvi_conv_geometry g;
    if (!fvi_cpu_conv_geometry(s->node, x.dim + 2, w.dim + 2, spatial, &g))
        return fvi_error_set(err, FV_ERR_SHAPE, "%s: stride, dilation, kernel or padding out of range", s->name);
    FVI_TRY(fvi_cpu_conv_check_weights(s, y.dim[1], err));
    conv_state *c = fvi_calloc(1, sizeof *c);
    if (!c) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", s->name);
    s->state = c;
    s->release = conv_release;
    if (s->node->in[1]->constant) { /* as conv_halo decided */
        int64_t first[2], count[2];
        fvi_cpu_conv_crop(x.dim + 2, w.dim + 2, &g, first, count);
        FVI_TRY(copy_cropped(c, s, &w, first, count, err));
    }
    fvi_conv_params p;
    FVI_TRY(fvi_cpu_conv_params(s, &x, &w, &y, &res, &g, &p, err));
    FVI_TRY(fvi_cpu_conv_fits(s, &x, &w, &y, p.groups, &g, err));
    if (s->node->op == FVI_OP_CONV_ADD) FVI_TRY(set_addend(s, &p, err));
    if (p.bf16 && s->in[1].data) FVI_TRY(round_weights(c, &w, err));
    s->run = conv_run;
    s->run_regions = conv_run_regions;
    s->packed = fvi_cpu_conv_packed;
    c->job.p = p;
    c->job.weights = conv_weights;
    c->job.repack = !s->in_const[1] || (bias_of(s) && !s->in_const[2]);
    FVI_TRY(fvi_cpu_conv_job_decide(&c->job, s, &c->decision, err));
    s->decisions = &c->decision;
    s->n_decisions = 1;
    s->flops = fvi_conv_flops(&p);
    if (!fvi_cpu_conv_keeps_weights(s, &c->job)) FVI_FREE(c->cropped);
    return FV_OK;
}

const fvi_cpu_op fvi_cpu_conv_ops[] = {
    {.op = FVI_OP_CONV, .in_layout = FVI_LAYOUT_NHWC, .out_layout = FVI_LAYOUT_NHWC,
     .unsupported = fvi_cpu_conv_unsupported, .halo = conv_halo, .prepare = conv_prepare, .packs = 6},
    {.op = FVI_OP_CONV_ADD, .in_layout = FVI_LAYOUT_NHWC, .out_layout = FVI_LAYOUT_NHWC,
     .unsupported = fvi_cpu_conv_unsupported, .halo = conv_halo, .prepare = conv_prepare, .packs = 6},
    {.op = FVI_OP_CONV_TRANSPOSE, .in_layout = FVI_LAYOUT_NHWC, .out_layout = FVI_LAYOUT_NHWC,
     .unsupported = fvi_cpu_conv_unsupported, .halo = fvi_cpu_conv_transpose_halo, .prepare = fvi_cpu_conv_transpose_prepare, .packs = 6},
    {.op = FVI_OP_NONE},
};
