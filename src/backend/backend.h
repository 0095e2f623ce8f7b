/* backend.h: what a backend must do. The plan gives every step its tensors (final addresses and strides); the backend
 * says whether it can run the step, picks a tactic, packs weights, and runs it.
 *
 * Life of a step: prepare (once, may allocate) -> run (every frame, must not allocate) -> release. */
#ifndef FVI_BACKEND_H
#define FVI_BACKEND_H
#include "base/log.h"
#include "base/pool.h"
#include "base/room.h"
#include "kern/cpu.h"
#include "model/graph/graph.h"
#include "model/tensor/tensor.h"

typedef struct fvi_step fvi_step;

/* What earlier timings found out (engine/timing.h). */
typedef struct fvi_timings {
    /* Name of the fastest tactic for this problem, null = not known. Valid until prepare returns. */
    const char *(*find)(void *user, const char *problem);
    void *user;
    bool will_time; /* steps keep what fvi_family.make needs */
} fvi_timings;

/* Constants in the order in which kernels read them, when they are there already (engine/file.h) and need not be packed. A form says in words
 * what the bytes depend on besides the weights: tactic, channels, … . */
enum { FVI_FORM_MAX = 160 };
typedef struct fvi_packed {
    /* [bytes], FVI_ALIGN aligned, FVI_PAD readable bytes behind, as long as the plan lives; null = pack it. What lies there may be anything. */
    const void *(*find)(void *user, const fvi_step *s, const char *form, size_t bytes);
    void *user;
} fvi_packed;

/* What a step may use besides its tensors. */
typedef struct fvi_backend_env {
    fvi_pool *pool;
    fvi_cpu_flags cpu; /* levels that may be used (already masked) */
    const fvi_log *log;
    const fvi_timings *timings; /* null = tactics are chosen by estimate */
    const struct fvi_plan *like; /* a plan of the same graph that outlives this one; null = none */
    const fvi_packed *packed; /* null = prepare packs everything */
} fvi_backend_env;

/* How a family of tactics (convolutions, …) lets its decisions be made by timing. A job is one piece of work bound to one tactic. */
enum { FVI_PROBLEM_MAX = 512, FVI_TACTICS_MAX = 16 };
typedef struct fvi_family {
    /* The work in words: operator, shapes, types, strides, what is fused; the same words, the same tactics. */
    bool (*describe)(const void *job, char text[FVI_PROBLEM_MAX]);
    /* Tactics worth timing: estimates at most `factor` times the best, best first. Static names; returns how many, <= max. */
    int (*rank)(const fvi_step *s, const void *job, double factor, const char **names, int max);
    /* Another job for the same work, ready to run; null = out of memory. Inputs of the step hold values. */
    void *(*make)(fvi_step *s, const void *job, const char *tactic);
    void (*run)(fvi_step *s, void *job);
    const char *(*adopt)(void *job, void *made); /* `job` becomes `made`, which is gone; the tactic's name, static */
    void (*drop)(void *made);
    /* Multiplies times 2 that its tactic does (Winograd: fewer than the definition); null = those of the definition. */
    double (*executed_flops)(const void *job);
} fvi_family;

/* One decision of a step between tactics: by estimate or a stored timing in prepare, anew in plan/tune.c. */
typedef enum fvi_origin { FVI_ORIGIN_ESTIMATE, FVI_ORIGIN_STORED, FVI_ORIGIN_TIMED } fvi_origin;
typedef struct fvi_decision {
    const fvi_family *family;
    void *job;
    const char *tactic; /* in use; static */
    fvi_origin origin;
    bool refused; /* a stored name that does not exist or does not fit: not believed */
} fvi_decision;

/* Part of a feature map: output pixels (y0.., x0..) of one image. */
typedef struct fvi_region {
    int image, y0, y1, x0, x1;
} fvi_region;

