/* quantize_data.c: --data of `fovea quantize`: a folder, a list, a glob, a film or one picture, or a folder of .npy tensors. */
#include "npy.h"
#include "quantize.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_HASHED ((size_t)1 << 30)

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool is_tensor(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && !strcmp(name + n - 4, ".npy");
}

/* The .npy files of a folder, sorted; none: it holds pictures. */
static void find_tensors(quantize_data *d, const char *src)
{
    DIR *dir = opendir(src);
    int cap = 0;
    if (!dir) return;
    for (struct dirent *e; (e = readdir(dir));) {
        if (!is_tensor(e->d_name)) continue;
        if (d->n_files == cap) {
            char **more = tool_alloc((size_t)(cap = cap * 2 + 64) * sizeof *more);
            if (d->n_files) memcpy(more, d->files, (size_t)d->n_files * sizeof *more);
            free(d->files);
            d->files = more;
        }
        text path = {0};
        text_folder(&path, src);
        text_add(&path, e->d_name);
        d->files[d->n_files++] = path.s;
    }
    closedir(dir);
    if (d->n_files) qsort(d->files, (size_t)d->n_files, sizeof *d->files, by_name);
    d->tensors = d->n_files > 0;
}

int quantize_data_open(quantize_data *d, const cli_args *a, const char *src, int64_t limit, int64_t step)
{
    fv_error err = {0};
    char **names = NULL;
    int n = 0;
    d->a = a;
    d->limit = limit;
    d->step = step;
    find_tensors(d, src);
    if (d->tensors) return EXIT_OK;
    d->media = cli_media(&err);
    if (!d->media) return cli_fail(a, FV_ERR_MEDIA, &err);
    fv_status st = d->media->expand(src, &names, &n, &err);
    if (st < 0) return cli_error(a, EXIT_INPUT, "%s", err.text[0] ? err.text : fv_status_text(st));
    d->files = tool_alloc(((size_t)n + 1) * sizeof *d->files);
    for (int i = 0; i < n; i++) d->files[d->n_files++] = tool_strdup(names[i]);
    d->media->names_free(&names, n);
    return n ? EXIT_OK : cli_error(a, EXIT_INPUT, "%s: there are no pictures, films or tensors in it", src);
}

void quantize_data_rewind(quantize_data *d)
{
    if (d->film) d->film->close(d->film);
    d->film = NULL;
    d->at = d->n_failed = 0;
    d->given = d->frames = 0;
}

static void failed(quantize_data *d, const char *name, const fv_error *err)
{
    if (!d->n_failed++) snprintf(d->first_failure, sizeof d->first_failure, "%.1000s%s%.500s", strstr(err->text, name) ? "" : name, strstr(err->text, name) ? "" : ": ", err->text);
}

fv_status quantize_data_frame(quantize_data *d, fv_frame *f)
{
    while (d->given < d->limit) {
        fv_error err = {0};
        if (!d->film) {
            if (d->at == d->n_files) return FV_END;
            const char *name = d->files[d->at++];
            d->frames = 0;
            if (d->media->source_open(&d->film, name, FV_SOURCE_OPTIONS(0), &err) < 0) {
                d->film = NULL;
                failed(d, name, &err);
                continue;
            }
        }
        fv_status st = d->film->read(d->film, f, &err);
        if (st == FV_OK && d->frames++ % d->step == 0) {
            d->given++;
            return FV_OK;
        }
        if (st == FV_OK) {
            fv_frame_release(f);
            continue;
        }
        if (st != FV_END) failed(d, d->files[d->at - 1], &err);
        d->film->close(d->film);
        d->film = NULL;
    }
    return FV_END;
}

fv_status quantize_data_tensor(quantize_data *d, fv_tensor *t)
{
    while (d->given < d->limit && d->at < d->n_files) {
        fv_error err = {0};
        if (npy_read(d->files[d->at++], t, &err) >= 0) {
            d->given++;
            return FV_OK;
        }
        failed(d, d->files[d->at - 1], &err);
    }
    return FV_END;
}

uint64_t quantize_data_hash(const quantize_data *d)
{
    uint64_t h = fv_calibration_hash(&d->limit, sizeof d->limit, 11);
    h = fv_calibration_hash(&d->step, sizeof d->step, h);
    for (int i = 0; i < d->n_files && i < d->limit; i++) {
        fv_error err = {0};
        char *bytes = NULL;
        size_t size = 0;
        struct stat st;
        const char *slash = strrchr(d->files[i], '/'), *name = slash ? slash + 1 : d->files[i];
        h = fv_calibration_hash(name, strlen(name), h);
        if (stat(d->files[i], &st) == 0) h = fv_calibration_hash(&st.st_size, sizeof st.st_size, h);
        if (cli_read_file(d->files[i], MAX_HASHED, &bytes, &size, &err) < 0) continue;
        h = fv_calibration_hash(bytes, size, h);
        free(bytes);
    }
    return h;
}

void quantize_data_close(quantize_data *d)
{
    if (d->film) d->film->close(d->film);
    for (int i = 0; i < d->n_files; i++) free(d->files[i]);
    free(d->files);
    *d = (quantize_data){0};
}
