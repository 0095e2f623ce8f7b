/* builtin.c: the models that are part of the library, by name. Their bytes come from models/ (data.c); who wants a network gives
 * them to fv_model_load_memory. */
#include "model/builtin/builtin.h"
#include "base/error.h"
#include <fovea/model.h>
#include <stdio.h>
#include <string.h>

const char *fv_builtin_model_name(int i, const char **about)
{
    if (i < 0 || i >= fvi_builtin_count) return NULL;
    if (about) *about = fvi_builtin_models[i].about;
    return fvi_builtin_models[i].name;
}

static fv_status nothing_of_that_name(const char *name, fv_error *err)
{
    char all[96] = "";
    size_t at = 0;
    if (!fvi_builtin_count) return fvi_error_set(err, FV_ERR_MODEL, "there is no built-in model '%.40s': this library was built without any", name);
    for (int i = 0; i < fvi_builtin_count && at < sizeof all; i++) {
        int n = snprintf(all + at, sizeof all - at, "%s%s", i == 0 ? "" : i == fvi_builtin_count - 1 ? " and " : ", ", fvi_builtin_models[i].name);
        if (n > 0) at += (size_t)n;
    }
    return fvi_error_set(err, FV_ERR_MODEL, "there is no built-in model '%.40s'; there %s %s", name, fvi_builtin_count == 1 ? "is" : "are", all);
}

fv_status fv_builtin_model(const char *name, const void **bytes, size_t *size, fv_error *err)
{
    if (!name || !bytes || !size) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_builtin_model: name, bytes or size is null");
    *bytes = NULL;
    *size = 0;
    for (int i = 0; i < fvi_builtin_count; i++) {
        const fvi_builtin_model *m = &fvi_builtin_models[i];
        if (strcmp(m->name, name) != 0) continue;
        *bytes = m->begin;
        *size = (size_t)(m->end - m->begin);
        return FV_OK;
    }
    return nothing_of_that_name(name, err);
}
