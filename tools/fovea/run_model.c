/* run_model.c: --model, --names, --classes and the classes of lines and zones -> a ready detector. Called by run.c. */
#include "calib.h"
#include "models.h"
#include "run.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAMES 100000
#define NO_CLASS 65535 /* a class that no box of a replay has */

static int load_model(run_state *r)
{
    fv_error err = {0};
    fv_model_options opt;
    const char *name = r->s.model;
    if (!name || !name[0])
        return cli_error(r->a, EXIT_MODEL, "which model? give --model FILE.onnx, or the name of one in $FOVEA_MODELS or ./models");
    if (!r->model_path) return models_missing(r->a, name);
    fv_status st = cli_model_options(r->a, &opt, &err);
    if (r->s.precision) opt.precision = r->s.precision;
    if (r->precision) opt.precision = r->precision;
    if (st >= 0) st = cli_context(r->a, &r->ctx, &err);
    if (st < 0) return cli_fail(r->a, st, &err);
    if (!r->precision) return calib_load(r->a, &r->model, r->ctx, r->model_path, &opt, &r->s);
    st = models_load(&r->model, r->ctx, r->model_path, &opt, &err);
    return st < 0 ? cli_fail(r->a, st, &err) : 0;
}

/* --tile-model and --tile-precision, unless it is the model itself. */
static int load_tile_model(run_state *r)
{
    fv_error err = {0};
    fv_model_options opt;
    const char *name = r->s.tile_model, *precision = r->s.tile_precision;
    if ((!name && !precision) || r->s.tiles.tiling == FV_TILES_NONE) return 0;
    char *place = models_find(name ? name : r->s.model);
    if (!place) return models_missing(r->a, name);
    fv_status st = FV_OK;
    if (strcmp(place, r->model_path) != 0 || precision) {
        st = cli_model_options(r->a, &opt, &err);
        if (r->s.precision) opt.precision = r->s.precision;
        if (precision) opt.precision = precision;
        if (st >= 0) st = models_load(&r->tile_model, r->ctx, place, &opt, &err);
    }
    r->tile_path = place;
    r->s.tiles.model = r->tile_model;
    return st < 0 ? cli_fail(r->a, st, &err) : 0;
}

static int load_names(run_state *r)
{
    fv_error err = {0};
    char *bytes;
    size_t size;
    if (!r->s.names) return 0;
    fv_status st = cli_read_file(r->s.names, (size_t)16 << 20, &bytes, &size, &err);
    if (st < 0) return cli_fail(r->a, st, &err);
    int lines = 1;
    for (size_t i = 0; i < size; i++) lines += bytes[i] == '\n';
    r->names = tool_alloc((size_t)lines * sizeof *r->names);
    for (char *p = bytes; *p && r->n_names < MAX_NAMES;) {
        char *end = p + strcspn(p, "\r\n"), *next = end + strspn(end, "\r");
        if (*next == '\n') next++;
        *end = 0;
        r->names[r->n_names++] = tool_strdup(p);
        p = next;
    }
    free(bytes);
    return r->n_names ? 0 : cli_error(r->a, EXIT_INPUT, "%s: holds no names", r->s.names);
}

static int no_such_class(const run_state *r, const char *word, const char *where)
{
    int n = fv_detector_class_count(r->detector);
    if (n > 0 && !strcmp(fv_detector_class_name(r->detector, 0), "class0") && strtol(word, NULL, 10) == 0 && word[0] != '0')
        return cli_usage(r->a, "%s: '%s': this model does not name its classes; give numbers, or their names with --names F.txt", where, word);
    const char **all = tool_alloc((size_t)(n + 1) * sizeof *all);
    for (int i = 0; i < n; i++) all[i] = fv_detector_class_name(r->detector, i);
    const char *close = cli_closest(word, all, n);
    free(all);
    if (close) return cli_usage(r->a, "%s: the model has no class '%s'; did you mean %s?", where, word, close);
    return cli_usage(r->a, "%s: the model has no class '%s'; it has %d, from '%s' to '%s'", where, word, n, fv_detector_class_name(r->detector, 0),
                     fv_detector_class_name(r->detector, n > 0 ? n - 1 : 0));
}

