/* run_settings.c: flags and --config -> settings. A key of the file is the flag of the same name and is checked by the same
 * table. Called by run.c. */
#include "run_settings.h"
#include "run_tiles.h"
#include "text.h"
#include <fovea/report.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const cli_flag run_flags_detect[] = {
    {"model", "M.onnx|person|mark", "model file, built-in model, or a name looked up in $FOVEA_MODELS or ./models (person)"},
    {"conf", "X", "least confidence (predict 0.25; track, count 0.1)", CLI_REAL, 0.0001, 1},
    {"iou", "X", "boxes of a class that overlap more are one thing (0.7)", CLI_REAL, 0.0001, 1},
    {"max-det", "N", "most things in a frame (300)", CLI_INT, 1, 30000},
    {"classes", "0,2|person,car", "only these classes, by number or name (all)"},
    RUN_RULE_FLAGS,
    {"batch", "N", "frames that are computed at once (1; several live sources: as many as there are, up to 8)", CLI_INT, 1, 64},
    {"vid-stride", "N", "process every N-th frame (1)", CLI_INT, 1, 100000},
    {"streams", "N", "frames that are computed at the same time, each by its share of the threads: more a second, each later (1)", CLI_INT, 1, 64},
    {"full-head", NULL, "compute every box, not only where a class passes: slower, the same results", CLI_SWITCH},
    {"policy", "auto|every|newest", "every frame, or always the newest (auto: every for files, newest for live sources)", CLI_CHOICE},
    {"watch-weights", "FILE", "when FILE changes, go on with its weights: an export of the same model, or an engine of it"},
    {"config", "F.yaml", "settings, lines and zones from a file; flags win"},
    {0}};
#define TRACK_FLAGS                                                                                                    \
    {"tracker", "bytetrack|ocsort", "how things are followed (bytetrack)", CLI_CHOICE},                                \
    {"track-buffer", "SECONDS", "how long a lost thing is remembered (1)", CLI_REAL, 0.01, 3600},                      \
    {"track-high-thresh", "X", "detections from here are matched first (0.25)", CLI_REAL, 0.0001, 1},                  \
    {"track-low-thresh", "X", "weaker ones from here are matched second (bytetrack: --conf; ocsort: none)", CLI_REAL, 0.0001, 1}, \
    {"new-track-thresh", "X", "confidence that begins a track (0.25)", CLI_REAL, 0.0001, 1},                           \
    {"match-thresh", "X", "most that a match may cost, 1 - overlap (bytetrack 0.8, ocsort 0.7)", CLI_REAL, 0.0001, 1}
/* Boxes from a file instead of a source. */
#define REPLAY_FLAGS                                                                                                   \
    {"replay", "F", "boxes of an earlier run (--json, --mot) instead of SRC and model"},                               \
    {"fps", "N", "frames a second of a --replay that does not say (MOT without seqinfo.ini)"},                         \
    {"size", "WxH", "frame size of such a --replay"},                                                                 \
    {"heatmap", "F.png|F.npy", "seconds that things stood in each cell of a grid over the frame"}
const cli_flag run_flags_track[] = {TRACK_FLAGS, REPLAY_FLAGS, {0}};
const cli_flag run_flags_count[] = {
    TRACK_FLAGS,
    REPLAY_FLAGS,
    {"line", "NAME=x1,y1,x2,y2", "count crossings of this line; all values <= 1: fractions of the frame"},
    {"zone", "NAME=x1,y1,x2,y2,x3,y3,...", "count who enters, is in and leaves this area"},
    {"anchor", "bottom|center|top|...", "point of a box that crosses lines (bottom)"},
    {"interval", "SECONDS", "also sum up every so many seconds, in --summary", CLI_REAL, 0.1, 1e7},
    {"events", "F.jsonl", "one line of JSON for each crossing, entry and exit"},
    {"trace", NULL, "--events also says why something at a line was not counted", CLI_SWITCH},
    {0}};
