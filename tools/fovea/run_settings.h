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

typedef struct settings {
    const cli_args *args;
    run_mode mode;
    config config; /* of --config; its shapes move into lines and zones */
    const char *model, *names, *classes, *tracker, *task, *preset;
    const float *mean, *std; /* null, or the next two */
    float mean_of[3], std_of[3];
    fv_channels channels;
    fv_pad pad;
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
/* Where a value was given, for messages: "hall.yaml:4: imgsz" or "--imgsz"; "hall.yaml:7: line 'door'" or "--line door". */
void settings_where(const settings *s, const char *name, text *t);
void settings_where_shape(const settings *s, const char *what, const config_shape *shape, text *t);
void settings_free(settings *s);
#endif
