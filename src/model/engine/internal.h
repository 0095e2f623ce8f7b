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
};

struct fv_model {
    fv_context *ctx;
    const fvi_backend *backend;
    fvi_backend_env env;
    bool no_rewrite;
    bool bf16; /* convolutions multiply in BF16 (rewrite/precision.c) */
    const char *precision_why;
    fvi_kept *kept; /* [n_kept] in final's arena: what stays FP32 */
    int n_kept;
    fvi_map file;
    fvi_graph *imported; /* as the file says */
    fvi_graph *final;    /* rewritten, for the declared shapes; null while a dimension is symbolic */
    fv_port *inputs, *outputs;
    char *batch_obstacle; /* null = batches can be run at once */
};

struct fv_session {
    fv_model *model;
    fvi_backend_env env; /* the model's, with the threads of this session and `timings` */
    fvi_timings timings;
    char stored[FVI_TIMING_TEXT]; /* the last name that it gave */
    fv_tuning_info tuning;
    fvi_graph *graph;
    fvi_plan *plan;
    fvi_lazy *lazy; /* null = everything is computed */
    fv_port *inputs, *outputs;
    float *converted; /* a port's tensor on its way between the type it declares and float32; null = no port needs it */
    int64_t *step_ns; /* [n_steps] when profiling */
    int64_t runs;
    double plan_ms;
    const fvi_value **values; /* [n_values] with `observe`: what nodes compute, in their order */
    int n_values;
};

/* graphs.c: ports of a graph's inputs or outputs; owned: fvi_free. Names are borrowed from the graph. `file`: the same ports as
 * imported, which know the types that the file declares (rewrites may put other values behind an output). */
fv_port *fvi_engine_ports(fvi_value *const *values, fvi_value *const *file, int n);
/* session.c: the caller's dense tensor as a strided one, after checking that it is what the port says, or of the type
 * computed in. */
fv_status fvi_engine_dense_like(const fv_port *p, fv_dtype computed, const fv_tensor *t, fvi_tensor *out, fv_error *err);
/* tuning.c: s->env, before the plan is made; then the choices that are not remembered are timed where the context asks for it. */
void fvi_engine_remember(fv_session *s);
fv_status fvi_engine_tune(fv_session *s, fv_error *err);
/* values.c: fills s->values. */
fv_status fvi_engine_list_values(fv_session *s, fv_error *err);
/* graphs.c: a graph of its own for these shapes, rewritten. */
fv_status fvi_engine_specialise(fvi_graph **out, fv_model *m, const fv_session_options *opt, fv_error *err);
#endif
