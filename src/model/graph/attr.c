/* attr.c: reading and setting node attributes. Called by shape rules, rewrites and backends. */
#include "base/error.h"
#include "model/graph/graph.h"
#include "model/graph/limits.h"
#include <string.h>

const fvi_attr *fvi_node_attr(const fvi_node *n, const char *name)
{
    for (int i = 0; i < n->n_attr; i++)
        if (strcmp(n->attr[i].name, name) == 0) return &n->attr[i];
    return NULL;
}

int64_t fvi_node_int(const fvi_node *n, const char *name, int64_t def)
{
    const fvi_attr *a = fvi_node_attr(n, name);
    return a && a->type == FVI_ATTR_INT ? a->i : def;
}

float fvi_node_float(const fvi_node *n, const char *name, float def)
{
    const fvi_attr *a = fvi_node_attr(n, name);
    return a && a->type == FVI_ATTR_FLOAT ? a->f : def;
}

const char *fvi_node_string(const fvi_node *n, const char *name, const char *def)
{
    const fvi_attr *a = fvi_node_attr(n, name);
    return a && a->type == FVI_ATTR_STRING ? a->s : def;
}

int fvi_node_ints(const fvi_node *n, const char *name, int64_t *out, int max)
{
    const fvi_attr *a = fvi_node_attr(n, name);
    if (!a || a->type != FVI_ATTR_INTS) return 0;
    for (int i = 0; i < a->count && i < max; i++) out[i] = a->ints[i];
    return a->count;
}

static fvi_attr *attr_for_writing(fvi_graph *g, fvi_node *n, const char *name)
{
    fvi_attr *a = (fvi_attr *)fvi_node_attr(n, name);
    if (!a) {
        fvi_attr *grown = fvi_arena_array(g->arena, (size_t)n->n_attr + 1, sizeof *grown);
        char *copy = fvi_arena_strdup(g->arena, name);
        if (!grown || !copy) return NULL;
        if (n->n_attr) memcpy(grown, n->attr, (size_t)n->n_attr * sizeof *grown);
        n->attr = grown;
        a = &grown[n->n_attr++];
        a->name = copy;
    }
    *a = (fvi_attr){.name = a->name};
    return a;
}

fv_status fvi_node_set_int(fvi_graph *g, fvi_node *n, const char *name, int64_t v)
{
    fvi_attr *a = attr_for_writing(g, n, name);
    if (!a) return FV_ERR_MEMORY;
    a->type = FVI_ATTR_INT;
    a->i = v;
    return FV_OK;
}

fv_status fvi_node_set_ints(fvi_graph *g, fvi_node *n, const char *name, const int64_t *v, int count)
{
    int64_t *copy = fvi_arena_array(g->arena, count > 0 ? (size_t)count : 1, sizeof *copy);
    fvi_attr *a = copy ? attr_for_writing(g, n, name) : NULL;
    if (!a) return FV_ERR_MEMORY;
    if (count > 0) memcpy(copy, v, (size_t)count * sizeof *copy);
    a->type = FVI_ATTR_INTS;
    a->count = count;
    a->ints = copy;
    return FV_OK;
}

int fvi_node_axes(const fvi_node *n, int rank, int64_t out[FV_MAX_RANK])
{
    int64_t axes[FV_MAX_RANK];
    int count = 0;
    if (n->n_in > 1 && n->in[1]) {
        count = fvi_value_ints(n->in[1], axes, FV_MAX_RANK);
    } else if (fvi_node_attr(n, "axes")) {
        count = fvi_node_ints(n, "axes", axes, FV_MAX_RANK);
        if (count > FV_MAX_RANK) return -1;
    }
    bool seen[FV_MAX_RANK] = {false};
    for (int i = 0; i < count; i++) {
        int64_t a = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (a < 0 || a >= rank || seen[a]) return -1;
        seen[a] = true;
        out[i] = a;
    }
    return count;
}
