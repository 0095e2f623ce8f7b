/* replay.c: a file of JSON lines (docs/FORMATS.md) -> frames of boxes in memory. Called by run_replay.c. */
#include "replay.h"
#include "cli.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINE ((size_t)64 << 20)
#define MAX_FRAMES ((size_t)1 << 26)
#define MAX_BOXES ((size_t)1 << 27)
#define MAX_SOURCES 4096
#define MAX_CLASS 65535
#define FARTHEST 1e7

static void *bigger(void *old, size_t used, size_t *cap, size_t size)
{
    *cap = *cap * 2 + 256;
    void *p = tool_alloc(*cap * size);
    if (used) memcpy(p, old, used * size);
    free(old);
    return p;
}

replay_frame *replay_add_frame(replay *r)
{
    if (r->n_frames >= MAX_FRAMES) return NULL;
    if (r->n_frames == r->cap_frames) r->frames = bigger(r->frames, r->n_frames, &r->cap_frames, sizeof *r->frames);
    replay_frame *f = &r->frames[r->n_frames++];
    memset(f, 0, sizeof *f);
    f->first = r->n_boxes;
    return f;
}

fv_detection *replay_add_box(replay *r)
{
    if (r->n_boxes >= MAX_BOXES) return NULL;
    if (r->n_boxes == r->cap_boxes) r->boxes = bigger(r->boxes, r->n_boxes, &r->cap_boxes, sizeof *r->boxes);
    return memset(&r->boxes[r->n_boxes++], 0, sizeof *r->boxes);
}

void replay_name(replay *r, int class_id, const char *name)
{
    if (class_id >= r->n_names) {
        char **names = tool_alloc((size_t)(class_id + 1) * sizeof *names);
        if (r->n_names) memcpy(names, r->names, (size_t)r->n_names * sizeof *names);
        free(r->names);
        r->names = names;
        r->n_names = class_id + 1;
    }
    if (name && !r->names[class_id]) r->names[class_id] = tool_strdup(name);
}

fv_status replay_line(text *line, FILE *f, const char *path, int number, fv_error *err)
{
    char part[4096];
    text_clear(line);
    while (fgets(part, sizeof part, f)) {
        size_t n = strlen(part);
        bool end = n && part[n - 1] == '\n';
        while (n && (part[n - 1] == '\n' || part[n - 1] == '\r')) n--;
        text_addn(line, part, n);
        if (end) return FV_OK;
        if (line->len > MAX_LINE) return cli_set_error(err, FV_ERR_INPUT, "%s:%d: the line is too long", path, number);
    }
    if (ferror(f)) return cli_set_error(err, FV_ERR_INPUT, "%s: %s", path, strerror(errno));
    return line->len ? FV_OK : FV_END;
}

static int source_index(replay *r, const char *name)
{
    for (int i = r->n_sources - 1; i >= 0; i--)
        if (!strcmp(r->sources[i], name)) return i;
    if (r->n_sources == MAX_SOURCES) return -1;
    if ((r->n_sources & (r->n_sources - 1)) == 0) { /* 0, 1, 2, 4, …: full */
        char **p = tool_alloc((size_t)(r->n_sources ? 2 * r->n_sources : 1) * sizeof *p);
        if (r->n_sources) memcpy(p, r->sources, (size_t)r->n_sources * sizeof *p);
        free(r->sources);
        r->sources = p;
    }
    r->sources[r->n_sources] = tool_strdup(name);
    return r->n_sources++;
}

static bool whole(const cJSON *v, double lo, double hi) { return cJSON_IsNumber(v) && v->valuedouble >= lo && v->valuedouble <= hi && v->valuedouble == floor(v->valuedouble); }

static const char *one_box(replay *r, const cJSON *d)
{
    const cJSON *box = cJSON_GetObjectItemCaseSensitive(d, "box"), *class_id = cJSON_GetObjectItemCaseSensitive(d, "class_id");
    const cJSON *label = cJSON_GetObjectItemCaseSensitive(d, "label"), *conf = cJSON_GetObjectItemCaseSensitive(d, "confidence");
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(d, "track_id");
    if (!cJSON_IsArray(box) || cJSON_GetArraySize(box) != 4) return "a detection needs \"box\": [x1, y1, x2, y2]";
    if (class_id && !whole(class_id, 0, MAX_CLASS)) return "class_id is a whole number from 0";
    if (id && !cJSON_IsNull(id) && !whole(id, -1, 2147483647)) return "track_id is a whole number";
    fv_detection *b = replay_add_box(r);
    if (!b) return "there are too many boxes";
    int k = 0;
    for (const cJSON *c = box->child; c; c = c->next, k++) {
        if (!cJSON_IsNumber(c) || !(fabs(c->valuedouble) <= FARTHEST)) return "a corner of a box is no number";
        b->box[k] = (float)c->valuedouble;
    }
    b->confidence = cJSON_IsNumber(conf) && conf->valuedouble >= 0 && conf->valuedouble <= 1 ? (float)conf->valuedouble : 1;
    b->class_id = class_id ? (int)class_id->valuedouble : 0;
    b->track_id = id && cJSON_IsNumber(id) && id->valuedouble > 0 ? (int)id->valuedouble : 0;
    r->ids |= b->track_id > 0;
    replay_name(r, b->class_id, cJSON_IsString(label) ? label->valuestring : NULL);
    return NULL;
}

