/* run.h: the common body of predict, track and count. */
#ifndef FOVEA_TOOL_RUN_H
#define FOVEA_TOOL_RUN_H
#include "scene.h"
#include "out.h"
#include "progress.h"
#include "run_settings.h"
#include "run_sources.h"
#include "show.h"
#include <pthread.h>
#include <stdatomic.h>

typedef struct run_state {
    const cli_args *a;
    settings s;
    run_sources sources;
    outputs out;
    tally tally;
    fv_context *ctx;
    fv_model *model, *tile_model; /* tile_model: null = the same */
    fv_detector *detector;
    char *model_path;
    char *tile_path; /* of --tile-model */
    scene first; /* the first frame, for the report */
    const char *precision; /* instead of --precision; null = what that says */
    char device_text[96], started[40];
    /* shapes with class numbers, as counter and painter want them; they point into settings and class_ids */
    fv_line *lines;
    fv_zone *zones;
    int **class_ids;
    int n_class_ids;
    char **names; /* of --names */
    int n_names;
    bool replaying; /* --replay: classes that it lacks are no mistake */
    progress *progress;
    show *show; /* of --show, or null */
    fv_pipeline *pipeline; /* of files, one after the other */
    atomic_int stopping;   /* set by the signal handler, and when live sources have to end */
    double finish_s;       /* time the encoders took to finish */
    int n_done;            /* sources that gave at least one frame */
    pthread_mutex_t lock;  /* live sources run together: outputs, tally, failures, n_done, finish_s, figures */
    fv_hub *hub;           /* of live sources */
    fv_metrics replayed;   /* figures of --replay */
    struct stream *live;   /* [n_live] kept until the report is written */
    int n_live;
} run_state;

int run_vision(const cli_args *a, run_mode mode);

/* run_model.c: 0, or the exit code after the error was printed. */
int run_model_open(run_state *r);
/* The same for a replay: no model, [n] names (null ones allowed) of the file, --classes as numbers (null = all). */
int run_model_names(run_state *r, char *const *names, int n, const int **classes, int *n_classes);
void run_model_close(run_state *r);
/* run_stream.c: one file from first to last frame. 0: go on; else the exit code that ends the run. */
int run_stream(run_state *r, fv_source *source, bool pictures, int file);
/* Tracker of the mode and counter, as the settings say; left alone where the mode has none. */
fv_status run_tracker(run_state *r, fv_tracker **out, fv_error *err);
fv_status run_counter(run_state *r, fv_counter **out, fv_error *err);
/* run_replay.c: the whole run when there is --replay; the exit code. */
int run_replay(run_state *r);
/* run.c, for cli_on_stop. */
void run_stop(void *run);
/* run_live.c: all live sources together, until each has ended or the run is stopped. */
int run_live(run_state *r);
/* Figures of files and live sources so far. */
void run_metrics(run_state *r, fv_metrics *m);
/* Frees what run_live kept. */
void run_live_free(run_state *r);
/* run_report.c: --summary, --run, --report and the lines at the end. */
int run_report(run_state *r);
#endif
