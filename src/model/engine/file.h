/* file.h: engine files (.fv, docs/FORMATS.md): a model rewritten, with tactics chosen and weights packed, so that loading is
 * mapping, checking and binding. The bytes are hostile: checksums find accidents, everything else is verified besides. What a kernel reads of a
 * file are numbers of packed weights, never an index, offset or size.
 *
 * Threads: an open file is constant; references may be counted anywhere. */
#ifndef FVI_MODEL_ENGINE_FILE_H
#define FVI_MODEL_ENGINE_FILE_H
#include "base/bytes.h"
#include "base/file.h"
#include "kern/cpu.h"
#include "model/engine/internal.h"
#include "model/graph/graph.h"
#include <fovea/engine.h>
#include <stdatomic.h>

enum {
    FVI_FILE_VERSION = 2,
    FVI_FILE_HEAD = 64,
    FVI_FILE_ENTRY = 40,
    FVI_FILE_PAGE = 4096,
    FVI_FILE_CHUNK = 1 << 20, /* of a section, each with a sum of its own, so that threads can share the checking */
    FVI_FILE_MAX_SECTIONS = 256,
    FVI_FILE_STRIPPED = 1, /* marks in the header */
    FVI_FILE_PORTABLE = 2
};
#define FVI_FILE_MAGIC "FOVEA.fv"
#define FVI_FILE_MAX_BYTES ((size_t)8 << 30)

typedef enum fvi_section_kind {
    FVI_SECTION_INFO = 1,    /* keys and values */
    FVI_SECTION_SOURCES = 2, /* initialisers of the model that it was built from */
    FVI_SECTION_GRAPH = 3,   /* 0: the model's ports, or all of it when portable; then one a planned shape */
    FVI_SECTION_PLAN = 4,    /* of a CPU level: tactics, and where packed weights lie */
    FVI_SECTION_DATA = 5,    /* constants as they are */
    FVI_SECTION_PACKED = 6   /* of the level with the same index */
} fvi_section_kind;

typedef struct fvi_section {
    uint32_t kind, index;
    uint64_t offset, bytes, sum;
} fvi_section;

typedef struct fvi_choice {
    uint64_t problem; /* hash of its words; first, for fvi_file_first */
    const char *tactic;
} fvi_choice;
typedef struct fvi_blob {
    uint64_t key; /* of step and form; first, for fvi_file_first */
    uint64_t offset, bytes; /* in the level's packed section */
} fvi_blob;
typedef struct fvi_file_plan {
    const char *level;
    fvi_choice *choices; /* [n_choices] ascending problem */
    fvi_blob *blobs;     /* [n_blobs] ascending key */
    int n_choices, n_blobs;
    fvi_section packed; /* bytes 0 = none */
} fvi_file_plan;

typedef struct fvi_source {
    const char *name;
    fv_dtype dtype;
    int rank;
    int64_t dim[FV_MAX_RANK];
} fvi_source;

struct fvi_file {
    atomic_int refs;
    fvi_map map;   /* when it is a file */
    void *memory;  /* when it was read; owned */
    const uint8_t *data; /* page aligned, FVI_PAD readable bytes behind the last section */
    size_t size;
    fvi_arena *arena;
    fvi_pool *pool; /* while it is opened */
    uint32_t marks;
    fvi_section sections[FVI_FILE_MAX_SECTIONS];
    int n_sections;
    fvi_meta *info;
    int n_info;
    fvi_source *sources;
    int n_sources;
    fvi_graph **graphs; /* [n_graphs]; 0 is of the ports or the whole model */
    int n_graphs;
    fvi_file_plan *plans; /* [n_plans] */
    int n_plans;
    const fvi_file_plan *plan; /* that this machine uses; null = none fits and weights are packed anew */
    bool same_version;
};

/* ---- file_read.c ---- */
bool fvi_file_is(const uint8_t *bytes, size_t size);
/* Takes map or memory over (also on failure). env: threads to check with, and levels, of which the highest that is there is chosen. */
fv_status fvi_file_open(fvi_file **out, fvi_map *map, void *memory, size_t size, const fvi_backend *backend, const fvi_backend_env *env, fv_error *err);
void fvi_file_close(fvi_file **f); /* one reference */
const char *fvi_file_info(const fvi_file *f, const char *key); /* "" = it says nothing */
/* ---- file_use.c ---- */
const char *fvi_file_tactic(const fvi_file *f, const char *problem);      /* null = none */
const void *fvi_file_packed(const fvi_file *f, const char *step, const char *form, size_t bytes);
/* The graph planned for these options, or one that lacks only the batch, to be cloned; null = there is none. */
const fvi_graph *fvi_file_graph(const fvi_file *f, const fvi_graph *ports, const fv_session_options *opt);
/* FV_OK, or why there is no session with these options: no weights, beyond the shapes that it was built for. */
fv_status fvi_file_allows(const fvi_file *f, const fvi_graph *ports, const fv_session_options *opt, fv_error *err);
int fvi_file_batch(const fvi_graph *ports, const fv_session_options *opt); /* first dimension of the first input; 0 = it has none */
/* An error: fvi_file_graph had none, and there is no model to make it from. */
fv_status fvi_file_no_graph(const fvi_file *f, const fvi_graph *ports, const fv_session_options *opt, fv_error *err);
/* Sets m's graphs, which stay f's, and takes over the reference; m->backend is chosen. */
fv_status fvi_file_model(fv_model *m, fvi_file *f, fv_error *err);

/* ---- shared by writer and reader ---- */
enum { FVI_FILE_SHAPE_KEY = 300 };
uint64_t fvi_file_key(const char *step, const char *form);
/* Of a section: the hash of its chunks' hashes. False: out of memory. */
bool fvi_file_sum(fvi_pool *pool, const void *data, size_t bytes, uint64_t *sum);
/* First of n records of `size` bytes, each of which begins with its uint64_t key and which ascend by it, whose key is not below `key`;
 * n = none. */
size_t fvi_file_first(const void *records, size_t n, size_t size, uint64_t key);
void fvi_file_shape_key(char out[FVI_FILE_SHAPE_KEY], const char *end, const char *input); /* of the description; end: min, opt or max */
void fvi_file_print_dims(char *out, size_t n, int rank, const int64_t *dim);               /* "1x3x640x640" */
#endif