static const char *one_frame(replay *r, const cJSON *o)
{
    const cJSON *source = cJSON_GetObjectItemCaseSensitive(o, "source"), *frame = cJSON_GetObjectItemCaseSensitive(o, "frame");
    const cJSON *pts = cJSON_GetObjectItemCaseSensitive(o, "pts"), *wall = cJSON_GetObjectItemCaseSensitive(o, "wall");
    const cJSON *w = cJSON_GetObjectItemCaseSensitive(o, "width"), *h = cJSON_GetObjectItemCaseSensitive(o, "height");
    const cJSON *dets = cJSON_GetObjectItemCaseSensitive(o, "detections");
    if (!cJSON_IsObject(o)) return "an object was expected";
    if (!whole(frame, 0, 9e15)) return "\"frame\" is a whole number from 0";
    if (!cJSON_IsNumber(pts) || !isfinite(pts->valuedouble)) return "\"pts\" is a number of seconds";
    if (!whole(w, 1, 1 << 20) || !whole(h, 1, 1 << 20)) return "\"width\" and \"height\" are those of the frame";
    if (!cJSON_IsArray(dets)) return "\"detections\" is a list";
    int index = source_index(r, cJSON_IsString(source) ? source->valuestring : "");
    replay_frame *f = index < 0 ? NULL : replay_add_frame(r);
    if (!f) return "there are too many frames or sources";
    f->source = index;
    f->frame = (int64_t)frame->valuedouble;
    f->pts = pts->valuedouble;
    f->wall = cJSON_IsNumber(wall) && wall->valuedouble > 0 ? wall->valuedouble : 0;
    f->width = (int)w->valuedouble;
    f->height = (int)h->valuedouble;
    for (const cJSON *d = dets->child; d; d = d->next) {
        const char *wrong = one_box(r, d);
        if (wrong) return wrong;
        r->frames[r->n_frames - 1].count++;
    }
    return NULL;
}

static fv_status json_lines(replay *r, const char *path, FILE *f, text *line, fv_error *err)
{
    fv_status st = FV_OK;
    for (int number = 1; st == FV_OK; st = replay_line(line, f, path, ++number, err)) {
        if (!line->len) continue;
        cJSON *o = cJSON_ParseWithLength(line->s, line->len);
        const char *wrong = o ? one_frame(r, o) : "this is not JSON";
        cJSON_Delete(o);
        if (wrong) return cli_set_error(err, FV_ERR_INPUT, "%s:%d: %s", path, number, wrong);
    }
    return st < 0 ? st : FV_OK;
}

/* Lines of cameras that ran together alternate: one source after the other is what can be replayed. */
static void sort_sources(replay *r)
{
    bool sorted = true;
    for (size_t i = 1; i < r->n_frames; i++) sorted &= r->frames[i].source >= r->frames[i - 1].source;
    if (sorted) return;
    replay_frame *out = tool_alloc(r->cap_frames * sizeof *out);
    size_t n = 0;
    for (int s = 0; s < r->n_sources; s++)
        for (size_t i = 0; i < r->n_frames; i++)
            if (r->frames[i].source == s) out[n++] = r->frames[i];
    free(r->frames);
    r->frames = out;
}

fv_status replay_load(replay *r, const char *path, fv_error *err)
{
    text line = {0};
    FILE *f = !strcmp(path, "-") ? stdin : fopen(path, "re");
    const char *name = !strcmp(path, "-") ? "stdin" : path;
    if (!f) return cli_set_error(err, FV_ERR_INPUT, "%s: %s", path, strerror(errno));
    fv_status st = replay_line(&line, f, name, 1, err);
    if (st >= 0) {
        const char *start = line.s ? line.s + strspn(line.s, " \t\xEF\xBB\xBF") : "";
        if (*start == '{')
            st = json_lines(r, name, f, &line, err);
        else
            st = replay_mot(r, name, f, &line, err);
        sort_sources(r);
        if (st >= 0 && !r->n_frames) st = cli_set_error(err, FV_ERR_INPUT, "%s: the file is empty", name); /* and no seqinfo.ini says how long nothing was seen */
    }
    if (f != stdin) fclose(f);
    text_free(&line);
    return st;
}

void replay_free(replay *r)
{
    for (int i = 0; i < r->n_sources; i++) free(r->sources[i]);
    for (int i = 0; i < r->n_names; i++) free(r->names[i]);
    free(r->sources);
    free(r->names);
    free(r->frames);
    free(r->boxes);
    memset(r, 0, sizeof *r);
}
