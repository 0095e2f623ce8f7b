/* engine.h: engine files (.fv): a model rewritten, with tactics chosen and weights packed, so that it starts in milliseconds; stripped of
 * their weights, refitted with others, exchanged while a session runs. fv_model_load takes them wherever it takes ONNX.
 *
 * A file holds for one or more CPU levels what the kernels of that level read; processes that run the same file share its pages. Replace one by
 * writing beside it and renaming, as fv_engine_save does: who cuts a file that is mapped ends the processes that run it. */
#ifndef FOVEA_ENGINE_H
#define FOVEA_ENGINE_H
#include <fovea/model.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Takes all `size` bytes or says why not (a negative status). */
typedef fv_status (*fv_write_fn)(void *user, const void *data, size_t size, fv_error *err);
/* Up to `size` bytes into `to`: how many, 0 = there are no more, negative = reading failed. */
typedef int64_t (*fv_read_fn)(void *user, void *to, size_t size);

/* Shapes: as fv_session_options.shapes. With one of min, opt or max the file is for shapes between min and max, and plans for all three
 * are in it; what is left out is as the model declares it, or as the other ones say. */
typedef struct fv_engine_options {
    uint32_t size;
    const char *target; /* CPU levels such as "c,avx2"; null or "native": the highest of the model's context. Only tactics of that one are timed */
    int portable;       /* non-zero: the model as it was is in the file, too: it runs on other levels, shapes and versions, packed at load */
    int strip;          /* non-zero: no weights (fv_engine_refit puts them in) */
    int batch;          /* as fv_session_options.batch */
    const fv_port *min_shapes, *opt_shapes, *max_shapes;
    int n_min, n_opt, n_max;
} fv_engine_options;
#define FV_ENGINE_OPTIONS(...) (&(fv_engine_options){.size = sizeof(fv_engine_options), __VA_ARGS__})

typedef struct fv_engine_report {
    uint32_t size;        /* sizeof(fv_engine_report), set by the caller */
    int64_t bytes;        /* of the file */
    int64_t weight_bytes; /* of them packed or plain weights */
    int64_t saved_bytes;  /* that the file would have more if it were not stripped */
    int plans;            /* shapes times levels */
    fv_tuning_info tuning; /* of the level of the model's context, over all shapes; `missed`: why something was timed or estimated */
} fv_engine_report;

/* The engine of a model (loaded from ONNX, from a portable engine, or refitted), written in order, without going back. Tactics are timed where the
 * context says so, unless they are an engine's. report: may be null. Errors: those of fv_session_create, and what `write` says. */
FV_API fv_status fv_engine_write(fv_model *m, const fv_engine_options *opt, fv_write_fn write, void *user, fv_engine_report *report, fv_error *err);
/* The same into a file, beside its name and renamed: FV_ERR_OUTPUT, and nothing is left. */
FV_API fv_status fv_engine_save(fv_model *m, const char *path, const fv_engine_options *opt, fv_engine_report *report, fv_error *err);
/* An engine or an ONNX model out of a pipe, socket or archive. Errors: as fv_model_load; FV_ERR_INPUT: reading failed. */
FV_API fv_status fv_model_load_stream(fv_model **out, fv_context *ctx, fv_read_fn read, void *user, const fv_model_options *opt, fv_error *err);

/* `weights`, an ONNX model just loaded with the engine's options, takes the engine's tactics: a refitted engine in memory, to run or to write.
 * FV_ERR_MODEL: it is not a model of the same graph; the text says what differs, and names weights that it lacks. */
FV_API fv_status fv_engine_refit(fv_model *weights, const fv_model *engine, fv_error *err);
/* From its next run on the session computes with the weights of m, a model or engine of the same graph. In any thread while the session runs:
 * the work is done here, the running thread exchanges a pointer between two runs. Addresses, shapes and ports stay. The session keeps m
 * alive. FV_ERR_MODEL: another graph; the session goes on as it was. */
FV_API fv_status fv_session_refit(fv_session *s, fv_model *m, fv_error *err);

/* What an engine file says of itself, by key or index ("version", "device", "levels", "graph", …); null: no engine, no such key, past the end. */
FV_API const char *fv_engine_info(const fv_model *m, const char *key);
FV_API const char *fv_engine_info_at(const fv_model *m, int i, const char **key);
/* Weights that a stripped engine needs, in the order of the model's initialisers; null past the end. port: name, type and shape. */
FV_API const char *fv_engine_weight_at(const fv_model *m, int i, fv_port *port);
/* Its parts: what is in it, of which CPU level (null: all), how many bytes. FV_END past the last. */
FV_API fv_status fv_engine_part_at(const fv_model *m, int i, const char **what, const char **level, int64_t *bytes);
#ifdef __cplusplus
}
#endif
#endif
