/* tensor.c: TensorProto -> constant. Borrows raw bytes that are aligned, copies the rest; FP16, BF16 and FP64 become FP32. */
#include "base/alloc.h"
#include "base/checked.h"
#include "kern/elementwise.h"
#include "model/onnx/internal.h"
#include <string.h>

/* What a TensorProto said, before it is checked. */
typedef struct proto {
    int64_t dim[FV_MAX_RANK];
    int rank;
    int64_t type;
    fvi_span name, raw, location;
    fvi_span typed; /* the message again: typed fields are read in a second walk */
    uint64_t offset, length;
    bool has_raw, external, has_typed, has_strings;
} proto;

static const struct {
    const char *name;
    fv_dtype to; /* FV_NONE = not supported */
    int bytes;   /* in raw data */
    bool widened;
} types[] = {
    [0] = {"undefined", FV_NONE, 0, false},
    [1] = {"float32", FV_F32, 4, false},
    [2] = {"uint8", FV_U8, 1, false},
    [3] = {"int8", FV_I8, 1, false},
    [4] = {"uint16", FV_U16, 2, false},
    [5] = {"int16", FV_I16, 2, false},
    [6] = {"int32", FV_I32, 4, false},
    [7] = {"int64", FV_I64, 8, false},
    [8] = {"string", FV_NONE, 0, false},
    [9] = {"bool", FV_BOOL, 1, false},
    [10] = {"float16", FV_F32, 2, true},
    [11] = {"float64", FV_F32, 8, true},
    [12] = {"uint32", FV_U32, 4, false},
    [13] = {"uint64", FV_U64, 8, false},
    [14] = {"complex64", FV_NONE, 0, false},
    [15] = {"complex128", FV_NONE, 0, false},
    [16] = {"bfloat16", FV_F32, 2, true},
    [17] = {"float8e4m3fn", FV_NONE, 0, false},
    [18] = {"float8e4m3fnuz", FV_NONE, 0, false},
    [19] = {"float8e5m2", FV_NONE, 0, false},
    [20] = {"float8e5m2fnuz", FV_NONE, 0, false},
    [21] = {"uint4", FV_NONE, 0, false},
    [22] = {"int4", FV_NONE, 0, false},
    [23] = {"float4e2m1", FV_NONE, 0, false},
};
#define N_TYPES ((int64_t)(sizeof types / sizeof *types))
static bool known(int64_t type) { return type >= 0 && type < N_TYPES; }
fv_dtype fvi_onnx_dtype(int64_t type) { return known(type) ? types[type].to : FV_NONE; }
const char *fvi_onnx_dtype_name(int64_t type) { return known(type) ? types[type].name : "unknown"; }
bool fvi_onnx_dtype_widened(int64_t type) { return known(type) && types[type].widened; }
fv_dtype fvi_onnx_dtype_declared(int64_t type) { return type == 10 ? FV_F16 : type == 11 ? FV_F64 : type == 16 ? FV_BF16 : FV_NONE; }

static fv_status read_external_entry(fvi_onnx *o, fvi_span s, proto *t)
{
    fvi_field f;
    fvi_span key = {0}, value = {0};
    bool more;
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "an external data entry", &more));
        if (!more) break;
        if (f.type != FVI_WIRE_BYTES) continue;
        if (f.number == 1) key = f.bytes;
        if (f.number == 2) value = f.bytes;
    }
    bool offset = key.n == 6 && memcmp(key.p, "offset", 6) == 0, length = key.n == 6 && memcmp(key.p, "length", 6) == 0;
    if (key.n == 8 && memcmp(key.p, "location", 8) == 0) t->location = value;
    if (!offset && !length) return FV_OK;
    uint64_t number = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9' || number > UINT64_MAX / 16)
            return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "an external data entry has an offset or length that is no number");
        number = number * 10 + (uint64_t)(value.p[i] - '0');
    }
    *(offset ? &t->offset : &t->length) = number;
    return FV_OK;
}

static fv_status read_proto(fvi_onnx *o, fvi_span s, proto *t)
{
    fvi_field f;
    bool more;
    *t = (proto){.length = UINT64_MAX, .typed = s};
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "a tensor", &more));
        if (!more) return FV_OK;
        switch (f.number) {
        case 1: FVI_TRY(fvi_onnx_ints(o, &f, t->dim, &t->rank, FV_MAX_RANK, "a tensor's dims")); break;
        case 2: t->type = (int64_t)f.value; break;
        case 4: case 5: case 7: case 10: case 11: t->has_typed = true; break;
        case 6: t->has_strings = true; break;
        case 8: t->name = f.bytes; break;
        case 9:
            t->raw = f.bytes;
            t->has_raw = true;
            break;
        case 13:
            if (f.type == FVI_WIRE_BYTES) FVI_TRY(read_external_entry(o, f.bytes, t));
            break;
        case 14: t->external = f.value == 1; break;
        default: break;
        }
    }
}

static float widen(int64_t type, const uint8_t *p)
{
    uint16_t h;
    double d;
    if (type == 11) {
        memcpy(&d, p, 8);
        return (float)d;
    }
    memcpy(&h, p, 2);
    return type == 10 ? fvi_half_to_float(h) : fvi_bfloat_to_float(h);
}

static fv_status copy_room(fvi_onnx *o, uint64_t bytes, void **out)
{
    if (bytes > o->copy_budget)
        return fvi_error_set(o->err, FV_ERR_LIMIT, "the model's tensors need more memory than its files can hold");
    o->copy_budget -= bytes;
    *out = fvi_arena_alloc(o->g->arena, bytes ? (size_t)bytes : 1);
    return *out ? FV_OK : fvi_onnx_memory(o);
}

