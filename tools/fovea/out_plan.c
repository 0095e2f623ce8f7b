/* out_plan.c: which files a run will write, and whether it may; everything that can be refused is refused here, before any
 * work (exit 7). Called by run.c. */
#include "out.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return !strcmp(path, "-") ? "stdin" : slash && slash[1] ? slash + 1 : path;
}

static const char *extension(const char *path)
{
    const char *base = file_name(path), *dot = strrchr(base, '.');
    return dot && dot != base ? dot : "";
}

static bool among(const char *ext, const char *const *known)
{
    for (; *known; known++)
        if (!strcasecmp(ext, *known)) return true;
    return false;
}
static const char *const video_out[] = {".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v", ".ts", NULL};
static const char *const picture_out[] = {".jpg", ".jpeg", ".png", NULL};
/* nobody means a directory by these */
static const char *const other_out[] = {".gif",  ".bmp", ".webp", ".tif", ".tiff", ".ppm",  ".avif", ".wmv", ".flv", ".mpg",
                                        ".mpeg", ".ogv", ".3gp",  ".y4m", ".json", ".jsonl", ".csv", ".txt", ".html", NULL};

/* rtsp://user:password@cam.local:554/live?x=1 -> "cam.local_554_live": nothing that a path could mean, nothing secret. */
static char *stem_of_address(const char *shown)
{
    text t = {0};
    const char *p = strstr(shown, "://") + 3, *at = strstr(p, "***@");
    if (at) p = at + 4;
    text_add(&t, "");
    for (; *p && *p != '?' && *p != '#'; p++) {
        bool plain = isalnum((unsigned char)*p) || *p == '-' || (*p == '.' && t.len);
        if (plain || (t.len && t.s[t.len - 1] != '_')) text_addn(&t, plain ? p : "_", 1);
    }
    while (t.len && t.s[t.len - 1] == '_') t.s[--t.len] = 0;
    if (!t.len) text_add(&t, "stream");
    return t.s;
}

/* a/x.jpg and b/x.jpg give x and x-2. */
static void name_stems(outputs *o)
{
    size_t n = (size_t)o->sources->n_files;
    const char **bases = tool_alloc((n + 1) * sizeof *bases);
    size_t *lengths = tool_alloc((n + 1) * sizeof *lengths);
    o->stems = tool_alloc((n + 1) * sizeof *o->stems);
    o->targets = tool_alloc((n + 1) * sizeof *o->targets);
    char **made = tool_alloc((n + 1) * sizeof *made);
    for (size_t i = 0; i < n; i++) {
        const char *name = o->sources->shown[i];
        if (strstr(name, "://")) made[i] = stem_of_address(name);
        bases[i] = made[i] ? made[i] : file_name(name);
        lengths[i] = strlen(bases[i]) - (made[i] ? 0 : strlen(extension(name)));
    }
    unique_stems(o->stems, bases, lengths, (int)n);
    for (size_t i = 0; i < n; i++) free(made[i]);
    free(made);
    free(bases);
    free(lengths);
}

static int make_dir(const outputs *o, const char *path)
{
    struct stat st;
    if (mkdir(path, 0777) && errno != EEXIST) return cli_error(o->a, EXIT_OUTPUT, "%s: %s", path, strerror(errno));
    if (stat(path, &st) || !S_ISDIR(st.st_mode)) return cli_error(o->a, EXIT_OUTPUT, "%s: is not a directory", path);
    if (access(path, W_OK | X_OK)) return cli_error(o->a, EXIT_OUTPUT, "%s: %s", path, strerror(errno));
    return 0;
}

/* Label files and crops have names that are not known yet: the directory must be new, empty, or --overwrite given. */
static int make_empty_dir(const outputs *o, const char *path)
{
    int code = make_dir(o, path), entries = 0;
    DIR *d = code ? NULL : opendir(path);
    while (d && readdir(d)) entries++;
    if (d) closedir(d);
    if (!code && entries > 2 && !cli_on(o->a, "overwrite"))
        code = cli_error(o->a, EXIT_OUTPUT, "%s: is not empty; give --overwrite to write into it", path);
    return code;
}

