/* ops.c: the operator table of ops.h as data, and its lookup by ONNX domain and name. */
#include "model/graph/ops.h"
#include "model/graph/shape.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const fvi_op_info info[FVI_OP_COUNT] = {
    [FVI_OP_NONE] = {"none", 0, 0, 0, 0, 1, NULL},
#define FVI_OP_INFO(id, name, i0, i1, o0, o1, opset, rule) [FVI_OP_##id] = {name, i0, i1, o0, o1, opset, fvi_shape_##rule},
    FVI_OP_LIST(FVI_OP_INFO)
#undef FVI_OP_INFO
};

const fvi_op_info *fvi_op_get(fvi_op op) { return &info[(unsigned)op < FVI_OP_COUNT ? op : FVI_OP_NONE]; }

/* Does the table's name ("Conv" or "fovea.Silu") say this domain and operator? */
static bool matches(const char *entry, const char *domain, const char *name)
{
    size_t d = strlen(domain);
    if (d == 0) return strcmp(entry, name) == 0;
    return strncmp(entry, domain, d) == 0 && entry[d] == '.' && strcmp(entry + d + 1, name) == 0;
}

fvi_op fvi_op_find(const char *domain, const char *name)
{
    if (!domain || strcmp(domain, "ai.onnx") == 0) domain = "";
    if (domain[0] == 0 && strchr(name, '.')) return FVI_OP_NONE;
    for (int op = 1; op < FVI_OP_COUNT; op++)
        if (matches(info[op].name, domain, name)) return (fvi_op)op;
    return FVI_OP_NONE;
}
