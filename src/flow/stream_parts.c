/* stream_parts.c: the stages of a stream from its options: source, detector, tracker, counter, painter. Called by stream.c. */
#include "base/error.h"
#include "base/options.h"
#include "base/str.h"
#include "flow/detector.h"
#include "flow/stream.h"
#include <stdlib.h>
#include <string.h>

#define TRACKED_CONF 0.1f /* trackers want to see weak boxes of what they know */
#define MAX_COPIES ((size_t)16 << 20) /* bytes of lines and zones */

static fv_status open_detector(fv_stream *s, const fv_stream_options *o, fv_error *err)
{
    s->detector = o->detector;
    s->ctx = o->ctx;
    if (s->detector) return FV_OK;
    if (!s->ctx) FVI_TRY(fv_context_create(&s->own_ctx, NULL, err));
    if (!s->ctx) s->ctx = s->own_ctx;
    FVI_TRY(fv_model_load(&s->own_model, s->ctx, o->model, NULL, err));
    fv_detect_options d = {.size = sizeof d};
    FVI_TRY(fvi_options_read(&d, sizeof d, o->detect, "FV_DETECT_OPTIONS", err));
    if (!(d.conf > 0) && (o->track || o->count)) d.conf = TRACKED_CONF;
    FVI_TRY(fv_detector_create(&s->own_detector, s->ctx, s->own_model, &d, err));
    s->detector = s->own_detector;
    return FV_OK;
}

/* "person, 2" -> numbers; ids has room for one more than there are commas. */
static fv_status parse_classes(const fv_detector *d, const char *list, int *ids, int *n, fv_error *err)
{
    *n = 0;
    for (const char *p = list; *p;) {
        size_t len = strcspn(p, ",");
        char word[256], *end;
        const char *next = p + len + (p[len] == ',');
        while (len && *p == ' ') p++, len--;
        while (len && p[len - 1] == ' ') len--;
        if (len >= sizeof word) return fvi_error_set(err, FV_ERR_ARGUMENT, "the name of a class is too long");
        memcpy(word, p, len);
        word[len] = 0;
        p = next;
        if (!len) continue;
        int id = fv_detector_class_id(d, word);
        long number = strtol(word, &end, 10);
        if (id < 0 && !*end) id = number >= 0 && number < fv_detector_class_count(d) ? (int)number : -1;
        if (id < 0) return fvi_error_set(err, FV_ERR_ARGUMENT, "the model has no class '%s'", word);
        ids[(*n)++] = id;
    }
    return *n ? FV_OK : fvi_error_set(err, FV_ERR_ARGUMENT, "classes: none is named");
}

static fv_status choose_classes(fv_stream *s, const char *list, fv_error *err)
{
    size_t room = 1;
    int n = 0;
    for (const char *p = list; p && *p; p++) room += *p == ',';
    if (!list) return FV_OK;
    int *ids = fvi_calloc(room, sizeof *ids);
    if (!ids) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    fv_status st = parse_classes(s->detector, list, ids, &n, err);
    if (st >= 0) st = fv_detector_set_classes(s->detector, ids, n, err);
    fvi_free(ids);
    return st;
}

static fv_status open_source(fv_stream *s, const fv_stream_options *o, const fv_media_api **media, fv_error *err)
{
    s->source = o->input;
    if (o->source) {
        FVI_TRY(fv_media_load(media, NULL, err));
        FVI_TRY((*media)->source_open(&s->own_source, o->source, o->open, err));
        s->source = s->own_source;
    }
    s->info = s->source->info;
    return FV_OK;
}

/* The painter wants lines and zones for as long as it paints; the caller's may be gone. */
static fv_status copy_shapes(fv_stream *s, const fv_count_options *c, fv_error *err)
{
    s->copies = fvi_arena_create(MAX_COPIES);
    fv_line *lines = s->copies ? fvi_arena_array(s->copies, (size_t)c->n_lines + 1, sizeof *lines) : NULL;
    fv_zone *zones = lines ? fvi_arena_array(s->copies, (size_t)c->n_zones + 1, sizeof *zones) : NULL;
    bool fine = zones != NULL;
    for (int i = 0; i < c->n_lines && fine; i++) {
        lines[i] = c->lines[i];
        lines[i].classes = NULL;
        if (c->lines[i].name) fine = (lines[i].name = fvi_arena_strdup(s->copies, c->lines[i].name)) != NULL;
    }
    for (int i = 0; i < c->n_zones && fine; i++) {
        size_t points = (size_t)c->zones[i].n_points;
        double *xy = fvi_arena_array(s->copies, points * 2, sizeof *xy);
        if (xy) memcpy(xy, c->zones[i].xy, points * 2 * sizeof *xy);
        zones[i] = c->zones[i];
        zones[i].xy = xy;
        zones[i].classes = NULL;
        if (c->zones[i].name) zones[i].name = fvi_arena_strdup(s->copies, c->zones[i].name);
        fine = xy && (!c->zones[i].name || zones[i].name);
    }
    if (!fine) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    s->scene.lines = lines;
    s->scene.zones = zones;
    s->scene.n_lines = c->n_lines;
    s->scene.n_zones = c->n_zones;
    return FV_OK;
}

