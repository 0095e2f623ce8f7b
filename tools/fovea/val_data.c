/* val_data.c: --data -> pictures and what is truly on them: decides which of the forms it is; classes of the data to those of the
 * model. Called by verb_val.c. */
#include "val.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

void val_problem(val_data *d, const char *fmt, ...)
{
    val_problems *p = &d->problems;
    if (p->n == p->cap) {
        int cap = p->cap * 2 + 16;
        char **bigger = tool_alloc((size_t)cap * sizeof *bigger);
        if (p->n) memcpy(bigger, p->lines, (size_t)p->n * sizeof *bigger);
        free(p->lines);
        p->lines = bigger;
        p->cap = cap;
    }
    text t = {0};
    va_list ap;
    va_start(ap, fmt);
    text_vprintf(&t, fmt, ap);
    va_end(ap);
    p->lines[p->n++] = t.s ? t.s : tool_strdup("");
}

val_picture *val_data_add(val_data *d, const char *path)
{
    if (d->n == d->cap) {
        int cap = d->cap * 2 + 256;
        val_picture *bigger = tool_alloc((size_t)cap * sizeof *bigger);
        if (d->n) memcpy(bigger, d->pictures, (size_t)d->n * sizeof *bigger);
        free(d->pictures);
        d->pictures = bigger;
        d->cap = cap;
    }
    val_picture *p = &d->pictures[d->n++];
    *p = (val_picture){.path = tool_strdup(path), .id = -1, .class_id = -1};
    return p;
}

val_truth *val_data_truth(val_picture *p)
{
    if (p->n == p->cap) {
        int cap = p->cap * 2 + 8;
        val_truth *bigger = tool_alloc((size_t)cap * sizeof *bigger);
        if (p->n) memcpy(bigger, p->truths, (size_t)p->n * sizeof *bigger);
        free(p->truths);
        p->truths = bigger;
        p->cap = cap;
    }
    p->truths[p->n] = (val_truth){0};
    return &p->truths[p->n++];
}

static void free_picture(val_picture *p)
{
    for (int i = 0; i < p->n; i++) {
        free(p->truths[i].points);
        free(p->truths[i].corners);
        free(p->truths[i].parts);
        fv_rle_clear(&p->truths[i].rle);
    }
    free(p->truths);
    free(p->path);
}

void val_data_free(val_data *d)
{
    for (int i = 0; i < d->n; i++) free_picture(&d->pictures[i]);
    for (int i = 0; i < d->problems.n; i++) free(d->problems.lines[i]);
    free(d->pictures);
    free(d->problems.lines);
    free(d->category_of);
    free(d->scored);
    *d = (val_data){0};
}

static bool same_words(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        int x = *a == '_' || *a == '-' ? ' ' : tolower((unsigned char)*a), y = *b == '_' || *b == '-' ? ' ' : tolower((unsigned char)*b);
        if (x != y) return false;
    }
    return *a == *b;
}

int val_class_named(const val_target *t, const char *name)
{
    for (int i = 0; i < t->n_classes; i++)
        if (same_words(fv_detector_class_name(t->detector, i), name)) return i;
    return -1;
}

/* The model does not name its classes, but has as many: numbers are all there is. */
static bool by_number(const val_target *t, int n) { return n == t->n_classes && !strcmp(fv_detector_class_name(t->detector, 0), "class0"); }

int val_map_classes(val_data *d, const val_target *t, char *const *names, int n, int **map)
{
    int known = 0;
    bool numbers = by_number(t, n);
    *map = tool_alloc((size_t)(n + 1) * sizeof **map);
    d->scored = tool_alloc((size_t)(t->n_classes + 1) * sizeof *d->scored);
    for (int i = 0; i < n; i++) {
        (*map)[i] = numbers ? i : val_class_named(t, names[i]);
        if ((*map)[i] < 0) {
            d->n_unknown++;
            continue;
        }
        d->scored[(*map)[i]] = true;
        known++;
    }
    if (known) return EXIT_OK;
    free(*map);
    *map = NULL;
    return cli_error(t->a, EXIT_INPUT, "no class of the data is one of the model's: the data has '%s'%s, the model '%s'%s", n ? names[0] : "nothing",
                     n > 1 ? ", …" : "", fv_detector_class_name(t->detector, 0), t->n_classes > 1 ? ", …" : "");
}

static bool ends_in(const char *path, const char *ext)
{
    size_t n = strlen(path), m = strlen(ext);
    return n > m && !strcasecmp(path + n - m, ext);
}

int val_data_load(val_data *d, const val_target *t)
{
    const char *path = cli_text(t->a, "data"), *images = cli_text(t->a, "images");
    struct stat st;
    if (stat(path, &st)) return cli_error(t->a, EXIT_INPUT, "%s: there is no such file or folder", path);
    bool folder = S_ISDIR(st.st_mode);
    if (images && !ends_in(path, ".json")) return cli_usage(t->a, "--images belongs to --data F.json; other forms say where their pictures are");
    if (t->task == FV_TASK_CLASSIFY) {
        if (!folder) return cli_usage(t->a, "--data %s: a classification model is scored on a folder with one folder of pictures a class", path);
        return val_read_folders(d, t, path);
    }
    if (folder) return val_read_folder(d, t, path, NULL, 0);
    if (ends_in(path, ".json")) return val_read_coco(d, t, path, images);
    if (ends_in(path, ".yaml") || ends_in(path, ".yml")) return val_read_yaml(d, t, path);
    if (ends_in(path, ".txt")) return val_read_list(d, t, path, NULL, 0);
    return cli_usage(t->a, "--data %s: must be a list of pictures (.txt), a folder with images/ and labels/, a data.yaml or a COCO .json", path);
}