const cli_flag run_flags_files[] = {
    {"output", "PATH", "annotated video or pictures: a file for one input, else a directory; - = Matroska on stdout", .alias = "o"},
    {"show", NULL, "a window with what is found; q or Esc ends the run, space pauses, pictures wait for a key", CLI_SWITCH},
    {"json", "F.jsonl", "one line of JSON a frame; - = stdout"},
    {"csv", "F.csv", "one line a box"},
    {"mot", "F.txt", "MOT challenge lines"},
    {"coco", "F.json", "COCO results: image_id, category_id, bbox, score, segmentation or keypoints"},
    {"coco-gt", "GT.json", "ground truth that numbers pictures and categories of --coco (by file and class name)"},
    {"save-txt", "DIR", "YOLO label files"},
    {"save-conf", NULL, "confidence (and identity) at the end of each line of --save-txt", CLI_SWITCH},
    {"save-crop", "DIR", "each box as a picture"},
    {"save-map", "DIR", "depth, semantic map or embedding of each frame as .npy, float32 [channels,height,width]"},
    {"map-format", "npy|png16|color", "depth at the frame's size: 16 bit PNG in thousandths (metres: mm), colours", CLI_CHOICE},
    {"map-range", "LEAST,MOST", "png16, color: what is 0 and full scale (color: the frame's own, in films followed slowly)"},
    {"summary", "F.json", "what was found and counted"},
    {"metric-budget", "NAME=MS", "what --run and --report call within and over, such as end_to_end_ms=100 (for 4K at 30 frames a second)"},
    {0}};
const cli_flag run_flags_video[] = {
    {"line-width", "N", "thickness of boxes in pixels (from the frame size)", CLI_INT, 1, 64},
    {"font", "F.ttf", "font of labels (built in)"},
    {"c:v", "CODEC", "video encoder (libx264)"},
    {"crf", "N", "quality, smaller is better (23)", CLI_INT, 1, 63},
    {"preset:v", "NAME", "speed of the encoder (veryfast)"},
    {"pix_fmt", "NAME", "pixel format of the video (yuv420p)"},
    {0}};

const cli_flag run_flags_live[] = {
    {"duration", "SECONDS", "end every source after so long (live: from the start of the run)", CLI_REAL, 0.01, 1e9},
    {"rtsp-transport", "tcp|udp", "how RTSP cameras send (tcp)", CLI_CHOICE},
    {"timeout", "SECONDS", "live: longest wait for an answer or a new picture before reconnecting (10)", CLI_REAL, 0.1, 3600},
    {"reconnect", "SECONDS|off|forever", "live: how long to go on trying without a picture (60)"},
    {"camera-size", "WxH", "picture size asked of a camera (/dev/video0, 0)"},
    {"camera-fps", "N", "frame rate asked of a camera", CLI_REAL, 0.1, 1000},
    {"camera-format", "NAME", "pixel format asked of a camera: yuyv422, mjpeg, h264, ..."},
    {0}};

/* Keys of the file: flags that say what to do, not where results go. */
static const char *const config_keys[] = {
    "model", "conf", "iou", "imgsz", "max-det", "classes", "names", "batch", "task", "preset", "mean", "std", "bgr", "pad",
    "vid-stride", "policy", "tracker", "track-buffer",
    "track-high-thresh", "track-low-thresh", "new-track-thresh", "match-thresh", "anchor", "interval", "duration", "rtsp-transport", "timeout", "reconnect", "camera-size", "camera-fps",
    "camera-format", "tiles", "slice-width", "slice-height", "overlap-width-ratio", "overlap-height-ratio", "no-standard-prediction", "postprocess-type",
    "postprocess-match-metric", "postprocess-match-threshold", "postprocess-class-agnostic", "tile-model", "tile-precision", "precision", "tile-groups", "budget", "tile-refresh", "exact", NULL};

static const cli_flag *flag_named(const char *name)
{
    const cli_flag *const tables[] = {run_flags_detect, run_flags_tiles, run_flags_count, run_flags_live, run_flags_files, cli_flags_compute};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const cli_flag *f = tables[t]; f->name; f++)
            if (!strcmp(f->name, name)) return f;
    return NULL;
}

