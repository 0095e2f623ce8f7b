/* progress.h: a line that lives on stderr while a pipeline runs: a bar on a terminal, JSON for programs. */
#ifndef FOVEA_TOOL_PROGRESS_H
#define FOVEA_TOOL_PROGRESS_H
#include "cli.h"
#include "text.h"
#include <fovea/pipeline.h>

typedef struct progress progress;
/* --progress and --quiet decide; null when nothing is to be shown. */
progress *progress_create(const cli_args *a);
typedef struct progress_view {
    void (*figures)(void *user, fv_metrics *m);
    void (*states)(void *user, text *t, bool json); /* of live sources, may be null: appends to the line or to the object */
    void *user;
    const char *source;
    int64_t total, before; /* frames of this source, 0 = unknown; frames decoded by earlier sources */
} progress_view;
/* From here on it is watched. */
void progress_start(progress *g, const progress_view *v);
/* Ends the line. */
void progress_stop(progress *g);
void progress_free(progress **g);
#endif
