/* external.c: tensor data in files beside the model. A model may only name files in its own folder: no absolute path, no
 * "..", no link that leads out. Files stay mapped while the graph lives. */
#include "base/alloc.h"
#include "model/onnx/internal.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES ((size_t)1 << 40)

static bool safe_location(const char *s)
{
    if (!s[0] || s[0] == '/' || strchr(s, '\\')) return false;
    for (const char *p = s; p; p = strchr(p, '/')) {
        if (*p == '/') p++;
        if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == 0)) return false;
    }
    return true;
}

/* The real path of dir/location, when it lies in dir. */
static fv_status real_path(fvi_onnx *o, const char *tensor, const char *location, char out[PATH_MAX])
{
    char folder[PATH_MAX], joined[PATH_MAX];
    const char *dir = o->dir[0] ? o->dir : ".";
    size_t n = strlen(dir), m = strlen(location);
    if (n + m + 2 > sizeof joined)
        return fvi_error_set(o->err, FV_ERR_MODEL, "tensor \"%.100s\": the path of its external data is too long", tensor);
    memcpy(joined, dir, n);
    joined[n] = '/';
    memcpy(joined + n + 1, location, m + 1);
    if (!realpath(dir, folder) || !realpath(joined, out))
        return fvi_error_set(o->err, FV_ERR_MODEL, "tensor \"%.100s\": its external data \"%.150s\" cannot be read: %s",
                             tensor, location, strerror(errno));
    n = strlen(folder);
    if (strncmp(out, folder, n) != 0 || (out[n] != '/' && !(n == 1 && folder[0] == '/')))
        return fvi_error_set(o->err, FV_ERR_MODEL,
                             "tensor \"%.100s\": its external data \"%.150s\" is a link out of the model's folder",
                             tensor, location);
    return FV_OK;
}

static fv_status open_file(fvi_onnx *o, const char *tensor, char *location, const fvi_map **out)
{
    fvi_graph *g = o->g;
    for (int i = 0; i < g->n_maps; i++) {
        if (strcmp(o->map_names[i], location) == 0) {
            *out = &g->maps[i];
            return FV_OK;
        }
    }
    char path[PATH_MAX];
    if (!o->dir)
        return fvi_error_set(o->err, FV_ERR_MODEL,
                             "tensor \"%.100s\" is stored in another file (\"%.150s\"); load the model by its path",
                             tensor, location);
    if (!safe_location(location))
        return fvi_error_set(o->err, FV_ERR_MODEL,
                             "tensor \"%.100s\": its external data \"%.150s\" is not in the model's folder", tensor,
                             location);
    if (g->n_maps >= FVI_ONNX_MAX_FILES)
        return fvi_error_set(o->err, FV_ERR_LIMIT, "the model's data is in more than %d files", FVI_ONNX_MAX_FILES);
    FVI_TRY(real_path(o, tensor, location, path));
    if (!g->maps) {
        g->maps = fvi_arena_array(g->arena, FVI_ONNX_MAX_FILES, sizeof *g->maps);
        o->map_names = fvi_arena_array(g->arena, FVI_ONNX_MAX_FILES, sizeof *o->map_names);
        if (!g->maps || !o->map_names) return fvi_onnx_memory(o);
    }
    fv_status st = fvi_map_open(&g->maps[g->n_maps], path, MAX_BYTES, o->err);
    if (st < 0) return fvi_error_prefix(o->err, st, "tensor \"%.100s\": its external data", tensor);
    o->map_names[g->n_maps] = location;
    *out = &g->maps[g->n_maps++];
    o->copy_budget += (uint64_t)(*out)->size * 2;
    return FV_OK;
}

fv_status fvi_onnx_external(fvi_onnx *o, const char *tensor, fvi_span location, uint64_t offset, uint64_t length, fvi_span *out)
{
    if (location.n == 0 || location.n >= PATH_MAX || memchr(location.p, 0, location.n))
        return fvi_error_set(o->err, FV_ERR_MODEL,
                             "tensor \"%.100s\": the location of its external data is missing or damaged", tensor);
    char *name = fvi_arena_strndup(o->g->arena, (const char *)location.p, location.n);
    if (!name) return fvi_onnx_memory(o);
    const fvi_map *map;
    FVI_TRY(open_file(o, tensor, name, &map));
    if (offset > map->size || length > map->size - offset)
        return fvi_error_set(o->err, FV_ERR_MODEL,
                             "tensor \"%.100s\": its external data lies past the end of \"%.150s\"", tensor, name);
    *out = (fvi_span){map->data + offset, (size_t)length};
    return FV_OK;
}
