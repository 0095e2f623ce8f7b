/* model.h: load an ONNX model, plan it for given shapes, run it on tensors. */
#ifndef FOVEA_MODEL_H
#define FOVEA_MODEL_H
#include <fovea/context.h>
#include <fovea/tensor.h>
#ifdef __cplusplus
extern "C" {
#endif
/* A loaded, rewritten model. Threads: any after load. */
typedef struct fv_model fv_model;
typedef struct fv_model_options {
    uint32_t size;
    const char *device;    /* null or "auto", "cpu"; "null": right shapes, no work, for tests. Others: FV_ERR_DEVICE */
    /* null: as the file says, int8 when the model is quantised, else fp32. "auto": the fastest that may be used (fv_model_precision says what it
     * became): int8 when the model is quantised, bf16 where it is fast and gave the results of fp32, else fp32. "fp32". "bf16": convolutions multiply in BF16 and add in FP32, ends of heads stay FP32; any machine
     * can, those with AMX are faster for it. "int8": a quantised model only. Others: FV_ERR_DEVICE */
    const char *precision;
    int no_rewrite;        /* non-zero: run the graph as it was written (to find out what a rewrite changed) */
} fv_model_options;
#define FV_MODEL_OPTIONS(...) (&(fv_model_options){.size = sizeof(fv_model_options), __VA_ARGS__})

/* Loads, checks and rewrites a model; ctx must outlive it. On failure *out is null: FV_ERR_MODEL (the file or data beside it
 * cannot be read, or the graph is wrong), FV_ERR_MODEL_FORMAT (not ONNX, or damaged), FV_ERR_UNSUPPORTED (names every
 * operator or the node), FV_ERR_SHAPE, FV_ERR_LIMIT, FV_ERR_DEVICE, FV_ERR_MEMORY. */
FV_API fv_status fv_model_load(fv_model **out, fv_context *ctx, const char *path, const fv_model_options *opt, fv_error *err);
/* bytes: borrowed until the model is freed. A model with data in other files is FV_ERR_MODEL. */
FV_API fv_status fv_model_load_memory(fv_model **out, fv_context *ctx, const void *bytes, size_t size, const fv_model_options *opt, fv_error *err);
/* Models that are part of the library, "person", "mark", "fill" (models/ in the source tree has a card for each); a library may be
 * built without. Null when i is past the last. about (may be null): what it finds or does. */
FV_API const char *fv_builtin_model_name(int i, const char **about);
/* The one of that name for fv_model_load_memory: *bytes [*size], valid for good. FV_ERR_MODEL: there is none (the text lists
 * those that are there). */
FV_API fv_status fv_builtin_model(const char *name, const void **bytes, size_t *size, fv_error *err);
/* After all its sessions. *m becomes null. */
FV_API void fv_model_free(fv_model **m);

/* Inputs and outputs as the file declares them; dim -1 = symbolic. Borrowed until free. Types float16, bfloat16 and float64 are
 * computed as float32. */
typedef struct fv_port {
    const char *name;
    fv_dtype dtype;
    int rank;
    int64_t dim[FV_MAX_RANK];
} fv_port;
FV_API int fv_model_inputs(const fv_model *m, const fv_port **ports);
FV_API int fv_model_outputs(const fv_model *m, const fv_port **ports);
/* metadata_props by key; null = absent. Index form returns null past the end. */
FV_API const char *fv_model_meta(const fv_model *m, const char *key);
FV_API const char *fv_model_meta_at(const fv_model *m, int i, const char **key);
FV_API const char *fv_model_device(const fv_model *m);    /* "cpu" */
FV_API const char *fv_model_precision(const fv_model *m); /* "fp32", "bf16", "int8" */
/* Why it is that: "the model is quantised". Static. */
FV_API const char *fv_model_precision_reason(const fv_model *m);
/* Node i of those that stay FP32 in a mixed model, and (why may be null) the reason; null past the last. Borrowed until free. None are known while
 * the model's shapes are open. */
FV_API const char *fv_model_kept(const fv_model *m, int i, const char **why);
/* Can N pictures be run at once? Null = yes, else a sentence that names the node which forbids it. Borrowed until free. */
FV_API const char *fv_model_batch_obstacle(const fv_model *m);
/* Text dump of the graph; `rewritten` 0 = as imported. owned: free with fv_string_free. */
FV_API fv_status fv_model_dump(const fv_model *m, int rewritten, char **text, fv_error *err);
FV_API void fv_string_free(char **text);
typedef struct fv_model_info {
    const char *producer, *graph_name; /* borrowed, never null */
    int64_t ir_version;
    int opset;
    int nodes_imported, nodes_final;
    int64_t parameters;   /* elements of float constants */
    int64_t weight_bytes;
} fv_model_info;
FV_API void fv_model_get_info(const fv_model *m, fv_model_info *info);

/* A plan for fixed shapes with its memory. Threads: one at a time a session; sessions of one model may run at once. */
typedef struct fv_session fv_session;
typedef struct fv_session_options {
    uint32_t size;
    int batch; /* 0 = as declared (1 when symbolic); else every input's first dimension becomes this */
    /* [n_shapes] name, rank and dim of the inputs that are symbolic or get another size (dtype is not looked at); the others
     * stay as declared. Copied. */
    const fv_port *shapes;
    int n_shapes;
    int profile; /* non-zero: time every step */
    int observe; /* non-zero: every value stays readable after a run (fv_session_value); memory is not shared over time then */
    fv_context *ctx; /* whose threads compute; null = the model's. Its CPU levels are not looked at. Must outlive the session */
    const fv_session *share; /* a session of the same model that outlives this one: packed weights of convolutions are its, where tactics agree */
} fv_session_options;
#define FV_SESSION_OPTIONS(...) (&(fv_session_options){.size = sizeof(fv_session_options), __VA_ARGS__})
/* The model must outlive it. On failure *out is null: FV_ERR_SHAPE (a dimension is left open, or shapes do not fit),
 * FV_ERR_ARGUMENT (no such input), FV_ERR_UNSUPPORTED (names the node, also the one that forbids the batch), FV_ERR_MEMORY;
 * FV_ERR_STATE and FV_ERR_CANCELLED: see `require_timings` and `tune_progress` of the context. */
FV_API fv_status fv_session_create(fv_session **out, fv_model *m, const fv_session_options *opt, fv_error *err);
FV_API void fv_session_free(fv_session **s);
/* Other shapes for the session, between two runs, in the thread that runs it: shapes and batch as in fv_session_options, all other options stay. The plans of
 * the last five shapes are kept with their memory, so that going back to one of them costs nothing (plan_ms is 0 then); packed weights are shared where
 * tactics agree. Whatever was borrowed from the session before is void. On failure it stays as it was; errors as fv_session_create. */
FV_API fv_status fv_session_reshape(fv_session *s, const fv_port *shapes, int n_shapes, int batch, fv_error *err);
/* How many, and their shapes in use. Borrowed until free. */
FV_API int fv_session_inputs(const fv_session *s, const fv_port **ports);
FV_API int fv_session_outputs(const fv_session *s, const fv_port **ports);
/* Copies a dense tensor into input i / output i into t->data (t's dtype and dims must be the port's;
 * float32 may stand for a float16, bfloat16 or float64 port). */
FV_API fv_status fv_session_set_input(fv_session *s, int i, const fv_tensor *t, fv_error *err);
FV_API fv_status fv_session_get_output(const fv_session *s, int i, fv_tensor *t, fv_error *err);
/* Runs all steps. Does not allocate. */
FV_API fv_status fv_session_run(fv_session *s);

/* A value of the graph that runs, other than constants and inputs. */
typedef struct fv_value_info {
    fv_port port;                  /* name, type and shape */
    const char *node, *op, *tactic; /* who computes it; all borrowed until free, never null */
    int in_file;                   /* 0: a rewrite made it; else the file has a value of this name, and this is what it holds */
} fv_value_info;
/* In the order in which they are computed; FV_END past the last. FV_ERR_STATE: the session was made without `observe`. */
FV_API fv_status fv_session_value(const fv_session *s, int i, fv_value_info *info);
/* Value i of the last run into t->data (t's dtype and dims must be the value's). */
FV_API fv_status fv_session_get_value(const fv_session *s, int i, fv_tensor *t, fv_error *err);

typedef struct fv_session_info {
    int steps;
    int64_t arena_bytes, weight_bytes; /* activations; constants, before packing */
    double gflop;                      /* of one run */
    double plan_ms; /* of the last plan; 0 = it was kept (fv_session_reshape) */
} fv_session_info;
FV_API void fv_session_get_info(const fv_session *s, fv_session_info *info);
/* How the session's tactics were chosen. */
typedef struct fv_tuning_info {
    uint32_t size;  /* sizeof(fv_tuning_info), set by the caller */
    int choices;    /* between tactics: one a convolution, several a transposed one */
    int remembered; /* of them, from the timing cache */
    int timed;      /* by this session */
    int estimated;  /* by a model of costs: neither remembered nor timed */
    int refused;    /* remembered, but no tactic for the step: not believed, and part of timed or estimated */
    double ms;      /* that the timing took */
    char missed[300]; /* why something was not remembered; "" = everything was */
} fv_tuning_info;
/* FV_ERR_ARGUMENT: `size` is not set. */
FV_API fv_status fv_session_tuning(const fv_session *s, fv_tuning_info *info);
typedef struct fv_step_info {
    const char *name, *op, *tactic; /* borrowed */
    char shape[96];                 /* "[1,64,80,80]" of the first output */
    double gflop;
    double total_ms; /* since the last reset; 0 without `profile` */
    int64_t runs;
    double executed_gflop; /* what the tactic really multiplies: a Winograd step does a quarter */
    const char *precision; /* that it computes in: "fp32", "bf16"; static */
} fv_step_info;
/* FV_END past the last step. */
FV_API fv_status fv_session_step(const fv_session *s, int i, fv_step_info *info);
FV_API void fv_session_reset_profile(fv_session *s);
#ifdef __cplusplus
}
#endif
#endif
