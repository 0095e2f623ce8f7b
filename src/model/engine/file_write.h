/* file_write.h: what an engine file will hold, gathered by file_plans.c and laid out by file_write.c. */
#ifndef FVI_MODEL_ENGINE_FILE_WRITE_H
#define FVI_MODEL_ENGINE_FILE_WRITE_H
#include "model/engine/file.h"

enum { FVI_DRAFT_GRAPHS = 3, FVI_DRAFT_LEVELS = 8 };

typedef struct fvi_draft_blob {
    uint64_t key, offset, bytes; /* key first, for fvi_file_first */
    const void *data;
} fvi_draft_blob;
typedef struct fvi_draft_choice {
    uint64_t problem; /* first, for fvi_file_first */
    const char *tactic;
} fvi_draft_choice;
typedef struct fvi_draft_level {
    const char *name;
    fvi_cpu_flags cpu;
    fvi_draft_choice *choices; /* ascending problem */
    fvi_draft_blob *blobs;     /* ascending key */
    size_t n_choices, cap_choices, n_blobs, cap_blobs;
    uint64_t packed; /* bytes of the section */
} fvi_draft_level;

typedef struct fvi_draft {
    fv_model *model;
    bool strip, portable, profile;
    uint64_t form; /* of the imported graph */
    int n_inputs;
    fv_port *bounds[3]; /* [n_inputs] min, opt, max; names borrowed */
    fvi_graph *graphs[FVI_DRAFT_GRAPHS];
    int n_graphs;
    fvi_draft_level levels[FVI_DRAFT_LEVELS];
    int n_levels;
    fv_session *sessions[FVI_DRAFT_GRAPHS], *lazy[FVI_DRAFT_GRAPHS]; /* of the context's level, tuned */
    struct fvi_draft_body *bodies; /* plans of other levels and of lazy graphs, whose packed bytes are borrowed */
    bool *raw[FVI_DRAFT_GRAPHS];   /* [values] constants that some reader takes as they are */
} fvi_draft;

fv_status fvi_draft_make(fvi_draft **out, fv_model *m, const fv_engine_options *o, fv_engine_report *r, fv_error *err);
void fvi_draft_free(fvi_draft **d);
/* Marks the constants of graph i that the file need not hold beside their packed form. */
void fvi_draft_packed_only(const fvi_draft *d, int graph, bool *skip);
#endif
