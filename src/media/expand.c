/* expand.c: one SRC argument -> the files behind it. Order: strcmp of the names, the same on every machine. Called
 * through fv_media_api.expand. */
#include "media/media.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MAX_NAMES 10000000
#define MAX_LINE 4096 /* of a list */

typedef struct list {
    char **names;
    size_t count, cap;
} list;

static bool has_media_extension(const char *name)
{
    static const char *const known[] = {
        "jpg",  "jpeg", "jpe",  "jfif",  "mpo",  "png", "webp", "bmp",  "dib",  "tif",  "tiff", "jp2", "j2k",
        "pgm",  "ppm",  "pbm",  "pnm",   "pam",  "qoi", "exr",  "psd",  "dds",  "avif", "mp4",  "m4v", "mkv",
        "webm", "mov",  "avi",  "mpg",   "mpeg", "ts",  "mts",  "m2ts", "vob",  "wmv",  "asf",  "flv", "3gp",
        "ogv",  "gif",  "mjpg", "mjpeg", "ivf",  "y4m", "h264", "264",  "h265", "265",  "hevc", "mxf", "nut"};
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name) return false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcasecmp(dot + 1, known[i]) == 0) return true;
    return false;
}

static fv_status add(list *l, const char *dir, const char *name)
{
    if (l->count >= MAX_NAMES) return FV_ERR_LIMIT;
    if (!fvi_grow((void **)&l->names, l->count, &l->cap, sizeof *l->names)) return FV_ERR_MEMORY;
    fvi_str s = {0};
    if (dir) {
        fvi_str_add(&s, dir);
        if (s.len && s.s[s.len - 1] != '/') fvi_str_add(&s, "/");
    }
    fvi_str_add(&s, name);
    if (s.failed || !s.s) {
        fvi_str_free(&s);
        return FV_ERR_MEMORY;
    }
    l->names[l->count++] = s.s; /* taken */
    return FV_OK;
}

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

static fv_status add_directory(list *l, const char *path, fv_error *err)
{
    DIR *d = opendir(path);
    if (!d) return fvi_error_set(err, FV_ERR_INPUT, "%s: %s", path, strerror(errno));
    fv_status st = FV_OK;
    for (struct dirent *e; st == FV_OK && (e = readdir(d));) {
        if (e->d_name[0] == '.' || !has_media_extension(e->d_name)) continue;
        st = add(l, path, e->d_name);
        if (st == FV_OK && !is_file(l->names[l->count - 1])) fvi_free(l->names[--l->count]);
    }
    closedir(d);
    if (st < 0) return fvi_error_set(err, st, "%s: %s", path, fv_status_text(st));
    if (l->count == 0) return fvi_error_set(err, FV_ERR_INPUT, "%s: no pictures or videos in this directory", path);
    return FV_OK;
}

/* "*.dat" asks for that extension; "dir/" followed by a bare star asks for media. */
static bool names_extension(const char *pattern)
{
    const char *slash = strrchr(pattern, '/'), *dot = strrchr(slash ? slash : pattern, '.');
    return dot && dot[1] && !strpbrk(dot, "*?[");
}

static fv_status add_glob(list *l, const char *pattern, fv_error *err)
{
    glob_t g = {0};
    int r = glob(pattern, GLOB_NOSORT, NULL, &g);
    if (r != 0) {
        globfree(&g);
        if (r == GLOB_NOSPACE) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", pattern);
        return fvi_error_set(err, FV_ERR_INPUT, "%s: no file matches", pattern);
    }
    bool all = names_extension(pattern);
    fv_status st = FV_OK;
    for (size_t i = 0; st == FV_OK && i < g.gl_pathc; i++)
        if ((all || has_media_extension(g.gl_pathv[i])) && is_file(g.gl_pathv[i])) st = add(l, NULL, g.gl_pathv[i]);
    globfree(&g);
    if (st < 0) return fvi_error_set(err, st, "%s: %s", pattern, fv_status_text(st));
    if (l->count == 0) return fvi_error_set(err, FV_ERR_INPUT, "%s: no picture or video matches", pattern);
    return FV_OK;
}

