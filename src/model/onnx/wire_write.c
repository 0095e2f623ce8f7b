/* wire_write.c: tags, varints and nesting of protobuf messages. */
#include "model/onnx/wire_write.h"
#include "base/alloc.h"
#include <string.h>

#define SMALL 256 /* bytes up to which data is copied rather than pointed to */

static void add_part(fvi_wire_out *o, const void *data, size_t size)
{
    o->size += size;
    if (!data && o->n && !o->part[o->n - 1].data) {
        o->part[o->n - 1].size += size;
        return;
    }
    if (o->failed || !fvi_grow((void **)&o->part, o->n, &o->cap, sizeof *o->part)) {
        o->failed = true;
        return;
    }
    o->part[o->n++] = (fvi_file_part){data, size};
}

static void put(fvi_wire_out *o, const void *data, size_t size)
{
    fvi_str_addn(&o->small, data, size);
    add_part(o, NULL, size);
}

static void put_varint(fvi_wire_out *o, uint64_t v)
{
    uint8_t b[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) b[n++] = (uint8_t)(v | 0x80);
    b[n++] = (uint8_t)v;
    put(o, b, n);
}

static void put_tag(fvi_wire_out *o, uint32_t field, uint32_t type) { put_varint(o, (uint64_t)field << 3 | type); }

void fvi_wire_put_int(fvi_wire_out *o, uint32_t field, int64_t v)
{
    put_tag(o, field, 0);
    put_varint(o, (uint64_t)v);
}

void fvi_wire_put_float(fvi_wire_out *o, uint32_t field, float v)
{
    put_tag(o, field, 5);
    put(o, &v, 4);
}

void fvi_wire_put_raw(fvi_wire_out *o, const void *data, size_t size)
{
    if (size > SMALL)
        add_part(o, data, size);
    else if (size)
        put(o, data, size);
}

void fvi_wire_put_bytes(fvi_wire_out *o, uint32_t field, const void *data, size_t size)
{
    put_tag(o, field, 2);
    put_varint(o, size);
    fvi_wire_put_raw(o, data, size);
}

void fvi_wire_put_text(fvi_wire_out *o, uint32_t field, const char *s)
{
    size_t n = strlen(s);
    put_tag(o, field, 2);
    put_varint(o, n);
    if (n) put(o, s, n);
}

void fvi_wire_put_message(fvi_wire_out *o, uint32_t field, fvi_wire_out *m)
{
    size_t at = 0;
    o->failed |= m->failed | m->small.failed;
    put_tag(o, field, 2);
    put_varint(o, m->size);
    for (size_t i = 0; i < m->n && !o->failed; i++) {
        if (m->part[i].data) {
            add_part(o, m->part[i].data, m->part[i].size);
        } else {
            put(o, m->small.s + at, m->part[i].size);
            at += m->part[i].size;
        }
    }
    fvi_wire_out_free(m);
}

bool fvi_wire_parts(fvi_wire_out *o)
{
    size_t at = 0;
    if (o->failed || o->small.failed) return false;
    for (size_t i = 0; i < o->n; i++) {
        if (o->part[i].data) continue;
        o->part[i].data = o->small.s + at;
        at += o->part[i].size;
    }
    return true;
}

void fvi_wire_out_free(fvi_wire_out *o)
{
    fvi_str_free(&o->small);
    fvi_free(o->part);
    *o = (fvi_wire_out){0};
}
