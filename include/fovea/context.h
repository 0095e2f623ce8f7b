/* context.h: what all objects of a process part share: log, thread pool, CPU level mask. */
#ifndef FOVEA_CONTEXT_H
#define FOVEA_CONTEXT_H
#include <fovea/status.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef enum fv_log_level {
    FV_LOG_ERROR = 1,
    FV_LOG_WARNING = 2,
    FV_LOG_INFO = 3,
    FV_LOG_DEBUG = 4
} fv_log_level;
/* Called from any thread; `text` is one line without newline, valid during the call. Must be thread-safe. */
typedef void (*fv_log_fn)(void *user, fv_log_level level, const char *text);

/* Timing of tactics (fv_context_options.tune): told before each choice, and once more with done == total. Non-zero stops: the session
 * fails with FV_ERR_CANCELLED, what was timed is kept. Called in the thread that creates the session. */
typedef struct fv_tune_progress {
    uint32_t size;
    int done, total;
    const char *step; /* about to be timed; "" when done. Valid during the call */
} fv_tune_progress;
typedef int (*fv_tune_fn)(void *user, const fv_tune_progress *p);

/* Threads: any after creation; free it after everything made from it. */
typedef struct fv_context fv_context;

/* Zero is the default for every field. */
typedef struct fv_context_options {
    uint32_t size;          /* sizeof(fv_context_options), set by FV_CONTEXT_OPTIONS */
    int threads;            /* worker threads that compute together, caller included; 0 = all CPUs this process may use */
    const char *cpu_levels; /* comma-separated mask, e.g. "c,avx2"; null = all levels the machine has. A level that does
                               not exist is FV_ERR_ARGUMENT; one this machine lacks is FV_ERR_DEVICE */
    fv_log_fn log;          /* null = silent */
    void *log_user;
    fv_log_level log_level; /* 0 = FV_LOG_WARNING */
    /* Steps can be computed in several ways (tactics). Which one is taken is estimated, or remembered from a timing on a machine like
     * this: sessions look into the file, and write what they timed into it, merged with what other processes wrote. A missing
     * file is an empty one; one that is damaged or of another version is not used (a warning says why) and made anew.
     * Null = only what this context timed itself. Copied. */
    const char *timing_cache;
    int tune; /* 0 = time nothing; 1..5: sessions time what is not remembered, 5 the longest */
    int require_timings; /* non-zero: a choice that is not remembered is FV_ERR_STATE and names the step; nothing is timed */
    fv_tune_fn tune_progress; /* may be null */
    void *tune_user;
    int64_t memory_limit; /* bytes that loading a model may take, and each session that is made of it: more is FV_ERR_MEMORY. Files that are mapped do not
                             count. 0 = half of what the machine, or the control group of this process, has */
} fv_context_options;
#define FV_CONTEXT_OPTIONS(...) (&(fv_context_options){.size = sizeof(fv_context_options), __VA_ARGS__})

/* Creates the context and starts its threads. `opt` null = defaults. On failure *out is null. */
FV_API fv_status fv_context_create(fv_context **out, const fv_context_options *opt, fv_error *err);
/* Joins the threads. *ctx becomes null. */
FV_API void fv_context_free(fv_context **ctx);
FV_API int fv_context_threads(const fv_context *ctx);
/* The highest CPU level in use, as fv_cpu_level names them. Static string. */
FV_API const char *fv_context_cpu_level(const fv_context *ctx);
/* Level number i of those that fovea knows, lowest first ("c", "avx2", "avxvnni", "avx512", "avx512bf16", "avx512fp16", "amx"); null past the last.
 * *why_not (may be null): null where this machine has the level, else the reason in words. Static strings. Threads: any. */
FV_API const char *fv_cpu_level(int i, const char **why_not);
/* One line about the machine for reports and doctor: brand, cores, levels. Borrowed until the context is freed. */
FV_API const char *fv_context_cpu_name(const fv_context *ctx);
/* The most multiply-adds that the context's threads do together, in GFLOP/s (two a multiply-add), out of registers: measured for some tens of
 * milliseconds at the highest level in use. precision: null or "fp32", "bf16"; another is FV_ERR_DEVICE. Nothing else should run meanwhile. */
FV_API fv_status fv_context_measure_peak(fv_context *ctx, const char *precision, double *gflops, fv_error *err);

#ifdef __cplusplus
}
#endif
#endif
