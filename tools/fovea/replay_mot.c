/* replay_mot.c: MOT challenge text (results, detections or ground truth) and its seqinfo.ini -> frames of boxes. Such a file
 * has no times, sizes or classes: seqinfo.ini beside it, or flags, have to say them. Called by replay.c. */
#include "replay.h"
#include "cli.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_FRAME 100000000
#define COLUMNS 10
#define DEFAULT_FPS 30.0
#define USUAL_LABEL "person" /* MOT challenge is about people */

typedef struct row {
    int frame;
    size_t box; /* order in the file */
} row;

static int by_frame(const void *a, const void *b)
{
    const row *x = a, *y = b;
    if (x->frame != y->frame) return x->frame < y->frame ? -1 : 1;
    return x->box < y->box ? -1 : x->box > y->box;
}

/* Numbers of a line, separated by commas or blanks; -1: something else is in it. */
static int numbers(const char *s, double v[COLUMNS])
{
    int n = 0;
    for (;;) {
        s += strspn(s, " \t");
        if (!*s) return n;
        char *end;
        double x = strtod(s, &end);
        if (end == s || !isfinite(x)) return -1;
        if (n < COLUMNS) v[n++] = x;
        s = end + strspn(end, " \t");
        if (*s == ',')
            s++;
        else if (*s && s == end)
            return -1;
    }
}

static const char *one_row(replay *r, const char *line, row *out, bool *take)
{
    double v[COLUMNS] = {0};
    int n = numbers(line, v);
    *take = false;
    if (n == 0) return NULL;
    if (n < 6) return "a line is written frame,id,left,top,width,height,confidence";
    if (!(v[0] >= 1 && v[0] <= MAX_FRAME) || v[0] != floor(v[0])) return "frames are whole numbers from 1";
    if (!(v[1] >= -1 && v[1] <= INT_MAX) || v[1] != floor(v[1])) return "identities are whole numbers from 1, or -1";
    for (int i = 2; i < 6; i++)
        if (!(fabs(v[i]) <= 1e7)) return "a box is too far away";
    if (n == 9 && v[6] == 0) return NULL; /* ground truth: marked as not to be looked at */
    fv_detection *b = replay_add_box(r);
    if (!b) return "there are too many boxes";
    for (int i = 0; i < 4; i++) b->box[i] = (float)(i < 2 ? v[2 + i] : v[i] + v[2 + i]);
    b->confidence = n >= 7 && v[6] >= 0 && v[6] <= 1 ? (float)v[6] : 1;
    b->track_id = v[1] > 0 ? (int)v[1] : 0;
    r->ids |= b->track_id > 0;
    *out = (row){(int)v[0], r->n_boxes - 1};
    *take = true;
    return NULL;
}

static void ini_value(replay *r, const char *key, const char *value, char *label, size_t size)
{
    char *end;
    double v = strtod(value, &end);
    if (!strcasecmp(key, "label")) snprintf(label, size, "%s", value);
    if (!strcasecmp(key, "name")) snprintf(r->sequence, sizeof r->sequence, "%s", value);
    if (end == value || !isfinite(v) || v <= 0 || v > MAX_FRAME) return;
    if (!strcasecmp(key, "frameRate") && !(r->fps > 0)) r->fps = v;
    if (!strcasecmp(key, "imWidth") && !r->width) r->width = (int)v;
    if (!strcasecmp(key, "imHeight") && !r->height) r->height = (int)v;
    if (!strcasecmp(key, "seqLength")) r->length = (int64_t)v;
    if (!strcasecmp(key, "stride")) r->stride = (int)v;
}

static bool read_ini(replay *r, const char *path, char *label, size_t size)
{
    char line[1024];
    FILE *f = fopen(path, "re");
    if (!f) return false;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\r\n")] = 0;
        char *eq = strchr(line, '='), *key = line + strspn(line, " \t");
        if (!eq || *key == '#' || *key == ';') continue;
        *eq = 0;
        key[strcspn(key, " \t")] = 0;
        ini_value(r, key, eq + 1 + strspn(eq + 1, " \t"), label, size);
    }
    fclose(f);
    return true;
}

