/* timing.h: the timing cache: which tactic won for which problem on which machine. In memory here, in a file by timing_file.c
 * (format: docs/FORMATS.md). Used by session.c; filled by tuning.c.
 *
 * Errors: a file that cannot be trusted is a sentence, never a failure: the cache is then empty, and written anew when
 * something was timed. Threads: one at a time a store; fvi_timing_cache locks its own. */
#ifndef FVI_MODEL_ENGINE_TIMING_H
#define FVI_MODEL_ENGINE_TIMING_H
#include "backend/backend.h"
#include "base/error.h"
#include "base/str.h"
#include <pthread.h>

enum {
    FVI_TIMING_MAX_ENTRIES = 30000, /* of the longest lines they fill a file */
    FVI_TIMING_MAX_DEVICES = 256,
    FVI_TIMING_MAX_BYTES = 32 << 20, /* of a file */
    FVI_TIMING_TEXT = 256            /* a device or a tactic in words, with the 0 */
};

/* One winner. Texts belong to the store's arena. */
typedef struct fvi_timing {
    uint64_t key; /* of device and problem */
    const char *device, *problem, *tactic;
    int64_t ns; /* of the fastest run; 0 = there was nothing to compare with */
    bool replaces; /* also what others hold: it was no tactic for the problem */
} fvi_timing;

typedef struct fvi_timing_store {
    fvi_arena *arena;
    const char *devices[FVI_TIMING_MAX_DEVICES];
    int n_devices;
    fvi_timing *items; /* [n] ascending key */
    size_t n, cap;
} fvi_timing_store;

const fvi_timing *fvi_timing_find(const fvi_timing_store *s, const char *device, const char *problem);
/* What is there stays unless `replace`: choices that somebody may rely on do not change under them. Texts are copied. False: out
 * of memory, the store is full, or a text is too long or has control characters. */
bool fvi_timing_add(fvi_timing_store *s, const char *device, const char *problem, const char *tactic, int64_t ns, bool replace);
void fvi_timing_clear(fvi_timing_store *s);
/* For many at once: the store's text of a device (null: full, or no text), entries in any order, and then the order. False: one
 * comes twice. */
const char *fvi_timing_device(fvi_timing_store *s, const char *device);
bool fvi_timing_append(fvi_timing_store *s, const char *device, const char *problem, const char *tactic, int64_t ns);
bool fvi_timing_sort(fvi_timing_store *s);

/* ---- files (timing_file.c) ---- */

/* Bytes of a file -> *s, which is empty before. version: of this program and its tactics. False: *s is empty again and why
 * [200] says what is wrong with the bytes. */
bool fvi_timing_parse(fvi_timing_store *s, const void *bytes, size_t size, const char *version, char why[200]);
void fvi_timing_print(const fvi_timing_store *s, const char *version, fvi_str *out);
/* A missing file is an empty one. False: it cannot be used; why [200] says so. */
bool fvi_timing_read(fvi_timing_store *s, const char *path, const char *version, char why[200]);
/* Under a lock beside the file: what it holds by now and what `s` holds, written together. An unusable file is replaced. */
fv_status fvi_timing_merge(const fvi_timing_store *s, const char *path, const char *version, fv_error *err);

/* Of the program and its tactics; of a machine. */
void fvi_timing_version(char text[FVI_TIMING_TEXT], const fvi_backend *backend);
void fvi_timing_device_text(char text[FVI_TIMING_TEXT], fvi_cpu_flags cpu, int threads);

/* ---- of a context ---- */

typedef struct fvi_timing_cache {
    pthread_mutex_t lock;
    const fvi_log *log;
    char *path; /* null = memory only */
    char version[FVI_TIMING_TEXT], device[FVI_TIMING_TEXT];
    bool loaded;
    char trouble[200]; /* why the file is not used; "" = it is */
    fvi_timing_store all;
} fvi_timing_cache;

fv_status fvi_timing_cache_create(fvi_timing_cache **out, const char *path, const fvi_backend *backend, fvi_cpu_flags cpu,
                                  int threads, const fvi_log *log, fv_error *err);
void fvi_timing_cache_free(fvi_timing_cache **c);
/* The name of the winner, in tactic; false: none is stored. The first call reads the file. */
bool fvi_timing_cache_find(fvi_timing_cache *c, const char *problem, char tactic[FVI_TIMING_TEXT]);
/* replace: what `find` gave was no tactic for the problem. */
bool fvi_timing_cache_add(fvi_timing_cache *c, const char *problem, const char *tactic, int64_t ns, bool replace);
/* Why something is not in it, in words. */
void fvi_timing_cache_explain(fvi_timing_cache *c, char text[300]);
/* Writes what was added; a failure is a warning in the log. */
void fvi_timing_cache_save(fvi_timing_cache *c);
#endif