/* "0,car" -> numbers. 0, or the exit code. */
static int class_list(run_state *r, const char *list, const char *where, const int **out, int *count)
{
    int cap = 1, n = 0;
    for (const char *p = list; *p; p++) cap += *p == ',';
    int *ids = r->class_ids[r->n_class_ids++] = tool_alloc((size_t)cap * sizeof *ids);
    for (const char *p = list; *p;) {
        size_t len = strcspn(p, ",");
        text word = {0};
        while (len && isspace((unsigned char)*p)) p++, len--;
        size_t trimmed = len;
        while (trimmed && isspace((unsigned char)p[trimmed - 1])) trimmed--;
        text_addn(&word, p, trimmed);
        p += len + (p[len] == ',');
        if (trimmed) {
            char *end;
            long id = strtol(word.s, &end, 10);
            if (*end) id = fv_detector_class_id(r->detector, word.s);
            if (r->replaying && (id < 0 || id >= fv_detector_class_count(r->detector))) {
                cli_note(r->a, "%s: nothing in the replay is of class '%s'", where, word.s);
                id = NO_CLASS;
            } else if (id < 0 || id >= fv_detector_class_count(r->detector)) {
                int code = no_such_class(r, word.s, where);
                text_free(&word);
                return code;
            }
            ids[n++] = (int)id;
        }
        text_free(&word);
    }
    *out = ids;
    *count = n;
    return n ? 0 : cli_usage(r->a, "%s: no class is named", where);
}

static fv_anchor anchor_of(const run_state *r, const config_shape *c)
{
    fv_anchor a = r->s.anchor;
    if (c->anchor) fv_anchor_parse(c->anchor, &a); /* checked when it was read */
    return a;
}

static int make_shapes(run_state *r)
{
    const settings *s = &r->s;
    int code = 0;
    r->lines = tool_alloc((size_t)(s->n_lines + 1) * sizeof *r->lines);
    r->zones = tool_alloc((size_t)(s->n_zones + 1) * sizeof *r->zones);
    text where = {0};
    for (int i = 0; i < s->n_lines && !code; i++) {
        const config_shape *c = &s->lines[i];
        text_clear(&where);
        settings_where_shape(s, "line", c, &where);
        r->lines[i] = (fv_line){.name = c->name, .x1 = c->xy[0], .y1 = c->xy[1], .x2 = c->xy[2], .y2 = c->xy[3], .anchor = anchor_of(r, c)};
        if (c->classes) code = class_list(r, c->classes, where.s, &r->lines[i].classes, &r->lines[i].n_classes);
    }
    for (int i = 0; i < s->n_zones && !code; i++) {
        const config_shape *c = &s->zones[i];
        text_clear(&where);
        settings_where_shape(s, "zone", c, &where);
        r->zones[i] = (fv_zone){.name = c->name, .xy = c->xy, .n_points = c->n_points, .anchor = anchor_of(r, c)};
        if (c->classes) code = class_list(r, c->classes, where.s, &r->zones[i].classes, &r->zones[i].n_classes);
    }
    text_free(&where);
    return code;
}

/* `--device null` without a model: the frame road with nothing in the middle, to try sources and sinks or to time them. */
static int open_without_model(run_state *r)
{
    fv_error err = {0};
    fv_status st = cli_context(r->a, &r->ctx, &err);
    if (st < 0) return cli_fail(r->a, st, &err);
    if (r->s.classes) return cli_usage(r->a, "--classes: there is no model that has any");
    r->class_ids = tool_alloc((size_t)(r->s.n_lines + r->s.n_zones + 1) * sizeof *r->class_ids);
    snprintf(r->device_text, sizeof r->device_text, "null");
    cli_note(r->a, "device null and no model: frames are read, painted and written, nothing is detected");
    return make_shapes(r);
}

