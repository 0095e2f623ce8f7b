/* out_tally.h: sums over the frames and events of all sources: what --summary and the table at the end say. */
#ifndef FOVEA_TOOL_OUT_TALLY_H
#define FOVEA_TOOL_OUT_TALLY_H
#include "run_settings.h"
#include "text.h"

typedef struct tally_line {
    int64_t in, out;
} tally_line;
typedef struct tally_zone {
    int64_t entered, left;
    int now, max;
} tally_zone;

/* Crossings of one class in one interval. */
typedef struct tally_cell {
    int interval, line, class_id;
    tally_line n;
} tally_cell;

typedef struct tally {
    const settings *s;
    int n_lines, n_zones, n_classes;
    tally_line *lines;    /* [n_lines] */
    tally_line *by_class; /* [n_lines][n_classes] */
    tally_zone *zones;    /* [n_zones] */
    double **stays;       /* [n_zones] finished stays in seconds */
    int *n_stays, *cap_stays;
    int64_t *found; /* [n_classes] boxes */
    int64_t tracks;
    bool no_boxes; /* the model gives maps */
    bool top_only; /* a frame is one thing: its likeliest class */
    /* intervals: closed ones, then the open one */
    double interval, offset, last; /* offset: time of the sources before this one */
    int n_intervals, cap_intervals;
    tally_line *interval_lines; /* [cap_intervals][n_lines] */
    tally_zone *interval_zones; /* [cap_intervals][n_zones] */
    tally_cell *cells;          /* [n_cells] by interval */
    int n_cells, cap_cells;
} tally;

void tally_init(tally *t, const settings *s, int n_classes);
/* Everything of one frame. */
void tally_frame(tally *t, const fv_result *r, double pts);
/* The source is over: the next one's time goes on from here, and zones are empty again. */
void tally_end_source(tally *t);
/* The --summary object, without a newline at the end. */
void tally_json(const tally *t, text *out, const fv_metrics *m, const fv_detector *names);
/* What people read: detections by class, lines, zones. */
void tally_print(const tally *t, text *out, const fv_detector *names);
void tally_free(tally *t);
#endif
