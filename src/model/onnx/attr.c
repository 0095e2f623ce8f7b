/* attr.c: AttributeProto -> fvi_attr. */
#include "base/alloc.h"
#include "model/onnx/internal.h"
#include <string.h>

enum { AUTO, FLOAT, INT, STRING, TENSOR, GRAPH, FLOATS, INTS, STRINGS, TENSORS, GRAPHS, SPARSE, SPARSES, TYPE_PROTO, TYPE_PROTOS };

/* Counts first (so that arrays are allocated once), then fills. */
typedef struct lists {
    size_t ints, floats; /* upper bounds */
    int type;
    bool seen[16];
} lists;

static fv_status count_lists(fvi_onnx *o, fvi_span s, lists *l)
{
    fvi_field f;
    bool more;
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "an attribute", &more));
        if (!more) return FV_OK;
        if (f.number < 16) l->seen[f.number] = true;
        if (f.number == 8) l->ints += f.type == FVI_WIRE_BYTES ? f.bytes.n : 1;
        if (f.number == 7) l->floats += f.type == FVI_WIRE_BYTES ? f.bytes.n / 4 : 1;
        if (f.number == 20) l->type = (int)f.value;
    }
}

/* Files of the first ONNX versions leave the type out. */
static int guess_type(const lists *l)
{
    static const struct {
        int field, type;
    } order[] = {{7, FLOATS},   {8, INTS},    {5, TENSOR}, {6, GRAPH}, {11, GRAPHS},
                 {10, TENSORS}, {9, STRINGS}, {4, STRING}, {3, INT},   {2, FLOAT}};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (l->seen[order[i].field]) return order[i].type;
    return INTS; /* an empty list */
}

static fv_status add_floats(fvi_onnx *o, const fvi_field *f, fvi_attr *a, size_t room)
{
    fvi_span s = f->bytes;
    uint32_t bits = (uint32_t)f->value;
    if (f->type == FVI_WIRE_FIXED32 && (size_t)a->count < room) memcpy(&a->floats[a->count++], &bits, 4);
    if (f->type != FVI_WIRE_BYTES) return FV_OK;
    if (s.n % 4) return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "attribute \"%.100s\" has a damaged list", a->name);
    for (; s.n >= 4 && (size_t)a->count < room; s.p += 4, s.n -= 4) memcpy(&a->floats[a->count++], s.p, 4);
    return FV_OK;
}

static fv_status fill(fvi_onnx *o, fvi_span s, fvi_attr *a, const lists *l)
{
    fvi_field f;
    bool more;
    fvi_span ignored;
    uint32_t bits;
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "an attribute", &more));
        if (!more) return FV_OK;
        if (f.number == 2) {
            bits = (uint32_t)f.value;
            memcpy(&a->f, &bits, 4);
        }
        if (f.number == 3) a->i = (int64_t)f.value;
        if (f.number == 4 && a->type == FVI_ATTR_STRING) FVI_TRY(fvi_onnx_text(o, &f, FVI_ONNX_MAX_NAME, &a->s));
        if (f.number == 5 && a->type == FVI_ATTR_TENSOR && f.type == FVI_WIRE_BYTES && !a->tensor) {
            a->tensor = fvi_arena_alloc(o->g->arena, sizeof *a->tensor);
            if (!a->tensor) return fvi_onnx_memory(o);
            a->tensor->name = a->name;
            FVI_TRY(fvi_onnx_tensor(o, f.bytes, a->tensor, &ignored));
        }
        if (f.number == 7 && a->type == FVI_ATTR_FLOATS) FVI_TRY(add_floats(o, &f, a, l->floats));
        if (f.number == 8 && a->type == FVI_ATTR_INTS) FVI_TRY(fvi_onnx_ints(o, &f, a->ints, &a->count, (int)l->ints, "an attribute"));
    }
}

static fv_status read_name(fvi_onnx *o, fvi_span s, fvi_attr *a, const char *what)
{
    fvi_field f;
    bool more;
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "an attribute", &more));
        if (!more) break;
        if (f.number == 1) FVI_TRY(fvi_onnx_text(o, &f, FVI_ONNX_MAX_NAME, &a->name));
        if (f.number == 21 && f.bytes.n)
            return fvi_error_set(o->err, FV_ERR_UNSUPPORTED, "%s: attributes of model functions are not supported",
                                 what);
    }
    return a->name && a->name[0] ? FV_OK : fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "%s has an attribute without a name", what);
}

fv_status fvi_onnx_attr(fvi_onnx *o, fvi_span s, fvi_attr *a, const char *what)
{
    lists l = {0};
    FVI_TRY(read_name(o, s, a, what));
    FVI_TRY(count_lists(o, s, &l));
    switch (l.type == AUTO ? guess_type(&l) : l.type) {
    case FLOAT: a->type = FVI_ATTR_FLOAT; break;
    case INT: a->type = FVI_ATTR_INT; break;
    case STRING: a->type = FVI_ATTR_STRING; break;
    case TENSOR: a->type = FVI_ATTR_TENSOR; break;
    case FLOATS: a->type = FVI_ATTR_FLOATS; break;
    case INTS: a->type = FVI_ATTR_INTS; break;
    case GRAPH: case GRAPHS:
        return fvi_error_set(o->err, FV_ERR_UNSUPPORTED,
                             "%s: attribute \"%.60s\" is a subgraph (control flow), which is not supported", what,
                             a->name);
    default:
        return fvi_error_set(o->err, FV_ERR_UNSUPPORTED, "%s: attribute \"%.60s\" is of a type that is not supported",
                             what, a->name);
    }
    if (l.ints > INT32_MAX || l.floats > INT32_MAX)
        return fvi_error_set(o->err, FV_ERR_LIMIT, "%s: attribute \"%.60s\" is too long", what, a->name);
    if (a->type == FVI_ATTR_INTS) a->ints = fvi_arena_array(o->g->arena, l.ints + 1, sizeof *a->ints);
    if (a->type == FVI_ATTR_FLOATS) a->floats = fvi_arena_array(o->g->arena, l.floats + 1, sizeof *a->floats);
    if ((a->type == FVI_ATTR_INTS && !a->ints) || (a->type == FVI_ATTR_FLOATS && !a->floats)) return fvi_onnx_memory(o);
    FVI_TRY(fill(o, s, a, &l));
    if (a->type == FVI_ATTR_STRING && !a->s) { /* proto3 leaves empty strings out */
        a->s = fvi_arena_strdup(o->g->arena, "");
        if (!a->s) return fvi_onnx_memory(o);
    }
    if (a->type == FVI_ATTR_TENSOR && !a->tensor)
        return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "%s: attribute \"%.60s\" has no tensor", what, a->name);
    return FV_OK;
}