int run_model_names(run_state *r, char *const *names, int n, const int **classes, int *n_classes)
{
    fv_error err = {0};
    const settings *s = &r->s;
    r->replaying = true;
    int code = load_names(r);
    if (code) return code;
    fv_status st = cli_context(r->a, &r->ctx, &err);
    const char *const *use = r->n_names ? (const char *const *)r->names : (const char *const *)names;
    static const char *const none[] = {"thing"}; /* a file without a single box */
    int n_use = r->n_names ? r->n_names : n;
    if (st >= 0) st = fv_detector_create(&r->detector, r->ctx, NULL, FV_DETECT_OPTIONS(.names = n_use ? use : none, .n_names = n_use ? n_use : 1), &err);
    if (st < 0) return cli_fail(r->a, st, &err);
    snprintf(r->device_text, sizeof r->device_text, "replay");
    r->class_ids = tool_alloc((size_t)(s->n_lines + s->n_zones + 1) * sizeof *r->class_ids);
    if (s->classes) {
        text where = {0};
        settings_where(s, "classes", &where);
        code = class_list(r, s->classes, where.s, classes, n_classes);
        text_free(&where);
    }
    return code ? code : make_shapes(r);
}

int run_model_open(run_state *r)
{
    fv_error err = {0};
    const settings *s = &r->s;
    if (!(s->model && s->model[0]) && !strcmp(cli_text_or(r->a, "device", "auto"), "null")) return open_without_model(r);
    int code = load_names(r);
    if (!code) code = load_model(r);
    if (!code) code = load_tile_model(r);
    if (code) return code;
    fv_status st = fv_detector_create(&r->detector, r->ctx, r->model,
                                      FV_DETECT_OPTIONS(.conf = (float)s->conf, .iou = (float)s->iou, .max_det = s->max_det, .imgsz_h = s->imgsz_h,
                                                        .imgsz_w = s->imgsz_w, .batch = s->batch, .names = (const char *const *)r->names,
                                                        .n_names = r->n_names, .task = s->task, .preset = s->preset, .mean = s->mean, .std = s->std,
                                                        .channels = s->channels, .pad = s->pad, .multi_label = s->multi_label, .full_head = s->full_head, .streams = s->streams,
                                                        .tiles = &s->tiles),
                                      &err);
    if (st < 0) return cli_fail(r->a, st, &err);
    if (s->mode != RUN_PREDICT && fv_detector_task(r->detector) >= FV_TASK_CLASSIFY)
        return cli_error(r->a, EXIT_USAGE, "%s: this model is for task %s, which gives no boxes to %s; use `fovea predict`", r->model_path,
                         fv_task_name(fv_detector_task(r->detector)), s->mode == RUN_TRACK ? "track" : "count");
    if (r->n_names && r->n_names != fv_detector_class_count(r->detector))
        cli_warn(r->a, "%s holds %d name%s, but the model has %d classes", s->names, r->n_names, r->n_names == 1 ? "" : "s",
                 fv_detector_class_count(r->detector));
    r->class_ids = tool_alloc((size_t)(s->n_lines + s->n_zones + 1) * sizeof *r->class_ids);
    if (s->classes) {
        const int *ids;
        int n;
        text where = {0};
        settings_where(s, "classes", &where);
        code = class_list(r, s->classes, where.s, &ids, &n);
        text_free(&where);
        if (code) return code;
        st = fv_detector_set_classes(r->detector, ids, n, &err);
        if (st < 0) return cli_fail(r->a, st, &err);
    }
    snprintf(r->device_text, sizeof r->device_text, "%s %s %s", fv_model_device(r->model), fv_context_cpu_level(r->ctx), fv_model_precision(r->model));
    fv_model_options o;
    const bool chosen = !r->precision && !s->precision && cli_model_options(r->a, &o, &err) >= 0 && o.precision && !strcmp(o.precision, "auto");
    cli_note(r->a, "%s%s: %s, %s%s%s%s", r->model_path, models_builtin(r->model_path) ? " (built in)" : "", fv_detector_rule(r->detector), r->device_text, chosen ? " (" : "",
             chosen ? fv_model_precision_reason(r->model) : "", chosen ? ")" : "");
    return make_shapes(r);
}

void run_model_close(run_state *r)
{
    fv_detector_free(&r->detector);
    fv_model_free(&r->tile_model);
    fv_model_free(&r->model);
    fv_context_free(&r->ctx);
    for (int i = 0; i < r->n_class_ids; i++) free(r->class_ids[i]);
    for (int i = 0; i < r->n_names; i++) free(r->names[i]);
    free(r->class_ids);
    free(r->names);
    free(r->lines);
    free(r->zones);
    free(r->model_path);
    free(r->tile_path);
    scene_free(&r->first);
}
