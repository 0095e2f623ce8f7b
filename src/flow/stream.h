/* stream.h: the inside of a stream: the parts it made itself, and the results that wait to be pulled. */
#ifndef FVI_FLOW_STREAM_H
#define FVI_FLOW_STREAM_H
#include "base/alloc.h"
#include "flow/pipeline.h"
#include <fovea/stream.h>

struct fv_stream {
    /* what is used, and what of it is the stream's own to free */
    fv_context *ctx, *own_ctx;
    fv_model *own_model;
    fv_detector *detector, *own_detector;
    fv_source *source, *own_source;
    fv_source_info info;
    fv_tracker *tracker;
    fv_counter *counter;
    fv_painter *painter;
    fv_font font;
    fv_scene scene;   /* lines and zones: copies in `copies` */
    fvi_arena *copies;
    fv_line_totals *lines; /* [n_lines] at the end */
    fv_zone_totals *zones; /* [n_zones] */
    int n_lines, n_zones;
    /* the run */
    fv_pipeline *pipeline;
    fvi_queue *results;  /* of fvi_flow_item */
    fvi_flow_item *item; /* the one that the puller has */
    pthread_t thread;
    bool started, joined;
    fv_status status; /* of the run; read after the join */
    fv_error error;
    double wait_s, last_pts;
    int64_t last_frame;
};
/* stream_parts.c: makes the stages that the options ask for. On failure what was made is left for parts_free. */
fv_status fvi_flow_stream_parts(fv_stream *s, const fv_stream_options *o, fv_error *err);
void fvi_flow_stream_parts_free(fv_stream *s);
#endif
