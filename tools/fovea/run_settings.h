/* run_settings.h: what the user wants of predict, track and count: flags first, then --config, then defaults. */
#ifndef FOVEA_TOOL_RUN_SETTINGS_H
#define FOVEA_TOOL_RUN_SETTINGS_H
#include "cli.h"
#include "config_yaml.h"
#include "text.h"
#include <fovea/count.h>
#include <fovea/pipeline.h>

typedef enum run_mode { RUN_PREDICT, RUN_TRACK, RUN_COUNT } run_mode;

extern const cli_flag run_flags_detect[], run_flags_track[], run_flags_count[], run_flags_files[], run_flags_video[], run_flags_live[];

/* How a model is read, for every verb that has a detector. */
#define RUN_RULE_FLAGS                                                                                                 \
    {"imgsz", "N|HxW", "input size of the network (the model's own)"},                                                 \
    {"task", "detect|segment|pose|obb|classify|semantic|depth|embed", "what the model must be for (its own)", CLI_CHOICE}, \
    {"preset", "RULE", "how to read a model that does not say what it is (found by itself; a wrong name lists them)"}, \
    {"mean", "R,G,B", "subtracted from pixels; of 0..1, or of 0..255 when a value is over 1 (the model's own)"},       \
    {"std", "R,G,B", "pixels are divided by it, after --mean (the model's own)"},                                      \
    {"bgr", NULL, "the network takes blue first; --bgr=false: red first (the model's own)", CLI_SWITCH},               \
    {"pad", "center|topleft", "where a letterboxed picture lies (the model's own)", CLI_CHOICE},                       \
    {"names", "F.txt", "class names, one a line, instead of the model's"}

typedef struct settings {
    const cli_args *args;
    run_mode mode;
    config config; /* of --config; its shapes move into lines and zones */
    const char *model, *names, *classes, *tracker, *task, *preset;
    const float *mean, *std; /* null, or the next two */
    float mean_of[3], std_of[3];
    fv_channels channels;
    fv_pad pad;
    bool multi_label; /* every class of a place: for scoring */
    int streams;      /* frames computed at the same time */
    bool full_head;   /* every box is computed */
    fv_tile_options tiles;
    const char *precision;  /* null: auto, or what --half says */
    const char *tile_model, *tile_precision; /* null: that of the whole frame */
    double conf, iou; /* conf: of the detector */
    double track_high, track_low, new_track, match, track_buffer, interval;
    int imgsz_h, imgsz_w, max_det, batch, vid_stride; /* batch 0: not said */
    double duration;          /* seconds after which a source ends; 0 = at its own end */
    fv_source_options source; /* time-outs, transport, camera */
    fv_policy policy;
    fv_anchor anchor;
    config_shape *lines, *zones;
    int n_lines, n_zones;
} settings;

/* 0, or the exit code after the error was printed. */
int settings_load(settings *s, const cli_args *a, run_mode mode);
/* Only RUN_RULE_FLAGS, for verbs without the rest; s->args is set. 0, or the exit code. */
int settings_rule(settings *s);
/* Flag of detection or tiles, else key of the file, else null. */
const char *settings_value(const settings *s, const char *name);
/* Where a value was given, for messages: "hall.yaml:4: imgsz" or "--imgsz"; "hall.yaml:7: line 'door'" or "--line door". */
void settings_where(const settings *s, const char *name, text *t);
void settings_where_shape(const settings *s, const char *what, const config_shape *shape, text *t);
void settings_free(settings *s);
#endif