/* The check that the command line would have made. */
static int check_entry(const settings *s, const char *path, const config_entry *e)
{
    const cli_flag *f = flag_named(e->key);
    char *end;
    double v;
    if (!f) return cli_error(s->args, EXIT_USAGE, "%s:%d: %s has no meaning here", path, e->at, e->key);
    if (f->kind == CLI_CHOICE && !cli_is_choice(f->value, e->value))
        return cli_error(s->args, EXIT_USAGE, "%s:%d: %s: '%s' is none of %s", path, e->at, e->key, e->value, f->value);
    if (f->kind != CLI_INT && f->kind != CLI_REAL) return 0;
    v = strtod(e->value, &end);
    if (end == e->value || *end || !isfinite(v) || (f->kind == CLI_INT && v != floor(v)))
        return cli_error(s->args, EXIT_USAGE, "%s:%d: %s: '%s' is not a %snumber", path, e->at, e->key, e->value, f->kind == CLI_INT ? "whole " : "");
    if (f->max > f->min && (v < f->min || v > f->max))
        return cli_error(s->args, EXIT_USAGE, "%s:%d: %s: %s is outside %g..%g", path, e->at, e->key, e->value, f->min, f->max);
    return 0;
}

static const char *from_config(const settings *s, const char *name)
{
    const config_entry *e = config_find(&s->config, name);
    return e ? e->value : NULL;
}

/* Flag, else file, else null. Flags that the verb does not have are only looked for in the file. */
static const char *value_of(const settings *s, const char *name, bool has_flag)
{
    const char *v = has_flag ? cli_text(s->args, name) : NULL;
    return v ? v : from_config(s, name);
}

const char *settings_value(const settings *s, const char *name) { return value_of(s, name, true); }

static double real_of(const settings *s, const char *name, bool has_flag, double otherwise)
{
    const char *v = value_of(s, name, has_flag);
    return v ? strtod(v, NULL) : otherwise;
}

void settings_where(const settings *s, const char *name, text *t)
{
    bool has_flag = s->mode == RUN_COUNT || strcmp(name, "anchor");
    const config_entry *e = has_flag && cli_given(s->args, name) ? NULL : config_find(&s->config, name);
    if (e)
        text_printf(t, "%s:%d: %s", cli_text(s->args, "config"), e->at, name);
    else
        text_printf(t, "--%s", name);
}

void settings_where_shape(const settings *s, const char *what, const config_shape *shape, text *t)
{
    if (shape->at)
        text_printf(t, "%s:%d: %s '%s'", cli_text(s->args, "config"), shape->at, what, shape->name);
    else
        text_printf(t, "--%s %s", what, shape->name);
}

static int bad_value(const settings *s, const char *name, const char *v, const char *why)
{
    text t = {0};
    settings_where(s, name, &t);
    int code = cli_usage(s->args, "%s %s: %s", t.s, v, why);
    text_free(&t);
    return code;
}

static int bad_shape(const settings *s, const char *what, const config_shape *shape, const char *why, const char *about)
{
    text t = {0};
    settings_where_shape(s, what, shape, &t);
    int code = cli_usage(s->args, "%s %s%s", t.s, why, about);
    text_free(&t);
    return code;
}

static int parse_imgsz(settings *s, const char *v)
{
    char extra;
    int h = 0, w = 0, n;
    if (!v) return 0;
    n = sscanf(v, "%5dx%5d%c", &h, &w, &extra);
    if (n == 1 && sscanf(v, "%5d%c", &h, &extra) == 1) w = h;
    if ((n != 1 && n != 2) || h < 16 || w < 16 || h > 8192 || w > 8192)
        return bad_value(s, "imgsz", v, "it is written N or HxW, from 16 to 8192");
    s->imgsz_h = h;
    s->imgsz_w = w;
    return 0;
}

/* "0.485,0.456,0.406" -> out, *set = out; null: nothing. */
static int parse_three(const settings *s, const char *name, float out[3], const float **set)
{
    const char *v = value_of(s, name, true);
    char extra;
    *set = NULL;
    if (!v) return 0;
    if (sscanf(v, "%f,%f,%f%c", &out[0], &out[1], &out[2], &extra) != 3) return bad_value(s, name, v, "it is three numbers, one a channel: a,b,c");
    *set = out;
    return 0;
}