/* The place of a file that need not exist: its folder and its name in it. */
static bool place_of(const char *path, struct stat *dir, const char **name)
{
    const char *slash = strrchr(path, '/');
    text t = {0};
    text_addn(&t, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
    *name = slash ? slash + 1 : path;
    bool there = !stat(t.s, dir);
    text_free(&t);
    return there;
}

/* However the two are written: through other folders, links, … */
static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    const char *p, *q;
    if (!stat(a, &x) && !stat(b, &y)) return S_ISREG(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
    return place_of(a, &x, &p) && place_of(b, &y, &q) && x.st_dev == y.st_dev && x.st_ino == y.st_ino && !strcmp(p, q);
}

static bool is_an_input(const outputs *o, const char *path)
{
    const char *read[] = {o->model_path, o->s->names, cli_text(o->a, "config"), cli_text(o->a, "font"), cli_text(o->a, "coco-gt"),
                          o->s->mode == RUN_PREDICT ? NULL : cli_text(o->a, "replay")};
    for (size_t i = 0; i < sizeof read / sizeof *read; i++)
        if (read[i] && same_file(read[i], path)) return true;
    return file_set_has(o->inputs, path);
}

static int check_file(const outputs *o, const char *path)
{
    fv_error err = {0};
    if (strcmp(path, "-") && is_an_input(o, path)) return cli_error(o->a, EXIT_OUTPUT, "%s: is an input of this run; it is not overwritten", path);
    fv_status st = cli_check_output(o->a, path, &err);
    return st < 0 ? cli_fail(o->a, st, &err) : 0;
}

static int plan_directory(outputs *o)
{
    int code = make_dir(o, o->path);
    for (int i = 0; i < o->sources->n_files && !code; i++) {
        const char *src = o->sources->files[i], *ext = strstr(src, "://") ? "" : extension(src);
        bool picture = run_is_picture_name(src);
        text t = {0};
        if (!among(ext, picture ? picture_out : video_out)) ext = picture ? ".jpg" : ".mp4";
        if (!picture && strcasecmp(ext, ".mkv") && strcasecmp(ext, ".mov")) ext = ".mp4";
        text_folder(&t, o->path);
        text_printf(&t, "%s%s", o->stems[i], ext);
        o->targets[i] = t.s;
        code = check_file(o, t.s);
    }
    return code;
}

static int plan_annotated(outputs *o)
{
    struct stat st;
    int n = o->sources->n_files;
    o->path = cli_text(o->a, "output");
    if (!o->path) return 0;
    if (!o->path[0]) return cli_usage(o->a, "-o needs a name");
    bool directory = !stat(o->path, &st) && S_ISDIR(st.st_mode);
    bool video = among(extension(o->path), video_out), picture = among(extension(o->path), picture_out);
    if (!strcmp(o->path, "-")) {
        o->kind = OUT_PIPE;
        return n == 1 ? 0 : cli_usage(o->a, "-o - is for one video, not for %d inputs", n);
    }
    if (!directory && among(extension(o->path), other_out))
        return cli_usage(o->a, "-o %s: %s files cannot be written; .mp4, .mkv, .mov, .jpg and .png can", o->path, extension(o->path));
    if (directory || (!video && !picture)) {
        o->kind = OUT_DIR;
        return plan_directory(o);
    }
    if (n != 1) return cli_usage(o->a, "-o %s is one file, but there are %d inputs; give a directory", o->path, n);
    if (picture && !run_is_picture_name(o->sources->files[0]))
        return cli_usage(o->a, "-o %s is a picture, but the input is a video; give a .mp4 or a directory", o->path);
    if (video && run_is_picture_name(o->sources->files[0]))
        return cli_usage(o->a, "-o %s is a video, but the input is a picture; give a .jpg or .png or a directory", o->path);
    o->kind = OUT_FILE;
    o->targets[0] = tool_strdup(o->path);
    return check_file(o, o->path);
}

static int plan_texts(outputs *o)
{
    static const char *const flags[] = {"json", "csv", "mot", "coco", "summary", "run", "report", "heatmap", "events"};
    int code = 0, on_stdout = o->kind == OUT_PIPE, n = o->s->mode == RUN_COUNT ? 9 : o->s->mode == RUN_TRACK ? 8 : 7, videos = 0;
    for (int i = 0; i < n && !code; i++) {
        const char *path = cli_text(o->a, flags[i]);
        if (!path) continue;
        if (!strcmp(flags[i], "heatmap") && !heat_is_name(path)) return cli_usage(o->a, "--heatmap %s: a picture .png or numbers .npy can be written", path);
        on_stdout += !strcmp(path, "-");
        if (on_stdout > 1) return cli_usage(o->a, "only one output can go to stdout");
        code = check_file(o, path);
        for (int k = 0; k < i && !code; k++) {
            const char *other = cli_text(o->a, flags[k]);
            if (other && same_file(other, path)) code = cli_usage(o->a, "--%s and --%s go to the same file", flags[k], flags[i]);
        }
        for (int k = 0; k < o->sources->n_files && !code; k++)
            if (o->targets[k] && same_file(o->targets[k], path)) code = cli_usage(o->a, "-o and --%s go to the same file", flags[i]);
    }
    for (int i = 0; i < o->sources->n_files; i++) videos += !run_is_picture_name(o->sources->files[i]);
    if (!code && cli_given(o->a, "mot") && videos > 1) code = cli_usage(o->a, "--mot holds one video, but there are %d", videos);
    o->talk = on_stdout ? stderr : stdout;
    return code;
}

int outputs_plan(outputs *o, const cli_args *a, const settings *s, const run_sources *sources, const char *model_path)
{
    memset(o, 0, sizeof *o);
    o->a = a;
    o->s = s;
    o->sources = sources;
    o->model_path = model_path;
    o->many = sources->n_files > 1;
    o->txt_dir = cli_text(a, "save-txt");
    o->crop_dir = cli_text(a, "save-crop");
    o->map_dir = cli_text(a, "save-map");
    name_stems(o);
    o->inputs = file_set_create(sources->files, sources->n_files);
    int code = plan_annotated(o);
    if (!code) code = plan_texts(o);
    if (!code) code = out_map_parse(&o->map, a);
    if (!code && o->txt_dir) code = make_empty_dir(o, o->txt_dir);
    if (!code && o->crop_dir) code = make_empty_dir(o, o->crop_dir);
    if (!code && o->map_dir) code = make_empty_dir(o, o->map_dir);
    return code;
}
