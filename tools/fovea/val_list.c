/* val_list.c: pictures of a folder or of a list, each with its labels: images/…/NAME.jpg has labels/…/NAME.txt, and ignore/…/NAME.txt
 * for what is to be read as a crowd. Called by val_data.c and val_yaml.c. */
#include "val.h"
#include "run_sources.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DEPTH 8
#define MAX_LIST_BYTES ((size_t)1 << 30)

/* The last folder called images becomes `folder`, the ending .txt. Null: there is no such folder in the path. owned: free(). */
static char *beside(const char *picture, const char *folder)
{
    const char *at = NULL;
    for (const char *p = picture; (p = strstr(p, "images")); p += 6)
        if ((p == picture || p[-1] == '/') && p[6] == '/') at = p;
    if (!at) return NULL;
    const char *dot = strrchr(at, '.'), *end = dot && !strchr(dot, '/') ? dot : at + strlen(at);
    text t = {0};
    text_addn(&t, picture, (size_t)(at - picture));
    text_add(&t, folder);
    text_addn(&t, at + 6, (size_t)(end - at - 6));
    text_add(&t, ".txt");
    return t.s;
}

/* labels/ beside images/; without such folders the text file beside the picture. */
static char *label_path(const char *picture)
{
    char *path = beside(picture, "labels");
    if (path) return path;
    const char *dot = strrchr(picture, '.');
    text t = {0};
    text_addn(&t, picture, dot && !strchr(dot, '/') ? (size_t)(dot - picture) : strlen(picture));
    text_add(&t, ".txt");
    return t.s;
}

static void add_picture(val_data *d, const val_target *t, const char *path, const int *map, int n_map)
{
    if (t->limit && d->n + d->n_failed >= t->limit) return;
    val_picture *p = val_data_add(d, path);
    char *labels = label_path(path), *ignore = beside(path, "ignore");
    bool ok = true;
    if (access(labels, F_OK))
        d->n_without_labels++;
    else
        ok = val_read_labels(d, t, p, labels, false, map, n_map);
    if (ok && ignore && !access(ignore, F_OK)) ok = val_read_labels(d, t, p, ignore, true, map, n_map);
    free(labels);
    free(ignore);
    if (ok) return;
    for (int i = 0; i < p->n; i++) { /* left out whole: half of its truths would make right answers wrong */
        free(p->truths[i].points);
        free(p->truths[i].corners);
        free(p->truths[i].parts);
    }
    free(p->truths);
    free(p->path);
    d->n--;
    d->n_failed++;
}

typedef struct names {
    char **name;
    size_t n, cap;
} names;

static void add_name(names *l, char *name)
{
    if (l->n == l->cap) {
        size_t cap = l->cap * 2 + 256;
        char **bigger = tool_alloc(cap * sizeof *bigger);
        if (l->n) memcpy(bigger, l->name, l->n * sizeof *bigger);
        free(l->name);
        l->name = bigger;
        l->cap = cap;
    }
    l->name[l->n++] = name;
}

/* The folders that we are in, the innermost first: a link back to one of them is not followed. */
typedef struct inside {
    const struct inside *outer;
    dev_t device;
    ino_t number;
    int depth;
} inside;

static void walk(names *l, const char *dir, const inside *outer)
{
    struct stat own;
    if (stat(dir, &own) || (outer && outer->depth == MAX_DEPTH)) return;
    for (const inside *o = outer; o; o = o->outer)
        if (o->device == own.st_dev && o->number == own.st_ino) return;
    inside here = {outer, own.st_dev, own.st_ino, outer ? outer->depth + 1 : 1};
    DIR *handle = opendir(dir);
    for (struct dirent *e; handle && (e = readdir(handle));) {
        struct stat st;
        text t = {0};
        if (e->d_name[0] == '.') continue;
        text_folder(&t, dir);
        text_add(&t, e->d_name);
        bool there = !stat(t.s, &st);
        if (there && S_ISDIR(st.st_mode)) walk(l, t.s, &here);
        if (there && S_ISREG(st.st_mode) && run_is_picture_name(t.s) && l->n < VAL_MAX_PICTURES)
            add_name(l, t.s);
        else
            text_free(&t);
    }
    if (handle) closedir(handle);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool is_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

int val_read_folder(val_data *d, const val_target *t, const char *dir, const int *map, int n_map)
{
    text images = {0};
    names list = {0};
    text_folder(&images, dir);
    text_add(&images, "images");
    walk(&list, is_folder(images.s) ? images.s : dir, NULL);
    if (list.n) qsort(list.name, list.n, sizeof *list.name, by_text);
    for (size_t i = 0; i < list.n; i++) {
        add_picture(d, t, list.name[i], map, n_map);
        free(list.name[i]);
    }
    text_free(&images);
    free(list.name);
    return list.n ? EXIT_OK : cli_error(t->a, EXIT_INPUT, "%s: there are no pictures in it", dir);
}

int val_read_list(val_data *d, const val_target *t, const char *path, const int *map, int n_map)
{
    char *bytes;
    size_t size;
    fv_error err = {0};
    fv_status st = cli_read_file(path, MAX_LIST_BYTES, &bytes, &size, &err);
    if (st < 0) return cli_fail(t->a, st, &err);
    const char *slash = strrchr(path, '/');
    int found = 0;
    for (char *line = bytes, *next; line && *line && found < VAL_MAX_PICTURES; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        line[strcspn(line, "\r")] = 0;
        line += strspn(line, " \t");
        if (!*line) continue;
        found++;
        text full = {0};
        if (*line != '/' && slash) text_addn(&full, path, (size_t)(slash - path) + 1);
        text_add(&full, line);
        /* names in a list are relative to it, or else to where we are */
        add_picture(d, t, access(full.s, F_OK) && !access(line, F_OK) ? line : full.s, map, n_map);
        text_free(&full);
    }
    free(bytes);
    return found ? EXIT_OK : cli_error(t->a, EXIT_INPUT, "%s: names no pictures", path);
}