/* Lists name sources one a line; '#' begins a comment. Names of files are relative to the list. Nothing in it is a protocol that an
 * argument could not be, standard input is not, and a list does not hold lists. */
static bool is_list(const char *src)
{
    const char *dot = strrchr(src, '.');
    return dot && (strcasecmp(dot, ".txt") == 0 || strcasecmp(dot, ".streams") == 0);
}

static fv_status add_entry(list *l, const char *list_name, int line, char *entry, fv_error *err)
{
    const char *slash = strrchr(list_name, '/');
    if (strcmp(entry, "-") == 0) return fvi_error_set(err, FV_ERR_INPUT, "%s:%d: standard input cannot stand in a list", list_name, line);
    if (entry[0] == '/' || fvi_media_is_address(entry) || fvi_media_kind_camera.claims(entry) || !slash) return add(l, NULL, entry);
    fvi_str dir = {0};
    fvi_str_addn(&dir, list_name, (size_t)(slash - list_name) + 1);
    fv_status st = dir.failed ? FV_ERR_MEMORY : add(l, dir.s, entry);
    fvi_str_free(&dir);
    return st;
}

static fv_status add_list(list *l, const char *path, fv_error *err)
{
    FILE *f = fopen(path, "re");
    if (!f) return fvi_error_set(err, FV_ERR_INPUT, "%s: %s", path, strerror(errno));
    char line[MAX_LINE];
    fv_status st = FV_OK;
    for (int n = 1; st == FV_OK && fgets(line, sizeof line, f); n++) {
        size_t len = strlen(line);
        if (len == sizeof line - 1 || (len && line[len - 1] != '\n' && !feof(f))) {
            st = fvi_error_set(err, FV_ERR_INPUT, "%s:%d: not a list of sources: the line is too long or no text", path, n);
            break;
        }
        while (len && strchr(" \t\r\n", line[len - 1])) line[--len] = 0;
        char *entry = line + strspn(line, " \t");
        if (entry[0] && entry[0] != '#') st = add_entry(l, path, n, entry, err);
    }
    fclose(f);
    if (st == FV_OK && l->count == 0) st = fvi_error_set(err, FV_ERR_INPUT, "%s: no source is named in this list", path);
    return st;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

fv_status fvi_media_expand(const char *src, char ***names, int *count, fv_error *err)
{
    if (!src || !names || !count) return fvi_error_set(err, FV_ERR_ARGUMENT, "no source given");
    *names = NULL;
    *count = 0;
    list l = {0};
    struct stat sb;
    fv_status st;
    bool listed = false; /* in the order in which somebody wrote it down */
    if (src[0] == 0)
        st = fvi_error_set(err, FV_ERR_INPUT, "the source name is empty");
    else if (strcmp(src, "-") == 0)
        st = add(&l, NULL, src);
    else if (stat(src, &sb) == 0)
        st = S_ISDIR(sb.st_mode) ? add_directory(&l, src, err) : (listed = S_ISREG(sb.st_mode) && is_list(src)) ? add_list(&l, src, err) : add(&l, NULL, src);
    else if (strstr(src, "://") || fvi_media_kind_camera.claims(src))
        st = add(&l, NULL, src); /* opening it says what can be read */
    else if (strpbrk(src, "*?["))
        st = add_glob(&l, src, err);
    else
        st = fvi_error_set(err, FV_ERR_INPUT, "%s: %s", src, strerror(errno));
    if (st == FV_OK) {
        if (!listed) qsort(l.names, l.count, sizeof *l.names, by_name);
        *names = l.names;
        *count = (int)l.count;
        return FV_OK;
    }
    if (st == FV_ERR_MEMORY) fvi_error_set(err, st, "%s: out of memory", src);
    fvi_media_names_free(&l.names, (int)l.count);
    return st;
}

void fvi_media_names_free(char ***names, int count)
{
    if (!names || !*names) return;
    for (int i = 0; i < count; i++) fvi_free((*names)[i]);
    FVI_FREE(*names);
}
