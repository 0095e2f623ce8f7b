/* engine.h: what the folders above need of models and sessions beyond the public API. */
#ifndef FVI_MODEL_ENGINE_H
#define FVI_MODEL_ENGINE_H
#include "base/log.h"
#include "base/pool.h"
#include "kern/cpu.h"
#include "model/tensor/tensor.h"
#include <fovea/model.h>

/* Members of fv_context (engine/context.c). */
fvi_pool *fvi_engine_pool(fv_context *ctx);
fvi_cpu_flags fvi_engine_cpu(const fv_context *ctx);
const fvi_log *fvi_engine_log(const fv_context *ctx);
struct fvi_timing_cache *fvi_engine_timings(const fv_context *ctx); /* timing.h */
int fvi_engine_tune_level(const fv_context *ctx);                   /* fv_context_options.tune */
/* Strided tensors of a session: prep writes inputs in place, heads read outputs in place. Copy them: what they say, addresses included, holds until the
 * session gets other shapes, the struct only until it gets other weights.
 * i is not checked: 0 <= i < fv_session_inputs or fv_session_outputs. */
const fvi_tensor *fvi_session_input_tensor(const fv_session *s, int i);
const fvi_tensor *fvi_session_output_tensor(const fv_session *s, int i);
/* Value i of fv_session_value where it lies; after the session was made with `observe`. i is not checked. */
const fvi_tensor *fvi_session_value_tensor(const fv_session *s, int i);
/* fv_session_create without any rewrite, whatever the model was loaded with: every value of the file is computed. */
fv_status fvi_session_create_plain(fv_session **out, fv_model *m, const fv_session_options *opt, fv_error *err);
struct fvi_graph;
/* A model of a graph that was made here, which is taken over, and computed as it stands: nothing is rewritten, not even Cast nodes that
 * only round. What constants of *g borrow must outlive it. */
fv_status fvi_model_of_graph(fv_model **out, fv_context *ctx, struct fvi_graph **g, fv_error *err);
/* As the file says; borrowed from the model. */
const struct fvi_graph *fvi_model_graph(const fv_model *m);

/* An input made up: uniform in [0,1) as FP32 where the port is of floats, else 0. out->data is owned by the caller (fvi_free). */
fv_status fvi_engine_uniform(fv_tensor *out, const fv_port *port, uint64_t *seed, fv_error *err);

/* A session that can leave out the boxes of cells where no class passes (lazy.h), when the model has that form; until fvi_session_want it
 * computes everything, as any other. */
fv_status fvi_session_create_lazy(fv_session **out, fv_model *m, const fv_session_options *opt, fv_error *err);
/* Columns [first, first + classes) of output `output` are scores; false: this session always computes everything. */
bool fvi_session_lazy_form(const fv_session *s, int *output, int *first, int *classes);
/* From the next run on columns other than scores are right only where a score of a class of keep ([classes], null = all) is over conf. */
void fvi_session_want(fv_session *s, float conf, const uint8_t *keep);
/* False: nothing was over it in the last run, and the outputs hold nothing. */
bool fvi_session_found(const fv_session *s);

/* Other weights in two halves, for who has several sessions that must change at the same frame: hold prepares them (in any thread while the session
 * runs; nothing may be held yet), take uses them from the next run on (in the thread that runs it; nothing held: does nothing), drop changes its mind
 * before anybody could take. like: a session that holds weights of the same model, which are shared; or null. Errors: as fv_session_refit. */
fv_status fvi_session_hold(fv_session *s, fv_model *m, const fv_session *like, fv_error *err);
bool fvi_session_holds(const fv_session *s);
void fvi_session_take(fv_session *s);
void fvi_session_drop(fv_session *s);
#endif