int settings_rule(settings *s)
{
    int code = parse_imgsz(s, value_of(s, "imgsz", true));
    if (!code) code = parse_three(s, "mean", s->mean_of, &s->mean);
    if (!code) code = parse_three(s, "std", s->std_of, &s->std);
    const char *bgr = value_of(s, "bgr", true), *pad = value_of(s, "pad", true);
    if (cli_given(s->args, "bgr")) bgr = cli_on(s->args, "bgr") ? "true" : "false";
    if (bgr && strcmp(bgr, "true") != 0 && strcmp(bgr, "false") != 0) return bad_value(s, "bgr", bgr, "it is true or false");
    s->channels = !bgr ? FV_CHANNELS_AUTO : bgr[0] == 't' ? FV_CHANNELS_BGR : FV_CHANNELS_RGB;
    s->pad = !pad ? FV_PAD_AUTO : pad[0] == 't' ? FV_PAD_TOPLEFT : FV_PAD_CENTER;
    s->task = value_of(s, "task", true);
    s->preset = value_of(s, "preset", true);
    return code;
}


static int parse_live(settings *s)
{
    fv_source_options *o = &s->source;
    const char *transport = value_of(s, "rtsp-transport", true), *again = value_of(s, "reconnect", true), *size = value_of(s, "camera-size", true);
    char extra, *end = NULL;
    o->size = sizeof *o;
    o->transport = transport && transport[0] == 'u' ? FV_TRANSPORT_UDP : FV_TRANSPORT_TCP;
    o->timeout_s = real_of(s, "timeout", true, 0);
    o->fps = real_of(s, "camera-fps", true, 0);
    o->camera_format = value_of(s, "camera-format", true);
    s->duration = real_of(s, "duration", true, 0);
    if (again && !strcmp(again, "off"))
        o->reconnect_s = -1;
    else if (again && !strcmp(again, "forever"))
        o->reconnect_s = INFINITY;
    else if (again && (!((o->reconnect_s = strtod(again, &end)) > 0) || *end || o->reconnect_s > 1e9))
        return bad_value(s, "reconnect", again, "it is written as seconds, off or forever");
    if (size && (sscanf(size, "%5dx%5d%c", &o->width, &o->height, &extra) != 2 || o->width < 1 || o->height < 1 || o->width > 32768 || o->height > 32768))
        return bad_value(s, "camera-size", size, "it is written WxH");
    return 0;
}

static int add_shapes(settings *s, const char *flag, config_shape **list, int *count, config_shape *from_file, int n_file)
{
    fv_error err = {0};
    int n_flags = s->mode == RUN_COUNT ? cli_count(s->args, flag) : 0;
    if (n_flags + n_file > CONFIG_MAX_SHAPES)
        return cli_usage(s->args, "%d %ss are too many; %d are possible", n_flags + n_file, flag, CONFIG_MAX_SHAPES);
    *list = tool_alloc((size_t)(n_flags + n_file + 1) * sizeof **list);
    for (int i = 0; i < n_file; i++) {
        (*list)[(*count)++] = from_file[i];
        memset(&from_file[i], 0, sizeof from_file[i]); /* moved */
    }
    for (int i = 0; i < n_flags; i++) {
        if (config_shape_parse(&(*list)[*count], flag, cli_nth(s->args, flag, i), &err) < 0) return cli_usage(s->args, "%s", err.text);
        ++*count;
    }
    for (int i = 0; i < *count; i++)
        for (int k = 0; k < i; k++)
            if (!strcmp((*list)[i].name, (*list)[k].name)) return bad_shape(s, flag, &(*list)[i], "is there twice: names must differ", "");
    for (int i = 0; i < *count; i++) {
        fv_anchor ignored;
        const char *anchor = (*list)[i].anchor;
        if (anchor && fv_anchor_parse(anchor, &ignored) < 0) return bad_shape(s, flag, &(*list)[i], "has an anchor that does not exist: ", anchor);
        const char *wrong = config_shape_wrong(&(*list)[i]);
        if (wrong) return bad_shape(s, flag, &(*list)[i], wrong, "");
    }
    return 0;
}

static int load_config(settings *s)
{
    fv_error err = {0};
    const char *path = cli_text(s->args, "config");
    if (!path) return 0;
    fv_status st = config_load(&s->config, path, config_keys, &err);
    if (st < 0) return cli_fail(s->args, st, &err);
    for (int i = 0; i < s->config.n_entries; i++) {
        int code = check_entry(s, path, &s->config.entries[i]);
        if (code) return code;
    }
    if (s->mode != RUN_COUNT && s->config.n_lines + s->config.n_zones)
        cli_note(s->args, "the lines and zones of %s are only counted by `fovea count`", path);
    return 0;
}

