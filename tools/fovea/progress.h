/* progress.h: a line that lives on stderr while something long runs: a bar on a terminal, JSON for programs. */
#ifndef FOVEA_TOOL_PROGRESS_H
#define FOVEA_TOOL_PROGRESS_H
#include "cli.h"
#include "text.h"
#include <fovea/pipeline.h>

typedef enum progress_kind { PROGRESS_NONE, PROGRESS_BAR, PROGRESS_JSON } progress_kind;
progress_kind progress_asked(const cli_args *a); /* --progress and --quiet */

/* ---- counting up, on the caller's thread ---- */

typedef struct progress_count {
    progress_kind kind;
    double at; /* when the last line was shown */
} progress_count;
/* Is it time for a line? The last always. */
bool progress_due(progress_count *c, bool last);
void progress_bar(text *t, int64_t done, int64_t total);                         /* [####....] done/total */
void progress_show(const char *what, int64_t done, int64_t total, bool last);    /* "what [####....] done/total", on stderr; the last is wiped */

/* ---- a pipeline's, from a thread of its own ---- */

typedef struct progress progress;
/* Null when nothing is to be shown. */
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
