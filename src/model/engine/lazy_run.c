/* lazy_run.c: the frame road of lazy.h: all scores, which cells pass, then the steps that these need. */
#include "base/error.h"
#include "kern/reduce.h"
#include "model/engine/lazy.h"
#include <math.h>
#include <string.h>

#define CHUNK_ANCHORS 1024
/* What the sigmoid's kernel may be off, and more: a cell that is looked at in vain costs little, one that is missed would be wrong. */
#define SLACK_FACTOR 0.999
#define SLACK 1e-6

fv_status fvi_lazy_bind(fvi_lazy *l, const fvi_plan *p, fv_error *err)
{
    const fvi_tensor *t = &p->tensor[l->scores->id];
    l->steps = fvi_calloc((size_t)p->n_steps + 1, sizeof *l->steps);
    l->keep = fvi_calloc((size_t)l->classes + 1, sizeof *l->keep);
    l->hit = fvi_calloc((size_t)(t->dim[0] * l->anchors) + 1, 1);
    if (!l->steps || !l->keep || !l->hit) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    FVI_TRY(fvi_lazy_regions_room(l, t->dim[0], err));
    l->first_late = p->n_steps;
    for (int i = p->n_steps - 1; i >= 0; i--) {
        const fvi_node *n = p->steps[i].node;
        l->steps[i] = n ? l->need[n->id] : (1u << l->levels) - 1; /* a copy the plan added */
        if (n && l->steps[i]) l->first_late = i;
    }
    return FV_OK;
}

void fvi_lazy_want(fvi_lazy *l, float conf, const uint8_t *keep)
{
    double p = conf * SLACK_FACTOR - SLACK;
    l->full = false;
    l->n_keep = 0;
    for (int c = 0; keep && c < l->classes; c++)
        if (keep[c]) l->keep[l->n_keep++] = c;
    if (!keep) l->n_keep = l->classes;
    l->floor = p <= 0 ? -INFINITY : !l->logits ? (float)p : (float)log(p / (1 - p));
}

void fvi_lazy_follow(fvi_lazy *l, const fvi_lazy *from)
{
    l->full = from->full;
    l->floor = from->floor;
    l->n_keep = from->n_keep;
    memcpy(l->keep, from->keep, sizeof *l->keep * (size_t)l->classes);
}

typedef struct scan {
    const fvi_lazy *l;
    const fvi_tensor *t;
    fvi_reduce reduce;
    int chunks_an_image;
} scan;

static bool passes(const scan *s, const float *p)
{
    const fvi_lazy *l = s->l;
    const int64_t step = s->t->stride[1];
    if (step == 1 && l->n_keep == l->classes) return !(s->reduce.max(p, (size_t)l->classes) <= l->floor); /* NaN: looked at */
    for (int i = 0; i < l->n_keep; i++) {
        int c = l->n_keep == l->classes ? i : l->keep[i];
        if (!(p[c * step] <= l->floor)) return true;
    }
    return false;
}

static void scan_chunk(void *arg, int chunk, int thread)
{
    const scan *s = arg;
    const fvi_lazy *l = s->l;
    const int image = chunk / s->chunks_an_image;
    const int64_t from = (int64_t)(chunk % s->chunks_an_image) * CHUNK_ANCHORS, to = from + CHUNK_ANCHORS < l->anchors ? from + CHUNK_ANCHORS : l->anchors;
    const float *p = (const float *)(const void *)s->t->data + image * s->t->stride[0];
    (void)thread;
    for (int64_t a = from; a < to; a++) l->hit[image * l->anchors + a] = passes(s, p + a * s->t->stride[2]);
}

static uint32_t find_active(const fvi_lazy *l, int64_t images)
{
    uint32_t active = 0;
    for (int64_t n = 0; n < images; n++)
        for (int i = 0; i < l->levels; i++) {
            int64_t from = i ? l->end[i - 1] : 0;
            if (memchr(l->hit + n * l->anchors + from, 1, (size_t)(l->end[i] - from))) active |= 1u << i;
        }
    return active;
}

/* True: the step computed its regions. */
static bool run_regions(void *user, fvi_step *s)
{
    fvi_lazy *l = user;
    if (!s->node || !s->run_regions) return false;
    int n = fvi_lazy_regions_of(l, s->node);
    return n >= 0 && s->run_regions(s, l->regions, n);
}

void fvi_lazy_run(fvi_lazy *l, fvi_plan *p, int64_t *step_ns)
{
    if (l->full) {
        l->active = (1u << l->levels) - 1;
        fvi_plan_run(p, step_ns);
        return;
    }
    fvi_plan_run_part(p, &(fvi_plan_part){.to = l->first_late}, step_ns);
    scan s = {.l = l, .t = &p->tensor[l->scores->id], .chunks_an_image = (int)((l->anchors + CHUNK_ANCHORS - 1) / CHUNK_ANCHORS)};
    fvi_reduce_init(&s.reduce, p->env->cpu);
    fvi_pool_run(p->env->pool, scan_chunk, &s, s.chunks_an_image * (int)s.t->dim[0]);
    l->active = find_active(l, s.t->dim[0]);
    for (int i = 0; i < l->levels; i++)
        if (l->active & 1u << i) fvi_lazy_regions_mark(l, i);
    const fvi_plan_part late = {l->first_late, p->n_steps, l->steps, l->active, run_regions, l};
    if (l->active) fvi_plan_run_part(p, &late, step_ns);
}