/* Trackers live on weak detections; new tracks still need a confident one. 0 = the tracker's own. */
static void read_thresholds(settings *s)
{
    double low = real_of(s, "track-low-thresh", true, 0);
    if (!(s->conf > 0)) s->conf = low > 0 && low < 0.1 ? low : 0.1;
    double sure = s->conf > 0.25 ? s->conf : 0.25;
    bool weak_ones = !s->tracker || !strcmp(s->tracker, "bytetrack");
    s->track_low = low > 0 ? low : weak_ones ? s->conf : 0;
    s->track_high = real_of(s, "track-high-thresh", true, sure);
    s->new_track = real_of(s, "new-track-thresh", true, sure);
    s->match = real_of(s, "match-thresh", true, 0);
}

static int check_budgets(const settings *s)
{
    for (int i = 0; i < cli_count(s->args, "metric-budget"); i++) {
        const char *v = cli_nth(s->args, "metric-budget", i), *eq = strchr(v, '=');
        char name[96], *end = NULL;
        snprintf(name, sizeof name, "%.*s", (int)(eq ? eq - v : 0), v);
        if (!eq || !(strtod(eq + 1, &end) >= 0) || end == eq + 1 || *end) return cli_usage(s->args, "--metric-budget %s: it is written NAME=MS", v);
        if (!fv_report_has_metric(name)) return cli_usage(s->args, "--metric-budget %s: there is no such metric; docs/FORMATS.md lists them", v);
    }
    return 0;
}

static int read_all(settings *s)
{
    bool tracks = s->mode != RUN_PREDICT, counts = s->mode == RUN_COUNT;
    int code = load_config(s);
    if (code) return code;
    s->model = value_of(s, "model", true);
    s->precision = cli_on(s->args, "half") ? NULL : value_of(s, "precision", true);
    s->names = value_of(s, "names", true);
    s->classes = value_of(s, "classes", true);
    s->tracker = value_of(s, "tracker", tracks);
    s->conf = real_of(s, "conf", true, 0);
    if (tracks) read_thresholds(s);
    if (!(s->conf > 0)) s->conf = tracks ? 0.1 : 0.25;
    s->iou = real_of(s, "iou", true, 0.7);
    s->track_buffer = real_of(s, "track-buffer", tracks, 0);
    s->interval = real_of(s, "interval", counts, 0);
    s->max_det = (int)real_of(s, "max-det", true, 300);
    s->batch = (int)real_of(s, "batch", true, 0);
    s->streams = (int)cli_int(s->args, "streams", 1);
    s->full_head = cli_on(s->args, "full-head");
    s->vid_stride = (int)real_of(s, "vid-stride", true, 1);
    const char *policy = value_of(s, "policy", true), *anchor = value_of(s, "anchor", counts);
    s->policy = !policy || policy[0] == 'a' ? FV_POLICY_AUTO : policy[0] == 'e' ? FV_POLICY_EVERY : FV_POLICY_NEWEST;
    if (anchor && fv_anchor_parse(anchor, &s->anchor) < 0) return bad_value(s, "anchor", anchor, "there is no such anchor");
    code = settings_rule(s);
    if (!code) code = parse_live(s);
    if (!code) code = settings_tiles(s);
    if (!code) code = check_budgets(s);
    if (!counts) return code;
    if (!code) code = add_shapes(s, "line", &s->lines, &s->n_lines, s->config.lines, s->config.n_lines);
    if (!code) code = add_shapes(s, "zone", &s->zones, &s->n_zones, s->config.zones, s->config.n_zones);
    if (!code && !s->n_lines && !s->n_zones)
        code = cli_usage(s->args, "nothing to count: give --line NAME=x1,y1,x2,y2, --zone NAME=… or a --config with lines or zones");
    return code;
}

int settings_load(settings *s, const cli_args *a, run_mode mode)
{
    memset(s, 0, sizeof *s);
    s->args = a;
    s->mode = mode;
    int code = read_all(s);
    if (code) settings_free(s);
    return code;
}

void settings_free(settings *s)
{
    for (int i = 0; i < s->n_lines; i++) config_shape_free(&s->lines[i]);
    for (int i = 0; i < s->n_zones; i++) config_shape_free(&s->zones[i]);
    free(s->lines);
    free(s->zones);
    config_free(&s->config);
    memset(s, 0, sizeof *s);
}
