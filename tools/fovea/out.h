/* out.h: where results go: JSON lines, CSV, MOT, label files, crops, events, annotated video and pictures. */
#ifndef FOVEA_TOOL_OUT_H
#define FOVEA_TOOL_OUT_H
#include "out_heat.h"
#include "out_names.h"
#include "out_tally.h"
#include "run_settings.h"
#include "run_sources.h"
#include "text.h"
#include <fovea/mask.h>
#include <stdio.h>

typedef enum out_kind { OUT_NONE, OUT_FILE, OUT_DIR, OUT_PIPE } out_kind;

/* What seqinfo.ini says beside --mot. */
typedef struct out_sequence {
    double fps;
    int stride;     /* every how many frames one was processed */
    int64_t length; /* frames up to the last one that was processed */
    int width, height;
    int one_class;  /* + 1, when all boxes are of one; -1: of several; 0: no box yet */
} out_sequence;

/* out_map.c: --save-map. Zero-initialise, then parse: 0, or the exit code. */
typedef enum out_map_format { MAP_NPY, MAP_PNG16, MAP_COLOR } out_map_format;
typedef struct out_map {
    out_map_format format;
    bool depth;        /* the map is one: only depth becomes a picture */
    bool fixed, begun; /* --map-range; lo and hi were set by a frame */
    double lo, hi;
} out_map;
int out_map_parse(out_map *o, const cli_args *a);
/* The range of colours takes a frame in; film: slowly. */
void out_map_follow(out_map *o, const fv_map *m, bool film);
const char *out_map_ending(const out_map *o, const fv_map *m); /* ".npy", ".png" */
fv_status out_map_write(const out_map *o, const fv_map *m, int width, int height, const char *path, const fv_media_api *media, fv_error *err);

typedef struct outputs {
    const cli_args *a;
    const settings *s;
    const run_sources *sources;
    const char *model_path;
    file_set *inputs; /* = sources */
    const fv_detector *detector; /* names; set before the first frame */
    tally *tally;
    out_kind kind; /* of -o */
    const char *path;
    char **stems;   /* [n_files] unique names without extension */
    char **targets; /* [n_files] annotated file, or null */
    const char *txt_dir, *crop_dir, *map_dir;
    out_map map;
    FILE *json, *csv, *mot, *events, *coco_file;
    struct out_coco *coco; /* null: not asked for */
    FILE *talk;     /* what people read; stderr when stdout carries data */
    bool many;      /* more than one source: events name theirs */
    bool say_pictures; /* one line a picture on `talk` */
    bool pictures; /* what is being processed is a row of pictures */
    fv_sink picture_sink;
    text line, map_file; /* scratch */
    fv_rle rle;
    out_sequence sequence;
    heat_map heat;
    fv_error error; /* first write that failed */
} outputs;

/* Settles names and refuses, before any work, what cannot be written. 0, or the exit code. model_path may be null; it is
 * not overwritten. */
int outputs_plan(outputs *o, const cli_args *a, const settings *s, const run_sources *sources, const char *model_path);
/* Opens JSON, CSV, MOT and event files. */
int outputs_open(outputs *o);
/* The sink for a source, or *sink null when nothing is to be drawn. FV_ERR_OUTPUT and others as sink_open gives them. */
fv_status outputs_sink(outputs *o, fv_source *source, int file, fv_sink **sink, fv_error *err);
/* One processed frame into all text outputs and the tally. Non-zero: `error` says what cannot be written. One call at a time. */
int outputs_result(outputs *o, const fv_result *r);
/* Events that come when a stream ends. */
int outputs_last_events(outputs *o, int file, const fv_event *events, int n);
/* Flushes and closes; a write that failed late is reported. */
int outputs_close(outputs *o);
void outputs_free(outputs *o);

/* out_text.c: one frame or event as text, appended to `t`. */
typedef struct out_frame {
    const fv_result *r;
    const fv_detector *names;
    const char *source;
    int64_t frame;
    double pts;
    const char *map_file; /* where the map went; null: nowhere */
    fv_rle *rle;          /* scratch */
    bool with_conf;       /* labels with confidence and identity */
} out_frame;
void out_json_frame(text *t, const out_frame *f);
void out_csv_head(text *t);
void out_csv_frame(text *t, const out_frame *f);
void out_yolo_frame(text *t, const out_frame *f);
void out_event(text *t, const fv_event *e, const settings *s, const fv_detector *names, const char *source /* or null */);
/* "bus.jpg: 4 person, 1 bus" and a newline, for people. */
void out_picture_line(text *t, const out_frame *f);

/* out_tasks.c: masks, keypoints, rotated boxes, classes and maps. */
void out_json_extra(text *t, const out_frame *f, const fv_detection *d); /* ,"mask":… of one detection */
void out_json_classes(text *t, const out_frame *f);
void out_json_map(text *t, const out_frame *f); /* nothing when the model gives no map */
bool out_yolo_extra(text *t, const out_frame *f, const fv_detection *d); /* its line; false: it is only a box */
void out_yolo_end(text *t, const out_frame *f, const fv_detection *d); /* " confidence id", as asked for, and a newline */
void out_mask(text *t, const char *key, const out_frame *f, const fv_mask *m); /* key, then the mask as COCO's RLE object */
bool out_task_line(text *t, const out_frame *f); /* the rest of out_picture_line; false: boxes */

/* out_mot.c: the lines of a frame; what has to be known of it at the end; and seqinfo.ini beside `path`. */
void out_mot_frame(text *t, const out_frame *f);
void out_mot_note(out_sequence *q, const fv_result *r);
fv_status out_mot_sequence(const outputs *o, const char *path, fv_error *err);

/* out_coco.c: COCO results. `truth`: the ground-truth file that numbers pictures and categories, or null. Free it also after a failure. */
typedef struct out_coco out_coco;
fv_status out_coco_open(out_coco **out, const char *truth, const fv_detector *d, fv_error *err);
void out_coco_frame(out_coco *c, text *t, const out_frame *f, bool picture);
void out_coco_end(const out_coco *c, text *t);
int64_t out_coco_unknown(const out_coco *c); /* pictures that the ground truth lacks */
void out_coco_free(out_coco **coco);

/* out_crops.c: every box of a frame as DIR/LABEL/STEM…jpg. */
fv_status out_crops(outputs *o, const out_frame *f, const char *stem, fv_error *err);
#endif
