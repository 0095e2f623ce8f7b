/* detector_team.c: one detector made of several, each with threads of its own and the weights of the first, so that a pipeline can
 * compute several frames at the same time. More frames a second than all threads on one frame, later each. Called by detector.c. */
#include "base/alloc.h"
#include "base/error.h"
#include "flow/detector.h"
#include "model/engine/engine.h"
#include <string.h>

#define MAX_MEMBERS 64

typedef struct team {
    fv_detector base; /* first */
    int n;
    fv_context *ctx[MAX_MEMBERS]; /* only their threads are used */
    fv_detector *member[MAX_MEMBERS];
} team;

static fv_status team_run(fv_detector *d, const fv_frame *const *frames, int n, fv_detections *out, fv_error *err)
{
    team *t = (team *)d;
    fv_status st = fv_detector_run(t->member[0], frames, n, out, err);
    d->times = t->member[0]->times;
    return st;
}

static fv_status team_prepare(fv_detector *d, const fv_frame *frame, fv_tensor *out, fv_error *err)
{
    return fv_detector_prepare(((team *)d)->member[0], frame, out, err);
}

static fv_status team_set_classes(fv_detector *d, const int *classes, int n, fv_error *err)
{
    team *t = (team *)d;
    for (int i = 0; i < t->n; i++) FVI_TRY(fv_detector_set_classes(t->member[i], classes, n, err));
    return FV_OK;
}

static void team_drop(fv_detector *d)
{
    team *t = (team *)d;
    for (int i = 0; i < t->n; i++) t->member[i]->drop(t->member[i]);
}

static fv_status team_hold(fv_detector *d, fv_model *m, const fv_detector *like, fv_error *err)
{
    team *t = (team *)d;
    fv_status st = FV_OK;
    (void)like;
    for (int i = 0; i < t->n && st >= 0; i++) st = t->member[i]->hold(t->member[i], m, i ? t->member[0] : NULL, err);
    if (st < 0) team_drop(d);
    return st;
}

static bool team_holds(const fv_detector *d)
{
    const team *t = (const team *)d;
    bool holds = false;
    for (int i = 0; i < t->n; i++) holds = holds || t->member[i]->holds(t->member[i]);
    return holds;
}

/* When it runs as one, not through a pipeline whose lanes have a member each. */
static void team_take(fv_detector *d)
{
    team *t = (team *)d;
    for (int i = 0; i < t->n; i++) atomic_store(&t->member[i]->offered, atomic_load(&d->offered));
    for (int i = 0; i < t->n; i++) fvi_flow_detector_follow(t->member[i], atomic_load(&d->offered));
}

static const char *team_class_name(const fv_detector *d, int class_id) { return fv_detector_class_name(((const team *)d)->member[0], class_id); }

/* The first last: the others read its weights. */
static void team_free(fv_detector *d)
{
    team *t = (team *)d;
    for (int i = MAX_MEMBERS - 1; i >= 0; i--) fv_detector_free(&t->member[i]);
    for (int i = 0; i < MAX_MEMBERS; i++) fv_context_free(&t->ctx[i]);
    fvi_free(t);
}

static fv_status add_member(team *t, int threads, fv_context *ctx, fv_model *model, const fv_detect_options *o, fv_error *err)
{
    FVI_TRY(fv_context_create(&t->ctx[t->n], FV_CONTEXT_OPTIONS(.threads = threads), err));
    fvi_pool_set_spin(fvi_engine_pool(t->ctx[t->n]), 0); /* the other members have work for the CPUs */
    FVI_TRY(fvi_flow_detector_net(&t->member[t->n], ctx, t->ctx[t->n], model, o, t->member[0], err));
    t->n++;
    return FV_OK;
}

fv_status fvi_flow_detector_team(fv_detector **out, fv_context *ctx, fv_model *model, const fv_detect_options *o, fv_error *err)
{
    int threads = fv_context_threads(ctx);
    if (!ctx || o->streams > threads || o->streams > MAX_MEMBERS)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "%d streams need at least as many threads; there are %d (and at most %d streams)", o->streams, threads, MAX_MEMBERS);
    team *t = fvi_calloc(1, sizeof *t);
    if (!t) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    fv_status st = FV_OK;
    for (int i = 0; i < o->streams && st >= 0; i++) st = add_member(t, threads / o->streams + (i < threads % o->streams), ctx, model, o, err);
    if (st < 0) {
        team_free(&t->base);
        return st;
    }
    t->base = *t->member[0];
    t->base.run = team_run;
    t->base.free = team_free;
    t->base.prepare = team_prepare;
    t->base.set_classes = team_set_classes;
    t->base.class_name = team_class_name;
    t->base.hold = team_hold;
    t->base.holds = team_holds;
    t->base.take = team_take;
    t->base.drop = team_drop;
    t->base.members = t->member;
    t->base.n_members = t->n;
    *out = &t->base;
    return FV_OK;
}
