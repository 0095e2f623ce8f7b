/* names.c: the table of class names of a detector. In: names from the user or from metadata. Out: a name for every class id.
 * Called by detector.c. */
#include "flow/names.h"
#include "base/alloc.h"
#include "vision/heads/heads.h"
#include <stdio.h>

static bool copy_all(fvi_flow_names *t, const char *const *names, int n)
{
    if (n <= 0) return true;
    t->name = fvi_calloc((size_t)n, sizeof *t->name);
    if (!t->name) return false;
    t->count = n;
    for (int i = 0; i < n; i++)
        if (names[i] && names[i][0] && !(t->name[i] = fvi_strdup(names[i]))) return false;
    return true;
}

bool fvi_flow_names_load(fvi_flow_names *t, const char *const *user, int n_user, const char *literal)
{
    if (user && n_user > 0) return copy_all(t, user, n_user);
    if (!literal) return true;
    char **parsed = NULL;
    int n = fvi_heads_parse_names(literal, &parsed);
    bool ok = n <= 0 || copy_all(t, (const char *const *)parsed, n);
    if (n > 0) fvi_free(parsed);
    return ok;
}

bool fvi_flow_names_fill(fvi_flow_names *t, int n_classes)
{
    if (!t->count && n_classes == FVI_HEADS_COCO) {
        t->assumed = true;
        return copy_all(t, fvi_heads_coco, FVI_HEADS_COCO);
    }
    if (n_classes > t->count) {
        char **grown = fvi_realloc_array(t->name, (size_t)t->count, (size_t)n_classes, sizeof *grown);
        if (!grown) return false;
        t->name = grown;
        t->count = n_classes;
    }
    for (int i = 0; i < t->count; i++) {
        char text[32];
        if (t->name[i]) continue;
        snprintf(text, sizeof text, "class%d", i);
        if (!(t->name[i] = fvi_strdup(text))) return false;
    }
    return true;
}

const char *fvi_flow_names_get(const fvi_flow_names *t, int class_id)
{
    return class_id >= 0 && class_id < t->count && t->name[class_id] ? t->name[class_id] : "unknown";
}

void fvi_flow_names_free(fvi_flow_names *t)
{
    for (int i = 0; i < t->count; i++) fvi_free(t->name[i]);
    FVI_FREE(t->name);
    t->count = 0;
}