/* STEM.seqinfo.ini, else seqinfo.ini beside the file, else in the folder above det/ and gt/. */
static void find_ini(replay *r, const char *path, char *label, size_t size)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    int folder = slash ? (int)(slash - path) + 1 : 0, stem = dot && (!slash || dot > slash) ? (int)(dot - path) : (int)strlen(path);
    bool part = (folder >= 3 && !strncmp(path + folder - 3, "gt/", 3)) || (folder >= 4 && !strncmp(path + folder - 4, "det/", 4));
    text t = {0};
    text_printf(&t, "%.*s.seqinfo.ini", stem, path);
    bool found = read_ini(r, t.s, label, size);
    for (int up = 0; up <= part && !found; up++) {
        text_clear(&t);
        text_printf(&t, "%.*s%sseqinfo.ini", folder, path, up ? "../" : "");
        found = read_ini(r, t.s, label, size);
    }
    text_free(&t);
}

/* Every frame that was looked at, those without boxes as well: time passes in them. */
static void fill_frames(replay *r, const row *rows, size_t n)
{
    fv_detection *sorted = tool_alloc((r->n_boxes + 1) * sizeof *sorted);
    int64_t last = n ? rows[n - 1].frame : 0;
    size_t k = 0;
    if (r->length < last) r->length = last;
    for (int64_t frame = 1; frame <= r->length; frame++) {
        bool empty = k >= n || rows[k].frame != frame;
        if (empty && (frame - 1) % r->stride) continue;
        replay_frame *f = replay_add_frame(r);
        if (!f) break;
        f->frame = frame - 1;
        f->pts = (double)(frame - 1) / r->fps;
        f->width = r->width;
        f->height = r->height;
        f->first = k;
        for (; k < n && rows[k].frame == frame; k++) sorted[k] = r->boxes[rows[k].box];
        f->count = (int)(k - f->first);
    }
    free(r->boxes);
    r->boxes = sorted;
}

/* A size that holds every box, where nobody says one. */
static void guess_size(replay *r)
{
    for (size_t i = 0; i < r->n_boxes; i++) {
        r->width = (int)fmax(r->width, ceil((double)r->boxes[i].box[2]));
        r->height = (int)fmax(r->height, ceil((double)r->boxes[i].box[3]));
    }
    if (r->width < 1) r->width = 1;
    if (r->height < 1) r->height = 1;
}

/* A file without a single box is a run that found nothing only when its seqinfo.ini says so. */
static bool is_ours(const replay *r, const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t n = strlen(r->sequence);
    return n && !strncmp(base, r->sequence, n) && (!base[n] || base[n] == '.');
}

fv_status replay_mot(replay *r, const char *path, FILE *f, text *line, fv_error *err)
{
    row *rows = NULL;
    size_t n = 0, cap = 0;
    fv_status st = FV_OK;
    char label[256] = USUAL_LABEL;
    r->mot = true;
    r->stride = 1;
    for (int number = 1; st == FV_OK; st = replay_line(line, f, path, ++number, err)) {
        bool take;
        row fresh;
        const char *wrong = one_row(r, line->s ? line->s : "", &fresh, &take);
        if (wrong) {
            st = cli_set_error(err, FV_ERR_INPUT, "%s:%d: %s", path, number, wrong);
            break;
        }
        if (!take) continue;
        if (n == cap) {
            row *p = tool_alloc((cap = cap * 2 + 1024) * sizeof *p);
            if (n) memcpy(p, rows, n * sizeof *p);
            free(rows);
            rows = p;
        }
        rows[n++] = fresh;
    }
    if (st >= 0) {
        if (f != stdin) find_ini(r, path, label, sizeof label);
        if (!n && !is_ours(r, path)) st = cli_set_error(err, FV_ERR_INPUT, "%s: the file is empty", path);
    }
    if (st >= 0) {
        if (n) qsort(rows, n, sizeof *rows, by_frame);
        double fps = r->fps > 0 ? r->fps : DEFAULT_FPS;
        bool sized = r->width > 0 && r->height > 0;
        if (!sized) guess_size(r);
        double given = r->fps;
        r->fps = fps;
        fill_frames(r, rows, n);
        r->fps = given;
        if (!sized) r->width = r->height = 0; /* said to be unknown; the frames have one that holds the boxes */
        replay_name(r, 0, label);
        r->sources = tool_alloc(sizeof *r->sources);
        r->sources[r->n_sources++] = tool_strdup(path);
        st = FV_OK;
    }
    free(rows);
    return st;
}
