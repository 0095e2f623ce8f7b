/* val.h: what the files of `fovea val` share: pictures with what is truly on them, a thread that reads ahead, and the
 * scores. */
#ifndef FOVEA_TOOL_VAL_H
#define FOVEA_TOOL_VAL_H
#include "cli.h"
#include "text.h"
#include <fovea/detect.h>
#include <fovea/score.h>
#include <stdio.h>

/* One true thing. Places are fractions of the picture when they come from YOLO labels, else pixels (val_picture.pixels). */
typedef struct val_truth {
    int class_id; /* of the model */
    bool crowd;
    double box[4];        /* x1, y1, x2, y2 */
    double area;          /* pixels; 0 = not said */
    double (*points)[3];  /* [n_keypoints of the data] x, y, visibility; null = none */
    double (*corners)[2]; /* outlines one after the other; null = none */
    int *parts;           /* [n_parts] corners of each outline */
    int n_parts;
    fv_rle rle; /* n 0 = none */
} val_truth;

typedef struct val_picture {
    char *path;
    int64_t id;        /* COCO's; -1 = none */
    int width, height; /* as the data says; 0 = it does not */
    bool pixels;
    val_truth *truths;
    int n, cap;
    int class_id; /* of classification */
} val_picture;

/* What went wrong, for the end: "labels/a.txt:3: …". */
typedef struct val_problems {
    char **lines;
    int n, cap;
} val_problems;

typedef struct val_data {
    val_picture *pictures;
    int n, cap;
    int64_t *category_of; /* [model classes] COCO's category, -1 = none; null: the data has none */
    bool *scored;         /* [model classes] the data knows the class; null: all */
    int n_unknown;        /* classes of the data that the model does not have */
    int n_without_labels, n_failed; /* pictures: without a label file (nothing is on them), left out because of their labels */
    int n_keypoints; /* of a thing, as the model has them */
    val_problems problems;
} val_data;

/* What the model is, for the readers of data. */
typedef struct val_target {
    const cli_args *a;
    const fv_detector *detector;
    fv_task task;
    int n_classes;
    int64_t limit; /* most pictures; 0 = all */
} val_target;

#define VAL_MAX_PICTURES 5000000
#define VAL_MAX_LABEL_BYTES ((size_t)16 << 20)

/* val_data.c: reads what --data names, whichever form. 0, or the exit code after the error was printed. */
int val_data_load(val_data *d, const val_target *t);
void val_data_free(val_data *d);
val_picture *val_data_add(val_data *d, const char *path); /* path is copied */
val_truth *val_data_truth(val_picture *p);
void val_problem(val_data *d, const char *fmt, ...) FV_PRINTF(2, 3);
/* Model class with this name (letter case, '_' and '-' aside), -1 = none. */
int val_class_named(const val_target *t, const char *name);
/* Classes of the data, by name, to classes of the model; map [n] is owned by the caller: free(). */
int val_map_classes(val_data *d, const val_target *t, char *const *names, int n, int **map);
/* val_list.c: pictures of a folder, with its subfolders, or of a list; labels from beside them. map null: numbers are the model's. */
int val_read_folder(val_data *d, const val_target *t, const char *dir, const int *map, int n_map);
int val_read_list(val_data *d, const val_target *t, const char *path, const int *map, int n_map);
/* val_labels.c: one YOLO label file. false: the picture is to be left out, the problem is noted. */
bool val_read_labels(val_data *d, const val_target *t, val_picture *p, const char *path, bool crowd, const int *map, int n_map);
/* val_yaml.c, val_coco.c, val_folders.c */
int val_read_yaml(val_data *d, const val_target *t, const char *path);
int val_read_coco(val_data *d, const val_target *t, const char *path, const char *images);
int val_read_folders(val_data *d, const val_target *t, const char *dir);

/* val_read.c: a thread that decodes ahead. */
typedef struct val_reader val_reader;
val_reader *val_reader_start(const fv_media_api *media, const val_data *d);
/* The next picture that could be read: its number, *f owned by the caller. false: no more. */
bool val_reader_next(val_reader *r, int *at, fv_frame *f);
/* Ends the thread; what could not be read goes into the problems of d. */
void val_reader_stop(val_reader **r, val_data *d);

/* val_score.c: the kinds of score that a task has. */
typedef struct val_scores {
    fv_score *box, *mask, *keypoints; /* null: not of this task */
    int64_t right1, right5, classified;
    int64_t truths;
    /* one picture's items, kept between pictures */
    fv_score_item *true_items, *found_items;
    fv_rle *true_masks, *found_masks;
    double (*true_points)[3], (*found_points)[3];
    int cap_true, cap_found, cap_true_points, cap_found_points;
} val_scores;
int val_scores_open(val_scores *s, const val_data *d, const val_target *t);
/* FV_OK, or why this picture could not be scored. */
fv_status val_scores_add(val_scores *s, const val_data *d, const val_target *t, const val_picture *p, const fv_frame *f, const fv_detections *found, fv_error *err);
void val_scores_close(val_scores *s);

/* val_save.c: COCO's results file, written as pictures come, beside its final name. */
typedef struct val_save {
    const char *path;
    char *beside; /* null: the path is stdout or a device */
    FILE *file;
    text out; /* not written yet */
    int n;
    int failed; /* errno */
} val_save;
void val_save_open(val_save *s, const char *path);
void val_save_add(val_save *s, const val_data *d, const val_picture *p, const fv_frame *f, const fv_detections *found, fv_task task);
/* Ends the file and gives it its name. */
fv_status val_save_finish(val_save *s, fv_error *err);
void val_save_free(val_save *s); /* without finish: nothing is left of it */

/* val_report.c */
typedef struct val_run {
    const cli_args *a;
    const val_target *target;
    const val_data *data;
    val_scores *scores;
    const char *model, *device, *precision;
    int64_t pictures;      /* scored */
    double prep_ms, infer_ms, heads_ms, wall_s; /* ms in all */
    int failed;
    const char *against;                   /* --against; null = none */
    const fv_score_difference *difference; /* to it; null = none */
} val_run;
int val_report(val_run *r); /* table on stdout, --json; exit code */
#endif
