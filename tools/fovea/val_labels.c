/* val_labels.c: one YOLO label file -> true things: `class cx cy w h`, `class x1 y1 x2 y2 x3 y3 …` (an outline) or, for keypoints,
 * `class cx cy w h x y v …`, all as fractions of the picture. Called by val_list.c. */
#include "val.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NUMBERS 20002 /* of a line: one more than the class and an outline of 10000 corners */
#define SLACK 0.01        /* how far outside of the picture rounding may lead */

typedef struct label_file {
    val_data *d;
    const val_target *t;
    val_picture *p;
    const char *path;
    bool crowd;
    const int *map;
    int n_map;
    double *v; /* [MAX_NUMBERS] */
} label_file;

/* Numbers of a line into v; -1: *bad is no number; MAX_NUMBERS: there may be more. */
static int numbers(char *line, double *v, const char **bad)
{
    int n = 0;
    for (char *p = line + strspn(line, " \t\r"); *p; p += strspn(p, " \t\r")) {
        char *end;
        if (n == MAX_NUMBERS) return n;
        double x = strtod(p, &end);
        if (end == p || (*end && !strchr(" \t\r", *end)) || !isfinite(x)) {
            p[strcspn(p, " \t\r")] = 0;
            *bad = p;
            return -1;
        }
        v[n++] = x;
        p = end;
    }
    return n;
}

static void set_box(val_truth *truth, const double *v)
{
    truth->box[0] = v[0] - v[2] / 2;
    truth->box[1] = v[1] - v[3] / 2;
    truth->box[2] = v[0] + v[2] / 2;
    truth->box[3] = v[1] + v[3] / 2;
}

static void set_outline(val_truth *truth, const double *v, int n)
{
    truth->corners = tool_alloc((size_t)n / 2 * sizeof *truth->corners);
    truth->parts = tool_alloc(sizeof *truth->parts);
    truth->n_parts = 1;
    truth->parts[0] = n / 2;
    double *b = truth->box;
    b[0] = b[2] = v[0];
    b[1] = b[3] = v[1];
    for (int i = 0; i < n / 2; i++) {
        for (int c = 0; c < 2; c++) {
            double x = v[2 * i + c];
            truth->corners[i][c] = x;
            b[c] = fmin(b[c], x);
            b[2 + c] = fmax(b[2 + c], x);
        }
    }
}

/* [n][dims]: x, y and, with three numbers, how visible it is. */
static void set_points(val_truth *truth, const double *v, int n, int dims)
{
    truth->points = tool_alloc((size_t)n * sizeof *truth->points);
    for (int i = 0; i < n; i++) {
        truth->points[i][0] = v[i * dims];
        truth->points[i][1] = v[i * dims + 1];
        truth->points[i][2] = dims > 2 ? v[i * dims + 2] : v[i * dims] > 0 || v[i * dims + 1] > 0 ? 2 : 0;
    }
}

/* Null, or what is wrong. n: numbers after the class. */
static const char *read_shape(const label_file *f, val_truth *truth, const double *v, int n)
{
    const val_data *d = f->d;
    int k = f->t->task == FV_TASK_POSE ? d->n_keypoints : 0, dims = k && n == 4 + 2 * k ? 2 : 3;
    bool points = k && n == 4 + dims * k;
    if (k && n != 4 && !points) return "keypoint labels have the class, four numbers for the box and two or three for each keypoint";
    if (n != 4 && !points && (n < 6 || n % 2)) return "a line has the class and four numbers for a box, or pairs for an outline of three corners or more";
    for (int i = 0; i < n; i++) {
        bool visibility = points && dims == 3 && i >= 4 && (i - 4) % 3 == 2;
        if (!visibility && !(v[i] >= -SLACK && v[i] <= 1 + SLACK)) return "labels are fractions of the picture, from 0 to 1";
    }
    if (n == 4 || points)
        set_box(truth, v);
    else
        set_outline(truth, v, n);
    if (points) set_points(truth, v + 4, k, dims);
    return NULL;
}

/* The model's class; -1: the model does not have it; -2: there is no such class. */
static int class_of(const label_file *f, double number)
{
    int limit = f->map ? f->n_map : f->t->n_classes;
    if (number != floor(number) || number < 0 || number >= limit) return -2;
    return f->map ? f->map[(int)number] : (int)number;
}

static bool read_line(label_file *f, char *line, int at)
{
    const char *bad = NULL;
    int n = numbers(line, f->v, &bad);
    if (n == 0) return true;
    if (n < 0) {
        val_problem(f->d, "%s:%d: '%.40s' is no number", f->path, at, bad);
        return false;
    }
    if (n == MAX_NUMBERS) {
        val_problem(f->d, "%s:%d: more than %d numbers", f->path, at, MAX_NUMBERS - 1);
        return false;
    }
    int id = class_of(f, f->v[0]);
    if (id == -2) {
        int limit = f->map ? f->n_map : f->t->n_classes;
        val_problem(f->d, "%s:%d: class %g: %s 0 to %d%s", f->path, at, f->v[0], f->map ? "the data's classes are" : "the model's classes are", limit - 1,
                    f->map ? "" : "; a data.yaml with names or a COCO .json lets classes be found by name");
        return false;
    }
    val_truth truth = {.class_id = id, .crowd = f->crowd};
    const char *wrong = read_shape(f, &truth, f->v + 1, n - 1);
    if (wrong) {
        val_problem(f->d, "%s:%d: %s", f->path, at, wrong);
        return false;
    }
    if (id < 0) { /* checked, but nothing to score */
        free(truth.points);
        free(truth.corners);
        free(truth.parts);
    } else {
        *val_data_truth(f->p) = truth;
    }
    return true;
}

bool val_read_labels(val_data *d, const val_target *t, val_picture *p, const char *path, bool crowd, const int *map, int n_map)
{
    char *bytes;
    size_t size;
    fv_error err = {0};
    if (cli_read_file(path, VAL_MAX_LABEL_BYTES, &bytes, &size, &err) < 0) {
        val_problem(d, "%s", err.text);
        return false;
    }
    label_file f = {d, t, p, path, crowd, map, n_map, tool_alloc(MAX_NUMBERS * sizeof(double))};
    bool ok = strlen(bytes) == size;
    if (!ok) val_problem(d, "%s: is no text", path);
    int at = 1;
    for (char *line = bytes; ok && line; at++) {
        char *end = strchr(line, '\n');
        if (end) *end++ = 0;
        ok = read_line(&f, line, at);
        line = end;
    }
    free(f.v);
    free(bytes);
    return ok;
}
