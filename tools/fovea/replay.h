/* replay.h: detections or tracks of an earlier run, or of another program, from a file: our JSON lines or MOT challenge text. */
#ifndef FOVEA_TOOL_REPLAY_H
#define FOVEA_TOOL_REPLAY_H
#include "text.h"
#include <fovea/detect.h>
#include <stdbool.h>
#include <stdio.h>

typedef struct replay_frame {
    int source; /* index into sources */
    int64_t frame;
    double pts;
    double wall; /* 0 = not said */
    int width, height;
    size_t first; /* of its boxes */
    int count;
} replay_frame;

typedef struct replay {
    replay_frame *frames; /* [n_frames] in order, of one source after the other */
    size_t n_frames, cap_frames;
    fv_detection *boxes;
    size_t n_boxes, cap_boxes;
    char **sources;
    int n_sources;
    char **names; /* [n_names] of classes; null where the file says nothing */
    int n_names;
    bool ids; /* at least one box has an identity */
    bool mot;
    int stride; /* of MOT: every how many frames one was looked at */
    /* of MOT, from seqinfo.ini or given; 0 = not known. Set before replay_load to win over the file. */
    double fps;
    int width, height;
    int64_t length; /* frames of the sequence */
    char sequence[256]; /* its name in seqinfo.ini; "" = there is none */
} replay;

/* "-" is standard input. FV_ERR_INPUT names file and line. Free it also after a failure. */
fv_status replay_load(replay *r, const char *path, fv_error *err);
void replay_free(replay *r);

/* ---- replay_mot.c, for replay.c ---- */
/* Reads the rest of a MOT file whose first line is in `line`. */
fv_status replay_mot(replay *r, const char *path, FILE *f, text *line, fv_error *err);

/* ---- replay.c, for replay_mot.c ---- */
/* Next line without its end. FV_END: no more. */
fv_status replay_line(text *line, FILE *f, const char *path, int number, fv_error *err);
/* A cleared element at the end of a growing array; null: too many. */
replay_frame *replay_add_frame(replay *r);
fv_detection *replay_add_box(replay *r);
void replay_name(replay *r, int class_id, const char *name);
#endif
