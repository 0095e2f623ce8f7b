/* plan.c: graph -> plan, in the order of the files beside it: layouts, concats, steps, memory; then addresses are filled in
 * and the backend prepares each step. Called by engine/session.c. */
#include "model/plan/plan.h"
#include "base/checked.h"
#include "base/clock.h"
#include "model/plan/internal.h"
#include <string.h>

static void rebase(const fvi_plan_builder *b, fvi_tensor *t, int buffer)
{
    if (buffer < 0 || t->dtype == FV_NONE) return;
    ptrdiff_t inside = t->data - FVI_PLAN_BASE;
    t->data = b->plan->memory + b->buffers[buffer].offset + inside;
}

static bool step_inputs_constant(const fvi_plan_draft *d, int i) { return d->in_buffer[i] < 0 && d->in[i].dtype != FV_NONE; }

/* The step at the same place of a plan of the same graph, when it is the same one. */
static const fvi_step *twin_of(const fvi_plan_builder *b, const fvi_plan_draft *d, size_t i)
{
    const fvi_plan *like = b->plan->env->like;
    const fvi_step *s = like && (size_t)like->n_steps == b->n_drafts ? &like->steps[i] : NULL;
    return s && s->node && d->node && s->node->op == d->node->op && !strcmp(s->name, d->name) && s->n_in == d->n_in ? s : NULL;
}

/* Constants without bytes reach only steps that do not read them. */
static fv_status check_absent(const fvi_plan_builder *b, const fvi_step *s, fv_error *err)
{
    for (int i = 0; i < s->n_in; i++) {
        if (!s->in_const[i] || s->in[i].data || fvi_tensor_count(&s->in[i]) == 0) continue;
        if (!s->node || !b->backend->packs || !b->backend->packs(s->node, i))
            return fvi_error_set(err, FV_ERR_MODEL, "node '%s' reads a constant whose bytes are not there", s->name);
    }
    if (s->residual.dtype != FV_NONE && !s->residual.data) return fvi_error_set(err, FV_ERR_MODEL, "node '%s' adds a constant whose bytes are not there", s->name);
    return FV_OK;
}

static fv_status bind_step(fvi_plan_builder *b, const fvi_plan_draft *d, fvi_step *s, const fvi_step *twin, fv_error *err)
{
    s->backend = b->backend;
    s->env = b->plan->env;
    s->room = b->plan->room;
    s->node = d->node;
    s->twin = twin;
    s->name = d->name;
    s->n_in = d->n_in;
    s->n_out = d->n_out;
    s->in = d->in;
    s->out = d->out;
    s->residual = d->residual;
    s->in_const = fvi_arena_array(b->plan->arena, (size_t)d->n_in + 1, sizeof(bool));
    if (!s->in_const) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory while planning");
    for (int i = 0; i < d->n_in; i++) {
        s->in_const[i] = step_inputs_constant(d, i);
        rebase(b, &s->in[i], d->in_buffer[i]);
    }
    for (int i = 0; i < d->n_out; i++) rebase(b, &s->out[i], d->out_buffer[i]);
    rebase(b, &s->residual, d->residual_buffer);
    FVI_TRY(check_absent(b, s, err));
    fv_status st = s->node ? b->backend->prepare(s, err) : b->backend->prepare_copy(s, err);
    if (st < 0) return fvi_error_prefix(err, st, "node '%s'%s%s", s->name, s->node ? " " : "", s->node ? fvi_op_get(s->node->op)->name : "");
    return FV_OK;
}

/* The same for all: they run one after the other. */
static fv_status give_scratch(fvi_plan *p, fv_error *err)
{
    size_t most = 0;
    for (int i = 0; i < p->n_steps; i++) most = p->steps[i].scratch_bytes > most ? p->steps[i].scratch_bytes : most;
    p->scratch = most ? fvi_alloc(most) : NULL;
    if (most && !p->scratch) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory while planning");
    for (int i = 0; i < p->n_steps; i++) p->steps[i].scratch = p->scratch;
    return FV_OK;
}

static fv_status bind_all(fvi_plan_builder *b, fv_error *err)
{
    fvi_plan *p = b->plan;
    p->steps = fvi_arena_array(p->arena, b->n_drafts + 1, sizeof *p->steps);
    p->halos = fvi_arena_array(p->arena, b->n_buffers + 1, sizeof *p->halos);
    if (!p->steps || !p->halos) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory while planning");
    for (int i = 0; i < b->g->n_values; i++) rebase(b, &p->tensor[i], b->value[i].buffer);
    for (size_t i = 0; i < b->n_drafts; i++) {
        p->n_steps = (int)i + 1; /* so that a failure releases what was prepared */
        FVI_TRY(bind_step(b, &b->drafts[i], &p->steps[i], twin_of(b, &b->drafts[i], i), err));
        p->gflop += p->steps[i].flops * 1e-9;
    }
    FVI_TRY(give_scratch(p, err));
    for (int step = 0; step < p->n_steps; step++)
        for (size_t i = 0; i < b->n_buffers; i++)
            if (b->buffers[i].first == step && b->buffers[i].map.halo) {
                fvi_plan_halo *h = &p->halos[p->n_halos++];
                h->step = step;
                h->map = b->buffers[i].map;
                h->value = b->buffers[i].halo_value;
                rebase(b, &h->map, (int)i);
            }
    return FV_OK;
}

