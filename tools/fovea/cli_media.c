/* cli_media.c: loads libfovea-media when a verb first needs pictures or video. Verbs that only compute never come here, so
 * they start at once and run where no FFmpeg is installed. */
#include "cli.h"
#include "text.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libfovea-media.so.0"

/* dlopen of one path; a file that is there but does not load is worth reporting. */
static void *try_open(const char *path, text *why)
{
    if (strchr(path, '/') && access(path, F_OK) != 0) return NULL;
    void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!lib) {
        const char *e = dlerror();
        text_printf(why, "%s%s", why->len ? "; " : "", e ? e : path);
    }
    return lib;
}

static void *open_library(text *why)
{
    static const char *const beside[] = {"", "../lib/", "../" CLI_LIBDIR "/"};
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    void *lib = NULL;
    if (n > 0) {
        self[n] = 0;
        char *slash = strrchr(self, '/');
        if (slash) slash[1] = 0;
        for (size_t i = 0; i < sizeof beside / sizeof *beside && !lib && slash; i++) {
            text path = {0};
            text_printf(&path, "%s%s%s", self, beside[i], LIBRARY);
            lib = try_open(path.s, why);
            text_free(&path);
        }
    }
    return lib ? lib : try_open(LIBRARY, why);
}

const fv_media_api *cli_media(fv_error *err)
{
    static const fv_media_api *api;
    if (api) return api;
    text why = {0};
    void *lib = open_library(&why);
    union {
        void *object;
        fv_media_get_fn fn;
    } get = {lib ? dlsym(lib, "fv_media_get") : NULL};
    if (get.object) api = get.fn();
    if (!lib)
        cli_set_error(err, FV_ERR_MEDIA, "pictures and video need %s, which cannot be loaded: %s", LIBRARY, why.s ? why.s : "not found");
    else if (!api || api->size < sizeof *api) {
        cli_set_error(err, FV_ERR_MEDIA, "%s is of another version than this program", LIBRARY);
        api = NULL;
    }
    text_free(&why);
    return api;
}
