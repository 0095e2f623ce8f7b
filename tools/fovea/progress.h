/* progress.h: a line that lives on stderr while a pipeline runs: a bar on a terminal, JSON for programs. */
#ifndef FOVEA_TOOL_PROGRESS_H
#define FOVEA_TOOL_PROGRESS_H
#include "cli.h"
#include <fovea/pipeline.h>

typedef struct progress progress;
/* --progress and --quiet decide; null when nothing is to be shown. */
progress *progress_create(const cli_args *a);
/* From here on `p` is watched. total: frames of this source, 0 = unknown. before: frames decoded by earlier sources. */
void progress_start(progress *g, fv_pipeline *p, const char *source, int64_t total, int64_t before);
/* Ends the line. */
void progress_stop(progress *g);
void progress_free(progress **g);
#endif
