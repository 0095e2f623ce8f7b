/* counter.h: the parts of a counter: shapes in pixels, what is remembered of every track, events of the frame.
 * The state machine is in docs/COUNTING.md; line.c and zone.c are its two halves. */
#ifndef FVI_VISION_COUNT_COUNTER_H
#define FVI_VISION_COUNT_COUNTER_H
#include "base/hist.h"
#include <fovea/count.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct fvi_point {
    double x, y;
} fvi_point;

typedef struct fvi_shape {
    fvi_point *given; /* [n] as configured */
    fvi_point *at;    /* [n] in pixels of the present frame size */
    int n;            /* 2: a line */
    bool fractions;
    int *classes; /* [n_classes]; null = all */
    int n_classes;
    fv_anchor anchor;
} fvi_shape;

/* Of one track and one line. Sides: -1, +1; 0 = not known yet. */
typedef struct fvi_line_state {
    signed char side; /* the side it was last clearly on */
    signed char net;  /* crossings of the segment since then, towards + minus towards - */
    bool near;        /* has been in the dead zone, near the segment, since then */
    float cross[2];   /* where it crossed last */
} fvi_line_state;

/* Of one track and one zone. */
typedef struct fvi_zone_state {
    bool inside;    /* accepted */
    bool turned;    /* its point is on the other side than `inside` says, since: */
    bool counted;   /* its entering was an event, so its leaving is one */
    int class_id;   /* with which it entered */
    double since;   /* pts */
    double entered; /* pts of the first point inside */
} fvi_zone_state;

#define FVI_CLASS_VOTES 4
typedef struct fvi_track_memory {
    int id;
    int seen; /* frames */
    double last_pts;
    int64_t last_frame; /* serial of the update that saw it last */
    int64_t here;       /* serial of the update that has it, set before anything is decided */
    double vx, vy;      /* of its lower middle, pixels a second, smoothed */
    int gone_on_as;     /* the track that took over: its sides and stays are that one's now; 0 = none */
    int was;            /* the track that it took over from; 0 = none */
    struct {
        int class_id, votes;
    } vote[FVI_CLASS_VOTES];
    fv_detection last; /* its box, as last seen */
    double dead_zone;  /* pixels around an edge in which no side is taken */
    fvi_line_state *lines; /* [n_lines] */
    fvi_zone_state *zones; /* [n_zones] */
} fvi_track_memory;

typedef struct fvi_zone_sums {
    int64_t entered, left;
    int occupancy, max;
    fvi_hist dwell;
} fvi_zone_sums;
typedef struct fvi_class_sums {
    int line, class_id;
    fv_line_totals totals;
} fvi_class_sums;

#define FVI_MAX_LOST 1024
struct fv_counter {
    fvi_shape *lines, *zones;
    int n_lines, n_zones;
    double hysteresis, forget_s, stitch_s;
    bool trace;
    int confirm;
    int width, height; /* of the frames the shapes are laid out for */
    /* tracks: slots with stable addresses; their numbers, the first n_order in use and sorted by id */
    fvi_track_memory **slots;
    size_t n_slots, cap_slots;
    int *order;
    size_t n_order, cap_order;
    /* results */
    fv_line_totals *line_sums; /* [n_lines] */
    fvi_zone_sums *zone_sums;  /* [n_zones] */
    fvi_class_sums *by_class;  /* sorted by line, class */
    size_t n_by_class, cap_by_class;
    fv_event *events;
    size_t n_events, cap_events;
    double pts;
    int64_t frame, serial;
    bool started;
    /* tracks that were lost a moment ago, for those that begin in this frame */
    fvi_track_memory *lost[FVI_MAX_LOST];
    int n_lost;
    int64_t lost_at; /* serial of the update that filled it */
};

/* ---- geometry.c ---- */
/* > 0 on the side that `in` leads to: (x2-x1)(py-y1) - (y2-y1)(px-x1). */
double fvi_side(fvi_point a, fvi_point b, fvi_point p);
double fvi_length(fvi_point a, fvi_point b);
double fvi_distance_to_segment(fvi_point a, fvi_point b, fvi_point p);
bool fvi_inside_polygon(const fvi_point *v, int n, fvi_point p); /* even-odd rule */
/* Edges that lie along the border of the frame do not count: nobody is seen beyond them. INFINITY when all do. */
double fvi_distance_to_outline(const fvi_point *v, int n, fvi_point p, double width, double height);
/* An anchor on the border of the frame (feet cut off) moves inside, so that zones drawn up to the border hold it. */
fvi_point fvi_pull_inside(fvi_point p, double width, double height);
bool fvi_on_border(fvi_point p, double width, double height); /* within half a pixel, or beyond */
fvi_point fvi_anchor_point(const float box[4], fv_anchor anchor);

/* ---- shape.c ---- */
fv_status fvi_shape_make(fvi_shape *s, const char *kind, const char *name, const double *xy, int n, const int *classes,
                         int n_classes, fv_anchor anchor, fv_error *err);
void fvi_shape_free(fvi_shape *s);
void fvi_shape_layout(fvi_shape *s, int width, int height);
bool fvi_shape_wants(const fvi_shape *s, int class_id);

/* ---- memory.c ---- */
fvi_track_memory *fvi_track_find(const fv_counter *c, int id); /* null = not known */
/* Known or new. Null: out of memory. */
fvi_track_memory *fvi_track_get(fv_counter *c, int id);
/* Takes the tracks out for which `gone` is true; their slots are used again. */
void fvi_tracks_drop(fv_counter *c, bool (*gone)(const fv_counter *c, const fvi_track_memory *t));
void fvi_track_vote(fvi_track_memory *t, int class_id);
int fvi_track_class(const fvi_track_memory *t); /* the class it was seen as most often */
void fvi_tracks_free(fv_counter *c);

/* ---- line.c, zone.c: one track sees one frame ---- */
fv_status fvi_line_step(fv_counter *c, int line, fvi_track_memory *t, const fv_detection *before, const fv_detection *now);
fv_status fvi_zone_step(fv_counter *c, int zone, fvi_track_memory *t, const fv_detection *now);
/* The track is given up: it leaves the zones it is in, at the time it was last seen. */
fv_status fvi_zone_leave_all(fv_counter *c, fvi_track_memory *t);

/* ---- stitch.c: identities that break ---- */
/* t begins with this detection: takes over from a track that was lost here. True: t->last is where that one was. */
bool fvi_stitch(fv_counter *c, fvi_track_memory *t, const fv_detection *now);
/* t was taken over from, and is seen again: keeps what it did if the other one has not proved itself; else starts anew. */
void fvi_stitch_return(fv_counter *c, fvi_track_memory *t);
void fvi_track_speed(fvi_track_memory *t, const fv_detection *before, const fv_detection *now, double seconds);

/* ---- count.c ---- */
/* With trace: says why. */
fv_status fvi_count_note(fv_counter *c, int line, const fvi_track_memory *t, const char *why, int other_id);
fv_status fvi_count_event(fv_counter *c, const fv_event *e);
#endif