static fv_status from_raw(fvi_onnx *o, const proto *t, fvi_span raw, int64_t count, fvi_value *v, const char *name)
{
    size_t size = (size_t)types[t->type].bytes, want;
    if (!fvi_mul_size((size_t)count, size, &want) || raw.n != want)
        return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT,
                             "tensor \"%.120s\" has %zu bytes of data, its shape needs %zu", name, raw.n, want);
    if (!types[t->type].widened && (uintptr_t)raw.p % size == 0) {
        v->constant = raw.p;
        return FV_OK;
    }
    void *data;
    FVI_TRY(copy_room(o, (uint64_t)count * fv_dtype_size(v->dtype), &data));
    v->constant = data;
    if (types[t->type].widened)
        for (int64_t i = 0; i < count; i++) ((float *)data)[i] = widen(t->type, raw.p + (size_t)i * size);
    else if (raw.n)
        memcpy(data, raw.p, raw.n);
    return FV_OK;
}

/* Field that holds a type's values when they are not raw. */
static uint32_t typed_field(int64_t type)
{
    return type == 1 ? 4 : type == 7 ? 7 : type == 11 ? 10 : type == 12 || type == 13 ? 11 : 5;
}

static void store(int64_t type, void *data, int64_t i, uint64_t x)
{
    uint16_t h = (uint16_t)x;
    switch (type) {
    case 2: case 3: case 9: ((uint8_t *)data)[i] = (uint8_t)x; break;
    case 4: case 5: ((uint16_t *)data)[i] = h; break;
    case 1: case 6: case 12: ((uint32_t *)data)[i] = (uint32_t)x; break;
    case 7: case 13: ((uint64_t *)data)[i] = x; break;
    case 11: ((float *)data)[i] = widen(type, (const uint8_t *)&x); break;
    default: ((float *)data)[i] = widen(type, (const uint8_t *)&h);
    }
}

/* float_data, int32_data, …: packed or one by one. Every element takes a byte of the file at least. */
static fv_status from_typed(fvi_onnx *o, const proto *t, int64_t count, fvi_value *v, const char *name)
{
    fvi_span s = t->typed;
    fvi_field f;
    bool more;
    void *data;
    int64_t i = 0;
    uint32_t field = typed_field(t->type);
    int fixed = t->type == 1 ? 4 : t->type == 11 ? 8 : 0;
    if ((uint64_t)count > s.n)
        return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "tensor \"%.120s\" has less data than its shape needs", name);
    FVI_TRY(copy_room(o, (uint64_t)count * fv_dtype_size(v->dtype), &data));
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "a tensor", &more));
        if (!more) break;
        if (f.number != field) continue;
        if (f.type != FVI_WIRE_BYTES) {
            if (i < count) store(t->type, data, i, f.value);
            i++;
            continue;
        }
        while (f.bytes.n > 0) {
            uint64_t x = 0;
            if (fixed && f.bytes.n < (size_t)fixed)
                return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "tensor \"%.120s\" has damaged data", name);
            if (fixed) {
                memcpy(&x, f.bytes.p, (size_t)fixed);
                f.bytes.p += fixed;
                f.bytes.n -= (size_t)fixed;
            } else if (!fvi_wire_varint(&f.bytes, &x)) {
                return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "tensor \"%.120s\" has damaged data", name);
            }
            if (i < count) store(t->type, data, i, x);
            i++;
        }
    }
    if (i != count)
        return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "tensor \"%.120s\" has %lld values, its shape needs %lld",
                             name, (long long)i, (long long)count);
    v->constant = data;
    return FV_OK;
}

fv_status fvi_onnx_tensor(fvi_onnx *o, fvi_span s, fvi_value *v, fvi_span *name)
{
    proto t;
    char label[128];
    int64_t count = 1;
    FVI_TRY(read_proto(o, s, &t));
    *name = t.name;
    size_t n = t.name.n < sizeof label - 1 ? t.name.n : sizeof label - 1;
    if (n) memcpy(label, t.name.p, n);
    label[n] = 0;
    v->dtype = fvi_onnx_dtype(t.type);
    if (v->dtype == FV_NONE || t.has_strings)
        return fvi_error_set(o->err, FV_ERR_UNSUPPORTED, "tensor \"%.120s\" is of type %s, which is not supported",
                             label, fvi_onnx_dtype_name(t.type));
    for (int i = 0; i < t.rank; i++)
        if (t.dim[i] < 0 || !fvi_mul_i64(count, t.dim[i], &count) || count > FVI_ONNX_MAX_DIM)
            return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "tensor \"%.120s\" has an impossible shape", label);
    v->rank = t.rank;
    memcpy(v->dim, t.dim, sizeof v->dim);
    if (fvi_onnx_dtype_widened(t.type)) o->widened++;
    if (t.external) {
        uint64_t want = (uint64_t)count * (uint64_t)types[t.type].bytes;
        if (t.length == UINT64_MAX) t.length = want;
        FVI_TRY(fvi_onnx_external(o, label, t.location, t.offset, t.length, &t.raw));
        return from_raw(o, &t, t.raw, count, v, label);
    }
    if (t.has_raw) return from_raw(o, &t, t.raw, count, v, label);
    return from_typed(o, &t, count, v, label);
}
