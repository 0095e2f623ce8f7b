/* models.c: the name of a model -> the model. Called by every verb that has one. */
#include "models.h"
#include "text.h"
#include <fovea/engine.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool models_builtin(const char *name)
{
    const char *have;
    for (int i = 0; name && (have = fv_builtin_model_name(i, NULL)); i++)
        if (!strcmp(have, name)) return true;
    return false;
}

static char *found(const char *dir, const char *name, const char *ext)
{
    text t = {0};
    struct stat st;
    text_folder(&t, dir);
    text_printf(&t, "%s%s", name, ext);
    if (!stat(t.s, &st) && S_ISREG(st.st_mode)) return t.s;
    text_free(&t);
    return NULL;
}

char *models_find(const char *name)
{
    if (!name || !name[0]) return NULL;
    if (!strcmp(name, "-") || models_builtin(name)) return tool_strdup(name);
    const char *env = getenv("FOVEA_MODELS"), *dirs[2] = {env && env[0] ? env : "models", "models"};
    char *path = found("", name, "");
    for (int i = 0; i < 2 && !path && !strchr(name, '/'); i++) {
        path = found(dirs[i], name, ".onnx");
        if (!path) path = found(dirs[i], name, "");
    }
    return path;
}

static int64_t from_stdin(void *user, void *to, size_t size)
{
    (void)user;
    for (;;) {
        const ssize_t n = read(STDIN_FILENO, to, size);
        if (n >= 0 || errno != EINTR) return n;
    }
}

fv_status models_load(fv_model **out, fv_context *ctx, const char *place, const fv_model_options *opt, fv_error *err)
{
    const void *bytes;
    size_t size;
    if (!strcmp(place, "-")) return fv_model_load_stream(out, ctx, from_stdin, NULL, opt, err);
    if (!models_builtin(place)) return fv_model_load(out, ctx, place, opt, err);
    fv_status st = fv_builtin_model(place, &bytes, &size, err);
    return st < 0 ? st : fv_model_load_memory(out, ctx, bytes, size, opt, err);
}

int models_missing(const cli_args *a, const char *name)
{
    struct stat there;
    if (!stat(name, &there))
        return cli_error(a, EXIT_MODEL, "%s: is %s, not a model file", name, S_ISDIR(there.st_mode) ? "a directory" : "a device or pipe");
    if (strpbrk(name, "/.")) return cli_error(a, EXIT_MODEL, "%s: %s", name, strerror(ENOENT));
    return cli_error(a, EXIT_MODEL, "there is no model '%s': none built in (`fovea doctor` lists those), no file here, in $FOVEA_MODELS or in ./models", name);
}
