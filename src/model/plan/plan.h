/* plan.h: graph with known shapes -> steps over one arena: layouts and halos chosen, concats and reshapes turned into
 * views, buffers placed by lifetime, every step bound to a tactic of one backend. */
#ifndef FVI_MODEL_PLAN_H
#define FVI_MODEL_PLAN_H
#include "backend/backend.h"

/* What stands for zero, to be written around a feature map before the step that first writes it (its memory is shared over time). */
typedef struct fvi_plan_halo {
    int step;
    uint8_t value;  /* of every byte: 0, or the zero point of a map of bytes */
    fvi_tensor map; /* interior */
} fvi_plan_halo;

typedef struct fvi_plan {
    fvi_arena *arena; /* small objects */
    fvi_room *room;   /* packed constants */
    const fvi_backend *backend;
    const fvi_backend_env *env;
    fvi_tensor *tensor; /* [graph->n_values] where each value lives; dtype FV_NONE = nowhere */
    fvi_step *steps;
    int n_steps;
    fvi_plan_halo *halos; /* ascending step */
    int n_halos;
    char *memory; /* activations */
    size_t memory_bytes;
    char *scratch; /* of the step that runs */
    bool memory_lent; /* somebody else frees it */
    int copies; /* steps that only move data */
    double gflop;
} fvi_plan;

/* g: shapes all known, borrowed until free; env likewise. observe: every value keeps its memory until the next run, nothing is
 * overwritten. FV_ERR_UNSUPPORTED names the node. */
fv_status fvi_plan_create(fvi_plan **out, const fvi_graph *g, const fvi_backend *backend, const fvi_backend_env *env, bool observe, fv_error *err);
/* The same in the memory of `room`, a plan of such a graph (null: its own), of which only one runs at a time. */
fv_status fvi_plan_create_in(fvi_plan **out, const fvi_graph *g, const fvi_backend *backend, const fvi_backend_env *env, bool observe, const fvi_plan *room,
                             fv_error *err);
void fvi_plan_free(fvi_plan **p);
/* How many decisions between tactics its steps have; origin: an fvi_origin, or -1 for all. */
int fvi_plan_decisions(const fvi_plan *p, int origin);
/* tune.c: makes those that are estimates by timing. level: 1 (a few runs) .. FVI_TUNE_LEVELS - 1. Inputs of the graph hold nothing
 * afterwards. FV_ERR_CANCELLED: `before` said stop; what was decided stays. */
enum { FVI_TUNE_LEVELS = 6 };
typedef struct fvi_tune_watch {
    bool (*before)(void *user, const fvi_step *s, int done, int total); /* true = stop; may be null */
    void (*decided)(void *user, const fvi_decision *d, int64_t ns);     /* ns 0: nothing else was worth timing; may be null */
    void *user;
} fvi_tune_watch;
fv_status fvi_plan_tune(fvi_plan *p, const fvi_graph *g, int level, const fvi_tune_watch *w, fv_error *err);
/* Clears the halos of buffers that come alive at `step`; next: the first not cleared yet. Returns the next one. */
int fvi_plan_clear_halos(const fvi_plan *p, int step, int next);
/* Does not allocate. step_ns: null, or [n_steps] to which the duration of each step is added. */
void fvi_plan_run(fvi_plan *p, int64_t *step_ns);
typedef struct fvi_plan_part {
    int from, to;
    const uint32_t *need; /* [n_steps] null, or only steps run that share a bit with `have` */
    uint32_t have;
    bool (*instead)(void *user, fvi_step *s); /* null, or asked first; true: it has run the step */
    void *user;
} fvi_plan_part;
/* Some of the steps. */
void fvi_plan_run_part(fvi_plan *p, const fvi_plan_part *part, int64_t *step_ns);
#endif