fv_status fvi_plan_create(fvi_plan **out, const fvi_graph *g, const fvi_backend *backend, const fvi_backend_env *env, bool observe, fv_error *err)
{
    return fvi_plan_create_in(out, g, backend, env, observe, NULL, err);
}

fv_status fvi_plan_create_in(fvi_plan **out, const fvi_graph *g, const fvi_backend *backend, const fvi_backend_env *env, bool observe, const fvi_plan *room,
                             fv_error *err)
{
    *out = NULL;
    fvi_plan *p = fvi_calloc(1, sizeof *p);
    if (!p) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory while planning");
    fvi_plan_builder b = {.g = g, .plan = p, .backend = backend, .observe = observe};
    p->backend = backend;
    p->env = env;
    if (room) p->memory = room->memory, p->memory_bytes = room->memory_bytes, p->memory_lent = true;
    p->arena = fvi_arena_create(0);
    p->room = fvi_room_create();
    p->tensor = p->arena && p->room ? fvi_arena_array(p->arena, (size_t)g->n_values + 1, sizeof *p->tensor) : NULL;
    b.value = fvi_calloc((size_t)g->n_values + 1, sizeof *b.value);
    fv_status st = p->tensor && b.value ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory while planning");
    if (st >= 0) st = fvi_plan_choose_layouts(&b, err);
    if (st >= 0) st = fvi_plan_place_concats(&b, err);
    if (st >= 0) st = fvi_plan_draft_steps(&b, err);
    if (st >= 0) st = fvi_plan_place_memory(&b, err);
    if (st >= 0) st = bind_all(&b, err);
    fvi_free(b.value);
    fvi_free(b.buffers);
    fvi_free(b.drafts);
    if (st < 0) {
        fvi_plan_free(&p);
        return st;
    }
    *out = p;
    return FV_OK;
}

void fvi_plan_free(fvi_plan **pp)
{
    fvi_plan *p = *pp;
    if (!p) return;
    for (int i = 0; i < p->n_steps; i++) fvi_step_release(&p->steps[i]);
    if (!p->memory_lent) fvi_pages_free(p->memory, p->memory_bytes);
    fvi_free(p->scratch);
    fvi_room_free(&p->room);
    fvi_arena_free(&p->arena);
    FVI_FREE(*pp);
}

/* Rows above and below, then the columns left and right; NHWC, whole pixels. */
static void clear_halo(const fvi_plan_halo *around)
{
    const fvi_tensor *t = &around->map;
    const int value = around->value;
    size_t es = fv_dtype_size(t->dtype);
    size_t pixel = (size_t)t->stride[3] * es, row = (size_t)t->stride[2] * es;
    size_t h = (size_t)t->dim[2], w = (size_t)t->dim[3], halo = (size_t)t->halo, side = halo * pixel;
    for (int64_t n = 0; n < t->dim[0]; n++) {
        char *origin = t->data + (size_t)(n * t->stride[0]) * es - halo * row - side;
        memset(origin, value, halo * row);
        memset(origin + (h + halo) * row, value, halo * row);
        for (size_t y = halo; y < h + halo; y++) {
            memset(origin + y * row, value, side);
            memset(origin + y * row + side + w * pixel, value, side);
        }
    }
}

int fvi_plan_clear_halos(const fvi_plan *p, int step, int next)
{
    for (; next < p->n_halos && p->halos[next].step == step; next++) clear_halo(&p->halos[next]);
    return next;
}

void fvi_plan_run_part(fvi_plan *p, const fvi_plan_part *part, int64_t *step_ns)
{
    int halo = 0;
    int64_t before = step_ns ? fvi_now_ns() : 0;
    while (halo < p->n_halos && p->halos[halo].step < part->from) halo++;
    for (int i = part->from; i < part->to; i++) {
        halo = fvi_plan_clear_halos(p, i, halo);
        if (part->need && !(part->need[i] & part->have)) continue;
        if (!part->instead || !part->instead(part->user, &p->steps[i])) p->steps[i].run(&p->steps[i]);
        if (step_ns) {
            int64_t now = fvi_now_ns();
            step_ns[i] += now - before;
            before = now;
        }
    }
}

void fvi_plan_run(fvi_plan *p, int64_t *step_ns) { fvi_plan_run_part(p, &(fvi_plan_part){.to = p->n_steps}, step_ns); }
