/* media_load.c: finds libfovea-media and gives its table. Programs linked with it get the one they have; others load it here,
 * so that those which only compute start at once and run where no FFmpeg is installed. Called by programs and by stream.c. */
#include "base/error.h"
#include "base/str.h"
#include <dlfcn.h>
#include <fovea/media.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libfovea-media.so.0"

/* Null unless the program is linked with libfovea-media. */
extern const fv_media_api *fv_media_get(void) __attribute__((weak));

/* A file that is there but does not load is worth reporting. */
static void *try_open(const char *path, fvi_str *why)
{
    if (strchr(path, '/') && access(path, F_OK) != 0) return NULL;
    void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!lib) {
        const char *e = dlerror();
        fvi_str_printf(why, "%s%s", why->len ? "; " : "", e ? e : path);
    }
    return lib;
}

/* `self`: a file of ours, an absolute path. */
static void *try_near(const char *self, fvi_str *why)
{
    static const char *const folders[] = {"", "../lib/", "../" FVI_LIBDIR "/"};
    const char *slash = strrchr(self, '/');
    void *lib = NULL;
    for (size_t i = 0; slash && i < sizeof folders / sizeof *folders && !lib; i++) {
        fvi_str path = {0};
        fvi_str_addn(&path, self, (size_t)(slash - self) + 1);
        fvi_str_printf(&path, "%s%s", folders[i], LIBRARY);
        if (!path.failed) lib = try_open(path.s, why);
        fvi_str_free(&path);
    }
    return lib;
}

static void *find(const char *path, fvi_str *why)
{
    char program[4096];
    Dl_info here;
    if (path) return try_open(path, why);
    /* a function and an object of data have different pointers in C, so the address of a string of this library */
    void *lib = dladdr(LIBRARY, &here) && here.dli_fname && here.dli_fname[0] == '/' ? try_near(here.dli_fname, why) : NULL;
    ssize_t n = lib ? 0 : readlink("/proc/self/exe", program, sizeof program - 1);
    if (n > 0) {
        program[n] = 0;
        lib = try_near(program, why);
    }
    return lib ? lib : try_open(LIBRARY, why);
}

fv_status fv_media_load(const fv_media_api **out, const char *path, fv_error *err)
{
    if (!out) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_media_load: out is null");
    *out = NULL;
    union { /* ISO C has no conversion between the two */
        void *object;
        fv_media_get_fn fn;
    } get = {.fn = path ? NULL : fv_media_get};
    fvi_str why = {0};
    void *lib = get.fn ? NULL : find(path, &why);
    if (lib) get.object = dlsym(lib, "fv_media_get");
    fv_status st = FV_OK;
    const fv_media_api *api = get.fn ? get.fn() : NULL;
    if (!get.fn && !lib)
        st = fvi_error_set(err, FV_ERR_MEDIA, "pictures and video need %s, which cannot be loaded: %s", path ? path : LIBRARY, why.s ? why.s : "not found");
    else if (!api || api->size < sizeof *api)
        st = fvi_error_set(err, FV_ERR_MEDIA, "%s is of another version than this program", path ? path : LIBRARY);
    else
        *out = api;
    fvi_str_free(&why);
    return st;
}
