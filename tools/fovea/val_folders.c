/* val_folders.c: one folder of pictures a class -> pictures with their class. Called by val_data.c for classification models. */
#include "val.h"
#include "run_sources.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FOLDERS 65536

typedef struct entries {
    char **name;
    int n, cap;
} entries;

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Folders or pictures in a folder, sorted. */
static void list(entries *l, const char *dir, bool folders)
{
    DIR *handle = opendir(dir);
    for (struct dirent *e; handle && (e = readdir(handle));) {
        struct stat st;
        text t = {0};
        text_folder(&t, dir);
        text_add(&t, e->d_name);
        bool wanted = e->d_name[0] != '.' && !stat(t.s, &st) && (folders ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode) && run_is_picture_name(t.s));
        text_free(&t);
        if (!wanted || l->n == VAL_MAX_PICTURES) continue;
        if (l->n == l->cap) {
            int cap = l->cap * 2 + 64;
            char **bigger = tool_alloc((size_t)cap * sizeof *bigger);
            if (l->n) memcpy(bigger, l->name, (size_t)l->n * sizeof *bigger);
            free(l->name);
            l->name = bigger;
            l->cap = cap;
        }
        l->name[l->n++] = tool_strdup(e->d_name);
    }
    if (handle) closedir(handle);
    if (l->n) qsort(l->name, (size_t)l->n, sizeof *l->name, by_text);
}

static void free_entries(entries *l)
{
    for (int i = 0; i < l->n; i++) free(l->name[i]);
    free(l->name);
}

/* By name; where no folder is called like a class but there are as many, in the order of their names (WordNet numbers). */
static int classes_of(const val_target *t, const entries *folders, const char *dir, int *class_of)
{
    int named = 0;
    for (int i = 0; i < folders->n; i++) named += (class_of[i] = val_class_named(t, folders->name[i])) >= 0;
    if (named == folders->n) return EXIT_OK;
    if (!named && folders->n == t->n_classes) {
        cli_note(t->a, "%s: its folders are not called like the model's classes: class 0 is '%s', and so on in the order of their names", dir, folders->name[0]);
        for (int i = 0; i < folders->n; i++) class_of[i] = i;
        return EXIT_OK;
    }
    for (int i = 0; i < folders->n; i++)
        if (class_of[i] < 0)
            return cli_error(t->a, EXIT_INPUT, "%s: its folder '%s' is none of the model's %d classes ('%s', …)", dir, folders->name[i], t->n_classes,
                             fv_detector_class_name(t->detector, 0));
    return EXIT_OK;
}

int val_read_folders(val_data *d, const val_target *t, const char *dir)
{
    entries folders = {0};
    text base = {0};
    struct stat st;
    text_folder(&base, dir);
    text_add(&base, cli_text_or(t->a, "split", "val")); /* DIR/val/CLASS, or DIR/CLASS */
    if (stat(base.s, &st) || !S_ISDIR(st.st_mode)) {
        text_clear(&base);
        text_add(&base, dir);
    }
    list(&folders, base.s, true);
    int *class_of = tool_alloc((size_t)(folders.n + 1) * sizeof *class_of);
    int code = !folders.n || folders.n > MAX_FOLDERS ? cli_error(t->a, EXIT_INPUT, "%s: must hold one folder of pictures for each class", base.s)
                                                     : classes_of(t, &folders, base.s, class_of);
    for (int i = 0; i < folders.n && !code; i++) {
        entries pictures = {0};
        text folder = {0};
        text_folder(&folder, base.s);
        text_add(&folder, folders.name[i]);
        list(&pictures, folder.s, false);
        for (int k = 0; k < pictures.n && (!t->limit || d->n < t->limit); k++) {
            text path = {0};
            text_folder(&path, folder.s);
            text_add(&path, pictures.name[k]);
            val_data_add(d, path.s)->class_id = class_of[i];
            text_free(&path);
        }
        free_entries(&pictures);
        text_free(&folder);
    }
    if (!code && !d->n) code = cli_error(t->a, EXIT_INPUT, "%s: there are no pictures in its folders", base.s);
    free(class_of);
    free_entries(&folders);
    text_free(&base);
    return code;
}
