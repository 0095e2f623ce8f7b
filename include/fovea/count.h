/* count.h: tracks over time -> line and zone events and totals. The state machine is written down in docs/COUNTING.md. */
#ifndef FOVEA_COUNT_H
#define FOVEA_COUNT_H
#include <fovea/detect.h>
#ifdef __cplusplus
extern "C" {
#endif
/* The point of a box that stands for the object. Zero is the default. */
typedef enum fv_anchor {
    FV_ANCHOR_BOTTOM, FV_ANCHOR_CENTER, FV_ANCHOR_TOP, FV_ANCHOR_LEFT, FV_ANCHOR_RIGHT,
    FV_ANCHOR_TOP_LEFT, FV_ANCHOR_TOP_RIGHT, FV_ANCHOR_BOTTOM_LEFT, FV_ANCHOR_BOTTOM_RIGHT
} fv_anchor;
/* From "bottom", "center", "top-left", …; an unknown name is FV_ERR_ARGUMENT and leaves *out alone. */
FV_API fv_status fv_anchor_parse(const char *name, fv_anchor *out);

/* A line from (x1, y1) to (x2, y2), and an area. If all values of one are <= 1 they are fractions of the frame, else pixels.
 * Borrowed for the call that takes them. */
typedef struct fv_line {
    const char *name; /* UTF-8, for messages and overlays; may be null */
    double x1, y1, x2, y2;
    const int *classes; /* null = all */
    int n_classes;
    fv_anchor anchor;
} fv_line;
typedef struct fv_zone {
    const char *name;
    const double *xy; /* [n_points][2], n_points 3 to 1024 */
    int n_points;
    const int *classes; /* null = all */
    int n_classes;
    fv_anchor anchor;
} fv_zone;

/* NOTE: only with fv_count_options.trace: why something was not counted; it changes no total. */
typedef enum fv_event_type { FV_EVENT_CROSS, FV_EVENT_ENTER, FV_EVENT_LEAVE, FV_EVENT_DWELL, FV_EVENT_NOTE } fv_event_type;
typedef struct fv_event {
    fv_event_type type;
    double pts;   /* seconds, of the update that decided it */
    int64_t frame;
    int index;    /* of the line (cross, note; -1 = of none) or zone */
    int inward;   /* cross: 1 = in (from s < 0 to s > 0), 0 = out */
    int track_id, class_id;
    float point[2]; /* pixels: where the line was crossed, else the anchor */
    double seconds; /* leave, dwell (they come together): time in the zone */
    const char *why; /* note: a sentence, static; else null */
    int other_id;    /* note "goes on as": the track that it was until now */
} fv_event;

typedef struct fv_count_options {
    uint32_t size;
    const fv_line *lines; /* copied; at most 256 */
    int n_lines;
    const fv_zone *zones; /* copied; at most 256 */
    int n_zones;
    double hysteresis; /* distance from the line, as a fraction of the box height, that a side must be taken with; 0 = 0.05; negative = none */
    int confirm;       /* frames a track must have been seen before it may count; 0 = 2 */
    double forget_s;   /* a track not seen for this long has left its zones; 0 = 2 s */
    double stitch_s;   /* a new track where one was lost goes on with what that one did, within this time; 0 = 1 s; negative = never */
    int trace;         /* non-zero: FV_EVENT_NOTE events as well */
} fv_count_options;
#define FV_COUNT_OPTIONS(...) (&(fv_count_options){.size = sizeof(fv_count_options), __VA_ARGS__})

/* Threads: one at a time. */
typedef struct fv_counter fv_counter;
/* FV_ERR_ARGUMENT names the line or zone that cannot be counted with; FV_ERR_LIMIT: too many of them. */
FV_API fv_status fv_counter_create(fv_counter **out, const fv_count_options *opt, fv_error *err);
FV_API void fv_counter_free(fv_counter **c);
/* Tracked detections of one frame -> events of this frame (borrowed until the next call). width, height: frame size, for
 * lines in fractions. pts in seconds; one that is no number or goes backwards is FV_ERR_ARGUMENT. */
FV_API fv_status fv_counter_update(fv_counter *c, const fv_detections *dets, double pts, int64_t frame, int width, int height,
                                   const fv_event **events, int *n_events);
/* End of stream: everything still inside a zone leaves (events borrowed until the next call). */
FV_API fv_status fv_counter_finish(fv_counter *c, double pts, int64_t frame, const fv_event **events, int *n_events);

typedef struct fv_line_totals { int64_t in, out; } fv_line_totals;
typedef struct fv_zone_totals {
    int64_t entered, left;
    int occupancy, max;
    double dwell_mean_s, dwell_p95_s; /* of finished stays */
} fv_zone_totals;
/* Sums so far; zeros for a line or zone that does not exist. */
FV_API void fv_counter_line(const fv_counter *c, int line, fv_line_totals *out);
/* Totals of one class. */
FV_API void fv_counter_line_class(const fv_counter *c, int line, int class_id, fv_line_totals *out);
FV_API void fv_counter_zone(const fv_counter *c, int zone, fv_zone_totals *out);
/* 1 when the track is inside the zone now. */
FV_API int fv_counter_inside(const fv_counter *c, int zone, int track_id);
#ifdef __cplusplus
}
#endif
#endif
