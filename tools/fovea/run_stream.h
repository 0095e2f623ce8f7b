/* run_stream.h: everything that lives as long as one source of a run. */
#ifndef FOVEA_TOOL_RUN_STREAM_H
#define FOVEA_TOOL_RUN_STREAM_H
#include "run.h"

typedef struct stream {
    run_state *r;
    fv_source *source;
    fv_source watched; /* what the pipeline reads: the source, with its failures told apart from those of other stages */
    bool source_failed, pictures;
    int file, tile; /* tile: of --show */
    fv_detector *detector; /* the run's, or a port of its hub */
    fv_tracker *tracker;
    fv_counter *counter;
    fv_painter *painter;
    fv_font font;
    fv_sink *sink;
    double last_pts, finish_s;
    int64_t last_frame; /* processed */
    /* live sources only */
    fv_frame first; /* read before the stages are opened, so that its size is known */
    bool has_first;
    double until;          /* steady seconds at which it ends; 0 = not */
    fv_pipeline *pipeline; /* its own; under the run's lock until the thread has ended */
    tally *tally;
    pthread_t thread;
    char state[96];        /* what it is at, for the progress line; under the run's lock */
    fv_source_state at;
    bool has_been_connected;
    int64_t stalls, reconnects;
    int code;
} stream;

void stream_init(stream *s, run_state *r, fv_source *source, int file);
/* fv_source's `stopped`: by the user, at the end of --duration, by its pipeline. */
int stream_stopped(void *stream);
/* Sink, painter, tracker, counter. Close it also when this fails. */
fv_status stream_open(stream *s, fv_error *err);
void stream_options(stream *s, fv_pipeline_options *o);
/* Its run is over with `st`: finishes the output, notes failures and last events. 0, or the exit code that ends the run. */
int stream_settle(stream *s, fv_status st, fv_error *err, int64_t frames, int64_t decoded);
void stream_close(stream *s);
#endif