typedef struct fvi_backend fvi_backend;
struct fvi_step {
    const fvi_backend *backend;
    const fvi_backend_env *env;
    fvi_room *room;          /* for prepare: packed constants, which live as long as the plan; null = there is no plan, all memory is the step's own */
    const fvi_node *node;    /* attributes, fused activation; null for copies the plan added */
    const char *name;        /* node name, or "copy of X" */
    int n_in, n_out;
    fvi_tensor *in;          /* [n_in]; dtype FV_NONE = optional input left out */
    bool *in_const;          /* [n_in]: data never changes (weights); prepare may pack it and forget it. data null: only env->packed has it, and
                                backend->packs said that this will do */
    fvi_tensor *out;         /* [n_out]; out never overlaps in, unless backend->in_place said so */
    fvi_tensor residual;     /* dtype FV_NONE = none */
    const char *tactic;      /* set by prepare: static string for tables, e.g. "conv3x3 avx2 6x16" */
    const fvi_step *twin;    /* the same step of env->like, ready; null = none. What it packed may be read */
    fvi_decision *decisions; /* [n_decisions] part of state; most steps have none, ConvTranspose has one a phase */
    int n_decisions;
    size_t scratch_bytes;    /* set by prepare when there is a room: what run needs besides, and keeps nothing in */
    char *scratch;           /* [scratch_bytes] for run, FVI_ALIGN aligned; the plan gives all steps the same, which stays in the caches */
    double flops;            /* set by prepare: multiply-adds * 2 for one run, 0 = unknown */
    void *state;             /* owned by the backend from prepare to release */
    void (*run)(fvi_step *s);/* set by prepare */
    /* set by prepare; may be null. Computes at least these pixels of out[0], with the bits that run would give; bounds are multiples of four or the
     * map's end. False: it cannot, nothing was done. */
    bool (*run_regions)(fvi_step *s, const fvi_region *r, int n);
    void (*release)(fvi_step *s); /* set by prepare; null = fvi_free(state) */
    /* set by prepare; null = none. Its i-th packed constant with its form, to be found again by fvi_packed; null past the last. */
    const void *(*packed)(const fvi_step *s, int i, char form[FVI_FORM_MAX], size_t *bytes);
};

/* What the plan asks before shapes are laid out. */
typedef enum fvi_layout { FVI_LAYOUT_ANY, FVI_LAYOUT_DENSE, FVI_LAYOUT_NHWC } fvi_layout;

struct fvi_backend {
    const char *name;
    /* Why this node cannot run (a sentence part such as "3-d convolution"), or null when it can. */
    const char *(*unsupported)(const fvi_node *n);
    /* Layout the node likes for its outputs (ANY: follow the first input) and needs for input i (ANY: takes what comes). */
    fvi_layout (*output_layout)(const fvi_node *n, int output);
    fvi_layout (*input_layout)(const fvi_node *n, int input);
    /* Stored zeros around H and W that input i should have (convolution padding). Prepare must still cope with less by
     * failing clearly; the plan guarantees it. */
    int (*input_halo)(const fvi_node *n, int input);
    /* May out[0] share memory (same strides) with in[i], element by element? */
    bool (*in_place)(const fvi_node *n, int input);
    fv_status (*prepare)(fvi_step *s, fv_error *err);
    /* A plain copy in -> out between any strides, added by the plan (s->node is null). */
    fv_status (*prepare_copy)(fvi_step *s, fv_error *err);
    /* Names of all tactics that decisions are made between, null past the end: timings are worth nothing once they change. The
     * function may be null. */
    const char *(*tactic_at)(int i);
    /* Does prepare read constant `input` only to pack it? Then its bytes may be missing where env->packed has the packed ones. May be null. */
    bool (*packs)(const fvi_node *n, int input);
};

const fvi_backend *fvi_backend_cpu(void);  /* backend/cpu/cpu.c */
const fvi_backend *fvi_backend_null(void); /* backend/null/null.c: right shapes, no work, outputs keep their contents */

/* What the tactics of the step do of s->flops. */
static inline double fvi_step_executed_flops(const fvi_step *s)
{
    double sum = 0;
    for (int i = 0; i < s->n_decisions; i++) {
        const fvi_decision *d = &s->decisions[i];
        if (!d->family->executed_flops) return s->flops;
        sum += d->family->executed_flops(d->job);
    }
    return s->n_decisions ? sum : s->flops;
}

static inline void fvi_step_release(fvi_step *s)
{
    if (s->release)
        s->release(s);
    else
        fvi_free(s->state);
    s->state = NULL;
}
#endif