static fv_status open_counter(fv_stream *s, const fv_count_options *opt, fv_error *err)
{
    fv_count_options c = {.size = sizeof c};
    FVI_TRY(fvi_options_read(&c, sizeof c, opt, "FV_COUNT_OPTIONS", err));
    FVI_TRY(fv_counter_create(&s->counter, &c, err)); /* from here on the shapes are known to be sound */
    s->n_lines = c.n_lines;
    s->n_zones = c.n_zones;
    s->lines = fvi_calloc((size_t)c.n_lines + 1, sizeof *s->lines);
    s->zones = fvi_calloc((size_t)c.n_zones + 1, sizeof *s->zones);
    if (!s->lines || !s->zones) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    return copy_shapes(s, &c, err);
}

static const char *class_name(void *user, int class_id) { return fv_detector_class_name(user, class_id); }

static fv_status open_font(fv_stream *s, const fv_media_api *media, fv_error *err)
{
    fvi_str chars = {0};
    int height = s->info.height > 0 ? s->info.height : 720, pixels = height / 38;
    pixels = pixels < 12 ? 12 : pixels > 48 ? 48 : pixels;
    for (int i = 0; i < fv_detector_class_count(s->detector); i++) fvi_str_add(&chars, fv_detector_class_name(s->detector, i));
    for (int i = 0; i < s->scene.n_lines; i++) fvi_str_add(&chars, s->scene.lines[i].name ? s->scene.lines[i].name : "");
    for (int i = 0; i < s->scene.n_zones; i++) fvi_str_add(&chars, s->scene.zones[i].name ? s->scene.zones[i].name : "");
    fv_status st = chars.failed ? fvi_error_set(err, FV_ERR_MEMORY, "out of memory") : media->font_open(&s->font, NULL, pixels, chars.s, err);
    fvi_str_free(&chars);
    return st;
}

static fv_status open_painter(fv_stream *s, const fv_paint_options *opt, const fv_media_api *media, fv_error *err)
{
    fv_paint_options p = {.size = sizeof p};
    FVI_TRY(fvi_options_read(&p, sizeof p, opt, "FV_PAINT_OPTIONS", err));
    if (!p.font && media) { /* with a source of the caller's own there may be no media library: boxes without text then */
        FVI_TRY(open_font(s, media, err));
        p.font = &s->font;
    }
    s->scene.class_name = class_name;
    s->scene.user = s->detector;
    s->scene.task = fv_detector_task(s->detector);
    s->scene.n_classes = fv_detector_class_count(s->detector);
    return fv_painter_create(&s->painter, &p, err);
}

fv_status fvi_flow_stream_parts(fv_stream *s, const fv_stream_options *o, fv_error *err)
{
    const fv_media_api *media = NULL;
    FVI_TRY(open_source(s, o, &media, err)); /* the likeliest thing to be wrong, and the cheapest to find out */
    FVI_TRY(open_detector(s, o, err));
    FVI_TRY(choose_classes(s, o->classes, err));
    if (o->track || o->count) FVI_TRY(fv_tracker_create(&s->tracker, o->track, err));
    if (o->count) FVI_TRY(open_counter(s, o->count, err));
    if (o->paint) FVI_TRY(open_painter(s, o->paint, media, err));
    return FV_OK;
}

void fvi_flow_stream_parts_free(fv_stream *s)
{
    if (s->own_source) s->own_source->close(s->own_source);
    fv_painter_free(&s->painter);
    if (s->font.release) s->font.release(&s->font);
    fv_counter_free(&s->counter);
    fv_tracker_free(&s->tracker);
    fv_detector_free(&s->own_detector);
    fv_model_free(&s->own_model);
    fv_context_free(&s->own_ctx);
    fvi_arena_free(&s->copies);
    fvi_free(s->lines);
    fvi_free(s->zones);
}
