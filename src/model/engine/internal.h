/* internal.h: the structs behind the public handles of context.h and model.h. */
#ifndef FVI_MODEL_ENGINE_INTERNAL_H
#define FVI_MODEL_ENGINE_INTERNAL_H
#include "backend/backend.h"
#include "base/error.h"
#include "base/file.h"
#include "model/engine/engine.h"
#include "model/engine/lazy.h"
#include "model/engine/timing.h"
#include "model/plan/plan.h"
#include "model/rewrite/rewrite.h"
#include <pthread.h>
#include <stdatomic.h>

struct fv_context {
    fvi_log log;
    fvi_pool *pool;
    fvi_cpu_flags cpu;
    char cpu_name[256];
    fvi_timing_cache *timings;
    int tune;
    bool require_timings;
    fv_tune_fn tune_progress;
    void *tune_user;
    int64_t memory_limit;
};

typedef struct fvi_file fvi_file; /* file.h */

struct fv_model {
    atomic_int refs; /* its maker, and bodies that compute with it */
    fvi_file *engine; /* counted: the engine file that it came from, or whose tactics it takes; null = none */
    bool refitted;    /* the weights are its own: what the file has packed is of others */
    fv_context *ctx;
    const fvi_backend *backend;
    fvi_backend_env env;
    bool no_rewrite;
    bool bf16; /* convolutions multiply in BF16 (rewrite/precision.c) */
    bool int8; /* what is quantised computes with bytes (rewrite/bytes.c) */
    bool try_bf16; /* while it is loaded: bf16, if it gives what fp32 gives */
    const char *precision_why;
    fvi_kept *kept; /* [n_kept] in final's arena: what stays FP32 */
    int n_kept;
    fvi_map file;
    char *bytes;     /* read from a stream; null = none */
    bool owns_final; /* although there is an engine file */
    fvi_graph *imported; /* as the file says */
    fvi_graph *final;    /* rewritten, for the declared shapes; null while a dimension is symbolic */
    fv_port *inputs, *outputs;
    char *batch_obstacle; /* null = batches can be run at once */
};

/* What a session computes with; exchanged as a whole when it gets other weights (refit.c). */
typedef struct fvi_body {
    atomic_int refs; /* its session, and bodies that read its packed weights */
    fv_model *model; /* counted */
    struct fvi_body *like; /* counted; null = none */
    fvi_backend_env env; /* the model's, with the threads of the session and what follows */
    fvi_timings timings;
    fvi_packed packed;
    const struct fvi_body *tactics; /* while it is made: whose decisions are taken over; null = none */
    struct fvi_choice *theirs;      /* [n_theirs] these, ascending; also only then */
    size_t n_theirs;
    char stored[FVI_TIMING_TEXT]; /* the last name that timings gave */
    fvi_graph *graph;
    fvi_plan *plan;
    fvi_lazy *lazy; /* null = everything is computed */
    const fvi_value **values; /* [n_values] with `observe`: what nodes compute, in their order */
    int n_values;
} fvi_body;

/* All of a session that depends on its shapes, while it has others. */
typedef struct fvi_shape {
    fvi_body *body;
    fvi_graph *port_graph;
    fv_session_options made;
    fv_port *made_shapes;
    fv_tuning_info tuning;
    fv_port *inputs, *outputs;
    float *converted;
    int64_t *step_ns;
    int64_t runs;
} fvi_shape;
enum { FVI_SHAPES_KEPT = 4 }; /* besides the one in use */

struct fv_session {
    fv_model *model; /* counted: the one that it was made of, whose names the ports borrow */
    fvi_body *body;
    _Atomic(fvi_body *) offered; /* takes over at the next run; null = none */
    _Atomic(fvi_body *) held;    /* takes over when fvi_session_take says so; null = none */
    fvi_body *spent;             /* was taken over from; freed by whoever offers next */
    pthread_mutex_t refit;       /* who offers or takes over */
    fvi_graph *port_graph;       /* names of the ports; null = the body's */
    fv_session_options made;     /* as it was created, shapes its own */
    fv_port *made_shapes;
    bool made_lazy, made_plain;
    fv_tuning_info tuning;
    fv_port *inputs, *outputs;
    float *converted; /* a port's tensor on its way between the type it declares and float32; null = no port needs it */
    int64_t *step_ns; /* [n_steps] when profiling */
    int64_t runs;
    double plan_ms;
    fvi_shape kept[FVI_SHAPES_KEPT]; /* [n_kept] plans of other shapes, the last used first */
    int n_kept;
};

/* precision.c: sets int8, bf16, try_bf16 and the reason, once the graph is imported; later, for a model that is ready in FP32, whether BF16 gives
 * the same: then it is ready in that. precision: null = as the file says. */
fv_status fvi_engine_precision(fv_model *m, const char *precision, fv_error *err);
fv_status fvi_engine_validate_bf16(fv_model *m, fv_error *err);
fv_status fvi_engine_prepare(fv_model *m, fv_error *err); /* model.c: makes m->final, unless shapes are open */
/* session.c: plans s for s->made, with the model m. like: shares its packed weights; null = none. */
fv_status fvi_engine_build(fv_session *s, fv_model *m, fvi_body *like, fv_error *err);
/* Copies the shapes of opt. */
fv_status fvi_engine_set_made(fv_session *s, const fv_session_options *opt, fv_error *err);
/* session_shapes.c: what depends on shapes leaves the session; all that is in it is freed. */
void fvi_engine_put_aside(fv_session *s, fvi_shape *to);
void fvi_engine_drop_shape(fvi_shape *x);
void fvi_engine_use(fv_session *s, fvi_body *now); /* refit.c: between two runs, in the session's thread */
/* session.c: a body of `model` for the session's shapes. replaces: a body whose tactics and memory it shall take over; null = none. */
fv_status fvi_engine_body(fvi_body **out, fv_session *s, fv_model *model, fvi_body *like, const fvi_body *replaces, fv_error *err);
void fvi_engine_take_over(fv_session *s); /* refit.c: between two runs */
fv_status fvi_engine_same_form(const fvi_graph *a, const fvi_graph *b, fv_error *err); /* but for weights */
void fvi_engine_body_drop(fvi_body **b);
fv_model *fvi_engine_keep(fv_model *m); /* one more reference; fv_model_free gives it back */
/* graphs.c: ports of a graph's inputs or outputs; owned: fvi_free. Names are borrowed from the graph. `file`: the same ports as
 * imported, which know the types that the file declares (rewrites may put other values behind an output). */
fv_port *fvi_engine_ports(fvi_value *const *values, fvi_value *const *file, int n);
/* session.c: the caller's dense tensor as a strided one, after checking that it is what the port says, or of the type
 * computed in. */
fv_status fvi_engine_dense_like(const fv_port *p, fv_dtype computed, const fv_tensor *t, fvi_tensor *out, fv_error *err);
/* tuning.c: b->env, before the plan is made; then the choices that are not remembered are timed where the context asks for it. */
fv_status fvi_engine_remember(fvi_body *b, fv_error *err);
fv_status fvi_engine_tune(fv_session *s, fv_error *err);
/* values.c: fills b->values. */
fv_status fvi_engine_list_values(fvi_body *b, fv_error *err);
/* graphs.c: a graph of its own for these shapes, rewritten. plain: not rewritten, even if the model is. */
fv_status fvi_engine_specialise(fvi_graph **out, fv_model *m, const fv_session_options *opt, bool plain, fv_error *err);
#endif
