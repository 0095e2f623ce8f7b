/* run_sources.c: SRC arguments -> sources, one after the other. Called by run.c; the row of pictures is read on the decode
 * thread of the pipeline. */
#include "run_sources.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Many sentences begin with the name already. */
static const char *without_name(const char *why, const char *name)
{
    size_t n = strlen(name);
    return !strncmp(why, name, n) && !strncmp(why + n, ": ", 2) ? why + n + 2 : why;
}

static char *shown_name(const char *name)
{
    text t = {0};
    text_redacted(&t, !name[0] ? "''" : !strcmp(name, "-") ? "stdin" : name);
    return t.s;
}

void run_sources_fail(run_sources *r, const char *name, const char *why, bool partial)
{
    if ((r->n_failures & (r->n_failures + 1)) == 0) { /* 0, 1, 3, 7, …: full */
        run_failure *bigger = tool_alloc((size_t)(r->n_failures + 1) * 2 * sizeof *bigger);
        if (r->n_failures) memcpy(bigger, r->failures, (size_t)r->n_failures * sizeof *bigger);
        free(r->failures);
        r->failures = bigger;
    }
    char *shown = shown_name(name);
    text said = {0};
    text_redacted(&said, without_name(without_name(why, name), shown));
    r->failures[r->n_failures++] = (run_failure){shown, said.s ? said.s : tool_strdup(""), partial};
}

static void add_files(run_sources *r, char **names, int n, int film)
{
    size_t old = (size_t)r->n_files, all = old + (size_t)n + 1;
    char **files = tool_alloc(all * sizeof *files), **shown = tool_alloc(all * sizeof *shown);
    int *films = tool_alloc(all * sizeof *films);
    bool *live = tool_alloc(all * sizeof *live);
    if (old) {
        memcpy(files, r->files, old * sizeof *files);
        memcpy(shown, r->shown, old * sizeof *shown);
        memcpy(films, r->film, old * sizeof *films);
        memcpy(live, r->live, old * sizeof *live);
    }
    free(r->files);
    free(r->shown);
    free(r->film);
    free(r->live);
    r->files = files;
    r->shown = shown;
    r->film = films;
    r->live = live;
    for (int i = 0; i < n; i++) {
        r->film[r->n_files] = film;
        r->live[r->n_files] = r->media->source_is_live(names[i]);
        r->n_live += r->live[r->n_files];
        r->shown[r->n_files] = shown_name(names[i]);
        r->files[r->n_files++] = tool_strdup(names[i]);
    }
}

void run_sources_init(run_sources *r, const cli_args *a, const fv_media_api *media, bool films)
{
    int film = 0;
    fv_source_options options = r->options;
    memset(r, 0, sizeof *r);
    r->options = options;
    r->media = media;
    r->films = films;
    for (int i = 0; i < cli_positionals(a); i++) {
        fv_error err = {0};
        char **names = NULL;
        int n = 0;
        const char *src = cli_positional(a, i);
        fv_status st = media->expand(src, &names, &n, &err);
        bool itself = st >= 0 && n == 1 && !strcmp(names[0], src);
        if (!itself) film++;
        if (st < 0)
            run_sources_fail(r, src, err.text[0] ? err.text : fv_status_text(st), false);
        else if (!n)
            run_sources_fail(r, src, "there are no pictures or videos in it", false);
        else
            add_files(r, names, n, film);
        if (!itself) film++;
        media->names_free(&names, n);
    }
    r->file_of = tool_alloc((size_t)(r->n_files + 1) * sizeof *r->file_of);
}

/* Opens files until one can be opened; it becomes `pending`. */
bool run_sources_ready(run_sources *r)
{
    while (!r->pending && r->at < r->n_files) {
        fv_error err = {0};
        r->pending_file = r->at++;
        if (r->live[r->pending_file]) continue;
        fv_status st = r->media->source_open(&r->pending, r->files[r->pending_file], &r->options, &err);
        if (st < 0) {
            run_sources_fail(r, r->files[r->pending_file], err.text[0] ? err.text : fv_status_text(st), false);
            r->pending = NULL;
        }
    }
    return r->pending || r->n_live;
}

static fv_status read_picture(fv_source *s, fv_frame *f, fv_error *err)
{
    run_sources *r = s->priv;
    (void)err; /* a broken picture goes into the list; the others are still read */
    while (run_sources_ready(r) && r->pending && r->pending->info.kind == FV_SOURCE_PICTURE) {
        if (r->films && r->film[r->pending_file] != r->row_film) return FV_END;
        fv_error why = {0};
        fv_source *picture = r->pending;
        r->pending = NULL;
        fv_status st = picture->read(picture, f, &why);
        picture->close(picture);
        if (st == FV_OK) {
            r->file_of[r->n_pictures] = r->pending_file;
            f->index = r->n_pictures++;
            f->pts = (double)f->index / RUN_PICTURE_FPS;
            return FV_OK;
        }
        run_sources_fail(r, r->files[r->pending_file], why.text[0] ? why.text : fv_status_text(st), false);
    }
    return FV_END;
}

static void close_pictures(fv_source *s) { (void)s; }

fv_source *run_sources_next(run_sources *r, bool *pictures, int *file)
{
    if (!run_sources_ready(r) || !r->pending) return NULL;
    *file = r->pending_file;
    *pictures = r->pending->info.kind == FV_SOURCE_PICTURE;
    if (*pictures) {
        memset(&r->pictures, 0, sizeof r->pictures);
        r->pictures.info = r->pending->info;
        r->pictures.info.fps = RUN_PICTURE_FPS;
        r->pictures.info.frames = r->n_files - r->pending_file;
        r->pictures.read = read_picture;
        r->pictures.close = close_pictures;
        r->pictures.priv = r;
        r->n_pictures = 0;
        r->row_film = r->film[r->pending_file];
        return &r->pictures;
    }
    fv_source *video = r->pending;
    r->pending = NULL;
    return video;
}

void run_sources_free(run_sources *r)
{
    if (r->pending) r->pending->close(r->pending);
    for (int i = 0; i < r->n_files; i++) {
        free(r->files[i]);
        free(r->shown[i]);
    }
    for (int i = 0; i < r->n_failures; i++) {
        free(r->failures[i].name);
        free(r->failures[i].why);
    }
    free(r->files);
    free(r->shown);
    free(r->film);
    free(r->live);
    free(r->failures);
    free(r->file_of);
    memset(r, 0, sizeof *r);
}

bool run_is_picture_name(const char *path)
{
    static const char *const known[] = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2", ".mpo", ".dng"};
    const char *dot = strstr(path, "://") ? NULL : strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof known / sizeof *known; i++)
        if (!strcasecmp(dot, known[i])) return true;
    return false;
}
